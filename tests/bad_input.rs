//! What a folder of files cannot show: no permission, a full disk, names that are no text.
//!
//! Some need what not every machine gives (another user, a mounted file system); there the
//! test says why it did not run.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test may stop at the first surprise, and says what it saw"
)]
#![cfg_attr(not(unix), allow(unused, reason = "all of these are about Unix"))]

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, ExitCode, Output};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

type Outcome = Result<Completion, Failed>;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    #[cfg(unix)]
    for (name, run) in [
        ("what_may_not_be_read_is_told_with_its_path", unix::unreadable as fn() -> Outcome),
        ("a_folder_that_may_not_be_written_stops_the_build", unix::unwritable),
        ("a_full_disk_leaves_the_release_before_as_it_was", unix::full_disk),
        ("a_file_name_that_is_not_utf8_is_told", unix::name_not_utf8),
        ("a_file_in_the_place_of_public_is_told", unix::public_is_a_file),
        ("a_folder_of_the_authors_where_a_page_must_be_is_told", unix::folder_for_a_file),
    ] {
        trials.push(Trial::ignorable_test(name, run));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn put(root: &Path, path: &str, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap_or(root))?;
    fs::write(path, bytes)
}

/// A site of one page, which needs some hundreds of KB: the templates of the edge are most of it.
fn write_site(root: &Path) -> io::Result<()> {
    put(root, "littoral.yaml", "search: false\nfeed: { limit: 0 }\n")?;
    for layout in ["page", "home", "404", "shell"] {
        put(root, &format!("layouts/{layout}.hbs"), "{{content}}")?;
    }
    put(root, "content/a.md", "Before.\n")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// It ended with 1 and said each of `words`; nobody was shown a panic.
fn refused(output: &Output, words: &[&str]) -> Result<(), Failed> {
    let said = stderr(output);
    if output.status.code() != Some(1) {
        return Err(format!("the exit status is {}, expected 1\n{said}", output.status).into());
    }
    match words.iter().find(|word| !said.contains(**word)) {
        Some(word) => Err(format!("`{word}` was not said:\n{said}").into()),
        None if said.contains("panicked") => Err(said.into()),
        None => Ok(()),
    }
}

#[cfg(unix)]
mod unix {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn build(root: &Path) -> io::Result<Output> {
        Command::new(env!("CARGO_BIN_EXE_littoral")).args(["build", "--root"]).arg(root).output()
    }

    /// Builds as a user whom permissions bind; none if this is root and cannot be another.
    fn build_without_rights(root: &Path) -> io::Result<Option<Output>> {
        let probe = root.join("probe");
        fs::write(&probe, "")?;
        chmod(&probe, 0o000)?;
        let is_bound = fs::read(&probe).is_err();
        fs::remove_file(&probe)?;
        if is_bound {
            return build(root).map(Some);
        }
        let program = env!("CARGO_BIN_EXE_littoral");
        let as_nobody = |arguments: &[&std::ffi::OsStr]| {
            let rights = ["--reuid=65534", "--regid=65534", "--clear-groups", program];
            Command::new("setpriv").args(rights).args(arguments).output()
        };
        if !as_nobody(&["--version".as_ref()]).is_ok_and(|output| output.status.success()) {
            return Ok(None);
        }
        as_nobody(&["build".as_ref(), "--root".as_ref(), root.as_os_str()]).map(Some)
    }

    const ROOT: &str = "permissions do not bind root, and `setpriv` cannot make this process another user";

    fn chmod(path: &Path, mode: u32) -> io::Result<()> {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
    }

    pub fn unreadable() -> Outcome {
        let site = tempfile::tempdir()?;
        chmod(site.path(), 0o777)?;
        write_site(site.path())?;
        put(site.path(), "content/secret.md", "")?;
        put(site.path(), "content/closed/a.md", "")?;
        put(site.path(), "static/secret.txt", "")?;
        put(site.path(), "layouts/secret.hbs", "")?;
        for path in ["content/secret.md", "content/closed", "static/secret.txt", "layouts/secret.hbs"] {
            chmod(&site.path().join(path), 0o000)?;
        }
        let output = build_without_rights(site.path());
        chmod(&site.path().join("content/closed"), 0o755)?;
        let Some(output) = output? else { return Ok(Completion::ignored_with(ROOT)) };
        let paths = ["content/secret.md", "content/closed", "static/secret.txt", "layouts/secret.hbs"];
        refused(&output, &[&["error[unreadable]", "Permission denied"], &paths[..]].concat())?;
        Ok(Completion::Completed)
    }

    pub fn unwritable() -> Outcome {
        let site = tempfile::tempdir()?;
        write_site(site.path())?;
        chmod(site.path(), 0o555)?;
        let output = match fs::write(site.path().join("probe"), "") {
            Err(_) => build(site.path()).map(Some),
            Ok(()) => build_without_rights(site.path()),
        };
        chmod(site.path(), 0o755)?;
        let Some(output) = output? else { return Ok(Completion::ignored_with(ROOT)) };
        refused(&output, &["error: ", "cannot write the release", ".littoral", "Permission denied"])?;
        Ok(Completion::Completed)
    }

    /// A small file system that is taken away at the end.
    struct SmallDisk(tempfile::TempDir);

    impl SmallDisk {
        fn mount() -> io::Result<Option<Self>> {
            let folder = tempfile::tempdir()?;
            let mounted = Command::new("mount")
                .args(["-t", "tmpfs", "-o", "size=4m", "littoral-test"])
                .arg(folder.path())
                .output()
                .is_ok_and(|output| output.status.success());
            Ok(mounted.then_some(Self(folder)))
        }
    }

    impl Drop for SmallDisk {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg(self.0.path()).status();
        }
    }

    pub fn full_disk() -> Outcome {
        let disk = if cfg!(target_os = "linux") { SmallDisk::mount()? } else { None };
        let Some(disk) = disk else {
            return Ok(Completion::ignored_with("needs a small disk: `mount -t tmpfs` is for root on Linux"));
        };
        let root = disk.0.path();
        write_site(root)?;
        let first = build(root)?;
        if !first.status.success() {
            return Err(stderr(&first).into());
        }
        let current = fs::read(root.join(".littoral/current"))?;
        let page = fs::read(root.join("public/a/index.html"))?;
        put(root, "content/a.md", "After.\n")?;
        // Half of the disk: there is no room for its copy on the shelf.
        put(root, "static/large.bin", vec![7; 2400 * 1024])?;
        refused(&build(root)?, &["error: the release before is untouched", "No space left"])?;
        let is_untouched = fs::read(root.join(".littoral/current"))? == current
            && fs::read(root.join("public/a/index.html"))? == page
            && !root.join("public/large.bin").exists();
        if !is_untouched {
            return Err("the release before was touched".into());
        }
        fs::remove_file(root.join("static/large.bin"))?;
        let after = build(root)?;
        let page = fs::read_to_string(root.join("public/a/index.html"))?;
        if !after.status.success() || !page.contains("After.") {
            return Err(format!("with room again it does not build:\n{}", stderr(&after)).into());
        }
        Ok(Completion::Completed)
    }

    pub fn name_not_utf8() -> Outcome {
        let site = tempfile::tempdir()?;
        write_site(site.path())?;
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9.md");
        if fs::write(site.path().join("content").join(name), "").is_err() {
            return Ok(Completion::ignored_with("this file system has only UTF-8 names"));
        }
        refused(&build(site.path())?, &["error[not-utf8]", "the name of the file is not UTF-8", "rename the file"])?;
        Ok(Completion::Completed)
    }

    pub fn public_is_a_file() -> Outcome {
        let site = tempfile::tempdir()?;
        write_site(site.path())?;
        put(site.path(), "public", "mine")?;
        refused(&build(site.path())?, &["error: ", "public"])?;
        Ok(Completion::Completed)
    }

    pub fn folder_for_a_file() -> Outcome {
        let site = tempfile::tempdir()?;
        write_site(site.path())?;
        put(site.path(), "public/robots.txt/mine", "")?;
        refused(
            &build(site.path())?,
            &["error: ", "public/robots.txt", "a folder stands where a file is to be written"],
        )?;
        Ok(Completion::Completed)
    }
}
