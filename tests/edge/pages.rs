//! Dynamic pages in the site's dress, refusals, and what a room may rely on.

use littoral::edge::room::{self, Response};
use littoral::edge::{Edge, Options, Page, Refusal};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use warp::filters::BoxedFilter;
use warp::{Filter, Reply};

use crate::support::{TestEdge, header, quick};

/// A room such as there are many: a page, a form, and two handlers with faults.
fn harbour(edge: Edge) -> BoxedFilter<(Response,)> {
    #[derive(Deserialize)]
    struct Landing {
        ship: String,
    }
    let show = warp::path!("harbour").and(room::get()).map(|| {
        warp::reply::with_header(
            Page::new("harbour/show", "Ships & <boats>", json!({ "ship": "<Gull>" })),
            "set-cookie",
            "seen=1",
        )
        .into_response()
    });
    let land = warp::path!("harbour").and(room::post()).and(warp::body::form()).then(async |landing: Landing| {
        room::answer(match landing.ship.as_str() {
            "Ghost" => Err(Refusal::Invalid("there is no ship called Ghost".into())),
            ship => Ok(Page::notice("Landed", format!("{ship} has landed"))),
        })
    });
    let who =
        warp::path!("harbour" / "who").and(room::get()).and(room::peer()).and(room::with(edge)).map(
            |peer: room::Peer, edge: Edge| format!("{} {}", peer.0.ip(), edge.release().site.title).into_response(),
        );
    let wreck = warp::path!("harbour" / "wreck").and(room::get()).map(|| -> Response { panic!("on the rocks") });
    let fault = warp::path!("harbour" / "fault").and(room::get()).map(|| {
        let cause = std::io::Error::other("the secret cause");
        Refusal::fault("the harbour failed", &cause).into_response()
    });
    let api = warp::path!("_" / "harbour")
        .and(room::post())
        .and(warp::body::json())
        .map(|ship: Landing| warp::reply::json(&json!({ "landed": ship.ship })).into_response());
    show.or(land).unify().or(who).unify().or(wreck).unify().or(fault).unify().or(api).unify().boxed()
}

async fn with_harbour() -> TestEdge {
    let options = Options { rooms: vec![harbour], ..quick() };
    TestEdge::with(options, |site| site.template("harbour/show", "<p>{{ship}}</p>")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dynamic_page_wears_the_shell_and_escapes_what_it_is_given() {
    let edge = with_harbour().await;
    let answer = edge.get("/harbour").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(header(&answer, "content-type"), "text/html; charset=utf-8");
    assert_eq!(header(&answer, "cache-control"), "private, no-store");
    assert_eq!(header(&answer, "set-cookie"), "seen=1");
    let policy = header(&answer, "content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
    let expected = "<!doctype html><title>Ships &amp; &lt;boats&gt;</title><meta name=\"robots\" content=\"noindex\">\
                    <main class=\"shell\"><p>&lt;Gull&gt;</p></main></body>";
    assert_eq!(answer.text().await.unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_read_and_refused_by_its_words() {
    let edge = with_harbour().await;
    let landed = edge.request(Method::POST, "/harbour").form(&[("ship", "Gull")]).send().await.unwrap();
    assert_eq!(landed.status(), 200);
    assert!(landed.text().await.unwrap().contains("<h1>Landed</h1>\n<p>Gull has landed</p>"));
    let refused = edge.request(Method::POST, "/harbour").form(&[("ship", "Ghost")]).send().await.unwrap();
    assert_eq!(refused.status(), 422);
    assert!(refused.text().await.unwrap().contains("there is no ship called Ghost"));
    let without = edge.request(Method::POST, "/harbour").form(&[("boat", "Gull")]).send().await.unwrap();
    assert_eq!(without.status(), 400);
    let json = edge.request(Method::POST, "/harbour").json(&json!({ "ship": "Gull" })).send().await.unwrap();
    assert_eq!(json.status(), 415);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_of_two_routes_allows_what_both_allow() {
    let edge = with_harbour().await;
    let answer = edge.request(Method::DELETE, "/harbour").send().await.unwrap();
    assert_eq!(answer.status(), 405);
    assert_eq!(header(&answer, "allow"), "GET, HEAD, POST, OPTIONS");
    let answer = edge.request(Method::OPTIONS, "/harbour").send().await.unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(header(&answer, "allow"), "GET, HEAD, POST, OPTIONS");
    assert_eq!(edge.request(Method::POST, "/harbour/who").send().await.unwrap().status(), 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_get_json_also_when_they_are_refused() {
    let edge = with_harbour().await;
    let answer = edge.request(Method::POST, "/_/harbour").json(&json!({ "ship": "Gull" })).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), r#"{"landed":"Gull"}"#);
    let refused = edge.request(Method::POST, "/_/harbour").body("{").send().await.unwrap();
    assert_eq!(refused.status(), 400);
    assert_eq!(header(&refused, "content-type"), "application/json");
    let missing = edge.get("/_/nothing").await;
    assert_eq!(missing.status(), 404);
    assert!(missing.text().await.unwrap().starts_with(r#"{"error":"There is no such page""#));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_knows_its_edge_and_its_peer() {
    let edge = with_harbour().await;
    assert_eq!(edge.get("/harbour/who").await.text().await.unwrap(), "127.0.0.1 Tides");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_ends_its_own_request_only() {
    let edge = with_harbour().await;
    assert_eq!(edge.get("/harbour/wreck").await.status(), 500);
    assert_eq!(edge.get("/docs/").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_ours_tells_nothing_of_its_cause() {
    let edge = with_harbour().await;
    let answer = edge.get("/harbour/fault").await;
    assert_eq!(answer.status(), 500);
    let text = answer.text().await.unwrap();
    assert!(text.contains("It is not your fault") && !text.contains("secret"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_template_fails_is_a_fault_of_ours() {
    let options = Options { rooms: vec![harbour], ..quick() };
    for template in [None, Some("{{missing}}")] {
        let edge = TestEdge::with(options.clone(), |site| {
            if let Some(template) = template {
                site.template("harbour/show", template);
            }
        })
        .await;
        let answer = edge.get("/harbour").await;
        assert_eq!(answer.status(), 500);
        let text = answer.text().await.unwrap();
        assert!(text.contains("<h1>Something went wrong here</h1>") && !text.contains("harbour/show"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_without_shell_and_404_page_is_answered_plainly_and_offers_its_search() {
    let folder = tempfile::tempdir().unwrap();
    let mut site = crate::support::Release::empty_in(folder.path());
    site.manifest.search = Some("index".to_owned());
    site.publish();
    drop(site);
    let edge = TestEdge::serve(folder, quick()).await;
    let answer = edge.get("/docs/old-page.html?x=1").await;
    assert_eq!(answer.status(), 404);
    let text = answer.text().await.unwrap();
    assert!(text.contains("<title>There is no such page</title>"), "{text}");
    assert!(text.contains(r#"name="q" type="search" value="docs old page""#), "{text}");
    let hostile = edge.get("/%22%3E%3Cscript%3E").await.text().await.unwrap();
    assert!(!hostile.contains("<script>"), "{hostile}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_includes_itself_is_our_fault_and_not_the_end_of_the_edge() {
    let edge = TestEdge::with(quick(), |site| {
        site.title("/docs/", "Docs");
        site.template("listing/page", "{{#if true}}{{> listing/list}}{{/if}}");
        site.template("listing/list", "{{#if true}}{{> listing/page}}{{/if}}");
    })
    .await;
    assert_eq!(edge.get("/_/pages/view").await.status(), 500);
    assert_eq!(edge.get("/docs/").await.status(), 200);
}
