//! Accounts: registering, logging in and out, and what a member does with theirs.

use std::time::Instant;

use crate::browser::{Answer, Browser, PASSWORD, encode};
use crate::letters;
use crate::support::TestEdge;

#[tokio::test(flavor = "multi_thread")]
async fn who_is_nobody_sees_no_account_and_changes_none() {
    let edge = TestEdge::start().await;
    let mut visitor = Browser::new(&edge);
    let answer = visitor.get("/account").await;
    assert_eq!((answer.status, answer.location.as_str()), (303, "/login?next=%2Faccount"));
    for path in ["/account/sessions", "/account/password", "/account/delete", "/account/history", "/logout"] {
        assert_eq!(visitor.post(path, &[]).await.status, 403, "{path}");
        // With a token, but without an account.
        let answer = visitor.submit("/login", path, &[("password", PASSWORD)]).await;
        assert!(answer.location.starts_with("/login"), "{path}");
    }
    let allow = visitor.get("/logout").await;
    assert_eq!((allow.status, allow.headers["allow"].to_str().unwrap()), (405, "POST, OPTIONS"));
}

#[tokio::test(flavor = "multi_thread")]
async fn register_log_in_set_a_preference_see_it_log_out_and_the_old_cookie_is_dead() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    let made = ann.register("ann@example.org").await;
    assert_eq!((made.status, made.location.as_str()), (303, "/account"));
    assert!(ann.get("/account").await.body.contains("Signed in as <strong>Ann</strong> (ann@example.org)"));
    ann.submit("/account", "/logout", &[]).await;
    assert_eq!(ann.session(), None);

    assert_eq!(ann.log_in(" ANN@Example.org", PASSWORD).await.location, "/account");
    let saved = ann.submit("/account", "/account/preferences", &[("theme", "dark"), ("size", "large")]).await;
    assert_eq!(saved.location, "/account?done=preferences");
    let page = ann.get("/account").await.body;
    assert!(page.contains("Theme: <strong>dark</strong>, text size: <strong>large</strong>"), "{page}");
    assert!(page.contains("<meta name=\"color-scheme\" content=\"dark\">"));

    let old = ann.session().unwrap();
    let out = ann.submit("/account", "/logout", &[]).await;
    assert_eq!(out.location, "/login?done=out");
    // The look stays, for the visitor that she is now.
    assert_ne!(ann.session().unwrap(), old);
    assert_eq!(ann.cookies["littoral_look"], "dark.large");
    ann.cookies.remove("littoral_look");
    let page = ann.get("/account/preferences").await.body;
    assert!(page.contains("Theme: <strong>dark</strong>, text size: <strong>large</strong>"), "{page}");
    assert_eq!(ann.get("/account").await.status, 303);
    ann.cookies.insert("littoral".to_owned(), old);
    assert_eq!(ann.get("/account").await.status, 303);
    assert!(ann.get("/_/me").await.body.starts_with(r#"{"signed_in":false,"name":null,"theme":null"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_and_a_wrong_password_look_the_same() {
    let edge = TestEdge::start().await;
    Browser::new(&edge).register("ann@example.org").await;
    // The shortest of some: whatever else the machine does only makes one longer.
    let wrong = async |email: &str| {
        let mut visitor = Browser::new(&edge);
        let mut shortest = None;
        for _ in 0..4 {
            let token = visitor.get("/login").await.token();
            let fields = [("csrf", token.as_str()), ("email", email), ("password", "high water at noon")];
            let since = Instant::now();
            let answer = visitor.post("/login", &fields).await;
            let took = since.elapsed();
            if shortest.as_ref().is_none_or(|(_, before)| took < *before) {
                shortest = Some((answer, took));
            }
        }
        shortest.unwrap()
    };
    let (known, known_took) = wrong("ann@example.org").await;
    let (unknown, unknown_took) = wrong("bob@example.org").await;
    assert_eq!((known.status, unknown.status), (422, 422));
    let blind = |answer: &Answer, email: &str| answer.body.replace(&answer.token(), "").replace(email, "");
    assert_eq!(blind(&known, "ann@example.org"), blind(&unknown, "bob@example.org"));
    // Both hash a password, which is nearly all that either does.
    assert!(unknown_took * 4 > known_took && known_took * 4 > unknown_took, "{known_took:?} {unknown_took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_comes_back_with_what_was_typed_and_never_with_the_password() {
    let edge = TestEdge::start().await;
    let mut visitor = Browser::new(&edge);
    let fields = [("email", "ann@\"><script>"), ("name", "Ann <b>")];
    let answer = visitor.submit("/register", "/register", &fields).await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("value=\"ann@&quot;&gt;&lt;script&gt;\""), "{}", answer.body);
    assert!(answer.body.contains("value=\"Ann &lt;b&gt;\""));
    assert!(answer.body.contains("aria-invalid=\"true\" aria-describedby=\"email-error\""));
    assert_eq!(answer.headers["cache-control"], "private, no-store");
    visitor.submit("/register", "/register", &[("email", "ann@example.org"), ("name", "Ann")]).await;
    let link = letters::to(&edge, "ann@example.org").link();
    let answer = visitor.follow(&link, &[("password", "secret7")]).await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("Please choose a password of at least 8 characters."));
    assert!(!answer.body.contains("secret7"));
    // The link is still good.
    assert_eq!(visitor.follow(&link, &[("password", PASSWORD)]).await.location, "/account");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_guessed_first_is_refused() {
    let edge = TestEdge::start().await;
    let mut visitor = Browser::new(&edge);
    visitor.submit("/register", "/register", &[("email", "ann@example.org"), ("name", "Ann")]).await;
    let link = letters::to(&edge, "ann@example.org").link();
    for password in ["password123", "ann@example.org", "11111111", "QWERTYUIOP", &"x".repeat(1_025)] {
        assert_eq!(visitor.follow(&link, &[("password", password)]).await.status, 422, "{password}");
    }
    let long = "wave ".repeat(200);
    assert_eq!(visitor.follow(&link, &[("password", &long)]).await.status, 303);
    visitor.submit("/account", "/logout", &[]).await;
    assert_eq!(visitor.log_in("ann@example.org", &long[..long.len() - 1]).await.status, 422, "all of it counts");
    assert_eq!(visitor.log_in("ann@example.org", &long).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_leads_on_to_a_path_of_this_site_and_nowhere_else() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    ann.submit("/account", "/logout", &[]).await;
    let mut go = async |next: &str| {
        let fields = [("email", "ann@example.org"), ("password", PASSWORD), ("next", next)];
        let location = ann.submit("/login", "/login", &fields).await.location;
        ann.submit("/account", "/logout", &[]).await;
        location
    };
    assert_eq!(go("/docs/?a=1").await, "/docs/?a=1");
    assert_eq!(go("/docs/été/").await, "/docs/%C3%A9t%C3%A9/");
    for elsewhere in [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "/logout",
        "/a\r\nx: y",
    ] {
        assert_eq!(go(elsewhere).await, "/account", "{elsewhere:?}");
    }
    // In the page, too, nothing but a path of this site.
    let page = Browser::new(&edge).get("/login?next=//evil.example").await.body;
    assert!(!page.contains("evil"), "{page}");
    let page = Browser::new(&edge).get("/login?next=/docs/%22%3E%3Cscript%3E").await.body;
    assert!(!page.contains("<script>") && page.contains("name=\"next\""), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_are_slowed_down_and_the_right_password_has_to_wait_too() {
    let edge = TestEdge::start().await;
    Browser::new(&edge).register("ann@example.org").await;
    let mut mallory = Browser::new(&edge);
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(mallory.log_in("ann@example.org", "a wrong guess").await.status);
    }
    assert_eq!(statuses, [422, 422, 422, 422, 422, 429]);
    let refused = mallory.log_in("ann@example.org", PASSWORD).await;
    assert_eq!(refused.status, 429);
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
    // Another account is not kept waiting.
    assert_eq!(mallory.log_in("bob@example.org", PASSWORD).await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_guesses_at_once_are_counted_each() {
    let edge = TestEdge::start().await;
    let mut mallory = Browser::new(&edge);
    let token = mallory.get("/login").await.token();
    let body = encode(&[("csrf", &token), ("email", "ann@example.org"), ("password", "a wrong guess")]);
    let cookie = format!("littoral-form={}", mallory.cookies["littoral-form"]);
    let mut guesses = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let guess = edge
            .request(reqwest::Method::POST, "/login")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", &cookie)
            .body(body.clone());
        guesses.spawn(async move { guess.send().await.unwrap().status().as_u16() });
    }
    let statuses = guesses.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 5, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 35, "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_configured_proxy_readers_are_counted_apart_and_otherwise_a_header_changes_nothing() {
    let edge = TestEdge::with(crate::support::quick(), |site| {
        site.manifest.site.edge.proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let guess = async |edge: &TestEdge, from: &str| {
        let mut mallory = Browser::new(edge);
        mallory.headers = vec![("x-forwarded-for", from.to_owned())];
        mallory.log_in("ann@example.org", "a wrong guess").await.status
    };
    for _ in 0..5 {
        assert_eq!(guess(&edge, "1.2.3.4, 203.0.113.7").await, 422);
    }
    // What the client wrote itself, left of what the proxy added, is not believed.
    assert_eq!(guess(&edge, "9.9.9.9, 203.0.113.7").await, 429);
    assert_eq!(guess(&edge, "203.0.113.8").await, 422);

    let edge = TestEdge::start().await;
    for number in 0..5 {
        assert_eq!(guess(&edge, &format!("203.0.113.{number}")).await, 422);
    }
    assert_eq!(guess(&edge, "203.0.113.99").await, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_ends_other_sessions_and_a_changed_password_ends_all() {
    let edge = TestEdge::start().await;
    let (mut desk, mut phone, mut lost) = (Browser::new(&edge), Browser::new(&edge), Browser::new(&edge));
    desk.register("ann@example.org").await;
    phone.headers = vec![("user-agent", "Mozilla/5.0 (Android 16; Mobile; rv:140.0) Firefox/140.0".to_owned())];
    phone.log_in("ann@example.org", PASSWORD).await;
    lost.log_in("ann@example.org", PASSWORD).await;
    let page = desk.get("/account").await.body;
    assert!(page.contains("Firefox on Android"), "{page}");
    desk.submit("/account", "/account/sessions", &[("session", "others")]).await;
    assert_eq!((phone.get("/account").await.status, lost.get("/account").await.status), (303, 303));

    phone.log_in("ann@example.org", PASSWORD).await;
    let page = desk.get("/account").await.body;
    let id = page.split("name=\"session\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(desk.submit("/account", "/account/sessions", &[("session", id)]).await.status, 303);
    assert_eq!(phone.get("/account").await.status, 303);
    for odd in [id, "0", "-1", "x", "99999999999999999999"] {
        let status = desk.submit("/account", "/account/sessions", &[("session", odd)]).await.status;
        assert!(matches!(status, 404 | 422), "{odd}: {status}");
    }

    phone.log_in("ann@example.org", PASSWORD).await;
    let before = desk.session().unwrap();
    let wrong = [("password", "not the old one"), ("new_password", "high water at noon")];
    assert_eq!(desk.submit("/account", "/account/password", &wrong).await.status, 422);
    let right = [("password", PASSWORD), ("new_password", "high water at noon")];
    assert_eq!(desk.submit("/account", "/account/password", &right).await.status, 303);
    assert_ne!(desk.session().unwrap(), before);
    assert_eq!((desk.get("/account").await.status, phone.get("/account").await.status), (200, 303));
    assert_eq!(phone.log_in("ann@example.org", PASSWORD).await.status, 422);
    assert_eq!(phone.log_in("ann@example.org", "high water at noon").await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_cannot_end_the_session_of_another() {
    let edge = TestEdge::start().await;
    let (mut ann, mut bob) = (Browser::new(&edge), Browser::new(&edge));
    ann.register("ann@example.org").await;
    bob.register("bob@example.org").await;
    let sql = "SELECT CAST(s.id AS TEXT) FROM littoral_session s JOIN littoral_member m ON m.id = s.member_id WHERE m.email_key = 'bob@example.org'";
    let of_bob = edge.ask_store(sql).unwrap();
    assert_eq!(ann.submit("/account", "/account/sessions", &[("session", &of_bob)]).await.status, 404);
    assert_eq!(bob.get("/account").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_script_is_told_is_who_is_signed_in_and_no_more() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    let nobody = ann.get("/_/me").await;
    assert_eq!(nobody.body, r#"{"signed_in":false,"name":null,"theme":null,"size":null,"csrf":null,"unread":null}"#);
    ann.register("ann@example.org").await;
    let me = ann.get("/_/me").await;
    assert!(me.body.starts_with(r#"{"signed_in":true,"name":"Ann","theme":null,"#), "{}", me.body);
    assert!(!me.body.contains("example.org"));
    assert_eq!(me.headers["cache-control"], "private, no-store");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_without_accounts_has_none_of_this_and_no_store() {
    let edge = TestEdge::with(crate::support::quick(), |site| site.manifest.site.edge.accounts = false).await;
    let mut visitor = Browser::new(&edge);
    for path in ["/login", "/register", "/account", "/_/me"] {
        assert_eq!(visitor.get(path).await.status, 404, "{path}");
    }
    assert!(!edge.folder.path().join("var").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_sessions_outlive_the_edge() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    let cookies = ann.cookies.clone();
    let folder = edge.folder.clone();
    edge.stop().await;
    let log = folder.path().join("var/littoral.db-wal");
    assert_eq!(std::fs::metadata(log).map_or(0, |log| log.len()), 0, "a stopped edge folds its log in");
    let again = TestEdge::serve(std::sync::Arc::into_inner(folder).unwrap(), crate::support::quick()).await;
    let mut ann = Browser::new(&again);
    ann.cookies = cookies;
    assert_eq!(ann.get("/account").await.status, 200);
}
