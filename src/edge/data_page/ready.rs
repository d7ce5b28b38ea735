//! Whether the store can be asked: the connections for the live release, and what is wrong
//! with its data pages.
//!
//! Made when the edge is opened and when a release opens other tables or wants other lists.
//! A page with a mistake is told to the log with its file and line, and answers 503; all
//! others answer. After a while it is looked at again: its table may have been imported.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::routes::Named;
use crate::edge::fragment::Known;
use crate::edge::live_release::LiveRelease;
use crate::edge::refusal::Refusal;
use crate::site::config::FILE;
use crate::site::data_page::{List, Query};
use crate::site::parameter::{Given, Parameter};
use crate::site::release::BuildId;
use crate::site::table::{ColumnName, ColumnType, TableName};
use crate::store::site_reads::{Open, SiteReads};
use crate::store::tables::Table;
use crate::store::{Store, StoreError};

/// When one may ask again for what is not ready.
pub(in crate::edge) const SOON: Duration = Duration::from_secs(2);

/// What is ready for the data pages of a release.
#[derive(Debug)]
pub(in crate::edge) struct Ready {
    pub(in crate::edge) reads: SiteReads,
    release: BuildId,
    open: Open,
    lists: Vec<List>,
    /// The name of a page → what is wrong with it.
    faults: FxHashMap<String, String>,
    since: Instant,
}

impl Ready {
    /// Makes ready what `release` wants, beginning with what was ready for another one.
    pub(in crate::edge) async fn of(
        store: &Store,
        release: &LiveRelease,
        before: Option<&Arc<Self>>,
    ) -> Result<Self, StoreError> {
        let open = release.site.edge.data.clone();
        let of_api = || release.api_tables().map(|(name, open, api)| (name, api.list(name, open)));
        let of_pages = release.data_pages.all().iter().filter_map(|page| page.declared.list.clone());
        let lists: Vec<List> = of_pages.chain(of_api().map(|(_, list)| list)).collect();
        // When nothing was wrong, the connections serve on.
        let same = before.filter(|before| before.open == open && before.lists == lists && before.faults.is_empty());
        let reads = match same {
            Some(before) if before.release != release.id => before.reads.clone(),
            _ => store.site_reads(&open, &lists).await?,
        };
        let mut faults = FxHashMap::default();
        // What was told is not told again every time somebody looks.
        let was_told = |name: &str, fault: &str| {
            before.is_some_and(|before| before.faults.get(name).is_some_and(|told| told == fault))
        };
        let mut note = |name: String, fault: String| {
            if !was_told(&name, &fault) {
                tracing::error!("{fault}");
            }
            faults.insert(name, fault);
        };
        for page in release.data_pages.all() {
            if let Some(fault) = fault(&reads, page).await {
                note(page.name.clone(), fault);
            }
        }
        for (name, list) in of_api() {
            let of_key = || reads.table(name).and_then(mistake_in_key);
            if let Some(why) = mistake_in_list(&reads, &list, None).or_else(of_key) {
                note(Self::of_api(name), format!("{FILE}: the API of `{name}` cannot be used: {why}"));
            }
        }
        for known in release.fragments.all() {
            if let Some(fault) = fault_of_fragment(&reads, known).await {
                note(format!("fragments/{}", known.name), fault);
            }
        }
        Ok(Self { reads, release: release.id, open, lists, faults, since: Instant::now() })
    }

    /// Whether this is what `release` wants, as far as is known.
    pub(in crate::edge) fn serves(&self, release: &LiveRelease) -> bool {
        self.release == release.id && (self.faults.is_empty() || self.since.elapsed() < SOON)
    }

    /// What the API of a table is called among what may have a mistake.
    pub(in crate::edge) fn of_api(table: &TableName) -> String {
        format!("api/{table}")
    }

    /// Refuses when there is a mistake in the page.
    pub(in crate::edge) fn fault(&self, name: &str) -> Result<(), Refusal> {
        if self.faults.contains_key(name) { Err(Refusal::Unavailable(SOON)) } else { Ok(()) }
    }
}

/// What is wrong with a page: its first query that the database does not take, or its list.
async fn fault(reads: &SiteReads, page: &Named) -> Option<String> {
    for (name, query) in &page.declared.queries {
        let values = samples(page, query);
        if let Err(error) = reads.check(&query.statement.sql, values).await {
            let line = query.place.line;
            let why = error.said_of_query();
            return Some(format!("{}:{line}: the query `{name}` cannot be asked: {why}", page.file));
        }
    }
    let why = mistake_in_list(reads, page.declared.list.as_ref()?, Some(page))?;
    Some(format!("{}: its list cannot be shown: {why}", page.file))
}

/// What is wrong with a fragment: its first query that the database does not take.
async fn fault_of_fragment(reads: &SiteReads, fragment: &Known) -> Option<String> {
    for (name, query) in &fragment.declaration.queries {
        let values = fragment.declaration.samples(&query.statement);
        if let Err(error) = reads.check(&query.statement.sql, values).await {
            let (file, line) = (&query.place.file, query.place.line);
            let why = error.said_of_query();
            return Some(format!("{file}:{line}: the query `{name}` cannot be asked: {why}"));
        }
    }
    None
}

/// Values such as the query will get.
fn samples(page: &Named, query: &Query) -> Vec<Given> {
    let parameters = query.statement.parameters.iter();
    parameters.filter_map(|name| page.declared.parameters.get(name)).map(Parameter::sample).collect()
}

/// Rows of an API have addresses, in which their keys stand.
fn mistake_in_key(table: &Table) -> Option<String> {
    let kind = table.column(&table.key)?.kind;
    let is_said = matches!(kind, ColumnType::Integer | ColumnType::Text);
    (!is_said).then(|| format!("its key `{}` is a {}, and must be an integer or a text", table.key, kind.name()))
}

fn mistake_in_list(reads: &SiteReads, list: &List, page: Option<&Named>) -> Option<String> {
    let name = &list.table;
    let Some(open) = reads.open(name) else {
        return Some(format!(
            "the table `{name}` is not open: name it and its columns under `edge.data` in littoral.yaml"
        ));
    };
    let Some(table) = reads.table(name) else {
        return Some(StoreError::NoSuchTable { name: name.clone() }.to_string());
    };
    let columns = if list.columns.is_empty() { &open.columns } else { &list.columns };
    let orders = list.sort.iter().map(|order| &order.column);
    let named = columns.iter().chain(list.fixed.keys()).chain(list.filters.keys()).chain(orders).chain([&table.key]);
    for column in named {
        if table.column(column).is_none() {
            return Some(format!("the table `{name}` has no column `{column}`"));
        }
        if !open.columns.contains(column) {
            return Some(format!(
                "the column `{column}` of `{name}` is not open: name it under `edge.data` in littoral.yaml"
            ));
        }
    }
    let kind = |column: &ColumnName| table.column(column).map(|column| column.kind);
    let by = list.sort.iter().map(|order| &order.column).chain(list.filters.keys());
    if let Some(column) = by.into_iter().find(|column| kind(column) == Some(ColumnType::Blob)) {
        return Some(format!("`{column}` holds bytes, by which nothing is sorted or chosen"));
    }
    for (column, parameter) in &list.fixed {
        let declared = page.and_then(|page| page.declared.parameters.get(parameter)).map(Parameter::column);
        let fits =
            declared == kind(column) || (declared, kind(column)) == (Some(ColumnType::Integer), Some(ColumnType::Real));
        if !fits {
            return Some(format!("the parameter `{parameter}` is of another type than the column `{column}`"));
        }
    }
    if let Some(why) = reads.without_search(name).filter(|_| list.search) {
        return Some(format!("the index of its search cannot be made: {why}"));
    }
    (list.search && open.search.is_empty())
        .then(|| format!("`search` is wanted, and `edge.data.{name}.search` names no column"))
}
