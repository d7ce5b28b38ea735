//! `/_/health` tells the truth.

use reqwest::Method;

use crate::support::{TestEdge, header};

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_edge_says_so() {
    let edge = TestEdge::start().await;
    let answer = edge.get("/_/health").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(header(&answer, "content-type"), "application/json");
    assert_eq!(header(&answer, "cache-control"), "private, no-store");
    assert_eq!(answer.text().await.unwrap(), r#"{"status":"ok"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_whose_release_is_gone_from_the_disk_is_unwell() {
    let edge = TestEdge::start().await;
    std::fs::remove_dir_all(edge.folder.path().join(".littoral")).unwrap();
    let answer = edge.get("/_/health").await;
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.text().await.unwrap(), r#"{"status":"unwell"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_cannot_be_posted_to_and_says_what_it_takes() {
    let edge = TestEdge::start().await;
    let answer = edge.request(Method::POST, "/_/health").send().await.unwrap();
    assert_eq!(answer.status(), 405);
    assert_eq!(header(&answer, "allow"), "GET, HEAD, OPTIONS");
    assert_eq!(header(&answer, "content-type"), "application/json");
    let options = edge.request(Method::OPTIONS, "/_/health").send().await.unwrap();
    assert_eq!(options.status(), 204);
    assert_eq!(header(&options, "allow"), "GET, HEAD, OPTIONS");
}
