//! Headings: ids, the table of contents, and the words below them.

use super::super::toc_html;
use super::*;

#[track_caller]
fn check_ids(text: &str, dialect: Dialect, expected: &[&str]) {
    let (rendered, _) = run(text, dialect);
    let ids: Vec<&str> = rendered.headings.iter().map(|heading| heading.id.as_str()).collect();
    assert_eq!(ids, expected);
}

#[test]
fn an_id_is_made_of_the_words() {
    check_ids("# High & low: `tides`, again!", Dialect::Github, &["high--low-tides-again"]);
}

#[test]
fn letters_of_every_script_stay() {
    check_ids("# Été à Łódź\n# 潮の満ち引き", Dialect::Github, &["été-à-łódź", "潮の満ち引き"]);
}

#[test]
fn repeats_are_numbered() {
    check_ids("# a\n# a\n# a-1\n# a", Dialect::Github, &["a", "a-1", "a-1-1", "a-2"]);
}

#[test]
fn an_id_of_the_author_is_never_given_to_another() {
    check_ids("# tide\n# Sea {#tide}", Dialect::Github, &["tide-1", "tide"]);
}

#[test]
fn classes_and_attributes_are_kept() {
    check("# Sea {#s .wide data-x=1}", "<h1 id=\"s\" class=\"wide\" data-x=\"1\">Sea</h1>");
}

#[test]
fn mdn_has_its_own_rule() {
    check_ids("# What's (new)?\n# A  b\n# a b\n# ???", Dialect::Mdn, &["whats_new", "a_b", "a_b_2", "sect"]);
}

#[test]
fn a_table_of_contents_nests() {
    let (rendered, _) = run("# t\n## a\n### b\n## [c](x)\n#### d", Dialect::Github);
    assert_eq!(
        toc_html(&rendered.headings, 2, 4),
        "<ol><li><a href=\"#a\">a</a><ol><li><a href=\"#b\">b</a></li></ol></li>\
         <li><a href=\"#c\">c</a><ol><li><a href=\"#d\">d</a></li></ol></li></ol>"
    );
    assert_eq!(toc_html(&rendered.headings, 5, 6), "");
}

#[test]
fn sections_hold_the_words_below_each_heading() {
    let (rendered, _) = run("a *b*\n\n# c `d`\n\n| e | f |\n|---|---|\n| g | h |\n\n<p>i &amp; j</p>", Dialect::Github);
    let said: Vec<_> =
        rendered.sections.iter().map(|s| (s.anchor.as_str(), s.heading.as_str(), s.text.as_str())).collect();
    assert_eq!(said, [("", "", "a b"), ("c-d", "c d", "e f g h i & j")]);
}

#[test]
fn a_title_before_the_body_keeps_its_id_and_is_not_shown() {
    let check = |before: &str, anchors: &[&str]| {
        let text = format!("{before}\n## Low water\n");
        let source = Source { file: "tides.md", text: &text, body: before.len()..text.len() };
        let (rendered, mistakes) = render(source, &options(Dialect::Github), &Site::default());
        assert_eq!((mistakes, rendered.headings.len()), (Vec::new(), 1), "{before}");
        assert_eq!(rendered.anchors, anchors, "{before}");
        assert_eq!(rendered.sections.len(), 1, "{before}");
        let id = anchors.last().unwrap();
        assert_eq!(rendered.html, format!("<h2 id=\"{id}\">Low water</h2>\n"), "{before}");
    };
    check("# Low water\n", &["low-water", "low-water-1"]);
    check("---\na: b\n---\n\nLow water\n===\n\n", &["low-water", "low-water-1"]);
    check("# *High* water {#top}\n", &["top", "low-water"]);
    check("---\na: b\n---\n", &["low-water"]);
    check("", &["low-water"]);
}
