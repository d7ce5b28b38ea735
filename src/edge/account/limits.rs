//! How often what may be tried.
//!
//! A guesser is stopped at three places: at one account from one network (few tries), from
//! one network at all accounts, and at one account from all networks. The last two let
//! more through and wait for a minute at most, because there others are kept waiting too: a
//! stranger must not be able to lock a member out.
//!
//! What sends a letter is counted for the network that asks and for the mailbox that gets it,
//! whoever asks: nobody's mailbox is to be filled by us.

use jiff::{SignedDuration, Timestamp};

use crate::edge::Tries;
use crate::edge::refusal::Refusal;
use crate::edge::session::{Reader, Sessions, too_many};
use crate::store::{Allowance, Attempt, EmailAddress, MemberId};

const LOGIN_AT_ACCOUNT_FROM_HERE: Allowance = Allowance {
    what: "login at an account from a network",
    free: 5,
    first_wait: SignedDuration::from_secs(2),
    longest_wait: SignedDuration::from_mins(15),
    forget_after: SignedDuration::from_hours(1),
};
const LOGIN_FROM_HERE: Allowance = Allowance {
    what: "login from a network",
    free: 30,
    first_wait: SignedDuration::from_secs(2),
    longest_wait: SignedDuration::from_mins(1),
    forget_after: SignedDuration::from_hours(1),
};
const LOGIN_AT_ACCOUNT: Allowance = Allowance {
    what: "login at an account",
    free: 50,
    first_wait: SignedDuration::from_secs(2),
    longest_wait: SignedDuration::from_mins(1),
    forget_after: SignedDuration::from_hours(24),
};
const LETTER_FROM_HERE: Allowance = Allowance {
    what: "letter asked for from a network",
    free: 20,
    first_wait: SignedDuration::from_secs(10),
    longest_wait: SignedDuration::from_mins(10),
    forget_after: SignedDuration::from_hours(1),
};
const LETTER_TO_ADDRESS: Allowance = Allowance {
    what: "letter to an address",
    free: 5,
    first_wait: SignedDuration::from_secs(30),
    longest_wait: SignedDuration::from_mins(15),
    forget_after: SignedDuration::from_hours(2),
};
const REGISTER: Allowance = Allowance {
    what: "register from a network",
    free: 10,
    first_wait: SignedDuration::from_secs(10),
    longest_wait: SignedDuration::from_mins(10),
    forget_after: SignedDuration::from_hours(1),
};
const CONFIRM: Allowance = Allowance {
    what: "confirm with a password",
    free: 5,
    first_wait: SignedDuration::from_secs(2),
    longest_wait: SignedDuration::from_mins(15),
    forget_after: SignedDuration::from_hours(1),
};
const EXPORT: Allowance = Allowance {
    what: "export of an account",
    free: 5,
    first_wait: SignedDuration::from_mins(1),
    longest_wait: SignedDuration::from_mins(15),
    forget_after: SignedDuration::from_hours(1),
};

/// A login that was let in to be tried.
pub(super) struct LoginTry {
    at_account: Vec<Attempt>,
    from_here: Vec<Attempt>,
}

impl LoginTry {
    /// It went well: the account's tries are forgotten, and this one is taken off the
    /// network's. The others there stay, or somebody with an account of their own could
    /// log in between guesses at others.
    pub(super) async fn succeeded(self, sessions: &Sessions) -> Result<(), Refusal> {
        sessions.store().forgive(self.at_account).await?;
        Ok(sessions.store().take_back(self.from_here).await?)
    }
}

/// Counts a try to log in.
pub(super) async fn log_in(sessions: &Sessions, reader: &Reader, email: &EmailAddress) -> Result<LoginTry, Refusal> {
    let (here, account) = (reader.neighbourhood(), email.key());
    let attempts = LoginTry {
        at_account: vec![
            Attempt::new(LOGIN_AT_ACCOUNT_FROM_HERE, &format!("{here} {account}")),
            Attempt::new(LOGIN_AT_ACCOUNT, &account),
        ],
        from_here: vec![Attempt::new(LOGIN_FROM_HERE, &here)],
    };
    let all = attempts.at_account.iter().chain(&attempts.from_here).cloned().collect();
    admit(sessions, all).await?;
    Ok(attempts)
}

/// Counts a wish for a letter to `email`.
pub(super) async fn letter(sessions: &Sessions, reader: &Reader, email: &EmailAddress) -> Result<(), Refusal> {
    let from_here = Attempt::new(LETTER_FROM_HERE, &reader.neighbourhood());
    admit(sessions, vec![from_here, Attempt::new(LETTER_TO_ADDRESS, &email.key())]).await
}

/// Counts a try to register `email`.
pub(super) async fn register(sessions: &Sessions, reader: &Reader, email: &EmailAddress) -> Result<(), Refusal> {
    let from_here = Attempt::new(REGISTER, &reader.neighbourhood());
    admit(sessions, vec![from_here, Attempt::new(LETTER_TO_ADDRESS, &email.key())]).await
}

/// Counts a try to confirm something with the password of `member`.
pub(super) async fn confirm(sessions: &Sessions, member: MemberId) -> Result<Vec<Attempt>, Refusal> {
    let attempts = vec![Attempt::new(CONFIRM, &format!("{member:?}"))];
    admit(sessions, attempts.clone()).await?;
    Ok(attempts)
}

/// Counts an export of all that is held about `member`.
pub(super) async fn export(sessions: &Sessions, member: MemberId) -> Result<(), Refusal> {
    admit(sessions, vec![Attempt::new(EXPORT, &format!("{member:?}"))]).await
}

async fn admit(sessions: &Sessions, attempts: Vec<Attempt>) -> Result<(), Refusal> {
    match sessions.edge().options().tries {
        Tries::Uncounted => Ok(()),
        Tries::Counted => sessions.store().admit(attempts, Timestamp::now()).await?.map_err(too_many),
    }
}
