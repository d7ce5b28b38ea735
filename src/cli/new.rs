//! `littoral new`: a first site, good from the first second.

use std::fs;
use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;

use super::{Outcome, diagnostics};
use crate::site::permalink::readable;
use crate::site::theme;

/// `littoral new`.
#[derive(Args, Debug)]
pub(super) struct Options {
    /// The folder to make
    dir: PathBuf,
    /// The name of the site; asked for on a terminal, else made of the folder's name
    #[arg(long)]
    title: Option<String>,
}

/// What stands in the starter where the title goes.
const TITLE: &str = "TITLE_OF_THE_SITE";

/// Writes the starter into a folder that is not there yet, or is empty.
pub(super) fn run(options: &Options) -> anyhow::Result<Outcome> {
    let dir = &options.dir;
    if dir.exists()
        && fs::read_dir(dir).with_context(|| format!("cannot look into {}", dir.display()))?.next().is_some()
    {
        bail!("{} is not empty: name a folder that is not there yet", dir.display());
    }
    let title = match &options.title {
        Some(title) => title.clone(),
        None => ask_title(&title_from(dir)),
    };
    for (path, bytes) in theme::starter() {
        let file = dir.join(path);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let bytes = match std::str::from_utf8(bytes) {
            // A text in YAML's double quotes takes JSON's escapes.
            Ok(text) if text.contains(TITLE) => {
                text.replace(TITLE, &serde_json::Value::from(title.as_str()).to_string()).into_bytes()
            }
            _ => bytes.to_vec(),
        };
        fs::write(&file, bytes).with_context(|| format!("cannot write {}", file.display()))?;
    }
    diagnostics::print_made(dir);
    Ok(Outcome::Done)
}

fn title_from(dir: &std::path::Path) -> String {
    dir.file_name().map_or_else(|| "My site".to_owned(), |name| readable(&name.to_string_lossy()))
}

/// Asks on a terminal; without one, nobody is there to answer.
fn ask_title(proposed: &str) -> String {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return proposed.to_owned();
    }
    diagnostics::print_question(&format!("What is the site called? [{proposed}] "));
    let mut answer = String::new();
    match std::io::stdin().read_line(&mut answer) {
        Ok(_) if !answer.trim().is_empty() => answer.trim().to_owned(),
        _ => proposed.to_owned(),
    }
}
