//! The speed of search: indexing generated sections, then asking, in one process.
//!
//! `cargo bench --bench search -- [SECTIONS]`; 100,000 when not said. Texts are made from a
//! fixed seed: words by Zipf's law from a vocabulary of 60,000, 120 a section, four sections
//! a page. Prints what `littoral` would do for one thread.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

use std::time::{Duration, Instant};

use littoral::build::search_index;
use littoral::edge::search::Reader;
use littoral::site::release::Shelf;
use littoral::site::search::Document;

const VOCABULARY: u64 = 60_000;
const WORDS_A_SECTION: usize = 120;
const QUESTIONS: usize = 500;

/// SplitMix64: enough for texts, and the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A rank by Zipf's law: the n-th word comes about as often as 1/n.
    fn rank(&mut self) -> u64 {
        let unit = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        (VOCABULARY as f64).powf(unit) as u64
    }
}

/// The word of a rank: syllables, so that beginnings are shared as in a language.
fn word(rank: u64) -> String {
    const SYLLABLES: [&str; 16] =
        ["ta", "re", "mi", "so", "lu", "ka", "ne", "vi", "do", "shu", "bar", "len", "tis", "mor", "pun", "gel"];
    let mut left = rank + 16;
    let mut word = String::new();
    while left > 0 {
        word.push_str(SYLLABLES[(left % 16) as usize]);
        left /= 16;
    }
    word
}

fn text(numbers: &mut Numbers, words: usize) -> String {
    (0..words).map(|_| word(numbers.rank())).collect::<Vec<_>>().join(" ")
}

fn main() {
    let sections = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let mut numbers = Numbers(7);
    let documents: Vec<Document> = (0..sections)
        .map(|n| Document {
            path: format!("/docs/page-{:06}/", n / 4),
            position: n % 4,
            anchor: if n % 4 == 0 { String::new() } else { format!("section-{}", n % 4) },
            title: format!("page {} {}", n / 4, word((n / 4) as u64 % VOCABULARY)),
            heading: if n % 4 == 0 { String::new() } else { text(&mut numbers, 3) },
            text: text(&mut numbers, WORDS_A_SECTION),
        })
        .collect();

    let site = tempfile::tempdir().unwrap();
    let shelf = Shelf::of(site.path());
    let again = documents.clone();
    let start = Instant::now();
    let name = search_index::write(&shelf, "en", documents).unwrap();
    let taken = start.elapsed();
    let bytes: u64 =
        std::fs::read_dir(shelf.search_folder(&name)).unwrap().flatten().map(|e| e.metadata().unwrap().len()).sum();
    println!(
        "index {sections} sections: {taken:.2?}, {:.0}/s, {} MB",
        sections as f64 / taken.as_secs_f64(),
        bytes >> 20
    );
    let start = Instant::now();
    search_index::write(&shelf, "en", again).unwrap();
    println!("nothing changed: {:.2?}", start.elapsed());

    let start = Instant::now();
    let reader = Reader::open(&shelf.search_folder(&name), "en").unwrap();
    println!("open: {:.2?}", start.elapsed());

    let mid = |numbers: &mut Numbers| word(numbers.rank().max(20));
    measure("one word", |n| ask(&reader, &format!("{} ", mid(n))));
    measure("one of the ten commonest words", |n| ask(&reader, &format!("{} ", word(n.next() % 10))));
    measure("three words", |n| ask(&reader, &format!("{} {} {} ", mid(n), mid(n), mid(n))));
    measure("beginning of a word", |n| ask(&reader, &mid(n)[..4]));
    measure("mistyped word", |n| {
        let mut typed = mid(n).replacen('a', "e", 1);
        typed.push('x');
        ask(&reader, &format!("{typed} "));
    });
    measure("twelve words, any of them", |n| ask(&reader, &text(n, 12)));
    measure("phrase", |n| ask(&reader, &format!("\"{} {}\"", word(n.rank()), word(n.rank()))));
    measure("suggest", |n| {
        reader.suggest(&mid(n)[..3], 8).unwrap();
    });
}

fn ask(reader: &Reader, question: &str) {
    reader.search(question, 0, 10).unwrap();
}

fn measure(what: &str, mut ask: impl FnMut(&mut Numbers)) {
    let mut numbers = Numbers(11);
    let mut taken: Vec<Duration> = (0..QUESTIONS)
        .map(|_| {
            let start = Instant::now();
            ask(&mut numbers);
            start.elapsed()
        })
        .collect();
    taken.sort_unstable();
    let at = |share: f64| taken[((taken.len() - 1) as f64 * share) as usize];
    println!("{what}: p50 {:.2?}, p99 {:.2?}, most {:.2?}", at(0.5), at(0.99), at(1.0));
}
