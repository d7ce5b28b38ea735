//! What holds on SQLite and on PostgreSQL alike.

use jiff::SignedDuration;
use littoral::site::audience::Role;
use littoral::store::{
    Address, Allowance, AnswerPlace, Attempt, Client, FormFile, KEPT_READS, Kept, NewAnswer, NewSession, PageRead,
    Preferences, Registration, SessionDigest, Store, StoreError, TextSize, Theme,
};

use crate::shore::{Shore, days, member, new_member, now, session};
use crate::{Test, tests};

pub fn all() -> Vec<(&'static str, Test)> {
    tests![
        a_write_that_fails_takes_no_other_down_with_it,
        of_fifty_registrations_of_one_address_one_makes_an_account,
        a_store_that_a_newer_program_wrote_is_refused_by_the_name_of_its_migration,
        a_store_whose_migration_was_another_one_is_refused,
        two_programs_may_open_one_new_store_at_once,
        a_session_ends_when_idle_and_at_its_longest_however_busy,
        a_member_has_only_so_many_sessions_and_the_oldest_ends_first,
        a_member_revokes_their_own_sessions_and_nobody_elses,
        what_a_visitor_chose_fills_the_gaps_of_the_account_and_replaces_nothing,
        a_deleted_member_leaves_nothing,
        a_history_has_each_page_once_the_latest_first_and_only_so_many,
        a_history_that_is_switched_off_is_forgotten_and_not_written,
        beyond_the_free_tries_each_makes_the_wait_twice_as_long,
        a_hundred_tries_at_once_are_a_hundred_tries,
        of_fifty_clicks_at_once_one_answer_is_kept,
        the_same_answer_is_another_one_after_a_while_and_nothing_is_left_of_where_it_came_from,
        a_forgotten_answer_takes_its_files_along_and_no_others,
        who_becomes_an_administrator_signs_in_anew,
    ]
}

pub async fn a_write_that_fails_takes_no_other_down_with_it(shore: Shore) {
    let store = shore.open();
    let ann = member(&store, "ann@example.org").await;
    store.begin_session(session("one", Some(ann)), now()).await.unwrap();
    let writes: Vec<_> = (0..200)
        .map(|number| {
            let store = store.clone();
            // Every second one takes a digest that is taken.
            let token = if number % 2 == 0 { "one".to_owned() } else { format!("token {number}") };
            tokio::spawn(async move { store.begin_session(session(&token, None), now()).await.is_ok() })
        })
        .collect();
    for (number, write) in writes.into_iter().enumerate() {
        assert_eq!(write.await.unwrap(), number % 2 == 1, "{number}");
    }
    assert_eq!(shore.ask("SELECT count(*) FROM littoral_session"), "101");
}

pub async fn of_fifty_registrations_of_one_address_one_makes_an_account(shore: Shore) {
    let store = shore.open();
    let wishes: Vec<_> = (0..50)
        .map(|number| {
            let store = store.clone();
            let email = if number % 2 == 0 { "ann@example.org" } else { "Ann@Example.org" };
            tokio::spawn(async move { store.register(new_member(email), now()).await.unwrap() })
        })
        .collect();
    let mut made = 0;
    for wish in wishes {
        made += usize::from(matches!(wish.await.unwrap(), Registration::Made(_)));
    }
    assert_eq!(made, 1);
}

pub async fn a_store_that_a_newer_program_wrote_is_refused_by_the_name_of_its_migration(shore: Shore) {
    shore.open().close().await;
    shore.execute("INSERT INTO migration VALUES (99, 'tides', 'x', 0)");
    let error = shore.try_open().err().unwrap();
    assert!(matches!(error, StoreError::NewerThanThisProgram { found: 99, .. }));
    assert!(error.to_string().contains("migration 99 (`tides`)"), "{error}");
}

pub async fn a_store_whose_migration_was_another_one_is_refused(shore: Shore) {
    shore.open().close().await;
    shore.execute("UPDATE migration SET digest = 'x' WHERE number = 2");
    assert!(matches!(shore.try_open().err(), Some(StoreError::OtherMigration { number: 2, .. })));
}

pub async fn two_programs_may_open_one_new_store_at_once(shore: Shore) {
    let opened: Vec<_> = (0..8)
        .map(|_| {
            let address = Address::parse(shore.folder.path(), &shore.address()).unwrap();
            std::thread::spawn(move || Store::open(&address).map(drop))
        })
        .collect();
    for opening in opened {
        opening.join().unwrap().unwrap();
    }
}

pub async fn a_session_ends_when_idle_and_at_its_longest_however_busy(shore: Shore) {
    let store = shore.open();
    let digest = SessionDigest::of(b"token");
    store.begin_session(session("token", None), now()).await.unwrap();
    let lives = async |day: i64| store.session(&digest, now() + days(day)).await.unwrap().is_some();
    assert!(lives(13).await);
    assert!(!lives(14).await);
    for day in (10..=80).step_by(10) {
        store.see_session(digest, days(14), now() + days(day)).await.unwrap();
    }
    assert!(lives(89).await);
    assert!(!lives(90).await);
    // What has expired does not come back to life.
    store.see_session(digest, days(14), now() + days(95)).await.unwrap();
    assert!(!lives(95).await);
    assert!(!store.sweep(now() + days(95)).await.unwrap());
}

pub async fn a_member_has_only_so_many_sessions_and_the_oldest_ends_first(shore: Shore) {
    let store = shore.open();
    let ann = member(&store, "ann@example.org").await;
    for number in 0..60 {
        let at = now() + SignedDuration::from_mins(number);
        store.begin_session(session(&format!("token {number}"), Some(ann)), at).await.unwrap();
    }
    let later = now() + days(1);
    assert_eq!(store.sessions_of(ann, later).await.unwrap().len(), 50);
    assert!(store.session(&SessionDigest::of(b"token 9"), later).await.unwrap().is_none());
    assert!(store.session(&SessionDigest::of(b"token 10"), later).await.unwrap().is_some());
}

pub async fn a_member_revokes_their_own_sessions_and_nobody_elses(shore: Shore) {
    let store = shore.open();
    let (ann, bob) = (member(&store, "ann@example.org").await, member(&store, "bob@example.org").await);
    for (token, who) in [("a1", ann), ("a2", ann), ("b", bob)] {
        store.begin_session(session(token, Some(who)), now()).await.unwrap();
    }
    let of_bob = store.sessions_of(bob, now()).await.unwrap()[0].id;
    assert!(!store.revoke_session(ann, of_bob, Client::default(), now()).await.unwrap());
    assert!(store.revoke_session(bob, of_bob, Client::default(), now()).await.unwrap());
    assert_eq!(store.revoke_other_sessions(ann, SessionDigest::of(b"a1"), Client::default(), now()).await.unwrap(), 1);
    assert_eq!(store.sessions_of(ann, now()).await.unwrap().len(), 1);
}

pub async fn what_a_visitor_chose_fills_the_gaps_of_the_account_and_replaces_nothing(shore: Shore) {
    let store = shore.open();
    let ann = member(&store, "ann@example.org").await;
    let large = Preferences { theme: None, text_size: Some(TextSize::Large) };
    store.keep_preferences_of_member(ann, large).await.unwrap();
    let visited = Preferences { theme: Some(Theme::Dark), text_size: Some(TextSize::Small) };
    let new = NewSession { preferences: visited, ..session("token", Some(ann)) };
    store.begin_session(new, now()).await.unwrap();
    let found = store.session(&SessionDigest::of(b"token"), now()).await.unwrap().unwrap();
    let expected = Preferences { theme: Some(Theme::Dark), text_size: Some(TextSize::Large) };
    assert_eq!(found.member.unwrap().preferences, expected);
    assert_eq!(found.visitor_preferences, Preferences::default());
}

pub async fn a_deleted_member_leaves_nothing(shore: Shore) {
    let store = shore.open();
    let ann = member(&store, "ann@example.org").await;
    store.begin_session(session("token", Some(ann)), now()).await.unwrap();
    store.note_read(ann, read("/docs/", 0)).await.unwrap();
    store.delete_member(ann, now()).await.unwrap();
    // A beacon that was on its way.
    store.note_read(ann, read("/docs/", 1)).await.unwrap();
    assert!(store.session(&SessionDigest::of(b"token"), now()).await.unwrap().is_none());
    for table in ["littoral_member", "littoral_session", "littoral_page_read"] {
        assert_eq!(shore.ask(&format!("SELECT count(*) FROM {table}")), "0", "{table}");
    }
}

fn read(path: &str, minute: i64) -> PageRead {
    PageRead {
        path: path.to_owned(),
        position: 0.5,
        anchor: String::new(),
        read_at: now() + SignedDuration::from_mins(minute),
    }
}

pub async fn a_history_has_each_page_once_the_latest_first_and_only_so_many(shore: Shore) {
    let store = shore.open();
    let ann = member(&store, "ann@example.org").await;
    for minute in 0..520 {
        store.note_read(ann, read(&format!("/page/{minute}/"), minute)).await.unwrap();
    }
    store.note_read(ann, read("/page/100/", 600)).await.unwrap();
    let history = store.history(ann, 1_000).await.unwrap();
    assert_eq!(history.len(), KEPT_READS);
    assert_eq!(history[0].path, "/page/100/");
    assert_eq!(history[1].path, "/page/519/");
    assert!(!history.iter().any(|read| read.path == "/page/19/"));
}

pub async fn a_history_that_is_switched_off_is_forgotten_and_not_written(shore: Shore) {
    let store = shore.open();
    let ann = member(&store, "ann@example.org").await;
    store.note_read(ann, read("/docs/", 0)).await.unwrap();
    store.keep_history(ann, false).await.unwrap();
    store.note_read(ann, read("/docs/", 1)).await.unwrap();
    assert!(store.history(ann, 10).await.unwrap().is_empty());
    store.keep_history(ann, true).await.unwrap();
    store.note_read(ann, read("/docs/", 2)).await.unwrap();
    assert_eq!(store.history(ann, 10).await.unwrap().len(), 1);
}

const THREE: Allowance = Allowance {
    what: "test",
    free: 3,
    first_wait: SignedDuration::from_secs(2),
    longest_wait: SignedDuration::from_secs(10),
    forget_after: SignedDuration::from_hours(1),
};

pub async fn beyond_the_free_tries_each_makes_the_wait_twice_as_long(shore: Shore) {
    let store = shore.open();
    let mut at = now();
    let mut waits = Vec::new();
    for _ in 0..8 {
        match store.admit(vec![Attempt::new(THREE, "ann")], at).await.unwrap() {
            Ok(()) => waits.push(0),
            Err(wait) => {
                waits.push(wait.as_secs());
                at += wait;
                assert!(store.admit(vec![Attempt::new(THREE, "ann")], at).await.unwrap().is_ok());
            }
        }
    }
    assert_eq!(waits, [0, 0, 0, 2, 4, 8, 10, 10]);
    assert!(store.admit(vec![Attempt::new(THREE, "bob")], at).await.unwrap().is_ok());
    assert!(store.admit(vec![Attempt::new(THREE, "ann")], at).await.unwrap().is_err());
    store.forgive(vec![Attempt::new(THREE, "ann")]).await.unwrap();
    assert!(store.admit(vec![Attempt::new(THREE, "ann")], at).await.unwrap().is_ok());
}

pub async fn a_hundred_tries_at_once_are_a_hundred_tries(shore: Shore) {
    let store = shore.open();
    let tries: Vec<_> = (0..100)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.admit(vec![Attempt::new(THREE, "ann")], now()).await.unwrap().is_ok() })
        })
        .collect();
    let mut admitted = 0;
    for one in tries {
        admitted += usize::from(one.await.unwrap());
    }
    assert_eq!(admitted, 3);
}

fn answer(text: &str) -> NewAnswer {
    NewAnswer {
        form: "note".to_owned(),
        answers: format!("{{\"text\":\"{text}\"}}"),
        once: *blake3::hash(text.as_bytes()).as_bytes(),
        files: Vec::new(),
        destination: None,
        webhook: None,
        letters: Vec::new(),
        subscriptions: Default::default(),
    }
}

pub async fn of_fifty_clicks_at_once_one_answer_is_kept(shore: Shore) {
    let store = shore.open();
    let clicks: Vec<_> = (0..50)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.keep_answer(answer("once"), now()).await.unwrap() })
        })
        .collect();
    let mut kept = 0;
    for click in clicks {
        kept += usize::from(matches!(click.await.unwrap(), Kept::Now(_)));
    }
    assert_eq!((kept, shore.ask("SELECT count(*) FROM littoral_form_answer").as_str()), (1, "1"));
}

pub async fn the_same_answer_is_another_one_after_a_while_and_nothing_is_left_of_where_it_came_from(shore: Shore) {
    let store = shore.open();
    store.keep_answer(answer("again"), now()).await.unwrap();
    let soon = now() + SignedDuration::from_mins(1);
    assert!(matches!(store.keep_answer(answer("again"), soon).await.unwrap(), Kept::Before(_)));
    store.sweep(soon).await.unwrap();
    assert_eq!(shore.ask("SELECT count(*) FROM littoral_form_answer WHERE once IS NOT NULL"), "1");
    let later = now() + SignedDuration::from_mins(3);
    store.sweep(later).await.unwrap();
    assert_eq!(shore.ask("SELECT count(*) FROM littoral_form_answer WHERE once IS NOT NULL"), "0");
    assert!(matches!(store.keep_answer(answer("again"), later).await.unwrap(), Kept::Now(_)));
    let all = store.answers("note", AnswerPlace::NEWEST, None, 9).await.unwrap();
    assert_eq!(all.iter().map(|answer| answer.received_at).collect::<Vec<_>>(), [later, now()]);
    let since = store.answers("note", AnswerPlace::NEWEST, Some(later), 9).await.unwrap();
    assert_eq!(since.len(), 1);
}

pub async fn a_forgotten_answer_takes_its_files_along_and_no_others(shore: Shore) {
    let store = shore.open();
    let file = |name: &str| FormFile {
        id: FormFile::new_id(),
        field: "file".to_owned(),
        digest: "ab".repeat(32),
        name: name.to_owned(),
        media: "text/plain".to_owned(),
        length: 3,
    };
    let files = [file("one"), file("other")];
    let mut kept = Vec::new();
    for file in &files {
        let new = NewAnswer { files: vec![file.clone()], ..answer(&file.name) };
        let Kept::Now(id) = store.keep_answer(new, now()).await.unwrap() else { panic!("it is new") };
        kept.push(id);
    }
    assert_eq!(store.answer(kept[0]).await.unwrap().unwrap().1, [files[0].clone()]);
    assert_eq!(store.forget_answer(kept[0]).await.unwrap(), Some(vec![files[0].clone()]));
    assert_eq!(store.forget_answer(kept[0]).await.unwrap(), None);
    assert_eq!(store.form_file(files[0].id).await.unwrap(), None);
    assert_eq!(store.form_file(files[1].id).await.unwrap(), Some(files[1].clone()));
    assert_eq!(store.forms_with_answers().await.unwrap(), ["note"]);
}

pub async fn who_becomes_an_administrator_signs_in_anew(shore: Shore) {
    let store = shore.open();
    let ann = member(&store, "ann@example.org").await;
    let address = littoral::store::EmailAddress::parse("ANN@example.org").unwrap();
    store.begin_session(session("before", Some(ann)), now()).await.unwrap();
    assert!(store.set_role(&address, Role::Admin).await.unwrap());
    assert!(store.session(&SessionDigest::of(b"before"), now()).await.unwrap().is_none());
    store.begin_session(session("after", Some(ann)), now()).await.unwrap();
    let is_admin = |found: Option<littoral::store::Session>| found.unwrap().member.unwrap().role == Role::Admin;
    assert!(is_admin(store.session(&SessionDigest::of(b"after"), now()).await.unwrap()));
    // Said again, nothing changes, and nobody is signed out.
    assert!(store.set_role(&address, Role::Admin).await.unwrap());
    assert!(is_admin(store.session(&SessionDigest::of(b"after"), now()).await.unwrap()));
}
