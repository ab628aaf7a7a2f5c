//! A BagIt 1.0 bag (RFC 8493) of one record, bound to the log by proofs: what `export --as bag` writes.
//!
//! The layout is specified in `archive/README.md`. The bag is wholly determined by its input, is verified before it
//! is written, and appears under its name only when it is whole.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use super::guide::{COMPLETE, Guide};
use crate::archive::anchors::Anchors;
use crate::archive::bagit::{self, Algorithm, Digests};
use crate::archive::entry::RecordId;
use crate::archive::merkle::Hash;
use crate::archive::note::VerifierKey;
use crate::archive::proof::Proof;
use crate::archive::verify::{self, Options};
use crate::durable;

/// One entry of the record.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its index in the log.
    pub index: u64,
    /// Its exact bytes.
    pub leaf: Vec<u8>,
    /// The full `fields.json` behind it, if it has a root.
    pub fields: Option<String>,
    /// The path that proves it in the log of the bag's checkpoint.
    pub path: Vec<Hash>,
}

/// Everything that goes into a bag.
#[derive(Clone)]
pub struct BagInput {
    /// The record.
    pub record: RecordId,
    /// Its number in the diary, as people write it; `None` if it was not registered.
    pub diary_number: Option<String>,
    /// The municipality.
    pub organisation: String,
    /// The record's entries in the log's order, the snapshot first.
    pub events: Vec<Event>,
    /// What was captured: path below `data/` (`api/…` or `media/…`) and exact bytes.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What is made of it for people: path below `data/` (`render/…` or `capture/…`) and bytes; may be empty.
    pub derived: BTreeMap<String, Vec<u8>>,
    /// The checkpoint's file, verbatim, which covers every event.
    pub checkpoint: String,
    /// What outsiders say of that checkpoint.
    pub anchors: Anchors,
    /// The log's key.
    pub vkey: VerifierKey,
    /// The day of packing (Stockholm).
    pub date: NaiveDate,
}

impl std::fmt::Debug for BagInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What people wrote stays out of logs.
        write!(f, "BagInput({}, {} events, {} files)", self.record, self.events.len(), self.files.len())
    }
}

/// Why a bag cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum BagError {
    /// The target is there already; nothing is ever overwritten.
    #[error("{} exists already: choose another path", .0.display())]
    Exists(PathBuf),
    /// The bag would not verify: the archive or the input is damaged.
    #[error("the bag would not verify, so it was not written: {0}")]
    Unsound(String),
    /// A file cannot be written.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The name of the bag's folder: the diary number in plain letters (or `odiarieford`) and the record's first eight
/// digits, for example `ks-2026-123_0197f3c2`.
pub fn folder_name(diary_number: Option<&str>, record: RecordId) -> String {
    let mut slug = String::new();
    for c in diary_number.unwrap_or("odiarieford").chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => slug.push(c),
            'å' | 'ä' => slug.push('a'),
            'ö' => slug.push('o'),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
        if slug.len() >= 60 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    let slug = if slug.is_empty() { "odiarieford" } else { slug };
    format!("{slug}_{}", &record.to_string()[..8])
}

/// Every file of the bag: path and bytes.
pub fn files(input: &BagInput) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut put = |path: String, bytes: Vec<u8>| files.insert(path, bytes);
    for (path, bytes) in input.files.iter().chain(&input.derived) {
        put(format!("data/{path}"), bytes.clone());
    }
    let cosigned = input.anchors.cosigned(&input.checkpoint);
    let mut events = Vec::new();
    for (position, event) in input.events.iter().enumerate() {
        events.extend_from_slice(&event.leaf);
        events.push(b'\n');
        let proof = Proof { index: event.index, path: event.path.clone(), checkpoint: cosigned.clone() };
        let proof = proof.text().into_bytes();
        let mut fields_name = event.index.to_string();
        if position == 0 {
            put("uppsikt/entry.json".to_owned(), event.leaf.clone());
            put("uppsikt/entry.tlog-proof".to_owned(), proof.clone());
            "fields".clone_into(&mut fields_name);
        }
        put(format!("uppsikt/proofs/{}.tlog-proof", event.index), proof);
        if let Some(fields) = &event.fields {
            put(format!("data/fields/{fields_name}.json"), fields.clone().into_bytes());
        }
    }
    put("data/events.jsonl".to_owned(), events);
    put("uppsikt/checkpoint".to_owned(), input.checkpoint.clone().into_bytes());
    for (path, bytes) in input.anchors.files() {
        put(path, bytes);
    }
    put("uppsikt/log.vkey".to_owned(), format!("{}\n", input.vkey).into_bytes());
    put("uppsikt/verify.py".to_owned(), COMPLETE.as_bytes().to_vec());
    put("bagit.txt".to_owned(), bagit::DECLARATION.as_bytes().to_vec());
    // Besides what is there so far: this text, bag-info.txt, two manifests and two tag manifests.
    let count = files.len() + 6;
    let date = input.date.format("%Y-%m-%d").to_string();
    let organisation = line(&input.organisation);
    let diary_number = input.diary_number.as_deref().map(line);
    let guide = Guide {
        organisation: &organisation,
        diary_number: diary_number.as_deref(),
        record: &input.record.to_string(),
        date: &date,
        vkey: &input.vkey.to_string(),
        folder: &folder_name(input.diary_number.as_deref(), input.record),
        files: count,
        stamped: input.anchors.stamp.is_some(),
        witnesses: input.anchors.cosignatures.len(),
    };
    files.insert("LAS-MIG.txt".to_owned(), guide.text().into_bytes());
    let mut digests: BTreeMap<String, Digests> = BTreeMap::new();
    digest_new(&files, &mut digests);
    let identifier =
        diary_number.map(|number| format!("External-Identifier: {number}\n")).unwrap_or_default();
    let info = format!(
        "Source-Organization: {organisation}\n\
         External-Description: En kommentar på sociala medier, tagen till vara av Uppsikt\n\
         Bagging-Date: {date}\n\
         {identifier}\
         Internal-Sender-Identifier: {}\n\
         Payload-Oxum: {}\n\
         Bag-Software-Agent: uppsikt {}\n",
        input.record,
        bagit::oxum(digests.iter()),
        env!("CARGO_PKG_VERSION"),
    );
    files.insert("bag-info.txt".to_owned(), info.into_bytes());
    // The payload's manifests first: the tag manifests list them too.
    for (name, listed) in [
        (Algorithm::manifest as fn(_) -> _, bagit::is_payload as fn(&str) -> bool),
        (Algorithm::tagmanifest, bagit::is_tag),
    ] {
        digest_new(&files, &mut digests);
        for algorithm in Algorithm::ALL {
            let manifest = bagit::manifest(digests.iter(), algorithm, listed);
            files.insert(name(algorithm).to_owned(), manifest.into_bytes());
        }
    }
    files
}

fn digest_new(files: &BTreeMap<String, Vec<u8>>, digests: &mut BTreeMap<String, Digests>) {
    for (path, bytes) in files {
        if !digests.contains_key(path) {
            // Reading from memory cannot fail; a file without digests would not pass the verification below.
            digests.extend(Digests::of(bytes.as_slice()).ok().map(|made| (path.clone(), made)));
        }
    }
}

/// A value as one line of `bag-info.txt`.
fn line(value: &str) -> String {
    value
        .split(|c: char| c.is_control() || c == '\u{2028}' || c == '\u{2029}')
        .collect::<Vec<_>>()
        .join(" ")
        .trim()
        .to_owned()
}

/// Writes the bag to `target`, which must not exist: whole and durable, or not at all.
///
/// # Errors
/// `Exists`, `Unsound`, `Io`; nothing is left behind.
pub fn write(target: &Path, input: &BagInput) -> Result<(), BagError> {
    written(target, input).map(drop)
}

/// The same; gives what was written.
pub(super) fn written(target: &Path, input: &BagInput) -> Result<BTreeMap<String, Vec<u8>>, BagError> {
    if target.symlink_metadata().is_ok() {
        return Err(BagError::Exists(target.to_owned()));
    }
    let files = files(input);
    check(&files, input)?;
    let temporary = temporary_beside(target)?;
    let result = (|| {
        for (path, bytes) in &files {
            let path = temporary.join(path);
            if let Some(folder) = path.parent() {
                durable::create_folder(folder).map_err(io_at(folder))?;
            }
            durable::write(&path, bytes, 0o444).map_err(io_at(&path))?;
        }
        rename_new(&temporary, target).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => BagError::Exists(target.to_owned()),
            _ => io_at(target)(error),
        })
    })();
    if result.is_err() {
        // Of no further use; what cannot be removed is told by its name.
        let _ = fs::remove_dir_all(&temporary);
    }
    result?;
    let parent = parent_of(target);
    durable::sync_folder(parent).map_err(io_at(parent))?;
    Ok(files)
}

/// The folder in which `target` will lie.
pub(super) fn parent_of(target: &Path) -> &Path {
    target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A free name beside `target`, for what is not yet whole.
pub(crate) fn temporary_beside(target: &Path) -> Result<PathBuf, BagError> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| io_at(target)(io::Error::other(error)))?;
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    Ok(parent_of(target).join(format!(".{name}.{}.tmp", hex::encode(random))))
}

/// The error for a path.
pub(super) fn io_at(path: &Path) -> impl FnOnce(io::Error) -> BagError {
    let path = path.to_owned();
    move |source| BagError::Io { path, source }
}

/// What is about to be written must verify with the log's own key, and must be the record that was asked for.
fn check(files: &BTreeMap<String, Vec<u8>>, input: &BagInput) -> Result<(), BagError> {
    let options = Options { keys: vec![input.vkey.clone()], ..Options::default() };
    let report = verify::verify_bag(files, &options).map_err(|error| BagError::Unsound(error.to_string()))?;
    if let Some(finding) = report.findings.iter().find(|finding| finding.severity == verify::Severity::Error)
    {
        let path = finding.path.as_deref().unwrap_or_default();
        return Err(BagError::Unsound(format!("{path}: {}", finding.message)));
    }
    let id = format!("\"id\":\"{}\"", input.record);
    let first = input.events.first().map(|event| String::from_utf8_lossy(&event.leaf));
    if first.is_some_and(|leaf| leaf.contains(&id)) {
        Ok(())
    } else {
        Err(BagError::Unsound(format!("its first event is not the snapshot of {}", input.record)))
    }
}

/// Renames without ever replacing what may have appeared meanwhile.
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some network file systems cannot do this in one step.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            if to.symlink_metadata().is_ok() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            fs::rename(from, to)
        }
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests;
