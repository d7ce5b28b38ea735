//! The outbox: what is put into it, whose it is, and what becomes of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use littoral::site::config;
use littoral::store::{
    Backoff, Cell, Claimed, Destination, Fate, Kept, ListedMessage, MESSAGES_AT_ONCE, MessagePlace, MessageState,
    NewAnswer, Next, Retry, Store, Subscriptions, webhook,
};

use crate::shore::{Shore, days, now};
use crate::{Test, tests};

pub fn all() -> Vec<(&'static str, Test)> {
    tests![
        a_message_is_due_at_once_and_for_its_addressee_alone,
        a_claimed_message_is_nobody_elses_until_its_lease_ends,
        who_comes_too_late_cannot_put_off_what_another_has_claimed,
        delivered_is_delivered_even_after_the_lease,
        many_who_claim_at_once_get_each_message_once_while_more_are_put,
        what_fails_waits_longer_each_time_and_is_given_up_after_the_last_try,
        a_receiver_may_put_a_message_off_but_not_bring_it_forward,
        what_nobody_will_take_is_given_up_at_once,
        a_second_click_puts_no_second_message,
        what_was_delivered_is_emptied_and_forgotten_after_a_day_and_nothing_else_is,
        a_list_has_every_message_once_page_after_page,
        what_was_given_up_and_what_waits_is_tried_again_when_somebody_says_so,
        what_is_being_sent_is_not_made_due_by_hand,
        a_row_is_announced_with_the_key_that_the_table_gave_it,
        a_row_of_a_table_that_was_made_past_littoral_is_announced_with_what_was_written,
        what_is_undone_was_never_announced,
        an_error_is_cut_and_has_nothing_in_it_that_moves_a_terminal,
    ]
}

const LEASE: SignedDuration = SignedDuration::from_secs(60);

fn answer(text: &str, to: &str) -> NewAnswer {
    NewAnswer {
        form: "note".to_owned(),
        answers: format!("{{\"text\":\"{text}\"}}"),
        once: *blake3::hash(text.as_bytes()).as_bytes(),
        files: Vec::new(),
        destination: None,
        webhook: Some(to.to_owned()),
        letters: Vec::new(),
        subscriptions: Arc::default(),
    }
}

async fn put(store: &Store, text: &str, to: &str, at: Timestamp) {
    assert!(matches!(store.keep_answer(answer(text, to), at).await.unwrap(), Kept::Now(_)));
}

async fn claim(store: &Store, to: &str, at: Timestamp) -> Vec<Claimed> {
    store.claim_messages(&webhook(to), 10, LEASE, at).await.unwrap()
}

/// The one message that is due for the till.
async fn only(store: &Store, at: Timestamp) -> Claimed {
    <[_; 1]>::try_from(claim(store, "till", at).await).unwrap()[0].clone()
}

async fn listed(store: &Store) -> Vec<ListedMessage> {
    store.messages(MessagePlace::default()).await.unwrap()
}

pub async fn a_message_is_due_at_once_and_for_its_addressee_alone(shore: Shore) {
    let store = shore.open();
    put(&store, "one", "till", now()).await;
    put(&store, "two", "ledger", now()).await;
    assert_eq!(store.next_message(&webhook("till")).await.unwrap(), Some(now()));
    assert_eq!(store.next_message(&webhook("nobody")).await.unwrap(), None);
    let before = now() - SignedDuration::from_secs(1);
    assert_eq!(claim(&store, "till", before).await, []);
    let message = only(&store, now()).await;
    assert_eq!(message.tries, 1);
    let said: serde_json::Value = serde_json::from_str(&message.payload).unwrap();
    assert_eq!((&said["type"], &said["timestamp"]), (&"form.answered".into(), &"2026-05-01T12:00:00Z".into()));
    assert_eq!((&said["data"]["form"], &said["data"]["answers"]["text"]), (&"note".into(), &"one".into()));
    assert_eq!(
        shore.ask("SELECT id FROM littoral_form_answer WHERE answers LIKE '%one%'"),
        said["data"]["id"].to_string()
    );
}

pub async fn a_claimed_message_is_nobody_elses_until_its_lease_ends(shore: Shore) {
    let (here, there) = (shore.open(), shore.open());
    put(&here, "one", "till", now()).await;
    let first = only(&here, now()).await;
    assert_eq!(claim(&there, "till", now()).await, []);
    let end = now() + LEASE;
    assert_eq!(there.next_message(&webhook("till")).await.unwrap(), Some(end));
    assert_eq!(claim(&there, "till", end - SignedDuration::from_micros(1)).await, []);
    let second = only(&there, end).await;
    assert_eq!((second.id, &second.payload, second.tries), (first.id, &first.payload, 2));
}

pub async fn who_comes_too_late_cannot_put_off_what_another_has_claimed(shore: Shore) {
    let store = shore.open();
    put(&store, "one", "till", now()).await;
    let first = only(&store, now()).await;
    let second = only(&store, now() + LEASE).await;
    let backoff = Backoff::default();
    let later = now() + LEASE;
    for next in [Next::Again(None), Next::Never] {
        assert_eq!(store.message_failed(&first, "late", next, &backoff, later).await.unwrap(), Fate::NotOurs);
    }
    assert_eq!(listed(&store).await[0].state, MessageState::IsSent(later + LEASE));
    let fate = store.message_failed(&second, "ours", Next::Never, &backoff, later).await.unwrap();
    assert_eq!(fate, Fate::GivenUp);
}

pub async fn delivered_is_delivered_even_after_the_lease(shore: Shore) {
    let store = shore.open();
    put(&store, "one", "till", now()).await;
    let first = only(&store, now()).await;
    let second = only(&store, now() + LEASE).await;
    store.message_delivered(&first, now() + LEASE).await.unwrap();
    let fate = store.message_failed(&second, "no", Next::Again(None), &Backoff::default(), now() + LEASE).await;
    assert_eq!(fate.unwrap(), Fate::NotOurs);
    assert_eq!(claim(&store, "till", now() + days(9)).await, []);
    assert_eq!(listed(&store).await, []);
}

pub async fn many_who_claim_at_once_get_each_message_once_while_more_are_put(shore: Shore) {
    let nodes = [shore.open(), shore.open()];
    let putting: Vec<_> = (0..200)
        .map(|number| {
            let node = nodes[number % 2].clone();
            tokio::spawn(async move { put(&node, &format!("note {number}"), "till", now()).await })
        })
        .collect();
    let taking: Vec<_> = (0..8)
        .map(|number| {
            let node = nodes[number % 2].clone();
            tokio::spawn(async move {
                let mut ids = Vec::new();
                // Until nothing has come for a while: those who put are at work meanwhile.
                for _ in 0..60 {
                    ids.extend(claim(&node, "till", now()).await.into_iter().map(|message| message.id));
                }
                ids
            })
        })
        .collect();
    for one in putting {
        one.await.unwrap();
    }
    let mut ids = Vec::new();
    for one in taking {
        ids.extend(one.await.unwrap());
    }
    loop {
        let more = claim(&nodes[0], "till", now()).await;
        if more.is_empty() {
            break;
        }
        ids.extend(more.into_iter().map(|message| message.id));
    }
    assert_eq!(ids.len(), 200);
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>().len(), 200);
    assert_eq!(shore.ask("SELECT max(tries) FROM littoral_outbox"), "1");
}

pub async fn what_fails_waits_longer_each_time_and_is_given_up_after_the_last_try(shore: Shore) {
    let store = shore.open();
    put(&store, "one", "till", now()).await;
    let backoff = Backoff { tries: 6, longest: SignedDuration::from_secs(300), ..Backoff::default() };
    let mut at = now();
    for middle in [5, 15, 45, 135, 300] {
        let message = only(&store, at).await;
        let fate = store.message_failed(&message, "answered 500", Next::Again(None), &backoff, at).await.unwrap();
        let Fate::Waits(due) = fate else { panic!("{fate:?}") };
        let wait = due.duration_since(at).as_millis();
        assert!((middle * 750..=middle * 1250).contains(&wait), "{middle} {wait}");
        assert_eq!(claim(&store, "till", due - SignedDuration::from_micros(1)).await, []);
        assert_eq!(listed(&store).await[0].state, MessageState::Waits(due));
        at = due;
    }
    let last = only(&store, at).await;
    assert_eq!(last.tries, 6);
    let fate = store.message_failed(&last, "answered 502", Next::Again(None), &backoff, at).await.unwrap();
    assert_eq!(fate, Fate::GivenUp);
    assert_eq!(claim(&store, "till", at + days(365)).await, []);
    let kept = &listed(&store).await[0];
    assert_eq!((kept.state, kept.tries), (MessageState::GivenUp(at), 6));
    assert_eq!(kept.last_error.as_deref(), Some("answered 502"));
}

pub async fn a_receiver_may_put_a_message_off_but_not_bring_it_forward(shore: Shore) {
    let store = shore.open();
    let fail = async |text, not_before| {
        put(&store, text, "till", now()).await;
        let message = only(&store, now()).await;
        store.message_failed(&message, "no", Next::Again(Some(not_before)), &Backoff::default(), now()).await.unwrap()
    };
    let late = now() + SignedDuration::from_hours(2);
    assert_eq!(fail("one", late).await, Fate::Waits(late));
    let Fate::Waits(due) = fail("two", now()).await else { panic!() };
    assert!(due.duration_since(now()).as_millis() >= 3_750, "{due}");
}

pub async fn what_nobody_will_take_is_given_up_at_once(shore: Shore) {
    let store = shore.open();
    put(&store, "one", "till", now()).await;
    let message = only(&store, now()).await;
    let fate = store.message_failed(&message, "answered 410", Next::Never, &Backoff::default(), now()).await.unwrap();
    assert_eq!(fate, Fate::GivenUp);
    assert_eq!(store.next_message(&webhook("till")).await.unwrap(), None);
}

pub async fn a_second_click_puts_no_second_message(shore: Shore) {
    let store = shore.open();
    put(&store, "one", "till", now()).await;
    assert!(matches!(store.keep_answer(answer("one", "till"), now()).await.unwrap(), Kept::Before(_)));
    assert_eq!(claim(&store, "till", now()).await.len(), 1);
}

pub async fn what_was_delivered_is_emptied_and_forgotten_after_a_day_and_nothing_else_is(shore: Shore) {
    let store = shore.open();
    for text in ["delivered", "given up", "waits"] {
        put(&store, text, "till", now()).await;
    }
    for message in claim(&store, "till", now()).await {
        if message.payload.contains("delivered") {
            store.message_delivered(&message, now()).await.unwrap();
        } else if message.payload.contains("given up") {
            let _ = store.message_failed(&message, "no", Next::Never, &Backoff::default(), now()).await.unwrap();
        }
    }
    assert_eq!(shore.ask("SELECT count(*) FROM littoral_outbox WHERE payload = ''"), "1");
    assert_eq!(shore.ask("SELECT count(*) FROM littoral_outbox WHERE payload LIKE '%delivered%'"), "0");
    for (later, left) in [(SignedDuration::from_hours(23), "3"), (days(1), "2"), (days(400), "2")] {
        store.sweep(now() + later).await.unwrap();
        assert_eq!(shore.ask("SELECT count(*) FROM littoral_outbox"), left);
    }
}

pub async fn a_list_has_every_message_once_page_after_page(shore: Shore) {
    let store = shore.open();
    put(&store, "one", "till", now()).await;
    // As many as only a long time would make.
    let count = MESSAGES_AT_ONCE * 2 + 100;
    let mut rows = String::new();
    for number in 0..count {
        let (due, finished, gave_up) = if number % 3 == 0 { ("NULL", "7", 1) } else { ("9", "NULL", 0) };
        let address = ["till", "ledger"][number % 2];
        rows.push_str(&format!(
            "INSERT INTO littoral_outbox (id, kind, address, payload, created_at, due_at, tries, finished_at, gave_up)
                 VALUES ({number}, 'webhook', '{address}', '', 0, {due}, 1, {finished}, {gave_up});"
        ));
    }
    shore.execute(&rows);
    let (mut seen, mut place, mut was_given_up) = (BTreeSet::new(), MessagePlace::default(), false);
    loop {
        let page = store.messages(place).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= MESSAGES_AT_ONCE);
        place = MessagePlace::behind(last);
        for message in page {
            let is_given_up = matches!(message.state, MessageState::GivenUp(_));
            assert!(is_given_up || !was_given_up, "those given up come last");
            was_given_up = is_given_up;
            assert!(seen.insert(message.id), "{} comes twice", message.id);
        }
    }
    assert_eq!(seen.len(), count + 1);
}

pub async fn what_was_given_up_and_what_waits_is_tried_again_when_somebody_says_so(shore: Shore) {
    let store = shore.open();
    let backoff = Backoff::default();
    for text in ["one", "two", "three"] {
        put(&store, text, "till", now()).await;
        let message = only(&store, now()).await;
        let next = if text == "two" { Next::Again(None) } else { Next::Never };
        let _ = store.message_failed(&message, "no", next, &backoff, now()).await.unwrap();
    }
    let first = listed(&store).await.last().unwrap().id;
    assert_eq!(store.retry_message(first, now()).await.unwrap(), Retry::Now);
    assert_eq!(store.retry_message(first + 1, now()).await.unwrap(), Retry::NotThere);
    let again = only(&store, now()).await;
    assert_eq!((again.id, again.tries), (first, 1));
    store.message_delivered(&again, now()).await.unwrap();
    assert_eq!(store.retry_message(first, now()).await.unwrap(), Retry::NotNeeded);
    assert_eq!(store.retry_messages(None, now()).await.unwrap(), 2);
    assert_eq!(store.retry_messages(None, now()).await.unwrap(), 0);
    assert_eq!(claim(&store, "till", now()).await.iter().map(|message| message.tries).collect::<Vec<_>>(), [1, 1]);
}

pub async fn what_is_being_sent_is_not_made_due_by_hand(shore: Shore) {
    let store = shore.open();
    put(&store, "one", "till", now()).await;
    let message = only(&store, now()).await;
    assert_eq!(store.retry_message(message.id, now()).await.unwrap(), Retry::NotNeeded);
    assert_eq!(store.retry_messages(None, now()).await.unwrap(), 0);
    assert_eq!(claim(&store, "till", now()).await, []);
    assert!(store.forget_message(message.id).await.unwrap());
    assert!(!store.forget_message(message.id).await.unwrap());
    // Who sends it meanwhile finds nothing to note it at.
    store.message_delivered(&message, now()).await.unwrap();
    assert_eq!(shore.ask("SELECT count(*) FROM littoral_outbox"), "0");
}

fn with_row(text: &str) -> NewAnswer {
    let hook = "url: https://till.example/\nsecret_env: TILL_SECRET\ntables: [city, city]";
    let mut edge = config::Edge::default();
    for name in ["till", "ledger"] {
        edge.webhooks.insert(name.to_owned(), serde_yaml::from_str(hook).unwrap());
    }
    edge.webhooks.insert("other".to_owned(), serde_yaml::from_str(&hook.replace("city", "boat")).unwrap());
    let table = "city".parse().unwrap();
    let cells = vec![("name".parse().unwrap(), Cell::Text(text.to_owned()))];
    NewAnswer {
        destination: Some(Destination { table, cells }),
        webhook: None,
        letters: Vec::new(),
        subscriptions: Arc::new(Subscriptions::of(&edge)),
        ..answer(text, "")
    }
}

/// What the webhook of this name is told, without the time.
async fn told(store: &Store, to: &str) -> Vec<serde_json::Value> {
    let messages = claim(store, to, now()).await;
    messages.iter().map(|message| serde_json::from_str(&message.payload).unwrap()).collect()
}

pub async fn a_row_is_announced_with_the_key_that_the_table_gave_it(shore: Shore) {
    let store = shore.open();
    let on_sqlite = shore.address() == "var/littoral.db";
    let key = if on_sqlite { "INTEGER PRIMARY KEY" } else { "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY" };
    shore.execute(
        &format!("CREATE TABLE city (id {key}, name TEXT, height REAL)")
            .replace("REAL", if on_sqlite { "REAL" } else { "DOUBLE PRECISION" }),
    );
    store.keep_answer(with_row("Brest"), now()).await.unwrap();
    let expected = serde_json::json!({
        "type": "row.created", "timestamp": "2026-05-01T12:00:00Z",
        "data": { "table": "city", "key": 1, "row": { "id": 1, "name": "Brest", "height": null } },
    });
    for name in ["till", "ledger"] {
        assert_eq!(told(&store, name).await, std::slice::from_ref(&expected));
    }
    assert_eq!(told(&store, "other").await, [] as [serde_json::Value; 0]);
}

pub async fn a_row_of_a_table_that_was_made_past_littoral_is_announced_with_what_was_written(shore: Shore) {
    let store = shore.open();
    shore.execute("CREATE TABLE city (name TEXT, since DATE DEFAULT CURRENT_DATE)");
    store.keep_answer(with_row("Brest"), now()).await.unwrap();
    let told = told(&store, "till").await;
    assert_eq!(told[0]["data"], serde_json::json!({ "table": "city", "key": null, "row": { "name": "Brest" } }));
}

pub async fn what_is_undone_was_never_announced(shore: Shore) {
    let store = shore.open();
    shore.execute("CREATE TABLE city (name TEXT UNIQUE)");
    store.keep_answer(with_row("Brest"), now()).await.unwrap();
    let again = NewAnswer { once: [9; 32], webhook: Some("till".to_owned()), ..with_row("Brest") };
    assert!(store.keep_answer(again, now()).await.is_err());
    assert_eq!(shore.ask("SELECT count(*) FROM littoral_outbox"), "2");
}

pub async fn an_error_is_cut_and_has_nothing_in_it_that_moves_a_terminal(shore: Shore) {
    let store = shore.open();
    put(&store, "one", "till", now()).await;
    let message = only(&store, now()).await;
    let why = format!("answered 500: \u{1b}[2J\0{}", "é".repeat(2_000));
    let _ = store.message_failed(&message, &why, Next::Never, &Backoff::default(), now()).await.unwrap();
    let said = listed(&store).await[0].last_error.clone().unwrap();
    assert!(said.starts_with("answered 500:  [2J é") && said.len() <= 1_000, "{said}");
}
