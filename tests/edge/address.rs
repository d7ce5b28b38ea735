//! A member's address changes when both mailboxes have said yes, and not before.

use crate::browser::{Browser, PASSWORD};
use crate::letters;
use crate::support::TestEdge;

const OLD: &str = "ann@example.org";
const NEW: &str = "ann@shore.example";

async fn ask(ann: &mut Browser<'_>, new: &str, password: &str) -> (u16, String) {
    let fields = [("new_email", new), ("password", password)];
    let answer = ann.submit("/account", "/account/address", &fields).await;
    (answer.status, if answer.location.is_empty() { answer.body } else { answer.location })
}

fn email(edge: &TestEdge) -> String {
    edge.ask_store("SELECT email FROM littoral_member WHERE email_key LIKE 'ann%'").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_address_is_asked_for_with_the_password_only() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.register(OLD).await;
    let written = letters::all(&edge).len();
    for (new, password, words) in [
        (NEW, "not it", "This is not your password."),
        (NEW, "", "This is not your password."),
        ("gull", PASSWORD, "Please give an e-mail address"),
        ("Ann@example.org", PASSWORD, "Look into both"),
        (OLD, PASSWORD, "This is your address already."),
    ] {
        let (status, said) = ask(&mut ann, new, password).await;
        let is_case = new == "Ann@example.org";
        assert_eq!(status, if is_case { 303 } else { 422 }, "{new} {password}");
        assert!(is_case || said.contains(words), "{words}: {said}");
    }
    // Another way to write it is taken: both letters go to the one mailbox.
    assert_eq!(letters::all(&edge).len(), written + 2);
    assert_eq!(email(&edge), OLD);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_mailboxes_say_yes_in_any_order_and_the_old_one_is_told() {
    for first in [OLD, NEW] {
        let edge = TestEdge::start().await;
        let (mut ann, mut phone) = (Browser::new(&edge), Browser::new(&edge));
        ann.register(OLD).await;
        phone.log_in(OLD, PASSWORD).await;
        assert_eq!(ask(&mut ann, NEW, PASSWORD).await, (303, "/account?done=address-asked".to_owned()));
        let (one, other) = (letters::to(&edge, first), letters::to(&edge, if first == OLD { NEW } else { OLD }));
        // Somebody's program looks at both, and nothing is changed.
        for letter in [&one, &other] {
            assert_eq!(Browser::new(&edge).get(&letter.link()).await.status, 200);
        }
        // The mailbox is looked into on another machine.
        let half = Browser::new(&edge).follow(&one.link(), &[]).await;
        assert!(half.status == 200 && half.body.contains("One more yes is needed"), "{}", half.body);
        assert_eq!(email(&edge), OLD);
        assert_eq!(Browser::new(&edge).follow(&one.link(), &[]).await.status, 410, "one mailbox, one yes");
        assert_eq!(ann.follow(&other.link(), &[]).await.location, "/account?done=address");
        assert_eq!(email(&edge), NEW);
        assert_eq!((ann.get("/account").await.status, phone.get("/account").await.status), (200, 303));
        assert_eq!(letters::to(&edge, OLD).subject, "Your address was changed: Tides");
        assert_eq!(phone.log_in(OLD, PASSWORD).await.status, 422);
        assert_eq!(phone.log_in(NEW, PASSWORD).await.status, 303);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_has_an_account_is_not_told_of_and_not_taken() {
    let edge = TestEdge::start().await;
    let (mut ann, mut bob) = (Browser::new(&edge), Browser::new(&edge));
    bob.register("bob@example.org").await;
    ann.register(OLD).await;
    let taken = ask(&mut ann, "bob@example.org", PASSWORD).await;
    assert_eq!(taken, ask(&mut ann, "nobody@example.org", PASSWORD).await);
    assert_eq!(taken, ask(&mut ann, "bob@example.org", PASSWORD).await);
    let letter = letters::to(&edge, "bob@example.org");
    assert!(letter.subject.starts_with("Your address was asked for") && !letter.text.contains("token"), "{letter:?}");
    let half = ann.follow(&letters::to(&edge, OLD).link(), &[]).await;
    assert_eq!(half.status, 200);
    assert_eq!(email(&edge), OLD);
    assert_eq!(bob.get("/account").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_was_taken_meanwhile_stays_with_who_has_it() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.register(OLD).await;
    ask(&mut ann, NEW, PASSWORD).await;
    let (old, new) = (letters::to(&edge, OLD).link(), letters::to(&edge, NEW).link());
    Browser::new(&edge).register(NEW).await;
    ann.follow(&old, &[]).await;
    assert_eq!(ann.follow(&new, &[]).await.status, 409);
    assert_eq!(edge.ask_store("SELECT CAST(count(*) AS TEXT) FROM littoral_member").as_deref(), Some("2"));
    assert_eq!(Browser::new(&edge).log_in(OLD, PASSWORD).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_wish_takes_the_place_of_an_earlier_one_and_a_new_password_ends_both() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.register(OLD).await;
    ask(&mut ann, NEW, PASSWORD).await;
    let earlier = [letters::to(&edge, OLD).link(), letters::to(&edge, NEW).link()];
    ask(&mut ann, "other@shore.example", PASSWORD).await;
    for link in &earlier {
        assert_eq!(ann.get(link).await.status, 410);
    }
    let later = [letters::to(&edge, OLD).link(), letters::to(&edge, "other@shore.example").link()];
    assert_eq!(ann.follow(&later[1], &[]).await.status, 200);
    // The thief who asked for it is thrown out before the old mailbox is looked into.
    ann.submit("/account", "/account/password", &[("password", PASSWORD), ("new_password", "high water at noon")])
        .await;
    assert_eq!(ann.get(&later[0]).await.status, 410);
    assert_eq!(email(&edge), OLD);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_that_comes_too_late_or_for_the_other_mailbox_changes_nothing() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.register(OLD).await;
    ask(&mut ann, NEW, PASSWORD).await;
    let new = letters::to(&edge, NEW).link();
    assert_eq!(ann.get(&new.replace("at=new", "at=old")).await.status, 410, "one link is no two yeses");
    assert_eq!(ann.get(&new.replace("at=new", "at=both")).await.status, 410);
    edge.ask_store("UPDATE littoral_link SET expires_at = 1");
    assert_eq!(ann.follow(&new, &[]).await.status, 410);
    assert_eq!(email(&edge), OLD);
}
