//! A data folder's archive against everything that can happen to it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread;

use proptest::prelude::*;
use uppsikt::archive::entry::{Entry, Kind, RecordId, TreeHead};
use uppsikt::archive::note::VerifierKey;
use uppsikt::archive::proof::Proof;
use uppsikt::archive::tiles::{self, Tiles};
use uppsikt::archive::verify::{Options, Report, Severity, verify, verify_packs};
use uppsikt::archive::{checkpoint, fields, merkle, pack};
use uppsikt::durable;

use crate::support::evidence::{Dice, Log, ORIGIN, files, overwrite};

/// A log of some 290 entries, so that it has full and partial tiles on two levels.
fn published(dir: &Path) -> Log {
    let mut log = Log::new(dir);
    for number in 0..55 {
        log.hide(&format!("kommentar {number}"), b"png");
        if number % 5 == 0 {
            log.received();
        }
        if number % 10 == 0 {
            log.publish();
        }
    }
    log.publish();
    log
}

fn key(log: &Log) -> Options<'_> {
    Options { keys: vec![log.vkey()], ..Options::default() }
}

fn codes(report: &Report) -> BTreeSet<&'static str> {
    report.findings.iter().map(|finding| finding.code).collect()
}

fn named(report: &Report, path: &str) -> bool {
    let path = format!("archive/{path}");
    report
        .findings
        .iter()
        .any(|finding| finding.severity == Severity::Error && finding.path.as_deref() == Some(&path))
}

#[test]
fn a_whole_archive_verifies_with_and_without_keys() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = published(dir.path());
    let report = verify(dir.path(), &key(&log)).unwrap();
    assert_eq!(report.findings, []);
    assert!(report.authenticated);
    assert_eq!(report.checked.entries, 286);
    assert_eq!(report.checked.files, files(&log.archive()).len() as u64);
    let report = verify(dir.path(), &Options { record_keys: Some(&log.keys), ..key(&log) }).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!(
        codes(&verify(dir.path(), &Options::default()).unwrap()),
        BTreeSet::from(["not_authenticated"])
    );
    assert_eq!(verify_packs(dir.path()).unwrap().checked.files, 55);
    // A lawful disposal takes pack and key, and the log still verifies.
    log.dispose(3);
    log.publish();
    let report = verify(dir.path(), &Options { record_keys: Some(&log.keys), ..key(&log) }).unwrap();
    assert_eq!(report.findings, []);
    // What the entry says is gone must be gone.
    overwrite(&log.archive().join(pack::path(log.records[3].id)), b"still here");
    assert_eq!(codes(&verify(dir.path(), &key(&log)).unwrap()), BTreeSet::from(["pack_not_disposed"]));
}

#[test]
fn every_changed_byte_of_packs_tiles_checkpoint_and_key_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::new(dir.path());
    log.hide("hej", b"png");
    log.received();
    log.publish();
    let mut flips = 0;
    for (path, bytes) in files(&log.archive()) {
        let place = log.archive().join(&path);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            overwrite(&place, &changed);
            let report = verify(dir.path(), &key(&log)).unwrap();
            assert!(named(&report, &path), "{path} byte {at}: {:?}", report.findings);
            let without = verify(dir.path(), &Options::default()).unwrap();
            assert!(named(&without, &path), "{path} byte {at} without key: {:?}", without.findings);
            flips += 1;
        }
        overwrite(&place, &bytes);
    }
    assert!(flips > 2000, "{flips}");
}

#[test]
fn two_thousand_flips_over_an_archive_are_all_found_and_named() {
    let found: usize = thread::scope(|scope| {
        let quarters: Vec<_> =
            (1..=4_u64).map(|seed| scope.spawn(move || flips(seed * 0x2026_1123, 500))).collect();
        quarters.into_iter().map(|quarter| quarter.join().unwrap()).sum()
    });
    assert_eq!(found, 2000);
}

/// Flips `count` bits one by one, anywhere in an archive; returns how many were found with their file.
fn flips(seed: u64, count: usize) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let log = published(dir.path());
    let all: Vec<_> = files(&log.archive()).into_iter().collect();
    let total: usize = all.iter().map(|(_, bytes)| bytes.len()).sum();
    let mut dice = Dice(seed);
    for flip in 0..count {
        let mut at = dice.roll(total);
        let mut before = |bytes: &[u8]| {
            at >= bytes.len() && {
                at -= bytes.len();
                true
            }
        };
        let (path, bytes) = all.iter().find(|(_, bytes)| !before(bytes)).unwrap();
        let mut changed = bytes.clone();
        changed[at] ^= 1 << dice.roll(8);
        let place = log.archive().join(path);
        overwrite(&place, &changed);
        let report = verify(dir.path(), &key(&log)).unwrap();
        assert!(named(&report, path), "seed {seed} flip {flip}, {path} byte {at}: {:?}", report.findings);
        overwrite(&place, bytes);
    }
    assert_eq!(verify(dir.path(), &key(&log)).unwrap().findings, []);
    count
}

#[test]
fn dropped_added_swapped_and_renamed_files_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let log = published(dir.path());
    let all: Vec<_> = files(&log.archive()).into_iter().collect();
    let verified = || verify(dir.path(), &key(&log)).unwrap();
    for (path, bytes) in &all {
        let place = log.archive().join(path);
        for content in [&[][..], &bytes[..bytes.len() - 1], &[bytes.as_slice(), b"x"].concat()] {
            overwrite(&place, content);
            assert!(named(&verified(), path), "{path} with {} bytes", content.len());
        }
        fs::remove_file(&place).unwrap();
        let report = verified();
        assert!(
            named(&report, path) || path.contains(".p/") && !report.has_errors(),
            "{path} dropped: {:?}",
            report.findings
        );
        let moved = log.archive().join(format!("{path}x"));
        overwrite(&moved, bytes);
        assert!(named(&verified(), &format!("{path}x")), "{path} renamed");
        fs::remove_file(&moved).unwrap();
        overwrite(&place, bytes);
    }
    let packs: Vec<_> = all.iter().filter(|(path, _)| path.starts_with("packs/")).collect();
    for pair in packs.windows(2).take(10) {
        overwrite(&log.archive().join(&pair[0].0), &pair[1].1);
        overwrite(&log.archive().join(&pair[1].0), &pair[0].1);
        let report = verified();
        assert!(named(&report, &pair[0].0) && named(&report, &pair[1].0));
        overwrite(&log.archive().join(&pair[0].0), &pair[0].1);
        overwrite(&log.archive().join(&pair[1].0), &pair[1].1);
    }
    for added in [
        "packs/ab/abababababababababababababababab.pack",
        "packs/x",
        "tile/0/009",
        "tile/0/001.p/200",
        "tile/5/000.p/1",
        "tile/entries/001.p/200",
        "tile/entries/x001/000",
        "tile/0/01",
        "README",
        ".hidden",
        ".x.tmp",
    ] {
        overwrite(&log.archive().join(added), &[0; 64]);
        assert!(named(&verified(), added), "{added} added");
        fs::remove_file(log.archive().join(added)).unwrap();
    }
    std::os::unix::fs::symlink("/etc/passwd", log.archive().join("packs/link")).unwrap();
    assert!(codes(&verified()).contains("symlink"));
    fs::remove_file(log.archive().join("packs/link")).unwrap();
    assert_eq!(verified().findings, []);
}

#[test]
fn what_a_crash_leaves_is_a_warning_that_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = published(dir.path());
    let before = fs::read(log.archive().join("checkpoint")).unwrap();
    log.hide("efter", b"x");
    // After the pack and before its entry; after the tiles and before the checkpoint; in the middle of a file.
    let report = verify(dir.path(), &key(&log)).unwrap();
    assert_eq!(codes(&report), BTreeSet::from(["pack_unpublished"]));
    log.publish();
    overwrite(&log.archive().join("checkpoint"), &before);
    overwrite(&log.archive().join("tile/0/.001.0123456789abcdef.tmp"), b"half");
    let report = verify(dir.path(), &key(&log)).unwrap();
    assert_eq!(codes(&report), BTreeSet::from(["pack_unpublished", "unpublished", "leftover"]));
    assert!(!report.has_errors() && report.authenticated);
}

#[test]
fn a_cut_tail_and_a_rewritten_log_are_found_by_a_checkpoint_kept_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = published(dir.path());
    let seen = fs::read_to_string(log.archive().join("checkpoint")).unwrap();
    let with_seen =
        |log: &Log| verify(dir.path(), &Options { seen: Some(seen.clone()), ..key(log) }).unwrap();
    assert!(with_seen(&log).authenticated);
    log.hide("mer", b"x");
    log.publish();
    assert_eq!(with_seen(&log).findings, [], "a longer log has the older one as its prefix");
    let grown = log.leaves.clone();
    // Somebody who has the key cuts off the last records, removes their packs and signs again.
    let resign = |log: &mut Log, leaves: &[Vec<u8>]| {
        fs::remove_dir_all(log.archive().join("tile")).unwrap();
        log.leaves = leaves.to_vec();
        let hashes: Vec<_> = leaves.iter().map(|leaf| merkle::leaf_hash(leaf)).collect();
        let source =
            |index: u64| Ok::<_, std::convert::Infallible>(leaves[usize::try_from(index).unwrap()].clone());
        Tiles::new(&log.archive()).publish(0, leaves.len() as u64, source).unwrap();
        let text =
            checkpoint::sign(ORIGIN, leaves.len() as u64, merkle::root(&hashes), &log.signing).unwrap();
        durable::write(&log.archive().join("checkpoint"), text.as_bytes(), 0o644).unwrap();
    };
    resign(&mut log, &grown[..280]);
    for record in &log.records[54..] {
        fs::remove_file(log.archive().join(pack::path(record.id))).unwrap();
    }
    assert!(!verify(dir.path(), &key(&log)).unwrap().has_errors(), "in itself it is whole");
    assert_eq!(codes(&with_seen(&log)), BTreeSet::from(["log_shortened"]));
    // As long as before, but with another entry in the place of one.
    let mut other = grown.clone();
    let at = Entry::parse(&grown[290]).unwrap().at();
    other[285] = Entry::note(at, None).unwrap().canonical();
    resign(&mut log, &other);
    assert!(codes(&with_seen(&log)).contains("log_rewritten"));
}

#[test]
fn a_signed_log_with_a_record_out_of_order_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::new(dir.path());
    let record = log.preserve("hej", b"x");
    log.follow(record, Kind::HideIntent);
    log.publish();
    let report = verify(dir.path(), &key(&log)).unwrap();
    assert_eq!(codes(&report), BTreeSet::from(["order"]));
    assert_eq!(report.findings[0].index, Some(1));
    assert!(named(&report, "tile/entries/000.p/2"));
}

#[test]
fn absurd_claims_and_missing_folders_give_findings_and_no_panic() {
    let dir = tempfile::tempdir().unwrap();
    let log = published(dir.path());
    for size in [287, 1 << 20, u64::MAX] {
        let text = checkpoint::sign(ORIGIN, size, [0; 32], &log.signing).unwrap();
        overwrite(&log.archive().join("checkpoint"), text.as_bytes());
        let report = verify(dir.path(), &key(&log)).unwrap();
        assert!(codes(&report).contains("missing_file") && report.findings.len() <= 10_000, "{size}");
    }
    // A signed entry that claims anything at all.
    let entry = Entry::snapshot(
        chrono::DateTime::UNIX_EPOCH,
        RecordId::from_bytes([0; 16]),
        TreeHead { root: [0; 32], n: 16 },
        [0; 32],
    );
    let leaf = entry.unwrap().canonical();
    for leaf in [leaf.as_slice(), b"", b"{", &vec![0xff; 65_535]] {
        fs::remove_dir_all(log.archive().join("tile")).unwrap();
        let root = Tiles::new(&log.archive())
            .publish(0, 1, |_| Ok::<_, std::convert::Infallible>(leaf.to_vec()))
            .unwrap();
        let text = checkpoint::sign(ORIGIN, 1, root, &log.signing).unwrap();
        overwrite(&log.archive().join("checkpoint"), text.as_bytes());
        assert!(verify(dir.path(), &key(&log)).unwrap().has_errors());
    }
    fs::remove_dir_all(log.archive()).unwrap();
    fs::create_dir(log.archive()).unwrap();
    let report = verify(dir.path(), &key(&log)).unwrap();
    assert!(named(&report, "checkpoint") && named(&report, "log.vkey"));
    fs::remove_dir(log.archive()).unwrap();
    assert!(verify(dir.path(), &key(&log)).is_err(), "nothing is left that could be evidence");
    overwrite(&log.archive(), b"a file");
    assert!(verify(dir.path(), &key(&log)).unwrap().has_errors());
}

proptest! {
    #[test]
    fn no_parser_panics_or_believes_noise(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in "\\PC{0,200}") {
        let head = TreeHead { root: [0; 32], n: 16 };
        let record = RecordId::from_bytes([0; 16]);
        for bytes in [bytes.as_slice(), text.as_bytes()] {
            prop_assert!(Entry::parse(bytes).is_err());
            prop_assert!(pack::open(&[0; 32], record, bytes).is_err());
            let magic = [b"uppsikt-pack/1\n", bytes].concat();
            prop_assert!(pack::open(&[0; 32], record, &magic).is_err());
            let _ = tiles::split_bundle(bytes, 3);
            let text = String::from_utf8_lossy(bytes);
            prop_assert!(checkpoint::Checkpoint::parse(&text).is_err());
            let proof = format!("c2sp.org/tlog-proof@v1\nindex 1\n{text}\n\n");
            prop_assert!(Proof::parse(&proof).and_then(|proof| proof.verify(&[0; 32], &[])).is_err());
            prop_assert!(fields::verify(&text, &head).is_err());
            prop_assert!(text.parse::<VerifierKey>().is_err());
            let name = tiles::TileName::parse(&format!("tile/{text}"));
            prop_assert!(name.is_none_or(|name| name.path().ends_with(&*text)));
        }
    }
}
