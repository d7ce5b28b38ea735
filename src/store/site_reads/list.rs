//! One page of a list, by keyset: the rows after the last one that was seen, however many
//! stand before it.
//!
//! Rows come in the order of one column, and of the key where that is equal. Those without a
//! value come last, whatever the direction; since no comparison holds for them, they are a
//! stretch of their own: a page is read from one stretch and, while it has room, from the
//! next.

use std::collections::BTreeMap;

use super::index::{self, word};
use super::{MOST_BYTES, MOST_ROWS, Open, Row, row, value};
use crate::site::data_page::{Direction, Order};
use crate::site::parameter::Given;
use crate::site::table::{ColumnName, ColumnType, TableName};
use crate::store::StoreError;
use crate::store::sql::{Dialect, Sql, Value};
use crate::store::tables::Table;

/// Words of a question; more are left out.
const MOST_WORDS: usize = 8;

/// A page that is wanted. Every name in it has been checked against the table.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The table.
    pub table: TableName,
    /// The columns of the answer.
    pub columns: Vec<ColumnName>,
    /// What each row must be.
    pub chosen: Vec<Chosen>,
    /// Words that each row must have.
    pub search: Option<String>,
    /// The order; that of the key when there is none.
    pub order: Option<Order>,
    /// Rows of a page.
    pub rows: u32,
    /// Where the page is.
    pub at: At,
}

/// A condition on one column.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The column.
    pub column: ColumnName,
    /// How it is compared.
    pub operator: Operator,
    /// With what.
    pub value: Given,
}

/// How a column is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// It is the same.
    Equals,
    /// It is this or more.
    AtLeast,
    /// It is this or less.
    AtMost,
}

/// Where a page is.
#[derive(Clone, Debug, PartialEq)]
pub enum At {
    /// The first one.
    First,
    /// Behind a row.
    After(Cursor),
    /// In front of a row.
    Before(Cursor),
}

/// A row's place in an order.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor {
    /// Its value in the column of the order.
    pub value: Given,
    /// Its key.
    pub key: Given,
}

/// A page of a list.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Its rows, in order.
    pub rows: Vec<Row>,
    /// The place of the first row, when there are rows before it.
    pub previous: Option<Cursor>,
    /// The place of the last row, when there are rows behind it.
    pub next: Option<Cursor>,
}

impl Cursor {
    /// As it stands in an address: `["Lisbon",42]`.
    pub fn written(&self) -> String {
        serde_json::to_string(&(&self.value, &self.key)).unwrap_or_default()
    }

    /// The place that `text` names in an order by a column of this type, with a key of that.
    pub fn parse(text: &str, column: ColumnType, key: ColumnType) -> Option<Self> {
        let (value, of_key): (serde_json::Value, serde_json::Value) = serde_json::from_str(text).ok()?;
        let value = if value.is_null() { Given::Nothing } else { given(&value, column)? };
        Some(Self { value, key: given(&of_key, key)? })
    }
}

fn given(value: &serde_json::Value, kind: ColumnType) -> Option<Given> {
    match kind {
        ColumnType::Integer => value.as_i64().map(Given::Integer),
        ColumnType::Real => value.as_f64().map(Given::Real),
        ColumnType::Text => value.as_str().filter(|text| !text.contains('\0')).map(|text| Given::Text(text.to_owned())),
        ColumnType::Blob => None,
    }
}

/// The rows that have a value in the column of the order, or those that have none.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stretch {
    With,
    Without,
}

/// Which way a page is read: the rows in front of one are read backwards.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Forwards,
    Backwards,
}

pub(super) fn page(
    sql: &Sql<'_>,
    tables: &BTreeMap<TableName, Table>,
    open: &Open,
    wanted: &Wanted,
) -> Result<Page, StoreError> {
    let table = tables.get(&wanted.table);
    let table = table.ok_or_else(|| StoreError::NoSuchTable { name: wanted.table.clone() })?;
    let (way, from) = match &wanted.at {
        At::First => (Way::Forwards, None),
        At::After(cursor) => (Way::Forwards, Some(cursor)),
        At::Before(cursor) => (Way::Backwards, Some(cursor)),
    };
    let by_key = wanted.order.as_ref().is_none_or(|order| order.column == table.key);
    let mut stretches = match (by_key, way) {
        (true, _) => vec![Stretch::With],
        (false, Way::Forwards) => vec![Stretch::With, Stretch::Without],
        (false, Way::Backwards) => vec![Stretch::Without, Stretch::With],
    };
    if let Some(cursor) = from.filter(|_| !by_key) {
        let of_cursor = if cursor.value == Given::Nothing { Stretch::Without } else { Stretch::With };
        let at = stretches.iter().position(|stretch| *stretch == of_cursor).unwrap_or(0);
        stretches.drain(..at);
    }
    // One more than is shown says whether there are more.
    let mut room = wanted.rows as usize + 1;
    let mut left = MOST_BYTES;
    let mut rows: Vec<(Row, Cursor)> = Vec::with_capacity(room);
    let searched = open.get(&wanted.table).map(|open| open.search.as_slice()).unwrap_or_default();
    for (number, stretch) in stretches.into_iter().enumerate() {
        if room == 0 {
            break;
        }
        let from = from.filter(|_| number == 0);
        let question = Question { dialect: sql.dialect(), table, searched, wanted, by_key, way };
        let (statement, values) = question.of(stretch, from, room);
        let found = sql.rows(&statement, &values, |row| {
            let (row, bytes) = row::named(row)?;
            let too_much = || StoreError::TooMuchRead { rows: MOST_ROWS, bytes: MOST_BYTES };
            left = left.checked_sub(bytes).ok_or_else(too_much)?;
            Ok(with_cursor(row))
        })?;
        room = room.saturating_sub(found.len());
        rows.extend(found);
    }
    let has_more = room == 0;
    rows.truncate(wanted.rows as usize);
    if way == Way::Backwards {
        rows.reverse();
    }
    let (before, behind) = match way {
        Way::Forwards => (from.is_some(), has_more),
        Way::Backwards => (has_more, true),
    };
    let previous = rows.first().filter(|_| before).map(|(_, cursor)| cursor.clone());
    let next = rows.last().filter(|_| behind).map(|(_, cursor)| cursor.clone());
    Ok(Page { rows: rows.into_iter().map(|(row, _)| row).collect(), previous, next })
}

/// The names of the two columns that are read for the cursor alone.
const AT_VALUE: &str = "littoral_at_value";
const AT_KEY: &str = "littoral_at_key";

fn with_cursor(mut row: Row) -> (Row, Cursor) {
    let mut take = |name: &str| match row.shift_remove(name) {
        Some(serde_json::Value::String(text)) => Given::Text(text),
        Some(serde_json::Value::Number(number)) => match number.as_i64() {
            Some(number) => Given::Integer(number),
            None => number.as_f64().map_or(Given::Nothing, Given::Real),
        },
        _ => Given::Nothing,
    };
    let cursor = Cursor { value: take(AT_VALUE), key: take(AT_KEY) };
    (row, cursor)
}

struct Question<'q> {
    dialect: Dialect,
    table: &'q Table,
    searched: &'q [ColumnName],
    wanted: &'q Wanted,
    by_key: bool,
    way: Way,
}

impl<'q> Question<'q> {
    /// The statement for one stretch, and its parameters.
    fn of(&self, stretch: Stretch, from: Option<&'q Cursor>, rows: usize) -> (String, Vec<Value<'q>>) {
        let key = self.table.key.quoted();
        let order = self.wanted.order.as_ref();
        let column = order.filter(|_| !self.by_key).map(|order| order.column.quoted());
        let direction = order.map_or(Direction::Ascending, |order| order.direction);
        let direction = match (direction, self.way) {
            (direction, Way::Forwards) => direction,
            (Direction::Ascending, Way::Backwards) => Direction::Descending,
            (Direction::Descending, Way::Backwards) => Direction::Ascending,
        };
        let beyond = if direction == Direction::Ascending { ">" } else { "<" };
        let mut values: Vec<Value<'q>> = Vec::new();
        let mut conditions: Vec<String> = Vec::new();
        for chosen in &self.wanted.chosen {
            values.push(value(&chosen.value));
            let operator = match chosen.operator {
                Operator::Equals => "=",
                Operator::AtLeast => ">=",
                Operator::AtMost => "<=",
            };
            conditions.push(format!("{} {operator} ${}", chosen.column.quoted(), values.len()));
        }
        if let Some(words) = self.wanted.search.as_deref().and_then(|typed| words(typed, self.dialect)) {
            values.push(Value::Text(words.into()));
            conditions.push(self.search(values.len()));
        }
        match (&column, stretch) {
            (Some(column), Stretch::With) => conditions.push(format!("{column} IS NOT NULL")),
            (Some(column), Stretch::Without) => conditions.push(format!("{column} IS NULL")),
            (None, _) => {}
        }
        if let Some(cursor) = from {
            match (&column, stretch) {
                (Some(column), Stretch::With) => {
                    values.extend([value(&cursor.value), value(&cursor.key)]);
                    let (of_value, of_key) = (values.len() - 1, values.len());
                    conditions.push(format!("({column}, {key}) {beyond} (${of_value}, ${of_key})"));
                }
                _ => {
                    values.push(value(&cursor.key));
                    conditions.push(format!("{key} {beyond} ${}", values.len()));
                }
            }
        }
        let columns: Vec<String> = self.wanted.columns.iter().map(ColumnName::quoted).collect();
        let at_value = column.as_ref().unwrap_or(&key);
        let mut statement = format!(
            "SELECT {}, {at_value} AS {AT_VALUE}, {key} AS {AT_KEY} FROM {}",
            columns.join(", "),
            self.table.name.quoted()
        );
        if !conditions.is_empty() {
            statement.push_str(&format!(" WHERE {}", conditions.join(" AND ")));
        }
        let word = word(direction);
        match (&column, stretch) {
            (Some(column), Stretch::With) => statement.push_str(&format!(" ORDER BY {column} {word}, {key} {word}")),
            _ => statement.push_str(&format!(" ORDER BY {key} {word}")),
        }
        statement.push_str(&format!(" LIMIT {rows}"));
        (statement, values)
    }

    /// Rows that have the words in the parameter of this number.
    fn search(&self, number: usize) -> String {
        let columns: Vec<&ColumnName> =
            self.searched.iter().filter(|column| self.table.column(column).is_some()).collect();
        let name = index::search_name(&self.table.name, &columns);
        match self.dialect {
            Dialect::Sqlite => {
                format!("{}.rowid IN (SELECT rowid FROM {name} WHERE {name} MATCH ${number})", self.table.name.quoted())
            }
            Dialect::Postgres => format!("{} @@ to_tsquery('simple', ${number})", index::document(&columns)),
        }
    }
}

/// What was typed, as each engine's search takes it: all of its words, the last one also as
/// the beginning of a longer one. Nothing else that can be typed means anything.
fn words(typed: &str, dialect: Dialect) -> Option<String> {
    let words = typed.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).take(MOST_WORDS);
    let words: Vec<&str> = words.collect();
    let (last, before) = words.split_last()?;
    Some(match dialect {
        Dialect::Sqlite => before.iter().map(|word| format!("\"{word}\" ")).chain([format!("\"{last}\"*")]).collect(),
        Dialect::Postgres => before.iter().map(|word| format!("'{word}' & ")).chain([format!("'{last}':*")]).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        for (value, column) in [
            (Given::Text("Lis\"bon, été".to_owned()), ColumnType::Text),
            (Given::Integer(i64::MIN), ColumnType::Integer),
            (Given::Real(0.1), ColumnType::Real),
            (Given::Nothing, ColumnType::Text),
        ] {
            let cursor = Cursor { value, key: Given::Integer(7) };
            assert_eq!(Cursor::parse(&cursor.written(), column, ColumnType::Integer), Some(cursor));
        }
    }

    #[test]
    fn what_is_no_place_in_the_order_is_no_cursor() {
        for text in ["", "[]", "[1]", "[1,2,3]", "[\"a\",1]", "[1,null]", "[1.5,1]", "{}", "[1,\"x\"]", "[[1],1]"] {
            assert_eq!(Cursor::parse(text, ColumnType::Integer, ColumnType::Integer), None, "{text}");
        }
    }

    #[test]
    fn operators_of_the_search_are_words_like_others() {
        assert_eq!(words("NOT a* OR \"b", Dialect::Sqlite), Some("\"NOT\" \"a\" \"OR\" \"b\"*".to_owned()));
        assert_eq!(words("a & !b' :* c", Dialect::Postgres), Some("'a' & 'b' & 'c':*".to_owned()));
        assert_eq!(words(" -- ", Dialect::Sqlite), None);
    }
}
