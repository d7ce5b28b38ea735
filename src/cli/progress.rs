//! The progress bar: on a terminal, and only when a build takes over a second.

use std::io::IsTerminal;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::build::Progress;

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
