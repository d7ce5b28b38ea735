//! The trace of one output, and the reads that nobody else asks.

use std::cell::{Cell, RefCell};

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::{Answer, List, Read, ReadId, Reads, Side};
use crate::build::model::Fields;

/// A question that an output asks about what it is about: its own page, or its own list.
/// Most reads are, and no other output shares them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum OwnRead {
    /// [`Read::File`] of its page.
    File,
    /// [`Read::Page`].
    Page(Fields),
    /// [`Read::Whole`].
    Whole(Fields),
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
            Read::Whole { source, fields } if is_own(source) => Self::Whole(*fields),
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
            Self::Page(fields)
            | Self::Whole(fields)
            | Self::Ancestors(fields)
            | Self::Neighbour(_, fields)
            | Self::Items(_, fields) => Some(*fields),
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
            Self::Whole(fields) => Read::Whole { source: source()?, fields: *fields },
            Self::Link(to) => Read::Link { from: Some(source()?), to: to.clone() },
            Self::Ancestors(fields) => Read::Ancestors { source: source()?, fields: *fields },
            Self::Neighbour(side, fields) => Read::Neighbour { source: source()?, side: *side, fields: *fields },
            Self::Items(number, fields) => Read::Items { list: about.clone(), number: *number, fields: *fields },
            Self::Length => Read::Length(about.clone()),
        })
    }
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
