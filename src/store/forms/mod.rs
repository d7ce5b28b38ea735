//! What came by forms: answers, the files with them, and the rows that go to a table of the
//! site's own.
//!
//! An answer, its files, its row and what is sent of it are one transaction: there are all of
//! them, or none. The bytes of files are not here; `edge::form::uploads` keeps them by digest and id.

mod destination;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub use destination::{Cell, Destination, Unfit};

use super::StoreError;
use super::accounts::{random_id, time};
use super::announce::{Subscriptions, form_answered};
use super::door::{Durability, Store};
use super::letters::{Lane, Letter, post};
use super::sql::{Row, Sql, params};

/// How long the same answer of the same visitor is taken for a second click.
pub const TWICE_WITHIN: SignedDuration = SignedDuration::from_mins(2);
/// How many answers one question gives at most.
pub const ANSWERS_AT_ONCE: usize = 500;
/// How many forms are listed of which only answers are left.
const MOST_FORMS: usize = 100;
/// Up to so many answers are counted: a list need not read a million rows to say "many".
pub const COUNTED: i64 = 1_000;

/// An answer that came.
#[derive(Clone, Debug)]
pub struct NewAnswer {
    /// The form.
    pub form: String,
    /// Field → value, a JSON object.
    pub answers: String,
    /// Of content and visitor: the same twice is one answer.
    pub once: [u8; 32],
    /// The files with it; their bytes are in place already.
    pub files: Vec<FormFile>,
    /// The row for the site's own table.
    pub destination: Option<Destination>,
    /// The webhook that is told of it.
    pub webhook: Option<String>,
    /// The letters that tell of it.
    pub letters: Vec<Letter>,
    /// Those that are told of the row.
    pub subscriptions: Arc<Subscriptions>,
}

/// A file that came with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormFile {
    /// Its number, random.
    pub id: i64,
    /// The field.
    pub field: String,
    /// Of its bytes, hexadecimal.
    pub digest: String,
    /// As its sender called it.
    pub name: String,
    /// Its media type, by its bytes.
    pub media: String,
    /// How many bytes.
    pub length: i64,
}

impl FormFile {
    /// A number for a new file, which nobody can guess.
    pub fn new_id() -> i64 {
        random_id()
    }
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is kept under this number.
    Now(i64),
    /// It was kept a moment ago: a second click. Nothing was written.
    Before(i64),
}

/// An answer that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormAnswer {
    /// Its number, random.
    pub id: i64,
    /// The form.
    pub form: String,
    /// When it came.
    pub received_at: Timestamp,
    /// Field → value, a JSON object.
    pub answers: String,
}

/// A place in the list of a form's answers: before this one in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerPlace {
    /// When it came, in microseconds.
    pub received_at: i64,
    /// Its number: two may come in one microsecond.
    pub id: i64,
}

impl AnswerPlace {
    /// Before all that can be in the list.
    pub const NEWEST: Self = Self { received_at: i64::MAX, id: i64::MAX };

    /// The place of `answer`.
    pub fn of(answer: &FormAnswer) -> Self {
        Self { received_at: answer.received_at.as_microsecond(), id: answer.id }
    }
}

/// What is known of a form's answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormCount {
    /// The form.
    pub form: String,
    /// How many; [`COUNTED`] for that many and more.
    pub count: i64,
    /// When the last one came.
    pub newest: Option<Timestamp>,
}

const COLUMNS: &str = "id, form, received_at, answers";
const FILE_COLUMNS: &str = "id, field, digest, name, media, length";

impl Store {
    /// Keeps an answer, unless the same came from the same visitor a moment ago.
    pub async fn keep_answer(&self, new: NewAnswer, now: Timestamp) -> Result<Kept, StoreError> {
        let id = random_id();
        self.write(Durability::Durable, move |sql| {
            let at = now.as_microsecond();
            let since = at.saturating_sub(i64::try_from(TWICE_WITHIN.as_micros()).unwrap_or(i64::MAX));
            let before = sql.row(
                "SELECT id FROM littoral_form_answer WHERE once = $1 AND received_at > $2",
                params![new.once, since],
                |row| row.get(0),
            )?;
            if let Some(before) = before {
                return Ok(Kept::Before(before));
            }
            sql.run(
                "INSERT INTO littoral_form_answer (id, form, received_at, answers, once) VALUES ($1, $2, $3, $4, $5)",
                params![id, new.form, at, new.answers, new.once],
            )?;
            for file in &new.files {
                let FormFile { id: number, field, digest, name, media, length } = file;
                sql.run(
                    "INSERT INTO littoral_form_file (id, answer_id, field, digest, name, media, length)
                         VALUES ($1, $2, $3, $4, $5, $6, $7)",
                    params![number, id, field, digest, name, media, length],
                )?;
            }
            if let Some(destination) = &new.destination {
                destination.insert(sql, &new.subscriptions, now)?;
            }
            if let Some(webhook) = &new.webhook {
                form_answered(sql, webhook, id, &new, now)?;
            }
            new.letters.iter().try_for_each(|letter| post(sql, Lane::Prompt, letter, now).map(drop))?;
            Ok(Kept::Now(id))
        })
        .await
    }

    /// Answers of a form that came before `place` and not before `since`, the newest first.
    pub async fn answers(
        &self,
        form: &str,
        place: AnswerPlace,
        since: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<FormAnswer>, StoreError> {
        let form = form.to_owned();
        let since = since.map_or(i64::MIN, Timestamp::as_microsecond);
        self.read(move |sql| {
            let statement = format!(
                "SELECT {COLUMNS} FROM littoral_form_answer
                     WHERE form = $1 AND (received_at, id) < ($2, $3) AND received_at >= $4
                     ORDER BY received_at DESC, id DESC LIMIT $5"
            );
            let limit = limit.min(ANSWERS_AT_ONCE) as i64;
            sql.rows(&statement, params![form, place.received_at, place.id, since, limit], answer)
        })
        .await
    }

    /// One answer with its files.
    pub async fn answer(&self, id: i64) -> Result<Option<(FormAnswer, Vec<FormFile>)>, StoreError> {
        let found = self
            .read(move |sql| {
                let statement = format!("SELECT {COLUMNS} FROM littoral_form_answer WHERE id = $1");
                sql.row(&statement, params![id], answer)
            })
            .await?;
        let Some(found) = found else { return Ok(None) };
        Ok(Some((found, self.read(move |sql| files(sql, id)).await?)))
    }

    /// One file.
    pub async fn form_file(&self, id: i64) -> Result<Option<FormFile>, StoreError> {
        self.read(move |sql| {
            let statement = format!("SELECT {FILE_COLUMNS} FROM littoral_form_file WHERE id = $1");
            sql.row(&statement, params![id], file)
        })
        .await
    }

    /// Forgets an answer and gives the files that came with it, whose bytes are to be removed
    /// now; none when there was no such answer.
    pub async fn forget_answer(&self, id: i64) -> Result<Option<Vec<FormFile>>, StoreError> {
        self.write(Durability::Durable, move |sql| {
            let gone = files(sql, id)?;
            sql.run("DELETE FROM littoral_form_file WHERE answer_id = $1", params![id])?;
            let was_there = sql.run("DELETE FROM littoral_form_answer WHERE id = $1", params![id])? > 0;
            Ok(was_there.then_some(gone))
        })
        .await
    }

    /// The answers of one form, counted.
    pub async fn count_answers(&self, form: &str) -> Result<FormCount, StoreError> {
        let form = form.to_owned();
        self.read(move |sql| {
            let count = sql.row(
                "SELECT count(*) FROM (SELECT 1 FROM littoral_form_answer WHERE form = $1 LIMIT $2) AS counted",
                params![form, COUNTED],
                |row| row.get(0),
            )?;
            let newest = sql.row(
                "SELECT received_at FROM littoral_form_answer WHERE form = $1 ORDER BY received_at DESC, id DESC LIMIT 1",
                params![form],
                |row| time(row, 0),
            )?;
            Ok(FormCount { form: form.clone(), count: count.unwrap_or(0), newest })
        })
        .await
    }

    /// The names of all forms that have answers, in order: each by a look into the index.
    pub async fn forms_with_answers(&self) -> Result<Vec<String>, StoreError> {
        self.read(move |sql| {
            let mut names: Vec<String> = Vec::new();
            while names.len() < MOST_FORMS {
                let last = names.last().map_or("", String::as_str);
                let next = sql.row(
                    "SELECT form FROM littoral_form_answer WHERE form > $1 ORDER BY form LIMIT 1",
                    params![last],
                    |row| row.get(0),
                )?;
                match next {
                    Some(name) => names.push(name),
                    None => break,
                }
            }
            Ok(names)
        })
        .await
    }
}

/// Empties what tells answers of one visitor from those of others, once it has done its work.
/// Says of how many rows.
pub(super) fn forget_visitors(sql: &Sql<'_>, now: i64, limit: i64) -> Result<u64, StoreError> {
    let before = now.saturating_sub(i64::try_from(TWICE_WITHIN.as_micros()).unwrap_or(i64::MAX));
    sql.run(
        "UPDATE littoral_form_answer SET once = NULL WHERE id IN
             (SELECT id FROM littoral_form_answer WHERE once IS NOT NULL AND received_at <= $1 LIMIT $2)",
        params![before, limit],
    )
}

fn answer(row: &Row<'_>) -> Result<FormAnswer, StoreError> {
    Ok(FormAnswer { id: row.get(0)?, form: row.get(1)?, received_at: time(row, 2)?, answers: row.get(3)? })
}

fn file(row: &Row<'_>) -> Result<FormFile, StoreError> {
    Ok(FormFile {
        id: row.get(0)?,
        field: row.get(1)?,
        digest: row.get(2)?,
        name: row.get(3)?,
        media: row.get(4)?,
        length: row.get(5)?,
    })
}

fn files(sql: &Sql<'_>, answer: i64) -> Result<Vec<FormFile>, StoreError> {
    let statement = format!("SELECT {FILE_COLUMNS} FROM littoral_form_file WHERE answer_id = $1 ORDER BY field, id");
    sql.rows(&statement, params![answer], file)
}
