//! How an author configures the newsletter, and for whom one letter of it is.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::audience::TierName;

/// How long the name of a topic may be.
const LONGEST_NAME: usize = 40;

/// The newsletter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Newsletter {
    /// Whether readers can subscribe.
    pub open: bool,
    /// What subscribers choose from: name → what it is called. Without any, each gets every
    /// letter.
    pub topics: BTreeMap<String, String>,
    /// How long a link that confirms an address is good, in days.
    pub confirm_days: u32,
}

impl Default for Newsletter {
    fn default() -> Self {
        Self { open: false, topics: BTreeMap::new(), confirm_days: 7 }
    }
}

impl Newsletter {
    /// What is wrong, each with its key.
    pub(super) fn mistakes(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        if let Some(name) = self.topics.keys().find(|name| !is_topic(name)) {
            let message = format!("expected the name of a topic in small letters, figures and `-`, found `{name}`");
            found.push(("topics", message));
        }
        if !(1..=365).contains(&self.confirm_days) {
            let message = format!("expected from 1 to 365 days, found {}", self.confirm_days);
            found.push(("confirm_days", message));
        }
        found
    }
}

/// Whether this can be the name of a topic.
fn is_topic(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Which of the subscribers get a letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Segment {
    /// All.
    All,
    /// Those who have chosen this topic.
    Tag(String),
    /// Members of this tier, or of one behind it.
    Tier(TierName),
}

impl FromStr for Segment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "all" => Ok(Self::All),
            Some(("tag", name)) if is_topic(name) => Ok(Self::Tag(name.to_owned())),
            Some(("tier", name)) => name.parse().map(Self::Tier),
            _ => Err(format!("expected `all`, `tag:NAME` or `tier:NAME`, found `{text}`")),
        }
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Tag(name) => write!(f, "tag:{name}"),
            Self::Tier(name) => write!(f, "tier:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_written_as_it_is_read() {
        for text in ["all", "tag:tide-tables", "tier:paid"] {
            assert_eq!(text.parse::<Segment>().unwrap().to_string(), text);
        }
        for wrong in ["", "everybody", "tag:", "tag:Tides", "tier:", "tier:a b", "all:all"] {
            assert!(wrong.parse::<Segment>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_topic_that_no_form_could_name_is_told() {
        let newsletter: Newsletter = serde_yaml::from_str("{ topics: { Tide Tables: x }, confirm_days: 0 }").unwrap();
        let keys: Vec<&str> = newsletter.mistakes().iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["topics", "confirm_days"]);
        assert_eq!(Newsletter::default().mistakes(), []);
    }
}
