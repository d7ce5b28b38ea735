//! Webhooks: what is announced comes to a receiver over real HTTP, signed, at least once.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::{SignedDuration, Timestamp};
use littoral::edge::{Deliveries, Options};
use littoral::store::{Backoff, NewAnswer};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::browser::{Browser, encode};
use crate::form::make_table;
use crate::receiver::{Message, Receiver, Reply};
use crate::support::{PATIENCE, Release, TestEdge, quick};

const KEY: &[u8] = b"twenty-four bytes of tide";
const ORDER: &str = "title: An order
fields:
  what: { label: What, type: text, required: true }
goes_to: { webhook: till }
";

fn secret() -> String {
    format!("whsec_{}", BASE64.encode(KEY))
}

fn variables(name: &str) -> Option<String> {
    (name == "TILL_SECRET").then(secret)
}

/// A test does not wait: a wait is a millisecond, and the outbox is looked at all the time.
pub fn impatient() -> Options {
    let wait = SignedDuration::from_millis(1);
    let deliveries = Deliveries {
        backoff: Backoff { first: wait, factor: 1, longest: wait, ..Backoff::default() },
        look_every: Duration::from_millis(10),
        ..Deliveries::default()
    };
    Options { deliveries, variables, ..quick() }
}

fn hook(url: &str, more: &str) -> littoral::site::webhook::Webhook {
    let more = if more.contains("secret_") { more.to_owned() } else { format!("secret_env: TILL_SECRET\n{more}") };
    serde_yaml::from_str(&format!("url: {url}\n{more}")).unwrap()
}

/// A site with a form that tells the webhook `till` at `url`.
pub fn till(url: &str) -> impl FnOnce(&mut Release) {
    move |site| {
        site.manifest.site.edge.accounts = false;
        site.manifest.site.edge.webhooks.insert("till".to_owned(), hook(url, ""));
        site.form("order", ORDER);
    }
}

async fn order(edge: &TestEdge, what: &str) {
    send(edge, "order", what).await;
}

async fn send(edge: &TestEdge, form: &str, what: &str) {
    let mut visitor = Browser::new(edge);
    visitor.headers = vec![("sec-fetch-site", "same-origin".to_owned())];
    assert_eq!(visitor.post(&format!("/form/{form}"), &[("what", what)]).await.status, 303);
}

/// Asks past the edge, until the answer is `expected`.
async fn until(edge: &TestEdge, sql: &str, expected: &str) {
    let asking = async {
        loop {
            let found = tokio::task::block_in_place(|| edge.ask_store(sql));
            if found.as_deref() == Some(expected) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    if tokio::time::timeout(PATIENCE, asking).await.is_err() {
        panic!("{sql}: {:?} is not {expected}", edge.ask_store(sql));
    }
}

const DELIVERED: &str =
    "SELECT CAST(count(*) AS TEXT) FROM littoral_outbox WHERE finished_at IS NOT NULL AND gave_up = 0";
const GIVEN_UP: &str = "SELECT CAST(count(*) AS TEXT) FROM littoral_outbox WHERE gave_up = 1";
const WAITING: &str = "SELECT CAST(count(*) AS TEXT) FROM littoral_outbox WHERE due_at IS NOT NULL AND claim IS NULL";

/// HMAC by its definition (RFC 2104), not by the crate that signs.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let padded = |pad: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ pad).collect() };
    let inner = Sha256::digest([&padded(0x36), text].concat());
    Sha256::digest([&padded(0x5c), inner.as_slice()].concat()).to_vec()
}

/// As a receiver does that knows the specification and the secret.
pub fn assert_signed(message: &Message) {
    let (id, time) = (message.header("webhook-id"), message.header("webhook-timestamp"));
    let signed = hmac(KEY, format!("{id}.{time}.{}", message.body).as_bytes());
    assert_eq!(message.header("webhook-signature"), format!("v1,{}", BASE64.encode(signed)));
    let age = Timestamp::now().as_second() - time.parse::<i64>().unwrap();
    assert!((0..60).contains(&age), "{age}");
    assert!(!id.is_empty() && !id.contains('.'), "{id}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_posted_at_once_and_signed() {
    let mut receiver = Receiver::start().await;
    // Were it not told, it would look in an hour.
    let mut options = impatient();
    options.deliveries.look_every = Duration::from_secs(3_600);
    let edge = TestEdge::with(options, till(&receiver.url())).await;
    order(&edge, "été & \"oars\"").await;
    let message = receiver.next().await;
    assert_signed(&message);
    assert_eq!((message.method.as_str(), message.path.as_str()), ("POST", "/hooks/littoral?from=tides"));
    assert_eq!(message.header("content-type"), "application/json");
    assert!(message.header("user-agent").starts_with("Littoral/"), "{message:?}");
    let said = message.json();
    assert_eq!((&said["type"], &said["data"]["form"]), (&"form.answered".into(), &"order".into()));
    assert_eq!(said["data"]["answers"], serde_json::json!({ "what": "été & \"oars\"" }));
    let id = edge.ask_store("SELECT CAST(id AS TEXT) FROM littoral_form_answer").unwrap();
    assert_eq!(said["data"]["id"].to_string(), id);
    until(&edge, DELIVERED, "1").await;
    assert_eq!(edge.ask_store("SELECT payload FROM littoral_outbox").as_deref(), Some(""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_posted_twice_is_announced_once() {
    let mut receiver = Receiver::start().await;
    let edge = TestEdge::with(impatient(), till(&receiver.url())).await;
    for what in ["oars", "oars", "oars", "a sail"] {
        order(&edge, what).await;
    }
    let mut said = [receiver.next().await, receiver.next().await]
        .map(|message| message.json()["data"]["answers"]["what"].to_string());
    said.sort();
    assert_eq!(said, ["\"a sail\"", "\"oars\""]);
    until(&edge, DELIVERED, "2").await;
    assert!(receiver.has_come().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_refuses_is_asked_again_with_the_same_message_until_it_takes_it() {
    let (mut receiver, mut elsewhere) = (Receiver::start().await, Receiver::start().await);
    let redirect = Reply::Now(307, vec![("location", elsewhere.url())], String::new());
    receiver.answer([Reply::status(500), Reply::status(404), redirect, Reply::status(429), Reply::status(401)]);
    let edge = TestEdge::with(impatient(), till(&receiver.url())).await;
    order(&edge, "oars").await;
    let first = receiver.next().await;
    for _ in 0..5 {
        let again = receiver.next().await;
        assert_signed(&again);
        assert_eq!((again.header("webhook-id"), &again.body), (first.header("webhook-id"), &first.body));
    }
    until(&edge, DELIVERED, "1").await;
    assert_eq!(edge.ask_store("SELECT CAST(tries AS TEXT) FROM littoral_outbox").as_deref(), Some("6"));
    assert!(receiver.has_come().is_none() && elsewhere.has_come().is_none(), "a redirect was followed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_hangs_holds_up_no_other_and_is_asked_again() {
    let (mut dead, mut other) = (Receiver::start().await, Receiver::start().await);
    let mut options = impatient();
    options.deliveries.at_once = 2;
    let edge = TestEdge::with(options, |site| {
        till(&dead.url())(site);
        site.manifest.site.edge.webhooks.insert("ledger".to_owned(), hook(&other.url(), ""));
        site.form("note", &ORDER.replace("till", "ledger"));
    })
    .await;
    dead.answer((0..2).map(|_| Reply::Never));
    for what in ["oars", "a sail", "a rope", "a bucket"] {
        order(&edge, what).await;
    }
    let held = [dead.next().await, dead.next().await];
    // As many as may be are under way to the dead one, for as long as it is given.
    for text in ["low", "high"] {
        send(&edge, "note", text).await;
        assert_eq!(other.next().await.json()["data"]["answers"]["what"], text);
    }
    assert!(dead.has_come().is_none(), "more were under way at once than may be");
    assert_eq!(held.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_come_in_time_counts_as_none() {
    let mut receiver = Receiver::start().await;
    receiver.answer([Reply::Never]);
    let mut options = impatient();
    options.deliveries.patience = Duration::from_millis(50);
    let edge = TestEdge::with(options, till(&receiver.url())).await;
    order(&edge, "oars").await;
    let (first, second) = (receiver.next().await, receiver.next().await);
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    until(&edge, DELIVERED, "1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_delivered_is_after_the_edge_was_started_again() {
    // A port where nobody listens.
    let address: SocketAddr = Receiver::start().await.address;
    let mut options = impatient();
    options.deliveries.backoff.tries = i64::MAX;
    let edge = TestEdge::with(options.clone(), till(&format!("http://{address}/hooks"))).await;
    order(&edge, "oars").await;
    until(&edge, "SELECT CAST(CASE WHEN max(tries) > 2 THEN 1 ELSE 0 END AS TEXT) FROM littoral_outbox", "1").await;
    let error = edge.ask_store("SELECT last_error FROM littoral_outbox").unwrap();
    assert!(error.contains("refused"), "{error}");
    let folder = edge.folder.clone();
    edge.stop().await;
    let mut receiver = Receiver::at(address).await;
    let folder = std::sync::Arc::into_inner(folder).unwrap();
    let edge = TestEdge::serve(folder, options).await;
    assert_eq!(receiver.next().await.json()["data"]["answers"]["what"], "oars");
    until(&edge, DELIVERED, "1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_edges_on_one_store_deliver_each_message_once() {
    let mut receiver = Receiver::start().await;
    let first = TestEdge::with(impatient(), till(&receiver.url())).await;
    let store = first.edge.options().store.clone();
    let file = first.folder.path().join("var/littoral.db").display().to_string();
    let options = Options { store: Some(store.unwrap_or(file)), ..impatient() };
    let second = TestEdge::with(options, till(&receiver.url())).await;
    for number in 0..100_u8 {
        let edge = if number % 2 == 0 { &first } else { &second };
        let new = NewAnswer {
            form: "order".to_owned(),
            answers: format!("{{\"what\":\"{number}\"}}"),
            once: [number; 32],
            files: Vec::new(),
            destination: None,
            webhook: Some("till".to_owned()),
            subscriptions: std::sync::Arc::default(),
            letters: Vec::new(),
        };
        edge.edge.store().unwrap().keep_answer(new, Timestamp::now()).await.unwrap();
        edge.edge.outbox_filled();
    }
    let mut numbers = Vec::new();
    for _ in 0..100 {
        let message = receiver.next().await;
        assert_signed(&message);
        numbers.push(message.json()["data"]["answers"]["what"].as_str().unwrap().parse::<u8>().unwrap());
    }
    until(&first, DELIVERED, "100").await;
    assert!(receiver.has_come().is_none());
    numbers.sort_unstable();
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());
    assert_eq!(first.ask_store("SELECT CAST(max(tries) AS TEXT) FROM littoral_outbox").as_deref(), Some("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_when_the_edge_is_told_to_stop_ends_and_is_not_sent_again() {
    let mut receiver = Receiver::start().await;
    let (take, taken) = oneshot::channel();
    receiver.answer([Reply::When(taken)]);
    let mut edge = TestEdge::with(impatient(), till(&receiver.url())).await;
    order(&edge, "oars").await;
    let first = receiver.next().await;
    edge.tell_to_stop();
    // It listens no more: it has heard it.
    while tokio::net::TcpStream::connect(edge.address).await.is_ok() {}
    take.send(()).unwrap();
    let folder = edge.folder.clone();
    edge.stop().await;
    let folder = std::sync::Arc::into_inner(folder).unwrap();
    let edge = TestEdge::serve(folder, impatient()).await;
    assert_eq!(edge.ask_store(DELIVERED).as_deref(), Some("1"), "{first:?}");
    order(&edge, "a sail").await;
    assert_eq!(receiver.next().await.json()["data"]["answers"]["what"], "a sail");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_receiver_wants_to_be_asked_later_it_is_within_bounds() {
    let mut receiver = Receiver::start().await;
    let edge = TestEdge::with(Options { variables, ..quick() }, till(&receiver.url())).await;
    for (asked, least, most) in [("3600", 3_500, 3_600), ("99999999", 21_000, 21_600), ("0", 3, 7)] {
        receiver.answer([Reply::Now(429, vec![("retry-after", asked.to_owned())], String::new())]);
        let before = Timestamp::now();
        order(&edge, asked).await;
        receiver.next().await;
        until(&edge, WAITING, "1").await;
        let due: i64 = edge.ask_store("SELECT CAST(due_at AS TEXT) FROM littoral_outbox").unwrap().parse().unwrap();
        let wait = (due - before.as_microsecond()) / 1_000_000;
        assert!((least..=most).contains(&wait), "{asked}: {wait} s");
        make_table(&edge, "DELETE FROM littoral_outbox");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_given_up_is_seen_on_the_command_line_and_delivered_when_it_is_told() {
    let mut receiver = Receiver::start().await;
    let body = format!("we have\n moved \u{1b}[31m{}", "far away ".repeat(200));
    receiver.answer([Reply::Now(410, Vec::new(), body)]);
    let edge = TestEdge::with(impatient(), till(&receiver.url())).await;
    let (_, nothing) = littoral(&edge, &["outbox", "list"]).await;
    assert_eq!(nothing, "nothing waits, and nothing was given up\n");
    assert_eq!(littoral(&edge, &["outbox", "list", "--json"]).await.1, "[]\n");
    order(&edge, "oars").await;
    receiver.next().await;
    until(&edge, GIVEN_UP, "1").await;
    let (_, list) = littoral(&edge, &["outbox", "list"]).await;
    let id = list.split(' ').next().unwrap().to_owned();
    assert!(
        list.contains(" webhook till: given up on 20")
            && list.contains(", tried once: answered 410 Gone: we have moved"),
        "{list}"
    );
    assert!(list.len() < 600 && !list.contains('\u{1b}') && list.lines().count() == 1, "{list}");
    let (_, json) = littoral(&edge, &["outbox", "list", "--json"]).await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json[0]["state"], &json[0]["tries"]), (&"given-up".into(), &1.into()));
    assert_eq!(json[0]["id"].to_string(), id);
    let (done, said) = littoral(&edge, &["outbox", "retry", &id, "1"]).await;
    assert!(
        !done
            && said.contains(&format!("{id}: is tried again within a few seconds"))
            && said.contains("1: there is no such message"),
        "{said}"
    );
    let again = receiver.next().await;
    assert_eq!(again.header("webhook-id"), id);
    until(&edge, DELIVERED, "1").await;
    receiver.answer([Reply::status(410), Reply::status(410)]);
    order(&edge, "a sail").await;
    order(&edge, "a rope").await;
    until(&edge, GIVEN_UP, "2").await;
    assert_eq!(
        littoral(&edge, &["outbox", "retry", "--all"]).await.1,
        "2 messages are tried again within a few seconds\n"
    );
    until(&edge, DELIVERED, "3").await;
    let (done, said) = littoral(&edge, &["outbox", "forget", &id]).await;
    assert!(done && said.ends_with("forgotten\n"), "{said}");
    assert_eq!(edge.ask_store("SELECT CAST(count(*) AS TEXT) FROM littoral_outbox").as_deref(), Some("2"));
    assert!(!littoral(&edge, &["outbox", "retry"]).await.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_secret_nothing_is_sent_or_counted_and_with_it_everything_is() {
    let (mut receiver, mut witness) = (Receiver::start().await, Receiver::start().await);
    let edge = TestEdge::with(impatient(), |site| {
        till(&receiver.url())(site);
        let with_file = hook(&receiver.url(), "secret_file: var/secrets/till");
        site.manifest.site.edge.webhooks.insert("till".to_owned(), with_file);
        site.manifest.site.edge.webhooks.insert("witness".to_owned(), hook(&witness.url(), ""));
        site.form("note", &ORDER.replace("till", "witness"));
    })
    .await;
    let file = edge.folder.path().join("var/secrets/till");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "no secret at all").unwrap();
    order(&edge, "oars").await;
    order(&edge, "a sail").await;
    // Webhooks are looked at in the order of their names, so the till was before this one.
    send(&edge, "note", "is it sent?").await;
    witness.next().await;
    assert_eq!(
        edge.ask_store("SELECT CAST(sum(tries) AS TEXT) FROM littoral_outbox WHERE address = 'till'").as_deref(),
        Some("0")
    );
    assert!(receiver.has_come().is_none());
    std::fs::write(&file, format!("{}\n", secret())).unwrap();
    for _ in 0..2 {
        assert_signed(&receiver.next().await);
    }
    until(&edge, DELIVERED, "3").await;
    // Another one, without a restart; the old one still signs beside it.
    std::fs::write(&file, format!("whsec_{}\n{}\n", BASE64.encode([9; 32]), secret())).unwrap();
    order(&edge, "a rope").await;
    let message = receiver.next().await;
    let signatures: Vec<&str> = message.header("webhook-signature").split(' ').collect();
    let text = format!("{}.{}.{}", message.header("webhook-id"), message.header("webhook-timestamp"), message.body);
    let expected = [&[9; 32][..], KEY].map(|key| format!("v1,{}", BASE64.encode(hmac(key, text.as_bytes()))));
    assert_eq!(signatures, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_release_says_where_the_next_message_goes() {
    let (mut old, mut new) = (Receiver::start().await, Receiver::start().await);
    // An edge that had no need of a store before.
    let edge = TestEdge::with(impatient(), |site| site.manifest.site.edge.accounts = false).await;
    assert!(edge.edge.store().is_none());
    for receiver in [&mut old, &mut new] {
        let before = edge.edge.release().id;
        edge.publish(till(&receiver.url()));
        while edge.edge.release().id == before {
            tokio::task::yield_now().await;
        }
        // The first look opens the store.
        while edge.edge.store().is_none() {
            tokio::task::yield_now().await;
        }
        let what = receiver.address.to_string();
        order(&edge, &what).await;
        assert_eq!(receiver.next().await.json()["data"]["answers"]["what"], what);
    }
    until(&edge, DELIVERED, "2").await;
    assert!(old.has_come().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_comes_by_a_form_is_announced_to_those_who_listen_to_its_table() {
    let mut receiver = Receiver::start().await;
    let edge = TestEdge::with(impatient(), |site| {
        site.manifest.site.edge.webhooks.insert("till".to_owned(), hook(&receiver.url(), "tables: [supply]"));
        site.form("order", &ORDER.replace("{ webhook: till }", "{ table: supply, columns: { name: what } }"));
    })
    .await;
    make_table(&edge, "CREATE TABLE supply (name TEXT PRIMARY KEY)");
    order(&edge, "oars").await;
    let message = receiver.next().await;
    assert_signed(&message);
    let said = message.json();
    assert_eq!(said["type"], "row.created");
    let expected = serde_json::json!({ "table": "supply", "key": "oars", "row": { "name": "oars" } });
    assert_eq!(said["data"], expected);
    // The table refuses it: nothing is kept, nothing announced.
    let body = encode(&[("what", "oars")]);
    let request = edge.request(reqwest::Method::POST, "/form/order").header("sec-fetch-site", "same-origin");
    let request = request.header("user-agent", "Another/1").header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(request.body(body).send().await.unwrap().status(), 503);
    order(&edge, "a sail").await;
    assert_eq!(receiver.next().await.json()["data"]["key"], "a sail");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_cannot_prove_who_it_is_gets_nothing() {
    let mut receiver = Receiver::over_tls(acceptor()).await;
    let mut options = impatient();
    options.deliveries.backoff.tries = 1;
    let edge = TestEdge::with(options, till(&receiver.url())).await;
    order(&edge, "oars").await;
    until(&edge, GIVEN_UP, "1").await;
    let error = edge.ask_store("SELECT last_error FROM littoral_outbox").unwrap();
    assert!(error.contains("invalid peer certificate"), "{error}");
    assert!(receiver.has_come().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_whose_authority_is_believed_gets_it_encrypted() {
    let mut receiver = Receiver::over_tls(acceptor()).await;
    let url = receiver.url();
    assert!(url.starts_with("https://localhost:"), "{url}");
    let and_authority = |name: &str| match name {
        "SSL_CERT_FILE" => Some(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/edge/tls/authority.pem").to_owned()),
        other => variables(other),
    };
    let edge = TestEdge::with(Options { variables: and_authority, ..impatient() }, till(&url)).await;
    order(&edge, "oars").await;
    assert_signed(&receiver.next().await);
    until(&edge, DELIVERED, "1").await;
}

/// What a receiver called `localhost` speaks, whose authority only these tests know.
pub fn acceptor() -> TlsAcceptor {
    let pem = include_bytes!("tls/receiver.pem");
    let certificate = CertificateDer::from_pem_slice(pem).unwrap();
    let key = PrivateKeyDer::from_pem_slice(pem).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(std::sync::Arc::new(config))
}

/// What the program itself says, over the store of `edge`.
pub async fn littoral(edge: &TestEdge, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_littoral"));
    command.args(arguments).arg("--root").arg(edge.folder.path()).env_remove("LITTORAL_STORE");
    if let Some(store) = &edge.edge.options().store {
        command.args(["--store", store]);
    }
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

/// A running program that ends with its test, by its own process id.
struct Running(Child);

impl Running {
    /// SIGKILL.
    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The real program over the site in `root`, and where it listens.
fn serve(root: &Path, store: Option<&str>, secret: &str) -> (Running, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_littoral"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--root"]).arg(root);
    command.env_remove("LITTORAL_STORE").env("TILL_SECRET", secret).env("LITTORAL_LOG", "trace");
    if let Some(store) = store {
        command.args(["--store", store]);
    }
    let log = std::fs::File::options().create(true).append(true).open(root.join("log")).unwrap();
    let mut running = Running(command.stdout(Stdio::piped()).stderr(log).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(running.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let address = line.split("http://").nth(1).unwrap_or_else(|| panic!("{line}"));
    (running, address.trim().trim_end_matches('/').to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_none_is_said_when_the_program_starts_and_not_shown() {
    let edge = TestEdge::with(quick(), till("https://till.example/hooks")).await;
    let store = edge.edge.options().store.clone();
    let folder = edge.folder.path();
    let (_running, _) = tokio::task::block_in_place(|| serve(folder, store.as_deref(), "whsec_bG93IHdhdGVy"));
    let reading = async {
        loop {
            let log = tokio::fs::read_to_string(folder.join("log")).await.unwrap();
            if log.contains("nothing is sent to this webhook") {
                return log;
            }
        }
    };
    let log = tokio::time::timeout(PATIENCE, reading).await.expect("the log must say it");
    assert!(log.contains("the variable TILL_SECRET holds no secret: expected 24 to 64 bytes in base64"), "{log}");
    assert!(!log.contains("bG93IHdhdGVy"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_killed_while_it_sends_sends_the_same_message_again_and_its_secret_is_nowhere() {
    let mut receiver = Receiver::start().await;
    receiver.answer([Reply::Never]);
    // For the folder and the store; the program serves them.
    let edge = TestEdge::with(Options { variables: |_| None, ..impatient() }, till(&receiver.url())).await;
    let store = edge.edge.options().store.clone();
    let folder = edge.folder.clone();
    let ask = |sql: &str| edge.ask_store(sql);
    let (mut killed, address) = tokio::task::block_in_place(|| serve(folder.path(), store.as_deref(), &secret()));
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let post = client.post(format!("http://{address}/form/order")).header("sec-fetch-site", "same-origin");
    let answer = post.form(&[("what", "oars")]).send().await.unwrap();
    assert_eq!(answer.status(), 303);
    let headers = format!("{:?}", answer.headers());
    let first = receiver.next().await;
    assert_signed(&first);
    killed.kill();
    assert_eq!(ask(DELIVERED).as_deref(), Some("0"));
    // A minute later the lease is over.
    make_table(&edge, "UPDATE littoral_outbox SET due_at = due_at - 60000000");
    let (mut again, _) = tokio::task::block_in_place(|| serve(folder.path(), store.as_deref(), &secret()));
    let second = receiver.next().await;
    assert_signed(&second);
    assert_eq!((first.header("webhook-id"), &first.body), (second.header("webhook-id"), &second.body));
    until(&edge, DELIVERED, "1").await;
    again.kill();

    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("TRACE") && log.len() > 1_000, "the log must say something: {log}");
    let encoded = BASE64.encode(KEY);
    let raw = String::from_utf8(KEY.to_vec()).unwrap();
    let as_numbers = format!("{KEY:?}").trim_matches(['[', ']']).to_owned();
    for hidden in [encoded, raw, as_numbers] {
        assert!(!log.contains(&hidden) && !headers.contains(&hidden), "{hidden}");
        let mut open = vec![folder.path().to_owned()];
        while let Some(path) = open.pop() {
            if path.is_dir() {
                open.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            let mut bytes = Vec::new();
            std::fs::File::open(&path).unwrap().read_to_end(&mut bytes).unwrap();
            assert!(memchr::memmem::find(&bytes, hidden.as_bytes()).is_none(), "{} has {hidden}", path.display());
        }
    }
}
