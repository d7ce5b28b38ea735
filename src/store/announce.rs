//! Announcing: what happens here, put into the outbox for the webhooks that want to hear of it.
//!
//! [`Subscriptions`] says which webhook listens to which table. A deed that changes a row of
//! the site's own calls [`Subscriptions::announce`] in its transaction, so a change that is
//! undone was never announced. An answer of a form goes to one webhook, by [`form_answered`].
//!
//! What is sent is JSON of the shape that Standard Webhooks recommends: `type`, `timestamp`
//! and `data`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::StoreError;
use super::forms::{FormFile, NewAnswer};
use super::outbox::{Addressee, put};
use super::sql::Sql;
use crate::site::config;
use crate::site::table::TableName;

/// The kind of messages that webhooks carry.
pub const WEBHOOK: &str = "webhook";

/// The webhook of this name.
pub fn webhook(name: &str) -> Addressee {
    Addressee { kind: WEBHOOK.to_owned(), address: name.to_owned() }
}

/// Which webhooks listen to which tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscriptions(BTreeMap<TableName, Vec<Addressee>>);

/// What was done to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It is new.
    Created,
    /// Values of it are others.
    Changed,
    /// It is gone.
    Removed,
}

/// A row that is not as it was.
#[derive(Clone, Debug)]
pub struct RowChange {
    /// Where it is.
    pub table: TableName,
    /// What was done to it.
    pub deed: Deed,
    /// The value of its key; null when the table has none that is known.
    pub key: Value,
    /// Column → value: as it is now, or as it was before it was removed.
    pub row: Map<String, Value>,
}

impl Subscriptions {
    /// Those that the site's author has configured.
    pub fn of(edge: &config::Edge) -> Self {
        let mut listeners: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (name, hook) in &edge.webhooks {
            for table in &hook.tables {
                let of_table = listeners.entry(table.clone()).or_default();
                // A table that is named twice is announced once.
                if of_table.last() != Some(&webhook(name)) {
                    of_table.push(webhook(name));
                }
            }
        }
        Self(listeners)
    }

    /// Whether anybody listens to `table`.
    pub fn has(&self, table: &TableName) -> bool {
        self.0.contains_key(table)
    }

    /// Puts one message for each webhook that listens to the table, in the transaction of
    /// `sql`. Says how many.
    pub(super) fn announce(&self, sql: &Sql<'_>, change: &RowChange, now: Timestamp) -> Result<usize, StoreError> {
        let Some(listeners) = self.0.get(&change.table) else { return Ok(0) };
        let kind = match change.deed {
            Deed::Created => "row.created",
            Deed::Changed => "row.changed",
            Deed::Removed => "row.removed",
        };
        let data = json!({ "table": change.table.as_str(), "key": change.key, "row": change.row });
        let payload = event(kind, now, data);
        for listener in listeners {
            put(sql, listener, &payload, now)?;
        }
        Ok(listeners.len())
    }
}

/// Puts the message that says that a form was answered.
pub(super) fn form_answered(
    sql: &Sql<'_>,
    to: &str,
    id: i64,
    answer: &NewAnswer,
    now: Timestamp,
) -> Result<(), StoreError> {
    // It was made by us; what is no JSON is sent as the text that it is.
    let answers: Value = serde_json::from_str(&answer.answers).unwrap_or_else(|_| answer.answers.clone().into());
    let file = |file: &FormFile| json!({ "id": file.id, "field": file.field, "name": file.name, "media": file.media, "length": file.length });
    let files: Vec<Value> = answer.files.iter().map(file).collect();
    let data = json!({ "form": answer.form, "id": id, "answers": answers, "files": files });
    put(sql, &webhook(to), &event("form.answered", now, data), now).map(drop)
}

fn event(kind: &str, now: Timestamp, data: Value) -> String {
    json!({ "type": kind, "timestamp": now.to_string(), "data": data }).to_string()
}
