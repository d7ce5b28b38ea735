//! Who asks, and what they may: a bearer token (RFC 6750) against the scopes that it was made
//! with.
//!
//! Decided by the name of a table before anybody looks whether there is one.

use hyper::header::AUTHORIZATION;
use jiff::Timestamp;

use super::Call;
use super::problem::Problem;
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
    let store = call.edge.store().ok_or(Refusal::Unavailable(super::rows::SOON))?;
    let known = store.use_token(&token, Timestamp::now()).await;
    let known = known.map_err(|error| Refusal::fault("a token could not be looked up", &error))?;
    known.map(|known| Caller::Holder(known.scopes)).ok_or(Problem::BadToken)
}

impl Caller {
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
