//! The tools, and one run of a process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// How often a process is asked for its memory.
const ASK_EVERY: Duration = Duration::from_millis(4);

/// One run.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Seconds on the clock.
    pub wall: f64,
    /// The most memory that it had, in MiB, where the system says so.
    pub peak: Option<f64>,
}

/// One site generator, and its site.
pub struct Tool {
    name: &'static str,
    program: PathBuf,
    root: PathBuf,
}

impl Tool {
    /// The generator `name`, run as `program`, and the site in `root`.
    pub fn new(name: &'static str, program: &Path, root: &Path) -> Self {
        let program = fs::canonicalize(program).unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        Self { name, program, root: fs::canonicalize(root).unwrap() }
    }

    /// What it is called.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Where its site is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where it writes.
    pub fn output(&self) -> PathBuf {
        self.root.join("public")
    }

    /// The command that builds.
    fn build_arguments(&self) -> &'static [&'static str] {
        match self.name {
            "hugo" => &["--quiet"],
            _ => &["build"],
        }
    }

    /// The command that watches and serves.
    pub fn watch(&self, port: u16) -> Command {
        let (port, address) = (port.to_string(), format!("127.0.0.1:{port}"));
        let mut command = self.command();
        match self.name {
            "hugo" => command.args(["server", "--bind", "127.0.0.1", "--port", &port]),
            "zola" => command.args(["serve", "--fast", "--interface", "127.0.0.1", "--port", &port]),
            _ => command.args(["watch", "--listen", &address]),
        };
        command
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.root).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.env("HUGO_CACHEDIR", self.root.join(".hugo_cache"));
        command
    }

    /// Takes away all that it has built and kept.
    pub fn clean(&self, trash: &Trash) {
        for name in ["public", ".littoral", "resources", ".hugo_cache", ".hugo_build.lock"] {
            trash.take(&self.root.join(name));
        }
    }

    /// One build in a process of its own.
    pub fn build(&self) -> Run {
        let mut command = self.command();
        command.args(self.build_arguments());
        measure(&mut command)
    }

    /// How many HTML pages stand in its output, without the redirects of Zola's lists.
    pub fn html_pages(&self) -> usize {
        let files = walkdir::WalkDir::new(self.output()).into_iter().flatten();
        let pages = files.filter(|file| file.path().extension().is_some_and(|end| end == "html"));
        let is_redirect = |path: &Path| {
            let is_small = fs::metadata(path).is_ok_and(|found| found.len() < 2_048);
            is_small && fs::read_to_string(path).is_ok_and(|html| html.contains("http-equiv=\"refresh\""))
        };
        pages.filter(|file| !is_redirect(file.path())).count()
    }
}

/// `cp -r` of what `tool` has built.
pub fn copy(tool: &Tool, trash: &Trash) -> Run {
    if !tool.output().exists() {
        tool.build();
    }
    let target = tool.root().with_file_name("copy");
    let run = measure(Command::new("cp").arg("-r").arg(tool.output()).arg(&target));
    trash.take(&target);
    run
}

/// Where outputs wait until the run is over. They are not deleted between two builds: a file
/// system that has just freed ten thousand files looks long for a place that it may use, and
/// the next tool would pay for it.
pub struct Trash {
    folder: PathBuf,
    taken: AtomicUsize,
}

impl Trash {
    /// One beside the sites in `folder`. What an earlier run has left there stays.
    pub fn beside(folder: &Path) -> Self {
        let folder = folder.join("trash");
        Self { folder, taken: AtomicUsize::new(0) }
    }

    /// Takes what is at `path`, if anything is.
    pub fn take(&self, path: &Path) {
        fs::create_dir_all(&self.folder).unwrap();
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        let place = self.folder.join(format!("{}-{number}", std::process::id()));
        if path.exists() {
            fs::rename(path, place).unwrap();
        }
    }

    /// Deletes all.
    pub fn empty(&self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Runs `command` to its end, when what others wrote is on the disk.
pub fn measure(command: &mut Command) -> Run {
    let _ = Command::new("sync").status();
    let began = Instant::now();
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (id, is_over) = (child.id(), AtomicBool::new(false));
    thread::scope(|scope| {
        let peak = scope.spawn(|| {
            let mut peak = None;
            while !is_over.load(Ordering::Relaxed) {
                peak = peak_of(id).or(peak);
                thread::sleep(ASK_EVERY);
            }
            peak
        });
        let status = child.wait().unwrap();
        let wall = began.elapsed().as_secs_f64();
        is_over.store(true, Ordering::Relaxed);
        assert!(status.success(), "{command:?} ended with {status}");
        Run { wall, peak: peak.join().unwrap() }
    })
}

/// The most memory that a process had so far, in MiB: the system keeps that figure itself, so
/// that only what grows in the last few milliseconds is missed.
pub fn peak_of(id: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}

/// The program `name` of the `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}
