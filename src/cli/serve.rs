//! `littoral serve`: the edge over a release.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Args;

use super::{Outcome, Place, StorePlace, build, diagnostics, seed};
use crate::build::asset::Naming;
use crate::build::model::Drafts;
use crate::edge::{Edge, Options as EdgeOptions, Server, Statics};
use crate::site::release::{Shelf, ShelfError};

/// `littoral serve`.
#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    store: StorePlace,
    /// Where to listen; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Answer only what a static file cannot, behind another server that has the files
    #[arg(long)]
    dynamic_only: bool,
}

/// Serves until it is told to stop. Builds first when nothing was built yet.
pub(super) fn run(options: &Options) -> anyhow::Result<Outcome> {
    super::log_to_stderr("info");
    let shelf = Shelf::of(&options.place.root);
    if matches!(shelf.current(), Err(ShelfError::NoRelease)) {
        let report = build::build_once(&options.place, Drafts::Hidden, Naming::Digest)?;
        diagnostics::print_all(&report.diagnostics);
        if report.has_errors() {
            diagnostics::print_refusal(&report.diagnostics);
            return Ok(Outcome::Mistakes);
        }
    }
    let runtime = runtime()?;
    seed::sow(&options.place.root, &shelf, options.store.store.as_deref(), &runtime);
    let statics = if options.dynamic_only { Statics::LeftToOthers } else { Statics::Served };
    let edge = Edge::open(
        &options.place.root,
        EdgeOptions { statics, store: options.store.store.clone(), variables, ..EdgeOptions::default() },
    )?;
    runtime.block_on(async {
        let server = Server::bind(edge.clone(), options.listen).await.with_context(|| cannot_listen(options.listen))?;
        diagnostics::print_address("Serving", server.local_addr());
        if let Some(path) = edge.invite_first_admin().await? {
            diagnostics::print_lines(&first_admin(&edge, server.local_addr(), &path));
        }
        server.run(told_to_stop()).await;
        Ok(Outcome::Done)
    })
}

/// What is said as long as nobody administers the site. The link is where the site stands, or
/// here, when it has no place yet.
fn first_admin(edge: &Edge, address: SocketAddr, path: &str) -> [String; 2] {
    let base_url = &edge.release().site.base_url;
    let host = base_url.split("://").nth(1).unwrap_or_default();
    let site = match host.starts_with("localhost") {
        true if address.ip().is_unspecified() => format!("http://localhost:{}", address.port()),
        true => format!("http://{address}"),
        false => base_url.trim_end_matches('/').to_owned(),
    };
    [
        "Nobody administers this site yet. Whoever follows this link can, once, within 24 hours:".to_owned(),
        format!("  {site}{path}"),
    ]
}

/// A variable of the environment, for the edge, which does not look itself.
#[allow(clippy::disallowed_methods, reason = "this is the wing that may")]
pub(super) fn variables(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Threads for everything that waits.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the system gave no threads")
}

/// What to say when an address is not to be had.
pub(super) fn cannot_listen(address: SocketAddr) -> String {
    format!("cannot listen at {address}: is another program there? `--listen 127.0.0.1:0` takes any free port")
}

/// Ready when the process is asked to end: by Ctrl-C, or by SIGTERM.
pub(super) async fn told_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
