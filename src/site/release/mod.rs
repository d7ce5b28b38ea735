//! The release: the only thing that crosses from the build to the edge.
//!
//! ```text
//! .littoral/objects/ab/<digest>    the bytes of one output, once, read-only
//! .littoral/releases/<build id>    a manifest: every URL, and the object that answers it
//! .littoral/search/<digest>/       a search index, whole
//! .littoral/current                the id of the live release, replaced by rename, last
//! .littoral/took                   how long its build took: no part of it
//! public/                          a checkout of what everybody may read, by hard links
//! ```
//!
//! A build id is the digest of its manifest: two builds of one site have one id. What stands
//! under an object's name is compared with its bytes before it is kept.
//!
//! [`Shelf`] reads, [`Writer`] writes. Neither knows of Markdown or of HTTP.

mod manifest;
mod object;
mod shelf;
mod took;
mod writer;

pub use manifest::{
    Access, BuildId, CacheClass, Entry, FORMAT, FeedItem, Fragment, Full, Manifest, NEWEST, Redirect, SearchPart,
    Shell, Site, TermPages, is_letter, letter_path,
};
pub use object::{Listing, Object, Written};
pub use shelf::{Shelf, ShelfError};
pub use took::Took;
pub use writer::{Known, PublishError, Published, Writer};
