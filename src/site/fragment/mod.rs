//! Fragments: pieces of a static page that the edge fills, in the words of both halves.
//!
//! ```text
//! {{fragment "popular" limit=3}}             a call, in a layout or a text
//! dynamic/fragments/popular.hbs              its template; the head of it is the declaration
//! <littoral-fragment src="/_/fragment/popular?limit=3">fallback</littoral-fragment>
//!                                            what the build writes, and where it says it is
//! ```
//!
//! [`Declaration::read`] is the only reader of a head, [`Declaration::arguments`] the only
//! check of arguments, be they written by an author or sent in a request. So what the build
//! has let pass, the edge accepts.
//!
//! Knows neither how a fragment is placed nor how it is rendered.

mod declaration;
mod head;

pub use declaration::{Arguments, Cache, Declaration, NotAccepted, Scope};
pub use head::template_text;

/// The element around a fallback. The client's script fills it where no edge did.
pub const ELEMENT: &str = "littoral-fragment";

/// Where fragments are read alone.
pub const PATH: &str = "/_/fragment/";

/// Where the client's script is, which stands once in each page with a fragment.
pub const SCRIPT: &str = "/_/fragment.js";

/// The folder of the templates, below `dynamic/`.
pub const FOLDER: &str = "fragments/";

/// How long a name may be, in bytes.
const LONGEST_NAME: usize = 64;

/// Whether `name` can be the name of a fragment: small letters, figures and `-`, a letter
/// first. It stands in addresses and names a file.
pub fn is_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
