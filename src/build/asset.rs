//! Assets: the stylesheets, scripts, pictures and fonts of `layouts/assets/`.
//!
//! Each gets a URL with its digest in it, so that readers may keep it for a year. In
//! `watch` it does not: a changed stylesheet would then change every page.
//!
//! A site's own assets are always part of it. Those of the built-in theme are only when a
//! layout, or a stylesheet that is, names them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

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
        // Stylesheets last, and each after those that it names: their bytes, and so their digest, depend on the URLs of the others.
        let (sheets, others): (Vec<_>, Vec<_>) = raw.into_iter().partition(|(name, _)| name.ends_with(".css"));
        let mut by_name: FxHashMap<String, Asset> = FxHashMap::default();
        for (name, (bytes, is_builtin)) in others {
            let url = url_of(&name, &bytes, naming);
            by_name.insert(name, Asset { url, bytes, cache: cache_of(naming), is_builtin, names: Vec::new() });
        }
        let mut waiting: BTreeMap<String, (Vec<u8>, bool)> = sheets.into_iter().collect();
        while let Some((name, sheet)) = waiting.pop_first() {
            add_sheet(name, sheet, &mut waiting, &mut by_name, naming);
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
        let mut open: Vec<&str> = wanted.iter().copied().collect();
        while let Some(asset) = open.pop().and_then(|name| self.by_name.get(name)) {
            open.extend(asset.names.iter().map(String::as_str).filter(|name| wanted.insert(name)));
        }
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

/// Adds a stylesheet, and before it those of `waiting` that it names. Of sheets that name
/// each other in a circle the last one keeps its `url(…)` as it is written.
fn add_sheet(
    name: String,
    (bytes, is_builtin): (Vec<u8>, bool),
    waiting: &mut BTreeMap<String, (Vec<u8>, bool)>,
    by_name: &mut FxHashMap<String, Asset>,
    naming: Naming,
) {
    let named = std::str::from_utf8(&bytes).map(|text| targets(&name, text)).unwrap_or_default();
    for (_, target) in named {
        if let Some(sheet) = waiting.remove(&target) {
            add_sheet(target, sheet, waiting, by_name, naming);
        }
    }
    let (bytes, names) = with_urls(&name, bytes, by_name);
    let url = url_of(&name, &bytes, naming);
    by_name.insert(name, Asset { url, bytes, cache: cache_of(naming), is_builtin, names });
}

/// The assets that may be meant by each `url(…)` of a stylesheet, and where it is written.
fn targets(name: &str, text: &str) -> Vec<(Range<usize>, String)> {
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut found = Vec::new();
    for (at, opening) in text.match_indices("url(") {
        let start = at + opening.len();
        let Some(end) = text[start..].find(')').map(|end| start + end) else { break };
        let written = text[start..end].trim().trim_matches(['"', '\'']);
        let is_beside = !written.is_empty() && !written.starts_with('/') && !written.contains(':');
        if let Some(target) = is_beside.then(|| join(folder, written)).flatten() {
            found.push((start..end, target));
        }
    }
    found
}

/// The stylesheet with each `url(…)` that names a known asset turned into that asset's URL.
fn with_urls(name: &str, bytes: Vec<u8>, known: &FxHashMap<String, Asset>) -> (Vec<u8>, Vec<String>) {
    let Ok(text) = std::str::from_utf8(&bytes) else { return (bytes, Vec::new()) };
    let mut out = String::with_capacity(text.len());
    let (mut names, mut at) = (Vec::new(), 0);
    for (place, target) in targets(name, text) {
        // An `url(` inside what was replaced already.
        let Some(asset) = known.get(&target).filter(|_| place.start >= at) else { continue };
        out.push_str(&text[at..place.start]);
        out.push('"');
        out.push_str(&asset.url);
        out.push('"');
        at = place.end;
        names.push(target);
    }
    out.push_str(&text[at..]);
    (out.into_bytes(), names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::sources::Memory;

    #[test]
    fn a_stylesheet_names_another_by_its_url_whatever_they_are_called() {
        let sheets = [("a", "b"), ("y", "x"), ("m", "n")];
        let files = sheets.iter().flat_map(|(one, other)| {
            let import = format!("@import url({other}.css); a{{}}");
            [(format!("layouts/assets/{one}.css"), import), (format!("layouts/assets/{other}.css"), "b{}".to_owned())]
        });
        let files = files.map(|(path, text)| (path, text.into_bytes())).collect();
        let sources = Memory { files, today: jiff::civil::date(2026, 1, 1) };
        let paths: Vec<String> = sources.files.keys().cloned().collect();
        let assets = Assets::load(&sources, &paths, Naming::Digest, &mut Vec::new());
        for (one, other) in sheets {
            let url = assets.url(&format!("{other}.css")).unwrap();
            let text = String::from_utf8(assets.by_name[&format!("{one}.css")].bytes.clone()).unwrap();
            assert_eq!(text, format!("@import url(\"{url}\"); a{{}}"));
        }
    }
}
