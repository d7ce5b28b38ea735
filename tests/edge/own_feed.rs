//! Members' own feeds: whose they are, what is in them, and how they end.

use littoral::store::EmailAddress;

use crate::access::{PAGES, READERS, reader, site};
use crate::browser::Browser;

/// Makes an address for the feed of who reads, and gives its path.
async fn address(browser: &mut Browser<'_>) -> String {
    let page = browser.submit("/account/feed", "/account/feed", &[("do", "make")]).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let after = page.body.split("<code class=\"address\">").nth(1).unwrap();
    let address = after.split('<').next().unwrap();
    format!("/account/feed/{}", address.rsplit('/').next().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_without_its_address_reads_a_feed() {
    let edge = site().await;
    let mut ann = reader(&edge, "paid").await;
    let path = address(&mut ann).await;
    let (mut visitor, token) = (Browser::new(&edge), path.rsplit('/').next().unwrap().trim_end_matches(".xml"));
    assert!(visitor.get("/account/feed").await.location.starts_with("/login?next="));
    for wrong in [&token[1..], &format!("{token}0"), "", "..", &"0".repeat(64), &format!("{token}%00"), &"é".repeat(32)]
    {
        let answer = visitor.get(&format!("/account/feed/{wrong}.xml")).await;
        assert!(answer.status != 200 && !answer.body.contains("zz"), "{wrong}");
    }
    for path in
        [format!("/account/feed/{token}"), format!("/account/feed/{token}.xml/"), format!("/account/feed/{token}.json")]
    {
        let answer = visitor.get(&path).await;
        assert!(answer.status != 200 && !answer.body.contains("zz"), "{path}");
    }
    assert_eq!(visitor.post("/account/feed", &[("do", "make")]).await.status, 403);
    // The cookie is nothing to it, and the address alone is enough.
    assert!(visitor.get(&path).await.body.contains("zzpaidword"));
    assert!(edge.ask_store("SELECT CAST(length(digest) AS TEXT) FROM littoral_feed").unwrap() == "32");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_has_the_texts_that_its_member_may_read_and_of_others_what_everybody_may() {
    let edge = site().await;
    let in_feed: Vec<_> = PAGES
        .iter()
        .filter(|(path, ..)| {
            !path.ends_with(".txt") && !["/draft/", "/rows/x/", "/inside/", "/inside/below/"].contains(path)
        })
        .collect();
    for kind in READERS.iter().filter(|kind| !["visitor", "forged", "expired"].contains(kind)) {
        let mut browser = reader(&edge, kind).await;
        let path = address(&mut browser).await;
        let feed = Browser::new(&edge).get(&path).await;
        assert_eq!(feed.headers["content-type"], "application/atom+xml; charset=utf-8");
        assert_eq!(feed.headers["cache-control"], "private, no-store");
        assert_eq!(feed.headers["x-robots-tag"], "noindex");
        for (path, word, readers) in &in_feed {
            assert_eq!(feed.body.contains(word), readers.contains(kind), "{kind} {path}: {}", feed.body);
            assert!(feed.body.contains(&format!("<id>http://localhost{path}</id>")), "{kind} {path}");
        }
        assert!(feed.body.contains("Everybody reads of the harbour."), "{kind}");
        assert!(!feed.body.contains("/draft/"), "what is not published is in no feed");
        let tag = feed.headers["etag"].to_str().unwrap().to_owned();
        let mut again = Browser::new(&edge);
        again.headers = vec![("if-none-match", tag)];
        assert_eq!(again.get(&path).await.status, 304);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_follows_its_member() {
    let edge = site().await;
    let mut ann = reader(&edge, "free").await;
    let path = address(&mut ann).await;
    let store = edge.edge.store().unwrap();
    let ann_s = EmailAddress::parse("free@example.org").unwrap();
    assert!(!ann.get(&path).await.body.contains("zzpaidword"));
    store.set_tier(&ann_s, "paid".parse().ok()).await.unwrap();
    assert!(ann.get(&path).await.body.contains("zzpaidword"));
    store.set_tier(&ann_s, None).await.unwrap();
    assert!(!ann.get(&path).await.body.contains("zzpaidword"));
    let (member, _) = store.member_by_email(&ann_s).await.unwrap().unwrap();
    store.delete_member(member.id, jiff::Timestamp::now()).await.unwrap();
    assert_eq!(ann.get(&path).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_address_ends_the_old_one_and_one_that_is_taken_away_leads_nowhere() {
    let edge = site().await;
    let mut ann = reader(&edge, "free").await;
    let first = address(&mut ann).await;
    let second = address(&mut ann).await;
    assert_eq!((ann.get(&first).await.status, ann.get(&second).await.status), (404, 200));
    let shown = ann.get("/account/feed").await;
    let token = second.rsplit('/').next().unwrap();
    assert!(!shown.body.contains(token), "it is shown once");
    assert_eq!(ann.submit("/account/feed", "/account/feed", &[("do", "nonsense")]).await.status, 422);
    assert_eq!(ann.submit("/account/feed", "/account/feed", &[("do", "revoke")]).await.status, 303);
    assert_eq!(ann.get(&second).await.status, 404);
    assert_eq!(ann.submit("/account/feed", "/account/feed", &[("do", "revoke")]).await.status, 303);
}
