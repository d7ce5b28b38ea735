//! The indexes of a release: one of what everybody may read, and two for each audience, of which
//! a reader is answered from one.
//!
//! Whoever is admitted to an audience is answered from the texts of its pages, everybody else from
//! what their open pages say. An index that is not a reader's is not asked at all: so what is
//! found, counted, suggested and weighed for them can tell nothing of it.
//!
//! Words weigh differently in two indexes; results are put together by their scores all the same.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::reader::{Found, Page, Reader, Reading, SearchError, Suggestion};
use crate::site::audience::{Audience, Standing};
use crate::site::release::{SearchPart, Shelf};

/// All of them.
#[derive(Debug)]
pub(in crate::edge) struct Indexes {
    everybodys: Reader,
    parts: Vec<Part>,
}

/// Those of one audience.
#[derive(Debug)]
struct Part {
    audience: Audience,
    open: Option<Reader>,
    full: Option<Reader>,
}

impl Indexes {
    /// Opens those of a release.
    pub(in crate::edge) fn open(
        shelf: &Shelf,
        everybodys: &str,
        parts: &[SearchPart],
        language: &str,
    ) -> Result<Self, SearchError> {
        let open = |name: &str| Reader::open(&shelf.search_folder(name), language);
        let part = |part: &SearchPart| {
            Ok(Part {
                audience: part.audience.clone(),
                open: part.open.as_deref().map(open).transpose()?,
                full: part.full.as_deref().map(open).transpose()?,
            })
        };
        Ok(Self { everybodys: open(everybodys)?, parts: parts.iter().map(part).collect::<Result<_, SearchError>>()? })
    }

    /// Whether it matters who asks.
    pub(in crate::edge) fn has_parts(&self) -> bool {
        !self.parts.is_empty()
    }

    /// Those that this reader is answered from. What is metered is searched as its open pages: a
    /// question is no reading.
    fn of(&self, standing: &Standing) -> Vec<&Reader> {
        let parts = self
            .parts
            .iter()
            .filter_map(|part| if part.audience.admits(standing) { part.full.as_ref() } else { part.open.as_ref() });
        std::iter::once(&self.everybodys).chain(parts).collect()
    }

    /// Answers a question with `limit` pages after the first `skipped`.
    pub(in crate::edge) fn search(
        &self,
        question: &str,
        skipped: usize,
        limit: usize,
        standing: &Standing,
    ) -> Result<Found, SearchError> {
        let readers = self.of(standing);
        if let [only] = readers.as_slice() {
            return only.search(question, skipped, limit);
        }
        let ask = |reading: Reading| -> Result<Vec<Found>, SearchError> {
            readers.iter().map(|reader| reader.search_as(question, 0, skipped + limit, reading)).collect()
        };
        let narrow = ask(Reading::Narrow)?;
        let total: usize = narrow.iter().map(|found| found.total).sum();
        // One index that has little is no reason to forgive mistakes: all of them together are.
        let found = if total < super::reader::ENOUGH { ask(Reading::Widened)? } else { narrow };
        Ok(together(found, skipped, limit))
    }

    /// The paths of pages that are about any of these words: of each index the best first, in turn.
    pub(in crate::edge) fn akin(
        &self,
        words: &str,
        limit: usize,
        standing: &Standing,
    ) -> Result<Vec<String>, SearchError> {
        let found = self.of(standing).iter().map(|reader| reader.akin(words, limit)).collect::<Result<Vec<_>, _>>()?;
        let mut ranked: Vec<(usize, String)> =
            found.into_iter().flat_map(|paths| paths.into_iter().enumerate()).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        Ok(ranked.into_iter().map(|(_, path)| path).take(limit).collect())
    }

    /// Goes on with a question that is being typed.
    pub(in crate::edge) fn suggest(
        &self,
        typed: &str,
        limit: usize,
        standing: &Standing,
    ) -> Result<Vec<Suggestion>, SearchError> {
        let readers = self.of(standing);
        if let [only] = readers.as_slice() {
            return only.suggest(typed, limit);
        }
        let (mut places, mut words, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        for reader in readers {
            for suggestion in reader.suggest(typed, limit)? {
                match suggestion {
                    Suggestion::Place { .. } => places.push(suggestion),
                    Suggestion::Words(text) => {
                        if seen.insert(text.clone()) {
                            words.push(Suggestion::Words(text));
                        }
                    }
                }
            }
        }
        places.truncate(limit - words.len().min(2).min(limit));
        words.truncate(limit - places.len());
        places.append(&mut words);
        Ok(places)
    }
}

/// What several indexes have found, as if one had. Those with all that was asked for come first.
fn together(mut found: Vec<Found>, skipped: usize, limit: usize) -> Found {
    // What has the phrase stands for what has its words only.
    if found.iter().any(|found| found.total > 0 && !found.without_quotes) {
        found.iter_mut().filter(|found| found.without_quotes).for_each(|found| *found = Found::default());
    }
    let suggestion = found.iter().find_map(|found| found.suggestion.clone());
    let with_all: usize = found.iter().map(|found| found.with_all).sum();
    let mut all = Found {
        total: found.iter().map(|found| found.total).sum(),
        with_all,
        without_quotes: found.iter().any(|found| found.without_quotes),
        pages: Vec::new(),
        // A word that one of them lacks another may have.
        suggestion: suggestion.filter(|_| with_all == 0),
    };
    let ranked = |found: Found| {
        let with_all = found.with_all;
        found.pages.into_iter().enumerate().map(move |(at, page)| (at < with_all, page))
    };
    let mut pages: Vec<(bool, Page)> = found.into_iter().flat_map(ranked).collect();
    let score = |page: &Page| page.sections.first().map_or(0.0, |section| section.score);
    pages.sort_by(|(one_all, one), (other_all, other)| {
        let by_score = || score(other).partial_cmp(&score(one)).unwrap_or(Ordering::Equal);
        other_all.cmp(one_all).then_with(by_score).then_with(|| one.path.cmp(&other.path))
    });
    all.pages = pages.into_iter().map(|(_, page)| page).skip(skipped).take(limit).collect();
    all
}
