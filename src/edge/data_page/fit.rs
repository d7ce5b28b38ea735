//! Whether a list fits its table: that it names only what is there, and open.

use std::collections::BTreeMap;

use crate::site::config::OpenTable;
use crate::site::data_page::{DataPage, List, fits};
use crate::site::parameter::Parameter;
use crate::site::table::{ColumnName, ColumnType};
use crate::store::StoreError;
use crate::store::tables::Table;

/// What of `list` its table does not have, or the site has not opened.
pub(in crate::edge) fn misfit(
    list: &List,
    parameters: &BTreeMap<String, Parameter>,
    open: Option<&OpenTable>,
    table: Option<&Table>,
) -> Option<String> {
    let name = &list.table;
    let Some(open) = open else {
        return Some(format!(
            "the table `{name}` is not open: name it and its columns under `edge.data` in littoral.yaml"
        ));
    };
    let Some(table) = table else {
        return Some(StoreError::NoSuchTable { name: name.clone() }.to_string());
    };
    let columns = if list.columns.is_empty() { &open.columns } else { &list.columns };
    let orders = list.sort.iter().map(|order| &order.column);
    let named = columns.iter().chain(list.fixed.keys()).chain(list.filters.keys()).chain(orders).chain([&table.key]);
    for column in named {
        if table.column(column).is_none() {
            return Some(format!("the table `{name}` has no column `{column}`"));
        }
        if !open.columns.contains(column) {
            return Some(format!(
                "the column `{column}` of `{name}` is not open: name it under `edge.data` in littoral.yaml"
            ));
        }
    }
    let kind = |column: &ColumnName| table.column(column).map(|column| column.kind);
    let by = list.sort.iter().map(|order| &order.column).chain(list.filters.keys());
    if let Some(column) = by.into_iter().find(|column| kind(column) == Some(ColumnType::Blob)) {
        return Some(format!("`{column}` holds bytes, by which nothing is sorted or chosen"));
    }
    for (column, parameter) in &list.fixed {
        let declared = parameters.get(parameter).map(Parameter::column);
        let fits =
            declared == kind(column) || (declared, kind(column)) == (Some(ColumnType::Integer), Some(ColumnType::Real));
        if !fits {
            return Some(format!("the parameter `{parameter}` is of another type than the column `{column}`"));
        }
    }
    (list.search && open.search.is_empty())
        .then(|| format!("`search` is wanted, and `edge.data.{name}.search` names no column"))
}

/// What keeps the rows of a table from other programs. They have addresses, in which their keys
/// stand.
pub(in crate::edge) fn misfit_of_api(list: &List, open: Option<&OpenTable>, table: Option<&Table>) -> Option<String> {
    let of_key = |table: &Table| {
        let kind = table.column(&table.key)?.kind;
        let is_said = matches!(kind, ColumnType::Integer | ColumnType::Text);
        (!is_said).then(|| format!("its key `{}` is a {}, and must be an integer or a text", table.key, kind.name()))
    };
    misfit(list, &BTreeMap::new(), open, table).or_else(|| of_key(table?))
}

/// What of the rows that `page` is for its table does not have, or the site has not opened.
pub(in crate::edge) fn misfit_of_rows(
    page: &DataPage,
    open: Option<&OpenTable>,
    table: Option<&Table>,
) -> Option<String> {
    let each = page.each.as_ref()?;
    let mut list = each.list(&page.route);
    // Columns of conditions are read as any; what they are compared with stands in the page.
    list.columns.extend(std::mem::take(&mut list.fixed).into_keys());
    list.search = page.search;
    let misfit = misfit(&list, &page.parameters, open, table);
    let kind = |column: &ColumnName| table.and_then(|table| table.column(column)).map(|column| column.kind);
    let unlike = || {
        let mut fixed = each.fixed.iter();
        let (column, _) = fixed.find(|(column, value)| !kind(column).is_some_and(|kind| fits(value, kind)))?;
        let holds = kind(column).map_or("nothing", ColumnType::name);
        Some(format!(
            "the column `{column}` holds {holds}, and the value that `where` compares it with is none: write `{column}: \"...\"` for a text, 1 and 0 for yes and no"
        ))
    };
    misfit.or_else(unlike)
}
