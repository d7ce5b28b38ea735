//! How an author configures comments: for whom, seen by a moderator when, and how much.

use serde::{Deserialize, Serialize};

/// How deep a thread can be shown.
const DEEPEST: u32 = 10;
/// How many comments one page shows at most.
const MOST_ON_A_PAGE: u32 = 200;
/// How long a comment can be at most, in characters: two screens of a large form.
const LONGEST: u32 = 15_000;

/// Comments below pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Comments {
    /// Who may write them; `nobody`: what is there can be read.
    pub who: Who,
    /// When a moderator looks at one.
    pub moderation: Moderation,
    /// With `trust`: after how many comments that were let through.
    pub trusted_after: u32,
    /// For how long an author may change one, in minutes.
    pub edit_minutes: u32,
    /// With more links than these, one waits for a moderator.
    pub links: u32,
    /// How long one may be, in characters.
    pub longest: u32,
    /// How many levels of replies are moved in; deeper ones stand at the last.
    pub depth: u32,
    /// How many a page shows.
    pub per_page: u32,
    /// How many days after its last comment a page takes no more; 0 for ever.
    pub closed_after_days: u32,
    /// Sections all of whose pages have comments, by name.
    pub sections: Vec<String>,
    /// A comment with one of these in it is kept from everybody until a moderator has seen it.
    pub blocked_words: Vec<String>,
    /// The same for what these addresses write: `eve@example.org`, or `@example.org` for all of a
    /// host.
    pub blocked_addresses: Vec<String>,
}

impl Default for Comments {
    fn default() -> Self {
        Self {
            who: Who::Members,
            moderation: Moderation::Trust,
            trusted_after: 3,
            edit_minutes: 15,
            links: 2,
            longest: 10_000,
            depth: 6,
            per_page: 50,
            closed_after_days: 0,
            sections: Vec::new(),
            blocked_words: Vec::new(),
            blocked_addresses: Vec::new(),
        }
    }
}

/// Who may write comments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// Members.
    #[default]
    Members,
    /// Members, and whoever confirms an address.
    Guests,
    /// Nobody any more.
    Nobody,
}

/// When a moderator looks at a comment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Moderation {
    /// Before anybody else.
    Before,
    /// When it is there.
    After,
    /// Before, until somebody has had a few let through.
    #[default]
    Trust,
}

impl Comments {
    /// What is wrong, each with its key.
    pub(super) fn mistakes(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        for (key, value, least, most) in [
            ("depth", self.depth, 1, DEEPEST),
            ("per_page", self.per_page, 1, MOST_ON_A_PAGE),
            ("longest", self.longest, 1, LONGEST),
        ] {
            if !(least..=most).contains(&value) {
                found.push((key, format!("expected a number from {least} to {most}, found {value}")));
            }
        }
        if self.blocked_words.iter().any(|word| word.trim().is_empty()) {
            found.push((
                "blocked_words",
                "expected words, found an empty one, which every comment has in it".to_owned(),
            ));
        }
        if let Some(wrong) = self.blocked_addresses.iter().find(|address| !address.contains('@')) {
            let message = format!("expected `eve@example.org` or `@example.org`, found `{wrong}`");
            found.push(("blocked_addresses", message));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_told_with_its_key() {
        for (yaml, key) in [
            ("depth: 0", "depth"),
            ("depth: 11", "depth"),
            ("per_page: 0", "per_page"),
            ("longest: 100000", "longest"),
            ("blocked_words: [' ']", "blocked_words"),
            ("blocked_addresses: [eve]", "blocked_addresses"),
        ] {
            let comments: Comments = serde_yaml::from_str(yaml).unwrap();
            assert_eq!(comments.mistakes().first().map(|(key, _)| *key), Some(key), "{yaml}");
        }
        assert_eq!(Comments::default().mistakes(), []);
    }
}
