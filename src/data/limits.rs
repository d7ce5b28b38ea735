//! What a file may ask of the machine. Every bound of this wing stands here.

pub(super) use crate::site::csv::{CELL, COLUMNS, ROW};

/// Bytes of a file with a schema.
pub(super) const SCHEMA: u64 = 1024 * 1024;
/// Characters of a wrong value that are shown.
pub(super) const SHOWN: usize = 60;
