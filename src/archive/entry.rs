//! One entry of the log: what happened to a record, when, and the salted root of what is known about it.
//!
//! The leaf of the tree is the entry's canonical JSON (RFC 8785) without a line feed. Nothing in it identifies a
//! person: content lies behind the salted root, so an entry can stay when the record must go.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Timelike, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::jcs;
use super::merkle::{self, Hash};
use super::note::VerifierKey;

/// The longest leaf that fits a bundle of entries: its length is written in two bytes.
pub const LONGEST: usize = 65_535;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $code:literal,)*) => {
        /// What an entry tells.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind { $($(#[$doc])* $variant,)* }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word in the entry's `t`.
            pub fn code(self) -> &'static str { match self { $(Self::$variant => $code,)* } }
        }
    };
}

kinds! {
    /// The record's files lie in the archive; its first entry.
    Snapshot = "snapshot",
    /// It got a diary number.
    Registered = "registered",
    /// A person decided, or a decided automatism did.
    Decision = "decision",
    /// It is about to be hidden.
    HideIntent = "hide_intent",
    /// It was seen hidden.
    Hidden = "hidden",
    /// The platform accepted, and nobody saw it hidden within the hour.
    HideUnconfirmed = "hide_unconfirmed",
    /// It could not be hidden.
    HideFailed = "hide_failed",
    /// It is about to be removed.
    RemoveIntent = "remove_intent",
    /// It was removed.
    Removed = "removed",
    /// It could not be removed.
    RemoveFailed = "remove_failed",
    /// It is about to be made public again.
    RestoreIntent = "restore_intent",
    /// It is public again.
    Restored = "restored",
    /// It could not be made public again.
    RestoreFailed = "restore_failed",
    /// It is about to be answered.
    ReplyIntent = "reply_intent",
    /// It was answered.
    Replied = "replied",
    /// It could not be answered.
    ReplyFailed = "reply_failed",
    /// The entry in the diary was wrong; its number is never used again.
    Annulled = "annulled",
    /// It was handed out, possibly masked.
    Release = "release",
    /// Its content and key were destroyed by a decision.
    Disposal = "disposal",
    /// All comments that one account received in one day; belongs to no record.
    Received = "received",
    /// The log's next key; belongs to no record.
    Key = "key",
    /// Something about the log itself; belongs to no record.
    Note = "note",
}

impl Kind {
    /// Whether entries of this kind belong to a record.
    pub fn has_record(self) -> bool {
        !matches!(self, Self::Received | Self::Key | Self::Note)
    }

    /// Whether entries of this kind must have a root.
    pub fn needs_root(self) -> bool {
        matches!(
            self,
            Self::Snapshot
                | Self::Registered
                | Self::Decision
                | Self::Annulled
                | Self::Release
                | Self::Disposal
                | Self::Received
        )
    }

    /// For what ends an act: the intent that must stand before it.
    pub fn intent(self) -> Option<Self> {
        match self {
            Self::Hidden | Self::HideUnconfirmed | Self::HideFailed => Some(Self::HideIntent),
            Self::Removed | Self::RemoveFailed => Some(Self::RemoveIntent),
            Self::Restored | Self::RestoreFailed => Some(Self::RestoreIntent),
            Self::Replied | Self::ReplyFailed => Some(Self::ReplyIntent),
            _ => None,
        }
    }

    /// Whether this announces an act on the platform.
    pub fn is_intent(self) -> bool {
        matches!(self, Self::HideIntent | Self::RemoveIntent | Self::RestoreIntent | Self::ReplyIntent)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Kind {
    type Err = EntryError;

    fn from_str(code: &str) -> Result<Self, EntryError> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code).ok_or(EntryError::Field("t"))
    }
}

/// A record's name: 16 random bytes, written as 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId([u8; 16]);

impl RecordId {
    /// A new random name.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn random() -> std::io::Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
        Ok(Self(bytes))
    }

    /// The name made of these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for RecordId {
    type Err = EntryError;

    fn from_str(text: &str) -> Result<Self, EntryError> {
        lower_hex(text).map(Self).ok_or(EntryError::Field("id"))
    }
}

/// The head of one tree of fields: its root and how many leaves it has, decoys counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeHead {
    /// The root over the leaves.
    pub root: Hash,
    /// The number of leaves: at least one.
    pub n: u32,
}

/// Why an entry cannot be written or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The bytes are no JSON object with the known keys.
    #[error("this is no log entry: not a JSON object with the known keys")]
    Malformed,
    /// The bytes are an entry, but not in its one canonical form.
    #[error("this log entry is not in canonical form (RFC 8785)")]
    NotCanonical,
    /// A value is missing, is not allowed in this kind, or is not what it must be.
    #[error("`{0}` is missing, not allowed in this kind of log entry, or not what it must be")]
    Field(&'static str),
    /// The entry is longer than fits a bundle.
    #[error("a log entry has at most 65,535 bytes")]
    TooLong,
}

/// One entry, valid by construction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    kind: Kind,
    at: DateTime<Utc>,
    record: Option<RecordId>,
    previous: Option<u64>,
    tree: Option<TreeHead>,
    pack: Option<Hash>,
    mask_root: Option<Hash>,
    vkey: Option<String>,
}

impl Entry {
    /// The first entry of `record`: its pack (SHA-256 of the whole file) and its fields are in the archive.
    ///
    /// # Errors
    /// `Field` if the tree has no leaf or the year does not have four digits.
    pub fn snapshot(
        at: DateTime<Utc>,
        record: RecordId,
        tree: TreeHead,
        pack: Hash,
    ) -> Result<Self, EntryError> {
        let bare = Self::bare(Kind::Snapshot, at);
        Self { record: Some(record), tree: Some(tree), pack: Some(pack), ..bare }.checked()
    }

    /// A later entry of a record, after its entry with index `previous`.
    ///
    /// # Errors
    /// `Field` if the kind is a record's first or belongs to none, or lacks a root it needs.
    pub fn following(
        kind: Kind,
        at: DateTime<Utc>,
        previous: u64,
        tree: Option<TreeHead>,
    ) -> Result<Self, EntryError> {
        Self { previous: Some(previous), tree, ..Self::bare(kind, at) }.checked()
    }

    /// The record was handed out: `tree` holds the decision, `mask_root` commits to the masked fields if any were.
    ///
    /// # Errors
    /// As [`Entry::following`].
    pub fn release(
        at: DateTime<Utc>,
        previous: u64,
        tree: TreeHead,
        mask_root: Option<Hash>,
    ) -> Result<Self, EntryError> {
        let bare = Self::bare(Kind::Release, at);
        Self { previous: Some(previous), tree: Some(tree), mask_root, ..bare }.checked()
    }

    /// All comments that one account received in one day.
    ///
    /// # Errors
    /// `Field` if the tree has no leaf.
    pub fn received(at: DateTime<Utc>, tree: TreeHead) -> Result<Self, EntryError> {
        Self { tree: Some(tree), ..Self::bare(Kind::Received, at) }.checked()
    }

    /// From here on the log is signed with another key too.
    ///
    /// # Errors
    /// `TooLong` for a key with an absurd name.
    pub fn key(at: DateTime<Utc>, key: &VerifierKey) -> Result<Self, EntryError> {
        Self { vkey: Some(key.to_string()), ..Self::bare(Kind::Key, at) }.checked()
    }

    /// Something about the log itself, told in the fields behind `tree`.
    ///
    /// # Errors
    /// `Field` if the tree has no leaf.
    pub fn note(at: DateTime<Utc>, tree: Option<TreeHead>) -> Result<Self, EntryError> {
        Self { tree, ..Self::bare(Kind::Note, at) }.checked()
    }

    /// What the entry tells.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// When, in whole seconds (UTC).
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// The record that begins here; only a snapshot names it.
    pub fn record(&self) -> Option<RecordId> {
        self.record
    }

    /// The index of the same record's previous entry (`ref`).
    pub fn previous(&self) -> Option<u64> {
        self.previous
    }

    /// The fields behind the entry.
    pub fn tree(&self) -> Option<TreeHead> {
        self.tree
    }

    /// SHA-256 of the record's pack.
    pub fn pack(&self) -> Option<Hash> {
        self.pack
    }

    /// What a masked release commits to.
    pub fn mask_root(&self) -> Option<Hash> {
        self.mask_root
    }

    /// The new key that a `key` entry announces.
    pub fn vkey(&self) -> Option<&str> {
        self.vkey.as_deref()
    }

    /// The leaf's bytes: canonical JSON, no line feed.
    pub fn canonical(&self) -> Vec<u8> {
        let hex = |hash: Hash| Value::from(hex::encode(hash));
        let mut map = Map::new();
        map.insert("at".into(), self.at.format("%Y-%m-%dT%H:%M:%SZ").to_string().into());
        map.extend(self.record.map(|record| ("id".to_owned(), record.to_string().into())));
        map.extend(self.mask_root.map(|root| ("mask_root".to_owned(), hex(root))));
        map.extend(self.tree.map(|tree| ("n".to_owned(), tree.n.into())));
        map.extend(self.pack.map(|pack| ("pack".to_owned(), hex(pack))));
        map.extend(self.previous.map(|previous| ("ref".to_owned(), previous.into())));
        map.extend(self.tree.map(|tree| ("root".to_owned(), hex(tree.root))));
        map.insert("t".into(), self.kind.code().into());
        map.insert("v".into(), 1.into());
        map.extend(self.vkey.as_deref().map(|vkey| ("vkey".to_owned(), vkey.into())));
        // Only integers stand in an entry, and `checked` keeps `ref` below 2^53: there is always a canonical form.
        jcs::canonical(&Value::Object(map)).unwrap_or_default().into_bytes()
    }

    /// The hash of the entry's leaf.
    pub fn leaf_hash(&self) -> Hash {
        merkle::leaf_hash(&self.canonical())
    }

    /// Reads a leaf; anything but the one canonical form of a valid entry is an error.
    ///
    /// # Errors
    /// Any [`EntryError`].
    pub fn parse(leaf: &[u8]) -> Result<Self, EntryError> {
        if leaf.len() > LONGEST {
            return Err(EntryError::TooLong);
        }
        let raw: Raw<'_> = serde_json::from_slice(leaf).map_err(|_| EntryError::Malformed)?;
        if raw.v != 1 {
            return Err(EntryError::Field("v"));
        }
        let at = DateTime::parse_from_rfc3339(raw.at).map_err(|_| EntryError::Field("at"))?.to_utc();
        let hash = |text: Option<&str>, field| match text {
            None => Ok(None),
            Some(text) => lower_hex(text).map(Some).ok_or(EntryError::Field(field)),
        };
        let tree = match (hash(raw.root, "root")?, raw.n) {
            (Some(root), Some(n)) => Some(TreeHead { root, n }),
            (None, None) => None,
            (Some(_), None) => return Err(EntryError::Field("n")),
            (None, Some(_)) => return Err(EntryError::Field("root")),
        };
        let entry = Self {
            kind: raw.t.parse()?,
            at,
            record: raw.id.map(str::parse).transpose()?,
            previous: raw.previous,
            tree,
            pack: hash(raw.pack, "pack")?,
            mask_root: hash(raw.mask_root, "mask_root")?,
            vkey: raw.vkey,
        }
        .checked()?;
        if entry.canonical() == leaf { Ok(entry) } else { Err(EntryError::NotCanonical) }
    }

    fn bare(kind: Kind, at: DateTime<Utc>) -> Self {
        // Through the count of seconds, which also takes a leap second's fraction away.
        let at = DateTime::from_timestamp(at.timestamp(), 0).unwrap_or(at);
        Self { kind, at, record: None, previous: None, tree: None, pack: None, mask_root: None, vkey: None }
    }

    /// The entry, if every value that its kind needs is there and no other.
    fn checked(self) -> Result<Self, EntryError> {
        let follows = self.kind.has_record() && self.kind != Kind::Snapshot;
        let allowed = [
            ("at", (0..=9999).contains(&self.at.year()) && self.at.nanosecond() == 0),
            ("id", self.record.is_some() == (self.kind == Kind::Snapshot)),
            ("pack", self.pack.is_some() == (self.kind == Kind::Snapshot)),
            ("ref", self.previous.is_some() == follows && self.previous.is_none_or(|index| index < 1 << 53)),
            ("root", self.tree.is_some() || !self.kind.needs_root()),
            ("root", self.tree.is_none() || self.kind != Kind::Key),
            ("n", self.tree.is_none_or(|tree| tree.n > 0 && tree.n.is_multiple_of(16))),
            ("mask_root", self.mask_root.is_none() || self.kind == Kind::Release),
            ("vkey", self.vkey.is_some() == (self.kind == Kind::Key)),
            ("vkey", self.vkey.as_deref().is_none_or(|vkey| vkey.parse::<VerifierKey>().is_ok())),
        ];
        if let Some((field, _)) = allowed.into_iter().find(|(_, good)| !good) {
            return Err(EntryError::Field(field));
        }
        // Only a key's name has no length of its own.
        if self.vkey.is_some() && self.canonical().len() > LONGEST {
            return Err(EntryError::TooLong);
        }
        Ok(self)
    }
}

/// An entry as it stands in JSON. Nothing but the name in a vkey can need an escape, so all else can be borrowed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw<'a> {
    at: &'a str,
    #[serde(default)]
    id: Option<&'a str>,
    #[serde(default)]
    mask_root: Option<&'a str>,
    #[serde(default)]
    n: Option<u32>,
    #[serde(default)]
    pack: Option<&'a str>,
    #[serde(default, rename = "ref")]
    previous: Option<u64>,
    #[serde(default)]
    root: Option<&'a str>,
    t: &'a str,
    v: u8,
    #[serde(default)]
    vkey: Option<String>,
}

/// Exactly `2 * N` lower-case hexadecimal digits.
pub(super) fn lower_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    fn at() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 23, 6, 11, 2).unwrap()
    }

    const TREE: TreeHead = TreeHead { root: [0xab; 32], n: 16 };

    fn snapshot() -> Entry {
        Entry::snapshot(at(), RecordId::from_bytes([1; 16]), TREE, [0xcd; 32]).unwrap()
    }

    #[test]
    fn an_entry_is_written_exactly_as_the_specification_says() {
        let key = ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
        let quoted = VerifierKey::of("a\"b\\", &key).unwrap();
        let quoted = Entry::key(at(), &quoted).unwrap();
        assert_eq!(Entry::parse(&quoted.canonical()).unwrap(), quoted);
        let key = VerifierKey::of("exempel.se/uppsikt/logg1", &key).unwrap();
        let (ab, cd) = ("ab".repeat(32), "cd".repeat(32));
        for (entry, expected) in [
            (
                snapshot(),
                format!(
                    r#"{{"at":"2026-11-23T06:11:02Z","id":"{}","n":16,"pack":"{cd}","root":"{ab}","t":"snapshot","v":1}}"#,
                    "01".repeat(16)
                ),
            ),
            (
                Entry::following(Kind::HideIntent, at(), 7, None).unwrap(),
                r#"{"at":"2026-11-23T06:11:02Z","ref":7,"t":"hide_intent","v":1}"#.to_owned(),
            ),
            (
                Entry::release(at(), 7, TREE, Some([0xcd; 32])).unwrap(),
                format!(
                    r#"{{"at":"2026-11-23T06:11:02Z","mask_root":"{cd}","n":16,"ref":7,"root":"{ab}","t":"release","v":1}}"#
                ),
            ),
            (
                Entry::received(at(), TREE).unwrap(),
                format!(r#"{{"at":"2026-11-23T06:11:02Z","n":16,"root":"{ab}","t":"received","v":1}}"#),
            ),
            (
                Entry::note(at(), None).unwrap(),
                r#"{"at":"2026-11-23T06:11:02Z","t":"note","v":1}"#.to_owned(),
            ),
            (
                Entry::key(at(), &key).unwrap(),
                format!(r#"{{"at":"2026-11-23T06:11:02Z","t":"key","v":1,"vkey":"{key}"}}"#),
            ),
        ] {
            assert_eq!(String::from_utf8(entry.canonical()).unwrap(), expected);
            assert_eq!(Entry::parse(expected.as_bytes()).unwrap(), entry);
        }
    }

    #[test]
    fn every_kind_has_its_word_and_reads_back() {
        assert_eq!(Kind::ALL.len(), 22);
        for kind in Kind::ALL {
            assert_eq!(kind.code().parse::<Kind>().unwrap(), *kind);
            assert!(kind.intent().is_none_or(Kind::is_intent));
            if kind.has_record() && *kind != Kind::Snapshot {
                let entry = Entry::following(*kind, at(), 0, Some(TREE)).unwrap();
                assert_eq!(Entry::parse(&entry.canonical()).unwrap(), entry);
                assert_eq!(Entry::following(*kind, at(), 0, None).is_err(), kind.needs_root());
            } else {
                assert!(Entry::following(*kind, at(), 0, Some(TREE)).is_err(), "{kind}");
            }
        }
        "hide".parse::<Kind>().unwrap_err();
    }

    #[test]
    fn a_fraction_of_a_second_is_cut_off() {
        let entry = Entry::note(at() + chrono::TimeDelta::milliseconds(999), None).unwrap();
        assert_eq!(entry.at(), at());
    }

    #[test]
    fn anything_but_the_canonical_form_is_refused() {
        let good = String::from_utf8(snapshot().canonical()).unwrap();
        Entry::parse(good.as_bytes()).unwrap();
        let hide = r#"{"at":"2026-11-23T06:11:02Z","ref":7,"t":"hide_intent","v":1}"#;
        for bad in [
            String::new(),
            "[]".to_owned(),
            format!("{good}\n"),
            format!(" {good}"),
            good.replace("\"n\":16", "\"n\": 16"),
            good.replace("\"n\":16", "\"n\":17"),
            good.replace("\"n\":16", "\"n\":0"),
            good.replace("\"n\":16", "\"n\":-16"),
            good.replace("\"n\":16", "\"n\":16.0"),
            good.replace("\"n\":16", "\"n\":4294967312"),
            good.replace("\"n\":16,", ""),
            good.replace("\"n\":16", "\"n\":16,\"n\":16"),
            good.replace("abab", "ABAB"),
            good.replace("abab", "ab"),
            good.replace("06:11:02Z", "06:11:02+00:00"),
            good.replace("06:11:02Z", "06:11:02.5Z"),
            good.replace("06:11:02Z", "06:11:60Z"),
            good.replace("\"v\":1", "\"v\":2"),
            good.replace("\"v\":1", "\"v\":1,\"x\":1"),
            good.replace("\"t\":\"snapshot\"", "\"ref\":1,\"t\":\"snapshot\""),
            good.replace("snapshot", "sn\\u0061pshot"),
            good.replace("snapshot", "received"),
            good.replace("{\"at\":\"2026-11-23T06:11:02Z\",", "{")
                .replace("\"v\":1", "\"v\":1,\"at\":\"2026-11-23T06:11:02Z\""),
            hide.replace('7', "07"),
            hide.replace('7', "9007199254740992"),
            hide.replace("\"ref\":7,", ""),
            hide.replace("\"ref\":7", "\"ref\":null"),
            hide.replace("\"ref\":7", "\"id\":null,\"ref\":7"),
            hide.replace("hide_intent", "decision"),
            format!(
                "{{\"at\":\"2026-11-23T06:11:02Z\",\"t\":\"key\",\"v\":1,\"vkey\":\"{}\"}}",
                "a".repeat(70_000)
            ),
            "{\"at\":\"2026-11-23T06:11:02Z\",\"t\":\"key\",\"v\":1,\"vkey\":\"x\"}".to_owned(),
        ] {
            assert!(Entry::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
