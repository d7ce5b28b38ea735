//! Files that came by forms: where they are, and how they get there.
//!
//! ```text
//! var/uploads/incoming/<random>           on its way
//! var/uploads/ab/<digest>-<id>            kept, named by its bytes and its number
//! ```
//!
//! Each kept file belongs to one answer and goes with it, so no two answers share one and
//! nobody has to count. Nothing is named by what a sender says. Files are for their owner
//! alone (0600, the folders 0700), and no static path leads here.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;

use crate::site::form::{HEAD, SentFile, is_text, media_of};
use crate::store::FormFile;

/// What is on its way for longer belongs to an edge that is no more.
const ABANDONED: Duration = Duration::from_secs(3600);
/// How much of a file's name is kept, in bytes.
const NAME: usize = 120;

/// The folder of a site's uploads.
#[derive(Clone, Debug)]
pub struct Uploads(PathBuf);

impl Uploads {
    /// Those of the site in `root`.
    pub fn of(root: &Path) -> Self {
        Self(root.join("var/uploads"))
    }

    /// Where a kept file is.
    pub fn path(&self, file: &FormFile) -> PathBuf {
        self.kept(&file.digest, file.id)
    }

    /// Removes the bytes of a file that no answer has any more. What is gone already is well.
    pub async fn remove(&self, file: &FormFile) -> io::Result<()> {
        match fs::remove_file(self.path(file)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn kept(&self, digest: &str, id: i64) -> PathBuf {
        self.0.join(digest.get(..2).unwrap_or("__")).join(format!("{digest}-{id}"))
    }

    fn incoming(&self) -> PathBuf {
        self.0.join("incoming")
    }

    /// Removes what was abandoned on its way.
    pub(super) async fn sweep(&self) {
        let Ok(mut files) = fs::read_dir(self.incoming()).await else { return };
        while let Ok(Some(file)) = files.next_entry().await {
            let age = file.metadata().await.and_then(|found| found.modified()).map(|time| time.elapsed());
            if matches!(age, Ok(Ok(age)) if age > ABANDONED) {
                let _ = fs::remove_file(file.path()).await;
            }
        }
    }
}

/// A file that has come, on the disk but not kept. It is removed when it is dropped.
#[derive(Debug)]
pub(super) struct Upload {
    place: Option<PathBuf>,
    /// Hexadecimal.
    pub(super) digest: String,
    /// What its sender calls it, cleaned.
    pub(super) name: String,
    /// How many bytes came, thrown away ones too.
    pub(super) length: u64,
    head: Vec<u8>,
    is_text: bool,
}

impl Upload {
    /// As it is checked.
    pub(super) fn sent(&self, accept: &[String]) -> SentFile {
        SentFile { name: self.name.clone(), length: self.length, media: media_of(&self.head, self.is_text, accept) }
    }

    /// Puts it where kept files are, under the number `id`.
    pub(super) async fn keep(&mut self, uploads: &Uploads, id: i64) -> io::Result<()> {
        let to = uploads.kept(&self.digest, id);
        let folder = to.parent().ok_or(io::ErrorKind::NotFound)?;
        make_private(folder).await?;
        let from = self.place.take().ok_or(io::ErrorKind::NotFound)?;
        fs::rename(from, &to).await?;
        // The name, too, must outlive a power cut: the store is about to say it.
        #[cfg(unix)]
        File::open(folder).await?.sync_all().await?;
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            // One call of the system for a file that is in its cache.
            let _ = std::fs::remove_file(place);
        }
    }
}

/// A file that is coming.
pub(super) struct Arriving<'u> {
    uploads: &'u Uploads,
    most: u64,
    file: Option<File>,
    digest: blake3::Hasher,
    /// The end of the last piece, when it may be the beginning of a character.
    open: Vec<u8>,
    upload: Upload,
}

impl<'u> Arriving<'u> {
    /// At most `most` bytes of it are written.
    pub(super) fn new(uploads: &'u Uploads, name: &str, most: u64) -> Self {
        let upload = Upload {
            place: None,
            digest: String::new(),
            name: cleaned(name),
            length: 0,
            head: Vec::new(),
            is_text: true,
        };
        Self { uploads, most, file: None, digest: blake3::Hasher::new(), open: Vec::new(), upload }
    }

    pub(super) async fn take(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.upload.length += chunk.len() as u64;
        if self.upload.length > self.most {
            // Too long: nothing of it will be kept.
            self.file = None;
            if let Some(place) = self.upload.place.take() {
                fs::remove_file(place).await?;
            }
            return Ok(());
        }
        let room = HEAD.saturating_sub(self.upload.head.len()).min(chunk.len());
        self.upload.head.extend_from_slice(&chunk[..room]);
        self.upload.is_text = self.upload.is_text && is_text(chunk) && self.goes_on_as_utf8(chunk);
        self.digest.update(chunk);
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let (file, place) = create(&self.uploads.incoming()).await?;
                self.upload.place = Some(place);
                self.file.insert(file)
            }
        };
        file.write_all(chunk).await
    }

    fn goes_on_as_utf8(&mut self, chunk: &[u8]) -> bool {
        self.open.extend_from_slice(chunk);
        match std::str::from_utf8(&self.open) {
            Ok(_) => self.open.clear(),
            Err(error) if error.error_len().is_none() => drop(self.open.drain(..error.valid_up_to())),
            Err(_) => return false,
        }
        true
    }

    /// The whole file; none when the field was left empty.
    pub(super) async fn done(mut self) -> io::Result<Option<Upload>> {
        if self.upload.length == 0 && self.upload.name.is_empty() {
            return Ok(None);
        }
        if let Some(file) = self.file.take() {
            // Before anything is acknowledged that names it.
            file.sync_all().await?;
        }
        self.upload.is_text &= self.open.is_empty();
        self.upload.digest = self.digest.finalize().to_hex().to_string();
        Ok(Some(self.upload))
    }
}

async fn create(folder: &Path) -> io::Result<(File, PathBuf)> {
    make_private(folder).await?;
    let mut name = [0; 16];
    getrandom::fill(&mut name).map_err(io::Error::other)?;
    let place = folder.join(format!("{:032x}", u128::from_le_bytes(name)));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    Ok((options.open(&place).await?, place))
}

async fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(folder).await
}

/// The last part of a name, without what no name holds.
fn cleaned(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String =
        last.chars().filter(|one| !one.is_control() && !matches!(one, '"' | '\u{202a}'..='\u{202e}')).collect();
    kept[..kept.floor_char_boundary(NAME)].trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::cleaned;

    #[test]
    fn a_name_is_its_last_part_without_tricks() {
        assert_eq!(cleaned("../../etc/passwd"), "passwd");
        assert_eq!(cleaned("C:\\fake\\été.png"), "été.png");
        assert_eq!(cleaned("a\r\nb\"\u{202e}gnp.exe"), "abgnp.exe");
        assert_eq!(cleaned(&"é".repeat(100)).len(), 120);
    }
}
