//! Shortcodes in a text: where they stand, what they may say, what is reported.

use super::*;
use crate::site::diagnostic::Code;

#[test]
fn a_call_stands_in_a_sentence() {
    check("Press {{ kbd(\"Esc\") }}.", "<p>Press <kbd>Esc</kbd>.</p>");
}

#[test]
fn a_block_alone_is_no_paragraph() {
    check("{{ figure(\"low\") }}", "<figure>low</figure>");
}

#[test]
fn words_alone_stay_a_paragraph() {
    check("{{ kbd(`Esc`) }}", "<p><kbd>Esc</kbd></p>");
}

#[test]
fn a_block_in_a_paragraph_ends_it() {
    check("a\n{{ figure(\"low\") }}\nb", "<p>a</p>\n<figure>low</figure>\n<p>b</p>");
}

#[test]
fn a_call_that_prints_nothing_leaves_nothing() {
    check("{{ nothing }}", "");
}

#[test]
fn arguments_of_every_kind() {
    check(
        r#"{{ show("a \"b\"", 'c', `d`, 1, -2.5, true, [1, "x", []], key="v", other=false) }}"#,
        r#"<p>[["a \"b\"","c","d",1,-2.5,true,[1,"x",[]]],{"key":"v","other":false}]</p>"#,
    );
}

#[test]
fn a_call_may_run_over_lines() {
    check("{{ kbd(\n  \"Esc\",\n) }}", "<p><kbd>Esc</kbd></p>");
}

#[test]
fn the_inside_of_a_block_is_markdown() {
    check("{% note() %}\n*Tide*\n{% end %}", "<aside><p><em>Tide</em></p></aside>");
}

#[test]
fn blocks_nest() {
    check(
        "{% note %}\na\n{% note %}\nb {{ kbd(\"c\") }}\n{% end %}\n{% end %}",
        "<aside><p>a</p>\n<aside><p>b <kbd>c</kbd></p></aside></aside>",
    );
}

#[test]
fn a_block_in_a_list_item_loses_the_indent() {
    check(
        "- a\n\n  {% note() %}\n      code\n  {% end %}\n",
        "<ul>\n<li>\n<p>a</p>\n<aside><pre class=\"code\" tabindex=\"0\"><code>code\n</code></pre></aside>\n</li>\n</ul>",
    );
}

#[test]
fn a_block_in_a_quotation_loses_the_marks() {
    check("> {% note() %}\n> b\n> {% end %}\n", "<blockquote>\n<aside><p>b</p></aside>\n</blockquote>");
}

#[test]
fn code_is_left_alone() {
    check("`{{ x }}`", "<p><code>{{ x }}</code></p>");
    check("    {% x %}", "<pre class=\"code\" tabindex=\"0\"><code>{% x %}</code></pre>");
    check("```\n{{ x }}\n```", "<pre class=\"code\" tabindex=\"0\"><code>{{ x }}\n</code></pre>");
}

#[test]
fn comments_are_left_alone() {
    check("<!-- {{ x }} -->", "<!-- {{ x }} -->");
    check("a <!-- {% x %} --> b", "<p>a <!-- {% x %} --> b</p>");
}

#[test]
fn a_backslash_keeps_the_braces() {
    check(r"\{{ x }} and \{% y %}", "<p>{{ x }} and {% y %}</p>");
    check(r"<b>\{{ x }}</b>", "<p><b>{{ x }}</b></p>");
}

#[test]
fn calls_stand_in_destinations_titles_and_attributes() {
    check(r#"[a]({{ url("b c") }})"#, r#"<p><a href="/to/b%20c">a</a></p>"#);
    check(r#"<a href="{{ url("b") }}">a</a>"#, r#"<p><a href="/to/b">a</a></p>"#);
}

#[test]
fn private_use_characters_of_the_author_do_no_harm() {
    check("\u{E000}aaxx {{ kbd(\"a\") }} &#xE000;aa", "<p>\u{E000}aaxx <kbd>a</kbd> \u{E000}aa</p>");
}

#[test]
fn a_heading_holds_calls() {
    let (rendered, _) = run("## Press {{ kbd(\"Esc\") }}", Dialect::Github);
    assert_eq!(rendered.html, "<h2 id=\"press-esc\">Press <kbd>Esc</kbd></h2>\n");
}

#[test]
fn headings_in_blocks_are_collected_in_order() {
    let (rendered, _) = run("# a\n{% note() %}\n# b\n{% end %}\n\n# c", Dialect::Github);
    let ids: Vec<&str> = rendered.headings.iter().map(|heading| heading.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
}

#[test]
fn every_mistake_is_reported_at_its_place() {
    check_mistakes(
        "Été. {{ figre(\"low\") }}\n\n{{ not a call }}\n\n{% note() %}\n{% end %}{% end %}\n{% note(1 %}\n{% note() %}",
        &[
            "1:9:5 unknown-shortcode no shortcode is called `figre`",
            "3:1:8 shortcode-syntax `{{` begins no call: expected `(` or `}}`, found `a`",
            "6:10:9 shortcode-syntax this ends no block: none is open",
            "7:1:11 shortcode-syntax `{%` begins no call: expected `,` or `)`, found `%`",
            "8:1:12 unclosed-shortcode the block `note` has no end",
        ],
    );
}

#[test]
fn an_unknown_block_without_an_end_is_unknown() {
    check_mistakes("{% raw %}\n\na", &["1:4:3 unknown-shortcode no shortcode is called `raw`"]);
}

#[test]
fn a_near_name_is_offered() {
    let (_, mistakes) = run("{{ figre() }}", Dialect::Github);
    assert_eq!(
        (mistakes[0].code, mistakes[0].hints.as_slice()),
        (Code::UnknownShortcode, &["did you mean `figure`?".to_owned()][..])
    );
}

#[test]
fn mistakes_count_the_front_matter() {
    let text = "---\ntitle: x\n---\n{{ figre }}";
    let source = Source { file: "tides.md", text, body: 17..text.len() };
    let (_, mistakes) = render(source, &options(Dialect::Github), &Site::default());
    assert_eq!(mistakes[0].place.as_ref().map(|place| (place.line, place.column)), Some((4, 4)));
}

#[test]
fn blocks_have_a_deepest_level() {
    let text = format!("{}x{}", "{% note %}\n\n".repeat(1000), "\n\n{% end %}".repeat(1000));
    let (rendered, mistakes) = run(&text, Dialect::Github);
    assert_eq!(mistakes.len(), 1);
    assert!(rendered.html.contains('x'));
}

#[test]
fn hostile_braces_take_no_time() {
    let begun = std::time::Instant::now();
    for piece in [
        "{{",
        "{%",
        "{{a(\"",
        "{{a([",
        "{{a(\"{{a(',",
        "{% note %}",
        "{% end %}",
        "{{ kbd }}",
        "{{a(1,",
        "<a ",
        "<!--",
        "\\{{",
    ] {
        run(&piece.repeat(20_000), Dialect::Mdn);
    }
    // Unoptimised and on a busy machine; quadratic time would be minutes.
    assert!(begun.elapsed().as_secs() < 30, "took {:?}", begun.elapsed());
}
