//! The edge, through its front door: a real listener, a real client, one module a room.

mod conditions;
mod files;
mod health;
mod hostile;
mod laws;
mod live;
mod moved;
mod pages;
mod patience;
mod reload;
mod search;
mod support;
