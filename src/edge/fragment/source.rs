//! Sources: where a fragment's data come from.
//!
//! A fragment is a template of `dynamic/fragments/`. What it shows beside its parameters, the
//! time and its reader is found by the [`Source`] of its name, if there is one.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::kept::{Reads, Thread};
use crate::edge::live_release::LiveRelease;
use crate::edge::node::Edge;
use crate::edge::refusal::Refusal;
use crate::edge::session::Reader;
use crate::site::table::TableName;
use crate::store::Member;

/// Finds what a fragment shows.
pub trait Source: fmt::Debug + Send + Sync {
    /// The data for the template. Asked off no thread of its own: it may wait, not compute.
    fn find<'a>(&'a self, asked: &'a Asked) -> Finding<'a>;
}

/// What [`Source::find`] gives.
pub type Finding<'a> = Pin<Box<dyn Future<Output = Result<Found, Refusal>> + Send + 'a>>;

/// What a fragment shows.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// For the template, by name.
    pub values: Map<String, Value>,
    /// The tables that were read: when a row of one changes, what is kept of it is old.
    pub reads: Vec<TableName>,
    /// The path of the page whose comments were read: when one of them changes, what is kept of
    /// it is old.
    pub comments_of: Option<String>,
}

impl Found {
    pub(super) fn everything_read(&self) -> Reads {
        Reads { tables: self.reads.clone(), comments: self.comments_of.as_deref().map(Thread::of) }
    }
}

/// What a source is asked.
pub struct Asked {
    pub(super) edge: Edge,
    pub(super) release: Arc<LiveRelease>,
    pub(super) parameters: Map<String, Value>,
    /// Nobody, for a fragment that is the same for everyone.
    pub(super) reader: Option<Arc<Reader>>,
}

impl Asked {
    /// The edge.
    pub fn edge(&self) -> &Edge {
        &self.edge
    }

    /// The release that is answered from.
    pub fn release(&self) -> &Arc<LiveRelease> {
        &self.release
    }

    /// The value of a parameter, checked.
    pub fn parameter(&self, name: &str) -> Option<&Value> {
        self.parameters.get(name)
    }

    /// A token for a form of the reader's, if they have a secret that it can be derived from.
    pub(super) fn token(&self) -> Result<Option<String>, Refusal> {
        self.reader.as_ref().map_or(Ok(None), |reader| reader.token())
    }

    /// Who reads; nobody, where the fragment is the same for everyone.
    pub(in crate::edge) fn reader(&self) -> Option<&Reader> {
        self.reader.as_deref()
    }

    /// Who is signed in; nobody, where the fragment is the same for everyone.
    pub fn member(&self) -> Option<&Member> {
        self.reader.as_ref()?.member()
    }
}
