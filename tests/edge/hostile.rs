//! Requests that mean harm, or make no sense: refused or cut off, never a panic, never a
//! file that is not the site's.

use reqwest::Method;
use tokio::io::AsyncWriteExt;

use crate::support::{TestEdge, header, limited, quick, read_to_end};

/// A request whose connection is closed after it.
fn closing(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: site\r\nConnection: close\r\n\r\n")
}

/// The status code of the first answer; 0 when there was none.
fn status(answer: &str) -> u16 {
    answer.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).and_then(|code| code.parse().ok()).unwrap_or(0)
}

fn answers(all: &str) -> usize {
    all.matches("HTTP/1.1 ").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_a_path_leads_out_of_the_site() {
    let edge = TestEdge::start().await;
    std::fs::write(edge.folder.path().join("secret.txt"), "keep this").unwrap();
    for target in [
        "/../secret.txt",
        "/docs/../../secret.txt",
        "/docs/..",
        "/./docs/",
        "/%2e%2e/secret.txt",
        "/%2E%2e/secret.txt",
        "/.%2e/secret.txt",
        "/%2e./secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/%252e%252e/secret.txt",
        "/%252e%252e%252fsecret.txt",
        "/..%5csecret.txt",
        "/..\\secret.txt",
        "/%5c..%5c..%5csecret.txt",
        "/%00",
        "/docs/%00.html",
        "/docs/%2500",
        "/secret.txt%00.html",
        "/%c0%ae%c0%ae/secret.txt",
        "/%ff",
        "/docs%2f",
        "/docs/%",
        "/docs/%e",
        "/docs/%zz",
        "/docs/%0d%0aX-Injected:%20yes",
        "/docs/%7f",
        "/docs/%C2%85",
        "/%u002e%u002e/secret.txt",
        "/.littoral/current",
        "/public/index.html",
        "//secret.txt",
        "/secret.txt",
        "file:///etc/passwd",
        "ftp://site/docs/",
        "http://user:word@site/docs/",
        "*",
        "docs/",
        "?",
        "",
    ] {
        let answer = edge.raw(closing(target)).await;
        assert!((400..500).contains(&status(&answer)), "{target:?} is answered {answer:?}");
        assert!(!answer.contains("keep this") && !answer.contains("root:"), "{target:?}");
        assert!(!answer.to_lowercase().contains("x-injected: yes"), "{target:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_with_two_slashes_is_never_a_way_to_another_host() {
    let edge = TestEdge::with(quick(), |site| site.page("/evil.example/", "<p>ours")).await;
    for target in ["//evil.example", "//evil.example/", "///evil.example", "/%2fevil.example", "//docs", "/docs//"] {
        let answer = edge.raw(closing(target)).await;
        assert!((400..500).contains(&status(&answer)), "{target:?} is answered {answer:?}");
        assert!(!answer.to_lowercase().contains("location:"), "{target:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_refused_and_cut_off() {
    let edge = TestEdge::start().await;
    for bytes in [
        &b"GET\r\n\r\n"[..],
        b"GET /docs/\r\n\r\n",
        b"GET /docs/ HTTP/9.9\r\nHost: a\r\n\r\n",
        b"GET /docs/ HTTP/1.1\r\nHost a\r\n\r\n",
        b"GET /docs/ HTTP/1.1\r\n Host: a\r\n\r\n",
        b"GET /docs/ HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET /docs/ HTTP/1.1\r\nHo\x00st: a\r\n\r\n",
        b"G\xffT /docs/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /do cs/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        b"GET /docs/ HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"GET /docs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 2\r\n\r\n",
        b"POST /docs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /docs/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST /docs/ HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"CONNECT site:443 HTTP/1.1\r\nHost: site\r\nConnection: close\r\n\r\n",
    ] {
        let answer = edge.raw(bytes).await;
        let shown = String::from_utf8_lossy(bytes);
        assert!(answer.is_empty() || (400..506).contains(&status(&answer)), "{shown:?} is answered {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_no_host_or_for_two_is_refused() {
    let edge = TestEdge::start().await;
    // Once before the page is kept in memory, once after.
    for _ in 0..2 {
        let none = edge.raw("GET /docs/ HTTP/1.1\r\nConnection: close\r\n\r\n").await;
        assert_eq!(status(&none), 400, "{none}");
        let two = edge.raw("GET /docs/ HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n").await;
        assert_eq!(status(&two), 400, "{two}");
        assert_eq!(edge.get("/docs/").await.status(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_client_is_answered_and_let_go() {
    let edge = TestEdge::start().await;
    let answer = edge.raw("GET /docs/ HTTP/1.0\r\n\r\n").await;
    assert_eq!(status(&answer), 200);
    assert!(answer.ends_with("<body><p>Docs</p></body>"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absolute_target_is_answered_by_its_path() {
    let edge = TestEdge::start().await;
    let answer = edge.raw(closing("http://site/docs/")).await;
    assert_eq!(status(&answer), 200);
    assert!(answer.ends_with("<body><p>Docs</p></body>"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_sent_at_once_are_answered_in_order() {
    let edge = TestEdge::start().await;
    let one = "GET /docs/ HTTP/1.1\r\nHost: a\r\n\r\n";
    let two = "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = edge.raw([one, two, one, &closing("/robots.txt")].concat()).await;
    assert_eq!(answers(&answer), 4, "{answer}");
    let at = |text: &str| answer.find(text).unwrap_or_else(|| panic!("{text} in {answer}"));
    assert!(at("<p>Docs</p>") < at("The tide took") && at("The tide took") < at("User-agent"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_request_hidden_by_two_lengths_is_not_answered() {
    let edge = TestEdge::start().await;
    let hidden = "GET /robots.txt HTTP/1.1\r\nHost: a\r\n\r\n";
    for head in [
        // To whoever believes the length, the hidden request is body; by the chunks it is a request.
        format!("Content-Length: {}\r\nTransfer-Encoding: chunked", 5 + hidden.len()),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {}", 5 + hidden.len()),
        format!("Transfer-Encoding:\x0bchunked\r\nContent-Length: {}", 5 + hidden.len()),
        "Transfer-Encoding: xchunked".to_owned(),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity".to_owned(),
        "Content-Length: 0\r\nContent-Length: 5".to_owned(),
        "Content-Length: +5".to_owned(),
        "Content-Length: 0x5".to_owned(),
    ] {
        let answer = edge.raw(format!("POST /docs/ HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n0\r\n\r\n{hidden}")).await;
        assert!(!answer.contains("User-agent"), "{head:?} is answered {answer:?}");
        assert!(answers(&answer) <= 1 && (answer.is_empty() || status(&answer) >= 400), "{head:?}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_megabyte_of_header_is_refused_and_cut_off() {
    let edge = TestEdge::start().await;
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n", "a".repeat(1 << 20));
    let answer = edge.raw(long).await;
    // The edge stops reading, so the answer may be lost in the reset of the connection.
    assert!(answer.is_empty() || status(&answer) == 431, "{answer}");
    let just_too_long = format!("GET / HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n", "a".repeat(16 * 1024));
    let answer = edge.raw(just_too_long).await;
    assert!(answer.is_empty() || status(&answer) == 431, "{answer}");
    let many = (0..150).map(|at| format!("X-{at}: a\r\n")).collect::<String>();
    assert_eq!(status(&edge.raw(format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n")).await), 431);
    assert_eq!(edge.get("/docs/").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_too_long_is_refused() {
    let edge = TestEdge::start().await;
    let answer = edge.get(&format!("/{}", "a".repeat(5000))).await;
    assert_eq!(answer.status(), 414);
    let answer = edge.get(&format!("/docs?{}", "a".repeat(5000))).await;
    assert_eq!(answer.status(), 414);
    assert_eq!(header(&answer, "location"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_long_is_refused_by_its_length_and_by_its_bytes() {
    let edge = TestEdge::with(limited(|limits| limits.body_bytes = 1000), |_| {}).await;
    let announced = edge.request(Method::POST, "/_/nothing").body(vec![b'a'; 1001]).send().await.unwrap();
    assert_eq!(announced.status(), 413);
    let chunk = format!("258\r\n{}\r\n", "a".repeat(600));
    let head = "POST /_/nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = edge.raw(format!("{head}{chunk}{chunk}0\r\n\r\n")).await;
    assert_eq!(status(&answer), 413, "{answer}");
    let short = edge.request(Method::POST, "/_/nothing").body(vec![b'a'; 1000]).send().await.unwrap();
    assert_eq!(short.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_in_the_middle_harms_nobody() {
    let edge = TestEdge::start().await;
    for bytes in
        ["", "GE", "GET /docs/ HTTP/1.1\r\nHos", "POST /_/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab"]
    {
        let mut stream = edge.connect().await;
        stream.write_all(bytes.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let answer = read_to_end(&mut stream).await;
        assert!(answer.is_empty() || status(&answer) >= 400, "{bytes:?} is answered {answer:?}");
    }
    assert_eq!(edge.get("/docs/").await.status(), 200);
}
