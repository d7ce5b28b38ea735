//! The store of a site, for commands that need no running edge.

use std::path::Path;

use anyhow::{Context, bail};

use crate::site::config::{self, Config};
use crate::site::release::Shelf;
use crate::store::{Address, Store};

/// Opens the store of the site in `root`: where the command line says it is, else where the
/// release says, else where `littoral.yaml` does. A file that is not there is not made: a
/// misspelt folder would get an empty store.
pub(super) fn open(root: &Path, said: Option<&str>) -> anyhow::Result<Store> {
    let text = match said {
        Some(said) => said.to_owned(),
        None => configured(root)?,
    };
    let address = Address::parse(root, &text)?;
    if let Address::File(path) = &address
        && !path.exists()
    {
        bail!("there is no store at {}: `littoral serve` makes it when it first starts", path.display());
    }
    Ok(Store::open(&address)?)
}

fn configured(root: &Path) -> anyhow::Result<String> {
    let shelf = Shelf::of(root);
    if let Ok(manifest) = shelf.current().and_then(|id| shelf.manifest(id)) {
        return Ok(manifest.site.edge.store);
    }
    let file = root.join(config::FILE);
    let text = if file.exists() {
        std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?
    } else {
        String::new()
    };
    Ok(Config::parse(&text).0.edge.store)
}
