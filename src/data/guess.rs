//! What a column holds, guessed from all of its cells.
//!
//! Integer when every cell is a whole number of 64 bits, real when every cell is a number,
//! else text. What looks like a number and is a name stays text: `007`, `+33`, and a whole
//! number of so many digits that a real would lose the last of them.

use super::raw::Raw;
use crate::site::table::ColumnType;

/// Beyond it not every whole number is a real of 64 bits.
const EXACT: u64 = 1 << 53;

/// What has been seen of a column.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Guess {
    integers: bool,
    /// Whole numbers that a column of reals could not hold exactly.
    wide: bool,
    reals: bool,
    texts: bool,
    blobs: bool,
}

impl Guess {
    /// Looks at one more cell.
    pub(super) fn see(&mut self, cell: &Raw<'_>) {
        match cell {
            Raw::Null => {}
            Raw::Cell(text) | Raw::Number(text) => self.see_written(text),
            Raw::Bool(_) => self.integers = true,
            Raw::Integer(number) => self.see_integer(*number),
            Raw::Real(number) if number.is_finite() => self.reals = true,
            Raw::Blob(_) => self.blobs = true,
            Raw::String(_) | Raw::Json(_) | Raw::Text(_) | Raw::Real(_) => self.texts = true,
        }
    }

    fn see_written(&mut self, text: &str) {
        if self.texts {
            return;
        }
        match Look::of(text) {
            Look::Whole => match text.parse() {
                Ok(number) => self.see_integer(number),
                Err(_) => self.texts = true,
            },
            Look::Number if text.parse::<f64>().is_ok_and(f64::is_finite) => self.reals = true,
            Look::Number | Look::Other => self.texts = true,
        }
    }

    fn see_integer(&mut self, number: i64) {
        self.integers = true;
        self.wide |= number.unsigned_abs() > EXACT;
    }

    /// The type of the column; nothing when every cell was empty.
    pub(super) fn kind(self) -> Option<ColumnType> {
        Some(match self {
            Self { blobs: true, .. } => ColumnType::Blob,
            Self { texts: true, .. } | Self { reals: true, wide: true, .. } => ColumnType::Text,
            Self { reals: true, .. } => ColumnType::Real,
            Self { integers: true, .. } => ColumnType::Integer,
            _ => return None,
        })
    }
}

#[derive(PartialEq, Eq)]
enum Look {
    Whole,
    Number,
    Other,
}

impl Look {
    /// The grammar of JSON (RFC 8259 §6): no leading zeros, no `+`, figures around a point.
    fn of(text: &str) -> Self {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, rest) = split_figures(unsigned);
        if whole.is_empty() || (whole.len() > 1 && whole.starts_with('0')) {
            return Self::Other;
        }
        if rest.is_empty() {
            // A whole number has no sign at zero.
            return if text == "-0" { Self::Number } else { Self::Whole };
        }
        let rest = match rest.strip_prefix('.') {
            Some(rest) => match split_figures(rest) {
                ("", _) => return Self::Other,
                (_, rest) => rest,
            },
            None => rest,
        };
        let Some(power) = rest.strip_prefix(['e', 'E']) else {
            return if rest.is_empty() { Self::Number } else { Self::Other };
        };
        match split_figures(power.strip_prefix(['+', '-']).unwrap_or(power)) {
            ("", _) => Self::Other,
            (_, "") => Self::Number,
            _ => Self::Other,
        }
    }
}

fn split_figures(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cells: &[&str], expected: Option<ColumnType>) {
        let mut guess = Guess::default();
        for cell in cells {
            guess.see(&if cell.is_empty() { Raw::Null } else { Raw::Cell(cell) });
        }
        assert_eq!(guess.kind(), expected, "{cells:?}");
    }

    #[test]
    fn whole_numbers_are_integers() {
        check(&["1", "-2", "0", "", "9223372036854775807"], Some(ColumnType::Integer));
    }

    #[test]
    fn numbers_with_a_point_are_reals_and_whole_ones_among_them() {
        check(&["1", "2.5", "-0", "1e3", "1.5E-7"], Some(ColumnType::Real));
    }

    #[test]
    fn what_only_looks_like_a_number_is_text() {
        for cell in
            ["007", "+33", ".5", "5.", "1e", "1e+", "0x10", "1_000", "NaN", "inf", "1,5", " 1", "1e999", "-", "٣"]
        {
            check(&["1", cell], Some(ColumnType::Text));
        }
    }

    #[test]
    fn a_number_that_would_lose_its_last_figures_is_text() {
        check(&["9223372036854775808"], Some(ColumnType::Text));
        check(&["9007199254740993", "0.5"], Some(ColumnType::Text));
        check(&["9007199254740992", "0.5"], Some(ColumnType::Real));
    }

    #[test]
    fn of_an_empty_column_nothing_is_known() {
        check(&["", ""], None);
    }

    #[test]
    fn a_string_of_json_is_text_whatever_its_look() {
        let mut guess = Guess::default();
        guess.see(&Raw::String("5".into()));
        assert_eq!(guess.kind(), Some(ColumnType::Text));
    }
}
