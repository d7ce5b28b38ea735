//! What a page says, without its markup: sections for the search.

/// The text below one heading.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TextSection {
    /// Id of the heading; empty for what stands before the first.
    pub anchor: String,
    /// Text of the heading.
    pub heading: String,
    /// The text up to the next heading, each run of white space one space.
    pub text: String,
}

/// Gathers the words of a page while it is written.
#[derive(Debug, Default)]
pub(super) struct Outline {
    /// Whether anybody wants the sections.
    is_wanted: bool,
    sections: Vec<TextSection>,
    anchor: String,
    heading: String,
    /// The words since the last heading, as they came.
    pub(super) text: String,
}

impl Outline {
    /// An empty one. Sections that nobody wants are not kept.
    pub(super) fn new(is_wanted: bool) -> Self {
        Self { is_wanted, ..Self::default() }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.is_wanted);
    }

    /// Ends the running section and begins that of a heading.
    pub(super) fn begin(&mut self, anchor: &str, heading: &str) {
        self.end();
        anchor.clone_into(&mut self.anchor);
        heading.clone_into(&mut self.heading);
    }

    fn end(&mut self) {
        if !self.is_wanted {
            self.text.clear();
            return;
        }
        let text = collapsed(&self.text);
        self.text.clear();
        let (anchor, heading) = (std::mem::take(&mut self.anchor), std::mem::take(&mut self.heading));
        if !text.is_empty() || !anchor.is_empty() {
            self.sections.push(TextSection { anchor, heading, text });
        }
    }

    /// The sections.
    pub(super) fn finish(mut self) -> Vec<TextSection> {
        self.end();
        self.sections
    }
}

/// `text` with each run of white space as one space, none at its ends. ASCII only: it is asked
/// of every byte of a site, and a no-break space is meant to stay.
pub(super) fn collapsed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_ascii_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}
