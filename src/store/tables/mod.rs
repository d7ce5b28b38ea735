//! The site's own tables: what an author has imported, beside Littoral's own in one store.
//!
//! [`Store::tables`] and [`Store::table`] describe them from the engine's own catalogue, so
//! there is no second list that could disagree with it. Their columns have the four types of
//! [`ColumnType`], and one column is the key: a number or a text that no two rows share.
//!
//! [`Store::size_of`] says how large one is.
//!
//! Rows come in by [`Store::stage`] and [`Store::load`], and go out by [`Store::each_row`].
//!
//! A table with a name, a column or a key of another kind was made past Littoral; it is not
//! shown, and nothing here touches it.
//!
//! Names come into statements only as [`TableName`] and [`ColumnName`], between quotation
//! marks; values only as parameters.
//!
//! [`Store::tables`]: super::Store::tables
//! [`Store::table`]: super::Store::table
//! [`Store::size_of`]: super::Store::size_of
//! [`Store::stage`]: super::Store::stage
//! [`Store::load`]: super::Store::load
//! [`Store::each_row`]: super::Store::each_row

mod catalogue;
mod load;
mod read_out;
mod size;
mod staging;
mod statement;

pub(in crate::store) use self::catalogue::described;
pub use self::load::IfThere;
pub use self::size::Size;
pub use self::staging::{Put, Sink, Staging};
use crate::site::table::{ColumnName, ColumnType, TableName};

/// A table of the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// What it is called.
    pub name: TableName,
    /// In the order in which they were declared; the key is among them.
    pub columns: Vec<Column>,
    /// The column that no two rows share and that is never absent.
    pub key: ColumnName,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// What it is called.
    pub name: ColumnName,
    /// What it holds.
    pub kind: ColumnType,
}

impl Table {
    /// The column with this name.
    pub fn column(&self, name: &ColumnName) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == *name)
    }

    /// Whether `column` is the key.
    pub fn is_key(&self, column: &Column) -> bool {
        self.key == column.name
    }
}
