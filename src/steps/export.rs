//! 9. Case → evidence bundle, when a person asks; reads only, beside a running daemon too.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use chrono::NaiveDate;

use crate::archive::anchors::Anchors;
use crate::archive::checkpoint::Checkpoint;
use crate::archive::entry::{Entry, RecordId};
use crate::archive::fields::Tree;
use crate::archive::keys::{Keys, KeysError};
use crate::archive::note::VerifierKey;
use crate::archive::{ArchiveError, Vault};
use crate::bundle::bag::{self, BagError, BagInput, Event};
use crate::bundle::derived::{CAPTURE, DerivedError, HANDLING, derive};
use crate::bundle::sip::{Builder, Delivery};
use crate::domain::case::CaseId;
use crate::durable;
use crate::store::records::Record;
use crate::store::{Db, StoreError, anchors, diary, log, media, records};

/// Why nothing was exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The case has no preserved record.
    #[error(
        "{0} has no preserved record: nothing was flagged or decided there, or no pass has run since; run a pass first"
    )]
    NoRecord(CaseId),
    /// The newest checkpoint does not cover the record's last entry.
    #[error("the newest checkpoint does not cover the last entry of {0}: run a pass first")]
    NotPublished(CaseId),
    /// The record's key or content is gone by a disposal decision.
    #[error("the content of {0} has been disposed of; only its entries in the log remain")]
    Disposed(CaseId),
    /// Nobody may open it until the police have answered (L12).
    #[error("the content of {0} is blocked: ask the police before anything is done with it")]
    Blocked(CaseId),
    /// The target is there already.
    #[error("{} exists already: choose another path", .0.display())]
    Exists(PathBuf),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The key table.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The bag.
    #[error(transparent)]
    Bag(#[from] BagError),
    /// What is made of the record for people and players.
    #[error(transparent)]
    Derived(#[from] DerivedError),
    /// A package for an e-archive names its sender by number.
    #[error(
        "a package for an e-archive names its sender by number: write organisation.number in the configuration"
    )]
    NoNumber,
    /// A folder or a file cannot be made.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// What is written of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Everything, with its proofs: a folder.
    Bag,
    /// What a person reads: a file, PDF/A-1b.
    Pdf,
    /// What a player of web archives opens: a file.
    Wacz,
    /// What an e-archive takes in: one package of all records, a folder.
    Sip,
}

impl FromStr for Form {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "bag" => Ok(Self::Bag),
            "pdf" => Ok(Self::Pdf),
            "wacz" => Ok(Self::Wacz),
            "sip" => Ok(Self::Sip),
            other => Err(format!("--as {other}: it is one of `bag`, `wacz`, `sip` and `pdf`")),
        }
    }
}

impl Form {
    /// What stands after a record's name where several lie in one folder.
    fn ending(self) -> &'static str {
        match self {
            Self::Bag | Self::Sip => "",
            Self::Pdf => ".pdf",
            Self::Wacz => ".wacz",
        }
    }
}

/// What an export reads from.
#[derive(Debug)]
pub struct Source<'a> {
    /// The database.
    pub db: &'a Db,
    /// The keys.
    pub keys: &'a Keys,
    /// The archive.
    pub vault: &'a Vault,
    /// The municipality's name.
    pub organisation: &'a str,
    /// The log's name.
    pub origin: &'a str,
    /// The day of packing (Stockholm).
    pub today: NaiveDate,
    /// Who delivers to which e-archive; absent where the organisation's number is not configured.
    pub delivery: Option<Delivery>,
}

/// A bag or a file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The case.
    pub case: CaseId,
    /// Where it lies.
    pub path: PathBuf,
}

/// Writes what `form` names of `cases`; all of it is there at the end, or nothing.
///
/// Of one case it is `out` itself, of several it lies in the folder `out`; with `versions`, every preserved version.
///
/// # Errors
/// As [`ExportError`]; nothing is left under `out`.
pub fn write(
    source: &Source<'_>,
    form: Form,
    cases: &[CaseId],
    versions: bool,
    out: &Path,
    mut progress: impl FnMut(usize),
) -> Result<Vec<Written>, ExportError> {
    if out.symlink_metadata().is_ok() {
        return Err(ExportError::Exists(out.to_owned()));
    }
    let mut inputs = Vec::new();
    for case in cases {
        let chosen = source.db.read_now(|reader| {
            Ok(if versions {
                records::of_case(reader, *case)?
            } else {
                records::current(reader, *case)?.into_iter().collect()
            })
        })?;
        if chosen.is_empty() {
            return Err(ExportError::NoRecord(*case));
        }
        for record in chosen {
            inputs.push((*case, record));
        }
    }
    if form == Form::Sip {
        return delivered(source, &inputs, out, progress);
    }
    if let ([(case, record)], false) = (inputs.as_slice(), versions) {
        one(form, out, &input(source, *case, record)?)?;
        progress(1);
        return Ok(vec![Written { case: *case, path: out.to_owned() }]);
    }
    several(source, form, &inputs, out, progress)
}

/// One record, under a name that was free.
fn one(form: Form, target: &Path, input: &BagInput) -> Result<(), ExportError> {
    let file = match form {
        Form::Bag | Form::Sip => return Ok(bag::write(target, input)?),
        Form::Pdf => HANDLING,
        Form::Wacz => CAPTURE,
    };
    let bytes = input.derived.get(file).map(Vec::as_slice).unwrap_or_default();
    durable::write_once(target, bytes).map_err(|source| match source.kind() {
        std::io::ErrorKind::AlreadyExists => ExportError::Exists(target.to_owned()),
        _ => ExportError::Io { path: target.to_owned(), source },
    })
}

/// All records in one package.
fn delivered(
    source: &Source<'_>,
    inputs: &[(CaseId, Record)],
    out: &Path,
    mut progress: impl FnMut(usize),
) -> Result<Vec<Written>, ExportError> {
    let delivery = source.delivery.as_ref().ok_or(ExportError::NoNumber)?;
    let mut package = Builder::new(out)?;
    let mut written = Vec::with_capacity(inputs.len());
    for (done, (case, record)) in inputs.iter().enumerate() {
        package.add(&input(source, *case, record)?)?;
        written.push(Written { case: *case, path: out.to_owned() });
        progress(done + 1);
    }
    package.finish(delivery)?;
    Ok(written)
}

/// Many records: in a folder of another name until the last one is durable.
fn several(
    source: &Source<'_>,
    form: Form,
    inputs: &[(CaseId, Record)],
    out: &Path,
    mut progress: impl FnMut(usize),
) -> Result<Vec<Written>, ExportError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| ExportError::Io { path, source }
    };
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let temporary = bag::temporary_beside(out)?;
    durable::create_folder(&temporary).map_err(io(&temporary))?;
    let result = (|| {
        let mut written = Vec::with_capacity(inputs.len());
        for (done, (case, record)) in inputs.iter().enumerate() {
            let input = input(source, *case, record)?;
            let mut name = bag::folder_name(input.diary_number.as_deref(), input.record);
            name.push_str(form.ending());
            one(form, &temporary.join(&name), &input)?;
            written.push(Written { case: *case, path: out.join(name) });
            progress(done + 1);
        }
        bag::rename_new(&temporary, out).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => ExportError::Exists(out.to_owned()),
            _ => io(out)(error),
        })?;
        durable::sync_folder(parent).map_err(io(parent))?;
        Ok(written)
    })();
    if result.is_err() {
        // Of no further use; what cannot be removed is told by its name.
        let _ = std::fs::remove_dir_all(&temporary);
    }
    result
}

/// Everything of one record, read back from archive and database.
fn input(source: &Source<'_>, case: CaseId, record: &Record) -> Result<BagInput, ExportError> {
    let id: RecordId =
        record.id.parse().map_err(|_| StoreError::Corrupt(format!("`{}` is no record id", record.id)))?;
    if source.db.read_now(|reader| media::is_blocked(reader, &record.id))? {
        return Err(ExportError::Blocked(case));
    }
    let (entries, number) = source.db.read_now(|reader| {
        Ok((log::of_record(reader, &record.id)?, diary::of_record(reader, &record.id)?))
    })?;
    let (checkpoint, text) = source
        .vault
        .checkpoint(source.origin, source.keys.signing_key())?
        .ok_or(ExportError::NotPublished(case))?;
    covered(&checkpoint, entries.last().map(|entry| entry.index), case)?;
    let (checkpoint, text, anchors) = vouched(source, &checkpoint, text, &entries)?;
    let key = source.keys.existing_record_key(id)?.ok_or(ExportError::Disposed(case))?;
    let snapshot = entries.first().ok_or(ExportError::NoRecord(case))?;
    let head = Entry::parse(&snapshot.leaf).ok().and_then(|entry| entry.tree()).ok_or_else(|| {
        StoreError::Corrupt(format!("record {}: its first entry is no snapshot", record.id))
    })?;
    let (_, content, _) = source.vault.reread(id, key.expose(), &head)?;
    let mut events = Vec::with_capacity(entries.len());
    for entry in &entries {
        let fields = match entry.tree {
            None => None,
            Some(0) => Some(content.fields.clone()),
            Some(j) => {
                let doc = entry.doc.as_deref().ok_or(ExportError::Disposed(case))?;
                let doc: serde_json::Value = serde_json::from_str(doc)
                    .map_err(|error| StoreError::Corrupt(format!("entry {}: {error}", entry.index)))?;
                let tree = Tree::of(&doc, log::SPLIT, &[], key.expose(), j)
                    .map_err(|error| StoreError::Corrupt(format!("entry {}: {error}", entry.index)))?;
                Some(tree.full_json())
            }
        };
        let path =
            source.vault.tiles().inclusion(entry.index, checkpoint.size).map_err(ArchiveError::from)?;
        events.push(Event { index: entry.index, leaf: entry.leaf.clone(), fields, path });
    }
    let mut input = BagInput {
        record: id,
        diary_number: number,
        organisation: source.organisation.to_owned(),
        events,
        files: content.files,
        derived: BTreeMap::new(),
        checkpoint: text,
        anchors,
        vkey: VerifierKey::of(source.origin, source.keys.signing_key()).map_err(ArchiveError::from)?,
        date: source.today,
    };
    input.derived = derive(&input)?;
    Ok(input)
}

/// The checkpoint for a bag: one that an outsider has stamped, if one covers the record; else one that a witness has
/// cosigned; else the newest.
fn vouched(
    source: &Source<'_>,
    newest: &Checkpoint,
    text: String,
    entries: &[log::StoredEntry],
) -> Result<(Checkpoint, String, Anchors), ExportError> {
    let covered = entries.last().map_or(0, |entry| entry.index + 1);
    let noon = source.today.and_time(chrono::NaiveTime::MIN).and_utc();
    let (stamp, text) = source.db.read_now(|reader| {
        let stamp = anchors::stamp_covering(reader, covered, noon)?;
        let cosigned = match &stamp {
            Some(stamp) => Some(stamp.checkpoint.clone()),
            None => anchors::cosigned_covering(reader, covered)?,
        };
        Ok((stamp, cosigned.unwrap_or(text)))
    })?;
    let checkpoint = Checkpoint::parse(&text).map_err(ArchiveError::from)?.0;
    // What was cut off since is for `verify` to tell; a bag of it would not verify.
    if checkpoint.size > newest.size || checkpoint.origin != newest.origin {
        return Err(StoreError::Corrupt("a stamped checkpoint is not of this log".to_owned()).into());
    }
    let cosignatures = source.db.read_now(|reader| anchors::cosignatures(reader, &text))?;
    let anchors = Anchors {
        stamp: stamp.map(|stamp| (stamp.reply, stamp.chain)),
        cosignatures: cosignatures.into_iter().map(|one| (one.vkey, one.line)).collect(),
    };
    Ok((checkpoint, text, anchors))
}

fn covered(checkpoint: &Checkpoint, last: Option<u64>, case: CaseId) -> Result<(), ExportError> {
    match last {
        None => Err(ExportError::NoRecord(case)),
        Some(last) if last >= checkpoint.size => Err(ExportError::NotPublished(case)),
        Some(_) => Ok(()),
    }
}
