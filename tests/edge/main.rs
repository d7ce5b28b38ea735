//! The edge, through its front door: a real listener, a real client, one module a room.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may end there")]
#![allow(unreachable_pub, reason = "nothing reaches into a program of tests")]

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
mod moved;
mod newsletter;
mod notification;
mod pages;
mod patience;
#[path = "../postgres/mod.rs"]
mod postgres;
mod preferences;
mod receiver;
mod reload;
mod search;
mod session;
mod support;
mod webhook;
