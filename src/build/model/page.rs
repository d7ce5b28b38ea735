//! A page: one Markdown file, at one URL.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::fields::Fields;
use crate::build::front_matter::FrontMatter;
use crate::build::rows::RowOf;
use crate::site::audience::Audience;
use crate::site::config::Config;
use crate::site::diagnostic::Place;
use crate::site::permalink::{Permalink, readable, slugify, without_order};

/// A page's place in [`super::Site::pages`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PageId(u32);

impl PageId {
    /// The `index`-th page.
    pub fn new(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// Its place in the list of pages.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Page,
    /// A folder with `_index.md`: a list of pages.
    Section,
    /// The root section.
    Home,
}

impl Kind {
    /// As layouts see it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Section => "section",
            Self::Home => "home",
        }
    }
}

/// What a page is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A Markdown file.
    File,
    /// A row of a data file.
    Row(RowOf),
    /// Nothing: a home page that nobody has written.
    Nothing,
}

/// One Markdown file, or one row of a data file.
#[derive(Debug)]
pub struct Page {
    /// What it is for.
    pub kind: Kind,
    /// Path below `content/`; also for a page that has no file there.
    pub source: String,
    /// Its path in the site.
    pub permalink: Permalink,
    /// What its head says.
    pub front: Arc<FrontMatter>,
    /// What it is made of.
    pub origin: Origin,
    /// The section it belongs to; none for the home page.
    pub parent: Option<PageId>,
    /// Words in the body.
    pub words: usize,
    /// Some sentences of it without markup, for lists. Of a page that is not for everybody, only
    /// what its author has said for a summary: never the beginning of its text.
    pub summary: String,
    /// Whether the author has said it.
    pub is_said: bool,
    /// For whom its text is.
    pub access: Audience,
    /// What it is sorted by when pages are sorted by title: the one that is shown, in lower
    /// case. Made once, because sorting asks for it many times.
    pub sort_title: String,
}

/// How many words a minute of reading is.
const WORDS_A_MINUTE: usize = 220;

/// How many minutes it takes to read so many words.
pub(super) fn minutes_of(words: usize) -> usize {
    words.div_ceil(WORDS_A_MINUTE)
}

impl Page {
    /// Path of its source from the site's root.
    pub fn file(&self) -> String {
        format!("content/{}", self.source)
    }

    /// Where its author has written it.
    pub fn place(&self) -> Place {
        match &self.origin {
            Origin::Row(row) => {
                Place { file: row.data.clone(), line: row.line, column: 1, width: 1, text: self.source.clone() }
            }
            Origin::File | Origin::Nothing => Place::file(self.file()),
        }
    }

    /// The same in words.
    pub fn written(&self) -> String {
        match &self.origin {
            Origin::Row(row) => format!("line {} of `{}`", row.line, row.data),
            Origin::File | Origin::Nothing => format!("`{}`", self.file()),
        }
    }

    /// The title, or the file's name made readable; the site's own for a home page.
    pub fn title(&self, config: &Config) -> String {
        if let Some(title) = &self.front.title {
            return title.clone();
        }
        if self.kind == Kind::Home {
            return config.title.clone();
        }
        let name = self.permalink.as_str().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        readable(name.strip_suffix(".html").unwrap_or(name))
    }

    /// The folder of the source, `` for the root: `docs/10-start`.
    pub fn folder(&self) -> &str {
        self.source.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Whether files beside it are its own: `index.md`, and `_index.md` of a section.
    pub fn owns_its_folder(&self) -> bool {
        matches!(self.source.rsplit('/').next(), Some("index.md" | "_index.md"))
    }

    /// Whether its text is not for everybody.
    pub fn is_restricted(&self) -> bool {
        !self.access.is_public()
    }

    /// Takes from the summary what only those may read for whom the page is.
    pub(super) fn without_its_text(&mut self) {
        if self.is_restricted() && !self.is_said {
            self.summary.clear();
        }
    }

    /// The value of `page` for a layout that sees `fields`, as everybody may see it. Each of
    /// them is always there.
    pub fn describe(&self, config: &Config, fields: Fields) -> Value {
        self.described(config, fields, !self.is_restricted())
    }

    /// The same for a page that is shown whole.
    pub fn describe_whole(&self, config: &Config, fields: Fields) -> Value {
        self.described(config, fields, true)
    }

    fn described(&self, config: &Config, fields: Fields, is_whole: bool) -> Value {
        let front = &self.front;
        let mut shown = Map::new();
        for name in fields.names() {
            let value = match name {
                "kind" => self.kind.name().into(),
                "title" => self.title(config).into(),
                "url" => self.permalink.encoded().into(),
                "permalink" => format!("{}{}", config.base_url.trim_end_matches('/'), self.permalink.encoded()).into(),
                "source" => self.source.as_str().into(),
                "description" => json!(front.description),
                "summary" => self.summary.as_str().into(),
                "date" => json!(front.date.as_ref().map(|when| &when.text)),
                "updated" => json!(front.updated.as_ref().map(|when| &when.text)),
                "draft" => front.draft.into(),
                "weight" => json!(front.weight),
                "slug" => self.permalink.as_str().trim_end_matches('/').rsplit('/').next().unwrap_or_default().into(),
                "section" => self.source.split_once('/').map_or("", |(top, _)| without_order(top)).into(),
                "comments" => self.has_comments(config).into(),
                "words" => self.words_of(is_whole).into(),
                "minutes" => minutes_of(self.words_of(is_whole)).into(),
                "taxonomies" => self.taxonomies(config),
                "layout" => json!(front.layout),
                // The cells of a row are its text.
                "extra" if !is_whole && matches!(self.origin, Origin::Row(_)) => json!({}),
                "extra" => Value::Object(front.extra.clone()),
                "access" => self.described_access(),
                // An output knows whether it is that.
                "is_open" => false.into(),
                // `term` is of a term's page alone.
                _ => Value::Null,
            };
            shown.insert(name.to_owned(), value);
        }
        Value::Object(shown)
    }

    /// Whether readers can comment on it: by its own head, or else by its section.
    fn has_comments(&self, config: &Config) -> bool {
        let of_section = || {
            let section = self.source.split_once('/').map_or("", |(top, _)| without_order(top));
            config.edge.comments.sections.iter().any(|name| name == section)
        };
        self.front.extra.get("comments").and_then(Value::as_bool).unwrap_or_else(of_section)
    }

    /// Words in as much of it as is shown.
    fn words_of(&self, is_whole: bool) -> usize {
        if is_whole { self.words } else { self.summary.split_ascii_whitespace().count() }
    }

    /// For whom it is, as layouts ask it; none for everybody.
    fn described_access(&self) -> Value {
        let (mut tier, mut role) = (None, None);
        match &self.access {
            Audience::Public => return Value::Null,
            Audience::Tier(name) => tier = Some(name.as_str()),
            Audience::Role(name) => role = Some(name.word()),
            Audience::Members | Audience::Metered => {}
        }
        json!({
            "name": self.access.to_string(),
            "members": self.access == Audience::Members,
            "metered": self.access == Audience::Metered,
            "tier": tier,
            "role": role,
        })
    }

    fn taxonomies(&self, config: &Config) -> Value {
        let mut taxonomies = Map::new();
        for taxonomy in &config.taxonomies {
            let terms = self.front.terms.iter().find(|(name, _)| name == taxonomy).map_or(&[][..], |(_, terms)| terms);
            // A term of signs alone has no address, and so no page.
            let named = terms.iter().map(|term| (term, slugify(term))).filter(|(_, slug)| !slug.is_empty());
            let shown = named.map(|(term, slug)| {
                json!({ "name": term, "url": Permalink::from_segments([taxonomy.as_str(), slug.as_str()]).encoded(), "slug": slug })
            });
            taxonomies.insert(taxonomy.clone(), shown.collect());
        }
        Value::Object(taxonomies)
    }
}
