//! What readers may write: a small part of Markdown, made into HTML.
//!
//! The HTML is not what is left of theirs after cleaning; it is written here, event by event of
//! the parser, in words of this file alone: eleven elements without attributes, a link and a
//! numbered list with one. What they wrote is text, always escaped. An element is closed by
//! the one function that opened it, so the whole is balanced whatever comes.
//!
//! There is no cleaner behind it (ammonia): it would parse again what has just been written,
//! with fifteen more crates, and find nothing. That it would find nothing is what the tests
//! here and a browser (`tests/browser/comments.test.mjs`) hold.
//!
//! This is not the Markdown of the site, which the edge does not read.

use std::net::Ipv4Addr;

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd};

/// The version of this writer: kept with what it has written, so that it can be written anew.
pub const WRITER: i64 = 1;

/// How many lists and quotations are within each other; what is deeper stands in the last.
const DEEPEST: usize = 12;

/// A comment as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The HTML.
    pub html: String,
    /// How many links are in the text, whether they became one or not.
    pub links: usize,
}

/// Makes HTML of a comment.
pub fn write(source: &str) -> Written {
    let mut writer = Writer::default();
    for event in Parser::new_ext(source, Options::ENABLE_STRIKETHROUGH) {
        writer.event(event);
    }
    while writer.close() {}
    let lower = source.to_ascii_lowercase();
    let bare = lower.matches("http://").count() + lower.matches("https://").count();
    Written { html: writer.html, links: bare.max(writer.links) }
}

/// What an element is in our HTML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    /// What ends with these.
    Element(&'static str),
    /// Something that we do not show, with what is in it.
    Nothing,
    Link,
}

#[derive(Default)]
struct Writer {
    html: String,
    open: Vec<Open>,
    /// How many lists and quotations are open.
    depth: usize,
    links: usize,
}

impl Writer {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(end) => self.end(end),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => self.text(&text),
            Event::Code(code) => {
                self.html.push_str("<code>");
                self.text(&code);
                self.html.push_str("</code>");
            }
            Event::SoftBreak => self.html.push('\n'),
            Event::HardBreak => self.html.push_str("<br>\n"),
            Event::Rule | Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.element("<p>", "</p>\n"),
            // A heading of a reader's is none of the page's.
            Tag::Heading { .. } => self.element("<p><strong>", "</strong></p>\n"),
            Tag::BlockQuote(_) => self.container("<blockquote>\n", "</blockquote>\n"),
            Tag::List(None) => self.container("<ul>\n", "</ul>\n"),
            Tag::List(Some(1)) => self.container("<ol>\n", "</ol>\n"),
            Tag::List(Some(first)) => self.container(&format!("<ol start=\"{first}\">\n"), "</ol>\n"),
            // Whose list is not shown any deeper is no item either.
            Tag::Item if self.depth > DEEPEST => self.open.push(Open::Nothing),
            Tag::Item => self.element("<li>", "</li>\n"),
            Tag::CodeBlock(_) => self.element("<pre><code>", "</code></pre>\n"),
            Tag::Emphasis => self.element("<em>", "</em>"),
            Tag::Strong => self.element("<strong>", "</strong>"),
            Tag::Strikethrough => self.element("<del>", "</del>"),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => self.link(dest_url),
            _ => self.open.push(Open::Nothing),
        }
    }

    fn element(&mut self, begin: &str, end: &'static str) {
        self.html.push_str(begin);
        self.open.push(Open::Element(end));
    }

    fn container(&mut self, begin: &str, end: &'static str) {
        self.depth += 1;
        if self.depth > DEEPEST { self.open.push(Open::Nothing) } else { self.element(begin, end) }
    }

    /// A link; an image is one to it. Within another it is its text.
    fn link(&mut self, to: &CowStr<'_>) {
        self.links += 1;
        if self.open.contains(&Open::Link) || !may_lead_to(to) {
            self.open.push(Open::Nothing);
            return;
        }
        self.html.push_str("<a href=\"");
        self.text(to);
        self.html.push_str("\" rel=\"nofollow ugc noopener\">");
        self.open.push(Open::Link);
    }

    fn end(&mut self, end: TagEnd) {
        if matches!(end, TagEnd::BlockQuote(_) | TagEnd::List(_)) {
            self.depth = self.depth.saturating_sub(1);
        }
        self.close();
    }

    /// Closes what was opened last. Says whether there was something.
    fn close(&mut self) -> bool {
        match self.open.pop() {
            Some(Open::Element(end)) => self.html.push_str(end),
            Some(Open::Link) => self.html.push_str("</a>"),
            Some(Open::Nothing) => {}
            None => return false,
        }
        true
    }

    fn text(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.html.push_str("&amp;"),
                '<' => self.html.push_str("&lt;"),
                '>' => self.html.push_str("&gt;"),
                '"' => self.html.push_str("&quot;"),
                '\'' => self.html.push_str("&#39;"),
                // No browser is asked what it makes of these.
                '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}' => self.html.push('\u{fffd}'),
                other => self.html.push(other),
            }
        }
    }
}

/// Whether a reader's link may lead there: the web and mail, said in full.
fn may_lead_to(to: &str) -> bool {
    let scheme = to.split_once(':').map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
    let is_known = match scheme.as_str() {
        "http" | "https" => to[scheme.len()..].strip_prefix("://").is_some_and(begins_with_host),
        "mailto" => true,
        _ => false,
    };
    is_known && !to.chars().any(|next| next.is_control() || next.is_whitespace())
}

/// A name and perhaps a port, which every browser reads alike. Nobody's name before an `@`, which
/// is there to be taken for the host.
fn begins_with_host(rest: &str) -> bool {
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok() && port.bytes().all(|byte| byte.is_ascii_digit()));
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|next| next.is_alphanumeric() || next == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // A last label that begins with a figure makes the whole a number.
    let is_number = name.rsplit('.').next().is_some_and(|last| last.starts_with(|first: char| first.is_numeric()));
    is_port && name.split('.').all(is_label) && (!is_number || name.parse::<Ipv4Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(source: &str, expected: &str) {
        assert_eq!(write(source).html, expected, "{source:?}");
    }

    #[test]
    fn what_people_write_is_shown_as_they_meant_it() {
        check("Low *water* at **six**.", "<p>Low <em>water</em> at <strong>six</strong>.</p>\n");
        check("> so they say\n\nno", "<blockquote>\n<p>so they say</p>\n</blockquote>\n<p>no</p>\n");
        check("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n");
        check("3. a", "<ol start=\"3\">\n<li>a</li>\n</ol>\n");
        check("`a<b`", "<p><code>a&lt;b</code></p>\n");
        check("```html\n<b>\n```", "<pre><code>&lt;b&gt;\n</code></pre>\n");
        check("~~old~~", "<p><del>old</del></p>\n");
        check("# Loud", "<p><strong>Loud</strong></p>\n");
    }

    #[test]
    fn a_link_says_that_it_is_a_readers() {
        let rel = "rel=\"nofollow ugc noopener\"";
        check("[a](https://a.example/?b&c)", &format!("<p><a href=\"https://a.example/?b&amp;c\" {rel}>a</a></p>\n"));
        check("<ann@shore.example>", "<p>ann@shore.example</p>\n");
        check("[a](mailto:ann@shore.example)", &format!("<p><a href=\"mailto:ann@shore.example\" {rel}>a</a></p>\n"));
    }

    #[test]
    fn an_image_is_a_link_to_it_and_never_within_another() {
        check(
            "[![gull](https://a.example/g.png)](https://b.example/)",
            "<p><a href=\"https://b.example/\" rel=\"nofollow ugc noopener\">gull</a></p>\n",
        );
        check(
            "![a [b](https://c.example/)](https://a.example/g.png)",
            "<p><a href=\"https://a.example/g.png\" rel=\"nofollow ugc noopener\">a b</a></p>\n",
        );
    }

    #[test]
    fn html_is_text() {
        check("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n");
        check("a <img src=x onerror=alert(1)> b", "<p>a &lt;img src=x onerror=alert(1)&gt; b</p>\n");
    }

    #[test]
    fn a_link_leads_to_the_web_or_to_a_mailbox_or_nowhere() {
        for to in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "&#106;avascript:alert(1)",
            "&#x6A&#x61vascript:alert(1)",
            "java&Tab;script:alert(1)",
            "\u{1}javascript:alert(1)",
            "data:text/html;base64,PHNjcmlwdD4=",
            "vbscript:x",
            "//evil.example",
            "/account/delete",
            "http:evil",
            "https:/evil",
            "https://",
            "https://a].example/",
            "https://a.example:E/",
            "https://a.example:70000/",
            "https://a..example/",
            "https://1.2.3.4.5/",
            "https://a.0x1/",
            "https://bank.example@evil.example/",
            "https://a.example\\@evil.example/",
            "<https://a.example/ onclick=x>",
        ] {
            let html = write(&format!("[x]({to})")).html;
            assert!(!html.contains("<a"), "{to}: {html}");
        }
    }

    #[test]
    fn links_are_counted_whatever_became_of_them() {
        assert_eq!(write("http://a https://b [c](http://c)").links, 3);
        assert_eq!(write("[c](javascript:x) ![d](e)").links, 2);
        assert_eq!(write("no").links, 0);
    }

    #[test]
    fn what_is_within_itself_ten_thousand_times_has_an_end() {
        for source in
            [">".repeat(10_000), "- ".repeat(5_000), "*a ".repeat(5_000), "[".repeat(10_000), "![".repeat(5_000)]
        {
            let html = write(&source).html;
            assert_good(&html);
            assert!(html.matches("<blockquote>").count() + html.matches("<ul>").count() <= DEEPEST);
        }
    }

    /// Reads HTML as strictly as nobody would: only these tags, each closed in order.
    fn assert_good(html: &str) {
        const PLAIN: [&str; 12] =
            ["p", "em", "strong", "del", "code", "pre", "blockquote", "ul", "ol", "li", "a", "br"];
        let mut open: Vec<&str> = Vec::new();
        let mut rest = html;
        while let Some(at) = rest.find(['<', '>', '"', '\'']) {
            assert!(rest[at..].starts_with('<'), "a loose sign in {html:?}");
            let end = rest[at..].find('>').map(|end| at + end).expect("a tag has an end");
            let tag = &rest[at + 1..end];
            rest = &rest[end + 1..];
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name), "{html:?}");
                continue;
            }
            let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
            assert!(PLAIN.contains(&name), "{name} in {html:?}");
            match name {
                "a" => {
                    let href = attributes
                        .strip_prefix("href=\"")
                        .and_then(|rest| rest.strip_suffix("\" rel=\"nofollow ugc noopener\""))
                        .unwrap_or_else(|| panic!("{tag} in {html:?}"));
                    assert!(!href.contains(['"', '<', '\'', ' ']), "{href}");
                    let href = href.to_ascii_lowercase();
                    assert!(["http://", "https://", "mailto:"].iter().any(|scheme| href.starts_with(scheme)), "{href}");
                    assert!(!open.contains(&"a"), "a link in a link: {html:?}");
                }
                "ol" if !attributes.is_empty() => {
                    let start = attributes.strip_prefix("start=\"").and_then(|rest| rest.strip_suffix('"'));
                    assert!(start.is_some_and(|start| start.parse::<u64>().is_ok()), "{tag}");
                }
                _ => assert_eq!(attributes, "", "{tag}"),
            }
            if name != "br" {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{open:?} in {html:?}");
        assert!(!html.contains('\0'));
    }

    /// Markdown and HTML in pieces, put together in any order.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "<script>",
            "</script>",
            "<img src=x onerror=",
            "javascript:",
            "[",
            "](",
            ")",
            "![",
            "`",
            "```\n",
            "\n\n",
            "\n",
            "> ",
            "- ",
            "1. ",
            "*",
            "**",
            "~~",
            "<",
            ">",
            "&#",
            "&lt;",
            "\"",
            "'",
            "http://a",
            "<http://b>",
            "\u{0}",
            "\u{202e}",
            "\\",
            "|",
            "# ",
            "    ",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "mailto:",
            ":",
            "é",
            "a ",
            "[x]: javascript:y \"z\"\n",
            "[x]",
            "<a href=\"",
            "\t",
            "$",
            "{{",
            "}}",
            "<svg/onload=",
            "data:",
        ]);
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn whatever_is_written_only_good_html_comes_out(source in pieces()) {
            assert_good(&write(&source).html);
        }

        #[test]
        fn any_text_at_all_comes_out_as_good_html(source in "\\PC{0,200}") {
            assert_good(&write(&source).html);
        }
    }
}
