//! Passwords: which are taken, and how they are hashed.
//!
//! argon2id with 19 MiB, two passes and one lane (the parameters that OWASP's cheat sheet on
//! password storage names), about 20 ms of one core. It never runs on an async thread, and
//! no more at once than there are cores: a flood of logins costs waiting, not memory.
//!
//! Length is all that is asked of a password (NIST SP 800-63B §3.1.1.2): no rules about
//! kinds of letters, which make people choose worse ones.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;

use crate::edge::refusal::Refusal;

/// In characters.
const SHORTEST: usize = 8;
/// In bytes: what a password manager makes, eight times over.
const LONGEST: usize = 1_024;
/// How many may wait for their turn; a second's work on two cores.
const WAITING: usize = 100;
/// Those that guessers try first: of the 30,000 most frequent passwords of several breaches, as
/// the frequency list of zxcvbn 4.4.2 has them (Dan Wheeler and Dropbox, Inc.; MIT licence), those
/// with 8 characters or more, in small letters, and a few of our own. Sorted by bytes.
const COMMON: &str = include_str!("common_passwords.txt");

/// One bound for the whole process, as its memory and its cores are.
static TURNS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)));
static IN_ORDER: LazyLock<Vec<&str>> = LazyLock::new(|| COMMON.lines().collect());
static IN_LINE: AtomicUsize = AtomicUsize::new(0);
/// Compared with when there is no account, so that it takes as long as when there is.
static NOBODYS: LazyLock<Option<String>> = LazyLock::new(|| {
    let mut password = [0; 32];
    getrandom::fill(&mut password).ok()?;
    hash_now(&password).ok()
});

/// Why a new password is not taken, in words for the one who chose it. `own` is what belongs to
/// whoever chooses or to the site: their address, their name, its title.
pub(super) fn refused(password: &str, own: &[&str]) -> Option<&'static str> {
    let small = password.to_lowercase();
    if password.chars().count() < SHORTEST {
        return Some("Please choose a password of at least 8 characters.");
    }
    if password.len() > LONGEST {
        return Some("This password is too long: 1024 bytes are taken.");
    }
    let before_at = own.iter().map(|own| own.split('@').next().unwrap_or_default());
    let is_own = own.iter().copied().chain(before_at).any(|own| own.to_lowercase() == small);
    let first = small.chars().next();
    let is_common = IN_ORDER.binary_search(&small.as_str()).is_ok();
    if is_own || is_common || small.chars().all(|next| Some(next) == first) {
        return Some("This password is among the first that somebody would guess. Please choose another one.");
    }
    None
}

/// The hash of a password, in PHC form.
pub(super) async fn hash(password: &str) -> Result<String, Refusal> {
    let password = password.to_owned();
    in_turn(move || hash_now(password.as_bytes()))
        .await?
        .map_err(|error| Refusal::fault("a password cannot be hashed", &error))
}

/// Whether `password` is the one that `known` was made of; when there is none, it takes as
/// long to say no.
pub(super) async fn is_right(password: &str, known: Option<&str>) -> Result<bool, Refusal> {
    let (password, known) = (password.to_owned(), known.map(str::to_owned));
    in_turn(move || {
        // Made before it is known whether it is needed: the first login pays, whoever's it is.
        let nobodys = NOBODYS.as_deref();
        let Some(compared) = known.as_deref().or(nobodys) else {
            return false;
        };
        // No stored password is longer, and hashing a megabyte is work for nothing.
        let matches = password.len() <= LONGEST
            && PasswordHash::new(compared)
                .is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok());
        matches && known.is_some()
    })
    .await
}

/// Whether `hash` was made with other parameters than are used now.
pub(super) fn is_of_old(hash: &str) -> bool {
    !hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
}

async fn in_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    struct Place;
    impl Drop for Place {
        fn drop(&mut self) {
            IN_LINE.fetch_sub(1, Ordering::Relaxed);
        }
    }
    let before = IN_LINE.fetch_add(1, Ordering::Relaxed);
    let _place = Place;
    if before >= WAITING {
        return Err(Refusal::Unavailable(Duration::from_secs(2)));
    }
    // Moved into the work: when the client goes away, the work goes on, and counts.
    let turn = TURNS.acquire().await.map_err(|error| Refusal::fault("passwords cannot be hashed", &error))?;
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    })
    .await
    .map_err(|error| Refusal::fault("hashing a password panicked", &error))
}

fn hash_now(password: &[u8]) -> Result<String, argon2::password_hash::Error> {
    argon2().hash_password(password).map(|hash| hash.to_string())
}

fn argon2() -> Argon2<'static> {
    // m = 19 MiB, t = 2, p = 1: named here, so that a new version of the library changes nothing.
    let params = Params::new(19 * 1024, 2, 1, None).unwrap_or(Params::DEFAULT);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(password: &str, taken: bool) {
        let own = ["ann.gull@example.org", "Ann Gull", "Tides of Finistère"];
        assert_eq!(refused(password, &own).is_none(), taken, "{password}");
    }

    #[test]
    fn length_is_all_that_is_asked_but_for_what_is_guessed_first() {
        check("low water at six", true);
        check("żółwżółw", true);
        check("short", false);
        check("Password1", false);
        check("aaaaaaaaaaaa", false);
        check("Ann.Gull@example.org", false);
        check("ANN GULL", false);
        check("ann.gull", false);
        check("tides of finistère", false);
        check(&"tide".repeat(257), false);
    }

    #[test]
    fn whoever_guesses_begins_with_a_list_that_is_refused_whole() {
        assert!(IN_ORDER.len() > 10_000);
        assert!(IN_ORDER.is_sorted());
        for common in IN_ORDER.iter() {
            check(common, false);
            check(&common.to_uppercase(), false);
        }
    }

    #[tokio::test]
    async fn a_hash_is_argon2id_with_its_own_salt() {
        let (one, other) = (hash("low water at six").await.unwrap(), hash("low water at six").await.unwrap());
        assert!(!is_of_old(&one), "{one}");
        assert!(is_of_old("$argon2id$v=19$m=19456,t=1,p=1$"));
        assert_ne!(one, other);
        assert!(is_right("low water at six", Some(&one)).await.unwrap());
        assert!(!is_right("low water at seven", Some(&one)).await.unwrap());
        assert!(!is_right("low water at six", None).await.unwrap());
    }
}
