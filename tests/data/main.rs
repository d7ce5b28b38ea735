//! `littoral data` and `littoral check`, by the program itself over real files, on both engines.
//!
//! Without PostgreSQL on the machine its tests are shown as ignored, and why.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

mod check;
mod export;
mod hostile;
mod import;
mod killed;
mod packed;
#[path = "../postgres/mod.rs"]
mod postgres;
mod query;
mod seed;
mod site;

use libtest_mimic::{Arguments, Trial};
use site::Site;

/// A test over a site whose store stands where it is told.
pub type Test = fn(&Site);

/// Tests by their names.
#[macro_export]
macro_rules! tests {
    ($($name:ident),* $(,)?) => { vec![$((stringify!($name), $name as Test)),*] };
}

fn main() {
    let arguments = Arguments::from_args();
    let is_here = postgres::is_here();
    if !is_here {
        postgres::say_absent("`littoral data` on PostgreSQL");
    }
    let all = || {
        [
            import::all(),
            export::all(),
            query::all(),
            hostile::all(),
            packed::all(),
            seed::all(),
            killed::all(),
            check::all(),
        ]
        .into_iter()
        .flatten()
    };
    let on_sqlite = all().map(|(name, test)| trial(&format!("sqlite::{name}"), test, || Some(Site::on_sqlite())));
    let on_postgres = all()
        .map(|(name, test)| trial(&format!("postgres::{name}"), test, Site::on_postgres).with_ignored_flag(!is_here));
    libtest_mimic::run(&arguments, on_sqlite.chain(on_postgres).collect()).exit();
}

fn trial(name: &str, test: Test, site: fn() -> Option<Site>) -> Trial {
    Trial::test(name, move || {
        test(&site().ok_or(postgres::ABSENT)?);
        Ok(())
    })
}
