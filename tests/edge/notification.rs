//! Notifications: what a member is told, in the site, live and by mail, and what an
//! administrator is.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use littoral::edge::Options;
use littoral::site::alerts::Alerts;
use littoral::site::audience::Role;
use littoral::site::mail::Security;
use littoral::store::{ByMail, Choice, EmailAddress, MemberId, Notice, NoticeKind};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::browser::{Browser, PASSWORD};
use crate::support::{PATIENCE, Release, TestEdge, quick};

fn impatient() -> Options {
    let mut options = quick();
    options.deliveries.look_every = Duration::from_millis(5);
    options
}

/// Nobody listens there: what is sent stays in the outbox, where the tests read it.
fn no_server(site: &mut Release) {
    site.manifest.site.edge.mail.server = "127.0.0.1:9".to_owned();
    site.manifest.site.edge.mail.security = Security::None;
    // What these tests do is no trouble, but where they want it to be.
    site.manifest.site.edge.alerts = Alerts {
        memory_mib: 0,
        disk_mib: 0,
        given_up: 0,
        faults: 0,
        failed_logins: 0,
        not_found: 0,
        ..Alerts::default()
    };
}

async fn site() -> TestEdge {
    TestEdge::with(impatient(), no_server).await
}

async fn id_of(edge: &TestEdge, address: &str) -> MemberId {
    let address = EmailAddress::parse(address).unwrap();
    edge.edge.store().unwrap().member_by_email(&address).await.unwrap().unwrap().0.id
}

async fn tell_at(edge: &TestEdge, member: MemberId, kind: NoticeKind, subject: &str, now: Timestamp) {
    let notice = Notice {
        member,
        kind,
        subject: subject.to_owned(),
        link: "/docs/".to_owned(),
        data: json!({ "low": "water" }),
    };
    edge.edge.store().unwrap().notify(vec![notice], now).await.unwrap();
    edge.edge.notified();
}

async fn tell(edge: &TestEdge, member: MemberId, kind: NoticeKind, subject: &str) {
    tell_at(edge, member, kind, subject, Timestamp::now()).await;
}

fn count(edge: &TestEdge, what: &str) -> i64 {
    edge.ask_store(&format!("SELECT CAST(COUNT(*) AS TEXT) FROM {what}")).unwrap().parse().unwrap()
}

async fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{what}"));
}

/// The last letter to an address, once there are so many.
async fn letter_to(edge: &TestEdge, address: &str, number: i64) -> Value {
    let of = format!(
        "littoral_outbox WHERE kind = 'mail' AND payload LIKE '{{\"to\":\"{address}\"%' AND payload NOT LIKE '%/register/%'"
    );
    wait_until("a letter must be made", || count(edge, &of) >= number).await;
    assert_eq!(count(edge, &of), number);
    let found = edge.ask_store(&format!("SELECT payload FROM {of} ORDER BY created_at DESC LIMIT 1"));
    serde_json::from_str(&found.unwrap()).unwrap()
}

fn off_path(letter: &Value) -> String {
    let headers = letter["headers"].as_array().unwrap();
    let header = |name: &str| headers.iter().find(|header| header[0] == name).unwrap()[1].as_str().unwrap().to_owned();
    assert_eq!(header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    let whole = header("List-Unsubscribe");
    whole.strip_prefix("<http://localhost").unwrap().strip_suffix('>').unwrap().to_owned()
}

async fn one_click(edge: &TestEdge, path: &str) -> u16 {
    let request = edge.request(Method::POST, path).header("content-type", "application/x-www-form-urlencoded");
    request.body("List-Unsubscribe=One-Click").send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_has_none_and_is_sent_to_sign_in() {
    let edge = site().await;
    for path in ["/notifications", "/account/letters"] {
        let mut visitor = Browser::new(&edge);
        let answer = visitor.get(path).await;
        assert!(answer.location.starts_with("/login?next="), "{path}");
    }
    assert_eq!(edge.get("/_/notifications/live").await.status(), 401);
    for wrong in ["/notifications/off", "/notifications/off?token=1.reply.00", "/notifications/off?token="] {
        assert_eq!(edge.get(wrong).await.status(), 422, "{wrong}");
        assert_eq!(one_click(&edge, wrong).await, 422, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_sees_their_own_reads_them_and_nobody_elses() {
    let edge = site().await;
    let (mut ann, mut bob) = (Browser::new(&edge), Browser::new(&edge));
    ann.register("ann@example.org").await;
    bob.register("bob@example.org").await;
    let (ann_id, bob_id) = (id_of(&edge, "ann@example.org").await, id_of(&edge, "bob@example.org").await);
    tell(&edge, ann_id, NoticeKind::Reply, "Bob <b>answered</b>").await;
    tell(&edge, bob_id, NoticeKind::Reply, "Ann was here").await;
    let page = ann.get("/notifications").await;
    assert!(page.body.contains("Bob &lt;b&gt;answered&lt;/b&gt;"), "{}", page.body);
    assert!(!page.body.contains("Ann was here"));
    assert!(ann.get("/_/me").await.body.contains("\"unread\":\"1\""));
    // Bob's is not Ann's to read.
    let bobs =
        edge.ask_store("SELECT CAST(id AS TEXT) FROM littoral_notification WHERE subject = 'Ann was here'").unwrap();
    assert_eq!(ann.submit("/notifications", "/notifications/read", &[("id", &bobs)]).await.status, 404);
    for wrong in ["", "gull", "-1", "99999999999999999999"] {
        let answer = ann.submit("/notifications", "/notifications/read", &[("id", wrong)]).await;
        assert!(matches!(answer.status, 404 | 422), "{wrong}: {}", answer.status);
    }
    // Without the token of the page nothing is done.
    let anns =
        edge.ask_store("SELECT CAST(id AS TEXT) FROM littoral_notification WHERE subject <> 'Ann was here'").unwrap();
    assert_eq!(ann.post("/notifications/read", &[("id", &anns)]).await.status, 403);
    assert_eq!(ann.submit("/notifications", "/notifications/read", &[("id", &anns)]).await.status, 303);
    assert!(ann.get("/_/me").await.body.contains("\"unread\":\"0\""));
    assert!(bob.get("/_/me").await.body.contains("\"unread\":\"1\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_a_page_has_shown_is_read_at_once_and_what_came_since_is_not() {
    let edge = site().await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    let id = id_of(&edge, "ann@example.org").await;
    let start = Timestamp::now() - SignedDuration::from_hours(1);
    for number in 0..60 {
        let at = start + SignedDuration::from_secs(number);
        tell_at(&edge, id, NoticeKind::Account, &format!("Change {number}."), at).await;
    }
    let page = ann.get("/notifications").await;
    assert!(page.body.contains("Change 59.") && page.body.contains("Change 10."));
    assert!(!page.body.contains("Change 9."), "a page lists fifty");
    let next = page.body.split("href=\"/notifications?before=").nth(1).unwrap().split('"').next().unwrap();
    let earlier = ann.get(&format!("/notifications?before={next}")).await;
    assert!(earlier.body.contains("Change 9.") && earlier.body.contains("Change 0."), "{}", earlier.body);
    assert!(!earlier.body.contains("Change 10."));
    assert_eq!(ann.get("/notifications?before=gull").await.status, 422);
    tell(&edge, id, NoticeKind::Account, "Since then").await;
    let until = page.body.split("name=\"until\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let fields = [("csrf", page.token()), ("id", "all".to_owned()), ("until", until.to_owned())];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(ann.post("/notifications/read", &fields).await.status, 303);
    assert_eq!(count(&edge, "littoral_notification WHERE read_at IS NULL"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_led_out_of_the_site() {
    let edge = site().await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    let member = id_of(&edge, "ann@example.org").await;
    for link in ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", ""] {
        let notice =
            Notice { member, kind: NoticeKind::Reply, subject: "x".to_owned(), link: link.to_owned(), data: json!({}) };
        edge.edge.store().unwrap().notify(vec![notice], Timestamp::now()).await.unwrap();
    }
    let page = ann.get("/notifications").await.body;
    assert!(!page.contains("evil") && !page.contains("javascript"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bell_shows_how_many_are_unread_and_a_visitor_none() {
    let edge = TestEdge::with(impatient(), |site| {
        no_server(site);
        let bell = include_str!("../../dynamic/fragments/bell.hbs").replace("for: 0s }", "for: 0s }\nbudget: 2s");
        site.template("fragments/bell", &bell);
        site.moving_page("/moving/", "<p>", &[("bell", "", "</p>")]);
    })
    .await;
    assert!(!edge.get("/moving/").await.text().await.unwrap().contains("/notifications"));
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    let page = ann.get("/moving/").await.body;
    assert!(page.contains("href=\"/notifications\"") && !page.contains("unread"), "{page}");
    let id = id_of(&edge, "ann@example.org").await;
    tell(&edge, id, NoticeKind::Reply, "One").await;
    tell(&edge, id, NoticeKind::Reply, "Two").await;
    let page = ann.get("/moving/").await.body;
    assert!(page.contains("<strong>2<span class=\"visually-hidden\"> unread</span></strong>"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_comes_at_once_and_one_click_in_it_ends_its_kind_alone() {
    let edge = site().await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    let id = id_of(&edge, "ann@example.org").await;
    tell(&edge, id, NoticeKind::Reply, "Bob answered").await;
    let letter = letter_to(&edge, "ann@example.org", 1).await;
    assert_eq!(letter["subject"], "Tides: Bob answered");
    assert!(letter["text"].as_str().unwrap().contains("http://localhost/docs/"), "{letter}");
    let path = off_path(&letter);
    // Looked at, nothing ends; and no token for another kind can be made of this one.
    let page = edge.get(&path).await.text().await.unwrap();
    assert!(page.contains("Replies"), "{page}");
    for forged in [path.replace(".reply.", ".alert."), path[..path.len() - 1].to_owned(), format!("{path}0")] {
        assert_eq!(one_click(&edge, &forged).await, 422, "{forged}");
    }
    tell(&edge, id, NoticeKind::Reply, "Bob answered again").await;
    letter_to(&edge, "ann@example.org", 2).await;
    assert_eq!(one_click(&edge, &path).await, 200);
    assert_eq!(one_click(&edge, &path).await, 200, "twice is once");
    tell(&edge, id, NoticeKind::Reply, "No letter").await;
    tell(&edge, id, NoticeKind::Account, "Another kind").await;
    let letter = letter_to(&edge, "ann@example.org", 3).await;
    assert_eq!(letter["subject"], "Tides: Another kind");
    assert!(ann.get("/notifications").await.body.contains("No letter"), "it is in the site all the same");
    // And it can be switched on again.
    let fields = [("by-mail-reply", "now")];
    assert_eq!(
        ann.submit("/account/letters", "/account/letters", &fields).await.location,
        "/account/letters?done=kept"
    );
    tell(&edge, id, NoticeKind::Reply, "A letter again").await;
    letter_to(&edge, "ann@example.org", 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_gathers_what_came_until_the_morning_and_goes_once_from_several_nodes() {
    let edge = site().await;
    let other = edge.beside().await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    let id = id_of(&edge, "ann@example.org").await;
    let daily = NoticeKind::ALL.map(|kind| Choice { kind, by_mail: ByMail::Daily }).to_vec();
    edge.edge.store().unwrap().choose_notices(id, daily).await.unwrap();
    tell(&edge, id, NoticeKind::Reply, "Today, not yet").await;
    // Of the day before yesterday: due since yesterday.
    let earlier = Timestamp::now() - SignedDuration::from_hours(48);
    assert_eq!(count(&edge, "littoral_outbox WHERE payload NOT LIKE '%/register/%'"), 0);
    let mut bob = Browser::new(&edge);
    bob.register("bob@example.org").await;
    let bob_id = id_of(&edge, "bob@example.org").await;
    let store = edge.edge.store().unwrap();
    let daily = |kind| Choice { kind, by_mail: ByMail::Daily };
    store.choose_notices(bob_id, vec![daily(NoticeKind::Reply), daily(NoticeKind::Account)]).await.unwrap();
    let notice =
        |kind, subject: String| Notice { member: bob_id, kind, subject, link: "/docs/".to_owned(), data: json!({}) };
    let mut many: Vec<Notice> = (0..70).map(|number| notice(NoticeKind::Reply, format!("Reply {number}."))).collect();
    many.push(notice(NoticeKind::Account, "Your name".to_owned()));
    store.notify(many, earlier).await.unwrap();
    other.edge.notified();
    edge.edge.notified();
    let letter = letter_to(&edge, "bob@example.org", 1).await;
    assert_eq!(letter["subject"], "Tides: 71 new today");
    let text = letter["text"].as_str().unwrap();
    assert!(text.contains("And 21 more"), "{text}");
    assert_eq!(count(&edge, "littoral_outbox WHERE address = 'bulk'"), 1);
    assert_eq!(count(&edge, "littoral_parcel"), 1, "Ann's waits for the morning");
    // The link ends the digest, whatever it is made of.
    assert_eq!(one_click(&edge, &off_path(&letter)).await, 200);
    store.notify(vec![notice(NoticeKind::Account, "Nobody hears".to_owned())], earlier).await.unwrap();
    edge.edge.notified();
    assert_eq!(count(&edge, "littoral_parcel"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_in_the_site_is_in_no_digest() {
    let edge = site().await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    let id = id_of(&edge, "ann@example.org").await;
    let store = edge.edge.store().unwrap();
    store.choose_notices(id, vec![Choice { kind: NoticeKind::Reply, by_mail: ByMail::Weekly }]).await.unwrap();
    tell(&edge, id, NoticeKind::Reply, "Read already").await;
    store.read_all_notices(id, Timestamp::now(), Timestamp::now()).await.unwrap();
    // In a fortnight the parcel is empty, and goes without a letter.
    let later = Timestamp::now() + SignedDuration::from_hours(14 * 24);
    let claimed = store.claim_parcels(10, SignedDuration::from_secs(60), later).await.unwrap();
    assert_eq!(claimed.len(), 1);
    let contents = store.contents(&claimed[0]).await.unwrap().unwrap();
    assert_eq!(contents.notices, []);
    assert!(store.send_parcel(&claimed[0], Some(&contents), None, later).await.unwrap());
    assert!(!store.send_parcel(&claimed[0], Some(&contents), None, later).await.unwrap(), "once");
    assert_eq!(count(&edge, "littoral_parcel"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_chooses_and_a_word_that_is_no_choice_is_refused() {
    let edge = TestEdge::with(impatient(), |site| {
        no_server(site);
        site.manifest.site.edge.newsletter.open = true;
    })
    .await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    let page = ann.get("/account/letters").await.body;
    assert!(page.contains("Replies") && !page.contains("Moderation") && !page.contains("Alerts"), "{page}");
    assert_eq!(ann.submit("/account/letters", "/account/letters", &[("by-mail-reply", "hourly")]).await.status, 422);
    // What a moderator is told is nothing that a member chooses.
    ann.submit("/account/letters", "/account/letters", &[("by-mail-alert", "never")]).await;
    assert_eq!(count(&edge, "littoral_notification_choice"), 0);
    // The newsletter is confirmed by the mailbox, for a member, too.
    let wish = [("has-newsletter", "on"), ("newsletter", "on"), ("by-mail-reply", "weekly")];
    let done = ann.submit("/account/letters", "/account/letters", &wish).await;
    assert_eq!(done.location, "/account/letters?done=asked");
    let letter = letter_to(&edge, "ann@example.org", 1).await;
    let text = letter["text"].as_str().unwrap();
    let link = text[text.find("/newsletter/confirm").unwrap()..].split_whitespace().next().unwrap();
    ann.submit(link, "/newsletter/confirm", &[("token", link.split_once('=').unwrap().1)]).await;
    assert!(ann.get("/account/letters").await.body.contains("name=\"newsletter\" value=\"on\" checked"));
    ann.submit("/account/letters", "/account/letters", &[("has-newsletter", "on")]).await;
    assert_eq!(count(&edge, "littoral_subscriber WHERE state = 'left'"), 1);
}

/// Reads from a connection until `wanted` has come.
async fn read_until(stream: &mut tokio::net::TcpStream, all: &mut String, wanted: &str) {
    let reading = async {
        let mut chunk = [0; 4096];
        while !all.contains(wanted) {
            let read = stream.read(&mut chunk).await.unwrap();
            assert!(read > 0, "the stream ended before {wanted}: {all}");
            all.push_str(&String::from_utf8_lossy(&chunk[..read]));
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap_or_else(|_| panic!("{wanted} must come"));
}

async fn listen(edge: &TestEdge, cookie: &str) -> tokio::net::TcpStream {
    let mut stream = edge.connect().await;
    let request =
        format!("GET /_/notifications/live HTTP/1.1\r\nHost: {}\r\nCookie: littoral={cookie}\r\n\r\n", edge.address);
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_page_hears_of_it_at_once_whichever_node_it_is_open_at() {
    let mut edge = site().await;
    let other = edge.beside().await;
    let (ann_cookie, bob_cookie) = {
        let (mut ann, mut bob) = (Browser::new(&edge), Browser::new(&edge));
        ann.register("ann@example.org").await;
        bob.register("bob@example.org").await;
        (ann.session().unwrap(), bob.session().unwrap())
    };
    let (ann, bob) = (id_of(&edge, "ann@example.org").await, id_of(&edge, "bob@example.org").await);
    let mut streams = Vec::new();
    for (at, cookie) in [(&edge, &ann_cookie), (&other, &ann_cookie), (&edge, &bob_cookie)] {
        let (mut stream, mut all) = (listen(at, cookie).await, String::new());
        read_until(&mut stream, &mut all, "{\"unread\":0,\"words\":\"0\"}").await;
        assert!(all.contains("text/event-stream"), "{all}");
        streams.push((stream, all));
    }
    tell(&edge, ann, NoticeKind::Reply, "One").await;
    for (stream, all) in &mut streams[..2] {
        read_until(stream, all, "\"unread\":1").await;
    }
    tell(&edge, bob, NoticeKind::Reply, "One").await;
    let (stream, all) = &mut streams[2];
    read_until(stream, all, "\"unread\":1").await;
    // What is read in one window is read in the other.
    let mut browser = Browser::new(&edge);
    browser.cookies.insert("littoral".to_owned(), ann_cookie.clone());
    let page = browser.get("/notifications").await;
    let until = page.body.split("name=\"until\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    browser.submit("/notifications", "/notifications/read", &[("id", "all"), ("until", &until)]).await;
    let (stream, all) = &mut streams[0];
    *all = String::new();
    read_until(stream, all, "\"unread\":0").await;
    // It ends when the edge is told to stop.
    drop(browser);
    edge.tell_to_stop();
    let mut rest = Vec::new();
    let ended = streams[0].0.read_to_end(&mut rest);
    tokio::time::timeout(PATIENCE, ended).await.expect("the stream must end").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_member_cannot_take_all_the_places() {
    let edge = site().await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    let cookie = ann.session().unwrap();
    let mut open = Vec::new();
    for _ in 0..8 {
        let (mut stream, mut all) = (listen(&edge, &cookie).await, String::new());
        read_until(&mut stream, &mut all, "\"unread\":0").await;
        open.push(stream);
    }
    assert_eq!(ann.get("/_/notifications/live").await.status, 429);
    // A window that is closed makes room.
    drop(open);
    let asking = async {
        loop {
            let (mut stream, mut chunk) = (listen(&edge, &cookie).await, [0; 64]);
            let read = stream.read(&mut chunk).await.unwrap();
            if chunk[..read].starts_with(b"HTTP/1.1 200") {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("there must be room again");
}

/// An edge with an administrator, who is looked after with these thresholds.
async fn watched(alerts: Alerts) -> TestEdge {
    let options = Options { watch_every: Duration::from_millis(20), ..impatient() };
    let edge = TestEdge::with(options, |site| {
        no_server(site);
        site.manifest.site.edge.alerts = alerts;
        site.template("preferences/preferences", "{{absent}}");
    })
    .await;
    Browser::new(&edge).register("admin@example.org").await;
    let admin = EmailAddress::parse("admin@example.org").unwrap();
    edge.edge.store().unwrap().set_role(&admin, Role::Admin).await.unwrap();
    edge
}

fn quiet() -> Alerts {
    Alerts { memory_mib: 0, disk_mib: 0, given_up: 0, faults: 0, failed_logins: 0, not_found: 0, ..Alerts::default() }
}

fn alerts(edge: &TestEdge) -> i64 {
    count(edge, "littoral_notification WHERE kind = 'alert'")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_is_told_of_little_memory_and_room_once_and_the_rest_is_counted() {
    let edge = watched(Alerts { memory_mib: u64::MAX, disk_mib: u64::MAX, ..quiet() }).await;
    wait_until("both must be told", || alerts(&edge) == 2).await;
    wait_until("it must be looked at again", || count(&edge, "littoral_alert WHERE suppressed >= 3") == 2).await;
    assert_eq!(alerts(&edge), 2, "no storm");
    let subject = |kind: &str| {
        let of = format!("SELECT subject FROM littoral_notification WHERE subject LIKE '%{kind}%'");
        edge.ask_store(&of).unwrap()
    };
    assert!(subject("memory").ends_with(" MiB") && subject("disk").ends_with(" MiB"));
    // An hour later it is told again, with how often it was so in between.
    let later = Timestamp::now() + SignedDuration::from_mins(61);
    let rest = SignedDuration::from_mins(60);
    edge.edge.store().unwrap().alert("memory", "Little memory".to_owned(), rest, later).await.unwrap();
    assert!(subject("Little memory (and").contains("times more since the last time"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_is_told_of_failed_logins_a_scanner_and_our_own_faults() {
    let edge = watched(Alerts { faults: 1, failed_logins: 1, not_found: 1, ..quiet() }).await;
    let mut stranger = Browser::new(&edge);
    assert_eq!(stranger.log_in("admin@example.org", "high water at noon").await.status, 422);
    wait_until("logins", || count(&edge, "littoral_alert WHERE kind = 'logins'") == 1).await;
    assert_eq!(stranger.get("/wp-login.php").await.status, 404);
    wait_until("scanner", || count(&edge, "littoral_alert WHERE kind = 'scanner'") == 1).await;
    let subject = edge.ask_store("SELECT subject FROM littoral_notification WHERE subject LIKE '127.0.0.1 has%'");
    assert!(subject.unwrap().contains("1 addresses"));
    assert_eq!(edge.get("/account/preferences").await.status(), 500);
    wait_until("faults", || count(&edge, "littoral_alert WHERE kind = 'faults'") == 1).await;
    letter_to(&edge, "admin@example.org", 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_administrators_is_told_and_a_site_in_order_tells_nothing() {
    let edge = watched(Alerts { not_found: 1000, faults: 1000, failed_logins: 1000, ..quiet() }).await;
    Browser::new(&edge).register("ann@example.org").await;
    for _ in 0..20 {
        edge.get("/nothing/").await;
    }
    let store = edge.edge.store().unwrap();
    store.alert("tide", "A test".to_owned(), SignedDuration::from_mins(1), Timestamp::now()).await.unwrap();
    assert_eq!(alerts(&edge), 1);
    assert_eq!(count(&edge, "littoral_alert"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_browser_of_an_administrator_is_told_and_a_newer_version_is_not() {
    let edge = watched(quiet()).await;
    let sign_in = async |agent: &str| {
        let mut browser = Browser::new(&edge);
        browser.headers.push(("user-agent", agent.to_owned()));
        assert_eq!(browser.log_in("admin@example.org", PASSWORD).await.status, 303);
    };
    let devices = |number: i64| {
        let edge = &edge;
        move || count(edge, "littoral_device") == number
    };
    sign_in("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0").await;
    wait_until("the first is noted", devices(1)).await;
    sign_in("Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Firefox/141.0").await;
    sign_in("Mozilla/5.0 (iPhone) Safari/604.1").await;
    wait_until("the second is noted", devices(2)).await;
    wait_until("it must be told", || alerts(&edge) == 1).await;
    let subject = edge.ask_store("SELECT subject FROM littoral_notification").unwrap();
    assert!(subject.contains("Safari on iPhone"), "{subject}");
}
