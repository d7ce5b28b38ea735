//! What a reader can do with a comment: like it, report it, change or take away their own.
//!
//! | route                      | does                                                 |
//! |---|---|
//! | `GET /comments/ID`         | leads to it                                          |
//! | `GET /comments/ID/choices` | shows it with a button for each thing                |
//! | `POST /comments/ID/like`   | likes it, or likes it no more                        |
//! | `POST /comments/ID/report` | asks a moderator to look at it                       |
//! | `GET, POST /comments/ID/edit` | its author changes it, for a time                 |
//! | `POST /comments/ID/delete` | its author takes it away                             |

use std::future::Future;

use bytes::Bytes;
use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use warp::Filter;
use warp::filters::BoxedFilter;

use super::page::{Commented, Known, encoded, id, is_by, is_moderator, settings};
use super::shown::{permalink, place_of, readable, shown};
use super::write::{changed, network, rules, said_at};
use super::{letters, text};
use crate::edge::node::Edge;
use crate::edge::refusal::Refusal;
use crate::edge::room::{self, Response};
use crate::edge::session::{
    For, Form, Head, OfEdge, Query, Reader, Sent, Sessions, handle, head, see_other, to_login, too_many,
};
use crate::site::comments::Comments;
use crate::store::{
    Allowance, Attempt, Author, Changed, Comment, CommentId, CommentOrder, CommentState, Liked, Reported,
};

/// How often somebody may like or report.
const REACT: Allowance = Allowance {
    what: "like or report comments",
    free: 60,
    first_wait: SignedDuration::from_secs(2),
    longest_wait: SignedDuration::from_mins(5),
    forget_after: SignedDuration::from_mins(30),
};
/// How much somebody may say with a report, in characters.
const WHY: usize = 300;

/// The edge, and the comment that the path names.
#[derive(Clone)]
struct Of {
    sessions: Sessions,
    id: CommentId,
}

impl OfEdge for Of {
    fn edge(&self) -> &Edge {
        self.sessions.edge()
    }
}

/// The routes of comments by number.
pub(super) fn routes(sessions: Sessions) -> BoxedFilter<(Response,)> {
    let named = |deed: &'static str| {
        warp::path("comments")
            .and(warp::path::param::<String>())
            .and(warp::path(deed))
            .and(warp::path::end())
            .and_then(|text: String| async move { id(&text).ok_or_else(warp::reject) })
    };
    let alone = warp::path("comments")
        .and(warp::path::param::<String>())
        .and(warp::path::end())
        .and_then(|text: String| async move { id(&text).ok_or_else(warp::reject) });
    let all: [BoxedFilter<(Response,)>; 7] = [
        to(sessions.clone(), alone.boxed(), Verb::Get, |of, reader, _: Query| permalink(of.sessions, reader, of.id)),
        to(sessions.clone(), named("choices").boxed(), Verb::Get, choices),
        to(sessions.clone(), named("like").boxed(), Verb::Post, like),
        to(sessions.clone(), named("report").boxed(), Verb::Post, report),
        to(sessions.clone(), named("edit").boxed(), Verb::Get, show_edit),
        to(sessions.clone(), named("edit").boxed(), Verb::Post, edit),
        to(sessions, named("delete").boxed(), Verb::Post, delete),
    ];
    all.into_iter().fold(room::nothing(), |before, next| before.or(next).unify().boxed())
}

#[derive(Clone, Copy)]
enum Verb {
    Get,
    Post,
}

/// A route of a handler for one comment.
fn to<S, H, F>(sessions: Sessions, named: BoxedFilter<(CommentId,)>, verb: Verb, handler: H) -> BoxedFilter<(Response,)>
where
    S: Sent + 'static,
    H: Fn(Of, Reader, S) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response, Refusal>> + Send + 'static,
{
    // The number is carried beside the request, because a route's handler is made before it comes.
    let method = match verb {
        Verb::Get => room::get().boxed(),
        Verb::Post => room::post().boxed(),
    };
    named
        .and(method)
        .and(head())
        .and(warp::body::bytes())
        .then(move |id: CommentId, head: Head, body: Bytes| {
            let (of, handler) = (Of { sessions: sessions.clone(), id }, handler.clone());
            async move { handle(of, For::Everybody, &head, &body, handler).await }
        })
        .map(room::answer)
        .boxed()
}

/// Whether the author may change a comment still.
fn can_be_changed(settings: &Comments, comment: &Comment, now: Timestamp) -> bool {
    comment.created_at >= since(settings, now)
}

fn since(settings: &Comments, now: Timestamp) -> Timestamp {
    now.checked_sub(SignedDuration::from_mins(i64::from(settings.edit_minutes))).unwrap_or(Timestamp::MIN)
}

/// The reader's own comment, shown or waiting; as it is not there for others.
async fn own(of: &Of, reader: &Reader) -> Result<(Comment, Author), Refusal> {
    let known = Known::of(&of.sessions, reader).await?;
    let author = known.author().ok_or(Refusal::NotFound)?;
    let comment = of.sessions.store().comment_of(of.id, &author).await?.ok_or(Refusal::NotFound)?;
    match comment.state {
        CommentState::Shown | CommentState::Waiting => Ok((comment, author)),
        _ => Err(Refusal::NotFound),
    }
}

/// A comment that can be read, or the reader's own that waits.
async fn seen(of: &Of, reader: &Reader) -> Result<(Comment, Commented), Refusal> {
    match readable(&of.sessions, reader, of.id).await {
        Err(Refusal::NotFound) => {
            let (comment, _) = own(of, reader).await?;
            let page = Commented::of(&of.sessions, reader, &encoded(&comment.page))?;
            Ok((comment, page))
        }
        other => other,
    }
}

async fn count(of: &Of, reader: &Reader) -> Result<(), Refusal> {
    let attempts = vec![Attempt::new(REACT, &reader.neighbourhood())];
    of.sessions.store().admit(attempts, Timestamp::now()).await?.map_err(too_many)
}

/// `GET /comments/ID/choices`
async fn choices(of: Of, reader: Reader, _: Query) -> Result<Response, Refusal> {
    let (comment, page) = seen(&of, &reader).await?;
    let (settings, now) = (settings(&of.sessions), Timestamp::now());
    let known = Known::of(&of.sessions, &reader).await?;
    let is_own = known.author().is_some_and(|author| is_by(&comment, &author));
    let likes = match reader.member() {
        Some(member) if !is_own => of.sessions.store().likes_comment(comment.id, member.id).await?,
        _ => false,
    };
    let here = format!("/comments/{}/choices", comment.id.number());
    let is_shown = comment.state == CommentState::Shown;
    let data = json!({
        "comment": shown(&comment, &settings, CommentOrder::Liked),
        "page_url": page.url(),
        "title": page.title,
        "is_waiting": !is_shown,
        "is_own": is_own,
        "can_like": is_shown && !is_own && reader.member().is_some(),
        "likes": likes,
        "can_change": is_own && can_be_changed(&settings, &comment, now),
        "edit_minutes": settings.edit_minutes,
        "can_report": is_shown && !is_own,
        "is_moderator": is_moderator(&reader),
        "is_signed_in": reader.member().is_some(),
        "login": format!("/login?next={}", encoded(&here)),
    });
    reader.form_page("comment/choices", &format!("A comment by {}", comment.name), data)
}

/// `POST /comments/ID/like`
async fn like(of: Of, reader: Reader, _: Form) -> Result<Response, Refusal> {
    let here = format!("/comments/{}/choices", of.id.number());
    let Some(member) = reader.member() else { return Ok(to_login(&here)) };
    let (_, page) = readable(&of.sessions, &reader, of.id).await?;
    count(&of, &reader).await?;
    match of.sessions.store().like_comment(of.id, member.id, Timestamp::now()).await? {
        Liked::Now { .. } => {
            of.sessions.edge().comments_changed(Some(&page.path));
            Ok(see_other(&here))
        }
        Liked::Own => Err(Refusal::Invalid("This is your own comment.".into())),
        Liked::Gone => Err(Refusal::NotFound),
    }
}

/// `POST /comments/ID/report`
async fn report(of: Of, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let (_, page) = readable(&of.sessions, &reader, of.id).await?;
    count(&of, &reader).await?;
    let reporter = match reader.member() {
        Some(member) => *blake3::hash(format!("member {:?}", member.id).as_bytes()).as_bytes(),
        None => network(&of.sessions, &reader).await?,
    };
    let why = form.get("why").chars().filter(|next| !next.is_control()).take(WHY).collect();
    match of.sessions.store().report_comment(of.id, reporter, why, Timestamp::now()).await? {
        // Who says it twice has said it.
        Reported::Now | Reported::Before => Ok(see_other(&said_at("reported", &page))),
        Reported::Gone => Err(Refusal::NotFound),
    }
}

/// `GET /comments/ID/edit`
async fn show_edit(of: Of, reader: Reader, _: Query) -> Result<Response, Refusal> {
    let (comment, _) = own(&of, &reader).await?;
    edit_page(&of, &reader, &comment, &comment.source, None)
}

fn edit_page(
    of: &Of,
    reader: &Reader,
    comment: &Comment,
    text: &str,
    fault: Option<(StatusCode, String)>,
) -> Result<Response, Refusal> {
    let settings = settings(&of.sessions);
    let data = json!({
        "id": comment.id.number(),
        "text": text,
        "error": fault.as_ref().map(|(_, words)| words),
        "longest": settings.longest,
        "can_change": can_be_changed(&settings, comment, Timestamp::now()),
        "edit_minutes": settings.edit_minutes,
    });
    let title = if fault.is_some() { "Error: change your comment" } else { "Change your comment" };
    let mut response = reader.form_page("comment/edit", title, data)?;
    if let Some((status, _)) = fault {
        *response.status_mut() = status;
    }
    Ok(response)
}

/// `POST /comments/ID/edit`
async fn edit(of: Of, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let (comment, author) = own(&of, &reader).await?;
    let (settings, now) = (settings(&of.sessions), Timestamp::now());
    let source = match changed(form.get("text"), &settings) {
        Ok(source) => source,
        Err((text, words)) => {
            return edit_page(&of, &reader, &comment, &text, Some((StatusCode::UNPROCESSABLE_ENTITY, words)));
        }
    };
    // Before it is changed: it may be below a page that is theirs no more.
    let page = Commented::of(&of.sessions, &reader, &encoded(&comment.page))?;
    if count(&of, &reader).await.is_err() {
        let words = "These were many changes. What you wrote is below: send it again in a while.".to_owned();
        return edit_page(&of, &reader, &comment, &source, Some((StatusCode::TOO_MANY_REQUESTS, words)));
    }
    let written = text::write(&source);
    let email = match &author {
        Author::Member(_, email) | Author::Guest(_, email) | Author::Unconfirmed(email, ..) => email,
    };
    let rules = rules(&settings, is_moderator(&reader), &source, written.links, email);
    let new = (source.clone(), written.html, text::WRITER);
    let since = since(&settings, now);
    match of.sessions.store().change_comment(of.id, author.clone(), new, rules, since, now).await? {
        Changed::Now(state) => {
            let edge = of.sessions.edge();
            edge.comments_changed(Some(&comment.page));
            letters::tell(edge, reader.site_url());
            match state {
                CommentState::Shown => Ok(see_other(&place_of(&of.sessions, &comment).await?)),
                _ => Ok(see_other(&said_at("waiting", &page))),
            }
        }
        Changed::NotTheirs => {
            let words = format!(
                "A comment can be changed for {} minutes. What you wrote is below, and is not kept.",
                settings.edit_minutes
            );
            edit_page(&of, &reader, &comment, &source, Some((StatusCode::CONFLICT, words)))
        }
    }
}

/// `POST /comments/ID/delete`
async fn delete(of: Of, reader: Reader, _: Form) -> Result<Response, Refusal> {
    let (comment, author) = own(&of, &reader).await?;
    match of.sessions.store().take_back_comment(of.id, author, Timestamp::now()).await? {
        Changed::Now(_) => {
            of.sessions.edge().comments_changed(Some(&comment.page));
            let page = Commented::of(&of.sessions, &reader, &encoded(&comment.page))?;
            Ok(see_other(&said_at("deleted", &page)))
        }
        Changed::NotTheirs => Err(Refusal::NotFound),
    }
}
