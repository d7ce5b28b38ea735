//! Which pages have comments, for whom, and who may write them.

use jiff::{SignedDuration, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::edge::live_release::LiveRelease;
use crate::edge::refusal::Refusal;
use crate::edge::session::{Reader, Sessions};
use crate::site::audience::{Role, Standing};
use crate::site::comments::{Comments, Who};
use crate::site::permalink::encode_path;
use crate::store::{Author, Comment, CommentId, CommentsPage, EmailAddress, Guest};

/// How long a path is at most that is looked up.
const LONGEST_PATH: usize = 2_000;

/// A page that has comments, and that its reader may read.
#[derive(Clone, Debug)]
pub(super) struct Commented {
    /// Its path, decoded.
    pub(super) path: String,
    /// What it is called.
    pub(super) title: String,
}

impl Commented {
    /// The page at `path`, as links write it or decoded.
    pub(super) fn find(release: &LiveRelease, path: &str, standing: &Standing) -> Option<Self> {
        if path.len() > LONGEST_PATH {
            return None;
        }
        let path = percent_encoding::percent_decode_str(path).decode_utf8().ok()?.into_owned();
        let title = release.commented(&path, standing)?.to_owned();
        Some(Self { path, title })
    }

    /// The same for who asks.
    pub(super) fn of(sessions: &Sessions, reader: &Reader, path: &str) -> Result<Self, Refusal> {
        Self::find(&sessions.edge().release(), path, &reader.standing()).ok_or(Refusal::NotFound)
    }

    /// As it stands in a link.
    pub(super) fn url(&self) -> String {
        encode_path(&self.path)
    }

    /// As it stands behind `page=`.
    pub(super) fn encoded(&self) -> String {
        encoded(&self.path)
    }
}

/// A text as it stands in a query.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// How comments are configured.
pub(super) fn settings(sessions: &Sessions) -> Comments {
    sessions.edge().release().site.edge.comments.clone()
}

/// The number in an address.
pub(super) fn id(text: &str) -> Option<CommentId> {
    // One way to write each, so that a comment has one address.
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain).map(CommentId::from_number)
}

/// Whether the reader moderates.
pub(super) fn is_moderator(reader: &Reader) -> bool {
    reader.member().is_some_and(|member| member.role >= Role::Moderator)
}

/// Since when the last comment must have come for a page to take more.
pub(super) fn closed_before(settings: &Comments, now: Timestamp) -> Option<Timestamp> {
    if settings.closed_after_days == 0 {
        return None;
    }
    now.checked_sub(SignedDuration::from_hours(24 * i64::from(settings.closed_after_days))).ok()
}

/// Whether a page takes comments.
pub(super) fn is_open(settings: &Comments, page: &CommentsPage, now: Timestamp) -> bool {
    let is_fresh = match (closed_before(settings, now), page.last_at) {
        (Some(before), Some(last)) => last >= before,
        _ => true,
    };
    settings.who != Who::Nobody && is_fresh
}

/// Who the reader is to a comment, if they are anybody.
pub(super) enum Known {
    Member(Author),
    Guest(Guest),
    Nobody,
}

impl Known {
    pub(super) async fn of(sessions: &Sessions, reader: &Reader) -> Result<Self, Refusal> {
        if let Some(member) = reader.member() {
            // An account has one that was looked at.
            return Ok(match EmailAddress::parse(&member.email) {
                Ok(email) => Self::Member(Author::Member(member.id, email)),
                Err(_) => Self::Nobody,
            });
        }
        let Some(digest) = reader.guest() else { return Ok(Self::Nobody) };
        let guest = sessions.store().guest(digest, Timestamp::now()).await?;
        Ok(guest.map_or(Self::Nobody, Self::Guest))
    }

    pub(super) fn author(&self) -> Option<Author> {
        match self {
            Self::Member(author) => Some(author.clone()),
            Self::Guest(guest) => Some(Author::Guest(guest.id, guest.email.clone())),
            Self::Nobody => None,
        }
    }
}

/// Whether a comment is this author's.
pub(super) fn is_by(comment: &Comment, author: &Author) -> bool {
    match author {
        Author::Member(member, _) => comment.member == Some(*member),
        Author::Guest(guest, _) => comment.guest == Some(*guest),
        Author::Unconfirmed(..) => false,
    }
}
