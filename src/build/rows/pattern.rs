//! Patterns: texts with the names of columns in braces, `{name}, {country}`.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

/// A text that each row fills with its cells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Part {
    Text(String),
    Column(String),
}

impl Pattern {
    /// Reads it; or says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((column, behind)) = after.split_once('}') else {
                return Err(format!("a brace is opened and not closed in `{text}`"));
            };
            let column = column.trim();
            if column.is_empty() {
                return Err(format!("expected the name of a column between the braces of `{text}`"));
            }
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Column(column.to_owned()));
            rest = behind;
        }
        parts.push(Part::Text(rest.to_owned()));
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        Ok(Self(parts))
    }

    /// The columns that it names.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Column(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text of a row whose cells `cell` knows; what is absent is nothing.
    pub fn filled<'c>(&self, cell: impl Fn(&str) -> Option<&'c str>) -> String {
        let mut filled = String::new();
        for part in &self.0 {
            let _ = match part {
                Part::Text(text) => filled.write_str(text),
                Part::Column(name) => filled.write_str(cell(name).unwrap_or_default()),
            };
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> String {
        let cells = |name: &str| match name {
            "name" => Some("Brest"),
            "slug" => Some("{name}"),
            _ => None,
        };
        Pattern::parse(text).unwrap().filled(cells)
    }

    #[test]
    fn columns_stand_in_braces() {
        assert_eq!(filled("{name}, { name }!"), "Brest, Brest!");
        assert_eq!(filled("nothing"), "nothing");
    }

    #[test]
    fn what_comes_out_of_a_cell_is_not_read_again() {
        assert_eq!(filled("{slug}"), "{name}");
    }

    #[test]
    fn braces_that_do_not_close_are_told() {
        assert!(Pattern::parse("{name").unwrap_err().contains("not closed"));
        assert!(Pattern::parse("{}").unwrap_err().contains("name of a column"));
    }
}
