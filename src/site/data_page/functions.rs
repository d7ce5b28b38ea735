//! The functions that a query of a site may call.
//!
//! All others are refused: some read files, some run a text as SQL, some sleep. Those below
//! only compute, and what they give grows with what they are given.

use crate::site::diagnostic;

/// In order of the alphabet.
const FUNCTIONS: [&str; 76] = [
    "abs",
    "acos",
    "asin",
    "atan",
    "atan2",
    "avg",
    "ceil",
    "ceiling",
    "char_length",
    "coalesce",
    "concat",
    "cos",
    "count",
    "cume_dist",
    "date",
    "date_part",
    "date_trunc",
    "datetime",
    "degrees",
    "dense_rank",
    "exp",
    "extract",
    "first_value",
    "floor",
    "greatest",
    "group_concat",
    "iif",
    "instr",
    "julianday",
    "lag",
    "last_value",
    "lead",
    "least",
    "length",
    "ln",
    "log",
    "log10",
    "lower",
    "ltrim",
    "max",
    "min",
    "mod",
    "nth_value",
    "ntile",
    "nullif",
    "octet_length",
    "percent_rank",
    "pi",
    "position",
    "pow",
    "power",
    "radians",
    "rank",
    "replace",
    "round",
    "row_number",
    "rtrim",
    "sign",
    "sin",
    "sqrt",
    "strftime",
    "string_agg",
    "strpos",
    "substr",
    "substring",
    "sum",
    "tan",
    "time",
    "to_char",
    "total",
    "trim",
    "trunc",
    "typeof",
    "unicode",
    "unixepoch",
    "upper",
];

/// Whether a query may call the function `name`, in small letters.
pub fn may_be_called(name: &str) -> bool {
    FUNCTIONS.contains(&name)
}

/// The function whose name is most like `name`.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    diagnostic::nearest(name, FUNCTIONS)
}
