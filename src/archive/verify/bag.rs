//! A bag: its manifests, its one record, and the proofs that bind it to the log.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::chain::Chains;
use super::finding::Report;
use super::head::{self, Head, Seen};
use super::source::Source;
use super::{Options, anchors};
use crate::archive::bagit::{self, Algorithm, Digests};
use crate::archive::entry::{Entry, Kind, TreeHead};
use crate::archive::fields::{self, Fields};
use crate::archive::merkle;
use crate::archive::note::Note;
use crate::archive::proof::Proof;

const EVENTS: &str = "data/events.jsonl";
const FIELDS: &str = "data/fields/fields.json";
const ENTRY: &str = "uppsikt/entry.json";
const ENTRY_PROOF: &str = "uppsikt/entry.tlog-proof";
const CHECKPOINT: &str = "uppsikt/checkpoint";
const KEY: &str = "uppsikt/log.vkey";
const STAMP: &str = "uppsikt/checkpoint.tsr";
const CHAIN: &str = "uppsikt/tsa-chain.pem";
const WITNESSES: &str = "uppsikt/witness.vkey";

/// Files that every bag has.
const REQUIRED: [&str; 13] = [
    "bagit.txt",
    "bag-info.txt",
    "manifest-sha256.txt",
    "manifest-sha512.txt",
    "tagmanifest-sha256.txt",
    "tagmanifest-sha512.txt",
    "LAS-MIG.txt",
    EVENTS,
    FIELDS,
    ENTRY,
    ENTRY_PROOF,
    CHECKPOINT,
    KEY,
];

/// Files that a bag may have besides.
const OPTIONAL: [&str; 4] = ["uppsikt/verify.py", STAMP, CHAIN, WITNESSES];

/// Folders whose files are listed only in the manifests or are derived from the rest.
const FOLDERS: [&str; 4] = ["data/api/", "data/media/", "data/render/", "data/capture/"];

pub(super) fn verify(source: &Source<'_>, options: &Options<'_>, seen: Option<&Seen>) -> Report {
    let mut report = Report::default();
    let mut files = BTreeMap::new();
    for path in source.files(&mut report) {
        match source.digests(&path) {
            Ok(digests) => {
                files.insert(path, digests);
            }
            Err(error) => report.error("unreadable", &path, format!("filen går inte att läsa: {error}")),
        }
    }
    report.checked.files = files.len() as u64;
    for path in REQUIRED.iter().filter(|path| !files.contains_key(**path)) {
        report.error("missing_file", path, "filen fattas");
    }
    check_declaration(source, &files, &mut report);
    for algorithm in Algorithm::ALL {
        let other = if algorithm == Algorithm::Sha256 { Algorithm::Sha512 } else { Algorithm::Sha256 };
        let manifests = (algorithm.manifest(), other.manifest());
        check_manifest(source, &files, algorithm, manifests, bagit::is_payload, &mut report);
        let manifests = (algorithm.tagmanifest(), other.tagmanifest());
        check_manifest(source, &files, algorithm, manifests, bagit::is_tag, &mut report);
    }
    let mut vouched = false;
    if let Some(head) = head::read(source, CHECKPOINT, KEY, options, &mut report) {
        vouched |= head.signed;
        if let Some(seen) = seen {
            let own = &head.checkpoint;
            let root_at = |size| (size == own.size).then_some(own.root);
            vouched |= seen.compare(&head, CHECKPOINT, options, root_at, &mut report);
        }
        vouched |= check_witnesses(source, &files, &head, options, &mut report);
        let newest = check_record(source, &files, &head, &mut report);
        if files.contains_key(STAMP) || files.contains_key(CHAIN) {
            anchors::check_stamp(source, (STAMP, CHAIN), &head.file, newest, options, &mut report);
        }
        super::wacz::within(source, &files, &mut report);
    }
    anchors::conclude(CHECKPOINT, options, &mut report);
    head::conclude(vouched, &mut report);
    report
}

/// The checkpoint as the proofs have it: with the lines of witnesses under it, if there are any.
fn cosigned(source: &Source<'_>, head: &Head) -> String {
    let proof = source.read(ENTRY_PROOF).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let cosigned = proof.and_then(|text| Proof::parse(&text).ok()).map(|proof| proof.checkpoint);
    // Anything else than lines after the checkpoint makes the proofs wrong.
    cosigned.filter(|cosigned| cosigned.starts_with(&head.file)).unwrap_or_else(|| head.file.clone())
}

fn check_witnesses(
    source: &Source<'_>,
    files: &BTreeMap<String, Digests>,
    head: &Head,
    options: &Options<'_>,
    report: &mut Report,
) -> bool {
    let cosigned = cosigned(source, head);
    if cosigned == head.file && !files.contains_key(WITNESSES) {
        return false;
    }
    match Note::parse(&cosigned) {
        Ok(note) => anchors::check_cosignatures(source, (ENTRY_PROOF, WITNESSES), &note, options, report),
        Err(error) => {
            let message = format!("under kontrollpunkten står annat än underskrifter ({error})");
            report.error("cosignature", ENTRY_PROOF, message);
            false
        }
    }
}

fn check_declaration(source: &Source<'_>, files: &BTreeMap<String, Digests>, report: &mut Report) {
    if source.read("bagit.txt").is_ok_and(|bytes| bytes != bagit::DECLARATION.as_bytes()) {
        report.error("bagit", "bagit.txt", "filen har inte de två rader som BagIt 1.0 kräver");
    }
    if let Some(info) = source.read("bag-info.txt").ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
        let expected = format!("Payload-Oxum: {}", bagit::oxum(files.iter()));
        if !info.lines().any(|line| line == expected) {
            report.error("oxum", "bag-info.txt", "Payload-Oxum stämmer inte med filerna i data/");
        }
    }
}

/// Renders the manifest anew and compares. Where it differs, the other manifest tells whether file or manifest is
/// to blame.
fn check_manifest(
    source: &Source<'_>,
    files: &BTreeMap<String, Digests>,
    algorithm: Algorithm,
    (path, other): (&str, &str),
    listed: fn(&str) -> bool,
    report: &mut Report,
) {
    let Ok(there) = source.read(path) else { return };
    let expected = bagit::manifest(files.iter(), algorithm, listed);
    if there == expected.as_bytes() {
        return;
    }
    let there = String::from_utf8_lossy(&there);
    let lines = parse(&there);
    let other = source.read(other).unwrap_or_default();
    let other = String::from_utf8_lossy(&other);
    let other = parse(&other);
    let mut told = false;
    for name in lines.keys().filter(|name| !files.contains_key(**name)) {
        if bagit::is_safe(name) {
            report.error("missing_file", name, format!("filen står i {path} men fattas"));
            told = true;
        }
    }
    for (name, digests) in files.iter().filter(|(name, _)| listed(name)) {
        match lines.get(name.as_str()) {
            None => {
                report.error("unlisted_file", name, format!("filen står inte i {path}"));
                told = true;
            }
            // Both manifests disagree with the file: the file was changed.
            Some(digest)
                if *digest != digests.hex(algorithm)
                    && other.get(name.as_str()).is_none_or(|digest| {
                        ![Algorithm::Sha256, Algorithm::Sha512]
                            .map(|known| digests.hex(known))
                            .contains(&(*digest).to_owned())
                    }) =>
            {
                report.error("digest", name, format!("filen är ändrad: den stämmer inte med {path}"));
                told = true;
            }
            Some(_) => {}
        }
    }
    let offset = there.bytes().zip(expected.bytes()).position(|(there, must)| there != must);
    let offset = offset.unwrap_or(there.len().min(expected.len())) as u64;
    let why = if told { "" } else { ": filerna stämmer, men listan är ändrad" };
    report.error_at("manifest", path, offset, format!("filen är inte den lista som filerna ger{why}"));
}

/// A manifest read leniently: path to digest.
fn parse(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter_map(|line| line.split_once("  ")).map(|(digest, path)| (path, digest)).collect()
}

fn read_text(source: &Source<'_>, path: &str, report: &mut Report) -> Option<String> {
    // A file that is not there has been told already.
    let bytes = source.read(path).ok()?;
    let text = String::from_utf8(bytes).ok();
    if text.is_none() {
        report.error("text", path, "filen är inte läsbar text");
    }
    text
}

/// When the record's newest entry was made.
fn check_record(
    source: &Source<'_>,
    files: &BTreeMap<String, Digests>,
    head: &Head,
    report: &mut Report,
) -> Option<DateTime<Utc>> {
    let cosigned = cosigned(source, head);
    let mut newest = None;
    let mut expected: BTreeSet<String> =
        REQUIRED.iter().chain(&OPTIONAL).map(|path| (*path).to_owned()).collect();
    let indexes = proof_indexes(files);
    let events = read_text(source, EVENTS, report).unwrap_or_default();
    if !events.ends_with('\n') {
        report.error("events", EVENTS, "filen slutar inte med en radbrytning");
    }
    let lines: Vec<_> = events.strip_suffix('\n').unwrap_or(&events).split('\n').collect();
    if lines.len() != indexes.len() {
        let message = format!("{} händelser men {} bevis i uppsikt/proofs/", lines.len(), indexes.len());
        report.error("proof_count", EVENTS, message);
    }
    let mut chains = Chains::default();
    let mut previous = None;
    for (position, (line, index)) in lines.iter().zip(&indexes).enumerate() {
        let (leaf, index) = (line.as_bytes(), *index);
        let proof_path = format!("uppsikt/proofs/{index}.tlog-proof");
        check_proof(source, &proof_path, index, leaf, (head, &cosigned), report);
        expected.insert(proof_path.clone());
        let entry = match Entry::parse(leaf) {
            Ok(entry) => entry,
            Err(error) => {
                report.entry_error(
                    "entry",
                    EVENTS,
                    index,
                    format!("rad {} är ingen giltig loggpost ({error})", position + 1),
                );
                continue;
            }
        };
        for (code, message) in chains.push(index, &entry) {
            report.entry_error(code, EVENTS, index, format!("rad {}: {message}", position + 1));
        }
        if (entry.kind() == Kind::Snapshot) != (position == 0) {
            report.entry_error(
                "events",
                EVENTS,
                index,
                "leveransen ska ha en akt, som börjar med `snapshot`",
            );
        }
        if entry.previous() != previous {
            report.entry_error(
                "chain",
                EVENTS,
                index,
                format!("rad {} hänvisar inte till raden före: en händelse fattas", position + 1),
            );
        }
        previous = Some(index);
        newest = newest.max(Some(entry.at()));
        if let Some(tree) = entry.tree() {
            let path = if position == 0 { FIELDS.to_owned() } else { format!("data/fields/{index}.json") };
            let fields = check_fields(source, &path, &tree, index, report);
            if let Some(fields) = fields.filter(|_| position == 0) {
                check_committed(&fields, files, report);
            }
            expected.insert(path);
        }
        if position == 0 {
            for (path, same) in
                [(ENTRY, leaf.to_vec()), (ENTRY_PROOF, source.read(&proof_path).unwrap_or_default())]
            {
                if source.read(path).is_ok_and(|bytes| bytes != same) {
                    report.entry_error(
                        "snapshot",
                        path,
                        index,
                        "filen är inte densamma som aktens första händelse",
                    );
                }
            }
        }
    }
    for path in &expected {
        if !files.contains_key(path)
            && !REQUIRED.contains(&path.as_str())
            && !OPTIONAL.contains(&path.as_str())
        {
            report.error("missing_file", path, "filen fattas");
        }
    }
    for path in files.keys() {
        let below = FOLDERS.iter().any(|folder| path.starts_with(folder));
        if !below && !expected.contains(path) {
            report.error("unexpected_file", path, "filen hör inte till leveransen");
        } else if !bagit::is_safe(path) {
            report.error(
                "name",
                path,
                "filnamnet har andra tecken än A–Z, a–z, 0–9, punkt, understreck och bindestreck",
            );
        }
    }
    report.checked.entries = lines.len().min(indexes.len()) as u64;
    newest
}

/// The indexes of the record's entries: the names of the proofs, in the order of the log.
fn proof_indexes(files: &BTreeMap<String, Digests>) -> Vec<u64> {
    let mut indexes: Vec<u64> = files
        .keys()
        .filter_map(|path| path.strip_prefix("uppsikt/proofs/")?.strip_suffix(".tlog-proof"))
        .filter_map(|name| name.parse().ok().filter(|index: &u64| index.to_string() == name))
        .collect();
    indexes.sort_unstable();
    indexes
}

pub(super) fn check_proof(
    source: &Source<'_>,
    path: &str,
    index: u64,
    leaf: &[u8],
    (head, cosigned): (&Head, &str),
    report: &mut Report,
) {
    let Some(text) = read_text(source, path, report) else { return };
    let proof = match Proof::parse(&text) {
        Ok(proof) => proof,
        Err(error) => {
            report.entry_error("proof", path, index, format!("filen är inget bevis ({error})"));
            return;
        }
    };
    let same = Proof { index, path: proof.path, checkpoint: cosigned.to_owned() };
    if same.text() != text {
        report.entry_error(
            "proof",
            path,
            index,
            "beviset gäller en annan post eller en annan kontrollpunkt än leveransens",
        );
    }
    let checkpoint = &head.checkpoint;
    if !merkle::verify_inclusion(
        &merkle::leaf_hash(leaf),
        index,
        checkpoint.size,
        &same.path,
        &checkpoint.root,
    ) {
        report.entry_error("proof", path, index, format!("beviset leder inte från post {index} till kontrollpunktens rot: posten eller beviset är ändrat"));
    }
}

pub(super) fn check_fields(
    source: &Source<'_>,
    path: &str,
    tree: &TreeHead,
    index: u64,
    report: &mut Report,
) -> Option<Fields> {
    let text = read_text(source, path, report)?;
    match fields::verify(&text, tree) {
        Ok(fields) => {
            // Only decoys are bare, and they stand last: everything else is withheld without saying so.
            let bare = fields
                .withheld
                .iter()
                .any(|(position, path)| path.is_some() || *position < fields.shown.len());
            if bare || fields.shown.is_empty() || fields.withheld.len() >= fields::STEP {
                report.entry_error("withheld", path, index, "uppgifter är borttagna ur filen");
            }
            Some(fields)
        }
        Err(error) => {
            report.entry_error(
                "fields",
                path,
                index,
                format!("uppgifterna stämmer inte med loggposten ({error})"),
            );
            None
        }
    }
}

/// The captured files are exactly those that the snapshot's fields commit to.
fn check_committed(fields: &Fields, files: &BTreeMap<String, Digests>, report: &mut Report) {
    let committed = match fields.files() {
        Ok(committed) => committed,
        Err(error) => {
            report.error("fields", FIELDS, format!("en fils kontrollsumma går inte att läsa ({error})"));
            return;
        }
    };
    let mut known = BTreeSet::new();
    for file in committed {
        let path = format!("data/{}", file.path);
        match files.get(&path) {
            Some(digests) if digests.sha256 == file.sha256 && digests.size == file.size => {}
            Some(_) => report.error(
                "committed",
                &path,
                "filen är inte den som togs till vara: den stämmer inte med loggen",
            ),
            None => report.error("missing_file", &path, "filen togs till vara enligt loggen men fattas"),
        }
        known.insert(path);
    }
    for path in files.keys().filter(|path| path.starts_with("data/api/") || path.starts_with("data/media/")) {
        if !known.contains(path) {
            report.error(
                "not_committed",
                path,
                "filen är tillagd: den finns inte i det som togs till vara enligt loggen",
            );
        }
    }
}
