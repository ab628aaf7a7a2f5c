//! `keys.db`: what must stay secret, each wrapped by one key that lies elsewhere.
//!
//! A record's key opens its pack and makes its salts; destroying the row is half of a disposal. The file is a
//! database of its own so that it can have its own backup with a short, fixed life.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use ed25519_dalek::SigningKey;
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};
use zeroize::Zeroizing;

use super::entry::RecordId;
use crate::durable;

/// A secret of 32 bytes: zeroized when dropped, never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    /// The bytes, for the cipher that needs them.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The secret made of these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    fn random() -> io::Result<Self> {
        let mut secret = Self(Zeroizing::new([0; 32]));
        getrandom::fill(secret.0.as_mut_slice()).map_err(io::Error::other)?;
        Ok(secret)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What can go wrong with keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file cannot be read or written.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Everybody on the machine may read or write the key-encryption key.
    #[error("{} may be used by everybody on this machine (mode {mode:03o}): chmod 0400 it", .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file holds no key-encryption key.
    #[error("{} holds no key: it must be one line of 64 hexadecimal digits", .0.display())]
    NoKek(PathBuf),
    /// The key-encryption key is not the one that `keys.db` was made with.
    #[error("{} was made with another key-encryption key than the one given: use the one from the recovery sheet", .0.display())]
    WrongKek(PathBuf),
    /// The file is no `keys.db`, or one of another version.
    #[error("{} is no keys.db that this version knows", .0.display())]
    NoKeys(PathBuf),
    /// A wrapped key was changed.
    #[error("the key {kind} {id} in keys.db is damaged: restore keys.db from its backup")]
    Damaged {
        /// Which kind of key.
        kind: &'static str,
        /// Whose.
        id: String,
    },
    /// The record was disposed of; its key must not come back.
    #[error("the key of record {0} was destroyed when the record was disposed of")]
    Destroyed(RecordId),
    /// Another connection still reads, so what was destroyed may still lie in the write-ahead log.
    #[error(
        "the destroyed keys may still lie in the write-ahead log of keys.db, because another process reads it: stop that process and destroy again"
    )]
    Busy,
    /// The database refuses.
    #[error("keys.db: {0}")]
    Database(#[from] rusqlite::Error),
    /// The operating system gives no random bytes.
    #[error("no random bytes: {0}")]
    Random(io::Error),
}

/// The key-encryption key: it wraps every key in `keys.db`, and losing it loses the evidence.
#[derive(Debug, Clone)]
pub struct Kek(Secret);

impl Kek {
    /// Reads the key from a file: 64 hexadecimal digits and a line feed, closed to everybody else.
    ///
    /// # Errors
    /// `Io`; `Open` if others have any right to the file; `NoKek` if it holds anything else.
    pub fn read(path: &Path) -> Result<Self, KeysError> {
        let io = |source| KeysError::Io { path: path.to_owned(), source };
        let mode = fs::metadata(path).map_err(io)?.permissions().mode() & 0o777;
        if mode & 0o007 != 0 {
            return Err(KeysError::Open { path: path.to_owned(), mode });
        }
        let text = Zeroizing::new(fs::read(path).map_err(io)?);
        let digits = text.strip_suffix(b"\n").unwrap_or(&text);
        let mut secret = Secret(Zeroizing::new([0; 32]));
        hex::decode_to_slice(digits, secret.0.as_mut_slice())
            .map_err(|_| KeysError::NoKek(path.to_owned()))?;
        Ok(Self(secret))
    }

    /// Makes a new key and writes it to `path`, which must not exist, readable by its owner only.
    ///
    /// # Errors
    /// `Io`, also if the file is there already: a key is never overwritten. `Random`.
    pub fn generate(path: &Path) -> Result<Self, KeysError> {
        let io = |source| KeysError::Io { path: path.to_owned(), source };
        if path.symlink_metadata().is_ok() {
            let message = "exists already, and a key-encryption key is never overwritten";
            return Err(io(io::Error::new(io::ErrorKind::AlreadyExists, message)));
        }
        let kek = Self(Secret::random().map_err(KeysError::Random)?);
        let line = Zeroizing::new(format!("{}\n", *kek.hex()));
        durable::write(path, line.as_bytes(), 0o400).map_err(io)?;
        Ok(kek)
    }

    /// The key as 64 hexadecimal digits, for the recovery sheet.
    pub fn hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.0.expose()))
    }

    /// The nonce and the wrapped secret; `kind` and `id` are bound to it, so that rows cannot be swapped.
    fn wrap(&self, kind: &'static str, id: &str, secret: &Secret) -> Result<Vec<u8>, KeysError> {
        let mut nonce = [0; 24];
        getrandom::fill(&mut nonce).map_err(|error| KeysError::Random(io::Error::other(error)))?;
        let aad = format!("{kind}\0{id}");
        let payload = Payload { msg: secret.expose(), aad: aad.as_bytes() };
        // The cipher refuses only messages of many gibibytes, and this one has 32 bytes.
        let sealed = self
            .cipher()
            .encrypt(&nonce.into(), payload)
            .map_err(|_| KeysError::Damaged { kind, id: id.to_owned() })?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    fn unwrap(&self, kind: &str, id: &str, wrapped: &[u8]) -> Option<Secret> {
        let (nonce, sealed) = wrapped.split_first_chunk::<24>()?;
        let aad = format!("{kind}\0{id}");
        let payload = Payload { msg: sealed, aad: aad.as_bytes() };
        let plain = Zeroizing::new(self.cipher().decrypt(&(*nonce).into(), payload).ok()?);
        let mut secret = Secret(Zeroizing::new([0; 32]));
        if plain.len() != 32 {
            return None;
        }
        secret.0.copy_from_slice(&plain);
        Some(secret)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.0.expose().into())
    }
}

const SCHEMA: &str = "
CREATE TABLE key (
    kind TEXT NOT NULL,                 -- log (Ed25519 seed), link (HMAC key of links to the desk), record (K)
    id TEXT NOT NULL,                   -- '' for log and link, else the record's 32 hexadecimal digits
    wrapped BLOB NOT NULL,              -- 24 bytes of nonce and the secret sealed by the key-encryption key
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
-- A record's name is random and public in the log. Kept so that a destroyed key cannot be made anew by mistake.
CREATE TABLE destroyed (id TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
";

/// Says that a database is a `keys.db`: the bytes `UPPk`.
const APPLICATION: i64 = 0x5550_506b;
const VERSION: i64 = 1;

/// The keys, open.
pub struct Keys {
    db: Connection,
    kek: Kek,
    signing: SigningKey,
    link: Secret,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    /// Makes a new `keys.db` with a signing key and a link key; the file must not exist.
    ///
    /// # Errors
    /// `Io` if the file is there already; `Database`, `Random`.
    pub fn create(path: &Path, kek: &Kek) -> Result<Self, KeysError> {
        let io = |source| KeysError::Io { path: path.to_owned(), source };
        if path.symlink_metadata().is_ok() {
            return Err(io(io::Error::new(io::ErrorKind::AlreadyExists, "exists already")));
        }
        // Empty and closed to others before the first secret: SQLite gives its WAL the same permissions.
        durable::write(path, b"", 0o600).map_err(io)?;
        let mut db = connect(path)?;
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(SCHEMA)?;
        tx.pragma_update(None, "application_id", APPLICATION)?;
        tx.pragma_update(None, "user_version", VERSION)?;
        for kind in ["log", "link"] {
            let secret = Secret::random().map_err(KeysError::Random)?;
            tx.execute("INSERT INTO key VALUES (?, '', ?)", params![kind, kek.wrap(kind, "", &secret)?])?;
        }
        tx.commit()?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            durable::sync_folder(folder).map_err(io)?;
        }
        drop(db);
        Self::open(path, kek)
    }

    /// Opens an existing `keys.db`.
    ///
    /// # Errors
    /// `Io` if there is none, `NoKeys`, `WrongKek`, `Database`.
    pub fn open(path: &Path, kek: &Kek) -> Result<Self, KeysError> {
        fs::metadata(path).map_err(|source| KeysError::Io { path: path.to_owned(), source })?;
        let db = connect(path).map_err(|error| match error {
            KeysError::Database(rusqlite::Error::SqliteFailure(failure, _))
                if failure.code == rusqlite::ErrorCode::NotADatabase =>
            {
                KeysError::NoKeys(path.to_owned())
            }
            other => other,
        })?;
        let pragma = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        if pragma("application_id")? != APPLICATION || pragma("user_version")? != VERSION {
            return Err(KeysError::NoKeys(path.to_owned()));
        }
        let wrapped = |kind: &str| select(&db, kind, "")?.ok_or(KeysError::NoKeys(path.to_owned()));
        let (log, link) = (wrapped("log")?, wrapped("link")?);
        let seed = kek.unwrap("log", "", &log);
        let link = kek.unwrap("link", "", &link);
        match (seed, link) {
            (Some(seed), Some(link)) => {
                let signing = SigningKey::from_bytes(seed.expose());
                Ok(Self { db, kek: kek.clone(), signing, link })
            }
            (None, None) => Err(KeysError::WrongKek(path.to_owned())),
            (None, _) => Err(KeysError::Damaged { kind: "log", id: String::new() }),
            (_, None) => Err(KeysError::Damaged { kind: "link", id: String::new() }),
        }
    }

    /// The key that signs the log.
    pub fn signing_key(&self) -> &SigningKey {
        &self.signing
    }

    /// The key that signs links to the desk (HMAC).
    pub fn link_key(&self) -> &Secret {
        &self.link
    }

    /// The key of `record`, made and durable now if there is none.
    ///
    /// # Errors
    /// `Destroyed`, `Damaged`, `Database`, `Random`.
    pub fn record_key(&mut self, record: RecordId) -> Result<Secret, KeysError> {
        Ok(self.record_keys(&[record])?.remove(0))
    }

    /// The keys of `records` in their order, the missing ones made and durable with one fsync.
    ///
    /// # Errors
    /// As [`Keys::record_key`]; then none was made.
    pub fn record_keys(&mut self, records: &[RecordId]) -> Result<Vec<Secret>, KeysError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut secrets = Vec::with_capacity(records.len());
        for record in records {
            let secret = if let Some(secret) = find(&tx, &self.kek, *record)? {
                secret
            } else {
                let secret = Secret::random().map_err(KeysError::Random)?;
                let id = record.to_string();
                let wrapped = self.kek.wrap("record", &id, &secret)?;
                tx.execute("INSERT INTO key VALUES ('record', ?, ?)", params![id, wrapped])?;
                secret
            };
            secrets.push(secret);
        }
        tx.commit()?;
        Ok(secrets)
    }

    /// The key of `record` if it has one; never makes one.
    ///
    /// # Errors
    /// `Destroyed`, `Damaged`, `Database`.
    pub fn existing_record_key(&self, record: RecordId) -> Result<Option<Secret>, KeysError> {
        find(&self.db, &self.kek, record)
    }

    /// Destroys the keys of `records`: rows overwritten, write-ahead log emptied, free pages given back. The same
    /// record again succeeds. Copies in backups live as long as the backups do.
    ///
    /// # Errors
    /// `Database`; `Busy` if the write-ahead log could not be emptied. The keys are then gone from the table.
    pub fn destroy(&mut self, records: &[RecordId]) -> Result<(), KeysError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for record in records {
            let id = record.to_string();
            tx.execute("DELETE FROM key WHERE kind = 'record' AND id = ?", [&id])?;
            tx.execute("INSERT OR IGNORE INTO destroyed VALUES (?)", [&id])?;
        }
        tx.commit()?;
        self.db.execute_batch("VACUUM")?;
        let busy: i64 = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy == 0 { Ok(()) } else { Err(KeysError::Busy) }
    }

    /// The records that have a key, sorted.
    ///
    /// # Errors
    /// `Database`.
    pub fn records(&self) -> Result<Vec<RecordId>, KeysError> {
        let mut statement = self.db.prepare("SELECT id FROM key WHERE kind = 'record' ORDER BY id")?;
        let ids = statement.query_map([], |row| row.get::<_, String>(0))?;
        ids.map(|id| {
            let id = id?;
            id.parse().map_err(|_| KeysError::Damaged { kind: "record", id })
        })
        .collect()
    }
}

/// The records that have a key in the `keys.db` at `path`, read without the key-encryption key and beside a running
/// daemon; `None` if there is none that can be read.
pub fn known_records(path: &Path) -> Option<HashSet<RecordId>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).ok()?;
    let mut statement = db.prepare("SELECT id FROM key WHERE kind = 'record'").ok()?;
    let ids = statement.query_map([], |row| row.get::<_, String>(0)).ok()?;
    ids.map(|id| id.ok()?.parse().ok()).collect()
}

fn connect(path: &Path) -> Result<Connection, KeysError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(std::time::Duration::from_secs(5))?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "secure_delete", true)?;
    Ok(db)
}

fn select(db: &Connection, kind: &str, id: &str) -> Result<Option<Vec<u8>>, KeysError> {
    let sql = "SELECT wrapped FROM key WHERE kind = ? AND id = ?";
    Ok(db.query_row(sql, [kind, id], |row| row.get(0)).optional()?)
}

fn find(db: &Connection, kek: &Kek, record: RecordId) -> Result<Option<Secret>, KeysError> {
    let id = record.to_string();
    if let Some(wrapped) = select(db, "record", &id)? {
        return match kek.unwrap("record", &id, &wrapped) {
            Some(secret) => Ok(Some(secret)),
            None => Err(KeysError::Damaged { kind: "record", id }),
        };
    }
    let sql = "SELECT 1 FROM destroyed WHERE id = ?";
    let destroyed: Option<i64> = db.query_row(sql, [&id], |row| row.get(0)).optional()?;
    if destroyed.is_some() { Err(KeysError::Destroyed(record)) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(folder: &Path) -> (PathBuf, Kek, Keys) {
        let kek = Kek::generate(&folder.join("kek")).unwrap();
        let path = folder.join("keys.db");
        let keys = Keys::create(&path, &kek).unwrap();
        (path, kek, keys)
    }

    fn record(byte: u8) -> RecordId {
        RecordId::from_bytes([byte; 16])
    }

    #[test]
    fn keys_are_the_same_after_a_restart_and_differ_between_records() {
        let dir = tempfile::tempdir().unwrap();
        let (path, kek, mut keys) = made(dir.path());
        let one = keys.record_key(record(1)).unwrap();
        assert_eq!(keys.record_key(record(1)).unwrap(), one);
        let (signing, link) = (keys.signing_key().to_bytes(), keys.link_key().clone());
        drop(keys);
        let mut keys = Keys::open(&path, &Kek::read(&dir.path().join("kek")).unwrap()).unwrap();
        assert_eq!(keys.record_keys(&[record(1), record(2)]).unwrap()[0], one);
        assert_ne!(keys.record_key(record(2)).unwrap(), one);
        assert_eq!((keys.signing_key().to_bytes(), keys.link_key().clone()), (signing, link));
        assert_eq!(keys.existing_record_key(record(3)).unwrap(), None);
        assert_eq!(keys.records().unwrap(), [record(1), record(2)]);
        assert_eq!(known_records(&path).unwrap(), HashSet::from([record(1), record(2)]));
        assert_eq!(known_records(&dir.path().join("none.db")), None);
        assert_eq!(kek.hex().len(), 64);
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
    }

    #[test]
    fn a_destroyed_key_is_gone_from_every_byte_on_disk_and_never_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let (path, kek, mut keys) = made(dir.path());
        for byte in 1..100 {
            keys.record_key(record(byte)).unwrap();
        }
        let wrapped = select(&keys.db, "record", &record(7).to_string()).unwrap().unwrap();
        let lies_on_disk = || {
            fs::read_dir(dir.path()).unwrap().any(|file| {
                let bytes = fs::read(file.unwrap().path()).unwrap();
                bytes.windows(wrapped.len()).any(|window| window == wrapped)
            })
        };
        assert!(lies_on_disk());
        keys.destroy(&[record(7)]).unwrap();
        assert!(!lies_on_disk());
        keys.destroy(&[record(7)]).unwrap();
        assert!(matches!(keys.record_key(record(7)), Err(KeysError::Destroyed(_))));
        assert!(matches!(keys.existing_record_key(record(7)), Err(KeysError::Destroyed(_))));
        keys.record_keys(&[record(200), record(7)]).unwrap_err();
        assert_eq!(keys.existing_record_key(record(200)).unwrap(), None, "all or none");
        drop(keys);
        assert_eq!(Keys::open(&path, &kek).unwrap().records().unwrap().len(), 98);
    }

    #[test]
    fn a_reader_that_holds_the_write_ahead_log_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let (path, _, mut keys) = made(dir.path());
        keys.record_key(record(1)).unwrap();
        keys.db.busy_timeout(std::time::Duration::ZERO).unwrap();
        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM key").unwrap();
        assert!(matches!(keys.destroy(&[record(1)]), Err(KeysError::Busy)));
        reader.execute_batch("COMMIT").unwrap();
        keys.destroy(&[record(1)]).unwrap();
    }

    #[test]
    fn the_wrong_key_encryption_key_is_told_apart_from_damage() {
        let dir = tempfile::tempdir().unwrap();
        let (path, kek, mut keys) = made(dir.path());
        keys.record_keys(&[record(1), record(2)]).unwrap();
        let other = Kek::generate(&dir.path().join("kek2")).unwrap();
        assert!(matches!(Keys::open(&path, &other), Err(KeysError::WrongKek(_))));
        // One row under another record's name: each is bound to its own.
        keys.db
            .execute_batch(
                "DELETE FROM key WHERE id = '02020202020202020202020202020202';
                 UPDATE key SET id = '02020202020202020202020202020202' WHERE kind = 'record'",
            )
            .unwrap();
        assert!(matches!(keys.record_key(record(2)), Err(KeysError::Damaged { .. })));
        keys.db.execute_batch("UPDATE key SET wrapped = x'00' WHERE kind = 'link'").unwrap();
        drop(keys);
        assert!(matches!(Keys::open(&path, &kek), Err(KeysError::Damaged { kind: "link", .. })));
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_is_created_by_opening() {
        let dir = tempfile::tempdir().unwrap();
        let (path, kek, _keys) = made(dir.path());
        assert!(matches!(Keys::create(&path, &kek), Err(KeysError::Io { .. })));
        assert!(matches!(Kek::generate(&dir.path().join("kek")), Err(KeysError::Io { .. })));
        let missing = dir.path().join("missing.db");
        assert!(matches!(Keys::open(&missing, &kek), Err(KeysError::Io { .. })));
        assert!(!missing.exists());
        let foreign = dir.path().join("foreign.db");
        durable::write(&foreign, b"this is no database at all, but longer than a header would have to be ......................................", 0o600).unwrap();
        assert!(matches!(Keys::open(&foreign, &kek), Err(KeysError::NoKeys(_))));
        durable::write(&foreign, b"", 0o600).unwrap();
        assert!(matches!(Keys::open(&foreign, &kek), Err(KeysError::NoKeys(_))));
    }

    #[test]
    fn a_key_file_open_to_others_or_with_other_content_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kek");
        let digits = "ab".repeat(32);
        for (content, mode, good) in [
            (format!("{digits}\n"), 0o400, true),
            (format!("{digits}\n"), 0o440, true),
            (digits.clone(), 0o600, true),
            (format!("{digits}\n"), 0o444, false),
            (format!("{digits}\n"), 0o602, false),
            (format!("{digits}\n\n"), 0o400, false),
            (format!("{}\n", "ab".repeat(31)), 0o400, false),
            (format!("{}\n", "xy".repeat(32)), 0o400, false),
            (String::new(), 0o400, false),
        ] {
            durable::write(&path, content.as_bytes(), mode).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let read = Kek::read(&path);
            assert_eq!(read.is_ok(), good, "{content:?} {mode:o}");
            if let Err(error) = read {
                let message = error.to_string();
                assert!(message.contains(path.to_str().unwrap()) && !message.contains(&digits), "{message}");
            }
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        let (_, kek, mut keys) = made(dir.path());
        let secret = keys.record_key(record(1)).unwrap();
        for shown in [format!("{kek:?}"), format!("{keys:?}"), format!("{secret:?}")] {
            assert!(shown.len() < 20, "{shown}");
        }
    }
}
