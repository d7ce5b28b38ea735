//! Whether time tells known addresses from unknown ones: signing in with a wrong password, asking
//! for a link, for a new password, for an account.
//!
//! `cargo bench --bench login_timing -- [TRIES]`; 500 of each when not said. Over real HTTP, one
//! request after the other, known and unknown in random order, on SQLite in a temporary folder.
//! Tries are not counted (`Tries::Uncounted`), or all but the first would be refused.
//!
//! Two statistics are shown: Mann–Whitney's U as the probability that a try at a known address
//! takes longer than one at an unknown (0.5: no difference), with its z and two-sided p; and the
//! largest distance of the two distributions (Kolmogorov–Smirnov) with its p. An attacker learns
//! nothing where p is not small.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a bench may stop at the first surprise, and says what it saw"
)]

use std::time::{Duration, Instant};

use littoral::edge::{Edge, Options, Server, Tries};
use littoral::site::release::{Manifest, Shelf, Site, Writer};
use littoral::store::{EmailAddress, NewMember, Preferences};
use reqwest::{Client, redirect};

/// How many members there are; half the tries go to them, in turn, so that no row is warmer than
/// another.
const MEMBERS: usize = 50;
/// Requests before the first that counts.
const WARMING: usize = 40;

fn main() {
    let tries = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(500);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure(tries));
}

async fn measure(tries: usize) {
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path());
    let options = Options { tries: Tries::Uncounted, ..Options::default() };
    let edge = Edge::open(folder.path(), options).unwrap();
    // argon2id of "low water at six", as `edge::account` makes it: made by the edge itself, so
    // that its parameters are those of today.
    let server = Server::bind(edge.clone(), "127.0.0.1:0").await.unwrap();
    let site = format!("http://{}", server.local_addr());
    let running = tokio::spawn(server.run(std::future::pending()));
    let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap();
    let hashed = {
        use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
        let params = Params::new(19 * 1024, 2, 1, None).unwrap();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password(b"low water at six").unwrap().to_string()
    };
    for number in 0..MEMBERS {
        let new = NewMember {
            email: EmailAddress::parse(&address("known", number)).unwrap(),
            name: format!("Reader {number}"),
            // Every second one has no password.
            password: if number % 2 == 0 { hashed.clone() } else { String::new() },
            preferences: Preferences::default(),
        };
        edge.store().unwrap().register(new, jiff::Timestamp::now()).await.unwrap();
    }
    println!("{tries} tries at known and as many at unknown addresses, {MEMBERS} members, half without a password");
    for (what, path, expected) in [
        ("a wrong password", "/login", 422),
        ("a link", "/login/ask", 303),
        ("a new password", "/login/forgotten", 303),
        ("an account", "/register", 303),
    ] {
        let page = client.get(format!("{site}/login")).send().await.unwrap();
        let cookie = page.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let page = page.text().await.unwrap();
        let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let send = async |email: &str| {
            let fields = [("csrf", csrf.as_str()), ("email", email), ("name", "Reader"), ("password", "a wrong guess")];
            let request = client.post(format!("{site}{path}")).header("cookie", &cookie).form(&fields);
            let since = Instant::now();
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            answer.bytes().await.unwrap();
            let took = since.elapsed();
            assert_eq!(status, expected, "{path} {email}");
            took
        };
        for number in 0..WARMING {
            send(&address(if number % 2 == 0 { "known" } else { "other" }, number % MEMBERS)).await;
        }
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        let mut random = Random(0x2545_f491_4f6c_dd1d);
        while known.len() < tries || unknown.len() < tries {
            let is_known =
                if known.len() == tries { false } else { unknown.len() == tries || random.next().is_multiple_of(2) };
            // The unknown ones are others than those of the warming, and as long as the known.
            let number = usize::try_from(random.next() % MEMBERS as u64).unwrap();
            let took = send(&address(if is_known { "known" } else { "nobdy" }, number)).await;
            if is_known { known.push(took) } else { unknown.push(took) }
        }
        tell(what, known, unknown);
    }
    running.abort();
}

fn address(word: &str, number: usize) -> String {
    format!("{word}{number:03}@example.org")
}

fn publish(root: &std::path::Path) {
    let empty = Manifest::empty();
    let site = Site { title: "Tides".to_owned(), base_url: "http://localhost/".to_owned(), ..empty.site };
    let manifest = Manifest { site, ..empty };
    Writer::open(Shelf::of(root)).unwrap().publish(&manifest, None).unwrap();
}

fn tell(what: &str, mut known: Vec<Duration>, mut unknown: Vec<Duration>) {
    known.sort();
    unknown.sort();
    let (above, z) = mann_whitney(&known, &unknown);
    let distance = kolmogorov_smirnov(&known, &unknown);
    let (n, m) = (known.len() as f64, unknown.len() as f64);
    println!("{what}:");
    for (name, all) in [("known  ", &known), ("unknown", &unknown)] {
        println!(
            "  {name}  median {:.3} ms, a tenth below {:.3} ms, a tenth above {:.3} ms",
            ms(all[all.len() / 2]),
            ms(all[all.len() / 10]),
            ms(all[all.len() * 9 / 10])
        );
    }
    println!("  Mann–Whitney: P(known > unknown) = {above:.3}, z = {z:+.2}, p = {:.3}", two_sided(z));
    println!("  Kolmogorov–Smirnov: D = {distance:.3}, p = {:.3}", ks_p(distance * (n * m / (n + m)).sqrt()));
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The probability that one of `a` is larger than one of `b`, and how many standard deviations
/// the sum of ranks is away from what chance gives. Both are sorted; ties count a half.
fn mann_whitney(a: &[Duration], b: &[Duration]) -> (f64, f64) {
    let (n, m) = (a.len() as f64, b.len() as f64);
    let below = |x: &Duration| b.partition_point(|y| y < x) as f64;
    let not_above = |x: &Duration| b.partition_point(|y| y <= x) as f64;
    let u: f64 = a.iter().map(|x| (below(x) + not_above(x)) / 2.0).sum();
    let deviation = (n * m * (n + m + 1.0) / 12.0).sqrt();
    (u / (n * m), (u - n * m / 2.0) / deviation)
}

fn kolmogorov_smirnov(a: &[Duration], b: &[Duration]) -> f64 {
    let share = |all: &[Duration], x: &Duration| all.partition_point(|y| y <= x) as f64 / all.len() as f64;
    a.iter().chain(b).map(|x| (share(a, x) - share(b, x)).abs()).fold(0.0, f64::max)
}

/// Two-sided p of a normal deviate (Abramowitz and Stegun, 7.1.26).
fn two_sided(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let polynomial =
        t * (0.254_829_592 + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    polynomial * (-x * x).exp()
}

/// p of Kolmogorov's distribution.
fn ks_p(x: f64) -> f64 {
    let terms = (1..=100).map(|k| {
        let sign = if k % 2 == 1 { 1.0 } else { -1.0 };
        sign * (-2.0 * f64::from(k * k) * x * x).exp()
    });
    (2.0 * terms.sum::<f64>()).clamp(0.0, 1.0)
}

/// Xorshift: which of the two comes next must not follow a pattern of the machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
