//! The form for a comment, and what comes by it.
//!
//! Whatever is wrong, the answer is the form with what was typed.

use hyper::StatusCode;
use hyper::header::RETRY_AFTER;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::page::{Commented, Known, closed_before, encoded, id, is_moderator, settings};
use super::shown::{place_of, readable};
use super::{letters, text};
use crate::edge::account::minute;
use crate::edge::mail;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Query, Reader, Sessions, Typed, letter_token, see_other};
use crate::site::comments::{Comments, Moderation, Who};
use crate::site::form::TRAP;
use crate::store::{
    Allowance, Attempt, Author, Comment, CommentId, CommentState, EmailAddress, NewComment, Posted, Rules, StoreError,
    Suspicion, Wants, display_name,
};

/// What one network may write.
const FROM_HERE: Allowance = Allowance {
    what: "comment from a network",
    free: 30,
    first_wait: SignedDuration::from_secs(10),
    longest_wait: SignedDuration::from_mins(10),
    forget_after: SignedDuration::from_hours(1),
};
/// What one author may write.
const BY_AUTHOR: Allowance = Allowance {
    what: "comment by an author",
    free: 10,
    first_wait: SignedDuration::from_secs(5),
    longest_wait: SignedDuration::from_mins(5),
    forget_after: SignedDuration::from_mins(10),
};
/// How many letters one address is sent to confirm comments, whoever asks for them: a stranger
/// must not fill somebody's mailbox.
const TO_ADDRESS: Allowance = Allowance {
    what: "letter to confirm a comment",
    free: 3,
    first_wait: SignedDuration::from_mins(10),
    longest_wait: SignedDuration::from_hours(12),
    forget_after: SignedDuration::from_hours(24),
};

/// What was typed.
#[derive(Debug, Default)]
struct Draft {
    text: String,
    name: String,
    email: String,
    wants: Wants,
}

/// What is wrong with it.
#[derive(Debug, Default)]
struct Faults {
    fields: Map<String, Value>,
    /// About the whole.
    whole: Option<String>,
    status: StatusCode,
    wait: Option<SignedDuration>,
}

impl Faults {
    fn none() -> Self {
        Self { status: StatusCode::OK, ..Self::default() }
    }

    fn whole(status: StatusCode, words: impl Into<String>) -> Self {
        Self { whole: Some(words.into()), status, ..Self::default() }
    }

    fn add(&mut self, field: &str, words: impl Into<String>) {
        self.status = StatusCode::UNPROCESSABLE_ENTITY;
        self.fields.insert(field.to_owned(), words.into().into());
    }

    fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.whole.is_none()
    }
}

/// The form, for a template.
fn form(
    settings: &Comments,
    reader: &Reader,
    known: &Known,
    (page, parent): (&Commented, Option<&Comment>),
    draft: &Draft,
    faults: &Faults,
) -> Value {
    let back = format!("/comments/new?page={}", page.encoded());
    let back = parent.map_or(back, |parent| format!("/comments/new?reply={}", parent.id.number()));
    let needs_address = settings.who == Who::Guests && matches!(known, Known::Nobody);
    json!({
        "page": page.encoded(),
        "page_url": page.url(),
        "title": page.title,
        "reply": parent.map(|parent| parent.id.number()),
        "parent": parent.map(|parent| json!({ "name": parent.name, "html": parent.html, "at": minute(parent.created_at) })),
        "text": draft.text,
        "name": draft.name,
        "email": draft.email,
        "wants_replies": draft.wants == Wants::Replies,
        "wants_thread": draft.wants == Wants::Thread,
        "author": match known {
            Known::Member(_) => reader.member().map(|member| member.name.clone()),
            Known::Guest(guest) => Some(guest.name.clone()),
            Known::Nobody => None,
        },
        "needs_address": needs_address,
        "may_write": needs_address || !matches!(known, Known::Nobody),
        "is_closed": settings.who == Who::Nobody,
        "login": format!("/login?next={}", encoded(&back)),
        "longest": settings.longest,
        "is_moderated": settings.moderation == Moderation::Before && !is_moderator(reader),
        "errors": faults.fields,
        "said": faults.whole,
        "has_faults": !faults.is_empty(),
        "trap": TRAP,
    })
}

/// The form for the fragment in a page: for members, who have a token already.
pub(super) async fn in_page(sessions: &Sessions, reader: &Reader, page: &Commented) -> Result<Value, Refusal> {
    let settings = settings(sessions);
    let Some(token) = reader.token()?.filter(|_| reader.member().is_some() && settings.who != Who::Nobody) else {
        return Ok(Value::Null);
    };
    let known = Known::of(sessions, reader).await?;
    let mut data = form(&settings, reader, &known, (page, None), &Draft::default(), &Faults::none());
    data["csrf"] = token.into();
    Ok(data)
}

/// What a form is about: its page, and what it answers.
async fn about(
    sessions: &Sessions,
    reader: &Reader,
    page: &str,
    reply: &str,
) -> Result<(Commented, Option<Comment>), Refusal> {
    if reply.is_empty() {
        return Ok((Commented::of(sessions, reader, page)?, None));
    }
    let (comment, page) = readable(sessions, reader, id(reply).ok_or(Refusal::NotFound)?).await?;
    Ok((page, Some(comment)))
}

/// `GET /comments/new`
pub(super) async fn show(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    let (page, parent) = about(&sessions, &reader, query.get("page"), query.get("reply")).await?;
    let known = Known::of(&sessions, &reader).await?;
    let about = (&page, parent.as_ref());
    answer(&settings(&sessions), &reader, &known, about, &Draft::default(), Faults::none())
}

fn answer(
    settings: &Comments,
    reader: &Reader,
    known: &Known,
    about: (&Commented, Option<&Comment>),
    draft: &Draft,
    faults: Faults,
) -> Result<Response, Refusal> {
    let data = form(settings, reader, known, about, draft, &faults);
    let title = match (faults.is_empty(), about.1) {
        (false, _) => format!("Error: a comment on {}", about.0.title),
        (true, None) => format!("A comment on {}", about.0.title),
        (true, Some(parent)) => format!("A reply to {}", parent.name),
    };
    let mut response = reader.form_page("comment/new", &title, data)?;
    *response.status_mut() = faults.status;
    if let Some(wait) = faults.wait {
        response.headers_mut().insert(RETRY_AFTER, (wait.as_secs().max(0) + 1).into());
    }
    Ok(response)
}

/// A text as it is kept: one kind of line end, nothing that cannot be seen.
fn cleaned(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let is_kept = |next: &char| !next.is_control() || matches!(next, '\n' | '\t');
    text.chars().filter(is_kept).collect::<String>().trim().to_owned()
}

/// What is wrong with a text, if anything is.
fn fault_of(text: &str, settings: &Comments) -> Option<String> {
    let length = text.chars().count();
    if length == 0 {
        return Some("Please write something.".to_owned());
    }
    let longest = usize::try_from(settings.longest).unwrap_or(usize::MAX);
    (length > longest).then(|| format!("This is {length} characters long. A comment has at most {longest}."))
}

/// What is to be seen in a text, whoever has written it.
fn suspicion(settings: &Comments, source: &str, links: usize, email: &EmailAddress) -> Option<Suspicion> {
    let lower = source.to_lowercase();
    if settings.blocked_words.iter().any(|word| lower.contains(&word.trim().to_lowercase())) {
        return Some(Suspicion::LooksLikeSpam("a blocked word is in it".to_owned()));
    }
    let key = email.key();
    let is_blocked = |address: &String| {
        let address = address.trim().to_ascii_lowercase();
        if address.starts_with('@') { key.ends_with(&address) } else { key == address }
    };
    if settings.blocked_addresses.iter().any(is_blocked) {
        return Some(Suspicion::LooksLikeSpam("its address is blocked".to_owned()));
    }
    let most = usize::try_from(settings.links).unwrap_or(usize::MAX);
    (links > most).then(|| Suspicion::Waits(format!("it has {links} links")))
}

/// What decides whether this text of this author is shown.
pub(super) fn rules(settings: &Comments, is_trusted: bool, source: &str, links: usize, email: &EmailAddress) -> Rules {
    Rules {
        moderation: settings.moderation,
        trusted_after: settings.trusted_after,
        is_trusted,
        suspicion: suspicion(settings, source, links, email),
    }
}

/// Of content and author.
fn once(page: &Commented, parent: Option<CommentId>, author: &str, source: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let parent = parent.map(|parent| parent.number().to_string()).unwrap_or_default();
    for part in [page.path.as_str(), &parent, author, source] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// Where the reader is, as it is kept: nobody can find the network of it without the store's key.
pub(super) async fn network(sessions: &Sessions, reader: &Reader) -> Result<[u8; 32], StoreError> {
    let key = sessions.store().comment_key().await?;
    Ok(*blake3::keyed_hash(&key, format!("network {}", reader.neighbourhood()).as_bytes()).as_bytes())
}

/// `POST /comments/new`
pub(super) async fn take(sessions: Sessions, reader: Reader, typed: Typed) -> Result<Response, Refusal> {
    let sent = &typed.form;
    let (page, parent) = about(&sessions, &reader, sent.get("page"), sent.get("reply")).await?;
    let known = Known::of(&sessions, &reader).await?;
    let settings = settings(&sessions);
    let draft = Draft {
        text: cleaned(sent.get("text")),
        name: sent.get("name").trim().chars().take(200).collect(),
        email: sent.get("email").trim().chars().take(300).collect(),
        wants: Wants::parse(sent.get("wants")),
    };
    let again = |faults| answer(&settings, &reader, &known, (&page, parent.as_ref()), &draft, faults);
    if !typed.is_from(&reader) {
        let words = "It is not known that this came from a page of this site. What you wrote is below: look it over, \
                     and send it from here.";
        return again(Faults::whole(StatusCode::FORBIDDEN, words));
    }
    if settings.who == Who::Nobody {
        return again(Faults::whole(StatusCode::FORBIDDEN, "This site takes no comments any more."));
    }
    let mut faults = Faults::none();
    if !sent.get(TRAP).is_empty() {
        faults = Faults::whole(
            StatusCode::UNPROCESSABLE_ENTITY,
            "A field that people do not see was filled in, perhaps by your browser. It is empty again: please send \
             the form once more.",
        );
    }
    if let Some(words) = fault_of(&draft.text, &settings) {
        faults.add("text", words);
    }
    let mut name = match &known {
        Known::Member(_) => reader.member().map(|member| member.name.clone()),
        Known::Guest(guest) => Some(guest.name.clone()).filter(|name| !name.is_empty()).or(Some("Guest".to_owned())),
        Known::Nobody => None,
    };
    let mut address = None;
    if matches!(known, Known::Guest(_)) && settings.who != Who::Guests {
        return again(Faults::whole(StatusCode::FORBIDDEN, "Only members write here now. What you wrote is below."));
    }
    if matches!(known, Known::Nobody) {
        if settings.who != Who::Guests {
            return again(Faults::whole(
                StatusCode::FORBIDDEN,
                "You are not signed in. What you wrote is below: copy it, sign in, and send it then.",
            ));
        }
        name = display_name(&draft.name);
        if name.is_none() {
            faults.add("name", "Please give a name of up to 80 characters, in plain letters.");
        }
        address = EmailAddress::parse(&draft.email).ok();
        if address.is_none() {
            faults.add("email", "Please give an e-mail address, such as ann@example.org.");
        }
    }
    let Some(name) = name.filter(|_| faults.is_empty()) else { return again(faults) };
    match keep(&sessions, &reader, &known, (&page, parent.as_ref()), &draft, name, address).await {
        Ok(Kept::At(place)) => Ok(see_other(&place)),
        Ok(Kept::Not(faults)) => again(faults),
        Err(Trouble::Refused(refusal)) => Err(refusal),
        Err(Trouble::Store(error)) => {
            tracing::error!(%error, page = page.path, "a comment could not be kept");
            let words =
                "This could not be kept. The fault is ours. What you wrote is below: send it again in a moment.";
            again(Faults::whole(StatusCode::SERVICE_UNAVAILABLE, words))
        }
    }
}

enum Kept {
    At(String),
    Not(Faults),
}

enum Trouble {
    Refused(Refusal),
    Store(StoreError),
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn keep(
    sessions: &Sessions,
    reader: &Reader,
    known: &Known,
    (page, parent): (&Commented, Option<&Comment>),
    draft: &Draft,
    name: String,
    address: Option<EmailAddress>,
) -> Result<Kept, Trouble> {
    let (store, settings, now) = (sessions.store(), settings(sessions), Timestamp::now());
    let network = network(sessions, reader).await?;
    let author_key = match (known, &address) {
        (Known::Member(Author::Member(member, _)), _) => format!("member {member:?}"),
        (Known::Guest(guest), _) => guest.email.key(),
        (_, Some(address)) => address.key(),
        _ => String::new(),
    };
    let mut attempts = vec![Attempt::new(FROM_HERE, &reader.neighbourhood()), Attempt::new(BY_AUTHOR, &author_key)];
    if let Some(address) = &address {
        attempts.push(Attempt::new(TO_ADDRESS, &address.key()));
    }
    if let Err(wait) = store.admit(attempts, now).await? {
        let seconds = wait.as_secs() + i64::from(wait.subsec_nanos() > 0);
        let words = format!("That were many comments. What you wrote is below: send it again in {seconds} seconds.");
        return Ok(Kept::Not(Faults { wait: Some(wait), ..Faults::whole(StatusCode::TOO_MANY_REQUESTS, words) }));
    }
    let written = text::write(&draft.text);
    let author = match (known.author(), address) {
        (Some(author), _) => author,
        (None, Some(address)) => {
            let (token, digest) = letter_token()?;
            let link = format!("{}comments/confirm?token={token}", reader.site_url());
            // Nothing that a stranger has typed: it would go to whom they like, from us.
            let data = json!({ "title": page.title, "link": link });
            let release = sessions.edge().release();
            let mut letter = mail::compose(&release, "comment-confirm", &address, reader.site_url(), data).await?;
            // Its owner, or somebody in their name, has asked for it just now; it is how they say no.
            letter.must_go = false;
            Author::Unconfirmed(address, digest, Box::new(letter))
        }
        (None, None) => return Err(Refusal::Unauthorized.into()),
    };
    let email = match &author {
        Author::Member(_, email) | Author::Guest(_, email) | Author::Unconfirmed(email, ..) => email.clone(),
    };
    let parent_id = parent.map(|parent| parent.id);
    let new = NewComment {
        page: page.path.clone(),
        parent: parent_id,
        author,
        name,
        rules: rules(&settings, is_moderator(reader), &draft.text, written.links, &email),
        source: draft.text.clone(),
        html: written.html,
        writer: text::WRITER,
        network,
        once: once(page, parent_id, &author_key, &draft.text),
        wants: draft.wants,
        closed_before: closed_before(&settings, now),
    };
    let closed = || Faults::whole(StatusCode::FORBIDDEN, "This page takes no comments any more.");
    let (id, state) = match store.post_comment(new, now).await? {
        Posted::Now(id, state) | Posted::Before(id, state) => (id, state),
        Posted::Closed => return Ok(Kept::Not(closed())),
        Posted::NoParent => {
            let words = "What you answer was taken away meanwhile. What you wrote is below.";
            return Ok(Kept::Not(Faults::whole(StatusCode::CONFLICT, words)));
        }
    };
    sessions.edge().outbox_filled();
    match state {
        CommentState::Shown => {
            sessions.edge().comments_changed(Some(&page.path));
            letters::tell(sessions.edge(), reader.site_url());
            let comment = store.comment(id).await?;
            let place = match comment {
                Some(comment) => place_of(sessions, &comment).await?,
                None => page.url(),
            };
            Ok(Kept::At(place))
        }
        CommentState::Unconfirmed => Ok(Kept::At(said_at("letter", page))),
        // To who is blocked the same is said as to who waits.
        _ => Ok(Kept::At(said_at("waiting", page))),
    }
}

/// Where it is said what became of a comment.
pub(super) fn said_at(what: &str, page: &Commented) -> String {
    format!("/comments/said?what={what}&page={}", page.encoded())
}

/// `GET /comments/said`
pub(super) async fn said(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    let page = Commented::of(&sessions, &reader, query.get("page"))?;
    let (title, words) = match query.get("what") {
        "letter" => (
            "Look into your mailbox",
            "There is a letter with a link. Your comment is here once you have followed it. Without that it is \
             forgotten after two days.",
        ),
        "waiting" => ("Thank you", "Your comment is kept. It can be read here when a moderator has looked at it."),
        "deleted" => ("It is deleted", "Your comment is taken away. What others have answered stays."),
        "reported" => ("Thank you", "A moderator will look at this comment."),
        _ => return Err(Refusal::NotFound),
    };
    let data = json!({ "title": title, "words": words, "page_url": page.url(), "page_title": page.title });
    reader.form_page("comment/said", title, data)
}

/// A changed text, looked at: what is kept, or what is wrong with it.
pub(super) fn changed(text: &str, settings: &Comments) -> Result<String, (String, String)> {
    let text = cleaned(text);
    match fault_of(&text, settings) {
        Some(words) => Err((text, words)),
        None => Ok(text),
    }
}
