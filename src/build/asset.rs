//! Assets: the stylesheets, scripts, pictures and fonts of `layouts/assets/`.
//!
//! Each gets a URL with its digest in it, so that readers may keep it for a year. In
//! `watch` it does not: a changed stylesheet would then change every page.
//!
//! A site's own assets are always part of it. Those of the built-in theme are only when a
//! layout, or a stylesheet that is, names them.

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::sources::{Sources, unreadable};
use crate::site::diagnostic::Diagnostic;
use crate::site::digest::Digest;
use crate::site::permalink::join;
use crate::site::release::CacheClass;
use crate::site::theme;

/// Whether URLs bear digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Naming {
    /// `/assets/css/site.1a2b3c4d.css`.
    Digest,
    /// `/assets/css/site.css`.
    Plain,
}

/// The files of `layouts/assets/`.
#[derive(Debug)]
pub struct Assets {
    by_name: FxHashMap<String, Asset>,
}

/// One file.
#[derive(Debug)]
pub struct Asset {
    /// Path in the site.
    pub url: String,
    /// What it holds, references to other assets already turned into their URLs.
    pub bytes: Vec<u8>,
    /// How long readers may keep it.
    pub cache: CacheClass,
    is_builtin: bool,
    /// Names of the assets that it names itself.
    names: Vec<String>,
}

impl Assets {
    /// Reads those among `files`; the built-in ones fill the gaps.
    pub fn load(sources: &dyn Sources, files: &[String], naming: Naming, found: &mut Vec<Diagnostic>) -> Self {
        let mut raw: FxHashMap<String, (Vec<u8>, bool)> = theme::layouts()
            .filter_map(|(path, bytes)| Some((path.strip_prefix("assets/")?.to_owned(), (bytes.to_vec(), true))))
            .collect();
        for file in files {
            let Some(name) = file.strip_prefix("layouts/assets/") else { continue };
            match sources.read(file) {
                Ok(bytes) => {
                    raw.insert(name.to_owned(), (bytes, false));
                }
                Err(cause) => found.push(unreadable(file, &cause)),
            }
        }
        // Stylesheets last: their bytes, and so their digest, depend on the URLs of the others.
        let (sheets, others): (Vec<_>, Vec<_>) = raw.into_iter().partition(|(name, _)| name.ends_with(".css"));
        let mut by_name: FxHashMap<String, Asset> = FxHashMap::default();
        for (name, (bytes, is_builtin)) in others {
            let url = url_of(&name, &bytes, naming);
            by_name.insert(name, Asset { url, bytes, cache: cache_of(naming), is_builtin, names: Vec::new() });
        }
        for (name, (bytes, is_builtin)) in sheets {
            let (bytes, names) = with_urls(&name, bytes, &by_name);
            let url = url_of(&name, &bytes, naming);
            by_name.insert(name, Asset { url, bytes, cache: cache_of(naming), is_builtin, names });
        }
        Self { by_name }
    }

    /// The URL of the asset `name`, a path below `layouts/assets/`.
    pub fn url(&self, name: &str) -> Option<String> {
        self.by_name.get(name).map(|asset| asset.url.clone())
    }

    /// The names of all, built-in ones too.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Those that belong to the site when its outputs have `asked` for these, by name.
    pub fn used(&self, asked: &FxHashSet<&str>) -> Vec<(&str, &Asset)> {
        let mut wanted: BTreeSet<&str> = self
            .by_name
            .iter()
            .filter(|(name, asset)| !asset.is_builtin || asked.contains(name.as_str()))
            .map(|(name, _)| name.as_str())
            .collect();
        let named: Vec<&str> = wanted
            .iter()
            .filter_map(|name| self.by_name.get(*name))
            .flat_map(|asset| asset.names.iter().map(String::as_str))
            .collect();
        wanted.extend(named);
        wanted.into_iter().filter_map(|name| Some((name, self.by_name.get(name)?))).collect()
    }
}

fn cache_of(naming: Naming) -> CacheClass {
    match naming {
        Naming::Digest => CacheClass::Immutable,
        Naming::Plain => CacheClass::Revalidate,
    }
}

fn url_of(name: &str, bytes: &[u8], naming: Naming) -> String {
    match (naming, name.rsplit_once('.')) {
        (Naming::Digest, Some((stem, end))) => format!("/assets/{stem}.{}.{end}", Digest::of(bytes).short()),
        _ => format!("/assets/{name}"),
    }
}

/// The stylesheet with each `url(…)` that names a known asset turned into that asset's URL.
fn with_urls(name: &str, bytes: Vec<u8>, known: &FxHashMap<String, Asset>) -> (Vec<u8>, Vec<String>) {
    let Ok(text) = std::str::from_utf8(&bytes) else { return (bytes, Vec::new()) };
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut out = String::with_capacity(text.len());
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("url(") {
        let (before, from) = rest.split_at(at + 4);
        out.push_str(before);
        let Some(end) = from.find(')') else {
            rest = from;
            continue;
        };
        let written = from[..end].trim().trim_matches(['"', '\'']);
        let is_beside = !written.is_empty() && !written.starts_with('/') && !written.contains(':');
        let target = is_beside.then(|| join(folder, written)).flatten();
        match target.as_deref().and_then(|target| known.get(target)) {
            Some(asset) => {
                out.push('"');
                out.push_str(&asset.url);
                out.push('"');
                names.extend(target);
            }
            None => out.push_str(&from[..end]),
        }
        rest = &from[end..];
    }
    out.push_str(rest);
    (out.into_bytes(), names)
}
