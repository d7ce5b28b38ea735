//! Examples of what a text becomes.
