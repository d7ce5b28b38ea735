//! What was sent, read as it comes: texts into memory within a limit, files to the disk.
//!
//! A form with files is read here, before any room sees the request, because its body may be
//! longer than what is held in memory. Whatever a file is called, and whatever its sender
//! says that it is, plays no part in where it is put. One that is too long is read to its
//! end and thrown away, so that the rest of the form is not lost with it.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::{HeaderMap, Method};
use multer::{Constraints, Multipart, SizeLimit};
use tokio::time::timeout;

use super::uploads::{Arriving, Upload, Uploads};
use crate::edge::live_release::LiveRelease;
use crate::edge::node::Edge;
use crate::edge::options::Limits;
use crate::edge::refusal::Refusal;
use crate::edge::session::pairs;
use crate::site::form::{Form, Kind};
use crate::site::reserved::FORM;

/// How many parts or fields may be sent: every option of a long choice, and room.
const PARTS: usize = 1_000;
/// What is read, and thrown away, of a form whose files are too long, so that it can be said
/// beside the field: 64 MiB. A longer one is cut.
const READ_AWAY: u64 = 64 * 1024 * 1024;
/// How long the name of a field or a file may be, in bytes.
const NAME: usize = 255;

/// What was sent.
#[derive(Debug, Default)]
pub(super) struct Received {
    /// Field and text, in order.
    pub(super) texts: Vec<(String, String)>,
    /// Field and file, in order.
    pub(super) files: Vec<(String, Upload)>,
}

/// Carries what was received to the room. Taken once.
#[derive(Clone, Debug)]
pub(in crate::edge) struct Brought(Arc<Mutex<Option<Received>>>);

impl Brought {
    pub(super) fn take(&self) -> Option<Received> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The form that a request with files is for.
pub(in crate::edge) fn addressed<'r>(
    release: &'r LiveRelease,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Option<&'r Form> {
    let name = path.strip_prefix(FORM)?.strip_prefix('/').filter(|_| *method == Method::POST)?;
    let form = release.forms.get(name)?;
    (essence(headers) == "multipart/form-data").then_some(form)
}

/// The media type of a body, without its parameters.
pub(super) fn essence(headers: &HeaderMap) -> String {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Reads a form with files.
pub(in crate::edge) async fn receive(
    edge: &Edge,
    form: &Form,
    headers: &HeaderMap,
    body: Incoming,
) -> Result<Brought, Refusal> {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(media).map_err(|_| broken())?;
    let limits = &edge.options().limits;
    let most = most_bytes(form, limits);
    let constraints = Constraints::new().size_limit(SizeLimit::new().whole_stream(most));
    let parts = Multipart::with_constraints(body.into_data_stream(), boundary, constraints);
    // As many times as long as another body, as it may be longer than one.
    let times = u32::try_from(form.file_bytes() / limits.body_bytes.max(1) as u64).unwrap_or(u32::MAX);
    let patience = limits.body.saturating_mul(times.saturating_add(1));
    let received = timeout(patience, read(form, limits, &Uploads::of(edge.root()), parts)).await;
    let received = received.map_err(|_| Refusal::TimedOut)??;
    Ok(Brought(Arc::new(Mutex::new(Some(received)))))
}

fn most_bytes(form: &Form, limits: &Limits) -> u64 {
    let texts = limits.body_bytes as u64;
    match form.file_bytes() {
        0 => texts,
        files => texts.saturating_add(files.max(READ_AWAY)),
    }
}

async fn read(
    form: &Form,
    limits: &Limits,
    uploads: &Uploads,
    mut parts: Multipart<'static>,
) -> Result<Received, Refusal> {
    let mut received = Received::default();
    let mut left = limits.body_bytes;
    while let Some(mut part) = parts.next_field().await.map_err(refused)? {
        let name = part.name().filter(|name| is_clean(name, NAME)).ok_or_else(broken)?.to_owned();
        if received.texts.len() + received.files.len() >= PARTS {
            return Err(broken());
        }
        let Some(file_name) = part.file_name().map(str::to_owned) else {
            let mut text = Vec::new();
            while let Some(chunk) = part.chunk().await.map_err(refused)? {
                left = left.checked_sub(chunk.len()).ok_or(Refusal::TooLarge)?;
                text.extend_from_slice(&chunk);
            }
            let text = String::from_utf8(text).ok().filter(|text| !text.contains('\0')).ok_or_else(broken)?;
            received.texts.push((name, text));
            continue;
        };
        // A second file for one field, and one for a field that wants none, go nowhere.
        let is_second = received.files.iter().any(|(known, _)| *known == name);
        let most = match form.field(&name).map(|field| &field.kind) {
            Some(Kind::File { max_bytes, .. }) if !is_second => *max_bytes,
            _ => 0,
        };
        let mut arriving = Arriving::new(uploads, &file_name, most);
        while let Some(chunk) = part.chunk().await.map_err(refused)? {
            arriving.take(&chunk).await.map_err(|error| Refusal::fault("an upload could not be written", &error))?;
        }
        // The field was left empty: browsers send a part with no name and no bytes.
        if let Some(upload) =
            arriving.done().await.map_err(|error| Refusal::fault("an upload could not be written", &error))?
        {
            received.files.push((name, upload));
        }
    }
    Ok(received)
}

/// What a form without files has sent.
pub(super) fn from_pairs(headers_media: &str, body: &Bytes) -> Result<Received, Refusal> {
    if headers_media != "application/x-www-form-urlencoded" {
        return Err(Refusal::UnsupportedMedia);
    }
    let texts = pairs(body, PARTS).filter(|texts| texts.iter().all(|(name, _)| is_clean(name, NAME)));
    Ok(Received { texts: texts.ok_or_else(broken)?, files: Vec::new() })
}

fn is_clean(name: &str, most: usize) -> bool {
    (1..=most).contains(&name.len()) && !name.contains(char::is_control)
}

fn refused(error: multer::Error) -> Refusal {
    match error {
        multer::Error::StreamSizeExceeded { .. } | multer::Error::FieldSizeExceeded { .. } => Refusal::TooLarge,
        _ => broken(),
    }
}

fn broken() -> Refusal {
    Refusal::BadRequest("The form was not sent as a browser sends one.".into())
}
