//! Shortcodes: calls in an author's text that a template answers.
//!
//! ```text
//! {{ figure("low.jpg", width=640, alt='Low water') }}      a call
//! {{ figure }}                                             the same without arguments
//! {% note(kind="warning") %} *Markdown* {% end %}          a call with a body
//! \{{ not a call }}                                        prints {{ not a call }}
//! ```
//!
//! Arguments are strings (in `"`, `'` or a backtick, with escapes), numbers, `true`,
//! `false` and lists of them; positional ones may come before, between and after named.
//!
//! [`parse`] reads one call, [`tree`] finds all calls of a text and pairs blocks with
//! their ends. Neither knows which shortcodes exist.

pub(super) mod parse;
pub(super) mod tree;

use std::ops::Range;

use serde_json::{Map, Value};

/// One call, as its template sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ShortcodeCall {
    /// Which shortcode.
    pub name: String,
    /// Positional arguments.
    pub args: Vec<Value>,
    /// Named arguments, in the order written.
    pub named: Map<String, Value>,
    /// The HTML inside a block call; `None` for `{{ ... }}`.
    pub body: Option<String>,
    /// The call in the author's file, from its first brace to its last (of the opening
    /// tag, for a block): bytes, front matter included.
    pub span: Range<usize>,
    /// The name within it.
    pub name_span: Range<usize>,
}
