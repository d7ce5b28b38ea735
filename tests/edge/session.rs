//! Sessions: cookies, tokens, and what forged ones are worth.

use crate::browser::{Browser, PASSWORD, encode};
use crate::support::TestEdge;

#[tokio::test(flavor = "multi_thread")]
async fn reading_sets_no_cookie_and_neither_does_asking_who_one_is() {
    let edge = TestEdge::start().await;
    let mut visitor = Browser::new(&edge);
    for path in ["/", "/docs/", "/_/me", "/nowhere", "/account"] {
        assert!(visitor.get(path).await.set_cookies.is_empty(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_its_token_or_with_a_forged_one_does_nothing() {
    let edge = TestEdge::start().await;
    let mut visitor = Browser::new(&edge);
    let token = visitor.get("/register").await.token();
    let fields = |token: &'static str| [("csrf", token), ("email", "ann@example.org"), ("name", "Ann")];
    for forged in ["", "0", "é", Box::leak("ab".repeat(64).into_boxed_str())] {
        assert_eq!(visitor.post("/register", &fields(forged)).await.status, 403, "{forged}");
    }
    // Somebody else's token, which is good with their cookie.
    let others = Browser::new(&edge).get("/register").await.token();
    assert_eq!(visitor.post("/register", &fields(Box::leak(others.into_boxed_str()))).await.status, 403);
    // The right token, without the cookie.
    let token: &'static str = Box::leak(token.into_boxed_str());
    assert_eq!(Browser::new(&edge).post("/register", &fields(token)).await.status, 403);
    assert_eq!(visitor.post("/register", &fields(token)).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_one_session_is_worth_nothing_in_another() {
    let edge = TestEdge::start().await;
    let (mut ann, mut bob) = (Browser::new(&edge), Browser::new(&edge));
    ann.register("ann@example.org").await;
    bob.register("bob@example.org").await;
    let of_bob = bob.get("/account").await.token();
    assert_eq!(ann.post("/logout", &[("csrf", &of_bob)]).await.status, 403);
    assert_eq!(ann.get("/account").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_sent_from_elsewhere_does_nothing_even_with_its_token() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    let token = ann.get("/account").await.token();
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        ann.headers = vec![(name, value.to_owned())];
        assert_eq!(ann.post("/logout", &[("csrf", &token)]).await.status, 403, "{name}: {value}");
    }
    ann.headers = vec![("origin", format!("http://{}", edge.address))];
    assert_eq!(ann.post("/logout", &[("csrf", &token)]).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_or_forged_cookie_is_nobody() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    let token = ann.session().unwrap();
    let mut flipped = token.clone().into_bytes();
    flipped[0] = if flipped[0] == b'0' { b'1' } else { b'0' };
    let forged = [
        token[..63].to_owned(),
        format!("{token}0"),
        String::from_utf8(flipped).unwrap(),
        "0".repeat(64),
        String::new(),
        "' OR 1=1 --".to_owned(),
        blake3::hash(token.as_bytes()).to_hex().to_string(),
        // Two sessions at once: one of them was planted.
        format!("{token}; littoral={}", "0".repeat(64)),
    ];
    for cookie in forged {
        let mut mallory = Browser::new(&edge);
        mallory.cookies.insert("littoral".to_owned(), cookie.clone());
        assert_eq!(mallory.get("/account").await.status, 303, "{cookie}");
        assert!(mallory.get("/_/me").await.body.contains("\"signed_in\":false"), "{cookie}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_planted_before_a_login_is_worth_nothing_after_it() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    ann.submit("/account", "/logout", &[]).await;
    // The attacker has a visitor's session, and Ann's browser is made to use it.
    let mut mallory = Browser::new(&edge);
    mallory.submit("/account/preferences", "/account/preferences", &[("theme", "dark")]).await;
    let planted = mallory.session().unwrap();
    ann.cookies.insert("littoral".to_owned(), planted.clone());
    assert_eq!(ann.log_in("ann@example.org", PASSWORD).await.status, 303);
    assert_ne!(ann.session().unwrap(), planted);
    assert_eq!(ann.get("/account").await.status, 200);
    assert_eq!(mallory.get("/account").await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_nobody_gave_out_is_not_taken_for_a_session() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    ann.submit("/account", "/logout", &[]).await;
    ann.cookies.insert("littoral".to_owned(), "ab".repeat(32));
    ann.cookies.insert("littoral-form".to_owned(), "cd".repeat(32));
    assert_eq!(ann.log_in("ann@example.org", PASSWORD).await.status, 303);
    assert_ne!(ann.session().unwrap(), "ab".repeat(32));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_loopback_the_cookie_is_plain_and_anywhere_else_it_is_for_https_alone() {
    let edge = TestEdge::start().await;
    let set = Browser::new(&edge).register("ann@example.org").await.set_cookies;
    let session = set.iter().find(|cookie| cookie.starts_with("littoral=")).unwrap();
    assert!(session.ends_with("; Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax"), "{session}");

    let mut abroad = Browser::new(&edge);
    abroad.headers = vec![("host", "shore.example".to_owned())];
    let set = abroad.register("bob@example.org").await.set_cookies;
    let session = set.iter().find(|cookie| cookie.starts_with("__Host-littoral=")).unwrap();
    assert!(session.ends_with("; Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax; Secure"), "{session}");
    assert!(!session.contains("Domain"));
    assert_eq!(abroad.get("/account").await.status, 200);
    // There, the plain name counts for nothing: a neighbour could have set it.
    let token = abroad.cookies.remove("__Host-littoral").unwrap();
    abroad.cookies.insert("littoral".to_owned(), token);
    assert_eq!(abroad.get("/account").await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_hides_the_host_does_not_make_cookies_plain() {
    let edge = TestEdge::start().await;
    let mut reader = Browser::new(&edge);
    reader.headers = vec![("x-forwarded-proto", "https".to_owned())];
    let set = reader.register("ann@example.org").await.set_cookies;
    assert!(set.iter().any(|cookie| cookie.starts_with("__Host-littoral=")), "{set:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_session_is_nobody() {
    let edge = TestEdge::start().await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    edge.ask_store("UPDATE littoral_session SET expires_at = 1");
    assert_eq!(ann.get("/account").await.location, "/login?next=%2Faccount");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_no_browser_sends_is_refused() {
    let edge = TestEdge::start().await;
    let mut visitor = Browser::new(&edge);
    let token = visitor.get("/register").await.token();
    let good = encode(&[("csrf", &token), ("email", "ann@example.org"), ("name", "Ann")]);
    for (spoilt, status) in [
        (format!("{good}&email=bob@example.org"), 400),
        (format!("{good}&csrf={token}"), 400),
        (good.replace("name=", "name=%00"), 400),
        (good.replace("name=", "name=%FF"), 400),
        (format!("{good}&{}", "x".repeat(200 * 1024)), 413),
        (format!("{good}&x={}", "x".repeat(1_000_000)), 413),
        (String::new(), 403),
    ] {
        let start = spoilt[..spoilt.len().min(80)].to_owned();
        assert_eq!(visitor.post_body("/register", spoilt).await.status, status, "{start}");
    }
    let json = edge.request(reqwest::Method::POST, "/login").json(&["a"]).send().await.unwrap();
    assert_eq!(json.status(), 415);
    assert_eq!(crate::letters::all(&edge).len(), 0, "nothing was half done");
}
