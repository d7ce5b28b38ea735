//! Where a data page answers: a path with parameters in it, `/cities/{country}`.
//!
//! A parameter is a whole segment. A route has no slash at its end; a request with one is
//! led to it, as for a file. The end of the last segment may name a format (`.json`).

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// What is encoded in a segment (RFC 3986 §2.3).
const NOT_PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A path with parameters in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Route(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Parameter(String),
}

/// Why something is no route; says what is expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no route: expected a path such as `/cities/{{country}}`, each parameter a whole segment, named once, in small letters, and no slash at the end"
)]
pub struct NotARoute(String);

impl TryFrom<String> for Route {
    type Error = NotARoute;

    fn try_from(text: String) -> Result<Self, NotARoute> {
        let segments = text.strip_prefix('/').map(|below| below.split('/').map(segment).collect::<Option<Vec<_>>>());
        let Some(Some(segments)) = segments else { return Err(NotARoute(text)) };
        let route = Self(segments);
        let mut names: Vec<&str> = route.parameters().collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) { Err(NotARoute(text)) } else { Ok(route) }
    }
}

impl From<Route> for String {
    fn from(route: Route) -> Self {
        route.to_string()
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|segment| match segment {
            Segment::Literal(text) => write!(f, "/{text}"),
            Segment::Parameter(name) => write!(f, "/{{{name}}}"),
        })
    }
}

fn segment(text: &str) -> Option<Segment> {
    match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => is_name(name).then(|| Segment::Parameter(name.to_owned())),
        None => {
            let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
            let is_literal = !text.is_empty() && text.chars().all(is_plain) && text.chars().any(|c| c != '.');
            is_literal.then(|| Segment::Literal(text.to_owned()))
        }
    }
}

/// Whether a parameter may be called so: what can stand behind `:` in a query.
pub(super) fn is_name(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_lowercase() || c == '_';
    name.len() <= 64
        && name.chars().next().is_some_and(is_letter)
        && name.chars().all(|c| is_letter(c) || c.is_ascii_digit())
}

impl Route {
    /// The names of its parameters.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::Parameter(name) => Some(name.as_str()),
        })
    }

    /// The path itself, when there is nothing to put in.
    pub fn literal(&self) -> Option<String> {
        self.parameters().next().is_none().then(|| self.to_string())
    }

    /// The path with these values, encoded.
    pub(super) fn path<'r>(&'r self, value: impl Fn(&'r str) -> Option<String>) -> Option<String> {
        let mut path = String::new();
        for segment in &self.0 {
            let text = match segment {
                Segment::Literal(text) => text.clone(),
                Segment::Parameter(name) => value(name)?,
            };
            path.push('/');
            path.extend(utf8_percent_encode(&text, NOT_PLAIN));
        }
        Some(path)
    }

    /// Its parameters in `path`, which is decoded, if that is one of its paths.
    pub fn values<'p>(&self, path: &'p str) -> Option<Vec<(&str, &'p str)>> {
        let mut parts = path.strip_prefix('/')?.split('/');
        let mut values = Vec::new();
        for segment in &self.0 {
            let part = parts.next()?;
            match segment {
                Segment::Literal(text) => (text == part).then_some(())?,
                Segment::Parameter(name) => {
                    (!part.is_empty()).then_some(())?;
                    values.push((name.as_str(), part));
                }
            }
        }
        parts.next().is_none().then_some(values)
    }

    /// Whether one path could be answered by both, and neither is nearer to it.
    pub fn meets(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().zip(&other.0).all(|pair| match pair {
                (Segment::Literal(one), Segment::Literal(other)) => one == other,
                (Segment::Parameter(_), Segment::Parameter(_)) => true,
                // `/cities/new` is nearer than `/cities/{country}`.
                _ => false,
            })
    }

    /// Sorts before another when it is nearer to a path: literal segments come first.
    pub fn rank(&self) -> Vec<bool> {
        self.0.iter().map(|segment| matches!(segment, Segment::Parameter(_))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(text: &str) -> Route {
        Route::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn a_path_gives_its_parameters() {
        let route = route("/cities/{country}/{city}");
        assert_eq!(route.values("/cities/pt/Lisbon"), Some(vec![("country", "pt"), ("city", "Lisbon")]));
        assert_eq!(route.values("/cities/pt"), None);
        assert_eq!(route.values("/cities/pt/"), None);
        assert_eq!(route.values("/cities/pt/a/b"), None);
    }

    #[test]
    fn two_routes_meet_when_neither_is_nearer() {
        assert!(route("/a/{b}").meets(&route("/a/{c}")));
        assert!(!route("/a/{b}").meets(&route("/a/new")));
        assert!(!route("/a/{b}").meets(&route("/a/{b}/c")));
        assert!(route("/a/new").rank() < route("/a/{b}").rank());
    }

    #[test]
    fn what_is_no_path_is_no_route() {
        for text in ["", "cities", "/", "/a/", "/a//b", "/a/../b", "/a/{b}c", "/a/{B}", "/{a}/{a}", "/a b", "/a?b"] {
            assert!(Route::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
