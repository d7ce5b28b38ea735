//! A letter as mail servers know it: RFC 5322, text and HTML side by side.

use std::time::UNIX_EPOCH;

use jiff::Timestamp;
use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};

use crate::site::mail::Mail;
use crate::store::Letter;

/// Who letters are from: what is configured, or `noreply@` and the host of the site.
pub(super) fn sender(mail: &Mail, site_title: &str, base_url: &str) -> Result<Mailbox, String> {
    if !mail.from.is_empty() {
        let wrong = |error| format!("`edge.mail.from` is no sender: {error}");
        return mail.from.parse().map_err(|error: lettre::address::AddressError| wrong(error.to_string()));
    }
    let host = base_url.split("://").nth(1).unwrap_or(base_url).split(['/', ':']).next().unwrap_or_default();
    let address = format!("noreply@{host}").parse();
    let address = address.map_err(|_| format!("`edge.mail.from` is not set, and no sender can be made of `{host}`"))?;
    let name: String = site_title.chars().filter(|one| !one.is_control()).collect();
    Ok(Mailbox::new(Some(name), address))
}

/// The message of a letter. Its `Message-ID` is made of `id`, the letter's number in the outbox:
/// one that is sent twice, because somebody was killed between sending it and saying so, can be
/// told by who gets it.
pub(super) fn message(letter: &Letter, id: i64, sender: &Mailbox, now: Timestamp) -> Result<Message, String> {
    let to = letter.to.parse().map_err(|error| format!("`{}` is no address: {error}", letter.to))?;
    let mut builder = Message::builder()
        .from(sender.clone())
        .to(Mailbox::new(None, to))
        .date(UNIX_EPOCH + now.duration_since(Timestamp::UNIX_EPOCH).unsigned_abs())
        .subject(letter.subject.clone())
        .message_id(Some(format!("<{id}.letter@{}>", sender.email.domain())))
        // RFC 3834 §5: nobody's holiday is answered to.
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()));
    for (name, value) in &letter.headers {
        let known = HeaderName::new_from_ascii(name.clone()).map_err(|_| format!("`{name}` is no header"))?;
        if value.chars().any(char::is_control) {
            return Err(format!("the header `{name}` has more than one line"));
        }
        builder = builder.raw_header(HeaderValue::new(known, value.clone()));
    }
    let made = match &letter.html {
        Some(html) => builder.multipart(MultiPart::alternative_plain_html(letter.text.clone(), html.clone())),
        None => builder.body(letter.text.clone()),
    };
    made.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> Letter {
        Letter {
            to: "ann@example.org".to_owned(),
            subject: "Ebbe für Zoë".to_owned(),
            text: "low water".to_owned(),
            html: Some("<p>low water</p>".to_owned()),
            headers: vec![("List-Unsubscribe".to_owned(), "<https://shore.example/off>".to_owned())],
            must_go: false,
        }
    }

    fn sent(letter: &Letter) -> Result<String, String> {
        let sender = sender(&Mail::default(), "Shore", "https://shore.example:8443/").unwrap();
        message(letter, 7, &sender, Timestamp::UNIX_EPOCH)
            .map(|message| String::from_utf8(message.formatted()).unwrap())
    }

    #[test]
    fn a_letter_has_two_forms_a_sender_of_the_site_and_a_number() {
        let sent = sent(&letter()).unwrap();
        for part in [
            "From: Shore <noreply@shore.example>\r\n",
            "To: ann@example.org\r\n",
            "Message-ID: <7.letter@shore.example>\r\n",
            "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n",
            "List-Unsubscribe: <https://shore.example/off>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "multipart/alternative",
            "low water\r\n",
            "<p>low water</p>",
        ] {
            assert!(sent.contains(part), "{part} is not in:\n{sent}");
        }
        assert!(!sent.contains("Zoë"), "a header is ASCII: {sent}");
    }

    #[test]
    fn nothing_in_a_letter_makes_another_header() {
        let mut one = letter();
        one.subject = "a\r\nBcc: eve@example.org".to_owned();
        assert!(!sent(&one).unwrap().contains("\r\nBcc:"));
        one.headers = vec![("X-Tide".to_owned(), "low\r\nBcc: eve@example.org".to_owned())];
        assert!(sent(&one).is_err());
        one.headers = vec![("X Tide".to_owned(), "low".to_owned())];
        assert!(sent(&one).is_err());
        one = letter();
        one.to = "ann@example.org, eve@example.org".to_owned();
        assert!(sent(&one).is_err());
    }

    #[test]
    fn a_sender_that_is_none_is_told() {
        let mail = Mail { from: "Shore <post@>".to_owned(), ..Mail::default() };
        assert!(sender(&mail, "", "").unwrap_err().contains("edge.mail.from"));
        let mail = Mail { from: "Shore Post <post@shore.example>".to_owned(), ..Mail::default() };
        assert_eq!(sender(&mail, "", "").unwrap().email.to_string(), "post@shore.example");
    }
}
