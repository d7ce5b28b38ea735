//! The store of a site, for commands that need no running edge.

use std::io;

use anyhow::{Context, bail};
use clap::Args;

use super::{Root, StorePlace, diagnostics};
use crate::site::config::{self, Config, OpenTable};
use crate::site::release::Shelf;
use crate::site::table::TableName;
use crate::store::{Address, Store};

/// Which site, and where its store is.
#[derive(Args, Clone, Debug)]
pub(super) struct SiteStore {
    #[command(flatten)]
    pub(super) root: Root,
    #[command(flatten)]
    store: StorePlace,
}

/// What becomes of a store that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum IfAbsent {
    /// It is made.
    Made,
    /// It is an error: a misspelt folder would get an empty store.
    Refused,
}

impl SiteStore {
    /// Opens it: where the command line says it is, else where `littoral.yaml` does, else the
    /// release.
    pub(super) fn open(&self, if_absent: IfAbsent) -> anyhow::Result<Store> {
        let root = &self.root.root;
        if !root.is_dir() {
            bail!("there is no folder {}: `--root` names the folder of the site", root.display());
        }
        let address = match &self.store.store {
            Some(address) => address.clone(),
            None => self.configured()?.store,
        };
        let address = Address::parse(root, &address)?;
        if let Address::File(path) = &address
            && if_absent == IfAbsent::Refused
            && !path.exists()
        {
            bail!("there is no store {}: `littoral data import` or `littoral serve` makes it", path.display());
        }
        Ok(Store::open(&address)?)
    }

    /// What `littoral.yaml` says of a table; nothing when it says nothing, or cannot be read.
    pub(super) fn declared(&self, table: &TableName) -> Option<OpenTable> {
        let text = std::fs::read_to_string(self.root.root.join(config::FILE)).ok()?;
        Config::parse(&text).0.edge.data.remove(table)
    }

    /// What `littoral.yaml` says of the edge, else the release; the defaults where neither can be
    /// read.
    pub(super) fn settings(&self) -> config::Edge {
        match std::fs::read_to_string(self.root.root.join(config::FILE)) {
            Ok(text) => Config::parse(&text).0.edge,
            Err(_) => self.released(),
        }
    }

    fn configured(&self) -> anyhow::Result<config::Edge> {
        let path = self.root.root.join(config::FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(self.released()),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let (config, mistakes) = Config::parse(&text);
        // Another store than the one that is meant must not be written into.
        if !mistakes.is_empty() {
            diagnostics::print_all(&mistakes);
            bail!("where the store is stands in {}, which has mistakes", path.display());
        }
        Ok(config.edge)
    }

    /// A release may stand on a machine where its sources are not.
    fn released(&self) -> config::Edge {
        let shelf = Shelf::of(&self.root.root);
        let manifest = shelf.current().and_then(|id| shelf.manifest(id));
        manifest.map_or_else(|_| config::Edge::default(), |manifest| manifest.site.edge)
    }
}
