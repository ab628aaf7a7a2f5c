//! Writing a file so that it survives a power cut.
//!
//! Temporary file in the target's folder, write, fsync, rename, fsync of the folder. An fsync error is never
//! retried on the same file (the kernel may have dropped the dirty pages): the caller gets the error and
//! writes the whole file anew under another temporary name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Replaces or creates `path` with `bytes`, mode `mode`; durable once it returns.
///
/// # Errors
/// Any error of the file system; `path` is then either untouched or wholly replaced, never torn.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let folder = folder_of(path);
    let temporary = temporary_name(path)?;
    let result = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    if result.is_err() {
        // The temporary file is of no further use; a leftover is removed by `sweep` at the next start.
        let _ = fs::remove_file(&temporary);
    }
    result?;
    sync_folder(folder)
}

/// Writes `bytes` once: the same bytes again succeed, other bytes are an error.
///
/// The same bytes are written anew under another temporary name: whether an earlier fsync of the file that is there
/// failed cannot be asked of it, and a second fsync of it would succeed either way.
///
/// # Errors
/// `AlreadyExists` when the file is there with other content; otherwise as [`write()`].
pub fn write_once(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::read(path) {
        Ok(there) if there == bytes => write(path, bytes, 0o440),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("{} exists with other content", path.display()),
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => write(path, bytes, 0o440),
        Err(error) => Err(error),
    }
}

/// Creates `folder` and its missing ancestors, each made durable in its parent.
///
/// # Errors
/// Any error of the file system.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() || folder.as_os_str().is_empty() {
        return Ok(());
    }
    if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_folder(parent)?;
    }
    match fs::create_dir(folder) {
        // Somebody else made it in between; a file in its place is an error.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        other => other?,
    }
    sync_folder(folder_of(folder))
}

/// Makes the names in `folder` durable.
///
/// # Errors
/// Any error of the file system.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Removes what writes that were cut short left in `folder` and below; only by the process that has the data folder.
///
/// # Errors
/// Any error of the file system.
pub fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            sweep(&entry.path())?;
        } else if kind.is_file() && is_temporary(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether `name` is one that [`write()`] gives: `.<name>.<16 hex>.tmp`.
fn is_temporary(name: &str) -> bool {
    name.strip_prefix('.')
        .and_then(|name| name.strip_suffix(".tmp"))
        .and_then(|name| name.rsplit_once('.'))
        .is_some_and(|(_, random)| random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn temporary_name(path: &Path) -> io::Result<PathBuf> {
    let mut random = [0_u8; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(folder_of(path).join(format!(".{name}.{}.tmp", hex::encode(random))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_again_succeed_and_other_bytes_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pack");
        write_once(&path, b"one").unwrap();
        write_once(&path, b"one").unwrap();
        assert_eq!(write_once(&path, b"two").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }

    #[test]
    fn a_failed_write_leaves_no_temporary_file_and_the_old_content() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("folder-in-the-way");
        fs::create_dir(&path).unwrap();
        write(&path, b"x", 0o600).unwrap_err();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_what_a_write_left_behind_is_swept_away() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("packs/00");
        create_folder(&below).unwrap();
        let keep =
            ["checkpoint", ".hidden", ".x.0123.tmp", "x.0123456789abcdef.tmp", ".x.0123456789abcdeg.tmp"];
        for name in keep.into_iter().chain([".a.pack.0123456789abcdef.tmp"]) {
            File::create(below.join(name)).unwrap();
        }
        sweep(dir.path()).unwrap();
        let mut left: Vec<_> = fs::read_dir(&below)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        left.sort();
        let mut keep = keep.map(str::to_owned).to_vec();
        keep.sort();
        assert_eq!(left, keep);
        sweep(&dir.path().join("missing")).unwrap_err();
    }

    #[test]
    fn folders_are_created_with_their_ancestors() {
        let dir = tempfile::tempdir().unwrap();
        create_folder(&dir.path().join("a/b/c")).unwrap();
        create_folder(&dir.path().join("a/b/c")).unwrap();
        assert!(dir.path().join("a/b/c").is_dir());
    }
}
