//! The sources of the fragments about a member's reading.

use serde_json::{Map, Value, json};

use super::source::{Asked, Finding, Found, Source};
use crate::edge::reading;
use crate::edge::refusal::Refusal;
use crate::edge::session::Sessions;
use crate::site::permalink::encode_path;
use crate::store::ReadingList;

/// The source of the fragment `name`, if it is one of them.
pub(super) fn source(name: &str) -> Option<&'static dyn Source> {
    match name {
        "keep-page" => Some(&Button(ReadingList::Kept)),
        "follow-term" => Some(&Button(ReadingList::Followed)),
        "kept-pages" => Some(&Pages::Kept),
        "followed-pages" => Some(&Pages::Followed),
        "suggested-pages" => Some(&Pages::Suggested),
        _ => None,
    }
}

/// Whether a page is on a list of the reader's, and what a form wants that changes it.
#[derive(Debug)]
struct Button(ReadingList);

impl Source for Button {
    fn find<'a>(&'a self, asked: &'a Asked) -> Finding<'a> {
        Box::pin(async {
            let written = asked.parameter("page").and_then(Value::as_str).unwrap_or_default();
            // A layout knows the page by its URL.
            let path = percent_encoding::percent_decode_str(written).decode_utf8_lossy().into_owned();
            let encoded = percent_encoding::utf8_percent_encode(&path, percent_encoding::NON_ALPHANUMERIC).to_string();
            let mut values = Map::from_iter([
                ("back".to_owned(), encode_path(&path).into()),
                ("encoded".to_owned(), encoded.into()),
                ("is_listed".to_owned(), false.into()),
                ("csrf".to_owned(), Value::Null),
            ]);
            if let (Some(sessions), Some(member)) = (Sessions::of(asked.edge()), asked.member()) {
                let is_listed = sessions.store().is_on_list(self.0, member.id, &path).await?;
                values.insert("is_listed".to_owned(), is_listed.into());
                values.insert("csrf".to_owned(), asked.token()?.into());
            }
            values.insert("path".to_owned(), path.into());
            Ok(Found { values, ..Found::default() })
        })
    }
}

/// Lists of a member's; empty for everybody else.
#[derive(Debug)]
enum Pages {
    Kept,
    Followed,
    Suggested,
}

impl Pages {
    async fn list(&self, asked: &Asked) -> Result<Vec<Value>, Refusal> {
        let limit = asked.parameter("limit").and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok());
        let limit = limit.unwrap_or(reading::NEW).min(reading::NEW);
        let (Some(sessions), Some(reader), Some(member)) =
            (Sessions::of(asked.edge()), asked.reader.as_deref(), asked.member())
        else {
            return Ok(Vec::new());
        };
        let release = asked.release();
        match self {
            Self::Followed => reading::new_pages(&sessions, release, reader, member.id, limit).await,
            Self::Suggested => reading::suggestions(&sessions, release, reader, limit).await,
            Self::Kept => {
                let (kept, standing) =
                    (sessions.store().reading_list(ReadingList::Kept, member.id).await?, reader.standing());
                let title = |path: &str| release.title(path).filter(|_| release.is_for(path, &standing));
                let shown = kept
                    .iter()
                    .filter_map(|(path, _)| Some(json!({ "title": title(path)?, "url": encode_path(path) })));
                Ok(shown.take(limit).collect())
            }
        }
    }
}

impl Source for Pages {
    fn find<'a>(&'a self, asked: &'a Asked) -> Finding<'a> {
        Box::pin(async {
            let pages = self.list(asked).await?;
            Ok(Found { values: Map::from_iter([("pages".to_owned(), pages.into())]), ..Found::default() })
        })
    }
}
