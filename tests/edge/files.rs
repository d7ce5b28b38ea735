//! Static files: status, headers, body; encodings.

use littoral::site::release::CacheClass;
use reqwest::Method;

use crate::support::{TestEdge, header, quick};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_found_where_nothing_is_and_the_site_says_so_itself() {
    let edge = TestEdge::start().await;
    let answer = edge.get("/nothing").await;
    assert_eq!(answer.status(), 404);
    assert_eq!(header(&answer, "content-type"), "text/html; charset=utf-8");
    assert_eq!(header(&answer, "cache-control"), "no-store");
    assert_eq!(header(&answer, "etag"), "");
    assert!(header(&answer, "content-security-policy").contains("frame-ancestors 'self'"));
    assert_eq!(answer.text().await.unwrap(), "<!doctype html><body>The tide took this page.</body>");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_for_what_is_not_there_is_not_there_itself() {
    let edge = TestEdge::start().await;
    assert_eq!(edge.get("/404.html").await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_sent_with_its_headers() {
    let edge = TestEdge::start().await;
    // Twice: read from the disk, then from memory.
    for _ in 0..2 {
        let answer = edge.get("/docs/").await;
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "content-type"), "text/html; charset=utf-8");
        assert_eq!(header(&answer, "content-length"), "58");
        assert_eq!(header(&answer, "cache-control"), "public, max-age=0, must-revalidate");
        assert_eq!(header(&answer, "accept-ranges"), "bytes");
        assert_eq!(header(&answer, "vary"), "accept-encoding");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
        assert_eq!(header(&answer, "referrer-policy"), "strict-origin-when-cross-origin");
        let policy = header(&answer, "content-security-policy");
        assert!(policy.starts_with("default-src 'self'") && !policy.contains("script-src"), "{policy}");
        let tag = header(&answer, "etag");
        assert!(tag.len() == 34 && tag.starts_with('"') && tag.ends_with('"'), "{tag}");
        assert_eq!(answer.text().await.unwrap(), "<!doctype html><title>Docs</title><body><p>Docs</p></body>");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_named_by_its_digest_may_be_kept_for_a_year() {
    let edge = TestEdge::start().await;
    let answer = edge.get("/assets/site.0123abcd.css").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(header(&answer, "cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(answer.text().await.unwrap(), "p { color: #123 }");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_beyond_ascii_is_found_encoded() {
    let edge = TestEdge::start().await;
    let answer = edge.get("/docs/%C3%A9t%C3%A9/").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.text().await.unwrap(), "<!doctype html><body>Summer</body>");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_has_the_headers_of_a_get_and_no_body() {
    let edge = TestEdge::start().await;
    for path in ["/docs/", "/docs/", "/nothing", "/_/health"] {
        let get = edge.get(path).await;
        let head = edge.request(Method::HEAD, path).send().await.unwrap();
        assert_eq!(head.status(), get.status(), "{path}");
        for name in ["content-type", "content-length", "etag", "cache-control", "content-security-policy"] {
            assert_eq!(header(&head, name), header(&get, name), "{path} {name}");
        }
        assert_eq!(head.text().await.unwrap(), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_takes_only_reading_and_says_so() {
    let edge = TestEdge::start().await;
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = edge.request(method, "/docs/").send().await.unwrap();
        assert_eq!(answer.status(), 405);
        assert_eq!(header(&answer, "allow"), "GET, HEAD, OPTIONS");
    }
    let answer = edge.request(Method::OPTIONS, "/docs/").send().await.unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(header(&answer, "allow"), "GET, HEAD, OPTIONS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_text_is_sent_in_the_encoding_that_the_client_likes_best() {
    let text = "low water, high water, slack water\n".repeat(200);
    let edge = TestEdge::with(quick(), |site| site.page("/long/", &text)).await;
    for (accepted, encoding) in [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("zstd;q=1, br;q=0.9", "zstd"),
        ("br;q=0", ""),
        ("*", "br"),
    ] {
        // Twice: made, then kept.
        for _ in 0..2 {
            let answer = edge.get_with("/long/", &[("accept-encoding", accepted)]).await;
            assert_eq!(answer.status(), 200);
            assert_eq!(header(&answer, "content-encoding"), encoding, "{accepted}");
            assert_eq!(header(&answer, "vary"), "accept-encoding");
            let suffix = if encoding.is_empty() { "\"".to_owned() } else { format!("-{encoding}\"") };
            assert!(header(&answer, "etag").ends_with(&suffix), "{accepted}");
            assert_eq!(decoded(encoding, &answer.bytes().await.unwrap()), text.as_bytes(), "{accepted}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_short_or_not_text_or_gains_nothing_is_sent_as_it_is() {
    // Bytes without a pattern: no encoding makes them shorter.
    let mut state = 1u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 56) as u8
    })
    .take(4000)
    .collect();
    let edge = TestEdge::with(quick(), |site| {
        site.file("/photo.jpg", "image/jpeg", CacheClass::Revalidate, &[7; 4000]);
        site.file("/noise.txt", "text/plain", CacheClass::Revalidate, &noise);
    })
    .await;
    for path in ["/docs/", "/photo.jpg", "/noise.txt", "/noise.txt"] {
        let answer = edge.get_with(path, &[("accept-encoding", "br, gzip, zstd")]).await;
        assert_eq!(header(&answer, "content-encoding"), "", "{path}");
        assert!(!header(&answer, "etag").contains('-'), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_file_is_streamed_from_the_disk() {
    let bytes: Vec<u8> = (0..3_000_000u32).map(|at| (at % 251) as u8).collect();
    let edge =
        TestEdge::with(quick(), |site| site.file("/film.mp4", "video/mp4", CacheClass::Revalidate, &bytes)).await;
    let answer = edge.get("/film.mp4").await;
    assert_eq!(header(&answer, "content-length"), "3000000");
    assert_eq!(header(&answer, "content-type"), "video/mp4");
    assert!(answer.bytes().await.unwrap() == bytes);
    let answer = edge.get_with("/film.mp4", &[("range", "bytes=1000000-1000003,2999999-")]).await;
    assert_eq!(answer.status(), 206);
    let length: usize = header(&answer, "content-length").parse().unwrap();
    let body = answer.bytes().await.unwrap();
    assert_eq!(body.len(), length);
    let head = edge.request(Method::HEAD, "/film.mp4").send().await.unwrap();
    assert_eq!(header(&head, "content-length"), "3000000");
}

fn decoded(encoding: &str, bytes: &[u8]) -> Vec<u8> {
    use std::io::Read;
    let mut text = Vec::new();
    match encoding {
        "br" => brotli::Decompressor::new(bytes, 4096).read_to_end(&mut text).unwrap(),
        "gzip" => flate2::read::GzDecoder::new(bytes).read_to_end(&mut text).unwrap(),
        "zstd" => zstd::stream::read::Decoder::new(bytes).unwrap().read_to_end(&mut text).unwrap(),
        _ => return bytes.to_vec(),
    };
    text
}
