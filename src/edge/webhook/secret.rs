//! Secrets of webhooks, and what is signed with them.
//!
//! A secret is read from where the configuration says, each time that something is sent. It
//! is `whsec_` and base64 of 24 to 64 bytes, as Standard Webhooks has it. There may be
//! several, one behind the other: each signs, so that a receiver can go from one to the next
//! in its own time. No error, log or `Debug` shows any of it.

use std::fmt;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::site::webhook::{PREFIX, Webhook};

/// Bytes of a secret: 192 to 512 bits.
const LENGTH: std::ops::RangeInclusive<usize> = 24..=64;
/// How many may stand one behind the other.
const MOST: usize = 4;

/// What signs.
#[derive(Clone)]
pub(super) struct Keys(Arc<[Hmac<Sha256>]>);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(..)")
    }
}

impl Keys {
    /// Those of `hook`, in the site in `root`. What is wrong is said without the secret.
    pub(super) async fn of(root: &Path, hook: &Webhook, variables: fn(&str) -> Option<String>) -> Result<Self, String> {
        let (place, text) = match (&hook.secret_env, &hook.secret_file) {
            (Some(name), _) => {
                let text = variables(name).ok_or_else(|| {
                    format!("the variable {name}, where its secret should be, is not set; {}", how_to_make_one())
                })?;
                (format!("the variable {name}"), text)
            }
            (None, Some(file)) => {
                let path = root.join(file);
                let text = tokio::fs::read_to_string(&path).await.map_err(|error| {
                    format!("its secret cannot be read from {}: {error}; {}", path.display(), how_to_make_one())
                })?;
                (path.display().to_string(), text)
            }
            (None, None) => return Err("it has no secret".to_owned()),
        };
        Self::parse(&text).map_err(|why| format!("{place} holds no secret: {why}; {}", how_to_make_one()))
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        let keys: Vec<_> = text.split_whitespace().map(key).collect::<Result<_, _>>()?;
        match keys.len() {
            0 => Err("it is empty"),
            1..=MOST => Ok(Self(keys.into())),
            _ => Err("more than four stand there"),
        }
    }

    /// The value of `webhook-signature`: a version and a signature for each key, with a space
    /// between them.
    pub(super) fn sign(&self, id: &str, seconds: i64, body: &str) -> String {
        let mut header = String::new();
        for key in self.0.iter() {
            let mut signing = key.clone();
            signing.update(format!("{id}.{seconds}.").as_bytes());
            signing.update(body.as_bytes());
            let between = if header.is_empty() { "" } else { " " };
            let _ = write!(header, "{between}v1,{}", BASE64.encode(signing.finalize().into_bytes()));
        }
        header
    }
}

fn key(text: &str) -> Result<Hmac<Sha256>, &'static str> {
    let encoded = text.strip_prefix(PREFIX).ok_or("expected `whsec_` at its beginning")?;
    let bytes = BASE64.decode(encoded).map_err(|_| "expected base64 behind `whsec_`")?;
    if !LENGTH.contains(&bytes.len()) {
        return Err("expected 24 to 64 bytes in base64");
    }
    Hmac::new_from_slice(&bytes).map_err(|_| "it cannot be used")
}

fn how_to_make_one() -> &'static str {
    "`echo whsec_$(openssl rand -base64 32)` makes one"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification, and of its libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        let keys = Keys::parse(SECRET).unwrap();
        let signature = keys.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn two_secrets_sign_both() {
        let two = Keys::parse(&format!("{SECRET}\nwhsec_{}\n", BASE64.encode([7; 32]))).unwrap();
        let signature = two.sign("1", 2, "{}");
        let (first, second) = signature.split_once(' ').unwrap();
        assert_eq!(first, Keys::parse(SECRET).unwrap().sign("1", 2, "{}"));
        assert!(second.starts_with("v1,") && second != first);
    }

    #[test]
    fn what_is_no_secret_is_refused_and_never_shown() {
        let long = format!("whsec_{}", BASE64.encode([1; 65]));
        let many = [SECRET; 5].join(" ");
        for wrong in ["", " \n", "tides", "whsec_", "whsec_t!des", "whsec_dGlkZXM=", &long, &many] {
            let error = Keys::parse(wrong).unwrap_err();
            assert!(wrong.trim().is_empty() || !error.contains(wrong), "{error}");
        }
        assert_eq!(format!("{:?}", Keys::parse(SECRET).unwrap()), "Keys(..)");
    }
}
