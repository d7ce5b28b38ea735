//! Times as authors write them: `200ms`, `60s`, `5m`, `1h`, `7d`.

use std::time::Duration;

/// The time that `text` is; none for anything else, and for what is longer than `longest`.
pub fn parse(text: &str, longest: Duration) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let millis = number.parse::<u64>().ok()?.checked_mul(millis)?;
    Some(Duration::from_millis(millis)).filter(|time| *time <= longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        let day = Duration::from_secs(86_400);
        assert_eq!(parse("200ms", day), Some(Duration::from_millis(200)));
        assert_eq!(parse("5m", day), Some(Duration::from_secs(300)));
        for text in ["", "5", "m", "5 m", "-5m", "2d", "5M", "99999999999999999999s", "été"] {
            assert_eq!(parse(text, day), None, "{text}");
        }
    }
}
