//! Diagnostics: what is wrong in an author's site, as plain data.
//!
//! A step over an author's text returns its value *and* its diagnostics; it does not stop
//! at the first. `cli` prints them, `watch` shows the same data over the page. Nothing
//! here knows of terminals or colours.
//!
//! A message is lower case without a full stop and says what was found and what was
//! expected. A hint is an imperative, or the nearest name.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// How grave a diagnostic is. Only an error keeps a build from becoming a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is published.
    Error,
    /// Reported; the release is made.
    Warning,
}

/// Stable names of mistakes. Each has an entry in `content/docs/90-reference/errors.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// `littoral.yaml` is not what is expected.
    Configuration,
    /// The YAML or TOML at the head of a page cannot be read.
    FrontMatter,
    /// A file is not UTF-8.
    NotUtf8,
    /// A file or folder cannot be read or written.
    Unreadable,
    /// A symbolic link leads out of the site's folder.
    LinkOutOfTree,
    /// Folders stand in each other too deep.
    TooDeep,
    /// Two outputs claim one URL.
    DuplicateUrl,
    /// A page claims a path that the edge answers.
    ReservedPath,
    /// A link leads nowhere.
    BrokenLink,
    /// A link's fragment names no heading of the page it leads to.
    BrokenAnchor,
    /// A shortcode call cannot be read.
    ShortcodeSyntax,
    /// No shortcode has this name.
    UnknownShortcode,
    /// A block shortcode has no `{% end %}`.
    UnclosedShortcode,
    /// A page asks for a layout that is not there.
    UnknownLayout,
    /// A layout, partial or shortcode cannot be parsed.
    LayoutSyntax,
    /// Partials that include each other without end.
    PartialCycle,
    /// A layout failed while a page was rendered.
    LayoutRender,
    /// A data file cannot be read.
    Data,
    /// An asset named in a layout is not there.
    UnknownAsset,
    /// A data page of `dynamic/pages/` is not what is expected.
    DataPage,
    /// A fragment's head cannot be read, or a fragment is given what it does not take.
    Fragment,
    /// No fragment has this name.
    UnknownFragment,
    /// The declaration of a form is not what is expected.
    Form,
    /// No form has this name.
    UnknownForm,
}

impl Code {
    /// Every code, for the manual and its test.
    pub const ALL: &[Self] = &[
        Self::Configuration,
        Self::FrontMatter,
        Self::NotUtf8,
        Self::Unreadable,
        Self::LinkOutOfTree,
        Self::TooDeep,
        Self::DuplicateUrl,
        Self::ReservedPath,
        Self::BrokenLink,
        Self::BrokenAnchor,
        Self::ShortcodeSyntax,
        Self::UnknownShortcode,
        Self::UnclosedShortcode,
        Self::UnknownLayout,
        Self::LayoutSyntax,
        Self::PartialCycle,
        Self::LayoutRender,
        Self::Data,
        Self::UnknownAsset,
        Self::DataPage,
        Self::Fragment,
        Self::UnknownFragment,
        Self::Form,
        Self::UnknownForm,
    ];

    /// The name as it is printed: `broken-link`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::FrontMatter => "front-matter",
            Self::NotUtf8 => "not-utf8",
            Self::Unreadable => "unreadable",
            Self::LinkOutOfTree => "link-out-of-tree",
            Self::TooDeep => "too-deep",
            Self::DuplicateUrl => "duplicate-url",
            Self::ReservedPath => "reserved-path",
            Self::BrokenLink => "broken-link",
            Self::BrokenAnchor => "broken-anchor",
            Self::ShortcodeSyntax => "shortcode-syntax",
            Self::UnknownShortcode => "unknown-shortcode",
            Self::UnclosedShortcode => "unclosed-shortcode",
            Self::UnknownLayout => "unknown-layout",
            Self::LayoutSyntax => "layout-syntax",
            Self::PartialCycle => "partial-cycle",
            Self::LayoutRender => "layout-render",
            Self::Data => "data",
            Self::UnknownAsset => "unknown-asset",
            Self::DataPage => "data-page",
            Self::Fragment => "fragment",
            Self::UnknownFragment => "unknown-fragment",
            Self::Form => "form",
            Self::UnknownForm => "unknown-form",
        }
    }
}

/// A place in a file as its author sees it. Holds the line itself, so that it can be
/// shown after the file has changed again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Path from the site's root, with `/`.
    pub file: String,
    /// First line is 1; 0 when the whole file is meant.
    pub line: usize,
    /// First column is 1; counted in characters.
    pub column: usize,
    /// How many characters of the line are meant, at least 1.
    pub width: usize,
    /// The line, without its end.
    pub text: String,
}

impl Place {
    /// A file as a whole.
    pub fn file(file: impl Into<String>) -> Self {
        Self { file: file.into(), line: 0, column: 0, width: 0, text: String::new() }
    }

    /// The place of the byte range `span` in `source`, the whole text of `file`. A range
    /// over several lines is cut at the end of its first; one out of bounds is moved in.
    pub fn of(file: impl Into<String>, source: &str, span: Range<usize>) -> Self {
        let mut start = span.start.min(source.len());
        while !source.is_char_boundary(start) {
            start -= 1;
        }
        let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = source[start..].find('\n').map_or(source.len(), |at| start + at);
        let text = source[line_start..line_end].trim_end_matches('\r').to_owned();
        let mut end = span.end.clamp(start, line_end);
        while !source.is_char_boundary(end) {
            end -= 1;
        }
        Self {
            file: file.into(),
            line: source[..line_start].matches('\n').count() + 1,
            column: source[line_start..start].chars().count() + 1,
            width: source[start..end].chars().count().max(1),
            text,
        }
    }

    /// Line and column of `source`, both from 1, as parsers of others report them.
    pub fn at(file: impl Into<String>, source: &str, line: usize, column: usize) -> Self {
        let text = source.lines().nth(line.saturating_sub(1)).unwrap_or_default().to_owned();
        Self { file: file.into(), line, column: column.max(1), width: 1, text }
    }
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Where; the first thing they are sorted by.
    pub place: Option<Place>,
    /// How grave.
    pub severity: Severity,
    /// Which mistake.
    pub code: Code,
    /// What was found and what was expected.
    pub message: String,
    /// What to do next.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// An error at `place`.
    pub fn error(code: Code, place: Place, message: impl Into<String>) -> Self {
        Self { place: Some(place), severity: Severity::Error, code, message: message.into(), hints: Vec::new() }
    }

    /// A warning at `place`.
    pub fn warning(code: Code, place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, place, message) }
    }

    /// The same with one more hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same with a hint that names the nearest of `names`, when one is near.
    #[must_use]
    pub fn near<'a>(self, wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(wanted, names) {
            Some(name) => self.hint(format!("did you mean `{name}`?")),
            None => self,
        }
    }
}

/// More slips than these, and it is another word.
const MOST_SLIPS: usize = 3;

/// The name closest to `wanted`, if a slip of the fingers could explain the difference.
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let within = (wanted.chars().count() / 3).clamp(1, MOST_SLIPS);
    names
        .into_iter()
        .filter(|name| may_be_within(wanted, name, within))
        .map(|name| (strsim::damerau_levenshtein(wanted, name), name))
        .filter(|(distance, _)| *distance <= within)
        .min()
        .map(|(_, name)| name)
}

/// A bound from below that costs a fraction of the distance: each slip changes the count of
/// at most two letters. A site with hundreds of broken links asks for every path it has.
fn may_be_within(one: &str, other: &str, within: usize) -> bool {
    let mut counts = [0_i32; 256];
    one.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    other.bytes().for_each(|byte| counts[usize::from(byte)] -= 1);
    let changed: u32 = counts.iter().map(|count| count.unsigned_abs()).sum();
    let bytes_a_letter = if one.is_ascii() && other.is_ascii() { 1 } else { 4 };
    changed as usize <= 2 * bytes_a_letter * within
}

#[cfg(test)]
mod tests {
    use super::nearest;

    fn check(wanted: &str, expected: Option<&str>) {
        assert_eq!(nearest(wanted, ["figure", "note", "été", "/docs/first/"]), expected, "{wanted}");
    }

    #[test]
    fn a_slip_of_the_fingers_is_understood() {
        check("figre", Some("figure"));
        check("fiugre", Some("figure"));
        check("ete", None);
        check("étè", Some("été"));
        check("/docs/frist/", Some("/docs/first/"));
    }

    #[test]
    fn another_word_is_another_word() {
        check("picture", None);
        check("/blog/first-steps/", None);
    }
}
