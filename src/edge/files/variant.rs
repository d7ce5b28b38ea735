//! Makes what is not kept yet: reads an object, encodes it, splices in the watcher's script.
//!
//! All of it runs off the async threads, once for any number of requests that want it.

use std::convert::Infallible;
use std::io::{self, Read, Write};
use std::sync::Arc;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{ACCEPT_RANGES, CACHE_CONTROL, ETAG};
use memchr::memmem;
use tokio::task;

use super::super::headers::NO_STORE;
use super::super::live::SCRIPT_TAG;
use super::super::live_release::{File, Kind};
use super::super::node::Edge;
use super::ObjectGone;
use super::kept::{self, KeptFile, Key};
use super::negotiate::Coding;
use crate::site::digest::Digest;
use crate::site::release::Shelf;

/// The longest body whose encoding a request waits for: a few milliseconds.
const LONGEST_WAITED_FOR: u64 = 256 * 1024;

/// Quality 5 of 11: nearly all of brotli's gain on text, at a hundredth of its time.
const BROTLI_QUALITY: i32 = 5;
/// Bits of brotli's window: as long as the longest body waited for. Below 17 the encoder
/// takes another way, measured 18 times slower on pages of 8 KB.
const BROTLI_WINDOW: i32 = 18;
/// Level 9 of 22.
const ZSTD_LEVEL: i32 = 9;
/// Level 6 of 9.
const GZIP_LEVEL: u32 = 6;

/// The kept body of `file` in `coding`; as it is when encoding it gains nothing, or would
/// take long and nobody has done it before.
pub(super) async fn find_or_make(
    edge: &Edge,
    file: &File,
    kind: &Kind,
    coding: Coding,
) -> Result<Arc<KeptFile>, ObjectGone> {
    let cache = edge.kept().cache();
    let (plain_key, key) = (Key::of(file, kind, Coding::Identity), Key::of(file, kind, coding));
    if coding == Coding::Identity {
        return cache.get_or_insert_async(&key, read(edge, file, kind)).await;
    }
    if file.length <= LONGEST_WAITED_FOR {
        let make = async {
            // What is read only to be encoded is not kept: nearly all clients accept the same.
            let plain = match cache.get(&plain_key) {
                Some(plain) => plain,
                None => read(edge, file, kind).await?,
            };
            Ok(encode(edge, file, kind, coding, plain).await)
        };
        return cache.get_or_insert_async(&key, make).await;
    }
    if let Some(kept) = cache.get(&key) {
        return Ok(kept);
    }
    let plain = cache.get_or_insert_async(&plain_key, read(edge, file, kind)).await?;
    let (edge, file, kind, plain_for_later) = (edge.clone(), file.clone(), kind.clone(), Arc::clone(&plain));
    tokio::spawn(async move {
        let make = async { Ok::<_, Infallible>(encode(&edge, &file, &kind, coding, plain_for_later).await) };
        edge.kept().cache().get_or_insert_async(&key, make).await
    });
    Ok(plain)
}

/// The bytes of `file` as they are.
async fn read(edge: &Edge, file: &File, kind: &Kind) -> Result<Arc<KeptFile>, ObjectGone> {
    let (shelf, file, kind) = (edge.shelf().clone(), file.clone(), kind.clone());
    // Into a page with fragments it is put behind them, where it does not move their places.
    let is_spliced = kind.is_html && edge.options().live.is_some() && !file.has_fragments();
    let _turn = edge.kept().turn().await;
    let made = task::spawn_blocking(move || {
        let bytes = read_object(&shelf, file.object, file.length)?;
        let mut headers = kept::headers_of(&file, &kind, Coding::Identity);
        if !is_spliced {
            return Ok(KeptFile { headers, bytes: bytes.into() });
        }
        make_nameless(&mut headers);
        Ok(KeptFile { headers, bytes: splice_script(&bytes).into() })
    });
    made.await.unwrap_or(Err(ObjectGone)).map(Arc::new)
}

/// `plain` in `coding`, or `plain` itself when that is no longer than the encoded bytes.
async fn encode(edge: &Edge, file: &File, kind: &Kind, coding: Coding, plain: Arc<KeptFile>) -> Arc<KeptFile> {
    let (file, kind, bytes) = (file.clone(), kind.clone(), plain.bytes.clone());
    let is_named = plain.headers.contains_key(ETAG);
    let _turn = edge.kept().turn().await;
    let made = task::spawn_blocking(move || {
        let encoded = compress(&bytes, coding).ok().filter(|encoded| encoded.len() < bytes.len())?;
        let mut headers = kept::headers_of(&file, &kind, coding);
        if !is_named {
            make_nameless(&mut headers);
        }
        Some(KeptFile { headers, bytes: encoded.into() })
    });
    made.await.ok().flatten().map_or(plain, Arc::new)
}

/// For bytes that are not those of the release: no tag names them, nothing may keep them.
fn make_nameless(headers: &mut HeaderMap) {
    headers.remove(ETAG);
    headers.remove(ACCEPT_RANGES);
    headers.insert(CACHE_CONTROL, NO_STORE);
}

/// The bytes of an object, checked against its name: what is damaged is never served.
fn read_object(shelf: &Shelf, object: Digest, length: u64) -> Result<Vec<u8>, ObjectGone> {
    let bytes = shelf.object(object).map_err(|_| ObjectGone)?;
    if bytes.len() as u64 == length && Digest::of(&bytes) == object { Ok(bytes) } else { Err(ObjectGone) }
}

/// `html` with the watcher's script before the end of its body.
pub(in super::super) fn splice_script(html: &[u8]) -> Vec<u8> {
    let at = memmem::rfind(html, b"</body>").unwrap_or(html.len());
    [&html[..at], SCRIPT_TAG.as_bytes(), &html[at..]].concat()
}

fn compress(bytes: &Bytes, coding: Coding) -> io::Result<Vec<u8>> {
    match coding {
        Coding::Identity => Ok(bytes.to_vec()),
        Coding::Zstd => zstd::bulk::compress(bytes, ZSTD_LEVEL),
        Coding::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(GZIP_LEVEL));
            encoder.write_all(bytes)?;
            encoder.finish()
        }
        Coding::Brotli => {
            let parameters = brotli::enc::BrotliEncoderParams {
                quality: BROTLI_QUALITY,
                lgwin: BROTLI_WINDOW,
                size_hint: bytes.len(),
                ..Default::default()
            };
            let mut encoded = Vec::new();
            brotli::CompressorReader::with_params(&bytes[..], 4096, &parameters).read_to_end(&mut encoded)?;
            Ok(encoded)
        }
    }
}
