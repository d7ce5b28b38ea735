//! Conditional and partial requests (RFC 9110 §13, §14).

use reqwest::Method;

use littoral::site::release::CacheClass;

use crate::support::{TestEdge, header, quick};

/// 1,000 bytes at `/tide`, of which each is the last digit of its place divided by ten.
async fn with_a_thousand_bytes() -> TestEdge {
    let bytes: Vec<u8> = (0..1000u32).map(|at| b'0' + (at / 10 % 10) as u8).collect();
    TestEdge::with(quick(), |site| {
        site.file("/tide", "text/plain", CacheClass::Revalidate, &bytes);
        site.file("/empty", "text/plain", CacheClass::Revalidate, b"");
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_the_client_has_is_not_sent_again() {
    let edge = TestEdge::start().await;
    let tag = header(&edge.get("/docs/").await, "etag");
    for known in
        [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), format!("\"a\",W/{tag} , \"b\""), "*".to_owned()]
    {
        let answer = edge.get_with("/docs/", &[("if-none-match", &known)]).await;
        assert_eq!(answer.status(), 304, "{known}");
        assert_eq!(header(&answer, "etag"), tag);
        assert_eq!(header(&answer, "cache-control"), "public, max-age=0, must-revalidate");
        assert_eq!(header(&answer, "vary"), "accept-encoding");
        assert_eq!(header(&answer, "content-type"), "");
        assert_eq!(answer.text().await.unwrap(), "");
    }
    let head = edge.request(Method::HEAD, "/docs/").header("if-none-match", &tag).send().await.unwrap();
    assert_eq!(head.status(), 304);
    for other in ["\"other\"", "nonsense", ""] {
        assert_eq!(edge.get_with("/docs/", &[("if-none-match", other)]).await.status(), 200, "{other}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_encoding_is_a_version_of_its_own() {
    let text = "low water, high water\n".repeat(100);
    let edge = TestEdge::with(quick(), |site| site.page("/long/", &text)).await;
    let plain = header(&edge.get("/long/").await, "etag");
    let brotli = header(&edge.get_with("/long/", &[("accept-encoding", "br")]).await, "etag");
    assert_ne!(plain, brotli);
    let again = edge.get_with("/long/", &[("accept-encoding", "br"), ("if-none-match", &brotli)]).await;
    assert_eq!(again.status(), 304);
    let other = edge.get_with("/long/", &[("accept-encoding", "br"), ("if-none-match", &plain)]).await;
    assert_eq!(other.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_wants_another_version_is_told_that_it_is_gone() {
    let edge = TestEdge::start().await;
    let tag = header(&edge.get("/docs/").await, "etag");
    assert_eq!(edge.get_with("/docs/", &[("if-match", &tag)]).await.status(), 200);
    assert_eq!(edge.get_with("/docs/", &[("if-match", "*")]).await.status(), 200);
    assert_eq!(edge.get_with("/docs/", &[("if-match", "\"other\"")]).await.status(), 412);
    // Strong comparison.
    assert_eq!(edge.get_with("/docs/", &[("if-match", &format!("W/{tag}"))]).await.status(), 412);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_sent_as_asked() {
    let edge = with_a_thousand_bytes().await;
    for (range, part, body) in [
        ("bytes=0-0", "bytes 0-0/1000", "0"),
        ("bytes=19-21", "bytes 19-21/1000", "122"),
        ("bytes=995-", "bytes 995-999/1000", "99999"),
        ("bytes=-3", "bytes 997-999/1000", "999"),
        ("bytes=998-5000", "bytes 998-999/1000", "99"),
        ("BYTES = 9-10", "bytes 9-10/1000", "01"),
        // Near and overlapping parts are one; one that is outside counts for nothing.
        ("bytes=9-10, 10-11,2000-", "bytes 9-11/1000", "011"),
    ] {
        let answer = edge.get_with("/tide", &[("range", range), ("accept-encoding", "br")]).await;
        assert_eq!(answer.status(), 206, "{range}");
        assert_eq!(header(&answer, "content-range"), part);
        assert_eq!(header(&answer, "content-length"), body.len().to_string());
        assert_eq!(header(&answer, "content-encoding"), "");
        assert_eq!(header(&answer, "content-type"), "text/plain");
        assert_eq!(answer.text().await.unwrap(), body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_lie_apart_are_sent_in_one_body() {
    let edge = with_a_thousand_bytes().await;
    let answer = edge.get_with("/tide", &[("range", "bytes=0-1,500-501")]).await;
    assert_eq!(answer.status(), 206);
    let media = header(&answer, "content-type");
    let boundary = media.strip_prefix("multipart/byteranges; boundary=").unwrap().to_owned();
    let expected = format!(
        "--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/1000\r\n\r\n00\
         \r\n--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 500-501/1000\r\n\r\n00\
         \r\n--{boundary}--\r\n"
    );
    assert_eq!(header(&answer, "content-length"), expected.len().to_string());
    assert_eq!(header(&answer, "content-range"), "");
    assert_eq!(answer.text().await.unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_beyond_the_end_cannot_be_sent() {
    let edge = with_a_thousand_bytes().await;
    for (path, range, length) in
        [("/tide", "bytes=1000-", 1000), ("/tide", "bytes=-0", 1000), ("/empty", "bytes=0-", 0)]
    {
        let answer = edge.get_with(path, &[("range", range)]).await;
        assert_eq!(answer.status(), 416, "{range}");
        assert_eq!(header(&answer, "content-range"), format!("bytes */{length}"));
        assert_eq!(answer.text().await.unwrap(), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_range_or_too_many_is_answered_with_the_whole() {
    let edge = with_a_thousand_bytes().await;
    let many = format!("bytes={}", "0-0,".repeat(2000));
    let scattered =
        format!("bytes={}", (0..17).map(|at| format!("{}-{}", at * 50, at * 50)).collect::<Vec<_>>().join(","));
    for range in ["bytes=5-2", "bytes=a-b", "bytes", "bytes=", "bytes=-", "lines=0-1", "bytes=0x1-2", &many, &scattered]
    {
        let answer = edge.get_with("/tide", &[("range", range)]).await;
        assert_eq!(answer.status(), 200, "{range}");
        assert_eq!(answer.text().await.unwrap().len(), 1000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_another_version_is_not_sent() {
    let edge = with_a_thousand_bytes().await;
    let tag = header(&edge.get("/tide").await, "etag");
    let same = edge.get_with("/tide", &[("range", "bytes=0-1"), ("if-range", &tag)]).await;
    assert_eq!(same.status(), 206);
    for other in ["\"other\"", &format!("W/{tag}"), "Sat, 29 Oct 1994 19:43:31 GMT"] {
        let answer = edge.get_with("/tide", &[("range", "bytes=0-1"), ("if-range", other)]).await;
        assert_eq!(answer.status(), 200, "{other}");
    }
}
