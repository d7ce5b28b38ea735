//! Live reload: the script in each page, and the events.

use littoral::edge::{LiveChannel, LiveEvent, Options};
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::support::{PATIENCE, TestEdge, header, quick, read_to_end};

fn watching() -> (LiveChannel, Options) {
    let channel = LiveChannel::new("listen();");
    (channel.clone(), Options { live: Some(channel), ..quick() })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_that_does_not_watch_has_no_script_and_no_events() {
    let edge = TestEdge::start().await;
    assert_eq!(edge.get("/_/watch.js").await.status(), 404);
    assert_eq!(edge.get("/_/events").await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_page_gets_the_script_and_is_not_kept() {
    let (_channel, options) = watching();
    let long = format!("<body>{}</body>", "water ".repeat(500));
    let edge = TestEdge::with(options, |site| site.page("/long/", &long)).await;
    for _ in 0..2 {
        let answer = edge.get("/docs/").await;
        assert_eq!(header(&answer, "cache-control"), "no-store");
        assert_eq!(header(&answer, "etag"), "");
        let expected =
            r#"<!doctype html><title>Docs</title><body><p>Docs</p><script src="/_/watch.js" defer></script></body>"#;
        assert_eq!(answer.text().await.unwrap(), expected);
        let encoded = edge.get_with("/long/", &[("accept-encoding", "gzip")]).await;
        assert_eq!(header(&encoded, "content-encoding"), "gzip");
        assert_eq!(header(&encoded, "cache-control"), "no-store");
    }
    let css = edge.get("/assets/site.0123abcd.css").await;
    assert_eq!(css.text().await.unwrap(), "p { color: #123 }");
    let missing = edge.get("/nothing").await.text().await.unwrap();
    assert!(missing.contains("/_/watch.js"), "{missing}");
    let script = edge.get("/_/watch.js").await;
    assert_eq!(header(&script, "content-type"), "text/javascript; charset=utf-8");
    assert_eq!(script.text().await.unwrap(), "listen();");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_hears_the_last_event_first_then_each_new_one_and_lets_the_edge_stop() {
    let (channel, options) = watching();
    let mut edge = TestEdge::with(options, |_| {}).await;
    channel.send(LiveEvent { name: "failed", data: json!({ "message": "two\nlines" }) });
    let mut answer = edge.get("/_/events").await;
    assert_eq!(header(&answer, "content-type"), "text/event-stream");
    let mut heard = String::new();
    while !heard.ends_with("\n\n") {
        heard.push_str(&String::from_utf8_lossy(&answer.chunk().await.unwrap().unwrap()));
    }
    assert_eq!(heard, "event:failed\ndata:{\"message\":\"two\\nlines\"}\n\n");
    heard.clear();
    channel.send(LiveEvent { name: "built", data: json!({ "pages": ["/docs/"] }) });
    while !heard.ends_with("\n\n") {
        heard.push_str(&String::from_utf8_lossy(&answer.chunk().await.unwrap().unwrap()));
    }
    assert_eq!(heard, "event:built\ndata:{\"pages\":[\"/docs/\"]}\n\n");
    edge.tell_to_stop();
    assert_eq!(answer.chunk().await.unwrap(), None);
    tokio::time::timeout(PATIENCE, edge.stop()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_for_the_events_ends() {
    let (_channel, options) = watching();
    let edge = TestEdge::with(options, |_| {}).await;
    let mut stream = edge.connect().await;
    stream.write_all(b"HEAD /_/events HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(read_to_end(&mut stream).await.starts_with("HTTP/1.1 200 OK"));
}
