//! The open page: what everybody gets in the place of one that is not for all.
//!
//! It has the layout of the whole page, and for its text what the author has said for a summary
//! and an invitation, `partials/invitation`. The text itself is not even read, so nothing of it
//! can be here: no heading, no word, no picture.

use std::rc::Rc;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::plan::{Planned, Subject};
use super::render::{Rendered, Renderer, Text, with};
use crate::build::layout::Scope;
use crate::build::model::{Fields, Kind, PageId};
use crate::build::trace::{Read, Setting};
use crate::build::world::Reader;
use crate::site::diagnostic::Diagnostic;
use crate::site::search::Document;
use crate::site::xml::escaped;

/// The partial that invites.
const INVITATION: &str = "partials/invitation";

impl Renderer<'_> {
    /// The open page of the output.
    pub(super) fn open_page(&self, reader: &Reader, output: &Planned, id: PageId) -> Rendered {
        let page = self.world.site.page(id);
        let number = match output.subject {
            Subject::Page(_, number) => number,
            _ => 1,
        };
        reader.note(&Read::Page { source: page.source.clone(), fields: said() });
        let mut rendered = Rendered::default();
        reader.note(&Read::Setting(Setting::Search));
        if number == 1 && self.world.site.config.search && page.front.in_search {
            let (path, title) = (page.permalink.as_str().to_owned(), page.title(&self.world.site.config));
            rendered.documents = vec![Document { path, title, text: page.summary.clone(), ..Document::default() }];
        }
        let invitation = match self.invitation(reader, output, id) {
            Ok(invitation) => invitation,
            Err(mistake) => return Rendered { found: vec![*mistake], ..rendered },
        };
        // The layout of a section shows its description above.
        let is_shown = page.kind == Kind::Page || page.front.description.as_ref() != Some(&page.summary);
        let summary = if page.summary.is_empty() || !is_shown {
            String::new()
        } else {
            format!("<p class=\"summary\">{}</p>\n", escaped(&page.summary))
        };
        let fields = output.layout.as_deref().map_or(Fields::NONE, |layout| self.world.layouts.fields(layout));
        let mut value = self.open_value(reader, id, fields);
        if number > 1 {
            value = self.at(reader, value, &output.path);
        }
        let text = Text {
            content: summary + &invitation,
            source: Some(page.source.clone()),
            list: self.list(output, id, number),
            ..Text::default()
        };
        rendered.and(self.lay_out(reader, output, value, text))
    }

    /// The value of `page`.
    fn open_value(&self, reader: &Reader, id: PageId, fields: Fields) -> Value {
        let described = reader.ask(&Read::Page { source: self.world.site.page(id).source.clone(), fields });
        let value = described.and_then(|mut values| values.pop()).unwrap_or_default();
        if fields.meets(Fields::named("is_open")) { with(value, "is_open", true.into()) } else { value }
    }

    fn invitation(&self, reader: &Reader, output: &Planned, id: PageId) -> Result<String, Box<Diagnostic>> {
        let page = self.world.site.page(id);
        let fields = self.world.layouts.fields(INVITATION);
        let scope = Scope {
            reader: reader.clone(),
            fields,
            source: Some(page.source.clone()),
            url: output.path.encoded(),
            content: String::new(),
            headings: Vec::new(),
            list: None,
            first: page.permalink.clone(),
        };
        let back = utf8_percent_encode(&page.permalink.encoded(), NON_ALPHANUMERIC).to_string();
        let data = json!({ "site": reader.described(), "page": self.open_value(reader, id, fields), "back": back });
        let bytes = self.world.layouts.render(INVITATION, data, &Rc::new(scope))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// What an open page says of itself, whatever its layout does.
fn said() -> Fields {
    ["title", "summary", "description"].into_iter().fold(Fields::NONE, |fields, name| fields.and(Fields::named(name)))
}
