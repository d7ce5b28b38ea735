//! Media types: what a path's ending says of its bytes (RFC 9110 §8.3, RFC 6838).

/// The `Content-Type` for a path, with UTF-8 named for everything that is text.
pub fn of(path: &str) -> String {
    if path.ends_with('/') {
        return "text/html; charset=utf-8".to_owned();
    }
    let end = path.rsplit('.').next().unwrap_or_default();
    // The registry's newer names, and those that a table of all systems gets wrong.
    let known = match end {
        "js" | "mjs" => Some("text/javascript"),
        "woff2" => Some("font/woff2"),
        "woff" => Some("font/woff"),
        "webmanifest" => Some("application/manifest+json"),
        "avif" => Some("image/avif"),
        "wasm" => Some("application/wasm"),
        "xml" if path.ends_with("/atom.xml") => Some("application/atom+xml"),
        _ => None,
    };
    let guessed = mime_guess::from_path(path).first_raw();
    let media = known.or(guessed).unwrap_or("application/octet-stream");
    let is_text = media.starts_with("text/")
        || media.ends_with("+xml")
        || media.ends_with("/xml")
        || matches!(media, "application/json" | "application/manifest+json" | "application/javascript");
    if is_text { format!("{media}; charset=utf-8") } else { media.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn text_names_its_charset_and_bytes_do_not() {
        assert_eq!(of("/docs/"), "text/html; charset=utf-8");
        assert_eq!(of("/404.html"), "text/html; charset=utf-8");
        assert_eq!(of("/a.css"), "text/css; charset=utf-8");
        assert_eq!(of("/a.js"), "text/javascript; charset=utf-8");
        assert_eq!(of("/atom.xml"), "application/atom+xml; charset=utf-8");
        assert_eq!(of("/logo.svg"), "image/svg+xml; charset=utf-8");
        assert_eq!(of("/font.woff2"), "font/woff2");
        assert_eq!(of("/unknown"), "application/octet-stream");
    }
}
