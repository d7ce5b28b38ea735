//! Which data page answers a path.

use super::request::Asked;
use crate::site::audience::Audience;
use crate::site::data_page::{DataPage, Format};
use crate::site::table::TableName;

/// The data pages of a release.
#[derive(Debug, Default)]
pub(in crate::edge) struct Routes(Vec<Named>);

/// A data page, and what it is called.
#[derive(Debug)]
pub(in crate::edge) struct Named {
    /// Its template's: `pages/cities`.
    pub(super) name: String,
    /// Its file, for the log.
    pub(super) file: String,
    pub(super) declared: DataPage,
}

impl Named {
    /// The template of the page.
    pub(super) fn template(&self) -> String {
        self.name.clone()
    }

    /// What its author wrote for a title: a template.
    pub(in crate::edge) fn title(&self) -> &str {
        &self.declared.title
    }

    /// The name of the template of its title.
    pub(in crate::edge) fn title_template(&self) -> String {
        format!("{}/title", self.name)
    }
}

impl Routes {
    /// Whether a list for everyone is of this table.
    pub(in crate::edge) fn show_to_all(&self, table: &TableName) -> bool {
        let mut for_all = self.all().iter().filter(|page| page.declared.audience == Audience::Public);
        for_all.any(|page| page.declared.list.as_ref().is_some_and(|list| list.table == *table))
    }

    /// The pages of these names. The nearest to a path comes first: one with more literal
    /// segments.
    pub(in crate::edge) fn of(pages: Vec<(String, DataPage)>) -> Self {
        let named = pages.into_iter().map(|(name, declared)| {
            let file = format!("dynamic/{name}.hbs");
            Named { name, file, declared }
        });
        let mut named: Vec<Named> = named.collect();
        named.sort_by_cached_key(|page| page.declared.route.rank());
        Self(named)
    }

    pub(in crate::edge) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn page(&self, number: usize) -> Option<&Named> {
        self.0.get(number)
    }

    pub(in crate::edge) fn all(&self) -> &[Named] {
        &self.0
    }

    /// The page that answers `path`, decoded, and what the path says. A path that ends with
    /// the name of a format asks for that, unless a page answers it as it is.
    pub(super) fn find(&self, path: &str) -> Option<(usize, Asked)> {
        let bare = path.strip_suffix('/').filter(|bare| !bare.is_empty());
        if let Some(found) = self.exactly(bare.unwrap_or(path), None, bare.is_some()) {
            let has_end = Format::ALL.iter().any(|format| path.ends_with(&format!(".{}", format.end())));
            // `/cities/pt.json` is the page of `pt`, not that of a country called `pt.json`.
            return if has_end { self.in_format(path).or(Some(found)) } else { Some(found) };
        }
        self.in_format(path)
    }

    fn in_format(&self, path: &str) -> Option<(usize, Asked)> {
        let (bare, end) = path.rsplit_once('.')?;
        let format = Format::ALL.into_iter().find(|format| format.end() == end)?;
        let (number, asked) = self.exactly(bare, Some(format), false)?;
        self.0.get(number)?.declared.formats.contains(&format).then_some((number, asked))
    }

    fn exactly(&self, path: &str, format: Option<Format>, has_slash: bool) -> Option<(usize, Asked)> {
        self.0.iter().enumerate().find_map(|(number, page)| {
            let values = page.declared.route.values(path)?;
            let values = values.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            Some((number, Asked { values, format, has_slash }))
        })
    }
}
