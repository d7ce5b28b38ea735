//! The text of a page, made fit for a letter: as HTML that mail programs show, and as plain
//! text.
//!
//! A letter lies in somebody's mailbox, so each address in it is whole; what cannot work there
//! (scripts, forms, players) is left out. Mail programs know no stylesheet, so the few things
//! that would look wrong without one get a style of their own.
//!
//! What comes in is what the build made of the author's own text: it is cut, not sanitised.

use std::borrow::Cow;
use std::fmt::Write;

/// Left out with what is in them.
const LEFT_OUT: [&str; 14] = [
    "audio", "button", "canvas", "dialog", "form", "iframe", "noscript", "object", "script", "select", "style", "svg",
    "template", "video",
];
/// Attributes that mean something in a letter.
const ATTRIBUTES: [&str; 15] = [
    "align", "alt", "cite", "colspan", "datetime", "dir", "height", "href", "lang", "rowspan", "src", "start", "style",
    "title", "width",
];
/// How elements look that look wrong without a stylesheet.
const STYLES: [(&str, &str); 8] = [
    ("img", "max-width:100%;height:auto"),
    ("pre", "padding:12px;overflow:auto;border:1px solid #8a9aa6;font-size:14px;line-height:1.4"),
    ("blockquote", "margin:16px 0;padding:0 0 0 16px;border-left:3px solid #8a9aa6"),
    ("table", "border-collapse:collapse"),
    ("th", "padding:4px 12px 4px 0;border-bottom:1px solid #8a9aa6;text-align:left"),
    ("td", "padding:4px 12px 4px 0;border-bottom:1px solid #8a9aa6;vertical-align:top"),
    ("figure", "margin:16px 0"),
    ("hr", "border:0;border-top:1px solid #8a9aa6"),
];

/// Where a page stands, to make the addresses in it whole.
pub(super) struct Base<'a> {
    /// The site, with a slash at its end.
    pub(super) site: &'a str,
    /// The page.
    pub(super) page: &'a str,
}

impl Base<'_> {
    /// `address`, whole; none where it leads to nothing that a letter may lead to.
    fn whole<'t>(&self, address: &'t str) -> Option<Cow<'t, str>> {
        let address = address.trim();
        let scheme = address.split_once(':').map(|(scheme, _)| scheme);
        if let Some(scheme) = scheme.filter(|scheme| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
            let is_known = ["http", "https", "mailto", "tel"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
            return is_known.then_some(address.into());
        }
        Some(match address.as_bytes() {
            [b'/', b'/', ..] => {
                let scheme = self.site.split("//").next().unwrap_or("https:");
                format!("{scheme}{address}").into()
            }
            [b'/', rest @ ..] => format!("{}{}", self.site, &address[address.len() - rest.len()..]).into(),
            [b'#', ..] => format!("{}{address}", self.page).into(),
            [b'?', ..] => format!("{}{address}", self.page.split('?').next().unwrap_or_default()).into(),
            _ => {
                let folder = self.page.rfind('/').map_or(self.page, |at| &self.page[..=at]);
                format!("{folder}{address}").into()
            }
        })
    }
}

/// A piece of HTML.
enum Token<'h> {
    Text(&'h str),
    Open { name: String, attributes: Vec<(String, &'h str)> },
    Close { name: String },
}

/// The pieces of `html` that a letter shows.
fn tokens(html: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut rest = html;
    // Inside something that is left out: its name, and how deep.
    let mut out: Option<(String, usize)> = None;
    while !rest.is_empty() {
        let at = rest.find('<').unwrap_or(rest.len());
        if at > 0 && out.is_none() {
            found.push(Token::Text(&rest[..at]));
        }
        rest = &rest[at..];
        if rest.is_empty() {
            break;
        }
        if rest.starts_with("<!--") {
            rest = rest.find("-->").map_or("", |end| &rest[end + 3..]);
            continue;
        }
        let inside = &rest[1..];
        let (is_close, inside) = inside.strip_prefix('/').map_or((false, inside), |inside| (true, inside));
        if !inside.starts_with(|first: char| first.is_ascii_alphabetic()) {
            // `<!doctype>`, or a sign that stands for itself.
            let is_other = inside.starts_with(['!', '?']);
            if !is_other && out.is_none() {
                found.push(Token::Text(&rest[..1]));
            }
            rest = if is_other { rest.find('>').map_or("", |end| &rest[end + 1..]) } else { &rest[1..] };
            continue;
        }
        let end = inside.find(|sign: char| sign.is_ascii_whitespace() || sign == '/' || sign == '>');
        let name = inside[..end.unwrap_or(inside.len())].to_ascii_lowercase();
        let (attributes, after) = attributes(&inside[name.len()..]);
        rest = after;
        match &mut out {
            Some((open, depth)) if *open == name => {
                *depth = if is_close { *depth - 1 } else { *depth + 1 };
                if *depth == 0 {
                    out = None;
                }
            }
            Some(_) => {}
            None if LEFT_OUT.contains(&name.as_str()) => {
                if !is_close {
                    out = Some((name, 1));
                }
            }
            // An element of ours or of somebody's script: what is in it stands alone.
            None if name.contains('-') || name == "input" || name == "source" => {}
            None if is_close => found.push(Token::Close { name }),
            None => found.push(Token::Open { name, attributes }),
        }
    }
    found
}

/// The attributes of a tag, and what stands behind it.
fn attributes(tag: &str) -> (Vec<(String, &str)>, &str) {
    let mut found = Vec::new();
    let mut rest = tag;
    loop {
        rest = rest.trim_start_matches(|sign: char| sign.is_ascii_whitespace() || sign == '/');
        let Some(first) = rest.chars().next() else { return (found, "") };
        if first == '>' {
            return (found, &rest[1..]);
        }
        let end = rest[first.len_utf8()..]
            .find(|sign: char| sign.is_ascii_whitespace() || matches!(sign, '=' | '/' | '>'))
            .map_or(rest.len(), |end| end + first.len_utf8());
        let name = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            (value, rest) = match after.chars().next() {
                Some(quote @ ('"' | '\'')) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
                _ => {
                    let end = after.find(|sign: char| sign.is_ascii_whitespace() || sign == '>');
                    after.split_at(end.unwrap_or(after.len()))
                }
            };
        }
        found.push((name, value));
    }
}

/// `html`, the text of a page, as HTML for a letter.
pub(super) fn html(html: &str, base: &Base<'_>) -> String {
    let mut made = String::with_capacity(html.len() + html.len() / 4);
    for token in tokens(html) {
        match token {
            Token::Text(text) => made.push_str(text),
            Token::Close { name } => {
                let _ = write!(made, "</{name}>");
            }
            Token::Open { name, attributes } => {
                made.push('<');
                made.push_str(&name);
                let mut has_style = false;
                for (key, value) in attributes.iter().filter(|(key, _)| ATTRIBUTES.contains(&key.as_str())) {
                    has_style = has_style || key == "style";
                    let value = match key.as_str() {
                        "href" | "src" | "cite" => match base.whole(value) {
                            Some(whole) => whole,
                            None => continue,
                        },
                        _ => Cow::Borrowed(*value),
                    };
                    // As it stood, but for the sign that would end it.
                    let _ = write!(made, " {key}=\"{}\"", value.replace('"', "&quot;"));
                }
                if let Some((_, style)) = STYLES.iter().find(|(known, _)| *known == name && !has_style) {
                    let _ = write!(made, " style=\"{style}\"");
                }
                made.push('>');
            }
        }
    }
    made
}

/// What plain text is made in.
#[derive(Default)]
struct Plain {
    text: String,
    /// Line ends to come before the next word.
    due: usize,
    /// How much of the margin the blank lines among them have: a quote is not begun by one.
    shared: usize,
    /// White space to come before it.
    is_apart: bool,
    /// What begins each line: quotes, and the room of lists.
    margin: Vec<&'static str>,
    /// Numbers of the lists that are open; none for one without.
    lists: Vec<Option<usize>>,
    /// How many `<pre>` are open.
    kept: usize,
    /// The links that are open, and where their words begin.
    links: Vec<(String, usize)>,
}

impl Plain {
    /// At least so many line ends before what comes.
    fn lines(&mut self, count: usize) {
        if !self.text.is_empty() {
            self.shared = if self.due == 0 { self.margin.len() } else { self.shared.min(self.margin.len()) };
            self.due = self.due.max(count);
        }
        self.is_apart = false;
    }

    fn word(&mut self, word: &str) {
        let is_new = self.due > 0 || self.text.is_empty();
        for number in 0..self.due {
            // Blank lines in a quote are of it, too.
            if number > 0 {
                let shared = self.margin.get(..self.shared).unwrap_or(&self.margin);
                self.text.push_str(shared.concat().trim_end());
            }
            self.text.push('\n');
        }
        if is_new {
            self.text.extend(self.margin.iter().copied());
        } else if self.is_apart {
            self.text.push(' ');
        }
        self.due = 0;
        self.is_apart = false;
        self.text.push_str(word);
    }

    fn flow(&mut self, text: &str) {
        if self.kept > 0 {
            for (number, line) in text.split('\n').enumerate() {
                self.due = self.due.max(usize::from(number > 0));
                if number > 0 && line.is_empty() {
                    self.due += 1;
                } else if !line.is_empty() {
                    self.word(line);
                }
            }
            return;
        }
        self.is_apart |= text.starts_with(|sign: char| sign.is_ascii_whitespace());
        for word in text.split_ascii_whitespace() {
            self.word(word);
            self.is_apart = true;
        }
        self.is_apart =
            text.ends_with(|sign: char| sign.is_ascii_whitespace()) || (self.is_apart && text.trim_ascii().is_empty());
    }

    fn open(&mut self, name: &str, attributes: &[(String, &str)], base: &Base<'_>) {
        let value = |key: &str| attributes.iter().find(|(known, _)| known == key).map(|(_, value)| *value);
        match name {
            "br" => self.lines(1),
            "hr" => {
                self.lines(2);
                self.word("* * *");
                self.lines(2);
            }
            "img" => {
                if let Some(alt) = value("alt").filter(|alt| !alt.trim().is_empty()) {
                    self.word(&format!("[{}]", decoded(alt)));
                    self.is_apart = true;
                }
            }
            "a" => {
                let to = value("href").and_then(|href| base.whole(href)).map(|to| decoded(&to).into_owned());
                self.links.push((to.unwrap_or_default(), self.text.len()));
            }
            "ul" => {
                self.lines(if self.lists.is_empty() { 2 } else { 1 });
                self.lists.push(None);
            }
            "ol" => {
                self.lines(if self.lists.is_empty() { 2 } else { 1 });
                self.lists.push(Some(value("start").and_then(|start| start.parse().ok()).unwrap_or(1)));
            }
            "li" => {
                self.lines(1);
                let mark = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number = number.saturating_add(1);
                        format!("{}.", *number - 1)
                    }
                    _ => "-".to_owned(),
                };
                self.word(&mark);
                self.is_apart = true;
                self.margin.push("  ");
            }
            "blockquote" => {
                self.lines(2);
                self.margin.push("> ");
            }
            "pre" => {
                self.lines(2);
                self.kept += 1;
                self.margin.push("    ");
            }
            "td" | "th" => self.is_apart = true,
            "tr" => self.lines(1),
            // The first of an item stands beside its mark.
            "p" if self.margin.last() == Some(&"  ") && self.is_apart => {}
            _ if is_block(name) => self.lines(2),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "a" => {
                let Some((to, from)) = self.links.pop() else { return };
                let words = self.text.get(from..).unwrap_or_default().trim();
                if !to.is_empty() && !words.is_empty() && words != to {
                    let _ = write!(self.text, " <{to}>");
                }
            }
            "ul" | "ol" => {
                self.lists.pop();
                self.lines(if self.lists.is_empty() { 2 } else { 1 });
            }
            "li" => {
                self.margin.pop();
                self.lines(1);
            }
            "blockquote" => {
                self.margin.pop();
                self.lines(2);
            }
            "pre" => {
                self.kept = self.kept.saturating_sub(1);
                self.margin.pop();
                self.lines(2);
            }
            "td" | "th" => self.is_apart = true,
            "tr" => self.lines(1),
            _ if is_block(name) => self.lines(2),
            _ => {}
        }
    }
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "p" | "div"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "section"
            | "article"
            | "aside"
            | "figure"
            | "figcaption"
            | "table"
            | "dl"
            | "dt"
            | "dd"
            | "details"
            | "summary"
            | "header"
            | "footer"
    )
}

/// `html`, the text of a page, as plain text.
pub(super) fn text(html: &str, base: &Base<'_>) -> String {
    let mut plain = Plain::default();
    for token in tokens(html) {
        match token {
            Token::Text(text) => plain.flow(&decoded(text)),
            Token::Open { name, attributes } => plain.open(&name, &attributes, base),
            Token::Close { name } => plain.close(&name),
        }
    }
    plain.text
}

/// A text without the references of HTML: those that the build writes, and numbers.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return text.into();
    }
    let mut made = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        made.push_str(&rest[..at]);
        rest = &rest[at..];
        let found = rest.find(';').filter(|end| *end <= 10).and_then(|end| Some((end, sign_of(&rest[1..end])?)));
        match found {
            Some((end, sign)) => {
                made.push(sign);
                rest = &rest[end + 1..];
            }
            None => {
                made.push('&');
                rest = &rest[1..];
            }
        }
    }
    made.push_str(rest);
    made.into()
}

fn sign_of(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|sign| !sign.is_control() || *sign == '\n')?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Base<'_> = Base { site: "https://shore.example/", page: "https://shore.example/posts/tides/" };

    #[test]
    fn addresses_become_whole() {
        for (written, whole) in [
            ("/a/", "https://shore.example/a/"),
            ("low.jpg", "https://shore.example/posts/tides/low.jpg"),
            ("#neap", "https://shore.example/posts/tides/#neap"),
            ("?a=1", "https://shore.example/posts/tides/?a=1"),
            ("//cdn.example/a", "https://cdn.example/a"),
            ("https://other.example/", "https://other.example/"),
            ("mailto:a@b.example", "mailto:a@b.example"),
        ] {
            assert_eq!(BASE.whole(written).as_deref(), Some(whole));
        }
        assert_eq!(BASE.whole("javascript:alert(1)"), None);
        assert_eq!(BASE.whole("data:text/html,x"), None);
    }

    #[test]
    fn what_cannot_work_in_a_letter_is_left_out() {
        let page = "<p class=\"x\" onclick=\"x()\">Low<script>alert(\"<p>\")</script> water<!-- not yet --></p>\
                    <form><input name=a><p>Send</p></form><littoral-fragment src=\"/_/x\">still</littoral-fragment>";
        assert_eq!(html(page, &BASE), "<p>Low water</p>still");
        assert_eq!(text(page, &BASE), "Low water\n\nstill");
    }

    #[test]
    fn images_and_links_are_whole_and_look_right() {
        let page = "<p><a href='/a/?x=1&amp;y=2'>Read</a> <img src=low.jpg alt=\"Low &amp; dry\" loading=lazy></p>";
        assert_eq!(
            html(page, &BASE),
            "<p><a href=\"https://shore.example/a/?x=1&amp;y=2\">Read</a> \
             <img src=\"https://shore.example/posts/tides/low.jpg\" alt=\"Low &amp; dry\" style=\"max-width:100%;height:auto\"></p>"
        );
        assert_eq!(text(page, &BASE), "Read <https://shore.example/a/?x=1&y=2> [Low & dry]");
    }

    #[test]
    fn a_text_keeps_its_shape() {
        let page = "<h2 id=\"neap\">Neap</h2>\n<p>Twice a <em>month</em>,\nsmall.</p>\n<ul>\n<li>one</li>\n<li><p>two</p>\n\
                    <ol start=\"3\"><li>three</li></ol></li>\n</ul>\n<blockquote>\n<p>Said.</p>\n<p>Again.</p>\n</blockquote>\n\
                    <pre><code>a  b\n\n  c &lt; d\n</code></pre>\n<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>\
                    <p>End<br>of it.</p>";
        assert_eq!(
            text(page, &BASE),
            "Neap\n\nTwice a month, small.\n\n- one\n- two\n\n  3. three\n\n> Said.\n>\n> Again.\n\n    a  b\n\n      c < d\n\n\
             A B\n1 2\n\nEnd\nof it."
        );
    }

    #[test]
    fn no_text_breaks_it() {
        for odd in
            ["<", "<a", "<a href=\"", "&#x110000;", "&", "</p></li></ul>", "<script>", "<é>", "a < b", "<a =>x</a>"]
        {
            let _ = (html(odd, &BASE), text(odd, &BASE));
        }
        assert_eq!(text("1 < 2 & 3", &BASE), "1 < 2 & 3");
    }
}
