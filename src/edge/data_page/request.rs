//! What a request says to a data page: its parameters, its list, its form.

use std::collections::BTreeMap;

use hyper::header::{ACCEPT, HeaderMap};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::ready::Ready;
use crate::edge::refusal::Refusal;
use crate::site::data_page::{DataPage, Direction, Filter, Format, List, Order};
use crate::site::parameter::{Given, Parameter};
use crate::site::table::ColumnName;
use crate::store::site_reads::{self, At, By, Chosen, Cursor, Operator};

/// The longest question of a search, in characters.
const LONGEST_QUESTION: u32 = 200;
/// The longest cursor, in bytes: a text in an order may be long.
const LONGEST_CURSOR: usize = 2_048;

/// What the path of a request says.
#[derive(Debug)]
pub(super) struct Asked {
    /// The parameters in the path.
    pub(super) values: Vec<(String, String)>,
    /// The form that its end names.
    pub(super) format: Option<Format>,
    /// Whether there is a slash at its end.
    pub(super) has_slash: bool,
}

/// What is to be read.
pub(super) struct Wanted {
    /// Each parameter of the page.
    pub(super) given: BTreeMap<String, Given>,
    pub(super) list: Option<WantedList>,
}

/// A page of the list that is to be read.
pub(in crate::edge) struct WantedList {
    pub(in crate::edge) page: site_reads::Wanted,
    /// What the reader has chosen, as it was said.
    pub(super) chosen: BTreeMap<String, String>,
    orders: Vec<Order>,
    /// All that is said in the query string but the place in the list.
    said: Vec<(String, String)>,
}

/// What the request wants of `page`, or what is wrong with it.
pub(super) fn wanted(page: &DataPage, ready: &Ready, asked: &Asked, query: &str) -> Result<Wanted, Refusal> {
    let mut said = said(query)?;
    let mut given = BTreeMap::new();
    for (name, parameter) in &page.parameters {
        let in_path = asked.values.iter().find(|(known, _)| known == name);
        let value = match (in_path, said.remove(name)) {
            // What is no value of a path is no page.
            (Some((_, text)), _) => parameter.read(text).map_err(|_| Refusal::NotFound)?,
            (None, Some(text)) => read(parameter, name, &text)?,
            (None, None) => absent(parameter),
        };
        given.insert(name.clone(), value);
    }
    let mut own = Vec::new();
    for (name, value) in given.iter().filter(|(name, _)| !page.is_in_path(name)) {
        let is_said = page.parameters.get(name).is_some_and(|parameter| absent(parameter) != *value);
        own.extend(value.written().filter(|_| is_said).map(|text| (name.clone(), text)));
    }
    let list = page.list.as_ref().map(|list| wanted_list(list, ready, &given, &said, own)).transpose()?;
    Ok(Wanted { given, list })
}

fn invalid(words: String) -> Refusal {
    Refusal::Invalid(words.into())
}

/// The value that is said, or what was expected, in words for a reader.
fn read(parameter: &Parameter, name: &str, text: &str) -> Result<Given, Refusal> {
    parameter.read(text).map_err(|expected| invalid(format!("“{name}” must be {expected}")))
}

/// The value when nothing is said.
fn absent(parameter: &Parameter) -> Given {
    parameter.default_value().cloned().unwrap_or(Given::Nothing)
}

/// The query string. Names that nobody declared are the business of others (`utm_source`);
/// a name that comes twice is a question that cannot be answered.
pub(in crate::edge) fn said(query: &str) -> Result<BTreeMap<String, String>, Refusal> {
    let mut said = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name)?, decoded(value)?);
        if said.contains_key(&name) {
            return Err(invalid(format!("“{name}” was said twice")));
        }
        said.insert(name, value);
    }
    Ok(said)
}

fn decoded(text: &str) -> Result<String, Refusal> {
    let text = text.replace('+', " ");
    let decoded = percent_encoding::percent_decode_str(&text).decode_utf8();
    decoded.map(|text| text.into_owned()).map_err(|_| {
        Refusal::BadRequest("The part of the address after `?` is not in the form that is expected.".into())
    })
}

/// The page of `list` that is wanted. `own`: what else its addresses say.
pub(in crate::edge) fn wanted_list(
    list: &List,
    ready: &Ready,
    given: &BTreeMap<String, Given>,
    said: &BTreeMap<String, String>,
    own: Vec<(String, String)>,
) -> Result<WantedList, Refusal> {
    // A list of a table that is not there was told when the pages were made ready.
    let missing = || Refusal::Unavailable(super::ready::SOON);
    let table = ready.reads.table(&list.table).ok_or_else(missing)?;
    let open = ready.reads.open(&list.table).ok_or_else(missing)?;
    let columns = if list.columns.is_empty() { &open.columns } else { &list.columns };
    let kind_of = |column: &ColumnName| table.column(column).map(|column| column.kind).ok_or_else(missing);
    let mut chosen = Vec::new();
    let mut shown = BTreeMap::new();
    for (column, parameter) in &list.fixed {
        match given.get(parameter) {
            None | Some(Given::Nothing) => {}
            Some(value) => {
                let (column, value) = (column.clone(), value.clone());
                chosen.push(Chosen { column, operator: Operator::Equals, value, by: By::Page })
            }
        }
    }
    let mut choose = |column: &ColumnName, name: String, operator| -> Result<(), Refusal> {
        // An empty field of a form chooses nothing.
        let Some(text) = said.get(&name).filter(|text| !text.is_empty()) else { return Ok(()) };
        let value = read(&Parameter::of_column(kind_of(column)?), &name, text)?;
        chosen.push(Chosen { column: column.clone(), operator, value, by: By::Reader });
        shown.insert(name, text.clone());
        Ok(())
    };
    for (column, filter) in &list.filters {
        match filter {
            Filter::Equals => choose(column, column.to_string(), Operator::Equals)?,
            Filter::Range => {
                choose(column, format!("{column}_min"), Operator::AtLeast)?;
                choose(column, format!("{column}_max"), Operator::AtMost)?;
            }
        }
    }
    let search = match said.get("q").filter(|q| list.search && !q.trim().is_empty()) {
        None => None,
        Some(q) => {
            read(&Parameter::text(LONGEST_QUESTION), "q", q)?;
            Some(q.trim().to_owned())
        }
    };
    let order = match said.get("sort").filter(|_| list.sort.len() > 1) {
        None => list.sort.first().cloned(),
        Some(name) => {
            read(&Parameter::one_of(list.sort.iter().map(Order::to_string).collect()), "sort", name)?;
            list.sort.iter().find(|order| order.to_string() == *name).cloned()
        }
    };
    let by = order.as_ref().map_or(&table.key, |order| &order.column);
    let cursor = |name: &str| {
        let read = said.get(name).map(|text| {
            let text = Some(text).filter(|text| text.len() <= LONGEST_CURSOR);
            let cursor = text.and_then(|text| Cursor::parse(text, kind_of(by).ok()?, kind_of(&table.key).ok()?));
            cursor.ok_or_else(|| invalid(format!("“{name}” is no place in this list: follow its links")))
        });
        read.transpose()
    };
    let at = match (cursor("after")?, cursor("before")?) {
        (None, None) => At::First,
        (Some(cursor), None) => At::After(cursor),
        (None, Some(cursor)) => At::Before(cursor),
        (Some(_), Some(_)) => {
            return Err(invalid("a page of a list is after a row or before one, not both".to_owned()));
        }
    };
    let asked = list.asked();
    let keeps = |name: &str| !matches!(name, "after" | "before") && asked.iter().any(|known| known == name);
    let kept = said
        .iter()
        .filter(|(name, text)| keeps(name) && !text.is_empty())
        .map(|(name, text)| (name.clone(), text.clone()))
        .chain(own)
        .collect();
    Ok(WantedList {
        page: site_reads::Wanted {
            table: list.table.clone(),
            columns: columns.clone(),
            chosen,
            search,
            order,
            rows: list.per_page,
            at,
        },
        chosen: shown,
        orders: list.sort.clone(),
        said: kept,
    })
}

impl WantedList {
    /// The address of another page of the list; of the first one without a name.
    pub(in crate::edge) fn address(&self, path: &str, name: &str, value: &str) -> String {
        let more = Some((name.to_owned(), value.to_owned())).filter(|(name, _)| !name.is_empty());
        with_query(path, self.said.iter().cloned().chain(more))
    }

    /// The orders that a reader may choose, each with the address of its first page.
    pub(super) fn orders(&self, path: &str) -> Vec<Value> {
        let current = self.page.order.as_ref();
        let orders = self.orders.iter().map(|order| {
            let others = self.said.iter().filter(|(name, _)| name != "sort").cloned();
            let url = with_query(path, others.chain([("sort".to_owned(), order.to_string())]));
            order_shown(order, current, &url)
        });
        orders.collect()
    }
}

/// An order, as a template gets it.
pub(in crate::edge) fn order_shown(order: &Order, current: Option<&Order>, url: &str) -> Value {
    json!({
        "name": order.to_string(),
        "column": order.column,
        "is_descending": order.direction == Direction::Descending,
        "is_current": Some(order) == current,
        "url": url,
    })
}

fn with_query(path: &str, said: impl Iterator<Item = (String, String)>) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> =
        said.map(|(name, value)| format!("{}={}", name.replace('/', "%2F"), encode(&value))).collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

/// The form that the reader likes best (RFC 9110 §12.5.1); the first when they do not say.
pub(super) fn preferred(formats: &[Format], headers: &HeaderMap) -> Format {
    let usual = formats.first().copied().unwrap_or(Format::Html);
    let Some(accept) = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()) else { return usual };
    let mut best: Option<(f32, Format)> = None;
    for range in accept.split(',').take(32) {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f32>().ok());
        let Some(quality) = quality.filter(|q| (0.001..=1.0).contains(q)) else { continue };
        let format = match media {
            "text/html" | "application/xhtml+xml" => Format::Html,
            "application/json" => Format::Json,
            "text/csv" => Format::Csv,
            "application/xml" | "text/xml" => Format::Xml,
            _ => continue,
        };
        if formats.contains(&format) && best.is_none_or(|(known, _)| quality > known) {
            best = Some((quality, format));
        }
    }
    best.map_or(usual, |(_, format)| format)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefers(accept: &str) -> Format {
        let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
        preferred(&[Format::Html, Format::Json, Format::Xml], &headers)
    }

    #[test]
    fn a_browser_gets_the_page_and_a_program_what_it_asks_for() {
        assert_eq!(prefers("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), Format::Html);
        assert_eq!(prefers("application/json"), Format::Json);
        assert_eq!(prefers("text/csv"), Format::Html);
        assert_eq!(prefers("text/html;q=0.2, application/json;q=0.9"), Format::Json);
        assert_eq!(prefers("application/json;q=0, */*"), Format::Html);
        assert_eq!(prefers("*/*"), Format::Html);
    }
}
