//! Writing text into HTML.

/// Appends `text`, which will stand between tags. Quotes stay as they are, as in the
/// examples of CommonMark they need not.
pub(super) fn push_text(out: &mut String, text: &str) {
    push_replaced(out, text, |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'"' => Some("&quot;"),
        _ => None,
    });
}

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

fn push_replaced(out: &mut String, text: &str, replacement: impl Fn(u8) -> Option<&'static str>) {
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if let Some(replacement) = replacement(byte) {
            out.push_str(&text[from..at]);
            out.push_str(replacement);
            from = at + 1;
        }
    }
    out.push_str(&text[from..]);
}
