//! Signing in by a link in a letter, a new password by one, and what the links are worth to
//! others.

use crate::browser::{Answer, Browser, PASSWORD};
use crate::letters;
use crate::support::{TestEdge, quick};

const ANN: &str = "ann@example.org";
const NOBODY: &str = "nobody@example.org";

async fn ask(edge: &TestEdge, path: &str, email: &str) -> Answer {
    Browser::new(edge).submit("/login", path, &[("email", email)]).await
}

fn count(edge: &TestEdge, table: &str) -> String {
    edge.ask_store(&format!("SELECT CAST(count(*) AS TEXT) FROM {table}")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_none_signs_nobody_in() {
    let edge = TestEdge::start().await;
    Browser::new(&edge).register(ANN).await;
    ask(&edge, "/login/ask", ANN).await;
    let good = letters::to(&edge, ANN).link();
    let token = good.split("token=").nth(1).unwrap().to_owned();
    let mut flipped = token.clone().into_bytes();
    flipped[0] = if flipped[0] == b'0' { b'1' } else { b'0' };
    let flipped = String::from_utf8(flipped).unwrap();
    let long = "a".repeat(1_000);
    for forged in ["", "0", &token[..63], &format!("{token}0"), &flipped, "' OR 1=1 --", "é", &long] {
        let mut mallory = Browser::new(&edge);
        let csrf = mallory.get("/login").await.token();
        let page = mallory
            .get(&format!("/login/link?token={}", crate::browser::encode(&[("", forged)]).replace('=', "")))
            .await;
        assert_eq!(page.status, 410, "{forged}");
        for path in ["/login/link", "/login/password", "/register/confirm", "/account/stay", "/account/first"] {
            let fields = [("csrf", csrf.as_str()), ("token", forged), ("new_password", PASSWORD)];
            assert_eq!(mallory.post(path, &fields).await.status, 410, "{path} {forged}");
        }
        assert_eq!(mallory.get("/account").await.status, 303);
    }
    // The right one, for what it is not.
    let mut mallory = Browser::new(&edge);
    for path in ["/login/password", "/register/confirm", "/account/first", "/account/address/agree"] {
        assert_eq!(mallory.get(&format!("{path}?at=old&token={token}")).await.status, 410, "{path}");
    }
    // The token of the page is asked for, too.
    assert_eq!(mallory.post("/login/link", &[("token", &token)]).await.status, 403);
    assert_eq!(Browser::new(&edge).follow(&good, &[]).await.location, "/account");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_looked_at_without_being_used_and_signs_in_once() {
    let edge = TestEdge::start().await;
    Browser::new(&edge).register(ANN).await;
    let mut ann = Browser::new(&edge);
    let asked = ann.submit("/login", "/login/ask", &[("email", " Ann@Example.ORG "), ("next", "/docs/?a=1")]).await;
    assert_eq!((asked.status, asked.location.as_str()), (303, "/login/sent?for=link"));
    assert!(ann.get(&asked.location).await.body.contains("within 10 minutes"));
    let letter = letters::to(&edge, "Ann@example.org");
    assert!(letter.subject.starts_with("Your link to sign in"), "{letter:?}");
    // A program that looks through mail.
    for _ in 0..3 {
        let page = Browser::new(&edge).get(&letter.link()).await;
        assert!(page.status == 200 && page.body.contains("<strong>Ann@example.org</strong>"), "{}", page.body);
        assert_eq!(page.headers["cache-control"], "private, no-store");
    }
    let entered = ann.follow(&letter.link(), &[]).await;
    assert_eq!((entered.status, entered.location.as_str()), (303, "/docs/?a=1"));
    assert_eq!(ann.get("/account").await.status, 200);
    for mut again in [Browser::new(&edge), ann] {
        assert_eq!(again.get(&letter.link()).await.status, 410);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_follow_one_link_at_once_one_is_signed_in() {
    let edge = TestEdge::start().await;
    Browser::new(&edge).register(ANN).await;
    ask(&edge, "/login/ask", ANN).await;
    let link = letters::to(&edge, ANN).link();
    let token = link.split("token=").nth(1).unwrap();
    let mut follower = Browser::new(&edge);
    let csrf = follower.get(&link).await.token();
    let body = crate::browser::encode(&[("csrf", &csrf), ("token", token)]);
    let mut follows = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let follow = edge
            .request(reqwest::Method::POST, "/login/link")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", format!("littoral-form={}", follower.cookies["littoral-form"]))
            .body(body.clone());
        follows.spawn(async move { follow.send().await.unwrap().status().as_u16() });
    }
    let mut statuses = follows.join_all().await;
    statuses.sort();
    assert_eq!((statuses[0], &statuses[1..]), (303, &[410; 15][..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_too_old_signs_nobody_in() {
    let edge = TestEdge::start().await;
    Browser::new(&edge).register(ANN).await;
    ask(&edge, "/login/ask", ANN).await;
    let lives = "SELECT CAST(expires_at - created_at AS TEXT) FROM littoral_link";
    assert_eq!(edge.ask_store(lives).as_deref(), Some("600000000"), "ten minutes");
    let mut ann = Browser::new(&edge);
    let link = letters::to(&edge, ANN).link();
    let csrf = ann.get(&link).await.token();
    edge.ask_store("UPDATE littoral_link SET expires_at = 1");
    let token = link.split("token=").nth(1).unwrap();
    assert_eq!(ann.post("/login/link", &[("csrf", &csrf), ("token", token)]).await.status, 410);
    assert_eq!(ann.get(&link).await.status, 410);
    let store = edge.edge.store().unwrap();
    assert!(!store.sweep(jiff::Timestamp::now()).await.unwrap());
    assert_eq!(count(&edge, "littoral_link"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_has_no_token_and_the_letter_goes_to_nobody_else() {
    let edge = TestEdge::start().await;
    Browser::new(&edge).register(ANN).await;
    // A host that somebody says is theirs comes into no letter.
    let mut mallory = Browser::new(&edge);
    mallory.headers = vec![("host", "evil.example".to_owned()), ("x-forwarded-host", "evil.example".to_owned())];
    mallory.submit("/login", "/login/ask", &[("email", ANN)]).await;
    let letter = letters::to(&edge, ANN);
    assert!(!letter.text.contains("evil") && letter.text.contains("http://localhost/login/link?token="), "{letter:?}");
    let token = letter.link().split("token=").nth(1).unwrap().to_owned();
    let hex =
        if env!("CARGO_CRATE_NAME").ends_with("postgres") { "encode(digest, 'hex')" } else { "lower(hex(digest))" };
    let kept = edge.ask_store(&format!("SELECT {hex} FROM littoral_link")).unwrap();
    assert_ne!(kept, token);
    let bytes: Vec<u8> = (0..64).step_by(2).map(|at| u8::from_str_radix(&token[at..at + 2], 16).unwrap()).collect();
    assert_eq!(kept, blake3::hash(&bytes).to_hex().to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_and_an_unknown_address_get_the_same_answer_and_are_the_same_work() {
    let edge = TestEdge::with(quick(), letters::left_lying).await;
    Browser::new(&edge).register(ANN).await;
    for path in ["/login/ask", "/login/forgotten"] {
        let before = |table: &str| count(&edge, table).parse::<u64>().unwrap();
        let tables = ["littoral_link", "littoral_outbox", "littoral_security_event", "littoral_attempt"];
        let mut answers = Vec::new();
        for email in [ANN, NOBODY] {
            let (counted, jobs) = (tables.map(before), edge.edge.store().unwrap().work().jobs);
            let mut visitor = Browser::new(&edge);
            let answer = visitor.submit("/login", path, &[("email", email)]).await;
            let page = visitor.get(&answer.location).await;
            assert!(!page.body.contains(email));
            let rows: Vec<u64> = tables.iter().zip(counted).map(|(table, was)| before(table) - was).collect();
            let jobs = edge.edge.store().unwrap().work().jobs - jobs;
            let blind = page.body.replace(&page.token(), "");
            answers.push((answer.status, answer.location, answer.body, page.status, blind, rows[..3].to_vec(), jobs));
        }
        assert_eq!(answers[0], answers[1], "{path}");
    }
    let letter = letters::to(&edge, NOBODY);
    assert!(letter.subject.starts_with("No account with this address"), "{letter:?}");
    assert_eq!(letter.link(), "/register");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobodys_mailbox_is_filled_and_no_network_asks_for_ever() {
    let edge = TestEdge::start().await;
    let mut statuses = Vec::new();
    for path in ["/login/ask", "/login/forgotten", "/login/ask", "/login/forgotten", "/login/ask"] {
        statuses.push(ask(&edge, path, NOBODY).await.status);
    }
    assert_eq!(statuses, [303; 5]);
    let refused = ask(&edge, "/login/ask", NOBODY).await;
    assert_eq!(refused.status, 429);
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    let written = letters::all(&edge).len();
    let register = Browser::new(&edge).submit("/register", "/register", &[("email", NOBODY), ("name", "N")]).await;
    assert_eq!((register.status, letters::all(&edge).len()), (429, written), "the mailbox counts, whatever asks");
    // Another mailbox is written to, until the network has asked too often.
    let mut last = 303;
    for number in 0..20 {
        last = ask(&edge, "/login/ask", &format!("other{number}@example.org")).await.status;
    }
    assert_eq!(last, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_replaced_and_whoever_was_in_is_out() {
    let edge = TestEdge::start().await;
    let (mut thief, mut ann) = (Browser::new(&edge), Browser::new(&edge));
    thief.register(ANN).await;
    ask(&edge, "/login/ask", ANN).await;
    let earlier = letters::to(&edge, ANN).link();
    assert_eq!(ask(&edge, "/login/forgotten", ANN).await.location, "/login/sent?for=password");
    let link = letters::to(&edge, ANN).link();
    assert!(link.starts_with("/login/password?token="));
    for guessed in ["short", "password1234", ANN] {
        assert_eq!(ann.follow(&link, &[("new_password", guessed)]).await.status, 422, "{guessed}");
    }
    let entered = ann.follow(&link, &[("new_password", "high water at noon")]).await;
    assert_eq!((entered.status, entered.location.as_str()), (303, "/account"));
    assert_eq!((ann.get("/account").await.status, thief.get("/account").await.status), (200, 303));
    assert_eq!(letters::to(&edge, ANN).subject, "Your password was changed: Tides");
    // Neither that link nor one from before is good any more, nor the old password.
    for old in [&link, &earlier] {
        assert_eq!(thief.get(old).await.status, 410);
    }
    assert_eq!(thief.log_in(ANN, PASSWORD).await.status, 422);
    assert_eq!(thief.log_in(ANN, "high water at noon").await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_password_is_told_from_nobody_by_nothing() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.submit("/register", "/register", &[("email", ANN), ("name", "Ann")]).await;
    assert_eq!(ann.follow(&letters::to(&edge, ANN).link(), &[]).await.location, "/account");
    let mut mallory = Browser::new(&edge);
    let mut answers = Vec::new();
    for (email, password) in [(ANN, ""), (ANN, "a wrong guess"), (NOBODY, ""), (NOBODY, "a wrong guess")] {
        let jobs = edge.edge.store().unwrap().work().jobs;
        let answer = mallory.log_in(email, password).await;
        let blind = answer.body.replace(&answer.token(), "").replace(email, "");
        answers.push((answer.status, blind, edge.edge.store().unwrap().work().jobs - jobs));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0] && answer.0 == 422), "{answers:?}");
    assert_eq!(mallory.log_in_by_link(ANN).await.location, "/account");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_set_changed_and_done_without() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.submit("/register", "/register", &[("email", ANN), ("name", "Ann")]).await;
    ann.follow(&letters::to(&edge, ANN).link(), &[]).await;
    let set = |password: &'static str| [("new_password", password), ("password", "")];
    // Who has signed in just now may set one; an hour later a stranger may sit there.
    edge.ask_store("UPDATE littoral_session SET created_at = created_at - 3600000000");
    let stale = ann.submit("/account", "/account/password", &set(PASSWORD)).await;
    assert!(stale.status == 422 && stale.body.contains("more than 15 minutes ago"), "{}", stale.body);
    assert_eq!(ann.submit("/account", "/account/delete", &[]).await.status, 422);
    let before = ann.session().unwrap();
    assert_eq!(ann.submit("/account", "/account/again", &[]).await.location, "/account?done=link");
    assert_eq!(ann.follow(&letters::to(&edge, ANN).link(), &[]).await.location, "/account");
    assert_ne!(ann.session().unwrap(), before);
    assert_eq!(ann.submit("/account", "/account/password", &set(PASSWORD)).await.location, "/account?done=password");
    assert_eq!(Browser::new(&edge).log_in(ANN, PASSWORD).await.status, 303);

    let wrong = ann.submit("/account", "/account/password/remove", &[("password", "not it")]).await;
    assert_eq!(wrong.status, 422);
    let mut phone = Browser::new(&edge);
    phone.log_in(ANN, PASSWORD).await;
    let gone = ann.submit("/account", "/account/password/remove", &[("password", PASSWORD)]).await;
    assert_eq!(gone.location, "/account?done=password-removed");
    assert_eq!((ann.get("/account").await.status, phone.get("/account").await.status), (200, 303));
    assert_eq!(letters::to(&edge, ANN).subject, "Your password was removed: Tides");
    assert_eq!(phone.log_in(ANN, PASSWORD).await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_next_that_leads_elsewhere_leads_home_by_a_link_too() {
    let edge = TestEdge::start().await;
    Browser::new(&edge).register(ANN).await;
    for elsewhere in ["//evil.example", "/\\evil.example", "https://evil.example", "/logout"] {
        let mut ann = Browser::new(&edge);
        ann.submit("/login", "/login/ask", &[("email", ANN), ("next", elsewhere)]).await;
        assert_eq!(ann.follow(&letters::to(&edge, ANN).link(), &[]).await.location, "/account", "{elsewhere}");
    }
}
