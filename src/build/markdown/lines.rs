//! Lines of code: what a grammar says of one, kept while it is likely to come again.
//!
//! A grammar reads a line from a state and leaves another. `}` is read thousands of times from
//! few states, and to read it costs a search by each of a hundred expressions. Each thread
//! keeps its own, so that none waits.

use std::cell::RefCell;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use quick_cache::unsync::Cache;
use quick_cache::{Equivalent, Weighter};
use rustc_hash::FxHashMap;
use syntect::parsing::{ParseState, ScopeStackOp, SyntaxReference, SyntaxSet};

/// Bytes that a thread keeps.
const KEPT: u64 = 8 * 1024 * 1024;
/// Lines above this are too long to come again.
const LONGEST: usize = 120;
/// States of one grammar that are told apart. Some grammars keep words of the code in them.
const MOST_STATES: usize = 256;

/// What begins and ends where in a line.
pub(super) type Operations = Arc<[(usize, ScopeStackOp)]>;

/// Where the reading of a block is.
pub(super) struct At {
    grammar: usize,
    state: State,
}

enum State {
    /// One that is kept, by its number.
    Kept(u32),
    /// One that nobody keeps.
    Own(ParseState),
}

#[derive(PartialEq, Eq, Hash)]
struct Line {
    grammar: usize,
    state: u32,
    text: Box<str>,
}

#[derive(Clone, Copy)]
struct LineRef<'l> {
    grammar: usize,
    state: u32,
    text: &'l str,
}

impl Hash for LineRef<'_> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.grammar.hash(hasher);
        self.state.hash(hasher);
        self.text.hash(hasher);
    }
}

impl Equivalent<Line> for LineRef<'_> {
    fn equivalent(&self, line: &Line) -> bool {
        self.grammar == line.grammar && self.state == line.state && *self.text == *line.text
    }
}

/// What a line says, and the state that it leaves.
#[derive(Clone)]
struct Said {
    operations: Operations,
    next: u32,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Line, Said> for Bytes {
    fn weight(&self, line: &Line, said: &Said) -> u64 {
        (line.text.len() + size_of_val(&*said.operations) + 96) as u64
    }
}

struct Kept {
    states: FxHashMap<usize, Vec<ParseState>>,
    lines: Cache<Line, Said, Bytes>,
}

thread_local! {
    static KEPT_HERE: RefCell<Kept> = RefCell::new(Kept {
        states: FxHashMap::default(),
        lines: Cache::with_weighter(4096, KEPT, Bytes),
    });
}

impl Kept {
    /// The number of `state`; itself if there is no room for it.
    fn keep(&mut self, grammar: usize, state: ParseState) -> State {
        let states = self.states.entry(grammar).or_default();
        let place = states.iter().position(|known| *known == state);
        match place.and_then(|place| u32::try_from(place).ok()) {
            Some(place) => State::Kept(place),
            None if states.len() < MOST_STATES => {
                states.push(state);
                State::Kept(u32::try_from(states.len() - 1).unwrap_or_default())
            }
            None => State::Own(state),
        }
    }

    fn state(&self, grammar: usize, number: u32) -> Option<ParseState> {
        self.states.get(&grammar)?.get(usize::try_from(number).ok()?).cloned()
    }
}

impl At {
    /// The beginning of a block. `syntax` is one that lives as long as the program.
    pub(super) fn start(syntax: &'static SyntaxReference) -> Self {
        let grammar = std::ptr::from_ref(syntax).addr();
        let state = KEPT_HERE.with_borrow_mut(|kept| kept.keep(grammar, ParseState::new(syntax)));
        Self { grammar, state }
    }

    /// Reads the next line, with its end; none if the grammar is not whole.
    pub(super) fn parse(&mut self, line: &str, syntaxes: &SyntaxSet) -> Option<Operations> {
        KEPT_HERE.with_borrow_mut(|kept| {
            let (mut state, number) = match &self.state {
                State::Own(state) => (state.clone(), None),
                State::Kept(number) => {
                    let key = LineRef { grammar: self.grammar, state: *number, text: line };
                    if let Some(said) = kept.lines.get(&key) {
                        self.state = State::Kept(said.next);
                        return Some(said.operations.clone());
                    }
                    (kept.state(self.grammar, *number)?, Some(*number))
                }
            };
            let operations: Operations = state.parse_line(line, syntaxes).ok()?.into();
            self.state = kept.keep(self.grammar, state);
            if let (Some(state), State::Kept(next)) = (number, &self.state)
                && line.len() <= LONGEST
            {
                let key = Line { grammar: self.grammar, state, text: line.into() };
                kept.lines.insert(key, Said { operations: operations.clone(), next: *next });
            }
            Some(operations)
        })
    }
}
