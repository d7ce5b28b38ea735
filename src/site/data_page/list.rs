//! A list over one table, declared and not programmed: which rows, in which orders, a page
//! at a time.
//!
//! Pages follow each other by the last row seen (keyset paging), so that the thousandth
//! costs what the first does.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::site::table::{ColumnName, TableName};

/// Rows on a page when nothing is said.
const PER_PAGE: u32 = 50;
/// Rows on a page at most.
const MOST_PER_PAGE: u32 = 500;

/// A list, as it is declared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The table.
    pub table: TableName,
    /// The columns that the template gets; all that the site opens when nothing is said.
    #[serde(default)]
    pub columns: Vec<ColumnName>,
    /// Column → the parameter that it equals.
    #[serde(default, rename = "where")]
    pub fixed: BTreeMap<ColumnName, String>,
    /// What a reader may choose in the query string.
    #[serde(default)]
    pub filters: BTreeMap<ColumnName, Filter>,
    /// Whether a reader may search with `q`, in the columns that `edge.data` names for it.
    #[serde(default)]
    pub search: bool,
    /// The orders that a reader may choose with `sort`; the first is the usual one. The
    /// order of the key when nothing is said.
    #[serde(default)]
    pub sort: Vec<Order>,
    /// Rows on a page.
    #[serde(default = "per_page")]
    pub per_page: u32,
}

fn per_page() -> u32 {
    PER_PAGE
}

/// How a reader may choose by a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Filter {
    /// `country=pt`.
    Equals,
    /// `population_min=1000&population_max=5000`, each or both.
    Range,
}

/// An order by one column; the key decides between equals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Order {
    /// The column.
    pub column: ColumnName,
    /// From the greatest on. Rows without a value come last either way.
    pub direction: Direction,
}

/// Which value comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// The least.
    Ascending,
    /// The greatest.
    Descending,
}

impl TryFrom<String> for Order {
    type Error = crate::site::table::NotAName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Ok(match text.strip_prefix('-') {
            Some(column) => Self { column: column.parse()?, direction: Direction::Descending },
            None => Self { column: text.parse()?, direction: Direction::Ascending },
        })
    }
}

impl From<Order> for String {
    fn from(order: Order) -> Self {
        order.to_string()
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.direction == Direction::Descending { "-" } else { "" };
        write!(f, "{sign}{}", self.column)
    }
}

impl List {
    /// The names that the query string may have for it.
    pub fn asked(&self) -> Vec<String> {
        let mut names = vec!["after".to_owned(), "before".to_owned()];
        names.extend(self.search.then(|| "q".to_owned()));
        names.extend((self.sort.len() > 1).then(|| "sort".to_owned()));
        for (column, filter) in &self.filters {
            match filter {
                Filter::Equals => names.push(column.to_string()),
                Filter::Range => names.extend([format!("{column}_min"), format!("{column}_max")]),
            }
        }
        names
    }

    /// What contradicts itself in the declaration, and the key that it is about; `is_parameter`
    /// knows those of the page.
    pub(super) fn mistake(&self, is_parameter: impl Fn(&str) -> bool) -> Option<(&'static str, String)> {
        if !(1..=MOST_PER_PAGE).contains(&self.per_page) {
            let message = format!("expected `per_page` from 1 to {MOST_PER_PAGE}, found {}", self.per_page);
            return Some(("per_page:", message));
        }
        if let Some(name) = self.fixed.values().find(|name| !is_parameter(name)) {
            return Some(("where:", format!("`where` names the parameter `{name}`, which is not declared")));
        }
        let twice = self.asked().into_iter().find(|name| is_parameter(name));
        twice.map(|name| ("filters:", format!("`{name}` is a parameter of the page, and the list asks for it too")))
    }
}
