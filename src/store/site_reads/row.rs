//! A row of any statement, as JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Number, Value};
use tokio_postgres::types::{FromSql, Type};

use super::Row;
use crate::store::StoreError;
use crate::store::sql::{self, Columns};

/// The columns by their names, and about how many bytes they have.
pub(in crate::store) fn named(row: &sql::Row<'_>) -> Result<(Row, usize), StoreError> {
    let mut named = Row::new();
    let mut bytes = 0;
    let mut put = |name: &str, value: Value| {
        bytes += name.len() + value.as_str().map_or(16, str::len);
        named.insert(name.to_owned(), value);
    };
    match row.columns() {
        Columns::Sqlite(row) => {
            for (at, name) in row.as_ref().column_names().enumerate() {
                put(name, of_sqlite(row.get_ref(at)?));
            }
        }
        Columns::Postgres(row) => {
            for (at, column) in row.columns().iter().enumerate() {
                put(column.name(), of_postgres(row, at, column)?);
            }
        }
    }
    Ok((named, bytes))
}

fn of_sqlite(value: rusqlite::types::ValueRef<'_>) -> Value {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => real(number),
        // Another program may have written what is no UTF-8.
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
        ValueRef::Blob(bytes) => BASE64.encode(bytes).into(),
    }
}

/// JSON knows no infinity.
fn real(number: f64) -> Value {
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// Whether a column of PostgreSQL's type has a form in a page.
pub(in crate::store) fn is_shown(kind: &Type) -> bool {
    [
        Type::INT8,
        Type::INT4,
        Type::INT2,
        Type::FLOAT8,
        Type::FLOAT4,
        Type::BOOL,
        Type::NUMERIC,
        Type::BYTEA,
        Type::TEXT,
        Type::VARCHAR,
        Type::BPCHAR,
        Type::NAME,
        Type::UNKNOWN,
    ]
    .contains(kind)
}

fn of_postgres(row: &tokio_postgres::Row, at: usize, column: &tokio_postgres::Column) -> Result<Value, StoreError> {
    Ok(match *column.type_() {
        Type::INT8 => row.try_get::<_, Option<i64>>(at)?.into(),
        Type::INT4 => row.try_get::<_, Option<i32>>(at)?.into(),
        Type::INT2 => row.try_get::<_, Option<i16>>(at)?.into(),
        Type::FLOAT8 => row.try_get::<_, Option<f64>>(at)?.map_or(Value::Null, real),
        Type::FLOAT4 => row.try_get::<_, Option<f32>>(at)?.map_or(Value::Null, |number| real(number.into())),
        // As SQLite, which has no type for it.
        Type::BOOL => row.try_get::<_, Option<bool>>(at)?.map(i64::from).into(),
        Type::NUMERIC => row.try_get::<_, Option<Numeric>>(at)?.map_or(Value::Null, |number| number.0),
        Type::BYTEA => row.try_get::<_, Option<&[u8]>>(at)?.map(|bytes| BASE64.encode(bytes)).into(),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => {
            row.try_get::<_, Option<String>>(at)?.into()
        }
        ref other => {
            let (column, kind) = (column.name().to_owned(), other.to_string());
            return Err(StoreError::UnknownType { column, kind });
        }
    })
}

/// What sums and averages of integers are: a number of any length, read as JSON has them.
///
/// Source: `numeric_send` of PostgreSQL: digits of base 10,000, the weight of the first, the
/// sign, the figures behind the point.
struct Numeric(Value);

impl<'a> FromSql<'a> for Numeric {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        let words: Vec<u16> = raw.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
        let [_, weight, sign, scale, digits @ ..] = &words[..] else { return Err("a number is cut short".into()) };
        let (weight, sign) = (i32::from(weight.cast_signed()), if *sign == 0x4000 { "-" } else { "" });
        if *sign_of(&words) >= 0xC000 {
            return Ok(Self(Value::Null));
        }
        let at = |place: i32| -> u16 {
            usize::try_from(weight - place).ok().and_then(|at| digits.get(at)).copied().unwrap_or(0)
        };
        let whole: String = (0..=weight.max(0)).rev().map(|place| format!("{:04}", at(place))).collect();
        let whole = whole.trim_start_matches('0');
        let whole = if whole.is_empty() { "0" } else { whole };
        if *scale == 0
            && let Ok(number) = format!("{sign}{whole}").parse::<i64>()
        {
            return Ok(Self(number.into()));
        }
        let behind = i32::from((*scale).div_ceil(4));
        let fraction: String = (1..=behind).map(|place| format!("{:04}", at(-place))).collect();
        Ok(Self(real(format!("{sign}{whole}.{fraction}0").parse()?)))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::NUMERIC
    }
}

/// The third word; NaN and the infinities have signs of their own.
fn sign_of(words: &[u16]) -> &u16 {
    words.get(2).unwrap_or(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(words: &[u16]) -> Value {
        let raw: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        Numeric::from_sql(&Type::NUMERIC, &raw).unwrap().0
    }

    #[test]
    fn a_number_of_any_length_is_read() {
        // As PostgreSQL sends 0, 12345678, -3.25, 0.0001 and NaN.
        assert_eq!(numeric(&[0, 0, 0, 0]), Value::from(0));
        assert_eq!(numeric(&[2, 1, 0, 0, 1234, 5678]), Value::from(12_345_678));
        assert_eq!(numeric(&[2, 0, 0x4000, 2, 3, 2500]), Value::from(-3.25));
        assert_eq!(numeric(&[1, 0xFFFF, 0, 4, 1]), Value::from(0.0001));
        assert_eq!(numeric(&[0, 0, 0xC000, 0]), Value::Null);
    }
}
