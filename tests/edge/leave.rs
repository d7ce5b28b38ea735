//! Leaving an account, and before that: what is known about its owner, and what happened to it.

use jiff::{SignedDuration, Timestamp};
use littoral::store::{Client, EmailAddress, MemberChange};
use serde_json::Value;

use crate::browser::{Browser, PASSWORD};
use crate::letters;
use crate::support::{TestEdge, quick};

const ANN: &str = "ann@example.org";

fn members(edge: &TestEdge) -> String {
    edge.ask_store("SELECT CAST(count(*) AS TEXT) FROM littoral_member").unwrap()
}

async fn change(edge: &TestEdge, change: MemberChange) {
    let store = edge.edge.store().unwrap();
    let address = EmailAddress::parse(ANN).unwrap();
    assert!(store.change_member(&address, change, None, Client::command_line(), Timestamp::now()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_left_with_its_password_and_deleted_when_its_time_has_come() {
    let edge = TestEdge::start().await;
    let (mut ann, mut phone) = (Browser::new(&edge), Browser::new(&edge));
    ann.register(ANN).await;
    phone.log_in(ANN, PASSWORD).await;
    let refused = ann.submit("/account", "/account/delete", &[("password", "wrong")]).await;
    assert!(refused.status == 422 && refused.body.contains("Nothing was deleted."));
    let gone = ann.submit("/account", "/account/delete", &[("password", PASSWORD)]).await;
    assert_eq!(gone.location, "/login?done=leaving");
    assert_eq!((ann.get("/account").await.status, phone.get("/account").await.status), (303, 303));
    assert_eq!(letters::to(&edge, ANN).subject, "Your account will be deleted: Tides");
    let store = edge.edge.store().unwrap();
    let days = |days: i64| Timestamp::now() + SignedDuration::from_hours(24 * days);
    store.sweep(days(13)).await.unwrap();
    assert_eq!(members(&edge), "1");
    store.sweep(days(15)).await.unwrap();
    assert_eq!(members(&edge), "0");
    for table in ["littoral_session", "littoral_security_event"] {
        let left = format!("SELECT CAST(count(*) AS TEXT) FROM {table} WHERE member_id IS NOT NULL");
        assert_eq!(edge.ask_store(&left).as_deref(), Some("0"), "{table}");
    }
    assert_eq!(phone.log_in(ANN, PASSWORD).await.status, 422);
    assert_eq!(ann.register(ANN).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_in_before_that_is_asked_and_may_stay() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.register(ANN).await;
    ann.submit("/account", "/account/delete", &[("password", PASSWORD)]).await;
    let stay = |page: &str| page.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    // By the password, and by a link: neither signs in by itself.
    let asked = ann.log_in(ANN, PASSWORD).await;
    assert!(asked.status == 200 && asked.body.contains("Keep your account?"), "{}", asked.body);
    assert_eq!(ann.session(), None);
    let by_link = ann.log_in_by_link(ANN).await;
    assert!(by_link.status == 200 && by_link.body.contains("Keep your account?"));
    assert_eq!(ann.get("/account").await.status, 303);
    let token = stay(&by_link.body);
    let fields = [("csrf", by_link.token()), ("token", token.clone())];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(ann.post("/account/stay", &fields).await.location, "/account");
    assert_eq!(ann.get("/account").await.status, 200);
    let mut again = Browser::new(&edge);
    assert_eq!(again.submit("/login", "/account/stay", &[("token", &token)]).await.status, 410, "it was used");
    let store = edge.edge.store().unwrap();
    store.sweep(Timestamp::now() + SignedDuration::from_hours(24 * 15)).await.unwrap();
    assert_eq!(members(&edge), "1");
    assert_eq!(again.log_in(ANN, PASSWORD).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_days_to_think_it_over_the_account_is_gone_at_once() {
    let edge = TestEdge::with(quick(), |site| site.manifest.site.edge.deletion_days = 0).await;
    let mut ann = Browser::new(&edge);
    ann.register(ANN).await;
    let gone = ann.submit("/account", "/account/delete", &[("password", PASSWORD)]).await;
    assert_eq!(gone.location, "/login?done=deleted");
    assert_eq!(members(&edge), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_is_out_at_once_and_let_in_by_nothing() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.register(ANN).await;
    ann.submit("/login", "/login/ask", &[("email", ANN)]).await;
    Browser::new(&edge).submit("/login", "/login/ask", &[("email", ANN)]).await;
    let before = letters::to(&edge, ANN).link();
    change(&edge, MemberChange::Disable).await;
    assert_eq!(ann.get("/account").await.status, 303);
    assert_eq!(ann.get(&before).await.status, 410, "links from before are dead");
    assert_eq!(ann.log_in(ANN, PASSWORD).await.status, 403);
    assert_eq!(ann.log_in(ANN, "a wrong guess").await.status, 422, "only its owner is told");
    assert_eq!(ann.log_in_by_link(ANN).await.status, 403);
    ann.submit("/login", "/login/forgotten", &[("email", ANN)]).await;
    let link = letters::to(&edge, ANN).link();
    assert_eq!(ann.follow(&link, &[("new_password", "high water at noon")]).await.status, 403);
    assert_eq!(ann.get("/account").await.status, 303);
    change(&edge, MemberChange::Enable).await;
    assert_eq!(ann.log_in(ANN, PASSWORD).await.status, 303, "the password was not changed meanwhile");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_begun_past_the_entrance_is_nobody_while_the_account_is_disabled() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.register(ANN).await;
    for column in ["disabled_at", "delete_at"] {
        edge.ask_store(&format!("UPDATE littoral_member SET {column} = 1"));
        assert_eq!(ann.get("/account").await.status, 303, "{column}");
        edge.ask_store(&format!("UPDATE littoral_member SET {column} = NULL"));
    }
    change(&edge, MemberChange::SignOut).await;
    assert_eq!(ann.get("/account").await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_reads_what_happened_to_their_account_and_to_no_other() {
    let edge = TestEdge::start().await;
    let (mut ann, mut mallory, mut guesser) = (Browser::new(&edge), Browser::new(&edge), Browser::new(&edge));
    guesser.headers = vec![("user-agent", "curl/8.0 <script>alert(1)</script>".to_owned())];
    ann.register(ANN).await;
    mallory.register("mallory@example.org").await;
    assert_eq!(guesser.log_in(ANN, "a wrong guess").await.status, 422);
    ann.submit("/account", "/logout", &[]).await;
    ann.log_in(ANN, PASSWORD).await;
    change(&edge, MemberChange::Tier(Some("paid".parse().unwrap()))).await;
    let page = ann.get("/account/events").await.body;
    let at = |words: &str| page.find(words).unwrap_or_else(|| panic!("{words}: {page}"));
    // The latest first.
    assert!(at("The tier was changed") < at("Signed in with the password"));
    assert!(at("Signed in with the password") < at("Somebody tried to sign in with a wrong password"));
    assert!(at("Somebody tried to sign in with a wrong password") < at("The account was made"));
    assert!(page.contains("curl, from 127.0.0.0/24") && !page.contains("<script>"), "{page}");
    assert!(page.contains("The command line"), "{page}");
    assert!(!page.contains("127.0.0.1"), "no whole address is kept");
    let of_mallory = mallory.get("/account/events").await.body;
    assert!(!of_mallory.contains("Somebody tried"), "{of_mallory}");
    assert_eq!(Browser::new(&edge).get("/account/events").await.location, "/login?next=%2Faccount%2Fevents");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_shown_page_by_page_and_none_twice() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.register(ANN).await;
    let tiers = ["free", "paid"];
    for number in 0..119 {
        change(&edge, MemberChange::Tier(Some(tiers[number % 2].parse().unwrap()))).await;
    }
    let (mut next, mut seen) = ("/account/events".to_owned(), 0);
    loop {
        let page = ann.get(&next).await.body;
        seen += page.matches("<li>The tier was changed").count() + page.matches("<li>The account was made").count();
        let Some(after) = page.split("href=\"/account/events?before=").nth(1) else { break };
        next = format!("/account/events?before={}", after.split('"').next().unwrap());
    }
    // The link that was asked for before there was a member is noted under nobody.
    assert_eq!(seen, 120);
    for wrong in ["x", "1", "1.x", "99999999999999999999.1"] {
        assert_eq!(ann.get(&format!("/account/events?before={wrong}")).await.status, 422);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_takes_along_everything_and_nobody_elses() {
    let edge = TestEdge::with(quick(), |site| site.title("/docs/", "Docs")).await;
    let (mut ann, mut bob) = (Browser::new(&edge), Browser::new(&edge));
    ann.register(ANN).await;
    bob.register("bob@example.org").await;
    ann.headers = vec![("origin", format!("http://{}", edge.address))];
    ann.post("/_/read", &[("path", "/docs/"), ("position", "0.5"), ("anchor", "")]).await;
    assert_eq!(Browser::new(&edge).post("/account/export", &[]).await.status, 403);
    let answer = ann.submit("/account", "/account/export", &[]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-disposition"], "attachment; filename=\"account.json\"");
    assert_eq!(answer.headers["cache-control"], "private, no-store");
    let all: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((all["account"]["email"].as_str(), all["account"]["name"].as_str()), (Some(ANN), Some("Ann")));
    assert_eq!(all["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(all["history"][0]["path"], "/docs/");
    let kinds: Vec<&str> =
        all["security_events"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["exported", "registered"]);
    // Neither another's, nor what lets somebody in.
    for secret in ["bob@example.org", "argon2", &ann.session().unwrap()] {
        assert!(!answer.body.contains(secret), "{secret}");
    }
    let mut last = 200;
    for _ in 0..6 {
        last = ann.submit("/account", "/account/export", &[]).await.status;
    }
    assert_eq!(last, 429);
}
