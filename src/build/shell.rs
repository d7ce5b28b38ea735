//! Shells: a layout rendered once, with holes for what the edge makes.
//!
//! A hole is a mark that no text contains; after the render the marks are cut out and
//! their byte offsets kept. The edge splices there and parses nothing.

/// The mark for the hole `name`. Private-use characters: no markup, nothing to escape.
pub fn mark(name: &str) -> String {
    format!("\u{F8FE}hole:{name}\u{F8FF}")
}

/// The bytes without marks, and where each hole is in them.
pub fn cut(rendered: &[u8]) -> (Vec<u8>, Vec<(String, usize)>) {
    let opening = "\u{F8FE}hole:".as_bytes();
    let closing = "\u{F8FF}".as_bytes();
    let mut bytes = Vec::with_capacity(rendered.len());
    let mut holes = Vec::new();
    let mut rest = rendered;
    while let Some(at) = memchr::memmem::find(rest, opening) {
        let after = &rest[at + opening.len()..];
        let Some(end) = memchr::memmem::find(after, closing) else { break };
        bytes.extend_from_slice(&rest[..at]);
        holes.push((String::from_utf8_lossy(&after[..end]).into_owned(), bytes.len()));
        rest = &after[end + closing.len()..];
    }
    bytes.extend_from_slice(rest);
    (bytes, holes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_cut_out_and_remembered() {
        let text = format!("<title>{}</title><main>{}</main>", mark("title"), mark("main"));
        let (bytes, holes) = cut(text.as_bytes());
        assert_eq!(bytes, b"<title></title><main></main>");
        assert_eq!(holes, [("title".to_owned(), 7), ("main".to_owned(), 21)]);
    }
}
