//! Leaving, and choosing topics, by the link that is in each letter.

use bytes::Bytes;
use hyper::HeaderMap;
use jiff::Timestamp;
use serde_json::json;
use warp::Reply;

use super::{chosen, opened, topics};
use crate::edge::node::Edge;
use crate::edge::page::Page;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Form, Query, Reader, Visit, fields_of, see_other};
use crate::store::{LeaveToken, Store, Subscribed};

async fn found(store: &Store, token: &str) -> Result<(LeaveToken, Subscribed), Refusal> {
    let token = LeaveToken::parse(token).ok_or_else(unknown)?;
    let found = store.subscription(&token).await?.ok_or_else(unknown)?;
    Ok((token, found))
}

fn unknown() -> Refusal {
    Refusal::Invalid("This link is of no subscription: it was cut on its way, or the address was forgotten.".into())
}

/// `GET /newsletter/leave`
pub(super) async fn show(edge: Edge, reader: Reader, query: Query) -> Result<Response, Refusal> {
    let newsletter = opened(&edge)?;
    let (token, found) = found(&edge.opened_store().await?, query.get("token")).await?;
    let data = json!({
        "token": token.text(),
        "email": found.email,
        "is_subscribed": found.is_subscribed,
        "said": (query.get("done") == "topics").then_some("Your choice is kept."),
        "topics": topics(&newsletter, |name| found.topics.iter().any(|known| known == name)),
    });
    Ok(reader.dress(Page::new("newsletter/leave", "Your newsletter", data)).into_response())
}

/// `POST /newsletter/leave`
///
/// A mail program sends no cookie and `List-Unsubscribe=One-Click`, to the address with the
/// token in it (RFC 8058 §3.2); the button of the page sends the token in its form. The
/// newsletter need not be open any more: who wants to leave can.
pub(super) async fn leave(
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
    let token = LeaveToken::parse(token).ok_or_else(unknown)?;
    if !edge.opened_store().await?.leave_newsletter(&token, Timestamp::now()).await? {
        return Err(unknown());
    }
    let page = Page::notice("You have left", "No more letters come to you. You can subscribe again whenever you like.");
    Ok(visit.reader.dress(page).into_response())
}

/// `POST /newsletter/topics`
pub(super) async fn choose(edge: Edge, _: Visit, headers: HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    let newsletter = opened(&edge)?;
    let form = Form::parse(&headers, &body)?;
    let token = LeaveToken::parse(form.get("token")).ok_or_else(unknown)?;
    if !edge.opened_store().await?.choose_topics(&token, &chosen(&newsletter, &form)).await? {
        return Err(unknown());
    }
    Ok(see_other(&format!("/newsletter/leave?token={}&done=topics", token.text())))
}
