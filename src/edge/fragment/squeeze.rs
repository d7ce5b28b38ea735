//! Squeezing: a page with fragments as gzip (RFC 1952), with no encoder running.
//!
//! What stands around the fragments is deflated once and kept. Each piece ends at a byte's
//! end and refers to no other, so they may be put one behind the other (RFC 1951 §3.2). A
//! fragment goes between them as it is, in a stored block (§3.2.4). So nothing is held back
//! that could be sent, a request costs no more than the checksum of its fragments, and what is
//! one reader's own is never squeezed together with what others may have written, which would
//! tell its content by its length (BREACH, 2013).

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// Level 6 of 9, as for static files.
const LEVEL: u32 = 6;

/// The head of a file: deflate, no name, no time, an unknown system (RFC 1952 §2.3).
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// A last block with nothing in it.
const LAST_BLOCK: [u8; 2] = [3, 0];

/// How long a stored block may be.
const LONGEST_BLOCK: usize = 0xffff;

/// The pieces around the fragments of a page, deflated; the first has the head before it.
#[derive(Debug)]
pub(super) struct Squeezed(pub(super) Vec<SqueezedPiece>);

/// A piece, and the checksum of what it was.
#[derive(Debug)]
pub(super) struct SqueezedPiece {
    pub(super) bytes: Bytes,
    crc: Crc,
}

impl Squeezed {
    /// Takes as long as the pieces are; not for an async thread.
    pub(super) fn of(around: &[Bytes]) -> io::Result<Self> {
        let mut head = HEAD.to_vec();
        let pieces = around.iter().map(|piece| {
            let mut crc = Crc::new();
            crc.update(piece);
            let mut encoder = DeflateEncoder::new(std::mem::take(&mut head), Compression::new(LEVEL));
            encoder.write_all(piece)?;
            // To the end of a byte, and not the end of the file.
            encoder.flush()?;
            Ok(SqueezedPiece { bytes: std::mem::take(encoder.get_mut()).into(), crc })
        });
        pieces.collect::<io::Result<_>>().map(Self)
    }

    /// How many bytes it takes in memory.
    pub(super) fn length(&self) -> usize {
        self.0.iter().map(|piece| piece.bytes.len() + size_of::<SqueezedPiece>()).sum()
    }
}

/// The checksum of a file on its way.
#[derive(Debug, Default)]
pub(super) struct Gzip(Crc);

impl Gzip {
    /// The next piece of the page.
    pub(super) fn piece(&mut self, piece: &SqueezedPiece) -> Bytes {
        self.0.combine(&piece.crc);
        piece.bytes.clone()
    }

    /// A fragment, or what stands there otherwise.
    pub(super) fn stored(&mut self, html: &[u8]) -> Vec<u8> {
        self.0.update(html);
        let mut stored = Vec::with_capacity(html.len() + 5 * (html.len() / LONGEST_BLOCK + 1));
        for block in html.chunks(LONGEST_BLOCK) {
            let length = block.len() as u16;
            stored.push(0);
            stored.extend_from_slice(&length.to_le_bytes());
            stored.extend_from_slice(&(!length).to_le_bytes());
            stored.extend_from_slice(block);
        }
        stored
    }

    /// What ends the file.
    pub(super) fn end(&self) -> Vec<u8> {
        let mut end = LAST_BLOCK.to_vec();
        end.extend_from_slice(&self.0.sum().to_le_bytes());
        end.extend_from_slice(&self.0.amount().to_le_bytes());
        end
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_squeezed_and_stored_is_read_as_one_text(
            around in proptest::collection::vec("[a-d<>é \n]{0,300}", 1..5),
            long in 0..3_usize,
        ) {
            let pieces: Vec<Bytes> = around.iter().map(|piece| Bytes::from(piece.clone())).collect();
            let fragment = "<b>é</b>".repeat([1, 2_000, 20_000][long]);
            let (mut gzip, mut file, mut expected) = (Gzip::default(), Vec::new(), String::new());
            for (piece, text) in Squeezed::of(&pieces).unwrap().0.iter().zip(&around) {
                file.extend_from_slice(&gzip.piece(piece));
                file.extend_from_slice(&gzip.stored(fragment.as_bytes()));
                expected.push_str(text);
                expected.push_str(&fragment);
            }
            file.extend_from_slice(&gzip.end());
            let mut read = String::new();
            flate2::read::GzDecoder::new(file.as_slice()).read_to_string(&mut read).unwrap();
            prop_assert_eq!(read, expected);
        }
    }
}
