//! From the parts of a question to queries of the index.
//!
//! Each part can match in three ways, each wider than the one before: as it is asked for,
//! with the last word as a beginning, and with the mistakes of typing forgiven. Queries are
//! built from terms; what a reader typed is never parsed as a query.

use tantivy::query::{
    BooleanQuery, BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, Occur, PhraseQuery, Query, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Score, Searcher, Term};

use super::question::{Form, Part, Question};
use super::ranking::{BestPages, Ranked};
use super::statistics::Statistics;
use super::vocabulary::{self, Completion, Extent, Near};
use crate::site::search::Fields;

/// How much a word in the title counts, one in the text counting 1.
const TITLE: Score = 3.5;
/// How much a word in the heading counts.
const HEADING: Score = 2.2;
/// How much a word spelt as it was asked for counts, beside its stem.
const SPELLING: Score = 0.8;
/// How much a word counts that only begins with what was asked for.
const COMPLETION: Score = 0.4;
/// How much a word counts that is one mistake away.
const NEAR: Score = 0.3;
/// How much a stop word counts, another word counting 1.
const STOP_WORD: Score = 0.2;
/// How much of the lesser fields is added to the best one.
const TIE_BREAKER: Score = 0.3;

/// Added for each narrower way in which a result matches as well: more than any score of
/// words. A power of two, to lose least of what it is added to.
const TIER: Score = 8192.0;

/// How many words of the index one word may stand for.
const MOST_COMPLETIONS: usize = 24;
const MOST_NEAR: usize = 16;

/// How many words of one question may be mistyped: looking for each takes as long as a
/// small question.
const MOST_MISTYPED: usize = 4;

/// A word that more sections have than one in so many says little about which are meant.
const COMMON_SHARE: u64 = 4;
/// In a site with fewer sections nothing is gained by leaving any of them out.
const LARGE_SITE: u64 = 2000;
/// Sections that rarer words must have before common ones no longer choose: many pages of
/// results.
const PLENTY: u64 = 200;

type BoxedQuery = Box<dyn Query>;

/// What the index knows of one part of a question.
pub(super) struct Looked {
    pub(super) part: Part,
    /// How many sections have it or a word of its stem, about; not known of what is no word.
    pub(super) sections: u64,
    pub(super) completions: Vec<Completion>,
    pub(super) near: Vec<Near>,
}

/// How wide a question is meant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Width {
    Exact,
    Beginnings,
    Mistakes,
}

/// Makes queries for one index.
pub(super) struct Queries<'i> {
    pub(super) searcher: &'i Searcher,
    pub(super) fields: &'i Fields,
}

impl Queries<'_> {
    /// Looks a question's parts up: as they are, and what the last one may go on to.
    pub(super) fn look_up(&self, question: &Question) -> tantivy::Result<Vec<Looked>> {
        let wanted = question.wanted().len();
        let last = question.parts.len().saturating_sub(1);
        let mut all = Vec::with_capacity(question.parts.len());
        for (number, part) in question.parts.iter().enumerate() {
            let mut looked = Looked { part: part.clone(), sections: 0, completions: Vec::new(), near: Vec::new() };
            if let Some(word) = part.word() {
                let Fields { title, heading, text, words, .. } = *self.fields;
                looked.sections = vocabulary::frequency(self.searcher, words, &word.plain)?;
                // The stem in each: a word may stand in titles only.
                for field in [title, heading, text] {
                    looked.sections = looked.sections.max(vocabulary::frequency(self.searcher, field, &word.stem)?);
                }
                // One letter begins too much, but in Chinese it may be a word.
                let is_beginning = word.plain.len() > 1 && !(part.is_stop_word && wanted > 0 && last > 0);
                if number == last && question.is_open && is_beginning {
                    looked.completions =
                        vocabulary::completions(self.searcher, self.fields.words, &word.plain, MOST_COMPLETIONS)?;
                }
            }
            all.push(looked);
        }
        Ok(all)
    }

    /// Looks up what was perhaps meant by those words that the index does not have. One that it
    /// has, or that begins one, is what was meant: `tide` is no slip of `time`.
    pub(super) fn look_nearby(&self, parts: &mut [Looked]) -> tantivy::Result<()> {
        let is_unknown = |looked: &&mut Looked| {
            let is_word = looked.part.form == Form::Word && !looked.part.is_stop_word;
            is_word && looked.sections == 0 && looked.completions.is_empty()
        };
        for looked in parts.iter_mut().filter(is_unknown).take(MOST_MISTYPED) {
            let Some(word) = looked.part.word() else { continue };
            let mistakes = vocabulary::forgiven_mistakes(&word.plain);
            looked.near =
                vocabulary::near(self.searcher, self.fields.words, &word.plain, mistakes, Extent::Whole, MOST_NEAR)?;
        }
        Ok(())
    }

    /// Asks the index.
    pub(super) fn ask(&self, query: &dyn Query, kept: usize) -> tantivy::Result<Ranked> {
        let statistics = Statistics { searcher: self.searcher, fields: self.fields };
        self.searcher.search_with_statistics_provider(query, &BestPages { kept }, &statistics)
    }

    /// Sections that have all the parts, stop words counting but not wanted.
    pub(super) fn all(&self, parts: &[Looked], width: Width) -> BoxedQuery {
        let only_stop_words = parts.iter().all(|looked| looked.part.is_stop_word);
        let clauses = parts.iter().map(|looked| {
            let is_wanted = only_stop_words || !looked.part.is_stop_word;
            (if is_wanted { Occur::Must } else { Occur::Should }, self.part(looked, width))
        });
        Box::new(BooleanQuery::new(clauses.collect()))
    }

    /// Sections that have any of the parts, and all of its phrases. In a large site a word that
    /// stands nearly everywhere does not choose among them where rarer ones do: it would
    /// bring each section of the site to be ranked. Alone, it chooses.
    pub(super) fn any(&self, parts: &[Looked], width: Width) -> BoxedQuery {
        let mut clauses = Vec::new();
        let mut words = Vec::new();
        let all = self.searcher.num_docs();
        let is_common = |looked: &Looked| all >= LARGE_SITE && looked.sections > all / COMMON_SHARE;
        let rarer: u64 = parts.iter().filter(|it| !it.part.is_stop_word && !is_common(it)).map(|it| it.sections).sum();
        for looked in parts {
            let query = self.part(looked, width);
            if looked.part.form == Form::Phrase {
                clauses.push((Occur::Must, query));
            } else if looked.part.is_stop_word || (is_common(looked) && rarer >= PLENTY) {
                clauses.push((Occur::Should, query));
            } else {
                words.push((Occur::Should, query));
            }
        }
        if !words.is_empty() {
            let has_phrase = clauses.iter().any(|(occur, _)| *occur == Occur::Must);
            let occur = if has_phrase { Occur::Should } else { Occur::Must };
            clauses.push((occur, Box::new(BooleanQuery::new(words))));
        }
        Box::new(BooleanQuery::new(clauses))
    }

    fn part(&self, looked: &Looked, width: Width) -> BoxedQuery {
        let Fields { title, heading, text, words, name, .. } = *self.fields;
        let mut ways = Vec::new();
        let part = &looked.part;
        if let [word] = &part.words[..] {
            if part.form == Form::Word {
                ways.push(term(title, &word.stem, TITLE));
                ways.push(term(heading, &word.stem, HEADING));
                ways.push(term(text, &word.stem, 1.0));
            }
            ways.push(term(words, &word.plain, SPELLING));
        } else {
            for (field, weight) in [(title, TITLE), (heading, HEADING), (text, 1.0)] {
                let first = part.words.first().map_or(0, |word| word.position);
                let terms =
                    part.words.iter().map(|word| (word.position - first, Term::from_field_text(field, &word.stem)));
                ways.push(boosted(Box::new(PhraseQuery::new_with_offset(terms.collect())), weight));
            }
        }
        if width >= Width::Beginnings {
            for completion in &looked.completions {
                ways.push(term(words, &completion.word, COMPLETION));
                ways.push(term(name, &completion.word, COMPLETION * HEADING));
            }
        }
        if width >= Width::Mistakes {
            for near in &looked.near {
                let weight = NEAR / near.distance as Score;
                ways.push(term(words, &near.word, weight));
                ways.push(term(name, &near.word, weight * HEADING));
            }
        }
        let weight = if part.is_stop_word { STOP_WORD } else { 1.0 };
        boosted(Box::new(DisjunctionMaxQuery::with_tie_breaker(ways, TIE_BREAKER)), weight)
    }

    /// Sections that a question typed so far may be about by name: its last word as a
    /// beginning, the others in the name or the page's title.
    pub(super) fn named(&self, before: &[Part], last: &[(String, Score)]) -> BoxedQuery {
        let Fields { title, name, .. } = *self.fields;
        let mut clauses: Vec<(Occur, BoxedQuery)> = Vec::new();
        for word in before.iter().flat_map(|part| &part.words) {
            let ways = vec![term(name, &word.plain, 1.0), term(title, &word.stem, 0.5)];
            clauses.push((Occur::Must, Box::new(DisjunctionMaxQuery::new(ways))));
        }
        let ways = last.iter().map(|(word, weight)| term(name, word, *weight)).collect();
        clauses.push((Occur::Must, Box::new(DisjunctionMaxQuery::new(ways))));
        Box::new(BooleanQuery::new(clauses))
    }
}

/// `wide`, with what matches `narrow` as well before all else.
pub(super) fn first(narrow: BoxedQuery, wide: BoxedQuery) -> BoxedQuery {
    let narrow = Box::new(ConstScoreQuery::new(narrow, TIER));
    Box::new(BooleanQuery::new(vec![(Occur::Must, wide), (Occur::Should, narrow)]))
}

/// A score without what the ways of matching added to it.
pub(super) fn score_of_words(score: Score) -> Score {
    score % TIER
}

fn term(field: Field, word: &str, weight: Score) -> BoxedQuery {
    let term = Term::from_field_text(field, word);
    boosted(Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)), weight)
}

fn boosted(query: BoxedQuery, weight: Score) -> BoxedQuery {
    if weight == 1.0 { query } else { Box::new(BoostQuery::new(query, weight)) }
}
