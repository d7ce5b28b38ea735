//! The administrator's pages: for whom they are, and what strangers' words do in them.

use jiff::Timestamp;
use reqwest::Method;

use littoral::site::audience::Role;
use littoral::site::mail::Security;
use littoral::store::{EmailAddress, Lane};

use crate::browser::Browser;
use crate::post_office::PostOffice;
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
        store.keep_answer(new, Timestamp::now()).await.unwrap();
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

#[tokio::test(flavor = "multi_thread")]
async fn the_desk_of_administrators_is_there_for_nobody_else() {
    let edge = TestEdge::start().await;
    let mut ann = administrator(&edge).await;
    let mut bob = Browser::new(&edge);
    bob.register_as("bob@example.org", "Bob").await;
    let store = edge.edge.store().unwrap();
    let address = EmailAddress::parse("bob@example.org").unwrap();
    let pages =
        ["/admin/members", "/admin/member?email=bob@example.org", "/admin/mail", "/admin/events", "/admin/audit"];
    for role in [Role::Member, Role::Moderator, Role::Editor] {
        store.set_role(&address, role).await.unwrap();
        bob.log_in("bob@example.org", crate::browser::PASSWORD).await;
        for page in pages {
            assert_eq!(bob.get(page).await.status, 404, "{role} {page}");
        }
        let token = bob.get("/account").await.token();
        let fields = [("csrf", token.as_str()), ("email", "bob@example.org"), ("do", "role"), ("role", "admin")];
        assert_eq!(bob.post("/admin/member", &fields).await.status, 404);
        assert_eq!(bob.post("/admin/mail", &[("csrf", &token), ("id", "1"), ("do", "retry")]).await.status, 404);
    }
    for page in pages {
        assert_eq!(ann.get(page).await.status, 200, "{page}");
    }
    assert_eq!(edge.ask_store("SELECT what FROM littoral_audit WHERE actor = 'Bob'"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_changes_a_member_and_the_audit_says_so() {
    let edge = TestEdge::start().await;
    let mut ann = administrator(&edge).await;
    let mut bob = Browser::new(&edge);
    bob.register_as("bob@example.org", "<b>Bob</b>").await;
    let list = ann.get("/admin/members?find=bob").await.body;
    assert!(list.contains("bob@example.org") && list.contains("&lt;b&gt;Bob") && !list.contains("ann@example.org"));
    let page = "/admin/member?email=bob%40example.org";
    assert_eq!(ann.post("/admin/member", &[("email", "bob@example.org"), ("do", "disable")]).await.status, 403);
    let change = [("email", "bob@example.org"), ("do", "tier"), ("tier", "paid")];
    assert_eq!(ann.submit(page, "/admin/member", &change).await.status, 303);
    assert_eq!(edge.ask_store("SELECT tier FROM littoral_member WHERE email_key LIKE 'bob%'").as_deref(), Some("paid"));
    let change = [("email", "bob@example.org"), ("do", "role"), ("role", "moderator")];
    let done = ann.submit(page, "/admin/member", &change).await;
    assert_eq!(done.location, "/admin/member?email=bob%40example%2Eorg&done=role");
    assert_eq!(bob.get("/account").await.status, 303, "with other rights one signs in anew");
    bob.log_in("bob@example.org", crate::browser::PASSWORD).await;
    assert_eq!(bob.get("/account").await.status, 200);
    let change = [("email", "bob@example.org"), ("do", "disable")];
    assert_eq!(ann.submit(page, "/admin/member", &change).await.status, 303);
    assert_eq!(bob.get("/account").await.status, 303);
    for (wrong, status) in [
        ([("email", "bob@example.org"), ("do", "tier"), ("tier", "gold")], 422),
        ([("email", "bob@example.org"), ("do", "role"), ("role", "boss")], 422),
        ([("email", "bob@example.org"), ("do", "burn"), ("role", "")], 422),
        ([("email", "nobody@example.org"), ("do", "disable"), ("role", "")], 404),
        ([("email", "ann@example.org"), ("do", "role"), ("role", "member")], 422),
        ([("email", "ann@example.org"), ("do", "disable"), ("role", "")], 422),
    ] {
        assert_eq!(ann.submit(page, "/admin/member", &wrong).await.status, status, "{wrong:?}");
    }
    assert_eq!(ann.get("/account").await.status, 200, "nobody shuts themselves out");
    let audit = ann.get("/admin/audit").await.body;
    for what in ["bob@example.org: tier paid", "bob@example.org: role moderator", "bob@example.org: disabled"] {
        assert!(audit.contains(what), "{what}: {audit}");
    }
    assert_eq!(audit.matches("member.change").count(), 3, "{audit}");
    let events = ann.get("/admin/events").await.body;
    assert!(events.contains("bob@example.org") && events.contains("UTC"), "{events}");
    assert_eq!(ann.get("/admin/events?before=x").await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_was_given_up_is_seen_and_tried_again() {
    let mut office = PostOffice::open().await;
    office.answer("eve@example.org", 554, "5.6.0 <i>not like this</i>");
    let server = office.address.to_string();
    let options = littoral::edge::Options { postage: crate::mail::postage(), ..quick() };
    let edge = TestEdge::with(options, move |site| {
        site.manifest.site.edge.mail.server = server;
        site.manifest.site.edge.mail.security = Security::None;
    })
    .await;
    let store = edge.edge.store().unwrap();
    let mut ann = Browser::new(&edge);
    ann.submit("/register", "/register", &[("email", "ann@example.org"), ("name", "Ann")]).await;
    let letter = office.next().await;
    let link = letter.link("http").splitn(4, '/').nth(3).map(|path| format!("/{path}")).unwrap();
    ann.follow(&link, &[("password", crate::browser::PASSWORD)]).await;
    store.set_role(&EmailAddress::parse("ann@example.org").unwrap(), Role::Admin).await.unwrap();
    ann.log_in("ann@example.org", crate::browser::PASSWORD).await;
    store.post(Lane::Prompt, vec![crate::mail::letter("eve@example.org", "Tides")], Timestamp::now()).await.unwrap();
    edge.edge.outbox_filled();
    let mut page = String::new();
    let asking = async {
        while !page.contains("given up at") {
            page = ann.get("/admin/mail").await.body;
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, asking).await.unwrap();
    assert!(page.contains("eve@example.org") && page.contains("&lt;i&gt;not like this"), "{page}");
    office.take("eve@example.org");
    let id = id_of(&page, "name=\"id\" value=\"");
    let done = ann.submit("/admin/mail", "/admin/mail", &[("id", &id), ("do", "retry")]).await;
    assert_eq!(done.location, "/admin/mail?done=retry");
    assert_eq!(office.next().await.to, ["eve@example.org"]);
    assert_eq!(ann.submit("/account", "/admin/mail", &[("id", "7"), ("do", "forget")]).await.status, 404);
    assert_eq!(ann.submit("/account", "/admin/mail", &[("id", "x"), ("do", "retry")]).await.status, 404);
    assert!(ann.get("/admin/audit").await.body.contains("outbox.retry"));
}
