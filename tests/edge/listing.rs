//! The list of pages that the edge makes at the moment it is asked.

use crate::support::{TestEdge, quick};

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_no_number_is_refused_with_what_is_expected() {
    let edge = TestEdge::start().await;
    for wrong in ["0", "101", "-1", "many", "9999999999999999999999"] {
        let answer = edge.get(&format!("/_/pages?limit={wrong}")).await;
        assert_eq!(answer.status(), 422, "{wrong}");
        assert!(answer.text().await.unwrap().contains("a number from 1 to 100"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_pages_with_a_title_below_the_path_are_listed_in_order_of_title() {
    let edge = TestEdge::with(quick(), |site| {
        site.page("/docs/b/", "b");
        site.page("/elsewhere/", "c");
        site.title("/docs/", "Waves");
        site.title("/docs/b/", "<Anchors>");
        site.title("/elsewhere/", "Elsewhere");
    })
    .await;
    let html = edge.get("/_/pages?below=/docs/").await.text().await.unwrap();
    let (anchors, waves) = (html.find("&lt;Anchors&gt;").unwrap(), html.find("Waves").unwrap());
    assert!(anchors < waves && !html.contains("Elsewhere") && !html.contains("<html"), "{html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_with_others_below_them_are_left_out_when_only_leaves_are_asked_for() {
    let edge = TestEdge::with(quick(), |site| {
        for (path, title) in [("/docs/", "Docs"), ("/docs/a/", "A"), ("/docs/a/b/", "B"), ("/docs/a-c/", "C")] {
            site.page(path, title);
            site.title(path, title);
        }
    })
    .await;
    let list = async |query: &str| edge.get(&format!("/_/pages?below=/docs/{query}")).await;
    let titles = |html: String| -> Vec<String> {
        html.split("/\">").skip(1).filter_map(|rest| rest.split('<').next()).map(str::to_owned).collect()
    };
    assert_eq!(titles(list("&leaves=true").await.text().await.unwrap()), ["B", "C"]);
    assert_eq!(titles(list("").await.text().await.unwrap()), ["A", "B", "C", "Docs"]);
    assert_eq!(list("&leaves=perhaps").await.status(), 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_script_the_list_is_a_page_in_the_dress_of_the_site() {
    let edge = TestEdge::with(quick(), |site| site.title("/docs/", "Docs")).await;
    let html = edge.get("/_/pages/view").await.text().await.unwrap();
    assert!(html.contains("<main class=\"shell\">") && html.contains("href=\"/docs/\">Docs</a>"), "{html}");
}
