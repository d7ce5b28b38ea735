-- Whose account is shut by whoever runs the site, and whose is to be deleted, and when.
-- A member without a password has an empty one: it is the digest of none.
ALTER TABLE littoral_member ADD COLUMN disabled_at INTEGER;
ALTER TABLE littoral_member ADD COLUMN delete_at INTEGER;
CREATE INDEX littoral_member_leaving ON littoral_member (delete_at) WHERE delete_at IS NOT NULL;
CREATE INDEX littoral_member_role ON littoral_member (role, id);

-- Links that were sent by letter. Each is good once, for one thing, and for a while.
CREATE TABLE littoral_link (
    -- BLAKE3 of the token in the link; the token itself stands in the letter alone.
    digest     BLOB PRIMARY KEY,
    -- What it is good for: sign-in, register, password, ...
    purpose    TEXT NOT NULL,
    -- Whose it is. NULL for who is no member yet, and for an address that nobody has: its link
    -- was never sent, and stands here so that the work is the same.
    member_id  INTEGER REFERENCES littoral_member (id) ON DELETE CASCADE,
    -- Where it was sent to, or what it asks for.
    email      TEXT NOT NULL,
    -- Of who registers.
    name       TEXT NOT NULL,
    role       TEXT NOT NULL,
    -- Where to go on, a path of this site; empty for the account.
    next       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE INDEX littoral_link_of_member ON littoral_link (member_id, purpose);
CREATE INDEX littoral_link_expiry ON littoral_link (expires_at);

-- A member's address that is to be another one, once both mailboxes have said so.
CREATE TABLE littoral_address_change (
    member_id    INTEGER PRIMARY KEY REFERENCES littoral_member (id) ON DELETE CASCADE,
    email        TEXT NOT NULL,
    old_said_yes INTEGER NOT NULL,
    new_said_yes INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
);
CREATE INDEX littoral_address_change_expiry ON littoral_address_change (expires_at);

-- What concerns the safety of an account, for its owner to read.
CREATE TABLE littoral_security_event (
    id          INTEGER PRIMARY KEY,
    -- NULL for a try at an address that has no account.
    member_id   INTEGER REFERENCES littoral_member (id) ON DELETE CASCADE,
    kind        TEXT NOT NULL,
    happened_at INTEGER NOT NULL,
    -- User-Agent, cut short.
    agent       TEXT NOT NULL,
    -- Where from: the network, never the whole address.
    network     TEXT NOT NULL
);
CREATE INDEX littoral_security_event_of_member ON littoral_security_event (member_id, happened_at, id);
CREATE INDEX littoral_security_event_of_kind ON littoral_security_event (kind, happened_at);
CREATE INDEX littoral_security_event_oldest ON littoral_security_event (happened_at);
