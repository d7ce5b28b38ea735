//! Refusals: why a request is not answered as asked, and the one place where that becomes
//! a status and words.
//!
//! People get a page in the site's dress; machines, under `/_/`, get JSON. Our own faults
//! go to the log with their cause; the reader is told that they are ours, and no more.

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{ALLOW, CACHE_CONTROL, HeaderValue, RETRY_AFTER};
use serde_json::{Value, json};
use warp::Reply;

use super::headers::NO_STORE;
use super::page::Page;
use super::room::Response;

/// Why a request is not answered as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not a request that makes sense; the words say why.
    BadRequest(Cow<'static, str>),
    /// One must log in first.
    Unauthorized,
    /// One may not, also when logged in.
    Forbidden(Cow<'static, str>),
    /// Nothing is there.
    NotFound,
    /// Something is there, for other methods: the value of `Allow`.
    MethodNotAllowed(&'static str),
    /// The request did not arrive in time.
    TimedOut,
    /// Somebody else has changed it since.
    Conflict(Cow<'static, str>),
    /// `If-Match` names another version than there is (RFC 9110 §13.1.1).
    PreconditionFailed,
    /// The body is too long.
    TooLarge,
    /// The address is too long.
    TargetTooLong,
    /// The body is not of a kind that is understood.
    UnsupportedMedia,
    /// A value in it cannot be accepted; the words name it.
    Invalid(Cow<'static, str>),
    /// Too often; may be tried again after this time.
    TooMany(Duration),
    /// Not now; may be tried again after this time.
    Unavailable(Duration),
    /// Our own fault. Make it with [`Refusal::fault`], which logs it.
    Fault,
}

impl Refusal {
    /// Our own fault: `what` failed because of `cause`. Both go to the log, neither to the
    /// reader.
    pub fn fault(what: &'static str, cause: &dyn Error) -> Self {
        tracing::error!(%cause, "{what}");
        Self::Fault
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::TimedOut => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::UnsupportedMedia => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Fault => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What it is called.
    fn title(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "This request makes no sense",
            Self::Unauthorized => "Please log in",
            Self::Forbidden(_) => "This is not for you",
            Self::NotFound => "There is no such page",
            Self::MethodNotAllowed(_) => "This page cannot do that",
            Self::TimedOut => "This took too long",
            Self::Conflict(_) => "Somebody was faster",
            Self::PreconditionFailed => "This has changed",
            Self::TooLarge => "This is too much",
            Self::TargetTooLong => "This address is too long",
            Self::UnsupportedMedia => "This is of a kind that is not understood",
            Self::Invalid(_) => "This cannot be accepted",
            Self::TooMany(_) => "Please wait a moment",
            Self::Unavailable(_) => "Please try again in a moment",
            Self::Fault => "Something went wrong here",
        }
    }

    /// What one can do about it.
    fn message(&self) -> &str {
        match self {
            Self::BadRequest(words) | Self::Forbidden(words) | Self::Conflict(words) | Self::Invalid(words) => words,
            Self::Unauthorized => "This page is for those who have logged in.",
            Self::NotFound => "Nothing is at this address. It may have moved, or never have been.",
            Self::MethodNotAllowed(_) => "This address exists, but takes other kinds of requests.",
            Self::TimedOut => "The request did not arrive in time. Please send it again.",
            Self::PreconditionFailed => "It is not the version that you have seen. Please load it again.",
            Self::TooLarge => "What was sent is longer than is taken here.",
            Self::TargetTooLong => "No page of this site has an address that long.",
            Self::UnsupportedMedia => "What was sent has a content type that is not taken here.",
            Self::TooMany(_) => "There were too many requests in a short time.",
            Self::Unavailable(_) => "This cannot be answered just now.",
            Self::Fault => "It is not your fault. It has been noted.",
        }
    }

    /// As a page; `search`: words to search for instead.
    pub(super) fn page(&self, search: Option<String>) -> Page {
        let title = self.title();
        let data =
            json!({ "title": title, "message": self.message(), "search": search, "status": self.status().as_u16() });
        Page::new("refusal/page", title, data).with_status(self.status())
    }

    /// As JSON.
    pub(super) fn json(&self) -> Value {
        json!({ "error": self.title(), "message": self.message(), "status": self.status().as_u16() })
    }

    /// Gives the answer that tells of it its status, and the headers that go with that.
    pub(super) fn mark<B>(&self, response: &mut hyper::Response<B>) {
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, NO_STORE);
        if let Self::MethodNotAllowed(methods) = self {
            headers.insert(ALLOW, HeaderValue::from_static(methods));
        }
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, seconds.into());
        }
    }

    /// Seconds for `Retry-After`, rounded up.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany(time) | Self::Unavailable(time) => Some(time.as_secs() + u64::from(time.subsec_nanos() > 0)),
            _ => None,
        }
    }
}

impl Reply for Refusal {
    /// Carries the refusal to `respond`.
    fn into_response(self) -> Response {
        let mut response = Response::default();
        *response.status_mut() = self.status();
        response.extensions_mut().insert(self);
        response
    }
}
