//! Lists of comments: as a page, as the fragment in a page, and the way to one of them.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::page::{Commented, id, is_open, settings};
use super::write;
use crate::edge::account::minute;
use crate::edge::fragment::{Asked, Finding, Found, Source};
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Query, Reader, Sessions, see_other};
use crate::site::audience::Standing;
use crate::site::comments::Comments;
use crate::store::{Comment, CommentId, CommentOrder, CommentState, CommentsFrom, Store};

/// A part of the comments of `page`, for a template.
pub(super) async fn part(
    store: &Store,
    settings: &Comments,
    page: &Commented,
    order: CommentOrder,
    from: CommentsFrom,
) -> Result<Value, Refusal> {
    let limit = usize::try_from(settings.per_page).unwrap_or(1);
    let found = store.comments(&page.path, order, from, limit).await?;
    let comments: Vec<Value> = found.comments.iter().map(|comment| shown(comment, settings, order)).collect();
    let link = |word: &str, end: Option<&Comment>| {
        end.map(|end| {
            let (path, order) = (page.encoded(), order.word());
            format!("/comments?page={path}&sort={order}&{word}={}#comments", end.id.number())
        })
    };
    let orders = CommentOrder::ALL.map(|other| {
        json!({
            "name": match other {
                CommentOrder::Oldest => "Oldest first",
                CommentOrder::Newest => "Newest first",
                CommentOrder::Liked => "Most liked",
            },
            "is_this": other == order,
            "url": format!("/comments?page={}&sort={}#comments", page.encoded(), other.word()),
        })
    });
    Ok(json!({
        "page": page.encoded(),
        "page_url": page.url(),
        "title": page.title,
        "count": found.shown,
        "comments": comments,
        "orders": orders,
        "has_several": found.shown > 1,
        "before": link("before", found.comments.first().filter(|_| found.has_before)),
        "after": link("after", found.comments.last().filter(|_| found.has_after)),
        "write": format!("/comments/new?page={}", page.encoded()),
        "feed": format!("/comments/feed?page={}", page.encoded()),
        "is_open": is_open(settings, &found, Timestamp::now()),
    }))
}

/// A comment for a template.
pub(super) fn shown(comment: &Comment, settings: &Comments, order: CommentOrder) -> Value {
    let limit = i64::from(settings.depth) - 1;
    let number = comment.id.number();
    let depth = if order == CommentOrder::Liked { 0 } else { comment.level.min(limit) };
    json!({
        "id": number,
        "is_shown": comment.state == CommentState::Shown,
        "name": comment.name,
        "html": comment.html,
        "at": minute(comment.created_at),
        "datetime": comment.created_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "edited": comment.edited_at.map(minute),
        "depth": depth,
        "likes": comment.likes,
        "url": format!("/comments/{number}"),
        "choices": format!("/comments/{number}/choices"),
        "reply": format!("/comments/new?reply={number}"),
        "parent": comment.parent.as_ref().map(|(parent, name)| json!({
            "name": name,
            "url": format!("/comments/{}", parent.number()),
        })),
    })
}

/// `GET /comments`
pub(super) async fn list(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    let page = Commented::of(&sessions, &reader, query.get("page"))?;
    let order = match query.get("sort") {
        "" => CommentOrder::default(),
        word => CommentOrder::parse(word).ok_or(Refusal::Invalid("Comments cannot be sorted so.".into()))?,
    };
    let place = |name: &str| match query.get(name) {
        "" => Ok(None),
        text => id(text).map(Some).ok_or(Refusal::Invalid("There is no such place in the comments.".into())),
    };
    let from = match (place("at")?, place("after")?, place("before")?) {
        (Some(at), ..) => CommentsFrom::At(at),
        (None, Some(after), _) => CommentsFrom::After(after),
        (None, None, Some(before)) => CommentsFrom::Before(before),
        (None, None, None) => CommentsFrom::First,
    };
    let data = part(sessions.store(), &settings(&sessions), &page, order, from).await?;
    let title = format!("Comments on {}", page.title);
    reader.form_page("comment/page", &title, data)
}

/// Where a comment stands for who may read it: in its page if it is among the first there, else in
/// the list.
pub(super) async fn place_of(sessions: &Sessions, comment: &Comment) -> Result<String, Refusal> {
    let settings = settings(sessions);
    let number = comment.id.number();
    let limit = usize::try_from(settings.per_page).unwrap_or(1);
    let is_first = sessions.store().is_among_first(comment.id, CommentOrder::default(), limit).await?;
    let release = sessions.edge().release();
    let is_public = release.commented(&comment.page, &Standing::Visitor).is_some();
    Ok(match is_first && is_public {
        true => format!("{}#comment-{number}", crate::site::permalink::encode_path(&comment.page)),
        false => format!("/comments?page={}&at={number}#comment-{number}", super::page::encoded(&comment.page)),
    })
}

/// A comment that this reader can read: it is shown, below a page that they may read.
pub(super) async fn readable(
    sessions: &Sessions,
    reader: &Reader,
    id: CommentId,
) -> Result<(Comment, Commented), Refusal> {
    let comment = sessions.store().comment(id).await?.filter(|comment| comment.state == CommentState::Shown);
    let comment = comment.ok_or(Refusal::NotFound)?;
    let page = Commented::of(sessions, reader, &super::page::encoded(&comment.page))?;
    Ok((comment, page))
}

/// `GET /comments/ID`
pub(super) async fn permalink(sessions: Sessions, reader: Reader, id: CommentId) -> Result<Response, Refusal> {
    let (comment, _) = readable(&sessions, &reader, id).await?;
    Ok(see_other(&place_of(&sessions, &comment).await?))
}

/// The fragment `comments`: the same for everyone, so that of a page which is not for everyone it
/// shows nothing but the way to its comments.
#[derive(Debug)]
pub(in crate::edge) struct ListSource;

impl Source for ListSource {
    fn find<'a>(&'a self, asked: &'a Asked) -> Finding<'a> {
        Box::pin(async {
            let text = |name: &str| asked.parameter(name).and_then(Value::as_str).unwrap_or_default();
            let order = CommentOrder::parse(text("sort")).unwrap_or_default();
            let sessions = Sessions::of(asked.edge());
            let page = Commented::find(asked.release(), text("page"), &Standing::Visitor);
            let (Some(sessions), Some(page)) = (sessions, page) else {
                let list = format!("/comments?page={}", super::page::encoded(&decoded(text("page"))));
                let values = Map::from_iter([("is_here".to_owned(), false.into()), ("list".to_owned(), list.into())]);
                return Ok(Found { values, ..Found::default() });
            };
            let settings = &asked.release().site.edge.comments;
            let data = part(sessions.store(), settings, &page, order, CommentsFrom::First).await?;
            let mut values = match data {
                Value::Object(values) => values,
                _ => Map::new(),
            };
            values.insert("is_here".to_owned(), true.into());
            Ok(Found { values, comments_of: Some(page.path), ..Found::default() })
        })
    }
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The fragment `comment-form`: the form in the page, for who is signed in.
#[derive(Debug)]
pub(in crate::edge) struct FormSource;

impl Source for FormSource {
    fn find<'a>(&'a self, asked: &'a Asked) -> Finding<'a> {
        Box::pin(async {
            let path = asked.parameter("page").and_then(Value::as_str).unwrap_or_default();
            let nothing = || Found { values: Map::from_iter([("form".to_owned(), Value::Null)]), ..Found::default() };
            let (Some(sessions), Some(reader)) = (Sessions::of(asked.edge()), asked.reader()) else {
                return Ok(nothing());
            };
            let Some(page) = Commented::find(asked.release(), path, &reader.standing()) else { return Ok(nothing()) };
            let form = write::in_page(&sessions, reader, &page).await?;
            Ok(Found { values: Map::from_iter([("form".to_owned(), form)]), ..Found::default() })
        })
    }
}
