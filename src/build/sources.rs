//! The door: everything that a build reads comes in through [`Sources`].
//!
//! Files of content, layouts, data and configuration, and the date. A folder in the
//! program, a map in tests. What goes round this door cannot be recorded, and a page that
//! depends on it would be stale.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::civil::Date;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::site::diagnostic::{Code, Diagnostic, Place};

/// The folders of a site that a build reads, in the order they are walked.
pub const FOLDERS: &[&str] = &["content", "layouts", "static", "data", "dynamic"];

/// What a build may know of the world.
pub trait Sources: Sync {
    /// Paths of all input files, from the site's root with `/`, with their stamps; and what
    /// stood in the way of finding them. In no order.
    fn files(&self) -> (Vec<Stamped>, Vec<Diagnostic>);
    /// The bytes of a file.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;
    /// Where the file lies, when it lies in a file system: large ones are copied from there.
    fn location(&self, path: &str) -> Option<PathBuf>;
    /// What tells a version of the file from another without reading it, where there is
    /// such a thing.
    fn stamp(&self, path: &str) -> Option<Stamp>;
    /// Whether nothing can have happened to the file since without a new stamp.
    fn is_settled(&self, stamp: &Stamp) -> bool;
    /// The date: a page from the future is not shown.
    fn today(&self) -> Date;
}

/// A path from the root, and what [`Sources::stamp`] says of it.
pub type Stamped = (String, Option<Stamp>);

/// What a file system says of a file: while it is the same, so are the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    length: u64,
    /// When the bytes were last written, in nanoseconds since 1970.
    written: i64,
    /// When anything about the file changed: a tool that sets `written` back cannot set this.
    changed: i64,
    /// Which file it is: another one may have been put in its place.
    number: u64,
}

/// How old a file must be for its stamp to be trusted: clocks of file systems are coarse, and
/// two writes may bear one time.
const SETTLED: i64 = 50_000_000;

impl Stamp {
    /// Whether it is old enough at `now` to be trusted. A time to come never is.
    fn is_older_than(&self, now: SystemTime) -> bool {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        self.written.max(self.changed) < now.saturating_sub(SETTLED)
    }

    #[cfg(unix)]
    fn of(file: &fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let nanos = |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
        Self {
            length: file.len(),
            written: nanos(file.mtime(), file.mtime_nsec()),
            changed: nanos(file.ctime(), file.ctime_nsec()),
            number: file.ino(),
        }
    }

    #[cfg(not(unix))]
    fn of(file: &fs::Metadata) -> Self {
        let since = file.modified().ok().and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        let written = since.map_or(i64::MAX, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX));
        Self { length: file.len(), written, changed: written, number: 0 }
    }
}

/// What was seen in one folder.
#[derive(Default)]
struct Part {
    files: Vec<Stamped>,
    found: Vec<Diagnostic>,
    /// The folders in it: where, and what they are called from the root.
    folders: Vec<(PathBuf, String)>,
}

/// A site in a folder.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
    /// Where `content/` is, when it is not in the root.
    content: PathBuf,
    /// Whether the author has named that place, and so may mean one behind a link.
    content_is_named: bool,
    today: Date,
}

impl Folder {
    /// The site in `root`, its pages in `content` or in `root/content`.
    pub fn new(root: &Path, content: Option<&Path>, today: Date) -> Self {
        let content_is_named = content.is_some();
        let content = content.map_or_else(|| root.join("content"), Path::to_path_buf);
        Self { root: root.to_path_buf(), content, content_is_named, today }
    }

    fn path_of(&self, path: &str) -> PathBuf {
        match path.strip_prefix("content/") {
            Some(rest) => self.content.join(rest),
            None => self.root.join(path),
        }
    }

    fn walk(&self, folder: &str, files: &mut Vec<Stamped>, found: &mut Vec<Diagnostic>) {
        let base = if folder == "content" { self.content.clone() } else { self.root.join(folder) };
        // Before anything behind it is looked at: what a link leads to is not this site's.
        if base.is_symlink() && !(folder == "content" && self.content_is_named) {
            let (place, message) = (Place::file(folder), "a symbolic link to a folder is not followed");
            let diagnostic = Diagnostic::error(Code::LinkOutOfTree, place, message);
            found.push(match folder {
                "content" => diagnostic.hint("name the folder that it leads to: `--content DIR`"),
                _ => diagnostic.hint("copy the folder into the site, or remove the link"),
            });
            return;
        }
        if !base.exists() {
            return;
        }
        // Level by level, the folders of each on all cores.
        let mut level = vec![(base, folder.to_owned())];
        while !level.is_empty() {
            let parts = level.par_iter().map(|(path, name)| self.look_into(folder, path, name));
            let parts: Vec<Part> = parts.collect();
            level.clear();
            for mut part in parts {
                files.append(&mut part.files);
                found.append(&mut part.found);
                level.append(&mut part.folders);
            }
        }
    }

    /// What lies in one folder below `top`: at `path`, called `name` from the root.
    fn look_into(&self, top: &str, path: &Path, name: &str) -> Part {
        let mut part = Part::default();
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => {
                part.found.push(unreadable(name, &error));
                return part;
            }
        };
        for entry in entries {
            match entry {
                Ok(entry) => self.take(top, &entry, name, &mut part),
                Err(error) => part.found.push(unreadable(name, &error)),
            }
        }
        part
    }

    fn take(&self, top: &str, entry: &fs::DirEntry, above: &str, part: &mut Part) {
        let file_name = entry.file_name();
        let shown = file_name.to_string_lossy();
        if is_ignored(top, &shown) {
            return;
        }
        let path = format!("{above}/{shown}");
        let refuse =
            |code, message: String, hint: &str| Diagnostic::error(code, Place::file(&path), message).hint(hint);
        match entry.file_type() {
            _ if file_name.to_str().is_none() => {
                let message = "the name of the file is not UTF-8".to_owned();
                part.found.push(refuse(Code::NotUtf8, message, "rename the file"));
            }
            Ok(kind) if kind.is_symlink() => match self.linked(&entry.path()) {
                Ok(true) => {
                    let stamp = self.stamp(&path);
                    part.files.push((path, stamp));
                }
                Ok(false) => {}
                Err(message) => {
                    let hint = "copy the file into the site, or remove the link";
                    part.found.push(refuse(Code::LinkOutOfTree, message, hint));
                }
            },
            Ok(kind) if kind.is_dir() => part.folders.push((entry.path(), path)),
            Ok(kind) if kind.is_file() => {
                let stamp = entry.metadata().ok().map(|file| Stamp::of(&file));
                part.files.push((path, stamp));
            }
            Ok(_) => {}
            Err(error) => part.found.push(unreadable(&path, &error)),
        }
    }

    /// Whether the symbolic link at `path` is a file of this site.
    fn linked(&self, path: &Path) -> Result<bool, String> {
        let target = fs::canonicalize(path).map_err(|cause| format!("a symbolic link that leads nowhere: {cause}"))?;
        let inside = [&self.root, &self.content]
            .into_iter()
            .any(|folder| fs::canonicalize(folder).is_ok_and(|folder| target.starts_with(folder)));
        match (inside, target.is_file()) {
            (true, is_file) => {
                if is_file {
                    Ok(true)
                } else {
                    Err("a symbolic link to a folder is not followed".to_owned())
                }
            }
            (false, _) => Err("a symbolic link leads out of the site's folder".to_owned()),
        }
    }
}

impl Sources for Folder {
    fn files(&self) -> (Vec<Stamped>, Vec<Diagnostic>) {
        let (mut files, mut found) = (Vec::new(), Vec::new());
        for folder in FOLDERS {
            self.walk(folder, &mut files, &mut found);
        }
        for file in [crate::site::config::FILE] {
            if self.root.join(file).exists() {
                files.push((file.to_owned(), self.stamp(file)));
            }
        }
        (files, found)
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path_of(path))
    }

    fn location(&self, path: &str) -> Option<PathBuf> {
        Some(self.path_of(path))
    }

    fn stamp(&self, path: &str) -> Option<Stamp> {
        let file = fs::metadata(self.path_of(path)).ok()?;
        file.is_file().then(|| Stamp::of(&file))
    }

    #[allow(clippy::disallowed_methods, reason = "how old a file is decides whether it is read, never what is built")]
    fn is_settled(&self, stamp: &Stamp) -> bool {
        stamp.is_older_than(SystemTime::now())
    }

    fn today(&self) -> Date {
        self.today
    }
}

/// A site in memory, for tests.
#[derive(Clone, Debug)]
pub struct Memory {
    /// Path from the root → bytes.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The date.
    pub today: Date,
}

impl Sources for Memory {
    fn files(&self) -> (Vec<Stamped>, Vec<Diagnostic>) {
        (self.files.keys().map(|file| (file.clone(), None)).collect(), Vec::new())
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn location(&self, _: &str) -> Option<PathBuf> {
        None
    }

    fn stamp(&self, _: &str) -> Option<Stamp> {
        None
    }

    fn is_settled(&self, _: &Stamp) -> bool {
        false
    }

    fn today(&self) -> Date {
        self.today
    }
}

/// The text of a file, or what is wrong with it.
pub fn read_text(sources: &dyn Sources, path: &str) -> Result<String, Diagnostic> {
    let bytes = sources.read(path).map_err(|cause| unreadable(path, &cause))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes());
        let bad = error.as_bytes().get(at).copied().unwrap_or_default();
        // Everything before the bad byte is sound, so its offset is the same in the lossy text.
        let place = Place::of(path, &text, at..at + '\u{FFFD}'.len_utf8());
        Diagnostic::error(Code::NotUtf8, place, format!("expected UTF-8, found the byte 0x{bad:02X}"))
            .hint("save the file as UTF-8")
    })
}

/// A file that could not be read.
pub fn unreadable(path: &str, cause: &dyn std::fmt::Display) -> Diagnostic {
    Diagnostic::error(Code::Unreadable, Place::file(path), format!("cannot be read: {cause}"))
        .hint("check that the file is there and that you may read it")
}

/// Whether the file at `path`, from the root, becomes a page.
pub fn is_page(path: &str) -> bool {
    path.starts_with("content/") && path.ends_with(".md")
}

/// What editors and systems leave behind is no content. Everything in `static/` is the
/// author's own, `.well-known/` too.
pub fn is_ignored(folder: &str, name: &str) -> bool {
    matches!(name, ".DS_Store" | "Thumbs.db" | ".git" | ".gitignore" | ".gitkeep")
        || name.ends_with('~')
        || (name.starts_with('#') && name.ends_with('#'))
        || (name.ends_with(".swp") && name.starts_with('.'))
        || (folder != "static" && name.starts_with('.'))
}
