//! The newsletter: who gets it, and which letters are on their way to them.
//!
//! An address is asked for twice: it is `pending` until a link in a letter to it was followed.
//! `subscribers` is one address and what becomes of it, `roll` are all of them, in and out,
//! `issues` are the letters.
//!
//! Knows nothing of pages or templates: a letter comes here rendered, with a [mark](LEAVE)
//! where each one's own link for leaving goes.

mod issues;
mod roll;
mod subscribers;

pub use issues::{Body, Fed, Issue, IssueId, ListedIssue, Recipient};
pub use roll::{Imported, ListedSubscriber, NewSubscriber, ROLL_AT_ONCE};
pub use subscribers::{LEAVE, LeaveToken, Subscribed, Wish};

pub(super) use subscribers::forget_pending;

/// The names of topics as they stand in the store: each with a space before and behind it.
fn joined(topics: &[String]) -> String {
    topics.iter().fold(String::new(), |all, topic| format!("{all} {topic} "))
}

/// The same, as a list.
fn apart(topics: &str) -> Vec<String> {
    topics.split_whitespace().map(str::to_owned).collect()
}
