//! The store through its own door, on real files and on a real server.
//!
//! What holds of both engines is asked of both. Without PostgreSQL on the machine its tests
//! are shown as ignored, and why.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

mod both;
mod comments;
mod lists;
mod meter;
mod on_postgres;
mod on_sqlite;
mod outbox;
mod people;
#[path = "../postgres/mod.rs"]
mod postgres;
mod shore;
mod tables;

use std::pin::Pin;

use libtest_mimic::{Arguments, Trial};
use shore::Shore;

/// A test of a store that stands where it is told.
pub type Test = fn(Shore) -> Pin<Box<dyn Future<Output = ()>>>;

/// Tests by their names.
#[macro_export]
macro_rules! tests {
    ($($name:ident),* $(,)?) => { vec![$((stringify!($name), (|shore| Box::pin($name(shore))) as Test)),*] };
}

fn main() {
    let arguments = Arguments::from_args();
    let is_here = postgres::is_here();
    if !is_here {
        postgres::say_absent("The store on PostgreSQL");
    }
    let both = || {
        let all = both::all().into_iter().chain(tables::all()).chain(lists::all()).chain(people::all());
        all.chain(outbox::all()).chain(comments::all()).chain(meter::all())
    };
    let on_sqlite = both().chain(on_sqlite::all());
    let on_sqlite = on_sqlite.map(|(name, test)| trial(&format!("sqlite::{name}"), test, || Some(Shore::on_sqlite())));
    let on_postgres = both().chain(on_postgres::all());
    let on_postgres = on_postgres
        .map(|(name, test)| trial(&format!("postgres::{name}"), test, Shore::on_postgres).with_ignored_flag(!is_here));
    libtest_mimic::run(&arguments, on_sqlite.chain(on_postgres).collect()).exit();
}

fn trial(name: &str, test: Test, shore: fn() -> Option<Shore>) -> Trial {
    Trial::test(name, move || {
        let shore = shore().ok_or(postgres::ABSENT)?;
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(test(shore));
        Ok(())
    })
}
