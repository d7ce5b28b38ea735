//! Many rows at once: coming in by `COPY`, going out as they are made.

use std::pin::pin;

use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;
use tokio_stream::StreamExt;

use super::{Connection, Postgres};
use crate::site::table::ColumnType;
use crate::store::StoreError;
use crate::store::sql::Value;

impl Postgres {
    /// Does `job` with a connection of its own, which is closed afterwards: what it has set
    /// or left open ends with it.
    pub(in crate::store) async fn apart<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.on_a_thread(|inner| job(&inner.connect()?)).await
    }
}

impl Connection {
    /// Runs a `COPY ... FROM STDIN BINARY` with the rows of a statement of SQLite.
    pub(in crate::store) fn copy_in(
        &self,
        statement: &str,
        kinds: &[ColumnType],
        mut rows: rusqlite::Rows<'_>,
    ) -> Result<u64, StoreError> {
        let kinds: Vec<Type> = kinds.iter().copied().map(kind).collect();
        self.handle.block_on(async {
            let sink = self.client.copy_in(statement).await?;
            let mut writer = pin!(BinaryCopyInWriter::new(sink, &kinds));
            while let Some(row) = rows.next()? {
                let values = (0..kinds.len()).map(|at| Ok(Value::try_from(row.get_ref(at)?)?));
                let values = values.collect::<Result<Vec<_>, StoreError>>()?;
                writer.as_mut().write_raw(values.iter()).await?;
            }
            Ok(writer.finish().await?)
        })
    }

    /// Gives each row of the answer to `take`. The server makes them as they are taken.
    pub(in crate::store) fn each_row<E: From<StoreError>>(
        &self,
        question: &str,
        kinds: &[ColumnType],
        mut take: impl FnMut(&[Value<'_>]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.handle.block_on(async {
            let none: [&Value<'_>; 0] = [];
            let mut rows = pin!(self.client.query_raw(question, none).await.map_err(StoreError::from)?);
            while let Some(row) = rows.next().await {
                let row = row.map_err(StoreError::from)?;
                let values = kinds.iter().enumerate().map(|(at, kind)| value(&row, at, *kind));
                take(&values.collect::<Result<Vec<_>, _>>()?)?;
            }
            Ok(())
        })
    }
}

fn kind(kind: ColumnType) -> Type {
    match kind {
        ColumnType::Integer => Type::INT8,
        ColumnType::Real => Type::FLOAT8,
        ColumnType::Text => Type::TEXT,
        ColumnType::Blob => Type::BYTEA,
    }
}

fn value(row: &tokio_postgres::Row, at: usize, kind: ColumnType) -> Result<Value<'_>, StoreError> {
    Ok(match kind {
        ColumnType::Integer => row.try_get::<_, Option<i64>>(at)?.map_or(Value::Null, Value::Integer),
        ColumnType::Real => row.try_get::<_, Option<f64>>(at)?.map_or(Value::Null, Value::Real),
        ColumnType::Text => row.try_get::<_, Option<&str>>(at)?.map_or(Value::Null, |text| Value::Text(text.into())),
        ColumnType::Blob => row.try_get::<_, Option<&[u8]>>(at)?.map_or(Value::Null, |blob| Value::Blob(blob.into())),
    })
}
