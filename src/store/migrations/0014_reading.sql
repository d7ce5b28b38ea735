-- Pages that a member has put aside for later.
CREATE TABLE littoral_kept_page (
    member_id INTEGER NOT NULL REFERENCES littoral_member (id) ON DELETE CASCADE,
    -- Decoded path in the site.
    path      TEXT NOT NULL,
    kept_at   INTEGER NOT NULL,
    PRIMARY KEY (member_id, path)
);
CREATE INDEX littoral_kept_page_latest ON littoral_kept_page (member_id, kept_at);

-- Tags, authors and other terms whose new pages a member wants to see.
CREATE TABLE littoral_followed (
    member_id INTEGER NOT NULL REFERENCES littoral_member (id) ON DELETE CASCADE,
    -- Decoded path of the term's page.
    path      TEXT NOT NULL,
    since     INTEGER NOT NULL,
    PRIMARY KEY (member_id, path)
);

-- What a member who keeps a history has looked for.
CREATE TABLE littoral_looked_for (
    member_id   INTEGER NOT NULL REFERENCES littoral_member (id) ON DELETE CASCADE,
    words       TEXT NOT NULL,
    searched_at INTEGER NOT NULL,
    PRIMARY KEY (member_id, words)
);
CREATE INDEX littoral_looked_for_latest ON littoral_looked_for (member_id, searched_at);
