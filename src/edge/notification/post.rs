//! Letters of notifications: those that go at once, and digests. One loop beside the server,
//! which any number of nodes may run: each parcel is claimed by one.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::described;
use crate::edge::account::minute;
use crate::edge::mail::compose;
use crate::edge::node::Edge;
use crate::store::{ClaimedParcel, Contents, EmailAddress, Letter, NoticeKind, Store, StoreError};

/// How many parcels are claimed at once.
const AT_ONCE: usize = 32;
/// How long a parcel is ours.
const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// Makes letters until the edge is told to stop.
pub(in crate::edge) async fn post(edge: Edge) {
    let mut closing = edge.closing();
    tokio::select! {
        _ = closing.wait_for(|is_closing| *is_closing) => {}
        () = post_for_ever(&edge) => {}
    }
}

async fn post_for_ever(edge: &Edge) {
    let store = edge.store_to_come().await;
    let mut told = edge.notices().told.subscribe();
    loop {
        told.mark_unchanged();
        let later = Instant::now() + edge.options().deliveries.look_every;
        let next = match post_due(edge, &store).await {
            Ok(Some(due)) => later.min(Instant::now() + due.duration_since(Timestamp::now()).unsigned_abs()),
            Ok(None) => later,
            Err(StoreError::Closed) => return,
            Err(error) => {
                tracing::warn!(%error, "letters of notifications could not be made: it is tried again");
                later
            }
        };
        tokio::select! {
            _ = told.changed() => {}
            () = sleep_until(next) => {}
        }
    }
}

/// Makes the letters that are due. Says when the next is.
async fn post_due(edge: &Edge, store: &Store) -> Result<Option<Timestamp>, StoreError> {
    loop {
        let now = Timestamp::now();
        match store.next_parcel().await? {
            Some(due) if due <= now => {}
            later => return Ok(later),
        }
        let claimed = store.claim_parcels(AT_ONCE, LEASE, now).await?;
        if claimed.is_empty() {
            // Another node was quicker.
            return Ok(None);
        }
        for parcel in claimed {
            let contents = store.contents(&parcel).await?;
            let letter = match contents.as_ref().filter(|contents| !contents.notices.is_empty()) {
                Some(contents) => match letter(edge, &parcel, contents).await {
                    Some(letter) => Some(letter),
                    // The log has been told. It is tried again when the lease is over.
                    None => continue,
                },
                None => None,
            };
            store.send_parcel(&parcel, contents.as_ref(), letter, Timestamp::now()).await?;
            edge.outbox_filled();
        }
    }
}

async fn letter(edge: &Edge, parcel: &ClaimedParcel, contents: &Contents) -> Option<Letter> {
    let release = edge.release();
    let url = release.site.base_url.as_str();
    let whole = |path: &str| format!("{url}{}", path.trim_start_matches('/'));
    let notices: Vec<Value> = contents
        .notices
        .iter()
        .map(|notice| {
            let kind = NoticeKind::parse(&notice.kind).map(|kind| described(kind).0);
            json!({ "subject": notice.subject, "url": whole(&notice.link), "when": minute(notice.created_at), "kind": kind })
        })
        .collect();
    let off_url = whole(&format!("/notifications/off?token={}", contents.off.text()));
    let count = contents.notices.len() + contents.more;
    let subject = match (contents.notices.as_slice(), parcel.parcel.as_str()) {
        (_, "daily") => format!("{count} new today"),
        (_, "weekly") => format!("{count} new this week"),
        ([one], _) => one.subject.clone(),
        _ => format!("{count} new"),
    };
    let what = match NoticeKind::parse(&parcel.parcel) {
        Some(kind) => described(kind).0,
        None if parcel.parcel == "daily" => "The daily digest",
        None => "The weekly digest",
    };
    let data = json!({
        "subject": subject,
        "name": contents.name,
        "notices": notices,
        "more": (contents.more > 0).then_some(contents.more),
        "what": what,
        "all_url": whole("/notifications"),
        "choose_url": whole("/account/letters"),
        "off_url": off_url,
    });
    let to = EmailAddress::parse(&contents.email).ok()?;
    let mut letter = compose(&release, "notification", &to, url, data).await.ok()?;
    letter.headers = vec![
        ("List-Unsubscribe".to_owned(), format!("<{off_url}>")),
        ("List-Unsubscribe-Post".to_owned(), "List-Unsubscribe=One-Click".to_owned()),
    ];
    Some(letter)
}
