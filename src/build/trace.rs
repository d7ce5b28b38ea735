//! Traces: what an output has read.
//!
//! A [`Read`] is a question that can be asked again: it holds names, never places in a
//! table, so that it means the same in a later build. [`Reads`] keeps each different one
//! once, with the digest of its answer; a [`Trace`] is the set of those that one output
//! asked. An output is made again when one of its answers is another one ("verifying
//! traces", in the words of "Build Systems à la Carte", Mokhov, Mitchell and Peyton Jones,
//! 2018).
//!
//! Knows no answers: those are given by [`super::world`].

use std::cell::{Cell, RefCell};
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::model::{Fields, Order, SortBy};

/// How many locks the reads are spread over.
const SHARDS: usize = 64;

/// One question to the site.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Read {
    /// The bytes of a source file.
    File(String),
    /// The text of a template, by its name.
    Template(String),
    /// Whether there is a template of this name.
    IsTemplate(String),
    /// A part of the configuration.
    Setting(Setting),
    /// A file of `data/`.
    Data(String),
    /// The URL of an asset.
    Asset(String),
    /// Where a destination leads, seen from a page; from anywhere when it is absolute.
    Link {
        /// Source of the page below `content/`.
        from: Option<String>,
        /// As it is written.
        to: String,
    },
    /// One page.
    Page {
        /// Its source below `content/`.
        source: String,
        /// What is seen of it.
        fields: Fields,
    },
    /// Pages of the site.
    Pages(Box<Pages>),
    /// What one list page shows.
    Items {
        /// The list.
        list: List,
        /// Its list page, from 1.
        number: usize,
        /// What is seen of each.
        fields: Fields,
    },
    /// How many pages a list has, and how many list pages.
    Length(List),
    /// The sections below one.
    Sections {
        /// Path of the section.
        of: String,
        /// Which of them.
        window: Window,
        /// What is seen of each.
        fields: Fields,
    },
    /// One section, by its path, and the number of its pages.
    Section {
        /// Path of the section.
        path: String,
        /// What is seen of it.
        fields: Fields,
    },
    /// The sections above a page.
    Ancestors {
        /// Source of the page.
        source: String,
        /// What is seen of each.
        fields: Fields,
    },
    /// The page before or after one.
    Neighbour {
        /// Source of the page.
        source: String,
        /// Which one.
        side: Side,
        /// What is seen of it.
        fields: Fields,
    },
    /// The terms of a taxonomy, and how many pages each has.
    Terms {
        /// Name of the taxonomy.
        taxonomy: String,
        /// Whether those with the most pages come first.
        by_count: bool,
        /// Which of them.
        window: Window,
    },
}

/// A part of the configuration that outputs depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Setting {
    /// What layouts see as `site`.
    Site,
    /// How Markdown is read and written.
    Markdown,
    /// Where the site stands.
    BaseUrl,
    /// What is done about links that lead nowhere.
    Links,
    /// The names of the taxonomies.
    Taxonomies,
    /// Whether there is a search index.
    Search,
}

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Window {
    /// How many are left out at the beginning.
    pub offset: usize,
    /// How many are shown at most.
    pub limit: usize,
}

impl Window {
    /// What it leaves of `list`.
    pub fn of<T>(self, list: &[T]) -> &[T] {
        let offset = self.offset.min(list.len());
        &list[offset..offset + self.limit.min(list.len() - offset)]
    }
}

/// A question about many pages.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pages {
    /// Only those below this section, by its path.
    pub section: Option<String>,
    /// Also those of the sections below it.
    pub recursive: bool,
    /// Only those with this term: taxonomy and slug.
    pub term: Option<(String, String)>,
    /// What they are sorted by.
    pub sort: SortBy,
    /// Which end comes first.
    pub order: Order,
    /// Which of them.
    pub window: Window,
    /// What is seen of each.
    pub fields: Fields,
}

/// What a list page lists.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum List {
    /// The pages of a section, by its source.
    Section(String),
    /// The pages of a term: taxonomy and slug.
    Term(String, String),
}

/// A question that an output asks about what it is about: its own page, or its own list.
/// Most reads are, and no other output shares them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum OwnRead {
    /// [`Read::File`] of its page.
    File,
    /// [`Read::Page`].
    Page(Fields),
    /// [`Read::Link`] written in its page.
    Link(String),
    /// [`Read::Ancestors`].
    Ancestors(Fields),
    /// [`Read::Neighbour`].
    Neighbour(Side, Fields),
    /// [`Read::Items`].
    Items(usize, Fields),
    /// [`Read::Length`].
    Length,
}

impl OwnRead {
    /// `read`, if it is about `list` or the page of that source.
    fn of(read: &Read, about: &List) -> Option<Self> {
        let is_own = |asked: &str| matches!(about, List::Section(source) if source == asked);
        Some(match read {
            Read::File(path) if path.strip_prefix("content/").is_some_and(is_own) => Self::File,
            Read::Page { source, fields } if is_own(source) => Self::Page(*fields),
            Read::Link { from: Some(source), to } if is_own(source) => Self::Link(to.clone()),
            Read::Ancestors { source, fields } if is_own(source) => Self::Ancestors(*fields),
            Read::Neighbour { source, side, fields } if is_own(source) => Self::Neighbour(*side, *fields),
            Read::Items { list, number, fields } if list == about => Self::Items(*number, *fields),
            Read::Length(list) if list == about => Self::Length,
            _ => return None,
        })
    }

    /// See [`Read::fields`].
    fn fields(&self) -> Option<Fields> {
        match self {
            Self::Page(fields) | Self::Ancestors(fields) | Self::Neighbour(_, fields) | Self::Items(_, fields) => {
                Some(*fields)
            }
            Self::File | Self::Link(_) | Self::Length => None,
        }
    }

    /// The whole question.
    fn about(&self, about: &List) -> Option<Read> {
        let source = || match about {
            List::Section(source) => Some(source.clone()),
            List::Term(..) => None,
        };
        Some(match self {
            Self::File => Read::File(format!("content/{}", source()?)),
            Self::Page(fields) => Read::Page { source: source()?, fields: *fields },
            Self::Link(to) => Read::Link { from: Some(source()?), to: to.clone() },
            Self::Ancestors(fields) => Read::Ancestors { source: source()?, fields: *fields },
            Self::Neighbour(side, fields) => Read::Neighbour { source: source()?, side: *side, fields: *fields },
            Self::Items(number, fields) => Read::Items { list: about.clone(), number: *number, fields: *fields },
            Self::Length => Read::Length(about.clone()),
        })
    }
}

/// Which neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Side {
    /// The one before.
    Previous,
    /// The one after.
    Next,
}

impl Read {
    /// What is seen of pages, if it is about pages.
    pub fn fields(&self) -> Option<Fields> {
        match self {
            Self::Page { fields, .. }
            | Self::Items { fields, .. }
            | Self::Sections { fields, .. }
            | Self::Section { fields, .. }
            | Self::Ancestors { fields, .. }
            | Self::Neighbour { fields, .. } => Some(*fields),
            Self::Pages(pages) => Some(pages.fields),
            _ => None,
        }
    }
}

/// As an author is told of it by `build --why`.
impl fmt::Display for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = |fields: Fields| fields.names().collect::<Vec<_>>().join(", ");
        match self {
            Self::File(path) => write!(f, "{path}"),
            Self::Template(name) => write!(f, "layouts/{name}.hbs"),
            Self::IsTemplate(name) => write!(f, "whether there is layouts/{name}.hbs"),
            Self::Setting(setting) => f.write_str(match setting {
                Setting::Site => "littoral.yaml: what layouts see as `site`",
                Setting::Markdown => "littoral.yaml: `markdown`",
                Setting::BaseUrl => "littoral.yaml: `base_url`",
                Setting::Links => "littoral.yaml: `links`",
                Setting::Taxonomies => "littoral.yaml: `taxonomies`",
                Setting::Search => "littoral.yaml: `search`",
            }),
            Self::Data(name) => write!(f, "data/{name}"),
            Self::Asset(name) => write!(f, "the URL of layouts/assets/{name}"),
            Self::Link { to, .. } => write!(f, "where the link `{to}` leads"),
            Self::Page { source, fields } => write!(f, "the head of content/{source} ({})", seen(*fields)),
            Self::Pages(pages) => {
                write!(f, "pages")?;
                if let Some(section) = &pages.section {
                    write!(f, " of `{section}`")?;
                }
                if let Some((taxonomy, slug)) = &pages.term {
                    write!(f, " with {taxonomy} `{slug}`")?;
                }
                if pages.window.limit != usize::MAX {
                    write!(f, ", {} of them", pages.window.limit)?;
                }
                write!(f, " ({})", seen(pages.fields))
            }
            Self::Items { list, number, fields } => write!(f, "page {number} of {list} ({})", seen(*fields)),
            Self::Length(list) => write!(f, "the length of {list}"),
            Self::Sections { of, fields, .. } => write!(f, "the sections of `/{of}` ({})", seen(*fields)),
            Self::Section { path, fields } => write!(f, "the section `{path}` ({})", seen(*fields)),
            Self::Ancestors { source, fields } => {
                write!(f, "the sections above content/{source} ({})", seen(*fields))
            }
            Self::Neighbour { source, side, fields } => {
                let side = match side {
                    Side::Previous => "before",
                    Side::Next => "after",
                };
                write!(f, "the page {side} content/{source} ({})", seen(*fields))
            }
            Self::Terms { taxonomy, .. } => write!(f, "the terms of {taxonomy}"),
        }
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Section(source) => write!(f, "the list of content/{source}"),
            Self::Term(taxonomy, slug) => write!(f, "the list of {taxonomy} `{slug}`"),
        }
    }
}

/// The digest of an answer: 128 bits of BLAKE3, which no two answers share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer(u128);

impl Answer {
    /// The digest of an answer that has these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut half = [0; 16];
        half.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
        Self(u128::from_le_bytes(half))
    }

    /// There is nothing of that name.
    pub const NOTHING: Self = Self(0);
}

/// A read's number, for as long as a table of them lives.
pub type ReadId = u32;

/// Every different read, with the digest of its answer.
#[derive(Debug)]
pub struct Reads {
    shards: Vec<Mutex<FxHashMap<Read, (ReadId, Answer)>>>,
    next: AtomicU32,
    /// The next number when the table was last known to hold no read that is not asked.
    at_first: AtomicU32,
    /// Fields of pages that any of them sees.
    seen: Mutex<Fields>,
    /// Those that ask for an asset.
    assets: Mutex<Vec<(ReadId, String)>>,
}

impl Default for Reads {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            next: AtomicU32::new(0),
            at_first: AtomicU32::new(0),
            seen: Mutex::default(),
            assets: Mutex::default(),
        }
    }
}

impl Reads {
    /// Puts reads back that another table gave, with their numbers.
    pub fn put_back(&self, reads: Vec<(Read, ReadId, Answer)>) {
        for (read, id, answer) in reads {
            self.next.fetch_max(id.saturating_add(1), Ordering::Relaxed);
            self.index(id, &read);
            self.shard(&read).insert(read, (id, answer));
        }
    }

    /// The next number when the table held no read that is not asked; 0 if that was never
    /// noted.
    pub fn at_first(&self) -> u32 {
        self.at_first.load(Ordering::Relaxed)
    }

    /// Notes that number; `next` for a table that was made by a clean build.
    pub fn set_at_first(&self, number: Option<u32>) {
        self.at_first.store(number.unwrap_or_else(|| self.next.load(Ordering::Relaxed)), Ordering::Relaxed);
    }

    /// Gives the `piece`-th of so many `pieces` of the table, for [`Reads::put_back`].
    pub fn with_piece<T>(&self, piece: usize, pieces: usize, give: impl FnOnce(&[(&Read, ReadId, Answer)]) -> T) -> T {
        let shards: Vec<_> = self.shards.iter().skip(piece).step_by(pieces).map(locked).collect();
        let reads = shards.iter().flat_map(|shard| shard.iter().map(|(read, (id, answer))| (read, *id, *answer)));
        give(&reads.collect::<Vec<_>>())
    }

    /// Whether more numbers were given away than are likely in use: a read that no output
    /// asks any more stays until then.
    pub fn are_mostly_unused(&self) -> bool {
        let first = self.at_first.load(Ordering::Relaxed);
        first > 0 && self.next.load(Ordering::Relaxed) / 2 > first + 1_000
    }

    /// Forgets all but these.
    pub fn retain(&mut self, used: &FxHashSet<ReadId>) {
        for shard in &mut self.shards {
            let shard = shard.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
            shard.retain(|_, (id, _)| used.contains(id));
        }
        locked(&self.assets).retain(|(id, _)| used.contains(id));
        self.at_first = AtomicU32::new(self.next.load(Ordering::Relaxed));
    }

    /// Notes what must be found without a look at all reads.
    fn index(&self, id: ReadId, read: &Read) {
        if let Some(fields) = read.fields() {
            let mut seen = locked(&self.seen);
            *seen = seen.and(fields);
        }
        if let Read::Asset(name) = read {
            locked(&self.assets).push((id, name.clone()));
        }
    }

    fn shard(&self, read: &Read) -> std::sync::MutexGuard<'_, FxHashMap<Read, (ReadId, Answer)>> {
        // The map takes the hash's high bits for its own; a shard is chosen by low ones.
        let hash = FxBuildHasher.hash_one(read);
        let at = usize::try_from(hash >> 20).unwrap_or(0) % SHARDS;
        locked(&self.shards[at])
    }

    /// The number of `read`. `answer` is called if it is met for the first time.
    pub fn record(&self, read: &Read, answer: impl FnOnce() -> Answer) -> ReadId {
        if let Some((id, _)) = self.shard(read).get(read) {
            return *id;
        }
        let answer = answer();
        let mut shard = self.shard(read);
        let entry = shard.entry(read.clone()).or_insert_with(|| {
            let id = self.next.fetch_add(1, Ordering::Relaxed);
            self.index(id, read);
            (id, answer)
        });
        entry.0
    }

    /// Notes that reads which are not in the table see these.
    pub fn note_fields(&self, fields: Fields) {
        let mut seen = locked(&self.seen);
        *seen = seen.and(fields);
    }

    /// The fields that any read sees.
    pub fn fields(&self) -> Fields {
        *locked(&self.seen)
    }

    /// Whether any read sees one of `fields`.
    pub fn see(&self, fields: Fields) -> bool {
        locked(&self.seen).meets(fields)
    }

    /// Asks those again that `may_differ`, and gives the numbers of those whose answer is
    /// another one now.
    pub fn ask_again(
        &mut self,
        may_differ: impl Fn(&Read) -> bool + Sync,
        answer: impl Fn(&Read) -> Answer + Sync,
    ) -> FxHashSet<ReadId> {
        let changed = self.shards.par_iter_mut().map(|shard| {
            let shard = shard.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
            let mut changed = Vec::new();
            for (read, (id, known)) in shard.iter_mut().filter(|(read, _)| may_differ(read)) {
                let now = answer(read);
                if now != *known {
                    *known = now;
                    changed.push(*id);
                }
            }
            changed
        });
        changed.collect::<Vec<_>>().into_iter().flatten().collect()
    }

    /// Those that ask for an asset, with its name.
    pub fn assets(&self) -> Vec<(ReadId, String)> {
        locked(&self.assets).clone()
    }

    /// What those with these numbers are called, as an author is told of them.
    pub fn names(&self, ids: &[ReadId]) -> FxHashMap<ReadId, String> {
        let wanted: FxHashSet<ReadId> = ids.iter().copied().collect();
        let mut names = FxHashMap::default();
        for shard in &self.shards {
            let shard = locked(shard);
            let named = shard.iter().filter(|(_, (id, _))| wanted.contains(id));
            names.extend(named.map(|(read, (id, _))| (*id, read.to_string())));
        }
        names
    }
}

fn locked<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What one output has read so far.
#[derive(Debug, Default)]
pub struct Trace {
    about: Option<List>,
    shared: RefCell<FxHashSet<ReadId>>,
    own: RefCell<FxHashMap<OwnRead, Answer>>,
    /// How often a read of its own was asked.
    times: Cell<usize>,
}

impl Trace {
    /// An empty one, of an output that is about this list, or the page of that source.
    pub fn about(about: Option<List>) -> Self {
        Self { about, ..Self::default() }
    }

    /// Adds a read. `answer` is called if nobody has asked it before.
    pub fn note(&self, read: &Read, reads: &Reads, answer: impl FnOnce() -> Answer) {
        match self.about.as_ref().and_then(|about| OwnRead::of(read, about)) {
            Some(own) => {
                self.times.set(self.times.get() + 1);
                self.own.borrow_mut().entry(own).or_insert_with(answer);
            }
            None => drop(self.shared.borrow_mut().insert(reads.record(read, answer))),
        }
    }

    /// Adds reads that somebody else has asked before.
    pub fn add(&self, shared: &[ReadId]) {
        self.shared.borrow_mut().extend(shared);
    }

    /// What `ask` gives, and the reads that it has asked, in order; none if there are some of
    /// its own among them.
    pub fn apart<T>(&self, ask: impl FnOnce() -> T) -> (T, Option<Vec<ReadId>>) {
        let (before, times) = (self.shared.take(), self.times.get());
        let given = ask();
        let asked = self.shared.replace(before);
        let mut reads: Vec<ReadId> = asked.into_iter().collect();
        reads.sort_unstable();
        self.add(&reads);
        (given, (self.times.get() == times).then_some(reads))
    }

    /// All of them.
    pub fn take(&self, reads: &Reads) -> Asked {
        let mut shared: Vec<ReadId> = self.shared.take().into_iter().collect();
        shared.sort_unstable();
        let mut own: Vec<(OwnRead, Answer)> = self.own.take().into_iter().collect();
        own.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let fields = own.iter().filter_map(|(read, _)| read.fields()).fold(Fields::NONE, Fields::and);
        reads.note_fields(fields);
        Asked { shared, fields, own: Own { about: self.about.clone(), reads: own } }
    }
}

/// What one output has read.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Reads of the table, in order.
    pub shared: Vec<ReadId>,
    /// What is seen of pages by the others.
    pub fields: Fields,
    /// The others.
    pub own: Own,
}

/// The reads that only one output asks, with the answers it was given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Own {
    /// The list that it is about, or the source of its page.
    about: Option<List>,
    reads: Vec<(OwnRead, Answer)>,
}

impl Own {
    /// All of them, in order.
    pub fn reads(&self) -> impl Iterator<Item = (Read, Answer)> + '_ {
        let about = self.about.as_ref();
        self.reads.iter().filter_map(move |(read, answer)| Some((read.about(about?)?, *answer)))
    }
}
