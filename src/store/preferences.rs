//! Preferences: how a reader wants the site to look.
//!
//! A visitor's stand with their session, a member's with the member. `None` means that
//! nothing was chosen, which is not the same as having chosen the default: when a visitor
//! becomes a member, or signs in, what they chose fills the gaps of the account and never
//! replaces what the account says.

use super::StoreError;
use super::accounts::MemberId;
use super::door::{Durability, Store};
use super::sessions::SessionDigest;
use super::sql::params;

/// What a reader chose; `None` where nothing was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// Light or dark.
    pub theme: Option<Theme>,
    /// How large the text is.
    pub text_size: Option<TextSize>,
}

/// Light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
    /// As the device says.
    System,
}

/// How large the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextSize {
    /// Smaller than the site's own.
    Small,
    /// The site's own.
    Normal,
    /// Larger than the site's own.
    Large,
}

impl Theme {
    /// Each, in the order of a form.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The word in forms, cookies and the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
            Self::System => "system",
        }
    }

    /// The theme with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.word() == word)
    }
}

impl TextSize {
    /// Each, in the order of a form.
    pub const ALL: [Self; 3] = [Self::Small, Self::Normal, Self::Large];

    /// The word in forms, cookies and the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Normal => "normal",
            Self::Large => "large",
        }
    }

    /// The size with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.word() == word)
    }
}

impl Preferences {
    /// What stands in two columns. A word that a newer program wrote counts as no choice.
    pub(super) fn from_words(theme: Option<String>, text_size: Option<String>) -> Self {
        Self {
            theme: theme.as_deref().and_then(Theme::parse),
            text_size: text_size.as_deref().and_then(TextSize::parse),
        }
    }

    pub(super) fn words(self) -> (Option<&'static str>, Option<&'static str>) {
        (self.theme.map(Theme::word), self.text_size.map(TextSize::word))
    }

    /// These, with the gaps filled from `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { theme: self.theme.or(other.theme), text_size: self.text_size.or(other.text_size) }
    }
}

impl Store {
    /// Keeps what a member chose.
    pub async fn keep_preferences_of_member(&self, member: MemberId, chosen: Preferences) -> Result<(), StoreError> {
        let (theme, text_size) = chosen.words();
        self.write(Durability::Durable, move |sql| {
            sql.run(
                "UPDATE littoral_member SET theme = $1, text_size = $2 WHERE id = $3",
                params![theme, text_size, member.0],
            )
            .map(drop)
        })
        .await
    }

    /// Keeps what a visitor chose in their session.
    pub async fn keep_preferences_of_visitor(
        &self,
        session: &SessionDigest,
        chosen: Preferences,
    ) -> Result<(), StoreError> {
        let digest = session.bytes();
        let (theme, text_size) = chosen.words();
        self.write(Durability::Durable, move |sql| {
            sql.run(
                "UPDATE littoral_session SET theme = $1, text_size = $2 WHERE digest = $3",
                params![theme, text_size, digest],
            )
            .map(drop)
        })
        .await
    }
}
