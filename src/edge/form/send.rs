//! Taking an answer: looked at, counted, kept once.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::again::{self, Why};
use super::letters::letters;
use super::received::{Brought, Received, from_pairs};
use super::uploads::{Upload, Uploads};
use super::{can_be_taken, declared};
use crate::edge::node::Edge;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Origin, Reader, Visit, see_other};
use crate::site::form::{Answer, Filled, Form, Given, Kind, SentFile, TOKEN, TRAP, check};
use crate::site::permalink::encode_path;
use crate::store::{Allowance, Attempt, Cell, Destination, FormFile, Kept, NewAnswer, StoreError};

/// What one network may send: enough for a class in one room.
const SEND: Allowance = Allowance {
    what: "send a form from a network",
    free: 50,
    first_wait: SignedDuration::from_secs(10),
    longest_wait: SignedDuration::from_mins(10),
    forget_after: SignedDuration::from_hours(1),
};

/// `POST /form/NAME`
pub(super) async fn send(
    name: String,
    edge: Edge,
    visit: Visit,
    brought: Option<Brought>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let form = declared(&edge, &name)?;
    let mut received = match brought.and_then(|brought| brought.take()) {
        Some(received) => received,
        None => from_pairs(&visit.media, &body)?,
    };
    let (answers, filled) = look_at(&form, &received);
    let again = |why| again::page(&visit.reader, &form, filled.clone(), &why);
    let token = received.texts.iter().find(|(name, _)| name == TOKEN).map_or("", |(_, token)| token);
    if visit.origin != Origin::ThisSite && !visit.reader.knows(token) {
        return again(Why::UnknownOrigin);
    }
    if !filled.faults.is_empty() || !filled.whole.is_empty() {
        return again(Why::Faults);
    }
    if can_be_taken(&edge, &form).await.is_err() {
        return again(Why::Closed);
    }
    match keep(&edge, &form, &visit.reader, &answers, &mut received.files).await {
        Ok(()) => Ok(see_other(&thanks(&form))),
        Err(Trouble::TooMany(wait)) => again(Why::TooMany(wait)),
        Err(Trouble::Disk(error)) => {
            tracing::error!(%error, form = form.name, "a file that came by a form could not be kept");
            again(Why::NotKept)
        }
        Err(Trouble::Letter(_)) => again(Why::NotKept),
        Err(Trouble::Store(error)) => {
            tracing::error!(%error, form = form.name, "an answer could not be kept");
            again(Why::NotKept)
        }
    }
}

fn thanks(form: &Form) -> String {
    form.thanks_page.as_deref().map_or_else(|| format!("{}/thanks", form.action()), encode_path)
}

/// Why an answer is not kept.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("too many")]
    TooMany(SignedDuration),
    #[error(transparent)]
    Disk(#[from] std::io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It has been told.
    #[error("a letter could not be written")]
    Letter(Refusal),
}

/// Field → the value that it takes, in the order of the form.
type Answers = Vec<(String, Answer)>;

/// Checks everything, and keeps what was typed for the case that it is shown again.
fn look_at(form: &Form, received: &Received) -> (Answers, Filled) {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, text) in &received.texts {
        texts.entry(name.clone()).or_default().push(text.clone());
    }
    let mut filled = Filled::default();
    if texts.remove(TRAP).is_some_and(|trapped| trapped.iter().any(|text| !text.is_empty())) {
        filled.whole.push(
            "A field that people do not see was filled in, perhaps by your browser. It is empty again: please send \
             the form once more."
                .to_owned(),
        );
    }
    texts.remove(TOKEN);
    let names = texts.keys().chain(received.files.iter().map(|(name, _)| name));
    if names.clone().any(|name| form.field(name).is_none()) {
        filled
            .whole
            .push("This form has changed since you opened it. Please look it over, and send it again.".to_owned());
    }
    let mut answers = Answers::new();
    for field in &form.fields {
        let mut files = received.files.iter().filter(|(name, _)| *name == field.name).map(|(_, upload)| upload);
        let accept = match &field.kind {
            Kind::File { accept, .. } => accept.as_slice(),
            _ => &[],
        };
        let file: Option<SentFile> = files.next().map(|upload| upload.sent(accept));
        if let Some(file) = &file {
            filled.files.insert(field.name.clone(), file.name.clone());
        }
        let given = match (&file, texts.get(&field.name)) {
            (Some(file), None) => Given::File(file),
            (_, Some(texts)) => Given::Texts(texts),
            (None, None) => Given::Nothing,
        };
        match check(field, given) {
            // Two files for one field, of which one would be lost without a word.
            Ok(_) if files.next().is_some() => {
                filled.faults.insert(field.name.clone(), "Please choose one file.".to_owned());
            }
            Ok(answer) => answers.push((field.name.clone(), answer)),
            Err(fault) => drop(filled.faults.insert(field.name.clone(), fault.words)),
        }
    }
    filled.texts = texts;
    (answers, filled)
}

async fn keep(
    edge: &Edge,
    form: &Form,
    reader: &Reader,
    answers: &Answers,
    files: &mut [(String, Upload)],
) -> Result<(), Trouble> {
    let Some(store) = edge.store() else { return Err(StoreError::Closed.into()) };
    let now = Timestamp::now();
    let attempts = vec![Attempt::new(SEND, &reader.neighbourhood())];
    store.admit(attempts, now).await?.map_err(Trouble::TooMany)?;
    let json = in_json(answers);
    let once = once(form, reader, &json, files);
    let uploads = Uploads::of(edge.root());
    let mut kept = Vec::new();
    for (field, upload) in files {
        let Some(Kind::File { accept, .. }) = form.field(field).map(|field| &field.kind) else { continue };
        let sent = upload.sent(accept);
        let file = FormFile {
            id: FormFile::new_id(),
            field: field.clone(),
            digest: upload.digest.clone(),
            name: sent.name,
            media: sent.media.unwrap_or_default(),
            length: i64::try_from(sent.length).unwrap_or(i64::MAX),
        };
        if let Err(error) = upload.keep(&uploads, file.id).await {
            remove(&uploads, &kept).await;
            return Err(error.into());
        }
        kept.push(file);
    }
    let letters = match letters(&edge.release(), form, reader, answers, &kept).await {
        Ok(letters) => letters,
        Err(refusal) => {
            remove(&uploads, &kept).await;
            return Err(Trouble::Letter(refusal));
        }
    };
    let new = NewAnswer {
        form: form.name.clone(),
        answers: json,
        once,
        files: kept.clone(),
        destination: destination(form, answers),
        webhook: form.webhook.clone(),
        letters,
        subscriptions: edge.release().subscriptions.clone(),
    };
    let table = new.destination.as_ref().map(|destination| destination.table.clone());
    let done = store.keep_answer(new, now).await;
    if let (Ok(Kept::Now(_)), Some(table)) = (&done, &table) {
        edge.changed(table);
    }
    edge.outbox_filled();
    // The answer that is kept has files of its own, or there is none.
    if !matches!(done, Ok(Kept::Now(_))) {
        remove(&uploads, &kept).await;
    }
    Ok(done.map(drop)?)
}

async fn remove(uploads: &Uploads, files: &[FormFile]) {
    for file in files {
        if let Err(error) = uploads.remove(file).await {
            tracing::warn!(%error, "a file that nobody needs could not be removed");
        }
    }
}

fn in_json(answers: &Answers) -> String {
    let without_files = answers.iter().filter(|(_, answer)| *answer != Answer::File);
    let object: Map<String, Value> = without_files.map(|(name, answer)| (name.clone(), answer.json())).collect();
    Value::Object(object).to_string()
}

/// Of content and visitor: the same twice within a short time is a second click.
fn once(form: &Form, reader: &Reader, json: &str, files: &[(String, Upload)]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let mut add = |part: &str| {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    };
    let (network, agent) = (reader.neighbourhood(), reader.agent());
    [form.name.as_str(), &network, agent, json].into_iter().for_each(&mut add);
    for (field, upload) in files {
        add(field);
        add(&upload.digest);
    }
    *hasher.finalize().as_bytes()
}

/// The row for the site's own table.
fn destination(form: &Form, answers: &Answers) -> Option<Destination> {
    let goes_to = form.goes_to.as_ref()?;
    let cell = |field: &String| match answers.iter().find(|(name, _)| name == field).map(|(_, answer)| answer) {
        Some(Answer::Text(text)) => Cell::Text(text.clone()),
        Some(Answer::Number(number)) => Cell::Real(*number),
        Some(Answer::Integer(number)) => Cell::Integer(*number),
        Some(Answer::Yes(yes)) => Cell::Integer(i64::from(*yes)),
        // A JSON list: an option may hold any sign that could stand between two.
        Some(all @ Answer::Choices(_)) => Cell::Text(all.json().to_string()),
        Some(Answer::Nothing | Answer::File) | None => Cell::Null,
    };
    let cells = goes_to.columns.iter().map(|(column, field)| (column.clone(), cell(field))).collect();
    Some(Destination { table: goes_to.table.clone(), cells })
}
