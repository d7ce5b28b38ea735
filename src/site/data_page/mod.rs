//! A data page as its author writes it: front matter, and a template below it.
//!
//! [`DataPage::parse`] is the only reader, for the build, which tells all mistakes with
//! their lines, and for the edge, which answers from it. What a query means is not known
//! here: that is asked of the store, by the edge.

mod each;
mod functions;
mod list;
mod route;
mod statement;

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use each::{Each, SITEMAP, fits, sitemap_of};
pub use functions::may_be_called;
pub use list::{Direction, Filter, List, Order};
pub use route::Route;
pub use statement::{NotTaken, Statement};

use super::audience::Audience;
use super::diagnostic::{Code, Diagnostic, Place, nearest};
use super::parameter::{self, Given, Parameter};
use super::{reserved, time_span, yaml};

/// The folder of data pages below `dynamic/`.
pub const FOLDER: &str = "pages/";

/// The mark above and below front matter.
const FENCE: &str = "---\n";
/// How long others may keep an answer at most.
const LONGEST_CACHE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// One template that answers for many paths.
#[derive(Clone, Debug, PartialEq)]
pub struct DataPage {
    /// Where it answers.
    pub route: Route,
    /// The line that says so.
    pub route_at: Place,
    /// For whom it is.
    pub audience: Audience,
    /// The line that says so.
    pub audience_at: Place,
    /// The line of the title.
    pub title_at: Place,
    /// The line of the list, if it has one.
    pub list_at: Place,
    /// A template for the title, of the same data.
    pub title: String,
    /// Those of the path and those of the query string.
    pub parameters: BTreeMap<String, Parameter>,
    /// What it reads, by the name that the template knows it by.
    pub queries: BTreeMap<String, Query>,
    /// A list, if it has one.
    pub list: Option<List>,
    /// The rows that it is for, if it says so.
    pub each: Option<Each>,
    /// The line that says so.
    pub each_at: Place,
    /// Whether search engines are told its addresses.
    pub sitemap: bool,
    /// Whether its rows are found by who searches the site.
    pub search: bool,
    /// The forms in which it answers, the usual one first.
    pub formats: Vec<Format>,
    /// How long others may keep an answer; not at all when nothing is said.
    pub cache: Option<Duration>,
    /// The template. In place of the front matter stands a comment of as many lines, so that a
    /// mistake is told with the line that it has in the file.
    pub template: String,
}

/// A query of a data page.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// What is asked.
    pub statement: Statement,
    /// What comes of it.
    pub rows: Rows,
    /// Where it stands in the file.
    pub place: Place,
}

/// What comes of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// A list of rows.
    Many,
    /// One row; where there is none, there is no such page.
    One,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The template's, in the site's dress.
    Html,
    /// RFC 8259.
    Json,
    /// RFC 4180.
    Csv,
    /// XML 1.0.
    Xml,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Html, Self::Json, Self::Csv, Self::Xml];

    /// What stands at the end of a path for it.
    pub fn end(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Xml => "xml",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    route: Route,
    title: String,
    #[serde(default, rename = "access")]
    audience: Audience,
    #[serde(default)]
    parameters: BTreeMap<String, parameter::Written>,
    #[serde(default)]
    query: BTreeMap<String, Written>,
    list: Option<List>,
    each: Option<Each>,
    #[serde(default)]
    sitemap: bool,
    #[serde(default)]
    search: bool,
    #[serde(default = "only_html")]
    formats: Vec<Format>,
    cache: Option<String>,
}

fn only_html() -> Vec<Format> {
    vec![Format::Html]
}

/// A query as it is written.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "expected a `SELECT`, or `one: SELECT ...` for a single row")]
pub(super) enum Written {
    /// For all rows.
    Many(String),
    /// For one row.
    One {
        /// The statement.
        one: String,
    },
}

impl Written {
    /// The query that is written under `name` in the front matter of `source`.
    pub(super) fn query<'n>(
        &self,
        source: &Source<'_>,
        name: &str,
        known: impl Iterator<Item = &'n str> + Clone,
    ) -> Result<Query, Box<Diagnostic>> {
        let (sql, rows) = match self {
            Self::Many(sql) => (sql, Rows::Many),
            Self::One { one } => (one, Rows::One),
        };
        let place = source.place_of_query(name);
        let statement = Statement::parse(sql).map_err(|refused| {
            let word = sql.get(refused.at.clone()).unwrap_or_default();
            let place = source.place_in_query(name, word).unwrap_or_else(|| place.clone());
            let mistake = Diagnostic::error(source.code, place, refused.message);
            Box::new(if refused.hint.is_empty() { mistake } else { mistake.hint(refused.hint) })
        })?;
        if let Some(unknown) = statement.parameters.iter().find(|name| !known.clone().any(|known| known == *name)) {
            let place = source.place_in_query(name, &format!(":{unknown}")).unwrap_or(place);
            let mistake = Diagnostic::error(source.code, place, format!("no parameter is called `{unknown}`"));
            return Err(Box::new(match nearest(unknown, known) {
                Some(near) => mistake.hint(format!("did you mean `:{near}`?")),
                None => mistake.hint(format!("declare it under `parameters`: `{unknown}: {{ type: text }}`")),
            }));
        }
        Ok(Query { statement, rows, place })
    }
}

impl DataPage {
    /// The data page in `text`, the whole of `file`, or everything that is wrong with it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let text = &text.replace("\r\n", "\n");
        let Some((head, template)) = split(text) else {
            let message = "expected front matter between two lines `---`, with at least `route` and `title`";
            let place = Place::of(file, text, 0..text.find('\n').unwrap_or(text.len()));
            return Err(vec![Diagnostic::error(Code::DataPage, place, message)]);
        };
        if let Some(mistake) = yaml::grows_too_much(Code::DataPage, file, head) {
            return Err(vec![mistake]);
        }
        let read: Head = serde_yaml::from_str(head)
            .map_err(|error| vec![yaml::diagnostic(Code::DataPage, file, text, 1, &error)])?;
        let source = Source { code: Code::DataPage, file, text, head_at: FENCE.len(), head };
        source.page(read, template)
    }

    /// A value for each parameter of `statement`, such as it will get.
    pub fn samples(&self, statement: &Statement) -> Vec<Given> {
        let parameters = statement.parameters.iter();
        parameters.filter_map(|name| self.parameters.get(name)).map(Parameter::sample).collect()
    }

    /// The route's own parameters, and whether each is one of the path.
    pub fn is_in_path(&self, name: &str) -> bool {
        self.route.parameters().any(|parameter| parameter == name)
    }
}

/// Front matter and template.
fn split(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix(FENCE)?;
    let end = if rest.starts_with(FENCE) { 0 } else { rest.find("\n---\n").map(|at| at + 1)? };
    Some((&rest[..end], &rest[end + FENCE.len()..]))
}

/// The text that is read, for the places of what is wrong in it.
pub(super) struct Source<'s> {
    /// What its mistakes are called.
    pub(super) code: Code,
    pub(super) file: &'s str,
    /// The whole of the file.
    pub(super) text: &'s str,
    /// Its front matter.
    pub(super) head: &'s str,
    /// Where that begins in the text.
    pub(super) head_at: usize,
}

impl Source<'_> {
    fn page(&self, read: Head, template: &str) -> Result<DataPage, Vec<Diagnostic>> {
        let mut found = Vec::new();
        let route = read.route.to_string();
        if let Some(reserved) = reserved::claimed(&route) {
            let message = format!("`{route}` is below `{reserved}`, which the edge answers itself");
            found.push(
                Diagnostic::error(Code::ReservedPath, self.place_of("route:"), message).hint("choose another route"),
            );
        }
        let mut parameters = BTreeMap::new();
        for (name, written) in read.parameters {
            if !route::is_name(&name) {
                found.push(
                    self.mistake(&name, format!("`{name}` cannot be a parameter: small letters, figures and `_`")),
                );
            }
            // Kept all the same, so that queries are not told that there is none.
            let parameter = Parameter::try_from(written).unwrap_or_else(|why| {
                found.push(self.mistake(&format!("{name}:"), format!("the parameter `{name}`: {why}")));
                Parameter::default()
            });
            parameters.insert(name, parameter);
        }
        for name in read.route.parameters() {
            parameters.entry(name.to_owned()).or_default();
        }
        let mut queries = BTreeMap::new();
        for (name, written) in read.query {
            match written.query(self, &name, parameters.keys().map(String::as_str)) {
                Ok(query) => drop(queries.insert(name, query)),
                Err(mistake) => found.push(*mistake),
            }
        }
        if let Some(list) = &read.list {
            let message = list.mistake(|name| parameters.contains_key(name));
            found.extend(
                message
                    .map(|(key, message)| Diagnostic::error(Code::DataPage, self.place_below("list:", key), message)),
            );
        }
        self.check_each(&read.route, (read.each.as_ref(), &read.audience), (read.sitemap, read.search), &mut found);
        let names = ["parameters", "list", "formats", "path", "site"];
        if let Some(taken) = names.into_iter().find(|name| queries.contains_key(*name)) {
            found.push(self.mistake(
                &format!("{taken}:"),
                format!("`{taken}` is a name of the page itself: call the query otherwise"),
            ));
        }
        if read.formats.is_empty() {
            found.push(self.mistake("formats:", "expected at least one format: html, json, csv, xml".to_owned()));
        }
        let cache = read.cache.map(|written| (time_span::parse(&written, LONGEST_CACHE), written));
        if let Some((None, written)) = &cache {
            found.push(self.mistake(
                "cache:",
                format!("expected a time such as `60s`, `5m` or `1h`, at most a year, found `{written}`"),
            ));
        }
        if !found.is_empty() {
            return Err(found);
        }
        Ok(DataPage {
            route: read.route,
            route_at: self.place_of("route:"),
            audience: read.audience,
            audience_at: self.place_of("access:"),
            title_at: self.place_of("title:"),
            list_at: self.place_of("list:"),
            title: read.title,
            parameters,
            queries,
            list: read.list,
            each: read.each,
            each_at: self.place_of("each:"),
            sitemap: read.sitemap,
            search: read.search,
            formats: read.formats,
            cache: cache.and_then(|(cache, _)| cache),
            template: format!("{{{{!--{}--}}}}{template}", "\n".repeat(self.lines_before(template))),
        })
    }

    /// What contradicts itself in that which the page says of its rows.
    fn check_each(
        &self,
        route: &Route,
        (each, audience): (Option<&Each>, &Audience),
        (sitemap, search): (bool, bool),
        found: &mut Vec<Diagnostic>,
    ) {
        let wishes = [("sitemap", sitemap), ("search", search)].into_iter().filter(|(_, is_wanted)| *is_wanted);
        match each {
            None => found.extend(wishes.map(|(key, _)| {
                self.mistake(&format!("{key}:"), format!("`{key}` wants to know which rows the page is for"))
                    .hint("say it: `each: { table: city }`, with `parameters` if columns have other names than they")
            })),
            Some(each) => {
                found.extend(each.mistake(route).map(|message| self.mistake("each:", message)));
                if search && each.title.is_none() {
                    let message = "`search` wants to know what a row is called: `each` has no `title`";
                    found.push(self.mistake("each:", message.to_owned()).hint("name a column: `title: name`"));
                }
            }
        }
        if sitemap && !audience.is_public() {
            let message = "what is for members is nothing for search engines".to_owned();
            found.push(self.mistake("sitemap:", message).hint("take `sitemap` out, or say `access: public`"));
        }
    }

    fn lines_before(&self, template: &str) -> usize {
        self.text[..self.text.len() - template.len()].matches('\n').count()
    }

    fn mistake(&self, at: &str, message: String) -> Diagnostic {
        Diagnostic::error(Code::DataPage, self.place_of(at), message)
    }

    /// The line that begins with `key`.
    pub(super) fn place_of(&self, key: &str) -> Place {
        self.place_from(0, key)
    }

    /// The line below `above` that begins with `key`; that of `above` itself when the key stands in
    /// it, in braces.
    fn place_below(&self, above: &str, key: &str) -> Place {
        let is_first = |at: &usize| *at == 0 || self.head[..*at].ends_with('\n');
        let begins = self.head.match_indices(above).map(|(at, _)| at).find(is_first);
        let within = begins.map(|at| {
            let rest = &self.head[at + above.len()..];
            // Up to the next key that stands as far left.
            let end = rest.match_indices('\n').map(|(end, _)| end).find(|end| {
                rest[end + 1..].chars().next().is_some_and(|next| !next.is_whitespace() && next != '-' && next != '#')
            });
            at + above.len()..at + above.len() + end.unwrap_or(rest.len())
        });
        let key_at = within.and_then(|within| {
            let mut at = within.start;
            self.head[within].split_inclusive('\n').find_map(|line| {
                let begins = line.trim_start().starts_with(key).then_some(at);
                at += line.len();
                begins
            })
        });
        key_at.map_or_else(|| self.place_of(above), |at| self.place_from(at, key))
    }

    fn place_from(&self, mut from: usize, key: &str) -> Place {
        for line in self.head[from..].split_inclusive('\n') {
            let indent = line.len() - line.trim_start().len();
            if line.trim_start().starts_with(key) {
                let begins = self.head_at + from + indent;
                return Place::of(self.file, self.text, begins..begins + line.trim().len());
            }
            from += line.len();
        }
        Place::file(self.file)
    }

    /// Where the queries begin: a parameter may have the name of one.
    fn queries(&self) -> Option<usize> {
        let is_first = |at: &usize| *at == 0 || self.head[..*at].ends_with('\n');
        self.head.match_indices("query:").map(|(at, _)| at).find(is_first)
    }

    fn place_of_query(&self, name: &str) -> Place {
        self.queries().map_or_else(|| Place::file(self.file), |from| self.place_from(from, &format!("{name}:")))
    }

    /// The first `word` behind the name of a query: its text is folded by YAML, so that
    /// offsets in it are none in the file.
    fn place_in_query(&self, name: &str, word: &str) -> Option<Place> {
        let queries = self.queries()?;
        let key = queries + self.head[queries..].find(&format!("{name}:"))?;
        let at: Range<usize> = self.head[key..].find(word).map(|at| key + at..key + at + word.len())?;
        (!word.is_empty()).then(|| Place::of(self.file, self.text, self.head_at + at.start..self.head_at + at.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CITIES: &str = "---\nroute: /cities/{country}\ntitle: \"Cities of {{country.name}}\"\nparameters:\n  country: { type: text, max: 2 }\nquery:\n  country:\n    one: >\n      SELECT name FROM country\n      WHERE code = :country\nlist: { table: city, where: { country: country }, sort: [name, -population] }\nformats: [html, json]\ncache: 5m\n---\n<h1>{{country.name}}</h1>\n";

    fn mistakes(text: &str) -> Vec<String> {
        let found = DataPage::parse("dynamic/pages/a.hbs", text).unwrap_err();
        let told = found.iter().map(|found| {
            let place = found.place.as_ref().unwrap();
            format!("{}:{}: {}", place.line, place.column, found.message)
        });
        told.collect()
    }

    #[test]
    fn a_page_is_read() {
        let page = DataPage::parse("dynamic/pages/cities.hbs", CITIES).unwrap();
        assert_eq!(page.route.to_string(), "/cities/{country}");
        assert_eq!(page.queries["country"].rows, Rows::One);
        assert_eq!(page.queries["country"].statement.parameters, ["country"]);
        assert_eq!(page.list.unwrap().sort[1].to_string(), "-population");
        assert_eq!(page.cache, Some(Duration::from_secs(300)));
        let lines = "\n".repeat(14);
        assert_eq!(page.template, format!("{{{{!--{lines}--}}}}<h1>{{{{country.name}}}}</h1>\n"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        assert_eq!(mistakes(&CITIES.replace(":country", ":land")), ["10:20: no parameter is called `land`"]);
        assert_eq!(mistakes(&CITIES.replace("SELECT name", "SELECT sleep(1)")), ["9:14: a query may not call `sleep`"]);
        assert_eq!(
            mistakes(&CITIES.replace("cache: 5m", "cache: soon")),
            ["13:1: expected a time such as `60s`, `5m` or `1h`, at most a year, found `soon`"]
        );
        assert_eq!(
            mistakes(&CITIES.replace("route: /cities/{country}", "route: /admin/{country}")),
            ["2:1: `/admin/{country}` is below `/admin`, which the edge answers itself"]
        );
        assert_eq!(mistakes("<h1></h1>").len(), 1);
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let text = CITIES.replace(":country", ":land").replace("cache: 5m", "cache: soon");
        assert_eq!(mistakes(&text).len(), 2);
    }
}
