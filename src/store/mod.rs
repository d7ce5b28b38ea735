//! The store: what must be remembered when the program ends.
//!
//! [`Store`] is the one door. Each file below adds the questions and deeds of one subject
//! to it; nobody outside sees a connection or writes SQL. The engine behind it is SQLite
//! ([`sqlite`] says how it is held); the statements keep to what PostgreSQL also knows
//! (`$1` parameters, `ON CONFLICT`, `RETURNING`), and every method is `async` although
//! SQLite answers a read in place, so that a second engine changes no caller.
//!
//! Times are UTC microseconds, and the caller brings them: the store has no clock, so that
//! what a session looks like in ninety days can be tested today.
//!
//! Knows nothing of HTTP, cookies or releases.

mod accounts;
mod allowances;
mod email_address;
mod history;
mod migrations;
mod preferences;
mod sessions;
mod sqlite;

pub use accounts::{Member, MemberId, NewMember, Registration};
pub use allowances::{Allowance, Attempt};
pub use email_address::{EmailAddress, NotAnEmailAddress};
pub use history::{KEPT_READS, PageRead};
pub use preferences::{Preferences, TextSize, Theme};
pub use sessions::{ListedSession, NewSession, Session, SessionDigest, SessionId};
pub use sqlite::{Store, StoreError, Work};
