//! The newest comments as Atom (RFC 4287): of a page, or of the whole site. Only of pages that
//! are for everybody: a feed is read by programs that nobody has signed in.

use std::fmt::Write as _;

use handlebars::html_escape;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use jiff::Timestamp;

use super::page::Commented;
use crate::edge::headers::REVALIDATE;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Query, Reader, Sessions};
use crate::site::audience::Standing;
use crate::store::Comment;

/// How many comments a feed names.
const NAMED: usize = 50;
/// How many are looked at for the feed of all pages: some may be below pages that are not for
/// everybody, or gone.
const LOOKED_AT: usize = 200;

/// `GET /comments/feed`
pub(super) async fn show(sessions: Sessions, _: Reader, query: Query) -> Result<Response, Refusal> {
    let release = sessions.edge().release();
    let page = match query.get("page") {
        "" => None,
        path => Some(Commented::find(&release, path, &Standing::Visitor).ok_or(Refusal::NotFound)?),
    };
    let limit = if page.is_some() { NAMED } else { LOOKED_AT };
    let comments = sessions.store().newest_comments(page.as_ref().map(|page| page.path.as_str()), limit).await?;
    let named: Vec<(Comment, String)> = comments
        .into_iter()
        .filter_map(|comment| {
            let title = release.commented(&comment.page, &Standing::Visitor)?.to_owned();
            Some((comment, title))
        })
        .take(NAMED)
        .collect();
    let site = &release.site;
    let (title, path) = match &page {
        Some(page) => (format!("Comments on {} · {}", page.title, site.title), format!("?page={}", page.encoded())),
        None => (format!("Comments · {}", site.title), String::new()),
    };
    let mut response = Response::new(atom(&site.base_url, &title, &path, &named).into());
    let media = HeaderValue::from_static("application/atom+xml; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, media);
    response.headers_mut().insert(CACHE_CONTROL, REVALIDATE);
    Ok(response)
}

fn atom(base_url: &str, title: &str, query: &str, named: &[(Comment, String)]) -> String {
    let moment = |time: Timestamp| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let updated = named.iter().map(|(comment, _)| comment.edited_at.unwrap_or(comment.created_at)).max();
    let own = format!("{base_url}comments/feed{query}");
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n<title>{}</title>\n\
         <id>{own}</id>\n<link rel=\"self\" href=\"{own}\"/>\n<updated>{}</updated>\n",
        escaped(title),
        moment(updated.unwrap_or(Timestamp::UNIX_EPOCH)),
        own = escaped(&own),
    );
    for (comment, page) in named {
        let link = format!("{base_url}comments/{}", comment.id.number());
        let name = if comment.name.is_empty() { "deleted" } else { &comment.name };
        // Writing to a text cannot fail.
        let _ = write!(
            xml,
            "<entry>\n<title>{}</title>\n<id>{link}</id>\n<link href=\"{link}\"/>\n<author><name>{}</name></author>\n\
             <published>{}</published>\n<updated>{}</updated>\n<content type=\"html\">{}</content>\n</entry>\n",
            escaped(&format!("{name} on {page}")),
            escaped(name),
            moment(comment.created_at),
            moment(comment.edited_at.unwrap_or(comment.created_at)),
            escaped(&comment.html),
            link = escaped(&link),
        );
    }
    xml.push_str("</feed>\n");
    xml
}

/// What XML cannot hold is left out (XML 1.0 §2.2).
fn escaped(text: &str) -> String {
    let is_char = |next: &char| !next.is_control() || matches!(next, '\n' | '\t' | '\r');
    let kept: String = text.chars().filter(|next| is_char(next) && !matches!(next, '\u{fffe}' | '\u{ffff}')).collect();
    html_escape(&kept)
}
