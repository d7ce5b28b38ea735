//! Builds killed at random instants, while the site is served and read.
//!
//! The real program in real processes: `serve` over a shelf on which `build` is killed with
//! SIGKILL twenty times at any instant, and eight times more while `public/` follows: builds
//! of every page, with what the build before left and without, and builds of one page. Every
//! answer in that time must be a page of one whole release, and the first build that ends
//! makes `public/` what a clean build makes. The seed is printed; `LITTORAL_SEED` sets it, and
//! `LITTORAL_KILLS` how many times a build is killed at any instant.

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
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Kills at any instant of a build, when nothing else is said.
const KILLS: usize = 20;
/// To five of those, so many soon after the new release has become the live one: while
/// `public/` follows.
const AIMED_TO_FIVE: usize = 2;
const AIM: Duration = Duration::from_millis(30);
const PAGES: usize = 200;
/// After so many kills a build is left to end, and what it made is looked at.
const ROUND: usize = 4;

/// A running program that ends with its test, by its own process id.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_build_killed_at_any_instant_leaves_a_whole_release_and_the_next_one_tidies_up() {
    let seed = seed();
    let mut random = Random(seed);
    let site = tempfile::tempdir().unwrap();
    write_site(site.path());
    let began = Instant::now();
    build_to_the_end(site.path(), 0);
    let whole = began.elapsed();
    println!("seed {seed}; a whole build takes {} ms", whole.as_millis());
    change_text(site.path(), 0);
    let began = Instant::now();
    build_to_the_end(site.path(), 0);
    let small = began.elapsed();
    let kills = std::env::var("LITTORAL_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let aimed = kills * AIMED_TO_FIVE / 5;
    let (_server, address) = serve(site.path());
    let attempted = AtomicUsize::new(0);
    let is_over = AtomicBool::new(false);
    let answers = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|first| {
                scope.spawn({
                    let (attempted, is_over) = (&attempted, &is_over);
                    move || read_until(address, first, attempted, is_over)
                })
            })
            .collect();
        // Whatever fails below, the readers must be told, or the scope would wait for ever.
        let over = SetWhenDropped(&is_over);
        let (mut cut_short, mut between) = (0, 0);
        let mut number = 0;
        for kill in 1..=kills + aimed {
            let length = if kill % 3 == 0 {
                change_text(site.path(), kill);
                small
            } else {
                number += 1;
                attempted.store(number, Ordering::SeqCst);
                change_site(site.path(), number);
                if kill % 3 == 1 {
                    let _ = fs::remove_file(site.path().join(".littoral/cache"));
                }
                whole
            };
            let live = site.path().join(".littoral/current");
            let before = fs::read(&live).unwrap();
            let mut build =
                Running(command("build", site.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
            let instant = if kill <= kills {
                length.mul_f64(random.below_one())
            } else {
                while fs::read(&live).unwrap() == before && build.0.try_wait().unwrap().is_none() {
                    std::thread::yield_now();
                }
                AIM.mul_f64(random.below_one())
            };
            // The instant is the point of the test; nothing is waited for.
            std::thread::sleep(instant);
            build.0.kill().unwrap();
            let status = build.0.wait().unwrap();
            cut_short += usize::from(!status.success());
            between += usize::from(site.path().join(".littoral/checkout-unfinished").exists());
            println!("kill {kill:2} after {:4} ms: {status}", instant.as_millis());
            if kill % ROUND == 0 {
                number += 1;
                attempted.store(number, Ordering::SeqCst);
                build_to_the_end(site.path(), number);
                assert_public_is_clean(site.path(), number);
                wait_for_number(address, number);
            }
        }
        println!(
            "{cut_short} of {} builds were cut short; {between} times public/ was between releases",
            kills + aimed
        );
        assert!(cut_short > kills / 2, "most builds ended before they were killed: the test shows nothing");
        drop(over);
        readers.into_iter().map(|reader| reader.join().unwrap()).collect::<Vec<_>>()
    });
    let total: usize = answers.iter().map(|answers| answers.count).sum();
    let releases: std::collections::BTreeSet<usize> =
        answers.iter().flat_map(|answers| answers.numbers.clone()).collect();
    println!("{total} answers, all whole, of {} releases", releases.len());
    assert!(total > 100, "only {total} answers");
}

struct SetWhenDropped<'a>(&'a AtomicBool);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[derive(Default)]
struct Answers {
    count: usize,
    numbers: std::collections::BTreeSet<usize>,
}

/// Asks for page after page; each must be whole, and of no release older than the last.
fn read_until(address: SocketAddr, first: usize, attempted: &AtomicUsize, is_over: &AtomicBool) -> Answers {
    let mut answers = Answers::default();
    let mut newest = 0;
    let mut page = first;
    while !is_over.load(Ordering::SeqCst) {
        page = (page + 7) % PAGES;
        let body = get(address, &format!("/p{page}/"));
        let number = number_of(&body);
        assert_eq!(body, expected_page(page, number), "page {page} is not whole");
        assert!(number <= attempted.load(Ordering::SeqCst), "release {number} was never built");
        assert!(number >= newest, "release {number} after {newest}");
        newest = number;
        answers.count += 1;
        answers.numbers.insert(number);
    }
    answers
}

fn wait_for_number(address: SocketAddr, number: usize) {
    let patience = Instant::now() + Duration::from_secs(20);
    while number_of(&get(address, "/p0/")) != number {
        assert!(Instant::now() < patience, "release {number} is not served");
    }
}

fn number_of(body: &str) -> usize {
    let number = body.strip_prefix("<!-- build ").and_then(|rest| rest.split(' ').next());
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("not the beginning of a page: {body:.60}"))
}

/// One request on a connection of its own; the whole body, or the test fails.
fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {answer:.200}"));
    assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    assert_eq!(length.as_deref().map(str::parse), Some(Ok(body.len())), "{path}: {head}");
    body.to_owned()
}

fn serve(root: &Path) -> (Running, SocketAddr) {
    let mut child = command("serve", root)
        .args(["--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    let running = Running(child);
    let mut lines = BufReader::new(stdout).lines();
    let address = lines.by_ref().find_map(|line| {
        line.unwrap().strip_prefix("Serving at http://").and_then(|address| address.trim_end_matches('/').parse().ok())
    });
    // Read on, so that the program never waits for somebody to take what it says.
    std::thread::spawn(move || lines.for_each(drop));
    (running, address.expect("`serve` says where it serves"))
}

fn command(name: &str, root: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_littoral"));
    command.arg(name).arg("--root").arg(root).stdin(Stdio::null());
    command
}

fn build_to_the_end(root: &Path, number: usize) {
    change_site(root, number);
    let output = command("build", root).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn assert_public_is_clean(root: &Path, number: usize) {
    let clean = tempfile::tempdir().unwrap();
    write_site(clean.path());
    fs::create_dir_all(clean.path().join("content/texts")).unwrap();
    for text in fs::read_dir(root.join("content/texts")).unwrap().flatten() {
        fs::copy(text.path(), clean.path().join("content/texts").join(text.file_name())).unwrap();
    }
    build_to_the_end(clean.path(), number);
    let (wanted, found) = (tree(&clean.path().join("public")), tree(&root.join("public")));
    let names = |tree: &BTreeMap<String, Vec<u8>>| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&wanted), "public/ after killed builds has other files than a clean build");
    assert!(found == wanted, "public/ after killed builds has other bytes than a clean build");
}

fn write_site(root: &Path) {
    let put = |path: &str, text: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("littoral.yaml", "title: Kill\n");
    let number = "{{#data \"number.yaml\"}}{{n}}{{/data}}";
    put("layouts/page.hbs", &format!("<!-- build {number} -->\n{{{{content}}}}<!-- end of {number} -->\n"));
    for name in ["home", "section", "404"] {
        put(&format!("layouts/{name}.hbs"), &format!("{number}\n"));
    }
    put("layouts/shell.hbs", "<title>{{page.title}}</title>{{content}}");
    for page in 0..PAGES {
        put(&format!("content/p{page}.md"), &format!("{}\n", paragraph(page)));
    }
}

/// The text of one page alone, which no reader asks for.
fn change_text(root: &Path, kill: usize) {
    let path = root.join(format!("content/texts/{}.md", kill % 10));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("{}\n\nKill {kill}.\n", paragraph(kill))).unwrap();
}

/// Each number has a page that no other has, so that there is something to tidy up.
fn change_site(root: &Path, number: usize) {
    fs::create_dir_all(root.join("data")).unwrap();
    fs::write(root.join("data/number.yaml"), format!("n: {number}\n")).unwrap();
    let only = root.join("content/only");
    let _ = fs::remove_dir_all(&only);
    fs::create_dir_all(&only).unwrap();
    fs::write(only.join(format!("in-{number}.md")), "Only here.\n").unwrap();
}

fn paragraph(page: usize) -> String {
    format!("The tide of page {page} comes and goes. ").repeat(80).trim_end().to_owned()
}

fn expected_page(page: usize, number: usize) -> String {
    format!("<!-- build {number} -->\n<p>{}</p>\n<!-- end of {number} -->\n", paragraph(page))
}

fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn collect(folder: &Path, below: &str, tree: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = format!("{below}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                collect(&entry.path(), &format!("{name}/"), tree)?;
            } else {
                tree.insert(name, fs::read(entry.path())?);
            }
        }
        Ok(())
    }
    let mut found = BTreeMap::new();
    collect(folder, "", &mut found).unwrap();
    found
}

fn seed() -> u64 {
    let given = std::env::var("LITTORAL_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| {
        use std::hash::{BuildHasher, Hasher};
        std::collections::hash_map::RandomState::new().build_hasher().finish()
    })
}

/// SplitMix64: twenty instants need no more.
struct Random(u64);

impl Random {
    fn below_one(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }
}
