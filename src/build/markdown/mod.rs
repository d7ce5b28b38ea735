//! Markdown: an author's text comes in, HTML goes out.
//!
//! [`render`] is the one door. It knows no file, no folder and no other page: whatever a
//! text asks of its site (where does this link lead? what does this shortcode print?) it
//! asks through [`Surroundings`], so that the caller can record the question.
//!
//! A text with shortcodes is read twice. The first reading only learns where the code is,
//! because a call inside code is left alone. Then each call is masked by letters *of the
//! same length*, the second reading turns the masked text into HTML, and the calls are
//! found again by their letters. So a byte offset is the author's own at every step, and a
//! diagnostic points at what the author wrote:
//!
//! ```text
//! Low *water* at {{ time("6:10") }}.      what the author wrote
//! Low *water* at #aaxxxxxxxxxxxxxxx.      what the Markdown parser sees
//! ```
//!
//! The inside of a block shortcode is a text of its own: it goes the same way, and the
//! HTML is handed to the shortcode as its body.

mod autolink;
mod definition;
mod escape;
mod fence;
mod fragment;
mod headings;
pub mod highlight;
mod html_scan;
mod lines;
mod mask;
mod options;
mod outline;
mod render;
pub mod shortcode;
mod surroundings;
mod writer;

#[cfg(test)]
mod tests;

pub use fragment::fragment_html;
pub use headings::{Heading, toc_html};
pub use outline::TextSection;
pub use render::{Rendered, Source, render};
pub use shortcode::ShortcodeCall;
pub use surroundings::{LinkKind, Surroundings};
