//! Littoral: a static site and the moving parts beside it, in one program.
//!
//! Two halves that meet in one place. The [`build`] turns Markdown and layouts into a
//! release; the [`edge`] serves a release and answers what a static file cannot. They
//! share only the words of [`site`], and no arrow runs between them:
//! `cli -> {watch, build, edge, data} -> site`, `{edge, data} -> store`.
//!
//! `ARCHITECTURE.md` is the map to read first.

pub mod build;
pub mod cli;
pub mod data;
pub mod edge;
pub mod site;
pub mod store;
pub mod watch;
