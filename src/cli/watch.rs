//! `littoral watch`: build, serve here, and build again whenever a file is saved.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};

use anyhow::Context;
use clap::Args;

use super::progress::Bar;
use super::serve::{cannot_listen, runtime, told_to_stop, variables};
use super::{Outcome, Place, StorePlace, build, diagnostics, seed};
use crate::build::{Engine, Why};
use crate::edge::{Edge, Options as EdgeOptions, Server};
use crate::site::release::Writer;
use crate::watch::{Changes, Event, Files, Hands, Round, Watcher, channel};

/// `littoral watch`.
#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    store: StorePlace,
    /// Where to listen; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Open the site in the browser
    #[arg(long)]
    open: bool,
}

/// Watches until it is told to stop.
pub(super) fn run(options: &Options) -> anyhow::Result<Outcome> {
    super::log_to_stderr("warn");
    build::check_folders(&options.place)?;
    // Symbolic links in the way to the site would make events and paths differ.
    let root =
        options.place.root.canonicalize().with_context(|| format!("cannot open {}", options.place.root.display()))?;
    let content = options.place.content.as_deref().map(std::path::Path::canonicalize).transpose()?;
    let pages = channel();
    let engine = Mutex::new(Engine::default());
    let watcher = Watcher { root: root.clone(), content: content.clone(), pages: pages.clone(), engine };
    let (sender, events) = mpsc::channel();
    // Before the first build, so that what is saved during it is not missed.
    let mut files = Files::watch(&root, content.as_deref(), &sender).context("cannot watch the folder")?;
    if files.is_polling() {
        diagnostics::print_note(
            "the system's limit on watched files is reached: looking at them twice a second instead (fs.inotify.max_user_watches raises it)",
        );
    }
    let bar = Bar::new();
    let why = Arc::new(Mutex::new(Why::default()));
    let say = {
        let why = why.clone();
        move |round: Round<'_>| {
            say(&round);
            why.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone_from(&round.report.why);
        }
    };
    let (first, _) = watcher.build(&Changes::default(), &|progress| bar.show(progress), &|_| {}, &say)?;
    bar.end();
    watcher.save();
    if first.has_errors() && watcher.shelf().current().is_err() {
        // Nothing was ever built here: an empty site to show the mistakes over.
        Writer::open(watcher.shelf())?.publish(&crate::site::release::Manifest::empty(), None)?;
    }
    let runtime = runtime()?;
    seed::sow(&root, &watcher.shelf(), options.store.store.as_deref(), &runtime);
    let edge_options =
        EdgeOptions { live: Some(pages), store: options.store.store.clone(), variables, ..EdgeOptions::default() };
    let edge = Edge::open_shelf(&root, watcher.shelf(), edge_options)?;
    let server =
        runtime.block_on(Server::bind(edge.clone(), options.listen)).with_context(|| cannot_listen(options.listen))?;
    let address = server.local_addr();
    diagnostics::print_address("Watching; the site is", address);
    if options.open {
        open_in_browser(address);
    }
    watcher.tell(&first, &Changes::default(), false, &|_| {});
    listen_to_keys(&why);
    let stopper = sender.clone();
    let handle = runtime.handle().clone();
    // A save must never be without an answer: a fault in one build is told, and the next one tried.
    let watching = std::thread::spawn(move || {
        let take = |_| {
            if let Err(error) = handle.block_on(edge.reload()) {
                tracing::error!(%error, "the new release cannot be served");
            }
        };
        let hands = Hands { answer_from: &|entries| edge.answer_from(entries), take: &take };
        watcher.run(&mut files, &events, &hands, &say, &|error| tracing::error!(%error, "the build was stopped"));
    });
    runtime.block_on(server.run(told_to_stop()));
    let _ = stopper.send(Event::Stop);
    let _ = watching.join();
    Ok(Outcome::Done)
}

/// `w` and Enter say why each output of the last build was made. Keys are read a line at a
/// time: a terminal that gives single ones would be left so by a process that is killed.
fn listen_to_keys(why: &Arc<Mutex<Why>>) {
    if !std::io::stdin().is_terminal() {
        return;
    }
    diagnostics::print_note("press w and Enter to see why the pages of the last build were rendered");
    let why = why.clone();
    // Ends with the process: nothing waits for it.
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if line.trim() == "w" {
                diagnostics::print_why(&why.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
            }
        }
    });
}

fn say(round: &Round<'_>) {
    if !round.changed.is_empty() {
        diagnostics::print_changes(round.changed.paths());
    }
    diagnostics::print_all(&round.report.diagnostics);
    if round.report.has_errors() {
        diagnostics::print_refusal(&round.report.diagnostics);
    } else {
        diagnostics::print_summary(round.report, round.took);
    }
}

fn open_in_browser(address: SocketAddr) {
    let url = format!("http://{address}/");
    let (program, before): (&str, &[&str]) = if cfg!(target_os = "macos") {
        ("open", &[])
    } else if cfg!(windows) {
        ("cmd", &["/C", "start"])
    } else {
        ("xdg-open", &[])
    };
    if std::process::Command::new(program).args(before).arg(&url).spawn().is_err() {
        diagnostics::print_note(&format!("no browser could be opened: go to {url}"));
    }
}
