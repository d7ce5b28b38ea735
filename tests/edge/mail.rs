//! Mail: letters in the outbox come to a real mail server, or become files.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use littoral::edge::{Options, Postage};
use littoral::site::mail::Mail;
use littoral::store::{Backoff, EmailAddress, Lane, Letter, MessagePlace, MessageState};

use crate::browser::Browser;
use crate::post_office::{Manner, PostOffice};
use crate::support::{PATIENCE, TestEdge, quick};
use crate::webhook::{acceptor, littoral};

/// A test does not wait: a wait is a millisecond, and the outbox is looked at all the time.
pub fn postage() -> Postage {
    let wait = SignedDuration::from_millis(1);
    Postage {
        backoff: Backoff { first: wait, factor: 1, longest: wait, ..Backoff::default() },
        look_every: Duration::from_millis(10),
        pause: (Duration::from_millis(5), Duration::from_millis(20)),
        ..Postage::default()
    }
}

fn variables(name: &str) -> Option<String> {
    match name {
        "POST_PASSWORD" => Some("low water".to_owned()),
        "SSL_CERT_FILE" => Some(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/edge/tls/authority.pem").to_owned()),
        _ => None,
    }
}

fn options() -> Options {
    Options { postage: postage(), variables, ..quick() }
}

async fn site_with(mail: &str) -> TestEdge {
    site_with_options(mail, options()).await
}

async fn site_with_options(mail: &str, options: Options) -> TestEdge {
    let mail: Mail = serde_yaml::from_str(mail).unwrap();
    TestEdge::with(options, |site| site.manifest.site.edge.mail = mail).await
}

fn plain(office: &PostOffice) -> String {
    format!("{{ server: '{}', security: none, from: 'Shore <post@shore.example>' }}", office.address)
}

pub fn letter(to: &str, subject: &str) -> Letter {
    Letter {
        to: to.to_owned(),
        subject: subject.to_owned(),
        text: "Low water is at six.\n.\nThe end.\n".to_owned(),
        html: Some("<p>Low water is at <b>six</b>.</p>".to_owned()),
        headers: Vec::new(),
        must_go: false,
    }
}

async fn post(edge: &TestEdge, lane: Lane, letters: Vec<Letter>) {
    edge.edge.store().unwrap().post(lane, letters, Timestamp::now()).await.unwrap();
    edge.edge.outbox_filled();
}

/// Waits until nothing is left to be sent, and gives what was given up.
async fn given_up(edge: &TestEdge) -> Vec<(String, String)> {
    let asking = async {
        loop {
            let left = edge.edge.store().unwrap().messages(MessagePlace::default()).await.unwrap();
            if left.iter().all(|message| matches!(message.state, MessageState::GivenUp(_))) {
                return left.into_iter().map(|one| (one.address, one.last_error.unwrap_or_default())).collect();
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("the outbox must become empty")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_comes_to_the_server_with_text_and_html() {
    let mut office = PostOffice::open().await;
    let edge = site_with(&plain(&office)).await;
    let mut one = letter("ann@example.org", "Ebbe für Zoë");
    one.headers.push(("List-Unsubscribe".to_owned(), "<http://localhost/off>".to_owned()));
    post(&edge, Lane::Prompt, vec![one]).await;
    let came = office.next().await;
    assert_eq!((came.from.as_str(), came.to.as_slice()), ("post@shore.example", &["ann@example.org".to_owned()][..]));
    assert_eq!(came.header("From"), "Shore <post@shore.example>");
    assert_eq!(came.header("List-Unsubscribe"), "<http://localhost/off>");
    assert!(came.header("Message-ID").ends_with(".letter@shore.example>"), "{}", came.raw);
    assert_eq!(came.text().trim_end(), "Low water is at six.\n.\nThe end.");
    assert_eq!(came.html().trim_end(), "<p>Low water is at <b>six</b>.</p>");
    assert_eq!(given_up(&edge).await, []);
    assert!(office.come().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_goes_over_tls_to_a_server_that_is_who_it_says() {
    for is_wrapped in [false, true] {
        let account = Some(("post".to_owned(), "low water".to_owned()));
        let manner = Manner { tls: Some(acceptor()), is_wrapped, account, ..Manner::default() };
        let mut office = PostOffice::with(manner).await;
        let security = if is_wrapped { "tls" } else { "starttls" };
        let port = office.address.port();
        let edge = site_with(&format!(
            "{{ server: 'localhost:{port}', security: {security}, user: post, password_env: POST_PASSWORD }}"
        ))
        .await;
        post(&edge, Lane::Prompt, vec![letter("ann@example.org", "Tides")]).await;
        let came = office.next().await;
        assert!(came.is_encrypted);
        assert_eq!(came.sender.as_deref(), Some("post"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_offers_no_tls_or_cannot_prove_who_it_is_gets_nothing() {
    let no_tls = PostOffice::open().await;
    let not_believed = PostOffice::with(Manner { tls: Some(acceptor()), ..Manner::default() }).await;
    let nobodys_friend = Options { variables: |_| None, ..options() };
    for (mut office, options, words) in [(no_tls, options(), "STARTTLS"), (not_believed, nobodys_friend, "certificate")]
    {
        let mut options = options;
        options.postage.backoff.tries = 1;
        let edge = site_with_options(&format!("{{ server: 'localhost:{}' }}", office.address.port()), options).await;
        post(&edge, Lane::Prompt, vec![letter("ann@example.org", "Tides")]).await;
        let refused = given_up(&edge).await;
        assert!(refused[0].1.contains(words), "{refused:?}");
        assert!(office.come().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_tried_again_and_never_told() {
    let account = Some(("post".to_owned(), "high water".to_owned()));
    let mut office = PostOffice::with(Manner { tls: Some(acceptor()), account, ..Manner::default() }).await;
    let mut options = options();
    options.postage.backoff.tries = 2;
    let port = office.address.port();
    let mail = format!("{{ server: 'localhost:{port}', user: post, password_env: POST_PASSWORD }}");
    let edge = site_with_options(&mail, options).await;
    post(&edge, Lane::Prompt, vec![letter("ann@example.org", "Tides")]).await;
    let refused = given_up(&edge).await;
    assert!(refused[0].1.contains("credentials") && !refused[0].1.contains("low water"), "{refused:?}");
    assert!(office.come().is_empty());
    assert!(edge.edge.store().unwrap().suppressed("", 10).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_away_gets_all_that_waited() {
    let address = {
        let gone = PostOffice::open().await;
        gone.address
    };
    let edge = site_with(&format!("{{ server: '{address}', security: none }}")).await;
    let letters = (0..200).map(|number| letter(&format!("reader{number}@example.org"), "Tides")).collect();
    post(&edge, Lane::Bulk, letters).await;
    // It was tried, and failed.
    let asking = async {
        while edge.ask_store("SELECT last_error FROM littoral_outbox WHERE last_error IS NOT NULL").is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap();
    let mut office = PostOffice::at(address, Manner::default()).await;
    let mut came: Vec<_> = Vec::new();
    for _ in 0..200 {
        came.push(office.next().await.to.concat());
    }
    came.sort();
    came.dedup();
    assert_eq!(came.len(), 200);
    assert_eq!(given_up(&edge).await, []);
    assert!(office.come().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_holds_nothing_up_for_ever() {
    let office = PostOffice::with(Manner { is_mute: true, ..Manner::default() }).await;
    let mut options = options();
    (options.postage.patience, options.postage.backoff.tries) = (Duration::from_millis(50), 1);
    let edge = site_with_options(&plain(&office), options).await;
    post(&edge, Lane::Prompt, vec![letter("ann@example.org", "Tides")]).await;
    let refused = given_up(&edge).await;
    assert_eq!(refused.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_no_server_knows_is_written_to_no_more() {
    let mut office = PostOffice::open().await;
    office.answer("gone@example.org", 550, "5.1.1 no such mailbox");
    let edge = site_with(&plain(&office)).await;
    post(&edge, Lane::Prompt, vec![letter("gone@example.org", "Tides"), letter("ann@example.org", "Tides")]).await;
    assert_eq!(office.next().await.to, ["ann@example.org"]);
    let refused = given_up(&edge).await;
    assert!(refused[0].1.contains("no such mailbox"), "{refused:?}");
    let store = edge.edge.store().unwrap();
    assert_eq!(store.suppressed("", 10).await.unwrap()[0].address, "gone@example.org");
    // The server would take it now, and does not get it, but for what was just asked for.
    office.take("gone@example.org");
    let asked_for = Letter { must_go: true, ..letter("gone@example.org", "Your link") };
    post(&edge, Lane::Prompt, vec![letter("Gone@example.org", "Tides"), asked_for]).await;
    let came = office.next().await;
    assert_eq!(came.header("Subject"), "Your link");
    assert!(store.write_again_to(&EmailAddress::parse("gone@example.org").unwrap()).await.unwrap());
    post(&edge, Lane::Prompt, vec![letter("gone@example.org", "Tides again")]).await;
    assert_eq!(office.next().await.header("Subject"), "Tides again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_puts_off_or_refuses_because_of_us_suppresses_nobody() {
    let mut office = PostOffice::open().await;
    office.answer("full@example.org", 452, "4.2.2 mailbox full");
    office.answer("policy@example.org", 550, "5.7.1 your network may not send");
    let mut options = options();
    options.postage.backoff.tries = 3;
    let edge = site_with_options(&plain(&office), options).await;
    post(&edge, Lane::Prompt, vec![letter("full@example.org", "Tides"), letter("policy@example.org", "Tides")]).await;
    assert_eq!(given_up(&edge).await.len(), 2);
    assert!(office.come().is_empty());
    assert!(edge.edge.store().unwrap().suppressed("", 10).await.unwrap().is_empty());
    // Given up is not lost.
    office.take("full@example.org");
    assert_eq!(edge.edge.store().unwrap().retry_messages(Some("mail"), Timestamp::now()).await.unwrap(), 2);
    edge.edge.outbox_filled();
    assert_eq!(office.next().await.to, ["full@example.org"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_letters_do_not_stand_before_the_one_that_somebody_waits_for() {
    let mut office = PostOffice::open().await;
    let mail = format!("{{ server: '{}', security: none, connections: 1 }}", office.address);
    let edge = site_with(&mail).await;
    let many = (0..2_000).map(|number| letter(&format!("reader{number}@example.org"), "Tides")).collect();
    post(&edge, Lane::Bulk, many).await;
    office.next().await;
    post(&edge, Lane::Prompt, vec![letter("ann@example.org", "Your link")]).await;
    let mut before = 0;
    while office.next().await.to != ["ann@example.org"] {
        before += 1;
    }
    assert!(before < 1_900, "{before} letters of the other lane came first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_sends_no_more_in_a_minute_than_it_may() {
    let mut office = PostOffice::open().await;
    let mail = format!("{{ server: '{}', security: none, each_minute: 3 }}", office.address);
    let edge = site_with(&mail).await;
    let many = (0..10).map(|number| letter(&format!("reader{number}@example.org"), "Tides")).collect();
    post(&edge, Lane::Bulk, many).await;
    for _ in 0..3 {
        office.next().await;
    }
    // The other lane has a minute of its own; and when it has come, the first three have.
    post(&edge, Lane::Prompt, vec![letter("ann@example.org", "Your link")]).await;
    assert_eq!(office.next().await.to, ["ann@example.org"]);
    assert!(office.come().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_a_letter_is_a_file() {
    let edge = site_with("{}").await;
    post(&edge, Lane::Prompt, vec![letter("ann@example.org", "Tides")]).await;
    assert_eq!(given_up(&edge).await, []);
    let files: Vec<_> = std::fs::read_dir(edge.folder.path().join("var/mail")).unwrap().collect();
    assert_eq!(files.len(), 1);
    let file = std::fs::read_to_string(files[0].as_ref().unwrap().path()).unwrap();
    assert!(file.contains("To: ann@example.org\r\n") && file.contains("Low water is at six."), "{file}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_letter_and_what_would_be_two_headers_is_given_up_and_told() {
    let mut office = PostOffice::open().await;
    let edge = site_with(&plain(&office)).await;
    let mut two_headers = letter("ann@example.org", "Tides");
    two_headers.headers.push(("X-Tide".to_owned(), "low\r\nBcc: eve@example.org".to_owned()));
    let two_people = letter("ann@example.org, eve@example.org", "Tides");
    post(&edge, Lane::Prompt, vec![two_headers, two_people, letter("zoe@example.org", "Tides")]).await;
    assert_eq!(office.next().await.to, ["zoe@example.org"]);
    assert_eq!(given_up(&edge).await.len(), 2);
    assert!(office.come().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_send_each_letter_once() {
    let mut office = PostOffice::open().await;
    let edge = site_with(&plain(&office)).await;
    let other = edge.beside().await;
    let many: Vec<_> = (0..300).map(|number| letter(&format!("reader{number}@example.org"), "Tides")).collect();
    post(&edge, Lane::Bulk, many).await;
    other.edge.outbox_filled();
    let mut came = Vec::new();
    for _ in 0..300 {
        came.push(office.next().await.to.concat());
    }
    came.sort();
    came.dedup();
    assert_eq!(came.len(), 300);
    assert_eq!(given_up(&edge).await, []);
    assert!(office.come().is_empty());
}

const CONTACT: &str = "title: Write to us
fields:
  email: { label: Your address, type: email, required: true }
  text: { label: Message, type: long-text, required: true }
  agree: { label: I agree, type: yes }
goes_to: { mail: [post@shore.example, ann@example.org], reply_to: email }
";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_form_brings_comes_by_mail_and_an_answer_goes_to_who_wrote() {
    let mut office = PostOffice::open().await;
    let mail: Mail = serde_yaml::from_str(&plain(&office)).unwrap();
    let edge = TestEdge::with(options(), |site| {
        site.manifest.site.edge.mail = mail;
        site.manifest.site.edge.accounts = false;
        site.form("contact", CONTACT);
    })
    .await;
    let mut visitor = Browser::new(&edge);
    visitor.headers = vec![("sec-fetch-site", "same-origin".to_owned())];
    let text = "Low water?\r\nBcc: eve@example.org\r\n<b>six</b>";
    let fields = [("email", "zoe@example.org"), ("text", text)];
    assert_eq!(visitor.post("/form/contact", &fields).await.status, 303);
    let mut to = Vec::new();
    for _ in 0..2 {
        let came = office.next().await;
        assert_eq!(came.header("Subject"), "Write to us: an answer");
        assert_eq!(came.header("Reply-To"), "zoe@example.org");
        assert_eq!(came.header("From"), "Shore <post@shore.example>");
        assert_eq!(came.header("Bcc"), "");
        assert!(came.text().contains("Message:\nLow water?\nBcc: eve@example.org\n<b>six</b>\n"), "{}", came.text());
        assert!(came.text().contains("I agree:\nno\n"), "{}", came.text());
        assert!(came.html().contains("&lt;b&gt;six&lt;/b&gt;"), "{}", came.html());
        let start = format!("http://{}/admin/answers?form=contact", edge.address);
        assert_eq!(came.link(&start), start);
        to.extend(came.to);
    }
    to.sort();
    assert_eq!(to, ["ann@example.org", "post@shore.example"]);
    // A second click is the first.
    assert_eq!(visitor.post("/form/contact", &fields).await.status, 303);
    assert_eq!(given_up(&edge).await, []);
    assert!(office.come().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_lists_shows_and_tries_again() {
    let mut office = PostOffice::open().await;
    office.answer("ann@example.org", 554, "5.6.0 not like this");
    let edge = site_with(&plain(&office)).await;
    post(&edge, Lane::Prompt, vec![letter("ann@example.org", "Tides")]).await;
    given_up(&edge).await;
    let (is_done, said) = littoral(&edge, &["mail", "list"]).await;
    assert!(is_done && said.contains("ann@example.org \"Tides\": given up"), "{said}");
    assert!(said.contains("not like this"), "{said}");
    let id = said.split(' ').next().unwrap().to_owned();
    let (_, said) = littoral(&edge, &["mail", "show", &id]).await;
    assert!(said.contains("Subject: Tides\n\nLow water is at six."), "{said}");
    let (_, said) = littoral(&edge, &["mail", "list", "--json"]).await;
    let listed: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&listed[0]["to"], &listed[0]["state"]), (&"ann@example.org".into(), &"given-up".into()));
    let (is_done, said) = littoral(&edge, &["mail", "suppress", "ann@example"]).await;
    assert!(!is_done || said.contains("ann@example"), "{said}");
    office.take("ann@example.org");
    let (is_done, said) = littoral(&edge, &["mail", "retry", "--all"]).await;
    assert!(is_done && said.contains("1 message is tried again"), "{said}");
    assert_eq!(office.next().await.to, ["ann@example.org"]);
    let (is_done, said) = littoral(&edge, &["mail", "suppress", "Eve@example.org"]).await;
    assert!(is_done, "{said}");
    let (_, said) = littoral(&edge, &["mail", "suppressed"]).await;
    assert!(said.contains("eve@example.org: by hand"), "{said}");
    let (is_done, _) = littoral(&edge, &["mail", "unsuppress", "eve@example.org"]).await;
    let (is_done_twice, said) = littoral(&edge, &["mail", "unsuppress", "eve@example.org"]).await;
    assert!(is_done && !is_done_twice && said.contains("is not among"), "{said}");
    let (is_done, said) = littoral(&edge, &["mail", "test", "zoe@example.org"]).await;
    assert!(is_done && said.contains("has taken a letter to zoe@example.org"), "{said}");
    assert_eq!(office.next().await.header("Subject"), "A letter from Tides");
    drop(office);
    let (is_done, said) = littoral(&edge, &["mail", "test", "zoe@example.org"]).await;
    assert!(!is_done && said.contains("the letter was not taken"), "{said}");
}
