//! The edge.

pub mod search;
