//! Results: every single run, and the table of a size.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::tool::Run;

/// What a run measured.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    pub pages: usize,
    /// `on` or `off`.
    pub code: String,
    pub scenario: String,
    pub tool: String,
}

/// All runs, by what they measured.
#[derive(Default)]
pub struct Results {
    runs: BTreeMap<Key, Vec<Run>>,
    /// Those of runs before: a new run takes their place.
    old: Vec<Key>,
}

/// The middle, the least and the greatest of some figures.
#[derive(Clone, Copy)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub greatest: f64,
}

impl Spread {
    fn of(mut figures: Vec<f64>) -> Option<Self> {
        figures.sort_by(f64::total_cmp);
        let (least, greatest) = (*figures.first()?, *figures.last()?);
        let middle = figures.len() / 2;
        let median = if figures.len().is_multiple_of(2) {
            f64::midpoint(figures[middle - 1], figures[middle])
        } else {
            figures[middle]
        };
        Some(Self { median, least, greatest })
    }
}

impl Results {
    /// Those in a file, if there is one.
    pub fn read(path: &Path) -> Self {
        let runs: Vec<(Key, Vec<Run>)> =
            fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let old = runs.iter().map(|(key, _)| key.clone()).collect();
        Self { runs: runs.into_iter().collect(), old }
    }

    /// Writes all to a file.
    pub fn write(&self, path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let runs: Vec<(&Key, &Vec<Run>)> = self.runs.iter().collect();
        fs::write(path, serde_json::to_vec_pretty(&runs).unwrap()).unwrap();
    }

    /// Adds a run.
    pub fn add(&mut self, key: Key, run: Run) {
        if let Some(place) = self.old.iter().position(|old| *old == key) {
            self.old.swap_remove(place);
            self.runs.remove(&key);
        }
        self.runs.entry(key).or_default().push(run);
    }

    /// Seconds, of all runs of a measurement.
    pub fn seconds(&self, pages: usize, code: &str, scenario: &str, tool: &str) -> Option<Spread> {
        Spread::of(self.of(pages, code, scenario, tool)?.iter().map(|run| run.wall).collect())
    }

    /// MiB at the peak.
    pub fn peak(&self, pages: usize, code: &str, scenario: &str, tool: &str) -> Option<Spread> {
        Spread::of(self.of(pages, code, scenario, tool)?.iter().filter_map(|run| run.peak).collect())
    }

    fn of(&self, pages: usize, code: &str, scenario: &str, tool: &str) -> Option<&Vec<Run>> {
        let key = Key { pages, code: code.to_owned(), scenario: scenario.to_owned(), tool: tool.to_owned() };
        self.runs.get(&key)
    }

    /// The sizes that were measured.
    pub fn sizes(&self, code: &str, scenario: &str) -> Vec<usize> {
        let mut sizes: Vec<usize> =
            self.runs.keys().filter(|key| key.code == code && key.scenario == scenario).map(|key| key.pages).collect();
        sizes.dedup();
        sizes
    }

    /// A Markdown table of one site.
    pub fn table(&self, pages: usize, code: &str) -> String {
        let mut table = format!("{pages} pages, code {code}\n\n");
        table.push_str(
            "| | tool | median | least | greatest | times Littoral's | peak, MiB |\n|---|---|---|---|---|---|---|\n",
        );
        for key in self.runs.keys().filter(|key| key.pages == pages && key.code == code) {
            let Some(time) = self.seconds(pages, code, &key.scenario, &key.tool) else { continue };
            // The copy is beside the build that it copies.
            let beside = if key.scenario == "copy" { "clean" } else { key.scenario.as_str() };
            let ratio = self
                .seconds(pages, code, beside, "littoral")
                .map_or(String::new(), |littoral| format!("{:.2}", time.median / littoral.median));
            let peak = self
                .peak(pages, code, &key.scenario, &key.tool)
                .map_or(String::new(), |peak| format!("{:.0}", peak.median));
            let _ = writeln!(
                table,
                "| {} | {} | {} | {} | {} | {ratio} | {peak} |",
                key.scenario,
                key.tool,
                shown(time.median),
                shown(time.least),
                shown(time.greatest)
            );
        }
        table
    }
}

/// Seconds, as a reader takes them in.
pub fn shown(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 1.0 => format!("{:.0} ms", seconds * 1000.0),
        seconds if seconds < 100.0 => format!("{seconds:.1} s"),
        seconds => format!("{seconds:.0} s"),
    }
}
