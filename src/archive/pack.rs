//! A pack: everything captured of one record, in one encrypted file that is wholly determined by what goes in.
//!
//! Specified in `archive/README.md`. The log entry holds the SHA-256 of the whole file, so every byte can be checked
//! without the key.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::entry::{RecordId, TreeHead};
use super::fields::{self, Fields, FieldsError};
use super::merkle::Hash;

/// The first bytes of every pack.
const MAGIC: &[u8] = b"uppsikt-pack/1\n";

/// The first bytes of what is encrypted.
const INNER_MAGIC: &[u8] = b"uppsikt-files/1\n";

/// Where the fields lie among the files.
const FIELDS: &str = "fields/fields.json";

/// The length of a nonce.
pub const NONCE: usize = 24;

/// Why a pack cannot be made or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// A file's name cannot stand in a bag later.
    #[error(
        "`{0}` is no name for a captured file: api/ or media/ and then letters, digits, dot, underscore, hyphen"
    )]
    Name(String),
    /// The file does not begin as a pack.
    #[error("this is no pack")]
    NoPack,
    /// The key, the record or a byte of the file is another.
    #[error("the pack does not open: its key, its record or a byte of it is another")]
    Sealed,
    /// The fields are not those of the log entry.
    #[error(transparent)]
    Fields(#[from] FieldsError),
    /// A captured file is missing, added, or not the one that the fields commit to.
    #[error("`{0}` is not the file that the record's fields commit to")]
    Files(String),
    /// What was encrypted is not in order; the program that wrote it was wrong.
    #[error("the content of the pack is damaged: {0}")]
    Content(&'static str),
}

/// Everything captured of one record.
#[derive(Clone, PartialEq, Eq)]
pub struct PackContent {
    /// The record.
    pub record: RecordId,
    /// The full `fields.json` of its first tree.
    pub fields: String,
    /// The captured files: path below `data/` (`api/…` or `media/…`) and exact bytes.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl std::fmt::Debug for PackContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What people wrote stays out of logs.
        write!(f, "PackContent({}, {} files)", self.record, self.files.len())
    }
}

impl PackContent {
    /// Checks the content against the log entry: the fields have its root, all of them open, and the captured files
    /// are exactly those that the fields commit to.
    ///
    /// # Errors
    /// `Fields` or `Files`.
    pub fn check(&self, head: &TreeHead) -> Result<Fields, PackError> {
        let fields = fields::verify(&self.fields, head)?;
        check_files(
            &fields,
            self.files.iter().map(|(path, bytes)| (path.as_str(), digest(bytes), bytes.len() as u64)),
        )?;
        Ok(fields)
    }
}

/// Checks that `files` (path below `data/`, SHA-256, size) are exactly those that the fields commit to.
///
/// # Errors
/// `Files`, naming the first that is missing, added or changed; `Fields` for a field that commits to no file.
pub fn check_files<'a>(
    fields: &Fields,
    files: impl Iterator<Item = (&'a str, Hash, u64)>,
) -> Result<(), PackError> {
    let mut committed: BTreeMap<_, _> =
        fields.files()?.into_iter().map(|file| (file.path, (file.sha256, file.size))).collect();
    for (path, sha256, size) in files {
        if committed.remove(path) != Some((sha256, size)) {
            return Err(PackError::Files(path.to_owned()));
        }
    }
    committed.into_keys().next().map_or(Ok(()), |path| Err(PackError::Files(path)))
}

/// Where the pack of `record` lies below the `archive` folder.
pub fn path(record: RecordId) -> PathBuf {
    let name = record.to_string();
    PathBuf::from("packs").join(&name[..2]).join(format!("{name}.pack"))
}

/// SHA-256 of a whole pack file: what the log entry holds.
pub fn digest(file: &[u8]) -> Hash {
    Sha256::digest(file).into()
}

/// Whether a captured file may have this path: below `api/` or `media/`, only `[A-Za-z0-9._-]`, no leading dot.
pub fn is_name(path: &str) -> bool {
    let Some(name) = path.strip_prefix("api/").or_else(|| path.strip_prefix("media/")) else { return false };
    !name.is_empty()
        && name.len() <= 200
        && !name.starts_with('.')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// The pack file: the same key, nonce and content always give the same bytes. A nonce must never seal two contents;
/// it is stored with the content before the pack is written.
///
/// # Errors
/// `Name` for a path that no captured file may have.
pub fn seal(key: &[u8; 32], nonce: &[u8; NONCE], content: &PackContent) -> Result<Vec<u8>, PackError> {
    let mut plain = Zeroizing::new(INNER_MAGIC.to_vec());
    // `BTreeMap` sorts bytewise, and "api/" < "fields/" < "media/".
    let mut all: BTreeMap<&str, &[u8]> = BTreeMap::from([(FIELDS, content.fields.as_bytes())]);
    for (name, bytes) in &content.files {
        if !is_name(name) {
            return Err(PackError::Name(name.clone()));
        }
        all.insert(name, bytes);
    }
    for (name, bytes) in all {
        // A valid name is shorter than 256 bytes, so its length fits one byte.
        plain.push(u8::try_from(name.len()).map_err(|_| PackError::Name(name.to_owned()))?);
        plain.extend_from_slice(name.as_bytes());
        plain.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        plain.extend_from_slice(bytes);
    }
    let cipher = XChaCha20Poly1305::new(&pack_key(key).into());
    let aad = content.record.to_string();
    let sealed = cipher
        .encrypt(&(*nonce).into(), Payload { msg: &plain, aad: aad.as_bytes() })
        .map_err(|_| PackError::Content("it is too large"))?;
    Ok([MAGIC, nonce, &sealed].concat())
}

/// Opens the pack of `record`.
///
/// # Errors
/// Any [`PackError`] but `Name`.
pub fn open(key: &[u8; 32], record: RecordId, file: &[u8]) -> Result<PackContent, PackError> {
    let rest = file.strip_prefix(MAGIC).ok_or(PackError::NoPack)?;
    let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(PackError::NoPack)?;
    let cipher = XChaCha20Poly1305::new(&pack_key(key).into());
    let aad = record.to_string();
    let plain = cipher
        .decrypt(&(*nonce).into(), Payload { msg: sealed, aad: aad.as_bytes() })
        .map_err(|_| PackError::Sealed)?;
    unpack(record, &Zeroizing::new(plain))
}

fn unpack(record: RecordId, plain: &[u8]) -> Result<PackContent, PackError> {
    let short = PackError::Content("it ends too soon");
    let mut rest =
        plain.strip_prefix(INNER_MAGIC).ok_or(PackError::Content("it does not begin as it must"))?;
    let mut fields = None;
    let mut files = BTreeMap::new();
    let mut last = String::new();
    while let Some((&length, after)) = rest.split_first() {
        let (name, after) = after.split_at_checked(usize::from(length)).ok_or_else(|| short.clone())?;
        let (size, after) = after.split_first_chunk::<8>().ok_or_else(|| short.clone())?;
        let size = usize::try_from(u64::from_be_bytes(*size)).map_err(|_| short.clone())?;
        let (bytes, after) = after.split_at_checked(size).ok_or_else(|| short.clone())?;
        let name = std::str::from_utf8(name).map_err(|_| PackError::Content("a name is no text"))?;
        if name <= last.as_str() {
            return Err(PackError::Content("its files are not sorted"));
        }
        name.clone_into(&mut last);
        if name == FIELDS {
            let text =
                std::str::from_utf8(bytes).map_err(|_| PackError::Content("the fields are no text"))?;
            fields = Some(text.to_owned());
        } else if is_name(name) {
            files.insert(name.to_owned(), bytes.to_vec());
        } else {
            return Err(PackError::Content("a file has a name that none may have"));
        }
        rest = after;
    }
    let fields = fields.ok_or(PackError::Content("it has no fields"))?;
    Ok(PackContent { record, fields, files })
}

/// The key that encrypts the pack, derived from the record's key: one key to keep, one key to destroy.
fn pack_key(key: &[u8; 32]) -> [u8; 32] {
    fields::hmac(key, &[b"uppsikt-pack/1"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> PackContent {
        let files =
            [("media/b.png", vec![0, 1, 2]), ("api/001.json", b"{}".to_vec()), ("api/002.json", vec![])];
        PackContent {
            record: RecordId::from_bytes([1; 16]),
            fields: "{}\n".to_owned(),
            files: files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect(),
        }
    }

    const KEY: [u8; 32] = [5; 32];
    const NONCE_1: [u8; NONCE] = [6; NONCE];

    #[test]
    fn the_same_content_always_gives_the_same_bytes() {
        let one = seal(&KEY, &NONCE_1, &content()).unwrap();
        assert_eq!(one, seal(&KEY, &NONCE_1, &content()).unwrap());
        // Computed by an independent implementation of this format and of the cipher: a pack written today opens
        // in twenty years.
        let pinned = "bbd5be55d8510e103b7f5db137028dde911c5569538079bbd25844381d6880b3";
        assert_eq!(hex::encode(digest(&one)), pinned);
        assert_ne!(one, seal(&KEY, &[7; NONCE], &content()).unwrap());
        assert_eq!(
            one.len(),
            15 + 24 + 16 + (1 + 12 + 8 + 2) + (1 + 12 + 8) + (1 + 18 + 8 + 3) + (1 + 11 + 8 + 3) + 16
        );
        assert_eq!(open(&KEY, content().record, &one).unwrap(), content());
        assert_eq!(path(content().record), PathBuf::from("packs/01/01010101010101010101010101010101.pack"));
    }

    #[test]
    fn the_content_must_be_exactly_what_the_fields_commit_to() {
        let mut content = content();
        let files: Vec<_> =
            content.files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
        let tree = fields::Tree::of(&serde_json::json!({"a": 1}), &[], &files, &KEY, 0).unwrap();
        content.fields = tree.full_json();
        content.check(&tree.head()).unwrap();
        for (path, bytes) in
            [("api/001.json", Some(b"[]".to_vec())), ("api/001.json", None), ("api/9", Some(vec![]))]
        {
            let mut changed = content.clone();
            match bytes {
                Some(bytes) => changed.files.insert(path.to_owned(), bytes),
                None => changed.files.remove(path),
            };
            assert_eq!(changed.check(&tree.head()), Err(PackError::Files(path.to_owned())));
        }
        let other = TreeHead { root: [0; 32], ..tree.head() };
        assert_eq!(content.check(&other), Err(PackError::Fields(FieldsError::Root)));
    }

    #[test]
    fn every_changed_or_missing_byte_is_found() {
        let pack = seal(&KEY, &NONCE_1, &content()).unwrap();
        for at in 0..pack.len() {
            let mut changed = pack.clone();
            changed[at] ^= 1;
            open(&KEY, content().record, &changed).unwrap_err();
            open(&KEY, content().record, &pack[..at]).unwrap_err();
        }
        assert_eq!(open(&[0; 32], content().record, &pack), Err(PackError::Sealed));
        assert_eq!(open(&KEY, RecordId::from_bytes([2; 16]), &pack), Err(PackError::Sealed));
    }

    #[test]
    fn names_that_leave_the_folder_or_confuse_a_bag_are_refused() {
        for name in [
            "",
            "api/",
            "x",
            "api/../x",
            "api/a/b",
            "/api/x",
            "api/\u{e5}",
            "api/a b",
            "api/%41",
            "api/.x",
            "fields/fields.json",
            "media/a\nb",
        ] {
            let mut content = content();
            content.files.insert(name.to_owned(), vec![]);
            assert_eq!(seal(&KEY, &NONCE_1, &content), Err(PackError::Name(name.to_owned())));
        }
    }

    #[test]
    fn a_damaged_content_is_an_error_and_no_panic() {
        let record = content().record;
        let file = |name: &[u8], size: u64, bytes: &[u8]| {
            let length = u8::try_from(name.len()).unwrap();
            [&[length], name, &size.to_be_bytes(), bytes].concat()
        };
        for parts in [
            vec![],
            vec![file(b"fields/fields.json", u64::MAX, b"")],
            vec![file(b"fields/fields.json", 0, b""), file(b"api/1", 0, b"")],
            vec![file(b"fields/fields.json", 0, b""), file(b"fields/fields.json", 0, b"")],
            vec![file(b"fields/fields.json", 1, b"\xff")],
            vec![file(b"fields/fields.json", 0, b""), file(b"x/..", 0, b"")],
            vec![file(b"fields/fields.json", 0, b""), vec![200]],
            vec![file(b"fields/fields.json", 0, b""), file(b"\xff", 0, b"")],
        ] {
            let plain = [INNER_MAGIC, &parts.concat()].concat();
            assert!(matches!(unpack(record, &plain), Err(PackError::Content(_))), "{parts:?}");
        }
        assert!(unpack(record, b"uppsikt").is_err());
    }

    #[test]
    fn debug_shows_no_content() {
        let shown = format!("{:?}", content());
        assert!(!shown.contains("{}"), "{shown}");
    }
}
