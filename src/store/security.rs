//! Security events: what concerns the safety of an account, for its owner to read.
//!
//! Each is noted in the transaction of its cause. They are kept for [`EVENTS_KEPT`], and of
//! failed tries at one account only the latest: whoever guesses must not be able to fill the
//! store, nor to push what matters out of the list.
//!
//! A try at an address that has no account is noted, too, under no member: so that it is the
//! same work, and for whoever watches over the site.

use jiff::{SignedDuration, Timestamp};

use super::StoreError;
use super::accounts::{MemberId, random_id, time};
use super::door::{Durability, Store};
use super::email_address::EmailAddress;
use super::sessions::{AGENT, cut};
use super::sql::{Row, Sql, params};

/// How long events are kept.
pub const EVENTS_KEPT: SignedDuration = SignedDuration::from_hours(24 * 180);
/// How many failed tries at one account are kept.
const FAILED_KEPT: i64 = 100;
/// How many of those at addresses that have no account, all together.
const NOBODYS_KEPT: i64 = 10_000;
/// How many further ones a new one removes at most: they go one by one, but for a store that
/// was filled by another program.
const FAILED_REMOVED: i64 = 100;

/// What stands in the place of a browser for what is done on the command line.
pub const BY_COMMAND: &str = "littoral user";

/// By what and from where something was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// `User-Agent`.
    pub agent: String,
    /// The network, never the whole address; empty when it was not by network.
    pub network: String,
}

impl Client {
    /// The command line.
    pub fn command_line() -> Self {
        Self { agent: BY_COMMAND.to_owned(), network: String::new() }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $word:literal, $said:literal;)*) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum EventKind { $($(#[$doc])* $kind),* }

        impl EventKind {
            /// All.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// As it stands in the store and in JSON.
            pub fn word(self) -> &'static str {
                match self { $(Self::$kind => $word),* }
            }

            /// For its owner.
            pub fn said(self) -> &'static str {
                match self { $(Self::$kind => $said),* }
            }
        }
    };
}

kinds! {
    /// The account was made.
    Registered = "registered", "The account was made";
    /// By a link in a letter.
    SignedInByLink = "signed-in-by-link", "Signed in by a link";
    /// With the password.
    SignedInByPassword = "signed-in-by-password", "Signed in with the password";
    /// The password was wrong.
    SignInFailed = "sign-in-failed", "Somebody tried to sign in with a wrong password";
    /// A link for signing in.
    LinkAsked = "link-asked", "A link for signing in was asked for";
    /// A link for a new password.
    PasswordLinkAsked = "password-link-asked", "A link for a new password was asked for";
    /// Or made, where there was none.
    PasswordChanged = "password-changed", "The password was changed";
    /// There is none now.
    PasswordRemoved = "password-removed", "The password was removed";
    /// Both mailboxes were asked.
    AddressAsked = "address-asked", "Another address was asked for";
    /// Both have said yes.
    AddressChanged = "address-changed", "The address was changed";
    /// One or more.
    SessionEnded = "session-ended", "A session was ended from another one";
    /// What the member may do.
    RoleChanged = "role-changed", "The role was changed";
    /// What the member has.
    TierChanged = "tier-changed", "The tier was changed";
    /// All that is held about the member.
    Exported = "exported", "Everything was exported";
    /// It will be deleted.
    DeletionAsked = "deletion-asked", "The deletion of the account was asked for";
    /// It will not.
    DeletionWithdrawn = "deletion-withdrawn", "The deletion was withdrawn";
    /// By whoever runs the site.
    Disabled = "disabled", "The account was disabled";
    /// By whoever runs the site.
    Enabled = "enabled", "The account was enabled";
}

impl EventKind {
    fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.word() == word)
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityEvent {
    /// Its number, random.
    pub id: i64,
    /// What; none when a later program has written it.
    pub kind: Option<EventKind>,
    /// When.
    pub happened_at: Timestamp,
    /// By what and from where.
    pub client: Client,
}

/// A place in the list: behind this event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPlace {
    /// In microseconds.
    pub happened_at: i64,
    /// Of those of one moment.
    pub id: i64,
}

impl EventPlace {
    /// Before all.
    pub const NEWEST: Self = Self { happened_at: i64::MAX, id: i64::MAX };

    /// Behind `event`.
    pub fn of(event: &SecurityEvent) -> Self {
        Self { happened_at: event.happened_at.as_microsecond(), id: event.id }
    }
}

fn event(row: &Row<'_>) -> Result<SecurityEvent, StoreError> {
    Ok(SecurityEvent {
        id: row.get(0)?,
        kind: EventKind::parse(&row.get::<String>(1)?),
        happened_at: time(row, 2)?,
        client: Client { agent: row.get(3)?, network: row.get(4)? },
    })
}

/// Notes an event, in the transaction of `sql`.
pub(super) fn note(
    sql: &Sql<'_>,
    member: Option<MemberId>,
    kind: EventKind,
    client: &Client,
    now: Timestamp,
) -> Result<(), StoreError> {
    sql.run(
        "INSERT INTO littoral_security_event (id, member_id, kind, happened_at, agent, network)
             VALUES ($1, $2, $3, $4, $5, $6)",
        params![
            random_id(),
            member.map(|member| member.0),
            kind.word(),
            now.as_microsecond(),
            cut(&client.agent, AGENT),
            client.network
        ],
    )
    .map(drop)
}

impl Store {
    /// Notes that somebody has tried to sign in at `email` with a wrong password, be it
    /// anybody's address or nobody's: the same statements either way.
    pub async fn sign_in_failed(&self, email: &EmailAddress, client: Client, now: Timestamp) -> Result<(), StoreError> {
        let key = email.key();
        self.write(Durability::Relaxed, move |sql| {
            let id = "SELECT id FROM littoral_member WHERE email_key = $1";
            let member = sql.row(id, params![key], |row| row.get(0).map(MemberId))?;
            note(sql, member, EventKind::SignInFailed, &client, now)?;
            let kind = EventKind::SignInFailed.word();
            match member {
                Some(member) => sql.run(
                    "DELETE FROM littoral_security_event WHERE id IN
                         (SELECT id FROM littoral_security_event WHERE kind = $1 AND member_id = $2
                              ORDER BY happened_at DESC, id DESC LIMIT $3 OFFSET $4)",
                    params![kind, member.0, FAILED_REMOVED, FAILED_KEPT],
                ),
                None => sql.run(
                    "DELETE FROM littoral_security_event WHERE id IN
                         (SELECT id FROM littoral_security_event WHERE kind = $1 AND member_id IS NULL
                              ORDER BY happened_at DESC, id DESC LIMIT $2 OFFSET $3)",
                    params![kind, FAILED_REMOVED, NOBODYS_KEPT],
                ),
            }
            .map(drop)
        })
        .await
    }

    /// Notes that a member was given all that is held about them.
    pub async fn note_export(&self, member: MemberId, client: Client, now: Timestamp) -> Result<(), StoreError> {
        self.write(Durability::Durable, move |sql| note(sql, Some(member), EventKind::Exported, &client, now)).await
    }

    /// The events of a member behind `place`, the latest first.
    pub async fn security_events(
        &self,
        member: MemberId,
        place: EventPlace,
        limit: usize,
    ) -> Result<Vec<SecurityEvent>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(move |sql| {
            sql.rows(
                "SELECT id, kind, happened_at, agent, network FROM littoral_security_event
                     WHERE member_id = $1 AND (happened_at, id) < ($2, $3) ORDER BY happened_at DESC, id DESC LIMIT $4",
                params![member.0, place.happened_at, place.id, limit],
                event,
            )
        })
        .await
    }

    /// The events of all accounts and of none behind `place`, the latest first, each with the
    /// address of its member.
    pub async fn all_security_events(
        &self,
        place: EventPlace,
        limit: usize,
    ) -> Result<Vec<(SecurityEvent, Option<String>)>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(move |sql| {
            sql.rows(
                "SELECT e.id, e.kind, e.happened_at, e.agent, e.network, m.email
                     FROM littoral_security_event e LEFT JOIN littoral_member m ON m.id = e.member_id
                     WHERE (e.happened_at, e.id) < ($1, $2) ORDER BY e.happened_at DESC, e.id DESC LIMIT $3",
                params![place.happened_at, place.id, limit],
                |row| Ok((event(row)?, row.get(5)?)),
            )
        })
        .await
    }

    /// The browsers (`User-Agent`, each once) that a member has signed in with before `moment`
    /// and within what is kept: one that is not among them is a new device.
    pub async fn last_agents(&self, member: MemberId, moment: Timestamp) -> Result<Vec<String>, StoreError> {
        self.read(move |sql| {
            sql.rows(
                "SELECT DISTINCT agent FROM littoral_security_event
                     WHERE member_id = $1 AND happened_at < $2 AND kind IN ($3, $4, $5) LIMIT 1000",
                params![
                    member.0,
                    moment.as_microsecond(),
                    EventKind::SignedInByLink.word(),
                    EventKind::SignedInByPassword.word(),
                    EventKind::Registered.word()
                ],
                |row| row.get(0),
            )
        })
        .await
    }

    /// How often something happened since `since`, at all accounts and at none, counted up to
    /// `most`: for whoever watches over the site.
    pub async fn count_events(&self, kind: EventKind, since: Timestamp, most: u32) -> Result<u64, StoreError> {
        self.read(move |sql| {
            let counted = sql.row(
                "SELECT count(*) FROM (SELECT 1 FROM littoral_security_event
                     WHERE kind = $1 AND happened_at >= $2 LIMIT $3) AS some_of_them",
                params![kind.word(), since.as_microsecond(), i64::from(most)],
                |row| row.get::<i64>(0),
            )?;
            Ok(counted.unwrap_or_default().unsigned_abs())
        })
        .await
    }
}

/// Removes what has been kept long enough. Says how many.
pub(super) fn forget_events(sql: &Sql<'_>, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let kept = i64::try_from(EVENTS_KEPT.as_micros()).unwrap_or(i64::MAX);
    sql.run(
        "DELETE FROM littoral_security_event WHERE id IN
             (SELECT id FROM littoral_security_event WHERE happened_at <= $1 ORDER BY happened_at LIMIT $2)",
        params![now.as_microsecond().saturating_sub(kept), limit],
    )
}
