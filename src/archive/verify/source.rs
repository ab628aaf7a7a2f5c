//! The files that are verified: a folder on disk, or a bag that is still in memory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::finding::Report;
use crate::archive::bagit::Digests;

/// Files that are read whole are not longer than this (bytes): manifests, fields, proofs, tiles.
const LONGEST: u64 = 256 << 20;

/// Where the files are.
#[derive(Debug)]
pub(super) enum Source<'a> {
    Folder(PathBuf),
    Memory(&'a BTreeMap<String, Vec<u8>>),
    /// Those in memory whose path begins so.
    Below(&'a BTreeMap<String, Vec<u8>>, String),
}

impl<'a> Source<'a> {
    /// The files of a folder among them.
    pub(super) fn below(&self, place: &str) -> Source<'a> {
        match self {
            Self::Folder(root) => Self::Folder(root.join(place)),
            Self::Memory(files) => Self::Below(files, format!("{place}/")),
            Self::Below(files, before) => Self::Below(files, format!("{before}{place}/")),
        }
    }

    fn held(&self, path: &str) -> io::Result<&Vec<u8>> {
        let found = match self {
            Self::Folder(_) => None,
            Self::Memory(files) => files.get(path),
            Self::Below(files, before) => files.get(&format!("{before}{path}")),
        };
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Every regular file, by its path below the folder. Links, devices and names that are no text are findings
    /// and are left out: nothing is ever read through them.
    pub(super) fn files(&self, report: &mut Report) -> Vec<String> {
        match self {
            Self::Memory(files) => files.keys().cloned().collect(),
            Self::Below(files, before) => files
                .keys()
                .filter_map(|path| path.strip_prefix(before.as_str()))
                .map(str::to_owned)
                .collect(),
            Self::Folder(root) => {
                let mut found = Vec::new();
                let mut folders = vec![root.clone()];
                while let Some(folder) = folders.pop() {
                    walk(root, &folder, &mut folders, &mut found, report);
                }
                found.sort();
                found
            }
        }
    }

    pub(super) fn digests(&self, path: &str) -> io::Result<Digests> {
        match self {
            Self::Folder(root) => Digests::of(File::open(root.join(path))?),
            Self::Memory(_) | Self::Below(..) => Digests::of(self.held(path)?.as_slice()),
        }
    }

    pub(super) fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        match self {
            Self::Memory(_) | Self::Below(..) => self.held(path).cloned(),
            Self::Folder(root) => {
                let mut bytes = Vec::new();
                File::open(root.join(path))?.take(LONGEST + 1).read_to_end(&mut bytes)?;
                if bytes.len() as u64 > LONGEST {
                    return Err(io::Error::other("the file is longer than 256 MiB"));
                }
                Ok(bytes)
            }
        }
    }
}

fn walk(
    root: &Path,
    folder: &Path,
    folders: &mut Vec<PathBuf>,
    found: &mut Vec<String>,
    report: &mut Report,
) {
    let shown = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            report.error("unreadable", &shown(folder), format!("mappen går inte att läsa: {error}"));
            return;
        }
    };
    for entry in entries {
        let (path, kind) = match entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))) {
            Ok(both) => both,
            Err(error) => {
                report.error("unreadable", &shown(folder), format!("mappen går inte att läsa: {error}"));
                continue;
            }
        };
        let name = shown(&path);
        if kind.is_symlink() {
            report.error("symlink", &name, "en symbolisk länk hör inte hemma här och följs inte");
        } else if kind.is_dir() {
            folders.push(path);
        } else if !kind.is_file() {
            report.error("not_a_file", &name, "detta är ingen vanlig fil");
        } else if path.strip_prefix(root).ok().and_then(Path::to_str).is_none() {
            report.error("name", &name, "filnamnet är inte läsbar text");
        } else {
            found.push(name);
        }
    }
}
