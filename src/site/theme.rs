//! What the binary brings along: the built-in theme, the edge's templates, a first site.
//!
//! The tables are made by `build.rs` from the folders `layouts/`, `dynamic/` and `starter/`
//! of this repository. A site's own file of the same name takes the place of one of these.

include!(concat!(env!("OUT_DIR"), "/theme.rs"));

/// A file: path with `/` below its folder, and its bytes.
pub type File = (&'static str, &'static [u8]);

/// The layouts, and below `assets/` their stylesheets, scripts and fonts.
pub fn layouts() -> impl Iterator<Item = File> {
    LAYOUTS.iter().copied()
}

/// The templates of pages that the edge makes.
pub fn dynamic() -> impl Iterator<Item = File> {
    DYNAMIC.iter().copied()
}

/// What `littoral new` writes.
pub fn starter() -> impl Iterator<Item = File> {
    STARTER.iter().copied()
}
