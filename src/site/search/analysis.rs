//! Analysis: how a text becomes the terms of the index, for the site's language.
//!
//! [`Analysis::of`] chooses by the language; a language without a stemmer is indexed by its
//! words as they are. Accents are folded after stemming, because the stemmers read them, and
//! the plain words are there for who types none.

use std::ops::Range;

use tantivy::tokenizer::{
    AsciiFoldingFilter, Language, RawTokenizer, Stemmer, StopWordFilter, TextAnalyzer, Token, TokenFilter, TokenStream,
    Tokenizer, TokenizerManager,
};

use super::words::Words;
use super::{PLAIN, STEM};

/// What English asks questions with. Its list of stop words, which comes with the index, has
/// none of these; those of other languages do.
const OF_ENGLISH_QUESTIONS: &[&str] = &[
    "about", "am", "been", "can", "could", "did", "do", "does", "from", "had", "has", "have", "he", "her", "his",
    "how", "i", "its", "may", "me", "my", "our", "she", "should", "so", "than", "us", "we", "were", "what", "when",
    "where", "which", "who", "whom", "whose", "why", "would", "you", "your",
];

/// How a text becomes terms.
#[derive(Clone)]
pub struct Analysis {
    plain: TextAnalyzer,
    stem: TextAnalyzer,
    /// Lets a word through that is not a stop word.
    stop: Option<TextAnalyzer>,
    of_questions: &'static [&'static str],
}

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnalysedWord {
    /// Where it stands, in bytes.
    pub range: Range<usize>,
    /// Its position among the words.
    pub position: usize,
    /// As it is spelt, in lower case, without accents.
    pub plain: String,
    /// Its stem.
    pub stem: String,
}

impl Analysis {
    /// The analysis for a language (BCP 47: `en`, `pt-BR`).
    pub fn of(language: &str) -> Self {
        let language = stemmed_language(language);
        let plain = TextAnalyzer::builder(Words).filter(Fold).filter(AsciiFoldingFilter).build();
        let stem = match language {
            Some(language) => TextAnalyzer::builder(Words)
                .filter(Stemmer::new(language))
                .filter(Fold)
                .filter(AsciiFoldingFilter)
                .build(),
            None => plain.clone(),
        };
        let stop = language
            .and_then(StopWordFilter::new)
            .map(|filter| TextAnalyzer::builder(RawTokenizer::default()).filter(filter).build());
        let of_questions = if language == Some(Language::English) { OF_ENGLISH_QUESTIONS } else { &[] };
        Self { plain, stem, stop, of_questions }
    }

    /// The tokenizers, under the names that the schema calls them by.
    pub fn tokenizers(&self) -> TokenizerManager {
        // With tantivy's own: its writer asks for one even for a field that is only stored.
        let manager = TokenizerManager::default();
        manager.register(PLAIN, self.plain.clone());
        manager.register(STEM, self.stem.clone());
        manager
    }

    /// Calls `visit` with each word of `text`: its token as it is spelt, and its stem's.
    pub fn visit(&self, text: &str, mut visit: impl FnMut(&Token, &Token)) {
        let (mut plain, mut stem) = (self.plain.clone(), self.stem.clone());
        let (mut plain, mut stem) = (plain.token_stream(text), stem.token_stream(text));
        // Both come from the same words; no filter adds or removes one.
        while plain.advance() && stem.advance() {
            visit(plain.token(), stem.token());
        }
    }

    /// The words of a text.
    pub fn words(&self, text: &str) -> Vec<AnalysedWord> {
        let mut words = Vec::new();
        self.visit(text, |plain, stem| {
            words.push(AnalysedWord {
                range: plain.offset_from..plain.offset_to,
                position: plain.position,
                plain: plain.text.clone(),
                stem: stem.text.clone(),
            });
        });
        words
    }

    /// Whether the word says little by itself: `the`, `of`.
    pub fn is_stop_word(&self, word: &str) -> bool {
        self.stop.clone().is_some_and(|mut stop| !stop.token_stream(&word.to_lowercase()).advance())
    }

    /// Whether the word only says that something is asked: `what`, `how`, `I`.
    pub fn is_question_word(&self, word: &str) -> bool {
        self.of_questions.contains(&word.to_lowercase().as_str())
    }
}

fn stemmed_language(tag: &str) -> Option<Language> {
    let primary = tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    Some(match primary.as_str() {
        "ar" => Language::Arabic,
        "da" => Language::Danish,
        "nl" => Language::Dutch,
        "en" => Language::English,
        "fi" => Language::Finnish,
        "fr" => Language::French,
        "de" => Language::German,
        "el" => Language::Greek,
        "hu" => Language::Hungarian,
        "it" => Language::Italian,
        "no" | "nb" | "nn" => Language::Norwegian,
        "pt" => Language::Portuguese,
        "ro" => Language::Romanian,
        "ru" => Language::Russian,
        "es" => Language::Spanish,
        "sv" => Language::Swedish,
        "ta" => Language::Tamil,
        "tr" => Language::Turkish,
        _ => return None,
    })
}

/// Folds what tantivy's filter, which knows Latin letters only, leaves: Greek accents and
/// the final sigma, the Russian ё, the forms of alef.
#[derive(Clone)]
struct Fold;

#[derive(Clone)]
struct Folded<T>(T);

struct FoldedStream<T>(T);

impl TokenFilter for Fold {
    type Tokenizer<T: Tokenizer> = Folded<T>;

    fn transform<T: Tokenizer>(self, tokenizer: T) -> Folded<T> {
        Folded(tokenizer)
    }
}

impl<T: Tokenizer> Tokenizer for Folded<T> {
    type TokenStream<'a> = FoldedStream<T::TokenStream<'a>>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Self::TokenStream<'a> {
        FoldedStream(self.0.token_stream(text))
    }
}

impl<T: TokenStream> TokenStream for FoldedStream<T> {
    fn advance(&mut self) -> bool {
        if !self.0.advance() {
            return false;
        }
        let text = &mut self.0.token_mut().text;
        if text.chars().any(|c| folded(c) != c) {
            *text = text.chars().map(folded).collect();
        }
        true
    }

    fn token(&self) -> &Token {
        self.0.token()
    }

    fn token_mut(&mut self) -> &mut Token {
        self.0.token_mut()
    }
}

fn folded(c: char) -> char {
    match c {
        'ά' => 'α',
        'έ' => 'ε',
        'ή' => 'η',
        'ί' | 'ϊ' | 'ΐ' => 'ι',
        'ό' => 'ο',
        'ύ' | 'ϋ' | 'ΰ' => 'υ',
        'ώ' => 'ω',
        'ς' => 'σ',
        'ё' => 'е',
        'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
        'ى' => 'ي',
        'ة' => 'ه',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(language: &str, text: &str, expected: &str) {
        let words: Vec<String> = Analysis::of(language)
            .words(text)
            .iter()
            .map(
                |word| {
                    if word.plain == word.stem { word.plain.clone() } else { format!("{}~{}", word.plain, word.stem) }
                },
            )
            .collect();
        assert_eq!(words.join(" "), expected);
    }

    #[test]
    fn words_are_stemmed_by_the_language_of_the_site() {
        check("en-GB", "Running tides", "running~run tides~tide");
        check("de", "Häfen Straße", "hafen~haf strasse~strass");
        check("xx", "Running tides", "running tides");
    }

    #[test]
    fn accents_of_several_scripts_are_folded() {
        check("xx", "Crème brûlée Ångström Ölfaß Ναός Ёлка ＡＢ１", "creme brulee angstrom olfass ναοσ елка ab1");
    }

    #[test]
    fn stop_words_are_known() {
        let english = Analysis::of("en");
        assert!(english.is_stop_word("The") && english.is_question_word("What"));
        assert!(!english.is_stop_word("tide"));
        assert!(!Analysis::of("ja").is_stop_word("the"));
    }
}
