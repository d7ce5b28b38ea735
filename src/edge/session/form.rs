//! A form as it was sent (`application/x-www-form-urlencoded`), read strictly.
//!
//! What no browser sends is refused and not repaired: a field that comes twice, bytes that
//! are no UTF-8, NUL. So two parts of the program cannot read one form differently.

use hyper::HeaderMap;
use hyper::header::CONTENT_TYPE;

use crate::edge::refusal::Refusal;

/// How long a form may be, in bytes: a long comment in percent signs, and room.
const BYTES: usize = 192 * 1024;
/// How many fields it may have.
const FIELDS: usize = 64;

/// A form as it was sent.
#[derive(Debug)]
pub(in crate::edge) struct Form(Vec<(String, String)>);

impl Form {
    pub(in crate::edge) fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Self, Refusal> {
        let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = media.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Refusal::UnsupportedMedia);
        }
        if body.len() > BYTES {
            return Err(Refusal::TooLarge);
        }
        Self::read(body).ok_or(Refusal::BadRequest("The form was not sent as a browser sends one.".into()))
    }

    fn read(body: &[u8]) -> Option<Self> {
        let fields = pairs(body, FIELDS)?;
        let is_twice = |at: usize, name: &str| fields[..at].iter().any(|(found, _)| found == name);
        let is_once = !fields.iter().enumerate().any(|(at, (name, _))| is_twice(at, name));
        is_once.then_some(Self(fields))
    }

    /// The fields whose name begins so, by the rest of it.
    pub(in crate::edge) fn beginning(&self, prefix: &'static str) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }

    /// The value of a field; empty when there is no such field.
    pub(in crate::edge) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }
}

/// The fields of a form, in order, at most so many; one may come twice, as boxes do.
pub(in crate::edge) fn pairs(body: &[u8], most: usize) -> Option<Vec<(String, String)>> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        if fields.len() == most {
            return None;
        }
        let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        fields.push((decode(&pair[..end])?, decode(pair.get(end + 1..).unwrap_or_default())?));
    }
    Some(fields)
}

/// What stands after `?`, read as a form is; nothing when it is not one, because a link may
/// have been cut or grown on its way.
pub(in crate::edge) struct Query(Form);

impl Query {
    pub(super) fn parse(raw: &str) -> Self {
        Self(Form::read(raw.as_bytes()).unwrap_or(Form(Vec::new())))
    }

    /// The value of a name; empty when it is not there.
    pub(in crate::edge) fn get(&self, name: &str) -> &str {
        self.0.get(name)
    }
}

/// Names and values of what stands after `?`, when it is read as strictly as a form.
pub(in crate::edge) fn fields_of(query: &str) -> Option<Vec<(String, String)>> {
    Form::read(query.as_bytes()).map(|form| form.0)
}

fn decode(bytes: &[u8]) -> Option<String> {
    let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let decoded = percent_encoding::percent_decode(&spaced).collect();
    String::from_utf8(decoded).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_a_browser_sends_it() {
        let form = Form::read("name=Ann+Gull&word=%C3%A9t%C3%A9%26+%2B&empty=&alone".as_bytes()).unwrap();
        assert_eq!((form.get("name"), form.get("word")), ("Ann Gull", "été& +"));
        assert_eq!((form.get("empty"), form.get("alone"), form.get("none")), ("", "", ""));
    }

    #[test]
    fn what_no_browser_sends_is_refused() {
        for body in ["a=1&a=2", "a=%FF", "a=%00", "a=1&%61=2"] {
            assert!(Form::read(body.as_bytes()).is_none(), "{body}");
        }
        let many: String = (0..65).map(|number| format!("f{number}=&")).collect();
        assert!(Form::read(many.as_bytes()).is_none());
    }
}
