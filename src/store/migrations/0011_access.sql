-- The meter. What is counted is counted for a period, which is named by the instant it begins.
-- Its key is random and is forgotten with it: what was derived from it tells nothing then.
CREATE TABLE littoral_meter_period (
    period     INTEGER PRIMARY KEY,
    secret     BLOB NOT NULL
);

-- Metered pages that a member has read.
CREATE TABLE littoral_meter_member (
    member_id  INTEGER NOT NULL REFERENCES littoral_member (id) ON DELETE CASCADE,
    period     INTEGER NOT NULL,
    path       TEXT NOT NULL,
    read_at    INTEGER NOT NULL,
    PRIMARY KEY (member_id, period, path)
);
CREATE INDEX littoral_meter_member_period ON littoral_meter_member (period);

-- The same for a visitor: a digest of what a cookie holds.
CREATE TABLE littoral_meter_visitor (
    visitor    BLOB NOT NULL,
    period     INTEGER NOT NULL,
    path       TEXT NOT NULL,
    read_at    INTEGER NOT NULL,
    PRIMARY KEY (visitor, period, path)
);
CREATE INDEX littoral_meter_visitor_period ON littoral_meter_visitor (period);

-- How many reads of visitors came from one network with one kind of browser: a digest of both.
CREATE TABLE littoral_meter_network (
    network    BLOB NOT NULL,
    period     INTEGER NOT NULL,
    reads      INTEGER NOT NULL,
    PRIMARY KEY (network, period)
);
CREATE INDEX littoral_meter_network_period ON littoral_meter_network (period);

-- Keys of the site's own, by name: what signs the links of previews.
CREATE TABLE littoral_secret (
    name       TEXT PRIMARY KEY,
    value      BLOB NOT NULL,
    made_at    INTEGER NOT NULL
);

-- The address of a member's own feed: the digest of the token in it. A member has one.
CREATE TABLE littoral_feed (
    member_id  INTEGER PRIMARY KEY REFERENCES littoral_member (id) ON DELETE CASCADE,
    digest     BLOB NOT NULL UNIQUE,
    made_at    INTEGER NOT NULL
);
