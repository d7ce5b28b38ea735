//! One running edge: the live release, the kept bodies, and how it was asked to run.
//!
//! [`Edge`] is a handle, cheap to clone; rooms take it by value. The release is replaced
//! between two requests by [`Edge::reload`] or [`Edge::swap`]; a request that has taken one
//! keeps it to its end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::{Mutex, Notify, SetOnce, broadcast, watch};
use tokio::task;

use super::data_page::ready::{Ready, SOON};
use super::files::Kept;
use super::fragment::KeptPieces;
use super::live_release::LiveRelease;
use super::notification::Notices;
use super::options::Options;
use crate::site::release::{Entry, Shelf, ShelfError};
use crate::site::table::TableName;
use crate::store::{Address, Store, StoreError};

/// How many changes those who wait may be behind before they look by themselves.
const BACKLOG: usize = 64;

/// A handle on one running edge.
#[derive(Clone, Debug)]
pub struct Edge(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    shelf: Shelf,
    options: Options,
    release: ArcSwap<LiveRelease>,
    /// Named by digest, so it outlives releases: what did not change stays warm.
    kept: Kept,
    /// Fragments, named by their release.
    pieces: KeptPieces,
    /// The tables of the site in which something has changed.
    changes: broadcast::Sender<Arc<[TableName]>>,
    /// The pages below which something can be read that could not, or the other way round.
    comments: broadcast::Sender<CommentNews>,
    /// This edge has changed something: whoever follows need not wait until they look.
    own_change: Notify,
    /// True once the edge is told to stop, for answers that have no end of their own.
    closing: watch::Sender<bool>,
    /// Opened when the site has accounts, or anything else that needs it.
    store: SetOnce<Store>,
    /// Whether the release that the edge was opened with has accounts: rooms are made once.
    has_accounts: bool,
    /// What is ready for the data pages of the live release.
    data: ArcSwapOption<Ready>,
    /// Held while it is made.
    readying: Mutex<()>,
    /// When it could not be made.
    tried: Mutex<Option<Instant>>,
    /// Where the store is.
    address: Address,
    /// Changes when something was put into the outbox here.
    outbox: watch::Sender<()>,
    /// Who is told what.
    notices: Notices,
    /// Held while a release is loaded, so that ten requests that miss an object load it once.
    loading: Mutex<()>,
}

/// Something has changed in the comments of a page, or of any.
#[derive(Clone, Debug)]
pub(super) struct CommentNews {
    /// Its path.
    pub(super) page: Option<Arc<str>>,
    /// Whether there is one more to be read.
    pub(super) is_new: bool,
}

/// Why an edge cannot run, or cannot take a new release.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The release cannot be read.
    #[error(transparent)]
    Release(#[from] ShelfError),
    /// A template of `dynamic/` is no template.
    #[error("the template `dynamic/{name}.hbs` cannot be used: {why}")]
    Template {
        /// Its name, without `.hbs`.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// A page whose fragments are not in the release, or are in no place of it.
    #[error("`{path}` of the release places a fragment that is not in it: build again")]
    NotPlaced {
        /// The page.
        path: String,
    },
    /// A shell whose holes are not in it.
    #[error("the shell `{name}` of the release is damaged: build again")]
    Shell {
        /// Its name.
        name: String,
    },
}

impl Edge {
    /// An edge for the site in `root`, which must have a release.
    pub fn open(root: &Path, options: Options) -> Result<Self, EdgeError> {
        Self::open_shelf(root, Shelf::of(root), options)
    }

    /// An edge for the site in `root` that answers from the releases of `shelf`.
    pub fn open_shelf(root: &Path, shelf: Shelf, options: Options) -> Result<Self, EdgeError> {
        let release = LiveRelease::load(&shelf)?;
        let settings = &release.site.edge;
        let address = options.store.as_ref().unwrap_or(&settings.store);
        let address = Address::parse(root, address)?;
        let (store, has_accounts) = (SetOnce::new(), settings.accounts);
        if has_accounts || release.needs_the_store() {
            let _ = store.set(Store::open(&address)?);
        }
        let kept = Kept::of_mib(release.site.edge.cache_mib);
        let pieces = KeptPieces::of_mib(release.site.edge.fragments_mib);
        Ok(Self(Arc::new(Inner {
            root: root.to_owned(),
            shelf,
            options,
            release: ArcSwap::from_pointee(release),
            kept,
            pieces,
            changes: broadcast::Sender::new(BACKLOG),
            comments: broadcast::Sender::new(BACKLOG),
            own_change: Notify::new(),
            closing: watch::Sender::new(false),
            store,
            address,
            outbox: watch::Sender::new(()),
            notices: Notices::default(),
            has_accounts,
            data: ArcSwapOption::empty(),
            readying: Mutex::default(),
            tried: Mutex::default(),
            loading: Mutex::default(),
        })))
    }

    /// The folder of the site.
    pub fn root(&self) -> &Path {
        &self.0.root
    }

    /// Where the releases stand.
    pub fn shelf(&self) -> &Shelf {
        &self.0.shelf
    }

    /// How it was asked to run.
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// The store, when there was a need for it.
    pub fn store(&self) -> Option<&Store> {
        self.0.store.get()
    }

    /// The store, when the site has accounts.
    pub(super) fn accounts(&self) -> Option<&Store> {
        self.store().filter(|_| self.0.has_accounts)
    }

    /// The store, opened now if it was not: a release may bring the first need for it.
    pub(super) async fn opened_store(&self) -> Result<Store, StoreError> {
        if let Some(store) = self.store() {
            return Ok(store.clone());
        }
        let address = self.0.address.clone();
        let opened = task::spawn_blocking(move || Store::open(&address)).await;
        let opened = opened.unwrap_or(Err(StoreError::Interrupted))?;
        // Whoever was quicker: two handles on one file would be two writers.
        let _ = self.0.store.set(opened);
        Ok(self.0.store.wait().await.clone())
    }

    /// What is ready for the data page or fragment `whose` of `release` (its template's name; none:
    /// for any that has no mistake), made now if it is not.
    pub(super) async fn data_ready(&self, release: &LiveRelease, whose: &str) -> Result<Arc<Ready>, StoreError> {
        let is_fit = |ready: &Arc<Ready>| ready.serves(release, whose);
        if let Some(ready) = self.0.data.load_full().filter(is_fit) {
            return Ok(ready);
        }
        let _one_at_a_time = self.0.readying.lock().await;
        let before = self.0.data.load_full();
        if let Some(ready) = before.clone().filter(is_fit) {
            return Ok(ready);
        }
        let store = self.opened_store().await?;
        // What cannot be made is not tried for every request: it writes.
        let mut tried = self.0.tried.lock().await;
        if tried.is_some_and(|tried: Instant| tried.elapsed() < SOON) {
            return Err(StoreError::NotReady);
        }
        match Ready::of(&store, release, before.as_ref()).await {
            Ok(ready) => {
                *tried = None;
                let ready = Arc::new(ready);
                self.0.data.store(Some(Arc::clone(&ready)));
                Ok(ready)
            }
            Err(error) => {
                *tried = Some(Instant::now());
                tracing::error!(%error, "the store cannot be made ready for data pages");
                Err(error)
            }
        }
    }

    /// Makes ready what the live release wants, if it has data pages: what is wrong with them
    /// is told before somebody asks.
    pub(super) async fn ready_data(&self) {
        let release = self.release();
        if release.reads_the_store() {
            // What is wrong with it has been told.
            let _ = self.data_ready(&release, "").await;
        }
    }

    /// The tables are others than those that `ready` was made for.
    pub(super) fn data_differs(&self, ready: &Arc<Ready>) {
        if self.0.data.load().as_ref().is_some_and(|now| Arc::ptr_eq(now, ready)) {
            self.0.data.store(None);
        }
    }

    /// The live release.
    pub fn release(&self) -> Arc<LiveRelease> {
        self.0.release.load_full()
    }

    /// The live release, for a look-up that does not wait for anything.
    pub(super) fn borrow_release(&self) -> arc_swap::Guard<Arc<LiveRelease>> {
        self.0.release.load()
    }

    /// Answers from `release` from now on.
    pub fn swap(&self, release: LiveRelease) {
        self.0.release.store(Arc::new(release));
    }

    /// Answers from these outputs from now on, and from the live release for the rest: what
    /// a watched build has made, before its release stands.
    pub fn answer_from(&self, entries: &[Entry]) {
        self.swap(self.borrow_release().with(entries));
    }

    /// Takes the release that `current` names, if it is another one. Says whether it was.
    pub async fn reload(&self) -> Result<bool, EdgeError> {
        let _one_at_a_time = self.0.loading.lock().await;
        let live = self.borrow_release().id;
        let shelf = self.0.shelf.clone();
        let loaded = task::spawn_blocking(move || {
            let id = shelf.current()?;
            if id == live { Ok(None) } else { LiveRelease::load_one(&shelf, id).map(Some) }
        });
        // A panic while loading leaves the old release, as any other damage does.
        let release = loaded.await.unwrap_or(Ok(None))?;
        let is_new = release.is_some();
        if let Some(release) = release {
            tracing::info!(release = %release.id, "a new release is live");
            self.swap(release);
            self.ready_data().await;
        }
        Ok(is_new)
    }

    /// Whether it can answer: the live release still stands on the disk.
    pub(super) async fn is_well(&self) -> bool {
        let manifest = self.0.shelf.manifest_file(self.borrow_release().id);
        tokio::fs::try_exists(manifest).await.unwrap_or(false)
    }

    /// The kept bodies.
    pub(super) fn kept(&self) -> &Kept {
        &self.0.kept
    }

    /// The kept fragments.
    pub(super) fn pieces(&self) -> &KeptPieces {
        &self.0.pieces
    }

    /// To be called when this edge has changed rows of `table`: fragments that have read it are
    /// rendered anew when they are next asked for.
    pub fn changed(&self, table: &TableName) {
        self.0.pieces.changed(table);
        self.0.own_change.notify_one();
    }

    /// The same, of a change that somebody else has made.
    pub(super) fn changed_elsewhere(&self, table: &TableName) {
        self.0.pieces.changed(table);
    }

    /// Ready when this edge has changed something since it was last asked.
    pub(super) async fn own_change(&self) {
        self.0.own_change.notified().await;
    }

    /// Tells those who wait that something has changed in these tables.
    pub(super) fn tell_of_changes(&self, tables: Vec<TableName>) {
        // Perhaps nobody waits.
        let _ = self.0.changes.send(tables.into());
    }

    /// Hears each time that something has changed, here or elsewhere.
    pub(super) fn changes_heard(&self) -> broadcast::Receiver<Arc<[TableName]>> {
        self.0.changes.subscribe()
    }

    /// To be called when this edge has changed the comments of the page at `path`, or of any.
    pub(super) fn comments_changed(&self, path: Option<&str>) {
        self.0.pieces.comments_changed(path);
        self.0.own_change.notify_one();
    }

    /// The same, of a change that was read from the store, whoever made it; open pages are told.
    pub(super) fn comments_changed_somewhere(&self, news: CommentNews) {
        self.0.pieces.comments_changed(news.page.as_deref());
        // Perhaps nobody waits.
        let _ = self.0.comments.send(news);
    }

    /// Hears each time that comments have changed, here or elsewhere.
    pub(super) fn comments_heard(&self) -> broadcast::Receiver<CommentNews> {
        self.0.comments.subscribe()
    }

    /// The store, once something has had a need for it.
    pub(super) async fn store_to_come(&self) -> Store {
        self.0.store.wait().await.clone()
    }

    /// To be called when something was put into the outbox: it is sent at once.
    pub fn outbox_filled(&self) {
        self.0.outbox.send_replace(());
    }

    /// Changes when something was put into the outbox here; another node's is not heard of.
    pub(super) fn outbox(&self) -> watch::Receiver<()> {
        self.0.outbox.subscribe()
    }

    /// To be called when a member was told something: open pages and letters do not wait.
    pub fn notified(&self) {
        self.0.notices.told();
    }

    /// What this edge knows of notifications.
    pub(super) fn notices(&self) -> &Notices {
        &self.0.notices
    }

    /// Turns true when the edge is told to stop.
    pub(super) fn closing(&self) -> watch::Receiver<bool> {
        self.0.closing.subscribe()
    }

    /// Tells endless answers to end.
    pub(super) fn close(&self) {
        self.0.closing.send_replace(true);
    }
}
