//! Preferences: a visitor's, a member's, and what becomes of the one at the other.

use crate::browser::{Browser, PASSWORD};
use crate::letters;
use crate::support::{Release, TestEdge, quick};

fn shell_with_a_place_for_the_look(site: &mut Release) {
    site.shell("<!doctype html><html><title>", "</title>", "<main>", "</main>");
    let shell = site.manifest.shells.get_mut("page").unwrap();
    shell.holes.insert(0, ("look".to_owned(), "<!doctype html><html".len()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_is_no_choice_is_refused_and_begins_no_session() {
    let edge = TestEdge::start().await;
    let mut visitor = Browser::new(&edge);
    for fields in [[("theme", "purple")], [("size", "huge")], [("theme", "dark; Path=/x")]] {
        assert_eq!(visitor.submit("/account/preferences", "/account/preferences", &fields).await.status, 422);
    }
    assert_eq!(visitor.session(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_who_saves_gets_a_session_and_sees_it_on_the_next_page() {
    let edge = TestEdge::start().await;
    let mut visitor = Browser::new(&edge);
    let choice = [("theme", "dark"), ("size", "large")];
    let saved = visitor.submit("/account/preferences", "/account/preferences", &choice).await;
    assert_eq!(saved.location, "/account/preferences?done=preferences");
    assert!(visitor.session().is_some());
    assert_eq!(visitor.cookies["littoral_look"], "dark.large");
    let look = saved.set_cookies.iter().find(|cookie| cookie.starts_with("littoral_look")).unwrap();
    assert!(!look.contains("HttpOnly"), "the site's script reads it");
    let next = visitor.get("/login").await.body;
    assert!(next.contains("<meta name=\"color-scheme\" content=\"dark\">"), "{next}");
    assert!(visitor.get("/_/me").await.body.contains(r#""theme":"dark","size":"large""#));
    // Saved again, it is the same session.
    let session = visitor.session();
    visitor.submit("/account/preferences", "/account/preferences", &[("theme", "light")]).await;
    assert_eq!(visitor.session(), session);
    assert_eq!(visitor.cookies["littoral_look"], "light.large");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_with_a_place_for_the_look_has_it_in_its_html() {
    let edge = TestEdge::with(quick(), shell_with_a_place_for_the_look).await;
    let mut visitor = Browser::new(&edge);
    visitor.submit("/account/preferences", "/account/preferences", &[("theme", "dark"), ("size", "large")]).await;
    let page = visitor.get("/login").await.body;
    assert!(page.starts_with("<!doctype html><html data-theme=\"dark\" data-size=\"large\"><title>"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_visitor_chose_is_carried_into_a_new_account() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.submit("/account/preferences", "/account/preferences", &[("theme", "dark")]).await;
    ann.register("ann@example.org").await;
    let elsewhere = &mut Browser::new(&edge);
    elsewhere.log_in("ann@example.org", PASSWORD).await;
    assert!(elsewhere.get("/account").await.body.contains("Theme: <strong>dark</strong>"));
    assert_eq!(elsewhere.cookies["littoral_look"], "dark.normal");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_visitor_chose_fills_what_the_account_leaves_open_and_replaces_nothing() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    ann.submit("/account", "/account/preferences", &[("theme", "light")]).await;
    // The other half comes from the cookie that the site's script has written.
    let elsewhere = &mut Browser::new(&edge);
    elsewhere.cookies.insert("littoral_look".to_owned(), "dark.large".to_owned());
    elsewhere.log_in("ann@example.org", PASSWORD).await;
    let page = elsewhere.get("/account").await.body;
    assert!(page.contains("Theme: <strong>light</strong>, text size: <strong>large</strong>"), "{page}");
    assert_eq!(elsewhere.cookies["littoral_look"], "light.large");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_saves_them_from_this_site_alone() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    for headers in [vec![], vec![("sec-fetch-site", "cross-site".to_owned())]] {
        ann.headers = headers;
        assert_eq!(ann.post("/_/preferences", &[("theme", "dark")]).await.status, 403);
    }
    ann.headers = vec![("sec-fetch-site", "same-origin".to_owned())];
    assert_eq!(ann.post("/_/preferences", &[("theme", "dark")]).await.status, 204);
    assert!(ann.get("/account").await.body.contains("Theme: <strong>dark</strong>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_is_none_is_not_looked_at() {
    let edge = TestEdge::start().await;
    let mut visitor = Browser::new(&edge);
    visitor.cookies.insert("littoral_look".to_owned(), "\"><script>.x".to_owned());
    let page = visitor.get("/account/preferences").await.body;
    assert!(page.contains("Theme: <strong>system</strong>") && !page.contains("<script>"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_was_open_when_a_visitor_chose_a_theme_counts_until_somebody_signs_in() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    let token = ann.get("/register").await.token();
    let form = ann.cookies["littoral-form"].clone();
    ann.submit("/account/preferences", "/account/preferences", &[("theme", "dark")]).await;
    assert!(ann.session().is_some());
    let fields = [("csrf", token.as_str()), ("email", "ann@example.org"), ("name", "Ann")];
    assert_eq!(ann.post("/register", &fields).await.status, 303);
    assert_eq!(ann.follow(&letters::to(&edge, "ann@example.org").link(), &[]).await.location, "/account");
    ann.cookies.insert("littoral-form".to_owned(), form);
    let refused = ann.post("/account/preferences", &[("csrf", token.as_str()), ("theme", "light")]).await;
    assert_eq!(refused.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_chosen_nothing_has_no_session_after_signing_out() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    ann.submit("/account", "/account/preferences", &[("theme", "system"), ("size", "normal")]).await;
    ann.submit("/account", "/logout", &[]).await;
    assert_eq!(ann.session(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_leaves_no_look() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    ann.submit("/account", "/account/preferences", &[("theme", "dark")]).await;
    ann.submit("/account", "/account/delete", &[("password", PASSWORD)]).await;
    assert!(ann.cookies.keys().all(|name| name == "littoral-form"), "{:?}", ann.cookies);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_accounts_they_are_kept_by_the_cookie_alone() {
    let edge = TestEdge::with(quick(), |site| site.manifest.site.edge.accounts = false).await;
    let mut visitor = Browser::new(&edge);
    let stranger = visitor.post("/account/preferences", &[("theme", "dark")]).await;
    assert_eq!(stranger.status, 403, "without the form's token");
    let saved =
        visitor.submit("/account/preferences", "/account/preferences", &[("theme", "dark"), ("size", "large")]).await;
    assert_eq!((saved.status, saved.location.as_str()), (303, "/account/preferences?done=preferences"));
    assert_eq!((visitor.session(), visitor.cookies["littoral_look"].as_str()), (None, "dark.large"));
    let page = visitor.get("/account/preferences").await.body;
    assert!(page.contains("Theme: <strong>dark</strong>, text size: <strong>large</strong>"), "{page}");
    assert!(!page.contains("/login") && !page.contains("/register"), "nothing leads to what is not there: {page}");
    visitor.headers = vec![("sec-fetch-site", "same-origin".to_owned())];
    assert_eq!(visitor.post("/_/preferences", &[("theme", "light")]).await.status, 204);
    assert_eq!(visitor.cookies["littoral_look"], "light.large");
    assert!(!edge.folder.path().join("var").exists(), "there is no store");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_in_the_look_of_their_reader() {
    let edge = TestEdge::with(quick(), |site| {
        shell_with_a_place_for_the_look(site);
        site.page("/404.html", "<!doctype html><html lang=\"en\"><body>The tide took this page.</body>");
        site.manifest.entries.last_mut().unwrap().access = littoral::site::release::Access::Internal;
    })
    .await;
    let mut visitor = Browser::new(&edge);
    let plain = visitor.get("/nothing").await;
    assert!(plain.body.starts_with("<!doctype html><html lang"), "{}", plain.body);
    visitor.submit("/account/preferences", "/account/preferences", &[("theme", "dark"), ("size", "large")]).await;
    for only in ["littoral", "littoral_look"] {
        let mut browser = Browser::new(&edge);
        browser.cookies.insert(only.to_owned(), visitor.cookies[only].clone());
        let missing = browser.get("/nothing").await;
        assert_eq!(missing.status, 404);
        let expected = "<!doctype html><html data-theme=\"dark\" data-size=\"large\"";
        assert_eq!(missing.body, format!("{expected} lang=\"en\"><body>The tide took this page.</body>"));
        for (status, answer) in [(405, browser.post("/docs/", &[]).await), (403, browser.post("/login", &[]).await)] {
            assert_eq!(answer.status, status);
            assert!(answer.body.starts_with(expected), "{}", answer.body);
            assert!(answer.body.contains("<meta name=\"color-scheme\" content=\"dark\">"), "{}", answer.body);
        }
    }
}
