//! What a file is, by its bytes: neither its name nor what its sender calls it is believed.

/// How many bytes from the beginning tell.
pub const HEAD: usize = 8 * 1024;

/// Texts have no signature: they are UTF-8 without control characters.
const TEXTS: [&str; 2] = ["text/plain", "text/csv"];

/// The media type of a file that begins with `head`. One that has no signature is a text if
/// `is_text`, of the first kind of text that is accepted.
pub fn media_of(head: &[u8], is_text: bool, accept: &[String]) -> Option<String> {
    if let Some(found) = infer::get(head) {
        return Some(found.mime_type().to_owned());
    }
    let text = || TEXTS.iter().find(|text| accept.iter().any(|one| one == *text));
    if is_text { text().map(|text| (*text).to_owned()) } else { None }
}

/// Whether a piece of a file is text, as far as one can tell of a piece that may end inside
/// a character.
pub fn is_text(bytes: &[u8]) -> bool {
    let is_odd = |byte: &u8| (*byte < b' ' && !matches!(byte, b'\n' | b'\r' | b'\t' | 0x0c)) || *byte == 0x7f;
    !bytes.iter().any(is_odd)
}

/// Whether files of this media type can be told.
pub(super) fn can_be_told(media: &str) -> bool {
    TEXTS.contains(&media) || infer::is_mime_supported(media)
}
