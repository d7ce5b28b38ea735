//! Selecting: which outputs must be made, and why.

use rayon::prelude::*;
use rustc_hash::FxHashSet;

use super::changes::Changes;
use super::kept::Kept;
use super::why::{Reason, Why};
use super::{Request, publish};
use crate::build::model::Fields;
use crate::build::output::plan::{self, Planned, Subject};
use crate::build::output::version::is_checked_out;
use crate::build::trace::{Own, Read, ReadId};
use crate::build::world::World;
use crate::site::release::Writer;

/// Everything that is known when outputs are selected.
pub(super) struct Selection<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) world: &'a World,
    pub(super) changes: &'a Changes,
    /// Reads with another answer.
    pub(super) changed: &'a FxHashSet<ReadId>,
    pub(super) extent: Extent,
    /// Paths whose objects are not as they were written.
    pub(super) damaged: &'a FxHashSet<String>,
    /// Says of a read whether its answer may be another one.
    pub(super) may_differ: &'a (dyn Fn(&Read) -> bool + Sync),
}

/// How far what is new may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Anything may be different, the objects on the shelf among it.
    All,
    /// This process has made the build before, and only texts are different since: its
    /// objects are not looked at again for an edit of one page.
    Texts,
    /// Besides, no layout and no feed shows of another page what is new in them.
    TextsAlone,
}

/// The outputs whose objects are not as they were written.
pub(super) fn damaged(writer: &Writer, kept: &Kept) -> FxHashSet<String> {
    if kept.outputs.is_empty() {
        return FxHashSet::default();
    }
    let listing = writer.listing();
    let outputs = kept.outputs.par_iter().filter(|(path, _)| *path != publish::SHELL);
    let damaged = outputs.filter(|(name, output)| match is_checked_out(name) {
        true => !writer.stands_at(name, &output.object, &listing),
        false => !writer.is_whole(&output.object),
    });
    damaged.map(|(name, _)| name.clone()).collect()
}

impl<'a> Selection<'a> {
    /// The outputs that must be made, in order of path, and why. Records of outputs that are
    /// no longer planned are dropped.
    pub(super) fn of(&self, kept: &mut Kept) -> (Vec<&'a Planned>, Why) {
        let is_first = kept.outputs.is_empty();
        // A search index that is gone can only be made from all texts.
        let needs_texts = self.world.site.config.search && !super::index_stands(self.request, self.world, kept);
        let reason = |output: &'a Planned| Some((output, self.reason(kept, output, needs_texts)?));
        let mut dirty: Vec<(&Planned, Reason)> = if self.extent == Extent::TextsAlone && !needs_texts {
            self.of_changed_pages().into_iter().filter_map(reason).collect()
        } else {
            self.world.plan.outputs.par_iter().filter_map(reason).collect()
        };
        dirty.par_sort_unstable_by(|(one, _), (other, _)| one.name().cmp(&other.name()));
        let why = if is_first { Why::default() } else { Why::of(&dirty, kept) };
        if !self.changes.are_only_texts() {
            kept.outputs.retain(|name| self.world.plan.has(name) || name == publish::SHELL);
        }
        (dirty.into_iter().map(|(output, _)| output).collect(), why)
    }

    /// The outputs of the pages whose texts are new: all that there is to look at, however
    /// large the site.
    fn of_changed_pages(&self) -> Vec<&'a Planned> {
        let (site, plan) = (&self.world.site, &self.world.plan);
        let sources = self.changes.files.iter().filter_map(|file| file.strip_prefix("content/"));
        let pages = sources.filter_map(|source| site.any_by_source(source));
        pages.flat_map(|id| plan.of_page(&site.page(id).permalink)).collect()
    }

    /// The reads of one output that have another answer than it was given.
    fn other_answers(&self, own: &Own) -> Vec<Read> {
        let reads = own.reads().filter(|(read, _)| (self.may_differ)(read));
        reads.filter(|(read, answer)| self.world.answer(read) != *answer).map(|(read, _)| read).collect()
    }

    fn reason(&self, kept: &Kept, output: &Planned, needs_texts: bool) -> Option<Reason> {
        let name = output.name();
        let Some(made) = kept.outputs.get(&name) else { return Some(Reason::New) };
        let is_touched = match &output.subject {
            Subject::Page(id, _) | Subject::Letter(id) => {
                self.changes.files.contains(&self.world.site.page(*id).file())
            }
            _ => false,
        };
        // Most records need not be opened.
        let record = if is_touched || self.changes.may_touch(made.fields) {
            let Some(record) = made.record.open() else { return Some(Reason::Damaged) };
            Some(record)
        } else {
            None
        };
        match &output.subject {
            Subject::File(file) if self.changes.files.contains(file) => return Some(Reason::Files),
            Subject::Feed if self.changes.fields.meets(Fields::named("summary")) => return Some(Reason::Site),
            Subject::Feed | Subject::Sitemap | Subject::Robots | Subject::Alias(_)
                if !self.changes.are_only_texts() =>
            {
                return Some(Reason::Site);
            }
            _ => {}
        }
        if let Some(record) = record.as_ref().filter(|_| !self.changes.are_only_texts()) {
            let lists = output.layout.as_deref().is_some_and(|layout| self.world.layouts.shows_items(layout));
            if record.layout != output.layout || record.lists != lists {
                return Some(Reason::OtherLayout);
            }
            if record.subject != plan::subject_of(&self.world.site, output) {
                return Some(Reason::OtherSubject);
            }
        }
        let shared: Vec<ReadId> = made.shared.iter().copied().filter(|id| self.changed.contains(id)).collect();
        let own = record.map_or_else(Vec::new, |record| self.other_answers(&record.own));
        if !shared.is_empty() || !own.is_empty() {
            return Some(Reason::Reads(shared, own));
        }
        if needs_texts && matches!(output.subject, Subject::Page(_, 1)) {
            return Some(Reason::NoIndex);
        }
        self.damaged.contains(&*name).then_some(Reason::Damaged)
    }
}
