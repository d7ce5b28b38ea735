//! Announcing: what happens here, put into the outbox for the webhooks that want to hear of it.
//!
//! [`Subscriptions`] says which webhook listens to which table. Whoever changes a row of
//! the site's own says so (`changes::happened`) in their transaction, so a change that is
//! undone was never announced. An answer of a form goes to one webhook, by [`form_answered`].
//!
//! What is sent is JSON of the shape that Standard Webhooks recommends: `type`, `timestamp`
//! and `data`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::StoreError;
use super::changes::RowChange;
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
        let data = json!({ "table": change.table.as_str(), "key": change.key, "row": change.row });
        let payload = event(&format!("row.{}", change.deed.word()), now, data);
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
