//! A WACZ of one record: zip, list, WARC file and index against each other, and what was captured against the log.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::Options;
use super::bag::{check_fields, check_proof};
use super::finding::{Report, Severity};
use super::head::{self, Head, Seen};
use super::source::Source;
use crate::archive::bagit::Digests;
use crate::archive::entry::{Entry, Kind};
use crate::archive::exchange::{self, Exchange};
use crate::archive::fields::Fields;
use crate::archive::proof::Proof;
use crate::archive::stored;
use crate::archive::wacz::{self, DATA, DIGEST, INDEX, PACKAGE, PAGES};
use crate::archive::warc::{self, Record};

const CHECKPOINT: &str = "uppsikt/checkpoint";
const KEY: &str = "uppsikt/log.vkey";
const ENTRY: &str = "uppsikt/entry.json";
const PROOF: &str = "uppsikt/entry.tlog-proof";
const FIELDS: &str = "uppsikt/fields.json";

/// Files that every WACZ of ours has, and no others.
const REQUIRED: [&str; 10] = [DATA, INDEX, PAGES, PACKAGE, DIGEST, CHECKPOINT, KEY, ENTRY, PROOF, FIELDS];

pub(super) fn verify(bytes: &[u8], options: &Options<'_>, seen: Option<&Seen>) -> Report {
    let mut report = Report::default();
    let unzipped = stored::unzip(bytes);
    if let Some((fault, name)) = &unzipped.fault {
        let at = fault.at as u64;
        let path = name.as_deref().unwrap_or_default();
        report.error_at("zip", path, at, "arkivfilen är ändrad: den är inte vad dess innehåll ger");
        // What else is in it cannot be told from what the change made of it.
        return report;
    }
    let mut files = BTreeMap::new();
    for (name, content) in unzipped.files {
        if !REQUIRED.contains(&name.as_str()) {
            report.error("unexpected_file", &name, "filen hör inte till arkivet");
        } else if files.insert(name.clone(), content).is_some() {
            report.error("unexpected_file", &name, "filen finns två gånger");
        }
    }
    for name in REQUIRED.iter().filter(|name| !files.contains_key(**name)) {
        report.error("missing_file", name, "filen fattas");
    }
    report.checked.files = files.len() as u64;
    check_list(&files, &mut report);
    let records = check_warc(&files, &mut report);
    let source = Source::Memory(&files);
    let mut vouched = false;
    if let Some(head) = head::read(&source, CHECKPOINT, KEY, options, &mut report) {
        vouched |= head.signed;
        if let Some(seen) = seen {
            let own = &head.checkpoint;
            let root_at = |size| (size == own.size).then_some(own.root);
            vouched |= seen.compare(&head, CHECKPOINT, options, root_at, &mut report);
        }
        if let Some(fields) = check_entry(&source, &head, &mut report) {
            check_captured(&fields, &records, &mut report);
        }
    }
    head::conclude(vouched, &mut report);
    report
}

/// The WACZ files in a bag: whole, and of the bag's own record.
pub(super) fn within(source: &Source<'_>, files: &BTreeMap<String, Digests>, report: &mut Report) {
    let is_archive = |path: &&String| {
        path.starts_with("data/capture/")
            && Path::new(path.as_str()).extension().is_some_and(|end| end == "wacz")
    };
    for path in files.keys().filter(is_archive) {
        let Ok(bytes) = source.read(path) else { continue };
        let inner = verify(&bytes, &Options::default(), None);
        for finding in inner.findings.iter().filter(|finding| finding.severity == Severity::Error) {
            let place = finding.path.as_deref().unwrap_or_default();
            report.error(finding.code, path, format!("{place}: {}", finding.message));
        }
        let own = stored::unzip(&bytes).files.into_iter().find(|(name, _)| name == ENTRY);
        if own.map(|(_, entry)| entry) != source.read(ENTRY).ok() {
            report.error("snapshot", path, "webbarkivet gäller en annan akt än leveransen");
        }
    }
}

fn check_list(files: &BTreeMap<String, Vec<u8>>, report: &mut Report) {
    let Some(package) = files.get(PACKAGE) else { return };
    if files.get(DIGEST).is_some_and(|digest| *digest != wacz::package_digest(package)) {
        report.error("digest", DIGEST, "kontrollsumman stämmer inte med datapackage.json");
        report.error("digest", PACKAGE, "filen stämmer inte med datapackage-digest.json");
    }
    let Some(listed) = wacz::resources(package) else {
        report.error("manifest", PACKAGE, "filen är ingen lista över ett webbarkiv (WACZ 1.1.1)");
        return;
    };
    let own = files.iter().filter(|(path, _)| *path != PACKAGE && *path != DIGEST);
    for (path, bytes) in own.clone() {
        if !listed.contains(&wacz::resource(path, bytes)) {
            report.error("digest", path, "filen stämmer inte med datapackage.json");
        }
    }
    if listed.len() != own.count() {
        report.error("manifest", PACKAGE, "listan har andra filer än de som finns");
    }
}

/// The records of the WARC file, once index and file fit each other.
fn check_warc(files: &BTreeMap<String, Vec<u8>>, report: &mut Report) -> Vec<Record> {
    let Some(data) = files.get(DATA) else { return Vec::new() };
    let records = match warc::read(data) {
        Ok(records) => records,
        Err(fault) => {
            report.error_at(
                "warc",
                DATA,
                fault.at as u64,
                "WARC-filen är ändrad: en post stämmer inte med sig själv",
            );
            return Vec::new();
        }
    };
    let (_, places) = warc::write(&records);
    if files.get(INDEX).is_some_and(|index| *index != warc::index(&records, &places).into_bytes()) {
        report.error("index", INDEX, "registret stämmer inte med WARC-filen");
    }
    records
}

/// The snapshot entry is in the log, and the fields are its.
fn check_entry(source: &Source<'_>, head: &Head, report: &mut Report) -> Option<Fields> {
    let leaf = source.read(ENTRY).ok()?;
    let index = source.read(PROOF).ok().and_then(|bytes| Proof::parse(&String::from_utf8(bytes).ok()?).ok());
    let Some(index) = index.map(|proof| proof.index) else {
        report.error("proof", PROOF, "filen är inget bevis");
        return None;
    };
    check_proof(source, PROOF, index, &leaf, (head, &head.file), report);
    let entry = match Entry::parse(&leaf) {
        Ok(entry) if entry.kind() == Kind::Snapshot => entry,
        Ok(_) => {
            report.entry_error("snapshot", ENTRY, index, "loggposten är inte den som tog vara på något");
            return None;
        }
        Err(error) => {
            report.entry_error("entry", ENTRY, index, format!("filen är ingen giltig loggpost ({error})"));
            return None;
        }
    };
    report.checked.entries = 1;
    check_fields(source, FIELDS, &entry.tree()?, index, report)
}

/// What the WARC file holds as captured is exactly what the fields commit to.
fn check_captured(fields: &Fields, records: &[Record], report: &mut Report) {
    let Ok(committed) = fields.files() else {
        report.error("fields", FIELDS, "en fils kontrollsumma går inte att läsa");
        return;
    };
    let mut missing: BTreeMap<_, _> =
        committed.into_iter().map(|file| (file.path, (file.sha256, file.size))).collect();
    let mut told = BTreeSet::new();
    for record in records {
        let Some(name) = record.header(warc::FILE) else { continue };
        let there = Digests::of(record.payload()).ok().map(|digests| (digests.sha256, digests.size));
        if missing.remove(name) != there {
            report.error(
                "committed",
                DATA,
                format!("{name} är inte den fil som togs till vara enligt loggen"),
            );
        }
        told.insert(name);
    }
    for name in missing.keys() {
        report.error("missing_file", DATA, format!("{name} togs till vara enligt loggen men fattas"));
    }
    let rendered = |record: &Record| record.header("Content-Type") == Some("text/html; charset=utf-8");
    for record in records.iter().filter(|record| matches!(record.kind.as_str(), "response" | "resource")) {
        if record.header(warc::FILE).is_none() && !rendered(record) {
            report.error("not_committed", DATA, "en post är tillagd: den togs inte till vara enligt loggen");
        }
    }
    if told.contains(exchange::FILE) {
        check_exchange(records, report);
    }
}

/// Request and head of the answer are those that were captured.
fn check_exchange(records: &[Record], report: &mut Report) {
    let of = |kind: &str| records.iter().find(|record| record.kind == kind);
    let captured = records.iter().find(|record| record.header(warc::FILE) == Some(exchange::FILE));
    let captured = captured.and_then(|record| Exchange::parse(&record.block));
    let (Some(exchange), Some(request), Some(response)) = (captured, of("request"), of("response")) else {
        report.error("exchange", DATA, "fråga, svar eller uppgifterna om dem fattas");
        return;
    };
    let body = response.payload();
    let message = [exchange.response_head(body.len()).as_slice(), body].concat();
    if request.block != exchange.request_block() || response.block != message {
        report.error("exchange", DATA, "frågan eller svarets huvud är inte det som togs till vara");
    }
}
