-- How often something was tried that may be tried only so often. In the store, so that
-- all nodes count together.
CREATE TABLE attempt (
    -- BLAKE3 of what is limited and for whom: no address stands here.
    subject       BLOB PRIMARY KEY,
    tries         INTEGER NOT NULL,
    blocked_until INTEGER NOT NULL,
    forget_at     INTEGER NOT NULL
);
CREATE INDEX attempt_expiry ON attempt (forget_at);
