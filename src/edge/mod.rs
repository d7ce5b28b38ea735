//! The edge: answers requests from a release, and what a static file cannot answer.
//!
//! One request, in order:
//!
//! ```text
//! server       a connection, within its limits
//! service      one request; a panic in it is its own 500
//! respond      normalise -> static table -> redirects -> rooms -> the site's own 404
//!   access     which of two versions a reader gets of what is not for everybody
//!   files      a static file: negotiated, conditional, in ranges
//!   fragment   a page with moving pieces in it, and each of them alone
//!   room       what every room is made with; `service::rooms` lists them
//!   page       a dynamic page, dressed in the site's shell
//!   refusal    the one place where a reason becomes a status
//! ```
//!
//! Beside the requests, `webhook` sends what they have put into the outbox.
//!
//! A static hit never meets a warp filter: it is a look-up in a table, then shared bytes.
//! Every answer comes from one whole [`LiveRelease`], whatever the build does meanwhile.
//!
//! Knows the release, never `crate::build`: it cannot read Markdown or a layout.

mod access;
mod account;
mod admin;
mod api;
mod body;
mod changes;
pub mod check;
pub mod comment;
mod connection;
mod crowd;
mod data_page;
mod files;
mod follow;
mod form;
pub mod fragment;
mod headers;
mod health;
mod history;
mod listing;
mod live;
mod live_release;
mod mail;
mod neighbourhood;
pub mod newsletter;
mod node;
mod notification;
mod options;
mod page;
mod preferences;
mod reading;
mod refusal;
mod respond;
pub mod room;
pub mod search;
mod server;
mod service;
mod session;
mod slots;
mod target;
mod templates;
mod webhook;

pub use body::Body;
pub use files::{negotiate, range};
pub use form::Uploads;
pub use live::{LiveChannel, LiveEvent};
pub use live_release::LiveRelease;
pub use mail::{Postage, try_mail};
pub use node::{Edge, EdgeError};
pub use options::{Limits, Options, Statics, Tries};
pub use page::Page;
pub use refusal::Refusal;
pub use server::Server;
pub use webhook::Deliveries;
