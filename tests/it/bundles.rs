//! Web archives, packages for an e-archive, and what is made of a record for people: against everything that can happen to
//! them, and against the tools of others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use uppsikt::archive::sip::{Party, Version};
use uppsikt::archive::stored;
use uppsikt::archive::verify::{Options, Report, Severity, verify, verify_bag, verify_sip, verify_wacz};
use uppsikt::archive::warc;
use uppsikt::bundle::bag::{self, BagInput};
use uppsikt::bundle::derived::{CAPTURE, PAGE, derive};
use uppsikt::bundle::sip::{Builder, Delivery};

use crate::bag::{good, run};
use crate::support::binary::{Town, comment};
use crate::support::evidence::{Dice, Log, files, overwrite};

type Files = BTreeMap<String, Vec<u8>>;

/// What somebody makes of the records of a web archive.
type Forgery = dyn Fn(&mut Vec<warc::Record>);

/// What somebody makes of a bag before its manifests are written.
type Change = Box<dyn Fn(&mut BagInput)>;

/// A log with a record whose look was kept as it travelled, one of before that, and one that was only preserved.
fn inputs(dir: &Path) -> Vec<BagInput> {
    let mut log = Log::new(dir);
    log.received();
    let look = log.preserve_look("Jag vet var du bor, Bo Test! ❤️ <script>alert(1)</script>", b"\x89PNG\r\n");
    log.hidden(look);
    log.hide("en äldre", b"png");
    log.preserve("en annan", b"y");
    (0..3)
        .map(|record| {
            let mut input = log.bag(record);
            if record == 2 {
                input.diary_number = None;
            }
            input.derived = derive(&input).unwrap();
            input
        })
        .collect()
}

fn key(input: &BagInput) -> Options<'static> {
    Options { keys: vec![input.vkey.clone()], ..Options::default() }
}

fn delivery(version: Version) -> Delivery {
    let party = |name: &str| Party { name: name.to_owned(), number: Some("212000-0000".to_owned()) };
    Delivery {
        version,
        organisation: party("Exempels \"kommun\" & <bolag>"),
        archive: Some(party("Exempels kommunarkiv")),
        agreement: Some("Överenskommelse 2026:1".to_owned()),
    }
}

fn package(folder: &Path, inputs: &[BagInput], version: Version) -> PathBuf {
    let target = folder.join(format!("sip-{version}"));
    let mut builder = Builder::new(&target).unwrap();
    for input in inputs {
        builder.add(input).unwrap();
    }
    builder.finish(&delivery(version)).unwrap();
    target
}

fn errors(report: &Report) -> Vec<&str> {
    let wrong = report.findings.iter().filter(|finding| finding.severity == Severity::Error);
    wrong.map(|finding| finding.path.as_deref().unwrap_or_default()).collect()
}

/// Lets some threads try all places; each try panics where a change is not found.
fn everywhere<T: Sync>(places: &[T], check: impl Fn(&[T]) + Sync) {
    std::thread::scope(|scope| {
        for part in places.chunks(places.len().div_ceil(4)) {
            scope.spawn(|| check(part));
        }
    });
}

fn venv(program: &str) -> Option<String> {
    let Some(venv) = std::env::var_os("UPPSIKT_VENV") else {
        let required = std::env::var_os("CI").is_some();
        assert!(!required, "set UPPSIKT_VENV to a virtual environment with tests/requirements.txt");
        return None;
    };
    Some(Path::new(&venv).join("bin").join(program).to_str().unwrap().to_owned())
}

#[test]
fn a_web_archive_verifies_against_the_log_and_plays_the_look() {
    let dir = tempfile::tempdir().unwrap();
    let inputs = inputs(dir.path());
    for (n, input) in inputs.iter().enumerate() {
        let archive = &input.derived[CAPTURE];
        assert_eq!(archive, &derive(input).unwrap()[CAPTURE], "the same record gives the same bytes");
        let report = verify_wacz(archive, &key(input)).unwrap();
        assert_eq!(report.findings, [], "{n}");
        assert!(report.authenticated);
        let inner: Files = stored::unzip(archive).files.into_iter().collect();
        let records = warc::read(&inner["archive/data.warc.gz"]).unwrap();
        let kinds: Vec<_> = records.iter().map(|record| record.kind.as_str()).collect();
        let expected: &[&str] = if n == 0 {
            &["warcinfo", "response", "request", "metadata", "metadata", "resource", "metadata", "resource"]
        } else {
            &["warcinfo", "resource", "metadata", "resource", "resource"]
        };
        assert_eq!(kinds, expected);
        let page = records.last().unwrap();
        assert_eq!(page.payload(), input.derived[PAGE]);
        assert_eq!(records[1].payload(), input.files["api/001-comment.response.json"]);
        let told = String::from_utf8(
            records[kinds.iter().rposition(|kind| *kind == "metadata").unwrap()].block.clone(),
        );
        assert!(told.unwrap().contains(if n == 0 {
            "fetchedFrom: "
        } else {
            "någon fråga om enbart den ställdes inte"
        }));
        if n == 0 {
            let told = String::from_utf8(records[4].block.clone()).unwrap();
            assert!(told.contains("withheldFromRequest: authorization, ?appsecret_proof\r\n"), "{told}");
            assert!(records[1].block.starts_with(b"HTTP/1.1 200 OK\r\ncontent-type: application/json"));
        }
    }
}

#[test]
fn the_validators_call_the_web_archive_valid() {
    let (Some(warcio), Some(wacz)) = (venv("warcio"), venv("wacz")) else { return };
    let dir = tempfile::tempdir().unwrap();
    for (n, input) in inputs(dir.path()).iter().take(2).enumerate() {
        let folder = dir.path().join(format!("unpacked-{n}"));
        let archive = dir.path().join(format!("{n}.wacz"));
        overwrite(&archive, &input.derived[CAPTURE]);
        for (name, bytes) in stored::unzip(&input.derived[CAPTURE]).files {
            overwrite(&folder.join(name), &bytes);
        }
        let data = folder.join("archive/data.warc.gz");
        let check = || run(&warcio, &["check", "-v", data.to_str().unwrap()], dir.path());
        let said = good(&check());
        assert!(said.contains("digest pass") && !said.contains("fail"), "{said}");
        let validate = || run(&wacz, &["validate", "-f", archive.to_str().unwrap()], dir.path());
        good(&validate());
        if n == 0 {
            // They can say no.
            let mut changed = fs::read(&data).unwrap();
            let at = changed.windows(8).position(|part| part == b"Bo Test!").unwrap();
            changed[at] ^= 1;
            overwrite(&data, &changed);
            assert!(!check().status.success());
            let mut changed = input.derived[CAPTURE].clone();
            let at = changed.windows(8).position(|part| part == b"Bo Test!").unwrap();
            changed[at] ^= 1;
            overwrite(&archive, &changed);
            assert!(!validate().status.success());
        }
    }
}

#[test]
fn every_changed_byte_of_a_web_archive_is_found_and_its_place_named() {
    let dir = tempfile::tempdir().unwrap();
    let input = &inputs(dir.path())[0];
    let whole = &input.derived[CAPTURE];
    assert!(whole.len() < 64 << 10, "{}", whole.len());
    everywhere(&(0..whole.len()).collect::<Vec<_>>(), |places| {
        let (mut changed, options) = (whole.clone(), &key(input));
        for at in places {
            changed[*at] ^= 1 << (at % 8);
            let report = verify_wacz(&changed, options).unwrap();
            let named =
                report.findings.iter().any(|finding| finding.path.is_some() || finding.offset.is_some());
            assert!(report.has_errors() && named && !report.authenticated, "byte {at}");
            changed[*at] ^= 1 << (at % 8);
        }
    });
    for end in [0, 1, 4, 100, whole.len() / 2, whole.len() - 1] {
        assert!(verify_wacz(&whole[..end], &key(input)).unwrap().has_errors(), "cut at {end}");
    }
}

/// The archive with other files, all sums right: what somebody does who knows the format but has not the log's key.
fn rebuilt(archive: &[u8], change: impl FnOnce(&mut Vec<(String, Vec<u8>)>)) -> Vec<u8> {
    let mut files = stored::unzip(archive).files;
    files.retain(|(name, _)| !name.starts_with("datapackage"));
    change(&mut files);
    let resources: Vec<_> =
        files.iter().map(|(path, bytes)| uppsikt::archive::wacz::resource(path, bytes)).collect();
    let package =
        serde_json::json!({"profile": "data-package", "wacz_version": "1.1.1", "resources": resources});
    let package = package.to_string().into_bytes();
    let digest = uppsikt::archive::wacz::package_digest(&package);
    files.push(("datapackage.json".to_owned(), package));
    files.push(("datapackage-digest.json".to_owned(), digest));
    stored::zip(&files).unwrap()
}

#[test]
fn a_web_archive_with_fitting_sums_is_still_bound_to_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let inputs = inputs(dir.path());
    let (input, whole) = (&inputs[0], &inputs[0].derived[CAPTURE]);
    let options = key(input);
    assert!(!verify_wacz(&rebuilt(whole, |_| {}), &options).unwrap().has_errors());
    let names: Vec<_> = stored::unzip(whole).files.into_iter().map(|(name, _)| name).collect();
    for name in names.iter().filter(|name| !name.starts_with("datapackage")) {
        let dropped = rebuilt(whole, |files| files.retain(|(known, _)| known != name));
        assert!(errors(&verify_wacz(&dropped, &options).unwrap()).contains(&name.as_str()), "{name} dropped");
        let renamed = rebuilt(whole, |files| {
            files.iter_mut().filter(|(known, _)| known == name).for_each(|(known, _)| known.push('x'));
        });
        assert!(errors(&verify_wacz(&renamed, &options).unwrap()).contains(&name.as_str()), "{name} renamed");
        let emptied = rebuilt(whole, |files| {
            files.iter_mut().filter(|(known, _)| known == name).for_each(|(_, bytes)| bytes.clear());
        });
        // The list of pages is a help for players and holds nothing that was captured.
        assert!(
            verify_wacz(&emptied, &options).unwrap().has_errors() != name.ends_with("pages.jsonl"),
            "{name} emptied"
        );
    }
    let added = rebuilt(whole, |files| files.push(("archive/more.warc.gz".to_owned(), vec![1])));
    assert!(errors(&verify_wacz(&added, &options).unwrap()).contains(&"archive/more.warc.gz"));
    let warc_changed = |change: &Forgery| {
        rebuilt(whole, |files| {
            let mut records = warc::read(&files[0].1).unwrap();
            change(&mut records);
            let (data, places) = warc::write(&records);
            files[0].1 = data;
            files[1].1 = warc::index(&records, &places).into_bytes();
        })
    };
    let forged: [(&str, &Forgery); 7] = [
        ("another answer", &|records| {
            let end = records[1].block.len() - 3;
            records[1].block[end] ^= 1;
        }),
        ("another head of the answer", &|records| records[1].block[9] = b'4'),
        ("another request", &|records| records[2].block[0] ^= 1),
        ("another exchange", &|records| records[3].block[30] ^= 1),
        ("another picture", &|records| records[5].block.push(1)),
        ("a record gone", &|records| drop(records.remove(5))),
        ("a record added", &|records| {
            let mut more = records[5].clone();
            more.headers.retain(|(name, _)| name != warc::FILE);
            records.push(more);
        }),
    ];
    for (what, change) in forged {
        let report = verify_wacz(&warc_changed(change), &options).unwrap();
        assert!(report.has_errors() && !report.authenticated, "{what}");
    }
    // Another record's archive in the bag is told, also when the manifests fit.
    let mut swapped = input.clone();
    swapped.derived.insert(CAPTURE.to_owned(), inputs[1].derived[CAPTURE].clone());
    let report = verify_bag(&bag::files(&swapped), &options).unwrap();
    assert_eq!(errors(&report), ["data/capture/snapshot.wacz"]);
}

#[test]
fn two_thousand_flips_in_a_bag_with_everything_in_it_are_found_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let input = &inputs(dir.path())[0];
    let whole = bag::files(input);
    assert_eq!(verify_bag(&whole, &key(input)).unwrap().findings, []);
    flips(&whole, |changed| verify_bag(changed, &key(input)).unwrap());
}

/// 2000 changed bits, each found with its file.
fn flips(whole: &Files, check: impl Fn(&Files) -> Report + Sync) {
    let mut dice = Dice(0x2026_1123_7ab1_e0f5);
    let size: usize = whole.values().map(Vec::len).sum();
    let places: Vec<_> = (0..2000)
        .map(|_| {
            let mut at = dice.roll(size);
            let mut files = whole.iter();
            loop {
                let (path, bytes) = files.next().unwrap();
                match at.checked_sub(bytes.len()) {
                    Some(rest) => at = rest,
                    None => break (path.clone(), at, 1_u8 << dice.roll(8)),
                }
            }
        })
        .collect();
    everywhere(&places, |places| {
        let mut changed = whole.clone();
        for (path, at, bit) in places {
            changed.get_mut(path).unwrap()[*at] ^= bit;
            let report = check(&changed);
            assert!(errors(&report).contains(&path.as_str()), "{path} byte {at}: {:?}", report.findings);
            assert!(!report.authenticated);
            changed.get_mut(path).unwrap()[*at] ^= bit;
        }
    });
}

#[test]
fn a_package_for_an_e_archive_verifies_and_every_change_is_found_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let inputs = inputs(dir.path());
    let target = package(dir.path(), &inputs, Version::V2_1_0);
    let options = key(&inputs[0]);
    let report = verify(&target, &options).unwrap();
    assert_eq!(report.findings, []);
    assert!(report.authenticated && report.checked.entries == 11);
    let report = verify(&target, &Options::default()).unwrap();
    assert!(!report.has_errors() && !report.authenticated);
    let whole = files(&target);
    let again = dir.path().join("again");
    fs::create_dir(&again).unwrap();
    assert_eq!(
        whole,
        files(&package(&again, &inputs, Version::V2_1_0)),
        "the same records give the same package"
    );
    let one = dir.path().join("one");
    fs::create_dir(&one).unwrap();
    let one = files(&package(&one, &inputs[..1], Version::V2_1_0));
    flips(&one, |changed| verify_sip(changed, &key(&inputs[0])).unwrap());
    let paths: Vec<_> = whole.keys().cloned().collect();
    let named = |changed: &Files, path: &str, what: &str| {
        let report = verify_sip(changed, &key(&inputs[0])).unwrap();
        assert!(errors(&report).contains(&path), "{path} {what}: {:?}", report.findings);
    };
    everywhere(&paths, |paths| {
        for path in paths {
            let mut changed = whole.clone();
            let bytes = changed.remove(path).unwrap();
            named(&changed, path, "dropped");
            changed.insert(format!("{path}x"), bytes);
            named(&changed, path, "renamed");
            named(&changed, &format!("{path}x"), "added by another name");
            changed.remove(&format!("{path}x"));
            changed.insert(path.clone(), Vec::new());
            named(&changed, path, "emptied");
        }
    });
    let record = |n: usize| {
        format!(
            "representations/rep1/data/{}",
            bag::folder_name(inputs[n].diary_number.as_deref(), inputs[n].record)
        )
    };
    let mut swapped = whole.clone();
    for (path, bytes) in &whole {
        for (from, to) in [(record(0), record(1)), (record(1), record(0))] {
            if let Some(rest) = path.strip_prefix(&from) {
                swapped.insert(format!("{to}{rest}"), bytes.clone());
            }
        }
    }
    named(&swapped, &format!("{}/uppsikt/entry.json", record(0)), "swapped");
    let gone: Files = whole
        .iter()
        .filter(|(path, _)| !path.starts_with(&record(1)))
        .map(|(a, b)| (a.clone(), b.clone()))
        .collect();
    named(&gone, &record(1), "gone");
    for added in
        ["x", "documentation/more.txt", "representations/rep2/data/x", "representations/rep1/data/more/x"]
    {
        let mut changed = whole.clone();
        changed.insert(added.to_owned(), b"x".to_vec());
        named(&changed, added, "added");
    }
}

/// Errors that eark-validator 1.1.3 has about every package that keeps to the profile: SIP15 demands the agent that
/// CSIP12, 13 and 16 refuse, and SIP14 asks for an attribute without its namespace.
const EARK_ALLOWED: [&str; 4] = ["CSIP12", "CSIP13", "CSIP16", "SIP14"];

#[test]
fn the_validators_call_the_package_for_an_e_archive_valid() {
    let dir = tempfile::tempdir().unwrap();
    let inputs = inputs(dir.path());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fixtures = root.join("tests/fixtures/eark");
    let xmllint = |schema: &Path, file: &Path| {
        std::process::Command::new("xmllint")
            .args(["--nonet", "--noout", "--schema"])
            .args([schema, file])
            .env("XML_CATALOG_FILES", fixtures.join("catalog.xml"))
            .output()
            .unwrap()
    };
    for (version, inputs) in
        [(Version::V2_1_0, &inputs[..]), (Version::V2_1_0, &inputs[..1]), (Version::V2_2_0, &inputs[..])]
    {
        let folder = dir.path().join(inputs.len().to_string());
        fs::create_dir_all(&folder).unwrap();
        let target = package(&folder, inputs, version);
        let mets = target.join("METS.xml");
        good(&xmllint(&fixtures.join("all.xsd"), &mets));
        let schemas = target.join("schemas");
        good(&xmllint(&schemas.join("mets.xsd"), &mets));
        good(&xmllint(&schemas.join("premis-v3-0.xsd"), &target.join("metadata/preservation/premis.xml")));
        good(&run(
            "xmllint",
            &["--noout", target.join("metadata/descriptive/dc.xml").to_str().unwrap()],
            dir.path(),
        ));
        for folder in fs::read_dir(target.join("representations/rep1/data")).unwrap() {
            let arguments = ["--strict", "--quiet", "-c", "manifest-sha256.txt", "tagmanifest-sha256.txt"];
            good(&run("sha256sum", &arguments, &folder.unwrap().path()));
        }
        // It does not know 2.2.0.
        if version == Version::V2_1_0
            && let Some(python) = venv("python")
        {
            eark(&python, &fixtures, &target, dir.path());
        }
    }
    // It can say no.
    let broken = dir.path().join("METS.xml");
    overwrite(&broken, b"<mets xmlns=\"http://www.loc.gov/METS/\"/>");
    assert!(!xmllint(&fixtures.join("all.xsd"), &broken).status.success());
}

/// Its exit code says nothing: what it found is read.
fn eark(python: &str, fixtures: &Path, target: &Path, folder: &Path) {
    let program = fixtures.join("eark.py");
    let output = run(python, &[program.to_str().unwrap(), target.to_str().unwrap()], folder);
    let said = String::from_utf8_lossy(&output.stdout);
    let begin = said.find('{').unwrap_or_else(|| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)));
    let found: serde_json::Value = serde_json::from_str(&said[begin..=said.rfind('}').unwrap()]).unwrap();
    assert_eq!(found["structure"]["status"], "WellFormed", "{found:#}");
    assert_eq!(found["metadata"]["schema_results"]["status"], "VALID", "{found:#}");
    let messages = found["metadata"]["schematron_results"]["messages"].as_array().unwrap();
    let wrong =
        |message: &&serde_json::Value| message["severity"].as_str().unwrap().eq_ignore_ascii_case("error");
    let codes: BTreeSet<_> =
        messages.iter().filter(wrong).map(|message| message["rule_id"].as_str().unwrap()).collect();
    assert!(codes.iter().all(|code| EARK_ALLOWED.contains(code)), "{found:#}");
    assert!(!codes.is_empty(), "it judged nothing: {found:#}");
}

#[test]
fn the_bags_own_program_finds_what_we_find() {
    let dir = tempfile::tempdir().unwrap();
    let inputs = inputs(dir.path());
    let bag = dir.path().join("bag");
    bag::write(&bag, &inputs[0]).unwrap();
    let program = bag.join("uppsikt/verify.py");
    let saved = dir.path().join("verify.py");
    fs::copy(&program, &saved).unwrap();
    let key = inputs[0].vkey.to_string();
    let asked = |program: &Path, more: &[&str]| {
        let arguments = [&["-I", program.to_str().unwrap()], more].concat();
        run("python3", &arguments, dir.path())
    };
    let said = good(&asked(&program, &[]));
    assert!(said.starts_with("RÄTT: ") && said.contains(&key), "{said}");
    let place = bag.to_str().unwrap();
    assert!(good(&asked(&saved, &[place, "--key", &key])).contains("den nyckel som du angav"));
    let other = key.replace('+', "+0");
    assert_eq!(asked(&saved, &[place, "--key", &other]).status.code(), Some(1));
    assert_eq!(asked(&saved, &[dir.path().join("nothing").to_str().unwrap()]).status.code(), Some(2));
    // Every file changed, then gone; then one added.
    let whole = files(&bag);
    for (n, (path, bytes)) in whole.iter().enumerate() {
        let mut changed = bytes.clone();
        let at = changed.len() * (n % 7 + 1) / 9;
        changed[at] ^= 1;
        overwrite(&bag.join(path), &changed);
        let output = asked(&saved, &[place]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1), "{path}: {said}");
        assert!(said.contains(&format!("FEL: {path}: ")), "{path}: {said}");
        overwrite(&bag.join(path), bytes);
    }
    for path in ["uppsikt/checkpoint", "data/events.jsonl", "data/fields/fields.json", CAPTURE] {
        let path = if path == CAPTURE { format!("data/{path}") } else { path.to_owned() };
        fs::remove_file(bag.join(&path)).unwrap();
        assert_eq!(asked(&saved, &[place]).status.code(), Some(1), "{path} gone");
        overwrite(&bag.join(&path), &whole[&path]);
    }
    good(&asked(&saved, &[place]));
}

/// What somebody forges who lets the manifests fit.
#[test]
fn the_bags_own_program_sees_through_fitting_manifests() {
    let dir = tempfile::tempdir().unwrap();
    let inputs = inputs(dir.path());
    let (input, saved) = (&inputs[0], dir.path().join("verify.py"));
    overwrite(&saved, &bag::files(input)["uppsikt/verify.py"]);
    let second = input.events[1].index;
    let forged: Vec<(&str, Change)> = vec![
        (
            "another answer",
            Box::new(|input| {
                drop(input.files.insert("api/001-comment.response.json".to_owned(), b"{}".to_vec()));
            }),
        ),
        ("a file added", Box::new(|input| drop(input.files.insert("media/more.png".to_owned(), vec![1])))),
        ("a file gone", Box::new(|input| drop(input.files.remove("media/8f8cbb7dcf46e0bc.png")))),
        ("an event gone", Box::new(|input| drop(input.events.remove(2)))),
        ("the last event gone and back", Box::new(|input| input.events.swap(3, 4))),
        ("fields gone", Box::new(|input| input.events[1].fields = None)),
        (
            "another checkpoint",
            Box::new(|input| input.checkpoint = input.checkpoint.replacen('\n', "\n1", 1)),
        ),
        ("another proof", Box::new(|input| input.events[1].path[0][0] ^= 1)),
        (
            "another record's web archive",
            Box::new({
                let other = inputs[1].derived[CAPTURE].clone();
                move |input| drop(input.derived.insert(CAPTURE.to_owned(), other.clone()))
            }),
        ),
    ];
    for (n, (what, change)) in forged.iter().enumerate() {
        let mut forged = input.clone();
        change(&mut forged);
        let bag = dir.path().join(n.to_string());
        for (path, bytes) in bag::files(&forged) {
            overwrite(&bag.join(path), &bytes);
        }
        let output = run("python3", &["-I", saved.to_str().unwrap(), bag.to_str().unwrap()], dir.path());
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{what} (entry {second}): {said}");
        assert!(!said.contains("manifest-sha256.txt:"), "{what}: {said}");
    }
}

#[test]
fn the_page_says_what_the_paper_says_and_holds_no_script() {
    let dir = tempfile::tempdir().unwrap();
    let input = &inputs(dir.path())[0];
    let page = String::from_utf8(input.derived[PAGE].clone()).unwrap();
    for expected in [
        "<html lang=\"sv\">",
        "<title>Bevarad kommentar KS 2026/123</title>",
        "ingen bild av hur sidan såg ut",
        "Jag vet var du bor, Bo Test! ❤️ &lt;script&gt;alert(1)&lt;/script&gt;",
        "registrerad i diariet, rad 2 i loggen",
        "<a href=\"../media/8f8cbb7dcf46e0bc.png\">",
        "default-src 'none'",
    ] {
        assert!(page.contains(expected), "{expected} is not in {page}");
    }
    assert!(!page.contains("<script") && !page.contains("http-equiv=\"refresh\"") && !page.contains("src="));
    assert!(input.files.keys().all(|path| page.contains(path.as_str())));
}

fn town() -> (Town, String) {
    let texts =
        ["Din jävla idiot, jag ska slå dig", "När öppnar badet?", "Din jävla idiot, jag ska slå dig igen"];
    let lines: Vec<_> = (1..).zip(texts).map(|(n, text)| comment(1, n, text)).collect();
    let mut town = Town::new(&lines);
    town.settle();
    let case = town.one("select 'c-' || printf('%06d', id) from case_file order by id limit 1");
    (town, case)
}

#[test]
fn every_form_is_written_by_command_and_verifies_by_command() {
    let (town, case) = town();
    let cases = town.rows("select 'c-' || printf('%06d', k.id) from case_file k join record r on r.case_id = k.id order by k.id");
    assert!(cases.len() > 1, "{cases:?}");
    for (form, name) in [("bag", "bag"), ("wacz", "one.wacz"), ("sip", "sip"), ("pdf", "one.pdf")] {
        let out = town.path(name);
        let out = out.to_str().unwrap();
        let one = ["export", &case, "--out", out, "--as", form];
        good(&town.run(&one));
        // What is there is never replaced.
        let before = town.path(name).metadata().unwrap().modified().unwrap();
        assert_eq!(town.run(&one).status.code(), Some(2), "{form}");
        assert_eq!(town.path(name).metadata().unwrap().modified().unwrap(), before);
        if form != "pdf" {
            let vkey = fs::read_to_string(town.data().join("archive/log.vkey")).unwrap();
            let said = good(&town.run(&["verify", out, "--key", vkey.trim()]));
            assert!(said.contains("bekräftar dem"), "{form}: {said}");
        }
        let all = town.path(&format!("all-{form}"));
        let names: Vec<_> = cases.iter().map(String::as_str).collect();
        let many = [&["export"], names.as_slice(), &["--out", all.to_str().unwrap(), "--as", form]].concat();
        let said = good(&town.run(&many));
        assert_eq!(said.lines().filter(|line| line.starts_with("c-")).count(), cases.len(), "{said}");
    }
    let versions = |version: &str| {
        let out = town.path(&format!("sip-{version}"));
        let asked =
            ["export", &case, "--out", out.to_str().unwrap(), "--as", "sip", "--sip-version", version];
        (town.run(&asked).status.code(), out.join("METS.xml"))
    };
    let (code, mets) = versions("2.2.0");
    assert_eq!(code, Some(0));
    assert!(fs::read_to_string(mets).unwrap().contains("E-ARK-SIP-v2-2-0.xml"));
    assert_eq!(versions("1.2").0, Some(2));
    // The look was kept as it travelled, without its key.
    let archive = fs::read(town.path("one.wacz")).unwrap();
    let inner: Files = stored::unzip(&archive).files.into_iter().collect();
    let records = warc::read(&inner["archive/data.warc.gz"]).unwrap();
    let request = records.iter().find(|record| record.kind == "request").unwrap();
    let told = String::from_utf8(request.block.clone()).unwrap();
    assert!(told.starts_with("GET /") && told.contains("accept-encoding: identity\r\n"), "{told}");
    assert!(!told.to_lowercase().contains("authorization"), "{told}");
}

/// The shell limits how large a file may become: where the limit kills, the program dies in the middle of a file; where it
/// does not, it is told as on a disk that is full.
#[test]
fn a_death_in_the_middle_and_a_full_disk_leave_nothing_under_the_final_name() {
    let (town, case) = town();
    for form in ["bag", "wacz", "sip", "pdf"] {
        for (trap, full) in [("", false), ("trap '' XFSZ;", true)] {
            let folder = town.path(&format!("{form}-{full}"));
            fs::create_dir(&folder).unwrap();
            let out = folder.join("out");
            let command = town.command(&["export", &case, "--as", form, "--out", out.to_str().unwrap()]);
            let mut shell = std::process::Command::new("bash");
            let program = command.get_program().to_owned();
            shell
                .arg("-c")
                .arg(format!("{trap} ulimit -f 8; exec \"$@\""))
                .arg("bash")
                .arg(program)
                .args(command.get_args());
            let output = shell.output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!out.exists(), "{form}: half of it has its name");
            if full {
                assert_eq!(output.status.code(), Some(2), "{form}: {said}");
                assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "{form}: something is left: {said}");
            } else {
                assert!(
                    !output.status.success() && output.status.code() != Some(2),
                    "{form} was not killed: {said}"
                );
            }
            // And then it can be written there after all.
            good(&town.run(&["export", &case, "--as", form, "--out", out.to_str().unwrap()]));
        }
    }
}
