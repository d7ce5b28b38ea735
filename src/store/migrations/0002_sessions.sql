-- A browser that is remembered: a member's, or a visitor's who has saved something.
CREATE TABLE session (
    -- BLAKE3 of the token in the cookie; the token itself is nowhere.
    digest     BLOB PRIMARY KEY,
    -- What a page may name it by, for revoking.
    id         INTEGER NOT NULL UNIQUE,
    member_id  INTEGER REFERENCES member (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    -- When it ends without another request; moves with `seen_at`, never beyond `ends_at`.
    expires_at INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL,
    -- User-Agent, cut short, for its owner to recognise it.
    agent      TEXT NOT NULL,
    -- A visitor's choices; a member's stand with the member.
    theme      TEXT,
    text_size  TEXT
);
CREATE INDEX session_of_member ON session (member_id, seen_at);
CREATE INDEX session_expiry ON session (expires_at);
