//! What open pages are told: that there is a new release, or what is wrong.

use serde_json::json;

use super::Changes;
use crate::edge::{LiveChannel, LiveEvent};
use crate::site::diagnostic::{Diagnostic, Severity};
use crate::site::digest::Digest;
use crate::site::release::{Entry, Published};

/// What pages run to listen.
const SCRIPT: &str = include_str!("watch.js");

/// A way to tell open pages.
pub fn channel() -> LiveChannel {
    LiveChannel::new(SCRIPT)
}

/// A new release is live.
pub(super) fn built(published: Published, changed: &Changes) -> LiveEvent {
    LiveEvent { name: "built", data: json!({ "id": published.id, "css": changed.is_only_css() }) }
}

/// Outputs were made anew and are served, though their release does not stand yet.
pub(super) fn ready(entries: &[Entry]) -> LiveEvent {
    let digests: Vec<u8> = entries.iter().flat_map(|entry| *entry.object.bytes()).collect();
    LiveEvent { name: "built", data: json!({ "id": Digest::of(&digests), "css": false }) }
}

/// The site has mistakes; the release before is still live.
pub(super) fn failed(diagnostics: &[Diagnostic]) -> LiveEvent {
    let errors: Vec<&Diagnostic> =
        diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).collect();
    LiveEvent { name: "failed", data: json!({ "errors": errors }) }
}
