//! Links that go by letter: their tokens, and the letters that they stand in.
//!
//! A letter of this room is the same for whoever it goes to: no name stands in it, because
//! names are what strangers type, and a stranger could have words of theirs sent to anybody.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::edge::live_release::LiveRelease;
use crate::edge::mail::compose;
use crate::edge::refusal::Refusal;
use crate::edge::session::Reader;
use crate::store::{EmailAddress, Letter, LinkDigest};

/// How long a link is good that signs somebody in or gives them a new password: what OWASP's
/// ASVS 5.0 allows (6.5.5).
pub(super) const SIGN_IN_LIVES: SignedDuration = SignedDuration::from_mins(10);
/// How long one is good that only says that a mailbox is somebody's.
pub(super) const MAILBOX_LIVES: SignedDuration = SignedDuration::from_hours(24);

/// The secret in a link: 256 random bits.
pub(super) struct Token([u8; 32]);

impl Token {
    /// A new one.
    pub(super) fn random() -> Result<Self, Refusal> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| Refusal::fault("the system gives no random numbers", &error))?;
        Ok(Self(bytes))
    }

    /// The one that a request names: 64 hexadecimal digits, or it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        blake3::Hash::from_hex(text).ok().map(|hash| Self(*hash.as_bytes()))
    }

    /// What the store knows of it.
    pub(super) fn digest(&self) -> LinkDigest {
        LinkDigest::of(&self.0)
    }

    /// As it stands in a link.
    pub(super) fn text(&self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }

    /// The link to `path` of the site that has it.
    pub(super) fn link(&self, site_url: &str, path: &str) -> String {
        let and = if path.contains('?') { '&' } else { '?' };
        format!("{}{path}{and}token={}", site_url.trim_end_matches('/'), self.text())
    }
}

/// A letter to `to` that nothing stops: its owner has asked for it, or must know.
pub(super) async fn must_go(
    (release, reader): (&Arc<LiveRelease>, &Reader),
    template: &'static str,
    to: &EmailAddress,
    data: Value,
) -> Result<Letter, Refusal> {
    Ok(Letter { must_go: true, ..letter((release, reader), template, to, data).await? })
}

/// A letter to `to`, unless it is to be written to no more.
pub(super) async fn letter(
    (release, reader): (&Arc<LiveRelease>, &Reader),
    template: &'static str,
    to: &EmailAddress,
    data: Value,
) -> Result<Letter, Refusal> {
    compose(release, template, to, reader.site_url(), data).await
}

/// How long something is good, in words.
pub(super) fn in_words(span: SignedDuration) -> String {
    match span.as_hours() {
        0 => format!("{} minutes", span.as_mins()),
        hours => format!("{hours} hours"),
    }
}

/// A link, and how long it is good, for a letter's template.
pub(super) fn with_link(link: &str, lives: SignedDuration) -> Value {
    json!({ "link": link, "lives": in_words(lives) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_a_link_is_read_again_and_nothing_else_is() {
        let token = Token::random().unwrap();
        let link = token.link("https://shore.example/", "/login/link");
        let text = link.strip_prefix("https://shore.example/login/link?token=").unwrap();
        assert_eq!(Token::parse(text).unwrap().digest(), token.digest());
        for wrong in ["", "0", &text[..63], &format!("{text}0"), &"é".repeat(32), &text.replace(|_| true, "x")] {
            assert!(Token::parse(wrong).is_none(), "{wrong}");
        }
    }
}
