//! The store: what must be remembered when the program ends.
//!
//! [`Store`] is the one door. Each file below adds the questions and deeds of one subject
//! to it; nobody outside sees a connection or writes SQL. There are two engines behind it,
//! [`sqlite`] and [`postgres`], which say how each is held; [`sql`] is the one face that
//! both have, and the statements keep to what both know (`$1` parameters, `ON CONFLICT`,
//! `RETURNING`). Every method is `async`, although SQLite answers a read in place.
//!
//! Times are UTC microseconds, and the caller brings them: the store has no clock, so that
//! what a session looks like in ninety days can be tested today.
//!
//! Beside Littoral's own tables the store holds the site's: [`tables`].
//!
//! Knows nothing of HTTP, cookies or releases.

mod accounts;
mod addresses;
mod allowances;
mod announce;
mod audit;
mod changes;
mod comments;
mod display_name;
mod door;
mod email_address;
mod entrance;
mod error;
mod feeds;
mod forms;
mod history;
mod letters;
mod links;
mod members;
mod meter;
mod migrations;
mod newsletter;
mod notification;
mod outbox;
mod postgres;
mod preferences;
mod reading;
mod rows;
mod secrets;
mod security;
mod sessions;
pub mod site_reads;
mod sql;
mod sqlite;
pub mod tables;
mod tokens;

pub use accounts::{Member, MemberId, NewMember, Registration};
pub use addresses::{AddressSaid, AskedAddress};
pub use allowances::{Allowance, Attempt};
pub use announce::{Subscriptions, WEBHOOK, webhook};
pub use audit::AuditNote;
pub use changes::{Change, ChangeDeed, Changes, KEPT as CHANGES_KEPT, RowChange};
pub use comments::{
    Author, Block, BlockKind, COMMENTS, Changed, Comment, CommentId, CommentNotice, CommentOrder, CommentRecord,
    CommentState, CommentsFrom, CommentsPage, Confirmed, Guest, GuestId, Judged, Judgement, Liked, Moved, NewComment,
    Posted, QueuePlace, Queued, Reported, Rules, Subscriber, Suspicion, TextsOfTheGone, Verdict, Wants,
};
pub use display_name::display_name;
pub use door::{Address, Store, Work};
pub use email_address::{EmailAddress, NotAnEmailAddress};
pub use entrance::{Entered, Proof};
pub use error::{QueryFault, StoreError};
pub use feeds::FeedDigest;
pub use forms::{
    ANSWERS_AT_ONCE, AnswerPlace, COUNTED, Cell, Destination, FormAnswer, FormCount, FormFile, Kept, NewAnswer,
    TWICE_WITHIN, Unfit,
};
pub use history::{KEPT_READS, PageRead};
pub use letters::{Lane, Letter, MAIL, Suppressed, SuppressedAddress};
pub use links::{Asked, Link, LinkDigest, Purpose};
pub use members::{MemberChange, MemberFilter, MemberState, Newcomer, Trial};
pub use meter::{MeterReader, Metered, MeteredRead, VisitorDigest};
pub use newsletter::{
    Body, Fed, Imported, Issue, IssueId, LEAVE, LeaveToken, ListedIssue, ListedSubscriber, NewSubscriber, ROLL_AT_ONCE,
    Recipient, Subscribed, Wish,
};
pub use notification::{
    Alert, ByMail, Choice, ClaimedParcel, Contents, Device, ListedNotice, Notice, NoticeKind, NoticePlace, OffToken,
    UNREAD_COUNTED,
};
pub use outbox::{
    Addressee, Backoff, Claimed, Fate, ListedMessage, MESSAGES_AT_ONCE, MessagePlace, MessageState, Next, Retry,
};
pub use preferences::{Preferences, TextSize, Theme};
pub use reading::{KEPT_SEARCHES, Listed, MOST_FOLLOWED, MOST_KEPT, ReadingList};
pub use rows::{OnlyIf, RowDeed, RowDone, RowFault, RowWrite, version};
pub use security::{BY_COMMAND, Client, EVENTS_KEPT, EventKind, EventPlace, SecurityEvent};
pub use sessions::{ListedSession, NewSession, Session, SessionDigest, SessionId};
pub use sql::Value;
pub use tokens::{ApiToken, KnownToken};
