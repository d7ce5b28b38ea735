//! Search: hostile questions first, then what people ask.

use littoral::site::search::Document;
use reqwest::{Client, Method};
use serde_json::Value;

use crate::support::{Release, TestEdge, header, quick, wait_for};

/// A section: path, anchor, heading and text; the title is that of its page.
fn section(path: &str, position: usize, title: &str, heading: &str, text: &str) -> Document {
    Document {
        path: path.to_owned(),
        position,
        anchor: heading.to_lowercase().replace(' ', "-"),
        title: title.to_owned(),
        heading: heading.to_owned(),
        text: text.to_owned(),
    }
}

fn sections() -> Vec<Document> {
    let mut sections = vec![
        section("/docs/tides/", 0, "Tides", "", "Tides rise and fall. The moon pulls the sea."),
        section("/docs/tides/", 1, "Tides", "Spring tides", "At new moon and full moon the range is greatest."),
        section("/docs/tides/", 2, "Tides", "Neap tides", "At half moon the range is least."),
        section("/docs/tides/", 3, "Tides", "Tables of tides", "A tide table lists high water and low water."),
        section("/docs/tides/", 4, "Tides", "Old tides", "Tides of the past."),
        section("/docs/harbour/", 0, "Harbour", "", "A harbour has quays. High water fills the harbour basin."),
        section("/docs/harbour/", 1, "Harbour", "Dredging the channel", "Mud is dredged each spring."),
        section("/docs/été/", 0, "Été à la crème", "", "La marée haute en été."),
        section("/docs/tokyo/", 0, "東京湾", "", "東京都の潮汐表。満潮と干潮の時刻を示す。"),
        section(
            "/docs/hostile/",
            0,
            "A <script>alert(1)</script> title",
            "",
            "Text with <script>alert(2)</script> & more.",
        ),
        section("/docs/water/", 0, "Low ground", "", "Water runs where it is low; a high wall holds no water."),
    ];
    for n in 0..25 {
        sections.push(section(&format!("/log/{n:02}/"), 0, &format!("Log {n}"), "", "Barometer steady, wind light."));
    }
    sections
}

async fn edge() -> TestEdge {
    TestEdge::with(quick(), |site| site.search(sections())).await
}

fn encoded(question: &str) -> String {
    question.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

async fn ask(edge: &TestEdge, question: &str) -> Value {
    let answer = edge.get(&format!("/_/search?q={}", encoded(question))).await;
    assert_eq!(answer.status(), 200, "{question}");
    answer.json().await.unwrap()
}

async fn page(edge: &TestEdge, question: &str) -> String {
    let answer = edge.get(&format!("/search?q={}", encoded(question))).await;
    assert_eq!(answer.status(), 200, "{question}");
    answer.text().await.unwrap()
}

/// The urls of the results, in order.
async fn urls(edge: &TestEdge, question: &str) -> Vec<String> {
    let answer = ask(edge, question).await;
    answer["results"].as_array().unwrap().iter().map(|it| it["url"].as_str().unwrap().to_owned()).collect()
}

async fn suggestions(edge: &TestEdge, typed: &str) -> Vec<String> {
    let answer: Value = edge.get(&format!("/_/suggest?q={}", encoded(typed))).await.json().await.unwrap();
    let line = |it: &Value| {
        format!("{} {} {}", it["kind"].as_str().unwrap(), it["text"].as_str().unwrap(), it["url"].as_str().unwrap())
    };
    answer["suggestions"].as_array().unwrap().iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_in_another_engines_language_is_only_words() {
    let edge = edge().await;
    for hostile in [
        "a:b^^ (",
        "title:[* TO *]",
        "\"",
        "\"\"\"\"",
        "(((((((((((((((((((((",
        "/(a+)+$/",
        "*",
        "~2 OR NOT -",
        "text:tides AND",
        "\u{0}\u{7}\u{1b}[31m",
        "\u{202e}\u{feff}",
        "<script>alert(1)</script>",
        "{{#each this}}{{/each}}",
        "'; DROP TABLE pages; --",
        "../../../etc/passwd",
        "%00",
    ] {
        ask(&edge, hostile).await;
        page(&edge, hostile).await;
        suggestions(&edge, hostile).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_words_are_refused_with_words() {
    let edge = edge().await;
    // More than a target may have is refused before search sees it.
    assert_eq!(edge.get(&format!("/_/search?q={}", "tide+".repeat(900))).await.status(), 414);
    let long = "tide+".repeat(600);
    for path in ["/_/search", "/_/suggest"] {
        let answer = edge.get(&format!("{path}?q={long}")).await;
        assert_eq!(answer.status(), 422);
        assert!(answer.text().await.unwrap().contains("400 characters"));
    }
    let answer = edge.get(&format!("/search?q={long}")).await;
    assert_eq!(answer.status(), 422);
    let html = answer.text().await.unwrap();
    assert!(html.contains("id=\"search-problem\"") && html.contains("value=\"tide tide"), "{html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_that_is_no_number_is_refused_with_its_name() {
    let edge = edge().await;
    for (path, name) in [
        ("/_/search?q=tide&limit=many", "limit"),
        ("/_/search?q=tide&limit=0", "limit"),
        ("/_/search?q=tide&limit=1000000", "limit"),
        ("/_/suggest?q=tide&limit=-1", "limit"),
        ("/search?q=tide&page=0", "page"),
        ("/search?q=tide&page=99999999999999999999999", "page"),
        ("/search?q=tide&page=", "page"),
    ] {
        let answer = edge.get(path).await;
        assert_eq!(answer.status(), 422, "{path}");
        assert!(answer.text().await.unwrap().contains(&format!("“{name}” must be a number from 1 to")), "{path}");
    }
    assert_eq!(edge.get("/_/search?q=tide&q=moon").await.status(), 400);
    assert_eq!(edge.get("/_/search?q=%FF%FE").await.status(), 200);
    assert_eq!(edge.request(Method::POST, "/_/search?q=tide").send().await.unwrap().status(), 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_texts_and_questions_is_escaped() {
    let edge = edge().await;
    let html = page(&edge, "<script>alert(2)</script>").await;
    assert!(!html.contains("<script"), "{html}");
    assert!(html.contains("&lt;<mark>script</mark>&gt;<mark>alert</mark>(<mark>2</mark>)"), "{html}");
    assert!(html.contains("value=\"&lt;script&gt;"), "{html}");
    let answer = ask(&edge, "script").await;
    assert_eq!(answer["results"][0]["title"], "A <script>alert(1)</script> title");
    let excerpt = answer["results"][0]["excerpt_html"].as_str().unwrap();
    assert_eq!(excerpt, "Text with &lt;<mark>script</mark>&gt;alert(2)&lt;/<mark>script</mark>&gt; &amp; more.");
    let html = page(&edge, "\"><img src=x onerror=alert(1)>").await;
    assert!(!html.contains("<img"), "{html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_without_search_has_no_such_pages() {
    let edge = TestEdge::start().await;
    for path in ["/search?q=tide", "/_/search?q=tide", "/_/suggest?q=tide", "/search?page=x"] {
        assert_eq!(edge.get(path).await.status(), 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_index_leaves_the_pages_served() {
    let edge = TestEdge::with(quick(), |site| {
        site.manifest.search = Some("0".repeat(64));
    })
    .await;
    assert_eq!(edge.get("/docs/").await.status(), 200);
    let answer = edge.get("/search?q=tide").await;
    assert_eq!(answer.status(), 503);
    assert_eq!(header(&answer, "retry-after"), "60");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_question_shows_the_form_and_nothing_else() {
    let edge = edge().await;
    for path in ["/search", "/search?q=", "/search?q=+++"] {
        let answer = edge.get(path).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "cache-control"), "private, max-age=0, must-revalidate");
        let html = answer.text().await.unwrap();
        assert!(html.contains("<form class=\"search-form\" action=\"/search\" role=\"search\">"), "{html}");
        assert!(!html.contains("role=\"status\"") && html.contains("<title>Search</title>"), "{html}");
    }
    assert_eq!(ask(&edge, "").await["total"], 0);
    assert!(suggestions(&edge, "").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_found_once_with_its_best_sections() {
    let edge = edge().await;
    let answer = ask(&edge, "tides").await;
    assert_eq!(answer["total"], 1);
    let result = &answer["results"][0];
    assert_eq!(result["title"], "Tides");
    assert_eq!(result["more"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_leads_to_its_heading() {
    let edge = edge().await;
    assert_eq!(urls(&edge, "dredging").await, ["/docs/harbour/#dredging-the-channel"]);
    assert_eq!(urls(&edge, "neap tide").await[0], "/docs/tides/#neap-tides");
    let html = page(&edge, "neap tide").await;
    assert!(
        html.contains(
            "<a href=\"/docs/tides/#neap-tides\"><mark>Tides</mark>: <mark>Neap</mark> <mark>tides</mark></a>"
        ),
        "{html}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_title_counts_before_the_heading_and_the_heading_before_the_text() {
    let edge = TestEdge::with(quick(), |site| {
        site.search(vec![
            section("/text/", 0, "One", "", "The lighthouse stands."),
            section("/heading/", 0, "Two", "Lighthouse", "The tower stands."),
            section("/title/", 0, "Lighthouse", "", "The tower stands."),
        ]);
    })
    .await;
    assert_eq!(urls(&edge, "lighthouse").await, ["/title/", "/heading/#lighthouse", "/text/"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_words_are_wanted_before_any_will_do() {
    let edge = edge().await;
    let answer = ask(&edge, "harbour barometer").await;
    assert_eq!((&answer["with_all_words"], &answer["total"]), (&0.into(), &26.into()));
    let answer = ask(&edge, "high water harbour").await;
    assert_eq!(answer["with_all_words"], 1);
    assert_eq!(answer["results"][0]["url"], "/docs/harbour/");
    assert!(answer["total"].as_u64().unwrap() > 1);
    let html = page(&edge, "high water harbour").await;
    assert!(html.contains("1 with all of the words, which come first"), "{html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn words_in_quotes_must_stand_side_by_side() {
    let edge = edge().await;
    assert_eq!(urls(&edge, "\"high water\"").await.len(), 2);
    assert_eq!(urls(&edge, "high water").await.len(), 3);
    let html = page(&edge, "\"water high\"").await;
    assert!(html.contains("3 pages found; none has the words in quotes side by side"), "{html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_word_may_be_a_beginning() {
    let edge = edge().await;
    assert_eq!(urls(&edge, "dredg").await, ["/docs/harbour/#dredging-the-channel"]);
    assert_eq!(ask(&edge, "wind baro").await["total"], 25);
    let html = page(&edge, "harb").await;
    assert!(html.contains("<mark>Harbour</mark>") && !html.contains("Did you mean"), "{html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistyped_word_is_forgiven_and_the_right_one_offered() {
    let edge = edge().await;
    let answer = ask(&edge, "Harbuor ").await;
    assert_eq!(answer["results"][0]["url"], "/docs/harbour/");
    assert_eq!(answer["suggestion"], "harbour ");
    let html = page(&edge, "high harbuor").await;
    assert!(html.contains("Did you mean <a href=\"/search?q&#x3D;high%20harbour\">high harbour</a>?"), "{html}");
    // Two mistakes in a long word.
    assert_eq!(ask(&edge, "barromeder ").await["suggestion"], "barometer ");
    // Accents come back, though the index has none.
    assert_eq!(ask(&edge, "marrée ").await["suggestion"], "marée ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_is_there_is_no_mistake_for_another() {
    let edge = TestEdge::with(quick(), |site| {
        let mut sections = vec![section("/pool/", 0, "The pool", "", "A tide leaves it; in time it dries.")];
        sections.push(section("/tides/", 0, "Ebbs", "", "The water goes."));
        sections.extend((0..9).map(|n| section(&format!("/log/{n}/"), 0, "Log", "", "Time passes at ebbe.")));
        site.search(sections);
    })
    .await;
    let answer = ask(&edge, "tide ").await;
    assert_eq!((&answer["total"], &answer["suggestion"]), (&1.into(), &Value::Null));
    assert_eq!(answer["results"][0]["excerpt_html"], "A <mark>tide</mark> leaves it; in time it dries.");
    // Also one whose stem stands in a title only.
    let answer = ask(&edge, "ebb ").await;
    assert_eq!((&answer["results"][0]["url"], &answer["suggestion"]), (&"/tides/".into(), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_asked_by_its_words_that_say_something() {
    let edge = TestEdge::with(quick(), |site| {
        site.search(vec![
            section("/what/", 0, "What is a port?", "", "What it is that ships do there."),
            section("/harbour/", 0, "Introduction to the harbour side", "", "Pilotage from the harbour side."),
            section("/pilots/", 0, "Pilots", "", "What pilotage costs, in a harbour or at its side."),
        ]);
    })
    .await;
    let answer = ask(&edge, "what is harbour-side pilotage?").await;
    assert_eq!((&answer["with_all_words"], &answer["total"]), (&2.into(), &2.into()));
    assert_eq!(answer["results"][0]["url"], "/harbour/");
    // Alone, such a word is what is asked for.
    assert_eq!(urls(&edge, "what ").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_stands_nearly_everywhere_is_found_in_a_large_site_too() {
    let edge = TestEdge::with(quick(), |site| {
        let mut sections: Vec<_> = (0..2400)
            .map(|n| section(&format!("/server/{n:04}/"), 0, "The server", "", &format!("The server number {n}.")))
            .collect();
        sections.extend((0..240).map(|n| section(&format!("/buoy/{n:03}/"), 0, "Buoy", "", "A buoy.")));
        site.search(sections);
    })
    .await;
    for question in ["server ", "the ", "server xyzzyplugh "] {
        assert_eq!(ask(&edge, question).await["total"], 2400, "{question}");
    }
    // Beside words that are rarer, and stand in enough, it only ranks.
    assert_eq!(ask(&edge, "server buoy ").await["total"], 240);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_found_says_what_to_do() {
    let edge = edge().await;
    let html = page(&edge, "xyzzyplugh").await;
    assert!(html.contains("No page has “xyzzyplugh”.") && html.contains("Look whether each word is spelt"), "{html}");
    assert!(!html.contains("<ol"), "{html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn accents_and_their_absence_are_the_same() {
    let edge = edge().await;
    for question in ["été", "ete", "ÉTÉ", "e\u{301}te\u{301}", "creme ete"] {
        assert_eq!(urls(&edge, question).await, ["/docs/%C3%A9t%C3%A9/"], "{question}");
    }
    let excerpt = ask(&edge, "ete").await["results"][0]["excerpt_html"].clone();
    assert_eq!(excerpt, "La marée haute en <mark>été</mark>.");
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_without_spaces_are_found_in_any_part() {
    let edge = edge().await;
    for question in ["東京", "京都", "満潮と干潮", "潮", "表", "\"潮汐表\""] {
        assert_eq!(urls(&edge, question).await, ["/docs/tokyo/"], "{question}");
    }
    assert_eq!(ask(&edge, "京東").await["total"], 0);
    let excerpt = ask(&edge, "潮汐表").await["results"][0]["excerpt_html"].clone();
    assert_eq!(excerpt, "東京都の<mark>潮汐表</mark>。満潮と干潮の時刻を示す。");
}

#[tokio::test(flavor = "multi_thread")]
async fn results_come_in_pages_with_the_count_of_all() {
    let edge = edge().await;
    let html = page(&edge, "barometer").await;
    assert!(html.contains("25 pages found."), "{html}");
    assert_eq!(html.matches("class=\"result\"").count(), 10);
    assert!(
        html.contains("<a href=\"/search?q&#x3D;barometer&amp;page&#x3D;2\" rel=\"next\">")
            && !html.contains("rel=\"prev\""),
        "{html}"
    );
    let third = edge.get("/search?q=barometer&page=3").await.text().await.unwrap();
    assert_eq!(third.matches("class=\"result\"").count(), 5);
    assert!(
        third.contains("start=\"21\"") && third.contains("Page 3 of 3") && !third.contains("rel=\"next\""),
        "{third}"
    );
    let beyond = edge.get("/search?q=barometer&page=9").await.text().await.unwrap();
    assert!(beyond.contains("There are no more results") && beyond.contains("page&#x3D;3\" rel=\"prev\""), "{beyond}");
}

#[tokio::test(flavor = "multi_thread")]
async fn typing_is_gone_on_with_by_names_then_words() {
    let edge = edge().await;
    assert_eq!(suggestions(&edge, "harb").await[0], "page Harbour /docs/harbour/");
    // Any word of a heading, and what stands before it may be in the page's title.
    assert!(
        suggestions(&edge, "chan")
            .await
            .contains(&"heading Dredging the channel /docs/harbour/#dredging-the-channel".to_owned())
    );
    assert_eq!(suggestions(&edge, "tides nea").await[0], "heading Neap tides /docs/tides/#neap-tides");
    assert_eq!(suggestions(&edge, "light baro").await, ["words light barometer /search?q=light%20barometer"]);
    // A mistake in what is typed so far.
    assert_eq!(suggestions(&edge, "hrabo").await[0], "page Harbour /docs/harbour/");
    assert!(suggestions(&edge, "qqqqq").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_index_answers_that_there_is_nothing() {
    let edge = TestEdge::with(quick(), |site| site.search(Vec::new())).await;
    assert_eq!(ask(&edge, "tide").await["total"], 0);
    assert_eq!(ask(&edge, "\"high tide\" moo").await["total"], 0);
    assert!(suggestions(&edge, "tide").await.is_empty());
    assert!(page(&edge, "tide").await.contains("No page has “tide”."));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_at_once_are_all_answered() {
    let edge = edge().await;
    let client = Client::builder().no_proxy().build().unwrap();
    let asked: Vec<_> = (0..100)
        .map(|n| {
            let question = ["tide", "harbuor", "high water harbour", "\"low water\""][n % 4];
            let request = client.get(format!("http://{}/_/search?q={}", edge.address, encoded(question)));
            tokio::spawn(async move { request.send().await.unwrap().json::<Value>().await.unwrap() })
        })
        .collect();
    for answer in asked {
        assert!(answer.await.unwrap()["total"].as_u64().unwrap() > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_release_is_searched_as_soon_as_it_is_live() {
    let edge = edge().await;
    assert_eq!(ask(&edge, "lighthouse").await["total"], 0);
    edge.publish(|site: &mut Release| site.search(vec![section("/new/", 0, "Lighthouse", "", "It shines.")]));
    wait_for(&edge, "/_/search?q=lighthouse", |body| body.contains("\"total\":1")).await;
    assert_eq!(ask(&edge, "harbour").await["total"], 0);
    // And without search again, there is none.
    edge.publish(|_| {});
    wait_for(&edge, "/_/search?q=lighthouse", |body| body.contains("\"status\":404")).await;
}
