//! Members' own feeds: with the whole text of what they may read, at the time of asking.
//!
//! | route                          | does                                             |
//! |---|---|
//! | `GET /account/feed`            | says whether there is one                        |
//! | `POST /account/feed`           | makes its address, or another one, or takes it away |
//! | `GET /account/feed/TOKEN.xml`  | the feed (Atom, RFC 4287)                        |
//!
//! A reader of feeds has no cookie, so the address says who asks. It is shown once, when it is
//! made: the store has a digest of it. Nothing that is metered is in it, but for whom nothing is
//! counted.

use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, REFERRER_POLICY};
use jiff::Timestamp;
use serde_json::json;
use warp::filters::BoxedFilter;
use warp::{Filter, Reply};

use super::X_ROBOTS_TAG;
use crate::edge::account::minute;
use crate::edge::files::none_matches;
use crate::edge::headers::PRIVATE;
use crate::edge::live_release::LiveRelease;
use crate::edge::node::Edge;
use crate::edge::refusal::Refusal;
use crate::edge::room::{self, Response};
use crate::edge::session::{self, For, Form, Query, Reader, Sessions, route};
use crate::site::audience::Standing;
use crate::site::digest::Digest;
use crate::site::permalink::encode_path;
use crate::site::release::{FeedItem, Shelf};
use crate::site::xml::escaped;
use crate::store::{FeedDigest, Member};

const ATOM: HeaderValue = HeaderValue::from_static("application/atom+xml; charset=utf-8");

/// The room's routes.
pub(in crate::edge) fn routes(edge: Edge) -> BoxedFilter<(Response,)> {
    Sessions::of(&edge).map_or_else(room::nothing, with_sessions)
}

fn with_sessions(sessions: Sessions) -> BoxedFilter<(Response,)> {
    let own = warp::path!("account" / "feed");
    let edge = sessions.edge().clone();
    own.and(room::get())
        .and(route(sessions.clone(), For::Members, show))
        .or(own.and(room::post()).and(route(sessions, For::Members, change)))
        .unify()
        .or(warp::path!("account" / "feed" / String)
            .and(room::get())
            .and(room::with(edge))
            .and(warp::header::headers_cloned())
            .then(feed)
            .map(room::answer))
        .unify()
        .boxed()
}

/// `GET /account/feed`
async fn show(sessions: Sessions, reader: Reader, _: Query) -> Result<Response, Refusal> {
    page(&sessions, &reader, None).await
}

/// `POST /account/feed`
async fn change(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let member = reader.must_be_member()?.id;
    match form.get("do") {
        "make" => {
            let token = session::random()?;
            sessions.store().make_feed(member, FeedDigest::of(&token), Timestamp::now()).await?;
            let token = blake3::Hash::from_bytes(token).to_hex();
            let address = format!("{}account/feed/{token}.xml", reader.site_url());
            page(&sessions, &reader, Some(address)).await
        }
        "revoke" => {
            sessions.store().revoke_feed(member).await?;
            Ok(session::see_other("/account/feed"))
        }
        _ => Err(Refusal::Invalid("There is nothing of that name to do.".into())),
    }
}

/// `address`: the one that was made just now.
async fn page(sessions: &Sessions, reader: &Reader, address: Option<String>) -> Result<Response, Refusal> {
    let since = sessions.store().feed_made_at(reader.must_be_member()?.id).await?;
    let data = json!({ "address": address, "since": since.map(minute) });
    reader.form_page("account/feed", "Your feed", data)
}

/// `GET /account/feed/TOKEN.xml`
async fn feed(name: String, edge: Edge, headers: HeaderMap) -> Result<Response, Refusal> {
    let token = name.strip_suffix(".xml").and_then(|token| blake3::Hash::from_hex(token).ok());
    let (Some(token), Some(store)) = (token, edge.accounts()) else { return Err(Refusal::NotFound) };
    let digest = FeedDigest::of(token.as_bytes());
    let member = store.member_of_feed(digest).await?.ok_or(Refusal::NotFound)?;
    let (release, shelf) = (edge.release(), edge.shelf().clone());
    let address = format!("/account/feed/{name}");
    let composed = tokio::task::spawn_blocking(move || atom(&release, &shelf, &member, &address));
    let text = composed.await.map_err(|error| Refusal::fault("a feed panicked", &error))??;
    let tag = format!("\"{}\"", Digest::of(text.as_bytes()).tag());
    let mut response =
        if none_matches(&headers, &tag) { StatusCode::NOT_MODIFIED.into_response() } else { text.into_response() };
    let answer = response.headers_mut();
    answer.insert(CONTENT_TYPE, ATOM);
    answer.insert(CACHE_CONTROL, PRIVATE);
    answer.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answer.insert(X_ROBOTS_TAG, HeaderValue::from_static("noindex"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.insert(ETAG, tag);
    }
    Ok(response)
}

fn atom(release: &LiveRelease, shelf: &Shelf, member: &Member, address: &str) -> Result<String, Refusal> {
    let site = &release.site;
    let standing = Standing::Member { role: member.role, tier: member.tier.clone(), tiers: site.edge.tiers.clone() };
    let base = escaped(site.base_url.trim_end_matches('/'));
    let newest = release.feed.iter().map(|item| item.updated.as_str()).max().unwrap_or("1970-01-01T00:00:00Z");
    let (title, language) = (escaped(&site.title), escaped(&site.language));
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"{language}\">\n\
         <title>{title}</title>\n<id>{base}/</id>\n<link href=\"{base}/\"/>\n\
         <link rel=\"self\" type=\"application/atom+xml\" href=\"{base}{}\"/>\n\
         <updated>{newest}</updated>\n<author><name>{title}</name></author>\n",
        escaped(address)
    );
    for item in release.feed.iter() {
        let text = match item.audience.admits(&standing) {
            true => {
                Some(shelf.object(item.text).map_err(|error| Refusal::fault("the text of a page is gone", &error))?)
            }
            false => None,
        };
        entry(&mut out, &base, item, text.as_deref().map(String::from_utf8_lossy).as_deref());
    }
    out.push_str("</feed>\n");
    Ok(out)
}

fn entry(out: &mut String, base: &str, item: &FeedItem, text: Option<&str>) {
    let link = format!("{base}{}", escaped(&encode_path(&item.path)));
    let (published, updated) = (escaped(&item.published), escaped(&item.updated));
    out.push_str(&format!(
        "<entry>\n<title>{}</title>\n<id>{link}</id>\n<link href=\"{link}\"/>\n\
         <published>{published}</published>\n<updated>{updated}</updated>\n",
        escaped(&item.title)
    ));
    for term in &item.terms {
        out.push_str(&format!("<category term=\"{}\"/>\n", escaped(term)));
    }
    out.push_str(&format!("<summary>{}</summary>\n", escaped(&item.summary)));
    if let Some(text) = text {
        // Links in it begin at the site's root.
        out.push_str(&format!("<content type=\"html\" xml:base=\"{link}\">{}</content>\n", escaped(text)));
    }
    out.push_str("</entry>\n");
}
