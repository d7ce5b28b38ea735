//! Watching: from the write of a text to its bytes served.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use crate::edit::Edit;
use crate::tool::{Run, Tool, peak_of};

/// A tool that has not served in this time never will.
const LONGEST: Duration = Duration::from_secs(600);
/// Between two edits, as a writer would rest.
const REST: Duration = Duration::from_secs(1);

/// A running tool that ends with its measurement.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Edits so many texts in one watching process.
pub fn watch(tool: &Tool, edits: usize) -> Vec<Run> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut running = Running(tool.watch(port).spawn().unwrap());
    until_served(&mut running.0, address, "/", "<h1");
    let runs = (0..edits).map(|number| {
        // None that a build before has edited.
        let edit = Edit::plan(tool.root(), 1_000 + number);
        until_served(&mut running.0, address, &edit.url, "<h1");
        thread::sleep(REST);
        let began = Instant::now();
        edit.apply();
        until_served(&mut running.0, address, &edit.url, &edit.marker);
        Run { wall: began.elapsed().as_secs_f64(), peak: peak_of(running.0.id()) }
    });
    runs.collect()
}

fn until_served(child: &mut Child, address: SocketAddr, url: &str, word: &str) {
    let began = Instant::now();
    while !get(address, url).is_ok_and(|answer| answer.starts_with("HTTP/1.1 200") && answer.contains(word)) {
        assert!(child.try_wait().unwrap().is_none(), "the tool has ended");
        assert!(began.elapsed() < LONGEST, "`{word}` was never served at {url}");
        thread::sleep(Duration::from_millis(1));
    }
}

fn get(address: SocketAddr, url: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    write!(stream, "GET {url} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
