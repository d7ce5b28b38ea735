-- Tables of the site's own stand beside ours, and may be called anything but
-- `littoral_...` and `migration`, which keeps its name: an older program looks there first.
ALTER TABLE member RENAME TO littoral_member;
ALTER TABLE session RENAME TO littoral_session;
ALTER TABLE page_read RENAME TO littoral_page_read;
ALTER TABLE attempt RENAME TO littoral_attempt;
