//! The values of a YAML text, and a bound on what aliases make of it.
//!
//! An alias repeats a value, an alias to aliases repeats that, and ten lines can so stand for
//! a billion values. The reader of YAML counts the aliases, not what they bring in. So every
//! value is paid for here as it is read: a text without aliases never comes near the bound,
//! and one that grows without end is told so after some milliseconds.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::mistake::{Said, diagnostic, in_words};
use crate::site::diagnostic::{Code, Diagnostic, Place};

/// What a text may become, values and bytes of texts counted together: so many times its
/// length…
const GROWTH: usize = 20;
/// …and this much more, so that a short text may repeat a long value some hundred times.
const FREE: usize = 128 * 1024;

/// How deep lists and groups in brackets may look before a text is not read at all: far
/// more than the reader takes, which looks at the whole text first, in time by its square.
const DEEPEST_LOOK: usize = 1000;

/// The keys and values at `range` of `text`, the whole of `file`.
pub fn keys(code: Code, file: &str, text: &str, range: Range<usize>) -> Result<Map<String, Value>, Diagnostic> {
    let budget = Budget::of(&text[range.clone()]);
    if let Some(at) = too_deep(&text[range.clone()]) {
        return Err(deep_mistake(code, file, text, range.start + at));
    }
    let read = Keys(&budget).deserialize(serde_yaml::Deserializer::from_str(&text[range.clone()]));
    read.map_err(|error| budget.mistake(code, file, text, range, &error))
}

/// The value that is the whole `text` of `file`.
pub fn value(code: Code, file: &str, text: &str) -> Result<Value, Diagnostic> {
    if let Some(at) = too_deep(text) {
        return Err(deep_mistake(code, file, text, at));
    }
    let budget = Budget::of(text);
    let any = Any { budget: &budget, level: Level::Outermost };
    let read = any.deserialize(serde_yaml::Deserializer::from_str(text));
    read.map_err(|error| budget.mistake(code, file, text, 0..text.len(), &error))
}

/// The mistake of a `text`, the whole of `file`, whose aliases make too much of it, or whose
/// brackets are too deep. Every other mistake is left to who reads it next.
pub fn grows_too_much(code: Code, file: &str, text: &str) -> Option<Diagnostic> {
    if let Some(at) = too_deep(text) {
        return Some(deep_mistake(code, file, text, at));
    }
    let budget = Budget::of(text);
    let read = Keys(&budget).deserialize(serde_yaml::Deserializer::from_str(text));
    read.err().filter(|_| budget.is_spent.get()).map(|error| budget.mistake(code, file, text, 0..text.len(), &error))
}

/// Where brackets of `text` become too deep to be looked at. Those inside a word are text.
fn too_deep(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut before = b'\n';
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' | b'{' if matches!(before, b'[' | b'{' | b',' | b':' | b'-' | b'?' | b'\n') => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b' ' => continue,
            _ => {}
        }
        if depth > DEEPEST_LOOK {
            return Some(at);
        }
        before = byte;
    }
    None
}

fn deep_mistake(code: Code, file: &str, text: &str, at: usize) -> Diagnostic {
    // In the words that it would have had from the reader.
    let Said { message, hint, .. } = in_words("recursion limit exceeded", 0);
    let diagnostic = Diagnostic::error(code, Place::of(file, text, at..at + 1), message);
    hint.into_iter().fold(diagnostic, Diagnostic::hint)
}

/// What may still be read.
struct Budget {
    whole: usize,
    left: Cell<usize>,
    is_spent: Cell<bool>,
    /// The outermost key that is being read: where the author is sent to.
    key: RefCell<String>,
}

impl Budget {
    fn of(text: &str) -> Self {
        let whole = text.len().saturating_mul(GROWTH).saturating_add(FREE);
        Self { whole, left: Cell::new(whole), is_spent: Cell::new(false), key: RefCell::default() }
    }

    /// Takes what one value costs, `bytes` of text in it included.
    fn pay<E: Error>(&self, bytes: usize) -> Result<(), E> {
        match self.left.get().checked_sub(bytes + 1) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => {
                self.is_spent.set(true);
                Err(E::custom("repetition limit exceeded"))
            }
        }
    }

    /// `range` of `text` was read as YAML.
    fn mistake(
        &self,
        code: Code,
        file: &str,
        text: &str,
        range: Range<usize>,
        error: &serde_yaml::Error,
    ) -> Diagnostic {
        let is_told_by_the_reader = error.to_string().starts_with("repetition limit exceeded");
        if !self.is_spent.get() && !is_told_by_the_reader {
            return diagnostic(code, file, text, text[..range.start].matches('\n').count(), error);
        }
        let key = self.key.borrow();
        let (place, of_key) = match alias_below(&text[range.clone()], &key) {
            Some(alias) => {
                (Place::of(file, text, range.start + alias.start..range.start + alias.end), format!("`{key}`: "))
            }
            None => (Place::file(file), String::new()),
        };
        let of_key = if key.is_empty() { String::new() } else { of_key };
        let message = format!(
            "{of_key}aliases repeat too much: expected at most {} values and letters in all, found more",
            self.whole
        );
        Diagnostic::error(code, place, message).hint("write out what is meant, or let no alias stand for other aliases")
    }
}

/// The first alias, `*name`, of the outermost `key`; of the whole text when that is empty.
fn alias_below(text: &str, key: &str) -> Option<Range<usize>> {
    let mut from = 0;
    if !key.is_empty() {
        for line in text.split_inclusive('\n') {
            if line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')) {
                break;
            }
            from += line.len();
        }
    }
    let begins = |at: &usize| {
        text[..*at].ends_with(|before: char| before.is_whitespace() || matches!(before, '[' | '{' | ','))
            && text[at + 1..].starts_with(|next: char| next.is_alphanumeric() || next == '_')
    };
    let start = text.get(from..)?.match_indices('*').map(|(at, _)| from + at).find(begins)?;
    let is_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    let length = text[start + 1..].find(|letter: char| !is_name(letter)).unwrap_or(text.len() - start - 1);
    Some(start..start + 1 + length)
}

/// Whether keys are those of the text itself.
#[derive(Clone, Copy, PartialEq)]
enum Level {
    Outermost,
    Inside,
}

/// Reads keys and values, or nothing.
struct Keys<'b>(&'b Budget);

/// Reads any value.
struct Any<'b> {
    budget: &'b Budget,
    level: Level,
}

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = Map<String, Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = Map<String, Value>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Map::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
        read_map(access, self.0, Level::Outermost)
    }
}

impl<'de> DeserializeSeed<'de> for Any<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, a number, `true` or `false`, a list, or keys and values")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.budget.pay(0).map(|()| Value::Null)
    }

    fn visit_bool<E: Error>(self, yes: bool) -> Result<Value, E> {
        self.budget.pay(0).map(|()| yes.into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        self.budget.pay(0).map(|()| number.into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        self.budget.pay(0).map(|()| number.into())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        self.budget.pay(0).map(|()| number.into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        self.budget.pay(text.len()).map(|()| text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.budget.pay(0)?;
        let mut list = Vec::new();
        while let Some(value) = access.next_element_seed(Any { budget: self.budget, level: Level::Inside })? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        read_map(access, self.budget, self.level).map(Value::Object)
    }
}

/// None may be there twice (YAML 1.2.2 §3.2.1.3): the second would win in silence.
fn read_map<'de, A: MapAccess<'de>>(
    mut access: A,
    budget: &Budget,
    level: Level,
) -> Result<Map<String, Value>, A::Error> {
    budget.pay(0)?;
    let mut map = Map::new();
    while let Some(key) = access.next_key::<String>()? {
        budget.pay(key.len())?;
        if map.contains_key(&key) {
            return Err(Error::custom(format_args!("duplicate field `{key}`")));
        }
        if level == Level::Outermost {
            budget.key.borrow_mut().clone_from(&key);
        }
        map.insert(key, access.next_value_seed(Any { budget, level: Level::Inside })?);
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn read(text: &str) -> Result<Value, String> {
        value(Code::Data, "data/a.yaml", text).map_err(|mistake| {
            let place = mistake.place.unwrap();
            format!("{}:{} {}", place.line, place.column, mistake.message)
        })
    }

    /// Each of `lines` lines is `fan` times the one before.
    fn growing(lines: u8, fan: usize) -> String {
        let mut text = format!("k0: &k0 [{}]\n", vec!["x"; fan].join(", "));
        for line in 1..lines {
            let above = format!("*k{}", line - 1);
            text.push_str(&format!("k{line}: &k{line} [{}]\n", vec![above; fan].join(", ")));
        }
        text
    }

    #[test]
    fn an_alias_is_the_value_that_it_names() {
        let text = format!("base: &base [1, two]\nuses: [{}]\n", vec!["*base"; 500].join(", "));
        assert_eq!(read(&text).unwrap()["uses"][499], serde_json::json!([1, "two"]));
    }

    #[test]
    fn a_long_text_may_be_repeated() {
        let text = format!("a: &a {}\nuses:\n{}", "word ".repeat(200), "  - *a\n".repeat(100));
        assert_eq!(read(&text).unwrap()["uses"].as_array().unwrap().len(), 100);
    }

    #[test]
    fn what_grows_without_end_is_refused_at_once() {
        let begun = Instant::now();
        for text in [growing(20, 10), growing(60, 2), growing(4, 400)] {
            let said = read(&text).unwrap_err();
            assert!(said.contains("aliases repeat too much"), "{said}");
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }

    #[test]
    fn the_key_that_grows_is_named_with_its_alias() {
        let said = read(&growing(8, 10)).unwrap_err();
        assert!(said.starts_with("5:10 `k4`: aliases repeat"), "{said}");
    }

    #[test]
    fn values_stand_in_each_other_only_so_deep() {
        let begun = Instant::now();
        let (brackets, dashes, groups) = ("[".repeat(200_000), "- ".repeat(10_000), "{a: ".repeat(50_000));
        for text in [brackets, dashes, groups, "[".repeat(150) + &"]".repeat(150)] {
            let said = read(&text).unwrap_err();
            assert!(said.contains("more than 128 deep"), "{said}");
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }

    #[test]
    fn no_key_may_be_there_twice_at_any_depth() {
        assert_eq!(read("a:\n  b: 1\n  c: 2\n  b: 3\n").unwrap_err(), "4:3 `b` stands here twice");
    }
}
