//! The meter: how many of the metered pages are free, and for whom.

use serde::{Deserialize, Serialize};

/// The most that may be free in a period.
const MOST: u32 = 1_000;

/// How metered pages are counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Meter {
    /// How many different pages may be read free in a period; 0 for none.
    pub free: u32,
    /// How long a period is. It begins with the calendar's, in UTC.
    pub period: Period,
    /// Whether visitors may read them too, or only members.
    pub free_for_visitors: bool,
    /// What search engines find of pages that are not for everybody.
    pub search_engines: SearchEngines,
}

impl Default for Meter {
    fn default() -> Self {
        Self { free: 5, period: Period::Month, free_for_visitors: true, search_engines: SearchEngines::Open }
    }
}

impl Meter {
    /// What is wrong with it: the key, and what.
    pub(super) fn mistake(&self) -> Option<(&'static str, String)> {
        (self.free > MOST).then(|| ("free", format!("expected at most {MOST} free pages a period, found {}", self.free)))
    }
}

/// For how long reads are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// A calendar day.
    Day,
    /// Seven days from Monday.
    Week,
    /// A calendar month.
    Month,
}

impl Period {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

/// What search engines find. That they may read what others pay for is no choice: nobody can
/// tell a search engine from who only says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SearchEngines {
    /// The open page: title, summary and invitation.
    Open,
    /// Nothing: they are told not to show it, and no sitemap names it.
    None,
}
