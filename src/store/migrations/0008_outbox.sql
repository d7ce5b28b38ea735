-- What is to be sent to others, put here in the transaction of its cause.
CREATE TABLE littoral_outbox (
    -- Random. It goes out with the message, so that who gets it twice can tell.
    id          INTEGER PRIMARY KEY,
    -- What carries it, such as `webhook`, and to whom.
    kind        TEXT NOT NULL,
    address     TEXT NOT NULL,
    -- Emptied when it has been delivered: nobody needs it again.
    payload     TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    -- From when on it may be taken; NULL when nothing more is to be done. Who takes it puts
    -- the end of their lease here, so that it is due again by itself when they are gone.
    due_at      INTEGER,
    -- Who has it, a random number; NULL when nobody has.
    claim       INTEGER,
    tries       INTEGER NOT NULL,
    last_error  TEXT,
    finished_at INTEGER,
    -- Finished without being delivered.
    gave_up     INTEGER NOT NULL
);
CREATE INDEX littoral_outbox_due ON littoral_outbox (kind, address, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX littoral_outbox_finished ON littoral_outbox (gave_up, finished_at, id) WHERE finished_at IS NOT NULL;
