//! Keys to platforms that rotate: read from a file of the secrets folder, renewed, and written back before the old one
//! is dropped (N14).
//!
//! The file holds a bare token, or JSON: `{"access_token", "refresh_token", "expires_at", "refresh_expires_at",
//! "client_id", "client_secret"}`, times in RFC 3339. `uppsikt connect` writes it.

use std::fmt;
use std::fs::File;
use std::future::Future;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::ConnectorError;
use crate::durable;

/// What a platform granted.
#[derive(Clone)]
pub struct Grant {
    /// Goes with every request.
    pub access: SecretString,
    /// Gets a new `access`.
    pub refresh: Option<SecretString>,
    /// When `access` ends (UTC); `None` where it does not, or nobody said.
    pub expires_at: Option<DateTime<Utc>>,
    /// When `refresh` ends (UTC).
    pub refresh_expires_at: Option<DateTime<Utc>>,
    /// The app that asked; needed to renew.
    pub client_id: Option<String>,
    /// The app's secret.
    pub client_secret: Option<SecretString>,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("renewable", &self.refresh.is_some())
            .field("expires_at", &self.expires_at)
            .field("refresh_expires_at", &self.refresh_expires_at)
            .finish_non_exhaustive()
    }
}

/// The file's JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    access_token: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_expires_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
}

/// What is wrong with a file of a key; never its content.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It holds neither a bare token nor the JSON that `uppsikt connect` writes.
    #[error("{}: {reason}; `uppsikt connect` writes it anew", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// It cannot be written, so a key that rotates would be lost at the next start.
    #[error("{} cannot be written: {reason}; let the service write in paths.secrets", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the file system says.
        reason: String,
    },
}

impl Grant {
    /// A key that does not end and cannot be renewed.
    pub fn bare(access: SecretString) -> Self {
        Self {
            access,
            refresh: None,
            expires_at: None,
            refresh_expires_at: None,
            client_id: None,
            client_secret: None,
        }
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// What is wrong with it, without its content.
    pub fn parse(text: &SecretString, path: &Path) -> Result<Self, TokenError> {
        let fault = |reason: String| TokenError::Content { path: path.to_owned(), reason };
        let plain = text.expose_secret().trim();
        if plain.is_empty() {
            return Err(fault("is empty".to_owned()));
        }
        if !plain.starts_with('{') {
            if plain.contains(char::is_whitespace) {
                return Err(fault("holds white space inside the token".to_owned()));
            }
            return Ok(Self::bare(plain.into()));
        }
        let stored: Stored = serde_json::from_str(plain).map_err(|error| {
            fault(format!("is no such JSON (line {}, column {})", error.line(), error.column()))
        })?;
        Ok(Self {
            access: stored.access_token.into(),
            refresh: stored.refresh_token.map(SecretString::from),
            expires_at: stored.expires_at,
            refresh_expires_at: stored.refresh_expires_at,
            client_id: stored.client_id,
            client_secret: stored.client_secret.map(SecretString::from),
        })
    }

    /// Writes the grant to `path`, mode 0600; durable once it returns, and never torn.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, path: &Path) -> Result<(), TokenError> {
        let plain = |secret: &SecretString| secret.expose_secret().to_owned();
        let stored = Stored {
            access_token: plain(&self.access),
            refresh_token: self.refresh.as_ref().map(plain),
            expires_at: self.expires_at,
            refresh_expires_at: self.refresh_expires_at,
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.as_ref().map(plain),
        };
        let fault = |reason: String| TokenError::Write { path: path.to_owned(), reason };
        let mut bytes = serde_json::to_vec(&stored).map_err(|error| fault(error.to_string()))?;
        bytes.push(b'\n');
        durable::write(path, &bytes, 0o600).map_err(|error| fault(error.to_string()))
    }
}

/// A key, shared by everything that uses it, and with other processes by its file: `uppsikt connect` may write a new one,
/// and `uppsikt doctor` may renew one, while the daemon runs.
pub struct Token {
    path: Option<PathBuf>,
    known: Mutex<Known>,
}

struct Known {
    grant: Grant,
    /// The file as it was when the grant was read from it, or written to it.
    file: Option<Stamp>,
}

/// Tells one content of a file from the next: each is a file of its own, renamed into place.
#[derive(PartialEq, Eq)]
struct Stamp {
    inode: u64,
    changed: (i64, i64),
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Token {
    /// A key that stands in no file: the sandbox's.
    pub fn fixed(grant: Grant) -> Self {
        Self { path: None, known: Mutex::new(Known { grant, file: None }) }
    }

    /// The key that `text`, read from `path`, holds; renewed keys are written there.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn open(path: &Path, text: &SecretString) -> Result<Self, TokenError> {
        let known = Known { grant: Grant::parse(text, path)?, file: stamp(path) };
        Ok(Self { path: Some(path.to_owned()), known: Mutex::new(known) })
    }

    /// The key as it is now.
    pub async fn current(&self) -> Grant {
        let mut known = self.known.lock().await;
        self.read_again(&mut known);
        known.grant.clone()
    }

    /// Puts what `ask` brings in place of the key that `old` was; of several callers with the same `old` one asks,
    /// since a refresh token may be good for one use only, and of several processes too. The new key is durable before
    /// it is used.
    ///
    /// # Errors
    /// What `ask` says; `Unavailable` when the file cannot be written (the new key is kept in memory all the same: the
    /// old one no longer works).
    pub async fn renew<F>(
        &self,
        old: &SecretString,
        ask: impl FnOnce(Grant) -> F,
    ) -> Result<Grant, ConnectorError>
    where
        F: Future<Output = Result<Grant, ConnectorError>>,
    {
        let mut known = self.known.lock().await;
        self.read_again(&mut known);
        if known.grant.access.expose_secret() != old.expose_secret() {
            return Ok(known.grant.clone());
        }
        let _turn = match self.path.clone() {
            Some(path) => turn(path).await?,
            None => None,
        };
        self.read_again(&mut known);
        if known.grant.access.expose_secret() != old.expose_secret() {
            return Ok(known.grant.clone());
        }
        let renewed = ask(known.grant.clone()).await?;
        let written = match &self.path {
            Some(path) => {
                let (path, renewed) = (path.clone(), renewed.clone());
                tokio::task::spawn_blocking(move || renewed.write(&path))
                    .await
                    .map_err(|error| ConnectorError::Unavailable(error.to_string()))?
            }
            None => Ok(()),
        };
        known.grant = renewed.clone();
        known.file = self.path.as_deref().and_then(stamp);
        written.map_err(|error| ConnectorError::Unavailable(error.to_string()))?;
        Ok(renewed)
    }

    /// Takes up what another process has written; a file that cannot be read, or holds no key, changes nothing.
    fn read_again(&self, known: &mut Known) {
        let Some(path) = &self.path else { return };
        let now = stamp(path);
        if now.is_none() || now == known.file {
            return;
        }
        let text = std::fs::read_to_string(path).map(SecretString::from);
        match text
            .map_err(|error| error.to_string())
            .and_then(|text| Grant::parse(&text, path).map_err(|error| error.to_string()))
        {
            Ok(grant) => known.grant = grant,
            Err(reason) => {
                tracing::warn!(%reason, "a key was written that cannot be used; the earlier one stays");
            }
        }
        known.file = now;
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some(Stamp { inode: metadata.ino(), changed: (metadata.ctime(), metadata.ctime_nsec()) })
}

/// Waits until no other process renews this key; `None` where the folder cannot be written, and only this one can.
async fn turn(path: PathBuf) -> Result<Option<File>, ConnectorError> {
    let name = path.file_name().map(|name| format!(".{}.lock", name.to_string_lossy())).unwrap_or_default();
    let lock = path.with_file_name(name);
    let taken = tokio::task::spawn_blocking(move || {
        let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(lock)?;
        file.lock().map(|()| file)
    });
    match taken.await {
        Ok(taken) => Ok(taken.ok()),
        Err(error) => Err(ConnectorError::Unavailable(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_file_holds_a_bare_token_or_what_connect_writes_and_errors_quote_neither() {
        let path = Path::new("secrets/x-token");
        let grant = Grant::parse(&" abc \n".into(), path).unwrap();
        assert_eq!(grant.access.expose_secret(), "abc");
        assert!(grant.refresh.is_none());
        for bad in ["", "hemlig hemlig", "{\"access_token\": 1, \"hemlig\": 2}", "{\"hemlig"] {
            let error = Grant::parse(&bad.into(), path).unwrap_err().to_string();
            assert!(error.contains("x-token") && !error.contains("hemlig"), "{error}");
        }
    }

    #[tokio::test]
    async fn of_many_callers_one_renews_and_the_new_key_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let text = "{\"access_token\": \"a1\", \"refresh_token\": \"r1\"}";
        let token = Arc::new(Token::open(&path, &text.into()).unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let callers = (0..8).map(|_| {
            let (token, asked) = (Arc::clone(&token), Arc::clone(&asked));
            tokio::spawn(async move {
                let ask = |old: Grant| async move {
                    asked.fetch_add(1, Ordering::Relaxed);
                    Ok(Grant { access: "a2".into(), refresh: Some("r2".into()), ..old })
                };
                token.renew(&"a1".into(), ask).await.unwrap().access.expose_secret().to_owned()
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            assert_eq!(caller.await.unwrap(), "a2");
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        let written = std::fs::read_to_string(&path).unwrap();
        let again = Grant::parse(&written.into(), &path).unwrap();
        assert_eq!(again.refresh.unwrap().expose_secret(), "r2");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[tokio::test]
    async fn of_two_processes_one_renews_and_the_other_reads_what_it_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let old = Grant { refresh: Some("r1".into()), ..Grant::bare("a1".into()) };
        old.write(&path).unwrap();
        // Two tokens on one file: what two processes have.
        let open = || Token::open(&path, &std::fs::read_to_string(&path).unwrap().into()).unwrap();
        let (daemon, doctor) = (open(), open());
        let ask = |_| async { Ok(Grant { refresh: Some("r2".into()), ..Grant::bare("a2".into()) }) };
        doctor.renew(&"a1".into(), ask).await.unwrap();
        let spent = |_| async { Err(ConnectorError::Unauthorized("r1 is spent".to_owned())) };
        let renewed = daemon.renew(&"a1".into(), spent).await.unwrap();
        assert_eq!(renewed.access.expose_secret(), "a2");
        Grant::bare("a3".into()).write(&path).unwrap();
        assert_eq!(daemon.current().await.access.expose_secret(), "a3", "what `connect` wrote");
        durable::write(&path, b"half a {", 0o600).unwrap();
        assert_eq!(daemon.current().await.access.expose_secret(), "a3", "what is no key is left alone");
    }

    #[tokio::test]
    async fn a_key_that_cannot_be_written_is_used_all_the_same_and_told() {
        let path = Path::new("/proc/uppsikt/token");
        let token = Token::open(path, &"a1".into()).unwrap();
        let error = token
            .renew(&"a1".into(), |old| async move { Ok(Grant { access: "a2".into(), ..old }) })
            .await
            .unwrap_err();
        assert!(error.to_string().contains("paths.secrets"), "{error}");
        assert_eq!(token.current().await.access.expose_secret(), "a2");
    }
}
