//! The form of a search index: the one thing that the build's indexer and the edge's
//! reader must agree on.
//!
//! One document is one section of a page, from a heading to the next, so that a result can
//! lead to the heading's anchor.

/// One document of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Permalink of the page, decoded: `/docs/tides/`.
    pub path: String,
    /// Id of the heading, without `#`; empty for what stands before the first.
    pub anchor: String,
    /// Title of the page.
    pub title: String,
    /// Text of the heading; empty as `anchor` is.
    pub heading: String,
    /// The text below the heading, without markup.
    pub text: String,
}
