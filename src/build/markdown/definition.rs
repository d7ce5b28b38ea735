//! Definition lists as MDN writes them: a list of terms, each with a list below it whose
//! items begin with a colon.
//!
//! ```text
//! - ebb
//!   - : the water goes out
//! ```
//!
//! Works on the parser's events: it renames lists and items, so that the writer knows one
//! kind of definition list only.

use std::ops::Range;

use pulldown_cmark::{CowStr, Event, Tag, TagEnd};

type Events<'e> = Vec<(Event<'e>, Range<usize>)>;

/// Whether `text` can hold such a list.
pub(super) fn may_hold_definitions(text: &str) -> bool {
    ["- :", "* :", "+ :"].iter().any(|mark| text.contains(mark))
}

/// The same events, with lists of definitions named as such.
pub(super) fn rename(mut events: Events<'_>) -> Events<'_> {
    let ends = ends(&events);
    let mut dropped = vec![false; events.len()];
    for at in 0..events.len() {
        if !matches!(events[at].0, Event::Start(Tag::List(None))) {
            continue;
        }
        let items = children(at, &ends);
        let lists: Option<Vec<usize>> = items.iter().map(|item| definitions(&events, *item, &ends)).collect();
        let Some(lists) = lists.filter(|lists| !lists.is_empty()) else { continue };
        events[at].0 = Event::Start(Tag::DefinitionList);
        events[ends[at]].0 = Event::End(TagEnd::DefinitionList);
        for (item, list) in items.iter().zip(lists) {
            // The term ends where its list begins; the list's own end and the item's go.
            events[*item].0 = Event::Start(Tag::DefinitionListTitle);
            events[list].0 = Event::End(TagEnd::DefinitionListTitle);
            dropped[ends[list]] = true;
            dropped[ends[*item]] = true;
            // A loose list wraps the term in a paragraph, which no `dt` may hold.
            if matches!(events[item + 1].0, Event::Start(Tag::Paragraph)) {
                dropped[item + 1] = true;
                dropped[ends[item + 1]] = true;
            }
            for definition in children(list, &ends) {
                events[definition].0 = Event::Start(Tag::DefinitionListDefinition);
                events[ends[definition]].0 = Event::End(TagEnd::DefinitionListDefinition);
                without_colon(&mut events, definition);
            }
        }
    }
    let mut dropped = dropped.into_iter();
    events.retain(|_| !dropped.next().unwrap_or(false));
    events
}

/// For each start, where its end is; for others, themselves.
fn ends(events: &Events<'_>) -> Vec<usize> {
    let mut ends: Vec<usize> = (0..events.len()).collect();
    let mut open = Vec::new();
    for (at, (event, _)) in events.iter().enumerate() {
        match event {
            Event::Start(_) => open.push(at),
            Event::End(_) => {
                if let Some(start) = open.pop() {
                    ends[start] = at;
                }
            }
            _ => {}
        }
    }
    ends
}

fn children(of: usize, ends: &[usize]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = of + 1;
    while at < ends[of] {
        found.push(at);
        at = ends[at] + 1;
    }
    found
}

/// The list of definitions that `item` ends in, if it is an item of a definition list.
fn definitions(events: &Events<'_>, item: usize, ends: &[usize]) -> Option<usize> {
    let inside = children(item, ends);
    let (list, term) = inside.split_last()?;
    let is_list = matches!(events[*list].0, Event::Start(Tag::List(None)));
    let is_term = !term.is_empty()
        && term.iter().enumerate().all(|(index, at)| match &events[*at].0 {
            Event::Start(Tag::Paragraph) => index == 0 && term.len() == 1,
            Event::Start(tag) => {
                matches!(tag, Tag::Link { .. } | Tag::Image { .. } | Tag::Emphasis | Tag::Strong | Tag::Strikethrough)
            }
            _ => true,
        });
    let all_colons = || children(*list, ends).iter().all(|definition| colon(events, *definition).is_some());
    (is_list && is_term && all_colons()).then_some(*list)
}

/// The text event of `definition` that begins with a colon.
fn colon(events: &Events<'_>, definition: usize) -> Option<usize> {
    let first = definition + 1;
    let text = if matches!(events.get(first)?.0, Event::Start(Tag::Paragraph)) { first + 1 } else { first };
    match &events.get(text)?.0 {
        Event::Text(words) if words.starts_with(':') => Some(text),
        _ => None,
    }
}

fn without_colon(events: &mut Events<'_>, definition: usize) {
    let Some(at) = colon(events, definition) else { return };
    let (event, range) = &mut events[at];
    if let Event::Text(words) = event {
        let kept = words[1..].trim_start();
        range.start += words.len() - kept.len();
        let kept = match words {
            CowStr::Borrowed(words) => CowStr::Borrowed(words[1..].trim_start()),
            _ => CowStr::from(kept.to_owned()),
        };
        *words = kept;
    }
}
