//! What holds of a server: it may go away, and others may use it at the same time.

use littoral::store::{Allowance, Attempt, SessionDigest, StoreError};

use crate::shore::{Shore, days, member, now, session};
use crate::{Test, tests};

pub fn all() -> Vec<(&'static str, Test)> {
    tests![
        connections_that_were_cut_are_opened_again,
        an_address_that_nobody_answers_is_named_without_its_password,
        an_address_that_is_none_is_refused_without_being_shown,
        two_nodes_count_tries_together,
        what_one_node_writes_the_other_reads,
        a_closed_store_says_so,
    ]
}

pub async fn connections_that_were_cut_are_opened_again(shore: Shore) {
    let store = shore.open();
    member(&store, "ann@example.org").await;
    let others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                  WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()";
    assert_ne!(shore.ask(others), "0");
    // A question first, then a deed.
    assert!(store.session(&SessionDigest::of(b"token"), now()).await.unwrap().is_none());
    assert_ne!(shore.ask(others), "0");
    member(&store, "bob@example.org").await;
    assert_eq!(shore.ask("SELECT count(*) FROM littoral_member"), "2");
}

pub async fn an_address_that_nobody_answers_is_named_without_its_password(shore: Shore) {
    let nobody = tempfile::tempdir().unwrap();
    let host = nobody.path().to_str().unwrap().replace('/', "%2F");
    let address = format!("postgres://ann:high-water@{host}/tides");
    let address = littoral::store::Address::parse(shore.folder.path(), &address).unwrap();
    let error = littoral::store::Store::open(&address).err().unwrap();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().starts_with("cannot reach the store at"), "{error}");
    assert!(!format!("{error} {error:?}").contains("high-water"), "{error:?}");
}

pub async fn an_address_that_is_none_is_refused_without_being_shown(shore: Shore) {
    for wrong in ["postgres://ann:high-water@host:port/x", "postgresql://ann:high-water@host/x?tide=low"] {
        let error = littoral::store::Address::parse(shore.folder.path(), wrong).err().unwrap();
        assert!(matches!(error, StoreError::NotAnAddress { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("high-water"), "{error}");
    }
}

pub async fn two_nodes_count_tries_together(shore: Shore) {
    let nodes = [shore.open(), shore.open()];
    let allowance =
        Allowance { what: "test", free: 5, first_wait: days(1), longest_wait: days(1), forget_after: days(1) };
    let tries: Vec<_> = (0..60)
        .map(|number| {
            let node = nodes[number % 2].clone();
            tokio::spawn(async move { node.admit(vec![Attempt::new(allowance, "ann")], now()).await.unwrap().is_ok() })
        })
        .collect();
    let mut admitted = 0;
    for one in tries {
        admitted += usize::from(one.await.unwrap());
    }
    assert_eq!(admitted, 5);
}

pub async fn what_one_node_writes_the_other_reads(shore: Shore) {
    let (here, there) = (shore.open(), shore.open());
    let ann = member(&here, "ann@example.org").await;
    there.begin_session(session("token", Some(ann)), now()).await.unwrap();
    let found = here.session(&SessionDigest::of(b"token"), now()).await.unwrap();
    assert_eq!(found.unwrap().member.unwrap().id, ann);
}

pub async fn a_closed_store_says_so(shore: Shore) {
    let store = shore.open();
    store.close().await;
    let refused = store.end_session(SessionDigest::of(b"token")).await;
    assert!(matches!(refused, Err(StoreError::Closed)), "{refused:?}");
}
