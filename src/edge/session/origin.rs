//! Where a request comes from, as the browser says: `Sec-Fetch-Site` and `Origin`, which no
//! script can set.

use hyper::HeaderMap;
use hyper::header::ORIGIN;
use hyper::http::uri::Authority;

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::edge) enum Origin {
    /// A page of this site.
    ThisSite,
    /// A page elsewhere, a neighbouring host included.
    Elsewhere,
    /// It does not say, as programs that are no browsers do.
    Unsaid,
}

impl Origin {
    /// The site is where the request went to, or where its author says that it stands: a
    /// proxy may hide the host.
    pub(super) fn of(headers: &HeaderMap, host: Option<&Authority>, base_url: &str) -> Self {
        // `Sec-Fetch-Site` first: `Origin` is `null` when a page sends no referrer.
        match headers.get("sec-fetch-site").map(|value| value.as_bytes()) {
            Some(b"same-origin") => return Self::ThisSite,
            // Typed in, or from a bookmark: nobody else's page has sent it.
            Some(b"none") | None => {}
            Some(_) => return Self::Elsewhere,
        }
        let Some(origin) = headers.get(ORIGIN) else {
            return Self::Unsaid;
        };
        let Some((scheme, rest)) = origin.to_str().ok().and_then(|origin| origin.split_once("://")) else {
            return Self::Elsewhere;
        };
        let is_web = matches!(scheme, "http" | "https");
        let is_host = host.is_some_and(|host| host.as_str().eq_ignore_ascii_case(rest));
        let is_configured = base_url
            .strip_prefix(scheme)
            .and_then(|url| url.strip_prefix("://"))
            .and_then(|url| url.split('/').next())
            .is_some_and(|named| named.eq_ignore_ascii_case(rest));
        if is_web && (is_host || is_configured) { Self::ThisSite } else { Self::Elsewhere }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pairs: &[(&'static str, &str)], expected: Origin) {
        let headers = pairs.iter().map(|(name, value)| {
            (hyper::header::HeaderName::from_static(name), hyper::header::HeaderValue::from_str(value).unwrap())
        });
        let host = Authority::from_static("shore.example:8080");
        let found = Origin::of(&headers.collect(), Some(&host), "https://littoral.example/");
        assert_eq!(found, expected, "{pairs:?}");
    }

    #[test]
    fn only_this_sites_own_pages_are_this_site() {
        check(&[("sec-fetch-site", "same-origin")], Origin::ThisSite);
        check(&[("sec-fetch-site", "same-origin"), ("origin", "null")], Origin::ThisSite);
        check(&[("origin", "http://shore.example:8080")], Origin::ThisSite);
        check(&[("origin", "https://littoral.example")], Origin::ThisSite);
        for elsewhere in
            ["null", "https://evil.example", "http://shore.example", "http://shore.example:8080.evil.example"]
        {
            check(&[("origin", elsewhere)], Origin::Elsewhere);
        }
        check(&[("origin", "http://littoral.example")], Origin::Elsewhere);
        for site in ["cross-site", "same-site", "x"] {
            check(&[("sec-fetch-site", site), ("origin", "http://shore.example:8080")], Origin::Elsewhere);
        }
        check(&[], Origin::Unsaid);
        check(&[("sec-fetch-site", "none")], Origin::Unsaid);
    }
}
