//! For whom something is: `access:` of a page, a section, a data page or a fragment.
//!
//! [`Audience::admits`] is the only place that decides. What is known of a reader comes as a
//! [`Standing`]; whoever cannot be known is a visitor.
//!
//! | written                   | is for                                                     |
//! |---|---|
//! | `public`                  | everybody                                                  |
//! | `members`                 | whoever is signed in                                       |
//! | `{ tier: paid }`          | members of this tier, or of one that stands behind it in `edge.tiers` |
//! | `{ role: editor }`        | members with this role, or a higher one                    |
//! | `metered`                 | members of a tier behind the first; others read some of them free |
//!
//! `tier:paid` and `role:editor`, in one word, are taken as well. Who edits the site reads all
//! that its readers do.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What may be written in one word.
const WORDS: [&str; 5] = ["public", "members", "metered", "tier:NAME", "role:NAME"];
/// How long the name of a tier may be.
const LONGEST_NAME: usize = 40;

/// For whom it is. Further kinds are variants here and facts in [`Standing`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Audience {
    /// Everybody.
    #[default]
    Public,
    /// Whoever is signed in.
    Members,
    /// Members of this tier or of a later one.
    Tier(TierName),
    /// Members with this role or a higher one.
    Role(Role),
    /// Members of a tier behind the first. Everybody else reads some of them, which a meter
    /// counts and this module does not.
    Metered,
}

/// What somebody may do beside reading, from least to most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads and takes part.
    #[default]
    Member,
    /// Decides about comments.
    Moderator,
    /// Reads everything, drafts and what came by forms, too; sends letters.
    Editor,
    /// Does everything, and decides about members.
    Admin,
}

impl Role {
    /// All, from least to most.
    pub const ALL: [Self; 4] = [Self::Member, Self::Moderator, Self::Editor, Self::Admin];

    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Moderator => "moderator",
            Self::Editor => "editor",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|role| role.word() == text);
        found.ok_or_else(|| format!("expected `member`, `moderator`, `editor` or `admin`, found `{text}`"))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The name of a tier: what a member has paid for, or was given.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct TierName(Arc<str>);

impl TierName {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TierName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_name = (1..=LONGEST_NAME).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if is_name {
            Ok(Self(text.into()))
        } else {
            Err(format!("expected the name of a tier in small letters, figures and `-`, found `{text}`"))
        }
    }
}

impl fmt::Display for TierName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TierName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The tiers of a site, each with all that those before it have. The first is what a new
/// member has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tiers(Arc<[TierName]>);

impl Default for Tiers {
    fn default() -> Self {
        Self(["free", "paid"].map(|name| TierName(name.into())).into())
    }
}

impl Tiers {
    /// All, in order.
    pub fn all(&self) -> &[TierName] {
        &self.0
    }

    /// The place of a tier; one that the site has no more is as the first.
    fn rank(&self, tier: Option<&TierName>) -> usize {
        tier.and_then(|tier| self.0.iter().position(|known| known == tier)).unwrap_or_default()
    }

    /// What is wrong with them.
    pub(super) fn mistake(&self) -> Option<String> {
        if self.0.is_empty() {
            return Some("expected at least one tier, found none".to_owned());
        }
        let twice = self.0.iter().enumerate().find(|(number, name)| self.0[..*number].contains(name));
        twice.map(|(_, name)| format!("the tier `{name}` stands in the list twice"))
    }
}

/// What is known of a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They are not signed in.
    Visitor,
    /// They are.
    Member {
        /// What they may do.
        role: Role,
        /// Theirs; none for the first.
        tier: Option<TierName>,
        /// Those of the site.
        tiers: Tiers,
    },
}

impl Audience {
    /// Whether it is for this reader. Of what is metered: whether they read it uncounted.
    pub fn admits(&self, standing: &Standing) -> bool {
        let Standing::Member { role, tier, tiers } = standing else { return *self == Self::Public };
        match self {
            Self::Public | Self::Members => true,
            Self::Role(wanted) => role >= wanted,
            Self::Metered | Self::Tier(_) if *role >= Role::Editor => true,
            Self::Metered => tiers.rank(tier.as_ref()) > 0,
            Self::Tier(wanted) => {
                // One that the site does not have is nobody's.
                let rank = tiers.all().iter().position(|known| known == wanted);
                rank.is_some_and(|rank| tiers.rank(tier.as_ref()) >= rank)
            }
        }
    }

    /// Whether it is for everybody, so that nobody has to be asked who they are.
    pub fn is_public(&self) -> bool {
        *self == Self::Public
    }
}

impl FromStr for Audience {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':').map(|(kind, name)| (kind.trim(), name.trim())) {
            Some(("tier", name)) => name.parse().map(Self::Tier),
            Some(("role", name)) => name.parse().map(Self::Role),
            _ => match text {
                "public" => Ok(Self::Public),
                "members" => Ok(Self::Members),
                "metered" => Ok(Self::Metered),
                _ => Err(format!(
                    "expected `public`, `members`, `metered`, `{{ tier: NAME }}` or `{{ role: NAME }}`, found `{text}`"
                )),
            },
        }
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.write_str("public"),
            Self::Members => f.write_str("members"),
            Self::Metered => f.write_str("metered"),
            Self::Tier(name) => write!(f, "tier:{name}"),
            Self::Role(role) => write!(f, "role:{role}"),
        }
    }
}

impl Serialize for Audience {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pair: (&str, &dyn fmt::Display) = match self {
            Self::Tier(name) => ("tier", name),
            Self::Role(role) => ("role", role),
            plain => return serializer.collect_str(plain),
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(pair.0, &pair.1.to_string())?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;

        impl<'de> Visitor<'de> for Written {
            type Value = Audience;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`public`, `members`, `metered`, `{ tier: NAME }` or `{ role: NAME }`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Audience, E> {
                match text.parse() {
                    Ok(audience) => Ok(audience),
                    Err(message) if text.contains(':') => Err(E::custom(message)),
                    // Known as a kind of its own to whoever shows it, who then finds the near word.
                    Err(_) => Err(E::unknown_variant(text, &WORDS)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Audience, A::Error> {
                let (kind, name) = map
                    .next_entry::<String, String>()?
                    .ok_or_else(|| de::Error::custom("expected `tier` or `role`"))?;
                if map.next_entry::<String, String>()?.is_some() {
                    return Err(de::Error::custom("expected one of `tier` and `role`, found more"));
                }
                match kind.as_str() {
                    "tier" | "role" => format!("{kind}:{name}").parse().map_err(de::Error::custom),
                    _ => Err(de::Error::custom(format!("expected `tier` or `role`, found `{kind}`"))),
                }
            }
        }

        deserializer.deserialize_any(Written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(role: Role, tier: &str) -> Standing {
        let tiers = serde_json::from_str(r#"["free", "paid", "gold"]"#).unwrap();
        Standing::Member { role, tier: tier.parse().ok(), tiers }
    }

    fn check(audience: &str, standing: &Standing, expected: bool) {
        assert_eq!(audience.parse::<Audience>().unwrap().admits(standing), expected, "{audience} {standing:?}");
    }

    #[test]
    fn what_is_for_members_is_for_no_visitor() {
        check("public", &Standing::Visitor, true);
        for audience in ["members", "metered", "tier:free", "role:member"] {
            check(audience, &Standing::Visitor, false);
        }
        check("members", &member(Role::Member, ""), true);
    }

    #[test]
    fn a_tier_has_what_those_before_it_have() {
        for (tier, admitted) in [("", 1), ("free", 1), ("paid", 2), ("gold", 3), ("of-old", 1)] {
            for (number, wanted) in ["tier:free", "tier:paid", "tier:gold"].into_iter().enumerate() {
                check(wanted, &member(Role::Member, tier), number < admitted);
            }
        }
        check("tier:of-old", &member(Role::Member, "of-old"), false);
        check("metered", &member(Role::Member, "free"), false);
        check("metered", &member(Role::Member, "paid"), true);
    }

    #[test]
    fn who_edits_reads_all_that_readers_do_and_no_role_reads_what_a_higher_one_does() {
        for (role, editors, admins) in
            [(Role::Member, false, false), (Role::Moderator, false, false), (Role::Editor, true, false)]
        {
            check("tier:gold", &member(role, ""), editors);
            check("metered", &member(role, ""), editors);
            check("role:editor", &member(role, "gold"), editors);
            check("role:admin", &member(role, "gold"), admins);
        }
        check("role:moderator", &member(Role::Admin, ""), true);
    }

    #[test]
    fn it_is_written_as_a_word_or_as_one_key() {
        for (written, meant) in [
            ("members", "members"),
            ("{ tier: paid }", "tier:paid"),
            ("tier:paid", "tier:paid"),
            ("\"role: editor\"", "role:editor"),
            ("{ role: admin }", "role:admin"),
        ] {
            let read: Audience = serde_yaml::from_str(written).unwrap();
            assert_eq!(read.to_string(), meant);
            let json = serde_json::to_string(&read).unwrap();
            assert_eq!(serde_json::from_str::<Audience>(&json).unwrap(), read, "{json}");
        }
        for wrong in ["member", "{ tier: Paid }", "{ role: boss }", "{ tier: a, role: admin }", "{ age: 3 }", "{}", "3"]
        {
            assert!(serde_yaml::from_str::<Audience>(wrong).is_err(), "{wrong}");
        }
    }
}
