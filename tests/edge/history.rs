//! History: what is noted, from whom, and how it ends.

use crate::browser::Browser;
use crate::support::{TestEdge, quick};

async fn edge() -> TestEdge {
    TestEdge::with(quick(), |site| {
        site.title("/docs/", "The <docs>");
        site.title("/docs/été/", "Summer");
    })
    .await
}

fn from_here(browser: &mut Browser) {
    browser.headers = vec![("sec-fetch-site", "same-origin".to_owned())];
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_visitor_reads_is_noted_nowhere() {
    let edge = edge().await;
    let mut visitor = Browser::new(&edge);
    from_here(&mut visitor);
    let answer = visitor.post("/_/read", &[("path", "/docs/")]).await;
    assert_eq!((answer.status, answer.set_cookies.len()), (204, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_cannot_write_into_a_history() {
    let edge = edge().await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    for headers in
        [vec![], vec![("sec-fetch-site", "cross-site".to_owned())], vec![("origin", "https://evil.example".to_owned())]]
    {
        ann.headers = headers;
        assert_eq!(ann.post("/_/read", &[("path", "/docs/")]).await.status, 403);
    }
    ann.headers.clear();
    assert!(ann.get("/account").await.body.contains("will be listed here"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_pages_of_the_release_are_noted_and_only_places_in_them() {
    let edge = edge().await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    from_here(&mut ann);
    for fields in [
        &[("path", "/nowhere/")][..],
        &[("path", "/robots.txt")],
        &[("path", "https://evil.example/")],
        &[("path", "%FF")],
        &[],
        &[("path", "/docs/"), ("position", "NaN")],
        &[("path", "/docs/"), ("position", "1.5")],
        &[("path", "/docs/"), ("position", "-1")],
        &[("path", "/docs/"), ("anchor", "a b")],
        &[("path", "/docs/"), ("anchor", &"a".repeat(201))],
    ] {
        assert_eq!(ann.post("/_/read", fields).await.status, 422, "{fields:?}");
    }
    assert!(ann.get("/account").await.body.contains("will be listed here"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_lists_what_was_read_with_a_link_that_goes_on() {
    let edge = edge().await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    from_here(&mut ann);
    assert_eq!(ann.post("/_/read", &[("path", "/docs/"), ("position", "0.99")]).await.status, 204);
    let read = [("path", "/docs/%C3%A9t%C3%A9/"), ("position", "0.42"), ("anchor", "low\"tide")];
    assert_eq!(ann.post("/_/read", &read).await.status, 204);
    let page = ann.get("/account").await.body;
    let summer = "<a href=\"/docs/%C3%A9t%C3%A9/#low%22tide\" data-position=\"0.42\">Summer</a> · 42 % read";
    let docs = "<a href=\"/docs/\" data-position=\"0.99\">The &lt;docs&gt;</a> · read to the end";
    let (latest, before) = (page.find(summer), page.find(docs));
    assert!(latest.is_some() && before.is_some() && latest < before, "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_emptied_and_switched_off_and_on() {
    let edge = edge().await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    from_here(&mut ann);
    ann.post("/_/read", &[("path", "/docs/")]).await;
    assert_eq!(ann.submit("/account", "/account/history", &[("do", "clear")]).await.location, "/account?done=cleared");
    assert!(ann.get("/account").await.body.contains("will be listed here"));

    ann.submit("/account", "/account/history", &[("do", "off")]).await;
    assert_eq!(ann.post("/_/read", &[("path", "/docs/")]).await.status, 204);
    ann.submit("/account", "/account/history", &[("do", "on")]).await;
    assert!(ann.get("/account").await.body.contains("will be listed here"), "nothing was noted while it was off");
    ann.post("/_/read", &[("path", "/docs/")]).await;
    assert!(ann.get("/account").await.body.contains("href=\"/docs/\""));
    assert_eq!(ann.submit("/account", "/account/history", &[("do", "x")]).await.status, 422);
}
