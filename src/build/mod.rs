//! The build: from sources to a release.

pub mod search_index;
