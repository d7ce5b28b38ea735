//! A letter made of a page of the release.

use handlebars::RenderError;
use serde_json::json;

use super::markup::{self, Base};
use crate::edge::live_release::LiveRelease;
use crate::edge::mail::divided;
use crate::site::audience::Audience;
use crate::site::newsletter::Segment;
use crate::site::permalink::encode_path;
use crate::site::release::{Shelf, ShelfError};
use crate::store::{Body, EmailAddress, Issue, LEAVE, Letter};

/// Why there is no letter of a page.
#[derive(Debug, thiserror::Error)]
pub enum NoIssue {
    /// There is no such page.
    #[error("the live release has no page `{0}`: is it built?")]
    NoPage(String),
    /// Its front matter does not say that it is one.
    #[error("`{0}` has no text for letters: write `letter: true` into its front matter, and build again")]
    NoLetter(String),
    /// There is a topic or a tier that nobody has.
    #[error("{0}")]
    NoSegment(String),
    /// The text is not there.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// A template of the site is wrong.
    #[error("the letter cannot be rendered: {0}")]
    Template(#[from] Box<RenderError>),
}

/// The letter of the page at `path`, decoded, for `segment`.
pub fn issue(shelf: &Shelf, release: &LiveRelease, path: &str, segment: Segment) -> Result<Issue, NoIssue> {
    is_there(release, &segment)?;
    let title = release.title(path).ok_or_else(|| NoIssue::NoPage(path.to_owned()))?;
    let object = release.letter(path).ok_or_else(|| NoIssue::NoLetter(path.to_owned()))?;
    let content = String::from_utf8_lossy(&shelf.object(object)?).into_owned();
    let site = release.site.base_url.as_str();
    let url = format!("{}{}", site.trim_end_matches('/'), encode_path(path));
    let base = Base { site, page: &url };
    let leave_url = format!("{site}newsletter/leave?token={LEAVE}");
    let body = |content: &str| -> Result<(String, Body), NoIssue> {
        let data = json!({
            "site": { "title": release.site.title, "url": site, "language": release.site.language },
            "page": { "title": title, "url": url },
            "content": markup::html(content, &base),
            "text": markup::text(content, &base),
            "leave_url": leave_url,
        });
        let text = release.templates.render_text("mail/newsletter.txt", &data).map_err(Box::new)?;
        let (subject, text) = divided(&text);
        let html = release.templates.render("mail/newsletter", &data).map_err(Box::new)?;
        Ok((subject, Body { text, html }))
    };
    let (subject, full) = body(&content)?;
    let audience = release.restricted(path).map_or(Audience::Public, |restricted| restricted.audience.clone());
    let open = match &audience {
        Audience::Public => None,
        _ => Some(body(&invitation(release, path, &url))?.1),
    };
    let host = site.split("//").nth(1).and_then(|rest| rest.split(['/', ':']).next()).unwrap_or("localhost");
    Ok(Issue {
        page: path.to_owned(),
        subject,
        segment,
        audience,
        full,
        open,
        headers: vec![
            ("List-Id".to_owned(), format!("<newsletter.{host}>")),
            ("List-Unsubscribe".to_owned(), format!("<{leave_url}>")),
            ("List-Unsubscribe-Post".to_owned(), "List-Unsubscribe=One-Click".to_owned()),
        ],
    })
}

/// What those get whom the text is not for: what everybody may read of the page, and where it is.
fn invitation(release: &LiveRelease, path: &str, url: &str) -> String {
    let known = release.feed.iter().find(|item| item.path == path);
    let summary = known.map(|item| format!("<p>{}</p>", handlebars::html_escape(&item.summary))).unwrap_or_default();
    format!("{summary}<p>The whole text is not for every subscriber: <a href=\"{url}\">read on at the site</a>.</p>")
}

/// A letter to a segment that nobody can be in is a misspelt one.
fn is_there(release: &LiveRelease, segment: &Segment) -> Result<(), NoIssue> {
    let edge = &release.site.edge;
    let known = |names: Vec<&str>| match names.as_slice() {
        [] => "there are none".to_owned(),
        names => format!("there are {}", names.join(", ")),
    };
    match segment {
        Segment::Tag(name) if !edge.newsletter.topics.contains_key(name) => {
            let names = known(edge.newsletter.topics.keys().map(String::as_str).collect());
            Err(NoIssue::NoSegment(format!("there is no topic `{name}` in `edge.newsletter.topics`: {names}")))
        }
        Segment::Tier(name) if !edge.tiers.all().contains(name) => {
            let names = known(edge.tiers.all().iter().map(|tier| tier.as_str()).collect());
            Err(NoIssue::NoSegment(format!("there is no tier `{name}` in `edge.tiers`: {names}")))
        }
        _ => Ok(()),
    }
}

/// `issue` as a letter to one address, to look at: its link for leaving leads nowhere.
pub fn to_one(issue: &Issue, to: &EmailAddress) -> Letter {
    Letter {
        to: to.as_str().to_owned(),
        subject: format!("[Test] {}", issue.subject),
        text: issue.full.text.clone(),
        html: Some(issue.full.html.clone()),
        headers: Vec::new(),
        must_go: true,
    }
}
