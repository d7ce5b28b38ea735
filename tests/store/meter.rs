//! What is remembered of who read what: the meter, feeds of members, keys.

use jiff::{SignedDuration, Timestamp};
use littoral::store::{FeedDigest, MeterReader, MeteredRead, Store, VisitorDigest};

use crate::shore::{Shore, member, now};
use crate::{Test, tests};

pub fn all() -> Vec<(&'static str, Test)> {
    tests![
        a_page_counts_once_and_no_more_are_let_in_than_are_free,
        of_a_hundred_reads_at_once_as_many_are_let_in_as_are_free,
        a_new_period_forgets_the_old_one_and_its_key,
        a_network_is_counted_over_its_visitors_and_kept_as_a_digest,
        what_a_visitor_has_read_is_a_members_too_and_counts_once,
        a_feed_has_one_address_and_goes_with_its_member,
        a_key_is_made_once_whoever_wants_it_first,
    ]
}

fn read(reader: MeterReader, path: &str) -> MeteredRead {
    MeteredRead {
        reader,
        period: Timestamp::UNIX_EPOCH,
        path: path.to_owned(),
        free: 3,
        network: None,
        free_there: 0,
        fresh: [7; 32],
    }
}

fn visitor(number: u8) -> MeterReader {
    MeterReader::Visitor(VisitorDigest::of(&[number]))
}

async fn let_in(store: &Store, read: MeteredRead) -> bool {
    store.read_metered(read, now()).await.unwrap().is_free
}

pub async fn a_page_counts_once_and_no_more_are_let_in_than_are_free(shore: Shore) {
    let store = shore.open();
    let ann = MeterReader::Member(member(&store, "ann@example.org").await);
    for reader in [ann, visitor(1)] {
        let free = |path: &str| read(reader, path);
        for path in ["/a/", "/b/", "/a/", "/c/", "/b/"] {
            assert!(let_in(&store, free(path)).await, "{path}");
        }
        assert!(!let_in(&store, free("/d/")).await && let_in(&store, free("/c/")).await);
        let known = store.metered(reader, Timestamp::UNIX_EPOCH, Some("/d/".to_owned())).await.unwrap();
        assert_eq!((known.is_free, known.used), (false, 3));
    }
}

pub async fn of_a_hundred_reads_at_once_as_many_are_let_in_as_are_free(shore: Shore) {
    let store = shore.open();
    let ann = member(&store, "ann@example.org").await;
    for reader in [MeterReader::Member(ann), visitor(2)] {
        let asking: Vec<_> = (0..100)
            .map(|number| {
                let store = store.clone();
                let read = read(reader, &format!("/{number}/"));
                tokio::spawn(async move { let_in(&store, read).await })
            })
            .collect();
        let mut free = 0;
        for asked in asking {
            free += usize::from(asked.await.unwrap());
        }
        assert_eq!(free, 3);
    }
}

pub async fn a_new_period_forgets_the_old_one_and_its_key(shore: Shore) {
    let store = shore.open();
    let ann = MeterReader::Member(member(&store, "ann@example.org").await);
    let there = |reader, path: &str, period: Timestamp, fresh: u8| MeteredRead {
        period,
        network: Some("here".to_owned()),
        free_there: 3,
        fresh: [fresh; 32],
        ..read(reader, path)
    };
    let (first, second) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24));
    for number in 0..3 {
        assert!(let_in(&store, there(visitor(number), "/a/", first, 1)).await);
        assert!(let_in(&store, read(ann, &format!("/{number}/"))).await);
    }
    assert!(!let_in(&store, there(visitor(9), "/a/", first, 1)).await);
    assert!(let_in(&store, there(visitor(9), "/a/", second, 2)).await, "another period begins with nothing");
    for reader in [visitor(0), ann] {
        let left = store.metered(reader, first, Some("/a/".to_owned())).await.unwrap();
        assert_eq!((left.is_free, left.used), (false, 0));
    }
}

pub async fn a_network_is_counted_over_its_visitors_and_kept_as_a_digest(shore: Shore) {
    let store = shore.open();
    let there = |number, network: &str| MeteredRead {
        network: Some(network.to_owned()),
        free_there: 5,
        ..read(visitor(number), &format!("/{number}/"))
    };
    let mut free = 0;
    for number in 0..20 {
        free += usize::from(let_in(&store, there(number, "192.0.2.7 Firefox Linux")).await);
    }
    assert_eq!(free, 5);
    assert!(let_in(&store, there(30, "192.0.2.8 Firefox Linux")).await);
    // Who has been let in reads on.
    assert!(let_in(&store, there(0, "192.0.2.7 Firefox Linux")).await);
}

pub async fn what_a_visitor_has_read_is_a_members_too_and_counts_once(shore: Shore) {
    let store = shore.open();
    let ann = member(&store, "ann@example.org").await;
    let digest = VisitorDigest::of(b"cookie");
    for (reader, path) in [
        (MeterReader::Visitor(digest), "/a/"),
        (MeterReader::Visitor(digest), "/b/"),
        (MeterReader::Member(ann), "/b/"),
    ] {
        assert!(let_in(&store, read(reader, path)).await);
    }
    for _ in 0..2 {
        store.merge_metered(digest, ann).await.unwrap();
    }
    for reader in [MeterReader::Member(ann), MeterReader::Visitor(digest)] {
        let known = store.metered(reader, Timestamp::UNIX_EPOCH, Some("/a/".to_owned())).await.unwrap();
        assert_eq!((known.is_free, known.used), (true, 2));
    }
    store.delete_member(ann, now()).await.unwrap();
    store.merge_metered(digest, ann).await.unwrap();
    assert_eq!(store.metered(MeterReader::Member(ann), Timestamp::UNIX_EPOCH, None).await.unwrap().used, 0);
}

pub async fn a_feed_has_one_address_and_goes_with_its_member(shore: Shore) {
    let store = shore.open();
    let ann = member(&store, "ann@example.org").await;
    let bob = member(&store, "bob@example.org").await;
    let [first, second] = [[1; 32], [2; 32]].map(|token| FeedDigest::of(&token));
    store.make_feed(ann, first, now()).await.unwrap();
    assert_eq!(store.member_of_feed(first).await.unwrap().unwrap().id, ann);
    store.make_feed(ann, second, now()).await.unwrap();
    assert!(store.member_of_feed(first).await.unwrap().is_none());
    assert!(store.feed_made_at(ann).await.unwrap().is_some() && store.feed_made_at(bob).await.unwrap().is_none());
    assert!(!store.revoke_feed(bob).await.unwrap());
    store.delete_member(ann, now()).await.unwrap();
    assert!(store.member_of_feed(second).await.unwrap().is_none());
    store.make_feed(ann, second, now()).await.unwrap();
    assert!(store.member_of_feed(second).await.unwrap().is_none(), "nobody's");
    store.make_feed(bob, second, now()).await.unwrap();
    assert!(store.revoke_feed(bob).await.unwrap() && store.member_of_feed(second).await.unwrap().is_none());
}

pub async fn a_key_is_made_once_whoever_wants_it_first(shore: Shore) {
    let store = shore.open();
    assert_eq!(store.secret("preview").await.unwrap(), None);
    let wanting: Vec<_> = (1..=20)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { store.make_secret("preview", [number; 32], now()).await.unwrap() })
        })
        .collect();
    let mut made = Vec::new();
    for wanted in wanting {
        made.push(wanted.await.unwrap());
    }
    made.dedup();
    assert_eq!(made.len(), 1);
    assert_eq!(store.secret("preview").await.unwrap(), Some(made[0]));
    store.change_secret("preview", [99; 32], now()).await.unwrap();
    assert_eq!(store.secret("preview").await.unwrap(), Some([99; 32]));
}
