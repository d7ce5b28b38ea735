//! Who asks, and what they may: a bearer token (RFC 6750) against the scopes that it was made
//! with.
//!
//! Decided by the name of a table before anybody looks whether there is one.

use hyper::header::AUTHORIZATION;
use jiff::Timestamp;

use super::Call;
use super::problem::{Problem, SOON};
use crate::edge::live_release::LiveRelease;
use crate::edge::refusal::Refusal;
use crate::site::api::{Readers, Right, Scope};
use crate::site::table::TableName;
use crate::store::ApiToken;

/// Who asks.
pub(super) enum Caller {
    /// Somebody without a token.
    Anybody,
    /// Whoever has a token with these scopes.
    Holder(Vec<Scope>),
}

/// Who sent the request. A token that is shown must be good, even where none is wanted: who
/// sends one believes to be known.
pub(super) async fn caller(call: &Call) -> Result<Caller, Problem> {
    let mut shown = call.headers.get_all(AUTHORIZATION).iter();
    let Some(header) = shown.next() else { return Ok(Caller::Anybody) };
    if shown.next().is_some() {
        return Err(Problem::BadToken);
    }
    let text = header.to_str().map_err(|_| Problem::BadToken)?;
    let (scheme, token) = text.split_once(' ').ok_or(Problem::BadToken)?;
    let token = ApiToken::parse(token.trim()).filter(|_| scheme.eq_ignore_ascii_case("bearer"));
    let token = token.ok_or(Problem::BadToken)?;
    let store = call.edge.store().ok_or(Refusal::Unavailable(SOON))?;
    let now = Timestamp::now();
    let known = store.token(&token, now).await.map_err(|error| Problem::of_store("a token", &error))?;
    let known = known.ok_or(Problem::BadToken)?;
    if known.was_unseen(now) {
        let store = store.clone();
        // Nobody who reads waits for a writer.
        tokio::spawn(async move {
            if let Err(error) = store.see_token(&token, now).await {
                tracing::debug!(%error, "that a token was used could not be noted");
            }
        });
    }
    Ok(Caller::Holder(known.scopes))
}

impl Caller {
    /// Whether they have shown a token.
    pub(super) fn is_known(&self) -> bool {
        matches!(self, Self::Holder(_))
    }

    /// Refuses when they may not.
    pub(super) fn may(&self, release: &LiveRelease, table: &TableName, right: Right) -> Result<(), Problem> {
        let is_for_everyone = right == Right::Read
            && release.api_tables().any(|(name, _, api)| name == table && api.read == Readers::Everyone);
        match self {
            _ if is_for_everyone => Ok(()),
            Self::Anybody => Err(Problem::NoToken),
            Self::Holder(scopes) if scopes.iter().any(|scope| scope.allows(table, right)) => Ok(()),
            Self::Holder(_) => Err(Problem::NotAllowed),
        }
    }
}
