//! What a site lets other programs do with its tables: read, write, and by which rows.
//!
//! [`TableApi`] is what an author writes under `edge.data.<table>.api`; [`Scope`] is what a
//! token allows, in the words of the command line (`city:read`, `*:write`).
//!
//! Knows no store and no request.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::config::OpenTable;
use super::data_page::{Filter, List, Order};
use super::table::{ColumnName, TableName};

/// The API as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Api {
    /// Whose scripts may call it from a browser: `https://till.example`, or `*` for all.
    pub origins: Vec<String>,
}

/// What other programs may do with a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TableApi {
    /// Who may read its open columns.
    pub read: Readers,
    /// The columns that a token for writing may set; none: nobody writes.
    pub write: Vec<ColumnName>,
    /// By what rows may be chosen, as in a list of a data page.
    pub filters: BTreeMap<ColumnName, Filter>,
    /// In which orders they may be had; the order of the key when nothing is said.
    pub sort: Vec<Order>,
}

/// Who may read a table through the API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Readers {
    /// Who has a token that allows it.
    #[default]
    Token,
    /// Everyone.
    Everyone,
}

/// Rows of an answer when the request does not say how many.
pub const ROWS: u32 = 100;
/// Rows of an answer at most.
pub const MOST_ROWS: u32 = 500;
/// What a request says to have another number of rows.
pub const LIMIT: &str = "limit";

impl TableApi {
    /// The rows of `table`, as a list.
    pub fn list(&self, table: &TableName, open: &OpenTable) -> List {
        List {
            table: table.clone(),
            columns: open.columns.clone(),
            fixed: BTreeMap::new(),
            filters: self.filters.clone(),
            search: !open.search.is_empty(),
            sort: self.sort.clone(),
            per_page: ROWS,
        }
    }

    /// What contradicts itself, and the key under which it stands.
    pub(super) fn mistake(&self, table: &TableName, open: &OpenTable) -> Option<(&'static str, String)> {
        let is_closed = |column: &&ColumnName| !open.columns.contains(column);
        let closed = |what: &str, column: &ColumnName| {
            format!("`{column}` of `{table}` is named in `{what}` of its API, but is not among its open columns")
        };
        if let Some(column) = self.write.iter().find(is_closed) {
            return Some(("write", closed("write", column)));
        }
        if let Some(column) = self.filters.keys().find(is_closed) {
            return Some(("filters", closed("filters", column)));
        }
        if let Some(column) = self.sort.iter().map(|order| &order.column).find(is_closed) {
            return Some(("sort", closed("sort", column)));
        }
        let mut names = self.list(table, open).asked();
        names.push(LIMIT.to_owned());
        names.sort();
        let twice = names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| &pair[0]);
        twice.map(|name| {
            ("filters", format!("a request could not tell two meanings of `{name}` in the API of `{table}`"))
        })
    }
}

/// What a token allows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope {
    /// On which table; on all when there is none.
    pub table: Option<TableName>,
    /// What.
    pub right: Right,
}

/// What a token allows on a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Its rows may be read.
    Read,
    /// They may be changed, and read.
    Write,
}

impl Scope {
    /// Whether it allows `right` on `table`.
    pub fn allows(&self, table: &TableName, right: Right) -> bool {
        self.right >= right && self.table.as_ref().is_none_or(|own| own == table)
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("`{text}` is no scope: expected `TABLE:read`, `TABLE:write`, `*:read` or `*:write`");
        let (table, right) = text.split_once(':').ok_or_else(expected)?;
        let right = match right {
            "read" => Right::Read,
            "write" => Right::Write,
            _ => return Err(expected()),
        };
        let table = if table == "*" { None } else { Some(table.parse().map_err(|error| format!("{error}"))?) };
        Ok(Self { table, right })
    }
}

impl TryFrom<String> for Scope {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let right = if self.right == Right::Read { "read" } else { "write" };
        write!(f, "{}:{right}", self.table.as_ref().map_or("*", TableName::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_allows_what_it_says_and_no_more() {
        let (city, boat) = ("city".parse().unwrap(), "boat".parse().unwrap());
        let scope: Scope = "city:write".parse().unwrap();
        assert!(scope.allows(&city, Right::Read) && scope.allows(&city, Right::Write));
        assert!(!scope.allows(&boat, Right::Read));
        let scope: Scope = "*:read".parse().unwrap();
        assert!(scope.allows(&boat, Right::Read) && !scope.allows(&boat, Right::Write));
        for wrong in ["city", "city:all", ":read", "littoral_member:read", "City:read", "*:*", ""] {
            assert!(wrong.parse::<Scope>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn columns_of_an_api_are_among_those_that_are_open() {
        let open = OpenTable { columns: vec!["id".parse().unwrap(), "limit".parse().unwrap()], ..OpenTable::default() };
        let mistake = |yaml: &str| {
            let api: TableApi = serde_yaml::from_str(yaml).unwrap();
            api.mistake(&"city".parse().unwrap(), &open).map(|(key, _)| key)
        };
        assert_eq!(mistake("{ write: [id], sort: [-limit] }"), None);
        assert_eq!(mistake("write: [mayor]"), Some("write"));
        assert_eq!(mistake("sort: [-mayor]"), Some("sort"));
        assert_eq!(mistake("filters: { limit: equals }"), Some("filters"));
    }
}
