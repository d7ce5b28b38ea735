//! The reader of a release's search index: [`Reader::search`] answers a question,
//! [`Reader::suggest`] goes on with one that is being typed.
//!
//! All words are wanted first. If that finds next to nothing, mistakes of typing are
//! forgiven in words that the index does not have; if still next to nothing, any of the words will do. What a narrower reading
//! found always stands before what a wider one added, so more results never push the better
//! ones down.
//!
//! Knows nothing of HTTP. Takes time in proportion to what matches, so it is called off the
//! threads that answer requests.

use std::fmt;
use std::path::Path;

use tantivy::schema::{Field, Value};
use tantivy::{DocAddress, Index, ReloadPolicy, Score, Searcher, TantivyDocument};

use super::excerpt::Marker;
use super::query::{self, Looked, Queries, Width};
use super::question::{Form, Question};
use super::ranking::Ranked;
use super::read_only::ReadOnly;
use super::vocabulary::{self, Extent};
use crate::site::permalink;
use crate::site::search::{Analysis, Fields};

/// A reading that finds fewer pages than this is widened.
pub(super) const ENOUGH: usize = 3;

/// How many blocks of stored texts stay unpacked: about 16 KB each.
const CACHED_BLOCKS: usize = 64;

/// The search index of a release.
pub struct Reader {
    searcher: Searcher,
    fields: Fields,
    analysis: Analysis,
}

/// Why an index cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the search index cannot be read ({0}): build again")]
pub struct SearchError(#[from] tantivy::TantivyError);

/// What a question found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// How many pages.
    pub total: usize,
    /// How many of them have all that was asked for: the first ones.
    pub with_all: usize,
    /// Whether nothing has the phrase in quotes, so that its words were looked for.
    pub without_quotes: bool,
    /// Those asked for, in order.
    pub pages: Vec<Page>,
    /// The question as it was perhaps meant.
    pub suggestion: Option<String>,
}

/// A page that was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Its path, decoded.
    pub path: String,
    /// Its title.
    pub title: String,
    /// Its title, words marked.
    pub title_html: String,
    /// The best stretch of its best section's text, words marked.
    pub excerpt_html: String,
    /// Its best sections, best first; never empty.
    pub sections: Vec<Section>,
}

/// A section that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// Encoded path and anchor.
    pub url: String,
    /// Its heading; empty for what stands before the first.
    pub heading: String,
    /// Its heading, words marked.
    pub heading_html: String,
    /// To compare with others of this answer.
    pub score: Score,
}

/// How a question may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suggestion {
    /// To a page or a section, by name.
    Place {
        /// Encoded path and anchor.
        url: String,
        /// Title of the page.
        title: String,
        /// The heading; empty for the page itself.
        heading: String,
    },
    /// To a question.
    Words(String),
}

/// How a question is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// As it is typed.
    Narrow,
    /// With mistakes forgiven and words left out, where it finds next to nothing otherwise.
    Widened,
}

/// A question as it was read, and what that found.
struct Answered {
    parts: Vec<Looked>,
    width: Width,
    ranked: Ranked,
    with_all: usize,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader({} sections)", self.sections())
    }
}

impl Reader {
    /// Opens the index in `folder`, of a site in that language.
    pub fn open(folder: &Path, language: &str) -> Result<Self, SearchError> {
        let analysis = Analysis::of(language);
        let mut index = Index::open(ReadOnly::open(folder)?)?;
        index.set_tokenizers(analysis.tokenizers());
        let (schema, fields) = Fields::schema();
        if index.schema() != schema {
            let error = tantivy::TantivyError::SchemaError("another version wrote it".to_owned());
            return Err(SearchError(error));
        }
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .doc_store_cache_num_blocks(CACHED_BLOCKS)
            .try_into()?;
        Ok(Self { searcher: reader.searcher(), fields, analysis })
    }

    /// How many sections it has.
    pub fn sections(&self) -> u64 {
        self.searcher.num_docs()
    }

    /// Answers a question with `limit` pages after the first `skipped`.
    pub fn search(&self, question: &str, skipped: usize, limit: usize) -> Result<Found, SearchError> {
        self.search_as(question, skipped, limit, Reading::Widened)
    }

    /// The same, read in one way.
    pub(super) fn search_as(
        &self,
        question: &str,
        skipped: usize,
        limit: usize,
        reading: Reading,
    ) -> Result<Found, SearchError> {
        let question = Question::parse(question, &self.analysis);
        let found = self.answer(&question, skipped, limit, reading)?;
        if found.total == 0
            && reading == Reading::Widened
            && let Some(unquoted) = question.without_quotes(&self.analysis)
        {
            let suggestion = found.suggestion;
            let found = self.answer(&unquoted, skipped, limit, reading)?;
            return Ok(Found { with_all: 0, without_quotes: found.total > 0, suggestion, ..found });
        }
        Ok(found)
    }

    /// The paths of the pages that a question finds, in order: the ranking without the cost
    /// of showing it.
    pub fn rank(&self, question: &str, limit: usize) -> Result<Vec<String>, SearchError> {
        let question = Question::parse(question, &self.analysis);
        self.paths(self.read(&question, limit, Reading::Widened)?.ranked)
    }

    /// The paths of pages that are about any of these words, the best first: for who has not asked.
    pub(in crate::edge) fn akin(&self, words: &str, limit: usize) -> Result<Vec<String>, SearchError> {
        let question = Question::parse(words, &self.analysis);
        let queries = Queries { searcher: &self.searcher, fields: &self.fields };
        let parts = queries.look_up(&question)?;
        if parts.is_empty() {
            return Ok(Vec::new());
        }
        self.paths(queries.ask(&queries.any(&parts, Width::Exact), limit)?)
    }

    fn paths(&self, ranked: Ranked) -> Result<Vec<String>, SearchError> {
        let mut paths = Vec::new();
        for page in ranked.pages {
            if let Some((_, address)) = page.sections().first() {
                let document: TantivyDocument = self.searcher.doc(*address)?;
                paths.push(text_of(&document, self.fields.path).to_owned());
            }
        }
        Ok(paths)
    }

    fn answer(
        &self,
        question: &Question,
        skipped: usize,
        limit: usize,
        reading: Reading,
    ) -> Result<Found, SearchError> {
        let Answered { parts, width, ranked, with_all } = self.read(question, skipped + limit, reading)?;
        let suggestion = self.as_perhaps_meant(question, &parts)?;
        let total = ranked.total;
        let pages = self.shown(ranked, skipped, &self.marker(&parts, width))?;
        Ok(Found { total, with_all, without_quotes: false, pages, suggestion })
    }

    /// Reads a question as narrowly as finds enough.
    fn read(&self, question: &Question, kept: usize, reading: Reading) -> tantivy::Result<Answered> {
        let queries = Queries { searcher: &self.searcher, fields: &self.fields };
        let mut parts = queries.look_up(question)?;
        let mut width = Width::Exact;
        let mut query = queries.all(&parts, width);
        if parts.iter().any(|looked| !looked.completions.is_empty()) {
            width = Width::Beginnings;
            query = query::first(query, queries.all(&parts, width));
        }
        let mut ranked = queries.ask(&query, kept)?;
        if ranked.total < ENOUGH && reading == Reading::Widened {
            queries.look_nearby(&mut parts)?;
            if parts.iter().any(|looked| !looked.near.is_empty()) {
                width = Width::Mistakes;
                query = query::first(query, queries.all(&parts, width));
                ranked = queries.ask(&query, kept)?;
            }
        }
        let with_all = ranked.total;
        if ranked.total < ENOUGH && reading == Reading::Widened && question.wanted().len() > 1 {
            query = query::first(query, queries.any(&parts, width));
            ranked = queries.ask(&query, kept)?;
        }
        Ok(Answered { parts, width, ranked, with_all })
    }

    /// The question with each word that the index does not have replaced by the nearest one.
    fn as_perhaps_meant(&self, question: &Question, parts: &[Looked]) -> tantivy::Result<Option<String>> {
        let mut meant = question.typed.clone();
        for looked in parts.iter().rev() {
            if looked.sections == 0
                && looked.completions.is_empty()
                && let (Some(near), Some(word)) = (looked.near.first(), looked.part.word())
            {
                meant.replace_range(word.range.clone(), &self.as_written(&near.word)?);
            }
        }
        Ok((meant != question.typed).then_some(meant))
    }

    /// The word as a text of the site has it, in lower case: terms have lost their accents.
    fn as_written(&self, word: &str) -> tantivy::Result<String> {
        let Some(address) = vocabulary::any_section_with(&self.searcher, self.fields.words, word)? else {
            return Ok(word.to_owned());
        };
        let document: TantivyDocument = self.searcher.doc(address)?;
        for field in [self.fields.title, self.fields.heading, self.fields.text] {
            let text = text_of(&document, field);
            if let Some(found) = self.analysis.words(text).iter().find(|found| found.plain == word) {
                return Ok(text[found.range.clone()].to_lowercase());
            }
        }
        Ok(word.to_owned())
    }

    fn marker(&self, parts: &[Looked], width: Width) -> Marker {
        let mut marker = Marker::new(self.analysis.clone());
        let only_stop_words = parts.iter().all(|looked| looked.part.is_stop_word);
        for (number, looked) in parts.iter().enumerate() {
            if looked.part.is_stop_word && !only_stop_words {
                continue;
            }
            for word in &looked.part.words {
                marker.mark_spelling(&word.plain, number);
                if looked.part.form != Form::Phrase || looked.part.words.len() > 1 {
                    marker.mark_stem(&word.stem, number);
                }
                if !looked.completions.is_empty() {
                    marker.mark_beginning(&word.plain, number);
                }
            }
            if width == Width::Mistakes {
                for near in &looked.near {
                    marker.mark_spelling(&near.word, number);
                }
            }
        }
        marker
    }

    fn shown(&self, ranked: Ranked, skipped: usize, marker: &Marker) -> tantivy::Result<Vec<Page>> {
        let mut pages = Vec::new();
        for page in ranked.pages.into_iter().skip(skipped) {
            let mut shown = Page::default();
            for (score, address) in page.sections() {
                let document: TantivyDocument = self.searcher.doc(*address)?;
                let heading = self.heading(&document);
                if shown.sections.is_empty() {
                    shown.path = text_of(&document, self.fields.path).to_owned();
                    shown.title = text_of(&document, self.fields.title).to_owned();
                    shown.title_html = marker.marked(&shown.title);
                    // Of the others the names are shown: their texts need not be read.
                    shown.excerpt_html = marker.excerpt(text_of(&document, self.fields.text));
                }
                shown.sections.push(Section {
                    url: self.url(&document),
                    heading: heading.to_owned(),
                    heading_html: marker.marked(heading),
                    score: query::score_of_words(*score),
                });
            }
            pages.push(shown);
        }
        Ok(pages)
    }

    /// Empty for what stands before the first heading.
    fn heading<'d>(&self, document: &'d TantivyDocument) -> &'d str {
        if text_of(document, self.fields.anchor).is_empty() { "" } else { text_of(document, self.fields.heading) }
    }

    fn url(&self, document: &TantivyDocument) -> String {
        let path = permalink::encode_path(text_of(document, self.fields.path));
        match text_of(document, self.fields.anchor) {
            "" => path,
            anchor => format!("{path}#{}", permalink::encode_path(anchor)),
        }
    }

    /// Goes on with a question that is being typed: places by name, then words.
    pub fn suggest(&self, typed: &str, limit: usize) -> Result<Vec<Suggestion>, SearchError> {
        let question = Question::parse(typed, &self.analysis);
        let Some((last, before)) = question.parts.split_last() else { return Ok(Vec::new()) };
        let queries = Queries { searcher: &self.searcher, fields: &self.fields };
        let mut suggestions = Vec::new();
        let Some(word) = last.words.last() else { return Ok(Vec::new()) };
        let names = self.continued(self.fields.name, &word.plain, 64)?;
        let ranked = queries.ask(&queries.named(before, &names), limit)?;
        for page in &ranked.pages {
            for (_, address) in page.sections().iter().take(2) {
                suggestions.push(self.place(*address)?);
            }
        }
        suggestions.truncate(limit);
        // Words for the rest, two at least: a question may be about no name.
        let words = limit.saturating_sub(suggestions.len()).max(2).min(limit);
        let stem = &question.typed[..word.range.start];
        let continued = self.continued(self.fields.words, &word.plain, words + 1)?;
        let mut questions = Vec::new();
        for (word, _) in continued.into_iter().filter(|(other, _)| *other != word.plain).take(words) {
            questions.push(Suggestion::Words(format!("{stem}{}", self.as_written(&word)?)));
        }
        suggestions.truncate(limit - questions.len());
        suggestions.extend(questions);
        Ok(suggestions)
    }

    /// What a beginning may go on to, itself first: and if nothing begins so, what begins
    /// nearly so.
    fn continued(&self, field: Field, beginning: &str, limit: usize) -> tantivy::Result<Vec<(String, Score)>> {
        let mut words = Vec::new();
        if vocabulary::frequency(&self.searcher, field, beginning)? > 0 {
            words.push((beginning.to_owned(), 2.0));
        }
        for completion in vocabulary::completions(&self.searcher, field, beginning, limit)? {
            words.push((completion.word, 1.0));
        }
        if words.is_empty() {
            let mistakes = vocabulary::forgiven_mistakes(beginning);
            let near = vocabulary::near(&self.searcher, field, beginning, mistakes, Extent::Beginning, limit)?;
            words.extend(near.into_iter().map(|near| (near.word, 1.0 / near.distance as Score)));
        }
        Ok(words)
    }

    fn place(&self, address: DocAddress) -> tantivy::Result<Suggestion> {
        let document: TantivyDocument = self.searcher.doc(address)?;
        Ok(Suggestion::Place {
            url: self.url(&document),
            title: text_of(&document, self.fields.title).to_owned(),
            heading: self.heading(&document).to_owned(),
        })
    }
}

fn text_of(document: &TantivyDocument, field: Field) -> &str {
    document.get_first(field).and_then(|value| value.as_str()).unwrap_or_default()
}
