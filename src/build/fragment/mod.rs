//! Fragments in the build: which there are, and where one is placed.
//!
//! ```text
//! {{fragment "popular" limit=3}}      a layout or a text calls
//! [`element`]                         checks the call, and writes the fallback between marks
//! [`cut`]                             takes the marks out of the whole output, and says where
//!                                     each fragment is
//! ```
//!
//! A call is checked against the head of the fragment's template: a page that places one has
//! read that head (`Read::Fragment`). What the template makes of it is the edge's affair, so
//! an edit of the Handlebars below the head renders no page.

mod known;
mod place;

pub use known::{Fragments, Known};
pub use place::{Call, Mistake, cut, element};
