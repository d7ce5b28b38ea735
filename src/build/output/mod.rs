//! Outputs: everything that a site consists of, planned by its path before any of it is made.
//!
//! [`plan::plan`] names each path and who claims it, so that two claims are found, and a
//! link can be checked while the page it leads to is not rendered yet. [`render`] makes the
//! bytes of one.

pub mod feed;
pub mod link;
mod open;
pub mod plan;
pub mod render;
pub mod site_value;
pub mod version;

pub use plan::{Plan, Planned, Subject};
