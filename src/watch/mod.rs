//! Watching: file events, builds, live reload.
