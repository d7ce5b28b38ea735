//! One page of a list, by keyset: the rows after the last one that was seen, however many
//! stand before it.
//!
//! Rows come in the order of one column, and of the key where that is equal. Those without a
//! value come last, whatever the direction; since no comparison holds for them, they are a
//! stretch of their own: a page is read from one stretch and, while it has room, from the
//! next.
//!
//! With a search, PostgreSQL is not left to choose between the index of the order and that of
//! the words: it guesses how many rows have a word, and one wrong guess reads the whole table.
//! A word that many rows have is met soon on the way through the order; so a few rows are
//! walked first. When they do not fill the page the word is rare enough that all its rows are
//! gathered by the index of words, and sorted.

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
/// Rows that are walked in search of one: a word that one row in ten has is found so.
const WALKED: usize = 10;

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
    /// Who wants it.
    pub by: By,
}

/// Who wants a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The page, always: its indexes begin with these columns.
    Page,
    /// The reader, this time.
    Reader,
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
        let question = Question { dialect: sql.dialect(), table, searched, wanted, by_key, way, stretch, from, room };
        let (found, bytes) = question.ask(sql, left)?;
        left -= bytes;
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

/// The key of the row that is the last of the next `rows`, if there are more behind it.
pub(super) fn last_of_next(
    sql: &Sql<'_>,
    tables: &BTreeMap<TableName, Table>,
    wanted: &Wanted,
    rows: u32,
) -> Result<Option<Given>, StoreError> {
    let table = tables.get(&wanted.table);
    let table = table.ok_or_else(|| StoreError::NoSuchTable { name: wanted.table.clone() })?;
    let from = match &wanted.at {
        At::After(cursor) => Some(cursor),
        At::First | At::Before(_) => None,
    };
    let question = Question {
        dialect: sql.dialect(),
        table,
        searched: &[],
        wanted,
        by_key: true,
        way: Way::Forwards,
        stretch: Stretch::With,
        from,
        room: 2,
    };
    let (statement, values) = question.at_once();
    let found = sql.rows(&format!("{statement} OFFSET {}", rows.saturating_sub(1)), &values, |row| {
        Ok(with_cursor(row::named(row)?.0).1.key)
    })?;
    // The second of the two says that there are more.
    Ok(<[Given; 2]>::try_from(found).ok().map(|[last, _]| last))
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
    stretch: Stretch,
    from: Option<&'q Cursor>,
    /// Rows that are wanted.
    room: usize,
}

/// A statement that grows, and its parameters.
#[derive(Default)]
struct Conditions<'q> {
    values: Vec<Value<'q>>,
    texts: Vec<String>,
}

impl<'q> Conditions<'q> {
    /// Takes a parameter in. Gives its number.
    fn bind(&mut self, value: Value<'q>) -> usize {
        self.values.push(value);
        self.values.len()
    }

    /// The conditions so far, for a statement or a part of one.
    fn take(&mut self) -> String {
        let texts = std::mem::take(&mut self.texts);
        if texts.is_empty() { String::new() } else { format!(" WHERE {}", texts.join(" AND ")) }
    }
}

impl<'q> Question<'q> {
    /// The rows, and how many bytes they have, which are `left` at most.
    fn ask(&self, sql: &Sql<'_>, left: usize) -> Result<(Vec<(Row, Cursor)>, usize), StoreError> {
        let ask = |(statement, values): (String, Vec<Value<'_>>)| {
            let mut all = 0;
            let rows = sql.rows(&statement, &values, |row| {
                let (row, bytes) = row::named(row)?;
                all += bytes;
                if all > left {
                    return Err(StoreError::TooMuchRead { rows: MOST_ROWS, bytes: MOST_BYTES });
                }
                Ok(with_cursor(row))
            })?;
            Ok::<_, StoreError>((rows, all))
        };
        let words = self.wanted.search.as_deref().and_then(|typed| words(typed, self.dialect));
        let Some(words) = words.filter(|_| self.dialect == Dialect::Postgres) else {
            return ask(self.at_once());
        };
        let walked = ask(self.walked(&words))?;
        if walked.0.len() >= self.room { Ok(walked) } else { ask(self.gathered(&words)) }
    }

    /// In one statement.
    fn at_once(&self) -> (String, Vec<Value<'q>>) {
        let mut conditions = Conditions::default();
        self.choose(&mut conditions, |_| true);
        if let Some(words) = self.wanted.search.as_deref().and_then(|typed| words(typed, self.dialect)) {
            self.search(&mut conditions, &words);
        }
        self.place(&mut conditions);
        let (table, rows) = (self.table.name.quoted(), self.room);
        let statement =
            format!("SELECT {} FROM {table}{}{} LIMIT {rows}", self.shown(), conditions.take(), self.order());
        (statement, conditions.values)
    }

    /// Those of the next few rows in the order that have the words. What is inside is a stretch
    /// of one index, so that it costs the same whatever is searched for.
    fn walked(&self, words: &str) -> (String, Vec<Value<'q>>) {
        let mut conditions = Conditions::default();
        self.choose(&mut conditions, |by| by == By::Page);
        self.place(&mut conditions);
        let (table, order, rows) = (self.table.name.quoted(), self.order(), self.room);
        let walked = format!(
            "SELECT {} FROM {table}{}{order} LIMIT {}",
            self.needed(),
            conditions.take(),
            rows.saturating_mul(WALKED)
        );
        self.choose(&mut conditions, |by| by == By::Reader);
        self.search(&mut conditions, words);
        let having = conditions.take();
        let statement = format!("SELECT {} FROM ({walked}) AS walked{having}{order} LIMIT {rows}", self.shown());
        (statement, conditions.values)
    }

    /// All rows that have the words, sorted. `OFFSET 0` keeps the order out of the choice of
    /// the index.
    fn gathered(&self, words: &str) -> (String, Vec<Value<'q>>) {
        let mut conditions = Conditions::default();
        self.choose(&mut conditions, |_| true);
        self.search(&mut conditions, words);
        self.place(&mut conditions);
        let gathered =
            format!("SELECT {} FROM {}{} OFFSET 0", self.needed(), self.table.name.quoted(), conditions.take());
        let (order, rows) = (self.order(), self.room);
        let statement = format!("SELECT {} FROM ({gathered}) AS gathered{order} LIMIT {rows}", self.shown());
        (statement, conditions.values)
    }

    /// The column of the order, when it is not the key.
    fn by(&self) -> Option<&'q ColumnName> {
        self.wanted.order.as_ref().filter(|_| !self.by_key).map(|order| &order.column)
    }

    fn direction(&self) -> Direction {
        let direction = self.wanted.order.as_ref().map_or(Direction::Ascending, |order| order.direction);
        match (direction, self.way) {
            (direction, Way::Forwards) => direction,
            (Direction::Ascending, Way::Backwards) => Direction::Descending,
            (Direction::Descending, Way::Backwards) => Direction::Ascending,
        }
    }

    /// What each row must be, of that which these want.
    fn choose(&self, conditions: &mut Conditions<'q>, wanted_by: impl Fn(By) -> bool) {
        for chosen in self.wanted.chosen.iter().filter(|chosen| wanted_by(chosen.by)) {
            let operator = match chosen.operator {
                Operator::Equals => "=",
                Operator::AtLeast => ">=",
                Operator::AtMost => "<=",
            };
            let number = conditions.bind(value(&chosen.value));
            conditions.texts.push(format!("{} {operator} ${number}", chosen.column.quoted()));
        }
    }

    /// In which stretch, and beyond which row.
    fn place(&self, conditions: &mut Conditions<'q>) {
        let key = self.table.key.quoted();
        let column = self.by().map(ColumnName::quoted);
        match (&column, self.stretch) {
            (Some(column), Stretch::With) => conditions.texts.push(format!("{column} IS NOT NULL")),
            (Some(column), Stretch::Without) => conditions.texts.push(format!("{column} IS NULL")),
            (None, _) => {}
        }
        let Some(cursor) = self.from else { return };
        let beyond = if self.direction() == Direction::Ascending { ">" } else { "<" };
        match (column, self.stretch) {
            (Some(column), Stretch::With) => {
                let (of_value, of_key) = (conditions.bind(value(&cursor.value)), conditions.bind(value(&cursor.key)));
                conditions.texts.push(format!("({column}, {key}) {beyond} (${of_value}, ${of_key})"));
            }
            _ => {
                let number = conditions.bind(value(&cursor.key));
                conditions.texts.push(format!("{key} {beyond} ${number}"));
            }
        }
    }

    fn order(&self) -> String {
        let (key, word) = (self.table.key.quoted(), word(self.direction()));
        match (self.by(), self.stretch) {
            (Some(column), Stretch::With) => format!(" ORDER BY {} {word}, {key} {word}", column.quoted()),
            _ => format!(" ORDER BY {key} {word}"),
        }
    }

    /// The columns of the answer, and those of the cursor.
    fn shown(&self) -> String {
        let key = &self.table.key;
        let columns: Vec<String> = self.wanted.columns.iter().map(ColumnName::quoted).collect();
        let at_value = self.by().unwrap_or(key).quoted();
        format!("{}, {at_value} AS {AT_VALUE}, {} AS {AT_KEY}", columns.join(", "), key.quoted())
    }

    /// The columns that anything of the question names, each once.
    fn needed(&self) -> String {
        let chosen = self.wanted.chosen.iter().map(|chosen| &chosen.column);
        let named = self.wanted.columns.iter().chain(chosen).chain(self.by()).chain([&self.table.key]);
        let mut needed: Vec<&ColumnName> = Vec::new();
        for column in named.chain(self.looked_into()) {
            if !needed.contains(&column) {
                needed.push(column);
            }
        }
        needed.into_iter().map(ColumnName::quoted).collect::<Vec<_>>().join(", ")
    }

    /// The columns that a search looks into.
    fn looked_into(&self) -> impl Iterator<Item = &'q ColumnName> {
        let table = self.table;
        self.searched.iter().filter(|column| table.column(column).is_some())
    }

    /// That a row has the words.
    fn search(&self, conditions: &mut Conditions<'q>, words: &str) {
        let number = conditions.bind(Value::Text(words.to_owned().into()));
        let columns: Vec<&ColumnName> = self.looked_into().collect();
        conditions.texts.push(match self.dialect {
            Dialect::Sqlite => {
                let (name, table) = (index::search_name(&self.table.name, &columns), self.table.name.quoted());
                format!("{table}.rowid IN (SELECT rowid FROM {name} WHERE {name} MATCH ${number})")
            }
            Dialect::Postgres => format!("{} @@ to_tsquery('simple', ${number})", index::document(&columns)),
        });
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
