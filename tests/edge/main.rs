//! The edge, through its front door: a real listener, a real client, one module a room.

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
