//! How well search ranks: the Cranfield collection, asked by the same road as a reader asks.
//!
//! The collection is not ours to ship. It is looked for in `$LITTORAL_CORPUS`, or in
//! `../shared/corpus` beside the repository; where it is absent the test is ignored under a
//! name that says so.
//!
//! Judged as the collection's notes say: the rows of raw grade -1 (one a query, undocumented)
//! are left out of the scoring and out of the ranking. For orientation: Okapi BM25 with a
//! light stemmer has MAP 0.356 and binary nDCG@10 0.430. Nothing in search is tuned to it;
//! the bound only tells that something broke.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use littoral::build::search_index;
use littoral::edge::search::Reader;
use littoral::site::release::Shelf;
use littoral::site::search::Document;
use serde_json::Value;

/// Below this something is broken.
const LEAST_MAP: f64 = 0.25;

fn main() {
    let arguments = Arguments::from_args();
    let trial = match corpus() {
        Some(folder) => Trial::test("cranfield_is_ranked_about_as_well_as_by_bm25", move || rank_cranfield(&folder)),
        None => Trial::test("cranfield_is_absent_set_LITTORAL_CORPUS_to_its_parent", || Ok(())).with_ignored_flag(true),
    };
    libtest_mimic::run(&arguments, vec![trial]).exit();
}

fn corpus() -> Option<PathBuf> {
    let parent = std::env::var_os("LITTORAL_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    let folder = parent.join("cranfield");
    folder.join("corpus.jsonl").is_file().then_some(folder)
}

fn rank_cranfield(folder: &Path) -> Result<(), Failed> {
    let site = tempfile::tempdir()?;
    let shelf = Shelf::of(site.path());
    let documents = lines(&folder.join("corpus.jsonl"))?.into_iter().map(|line| Document {
        path: format!("/{}/", string(&line, "_id")),
        title: string(&line, "title"),
        text: string(&line, "text"),
        ..Document::default()
    });
    let name = search_index::write(&shelf, "en", documents)?;
    let reader = Reader::open(&shelf.search_folder(&name), "en")?;

    let mut relevant: HashMap<String, HashSet<String>> = HashMap::new();
    let mut left_out: HashMap<String, HashSet<String>> = HashMap::new();
    for row in std::fs::read_to_string(folder.join("qrels.tsv"))?.lines().skip(1) {
        let [query, document, grade, raw] = row.split('\t').collect::<Vec<_>>()[..] else { continue };
        let rows = if raw == "-1" { &mut left_out } else { &mut relevant };
        if raw == "-1" || grade.parse::<i32>()? > 0 {
            rows.entry(query.to_owned()).or_default().insert(document.to_owned());
        }
    }

    let (mut precision, mut gain, mut queries) = (0.0, 0.0, 0.0);
    for query in lines(&folder.join("queries.jsonl"))? {
        let id = string(&query, "_id");
        let Some(relevant) = relevant.get(&id) else { continue };
        let left_out = left_out.remove(&id).unwrap_or_default();
        let ranking: Vec<String> = reader
            .rank(&string(&query, "text"), 1400)?
            .iter()
            .map(|path| path.trim_matches('/').to_owned())
            .filter(|document| !left_out.contains(document))
            .collect();
        precision += average_precision(&ranking, relevant);
        gain += ndcg_at_10(&ranking, relevant);
        queries += 1.0;
    }
    let (map, ndcg) = (precision / queries, gain / queries);
    eprintln!("cranfield, {queries} queries: MAP {map:.3}, binary nDCG@10 {ndcg:.3} (BM25: 0.356, 0.430)");
    if map < LEAST_MAP {
        return Err(format!("MAP {map:.3} is under {LEAST_MAP}").into());
    }
    Ok(())
}

fn average_precision(ranking: &[String], relevant: &HashSet<String>) -> f64 {
    let mut found = 0.0;
    let mut sum = 0.0;
    for (at, document) in ranking.iter().enumerate() {
        if relevant.contains(document) {
            found += 1.0;
            sum += found / (at + 1) as f64;
        }
    }
    sum / relevant.len() as f64
}

fn ndcg_at_10(ranking: &[String], relevant: &HashSet<String>) -> f64 {
    let discount = |at: usize| 1.0 / (at as f64 + 2.0).log2();
    let gain: f64 =
        ranking.iter().take(10).enumerate().filter(|(_, it)| relevant.contains(*it)).map(|(at, _)| discount(at)).sum();
    gain / (0..relevant.len().min(10)).map(discount).sum::<f64>()
}

fn lines(path: &Path) -> Result<Vec<Value>, Failed> {
    std::fs::read_to_string(path)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

fn string(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}
