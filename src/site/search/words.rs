//! Words: where they begin and end in a text of any script.
//!
//! [`Words`] is a tantivy tokenizer. A word is a run of letters and digits with the marks
//! that belong to them, in lower case, without accents written as marks of their own. In
//! scripts without spaces between words (Han, kana, Thai, ...) each two neighbours are a
//! word, and the last letter of a run alone: no dictionary is needed, and any part of a run
//! is found, by its pairs beside each other.
//!
//! Knows no language.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

/// Longer words (keys, digests, encoded bytes) are cut after so many characters: still found,
/// by a question cut in the same way, and no burden for the dictionary.
pub const MAX_WORD_CHARS: usize = 40;

/// The tokenizer.
#[derive(Clone, Default)]
pub(crate) struct Words;

/// The words of one text.
pub(crate) struct WordStream<'a> {
    text: &'a str,
    /// Byte offset from which the next word is looked for.
    at: usize,
    /// The last character before `at`.
    before: Option<char>,
    token: Token,
}

impl Tokenizer for Words {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        WordStream { text, at: 0, before: None, token: Token::default() }
    }
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        let text = self.text;
        while let Some(first) = text[self.at..].chars().next() {
            let from = self.at;
            let before = self.before;
            if is_unspaced(first) {
                let second_at = from + first.len_utf8();
                let second = text[second_at..].chars().next().filter(|second| is_unspaced(*second));
                self.go_to(second_at, first);
                self.set(from, second_at + second.map_or(0, char::len_utf8));
                return true;
            }
            if !is_word(first) {
                self.go_to(from + first.len_utf8(), first);
                continue;
            }
            let rest = &text[from..];
            let length = rest.find(|c: char| is_unspaced(c) || !(is_word(c) || is_mark(c))).unwrap_or(rest.len());
            let to = from + length;
            let last = rest[..length].chars().next_back().unwrap_or(first);
            self.go_to(to, last);
            if rest[..length].chars().nth(1).is_none() && self.is_elided(from, before, to) {
                continue;
            }
            self.set(from, to);
            return true;
        }
        false
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

impl WordStream<'_> {
    fn go_to(&mut self, at: usize, before: char) {
        self.at = at;
        self.before = Some(before);
    }

    /// Whether the single letter is only the rest of another word: `l'été`, `the sea's`,
    /// `don't`; but not the `x` of `'x'`.
    fn is_elided(&self, from: usize, before: Option<char>, to: usize) -> bool {
        let mut after = self.text[to..].chars();
        let leads = after.next().is_some_and(is_apostrophe) && after.next().is_some_and(is_word);
        let follows = before.is_some_and(is_apostrophe) && self.text[..from].chars().rev().nth(1).is_some_and(is_word);
        leads || follows
    }

    fn set(&mut self, from: usize, to: usize) {
        self.token.position = self.token.position.wrapping_add(1);
        self.token.offset_from = from;
        self.token.offset_to = to;
        self.token.text.clear();
        let kept = self.text[from..to].chars().filter(|c| !is_dropped(*c)).take(MAX_WORD_CHARS);
        self.token.text.extend(kept.flat_map(char::to_lowercase).filter(|c| !is_dropped(*c)));
    }
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '\u{02BC}')
}

fn is_word(c: char) -> bool {
    // The modifier letter apostrophe is a letter to Unicode, an apostrophe to its writers.
    c.is_alphanumeric() && !is_apostrophe(c)
}

/// Whether the character belongs to the word before it without being a letter: accents on
/// their own, vowel points, viramas, joiners, the soft hyphen.
fn is_mark(c: char) -> bool {
    is_dropped(c) || matches!(c, '\u{0900}'..='\u{0963}' | '\u{0971}'..='\u{0DFF}')
}

/// Whether a word is the same word without it. People leave these out when they type.
fn is_dropped(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{0591}'..='\u{05BD}'
        | '\u{05BF}' | '\u{05C1}'..='\u{05C2}' | '\u{05C4}'..='\u{05C5}' | '\u{0610}'..='\u{061A}'
        | '\u{0640}' | '\u{064B}'..='\u{065F}' | '\u{0670}' | '\u{1AB0}'..='\u{1AFF}'
        | '\u{1DC0}'..='\u{1DFF}' | '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{20D0}'..='\u{20F0}'
        | '\u{3099}'..='\u{309A}' | '\u{FE00}'..='\u{FE0F}' | '\u{FE20}'..='\u{FE2F}')
}

/// Whether the character is of a script that sets no space between words, or, as Hangul,
/// spaces between words that carry their particles.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0E01}'..='\u{0E3A}' | '\u{0E40}'..='\u{0E4E}' | '\u{0E81}'..='\u{0ECE}'
        | '\u{1000}'..='\u{103F}' | '\u{1050}'..='\u{109F}' | '\u{1780}'..='\u{17D3}'
        | '\u{2E80}'..='\u{2FDF}' | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{3096}'
        | '\u{309D}'..='\u{309F}' | '\u{30A1}'..='\u{30FA}' | '\u{30FC}'..='\u{30FF}'
        | '\u{31F0}'..='\u{31FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}' | '\u{FF66}'..='\u{FF9D}'
        | '\u{20000}'..='\u{3FFFD}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut words = Words;
        let mut stream = words.token_stream(text);
        let mut found = Vec::new();
        while let Some(token) = stream.next() {
            assert!(text.is_char_boundary(token.offset_from) && text.is_char_boundary(token.offset_to));
            assert_eq!(token.position, found.len());
            found.push(token.text.clone());
        }
        assert_eq!(found.join(" "), expected, "{text:?}");
    }

    #[test]
    fn a_word_is_letters_and_digits_in_lower_case() {
        check("High Water: 3.7 m at snake_case, utf-8!", "high water 3 7 m at snake case utf 8");
        check("", "");
        check(" \u{0301} -- ", "");
    }

    #[test]
    fn a_letter_left_by_an_apostrophe_is_no_word() {
        check("The sea's l'été, don’t rock 'n' roll 'x'", "the sea été don rock n roll x");
    }

    #[test]
    fn accents_written_as_marks_are_left_out() {
        check("e\u{0301}te\u{0301} \u{00AD}co\u{00AD}op", "ete coop");
    }

    #[test]
    fn scripts_without_spaces_give_pairs_and_the_last_letter() {
        check("東京都 tide潮 港", "東京 京都 都 tide 潮 港");
        check("น้ำ", "น้ ้ำ ำ");
    }

    #[test]
    fn marks_of_indic_scripts_belong_to_their_word() {
        check("हिन्दी में।", "हिन्दी में");
    }

    #[test]
    fn an_endless_word_is_cut() {
        check(&"x".repeat(1000), &"x".repeat(MAX_WORD_CHARS));
    }
}
