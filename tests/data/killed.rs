//! Imports killed at random instants: all or nothing.
//!
//! The seed is printed; `LITTORAL_SEED` sets it, and `LITTORAL_KILLS` how often it is killed.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::site::Site;
use crate::{Test, tests};

pub fn all() -> Vec<(&'static str, Test)> {
    tests![an_import_killed_at_any_instant_leaves_the_table_before_or_the_one_after]
}

const KILLS: u32 = 10;
const ROWS: u32 = 20_000;

fn an_import_killed_at_any_instant_leaves_the_table_before_or_the_one_after(site: &Site) {
    let seed = number("LITTORAL_SEED").unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        u64::from(now.subsec_nanos()) | 1
    });
    let kills = number("LITTORAL_KILLS").unwrap_or(u64::from(KILLS));
    println!("seed {seed}");
    let mut state = seed;
    let mut below_one = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    // Each file has one number in all its rows, so that a mixture would be seen.
    let file = |round: u64| {
        let rows: String = (0..ROWS).map(|id| format!("{id},{round},a text beside it\n")).collect();
        site.put("rows.csv", format!("id,round,t\n{rows}"));
    };
    file(0);
    site.import("t rows.csv");
    let mut longest = Duration::ZERO;
    let mut live = 0;
    let mut cut_short = 0;
    for round in 1..=kills {
        file(round);
        let how = if round % 2 == 0 { "--replace" } else { "--upsert id" };
        if round <= 2 {
            let began = Instant::now();
            site.import(&format!("t rows.csv {how}"));
            longest = longest.max(began.elapsed());
            live = round;
        }
        let mut command = site.command(&format!("import t rows.csv {how}"));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // The instant is the point of the test; nothing is waited for.
        std::thread::sleep(longest.mul_f64(1.2 * below_one()));
        child.kill().unwrap();
        cut_short += u32::from(!child.wait().unwrap().success());
        let shape = "SELECT count(*) || ' ' || min(round) || ' ' || max(round) FROM t";
        let found = site.ask(shape);
        let of = |round: u64| format!("{ROWS} {round} {round}");
        // A server of its own may do what a program had told it to when that was killed, and be done
        // when we have looked: then it is seen the next time.
        let Some(one) = (live..=round).find(|one| found == of(*one)) else {
            panic!("round {round}: {found}, expected one of {} to {}", of(live), of(round));
        };
        live = one;
    }
    println!("{cut_short} of {kills} were cut short");
    file(kills + 1);
    site.import("t rows.csv --replace");
    assert!(site.data("schema").out.starts_with("t: 20,000 rows\n"), "{}", site.data("schema").out);
    if site.server.is_none() {
        assert_eq!(site.ask("PRAGMA integrity_check"), "ok");
        // Nothing is left beside the store.
        let beside = std::fs::read_dir(site.folder.path().join("var")).unwrap().flatten();
        let beside: Vec<_> = beside.map(|entry| entry.file_name().into_string().unwrap()).collect();
        assert!(beside.iter().all(|name| name.starts_with("littoral.db")), "{beside:?}");
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
