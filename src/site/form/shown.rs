//! A form for a template: every attribute decided here, so that the template is only HTML.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::check::{EMAIL, URL, YES, words};
use super::{Choosable, Field, Form, Kind, Limit, ShownAs, TOKEN, TRAP, pattern};

/// What has been filled in, and what is wrong with it. The default is an empty form.
#[derive(Clone, Debug, Default)]
pub struct Filled {
    /// Field → what was typed.
    pub texts: BTreeMap<String, Vec<String>>,
    /// Field → what is wrong, in words.
    pub faults: BTreeMap<String, String>,
    /// What is wrong with the whole.
    pub whole: Vec<String>,
    /// Names of files that were sent and must be chosen again, by field.
    pub files: BTreeMap<String, String>,
}

/// The form for a template: `dynamic/form/form.hbs`.
pub fn shown(form: &Form, filled: &Filled) -> Value {
    let fields: Vec<Value> = form.fields.iter().map(|field| one(form, field, filled)).collect();
    let of_fields = form.fields.iter().filter_map(|field| {
        let words = filled.faults.get(&field.name)?;
        Some(json!({ "href": format!("#{}", target(form, field)), "label": field.label, "words": words }))
    });
    let whole = filled.whole.iter().map(|words| json!({ "href": null, "label": null, "words": words }));
    json!({
        "name": form.name,
        "title": form.title,
        "intro": form.intro,
        "submit": form.submit,
        "thanks": form.thanks,
        "action": form.action(),
        "has_files": form.file_bytes() > 0,
        "fields": fields,
        "trap": TRAP,
        "trap_id": id(form, TRAP),
        "token": TOKEN,
        "errors": whole.chain(of_fields).collect::<Vec<_>>(),
    })
}

fn id(form: &Form, field: &str) -> String {
    format!("form_{}_{field}", form.name)
}

/// What a link to the field leads to: where one types, or the first of several boxes.
fn target(form: &Form, field: &Field) -> String {
    let id = id(form, &field.name);
    match field.kind {
        Kind::Choices { .. } | Kind::Choice { shown_as: ShownAs::Radio, .. } => format!("{id}_1"),
        _ => id,
    }
}

fn one(form: &Form, field: &Field, filled: &Filled) -> Value {
    let id = id(form, &field.name);
    let fault = filled.faults.get(&field.name);
    let texts = filled.texts.get(&field.name).map_or(&[][..], Vec::as_slice);
    let mut hint = field.hint.clone();
    let mut add = |more: String| {
        if !hint.is_empty() {
            hint.push(' ');
        }
        hint.push_str(&more);
    };
    match &field.kind {
        Kind::File { max_bytes, .. } => {
            add(format!("At most {}.", bytes(*max_bytes)));
            if let Some(name) = filled.files.get(&field.name) {
                add(format!("Please choose the file again ({name}): browsers do not let a page keep one."));
            }
        }
        Kind::Choices { min, max, options } if *min > 1 || *max < options.len() => add(how_many(*min, *max, options)),
        _ => {}
    }
    let (hint_id, error_id) = (format!("{id}_hint"), format!("{id}_error"));
    let described: Vec<&str> =
        [(!hint.is_empty()).then_some(&*hint_id), fault.map(|_| &*error_id)].into_iter().flatten().collect();
    let (template, input) = shape(&field.kind);
    json!({
        "name": field.name,
        "id": id,
        "label": field.label,
        "is_required": field.required,
        "hint": hint,
        "hint_id": hint_id,
        "error": fault,
        "error_id": error_id,
        "described_by": described.join(" "),
        format!("is_{template}"): true,
        "input": input,
        "attributes": attributes(field),
        "value": texts.first(),
        "is_ticked": texts.iter().any(|text| text == YES),
        "options": options(&id, &field.kind, texts),
    })
}

fn how_many(min: usize, max: usize, options: &[Choosable]) -> String {
    match (min > 1, max < options.len()) {
        (true, true) if min == max => format!("Choose {min}."),
        (true, true) => format!("Choose {min} to {max}."),
        (true, false) => format!("Choose at least {min}."),
        _ => format!("Choose at most {max}."),
    }
}

/// Which part of the template shows it, and the type of an `<input>`.
fn shape(kind: &Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Text { .. } => ("input", "text"),
        Kind::LongText { .. } => ("textarea", ""),
        Kind::Email => ("input", "email"),
        Kind::Url => ("input", "url"),
        Kind::Number { .. } | Kind::Integer { .. } => ("input", "number"),
        Kind::Date { .. } => ("input", "date"),
        Kind::Choice { shown_as: ShownAs::Select, .. } => ("select", ""),
        Kind::Choice { .. } => ("group", "radio"),
        Kind::Choices { .. } => ("group", "checkbox"),
        Kind::Yes => ("tick", "checkbox"),
        Kind::File { .. } => ("file", "file"),
    }
}

/// The limits as HTML says them.
fn attributes(field: &Field) -> Vec<Value> {
    let mut list: Vec<(&str, String)> = Vec::new();
    match &field.kind {
        Kind::Text { min, max, pattern } => {
            lengths(&mut list, *min, *max);
            let limit = if pattern.is_some() { Limit::Pattern } else { Limit::Required };
            if let Some(pattern) = pattern.clone().or(field.required.then(|| pattern::NOT_BLANK_IN_HTML.to_owned())) {
                list.push(("pattern", pattern));
                list.push(("title", words(field, limit)));
            }
        }
        Kind::LongText { min, max } => lengths(&mut list, *min, *max),
        Kind::Email => lengths(&mut list, 0, EMAIL),
        Kind::Url => {
            lengths(&mut list, 0, URL);
            list.push(("pattern", pattern::URL.to_owned()));
            list.push(("title", words(field, Limit::Type)));
        }
        Kind::Number { min, max, step } => {
            list.extend(min.map(|min| ("min", min.to_string())));
            list.extend(max.map(|max| ("max", max.to_string())));
            list.push(("step", step.map_or("any".to_owned(), |step| step.to_string())));
        }
        // Always both: without `min` a browser counts whole steps from the value that it shows.
        Kind::Integer { min, max } => {
            list.extend([("min", min.to_string()), ("max", max.to_string()), ("step", "1".to_owned())]);
        }
        Kind::Date { min, max } => {
            list.extend(min.map(|min| ("min", min.to_string())));
            list.extend(max.map(|max| ("max", max.to_string())));
        }
        Kind::File { accept, .. } => list.push(("accept", accept.join(","))),
        Kind::Choice { .. } | Kind::Choices { .. } | Kind::Yes => {}
    }
    if let Some(word) = field.autocomplete.as_deref().or(match field.kind {
        Kind::Email => Some("email"),
        Kind::Url => Some("url"),
        _ => None,
    }) {
        list.push(("autocomplete", word.to_owned()));
    }
    // HTML cannot ask for one of several boxes.
    if field.required && !matches!(field.kind, Kind::Choices { .. }) {
        list.push(("required", String::new()));
    }
    list.into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

fn lengths(list: &mut Vec<(&str, String)>, min: usize, max: usize) {
    if min > 0 {
        list.push(("minlength", min.to_string()));
    }
    list.push(("maxlength", max.to_string()));
}

fn options(id: &str, kind: &Kind, texts: &[String]) -> Vec<Value> {
    let (Kind::Choice { options, .. } | Kind::Choices { options, .. }) = kind else { return Vec::new() };
    let shown = options.iter().enumerate().map(|(at, Choosable { value, label })| {
        json!({ "id": format!("{id}_{}", at + 1), "value": value, "label": label, "is_chosen": texts.contains(value) })
    });
    shown.collect()
}

/// `2 MB`, `1.5 kB`, `300 bytes`: thousands, as it is declared.
pub(super) fn bytes(count: u64) -> String {
    let (unit, size) = match count {
        ..1_000 => return format!("{count} bytes"),
        1_000..1_000_000 => ("kB", 1_000.0),
        _ => ("MB", 1_000_000.0),
    };
    #[allow(clippy::cast_precision_loss, reason = "a size for people")]
    let shown = (count as f64 / size * 10.0).floor() / 10.0;
    format!("{shown} {unit}")
}
