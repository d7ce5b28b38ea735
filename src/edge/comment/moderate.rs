//! Moderators' pages: queues, judgements on many at once, and what is not wanted again.
//!
//! Each box of a queue says what its comment was when the page was made, so that of two
//! moderators the second is told what the first has decided, and nothing is done twice.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::letters;
use super::page::{id, is_moderator, settings};
use super::shown::shown;
use crate::edge::account::minute;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Form, Query, Reader, Sessions, see_other};
use crate::store::{BlockKind, Comment, CommentOrder, CommentState, Judged, Judgement, QueuePlace, Queued, Verdict};

/// How many a page of a queue has: as many boxes as a form may have fields, and some more fields.
const LISTED: usize = 40;
/// How long a word or an address is at most that is blocked.
const LONGEST_BLOCK: usize = 200;

/// The queues: their word in the address, and their name.
const QUEUES: [(&str, &str, Queued); 6] = [
    ("waiting", "Waiting", Queued::In(CommentState::Waiting)),
    ("reported", "Reported", Queued::Reported),
    ("spam", "Spam", Queued::In(CommentState::Spam)),
    ("refused", "Refused", Queued::In(CommentState::Refused)),
    ("shown", "To be read", Queued::In(CommentState::Shown)),
    ("unconfirmed", "Unconfirmed", Queued::In(CommentState::Unconfirmed)),
];

/// To everybody else these pages are not there.
fn must_moderate(reader: &Reader) -> Result<(), Refusal> {
    reader.must_be_member()?;
    if is_moderator(reader) { Ok(()) } else { Err(Refusal::NotFound) }
}

fn queue_of(word: &str) -> Result<(&'static str, &'static str, Queued), Refusal> {
    let word = if word.is_empty() { QUEUES[0].0 } else { word };
    QUEUES.into_iter().find(|(found, ..)| *found == word).ok_or(Refusal::NotFound)
}

fn place(text: &str) -> Option<QueuePlace> {
    let (created_at, id) = text.split_once('.')?;
    Some(QueuePlace { created_at: created_at.parse().ok()?, id: id.parse().ok()? })
}

/// `GET /admin/comments`
pub(super) async fn queue(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    must_moderate(&reader)?;
    let before = match query.get("before") {
        "" => QueuePlace::NEWEST,
        text => place(text).ok_or(Refusal::Invalid("There is no such place in the queue.".into()))?,
    };
    page(&sessions, &reader, queue_of(query.get("queue"))?, before, &[]).await
}

async fn page(
    sessions: &Sessions,
    reader: &Reader,
    (word, name, queue): (&'static str, &'static str, Queued),
    before: QueuePlace,
    done: &[String],
) -> Result<Response, Refusal> {
    let store = sessions.store();
    // One more tells whether there is a next page.
    let mut found = store.queued_comments(queue, before, LISTED + 1).await?;
    let has_more = found.len() > LISTED;
    found.truncate(LISTED);
    let next = found.last().filter(|_| has_more).map(QueuePlace::of);
    let settings = settings(sessions);
    let mut listed = Vec::with_capacity(found.len());
    for comment in &found {
        let reports = if comment.reports > 0 { store.reports_of(comment.id).await? } else { Vec::new() };
        let mut data = shown(comment, &settings, CommentOrder::Liked);
        data["state"] = comment.state.word().into();
        data["why"] = comment.why.clone().into();
        data["reports"] = comment.reports.into();
        data["reported"] = reports.into();
        data["where"] = title_of(sessions, comment).into();
        data["is_guest"] = comment.guest.is_some().into();
        data["decided_by"] = comment.decided_by.clone().into();
        data["decided_at"] = comment.decided_at.map(minute).into();
        listed.push(data);
    }
    let queues: Vec<Value> = QUEUES
        .iter()
        .map(|(other, name, _)| {
            json!({ "name": name, "is_this": *other == word, "url": format!("/admin/comments?queue={other}") })
        })
        .collect();
    let data = json!({
        "queue": word,
        "name": name,
        "queues": queues,
        "comments": listed,
        "is_first": before == QueuePlace::NEWEST,
        "next": next.map(|place| format!("/admin/comments?queue={word}&before={}.{}", place.created_at, place.id)),
        "done": done,
        "can_approve": !matches!(queue, Queued::In(CommentState::Shown)),
        "can_refuse": !matches!(queue, Queued::In(CommentState::Refused)),
        "can_spam": !matches!(queue, Queued::In(CommentState::Spam)),
    });
    reader.form_page("comment/queue", &format!("Comments: {name}"), data)
}

fn title_of(sessions: &Sessions, comment: &Comment) -> String {
    let release = sessions.edge().release();
    release.title(&comment.page).map_or_else(|| comment.page.clone(), str::to_owned)
}

/// `POST /admin/comments`
pub(super) async fn judge(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    must_moderate(&reader)?;
    let queue = queue_of(form.get("queue"))?;
    // A button of one comment names it; one of the page takes those that are ticked.
    let (verdict, one) =
        form.get("do").split_once(' ').map_or((form.get("do"), None), |(verdict, one)| (verdict, Some(one)));
    let verdict = Verdict::parse(verdict).ok_or(Refusal::Invalid("Comments cannot be judged so.".into()))?;
    let wrong = || Refusal::Invalid("There is no such comment.".into());
    let judgement = |number: &str, seen: &str| {
        let seen = CommentState::parse(seen).ok_or_else(wrong)?;
        Ok(Judgement { id: id(number).ok_or_else(wrong)?, seen: Some(seen) })
    };
    let judgements = match one.and_then(|one| one.split_once(' ')) {
        Some((number, seen)) => vec![judgement(number, seen)?],
        None => {
            form.beginning("c-").map(|(number, seen)| judgement(number, seen)).collect::<Result<Vec<_>, Refusal>>()?
        }
    };
    if judgements.is_empty() {
        let done = ["No comment was ticked: nothing is done.".to_owned()];
        return page(&sessions, &reader, queue, QueuePlace::NEWEST, &done).await;
    }
    let by = reader.must_be_member()?.id;
    let judged = sessions.store().judge_comments(Some(by), verdict, judgements, Timestamp::now()).await?;
    for (_, judged) in &judged {
        if let Judged::Done { page } = judged {
            sessions.edge().comments_changed(Some(page));
        }
    }
    letters::tell(sessions.edge(), reader.site_url());
    page(&sessions, &reader, queue, QueuePlace::NEWEST, &in_words(verdict, &judged)).await
}

/// What was done, and what another had decided before.
fn in_words(verdict: Verdict, judged: &[(crate::store::CommentId, Judged)]) -> Vec<String> {
    let count = judged.iter().filter(|(_, judged)| matches!(judged, Judged::Done { .. })).count();
    let deed = match verdict {
        Verdict::Approve => "can be read now",
        Verdict::Refuse => "refused",
        Verdict::Spam => "put among spam",
        Verdict::Delete => "deleted",
        Verdict::Block => "put among spam, with their authors blocked",
    };
    let mut said = Vec::new();
    if count > 0 {
        said.push(format!("{count} {} {deed}.", if count == 1 { "comment" } else { "comments" }));
    }
    for (id, judged) in judged {
        match judged {
            Judged::Done { .. } => {}
            Judged::Gone => said.push(format!("Comment {} is not there any more.", id.number())),
            Judged::Already { state, by, at } => {
                let by = by.as_deref().map(|by| format!(", decided by {by}")).unwrap_or_default();
                let at = at.map(|at| format!(" on {}", minute(at))).unwrap_or_default();
                said.push(format!("Comment {} was {} before{by}{at}: nothing is done.", id.number(), state.word()));
            }
        }
    }
    said
}

/// `GET /admin/comments/blocks`
pub(super) async fn blocks(sessions: Sessions, reader: Reader, _: Query) -> Result<Response, Refusal> {
    must_moderate(&reader)?;
    block_page(&sessions, &reader, None).await
}

async fn block_page(sessions: &Sessions, reader: &Reader, error: Option<&str>) -> Result<Response, Refusal> {
    let blocks = sessions.store().comment_blocks().await?;
    let listed: Vec<Value> = blocks
        .iter()
        .map(|block| {
            let shown =
                if block.kind == BlockKind::Network { block.shown.get(..12).unwrap_or_default() } else { &block.shown };
            json!({ "kind": block.kind.word(), "value": block.value, "shown": shown })
        })
        .collect();
    reader.form_page("comment/blocks", "What is blocked", json!({ "blocks": listed, "error": error }))
}

/// `POST /admin/comments/blocks`
pub(super) async fn block(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    must_moderate(&reader)?;
    let by = Some(reader.must_be_member()?.id);
    let kind = BlockKind::parse(form.get("kind")).ok_or(Refusal::Invalid("That cannot be blocked.".into()))?;
    let (value, now) = (form.get("value").trim(), Timestamp::now());
    if value.is_empty() || value.len() > LONGEST_BLOCK {
        return block_page(&sessions, &reader, Some("Please give a word or an address.")).await.map(unprocessable);
    }
    if form.get("do") == "unblock" {
        sessions.store().unblock_comments(by, kind, value, now).await?;
        return Ok(see_other("/admin/comments/blocks"));
    }
    match kind {
        BlockKind::Word => {}
        BlockKind::Address if value.contains('@') => {}
        BlockKind::Address => {
            let words = "An address has an @ in it: eve@example.org, or @example.org for all of a host.";
            return block_page(&sessions, &reader, Some(words)).await.map(unprocessable);
        }
        // They are blocked by a comment of theirs.
        BlockKind::Network | BlockKind::Member => return Err(Refusal::Invalid("That cannot be blocked here.".into())),
    }
    sessions.store().block_comments(by, kind, value, now).await?;
    Ok(see_other("/admin/comments/blocks"))
}

fn unprocessable(mut response: Response) -> Response {
    *response.status_mut() = hyper::StatusCode::UNPROCESSABLE_ENTITY;
    response
}
