//! Previews: a signed link shows one page, for its time, and tells nobody else.

use std::process::Command;

use jiff::{SignedDuration, Timestamp};
use littoral::site::preview;
use reqwest::Method;

use crate::access::{reader, site};
use crate::browser::Browser;
use crate::support::TestEdge;

/// The link that `littoral preview` prints, from the path on.
fn made(edge: &TestEdge, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_littoral"));
    command.arg("preview").arg("--root").arg(edge.folder.path());
    if let Some(store) = &edge.edge.options().store {
        command.arg("--store").arg(store);
    }
    let output = command.args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    match output.status.success() {
        true => Ok(text(output.stdout).trim().strip_prefix("http://localhost").unwrap_or_default().to_owned()),
        false => Err(text(output.stderr)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_shows_its_page_and_no_other_to_whoever_has_it() {
    let edge = site().await;
    let link = made(&edge, &["/editors/"]).unwrap();
    assert!(link.starts_with("/editors/?preview="), "{link}");
    let token = link.split_once('=').unwrap().1.to_owned();
    let mut stranger = Browser::new(&edge);
    let shown = stranger.get(&link).await;
    assert!(shown.status == 200 && shown.body.contains("zzeditorsword"));
    for (name, value) in
        [("cache-control", "private, no-store"), ("referrer-policy", "no-referrer"), ("x-robots-tag", "noindex")]
    {
        assert_eq!(shown.headers[name], value);
    }
    assert_eq!(stranger.cookies.keys().collect::<Vec<_>>(), ["littoral-preview"]);
    assert!(shown.set_cookies[0].contains("Path=/editors/;") && shown.set_cookies[0].contains("HttpOnly"));
    // The cookie is for what lies beside the page: it shows neither this page nor another.
    for path in ["/editors/", "/members/", "/paid/", "/draft/"] {
        assert!(!stranger.get(path).await.body.contains("zz"), "{path}");
    }
    for path in ["/members/", "/paid/", "/bundle/file.txt", "/"] {
        let answer = stranger.get(&format!("{path}?preview={token}")).await;
        assert!(!answer.body.contains("zz"), "{path}");
    }
    let head = edge.request(Method::HEAD, &link).send().await.unwrap();
    assert_eq!(head.headers()["content-length"], shown.body.len().to_string().as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_old_changed_or_doubled_shows_what_everybody_gets() {
    let edge = site().await;
    let mut stranger = Browser::new(&edge);
    // Before the first was made there is no key.
    assert!(!stranger.get("/members/?preview=0-0").await.body.contains("zzmembersword"));
    let link = made(&edge, &["/members/", "--days", "1"]).unwrap();
    let (path, token) = link.split_once("?preview=").unwrap();
    let key = edge.edge.store().unwrap().secret(preview::KEY).await.unwrap().unwrap();
    let now = Timestamp::now();
    let old = preview::token(&key, "/members/", now - SignedDuration::from_secs(1));
    let (seconds, signature) = token.split_once('-').unwrap();
    let later = format!("{:x}", i64::from_str_radix(seconds, 16).unwrap() + 86_400);
    for wrong in [
        old,
        String::new(),
        "-".to_owned(),
        format!("{later}-{signature}"),
        format!("{seconds}-{}", "0".repeat(64)),
        format!("{token}&preview={token}"),
        format!("%20{token}"),
        "x".repeat(2_000),
    ] {
        let answer = stranger.get(&format!("{path}?preview={wrong}")).await;
        assert!(answer.status == 200 && !answer.body.contains("zzmembersword"), "{wrong}");
        assert!(answer.set_cookies.is_empty(), "{wrong}");
    }
    assert!(stranger.get(&link).await.body.contains("zzmembersword"));
    assert!(stranger.get(&format!("/%6dembers/?x=1&preview={token}")).await.body.contains("zzmembersword"));
    made(&edge, &["--revoke-all"]).unwrap();
    assert!(!stranger.get(&link).await.body.contains("zzmembersword"), "with another key the link is worth nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_beside_a_page_is_shown_with_it() {
    let edge = site().await;
    let link = made(&edge, &["bundle"]).unwrap();
    let mut stranger = Browser::new(&edge);
    assert_eq!(stranger.get("/bundle/file.txt").await.status, 404);
    assert!(stranger.get(&link).await.body.contains("zzbundleword"));
    let file = stranger.get("/bundle/file.txt").await;
    assert!(file.status == 200 && file.body.contains("zzfileword"));
    assert_eq!(file.headers["cache-control"], "private, no-store");
    stranger.cookies.insert("littoral-preview".to_owned(), "0-0".to_owned());
    assert_eq!(stranger.get("/bundle/file.txt").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_shown_by_its_link_and_to_who_edits_alone() {
    let edge = site().await;
    let mut stranger = Browser::new(&edge);
    assert_eq!(stranger.get("/draft/").await.status, 404);
    let link = made(&edge, &["/draft/"]).unwrap();
    let shown = stranger.get(&link).await;
    assert!(shown.status == 200 && shown.body.contains("zzdraftword"));
    assert_eq!(stranger.get("/draft/").await.status, 404, "the cookie is for what lies beside it");
    assert!(reader(&edge, "editor").await.get("/draft/").await.body.contains("zzdraftword"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_tells_what_no_link_is_made_for() {
    let edge = site().await;
    for (path, why) in [
        ("/public/", "for everybody"),
        ("/bundle/file.txt", "beside a page"),
        ("/nowhere/", "no page"),
        ("/full:/members/", "no page"),
    ] {
        let said = made(&edge, &[path]).unwrap_err();
        assert!(said.contains(why), "{path}: {said}");
    }
    assert!(
        made(&edge, &["/members/", "--days", "0"]).is_err() && made(&edge, &["/members/", "--days", "91"]).is_err()
    );
    assert!(made(&edge, &[]).is_err());
    // A reader whom a page is for needs no link, and a wrong one takes nothing from them.
    let mut member = reader(&edge, "free").await;
    assert!(member.get("/members/?preview=0-0").await.body.contains("zzmembersword"));
}
