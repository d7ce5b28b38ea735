//! The form of a search index: what the build's indexer and the edge's reader must agree
//! on. [`Document`] goes in, [`Fields`] says where its parts stand, [`Analysis`] how a text
//! becomes words.
//!
//! One document is one section of a page, from a heading to the next, so that a result can
//! lead to the heading's anchor. A text is indexed twice: by the stems of its words, with
//! positions, which is what most questions are answered from; and by the words as they are
//! spelt, without accents, from which beginnings of words and mistyped words are found.
//!
//! Knows nothing of how an index is written or asked.

mod analysis;
mod words;

use tantivy::schema::{
    Field, IndexRecordOption, NumericOptions, STORED, STRING, Schema, TextFieldIndexing, TextOptions,
};

pub use analysis::{AnalysedWord, Analysis};
pub use words::MAX_WORD_CHARS;

/// The version of the index's form, part of each index's name: raised by any change to the
/// fields or to how a text becomes words, so that an older index is not taken for a new one.
pub const FORMAT: u32 = 2;

/// Name of the analyzer that keeps words as they are spelt.
pub(crate) const PLAIN: &str = "plain";
/// Name of the analyzer that reduces words to their stems.
pub(crate) const STEM: &str = "stem";

/// How many bits of [`Fields::place`] number the sections of one page.
const SECTION_BITS: u32 = 24;

/// One document of the index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// Permalink of the page, decoded: `/docs/tides/`.
    pub path: String,
    /// Which section of its page this is, from 0: documents may arrive in any order.
    pub position: usize,
    /// Id of the heading, without `#`; empty for what stands before the first.
    pub anchor: String,
    /// Title of the page.
    pub title: String,
    /// Text of the heading; empty as `anchor` is.
    pub heading: String,
    /// The text below the heading, without markup.
    pub text: String,
}

/// The fields of the index.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    /// Stored, and one word: the page's path, by which its sections are replaced.
    pub path: Field,
    /// Stored: the heading's id.
    pub anchor: Field,
    /// Stored, stems: the page's title. In each of its sections, so that a question with a
    /// word of the title and one of a section finds that section.
    pub title: Field,
    /// Stored, stems: what this section itself is called: its heading, or the page's title
    /// for what stands before the first. Were it empty there, each heading would count as
    /// one of uncommon length.
    pub heading: Field,
    /// Stored, stems: the text.
    pub text: Field,
    /// Plain words of title, heading and text together.
    pub words: Field,
    /// Plain words of the same as `heading`.
    pub name: Field,
    /// Fast: the page's number and, in the low bits, the section's: see [`Place`].
    pub place: Field,
}

/// Where a document stands: the number of its page, and its place among that page's sections.
/// The number is the same in each index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(u64);

impl Place {
    /// The place of a page's section; a page's number has at most 40 bits.
    pub fn of(page: u64, section: usize) -> Self {
        // A page of more sections than the bits count keeps its last place for the rest.
        let section = (section as u64).min((1 << SECTION_BITS) - 1);
        Self(page << SECTION_BITS | section)
    }

    /// As read from the field.
    pub fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// As written to the field.
    pub fn number(self) -> u64 {
        self.0
    }

    /// The number of the page.
    pub fn page(self) -> u64 {
        self.0 >> SECTION_BITS
    }
}

impl Fields {
    /// The schema, and the fields in it.
    pub fn schema() -> (Schema, Self) {
        let stems =
            TextFieldIndexing::default().set_tokenizer(STEM).set_index_option(IndexRecordOption::WithFreqsAndPositions);
        let plain = || {
            let indexing =
                TextFieldIndexing::default().set_tokenizer(PLAIN).set_index_option(IndexRecordOption::WithFreqs);
            TextOptions::default().set_indexing_options(indexing)
        };
        let stored = || TextOptions::default().set_indexing_options(stems.clone()).set_stored();
        let mut schema = Schema::builder();
        let fields = Self {
            path: schema.add_text_field("path", STRING | STORED),
            anchor: schema.add_text_field("anchor", STORED),
            title: schema.add_text_field("title", stored()),
            heading: schema.add_text_field("heading", stored()),
            text: schema.add_text_field("text", stored()),
            words: schema.add_text_field("words", plain()),
            name: schema.add_text_field("name", plain()),
            place: schema.add_u64_field("place", NumericOptions::default().set_fast()),
        };
        (schema.build(), fields)
    }
}
