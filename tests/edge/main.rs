//! The edge, through its front door: a real listener, a real client, one module a room.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

mod account;
mod browser;
mod conditions;
mod files;
mod health;
mod history;
mod hostile;
mod laws;
mod listing;
mod live;
mod moved;
mod pages;
mod patience;
mod preferences;
mod reload;
mod search;
mod session;
mod support;
