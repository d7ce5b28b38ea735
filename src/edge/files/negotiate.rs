//! Which encoding a client gets: `Accept-Encoding`, RFC 9110 §12.5.3.
//!
//! The one with the highest weight; among equals the one that is shortest for text. The
//! bytes as they are win only when the client gives them more weight than any encoding. A
//! client that accepts nothing at all gets them too: bytes that can be read are worth more
//! than a refusal.

/// An encoding of a body. In order of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
    /// RFC 1952.
    Gzip,
    /// None: the bytes as they are.
    Identity,
}

impl Coding {
    /// Its name in `Content-Encoding`; `Identity` is never named there.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
            Self::Identity => "identity",
        }
    }
}

/// A weight in thousandths.
type Weight = u16;

/// What a client has said: the weights of brotli, zstd, gzip and of the bytes as they are, and
/// that of any other.
struct Wanted {
    named: [Option<Weight>; 4],
    any: Option<Weight>,
}

fn read<'a>(lines: impl Iterator<Item = &'a str>) -> Wanted {
    let mut named: [Option<Weight>; 4] = [None; 4];
    let mut any = None;
    for item in lines.flat_map(|line| line.split(',')) {
        let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
        let Some(weight) = weight(parameters) else {
            continue;
        };
        match name.trim() {
            name if name.eq_ignore_ascii_case("br") => named[0] = Some(weight),
            name if name.eq_ignore_ascii_case("zstd") => named[1] = Some(weight),
            name if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => named[2] = Some(weight),
            name if name.eq_ignore_ascii_case("identity") => named[3] = Some(weight),
            "*" => any = Some(weight),
            _ => {}
        }
    }
    Wanted { named, any }
}

/// Whether a client that has sent these lines takes gzip, and does not like the bytes as they
/// are better.
pub fn takes_gzip<'a>(lines: impl Iterator<Item = &'a str>) -> bool {
    let Wanted { named: [.., gzip, identity], any } = read(lines);
    let weight = gzip.or(any).unwrap_or(0);
    weight > 0 && weight >= identity.unwrap_or(0)
}

/// The encoding for a client that has sent these lines of `Accept-Encoding`.
pub fn choose<'a>(lines: impl Iterator<Item = &'a str>) -> Coding {
    let Wanted { named, any } = read(lines);
    let mut best = (Coding::Identity, named[3].unwrap_or(0));
    for (at, coding) in [Coding::Brotli, Coding::Zstd, Coding::Gzip].into_iter().enumerate() {
        let weight = named[at].or(any).unwrap_or(0);
        // A tie with what is before it in our order loses; with `Identity` it wins.
        if weight > 0 && (weight > best.1 || (weight == best.1 && best.0 == Coding::Identity)) {
            best = (coding, weight);
        }
    }
    best.0
}

/// The weight among `parameters`: 1 when there is none, `None` when it is none (RFC 9110 §12.4.2).
fn weight(parameters: &str) -> Option<Weight> {
    let parameters = parameters.trim();
    if parameters.is_empty() {
        return Some(1000);
    }
    let value = parameters.strip_prefix("q=").or_else(|| parameters.strip_prefix("Q="))?;
    let (whole, rest) = value.split_once('.').unwrap_or((value, ""));
    let is_digits = rest.len() <= 3 && rest.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths = format!("{rest:0<3}").parse::<Weight>().ok().filter(|_| is_digits)?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}
