//! Reading for a site on PostgreSQL: a role that was granted what is open, and nothing else.
//!
//! The connections put the role on when they are opened. A statement could only take it off
//! by a function or a command that is refused when it is parsed.

use super::Open;
use crate::site::digest::Digest;
use crate::site::table::TableName;
use crate::store::StoreError;
use crate::store::sql::{Sql, Value};
use crate::store::tables::Table;
use std::collections::BTreeMap;

/// The role for this database and schema, with the grants that are wanted now.
pub(super) fn grant(sql: &Sql<'_>, open: &Open, tables: &BTreeMap<TableName, Table>) -> Result<String, StoreError> {
    let place = sql.row(
        "SELECT current_database()::text, current_schema()::text, quote_ident(current_schema())::text",
        &[],
        |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?, row.get::<String>(2)?)),
    )?;
    let Some((database, schema, quoted)) = place else { return Err(StoreError::Interrupted) };
    let digest = Digest::of(format!("{database}\0{schema}").as_bytes()).hex();
    let role = format!("littoral_reads_{}", digest.get(..12).unwrap_or(&digest));
    let there = "SELECT 1::bigint FROM pg_roles WHERE rolname = $1";
    if sql.row(there, &[Value::Text(role.as_str().into())], |row| row.get::<i64>(0))?.is_none() {
        sql.batch(&format!("CREATE ROLE {role} NOLOGIN"))?;
    }
    let mut grants = format!(
        "GRANT {role} TO CURRENT_USER;
         REVOKE ALL ON ALL TABLES IN SCHEMA {quoted} FROM {role};
         GRANT USAGE ON SCHEMA {quoted} TO {role};"
    );
    for (name, opened) in open {
        let Some(table) = tables.get(name) else { continue };
        let columns: Vec<String> = opened
            .columns
            .iter()
            .filter(|column| table.column(column).is_some())
            .map(crate::site::table::ColumnName::quoted)
            .collect();
        if !columns.is_empty() {
            grants.push_str(&format!("GRANT SELECT ({}) ON {} TO {role};", columns.join(", "), name.quoted()));
        }
    }
    sql.batch(&grants)?;
    Ok(role)
}

/// What a connection that reads is told first.
pub(super) fn greeting(role: &str) -> String {
    format!(
        "SET statement_timeout = '{}ms'; SET idle_in_transaction_session_timeout = '10s';
         SET default_transaction_read_only = on; SET ROLE {role}",
        super::MOST_TIME.as_millis()
    )
}

/// Runs `job` so that all it reads is of one moment.
pub(super) fn at_one_moment<T>(sql: &Sql<'_>, job: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    sql.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    let answer = job();
    let ended = sql.batch("ROLLBACK");
    let answer = answer?;
    ended.map(|()| answer)
}
