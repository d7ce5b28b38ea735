//! Comments: who may write and read them, what becomes of what they hold, and who decides.

use std::collections::BTreeSet;
use std::time::Duration;

use littoral::edge::Options;
use littoral::site::audience::Role;
use littoral::site::comments::{Comments, Moderation, Who};
use littoral::site::mail::Security;
use littoral::store::{CommentId, EmailAddress, Judgement, Store, Verdict};
use reqwest::Method;
use serde_json::Value;

use crate::browser::{Answer, Browser, PASSWORD, encode};
use crate::support::{PATIENCE, Release, TestEdge, header, quick};

const TIDES: &str = "/tides/";

/// Adds pages that have comments, configured so.
fn site(change: impl FnOnce(&mut Comments)) -> impl FnOnce(&mut Release) {
    move |site| {
        for (path, title, call) in
            [(TIDES, "Tides", "comments?page=%2Ftides%2F"), ("/été/", "Été", "comments?page=%2F%C3%A9t%C3%A9%2F")]
        {
            site.moving_page(path, "<!doctype html><body>", &[(call, "comments later", "</body>")]);
            site.title(path, title);
        }
        site.title("/docs/", "Docs");
        site.template("fragments/comments", include_str!("../../dynamic/fragments/comments.hbs"));
        site.template("fragments/comment-form", include_str!("../../dynamic/fragments/comment-form.hbs"));
        // Letters wait, to be looked at.
        site.manifest.site.edge.mail.server = "127.0.0.1:1".to_owned();
        site.manifest.site.edge.mail.security = Security::None;
        change(&mut site.manifest.site.edge.comments);
    }
}

fn at_once(comments: &mut Comments) {
    comments.moderation = Moderation::After;
}

fn guests(comments: &mut Comments) {
    comments.moderation = Moderation::After;
    comments.who = Who::Guests;
}

async fn edge(change: impl FnOnce(&mut Comments)) -> TestEdge {
    TestEdge::with(quick(), site(change)).await
}

async fn member<'e>(edge: &'e TestEdge, name: &str) -> Browser<'e> {
    let mut browser = Browser::new(edge);
    let email = format!("{name}@example.org");
    assert_eq!(browser.register_as(&email, name).await.status, 303);
    browser
}

async fn moderator<'e>(edge: &'e TestEdge, name: &str) -> Browser<'e> {
    let mut browser = member(edge, name).await;
    let email = format!("{name}@example.org");
    let address = EmailAddress::parse(&email).unwrap();
    assert!(store(edge).set_role(&address, Role::Moderator).await.unwrap());
    browser.log_in(&email, PASSWORD).await;
    browser
}

fn store(edge: &TestEdge) -> &Store {
    edge.edge.store().unwrap()
}

async fn write(browser: &mut Browser<'_>, text: &str) -> Answer {
    browser.submit("/comments/new?page=/tides/", "/comments/new", &[("page", TIDES), ("text", text)]).await
}

async fn reply(browser: &mut Browser<'_>, to: &str, text: &str) -> Answer {
    let page = format!("/comments/new?reply={to}");
    browser.submit(&page, "/comments/new", &[("reply", to), ("text", text)]).await
}

/// The number of the comment that an answer leads to.
fn id_in(location: &str) -> String {
    location.rsplit("#comment-").next().unwrap_or_default().to_owned()
}

/// The page as everybody gets it, once what was written is in it.
async fn page(edge: &TestEdge) -> String {
    edge.get("/_/fragment/comments?page=/tides/").await.text().await.unwrap()
}

fn count(edge: &TestEdge, what: &str) -> String {
    edge.ask_store(&format!("SELECT CAST(count(*) AS TEXT) FROM {what}")).unwrap()
}

/// The letters about comments in the outbox, the oldest first.
fn letters(edge: &TestEdge) -> Vec<Value> {
    let all = "SELECT COALESCE(MAX(list), '[]') FROM (SELECT '[' || {join} || ']' AS list FROM
        (SELECT payload FROM littoral_outbox WHERE kind = 'mail' ORDER BY created_at, id) AS ordered) AS joined";
    let join = match &edge.edge.options().store {
        Some(_) => "string_agg(payload, ',')",
        None => "group_concat(payload, ',')",
    };
    let text = edge.ask_store(&all.replace("{join}", join)).unwrap_or_default();
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    all.into_iter().filter(|letter| letter.to_string().contains("comment")).collect()
}

fn link_in(letter: &Value, path: &str) -> String {
    let text = letter["text"].as_str().unwrap();
    let at = text.find(path).unwrap_or_else(|| panic!("no {path} in {text}"));
    text[at..].split_whitespace().next().unwrap().to_owned()
}

// Who may not.

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_signed_in_gets_their_words_back_and_the_way_to_sign_in() {
    let edge = edge(at_once).await;
    let mut nobody = Browser::new(&edge);
    let shown = nobody.get("/comments/new?page=/tides/").await;
    assert!(shown.status == 200 && shown.body.contains("/login?next&#x3D;%2Fcomments%2Fnew"), "{}", shown.body);
    // A form that was shown to a member, sent after the session ended.
    let token = nobody.get("/login").await.token();
    let sent = nobody.post("/comments/new", &[("csrf", &token), ("page", TIDES), ("text", "Long & dear")]).await;
    assert!(sent.status == 403 && sent.body.contains("Long &amp; dear"), "{}: {}", sent.status, sent.body);
    assert_eq!(count(&edge, "littoral_comment"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_not_from_here_keeps_nothing_and_loses_nothing() {
    let edge = edge(at_once).await;
    let mut ann = member(&edge, "ann").await;
    let fields = [("page", TIDES), ("text", "mine")];
    for token in ["", "0", &"0".repeat(128)] {
        let sent = ann.post("/comments/new", &[&[("csrf", token)][..], &fields].concat()).await;
        assert!(sent.status == 403 && sent.body.contains("mine"), "{token}");
    }
    let token = ann.get("/comments/new?page=/tides/").await.token();
    ann.headers.push(("sec-fetch-site", "cross-site".to_owned()));
    let sent = ann.post("/comments/new", &[&[("csrf", token.as_str())][..], &fields].concat()).await;
    assert_eq!(sent.status, 403);
    ann.headers.clear();
    // Another's token.
    let mut bob = member(&edge, "bob").await;
    let others = bob.get("/comments/new?page=/tides/").await.token();
    assert_eq!(ann.post("/comments/new", &[&[("csrf", others.as_str())][..], &fields].concat()).await.status, 403);
    assert_eq!(count(&edge, "littoral_comment"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_pages_that_place_comments_have_any() {
    let edge = edge(at_once).await;
    let mut ann = member(&edge, "ann").await;
    for path in ["/docs/", "/nothing/", "", "/", "tides", "/tides/%00", "/tides/../tides/", &"/a".repeat(400)] {
        for asked in ["/comments?page=", "/comments/new?page=", "/comments/feed?page=", "/_/comments/live?page="] {
            if asked.contains("feed") && path.is_empty() {
                continue;
            }
            let encoded: String = path.bytes().map(|byte| format!("%{byte:02X}")).collect();
            assert_eq!(ann.get(&format!("{asked}{encoded}")).await.status, 404, "{asked}{path}");
        }
        let token = ann.get("/comments/new?page=/tides/").await.token();
        let sent = ann.post("/comments/new", &[("csrf", &token), ("page", path), ("text", "x")]).await;
        assert_eq!(sent.status, 404, "{path}");
    }
    assert_eq!(count(&edge, "littoral_comment"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_browser_sends_is_refused_and_nothing_is_half_done() {
    let edge = edge(at_once).await;
    let mut ann = member(&edge, "ann").await;
    let token = ann.get("/comments/new?page=/tides/").await.token();
    let body = encode(&[("csrf", &token), ("page", TIDES), ("text", "x")]);
    for wrong in [
        format!("{body}&text=again"),
        format!("{body}&page=%2Ftides%2F"),
        body.replace("text=%78", "text=%FF%FE"),
        body.replace("text=%78", "text=%00"),
        format!("{body}&a={}", "x".repeat(300_000)),
    ] {
        let sent = ann.post_body("/comments/new", wrong.clone()).await;
        assert!(matches!(sent.status, 400 | 413), "{}: {}", sent.status, &wrong[..60]);
    }
    let json = edge.request(Method::POST, "/comments/new").header("content-type", "application/json").body("{}");
    assert_eq!(json.send().await.unwrap().status(), 415);
    assert_eq!(edge.request(Method::PUT, "/comments/new").send().await.unwrap().status(), 405);
    for id in ["0", "1", "01", "-1", "9007199254740993", "99999999999999999999999", "abc", "1.5"] {
        for deed in ["", "/choices", "/edit"] {
            assert_eq!(ann.get(&format!("/comments/{id}{deed}")).await.status, 404, "{id}{deed}");
        }
        for deed in ["like", "report", "delete", "edit"] {
            let sent = ann.post(&format!("/comments/{id}/{deed}"), &[("csrf", &token), ("text", "x")]).await;
            assert_eq!(sent.status, 404, "{id}/{deed}");
        }
    }
    assert_eq!(count(&edge, "littoral_comment"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_comment_and_one_too_long_come_back_with_what_was_typed() {
    let edge = edge(|comments| {
        at_once(comments);
        comments.longest = 20;
    })
    .await;
    let mut ann = member(&edge, "ann").await;
    let empty = write(&mut ann, " \r\n\t ").await;
    assert!(empty.status == 422 && empty.body.contains("Please write something."), "{}", empty.body);
    let long = write(&mut ann, "This is longer than twenty").await;
    assert!(long.status == 422 && long.body.contains("This is longer than twenty"), "{}", long.body);
    assert!(long.body.contains("26 characters long"), "{}", long.body);
    // Twenty characters, sixty bytes.
    assert_eq!(write(&mut ann, &"水".repeat(20)).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_fills_in_what_people_do_not_see_is_asked_once_more() {
    let edge = edge(at_once).await;
    let mut ann = member(&edge, "ann").await;
    let fields = [("page", TIDES), ("text", "kept words"), ("more_about_you", "http://spam.example")];
    let sent = ann.submit("/comments/new?page=/tides/", "/comments/new", &fields).await;
    assert!(sent.status == 422 && sent.body.contains("kept words"));
    assert_eq!(count(&edge, "littoral_comment"), "0");
}

// The thread.

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_is_in_its_page_at_once_without_any_script() {
    let edge = edge(at_once).await;
    assert!(page(&edge).await.contains("Nobody has written anything yet."));
    let mut ann = member(&edge, "ann").await;
    let sent = write(&mut ann, "Low *water* at six").await;
    assert_eq!(sent.status, 303);
    let id = id_in(&sent.location);
    assert_eq!(sent.location, format!("/tides/#comment-{id}"));
    let shown = edge.get(TIDES).await.text().await.unwrap();
    assert!(shown.contains("Low <em>water</em> at six") && shown.contains(&format!("id=\"comment-{id}\"")), "{shown}");
    assert!(shown.contains("Comments (1)") && shown.contains(">ann</strong>"), "{shown}");
    // The other page is not touched.
    let other = edge.get("/_/fragment/comments?page=/%C3%A9t%C3%A9/").await.text().await.unwrap();
    assert!(other.contains("Nobody has written anything yet."), "{other}");
    let led = edge.get(&format!("/comments/{id}")).await;
    assert_eq!((led.status().as_u16(), header(&led, "location")), (303, format!("/tides/#comment-{id}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_node_takes_is_in_the_page_of_this_one() {
    let edge = edge(at_once).await;
    let beside = edge.beside().await;
    assert!(page(&beside).await.contains("Nobody"));
    let mut ann = member(&edge, "ann").await;
    write(&mut ann, "From over there").await;
    let heard = async { while !page(&beside).await.contains("From over there") {} };
    tokio::time::timeout(PATIENCE, heard).await.expect("the other node must hear of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_replies_stand_below_what_they_answer_and_are_moved_in_up_to_the_limit() {
    let edge = edge(|comments| {
        at_once(comments);
        comments.depth = 3;
    })
    .await;
    let mut ann = moderator(&edge, "ann").await;
    let mut last = id_in(&write(&mut ann, "level 0").await.location);
    for level in 1..6 {
        last = id_in(&reply(&mut ann, &last, &format!("level {level}")).await.location);
    }
    write(&mut ann, "the second thread").await;
    let shown = page(&edge).await;
    let places: Vec<usize> = (0..6).map(|level| shown.find(&format!("level {level}")).unwrap()).collect();
    assert!(places.is_sorted() && places[5] < shown.find("the second thread").unwrap(), "{shown}");
    let depths: Vec<&str> = shown.match_indices("depth-").map(|(at, _)| &shown[at..at + 7]).collect();
    assert_eq!(depths, ["depth-1", "depth-2", "depth-2", "depth-2", "depth-2"]);
    assert_eq!(shown.matches("in reply to <bdi>ann</bdi>").count(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_lead_through_all_comments_each_once_forwards_and_backwards() {
    let edge = edge(|comments| {
        at_once(comments);
        comments.per_page = 3;
    })
    .await;
    let mut ann = moderator(&edge, "ann").await;
    let mut ids: Vec<String> = Vec::new();
    for number in 0..8 {
        let sent = match number % 3 {
            0 => write(&mut ann, &format!("text {number}")).await,
            _ => reply(&mut ann, &ids[number - 1], &format!("text {number}")).await,
        };
        ids.push(id_in(&sent.location));
    }
    for sort in ["oldest", "newest", "liked"] {
        let mut at = format!("/comments?page=/tides/&sort={sort}");
        let (mut seen, mut pages) = (Vec::new(), Vec::new());
        loop {
            let body = edge.get(&at).await.text().await.unwrap();
            let found: Vec<String> =
                body.match_indices("id=\"comment-").map(|(at, _)| number_at(&body, at + 12)).collect();
            seen.extend(found.iter().cloned());
            pages.push(found);
            match link(&body, "rel=\"next\" href=\"") {
                Some(next) => at = next,
                None => break,
            }
        }
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 8, "{sort}: {seen:?}");
        assert_eq!(seen.len(), 8, "{sort}");
        // And back again, from the last page.
        let body = edge.get(&at).await.text().await.unwrap();
        let back = link(&body, "rel=\"prev\" href=\"").expect("there is a way back");
        let body = edge.get(&back).await.text().await.unwrap();
        let found: Vec<String> = body.match_indices("id=\"comment-").map(|(at, _)| number_at(&body, at + 12)).collect();
        assert_eq!(found, pages[1], "{sort}");
    }
    // One that is not among the first is found, and stands at the top.
    let led = header(&edge.get(&format!("/comments/{}", ids[7])).await, "location");
    assert!(led.starts_with("/comments?page=") && led.ends_with(&format!("#comment-{}", ids[7])), "{led}");
    let body = edge.get(led.split('#').next().unwrap()).await.text().await.unwrap();
    assert!(body.contains("text 7") && body.contains("rel=\"prev\""), "{body}");
}

fn number_at(body: &str, at: usize) -> String {
    body[at..].chars().take_while(char::is_ascii_digit).collect()
}

fn link(body: &str, before: &str) -> Option<String> {
    let after = body.split(before).nth(1)?;
    Some(after.split('"').next()?.replace("&amp;", "&").replace("&#x3D;", "=").split('#').next()?.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_leaves_its_place_while_it_has_replies_and_nothing_else() {
    let edge = edge(at_once).await;
    let (mut ann, mut bob) = (member(&edge, "ann").await, member(&edge, "bob").await);
    let first = id_in(&write(&mut ann, "regretted words").await.location);
    let answer = id_in(&reply(&mut bob, &first, "a good answer").await.location);
    let choices = format!("/comments/{first}/choices");
    assert_eq!(bob.submit(&choices, &format!("/comments/{first}/delete"), &[]).await.status, 404, "it is not his");
    assert_eq!(ann.submit(&choices, &format!("/comments/{first}/delete"), &[]).await.status, 303);
    let shown = page(&edge).await;
    assert!(shown.contains("This comment was taken away.") && shown.contains("a good answer"), "{shown}");
    assert!(!shown.contains("regretted") && !shown.contains(">ann<"), "{shown}");
    assert_eq!(edge.get(&format!("/comments/{first}")).await.status(), 404);
    assert_eq!(count(&edge, "littoral_comment WHERE source LIKE '%regretted%' OR html LIKE '%regretted%'"), "0");
    // When the last reply goes, the place goes.
    let choices = format!("/comments/{answer}/choices");
    bob.submit(&choices, &format!("/comments/{answer}/delete"), &[]).await;
    let shown = page(&edge).await;
    assert!(!shown.contains("taken away") && shown.contains("Nobody has written"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_form_sent_many_times_at_once_is_one_comment() {
    let edge = edge(at_once).await;
    let mut ann = member(&edge, "ann").await;
    let token = ann.get("/comments/new?page=/tides/").await.token();
    let cookies: Vec<String> = ann.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let body = encode(&[("csrf", &token), ("page", TIDES), ("text", "clicked twice")]);
    let send = || {
        let request = edge
            .request(Method::POST, "/comments/new")
            .header("cookie", cookies.join("; "))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.clone());
        async move { header(&request.send().await.unwrap(), "location") }
    };
    let (a, b, c, d, e) = tokio::join!(send(), send(), send(), send(), send());
    assert_eq!(count(&edge, "littoral_comment"), "1");
    assert!([&b, &c, &d, &e].iter().all(|other| **other == a) && a.contains("#comment-"), "{a} {b} {c} {d} {e}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_writes_too_much_waits_and_keeps_what_was_typed() {
    let edge = edge(at_once).await;
    let mut ann = member(&edge, "ann").await;
    let mut refused = None;
    for number in 0..14 {
        let sent = write(&mut ann, &format!("number {number}")).await;
        if sent.status == 429 {
            assert!(sent.body.contains(&format!("number {number}")) && sent.headers.contains_key("retry-after"));
            refused.get_or_insert(number);
        }
    }
    assert_eq!(refused, Some(10), "ten are free");
    // Somebody else is not kept waiting.
    let mut bob = member(&edge, "bob").await;
    assert_eq!(write(&mut bob, "hello").await.status, 303);
}

// What is in a comment.

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_reader_writes_becomes_a_program_anywhere() {
    let edge = edge(guests).await;
    let mut eve = Browser::new(&edge);
    assert_eq!(eve.register_as("eve@example.org", "<script>alert(1)</script>").await.status, 303);
    let mut ann = moderator(&edge, "ann").await;
    let attack = "<script>alert(1)</script> <img src=x onerror=alert(1)> [x](javascript:alert(1)) \
                  \"><svg/onload=alert(1)> ![y](data:text/html,z) {{csrf}}";
    let id = id_in(&write(&mut eve, attack).await.location);
    let id = if id.chars().all(|c| c.is_ascii_digit()) { id } else { panic!("not shown: {id}") };
    for path in [
        TIDES.to_owned(),
        "/comments?page=/tides/".to_owned(),
        format!("/comments/{id}/choices"),
        format!("/comments/new?reply={id}"),
        "/comments/feed".to_owned(),
        "/admin/comments?queue=shown".to_owned(),
    ] {
        let body = ann.get(&path).await.body;
        assert!(body.contains("alert(1)"), "{path}: {body}");
        for live in ["<script>alert", "<img src=x", "<svg", "href=\"javascript", "href=\"data:"] {
            assert!(!body.contains(live), "{path} has {live}: {body}");
        }
    }
}

// Moderation.

#[tokio::test(flavor = "multi_thread")]
async fn before_a_moderator_has_looked_a_comment_is_nowhere() {
    let edge = edge(|comments| comments.moderation = Moderation::Before).await;
    let mut bob = member(&edge, "bob").await;
    let sent = write(&mut bob, "patience please").await;
    assert!(sent.status == 303 && sent.location.starts_with("/comments/said?what=waiting"), "{}", sent.location);
    assert!(bob.get(&sent.location).await.body.contains("when a moderator has looked at it"));
    let id = edge.ask_store("SELECT CAST(id AS TEXT) FROM littoral_comment").unwrap();
    let mut cy = member(&edge, "cy").await;
    for path in ["/tides/", "/comments?page=/tides/", "/comments/feed", "/comments/feed?page=/tides/"] {
        assert!(!cy.get(path).await.body.contains("patience"), "{path}");
    }
    for path in ["", "/choices", "/edit"] {
        assert_eq!(cy.get(&format!("/comments/{id}{path}")).await.status, 404);
    }
    assert_eq!(cy.get(&format!("/comments/new?reply={id}")).await.status, 404);
    assert_eq!(cy.get("/admin/comments").await.status, 404, "a member is no moderator");
    let mut nobody = Browser::new(&edge);
    assert!(nobody.get("/admin/comments").await.location.starts_with("/login"));
    // Who wrote it sees it, and can take it back.
    assert!(bob.get(&format!("/comments/{id}/choices")).await.body.contains("patience"));
    let mut ann = moderator(&edge, "ann").await;
    let queue = ann.get("/admin/comments").await;
    assert!(queue.body.contains("patience please") && queue.body.contains("on Tides"), "{}", queue.body);
    let field = format!("c-{id}");
    let fields = [("queue", "waiting"), ("do", "approve"), (field.as_str(), "waiting")];
    let done = ann.submit("/admin/comments", "/admin/comments", &fields).await;
    assert!(done.status == 200 && done.body.contains("1 comment can be read now."), "{}", done.body);
    assert!(page(&edge).await.contains("patience please"));
    let noted = edge.ask_store("SELECT actor || ' ' || deed || ' ' || what FROM littoral_audit").unwrap();
    assert_eq!(noted, format!("ann comment.approve comment {id} on /tides/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_moderators_the_second_sees_what_the_first_has_decided() {
    let edge = edge(|comments| comments.moderation = Moderation::Before).await;
    let mut eve = member(&edge, "eve").await;
    for text in ["one", "two"] {
        write(&mut eve, text).await;
    }
    let (mut ann, mut bob) = (moderator(&edge, "ann").await, moderator(&edge, "bob").await);
    let (first, second) = (ann.get("/admin/comments").await, bob.get("/admin/comments").await);
    let ids: Vec<String> =
        first.body.match_indices("name=\"c-").map(|(at, _)| number_at(&first.body, at + 8)).collect();
    assert_eq!(ids.len(), 2);
    let refuse = |token: &str, verdict: &str| {
        let boxes = ids.iter().map(|id| format!("c-{id}=waiting")).collect::<Vec<_>>().join("&");
        format!("csrf={token}&queue=waiting&do={verdict}&{boxes}")
    };
    let done = ann.post_body("/admin/comments", refuse(&first.token(), "refuse")).await;
    assert!(done.body.contains("2 comments refused."), "{}", done.body);
    let late = bob.post_body("/admin/comments", refuse(&second.token(), "approve")).await;
    for id in &ids {
        assert!(late.body.contains(&format!("Comment {id} was refused before, decided by ann")), "{}", late.body);
    }
    assert!(!late.body.contains("can be read now"));
    assert_eq!(count(&edge, "littoral_audit"), "2", "nothing is done twice");
    assert!(!page(&edge).await.contains("one"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_moderators_at_the_same_instant_decide_once() {
    let edge = edge(|comments| comments.moderation = Moderation::Before).await;
    let mut eve = member(&edge, "eve").await;
    write(&mut eve, "one").await;
    let id: i64 = edge.ask_store("SELECT CAST(id AS TEXT) FROM littoral_comment").unwrap().parse().unwrap();
    let judgement = Judgement { id: CommentId::from_number(id), seen: Some(littoral::store::CommentState::Waiting) };
    let beside = edge.beside().await;
    let now = jiff::Timestamp::now();
    let (one, other) = tokio::join!(
        store(&edge).judge_comments(None, Verdict::Approve, vec![judgement], now),
        store(&beside).judge_comments(None, Verdict::Spam, vec![judgement], now),
    );
    let done = [one.unwrap(), other.unwrap()].concat();
    let count_done = done.iter().filter(|(_, judged)| matches!(judged, littoral::store::Judged::Done { .. })).count();
    assert_eq!(count_done, 1, "{done:?}");
    assert_eq!(count(&edge, "littoral_audit"), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn trust_is_earned_by_comments_that_were_let_through() {
    let edge = edge(|comments| comments.trusted_after = 2).await;
    let mut bob = member(&edge, "bob").await;
    let mut ann = moderator(&edge, "ann").await;
    for text in ["first", "second"] {
        let sent = write(&mut bob, text).await;
        assert!(sent.location.contains("what=waiting"), "{} {} {}", sent.status, sent.location, sent.body);
        let queue = ann.get("/admin/comments").await.body;
        let id = number_at(&queue, queue.find("name=\"c-").unwrap() + 8);
        let one = format!("approve {id} waiting");
        ann.submit("/admin/comments", "/admin/comments", &[("queue", "waiting"), ("do", &one)]).await;
    }
    assert!(write(&mut bob, "third").await.location.contains("#comment-"));
    assert!(write(&mut ann, "mine").await.location.contains("#comment-"), "a moderator needs no trust");
    // Too many links wait all the same.
    let links = "http://a.example http://b.example http://c.example";
    assert!(write(&mut bob, links).await.location.contains("what=waiting"));
    assert!(ann.get("/admin/comments").await.body.contains("it has 3 links"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_blocked_is_told_what_everybody_is_told() {
    let edge = edge(|comments| {
        at_once(comments);
        comments.blocked_words = vec!["Casino".to_owned()];
    })
    .await;
    let (mut eve, mut ann) = (member(&edge, "eve").await, moderator(&edge, "ann").await);
    assert!(write(&mut eve, "the best cASINo").await.location.contains("what=waiting"));
    assert!(ann.get("/admin/comments?queue=spam").await.body.contains("a blocked word is in it"));
    let id = id_in(&write(&mut eve, "harmless").await.location);
    let one = format!("block {id} shown");
    let fields = [("queue", "shown"), ("do", one.as_str())];
    ann.submit("/admin/comments?queue=shown", "/admin/comments", &fields).await;
    assert!(!page(&edge).await.contains("harmless"));
    assert!(write(&mut eve, "harmless again").await.location.contains("what=waiting"));
    assert!(!page(&edge).await.contains("harmless"));
    let blocks = ann.get("/admin/comments/blocks").await.body;
    assert!(blocks.contains("<td>member</td><td>eve</td>"), "{blocks}");
    // A moderator's word, and its end.
    let add = [("kind", "word"), ("value", " Weißwurst ")];
    assert_eq!(ann.submit("/admin/comments/blocks", "/admin/comments/blocks", &add).await.status, 303);
    let mut bob = member(&edge, "bob").await;
    assert!(write(&mut bob, "WEISSWURST? weißwurst!").await.location.contains("what=waiting"));
    let end = [("do", "unblock"), ("kind", "word"), ("value", "weißwurst")];
    ann.submit("/admin/comments/blocks", "/admin/comments/blocks", &end).await;
    assert!(write(&mut bob, "weißwurst once more").await.location.contains("#comment-"));
    assert_eq!(eve.get("/admin/comments/blocks").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reported_comment_is_looked_at_and_cleared_once() {
    let edge = edge(at_once).await;
    let (mut eve, mut bob) = (member(&edge, "eve").await, member(&edge, "bob").await);
    let id = id_in(&write(&mut eve, "rude words").await.location);
    let (choices, report) = (format!("/comments/{id}/choices"), format!("/comments/{id}/report"));
    for _ in 0..2 {
        let sent = bob.submit(&choices, &report, &[("why", "it is <b>rude</b>")]).await;
        assert!(sent.location.contains("what=reported"), "who says it twice is told the same: {}", sent.status);
    }
    let mut nobody = Browser::new(&edge);
    assert_eq!(nobody.submit(&choices, &report, &[]).await.status, 303);
    let mut ann = moderator(&edge, "ann").await;
    let queue = ann.get("/admin/comments?queue=reported").await.body;
    assert!(queue.contains("reported by 2") && queue.contains("it is &lt;b&gt;rude&lt;/b&gt;"), "{queue}");
    let one = format!("approve {id} shown");
    let fields = [("queue", "reported"), ("do", one.as_str())];
    let done = ann.submit("/admin/comments?queue=reported", "/admin/comments", &fields).await;
    assert!(done.body.contains("There is nothing here."));
    assert!(page(&edge).await.contains("rude words"));
}

#[tokio::test(flavor = "multi_thread")]
async fn moderators_words_from_outside_are_refused() {
    let edge = edge(at_once).await;
    let mut ann = moderator(&edge, "ann").await;
    let token = ann.get("/account").await.token();
    for (field, value, expected) in [
        ("do", "destroy", 422),
        ("do", "approve x shown", 422),
        ("do", "approve 1 melted", 422),
        ("c-x", "waiting", 422),
        ("queue", "nowhere", 404),
    ] {
        let mut fields = vec![("csrf", token.as_str()), (field, value)];
        if field != "do" {
            fields.push(("do", "approve"));
        }
        assert_eq!(ann.post("/admin/comments", &fields).await.status, expected, "{field}={value}");
    }
    assert_eq!(ann.post("/admin/comments", &[("do", "approve 1 waiting")]).await.status, 403, "without a token");
    let gone = ann.post("/admin/comments", &[("csrf", &token), ("do", "approve 1 waiting")]).await;
    assert!(gone.status == 200 && gone.body.contains("Comment 1 is not there any more."));
    assert_eq!(ann.get("/admin/comments?before=1.x").await.status, 422);
    assert_eq!(
        ann.post("/admin/comments/blocks", &[("csrf", &token), ("kind", "member"), ("value", "1")]).await.status,
        422
    );
    assert_eq!(count(&edge, "littoral_audit"), "0");
}

// Guests.

async fn write_as_guest(browser: &mut Browser<'_>, email: &str, text: &str) -> Answer {
    let fields = [("page", TIDES), ("text", text), ("name", "Petrel"), ("email", email)];
    browser.submit("/comments/new?page=/tides/", "/comments/new", &fields).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guests_comment_waits_for_the_link_in_the_letter_and_the_browser_is_known_afterwards() {
    let edge = edge(guests).await;
    let mut guest = Browser::new(&edge);
    let wrong = write_as_guest(&mut guest, "no address", "typed words").await;
    assert!(wrong.status == 422 && wrong.body.contains("typed words") && wrong.body.contains("no address"));
    let sent = write_as_guest(&mut guest, "petrel@shore.example", "from a *guest*").await;
    assert!(sent.location.starts_with("/comments/said?what=letter"), "{} {}", sent.status, sent.body);
    assert!(!page(&edge).await.contains("from a"));
    let letters = letters(&edge);
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0]["to"], "petrel@shore.example");
    let link = link_in(&letters[0], "/comments/confirm?token=");
    // Looking at the link does nothing.
    let asked = guest.get(&link).await;
    assert!(asked.status == 200 && asked.body.contains("from a <em>guest</em>"), "{}", asked.body);
    assert!(!page(&edge).await.contains("from a"));
    let token = link.rsplit('=').next().unwrap();
    let done = guest.submit(&link, "/comments/confirm", &[("token", token)]).await;
    assert!(done.location.contains("/tides/#comment-"), "{} {}", done.status, done.location);
    assert!(done.set_cookies.iter().any(|cookie| cookie.starts_with("littoral-guest=") && cookie.contains("HttpOnly")));
    assert!(page(&edge).await.contains("from a <em>guest</em>"));
    // Once only.
    assert_eq!(guest.get(&link).await.status, 404);
    let csrf = guest.get("/comments/new?page=/tides/").await;
    assert!(csrf.body.contains("as <bdi>Petrel</bdi>") && !csrf.body.contains("comment-email"), "{}", csrf.body);
    assert_eq!(guest.post("/comments/confirm", &[("csrf", &csrf.token()), ("token", token)]).await.status, 404);
    // The next one needs no letter; and it can be changed and taken back.
    let sent = write(&mut guest, "and another").await;
    let id = id_in(&sent.location);
    assert_eq!(sent.location, format!("/tides/#comment-{id}"));
    let edit = format!("/comments/{id}/edit");
    assert_eq!(guest.submit(&edit, &edit, &[("text", "and a better one")]).await.status, 303);
    assert!(page(&edge).await.contains("and a better one"));
    let mut other = Browser::new(&edge);
    assert_eq!(other.get(&edit).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_address_an_unknown_one_and_a_members_get_the_same_answer() {
    let edge = edge(guests).await;
    let _ann = member(&edge, "ann").await;
    let mut guest = Browser::new(&edge);
    write_as_guest(&mut guest, "known@shore.example", "first").await;
    let link = link_in(&letters(&edge)[0], "/comments/confirm?token=");
    guest.submit(&link, "/comments/confirm", &[("token", link.rsplit('=').next().unwrap())]).await;
    let mut answers = BTreeSet::new();
    for email in ["known@shore.example", "unknown@shore.example", "ann@example.org"] {
        let mut stranger = Browser::new(&edge);
        let sent = write_as_guest(&mut stranger, email, "who is there").await;
        let said = stranger.get(&sent.location).await;
        answers.insert((sent.status, sent.location, said.body));
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(letters(&edge).len(), 4, "each of them gets a letter");
    assert_eq!(page(&edge).await.matches("who is there").count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_cut_and_old_links_lead_nowhere() {
    let edge = edge(guests).await;
    let mut guest = Browser::new(&edge);
    write_as_guest(&mut guest, "petrel@shore.example", "waits").await;
    let link = link_in(&letters(&edge)[0], "/comments/confirm?token=");
    let token = link.rsplit('=').next().unwrap().to_owned();
    let csrf = guest.get(&link).await.token();
    for wrong in ["", "0", &token[..63], &format!("{token}0"), &"0".repeat(64), &"g".repeat(64), &"é".repeat(32)] {
        let encoded: String = wrong.bytes().map(|byte| format!("%{byte:02X}")).collect();
        assert_eq!(guest.get(&format!("/comments/confirm?token={encoded}")).await.status, 404, "{wrong}");
        let sent = guest.post("/comments/confirm", &[("csrf", &csrf), ("token", wrong)]).await;
        assert_eq!(sent.status, 404, "{wrong}");
    }
    assert_eq!(guest.post("/comments/confirm", &[("token", &token)]).await.status, 403, "without a token of the form");
    // Two days later.
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(49);
    let digest = edge.ask_store("SELECT state FROM littoral_comment").unwrap();
    assert_eq!(digest, "unconfirmed");
    assert!(!store(&edge).sweep(later).await.unwrap());
    assert_eq!(guest.get(&link).await.status, 404);
    assert_eq!(count(&edge, "littoral_comment"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobodys_mailbox_is_filled_by_strangers() {
    let edge = edge(guests).await;
    let mut statuses = Vec::new();
    for number in 0..6 {
        let mut stranger = Browser::new(&edge);
        let sent = write_as_guest(&mut stranger, "victim@shore.example", &format!("text {number}")).await;
        if sent.status == 429 {
            assert!(sent.body.contains(&format!("text {number}")) && sent.headers.contains_key("retry-after"));
        }
        statuses.push(sent.status);
    }
    assert!(statuses.contains(&429), "{statuses:?}");
    assert!(letters(&edge).len() <= 4, "{statuses:?}");
}

// Changing, liking.

#[tokio::test(flavor = "multi_thread")]
async fn an_author_changes_a_comment_for_a_time_and_nobody_else_does() {
    let edge = edge(at_once).await;
    let (mut ann, mut bob) = (member(&edge, "ann").await, member(&edge, "bob").await);
    let id = id_in(&write(&mut ann, "teh tide").await.location);
    let edit = format!("/comments/{id}/edit");
    assert!(ann.get(&edit).await.body.contains("teh tide"));
    assert_eq!(bob.get(&edit).await.status, 404);
    let token = bob.get("/account").await.token();
    assert_eq!(bob.post(&edit, &[("csrf", &token), ("text", "bob was here")]).await.status, 404);
    let empty = ann.submit(&edit, &edit, &[("text", "  ")]).await;
    assert!(empty.status == 422 && empty.body.contains("Please write something."));
    assert_eq!(ann.submit(&edit, &edit, &[("text", "the tide")]).await.status, 303);
    let shown = page(&edge).await;
    assert!(shown.contains("the tide") && shown.contains(">changed</span>") && !shown.contains("bob was"), "{shown}");
    // Later.
    let hour = i64::from(3_600) * 1_000_000;
    edge.execute(&format!("UPDATE littoral_comment SET created_at = created_at - {hour}"));
    let late = ann.submit(&edit, &edit, &[("text", "too late")]).await;
    assert!(late.status == 409 && late.body.contains("too late") && late.body.contains("15 minutes"), "{}", late.body);
    assert!(!page(&edge).await.contains("too late"));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_moderation_before_a_changed_comment_waits_again() {
    let edge = edge(|comments| comments.moderation = Moderation::Before).await;
    let mut bob = member(&edge, "bob").await;
    write(&mut bob, "harmless").await;
    let id: i64 = edge.ask_store("SELECT CAST(id AS TEXT) FROM littoral_comment").unwrap().parse().unwrap();
    let judgement = Judgement { id: CommentId::from_number(id), seen: None };
    store(&edge).judge_comments(None, Verdict::Approve, vec![judgement], jiff::Timestamp::now()).await.unwrap();
    let edit = format!("/comments/{id}/edit");
    let sent = bob.submit(&edit, &edit, &[("text", "not so harmless")]).await;
    assert!(sent.location.contains("what=waiting"), "{}", sent.location);
    assert!(!page(&edge).await.contains("harmless"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_likes_once_and_takes_it_back_and_the_most_liked_come_first() {
    let edge = edge(at_once).await;
    let (mut ann, mut bob) = (member(&edge, "ann").await, member(&edge, "bob").await);
    let first = id_in(&write(&mut ann, "plain").await.location);
    let second = id_in(&write(&mut ann, "loved").await.location);
    let (choices, like) = (format!("/comments/{second}/choices"), format!("/comments/{second}/like"));
    assert_eq!(bob.submit(&choices, &like, &[]).await.status, 303);
    let liked = edge.get("/comments?page=/tides/&sort=liked").await.text().await.unwrap();
    assert!(liked.find("loved") < liked.find("plain") && liked.contains("1 like"), "{liked}");
    assert!(bob.get(&choices).await.body.contains("Like it no more"));
    bob.submit(&choices, &like, &[]).await;
    assert!(!page(&edge).await.contains("1 like"));
    assert_eq!(ann.submit(&choices, &like, &[]).await.status, 422, "one's own");
    let mut nobody = Browser::new(&edge);
    assert!(nobody.submit(&choices, &like, &[]).await.location.starts_with("/login?next="));
    let token = bob.get(&choices).await.token();
    let cookies: Vec<String> = bob.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let send = || {
        edge.request(Method::POST, &format!("/comments/{first}/like"))
            .header("cookie", cookies.join("; "))
            .form(&[("csrf", token.as_str())])
            .send()
    };
    let _ = tokio::join!(send(), send(), send());
    let counted = edge.ask_store(&format!(
        "SELECT CAST(likes - (SELECT count(*) FROM littoral_comment_like WHERE comment_id = {first}) AS TEXT)
             FROM littoral_comment WHERE id = {first}"
    ));
    assert_eq!(counted.as_deref(), Some("0"), "the count is what there is");
}

// Letters, feeds, events.

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_letters_gets_one_for_each_comment_and_ends_them_with_one_click() {
    let edge = edge(at_once).await;
    let (mut ann, mut bob) = (member(&edge, "ann").await, member(&edge, "bob").await);
    let fields = [("page", TIDES), ("text", "tell me all"), ("wants", "thread")];
    let id = id_in(&ann.submit("/comments/new?page=/tides/", "/comments/new", &fields).await.location);
    let fields = [("page", TIDES), ("text", "tell me replies"), ("wants", "replies")];
    bob.submit("/comments/new?page=/tides/", "/comments/new", &fields).await;
    wait_for_letters(&edge, 1).await;
    let mut cy = member(&edge, "cy").await;
    reply(&mut cy, &id, "an *answer*").await;
    wait_for_letters(&edge, 2).await;
    let letters = letters(&edge);
    assert!(letters.iter().all(|letter| letter["to"] == "ann@example.org"), "{letters:?}");
    let letter = letters.iter().find(|letter| letter["text"].as_str().unwrap().contains("an *answer*")).unwrap();
    let headers = letter["headers"].to_string();
    assert!(headers.contains("List-Unsubscribe=One-Click"), "{headers}");
    let link = link_in(letter, "/comments/unsubscribe?id=");
    assert!(headers.contains(&link), "{headers}");
    // A program looks at it, then the mail program follows it: with no cookie and no form of ours.
    let asked = edge.get(&link).await.text().await.unwrap();
    assert!(asked.contains("No more letters"), "{asked}");
    assert_eq!(count(&edge, "littoral_comment_subscription"), "2");
    let forged = link.replace("token=", "token=0");
    assert_eq!(
        edge.request(Method::POST, &forged).form(&[("List-Unsubscribe", "One-Click")]).send().await.unwrap().status(),
        404
    );
    for _ in 0..2 {
        let ended = edge.request(Method::POST, &link).form(&[("List-Unsubscribe", "One-Click")]).send().await.unwrap();
        assert_eq!(ended.status(), 200);
    }
    assert_eq!(count(&edge, "littoral_comment_subscription"), "1");
    assert_eq!(count(&edge, "littoral_comment_subscription WHERE email_key = 'ann@example.org'"), "0");
}

async fn wait_for_letters(edge: &TestEdge, wanted: usize) {
    let waiting = async {
        while letters(edge).len() < wanted {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the letters must come");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_is_of_a_page_or_of_all_and_can_be_read() {
    let edge = edge(at_once).await;
    let mut ann = member(&edge, "ann").await;
    write(&mut ann, "a & b < c").await;
    ann.submit("/comments/new?page=/%C3%A9t%C3%A9/", "/comments/new", &[("page", "/été/"), ("text", "chaud")]).await;
    let all = edge.get("/comments/feed").await;
    assert_eq!(header(&all, "content-type"), "application/atom+xml; charset=utf-8");
    let all = all.text().await.unwrap();
    assert!(all.contains("a &amp;amp; b &amp;lt; c") && all.contains("chaud") && all.contains("ann on Tides"), "{all}");
    let one = edge.get("/comments/feed?page=/tides/").await.text().await.unwrap();
    assert!(one.contains("&amp;amp;") && !one.contains("chaud"), "{one}");
    assert_eq!(one.matches("<entry>").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_page_hears_of_new_comments_and_lets_the_edge_stop() {
    let mut edge = edge(at_once).await;
    let mut heard = edge.get("/_/comments/live?page=/tides/").await;
    assert_eq!(header(&heard, "content-type"), "text/event-stream");
    assert_eq!(heard.chunk().await.unwrap().unwrap(), ":listening\n\n");
    {
        let mut ann = member(&edge, "ann").await;
        ann.submit("/comments/new?page=/%C3%A9t%C3%A9/", "/comments/new", &[("page", "/été/"), ("text", "other")])
            .await;
        write(&mut ann, "news").await;
    }
    let event = tokio::time::timeout(PATIENCE, heard.chunk()).await.unwrap().unwrap().unwrap();
    assert_eq!(event, "event:new\ndata:1\n\n", "nothing of what it says is in it");
    edge.tell_to_stop();
    assert_eq!(tokio::time::timeout(PATIENCE, heard.chunk()).await.unwrap().unwrap(), None);
    tokio::time::timeout(PATIENCE, edge.stop()).await.unwrap();
}

// The rest.

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_silent_for_long_takes_no_more() {
    let edge = edge(|comments| {
        at_once(comments);
        comments.closed_after_days = 30;
    })
    .await;
    let mut ann = member(&edge, "ann").await;
    write(&mut ann, "the last word").await;
    let days = 31_i64 * 24 * 3_600 * 1_000_000;
    edge.execute(&format!("UPDATE littoral_comment_page SET last_at = last_at - {days}"));
    let sent = write(&mut ann, "one more").await;
    assert!(sent.status == 403 && sent.body.contains("one more") && sent.body.contains("no comments any more"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_changes_a_comment_again_and_again_waits_and_keeps_what_was_typed() {
    let edge = edge(at_once).await;
    let mut ann = member(&edge, "ann").await;
    let id = id_in(&write(&mut ann, "one").await.location);
    let path = format!("/comments/{id}/edit");
    let token = ann.get(&path).await.token();
    let mut refused = None;
    for number in 0..300 {
        let text = format!("version {number}");
        let sent = ann.post(&path, &[("csrf", &token), ("text", &text)]).await;
        if sent.status == 429 {
            assert!(sent.body.contains(&text), "{}", sent.body);
            refused = Some(number);
            break;
        }
        assert_eq!(sent.status, 303);
    }
    assert!(refused.is_some(), "there must be an end");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_deletes_their_account_leaves_words_without_a_name() {
    let edge = edge(at_once).await;
    let mut ann = member(&edge, "ann").await;
    write(&mut ann, "words that stay").await;
    assert!(page(&edge).await.contains(">ann<"));
    ann.submit("/account", "/account/delete", &[("password", PASSWORD)]).await;
    // When the days of grace are over.
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * 31);
    while store(&edge).sweep(later).await.unwrap() {}
    assert_eq!(count(&edge, "littoral_member"), "0");
    assert_eq!(count(&edge, "littoral_comment WHERE name = 'ann' OR member_id IS NOT NULL"), "0");
    let gone = async { while page(&edge).await.contains(">ann<") {} };
    tokio::time::timeout(PATIENCE, gone).await.expect("what was kept is made anew");
    let shown = page(&edge).await;
    assert!(shown.contains("words that stay") && shown.contains("deleted account"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_in_reader_has_the_form_in_the_page_and_others_a_link_to_it() {
    let placed = |release: &mut Release| {
        site(at_once)(release);
        let calls = [("comments?page=%2Ftides%2F", "later", ""), ("comment-form?page=%2Ftides%2F", "later", "</body>")];
        release.moving_page(TIDES, "<!doctype html><body>", &calls);
        release.title(TIDES, "Tides");
    };
    let options = Options { follow_every: Duration::from_millis(5), ..quick() };
    let edge = TestEdge::with(options, placed).await;
    let mut ann = member(&edge, "ann").await;
    let shown = ann.get(TIDES).await;
    assert!(shown.body.contains("action=\"/comments/new\""), "{}", shown.body);
    let fields = [("csrf", shown.token()), ("page", TIDES.to_owned()), ("text", "from the page".to_owned())];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(ann.post("/comments/new", &fields).await.status, 303);
    let visitors = edge.get(TIDES).await.text().await.unwrap();
    assert!(visitors.contains("from the page") && visitors.contains(">Write a comment</a>"), "{visitors}");
    assert!(!visitors.contains("<form"), "{visitors}");
}
