//! The store: what must be remembered, in SQLite.
