//! Another address for an account: asked for here, agreed to in both mailboxes.

use jiff::Timestamp;
use serde_json::json;

use super::by_link::look;
use super::forms::Errors;
use super::letter::{self, MAILBOX_LIVES, Token, in_words};
use super::limits;
use super::manage::{Confirmed, account_page, confirmed, see_account};
use super::sign_in::no_link;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Form, Query, Reader, Sessions, see_other};
use crate::store::{AddressSaid, AskedAddress, EmailAddress, Purpose};

/// The page that the links lead to.
const AGREE: &str = "/account/address/agree";

/// `POST /account/address`
pub(super) async fn ask(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let member = reader.must_be_member()?;
    let again = |field, words| account_page(&sessions, &reader, Errors::one(field, words), None);
    let Ok(email) = EmailAddress::parse(form.get("new_email")) else {
        return again("new_email", "Please give an e-mail address, such as ann@example.org.").await;
    };
    if let Confirmed::No(words) = confirmed(&sessions, &reader, &form).await? {
        return again("address_password", words).await;
    }
    limits::letter(&sessions, &reader, &email).await?;
    let own =
        EmailAddress::parse(&member.email).map_err(|error| Refusal::fault("a member's address is none", &error))?;
    if own == email {
        return again("new_email", "This is your address already.").await;
    }
    let (old, new) = (Token::random()?, Token::random()?);
    let release = sessions.edge().release();
    let from = (&release, &reader);
    let link = |token: &Token, at: &str| token.link(reader.site_url(), &format!("{AGREE}?at={at}"));
    let data = |link: String| json!({ "link": link, "new": email.as_str(), "lives": in_words(MAILBOX_LIVES) });
    let asked = AskedAddress {
        member: member.id,
        old_link: old.digest(),
        new_link: new.digest(),
        lives: MAILBOX_LIVES,
        to_old: letter::must_go(from, "old-address", &own, data(link(&old, "old"))).await?,
        to_new: letter::must_go(from, "new-address", &email, data(link(&new, "new"))).await?,
        to_holder: letter::letter(from, "address-taken", &email, json!({})).await?,
        email,
    };
    sessions.store().ask_for_address(asked, reader.seen_as(), Timestamp::now()).await?;
    sessions.edge().outbox_filled();
    Ok(see_account("address-asked"))
}

/// `GET /account/address/agree`
pub(super) async fn show(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    let Some(purpose) = purpose(query.get("at")) else { return Ok(no_link(&reader)) };
    let Some((token, link)) = look(&sessions, purpose, query.get("token")).await? else {
        return Ok(no_link(&reader));
    };
    let data = json!({
        "at": query.get("at"),
        "token": token.text(),
        "new": link.email,
        // The new mailbox need not know the old address: it may have been given by mistake.
        "old": link.member.filter(|_| purpose == Purpose::OldAddress).map(|member| member.email),
    });
    reader.form_page("account/agree", "Change the address?", data)
}

/// `POST /account/address/agree`
pub(super) async fn agree(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let Some(purpose) = purpose(form.get("at")) else { return Ok(no_link(&reader)) };
    let Some((token, link)) = look(&sessions, purpose, form.get("token")).await? else {
        return Ok(no_link(&reader));
    };
    let Some(member) = link.member else { return Ok(no_link(&reader)) };
    let own =
        EmailAddress::parse(&member.email).map_err(|error| Refusal::fault("a member's address is none", &error))?;
    let release = sessions.edge().release();
    let told = letter::must_go((&release, &reader), "address-changed", &own, json!({ "new": link.email })).await?;
    let is_own = reader.member().is_some_and(|reader| reader.id == member.id);
    let kept = reader.session().filter(|_| is_own).map(|session| session.digest);
    let said = sessions
        .store()
        .agree_to_address(purpose, token.digest(), kept, told, reader.seen_as(), Timestamp::now())
        .await?;
    match said {
        AddressSaid::Changed => {
            sessions.edge().outbox_filled();
            Ok(if is_own { see_account("address") } else { see_other("/login?done=address") })
        }
        AddressSaid::OneMore => reader.form_page("account/one-more", "One more yes is needed", json!({})),
        AddressSaid::Taken => Err(Refusal::Conflict("The new address has an account of its own meanwhile.".into())),
        AddressSaid::NoLink => Ok(no_link(&reader)),
    }
}

fn purpose(at: &str) -> Option<Purpose> {
    match at {
        "old" => Some(Purpose::OldAddress),
        "new" => Some(Purpose::NewAddress),
        _ => None,
    }
}
