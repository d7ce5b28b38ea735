//! The meter: how many of the metered pages are free, and for whom.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
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
        (self.free > MOST)
            .then(|| ("free", format!("expected at most {MOST} free pages a period, found {}", self.free)))
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

    /// When the one that `now` is in began, and when it ends.
    pub fn around(self, now: Timestamp) -> (Timestamp, Timestamp) {
        let today = TimeZone::UTC.to_datetime(now).date();
        let begin = match self {
            Self::Day => today,
            Self::Week => today.saturating_sub(i64::from(today.weekday().to_monday_zero_offset()).days()),
            Self::Month => today.first_of_month(),
        };
        let end = match self {
            Self::Day => begin.saturating_add(1.day()),
            Self::Week => begin.saturating_add(7.days()),
            Self::Month => begin.saturating_add(1.month()),
        };
        // A day at the end of all time has no midnight after it.
        let at = |day: jiff::civil::Date| TimeZone::UTC.to_timestamp(day.to_datetime(Time::midnight())).unwrap_or(now);
        (at(begin), at(end))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_those_of_the_calendar() {
        let check = |period: Period, now: &str, expected: (&str, &str)| {
            let (begin, end) = period.around(now.parse().unwrap());
            assert_eq!((begin.to_string().as_str(), end.to_string().as_str()), expected, "{now}");
        };
        check(Period::Day, "2026-11-28T23:59:59Z", ("2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z"));
        check(Period::Week, "2026-11-29T12:00:00Z", ("2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"));
        check(Period::Week, "2026-11-30T00:00:00Z", ("2026-11-30T00:00:00Z", "2026-12-07T00:00:00Z"));
        check(Period::Month, "2026-12-31T00:00:00Z", ("2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"));
    }
}
