//! The comments of a page, a bounded part at a time; queues for moderators, and feeds.
//!
//! A part begins behind or before a comment, never at a number: the 20,000th page of a thread
//! costs what the first does, and a comment that comes meanwhile moves nothing out of sight.

use jiff::Timestamp;

use super::{COLUMNS, Comment, CommentId, CommentState, FROM, comment, one};
use crate::store::StoreError;
use crate::store::accounts::MemberId;
use crate::store::door::Store;
use crate::store::sql::{Sql, Value, params};

/// In what order comments are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CommentOrder {
    /// As they came, replies below what they answer.
    #[default]
    Oldest,
    /// The newest thread first, each from its beginning.
    Newest,
    /// The most liked first, whatever they answer.
    Liked,
}

impl CommentOrder {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Oldest, Self::Newest, Self::Liked];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Oldest => "oldest",
            Self::Newest => "newest",
            Self::Liked => "liked",
        }
    }

    /// The order of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.word() == word)
    }

    /// The columns that it sorts by.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Oldest => &["path"],
            Self::Newest => &["newest"],
            Self::Liked => &["rank", "number"],
        }
    }
}

/// Where a part begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CommentsFrom {
    /// At the beginning.
    #[default]
    First,
    /// Behind this comment.
    After(CommentId),
    /// It ends before this one.
    Before(CommentId),
    /// With this one.
    At(CommentId),
}

/// A part of a page's comments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CommentsPage {
    /// In order.
    pub comments: Vec<Comment>,
    /// How many can be read below the page altogether.
    pub shown: i64,
    /// When the last one came.
    pub last_at: Option<Timestamp>,
    /// Whether there are others before these.
    pub has_before: bool,
    /// Whether there are others behind them.
    pub has_after: bool,
}

/// Which queue a moderator looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queued {
    /// Those in one state.
    In(CommentState),
    /// Those that can be read and were reported.
    Reported,
}

/// A place in a queue: before this one in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuePlace {
    /// When it came, in microseconds.
    pub created_at: i64,
    /// Its number.
    pub id: i64,
}

impl QueuePlace {
    /// Before all that can be in it.
    pub const NEWEST: Self = Self { created_at: i64::MAX, id: i64::MAX };

    /// The place of `comment`.
    pub fn of(comment: &Comment) -> Self {
        Self { created_at: comment.created_at.as_microsecond(), id: comment.id.0 }
    }
}

/// One end of a range.
struct End {
    operator: &'static str,
    descending: bool,
}

/// The values that a comment is sorted by; none when it is not of this page, or has no place.
fn keys_of(
    sql: &Sql<'_>,
    page: i64,
    order: CommentOrder,
    id: CommentId,
) -> Result<Option<Vec<Value<'static>>>, StoreError> {
    let statement = "SELECT path, newest, rank, number FROM littoral_comment WHERE id = $1 AND page_id = $2";
    sql.row(statement, params![id.0, page], |row| {
        Ok(match order {
            CommentOrder::Oldest => vec![Value::Text(row.get::<String>(0)?.into())],
            CommentOrder::Newest => vec![Value::Text(row.get::<String>(1)?.into())],
            CommentOrder::Liked => vec![Value::Integer(row.get(2)?), Value::Integer(row.get(3)?)],
        })
    })
}

fn range(
    sql: &Sql<'_>,
    page: i64,
    order: CommentOrder,
    end: Option<(&End, &[Value<'static>])>,
    limit: i64,
) -> Result<Vec<Comment>, StoreError> {
    let columns = order.keys();
    let names = |prefix: &str, end: &str| {
        columns.iter().map(|column| format!("{prefix}{column}{end}")).collect::<Vec<_>>().join(", ")
    };
    let mut parameters = vec![Value::Integer(page)];
    let condition = match end {
        Some((end, values)) => {
            parameters.extend_from_slice(values);
            let places = (2..2 + values.len()).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ");
            format!(" AND ({}) {} ({places})", names("c.", ""), end.operator)
        }
        None => String::new(),
    };
    let direction = if end.is_some_and(|(end, _)| end.descending) { " DESC" } else { "" };
    parameters.push(Value::Integer(limit));
    let statement = format!(
        "SELECT {COLUMNS} FROM {FROM} WHERE c.page_id = $1 AND c.listed = 1{condition} ORDER BY {} LIMIT ${}",
        names("c.", direction),
        parameters.len()
    );
    sql.rows(&statement, &parameters, comment)
}

fn part(
    sql: &Sql<'_>,
    page: &str,
    order: CommentOrder,
    from: CommentsFrom,
    limit: i64,
) -> Result<CommentsPage, StoreError> {
    let found: Option<(i64, i64, i64)> =
        sql.row("SELECT id, shown, last_at FROM littoral_comment_page WHERE path = $1", params![page], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    let Some((page, shown, last_at)) = found else { return Ok(CommentsPage::default()) };
    let last_at = Timestamp::from_microsecond(last_at).ok();
    let (end, id) = match from {
        CommentsFrom::First => (None, None),
        CommentsFrom::After(id) => (Some(End { operator: ">", descending: false }), Some(id)),
        CommentsFrom::At(id) => (Some(End { operator: ">=", descending: false }), Some(id)),
        CommentsFrom::Before(id) => (Some(End { operator: "<", descending: true }), Some(id)),
    };
    let keys = match id {
        Some(id) => keys_of(sql, page, order, id)?,
        None => None,
    };
    // One that is gone leads to the beginning.
    let end = end.as_ref().zip(keys.as_deref());
    // One more tells whether there are others.
    let mut comments = range(sql, page, order, end, limit.saturating_add(1))?;
    let has_more = comments.len() as i64 > limit;
    comments.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let (has_before, has_after) = match (from, end) {
        (CommentsFrom::Before(_), Some(_)) => {
            comments.reverse();
            (has_more, true)
        }
        (CommentsFrom::At(_), Some((_, keys))) => {
            let before = End { operator: "<", descending: true };
            (!range(sql, page, order, Some((&before, keys)), 1)?.is_empty(), has_more)
        }
        (CommentsFrom::After(_), Some(_)) => (true, has_more),
        _ => (false, has_more),
    };
    Ok(CommentsPage { comments, shown, last_at, has_before, has_after })
}

impl Store {
    /// A part of the comments of the page at `path`: one range of an index.
    pub async fn comments(
        &self,
        path: &str,
        order: CommentOrder,
        from: CommentsFrom,
        limit: usize,
    ) -> Result<CommentsPage, StoreError> {
        let (path, limit) = (path.to_owned(), i64::try_from(limit).unwrap_or(i64::MAX));
        self.read(move |sql| part(sql, &path, order, from, limit)).await
    }

    /// Whether a comment is among the first so many of its page.
    pub async fn is_among_first(&self, id: CommentId, order: CommentOrder, limit: usize) -> Result<bool, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(move |sql| {
            let Some(wanted) = one(sql, id)? else { return Ok(false) };
            let first = part(sql, &wanted.page, order, CommentsFrom::First, limit)?;
            Ok(first.comments.iter().any(|comment| comment.id == id))
        })
        .await
    }

    /// The newest comments of one page, or of all, that can be read.
    pub async fn newest_comments(&self, path: Option<&str>, limit: usize) -> Result<Vec<Comment>, StoreError> {
        let (path, limit) = (path.map(str::to_owned), i64::try_from(limit).unwrap_or(i64::MAX));
        self.read(move |sql| match &path {
            Some(path) => sql.rows(
                &format!(
                    "SELECT {COLUMNS} FROM {FROM} WHERE c.page_id = (SELECT id FROM littoral_comment_page WHERE path = $1)
                         AND c.state = 'shown' ORDER BY c.number DESC LIMIT $2"
                ),
                params![path, limit],
                comment,
            ),
            None => sql.rows(
                &format!(
                    "SELECT {COLUMNS} FROM {FROM} WHERE c.state = 'shown' ORDER BY c.created_at DESC, c.id DESC LIMIT $1"
                ),
                params![limit],
                comment,
            ),
        })
        .await
    }

    /// A part of a queue, the latest first.
    pub async fn queued_comments(
        &self,
        queue: Queued,
        before: QueuePlace,
        limit: usize,
    ) -> Result<Vec<Comment>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(move |sql| match queue {
            Queued::In(state) => sql.rows(
                &format!(
                    "SELECT {COLUMNS} FROM {FROM} WHERE c.state = $1 AND (c.created_at, c.id) < ($2, $3)
                         ORDER BY c.created_at DESC, c.id DESC LIMIT $4"
                ),
                params![state.word(), before.created_at, before.id, limit],
                comment,
            ),
            Queued::Reported => sql.rows(
                &format!(
                    "SELECT {COLUMNS} FROM {FROM} WHERE c.reports > 0 AND (c.created_at, c.id) < ($1, $2)
                         ORDER BY c.created_at DESC, c.id DESC LIMIT $3"
                ),
                params![before.created_at, before.id, limit],
                comment,
            ),
        })
        .await
    }

    /// Comments of a member, the latest first, whatever has become of them: for who asks what is
    /// kept about them.
    pub async fn comments_of_member(
        &self,
        member: MemberId,
        before: QueuePlace,
        limit: usize,
    ) -> Result<Vec<Comment>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(move |sql| {
            sql.rows(
                &format!(
                    "SELECT {COLUMNS} FROM {FROM} WHERE c.member_id = $1 AND (c.created_at, c.id) < ($2, $3)
                         ORDER BY c.created_at DESC, c.id DESC LIMIT $4"
                ),
                params![member.0, before.created_at, before.id, limit],
                comment,
            )
        })
        .await
    }
}
