//! The newsletter: an address is confirmed before a letter comes, and leaves by one click.

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use littoral::build::asset::Naming;
use littoral::build::model::Drafts;
use littoral::build::sources::Folder;
use littoral::build::{Request, build};
use littoral::edge::newsletter;
use littoral::site::audience::Role;
use littoral::site::newsletter::Segment;
use littoral::site::release::{Access, CacheClass, Shelf};
use littoral::store::{EmailAddress, NewSubscriber};
use reqwest::Method;
use serde_json::Value;

use crate::browser::{Browser, encode};
use crate::support::{PATIENCE, Release, TestEdge, quick};

fn open(site: &mut Release) {
    site.manifest.site.edge.newsletter.open = true;
    // Nobody listens there: what is sent stays in the outbox, where the tests read it.
    site.manifest.site.edge.mail.server = "127.0.0.1:9".to_owned();
    site.manifest.site.edge.mail.security = littoral::site::mail::Security::None;
}

fn open_with_topics(site: &mut Release) {
    open(site);
    let topics = [("tides", "Tide tables"), ("boats", "Boats & harbours")];
    site.manifest.site.edge.newsletter.topics = topics.map(|(name, title)| (name.to_owned(), title.to_owned())).into();
}

/// A page that can be sent as a letter.
fn letter(site: &mut Release, path: &str, title: &str, text: &str) {
    site.page(path, text);
    site.title(path, title);
    site.file(&format!("/_/letter{path}"), "text/html; charset=utf-8", CacheClass::Revalidate, text.as_bytes());
    site.manifest.entries.last_mut().unwrap().access = Access::Internal;
}

/// The last letter to an address, as it stands in the outbox.
fn letter_to(edge: &TestEdge, address: &str) -> Option<Value> {
    let found = edge.ask_store(&format!(
        "SELECT payload FROM littoral_outbox WHERE kind = 'mail' AND payload LIKE '{{\"to\":\"{address}\"%'
             ORDER BY created_at DESC LIMIT 1"
    ));
    found.map(|payload| serde_json::from_str(&payload).unwrap())
}

fn count(edge: &TestEdge, what: &str) -> i64 {
    edge.ask_store(&format!("SELECT CAST(COUNT(*) AS TEXT) FROM {what}")).unwrap().parse().unwrap()
}

/// The path of the first link to `start` in the text of a letter.
fn link(letter: &Value, start: &str) -> String {
    let text = letter["text"].as_str().unwrap();
    let from = text.find(start).unwrap_or_else(|| panic!("no link to {start} in {text}"));
    text[from..].split_whitespace().next().unwrap().to_owned()
}

async fn ask(edge: &TestEdge, address: &str) -> u16 {
    Browser::new(edge).submit("/newsletter", "/newsletter", &[("email", address)]).await.status
}

/// Asks for the newsletter and confirms, as the owner of the mailbox does.
async fn subscribe(edge: &TestEdge, address: &str, topics: &[&str]) {
    let mut browser = Browser::new(edge);
    let names: Vec<String> = topics.iter().map(|topic| format!("topic-{topic}")).collect();
    let mut fields = vec![("email", address)];
    fields.extend(names.iter().map(|name| (name.as_str(), "on")));
    assert_eq!(browser.submit("/newsletter", "/newsletter", &fields).await.location, "/newsletter?done=asked");
    let link = link(&letter_to(edge, address).unwrap(), "/newsletter/confirm");
    let token = link.split_once('=').unwrap().1.to_owned();
    let done = browser.submit(&link, "/newsletter/confirm", &[("token", &token)]).await;
    assert_eq!(done.location, "/newsletter?done=confirmed");
}

async fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{what}"));
}

/// Sends `page` as the command line does, and waits until all letters are in the outbox.
async fn send(edge: &TestEdge, page: &str, segment: Segment) {
    let issue = newsletter::issue(&Shelf::of(edge.folder.path()), &edge.edge.release(), page, segment).unwrap();
    edge.edge.store().unwrap().send_issue(issue, Timestamp::now()).await.unwrap();
    wait_until("the issue must be finished", || count(edge, "littoral_issue WHERE finished_at IS NULL") == 0).await;
}

fn sent(edge: &TestEdge) -> i64 {
    count(edge, "littoral_outbox WHERE address = 'bulk'")
}

fn impatient() -> littoral::edge::Options {
    let mut options = quick();
    options.deliveries.look_every = std::time::Duration::from_millis(5);
    options
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_without_a_newsletter_has_no_such_page() {
    let edge = TestEdge::start().await;
    for path in ["/newsletter", "/newsletter/confirm?token=1", "/newsletter/leave?token=1"] {
        assert_eq!(edge.get(path).await.status(), 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_from_elsewhere_is_shown_again_and_nobody_is_written_to() {
    let edge = TestEdge::with(quick(), open).await;
    let mut browser = Browser::new(&edge);
    browser.headers.push(("origin", "https://evil.example".to_owned()));
    let answer = browser.post("/newsletter", &[("email", "ann@example.org")]).await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("value=\"ann@example.org\""), "what was typed is kept: {}", answer.body);
    assert_eq!(letter_to(&edge, "ann@example.org"), None);
    // From the page that came back it goes.
    browser.headers.clear();
    let token = answer.token();
    let answer = browser.post("/newsletter", &[("email", "ann@example.org"), ("csrf", &token)]).await;
    assert_eq!(answer.location, "/newsletter?done=asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_in_a_static_page_is_taken_when_the_browser_says_where_it_comes_from() {
    let edge = TestEdge::with(quick(), open).await;
    let mut browser = Browser::new(&edge);
    browser.headers.push(("sec-fetch-site", "same-origin".to_owned()));
    let answer = browser.post("/newsletter", &[("email", "ann@example.org"), ("more_about_you", "")]).await;
    assert_eq!(answer.location, "/newsletter?done=asked");
    assert!(browser.cookies.is_empty(), "asking sets no cookie");
    let trapped = browser.post("/newsletter", &[("email", "bob@example.org"), ("more_about_you", "x")]).await;
    assert_eq!((trapped.status, letter_to(&edge, "bob@example.org")), (422, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_address_is_refused_beside_the_field() {
    let edge = TestEdge::with(quick(), open).await;
    let long = format!("{}@example.org", "a".repeat(300));
    for wrong in ["", "gull", "a@b@c.org", "ann@example.org\r\nBcc: eve@example.org", &long] {
        let answer = Browser::new(&edge).submit("/newsletter", "/newsletter", &[("email", wrong)]).await;
        assert_eq!(answer.status, 422, "{wrong}");
        assert!(answer.body.contains("id=\"newsletter-error\""), "{}", answer.body);
    }
    assert_eq!(count(&edge, "littoral_outbox"), 0);
    for body in ["email=a%40example.org&email=b%40example.org", "email=%FF", "email=%00"] {
        let mut browser = Browser::new(&edge);
        browser.headers.push(("sec-fetch-site", "same-origin".to_owned()));
        assert_eq!(browser.post_body("/newsletter", body).await.status, 400, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_comes_before_the_link_in_the_letter_was_followed_and_confirmed() {
    let edge = TestEdge::with(impatient(), |site| {
        open(site);
        letter(site, "/docs/", "Low water", "<p>At six.</p>");
    })
    .await;
    assert_eq!(ask(&edge, "ann@example.org").await, 303);
    let asked = letter_to(&edge, "ann@example.org").unwrap();
    let link = link(&asked, "/newsletter/confirm");
    // A program that opens links confirms nothing.
    assert_eq!(edge.get(&link).await.status(), 200);
    send(&edge, "/docs/", Segment::All).await;
    assert_eq!(sent(&edge), 0);
    // Somebody else's link, a cut one, none.
    let cut = &link[..link.len() - 1];
    for wrong in [cut, "/newsletter/confirm?token=", "/newsletter/confirm"] {
        assert_eq!(edge.get(wrong).await.status(), 422, "{wrong}");
    }
    let mut browser = Browser::new(&edge);
    let token = link.split_once('=').unwrap().1.to_owned();
    assert_eq!(browser.post("/newsletter/confirm", &[("token", &token)]).await.status, 403, "a form of this site");
    let done = browser.submit(&link, "/newsletter/confirm", &[("token", &token)]).await;
    assert_eq!(done.location, "/newsletter?done=confirmed");
    // A second click does no harm.
    let again = browser.submit(&link, "/newsletter/confirm", &[("token", &token)]).await;
    assert_eq!(again.location, "/newsletter?done=confirmed");
    send(&edge, "/docs/", Segment::All).await;
    assert_eq!(sent(&edge), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_address_gets_the_same_answer_and_another_letter() {
    let edge = TestEdge::with(quick(), open).await;
    subscribe(&edge, "ann@example.org", &[]).await;
    let answers = ["ann@example.org", "bob@example.org"].map(async |address| {
        let mut browser = Browser::new(&edge);
        let answer = browser.submit("/newsletter", "/newsletter", &[("email", address)]).await;
        (answer.status, answer.location, answer.body, browser.cookies.keys().cloned().collect::<Vec<_>>())
    });
    let [known, unknown] = answers;
    assert_eq!(known.await, unknown.await);
    let letter = letter_to(&edge, "ann@example.org").unwrap();
    assert!(letter["subject"].as_str().unwrap().contains("already"), "{letter}");
    let page = edge.get(&link(&letter, "/newsletter/leave")).await.text().await.unwrap();
    assert!(page.contains("ann@example.org"), "the link is the owner's: {page}");
    let letter = letter_to(&edge, "bob@example.org").unwrap();
    assert!(letter["subject"].as_str().unwrap().starts_with("Confirm"), "{letter}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobodys_mailbox_is_filled_by_asking() {
    let edge = TestEdge::with(quick(), open).await;
    for _ in 0..2 {
        assert_eq!(ask(&edge, "ann@example.org").await, 303);
    }
    // The same address in other letters, too.
    assert_eq!(ask(&edge, "Ann@Example.org").await, 303);
    assert_eq!(ask(&edge, "ann@example.org").await, 429);
    assert_eq!(count(&edge, "littoral_outbox"), 3);
    assert_eq!(ask(&edge, "bob@example.org").await, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_link_takes_the_place_of_an_older_one_and_an_old_one_is_out_of_date() {
    let edge = TestEdge::with(quick(), open).await;
    ask(&edge, "ann@example.org").await;
    let first = link(&letter_to(&edge, "ann@example.org").unwrap(), "/newsletter/confirm");
    ask(&edge, "ann@example.org").await;
    let second = link(&letter_to(&edge, "ann@example.org").unwrap(), "/newsletter/confirm");
    assert_eq!(edge.get(&first).await.status(), 422);
    assert_eq!(edge.get(&second).await.status(), 200);
    // In eight days.
    let later = Timestamp::now() + jiff::SignedDuration::from_hours(8 * 24);
    edge.edge.store().unwrap().sweep(later).await.unwrap();
    assert_eq!(edge.get(&second).await.status(), 422);
    assert_eq!(count(&edge, "littoral_subscriber"), 0, "who has not confirmed is forgotten");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_program_ends_it_by_one_click_without_a_cookie() {
    let edge = TestEdge::with(impatient(), |site| {
        open(site);
        letter(site, "/docs/", "Low water", "<p>At six.</p>");
    })
    .await;
    subscribe(&edge, "ann@example.org", &[]).await;
    send(&edge, "/docs/", Segment::All).await;
    let issue = letter_to(&edge, "ann@example.org").unwrap();
    let header = |name: &str| {
        let all = issue["headers"].as_array().unwrap();
        all.iter().find(|header| header[0] == name).map(|header| header[1].as_str().unwrap().to_owned())
    };
    assert_eq!(header("List-Unsubscribe-Post").as_deref(), Some("List-Unsubscribe=One-Click"));
    let address = header("List-Unsubscribe").unwrap();
    let path = address.strip_prefix("<http://localhost").unwrap().strip_suffix('>').unwrap().to_owned();
    // Opened, it changes nothing, and shows a button.
    let page = edge.get(&path).await.text().await.unwrap();
    assert!(page.contains("action=\"/newsletter/leave\""), "{page}");
    assert_eq!(count(&edge, "littoral_subscriber WHERE state = 'subscribed'"), 1);
    // Another's token leaves Ann alone.
    let other = format!("{}0", &path[..path.len() - 1]);
    let one_click = async |path: &str| {
        let request = edge.request(Method::POST, path).header("content-type", "application/x-www-form-urlencoded");
        request.body("List-Unsubscribe=One-Click").send().await.unwrap().status().as_u16()
    };
    if other != path {
        assert_eq!(one_click(&other).await, 422);
    }
    for wrong in ["/newsletter/leave", "/newsletter/leave?token=", "/newsletter/leave?token=a&token=b"] {
        assert_eq!(one_click(wrong).await, 422, "{wrong}");
    }
    assert_eq!(count(&edge, "littoral_subscriber WHERE state = 'subscribed'"), 1);
    assert_eq!(one_click(&path).await, 200);
    assert_eq!(one_click(&path).await, 200, "twice is once");
    assert_eq!(count(&edge, "littoral_subscriber WHERE state = 'left'"), 1);
    let before = sent(&edge);
    send(&edge, "/docs/", Segment::All).await;
    assert_eq!(sent(&edge), before);
    // The link that had confirmed the address does not bring it back.
    let confirm = edge.ask_store("SELECT CAST(COUNT(confirm) AS TEXT) FROM littoral_subscriber");
    assert_eq!(confirm.as_deref(), Some("0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_button_on_the_page_ends_it_too() {
    let edge = TestEdge::with(quick(), open).await;
    subscribe(&edge, "ann@example.org", &[]).await;
    ask(&edge, "ann@example.org").await;
    let link = link(&letter_to(&edge, "ann@example.org").unwrap(), "/newsletter/leave");
    let token = link.split_once('=').unwrap().1;
    let body = encode(&[("token", token)]);
    let answer = Browser::new(&edge).post_body("/newsletter/leave", body).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("You have left"), "{}", answer.body);
    assert!(edge.get(&link).await.text().await.unwrap().contains("No letters go to"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_the_page_with_whole_addresses_in_our_frame_and_as_text() {
    let edge = TestEdge::with(impatient(), |site| {
        open(site);
        site.manifest.site.base_url = "https://shore.example/".to_owned();
        let text = "<p>Low <a href=\"/docs/\">water</a> at <img src=\"six.png\" alt=\"six\">.</p><script>x()</script>";
        letter(site, "/docs/", "Low & dry", text);
    })
    .await;
    subscribe(&edge, "ann@example.org", &[]).await;
    send(&edge, "/docs/", Segment::All).await;
    let issue = letter_to(&edge, "ann@example.org").unwrap();
    assert_eq!(issue["subject"], "Low & dry");
    let html = issue["html"].as_str().unwrap().replace("&#x3D;", "=");
    for part in [
        "<a href=\"https://shore.example/docs/\">water</a>",
        "src=\"https://shore.example/docs/six.png\"",
        "Low &amp; dry",
        "<a href=\"https://shore.example/newsletter/leave?token=",
        "<!doctype html>",
    ] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
    assert!(!html.contains("script") && !html.contains("LITTORAL-TOKEN"), "{html}");
    let text = issue["text"].as_str().unwrap();
    assert!(text.contains("Low water <https://shore.example/docs/> at [six] ."), "{text}");
    assert!(text.contains("No more letters: https://shore.example/newsletter/leave?token="), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_by_topic_goes_to_those_who_chose_it_and_one_by_tier_to_its_members() {
    let edge = TestEdge::with(impatient(), |site| {
        open_with_topics(site);
        letter(site, "/docs/", "Low water", "<p>At six.</p>");
    })
    .await;
    subscribe(&edge, "ann@example.org", &["tides"]).await;
    subscribe(&edge, "bob@example.org", &["boats", "tides"]).await;
    subscribe(&edge, "cat@example.org", &[]).await;
    Browser::new(&edge).register("cat@example.org").await;
    let store = edge.edge.store().unwrap();
    let cat = EmailAddress::parse("cat@example.org").unwrap();
    store.set_tier(&cat, Some("paid".parse().unwrap())).await.unwrap();
    for (segment, expected) in [("tag:boats", 1), ("tag:tides", 2), ("tier:paid", 1), ("tier:free", 1), ("all", 3)] {
        let before = sent(&edge);
        send(&edge, "/docs/", segment.parse().unwrap()).await;
        assert_eq!(sent(&edge) - before, expected, "{segment}");
    }
    // An editor reads all that paying members do.
    store.set_tier(&cat, None).await.unwrap();
    store.set_role(&cat, Role::Editor).await.unwrap();
    let before = sent(&edge);
    send(&edge, "/docs/", "tier:paid".parse().unwrap()).await;
    assert_eq!(sent(&edge) - before, 1);
    let shelf = Shelf::of(edge.folder.path());
    for wrong in ["tag:gulls", "tier:gold"] {
        let refused = newsletter::issue(&shelf, &edge.edge.release(), "/docs/", wrong.parse().unwrap());
        assert!(refused.unwrap_err().to_string().contains("there are"), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_chosen_anew_by_the_link_in_a_letter() {
    let edge = TestEdge::with(quick(), open_with_topics).await;
    subscribe(&edge, "ann@example.org", &["tides"]).await;
    ask(&edge, "ann@example.org").await;
    let link = link(&letter_to(&edge, "ann@example.org").unwrap(), "/newsletter/leave");
    let token = link.split_once('=').unwrap().1;
    let page = edge.get(&link).await.text().await.unwrap();
    assert!(page.contains("name=\"topic-tides\" value=\"on\" checked"), "{page}");
    assert!(!page.contains("name=\"topic-boats\" value=\"on\" checked"), "{page}");
    // A topic that there is not is none.
    let fields = [("token", token), ("topic-boats", "on"), ("topic-gulls", "on")];
    let answer = Browser::new(&edge).post("/newsletter/topics", &fields).await;
    assert_eq!(answer.status, 303);
    let topics = edge.ask_store("SELECT topics FROM littoral_subscriber").unwrap();
    assert_eq!(topics.trim(), "boats");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_send_each_letter_once_and_who_comes_later_gets_the_next() {
    let edge = TestEdge::with(impatient(), |site| {
        open(site);
        letter(site, "/docs/", "Low water", "<p>At six.</p>");
    })
    .await;
    let other = edge.beside().await;
    let store = edge.edge.store().unwrap();
    let many = |from: u32, to: u32| -> Vec<NewSubscriber> {
        let address = |number| EmailAddress::parse(&format!("reader{number}@example.org")).unwrap();
        (from..to).map(|number| NewSubscriber { email: address(number), topics: Vec::new() }).collect()
    };
    store.import_subscribers(many(0, 700), Timestamp::now()).await.unwrap();
    send(&edge, "/docs/", Segment::All).await;
    store.import_subscribers(many(600, 750), Timestamp::now()).await.unwrap();
    assert_eq!(count(&edge, "littoral_issue_letter"), 700);
    assert_eq!(sent(&edge), 700);
    let twice = "(SELECT substr(payload, 1, 40) AS start FROM littoral_outbox WHERE address = 'bulk'
                     GROUP BY 1 HAVING COUNT(*) > 1) AS twice";
    assert_eq!(count(&edge, twice), 0);
    drop(other);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outbox_is_filled_only_so_far() {
    let edge = TestEdge::with(impatient(), |site| {
        open(site);
        letter(site, "/docs/", "Low water", "<p>At six.</p>");
    })
    .await;
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let next = || {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        NewSubscriber { email: EmailAddress::parse(&format!("r{number}@example.org")).unwrap(), topics: Vec::new() }
    };
    let store = edge.edge.store().unwrap();
    store.import_subscribers((0..3000).map(|_| next()).collect(), Timestamp::now()).await.unwrap();
    let issue =
        newsletter::issue(&Shelf::of(edge.folder.path()), &edge.edge.release(), "/docs/", Segment::All).unwrap();
    store.send_issue(issue, Timestamp::now()).await.unwrap();
    wait_until("the outbox must be filled", || sent(&edge) >= 1000).await;
    // Nothing is delivered here, so nothing more is put; whoever looks in between sees the same.
    for _ in 0..50 {
        tokio::task::yield_now().await;
        assert!(sent(&edge) <= 1250, "{}", sent(&edge));
    }
    assert_eq!(count(&edge, "littoral_issue WHERE finished_at IS NULL"), 1);
}

fn build_in(folder: &std::path::Path, page: &str) {
    let files = [
        (
            "littoral.yaml",
            "base_url: https://shore.example/\nsearch: false\nedge: { newsletter: { open: true, topics: { tides: \"Tides & more\" } } }\n",
        ),
        ("layouts/base.hbs", "{{#> main}}{{/main}}"),
        ("layouts/page.hbs", "<title>{{page.title}}</title>{{content}}"),
        ("layouts/section.hbs", "{{content}}"),
        ("layouts/home.hbs", "{{content}}"),
        ("layouts/shell.hbs", "<main>{{hole \"main\"}}</main>"),
        ("content/_index.md", "# Home\n"),
        ("content/low.md", page),
    ];
    for (file, text) in files {
        let file = folder.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    let sources = Folder::new(folder, None, jiff::civil::date(2026, 1, 1));
    let request = Request {
        shelf: Shelf::of(folder),
        sources: &sources,
        drafts: Drafts::Hidden,
        naming: Naming::Digest,
        progress: &|_| {},
        ready: &|_| {},
    };
    let report = build(&request).unwrap();
    assert!(!report.has_errors(), "{:?}", report.diagnostics);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_build_keeps_the_text_of_a_page_for_letters_where_nobody_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let page = |more: &str, text: &str| format!("---\ntitle: Low\n{more}---\n\n{text}\n\n{{{{ newsletter() }}}}\n");
    build_in(folder.path(), &page("letter: true\n", "At *six*."));
    let edge = TestEdge::serve(folder, quick()).await;
    let public = edge.folder.path().join("public");
    assert!(public.join("low/index.html").exists() && !public.join("_").exists());
    for path in ["/_/letter/low/", "/_/letter/low", "/%5F/letter/low/"] {
        assert_eq!(edge.get(path).await.status(), 404, "{path}");
    }
    let map = edge.get("/sitemap.xml").await.text().await.unwrap();
    assert!(map.contains("/low/") && !map.contains("letter"), "{map}");
    let form = edge.get("/low/").await.text().await.unwrap();
    assert!(form.contains("action=\"/newsletter\"") && form.contains("> Tides &amp; more</label>"), "{form}");
    let shelf = Shelf::of(edge.folder.path());
    let issue = || newsletter::issue(&shelf, &edge.edge.release(), "/low/", Segment::All);
    let html = issue().unwrap().full.html;
    assert!(html.contains("At <em>six</em>.") && !html.contains("<form"), "{html}");
    // An edited text is another letter; a page that is none any more has none.
    build_in(edge.folder.path(), &page("letter: true\n", "At seven."));
    edge.edge.reload().await.unwrap();
    assert!(issue().unwrap().full.html.contains("At seven."));
    build_in(edge.folder.path(), &page("", "At seven."));
    edge.edge.reload().await.unwrap();
    assert!(issue().unwrap_err().to_string().contains("letter: true"));
    let absent = newsletter::issue(&shelf, &edge.edge.release(), "/high/", Segment::All);
    assert!(absent.unwrap_err().to_string().contains("no page `/high/`"));
}
