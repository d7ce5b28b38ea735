//! Who gets what of pages that are not for everybody: every kind of reader at every door.
//!
//! Each restricted page of the site has a word that stands nowhere else. A reader for whom the
//! page is not must never meet it, whatever they ask; one for whom it is must find it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use littoral::build::asset::Naming;
use littoral::build::model::Drafts;
use littoral::build::sources::Folder;
use littoral::build::{Request, build};
use littoral::edge::{Options, Statics};
use littoral::site::audience::Role;
use littoral::site::release::{Entry, Shelf};
use littoral::store::EmailAddress;
use reqwest::Method;
use serde_json::Value;

use crate::browser::{Answer, Browser, PASSWORD};
use crate::support::{TestEdge, quick};

/// Path of a restricted page or file, the word in it, and who may read it.
pub const PAGES: &[(&str, &str, &[&str])] = &[
    ("/members/", "zzmembersword", &["free", "paid", "moderator", "editor", "admin"]),
    ("/paid/", "zzpaidword", &["paid", "editor", "admin"]),
    ("/editors/", "zzeditorsword", &["editor", "admin"]),
    ("/moderators/", "zzmoderatorsword", &["moderator", "editor", "admin"]),
    // Nothing of it is free in this site: see `meter.rs` for those where something is.
    ("/metered/", "zzmeteredword", &["paid", "editor", "admin"]),
    ("/bundle/", "zzbundleword", &["free", "paid", "moderator", "editor", "admin"]),
    ("/bundle/file.txt", "zzfileword", &["free", "paid", "moderator", "editor", "admin"]),
    ("/inside/", "zzsectionword", &["free", "paid", "moderator", "editor", "admin"]),
    ("/inside/below/", "zzbelowword", &["free", "paid", "moderator", "editor", "admin"]),
    ("/rows/x/", "zzrowword", &["paid", "editor", "admin"]),
    ("/draft/", "zzdraftword", &["editor", "admin"]),
];

/// Every kind of reader.
pub const READERS: &[&str] = &["visitor", "forged", "expired", "free", "paid", "moderator", "editor", "admin"];

/// Writes the site. `access` says how the page `members` is restricted.
fn write(root: &Path, access: &str) {
    let put = |path: &str, text: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("littoral.yaml", "title: Tides\npreviews: true\nedge: { meter: { free: 0 } }\n");
    put(
        "layouts/page.hbs",
        "<title>{{page.title}}</title>{{#unless page.is_open}}{{#if page.extra.word}}{{page.extra.word}}{{/if}}{{/unless}}{{content}}{{#next}}{{title}} {{summary}} {{words}}{{/next}}{{#pages}}{{title}} {{summary}} {{json this}}{{/pages}}{{toc}}",
    );
    put("content/_index.md", "# Home\n");
    put(
        "content/public.md",
        "---\ntitle: Public\ndate: 2024-02-01\nword: \"\"\n---\nEverybody reads of the harbour.\n",
    );
    let page = |access: &str, word: &str| {
        format!(
            "---\ntitle: Harbour\ndate: 2024-01-01\ntags: [sea]\nword: \"\"\naccess: {access}\n---\nIn the harbour {word} lies.\n\n## Of {word}\n\nAnd {word}.\n"
        )
    };
    put("content/members.md", &page(access, "zzmembersword"));
    put("content/paid.md", &page("{ tier: paid }", "zzpaidword"));
    put("content/editors.md", &page("{ role: editor }", "zzeditorsword"));
    put("content/moderators.md", &page("{ role: moderator }", "zzmoderatorsword"));
    put("content/metered.md", &page("metered", "zzmeteredword"));
    put("content/bundle/index.md", &page("members", "zzbundleword"));
    put("content/bundle/file.txt", "A file with zzfileword in it.");
    put("content/inside/_index.md", &page("members", "zzsectionword"));
    put("content/inside/below.md", "---\ntitle: Below\nword: \"\"\n---\nIt is zzbelowword.\n");
    put(
        "content/rows/_index.md",
        "---\ntitle: Rows\naccess: { tier: paid }\npages_from: { data: r.csv, path: '{slug}', title: 'Row {slug}' }\n---\n",
    );
    put("data/r.csv", "slug,word\nx,zzrowword\n");
    put(
        "content/draft.md",
        "---\ntitle: Draft\ndraft: true\ndate: 2024-03-01\ntags: [sea]\n---\nIt is zzdraftword, in the harbour.\n",
    );
}

/// Builds it as the program does.
pub fn build_site(root: &Path) {
    let sources = Folder::new(root, None, jiff::civil::date(2026, 1, 1));
    let request = Request {
        shelf: Shelf::of(root),
        sources: &sources,
        drafts: Drafts::Hidden,
        naming: Naming::Digest,
        progress: &|_| {},
        ready: &|_| {},
    };
    let report = build(&request).unwrap();
    assert!(!report.has_errors(), "{:?}", report.diagnostics);
}

pub async fn site() -> TestEdge {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "members");
    build_site(folder.path());
    TestEdge::serve(folder, quick()).await
}

/// Somebody of that kind, signed in if they can be.
pub async fn reader<'e>(edge: &'e TestEdge, kind: &str) -> Browser<'e> {
    let mut browser = Browser::new(edge);
    let store = edge.edge.store().unwrap();
    let email = format!("{kind}@example.org");
    let address = EmailAddress::parse(&email).unwrap();
    match kind {
        "visitor" => return browser,
        "forged" => {
            browser.cookies.insert("littoral".to_owned(), "0123456789abcdef".repeat(4));
            return browser;
        }
        _ => browser.register(&email).await,
    };
    match kind {
        "paid" => assert!(store.set_tier(&address, "paid".parse().ok()).await.unwrap()),
        "moderator" | "editor" | "admin" => {
            assert!(store.set_role(&address, kind.parse::<Role>().unwrap()).await.unwrap());
            browser.log_in(&email, PASSWORD).await;
        }
        // Another browser has ended this session: its cookie is as good as one that is too old.
        "expired" => {
            let mut elsewhere = Browser::new(edge);
            elsewhere.cookies.clone_from(&browser.cookies);
            let token = elsewhere.get("/account").await.token();
            assert_eq!(elsewhere.post("/logout", &[("csrf", &token)]).await.status, 303);
        }
        _ => {}
    }
    browser
}

fn may_read(kind: &str, readers: &[&str]) -> bool {
    readers.contains(&kind)
}

/// The words that a reader of this kind must not meet.
fn closed(kind: &str) -> Vec<&'static str> {
    PAGES.iter().filter(|(_, _, readers)| !may_read(kind, readers)).map(|(_, word, _)| *word).collect()
}

fn assert_nothing_leaks(kind: &str, door: &str, answer: &Answer) {
    let said = format!("{:?} {}", answer.headers, answer.body);
    for word in closed(kind) {
        assert!(!said.contains(word), "{kind} meets {word} at {door}:\n{said}");
    }
}

/// The routes of the edge's rooms, as its source writes them, and what is asked of each. One that
/// a room gets is to be listed here, with questions that would tell what a closed page holds.
/// `{beginning}` is the beginning of a word, `{typo}` one with a letter too many, `{path}` a page.
const DOORS: &[(&str, &[&str])] = &[
    ("_ / api / v1 / ..", &["/_/api/v1/", "/_/api/v1/tables/littoral_member", "/_/api/v1/openapi.json"]),
    ("_ / events", &["/_/events"]),
    (
        "_ / fragment / ..",
        &[
            "/_/fragment/pages",
            "/_/fragment/costs?below=%2F",
            "/_/fragment/recently-read",
            "/_/fragment/kept-pages",
            "/_/fragment/followed-pages",
            "/_/fragment/suggested-pages",
            "/_/fragment/bell",
            "/_/fragment/meter",
            "/_/fragment/keep-page?page={path}",
            "/_/fragment/comments?page={path}",
            "/_/fragment/comment-form?page={path}",
            "/_/fragment/account",
            "/_/fragment/contrast-place",
        ],
    ),
    ("_ / fragment.js", &["/_/fragment.js"]),
    ("_ / health", &["/_/health"]),
    ("_ / me", &["/_/me"]),
    ("_ / pages", &["/_/pages", "/_/pages?below=%2Fbundle%2F", "/_/pages?below={path}"]),
    ("_ / pages / view", &["/_/pages/view", "/_/pages/view?below={path}"]),
    ("_ / preferences", &["/_/preferences"]),
    ("_ / read", &["/_/read"]),
    ("_ / search", &["/_/search?q={beginning}", "/_/search?q={typo}", "/_/search?q=harbour&limit=50"]),
    ("_ / suggest", &["/_/suggest?q={beginning}", "/_/suggest?q={typo}", "/_/suggest?q=harbour%20{beginning}"]),
    ("_ / watch.js", &["/_/watch.js"]),
    ("account", &["/account"]),
    ("account / delete", &["/account/delete"]),
    ("account / feed", &["/account/feed"]),
    (
        "account / feed / String",
        &["/account/feed/x.xml", "/account/feed/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.xml"],
    ),
    ("account / history", &["/account/history"]),
    ("account / password", &["/account/password"]),
    ("account / preferences", &["/account/preferences"]),
    ("account / sessions", &["/account/sessions"]),
    ("admin", &["/admin"]),
    ("admin / answer", &["/admin/answer?id=1"]),
    ("admin / answers", &["/admin/answers?form=note"]),
    ("admin / file", &["/admin/file?id=1"]),
    ("admin / forget", &["/admin/forget"]),
    ("form", &["/form/note"]),
    ("login", &["/login?next={path}"]),
    ("logout", &["/logout"]),
    ("register", &["/register?next={path}"]),
    (
        "search",
        &["/search?q={beginning}", "/search?q={typo}", "/search?q=harbour", "/search?q=%22harbour%20{beginning}%22"],
    ),
    ("thanks", &["/form/note/thanks"]),
    ("_ / comments / live", &["/_/comments/live?page={path}"]),
    ("_ / comments.js", &["/_/comments.js"]),
    // It says that there is something new, never what, and has no end.
    ("_ / notifications / live", &[]),
    ("account / address", &["/account/address"]),
    ("account / address / agree", &["/account/address/agree?token=x"]),
    ("account / again", &["/account/again"]),
    ("account / events", &["/account/events"]),
    ("account / export", &["/account/export"]),
    ("account / first", &["/account/first?token=x"]),
    ("account / letters", &["/account/letters"]),
    ("account / password / remove", &["/account/password/remove"]),
    ("account / reading", &["/account/reading", "/account/reading?keep={path}", "/account/reading?follow={path}"]),
    ("account / stay", &["/account/stay"]),
    ("admin / audit", &["/admin/audit"]),
    ("admin / events", &["/admin/events"]),
    ("admin / mail", &["/admin/mail"]),
    ("admin / member", &["/admin/member?email=ann@example.org"]),
    ("admin / members", &["/admin/members"]),
    ("admin / comments", &["/admin/comments"]),
    ("admin / comments / blocks", &["/admin/comments/blocks"]),
    ("comments", &["/comments?page={path}", "/comments/1"]),
    ("comments / confirm", &["/comments/confirm?token=x"]),
    ("comments / feed", &["/comments/feed", "/comments/feed?page={path}"]),
    ("comments / new", &["/comments/new?page={path}"]),
    ("comments / said", &["/comments/said?page={path}"]),
    ("comments / unsubscribe", &["/comments/unsubscribe?id=1&token=x"]),
    ("deed", &["/comments/1/edit", "/comments/1/like"]),
    ("login / ask", &["/login/ask"]),
    ("login / forgotten", &["/login/forgotten"]),
    ("login / link", &["/login/link?token=x"]),
    ("login / password", &["/login/password?token=x"]),
    ("login / sent", &["/login/sent"]),
    ("newsletter", &["/newsletter"]),
    ("newsletter / confirm", &["/newsletter/confirm?token=x"]),
    ("newsletter / leave", &["/newsletter/leave?token=x"]),
    ("newsletter / topics", &["/newsletter/topics?token=x"]),
    ("notifications", &["/notifications"]),
    ("notifications / off", &["/notifications/off?token=x"]),
    ("notifications / read", &["/notifications/read"]),
    ("register / confirm", &["/register/confirm?token=x"]),
];

/// What is no room's: the table of files, and what lies beside the site.
const STATIC_DOORS: &[&str] = &[
    "{path}",
    "{path}?preview=x",
    "{path}index.html",
    "{bare}",
    "{encoded}",
    "/x/..{path}",
    "/{path}",
    "{path}.",
    "{path}%00",
    "/full:{path}",
    "/.littoral/current",
    "/.littoral/objects/{object}",
    "/objects/{object}",
    "/atom.xml",
    "/sitemap.xml",
    "/robots.txt",
    "/tags/sea/",
    "/tags/",
    "/public/",
    "/",
    "/404.html",
    "/nothing-{beginning}",
];

/// The routes that are written in the source of the rooms.
fn routes_in_source() -> BTreeSet<String> {
    fn collect(folder: &Path, routes: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                collect(&path, routes);
            } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("room.rs") {
                let text = fs::read_to_string(&path).unwrap();
                for begin in ["warp::path!(", "warp::path("] {
                    for after in text.split(begin).skip(1) {
                        let written = after.split(')').next().unwrap_or_default();
                        routes.insert(written.replace('"', "").split_whitespace().collect::<Vec<_>>().join(" "));
                    }
                }
            }
        }
    }
    let mut routes = BTreeSet::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/edge"), &mut routes);
    routes
}

#[test]
fn every_route_of_the_edge_is_a_door_that_is_tried() {
    let listed: BTreeSet<String> = DOORS.iter().map(|(route, _)| (*route).to_owned()).collect();
    assert_eq!(routes_in_source(), listed, "list a new route in `DOORS`, with what may be asked of it");
}

/// Each room has its routes by these macros, or is known to look at paths by itself.
#[test]
fn every_room_has_routes_that_can_be_seen() {
    let edge = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/edge");
    let service = fs::read_to_string(edge.join("service.rs")).unwrap();
    let list = service.split("= &[").nth(1).unwrap().split("];").next().unwrap();
    let rooms: Vec<&str> = list.split(',').filter_map(|room| room.trim().strip_suffix("::routes")).collect();
    assert!(rooms.len() >= 12, "{rooms:?}");
    for room in rooms {
        let in_folder = fs::read_dir(edge.join(room)).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut files = in_folder.chain([edge.join(format!("{room}.rs"))]);
        let is_seen = files.any(|file| fs::read_to_string(file).is_ok_and(|text| text.contains("warp::path")));
        // Data pages have the routes of their authors, and tables that no page is in.
        assert!(is_seen || room == "data_page", "{room}");
    }
}

/// A door with its questions put in, for one page.
fn questions(door: &str, (path, word): (&str, &str), object: &str) -> String {
    let encoded: String =
        path.bytes().map(|byte| if byte == b'/' { "/".to_owned() } else { format!("%{byte:02x}") }).collect();
    door.replace("{beginning}", &word[..word.len() - 2])
        .replace("{typo}", &format!("{}q{}", &word[..6], &word[6..]))
        .replace("{path}", path)
        .replace("{bare}", path.trim_end_matches('/'))
        .replace("{encoded}", &encoded)
        .replace("{object}", object)
}

/// Path → the name of the object that only some may read.
fn objects(edge: &TestEdge) -> BTreeMap<String, String> {
    let shelf = Shelf::of(edge.folder.path());
    let entries = shelf.manifest(shelf.current().unwrap()).unwrap().entries.into_iter();
    entries.filter_map(|entry| Some((entry.path, entry.full?.object.to_string()))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reader_meets_a_word_of_a_page_that_is_not_for_them_at_any_door() {
    let edge = site().await;
    let objects = objects(&edge);
    assert_eq!(objects.len(), PAGES.len() + 1, "these, and the list of the rows");
    for kind in READERS {
        let mut browser = reader(&edge, kind).await;
        let mut tried = 0;
        for (path, word, _) in PAGES {
            let object = objects.get(*path).map_or("", String::as_str);
            let doors = DOORS.iter().flat_map(|(_, doors)| doors.iter()).chain(STATIC_DOORS);
            let asked: BTreeSet<String> = doors.map(|door| questions(door, (path, word), object)).collect();
            for question in asked {
                let answer = browser.get(&question).await;
                assert!(answer.status < 500, "{kind} {question}: {}", answer.status);
                assert_nothing_leaks(kind, &question, &answer);
                tried += 1;
            }
        }
        assert!(tried > 400, "{tried}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_a_page_is_for_gets_it_and_everybody_else_the_open_one() {
    let edge = site().await;
    for kind in READERS {
        let mut browser = reader(&edge, kind).await;
        for (path, word, readers) in PAGES {
            let is_theirs = may_read(kind, readers);
            // The second time it is kept.
            browser.get(path).await;
            let answer = browser.get(path).await;
            let has_open = !path.ends_with(".txt") && *path != "/draft/";
            assert_eq!(answer.status, if is_theirs || has_open { 200 } else { 404 }, "{kind} {path}");
            assert_eq!(answer.body.contains(word), is_theirs, "{kind} {path}: {}", answer.body);
            assert_eq!(answer.body.contains("class=\"invitation"), !is_theirs && has_open, "{kind} {path}");
            if answer.status == 200 {
                assert_eq!(answer.headers["cache-control"], "private, no-store", "{kind} {path}");
                let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
                assert!(vary.iter().any(|vary| *vary == "cookie"), "{kind} {path}: {vary:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_beside_a_page_is_not_there_for_whom_it_is_not_like_one_that_never_was() {
    let edge = site().await;
    for kind in ["visitor", "forged", "expired"] {
        let mut browser = reader(&edge, kind).await;
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::POST, Method::PUT, Method::DELETE] {
            let ask = |path: &'static str| edge.request(method.clone(), path).header("cookie", cookie(&browser)).send();
            let (real, none) = (ask("/bundle/file.txt").await.unwrap(), ask("/bundle/nile.txt").await.unwrap());
            assert_eq!(real.status(), none.status(), "{kind} {method}");
            let named = |headers: &reqwest::header::HeaderMap| -> Vec<String> {
                headers
                    .iter()
                    .filter(|(name, _)| *name != "date")
                    .map(|(name, value)| format!("{name}: {value:?}"))
                    .collect()
            };
            assert_eq!(named(real.headers()), named(none.headers()), "{kind} {method}");
            let (real, none) = (real.text().await.unwrap(), none.text().await.unwrap());
            assert_eq!(real.replace("/file.", "/nile."), none, "{kind} {method}");
        }
        assert_eq!(browser.get("/bundle/file.txt").await.status, 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restricted_page_takes_no_more_methods_than_another() {
    let edge = site().await;
    let member = reader(&edge, "free").await;
    for browser in [&member, &reader(&edge, "visitor").await] {
        for (method, status) in [(Method::POST, 405), (Method::PUT, 405), (Method::DELETE, 405), (Method::OPTIONS, 204)]
        {
            let answer =
                edge.request(method.clone(), "/members/").header("cookie", cookie(browser)).send().await.unwrap();
            assert_eq!(answer.status(), status, "{method}");
            assert_eq!(answer.headers()["allow"], "GET, HEAD, OPTIONS");
            assert!(!answer.text().await.unwrap().contains("zz"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_another_server_has_the_files_the_edge_has_the_whole_pages() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "members");
    build_site(folder.path());
    let edge = TestEdge::serve(folder, Options { statics: Statics::LeftToOthers, ..quick() }).await;
    assert_eq!(edge.get("/public/").await.status(), 404);
    let mut member = reader(&edge, "free").await;
    assert!(member.get("/members/").await.body.contains("zzmembersword"));
    assert!(member.get("/bundle/file.txt").await.body.contains("zzfileword"));
    let open = edge.get("/members/").await.text().await.unwrap();
    assert!(open.contains("class=\"invitation") && !open.contains("zz"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_watched_build_has_made_is_for_whom_it_says_at_once() {
    let edge = site().await;
    let shelf = Shelf::of(edge.folder.path());
    let entries = shelf.manifest(shelf.current().unwrap()).unwrap().entries;
    let entry = |path: &str| entries.iter().find(|entry| entry.path == path).unwrap().clone();
    let (closed, public) = (entry("/members/"), entry("/public/"));
    // The public page is closed by an edit, and the closed one opened.
    let newly_closed = Entry { path: "/public/".to_owned(), ..closed.clone() };
    let newly_open = Entry { path: "/members/".to_owned(), ..public };
    edge.edge.answer_from(&[newly_closed, newly_open]);
    let mut member = reader(&edge, "free").await;
    let visited = edge.get("/public/").await;
    assert_eq!(visited.headers()["cache-control"], "private, no-store");
    assert!(!visited.text().await.unwrap().contains("zzmembersword"));
    assert!(member.get("/public/").await.body.contains("zzmembersword"));
    assert!(edge.get("/members/").await.text().await.unwrap().contains("Everybody reads"));
    assert!(!member.get("/members/").await.body.contains("zzmembersword"));
}

fn cookie(browser: &Browser<'_>) -> String {
    browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_heads_and_conditions_are_of_the_page_that_this_reader_gets() {
    let edge = site().await;
    let (mut visitor, mut member) = (reader(&edge, "visitor").await, reader(&edge, "free").await);
    let (open, whole) = (visitor.get("/members/").await, member.get("/members/").await);
    let tag = |answer: &Answer| answer.headers["etag"].to_str().unwrap().to_owned();
    assert_ne!(tag(&open), tag(&whole));
    for (browser, own, other) in [(&mut visitor, &open, &whole), (&mut member, &whole, &open)] {
        let head = edge.request(Method::HEAD, "/members/").header("cookie", cookie(browser)).send().await.unwrap();
        assert_eq!(head.headers()["content-length"], own.body.len().to_string().as_str());
        assert_eq!(head.headers()["etag"], own.headers["etag"]);
        assert_eq!(head.headers()["cache-control"], "private, no-store");
        for (known, status) in [(tag(own), 304), (tag(other), 200)] {
            browser.headers = vec![("if-none-match", known)];
            let answer = browser.get("/members/").await;
            assert_eq!((answer.status, answer.body == own.body), (status, status == 200));
            assert_eq!(answer.headers["cache-control"], "private, no-store");
        }
        browser.headers = vec![("if-match", tag(other))];
        assert_eq!(browser.get("/members/").await.status, 412);
        browser.headers = vec![("range", "bytes=0-99999".to_owned())];
        let part = browser.get("/members/").await;
        assert_eq!((part.status, &part.body), (206, &own.body));
        browser.headers = vec![("range", "bytes=20-".to_owned()), ("if-range", tag(other))];
        let part = browser.get("/members/").await;
        assert_eq!((part.status, &part.body), (200, &own.body), "of another version there are no parts");
        for coding in ["gzip", "br", "zstd"] {
            browser.headers = vec![("accept-encoding", coding.to_owned())];
            let answer = browser.get("/members/").await;
            assert!(answer.headers.get("content-encoding").is_none() || answer.status == 200);
        }
        browser.headers.clear();
    }
    // Kept bodies are kept by what they are, not by where they stand.
    assert_eq!(visitor.get("/members/").await.body, open.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_counts_and_continues_only_what_its_reader_may_read() {
    let edge = site().await;
    for kind in READERS {
        let mut browser = reader(&edge, kind).await;
        for (path, word, readers) in PAGES.iter().filter(|(path, ..)| !path.ends_with(".txt")) {
            let found: Value = serde_json::from_str(&browser.get(&format!("/_/search?q={word}")).await.body).unwrap();
            // The cells of a row are shown by its layout and found by nobody.
            let expected = usize::from(may_read(kind, readers) && *path != "/rows/x/");
            assert_eq!(found["total"], expected, "{kind} {word}: {found}");
            assert_eq!(found["results"].as_array().unwrap().len(), expected);
            let typed = &word[..word.len() - 2];
            let said: Value = serde_json::from_str(&browser.get(&format!("/_/suggest?q={typed}")).await.body).unwrap();
            let goes_on = said["suggestions"].to_string().contains(word);
            assert_eq!(goes_on, expected == 1, "{kind} {word}: {said}");
            let page = browser.get(&format!("/search?q={word}")).await;
            assert_eq!(page.body.contains("<mark>"), expected == 1, "{kind} {word}");
        }
        // What stands on open pages is found by everybody, and each page once.
        let found: Value = serde_json::from_str(&browser.get("/_/search?q=harbour&limit=50").await.body).unwrap();
        let urls: Vec<&str> =
            found["results"].as_array().unwrap().iter().filter_map(|hit| hit["url"].as_str()).collect();
        let distinct: BTreeSet<&str> = urls.iter().copied().collect();
        assert_eq!((urls.len(), found["total"].as_u64()), (distinct.len(), Some(urls.len() as u64)), "{kind}: {found}");
        assert!(distinct.len() >= 8, "{kind}: {urls:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_follows_a_page_that_is_closed_and_forgets_what_stood_there() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "public");
    build_site(folder.path());
    let edge = TestEdge::serve(folder, quick()).await;
    let before = edge.get("/members/").await;
    let tag = before.headers()["etag"].to_str().unwrap().to_owned();
    assert!(before.text().await.unwrap().contains("zzmembersword"));
    write(edge.folder.path(), "members");
    build_site(edge.folder.path());
    crate::support::wait_for(&edge, "/members/", |body| !body.contains("zzmembersword")).await;
    assert_eq!(edge.get_with("/members/", &[("if-none-match", &tag)]).await.status(), 200);
    let public = fs::read_to_string(edge.folder.path().join("public/members/index.html")).unwrap();
    assert!(!public.contains("zzmembersword") && public.contains("class=\"invitation"));
    let mut visitor = Browser::new(&edge);
    for door in ["/_/search?q=zzmemberswor", "/_/suggest?q=zzmemberswor", "/atom.xml", "/"] {
        assert!(!visitor.get(door).await.body.contains("zzmembersword"), "{door}");
    }
}

#[test]
fn nothing_that_is_not_for_everybody_lies_in_public() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "members");
    build_site(folder.path());
    let mut open = vec![folder.path().join("public")];
    let mut files = 0;
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(at).unwrap().flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
                continue;
            }
            files += 1;
            let text = String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned();
            for (_, word, _) in PAGES {
                assert!(!text.contains(word), "{word} in {}", entry.path().display());
            }
        }
    }
    assert!(files > 15, "{files}");
}
