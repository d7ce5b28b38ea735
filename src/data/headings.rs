//! The columns of a file: what its author calls them, and what they are called in a table.

use rustc_hash::FxHashMap;

use super::bad_row::Place;
use super::limits::COLUMNS;
use crate::site::table::{ColumnName, ColumnType};

/// The columns of a file. Either they are gathered as they come, or they were declared
/// before, and then no other may come.
#[derive(Debug, Default)]
pub(super) struct Headings {
    list: Vec<Heading>,
    by_text: FxHashMap<String, usize>,
    by_name: FxHashMap<ColumnName, usize>,
    are_declared: bool,
}

/// A column of the file.
#[derive(Debug)]
pub(super) struct Heading {
    pub(super) name: ColumnName,
    /// As the file has it; none while it has not been seen there.
    pub(super) text: Option<String>,
    /// From 1, where columns have an order.
    pub(super) number: Option<usize>,
    /// What a database says that it holds.
    pub(super) declared: Option<ColumnType>,
}

/// Why a heading cannot be a column.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotAColumn {
    /// It is not among those that were declared.
    NotDeclared(String),
    /// Nothing else can be done with this file.
    Refused(String),
}

impl Headings {
    pub(super) fn declared(names: impl IntoIterator<Item = ColumnName>) -> Self {
        let mut headings = Self::default();
        for name in names {
            headings.add(name, None);
        }
        headings.are_declared = true;
        headings
    }

    /// The place of the column with this heading.
    pub(super) fn index_of(&mut self, text: &str) -> Result<usize, NotAColumn> {
        if let Some(index) = self.by_text.get(text) {
            return Ok(*index);
        }
        let name = ColumnName::of_heading(text).ok_or_else(|| {
            let shown = super::bad_row::shortened(text);
            NotAColumn::Refused(format!(
                "no name can be made of the heading `{shown}`: it needs letters or figures (a to z, 0 to 9)"
            ))
        })?;
        let index = match self.by_name.get(&name) {
            Some(index) => *index,
            None if self.are_declared => return Err(NotAColumn::NotDeclared(super::bad_row::shortened(text))),
            None if self.list.len() == COLUMNS => {
                return Err(NotAColumn::Refused(format!("there are more than {COLUMNS} columns")));
            }
            None => self.add(name, None),
        };
        let heading = self.list.get_mut(index);
        if let Some(other) = heading.as_ref().and_then(|heading| heading.text.as_ref()) {
            return Err(NotAColumn::Refused(format!(
                "the headings `{}` and `{}` would both be the column `{}`: rename one of them",
                super::bad_row::shortened(other),
                super::bad_row::shortened(text),
                self.list.get(index).map_or("", |heading| heading.name.as_str())
            )));
        }
        if let Some(heading) = heading {
            heading.text = Some(text.to_owned());
        }
        self.by_text.insert(text.to_owned(), index);
        Ok(index)
    }

    fn add(&mut self, name: ColumnName, text: Option<String>) -> usize {
        let index = self.list.len();
        self.by_name.insert(name.clone(), index);
        self.list.push(Heading { name, text, number: None, declared: None });
        index
    }

    /// Notes the number of the column, and what it is said to hold.
    pub(super) fn note(&mut self, index: usize, number: usize, declared: Option<ColumnType>) {
        if let Some(heading) = self.list.get_mut(index) {
            (heading.number, heading.declared) = (Some(number), declared);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Heading> {
        self.list.iter()
    }

    /// Where the column with this name is, if the file has it.
    pub(super) fn in_file(&self, name: &ColumnName) -> Option<usize> {
        let index = *self.by_name.get(name)?;
        self.list.get(index)?.text.as_ref().map(|_| index)
    }

    /// Their names, for whoever has misspelt one.
    pub(super) fn shown(&self) -> String {
        let names: Vec<&str> =
            self.list.iter().filter(|heading| heading.text.is_some()).map(|heading| heading.name.as_str()).collect();
        names.join(", ")
    }

    pub(super) fn place(&self, index: usize) -> Place {
        match self.list.get(index) {
            Some(heading) => Place { number: heading.number, name: heading.name.to_string() },
            None => Place { number: None, name: String::new() },
        }
    }
}
