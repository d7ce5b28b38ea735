//! Asking for letters, and confirming an address.

use bytes::Bytes;
use hyper::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{chosen, opened, topics};
use crate::edge::mail::compose;
use crate::edge::node::Edge;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Form, Origin, Query, Reader, Visit, see_other, too_many};
use crate::site::form::TRAP;
use crate::site::newsletter::Newsletter;
use crate::store::{Allowance, Attempt, EmailAddress, LEAVE, Wish};

const ASK_FROM_HERE: Allowance = Allowance {
    what: "ask for the newsletter from a network",
    free: 20,
    first_wait: SignedDuration::from_secs(10),
    longest_wait: SignedDuration::from_mins(10),
    forget_after: SignedDuration::from_hours(1),
};
/// Each try is a letter into somebody's mailbox, who may not have asked for it.
const ASK_FOR_ADDRESS: Allowance = Allowance {
    what: "ask for the newsletter at an address",
    free: 3,
    first_wait: SignedDuration::from_mins(5),
    longest_wait: SignedDuration::from_hours(12),
    forget_after: SignedDuration::from_hours(24),
};
/// What may be said, by the word in `?done=`.
const SAID: [(&str, &str); 2] = [
    ("asked", "Look into your mailbox: there is a letter with a link to go on."),
    ("confirmed", "Your address is confirmed. From now on the letters come to you."),
];

/// `GET /newsletter`
pub(super) async fn show(edge: Edge, reader: Reader, query: Query) -> Result<Response, Refusal> {
    let newsletter = opened(&edge)?;
    let said = SAID.iter().find(|(done, _)| *done == query.get("done")).map(|(_, said)| *said);
    let email = reader.member().map_or("", |member| member.email.as_str());
    let data = json!({ "said": said, "error": null, "email": email, "topics": topics(&newsletter, |_| true) });
    reader.form_page("newsletter/form", "Newsletter", data)
}

fn again(
    reader: &Reader,
    newsletter: &Newsletter,
    form: &Form,
    error: &str,
    status: StatusCode,
) -> Result<Response, Refusal> {
    let wanted = chosen(newsletter, form);
    let data = json!({
        "said": null,
        "error": error,
        "email": form.get("email"),
        "topics": topics(newsletter, |name| wanted.iter().any(|known| known == name)),
    });
    let mut response = reader.form_page("newsletter/form", "Newsletter", data)?;
    *response.status_mut() = status;
    Ok(response)
}

/// `POST /newsletter`
pub(super) async fn ask(edge: Edge, visit: Visit, headers: HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    let newsletter = opened(&edge)?;
    let form = Form::parse(&headers, &body)?;
    let reader = &visit.reader;
    if visit.origin != Origin::ThisSite && !reader.knows(form.get("csrf")) {
        let words = "Your browser did not say that this came from a page of this site. Please send it from here.";
        return again(reader, &newsletter, &form, words, StatusCode::FORBIDDEN);
    }
    let Ok(email) = EmailAddress::parse(form.get("email")) else {
        let words = "Please give an e-mail address, such as ann@example.org.";
        return again(reader, &newsletter, &form, words, StatusCode::UNPROCESSABLE_ENTITY);
    };
    if !form.get(TRAP).is_empty() {
        let words = "A field that people do not see was filled in, perhaps by your browser. Please send it once more.";
        return again(reader, &newsletter, &form, words, StatusCode::UNPROCESSABLE_ENTITY);
    }
    wish(&edge, reader, &newsletter, email, chosen(&newsletter, &form)).await?;
    Ok(see_other("/newsletter?done=asked"))
}

/// Writes to `email`, whoever has asked.
pub(in crate::edge) async fn wish(
    edge: &Edge,
    reader: &Reader,
    newsletter: &Newsletter,
    email: EmailAddress,
    topics: Vec<String>,
) -> Result<(), Refusal> {
    let store = edge.opened_store().await?;
    let now = Timestamp::now();
    let attempts =
        vec![Attempt::new(ASK_FROM_HERE, &reader.neighbourhood()), Attempt::new(ASK_FOR_ADDRESS, &email.key())];
    store.admit(attempts, now).await?.map_err(too_many)?;
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| Refusal::fault("the system gives no random numbers", &error))?;
    let secret = blake3::Hash::from_bytes(secret).to_hex();
    let (release, url) = (edge.release(), reader.site_url());
    let data = json!({ "url": format!("{url}newsletter/confirm?token={secret}"), "days": newsletter.confirm_days });
    let to_confirm = compose(&release, "newsletter-confirm", &email, url, data).await?;
    let data = json!({ "url": format!("{url}newsletter/leave?token={LEAVE}") });
    let is_there = compose(&release, "newsletter-known", &email, url, data).await?;
    let wish = Wish {
        email,
        topics,
        confirm: digest(&secret),
        good_for: SignedDuration::from_hours(24 * i64::from(newsletter.confirm_days)),
        to_confirm,
        is_there,
    };
    store.wish_for_letters(wish, now).await?;
    edge.outbox_filled();
    Ok(())
}

/// What the store knows of a secret in a link.
fn digest(secret: &str) -> [u8; 32] {
    blake3::derive_key("littoral 2026 confirming the address of a subscriber", secret.as_bytes())
}

/// `GET /newsletter/confirm`
pub(super) async fn show_confirm(edge: Edge, reader: Reader, query: Query) -> Result<Response, Refusal> {
    opened(&edge)?;
    let token = query.get("token");
    if !edge.opened_store().await?.can_confirm(digest(token), Timestamp::now()).await? {
        return Err(out_of_date());
    }
    reader.form_page("newsletter/confirm", "Confirm your address", json!({ "token": token }))
}

/// `POST /newsletter/confirm`
pub(super) async fn confirm(edge: Edge, _: Reader, form: Form) -> Result<Response, Refusal> {
    opened(&edge)?;
    let store = edge.opened_store().await?;
    if !store.confirm_subscriber(digest(form.get("token")), Timestamp::now()).await? {
        return Err(out_of_date());
    }
    Ok(see_other("/newsletter?done=confirmed"))
}

fn out_of_date() -> Refusal {
    Refusal::Invalid(
        "This link is out of date, or there is a newer one. Ask for the newsletter again, and another comes.".into(),
    )
}
