//! Where a page lives: from its place in `content/` to its path in the site.
//!
//! [`Permalink::of`] is the only function that decides a page's URL. Feeds, the sitemap,
//! link checking and the manifest all ask it, so they cannot disagree.
//!
//! Knows nothing of files being read or written: a path comes in, a path goes out.
//! Two pages with one permalink are the caller's error to report.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A path in the site, decoded: begins with `/`; a page's ends with one, a file's does not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Permalink(String);

/// What a page's URL may depend on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Path of the source below `content/`, with `/`: `docs/10-start/first.md`.
    pub source: &'a str,
    /// `slug` in the front matter: takes the place of the file's name; with slashes and a
    /// pattern, of the whole path.
    pub slug: Option<&'a str>,
    /// `url` in the front matter: the whole answer.
    pub url: Option<&'a str>,
    /// Year, month, day, when the page has a date.
    pub date: Option<(i16, i8, i8)>,
    /// The pattern of the page's section, from `permalinks` in the configuration.
    pub pattern: Option<&'a str>,
}

impl Permalink {
    /// The permalink of a page.
    ///
    /// `docs/10-start/first.md` → `/docs/start/first/`: two digits that give an order and the
    /// date before a name are not part of the URL. `index.md` and `_index.md` live at
    /// their folder.
    pub fn of(facts: Facts<'_>) -> Self {
        if let Some(url) = facts.url {
            let mut path = format!("/{}", url.trim_start_matches('/'));
            if !path.ends_with('/') && !path.rsplit('/').next().unwrap_or_default().contains('.') {
                path.push('/');
            }
            return Self(path);
        }
        let without_end = facts.source.strip_suffix(".md").unwrap_or(facts.source);
        let mut segments: Vec<&str> = without_end.split('/').map(without_order).collect();
        if matches!(segments.last(), Some(&"index" | &"_index")) {
            segments.pop();
        }
        // The slug of a page from data has its folders, and so has its source.
        if let Some(slug) = facts.slug.filter(|slug| slug.contains('/'))
            && without_end.strip_suffix(slug).is_some_and(|section| section.is_empty() || section.ends_with('/'))
        {
            segments.truncate(segments.len().saturating_sub(slug.split('/').count()));
            segments.push(slug);
        }
        let name = segments.last().copied().unwrap_or_default();
        if let Some(pattern) = facts.pattern.filter(|_| !name.is_empty()) {
            return Self::from_pattern(pattern, &facts, &segments);
        }
        if let Some(slug) = facts.slug {
            segments.pop();
            segments.extend(slug.split('/').filter(|part| !part.is_empty()));
        }
        Self::from_segments(segments)
    }

    /// The path `/a/b/` of the segments `a` and `b`.
    pub fn from_segments<'a>(segments: impl IntoIterator<Item = &'a str>) -> Self {
        let mut path = String::from("/");
        for segment in segments {
            path.push_str(segment);
            path.push('/');
        }
        Self(path)
    }

    /// A path of a file, such as `/atom.xml`, taken as it is but for its first slash.
    pub fn file(path: &str) -> Self {
        Self(format!("/{}", path.trim_start_matches('/')))
    }

    fn from_pattern(pattern: &str, facts: &Facts<'_>, segments: &[&str]) -> Self {
        let (year, month, day) = facts.date.unwrap_or((0, 0, 0));
        let parents = segments.split_last().map_or(&[][..], |(_, parents)| parents);
        let filled = pattern
            .replace("{year}", &format!("{year:04}"))
            .replace("{month}", &format!("{month:02}"))
            .replace("{day}", &format!("{day:02}"))
            .replace("{section}", &parents.join("/"))
            .replace("{path}", &segments.join("/"))
            .replace("{slug}", facts.slug.unwrap_or(segments.last().copied().unwrap_or_default()));
        Self::from_segments(filled.split('/').filter(|part| !part.is_empty()))
    }

    /// The decoded path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path as it stands in a URL: what is not allowed there, percent-encoded
    /// (RFC 3986 §3.3).
    pub fn encoded(&self) -> String {
        encode_path(&self.0)
    }

    /// The file in `public/` that holds this path: `docs/index.html` for `/docs/`.
    pub fn output_file(&self) -> String {
        let path = self.0.trim_start_matches('/');
        if self.0.ends_with('/') { format!("{path}index.html") } else { path.to_owned() }
    }

    /// The path of the `number`-th list page under this one, counted from 1: the first is
    /// the page itself.
    #[must_use]
    pub fn list_page(&self, number: usize) -> Self {
        if number <= 1 { self.clone() } else { Self(format!("{}page/{number}/", self.0)) }
    }
}

impl fmt::Display for Permalink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `path` percent-encoded for a URL, its slashes left (RFC 3986 §3.3).
pub fn encode_path(path: &str) -> String {
    use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
    const NOT_IN_A_PATH: &AsciiSet = &CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'#')
        .add(b'%')
        .add(b'<')
        .add(b'>')
        .add(b'?')
        .add(b'[')
        .add(b'\\')
        .add(b']')
        .add(b'^')
        .add(b'`')
        .add(b'{')
        .add(b'|')
        .add(b'}');
    utf8_percent_encode(path, NOT_IN_A_PATH).to_string()
}

/// Bytes that a part of a path may have: file systems take 255, and a new file bears a
/// longer name for a moment.
const LONGEST_PART: usize = 230;

/// Whether `text` may become a path in the site, and so in `public/`: no part of it leads
/// up, is empty, is too long for a file's name, or holds what a URL cannot.
pub fn is_path(text: &str) -> bool {
    let inside = text.strip_prefix('/').unwrap_or(text);
    let inside = inside.strip_suffix('/').unwrap_or(inside);
    let is_part = |part: &str| !matches!(part, "" | "." | "..") && part.len() <= LONGEST_PART;
    !text.contains(|character: char| character.is_control() || matches!(character, '\\' | '?' | '#'))
        && (text == "/" || inside.split('/').all(is_part))
}

/// A word for a URL: lower case, letters and digits kept, all else one hyphen.
pub fn slugify(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for character in text.chars().flat_map(char::to_lowercase) {
        if character.is_alphanumeric() || character == '_' {
            slug.push(character);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

/// `my-first-site` → `My first site`: what a name says that nobody has written a title for.
pub fn readable(name: &str) -> String {
    let words = name.replace(['-', '_'], " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// `10-start` → `start`, `2024-05-01-tides` → `tides`; anything else as it is. Two digits
/// give an order; `404-pages` and `7-tips` are names.
pub fn without_order(segment: &str) -> &str {
    let bytes = segment.as_bytes();
    if bytes.len() > 11
        && bytes[..11]
            .iter()
            .enumerate()
            .all(|(at, byte)| if matches!(at, 4 | 7 | 10) { *byte == b'-' } else { byte.is_ascii_digit() })
    {
        return &segment[11..];
    }
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match segment[digits..].strip_prefix('-') {
        Some(rest) if digits == 2 && !rest.is_empty() => rest,
        _ => segment,
    }
}

/// The relative `path` seen from `folder`, without `.` and `..`; none if it leads above the
/// root. `../b/c.md` seen from `a/x`: `a/b/c.md`.
pub fn join(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            ".." => {
                parts.pop()?;
            }
            "." | "" => {}
            part => parts.push(part),
        }
    }
    let mut joined = parts.join("/");
    if path.ends_with('/') && !joined.is_empty() {
        joined.push('/');
    }
    Some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &str) {
        let facts = Facts { source, slug: None, url: None, date: None, pattern: None };
        assert_eq!(Permalink::of(facts).as_str(), expected);
    }

    #[test]
    fn a_file_is_a_folder_in_the_site() {
        check("about.md", "/about/");
        check("docs/first.md", "/docs/first/");
    }

    #[test]
    fn an_index_lives_at_its_folder() {
        check("_index.md", "/");
        check("docs/_index.md", "/docs/");
        check("docs/trip/index.md", "/docs/trip/");
    }

    #[test]
    fn numbers_and_dates_order_files_but_are_no_part_of_the_url() {
        check("docs/10-start/20-first.md", "/docs/start/first/");
        check("blog/2024-05-01-tides.md", "/blog/tides/");
        check("blog/2024.md", "/blog/2024/");
        check("blog/404-not-found.md", "/blog/404-not-found/");
    }

    #[test]
    fn a_pattern_decides_and_a_slug_with_slashes_is_the_whole_path() {
        let facts = Facts {
            source: "en-us/learn/intro/index.md",
            slug: Some("Learn/Intro"),
            url: None,
            date: Some((2024, 5, 1)),
            pattern: Some("/en-US/docs/{slug}/"),
        };
        assert_eq!(Permalink::of(facts).as_str(), "/en-US/docs/Learn/Intro/");
        let facts = Facts { source: "blog/tides.md", slug: None, pattern: Some("/{year}/{month}/{slug}/"), ..facts };
        assert_eq!(Permalink::of(facts).as_str(), "/2024/05/tides/");
    }

    #[test]
    fn a_slug_takes_the_place_of_the_name() {
        let facts = Facts { source: "docs/10-a.md", slug: Some("first"), url: None, date: None, pattern: None };
        assert_eq!(Permalink::of(facts).as_str(), "/docs/first/");
    }

    #[test]
    fn the_file_of_a_path_is_its_index() {
        assert_eq!(Permalink::file("atom.xml").output_file(), "atom.xml");
        assert_eq!(Permalink::from_segments(["docs"]).output_file(), "docs/index.html");
    }

    #[test]
    fn a_name_is_made_readable() {
        assert_eq!(readable("the-low_water"), "The low water");
        assert_eq!(readable("été"), "Été");
        assert_eq!(readable(""), "");
    }

    #[test]
    fn slugs_keep_letters_of_every_language() {
        assert_eq!(slugify("Été à l'île!"), "été-à-l-île");
    }
}
