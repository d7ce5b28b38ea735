//! What moderators do not want to see again: words, addresses, networks, members.
//!
//! Who is blocked is told nothing: what they write is put where spam is.

use jiff::Timestamp;

use super::{Comment, CommentId, one};
use crate::store::StoreError;
use crate::store::accounts::MemberId;
use crate::store::audit;
use crate::store::door::{Durability, Store};
use crate::store::sql::{Sql, params};

/// How many words are looked for at most: each comment is searched for all of them.
const MOST_WORDS: i64 = 1_000;
/// How many are listed.
const LISTED: i64 = 500;

/// What is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// A text that a comment has in it, in any letters.
    Word,
    /// An address, or `@` and a host.
    Address,
    /// A network, by its keyed digest.
    Network,
    /// A member, by number.
    Member,
}

impl BlockKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Word, Self::Address, Self::Network, Self::Member];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Word => "word",
            Self::Address => "address",
            Self::Network => "network",
            Self::Member => "member",
        }
    }

    /// The kind of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// A block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Of what.
    pub kind: BlockKind,
    /// Which, in small letters.
    pub value: String,
    /// What is shown of it: of a member the name.
    pub shown: String,
}

/// What is known of who writes, and what.
pub(super) struct Suspect<'a> {
    pub(super) member: Option<MemberId>,
    pub(super) email_key: &'a str,
    pub(super) network: &'a [u8; 32],
    pub(super) text: &'a str,
}

/// What of it is blocked, in a moderator's words.
pub(super) fn of(sql: &Sql<'_>, suspect: &Suspect<'_>) -> Result<Option<&'static str>, StoreError> {
    let host = suspect.email_key.rfind('@').map_or("", |at| &suspect.email_key[at..]);
    let member = suspect.member.map(|member| member.0.to_string()).unwrap_or_default();
    let kind: Option<String> = sql.row(
        "SELECT kind FROM littoral_comment_block
             WHERE (kind = 'member' AND value = $1) OR (kind = 'address' AND value IN ($2, $3))
                OR (kind = 'network' AND value = $4) LIMIT 1",
        params![member, suspect.email_key, host, hex(suspect.network)],
        |row| row.get(0),
    )?;
    match kind.as_deref().and_then(BlockKind::parse) {
        Some(BlockKind::Member) => return Ok(Some("its author is blocked")),
        Some(BlockKind::Address) => return Ok(Some("its address is blocked")),
        Some(BlockKind::Network) => return Ok(Some("its network is blocked")),
        _ => {}
    }
    let text = suspect.text.to_lowercase();
    let words: Vec<String> = sql.rows(
        "SELECT value FROM littoral_comment_block WHERE kind = 'word' ORDER BY value LIMIT $1",
        params![MOST_WORDS],
        |row| row.get(0),
    )?;
    Ok(words.iter().any(|word| text.contains(word.as_str())).then_some("a blocked word is in it"))
}

fn hex(digest: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*digest).to_hex().to_string()
}

fn add(sql: &Sql<'_>, kind: BlockKind, value: &str, now: Timestamp) -> Result<bool, StoreError> {
    let made = sql.run(
        "INSERT INTO littoral_comment_block (kind, value, at) VALUES ($1, $2, $3) ON CONFLICT (kind, value) DO NOTHING",
        params![kind.word(), value, now.as_microsecond()],
    )?;
    Ok(made > 0)
}

/// Blocks who wrote `comment`: the member, or the guest's address and network. Says whether
/// there was somebody to block.
pub(super) fn author_of(
    sql: &Sql<'_>,
    by: Option<MemberId>,
    comment: &Comment,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut is_new = false;
    if let Some(member) = comment.member {
        is_new |= add(sql, BlockKind::Member, &member.0.to_string(), now)?;
    }
    if let Some(guest) = comment.guest {
        let key: Option<String> =
            sql.row("SELECT email_key FROM littoral_comment_guest WHERE id = $1", params![guest.0], |row| row.get(0))?;
        if let Some(key) = key {
            is_new |= add(sql, BlockKind::Address, &key, now)?;
        }
        let network: Option<Option<Vec<u8>>> =
            sql.row("SELECT network FROM littoral_comment WHERE id = $1", params![comment.id.0], |row| row.get(0))?;
        if let Some(network) = network.flatten().and_then(|network| network.try_into().ok()) {
            is_new |= add(sql, BlockKind::Network, &hex(&network), now)?;
        }
    }
    if is_new {
        audit::note(sql, by, "comment.block-author", &format!("the author of comment {}", comment.id.0), now)?;
    }
    Ok(is_new)
}

impl Store {
    /// What is blocked, words first.
    pub async fn comment_blocks(&self) -> Result<Vec<Block>, StoreError> {
        self.read(|sql| {
            let found: Vec<(String, String)> = sql.rows(
                "SELECT kind, value FROM littoral_comment_block ORDER BY kind DESC, value LIMIT $1",
                params![LISTED],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            let mut blocks = Vec::with_capacity(found.len());
            for (kind, value) in found {
                let Some(kind) = BlockKind::parse(&kind) else { continue };
                let member: Option<i64> = (kind == BlockKind::Member).then(|| value.parse().ok()).flatten();
                let name: Option<String> = match member {
                    Some(id) => {
                        sql.row("SELECT name FROM littoral_member WHERE id = $1", params![id], |row| row.get(0))?
                    }
                    None => None,
                };
                blocks.push(Block { kind, shown: name.unwrap_or_else(|| value.clone()), value });
            }
            Ok(blocks)
        })
        .await
    }

    /// Blocks something. Says whether it was not yet.
    pub async fn block_comments(
        &self,
        by: Option<MemberId>,
        kind: BlockKind,
        value: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let value = value.trim().to_lowercase();
        self.write(Durability::Durable, move |sql| {
            let is_new = add(sql, kind, &value, now)?;
            if is_new {
                audit::note(sql, by, "comment.block", &format!("{} {value}", kind.word()), now)?;
            }
            Ok(is_new)
        })
        .await
    }

    /// Takes a block away. Says whether there was one.
    pub async fn unblock_comments(
        &self,
        by: Option<MemberId>,
        kind: BlockKind,
        value: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let value = value.trim().to_lowercase();
        self.write(Durability::Durable, move |sql| {
            let gone = sql.run(
                "DELETE FROM littoral_comment_block WHERE kind = $1 AND value = $2",
                params![kind.word(), value],
            )?;
            if gone > 0 {
                audit::note(sql, by, "comment.unblock", &format!("{} {value}", kind.word()), now)?;
            }
            Ok(gone > 0)
        })
        .await
    }

    /// Blocks who wrote a comment. Says whether there was somebody to block.
    pub async fn block_author(&self, by: Option<MemberId>, id: CommentId, now: Timestamp) -> Result<bool, StoreError> {
        self.write(Durability::Durable, move |sql| match one(sql, id)? {
            Some(comment) => author_of(sql, by, &comment, now),
            None => Ok(false),
        })
        .await
    }
}
