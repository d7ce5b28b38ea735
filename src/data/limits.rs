//! What a file may ask of the machine. Every bound of this wing stands here.

/// Bytes of one cell.
pub(super) const CELL: usize = 16 * 1024 * 1024;
/// Bytes of one row.
pub(super) const ROW: usize = 64 * 1024 * 1024;
/// Columns: PostgreSQL stops at 1600, SQLite at 2000.
pub(super) const COLUMNS: usize = 1000;
/// Bytes of a file with a schema.
pub(super) const SCHEMA: u64 = 1024 * 1024;
/// Characters of a wrong value that are shown.
pub(super) const SHOWN: usize = 60;
