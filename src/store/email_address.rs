//! An e-mail address that was looked at.

use std::fmt;

/// An address that mail can be sent to, as far as its form says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress(String);

/// The text is no e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an e-mail address, such as ann@example.org")]
pub struct NotAnEmailAddress;

impl EmailAddress {
    /// Reads an address as `<input type=email>` does (HTML, "valid e-mail address"), within
    /// the lengths of RFC 5321 §4.5.3.1. The space around it goes, the domain becomes small
    /// letters.
    ///
    /// ASCII only, as there: a domain in another script comes in its `xn--` form, which is
    /// what browsers send. So no two addresses that look alike, or that become alike when
    /// Unicode is normalised or its letters made small, can be two accounts.
    pub fn parse(text: &str) -> Result<Self, NotAnEmailAddress> {
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        let (local, domain) = text.rsplit_once('@').ok_or(NotAnEmailAddress)?;
        let local_is_good = (1..=64).contains(&local.len()) && local.bytes().all(is_local);
        let domain_is_good = domain.len() <= 253 && domain.split('.').all(is_label);
        if !local_is_good || !domain_is_good || text.len() > 254 {
            return Err(NotAnEmailAddress);
        }
        Ok(Self(format!("{local}@{}", domain.to_ascii_lowercase())))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address as accounts are found by it: in small letters. RFC 5321 lets a host tell
    /// `Ann` from `ann`; none does, and people write either.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(EmailAddress::parse(text).ok().as_ref().map(EmailAddress::as_str), expected, "{text:?}");
    }

    #[test]
    fn an_ordinary_address_is_taken_with_its_domain_in_small_letters() {
        check(" Ann.Gull+news@Example.ORG\n", Some("Ann.Gull+news@example.org"));
        check("a@localhost", Some("a@localhost"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", "gull", "@example.org", "a@", "a b@example.org", "a@-x.org", "a@x..org", "a@b@c.org", "a@x.org\0"]
        {
            check(text, None);
        }
        check(&format!("{}@example.org", "a".repeat(65)), None);
        check(&format!("a@{}", "b.".repeat(200)), None);
    }

    #[test]
    fn letters_that_only_look_like_others_make_no_second_address() {
        check("\u{212a}ate@example.org", None);
        check("a@ex\u{e4}mple.org", None);
    }

    #[test]
    fn capital_letters_make_no_second_account() {
        assert_eq!(EmailAddress::parse("Ann@example.org").unwrap().key(), "ann@example.org");
    }
}
