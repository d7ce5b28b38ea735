//! Posting one message, and what the answer means.
//!
//! | answer | means |
//! |---|---|
//! | 2xx | it is delivered; the rest of the answer is not read |
//! | 410 | nobody will take it: it is given up |
//! | 429, 503 with `Retry-After` | it is tried again, not before that |
//! | anything else, redirects too, or none | it is tried again |
//!
//! A redirect is not followed: whoever could answer with one would decide where signed
//! messages go. No proxy is looked for.

use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;

use super::secret::Keys;
use crate::store::Claimed;

/// How long a connection is kept for the next message.
const KEPT_OPEN: Duration = Duration::from_secs(30);
/// How much of an answer is kept, for whoever looks why it failed.
const SHOWN: usize = 300;
/// How long we wait for that.
const SHOWN_WITHIN: Duration = Duration::from_secs(1);
const AGENT: &str = concat!("Littoral/", env!("CARGO_PKG_VERSION"));

/// A client, with the connections that it keeps. A clone is another handle on the same one.
#[derive(Clone)]
pub(super) struct Client(legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

/// What became of a post.
#[derive(Debug)]
pub(super) enum Outcome {
    Delivered,
    /// The receiver wants no more of it.
    Gone(String),
    Failed {
        why: String,
        /// Before this time the receiver does not want to hear of it again.
        not_before: Option<Timestamp>,
    },
}

impl Client {
    /// A client that believes the authorities of the web, and those in the PEM file that
    /// `SSL_CERT_FILE` names.
    pub(super) fn new(variables: fn(&str) -> Option<String>) -> Result<Self, rustls::Error> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
        if let Some(file) = variables("SSL_CERT_FILE") {
            match CertificateDer::pem_file_iter(&file).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
                Ok(more) => drop(roots.add_parsable_certificates(more)),
                Err(error) => tracing::error!(%error, file, "the authorities in SSL_CERT_FILE cannot be read"),
            }
        }
        let provider = rustls::crypto::ring::default_provider();
        let config = ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        let https =
            HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().wrap_connector(http);
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(KEPT_OPEN)
            .build(https);
        Ok(Self(client))
    }

    /// Posts `message` to `url`, within `patience`.
    pub(super) async fn post(&self, url: &str, keys: &Keys, message: &Claimed, patience: Duration) -> Outcome {
        let id = message.id.to_string();
        // Of this try: a receiver refuses what is too old.
        let seconds = Timestamp::now().as_second();
        let request = Request::post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, AGENT)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", keys.sign(&id, seconds, &message.payload))
            .header("webhook-id", id)
            .body(Full::new(Bytes::from(message.payload.clone())));
        let failed = |why| Outcome::Failed { why, not_before: None };
        let request = match request {
            Ok(request) => request,
            // The build has read it; the rules of another version may differ.
            Err(error) => return failed(format!("`url` cannot be used: {error}")),
        };
        let answer = match timeout(patience, self.0.request(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return failed(whole(&error)),
            Err(_) => return failed(format!("no answer within {patience:?}")),
        };
        let status = answer.status();
        if status.is_success() {
            return Outcome::Delivered;
        }
        let not_before = retry_after(status, answer.headers(), Timestamp::now());
        let mut why = format!("answered {status}");
        if status.is_redirection() {
            why.push_str(", and redirects are not followed: put the new address into `url`");
        }
        let said = said(answer.into_body()).await;
        // Many say again what they refuse; that may be about people, and is nothing for a log.
        let said = if repeats(&said, &message.payload) { String::new() } else { said };
        if !said.is_empty() {
            let _ = write!(why, ": {said}");
        }
        if status == StatusCode::GONE { Outcome::Gone(why) } else { Outcome::Failed { why, not_before } }
    }
}

/// The error and its causes: hyper's own say only where it happened.
fn whole(error: &legacy::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let _ = write!(said, ": {next}");
        cause = next.source();
    }
    said
}

/// Whether a longer run of `said` stands in what was sent.
fn repeats(said: &str, sent: &str) -> bool {
    said.as_bytes().windows(16).step_by(4).any(|run| memchr::memmem::find(sent.as_bytes(), run).is_some())
}

/// The beginning of an answer, on one line.
async fn said(mut body: hyper::body::Incoming) -> String {
    let mut bytes = Vec::new();
    let reading = async {
        while bytes.len() < SHOWN
            && let Some(Ok(frame)) = body.frame().await
        {
            if let Ok(data) = frame.into_data() {
                bytes.extend_from_slice(&data[..data.len().min(SHOWN)]);
            }
        }
    };
    // What has come by then.
    let _ = timeout(SHOWN_WITHIN, reading).await;
    bytes.truncate(SHOWN);
    String::from_utf8_lossy(&bytes).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// From when on a receiver wants to hear of it again (RFC 9110 §10.2.3): seconds or a date.
fn retry_after(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    if ![StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&status) {
        return None;
    }
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return now.checked_add(SignedDuration::from_secs(seconds.into())).ok();
    }
    jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(status: u16, value: &'static str) -> Option<String> {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
        let now: Timestamp = "2026-05-01T12:00:00Z".parse().unwrap();
        retry_after(StatusCode::from_u16(status).unwrap(), &headers, now).map(|time| time.to_string())
    }

    #[test]
    fn a_receiver_says_when_it_wants_to_hear_again() {
        assert_eq!(asked(429, "90").as_deref(), Some("2026-05-01T12:01:30Z"));
        assert_eq!(asked(503, "Fri, 01 May 2026 13:00:00 GMT").as_deref(), Some("2026-05-01T13:00:00Z"));
        for (status, value) in [(500, "90"), (429, "soon"), (429, "-1"), (429, "99999999999"), (429, "")] {
            assert_eq!(asked(status, value), None, "{status} {value}");
        }
    }
}
