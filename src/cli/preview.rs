//! `littoral preview`: a link that shows one page to whoever has it, for some days.

use anyhow::{Context, bail};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;

use super::serve::runtime;
use super::site_store::{IfAbsent, SiteStore};
use super::{Outcome, diagnostics};
use crate::site::permalink::encode_path;
use crate::site::preview::{self, MOST_DAYS};
use crate::site::release::{Manifest, Shelf};
use crate::store::{Store, StoreError};

/// `littoral preview`.
#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    site: SiteStore,
    /// The path of the page in the site, such as /posts/low-water/
    #[arg(value_name = "PATH", required_unless_present = "revoke_all")]
    path: Option<String>,
    /// For how many days the link is good
    #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_DAYS)))]
    days: u32,
    /// Make every link that was ever made worthless
    #[arg(long, conflicts_with_all = ["path", "days"])]
    revoke_all: bool,
}

/// Does what was asked for.
pub(super) fn run(options: &Options) -> anyhow::Result<Outcome> {
    let mut fresh = [0; 32];
    getrandom::fill(&mut fresh).context("the system gave no random bytes")?;
    let now = Timestamp::now();
    let Some(asked) = options.path.as_deref().filter(|_| !options.revoke_all) else {
        with_store(options, async |store| store.change_secret(preview::KEY, fresh, now).await)?;
        diagnostics::print_lines(&["links to previews that were made before show nothing any more".to_owned()]);
        return Ok(Outcome::Done);
    };
    let shelf = Shelf::of(&options.site.root.root);
    let manifest = shelf.current().and_then(|id| shelf.manifest(id))?;
    let path = page_at(&manifest, asked)?;
    let key = with_store(options, async |store| store.make_secret(preview::KEY, fresh, now).await)?;
    let expires = now + SignedDuration::from_hours(24 * i64::from(options.days));
    let token = preview::token(&key, path, expires);
    let (site, path) = (manifest.site.base_url.trim_end_matches('/'), encode_path(path));
    diagnostics::print_lines(&[format!("{site}{path}?{}={token}", preview::PARAMETER)]);
    Ok(Outcome::Done)
}

fn with_store<T>(options: &Options, ask: impl AsyncFnOnce(&Store) -> Result<T, StoreError>) -> anyhow::Result<T> {
    let store = options.site.open(IfAbsent::Made)?;
    runtime()?.block_on(async {
        let answer = ask(&store).await;
        store.close().await;
        Ok(answer?)
    })
}

/// The path of the page that is asked for, as somebody writes it or as an address has it.
fn page_at<'m>(manifest: &'m Manifest, asked: &str) -> anyhow::Result<&'m str> {
    let decoded = percent_decode_str(asked).decode_utf8().context("the path is no UTF-8")?;
    let bare = decoded.trim_matches('/');
    let candidates = [format!("/{bare}/"), format!("/{bare}"), "/".to_owned()];
    let candidates = &candidates[if bare.is_empty() { 2..3 } else { 0..2 }];
    let mut entries = manifest.entries.iter().filter(|entry| candidates.contains(&entry.path));
    let Some(entry) = entries.next() else {
        bail!("the live release has no page at `{asked}`: `littoral build` makes one")
    };
    match &entry.full {
        Some(full) if full.page.is_none() => Ok(&entry.path),
        Some(_) => bail!("`{asked}` lies beside a page: ask for a link to the page"),
        None => bail!("`{asked}` is for everybody, and needs no such link"),
    }
}
