//! A package for an e-archive, one bag a record: what `export --as sip` writes.
//!
//! It is built in a folder of another name, verified there as a whole, and appears under its own when it is durable.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveTime, SecondsFormat, Utc};

use super::bag::{self, BagError, BagInput};
use crate::archive::bagit::Digests;
use crate::archive::entry::Entry;
use crate::archive::note::VerifierKey;
use crate::archive::sip::{DATA, METS, Package, Packed, Party, Version, mets};
use crate::archive::verify::{self, Options, Severity};
use crate::domain::calendar;
use crate::durable;

const GUIDE: &str = include_str!("las-mig-sip.txt");

/// The formats of log and bag: enough to verify without this program.
const FORMATS: &str = include_str!("../../archive/README.md");

/// Who delivers what to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Which E-ARK SIP.
    pub version: Version,
    /// Whose records these are.
    pub organisation: Party,
    /// Who receives them.
    pub archive: Option<Party>,
    /// The agreement of delivery.
    pub agreement: Option<String>,
}

/// A package that is being built; dropped before it is finished, it leaves nothing.
pub struct Builder {
    target: PathBuf,
    temporary: PathBuf,
    files: BTreeMap<String, Digests>,
    records: Vec<Packed>,
    latest: Option<DateTime<Utc>>,
    vkey: Option<VerifierKey>,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Builder({}, {} records)", self.target.display(), self.records.len())
    }
}

impl Builder {
    /// Begins a package that will be `target`, which must not exist.
    ///
    /// # Errors
    /// `Exists`, `Io`.
    pub fn new(target: &Path) -> Result<Self, BagError> {
        if target.symlink_metadata().is_ok() {
            return Err(BagError::Exists(target.to_owned()));
        }
        let temporary = bag::temporary_beside(target)?;
        durable::create_folder(&temporary.join(DATA)).map_err(bag::io_at(&temporary))?;
        Ok(Self {
            target: target.to_owned(),
            temporary,
            files: BTreeMap::new(),
            records: Vec::new(),
            latest: None,
            vkey: None,
        })
    }

    /// Adds a record.
    ///
    /// # Errors
    /// As [`bag::write`].
    pub fn add(&mut self, input: &BagInput) -> Result<(), BagError> {
        let folder = bag::folder_name(input.diary_number.as_deref(), input.record);
        let written = bag::written(&self.temporary.join(DATA).join(&folder), input)?;
        for (path, bytes) in written {
            self.list(format!("{DATA}/{folder}/{path}"), &bytes);
        }
        let at = |leaf: &[u8]| Entry::parse(leaf).map(|entry| entry.at()).ok();
        let preserved = input.events.first().and_then(|event| at(&event.leaf)).unwrap_or_default();
        let last = input.events.last().and_then(|event| at(&event.leaf));
        // A package is never older than the day it was made on, nor than what it holds.
        let day = calendar::to_utc(input.date.and_time(NaiveTime::MIN));
        self.latest = self.latest.max(last).max(Some(day));
        self.vkey = Some(input.vkey.clone());
        self.records.push(Packed {
            folder,
            record: input.record.to_string(),
            diary_number: input.diary_number.clone(),
            preserved_at: preserved.to_rfc3339_opts(SecondsFormat::Secs, true),
        });
        Ok(())
    }

    fn list(&mut self, path: String, bytes: &[u8]) {
        // Reading from memory cannot fail; a file without digests would not pass the verification below.
        self.files.extend(Digests::of(bytes).ok().map(|digests| (path, digests)));
    }

    fn lay(&mut self, path: &str, bytes: &[u8]) -> Result<(), BagError> {
        let target = self.temporary.join(path);
        if let Some(folder) = target.parent() {
            durable::create_folder(folder).map_err(bag::io_at(folder))?;
        }
        durable::write(&target, bytes, 0o444).map_err(bag::io_at(&target))?;
        self.list(path.to_owned(), bytes);
        Ok(())
    }

    /// Writes the rest, verifies all of it and gives it its name.
    ///
    /// # Errors
    /// `Unsound`, `Exists`, `Io`; nothing is left behind.
    pub fn finish(mut self, delivery: &Delivery) -> Result<(), BagError> {
        let created = self.latest.unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true);
        let records = std::mem::take(&mut self.records);
        let mut package = Package::new(delivery.version, created, delivery.organisation.clone(), records);
        package.archive.clone_from(&delivery.archive);
        package.agreement.clone_from(&delivery.agreement);
        let data = self.files.clone();
        self.lay("documentation/LAS-MIG.txt", GUIDE.as_bytes())?;
        self.lay("documentation/format.md", FORMATS.as_bytes())?;
        for (name, bytes) in delivery.version.schemas() {
            self.lay(&format!("schemas/{name}"), bytes)?;
        }
        for (path, bytes) in package.metadata(&data) {
            self.lay(path, &bytes)?;
        }
        let head = mets(&package, &self.files);
        self.lay(METS, head.as_bytes())?;
        self.check()?;
        bag::rename_new(&self.temporary, &self.target).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => BagError::Exists(self.target.clone()),
            _ => bag::io_at(&self.target)(error),
        })?;
        let parent = bag::parent_of(&self.target);
        durable::sync_folder(parent).map_err(bag::io_at(parent))
    }

    fn check(&self) -> Result<(), BagError> {
        let options = Options { keys: self.vkey.iter().cloned().collect(), ..Options::default() };
        let report = verify::verify(&self.temporary, &options)
            .map_err(|error| BagError::Unsound(error.to_string()))?;
        match report.findings.iter().find(|finding| finding.severity == Severity::Error) {
            Some(finding) => {
                let path = finding.path.as_deref().unwrap_or_default();
                Err(BagError::Unsound(format!("{path}: {}", finding.message)))
            }
            None => Ok(()),
        }
    }
}

impl Drop for Builder {
    fn drop(&mut self) {
        // Gone already once it has its name; what cannot be removed is told by its name.
        let _ = fs::remove_dir_all(&self.temporary);
    }
}
