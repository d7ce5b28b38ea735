//! The fragments that a site may place: the built-in ones and those of `dynamic/fragments/`.

use std::collections::BTreeMap;

use crate::build::sources::{Sources, read_text};
use crate::build::trace::Answer;
use crate::site::diagnostic::{Code, Diagnostic, Place};
use crate::site::fragment::{Declaration, FOLDER, is_name};
use crate::site::theme;

/// What each fragment declares.
#[derive(Debug, Default)]
pub struct Fragments(BTreeMap<String, Known>);

/// A fragment that there is.
#[derive(Debug)]
pub enum Known {
    /// Its head says what it may be given.
    Declared(Declaration),
    /// Its head has mistakes, which are told where they are.
    Broken,
}

impl Fragments {
    /// Those among `files`, and the built-in ones that no file of the site replaces.
    pub fn load(sources: &dyn Sources, files: &[String], found: &mut Vec<Diagnostic>) -> Self {
        let mut fragments = BTreeMap::new();
        for (path, bytes) in theme::dynamic() {
            let name = path.strip_prefix(FOLDER).and_then(|name| name.strip_suffix(".hbs"));
            if let (Some(name), Ok(text)) = (name, std::str::from_utf8(bytes)) {
                let read = Declaration::read(path, text);
                fragments.insert(name.to_owned(), read.map_or(Known::Broken, |(read, _)| Known::Declared(read)));
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
            let known = match read_text(sources, file).map(|text| Declaration::read(file, &text)) {
                Ok(Ok((declaration, _))) => Known::Declared(declaration),
                Ok(Err(mistake)) => {
                    found.push(*mistake);
                    Known::Broken
                }
                Err(_) => Known::Broken,
            };
            fragments.insert(name.to_owned(), known);
        }
        Self(fragments)
    }

    /// The fragment of this name.
    pub fn get(&self, name: &str) -> Option<&Known> {
        self.0.get(name)
    }

    /// Every name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The digest of what a call of `name` is checked against.
    pub fn answer(&self, name: &str) -> Answer {
        match self.get(name) {
            None => Answer::NOTHING,
            Some(Known::Broken) => Answer::of(b"broken"),
            Some(Known::Declared(declaration)) => Answer::of(declaration.signature().as_bytes()),
        }
    }
}
