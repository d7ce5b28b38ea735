//! Littoral beside Hugo and Zola, on the same generated site, in one run.
//!
//! `cargo bench --bench peers -- --pages 1000,10000 --hugo PATH --zola PATH`; a tool that is
//! not named and not on the `PATH` is left out, and the run says so. Within a round every tool
//! runs once, so that a slow minute meets all of them; figures are medians, with the least and
//! the greatest beside them. Every single run is kept in a JSON file, where further runs add
//! theirs, and `--plots DIR` draws what that file holds.
//!
//! The sites come from the generator beside this repository (`../shared/bench/generate`), or
//! from another one that knows its arguments.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a bench may stop at the first surprise, and says what it saw"
)]

mod edit;
mod plot;
mod results;
mod tool;
mod watch;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Parser, ValueEnum};

use results::{Key, Results};
use tool::Tool;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum)]
pub enum Scenario {
    /// One process, and nothing left of a build before
    Clean,
    /// Another process, and nothing changed since
    Unchanged,
    /// Another process, and the text of one page changed since
    Edit,
    /// A process that watches: from the write of a text to its bytes served
    Watch,
    /// `cp -r` of what was built: the least that writing it can cost
    Copy,
}

impl Scenario {
    /// Its name in results and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Unchanged => "unchanged",
            Self::Edit => "edit",
            Self::Watch => "watch",
            Self::Copy => "copy",
        }
    }
}

#[derive(Parser, Debug)]
struct Options {
    /// Sizes of the site, in pages
    #[arg(long, value_delimiter = ',', default_value = "1000")]
    pages: Vec<usize>,
    /// With code in the pages, without, or both
    #[arg(long, value_delimiter = ',', default_value = "on")]
    code: Vec<String>,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    #[arg(long, value_delimiter = ',', value_enum, default_value = "clean,unchanged,edit,copy")]
    scenarios: Vec<Scenario>,
    /// How many texts are edited while a tool watches
    #[arg(long, default_value_t = 5)]
    edits: usize,
    /// The program that is measured; a release build of this repository when not said
    #[arg(long)]
    littoral: Option<PathBuf>,
    #[arg(long)]
    hugo: Option<PathBuf>,
    #[arg(long)]
    zola: Option<PathBuf>,
    /// The program that writes the sites
    #[arg(long, default_value = "../shared/bench/generate")]
    generator: PathBuf,
    /// Where the sites are; those that are there already are used again
    #[arg(long, default_value = "target/peers")]
    work: PathBuf,
    /// Leaves replaced outputs in the work folder: to free them slows down the run after this
    #[arg(long)]
    leave_trash: bool,
    /// Single runs, of this run and of those before
    #[arg(long, default_value = "target/peers/results.json")]
    json: PathBuf,
    /// Draws the plots of all results into this folder
    #[arg(long)]
    plots: Option<PathBuf>,
    /// Measures nothing
    #[arg(long)]
    only_plots: bool,
    /// What `cargo bench` says to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let mut options = Options::parse();
    options.pages.sort_unstable();
    let mut results = Results::read(&options.json);
    let trash = tool::Trash::beside(&options.work);
    if !options.only_plots {
        for pages in options.pages.clone() {
            for code in options.code.clone() {
                measure(&options, pages, &code, &trash, &mut results);
                results.write(&options.json);
                println!("{}", results.table(pages, &code));
            }
        }
    }
    if !options.leave_trash && !options.only_plots {
        trash.empty();
    }
    if let Some(folder) = &options.plots {
        fs::create_dir_all(folder).unwrap();
        for (name, svg) in plot::all(&results) {
            fs::write(folder.join(name), svg).unwrap();
        }
    }
}

fn measure(options: &Options, pages: usize, code: &str, trash: &tool::Trash, results: &mut Results) {
    let folder = options.work.join(format!("{pages}-{code}"));
    let tools = tools(options, &folder, pages, code);
    let mut note = |scenario: Scenario, tool: &str, run| {
        let key = Key { pages, code: code.to_owned(), scenario: scenario.name().to_owned(), tool: tool.to_owned() };
        results.add(key, run);
    };
    for round in 0..options.rounds {
        for scenario in [Scenario::Clean, Scenario::Unchanged, Scenario::Edit] {
            for tool in tools.iter().filter(|_| options.scenarios.contains(&scenario)) {
                if scenario == Scenario::Clean {
                    tool.clean(trash);
                } else if !tool.output().exists() {
                    tool.build();
                }
                let edit = (scenario == Scenario::Edit).then(|| edit::Edit::plan(tool.root(), round));
                edit.iter().for_each(edit::Edit::apply);
                let run = tool.build();
                eprintln!("  {pages} {code} {} {}: {:.3} s", scenario.name(), tool.name(), run.wall);
                if let Some(edit) = edit {
                    assert!(edit.is_shown_in(&tool.output()), "{} does not show the edit", tool.name());
                }
                note(scenario, tool.name(), run);
            }
        }
        if options.scenarios.contains(&Scenario::Copy) {
            note(Scenario::Copy, "cp -r", tool::copy(&tools[0], trash));
        }
    }
    let html: Vec<usize> = tools.iter().map(Tool::html_pages).collect();
    assert!(html.iter().all(|count| count.abs_diff(html[0]) * 50 < html[0]), "not the same work: {html:?} HTML pages");
    if options.scenarios.contains(&Scenario::Watch) {
        for tool in &tools {
            for run in watch::watch(tool, options.edits) {
                eprintln!("  {pages} {code} watch {}: {:.1} ms", tool.name(), run.wall * 1000.0);
                note(Scenario::Watch, tool.name(), run);
            }
        }
    }
}

/// The tools that are there, each with its site.
fn tools(options: &Options, folder: &Path, pages: usize, code: &str) -> Vec<Tool> {
    let own = option_env!("CARGO_BIN_EXE_littoral").map(PathBuf::from);
    let named = [
        ("littoral", options.littoral.clone().or(own)),
        ("hugo", options.hugo.clone().or_else(|| tool::on_path("hugo"))),
        ("zola", options.zola.clone().or_else(|| tool::on_path("zola"))),
    ];
    let tools = named.into_iter().filter_map(|(name, program)| {
        let Some(program) = program else {
            eprintln!("{name}: not named by --{name} and not on the PATH; left out");
            return None;
        };
        let root = folder.join(name);
        if !root.join("bench.json").exists() {
            generate(options, name, &root, pages, code);
        }
        Some(Tool::new(name, &program, &root))
    });
    tools.collect()
}

fn generate(options: &Options, name: &str, root: &Path, pages: usize, code: &str) {
    assert!(
        options.generator.exists(),
        "there is no {}: name a program that writes the sites with --generator",
        options.generator.display()
    );
    fs::create_dir_all(root.parent().unwrap()).unwrap();
    let mut command = Command::new(&options.generator);
    command.args(["--pages", &pages.to_string(), "--code", code, "--for", name, "--out"]).arg(root);
    if name == "littoral" {
        command.args(["--overlay", concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/littoral")]);
    }
    assert!(command.status().unwrap().success(), "the generator failed");
}
