//! Which extensions of CommonMark are read.

use crate::site::config;

/// The switches of the parser for `markdown`, a site's configuration.
pub(super) fn parser_options(markdown: &config::Markdown) -> pulldown_cmark::Options {
    use pulldown_cmark::Options;
    let mut options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_GFM
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_DEFINITION_LIST;
    options.set(Options::ENABLE_SMART_PUNCTUATION, markdown.smart_punctuation);
    options
}
