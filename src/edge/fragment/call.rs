//! Calls: a fragment of a release with its arguments, and where it is in which pages.
//!
//! Everything is checked when a release is loaded, so that a page only has to look.

use std::num::NonZeroU32;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::pause::Pause;
use super::splice::{Hole, Holes};
use crate::edge::session::fields_of;
use crate::site::digest::Digest;
use crate::site::fragment::{Arguments, Declaration, FOLDER, NotAccepted};
use crate::site::release::{self, BuildId};

/// A fragment that a release has.
#[derive(Debug)]
pub(in crate::edge) struct Known {
    /// Its name.
    pub(in crate::edge) name: String,
    /// The name of its template.
    pub(super) template: String,
    pub(in crate::edge) declaration: Declaration,
    /// Set when it took too long.
    pub(super) pause: Pause,
}

impl Known {
    /// What it is called among all that reads the store.
    pub(in crate::edge) fn data_name(&self) -> String {
        format!("{FOLDER}{}", self.name)
    }
}

/// The fragments that a release has, by name.
#[derive(Debug, Default)]
pub(in crate::edge) struct Fragments(FxHashMap<String, Arc<Known>>);

impl Fragments {
    /// Adds the one whose template is `template`.
    pub(in crate::edge) fn add(&mut self, template: &str, declaration: Declaration) {
        let name = template.strip_prefix(FOLDER).unwrap_or(template).to_owned();
        let known = Known { template: template.to_owned(), name, declaration, pause: Pause::default() };
        self.0.insert(known.name.clone(), Arc::new(known));
    }

    /// All of them.
    pub(in crate::edge) fn all(&self) -> impl Iterator<Item = &Known> {
        self.0.values().map(Arc::as_ref)
    }

    /// The one of this name.
    pub(super) fn get(&self, name: &str) -> Option<&Arc<Known>> {
        self.0.get(name)
    }
}

/// A fragment with arguments that it accepts.
#[derive(Debug)]
pub(in crate::edge) struct Call {
    pub(super) known: Arc<Known>,
    pub(super) arguments: Arguments,
    /// Names it: the release, the fragment and the arguments.
    pub(super) digest: Digest,
}

impl Call {
    pub(super) fn of<'a>(
        release: BuildId,
        known: &Arc<Known>,
        given: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, NotAccepted> {
        let arguments = known.declaration.arguments(given)?;
        let digest = Digest::of(format!("{release} {}?{}", known.name, arguments.query).as_bytes());
        Ok(Self { known: known.clone(), arguments, digest })
    }
}

/// A page of the release places a fragment that it does not have, or where it cannot be.
#[derive(Clone, Copy, Debug)]
pub(in crate::edge) struct NotPlaced;

/// Puts the fragments of pages into a table, beside that of the pages.
pub(in crate::edge) struct Placing<'f> {
    release: BuildId,
    fragments: &'f Fragments,
    /// A call that stands on a thousand pages is one.
    calls: FxHashMap<(String, String), Arc<Call>>,
    /// The rows so far.
    pub(in crate::edge) table: Vec<Arc<Holes>>,
    /// How many rows another table has before this one.
    before: usize,
}

/// The row of a page; pages are counted from 1, so that "none" takes no room.
pub(in crate::edge) type Row = NonZeroU32;

impl<'f> Placing<'f> {
    pub(in crate::edge) fn new(release: BuildId, fragments: &'f Fragments, before: usize) -> Self {
        Self { release, fragments, calls: FxHashMap::default(), table: Vec::new(), before }
    }

    /// The row for a page of so many bytes that has these fragments; none if it has none.
    pub(in crate::edge) fn place(
        &mut self,
        fragments: &[release::Fragment],
        length: u64,
    ) -> Result<Option<Row>, NotPlaced> {
        let Some(holes) = self.holes(fragments, length)? else { return Ok(None) };
        self.table.push(Arc::new(holes));
        let row = u32::try_from(self.before + self.table.len()).ok().and_then(Row::new);
        row.map(Some).ok_or(NotPlaced)
    }

    /// These fragments of so many bytes; none if there are none.
    pub(in crate::edge) fn holes(
        &mut self,
        fragments: &[release::Fragment],
        length: u64,
    ) -> Result<Option<Holes>, NotPlaced> {
        if fragments.is_empty() {
            return Ok(None);
        }
        let holes = fragments.iter().map(|fragment| {
            let (element, fallback) = (fragment.element, fragment.fallback);
            Ok(Hole {
                element: element.0..element.1,
                fallback: fallback.0..fallback.1,
                call: self.call(&fragment.name, &fragment.query)?,
            })
        });
        Holes::of(holes.collect::<Result<_, _>>()?, length).map(Some).ok_or(NotPlaced)
    }

    fn call(&mut self, name: &str, query: &str) -> Result<Arc<Call>, NotPlaced> {
        let key = (name.to_owned(), query.to_owned());
        if let Some(call) = self.calls.get(&key) {
            return Ok(call.clone());
        }
        let known = self.fragments.get(name).ok_or(NotPlaced)?;
        let given = fields_of(query).ok_or(NotPlaced)?;
        let given = given.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let call = Arc::new(Call::of(self.release, known, given).map_err(|_| NotPlaced)?);
        self.calls.insert(key, call.clone());
        Ok(call)
    }
}
