//! Fields: which parts of a page a layout can see.
//!
//! A layout that shows titles and dates does not care how many words a page has. What it
//! can name is known from its text; a page is shown to it with these fields and no others,
//! so what it does not name can change without it.

use serde::{Deserialize, Serialize};

/// The names of all fields, in the order in which layouts see them.
pub const NAMES: &[&str] = &[
    "kind",
    "title",
    "url",
    "permalink",
    "source",
    "description",
    "summary",
    "date",
    "updated",
    "draft",
    "weight",
    "slug",
    "section",
    "comments",
    "words",
    "minutes",
    "taxonomies",
    "term",
    "layout",
    "extra",
    "access",
    "is_open",
];

/// A set of fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fields(u32);

impl Fields {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// All of them.
    pub const ALL: Self = Self((1 << NAMES.len()) - 1);

    /// The field `name` alone; none when no field is called so.
    pub fn named(name: &str) -> Self {
        NAMES.iter().position(|known| *known == name).map_or(Self::NONE, |at| Self(1 << at))
    }

    /// Those of either.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether one is in both.
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names of those that are in it.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.iter().enumerate().filter(move |(at, _)| self.0 >> at & 1 == 1).map(|(_, name)| *name)
    }
}
