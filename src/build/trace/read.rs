//! Reads: the questions, and how an author is told of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::build::model::{Fields, Order, SortBy};

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
    /// A form, by its name: how it is declared, and by what it is rendered.
    Form(String),
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
    /// One page that is not for everybody, as those see it for whom it is.
    Whole {
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
    /// Whether there is a fragment of this name, and what it may be given.
    Fragment(String),
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
            | Self::Whole { fields, .. }
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
            Self::Form(name) => write!(f, "the form dynamic/forms/{name}.yaml"),
            Self::Asset(name) => write!(f, "the URL of layouts/assets/{name}"),
            Self::Link { to, .. } => write!(f, "where the link `{to}` leads"),
            Self::Page { source, fields } => write!(f, "the head of content/{source} ({})", seen(*fields)),
            Self::Whole { source, fields } => write!(f, "all of the head of content/{source} ({})", seen(*fields)),
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
            Self::Fragment(name) => write!(f, "what the fragment `{name}` may be given"),
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
