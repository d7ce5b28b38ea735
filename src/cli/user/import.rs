//! Accounts out of a file: CSV or JSON, all of them or none.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::cli::{Outcome, diagnostics};
use crate::site::audience::Tiers;
use crate::store::{EmailAddress, Newcomer, Store, Trial, display_name};

/// How long the file may be, in bytes: a hundred thousand members, ten times over.
const LONGEST: u64 = 100 * 1024 * 1024;
/// How many mistakes are told.
const TOLD: usize = 50;
/// What a line may say.
const KEYS: [&str; 4] = ["email", "name", "role", "tier"];

/// One line of the file, and where it stands.
struct Line {
    place: String,
    values: BTreeMap<&'static str, String>,
}

/// Takes in who stands in `file`.
pub(super) async fn import(store: &Store, file: &Path, only_looked_at: bool, tiers: &Tiers) -> anyhow::Result<Outcome> {
    let text = read(file)?;
    let is_json = text.trim_start().starts_with('[') || file.extension().is_some_and(|end| end == "json");
    let mut wrong = Vec::new();
    let lines = if is_json { of_json(&text, &mut wrong)? } else { of_csv(&text, &mut wrong)? };
    let mut newcomers = Vec::with_capacity(lines.len());
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for line in &lines {
        match newcomer(line, tiers) {
            Ok(newcomer) => {
                if let Some(before) = seen.insert(newcomer.email.key(), &line.place) {
                    wrong.push(format!("{}: {} stands in {before} already", line.place, newcomer.email));
                }
                newcomers.push(newcomer);
            }
            Err(mistakes) => wrong.extend(mistakes.into_iter().map(|why| format!("{}: {why}", line.place))),
        }
    }
    if wrong.is_empty() {
        let trial = if only_looked_at { Trial::LookedAt } else { Trial::Done };
        let addresses: Vec<EmailAddress> = newcomers.iter().map(|newcomer| newcomer.email.clone()).collect();
        for known in store.take_in(newcomers, trial, Timestamp::now()).await? {
            wrong.push(format!("{}: {} has an account already", lines[known].place, addresses[known]));
        }
    }
    if !wrong.is_empty() {
        let more = wrong.len().saturating_sub(TOLD);
        wrong.truncate(TOLD);
        if more > 0 {
            wrong.push(format!("and {more} more"));
        }
        diagnostics::print_lines(&wrong);
        bail!("nobody was taken in: put {} right and try again", file.display());
    }
    let count = lines.len();
    let said = if only_looked_at {
        format!("{count} accounts could be made; nothing was changed")
    } else {
        format!("{count} accounts are made: their owners sign in by a link at /login")
    };
    diagnostics::print_lines(&[said]);
    Ok(Outcome::Done)
}

fn read(file: &Path) -> anyhow::Result<String> {
    let length = std::fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?.len();
    if length > LONGEST {
        bail!("{} has {length} bytes; {LONGEST} are taken", file.display());
    }
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let text = String::from_utf8(text).with_context(|| format!("{} is not UTF-8", file.display()))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn newcomer(line: &Line, tiers: &Tiers) -> Result<Newcomer, Vec<String>> {
    let mut wrong = Vec::new();
    let value = |key: &str| line.values.get(key).map_or("", |value| value.trim());
    let email = EmailAddress::parse(value("email"));
    if email.is_err() {
        wrong.push(format!("`{}` is not an e-mail address", value("email")));
    }
    let named = match value("name") {
        "" => value("email").split('@').next().unwrap_or_default(),
        name => name,
    };
    let name = display_name(named);
    if name.is_none() && email.is_ok() {
        wrong.push("a name has 1 to 80 characters, in plain letters".to_owned());
    }
    let role = match value("role") {
        "" => Ok(Default::default()),
        word => word.parse(),
    };
    let role = role.map_err(|why| wrong.push(why));
    let tier = match value("tier") {
        "" => None,
        word => match tiers.all().iter().find(|tier| tier.as_str() == word) {
            Some(tier) => Some(tier.clone()),
            None => {
                wrong.push(format!("the site has no tier `{word}`"));
                None
            }
        },
    };
    match (email, name, role) {
        (Ok(email), Some(name), Ok(role)) if wrong.is_empty() => Ok(Newcomer { email, name, role, tier }),
        _ => Err(wrong),
    }
}

fn of_csv(text: &str, wrong: &mut Vec<String>) -> anyhow::Result<Vec<Line>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(text.as_bytes());
    let mut keys = Vec::new();
    for heading in reader.headers().context("the headings cannot be read")? {
        match KEYS.iter().find(|key| heading.eq_ignore_ascii_case(key)) {
            Some(key) if keys.contains(key) => bail!("the column `{key}` is there twice"),
            Some(key) => keys.push(*key),
            None => bail!("no column is called `{heading}`: there are {}", KEYS.join(", ")),
        }
    }
    if !keys.contains(&"email") {
        bail!("there is no column `email`");
    }
    let mut lines = Vec::new();
    for record in reader.records() {
        match record {
            Ok(record) => {
                let place = format!("line {}", record.position().map_or(0, csv::Position::line));
                let values = keys.iter().copied().zip(record.iter().map(str::to_owned)).collect();
                lines.push(Line { place, values });
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                wrong.push(format!("line {line}: it has another number of columns than the headings, or is cut"));
            }
        }
    }
    Ok(lines)
}

fn of_json(text: &str, wrong: &mut Vec<String>) -> anyhow::Result<Vec<Line>> {
    let all: Vec<Map<String, Value>> =
        serde_json::from_str(text).context("expected a JSON list of objects with `email`, `name`, `role`, `tier`")?;
    let mut lines = Vec::with_capacity(all.len());
    for (number, object) in all.into_iter().enumerate() {
        let place = format!("entry {}", number + 1);
        let mut values = BTreeMap::new();
        for (name, value) in object {
            match (KEYS.iter().find(|key| **key == name), value) {
                (Some(_), Value::Null) => {}
                (Some(key), Value::String(text)) => drop(values.insert(*key, text)),
                (Some(key), _) => wrong.push(format!("{place}: `{key}` is not a text")),
                (None, _) => wrong.push(format!("{place}: nothing is called `{name}`: there are {}", KEYS.join(", "))),
            }
        }
        lines.push(Line { place, values });
    }
    Ok(lines)
}
