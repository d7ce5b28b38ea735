//! The rows that a data page is for: `each:`, from which its addresses can be listed.
//!
//! Without it a page answers whatever path it is asked for; with it the edge can say which paths
//! there are: to search engines (`sitemap: true`), and to who searches the site (`search: true`).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{List, Route};
use crate::site::parameter::{Given, Parameter};
use crate::site::table::{ColumnName, ColumnType, TableName};

/// How the path of a sitemap that the edge makes begins.
pub const SITEMAP: &str = "/sitemap-";

/// The path of the sitemap of the data page whose template is `name` (`pages/cities`), without
/// its end: `.xml` for the index, `-1.xml` for a part.
pub fn sitemap_of(name: &str) -> String {
    let name = name.strip_prefix(super::FOLDER).unwrap_or(name);
    format!("{SITEMAP}{}", name.replace('/', "-"))
}

/// The longest address that a search engine takes, in bytes (sitemaps.org 0.9).
const LONGEST_URL: usize = 2_047;

/// The rows that a data page is for.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Each {
    /// The table.
    pub table: TableName,
    /// Parameter of the route → the column that has its value; one of its own name when nothing
    /// is said.
    #[serde(default)]
    pub parameters: BTreeMap<String, ColumnName>,
    /// Column → the value that a row must have to be listed.
    #[serde(default, rename = "where")]
    pub fixed: BTreeMap<ColumnName, Given>,
    /// The column that a row is called by, in a list of what was found.
    pub title: Option<ColumnName>,
    /// The column that says more of it.
    pub text: Option<ColumnName>,
    /// The column with the day on which a row was changed.
    pub changed: Option<ColumnName>,
    /// What its rows are called together, in a list of what was found.
    pub heading: Option<String>,
}

impl Each {
    /// The column for each parameter of `route`.
    pub fn columns(&self, route: &Route) -> BTreeMap<String, ColumnName> {
        let own = |name: &str| self.parameters.get(name).cloned().or_else(|| name.parse().ok());
        route.parameters().filter_map(|name| Some((name.to_owned(), own(name)?))).collect()
    }

    /// What contradicts the route.
    pub(super) fn mistake(&self, route: &Route) -> Option<String> {
        if route.parameters().next().is_none() {
            return Some(format!("`{route}` has no parameter, so it is one page and not one for each row"));
        }
        let unknown = self.parameters.keys().find(|name| !route.parameters().any(|known| known == *name));
        if let Some(name) = unknown {
            return Some(format!("`{name}` is no parameter of the route `{route}`"));
        }
        // Each parameter has a column, or its own name is one.
        let columns = self.columns(route);
        let without = route.parameters().find(|name| !columns.contains_key(*name));
        without.map(|name| format!("no column is named for the parameter `{name}`"))
    }

    /// The list of these rows, by their key.
    pub fn list(&self, route: &Route) -> List {
        let more = [&self.title, &self.text, &self.changed].into_iter().flatten().cloned();
        let mut columns: Vec<ColumnName> = Vec::new();
        for column in self.columns(route).into_values().chain(more) {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        List {
            table: self.table.clone(),
            columns,
            fixed: self.fixed.keys().map(|column| (column.clone(), String::new())).collect(),
            filters: BTreeMap::new(),
            search: false,
            sort: Vec::new(),
            per_page: 1,
        }
    }

    /// The path of a row, encoded; none when no request could say it. `text` has the value of a
    /// column.
    pub fn path(
        &self,
        route: &Route,
        parameters: &BTreeMap<String, Parameter>,
        text: impl Fn(&ColumnName) -> Option<String>,
    ) -> Option<String> {
        let columns = self.columns(route);
        let path = route.path(|name| {
            let text = text(columns.get(name)?)?;
            let is_segment = !text.is_empty() && text != "." && text != ".." && !text.contains('/');
            let is_read = parameters.get(name).is_some_and(|parameter| parameter.read(&text).is_ok());
            (is_segment && is_read).then_some(text)
        })?;
        (path.len() <= LONGEST_URL).then_some(path)
    }
}

/// Whether a value can be compared with a column of this type.
pub fn fits(given: &Given, kind: ColumnType) -> bool {
    matches!(
        (given, kind),
        (Given::Boolean(_) | Given::Integer(_), ColumnType::Integer)
            | (Given::Integer(_) | Given::Real(_), ColumnType::Real)
            | (Given::Text(_), ColumnType::Text)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each(yaml: &str) -> Each {
        serde_yaml::from_str(yaml).unwrap()
    }

    fn route(text: &str) -> Route {
        Route::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn a_row_has_the_path_that_its_columns_say() {
        let (each, route) = (each("{ table: city, parameters: { land: country } }"), route("/cities/{land}/{id}"));
        let parameters: BTreeMap<String, Parameter> =
            [("land".to_owned(), Parameter::text(5)), ("id".to_owned(), Parameter::of_column(ColumnType::Integer))]
                .into();
        let path = |land: &str, id: &str| {
            let (land, id) = (land.to_owned(), id.to_owned());
            each.path(&route, &parameters, |column| {
                Some(if column.as_str() == "country" { land.clone() } else { id.clone() })
            })
        };
        assert_eq!(path("é <&", "7").as_deref(), Some("/cities/%C3%A9%20%3C%26/7"));
        // What no request can say is no page.
        for (land, id) in [("", "7"), ("a/b", "7"), ("..", "7"), ("portugal", "7"), ("pt", "seven"), ("a\0", "7")] {
            assert_eq!(path(land, id), None, "{land} {id}");
        }
    }

    #[test]
    fn what_contradicts_the_route_is_told() {
        let said = |yaml: &str, at: &str| each(yaml).mistake(&route(at));
        assert_eq!(said("{ table: city }", "/cities/{id}"), None);
        assert!(said("{ table: city }", "/cities").unwrap().contains("has no parameter"));
        assert!(said("{ table: city, parameters: { x: id } }", "/c/{id}").unwrap().contains("`x` is no parameter"));
    }

    #[test]
    fn a_value_is_compared_with_its_own_kind() {
        let fixed = each("{ table: city, where: { a: true, b: 7, c: 0.5, d: x } }").fixed;
        let kinds = [ColumnType::Integer, ColumnType::Integer, ColumnType::Real, ColumnType::Text];
        assert!(fixed.values().zip(kinds).all(|(given, kind)| fits(given, kind)));
        assert!(!fits(&Given::Text("7".to_owned()), ColumnType::Integer) && !fits(&Given::Nothing, ColumnType::Text));
    }
}
