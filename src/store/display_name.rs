//! What the site calls somebody: a name that can be shown beside others.

/// How long one may be, in characters.
const LONGEST: usize = 80;

/// `text` as a name, if it is one: no control characters, and none that turn the
/// direction of what follows.
pub fn display_name(text: &str) -> Option<String> {
    let text = text.trim();
    let is_hidden = |next: char| {
        next.is_control()
            || matches!(next, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let is_good = !text.is_empty() && text.chars().count() <= LONGEST && !text.chars().any(is_hidden);
    is_good.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_of_any_language_and_hides_nothing() {
        assert_eq!(display_name(" Zoë 李 ").as_deref(), Some("Zoë 李"));
        for name in ["", "  ", "a\nb", "a\u{202e}b", "\u{200b}"] {
            assert_eq!(display_name(name), None, "{name:?}");
        }
        assert_eq!(display_name(&"a".repeat(81)), None);
    }
}
