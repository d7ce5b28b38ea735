//! Fragments: pieces of a static page that are made for each request, and read alone.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use littoral::build::asset::Naming;
use littoral::build::model::Drafts;
use littoral::build::sources::Folder;
use littoral::build::{Request, build};
use littoral::edge::fragment::{Asked, Finding, Found, Source};
use littoral::edge::{Edge, LiveChannel, Options, Refusal};
use littoral::site::release::{Entry, Fragment, Shelf};
use reqwest::{Method, Response};
use serde_json::{Map, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Barrier, Notify};

use crate::browser::Browser;
use crate::support::{Release, TestEdge, header, quick};

/// A machine that runs all tests at once is slow; only what is late on purpose shall be late.
const PATIENT: &str = "budget: 2s";

/// What the tide table of these tests shows: whatever its source does.
type Deed = Arc<dyn Fn(usize) -> Finding<'static> + Send + Sync>;

/// A source that does what a test wants, and counts how often it was asked.
struct Tide {
    asked: AtomicUsize,
    deed: Deed,
}

impl std::fmt::Debug for Tide {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tide")
    }
}

impl Source for Tide {
    fn find<'a>(&'a self, _: &'a Asked) -> Finding<'a> {
        (self.deed)(self.asked.fetch_add(1, Ordering::SeqCst) + 1)
    }
}

fn tide(deed: impl Fn(usize) -> Finding<'static> + Send + Sync + 'static) -> Arc<Tide> {
    Arc::new(Tide { asked: AtomicUsize::new(0), deed: Arc::new(deed) })
}

/// A tide that says how often it was asked.
fn counting() -> Arc<Tide> {
    tide(|number| Box::pin(async move { Ok(found(number)) }))
}

fn found(number: usize) -> Found {
    Found {
        values: Map::from_iter([("number".to_owned(), json!(number))]),
        reads: vec!["tide".parse().unwrap()],
        ..Found::default()
    }
}

/// An edge whose fragment `tide` has this source, and writes `number`.
async fn edge_with(source: &Arc<Tide>, head: &str, add: impl FnOnce(&mut Release)) -> TestEdge {
    let fragments: Vec<(&'static str, Arc<dyn Source>)> = vec![("tide", source.clone())];
    TestEdge::with(Options { fragments, ..quick() }, |site| {
        site.template("fragments/tide", &format!("---\n{head}\n---\n<b>{{{{number}}}}</b>\n"));
        site.moving_page("/tides/", "<p>Low: ", &[("tide", "<i>soon</i>", ".</p>")]);
        add(site);
    })
    .await
}

/// An edge whose page `/tides/` has one fragment: this template.
async fn edge_of(template: &str) -> TestEdge {
    TestEdge::with(quick(), |site| {
        site.template("fragments/tide", template);
        site.moving_page("/tides/", "<p>Low: ", &[("tide", "<i>soon</i>", ".</p>")]);
    })
    .await
}

/// One of the built-in fragments, as the build puts it into a release.
fn built_in(site: &mut Release, name: &str, text: &str) {
    site.template(&format!("fragments/{name}"), &text.replacen("---\n", &format!("---\n{PATIENT}\n"), 1));
}

async fn text(edge: &TestEdge, path: &str) -> String {
    edge.get(path).await.text().await.unwrap()
}

async fn status_and_text(response: Response) -> (u16, String) {
    (response.status().as_u16(), response.text().await.unwrap())
}

const ACCOUNT: &str = include_str!("../../dynamic/fragments/account.hbs");
const PAGES: &str = include_str!("../../dynamic/fragments/pages.hbs");
const RECENTLY_READ: &str = include_str!("../../dynamic/fragments/recently-read.hbs");

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_signed_in_gets_the_page_with_no_cookie_and_no_trace_of_the_element() {
    let edge = TestEdge::with(quick(), |site| {
        built_in(site, "account", ACCOUNT);
        site.moving_page("/", "<nav>", &[("account", "<a href=\"/login\">?</a>", "</nav>")]);
    })
    .await;
    let response = edge.get("/").await;
    let said = ["set-cookie", "etag", "accept-ranges", "content-encoding"].map(|name| header(&response, name));
    assert_eq!(said, [""; 4]);
    assert_eq!(header(&response, "cache-control"), "private, no-store");
    assert!(header(&response, "content-security-policy").contains("default-src 'self'"));
    assert_eq!(response.text().await.unwrap(), "<nav><a href=\"/login\">Sign in</a></nav>");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_declared_arguments_of_the_right_kind_are_taken() {
    let head = "---\nbudget: 2s\nparameters:\n  limit: { type: integer, min: 1, max: 9, default: 3 }\n  \
                place: { type: text, max: 10, default: Dover }\n---\n<b>{{parameters.limit}} {{parameters.place}}</b>";
    let edge = edge_of(head).await;
    for (query, status) in [
        ("limit=10", 422),
        ("limit=0", 422),
        ("limit=1e1", 422),
        ("limit=%31%00", 400),
        ("limit=1&limit=1", 400),
        ("lmit=1", 422),
        ("place=abcdefghijk", 422),
        ("place=%FF", 400),
        ("place=a%1Bb", 422),
        ("LIMIT=1", 422),
        ("parameters=1&now=1&reader=1", 422),
        ("limit[]=1", 422),
    ] {
        assert_eq!(edge.get(&format!("/_/fragment/tide?{query}")).await.status(), status, "{query}");
    }
    let many: String = (0..80).map(|number| format!("p{number}=1&")).collect();
    assert_eq!(edge.get(&format!("/_/fragment/tide?{many}")).await.status(), 400);
    assert_eq!(edge.get(&format!("/_/fragment/tide?place={}", "a".repeat(5000))).await.status(), 414);
    let (status, said) = status_and_text(edge.get("/_/fragment/tide?limit=%3Cb%3E").await).await;
    assert_eq!(status, 422);
    assert!(said.contains("`limit` is a whole number from 1 to 9, not `<b>`") && said.starts_with('{'), "{said}");
    assert_eq!(text(&edge, "/_/fragment/tide?place=%3Cb%3E%26%22&limit=7").await, "<b>7 &lt;b&gt;&amp;&quot;</b>");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_no_fragment_leads_nowhere() {
    let edge = edge_of("<b>1</b>").await;
    for name in [
        "",
        "nosuch",
        "Tide",
        "tide/",
        "tide/x",
        "tide.hbs",
        "..%2Ftide",
        "%74ide",
        "fragments%2Ftide",
        "search/results",
    ] {
        let status = edge.get(&format!("/_/fragment/{name}")).await.status().as_u16();
        assert!(matches!(status, 400 | 404), "{name}: {status}");
    }
    assert_eq!(edge.request(Method::POST, "/_/fragment/tide").send().await.unwrap().status(), 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fragment_that_sleeps_does_not_hold_its_page() {
    let asleep = tide(|_| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            Ok(found(1))
        })
    });
    let edge = edge_with(&asleep, "budget: 100ms", |_| {}).await;
    let begun = Instant::now();
    assert_eq!(text(&edge, "/tides/").await, "<p>Low: <i>soon</i>.</p>");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    // It is left alone for a moment, so that the next does not even wait.
    assert_eq!(text(&edge, "/tides/").await, "<p>Low: <i>soon</i>.</p>");
    assert_eq!(asleep.asked.load(Ordering::SeqCst), 1);
    let alone = edge.get("/_/fragment/tide").await;
    assert_eq!((alone.status().as_u16(), header(&alone, "retry-after").as_str()), (503, "1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_before_a_fragment_is_sent_before_it_comes() {
    let go = Arc::new(Notify::new());
    let waiting = go.clone();
    let late = tide(move |_| {
        let waiting = waiting.clone();
        Box::pin(async move {
            waiting.notified().await;
            Ok(found(1))
        })
    });
    let edge = edge_with(&late, PATIENT, |_| {}).await;
    let mut stream = edge.connect().await;
    stream.write_all(b"GET /tides/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut first = Vec::new();
    while !String::from_utf8_lossy(&first).contains("<p>Low: ") {
        assert!(stream.read_buf(&mut first).await.unwrap() > 0, "it ended early");
    }
    assert!(!String::from_utf8_lossy(&first).contains("</p>"));
    go.notify_one();
    let rest = crate::support::read_to_end(&mut stream).await;
    assert!(rest.contains("<b>1</b>") && rest.contains(".</p>"), "{rest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fragment_that_fails_leaves_its_fallback_and_tells_the_reader_nothing() {
    for template in ["<b>{{nosuch}}</b>", "{{> nosuch}}", "{{> (lookup this \"now\")}}", "{{> fragments/tide}}"] {
        let edge = edge_of(&format!("---\n{PATIENT}\n---\n{template}")).await;
        assert_eq!(text(&edge, "/tides/").await, "<p>Low: <i>soon</i>.</p>", "{template}");
        let (status, said) = status_and_text(edge.get("/_/fragment/tide").await).await;
        assert!(status == 500 && !said.contains("nosuch") && !said.contains("tide"), "{said}");
    }
    let failing = tide(|_| Box::pin(async { Err(Refusal::Fault) }));
    let edge = edge_with(&failing, PATIENT, |_| {}).await;
    assert_eq!(text(&edge, "/tides/").await, "<p>Low: <i>soon</i>.</p>");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_loops_is_stopped_and_takes_no_thread_from_others() {
    // Three to the power of 14 rounds, and as many again for each of `site`'s texts.
    let (begin, end) = ("{{#each @root.site}}".repeat(14), "{{/each}}".repeat(14));
    let looping = format!("---\nbudget: 50ms\n---\n{begin}x{end}");
    let edge = TestEdge::with(quick(), |site| {
        site.template("fragments/loop", &looping);
        site.template("fragments/tide", &format!("---\n{PATIENT}\n---\n<b>1</b>"));
        site.moving_page("/loop/", "", &[("loop", "1", ""), ("loop", "2", ""), ("tide", "", "")]);
    })
    .await;
    let begun = Instant::now();
    for _ in 0..20 {
        assert_eq!(text(&edge, "/loop/").await, "12<b>1</b>");
    }
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fragment_without_end_is_not_kept_in_memory() {
    let (begin, end) = ("{{#each @root.site}}".repeat(9), "{{/each}}".repeat(9));
    let long = format!("---\n{PATIENT}\n---\n{begin}{}{end}", "x".repeat(1000));
    assert_eq!(text(&edge_of(&long).await, "/tides/").await, "<p>Low: <i>soon</i>.</p>");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fragments_of_a_page_are_made_together() {
    // Each waits until all three are being made.
    let all = Arc::new(Barrier::new(3));
    let source = tide(move |_| {
        let all = all.clone();
        Box::pin(async move {
            all.wait().await;
            Ok(found(7))
        })
    });
    let head = format!("{PATIENT}\nparameters: {{ at: {{ type: text, default: a }} }}");
    let edge = edge_with(&source, &head, |site| {
        site.moving_page("/three/", "0", &[("tide", "-", "1"), ("tide?at=b", "-", "2"), ("tide?at=c", "-", "3")]);
    })
    .await;
    assert_eq!(text(&edge, "/three/").await, "0<b>7</b>1<b>7</b>2<b>7</b>3");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_for_one_reader_is_shown_to_no_other() {
    let template = format!(
        "---\n{PATIENT}\ncache: {{ scope: reader, for: 1h }}\n---\n{{{{#if reader.signed_in}}}}{{{{reader.name}}}}{{{{else}}}}nobody{{{{/if}}}}"
    );
    let edge = edge_of(&template).await;
    let (mut ann, mut bob, mut visitor) = (Browser::new(&edge), Browser::new(&edge), Browser::new(&edge));
    ann.register("ann@example.org").await;
    bob.register_as("bob@example.org", "Bob").await;
    for _ in 0..3 {
        for (reader, name) in [(&mut ann, "Ann"), (&mut bob, "Bob"), (&mut visitor, "nobody")] {
            let answer = reader.get("/tides/").await;
            assert_eq!(answer.body, format!("<p>Low: {name}.</p>"));
            assert_eq!(answer.headers["cache-control"], "private, no-store");
            let alone = reader.get("/_/fragment/tide").await;
            assert_eq!(
                (alone.body.as_str(), &alone.headers["cache-control"]),
                (name, &"private, no-store".parse().unwrap())
            );
            assert!(alone.headers.get("etag").is_none());
        }
    }
    ann.submit("/account", "/logout", &[]).await;
    assert_eq!(ann.get("/tides/").await.body, "<p>Low: nobody.</p>");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fragment_for_everyone_is_not_told_who_reads() {
    let head = format!("---\n{PATIENT}\ncache: {{ scope: everyone, for: 1h }}\n---\n");
    let edge = edge_of(&format!("{head}{{{{reader.name}}}}")).await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    assert_eq!(ann.get("/tides/").await.body, "<p>Low: <i>soon</i>.</p>");

    let own = RECENTLY_READ.replacen("scope: reader, for: 0s", "scope: everyone, for: 1h", 1);
    let edge = TestEdge::with(quick(), |site| {
        site.title("/docs/", "Docs");
        built_in(site, "recently-read", &own);
        site.moving_page("/tides/", "<p>", &[("recently-read", "-", "</p>")]);
    })
    .await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    ann.headers = vec![("sec-fetch-site", "same-origin".to_owned())];
    ann.post("/_/read", &[("path", "/docs/")]).await;
    assert_eq!(ann.get("/tides/").await.body, "<p></p>", "it is kept for everyone, so it can be nobody's");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_miss_a_kept_fragment_make_it_once() {
    let go = Arc::new(Notify::new());
    let waiting = go.clone();
    let source = tide(move |number| {
        let waiting = waiting.clone();
        Box::pin(async move {
            waiting.notified().await;
            Ok(found(number))
        })
    });
    let edge = edge_with(&source, &format!("{PATIENT}\ncache: {{ scope: everyone, for: 1h }}"), |_| {}).await;
    let ask = || async {
        let response = edge.get("/tides/").await;
        // Its head is there, so it has begun to wait.
        response.text().await.unwrap()
    };
    let release = async {
        while source.asked.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        go.notify_one();
    };
    let (one, two, three, four, ()) = tokio::join!(ask(), ask(), ask(), ask(), release);
    assert_eq!([one, two, three, four], ["<p>Low: <b>1</b>.</p>"; 4]);
    assert_eq!(source.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_table_is_shown_on_the_next_request() {
    let source = counting();
    let edge = edge_with(&source, &format!("{PATIENT}\ncache: {{ scope: everyone, for: 1h }}"), |_| {}).await;
    assert_eq!(text(&edge, "/tides/").await, "<p>Low: <b>1</b>.</p>");
    assert_eq!(text(&edge, "/tides/").await, "<p>Low: <b>1</b>.</p>");
    edge.edge.changed(&"price".parse().unwrap());
    assert_eq!(text(&edge, "/_/fragment/tide").await, "<b>1</b>");
    edge.edge.changed(&"tide".parse().unwrap());
    assert_eq!(text(&edge, "/tides/").await, "<p>Low: <b>2</b>.</p>");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_fragments_are_at_hand_has_a_tag_of_them_all() {
    let source = counting();
    let edge = edge_with(&source, &format!("{PATIENT}\ncache: {{ scope: everyone, for: 1h }}"), |_| {}).await;
    let first = edge.get("/tides/").await;
    assert_eq!((header(&first, "etag").as_str(), header(&first, "cache-control").as_str()), ("", "no-store"));
    first.text().await.unwrap();

    let second = edge.get("/tides/").await;
    let tag = header(&second, "etag");
    assert_eq!(header(&second, "cache-control"), "public, max-age=0, must-revalidate");
    assert_eq!(header(&second, "content-length"), "21");
    assert_eq!(second.text().await.unwrap(), "<p>Low: <b>1</b>.</p>");
    let third = edge.get_with("/tides/", &[("if-none-match", &tag)]).await;
    assert_eq!(third.status(), 304);
    assert_eq!(edge.get_with("/tides/", &[("if-match", "\"other\"")]).await.status(), 412);
    let part = edge.get_with("/tides/", &[("range", "bytes=0-3")]).await;
    assert_eq!((part.status().as_u16(), header(&part, "accept-ranges").as_str()), (200, ""));

    edge.edge.changed(&"tide".parse().unwrap());
    assert_eq!(
        edge.get_with("/tides/", &[("if-none-match", &tag)]).await.text().await.unwrap(),
        "<p>Low: <b>2</b>.</p>"
    );
    assert_ne!(header(&edge.get("/tides/").await, "etag"), tag);
}

/// As clients read it that no library stands before.
fn unzipped(bytes: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_page_is_sent_as_gzip_with_its_fragments_in_it() {
    let source = counting();
    let words = "<p>Low water at six, high water at noon.</p>".repeat(100);
    let edge = edge_with(&source, &format!("{PATIENT}\ncache: {{ scope: everyone, for: 1h }}"), |site| {
        site.moving_page("/long/", &words, &[("tide", "-", &words), ("nosuch", "-", &words)]);
        site.template("fragments/nosuch", &format!("---\n{PATIENT}\n---\n{{{{nosuch}}}}"));
        site.moving_page("/kept/", &words, &[("tide", "-", &words)]);
    })
    .await;
    let gzip = [("accept-encoding", "gzip, br")];
    for _ in 0..2 {
        let page = edge.get_with("/long/", &gzip).await;
        assert_eq!(
            (header(&page, "content-encoding").as_str(), header(&page, "vary").as_str()),
            ("gzip", "accept-encoding")
        );
        let bytes = page.bytes().await.unwrap();
        assert!(bytes.len() < 1000, "{}", bytes.len());
        assert_eq!(unzipped(&bytes), format!("{words}<b>1</b>{words}-{words}"));
    }
    let plain = edge.get_with("/kept/", &[("accept-encoding", "gzip;q=0.5, identity")]).await;
    assert_eq!(header(&plain, "content-encoding"), "");
    let squeezed = edge.get_with("/kept/", &gzip).await;
    let tag = header(&squeezed, "etag");
    assert!(tag.ends_with("-gzip\"") && !header(&plain, "etag").ends_with("-gzip\""), "{tag}");
    assert_eq!(plain.text().await.unwrap(), unzipped(&squeezed.bytes().await.unwrap()));
    let head = edge.request(Method::HEAD, "/kept/").header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!((header(&head, "etag"), header(&head, "content-encoding").as_str()), (tag.clone(), "gzip"));
    let known = edge.get_with("/kept/", &[gzip[0], ("if-none-match", &tag)]).await;
    assert_eq!((known.status().as_u16(), known.bytes().await.unwrap().len()), (304, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_answered_without_making_anything() {
    let source = counting();
    let edge = edge_with(&source, PATIENT, |_| {}).await;
    let head = edge.request(Method::HEAD, "/tides/").send().await.unwrap();
    assert_eq!((head.status().as_u16(), header(&head, "content-type").as_str()), (200, "text/html; charset=utf-8"));
    assert_eq!((header(&head, "content-length").as_str(), head.text().await.unwrap().as_str()), ("", ""));
    assert_eq!(source.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_without_fragments_is_what_it_was() {
    let edge = edge_of("<b>1</b>").await;
    let plain = edge.get("/docs/").await;
    assert_eq!((header(&plain, "accept-ranges").as_str(), header(&plain, "etag").len()), ("bytes", 34));
    assert!(header(&plain, "cache-control").starts_with("public"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fragment_alone_is_a_piece_of_html_and_is_revalidated() {
    let edge = edge_of(&format!("---\n{PATIENT}\ncache: {{ scope: everyone, for: 1h }}\n---\n\n<b>1</b>\n")).await;
    let piece = edge.get("/_/fragment/tide").await;
    assert_eq!(header(&piece, "content-type"), "text/html; charset=utf-8");
    assert_eq!(header(&piece, "cache-control"), "public, max-age=0, must-revalidate");
    let tag = header(&piece, "etag");
    assert_eq!(piece.text().await.unwrap(), "<b>1</b>");
    let again = edge.get_with("/_/fragment/tide", &[("if-none-match", &tag)]).await;
    assert_eq!(status_and_text(again).await, (304, String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_script_is_small_and_fills_what_no_edge_has_filled() {
    let script = TestEdge::start().await.get("/_/fragment.js").await;
    assert_eq!(header(&script, "content-type"), "text/javascript; charset=utf-8");
    let script = script.text().await.unwrap();
    assert!(script.len() < 2048 && script.contains("littoral-fragment[src]"), "{}", script.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_reader_left_off_is_shown_to_that_reader() {
    let edge = TestEdge::with(quick(), |site| {
        site.title("/docs/", "The <docs>");
        site.title("/docs/été/", "Summer");
        built_in(site, "recently-read", RECENTLY_READ);
        site.moving_page("/", "<nav>", &[("recently-read?limit=1", "Nothing yet", "</nav>")]);
    })
    .await;
    let mut ann = Browser::new(&edge);
    assert_eq!(ann.get("/").await.body, "<nav></nav>");
    ann.register("ann@example.org").await;
    ann.headers = vec![("sec-fetch-site", "same-origin".to_owned())];
    ann.post("/_/read", &[("path", "/docs/")]).await;
    ann.post("/_/read", &[("path", "/docs/%C3%A9t%C3%A9/"), ("position", "0.42")]).await;
    let page = ann.get("/").await.body;
    assert!(
        page.contains("<a class=\"title\" href=\"/docs/%C3%A9t%C3%A9/\">Summer</a> <span class=\"count\">42 %</span>"),
        "{page}"
    );
    assert!(!page.contains("docs&gt;"), "one was asked for: {page}");
    assert_eq!(edge.get("/_/fragment/recently-read?limit=51").await.status(), 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_the_release_are_listed_where_the_page_wants_them() {
    let edge = TestEdge::with(quick(), |site| {
        site.title("/docs/", "Docs");
        site.title("/docs/été/", "Summer");
        built_in(site, "pages", PAGES);
        site.moving_page("/list/", "<div>", &[("pages?below=%2Fdocs%2F&leaves=true", "", "</div>")]);
    })
    .await;
    let page = text(&edge, "/list/").await;
    assert!(
        page.contains("<a class=\"title\" href=\"/docs/%C3%A9t%C3%A9/\">Summer</a>") && !page.contains(">Docs<"),
        "{page}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_places_what_it_does_not_have_is_refused() {
    let refused = |call: &str, spoil: fn(&mut Release)| {
        let folder = tempfile::tempdir().unwrap();
        let mut site = Release::in_folder(folder.path());
        site.template("fragments/tide", "---\nparameters: { limit: { type: integer, default: 3 } }\n---\n");
        site.moving_page("/tides/", "a", &[(call, "b", "c")]);
        spoil(&mut site);
        site.publish();
        Edge::open(folder.path(), quick()).unwrap_err().to_string()
    };
    let said = "`/tides/` of the release places a fragment that is not in it: build again";
    assert_eq!(refused("nosuch", |_| {}), said);
    assert_eq!(refused("tide?limit=x", |_| {}), said);
    assert_eq!(refused("tide", |site| site.manifest.entries.last_mut().unwrap().fragments[0].element.1 = 9999), said);
}

/// A shell in which stands who is signed in.
pub fn dress_with_account(site: &mut Release) {
    built_in(site, "account", ACCOUNT);
    // A hole right before the fragment, one right behind it, and one far away.
    let begin = "<!doctype html><title></title><nav>";
    let (open, close) = ("<littoral-fragment src=\"/_/fragment/account\">", "</littoral-fragment>");
    let shell = [begin, open, "<a>?</a>", close, "</nav>"].concat();
    site.shell(&shell, "", "", "");
    let from = begin.len() + open.len();
    let to = from + "<a>?</a>".len();
    let shell = site.manifest.shells.get_mut("page").unwrap();
    shell.holes = vec![
        ("title".to_owned(), begin.len() - "</title><nav>".len()),
        ("head".to_owned(), begin.len()),
        ("main".to_owned(), to + close.len()),
    ];
    let (name, query) = ("account".to_owned(), String::new());
    shell.fragments.push(Fragment { name, query, element: (begin.len(), to + close.len()), fallback: (from, to) });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dynamic_page_has_the_fragments_of_its_dress() {
    let edge = TestEdge::with(quick(), dress_with_account).await;
    let mut ann = Browser::new(&edge);
    let page = ann.get("/register").await.body;
    let (head, rest) = page.split_once("<a href=\"/login\">Sign in</a>").expect(&page);
    assert!(head.ends_with("<meta name=\"robots\" content=\"noindex\">") && rest.ends_with("</nav>"), "{page}");
    assert!(rest.starts_with("\n<") || rest.starts_with('<'), "{page}");
    assert!(!page.contains("littoral-fragment") && page.contains("name=\"csrf\""), "{page}");
    ann.register("ann@example.org").await;
    assert!(ann.get("/account").await.body.contains("<a href=\"/account\">Ann</a>"));
    assert!(ann.get("/nowhere-at-all").await.status == 404);
    let head = edge.request(Method::HEAD, "/register").send().await.unwrap();
    assert_eq!((head.status().as_u16(), header(&head, "content-length").as_str()), (200, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_page_has_its_fragments_and_the_watchers_script_behind_them() {
    let live = Some(LiveChannel::new("/* watch */"));
    let edge = TestEdge::with(Options { live, ..quick() }, |site| {
        site.template(
            "fragments/tide",
            &format!("---\n{PATIENT}\ncache: {{ scope: everyone, for: 1h }}\n---\n<b>1</b>"),
        );
        site.moving_page("/tides/", "<body>", &[("tide", "</body>", "<p>"), ("tide", "-", "</p></body>")]);
    })
    .await;
    for _ in 0..2 {
        let page = edge.get("/tides/").await;
        assert_eq!((header(&page, "etag").as_str(), header(&page, "cache-control").as_str()), ("", "no-store"));
        let script = "<script src=\"/_/watch.js\" defer></script>";
        assert_eq!(page.text().await.unwrap(), format!("<body><b>1</b><p><b>1</b></p>{script}</body>"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_built_a_moment_ago_has_its_fragments_before_its_release_stands() {
    let mut made = None;
    let edge = TestEdge::with(quick(), |site| {
        site.template("fragments/tide", &format!("---\n{PATIENT}\n---\n<b>1</b>"));
        site.moving_page("/tides/", "old ", &[("tide", "-", "")]);
        site.moving_page("/new/", "new ", &[("tide", "-", "")]);
        made = site.manifest.entries.pop();
    })
    .await;
    assert_eq!(edge.get("/new/").await.status(), 404);
    let made = made.unwrap();
    edge.edge.answer_from(&[made.clone(), Entry { path: "/tides/".to_owned(), ..made }]);
    assert_eq!(text(&edge, "/new/").await, "new <b>1</b>");
    assert_eq!(text(&edge, "/tides/").await, "new <b>1</b>");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_release_brings_new_fragments() {
    let edge = edge_of(&format!("---\n{PATIENT}\ncache: {{ scope: everyone, for: 1h }}\n---\n<b>old</b>")).await;
    assert_eq!(text(&edge, "/tides/").await, "<p>Low: <b>old</b>.</p>");
    edge.publish(|site| {
        site.template("fragments/tide", &format!("---\n{PATIENT}\n---\n<b>new</b>"));
        site.moving_page("/tides/", "<p>High: ", &[("tide", "<i>soon</i>", ".</p>")]);
    });
    crate::support::wait_for(&edge, "/tides/", |body| body == "<p>High: <b>new</b>.</p>").await;
}

/// The build has measured the places; if one were wrong by a byte, it would show here.
#[tokio::test(flavor = "multi_thread")]
async fn a_site_as_the_build_makes_it_is_filled_from_end_to_end() {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("littoral.yaml", "title: Été\nsearch: false\nfeed: { limit: 0 }\n"),
        ("layouts/page.hbs", "<p>é {{#fragment \"tide\" at=page.title}}<i>soon</i>{{/fragment}}</p>{{content}}é"),
        (
            "layouts/shell.hbs",
            "é{{hole \"head\"}}{{fragment \"tide\"}}{{page.title}}é<main>{{content}}</main>{{fragment \"tide\" at=\"end\"}}é",
        ),
        (
            "dynamic/fragments/tide.hbs",
            "---\nbudget: 2s\nparameters: { at: { type: text, default: é } }\n---\n<b>{{parameters.at}}</b>\n",
        ),
        (
            "content/low.md",
            "---\ntitle: Low & é\n---\nIn é {{ fragment(\"tide\") }}.\n\n{% fragment(\"tide\", at=\"x\") %}\n*soon*\n{% end %}\n",
        ),
    ] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let sources = Folder::new(folder.path(), None, jiff::civil::date(2026, 1, 1));
    let request = Request {
        shelf: Shelf::of(folder.path()),
        sources: &sources,
        drafts: Drafts::Hidden,
        naming: Naming::Digest,
        progress: &|_| {},
        ready: &|_| {},
    };
    let report = build(&request).unwrap();
    assert!(!report.has_errors(), "{:?}", report.diagnostics);
    let edge = TestEdge::serve(folder, quick()).await;
    let page = text(&edge, "/low/").await;
    assert_eq!(page, "<p>é <b>Low &amp; é</b></p><p>In é <b>é</b>.</p>\n<b>x</b>\né");
    let dynamic = text(&edge, "/login").await;
    let (before, after) = dynamic.split_once("<main>").unwrap();
    assert!(before.starts_with('é') && before.contains("<b>é</b>Sign in") && before.ends_with('é'), "{dynamic}");
    assert!(after.ends_with("</main><b>end</b>é"), "{dynamic}");
}
