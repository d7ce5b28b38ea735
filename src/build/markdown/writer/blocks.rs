//! What begins and ends: paragraphs, headings, lists, tables, quotations, code.

use std::ops::Range;

use pulldown_cmark::{Alignment, BlockQuoteKind, CodeBlockKind, HeadingLevel, LinkType, Tag, TagEnd};

use super::raw::HtmlBlock;
use super::{OpenCode, OpenHeading, OpenImage, Paragraph, Table, Writer};
use crate::build::markdown::fence::{self, Fence};
use crate::build::markdown::headings::{self, Heading};
use crate::build::markdown::{LinkKind, escape, html_scan, outline};
use crate::site::config::Dialect;

impl<'e> Writer<'_, '_, 'e> {
    pub(super) fn start(&mut self, tag: Tag<'e>, range: Range<usize>) {
        match tag {
            Tag::Paragraph => self.start_paragraph(&range),
            Tag::Heading { id, classes, attrs, .. } => {
                self.fresh_line();
                self.typographic.clear();
                self.heading = Some(OpenHeading {
                    id,
                    classes,
                    attributes: attrs,
                    html_from: self.out.len(),
                    text_from: self.state.outline.text.len(),
                });
            }
            Tag::BlockQuote(kind) => self.start_quote(kind, &range),
            Tag::CodeBlock(kind) => {
                let fence = match kind {
                    CodeBlockKind::Fenced(info) => {
                        let info = self.masked.as_written(&info, self.whole_file(), &self.page.tree);
                        Fence::parse(&info, self.page.options.dialect)
                    }
                    CodeBlockKind::Indented => Fence::default(),
                };
                self.code = Some(OpenCode { fence, code: String::new() });
            }
            Tag::HtmlBlock => self.html = Some(HtmlBlock::default()),
            Tag::List(None) => self.container("<ul>\n"),
            Tag::List(Some(1)) => self.container("<ol>\n"),
            Tag::List(Some(first)) => self.container(&format!("<ol start=\"{first}\">\n")),
            Tag::Item => self.container("<li>"),
            Tag::DefinitionList => self.container("<dl>\n"),
            Tag::DefinitionListTitle => {
                self.fresh_line();
                self.typographic.clear();
                self.term_from = Some((self.out.len(), self.state.outline.text.len()));
            }
            Tag::DefinitionListDefinition => self.container("<dd>"),
            Tag::FootnoteDefinition(name) => self.start_footnote(name),
            Tag::Table(alignments) => self.start_table(alignments),
            Tag::TableHead => {
                self.table.cell = 0;
                self.table.in_head = true;
                self.out.push_str("<thead>\n<tr>");
            }
            Tag::TableRow => {
                if !std::mem::replace(&mut self.table.has_rows, true) {
                    self.out.push_str("<tbody>\n");
                }
                self.table.cell = 0;
                self.out.push_str("<tr>");
            }
            Tag::TableCell => self.start_cell(),
            Tag::Emphasis => self.mark("<em>"),
            Tag::Strong => self.mark("<strong>"),
            Tag::Strikethrough => self.mark("<del>"),
            Tag::Superscript => self.mark("<sup>"),
            Tag::Subscript => self.mark("<sub>"),
            Tag::Link { link_type, dest_url, title, .. } => {
                let destination = self.expanded(&dest_url);
                let email = link_type == LinkType::Email;
                self.start_link(&destination, &title, range, email);
            }
            Tag::Image { dest_url, title, .. } => match &mut self.image {
                Some(image) => image.nested += 1,
                None => {
                    self.open_paragraph();
                    let alternative = String::new();
                    self.image = Some(OpenImage { destination: dest_url, title, range, alternative, nested: 0 });
                }
            },
            Tag::MetadataBlock(_) => {}
        }
    }

    pub(super) fn end(&mut self, tag: TagEnd, range: Range<usize>) {
        match tag {
            TagEnd::Paragraph => self.end_paragraph(),
            TagEnd::Heading(level) => self.end_heading(level),
            TagEnd::BlockQuote(kind) => {
                let alert = kind.is_some() || self.callout(&range).is_some();
                self.close(if alert { "</div>\n" } else { "</blockquote>\n" });
            }
            TagEnd::CodeBlock => self.end_code(),
            TagEnd::HtmlBlock => self.end_html_block(),
            TagEnd::List(true) => self.close("</ol>\n"),
            TagEnd::List(false) => self.close("</ul>\n"),
            TagEnd::Item => self.close("</li>\n"),
            TagEnd::DefinitionList => self.close("</dl>\n"),
            TagEnd::DefinitionListTitle => self.end_term(),
            TagEnd::DefinitionListDefinition => self.close("</dd>\n"),
            TagEnd::FootnoteDefinition => self.end_footnote(),
            TagEnd::Table => {
                self.out.push_str(if self.table.has_rows { "</tbody></table></div>\n" } else { "</table></div>\n" });
                self.word_break();
            }
            TagEnd::TableHead => self.end_table_head(),
            TagEnd::TableRow => self.out.push_str("</tr>\n"),
            TagEnd::TableCell => {
                self.out.push_str(if self.table.in_head { "</th>" } else { "</td>" });
                self.table.cell += 1;
                self.word_break();
            }
            TagEnd::Emphasis => self.unmark("</em>"),
            TagEnd::Strong => self.unmark("</strong>"),
            TagEnd::Strikethrough => self.unmark("</del>"),
            TagEnd::Superscript => self.unmark("</sup>"),
            TagEnd::Subscript => self.unmark("</sub>"),
            TagEnd::Link => self.end_link(),
            TagEnd::Image => self.end_image(),
            TagEnd::MetadataBlock(_) => {}
        }
    }

    fn container(&mut self, tag: &str) {
        self.fresh_line();
        self.out.push_str(tag);
        self.containers += 1;
    }

    fn close(&mut self, tag: &str) {
        self.containers = self.containers.saturating_sub(1);
        self.out.push_str(tag);
        self.word_break();
    }

    fn start_paragraph(&mut self, range: &Range<usize>) {
        let only_calls = self.masked.holds_calls() && self.masked.only_calls(range);
        self.paragraph = Paragraph::Pending { only_calls };
    }

    /// Writes the `<p>` that waits, if one does.
    pub(super) fn open_paragraph(&mut self) {
        if let Paragraph::Pending { .. } = self.paragraph
            && self.image.is_none()
        {
            self.fresh_line();
            self.out.push_str("<p>");
            self.paragraph = Paragraph::Open;
        }
    }

    fn end_paragraph(&mut self) {
        if self.paragraph == Paragraph::Open {
            self.out.push_str("</p>\n");
        }
        self.paragraph = Paragraph::None;
        self.word_break();
    }

    fn end_heading(&mut self, level: HeadingLevel) {
        let Some(heading) = self.heading.take() else { return };
        let html = self.out.split_off(heading.html_from);
        let id = match heading.id {
            Some(id) => id.to_string(),
            None => self.id_for(heading.text_from),
        };
        let text = outline::collapsed(&self.state.outline.text.split_off(heading.text_from));
        let level = level as u8;
        self.out.push_str(&format!("<h{level} id=\""));
        escape::push_attribute(&mut self.out, &id);
        self.out.push('"');
        for (index, class) in heading.classes.iter().enumerate() {
            self.out.push_str(if index == 0 { " class=\"" } else { " " });
            escape::push_attribute(&mut self.out, class);
        }
        if !heading.classes.is_empty() {
            self.out.push('"');
        }
        for (name, value) in &heading.attributes {
            self.out.push(' ');
            escape::push_attribute(&mut self.out, name);
            self.out.push_str("=\"");
            escape::push_attribute(&mut self.out, value.as_deref().unwrap_or_default());
            self.out.push('"');
        }
        self.out.push('>');
        self.out.push_str(&html);
        self.out.push_str(&format!("</h{level}>\n"));
        self.state.anchors.push(id.clone());
        self.state.outline.begin(&id, &text);
        self.state.headings.push(Heading { level, id, html: headings::without_links(&html), text });
    }

    /// An id of the words from `from` on, with plain quotes and dashes where the author wrote
    /// plain ones: whether punctuation is made typographic must not change an id.
    fn id_for(&mut self, from: usize) -> String {
        let words = &self.state.outline.text;
        let mut written = String::new();
        let mut at = from;
        for (sign, range) in self.typographic.drain(..) {
            let Some(before) = words.get(at..sign) else { continue };
            written.push_str(before);
            written.push_str(self.masked.text.get(range).unwrap_or_default());
            // Each of these signs takes three bytes, but one in an image is not among the words.
            at = sign + words.get(sign..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        }
        written.push_str(words.get(at..).unwrap_or_default());
        self.state.ids.give(&outline::collapsed(&written))
    }

    fn end_term(&mut self) {
        let Some((html_from, text_from)) = self.term_from.take() else { return };
        let html = self.out.split_off(html_from);
        if self.page.options.dialect == Dialect::Mdn {
            let id = self.id_for(text_from);
            self.out.push_str("<dt id=\"");
            escape::push_attribute(&mut self.out, &id);
            self.out.push_str("\">");
            self.state.anchors.push(id);
        } else {
            self.out.push_str("<dt>");
        }
        self.out.push_str(html.trim_end());
        self.out.push_str("</dt>\n");
        self.word_break();
    }

    /// `role="note"` and no `<aside>`: an aside is a landmark, and a page with ten notes
    /// would have ten.
    fn start_quote(&mut self, kind: Option<BlockQuoteKind>, range: &Range<usize>) {
        let (class, title) = match kind {
            Some(BlockQuoteKind::Note) => ("note", "Note"),
            Some(BlockQuoteKind::Tip) => ("tip", "Tip"),
            Some(BlockQuoteKind::Important) => ("important", "Important"),
            Some(BlockQuoteKind::Warning) => ("warning", "Warning"),
            Some(BlockQuoteKind::Caution) => ("caution", "Caution"),
            None => match self.callout(range) {
                Some(end) => {
                    self.skip_to = end;
                    ("callout", "")
                }
                None => return self.container("<blockquote>\n"),
            },
        };
        self.container(&format!("<div class=\"alert alert-{class}\" role=\"note\">\n"));
        if !title.is_empty() {
            self.out.push_str(&format!("<p class=\"alert-title\">{title}</p>\n"));
        }
    }

    /// Where the `[!CALLOUT]` of a quotation of MDN's ends, its line break included.
    fn callout(&self, range: &Range<usize>) -> Option<usize> {
        const MARK: &str = "[!CALLOUT]";
        if self.page.options.dialect != Dialect::Mdn {
            return None;
        }
        let text = &self.masked.text.get(range.clone())?;
        let words = text.strip_prefix('>')?.trim_start_matches([' ', '\t']);
        let begins = words.get(..MARK.len()).is_some_and(|mark| mark.eq_ignore_ascii_case(MARK));
        let rest = words.get(MARK.len()..).unwrap_or_default();
        let line_end = rest.find('\n').map_or(rest.len(), |at| at + 1);
        (begins && rest[..line_end].trim().is_empty()).then(|| range.start + text.len() - rest.len() + line_end)
    }

    fn end_code(&mut self) {
        let Some(OpenCode { fence, code }) = self.code.take() else { return };
        self.fresh_line();
        let file = self.whole_file();
        let code = self.masked.as_written(&code, file, &self.page.tree);
        let code = self.unescaped_braces(&code);
        fence::push_code(&mut self.out, &fence, &code, self.page.options);
        if !fence.hidden {
            self.state.outline.text.push_str(&code);
            self.word_break();
        }
    }

    /// A table can be wider than a screen, so it stands in a box that scrolls, which must
    /// be reachable from the keyboard and have a name: the words of its head.
    fn start_table(&mut self, alignments: Vec<Alignment>) {
        self.fresh_line();
        self.out.push_str("<div class=\"table\" role=\"group\" tabindex=\"0\"");
        self.table = Table {
            alignments,
            cell: 0,
            in_head: false,
            has_rows: false,
            label_at: self.out.len(),
            text_from: self.state.outline.text.len(),
        };
        self.out.push_str("><table>\n");
    }

    fn end_table_head(&mut self) {
        self.out.push_str("</tr>\n</thead>\n");
        self.table.in_head = false;
        let head = self.state.outline.text.get(self.table.text_from..).unwrap_or_default();
        let head = outline::collapsed(head);
        if !head.is_empty() {
            let mut label = String::from(" aria-label=\"");
            escape::push_attribute(&mut label, &head);
            label.push('"');
            self.out.insert_str(self.table.label_at, &label);
        }
    }

    /// `align` and no style: a strict content security policy forbids inline styles, and a
    /// class would need a style sheet to know it.
    fn start_cell(&mut self) {
        self.out.push_str(if self.table.in_head { "<th" } else { "<td" });
        self.out.push_str(match self.table.alignments.get(self.table.cell) {
            Some(Alignment::Left) => " align=\"left\">",
            Some(Alignment::Center) => " align=\"center\">",
            Some(Alignment::Right) => " align=\"right\">",
            _ => ">",
        });
    }

    fn end_image(&mut self) {
        match &mut self.image {
            None => return,
            Some(image) if image.nested > 0 => return image.nested -= 1,
            Some(_) => {}
        }
        let Some(image) = self.image.take() else { return };
        let destination = self.expanded(&image.destination);
        let destination = self.resolved(&destination, LinkKind::Image, &image.range);
        self.out.push_str("<img src=\"");
        escape::push_destination(&mut self.out, &destination);
        self.out.push_str("\" alt=\"");
        escape::push_attribute(&mut self.out, &image.alternative);
        self.out.push('"');
        self.push_title(&image.title);
        self.out.push_str(" loading=\"lazy\" decoding=\"async\">");
        self.state.outline.text.push_str(&html_scan::decoded(&image.alternative));
    }
}
