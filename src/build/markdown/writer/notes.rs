//! Footnotes: gathered where they are defined, written at the end of the text in the order
//! in which they are first referred to.

use pulldown_cmark::CowStr;
use rustc_hash::FxHashMap;

use super::Writer;

#[derive(Default)]
pub(super) struct Footnotes<'e> {
    by_name: FxHashMap<CowStr<'e>, usize>,
    notes: Vec<Note>,
    /// The note being written, and the HTML around it.
    open: Option<(usize, String)>,
}

#[derive(Default)]
struct Note {
    /// 0 until it is referred to.
    number: usize,
    references: usize,
    html: String,
}

impl<'e> Writer<'_, '_, 'e> {
    fn note(&mut self, name: CowStr<'e>) -> usize {
        let next = self.notes.notes.len();
        let index = *self.notes.by_name.entry(name).or_insert(next);
        if index == next {
            self.notes.notes.push(Note::default());
        }
        index
    }

    /// Ids are made of numbers, which all texts of a page share: a name could be anything,
    /// and the insides of two blocks may use one name.
    pub(super) fn footnote_reference(&mut self, name: CowStr<'e>) {
        if self.image.is_some() {
            return;
        }
        self.open_paragraph();
        let index = self.note(name);
        let note = &mut self.notes.notes[index];
        if note.number == 0 {
            self.state.footnotes += 1;
            note.number = self.state.footnotes;
        }
        note.references += 1;
        let number = note.number;
        let id = reference_id(number, note.references);
        self.out
            .push_str(&format!("<sup class=\"footnote-ref\"><a href=\"#fn-{number}\" id=\"{id}\">{number}</a></sup>"));
    }

    pub(super) fn start_footnote(&mut self, name: CowStr<'e>) {
        let index = self.note(name);
        let around = std::mem::take(&mut self.out);
        self.notes.open = Some((index, around));
        self.containers += 1;
    }

    pub(super) fn end_footnote(&mut self) {
        let Some((index, around)) = self.notes.open.take() else { return };
        self.containers = self.containers.saturating_sub(1);
        self.notes.notes[index].html = std::mem::replace(&mut self.out, around);
        self.word_break();
    }

    pub(super) fn write_footnotes(&mut self) {
        let mut notes = std::mem::take(&mut self.notes.notes);
        notes.retain(|note| note.number > 0);
        if notes.is_empty() {
            return;
        }
        notes.sort_by_key(|note| note.number);
        self.fresh_line();
        let first = notes.first().map_or(1, |note| note.number);
        self.out.push_str("<section class=\"footnotes\">\n");
        self.out.push_str(&if first == 1 { "<ol>\n".to_owned() } else { format!("<ol start=\"{first}\">\n") });
        for note in notes {
            let number = note.number;
            self.out.push_str(&format!("<li id=\"fn-{number}\">\n"));
            let html = note.html.trim_end();
            // The way back stands in the last line of the note.
            let (html, end) = html.strip_suffix("</p>").map_or((html, ""), |html| (html, "</p>"));
            self.out.push_str(html);
            for reference in 1..=note.references {
                let id = reference_id(number, reference);
                let (label, mark) = if reference == 1 {
                    (number.to_string(), "↩".to_owned())
                } else {
                    (format!("{number}-{reference}"), format!("↩<sup>{reference}</sup>"))
                };
                self.out.push_str(&format!(
                    " <a href=\"#{id}\" class=\"footnote-backref\" aria-label=\"Back to reference {label}\">{mark}</a>"
                ));
            }
            self.out.push_str(end);
            self.out.push_str("\n</li>\n");
        }
        self.out.push_str("</ol>\n</section>\n");
    }
}

fn reference_id(number: usize, reference: usize) -> String {
    if reference == 1 { format!("fnref-{number}") } else { format!("fnref-{number}-{reference}") }
}
