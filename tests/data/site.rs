//! A site in a temporary folder, and the program run over it.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::postgres;

/// A site.
pub struct Site {
    pub folder: tempfile::TempDir,
    /// The address of its store, when that is a server.
    pub server: Option<String>,
}

/// What the program said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Site {
    pub fn on_sqlite() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), server: None }
    }

    /// None when there is no PostgreSQL here.
    pub fn on_postgres() -> Option<Self> {
        Some(Self { folder: tempfile::tempdir().unwrap(), server: Some(postgres::fresh()?) })
    }

    /// Writes a file of the site.
    pub fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// `littoral data` in the site's folder.
    pub fn command(&self, words: &str) -> Command {
        self.any_command(&format!("data {words}"))
    }

    fn any_command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_littoral"));
        command.args(words.split_whitespace()).current_dir(self.folder.path());
        match &self.server {
            Some(address) => command.env("LITTORAL_STORE", address),
            None => command.env_remove("LITTORAL_STORE"),
        };
        command.env_remove("LITTORAL_LOG");
        command
    }

    pub fn data(&self, words: &str) -> Said {
        self.data_given(words, b"")
    }

    /// Any command, in the site's folder.
    pub fn littoral(&self, words: &str) -> Said {
        said_by(self.any_command(words), b"")
    }

    /// With something on standard input.
    pub fn data_given(&self, words: &str, input: &[u8]) -> Said {
        said_by(self.command(words), input)
    }

    /// Imports and takes for granted that it can be done.
    pub fn import(&self, words: &str) -> Said {
        let said = self.data(&format!("import {words}"));
        assert_eq!(said.code, Some(0), "{words}\n{}", said.err);
        said
    }

    /// The table as CSV.
    pub fn csv(&self, table: &str) -> String {
        let said = self.data(&format!("export {table}"));
        assert_eq!(said.code, Some(0), "{}", said.err);
        said.out
    }

    /// Refused with `code` and each of `words`; the store has no table, or the one it had.
    pub fn refused(&self, command: &str, code: i32, words: &[&str]) {
        let said = self.data(command);
        assert_eq!(said.code, Some(code), "{command}\n{}\n{}", said.out, said.err);
        for word in words {
            assert!(said.err.contains(word), "`{word}` was not said\n{}", said.err);
        }
    }

    /// The first column of the first row, asked past the program.
    pub fn ask(&self, sql: &str) -> String {
        match &self.server {
            Some(address) => postgres::query(address, sql).unwrap(),
            None => {
                let connection = rusqlite::Connection::open(self.folder.path().join("var/littoral.db")).unwrap();
                connection
                    .query_row(sql, [], |row| row.get::<_, rusqlite::types::Value>(0))
                    .map(|value| match value {
                        rusqlite::types::Value::Integer(number) => number.to_string(),
                        rusqlite::types::Value::Text(text) => text,
                        other => panic!("{other:?}"),
                    })
                    .unwrap()
            }
        }
    }

    /// Changes something past the program.
    pub fn execute(&self, sql: &str) {
        match &self.server {
            Some(address) => postgres::execute(address, sql),
            None => {
                let connection = rusqlite::Connection::open(self.folder.path().join("var/littoral.db")).unwrap();
                connection.execute_batch(sql).unwrap();
            }
        }
    }
}

/// Runs it to its end.
fn said_by(mut command: Command, input: &[u8]) -> Said {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Whoever does not read it closes it.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let said = Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
    assert!(!said.err.contains("panicked"), "{}", said.err);
    said
}
