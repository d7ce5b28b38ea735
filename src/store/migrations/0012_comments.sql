-- Who has done what that others answer for: moderators, administrators, the command line.
CREATE TABLE littoral_audit (
    id        INTEGER PRIMARY KEY,
    -- None: the command line. No reference, because it must outlive the account.
    member_id INTEGER,
    -- As they were called then.
    actor     TEXT NOT NULL,
    deed      TEXT NOT NULL,
    -- What it was done to.
    what      TEXT NOT NULL,
    at        INTEGER NOT NULL
);
CREATE INDEX littoral_audit_newest ON littoral_audit (at, id);

-- A page that has comments. Its row is what two comments at one instant wait for, so that
-- numbers are given in the order of the commits.
CREATE TABLE littoral_comment_page (
    id      INTEGER PRIMARY KEY,
    path    TEXT NOT NULL,
    -- The last number that was given.
    last    INTEGER NOT NULL,
    -- How many comments can be read.
    shown   INTEGER NOT NULL,
    -- When the last one came.
    last_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX littoral_comment_page_path ON littoral_comment_page (path);

-- Somebody without an account who has an address.
CREATE TABLE littoral_comment_guest (
    id           INTEGER PRIMARY KEY,
    email        TEXT NOT NULL,
    email_key    TEXT NOT NULL,
    -- None until a link in a letter was followed.
    confirmed_at INTEGER,
    created_at   INTEGER NOT NULL
);
CREATE UNIQUE INDEX littoral_comment_guest_key ON littoral_comment_guest (email_key);
-- Their browsers, by the digest of a cookie.
CREATE TABLE littoral_comment_guest_token (
    digest     BLOB PRIMARY KEY,
    guest_id   INTEGER NOT NULL REFERENCES littoral_comment_guest (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
);
CREATE INDEX littoral_comment_guest_token_expiry ON littoral_comment_guest_token (expires_at);

CREATE TABLE littoral_comment (
    id         INTEGER PRIMARY KEY,
    page_id    INTEGER NOT NULL,
    parent_id  INTEGER,
    -- In its page.
    number     INTEGER NOT NULL,
    -- Of the comment that begins the thread.
    root       INTEGER NOT NULL,
    -- How deep, without a bound.
    level      INTEGER NOT NULL,
    -- The numbers of those above it and its own, eight hexadecimal digits each: sorted by it, a
    -- thread stands as it is read. At most ten of them: what is deeper stands behind the tenth.
    path       TEXT NOT NULL,
    -- The same with the first number turned round: the newest thread first.
    newest     TEXT NOT NULL,
    -- The likes below nought: the most liked first.
    rank       INTEGER NOT NULL,
    member_id  INTEGER,
    guest_id   INTEGER,
    -- As they were called when they wrote; empty when they are gone.
    name       TEXT NOT NULL,
    -- As it was typed, and as it is shown, by which version of the writer.
    source     TEXT NOT NULL,
    html       TEXT NOT NULL,
    writer     INTEGER NOT NULL,
    -- shown, waiting, unconfirmed, refused, spam, deleted
    state      TEXT NOT NULL,
    -- Whether it has a place in the thread: it is shown, or has replies that are.
    listed     INTEGER NOT NULL,
    -- How many replies have such a place.
    replies    INTEGER NOT NULL,
    -- Why it waits.
    why        TEXT NOT NULL,
    likes      INTEGER NOT NULL,
    reports    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    edited_at  INTEGER,
    -- Who has decided, and when.
    decided_by TEXT,
    decided_at INTEGER,
    -- Where it came from: a keyed digest of a network.
    network    BLOB,
    -- Of content and author: the same twice is one.
    once       BLOB,
    -- Digest of the token in the letter that confirms it.
    confirm    BLOB,
    -- What its author wants letters about, once it is confirmed: nothing, replies, thread.
    wants      TEXT NOT NULL
);
CREATE INDEX littoral_comment_oldest ON littoral_comment (page_id, path) WHERE listed = 1;
CREATE INDEX littoral_comment_newest ON littoral_comment (page_id, newest) WHERE listed = 1;
CREATE INDEX littoral_comment_liked ON littoral_comment (page_id, rank, number) WHERE listed = 1;
CREATE INDEX littoral_comment_page_newest ON littoral_comment (page_id, number) WHERE state = 'shown';
CREATE INDEX littoral_comment_state ON littoral_comment (state, created_at, id);
CREATE INDEX littoral_comment_reported ON littoral_comment (created_at, id) WHERE reports > 0;
CREATE INDEX littoral_comment_member ON littoral_comment (member_id, created_at, id) WHERE member_id IS NOT NULL;
CREATE INDEX littoral_comment_guest_own ON littoral_comment (guest_id, created_at, id) WHERE guest_id IS NOT NULL;
CREATE INDEX littoral_comment_once ON littoral_comment (once) WHERE once IS NOT NULL;
CREATE INDEX littoral_comment_forgettable ON littoral_comment (created_at) WHERE once IS NOT NULL;
CREATE INDEX littoral_comment_confirm ON littoral_comment (confirm) WHERE confirm IS NOT NULL;

CREATE TABLE littoral_comment_like (
    comment_id INTEGER NOT NULL,
    member_id  INTEGER NOT NULL REFERENCES littoral_member (id) ON DELETE CASCADE,
    PRIMARY KEY (comment_id, member_id)
);
CREATE INDEX littoral_comment_like_member ON littoral_comment_like (member_id);

CREATE TABLE littoral_comment_report (
    comment_id INTEGER NOT NULL,
    -- Digest of a member or of a network: each says it once.
    reporter   BLOB NOT NULL,
    why        TEXT NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (comment_id, reporter)
);

-- What moderators do not want to see again.
CREATE TABLE littoral_comment_block (
    -- word, address, network, member
    kind    TEXT NOT NULL,
    -- Small letters; a network by its keyed digest, hexadecimal.
    value   TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (kind, value)
);

-- Who gets letters about a page.
CREATE TABLE littoral_comment_subscription (
    id        INTEGER PRIMARY KEY,
    page_id   INTEGER NOT NULL,
    email     TEXT NOT NULL,
    email_key TEXT NOT NULL,
    -- replies: to what they wrote; thread: everything.
    kind      TEXT NOT NULL,
    at        INTEGER NOT NULL
);
CREATE UNIQUE INDEX littoral_comment_subscription_once ON littoral_comment_subscription (page_id, email_key);
-- A comment of which those are still to be told: put here in the transaction that shows it,
-- worked off in bites.
CREATE TABLE littoral_comment_notice (
    comment_id INTEGER PRIMARY KEY,
    page_id    INTEGER NOT NULL,
    -- The subscription that was told last.
    after      INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    -- Kept for a while after that, so that nobody is told of one comment twice.
    done       INTEGER NOT NULL
);
CREATE INDEX littoral_comment_notice_due ON littoral_comment_notice (at) WHERE done = 0;

-- What digests of networks and links in letters are derived from. Random, made once.
CREATE TABLE littoral_comment_key (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    key BLOB NOT NULL
);
