-- What came by forms. The answers are one JSON object, because every form has other fields;
-- what a site wants in columns goes to a table of its own (`goes_to`).
CREATE TABLE littoral_form_answer (
    id          INTEGER PRIMARY KEY,
    form        TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    answers     TEXT NOT NULL,
    -- Tells the same answer sent again by the same visitor; emptied soon, because a visitor's
    -- address is in the digest.
    once        BLOB
);
CREATE INDEX littoral_form_answer_newest ON littoral_form_answer (form, received_at, id);
CREATE INDEX littoral_form_answer_once ON littoral_form_answer (once) WHERE once IS NOT NULL;

-- The bytes are in files beside the store, named by digest and id.
CREATE TABLE littoral_form_file (
    id        INTEGER PRIMARY KEY,
    answer_id INTEGER NOT NULL REFERENCES littoral_form_answer (id) ON DELETE CASCADE,
    field     TEXT NOT NULL,
    digest    TEXT NOT NULL,
    -- As its sender called it, for showing.
    name      TEXT NOT NULL,
    -- As its bytes tell.
    media     TEXT NOT NULL,
    length    INTEGER NOT NULL
);
CREATE INDEX littoral_form_file_answer ON littoral_form_file (answer_id);

-- Who may read them: named on the command line.
ALTER TABLE littoral_member ADD COLUMN is_admin INTEGER NOT NULL DEFAULT 0;
