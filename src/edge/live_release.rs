//! A release as the edge holds it: the manifest's facts in tables, shells and templates in
//! memory. Bodies stay on the shelf; see [`files`](super::files) for what is kept of them.
//!
//! It never changes. A new release is a new value, put in the old one's place.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::HeaderValue;
use rustc_hash::FxHashMap;

use super::data_page::routes::Routes;
use super::fragment::{Fragments, Holes, Placing, Row};
use super::headers;
use super::node::EdgeError;
use super::page::Shell;
use super::search;
use super::templates::{Registered, Templates};
use crate::site::api::TableApi;
use crate::site::audience::{Audience, Standing};
use crate::site::config::OpenTable;
use crate::site::digest::Digest;
use crate::site::form::Form;
use crate::site::release::{self, Access, BuildId, CacheClass, FeedItem, Shelf, ShelfError, Site, TermPages};
use crate::site::table::TableName;
use crate::store::Subscriptions;

/// The name of the fragment that shows comments.
const COMMENTS: &str = "comments";
/// The name of the page for what is not there.
const NOT_FOUND: &str = "/404.html";

/// One release, ready to answer from. A copy is cheap: what grows with the site is shared.
#[derive(Clone, Debug)]
pub struct LiveRelease {
    /// Its name.
    pub id: BuildId,
    /// The site as a whole.
    pub site: Site,
    /// The folder of the search index below `.littoral/search/`, when there is one.
    pub search_folder: Option<String>,
    /// Its reader; absent too when the index cannot be read, which the log tells: the
    /// pages are served all the same.
    pub(super) search: Option<Arc<search::Indexes>>,
    files: Arc<FxHashMap<Box<str>, File>>,
    /// Files that a watched build has made since, before those of the release.
    newer: FxHashMap<Box<str>, File>,
    /// What of the files is not for everybody, by path; and of the newer ones.
    restricted: Arc<FxHashMap<Box<str>, Restricted>>,
    newer_restricted: FxHashMap<Box<str>, Restricted>,
    kinds: Vec<Kind>,
    /// Paths of pages, in order, for lists of them.
    pages: Arc<[Box<str>]>,
    /// Path → where it went, percent-encoded.
    redirects: Arc<FxHashMap<Box<str>, Box<str>>>,
    /// What fragments it has.
    pub(super) fragments: Arc<Fragments>,
    /// Where they are in the pages of `files`, and in those of `newer` behind them.
    holes: Arc<[Arc<Holes>]>,
    newer_holes: Vec<Arc<Holes>>,
    shells: Arc<FxHashMap<Box<str>, Shell>>,
    /// The terms of its taxonomies, by the paths of their pages.
    pub(super) terms: Arc<BTreeMap<String, TermPages>>,
    /// What members' own feeds are made of, the newest first.
    pub(super) feed: Arc<[FeedItem]>,
    /// The forms that the site declares, by name.
    pub(super) forms: Arc<BTreeMap<String, Form>>,
    pub(super) templates: Arc<Templates>,
    pub(super) data_pages: Arc<Routes>,
    /// Which webhooks are told of which tables.
    pub subscriptions: Arc<Subscriptions>,
}

/// One static file. Small, because there are as many as the site has pages.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// Its bytes.
    pub(super) object: Digest,
    /// How many.
    pub(super) length: u64,
    kind: u16,
    reach: Reach,
    /// Its row in the table of those that have fragments.
    fragments: Option<Row>,
    title: Option<Box<str>>,
}

/// Who gets a file by its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Everybody,
    /// Everybody for whom [`Restricted`] has nothing better.
    Others,
    Nobody,
}

/// What only some may read at a path.
#[derive(Clone, Debug)]
pub(super) struct Restricted {
    /// They.
    pub(super) audience: Audience,
    /// It.
    pub(super) file: File,
    /// Of a file beside a page, the path of the page.
    pub(super) page: Option<Box<str>>,
}

impl File {
    /// Whether somebody may get another one at its path.
    pub(super) fn is_open(&self) -> bool {
        self.reach == Reach::Others
    }

    /// Whether something of it is made for each request.
    pub(super) fn has_fragments(&self) -> bool {
        self.fragments.is_some()
    }
}

/// What files of one media type and cache class have in common.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    /// Tells kinds apart also between two releases, whose tables differ.
    pub(super) tag: u64,
    pub(super) media: HeaderValue,
    pub(super) cache_control: HeaderValue,
    pub(super) is_html: bool,
    pub(super) is_compressible: bool,
}

impl LiveRelease {
    /// The live release of `shelf`.
    pub fn load(shelf: &Shelf) -> Result<Self, EdgeError> {
        Self::load_one(shelf, shelf.current()?)
    }

    /// The release `id`.
    pub(super) fn load_one(shelf: &Shelf, id: BuildId) -> Result<Self, EdgeError> {
        let manifest = shelf.manifest(id)?;
        let mut templates = Templates::built_in();
        let mut data_pages = Vec::new();
        let mut fragments = Fragments::default();
        for (name, object) in &manifest.templates {
            let text = String::from_utf8(shelf.object(*object)?)
                .map_err(|_| EdgeError::Template { name: name.clone(), why: "it is not UTF-8".to_owned() })?;
            match templates.register(name, &text)? {
                Registered::Plain => {}
                Registered::Fragment(declaration) => fragments.add(name, declaration),
                Registered::DataPage(page) => data_pages.push((name.clone(), *page)),
            }
        }
        let data_pages = Routes::of(data_pages);
        for page in data_pages.all() {
            templates.register_text(&page.title_template(), page.title())?;
        }
        let mut placing = Placing::new(id, &fragments, 0);
        let mut shells = FxHashMap::default();
        for (name, shell) in manifest.shells {
            let bytes = Bytes::from(shelf.object(shell.object)?);
            let moving = placing.holes(&shell.fragments, bytes.len() as u64);
            let moving = moving.map_err(|_| EdgeError::NotPlaced { path: format!("the shell {name}") })?;
            let shell = Shell::of(bytes, shell.holes, moving).ok_or_else(|| EdgeError::Shell { name: name.clone() })?;
            shells.insert(name.into_boxed_str(), shell);
        }
        let mut kinds = Kinds::default();
        let mut files: FxHashMap<Box<str>, File> = FxHashMap::default();
        files.reserve(manifest.entries.len());
        let mut restricted = FxHashMap::default();
        for entry in manifest.entries {
            let not_placed = |_| EdgeError::NotPlaced { path: entry.path.clone() };
            let row = placing.place(&entry.fragments, entry.length).map_err(not_placed)?;
            let full = entry.full.as_ref().map(|full| placing.place(&full.fragments, full.length));
            let full = full.transpose().map_err(not_placed)?.flatten();
            let damaged = || {
                let why = format!("`{}` is no media type", entry.media);
                ShelfError::Damaged { path: shelf.manifest_file(id), why }
            };
            let made = kinds.file(&entry, row).ok_or_else(damaged)?;
            if let Some(full) = Restricted::of(&entry, &made, full) {
                restricted.insert(entry.path.as_str().into(), full);
            }
            files.insert(entry.path.into(), made);
        }
        let titled = files.iter().filter(|(_, file)| file.title.is_some());
        let mut pages: Vec<Box<str>> = titled.map(|(path, _)| path.clone()).collect();
        pages.sort_unstable();
        let search = manifest.search.as_ref().and_then(|name| {
            search::Indexes::open(shelf, name, &manifest.search_parts, &manifest.site.language)
                .inspect_err(|error| tracing::error!(%error, name, "search is out of service"))
                .ok()
                .map(Arc::new)
        });
        let redirects = manifest.redirects.into_iter().map(|redirect| (redirect.from.into(), redirect.to.into()));
        let holes = placing.table.into();
        let subscriptions = Arc::new(Subscriptions::of(&manifest.site.edge));
        Ok(Self {
            id,
            site: manifest.site,
            search_folder: manifest.search,
            search,
            files: Arc::new(files),
            newer: FxHashMap::default(),
            restricted: Arc::new(restricted),
            newer_restricted: FxHashMap::default(),
            kinds: kinds.list,
            pages: pages.into(),
            redirects: Arc::new(redirects.collect()),
            fragments: Arc::new(fragments),
            holes,
            newer_holes: Vec::new(),
            shells: Arc::new(shells),
            terms: Arc::new(manifest.terms),
            feed: manifest.feed.into(),
            forms: Arc::new(manifest.forms),
            templates: Arc::new(templates),
            data_pages: Arc::new(data_pages),
            subscriptions,
        })
    }

    /// This release with these outputs in place of its own: what a watched build has made
    /// before its release stands. Costs what they cost, however large the site.
    pub(super) fn with(&self, entries: &[release::Entry]) -> Self {
        let mut newer = self.clone();
        let mut kinds = Kinds { list: std::mem::take(&mut newer.kinds) };
        let before = self.holes.len() + self.newer_holes.len();
        let mut placing = Placing::new(self.id, &self.fragments, before);
        for entry in entries {
            // One with a fragment that only the release to come has is served as it is till then.
            let row = placing.place(&entry.fragments, entry.length).unwrap_or_default();
            let full = entry.full.as_ref();
            let full = full.and_then(|full| placing.place(&full.fragments, full.length).unwrap_or_default());
            let Some(file) = kinds.file(entry, row) else { continue };
            let path: Box<str> = entry.path.as_str().into();
            match Restricted::of(entry, &file, full) {
                Some(full) => drop(newer.newer_restricted.insert(path.clone(), full)),
                None => drop(newer.newer_restricted.remove(&path)),
            }
            newer.newer.insert(path, file);
        }
        newer.newer_holes.append(&mut placing.table);
        newer.kinds = kinds.list;
        newer
    }

    /// The file that everybody may read at `path`, decoded.
    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.any_file(path).filter(|file| file.reach != Reach::Nobody)
    }

    /// What only some may read at `path`, decoded.
    pub(super) fn restricted(&self, path: &str) -> Option<&Restricted> {
        if self.newer.contains_key(path) { self.newer_restricted.get(path) } else { self.restricted.get(path) }
    }

    /// Whether what stands at `path`, decoded, is for a reader of this standing, and so whatever is
    /// said of its text. What an open page says of it, its title too, is for everybody: see
    /// [`Self::title`]. A metered page is, whatever was counted: what readers say beneath it is not.
    pub(super) fn is_for(&self, path: &str, standing: &Standing) -> bool {
        match self.restricted(path) {
            Some(restricted) => restricted.audience == Audience::Metered || restricted.audience.admits(standing),
            None => self.file(path).is_some(),
        }
    }

    /// The title of the page at `path`, decoded, if readers can comment on it and it is there for
    /// a reader of this standing: it places the fragment of comments.
    pub(super) fn commented(&self, path: &str, standing: &Standing) -> Option<&str> {
        if !self.is_for(path, standing) {
            return None;
        }
        let file = self.any_file(path)?;
        let title = file.title.as_deref()?;
        self.holes(file).filter(|holes| holes.has(COMMENTS)).map(|_| title)
    }

    /// The text of the page at `path` alone, if it can be sent as a letter.
    pub(super) fn letter(&self, path: &str) -> Option<Digest> {
        self.any_file(&release::letter_path(path)).map(|file| file.object)
    }

    /// The site's own page for what is not there; it may be internal.
    pub(super) fn not_found_page(&self) -> Option<&File> {
        self.any_file(NOT_FOUND)
    }

    fn any_file(&self, path: &str) -> Option<&File> {
        if self.newer.is_empty() { None } else { self.newer.get(path) }.or_else(|| self.files.get(path))
    }

    /// What `file` has in common with others.
    pub(super) fn kind(&self, file: &File) -> &Kind {
        &self.kinds[usize::from(file.kind)]
    }

    /// The fragments of `file`, if it has any.
    pub(super) fn holes(&self, file: &File) -> Option<&Arc<Holes>> {
        let row = usize::try_from(file.fragments?.get()).ok()? - 1;
        self.holes.get(row).or_else(|| self.newer_holes.get(row - self.holes.len()))
    }

    /// Whether its author's queries read the store.
    pub(super) fn reads_the_store(&self) -> bool {
        self.has_api()
            || !self.data_pages.is_empty()
            || self.fragments.all().any(|known| !known.declaration.queries.is_empty())
    }

    /// The tables that other programs may use.
    pub(super) fn api_tables(&self) -> impl Iterator<Item = (&TableName, &OpenTable, &TableApi)> {
        self.site.edge.data.iter().filter_map(|(name, open)| Some((name, open, open.api.as_ref()?)))
    }

    /// Whether there are any.
    pub(super) fn has_api(&self) -> bool {
        self.api_tables().next().is_some()
    }

    /// Whether there is something to remember, beside accounts.
    pub(super) fn needs_the_store(&self) -> bool {
        self.reads_the_store()
            || !self.forms.is_empty()
            || !self.site.edge.webhooks.is_empty()
            || self.site.edge.newsletter.open
    }

    /// Where `path` went, percent-encoded.
    pub(super) fn redirect(&self, path: &str) -> Option<&str> {
        self.redirects.get(path).map(|to| &**to)
    }

    /// The layout for dynamic pages.
    pub(super) fn shell(&self, name: &str) -> Option<&Shell> {
        self.shells.get(name)
    }

    /// How many pages it has.
    pub fn page_count(&self) -> usize {
        self.pages.len()
    }

    /// How many files everybody may read whose path begins with `prefix`, and their bytes.
    pub fn weight_below(&self, prefix: &str) -> (usize, u64) {
        let files = self.files.iter().filter(|(path, file)| path.starts_with(prefix) && file.reach != Reach::Nobody);
        files.fold((0, 0), |(count, bytes), (_, file)| (count + 1, bytes + file.length))
    }

    /// Paths and titles of the pages whose path begins with `prefix`, in order of path.
    pub fn pages_below(&self, prefix: &str) -> impl Iterator<Item = (&str, &str)> {
        let first = self.pages.partition_point(|path| &**path < prefix);
        let paths = self.pages[first..].iter().take_while(move |path| path.starts_with(prefix));
        paths.filter_map(|path| Some((&**path, self.title(path)?)))
    }

    /// The title of the page at `path`, if there is such a page.
    pub fn title(&self, path: &str) -> Option<&str> {
        self.file(path)?.title.as_deref()
    }
}

impl Restricted {
    fn of(entry: &release::Entry, open: &File, fragments: Option<Row>) -> Option<Self> {
        let full = entry.full.as_ref()?;
        let file = File { object: full.object, length: full.length, fragments, ..open.clone() };
        Some(Self { audience: full.audience.clone(), file, page: full.page.as_deref().map(Into::into) })
    }
}

/// The kinds met so far. A site has a dozen or two, so a list is searched.
#[derive(Default)]
struct Kinds {
    list: Vec<Kind>,
}

impl Kinds {
    /// The file of an entry; `None` when its media type is none.
    fn file(&mut self, entry: &release::Entry, fragments: Option<Row>) -> Option<File> {
        let kind = self.of(entry)?;
        let reach = match (entry.access, &entry.full) {
            (Access::Internal, _) => Reach::Nobody,
            (Access::Public, Some(_)) => Reach::Others,
            (Access::Public, None) => Reach::Everybody,
        };
        let title = entry.title.as_deref().map(Into::into);
        Some(File { object: entry.object, length: entry.length, kind, reach, fragments, title })
    }

    /// `None` when the media type cannot stand in a header.
    fn of(&mut self, entry: &release::Entry) -> Option<u16> {
        let media = HeaderValue::from_str(&entry.media).ok()?;
        let cache_control = match entry.cache {
            CacheClass::Immutable => headers::IMMUTABLE,
            CacheClass::Revalidate => headers::REVALIDATE,
        };
        let same = |kind: &Kind| kind.media == media && kind.cache_control == cache_control;
        if let Some(at) = self.list.iter().position(same) {
            return u16::try_from(at).ok();
        }
        let essence = entry.media.split(';').next().unwrap_or_default().trim();
        self.list.push(Kind {
            tag: std::hash::BuildHasher::hash_one(&rustc_hash::FxBuildHasher, (&entry.media, entry.cache as u8)),
            media,
            cache_control,
            is_html: essence == "text/html",
            is_compressible: is_compressible(essence),
        });
        u16::try_from(self.list.len() - 1).ok()
    }
}

/// Text in its many forms. Images, fonts in WOFF, audio and video are compressed already.
fn is_compressible(essence: &str) -> bool {
    essence.starts_with("text/")
        || essence.ends_with("+xml")
        || essence.ends_with("+json")
        || matches!(
            essence,
            "application/json"
                | "application/javascript"
                | "application/xml"
                | "application/wasm"
                | "application/manifest+json"
                | "application/x-javascript"
                | "image/bmp"
                | "image/x-icon"
                | "image/vnd.microsoft.icon"
                | "font/ttf"
                | "font/otf"
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::audience::{Role, Tiers};
    use crate::site::digest::Digest;
    use crate::site::release::{Full, Manifest, Writer};

    #[test]
    fn what_is_said_of_a_text_is_for_whom_the_text_is() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::of(folder.path());
        let object = Writer::open(shelf.clone()).unwrap().put(b"x").unwrap().digest;
        let entry = |path: &str, audience: &str, access| release::Entry {
            path: path.to_owned(),
            object,
            media: "text/html".to_owned(),
            length: 1,
            cache: CacheClass::Revalidate,
            access,
            title: Some(path.to_owned()),
            fragments: Vec::new(),
            full: (audience != "public").then(|| {
                let (audience, fragments) = (audience.parse().unwrap(), Vec::new());
                Box::new(Full { audience, object: Digest::of(b"y"), length: 1, fragments, page: None })
            }),
        };
        let entries = vec![
            entry("/all/", "public", Access::Public),
            entry("/members/", "members", Access::Public),
            entry("/paid/", "tier:paid", Access::Public),
            entry("/metered/", "metered", Access::Public),
            entry("/draft/", "role:editor", Access::Internal),
        ];
        Writer::open(shelf.clone()).unwrap().publish(&Manifest { entries, ..Manifest::empty() }, None).unwrap();
        let release = LiveRelease::load(&shelf).unwrap();
        let member = |role, tier: &str| Standing::Member { role, tier: tier.parse().ok(), tiers: Tiers::default() };
        for (standing, expected) in [
            (Standing::Visitor, &["/all/", "/metered/"][..]),
            (member(Role::Member, ""), &["/all/", "/members/", "/metered/"]),
            (member(Role::Member, "paid"), &["/all/", "/members/", "/paid/", "/metered/"]),
            (member(Role::Editor, ""), &["/all/", "/members/", "/paid/", "/metered/", "/draft/"]),
        ] {
            let all = ["/all/", "/members/", "/paid/", "/metered/", "/draft/", "/none/"];
            let theirs: Vec<&str> = all.into_iter().filter(|path| release.is_for(path, &standing)).collect();
            assert_eq!(theirs, expected, "{standing:?}");
        }
        let titled = ["/all/", "/members/", "/draft/"].map(|path| release.title(path).is_some());
        assert_eq!(titled, [true, true, false]);
    }

    #[test]
    fn a_page_takes_no_more_room_for_the_fragments_of_others() {
        assert_eq!(size_of::<File>(), 64);
    }
}
