//! Versions: what stands at one path for different readers, and what each is called.
//!
//! An output that is checked out is called by its path. One that never is has a name that no path
//! can be, so that nothing takes the one for the other.

/// For whom an output is, of those at one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Everybody: there is no other.
    Public,
    /// Everybody, in place of the other one: what may be said of a page that is not for all.
    Open,
    /// Those for whom the page is. It is never checked out.
    Full,
    /// The same in their own feeds: the text of a page alone.
    Text,
}

/// What the names of outputs begin with that are never checked out: no path does.
const FULL: &str = "full:";
const TEXT: &str = "text:";

/// Whether the output `name` is checked out.
pub fn is_checked_out(name: &str) -> bool {
    name.starts_with('/')
}

/// The path of the output `name`, if it is one that is never checked out.
pub fn path_of_full(name: &str) -> Option<&str> {
    name.strip_prefix(FULL)
}

/// The name of the output at `path` that is never checked out.
pub fn full_at(path: &str) -> String {
    format!("{FULL}{path}")
}

/// The path of the page whose text the output `name` is.
pub fn path_of_text(name: &str) -> Option<&str> {
    name.strip_prefix(TEXT)
}

/// The name of the text of the page at `path`, for feeds.
pub fn text_at(path: &str) -> String {
    format!("{TEXT}{path}")
}
