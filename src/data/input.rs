//! Files that are read twice, and what they are.
//!
//! A compressed one is unpacked as it is read, each time: its rows take no room but in the
//! store.
//!
//! What cannot be read twice (standard input, a pipe) is written first into a temporary file
//! without a name, which is gone when the program ends, however it does.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::DataError;
use crate::site::packing::Packing;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180.
    Csv,
    /// One array of objects.
    Json,
    /// An object a line.
    NdJson,
    /// A database of SQLite.
    Sqlite,
}

impl Format {
    /// What the end of a file's name says, before that of a compressed one.
    pub fn of_path(path: &Path) -> Option<Self> {
        let (_, name) = Packing::of_name(path.to_str()?);
        match Path::new(name).extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "ndjson" | "jsonl" => Some(Self::NdJson),
            "db" | "sqlite" | "sqlite3" => Some(Self::Sqlite),
            _ => None,
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "csv" => Ok(Self::Csv),
            "json" => Ok(Self::Json),
            "ndjson" => Ok(Self::NdJson),
            "sqlite" => Ok(Self::Sqlite),
            _ => Err(format!("`{text}` is no format: csv, json, ndjson or sqlite")),
        }
    }
}

/// How far a reading is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The first reading: what the columns are. Done, and of how much.
    Looking(u64, u64),
    /// The second: the rows themselves.
    Taking(u64, u64),
}

/// A file to import.
#[derive(Debug)]
pub struct Input {
    /// How it is called in what is said of it.
    pub(super) name: String,
    /// Where it is, when it is a file with a name: SQLite opens it itself.
    pub(super) path: Option<PathBuf>,
    file: File,
    /// How it is packed.
    packing: Packing,
    /// Bytes, as it is packed.
    pub(super) length: u64,
}

/// Bytes that are read at once.
const BUFFER: usize = 256 * 1024;

impl Input {
    /// The file at `path`; `-` is `standard_input`.
    pub fn open(path: &Path, standard_input: impl Read) -> Result<Self, DataError> {
        if path == Path::new("-") {
            let name = "standard input".to_owned();
            return spooled(&name, standard_input).map_err(|cause| unreadable(&name, cause));
        }
        let name = path.display().to_string();
        let open = || {
            let file = File::open(path)?;
            let about = file.metadata()?;
            if about.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            if !about.is_file() {
                return spooled(&name, file);
            }
            let packing = Packing::of_name(&name).0;
            Ok(Self { name: name.clone(), path: Some(path.to_owned()), file, packing, length: about.len() })
        };
        open().map_err(|cause| unreadable(&name, cause))
    }

    /// The bytes from the beginning, unpacked. `tell` hears how many of the file have been read.
    pub(super) fn bytes<'i>(&'i self, tell: &'i dyn Fn(u64)) -> Result<impl io::BufRead + use<'i>, DataError> {
        let unpacked = (&self.file)
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.packing.unpacked(Counted { file: &self.file, read: 0, tell }));
        Ok(BufReader::with_capacity(BUFFER, unpacked.map_err(|cause| self.failed(cause))?))
    }

    /// Whether it must be unpacked to be read.
    pub(super) fn is_packed(&self) -> bool {
        self.packing != Packing::Plain
    }

    pub(super) fn failed(&self, cause: io::Error) -> DataError {
        unreadable(&self.name, cause)
    }

    /// The file is not what it is taken for.
    pub(super) fn refused(&self, line: u64, why: impl Into<String>) -> DataError {
        DataError::NotReadable { file: self.name.clone(), line, why: why.into() }
    }
}

fn unreadable(name: &str, cause: io::Error) -> DataError {
    DataError::File { doing: "read", file: name.to_owned(), cause }
}

fn spooled(name: &str, mut from: impl Read) -> io::Result<Input> {
    let mut file = tempfile::tempfile()?;
    let length = io::copy(&mut from, &mut file)?;
    let packing = match Packing::of_name(name) {
        (Packing::Plain, _) => {
            let mut first = Vec::new();
            file.seek(SeekFrom::Start(0))?;
            (&file).take(4).read_to_end(&mut first)?;
            Packing::of_bytes(&first)
        }
        (packing, _) => packing,
    };
    Ok(Input { name: name.to_owned(), path: None, file, packing, length })
}

struct Counted<'i> {
    file: &'i File,
    read: u64,
    tell: &'i dyn Fn(u64),
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read += count as u64;
        (self.tell)(self.read);
        Ok(count)
    }
}
