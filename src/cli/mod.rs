//! The command line: one file a command, and how it all ends.
//!
//! Only this wing prints, reads the environment, or ends the process. The exit status is
//! decided in [`main`] and nowhere else: 0 done, 1 mistakes in the site or a failure, 2
//! misuse of the command line.

mod build;
mod check;
mod comment;
mod data;
mod diagnostics;
mod form;
mod mail;
mod new;
mod newsletter;
mod outbox;
mod preview;
mod progress;
mod seed;
mod serve;
mod site_store;
mod token;
mod user;
mod watch;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Exit status 0.
    Done,
    /// Exit status 1: the site or its data has mistakes, and they have been shown.
    Mistakes,
    /// Exit status 2: the command line cannot be meant so, and it was said why.
    Misuse,
}

#[derive(Parser)]
#[command(name = "littoral", version, about = "A static site and the moving parts beside it, in one binary.", long_about = None, max_term_width = 100)]
#[command(after_help = "Begin with `littoral new my-site`, then `littoral watch --root my-site --open`.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a first site: a small blog
    New(new::Options),
    /// Build the site into public/
    Build(build::Options),
    /// Look at everything, the queries of data pages too, and publish nothing
    Check(check::Options),
    /// Build, serve on this machine, and build again whenever a file changes
    Watch(watch::Options),
    /// Serve the built site, with search and accounts
    Serve(serve::Options),
    /// Bring the site's own tables in and out
    Data(data::Options),
    /// List, write out and forget what came by forms
    Form(form::Options),
    /// Decide about what readers have written below pages, and bring it out and in
    Comment(comment::Options),
    /// Let other programs in to the API
    Token(token::Options),
    /// List, try again and forget letters, and try mail out
    Mail(mail::Options),
    /// Send a page as a letter, and see who gets letters
    Newsletter(newsletter::Options),
    /// List, try again and forget what is to be sent to others
    Outbox(outbox::Options),
    /// Make a link that shows a page to whoever has it, for some days
    Preview(preview::Options),
    /// Make, list, change and delete accounts
    User(user::Options),
}

/// Where a site is, for commands that read no pages.
#[derive(Args, Clone, Debug)]
pub struct Root {
    /// The folder of the site: where littoral.yaml is
    #[arg(long, value_name = "DIR", default_value = ".", global = true)]
    pub root: PathBuf,
}

/// Where a site is.
#[derive(Args, Clone, Debug)]
pub struct Place {
    /// The folder of the site: where littoral.yaml is
    #[arg(long, value_name = "DIR", default_value = ".", global = true)]
    pub root: PathBuf,
    /// Read the pages from here instead of from content/
    #[arg(long, value_name = "DIR")]
    pub content: Option<PathBuf>,
}

/// Where the store is.
#[derive(Args, Clone, Debug)]
struct StorePlace {
    /// Where the store is, instead of what littoral.yaml says: a file, or a
    /// postgres://user:password@host/database
    #[arg(long, value_name = "ADDRESS", env = "LITTORAL_STORE", hide_env_values = true, global = true)]
    store: Option<String>,
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            // clap's own: 0 for help and version, 2 for misuse.
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let outcome = match cli.command {
        Command::New(options) => new::run(&options),
        Command::Build(options) => build::run(&options),
        Command::Check(options) => check::run(&options),
        Command::Watch(options) => watch::run(&options),
        Command::Serve(options) => serve::run(&options),
        Command::Data(options) => data::run(&options),
        Command::Form(options) => form::run(&options),
        Command::Comment(options) => comment::run(&options),
        Command::Token(options) => token::run(&options),
        Command::Mail(options) => mail::run(&options),
        Command::Newsletter(options) => newsletter::run(&options),
        Command::Outbox(options) => outbox::run(&options),
        Command::Preview(options) => preview::run(&options),
        Command::User(options) => user::run(&options),
    };
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Mistakes) => ExitCode::from(1),
        Ok(Outcome::Misuse) => ExitCode::from(2),
        Err(error) => {
            diagnostics::print_failure(&error);
            ExitCode::from(1)
        }
    }
}

/// What the program has to say while it runs goes to standard error; `LITTORAL_LOG` sets
/// how much in place of `otherwise` (`debug`, `littoral::edge=trace`).
fn log_to_stderr(otherwise: &str) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_env("LITTORAL_LOG").unwrap_or_else(|_| EnvFilter::new(otherwise));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .try_init();
}
