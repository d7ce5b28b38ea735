//! Puts the built-in theme, the edge's templates and the starter site into the binary:
//! one table a folder, made from what lies there, so that a new file needs no second line.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a build script hears of its folders by the environment and answers by printing"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Folder, name of its table, and what in it belongs to this repository's own site alone.
const TABLES: &[(&str, &str, &[&str])] = &[
    ("layouts", "LAYOUTS", &["site/", "assets/site/"]),
    ("dynamic", "DYNAMIC", &["pages/", "places/", "fragments/contrast-"]),
    ("starter", "STARTER", &[]),
];

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    println!("cargo:rustc-env=LITTORAL_SOURCES={}", digest_of_sources(&root)?);
    let mut code = String::new();
    for (folder, table, own) in TABLES {
        println!("cargo:rerun-if-changed={folder}");
        let mut files = Vec::new();
        collect(&root.join(folder), "", &mut files)?;
        files.retain(|file| !own.iter().any(|own| file.starts_with(own)));
        files.sort();
        let _ = writeln!(code, "const {table}: &[(&str, &[u8])] = &[");
        for file in files {
            // Named from the package's folder, so that another clone with one target folder
            // does not read this one's files.
            let place = format!("/{folder}/{file}");
            let _ = writeln!(code, "    ({file:?}, include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {place:?}))),");
        }
        let _ = writeln!(code, "];");
    }
    fs::write(PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("theme.rs"), code)
}

/// A digest of everything that decides what a build makes of a site: what another version of
/// this program has cached is of no use. FNV-1a, 64 bits: no enemy makes our sources.
fn digest_of_sources(root: &Path) -> io::Result<String> {
    let mut digest = 0xcbf2_9ce4_8422_2325_u64;
    for folder in ["src/build", "src/site", "layouts", "dynamic"] {
        println!("cargo:rerun-if-changed={folder}");
        let mut files = Vec::new();
        collect(&root.join(folder), "", &mut files)?;
        files.sort();
        for file in files {
            for byte in file.bytes().chain(fs::read(root.join(folder).join(&file))?) {
                digest = (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
    }
    println!("cargo:rerun-if-changed=Cargo.lock");
    for byte in fs::read(root.join("Cargo.lock")).unwrap_or_default() {
        digest = (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    Ok(format!("{digest:016x}"))
}

fn collect(folder: &Path, below: &str, files: &mut Vec<String>) -> io::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
