//! Evidence that outsiders vouch for: bags with stamps and cosignatures, two municipalities that watch each other, and a
//! log that was written anew.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use chrono::TimeDelta;
use ed25519_dalek::SigningKey;
use serde_json::Value;
use uppsikt::archive::anchors::Anchors;
use uppsikt::archive::checkpoint::{self, Checkpoint};
use uppsikt::archive::cosign::{self, WitnessKey};
use uppsikt::archive::merkle;
use uppsikt::archive::note::Note;
use uppsikt::archive::timestamp::{self, Authorities, Token};
use uppsikt::archive::verify::{Options, Report, verify, verify_bag};
use uppsikt::archive::witness::{AddCheckpoint, Answer, answer};
use uppsikt::bundle::bag::{self, BagInput};
use uppsikt::clock::Clock;
use uppsikt::durable;
use uppsikt::steps::anchor;
use uppsikt::steps::export::{self, Form, Source};

use crate::support::app::{MUNICIPALITY, Rig};
use crate::support::binary::{Town, comment, told};
use crate::support::evidence::{Log, ORIGIN, overwrite};
use crate::support::outsiders::{Does, Server, Tsa};

const WITNESS: &str = "granne.se/vittne";

fn witness() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

fn codes(report: &Report) -> Vec<&'static str> {
    report.findings.iter().map(|finding| finding.code).collect()
}

fn authorities(tsa: &Tsa) -> Authorities {
    Authorities::from_pem(&fs::read(tsa.ca()).unwrap()).unwrap()
}

/// What the authority and the witness say of a checkpoint.
fn anchors(tsa: &Tsa, checkpoint: &str) -> Anchors {
    let reply = tsa.reply(&timestamp::request(checkpoint.as_bytes(), 7));
    let chain = Token::parse(&reply).unwrap().chain(&authorities(tsa));
    let text = Checkpoint::parse(checkpoint).unwrap().0.text();
    let line = cosign::line(&text, WITNESS, &witness(), Clock::System.now()).unwrap();
    let key = WitnessKey::of(WITNESS, &witness()).unwrap().to_string();
    Anchors { stamp: Some((reply, chain)), cosignatures: vec![(key, line)] }
}

/// A bag of a log of this moment, with both.
fn made(dir: &Path) -> (Tsa, BagInput) {
    let mut log = Log::new(dir);
    // The authority's clock is the machine's.
    log.at = Clock::System.now() - TimeDelta::hours(1);
    log.received();
    let record = log.hide("Jag ska slå dig, Bo Test", b"png");
    let tsa = Tsa::new(&dir.join("tsa"), 3650);
    let mut input = log.bag(record);
    input.anchors = anchors(&tsa, &input.checkpoint);
    (tsa, input)
}

fn check(files: &BTreeMap<String, Vec<u8>>, input: &BagInput) -> Report {
    verify_bag(files, &Options { keys: vec![input.vkey.clone()], ..Options::default() }).unwrap()
}

fn run(program: &str, words: &[&str]) -> (bool, String) {
    let said = Command::new(program).args(words).output().unwrap();
    let words = String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr);
    (said.status.success(), words)
}

#[tokio::test]
async fn a_bag_carries_stamp_and_cosignature_and_strangers_tools_agree() {
    let folder = tempfile::tempdir().unwrap();
    let tsa = Tsa::new(&folder.path().join("tsa"), 3650);
    let authority = Server::new(tsa.honest());
    let watcher = Server::new(|_, body| {
        let request = AddCheckpoint::parse(std::str::from_utf8(body).unwrap()).unwrap();
        let text = Checkpoint::parse(&request.checkpoint).unwrap().0.text();
        let line = cosign::line(&text, WITNESS, &witness(), Clock::System.now()).unwrap();
        Does::Says(200, "text/plain", line.into_bytes())
    });
    let key = WitnessKey::of(WITNESS, &witness()).unwrap();
    let toml = format!(
        "{MUNICIPALITY}\n[[timestamp]]\nid = \"tsa\"\nurl = {:?}\nca_file = \"{}\"\n[[witness]]\nid = \"granne\"\nurl = {:?}\nkey = \"{key}\"\n",
        authority.url,
        tsa.ca().display(),
        watcher.url
    );
    let rig = Rig::new(&toml, &Clock::System.now().to_rfc3339());
    rig.comment("fb", "1", "1_1", "Din idiot!", rig.now());
    rig.pass().await;
    rig.advance(TimeDelta::seconds(3));
    rig.pass().await;
    let export = |out: &Path| {
        let keys = rig.app.keys.lock().unwrap();
        let origin = rig.app.log_origin();
        let source = Source {
            db: &rig.app.db,
            keys: &keys,
            vault: &rig.app.vault,
            organisation: "Exempel kommun",
            origin: &origin,
            today: rig.now().date_naive(),
            delivery: None,
        };
        export::write(&source, Form::Bag, &[rig.case("fb", "1_1")], false, out, |_| {}).unwrap();
    };
    let bare = folder.path().join("bare");
    export(&bare);
    assert!(!bare.join("uppsikt/checkpoint.tsr").exists());
    assert!(fs::read_to_string(bare.join("LAS-MIG.txt")).unwrap().contains("är INTE tidsstämplad"));
    anchor::all(&rig.app).await.unwrap();
    // The log goes on: the bag shows the checkpoint that outsiders have seen, not the newest.
    let stamped = rig.app.db.read_now(|reader| uppsikt::store::anchors::of(reader, None)).unwrap().0[0].size;
    rig.comment("fb", "1", "1_2", "Din idiot!", rig.now());
    rig.pass().await;
    let bag = folder.path().join("bag");
    export(&bag);
    let path = |below: &str| bag.join(below).display().to_string();
    let file = fs::read_to_string(path("uppsikt/checkpoint")).unwrap();
    assert_eq!(Checkpoint::parse(&file).unwrap().0.size, stamped);
    for ca in [tsa.ca().display().to_string(), path("uppsikt/tsa-chain.pem")] {
        let (holds, said) = run(
            "openssl",
            &[
                "ts",
                "-verify",
                "-no_check_time",
                "-data",
                &path("uppsikt/checkpoint"),
                "-in",
                &path("uppsikt/checkpoint.tsr"),
                "-CAfile",
                &ca,
            ],
        );
        assert!(holds && said.contains("Verification: OK"), "{said}");
    }
    let guide = fs::read_to_string(path("LAS-MIG.txt")).unwrap();
    assert!(
        guide.contains(
            "openssl ts -verify -no_check_time -data uppsikt/checkpoint -in uppsikt/checkpoint.tsr"
        )
    );
    let out = tempfile::tempdir().unwrap();
    let (holds, said) = run("python3", &[&path("uppsikt/verify.py"), &path("")]);
    assert!(holds && said.starts_with("RÄTT"), "{said}");
    // The page in LAS-MIG.txt also writes what openssl needs.
    let printed = crate::bag::printed_program(&bag, out.path()).display().to_string();
    let (holds, said) = run("python3", &[&printed, &path(""), &out.path().display().to_string()]);
    assert!(holds && said.starts_with("RÄTT"), "{said}");
    for number in ["", "1"] {
        let made = |name: &str| out.path().join(format!("{name}{number}")).display().to_string();
        let words = ["pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey"];
        let (key, signature, text) = (made("key"), made("sig"), made("text"));
        let words = [&words[..], &[&key, "-sigfile", &signature, "-in", &text]].concat();
        let (holds, said) = run("openssl", &words);
        assert!(holds && said.contains("Verified Successfully"), "{number}: {said}");
    }
    let options =
        Options { witnesses: vec![key], authorities: Some(authorities(&tsa)), ..Options::default() };
    let report = verify(&bag, &options).unwrap();
    assert_eq!(report.findings, [], "a witness that is known from elsewhere vouches without the log's key");
    assert!(report.authenticated && report.stamped_at.is_some());
    assert_eq!(report.cosigned_by, [WITNESS]);
    let report = verify(&bare, &options).unwrap();
    assert!(codes(&report).contains(&"no_timestamp"), "{:?}", report.findings);
}

#[test]
fn every_changed_byte_of_stamp_chain_and_cosignature_is_found_though_the_manifests_fit() {
    let dir = tempfile::tempdir().unwrap();
    let (tsa, input) = made(dir.path());
    assert_eq!(codes(&check(&bag::files(&input), &input)), [""; 0]);
    let changed = |what: &str, change: &dyn Fn(&mut Anchors)| {
        let mut other = input.clone();
        change(&mut other.anchors);
        let report = check(&bag::files(&other), &input);
        assert!(report.has_errors(), "{what}: {:?}", report.findings);
    };
    let (reply, chain) = input.anchors.stamp.clone().unwrap();
    let (key, line) = input.anchors.cosignatures[0].clone();
    // What is not signed says nothing: the status, version numbers, the list of digests. The manifests cover it too.
    let mut unsigned = 0;
    for at in 0..reply.len() {
        let mut flipped = reply.clone();
        flipped[at] ^= 1 << (at % 8);
        let trusted = authorities(&tsa);
        if Token::parse(&flipped).is_ok_and(|token| {
            token.chain(&trusted) == chain && token.verify(input.checkpoint.as_bytes(), &trusted).is_ok()
        }) {
            unsigned += 1;
            continue;
        }
        changed(&format!("token byte {at}"), &|anchors| {
            anchors.stamp.as_mut().unwrap().0[at] ^= 1 << (at % 8);
        });
    }
    assert!(unsigned < 60, "{unsigned} of {} bytes", reply.len());
    let flip = |text: &str, at: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] ^= 1 << (at % 7);
        String::from_utf8(bytes).ok()
    };
    for at in 0..chain.len() {
        let Some(other) = flip(&chain, at) else { continue };
        changed(&format!("chain byte {at}"), &|anchors| anchors.stamp.as_mut().unwrap().1.clone_from(&other));
    }
    for at in 0..line.len() {
        let Some(other) = flip(&line, at) else { continue };
        changed(&format!("line byte {at}"), &|anchors| anchors.cosignatures[0].1.clone_from(&other));
    }
    for at in 0..key.len() {
        let Some(other) = flip(&key, at) else { continue };
        changed(&format!("key byte {at}"), &|anchors| anchors.cosignatures[0].0.clone_from(&other));
    }
    // The bag's own program finds it too.
    let mut forged = input.clone();
    let last = line.trim_end().len() - 6;
    forged.anchors.cosignatures[0]
        .1
        .replace_range(last..=last, if line.as_bytes()[last] == b'A' { "B" } else { "A" });
    for (other, holds) in [(&input, true), (&forged, false)] {
        let laid = tempfile::tempdir().unwrap();
        for (path, bytes) in bag::files(other) {
            let path = laid.path().join(path);
            durable::create_folder(path.parent().unwrap()).unwrap();
            overwrite(&path, &bytes);
        }
        let program = laid.path().join("uppsikt/verify.py").display().to_string();
        let (well, said) = run("python3", &[&program]);
        assert_eq!((well, said.contains("ett vittnes underskrift gäller inte")), (holds, !holds), "{said}");
    }
    changed("no line", &|anchors| anchors.cosignatures[0].1.clear());
    changed("twice", &|anchors| anchors.cosignatures[0].1 = format!("{line}{line}"));
    changed("no token", &|anchors| anchors.stamp.as_mut().unwrap().0.clear());
    changed("no chain", &|anchors| anchors.stamp.as_mut().unwrap().1.clear());
    // Those of another log, and of another authority.
    let other = checkpoint::sign(ORIGIN, 3, [5; 32], &SigningKey::from_bytes(&[1; 32])).unwrap();
    let of_another = anchors(&tsa, &other);
    changed("another stamp", &|anchors| anchors.stamp.clone_from(&of_another.stamp));
    changed("another cosignature", &|anchors| anchors.cosignatures.clone_from(&of_another.cosignatures));
    let stranger = Tsa::new(&dir.path().join("stranger"), 3650);
    let mut forged = input.clone();
    forged.anchors.stamp = anchors(&stranger, &input.checkpoint).stamp;
    let with_ca = |tsa: &Tsa| Options {
        keys: vec![input.vkey.clone()],
        authorities: Some(authorities(tsa)),
        ..Options::default()
    };
    let report = verify_bag(&bag::files(&forged), &with_ca(&tsa)).unwrap();
    assert_eq!(codes(&report), ["timestamp_authority", "no_timestamp"]);
    assert_eq!(codes(&verify_bag(&bag::files(&input), &with_ca(&tsa)).unwrap()), [""; 0]);
}

#[test]
fn a_log_written_anew_and_signed_with_the_right_key_is_found_in_three_ways() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut log = Log::new(old.path());
    log.hide("Jag ska slå dig, Bo Test", b"png");
    let mailed = log.publish();
    let tsa = Tsa::new(&old.path().join("tsa"), 3650);
    let (reply, chain) = anchors(&tsa, &mailed).stamp.unwrap();
    let size = log.leaves.len();
    log.received();
    log.publish();
    // The whole log again, without what should never have been hidden, longer than before, under the same key.
    let mut rewritten = Log::new(new.path());
    rewritten.signing = log.signing.clone();
    let vkey = log.vkey();
    overwrite(&rewritten.archive().join("log.vkey"), format!("{vkey}\n").as_bytes());
    rewritten.hide("Trevlig sommar!", b"png");
    rewritten.received();
    rewritten.received();
    let published = rewritten.publish();
    let options = || Options { keys: vec![vkey.clone()], ..Options::default() };
    assert_eq!(codes(&verify(new.path(), &options()).unwrap()), [""; 0], "it is sound in itself");

    // 1. A checkpoint that was mailed.
    let report = verify(new.path(), &Options { seen: Some(mailed.clone()), ..options() }).unwrap();
    assert_eq!(codes(&report), ["log_rewritten"]);

    // 2. A token: kept, it does not go with the log; taken away, there is none; made anew, it is of today.
    let put = |name: &str, bytes: &[u8]| {
        overwrite(&rewritten.archive().join(format!("anchors/{size}/{name}")), bytes);
    };
    put("checkpoint", mailed.as_bytes());
    put("tsa-20261123T090000Z.tsr", &reply);
    put("tsa-20261123T090000Z.pem", chain.as_bytes());
    let with_ca = || Options { authorities: Some(authorities(&tsa)), ..options() };
    let report = verify(new.path(), &with_ca()).unwrap();
    assert!(codes(&report).contains(&"log_rewritten"), "{:?}", report.findings);
    fs::remove_dir_all(rewritten.archive().join("anchors")).unwrap();
    assert_eq!(codes(&verify(new.path(), &with_ca()).unwrap()), ["no_timestamp"]);

    // 3. A witness: it has seen the other log, and does not follow.
    let known = Checkpoint::parse(&mailed).unwrap().0;
    let hashes: Vec<_> = rewritten.leaves.iter().map(|leaf| merkle::leaf_hash(leaf)).collect();
    for old in [known.size, 0, rewritten.leaves.len() as u64] {
        let proof = if old == known.size { merkle::consistency(&hashes, old).unwrap() } else { Vec::new() };
        let body = AddCheckpoint { old, proof, checkpoint: published.clone() }.text();
        let said = answer(&body, std::slice::from_ref(&vkey), |_| Ok::<_, ()>(Some(known.clone()))).unwrap();
        assert!(matches!(said, Answer::Unproven | Answer::Conflict(_)), "{said:?}");
    }
}

/// `uppsikt witness` in a process of its own.
struct WitnessProcess {
    child: Child,
    url: String,
    key: String,
}

impl Drop for WitnessProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl WitnessProcess {
    fn start(folder: &Path, name: &str, log: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_uppsikt"))
            .args(["witness", "--name", name, "--listen", "127.0.0.1:0", "--dir"])
            .arg(folder)
            .arg("--log")
            .arg(log)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut told =
            |label: &str| lines.find_map(|line| Some(line.strip_prefix(label)?.trim().to_owned())).unwrap();
        let key = told("Vittnets nyckel:");
        let url = told("Lyssnar:");
        Self { child, url, key }
    }

    fn newest(&self, origin: &str) -> String {
        let address = self.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let log = uppsikt::archive::sha256_hex(origin.as_bytes());
        write!(stream, "GET /{log}/checkpoint HTTP/1.1\r\nhost: w\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
        body.to_owned()
    }
}

fn add_to_configuration(town: &Town, more: &str) {
    let path = town.path("uppsikt.toml");
    let text = fs::read_to_string(&path).unwrap();
    durable::write(&path, format!("{text}\n{more}").as_bytes(), 0o600).unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn two_municipalities_watch_each_other_and_one_that_went_back_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut towns = [Town::new(&[comment(1, 1, "Din idiot!")]), Town::new(&[comment(1, 1, "Din idiot!")])];
    let vkey = |town: &Town| town.data().join("archive/log.vkey");
    let watchers: Vec<_> = ["a", "b"]
        .iter()
        .zip([&towns[1], &towns[0]])
        .map(|(name, other)| {
            WitnessProcess::start(&folder.path().join(name), &format!("{name}.se/vittne"), &vkey(other))
        })
        .collect();
    // Town 0 asks the witness of b, which watches it; town 1 the one of a.
    for (town, watcher) in towns.iter().zip([&watchers[1], &watchers[0]]) {
        let table =
            format!("[[witness]]\nid = \"granne\"\nurl = \"{}\"\nkey = \"{}\"", watcher.url, watcher.key);
        add_to_configuration(town, &table);
    }
    for (town, watcher) in towns.iter_mut().zip([&watchers[1], &watchers[0]]) {
        town.settle();
        assert_eq!(town.sandbox.hidden(), ["1_1"]);
        let file = fs::read_to_string(town.data().join("archive/checkpoint")).unwrap();
        let (checkpoint, note) = Checkpoint::parse(&file).unwrap();
        assert_eq!(note.signatures.len(), 2, "{file}");
        let key: WitnessKey = watcher.key.parse().unwrap();
        key.verify(&note.text, &note.signatures[1]).unwrap();
        let kept = watcher.newest(&checkpoint.origin);
        assert_eq!(Note::parse(&kept).unwrap().text, note.text);
        let output = town.run(&["status"]);
        assert!(told(&output).contains("Vittnet granne: senast"), "{}", told(&output));
        let hosts = told(&town.run(&["doctor", "--hosts"]));
        let place = watcher.url.strip_prefix("http://").unwrap();
        assert!(hosts.contains(&format!("{place}\tgranne: a witness of the log")), "{hosts}");
    }
    // One town goes on, is restored from a copy, and goes on another way: the witness has seen more than there is.
    let town = &mut towns[0];
    let backup = folder.path().join("backup");
    copy(&town.data(), &backup);
    town.sandbox.control("add", &comment(1, 2, "Din idiot!"));
    town.settle();
    let seen = watchers[1].newest("exempel.se/uppsikt/logg1");
    Checkpoint::parse(&seen).unwrap();
    fs::remove_dir_all(town.data()).unwrap();
    copy(&backup, &town.data());
    town.pass();
    assert!(town.duties("").contains(&"contradicted".to_owned()), "{}", told(&town.run(&["status"])));
    let doctor = told(&town.run(&["doctor", "--json"]));
    let found: Vec<Value> = doctor.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(found.iter().any(|line| line["area"] == "anchors" && line["severity"] == "error"), "{doctor}");
    let file = folder.path().join("seen");
    durable::write(&file, seen.as_bytes(), 0o600).unwrap();
    let report =
        town.run(&["verify", &town.data().display().to_string(), "--seen", &file.display().to_string()]);
    assert_eq!(report.status.code(), Some(1), "{}", told(&report));
    let words = told(&report);
    assert!(words.contains("log_shortened") || words.contains("log_rewritten"), "{words}");
}

#[test]
fn a_witness_tells_its_key_and_refuses_what_it_cannot_use() {
    let folder = tempfile::tempdir().unwrap();
    let run = |words: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_uppsikt")).arg("witness").args(words).output().unwrap()
    };
    let dir: PathBuf = folder.path().join("w");
    let dir = dir.display().to_string();
    let refused = run(&["--dir", &dir]);
    assert_eq!(refused.status.code(), Some(2), "{}", told(&refused));
    let first = run(&["--dir", &dir, "--name", "arkiv.se/vittne"]);
    assert_eq!(first.status.code(), Some(0), "{}", told(&first));
    let second = run(&["--dir", &dir]);
    assert_eq!(second.stdout, first.stdout);
    for log in [
        "nonsense",
        "/nowhere/log.vkey",
        "arkiv.exempel.se/vittne1+c32a810f+BJrfvjC/3Ltimn+M3F85wo4vKlwRxQTK5rg6wWy2jYJ6",
    ] {
        let refused = run(&["--dir", &dir, "--log", log]);
        assert_eq!(refused.status.code(), Some(2), "{log}: {}", told(&refused));
    }
}
