//! The meter: some metered pages are free in a period, for an account or for a visitor.
//!
//! | asks                              | counted by                                          |
//! |---|---|
//! | a member of the first tier        | their account                                       |
//! | a visitor                         | a random cookie, set with the first page that counts |
//! |                                   | and where they are with what kind of browser        |
//!
//! Without the second, a visitor would begin anew whenever they clear their cookies. It is kept as
//! a digest under a key that is made for the period and forgotten with it, and with it a number, no
//! page; as others may read from the same network, [`SHARED`] times as much is free there.
//!
//! Read is what was asked for with GET, whole, and by somebody who looks at it: no range, no head,
//! nothing that a browser fetches in advance or as a part of another page. Who says to be a crawler gets the open page.

use hyper::Method;
use hyper::header::{HeaderMap, RANGE};
use hyper::http::request::Parts;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::edge::live_release::{LiveRelease, Restricted};
use crate::edge::node::Edge;
use crate::edge::refusal::Refusal;
use crate::edge::session::{Cookie, Reader, Sessions};
use crate::site::audience::Audience;
use crate::site::meter::Meter;
use crate::store::{MemberId, MeterReader, Metered, MeteredRead, Store};

/// How many times what is free for one visitor is free for all from one network with one kind of
/// browser: a school, an office, those who share an address.
const SHARED: u32 = 10;

/// Whether a metered page may be read.
pub(super) struct Counted {
    pub(super) is_free: bool,
    /// What the visitor is to be counted by from now on.
    pub(super) cookie: Option<Cookie>,
}

impl Counted {
    const CLOSED: Self = Self { is_free: false, cookie: None };

    fn known(metered: Metered) -> Self {
        Self { is_free: metered.is_free, cookie: None }
    }
}

/// Counts the read of what stands at `path`, if it is one. A store that does not answer lets nobody
/// in.
pub(super) async fn count(
    edge: &Edge,
    release: &LiveRelease,
    (path, restricted): (&str, &Restricted),
    reader: &Reader,
    parts: &Parts,
) -> Counted {
    let meter = &release.site.edge.meter;
    let Some(store) = edge.accounts().filter(|_| is_for(meter, reader)) else { return Counted::CLOSED };
    match asked(store, meter, (path, restricted), reader, parts).await {
        Ok(counted) => counted,
        Err(_) => Counted::CLOSED,
    }
}

async fn asked(
    store: &Store,
    meter: &Meter,
    (path, restricted): (&str, &Restricted),
    reader: &Reader,
    parts: &Parts,
) -> Result<Counted, Refusal> {
    let now = Timestamp::now();
    let (period, end) = meter.period.around(now);
    let known = known(reader);
    // A file comes with its page.
    let page = restricted.page.as_deref().unwrap_or(path);
    if let Some(known) = known {
        let metered = store.metered(known, period, Some(page.to_owned())).await?;
        if metered.is_free {
            return Ok(Counted::known(metered));
        }
    }
    if restricted.page.is_some() || !is_reading(&parts.method, &parts.headers, reader.agent()) {
        return Ok(Counted::CLOSED);
    }
    let (counted_by, cookie) = match known {
        Some(known) => (known, None),
        None => {
            let (visitor, cookie) = reader.new_visitor(end.duration_since(now).max(SignedDuration::from_secs(1)))?;
            (MeterReader::Visitor(visitor), Some(cookie))
        }
    };
    let is_visitor = matches!(counted_by, MeterReader::Visitor(_));
    let read = MeteredRead {
        reader: counted_by,
        period,
        path: page.to_owned(),
        free: meter.free,
        network: is_visitor.then(|| format!("{} {}", reader.neighbourhood(), kind_of(reader.agent()))),
        free_there: meter.free.saturating_mul(SHARED),
        fresh: crate::edge::session::random()?,
    };
    let metered = store.read_metered(read, now).await?;
    // A cookie is for who has read something.
    Ok(Counted { is_free: metered.is_free, cookie: cookie.filter(|_| metered.is_free) })
}

/// Whether anything is free for this reader.
fn is_for(meter: &Meter, reader: &Reader) -> bool {
    meter.free > 0 && (meter.free_for_visitors || reader.member().is_some())
}

fn known(reader: &Reader) -> Option<MeterReader> {
    match reader.member() {
        Some(member) => Some(MeterReader::Member(member.id)),
        None => reader.visitor().map(MeterReader::Visitor),
    }
}

/// Whether somebody looks at what comes.
fn is_reading(method: &Method, headers: &HeaderMap, agent: &str) -> bool {
    let says = |name: &str, word: &str| {
        let mut values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.any(|value| value.to_ascii_lowercase().contains(word))
    };
    // What another page holds (a picture, a script, a frame) is looked at by nobody: else a page
    // elsewhere could use up what its readers have free here.
    let is_part = headers.contains_key("sec-fetch-dest") && !says("sec-fetch-dest", "document");
    let is_in_advance = says("sec-purpose", "prefetch") || says("purpose", "prefetch") || says("x-moz", "prefetch");
    *method == Method::GET && !is_part && !headers.contains_key(RANGE) && !is_in_advance && !is_crawler(agent)
}

/// Whether somebody says to be no person. Who lies about it is counted like one.
fn is_crawler(agent: &str) -> bool {
    let agent = agent.to_ascii_lowercase();
    agent.is_empty() || ["bot", "crawl", "spider", "slurp"].iter().any(|word| agent.contains(word))
}

/// What kind of browser it is, coarsely: one of a few dozen.
fn kind_of(agent: &str) -> String {
    let named = |words: &[&'static str]| words.iter().find(|word| agent.contains(*word)).copied().unwrap_or("other");
    // The more special ones first: nearly all say to be Safari.
    let browser = named(&["Firefox", "Edg", "OPR", "Chrome", "Safari"]);
    let system = named(&["Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux"]);
    format!("{browser} {system}")
}

/// Gives a member what their browser has read before they signed in. It stops nobody from signing
/// in: what could not be given is not counted.
pub(in crate::edge) async fn merge(sessions: &Sessions, reader: &Reader, member: MemberId) {
    if reader.member().is_none()
        && let Some(visitor) = reader.visitor()
        && let Err(error) = sessions.store().merge_metered(visitor, member).await
    {
        tracing::warn!(%error, "what a visitor has read could not be counted for the member");
    }
}

/// What the banner shows: `counts` is whether anything is counted for this reader.
pub(in crate::edge) async fn shown(
    edge: &Edge,
    release: &LiveRelease,
    reader: Option<&Reader>,
) -> Result<Map<String, Value>, Refusal> {
    let meter = &release.site.edge.meter;
    let counts = reader.is_none_or(|reader| !Audience::Metered.admits(&reader.standing()));
    let (period, end) = meter.period.around(Timestamp::now());
    let used = match (edge.accounts(), reader.and_then(known)) {
        (Some(store), Some(known)) if counts => store.metered(known, period, None).await?.used,
        _ => 0,
    };
    let free = if reader.is_some_and(|reader| is_for(meter, reader)) { meter.free } else { 0 };
    let left = free.saturating_sub(used);
    let shown = json!({
        "counts": counts,
        "free": free,
        "used": used.min(free),
        "left": left,
        "period": meter.period.word(),
        "ends": end.to_string(),
        "is_signed_in": reader.is_some_and(|reader| reader.member().is_some()),
    });
    Ok(shown.as_object().cloned().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_browsers_are_few() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        let edge = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0";
        assert_eq!((kind_of(firefox).as_str(), kind_of(edge).as_str()), ("Firefox Linux", "Edg Windows"));
        assert_eq!(kind_of(&format!("{} Firefox/1", "x".repeat(500))), "Firefox other");
    }

    #[test]
    fn what_nobody_looks_at_is_no_reading() {
        let agent = "Mozilla/5.0 Firefox/140.0";
        assert!(is_reading(&Method::GET, &HeaderMap::new(), agent));
        let followed = HeaderMap::from_iter([("sec-fetch-dest".parse().unwrap(), "document".parse().unwrap())]);
        assert!(is_reading(&Method::GET, &followed, agent));
        assert!(!is_reading(&Method::HEAD, &HeaderMap::new(), agent));
        assert!(!is_reading(&Method::GET, &HeaderMap::new(), "Googlebot/2.1"));
        for (name, value) in [
            ("sec-purpose", "prefetch;prerender"),
            ("purpose", "prefetch"),
            ("range", "bytes=0-"),
            ("sec-fetch-dest", "image"),
            ("sec-fetch-dest", "empty"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert!(!is_reading(&Method::GET, &headers, agent), "{name}");
        }
    }
}
