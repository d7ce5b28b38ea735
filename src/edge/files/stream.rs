//! Long bodies, read from the disk as the client takes them.

use std::io::{self, SeekFrom};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use hyper::body::{Frame, SizeHint};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::mpsc;

use super::range::Piece;

/// Bytes read at once.
const CHUNK: usize = 128 * 1024;
/// Chunks that wait for the client: one is sent while the next is read.
const AHEAD: usize = 1;

/// Opens the object at `path`, which must have `length` bytes.
pub(super) async fn open(path: &Path, length: u64) -> io::Result<File> {
    let file = File::open(path).await?;
    if file.metadata().await?.len() == length { Ok(file) } else { Err(io::ErrorKind::InvalidData.into()) }
}

/// Sends `pieces` of `file`.
pub(super) fn send(file: File, pieces: Vec<Piece>) -> Sending {
    let left = pieces.iter().map(Piece::length).sum();
    let (sender, receiver) = mpsc::channel(AHEAD);
    // Ends when the client is gone: nobody receives then.
    tokio::spawn(read(file, pieces, sender));
    Sending { receiver, left }
}

async fn read(mut file: File, pieces: Vec<Piece>, sender: mpsc::Sender<io::Result<Bytes>>) {
    for piece in pieces {
        let sent = match piece {
            Piece::Between(bytes) => sender.send(Ok(bytes)).await.map_err(|_| io::ErrorKind::BrokenPipe.into()),
            Piece::File(part) => read_part(&mut file, part, &sender).await,
        };
        if let Err(error) = sent {
            // Closed when the client is gone; otherwise it sees a body that ends too early.
            let _ = sender.send(Err(error)).await;
            return;
        }
    }
}

async fn read_part(
    file: &mut File,
    part: std::ops::Range<u64>,
    sender: &mpsc::Sender<io::Result<Bytes>>,
) -> io::Result<()> {
    file.seek(SeekFrom::Start(part.start)).await?;
    let mut left = part.end - part.start;
    while left > 0 {
        let chunk = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
        let mut buffer = BytesMut::with_capacity(chunk);
        let read = (&mut *file).take(chunk as u64).read_buf(&mut buffer).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left -= read as u64;
        sender.send(Ok(buffer.freeze())).await.map_err(|_| io::ErrorKind::BrokenPipe)?;
    }
    Ok(())
}

/// A body on its way.
#[derive(Debug)]
pub(super) struct Sending {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    left: u64,
}

impl hyper::body::Body for Sending {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        this.receiver.poll_recv(cx).map(|received| {
            let bytes = received?;
            Some(bytes.map(|bytes| {
                this.left = this.left.saturating_sub(bytes.len() as u64);
                Frame::data(bytes)
            }))
        })
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
