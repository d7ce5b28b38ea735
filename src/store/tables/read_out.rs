//! Reading a table out, row by row in the order of its key, as it stands at one instant.
//!
//! One statement on a connection of its own: what is written meanwhile is not seen, and the
//! rows are in memory one at a time. On SQLite the log cannot be folded in past the instant
//! until it ends.

use super::{Table, statement};
use crate::site::table::{ColumnType, TableName};
use crate::store::StoreError;
use crate::store::door::{Engine, Store};
use crate::store::sql::{Sql, Value};

impl Store {
    /// Gives each row of `table` to `take`, with a value for each column in their order, and
    /// gives back what `take` has made of them. It may block: it is called where it may.
    pub async fn each_row<S, E>(
        &self,
        table: &Table,
        mut state: S,
        mut take: impl FnMut(&mut S, &[Value<'_>]) -> Result<(), E> + Send + 'static,
    ) -> Result<S, E>
    where
        S: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let question = format!(
            "SELECT {} FROM {} ORDER BY {}",
            statement::list(&table.columns),
            table.name.quoted(),
            table.key.quoted()
        );
        match self.engine().clone() {
            Engine::Sqlite(sqlite) => {
                let reading = move || {
                    sqlite.read_apart(|connection| {
                        let mut statement = connection.prepare(&question).map_err(StoreError::from)?;
                        let width = statement.column_count();
                        let mut rows = statement.query([]).map_err(StoreError::from)?;
                        while let Some(row) = rows.next().map_err(StoreError::from)? {
                            let values = (0..width).map(|at| Ok(Value::try_from(row.get_ref(at)?)?));
                            let values = values.collect::<Result<Vec<_>, StoreError>>()?;
                            take(&mut state, &values)?;
                        }
                        Ok(state)
                    })
                };
                tokio::task::spawn_blocking(reading).await.unwrap_or_else(|_| Err(StoreError::Interrupted.into()))
            }
            Engine::Postgres(postgres) => {
                let kinds: Vec<ColumnType> = table.columns.iter().map(|column| column.kind).collect();
                let reading = move |server: &crate::store::postgres::Connection| {
                    let sql = Sql::postgres(server);
                    // A reader may be slow: a pipe waits for whoever stands at its other end.
                    sql.batch("SET statement_timeout = 0")?;
                    Ok(server.each_row(&question, &kinds, |row| take(&mut state, row)).map(|()| state))
                };
                postgres.apart(reading).await?
            }
        }
    }

    /// How many rows a table has. Both engines count them one by one.
    pub async fn count_rows(&self, table: &TableName) -> Result<u64, StoreError> {
        let statement = format!("SELECT count(*) FROM {}", table.quoted());
        let count = self.read(move |sql| sql.row(&statement, &[], |row| row.get::<i64>(0))).await?;
        Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
    }
}
