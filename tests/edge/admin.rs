//! The administrator's pages: for whom they are, and what strangers' words do in them.

use reqwest::Method;

use littoral::site::audience::Role;
use littoral::store::EmailAddress;

use crate::browser::Browser;
use crate::support::{Release, TestEdge, quick};

const NOTE: &str = "title: A note
fields:
  text: { label: Your words, type: long-text, required: true }
  file: { label: A file, type: file, accept: [text/plain] }
";

fn form(site: &mut Release) {
    site.form("note", NOTE);
}

async fn send(edge: &TestEdge, text: &str) {
    let request = edge.request(Method::POST, "/form/note").header("sec-fetch-site", "same-origin");
    assert_eq!(request.form(&[("text", text)]).send().await.unwrap().status(), 303);
}

async fn administrator(edge: &TestEdge) -> Browser<'_> {
    let mut ann = Browser::new(edge);
    ann.register("ann@example.org").await;
    let address = EmailAddress::parse("ann@example.org").unwrap();
    assert!(edge.edge.store().unwrap().set_role(&address, Role::Admin).await.unwrap());
    assert_eq!(ann.get("/account").await.status, 303, "with other rights one signs in anew");
    ann.log_in("ann@example.org", crate::browser::PASSWORD).await;
    ann
}

fn id_of(page: &str, before: &str) -> String {
    let after = page.split(before).nth(1).unwrap_or_default();
    after.chars().take_while(char::is_ascii_digit).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_signed_in_is_sent_to_and_who_is_no_administrator_finds_nothing() {
    let edge = TestEdge::with(quick(), form).await;
    send(&edge, "Secret").await;
    let answer = edge.ask_store("SELECT CAST(id AS TEXT) FROM littoral_form_answer").unwrap();
    let mut bob = Browser::new(&edge);
    let pages = ["/admin".to_owned(), "/admin/answers?form=note".to_owned(), format!("/admin/answer?id={answer}")];
    for page in &pages {
        let sent = bob.get(page).await;
        assert!(sent.status == 303 && sent.location.starts_with("/login?next=%2Fadmin"), "{page}: {}", sent.location);
    }
    bob.register("bob@example.org").await;
    for page in &pages {
        let sent = bob.get(page).await;
        assert!(sent.status == 404 && !sent.body.contains("Secret"), "{page}");
    }
    let token = bob.get("/account").await.token();
    assert_eq!(bob.post("/admin/forget", &[("csrf", &token), ("id", &answer)]).await.status, 404);
    assert_eq!(edge.ask_store("SELECT CAST(count(*) AS TEXT) FROM littoral_form_answer").as_deref(), Some("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_revoked_is_gone_at_once() {
    let edge = TestEdge::with(quick(), form).await;
    let mut ann = administrator(&edge).await;
    assert_eq!(ann.get("/admin").await.status, 200);
    let address = EmailAddress::parse("Ann@example.org").unwrap();
    edge.edge.store().unwrap().set_role(&address, Role::Member).await.unwrap();
    ann.log_in("ann@example.org", crate::browser::PASSWORD).await;
    assert_eq!(ann.get("/admin").await.status, 404);
    assert!(
        !edge
            .edge
            .store()
            .unwrap()
            .set_role(&EmailAddress::parse("no@example.org").unwrap(), Role::Admin)
            .await
            .unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_listed_the_newest_first_page_by_page_and_none_twice() {
    let edge = TestEdge::with(quick(), form).await;
    let mut ann = administrator(&edge).await;
    assert!(ann.get("/admin").await.body.contains("none yet"));
    for number in 0..50 {
        send(&edge, &format!("Note {number}.")).await;
    }
    // Past the limit of one network, as other networks would.
    let store = edge.edge.store().unwrap();
    for number in 50..120 {
        let new = littoral::store::NewAnswer {
            form: "note".to_owned(),
            answers: format!("{{\"text\":\"Note {number}.\"}}"),
            once: [number; 32],
            files: Vec::new(),
            destination: None,
            webhook: None,
            letters: Vec::new(),
            subscriptions: Default::default(),
        };
        store.keep_answer(new, jiff::Timestamp::now()).await.unwrap();
    }
    assert!(ann.get("/admin").await.body.contains("<td>120</td>"));
    let mut seen = Vec::new();
    let mut next = "/admin/answers?form=note".to_owned();
    loop {
        let page = ann.get(&next).await.body;
        seen.extend(page.split("<td>Note ").skip(1).map(|rest| rest.split('.').next().unwrap().to_owned()));
        let Some(after) = page.split("href=\"/admin/answers?form=note&amp;before=").nth(1) else { break };
        next = format!("/admin/answers?form=note&before={}", after.split('"').next().unwrap());
    }
    let expected: Vec<String> = (0..120).rev().map(|number| number.to_string()).collect();
    assert_eq!(seen, expected);
    for wrong in ["x", "1", "1.x", "99999999999999999999.1"] {
        assert_eq!(ann.get(&format!("/admin/answers?form=note&before={wrong}")).await.status, 422);
    }
    assert_eq!(ann.get("/admin/answers?form=nothing").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stranger_wrote_is_text_and_what_they_sent_is_saved_not_shown() {
    let edge = TestEdge::with(quick(), form).await;
    let mut ann = administrator(&edge).await;
    let words = "<script>alert(1)</script>\nsecond line";
    let body = format!(
        "--tide\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n{words}\r\n--tide\r\nContent-Disposition: \
         form-data; name=\"file\"; filename=\"a;b\u{e9}.html\"\r\nContent-Type: text/html\r\n\r\nplain <b>words</b>\r\n--tide--\r\n"
    );
    let request = edge.request(Method::POST, "/form/note").header("sec-fetch-site", "same-origin");
    let request = request.header("content-type", "multipart/form-data; boundary=tide").body(body);
    assert_eq!(request.send().await.unwrap().status(), 303);
    let list = ann.get("/admin/answers?form=note").await.body;
    assert!(list.contains("&lt;script&gt;alert(1)&lt;/script&gt; second line"), "{list}");
    let answer = ann.get(&format!("/admin/answer?id={}", id_of(&list, "/admin/answer?id="))).await.body;
    assert!(answer.contains("&lt;script&gt;alert(1)") && !answer.contains("<script>"), "{answer}");
    let file = ann.get(&format!("/admin/file?id={}", id_of(&answer, "/admin/file?id="))).await;
    assert_eq!(file.status, 200);
    assert_eq!(file.headers["content-disposition"], "attachment; filename*=UTF-8''a%3Bb%C3%A9%2Ehtml");
    assert_eq!(file.headers["x-content-type-options"], "nosniff");
    assert_eq!(file.headers["content-security-policy"], "default-src 'none'; frame-ancestors 'none'; sandbox");
    assert_eq!(file.headers["content-type"], "text/plain; charset=utf-8");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_forgotten_after_a_question_with_its_file() {
    let edge = TestEdge::with(quick(), form).await;
    let mut ann = administrator(&edge).await;
    let body = "--tide\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nWords\r\n--tide\r\nContent-Disposition: \
                form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nplain words\r\n--tide--\r\n";
    let request = edge.request(Method::POST, "/form/note").header("sec-fetch-site", "same-origin");
    let request = request.header("content-type", "multipart/form-data; boundary=tide").body(body);
    assert_eq!(request.send().await.unwrap().status(), 303);
    let file = edge.ask_store("SELECT digest || '-' || CAST(id AS TEXT) FROM littoral_form_file").unwrap();
    let file = edge.folder.path().join("var/uploads").join(&file[..2]).join(file);
    assert!(file.is_file());
    let id = edge.ask_store("SELECT CAST(id AS TEXT) FROM littoral_form_answer").unwrap();
    assert_eq!(ann.post("/admin/forget", &[("id", &id)]).await.status, 403, "without a token");
    let question = format!("/admin/forget?id={id}");
    let done = ann.submit(&question, "/admin/forget", &[("id", &id)]).await;
    assert_eq!((done.status, done.location.as_str()), (303, "/admin?done=forgotten"));
    assert!(!file.exists());
    assert_eq!(edge.ask_store("SELECT CAST(count(*) AS TEXT) FROM littoral_form_answer").as_deref(), Some("0"));
    assert_eq!(ann.get(&question).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_accounts_there_is_nobody_to_show_it_to() {
    let edge = TestEdge::with(quick(), |site| {
        form(site);
        site.manifest.site.edge.accounts = false;
    })
    .await;
    assert_eq!(edge.get("/admin").await.status(), 404);
    send(&edge, "Kept all the same").await;
}
