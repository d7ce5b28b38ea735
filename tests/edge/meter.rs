//! The meter: who is let in how often, and who cannot be let in more often by any trick.

use std::fs;

use reqwest::Method;
use tokio::task::JoinSet;

use crate::access::{build_site, reader};
use crate::browser::{Browser, PASSWORD};
use crate::support::{TestEdge, quick};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const SAFARI: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) AppleWebKit/605 Version/18.0 Safari/604";

/// A site with metered pages `/m0/` to `/m29/`, each with a file beside it.
async fn site(meter: &str) -> TestEdge {
    let folder = tempfile::tempdir().unwrap();
    let put = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("littoral.yaml", &format!("title: Tides\nsearch: false\nedge: {{ meter: {meter} }}\n"));
    put("content/_index.md", "# Home\n");
    put("content/public.md", "# Public\n\nFor all.\n");
    put("content/m/_index.md", "---\ntitle: M\naccess: metered\nslug: m\n---\n");
    for number in 0..30 {
        let text = format!("---\ntitle: M{number}\nurl: /m{number}/\n---\nThe secret of {number}.\n");
        put(&format!("content/m/{number}/index.md"), &text);
        put(&format!("content/m/{number}/file.txt"), &format!("The secret file of {number}."));
    }
    build_site(folder.path());
    TestEdge::serve(folder, quick()).await
}

fn person<'e>(edge: &'e TestEdge, agent: &str) -> Browser<'e> {
    let mut browser = Browser::new(edge);
    browser.headers = vec![("user-agent", agent.to_owned())];
    browser
}

async fn reads(browser: &mut Browser<'_>, path: &str) -> bool {
    let answer = browser.get(path).await;
    assert_eq!(answer.status, 200, "{path}");
    assert_eq!(answer.headers["cache-control"], "private, no-store", "{path}");
    let is_whole = answer.body.contains("The secret of");
    assert_ne!(is_whole, answer.body.contains("class=\"invitation"), "{path}: {}", answer.body);
    is_whole
}

fn count(edge: &TestEdge, table: &str) -> String {
    edge.ask_store(&format!("SELECT CAST(count(*) AS TEXT) FROM littoral_meter_{table}")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_reads_what_is_free_again_and_again_and_no_more() {
    let edge = site("{ free: 2 }").await;
    let mut ann = person(&edge, FIREFOX);
    ann.get("/public/").await;
    assert!(ann.cookies.is_empty(), "what is for everybody sets no cookie");
    assert!(reads(&mut ann, "/m0/").await);
    let cookie = ann.cookies["littoral-meter"].clone();
    assert_eq!(cookie.len(), 64);
    assert!(reads(&mut ann, "/m1/").await && !reads(&mut ann, "/m2/").await && !reads(&mut ann, "/m3/").await);
    assert!(reads(&mut ann, "/m0/").await && reads(&mut ann, "/m1/").await, "what was read stays readable");
    assert_eq!((&ann.cookies["littoral-meter"], ann.cookies.len()), (&cookie, 1));
    assert_eq!((count(&edge, "visitor"), count(&edge, "period")), ("2".to_owned(), "1".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_is_hidden_from_scripts_and_set_by_what_is_read_only() {
    let edge = site("{ free: 1 }").await;
    let mut ann = person(&edge, FIREFOX);
    let first = ann.get("/m0/").await;
    let [cookie] = first.set_cookies.as_slice() else { panic!("{:?}", first.set_cookies) };
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Max-Age="), "{cookie}");
    assert!(ann.get("/m1/").await.set_cookies.is_empty());
    let mut bob = person(&edge, FIREFOX);
    bob.headers.push(("host", "tides.example".to_owned()));
    let answer = bob.get("/m0/").await;
    assert!(answer.set_cookies[0].starts_with("__Host-littoral-meter=") && answer.set_cookies[0].contains("; Secure"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_looks_at_is_neither_shown_nor_counted() {
    let edge = site("{ free: 2 }").await;
    for header in [
        ("range", "bytes=0-"),
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
    ] {
        let mut ann = person(&edge, FIREFOX);
        ann.headers.push((header.0, header.1.to_owned()));
        let answer = ann.get("/m0/").await;
        assert!(!answer.body.contains("The secret") && answer.set_cookies.is_empty(), "{header:?}");
    }
    for agent in ["Googlebot/2.1 (+http://www.google.com/bot.html)", "", "my-crawler"] {
        assert!(!reads(&mut person(&edge, agent), "/m0/").await, "{agent}");
    }
    let head = edge.request(Method::HEAD, "/m0/").header("user-agent", FIREFOX).send().await.unwrap();
    assert!(head.headers().get("set-cookie").is_none());
    assert_eq!((count(&edge, "visitor"), count(&edge, "network")), ("0".to_owned(), "0".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_clears_their_cookies_comes_to_an_end_and_keeps_no_other_browser_out() {
    let edge = site("{ free: 2 }").await;
    let mut let_in = 0;
    for number in 0..30 {
        let mut nobody = person(&edge, FIREFOX);
        let_in += usize::from(reads(&mut nobody, &format!("/m{number}/")).await);
    }
    assert_eq!(let_in, 20, "ten times what is free");
    assert!(reads(&mut person(&edge, SAFARI), "/m0/").await);
    // An account is counted by itself, wherever it reads.
    let mut member = reader(&edge, "free").await;
    member.headers = vec![("user-agent", FIREFOX.to_owned())];
    assert!(reads(&mut member, "/m0/").await);
    // No address and no name of a page is beside the count.
    let columns = edge.ask_store("SELECT CAST(count(*) AS TEXT) FROM littoral_meter_network WHERE reads > 0").unwrap();
    assert_eq!(columns, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_cookie_is_a_visitor_who_has_read_nothing_and_no_other() {
    let edge = site("{ free: 1 }").await;
    let mut ann = person(&edge, FIREFOX);
    assert!(reads(&mut ann, "/m0/").await && !reads(&mut ann, "/m1/").await);
    let digest = edge.ask_store("SELECT CAST(length(visitor) AS TEXT) FROM littoral_meter_visitor").unwrap();
    assert_eq!(digest, "32", "the store has a digest, of no use as a cookie");
    for forged in ["0".repeat(64), "zz".repeat(32), String::new(), "a".repeat(5_000), "'; --".to_owned()] {
        let mut eve = person(&edge, SAFARI);
        eve.cookies.insert("littoral-meter".to_owned(), forged.clone());
        let answer = eve.get("/m0/").await;
        assert!(answer.status < 500, "{forged}");
    }
    assert!(!reads(&mut ann, "/m1/").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_requests_at_once_no_more_are_let_in_than_are_free() {
    let edge = site("{ free: 3 }").await;
    let mut visitor = person(&edge, FIREFOX);
    assert!(reads(&mut visitor, "/m0/").await);
    let member = reader(&edge, "free").await;
    for (browser, free) in [(&visitor, 2), (&member, 3)] {
        let cookies =
            browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let mut asking = JoinSet::new();
        for number in 1..30 {
            let request = edge.request(Method::GET, &format!("/m{number}/"));
            let request = request.header("cookie", &cookies).header("user-agent", FIREFOX);
            asking.spawn(async move { request.send().await.unwrap().text().await.unwrap().contains("The secret of") });
        }
        assert_eq!(asking.join_all().await.into_iter().filter(|is_whole| *is_whole).count(), free);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_visitor_has_read_counts_for_the_account_they_sign_in_to() {
    let edge = site("{ free: 2 }").await;
    let mut ann = person(&edge, FIREFOX);
    assert!(reads(&mut ann, "/m0/").await && reads(&mut ann, "/m1/").await);
    ann.register("ann@example.org").await;
    assert!(ann.session().is_some());
    assert!(!reads(&mut ann, "/m2/").await && reads(&mut ann, "/m0/").await);
    // The account, elsewhere.
    let mut phone = person(&edge, SAFARI);
    phone.log_in("ann@example.org", PASSWORD).await;
    assert!(reads(&mut phone, "/m1/").await && !reads(&mut phone, "/m2/").await);
    // Signing out begins nothing anew.
    let token = ann.get("/account").await.token();
    ann.post("/logout", &[("csrf", &token)]).await;
    assert!(ann.session().is_none());
    assert!(!reads(&mut ann, "/m2/").await && reads(&mut ann, "/m1/").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pays_is_not_counted_and_visitors_may_have_nothing_free() {
    let edge = site("{ free: 1, free_for_visitors: false, period: day }").await;
    assert!(!reads(&mut person(&edge, FIREFOX), "/m0/").await);
    let mut member = reader(&edge, "free").await;
    member.headers = vec![("user-agent", FIREFOX.to_owned())];
    assert!(reads(&mut member, "/m0/").await && !reads(&mut member, "/m1/").await);
    for kind in ["paid", "editor"] {
        let mut browser = reader(&edge, kind).await;
        for number in 0..5 {
            assert!(reads(&mut browser, &format!("/m{number}/")).await, "{kind} {number}");
        }
    }
    assert_eq!((count(&edge, "member"), count(&edge, "visitor")), ("1".to_owned(), "0".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_beside_a_metered_page_comes_with_the_page() {
    let edge = site("{ free: 1 }").await;
    let mut ann = person(&edge, FIREFOX);
    assert_eq!(ann.get("/m0/file.txt").await.status, 404);
    assert!(reads(&mut ann, "/m0/").await);
    let file = ann.get("/m0/file.txt").await;
    assert_eq!((file.status, file.body.as_str()), (200, "The secret file of 0."));
    assert_eq!(file.headers["cache-control"], "private, no-store");
    assert_eq!(ann.get("/m1/file.txt").await.status, 404);
    let mut other = person(&edge, FIREFOX);
    assert_eq!(other.get("/m0/file.txt").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_banner_says_how_many_are_left_counting_the_one_it_stands_on() {
    let edge = site("{ free: 2, period: week }").await;
    let mut ann = person(&edge, FIREFOX);
    for (path, said) in
        [("/m0/", "1 of 2 free texts left this week"), ("/m1/", "0 of 2"), ("/m2/", "0 of 2"), ("/m0/", "0 of 2")]
    {
        let page = ann.get(path).await.body;
        assert!(page.contains(said), "{path}: {page}");
    }
    assert!(ann.get("/_/fragment/meter").await.body.contains("0 of 2"));
    let mut paid = reader(&edge, "paid").await;
    assert!(!paid.get("/m0/").await.body.contains("free texts left"));
    assert!(!ann.get("/public/").await.body.contains("free texts left"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_goes_takes_what_was_counted_along() {
    let edge = site("{ free: 2 }").await;
    let mut ann = reader(&edge, "free").await;
    ann.headers = vec![("user-agent", FIREFOX.to_owned())];
    assert!(reads(&mut ann, "/m0/").await);
    assert_eq!(count(&edge, "member"), "1");
    let address = littoral::store::EmailAddress::parse("free@example.org").unwrap();
    let store = edge.edge.store().unwrap();
    let (member, _) = store.member_by_email(&address).await.unwrap().unwrap();
    store.delete_member(member.id, jiff::Timestamp::now()).await.unwrap();
    assert_eq!(count(&edge, "member"), "0");
}
