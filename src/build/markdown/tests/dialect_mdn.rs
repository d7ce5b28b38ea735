//! What MDN's authors write.

use super::*;

#[track_caller]
fn check_mdn(text: &str, html: &str) {
    let (rendered, mistakes) = run(text, Dialect::Mdn);
    assert_eq!(mistakes, [], "mistakes in {text:?}");
    assert_eq!(rendered.html.trim_end(), html);
}

#[test]
fn names_are_known_in_any_case_and_without_brackets() {
    check_mdn("{{Kbd(\"a\")}} {{NOTHING}}", "<p><kbd>a</kbd> </p>");
}

#[test]
fn a_stray_brace_is_text() {
    check_mdn("{{kbd(\"a\")}}}", "<p><kbd>a</kbd>}</p>");
}

#[test]
fn definitions_are_written_as_lists() {
    check_mdn(
        "- `ebb`\n  - : goes *out*\n- flow\n  - : comes in\n\n    again\n",
        "<dl>\n<dt id=\"ebb\"><code>ebb</code></dt>\n<dd>goes <em>out</em></dd>\n<dt id=\"flow\">flow</dt>\n<dd>\n<p>comes in</p>\n<p>again</p>\n</dd>\n</dl>",
    );
}

#[test]
fn a_list_with_one_other_item_is_a_list() {
    let (rendered, _) = run("- a\n  - : b\n- c\n", Dialect::Mdn);
    assert!(rendered.html.starts_with("<ul>"), "{}", rendered.html);
}

#[test]
fn a_callout_has_no_title() {
    check_mdn(
        "> [!CALLOUT]\n>\n> **a**\n>\n> b",
        "<div class=\"alert alert-callout\" role=\"note\">\n<p><strong>a</strong></p>\n<p>b</p>\n</div>",
    );
    check_mdn("> [!CALLOUT]\n> a", "<div class=\"alert alert-callout\" role=\"note\">\n<p>a</p>\n</div>");
}

#[test]
fn an_alert_stands_in_a_list_with_a_fence() {
    check_mdn(
        "1. a\n\n   > [!NOTE]\n   >\n   > ```plain\n   > b\n   > ```\n",
        "<ol>\n<li>\n<p>a</p>\n<div class=\"alert alert-note\" role=\"note\">\n<p class=\"alert-title\">Note</p>\n<pre class=\"code\" data-lang=\"plain\" tabindex=\"0\"><code>b\n</code></pre>\n</div>\n</li>\n</ol>",
    );
}

#[test]
fn braces_in_code_lose_their_backslash() {
    check_mdn("`\\{{ a }}`", "<p><code>{{ a }}</code></p>");
}

#[test]
fn fence_words() {
    check_mdn(
        "```plain-nolint hidden live-sample___x\na\n```",
        "<pre class=\"code\" data-lang=\"plain\" hidden><code>a\n</code></pre>",
    );
}

#[test]
fn templates_of_other_programs_are_prose() {
    check_mdn(
        "Write **{% url 'books' %}** or {% block x %}.",
        "<p>Write <strong>{% url ‘books’ %}</strong> or {% block x %}.</p>",
    );
}
