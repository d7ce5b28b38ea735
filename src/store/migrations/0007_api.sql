-- What has changed in the site's own tables, in the order of the commits: a number is given in
-- the transaction that it belongs to, and whoever gives one waits for whoever gave the one
-- before. So a reader who has seen a number has seen all before it.
CREATE TABLE littoral_change (
    number     INTEGER PRIMARY KEY,
    site_table TEXT NOT NULL,
    -- created, changed, removed; imported: any row may be another.
    deed       TEXT NOT NULL,
    -- The key of the row, as JSON; none when it is about many.
    row_key    TEXT,
    changed_at INTEGER NOT NULL
);
CREATE INDEX littoral_change_table ON littoral_change (site_table, number);
CREATE TABLE littoral_change_count (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    -- The last number that was given.
    last      INTEGER NOT NULL,
    -- The last one that is kept no longer.
    forgotten INTEGER NOT NULL
);
INSERT INTO littoral_change_count (one, last, forgotten) VALUES (1, 0, 0);

-- What other programs show to be let in. Only the digest is here.
CREATE TABLE littoral_token (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    digest     TEXT NOT NULL,
    -- Words divided by blanks: `city:read city:write`.
    scopes     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    seen_at    INTEGER
);
CREATE UNIQUE INDEX littoral_token_name ON littoral_token (name);
CREATE UNIQUE INDEX littoral_token_digest ON littoral_token (digest);
