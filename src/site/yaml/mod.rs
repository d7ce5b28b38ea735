//! YAML, as authors write it: read within bounds, its mistakes in their words.
//!
//! [`keys`] and [`value`] read front matter and data files; [`grows_too_much`] is for the
//! configuration, which has a type of its own. All of them report with [`diagnostic`], so
//! that one mistake has one name.

mod mistake;
mod value;

pub use mistake::diagnostic;
pub use value::{grows_too_much, keys, value};
