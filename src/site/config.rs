//! The configuration of a site: `littoral.yaml`.
//!
//! [`Config::parse`] is the only reader. An unknown key is an error, with its line: a
//! misspelt setting that is silently ignored costs an author an evening. Every default
//! stands here, beside its key.
//!
//! Knows no folder: text comes in, a configuration goes out.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::alerts::Alerts;
use super::api::{Api, TableApi};
use super::audience::Tiers;
use super::comments::Comments;
use super::diagnostic::{Code, Diagnostic, Place};
use super::mail::Mail;
use super::meter::Meter;
use super::newsletter::Newsletter;
use super::permalink::is_path;
use super::table::{ColumnName, ColumnType, TableName};
use super::webhook::{Webhook, without_secrets};
use super::yaml;

/// The name of the file at the site's root.
pub const FILE: &str = "littoral.yaml";

/// What an author has set, with the defaults for the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The name of the site.
    pub title: String,
    /// Where the site will stand, with scheme and a slash at its end: feeds, the sitemap
    /// and canonical links need it.
    pub base_url: String,
    /// One sentence about the site.
    pub description: String,
    /// Its language, as in `lang` (BCP 47).
    pub language: String,
    /// Who writes it: the author of the feed.
    pub author: String,
    /// Where the pages of a top section live: section → pattern, made of `{section}`,
    /// `{slug}`, `{path}`, `{year}`, `{month}`, `{day}`. The key `/` means every page
    /// without a pattern of its own.
    pub permalinks: BTreeMap<String, String>,
    /// Front matter keys that group pages: each gets a list of its terms and a page a term.
    pub taxonomies: Vec<String>,
    /// How many pages one list page shows.
    pub paginate: usize,
    /// The Atom feed.
    pub feed: Feed,
    /// How Markdown is read.
    pub markdown: Markdown,
    /// How links are checked.
    pub links: Links,
    /// Whether the build makes a search index.
    pub search: bool,
    /// Whether drafts, and pages whose date is to come, are in the release for who edits and for
    /// previews.
    pub previews: bool,
    /// What the edge does.
    pub edge: Edge,
    /// The author's own values, `site.extra` in layouts.
    pub extra: serde_json::Map<String, serde_json::Value>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            title: "Untitled".to_owned(),
            base_url: "http://localhost/".to_owned(),
            description: String::new(),
            language: "en".to_owned(),
            author: String::new(),
            permalinks: BTreeMap::new(),
            taxonomies: vec!["tags".to_owned()],
            paginate: 20,
            feed: Feed::default(),
            markdown: Markdown::default(),
            links: Links::default(),
            search: true,
            previews: false,
            edge: Edge::default(),
            extra: serde_json::Map::new(),
        }
    }
}

/// The Atom feed of the newest pages (RFC 4287).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Feed {
    /// Its path in the site.
    pub path: String,
    /// How many pages it names; 0 for no feed.
    pub limit: usize,
}

impl Default for Feed {
    fn default() -> Self {
        Self { path: "/atom.xml".to_owned(), limit: 20 }
    }
}

/// How Markdown is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Markdown {
    /// Straight quotes, `--` and `...` become typographic ones.
    pub smart_punctuation: bool,
    /// Fenced code is coloured by classes.
    pub highlight: bool,
    /// Whose habits the text follows.
    pub dialect: Dialect,
}

impl Default for Markdown {
    fn default() -> Self {
        Self { smart_punctuation: true, highlight: true, dialect: Dialect::Github }
    }
}

/// Whose habits the text follows, beyond CommonMark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// GitHub's: heading ids of words and hyphens, a repeated one gets `-1`.
    #[default]
    Github,
    /// MDN's: heading ids of words and underscores, a repeated one gets `_2`; definition
    /// lists written as list items; `[!CALLOUT]`; `\{{` in code prints `{{`; the names of
    /// macros in any case and without brackets.
    Mdn,
}

/// How links are checked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Links {
    /// What a link that leads nowhere in the site is.
    pub broken: Broken,
}

/// What a link that leads nowhere in the site is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Broken {
    /// A mistake: nothing is published.
    #[default]
    Error,
    /// Listed, with its place.
    Warn,
    /// Not looked at.
    Ignore,
}

/// What the edge does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Edge {
    /// Where the store is: a path from the site's root.
    pub store: String,
    /// Whether readers can have accounts.
    pub accounts: bool,
    /// How long a session lives without a request, in days.
    pub session_idle_days: u32,
    /// How long a session lives at most, in days.
    pub session_days: u32,
    /// How long an account that its owner wants deleted can still be had back, in days; 0 for not
    /// at all.
    pub deletion_days: u32,
    /// Addresses of the proxies before the edge, whose `X-Forwarded-For` is believed. Without
    /// them the edge takes a proxy for the client, and counts all its readers as one.
    pub proxies: Vec<IpAddr>,
    /// How much memory the bodies of static files may take, in MiB.
    pub cache_mib: u32,
    /// The site's own tables that its data pages may read, and what of them.
    pub data: BTreeMap<TableName, OpenTable>,
    /// How other programs come to them.
    pub api: Api,
    /// How much memory kept fragments may take together with the pages around them, in MiB.
    pub fragments_mib: u32,
    /// How large one file may be that a reader sends with a form, in MiB.
    pub upload_mib: u32,
    /// What members can have, from least to most: each tier has all that those before it have.
    /// The first is what a new member has.
    pub tiers: Tiers,
    /// How many metered pages are free.
    pub meter: Meter,
    /// How mail is sent.
    pub mail: Mail,
    /// Comments below pages.
    pub comments: Comments,
    /// The newsletter.
    pub newsletter: Newsletter,
    /// When administrators are told that something is wrong.
    pub alerts: Alerts,
    /// Who is told of what happens here, by name.
    pub webhooks: BTreeMap<String, Webhook>,
}

impl Default for Edge {
    fn default() -> Self {
        Self {
            store: "var/littoral.db".to_owned(),
            accounts: true,
            session_idle_days: 14,
            session_days: 90,
            deletion_days: 14,
            proxies: Vec::new(),
            cache_mib: 32,
            data: BTreeMap::new(),
            api: Api::default(),
            fragments_mib: 8,
            upload_mib: 10,
            tiers: Tiers::default(),
            meter: Meter::default(),
            mail: Mail::default(),
            comments: Comments::default(),
            newsletter: Newsletter::default(),
            alerts: Alerts::default(),
            webhooks: BTreeMap::new(),
        }
    }
}

/// What readers may see of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenTable {
    /// The columns that queries may name. There is no other way to see one.
    pub columns: Vec<ColumnName>,
    /// Those that a search looks into.
    #[serde(default)]
    pub search: Vec<ColumnName>,
    /// What other programs may do with it; nothing when it is not said.
    #[serde(default)]
    pub api: Option<TableApi>,
    /// The file that the table is made of where it is not there yet: a path from the site's
    /// root. It is read once, when a server starts, and never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The column that no two rows of that file share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<ColumnName>,
    /// What columns of it hold, in place of what their cells look like.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub types: BTreeMap<ColumnName, ColumnType>,
}

impl Config {
    /// Reads `text`, the whole of `littoral.yaml`. What can be used is returned even when
    /// there are mistakes, so that the rest of the site can be checked in the same run.
    pub fn parse(text: &str) -> (Self, Vec<Diagnostic>) {
        if text.trim().is_empty() {
            return (Self::default(), Vec::new());
        }
        let mut found = Vec::new();
        if let Some(mistake) = yaml::grows_too_much(Code::Configuration, FILE, text) {
            return (Self::default(), vec![mistake]);
        }
        let mut config: Self = match serde_yaml::from_str(text) {
            Ok(config) => config,
            Err(error) => {
                found.push(yaml::diagnostic(Code::Configuration, FILE, text, 0, &error));
                Self::default()
            }
        };
        for (keys, message) in config.wrong_values() {
            found.push(Diagnostic::error(Code::Configuration, place_of(text, &keys), message));
        }
        for (name, hook) in &config.edge.webhooks {
            let place = || place_of(text, &["webhooks", name]);
            let mistakes = hook.mistakes(name).into_iter();
            found.extend(mistakes.map(|message| Diagnostic::error(Code::Configuration, place(), message)));
        }
        for mistake in &mut found {
            mistake.message = without_secrets(&mistake.message);
            if let Some(place) = &mut mistake.place {
                place.text = without_secrets(&place.text);
            }
        }
        if !config.base_url.ends_with('/') {
            config.base_url.push('/');
        }
        // The rest of the site is checked all the same, and nothing can be divided by it.
        config.paginate = config.paginate.max(1);
        (config, found)
    }

    /// What is wrong, each with the key it is about, and those above it as far as they are needed
    /// to find it.
    fn wrong_values(&self) -> Vec<(Vec<&str>, String)> {
        let mut wrong = Vec::new();
        let host = self.base_url.strip_prefix("https://").or_else(|| self.base_url.strip_prefix("http://"));
        let is_host = |rest: &str| {
            let host = rest.split('/').next().unwrap_or_default();
            !host.is_empty()
                && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '_'))
        };
        if !host.is_some_and(is_host) {
            wrong.push((
                vec!["base_url"],
                format!("expected `http://` or `https://` and a host, found `{}`", self.base_url),
            ));
        } else if self.base_url.splitn(4, '/').nth(3).is_some_and(|path| !path.is_empty()) {
            // Every URL of the site, in texts and layouts alike, would need it in front.
            let message = format!("expected a site at the root of its host, found a path in `{}`", self.base_url);
            wrong.push((vec!["base_url"], message));
        }
        if self.paginate == 0 {
            wrong.push((vec!["paginate"], "expected at least 1 page on a list page, found 0".to_owned()));
        }
        for pattern in self.permalinks.values().filter(|pattern| !is_path(pattern)) {
            wrong.push((
                vec!["permalinks"],
                format!("expected a path such as `/{{year}}/{{slug}}/`, found `{pattern}`"),
            ));
        }
        for name in self.taxonomies.iter().filter(|name| !is_path(name) || name.contains('/')) {
            wrong.push((vec!["taxonomies"], format!("expected a word for the URL, found `{name}`")));
        }
        if !self.feed.path.starts_with('/') || !is_path(&self.feed.path) {
            wrong.push((
                vec!["path"],
                format!("expected a path from the site's root such as `/atom.xml`, found `{}`", self.feed.path),
            ));
        }
        for (table, open) in &self.edge.data {
            if open.columns.is_empty() {
                wrong.push((
                    vec!["data", table.as_str(), "columns"],
                    format!("expected at least one column of `{table}` under `edge.data`, found none"),
                ));
            }
            if let Some(column) = open.search.iter().find(|column| !open.columns.contains(column)) {
                wrong.push((
                    vec!["data", table.as_str(), "search"],
                    format!("`{column}` is searched in `{table}`, but is not among its open columns"),
                ));
            }
            if let Some((key, message)) = open.api.as_ref().and_then(|api| api.mistake(table, open)) {
                wrong.push((vec!["data", table.as_str(), "api", key], message));
            }
            match &open.from {
                Some(from) if from.starts_with('/') || !is_path(from) => wrong.push((
                    vec!["data", table.as_str(), "from"],
                    format!("expected a file of the site such as `data/{table}.csv`, found `{from}` for `{table}`"),
                )),
                None if open.key.is_some() || !open.types.is_empty() => wrong.push((
                    vec!["data", table.as_str(), if open.key.is_some() { "key" } else { "types" }],
                    format!("`{table}` has no `from`, and these are of the file that a table is made of"),
                )),
                _ => {}
            }
        }
        wrong.extend(self.edge.tiers.mistake().map(|message| (vec!["edge", "tiers"], message)));
        if self.previews && !self.edge.accounts {
            let message = "previews are for who edits and for signed links, and the site has no accounts";
            wrong.push((vec!["previews"], message.to_owned()));
        }
        wrong.extend(self.edge.meter.mistake().map(|(key, message)| (vec!["meter", key], message)));
        for (key, message) in self.edge.mail.mistakes() {
            wrong.push((vec!["mail", key], message));
        }
        for (key, message) in self.edge.comments.mistakes() {
            wrong.push((vec!["comments", key], message));
        }
        for (key, message) in self.edge.newsletter.mistakes() {
            wrong.push((vec!["newsletter", key], message));
        }
        for (key, message) in self.edge.alerts.mistakes() {
            wrong.push((vec!["alerts", key], message));
        }
        for origin in self.edge.api.origins.iter().filter(|origin| !is_origin(origin)) {
            wrong.push((
                vec!["api", "origins"],
                format!("expected an origin such as `https://till.example`, or `*`, found `{origin}`"),
            ));
        }
        wrong
    }
}

/// Scheme, host and perhaps a port, as a browser writes them (RFC 6454 §6.1).
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_host = |host: &str| {
        !host.is_empty()
            && host
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | ':' | '[' | ']'))
    };
    text == "*" || host.is_some_and(is_host)
}

/// In `text`, the whole of `littoral.yaml`, the line of the last of these keys, each of which stands behind the one before.
pub fn place_of(text: &str, keys: &[&str]) -> Place {
    let mut from = 0;
    let mut found = None;
    for key in keys {
        let written = format!("{key}:");
        // A key may stand inside braces: `feed: { path: /atom.xml }`.
        let begins = |at: &usize| {
            let before = text[..*at].chars().next_back();
            before.is_none_or(|before| !before.is_alphanumeric() && before != '_')
        };
        let Some(at) = text[from..].match_indices(&written).map(|(at, _)| from + at).find(begins) else { break };
        found = Some(at);
        from = at + written.len();
    }
    match found {
        Some(at) => {
            let line_end = text[at..].find('\n').map_or(text.len(), |end| at + end);
            Place::of(FILE, text, at..at + text[at..line_end].trim_end().len())
        }
        None => Place::file(FILE),
    }
}
