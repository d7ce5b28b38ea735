//! The secrets in cookies, and the tokens in forms that are derived from them.

use subtle::ConstantTimeEq;

use crate::edge::refusal::Refusal;
use crate::store::SessionDigest;

/// What keeps the tokens of forms apart from everything else that is derived from a secret.
const CONTEXT: &str = "littoral 2026 token of a form";

/// The same for the cookies of guests.
const GUEST: &str = "littoral 2026 cookie of a guest";
/// The same for links in letters.
const LETTER: &str = "littoral 2026 link in a letter";

/// A token for a link in a letter, and the digest that is kept of it.
pub(in crate::edge) fn letter_token() -> Result<(String, [u8; 32]), Refusal> {
    let secret = Secret::random()?;
    Ok((secret.text(), blake3::derive_key(LETTER, &secret.0)))
}

/// The digest of the token in a link, if it can be one.
pub(in crate::edge) fn letter_digest(token: &str) -> Option<[u8; 32]> {
    Secret::parse(token).map(|secret| blake3::derive_key(LETTER, &secret.0))
}

/// 256 random bits: the token of a session, or what stands in for one.
#[derive(Clone)]
pub(super) struct Secret([u8; 32]);

impl Secret {
    /// A new one.
    pub(super) fn random() -> Result<Self, Refusal> {
        random().map(Self)
    }

    /// Its bits.
    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The secret in a cookie: 64 hexadecimal digits, or it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        from_hex(text).map(Self)
    }

    /// As it stands in a cookie.
    pub(super) fn text(&self) -> String {
        hex(&self.0)
    }

    /// What the store knows of it.
    pub(super) fn digest(&self) -> SessionDigest {
        SessionDigest::of(&self.0)
    }

    /// A token for a form. Another text each time (a random pad, and the token hidden
    /// under it), so that its length under compression tells nothing of it (BREACH).
    pub(super) fn form_token(&self) -> Result<String, Refusal> {
        let pad = random()?;
        Ok(hex(&pad) + &hex(&xor(&pad, &self.derived())))
    }

    /// Whether `text` is a token made by [`Self::form_token`]. Takes the same time for each
    /// wrong one.
    pub(super) fn made(&self, text: &str) -> bool {
        let halves = text.is_char_boundary(64).then(|| text.split_at_checked(64)).flatten();
        let Some((pad, hidden)) = halves.and_then(|(pad, hidden)| Some((from_hex(pad)?, from_hex(hidden)?))) else {
            return false;
        };
        xor(&pad, &hidden).ct_eq(&self.derived()).into()
    }

    /// What the store knows of a guest by.
    pub(super) fn guest_digest(&self) -> [u8; 32] {
        blake3::derive_key(GUEST, &self.0)
    }

    fn derived(&self) -> [u8; 32] {
        blake3::derive_key(CONTEXT, &self.0)
    }
}

fn random() -> Result<[u8; 32], Refusal> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Refusal::fault("the system gives no random numbers", &error))?;
    Ok(bytes)
}

fn xor(one: &[u8; 32], other: &[u8; 32]) -> [u8; 32] {
    std::array::from_fn(|at| one[at] ^ other[at])
}

fn hex(bytes: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*bytes).to_hex().to_string()
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    blake3::Hash::from_hex(text).ok().map(|hash| *hash.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_knows_its_own_tokens_and_no_other() {
        let (one, other) = (Secret::random().unwrap(), Secret::random().unwrap());
        let (first, second) = (one.form_token().unwrap(), one.form_token().unwrap());
        assert_ne!(first, second);
        assert!(one.made(&first) && one.made(&second));
        assert!(!other.made(&first));
        for wrong in ["", "0", &first[..127], &format!("{first}0"), &"é".repeat(64), &"0".repeat(128)] {
            assert!(!one.made(wrong), "{wrong}");
        }
    }
}
