//! What holds for every text.

use proptest::prelude::*;
use serde_json::Value;

use super::super::shortcode::{parse, tree};
use super::super::{Heading, toc_html};
use super::*;

/// Texts full of what means something to us.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{{ kbd(\"a\") }}".to_owned()),
        proptest::sample::select(vec![
            "{{",
            "}}",
            "{% note %}",
            "{% end %}",
            "{%",
            "%}",
            "\n",
            "\n\n",
            "> ",
            "- ",
            "  ",
            "    ",
            "`",
            "```",
            "```rust",
            "<a href=\"x\"",
            "<!--",
            "-->",
            "<b>",
            "|",
            "|---|",
            "# ",
            "[a](",
            ")",
            "![",
            "]",
            "[^1]",
            "[^1]: ",
            "*",
            "**",
            "_",
            "~~",
            ": ",
            "- : ",
            "\\",
            "\"",
            "'",
            "(",
            "&#xE000;",
            "\u{E000}aa",
            "https://a.b/",
            "www.a.b",
            "[!CALLOUT]",
            "[!NOTE]",
            "{#a}",
            "\t",
            "é",
            "\r\n",
            "...",
            "--",
        ])
        .prop_map(str::to_owned),
        "[a-z ]{0,6}",
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9_f64).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| proptest::collection::vec(inner, 0..4).prop_map(Value::from))
}

fn printed(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        Value::Array(values) => format!("[{}]", values.iter().map(printed).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// Open elements of `html`, which must nest.
fn nests(html: &str) -> bool {
    let mut open = Vec::new();
    for tag in html.split('<').skip(1) {
        let name = tag.split(['>', ' ']).next().unwrap_or_default();
        match name.strip_prefix('/') {
            Some(name) if open.pop() != Some(name.to_owned()) => return false,
            Some(_) => {}
            None => open.push(name.to_owned()),
        }
    }
    open.is_empty()
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in hostile()) {
        let _ = run(&text, Dialect::Github);
        let _ = run(&text, Dialect::Mdn);
    }

    #[test]
    fn places_are_places_of_the_text(text in hostile()) {
        let site = Site::default();
        let file = format!("---\né\n---\n{text}");
        let body = file.len() - text.len()..file.len();
        render(Source { file: "a.md", text: &file, body: body.clone() }, &options(Dialect::Mdn), &site);
        for (_, span) in site.asked.lock().unwrap().iter() {
            prop_assert!(span.start >= body.start && span.end <= body.end, "{span:?} of {body:?}");
            prop_assert!(file.get(span.clone()).is_some(), "{span:?} is within a character");
        }
    }

    #[test]
    fn a_text_without_braces_has_no_calls(text in "[^{]*") {
        prop_assert!(!tree::may_hold_calls(&text));
        prop_assert!(tree::find(&text, 0..text.len(), &[]).nodes.is_empty());
    }

    #[test]
    fn printed_arguments_are_read_again(args in proptest::collection::vec(value(), 0..4), named in value()) {
        let list = args.iter().map(printed).chain([format!("key={}", printed(&named))]).collect::<Vec<_>>().join(", ");
        let text = format!("{{{{ name({list}) }}}}");
        let call = parse::call(&text, 0, parse::Braces::Inline).map_err(|refused| TestCaseError::fail(format!("{refused:?} in {text}")))?;
        prop_assert_eq!(call.args, args);
        prop_assert_eq!(call.named.get("key"), Some(&named));
        prop_assert_eq!(call.span, 0..text.len());
    }

    #[test]
    fn tables_of_contents_nest(levels in proptest::collection::vec(1..=6_u8, 0..30), min in 1..4_u8) {
        let headings: Vec<Heading> = levels
            .iter()
            .map(|level| Heading { level: *level, id: "a".into(), html: "a".into(), text: "a".into() })
            .collect();
        let toc = toc_html(&headings, min, 6);
        prop_assert!(nests(&toc), "{toc}");
        prop_assert_eq!(toc.matches("<li>").count(), levels.iter().filter(|level| **level >= min).count());
    }
}
