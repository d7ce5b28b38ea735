//! What goes wrong with a request to the API, as an answer that a program can read.

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, HeaderValue, WWW_AUTHENTICATE};
use serde_json::json;

use super::with_json;
use crate::edge::headers::NO_STORE;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::store::{QueryFault, StoreError};

/// When one may ask again for what is not ready.
pub(super) const SOON: Duration = crate::edge::data_page::ready::SOON;

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
    /// The body is no JSON.
    Media,
    /// A row is there that must not be.
    IsThere,
    /// There is no such row.
    NoRow,
    /// Rows of this table are made elsewhere.
    NotMade,
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

    /// What to say of a question or deed that failed; `what` is for the log.
    pub(super) fn of_store(what: &str, error: &StoreError) -> Self {
        match error.query_fault() {
            QueryFault::NotNow => {
                tracing::warn!("{what}: {error}");
                Refusal::Unavailable(SOON).into()
            }
            QueryFault::Value => Self::invalid("A value in the request is none that the table can hold or look for."),
            QueryFault::Tables => {
                tracing::warn!("{what}: the table is another than it was: {error}");
                Refusal::Unavailable(SOON).into()
            }
            QueryFault::Ours => {
                tracing::error!(%error, "{what}: a request to the API failed");
                Refusal::Fault.into()
            }
        }
    }

    pub(super) fn into_response(self) -> Response {
        let (status, error, message) = match &self {
            Self::Refused(refusal) => {
                let mut response = with_json(refusal.status(), refusal.json().to_string());
                refusal.mark(&mut response);
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
            Self::Media => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The body is to be JSON",
                "Send it with `Content-Type: application/json`.",
            ),
            Self::IsThere => {
                (StatusCode::PRECONDITION_FAILED, "There is such a row", "It was to be made only if there was none.")
            }
            Self::NoRow => (StatusCode::NOT_FOUND, "There is no such row", "It was removed, or never was."),
            Self::NotMade => (
                StatusCode::FORBIDDEN,
                "Rows cannot be made here",
                "Their keys are none that the store gives, and none that may be set.",
            ),
            Self::Gone => (
                StatusCode::GONE,
                "These changes are not kept any more",
                "Or this number was never reached. Read the rows anew, and follow the changes from now on.",
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
