//! What a member keeps, follows and is suggested; and what of it nobody else sees.

use littoral::site::release::TermPages;
use littoral::site::search::Document;

use crate::browser::{Browser, encode};
use crate::support::{PATIENCE, Release, TestEdge, quick};

const LAYOUT: &str = "<!doctype html><body>";

/// Five pages, of which three are about tides, a tag, and an index.
fn site(site: &mut Release) {
    let pages = [
        ("/ebb/", "Tides at the harbour", "Low water and the harbour wall."),
        ("/flood/", "Tides in the river", "The flood comes up the river twice a day."),
        ("/moon/", "The moon and tides", "Spring tides follow the moon."),
        ("/bread/", "Bread", "Flour, salt and time."),
        ("/été/", "Summer", "Long days."),
    ];
    for (path, title, text) in pages {
        site.page(path, &format!("{LAYOUT}<p>{text}</p></body>"));
        site.title(path, title);
    }
    site.page("/tags/sea/", LAYOUT);
    site.title("/tags/sea/", "sea");
    let dated = |path: &str, date: &str| (path.to_owned(), date.parse().unwrap());
    let newest = vec![dated("/moon/", "2026-05-03"), dated("/ebb/", "2026-05-01"), dated("/gone/", "2026-04-01")];
    site.manifest.terms.insert("/tags/sea/".to_owned(), TermPages { title: "sea".to_owned(), newest });
    let other = vec![dated("/moon/", "2026-05-03"), dated("/été/", "2026-05-02")];
    site.manifest.terms.insert("/tags/sky/".to_owned(), TermPages { title: "sky".to_owned(), newest: other });
    let document = |(path, title, text): (&str, &str, &str)| Document {
        path: path.to_owned(),
        title: title.to_owned(),
        text: text.to_owned(),
        ..Document::default()
    };
    site.search(pages.map(document).into());
}

async fn member(edge: &TestEdge) -> Browser<'_> {
    let mut ann = Browser::new(edge);
    ann.register("ann@example.org").await;
    ann
}

async fn change(reader: &mut Browser<'_>, deed: &str, path: &str) -> u16 {
    let token = reader.get("/account").await.token();
    let answer = reader.post("/account/reading", &[("csrf", &token), ("do", deed), ("path", path)]).await;
    if answer.status == 303 {
        assert_eq!(answer.location, format!("/account/reading?done={deed}"));
    }
    answer.status
}

fn links(page: &str, heading: &str) -> Vec<String> {
    let section = page.split(&format!("id=\"{heading}\"")).nth(1).unwrap_or_default();
    let section = section.split("</section>").next().unwrap_or_default();
    section.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_is_sent_to_sign_in_and_comes_back_and_a_foreign_form_is_refused() {
    let edge = TestEdge::with(quick(), site).await;
    let mut visitor = Browser::new(&edge);
    let sent = visitor.get("/account/reading?keep=/ebb/").await;
    assert_eq!((sent.status, sent.location.as_str()), (303, "/login?next=%2Faccount%2Freading%3Fkeep%3D%2Febb%2F"));
    let mut ann = member(&edge).await;
    let without_token = ann.post("/account/reading", &[("do", "keep"), ("path", "/ebb/")]).await;
    assert_eq!(without_token.status, 403);
    assert!(links(&ann.get("/account/reading").await.body, "kept").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_pages_of_the_site_are_kept_and_only_terms_followed() {
    let edge = TestEdge::with(quick(), site).await;
    let mut ann = member(&edge).await;
    for path in ["/nowhere/", "//evil.example/", "https://evil.example/", "", "/robots.txt", "/404.html", "/%FF/"] {
        assert_eq!(change(&mut ann, "keep", path).await, 422, "{path}");
    }
    for path in ["/ebb/", "/tags/", "/tags/none/", ""] {
        assert_eq!(change(&mut ann, "follow", path).await, 422, "{path}");
    }
    assert_eq!(change(&mut ann, "burn", "/ebb/").await, 422);
    let page = ann.get("/account/reading?keep=/nowhere/").await;
    assert!(page.status == 200 && page.body.contains("Nothing yet."), "{}", page.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_kept_asked_once_and_taken_off_again() {
    let edge = TestEdge::with(quick(), site).await;
    let mut ann = member(&edge).await;
    let asks = ann.get("/account/reading?keep=/%C3%A9t%C3%A9/").await;
    assert!(asks.body.contains("Keep “Summer” for later?"), "{}", asks.body);
    let fields = [("do", "keep"), ("path", "/été/"), ("back", "/%C3%A9t%C3%A9/")];
    let kept = ann.submit("/account/reading?keep=/%C3%A9t%C3%A9/", "/account/reading", &fields).await;
    assert_eq!((kept.status, kept.location.as_str()), (303, "/%C3%A9t%C3%A9/"));
    // Twice is once.
    assert_eq!(change(&mut ann, "keep", "/été/").await, 303);
    assert_eq!(change(&mut ann, "keep", "/ebb/").await, 303);
    let page = ann.get("/account/reading").await.body;
    assert_eq!(links(&page, "kept"), ["/ebb/", "/%C3%A9t%C3%A9/"]);
    // Another device has the same list, another member none.
    let mut phone = Browser::new(&edge);
    phone.log_in("ann@example.org", crate::browser::PASSWORD).await;
    assert_eq!(links(&phone.get("/account/reading").await.body, "kept").len(), 2);
    let mut bob = Browser::new(&edge);
    bob.register("bob@example.org").await;
    assert!(links(&bob.get("/account/reading").await.body, "kept").is_empty());
    assert_eq!(change(&mut phone, "drop", "/ebb/").await, 303);
    assert_eq!(links(&ann.get("/account/reading").await.body, "kept"), ["/%C3%A9t%C3%A9/"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_gone_is_named_and_can_be_taken_off() {
    let edge = TestEdge::with(quick(), site).await;
    let mut ann = member(&edge).await;
    change(&mut ann, "keep", "/ebb/").await;
    edge.publish(|_| {});
    let asking = async { while !ann.get("/account/reading").await.body.contains("not on the site now") {} };
    tokio::time::timeout(PATIENCE, asking).await.unwrap();
    assert_eq!(change(&mut ann, "drop", "/ebb/").await, 303);
    assert!(!ann.get("/account/reading").await.body.contains("/ebb/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn new_pages_of_what_is_followed_come_new_to_old_and_once() {
    let edge = TestEdge::with(quick(), site).await;
    let mut ann = member(&edge).await;
    assert!(ann.get("/account/reading?follow=/tags/sea/").await.body.contains("Follow “sea”?"));
    change(&mut ann, "follow", "/tags/sea/").await;
    change(&mut ann, "follow", "/tags/sky/").await;
    let page = ann.get("/account/reading").await.body;
    let new = page.split("New there").nth(1).unwrap_or_default();
    let at = |path: &str| new.find(&format!("href=\"{path}\"")).unwrap_or_else(|| panic!("{path} is not in {new}"));
    assert!(at("/moon/") < at("/%C3%A9t%C3%A9/") && at("/%C3%A9t%C3%A9/") < at("/ebb/"));
    assert_eq!(new.matches("/moon/").count(), 1);
    assert!(!new.contains("/gone/"));
    change(&mut ann, "leave", "/tags/sky/").await;
    assert!(!ann.get("/account/reading").await.body.contains("/%C3%A9t%C3%A9/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_has_an_end_and_says_so() {
    let edge = TestEdge::with(quick(), |release| {
        site(release);
        for number in 0..=100 {
            let term = TermPages { title: number.to_string(), newest: Vec::new() };
            release.manifest.terms.insert(format!("/tags/{number}/"), term);
        }
    })
    .await;
    let mut ann = member(&edge).await;
    let token = ann.get("/account").await.token();
    for number in 0..100 {
        let path = format!("/tags/{number}/");
        let body = encode(&[("csrf", &token), ("do", "follow"), ("path", &path)]);
        assert_eq!(ann.post_body("/account/reading", body).await.status, 303);
    }
    let refused = ann.post("/account/reading", &[("csrf", &token), ("do", "follow"), ("path", "/tags/100/")]).await;
    assert!(refused.status == 422 && refused.body.contains("as long as it can be"), "{}", refused.body);
    // What is on it already may be asked for again.
    assert_eq!(change(&mut ann, "follow", "/tags/7/").await, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_and_looked_for_suggests_what_is_like_it_and_was_not_read() {
    let edge = TestEdge::with(quick(), site).await;
    let mut ann = member(&edge).await;
    assert!(links(&ann.get("/account/reading").await.body, "suggested").is_empty());
    ann.headers = vec![("sec-fetch-site", "same-origin".to_owned())];
    assert_eq!(ann.post("/_/read", &[("path", "/ebb/")]).await.status, 204);
    let suggested = links(&ann.get("/account/reading").await.body, "suggested");
    assert!(suggested.contains(&"/flood/".to_owned()) && suggested.contains(&"/moon/".to_owned()), "{suggested:?}");
    assert!(!suggested.contains(&"/ebb/".to_owned()) && !suggested.contains(&"/bread/".to_owned()), "{suggested:?}");
    // A search is remembered when it is done.
    assert_eq!(ann.get("/search?q=flour").await.status, 200);
    let asking =
        async { while !links(&ann.get("/account/reading").await.body, "suggested").contains(&"/bread/".to_owned()) {} };
    tokio::time::timeout(PATIENCE, asking).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_keeps_no_history_leaves_none_by_searching() {
    let edge = TestEdge::with(quick(), site).await;
    let mut ann = member(&edge).await;
    let token = ann.get("/account").await.token();
    ann.post("/account/history", &[("csrf", &token), ("do", "off")]).await;
    assert_eq!(ann.get("/search?q=flour").await.status, 200);
    let mut visitor = Browser::new(&edge);
    assert_eq!(visitor.get("/search?q=flour").await.status, 200);
    assert!(links(&ann.get("/account/reading").await.body, "suggested").is_empty());
    assert_eq!(edge.ask_store("SELECT words FROM littoral_looked_for"), None);
    // What was remembered before goes when it is switched off.
    ann.post("/account/history", &[("csrf", &token), ("do", "on")]).await;
    ann.get("/search?q=flour").await;
    let asking = async {
        while edge.ask_store("SELECT words FROM littoral_looked_for").is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap();
    ann.post("/account/history", &[("csrf", &token), ("do", "off")]).await;
    assert_eq!(edge.ask_store("SELECT words FROM littoral_looked_for"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_button_in_a_page_is_the_readers_own() {
    let edge = TestEdge::with(quick(), |release| {
        site(release);
        release.template("fragments/keep-page", include_str!("../../dynamic/fragments/keep-page.hbs"));
        release.template("fragments/suggested-pages", include_str!("../../dynamic/fragments/suggested-pages.hbs"));
        let calls = [("keep-page?page=%2Febb%2F", "", "<hr>"), ("suggested-pages", "nothing", "</body>")];
        release.moving_page("/ebb/", LAYOUT, &calls);
        release.title("/ebb/", "Tides at the harbour");
    })
    .await;
    let mut visitor = Browser::new(&edge);
    let page = visitor.get("/ebb/").await.body;
    assert!(page.contains("href=\"/account/reading?keep=%2Febb%2F\"") && !page.contains("csrf"), "{page}");
    let mut ann = member(&edge).await;
    let page = ann.get("/ebb/").await;
    assert!(page.body.contains("value=\"keep\">Keep for later"), "{}", page.body);
    let token = page.token();
    let fields = [("csrf", token.as_str()), ("do", "keep"), ("path", "/ebb/"), ("back", "/ebb/")];
    let kept = ann.post("/account/reading", &fields).await;
    assert_eq!((kept.status, kept.location.as_str()), (303, "/ebb/"));
    let page = ann.get("/ebb/").await;
    assert!(page.body.contains("value=\"drop\">Kept: take it off your list"), "{}", page.body);
    // What is kept is gone on with.
    assert!(page.body.contains("href=\"/flood/\""), "{}", page.body);
}
