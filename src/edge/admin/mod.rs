//! The desk: what came by forms, who is a member, what is to be sent, and what was done.
//!
//! | route                                     | does                                    |
//! |---|---|
//! | `GET /admin`                              | lists the forms                         |
//! | `GET /admin/answers?form=NAME&before=...` | their answers, the newest first         |
//! | `GET /admin/answer?id=ID`                 | one answer                              |
//! | `GET /admin/file?id=ID`                   | a file that came with it, to be saved   |
//! | `GET, POST /admin/forget`                 | asks, and forgets an answer             |
//! | `GET /admin/members`, `/admin/member`     | lists members, and shows one            |
//! | `POST /admin/member`                      | changes one                             |
//! | `GET, POST /admin/mail`                   | what waits to be sent; tries again      |
//! | `GET /admin/events`                       | security events of all                  |
//! | `GET /admin/audit`                        | what was done here, and by whom         |
//!
//! Forms are for editors, everything else is for administrators. To everybody else these pages
//! are not there; who is not signed in is sent to sign in first, as at `/account`. Comments have a
//! room of their own (`comment`), for moderators.
//!
//! What visitors sent is shown as text, and a file is handed out to be saved, never shown:
//! its bytes are a stranger's.

mod mail;
mod members;
mod watched;

use hyper::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use serde_json::{Map, Value, json};
use warp::Filter;
use warp::filters::BoxedFilter;

use super::account::minute;
use super::form::Uploads;
use super::refusal::Refusal;
use super::room::{self, Response};
use super::session::{For, Form as Sent, Query, Reader, Sessions, route, see_other};
use crate::edge::node::Edge;
use crate::site::audience::Role;
use crate::site::form::{Field, Form, Kind, in_words};
use crate::store::{AnswerPlace, COUNTED, FormAnswer, FormFile, Member};

/// How many answers a page lists.
const LISTED: usize = 50;
/// How much of an answer a list shows, in characters.
const SHOWN: usize = 120;

/// The routes of this room.
pub(super) fn routes(edge: Edge) -> BoxedFilter<(Response,)> {
    Sessions::of(&edge).map_or_else(room::nothing, with_sessions)
}

fn with_sessions(sessions: Sessions) -> BoxedFilter<(Response,)> {
    let s = || sessions.clone();
    let forget = warp::path!("admin" / "forget");
    warp::path!("admin")
        .and(room::get())
        .and(route(s(), For::Members, forms))
        .or(warp::path!("admin" / "answers").and(room::get()).and(route(s(), For::Members, answers)))
        .unify()
        .or(warp::path!("admin" / "answer").and(room::get()).and(route(s(), For::Members, answer)))
        .unify()
        .or(warp::path!("admin" / "file").and(room::get()).and(route(s(), For::Members, file)))
        .unify()
        .or(forget.and(room::get()).and(route(s(), For::Members, ask_to_forget)))
        .unify()
        .or(forget.and(room::post()).and(route(s(), For::Members, forget_answer)))
        .unify()
        .boxed()
        .or(of_administrators(&sessions))
        .unify()
        .boxed()
}

fn of_administrators(sessions: &Sessions) -> BoxedFilter<(Response,)> {
    let s = || sessions.clone();
    let (member, mail) = (warp::path!("admin" / "member"), warp::path!("admin" / "mail"));
    warp::path!("admin" / "members")
        .and(room::get())
        .and(route(s(), For::Members, members::list))
        .or(member.and(room::get()).and(route(s(), For::Members, members::show)))
        .unify()
        .or(member.and(room::post()).and(route(s(), For::Members, members::change)))
        .unify()
        .or(mail.and(room::get()).and(route(s(), For::Members, mail::list)))
        .unify()
        .or(mail.and(room::post()).and(route(s(), For::Members, mail::change)))
        .unify()
        .or(warp::path!("admin" / "events").and(room::get()).and(route(s(), For::Members, watched::events)))
        .unify()
        .or(warp::path!("admin" / "audit").and(room::get()).and(route(s(), For::Members, watched::audit)))
        .unify()
        .boxed()
}

/// To everybody else these pages are not there.
fn must_be_editor(reader: &Reader) -> Result<(), Refusal> {
    must_be(reader, Role::Editor).map(drop)
}

/// The same for those of administrators.
fn must_be_admin(reader: &Reader) -> Result<&Member, Refusal> {
    must_be(reader, Role::Admin)
}

fn must_be(reader: &Reader, role: Role) -> Result<&Member, Refusal> {
    let member = reader.must_be_member()?;
    if member.role >= role { Ok(member) } else { Err(Refusal::NotFound) }
}

/// What leads from each page of the desk to the others, for a template.
fn desk(reader: &Reader, here: &str) -> Value {
    const PAGES: [(&str, &str, Role); 6] = [
        ("/admin", "Forms", Role::Editor),
        ("/admin/comments", "Comments", Role::Moderator),
        ("/admin/members", "Members", Role::Admin),
        ("/admin/mail", "Mail", Role::Admin),
        ("/admin/events", "Security", Role::Admin),
        ("/admin/audit", "Audit", Role::Admin),
    ];
    let role = reader.member().map_or(Role::Member, |member| member.role);
    let pages = PAGES.iter().filter(|(.., least)| role >= *least);
    pages.map(|(url, name, _)| json!({ "url": url, "name": name, "is_this": *url == here })).collect()
}

/// `GET /admin`
async fn forms(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    must_be_editor(&reader)?;
    let release = sessions.edge().release();
    let mut names: Vec<String> = release.forms.keys().cloned().collect();
    // Those that the site has no more, and people had answered.
    names.extend(sessions.store().forms_with_answers().await?);
    names.sort();
    names.dedup();
    let mut listed = Vec::with_capacity(names.len());
    for name in names {
        let known = sessions.store().count_answers(&name).await?;
        let declared = release.forms.get(&name);
        listed.push(json!({
            "name": name,
            "title": declared.map(|form| &form.title),
            "is_declared": declared.is_some(),
            "count": if known.count >= COUNTED { format!("{COUNTED} or more") } else { known.count.to_string() },
            "newest": known.newest.map(minute),
        }));
    }
    let said = (query.get("done") == "forgotten").then_some("The answer and its files are forgotten.");
    let data = json!({ "forms": listed, "said": said, "desk": desk(&reader, "/admin") });
    reader.form_page("admin/forms", "Forms", data)
}

/// `GET /admin/answers`
async fn answers(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    must_be_editor(&reader)?;
    let name = query.get("form");
    let place = match query.get("before") {
        "" => AnswerPlace::NEWEST,
        text => place(text).ok_or(Refusal::Invalid("There is no such place in the list.".into()))?,
    };
    let release = sessions.edge().release();
    let declared = release.forms.get(name);
    // One more tells whether there is a next page.
    let mut found = sessions.store().answers(name, place, None, LISTED + 1).await?;
    if found.is_empty() && declared.is_none() {
        return Err(Refusal::NotFound);
    }
    let has_more = found.len() > LISTED;
    found.truncate(LISTED);
    let last = found.last().filter(|_| has_more).map(AnswerPlace::of);
    let listed: Vec<Value> = found
        .iter()
        .map(
            |answer| json!({ "id": answer.id, "received": minute(answer.received_at), "beginning": beginning(answer) }),
        )
        .collect();
    let title = declared.map_or(name, |form| &form.title).to_owned();
    let data = json!({
        "name": name,
        "title": title,
        "answers": listed,
        "is_first": place == AnswerPlace::NEWEST,
        "next": last.map(|place| format!("{}.{}", place.received_at, place.id)),
    });
    reader.form_page("admin/answers", &title, data)
}

fn place(text: &str) -> Option<AnswerPlace> {
    let (received_at, id) = text.split_once('.')?;
    Some(AnswerPlace { received_at: received_at.parse().ok()?, id: id.parse().ok()? })
}

/// What tells one answer of a list from another: its first texts.
fn beginning(answer: &FormAnswer) -> String {
    let values: Map<String, Value> = serde_json::from_str(&answer.answers).unwrap_or_default();
    let mut text = String::new();
    for value in values.values().map(in_words).filter(|value| !value.is_empty()) {
        if !text.is_empty() {
            text.push_str(" · ");
        }
        text.push_str(&value);
        if let Some((cut, _)) = text.char_indices().nth(SHOWN) {
            text.truncate(cut);
            text.push('…');
            break;
        }
    }
    text.replace('\n', " ")
}

/// The answer that a query or a form names, with its files.
async fn named(sessions: &Sessions, id: &str) -> Result<(FormAnswer, Vec<FormFile>), Refusal> {
    let id = id.parse().map_err(|_| Refusal::NotFound)?;
    sessions.store().answer(id).await?.ok_or(Refusal::NotFound)
}

/// `GET /admin/answer`
async fn answer(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    must_be_editor(&reader)?;
    let found = named(&sessions, query.get("id")).await?;
    reader.form_page("admin/answer", "One answer", shown(&sessions, &found))
}

/// `GET /admin/forget`
async fn ask_to_forget(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    must_be_editor(&reader)?;
    let found = named(&sessions, query.get("id")).await?;
    reader.form_page("admin/forget", "Forget this answer?", shown(&sessions, &found))
}

/// `POST /admin/forget`
async fn forget_answer(sessions: Sessions, reader: Reader, form: Sent) -> Result<Response, Refusal> {
    must_be_editor(&reader)?;
    let id = form.get("id").parse().map_err(|_| Refusal::NotFound)?;
    let files = sessions.store().forget_answer(id).await?.ok_or(Refusal::NotFound)?;
    let uploads = Uploads::of(sessions.edge().root());
    for file in &files {
        if let Err(error) = uploads.remove(file).await {
            tracing::error!(%error, file = %uploads.path(file).display(), "a forgotten file could not be removed");
        }
    }
    Ok(see_other("/admin?done=forgotten"))
}

/// An answer for a template: fields in the order of the form, then those that it has no more.
fn shown(sessions: &Sessions, (answer, files): &(FormAnswer, Vec<FormFile>)) -> Value {
    let release = sessions.edge().release();
    let declared: Option<&Form> = release.forms.get(&answer.form);
    let values: Map<String, Value> = serde_json::from_str(&answer.answers).unwrap_or_default();
    let label = |name: &str| declared.and_then(|form| form.field(name)).map_or(name, |field| &field.label).to_owned();
    let is_file = |field: &Field| matches!(field.kind, Kind::File { .. });
    let in_order = declared.into_iter().flat_map(|form| &form.fields).filter(|field| !is_file(field));
    let known = in_order.filter(|field| values.contains_key(&field.name)).map(|field| field.name.as_str());
    let others =
        values.keys().map(String::as_str).filter(|name| declared.is_none_or(|form| form.field(name).is_none()));
    let fields: Vec<Value> = known
        .chain(others)
        .map(|name| json!({ "label": label(name), "value": values.get(name).map(in_words) }))
        .collect();
    let files: Vec<Value> = files
        .iter()
        .map(|file| {
            let name = if file.name.is_empty() { "without a name" } else { &file.name };
            json!({ "id": file.id, "label": label(&file.field), "name": name, "media": file.media, "length": file.length })
        })
        .collect();
    json!({
        "id": answer.id,
        "form": answer.form,
        "title": declared.map_or(&answer.form, |form| &form.title),
        "received": minute(answer.received_at),
        "fields": fields,
        "files": files,
    })
}

/// `GET /admin/file`
async fn file(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    must_be_editor(&reader)?;
    let id = query.get("id").parse().map_err(|_| Refusal::NotFound)?;
    let file = sessions.store().form_file(id).await?.ok_or(Refusal::NotFound)?;
    let path = Uploads::of(sessions.edge().root()).path(&file);
    // At most `edge.upload_mib`, and for administrators only: it may be held whole.
    let bytes = tokio::fs::read(&path).await.map_err(|error| Refusal::fault("a kept file cannot be read", &error))?;
    let mut response = Response::new(bytes.into());
    let headers = response.headers_mut();
    let charset = if file.media.starts_with("text/") { "; charset=utf-8" } else { "" };
    let media = HeaderValue::from_str(&format!("{}{charset}", file.media));
    let media = media.unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_TYPE, media);
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox"),
    );
    // RFC 6266 §4.3, RFC 8187: every byte that is more than a letter or a figure is encoded.
    let name = percent_encoding::utf8_percent_encode(&file.name, percent_encoding::NON_ALPHANUMERIC);
    let to_be_saved = HeaderValue::from_str(&format!("attachment; filename*=UTF-8''{name}"));
    headers.insert(CONTENT_DISPOSITION, to_be_saved.unwrap_or(HeaderValue::from_static("attachment")));
    Ok(response)
}
