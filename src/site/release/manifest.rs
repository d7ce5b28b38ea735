//! The manifest: what a release answers, URL by URL.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::site::audience::Audience;
use crate::site::config;
use crate::site::digest::{Digest, NotADigest};
use crate::site::form::Form;

/// The version of the manifest's form. An edge refuses one that it does not know.
pub const FORMAT: u32 = 2;

/// The name of a release: the digest of its manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BuildId(Digest);

impl BuildId {
    /// The id of the release whose manifest has these bytes.
    pub fn of(manifest: &[u8]) -> Self {
        Self(Digest::of(manifest))
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for BuildId {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        text.trim().parse().map(Self)
    }
}

/// Everything that the edge needs to know of a site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`] of the program that wrote it.
    pub format: u32,
    /// The site as a whole.
    pub site: Site,
    /// Each output, in order of path. Paths are decoded: `/docs/été/`, `/css/site.css`.
    pub entries: Vec<Entry>,
    /// Old paths and where they went, in order of path.
    pub redirects: Vec<Redirect>,
    /// Layouts rendered once with holes, by name; `page` is always there.
    pub shells: BTreeMap<String, Shell>,
    /// The templates of `dynamic/`, name without its end (`search/results`) → object.
    pub templates: BTreeMap<String, Digest>,
    /// The forms that the site declares, by name.
    #[serde(default)]
    pub forms: BTreeMap<String, Form>,
    /// The terms of its taxonomies by the paths of their pages, each with its newest pages.
    #[serde(default)]
    pub terms: BTreeMap<String, TermPages>,
    /// The folder of the search index below `.littoral/search/`, when there is one.
    pub search: Option<String>,
    /// Those of what is not for everybody, by audience.
    #[serde(default)]
    pub search_parts: Vec<SearchPart>,
    /// What members' own feeds are made of, the newest first; none where all is for everybody.
    #[serde(default)]
    pub feed: Vec<FeedItem>,
}

impl Manifest {
    /// A release that answers nothing: what `watch` shows mistakes over when a site has
    /// never been built.
    pub fn empty() -> Self {
        let site = Site {
            title: String::new(),
            base_url: String::new(),
            language: "en".to_owned(),
            edge: config::Edge::default(),
        };
        Self {
            format: FORMAT,
            site,
            entries: Vec::new(),
            redirects: Vec::new(),
            shells: BTreeMap::new(),
            templates: BTreeMap::new(),
            forms: BTreeMap::new(),
            terms: BTreeMap::new(),
            search: None,
            search_parts: Vec::new(),
            feed: Vec::new(),
        }
    }
}

impl Manifest {
    /// The folders of its search indexes.
    pub fn indexes(&self) -> impl Iterator<Item = &str> {
        let parts = self.search_parts.iter().flat_map(|part| [part.open.as_deref(), part.full.as_deref()]);
        parts.flatten().chain(self.search.as_deref())
    }

    /// Its bytes. What `serde_json` makes of it, with the entries on all cores: there are as
    /// many as the site has files.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let Self { format, site, entries, redirects, shells, templates, forms, terms, search, search_parts, feed } =
            self;
        let entries = entries.par_chunks(1_024).map(serde_json::to_vec).collect::<serde_json::Result<Vec<_>>>()?;
        let length = entries.iter().map(Vec::len).sum::<usize>() + 256 * (redirects.len() + 64);
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(b"{\"format\":");
        serde_json::to_writer(&mut bytes, format)?;
        bytes.extend_from_slice(b",\"site\":");
        serde_json::to_writer(&mut bytes, site)?;
        bytes.extend_from_slice(b",\"entries\":[");
        for (number, part) in entries.iter().enumerate() {
            if number > 0 {
                bytes.push(b',');
            }
            // Without the brackets of its own.
            bytes.extend_from_slice(&part[1..part.len() - 1]);
        }
        bytes.extend_from_slice(b"],\"redirects\":");
        serde_json::to_writer(&mut bytes, redirects)?;
        bytes.extend_from_slice(b",\"shells\":");
        serde_json::to_writer(&mut bytes, shells)?;
        bytes.extend_from_slice(b",\"templates\":");
        serde_json::to_writer(&mut bytes, templates)?;
        bytes.extend_from_slice(b",\"forms\":");
        serde_json::to_writer(&mut bytes, forms)?;
        bytes.extend_from_slice(b",\"terms\":");
        serde_json::to_writer(&mut bytes, terms)?;
        bytes.extend_from_slice(b",\"search\":");
        serde_json::to_writer(&mut bytes, search)?;
        bytes.extend_from_slice(b",\"search_parts\":");
        serde_json::to_writer(&mut bytes, search_parts)?;
        bytes.extend_from_slice(b",\"feed\":");
        serde_json::to_writer(&mut bytes, feed)?;
        bytes.push(b'}');
        Ok(bytes)
    }
}

/// The site as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Site {
    /// Its name.
    pub title: String,
    /// Where it stands, with a slash at its end.
    pub base_url: String,
    /// Its language (BCP 47).
    pub language: String,
    /// What its author configured for the edge.
    pub edge: config::Edge,
}

/// One output: a path and what answers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Decoded path in the site.
    pub path: String,
    /// The bytes; also the strong `ETag`.
    pub object: Digest,
    /// `Content-Type`, with its charset.
    pub media: String,
    /// How many bytes.
    pub length: u64,
    /// How long others may keep it.
    pub cache: CacheClass,
    /// Who may read it.
    #[serde(default, skip_serializing_if = "Access::is_public")]
    pub access: Access,
    /// The title of the page, for what a reader has read; absent for anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The fragments in it, in order of place; none in most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fragments: Vec<Fragment>,
    /// What those get for whom it is, in its place. It is never checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full: Option<Box<Full>>,
}

/// What only some may read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Full {
    /// They.
    pub audience: Audience,
    /// The bytes.
    pub object: Digest,
    /// How many.
    pub length: u64,
    /// The fragments in it, in order of place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fragments: Vec<Fragment>,
    /// Of a file beside a page, the path of that page; absent for a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}

/// A page as a feed names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedItem {
    /// Its path, decoded.
    pub path: String,
    /// Its title.
    pub title: String,
    /// When it was published (RFC 3339).
    pub published: String,
    /// When it was changed.
    pub updated: String,
    /// Its terms, as their author writes them.
    pub terms: Vec<String>,
    /// What everybody may read of it.
    pub summary: String,
    /// For whom its text is.
    pub audience: Audience,
    /// The text: HTML.
    pub text: Digest,
}

/// The search indexes of one audience: folders below `.littoral/search/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchPart {
    /// Whose they are.
    pub audience: Audience,
    /// That of what everybody else sees in the place of its pages.
    pub open: Option<String>,
    /// That of its pages.
    pub full: Option<String>,
}

/// A term of a taxonomy: a tag, an author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermPages {
    /// What it is called.
    pub title: String,
    /// The newest of its pages that have a date, up to [`NEWEST`], new to old: decoded path, and date.
    pub newest: Vec<(String, Date)>,
}

/// How many pages of a term a release names.
pub const NEWEST: usize = 20;

/// Where the text of pages stands that are sent as letters.
const LETTERS: &str = "/_/letter";

/// Where the text of the page at `path` stands, for letters.
pub fn letter_path(path: &str) -> String {
    [LETTERS, path].concat()
}

/// Whether it is the place of a text for letters.
pub fn is_letter(path: &str) -> bool {
    path.strip_prefix(LETTERS).is_some_and(|rest| rest.starts_with('/'))
}

/// A fragment in an output: what the edge puts there, and in the place of what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fragment {
    /// Its name: the template is `fragments/NAME`.
    pub name: String,
    /// Its arguments, as they stand in an address.
    pub query: String,
    /// Where the element that holds the fallback begins and ends, in bytes: it is for clients
    /// that no edge has served, and goes with the fallback.
    pub element: (usize, usize),
    /// Where the fallback itself does: it stands when the fragment does not come.
    pub fallback: (usize, usize),
}

/// How long others may keep an answer (RFC 9111).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheClass {
    /// The path has the digest in it: for a year.
    Immutable,
    /// To be asked for again each time; the `ETag` makes that cheap.
    Revalidate,
}

/// Who may read an output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Everybody; it is checked out into `public/`.
    #[default]
    Public,
    /// Nobody by its own path: it is the answer to something else, as the page for 404 is; or
    /// those alone whom [`Entry::full`] names.
    Internal,
}

impl Access {
    fn is_public(&self) -> bool {
        *self == Self::Public
    }
}

/// An old path and where it went.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Redirect {
    /// Decoded path that is asked for.
    pub from: String,
    /// Encoded path or URL to send the reader to.
    pub to: String,
    /// A small page that says the same, for where `public/` stands without the edge.
    pub stub: Digest,
    /// How many bytes the stub has.
    pub length: u64,
}

/// A layout rendered once with holes, into which the edge splices what it makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shell {
    /// The bytes around the holes.
    pub object: Digest,
    /// Name of the hole (`title`, `head`, `main`) and its byte offset, in order of offset.
    /// One name may stand in several places.
    pub holes: Vec<(String, usize)>,
    /// The fragments in it, in order of place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fragments: Vec<Fragment>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_the_json_that_is_read_again() {
        let fragment = |at| Fragment {
            name: "popular".to_owned(),
            query: "limit=3".to_owned(),
            element: (at, at + 40),
            fallback: (at + 10, at + 20),
        };
        let full = Full {
            audience: Audience::Members,
            object: Digest::of(&[3]),
            length: 9,
            fragments: vec![fragment(3)],
            page: Some("/".to_owned()),
        };
        for count in [0, 1, 1_024, 1_025, 5_000] {
            let entry = |number| Entry {
                path: format!("/p{number}/"),
                object: Digest::of(&[1]),
                media: "text/html; charset=utf-8".to_owned(),
                length: number,
                cache: CacheClass::Revalidate,
                access: if number % 2 == 0 { Access::Public } else { Access::Internal },
                title: (number % 3 == 0).then(|| format!("\"{number}\"")),
                fragments: (number % 5 == 0).then(|| fragment(number as usize)).into_iter().collect(),
                full: (number % 7 == 0).then(|| Box::new(full.clone())),
            };
            let shell =
                Shell { object: Digest::of(&[2]), holes: vec![("main".to_owned(), 7)], fragments: vec![fragment(0)] };
            let manifest = Manifest {
                entries: (0..count).map(entry).collect(),
                shells: [("page".to_owned(), shell)].into(),
                terms: [(
                    "/tags/sea/".to_owned(),
                    TermPages {
                        title: "sea".to_owned(),
                        newest: vec![("/a/".to_owned(), "2026-05-01".parse().unwrap())],
                    },
                )]
                .into(),
                search: Some("index".to_owned()),
                search_parts: vec![SearchPart {
                    audience: "tier:paid".parse().unwrap(),
                    open: None,
                    full: Some("x".to_owned()),
                }],
                feed: vec![FeedItem {
                    path: "/".to_owned(),
                    title: "\"".to_owned(),
                    published: String::new(),
                    updated: String::new(),
                    terms: vec!["sea".to_owned()],
                    summary: String::new(),
                    audience: Audience::Metered,
                    text: Digest::of(&[4]),
                }],
                ..Manifest::empty()
            };
            let bytes = manifest.to_json().unwrap();
            assert_eq!(String::from_utf8_lossy(&bytes), serde_json::to_string(&manifest).unwrap());
        }
    }
}
