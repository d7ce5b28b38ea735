//! What one build leaves for the next: the files it saw, what it took from them, the
//! outputs it made and what each of them has read.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::civil::Date;
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

use super::index::Index;
use super::pieces::Pieces;
use crate::build::asset::Naming;
use crate::build::model::{Drafts, Fields, Head};
use crate::build::output::render::ToAnchor;
use crate::build::sources::Stamp;
use crate::build::trace::{Answer, Own, ReadId, Reads};
use crate::site::diagnostic::Diagnostic;
use crate::site::digest::Digest;
use crate::site::release::{BuildId, Fragment, Object};

/// What was asked for: a build that was asked for something else leaves nothing of use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) drafts: Drafts,
    pub(super) naming: Naming,
    /// Where the pages are.
    pub(super) content: String,
}

/// A source file as it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SeenFile {
    /// None if it was so young that it may have changed without a sign since.
    pub(super) stamp: Option<Stamp>,
    /// Of its bytes, for pages.
    pub(super) digest: Option<Digest>,
}

/// One output that was made without mistakes.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub(super) object: Object,
    /// The title, for pages.
    pub(super) title: Option<String>,
    /// Of what can be found in it, if anything can.
    pub(super) documents: Option<Digest>,
    /// Warnings.
    pub(super) found: Vec<Diagnostic>,
    /// What it has read that others may have too, in order.
    pub(super) shared: Vec<ReadId>,
    /// What its other reads see of pages.
    pub(super) fields: Fields,
    /// The fragments in its bytes. Not in the record: the manifest wants them of all outputs.
    pub(super) fragments: Vec<Fragment>,
    pub(super) record: Sealed,
}

impl Output {
    /// One of which nothing else is to be known.
    pub(super) fn of(object: Object, record: &Record) -> Self {
        Self {
            object,
            title: None,
            documents: None,
            found: Vec::new(),
            shared: Vec::new(),
            fields: Fields::NONE,
            fragments: Vec::new(),
            record: Sealed::of(record),
        }
    }
}

/// What is asked of few outputs of a build.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Record {
    /// What it is about: see `plan::name_of`.
    pub(super) subject: String,
    pub(super) layout: Option<String>,
    /// Whether its layout shows the pages of a list.
    pub(super) lists: bool,
    pub(super) own: Own,
    pub(super) anchors: Vec<String>,
    pub(super) to_anchors: Vec<ToAnchor>,
    /// Where the edge puts things, in a shell.
    pub(super) holes: Vec<(String, usize)>,
}

/// A [`Record`] as it stands in the cache: thousands are kept, and hardly one is looked at.
#[derive(Clone, Debug)]
pub(super) struct Sealed(Bytes);

impl Sealed {
    pub(super) fn of(record: &Record) -> Self {
        Self(postcard::to_allocvec(record).unwrap_or_default().into())
    }

    /// One that was sealed by another process.
    pub(super) fn again(bytes: Bytes) -> Self {
        Self(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// None if it is not readable: then nothing is known of its output.
    pub(super) fn open(&self) -> Option<Record> {
        postcard::from_bytes(&self.0).ok()
    }
}

/// All of it.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) settings: Settings,
    /// The day it was built for: a page to come may have come.
    pub(super) today: Date,
    /// Path from the root → the file.
    pub(super) files: BTreeMap<String, SeenFile>,
    /// Source below `content/` → what the model takes from it.
    pub(super) heads: Pieces<Arc<Head>>,
    /// The sections that have pages from data, by source below `content/` → the data file.
    pub(super) row_files: BTreeMap<String, String>,
    /// The taxonomies that heads were read for.
    pub(super) taxonomies: Vec<String>,
    pub(super) reads: Arc<Reads>,
    /// Path in the site → the output.
    pub(super) outputs: Pieces<Output>,
    /// Of everything that a link may lead to.
    pub(super) names: Answer,
    /// What is wrong that is no output's fault.
    pub(super) found: Vec<Diagnostic>,
    /// Links to headings that are not there.
    pub(super) broken_anchors: Vec<Diagnostic>,
    /// The templates of the edge.
    pub(super) templates: BTreeMap<String, Object>,
    pub(super) whole: Whole,
    /// The sections of the cache that are known to be there and whole.
    pub(super) stored: FxHashSet<Digest>,
}

/// What is known of a build as a whole; enough to say that nothing has changed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Whole {
    /// The release it published; none if there were errors.
    pub(super) release: Option<BuildId>,
    /// Objects of the release that have no path: templates and shells.
    pub(super) hidden: Vec<Object>,
    /// The path of each public file, and its object.
    pub(super) public: Vec<(String, Object)>,
    /// What outputs are that are never checked out.
    pub(super) full: Vec<Object>,
    /// The search indexes.
    pub(super) indexes: Vec<Index>,
    /// The language whose words they hold.
    pub(super) language: String,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) pages: usize,
}
