//! CSV (RFC 4180): records of cells, one at a time.
//!
//! Lines end with LF, CRLF or CR; a byte order mark and empty lines are passed over. A cell
//! with nothing in it is absent, and `""` is the empty text.
//!
//! A reader of our own, because of that difference: the `csv` crate does not tell whether a
//! cell was quoted, and it keeps a row in memory however long it is. The tests read whatever
//! that crate writes, and compare.
//!
//! Knows nothing of headings: the first record is one like the others.

use std::io::{self, BufRead};

use memchr::{memchr, memchr_iter, memchr3};

/// Bytes of one cell.
pub const CELL: usize = 16 * 1024 * 1024;
/// Bytes of one row.
pub const ROW: usize = 64 * 1024 * 1024;
/// Columns: PostgreSQL stops at 1600, SQLite at 2000.
pub const COLUMNS: usize = 1000;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One record, kept for as long as it is looked at.
#[derive(Default)]
pub struct Record {
    /// Where it begins, from 1.
    pub line: u64,
    /// The cells, one after the other.
    bytes: Vec<u8>,
    /// No more than there may be columns.
    ends: Vec<End>,
    /// How many cells there are, all counted.
    pub count: usize,
    /// Why it cannot be taken.
    pub fault: Option<Fault>,
}

struct End {
    at: usize,
    is_quoted: bool,
}

/// One cell.
pub struct Cell<'r> {
    /// Without the quotation marks around it.
    pub bytes: &'r [u8],
    /// Whether there were any.
    pub is_quoted: bool,
}

impl Cell<'_> {
    /// Whether there is nothing, which is not the empty text.
    pub fn is_absent(&self) -> bool {
        self.bytes.is_empty() && !self.is_quoted
    }
}

/// Why a record cannot be taken; with the column, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A cell is longer than [`CELL`].
    CellTooLong(usize),
    /// The whole is longer than [`ROW`].
    RowTooLong,
    /// A quoted cell has more behind it.
    TextAfterQuote(usize),
    /// A quoted cell does not end.
    Unclosed,
}

impl Fault {
    /// In words.
    pub fn why(self) -> &'static str {
        match self {
            Self::CellTooLong(_) => "the cell is longer than 16 MiB",
            Self::RowTooLong => "the row is longer than 64 MiB: is a quotation mark not closed?",
            Self::TextAfterQuote(_) => {
                "there is text after a closing quotation mark: one inside a cell is written twice, `\"\"`"
            }
            Self::Unclosed => "a quotation mark that opens a cell of this row is not closed before the end of the file",
        }
    }
}

impl Record {
    /// The cell at this place, from 0.
    pub fn cell(&self, at: usize) -> Cell<'_> {
        let from = at.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| end.at);
        match self.ends.get(at) {
            Some(end) => Cell { bytes: self.bytes.get(from..end.at).unwrap_or_default(), is_quoted: end.is_quoted },
            None => Cell { bytes: &[], is_quoted: false },
        }
    }

    fn start(&mut self, line: u64) {
        self.line = line;
        self.bytes.clear();
        self.ends.clear();
        (self.count, self.fault) = (0, None);
    }

    fn push(&mut self, bytes: &[u8]) {
        let began = self.ends.last().map_or(0, |end| end.at);
        if self.bytes.len() - began + bytes.len() > CELL {
            self.fault.get_or_insert(Fault::CellTooLong(self.count));
        } else if self.bytes.len() + bytes.len() > ROW {
            self.fault.get_or_insert(Fault::RowTooLong);
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }

    fn end_cell(&mut self, is_quoted: bool) {
        self.count += 1;
        if self.ends.len() <= COLUMNS {
            self.ends.push(End { at: self.bytes.len(), is_quoted });
        }
    }
}

/// Reads records, one after the other.
pub struct Records<B> {
    bytes: B,
    line: u64,
    /// The one that was read last.
    pub record: Record,
    /// The record before ended with CR, to which an LF would belong.
    after_return: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first character of a cell.
    Start,
    Bare,
    Quoted,
    /// After a quotation mark in a quoted cell: its end, or the first of two.
    Quote,
    /// After the end of a quoted cell, where nothing should be.
    Surplus,
}

impl<B: BufRead> Records<B> {
    /// Those in `bytes`.
    pub fn new(bytes: B) -> Self {
        Self { bytes, line: 0, record: Record::default(), after_return: false }
    }

    /// Reads the next record. False at the end of the file.
    pub fn read(&mut self) -> io::Result<bool> {
        if self.line == 0 {
            self.line = 1;
            let mark = self.bytes.fill_buf()?.starts_with(BYTE_ORDER_MARK);
            self.bytes.consume(if mark { BYTE_ORDER_MARK.len() } else { 0 });
        }
        self.record.start(self.line);
        let mut state = State::Start;
        loop {
            let chunk = self.bytes.fill_buf()?;
            if chunk.is_empty() {
                if state == State::Start && self.record.count == 0 {
                    return Ok(false);
                }
                if state == State::Quoted {
                    self.record.fault.get_or_insert(Fault::Unclosed);
                }
                self.record.end_cell(matches!(state, State::Quoted | State::Quote));
                return Ok(true);
            }
            let mut at = 0;
            let mut is_whole = false;
            while let Some(rest) = chunk.get(at..).filter(|rest| !rest.is_empty() && !is_whole) {
                let first = rest.first().copied().unwrap_or_default();
                if std::mem::take(&mut self.after_return) && first == b'\n' {
                    at += 1;
                    continue;
                }
                match state {
                    State::Quoted => {
                        let end = memchr(b'"', rest);
                        let text = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
                        self.line += memchr_iter(b'\n', text).count() as u64;
                        self.record.push(text);
                        at += text.len() + usize::from(end.is_some());
                        state = if end.is_some() { State::Quote } else { state };
                    }
                    State::Start if first == b'"' => {
                        at += 1;
                        state = State::Quoted;
                    }
                    State::Quote if first == b'"' => {
                        at += 1;
                        self.record.push(b"\"");
                        state = State::Quoted;
                    }
                    State::Quote if !matches!(first, b',' | b'\n' | b'\r') => {
                        self.record.fault.get_or_insert(Fault::TextAfterQuote(self.record.count));
                        state = State::Surplus;
                    }
                    State::Start | State::Bare | State::Quote | State::Surplus => {
                        let end = memchr3(b',', b'\n', b'\r', rest);
                        let text = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
                        self.record.push(text);
                        at += text.len() + usize::from(end.is_some());
                        match end.and_then(|end| rest.get(end)) {
                            None => state = if state == State::Start { State::Bare } else { state },
                            Some(b',') => {
                                self.record.end_cell(state == State::Quote);
                                state = State::Start;
                            }
                            Some(newline) => {
                                self.line += 1;
                                self.after_return = *newline == b'\r';
                                let is_empty = state == State::Start && text.is_empty() && self.record.count == 0;
                                if is_empty {
                                    self.record.start(self.line);
                                } else {
                                    self.record.end_cell(state == State::Quote);
                                    is_whole = true;
                                }
                            }
                        }
                    }
                }
            }
            self.bytes.consume(at);
            if is_whole {
                return Ok(true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    /// All records, read in pieces of `capacity` bytes: cells as `None` when absent.
    fn read(bytes: &[u8], capacity: usize) -> Vec<(u64, Vec<Option<Vec<u8>>>)> {
        let mut records = Records::new(BufReader::with_capacity(capacity, bytes));
        let mut found = Vec::new();
        while records.read().unwrap() {
            let record = &records.record;
            let cell = |at| Some(record.cell(at)).filter(|cell| cell.is_quoted || !cell.bytes.is_empty());
            let cells = (0..record.count).map(|at| cell(at).map(|cell| cell.bytes.to_vec())).collect();
            found.push((record.line, cells));
        }
        found
    }

    fn check(text: &str, expected: &[(u64, &[Option<&str>])]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(line, cells)| (*line, cells.iter().map(|cell| cell.map(|cell| cell.as_bytes().to_vec())).collect()))
            .collect();
        for capacity in [1, 2, 3, 4096] {
            // The mark is looked for in the first piece, which is never so small in a file.
            let capacity = if text.starts_with('\u{feff}') { capacity.max(3) } else { capacity };
            assert_eq!(read(text.as_bytes(), capacity), expected, "{text:?} by {capacity}");
        }
    }

    #[test]
    fn an_empty_cell_is_absent_and_a_quoted_one_is_the_empty_text() {
        check("a,,\"\"\n,\n", &[(1, &[Some("a"), None, Some("")]), (2, &[None, None])]);
    }

    #[test]
    fn every_way_to_end_a_line_is_one() {
        check("a\r\nb\rc\n\n\r\nd", &[(1, &[Some("a")]), (2, &[Some("b")]), (3, &[Some("c")]), (6, &[Some("d")])]);
    }

    #[test]
    fn a_line_break_in_quotation_marks_is_part_of_the_cell_and_is_counted() {
        check("\"a\nb\",\"c\"\"d\"\ne", &[(1, &[Some("a\nb"), Some("c\"d")]), (3, &[Some("e")])]);
        check("\u{feff}é\n", &[(1, &[Some("é")])]);
    }

    #[test]
    fn a_quotation_mark_inside_a_bare_cell_is_itself() {
        check("a\"b,c\n", &[(1, &[Some("a\"b"), Some("c")])]);
    }

    fn fault(text: &str) -> Option<&'static str> {
        let mut records = Records::new(text.as_bytes());
        records.read().unwrap();
        records.record.fault.map(Fault::why)
    }

    #[test]
    fn a_cell_that_does_not_end_and_one_that_ends_too_soon_are_faults() {
        assert_eq!(fault("\"a\nb,c\n"), Some(Fault::Unclosed.why()));
        assert_eq!(fault("\"a\"b,c\n"), Some(Fault::TextAfterQuote(0).why()));
        assert_eq!(fault("\"a\",b\n"), None);
    }

    #[test]
    fn a_cell_beyond_its_limit_is_a_fault_and_the_next_row_is_read() {
        let text = format!("{},b\nc,d\n", "x".repeat(CELL + 1));
        let mut records = Records::new(BufReader::new(text.as_bytes()));
        assert!(records.read().unwrap());
        assert!(matches!(records.record.fault, Some(Fault::CellTooLong(0))));
        assert!(records.record.bytes.len() <= CELL + 1);
        assert!(records.read().unwrap());
        assert!(records.record.fault.is_none());
        assert_eq!((records.record.line, records.record.count), (2, 2));
    }

    proptest! {
        #[test]
        fn what_the_csv_crate_writes_is_read_as_it_was(
            rows in prop::collection::vec(prop::collection::vec("[ab,\"\n\ré ]{0,6}", 3), 1..6),
            capacity in 3_usize..40,
        ) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let bytes = writer.into_inner().unwrap();
            let found: Vec<Vec<String>> = read(&bytes, capacity)
                .into_iter()
                .map(|(_, cells)| cells.into_iter().map(|cell| String::from_utf8(cell.unwrap_or_default()).unwrap()).collect())
                .collect();
            prop_assert_eq!(found, rows);
        }

        #[test]
        fn no_bytes_make_it_stop_before_their_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let one = read(&bytes, 4096);
            let small = read(&bytes, 3);
            prop_assert_eq!(one, small);
        }
    }
}
