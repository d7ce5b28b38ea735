//! Rows: a page of them, one of them, and what becomes of one.

use std::collections::BTreeMap;
use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH, LOCATION};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::authority::Caller;
use super::body::{self, Cells};
use super::problem::{Problem, SOON};
use super::{Call, ROOT, authority, tagged, with_json};
use crate::edge::data_page::ready::Ready;
use crate::edge::data_page::request::{self, WantedList};
use crate::edge::headers::NO_STORE;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::target::decoded_path;
use crate::site::api::{LIMIT, MOST_ROWS, Right, TableApi};
use crate::site::config::OpenTable;
use crate::site::parameter::{Given, Parameter};
use crate::site::table::{ColumnName, ColumnType, TableName};
use crate::store::site_reads::{At, By, Chosen, Operator, Page, Row, Wanted};
use crate::store::tables::Table;
use crate::store::{Cell, OnlyIf, QueryFault, RowDeed, RowDone, RowFault, RowWrite, Subscriptions, version};

/// A table that a request may use.
pub(super) struct Opened<'c> {
    pub(super) caller: Caller,
    pub(super) ready: Arc<Ready>,
    pub(super) open: &'c OpenTable,
    pub(super) api: &'c TableApi,
    pub(super) table: Table,
}

/// The table, when whoever asks may do that with it.
pub(super) async fn opened<'c>(call: &'c Call, name: &TableName, right: Right) -> Result<Opened<'c>, Problem> {
    let caller = authority::caller(call).await?;
    caller.may(&call.release, name, right)?;
    let found = call.release.api_tables().find(|(known, ..)| *known == name);
    let (_, open, api) = found.ok_or(Refusal::NotFound)?;
    let ready = call.edge.data_ready(&call.release, &Ready::of_api(name)).await;
    let ready = ready.map_err(|error| Problem::of_store(name.as_str(), &error))?;
    ready.fault(&Ready::of_api(name))?;
    let table = ready.reads.table(name).cloned().ok_or(Refusal::Unavailable(SOON))?;
    Ok(Opened { caller, ready, open, api, table })
}

/// The same for who writes: with the table as it is now. A body that is read by other types
/// than the table has would be refused for ever, because nothing of it ever reached the store.
async fn opened_to_write<'c>(call: &'c Call, name: &TableName) -> Result<Opened<'c>, Problem> {
    let mut is_second = false;
    loop {
        let opened = opened(call, name, Right::Write).await?;
        let store = call.edge.store().ok_or(Refusal::Unavailable(SOON))?;
        let now = store.table(name).await.map_err(|error| Problem::of_store(name.as_str(), &error))?;
        if now.as_ref() == Some(&opened.table) {
            return Ok(opened);
        }
        call.edge.data_differs(&opened.ready);
        if is_second {
            return Err(Refusal::Unavailable(SOON).into());
        }
        is_second = true;
    }
}

/// What `wanted` finds in the table; once more when that was replaced meanwhile.
async fn found<'c, W>(
    call: &'c Call,
    name: &TableName,
    wanted: impl Fn(&Opened<'c>) -> Result<(Wanted, W), Problem>,
) -> Result<(Page, W), Problem> {
    let mut is_second = false;
    loop {
        let opened = opened(call, name, Right::Read).await?;
        let (page, with) = wanted(&opened)?;
        match opened.ready.reads.ask(move |snapshot| snapshot.page(&page)).await {
            Ok(page) => return Ok((page, with)),
            Err(error) if error.query_fault() == QueryFault::Tables && !is_second => {
                call.edge.data_differs(&opened.ready);
                is_second = true;
            }
            Err(error) => return Err(Problem::of_store(name.as_str(), &error)),
        }
    }
}

/// `GET /tables/T/rows`
pub(super) async fn list(call: &Call, name: &TableName) -> Result<Response, Problem> {
    let (page, wanted) = found(call, name, |opened| {
        let wanted = wanted(call, opened)?;
        Ok((wanted.page.clone(), wanted))
    })
    .await?;
    let path = call.uri.path();
    let link = |name: &str, cursor: Option<String>| cursor.map(|cursor| wanted.address(path, name, &cursor));
    let body = json!({
        "rows": page.rows,
        "next": link("after", page.next.map(|cursor| cursor.written())),
        "previous": link("before", page.previous.map(|cursor| cursor.written())),
    });
    call.conditional(&body, None)
}

/// The page that the query string asks for.
fn wanted(call: &Call, opened: &Opened<'_>) -> Result<WantedList, Problem> {
    let mut said = request::said(call.uri.query().unwrap_or_default())?;
    let list = opened.api.list(&opened.table.name, opened.open);
    let mut own = Vec::new();
    let mut rows = list.per_page;
    if let Some(text) = said.remove(LIMIT) {
        let expected = || Problem::invalid(format!("“{LIMIT}” must be a whole number from 1 to {MOST_ROWS}"));
        rows = text.parse().ok().filter(|rows| (1..=MOST_ROWS).contains(rows)).ok_or_else(expected)?;
        own.push((LIMIT.to_owned(), text));
    }
    // A page leaves alone what it does not know; a program that misspells a filter would take
    // all rows for the chosen ones.
    let known = list.asked();
    if let Some(unknown) = said.keys().find(|name| !known.contains(name)) {
        let known = known.join("`, `");
        return Err(Problem::invalid(format!("“{unknown}” means nothing here: expected `{LIMIT}`, `{known}`")));
    }
    if let Some((empty, _)) = said.iter().find(|(_, text)| text.trim().is_empty()) {
        return Err(Problem::invalid(format!("“{empty}” says nothing: leave it out to have all rows")));
    }
    let mut wanted = request::wanted_list(&list, &opened.ready, &BTreeMap::new(), &said, own)?;
    wanted.page.rows = rows;
    Ok(wanted)
}

/// `GET /tables/T/rows/K`
pub(super) async fn show(call: &Call, name: &TableName, key: &str) -> Result<Response, Problem> {
    let (mut page, ()) = found(call, name, |opened| {
        let (column, value) = (opened.table.key.clone(), opened.key(key)?);
        let is_key = Chosen { column, operator: Operator::Equals, value, by: By::Page };
        let (table, columns) = (name.clone(), opened.shown());
        let chosen = vec![is_key];
        Ok((Wanted { table, columns, chosen, search: None, order: None, rows: 1, at: At::First }, ()))
    })
    .await?;
    let row = page.rows.pop().ok_or(Problem::NoRow)?;
    let version = version(&row);
    call.conditional(&Value::Object(row), Some(version))
}

/// `POST /tables/T/rows`
pub(super) async fn create(call: &Call, name: &TableName) -> Result<Response, Problem> {
    let opened = opened_to_write(call, name).await?;
    if !opened.makes_rows() {
        return Err(Problem::NotMade);
    }
    let (key, mut cells) = body::cells(call, &opened.table, opened.api)?;
    let own = &opened.table.key;
    match key {
        Some(_) if !opened.sets_key() => {
            return Err(Problem::invalid(format!("“{own}” is the key, and given by the store")));
        }
        Some(Cell::Text(key)) if !has_address(name, &key) => {
            return Err(Problem::invalid(format!(
                "“{own}” is the key, and must be a text that can stand in an address"
            )));
        }
        None if opened.kind_of_key() == ColumnType::Text => {
            return Err(Problem::invalid(format!("“{own}” is the key, and must be said")));
        }
        key => cells.extend(key.map(|key| (own.clone(), key))),
    }
    write(call, &opened, RowDeed::Create(cells), OnlyIf::Always).await
}

/// `PUT /tables/T/rows/K`
pub(super) async fn put(call: &Call, name: &TableName, key: &str) -> Result<Response, Problem> {
    let opened = opened_to_write(call, name).await?;
    let (key, said) = opened.addressed(call, key)?;
    let all = opened.table.columns.iter().map(|column| &column.name);
    let set = all.filter(|column| opened.api.write.contains(column) && **column != opened.table.key);
    let value =
        |column: &ColumnName| said.iter().find(|(said, _)| said == column).map_or(Cell::Null, |(_, cell)| cell.clone());
    let cells: Cells = set.map(|column| (column.clone(), value(column))).collect();
    // Where the store gives the keys, nobody else makes a row.
    if only_if(&call.headers) == OnlyIf::Absent && !opened.sets_key() {
        return Err(Problem::NotMade);
    }
    let deed = if opened.sets_key() { RowDeed::Put(key, cells) } else { RowDeed::Change(key, cells) };
    write(call, &opened, deed, only_if(&call.headers)).await
}

/// `PATCH /tables/T/rows/K` (RFC 7396: a value that is null is taken away)
pub(super) async fn change(call: &Call, name: &TableName, key: &str) -> Result<Response, Problem> {
    let opened = opened_to_write(call, name).await?;
    let (key, cells) = opened.addressed(call, key)?;
    write(call, &opened, RowDeed::Change(key, cells), only_if(&call.headers)).await
}

/// `DELETE /tables/T/rows/K`
pub(super) async fn remove(call: &Call, name: &TableName, key: &str) -> Result<Response, Problem> {
    let opened = opened_to_write(call, name).await?;
    let key = in_cell(opened.key(key)?);
    write(call, &opened, RowDeed::Remove(key), only_if(&call.headers)).await
}

async fn write(call: &Call, opened: &Opened<'_>, deed: RowDeed, only_if: OnlyIf) -> Result<Response, Problem> {
    if opened.api.write.is_empty() {
        return Err(Problem::NotAllowed);
    }
    let name = &opened.table.name;
    let store = call.edge.store().ok_or(Refusal::Unavailable(SOON))?;
    let (table, shown) = (opened.table.clone(), opened.shown());
    let is_absent = only_if == OnlyIf::Absent;
    let subscriptions = Subscriptions::clone(&call.release.subscriptions);
    let write = RowWrite { table, shown, deed, only_if, subscriptions };
    let done = match store.write_row(write, Timestamp::now()).await {
        Ok(done) => done,
        Err(error) => {
            if error.query_fault() == QueryFault::Tables {
                call.edge.data_differs(&opened.ready);
            }
            return Err(match error.row_fault(&opened.shown()) {
                Some(fault) => refused(fault),
                None => Problem::of_store(name.as_str(), &error),
            });
        }
    };
    if matches!(done, RowDone::Created(_) | RowDone::Changed(_) | RowDone::Removed) {
        call.edge.changed(name);
        if call.release.subscriptions.has(name) {
            call.edge.outbox_filled();
        }
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
        RowDone::Missing => Err(Problem::NoRow),
        RowDone::Otherwise if is_absent => Err(Problem::IsThere),
        RowDone::Otherwise => Err(Refusal::PreconditionFailed.into()),
    }
}

/// What the table has against it, in words that name nothing that is not open.
fn refused(fault: RowFault) -> Problem {
    let words = match fault {
        RowFault::Taken => {
            return Refusal::Conflict("Another row has the key, or a value that no two rows may have.".into()).into();
        }
        RowFault::Empty(Some(column)) => format!("“{column}” must be something"),
        RowFault::Empty(None) => "A column that cannot be set here must be something.".to_owned(),
        RowFault::Reference => "It refers to a row that is not there, or another row refers to it.".to_owned(),
        RowFault::Value => "A value is none that its column can hold.".to_owned(),
        RowFault::Forbidden(Some(words)) => format!("The table does not take it: {words}"),
        RowFault::Forbidden(None) => "A rule of the table does not allow it.".to_owned(),
    };
    Problem::invalid(words)
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

    fn kind_of_key(&self) -> ColumnType {
        self.table.column(&self.table.key).map_or(ColumnType::Text, |column| column.kind)
    }

    /// Whether a new row can have a key: one that is said, or a number that the store gives.
    pub(super) fn makes_rows(&self) -> bool {
        self.sets_key() || self.kind_of_key() == ColumnType::Integer
    }

    /// The key that a path names. What can be no key is no row.
    fn key(&self, text: &str) -> Result<Given, Problem> {
        Parameter::of_column(self.kind_of_key()).read(text).map_err(|_| Problem::NoRow)
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

/// Whether a row with this key can be asked for.
fn has_address(table: &TableName, key: &str) -> bool {
    let path = format!("{ROOT}/tables/{table}/rows/{}", in_path(&key.into()));
    let is_path = path.parse().is_ok_and(|uri| decoded_path(&uri).is_ok());
    is_path && !key.is_empty() && Parameter::default().read(key).is_ok()
}

/// What a write must find (RFC 9110 §13.1). A weak tag names no version to write over.
fn only_if(headers: &HeaderMap) -> OnlyIf {
    let tags = |name: HeaderName| {
        let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).map(|tag| tag.trim().to_owned()).collect::<Vec<_>>()
    };
    let bare = |tag: &str| Some(tag.strip_prefix('"')?.strip_suffix('"')?.to_owned());
    if headers.contains_key(IF_MATCH) {
        let tags = tags(IF_MATCH);
        if tags.iter().any(|tag| tag == "*") {
            return OnlyIf::There;
        }
        return OnlyIf::Versions(tags.iter().filter_map(|tag| bare(tag)).collect());
    }
    let tags = tags(IF_NONE_MATCH);
    match tags.iter().any(|tag| tag == "*") {
        true => OnlyIf::Absent,
        false if tags.is_empty() => OnlyIf::Always,
        // Weak tags count here (§13.1.2).
        false => OnlyIf::OtherThan(tags.iter().filter_map(|tag| bare(tag.strip_prefix("W/").unwrap_or(tag))).collect()),
    }
}
