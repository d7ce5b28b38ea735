//! Prose: what stands in most texts.

use super::*;

#[test]
fn punctuation_is_typographic() {
    check("\"a\" -- 'b'...", "<p>“a” – ‘b’…</p>");
}

#[test]
fn an_alert_is_a_note() {
    check(
        "> [!WARNING]\n> Spring tide.",
        "<div class=\"alert alert-warning\" role=\"note\">\n<p class=\"alert-title\">Warning</p>\n<p>Spring tide.</p>\n</div>",
    );
}

#[test]
fn a_table_is_named_by_its_head() {
    check(
        "| a | b |\n|---|--:|\n| 1 | 2 |",
        "<div class=\"table\" role=\"group\" tabindex=\"0\" aria-label=\"a b\"><table>\n<thead>\n<tr><th>a</th><th align=\"right\">b</th></tr>\n</thead>\n<tbody>\n<tr><td>1</td><td align=\"right\">2</td></tr>\n</tbody></table></div>",
    );
}

#[test]
fn tasks_and_struck_words() {
    check(
        "- [x] ~~a~~",
        "<ul>\n<li><input type=\"checkbox\" checked disabled aria-label=\"done\"> <del>a</del></li>\n</ul>",
    );
}

#[test]
fn definitions() {
    check("ebb\n: the water goes out", "<dl>\n<dt>ebb</dt>\n<dd>the water goes out</dd>\n</dl>");
}

#[test]
fn footnotes_stand_at_the_end_in_the_order_of_reference() {
    check(
        "a[^y] b[^x] c[^y]\n\n[^x]: one\n\n[^y]: two\n\n[^z]: never",
        "<p>a<sup class=\"footnote-ref\"><a href=\"#fn-1\" id=\"fnref-1\">1</a></sup> b<sup class=\"footnote-ref\"><a href=\"#fn-2\" id=\"fnref-2\">2</a></sup> c<sup class=\"footnote-ref\"><a href=\"#fn-1\" id=\"fnref-1-2\">1</a></sup></p>\n<section class=\"footnotes\">\n<ol>\n<li id=\"fn-1\">\n<p>two <a href=\"#fnref-1\" class=\"footnote-backref\" aria-label=\"Back to reference 1\">↩</a> <a href=\"#fnref-1-2\" class=\"footnote-backref\" aria-label=\"Back to reference 1-2\">↩<sup>2</sup></a></p>\n</li>\n<li id=\"fn-2\">\n<p>one <a href=\"#fnref-2\" class=\"footnote-backref\" aria-label=\"Back to reference 2\">↩</a></p>\n</li>\n</ol>\n</section>",
    );
}

#[test]
fn the_end_of_the_summary_is_not_shown() {
    check("a\n\n<!-- more -->\n\nb", "<p>a</p>\n<p>b</p>");
}

#[test]
fn a_table_without_rows_has_no_body() {
    let (rendered, _) = run("| a |\n|---|\n\nb", Dialect::Github);
    assert!(rendered.html.contains("</thead>\n</table></div>"), "{}", rendered.html);
}
