//! The words that the build and the edge share: configuration, permalink, digest,
//! diagnostic, and the release that crosses from one to the other.
//!
//! Knows neither how a release is made (`build`) nor how it is answered from (`edge`).

pub mod alerts;
pub mod api;
pub mod audience;
pub mod comments;
pub mod config;
pub mod csv;
pub mod data_page;
pub mod diagnostic;
pub mod digest;
pub mod figures;
pub mod form;
pub mod fragment;
pub mod mail;
pub mod meter;
pub mod newsletter;
pub mod packing;
pub mod parameter;
pub mod permalink;
pub mod preview;
pub mod recursion;
pub mod release;
pub mod reserved;
pub mod search;
pub mod table;
pub mod theme;
pub mod time_span;
pub mod webhook;
pub mod xml;
pub mod yaml;
