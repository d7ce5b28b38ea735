//! The fragments that a site may place: the built-in ones and those of `dynamic/fragments/`.

use std::collections::BTreeMap;

use crate::build::sources::{Sources, read_text};
use crate::build::trace::Answer;
use crate::site::diagnostic::{Code, Diagnostic, Place};
use crate::site::fragment::{Declaration, FOLDER, is_name};
use crate::site::theme;

/// What each fragment declares; nothing where its head has mistakes, which are told.
#[derive(Debug, Default)]
pub struct Fragments(BTreeMap<String, Option<Declaration>>);

impl Fragments {
    /// Those among `files`, and the built-in ones that no file of the site replaces.
    pub fn load(sources: &dyn Sources, files: &[String], found: &mut Vec<Diagnostic>) -> Self {
        let mut fragments = BTreeMap::new();
        for (path, bytes) in theme::dynamic() {
            let name = path.strip_prefix(FOLDER).and_then(|name| name.strip_suffix(".hbs"));
            if let (Some(name), Ok(text)) = (name, std::str::from_utf8(bytes)) {
                let declaration = Declaration::read(path, text).ok().map(|(declaration, _)| declaration);
                fragments.insert(name.to_owned(), declaration);
            }
        }
        for file in files {
            let name = file.strip_prefix("dynamic/").and_then(|path| path.strip_prefix(FOLDER));
            let Some(name) = name.and_then(|name| name.strip_suffix(".hbs")) else { continue };
            if !is_name(name) {
                let message = format!("`{name}` can be no fragment: small letters, figures and `-`, a letter first");
                found.push(
                    Diagnostic::error(Code::Fragment, Place::file(file), message)
                        .hint("rename the file; what fragments share may stand beside their folder"),
                );
                continue;
            }
            // What cannot be read is told by who puts it into the release.
            let declaration = match read_text(sources, file).map(|text| Declaration::read(file, &text)) {
                Ok(Ok((declaration, _))) => Some(declaration),
                Ok(Err(mistake)) => {
                    found.push(*mistake);
                    None
                }
                Err(_) => None,
            };
            fragments.insert(name.to_owned(), declaration);
        }
        Self(fragments)
    }

    /// What `name` declares: nothing when there is no such fragment, and nothing inside when
    /// its head has mistakes.
    pub fn get(&self, name: &str) -> Option<Option<&Declaration>> {
        self.0.get(name).map(Option::as_ref)
    }

    /// Every name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The digest of what a call of `name` is checked against.
    pub fn answer(&self, name: &str) -> Answer {
        match self.get(name) {
            None => Answer::NOTHING,
            Some(None) => Answer::of(b"broken"),
            Some(Some(declaration)) => Answer::of(declaration.signature().as_bytes()),
        }
    }
}
