//! What holds of a file.

use std::path::Path;

use littoral::store::{EmailAddress, StoreError};

use crate::shore::{Shore, member, new_member, now, session};
use crate::{Test, tests};

pub fn all() -> Vec<(&'static str, Test)> {
    tests![
        a_new_store_is_for_its_owner_alone,
        what_was_acknowledged_is_there_after_the_store_is_opened_again,
        a_log_cut_in_the_middle_of_a_commit_loses_that_commit_and_no_other,
        a_thousand_writes_at_once_share_commits_and_all_are_kept,
        what_is_no_store_is_refused_and_left_as_it_is,
        a_closed_store_has_its_log_folded_in_and_answers_that_it_is_closed,
        the_file_has_no_token_in_it,
        every_question_is_answered_through_an_index,
    ]
}

pub async fn a_new_store_is_for_its_owner_alone(shore: Shore) {
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

pub async fn what_was_acknowledged_is_there_after_the_store_is_opened_again(shore: Shore) {
    let store = shore.open();
    member(&store, "ann@example.org").await;
    // A copy of the files as they lie now is what a machine that lost its power has.
    let copy = Shore::on_sqlite();
    std::fs::create_dir(copy.folder.path().join("var")).unwrap();
    for end in ["", "-wal"] {
        let name = format!("var/littoral.db{end}");
        std::fs::copy(shore.folder.path().join(&name), copy.folder.path().join(&name)).unwrap();
    }
    let again = copy.open();
    let found = again.member_by_email(&EmailAddress::parse("ANN@example.org").unwrap()).await.unwrap();
    assert_eq!(found.unwrap().0.email, "ann@example.org");
}

pub async fn a_log_cut_in_the_middle_of_a_commit_loses_that_commit_and_no_other(shore: Shore) {
    let store = shore.open();
    member(&store, "ann@example.org").await;
    let wal = shore.folder.path().join("var/littoral.db-wal");
    let before = std::fs::metadata(&wal).unwrap().len();
    member(&store, "bob@example.org").await;
    let after = std::fs::metadata(&wal).unwrap().len();
    assert!(after > before);
    let copy = Shore::on_sqlite();
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

pub async fn a_thousand_writes_at_once_share_commits_and_all_are_kept(shore: Shore) {
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
    assert_eq!(shore.ask("SELECT count(*) FROM littoral_member"), "1000");
}

pub async fn what_is_no_store_is_refused_and_left_as_it_is(shore: Shore) {
    std::fs::create_dir(shore.folder.path().join("var")).unwrap();
    std::fs::write(shore.file(), "these are somebody's notes, not a database at all").unwrap();
    assert!(matches!(shore.try_open().err(), Some(StoreError::NotAStore { .. })));
    assert!(std::fs::read_to_string(shore.file()).unwrap().starts_with("these are"));

    std::fs::remove_file(shore.file()).unwrap();
    shore.raw().execute_batch("CREATE TABLE recipe (name TEXT)").unwrap();
    let before = std::fs::read(shore.file()).unwrap();
    assert!(matches!(shore.try_open().err(), Some(StoreError::NotAStore { .. })));
    assert_eq!(std::fs::read(shore.file()).unwrap(), before);
}

pub async fn a_closed_store_has_its_log_folded_in_and_answers_that_it_is_closed(shore: Shore) {
    let store = shore.open();
    member(&store, "ann@example.org").await;
    store.close().await;
    let log = shore.folder.path().join("var/littoral.db-wal");
    assert!(std::fs::metadata(log).map_or(0, |log| log.len()) == 0);
    let refused = store.register(new_member("bob@example.org"), now()).await;
    assert!(matches!(refused, Err(StoreError::Closed)));
}

pub async fn the_file_has_no_token_in_it(shore: Shore) {
    let store = shore.open();
    store.begin_session(session("a token to look for", None), now()).await.unwrap();
    store.close().await;
    let bytes = std::fs::read(shore.file()).unwrap();
    assert!(!bytes.windows(19).any(|window| window == b"a token to look for"));
}

pub async fn every_question_is_answered_through_an_index(shore: Shore) {
    let store = shore.open();
    store.close().await;
    let connection = shore.raw();
    for sql in [
        "SELECT 1 FROM littoral_session s LEFT JOIN littoral_member m ON m.id = s.member_id WHERE s.digest = $1 AND s.expires_at > $2",
        "SELECT 1 FROM littoral_member WHERE email_key = $1",
        "SELECT id, created_at, seen_at, agent FROM littoral_session WHERE member_id = $1 AND expires_at > $2 ORDER BY seen_at DESC LIMIT 100",
        "DELETE FROM littoral_session WHERE id = $1 AND member_id = $2",
        "SELECT digest FROM littoral_session WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2",
        "SELECT path, position FROM littoral_page_read WHERE member_id = $1 ORDER BY read_at DESC LIMIT $2",
        "UPDATE littoral_page_read SET read_at = $3 WHERE member_id = $1 AND path = $2",
        "SELECT tries, blocked_until FROM littoral_attempt WHERE subject = $1 AND forget_at > $2",
        "SELECT subject FROM littoral_attempt WHERE forget_at <= $1 ORDER BY forget_at LIMIT $2",
        "SELECT 1 FROM littoral_link l LEFT JOIN littoral_member m ON m.id = l.member_id WHERE l.digest = $1 AND l.purpose = $2 AND l.expires_at > $3",
        "DELETE FROM littoral_link WHERE digest = $1 AND purpose = $2 AND expires_at > $3",
        "DELETE FROM littoral_link WHERE member_id = $1 AND purpose = $2",
        "SELECT digest FROM littoral_link WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2",
        "SELECT member_id FROM littoral_address_change WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2",
        "SELECT id, kind FROM littoral_security_event WHERE member_id = $1 AND (happened_at, id) < ($2, $3) ORDER BY happened_at DESC, id DESC LIMIT $4",
        "SELECT id FROM littoral_security_event WHERE member_id = $1 AND kind = $2 ORDER BY happened_at DESC, id DESC LIMIT $3 OFFSET $4",
        "SELECT 1 FROM littoral_security_event WHERE kind = $1 AND happened_at >= $2 LIMIT $3",
        "SELECT id FROM littoral_security_event WHERE happened_at <= $1 ORDER BY happened_at LIMIT $2",
        "SELECT id FROM littoral_member WHERE delete_at <= $1 AND delete_at IS NOT NULL ORDER BY delete_at LIMIT $2",
        "SELECT id FROM littoral_member WHERE role = $1 AND disabled_at IS NULL LIMIT 1",
        "SELECT 1 FROM littoral_member m WHERE m.email_key > $1 ORDER BY m.email_key LIMIT $2",
        "SELECT due_at FROM littoral_outbox WHERE kind = $1 AND address = $2 AND due_at IS NOT NULL ORDER BY due_at LIMIT 1",
        "SELECT id FROM littoral_outbox WHERE kind = $1 AND address = $2 AND due_at <= $3 ORDER BY due_at, id LIMIT $4",
        "SELECT id FROM littoral_outbox WHERE gave_up = 0 AND finished_at <= $1 ORDER BY finished_at LIMIT $2",
        "SELECT id FROM littoral_outbox WHERE (kind, address, due_at, id) > ($1, $2, $3, $4) AND due_at IS NOT NULL ORDER BY kind, address, due_at, id LIMIT $5",
        "SELECT id FROM littoral_outbox WHERE gave_up = 1 AND (finished_at, id) > ($1, $2) AND finished_at IS NOT NULL ORDER BY finished_at, id LIMIT $3",
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
