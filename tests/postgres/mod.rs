//! A PostgreSQL of the tests' own: in a temporary folder, reached by a socket in it, ended
//! when the tests end, however they do. Each test has a schema to itself.

#![allow(clippy::disallowed_methods, reason = "a test asks where PostgreSQL is")]

use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How to get it.
pub const ABSENT: &str =
    "PostgreSQL is not here (no `initdb` in PATH or /usr/lib/postgresql): on Debian, `apt-get install postgresql`";

/// The address of an empty schema; none when there is no PostgreSQL on this machine.
pub fn fresh() -> Option<String> {
    static SCHEMAS: AtomicUsize = AtomicUsize::new(0);
    let socket = server()?;
    let schema = format!("test_{}", SCHEMAS.fetch_add(1, Ordering::Relaxed));
    let host = socket.to_str().unwrap().replace('/', "%2F");
    let address = format!("postgres://littoral@{host}/postgres");
    execute(&address, &format!("CREATE SCHEMA {schema}"));
    // Its own name, too, so that a test can tell its connections from those of others.
    Some(format!("{address}?options=-c%20search_path%3D{schema}&application_name={schema}"))
}

/// Whether there is one on this machine.
pub fn is_here() -> bool {
    programs().is_some()
}

/// Runs statements there.
pub fn execute(address: &str, statements: &str) {
    query(address, statements);
}

/// The first column of the first row, as text.
pub fn query(address: &str, statements: &str) -> Option<String> {
    let (address, statements) = (address.to_owned(), statements.to_owned());
    // Whoever asks may stand on a thread that must not block.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&address, tokio_postgres::NoTls).await.unwrap();
            let driving = tokio::spawn(connection);
            let answer = client.simple_query(&statements).await.unwrap();
            drop(client);
            driving.await.unwrap().unwrap();
            answer.into_iter().find_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            })
        })
    })
    .join()
    .unwrap()
}

/// The folder of the socket.
fn server() -> Option<&'static Path> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(Server::start).as_ref().map(|server| server.folder.as_path())
}

struct Server {
    folder: PathBuf,
    /// As long as our end of its input is open the server runs; the system closes it with
    /// the tests.
    _guard: Child,
}

impl Server {
    fn start() -> Option<Self> {
        let programs = programs()?;
        let folder = tempfile::tempdir().unwrap().keep();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        let owner = owner();
        if let Some((user, group)) = owner {
            chown(&folder, Some(user), Some(group)).unwrap();
        }
        let as_owner = |program: &Path| {
            let mut command = Command::new(program);
            if let Some((user, group)) = owner {
                command.uid(user).gid(group);
            }
            command.current_dir(&folder);
            command
        };
        let made = as_owner(&programs.join("initdb"))
            .args(["-D", "data", "-U", "littoral", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        // Waits for the end of its input, which is the end of the tests.
        let guard = r#""$1" -D data -k "$2" -c listen_addresses= -c fsync=off -c max_connections=200 >log 2>&1 &
            server=$!; read -r _; kill -INT $server; wait $server; cd /; rm -rf "$2""#;
        #[allow(clippy::zombie_processes, reason = "it ends with the tests, when nobody is left to wait")]
        let child = as_owner(Path::new("/bin/sh"))
            .args(["-c", guard, "guard"])
            .arg(programs.join("postgres"))
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..400 {
            let ready = Command::new(programs.join("pg_isready")).arg("-h").arg(&folder).arg("-q").status();
            if ready.is_ok_and(|ready| ready.success()) {
                return Some(Self { folder, _guard: child });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{}", std::fs::read_to_string(folder.join("log")).unwrap_or_default());
    }
}

/// Where `initdb` and `postgres` are.
fn programs() -> Option<PathBuf> {
    let in_path = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    versions.sort();
    in_path
        .into_iter()
        .flatten()
        .chain(versions.into_iter().rev())
        .find(|folder| ["initdb", "postgres", "pg_isready"].iter().all(|program| folder.join(program).exists()))
}

/// PostgreSQL refuses to run as root: then its own user does.
fn owner() -> Option<(u32, u32)> {
    let id = Command::new("id").arg("-u").output().ok()?;
    if id.stdout.trim_ascii() != b"0" {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = ["postgres:", "nobody:"].iter().find_map(|name| users.lines().find(|line| line.starts_with(name)))?;
    let mut fields = user.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// Says on the terminal, past what the test runner keeps to itself, that something could
/// not be tested.
pub fn say_absent(what: &str) {
    static SAID: OnceLock<()> = OnceLock::new();
    SAID.get_or_init(|| {
        let _ = writeln!(std::io::stderr(), "\n{what} was not tested: {ABSENT}\n");
    });
}
