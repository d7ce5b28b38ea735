//! Links and images: where they lead, and the place that is asked about.

use super::*;

#[track_caller]
fn check_asked(text: &str, expected: &[(&str, &str)]) {
    let site = Site::default();
    render(Source { file: "tides.md", text, body: 0..text.len() }, &options(Dialect::Github), &site);
    let asked = site.asked.lock().unwrap();
    let asked: Vec<(&str, &str)> = asked.iter().map(|(to, span)| (to.as_str(), &text[span.clone()])).collect();
    assert_eq!(asked, expected);
}

#[test]
fn a_link_leads_where_the_site_says() {
    check("[a](b.md)", "<p><a href=\"/b/\">a</a></p>");
}

#[test]
fn an_image_waits_until_it_is_seen() {
    check(
        "![a *b*](c.png \"d\")",
        "<p><img src=\"c.png\" alt=\"a b\" title=\"d\" loading=\"lazy\" decoding=\"async\"></p>",
    );
}

#[test]
fn raw_html_is_asked_for_too_and_otherwise_kept() {
    check(
        "<p CLASS=x >\n<a\n  href='a.md' id=here>b</a> <img src=c.md>\n</p>",
        "<p CLASS=x >\n<a\n  href='/a/' id=here>b</a> <img src=\"/c/\">\n</p>",
    );
}

#[test]
fn the_place_is_that_of_the_destination() {
    check_asked(
        "> - [a.md](a.md)\n>   <a href=\"b.md\">x</a> ![](c.png)",
        &[("a.md", "a.md"), ("b.md", "b.md"), ("c.png", "c.png")],
    );
    check_asked("[a][r]\n\n[r]: b.md", &[("b.md", "[a][r]")]);
    check_asked("- x\n\n  {% note() %}\n  é [a](b.md)\n  {% end %}", &[("b.md", "b.md")]);
}

#[test]
fn ids_in_raw_html_are_anchors() {
    let (rendered, _) = run("<div id=\"a\">\n\n<a name='b'></a>\n\n</div>\n\n# c", Dialect::Github);
    assert_eq!(rendered.anchors, ["a", "b", "c"]);
}

#[test]
fn a_bare_url_is_a_link() {
    check(
        "See https://a.example/b_c_d?e=f--g, or www.b.example.",
        "<p>See <a href=\"https://a.example/b_c_d?e=f--g\">https://a.example/b_c_d?e=f--g</a>, or <a href=\"http://www.b.example\">www.b.example</a>.</p>",
    );
    check("*https://a.example*", "<p><em><a href=\"https://a.example\">https://a.example</a></em></p>");
    check("[https://a.example](b)", "<p><a href=\"b\">https://a.example</a></p>");
}
