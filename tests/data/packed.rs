//! Files that are compressed.

use std::io::Write;

use crate::site::Site;
use crate::{Test, tests};

pub fn all() -> Vec<(&'static str, Test)> {
    tests![
        a_compressed_file_is_imported_as_if_it_were_not,
        what_comes_by_standard_input_is_known_by_its_first_bytes,
        a_compressed_stream_that_breaks_off_is_refused_and_named,
        what_only_says_that_it_is_compressed_is_refused_and_named,
        a_wrong_row_of_a_compressed_file_has_its_line,
        a_file_that_unpacks_to_a_thousand_times_its_size_is_imported_in_little_memory,
        a_compressed_database_is_to_be_unpacked_first,
    ]
}

const TIDES: &str = "id,port,height\n1,Brest,6.9\n2,Quimper,3.1\n";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn a_compressed_file_is_imported_as_if_it_were_not(site: &Site) {
    site.put("tides.csv.gz", gzip(TIDES.as_bytes()));
    site.put("tides.csv.zst", zstd(TIDES.as_bytes()));
    site.put(
        "tides.ndjson.zst",
        zstd(b"{\"id\":1,\"port\":\"Brest\",\"height\":6.9}\n{\"id\":2,\"port\":\"Quimper\",\"height\":3.1}\n"),
    );
    for (table, file) in [("one", "tides.csv.gz"), ("two", "tides.csv.zst"), ("three", "tides.ndjson.zst")] {
        site.import(&format!("{table} {file}"));
        assert_eq!(site.csv(table), TIDES, "{file}");
    }
}

fn what_comes_by_standard_input_is_known_by_its_first_bytes(site: &Site) {
    for (table, bytes) in [("one", gzip(TIDES.as_bytes())), ("two", zstd(TIDES.as_bytes()))] {
        let said = site.data_given(&format!("import {table} - --format csv"), &bytes);
        assert_eq!(said.code, Some(0), "{}", said.err);
        assert_eq!(site.csv(table), TIDES);
    }
}

fn a_compressed_stream_that_breaks_off_is_refused_and_named(site: &Site) {
    let rows: String = (0..20_000).map(|id| format!("{id},{}\n", id * 7919 % 20_011)).collect();
    let text = format!("id,n\n{rows}");
    for (file, packed, name) in
        [("a.csv.gz", gzip(text.as_bytes()), "gzip"), ("a.csv.zst", zstd(text.as_bytes()), "Zstandard")]
    {
        site.put(file, &packed[..packed.len() / 2]);
        let broken = format!("the {name} stream is broken: it is cut off before its end");
        site.refused(&format!("import t {file}"), 1, &["cannot read", file, &broken]);
        site.refused(&format!("import t {file} --skip-bad"), 1, &[&broken]);
    }
    site.refused("export t", 1, &["no table `t`"]);
}

fn what_only_says_that_it_is_compressed_is_refused_and_named(site: &Site) {
    site.put("a.csv.gz", TIDES);
    site.refused("import t a.csv.gz", 1, &["a.csv.gz", "the gzip stream is broken"]);
    site.put("a.csv.zst", TIDES);
    site.refused("import t a.csv.zst", 1, &["a.csv.zst", "the Zstandard stream is broken"]);
    // Another compression than its name says is none that can be read.
    site.put("b.csv.zst", gzip(TIDES.as_bytes()));
    site.refused("import t b.csv.zst", 1, &["the Zstandard stream is broken"]);
}

fn a_wrong_row_of_a_compressed_file_has_its_line(site: &Site) {
    site.put("a.csv.zst", zstd(b"id,n\n1,2\n2,many\n"));
    site.refused("import t a.csv.zst --type n=integer", 1, &["a.csv.zst:3: column 2 (`n`): found `many`"]);
}

fn a_file_that_unpacks_to_a_thousand_times_its_size_is_imported_in_little_memory(site: &Site) {
    // Half a gigabyte of one cell: what is kept of it is bounded by the cell, not by the stream.
    let packed = {
        let mut packed = zstd::Encoder::new(Vec::new(), 1).unwrap();
        packed.write_all(b"id,text\n1,").unwrap();
        let piece = vec![b'x'; 1 << 20];
        (0..512).for_each(|_| packed.write_all(&piece).unwrap());
        packed.write_all(b"\n2,small\n").unwrap();
        packed.finish().unwrap()
    };
    assert!(packed.len() < 1 << 20, "{}", packed.len());
    site.put("a.csv.zst", packed);
    site.refused("import t a.csv.zst", 1, &["the cell is longer than 16 MiB"]);
    let said = site.data("import t a.csv.zst --skip-bad");
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(site.csv("t"), "id,text\n2,small\n");
}

fn a_compressed_database_is_to_be_unpacked_first(site: &Site) {
    site.put("a.db.gz", gzip(b"SQLite format 3\0"));
    site.refused("import t a.db.gz", 1, &["a database cannot be read compressed: unpack it first"]);
}
