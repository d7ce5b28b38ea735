//! Values on their way to PostgreSQL, which says for each parameter what type it takes.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::store::sql::Value;

impl Value<'_> {
    /// Whether a parameter of this type takes the value: one that was prepared before its table
    /// was replaced may not.
    pub(super) fn fits(&self, wanted: &Type) -> bool {
        match self {
            Self::Null => true,
            Self::Integer(_) => matches!(*wanted, Type::INT8 | Type::INT4 | Type::INT2 | Type::FLOAT8),
            Self::Real(_) => *wanted == Type::FLOAT8,
            Self::Text(_) => matches!(*wanted, Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME),
            Self::Blob(_) => *wanted == Type::BYTEA,
        }
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, wanted: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (self, wanted) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Integer(number), &Type::INT8) => number.to_sql(wanted, out),
            (Self::Integer(number), &Type::INT4) => i32::try_from(*number)?.to_sql(wanted, out),
            (Self::Integer(number), &Type::INT2) => i16::try_from(*number)?.to_sql(wanted, out),
            #[allow(clippy::cast_precision_loss, reason = "what a column of reals does with any integer")]
            (Self::Integer(number), &Type::FLOAT8) => (*number as f64).to_sql(wanted, out),
            (Self::Real(number), &Type::FLOAT8) => number.to_sql(wanted, out),
            (Self::Text(text), &Type::TEXT | &Type::VARCHAR | &Type::BPCHAR | &Type::NAME) => {
                text.as_ref().to_sql(wanted, out)
            }
            (Self::Blob(bytes), &Type::BYTEA) => bytes.as_ref().to_sql(wanted, out),
            (value, wanted) => Err(format!("{value:?} is not what a parameter of type {wanted} takes").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
