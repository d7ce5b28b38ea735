//! The paths that the edge answers, which no page may claim.
//!
//! One list for both halves: the build refuses a page there, the edge mounts its rooms
//! there.

/// The people's pages: the path itself and everything below it.
pub const PEOPLE: &[&str] = &[
    FORM,
    "/search",
    "/login",
    "/logout",
    "/register",
    "/account",
    "/admin",
    "/comments",
    "/newsletter",
    "/notifications",
];

/// Forms: each alone, and what is sent.
pub const FORM: &str = "/form";

/// What machines call lives below this.
pub const MACHINES: &str = "/_";

/// The reserved path that `path` falls under, if any.
pub fn claimed(path: &str) -> Option<&'static str> {
    let path = path.trim_end_matches('/');
    PEOPLE
        .iter()
        .copied()
        .chain([MACHINES])
        .find(|reserved| path.strip_prefix(reserved).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}
