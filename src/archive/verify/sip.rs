//! A delivery to an e-archive: every bag in it against the log, and METS, PREMIS and the rest against the bags.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::Report;
use super::head::{self, Seen};
use super::source::Source;
use super::{Options, bag};
use crate::archive::bagit::{self, Digests};
use crate::archive::sip::{self, DATA, METS, PACKAGE, Package};
use crate::archive::stored;

pub(super) fn verify(source: &Source<'_>, options: &Options<'_>, seen: Option<&Seen>) -> Report {
    let mut report = Report::default();
    let mut files = BTreeMap::new();
    for path in source.files(&mut report) {
        if !bagit::is_safe(&path) {
            report.error(
                "name",
                &path,
                "filnamnet har andra tecken än A–Z, a–z, 0–9, punkt, understreck och bindestreck",
            );
        }
        match source.digests(&path) {
            Ok(digests) => {
                files.insert(path, digests);
            }
            Err(error) => report.error("unreadable", &path, format!("filen går inte att läsa: {error}")),
        }
    }
    let package = source.read(PACKAGE).ok().and_then(|bytes| Package::parse(&bytes));
    if let Some(package) = &package {
        check_metadata(source, &files, package, &mut report);
    } else {
        if files.contains_key(PACKAGE) {
            report.error(
                "package",
                PACKAGE,
                "filen är inte en leverans uppgifter så som Uppsikt skriver dem",
            );
        } else {
            report.error("missing_file", PACKAGE, "filen fattas");
        }
        check_listed(source, &files, &mut report);
    }
    report.checked.files = files.len() as u64;
    let known: BTreeMap<_, _> = package
        .iter()
        .flat_map(|package| &package.records)
        .map(|record| (record.folder.as_str(), record.record.as_str()))
        .collect();
    let mut folders: BTreeSet<_> = files.keys().filter_map(|path| folder(path)).collect();
    folders.extend(known.keys());
    let mut vouched = !folders.is_empty();
    for name in &folders {
        let place = format!("{DATA}/{name}");
        if package.is_some() && !known.contains_key(name) {
            report.error("unexpected_file", &place, "mappen hör inte till leveransen");
        }
        // A folder without one file is no folder: everything in it is missing.
        if !files.keys().any(|path| folder(path) == Some(name)) {
            report.error("missing_file", &place, "akten fattas");
            continue;
        }
        let inner = bag::verify(&source.below(&place), options, seen);
        vouched &= inner.authenticated;
        report.checked.entries += inner.checked.entries;
        for mut finding in inner.findings.into_iter().filter(|finding| finding.code != "not_authenticated") {
            finding.path = Some(finding.path.map_or(place.clone(), |path| format!("{place}/{path}")));
            report.findings.push(finding);
        }
        let id = known.get(name).map(|id| format!("\"id\":\"{id}\""));
        let entry = source.read(&format!("{place}/uppsikt/entry.json")).unwrap_or_default();
        if id.is_some_and(|id| !String::from_utf8_lossy(&entry).contains(&id)) {
            report.error(
                "snapshot",
                &format!("{place}/uppsikt/entry.json"),
                "mappen har en annan akt än leveransen säger",
            );
        }
    }
    head::conclude(vouched, &mut report);
    report
}

/// The bag that a file lies in.
fn folder(path: &str) -> Option<&str> {
    path.strip_prefix(DATA)?.strip_prefix('/')?.split_once('/').map(|(folder, _)| folder)
}

/// Renders every file of the metadata anew and compares.
fn check_metadata(
    source: &Source<'_>,
    files: &BTreeMap<String, Digests>,
    package: &Package,
    report: &mut Report,
) {
    let data = files.iter().filter(|(path, _)| folder(path).is_some());
    let data = data.map(|(path, digests)| (path.clone(), digests.clone())).collect();
    for (path, expected) in package.metadata(&data) {
        compare(source, path, &expected, report);
    }
    let expected = sip::mets(package, files);
    if !files.contains_key(METS) || compare(source, METS, expected.as_bytes(), report) {
        check_listed(source, files, report);
    }
    for required in ["documentation/LAS-MIG.txt", "schemas/mets.xsd", "schemas/premis-v3-0.xsd"] {
        if !files.contains_key(required) {
            report.error("missing_file", required, "filen fattas");
        }
    }
    for path in files.keys().filter(|path| *path != METS && folder(path).is_none()) {
        let own = [PACKAGE, sip::PREMIS, sip::DESCRIPTION].contains(&path.as_str());
        if !own && !path.starts_with("documentation/") && !path.starts_with("schemas/") {
            report.error("unexpected_file", path, "filen hör inte till leveransen");
        }
    }
}

/// Whether the file differs from what it must be; one that is missing is told too.
fn compare(source: &Source<'_>, path: &str, expected: &[u8], report: &mut Report) -> bool {
    let Ok(there) = source.read(path) else {
        report.error("missing_file", path, "filen fattas");
        return true;
    };
    let differs = stored::difference(&there, expected);
    if let Some(at) = differs {
        let message = "filen är inte den som leveransens filer och package.json ger";
        report.error_at("metadata", path, at as u64, message);
    }
    differs.is_some()
}

/// Which files differ from what `METS.xml` says of them.
fn check_listed(source: &Source<'_>, files: &BTreeMap<String, Digests>, report: &mut Report) {
    let Ok(text) = source.read(METS) else {
        report.error("missing_file", METS, "filen fattas");
        return;
    };
    let text = String::from_utf8_lossy(&text);
    let mut unlisted: BTreeSet<_> = files.keys().map(String::as_str).filter(|path| *path != METS).collect();
    for listed in sip::listed(&text) {
        unlisted.remove(listed.path);
        match files.get(listed.path) {
            Some(digests) if hex::encode(digests.sha256) == listed.checksum => {}
            Some(_) => report.error("digest", listed.path, "filen stämmer inte med METS.xml"),
            None => report.error("missing_file", listed.path, "filen står i METS.xml men fattas"),
        }
    }
    for path in unlisted {
        report.error("unlisted_file", path, "filen står inte i METS.xml");
    }
}
