//! Compressed files: `.gz` and `.zst`, unpacked while they are read.
//!
//! A file's size when it is unpacked is never asked or believed: whoever reads takes piece
//! after piece, and is bounded by what it keeps.

use std::io::{self, Read};

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// gzip (RFC 1952), of one member or several.
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
}

impl Packing {
    /// What the end of a file's name says, and the name without that end.
    pub fn of_name(name: &str) -> (Self, &str) {
        let ends = [(".gz", Self::Gzip), (".zst", Self::Zstd)];
        // Never in the middle of a character: the endings are of ASCII.
        let packed = ends.into_iter().find_map(|(end, packing)| {
            let at = name.len().checked_sub(end.len()).filter(|at| name.is_char_boundary(*at))?;
            let (rest, found) = name.split_at(at);
            found.eq_ignore_ascii_case(end).then_some((packing, rest))
        });
        packed.unwrap_or((Self::Plain, name))
    }

    /// What the first bytes say, where there is no name.
    pub fn of_bytes(first: &[u8]) -> Self {
        match first {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }

    /// `packed` as it was before.
    pub fn unpacked<'r>(self, packed: impl Read + 'r) -> io::Result<Box<dyn Read + 'r>> {
        Ok(match self {
            Self::Plain => Box::new(packed),
            Self::Gzip => Box::new(Stream { unpacked: flate2::read::MultiGzDecoder::new(packed), name: "gzip" }),
            Self::Zstd => Box::new(Stream { unpacked: zstd::Decoder::new(packed)?, name: "Zstandard" }),
        })
    }
}

/// A stream that says of itself what it is when it breaks.
struct Stream<R> {
    unpacked: R,
    name: &'static str,
}

impl<R: Read> Read for Stream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.unpacked.read(buffer).map_err(|cause| {
            let why = match cause.kind() {
                io::ErrorKind::Interrupted => return cause,
                io::ErrorKind::UnexpectedEof => "it is cut off before its end".to_owned(),
                _ => cause.to_string(),
            };
            io::Error::new(cause.kind(), format!("the {} stream is broken: {why}", self.name))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    fn read(packing: Packing, packed: &[u8]) -> Result<String, String> {
        let mut text = String::new();
        let read = packing.unpacked(packed).and_then(|mut unpacked| unpacked.read_to_string(&mut text));
        read.map(|_| text).map_err(|error| error.to_string())
    }

    #[test]
    fn the_end_of_a_name_says_how_it_is_packed() {
        assert_eq!(Packing::of_name("a/cities.csv.zst"), (Packing::Zstd, "a/cities.csv"));
        assert_eq!(Packing::of_name("CITIES.CSV.GZ"), (Packing::Gzip, "CITIES.CSV"));
        assert_eq!(Packing::of_name("é.csv"), (Packing::Plain, "é.csv"));
        assert_eq!(Packing::of_name("\u{1f30a}z"), (Packing::Plain, "\u{1f30a}z"));
    }

    #[test]
    fn members_of_gzip_follow_each_other() {
        let packed = [gzip(b"low "), gzip(b"water")].concat();
        assert_eq!(read(Packing::Gzip, &packed), Ok("low water".to_owned()));
    }

    #[test]
    fn a_stream_that_is_cut_off_says_so() {
        let (gzip, zstd) = (gzip(b"low water"), zstd::encode_all(&b"low water"[..], 3).unwrap());
        for (packing, packed, name) in [(Packing::Gzip, gzip, "gzip"), (Packing::Zstd, zstd, "Zstandard")] {
            for length in 1..packed.len() {
                let expected = format!("the {name} stream is broken: it is cut off before its end");
                assert_eq!(read(packing, &packed[..length]), Err(expected), "{length} of {}", packed.len());
            }
        }
    }

    #[test]
    fn what_is_no_stream_is_named_as_such() {
        for packing in [Packing::Gzip, Packing::Zstd] {
            let said = read(packing, b"id,name\n1,Brest\n").unwrap_err();
            assert!(said.contains("stream is broken"), "{said}");
        }
    }
}
