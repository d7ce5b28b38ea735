//! Traces: what an output has read.
//!
//! A [`Read`] is a question that can be asked again: it holds names, never places in a
//! table, so that it means the same in a later build. [`Reads`] keeps each different one
//! once, with the digest of its answer; a [`Trace`] is the set of those that one output
//! asked. An output is made again when one of its answers is another one ("verifying
//! traces", in the words of "Build Systems à la Carte", Mokhov, Mitchell and Peyton Jones,
//! 2018).
//!
//! Knows no answers: those are given by [`super::world`].

mod own;
mod read;
mod reads;

pub use own::{Asked, Own, OwnRead, Trace};
pub use read::{Answer, List, Pages, Read, Setting, Side, Window};
pub use reads::{ReadId, Reads};
