//! Whether the store can be asked: the connections for the live release, and what is wrong
//! with its data pages.
//!
//! Made when the edge is opened and when a release opens other tables or wants other lists.
//! A page with a mistake is told to the log with its file and line, and answers 503; all
//! others answer. After a while it is looked at again: its table may have been imported.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::fit::{misfit, misfit_of_api, misfit_of_rows};
use super::routes::Named;
use super::sitemap::REMEMBERED;
use crate::edge::fragment::Known;
use crate::edge::live_release::LiveRelease;
use crate::edge::refusal::Refusal;
use crate::site::config::FILE;
use crate::site::data_page::{DataPage, List};
use crate::site::release::BuildId;
use crate::site::table::TableName;
use crate::store::site_reads::{At, Open, SiteReads};
use crate::store::{Store, StoreError};

/// When one may ask again for what is not ready.
pub(in crate::edge) const SOON: Duration = Duration::from_secs(2);

/// When it was seen where parts begin, and where that is.
type Starts = (Instant, Arc<Vec<At>>);

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
    /// The name of a page → where the parts of its sitemap begin, and when that was seen.
    starts: Mutex<FxHashMap<String, Starts>>,
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
        let of_pages = release.data_pages.all().iter().flat_map(|page| lists_of(&page.declared));
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
        // In the same release nothing is written otherwise: only what was wrong may be mended now.
        let again = before.filter(|before| before.release == release.id);
        let is_doubtful = |name: &str| again.is_none_or(|before| before.faults.contains_key(name));
        for page in release.data_pages.all().iter().filter(|page| is_doubtful(&page.name)) {
            if let Some(fault) = fault(&reads, page).await {
                note(page.name.clone(), fault);
            }
        }
        for (name, list) in of_api() {
            if let Some(fault) = fault_of_api(&reads, name, &list) {
                note(Self::of_api(name), fault);
            }
        }
        for known in release.fragments.all() {
            let name = known.data_name();
            if is_doubtful(&name)
                && let Some(fault) = fault_of_fragment(&reads, known).await
            {
                note(name, fault);
            }
        }
        Ok(Self { reads, release: release.id, open, lists, faults, since: Instant::now(), starts: Mutex::default() })
    }

    /// Whether this is what the page `whose` of `release` wants, as far as is known. A page with
    /// a mistake is looked at again after a while, and no other page waits for that.
    pub(in crate::edge) fn serves(&self, release: &LiveRelease, whose: &str) -> bool {
        self.release == release.id && (!self.faults.contains_key(whose) || self.since.elapsed() < SOON)
    }

    /// Where the parts of the sitemap of the page `name` begin, if that was seen lately.
    pub(super) fn starts(&self, name: &str) -> Option<Arc<Vec<At>>> {
        let starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, known) = starts.get(name)?;
        (since.elapsed() < REMEMBERED).then(|| Arc::clone(known))
    }

    pub(super) fn remember_starts(&self, name: &str, starts: Vec<At>) -> Arc<Vec<At>> {
        let starts = Arc::new(starts);
        let mut all = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(name.to_owned(), (Instant::now(), Arc::clone(&starts)));
        starts
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

/// The lists that want indexes: what readers see, and the rows that a page is for.
fn lists_of(page: &DataPage) -> impl Iterator<Item = List> {
    let each = page.each.as_ref().map(|each| each.list(&page.route));
    page.list.clone().into_iter().chain(each)
}

/// What is wrong with a page: its first query that the database does not take, or its list.
async fn fault(reads: &SiteReads, page: &Named) -> Option<String> {
    for (name, query) in &page.declared.queries {
        let values = page.declared.samples(&query.statement);
        if let Err(error) = reads.check(&query.statement.sql, values).await {
            let line = query.place.line;
            let why = error.said_of_query();
            return Some(format!("{}:{line}: the query `{name}` cannot be asked: {why}", page.file));
        }
    }
    if let Some(each) = &page.declared.each
        && let Some(why) = misfit_of_rows(&page.declared, reads.open(&each.table), reads.table(&each.table))
    {
        return Some(format!("{}: its rows cannot be listed: {why}", page.file));
    }
    let list = page.declared.list.as_ref()?;
    let (open, table) = (reads.open(&list.table), reads.table(&list.table));
    let why = misfit(list, &page.declared.parameters, open, table).or_else(|| no_search(reads, list))?;
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

/// What is wrong with the API of a table.
fn fault_of_api(reads: &SiteReads, name: &TableName, list: &List) -> Option<String> {
    let why = misfit_of_api(list, reads.open(name), reads.table(name)).or_else(|| no_search(reads, list))?;
    Some(format!("{FILE}: the API of `{name}` cannot be used: {why}"))
}

fn no_search(reads: &SiteReads, list: &List) -> Option<String> {
    let why = reads.without_search(&list.table).filter(|_| list.search)?;
    Some(format!("the index of its search cannot be made: {why}"))
}
