//! Mail: letters made of templates, and carried to a mail server.
//!
//! [`compose`] makes a [`Letter`] of two templates of `dynamic/mail/`: `NAME.txt.hbs` is its
//! text, with `Subject: ...` as its first line and an empty one behind that; `NAME.hbs` is the
//! same as HTML, in the frame `mail/frame`. Each gets what its room gives, and `site` (title,
//! URL). The letter goes into the outbox in the transaction of its cause, by a method of the
//! store that belongs to the room; `carry` takes it from there, `message` makes it what mail
//! servers know, `transport` hands it over.
//!
//! Links in letters begin with [`Reader::site_url`](super::session::Reader::site_url): never
//! with what a request says of its host, or a stranger could have somebody else's secret sent
//! to a host of theirs.

mod carry;
mod message;
mod transport;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::task;

pub use carry::Postage;
pub(super) use carry::carry;

use self::transport::{Outcome, Transport};
use super::live_release::LiveRelease;
use super::refusal::Refusal;
use crate::site::release::Shelf;
use crate::store::{EmailAddress, Letter};

/// The letter that the templates `mail/{template}.txt` and `mail/{template}` make of `data` for
/// `to`. `site_url` ends with a slash.
pub(super) async fn compose(
    release: &Arc<LiveRelease>,
    template: &'static str,
    to: &EmailAddress,
    site_url: &str,
    mut data: Value,
) -> Result<Letter, Refusal> {
    data["site"] = json!({ "title": release.site.title, "url": site_url, "language": release.site.language });
    let (release, to) = (Arc::clone(release), to.as_str().to_owned());
    let rendered = task::spawn_blocking(move || {
        let text = release.templates.render_text(&format!("mail/{template}.txt"), &data)?;
        let html = release.templates.render(&format!("mail/{template}"), &data)?;
        let (subject, text) = divided(&text);
        Ok(Letter { to, subject, text, html: Some(html), headers: Vec::new(), must_go: false })
    });
    match rendered.await {
        Ok(Ok(letter)) => Ok(letter),
        Ok(Err(error)) => {
            let error: handlebars::RenderError = error;
            Err(Refusal::fault("a letter cannot be rendered", &error))
        }
        Err(panic) => Err(Refusal::fault("rendering a letter panicked", &panic)),
    }
}

/// Sends a letter to `to` now, as the site in `root` is configured, and says what became of it: in
/// words for whoever configures it.
pub async fn try_mail(root: &Path, to: &EmailAddress, variables: fn(&str) -> Option<String>) -> Result<String, String> {
    let release = LiveRelease::load(&Shelf::of(root)).map_err(|error| error.to_string())?;
    let (settings, base_url) = (release.site.edge.mail.clone(), release.site.base_url.clone());
    let sender = message::sender(&settings, &release.site.title, &base_url)?;
    let patience = Postage::default().patience;
    let way = Transport::of(root, &settings, &sender, patience, variables).await?;
    let letter = compose(&Arc::new(release), "test", to, &base_url, json!({})).await;
    let letter = letter.map_err(|_| "the templates `dynamic/mail/test` cannot be used".to_owned())?;
    let now = Timestamp::now();
    let message = message::message(&letter, now.as_microsecond(), &sender, now)?;
    match way.send(message, now.as_microsecond(), patience).await {
        Outcome::Taken(None) => Ok(format!("the server {} has taken a letter to {to}", settings.server)),
        Outcome::Taken(Some(file)) => {
            Ok(format!("no mail server is configured: the letter to {to} is the file {}", file.display()))
        }
        Outcome::NoSuchAddress(why) | Outcome::Refused(why) | Outcome::NotNow(why) | Outcome::NoServer(why) => {
            Err(format!("the letter was not taken: {why}"))
        }
    }
}

/// Subject and text of what a `.txt` template has made. A subject is one line, whatever was put
/// into it.
pub(super) fn divided(text: &str) -> (String, String) {
    let (first, rest) = text.trim_start().split_once('\n').unwrap_or((text, ""));
    let subject = first.strip_prefix("Subject:").unwrap_or(first);
    let subject: String = subject.chars().map(|one| if one.is_control() { ' ' } else { one }).collect();
    (subject.trim().to_owned(), rest.trim_start_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::divided;

    #[test]
    fn a_subject_is_one_line() {
        let (subject, text) = divided("Subject: Ann\u{85}Bcc: eve@example.org\r\n\nDear Ann,\n\nlow water.\n");
        assert_eq!(subject, "Ann Bcc: eve@example.org");
        assert_eq!(text, "Dear Ann,\n\nlow water.\n");
    }
}
