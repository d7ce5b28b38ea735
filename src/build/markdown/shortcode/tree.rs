//! All calls of a text: found outside code, blocks paired with their ends.
//!
//! Takes time in proportion to the text whatever is in it: a failed reading is paid from a
//! purse, and with an empty purse the rest of the text is taken for prose.

use std::ops::Range;

use super::parse::{self, Braces, Call, Refused};

/// Blocks within blocks. Deeper ones are reported and print their inside only.
pub(in super::super) const DEEPEST_BLOCK: usize = 32;

/// A call and what belongs to it.
#[derive(Debug)]
pub(in super::super) struct Node {
    pub(in super::super) call: Call,
    /// From the first brace of the call to the last of its end.
    pub(in super::super) span: Range<usize>,
    /// Between a block's tags; `None` for an inline call.
    pub(in super::super) inside: Option<Range<usize>>,
    /// Calls inside, in order.
    pub(in super::super) children: Vec<usize>,
}

/// What is wrong with braces in the text.
#[derive(Debug, PartialEq)]
pub(in super::super) enum Fault {
    /// `{{` or `{%` at `start` that begin no call.
    NoCall { start: usize, refused: Refused },
    /// A block without an end: the span of its tag, and of its name.
    Unclosed { tag: Range<usize>, name: Range<usize> },
    /// An end without a block.
    StrayEnd { tag: Range<usize> },
    /// A block deeper than [`DEEPEST_BLOCK`].
    TooDeep { tag: Range<usize> },
}

/// The calls of a text.
#[derive(Debug, Default)]
pub(in super::super) struct Tree {
    pub(in super::super) nodes: Vec<Node>,
    /// Those that stand in no block, in order.
    pub(in super::super) roots: Vec<usize>,
    pub(in super::super) faults: Vec<Fault>,
}

/// Whether there can be a call in `text` at all: for most texts the answer saves the rest.
pub(in super::super) fn may_hold_calls(text: &str) -> bool {
    memchr::memchr_iter(b'{', text.as_bytes()).any(|at| matches!(text.as_bytes().get(at + 1), Some(b'{' | b'%')))
}

struct Open {
    call: Call,
    children: Vec<usize>,
}

/// Finds the calls in `text[within]` that begin in none of `untouched` (sorted).
pub(in super::super) fn find(text: &str, within: Range<usize>, untouched: &[Range<usize>]) -> Tree {
    let mut tree = Tree::default();
    let mut open: Vec<Open> = Vec::new();
    // Blocks too deep to be kept: only counted, so that their ends are recognised.
    let mut too_deep = 0_usize;
    let mut purse = 1024 + 16 * within.len();
    let mut untouched = untouched.iter().peekable();
    // Behind the last call: code that begins inside a call is no code.
    let mut read_to = within.start;
    let mut at = within.start;
    while let Some(found) = memchr::memchr(b'{', &text.as_bytes()[at..within.end]) {
        let start = at + found;
        let braces = match text.as_bytes().get(start + 1) {
            Some(b'{') => Braces::Inline,
            Some(b'%') => Braces::Block,
            _ => {
                at = start + 1;
                continue;
            }
        };
        while untouched.peek().is_some_and(|range| range.end <= start || range.start < read_to) {
            untouched.next();
        }
        if let Some(range) = untouched.peek()
            && range.contains(&start)
        {
            at = range.end;
            continue;
        }
        if escaped(&text[within.start..start]) {
            at = start + 2;
            continue;
        }
        if purse == 0 {
            break;
        }
        let call = match parse::call(&text[..within.end], start, braces) {
            Ok(call) => call,
            Err(refused) => {
                purse = purse.saturating_sub(refused.at.max(start + 8) - start);
                tree.faults.push(Fault::NoCall { start, refused });
                at = start + 2;
                continue;
            }
        };
        at = call.span.end;
        read_to = at;
        match braces {
            Braces::Inline => {
                tree.keep(&mut open, Node { span: call.span.clone(), call, inside: None, children: Vec::new() })
            }
            Braces::Block if &text[call.name.clone()] == "end" => {
                if too_deep > 0 {
                    too_deep -= 1;
                } else if let Some(block) = open.pop() {
                    let inside = block.call.span.end..call.span.start;
                    let span = block.call.span.start..call.span.end;
                    tree.keep(
                        &mut open,
                        Node { call: block.call, span, inside: Some(inside), children: block.children },
                    );
                } else {
                    tree.faults.push(Fault::StrayEnd { tag: call.span });
                }
            }
            Braces::Block if open.len() == DEEPEST_BLOCK => {
                if too_deep == 0 {
                    tree.faults.push(Fault::TooDeep { tag: call.span });
                }
                too_deep += 1;
            }
            Braces::Block => open.push(Open { call, children: Vec::new() }),
        }
    }
    // What an unclosed block holds belongs to the one around it.
    while let Some(block) = open.pop() {
        tree.faults.push(Fault::Unclosed { tag: block.call.span, name: block.call.name });
        match open.last_mut() {
            Some(outer) => outer.children.extend(block.children),
            None => tree.roots.extend(block.children),
        }
    }
    tree
}

impl Tree {
    fn keep(&mut self, open: &mut [Open], node: Node) {
        let index = self.nodes.len();
        self.nodes.push(node);
        match open.last_mut() {
            Some(block) => block.children.push(index),
            None => self.roots.push(index),
        }
    }
}

/// Whether `before` ends in an odd number of backslashes.
fn escaped(before: &str) -> bool {
    before.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}
