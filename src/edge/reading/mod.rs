//! Reading: what a member put aside, the terms that they follow, and what might be for them.
//!
//! | route                     | does                                                        |
//! |---|---|
//! | `GET /account/reading`    | the lists; with `?keep=` or `?follow=` a path, asks whether |
//! | `POST /account/reading`   | keeps or drops a page, follows or leaves a term             |
//!
//! A page of the site leads here by a link, so that it stays one file for everybody; the fragments
//! `keep-page` and `follow-term` are the same as a button in the page. Suggestions come from the
//! search index ([`suggest`]), and from nothing but what this member has read, kept and looked for.
//!
//! Only paths of the release are taken, and only what is for the reader is shown.

mod suggest;

use std::sync::Arc;

use hyper::header::COOKIE;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};
use warp::Filter;
use warp::filters::BoxedFilter;

pub(super) use self::suggest::suggestions;
use super::account::next;
use super::live_release::LiveRelease;
use super::node::Edge;
use super::refusal::Refusal;
use super::room::{self, Response};
use super::session::{For, Form, Head, Query, Reader, Sessions, route, see_other};
use crate::site::permalink::encode_path;
use crate::store::{Listed, MemberId, ReadingList};

/// How many new pages of all followed terms are shown.
pub(super) const NEW: usize = 20;
/// How many suggestions are shown.
const SUGGESTED: usize = 6;

/// What may be said after a deed, by the word in `?done=`.
const SAID: [(&str, &str); 4] = [
    ("keep", "The page is on your list."),
    ("drop", "The page is no longer on your list."),
    ("follow", "You follow it: its new pages are listed here."),
    ("leave", "You follow it no longer."),
];

/// The routes of this room.
pub(super) fn routes(edge: Edge) -> BoxedFilter<(Response,)> {
    Sessions::of(&edge).map_or_else(room::nothing, with_sessions)
}

fn with_sessions(sessions: Sessions) -> BoxedFilter<(Response,)> {
    let path = warp::path!("account" / "reading");
    path.and(room::get())
        .and(route(sessions.clone(), For::Members, show))
        .or(path.and(room::post()).and(route(sessions, For::Members, change)))
        .unify()
        .boxed()
}

/// `GET /account/reading`
async fn show(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    let release = sessions.edge().release();
    let asked = |name: &str, list| wish(&release, &reader, list, query.get(name));
    let wish = asked("keep", ReadingList::Kept).or_else(|| asked("follow", ReadingList::Followed));
    if let Some((deed, path, title)) = wish {
        let data = json!({
            "is_term": deed == "follow", "path": path, "title": title, "back": encode_path(&path),
        });
        let title = if deed == "keep" { "Keep this page?" } else { "Follow this?" };
        return reader.form_page("reading/ask", title, data);
    }
    let member = reader.must_be_member()?.id;
    let said = SAID.iter().find(|(done, _)| *done == query.get("done")).map(|(_, said)| *said);
    let data = json!({
        "said": said,
        "kept": kept(&sessions, &release, &reader, member).await?,
        "followed": followed(&sessions, &release, member).await?,
        "new": new_pages(&sessions, &release, &reader, member, NEW).await?,
        "suggested": suggestions(&sessions, &release, &reader, SUGGESTED).await?,
    });
    reader.form_page("reading/reading", "Your reading", data)
}

/// What is asked for, the path as it is known, and what it is called; nothing when there is no
/// such thing for this reader.
fn wish(
    release: &LiveRelease,
    reader: &Reader,
    list: ReadingList,
    path: &str,
) -> Option<(&'static str, String, String)> {
    let path = percent_encoding::percent_decode_str(path).decode_utf8().ok()?.into_owned();
    match list {
        ReadingList::Kept => {
            let title = release.title(&path).filter(|_| release.is_for(&path, &reader.standing()))?.to_owned();
            Some(("keep", path, title))
        }
        ReadingList::Followed => {
            let title = release.terms.get(&path)?.title.clone();
            Some(("follow", path, title))
        }
    }
}

/// `POST /account/reading`
async fn change(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let member = reader.must_be_member()?.id;
    let (release, store) = (sessions.edge().release(), sessions.store());
    let deed = form.get("do");
    let (list, is_added) = match deed {
        "keep" => (ReadingList::Kept, true),
        "drop" => (ReadingList::Kept, false),
        "follow" => (ReadingList::Followed, true),
        "leave" => (ReadingList::Followed, false),
        _ => return Err(Refusal::Invalid("A page can be kept and dropped, a term followed and left.".into())),
    };
    if is_added {
        let found = wish(&release, &reader, list, form.get("path"));
        let (_, path, _) = found.ok_or(Refusal::Invalid("There is no such page.".into()))?;
        if store.add_to_list(list, member, &path, Timestamp::now()).await? == Listed::Full {
            let words = "Your list is as long as it can be. Take something off it first, at /account/reading.";
            return Err(Refusal::Invalid(words.into()));
        }
    } else {
        // What the site has no more can be taken off, too.
        store.take_off_list(list, member, form.get("path")).await?;
    }
    Ok(match next::path(form.get("back")) {
        Some(back) => see_other(&back),
        None => see_other(&format!("/account/reading?done={deed}")),
    })
}

async fn kept(
    sessions: &Sessions,
    release: &LiveRelease,
    reader: &Reader,
    member: MemberId,
) -> Result<Vec<Value>, Refusal> {
    let standing = reader.standing();
    let kept = sessions.store().reading_list(ReadingList::Kept, member).await?;
    // A page that is gone stays on the list, so that it can be taken off.
    let shown = kept.into_iter().map(|(path, since)| {
        let title = release.title(&path).filter(|_| release.is_for(&path, &standing));
        json!({ "path": path, "url": encode_path(&path), "title": title, "since": day(since) })
    });
    Ok(shown.collect())
}

async fn followed(sessions: &Sessions, release: &LiveRelease, member: MemberId) -> Result<Vec<Value>, Refusal> {
    let followed = sessions.store().reading_list(ReadingList::Followed, member).await?;
    let shown = followed.into_iter().map(|(path, since)| {
        let title = release.terms.get(&path).map(|term| &term.title);
        json!({ "path": path, "url": encode_path(&path), "title": title, "since": day(since) })
    });
    Ok(shown.collect())
}

/// The newest pages of the terms that a member follows, as far as they are for them.
pub(super) async fn new_pages(
    sessions: &Sessions,
    release: &Arc<LiveRelease>,
    reader: &Reader,
    member: MemberId,
    limit: usize,
) -> Result<Vec<Value>, Refusal> {
    let followed = sessions.store().reading_list(ReadingList::Followed, member).await?;
    let standing = reader.standing();
    let terms = followed.iter().filter_map(|(path, _)| release.terms.get(path));
    let mut pages: Vec<(Date, &str)> =
        terms.flat_map(|term| &term.newest).map(|(path, date)| (*date, path.as_str())).collect();
    pages.sort_unstable_by(|one, other| other.cmp(one));
    pages.dedup();
    let shown = pages.into_iter().filter(|(_, path)| release.is_for(path, &standing)).filter_map(|(date, path)| {
        let title = release.title(path)?;
        Some(json!({ "url": encode_path(path), "title": title, "date": date.strftime("%-d %B %Y").to_string() }))
    });
    Ok(shown.take(limit).collect())
}

/// Remembers what a member has looked for, for suggestions. Nobody waits for it, and nothing is
/// said when it fails: it is worth no word to who searches.
pub(super) async fn note_search(edge: &Edge, head: &Head, words: &str) {
    let Some(sessions) = Sessions::of(edge).filter(|_| head.headers().contains_key(COOKIE)) else { return };
    let Ok(reader) = Reader::of(edge, head).await else { return };
    let Some(member) = reader.member().filter(|member| member.keeps_history).map(|member| member.id) else { return };
    let words = words.to_owned();
    tokio::spawn(async move { sessions.store().note_search(member, &words, Timestamp::now()).await });
}

fn day(time: Timestamp) -> String {
    time.strftime("%-d %B %Y").to_string()
}
