//! The texts of pages: kept while there is room, read again when there is not.
//!
//! A page's text is read for its head and needed once more when it is rendered. All of
//! them at once would cost as much memory as the site is large.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::sources::{Sources, read_text};
use crate::site::diagnostic::Diagnostic;

/// How many bytes are kept.
const ROOM: usize = 48 << 20;

/// The texts of a site's pages.
pub struct Texts<'s> {
    sources: &'s dyn Sources,
    kept: FxHashMap<String, Arc<str>>,
    room: usize,
}

impl<'s> Texts<'s> {
    /// None is kept yet.
    pub fn new(sources: &'s dyn Sources) -> Self {
        Self { sources, kept: FxHashMap::default(), room: ROOM }
    }

    /// Keeps the text of `file`, a path from the root, if there is room.
    pub fn keep(&mut self, file: &str, text: Arc<str>) {
        if let Some(room) = self.room.checked_sub(text.len()) {
            self.room = room;
            self.kept.insert(file.to_owned(), text);
        }
    }

    /// Whether there is a fence in one of those that are kept.
    pub fn have_code(&self) -> bool {
        self.kept.values().any(|text| text.contains("```"))
    }

    /// The text of `file`.
    pub fn of(&self, file: &str) -> Result<Arc<str>, Diagnostic> {
        match self.kept.get(file) {
            Some(text) => Ok(text.clone()),
            None => read_text(self.sources, file).map(Arc::from),
        }
    }
}
