-- What a member may do, and what they have: words, of which the site's configuration knows the
-- tiers. An empty tier is the first one.
ALTER TABLE littoral_member ADD COLUMN role TEXT NOT NULL DEFAULT 'member';
ALTER TABLE littoral_member ADD COLUMN tier TEXT NOT NULL DEFAULT '';
UPDATE littoral_member SET role = 'admin' WHERE is_admin = 1;
ALTER TABLE littoral_member DROP COLUMN is_admin;

-- Addresses that no letter is sent to, in small letters.
CREATE TABLE littoral_suppressed (
    address_key TEXT PRIMARY KEY,
    why         TEXT NOT NULL,
    since       INTEGER NOT NULL
);
