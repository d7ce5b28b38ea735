//! Patterns that the browser and the edge read alike.
//!
//! The attribute `pattern` is a regular expression of ECMAScript with the flag `v`; ours is
//! `regex-lite`. [`compile`] takes only what both understand, and in one way: characters,
//! classes of characters, groups, alternatives, quantifiers, `\d` and `\w` (ASCII in both).

use regex_lite::Regex;

/// A URL that any browser takes: a host that does not end in a number, and characters that
/// the parser of URLs lets pass.
pub(super) const URL: &str =
    "https?:\\/\\/(?:[A-Za-z0-9\\-]+\\.)*[A-Za-z][A-Za-z0-9\\-]*(?::[0-9]{1,4})?(?:[\\/?#][!-~\u{a1}-\u{fffd}]*)?";
/// Something that is no space, anywhere in one line: as ECMAScript says it, whose `\S` knows
/// the spaces of every script.
pub(super) const NOT_BLANK_IN_HTML: &str = r".*\S.*";
/// The same in full, because `\S` is ASCII to us.
pub(super) const NOT_BLANK: &str =
    ".*[^\t\u{b}\u{c} \u{a0}\u{1680}\u{2000}-\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}\u{feff}].*";

/// What may be escaped, inside a class and outside.
const ESCAPED_INSIDE: &str = r"^$\.*+?()[]{}|/-";
const ESCAPED_OUTSIDE: &str = r"^$\.*+?()[]{}|/";

/// The expression that a whole text must match, or why there is none.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    portable(pattern)?;
    whole(pattern).map_err(|error| format!("`{pattern}` is no pattern: {error}"))
}

/// The expression that a whole text must match.
pub(super) fn whole(pattern: &str) -> Result<Regex, regex_lite::Error> {
    Regex::new(&format!("^(?:{pattern})$"))
}

fn portable(pattern: &str) -> Result<(), String> {
    let refused = |what: &str| Err(format!("`{what}` in a pattern is not read alike by every browser and by the edge"));
    let mut characters = pattern.chars().peekable();
    let mut is_in_class = false;
    while let Some(character) = characters.next() {
        match (character, is_in_class) {
            ('\\', _) => {
                let Some(next) = characters.next() else { return refused("\\") };
                let escaped = if is_in_class { ESCAPED_INSIDE } else { ESCAPED_OUTSIDE };
                if !matches!(next, 'd' | 'w') && !escaped.contains(next) {
                    return refused(&format!("\\{next}"));
                }
            }
            ('[', false) => {
                is_in_class = true;
                if characters.peek() == Some(&'^') {
                    characters.next();
                }
                // An empty class, and one that begins with its end, mean other things in each.
                if characters.peek() == Some(&']') {
                    return refused("[]");
                }
            }
            (']', true) => is_in_class = false,
            // With the flag `v` these mean something, alone or twice.
            ('[' | '(' | ')' | '{' | '}' | '/' | '|' | '^', true) => return refused(&character.to_string()),
            (one, true) if !one.is_alphanumeric() && one != '-' && characters.peek() == Some(&one) => {
                return refused(&format!("{one}{one}"));
            }
            ('(', false) if characters.peek() == Some(&'?') => {
                characters.next();
                if characters.next() != Some(':') {
                    return refused("(?");
                }
            }
            ('{', false) => {
                let times: String = characters.by_ref().take_while(|next| *next != '}').collect();
                let (least, most) = times.split_once(',').unwrap_or((&times, "0"));
                if !is_number(least) || !(most.is_empty() || is_number(most)) {
                    return refused(&format!("{{{times}"));
                }
            }
            ('^' | '$' | ']' | '}', false) => return refused(&character.to_string()),
            (one, _) if one.is_control() => return refused(&format!("{one:?}")),
            _ => {}
        }
    }
    if is_in_class { refused("[") } else { Ok(()) }
}

fn is_number(text: &str) -> bool {
    (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_read_alike_is_taken() {
        for pattern in [r"[0-9]{5}", r"\d{3}-\d{4}", r"(?:a|b)+[^x\-]?", r"[A-Z]{1,2}\/[0-9]*", "é.*"] {
            assert!(compile(pattern).is_ok(), "{pattern}: {:?}", compile(pattern));
        }
    }

    #[test]
    fn what_they_read_otherwise_is_refused() {
        for pattern in [
            r"\s", r"\p{L}", r"\b", "^a$", "(?i)a", "(?=a)", "[[a]]", "[a&&b]", "[a", "a{", "a}", "]", r"\-", "a{x}",
            "(", "*", "\\", "[]a]", "[^]a]", "a{99999}",
        ] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn the_built_in_ones_are_expressions() {
        assert!(whole(NOT_BLANK).is_ok_and(|found| found.is_match(" a ") && !found.is_match("\u{2003} ")));
        let url = whole(URL).unwrap();
        for taken in ["https://a.example", "http://localhost:80/a?b=c#d", "https://a.xn--p1ai/\u{e9}t\u{e9}"] {
            assert!(url.is_match(taken), "{taken}");
        }
        for refused in ["a.example", "javascript:alert(1)", "http://1.2.3.4.5", "https://a b", "https://", "ftp://a.b"]
        {
            assert!(!url.is_match(refused), "{refused}");
        }
    }
}
