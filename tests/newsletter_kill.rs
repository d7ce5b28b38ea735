//! A newsletter whose program is killed while it is sent.
//!
//! The real program in real processes, and a real mail server: a page is sent to
//! `LITTORAL_SUBSCRIBERS` addresses while `serve` is killed with SIGKILL `LITTORAL_KILLS` times, at
//! instants that the server sees in the middle of its work. Each address gets exactly one
//! letter: one message, told from others by its `Message-ID`.
//!
//! What cannot be known is told, not hidden. Between the server's yes and our noting it lies a
//! moment; a letter that was under way when its program was killed is sent again, with the same
//! `Message-ID`, by which the receiving side knows it. How many came so is printed, and may be no
//! more than there were connections to a killed program. What nobody had begun to send is sent
//! once.
//!
//! `LITTORAL_SEED` sets the instants, which are printed.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use mailin::{Action, Handler, Response, SessionBuilder, response};

/// How many are written to, and how often the program is killed, when nothing else is said.
const SUBSCRIBERS: usize = 2_000;
const KILLS: usize = 3;
/// How many letters are under way at once.
const CONNECTIONS: usize = 4;
/// How long nothing may happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running program that ends with its test, by its own process id.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // SIGKILL.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What came: address → the names of the messages, in the order in which the server said yes.
type Mailboxes = Arc<Mutex<BTreeMap<String, Vec<String>>>>;

#[derive(Clone, Default)]
struct Clerk {
    mailboxes: Mailboxes,
    to: Vec<String>,
    raw: Vec<u8>,
}

impl Handler for Clerk {
    fn mail(&mut self, _: IpAddr, _: &str, _: &str) -> Response {
        self.to.clear();
        self.raw.clear();
        response::OK
    }

    fn rcpt(&mut self, to: &str) -> Response {
        self.to.push(to.to_owned());
        response::OK
    }

    fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.raw.extend_from_slice(bytes);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let text = String::from_utf8_lossy(&self.raw);
        let name = text.lines().find_map(|line| line.strip_prefix("Message-ID:")).unwrap_or_default().trim().to_owned();
        let mut mailboxes = self.mailboxes.lock().unwrap();
        for to in self.to.drain(..) {
            mailboxes.entry(to).or_default().push(name.clone());
        }
        response::OK
    }
}

/// A mail server that takes everything.
fn post_office() -> (SocketAddr, Mailboxes) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mailboxes = Mailboxes::default();
    let kept = mailboxes.clone();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let clerk = Clerk { mailboxes: kept.clone(), ..Clerk::default() };
            // A client that is killed is no trouble of the server's.
            thread::spawn(move || converse(stream, clerk).unwrap_or_default());
        }
    });
    (address, mailboxes)
}

fn converse(stream: TcpStream, clerk: Clerk) -> io::Result<()> {
    let peer = stream.peer_addr()?.ip();
    let mut session = SessionBuilder::new("post.test").build(peer, clerk);
    let (mut reader, mut writer) = (BufReader::new(stream.try_clone()?), stream);
    writer.write_all(&session.greeting().buffer()?)?;
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let answer = session.process(&line);
        if answer.action != Action::NoReply {
            writer.write_all(&answer.buffer()?)?;
        }
        if answer.action == Action::Close {
            return Ok(());
        }
    }
}

fn program(site: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_littoral"));
    command.current_dir(site).env_remove("LITTORAL_STORE").env("LITTORAL_LOG", "warn");
    command
}

fn run(site: &Path, arguments: &[&str]) -> String {
    let done = program(site).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{arguments:?}: {said}");
    said
}

fn serve(site: &Path) -> Running {
    let log = fs::File::options().create(true).append(true).open(site.join("serve.log")).unwrap();
    let mut command = program(site);
    command.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::null()).stderr(log);
    Running(command.spawn().unwrap())
}

fn write_site(site: &Path, mail: SocketAddr) {
    fs::create_dir_all(site.join("content")).unwrap();
    let config = format!(
        "title: Tides\nbase_url: https://shore.example/\nsearch: false\nedge:\n  newsletter: {{ open: true }}\n  \
         mail: {{ server: '{mail}', security: none, connections: {CONNECTIONS} }}\n"
    );
    fs::write(site.join("littoral.yaml"), config).unwrap();
    fs::write(site.join("content/_index.md"), "---\ntitle: Tides\n---\n\nLow and high.\n").unwrap();
    let text = "---\ntitle: Low water\nletter: true\n---\n\nLow water is at [six](./_index.md).\n";
    fs::write(site.join("content/low.md"), text).unwrap();
}

fn asked(store: &rusqlite::Connection, question: &str) -> i64 {
    store.query_row(question, [], |row| row.get(0)).unwrap()
}

fn number(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn each_address_gets_exactly_one_letter_however_often_the_program_is_killed() {
    let (subscribers, kills) = (number("LITTORAL_SUBSCRIBERS", SUBSCRIBERS), number("LITTORAL_KILLS", KILLS));
    let otherwise = std::process::id() as usize;
    let mut random = number("LITTORAL_SEED", otherwise) as u64;
    println!("seed {random}; {subscribers} subscribers, {kills} kills");
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path();
    let (mail, mailboxes) = post_office();
    write_site(site, mail);
    run(site, &["build"]);
    let addresses: String = (0..subscribers).map(|number| format!("reader{number}@example.org\n")).collect();
    fs::write(site.join("addresses.txt"), addresses).unwrap();
    assert!(run(site, &["newsletter", "import", "addresses.txt"]).contains(&format!("{subscribers} new")));
    let said = run(site, &["newsletter", "send", "/low/"]);
    assert!(said.contains("Low water"), "{said}");
    // The same page twice is a mistake of the one who sends.
    assert!(!program(site).args(["newsletter", "send", "/low/"]).output().unwrap().status.success());

    let came = || mailboxes.lock().unwrap().values().map(Vec::len).sum::<usize>();
    let wait_for = |what: &str, is_there: &dyn Fn() -> bool| {
        let (mut last, mut since) = (came(), Instant::now());
        while !is_there() {
            if came() != last {
                (last, since) = (came(), Instant::now());
            }
            let log = || fs::read_to_string(site.join("serve.log")).unwrap_or_default();
            assert!(since.elapsed() < PATIENCE, "{what}: {last} letters came. {}", log());
            thread::yield_now();
        }
    };
    let began = Instant::now();
    let mut in_doubt = 0;
    for kill in 0..kills {
        let server = serve(site);
        // In the middle of its share, and never at the same place.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let share = (subscribers / (kills + 1)).max(1);
        let until = came() + 1 + (random >> 33) as usize % share;
        wait_for("letters must come", &|| came() >= until);
        drop(server);
        let store = rusqlite::Connection::open(site.join("var/littoral.db")).unwrap();
        store.busy_timeout(PATIENCE).unwrap();
        // Whoever had claimed them is dead. Their leases end here, so that nobody waits five minutes.
        let claimed =
            store.execute("UPDATE littoral_outbox SET due_at = 1 WHERE claim IS NOT NULL AND due_at > 1", []).unwrap();
        let noted = asked(&store, "SELECT COUNT(*) FROM littoral_outbox WHERE finished_at IS NOT NULL AND gave_up = 0");
        let unnoted = came() as i64 - in_doubt - noted;
        println!("kill {kill}: {} came, {noted} noted, {claimed} were claimed, {unnoted} came unnoted", came());
        assert!((0..=CONNECTIONS as i64).contains(&unnoted), "more came unnoted than were under way");
        in_doubt += unnoted;
    }
    let server = serve(site);
    let store = rusqlite::Connection::open(site.join("var/littoral.db")).unwrap();
    store.busy_timeout(PATIENCE).unwrap();
    wait_for("all must come", &|| mailboxes.lock().unwrap().len() >= subscribers);
    wait_for("all must be noted", &|| {
        asked(&store, "SELECT COUNT(*) FROM littoral_outbox WHERE due_at IS NOT NULL") == 0
            && asked(&store, "SELECT COUNT(*) FROM littoral_issue WHERE finished_at IS NULL") == 0
    });
    let took = began.elapsed();
    drop(server);

    let mailboxes = mailboxes.lock().unwrap();
    assert_eq!(mailboxes.len(), subscribers);
    let mut doubles = 0;
    for (address, messages) in mailboxes.iter() {
        let mut different = messages.clone();
        different.sort();
        different.dedup();
        assert_eq!(different.len(), 1, "{address} got {messages:?}");
        assert!(different[0].starts_with('<'), "{address} got a letter without a name");
        doubles += messages.len() - 1;
    }
    assert_eq!(asked(&store, "SELECT sent FROM littoral_issue"), subscribers as i64);
    assert_eq!(doubles as i64, in_doubt, "only what was in doubt came again");
    assert_eq!(asked(&store, "SELECT COUNT(*) FROM littoral_outbox WHERE gave_up = 1"), 0);
    println!(
        "{subscribers} addresses, one message each; {doubles} of them came a second time with the same Message-ID. \
         {:.0} letters a second, {:.1} s, starts included",
        subscribers as f64 / took.as_secs_f64(),
        took.as_secs_f64()
    );
}
