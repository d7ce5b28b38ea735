//! Forms: what is taken, what comes back with what was typed, what is kept once.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use reqwest::Method;

use crate::browser::{Answer, Browser};
use crate::support::{Release, TestEdge, header, quick};

const CONTACT: &str = "title: Write to us
fields:
  name: { label: Your name, type: text, required: true, max: 80 }
  email: { label: E-mail, type: email, required: true }
  topic: { label: Topic, type: choice, options: [Subscription, Letters] }
  days: { label: Days, type: choices, options: [Monday, Tuesday] }
  message: { label: Message, type: long-text, required: true, min: 10, max: 100 }
";
const PICTURE: &str = "title: A picture
fields:
  name: { label: Your name, type: text, required: true }
  photo: { label: A picture, type: file, accept: [image/png, text/plain], max_bytes: 2kB }
";
const GOOD: [(&str, &str); 3] = [("name", "Ann"), ("email", "ann@example.org"), ("message", "Low water is at six.")];
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR and the rest of a picture";

fn forms(site: &mut Release) {
    site.form("contact", CONTACT);
    site.form("picture", PICTURE);
    site.manifest.site.edge.accounts = false;
}

async fn start() -> TestEdge {
    TestEdge::with(quick(), forms).await
}

/// A browser on a page of this site, as every browser of today says.
fn visitor(edge: &TestEdge) -> Browser<'_> {
    let mut browser = Browser::new(edge);
    browser.headers = vec![("sec-fetch-site", "same-origin".to_owned())];
    browser
}

fn count(edge: &TestEdge) -> String {
    edge.ask_store("SELECT CAST(count(*) AS TEXT) FROM littoral_form_answer").unwrap()
}

/// A part of a form with files: name, the name of a file, its bytes.
type Part<'a> = (&'a str, Option<&'a str>, &'a [u8]);

fn multipart(parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, bytes) in parts {
        let file = file.map(|file| format!("; filename=\"{file}\"\r\nContent-Type: image/png")).unwrap_or_default();
        body.extend(format!("--tide\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").bytes());
        body.extend_from_slice(bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--tide--\r\n");
    body
}

async fn post_files(edge: &TestEdge, path: &str, body: Vec<u8>) -> Answer {
    let request = edge.request(Method::POST, path).header("sec-fetch-site", "same-origin");
    let request = request.header("content-type", "multipart/form-data; boundary=tide").body(body);
    Answer::of(request.send().await.unwrap()).await
}

/// Every file below `var/uploads`.
fn uploads(edge: &TestEdge) -> Vec<PathBuf> {
    let mut open = vec![edge.folder.path().join("var/uploads")];
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() { open.push(entry.path()) } else { files.push(entry.path()) }
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_elsewhere_sends_nothing() {
    let edge = start().await;
    for from in [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example")]
    {
        let mut stranger = Browser::new(&edge);
        stranger.headers = vec![(from.0, from.1.to_owned())];
        let answer = stranger.post("/form/contact", &GOOD).await;
        assert_eq!(answer.status, 403, "{from:?}");
    }
    assert_eq!(count(&edge), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_say_where_it_comes_from_comes_back_to_be_sent_again_with_a_token() {
    let edge = start().await;
    let mut old = Browser::new(&edge);
    let asked = old.post("/form/contact", &GOOD).await;
    assert_eq!(asked.status, 403);
    assert!(
        asked.body.contains("value=\"Ann\"") && asked.body.contains("Low water is at six.</textarea>"),
        "{}",
        asked.body
    );
    let token = asked.token();
    let mut again = vec![("csrf", token.as_str())];
    again.extend(GOOD);
    assert_eq!(old.post("/form/contact", &again).await.location, "/form/contact/thanks");
    let mut other = Browser::new(&edge);
    assert_eq!(other.post("/form/contact", &again).await.status, 403, "another browser's token");
    assert_eq!(count(&edge), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_too_long_or_no_option_is_said_beside_the_field_and_all_is_kept() {
    let edge = start().await;
    let sent = [("name", ""), ("email", "<b>ann"), ("topic", "Elsewhere"), ("days", "Tuesday"), ("message", "short")];
    let answer = visitor(&edge).post("/form/contact", &sent).await;
    assert_eq!(answer.status, 422);
    let body = answer.body;
    for expected in [
        "<title>Error: Write to us</title>",
        "<a href=\"#form_contact_name\">Your name – Please fill this in.</a>",
        "<a href=\"#form_contact_topic_1\">Topic – Please choose among what is offered.</a>",
        "Please write at least 10 characters.",
        "value=\"&lt;b&gt;ann\"",
        "name=\"days\" value=\"Tuesday\" checked",
        "short</textarea>",
        "aria-invalid=\"true\" aria-describedby=\"form_contact_name_error\"",
        "autofocus",
    ] {
        assert!(body.contains(expected), "{expected} is not in {body}");
    }
    assert!(!body.contains("<b>ann"));
    let long = "x".repeat(101);
    let answer = visitor(&edge).post("/form/contact", &[GOOD[0], GOOD[1], ("message", &long)]).await;
    assert!(
        answer.status == 422 && answer.body.contains(&long) && answer.body.contains("at most 100"),
        "{}",
        answer.body
    );
    assert_eq!(count(&edge), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_sent_twice_or_is_not_asked_for_is_not_taken_and_loses_nothing() {
    let edge = start().await;
    for odd in [("name", "Bob"), ("colour", "blue")] {
        let mut sent = GOOD.to_vec();
        sent.push(odd);
        let answer = visitor(&edge).post("/form/contact", &sent).await;
        assert_eq!(answer.status, 422, "{odd:?}");
        assert!(
            answer.body.contains("value=\"Ann\"") && answer.body.contains("Low water is at six."),
            "{}",
            answer.body
        );
    }
    assert_eq!(count(&edge), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_fills_in_every_field_is_noticed() {
    let edge = start().await;
    let mut sent = GOOD.to_vec();
    sent.push(("more_about_you", "cheap boats"));
    let answer = visitor(&edge).post("/form/contact", &sent).await;
    assert!(answer.status == 422 && answer.body.contains("A field that people do not see"), "{}", answer.body);
    assert!(!answer.body.contains("cheap boats"));
    assert_eq!(count(&edge), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_browser_sends_is_refused() {
    let edge = start().await;
    let mut visitor = visitor(&edge);
    for body in ["name=%FF", "name=%00", "na%0Ame=x"] {
        assert_eq!(visitor.post_body("/form/contact", body).await.status, 400, "{body}");
    }
    assert_eq!(visitor.post("/form/nothing", &GOOD).await.status, 404);
    assert_eq!(edge.request(Method::PUT, "/form/contact").send().await.unwrap().status(), 405);
    let json = edge.request(Method::POST, "/form/contact").header("content-type", "application/json").body("{}");
    assert_eq!(json.send().await.unwrap().status(), 415);
    for broken in [&b""[..], b"--tide", b"--tide\r\n\r\nno name\r\n--tide--", b"--other--\r\n"] {
        let answer = post_files(&edge, "/form/picture", broken.to_vec()).await;
        assert_eq!(answer.status, 400, "{}", String::from_utf8_lossy(broken));
    }
    let mut cut = multipart(&[("name", None, b"Ann"), ("photo", Some("a.png"), PNG)]);
    cut.truncate(cut.len() - 20);
    assert_eq!(post_files(&edge, "/form/picture", cut).await.status, 400);
    assert_eq!(
        post_files(&edge, "/form/contact", multipart(&[("name", None, &vec![b'a'; 1_100_000])])).await.status,
        413
    );
    assert_eq!((count(&edge), uploads(&edge)), ("0".to_owned(), Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_kept_and_thanked_for() {
    let edge = start().await;
    let mut visitor = visitor(&edge);
    let page = visitor.get("/form/contact").await;
    assert!(page.status == 200 && page.body.contains("<h1>Write to us</h1>"), "{}", page.body);
    assert!(page.body.contains("name=\"csrf\""), "a page of the edge has a token");
    let mut sent = GOOD.to_vec();
    sent.extend([("days", "Monday"), ("days", "Tuesday"), ("topic", "")]);
    let taken = visitor.post("/form/contact", &sent).await;
    assert_eq!((taken.status, taken.location.as_str()), (303, "/form/contact/thanks"));
    assert!(visitor.get(&taken.location).await.body.contains("Thank you."));
    let kept = edge.ask_store("SELECT answers FROM littoral_form_answer").unwrap();
    let expected = r#"{"name":"Ann","email":"ann@example.org","topic":null,"days":["Monday","Tuesday"],"message":"Low water is at six."}"#;
    assert_eq!(kept, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_click_is_one_answer_and_another_visitor_is_another() {
    let edge = start().await;
    let mut first = visitor(&edge);
    for _ in 0..3 {
        assert_eq!(first.post("/form/contact", &GOOD).await.status, 303);
    }
    assert_eq!(count(&edge), "1");
    let clicks: Vec<_> = (0..8)
        .map(|_| {
            let request = edge.request(Method::POST, "/form/contact").header("sec-fetch-site", "same-origin");
            let fields = [("name", "Bob"), GOOD[1], GOOD[2]];
            tokio::spawn(request.form(&fields).send())
        })
        .collect();
    for click in clicks {
        assert_eq!(click.await.unwrap().unwrap().status(), 303);
    }
    assert_eq!(count(&edge), "2");
    let mut other = visitor(&edge);
    other.headers.push(("user-agent", "Another/1".to_owned()));
    assert_eq!(other.post("/form/contact", &GOOD).await.status, 303);
    assert_eq!(count(&edge), "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_answers_from_one_network_are_too_many_and_the_last_is_not_lost() {
    let edge = start().await;
    let mut visitor = visitor(&edge);
    let mut kept = 0;
    for number in 0..100 {
        let name = format!("Ann {number}");
        let answer = visitor.post("/form/contact", &[("name", &name), GOOD[1], GOOD[2]]).await;
        if answer.status == 303 {
            kept += 1;
            continue;
        }
        assert_eq!(answer.status, 429);
        assert!(answer.body.contains(&format!("value=\"{name}\"")), "{}", answer.body);
        assert!(answer.headers.contains_key("retry-after"));
    }
    assert!((50..60).contains(&kept), "{kept}");
    assert_eq!(count(&edge), kept.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_kept_outside_the_web_for_its_owner_alone() {
    let edge = start().await;
    let body = multipart(&[("name", None, b"Ann"), ("photo", Some("../../été.png"), PNG)]);
    assert_eq!(post_files(&edge, "/form/picture", body).await.location, "/form/picture/thanks");
    let files = uploads(&edge);
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(std::fs::read(&files[0]).unwrap(), PNG);
    assert_eq!(std::fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777, 0o600);
    let digest = blake3::hash(PNG).to_hex().to_string();
    let name = files[0].file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with(&digest), "{name}");
    for path in [format!("/var/uploads/{}/{name}", &digest[..2]), format!("/uploads/{name}")] {
        assert_eq!(edge.get(&path).await.status(), 404);
    }
    assert_eq!(edge.ask_store("SELECT name FROM littoral_form_file").as_deref(), Some("été.png"));
    assert_eq!(edge.ask_store("SELECT media FROM littoral_form_file").as_deref(), Some("image/png"));
    assert_eq!(
        edge.ask_store("SELECT CAST(answers AS TEXT) FROM littoral_form_answer").as_deref(),
        Some(r#"{"name":"Ann"}"#)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_lies_about_what_it_is_or_is_too_large_is_refused_and_the_rest_is_kept() {
    let edge = start().await;
    let large = [PNG, &[b'x'; 100_000]].concat();
    let lies: [(&[u8], &str); 5] = [
        (b"GIF89a and the rest", "of another kind"),
        (b"<html><script>alert(1)</script>\0", "of another kind"),
        (b"MZ\x90\0 a program", "of another kind"),
        (b"half a character \xc3", "of another kind"),
        (&large, "too large. It may have 2 kB"),
    ];
    for (bytes, expected) in lies {
        let body = multipart(&[("photo", Some("a.png"), bytes), ("name", None, b"Ann Gull")]);
        let answer = post_files(&edge, "/form/picture", body).await;
        assert_eq!(answer.status, 422);
        assert!(answer.body.contains(expected) && answer.body.contains("value=\"Ann Gull\""), "{}", answer.body);
        assert!(answer.body.contains("Please choose the file again (a.png)"), "{}", answer.body);
    }
    let two = multipart(&[("name", None, b"Ann"), ("photo", Some("a"), PNG), ("photo", Some("b"), PNG)]);
    assert_eq!(post_files(&edge, "/form/picture", two).await.status, 422);
    let in_place_of_a_text = multipart(&[("name", Some("a.png"), PNG)]);
    assert_eq!(post_files(&edge, "/form/picture", in_place_of_a_text).await.status, 422);
    let as_text = visitor(&edge).post("/form/picture", &[("name", "Ann"), ("photo", "a.png")]).await;
    assert_eq!(as_text.status, 422);
    assert_eq!((count(&edge), uploads(&edge)), ("0".to_owned(), Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_may_be_left_out_is_left_out_as_browsers_do() {
    let edge = start().await;
    let answer =
        post_files(&edge, "/form/picture", multipart(&[("name", None, b"Ann"), ("photo", Some(""), b"")])).await;
    assert_eq!(answer.status, 303);
    let text = multipart(&[("name", None, b"Ann"), ("photo", Some("a.txt"), "été\n".as_bytes())]);
    assert_eq!(post_files(&edge, "/form/picture", text).await.status, 303);
    assert_eq!(edge.ask_store("SELECT media FROM littoral_form_file").as_deref(), Some("text/plain"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_does_not_answer_loses_nothing() {
    let edge = start().await;
    edge.edge.store().unwrap().close().await;
    let answer = visitor(&edge).post("/form/contact", &GOOD).await;
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("value=\"Ann\"") && answer.body.contains("Low water is at six."), "{}", answer.body);
    assert!(answer.body.contains("Please try again"), "{}", answer.body);
    let body = multipart(&[("name", None, b"Ann Gull"), ("photo", Some("a.png"), PNG)]);
    let answer = post_files(&edge, "/form/picture", body).await;
    assert!(answer.status == 503 && answer.body.contains("value=\"Ann Gull\""), "{}", answer.body);
    assert_eq!(uploads(&edge), Vec::<PathBuf>::new());
}

const LETTER: &str = "title: A letter
fields:
  name: { label: Name, type: text, required: true }
  age: { label: Age, type: integer, min: 0, max: 150 }
  height: { label: Height, type: number }
  agree: { label: I agree, type: yes }
thanks_page: /docs/
goes_to: { table: letter, columns: { who: name, years: age, tall: height, agreed: agree } }
";

/// Past the edge: as `littoral data` would have made it, or the site's author.
pub fn make_table(edge: &TestEdge, statement: &str) {
    match &edge.edge.options().store {
        Some(address) => crate::postgres::execute(address, statement),
        None => {
            let store = rusqlite::Connection::open(edge.folder.path().join("var/littoral.db")).unwrap();
            store.execute_batch(statement).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_whose_table_is_not_there_says_so_and_takes_answers_once_it_is() {
    let edge = TestEdge::with(quick(), |site| site.form("letter", LETTER)).await;
    let sent = [("name", "Ann"), ("age", "30"), ("height", "1.75"), ("agree", "yes")];
    for table in ["", "CREATE TABLE letter (who TEXT, years BIGINT, tall TEXT, agreed BIGINT)"] {
        if !table.is_empty() {
            make_table(&edge, table);
        }
        assert_eq!(edge.get("/form/letter").await.status(), 503, "{table}");
        let answer = visitor(&edge).post("/form/letter", &sent).await;
        assert!(answer.status == 503 && answer.body.contains("value=\"Ann\""), "{}", answer.body);
    }
    make_table(
        &edge,
        "DROP TABLE letter; CREATE TABLE letter (who TEXT NOT NULL, years BIGINT, tall DOUBLE PRECISION, agreed BIGINT)",
    );
    let taken = visitor(&edge).post("/form/letter", &sent).await;
    assert_eq!((taken.status, taken.location.as_str()), (303, "/docs/"));
    let row = "SELECT who || ' ' || CAST(years AS TEXT) || ' ' || CAST(tall AS TEXT) || ' ' || CAST(agreed AS TEXT) FROM letter";
    assert_eq!(edge.ask_store(row).as_deref(), Some("Ann 30 1.75 1"));
    assert_eq!(count(&edge), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_its_table_refuses_is_kept_nowhere() {
    let edge = TestEdge::with(quick(), |site| site.form("letter", LETTER)).await;
    make_table(&edge, "CREATE TABLE letter (who TEXT UNIQUE, years BIGINT, tall DOUBLE PRECISION, agreed BIGINT)");
    let mut ann = visitor(&edge);
    assert_eq!(ann.post("/form/letter", &[("name", "Ann")]).await.status, 303);
    let again = ann.post("/form/letter", &[("name", "Ann"), ("age", "31")]).await;
    assert!(again.status == 503 && again.body.contains("value=\"31\""), "{}", again.body);
    assert_eq!(
        (count(&edge).as_str(), edge.ask_store("SELECT CAST(count(*) AS TEXT) FROM letter").as_deref()),
        ("1", Some("1"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_must_be_filled_and_is_not_closes_the_form() {
    let edge = TestEdge::with(quick(), |site| site.form("letter", LETTER)).await;
    make_table(
        &edge,
        "CREATE TABLE letter (id INTEGER PRIMARY KEY, who TEXT, years BIGINT, tall DOUBLE PRECISION, agreed BIGINT, more TEXT NOT NULL)",
    );
    assert_eq!(edge.get("/form/letter").await.status(), 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_itself_sets_no_cookie_in_a_static_page_and_its_own_page_is_nobodys_to_keep() {
    let edge = start().await;
    let taken = visitor(&edge).post("/form/contact", &GOOD).await;
    assert!(taken.set_cookies.is_empty(), "{:?}", taken.set_cookies);
    let page = edge.get("/form/contact").await;
    assert_eq!(header(&page, "cache-control"), "private, no-store");
    assert_eq!(edge.get("/form/contact/").await.status(), 301);
}

/// What the program itself says, over the store of `edge`.
pub async fn littoral(edge: &TestEdge, arguments: &[&str]) -> (bool, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_littoral"));
    command.args(arguments).arg("--root").arg(edge.folder.path()).env_remove("LITTORAL_STORE");
    if let Some(store) = &edge.edge.options().store {
        command.args(["--store", store]);
    }
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_lists_writes_out_and_forgets() {
    let edge = start().await;
    let mut ann = visitor(&edge);
    let formula = "=cmd|' /C calc'!A0, \"quoted\"";
    for (name, days) in [("Ann", vec![]), (formula, vec![("days", "Monday"), ("days", "Tuesday")])] {
        let mut sent = vec![("name", name), GOOD[1], GOOD[2]];
        sent.extend(days);
        assert_eq!(ann.post("/form/contact", &sent).await.status, 303);
    }
    let body = multipart(&[("name", None, b"Bob"), ("photo", Some("a.png"), PNG)]);
    assert_eq!(post_files(&edge, "/form/picture", body).await.status, 303);
    let (_, list) = littoral(&edge, &["form", "list"]).await;
    assert!(list.starts_with("contact: 2, the last on 20") && list.contains("\npicture: 1, "), "{list}");
    let (_, csv) = littoral(&edge, &["form", "answers", "contact"]).await;
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "id,received_at,name,email,topic,days,message");
    let expected = "Z,\"'=cmd|' /C calc'!A0, \"\"quoted\"\"\",ann@example.org,,Monday; Tuesday,Low water is at six.";
    assert!(lines.len() == 3 && lines[1].ends_with(expected) && lines[2].contains(",Ann,"), "{csv}");
    let (_, json) = littoral(&edge, &["form", "answers", "contact", "--format", "json"]).await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["answers"]["name"], formula);
    let (_, later) =
        littoral(&edge, &["form", "answers", "contact", "--format", "ndjson", "--since", "2999-01-01"]).await;
    assert_eq!(later, "");
    let (done, said) = littoral(&edge, &["form", "answers", "contcat"]).await;
    assert!(!done && said.contains("no form is called `contcat`"), "{said}");
    let picture = edge.ask_store("SELECT CAST(id AS TEXT) FROM littoral_form_answer WHERE form = 'picture'").unwrap();
    let (done, said) = littoral(&edge, &["form", "forget", &picture, "1"]).await;
    assert!(!done && said.contains("forgotten, with 1 file") && said.contains("1: there is no such answer"), "{said}");
    assert_eq!((count(&edge).as_str(), uploads(&edge)), ("2", Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_brings_a_form_to_an_edge_without_a_store_closes_it_and_loses_nothing() {
    let edge = TestEdge::with(quick(), |site| site.manifest.site.edge.accounts = false).await;
    assert!(edge.edge.store().is_none());
    edge.publish(forms);
    crate::support::wait_for(&edge, "/form/contact", |body| body.contains("closed for the moment")).await;
    let answer = visitor(&edge).post("/form/contact", &GOOD).await;
    assert!(answer.status == 503 && answer.body.contains("value=\"Ann\""), "{}", answer.body);
}
