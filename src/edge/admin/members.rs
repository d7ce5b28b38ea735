//! Members at the desk: found, looked at, changed.
//!
//! Nobody changes their own role or disables themselves here: the last administrator would be
//! gone by a slip. The command line can.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{desk, must_be_admin};
use crate::edge::account::minute;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Form, Query, Reader, Sessions, see_other};
use crate::site::audience::{Role, TierName};
use crate::store::{EmailAddress, EventPlace, Member, MemberChange, MemberFilter, MemberState};

/// How many members a page lists, and how many events of one are shown.
const LISTED: usize = 50;
const EVENTS: usize = 20;
/// How long what is looked for may be, in bytes.
const LONGEST: usize = 100;

/// What may be said after a deed, by the word in `?done=`.
const SAID: [(&str, &str); 5] = [
    ("role", "The role is changed. They sign in anew."),
    ("tier", "The tier is changed."),
    ("disable", "Nobody signs in to this account now."),
    ("enable", "Its owner can sign in again."),
    ("sign-out", "All sessions of this account have ended."),
];

/// `GET /admin/members`
pub(super) async fn list(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    must_be_admin(&reader)?;
    let find = query.get("find").trim();
    if find.len() > LONGEST {
        return Err(Refusal::Invalid("What is looked for may have 100 letters.".into()));
    }
    let filter = MemberFilter { part: find.to_owned(), ..MemberFilter::default() };
    // One more tells whether there is a next page.
    let mut found = sessions.store().members(filter, query.get("after"), LISTED + 1).await?;
    let has_more = found.len() > LISTED;
    found.truncate(LISTED);
    let next = found.last().filter(|_| has_more).map(|member| encoded(&member.email.to_ascii_lowercase()));
    let data = json!({
        "desk": desk(&reader, "/admin/members"),
        "find": find,
        "find_encoded": encoded(find),
        "is_first": query.get("after").is_empty(),
        "members": found.iter().map(shown).collect::<Vec<_>>(),
        "next": next,
    });
    reader.form_page("admin/members", "Members", data)
}

fn shown(member: &Member) -> Value {
    json!({
        "name": member.name,
        "email": member.email,
        "encoded": encoded(&member.email),
        "role": member.role.word(),
        "tier": member.tier.as_ref().map(TierName::as_str),
        "state": MemberState::of(member).word(),
        "is_disabled": member.disabled_at.is_some(),
        "since": minute(member.created_at),
    })
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn address(text: &str) -> Result<EmailAddress, Refusal> {
    EmailAddress::parse(text).map_err(|_| Refusal::NotFound)
}

/// `GET /admin/member`
pub(super) async fn show(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    let own = must_be_admin(&reader)?.id;
    let member = sessions.store().member_at(&address(query.get("email"))?).await?.ok_or(Refusal::NotFound)?;
    let events = sessions.store().security_events(member.id, EventPlace::NEWEST, EVENTS).await?;
    let release = sessions.edge().release();
    let tiers = release.site.edge.tiers.all();
    let is_chosen = |tier: &TierName| match &member.tier {
        Some(own) => own == tier,
        None => tiers.first() == Some(tier),
    };
    let mut data = shown(&member);
    data["desk"] = desk(&reader, "");
    data["said"] = json!(SAID.iter().find(|(done, _)| *done == query.get("done")).map(|(_, said)| said));
    data["is_own"] = (member.id == own).into();
    data["roles"] =
        Role::ALL.iter().map(|role| json!({ "word": role.word(), "is_chosen": *role == member.role })).collect();
    data["tiers"] = tiers.iter().map(|tier| json!({ "word": tier.as_str(), "is_chosen": is_chosen(tier) })).collect();
    data["events"] = events.iter().map(super::watched::shown).collect();
    reader.form_page("admin/member", &member.name, data)
}

/// `POST /admin/member`
pub(super) async fn change(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let by = must_be_admin(&reader)?.id;
    let email = address(form.get("email"))?;
    let member = sessions.store().member_at(&email).await?.ok_or(Refusal::NotFound)?;
    let deed = form.get("do");
    let change = match deed {
        "role" => MemberChange::Role(form.get("role").parse().map_err(|words: String| Refusal::Invalid(words.into()))?),
        "tier" => MemberChange::Tier(Some(tier(&sessions, form.get("tier"))?)),
        "disable" => MemberChange::Disable,
        "enable" => MemberChange::Enable,
        "sign-out" => MemberChange::SignOut,
        _ => return Err(Refusal::Invalid("There is no such change.".into())),
    };
    if member.id == by && matches!(change, MemberChange::Role(_) | MemberChange::Disable) {
        return Err(Refusal::Invalid("Nobody takes their own rights away here. The command line can.".into()));
    }
    if !sessions.store().change_member(&email, change, Some(by), reader.seen_as(), Timestamp::now()).await? {
        return Err(Refusal::NotFound);
    }
    Ok(see_other(&format!("/admin/member?email={}&done={deed}", encoded(email.as_str()))))
}

fn tier(sessions: &Sessions, name: &str) -> Result<TierName, Refusal> {
    let release = sessions.edge().release();
    let found = release.site.edge.tiers.all().iter().find(|tier| tier.as_str() == name).cloned();
    found.ok_or(Refusal::Invalid("The site has no such tier.".into()))
}
