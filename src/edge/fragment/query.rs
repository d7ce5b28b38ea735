//! What a site author's own fragment reads: the queries in the head of its template.

use serde_json::{Map, Value};

use super::call::Known;
use super::source::{Asked, Found};
use crate::edge::refusal::Refusal;
use crate::site::data_page::{Query, Rows};
use crate::site::parameter::Given;
use crate::site::table::TableName;
use crate::store::site_reads::{Open, Snapshot};
use crate::store::{QueryFault, StoreError};

/// What the queries of a fragment find. A query for one row that has none gives nothing, which
/// a template can ask for: a fragment is no page that could be missing.
pub(super) async fn found(asked: &Asked, known: &Known) -> Result<Found, Refusal> {
    let declaration = &known.declaration;
    if declaration.queries.is_empty() {
        return Ok(Found::default());
    }
    let fault = |error: &StoreError| Refusal::fault("a fragment could not be read", error);
    let name = known.data_name();
    let ready = asked.edge.data_ready(&asked.release, &name).await.map_err(|error| fault(&error))?;
    // It has been told; to ask all the same would only look at everything again.
    ready.fault(&name)?;
    let queries: Vec<(String, Query, Vec<Given>)> = declaration
        .queries
        .iter()
        .map(|(name, query)| {
            let values = query.statement.parameters.iter().map(|name| given(asked.parameters.get(name)));
            (name.clone(), query.clone(), values.collect())
        })
        .collect();
    let reads = queries.iter().flat_map(|(_, query, _)| tables(query, &asked.release.site.edge.data)).collect();
    let job = move |snapshot: &Snapshot<'_>| {
        let mut values = Map::new();
        for (name, query, given) in &queries {
            let rows = snapshot.rows(&query.statement.sql, given)?;
            let mut rows = rows.into_iter().map(Value::Object);
            let value = match query.rows {
                Rows::Many => rows.collect(),
                Rows::One => rows.next().unwrap_or_default(),
            };
            values.insert(name.clone(), value);
        }
        Ok(values)
    };
    match ready.reads.ask(job).await {
        Ok(values) => Ok(Found { values, reads, ..Found::default() }),
        Err(error) => {
            if error.query_fault() == QueryFault::Tables {
                asked.edge.data_differs(&ready);
            }
            Err(fault(&error))
        }
    }
}

/// The open tables that a query names.
fn tables(query: &Query, open: &Open) -> Vec<TableName> {
    let is_named = |table: &&TableName| query.statement.names.iter().any(|name| name == table.as_str());
    open.keys().filter(is_named).cloned().collect()
}

/// A checked argument, as a query takes it.
fn given(value: Option<&Value>) -> Given {
    match value {
        Some(Value::String(text)) => Given::Text(text.clone()),
        Some(Value::Bool(is)) => Given::Integer(i64::from(*is)),
        Some(Value::Number(number)) => match number.as_i64() {
            Some(number) => Given::Integer(number),
            None => number.as_f64().map_or(Given::Nothing, Given::Real),
        },
        _ => Given::Nothing,
    }
}
