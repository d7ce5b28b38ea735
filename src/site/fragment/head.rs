//! The head of a fragment's template: YAML between two lines of `---`.

use std::ops::Range;

use crate::site::diagnostic::{Code, Diagnostic, Place};

/// What opens a head and closes it.
const FENCE: &str = "---";

/// A template taken apart.
pub(super) struct Split {
    /// Where the YAML is; none without a head.
    pub(super) head: Option<Range<usize>>,
    /// Where the Handlebars begins.
    pub(super) body: usize,
}

/// Takes `text`, the whole of `file`, apart.
pub(super) fn split(file: &str, text: &str) -> Result<Split, Box<Diagnostic>> {
    let start = text.len() - text.trim_start_matches('\u{FEFF}').len();
    let mut lines = text[start..].split_inclusive('\n');
    let Some(first) = lines.next().filter(|line| line.trim_end() == FENCE) else {
        return Ok(Split { head: None, body: start });
    };
    let head = start + first.len();
    let mut at = head;
    for line in lines {
        if line.trim_end() == FENCE {
            return Ok(Split { head: Some(head..at), body: at + line.len() });
        }
        at += line.len();
    }
    let place = Place::of(file, text, start..start + FENCE.len());
    let mistake = Diagnostic::error(Code::Fragment, place, format!("a head is opened by `{FENCE}` and never closed"));
    Err(Box::new(mistake.hint(format!("write `{FENCE}` on a line of its own after the last key"))))
}

/// The Handlebars of `text`, which begins at `body`, with an empty line for each line of the
/// head: so a mistake in it is told with the line that the author sees.
pub fn template_text(text: &str, body: usize) -> String {
    let (head, body) = text.split_at_checked(body).unwrap_or((text, ""));
    "\n".repeat(head.matches('\n').count()) + body
}
