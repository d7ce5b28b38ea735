//! Registering: nothing is a member before the link is followed, and nobody learns who is one.

use littoral::site::audience::Role;
use littoral::store::{EmailAddress, Newcomer, Trial};

use crate::browser::{Browser, PASSWORD};
use crate::letters;
use crate::support::{TestEdge, quick};

const ANN: &str = "ann@example.org";

fn members(edge: &TestEdge) -> String {
    edge.ask_store("SELECT CAST(count(*) AS TEXT) FROM littoral_member").unwrap()
}

async fn first_link(edge: &TestEdge) -> String {
    edge.edge.invite_first_admin().await.unwrap().expect("nobody administers this site")
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_no_account_before_the_link_is_followed_and_one_after() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.submit("/register", "/register", &[("email", ANN), ("name", "Ann"), ("next", "/docs/")]).await;
    assert_eq!(members(&edge), "0");
    let letter = letters::to(&edge, ANN);
    assert!(!letter.text.contains("Ann "), "a stranger's words go to nobody's mailbox: {letter:?}");
    assert!(ann.get(&letter.link()).await.body.contains("<strong>Ann</strong>"));
    assert_eq!(members(&edge), "0", "looking at the page makes nothing");
    assert_eq!(ann.follow(&letter.link(), &[("password", PASSWORD)]).await.location, "/docs/");
    assert_eq!(members(&edge), "1");
    assert_eq!(ann.follow(&letter.link(), &[("password", PASSWORD)]).await.status, 410);
    assert_eq!(Browser::new(&edge).log_in(ANN, PASSWORD).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_address_gets_the_same_answer_and_another_letter() {
    let edge = TestEdge::with(quick(), letters::left_lying).await;
    Browser::new(&edge).register(ANN).await;
    let mut answers = Vec::new();
    for email in ["ANN@example.org", "bob@example.org"] {
        let mut visitor = Browser::new(&edge);
        let jobs = edge.edge.store().unwrap().work().jobs;
        let answer = visitor.submit("/register", "/register", &[("email", email), ("name", "Somebody")]).await;
        let jobs = edge.edge.store().unwrap().work().jobs - jobs;
        let page = visitor.get(&answer.location).await;
        answers.push((answer.status, answer.location, page.status, page.body.replace(&page.token(), ""), jobs));
    }
    assert_eq!(answers[0], answers[1]);
    let letter = letters::to(&edge, "ANN@example.org");
    assert!(letter.subject.starts_with("You have an account already"), "{letter:?}");
    assert_eq!(letter.link(), "/login");
    let pending = "SELECT CAST(count(*) AS TEXT) FROM littoral_link";
    assert_eq!(edge.ask_store(pending).as_deref(), Some("2"), "the same work for both");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_registrations_of_one_address_one_makes_an_account_and_the_others_are_told() {
    let edge = TestEdge::start().await;
    let mut links = Vec::new();
    for email in [ANN, "Ann@EXAMPLE.org", ANN] {
        Browser::new(&edge).submit("/register", "/register", &[("email", email), ("name", "Ann")]).await;
        links.push(letters::all(&edge)[0].link());
    }
    let follow = async |link: &str| Browser::new(&edge).follow(link, &[("password", PASSWORD)]).await.status;
    let mut statuses = <[u16; 3]>::from(tokio::join!(follow(&links[0]), follow(&links[1]), follow(&links[2])));
    statuses.sort();
    assert_eq!(statuses, [303, 410, 410]);
    assert_eq!(members(&edge), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_registers_another_address_has_no_part_in_the_account_that_its_owner_makes() {
    let edge = TestEdge::start().await;
    let mut mallory = Browser::new(&edge);
    let fields = [("email", ANN), ("name", "Ann"), ("password", "a word of mallory")];
    mallory.submit("/register", "/register", &fields).await;
    let mut ann = Browser::new(&edge);
    assert_eq!(ann.follow(&letters::to(&edge, ANN).link(), &[]).await.location, "/account");
    assert_eq!(mallory.get("/account").await.status, 303);
    assert_eq!(mallory.log_in(ANN, "a word of mallory").await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_register_is_good_for_a_day() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.submit("/register", "/register", &[("email", ANN), ("name", "Ann")]).await;
    let lives = edge.ask_store("SELECT CAST((expires_at - created_at) / 3600000000 AS TEXT) FROM littoral_link");
    assert_eq!(lives.as_deref(), Some("24"));
    edge.ask_store("UPDATE littoral_link SET expires_at = 1");
    assert_eq!(ann.follow(&letters::to(&edge, ANN).link(), &[]).await.status, 410);
    assert_eq!(members(&edge), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn registrations_from_one_network_are_slowed_down() {
    let edge = TestEdge::start().await;
    let mut last = 0;
    for number in 0..12 {
        let email = format!("reader{number}@example.org");
        last = Browser::new(&edge).submit("/register", "/register", &[("email", &email), ("name", "R")]).await.status;
    }
    assert_eq!(last, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_printed_link_nobody_becomes_the_first_administrator() {
    let edge = TestEdge::start().await;
    let mut mallory = Browser::new(&edge);
    for link in ["/account/first", "/account/first?token=", &format!("/account/first?token={}", "0".repeat(64))] {
        assert_eq!(mallory.get(link).await.status, 410, "{link}");
    }
    mallory.register("mallory@example.org").await;
    let token = mallory.get("/account").await.token();
    let fields = [("csrf", token.as_str()), ("email", "mallory@example.org"), ("name", "M"), ("role", "admin")];
    assert_eq!(mallory.post("/account/first", &fields).await.status, 410);
    assert_eq!(mallory.get("/admin").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_administrator_has_the_printed_link_and_a_mailbox() {
    let edge = TestEdge::start().await;
    let link = first_link(&edge).await;
    let other = first_link(&edge).await;
    let mut ann = Browser::new(&edge);
    let wrong = ann.follow(&link, &[("email", "ann"), ("name", "")]).await;
    assert!(wrong.status == 422 && wrong.body.contains("value=\"ann\""), "{}", wrong.body);
    // Mistyped: the link is still good.
    ann.follow(&link, &[("email", "an@example.org"), ("name", "Ann")]).await;
    let asked = ann.follow(&link, &[("email", ANN), ("name", "Ann")]).await;
    assert_eq!(asked.location, "/login/sent?for=register");
    assert_eq!(members(&edge), "0");
    assert_eq!(ann.follow(&letters::to(&edge, ANN).link(), &[]).await.location, "/account");
    assert_eq!(ann.get("/admin").await.status, 200);
    // Whoever comes later is nobody special, by any link from before.
    let late = letters::to(&edge, "an@example.org").link();
    let mut mallory = Browser::new(&edge);
    assert_eq!(mallory.follow(&late, &[]).await.location, "/account");
    assert_eq!(mallory.get("/admin").await.status, 404);
    for link in [&link, &other] {
        let answer = Browser::new(&edge).follow(link, &[("email", "eve@example.org"), ("name", "Eve")]).await;
        assert_eq!(answer.status, 410);
    }
    assert_eq!(edge.edge.invite_first_admin().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_an_account_becomes_the_first_administrator_with_it() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.register(ANN).await;
    let link = first_link(&edge).await;
    let mut desk = Browser::new(&edge);
    desk.follow(&link, &[("email", ANN), ("name", "Another name")]).await;
    assert_eq!(desk.follow(&letters::to(&edge, ANN).link(), &[]).await.location, "/account");
    assert_eq!(desk.get("/admin").await.status, 200);
    assert_eq!(ann.get("/account").await.status, 303, "with other rights one signs in anew");
    assert_eq!(ann.log_in(ANN, PASSWORD).await.status, 303, "the password is hers as before");
    assert_eq!(members(&edge), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_for_the_first_administrator_is_good_for_a_day() {
    let edge = TestEdge::start().await;
    let link = first_link(&edge).await;
    edge.ask_store("UPDATE littoral_link SET expires_at = 1");
    assert_eq!(Browser::new(&edge).get(&link).await.status, 410);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_taken_in_from_a_list_signs_in_by_a_link() {
    let edge = TestEdge::start().await;
    let email = EmailAddress::parse(ANN).unwrap();
    let newcomer = Newcomer { email, name: "Ann".to_owned(), role: Role::Editor, tier: None };
    let now = jiff::Timestamp::now();
    let store = edge.edge.store().unwrap();
    assert!(store.take_in(vec![newcomer], Trial::Done, now).await.unwrap().is_empty());
    let mut ann = Browser::new(&edge);
    assert_eq!(ann.log_in_by_link(ANN).await.location, "/account");
    assert_eq!(ann.get("/admin").await.status, 200);
}
