//! What a reader asked, taken apart: words, runs of a script without spaces, phrases in
//! quotes. There is no other syntax, so nothing a reader can type is wrong.
//!
//! Knows how a text becomes words, not what the index holds.

use std::ops::Range;

use crate::site::search::{AnalysedWord, Analysis};

/// More parts than anyone types; what comes after them is not looked for.
const MAX_PARTS: usize = 32;

/// In a question with more words than this that say something, each word that stands in a
/// text tells a little: few texts have all of them anyway.
const LONG: usize = 4;

/// A question.
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// As typed.
    pub(super) typed: String,
    /// In the order typed, no part twice.
    pub(super) parts: Vec<Part>,
    /// Whether the last part may still be being typed: nothing follows it.
    pub(super) is_open: bool,
}

/// One thing that is asked for.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) form: Form,
    /// One for a word; several for a run and a phrase. Never empty.
    pub(super) words: Vec<AnalysedWord>,
    /// Whether it says little by itself.
    pub(super) is_stop_word: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A word.
    Word,
    /// Pairs of letters of a script without spaces, beside each other.
    Run,
    /// Words in quotes, beside each other; a single one as it is spelt.
    Phrase,
}

impl Question {
    pub(super) fn parse(typed: &str, analysis: &Analysis) -> Self {
        let mut parts: Vec<Part> = Vec::new();
        for (range, is_quoted) in quoted_and_not(typed) {
            let text = &typed[range.clone()];
            let mut words = analysis.words(text);
            for word in &mut words {
                word.range = word.range.start + range.start..word.range.end + range.start;
            }
            let found = if is_quoted { phrase(words).into_iter().collect() } else { words_and_runs(words) };
            for mut part in found {
                part.is_stop_word = part.form == Form::Word && analysis.is_stop_word(&typed[part.range()]);
                let is_new = parts.iter().all(|earlier| !earlier.asks_the_same(&part));
                if is_new && parts.len() < MAX_PARTS {
                    parts.push(part);
                }
            }
        }
        mark_question_words(&mut parts, typed, analysis);
        let is_open = parts.last().is_some_and(|part| part.form != Form::Phrase && part.range().end == typed.len());
        Self { typed: typed.to_owned(), parts, is_open }
    }

    /// The parts that a result must have: all but stop words, if there is anything else.
    pub(super) fn wanted(&self) -> Vec<&Part> {
        let wanted: Vec<&Part> = self.parts.iter().filter(|part| !part.is_stop_word).collect();
        if wanted.is_empty() { self.parts.iter().collect() } else { wanted }
    }

    /// The question without its quotes, if it has any phrase.
    pub(super) fn without_quotes(&self, analysis: &Analysis) -> Option<Self> {
        let has_phrase = self.parts.iter().any(|part| part.form == Form::Phrase);
        has_phrase.then(|| Self::parse(&self.typed.replace(is_quote, " "), analysis))
    }
}

impl Part {
    /// Where it stands in what was typed.
    pub(super) fn range(&self) -> Range<usize> {
        match (self.words.first(), self.words.last()) {
            (Some(first), Some(last)) => first.range.start..last.range.end,
            _ => 0..0,
        }
    }

    /// The word, if it is one.
    pub(super) fn word(&self) -> Option<&AnalysedWord> {
        if self.form == Form::Word { self.words.first() } else { None }
    }

    fn asks_the_same(&self, other: &Self) -> bool {
        let plain = |part: &Self| part.words.iter().map(|word| word.plain.clone()).collect::<Vec<_>>();
        self.form == other.form && plain(self) == plain(other)
    }
}

/// `what` in `what is a tide` is a stop word, as `is` is. Alone it is what is asked for.
fn mark_question_words(parts: &mut [Part], typed: &str, analysis: &Analysis) {
    let is_one = |part: &Part| part.form == Form::Word && analysis.is_question_word(&typed[part.range()]);
    let others = parts.iter().filter(|part| !part.is_stop_word && !is_one(part)).count();
    if (1..=LONG).contains(&others) {
        parts.iter_mut().filter(|part| is_one(part)).for_each(|part| part.is_stop_word = true);
    }
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\u{201C}' | '\u{201D}' | '\u{201E}' | '\u{AB}' | '\u{BB}' | '\u{300C}' | '\u{300D}')
}

/// The stretches of the text between quotes, and outside. What follows a last quote without
/// a fellow is not quoted: it is being typed, or a sign for inches.
fn quoted_and_not(typed: &str) -> Vec<(Range<usize>, bool)> {
    let quotes: Vec<(usize, &str)> = typed.match_indices(is_quote).collect();
    let mut stretches = Vec::new();
    let mut at = 0;
    for pair in quotes.chunks_exact(2) {
        let ((open, open_quote), (close, close_quote)) = (pair[0], pair[1]);
        stretches.push((at..open, false));
        stretches.push((open + open_quote.len()..close, true));
        at = close + close_quote.len();
    }
    stretches.push((at..typed.len(), false));
    stretches
}

fn phrase(mut words: Vec<AnalysedWord>) -> Option<Part> {
    drop_last_letter_of_run(&mut words);
    (!words.is_empty()).then_some(Part { form: Form::Phrase, words, is_stop_word: false })
}

/// Pairs of letters that overlap are one run.
fn words_and_runs(words: Vec<AnalysedWord>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for word in words {
        match parts.last_mut() {
            Some(last) if last.range().end > word.range.start => {
                last.form = Form::Run;
                last.words.push(word);
            }
            _ => parts.push(Part { form: Form::Word, words: vec![word], is_stop_word: false }),
        }
    }
    for part in &mut parts {
        drop_last_letter_of_run(&mut part.words);
        if part.words.len() == 1 {
            part.form = Form::Word;
        }
    }
    parts
}

/// A text's run ends in its last letter alone; what is asked for may go on in the text.
fn drop_last_letter_of_run(words: &mut Vec<AnalysedWord>) {
    if let [.., before, last] = &words[..]
        && before.range.end > last.range.start
    {
        words.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, expected: &str) {
        let question = Question::parse(typed, &Analysis::of("en"));
        let parts: Vec<String> = question
            .parts
            .iter()
            .map(|part| {
                let words: Vec<&str> = part.words.iter().map(|word| word.plain.as_str()).collect();
                match part.form {
                    Form::Word => words.join(" "),
                    Form::Run => format!("({})", words.join(" ")),
                    Form::Phrase => format!("[{}]", words.join(" ")),
                }
            })
            .collect();
        assert_eq!(parts.join(" "), expected);
    }

    #[test]
    fn words_and_phrases_are_told_apart() {
        check(r#"spring "high water" tide tide"#, "spring [high water] tide");
        check("« high water » „low water“", "[high water] [low water]");
        check(r#"5" pipe"#, "5 pipe");
        check(r#""""#, "");
    }

    #[test]
    fn words_that_only_ask_are_not_wanted_beside_others_in_a_short_question() {
        let wanted = |typed: &str| {
            let question = Question::parse(typed, &Analysis::of("en"));
            question.wanted().iter().map(|part| part.words[0].plain.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(wanted("What is a neap tide and how do I use it"), "neap tide use");
        assert_eq!(wanted("how"), "how");
        assert_eq!(wanted("the who"), "who");
        assert_eq!(wanted("how one two three four five"), "how one two three four five");
    }

    #[test]
    fn signs_of_other_engines_mean_nothing() {
        check("a:b^^ (title:x OR -y*)~2", "a b title x or y 2");
    }

    #[test]
    fn a_run_is_its_pairs() {
        check("東京都 tide 港", "(東京 京都) tide 港");
        check("東京", "東京");
        check("「東京都」", "[東京 京都]");
    }

    #[test]
    fn ten_thousand_words_are_cut() {
        let typed: String = (0..10_000).map(|n| format!("w{n} ")).collect();
        assert_eq!(Question::parse(&typed, &Analysis::of("en")).parts.len(), MAX_PARTS);
    }

    #[test]
    fn the_last_part_is_open_until_something_follows() {
        let is_open = |typed| Question::parse(typed, &Analysis::of("en")).is_open;
        assert!(is_open("high wat"));
        assert!(!is_open("high wat "));
        assert!(!is_open("\"high wat\""));
        assert!(!is_open(""));
    }
}
