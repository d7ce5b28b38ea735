//! Comments: threads of any depth, states, and who is told of what.

use jiff::{SignedDuration, Timestamp};
use littoral::site::comments::Moderation;
use littoral::store::{
    Author, CommentId, CommentOrder, CommentRecord, CommentState, CommentsFrom, EmailAddress, Judgement, Letter,
    MemberId, Moved, NewComment, Posted, Rules, Store, Verdict, Wants,
};

use crate::shore::{Shore, days, member, now};
use crate::{Test, tests};

pub fn all() -> Vec<(&'static str, Test)> {
    tests![
        a_thread_ten_thousand_deep_is_read_in_bounded_parts,
        each_order_gives_each_comment_once_in_both_directions,
        a_verdict_that_comes_second_changes_nothing,
        what_is_shown_and_taken_away_is_counted_and_keeps_its_place,
        each_subscriber_is_told_of_a_comment_once_whoever_is_killed_in_between,
        a_deleted_member_leaves_texts_without_a_name_and_likes_that_are_counted_no_more,
        spam_and_unconfirmed_comments_are_forgotten_in_time_and_others_are_not,
        comments_of_a_moved_page_move_once_and_never_onto_others,
        what_comes_from_elsewhere_is_taken_once_with_its_threads,
        a_part_is_read_by_an_index_alone,
    ]
}

fn address(member: &str) -> EmailAddress {
    EmailAddress::parse(&format!("{member}@example.org")).unwrap()
}

async fn author(store: &Store, name: &str) -> Author {
    Author::Member(member(store, &format!("{name}@example.org")).await, address(name))
}

fn rules() -> Rules {
    Rules { moderation: Moderation::After, trusted_after: 3, is_trusted: false, suspicion: None }
}

fn new(author: &Author, parent: Option<CommentId>, text: &str) -> NewComment {
    NewComment {
        page: "/tides/".to_owned(),
        parent,
        author: author.clone(),
        name: "Ann".to_owned(),
        source: text.to_owned(),
        html: format!("<p>{text}</p>\n"),
        writer: 1,
        rules: rules(),
        network: [1; 32],
        once: *blake3::hash(format!("{author:?} {parent:?} {text}").as_bytes()).as_bytes(),
        wants: Wants::Nothing,
        closed_before: None,
    }
}

async fn post(store: &Store, new: NewComment, at: Timestamp) -> CommentId {
    match store.post_comment(new, at).await.unwrap() {
        Posted::Now(id, _) => id,
        other => panic!("{other:?}"),
    }
}

/// All of a page, part after part.
async fn everything(store: &Store, order: CommentOrder, limit: usize) -> Vec<CommentId> {
    let (mut all, mut from) = (Vec::new(), CommentsFrom::First);
    loop {
        let part = store.comments("/tides/", order, from, limit).await.unwrap();
        assert!(part.comments.len() <= limit);
        all.extend(part.comments.iter().map(|comment| comment.id));
        match part.comments.last().filter(|_| part.has_after) {
            Some(last) => from = CommentsFrom::After(last.id),
            None => return all,
        }
    }
}

pub async fn a_thread_ten_thousand_deep_is_read_in_bounded_parts(shore: Shore) {
    const DEEP: usize = 10_000;
    let store = shore.open();
    // As an import makes them: each answers the one before.
    let records = |numbers: std::ops::Range<usize>| -> Vec<CommentRecord> {
        numbers
            .map(|number| CommentRecord {
                id: number.to_string(),
                parent: number.checked_sub(1).map(|parent| parent.to_string()),
                page: "/tides/".to_owned(),
                name: "Ann".to_owned(),
                email: None,
                source: number.to_string(),
                html: format!("<p>{number}</p>"),
                writer: 1,
                state: CommentState::Shown,
                created_at: now(),
            })
            .collect()
    };
    for begin in (0..DEEP).step_by(1_000) {
        assert_eq!(store.import_comments(records(begin..begin + 1_000), now()).await.unwrap(), 1_000);
    }
    assert_eq!(shore.ask("SELECT max(length(path)) FROM littoral_comment"), "80", "a path has an end");
    assert_eq!(shore.ask("SELECT max(level) FROM littoral_comment"), (DEEP - 1).to_string());
    for order in CommentOrder::ALL {
        let all = everything(&store, order, 200).await;
        assert_eq!(all.len(), DEEP, "{order:?}");
        let last = store.comment(all[DEEP - 1]).await.unwrap().unwrap();
        assert_eq!(last.source, (DEEP - 1).to_string(), "{order:?}");
    }
    // Its last one is answered, deleted, and gives its place back.
    let bob = author(&store, "bob").await;
    let deepest = *everything(&store, CommentOrder::Oldest, 200).await.last().unwrap();
    let answer = post(&store, new(&bob, Some(deepest), "below all"), now()).await;
    assert_eq!(store.comment(answer).await.unwrap().unwrap().level, DEEP as i64);
    store.take_back_comment(answer, bob, now()).await.unwrap();
    let part = store.comments("/tides/", CommentOrder::Oldest, CommentsFrom::At(deepest), 10).await.unwrap();
    assert_eq!((part.comments.len(), part.has_before, part.shown), (1, true, DEEP as i64));
}

pub async fn each_order_gives_each_comment_once_in_both_directions(shore: Shore) {
    let store = shore.open();
    let ann = author(&store, "ann").await;
    let mut ids: Vec<CommentId> = Vec::new();
    for number in 0..23_usize {
        let parent = (number % 4 != 0).then(|| ids[number * 7 % ids.len()]);
        ids.push(
            post(&store, new(&ann, parent, &number.to_string()), now() + SignedDuration::from_secs(number as i64))
                .await,
        );
    }
    for (at, liker) in ["bob", "cy", "di"].iter().enumerate() {
        let Author::Member(liker, _) = author(&store, liker).await else { unreachable!() };
        for id in ids.iter().skip(at).step_by(3) {
            store.like_comment(*id, liker, now()).await.unwrap();
        }
    }
    for order in CommentOrder::ALL {
        let whole = everything(&store, order, 100).await;
        let sorted = |ids: &[CommentId]| {
            let mut ids = ids.to_vec();
            ids.sort();
            ids
        };
        assert_eq!(sorted(&whole), sorted(&ids), "{order:?}");
        for limit in [1, 4, 7] {
            assert_eq!(everything(&store, order, limit).await, whole, "{order:?} by {limit}");
        }
        // Backwards from each place.
        for (at, id) in whole.iter().enumerate() {
            let part = store.comments("/tides/", order, CommentsFrom::Before(*id), 5).await.unwrap();
            let found: Vec<CommentId> = part.comments.iter().map(|comment| comment.id).collect();
            assert_eq!(found, whole[at.saturating_sub(5)..at], "{order:?} before {at}");
            assert_eq!((part.has_before, part.has_after), (at > 5, true), "{order:?} before {at}");
        }
    }
    let liked = store.comments("/tides/", CommentOrder::Liked, CommentsFrom::First, 100).await.unwrap();
    assert!(liked.comments.is_sorted_by_key(|comment| -comment.likes));
    // Of another page, and of none.
    let nowhere = CommentsFrom::After(CommentId::from_number(7));
    let part = store.comments("/tides/", CommentOrder::Oldest, nowhere, 100).await.unwrap();
    assert_eq!(part.comments.len(), 23, "what is gone leads to the beginning");
    assert_eq!(store.comments("/x/", CommentOrder::Oldest, CommentsFrom::First, 9).await.unwrap().comments, []);
}

async fn judge(store: &Store, id: CommentId, seen: Option<CommentState>, verdict: Verdict, at: Timestamp) -> bool {
    let judged = store.judge_comments(None, verdict, vec![Judgement { id, seen }], at).await.unwrap();
    matches!(judged[0].1, littoral::store::Judged::Done { .. })
}

pub async fn a_verdict_that_comes_second_changes_nothing(shore: Shore) {
    let store = shore.open();
    let ann = author(&store, "ann").await;
    let held = NewComment { rules: Rules { moderation: Moderation::Before, ..rules() }, ..new(&ann, None, "a") };
    let id = post(&store, held, now()).await;
    let waiting = Some(CommentState::Waiting);
    assert!(judge(&store, id, waiting, Verdict::Approve, now()).await);
    for verdict in Verdict::ALL {
        assert!(!judge(&store, id, waiting, verdict, now()).await, "{verdict:?}");
    }
    assert!(judge(&store, id, Some(CommentState::Shown), Verdict::Delete, now()).await);
    for verdict in Verdict::ALL {
        assert!(!judge(&store, id, None, verdict, now()).await, "what is deleted stays so: {verdict:?}");
    }
    assert_eq!(shore.ask("SELECT count(*) FROM littoral_audit"), "2");
    assert_eq!(shore.ask("SELECT shown FROM littoral_comment_page"), "0");
}

pub async fn what_is_shown_and_taken_away_is_counted_and_keeps_its_place(shore: Shore) {
    let store = shore.open();
    let ann = author(&store, "ann").await;
    let root = post(&store, new(&ann, None, "root"), now()).await;
    let child = post(&store, new(&ann, Some(root), "child"), now()).await;
    let grandchild = post(&store, new(&ann, Some(child), "grandchild"), now()).await;
    let places = |expected: usize, shown: i64| {
        let store = store.clone();
        async move {
            let part = store.comments("/tides/", CommentOrder::Oldest, CommentsFrom::First, 9).await.unwrap();
            assert_eq!((part.comments.len(), part.shown), (expected, shown));
        }
    };
    places(3, 3).await;
    store.take_back_comment(root, ann.clone(), now()).await.unwrap();
    store.take_back_comment(root, ann.clone(), now()).await.unwrap();
    places(3, 2).await;
    assert!(judge(&store, child, None, Verdict::Spam, now()).await);
    places(3, 1).await;
    assert!(judge(&store, child, None, Verdict::Approve, now()).await);
    assert!(judge(&store, child, None, Verdict::Refuse, now()).await);
    places(3, 1).await;
    store.take_back_comment(grandchild, ann.clone(), now()).await.unwrap();
    places(0, 0).await;
    // Somebody answers what is no more.
    assert_eq!(store.post_comment(new(&ann, Some(root), "late"), now()).await.unwrap(), Posted::NoParent);
    let elsewhere = NewComment { page: "/other/".to_owned(), ..new(&ann, None, "other") };
    let other = post(&store, elsewhere, now()).await;
    assert_eq!(store.post_comment(new(&ann, Some(other), "late"), now()).await.unwrap(), Posted::NoParent);
}

fn letter(to: &EmailAddress) -> Letter {
    Letter {
        to: to.as_str().to_owned(),
        subject: "News".to_owned(),
        text: "News".to_owned(),
        html: None,
        headers: Vec::new(),
        must_go: false,
    }
}

pub async fn each_subscriber_is_told_of_a_comment_once_whoever_is_killed_in_between(shore: Shore) {
    let store = shore.open();
    for number in 0..25 {
        let name = format!("reader{number}");
        let reader = author(&store, &name).await;
        let wants = NewComment { wants: Wants::Thread, ..new(&reader, None, &name) };
        let held = NewComment { rules: Rules { moderation: Moderation::Before, ..rules() }, ..wants };
        post(&store, held, now()).await;
    }
    let ann = author(&store, "ann").await;
    let id = post(&store, new(&ann, None, "news"), now()).await;
    let mut letters = 0;
    while let Some(notice) = store.next_comment_notice(4).await.unwrap() {
        assert_eq!(notice.comment.id, id);
        // One that is killed here has written nothing; another that does the same at once is late.
        let _killed = store.next_comment_notice(4).await.unwrap();
        let written: Vec<Letter> = notice.subscribers.iter().map(|reader| letter(&reader.email)).collect();
        letters += written.len();
        let (one, other) = tokio::join!(
            store.comment_notice_written(&notice, written.clone(), now()),
            store.comment_notice_written(&notice, written, now()),
        );
        one.unwrap();
        other.unwrap();
    }
    assert_eq!(letters, 25);
    assert_eq!(shore.ask("SELECT count(*) FROM littoral_outbox"), "25");
    assert_eq!(shore.ask("SELECT count(DISTINCT payload) FROM littoral_outbox"), "25");
    // Shown again, it is told no more.
    assert!(judge(&store, id, None, Verdict::Refuse, now()).await);
    assert!(judge(&store, id, None, Verdict::Approve, now()).await);
    assert!(store.next_comment_notice(4).await.unwrap().is_none());
}

pub async fn a_deleted_member_leaves_texts_without_a_name_and_likes_that_are_counted_no_more(shore: Shore) {
    let store = shore.open();
    let (ann, bob) = (author(&store, "ann").await, author(&store, "bob").await);
    let (Author::Member(ann_id, _), Author::Member(bob_id, _)) = (&ann, &bob) else { unreachable!() };
    let (ann_id, bob_id): (MemberId, MemberId) = (*ann_id, *bob_id);
    let wants = NewComment { wants: Wants::Thread, ..new(&ann, None, "kept words") };
    post(&store, wants, now()).await;
    let other = post(&store, new(&bob, None, "bob's"), now()).await;
    store.like_comment(other, ann_id, now()).await.unwrap();
    assert_eq!(store.comments_of_member(ann_id, littoral::store::QueuePlace::NEWEST, 9).await.unwrap().len(), 1);
    store.delete_member(ann_id, now()).await.unwrap();
    assert_eq!(shore.ask("SELECT source FROM littoral_comment WHERE name = ''"), "kept words");
    for nothing in [
        "littoral_comment WHERE member_id = (SELECT member_id FROM littoral_comment WHERE source = 'kept words')",
        "littoral_comment_subscription",
        "littoral_comment_like",
        "littoral_comment WHERE likes <> 0 OR rank <> 0",
    ] {
        assert_eq!(shore.ask(&format!("SELECT count(*) FROM {nothing}")), "0", "{nothing}");
    }
    assert_eq!(store.comments_of_member(bob_id, littoral::store::QueuePlace::NEWEST, 9).await.unwrap().len(), 1);
}

pub async fn spam_and_unconfirmed_comments_are_forgotten_in_time_and_others_are_not(shore: Shore) {
    let store = shore.open();
    let ann = author(&store, "ann").await;
    let shown = post(&store, new(&ann, None, "shown"), now()).await;
    let spam = post(&store, new(&ann, None, "spam"), now()).await;
    assert!(judge(&store, spam, None, Verdict::Spam, now()).await);
    let guest = Author::Unconfirmed(address("guest"), [9; 32], Box::new(letter(&address("guest"))));
    let unconfirmed = post(&store, new(&guest, None, "unconfirmed"), now()).await;
    let is_there = |id: CommentId| {
        let store = store.clone();
        async move { store.comment(id).await.unwrap().is_some() }
    };
    store.sweep(now() + days(1)).await.unwrap();
    assert!(is_there(unconfirmed).await && is_there(spam).await);
    store.sweep(now() + days(3)).await.unwrap();
    assert!(!is_there(unconfirmed).await && is_there(spam).await);
    store.sweep(now() + days(31)).await.unwrap();
    assert!(!is_there(spam).await && is_there(shown).await);
    assert_eq!(shore.ask("SELECT count(*) FROM littoral_comment WHERE network IS NOT NULL"), "0");
}

pub async fn comments_of_a_moved_page_move_once_and_never_onto_others(shore: Shore) {
    let store = shore.open();
    let ann = author(&store, "ann").await;
    post(&store, new(&ann, None, "a"), now()).await;
    assert_eq!(store.move_comments(None, "/nothing/", "/x/", now()).await.unwrap(), Moved::Nothing);
    assert_eq!(store.move_comments(None, "/tides/", "/water/", now()).await.unwrap(), Moved::Now(1));
    post(&store, new(&ann, None, "b"), now()).await;
    assert_eq!(store.move_comments(None, "/tides/", "/water/", now()).await.unwrap(), Moved::Taken);
    let moved = store.comments("/water/", CommentOrder::Oldest, CommentsFrom::First, 9).await.unwrap();
    assert_eq!((moved.comments.len(), moved.comments[0].page.as_str()), (1, "/water/"));
}

pub async fn what_comes_from_elsewhere_is_taken_once_with_its_threads(shore: Shore) {
    let store = shore.open();
    let record = |id: &str, parent: Option<&str>| CommentRecord {
        id: id.to_owned(),
        parent: parent.map(str::to_owned),
        page: "/tides/".to_owned(),
        name: "Ann".to_owned(),
        email: Some(address("ann")),
        source: id.to_owned(),
        html: id.to_owned(),
        writer: 1,
        state: CommentState::Shown,
        created_at: now(),
    };
    let records = vec![record("a", None), record("b", Some("a")), record("c", Some("nowhere"))];
    assert_eq!(store.import_comments(records.clone(), now()).await.unwrap(), 3);
    assert_eq!(store.import_comments(records, now()).await.unwrap(), 0);
    let part = store.comments("/tides/", CommentOrder::Oldest, CommentsFrom::First, 9).await.unwrap();
    let levels: Vec<(String, i64)> =
        part.comments.iter().map(|comment| (comment.source.clone(), comment.level)).collect();
    assert_eq!(levels, [("a".to_owned(), 0), ("b".to_owned(), 1), ("c".to_owned(), 0)]);
    assert_eq!(part.shown, 3);
}

/// What the planner says of each question that a page asks, in a store that it knows: no sorting,
/// no scan.
pub async fn a_part_is_read_by_an_index_alone(shore: Shore) {
    let store = shore.open();
    let ann = author(&store, "ann").await;
    for number in 0..3 {
        post(&store, new(&ann, None, &number.to_string()), now()).await;
    }
    store.close().await;
    let is_sqlite = shore.address().ends_with(".db");
    let many = if is_sqlite {
        "WITH RECURSIVE n (n) AS (SELECT 4 UNION ALL SELECT n + 1 FROM n WHERE n < 20000) "
    } else {
        ""
    };
    let from = if is_sqlite { "n" } else { "generate_series(4, 20000) AS n (n)" };
    let hex = |number: &str| {
        if is_sqlite { format!("printf('%08x', {number})") } else { format!("lpad(to_hex({number}), 8, '0')") }
    };
    shore.execute(&format!(
        "{many}INSERT INTO littoral_comment (id, page_id, number, root, level, path, newest, rank, name, source, html,
             writer, state, listed, replies, why, likes, reports, created_at, wants)
         SELECT n, (SELECT id FROM littoral_comment_page), n, n, 0, {}, {}, 0, 'Ann', '', '', 1, 'shown', 1, 0, '', 0, 0,
             n, 'nothing' FROM {from}; ANALYZE",
        hex("n"),
        hex("4294967295 - n")
    ));
    let explain = if is_sqlite { "EXPLAIN QUERY PLAN " } else { "EXPLAIN (FORMAT JSON) " };
    for (order, after, index) in [
        ("c.path", "c.path > '00002000'", "oldest"),
        ("c.path DESC", "c.path < '00002000'", "oldest"),
        ("c.newest", "c.newest > 'ffffe000'", "newest"),
        ("c.rank, c.number", "(c.rank, c.number) > (0, 8000)", "liked"),
    ] {
        let question = format!(
            "{explain}SELECT c.id FROM littoral_comment c LEFT JOIN littoral_comment_page p ON p.id = c.page_id
                 LEFT JOIN littoral_comment u ON u.id = c.parent_id
                 WHERE c.page_id = (SELECT id FROM littoral_comment_page) AND c.listed = 1 AND {after}
                 ORDER BY {order} LIMIT 1"
        );
        let plan = plan(&shore, &question);
        assert!(plan.contains(&format!("littoral_comment_{index}")), "{order}: {plan}");
        assert!(!plan.contains("TEMP B-TREE") && !plan.contains("Sort\""), "{order}: {plan}");
    }
}

fn plan(shore: &Shore, question: &str) -> String {
    if shore.address().ends_with(".db") {
        let store = shore.raw();
        let mut statement = store.prepare(question).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(3)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>().join("\n")
    } else {
        shore.ask(question)
    }
}
