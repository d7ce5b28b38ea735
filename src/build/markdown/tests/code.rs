//! Code blocks.

use super::*;

#[test]
fn colours_are_short_classes_and_neighbours_share_them() {
    check(
        "```rust\nlet a = \"b\"; // c\n```",
        "<pre class=\"code\" data-lang=\"rust\" tabindex=\"0\"><code><span class=k>let</span> a <span class=o>= </span><span class=s>&quot;b&quot;</span><span class=p>; </span><span class=c>// c\n</span></code></pre>",
    );
}

#[test]
fn an_unknown_language_is_plain() {
    check(
        "```tidal\na < b\n```",
        "<pre class=\"code\" data-lang=\"tidal\" tabindex=\"0\"><code>a &lt; b\n</code></pre>",
    );
}

#[test]
fn a_file_name_is_a_caption() {
    check(
        "```text {file=\"a b.txt\"}\nx\n```",
        "<figure class=\"code\"><figcaption>a b.txt</figcaption><pre class=\"code\" data-lang=\"text\" tabindex=\"0\"><code>x\n</code></pre></figure>",
    );
}

#[test]
fn lines_can_be_marked() {
    check(
        "```text {hl_lines=\"2\"}\na\nb\n```",
        "<pre class=\"code\" data-lang=\"text\" tabindex=\"0\"><code><span class=\"l\">a\n</span><span class=\"l hl\">b\n</span></code></pre>",
    );
}

#[test]
fn a_colour_over_lines_is_closed_in_each() {
    let (rendered, _) = run("```c,linenos\n/* a\nb */\n```", Dialect::Github);
    assert!(
        rendered
            .html
            .contains("<span class=\"l\"><span class=c>/* a</span>\n</span><span class=\"l\"><span class=c>b */"),
        "{}",
        rendered.html
    );
}

#[test]
fn a_very_long_line_stays_plain() {
    let (rendered, _) = run(&format!("```js\n{}\n```", "a=[1];".repeat(20_000)), Dialect::Github);
    assert!(!rendered.html.contains("<span"));
}
