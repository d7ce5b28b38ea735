-- Who has an account. Ids are random, not counted: they are never used twice and tell
-- nobody how many members there are.
CREATE TABLE member (
    id            INTEGER PRIMARY KEY,
    -- As it was typed, for showing and for sending to.
    email         TEXT NOT NULL,
    -- In small letters, for finding: one mailbox, one account.
    email_key     TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    -- argon2id in PHC form, parameters and salt with it.
    password      TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    -- What the member chose; NULL where nothing was chosen.
    theme         TEXT,
    text_size     TEXT,
    keeps_history INTEGER NOT NULL DEFAULT 1
);
