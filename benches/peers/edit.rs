//! Edits: one page's text with a new word in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A change to one file that can be looked for.
pub struct Edit {
    file: PathBuf,
    text: String,
    /// Where the page is shown.
    pub url: String,
    /// The word that was not there before.
    pub marker: String,
}

impl Edit {
    /// The `number`-th edit of the site in `root`; another page each time.
    pub fn plan(root: &Path, number: usize) -> Self {
        let content = root.join("content");
        let mut files: Vec<PathBuf> = walkdir::WalkDir::new(&content)
            .into_iter()
            .flatten()
            .map(walkdir::DirEntry::into_path)
            .filter(|path| path.extension().is_some_and(|end| end == "md") && !path.ends_with("_index.md"))
            .collect();
        files.sort();
        let file = files[(number * 7_919 + 101) % files.len()].clone();
        // Sites are used again, and a word of the run before must not be taken for this one's.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        let marker = format!("marker{now:x}");
        let text = format!("{}\nThe {marker} was seen.\n", fs::read_to_string(&file).unwrap());
        let below = file.strip_prefix(&content).unwrap().with_extension("");
        Self { url: format!("/{}/", below.display()), file, text, marker }
    }

    /// Writes the file, and does nothing else: what follows is timed.
    pub fn apply(&self) {
        fs::write(&self.file, &self.text).unwrap();
    }

    /// Whether the page in `output` has the word.
    pub fn is_shown_in(&self, output: &Path) -> bool {
        let file = output.join(self.url.trim_matches('/')).join("index.html");
        fs::read_to_string(file).is_ok_and(|html| html.contains(&self.marker))
    }
}
