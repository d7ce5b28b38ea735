//! What a text may ask of the site it stands in.

use std::ops::Range;

use super::ShortcodeCall;
use crate::site::diagnostic::Diagnostic;

/// What a destination is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// A place to go to: `[text](destination)`, `<a href>`.
    Link,
    /// A picture to show: `![text](destination)`, `<img src>`.
    Image,
}

/// What a text may ask of its site. Questions are asked in the order of the text; the one
/// who answers may keep a record of them.
pub trait Surroundings {
    /// Where `destination` leads: a new destination, or `None` to leave it as it is. It is
    /// the answering side that reports a broken link, for which it gets `span`, the bytes
    /// of the author's file that hold the destination.
    fn resolve_link(&self, destination: &str, kind: LinkKind, span: Range<usize>) -> Option<String>;

    /// Whether the words of the text are wanted, for the search.
    fn want_words(&self) -> bool {
        true
    }

    /// Whether there is a shortcode of exactly this name.
    fn has_shortcode(&self, name: &str) -> bool;

    /// The names of all shortcodes, for a hint at the nearest.
    fn shortcode_names(&self) -> Vec<String>;

    /// The HTML of a call. [`ShortcodeCall::body`] is the HTML of a block's inside.
    fn render_shortcode(&self, call: &ShortcodeCall) -> Result<String, Vec<Diagnostic>>;
}
