//! Pages from data: their heads beside those of the files, made anew where the section that
//! asks for them, or the data file, is another version.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::changes::Changes;
use super::kept::Kept;
use crate::build::model::Head;
use crate::build::rows::{self, RowOf};
use crate::build::sources::Sources;
use crate::build::texts::Texts;
use crate::site::diagnostic::{Code, Diagnostic, Place};

/// Notes whether the head of a file, which was one thing and is another now, changes what
/// pages there are from data. The text of a section does not.
pub(super) fn note_head(source: &str, before: Option<&Head>, now: &Head, changes: &mut Changes) {
    // A file where the page of a row was.
    changes.rows.extend(before.and_then(|before| before.row.as_ref()).map(|row| row.section.clone()));
    let asks_alike =
        |before: &Head| before.front.pages_from == now.front.pages_from && before.front.draft == now.front.draft;
    if now.front.pages_from.is_some() && !before.is_some_and(asks_alike) {
        changes.rows.insert(source.to_owned());
    }
}

/// Makes the heads of rows that may be others, and notes which are.
pub(super) fn take(
    sources: &dyn Sources,
    kept: &mut Kept,
    changes: &mut Changes,
    texts: &Texts<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let anew = sections(kept, changes);
    if anew.is_empty() {
        return;
    }
    let mut made: BTreeMap<String, Head> = BTreeMap::new();
    for source in &anew {
        let Some(head) = kept.heads.get(source).cloned() else { continue };
        let Some(from) = &head.front.pages_from else { continue };
        // That it can be read, its own head has told.
        let text = texts.of(&format!("content/{source}")).unwrap_or_else(|_| Arc::from(""));
        let section = rows::Section { source, front: &head.front, from, text: &text };
        let files = kept.files.keys().map(String::as_str);
        for (page, head) in rows::read(sources, section, files, found) {
            match kept.files.contains_key(&format!("content/{page}")) || made.contains_key(&page) {
                true => found.extend(head.row.as_ref().map(|row| twice(row, &page))),
                false => drop(made.insert(page, head)),
            }
        }
    }
    let is_of_them = |head: &Head| head.row.as_ref().is_some_and(|row| anew.contains(&row.section));
    let before = kept.heads.iter().filter(|(_, head)| is_of_them(head));
    let gone: Vec<String> = before.map(|(page, _)| page.clone()).filter(|page| !made.contains_key(page)).collect();
    for page in gone {
        changes.has_other_structure = true;
        kept.heads.remove(&page);
    }
    for (page, head) in made {
        let before = kept.heads.get(&page);
        match before.and_then(|before| before.row.as_ref()).filter(|row| !anew.contains(&row.section)) {
            Some(_) => found.extend(head.row.as_ref().map(|row| twice(row, &page))),
            // One that is the same costs the cache nothing.
            None if before.is_some_and(|before| **before == head) => {}
            None => {
                changes.note_head(&page, before.map(Arc::as_ref), &head);
                kept.heads.insert(page, Arc::new(head));
            }
        }
    }
}

/// The sections whose pages may be others. What is known of them is brought up to date.
fn sections(kept: &mut Kept, changes: &Changes) -> BTreeSet<String> {
    let mut anew = changes.rows.clone();
    let heads = changes.files.iter().filter_map(|file| file.strip_prefix("content/"));
    // In no order: the sections are gathered into one.
    heads.filter(|source| source.rsplit('/').next() == Some("_index.md")).for_each(|source| {
        let from = kept.heads.get(source).and_then(|head| head.front.pages_from.as_ref());
        let before = match from {
            Some(from) => kept.row_files.insert(source.to_owned(), from.file()),
            None => kept.row_files.remove(source),
        };
        if from.is_some() != before.is_some() {
            anew.insert(source.to_owned());
        }
    });
    let files = kept.row_files.iter().filter(|(_, file)| changes.files.contains(*file));
    anew.extend(files.map(|(source, _)| source.clone()));
    anew
}

fn twice(row: &RowOf, page: &str) -> Diagnostic {
    let place = Place { file: row.data.clone(), line: row.line, column: 1, width: 1, text: page.to_owned() };
    let message = format!("its page would be `content/{page}`, which there is already");
    Diagnostic::error(Code::DuplicateUrl, place, message).hint("rename one of them, or give the rows another `path`")
}
