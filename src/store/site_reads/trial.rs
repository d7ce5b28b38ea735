//! Trying queries: what the engine says of each, without making anything ready for it.
//!
//! Nothing is left behind: SQLite is opened for reading alone, and on PostgreSQL the role that
//! reads is made in a transaction which is rolled back.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::sqlite::Reading;
use super::{MOST_TIME, Open, in_time, names, postgres, value};
use crate::site::parameter::Given;
use crate::store::StoreError;
use crate::store::door::{Engine, Store};
use crate::store::sql::{Sql, Value};
use crate::store::tables::Table;

/// A statement of a site, and values such as it will get.
pub type Trial = (String, Vec<Given>);

/// The names of its columns, or what is wrong with it.
pub type Tried = Result<Vec<String>, StoreError>;

impl Store {
    /// Tries each statement as a site would ask it that has opened this.
    pub async fn try_queries(&self, open: &Open, trials: Vec<Trial>) -> Result<Vec<Tried>, StoreError> {
        match self.engine() {
            Engine::Sqlite(store) => {
                let reading = Reading::of(store.path(), open, self.read(names).await?);
                // Each has a time of its own, as it will.
                let ask = |trial: &Trial| {
                    reading.at_one_moment(MOST_TIME, |connection| tried(&Sql::sqlite(connection), trial))
                };
                Ok(trials.iter().map(|trial| ask(trial).map_err(in_time)).collect())
            }
            Engine::Postgres(store) => {
                let tables = self.tables().await?.into_iter().map(|table| (table.name.clone(), table));
                let (open, tables): (Open, BTreeMap<_, Table>) = (open.clone(), tables.collect());
                let trials = Arc::new(trials);
                store
                    .read(move |sql| {
                        sql.batch("BEGIN")?;
                        let answers = on_postgres(sql, &open, &tables, &trials);
                        let ended = sql.batch("ROLLBACK");
                        let answers = answers?;
                        ended.map(|()| answers)
                    })
                    .await
            }
        }
    }
}

fn on_postgres(
    sql: &Sql<'_>,
    open: &Open,
    tables: &BTreeMap<crate::site::table::TableName, Table>,
    trials: &[Trial],
) -> Result<Vec<Tried>, StoreError> {
    let role = postgres::grant(sql, open, tables)?;
    sql.batch(&format!("SET LOCAL ROLE {role}; SET LOCAL statement_timeout = '{}ms'", MOST_TIME.as_millis()))?;
    let mut answers = Vec::with_capacity(trials.len());
    for trial in trials {
        sql.batch("SAVEPOINT trial")?;
        answers.push(tried(sql, trial).map_err(in_time));
        sql.batch("ROLLBACK TO SAVEPOINT trial")?;
    }
    Ok(answers)
}

/// Asks for no row: rights and names are looked at all the same.
fn tried(sql: &Sql<'_>, (statement, given): &Trial) -> Tried {
    let values: Vec<Value<'_>> = given.iter().map(value).collect();
    let columns = sql.columns(statement)?;
    sql.rows(&format!("SELECT * FROM ({statement}) AS tried LIMIT 0"), &values, |_| Ok(()))?;
    Ok(columns)
}
