//! Where the answers of a form go besides, as it is declared: `goes_to`.

use super::Reading;
use super::written::{Addresses, InOrder, WrittenGoesTo};
use crate::site::diagnostic::{Code, Diagnostic};
use crate::site::form::check::is_email;
use crate::site::form::{Field, GoesTo, Kind, MailTo};
use crate::site::table::{ColumnName, TableName};

/// All of them.
#[derive(Default)]
pub(super) struct Destinations {
    pub(super) goes_to: Option<GoesTo>,
    pub(super) webhook: Option<String>,
    pub(super) mail: Option<MailTo>,
}

impl Reading<'_> {
    pub(super) fn goes_to(&mut self, written: WrittenGoesTo, fields: &[Field]) -> Destinations {
        let WrittenGoesTo { table, columns, webhook, mail, reply_to } = written;
        let place = self.top("goes_to");
        if let Some(name) = webhook.as_deref().filter(|name| !self.webhooks.contains_key(*name)) {
            let message = format!("no webhook is called `{name}`");
            let names = self.webhooks.keys().map(String::as_str);
            let diagnostic = Diagnostic::error(Code::Form, place.clone(), message).near(name, names);
            self.found.push(diagnostic.hint("`edge.webhooks` in littoral.yaml has them"));
        }
        let table = match (table, columns) {
            (Some(table), Some(columns)) => Some(self.row(table, columns, fields)),
            (None, None) if webhook.is_some() || mail.is_some() => None,
            (None, None) => {
                let message = "`goes_to`: expected `table` with `columns`, `webhook`, or `mail`, found nothing";
                self.mistake(place, message.to_owned(), None);
                None
            }
            (found, _) => {
                let (found, missing) = if found.is_some() { ("table", "columns") } else { ("columns", "table") };
                self.mistake(place, format!("`goes_to` has `{found}` and no `{missing}`"), None);
                None
            }
        };
        if mail.is_none() && reply_to.is_some() {
            self.mistake(self.top("goes_to"), "`goes_to` has `reply_to` and no `mail`".to_owned(), None);
        }
        Destinations { goes_to: table, webhook, mail: mail.map(|to| self.letter(to, reply_to, fields)) }
    }

    fn letter(&mut self, to: Addresses, reply_to: Option<String>, fields: &[Field]) -> MailTo {
        let place = self.top("goes_to");
        if to.0.is_empty() {
            self.mistake(place.clone(), "`mail`: expected at least one address, found none".to_owned(), None);
        }
        for address in to.0.iter().filter(|address| !is_email(address)) {
            self.mistake(place.clone(), format!("`mail`: expected an e-mail address, found `{address}`"), None);
        }
        if let Some(name) = &reply_to {
            match fields.iter().find(|field| field.name == *name) {
                Some(field) if matches!(field.kind, Kind::Email) => {}
                Some(_) => self.mistake(place, format!("`reply_to`: `{name}` is no field of the type `email`"), None),
                None => {
                    let message = format!("`reply_to`: no field is called `{name}`");
                    let names = fields.iter().map(|field| field.name.as_str());
                    self.found.push(Diagnostic::error(Code::Form, place, message).near(name, names));
                }
            }
        }
        MailTo { to: to.0, reply_to }
    }

    fn row(&mut self, table: TableName, written: InOrder<String>, fields: &[Field]) -> GoesTo {
        let mut columns: Vec<(ColumnName, String)> = Vec::new();
        for (column, field) in written.0 {
            let place = self.top("goes_to");
            let name: ColumnName = match column.parse() {
                Ok(name) => name,
                Err(error) => {
                    let error: crate::site::table::NotAName = error;
                    self.mistake(place, error.to_string(), None);
                    continue;
                }
            };
            match fields.iter().find(|known| known.name == field) {
                None => {
                    let message = format!("the column `{name}` is filled by `{field}`, and no field is called so");
                    let names = fields.iter().map(|field| field.name.as_str());
                    self.found.push(Diagnostic::error(Code::Form, place, message).near(&field, names));
                }
                Some(known) if known.kind.column().is_none() => {
                    self.mistake(place, format!("`{field}` is a file, and no column can hold it"), None);
                }
                Some(_) => columns.push((name, field)),
            }
        }
        GoesTo { table, columns }
    }
}
