//! The progress bars: on a terminal, and only when a build or an import takes over a second.

use std::io::IsTerminal;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::build::Progress;
use crate::data::Step;

/// A build that is done sooner needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar that may never appear.
pub(super) struct Bar {
    began: Instant,
    total: OnceLock<u64>,
    bar: OnceLock<ProgressBar>,
}

impl Bar {
    /// A bar for the build that begins now.
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), total: OnceLock::new(), bar: OnceLock::new() }
    }

    /// Shows how far the build is.
    pub(super) fn show(&self, progress: Progress) {
        match progress {
            Progress::Planned(total) => {
                let _ = self.total.set(total as u64);
            }
            Progress::Rendered(done) if self.began.elapsed() > PATIENCE && std::io::stderr().is_terminal() => {
                let bar = self.bar.get_or_init(|| {
                    let bar = ProgressBar::with_draw_target(self.total.get().copied(), ProgressDrawTarget::stderr());
                    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len} outputs") {
                        bar.set_style(style);
                    }
                    bar
                });
                bar.set_position(done as u64);
            }
            Progress::Rendered(_) => {}
        }
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}

/// A bar for an import, which may never appear.
pub(super) struct DataBar {
    began: Instant,
    bar: OnceLock<ProgressBar>,
}

impl DataBar {
    /// A bar for the import that begins now.
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), bar: OnceLock::new() }
    }

    /// Shows how far the import is.
    pub(super) fn show(&self, step: Step) {
        let (doing, done, of) = match step {
            Step::Looking(done, of) => ("looking at it", done, of),
            Step::Taking(done, of) => ("taking its rows", done, of),
        };
        if let Some(bar) = self.bar() {
            bar.set_length(of);
            bar.set_position(done.min(of));
            bar.set_message(doing);
        }
    }

    /// Shows that the store has the rows now.
    pub(super) fn storing(&self) {
        if let Some(bar) = self.bar() {
            bar.set_message("storing them");
        }
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }

    fn bar(&self) -> Option<&ProgressBar> {
        if self.began.elapsed() < PATIENCE || !std::io::stderr().is_terminal() {
            return None;
        }
        Some(self.bar.get_or_init(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} % {msg}") {
                bar.set_style(style);
            }
            bar
        }))
    }
}
