//! A bag against everything that can happen to it, and against the tools of others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use uppsikt::archive::checkpoint;
use uppsikt::archive::entry::{Entry, Kind};
use uppsikt::archive::fields::Tree;
use uppsikt::archive::merkle;
use uppsikt::archive::verify::{Options, Report, Severity, verify, verify_bag};
use uppsikt::bundle::bag::{self, BagError, BagInput};

use crate::support::evidence::{Log, ORIGIN, files, overwrite};

type Files = BTreeMap<String, Vec<u8>>;

/// A log with some records around the one that is exported.
fn log(dir: &Path) -> Log {
    let mut log = Log::new(dir);
    for text in ["hej", "hej igen"] {
        log.hide(text, b"x");
        log.received();
    }
    log.hide("Jag ska slå dig, Bo Test", b"png");
    log.preserve("en annan", b"y");
    log
}

fn made() -> (tempfile::TempDir, Log, BagInput) {
    let dir = tempfile::tempdir().unwrap();
    let log = log(dir.path());
    let input = log.bag(2);
    (dir, log, input)
}

fn check(files: &Files, input: &BagInput) -> Report {
    verify_bag(files, &Options { keys: vec![input.vkey.clone()], ..Options::default() }).unwrap()
}

fn codes(report: &Report) -> BTreeSet<&'static str> {
    report.findings.iter().map(|finding| finding.code).collect()
}

fn named(report: &Report, path: &str) -> bool {
    report
        .findings
        .iter()
        .any(|finding| finding.severity == Severity::Error && finding.path.as_deref() == Some(path))
}

#[test]
fn a_whole_bag_verifies_and_says_how_much_it_proves() {
    let (dir, _log, input) = made();
    let target = dir.path().join("bag");
    bag::write(&target, &input).unwrap();
    let with_key = Options { keys: vec![input.vkey.clone()], ..Options::default() };
    let report = verify(&target, &with_key).unwrap();
    assert_eq!(report.findings, []);
    assert!(report.authenticated);
    assert_eq!((report.checked.files, report.checked.entries, report.exit_code()), (24, 5, 0));
    let report = verify(&target, &Options::default()).unwrap();
    assert_eq!(codes(&report), BTreeSet::from(["not_authenticated"]));
    assert!(!report.authenticated && report.exit_code() == 0);
    // The same checkpoint, kept elsewhere, vouches as well as the key; only its three lines do too.
    let text = input.checkpoint.split("\n\n").next().unwrap().to_owned();
    for seen in [input.checkpoint.clone(), text] {
        let report = verify(&target, &Options { seen: Some(seen), ..Options::default() }).unwrap();
        assert!(report.authenticated, "{report:?}");
    }
}

#[test]
fn the_same_input_gives_the_same_bag() {
    let (dir, _log, input) = made();
    bag::write(&dir.path().join("one"), &input).unwrap();
    bag::write(&dir.path().join("two"), &input).unwrap();
    let one = files(&dir.path().join("one"));
    assert_eq!(one, files(&dir.path().join("two")));
    assert_eq!(one, bag::files(&input));
    for path in one.keys() {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        assert!(path.chars().all(plain), "{path}");
    }
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".tmp")), "{left:?}");
}

#[test]
fn every_changed_byte_of_a_bag_is_found_and_its_file_named() {
    let (_dir, _log, input) = made();
    let whole = bag::files(&input);
    let size: usize = whole.values().map(Vec::len).sum();
    assert!(size < 64 << 10, "{size}");
    let places: Vec<_> =
        whole.iter().flat_map(|(path, bytes)| (0..bytes.len()).map(move |at| (path, at))).collect();
    let half = &|places: &[(&String, usize)]| {
        let mut changed = whole.clone();
        for (path, at) in places {
            let flip = 1 << (at % 8);
            changed.get_mut(*path).unwrap()[*at] ^= flip;
            let report = check(&changed, &input);
            assert!(named(&report, path), "{path} byte {at}: {:?}", report.findings);
            assert!(!report.authenticated);
            changed.get_mut(*path).unwrap()[*at] ^= flip;
        }
    };
    std::thread::scope(|scope| {
        for places in places.chunks(places.len().div_ceil(4)) {
            scope.spawn(move || half(places));
        }
    });
}

#[test]
fn dropped_added_emptied_lengthened_swapped_and_renamed_files_are_found() {
    let (_dir, _log, input) = made();
    let whole = bag::files(&input);
    let paths: Vec<_> = whole.keys().cloned().collect();
    for path in &paths {
        let mut changed = whole.clone();
        let bytes = changed.remove(path).unwrap();
        assert!(named(&check(&changed, &input), path), "{path} dropped");
        changed.insert(format!("{path}x"), bytes.clone());
        let report = check(&changed, &input);
        assert!(named(&report, path) && named(&report, &format!("{path}x")), "{path} renamed");
        for content in [
            Vec::new(),
            [bytes.as_slice(), b"\n"].concat(),
            bytes[..bytes.len() / 2].to_vec(),
            b"\xff\xfe".to_vec(),
        ] {
            let mut changed = whole.clone();
            changed.insert(path.clone(), content);
            assert!(named(&check(&changed, &input), path), "{path} with other content");
        }
    }
    for pair in paths.windows(2) {
        if whole[&pair[0]] != whole[&pair[1]] {
            let mut changed = whole.clone();
            changed.insert(pair[0].clone(), whole[&pair[1]].clone());
            changed.insert(pair[1].clone(), whole[&pair[0]].clone());
            let report = check(&changed, &input);
            assert!(named(&report, &pair[0]) && named(&report, &pair[1]), "{pair:?} swapped");
        }
    }
    for added in [
        "data/api/999.json",
        "data/x",
        "uppsikt/x",
        "x",
        "data/fields/99.json",
        "uppsikt/proofs/99.tlog-proof",
        "tagmanifest-md5.txt",
    ] {
        let mut changed = whole.clone();
        changed.insert(added.to_owned(), b"{}".to_vec());
        assert!(check(&changed, &input).has_errors(), "{added} added");
    }
}

/// Rewrites the manifests so that they fit: what somebody does who knows BagIt but has not the log's key.
fn rebag(files: &mut Files) {
    use uppsikt::archive::bagit::{self, Algorithm, Digests};
    let digests = |files: &Files| -> BTreeMap<String, Digests> {
        files.iter().map(|(path, bytes)| (path.clone(), Digests::of(bytes.as_slice()).unwrap())).collect()
    };
    let oxum = bagit::oxum(digests(files).iter());
    let info = String::from_utf8(files["bag-info.txt"].clone()).unwrap();
    let info: Vec<_> =
        info.lines()
            .map(|line| {
                if line.starts_with("Payload-Oxum") {
                    format!("Payload-Oxum: {oxum}")
                } else {
                    line.to_owned()
                }
            })
            .collect();
    files.insert("bag-info.txt".to_owned(), format!("{}\n", info.join("\n")).into_bytes());
    for algorithm in Algorithm::ALL {
        let text = bagit::manifest(digests(files).iter(), algorithm, bagit::is_payload);
        files.insert(algorithm.manifest().to_owned(), text.into_bytes());
    }
    for algorithm in Algorithm::ALL {
        let text = bagit::manifest(digests(files).iter(), algorithm, bagit::is_tag);
        files.insert(algorithm.tagmanifest().to_owned(), text.into_bytes());
    }
}

/// Changes a bag, rewrites its manifests, and expects the log itself to tell.
fn forge(whole: &Files, input: &BagInput, what: &str, change: impl FnOnce(&mut Files)) {
    let mut forged = whole.clone();
    change(&mut forged);
    rebag(&mut forged);
    let report = check(&forged, input);
    assert!(report.has_errors() && !report.authenticated, "{what}: {:?}", report.findings);
    assert!(!codes(&report).contains("manifest"), "{what}: {:?}", report.findings);
}

#[test]
fn a_bag_with_fitting_manifests_is_still_bound_to_the_log() {
    let (_dir, log, input) = made();
    let whole = bag::files(&input);
    let mut again = whole.clone();
    rebag(&mut again);
    assert_eq!(again, whole);
    let protected = |path: &String| {
        path.starts_with("data/") || path.starts_with("uppsikt/") && path != "uppsikt/verify.py"
    };
    for path in whole.keys().filter(|path| protected(path)) {
        forge(&whole, &input, &format!("{path} dropped"), |files| drop(files.remove(path)));
        for at in [0, whole[path].len() / 2, whole[path].len() - 2] {
            forge(&whole, &input, &format!("{path} byte {at}"), |files| {
                files.get_mut(path).unwrap()[at] ^= 1;
            });
        }
    }
    let events = String::from_utf8(whole["data/events.jsonl"].clone()).unwrap();
    let lines: Vec<_> = events.lines().collect();
    let set = |files: &mut Files, lines: &[&str]| {
        files.insert("data/events.jsonl".to_owned(), format!("{}\n", lines.join("\n")).into_bytes());
    };
    forge(&whole, &input, "last event dropped", |files| set(files, &lines[..4]));
    forge(&whole, &input, "events reordered", |files| {
        set(files, &[lines[0], lines[2], lines[1], lines[3], lines[4]]);
    });
    forge(&whole, &input, "event twice", |files| {
        set(files, &[lines[0], lines[1], lines[2], lines[3], lines[3]]);
    });
    forge(&whole, &input, "a middle event gone with its proof", |files| {
        set(files, &[lines[0], lines[1], lines[3], lines[4]]);
        files.remove(&format!("uppsikt/proofs/{}.tlog-proof", input.events[2].index));
        files.remove(&format!("data/fields/{}.json", input.events[2].index));
    });
    forge(&whole, &input, "a file added to what was captured", |files| {
        files.insert("data/media/extra.png".to_owned(), b"x".to_vec());
    });
    forge(&whole, &input, "another record's event", |files| {
        let other = String::from_utf8(log.leaves[0].clone()).unwrap();
        set(files, &[other.as_str(), lines[1], lines[2], lines[3], lines[4]]);
    });
    forge(&whole, &input, "a number with a leading zero", |files| {
        let name = format!("uppsikt/proofs/{}.tlog-proof", input.events[1].index);
        let proof = files.remove(&name).unwrap();
        files.insert(name.replace("proofs/", "proofs/0"), proof);
    });
    forge(&whole, &input, "an absurd number", |files| {
        files.insert(format!("uppsikt/proofs/{}.tlog-proof", u64::MAX), b"x".to_vec());
    });
}

#[test]
fn another_log_another_key_and_an_older_checkpoint_are_told_apart() {
    let (dir, mut log, input) = made();
    let whole = bag::files(&input);
    // The same record in a log made anew with another key: whole in itself, but not the published one.
    let other = tempfile::tempdir().unwrap();
    let forged = self::log(other.path()).bag(2);
    let report = check(&bag::files(&forged), &input);
    assert!(codes(&report).contains("other_key") && codes(&report).contains("signature"), "{report:?}");
    let without = verify_bag(&bag::files(&forged), &Options::default()).unwrap();
    assert!(!without.has_errors() && !without.authenticated, "without a key nothing can tell");
    // With a checkpoint of the true log it is told.
    let seen = Options { seen: Some(input.checkpoint.clone()), ..Options::default() };
    assert_eq!(codes(&verify_bag(&bag::files(&forged), &seen).unwrap()), BTreeSet::from(["log_rewritten"]));
    // A later checkpoint than the bag's: the bag may not be older than what somebody has seen.
    log.received();
    let later = Options { seen: Some(log.checkpoint()), ..Options::default() };
    assert_eq!(codes(&verify_bag(&whole, &later).unwrap()), BTreeSet::from(["log_shortened"]));
    // An earlier one cannot be compared with a bag alone.
    let hashes: Vec<_> = log.leaves.iter().map(|leaf| merkle::leaf_hash(leaf)).collect();
    let earlier = checkpoint::sign(ORIGIN, 3, merkle::root(&hashes[..3]), &log.signing).unwrap();
    let report = verify_bag(&whole, &Options { seen: Some(earlier), ..Options::default() }).unwrap();
    assert_eq!(codes(&report), BTreeSet::from(["seen_not_comparable", "not_authenticated"]));
    for bad in ["", "nothing", "a\nb\nc\n"] {
        verify_bag(&whole, &Options { seen: Some(bad.to_owned()), ..Options::default() }).unwrap_err();
    }
    assert!(verify(&dir.path().join("missing"), &Options::default()).is_err());
    assert!(verify(&dir.path().join("archive"), &Options::default()).is_err(), "holds none of the four");
}

#[test]
fn a_bag_that_would_not_verify_or_would_overwrite_is_not_written() {
    let (dir, log, input) = made();
    let target = dir.path().join("bag");
    let refused = |input: &BagInput| {
        let error = bag::write(&target, input).unwrap_err();
        assert!(matches!(error, BagError::Unsound(_)), "{error}");
        assert!(!target.exists());
    };
    let mut wrong = input.clone();
    wrong.files.insert("media/more.png".to_owned(), b"x".to_vec());
    refused(&wrong);
    let mut wrong = input.clone();
    wrong.files.insert("../escape".to_owned(), b"x".to_vec());
    refused(&wrong);
    let mut wrong = input.clone();
    wrong.events.remove(1);
    refused(&wrong);
    let mut wrong = input.clone();
    wrong.events.clear();
    refused(&wrong);
    let mut wrong = input.clone();
    wrong.events[1].fields = None;
    refused(&wrong);
    let mut wrong = input.clone();
    wrong.record = log.records[0].id;
    refused(&wrong);
    fs::create_dir(&target).unwrap();
    assert!(matches!(bag::write(&target, &input), Err(BagError::Exists(_))), "even an empty folder");
    assert_eq!(fs::read_dir(&target).unwrap().count(), 0);
    let nowhere = dir.path().join("kek/bag");
    assert!(matches!(bag::write(&nowhere, &input), Err(BagError::Io { .. })));
}

#[test]
fn a_record_hidden_before_its_time_is_found_although_the_log_is_signed() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::new(dir.path());
    let record = log.preserve("hej", b"x");
    log.follow(record, Kind::HideIntent);
    log.follow(record, Kind::Hidden);
    let input = log.bag(record);
    let report = check(&bag::files(&input), &input);
    assert_eq!(codes(&report), BTreeSet::from(["order"]));
}

#[test]
fn hostile_bags_on_disk_give_findings_and_no_panic() {
    let (dir, _log, input) = made();
    let target = dir.path().join("bag");
    bag::write(&target, &input).unwrap();
    let key = Options { keys: vec![input.vkey.clone()], ..Options::default() };
    // A link in the place of a file, although what it leads to has the right content.
    let media = target.join("data/media/8f8cbb7dcf46e0bc.png");
    fs::remove_file(&media).unwrap();
    overwrite(&dir.path().join("png"), b"png");
    std::os::unix::fs::symlink(dir.path().join("png"), &media).unwrap();
    assert!(codes(&verify(&target, &key).unwrap()).contains("symlink"));
    // A manifest that names files outside.
    let manifest = target.join("manifest-sha256.txt");
    let text = fs::read_to_string(&manifest).unwrap();
    overwrite(
        &manifest,
        format!("{text}{}  data/../../../etc/passwd\n{}  /etc/passwd\n", "0".repeat(64), "0".repeat(64))
            .as_bytes(),
    );
    let report = verify(&target, &key).unwrap();
    assert!(named(&report, "manifest-sha256.txt"));
    assert!(
        report.findings.iter().all(|finding| finding.path.as_deref().is_none_or(|path| !path.contains("..")))
    );
    // A checkpoint that claims the largest log.
    let huge = checkpoint::sign(
        "exempel.se/uppsikt/logg1",
        u64::MAX,
        [0; 32],
        &ed25519_dalek::SigningKey::from_bytes(&[1; 32]),
    )
    .unwrap();
    overwrite(&target.join("uppsikt/checkpoint"), huge.as_bytes());
    assert!(verify(&target, &key).unwrap().has_errors());
    // Fields that claim more than they hold, and deep JSON.
    overwrite(&target.join("data/fields/fields.json"), "[".repeat(100_000).as_bytes());
    overwrite(&target.join("data/events.jsonl"), &vec![b'{'; 100_000]);
    assert!(verify(&target, &key).unwrap().has_errors());
    // Only one stray file left: still a bag, everything missing is told.
    fs::remove_dir_all(&target).unwrap();
    overwrite(&target.join("bagit.txt"), b"");
    let report = verify(&target, &key).unwrap();
    assert!(named(&report, "bagit.txt") && named(&report, "uppsikt/checkpoint") && report.exit_code() == 1);
}

#[test]
fn withheld_fields_do_not_pass_for_a_whole_record() {
    let (_dir, log, mut input) = made();
    let record = &log.records[2];
    let tree: &Tree = &record.trees[&record.events[0]];
    input.events[0].fields = Some(tree.masked_json(|path| path == "/comment/from/name"));
    assert!(codes(&check(&bag::files(&input), &input)).contains("withheld"));
}

pub(crate) fn run(program: &str, arguments: &[&str], folder: &Path) -> Output {
    let output = Command::new(program).args(arguments).current_dir(folder).output();
    output.unwrap_or_else(|error| panic!("{program} must be installed to run these tests: {error}"))
}

pub(crate) fn good(output: &Output) -> String {
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    said
}

/// The page of Python as it stands in LAS-MIG.txt, saved outside the bag.
pub(crate) fn printed_program(bag: &Path, folder: &Path) -> PathBuf {
    let guide = fs::read_to_string(bag.join("LAS-MIG.txt")).unwrap();
    let program = guide.split("-----8<-----\n").nth(1).unwrap().split("----->8-----").next().unwrap();
    assert!(program.lines().count() <= 40);
    let path = folder.join("kontroll.py");
    overwrite(&path, program.as_bytes());
    path
}

#[test]
fn a_person_verifies_with_coreutils_openssl_and_one_page_of_python() {
    let (dir, _log, input) = made();
    let bag = dir.path().join("bag");
    bag::write(&bag, &input).unwrap();
    good(&run("sha256sum", &["--strict", "-c", "manifest-sha256.txt", "tagmanifest-sha256.txt"], &bag));
    good(&run("sha512sum", &["--strict", "-c", "manifest-sha512.txt", "tagmanifest-sha512.txt"], &bag));
    let guide = fs::read_to_string(bag.join("LAS-MIG.txt")).unwrap();
    assert!(guide.contains(&format!("ska ge {}.", files(&bag).len())));
    assert!(guide.contains(&input.vkey.to_string()));
    let program = printed_program(&bag, dir.path());
    let out = dir.path().join("out");
    fs::create_dir(&out).unwrap();
    let python = |bag: &Path| {
        run("python3", &[program.to_str().unwrap(), bag.to_str().unwrap(), out.to_str().unwrap()], dir.path())
    };
    assert!(good(&python(&bag)).starts_with("RÄTT: 5 "));
    let openssl = [
        "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", "key", "-sigfile", "sig",
        "-in", "text",
    ];
    assert!(good(&run("openssl", &openssl, &out)).contains("Signature Verified Successfully"));
    overwrite(&out.join("text"), b"another\n");
    assert!(!run("openssl", &openssl, &out).status.success());
    // And the program finds what was forged with fitting manifests.
    for path in [
        "data/events.jsonl",
        "data/api/001-comment.response.json",
        "data/fields/fields.json",
        "uppsikt/entry.json",
        "uppsikt/checkpoint",
        "uppsikt/entry.tlog-proof",
    ] {
        let content = fs::read(bag.join(path)).unwrap();
        let mut forged = content.clone();
        let at = if path.ends_with("fields.json") { forged.len() / 2 } else { 60.min(forged.len() - 2) };
        forged[at] ^= 1;
        overwrite(&bag.join(path), &forged);
        // It reads the proofs below proofs/, of which entry.tlog-proof is a copy.
        assert_eq!(python(&bag).status.success(), path == "uppsikt/entry.tlog-proof", "{path}");
        overwrite(&bag.join(path), &content);
    }
    overwrite(&bag.join("data/media/more.png"), b"x");
    assert!(!python(&bag).status.success());
}

/// Source: `bagit` 1.9.0 of the Python package index, the Library of Congress's own validator. Where `UPPSIKT_VENV` names a virtual
/// environment that has it, it is asked; continuous integration (`CI` is set) cannot leave it out.
#[test]
fn the_library_of_congress_calls_the_bag_valid() {
    let Some(venv) = std::env::var_os("UPPSIKT_VENV") else {
        let required = std::env::var_os("CI").is_some();
        assert!(!required, "set UPPSIKT_VENV to a virtual environment with bagit==1.9.0");
        return;
    };
    let (dir, _log, input) = made();
    let bag = dir.path().join("bag");
    bag::write(&bag, &input).unwrap();
    let program = Path::new(&venv).join("bin/bagit.py");
    let validate = || run(program.to_str().unwrap(), &["--validate", bag.to_str().unwrap()], dir.path());
    good(&validate());
    overwrite(&bag.join("data/events.jsonl"), b"x");
    assert!(!validate().status.success());
}

#[test]
fn entries_of_the_bag_are_those_of_the_log() {
    let (_dir, log, input) = made();
    let whole = bag::files(&input);
    let events = String::from_utf8(whole["data/events.jsonl"].clone()).unwrap();
    for (line, event) in events.lines().zip(&input.events) {
        assert_eq!(line.as_bytes(), log.leaves[usize::try_from(event.index).unwrap()]);
        assert_eq!(Entry::parse(line.as_bytes()).unwrap().leaf_hash(), merkle::leaf_hash(line.as_bytes()));
    }
}
