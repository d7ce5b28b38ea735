//! HTTP/2 as it passes, frame by frame (RFC 9113 §4.1): only as much as tells whether a
//! request gets on.
//!
//! Bytes alone do not say it: a client may ping, or widen its windows, for ever. What a frame
//! holds is never looked at; hyper reads the same bytes and knows what they mean.

/// What a client begins an HTTP/2 connection with (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Length in 24 bits, type, flags, stream.
const HEADER: usize = 9;

const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const CONTINUATION: u8 = 0x9;
const END_HEADERS: u8 = 0x4;

/// Which protocol a connection speaks, as far as its first bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// So many bytes of the preface have come, and nothing else.
    Undecided(usize),
    Http1,
    Http2,
}

impl Protocol {
    pub(super) const UNKNOWN: Self = Self::Undecided(0);

    /// Takes the next bytes read, and leaves those that follow the preface.
    pub(super) fn decide<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let Self::Undecided(known) = *self else { return bytes };
        let (wanted, length) = (&PREFACE[known..], bytes.len().min(PREFACE.len() - known));
        *self = match known + length {
            _ if bytes[..length] != wanted[..length] => Self::Http1,
            whole if whole == PREFACE.len() => Self::Http2,
            part => Self::Undecided(part),
        };
        &bytes[length..]
    }
}

/// The frames of one direction of one connection.
#[derive(Debug, Default)]
pub(super) struct Frames {
    header: [u8; HEADER],
    /// Bytes of the next header that are there.
    filled: usize,
    /// Bytes of the frame's payload that are still to come.
    payload: usize,
    is_head_open: bool,
}

/// What some bytes have brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Passed {
    /// Some of a body.
    pub(super) data: bool,
    /// A head, or some of one.
    pub(super) head: bool,
}

impl Frames {
    /// Takes the next bytes.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) -> Passed {
        let mut passed = Passed::default();
        while !bytes.is_empty() {
            let is_payload = self.payload > 0;
            let length = bytes.len().min(if is_payload { self.payload } else { HEADER - self.filled });
            let (taken, rest) = bytes.split_at(length);
            bytes = rest;
            if is_payload {
                self.payload -= length;
                passed.data |= self.kind() == DATA;
            } else {
                self.header[self.filled..][..length].copy_from_slice(taken);
                self.filled += length;
                if self.filled < HEADER {
                    break;
                }
                self.filled = 0;
                let [high, middle, low, ..] = self.header;
                self.payload = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
            }
            if matches!(self.kind(), HEADERS | CONTINUATION) {
                passed.head = true;
                self.is_head_open = self.payload > 0 || self.flags() & END_HEADERS == 0;
            }
        }
        passed
    }

    /// Whether a head has begun whose last byte has not come.
    pub(super) fn is_head_open(&self) -> bool {
        self.is_head_open
    }

    fn kind(&self) -> u8 {
        self.header[3]
    }

    fn flags(&self) -> u8 {
        self.header[4]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        [&[0, 0, payload.len() as u8, kind, flags, 0, 0, 0, 1], payload].concat()
    }

    const PING: u8 = 6;

    #[test]
    fn a_preface_is_known_in_whatever_pieces_it_comes() {
        for size in 1..=PREFACE.len() + 2 {
            let mut protocol = Protocol::UNKNOWN;
            let sent = [PREFACE, b"rest"].concat();
            let rest: Vec<u8> = sent.chunks(size).flat_map(|piece| protocol.decide(piece).to_vec()).collect();
            assert_eq!((protocol, &rest[..]), (Protocol::Http2, &b"rest"[..]), "{size}");
        }
        let mut protocol = Protocol::UNKNOWN;
        protocol.decide(b"PRI * HT");
        assert_eq!(protocol, Protocol::Undecided(8));
        protocol.decide(b"GET");
        assert_eq!(protocol, Protocol::Http1);
    }

    #[test]
    fn frames_are_told_apart_in_whatever_pieces_they_come() {
        let sent = [frame(PING, 0, b"12345678"), frame(HEADERS, 0, b"abc"), frame(CONTINUATION, END_HEADERS, b"de")];
        let sent = sent.concat();
        for size in 1..=sent.len() {
            let mut frames = Frames::default();
            let mut open = 0;
            for piece in sent.chunks(size) {
                assert!(!frames.pass(piece).data);
                open += usize::from(frames.is_head_open());
            }
            assert!(!frames.is_head_open() && (open > 0 || size > 12), "{size}");
        }
    }

    #[test]
    fn only_a_body_that_is_not_empty_is_data() {
        let mut frames = Frames::default();
        assert_eq!(frames.pass(&frame(PING, 0, b"12345678")), Passed::default());
        assert_eq!(frames.pass(&frame(DATA, 1, b"")), Passed::default());
        assert_eq!(frames.pass(&frame(DATA, 1, b"a")), Passed { data: true, head: false });
        assert_eq!(frames.pass(&frame(HEADERS, END_HEADERS, b"a")), Passed { data: false, head: true });
    }
}
