//! Where a build begins: what is kept of the one before, and a look at the files against it.
//!
//! The two are made together and handed on together. A look only names the files that are
//! not as they were; beside anything else than the very [`Kept`] it was made against, the
//! pages it does not name would be lost from the site.

use std::collections::{BTreeMap, BTreeSet};

use super::cache::Cached;
use super::kept::Kept;
use super::look::Look;
use crate::build::sources::{Sources, Stamped};
use crate::site::diagnostic::Diagnostic;

/// Everything that there is below the door, and what stood in the way.
type Files = (Vec<Stamped>, Vec<Diagnostic>);

/// What a build begins with.
pub(super) struct Before {
    kept: Option<Kept>,
    look: Look,
}

impl Before {
    /// A clean build.
    pub(super) fn nothing(sources: &dyn Sources, files: Files) -> Self {
        Self { kept: None, look: Look::among(sources, files, &BTreeMap::new(), None) }
    }

    /// A build in a process that has built before. `only` names the files that may have
    /// changed since, if that is known.
    pub(super) fn living(sources: &dyn Sources, kept: Kept, only: Option<&BTreeSet<String>>) -> Self {
        let look = Look::at(sources, &kept.files, only);
        Self { kept: Some(kept), look }
    }

    pub(super) fn parts(self) -> (Option<Kept>, Look) {
        (self.kept, self.look)
    }
}

/// A cache of which the first section is read, and the files beside it.
pub(super) struct Opened {
    cached: Cached,
    look: Look,
}

impl Opened {
    pub(super) fn at(sources: &dyn Sources, cached: Cached, files: Files) -> Self {
        let look = Look::among(sources, files, &cached.files, None);
        Self { cached, look }
    }

    /// The cache, if nothing is different from what stands there.
    pub(super) fn same(&self, sources: &dyn Sources) -> Option<&Cached> {
        let look = &self.look;
        let is_same = look.changed.is_empty() && look.found.is_empty() && self.cached.today == sources.today();
        is_same.then_some(&self.cached)
    }

    /// What the cache leads to: nothing, if the rest of it is damaged.
    pub(super) fn load(self, sources: &dyn Sources) -> Before {
        match self.cached.load() {
            Some(kept) => Before { kept: Some(kept), look: self.look },
            None => Before::nothing(sources, sources.files()),
        }
    }
}
