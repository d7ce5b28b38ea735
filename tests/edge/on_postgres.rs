//! The same tests, with the store on PostgreSQL. `tests/tidy.rs` holds that these are all.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may end there")]
#![allow(unreachable_pub, reason = "nothing reaches into a program of tests")]

mod access;
mod account;
mod admin;
mod api;
mod browser;
mod conditions;
mod costs;
mod data_page;
mod files;
mod form;
mod fragment;
mod health;
mod history;
mod hostile;
mod laws;
mod listed;
mod listing;
mod live;
mod meter;
mod moved;
mod own_feed;
mod pages;
mod patience;
#[path = "../postgres/mod.rs"]
mod postgres;
mod preferences;
mod preview;
mod receiver;
mod reload;
mod search;
mod session;
mod support;
mod webhook;
