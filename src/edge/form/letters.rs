//! The letters that tell of an answer: to whom the form says, with what was answered.
//!
//! Who wrote is in `Reply-To`, never in `From`: we may not send in their name.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::edge::live_release::LiveRelease;
use crate::edge::mail;
use crate::edge::refusal::Refusal;
use crate::edge::session::Reader;
use crate::site::form::{Answer, Form, in_words};
use crate::store::{EmailAddress, FormFile, Letter};

/// One for each who is told.
pub(super) async fn letters(
    release: &Arc<LiveRelease>,
    form: &Form,
    reader: &Reader,
    answers: &[(String, Answer)],
    files: &[FormFile],
) -> Result<Vec<Letter>, Refusal> {
    let Some(mail_to) = &form.mail else { return Ok(Vec::new()) };
    let value = |name: &str| answers.iter().find(|(field, _)| field == name).map(|(_, answer)| answer.json());
    let label = |name: &str| form.field(name).map_or_else(|| name.to_owned(), |field| field.label.clone());
    let fields: Vec<Value> = answers
        .iter()
        .filter(|(_, answer)| *answer != Answer::File)
        .map(|(name, answer)| json!({ "label": label(name), "value": in_words(&answer.json()) }))
        .collect();
    let files: Vec<Value> = files
        .iter()
        .map(|file| json!({ "label": label(&file.field), "name": file.name, "length": file.length }))
        .collect();
    let data = json!({ "form": { "name": form.name, "title": form.title }, "fields": fields, "files": files });
    let reply_to = mail_to.reply_to.as_deref().and_then(value);
    let reply_to = reply_to.as_ref().and_then(Value::as_str).and_then(|text| EmailAddress::parse(text).ok());
    let mut letters = Vec::with_capacity(mail_to.to.len());
    for to in mail_to.to.iter().filter_map(|to| EmailAddress::parse(to).ok()) {
        let mut letter = mail::compose(release, "form-answer", &to, reader.site_url(), data.clone()).await?;
        letter.headers.extend(reply_to.iter().map(|address| ("Reply-To".to_owned(), address.to_string())));
        letters.push(letter);
    }
    Ok(letters)
}
