//! One call: from its first brace to its last.

use std::ops::Range;

use serde_json::{Map, Value};

/// Lists within lists: more is no argument that a person wrote.
const DEEPEST_LIST: usize = 16;

/// What `{{ ... }}` or `{% ... %}` says.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Call {
    pub(in super::super) name: Range<usize>,
    pub(in super::super) args: Vec<Value>,
    pub(in super::super) named: Map<String, Value>,
    /// From the first brace to behind the last.
    pub(in super::super) span: Range<usize>,
}

/// Why something is no call.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Refused {
    /// Where the parser stopped.
    pub(in super::super) at: usize,
    /// What was expected there.
    pub(in super::super) expected: &'static str,
}

/// Which braces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Braces {
    /// `{{ }}`
    Inline,
    /// `{% %}`
    Block,
}

impl Braces {
    fn close(self) -> &'static str {
        match self {
            Self::Inline => "}}",
            Self::Block => "%}",
        }
    }
}

/// Reads the call whose two opening characters stand at `start` of `text`.
pub(in super::super) fn call(text: &str, start: usize, braces: Braces) -> Result<Call, Refused> {
    let mut reader = Reader { text, at: start + 2 };
    reader.space();
    let name = reader.name().ok_or_else(|| reader.refused("the name of a shortcode"))?;
    reader.space();
    let (mut args, mut named) = (Vec::new(), Map::new());
    let has_arguments = reader.eat("(");
    if has_arguments {
        reader.arguments(&mut args, &mut named)?;
        reader.space();
    }
    if !reader.eat(braces.close()) {
        return Err(reader.refused(match (braces, has_arguments) {
            (Braces::Inline, true) => "`}}`",
            (Braces::Inline, false) => "`(` or `}}`",
            (Braces::Block, true) => "`%}`",
            (Braces::Block, false) => "`(` or `%}`",
        }));
    }
    Ok(Call { name, args, named, span: start..reader.at })
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn refused(&self, expected: &'static str) -> Refused {
        Refused { at: self.at, expected }
    }

    fn eat(&mut self, wanted: &str) -> bool {
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len();
        }
        found
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    fn name(&mut self) -> Option<Range<usize>> {
        let rest = self.rest();
        if !rest.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
            return None;
        }
        let length = rest
            .find(|next: char| !(next.is_ascii_alphanumeric() || matches!(next, '_' | '-' | '/')))
            .unwrap_or(rest.len());
        let name = self.at..self.at + length;
        self.at = name.end;
        Some(name)
    }

    fn arguments(&mut self, args: &mut Vec<Value>, named: &mut Map<String, Value>) -> Result<(), Refused> {
        loop {
            self.space();
            if self.eat(")") {
                return Ok(());
            }
            match self.key() {
                Some(key) => {
                    self.space();
                    let value = self.value(0)?;
                    named.insert(self.text[key].to_owned(), value);
                }
                None => args.push(self.value(0)?),
            }
            self.space();
            if !self.eat(",") && !self.rest().starts_with(')') {
                return Err(self.refused("`,` or `)`"));
            }
        }
    }

    /// `key =`, or nothing read at all.
    fn key(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let key = self.name();
        self.space();
        if key.is_some() && self.eat("=") {
            return key;
        }
        self.at = start;
        None
    }

    fn value(&mut self, depth: usize) -> Result<Value, Refused> {
        match self.rest().bytes().next() {
            Some(quote @ (b'"' | b'\'' | b'`')) => self.string(quote).map(Value::String),
            Some(b'[') if depth < DEEPEST_LIST => self.list(depth),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ if self.word("true") => Ok(Value::Bool(true)),
            _ if self.word("false") => Ok(Value::Bool(false)),
            _ => Err(self.refused("a value: text in quotes, a number, `true`, `false` or a list in `[ ]`")),
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let goes_on = |next: char| next.is_alphanumeric() || matches!(next, '_' | '-');
        self.rest().strip_prefix(word).is_some_and(|rest| !rest.starts_with(goes_on)) && self.eat(word)
    }

    fn list(&mut self, depth: usize) -> Result<Value, Refused> {
        self.at += 1;
        let mut values = Vec::new();
        loop {
            self.space();
            if self.eat("]") {
                return Ok(Value::Array(values));
            }
            values.push(self.value(depth + 1)?);
            self.space();
            if !self.eat(",") && !self.rest().starts_with(']') {
                return Err(self.refused("`,` or `]`"));
            }
        }
    }

    fn number(&mut self) -> Result<Value, Refused> {
        let rest = self.rest();
        let length = rest
            .find(|next: char| !(next.is_ascii_alphanumeric() || matches!(next, '.' | '-' | '+')))
            .unwrap_or(rest.len());
        let digits = &rest[..length];
        let value = match digits.parse::<i64>() {
            Ok(whole) => Some(Value::from(whole)),
            // A number with a unit, `640px`, is a slip that is better said than guessed at.
            Err(_) if digits.contains(|c: char| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E')) => None,
            Err(_) => digits.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from),
        };
        let value = value.ok_or_else(|| self.refused("a number, or text in quotes"))?;
        self.at += length;
        Ok(value)
    }

    /// `\n`, `\t`, `\r`, `\u{1f30a}`, and a backslash before any sign that is no letter
    /// or digit stands for that sign. Before others the backslash stays: paths and regular
    /// expressions are common arguments.
    fn string(&mut self, quote: u8) -> Result<String, Refused> {
        let start = self.at;
        self.at += 1;
        let mut value = String::new();
        loop {
            let rest = self.rest();
            let Some(length) = rest.bytes().position(|byte| byte == quote || byte == b'\\') else {
                return Err(Refused { at: start, expected: "a closing quote" });
            };
            value.push_str(&rest[..length]);
            self.at += length + 1;
            if rest.as_bytes()[length] == quote {
                return Ok(value);
            }
            self.escape(&mut value);
        }
    }

    fn escape(&mut self, value: &mut String) {
        let Some(next) = self.rest().chars().next() else { return value.push('\\') };
        if let Some((character, length)) = self.code_point() {
            value.push(character);
            self.at += length;
            return;
        }
        match next {
            'n' => value.push('\n'),
            't' => value.push('\t'),
            'r' => value.push('\r'),
            next if next.is_alphanumeric() => value.extend(['\\', next]),
            next => value.push(next),
        }
        self.at += next.len_utf8();
    }

    fn code_point(&self) -> Option<(char, usize)> {
        let digits = self.rest().strip_prefix("u{")?;
        let length = digits.bytes().take(7).position(|byte| byte == b'}')?;
        let character = u32::from_str_radix(&digits[..length], 16).ok().and_then(char::from_u32)?;
        Some((character, length + 3))
    }
}
