//! `littoral user`: accounts from the command line, over the store of a running edge.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use littoral::edge::{Options, Tries};
use serde_json::Value;

use crate::browser::{Browser, PASSWORD};
use crate::form::littoral;
use crate::letters;
use crate::support::{TestEdge, quick};

const ANN: &str = "ann@example.org";

async fn user(edge: &TestEdge, arguments: &[&str]) -> (bool, String) {
    littoral(edge, &[&["user"], arguments].concat()).await
}

fn members(edge: &TestEdge) -> String {
    edge.ask_store("SELECT CAST(count(*) AS TEXT) FROM littoral_member").unwrap()
}

fn write(edge: &TestEdge, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = edge.folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_with_words_and_changes_nothing() {
    let edge = TestEdge::start().await;
    Browser::new(&edge).register(ANN).await;
    for (arguments, words) in [
        (&["add", "gull"][..], "`gull` is not an e-mail address"),
        (&["add", "Ann@Example.org"], "has an account already"),
        (&["add", "bob@example.org", "--name", "a\u{202e}b"], "a name has 1 to 80 characters"),
        (&["add", "bob@example.org", "--tier", "gold"], "no tier `gold`: `edge.tiers` names free, paid"),
        (&["add", "bob@example.org", "--role", "boss"], "expected `member`, `moderator`, `editor` or `admin`"),
        (&["tier", ANN, "gold"], "no tier `gold`"),
        (&["show", "bob@example.org"], "nobody has an account with the address bob@example.org"),
        (&["delete", "bob@example.org"], "nobody has an account"),
        (&["disable", "bob@example.org"], "nobody has an account"),
        (&["list", "--limit", "0"], "0 is not in 1..=1000"),
        (&["import", "/nowhere.csv"], "cannot read /nowhere.csv"),
    ] {
        let (is_done, said) = user(&edge, arguments).await;
        assert!(!is_done && said.contains(words), "{arguments:?}: {said}");
    }
    assert_eq!(members(&edge), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_made_shown_changed_and_deleted() {
    let edge = TestEdge::start().await;
    let made = user(&edge, &["add", ANN, "--name", "Ann Gull", "--role", "editor", "--tier", "paid"]).await;
    assert!(made.0 && made.1.contains("signs in by a link"), "{}", made.1);
    let mut ann = Browser::new(&edge);
    assert_eq!(ann.log_in_by_link(ANN).await.location, "/account");
    assert_eq!(ann.get("/admin").await.status, 200);

    assert!(user(&edge, &["role", ANN, "member"]).await.1.contains("has the role member"));
    assert_eq!(ann.get("/account").await.status, 303);
    ann.log_in_by_link(ANN).await;
    assert_eq!(ann.get("/admin").await.status, 404);
    assert!(user(&edge, &["sign-out", ANN]).await.0);
    assert_eq!(ann.get("/account").await.status, 303);
    assert!(user(&edge, &["tier", ANN, "free"]).await.0);
    assert!(user(&edge, &["disable", ANN]).await.0);
    assert_eq!(ann.log_in_by_link(ANN).await.status, 403);
    let shown = user(&edge, &["show", ANN]).await.1;
    for words in ["Ann Gull (ann@example.org)", "state     disabled", "tier      free", "The account was disabled"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(user(&edge, &["enable", ANN]).await.0);
    let shown: Value = serde_json::from_str(&user(&edge, &["show", ANN, "--json"]).await.1).unwrap();
    assert_eq!((shown["state"].as_str(), shown["has_password"].as_bool()), (Some("active"), Some(false)));
    assert_eq!(shown["security_events"][0]["kind"], "enabled");
    assert!(user(&edge, &["delete", ANN]).await.0);
    assert_eq!(members(&edge), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_listed_page_by_page_and_by_what_they_are() {
    let edge = TestEdge::start().await;
    let rows: String =
        (0..120).map(|n| format!("reader{n:03}@example.org,R {n},{}\n", if n == 7 { "editor" } else { "" })).collect();
    let file = write(&edge, "readers.csv", format!("email,name,role\n{rows}"));
    let (is_done, said) = user(&edge, &["import", &file]).await;
    assert!(is_done && said.starts_with("120 accounts are made"), "{said}");
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = user(&edge, &["list", "--limit", "50", "--json", "--after", &after]).await.1;
        let page: Vec<Value> = serde_json::from_str(&page).unwrap();
        let Some(last) = page.last() else { break };
        after = last["email"].as_str().unwrap().to_owned();
        seen.extend(page.iter().map(|member| member["email"].as_str().unwrap().to_owned()));
    }
    let expected: Vec<String> = (0..120).map(|number| format!("reader{number:03}@example.org")).collect();
    assert_eq!(seen, expected);
    let table = user(&edge, &["list", "--limit", "2"]).await.1;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("email                  name  role    tier  state   since"), "{table}");
    assert!(lines[1].starts_with("reader000@example.org  R 0   member  free  active  20"), "{table}");
    assert_eq!(lines[3], "there are more: `--after reader001@example.org` lists them");
    let found = user(&edge, &["list", "--role", "editor"]).await.1;
    assert!(found.contains("reader007") && found.lines().count() == 2, "{found}");
    let found = user(&edge, &["list", "--find", "R 11"]).await.1;
    assert_eq!(found.lines().count(), 12, "R 11 and R 110 to R 119: {found}");
    assert!(user(&edge, &["list", "--find", "r%0"]).await.1.contains("there are no such accounts"), "% is a letter");
    assert!(user(&edge, &["list", "--state", "disabled"]).await.1.contains("there are no such accounts"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_taken_in_whole_or_not_at_all_and_all_mistakes_are_told() {
    let edge = TestEdge::start().await;
    Browser::new(&edge).register(ANN).await;
    let bad = "email,name,role,tier\nbob@example.org,Bob,,\nnobody,X,,\ncat@example.org,Cat,boss,gold\n\
               BOB@example.org,Bob again,,\ndan@example.org\n";
    let (is_done, said) = user(&edge, &["import", &write(&edge, "bad.csv", bad)]).await;
    assert!(!is_done);
    for words in [
        "line 3: `nobody` is not an e-mail address",
        "line 4: expected `member`, `moderator`, `editor` or `admin`, found `boss`",
        "line 4: the site has no tier `gold`",
        "line 5: BOB@example.org stands in line 2 already",
        "line 6: it has another number of columns",
        "nobody was taken in",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let known = write(&edge, "known.csv", "\u{feff}Email\nbob@example.org\nAnn@example.org\n");
    let (is_done, said) = user(&edge, &["import", &known]).await;
    assert!(!is_done && said.contains("line 3: Ann@example.org has an account already"), "{said}");
    for (name, text, words) in [
        ("twice.csv", &b"email,email\n"[..], "`email` is there twice"),
        ("no.csv", b"name\nBob\n", "there is no column `email`"),
        ("odd.csv", b"email,shoe\n", "no column is called `shoe`"),
        ("latin.csv", b"email\nb\xe9@example.org\n", "is not UTF-8"),
        ("broken.json", b"[{\"email\": ", "expected a JSON list"),
        ("odd.json", b"[{\"email\": 7}]", "entry 1: `email` is not a text"),
        ("more.json", b"[{\"email\": \"a@b.org\", \"shoe\": \"x\"}]", "nothing is called `shoe`"),
    ] {
        let (is_done, said) = user(&edge, &["import", &write(&edge, name, text)]).await;
        assert!(!is_done && said.contains(words), "{name}: {said}");
    }
    assert_eq!(members(&edge), "1");

    let good = write(
        &edge,
        "good.json",
        r#"[{"email":"bob@example.org","name":"Bob","role":"moderator","tier":"paid"},{"email":"cat@example.org","tier":null}]"#,
    );
    let (is_done, said) = user(&edge, &["import", &good, "--dry-run"]).await;
    assert!(is_done && said.contains("2 accounts could be made; nothing was changed"), "{said}");
    assert_eq!(members(&edge), "1");
    assert!(user(&edge, &["import", &good]).await.0);
    let bob: Value = serde_json::from_str(&user(&edge, &["show", "bob@example.org", "--json"]).await.1).unwrap();
    assert_eq!((bob["role"].as_str(), bob["tier"].as_str()), (Some("moderator"), Some("paid")));
    assert_eq!(Browser::new(&edge).log_in_by_link("cat@example.org").await.location, "/account");
}

/// A running program that ends with its test, by its own process id.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the real program prints when it serves the site of `edge`, up to `lines` of it.
fn served(edge: &TestEdge, lines: usize) -> Vec<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_littoral"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--root"]).arg(edge.folder.path());
    command.env_remove("LITTORAL_STORE").env("LITTORAL_LOG", "off").stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some(store) = &edge.edge.options().store {
        command.args(["--store", store]);
    }
    let mut running = Running(command.spawn().unwrap());
    let out = BufReader::new(running.0.stdout.take().unwrap());
    out.lines().take(lines).map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn serving_a_site_without_an_administrator_prints_the_link_for_the_first() {
    let edge = TestEdge::start().await;
    let printed = tokio::task::block_in_place(|| served(&edge, 3));
    assert!(printed[1].starts_with("Nobody administers this site yet."), "{printed:?}");
    let link = format!("/{}", printed[2].trim().splitn(4, '/').nth(3).unwrap());
    let mut ann = Browser::new(&edge);
    ann.follow(&link, &[("email", ANN), ("name", "Ann")]).await;
    assert_eq!(ann.follow(&letters::to(&edge, ANN).link(), &[("password", PASSWORD)]).await.location, "/account");
    assert_eq!(ann.get("/admin").await.status, 200);
    let printed = tokio::task::block_in_place(|| served(&edge, 1));
    assert!(printed[0].starts_with("Serving at"), "{printed:?}");
    assert_eq!(edge.edge.invite_first_admin().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_are_not_counted_only_where_the_program_itself_says_so() {
    let edge = TestEdge::with(Options { tries: Tries::Uncounted, ..quick() }, |_| {}).await;
    for _ in 0..8 {
        assert_eq!(Browser::new(&edge).log_in(ANN, "a wrong guess").await.status, 422);
    }
    let configured = littoral::site::config::Config::parse("edge:\n  tries: uncounted\n").1;
    assert_eq!(configured.len(), 1, "no configuration can say it: {configured:?}");
}
