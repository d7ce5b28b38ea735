//! Watching: a file is saved, the site is built, open pages show it.
//!
//! ```text
//! file events -> settle -> build -> the edge takes the release -> pages are told
//! ```
//!
//! [`Watcher`] is the loop; what can wake it is listed in one enum. A build with mistakes
//! leaves the last good release where it is and tells pages of the mistakes instead.
//!
//! Releases of the watcher have drafts in them, so they stand on a shelf of their own and
//! are never checked out into `public/`.

mod change;
mod events;
mod told;

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

pub use change::Changes;
pub use events::{Event, Files};
pub use told::channel;

use crate::build::asset::Naming;
use crate::build::model::Drafts;
use crate::build::sources::Folder;
use crate::build::{BuildError, Progress, Report, Request, build};
use crate::edge::LiveChannel;
use crate::site::release::{BuildId, Shelf};

/// How long after the last event we wait for more: editors save by write, rename, remove.
const SETTLE: Duration = Duration::from_millis(25);
/// How long events may keep coming before we build all the same: a large `git checkout`.
const PATIENCE: Duration = Duration::from_millis(500);

/// What is watched, and who is told.
pub struct Watcher {
    /// The folder of the site.
    pub root: PathBuf,
    /// Where its pages are, when they are not in `content/`.
    pub content: Option<PathBuf>,
    /// The way to open pages.
    pub pages: LiveChannel,
}

/// What the watcher says of one build, for a terminal.
pub struct Round<'a> {
    /// What the build did.
    pub report: &'a Report,
    /// How long it took.
    pub took: Duration,
    /// The files that had changed; empty for the first build.
    pub changed: &'a Changes,
}

impl Watcher {
    /// The shelf with this watcher's releases.
    pub fn shelf(&self) -> Shelf {
        Shelf::for_watch(&self.root)
    }

    /// Builds once. Pages are told what came of it.
    pub fn build(
        &self,
        changed: &Changes,
        progress: &(dyn Fn(Progress) + Sync),
        say: &dyn Fn(Round<'_>),
    ) -> Result<Report, BuildError> {
        let began = Instant::now();
        let sources = Folder::new(&self.root, self.content.as_deref(), today());
        let request = Request {
            shelf: self.shelf(),
            sources: &sources,
            drafts: Drafts::Shown,
            naming: Naming::Plain,
            progress,
            ready: &|_| {},
        };
        let report = build(&request)?;
        say(Round { report: &report, took: began.elapsed(), changed });
        Ok(report)
    }

    /// Builds whenever `events` say that something changed, until they end. `take` makes
    /// the edge answer from the new release; pages are told only then.
    pub fn run(
        &self,
        files: &mut Files,
        events: &Receiver<Event>,
        take: &dyn Fn(BuildId),
        say: &dyn Fn(Round<'_>),
        failed: &dyn Fn(BuildError),
    ) {
        while let Some(changed) = self.next_change(files, events) {
            let built = std::panic::catch_unwind(AssertUnwindSafe(|| self.build(&changed, &|_| {}, say)));
            match built {
                Ok(Ok(report)) => self.tell(&report, &changed, take),
                Ok(Err(error)) => failed(error),
                // The panic has printed itself; the next save is built all the same.
                Err(_) => {}
            }
        }
    }

    /// Makes the edge take the release, then tells pages.
    pub fn tell(&self, report: &Report, changed: &Changes, take: &dyn Fn(BuildId)) {
        if let Some(published) = report.published {
            take(published.id);
            if published.changed || !changed.is_empty() {
                self.pages.send(told::built(published, changed));
            }
        } else {
            self.pages.send(told::failed(&report.diagnostics));
        }
    }

    /// Waits until something that matters has changed and the file system has calmed down.
    fn next_change(&self, files: &mut Files, events: &Receiver<Event>) -> Option<Changes> {
        let mut changed = Changes::default();
        let mut first = None::<Instant>;
        loop {
            let event = match first {
                None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(since) if since.elapsed() > PATIENCE => return Some(changed),
                Some(_) => events.recv_timeout(SETTLE),
            };
            match event {
                Ok(Event::Changed(paths)) => {
                    for path in paths {
                        files.follow(&path);
                        changed.add(&self.root, self.content.as_deref(), &path);
                    }
                    if !changed.is_empty() {
                        first.get_or_insert_with(Instant::now);
                    }
                }
                Ok(Event::Lost) => {
                    changed.add_everything();
                    first.get_or_insert_with(Instant::now);
                }
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => return Some(changed),
            }
        }
    }
}

/// The date in UTC, so that a build is the same wherever it runs.
pub fn today() -> jiff::civil::Date {
    jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date()
}

/// The folders and files of a site that matter to a build.
fn watched(root: &Path, content: Option<&Path>) -> Vec<PathBuf> {
    let folders = crate::build::sources::FOLDERS.iter().map(|folder| match (*folder, content) {
        ("content", Some(elsewhere)) => elsewhere.to_path_buf(),
        (folder, _) => root.join(folder),
    });
    folders.collect()
}
