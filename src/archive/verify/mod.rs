//! Verification: every byte of a bag, or of a data folder's `archive/`, against the log's root.
//!
//! Nothing that is read is trusted: not its size, not its counts, not its names. What is wrong becomes a finding
//! that names the file; only a path that holds no evidence at all is an error.

mod anchors;

mod bag;

mod chain;

mod finding;

mod folder;

mod head;

mod source;

mod sip;

mod wacz;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::cosign::WitnessKey;
use super::keys::Keys;
use super::note::VerifierKey;
use super::timestamp::Authorities;

pub use finding::{Checked, Finding, Report, Severity};
pub use folder::verify_packs;

use source::Source;

/// What the one who verifies knows from elsewhere.
#[derive(Debug, Default)]
pub struct Options<'a> {
    /// The log's published keys; without any, the key that lies with the evidence is used and proves only that it is
    /// consistent.
    pub keys: Vec<VerifierKey>,
    /// A checkpoint kept elsewhere: the signed file, or only its three lines.
    pub seen: Option<String>,
    /// Keys of witnesses, from elsewhere: a cosignature by one of them vouches for the log.
    pub witnesses: Vec<WitnessKey>,
    /// Whose time-stamps are believed. With it, there must be one.
    pub authorities: Option<Authorities>,
    /// The record keys, to open the packs too. Only for a data folder.
    pub record_keys: Option<&'a Keys>,
}

/// Why nothing could be verified (exit code 2).
#[derive(Debug, thiserror::Error)]
pub enum NoEvidence {
    /// There is no such path.
    #[error("{}: {source}", .path.display())]
    Missing {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The path holds none of the forms.
    #[error(
        "{} is no evidence: no web archive (.wacz), and none of bagit.txt, manifest-*, uppsikt/, METS.xml and archive/ is there",
        .0.display()
    )]
    Nothing(PathBuf),
    /// The checkpoint given to compare with is none.
    #[error(
        "the checkpoint given to compare with is none: it must have the three lines origin, size and root"
    )]
    Seen,
    /// The packs' digests could not be read from the log.
    #[error(transparent)]
    Tiles(#[from] super::tiles::TilesError),
}

/// Verifies a bag, a web archive, a delivery to an e-archive or a data folder.
///
/// # Errors
/// Only if there is nothing to verify; whatever is wrong with what is there is in the report.
pub fn verify(path: &Path, options: &Options<'_>) -> Result<Report, NoEvidence> {
    let missing = |source| NoEvidence::Missing { path: path.to_owned(), source };
    let seen = kept(options)?;
    if path.is_file() {
        return file(path, options, seen.as_ref());
    }
    let mut has_bag = false;
    let mut has_archive = false;
    let mut has_sip = false;
    for entry in fs::read_dir(path).map_err(missing)? {
        let name = entry.map_err(missing)?.file_name();
        let name = name.to_string_lossy();
        has_bag |= name == "bagit.txt" || name == "uppsikt" || name.starts_with("manifest-");
        has_archive |= name == "archive";
        has_sip |= name == "METS.xml" || name == "representations";
    }
    if has_bag {
        Ok(bag::verify(&Source::Folder(path.to_owned()), options, seen.as_ref()))
    } else if has_sip {
        Ok(sip::verify(&Source::Folder(path.to_owned()), options, seen.as_ref()))
    } else if has_archive {
        Ok(folder::verify(path, options, seen.as_ref()))
    } else {
        Err(NoEvidence::Nothing(path.to_owned()))
    }
}

/// The checkpoint to compare with, if one was given.
fn kept(options: &Options<'_>) -> Result<Option<head::Seen>, NoEvidence> {
    options.seen.as_deref().map(|text| head::Seen::parse(text).ok_or(NoEvidence::Seen)).transpose()
}

/// A file can only be a web archive.
fn file(path: &Path, options: &Options<'_>, seen: Option<&head::Seen>) -> Result<Report, NoEvidence> {
    let missing = |source| NoEvidence::Missing { path: path.to_owned(), source };
    let mut begin = [0; 2];
    let mut opened = fs::File::open(path).map_err(missing)?;
    let named = path.extension().is_some_and(|ending| ending == "wacz");
    let zipped = opened.read(&mut begin).map_err(missing)? == 2 && begin == *b"PK";
    if !named && !zipped {
        return Err(NoEvidence::Nothing(path.to_owned()));
    }
    let bytes = fs::read(path).map_err(missing)?;
    Ok(wacz::verify(&bytes, options, seen))
}

/// Verifies a web archive that is still in memory.
///
/// # Errors
/// Only if the checkpoint to compare with is none.
pub fn verify_wacz(bytes: &[u8], options: &Options<'_>) -> Result<Report, NoEvidence> {
    let seen = kept(options)?;
    Ok(wacz::verify(bytes, options, seen.as_ref()))
}

/// Verifies a package for an e-archive that is still in memory.
///
/// # Errors
/// Only if the checkpoint to compare with is none.
pub fn verify_sip(files: &BTreeMap<String, Vec<u8>>, options: &Options<'_>) -> Result<Report, NoEvidence> {
    let seen = kept(options)?;
    Ok(sip::verify(&Source::Memory(files), options, seen.as_ref()))
}

/// Verifies a bag that is still in memory: path and bytes of every file.
///
/// # Errors
/// Only if the checkpoint to compare with is none.
pub fn verify_bag(files: &BTreeMap<String, Vec<u8>>, options: &Options<'_>) -> Result<Report, NoEvidence> {
    let seen = kept(options)?;
    Ok(bag::verify(&Source::Memory(files), options, seen.as_ref()))
}
