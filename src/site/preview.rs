//! Links that show a page to whoever has them, for some days: a page that is not for everybody,
//! or not for anybody yet.
//!
//! A token says until when, and is signed with a key of the site: for this path alone, and for no
//! longer. Nothing is kept of it, so one cannot be revoked; a new key ends all.

use jiff::Timestamp;

/// The name of the parameter that holds it.
pub const PARAMETER: &str = "preview";
/// What the key is called in the store.
pub const KEY: &str = "preview";
/// The longest that one may be good for, in days.
pub const MOST_DAYS: u32 = 90;

/// A token for `path`, decoded.
pub fn token(key: &[u8; 32], path: &str, expires: Timestamp) -> String {
    let seconds = expires.as_second();
    format!("{seconds:x}-{}", signature(key, path, seconds).to_hex())
}

/// Whether `token` was made for `path` and is good yet.
pub fn is_good(key: &[u8; 32], path: &str, token: &str, now: Timestamp) -> bool {
    let Some((seconds, signed)) = token.split_once('-') else { return false };
    let is_hex = (1..=16).contains(&seconds.len()) && seconds.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (Ok(seconds), true) = (i64::from_str_radix(seconds, 16), is_hex) else { return false };
    // Hashes are compared in constant time.
    let is_signed = blake3::Hash::from_hex(signed).is_ok_and(|signed| signed == signature(key, path, seconds));
    is_signed && now.as_second() < seconds
}

fn signature(key: &[u8; 32], path: &str, seconds: i64) -> blake3::Hash {
    blake3::keyed_hash(key, format!("littoral 2026 preview\0{seconds}\0{path}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_path_its_key_and_its_time() {
        let (key, other) = ([7; 32], [8; 32]);
        let now: Timestamp = "2026-11-28T10:00:00Z".parse().unwrap();
        let later = now + jiff::SignedDuration::from_hours(24);
        let token = token(&key, "/été/", later);
        assert!(is_good(&key, "/été/", &token, now));
        assert!(!is_good(&other, "/été/", &token, now) && !is_good(&key, "/", &token, now));
        assert!(!is_good(&key, "/été/", &token, later));
        let (seconds, signed) = token.split_once('-').unwrap();
        let longer = format!("{:x}", i64::from_str_radix(seconds, 16).unwrap() + 1);
        for wrong in [
            String::new(),
            "-".to_owned(),
            seconds.to_owned(),
            format!("{longer}-{signed}"),
            format!("-{seconds}-{signed}"),
            format!("+{seconds}-{signed}"),
            format!("{seconds}-{}", &signed[1..]),
            format!("{seconds}-{signed}0"),
            format!("ffffffffffffffff-{signed}"),
            format!("{}-{signed}", "f".repeat(99)),
        ] {
            assert!(!is_good(&key, "/été/", &wrong, now), "{wrong}");
        }
    }
}
