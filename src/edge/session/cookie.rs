//! The cookies: what they are called, how they are set and read (RFC 6265).

use hyper::HeaderMap;
use hyper::header::{COOKIE, HeaderValue};
use hyper::http::uri::Authority;
use jiff::SignedDuration;

use super::token::Secret;
use crate::store::{Preferences, TextSize, Theme};

/// How long the secret behind a form without a session lives.
const FORM_LIFE: SignedDuration = SignedDuration::from_hours(24);
/// How long a browser keeps who a guest is.
const GUEST_LIFE: SignedDuration = SignedDuration::from_hours(24 * 180);
/// How long a browser keeps how the site shall look.
const LOOK_LIFE: SignedDuration = SignedDuration::from_hours(24 * 365);
/// Read by the site's script, so that static pages can follow it: `dark.large`.
const LOOK: &str = "littoral_look";

/// How the reader's browser reaches the site, as far as cookies go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::edge) enum Transport {
    /// HTTPS, or meant to be.
    Secure,
    /// HTTP on this machine.
    PlainLoopback,
}

impl Transport {
    /// Plain only when the site is asked for by a loopback name and nothing says that HTTPS
    /// is before it: a proxy that hides the host still passes on `Origin` or says so itself.
    /// A client that lies here gets cookies of its own that are worth less to itself.
    pub(super) fn of(headers: &HeaderMap, host: Option<&Authority>) -> Self {
        let name = host.map_or("", Authority::host);
        let is_loopback = matches!(name, "localhost" | "127.0.0.1" | "[::1]") || name.ends_with(".localhost");
        let begins = |header: &str| {
            headers.get(header).and_then(|value| value.to_str().ok()).is_some_and(|value| value.starts_with("https"))
        };
        if is_loopback && !begins("origin") && !begins("x-forwarded-proto") {
            Self::PlainLoopback
        } else {
            Self::Secure
        }
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Secure => ("__Host-littoral", "__Host-littoral-form"),
            Self::PlainLoopback => ("littoral", "littoral-form"),
        }
    }

    fn guest(self) -> &'static str {
        match self {
            Self::Secure => "__Host-littoral-guest",
            Self::PlainLoopback => "littoral-guest",
        }
    }

    /// The cookie by which a visitor's metered pages are counted.
    fn meter(self) -> &'static str {
        match self {
            Self::Secure => "__Host-littoral-meter",
            Self::PlainLoopback => "littoral-meter",
        }
    }
}

/// The cookies that a request brings, as far as they are ours and well formed.
pub(super) struct Brought {
    pub(super) session: Option<Secret>,
    pub(super) form: Option<Secret>,
    pub(super) guest: Option<Secret>,
    pub(super) meter: Option<Secret>,
    pub(super) look: Preferences,
}

impl Brought {
    /// The secure names count everywhere, the plain ones only where they are set.
    pub(super) fn of(headers: &HeaderMap, transport: Transport) -> Self {
        let secret = |pick: fn((&'static str, &'static str)) -> &'static str| {
            [Transport::Secure, transport].into_iter().find_map(|at| Secret::parse(value(headers, pick(at.names()))?))
        };
        Self {
            session: secret(|(session, _)| session),
            form: secret(|(_, form)| form),
            guest: [Transport::Secure, transport].into_iter().find_map(|at| Secret::parse(value(headers, at.guest())?)),
            meter: [Transport::Secure, transport].into_iter().find_map(|at| Secret::parse(value(headers, at.meter())?)),
            look: value(headers, LOOK).map(parse_look).unwrap_or_default(),
        }
    }
}

/// The value of the cookie `name`; none when it comes twice with two values, because then
/// somebody else has set one of them.
fn value<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok()).flat_map(|all| all.split(';'));
    let mut values = pairs.filter_map(|pair| {
        let (found, value) = pair.split_once('=')?;
        (found.trim() == name).then(|| value.trim())
    });
    let first = values.next()?;
    values.all(|other| other == first).then_some(first)
}

fn parse_look(text: &str) -> Preferences {
    let (theme, size) = text.split_once('.').unwrap_or((text, ""));
    Preferences { theme: Theme::parse(theme), text_size: TextSize::parse(size) }
}

/// A cookie to set.
pub(in crate::edge) struct Cookie(String);

impl Cookie {
    pub(super) fn session(transport: Transport, secret: &Secret, life: SignedDuration) -> Self {
        Self::hidden(transport, transport.names().0, &secret.text(), life)
    }

    pub(super) fn form(transport: Transport, secret: &Secret) -> Self {
        Self::hidden(transport, transport.names().1, &secret.text(), FORM_LIFE)
    }

    /// Lets somebody without an account be known again who has confirmed an address.
    pub(super) fn guest(transport: Transport, secret: &Secret) -> Self {
        Self::hidden(transport, transport.guest(), &secret.text(), GUEST_LIFE)
    }

    pub(super) fn meter(transport: Transport, secret: &Secret, life: SignedDuration) -> Self {
        Self::hidden(transport, transport.meter(), &secret.text(), life)
    }

    /// The same as a browser will send it.
    pub(in crate::edge) fn sent(&self) -> HeaderValue {
        let pair = self.0.split(';').next().unwrap_or_default();
        HeaderValue::from_str(pair).unwrap_or(HeaderValue::from_static(""))
    }

    /// Takes the session's cookie away.
    pub(in crate::edge) fn no_session(transport: Transport) -> Self {
        Self::hidden(transport, transport.names().0, "", SignedDuration::ZERO)
    }

    /// Takes the cookie of forms without a session away.
    pub(in crate::edge) fn no_form(transport: Transport) -> Self {
        Self::hidden(transport, transport.names().1, "", SignedDuration::ZERO)
    }

    /// How the site shall look, for the script on static pages; nothing chosen takes it away.
    /// Nothing in it is secret, and whoever sets it changes a colour.
    pub(in crate::edge) fn look(transport: Transport, chosen: Preferences) -> Self {
        let life = if chosen == Preferences::default() { SignedDuration::ZERO } else { LOOK_LIFE };
        let theme = chosen.theme.map_or("system", Theme::word);
        let size = chosen.text_size.map_or("normal", TextSize::word);
        let secure = if transport == Transport::Secure { "; Secure" } else { "" };
        Self(format!("{LOOK}={theme}.{size}; Path=/; Max-Age={}; SameSite=Lax{secure}", life.as_secs()))
    }

    fn hidden(transport: Transport, name: &str, value: &str, life: SignedDuration) -> Self {
        let secure = if transport == Transport::Secure { "; Secure" } else { "" };
        Self(format!("{name}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}", life.as_secs()))
    }

    /// The value of `Set-Cookie`. Made of fixed words and hexadecimal digits only.
    pub(in crate::edge) fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).unwrap_or(HeaderValue::from_static(""))
    }
}
