//! For whom something is that an author declares: `access:` of a data page or a fragment.
//!
//! [`Audience::admits`] is the only place that decides. What is known of a reader comes as a
//! [`Standing`]; whoever cannot be known is a visitor.

use serde::{Deserialize, Serialize};

/// For whom it is. Further kinds (a tier, a role) are variants here and facts in [`Standing`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// Everybody.
    #[default]
    Public,
    /// Whoever is signed in.
    Members,
}

/// What is known of a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They are not signed in.
    Visitor,
    /// They are.
    Member,
}

impl Audience {
    /// Whether it is for this reader.
    pub fn admits(self, standing: Standing) -> bool {
        match self {
            Self::Public => true,
            Self::Members => standing == Standing::Member,
        }
    }

    /// Whether it is for everybody, so that nobody has to be asked who they are.
    pub fn is_public(self) -> bool {
        self == Self::Public
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_members_is_for_no_visitor() {
        assert!(Audience::Public.admits(Standing::Visitor) && Audience::Public.admits(Standing::Member));
        assert!(!Audience::Members.admits(Standing::Visitor) && Audience::Members.admits(Standing::Member));
        assert!(Audience::default().is_public() && !Audience::Members.is_public());
    }
}
