//! Time: silent and slow clients are let go, requests in flight are let finish. Nothing
//! here sleeps for luck: the limits are short, and the edge closing the connection ends the wait.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{PATIENCE, TestEdge, limited, quick, read_to_end};

const SHORT: Duration = Duration::from_millis(60);
const LONG: Duration = Duration::from_secs(600);

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_says_nothing_is_let_go() {
    let edge = TestEdge::with(limited(|limits| (limits.head, limits.idle) = (SHORT, LONG)), |_| {}).await;
    assert_eq!(read_to_end(&mut edge.connect().await).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_preface_of_http2_does_not_hold_a_connection() {
    let edge = TestEdge::with(limited(|limits| (limits.head, limits.idle) = (SHORT, LONG)), |_| {}).await;
    assert_eq!(edge.raw("PRI * HTTP/2.0\r\n").await, "");
}

/// What an HTTP/2 client says first: the preface, and settings that set nothing.
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0\x2atides\x2a\x2a";
/// `GET /docs/` on stream 1, by the static table (RFC 7541), its end left out.
const HALF_A_HEAD: &[u8] = b"\0\0\x02\x01\x01\0\0\0\x01\x82\x86";
const REST_OF_IT: &[u8] = b"\0\0\x0b\x09\x04\0\0\0\x01\x04\x06/docs/\x41\x01a";

/// Pings until the edge closes the connection; what it has said by then.
async fn ping_until_closed(stream: TcpStream) -> Vec<u8> {
    let (mut reading, mut writing) = stream.into_split();
    let pings = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        while writing.write_all(PING).await.is_ok() {
            ticks.tick().await;
        }
    });
    let mut all = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, reading.read_to_end(&mut all)).await;
    assert!(ended.is_ok(), "the edge must close the connection");
    tokio::time::timeout(PATIENCE, pings).await.unwrap().unwrap();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_http2_that_only_pings_is_let_go() {
    let edge = TestEdge::with(limited(|limits| (limits.head, limits.idle) = (SHORT, LONG)), |_| {}).await;
    let mut stream = edge.connect().await;
    stream.write_all(HELLO).await.unwrap();
    let said = ping_until_closed(stream).await;
    assert!(said.windows(8).any(|part| part == &PING[9..]), "it was an HTTP/2 connection, and answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_http2_that_opens_no_stream_is_let_go() {
    let edge = TestEdge::with(limited(|limits| (limits.head, limits.idle) = (SHORT, LONG)), |_| {}).await;
    let mut stream = edge.connect().await;
    stream.write_all(HELLO).await.unwrap();
    read_to_end(&mut stream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preface_in_pieces_is_no_way_round() {
    let edge = TestEdge::with(limited(|limits| (limits.head, limits.idle) = (SHORT, LONG)), |_| {}).await;
    let mut stream = edge.connect().await;
    for piece in HELLO.chunks(5) {
        stream.write_all(piece).await.unwrap();
        stream.flush().await.unwrap();
        tokio::task::yield_now().await;
    }
    ping_until_closed(stream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_head_of_http2_does_not_hold_a_connection() {
    let edge = TestEdge::with(limited(|limits| (limits.head, limits.idle) = (SHORT, LONG)), |_| {}).await;
    let mut stream = edge.connect().await;
    stream.write_all(&[HELLO, HALF_A_HEAD].concat()).await.unwrap();
    read_to_end(&mut stream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_http2_that_pings_after_its_request_is_let_go_when_idle() {
    let edge = TestEdge::with(limited(|limits| (limits.head, limits.idle) = (LONG, SHORT)), |_| {}).await;
    let mut stream = edge.connect().await;
    stream.write_all(&[HELLO, HALF_A_HEAD, REST_OF_IT].concat()).await.unwrap();
    let said = ping_until_closed(stream).await;
    assert!(String::from_utf8_lossy(&said).contains("<p>Docs</p>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_head_does_not_hold_a_connection() {
    let edge = TestEdge::with(limited(|limits| (limits.head, limits.idle) = (SHORT, LONG)), |_| {}).await;
    assert_eq!(edge.raw("GET /docs/ HTTP/1.1\r\nHost: a\r\n").await, "");
    // Also when it is the second on its connection.
    let mut stream = edge.connect().await;
    stream.write_all(b"GET /docs/ HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    stream.read_exact(&mut [0; 12]).await.unwrap();
    stream.write_all(b"GET /docs/ HTT").await.unwrap();
    assert!(read_to_end(&mut stream).await.ends_with("</body>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_trickles_in_is_cut_off() {
    let edge = TestEdge::with(limited(|limits| (limits.head, limits.idle) = (SHORT, LONG)), |_| {}).await;
    let (mut reading, mut writing) = edge.connect().await.into_split();
    let trickle = tokio::spawn(async move {
        writing.write_all(b"GET /docs/ HTTP/1.1\r\nHost: a\r\n").await?;
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        loop {
            ticks.tick().await;
            writing.write_all(b"X: y\r\n").await?;
        }
        #[allow(unreachable_code, reason = "gives the block its type")]
        std::io::Result::Ok(())
    });
    let mut all = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, reading.read_to_end(&mut all)).await;
    assert!(ended.is_ok(), "the edge must close the connection");
    assert!(!String::from_utf8_lossy(&all).contains("200 OK"));
    assert!(tokio::time::timeout(PATIENCE, trickle).await.unwrap().unwrap().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_another_request_is_closed() {
    let edge = TestEdge::with(limited(|limits| (limits.head, limits.idle) = (LONG, SHORT)), |_| {}).await;
    let answer = edge.raw("GET /docs/ HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("</body>"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_nothing_of_a_long_file_is_let_go() {
    let options = limited(|limits| (limits.head, limits.idle, limits.connections) = (LONG, SHORT, 1));
    let edge = TestEdge::with(options, |site| {
        let film = vec![7; 64 << 20];
        site.file("/film.mp4", "video/mp4", littoral::site::release::CacheClass::Revalidate, &film);
    })
    .await;
    let mut stalled = edge.connect().await;
    stalled.write_all(b"GET /film.mp4 HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    // The one connection there may be is the stalled one's, until the edge gives it up.
    assert_eq!(edge.get("/docs/").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_arrive_is_answered_in_time() {
    let edge = TestEdge::with(limited(|limits| limits.body = SHORT), |_| {}).await;
    let answer = edge.raw("POST /_/nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_may_take_longer_than_a_head() {
    let edge = TestEdge::with(limited(|limits| limits.head = SHORT), |_| {}).await;
    let mut stream = edge.connect().await;
    let head = b"POST /_/nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 30\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let mut ticks = tokio::time::interval(SHORT / 10);
    for _ in 0..30 {
        ticks.tick().await;
        stream.write_all(b"a").await.unwrap();
    }
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_connections_are_served_than_may_be_and_the_rest_waits() {
    let edge = TestEdge::with(limited(|limits| limits.connections = 1), |_| {}).await;
    let mut first = edge.connect().await;
    first.write_all(b"GET /docs/ HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut chunk = [0; 64];
    first.read_exact(&mut chunk).await.unwrap();
    let mut second = edge.connect().await;
    second.write_all(b"GET /docs/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    drop(first);
    let answer = read_to_end(&mut second).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_that_is_told_to_stop_finishes_the_request_it_has() {
    let mut edge = TestEdge::with(quick(), |_| {}).await;
    let mut stream = edge.connect().await;
    let head = b"POST /_/nothing HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    stream.write_all(head).await.unwrap();
    // The edge asks for the body: the request is in flight.
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    edge.tell_to_stop();
    while TcpStream::connect(edge.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    stream.write_all(b"ab").await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    tokio::time::timeout(PATIENCE, edge.stop()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_flight_cannot_keep_the_edge_from_stopping() {
    let mut edge = TestEdge::with(limited(|limits| limits.grace = SHORT), |_| {}).await;
    let mut stream = edge.connect().await;
    let head = b"POST /_/nothing HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.unwrap();
    edge.tell_to_stop();
    tokio::time::timeout(PATIENCE, edge.stop()).await.unwrap();
    assert_eq!(read_to_end(&mut stream).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn this_machine_may_have_all_the_connections_there_are() {
    let edge = TestEdge::with(limited(|limits| limits.connections_each = 1), |_| {}).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = edge.connect().await;
        stream.write_all(b"GET /docs/ HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut status = [0; 15];
        stream.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 200 OK");
        held.push(stream);
    }
}
