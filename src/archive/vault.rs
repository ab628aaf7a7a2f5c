//! The archive's folder: packs, tiles, checkpoint; and reading back what was written, for the proof.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ed25519_dalek::SigningKey;
use sha2::{Digest, Sha256};

use super::checkpoint::{self, Checkpoint};
use super::entry::{Entry, RecordId};
use super::fields;
use super::merkle::{self, Hash};
use super::note::{NoteError, VerifierKey};
use super::pack::{self, PackContent, PackError};
use super::preserved::Preserved;
use super::tiles::{Tiles, TilesError};
use crate::domain::comment::CommentId;
use crate::durable;

/// Why the archive cannot prove, or cannot take, what it should. Nothing is hidden on such an error.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A file cannot be read or written.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A record does not read back as it was written.
    #[error("record {record} does not read back whole: {reason}")]
    NotWhole {
        /// The record.
        record: String,
        /// What differs.
        reason: String,
    },
    /// The checkpoint on disk is not one that this database can have written.
    #[error("{0}")]
    Fork(String),
    /// A pack cannot be made.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The tiles.
    #[error(transparent)]
    Tiles(#[from] TilesError),
    /// The checkpoint.
    #[error("checkpoint: {0}")]
    Note(#[from] NoteError),
}

/// A checkpoint that is durable: entries below its size are published. Made only by [`Vault::publish`].
#[derive(Debug, Clone)]
pub struct Published {
    size: u64,
    root: Hash,
    text: String,
}

impl Published {
    /// How many entries it covers.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The signed checkpoint.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The root over the covered entries.
    pub fn root(&self) -> &Hash {
        &self.root
    }
}

/// The archive of one data folder.
#[derive(Debug, Clone)]
pub struct Vault {
    folder: PathBuf,
    /// The checkpoint that this process has made durable; one that it merely found may still be lost with the power.
    made: Arc<Mutex<Option<String>>>,
}

impl Vault {
    /// The archive in `folder` (`archive/` below the data folder).
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), made: Arc::default() }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The tiles.
    pub fn tiles(&self) -> Tiles {
        Tiles::new(&self.folder)
    }

    /// Where the pack of `record` lies.
    pub fn pack_path(&self, record: RecordId) -> PathBuf {
        self.folder.join(pack::path(record))
    }

    /// What stops this archive from taking more, in Swedish; nothing when all is well.
    pub fn check(&self, least_free: u64) -> Option<String> {
        let probe = self.folder.join(".probe");
        if let Err(error) = durable::write(&probe, b"probe", 0o600).and_then(|()| fs::remove_file(&probe)) {
            return Some(format!("arkivet {} kan inte skrivas: {error}", self.folder.display()));
        }
        match rustix::fs::statvfs(&self.folder) {
            Ok(disk) => {
                let free = disk.f_bavail.saturating_mul(disk.f_frsize);
                (free < least_free).then(|| {
                    format!(
                        "disken har {} MiB fria; gränsen är {} MiB",
                        free / (1024 * 1024),
                        least_free / (1024 * 1024)
                    )
                })
            }
            Err(error) => Some(format!("diskens lediga plats kan inte läsas: {error}")),
        }
    }

    /// Writes a pack; durable once it returns. The same bytes again succeed (DESIGN §3, step 4).
    ///
    /// # Errors
    /// `Io`; other bytes under the same record are an error too.
    pub fn keep(&self, record: RecordId, bytes: &[u8]) -> Result<(), ArchiveError> {
        let path = self.pack_path(record);
        let io = |source| ArchiveError::Io { path: path.clone(), source };
        if let Some(folder) = path.parent() {
            durable::create_folder(folder).map_err(io)?;
        }
        match durable::write_once(&path, bytes) {
            // A pack that never got its entry belongs to nobody: a torn or foreign file is replaced, not kept.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                durable::write(&path, bytes, 0o440).map_err(io)
            }
            other => other.map_err(io),
        }
    }

    /// Reads a pack back from disk, opens it and checks that its fields have the root that `head` says, and its files
    /// the digests that the fields say (DESIGN §3, step 5). Returns the file's digest and what it holds.
    ///
    /// # Errors
    /// `Io`, `NotWhole`.
    pub fn reread(
        &self,
        record: RecordId,
        key: &[u8; 32],
        head: &super::entry::TreeHead,
    ) -> Result<(Hash, PackContent, fields::Fields), ArchiveError> {
        let path = self.pack_path(record);
        let bytes = fs::read(&path).map_err(|source| ArchiveError::Io { path, source })?;
        let not_whole = |reason: String| ArchiveError::NotWhole { record: record.to_string(), reason };
        let content = pack::open(key, record, &bytes).map_err(|error| not_whole(error.to_string()))?;
        let shown = fields::verify(&content.fields, head).map_err(|error| not_whole(error.to_string()))?;
        let digests = shown.files().map_err(|error| not_whole(error.to_string()))?;
        let said: BTreeMap<_, _> =
            digests.iter().map(|file| (file.path.as_str(), (file.sha256, file.size))).collect();
        if said.len() != content.files.len() {
            return Err(not_whole("it holds other files than its fields say".to_owned()));
        }
        for (name, bytes) in &content.files {
            if said.get(name.as_str()) != Some(&(sha256(bytes), bytes.len() as u64)) {
                return Err(not_whole(format!("{name} is not what its fields say")));
            }
        }
        Ok((pack::digest(&bytes), content, shown))
    }

    /// Reads a record back for one act: pack, snapshot entry, and the covering checkpoint from disk.
    ///
    /// # Errors
    /// `NotWhole` when anything differs from what the log says; `Io`.
    pub fn recall(
        &self,
        published: &Published,
        comment: CommentId,
        index: u64,
        leaf: &[u8],
        key: &[u8; 32],
    ) -> Result<Preserved, ArchiveError> {
        let not_whole =
            |record: String, reason: &str| ArchiveError::NotWhole { record, reason: reason.to_owned() };
        let entry =
            Entry::parse(leaf).map_err(|error| not_whole(format!("entry {index}"), &error.to_string()))?;
        let (Some(record), Some(head), Some(digest)) = (entry.record(), entry.tree(), entry.pack()) else {
            return Err(not_whole(format!("entry {index}"), "its first entry is no snapshot"));
        };
        if index >= published.size {
            return Err(not_whole(
                record.to_string(),
                "the published checkpoint does not cover its snapshot",
            ));
        }
        let path = self.folder.join("checkpoint");
        let text = fs::read_to_string(&path).map_err(|source| ArchiveError::Io { path, source })?;
        if checkpoint::before_cosignatures(&text)? != published.text {
            return Err(not_whole(
                record.to_string(),
                "the checkpoint on disk is another than the one published",
            ));
        }
        let proof = self.tiles().inclusion(index, published.size)?;
        if !merkle::verify_inclusion(&merkle::leaf_hash(leaf), index, published.size, &proof, &published.root)
        {
            return Err(not_whole(record.to_string(), "its snapshot is not in the published log"));
        }
        let (found, _, shown) = self.reread(record, key, &head)?;
        if found != digest {
            return Err(not_whole(record.to_string(), "its pack is not the one that the log names"));
        }
        let named = |path: &str| shown.text(path);
        if named("/comment/native_id").as_deref() != Some(comment.native.as_str())
            || named("/account/id").as_deref() != Some(comment.account.as_str())
        {
            return Err(not_whole(record.to_string(), "it preserves another comment"));
        }
        let text =
            named("/comment/text").ok_or_else(|| not_whole(record.to_string(), "it preserves no text"))?;
        Ok(Preserved::new(comment, sha256(text.as_bytes()), record.to_string()))
    }

    /// Makes the tiles of `size` entries durable, signs the checkpoint over them and makes it durable (step 9).
    ///
    /// # Errors
    /// `Fork` when the checkpoint on disk covers more entries than there are, or others; `Io`, `Tiles`.
    pub fn publish<E: std::fmt::Display>(
        &self,
        origin: &str,
        size: u64,
        signer: &SigningKey,
        mut leaves: impl FnMut(u64, u64) -> Result<Vec<Vec<u8>>, E>,
    ) -> Result<Published, ArchiveError> {
        let path = self.folder.join("checkpoint");
        let before = self.head(origin, signer)?;
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((known, file)) = &before {
            let text = checkpoint::before_cosignatures(file)?;
            if known.size > size {
                return Err(ArchiveError::Fork(format!(
                    "{} covers {} entries, but the database has {size}: it is older than the archive; see `uppsikt restore`",
                    path.display(),
                    known.size
                )));
            }
            if made.is_none() {
                // The first time in this process: a database from elsewhere may hold as many entries, but others.
                same_entries(&path, known, &mut leaves)?;
            }
            if known.size == size {
                if made.as_deref() != Some(text) {
                    // Found, not made: the process that renamed it may have died before the folder was durable.
                    self.write_checkpoint(&path, file, text)?;
                }
                return Ok(Published { size, root: known.root, text: text.to_owned() });
            }
        }
        let old = before.as_ref().map_or(0, |(known, _)| known.size);
        // One read of the database for each bundle of entries, not one for each entry.
        let mut bundle: (u64, Vec<Vec<u8>>) = (u64::MAX, Vec::new());
        let root = self.tiles().publish(old, size, |index| {
            let start = index - index % 256;
            if bundle.0 != start {
                bundle = (start, leaves(start, size.min(start + 256)).map_err(|error| error.to_string())?);
            }
            usize::try_from(index - start)
                .ok()
                .and_then(|at| bundle.1.get(at).cloned())
                .ok_or_else(|| "the entry is not in the database".to_owned())
        })?;
        if let Some((known, _)) = &before {
            let proof =
                if known.size == 0 { Vec::new() } else { self.tiles().consistency(known.size, size)? };
            if known.size > 0 && !merkle::verify_consistency(known.size, size, &proof, &known.root, &root) {
                return Err(ArchiveError::Fork(format!(
                    "{} is over other entries than the database holds: the log would fork; see `uppsikt restore`",
                    path.display()
                )));
            }
        }
        let text = checkpoint::sign(origin, size, root, signer)?;
        self.write_checkpoint(&path, &text, &text)?;
        // Partial tiles that no checkpoint needs any more only take room: one that cannot be removed does no harm.
        let _ = self.tiles().prune(old, size);
        Ok(Published { size, root, text })
    }

    /// `file` is `text` and what cosignatures stand under it.
    fn write_checkpoint(&self, path: &Path, file: &str, text: &str) -> Result<(), ArchiveError> {
        // Held while writing: a cosignature must not bring back a checkpoint that was replaced meanwhile.
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        durable::write(path, file.as_bytes(), 0o644)
            .map_err(|source| ArchiveError::Io { path: path.to_owned(), source })?;
        *made = Some(text.to_owned());
        Ok(())
    }

    /// Puts cosignatures under the checkpoint `text`, unless the log has gone on. False if it has.
    ///
    /// # Errors
    /// `Io`.
    pub fn cosign(&self, text: &str, lines: &[String]) -> Result<bool, ArchiveError> {
        let path = self.folder.join("checkpoint");
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.as_deref() != Some(text) {
            return Ok(false);
        }
        let file = format!("{text}{}", lines.concat());
        if fs::read_to_string(&path).is_ok_and(|there| there == file) {
            return Ok(true);
        }
        durable::write(&path, file.as_bytes(), 0o644).map_err(|source| ArchiveError::Io { path, source })?;
        Ok(true)
    }

    /// Keeps what an outsider said of the checkpoint over `size` entries, below `anchors/`: durable once it returns.
    ///
    /// # Errors
    /// `Io`.
    pub fn keep_anchor(&self, size: u64, name: &str, bytes: &[u8]) -> Result<(), ArchiveError> {
        let folder = self.folder.join("anchors").join(size.to_string());
        let path = folder.join(name);
        if fs::read(&path).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        durable::create_folder(&folder)
            .and_then(|()| durable::write(&path, bytes, 0o444))
            .map_err(|source| ArchiveError::Io { path, source })
    }

    /// The checkpoint on disk without cosignatures, its signature checked; `None` when there is none yet.
    ///
    /// # Errors
    /// `Io`; `Note` when it is not signed by this log.
    pub fn checkpoint(
        &self,
        origin: &str,
        signer: &SigningKey,
    ) -> Result<Option<(Checkpoint, String)>, ArchiveError> {
        let Some((known, file)) = self.head(origin, signer)? else { return Ok(None) };
        Ok(Some((known, checkpoint::before_cosignatures(&file)?.to_owned())))
    }

    /// The checkpoint on disk as it lies there, its signature checked.
    fn head(&self, origin: &str, signer: &SigningKey) -> Result<Option<(Checkpoint, String)>, ArchiveError> {
        let path = self.folder.join("checkpoint");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(ArchiveError::Io { path, source }),
        };
        let (known, note) = Checkpoint::parse(&text)?;
        note.verify(&[VerifierKey::of(origin, signer)?])?;
        if known.origin != origin {
            return Err(ArchiveError::Fork(format!(
                "{} is of the log `{}`, the configuration names `{origin}`",
                path.display(),
                known.origin
            )));
        }
        Ok(Some((known, text)))
    }
}

/// Whether the database's first entries are those that the checkpoint on disk is over.
fn same_entries<E: std::fmt::Display>(
    path: &Path,
    known: &Checkpoint,
    leaves: &mut impl FnMut(u64, u64) -> Result<Vec<Vec<u8>>, E>,
) -> Result<(), ArchiveError> {
    let mut hashes = Vec::new();
    for start in (0..known.size).step_by(8192) {
        let some = leaves(start, known.size.min(start + 8192))
            .map_err(|error| TilesError::Source { index: start, reason: error.to_string() })?;
        hashes.extend(some.iter().map(|leaf| merkle::leaf_hash(leaf)));
    }
    if merkle::root(&hashes) == known.root {
        return Ok(());
    }
    Err(ArchiveError::Fork(format!(
        "{} is over other entries than the database holds: the log would fork; see `uppsikt restore`",
        path.display()
    )))
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// SHA-256 in lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(sha256(bytes))
}
