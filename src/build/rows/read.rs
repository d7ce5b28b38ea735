//! Reading: from a data file to the heads of its pages.
//!
//! The file is unpacked and read row by row, and no further than `first` wants.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde_json::{Map, Value};

use super::{KEY, PagesFrom, RowOf};
use crate::build::front_matter::{self, FrontMatter};
use crate::build::model::{Head, is_too_deep};
use crate::build::sources::{Sources, unreadable};
use crate::site::csv::{COLUMNS, Record, Records};
use crate::site::diagnostic::{Code, Diagnostic, Place};
use crate::site::packing::Packing;
use crate::site::permalink::is_path;

/// How many wrong rows of one file are shown; the others are counted.
const SHOWN: usize = 50;
/// How many characters of a wrong row are shown.
const WIDTH: usize = 120;

/// A section that has pages from data.
#[derive(Clone, Copy, Debug)]
pub struct Section<'s> {
    /// Its source below `content/`.
    pub source: &'s str,
    /// What its head says.
    pub front: &'s FrontMatter,
    /// What it says of the pages.
    pub from: &'s PagesFrom,
    /// The whole text of its file.
    pub text: &'s str,
}

/// The pages of `section`: source → head. `files` are all files of the site.
pub fn read<'f>(
    sources: &dyn Sources,
    section: Section<'_>,
    files: impl Iterator<Item = &'f str>,
    found: &mut Vec<Diagnostic>,
) -> BTreeMap<String, Head> {
    let (from, file) = (section.from, section.from.file());
    let (packing, name) = Packing::of_name(&file);
    if !name.to_ascii_lowercase().ends_with(".csv") {
        let message = format!("expected a file of CSV, found `{}`", from.data);
        let hint = "a data file for pages ends in `.csv`, `.csv.gz` or `.csv.zst`";
        found.push(section.mistake(message).hint(hint));
        return BTreeMap::new();
    }
    let bytes = match sources.read(&file) {
        Ok(bytes) => bytes,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            let message = format!("there is no file `{file}`");
            let names: Vec<&str> = files.filter_map(|file| file.strip_prefix("data/")).collect();
            found.push(section.mistake(message).near(&from.data, names));
            return BTreeMap::new();
        }
        Err(cause) => {
            found.push(unreadable(&file, &cause));
            return BTreeMap::new();
        }
    };
    let mut rows = Rows { section, file: &file, columns: Vec::new(), lines: FxHashMap::default(), wrong: 0, found };
    let heads = packing.unpacked(&bytes[..]).and_then(|unpacked| rows.heads(Records::new(BufReader::new(unpacked))));
    let more = rows.wrong.saturating_sub(SHOWN);
    if more > 0 {
        let message = format!("{more} more rows of it are wrong");
        found.push(Diagnostic::error(Code::Data, Place::file(file.as_str()), message));
    }
    heads.unwrap_or_else(|cause| {
        found.push(unreadable(&file, &cause));
        BTreeMap::new()
    })
}

impl Section<'_> {
    fn mistake(&self, message: String) -> Diagnostic {
        let file = format!("content/{}", self.source);
        let place = front_matter::key_place(&file, self.text, front_matter::body_of(self.text).start, KEY);
        Diagnostic::error(Code::Data, place, format!("`{KEY}`: {message}"))
    }

    /// The source of the page at `path` below it.
    fn source_of(&self, path: &str) -> String {
        let folder = self.source.rsplit_once('/').map_or("", |(folder, _)| folder);
        if folder.is_empty() { format!("{path}.md") } else { format!("{folder}/{path}.md") }
    }
}

/// The rows of one file.
struct Rows<'r> {
    section: Section<'r>,
    file: &'r str,
    /// Its headings.
    columns: Vec<String>,
    /// The path of each page, and the line that it is from.
    lines: FxHashMap<String, usize>,
    wrong: usize,
    found: &'r mut Vec<Diagnostic>,
}

impl Rows<'_> {
    fn heads(&mut self, mut records: Records<impl std::io::BufRead>) -> std::io::Result<BTreeMap<String, Head>> {
        let mut heads = BTreeMap::new();
        if !records.read()? {
            let message = "it is empty: expected a line of headings";
            self.found.push(Diagnostic::error(Code::Data, Place::file(self.file), message));
            return Ok(heads);
        }
        if !self.take_columns(&records.record) {
            return Ok(heads);
        }
        let most = self.section.from.first.unwrap_or(usize::MAX);
        let mut taken = 0;
        while taken < most && records.read()? {
            match self.head(&records.record, taken) {
                Ok(Some((source, head))) => {
                    taken += 1;
                    heads.insert(source, head);
                }
                Ok(None) => {}
                Err(why) => self.refuse(&records.record, why),
            }
        }
        Ok(heads)
    }

    /// Reads the headings. False if no row can be understood with them.
    fn take_columns(&mut self, record: &Record) -> bool {
        let from = self.section.from;
        if let Some(fault) = record.fault {
            self.refuse(record, fault.why().to_owned());
            return false;
        }
        for number in 0..record.count.min(COLUMNS + 1) {
            let why = match std::str::from_utf8(record.cell(number).bytes).map(str::trim) {
                Ok("") => format!("column {} has no heading: expected a name for each column", number + 1),
                Ok(name) if self.columns.iter().any(|known| known == name) => {
                    format!("two columns have the heading `{name}`: rename one of them")
                }
                Ok(_) if number == COLUMNS => format!("there are more than {COLUMNS} columns"),
                Ok(name) => {
                    self.columns.push(name.to_owned());
                    continue;
                }
                Err(_) => "the headings are not UTF-8: save the file as UTF-8".to_owned(),
            };
            self.refuse(record, why);
            return false;
        }
        let patterns = [Some(&from.path), Some(&from.title), from.description.as_ref()];
        let named = patterns.into_iter().flatten().flat_map(|pattern| pattern.columns());
        let mut named: Vec<&str> = named.chain(from.only.iter().map(|(column, _)| column.as_str())).collect();
        named.sort_unstable();
        named.dedup();
        let missing = named.into_iter().filter(|name| !self.columns.iter().any(|column| column == name));
        let missing: Vec<&str> = missing.collect();
        for name in &missing {
            let message = format!("`{}` has no column `{name}`: it has {}", self.file, self.columns.join(", "));
            let mistake = self.section.mistake(message).near(name, self.columns.iter().map(String::as_str));
            self.found.push(mistake);
        }
        missing.is_empty()
    }

    /// The page of a row, if it has one; or why it cannot have one.
    fn head(&mut self, record: &Record, taken: usize) -> Result<Option<(String, Head)>, String> {
        if let Some(fault) = record.fault {
            return Err(fault.why().to_owned());
        }
        if record.count != self.columns.len() {
            return Err(format!("it has {} cells, and there are {} headings", record.count, self.columns.len()));
        }
        let mut cells = Vec::with_capacity(self.columns.len());
        for (at, column) in self.columns.iter().enumerate() {
            let cell = record.cell(at);
            let text = std::str::from_utf8(cell.bytes).map_err(|_| format!("`{column}`: expected UTF-8"))?;
            cells.push((!cell.is_absent()).then_some(text));
        }
        let cell = |name: &str| self.columns.iter().position(|column| column == name).and_then(|at| cells[at]);
        let from = self.section.from;
        let is_wanted = |(column, values): &(String, Vec<String>)| {
            let found = cell(column).unwrap_or_default();
            values.iter().any(|value| value == found)
        };
        if !from.only.iter().all(is_wanted) {
            return Ok(None);
        }
        let path = path_of(&from.path.filled(cell))?;
        let title = from.title.filled(cell);
        if title.trim().is_empty() {
            return Err("its title is empty".to_owned());
        }
        if let Some(line) = self.lines.insert(path.clone(), place_of(record)) {
            return Err(format!("its page would be at `{path}`, where that of line {line} is"));
        }
        let description = from.description.as_ref().map(|pattern| pattern.filled(cell));
        let extra = self.columns.iter().zip(&cells);
        let extra: Map<String, Value> =
            extra.map(|(column, cell)| (column.clone(), cell.map_or(Value::Null, Value::from))).collect();
        let source = self.section.source_of(&path);
        if is_too_deep(&source) {
            return Err("its page would stand in too many folders: expected a shorter path".to_owned());
        }
        let front = FrontMatter {
            title: Some(title),
            description: description.clone(),
            slug: Some(path),
            // In the order of the file, unless the section has another one.
            weight: i64::try_from(taken + 1).ok(),
            layout: from.layout.clone(),
            draft: self.section.front.draft,
            in_search: from.in_search,
            in_feed: true,
            extra,
            ..FrontMatter::default()
        };
        let row = RowOf { section: self.section.source.to_owned(), data: self.file.to_owned(), line: place_of(record) };
        let summary = description.unwrap_or_default();
        Ok(Some((
            source,
            Head { front: Arc::new(front), words: 0, summary, is_said: true, found: Vec::new(), row: Some(row) },
        )))
    }

    fn refuse(&mut self, record: &Record, why: String) {
        self.wrong += 1;
        if self.wrong <= SHOWN {
            let cells = (0..record.count.min(COLUMNS)).map(|at| String::from_utf8_lossy(record.cell(at).bytes));
            let row = cells.collect::<Vec<_>>().join(",");
            let text: String = row.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(WIDTH).collect();
            let width = text.chars().count().max(1);
            let place = Place { file: self.file.to_owned(), line: place_of(record), column: 1, width, text };
            self.found.push(Diagnostic::error(Code::Data, place, why));
        }
    }
}

fn place_of(record: &Record) -> usize {
    usize::try_from(record.line).unwrap_or(usize::MAX)
}

/// What a row says of its path, if it can be one below its section.
fn path_of(text: &str) -> Result<String, String> {
    let path = text.trim_matches('/');
    let last = path.rsplit('/').next().unwrap_or_default();
    if path.is_empty() {
        return Err("its path is empty: expected a name for the URL".to_owned());
    }
    if !is_path(path) {
        return Err(format!(
            "its path would be `{}`: a part of it leads up, is empty, is too long or has signs that no URL has",
            text.escape_debug()
        ));
    }
    if matches!(last, "index" | "_index") {
        return Err(format!("`{last}` is what a folder's own page is called: its path must end otherwise"));
    }
    Ok(path.to_owned())
}
