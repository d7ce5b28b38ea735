//! Laws of the parsers, tried with many inputs.

use littoral::edge::negotiate::{Coding, choose};
use littoral::edge::range::{Ranges, parse};
use proptest::prelude::*;

proptest! {
    #[test]
    fn whatever_is_asked_a_part_is_within_the_file_and_no_byte_is_sent_twice(
        value in "(bytes=)?([0-9]{0,20}-[0-9]{0,20}[, ]{0,2}){0,18}|\\PC{0,40}",
        length in prop_oneof![Just(0), 1u64..2000, Just(u64::MAX)],
    ) {
        if let Ranges::Parts(parts) = parse(&value, length) {
            prop_assert!(!parts.is_empty() && parts.len() <= 16);
            for part in &parts {
                prop_assert!(part.start < part.end && part.end <= length, "{part:?}");
            }
            for (at, part) in parts.iter().enumerate() {
                for other in &parts[at + 1..] {
                    prop_assert!(part.end <= other.start || other.end <= part.start, "{part:?} {other:?}");
                }
            }
        }
    }

    #[test]
    fn one_part_is_what_was_asked(first in 0u64..100, more in 0u64..100, length in 1u64..150) {
        let last = first + more;
        let expected = if first < length {
            Ranges::Parts(std::iter::once(first..(last + 1).min(length)).collect())
        } else {
            Ranges::Unsatisfiable
        };
        prop_assert_eq!(parse(&format!("bytes={first}-{last}"), length), expected);
    }

    #[test]
    fn an_encoding_that_was_not_accepted_is_never_chosen(value in "((br|zstd|gzip|identity|\\*|x)( ?; ?q=[01](\\.[0-9]{0,4})?)?,? ?){0,6}|\\PC{0,30}") {
        let chosen = choose([value.as_str()].into_iter());
        if chosen != Coding::Identity {
            prop_assert!(value.to_ascii_lowercase().contains(chosen.name()) || value.contains('*'), "{value}: {chosen:?}");
        }
    }
}

fn check(accepted: &str, expected: Coding) {
    assert_eq!(choose([accepted].into_iter()), expected, "{accepted}");
}

#[test]
fn nothing_accepted_is_the_bytes_as_they_are() {
    assert_eq!(choose(std::iter::empty()), Coding::Identity);
    check("", Coding::Identity);
    check("identity;q=0", Coding::Identity);
    check("deflate, compress", Coding::Identity);
    check("*;q=0", Coding::Identity);
}

#[test]
fn the_highest_weight_wins_and_among_equals_the_shortest() {
    check("gzip, zstd, br", Coding::Brotli);
    check("gzip, zstd", Coding::Zstd);
    check("gzip;q=1.0, br;q=0.999", Coding::Gzip);
    check("br;q=0.2, identity;q=0.5", Coding::Identity);
    check("identity, gzip", Coding::Gzip);
    check("GZIP", Coding::Gzip);
    check("x-gzip", Coding::Gzip);
}

#[test]
fn a_star_is_what_is_not_named() {
    check("*", Coding::Brotli);
    check("br;q=0, *", Coding::Zstd);
    check("gzip, *;q=0.5", Coding::Gzip);
    check("gzip, *;q=0", Coding::Gzip);
}

#[test]
fn what_is_no_weight_is_not_accepted() {
    check("br;q=2, gzip", Coding::Gzip);
    check("br;q=0.0001, gzip;q=0.1", Coding::Gzip);
    check("br;quality=1", Coding::Identity);
}

#[test]
fn several_lines_are_one_list() {
    assert_eq!(choose(["gzip;q=0.5", "br"].into_iter()), Coding::Brotli);
}
