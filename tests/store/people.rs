//! Members, links and events, on SQLite and on PostgreSQL alike.

use jiff::{SignedDuration, Timestamp};
use littoral::site::audience::Role;
use littoral::store::{
    Asked, Client, EVENTS_KEPT, EmailAddress, Entered, EventKind, EventPlace, Lane, Letter, LinkDigest, MemberChange,
    MemberFilter, MemberState, Newcomer, Proof, Purpose, Store, Suppressed, Trial,
};

use crate::shore::{Shore, days, member, now, session};
use crate::{Test, tests};

/// That of everybody in these tests.
const HASH: &str = "$argon2id$…";

pub fn all() -> Vec<(&'static str, Test)> {
    tests![
        of_fifty_who_follow_one_link_at_once_one_is_in,
        of_fifty_who_confirm_as_first_administrator_at_once_one_is,
        nobody_gets_in_while_they_are_disabled_at_the_same_time,
        a_link_is_good_to_its_last_moment_and_for_one_purpose,
        a_clock_that_was_set_back_makes_no_link_good_twice,
        only_the_latest_failed_tries_are_kept_and_nothing_else_is_pushed_out,
        events_are_forgotten_when_they_are_old,
        the_browsers_of_a_member_are_known_for_as_long_as_events_are,
        members_who_leave_go_in_bites_with_everything_that_is_theirs,
        newcomers_are_taken_in_all_or_none,
        members_are_found_by_what_they_are,
        a_letter_that_must_go_does_and_another_is_dropped_for_a_suppressed_address,
    ]
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn letter(to: &str, subject: &str) -> Letter {
    let (to, subject, text) = (to.to_owned(), subject.to_owned(), "Low water.".to_owned());
    Letter { to, subject, text, html: None, headers: Vec::new(), must_go: false }
}

fn asked(purpose: Purpose, token: &str, email: &str, role: Role) -> Asked {
    Asked {
        purpose,
        digest: LinkDigest::of(token.as_bytes()),
        email: address(email),
        name: "Ann".to_owned(),
        role,
        next: String::new(),
        lives: SignedDuration::from_mins(10),
        to_member: letter(email, "to a member"),
        to_stranger: letter(email, "to a stranger"),
    }
}

async fn enter(store: &Store, proof: Proof, token: &str, at: Timestamp) -> Entered {
    let stay = LinkDigest::of(format!("stay {token}").as_bytes());
    store.enter(proof, session(token, None), stay, Client::default(), at).await.unwrap()
}

fn is_in(entered: &Entered) -> bool {
    matches!(entered, Entered::In { .. })
}

pub async fn of_fifty_who_follow_one_link_at_once_one_is_in(shore: Shore) {
    let store = shore.open();
    member(&store, "ann@example.org").await;
    let wish = asked(Purpose::SignIn, "link", "Ann@example.org", Role::Member);
    store.ask(wish, Client::default(), now()).await.unwrap();
    let follows: Vec<_> = (0..50)
        .map(|number| {
            let store = store.clone();
            let proof = Proof::Link(LinkDigest::of(b"link"));
            tokio::spawn(async move { is_in(&enter(&store, proof, &format!("session {number}"), now()).await) })
        })
        .collect();
    let mut entered = 0;
    for follow in follows {
        entered += usize::from(follow.await.unwrap());
    }
    assert_eq!((entered, shore.ask("SELECT count(*) FROM littoral_session").as_str()), (1, "1"));
}

pub async fn of_fifty_who_confirm_as_first_administrator_at_once_one_is(shore: Shore) {
    let store = shore.open();
    let first = LinkDigest::of(b"first");
    assert!(store.invite_first_admin(first, days(1), now()).await.unwrap());
    for number in 0..50 {
        let wish = asked(Purpose::Register, &format!("link {number}"), &format!("a{number}@example.org"), Role::Admin);
        assert!(store.ask_as_first(first, wish, Client::default(), now()).await.unwrap());
    }
    let follows: Vec<_> = (0..50)
        .map(|number| {
            let store = store.clone();
            let link = LinkDigest::of(format!("link {number}").as_bytes());
            let proof = Proof::Registration(link, String::new());
            tokio::spawn(async move { is_in(&enter(&store, proof, &format!("session {number}"), now()).await) })
        })
        .collect();
    for follow in follows {
        assert!(follow.await.unwrap(), "each has an account");
    }
    assert_eq!(shore.ask("SELECT count(*) FROM littoral_member WHERE role = 'admin'"), "1");
    assert_eq!(shore.ask("SELECT count(*) FROM littoral_member"), "50");
    assert!(!store.invite_first_admin(LinkDigest::of(b"second"), days(1), now()).await.unwrap());
    let late = asked(Purpose::Register, "late", "late@example.org", Role::Admin);
    assert!(!store.ask_as_first(first, late, Client::default(), now()).await.unwrap());
}

pub async fn nobody_gets_in_while_they_are_disabled_at_the_same_time(shore: Shore) {
    let store = shore.open();
    let ann = member(&store, "ann@example.org").await;
    let disabling = {
        let store = store.clone();
        tokio::spawn(async move {
            let change = MemberChange::Disable;
            store.change_member(&address("ann@example.org"), change, None, Client::default(), now()).await.unwrap()
        })
    };
    let tries: Vec<_> = (0..30)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                enter(&store, Proof::Password(ann, HASH.to_owned()), &format!("session {number}"), now()).await
            })
        })
        .collect();
    assert!(disabling.await.unwrap());
    for one in tries {
        assert!(matches!(one.await.unwrap(), Entered::In { .. } | Entered::Disabled));
    }
    assert_eq!(shore.ask("SELECT count(*) FROM littoral_session"), "0", "whoever was quicker is out, too");
}

pub async fn a_link_is_good_to_its_last_moment_and_for_one_purpose(shore: Shore) {
    let store = shore.open();
    member(&store, "ann@example.org").await;
    for token in ["one", "other"] {
        let wish = asked(Purpose::SignIn, token, "ann@example.org", Role::Member);
        store.ask(wish, Client::default(), now()).await.unwrap();
    }
    let digest = LinkDigest::of(b"one");
    let last = now() + SignedDuration::from_mins(10) - SignedDuration::from_micros(1);
    assert!(store.link(Purpose::SignIn, digest, last).await.unwrap().is_some());
    assert!(store.link(Purpose::SignIn, digest, last + SignedDuration::from_micros(1)).await.unwrap().is_none());
    for purpose in [Purpose::Password, Purpose::Register, Purpose::Stay, Purpose::OldAddress, Purpose::FirstAdmin] {
        assert!(store.link(purpose, digest, now()).await.unwrap().is_none(), "{purpose:?}");
    }
    let proof = || Proof::Link(digest);
    assert!(!is_in(&enter(&store, proof(), "late", last + SignedDuration::from_micros(1)).await));
    let other = Proof::NewPassword(digest, "hash".to_owned(), Box::new(letter("ann@example.org", "changed")));
    assert!(!is_in(&enter(&store, other, "other", now()).await));
    assert!(is_in(&enter(&store, proof(), "in time", last).await));
    // One that was sent before is of no use any more.
    assert!(!is_in(&enter(&store, Proof::Link(LinkDigest::of(b"other")), "second", now()).await));
}

pub async fn a_clock_that_was_set_back_makes_no_link_good_twice(shore: Shore) {
    let store = shore.open();
    member(&store, "ann@example.org").await;
    let wish = asked(Purpose::SignIn, "link", "ann@example.org", Role::Member);
    store.ask(wish, Client::default(), now()).await.unwrap();
    let proof = || Proof::Link(LinkDigest::of(b"link"));
    assert!(is_in(&enter(&store, proof(), "one", now()).await));
    assert!(!is_in(&enter(&store, proof(), "two", now() - days(1)).await));
}

pub async fn only_the_latest_failed_tries_are_kept_and_nothing_else_is_pushed_out(shore: Shore) {
    let store = shore.open();
    let ann = member(&store, "ann@example.org").await;
    assert!(is_in(&enter(&store, Proof::Password(ann, HASH.to_owned()), "one", now()).await));
    for number in 0..130 {
        let at = now() + SignedDuration::from_mins(number);
        store.sign_in_failed(&address("ANN@example.org"), Client::default(), at).await.unwrap();
    }
    let events = store.security_events(ann, EventPlace::NEWEST, 1_000).await.unwrap();
    let failed: Vec<_> = events.iter().filter(|event| event.kind == Some(EventKind::SignInFailed)).collect();
    assert_eq!((failed.len(), events.len()), (100, 101));
    assert_eq!(failed[0].happened_at, now() + SignedDuration::from_mins(129));
    // Nobody's address: noted all the same, under nobody.
    store.sign_in_failed(&address("nobody@example.org"), Client::default(), now()).await.unwrap();
    assert_eq!(shore.ask("SELECT count(*) FROM littoral_security_event WHERE member_id IS NULL"), "1");
    let since = now() + SignedDuration::from_mins(100);
    assert_eq!(store.count_events(EventKind::SignInFailed, since, 1_000).await.unwrap(), 30);
    assert_eq!(store.count_events(EventKind::SignInFailed, since, 7).await.unwrap(), 7);
}

pub async fn events_are_forgotten_when_they_are_old(shore: Shore) {
    let store = shore.open();
    let ann = member(&store, "ann@example.org").await;
    for day in [0, 10] {
        store.note_export(ann, Client::default(), now() + days(day)).await.unwrap();
    }
    assert!(!store.sweep(now() + EVENTS_KEPT + days(5)).await.unwrap());
    assert_eq!(store.security_events(ann, EventPlace::NEWEST, 10).await.unwrap().len(), 1);
}

pub async fn the_browsers_of_a_member_are_known_for_as_long_as_events_are(shore: Shore) {
    let store = shore.open();
    let ann = member(&store, "ann@example.org").await;
    for (number, agent) in ["Firefox", "Chrome", "Firefox"].into_iter().enumerate() {
        let client = Client { agent: agent.to_owned(), network: "203.0.113.0/24".to_owned() };
        let at = now() + days(number as i64);
        let stay = LinkDigest::of(format!("stay {number}").as_bytes());
        let proof = Proof::Password(ann, HASH.to_owned());
        store.enter(proof, session(&format!("s{number}"), None), stay, client, at).await.unwrap();
    }
    let mut known = store.last_agents(ann, now() + days(9)).await.unwrap();
    known.sort();
    assert_eq!(known, ["Chrome", "Firefox"]);
    assert_eq!(store.last_agents(ann, now() + days(1)).await.unwrap(), ["Firefox"], "before that moment");
    assert!(store.last_agents(ann, now()).await.unwrap().is_empty());
}

pub async fn members_who_leave_go_in_bites_with_everything_that_is_theirs(shore: Shore) {
    let store = shore.open();
    for number in 0..25 {
        let id = member(&store, &format!("reader{number}@example.org")).await;
        let told = letter("reader@example.org", "leaving");
        store.leave(id, now() + days(14), told, Client::default(), now()).await.unwrap();
    }
    let ann = member(&store, "ann@example.org").await;
    assert!(!store.sweep(now() + days(14) - SignedDuration::from_secs(1)).await.unwrap());
    assert_eq!(shore.ask("SELECT count(*) FROM littoral_member"), "26");
    let mut bites = 1;
    while store.sweep(now() + days(14)).await.unwrap() {
        bites += 1;
    }
    assert_eq!(bites, 3, "ten at once");
    assert_eq!(shore.ask("SELECT count(*) FROM littoral_member"), "1");
    assert_eq!(shore.ask("SELECT count(*) FROM littoral_security_event"), "0");
    assert!(store.member(ann).await.unwrap().is_some());
}

pub async fn newcomers_are_taken_in_all_or_none(shore: Shore) {
    let store = shore.open();
    member(&store, "ann@example.org").await;
    let newcomer = |email: &str| Newcomer {
        email: address(email),
        name: "R".to_owned(),
        role: Role::Member,
        tier: Some("paid".parse().unwrap()),
    };
    let with = |emails: &[&str]| emails.iter().map(|email| newcomer(email)).collect::<Vec<_>>();
    let known = store.take_in(with(&["b@x.org", "ANN@example.org", "B@x.org"]), Trial::Done, now()).await.unwrap();
    assert_eq!(known, [1, 2]);
    assert_eq!(shore.ask("SELECT count(*) FROM littoral_member"), "1");
    assert!(store.take_in(with(&["b@x.org", "c@x.org"]), Trial::LookedAt, now()).await.unwrap().is_empty());
    assert_eq!(shore.ask("SELECT count(*) FROM littoral_member"), "1");
    assert!(store.take_in(with(&["b@x.org", "c@x.org"]), Trial::Done, now()).await.unwrap().is_empty());
    let found = store.member_at(&address("C@x.org")).await.unwrap().unwrap();
    assert!(found.tier.unwrap().as_str() == "paid" && !found.has_password);
}

pub async fn members_are_found_by_what_they_are(shore: Shore) {
    let store = shore.open();
    for email in ["ann@example.org", "bob@example.org", "cat_1@example.org", "catx1@example.org"] {
        member(&store, email).await;
    }
    let change = async |email: &str, change| {
        assert!(store.change_member(&address(email), change, None, Client::default(), now()).await.unwrap());
    };
    change("ann@example.org", MemberChange::Role(Role::Editor)).await;
    change("bob@example.org", MemberChange::Disable).await;
    let found = async |filter: MemberFilter, after: &str| -> Vec<String> {
        store.members(filter, after, 10).await.unwrap().into_iter().map(|member| member.email).collect()
    };
    let by = MemberFilter::default;
    assert_eq!(found(by(), "").await.len(), 4);
    assert_eq!(found(by(), "bob@example.org").await, ["cat_1@example.org", "catx1@example.org"]);
    assert_eq!(found(MemberFilter { role: Some(Role::Editor), ..by() }, "").await, ["ann@example.org"]);
    let disabled = MemberFilter { state: Some(MemberState::Disabled), ..by() };
    assert_eq!(found(disabled, "").await, ["bob@example.org"]);
    let active = MemberFilter { state: Some(MemberState::Active), ..by() };
    assert_eq!(found(active, "").await.len(), 3);
    let part = |part: &str| MemberFilter { part: part.to_owned(), ..by() };
    assert_eq!(found(part("CAT_"), "").await, ["cat_1@example.org"], "_ is a letter");
    assert!(found(part("' OR 1=1 --"), "").await.is_empty());
    assert!(found(part("\\"), "").await.is_empty());
}

pub async fn a_letter_that_must_go_does_and_another_is_dropped_for_a_suppressed_address(shore: Shore) {
    let store = shore.open();
    member(&store, "ann@example.org").await;
    for email in ["ann@example.org", "bob@example.org"] {
        store.suppress(&address(email), Suppressed::Refused, now()).await.unwrap();
        let mut wish = asked(Purpose::SignIn, email, email, Role::Member);
        wish.to_member.must_go = true;
        store.ask(wish, Client::default(), now()).await.unwrap();
    }
    let waits = "SELECT count(*) FROM littoral_outbox WHERE kind = 'mail'";
    assert_eq!(shore.ask(waits), "1", "the link for who can sign in by nothing else");
    assert_eq!(Lane::Prompt.addressee().address, shore.ask("SELECT address FROM littoral_outbox"));
}
