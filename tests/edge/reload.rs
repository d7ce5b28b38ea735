//! A new release is taken between two requests; a damaged one is not.

use std::fs;

use littoral::edge::{Edge, EdgeError, LiveRelease, Options, Statics};
use littoral::site::release::{BuildId, FORMAT, Shelf, ShelfError};

use crate::support::{TestEdge, header, quick, wait_for};

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_without_a_release_does_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let error = Edge::open(folder.path(), Options::default()).unwrap_err();
    assert!(matches!(error, EdgeError::Release(ShelfError::NoRelease)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_release_is_served_without_a_restart() {
    let edge = TestEdge::start().await;
    assert_eq!(edge.get("/new/").await.status(), 404);
    edge.publish(|site| {
        site.page("/new/", "<p>new");
        site.page("/docs/", "<p>changed");
    });
    wait_for(&edge, "/new/", |body| body == "<p>new").await;
    assert_eq!(edge.get("/docs/").await.text().await.unwrap(), "<p>changed");
    assert_eq!(edge.get("/").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_or_unknown_release_leaves_the_old_one_and_the_next_is_taken() {
    let edge = TestEdge::start().await;
    let shelf = Shelf::of(edge.folder.path());
    let live = edge.edge.release().id;
    let name_current = |text: &str| {
        let beside = shelf.derived().join("beside");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, shelf.current_file()).unwrap();
    };
    // A manifest of a later program, one that is not what its name says, one that is not there.
    let manifest = fs::read_to_string(shelf.manifest_file(live)).unwrap();
    let later = manifest.replacen(&format!("\"format\":{FORMAT}"), &format!("\"format\":{}", FORMAT + 1), 1);
    let later_id = BuildId::of(later.as_bytes());
    fs::write(shelf.manifest_file(later_id), &later).unwrap();
    let torn_id = BuildId::of(b"torn");
    fs::write(shelf.manifest_file(torn_id), "{").unwrap();
    for current in [
        later_id.to_string(),
        torn_id.to_string(),
        BuildId::of(b"absent").to_string(),
        "no id".to_owned(),
        String::new(),
    ] {
        name_current(&current);
        assert!(edge.edge.reload().await.is_err(), "{current}");
        assert_eq!(edge.edge.release().id, live);
        assert_eq!(edge.get("/docs/").await.status(), 200);
    }
    edge.publish(|site| site.page("/docs/", "<p>whole again"));
    wait_for(&edge, "/docs/", |body| body == "<p>whole again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_whose_template_is_damaged_is_not_taken() {
    let edge = TestEdge::start().await;
    let live = edge.edge.release().id;
    for text in ["{{#if}", "{{/if}}", "{{> }}"] {
        edge.publish(|site| site.template("search/results", text));
        let error = LiveRelease::load(edge.edge.shelf()).unwrap_err();
        assert!(error.to_string().starts_with("the template `dynamic/search/results.hbs` cannot be used"), "{error}");
        assert_eq!(edge.edge.release().id, live);
    }
    edge.publish(|site| site.template("tree/node", "{{#each children}}{{> tree/node}}{{/each}}"));
    assert!(LiveRelease::load(edge.edge.shelf()).is_ok(), "a tree ends where its data ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_object_has_gone_with_its_release_is_answered_from_the_new_one() {
    // Looks so seldom that only the missing object can make it look.
    let seldom = Options { follow_every: std::time::Duration::from_secs(3600), ..quick() };
    let edge = TestEdge::with(seldom, |_| {}).await;
    assert_eq!(edge.get("/").await.status(), 200);
    let shelf = Shelf::of(edge.folder.path());
    fs::remove_dir_all(shelf.derived().join("objects")).unwrap();
    edge.publish(|site| site.page("/docs/", "<p>new"));
    let gone = shelf.manifest(edge.edge.release().id).unwrap();
    let docs = gone.entries.iter().find(|entry| entry.path == "/docs/").unwrap();
    let _ = fs::remove_file(shelf.object_file(docs.object));
    assert_eq!(edge.get("/docs/").await.text().await.unwrap(), "<p>new");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_gone_or_damaged_is_never_served() {
    let edge = TestEdge::start().await;
    let shelf = Shelf::of(edge.folder.path());
    let manifest = shelf.manifest(edge.edge.release().id).unwrap();
    let object_of =
        |path: &str| shelf.object_file(manifest.entries.iter().find(|entry| entry.path == path).unwrap().object);
    fs::remove_file(object_of("/docs/")).unwrap();
    let robots = object_of("/robots.txt");
    let length = fs::metadata(&robots).unwrap().len() as usize;
    fs::remove_file(&robots).unwrap();
    fs::write(&robots, "x".repeat(length)).unwrap();
    for path in ["/docs/", "/robots.txt"] {
        let answer = edge.get(path).await;
        assert_eq!(answer.status(), 503, "{path}");
        assert_eq!(header(&answer, "retry-after"), "1");
        assert!(!answer.text().await.unwrap().contains("objects"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_file_server_only_what_is_dynamic_is_answered() {
    let edge = TestEdge::with(Options { statics: Statics::LeftToOthers, ..quick() }, |_| {}).await;
    for path in ["/docs/", "/docs", "/old/"] {
        let answer = edge.get(path).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert!(answer.text().await.unwrap().contains("The tide took this page."));
    }
    assert_eq!(edge.get("/_/health").await.status(), 200);
}
