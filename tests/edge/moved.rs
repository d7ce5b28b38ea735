//! Redirects: old paths, missing slashes, names of index files.

use reqwest::Method;

use crate::support::{TestEdge, header};

#[tokio::test(flavor = "multi_thread")]
async fn an_old_path_leads_to_the_new_one_and_keeps_its_query() {
    let edge = TestEdge::start().await;
    for (from, to) in [
        ("/old/", "/docs/"),
        ("/old", "/docs/"),
        ("/old/index.html", "/docs/"),
        ("/old/?a=1&b=%20", "/docs/?a=1&b=%20"),
        ("/away", "https://example.org/?a=1#top"),
        ("/away?b=2", "https://example.org/?a=1&b=2#top"),
        ("/docs", "/docs/"),
        ("/docs?page=2", "/docs/?page=2"),
        ("/docs/index.html", "/docs/"),
        ("/index.html", "/"),
        ("/docs/%C3%A9t%C3%A9", "/docs/%C3%A9t%C3%A9/"),
        ("/search/", "/search"),
        ("/login/?next=%2F", "/login?next=%2F"),
    ] {
        let answer = edge.get(from).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "location").as_str()), (301, to), "{from}");
        assert_eq!(header(&answer, "cache-control"), "public, max-age=0, must-revalidate");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
        assert_eq!(answer.text().await.unwrap(), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_reading_is_redirected() {
    let edge = TestEdge::start().await;
    assert_eq!(edge.request(Method::HEAD, "/old/").send().await.unwrap().status(), 301);
    assert_eq!(edge.request(Method::POST, "/old/").send().await.unwrap().status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_has_no_path_with_a_slash() {
    let edge = TestEdge::start().await;
    assert_eq!(edge.get("/robots.txt/").await.status(), 404);
}
