//! A statement that a site's author wrote: one `SELECT`, with parameters by name.
//!
//! [`Statement::parse`] reads it word by word, before any database sees it. It lets through
//! what SQLite and PostgreSQL read alike and what only reads: one statement, functions from
//! a list, no names of the store's own. The engines hold the same bounds once more; this is
//! where they are told with their place in the file. What the words mean together is left
//! to the database.
//!
//! Parameters become `$1`, `$2`, ... in the order in which they first appear.

use std::ops::Range;

use super::functions;

/// Names that belong to Littoral or to an engine.
const KEPT: [&str; 4] = ["littoral_", "sqlite_", "pg_", "pragma_"];
const KEPT_WHOLE: [&str; 2] = ["migration", "information_schema"];
/// Words of statements that write. Wherever they stand, they are not for a page.
/// Words by which SQLite reads columns that nobody names, and does not ask whether it may.
const UNNAMED: [&str; 2] = ["natural", "using"];
const WRITES: [&str; 9] = ["insert", "update", "delete", "into", "create", "drop", "alter", "attach", "pragma"];
/// Words after which a parenthesis opens that is no call.
const BEFORE_PARENTHESIS: [&str; 43] = [
    "all",
    "and",
    "any",
    "as",
    "between",
    "by",
    "case",
    "cast",
    "char",
    "decimal",
    "distinct",
    "else",
    "end",
    "except",
    "exists",
    "filter",
    "from",
    "group",
    "having",
    "in",
    "intersect",
    "is",
    "join",
    "like",
    "limit",
    "materialized",
    "not",
    "numeric",
    "offset",
    "on",
    "or",
    "order",
    "over",
    "partition",
    "select",
    "then",
    "union",
    "values",
    "varchar",
    "when",
    "where",
    "with",
    "window",
];

/// A statement that only reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// With `$1`, `$2`, ... in place of names.
    pub sql: String,
    /// The names of `$1`, `$2`, ...; no name twice.
    pub parameters: Vec<String>,
    /// Every name in it, in small letters: of tables, columns, functions.
    pub names: Vec<String>,
}

/// Why a statement is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotTaken {
    /// Bytes of the statement.
    pub at: Range<usize>,
    /// What was found and what was expected.
    pub message: String,
    /// What to do.
    pub hint: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    /// A name or a word of the language, and whether it stands between quotation marks.
    Name {
        is_quoted: bool,
    },
    Parameter,
    /// A string or a number.
    Literal,
    Opening,
    Semicolon,
    Other,
    /// Space or a comment.
    Nothing,
}

impl Statement {
    /// The statement that `text` is.
    pub fn parse(text: &str) -> Result<Self, NotTaken> {
        let tokens = tokens(text)?;
        let mut words = tokens.iter().filter(|(token, _)| *token != Token::Nothing).peekable();
        let begins = words.peek().is_some_and(|(token, at)| {
            *token == Token::Name { is_quoted: false } && ["select", "with"].contains(&&*name(text, at.clone()))
        });
        if !begins {
            let at = words.next().map_or(0..text.len(), |(_, at)| at.clone());
            return Err(refused(at, "a query only reads: expected it to begin with `SELECT` or `WITH`", ""));
        }
        let mut end: Option<&Range<usize>> = None;
        let mut before: Option<&(Token, Range<usize>)> = None;
        let mut depth = Depth::default();
        for word in words {
            let (token, at) = word;
            if end.is_some() {
                return Err(refused(
                    at.clone(),
                    "expected one statement, found another after `;`",
                    "give each its own name",
                ));
            }
            match token {
                Token::Semicolon => end = Some(at),
                Token::Name { is_quoted } => check_name(text, at, *is_quoted)?,
                Token::Opening => check_call(text, before)?,
                Token::Literal => check_literal(text, at, before)?,
                _ => {}
            }
            depth.pass(&text[at.clone()], at)?;
            before = Some(word);
        }
        depth.end()?;
        let until = end.map_or(text.len(), |at| at.start);
        let mut statement = Self { sql: String::with_capacity(until), parameters: Vec::new(), names: Vec::new() };
        for (token, at) in tokens.iter().filter(|(_, at)| at.end <= until) {
            match token {
                Token::Parameter => statement.push_parameter(&text[at.start + 1..at.end]),
                Token::Nothing => statement.sql.push(' '),
                Token::Name { .. } => {
                    statement.names.push(name(text, at.clone()));
                    statement.sql.push_str(&text[at.clone()]);
                }
                _ => statement.sql.push_str(&text[at.clone()]),
            }
        }
        Ok(statement)
    }

    fn push_parameter(&mut self, name: &str) {
        let known = self.parameters.iter().position(|known| known == name);
        let number = known.unwrap_or_else(|| {
            self.parameters.push(name.to_owned());
            self.parameters.len() - 1
        });
        self.sql.push_str(&format!("${}", number + 1));
    }
}

fn check_name(text: &str, at: &Range<usize>, is_quoted: bool) -> Result<(), NotTaken> {
    let name = name(text, at.clone());
    if KEPT.iter().any(|kept| name.starts_with(kept)) || KEPT_WHOLE.contains(&&*name) {
        let message = format!("`{name}` is the store's own, and no query of a site can read it");
        return Err(refused(at.clone(), &message, "open tables of your own under `edge.data` in littoral.yaml"));
    }
    if !is_quoted && UNNAMED.contains(&&*name) {
        let message = format!("`{}` joins by columns that the query does not name", &text[at.clone()]);
        return Err(refused(at.clone(), &message, "name them: `JOIN b ON a.id = b.id`"));
    }
    if !is_quoted && WRITES.contains(&&*name) {
        let message = format!("a query only reads: `{}` is a word of statements that write", &text[at.clone()]);
        return Err(refused(at.clone(), &message, "put it between quotation marks if it is the name of a column"));
    }
    Ok(())
}

/// A string is a value. SQLite takes one for the name of a table or of a function where only
/// such a name can stand.
fn check_literal(text: &str, at: &Range<usize>, before: Option<&(Token, Range<usize>)>) -> Result<(), NotTaken> {
    let written = text[at.clone()].trim_matches('\'').to_lowercase();
    let is_kept = KEPT.iter().any(|kept| written.starts_with(kept)) || KEPT_WHOLE.contains(&&*written);
    let behind_table = match before {
        Some((Token::Name { is_quoted: false }, before)) => {
            ["from", "join", "as", "in"].contains(&&*name(text, before.clone()))
        }
        Some((Token::Other, before)) => &text[before.clone()] == ".",
        _ => false,
    };
    if text[at.clone()].starts_with('\'') && (is_kept || behind_table) {
        let message = format!("expected a name, found the string {}", &text[at.clone()]);
        return Err(refused(at.clone(), &message, "names stand in `\"` or in nothing"));
    }
    Ok(())
}

/// How many parentheses are open: a statement that closes more than it opens would close one
/// that stands around it.
#[derive(Default)]
struct Depth(Vec<Range<usize>>);

impl Depth {
    fn pass(&mut self, word: &str, at: &Range<usize>) -> Result<(), NotTaken> {
        match word {
            "(" => self.0.push(at.clone()),
            ")" if self.0.pop().is_none() => {
                return Err(refused(at.clone(), "this parenthesis closes none", ""));
            }
            _ => {}
        }
        Ok(())
    }

    fn end(self) -> Result<(), NotTaken> {
        match self.0.last() {
            Some(open) => Err(refused(open.clone(), "this parenthesis is not closed", "")),
            None => Ok(()),
        }
    }
}

/// A name before a parenthesis is a function.
fn check_call(text: &str, before: Option<&(Token, Range<usize>)>) -> Result<(), NotTaken> {
    if let Some((Token::Literal, at)) = before {
        return Err(refused(at.clone(), "a string calls nothing", ""));
    }
    let Some((Token::Name { is_quoted }, at)) = before else { return Ok(()) };
    let name = name(text, at.clone());
    let is_known = functions::may_be_called(&name);
    if is_known || (!is_quoted && BEFORE_PARENTHESIS.contains(&&*name)) {
        return Ok(());
    }
    let near = functions::nearest(&name).map_or_else(String::new, |near| format!("did you mean `{near}`?"));
    Err(refused(at.clone(), &format!("a query may not call `{name}`"), &near))
}

/// In small letters, without quotation marks.
fn name(text: &str, at: Range<usize>) -> String {
    text[at].trim_matches('"').replace("\"\"", "\"").to_lowercase()
}

fn refused(at: Range<usize>, message: &str, hint: &str) -> NotTaken {
    NotTaken { at, message: message.to_owned(), hint: hint.to_owned() }
}

fn tokens(text: &str) -> Result<Vec<(Token, Range<usize>)>, NotTaken> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let (token, length) = token(text, at)?;
        // A string right behind a name is a string of another kind, with rules of its own.
        if token == Token::Literal
            && text[at..].starts_with('\'')
            && tokens.last().is_some_and(|(before, range): &(Token, Range<usize>)| {
                matches!(before, Token::Name { .. }) && range.end == at
            })
        {
            return Err(refused(
                at..at + 1,
                "expected a plain string, found one with a letter before it",
                "write '...'",
            ));
        }
        tokens.push((token, at..at + length));
        at += length;
    }
    Ok(tokens)
}

/// The token that begins at `at`, and its length in bytes.
fn token(text: &str, at: usize) -> Result<(Token, usize), NotTaken> {
    let rest = &text[at..];
    let Some(first) = rest.chars().next() else { return Ok((Token::Nothing, 1)) };
    let length_while = |holds: fn(char) -> bool| rest.find(|c: char| !holds(c)).unwrap_or(rest.len());
    let unclosed = |what: &str| refused(at..at + 1, &format!("{what} is not closed"), "");
    Ok(match first {
        _ if first.is_ascii_whitespace() => (Token::Nothing, length_while(|c| c.is_ascii_whitespace())),
        '-' if rest.starts_with("--") => (Token::Nothing, rest.find('\n').unwrap_or(rest.len())),
        '/' if rest.starts_with("/*") => {
            let length = rest.find("*/").ok_or_else(|| unclosed("a comment"))? + 2;
            if rest[2..length].contains("/*") {
                // The engines do not agree on where it ends.
                return Err(refused(at..at + 2, "a comment stands in a comment", "take one of them out"));
            }
            (Token::Nothing, length)
        }
        '\'' => (Token::Literal, quoted(rest, '\'').ok_or_else(|| unclosed("a string"))?),
        '"' => (Token::Name { is_quoted: true }, quoted(rest, '"').ok_or_else(|| unclosed("a name"))?),
        ':' => {
            let length = rest[1..].find(|c: char| !is_part_of_name(c)).unwrap_or(rest.len() - 1) + 1;
            if length == 1 {
                return Err(refused(
                    at..at + 1,
                    "expected a parameter such as `:slug`",
                    "for a cast write `CAST(x AS TEXT)`",
                ));
            }
            (Token::Parameter, length)
        }
        _ if first.is_ascii_digit() => (Token::Literal, length_while(|c| c.is_ascii_alphanumeric() || c == '.')),
        _ if first.is_alphabetic() || first == '_' => (Token::Name { is_quoted: false }, length_while(is_part_of_name)),
        '(' => (Token::Opening, 1),
        ';' => (Token::Semicolon, 1),
        ')' | ',' | '.' | '+' | '-' | '*' | '/' | '%' | '=' | '<' | '>' | '!' | '|' | '&' | '~' => (Token::Other, 1),
        '?' | '$' | '@' => {
            return Err(refused(
                at..at + first.len_utf8(),
                &format!("expected a parameter by name such as `:slug`, found `{first}`"),
                "declare it under `parameters`",
            ));
        }
        other => {
            return Err(refused(at..at + other.len_utf8(), &format!("`{other}` has no place in a query"), ""));
        }
    })
}

fn is_part_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Of what stands between two `mark`s; a doubled one inside is none.
fn quoted(rest: &str, mark: char) -> Option<usize> {
    let mut from = 1;
    loop {
        let at = from + rest[from..].find(mark)?;
        if !rest[at + 1..].starts_with(mark) {
            return Some(at + 1);
        }
        from = at + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(text: &str) -> String {
        Statement::parse(text).map_or_else(|refused| refused.message, |taken| format!("taken: {}", taken.sql))
    }

    #[test]
    fn a_parameter_is_numbered_where_it_first_appears() {
        let taken = Statement::parse("SELECT a FROM b WHERE c = :c AND (d = :d OR e = :c);").unwrap();
        assert_eq!(taken.sql, "SELECT a FROM b WHERE c = $1 AND (d = $2 OR e = $1)");
        assert_eq!(taken.parameters, ["c", "d"]);
    }

    #[test]
    fn what_stands_in_strings_names_and_comments_is_no_parameter() {
        let taken = Statement::parse("SELECT ':a', 'it''s :b' AS \"x :c\" -- :d\n FROM t /* :e ; */").unwrap();
        assert_eq!(taken.sql, "SELECT ':a', 'it''s :b' AS \"x :c\"   FROM t  ");
        assert!(taken.parameters.is_empty());
    }

    #[test]
    fn only_reading_is_taken() {
        assert_eq!(why("DELETE FROM t"), "a query only reads: expected it to begin with `SELECT` or `WITH`");
        assert_eq!(
            why("WITH gone AS (DELETE FROM t RETURNING a) SELECT a FROM gone"),
            "a query only reads: `DELETE` is a word of statements that write"
        );
        assert_eq!(why("SELECT 1; DROP TABLE t"), "expected one statement, found another after `;`");
        assert_eq!(why("SELECT a INTO b FROM t"), "a query only reads: `INTO` is a word of statements that write");
    }

    #[test]
    fn the_stores_own_tables_are_not_read_however_they_are_written() {
        for written in
            ["littoral_member", "LITTORAL_MEMBER", "\"littoral_member\"", "main.littoral_session", "PG_class"]
        {
            assert!(why(&format!("SELECT * FROM {written}")).contains("is the store's own"), "{written}");
        }
    }

    #[test]
    fn a_function_that_is_not_known_to_be_harmless_is_not_called() {
        assert_eq!(why("SELECT pg_sleep(10)"), "`pg_sleep` is the store's own, and no query of a site can read it");
        assert_eq!(why("SELECT \"load_extension\" ('x')"), "a query may not call `load_extension`");
        assert_eq!(why("SELECT set_config/**/('role', 'x', true)"), "a query may not call `set_config`");
        assert_eq!(
            why("SELECT lower(a), count(*) FROM t WHERE a IN (1) AND (b)"),
            "taken: SELECT lower(a), count(*) FROM t WHERE a IN (1) AND (b)"
        );
    }

    #[test]
    fn no_table_is_named_by_a_string_and_no_column_by_a_join_alone() {
        for text in [
            "SELECT password FROM 'littoral_member' FULL JOIN (SELECT 'z' AS password) AS a USING (password)",
            "SELECT password FROM littoral_member FULL JOIN (SELECT 'z' AS password) AS a ON 1 = 1",
            "SELECT secret FROM city FULL JOIN (SELECT 'z' AS secret) AS x USING (secret)",
            "SELECT count(*) FROM city NATURAL JOIN (SELECT :g AS secret) AS x",
            "SELECT 1 FROM city, 'littoral_session'",
            "SELECT 1 FROM city, 'sqlite_schema'",
            "SELECT 1 FROM city, 'LITTORAL_member'",
            "SELECT 1 FROM 'closed'",
            "SELECT 1 FROM city JOIN 'closed' ON 1 = 1",
            "SELECT 1 FROM main.'closed'",
            "SELECT 1 WHERE 1 IN 'closed'",
            "SELECT 1 FROM 'json_each'('[1]')",
            "SELECT 1 FROM city, 'json_each'('[1]')",
        ] {
            assert!(Statement::parse(text).is_err(), "{text}");
        }
        assert!(Statement::parse("SELECT 'a', x || 'b' FROM t WHERE y = 'c' AND z IN ('d')").is_ok());
    }

    #[test]
    fn a_statement_stays_between_the_parentheses_around_it() {
        assert_eq!(why("SELECT 1 AS a) AS x, (SELECT 2 AS b"), "this parenthesis closes none");
        assert_eq!(why("SELECT (1"), "this parenthesis is not closed");
    }

    #[test]
    fn what_the_engines_read_differently_is_refused() {
        for text in [
            "SELECT E'\\''",
            "SELECT $1",
            "SELECT ?",
            "SELECT a::text",
            "SELECT [a]",
            "SELECT `a`",
            "SELECT /* /* */ 1",
            "SELECT 'open",
        ] {
            assert!(Statement::parse(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn anything_that_is_typed_has_an_answer(text in "\\PC{0,80}") {
            if let Err(refused) = Statement::parse(&text) {
                assert!(text.get(refused.at).is_some());
            }
        }
    }
}
