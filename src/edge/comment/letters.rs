//! Letters about new comments: to who wants them, and how they end that.
//!
//! Who is to be told stands in the store; [`tell`] works it off, a few letters in each
//! transaction, and whoever comes next goes on where one was killed. Each letter has a link
//! that ends the letters, in its text and in its head (RFC 8058): a mail program follows it
//! with POST and nothing else, so the link alone lets in.

use jiff::Timestamp;
use serde_json::json;
use std::borrow::Cow;
use std::time::Duration;
use subtle::ConstantTimeEq;
use tokio::sync::Mutex;

use super::page::encoded;
use crate::edge::mail;
use crate::edge::node::Edge;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{For, Head, Query, Reader, Sent, Sessions};
use crate::store::{CommentNotice, Letter, Store};

/// How many subscriptions are looked at for each transaction.
const AT_ONCE: usize = 100;
/// How much of a comment stands in a letter, in characters.
const SHOWN: usize = 600;
/// After a fault, how long until it is tried again.
const LATER: Duration = Duration::from_secs(5);

/// One at a time on this node; another node that comes between is seen by the store.
static TELLING: Mutex<()> = Mutex::const_new(());

/// Writes the letters that are due, beside the request.
pub(super) fn tell(edge: &Edge, site_url: &str) {
    let (edge, site_url) = (edge.clone(), site_url.to_owned());
    tokio::spawn(async move {
        let _one_at_a_time = TELLING.lock().await;
        if let Err(error) = work_off(&edge, &site_url).await {
            tracing::warn!(?error, "letters about comments could not be written; they are when the next is due");
        }
    });
}

/// Goes on where the last edge ended.
pub(in crate::edge) async fn resume(edge: Edge) {
    if Sessions::of(&edge).is_none() {
        return;
    }
    let _one_at_a_time = TELLING.lock().await;
    let site_url = edge.release().site.base_url.clone();
    while work_off(&edge, &site_url).await.is_err() {
        tokio::time::sleep(LATER).await;
    }
}

async fn work_off(edge: &Edge, site_url: &str) -> Result<(), Refusal> {
    let Some(store) = edge.accounts() else { return Ok(()) };
    while let Some(notice) = store.next_comment_notice(AT_ONCE).await? {
        let letters = letters(edge, store, &notice, site_url).await?;
        store.comment_notice_written(&notice, letters, Timestamp::now()).await?;
        edge.outbox_filled();
    }
    Ok(())
}

async fn letters(edge: &Edge, store: &Store, notice: &CommentNotice, site_url: &str) -> Result<Vec<Letter>, Refusal> {
    let release = edge.release();
    let comment = &notice.comment;
    // A page that is gone, or is for some only: its comments are sent to nobody.
    let standing = crate::site::audience::Standing::Visitor;
    let Some(title) = release.commented(&comment.page, &standing).map(str::to_owned) else { return Ok(Vec::new()) };
    let key = store.comment_key().await?;
    let text: String = match comment.source.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}…", &comment.source[..cut]),
        None => comment.source.clone(),
    };
    let mut letters = Vec::with_capacity(notice.subscribers.len());
    for subscriber in &notice.subscribers {
        let end = format!("{site_url}comments/unsubscribe?id={}&token={}", subscriber.id, token(&key, subscriber.id));
        let data = json!({
            "name": comment.name,
            "title": title,
            "text": text,
            "link": format!("{site_url}comments/{}", comment.id.number()),
            "end": end,
        });
        let mut letter = mail::compose(&release, "comment-new", &subscriber.email, site_url, data).await?;
        letter.headers = vec![
            ("List-Unsubscribe".to_owned(), format!("<{end}>")),
            ("List-Unsubscribe-Post".to_owned(), "List-Unsubscribe=One-Click".to_owned()),
        ];
        letters.push(letter);
    }
    Ok(letters)
}

/// What lets somebody end a subscription.
fn token(key: &[u8; 32], id: i64) -> String {
    blake3::keyed_hash(key, format!("unsubscribe {id}").as_bytes()).to_hex().to_string()
}

/// A link in a letter: who has it may end what it is about.
pub(super) struct Link {
    id: String,
    token: String,
}

impl Sent for Link {
    /// The body is a mail program's, or of our own button: it says nothing.
    fn read(_: &Edge, _: For, head: &Head, _: &[u8]) -> Result<Self, Refusal> {
        let query = crate::edge::session::fields_of(head.query()).unwrap_or_default();
        let get = |name: &str| query.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone());
        Ok(Self { id: get("id").unwrap_or_default(), token: get("token").unwrap_or_default() })
    }

    fn check(&self, _: For, _: &Reader) -> Result<(), Refusal> {
        Ok(())
    }

    fn comes_back_to(head: &Head) -> Cow<'_, str> {
        head.path().into()
    }
}

/// The subscription that a link names, if it was made by us.
async fn named(sessions: &Sessions, id: &str, given: &str) -> Result<i64, Refusal> {
    let id: i64 = id.parse().map_err(|_| Refusal::NotFound)?;
    let key = sessions.store().comment_key().await?;
    let is_ours: bool = token(&key, id).as_bytes().ct_eq(given.as_bytes()).into();
    if is_ours { Ok(id) } else { Err(Refusal::NotFound) }
}

/// `GET /comments/unsubscribe`
pub(super) async fn ask(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    let id = named(&sessions, query.get("id"), query.get("token")).await?;
    let path = sessions.store().comment_subscription(id).await?;
    let title = path.as_deref().and_then(|path| {
        let release = sessions.edge().release();
        release.commented(path, &reader.standing()).map(str::to_owned)
    });
    let action = format!("/comments/unsubscribe?id={id}&token={}", encoded(query.get("token")));
    let data = json!({ "title": title, "is_over": path.is_none(), "action": action });
    reader.form_page("comment/unsubscribe", "Letters about comments", data)
}

/// `POST /comments/unsubscribe`
pub(super) async fn unsubscribe(sessions: Sessions, reader: Reader, link: Link) -> Result<Response, Refusal> {
    let id = named(&sessions, &link.id, &link.token).await?;
    sessions.store().end_comment_subscription(id).await?;
    let data = json!({ "title": null, "is_over": true, "action": "" });
    reader.form_page("comment/unsubscribe", "Letters about comments", data)
}
