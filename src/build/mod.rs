//! The build: from sources to a release.
//!
//! Three pages, `a.md`, `b.md` and `c.md`, and one edit. First all heads are read, because
//! a link from `a` to `b` and a list of all three need every page's URL, title and date
//! ([`model`]). Then every path of the site is named before any is made ([`output::plan`]),
//! so that two claims to one URL and a link to nothing are found wherever they stand. Then
//! each output is rendered by itself, on all cores: its Markdown ([`markdown`]), its layout
//! ([`layout`]), its bytes onto the shelf. Last, one manifest names them all, and only if
//! nothing was wrong. Edit the body of `b`: what the outputs have read says that `b` alone
//! must be rendered ([`engine`]); those of `a`, `c` and of the list stay untouched, down to
//! the time of their files.
//!
//! Reads only through [`sources::Sources`]; writes only through `release::Writer`; knows
//! nothing of the edge or the store.

pub mod asset;
pub mod data;
pub mod data_pages;
mod engine;
pub mod form;
pub mod fragment;
pub mod front_matter;
pub mod layout;
pub mod markdown;
pub mod media;
pub mod model;
pub mod output;
pub mod rows;
pub mod search_index;
pub mod shell;
pub mod sources;
pub mod texts;
pub mod trace;
pub mod world;

pub use engine::{BuildError, Engine, Progress, Report, Request, Why, build};
