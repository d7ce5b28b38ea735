//! What is new since the build before, as far as it can be said without asking again.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use crate::build::model::{Fields, Head};
use crate::build::sources::is_page;
use crate::build::trace::Read;
use crate::site::config;

/// What may be different now. Everything else is known to be the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    /// Files that were changed, added or removed, by path from the root.
    pub(super) files: FxHashSet<String>,
    /// Whether one was added or removed.
    pub(super) has_other_files: bool,
    /// Whether one of them is no page.
    pub(super) has_non_pages: bool,
    /// Whether pages may stand in other places: one was added or removed, or its front
    /// matter is another one.
    pub(super) has_other_structure: bool,
    /// Fields of pages that are different without that.
    pub(super) fields: Fields,
    /// Whether links may lead elsewhere.
    pub(super) has_other_names: bool,
    /// Pages whose heads are different.
    pub(super) heads: BTreeSet<String>,
    /// Sections whose pages from data may be others, beside those whose files are.
    pub(super) rows: BTreeSet<String>,
}

impl Changes {
    /// Those that a look at the files has found.
    pub(super) fn of(files: FxHashSet<String>, has_other_files: bool) -> Self {
        let has_non_pages = !files.iter().all(|file| is_page(file));
        Self { files, has_other_files, has_non_pages, ..Self::default() }
    }

    /// Notes that a page's head was one thing and is another now.
    pub(super) fn note_head(&mut self, source: &str, before: Option<&Head>, now: &Head) {
        let Some(before) = before else {
            self.has_other_structure = true;
            return;
        };
        if before == now {
            return;
        }
        self.heads.insert(source.to_owned());
        if before.front != now.front || before.found != now.found {
            self.has_other_structure = true;
        }
        if before.words != now.words {
            self.fields = self.fields.and(Fields::named("words"));
        }
        if before.minutes() != now.minutes() {
            self.fields = self.fields.and(Fields::named("minutes"));
        }
        if before.summary != now.summary || before.is_said != now.is_said {
            self.fields = self.fields.and(Fields::named("summary"));
        }
    }

    /// Whether a file below `folder/` is among the changed ones.
    pub(super) fn touch(&self, folder: &str) -> bool {
        self.files.iter().any(|file| file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
    }

    /// Whether the configuration is.
    pub(super) fn touch_config(&self) -> bool {
        self.files.contains(config::FILE)
    }

    /// Whether only texts below the heads of known pages are different, so that the model,
    /// the plan and the templates stand as they are.
    pub(super) fn are_only_texts(&self) -> bool {
        !self.has_non_pages && !self.has_other_files && !self.has_other_structure
    }

    /// Whether reads of an output, that see these fields of pages, may have other answers
    /// although the file of its own page is the same.
    pub(super) fn may_touch(&self, fields: Fields) -> bool {
        !self.are_only_texts() || fields.meets(self.fields)
    }

    /// Says of a read whether its answer may be another one.
    pub(super) fn judge(&self) -> impl Fn(&Read) -> bool + '_ {
        let (config, layouts, dynamic) = (self.touch_config(), self.touch("layouts"), self.touch("dynamic"));
        move |read| match read {
            Read::File(path) => self.files.contains(path),
            Read::Template(_) | Read::IsTemplate(_) | Read::Asset(_) => layouts,
            Read::Setting(_) => config,
            Read::Fragment(_) => dynamic,
            Read::Form(_) => dynamic || config,
            Read::Data(name) => self.files.contains(&format!("data/{name}")),
            Read::Link { .. } => self.has_other_names,
            other => self.has_other_structure || config || other.fields().is_some_and(|seen| seen.meets(self.fields)),
        }
    }
}
