//! What is declared is what is taken, by the browser and by the edge alike.

use proptest::prelude::*;
use regex_lite::Regex;
use serde_json::Value;

use super::*;
use crate::site::config;

fn parse(text: &str) -> (Option<Form>, Vec<String>) {
    let (form, found) = Form::parse("contact", "dynamic/forms/contact.yaml", text, &config::Edge::default());
    let told = found.into_iter().map(|mistake| {
        let place = mistake.place.unwrap();
        let hints: Vec<String> = mistake.hints;
        format!("{}:{} {} | {}", place.line, place.column, mistake.message, hints.join(" | "))
    });
    (form, told.collect())
}

fn field(declared: &str) -> Field {
    let (form, found) = parse(&format!("title: T\nfields:\n  it: {declared}\n"));
    assert!(found.is_empty(), "{declared}: {found:?}");
    form.unwrap().fields.remove(0)
}

fn mistake(text: &str, expected: &str) {
    let (_, found) = parse(text);
    assert!(found.iter().any(|told| told.starts_with(expected)), "expected {expected}, found {found:?}");
}

fn in_field(declared: &str, expected: &str) {
    mistake(&format!("title: T\nfields:\n  it: {declared}\n"), expected);
}

#[test]
fn a_form_is_read_in_the_order_in_which_it_is_written() {
    let (form, found) = parse(
        "title: Write to us\nfields:\n  name: { label: Your name, type: text, required: true, max: 80 }\n  \
         email: { label: E-mail, type: email }\n  topic: { label: Topic, type: choice, options: [A, 1] }\n  \
         photo: { label: P, type: file, accept: [image/png], max_bytes: 2MB }\n\
         goes_to: { table: letter, columns: { who: name, at: email } }\n",
    );
    let form = form.unwrap();
    assert!(found.is_empty(), "{found:?}");
    let names: Vec<&str> = form.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["name", "email", "topic", "photo"]);
    assert_eq!(form.fields[0].autocomplete.as_deref(), Some("name"));
    assert_eq!(form.file_bytes(), 2_000_000);
    assert_eq!(form.goes_to.as_ref().unwrap().columns[0].0.as_str(), "who");
    let again: Form = serde_json::from_str(&serde_json::to_string(&form).unwrap()).unwrap();
    assert_eq!(again, form, "as it travels in a release");
}

#[test]
fn a_key_that_is_not_known_is_named_with_its_line_and_the_nearest() {
    mistake("title: T\nfeilds: {}\n", "2:1 no setting is called `feilds` | did you mean `fields`?");
    in_field("{ label: L, type: text, requierd: true }", "3:31 no setting is called `requierd`");
    in_field("{ label: L, type: txet }", "3:25 `fields.it.type`: expected");
    mistake("title: T\nwebhook: x\nfields: {}\n", "2:1 no setting is called `webhook`");
}

#[test]
fn a_key_that_means_nothing_for_its_type_is_refused_where_it_stands() {
    in_field("{ label: L, type: text, accept: [image/png] }", "3:31 `accept` means nothing for a field of type `text`");
    in_field("{ label: L, type: yes, max: 3 }", "3:30 `max` means nothing");
}

#[test]
fn limits_that_nothing_can_keep_are_refused() {
    in_field("{ label: L, type: text, min: 9, max: 3 }", "3:39 expected `max` to be at least `min`, found 3 and 9");
    in_field("{ label: L, type: date, min: soon }", "3:31 `min`: expected a day");
    in_field("{ label: L, type: number, step: 0.5 }", "3:33 `step` has nothing to count from");
    in_field("{ label: L, type: choice }", "3:3 `options`: expected 1 to 500, found 0");
    in_field("{ label: L, type: choice, options: [a, a] }", "3:33 `options`: `a` stands here twice");
    in_field("{ label: L, type: text, pattern: '\\s+' }", "3:31 `\\s` in a pattern is not read alike");
    in_field("{ label: L, type: file, accept: [image/pgn] }", "3:31 `accept`: no file can be told");
    in_field("{ label: L, type: file, accept: [image/png], max_bytes: 1000MB }", "3:52 `max_bytes`: 1000MB is more");
    in_field("{ label: L, type: text, autocomplete: nmae }", "3:31 `nmae` is no word of HTML");
}

#[test]
fn names_that_would_be_trouble_elsewhere_are_refused() {
    mistake("title: T\nfields:\n  Name: { label: L, type: text }\n", "3:3 `Name` cannot be the name of a field");
    mistake("title: T\nfields:\n  csrf: { label: L, type: text }\n", "3:3 `csrf` cannot be the name of a field");
    let twice = "title: T\nfields:\n  a: { label: L, type: text }\n  a: { label: L, type: text }\n";
    assert!(parse(twice).1[0].contains("`a` stands here twice"), "{:?}", parse(twice).1);
    let (_, found) = Form::parse(
        "Contact Us",
        "f.yaml",
        "title: T\nfields:\n  a: { label: L, type: text }\n",
        &config::Edge::default(),
    );
    assert!(found[0].message.contains("cannot be the name of a form"), "{found:?}");
}

#[test]
fn a_table_is_filled_by_fields_that_are_there() {
    let text = |field: &str, table: &str| {
        format!(
            "title: T\nfields:\n  name: {{ label: L, type: text }}\n  pic: {{ label: P, type: file, accept: [image/png] }}\n\
             goes_to: {{ table: {table}, columns: {{ who: {field} }} }}\n"
        )
    };
    mistake(
        &text("nmae", "t"),
        "5:1 the column `who` is filled by `nmae`, and no field is called so | did you mean `name`?",
    );
    mistake(&text("pic", "t"), "5:1 `pic` is a file");
    let (_, found) = parse(&text("name", "littoral_member"));
    assert!(found[0].contains("kept for the store itself"), "{found:?}");
}

#[test]
fn whole_days_numbers_and_boxes_are_what_html_sends() {
    let given = |declared: &str, text: &str| check(&field(declared), Given::Texts(&[text.to_owned()])).ok();
    let date = "{ label: L, type: date, max: 2026-12-31 }";
    assert_eq!(given(date, "2026-02-28"), Some(Answer::Text("2026-02-28".to_owned())));
    for wrong in ["2026-02-30", "2026-2-3", "2027-01-01", "20260228", "0000-01-01", "2026-02-28T00:00"] {
        assert_eq!(given(date, wrong), None, "{wrong}");
    }
    assert_eq!(given("{ label: L, type: integer }", "1e3"), Some(Answer::Integer(1000)));
    assert_eq!(given("{ label: L, type: integer }", "1.5"), None);
    assert_eq!(given("{ label: L, type: number, min: 0, step: 0.1 }", "0.7"), Some(Answer::Number(0.7)));
    assert_eq!(given("{ label: L, type: number, min: 0, step: 0.1 }", "0.75"), None);
    for wrong in ["NaN", "inf", "1e999", "+1", "1.", "0x1", " 1", "--1", "1_000"] {
        assert_eq!(given("{ label: L, type: number }", wrong), None, "{wrong}");
    }
    assert_eq!(given("{ label: L, type: yes, required: true }", "yes"), Some(Answer::Yes(true)));
    assert_eq!(given("{ label: L, type: yes }", "on"), None);
}

#[test]
fn what_may_be_left_empty_is_no_answer_and_what_may_not_is_asked_for() {
    for of in [
        "text",
        "long-text",
        "email",
        "url",
        "number",
        "integer",
        "date",
        "choice, options: [a]",
        "choices, options: [a]",
    ] {
        let nothing = |required: bool| {
            let field = field(&format!("{{ label: L, required: {required}, type: {of} }}"));
            check(&field, Given::Nothing).map_err(|fault| fault.limit)
        };
        assert_eq!(nothing(false), Ok(Answer::Nothing), "{of}");
        assert_eq!(nothing(true), Err(Limit::Required), "{of}");
    }
}

#[test]
fn a_text_sent_for_one_field_twice_or_a_file_in_its_place_is_refused() {
    let two = ["a".to_owned(), "b".to_owned()];
    fn limit(declared: &str, given: Given<'_>) -> Result<Answer, Limit> {
        check(&field(declared), given).map_err(|fault| fault.limit)
    }
    assert_eq!(limit("{ label: L, type: text }", Given::Texts(&two)), Err(Limit::Type));
    let sent = SentFile { name: "a.png".to_owned(), length: 4, media: Some("image/png".to_owned()) };
    assert_eq!(limit("{ label: L, type: text }", Given::File(&sent)), Err(Limit::Type));
    let file = "{ label: L, type: file, accept: [image/png], max_bytes: 3 }";
    assert_eq!(limit(file, Given::File(&sent)), Err(Limit::MaxBytes));
    assert_eq!(limit(file, Given::Texts(&two)), Err(Limit::Type));
    let other = SentFile { length: 2, media: Some("application/zip".to_owned()), ..sent.clone() };
    assert_eq!(limit(file, Given::File(&other)), Err(Limit::Accept));
    let choices = "{ label: L, type: choices, options: [a, b, c], min: 1, max: 2 }";
    assert_eq!(limit(choices, Given::Texts(&two)), Ok(Answer::Choices(two.to_vec())));
    assert_eq!(limit(choices, Given::Texts(&["a".to_owned(), "a".to_owned()])), Err(Limit::Options));
    assert_eq!(limit(choices, Given::Texts(&["d".to_owned()])), Err(Limit::Options));
}

#[test]
fn the_authors_own_words_are_said() {
    let field = field("{ label: L, type: email, required: true, messages: { required: Whom do we answer? } }");
    assert_eq!(check(&field, Given::Nothing).unwrap_err().words, "Whom do we answer?");
    assert!(check(&field, Given::Texts(&["x".to_owned()])).unwrap_err().words.contains("e-mail"));
}

/// What HTML says of a value, by the attributes alone (HTML, "Constraint validation"). Written
/// from the standard and without a look at [`check`].
fn html_admits(shown: &Value, value: &str) -> bool {
    let attribute = |name: &str| {
        let all = shown["attributes"].as_array().unwrap();
        all.iter().find(|one| one["name"] == name).map(|one| one["value"].as_str().unwrap().to_owned())
    };
    let units = value.encode_utf16().count();
    let is_within = |least: Option<String>, most: Option<String>| {
        least.is_none_or(|least| units >= least.parse().unwrap())
            && most.is_none_or(|most| units <= most.parse().unwrap())
    };
    if value.is_empty() {
        return attribute("required").is_none();
    }
    if !is_within(attribute("minlength"), attribute("maxlength")) {
        return false;
    }
    let pattern =
        attribute("pattern").map(|found| if found == r".*\S.*" { pattern::NOT_BLANK.to_owned() } else { found });
    if pattern.is_some_and(|found| !Regex::new(&format!("^(?:{found})$")).unwrap().is_match(value)) {
        return false;
    }
    match shown["input"].as_str().unwrap() {
        "email" => Regex::new(
            r"^[a-zA-Z0-9.!#$%&'*+\/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$",
        )
        .unwrap()
        .is_match(value),
        "number" => {
            let valid = Regex::new(r"^-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$").unwrap();
            let Some(number) = valid.is_match(value).then(|| value.parse::<f64>().unwrap()).filter(|one| one.is_finite())
            else {
                return false;
            };
            let bound = |name: &str| attribute(name).map(|bound| bound.parse::<f64>().unwrap());
            let steps = attribute("step").filter(|step| step != "any").map(|step| {
                (number - bound("min").unwrap()) / step.parse::<f64>().unwrap()
            });
            bound("min").is_none_or(|min| number >= min)
                && bound("max").is_none_or(|max| number <= max)
                && steps.is_none_or(|steps| (steps - steps.round()).abs() < 1e-7)
                // Browsers count in decimals: from far away a fraction is not lost to them.
                && (attribute("step").as_deref() != Some("1") || number.fract() == 0.0)
        }
        "date" => {
            let is_date = Regex::new(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$").unwrap().is_match(value)
                && !value.starts_with("0000")
                && value.parse::<Date>().is_ok();
            // Days of one form are in order as their letters are.
            is_date
                && attribute("min").is_none_or(|min| value >= min.as_str())
                && attribute("max").is_none_or(|max| value <= max.as_str())
        }
        _ if shown["is_select"] == true => {
            shown["options"].as_array().unwrap().iter().any(|option| option["value"] == value)
        }
        _ => true,
    }
}

/// Declarations of every kind that a text is typed into.
fn declared() -> impl Strategy<Value = String> {
    let required = prop::sample::select(&["", ", required: true"]);
    let of = prop_oneof![
        (0..6_u8, 0..9_u8).prop_map(|(min, more)| format!("text, min: {min}, max: {}", min + more)),
        (0..6_u8, 0..9_u8).prop_map(|(min, more)| format!("long-text, min: {min}, max: {}", min + more)),
        prop::sample::select(&[r"'[a-z]{2,4}'", r"'\d+'", r"'(?:a|bb)*'", "'é?.'"])
            .prop_map(|one| format!("text, pattern: {one}")),
        Just("email".to_owned()),
        Just("url".to_owned()),
        Just("number".to_owned()),
        (-9..9_i8, 0..20_u8).prop_map(|(min, more)| format!(
            "number, min: {min}, max: {}, step: 0.25",
            i16::from(min) + i16::from(more)
        )),
        Just("integer".to_owned()),
        (-9..9_i8, 0..20_u8)
            .prop_map(|(min, more)| format!("integer, min: {min}, max: {}", i16::from(min) + i16::from(more))),
        Just("date".to_owned()),
        Just("date, min: 2026-03-01, max: 2026-10-31".to_owned()),
        Just("choice, options: [one, two, 'é'], shown_as: select".to_owned()),
    ];
    (of, required).prop_map(|(of, required)| format!("{{ label: L{required}, type: {of} }}"))
}

/// What somebody may type: of every kind, near every limit. Controls are not typed.
fn typed() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zé0-9 @.:/\\-]{0,14}",
        "\\PC{0,8}",
        "[ \u{a0}\u{2003}]{0,4}",
        "-?[0-9]{0,3}(\\.[0-9]{1,2})?(e[0-9])?",
        "20[0-9]{2}-[0-9]{2}-[0-9]{2}",
        "[a-z.+]{1,5}@[a-z0-9\\-]{1,5}(\\.[a-z]{1,4})?",
        "https?://[a-z0-9\\-.]{1,9}(:[0-9]{1,5})?(/[a-z?#é ]{0,4})?",
        prop::sample::select(&["one", "two", "é", "three", "yes"]).prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_attributes_admit_the_edge_admits_and_the_reverse(declared in declared(), value in typed()) {
        let field = field(&declared);
        let form = parse(&format!("title: T\nfields:\n  it: {declared}\n")).0.unwrap();
        let shown = shown(&form, &Filled::default())["fields"][0].clone();
        // Browsers cut off spaces around an address before they look at it.
        let typed = match field.kind {
            Kind::Email | Kind::Url => value.trim_ascii(),
            _ => &value,
        };
        // HTML cannot say that several lines must hold more than spaces, nor that a line ends.
        prop_assume!(!(matches!(field.kind, Kind::LongText { .. }) && field.required && typed.trim().is_empty()));
        prop_assume!(!value.contains(['\u{2028}', '\u{2029}']));
        let edge = check(&field, Given::Texts(std::slice::from_ref(&value)));
        prop_assert_eq!(html_admits(&shown, typed), edge.is_ok(), "{} {:?} {:?}", declared, value, edge);
    }
}

#[test]
fn a_letter_goes_to_addresses_and_is_answered_to_a_field_that_is_one() {
    let text = |to: &str, reply_to: &str| {
        format!(
            "title: T\nfields:\n  name: {{ label: L, type: text }}\n  email: {{ label: E, type: email }}\n\
             goes_to: {{ mail: {to}, reply_to: {reply_to} }}\n"
        )
    };
    let (form, found) = parse(&text("post@shore.example", "email"));
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(form.unwrap().mail.unwrap().to, ["post@shore.example"]);
    mistake(&text("[]", "email"), "5:1 `mail`: expected at least one address");
    mistake(&text("shore.example", "email"), "5:1 `mail`: expected an e-mail address, found `shore.example`");
    mistake(&text("post@shore.example", "name"), "5:1 `reply_to`: `name` is no field of the type `email`");
    mistake(&text("post@shore.example", "emial"), "5:1 `reply_to`: no field is called `emial` | did you mean `email`?");
    mistake(
        "title: T\nfields:\n  email: { label: E, type: email }\ngoes_to: { webhook: w, reply_to: email }\n",
        "4:1 `goes_to` has `reply_to` and no `mail`",
    );
}
