//! `uppsikt-fields/1`: a record as a list of fields, each hidden behind a salt, under one root.
//!
//! The root stands in the log. Any field can later be shown, or withheld, and the rest still verifies; when the
//! record's key and the disclosures are destroyed, what is left in the log can no longer be guessed.
//! Specified in `archive/README.md`.

use std::collections::HashSet;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::entry::{TreeHead, lower_hex};
use super::jcs;
use super::merkle::{self, Hash};

/// The format's name, as it stands in `fields.json`.
pub const FORMAT: &str = "uppsikt-fields/1";

/// The number of leaves is padded to a multiple of this.
pub const STEP: usize = 16;

/// Why fields cannot be made or do not verify.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldsError {
    /// The document is no JSON object.
    #[error("the document is no JSON object")]
    NoObject,
    /// The document has a member `files`, which is kept for the digests of the captured files.
    #[error("the document has a member `files`, which is kept for the captured files")]
    FilesTaken,
    /// Two fields, or two files, have one path.
    #[error("two fields have the path `{0}`")]
    TwicePath(String),
    /// More fields than a tree can hold.
    #[error("a tree holds fewer than four milliards of fields")]
    TooMany,
    /// The file is no `fields.json`.
    #[error("this is no fields.json: {0}")]
    Malformed(String),
    /// Leaf `index` is neither a disclosure nor a bare hash.
    #[error("leaf {index} is neither a disclosure nor a hash")]
    Leaf {
        /// The leaf's position.
        index: usize,
    },
    /// The number of leaves is not what the log entry says.
    #[error("there are {found} leaves, and the log entry says {expected}")]
    Count {
        /// How many there are.
        found: usize,
        /// How many the entry says.
        expected: u32,
    },
    /// The leaves have another root than the log entry.
    #[error("the root over the leaves is not the one in the log entry")]
    Root,
}

/// The key of the tree `j` of a record: `K` itself for 0, else `HMAC-SHA256(K, "uppsikt-tree/1" || 0x00 || u32be(j))`.
///
/// Every tree has salts of its own: a salt used twice would tell which fields of two trees are equal.
pub fn tree_key(key: &[u8; 32], j: u32) -> [u8; 32] {
    if j == 0 { *key } else { hmac(key, &[b"uppsikt-tree/1\0", &j.to_be_bytes()]) }
}

/// HMAC-SHA256 over the parts.
pub(super) fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // A key shorter than the block is padded with zeroes (RFC 2104 §2), which is what the type asks for.
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// One leaf: its hash, and unless it is a decoy what opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// The leaf's hash.
    pub hash: Hash,
    /// What opens it.
    pub opening: Option<Opening>,
}

/// What opens a leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The field's path.
    pub path: String,
    /// base64url of the JSON `[salt, path, value]`.
    pub disclosure: String,
}

/// A whole tree, every leaf open to the one who made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    head: TreeHead,
    leaves: Vec<Leaf>,
}

impl Tree {
    /// The tree `j` of the record with the key `key`: the fields of `doc`, with the texts at the JSON Pointers
    /// `split` cut in words, and the digest of every file (its path below `data/`, and its bytes).
    ///
    /// # Errors
    /// `NoObject`, `FilesTaken`, `TwicePath`, `TooMany`.
    pub fn of(
        doc: &Value,
        split: &[&str],
        files: &[(&str, &[u8])],
        key: &[u8; 32],
        j: u32,
    ) -> Result<Self, FieldsError> {
        let key = tree_key(key, j);
        let mut salted = Vec::new();
        for (index, (path, value)) in flatten(doc, split, files)?.into_iter().enumerate() {
            let mac = hmac(&key, &[b"uppsikt-salt/1\0", &index_bytes(index)?]);
            let mut salt = [0; 16];
            salt.copy_from_slice(&mac[..16]);
            salted.push((path, value, salt));
        }
        Self::with_salts(&salted, &key)
    }

    /// The tree over fields that have their own random salts (the daily `received` tree), padded with decoys
    /// made from `decoy_key`, which should be as secret and short-lived as the salts.
    ///
    /// # Errors
    /// `TwicePath`, `TooMany`.
    pub fn with_salts(
        fields: &[(String, Value, [u8; 16])],
        decoy_key: &[u8; 32],
    ) -> Result<Self, FieldsError> {
        let mut paths = HashSet::new();
        let mut leaves = Vec::with_capacity(fields.len().next_multiple_of(STEP));
        for (path, value, salt) in fields {
            if !paths.insert(path) {
                return Err(FieldsError::TwicePath(path.clone()));
            }
            let opened = json!([BASE64_URL_SAFE_NO_PAD.encode(salt), path, value]);
            let disclosure = BASE64_URL_SAFE_NO_PAD.encode(jcs::compact(&opened));
            let hash = merkle::leaf_hash(disclosure.as_bytes());
            leaves.push(Leaf { hash, opening: Some(Opening { path: path.clone(), disclosure }) });
        }
        while leaves.is_empty() || !leaves.len().is_multiple_of(STEP) {
            let hash = hmac(decoy_key, &[b"uppsikt-decoy/1\0", &index_bytes(leaves.len())?]);
            leaves.push(Leaf { hash, opening: None });
        }
        let n = u32::try_from(leaves.len()).map_err(|_| FieldsError::TooMany)?;
        let hashes: Vec<_> = leaves.iter().map(|leaf| leaf.hash).collect();
        Ok(Self { head: TreeHead { root: merkle::root(&hashes), n }, leaves })
    }

    /// Root and number of leaves, for the log entry.
    pub fn head(&self) -> TreeHead {
        self.head
    }

    /// The leaves in their order.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// `fields.json` with every field open.
    pub fn full_json(&self) -> String {
        self.json(|_| false)
    }

    /// `fields.json` without the fields for whose path `withheld` says yes: only their hashes and paths.
    pub fn masked_json(&self, withheld: impl Fn(&str) -> bool) -> String {
        self.json(withheld)
    }

    fn json(&self, withheld: impl Fn(&str) -> bool) -> String {
        let lines: Vec<_> = self
            .leaves
            .iter()
            .map(|leaf| match &leaf.opening {
                Some(opening) if withheld(&opening.path) => {
                    json!({"h": hex::encode(leaf.hash), "p": opening.path})
                }
                Some(opening) => json!({"d": opening.disclosure}),
                None => json!({"h": hex::encode(leaf.hash)}),
            })
            .map(|leaf| leaf.to_string())
            .collect();
        // One leaf a line, so that a person can read it and compare two of them.
        format!(
            "{{\"format\":\"{FORMAT}\",\"record_root\":\"{}\",\"leaves\":[\n{}\n]}}\n",
            hex::encode(self.head.root),
            lines.join(",\n")
        )
    }
}

fn index_bytes(index: usize) -> Result<[u8; 4], FieldsError> {
    u32::try_from(index).map(u32::to_be_bytes).map_err(|_| FieldsError::TooMany)
}

/// The fields of `doc` and the digests of `files`, in the order of the leaves.
///
/// Paths are JSON Pointers (RFC 6901), keys sorted by UTF-16 code units; the texts at `split` are cut in runs of
/// white space (Unicode `White_Space`) and runs of the rest, with `#0`, `#1`, … after the path.
///
/// # Errors
/// `NoObject`, `FilesTaken`, `TwicePath`.
pub fn flatten(
    doc: &Value,
    split: &[&str],
    files: &[(&str, &[u8])],
) -> Result<Vec<(String, Value)>, FieldsError> {
    let mut whole = doc.as_object().ok_or(FieldsError::NoObject)?.clone();
    if whole.contains_key("files") {
        return Err(FieldsError::FilesTaken);
    }
    let mut digests = Map::new();
    for (path, bytes) in files {
        let digest = json!({"sha256": hex::encode(Sha256::digest(bytes)), "size": bytes.len()});
        if digests.insert((*path).to_owned(), digest).is_some() {
            return Err(FieldsError::TwicePath((*path).to_owned()));
        }
    }
    if !digests.is_empty() {
        whole.insert("files".to_owned(), Value::Object(digests));
    }
    let mut fields = Vec::new();
    walk(&Value::Object(whole), String::new(), split, &mut fields);
    Ok(fields)
}

fn walk(value: &Value, path: String, split: &[&str], fields: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) if !map.is_empty() && !is_file(&path) => {
            for (key, member) in jcs::sorted(map) {
                let escaped = key.replace('~', "~0").replace('/', "~1");
                walk(member, format!("{path}/{escaped}"), split, fields);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for (position, element) in list.iter().enumerate() {
                walk(element, format!("{path}/{position}"), split, fields);
            }
        }
        Value::String(text) if split.contains(&path.as_str()) => {
            for (position, token) in tokens(text).into_iter().enumerate() {
                fields.push((format!("{path}#{position}"), token.into()));
            }
        }
        other => fields.push((path, other.clone())),
    }
}

/// A file's digest is one field; `/files/` followed by one reference token.
fn is_file(path: &str) -> bool {
    path.strip_prefix("/files/").is_some_and(|rest| !rest.contains('/'))
}

/// Runs of white space and runs of the rest; the empty text is one empty token, so that the field is there.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut start = 0;
    let mut previous = None;
    for (at, c) in text.char_indices() {
        let space = c.is_whitespace();
        if previous.is_some_and(|previous| previous != space) {
            tokens.push(&text[start..at]);
            start = at;
        }
        previous = Some(space);
    }
    tokens.push(&text[start..]);
    tokens
}

/// A field that is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The leaf's position.
    pub index: usize,
    /// The field's path.
    pub path: String,
    /// Its value.
    pub value: Value,
}

/// What a `fields.json` shows, once its root is that of the log entry.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fields {
    /// The fields that are shown, in the order of the leaves.
    pub shown: Vec<Shown>,
    /// The positions that are only hashes (withheld fields and decoys), with the path where one is told. That
    /// path is a claim: nothing proves it.
    pub withheld: Vec<(usize, Option<String>)>,
}

/// A captured file, as the fields commit to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDigest {
    /// The path below `data/`.
    pub path: String,
    /// SHA-256 of the bytes.
    pub sha256: Hash,
    /// Their number.
    pub size: u64,
}

impl Fields {
    /// The value of the field at `path`, if it is shown.
    pub fn get(&self, path: &str) -> Option<&Value> {
        self.shown.iter().find(|field| field.path == path).map(|field| &field.value)
    }

    /// The text at `path`, put together again if it was cut in words.
    pub fn text(&self, path: &str) -> Option<String> {
        if let Some(value) = self.get(path) {
            return value.as_str().map(str::to_owned);
        }
        let mut parts = self
            .shown
            .iter()
            .filter(|field| {
                let rest = field.path.strip_prefix(path).and_then(|rest| rest.strip_prefix('#'));
                rest.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            })
            .map(|field| field.value.as_str().unwrap_or_default())
            .peekable();
        parts.peek()?;
        Some(parts.collect())
    }

    /// The captured files that are shown.
    ///
    /// # Errors
    /// `Leaf` for a field below `/files/` whose value is no digest.
    pub fn files(&self) -> Result<Vec<FileDigest>, FieldsError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Raw {
            sha256: String,
            size: u64,
        }
        let mut files = Vec::new();
        for field in &self.shown {
            if let Some(escaped) = field.path.strip_prefix("/files/") {
                let bad = || FieldsError::Leaf { index: field.index };
                let raw: Raw = serde_json::from_value(field.value.clone()).map_err(|_| bad())?;
                let sha256 = lower_hex(&raw.sha256).ok_or_else(bad)?;
                let path = escaped.replace("~1", "/").replace("~0", "~");
                files.push(FileDigest { path, sha256, size: raw.size });
            }
        }
        Ok(files)
    }
}

/// Reads a `fields.json`, full or masked, and checks it against the log entry's root and number of leaves.
///
/// # Errors
/// `Malformed`, `Leaf`, `Count`, `Root`, `TwicePath`.
pub fn verify(text: &str, head: &TreeHead) -> Result<Fields, FieldsError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Raw {
        format: String,
        record_root: String,
        leaves: Vec<RawLeaf>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct RawLeaf {
        d: Option<String>,
        h: Option<String>,
        p: Option<String>,
    }
    let raw: Raw = serde_json::from_str(text).map_err(|error| FieldsError::Malformed(error.to_string()))?;
    if raw.format != FORMAT {
        return Err(FieldsError::Malformed(format!("its format is not `{FORMAT}`")));
    }
    if raw.leaves.len() as u64 != u64::from(head.n) {
        return Err(FieldsError::Count { found: raw.leaves.len(), expected: head.n });
    }
    let mut hashes = Vec::with_capacity(raw.leaves.len());
    let mut fields = Fields::default();
    let mut paths = HashSet::new();
    for (index, leaf) in raw.leaves.into_iter().enumerate() {
        match leaf {
            RawLeaf { d: Some(disclosure), h: None, p: None } => {
                let (path, value) = open(&disclosure).ok_or(FieldsError::Leaf { index })?;
                if !paths.insert(path.clone()) {
                    return Err(FieldsError::TwicePath(path));
                }
                hashes.push(merkle::leaf_hash(disclosure.as_bytes()));
                fields.shown.push(Shown { index, path, value });
            }
            RawLeaf { d: None, h: Some(hash), p } => {
                hashes.push(lower_hex(&hash).ok_or(FieldsError::Leaf { index })?);
                fields.withheld.push((index, p));
            }
            _ => return Err(FieldsError::Leaf { index }),
        }
    }
    let root = merkle::root(&hashes);
    if root != head.root || raw.record_root != hex::encode(head.root) {
        return Err(FieldsError::Root);
    }
    Ok(fields)
}

/// What a disclosure says: path and value.
fn open(disclosure: &str) -> Option<(String, Value)> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(disclosure).ok()?;
    let (salt, path, value): (String, String, Value) = serde_json::from_slice(&bytes).ok()?;
    let salt = BASE64_URL_SAFE_NO_PAD.decode(salt).ok()?;
    (salt.len() == 16).then_some((path, value))
}

#[cfg(test)]
mod tests;
