//! The site's own tables: described, loaded and read out, on both engines.

use jiff::Timestamp;
use littoral::data::export::export;
use littoral::data::import::{BadRows, Request, prepare};
use littoral::data::{Declaration, Format, Input, Step};
use littoral::site::table::{ColumnType, TableName};
use littoral::store::tables::{Column, IfThere, Put, Table};
use littoral::store::{Store, StoreError, Value};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use crate::shore::{Shore, member};
use crate::{Test, tests};

pub fn all() -> Vec<(&'static str, Test)> {
    tests![
        a_table_is_described_as_it_was_made,
        littorals_own_tables_are_none_of_the_sites,
        while_rows_are_staged_others_write,
        a_load_that_fails_leaves_the_table_as_it_was,
        a_reading_sees_one_instant,
        a_table_exported_and_imported_is_the_same_table,
    ]
}

fn name(text: &str) -> TableName {
    text.parse().unwrap()
}

fn ports() -> Table {
    let column = |name: &str, kind| Column { name: name.parse().unwrap(), kind };
    Table {
        name: name("ports"),
        columns: vec![
            column("name", ColumnType::Text),
            column("code", ColumnType::Integer),
            column("depth", ColumnType::Real),
            column("chart", ColumnType::Blob),
        ],
        key: "code".parse().unwrap(),
    }
}

fn port(code: i64) -> [Value<'static>; 4] {
    [Value::Text("Brest".into()), Value::Integer(code), Value::Real(0.5), Value::Null]
}

async fn load(store: &Store, codes: impl IntoIterator<Item = i64>, if_there: IfThere) -> Result<u64, StoreError> {
    let mut staging = store.stage(ports())?;
    staging.fill(|sink| codes.into_iter().try_for_each(|code| sink.put(&port(code)).map(drop)))?;
    store.load(staging, if_there, Timestamp::now()).await
}

/// Every row, as it is shown.
async fn rows(store: &Store, table: &Table) -> Vec<String> {
    store
        .each_row(table, Vec::new(), |rows, values| {
            rows.push(format!("{values:?}"));
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap()
}

pub async fn a_table_is_described_as_it_was_made(shore: Shore) {
    let store = shore.open();
    assert_eq!(store.table(&name("ports")).await.unwrap(), None);
    assert_eq!(store.tables().await.unwrap(), []);
    assert_eq!(load(&store, [2, 1], IfThere::Refuse).await.unwrap(), 2);
    assert_eq!(store.table(&name("ports")).await.unwrap(), Some(ports()));
    assert_eq!(store.tables().await.unwrap(), [ports()]);
    assert_eq!(store.count_rows(&name("ports")).await.unwrap(), 2);
    assert!(matches!(load(&store, [3], IfThere::Refuse).await, Err(StoreError::TableIsThere { .. })));
    // In the order of the key, whatever the order they came in.
    assert_eq!(rows(&store, &ports()).await, [format!("{:?}", port(1)), format!("{:?}", port(2))]);
}

pub async fn littorals_own_tables_are_none_of_the_sites(shore: Shore) {
    let store = shore.open();
    member(&store, "ann@example.org").await;
    assert_eq!(store.tables().await.unwrap(), []);
    for own in ["littoral_member", "littoral_session", "migration"] {
        assert!(own.parse::<TableName>().is_err(), "{own}");
    }
}

pub async fn while_rows_are_staged_others_write(shore: Shore) {
    let store = shore.open();
    let mut staging = store.stage(ports()).unwrap();
    let other = store.clone();
    let runtime = tokio::runtime::Handle::current();
    let staged = tokio::task::spawn_blocking(move || {
        staging.fill(|sink| {
            assert_eq!(sink.put(&port(1))?, Put::Kept);
            runtime.block_on(member(&other, "ann@example.org"));
            assert_eq!(sink.put(&port(1))?, Put::KeyIsTaken);
            Ok::<_, StoreError>(())
        })?;
        Ok::<_, StoreError>(staging)
    });
    let staging = staged.await.unwrap().unwrap();
    assert_eq!(store.load(staging, IfThere::Refuse, Timestamp::now()).await.unwrap(), 1);
}

pub async fn a_load_that_fails_leaves_the_table_as_it_was(shore: Shore) {
    let store = shore.open();
    load(&store, [1, 2], IfThere::Refuse).await.unwrap();
    let mut other = ports();
    other.columns.truncate(2);
    other.columns.push(Column { name: "tide".parse().unwrap(), kind: ColumnType::Text });
    let mut staging = store.stage(other).unwrap();
    let row = [Value::Text("Brest".into()), Value::Integer(2), Value::Text("low".into())];
    staging.fill(|sink| sink.put(&row).map(drop)).unwrap();
    assert!(store.load(staging, IfThere::Upsert, Timestamp::now()).await.is_err());
    assert_eq!(store.tables().await.unwrap(), [ports()]);
    assert_eq!(rows(&store, &ports()).await.len(), 2);
    // And the store is not left locked.
    load(&store, [3], IfThere::Upsert).await.unwrap();
    assert_eq!(store.count_rows(&name("ports")).await.unwrap(), 3);
}

pub async fn a_reading_sees_one_instant(shore: Shore) {
    let store = shore.open();
    load(&store, 0..5_000, IfThere::Refuse).await.unwrap();
    let shore = std::sync::Arc::new(shore);
    let writing = shore.clone();
    let seen = store
        .each_row(&ports(), 0, move |seen, _| {
            if *seen == 10 {
                writing.execute("INSERT INTO ports (code) VALUES (9999)");
            }
            *seen += 1;
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    assert_eq!(seen, 5_000);
    assert_eq!(store.count_rows(&name("ports")).await.unwrap(), 5_001);
}

/// Imports `text` into `table`, which must have no bad row.
async fn import(store: &Store, table: &str, text: &[u8], format: Format, schema: Declaration) {
    let input = Input::open("-".as_ref(), text).unwrap();
    let standing = store.table(&name(table)).await.unwrap();
    let request = Request {
        table: name(table),
        input: &input,
        format,
        from_table: None,
        if_there: IfThere::Replace,
        key: None,
        types: Vec::new(),
        schema: Some(schema),
        bad_rows: BadRows::Refused,
    };
    let heard = std::cell::Cell::new(None);
    let mut bad = Vec::new();
    let prepared = prepare(store, &request, standing.as_ref(), &|step| heard.set(Some(step)), &mut |row| {
        bad.push(row.to_string());
        Ok(())
    });
    let prepared = prepared.unwrap_or_else(|error| panic!("{error}: {bad:?}\n{}", String::from_utf8_lossy(text)));
    assert_eq!(heard.get(), Some(Step::Taking(text.len() as u64, text.len() as u64)));
    store.load(prepared.staging, IfThere::Replace, Timestamp::now()).await.unwrap();
}

async fn exported(store: &Store, table: &Table, format: Format) -> Vec<u8> {
    export(store, table, format, Vec::new(), "memory").await.unwrap().0
}

pub async fn a_table_exported_and_imported_is_the_same_table(shore: Shore) {
    let store = shore.open();
    let text = || prop::option::of("([ -~]|[\n\r\t\",]|\\PC|é|🌊){0,12}").boxed();
    let real = || prop::option::of(prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO);
    let blob = || prop::option::of(prop::collection::vec(any::<u8>(), 0..12));
    let row = || (text(), real(), blob(), prop::option::of(any::<i64>()), text());
    let tables = prop::collection::btree_map("([ -~]|[\n\r\",]|\\PC){0,8}", row(), 0..12);
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let column = |name: &str, kind| Column { name: name.parse().unwrap(), kind };
    let table = Table {
        name: name("t"),
        columns: vec![
            column("a", ColumnType::Text),
            column("b", ColumnType::Real),
            column("key", ColumnType::Text),
            column("c", ColumnType::Blob),
            column("d", ColumnType::Integer),
            column("e", ColumnType::Text),
        ],
        key: "key".parse().unwrap(),
    };
    let copy = Table { name: name("u"), ..table.clone() };
    for _ in 0..16 {
        let made = tables.new_tree(&mut runner).unwrap().current();
        let mut staging = store.stage(table.clone()).unwrap();
        staging
            .fill(|sink| {
                made.iter().try_for_each(|(key, (a, b, c, d, e))| {
                    let text =
                        |text: &Option<String>| text.clone().map_or(Value::Null, |text| Value::Text(text.into()));
                    let row = [
                        text(a),
                        b.map_or(Value::Null, Value::Real),
                        Value::Text(key.clone().into()),
                        c.clone().map_or(Value::Null, |bytes| Value::Blob(bytes.into())),
                        d.map_or(Value::Null, Value::Integer),
                        text(e),
                    ];
                    sink.put(&row).map(drop)
                })
            })
            .unwrap();
        store.load(staging, IfThere::Replace, Timestamp::now()).await.unwrap();
        let expected = rows(&store, &table).await;
        assert_eq!(expected.len(), made.len());
        for format in [Format::Csv, Format::Json, Format::NdJson] {
            let text = exported(&store, &table, format).await;
            import(&store, "u", &text, format, Declaration::of(&table, 0)).await;
            assert_eq!(store.table(&copy.name).await.unwrap(), Some(copy.clone()));
            assert_eq!(rows(&store, &copy).await, expected, "{format:?}\n{}", String::from_utf8_lossy(&text));
        }
    }
}
