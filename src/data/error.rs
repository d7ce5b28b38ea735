//! Why an import or an export stopped.

use std::io;

use crate::store::StoreError;

/// Why an import or an export stopped. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file cannot be read or written.
    #[error("cannot {doing} {file}")]
    File {
        /// Reading or writing.
        doing: &'static str,
        /// Which.
        file: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The file as a whole is not what it is taken for.
    #[error("{file}{}: {why}", if *.line > 0 { format!(":{line}") } else { String::new() })]
    NotReadable {
        /// Which.
        file: String,
        /// Where, from 1; 0 when the whole is meant.
        line: u64,
        /// What was found, what was expected, what to do.
        why: String,
    },
    /// What was asked for does not fit the file or the table.
    #[error("{0}")]
    DoesNotFit(String),
    /// Rows are wrong; they have been told.
    #[error("{count} rows of the file are wrong")]
    BadRows {
        /// How many.
        count: u64,
    },
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}
