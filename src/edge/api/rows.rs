//! Rows: a page of them, one of them, and what becomes of one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH, LOCATION};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::body::{self, Cells};
use super::problem::Problem;
use super::{Call, ROOT, authority, tagged, with_json};
use crate::edge::data_page::ready::Ready;
use crate::edge::data_page::request;
use crate::edge::headers::NO_STORE;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::site::api::{LIMIT, MOST_ROWS, Right, TableApi};
use crate::site::config::OpenTable;
use crate::site::parameter::{Given, Parameter};
use crate::site::table::{ColumnName, ColumnType, TableName};
use crate::store::site_reads::{At, Chosen, Operator, Row, Wanted};
use crate::store::tables::Table;
use crate::store::{Cell, OnlyIf, QueryFault, RowDeed, RowDone, RowFault, RowWrite, StoreError, version};

/// When one may ask again for what is not ready.
pub(super) const SOON: Duration = crate::edge::data_page::ready::SOON;

/// A table that a request may use.
pub(super) struct Opened<'c> {
    pub(super) ready: Arc<Ready>,
    pub(super) open: &'c OpenTable,
    pub(super) api: &'c TableApi,
    pub(super) table: Table,
}

/// The table, when whoever asks may do that with it.
pub(super) async fn opened<'c>(call: &'c Call, name: &TableName, right: Right) -> Result<Opened<'c>, Problem> {
    authority::caller(call).await?.may(&call.release, name, right)?;
    let found = call.release.api_tables().find(|(known, ..)| *known == name);
    let (_, open, api) = found.ok_or(Refusal::NotFound)?;
    let ready = call.edge.data_ready(&call.release).await.map_err(|error| problem(name, &error))?;
    ready.fault(&Ready::of_api(name))?;
    let table = ready.reads.table(name).cloned().ok_or(Refusal::Unavailable(SOON))?;
    Ok(Opened { ready, open, api, table })
}

/// `GET /tables/T/rows`
pub(super) async fn list(call: &Call, name: &TableName) -> Result<Response, Problem> {
    let mut last = Problem::Refused(Refusal::Fault);
    // Once more when the table was replaced meanwhile.
    for _ in 0..2 {
        let opened = opened(call, name, Right::Read).await?;
        let mut said = request::said(call.uri.query().unwrap_or_default())?;
        let list = opened.api.list(name, opened.open);
        let mut own = Vec::new();
        let rows = match said.remove(LIMIT) {
            None => list.per_page,
            Some(text) => {
                own.push((LIMIT.to_owned(), text.clone()));
                text.parse().ok().filter(|rows| (1..=MOST_ROWS).contains(rows)).ok_or_else(|| {
                    Problem::invalid(format!("“{LIMIT}” must be a whole number from 1 to {MOST_ROWS}"))
                })?
            }
        };
        // A page leaves alone what it does not know; a program that misspells a filter would
        // take all rows for the chosen ones.
        let known = list.asked();
        if let Some(unknown) = said.keys().find(|name| !known.contains(name)) {
            let known = known.join("`, `");
            return Err(Problem::invalid(format!("“{unknown}” means nothing here: expected `{LIMIT}`, `{known}`")));
        }
        let mut wanted = request::wanted_list(&list, &opened.ready, &BTreeMap::new(), &said, own)?;
        wanted.page.rows = rows;
        let page = wanted.page.clone();
        match opened.ready.reads.ask(move |snapshot| snapshot.page(&page)).await {
            Ok(found) => {
                let path = call.uri.path();
                let link =
                    |name: &str, cursor: Option<String>| cursor.map(|cursor| wanted.address(path, name, &cursor));
                let body = json!({
                    "rows": found.rows,
                    "next": link("after", found.next.map(|cursor| cursor.written())),
                    "previous": link("before", found.previous.map(|cursor| cursor.written())),
                });
                return call.conditional(&body, None);
            }
            Err(error) => last = failed(call, &opened, name, &error)?,
        }
    }
    Err(last)
}

/// `GET /tables/T/rows/K`
pub(super) async fn show(call: &Call, name: &TableName, key: &str) -> Result<Response, Problem> {
    let mut last = Problem::Refused(Refusal::Fault);
    for _ in 0..2 {
        let opened = opened(call, name, Right::Read).await?;
        let is_key = Chosen { column: opened.table.key.clone(), operator: Operator::Equals, value: opened.key(key)? };
        let wanted = Wanted {
            table: name.clone(),
            columns: opened.shown(),
            chosen: vec![is_key],
            search: None,
            order: None,
            rows: 1,
            at: At::First,
        };
        match opened.ready.reads.ask(move |snapshot| snapshot.page(&wanted)).await {
            Ok(mut found) => {
                let row = found.rows.pop().ok_or(Refusal::NotFound)?;
                let version = version(&row);
                return call.conditional(&Value::Object(row), Some(version));
            }
            Err(error) => last = failed(call, &opened, name, &error)?,
        }
    }
    Err(last)
}

/// `POST /tables/T/rows`
pub(super) async fn create(call: &Call, name: &TableName) -> Result<Response, Problem> {
    let opened = opened(call, name, Right::Write).await?;
    let (key, mut cells) = body::cells(call, &opened.table, opened.api)?;
    let is_text = opened.table.column(&opened.table.key).is_some_and(|column| column.kind == ColumnType::Text);
    match key {
        Some(_) if !opened.sets_key() => {
            return Err(Problem::invalid(format!("“{}” is the key, and given by the store", opened.table.key)));
        }
        None if is_text => {
            return Err(Problem::invalid(format!("“{}” is the key, and must be said", opened.table.key)));
        }
        key => cells.extend(key.map(|key| (opened.table.key.clone(), key))),
    }
    write(call, &opened, RowDeed::Create(cells), OnlyIf::Always).await
}

/// `PUT /tables/T/rows/K`
pub(super) async fn put(call: &Call, name: &TableName, key: &str) -> Result<Response, Problem> {
    let opened = opened(call, name, Right::Write).await?;
    let (key, mut cells) = opened.addressed(call, key)?;
    for column in opened.api.write.iter().filter(|column| **column != opened.table.key) {
        if !cells.iter().any(|(said, _)| said == column) {
            cells.push((column.clone(), Cell::Null));
        }
    }
    let only_if = only_if(&call.headers);
    // Where the store gives the keys, nobody else makes a row.
    let deed = if opened.sets_key() { RowDeed::Put(key, cells) } else { RowDeed::Change(key, cells) };
    write(call, &opened, deed, only_if).await
}

/// `PATCH /tables/T/rows/K` (RFC 7396: a value that is null is taken away)
pub(super) async fn change(call: &Call, name: &TableName, key: &str) -> Result<Response, Problem> {
    let opened = opened(call, name, Right::Write).await?;
    let (key, cells) = opened.addressed(call, key)?;
    write(call, &opened, RowDeed::Change(key, cells), only_if(&call.headers)).await
}

/// `DELETE /tables/T/rows/K`
pub(super) async fn remove(call: &Call, name: &TableName, key: &str) -> Result<Response, Problem> {
    let opened = opened(call, name, Right::Write).await?;
    let key = in_cell(opened.key(key)?);
    write(call, &opened, RowDeed::Remove(key), only_if(&call.headers)).await
}

async fn write(call: &Call, opened: &Opened<'_>, deed: RowDeed, only_if: OnlyIf) -> Result<Response, Problem> {
    if opened.api.write.is_empty() {
        return Err(Problem::NotAllowed);
    }
    let name = &opened.table.name;
    let store = call.edge.store().ok_or(Refusal::Unavailable(SOON))?;
    let write = RowWrite { table: opened.table.clone(), shown: opened.shown(), deed, only_if };
    let done = match store.write_row(write, Timestamp::now()).await {
        Ok(done) => done,
        Err(error) => {
            return Err(match error.row_fault() {
                Some(RowFault::Taken) => {
                    Refusal::Conflict("Another row has the key, or a value that no two rows may have.".into()).into()
                }
                Some(RowFault::Forbidden(said)) => Problem::invalid(format!("The table does not take it: {said}")),
                None => failed(call, opened, name, &error)?,
            });
        }
    };
    if matches!(done, RowDone::Created(_) | RowDone::Changed(_) | RowDone::Removed) {
        call.edge.changed(name);
    }
    match done {
        RowDone::Created(row) => {
            let key = row.get(opened.table.key.as_str()).map(in_path).unwrap_or_default();
            let mut response = row_answer(StatusCode::CREATED, &row);
            if let Ok(location) = HeaderValue::from_str(&format!("{ROOT}/tables/{name}/rows/{key}")) {
                response.headers_mut().insert(LOCATION, location);
            }
            Ok(response)
        }
        RowDone::Changed(row) => Ok(row_answer(StatusCode::OK, &row)),
        RowDone::Removed => {
            let mut response = Response::default();
            *response.status_mut() = StatusCode::NO_CONTENT;
            response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
            Ok(response)
        }
        RowDone::Missing => Err(Refusal::NotFound.into()),
        RowDone::Otherwise => Err(Refusal::PreconditionFailed.into()),
    }
}

fn row_answer(status: StatusCode, row: &Row) -> Response {
    let mut response = with_json(status, serde_json::to_string(row).unwrap_or_default());
    tagged(&mut response, &version(row));
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    response
}

impl Opened<'_> {
    /// Its columns that are open and there, in the order in which they were opened.
    fn shown(&self) -> Vec<ColumnName> {
        self.open.columns.iter().filter(|name| self.table.column(name).is_some()).cloned().collect()
    }

    fn sets_key(&self) -> bool {
        self.api.write.contains(&self.table.key)
    }

    /// The key that a path names. What can be no key is no row.
    fn key(&self, text: &str) -> Result<Given, Problem> {
        let kind = self.table.column(&self.table.key).map_or(ColumnType::Text, |column| column.kind);
        Ok(Parameter::of_column(kind).read(text).map_err(|_| Refusal::NotFound)?)
    }

    /// The key in the path, and what the body sets.
    fn addressed(&self, call: &Call, key: &str) -> Result<(Cell, Cells), Problem> {
        let key = in_cell(self.key(key)?);
        let (said, cells) = body::cells(call, &self.table, self.api)?;
        if said.is_some_and(|said| said != key) {
            return Err(Problem::invalid(format!(
                "“{}” is the key, and another one than in the address",
                self.table.key
            )));
        }
        Ok((key, cells))
    }
}

fn in_cell(given: Given) -> Cell {
    match given {
        Given::Nothing => Cell::Null,
        Given::Boolean(is) => Cell::Integer(i64::from(is)),
        Given::Integer(number) => Cell::Integer(number),
        Given::Real(number) => Cell::Real(number),
        Given::Text(text) => Cell::Text(text),
    }
}

fn in_path(key: &Value) -> String {
    let text = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
    utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string()
}

/// What a write must find (RFC 9110 §13.1). A weak tag names no version to write over.
fn only_if(headers: &HeaderMap) -> OnlyIf {
    let tags = |name: HeaderName| {
        let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).map(|tag| tag.trim().to_owned()).collect::<Vec<_>>()
    };
    if headers.contains_key(IF_MATCH) {
        let tags = tags(IF_MATCH);
        if tags.iter().any(|tag| tag == "*") {
            return OnlyIf::There;
        }
        let bare = |tag: &String| Some(tag.strip_prefix('"')?.strip_suffix('"')?.to_owned());
        return OnlyIf::Versions(tags.iter().filter_map(bare).collect());
    }
    if tags(IF_NONE_MATCH).iter().any(|tag| tag == "*") { OnlyIf::Absent } else { OnlyIf::Always }
}

/// What to say of a read or write that failed; the tables are looked at anew when they are
/// others than it was made for.
fn failed(call: &Call, opened: &Opened<'_>, name: &TableName, error: &StoreError) -> Result<Problem, Problem> {
    if error.query_fault() == QueryFault::Tables {
        call.edge.data_differs(&opened.ready);
        tracing::warn!(table = %name, %error, "a table is another than it was");
        return Ok(Refusal::Unavailable(SOON).into());
    }
    Err(problem(name, error))
}

fn problem(name: &TableName, error: &StoreError) -> Problem {
    match error.query_fault() {
        QueryFault::NotNow => {
            tracing::warn!(table = %name, "{error}");
            Refusal::Unavailable(SOON).into()
        }
        QueryFault::Value => Problem::invalid("A value in the request is none that the table can hold or look for."),
        QueryFault::Tables | QueryFault::Ours => {
            tracing::error!(table = %name, %error, "a request to the API failed");
            Refusal::Fault.into()
        }
    }
}
