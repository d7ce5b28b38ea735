//! What has changed between two builds, as far as open pages care.

use std::collections::BTreeSet;
use std::path::Path;

use crate::build::sources::{FOLDERS, is_ignored, is_page};
use crate::site::config;

/// Paths from the site's root that have changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    paths: BTreeSet<String>,
    /// Events were lost: anything may have changed.
    everything: bool,
}

impl Changes {
    /// Nothing has.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty() && !self.everything
    }

    /// Notes the file at `path`, if a build would read it.
    pub fn add(&mut self, root: &Path, content: Option<&Path>, path: &Path) {
        let below_content =
            content.and_then(|content| path.strip_prefix(content).ok()).map(|rest| Path::new("content").join(rest));
        let Some(below) = below_content.or_else(|| path.strip_prefix(root).ok().map(Path::to_path_buf)) else { return };
        let below = below.to_string_lossy().replace('\\', "/");
        let top = below.split('/').next().unwrap_or_default();
        let is_of_the_site = FOLDERS.contains(&top) || below == config::FILE;
        if is_of_the_site && !below.split('/').skip(1).any(|name| is_ignored(top, name)) {
            self.paths.insert(below);
        }
    }

    /// How many paths.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Notes that anything may have changed.
    pub fn add_everything(&mut self) {
        self.everything = true;
    }

    /// The paths.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// The paths, unless anything may have changed.
    pub fn known(&self) -> Option<&BTreeSet<String>> {
        (!self.everything).then_some(&self.paths)
    }

    /// Whether nothing but texts of pages has changed.
    pub fn is_only_text(&self) -> bool {
        !self.everything && self.paths.iter().all(|path| is_page(path))
    }

    /// Whether nothing but stylesheets has changed, so that pages need not be loaded again.
    pub fn is_only_css(&self) -> bool {
        !self.everything && !self.paths.is_empty() && self.paths.iter().all(|path| path.ends_with(".css"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(paths: &[&str]) -> Changes {
        let mut changes = Changes::default();
        paths.iter().for_each(|path| changes.add(Path::new("/site"), None, Path::new(path)));
        changes
    }

    #[test]
    fn what_no_build_reads_is_no_change() {
        assert!(
            changes(&["/site/public/index.html", "/site/notes.txt", "/elsewhere/content/a.md", "/site/content/a.md~"])
                .is_empty()
        );
    }

    #[test]
    fn a_stylesheet_alone_is_swapped_in() {
        assert!(changes(&["/site/layouts/assets/css/site.css"]).is_only_css());
        assert!(!changes(&["/site/layouts/assets/css/site.css", "/site/content/a.md"]).is_only_css());
    }
}
