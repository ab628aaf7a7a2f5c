//! `uppsikt witness`: a witness for the logs of others (c2sp.org/tlog-witness). Two municipalities, or a municipality
//! and its archive, run one each and watch each other.
//!
//! Its folder holds its key, the keys of the logs that it watches and the newest checkpoint that it has cosigned of each.
//! It needs no configuration and no database, and knows nothing of what the logs are about.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, anyhow, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path as UrlPath, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing;
use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

use super::{Outcome, args};
use crate::archive::checkpoint::Checkpoint;
use crate::archive::cosign::{self, WitnessKey};
use crate::archive::note::{VerifierKey, lines};
use crate::archive::sha256_hex;
use crate::archive::witness::{self, Answer};
use crate::clock::Clock;
use crate::durable;

/// The private key: 64 hexadecimal digits and a line feed.
const KEY: &str = "witness.key";

/// The public key.
const VKEY: &str = "witness.vkey";

/// The keys of the logs that are watched, one a line; read at each request.
const LOGS: &str = "logs";

/// A file of keys is not longer than this (bytes).
const LONGEST: u64 = 1 << 20;

/// Serves until it is told to stop; the first start makes the key.
///
/// # Errors
/// When the folder cannot be used, is used by another witness, or the address cannot be listened on.
pub fn run(asked: &args::Witness, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let witness = Witness::open(&asked.dir, asked.name.as_deref())?;
    for log in &asked.log {
        witness.watch(log)?;
    }
    writeln!(out, "Vittnets nyckel: {}", witness.vkey)?;
    for log in witness.logs()? {
        writeln!(out, "Bevittnar: {log}")?;
    }
    let Some(listen) = asked.listen else { return Ok(Outcome::Done) };
    super::runtime()?.block_on(async {
        let listener = tokio::net::TcpListener::bind(listen)
            .await
            .with_context(|| format!("--listen {listen} cannot be used"))?;
        writeln!(out, "Lyssnar: http://{}", listener.local_addr()?)?;
        out.flush()?;
        serve(listener, witness, crate::daemon::signalled()).await?;
        Ok(Outcome::Done)
    })
}

async fn serve(
    listener: tokio::net::TcpListener,
    witness: Witness,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let routes = Router::new()
        .route("/add-checkpoint", routing::post(add_checkpoint))
        .route("/{log}/checkpoint", routing::get(newest))
        .layer(DefaultBodyLimit::max(witness::LONGEST))
        .with_state(Arc::new(witness));
    axum::serve(listener, routes).with_graceful_shutdown(stop).await
}

async fn add_checkpoint(State(witness): State<Arc<Witness>>, body: Bytes) -> Response {
    let asked = tokio::task::spawn_blocking(move || {
        let Ok(body) = std::str::from_utf8(&body) else { return Ok((Answer::Bad, String::new())) };
        witness.add(body)
    });
    let (answer, line) = match asked.await {
        Ok(Ok(both)) => both,
        Ok(Err(error)) => {
            tracing::error!(error = %format!("{error:#}"), "a checkpoint could not be cosigned");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        Err(error) => {
            tracing::error!(error = crate::panics::ended(&error), "a checkpoint could not be cosigned");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    match answer {
        Answer::Cosign(_) => (StatusCode::OK, plain, line).into_response(),
        Answer::Bad => (StatusCode::BAD_REQUEST, plain, "no request to cosign\n").into_response(),
        Answer::Unsigned => (StatusCode::FORBIDDEN, plain, "not signed by the log's key\n").into_response(),
        Answer::Unknown => (StatusCode::NOT_FOUND, plain, "this log is not watched\n").into_response(),
        Answer::Conflict(size) => {
            (StatusCode::CONFLICT, [(header::CONTENT_TYPE, witness::SIZE)], format!("{size}\n"))
                .into_response()
        }
        Answer::Unproven => {
            (StatusCode::UNPROCESSABLE_ENTITY, plain, "the log did not only grow\n").into_response()
        }
    }
}

/// The newest checkpoint that was cosigned of the log whose origin has this digest.
async fn newest(State(witness): State<Arc<Witness>>, UrlPath(log): UrlPath<String>) -> Response {
    let known = log.len() == 64 && log.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !known {
        return StatusCode::NOT_FOUND.into_response();
    }
    match tokio::fs::read(witness.path(&log)).await {
        Ok(file) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], file).into_response(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::error!(%error, "a checkpoint could not be read");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A witness and its folder, which no other process uses.
#[derive(Debug)]
struct Witness {
    folder: PathBuf,
    key: SigningKey,
    vkey: WitnessKey,
    clock: Clock,
    /// Checking and remembering are one: two requests must not both follow the same checkpoint.
    one_at_a_time: Mutex<()>,
    _lock: File,
}

impl Witness {
    /// Opens the folder; with `name`, makes what is missing.
    fn open(folder: &Path, name: Option<&str>) -> anyhow::Result<Self> {
        durable::create_folder(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(folder.join("lock"))
            .with_context(|| format!("{} cannot be written", folder.display()))?;
        lock.try_lock().map_err(|_| anyhow!("{} is used by another witness", folder.display()))?;
        let (path, public) = (folder.join(KEY), folder.join(VKEY));
        if !path.exists() {
            let Some(name) = name else {
                bail!(
                    "{} does not exist: name the new witness with --name, such as exempel.se/vittne",
                    path.display()
                );
            };
            if public.exists() {
                bail!(
                    "{} is lost: restore it, or begin in another folder under another name",
                    path.display()
                );
            }
            let mut seed = Zeroizing::new([0; 32]);
            getrandom::fill(seed.as_mut_slice()).map_err(|error| anyhow!("no random bytes: {error}"))?;
            // The public half last: it says that the private half is durable.
            let vkey = WitnessKey::of(name, &SigningKey::from_bytes(&seed)).context("--name")?;
            let line = Zeroizing::new(format!("{}\n", hex::encode(seed.as_slice())));
            durable::write(&path, line.as_bytes(), 0o400)?;
            durable::write(&public, format!("{vkey}\n").as_bytes(), 0o444)?;
        }
        let unread = || format!("{} cannot be read", path.display());
        let mode = std::fs::metadata(&path).with_context(unread)?.permissions().mode() & 0o077;
        if mode != 0 {
            bail!("{} may be read by others: chmod 0400 it", path.display());
        }
        let text = Zeroizing::new(std::fs::read_to_string(&path).with_context(unread)?);
        let mut seed = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim_end(), seed.as_mut_slice())
            .map_err(|_| anyhow!("{} holds no key of 64 hexadecimal digits", path.display()))?;
        let key = SigningKey::from_bytes(&seed);
        let named = match std::fs::read_to_string(&public) {
            Ok(text) => Some(
                text.trim_end()
                    .parse::<WitnessKey>()
                    .with_context(|| public.display().to_string())?
                    .name()
                    .to_owned(),
            ),
            // The first start ended between the two.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => name.map(str::to_owned),
            Err(error) => return Err(error).with_context(|| public.display().to_string()),
        };
        let named = named.ok_or_else(|| anyhow!("{} does not exist: give --name", public.display()))?;
        if name.is_some_and(|name| name != named) {
            bail!("the witness in {} is called {named}; a name is never changed", folder.display());
        }
        let vkey = WitnessKey::of(&named, &key).with_context(|| public.display().to_string())?;
        let line = format!("{vkey}\n");
        match std::fs::read_to_string(&public) {
            Ok(there) if there != line => {
                bail!("{} and {} do not belong together", path.display(), public.display())
            }
            Ok(_) => {}
            Err(_) => durable::write(&public, line.as_bytes(), 0o444)?,
        }
        Ok(Self {
            folder: folder.to_owned(),
            key,
            vkey,
            clock: Clock::System,
            one_at_a_time: Mutex::new(()),
            _lock: lock,
        })
    }

    /// The keys of the watched logs.
    fn logs(&self) -> anyhow::Result<Vec<VerifierKey>> {
        let path = self.folder.join(LOGS);
        let text = match std::fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Ok(about) if about.len() > LONGEST => bail!("{} is larger than 1 MiB", path.display()),
            _ => std::fs::read_to_string(&path).with_context(|| path.display().to_string())?,
        };
        text.lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| line.parse().map_err(|error| anyhow!("{}: {error}", path.display())))
            .collect()
    }

    /// Watches one more log.
    fn watch(&self, given: &str) -> anyhow::Result<()> {
        let key: VerifierKey = match given.parse() {
            Ok(key) => key,
            Err(error) => std::fs::read_to_string(given)
                .map_err(|_| anyhow!("--log {given}: neither a key ({error}) nor a file with one"))?
                .trim()
                .parse()
                .map_err(|error| anyhow!("--log {given}: {error}"))?,
        };
        let mut logs = self.logs()?;
        if !logs.contains(&key) {
            logs.push(key);
            durable::write(&self.folder.join(LOGS), lines(&logs).as_bytes(), 0o644)?;
        }
        Ok(())
    }

    fn path(&self, log: &str) -> PathBuf {
        self.folder.join("state").join(log).join("checkpoint")
    }

    /// Checks, remembers durably, and only then cosigns. Returns the line for an answer of 200.
    fn add(&self, body: &str) -> anyhow::Result<(Answer, String)> {
        let _one = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = witness::answer(body, &self.logs()?, |origin| self.latest(origin))?;
        let Answer::Cosign(checkpoint) = &answer else { return Ok((answer, String::new())) };
        let text = checkpoint.text();
        let line = cosign::line(&text, self.vkey.name(), &self.key, self.clock.now())?;
        let path = self.path(&sha256_hex(checkpoint.origin.as_bytes()));
        if let Some(folder) = path.parent() {
            durable::create_folder(folder)?;
        }
        let request = witness::AddCheckpoint::parse(body).ok_or_else(|| anyhow!("the request changed"))?;
        let theirs = crate::archive::checkpoint::before_cosignatures(&request.checkpoint)
            .unwrap_or(&request.checkpoint);
        durable::write(&path, format!("{theirs}{line}").as_bytes(), 0o644)
            .with_context(|| format!("{} cannot be written", path.display()))?;
        Ok((answer, line))
    }

    /// What was cosigned last of a log. A file that is there and cannot be read is no reason to begin anew.
    fn latest(&self, origin: &str) -> anyhow::Result<Option<Checkpoint>> {
        let path = self.path(&sha256_hex(origin.as_bytes()));
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.with_context(|| path.display().to_string())?,
        };
        let (checkpoint, note) =
            Checkpoint::parse(&text).with_context(|| format!("{} is damaged", path.display()))?;
        let own = note.signatures.iter().any(|line| self.vkey.verify(&note.text, line).is_ok());
        if !own || checkpoint.origin != origin {
            bail!("{} is not what this witness wrote there: restore it from its backup", path.display());
        }
        Ok(Some(checkpoint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::checkpoint;
    use crate::archive::merkle;
    use crate::archive::witness::AddCheckpoint;

    const ORIGIN: &str = "granne.se/uppsikt/logg1";

    fn log() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    fn request(old: u64, count: u64) -> String {
        let leaves: Vec<_> = (0..count).map(|n| merkle::leaf_hash(&n.to_be_bytes())).collect();
        let proof =
            if old == 0 || old == count { Vec::new() } else { merkle::consistency(&leaves, old).unwrap() };
        let checkpoint = checkpoint::sign(ORIGIN, count, merkle::root(&leaves), &log()).unwrap();
        AddCheckpoint { old, proof, checkpoint }.text()
    }

    fn open(folder: &Path) -> Witness {
        let witness = Witness::open(folder, Some("arkiv.se/vittne")).unwrap();
        witness.watch(&VerifierKey::of(ORIGIN, &log()).unwrap().to_string()).unwrap();
        witness
    }

    #[test]
    fn what_was_cosigned_is_remembered_over_a_restart_and_never_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let witness = open(folder.path());
        assert!(Witness::open(folder.path(), None).unwrap_err().to_string().contains("another witness"));
        let (_, line) = witness.add(&request(0, 5)).unwrap();
        assert!(line.starts_with("\u{2014} arkiv.se/vittne "));
        let vkey = witness.vkey.to_string();
        drop(witness);
        let witness = Witness::open(folder.path(), None).unwrap();
        assert_eq!(witness.vkey.to_string(), vkey);
        assert_eq!(witness.add(&request(0, 4)).unwrap().0, Answer::Conflict(5));
        assert_eq!(witness.add(&request(4, 4)).unwrap().0, Answer::Conflict(5));
        assert!(matches!(witness.add(&request(5, 9)).unwrap().0, Answer::Cosign(_)));
        assert!(matches!(witness.add(&request(9, 9)).unwrap().0, Answer::Cosign(_)));
        assert_eq!(witness.add(&request(5, 9)).unwrap().0, Answer::Conflict(9));
        assert_eq!(witness.add("").unwrap().0, Answer::Bad);
        drop(witness);
        assert!(Witness::open(folder.path(), Some("annan.se/vittne")).is_err());
    }

    #[test]
    fn a_damaged_state_or_key_stops_it_rather_than_beginning_anew() {
        let folder = tempfile::tempdir().unwrap();
        let witness = open(folder.path());
        witness.add(&request(0, 5)).unwrap();
        let path = witness.path(&sha256_hex(ORIGIN.as_bytes()));
        let whole = std::fs::read_to_string(&path).unwrap();
        for damaged in
            ["", "x", &whole.replacen("\n5\n", "\n4\n", 1), whole.split_once("\u{2014} arkiv").unwrap().0]
        {
            durable::write(&path, damaged.as_bytes(), 0o644).unwrap();
            assert!(witness.add(&request(0, 5)).is_err(), "{damaged:?}");
        }
        durable::write(&path, whole.as_bytes(), 0o644).unwrap();
        assert!(matches!(witness.add(&request(5, 6)).unwrap().0, Answer::Cosign(_)));
        durable::write(&folder.path().join(LOGS), b"nonsense\n", 0o644).unwrap();
        assert!(witness.add(&request(6, 7)).is_err());
        drop(witness);
        std::fs::remove_file(folder.path().join(KEY)).unwrap();
        assert!(
            Witness::open(folder.path(), Some("arkiv.se/vittne"))
                .unwrap_err()
                .to_string()
                .contains("is lost")
        );
        durable::write(&folder.path().join(KEY), b"00\n", 0o400).unwrap();
        assert!(Witness::open(folder.path(), None).is_err());
        let other = format!("{}\n", "11".repeat(32));
        durable::write(&folder.path().join(KEY), other.as_bytes(), 0o400).unwrap();
        assert!(
            Witness::open(folder.path(), None).unwrap_err().to_string().contains("do not belong together")
        );
        durable::write(&folder.path().join(KEY), other.as_bytes(), 0o644).unwrap();
        assert!(Witness::open(folder.path(), None).unwrap_err().to_string().contains("chmod"));
    }

    #[test]
    fn a_new_witness_needs_a_name() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Witness::open(&folder.path().join("a"), None).unwrap_err().to_string().contains("--name"));
        assert!(Witness::open(&folder.path().join("b"), Some("med mellanslag")).is_err());
    }
}
