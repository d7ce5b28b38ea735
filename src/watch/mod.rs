//! Watching: a file is saved, the site is built, open pages show it.
//!
//! ```text
//! file events -> settle -> render -> the edge answers from what was made -> pages are told
//!                             -> index, feeds, manifest -> the edge takes the release
//! ```
//!
//! [`Watcher`] is the loop; what can wake it is listed in one enum. The model of the site
//! stays in memory between builds, so that a change costs what it touches. A build with
//! mistakes leaves the last good release where it is and tells pages of the mistakes.
//!
//! Releases of the watcher have drafts in them, so they stand on a shelf of their own and
//! are never checked out into `public/`.

mod change;
mod events;
mod told;

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

pub use change::Changes;
pub use events::{Event, Files};
pub use told::channel;

use crate::build::asset::Naming;
use crate::build::model::Drafts;
use crate::build::sources::Folder;
use crate::build::{BuildError, Engine, Progress, Report, Request};
use crate::edge::LiveChannel;
use crate::site::release::{BuildId, Entry, Shelf};

/// How long after the last event we wait for more: editors save by write, rename, remove,
/// all within a moment.
const SETTLE: Duration = Duration::from_millis(8);
/// The same when several files have changed: somebody moves a folder, or `git` a branch.
const SETTLE_MANY: Duration = Duration::from_millis(50);
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
    /// What is known of the site between builds.
    pub engine: Mutex<Engine>,
}

/// What a build of the watcher needs of the edge.
pub struct Hands<'a> {
    /// Lets it answer from outputs whose release does not stand yet.
    pub answer_from: &'a (dyn Fn(&[Entry]) + Sync),
    /// Lets it take the release of this name.
    pub take: &'a dyn Fn(BuildId),
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

    /// Builds once, and says whether pages were told of what was made.
    pub fn build(
        &self,
        changed: &Changes,
        progress: &(dyn Fn(Progress) + Sync),
        answer_from: &(dyn Fn(&[Entry]) + Sync),
        say: &dyn Fn(Round<'_>),
    ) -> Result<(Report, bool), BuildError> {
        let began = Instant::now();
        let sources = Folder::new(&self.root, self.content.as_deref(), today());
        let told = AtomicBool::new(false);
        let ready = |entries: &[Entry]| {
            answer_from(entries);
            if changed.is_only_text() && !entries.is_empty() && !changed.is_empty() {
                told.store(true, Ordering::Relaxed);
                self.pages.send(told::ready(entries));
            }
        };
        let (drafts, naming) = (Drafts::Shown, Naming::Plain);
        let request = Request { shelf: self.shelf(), sources: &sources, drafts, naming, progress, ready: &ready };
        let mut engine = self.engine.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let report = engine.build(&request, changed.known().filter(|known| !known.is_empty()))?;
        say(Round { report: &report, took: began.elapsed(), changed });
        Ok((report, told.into_inner()))
    }

    /// Keeps what is known for the next process.
    pub fn save(&self) {
        self.engine.lock().unwrap_or_else(std::sync::PoisonError::into_inner).save(&self.shelf());
    }

    /// Builds whenever `events` say that something changed, until they end.
    pub fn run(
        &self,
        files: &mut Files,
        events: &Receiver<Event>,
        hands: &Hands<'_>,
        say: &dyn Fn(Round<'_>),
        failed: &dyn Fn(BuildError),
    ) {
        while let Some(changed) = self.next_change(files, events) {
            let build = || self.build(&changed, &|_| {}, hands.answer_from, say);
            match std::panic::catch_unwind(AssertUnwindSafe(build)) {
                Ok(Ok((report, is_told))) => self.tell(&report, &changed, is_told, hands.take),
                Ok(Err(error)) => failed(error),
                // The panic has printed itself; the next save is built all the same.
                Err(_) => {}
            }
        }
        self.save();
    }

    /// Makes the edge take the release, then tells pages, unless they were told.
    pub fn tell(&self, report: &Report, changed: &Changes, is_told: bool, take: &dyn Fn(BuildId)) {
        if let Some(published) = report.published {
            take(published.id);
            if !is_told && (published.changed || !changed.is_empty()) {
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
                Some(_) => events.recv_timeout(if changed.len() > 1 { SETTLE_MANY } else { SETTLE }),
            };
            match event {
                Ok(Event::Changed(paths)) => {
                    for path in paths {
                        if files.follow(&path) {
                            changed.add_everything();
                        }
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
