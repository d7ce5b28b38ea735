//! The store through its own door, on real files.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use littoral::store::{
    Allowance, Attempt, EmailAddress, KEPT_READS, MemberId, NewMember, NewSession, PageRead, Preferences, Registration,
    SessionDigest, Store, StoreError, TextSize, Theme,
};

struct Shore {
    folder: tempfile::TempDir,
}

impl Shore {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("var/littoral.db")
    }

    fn open(&self) -> Store {
        Store::open(&self.file()).unwrap()
    }

    fn raw(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.file()).unwrap()
    }
}

fn now() -> Timestamp {
    "2026-05-01T12:00:00Z".parse().unwrap()
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

fn new_member(email: &str) -> NewMember {
    NewMember {
        email: EmailAddress::parse(email).unwrap(),
        name: "Ann".to_owned(),
        password: "$argon2id$…".to_owned(),
        preferences: Preferences::default(),
    }
}

async fn member(store: &Store, email: &str) -> MemberId {
    match store.register(new_member(email), now()).await.unwrap() {
        Registration::Made(id) => id,
        Registration::AddressTaken => panic!("{email} is taken"),
    }
}

fn session(token: &str, member: Option<MemberId>) -> NewSession {
    NewSession {
        digest: SessionDigest::of(token.as_bytes()),
        member,
        preferences: Preferences::default(),
        replaces: None,
        agent: "test".to_owned(),
        idle: days(14),
        longest: days(90),
    }
}

#[tokio::test]
async fn a_new_store_is_for_its_owner_alone() {
    let shore = Shore::new();
    let store = shore.open();
    member(&store, "ann@example.org").await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&shore.file()), 0o600);
        assert_eq!(mode(&shore.folder.path().join("var")), 0o700);
        assert_eq!(mode(&shore.folder.path().join("var/littoral.db-wal")), 0o600);
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_the_store_is_opened_again() {
    let shore = Shore::new();
    let store = shore.open();
    member(&store, "ann@example.org").await;
    // A copy of the files as they lie now is what a machine that lost its power has.
    let copy = Shore::new();
    std::fs::create_dir(copy.folder.path().join("var")).unwrap();
    for end in ["", "-wal"] {
        let name = format!("var/littoral.db{end}");
        std::fs::copy(shore.folder.path().join(&name), copy.folder.path().join(&name)).unwrap();
    }
    let again = copy.open();
    let found = again.member_by_email(&EmailAddress::parse("ANN@example.org").unwrap()).await.unwrap();
    assert_eq!(found.unwrap().0.email, "ann@example.org");
}

#[tokio::test]
async fn a_log_cut_in_the_middle_of_a_commit_loses_that_commit_and_no_other() {
    let shore = Shore::new();
    let store = shore.open();
    member(&store, "ann@example.org").await;
    let wal = shore.folder.path().join("var/littoral.db-wal");
    let before = std::fs::metadata(&wal).unwrap().len();
    member(&store, "bob@example.org").await;
    let after = std::fs::metadata(&wal).unwrap().len();
    assert!(after > before);
    let copy = Shore::new();
    std::fs::create_dir(copy.folder.path().join("var")).unwrap();
    std::fs::copy(shore.file(), copy.file()).unwrap();
    let log = std::fs::read(&wal).unwrap();
    let cut = usize::try_from(before + (after - before) / 2).unwrap();
    std::fs::write(copy.folder.path().join("var/littoral.db-wal"), &log[..cut]).unwrap();
    let again = copy.open();
    let known = async |email| again.member_by_email(&EmailAddress::parse(email).unwrap()).await.unwrap().is_some();
    assert!(known("ann@example.org").await);
    assert!(!known("bob@example.org").await);
    member(&again, "bob@example.org").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_writes_at_once_share_commits_and_all_are_kept() {
    let shore = Shore::new();
    let store = shore.open();
    let before = store.work();
    let writes: Vec<_> = (0..1_000)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { member(&store, &format!("reader{number}@example.org")).await })
        })
        .collect();
    let mut ids = std::collections::HashSet::new();
    for write in writes {
        ids.insert(write.await.unwrap());
    }
    let after = store.work();
    assert_eq!(ids.len(), 1_000);
    assert_eq!(after.jobs - before.jobs, 1_000);
    assert!(after.commits - before.commits < 500, "{after:?}");
    let count: i64 = shore.raw().query_row("SELECT count(*) FROM member", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_fails_takes_no_other_down_with_it() {
    let shore = Shore::new();
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
    let count: i64 = shore.raw().query_row("SELECT count(*) FROM session", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 101);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_registrations_of_one_address_one_makes_an_account() {
    let store = Shore::new().open_and_keep();
    let wishes: Vec<_> = (0..50)
        .map(|number| {
            let store = store.1.clone();
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

impl Shore {
    fn open_and_keep(self) -> (Self, Store) {
        let store = self.open();
        (self, store)
    }
}

#[tokio::test]
async fn a_store_that_a_newer_program_wrote_is_refused_by_the_name_of_its_migration() {
    let shore = Shore::new();
    shore.open().close().await;
    shore.raw().execute("INSERT INTO migration VALUES (99, 'tides', 'x', 0)", []).unwrap();
    let error = Store::open(&shore.file()).err().unwrap();
    assert!(matches!(error, StoreError::NewerThanThisProgram { found: 99, .. }));
    assert!(error.to_string().contains("migration 99 (`tides`)"), "{error}");
}

#[tokio::test]
async fn a_store_whose_migration_was_another_one_is_refused() {
    let shore = Shore::new();
    shore.open().close().await;
    shore.raw().execute("UPDATE migration SET digest = 'x' WHERE number = 2", []).unwrap();
    assert!(matches!(Store::open(&shore.file()).err(), Some(StoreError::OtherMigration { number: 2, .. })));
}

#[tokio::test]
async fn what_is_no_store_is_refused_and_left_as_it_is() {
    let shore = Shore::new();
    std::fs::create_dir(shore.folder.path().join("var")).unwrap();
    std::fs::write(shore.file(), "these are somebody's notes, not a database at all").unwrap();
    assert!(matches!(Store::open(&shore.file()).err(), Some(StoreError::NotAStore { .. })));
    assert!(std::fs::read_to_string(shore.file()).unwrap().starts_with("these are"));

    std::fs::remove_file(shore.file()).unwrap();
    shore.raw().execute_batch("CREATE TABLE recipe (name TEXT)").unwrap();
    let before = std::fs::read(shore.file()).unwrap();
    assert!(matches!(Store::open(&shore.file()).err(), Some(StoreError::NotAStore { .. })));
    assert_eq!(std::fs::read(shore.file()).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_programs_may_open_one_new_store_at_once() {
    let shore = Shore::new();
    let opened: Vec<_> = (0..8)
        .map(|_| {
            let path = shore.file();
            std::thread::spawn(move || Store::open(&path).map(drop))
        })
        .collect();
    for opening in opened {
        opening.join().unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_closed_store_has_its_log_folded_in_and_answers_that_it_is_closed() {
    let shore = Shore::new();
    let store = shore.open();
    member(&store, "ann@example.org").await;
    store.close().await;
    let log = shore.folder.path().join("var/littoral.db-wal");
    assert!(std::fs::metadata(log).map_or(0, |log| log.len()) == 0);
    let refused = store.register(new_member("bob@example.org"), now()).await;
    assert!(matches!(refused, Err(StoreError::Closed)));
}

#[tokio::test]
async fn a_session_ends_when_idle_and_at_its_longest_however_busy() {
    let (_shore, store) = Shore::new().open_and_keep();
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

#[tokio::test]
async fn the_file_has_no_token_in_it() {
    let (shore, store) = Shore::new().open_and_keep();
    store.begin_session(session("a token to look for", None), now()).await.unwrap();
    store.close().await;
    let bytes = std::fs::read(shore.file()).unwrap();
    assert!(!bytes.windows(19).any(|window| window == b"a token to look for"));
}

#[tokio::test]
async fn a_member_has_only_so_many_sessions_and_the_oldest_ends_first() {
    let (_shore, store) = Shore::new().open_and_keep();
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

#[tokio::test]
async fn a_member_revokes_their_own_sessions_and_nobody_elses() {
    let (_shore, store) = Shore::new().open_and_keep();
    let (ann, bob) = (member(&store, "ann@example.org").await, member(&store, "bob@example.org").await);
    for (token, who) in [("a1", ann), ("a2", ann), ("b", bob)] {
        store.begin_session(session(token, Some(who)), now()).await.unwrap();
    }
    let of_bob = store.sessions_of(bob, now()).await.unwrap()[0].id;
    assert!(!store.revoke_session(ann, of_bob).await.unwrap());
    assert!(store.revoke_session(bob, of_bob).await.unwrap());
    assert_eq!(store.revoke_other_sessions(ann, SessionDigest::of(b"a1")).await.unwrap(), 1);
    assert_eq!(store.sessions_of(ann, now()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_visitor_chose_fills_the_gaps_of_the_account_and_replaces_nothing() {
    let (_shore, store) = Shore::new().open_and_keep();
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

#[tokio::test]
async fn a_deleted_member_leaves_nothing() {
    let (shore, store) = Shore::new().open_and_keep();
    let ann = member(&store, "ann@example.org").await;
    store.begin_session(session("token", Some(ann)), now()).await.unwrap();
    store.note_read(ann, read("/docs/", 0)).await.unwrap();
    store.delete_member(ann).await.unwrap();
    // A beacon that was on its way.
    store.note_read(ann, read("/docs/", 1)).await.unwrap();
    assert!(store.session(&SessionDigest::of(b"token"), now()).await.unwrap().is_none());
    for table in ["member", "session", "page_read"] {
        let rows: i64 = shore.raw().query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "{table}");
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

#[tokio::test]
async fn a_history_has_each_page_once_the_latest_first_and_only_so_many() {
    let (_shore, store) = Shore::new().open_and_keep();
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

#[tokio::test]
async fn a_history_that_is_switched_off_is_forgotten_and_not_written() {
    let (_shore, store) = Shore::new().open_and_keep();
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

#[tokio::test]
async fn beyond_the_free_tries_each_makes_the_wait_twice_as_long() {
    let (_shore, store) = Shore::new().open_and_keep();
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

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_tries_at_once_are_a_hundred_tries() {
    let (_shore, store) = Shore::new().open_and_keep();
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

#[tokio::test]
async fn every_question_is_answered_through_an_index() {
    let (shore, store) = Shore::new().open_and_keep();
    store.close().await;
    let connection = shore.raw();
    for sql in [
        "SELECT 1 FROM session s LEFT JOIN member m ON m.id = s.member_id WHERE s.digest = $1 AND s.expires_at > $2",
        "SELECT 1 FROM member WHERE email_key = $1",
        "SELECT id, created_at, seen_at, agent FROM session WHERE member_id = $1 AND expires_at > $2 ORDER BY seen_at DESC LIMIT 100",
        "DELETE FROM session WHERE id = $1 AND member_id = $2",
        "SELECT digest FROM session WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2",
        "SELECT path, position FROM page_read WHERE member_id = $1 ORDER BY read_at DESC LIMIT $2",
        "UPDATE page_read SET read_at = $3 WHERE member_id = $1 AND path = $2",
        "SELECT tries, blocked_until FROM attempt WHERE subject = $1 AND forget_at > $2",
        "SELECT subject FROM attempt WHERE forget_at <= $1 ORDER BY forget_at LIMIT $2",
    ] {
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        for number in 1..=plan.parameter_count() {
            plan.raw_bind_parameter(number, 1).unwrap();
        }
        let mut rows = plan.raw_query();
        while let Some(row) = rows.next().unwrap() {
            let step: String = row.get(3).unwrap();
            assert!(!step.starts_with("SCAN") && !step.contains("TEMP B-TREE"), "{sql}\n{step}");
        }
    }
}
