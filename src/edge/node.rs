//! One running edge: the live release, the kept bodies, and how it was asked to run.
//!
//! [`Edge`] is a handle, cheap to clone; rooms take it by value. The release is replaced
//! between two requests by [`Edge::reload`] or [`Edge::swap`]; a request that has taken one
//! keeps it to its end.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, watch};
use tokio::task;

use super::files::Kept;
use super::live_release::LiveRelease;
use super::options::Options;
use crate::site::release::{Entry, Shelf, ShelfError};
use crate::store::{Address, Store, StoreError};

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
    /// True once the edge is told to stop, for answers that have no end of their own.
    closing: watch::Sender<bool>,
    /// There is one when the release that the edge was opened with has accounts or forms.
    store: Option<Store>,
    /// Whether that release has accounts: rooms are made once.
    has_accounts: bool,
    /// Held while a release is loaded, so that ten requests that miss an object load it once.
    loading: Mutex<()>,
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
        let has_accounts = settings.accounts;
        let needs_store = has_accounts || !release.forms.is_empty();
        let store = needs_store.then(|| Store::open(&Address::parse(root, address)?)).transpose()?;
        let kept = Kept::of_mib(release.site.edge.cache_mib);
        Ok(Self(Arc::new(Inner {
            root: root.to_owned(),
            shelf,
            options,
            release: ArcSwap::from_pointee(release),
            kept,
            closing: watch::Sender::new(false),
            store,
            has_accounts,
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

    /// The store, when the site has something to remember: accounts, or forms.
    pub fn store(&self) -> Option<&Store> {
        self.0.store.as_ref()
    }

    /// The store, when readers can have accounts.
    pub(super) fn accounts(&self) -> Option<&Store> {
        self.store().filter(|_| self.0.has_accounts)
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

    /// Turns true when the edge is told to stop.
    pub(super) fn closing(&self) -> watch::Receiver<bool> {
        self.0.closing.subscribe()
    }

    /// Tells endless answers to end.
    pub(super) fn close(&self) {
        self.0.closing.send_replace(true);
    }
}
