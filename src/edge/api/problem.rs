//! What goes wrong with a request to the API, as an answer that a program can read.

use hyper::StatusCode;
use hyper::header::{ALLOW, CACHE_CONTROL, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::json;

use super::with_json;
use crate::edge::headers::NO_STORE;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::site::digest::Digest;

/// Why a request is not answered.
#[derive(Debug)]
pub(super) enum Problem {
    /// As elsewhere.
    Refused(Refusal),
    /// A token is wanted, and none was shown (RFC 6750 §3).
    NoToken,
    /// The token that was shown is none, or over.
    BadToken,
    /// The token does not allow it.
    NotAllowed,
    /// What is asked for is not kept any more.
    Gone,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Problem {
    pub(super) fn invalid(words: impl Into<String>) -> Self {
        Self::Refused(Refusal::Invalid(words.into().into()))
    }

    pub(super) fn into_response(self) -> Response {
        let (status, error, message) = match &self {
            Self::Refused(refusal) => {
                let mut response = with_json(refusal.status(), refusal.json().to_string());
                let headers = response.headers_mut();
                headers.insert(CACHE_CONTROL, NO_STORE);
                if let Refusal::MethodNotAllowed(methods) = refusal {
                    headers.insert(ALLOW, HeaderValue::from_static(methods));
                }
                if let Some(seconds) = refusal.retry_after() {
                    headers.insert(RETRY_AFTER, seconds.into());
                }
                return response;
            }
            Self::NoToken => (
                StatusCode::UNAUTHORIZED,
                "A token is wanted",
                "Send `Authorization: Bearer TOKEN`; `littoral token new` makes one.",
            ),
            Self::BadToken => {
                (StatusCode::UNAUTHORIZED, "This token is not known", "It was revoked, is over, or never was.")
            }
            Self::NotAllowed => (
                StatusCode::FORBIDDEN,
                "This token does not allow that",
                "There is no such table, or the token has another scope.",
            ),
            Self::Gone => (
                StatusCode::GONE,
                "These changes are not kept any more",
                "Read the rows anew, and follow the changes from now on.",
            ),
        };
        let body = json!({ "error": error, "message": message, "status": status.as_u16() });
        let mut response = with_json(status, body.to_string());
        response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
        let challenge = match self {
            Self::NoToken => Some("Bearer realm=\"api\""),
            Self::BadToken => Some("Bearer realm=\"api\", error=\"invalid_token\""),
            Self::NotAllowed => Some("Bearer realm=\"api\", error=\"insufficient_scope\""),
            _ => None,
        };
        if let Some(challenge) = challenge {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

/// The version of a text.
pub(super) fn digest(text: &str) -> String {
    let digest = Digest::of(text.as_bytes()).hex();
    digest.get(..32).unwrap_or(&digest).to_owned()
}
