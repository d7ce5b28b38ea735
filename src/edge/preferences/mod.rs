//! Preferences: how a reader wants the site to look.
//!
//! | route                            | does                                     |
//! |---|---|
//! | `GET, POST /account/preferences` | shows and saves them, also for a visitor |
//! | `POST /_/preferences`            | saves them, for the site's script        |
//!
//! A member's are kept with the account; a visitor's in a session, which begins with the
//! first that is saved. Without accounts there is no store, and the cookie alone keeps them.
//! When a visitor logs in, what they chose fills what the account
//! leaves open and replaces nothing: the account was set on purpose, and perhaps elsewhere.
//!
//! A static page is the same bytes for everybody, so it cannot show them itself: saving
//! also sets the cookie `littoral_look` (`dark.large`), which the site's script reads before
//! the first paint. Dynamic pages have them in their HTML (hole `look` of the shell, and
//! `<meta name="color-scheme">`).

use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use warp::filters::BoxedFilter;
use warp::{Filter, Reply};

use super::account::see_account;
use super::node::Edge;
use super::refusal::Refusal;
use super::room::{self, Response};
use super::session::{Cookie, For, Form, Query, Reader, Sessions, route, see_other, set, too_many};
use crate::store::{Allowance, Attempt, Preferences, TextSize, Theme};

/// Each visitor who saves something is a row: not without end for one network.
const BEGIN_AS_VISITOR: Allowance = Allowance {
    what: "begin a visitor's session from a network",
    free: 100,
    first_wait: SignedDuration::from_secs(10),
    longest_wait: SignedDuration::from_mins(10),
    forget_after: SignedDuration::from_hours(1),
};

/// The routes of this room.
pub(super) fn routes(edge: Edge) -> BoxedFilter<(Response,)> {
    let path = warp::path!("account" / "preferences");
    path.and(room::get())
        .and(route(edge.clone(), For::Everybody, show))
        .or(path.and(room::post()).and(route(edge.clone(), For::Everybody, save)))
        .unify()
        .or(warp::path!("_" / "preferences").and(room::post()).and(route(edge, For::Script, save_by_script)))
        .unify()
        .boxed()
}

/// `GET /account/preferences`
async fn show(edge: Edge, reader: Reader, query: Query) -> Result<Response, Refusal> {
    let data = json!({
        "said": (query.get("done") == "preferences").then_some("Your preferences are saved."),
        "has_accounts": edge.accounts().is_some(),
        "is_member": reader.member().is_some(),
        "preferences": choices(reader.preferences()),
    });
    reader.form_page("preferences/preferences", "Preferences", data)
}

/// `POST /account/preferences`
async fn save(edge: Edge, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let to = match reader.member() {
        Some(_) => see_account("preferences"),
        None => see_other("/account/preferences?done=preferences"),
    };
    keep(&edge, &reader, &form, to).await
}

/// `POST /_/preferences`
async fn save_by_script(edge: Edge, reader: Reader, form: Form) -> Result<Response, Refusal> {
    keep(&edge, &reader, &form, StatusCode::NO_CONTENT.into_response()).await
}

async fn keep(edge: &Edge, reader: &Reader, form: &Form, answer: Response) -> Result<Response, Refusal> {
    let chosen = parse(form)?.or(reader.preferences());
    let answer = set(answer, &Cookie::look(reader.transport(), chosen));
    let Some(sessions) = Sessions::of(edge) else { return Ok(answer) };
    match (reader.member(), reader.session()) {
        (Some(member), _) => sessions.store().keep_preferences_of_member(member.id, chosen).await?,
        (None, Some(session)) => sessions.store().keep_preferences_of_visitor(&session.digest, chosen).await?,
        (None, None) => {
            let attempts = vec![Attempt::new(BEGIN_AS_VISITOR, &reader.neighbourhood())];
            sessions.store().admit(attempts, Timestamp::now()).await?.map_err(too_many)?;
            let cookie = sessions.begin(reader, None, chosen).await?;
            // The cookie of forms stays: a form that is open in another window still counts.
            return Ok(set(answer, &cookie));
        }
    }
    Ok(answer)
}

/// What a form chose; a field that is not in it chooses nothing.
fn parse(form: &Form) -> Result<Preferences, Refusal> {
    fn one<T>(word: &str, parse: fn(&str) -> Option<T>, refusal: &'static str) -> Result<Option<T>, Refusal> {
        match word {
            "" => Ok(None),
            word => parse(word).map(Some).ok_or(Refusal::Invalid(refusal.into())),
        }
    }
    Ok(Preferences {
        theme: one(form.get("theme"), Theme::parse, "The theme is one of light, dark and system.")?,
        text_size: one(form.get("size"), TextSize::parse, "The text size is one of small, normal and large.")?,
    })
}

/// What can be chosen, and what is, for a template.
pub(super) fn choices(chosen: Preferences) -> Value {
    let theme = chosen.theme.unwrap_or(Theme::System);
    let size = chosen.text_size.unwrap_or(TextSize::Normal);
    let themes = Theme::ALL.map(|one| {
        let name = match one {
            Theme::System => "As the device says",
            Theme::Light => "Light",
            Theme::Dark => "Dark",
        };
        json!({ "word": one.word(), "name": name, "chosen": one == theme })
    });
    let sizes = TextSize::ALL.map(|one| {
        let name = match one {
            TextSize::Small => "Small",
            TextSize::Normal => "Normal",
            TextSize::Large => "Large",
        };
        json!({ "word": one.word(), "name": name, "chosen": one == size })
    });
    json!({ "theme": theme.word(), "size": size.word(), "themes": themes, "sizes": sizes })
}
