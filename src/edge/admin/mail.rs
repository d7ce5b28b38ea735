//! What is to be sent to others, at the desk: who waits, what was given up and why.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{desk, must_be_admin};
use crate::edge::account::minute;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Form, Query, Reader, Sessions, see_other};
use crate::store::{Letter, ListedMessage, MessagePlace, MessageState, Retry};

/// How many messages are shown: the command line lists all.
const SHOWN: usize = 50;

/// What may be said after a deed, by the word in `?done=`.
const SAID: [(&str, &str); 3] = [
    ("retry", "It is tried again within a few seconds."),
    ("not-needed", "It is being sent, or was delivered."),
    ("forget", "It is forgotten, and not sent."),
];

/// `GET /admin/mail`
pub(super) async fn list(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    must_be_admin(&reader)?;
    let found = sessions.store().messages(MessagePlace::default()).await?;
    let mut shown = Vec::new();
    // What was given up wants somebody; what waits goes by itself.
    let (given_up, waiting): (Vec<_>, Vec<_>) =
        found.iter().partition(|message| matches!(message.state, MessageState::GivenUp(_)));
    for message in given_up.into_iter().chain(waiting).take(SHOWN) {
        let text = sessions.store().message_text(message.id).await?;
        let letter = text.and_then(|text| serde_json::from_str::<Letter>(&text).ok());
        shown.push(described(message, letter));
    }
    let said = SAID.iter().find(|(done, _)| *done == query.get("done")).map(|(_, said)| *said);
    let data = json!({
        "desk": desk(&reader, "/admin/mail"), "said": said, "messages": shown, "has_more": found.len() > SHOWN,
    });
    reader.form_page("admin/mail", "What is to be sent", data)
}

fn described(message: &ListedMessage, letter: Option<Letter>) -> Value {
    let (state, at) = match message.state {
        MessageState::Waits(due) if message.tries == 0 => ("waits since", due),
        MessageState::Waits(due) => ("is tried again at", due),
        MessageState::IsSent(until) => ("is being sent, until", until),
        MessageState::GivenUp(at) => ("given up at", at),
    };
    json!({
        "id": message.id,
        "to": letter.as_ref().map_or(&message.address, |letter| &letter.to),
        "subject": letter.as_ref().map_or(&message.kind, |letter| &letter.subject),
        "state": state,
        "at": minute(at),
        "tries": message.tries,
        "error": message.last_error,
        "is_being_sent": matches!(message.state, MessageState::IsSent(_)),
    })
}

/// `POST /admin/mail`
pub(super) async fn change(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let by = must_be_admin(&reader)?.id;
    let id = form.get("id").parse().map_err(|_| Refusal::NotFound)?;
    let (store, now) = (sessions.store(), Timestamp::now());
    let done = match form.get("do") {
        "retry" => match store.retry_message_by(id, by, now).await? {
            Retry::Now => "retry",
            Retry::NotNeeded => "not-needed",
            Retry::NotThere => return Err(Refusal::NotFound),
        },
        "forget" if store.forget_message_by(id, by, now).await? => "forget",
        "forget" => return Err(Refusal::NotFound),
        _ => return Err(Refusal::Invalid("A message can be tried again and forgotten.".into())),
    };
    sessions.edge().outbox_filled();
    Ok(see_other(&format!("/admin/mail?done={done}")))
}
