//! Rendering: from a call and a reader to a piece of HTML, within its time.
//!
//! A kept fragment that is not there is made by a task of its own, once for all who wait; it
//! may take [`LONGEST`], also when no page waits any longer, because the next one gets it.
//! What is not kept has the time of its budget.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::{Timestamp, Unit};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use tokio::task;
use tokio::time::{error::Elapsed, timeout_at};

use super::built_in;
use super::call::Call;
use super::kept::{Key, Piece, Whom};
use super::pace::{self, Bounded};
use super::query;
use super::source::{Asked, Source};
use crate::edge::live_release::LiveRelease;
use crate::edge::node::Edge;
use crate::edge::refusal::Refusal;
use crate::edge::session::Reader;
use crate::site::audience::Standing;
use crate::site::fragment::Scope;

/// How long a fragment that is kept may take.
const LONGEST: Duration = Duration::from_secs(2);

/// How many templates are rendered at once; more wait within their time. A few, because they
/// compute: more threads would only take the cores from each other, and from the pages.
static PLACES: Semaphore = Semaphore::const_new(8);

/// Why a fragment does not come.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotRendered {
    #[error("it is not for this reader")]
    NotForThem,
    #[error("it took longer than its time")]
    TooSlow,
    #[error("it took longer than its time a moment ago, and is left alone")]
    Paused,
    #[error("{0}")]
    Template(Box<handlebars::RenderError>),
    #[error("its data could not be found: {0:?}")]
    Data(Refusal),
    #[error("rendering it panicked")]
    Panicked,
}

impl From<Elapsed> for NotRendered {
    fn from(_: Elapsed) -> Self {
        Self::TooSlow
    }
}

/// A call, by whom, answered from which release.
#[derive(Clone)]
pub(super) struct Order {
    pub(super) edge: Edge,
    pub(super) release: Arc<LiveRelease>,
    pub(super) call: Arc<Call>,
    /// Nobody, where the fragment is the same for everyone.
    pub(super) reader: Option<Arc<Reader>>,
}

impl Order {
    fn key(&self) -> Key {
        let whom = match (&self.reader, self.call.known.declaration.cache.scope) {
            (_, Scope::Everyone) => Whom::Everyone,
            (Some(reader), Scope::Reader) => reader.member().map_or(Whom::Visitor, |member| Whom::Member(member.id)),
            (None, Scope::Reader) => Whom::Visitor,
        };
        Key { call: self.call.digest, whom }
    }

    /// The piece, within the budget of the fragment, which began at `begun`.
    pub(super) async fn piece(self, begun: Instant) -> Result<Arc<Piece>, NotRendered> {
        let declaration = &self.call.known.declaration;
        // Before anything is looked for: what is kept for members is not looked at either.
        let standing = self.reader.as_ref().map_or(Standing::Visitor, |reader| reader.standing());
        if !declaration.audience.admits(&standing) {
            return Err(NotRendered::NotForThem);
        }
        let end = begun + declaration.budget;
        if declaration.cache.kept.is_zero() {
            return self.make(end).await.map(Arc::new);
        }
        let key = self.key();
        if let Some(piece) = self.edge.pieces().fresh(&key) {
            return Ok(piece);
        }
        // Not ours: when this page no longer waits, another may.
        let making = tokio::spawn(async move {
            let (edge, last) = (self.edge.clone(), Instant::now() + LONGEST);
            // What is made ends by itself; this ends the wait for others who make it.
            let longest_wait = (last + LONGEST).into();
            timeout_at(longest_wait, edge.pieces().find_or_make(key, self.make(last))).await?
        });
        timeout_at(end.into(), making).await?.map_err(|_| NotRendered::Panicked)?
    }

    async fn make(&self, end: Instant) -> Result<Piece, NotRendered> {
        let known = &self.call.known;
        if known.pause.lasts() {
            return Err(NotRendered::Paused);
        }
        let result = self.make_now(end).await;
        if matches!(result, Err(NotRendered::TooSlow)) {
            known.pause.begin();
        }
        result
    }

    async fn make_now(&self, end: Instant) -> Result<Piece, NotRendered> {
        let begun = self.edge.pieces().begin();
        let asked = Asked {
            edge: self.edge.clone(),
            release: self.release.clone(),
            parameters: self.call.arguments.values.clone(),
            reader: self.reader.clone(),
        };
        let name = self.call.known.name.as_str();
        let found = match own_source(&self.edge, name).or_else(|| built_in::source(name)) {
            Some(source) => timeout_at(end.into(), source.find(&asked)).await?.map_err(NotRendered::Data)?,
            None => timeout_at(end.into(), query::found(&asked, &self.call.known)).await?.map_err(NotRendered::Data)?,
        };
        let reads = found.everything_read();
        let data = self.data(found.values);
        let place = timeout_at(end.into(), PLACES.acquire()).await?.map_err(|_| NotRendered::TooSlow)?;
        let (release, call) = (self.release.clone(), self.call.clone());
        let rendering = task::spawn_blocking(move || {
            // Held until the thread is free, though nobody may wait for it any longer.
            let _place = place;
            pace::until(end, || {
                let mut html = Bounded::default();
                release.templates.render_to(&call.known.template, &data, &mut html).map(|()| html.0)
            })
        });
        let rendered = timeout_at(end.into(), rendering).await?.map_err(|_| NotRendered::Panicked)?;
        let html = rendered.map_err(|error| match Instant::now() >= end {
            true => NotRendered::TooSlow,
            false => NotRendered::Template(Box::new(error)),
        })?;
        let piece = Piece::new(Bytes::from(html.trim_ascii().to_vec()), reads);
        Ok(piece.kept(begun, self.call.known.declaration.cache.kept))
    }

    /// What the template sees: what its source has found, and what every fragment is told.
    fn data(&self, mut data: Map<String, Value>) -> Value {
        let site = &self.release.site;
        let now = Timestamp::now().round(Unit::Second).unwrap_or_default();
        data.insert("now".to_owned(), now.to_string().into());
        data.insert(
            "site".to_owned(),
            json!({ "title": site.title, "base_url": site.base_url, "language": site.language }),
        );
        data.insert("parameters".to_owned(), self.call.arguments.values.clone().into());
        // What is kept for everyone must not hold anybody's name: the template cannot have it.
        if self.call.known.declaration.cache.scope == Scope::Reader {
            let member = self.reader.as_ref().and_then(|reader| reader.member());
            let name = member.map_or("", |member| member.name.as_str());
            data.insert("reader".to_owned(), json!({ "signed_in": member.is_some(), "name": name }));
        }
        data.into()
    }
}

/// The source that who runs the edge in another program has given it.
fn own_source<'e>(edge: &'e Edge, name: &str) -> Option<&'e dyn Source> {
    let own = &edge.options().fragments;
    own.iter().find(|(of, _)| *of == name).map(|(_, source)| source.as_ref())
}
