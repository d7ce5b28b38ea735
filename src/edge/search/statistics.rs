//! How common a word is, for BM25: the same whichever field it is met in.
//!
//! tantivy counts for each field alone, so that a word common in headings and rare in texts
//! would weigh less in a heading than in a text, whatever the weights of the fields say.

use tantivy::query::Bm25StatisticsProvider;
use tantivy::schema::Field;
use tantivy::{Searcher, Term};

use crate::site::search::Fields;

/// The statistics of one index.
pub(super) struct Statistics<'i> {
    pub(super) searcher: &'i Searcher,
    pub(super) fields: &'i Fields,
}

impl Bm25StatisticsProvider for Statistics<'_> {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        Bm25StatisticsProvider::total_num_tokens(self.searcher, field)
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        Bm25StatisticsProvider::total_num_docs(self.searcher)
    }

    /// In the field where it is commonest, among those of its kind: what is in them together
    /// is not counted by the index, and is not much more.
    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        let Fields { title, heading, text, words, name, .. } = *self.fields;
        let field = term.field();
        let kin: &[Field] =
            if [title, heading, text].contains(&field) { &[title, heading, text] } else { &[words, name] };
        let Some(word) = term.value().as_str().map(str::to_owned) else {
            return self.searcher.doc_freq(term);
        };
        let mut most = 0;
        for field in kin {
            most = most.max(self.searcher.doc_freq(&Term::from_field_text(*field, &word))?);
        }
        Ok(most)
    }
}
