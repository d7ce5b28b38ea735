//! Which letters a member gets: notifications by kind, and the newsletter.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::described;
use crate::edge::newsletter;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Form, Query, Reader, Sessions, see_other};
use crate::site::audience::Role;
use crate::store::{ByMail, Choice, EmailAddress, Member, NoticeKind};

/// What may be said after a deed, by the word in `?done=`.
const SAID: [(&str, &str); 2] = [
    ("kept", "Your choice is kept."),
    ("asked", "Your choice is kept. For the newsletter there is a letter in your mailbox, with a link to go on."),
];

/// Whether a member can be told of a kind at all.
fn concerns(member: &Member, kind: NoticeKind) -> bool {
    match kind {
        NoticeKind::Moderation => member.role >= Role::Moderator,
        NoticeKind::Alert => member.role >= Role::Admin,
        _ => true,
    }
}

/// `GET /account/letters`
pub(super) async fn show(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    let member = reader.must_be_member()?;
    let choices = sessions.store().notice_choices(member.id).await?;
    let kinds: Vec<Value> = choices
        .iter()
        .filter(|choice| concerns(member, choice.kind))
        .map(|choice| {
            let (title, about) = described(choice.kind);
            let ways = ByMail::ALL.map(|way| {
                let name = match way {
                    ByMail::AtOnce => "at once",
                    ByMail::Daily => "once a day",
                    ByMail::Weekly => "once a week",
                    ByMail::Never => "not by mail",
                };
                json!({ "word": way.word(), "name": name, "chosen": way == choice.by_mail })
            });
            json!({ "word": choice.kind.word(), "title": title, "about": about, "ways": ways })
        })
        .collect();
    let data = json!({
        "said": SAID.iter().find(|(done, _)| *done == query.get("done")).map(|(_, said)| *said),
        "email": member.email,
        "kinds": kinds,
        "newsletter": newsletter::of_member(&sessions, member).await?,
    });
    reader.form_page("notification/letters", "Your letters", data)
}

/// `POST /account/letters`
pub(super) async fn choose(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let member = reader.must_be_member()?;
    let mut choices = Vec::new();
    for kind in NoticeKind::ALL.into_iter().filter(|kind| concerns(member, *kind)) {
        match form.get(&format!("by-mail-{}", kind.word())) {
            "" => {}
            word => {
                let by_mail = ByMail::parse(word);
                let wrong = "Letters come at once, once a day, once a week, or not at all.";
                choices.push(Choice { kind, by_mail: by_mail.ok_or(Refusal::Invalid(wrong.into()))? });
            }
        }
    }
    sessions.store().choose_notices(member.id, choices).await?;
    let Ok(email) = EmailAddress::parse(&member.email) else { return Ok(see_other("/account/letters?done=kept")) };
    let done = newsletter::choose_as_member(&sessions, &reader, &form, email, Timestamp::now()).await?;
    Ok(see_other(&format!("/account/letters?done={done}")))
}
