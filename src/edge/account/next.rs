//! Where to go after logging in: a path of this site, never elsewhere.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What may not stand in a `Location`; `%` stays, because the path is encoded already.
const NOT_IN_A_TARGET: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'{').add(b'}');
/// How long it may be.
const BYTES: usize = 2_000;

/// `wanted`, if it is a path of this site, and not one that would send in a circle.
///
/// A browser reads `//host`, `/\host` and, because it drops them, a tab or line break
/// before the second slash as another site: nothing of that is let through.
pub(in crate::edge) fn path(wanted: &str) -> Option<String> {
    let is_path = wanted.starts_with('/') && !wanted.starts_with("//");
    let is_clean = !wanted.contains('\\') && !wanted.chars().any(char::is_control) && wanted.len() <= BYTES;
    let is_circle = ["/login", "/logout", "/register", "/_"]
        .iter()
        .any(|from| wanted.strip_prefix(from).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#'])));
    (is_path && is_clean && !is_circle).then(|| utf8_percent_encode(wanted, NOT_IN_A_TARGET).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_site_is_gone_to() {
        assert_eq!(path("/docs/a/?x=1#part").as_deref(), Some("/docs/a/?x=1#part"));
        assert_eq!(path("/docs/été/").as_deref(), Some("/docs/%C3%A9t%C3%A9/"));
    }

    #[test]
    fn nothing_leads_elsewhere() {
        for wanted in [
            "",
            "docs/",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "\n//evil.example",
            "/\r\nSet-Cookie: a=b",
            "javascript:alert(1)",
            "/login",
            "/login?next=/a",
            "/logout",
            "/_/me",
        ] {
            assert_eq!(path(wanted), None, "{wanted:?}");
        }
        assert_eq!(path(&format!("/{}", "a".repeat(BYTES))), None);
    }
}
