//! Events: what the file system tells us, and everything else that can wake the watcher.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::time::{Duration, SystemTime};

use notify::{Config, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher as _};

/// How often files are looked at where the system cannot tell us.
const POLL: Duration = Duration::from_millis(500);

/// All that can wake the watcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// These files or folders have changed.
    Changed(Vec<PathBuf>),
    /// The system could not keep up: anything may have changed.
    Lost,
    /// The program is to end.
    Stop,
}

/// The files that are watched.
pub struct Files {
    watcher: Box<dyn notify::Watcher + Send>,
    folders: Vec<PathBuf>,
    followed: BTreeMap<PathBuf, Which>,
    /// Whether the system tells us, or we have to look.
    is_polling: bool,
}

impl Files {
    /// Watches the site in `root`. What happens is sent to `events`.
    pub fn watch(root: &Path, content: Option<&Path>, events: &Sender<Event>) -> notify::Result<Self> {
        match Self::told(root, content, events) {
            // The limit on watches is the system's to raise; meanwhile we look for ourselves.
            Err(error) if matches!(error.kind, notify::ErrorKind::MaxFilesWatch) || is_no_space(&error) => {
                Self::polled(root, content, events)
            }
            other => other,
        }
    }

    fn told(root: &Path, content: Option<&Path>, events: &Sender<Event>) -> notify::Result<Self> {
        let watcher = RecommendedWatcher::new(teller(events.clone()), Config::default())?;
        Self::begin(Box::new(watcher), false, root, content)
    }

    /// Watches by looking at every file twice a second.
    pub fn polled(root: &Path, content: Option<&Path>, events: &Sender<Event>) -> notify::Result<Self> {
        let watcher = PollWatcher::new(teller(events.clone()), Config::default().with_poll_interval(POLL))?;
        Self::begin(Box::new(watcher), true, root, content)
    }

    fn begin(
        mut watcher: Box<dyn notify::Watcher + Send>,
        is_polling: bool,
        root: &Path,
        content: Option<&Path>,
    ) -> notify::Result<Self> {
        // The root itself, but nothing below it: for littoral.yaml, and for a folder that is
        // made later.
        watcher.watch(root, RecursiveMode::NonRecursive)?;
        let mut files = Self { watcher, folders: super::watched(root, content), followed: BTreeMap::new(), is_polling };
        for folder in files.folders.clone() {
            if let Some(which) = which(&folder) {
                files.watcher.watch(&folder, RecursiveMode::Recursive)?;
                files.followed.insert(folder, which);
            }
        }
        Ok(files)
    }

    /// Whether files are looked at twice a second instead of being told of.
    pub fn is_polling(&self) -> bool {
        self.is_polling
    }

    /// Begins to watch `path`, if it is a folder of the site that was not there before, or
    /// another one than was. Says whether it was so: what is in it may be anything.
    pub fn follow(&mut self, path: &Path) -> bool {
        if !self.folders.iter().any(|folder| folder == path) {
            return false;
        }
        let Some(which) = which(path) else {
            self.followed.remove(path);
            return false;
        };
        if self.followed.insert(path.to_path_buf(), which) == Some(which) {
            return false;
        }
        // The one that was there before may still be watched, wherever it is now.
        let _ = self.watcher.unwatch(path);
        // If it cannot be watched, it is gone again.
        let _ = self.watcher.watch(path, RecursiveMode::Recursive);
        true
    }
}

/// Which folder stands at a path: another one may be put in its place.
type Which = (u64, Option<SystemTime>);

fn which(path: &Path) -> Option<Which> {
    let found = path.metadata().ok().filter(std::fs::Metadata::is_dir)?;
    #[cfg(unix)]
    let number = std::os::unix::fs::MetadataExt::ino(&found);
    #[cfg(not(unix))]
    let number = 0;
    Some((number, found.created().ok()))
}

fn teller(events: Sender<Event>) -> impl Fn(notify::Result<notify::Event>) + Send + 'static {
    move |told| {
        let event = match told {
            Ok(event) if event.need_rescan() => Event::Lost,
            // Reading a file is no change, and a build reads all of them.
            Ok(event) if matches!(event.kind, EventKind::Access(_)) => return,
            Ok(event) => Event::Changed(event.paths),
            Err(_) => Event::Lost,
        };
        // Nobody listens any more: the program ends.
        let _ = events.send(event);
    }
}

/// `ENOSPC` is what inotify says when its limit is reached.
fn is_no_space(error: &notify::Error) -> bool {
    matches!(&error.kind, notify::ErrorKind::Io(cause) if cause.kind() == std::io::ErrorKind::StorageFull)
}
