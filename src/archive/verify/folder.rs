//! A data folder's `archive/`: tiles, checkpoint and packs.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::chain::{Chains, State};
use super::finding::Report;
use super::head::{self, Head, Seen};
use super::source::Source;
use super::{NoEvidence, Options, anchors};
use crate::archive::checkpoint::Checkpoint;
use crate::archive::entry::{Entry, RecordId};
use crate::archive::keys::{self, Keys};
use crate::archive::merkle::{self, Hash};
use crate::archive::pack;
use crate::archive::tiles::{self, HEIGHT, Row, TileName, Tiles, WIDTH};

const CHECKPOINT: &str = "checkpoint";
const KEY: &str = "log.vkey";

/// Missing files are told up to this many.
const MOST_MISSING: usize = 1000;

pub(super) fn verify(data: &Path, options: &Options<'_>, seen: Option<&Seen>) -> Report {
    let archive = data.join("archive");
    let checkpoint = || std::fs::read(archive.join(CHECKPOINT)).ok();
    let mut report = Report::default();
    // A running daemon may publish meanwhile, which looks like files that nothing vouches for: look again.
    for _ in 0..3 {
        let before = checkpoint();
        report = once(data, &archive, options, seen);
        if report.findings.is_empty() || before == checkpoint() {
            break;
        }
    }
    for finding in &mut report.findings {
        finding.path = finding.path.take().map(|path| format!("archive/{path}"));
    }
    report
}

fn once(data: &Path, archive: &Path, options: &Options<'_>, seen: Option<&Seen>) -> Report {
    let mut report = Report::default();
    if !archive.is_dir() {
        report.error("not_a_file", ".", "archive är ingen mapp");
        return report;
    }
    let source = Source::Folder(archive.to_owned());
    let head = head::read(&source, CHECKPOINT, KEY, options, &mut report);
    let files: BTreeSet<_> = source.files(&mut report).into_iter().collect();
    report.checked.files += 2;
    for path in files.iter().filter(|path| !is_known(path)) {
        if is_leftover(path) {
            report.warning(
                "leftover",
                path,
                "en halvskriven fil efter ett avbrott; den kan tas bort när tjänsten står still",
            );
        } else {
            report.error("unexpected_file", path, "filen hör inte till arkivet");
        }
    }
    let Some(head) = head else {
        head::conclude(false, &mut report);
        return report;
    };
    let mut vouched = head.signed;
    let log = Log::read(&source, &files, &head, &mut report);
    if let Some(seen) = seen {
        let root_at = |size: u64| log.leaves.get(..usize::try_from(size).ok()?).map(merkle::root);
        vouched |= seen.compare(&head, CHECKPOINT, options, root_at, &mut report);
    }
    vouched |= anchors::check_folder(
        &source,
        &files,
        &head,
        options,
        |size| log.leaves.get(..usize::try_from(size).ok()?).map(merkle::root),
        |index| log.times.get(usize::try_from(index).ok()?).copied().flatten(),
        &mut report,
    );
    anchors::conclude("anchors", options, &mut report);
    log.check_tiles(&source, &files, &mut report);
    check_packs(data, archive, &files, &log.chains, options.record_keys, &mut report);
    head::conclude(vouched, &mut report);
    report
}

fn is_known(path: &str) -> bool {
    path == CHECKPOINT
        || path == KEY
        || anchors::is_known(path)
        || TileName::parse(path).is_some()
        || pack_record(path).is_some()
}

/// A temporary file of `durable`, `.<name>.<16 hex>.tmp`, or the one that shows whether the archive can be written.
fn is_leftover(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    if path == ".probe" {
        return true;
    }
    name.strip_prefix('.').and_then(|name| name.strip_suffix(".tmp")).is_some_and(|name| {
        name.rsplit_once('.').is_some_and(|(_, random)| random.len() == 16 && hex::decode(random).is_ok())
    })
}

/// The record whose pack has this path.
fn pack_record(path: &str) -> Option<RecordId> {
    let record: RecordId = path.rsplit('/').next()?.strip_suffix(".pack")?.parse().ok()?;
    (pack::path(record).as_os_str() == path).then_some(record)
}

/// The log as it stands in the tiles.
struct Log {
    /// The leaf hashes that have the checkpoint's root, as far as there are such; after them those of entries that
    /// no checkpoint covers yet, as a crash before the next checkpoint leaves them.
    leaves: Vec<Hash>,
    /// How many of them the checkpoint covers.
    published: u64,
    chains: Chains,
    /// When each entry that can be read was made.
    times: Vec<Option<DateTime<Utc>>>,
}

impl Log {
    fn read(source: &Source<'_>, files: &BTreeSet<String>, head: &Head, report: &mut Report) -> Self {
        let size = head.checkpoint.size;
        let mut missing = 0;
        // A checkpoint may claim any size: what is looked for is bounded by what is there.
        for name in tiles::names(size).take(files.len() + MOST_MISSING) {
            let path = text(&name);
            let full = text(&TileName { width: WIDTH, ..name });
            if !files.contains(&path) && !files.contains(&full) && missing < MOST_MISSING {
                report.error("missing_file", &path, "filen fattas");
                missing += 1;
            }
        }
        let mut chains = Chains::default();
        let mut times = Vec::new();
        let (mut by_entries, mut by_hashes) = (Vec::new(), Vec::new());
        let mut complete = true;
        for index in 0..size.div_ceil(WIDTH) {
            let width = (size - index * WIDTH).min(WIDTH);
            let name = TileName { row: Row::Entries, index, width };
            let entries = read_either(source, files, &name).and_then(|(path, bytes, there)| {
                let entries = tiles::split_bundle(&bytes, there)?;
                Some((path, entries.into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>()))
            });
            let hashes = read_either(source, files, &TileName { row: Row::Hashes(0), ..name }).and_then(
                |(_, bytes, there)| (bytes.len() as u64 == there * 32).then(|| bytes.as_chunks().0.to_vec()),
            );
            if entries.is_none() && hashes.is_none() {
                // Told above as missing, or below as damaged; without it there is no root to compare.
                complete = false;
                break;
            }
            let width = usize::try_from(width).unwrap_or_default();
            let from_entries: Option<Vec<Hash>> = entries.map(|(path, entries)| {
                let entries = &entries[..width];
                for (index, leaf) in (index * WIDTH..).zip(entries) {
                    times.resize(usize::try_from(index).unwrap_or_default(), None);
                    times.push(read_entry(&path, index, leaf, &mut chains, report));
                }
                entries.iter().map(|leaf| merkle::leaf_hash(leaf)).collect()
            });
            let from_hashes = hashes.map(|hashes: Vec<Hash>| hashes[..width].to_vec());
            by_entries.extend(from_entries.as_ref().or(from_hashes.as_ref()).into_iter().flatten());
            by_hashes.extend(from_hashes.or(from_entries).into_iter().flatten());
        }
        report.checked.entries += by_entries.len() as u64;
        let root = head.checkpoint.root;
        let leaves = if merkle::root(&by_entries) == root {
            by_entries
        } else if merkle::root(&by_hashes) == root {
            by_hashes
        } else {
            if complete {
                report.error(
                    "root",
                    CHECKPOINT,
                    "loggens rot är inte kontrollpunktens: poster är ändrade, borttagna eller tillagda",
                );
            }
            by_entries
        };
        let published = leaves.len() as u64;
        let mut log = Self { leaves, published, chains, times };
        log.extend(source, files);
        log
    }

    /// Takes in the entries beyond the checkpoint, as far as they continue the log and are entries at all.
    fn extend(&mut self, source: &Source<'_>, files: &BTreeSet<String>) {
        loop {
            let at = self.leaves.len() as u64;
            let (index, width) = (at / WIDTH, at % WIDTH);
            let longer = (width + 1..=WIDTH).rev().find_map(|width| {
                let name = TileName { row: Row::Entries, index, width };
                let path = text(&name);
                let bytes = files.contains(&path).then(|| source.read(&path).ok())??;
                let entries = tiles::split_bundle(&bytes, width)?;
                let valid = entries.iter().all(|leaf| Entry::parse(leaf).is_ok());
                valid.then(|| entries.iter().map(|leaf| merkle::leaf_hash(leaf)).collect::<Vec<_>>())
            });
            let covered = usize::try_from(index * WIDTH).unwrap_or(usize::MAX);
            let there = self.leaves.get(covered..).unwrap_or_default();
            match longer {
                Some(longer) if longer.starts_with(there) => {
                    self.leaves.truncate(covered);
                    self.leaves.extend(longer);
                }
                _ => return,
            }
        }
    }

    /// Compares every tile with what the leaves say it must be, byte by byte.
    fn check_tiles(&self, source: &Source<'_>, files: &BTreeSet<String>, report: &mut Report) {
        let mut levels = vec![self.leaves.clone()];
        while let Some(below) = levels.last().filter(|level| level.len() as u64 >= WIDTH) {
            let above = below.chunks_exact(1 << HEIGHT).map(merkle::root).collect();
            levels.push(above);
        }
        for path in files {
            let Some(name) = TileName::parse(path) else { continue };
            report.checked.files += 1;
            let bytes = match source.read(path) {
                Ok(bytes) => bytes,
                Err(error) => {
                    report.error("unreadable", path, format!("filen går inte att läsa: {error}"));
                    continue;
                }
            };
            let level = if let Row::Hashes(level) = name.row { level as usize } else { 0 };
            let hashes = levels.get(level).map_or(&[][..], Vec::as_slice);
            if check_tile(path, &name, &bytes, hashes, report)
                && (name.index * WIDTH + name.width)
                    > self.published >> (HEIGHT * u32::try_from(level).unwrap_or_default())
            {
                report.warning("unpublished", path, "filen har poster som ingen kontrollpunkt ännu täcker; efter ett avbrott: starta tjänsten och kontrollera igen");
            }
        }
    }
}

/// Whether the tile is what the leaves say; if not, that is told.
fn check_tile(path: &str, name: &TileName, bytes: &[u8], level: &[Hash], report: &mut Report) -> bool {
    const DAMAGED: &str = "filen är ändrad: den stämmer inte med loggens rot";
    let start = name.index.saturating_mul(WIDTH);
    let range = usize::try_from(start).ok().zip(usize::try_from(start.saturating_add(name.width)).ok());
    let Some(expected) = range.and_then(|(start, end)| level.get(start..end)) else {
        report.error("tile", path, "filen har mer än loggen: den är tillagd, eller loggens slut fattas");
        return false;
    };
    match name.row {
        Row::Entries => {
            let Some(entries) = tiles::split_bundle(bytes, name.width) else {
                report.error("tile", path, "filen är ändrad: den har inte de poster som namnet säger");
                return false;
            };
            let mut offset = 0;
            for ((index, entry), hash) in (start..).zip(entries).zip(expected) {
                if merkle::leaf_hash(entry) != *hash {
                    report.error_at("tile", path, offset, format!("{DAMAGED} (post {index})"));
                    return false;
                }
                offset += 2 + entry.len() as u64;
            }
        }
        Row::Hashes(_) => {
            let expected = expected.as_flattened();
            if bytes != expected {
                let offset = bytes.iter().zip(expected).position(|(there, must)| there != must);
                let offset = offset.unwrap_or(bytes.len().min(expected.len())) as u64;
                report.error_at("tile", path, offset, DAMAGED);
                return false;
            }
        }
    }
    true
}

/// When the entry was made; nothing for bytes that are none.
fn read_entry(
    path: &str,
    index: u64,
    leaf: &[u8],
    chains: &mut Chains,
    report: &mut Report,
) -> Option<DateTime<Utc>> {
    match Entry::parse(leaf) {
        Ok(entry) => {
            for (code, message) in chains.push(index, &entry) {
                report.entry_error(code, path, index, format!("post {index}: {message}"));
            }
            Some(entry.at())
        }
        Err(error) => {
            let message = format!("post {index} är ingen giltig loggpost ({error})");
            report.entry_error("entry", path, index, message);
            None
        }
    }
}

fn text(name: &TileName) -> String {
    name.path().to_string_lossy().into_owned()
}

/// The tile, or the full one that begins with it: path, bytes, width.
fn read_either(
    source: &Source<'_>,
    files: &BTreeSet<String>,
    name: &TileName,
) -> Option<(String, Vec<u8>, u64)> {
    [*name, TileName { width: WIDTH, ..*name }].into_iter().find_map(|name| {
        let path = text(&name);
        let bytes = files.contains(&path).then(|| source.read(&path).ok())??;
        Some((path, bytes, name.width))
    })
}

fn check_packs(
    data: &Path,
    archive: &Path,
    files: &BTreeSet<String>,
    chains: &Chains,
    keys: Option<&Keys>,
    report: &mut Report,
) {
    let mut states: Vec<_> = chains.records().collect();
    states.sort_by_key(|state| state.snapshot);
    let mut wanted = Vec::new();
    let mut known = BTreeSet::new();
    for state in states {
        let path = pack::path(state.record).to_string_lossy().into_owned();
        let there = files.contains(&path);
        known.insert(path.clone());
        if state.disposed && there {
            report.entry_error(
                "pack_not_disposed",
                &path,
                state.snapshot,
                "akten är gallrad enligt loggen, men filen finns kvar",
            );
        } else if !state.disposed && !there {
            report.entry_error(
                "pack_missing",
                &path,
                state.snapshot,
                format!("akten i post {} fattas, och ingen gallring står i loggen", state.snapshot),
            );
        } else if there {
            wanted.push((path, state));
        }
    }
    let mut underway = None;
    for path in files {
        let Some(record) = pack_record(path).filter(|_| !known.contains(path)) else { continue };
        let underway =
            underway.get_or_insert_with(|| keys::known_records(&data.join("keys.db")).unwrap_or_default());
        if underway.contains(&record) {
            report.warning(
                "pack_unpublished",
                path,
                "akten står ännu inte i loggen; efter ett avbrott: starta tjänsten och kontrollera igen",
            );
        } else {
            report.error(
                "pack_unknown",
                path,
                "filen är ingen akt i loggen: den är tillagd, eller dess loggpost är borttagen",
            );
        }
    }
    let digests = digests(archive, &wanted.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>());
    for ((path, state), digest) in wanted.iter().zip(digests) {
        report.checked.files += 1;
        match digest {
            Err(error) => report.entry_error(
                "unreadable",
                path,
                state.snapshot,
                format!("filen går inte att läsa: {error}"),
            ),
            Ok(digest) if digest != state.pack => {
                report.entry_error(
                    "pack_changed",
                    path,
                    state.snapshot,
                    format!("filen är ändrad sedan post {} skrevs", state.snapshot),
                );
            }
            Ok(_) => {
                if let Some(keys) = keys {
                    open_pack(archive, path, state, keys, report);
                }
            }
        }
    }
}

/// With the record's key: the content too must be what the entry's root commits to.
fn open_pack(archive: &Path, path: &str, state: &State, keys: &Keys, report: &mut Report) {
    let opened = match keys.existing_record_key(state.record) {
        Ok(Some(key)) => std::fs::read(archive.join(path))
            .map_err(|error| error.to_string())
            .and_then(|file| pack::open(key.expose(), state.record, &file).map_err(|error| error.to_string()))
            .and_then(|content| content.check(&state.tree).map_err(|error| error.to_string())),
        Ok(None) => Err("nyckeln fattas i keys.db".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(reason) = opened {
        report.entry_error(
            "pack_content",
            path,
            state.snapshot,
            format!("akten går inte att öppna eller är inte den som loggen säger: {reason}"),
        );
    }
}

/// SHA-256 of each file, on all cores.
fn digests(archive: &Path, paths: &[&str]) -> Vec<io::Result<Hash>> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get).min(paths.len().max(1));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut buffer = vec![0; 1 << 18];
        let mut done = Vec::new();
        loop {
            let position = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = paths.get(position) else { return done };
            done.push((position, digest(&archive.join(path), &mut buffer)));
        }
    };
    let mut all: Vec<(usize, io::Result<Hash>)> = thread::scope(|scope| {
        let others: Vec<_> = (1..cores).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        // A thread that panicked has lost what it had: its files then count as unread below.
        all.extend(others.into_iter().filter_map(|other| other.join().ok()).flatten());
        all
    });
    all.sort_by_key(|(position, _)| *position);
    let mut all = all.into_iter().peekable();
    (0..paths.len())
        .map(|position| {
            let there = all.next_if(|(done, _)| *done == position);
            there.map_or_else(|| Err(io::Error::other("the file was not read")), |(_, digest)| digest)
        })
        .collect()
}

fn digest(path: &Path, buffer: &mut [u8]) -> io::Result<Hash> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    loop {
        let read = file.read(buffer)?;
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else { break };
        hash.update(piece);
    }
    Ok(hash.finalize().into())
}

/// Checks only the packs of a data folder against the log's entries, on all cores: what takes the time in
/// [`verify()`](super::verify()).
///
/// # Errors
/// `Tiles` or `Missing` if the log cannot be read.
pub fn verify_packs(data: &Path) -> Result<Report, NoEvidence> {
    let archive = data.join("archive");
    let path = archive.join(CHECKPOINT);
    let missing = |source| NoEvidence::Missing { path: path.clone(), source };
    let file = std::fs::read_to_string(&path).map_err(missing)?;
    let (checkpoint, _) = Checkpoint::parse(&file).map_err(|error| missing(io::Error::other(error)))?;
    let mut report = Report::default();
    let mut chains = Chains::default();
    let entries = Tiles::new(&archive).read_entries(0, checkpoint.size, checkpoint.size)?;
    for (index, leaf) in (0..).zip(&entries) {
        read_entry("tile/entries", index, leaf, &mut chains, &mut report);
    }
    report.checked.entries = checkpoint.size;
    let files = Source::Folder(archive.clone()).files(&mut report).into_iter().collect();
    check_packs(data, &archive, &files, &chains, None, &mut report);
    Ok(report)
}
