//! Search.

mod excerpt;
mod query;
mod question;
mod ranking;
mod read_only;
mod reader;
mod vocabulary;

pub use reader::{Found, Page, Reader, SearchError, Section, Suggestion};
