//! Leaving: an account is deleted some days after its owner has asked for that, and until then
//! they can think better of it by signing in.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::forms::Errors;
use super::letter::{self, Token};
use super::manage::{Confirmed, account_page, confirmed, day};
use super::sign_in::{enter, no_link, without_traces};
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Form, Reader, Sessions, see_other};
use crate::store::{EmailAddress, Proof};

/// `POST /account/delete`
pub(super) async fn delete(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let member = reader.must_be_member()?;
    if let Confirmed::No(words) = confirmed(&sessions, &reader, &form).await? {
        let errors = Errors::one("delete_password", &format!("{words} Nothing was deleted."));
        return account_page(&sessions, &reader, errors, None).await;
    }
    let release = sessions.edge().release();
    let days = release.site.edge.deletion_days;
    if days == 0 {
        sessions.store().delete_member(member.id, Timestamp::now()).await?;
        return Ok(without_traces(&reader, see_other("/login?done=deleted")));
    }
    let now = Timestamp::now();
    let until = now + SignedDuration::from_hours(24 * i64::from(days));
    let own =
        EmailAddress::parse(&member.email).map_err(|error| Refusal::fault("a member's address is none", &error))?;
    let data = json!({ "until": day(until), "link": format!("{}login", reader.site_url()) });
    let told = letter::must_go((&release, &reader), "leaving", &own, data).await?;
    sessions.store().leave(member.id, until, told, reader.seen_as(), now).await?;
    sessions.edge().outbox_filled();
    Ok(without_traces(&reader, see_other("/login?done=leaving")))
}

/// `POST /account/stay`
pub(super) async fn stay(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    match Token::parse(form.get("token")) {
        Some(token) => enter(&sessions, &reader, Proof::Stay(token.digest()), None).await,
        None => Ok(no_link(&reader)),
    }
}
