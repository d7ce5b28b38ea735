//! Writing text into HTML.

/// Appends `text`, which will stand between tags.
pub(super) fn push_text(out: &mut String, text: &str) {
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if !ESCAPED[usize::from(byte)] {
            continue;
        }
        out.push_str(&text[from..at]);
        out.push_str(match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            _ => "&quot;",
        });
        from = at + 1;
    }
    out.push_str(&text[from..]);
}

/// A table and no comparisons: every byte of every page is asked about.
const ESCAPED: [bool; 256] = {
    let mut table = [false; 256];
    table[b'&' as usize] = true;
    table[b'<' as usize] = true;
    table[b'>' as usize] = true;
    table[b'"' as usize] = true;
    table
};

/// Appends `text`, which will stand in a quoted attribute.
pub(super) fn push_attribute(out: &mut String, text: &str) {
    push_text(out, text);
}

/// Appends `destination` to an `href` or `src`: what may not stand in a URL is
/// percent-encoded (RFC 3986 §2.1), what is encoded already stays.
pub(super) fn push_destination(out: &mut String, destination: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut from = 0;
    for (at, byte) in destination.bytes().enumerate() {
        let safe = byte.is_ascii_alphanumeric() || b"-_.+!*(),%#@?=;:/$~".contains(&byte);
        if safe {
            continue;
        }
        // Only ASCII bytes and bytes of multi-byte characters get here, and each of the
        // latter gets here: the slices between are whole characters.
        out.push_str(destination.get(from..at).unwrap_or_default());
        from = at + 1;
        match byte {
            b'&' => out.push_str("&amp;"),
            b'\'' => out.push_str("&#x27;"),
            _ => {
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
    out.push_str(destination.get(from..).unwrap_or_default());
}
