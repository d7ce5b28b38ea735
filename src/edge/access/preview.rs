//! Previews: who has a signed link sees the page that it is for.
//!
//! The link is `/path/?preview=TOKEN` (`site::preview`); `littoral preview` makes it. The page it
//! shows tells nobody where it came from, so the token is in no `Referer`. What lies beside the
//! page is asked for without a query: a cookie for what is below the page's path holds the token
//! as long as the browser is open.

use hyper::header::{COOKIE, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use jiff::Timestamp;

use crate::edge::live_release::Restricted;
use crate::edge::node::Edge;
use crate::site::permalink::encode_path;
use crate::site::preview;

/// The cookie that holds a token for what lies beside a page.
const COOKIE_NAME: &str = "littoral-preview";

/// The token that a request shows what stands at `path` with, if it is good.
pub(super) async fn shown_by(edge: &Edge, path: &str, restricted: &Restricted, parts: &Parts) -> Option<String> {
    let (page, token) = match &restricted.page {
        None => (path, of_query(parts.uri.query()?)?),
        Some(page) => (&**page, of_cookie(&parts.headers)?),
    };
    // Without one none was ever made. A store that does not answer shows nothing.
    let key = edge.accounts()?.secret(preview::KEY).await.ok().flatten()?;
    preview::is_good(&key, page, token, Timestamp::now()).then(|| token.to_owned())
}

/// The one token of a query.
fn of_query(query: &str) -> Option<&str> {
    let mut tokens = query.split('&').filter_map(|pair| pair.strip_prefix(preview::PARAMETER)?.strip_prefix('='));
    let token = tokens.next()?;
    tokens.next().is_none().then_some(token)
}

fn of_cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    // Those of longer paths come first (RFC 6265 §5.4), and the nearest page is the file's own.
    let mut pairs = all.flat_map(|all| all.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE_NAME).map(|(_, token)| token)
}

/// The cookie for what lies beside the page at `path`. The token is made of hexadecimal digits,
/// the path is encoded.
pub(super) fn cookie(path: &str, token: &str) -> HeaderValue {
    let path = encode_path(path).replace(';', "%3B");
    let cookie = format!("{COOKIE_NAME}={token}; Path={path}; HttpOnly; SameSite=Lax");
    HeaderValue::from_str(&cookie).unwrap_or(HeaderValue::from_static(""))
}
