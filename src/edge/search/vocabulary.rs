//! The words that an index has: which begin with what was typed, and which are near to it.
//!
//! All of it is read from the dictionary of plain words; nothing here matches documents. Work
//! is bounded by looking at so many words and no more.

use tantivy::query::FuzzyTermQuery;
use tantivy::schema::Field;
use tantivy::{DocAddress, Searcher, Term};

/// How many words of a dictionary are looked at for one completion. The beginnings of one
/// letter in an index of 100,000 sections have fewer.
const MOST_COMPLETIONS_SEEN: usize = 50_000;

/// How many words of a dictionary are compared with a mistyped one.
const MOST_NEAR_SEEN: usize = 5_000;

/// A word of the index that begins with what was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Completion {
    pub(super) word: String,
    /// How many sections have it.
    pub(super) sections: u32,
}

/// A word of the index that was perhaps meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Near {
    pub(super) word: String,
    /// Letters added, left out, taken for another, or swapped.
    pub(super) distance: usize,
    /// How many sections have it.
    pub(super) sections: u32,
}

/// Whether a near word must be as long as what was typed, or may go on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    Beginning,
}

/// How many mistakes are forgiven: in short words each letter makes another word.
pub(super) fn forgiven_mistakes(word: &str) -> u8 {
    match word.chars().count() {
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    }
}

/// How many sections have the term.
pub(super) fn frequency(searcher: &Searcher, field: Field, word: &str) -> tantivy::Result<u64> {
    searcher.doc_freq(&Term::from_field_text(field, word))
}

/// The words that begin with `beginning`, the commonest first; itself left out.
pub(super) fn completions(
    searcher: &Searcher,
    field: Field,
    beginning: &str,
    limit: usize,
) -> tantivy::Result<Vec<Completion>> {
    let mut found = Vec::new();
    for segment in searcher.segment_readers() {
        let index = segment.inverted_index(field)?;
        let mut words = index.terms().range().ge(beginning).into_stream()?;
        while words.advance() && found.len() < MOST_COMPLETIONS_SEEN {
            let Ok(word) = std::str::from_utf8(words.key()) else { continue };
            if !word.starts_with(beginning) {
                break;
            }
            if word.len() > beginning.len() {
                found.push(Completion { word: word.to_owned(), sections: words.value().doc_freq });
            }
        }
    }
    found.sort_unstable_by(|a, b| b.sections.cmp(&a.sections).then_with(|| a.word.cmp(&b.word)));
    found.truncate(limit);
    Ok(found)
}

/// The words within `mistakes` of `typed`, nearest first, the commoner of equals first;
/// itself left out.
pub(super) fn near(
    searcher: &Searcher,
    field: Field,
    typed: &str,
    mistakes: u8,
    extent: Extent,
    limit: usize,
) -> tantivy::Result<Vec<Near>> {
    if mistakes == 0 {
        return Ok(Vec::new());
    }
    let term = Term::from_field_text(field, typed);
    let mut found = Vec::new();
    for segment in searcher.segment_readers() {
        let query = match extent {
            Extent::Whole => FuzzyTermQuery::new(term.clone(), mistakes, true),
            Extent::Beginning => FuzzyTermQuery::new_prefix(term.clone(), mistakes, true),
        };
        let index = segment.inverted_index(field)?;
        let mut words = index.terms().search(query.automaton()?).into_stream()?;
        while words.advance() && found.len() < MOST_NEAR_SEEN {
            let Ok(word) = std::str::from_utf8(words.key()) else { continue };
            let distance = match extent {
                Extent::Whole => strsim::osa_distance(typed, word),
                Extent::Beginning => distance_to_beginning(typed, word, usize::from(mistakes)),
            };
            if distance > 0 {
                found.push(Near { word: word.to_owned(), distance, sections: words.value().doc_freq });
            }
        }
    }
    // A mistake in the first letter is the rarest one.
    let first = typed.chars().next();
    found.sort_unstable_by(|a, b| {
        let key = |near: &Near| (near.distance, near.word.chars().next() != first, u32::MAX - near.sections);
        key(a).cmp(&key(b)).then_with(|| a.word.cmp(&b.word))
    });
    found.truncate(limit);
    Ok(found)
}

/// The least distance of `typed` to any beginning of `word` of about its length.
fn distance_to_beginning(typed: &str, word: &str, mistakes: usize) -> usize {
    let length = typed.chars().count();
    let ends = word.char_indices().map(|(at, c)| at + c.len_utf8());
    ends.skip(length.saturating_sub(mistakes + 1))
        .take(2 * mistakes + 1)
        .map(|end| strsim::osa_distance(typed, &word[..end]))
        .min()
        .unwrap_or(usize::MAX)
}

/// A section that has the term.
pub(super) fn any_section_with(searcher: &Searcher, field: Field, word: &str) -> tantivy::Result<Option<DocAddress>> {
    let term = Term::from_field_text(field, word);
    for (ordinal, segment) in searcher.segment_readers().iter().enumerate() {
        let postings =
            segment.inverted_index(field)?.read_postings(&term, tantivy::schema::IndexRecordOption::Basic)?;
        if let Some(postings) = postings {
            let doc = tantivy::DocSet::doc(&postings);
            if doc != tantivy::TERMINATED {
                return Ok(Some(DocAddress::new(ordinal as u32, doc)));
            }
        }
    }
    Ok(None)
}
