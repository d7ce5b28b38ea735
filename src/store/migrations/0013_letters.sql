-- Who gets the newsletter, by address: nobody needs an account for it.
CREATE TABLE littoral_subscriber (
    id            INTEGER PRIMARY KEY,
    email         TEXT NOT NULL,
    email_key     TEXT NOT NULL UNIQUE,
    -- `pending` until the address is confirmed, then `subscribed`, or `left`.
    state         TEXT NOT NULL,
    -- In each letter, for leaving.
    secret        BLOB NOT NULL,
    -- Names of topics, each with a space before and behind it.
    topics        TEXT NOT NULL,
    -- Those that are chosen when the address is confirmed.
    wish          TEXT NOT NULL,
    -- BLAKE3 of what is in the link that confirms, and until when that is good.
    confirm       BLOB,
    confirm_until INTEGER,
    created_at    INTEGER NOT NULL,
    confirmed_at  INTEGER,
    left_at       INTEGER
);
CREATE INDEX littoral_subscriber_confirm ON littoral_subscriber (confirm) WHERE confirm IS NOT NULL;
CREATE INDEX littoral_subscriber_pending ON littoral_subscriber (confirm_until) WHERE state = 'pending';
CREATE INDEX littoral_subscriber_state ON littoral_subscriber (state, id);

-- A page that is sent as a letter.
CREATE TABLE littoral_issue (
    id          INTEGER PRIMARY KEY,
    page        TEXT NOT NULL,
    subject     TEXT NOT NULL,
    segment     TEXT NOT NULL,
    -- JSON: the letter, with a mark where the link for leaving goes.
    letter      TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    -- The last subscriber that was looked at, in order of their numbers.
    reached     INTEGER NOT NULL,
    -- How many letters were put into the outbox.
    sent        INTEGER NOT NULL,
    finished_at INTEGER
);
CREATE INDEX littoral_issue_of_page ON littoral_issue (page, created_at);
CREATE INDEX littoral_issue_unfinished ON littoral_issue (created_at, id) WHERE finished_at IS NULL;

-- That a subscriber was sent an issue: no two letters, whatever is done over.
CREATE TABLE littoral_issue_letter (
    issue_id      INTEGER NOT NULL REFERENCES littoral_issue (id) ON DELETE CASCADE,
    subscriber_id INTEGER NOT NULL,
    PRIMARY KEY (issue_id, subscriber_id)
);

-- What members are told.
CREATE TABLE littoral_notification (
    id         INTEGER PRIMARY KEY,
    member_id  INTEGER NOT NULL REFERENCES littoral_member (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    -- Where it leads, a path of the site.
    link       TEXT NOT NULL,
    -- JSON, for templates.
    data       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    read_at    INTEGER,
    -- With what it goes by mail: its kind alone, `daily` or `weekly`. NULL when it has gone,
    -- or goes by none.
    parcel     TEXT
);
CREATE INDEX littoral_notification_of_member ON littoral_notification (member_id, created_at, id);
CREATE INDEX littoral_notification_unread ON littoral_notification (member_id) WHERE read_at IS NULL;
CREATE INDEX littoral_notification_parcel ON littoral_notification (member_id, parcel) WHERE parcel IS NOT NULL;
CREATE INDEX littoral_notification_new ON littoral_notification (created_at);

-- How a member wants to be told of a kind by mail, where it is not as usual.
CREATE TABLE littoral_notification_choice (
    member_id INTEGER NOT NULL REFERENCES littoral_member (id) ON DELETE CASCADE,
    kind      TEXT NOT NULL,
    by_mail   TEXT NOT NULL,
    PRIMARY KEY (member_id, kind)
);

-- A letter that is due to a member, with all notifications of its parcel.
CREATE TABLE littoral_parcel (
    member_id INTEGER NOT NULL REFERENCES littoral_member (id) ON DELETE CASCADE,
    parcel    TEXT NOT NULL,
    due_at    INTEGER NOT NULL,
    -- Who makes the letter, a random number; NULL when nobody does.
    claim     INTEGER,
    PRIMARY KEY (member_id, parcel)
);
CREATE INDEX littoral_parcel_due ON littoral_parcel (due_at);

-- What the links in letters to a member are signed with.
CREATE TABLE littoral_letter_secret (
    member_id INTEGER PRIMARY KEY REFERENCES littoral_member (id) ON DELETE CASCADE,
    secret    BLOB NOT NULL
);

-- What administrators were told, so that they are not told it again and again.
CREATE TABLE littoral_alert (
    kind       TEXT PRIMARY KEY,
    told_at    INTEGER NOT NULL,
    -- How often it would have been told since.
    suppressed INTEGER NOT NULL
);

-- The browsers that administrators have signed in from: a digest of each.
CREATE TABLE littoral_device (
    member_id INTEGER NOT NULL REFERENCES littoral_member (id) ON DELETE CASCADE,
    device    BLOB NOT NULL,
    seen_at   INTEGER NOT NULL,
    PRIMARY KEY (member_id, device)
);
