//! The build: from sources to a release.
