//! Which pages of other sites may call the API from a browser (Fetch Standard, "CORS
//! protocol"). Cookies are never sent along, and would mean nothing.

use hyper::StatusCode;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, HeaderMap, HeaderValue, ORIGIN, VARY,
};

use super::Call;
use crate::edge::room::Response;

/// What a page may send; `Authorization` is never part of `*`.
const MAY_SEND: HeaderValue = HeaderValue::from_static("authorization, content-type, if-match, if-none-match");
/// What its script may see beside the body.
const MAY_SEE: HeaderValue = HeaderValue::from_static("etag, location, retry-after, www-authenticate");

/// The answer to a question before the request, and to `OPTIONS` at all.
pub(super) fn options(methods: &'static str) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static(methods));
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, MAY_SEND);
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// Lets the page that asks see the answer, if the site's author allows its origin.
pub(super) fn let_in(call: &Call, headers: &mut HeaderMap) {
    let origins = &call.release.site.edge.api.origins;
    if origins.is_empty() {
        for name in [ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_MAX_AGE] {
            headers.remove(name);
        }
        return;
    }
    headers.append(VARY, HeaderValue::from_static("origin"));
    let Some(origin) = call.headers.get(ORIGIN) else { return };
    if origins.iter().any(|allowed| allowed == "*" || allowed.as_bytes() == origin.as_bytes()) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, MAY_SEE);
    }
}
