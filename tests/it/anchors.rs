//! Outsiders that vouch for the log, and those that are away, slow or lie: no act waits for them, every lie is found.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use ed25519_dalek::SigningKey;
use uppsikt::archive::checkpoint::Checkpoint;
use uppsikt::archive::cosign::{self, WitnessKey};
use uppsikt::archive::note::VerifierKey;
use uppsikt::archive::timestamp::Token;
use uppsikt::archive::verify::{Options, verify};
use uppsikt::archive::witness::{Answer, SIZE, answer};
use uppsikt::clock::Clock;
use uppsikt::steps::anchor;
use uppsikt::store::anchors::{self, Fault};

use crate::support::app::{MUNICIPALITY, Mail, Rig, at};
use crate::support::evidence::{files, overwrite};
use crate::support::outsiders::{Does, Server, Tsa};

const INSULT: &str = "Din idiot!";
const NOW: &str = "2026-11-23T09:00:00Z";

/// A municipality with these outsiders; its clock stands a day behind the machine's, which is the authorities': a test
/// can move it on, and no token is older than what it covers.
fn rig(anchors: &str) -> Rig {
    let now = (Clock::System.now() - TimeDelta::days(1)).to_rfc3339();
    Rig::new(&format!("{MUNICIPALITY}\n{anchors}"), &now)
}

fn authority(id: &str, server: &Server, tsa: &Tsa, every: &str) -> String {
    format!(
        "[[timestamp]]\nid = {id:?}\nurl = {:?}\nca_file = \"{}\"\nevery = {every:?}\n",
        server.url,
        tsa.ca().display()
    )
}

/// A visitor insults somebody; the pass hides it.
async fn hides(rig: &Rig, native: &str) {
    rig.comment("fb", "1", native, INSULT, rig.now());
    rig.pass().await;
    rig.advance(TimeDelta::seconds(3));
    rig.pass().await;
    assert!(rig.fake("fb").hidden().contains(native), "{native} was not hidden");
}

fn stamps(rig: &Rig) -> Vec<anchors::Stamp> {
    rig.app.db.read_now(|reader| anchors::of(reader, None)).unwrap().0
}

fn fault(rig: &Rig, name: &str) -> Option<Fault> {
    rig.app.db.read_now(anchors::faults).unwrap().remove(name)
}

fn duties(rig: &Rig, kind: &str) -> usize {
    rig.open_duties().iter().filter(|duty| duty.what.kind == kind).count()
}

fn data(rig: &Rig) -> std::path::PathBuf {
    rig.app.config.paths.data.clone()
}

#[tokio::test]
async fn the_newest_checkpoint_is_stamped_and_openssl_agrees() {
    let folder = tempfile::tempdir().unwrap();
    let tsa = Tsa::new(folder.path(), 3650);
    let server = Server::new(tsa.honest());
    let rig = rig(&authority("tsa", &server, &tsa, "batch"));
    anchor::all(&rig.app).await.unwrap();
    assert_eq!(server.asked(), 0, "an empty log needs no stamp");
    hides(&rig, "1_1").await;
    anchor::all(&rig.app).await.unwrap();
    let [stamp] = stamps(&rig).try_into().unwrap();
    let published = std::fs::read_to_string(data(&rig).join("archive/checkpoint")).unwrap();
    assert_eq!(stamp.checkpoint, published);
    assert_eq!(Checkpoint::parse(&published).unwrap().0.size, stamp.size);
    assert_eq!(Token::parse(&stamp.reply).unwrap().at, stamp.at);
    let kept = data(&rig).join(format!("archive/anchors/{}", stamp.size));
    let token = kept.join(format!("tsa-{}.tsr", stamp.at.format("%Y%m%dT%H%M%SZ")));
    let (holds, said) = tsa.openssl(&kept.join("checkpoint"), &token);
    assert!(holds, "{said}");
    // The same checkpoint is not stamped twice; a log that went on without preserving anything waits a day.
    anchor::all(&rig.app).await.unwrap();
    rig.advance(TimeDelta::hours(2));
    anchor::all(&rig.app).await.unwrap();
    assert_eq!(server.asked(), 1);
    hides(&rig, "1_2").await;
    anchor::all(&rig.app).await.unwrap();
    assert_eq!((server.asked(), stamps(&rig).len()), (2, 2));
    // Files that were lost are made again of the rows.
    std::fs::remove_dir_all(data(&rig).join("archive/anchors")).unwrap();
    anchor::mend(&rig.app).await.unwrap();
    assert!(token.is_file());
    let key = std::fs::read_to_string(data(&rig).join("archive/log.vkey")).unwrap().trim().parse().unwrap();
    let report = verify(&data(&rig), &Options { keys: vec![key], ..Options::default() }).unwrap();
    assert_eq!(report.findings, []);
}

#[tokio::test]
async fn a_daily_authority_is_asked_once_a_day_and_again_before_its_certificate_expires() {
    let folder = tempfile::tempdir().unwrap();
    let tsa = Tsa::new(folder.path(), 90);
    let server = Server::new(tsa.honest());
    let rig = rig(&authority("tsa", &server, &tsa, "daily"));
    hides(&rig, "1_1").await;
    anchor::all(&rig.app).await.unwrap();
    hides(&rig, "1_2").await;
    anchor::all(&rig.app).await.unwrap();
    assert_eq!(server.asked(), 1);
    rig.advance(TimeDelta::hours(24));
    anchor::all(&rig.app).await.unwrap();
    assert_eq!(server.asked(), 2);
    // Nothing grows. The certificate has 90 days: from 60 days before its end the newest checkpoint is stamped anew.
    rig.advance(TimeDelta::days(20));
    anchor::all(&rig.app).await.unwrap();
    assert_eq!(server.asked(), 2);
    rig.advance(TimeDelta::days(12));
    anchor::all(&rig.app).await.unwrap();
    anchor::all(&rig.app).await.unwrap();
    assert_eq!(server.asked(), 3);
    let sizes: Vec<_> = stamps(&rig).iter().map(|stamp| stamp.size).collect();
    assert_eq!(sizes[1], sizes[2]);
    // An authority that keeps its old certificate until the end: somebody is told in time.
    assert_eq!(duties(&rig, "unanchored"), 0);
    rig.advance(TimeDelta::days(46));
    anchor::all(&rig.app).await.unwrap();
    assert_eq!(duties(&rig, "unanchored"), 1);
}

#[tokio::test]
async fn a_dead_a_slow_and_a_lying_authority_delay_no_hide_and_each_lie_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let tsa = Tsa::new(&folder.path().join("a"), 3650);
    let stranger = Tsa::new(&folder.path().join("b"), 3650);
    let web = Tsa::with(&folder.path().join("c"), 3650, "timeStamping,serverAuth");
    assert!(web.ca().is_file());
    let server = Server::new(|_, _| Does::Leaves);
    let anchors = authority("tsa", &server, &tsa, "batch") + "[anchors]\ntimeout_seconds = 1\n";
    let rig = rig(&anchors);
    let says =
        |body: Vec<u8>| move |_: &str, _: &[u8]| Does::Says(200, "application/timestamp-reply", body.clone());
    let mut natives = (1..).map(|n| format!("1_{n}"));
    let mut lied = 0;
    let mut turn = async |what: &str, lie: bool| {
        // At most five a day are hidden by themselves.
        rig.advance(TimeDelta::hours(6));
        hides(&rig, &natives.next().unwrap()).await;
        anchor::all(&rig.app).await.unwrap();
        let fault = fault(&rig, "timestamp:tsa").unwrap();
        assert_eq!(fault.lie, lie, "{what}: {}", fault.why);
        assert_eq!(duties(&rig, "contradicted"), usize::from(lie), "{what}");
        assert_eq!(stamps(&rig), [], "{what}");
        lied += usize::from(lie);
    };
    turn("dead", false).await;
    server.becomes(|_, _| Does::Hangs);
    turn("slow", false).await;
    server.becomes(|_, _| Does::Says(503, "text/html", b"<html>".to_vec()));
    turn("down for a day", false).await;
    server.becomes(|_, _| Does::Says(200, "text/html", b"<html>Logga in</html>".to_vec()));
    turn("a portal", false).await;
    server.becomes(|_, _| Does::Says(200, "application/timestamp-reply", vec![0x30; 300 << 10]));
    turn("too long", false).await;
    server.becomes(says(include_bytes!("../fixtures/tsa/refused.tsr").to_vec()));
    turn("refused", false).await;
    server.becomes(says(b"nonsense".to_vec()));
    turn("garbage", true).await;
    server.becomes(says(include_bytes!("../fixtures/tsa/ec.tsr").to_vec()));
    turn("an old token", true).await;
    let other = tsa.clone();
    server.becomes(move |_, query| {
        // Another digest under the same nonce.
        let mut query = query.to_vec();
        query[30] ^= 1;
        Does::Says(200, "application/timestamp-reply", other.reply(&query))
    });
    turn("wrong imprint", true).await;
    let other = tsa.clone();
    server.becomes(move |_, query| {
        let mut query = query.to_vec();
        let nonce = query.len() - 4;
        query[nonce] ^= 1;
        Does::Says(200, "application/timestamp-reply", other.reply(&query))
    });
    turn("wrong nonce", true).await;
    let other = tsa.clone();
    server.becomes(move |_, query| {
        let mut reply = other.reply(query);
        let last = reply.len() - 2;
        reply[last] ^= 1;
        Does::Says(200, "application/timestamp-reply", reply)
    });
    turn("broken signature", true).await;
    server.becomes(stranger.honest());
    turn("another root", true).await;
    assert_eq!(lied, 6);
    // The letters about it go out once, and the duty ends when the authority tells the truth.
    server.becomes(tsa.honest());
    rig.advance(TimeDelta::hours(2));
    anchor::all(&rig.app).await.unwrap();
    assert_eq!((stamps(&rig).len(), fault(&rig, "timestamp:tsa")), (1, None));
    assert_eq!((duties(&rig, "contradicted"), duties(&rig, "unanchored")), (0, 0));
}

#[tokio::test]
async fn a_pass_hides_while_the_authority_hangs() {
    let folder = tempfile::tempdir().unwrap();
    let tsa = Tsa::new(folder.path(), 3650);
    let server = Server::new(|_, _| Does::Hangs);
    let rig = rig(&(authority("tsa", &server, &tsa, "batch") + "[anchors]\ntimeout_seconds = 300\n"));
    hides(&rig, "1_1").await;
    let app = rig.app.clone();
    let asking = tokio::spawn(async move { anchor::all(&app).await });
    while server.asked() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The question stands open all the while.
    hides(&rig, "1_2").await;
    assert!(!asking.is_finished());
    assert_eq!(stamps(&rig), []);
    asking.abort();
}

#[tokio::test]
async fn somebody_is_told_once_when_the_log_goes_unstamped_too_long() {
    let folder = tempfile::tempdir().unwrap();
    let tsa = Tsa::new(folder.path(), 3650);
    let server = Server::new(|_, _| Does::Leaves);
    let anchors = authority("tsa", &server, &tsa, "batch") + "[anchors]\nletter_after_hours = 5\n";
    // On a Monday morning: letters about the machine leave in office hours.
    let rig = Rig::new(&format!("{MUNICIPALITY}\n{anchors}"), NOW);
    hides(&rig, "1_1").await;
    anchor::all(&rig.app).await.unwrap();
    assert_eq!(duties(&rig, "unanchored"), 0);
    rig.advance(TimeDelta::hours(4));
    anchor::all(&rig.app).await.unwrap();
    assert_eq!(duties(&rig, "unanchored"), 0);
    rig.set("2026-11-24T09:30:00Z");
    for _ in 0..3 {
        anchor::all(&rig.app).await.unwrap();
        rig.pass().await;
    }
    assert_eq!(duties(&rig, "unanchored"), 1);
    let letters = rig.letters_to("drift");
    let words = |mail: &Mail| mail.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let about: Vec<_> =
        letters.iter().filter(|mail| words(mail).contains("har inte tidsstämplats")).collect();
    assert_eq!(about.len(), 1, "{letters:#?}");
    assert!(words(about[0]).contains("döljs som vanligt"), "{}", about[0].text);
    assert!(!words(about[0]).contains("ingenting döljs"), "{}", about[0].text);
    server.becomes(tsa.honest());
    rig.advance(TimeDelta::hours(2));
    anchor::all(&rig.app).await.unwrap();
    assert_eq!(duties(&rig, "unanchored"), 0);
}

/// A witness in this process that a test can make lie.
struct Watcher {
    key: SigningKey,
    latest: Arc<Mutex<Option<Checkpoint>>>,
}

const WITNESS: &str = "granne.se/vittne";

impl Watcher {
    fn new() -> Self {
        Self { key: SigningKey::from_bytes(&[9; 32]), latest: Arc::default() }
    }

    fn table(&self, server: &Server) -> String {
        let key = WitnessKey::of(WITNESS, &self.key).unwrap();
        format!("[[witness]]\nid = \"granne\"\nurl = \"{}/w\"\nkey = \"{key}\"\n", server.url)
    }

    fn honest(&self, log: VerifierKey) -> impl FnMut(&str, &[u8]) -> Does + Send + 'static {
        let (key, latest) = (self.key.clone(), self.latest.clone());
        move |path, body| {
            assert_eq!(path, "/w/add-checkpoint");
            let body = std::str::from_utf8(body).unwrap();
            let mut latest = latest.lock().unwrap();
            let known = latest.clone();
            let says = |status, text: String| Does::Says(status, "text/plain", text.into_bytes());
            match answer(body, std::slice::from_ref(&log), |_| Ok::<_, ()>(known)).unwrap() {
                Answer::Cosign(checkpoint) => {
                    let line = cosign::line(&checkpoint.text(), WITNESS, &key, at(NOW)).unwrap();
                    *latest = Some(checkpoint);
                    says(200, line)
                }
                Answer::Conflict(size) => Does::Says(409, SIZE, format!("{size}\n").into_bytes()),
                Answer::Unproven => says(422, String::new()),
                Answer::Unknown => says(404, String::new()),
                Answer::Unsigned => says(403, String::new()),
                Answer::Bad => says(400, String::new()),
            }
        }
    }
}

fn vkey(rig: &Rig) -> VerifierKey {
    std::fs::read_to_string(data(rig).join("archive/log.vkey")).unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn a_witness_cosigns_and_its_line_stands_under_the_checkpoint() {
    let watcher = Watcher::new();
    let server = Server::new(|_, _| Does::Leaves);
    let rig = rig(&watcher.table(&server));
    server.becomes(watcher.honest(vkey(&rig)));
    for native in ["1_1", "1_2", "1_3"] {
        hides(&rig, native).await;
        rig.advance(TimeDelta::hours(1));
        anchor::all(&rig.app).await.unwrap();
        let file = std::fs::read_to_string(data(&rig).join("archive/checkpoint")).unwrap();
        let (checkpoint, note) = Checkpoint::parse(&file).unwrap();
        assert_eq!(note.signatures.len(), 2, "{file}");
        let key = WitnessKey::of(WITNESS, &watcher.key).unwrap();
        key.verify(&note.text, &note.signatures[1]).unwrap();
        assert_eq!(watcher.latest.lock().unwrap().clone().unwrap(), checkpoint);
    }
    assert_eq!(fault(&rig, "witness:granne"), None);
    // A witness that begins anew, and one that is further than our own note of it.
    *watcher.latest.lock().unwrap() = None;
    hides(&rig, "1_4").await;
    rig.advance(TimeDelta::hours(1));
    anchor::all(&rig.app).await.unwrap();
    assert_eq!(fault(&rig, "witness:granne"), None);
    // A cosigned checkpoint is still the log's own: passes go on, and the archive verifies.
    hides(&rig, "1_5").await;
    anchor::all(&rig.app).await.unwrap();
    let report = verify(&data(&rig), &Options { keys: vec![vkey(&rig)], ..Options::default() }).unwrap();
    assert_eq!(report.findings, []);
}

#[tokio::test]
async fn a_witness_that_is_away_slow_or_lies_delays_no_hide_and_each_lie_is_found() {
    let watcher = Watcher::new();
    let server = Server::new(|_, _| Does::Leaves);
    let rig = rig(&(watcher.table(&server) + "[anchors]\ntimeout_seconds = 1\n"));
    let says = |status, body: String| {
        move |_: &str, _: &[u8]| Does::Says(status, "text/plain", body.clone().into_bytes())
    };
    let mut natives = (1..).map(|n| format!("1_{n}"));
    let mut turn = async |what: &str, lie: bool| {
        // At most five a day are hidden by themselves.
        rig.advance(TimeDelta::hours(6));
        hides(&rig, &natives.next().unwrap()).await;
        anchor::all(&rig.app).await.unwrap();
        let fault = fault(&rig, "witness:granne").unwrap();
        assert_eq!(fault.lie, lie, "{what}: {}", fault.why);
        assert_eq!(duties(&rig, "contradicted"), usize::from(lie), "{what}");
        let file = std::fs::read_to_string(data(&rig).join("archive/checkpoint")).unwrap();
        assert_eq!(Checkpoint::parse(&file).unwrap().1.signatures.len(), 1, "{what}");
    };
    turn("dead", false).await;
    server.becomes(|_, _| Does::Hangs);
    turn("slow", false).await;
    for status in [400, 403, 404, 500] {
        server.becomes(says(status, String::new()));
        turn(&status.to_string(), false).await;
    }
    let other = Checkpoint { origin: "annan.se/logg1".to_owned(), size: 7, root: [1; 32] };
    let of = |key: &SigningKey, text: &str| cosign::line(text, WITNESS, key, at(NOW)).unwrap();
    server.becomes(says(200, of(&watcher.key, &other.text())));
    turn("another log's cosignature", true).await;
    let stranger = SigningKey::from_bytes(&[4; 32]);
    server.becomes(move |_, body| {
        let body = String::from_utf8(body.to_vec()).unwrap();
        let text = Checkpoint::parse(body.split_once("\n\n").unwrap().1).unwrap().0.text();
        Does::Says(200, "text/plain", cosign::line(&text, WITNESS, &stranger, at(NOW)).unwrap().into_bytes())
    });
    turn("another key", true).await;
    for garbage in ["", "nonsense\n", "\u{2014} granne.se/vittne AAAA\n"] {
        server.becomes(says(200, garbage.to_owned()));
        turn("garbage", true).await;
    }
    server.becomes(says(409, "1000000\n".to_owned()));
    turn("it has seen more", true).await;
    server.becomes(says(409, "inte ett tal".to_owned()));
    turn("no size", true).await;
    server.becomes(says(409, "1\n".to_owned()));
    turn("always another size", true).await;
    server.becomes(says(422, String::new()));
    turn("a fork, it says", true).await;
    server.becomes(watcher.honest(vkey(&rig)));
    rig.advance(TimeDelta::hours(2));
    anchor::all(&rig.app).await.unwrap();
    assert_eq!((fault(&rig, "witness:granne"), duties(&rig, "contradicted")), (None, 0));
}

#[tokio::test]
async fn damaged_stamps_and_cosignatures_in_the_archive_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let tsa = Tsa::new(folder.path(), 3650);
    let authority_server = Server::new(tsa.honest());
    let watcher = Watcher::new();
    let witness_server = Server::new(|_, _| Does::Leaves);
    let rig = rig(&(authority("tsa", &authority_server, &tsa, "batch") + &watcher.table(&witness_server)));
    witness_server.becomes(watcher.honest(vkey(&rig)));
    hides(&rig, "1_1").await;
    anchor::all(&rig.app).await.unwrap();
    let archive = data(&rig).join("archive");
    let options = || Options { keys: vec![vkey(&rig)], ..Options::default() };
    assert_eq!(verify(&data(&rig), &options()).unwrap().findings, []);
    let there = files(&archive);
    let anchors: Vec<_> = there.iter().filter(|(path, _)| path.starts_with("anchors/")).collect();
    assert_eq!(anchors.len(), 5, "{:?}", anchors.iter().map(|(path, _)| path).collect::<Vec<_>>());
    for (path, bytes) in anchors {
        let named = |what: &str, changed: &[u8]| {
            overwrite(&archive.join(path), changed);
            let report = verify(&data(&rig), &options()).unwrap();
            let name = format!("archive/{path}");
            assert!(
                report.has_errors()
                    && report.findings.iter().any(|one| one.path.as_deref() == Some(name.as_str())),
                "{what} of {path}: {:?}",
                report.findings
            );
        };
        named("emptied", b"");
        named("cut", &bytes[..bytes.len() / 2]);
        named("lengthened", &[bytes.as_slice(), b"x"].concat());
        let ending = path.rsplit('.').next();
        if ending != Some("pem") {
            for at in (0..bytes.len()).step_by(bytes.len().div_ceil(12)) {
                let mut changed = bytes.clone();
                changed[at] ^= 4;
                // The root of the chain lies in the token too, and nothing in it depends on it.
                if ending == Some("tsr") && Token::parse(&changed).is_ok_and(|token| token.is_whole().is_ok())
                {
                    continue;
                }
                named("a flip", &changed);
            }
        }
        overwrite(&archive.join(path), bytes);
    }
    overwrite(&archive.join("anchors/7x/checkpoint"), b"x");
    assert!(verify(&data(&rig), &options()).unwrap().has_errors());
}
