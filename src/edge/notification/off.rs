//! "No more of these", by the link in a letter.

use bytes::Bytes;
use hyper::HeaderMap;
use serde_json::json;
use warp::Reply;

use super::described;
use crate::edge::node::Edge;
use crate::edge::page::Page;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Form, Query, Reader, Sessions, Visit, fields_of};
use crate::store::{NoticeKind, OffToken};

fn unknown() -> Refusal {
    Refusal::Invalid("This link is of no account: it was cut on its way, or the account is deleted.".into())
}

/// What a token is for, in words.
fn what(token: &OffToken) -> &'static str {
    match (NoticeKind::parse(token.parcel()), token.parcel()) {
        (Some(kind), _) => described(kind).0,
        (None, "daily") => "The daily digest",
        (None, _) => "The weekly digest",
    }
}

/// `GET /notifications/off`
pub(super) async fn ask(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    let token = OffToken::parse(query.get("token")).ok_or_else(unknown)?;
    if !sessions.store().is_off_token(&token).await? {
        return Err(unknown());
    }
    let data = json!({ "token": token.text(), "what": what(&token) });
    Ok(reader.dress(Page::new("notification/off", "No more of these letters?", data)).into_response())
}

/// `POST /notifications/off`
///
/// Mail programs send no cookie, and the token in the address (RFC 8058 §3.2); the button of
/// the page sends it in its form. Whoever has it may do this, so there is nothing to forge.
pub(super) async fn switch_off(
    edge: Edge,
    visit: Visit,
    query: String,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let form = Form::parse(&headers, &body)?;
    let in_address = fields_of(&query).unwrap_or_default();
    let in_address = in_address.iter().find(|(name, _)| name == "token").map_or("", |(_, token)| token.as_str());
    let token = if in_address.is_empty() { form.get("token") } else { in_address };
    let token = OffToken::parse(token).ok_or_else(unknown)?;
    let store = edge.accounts().ok_or(Refusal::NotFound)?;
    if !store.switch_off(&token).await? {
        return Err(unknown());
    }
    let words = format!(
        "{}: no more letters come. You still find it all at your notifications, where you can choose anew.",
        what(&token)
    );
    Ok(visit.reader.dress(Page::notice("Switched off", words)).into_response())
}
