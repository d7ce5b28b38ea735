-- Which pages a member has read, and how far.
CREATE TABLE page_read (
    member_id INTEGER NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    -- Decoded path in the site.
    path      TEXT NOT NULL,
    read_at   INTEGER NOT NULL,
    -- 0 at the top of the page, 1 at its end.
    position  REAL NOT NULL,
    -- Id of the heading that was being read; empty above the first.
    anchor    TEXT NOT NULL,
    PRIMARY KEY (member_id, path)
);
CREATE INDEX page_read_latest ON page_read (member_id, read_at);
