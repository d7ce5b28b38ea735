//! The data of others: files that become tables of the store, and tables that become files.
//!
//! An import reads its file twice. Take `tides.csv`:
//!
//! ```csv
//! Port,Height
//! Brest,6.9
//! Quimper,3
//! ```
//!
//! The first reading ([`guess`]) finds the columns `port` and `height`, the one text, the
//! other real. The second turns each cell into a value of its column ([`raw`]) and puts the
//! row aside ([`Staging`](crate::store::tables::Staging)); what cannot be turned is a
//! [`BadRow`] with its line and column. Only when all of them are there does the store take
//! them, in one step. So memory does not grow with the file, and nothing is half done.
//!
//! [`read`] and [`write`] know the formats; [`import`] and [`export`] are the two deeds;
//! [`query`] writes out what a query gives.
//!
//! Knows no SQL but that of a foreign SQLite file, and prints nothing.

mod bad_row;
mod error;
pub mod export;
mod guess;
mod headings;
pub mod import;
mod input;
mod limits;
pub mod query;
mod raw;
mod read;
mod schema;
mod write;

pub use bad_row::BadRow;
pub use error::DataError;
pub use input::{Format, Input, Step};
pub use schema::{Declaration, DeclaredColumn};
