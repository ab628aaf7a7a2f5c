//! Pictures beside comments: nothing is fetched before a person has looked, and nothing hidden before it is kept (N6);
//! of child abuse material nothing is ever fetched (L12).

use std::collections::BTreeMap;

use chrono::TimeDelta;
use uppsikt::archive::Vault;
use uppsikt::assemble::{self, Layout};
use uppsikt::connector::ConnectorError;
use uppsikt::domain::case::{CaseId, CaseState, Outcome};
use uppsikt::domain::comment::{Attachment, Author, Kind, Media, Seen, Visibility};
use uppsikt::domain::media::MediaAnswer;
use uppsikt::moves::{self, Looked};
use uppsikt::steps::export;
use uppsikt::store::{StoreError, cases, records};

use crate::support::app::{Call, MUNICIPALITY, Rig, at};

/// Monday, in office hours.
const NOW: &str = "2026-11-23T09:00:00Z";

fn fetching() -> Rig {
    Rig::new(&MUNICIPALITY.replace("media = \"never\"", "media = \"after_review\""), NOW)
}

/// A visitor writes, with pictures at these addresses.
fn picture(rig: &Rig, native: &str, text: &str, addresses: &[&str]) {
    let media = |url: &&str| Media { kind: Attachment::Image, url: (*url).to_owned() };
    rig.fake("fb").put(Seen {
        native_id: native.to_owned(),
        post_id: "p1".to_owned(),
        parent_id: None,
        author: Author { id: Some("42".to_owned()), name: Some("Berit Besökare".to_owned()) },
        created_at: at("2026-11-23T08:30:00Z"),
        text: text.to_owned(),
        permalink: Some(format!("https://www.facebook.com/p1?comment_id={native}")),
        kind: Kind::Comment,
        attachments: vec![Attachment::Image],
        media: addresses.iter().map(media).collect(),
        ours: false,
        visibility: Visibility::Public,
        element: format!("{{\"id\": \"{native}\"}}").into_bytes(),
    });
}

fn look(rig: &Rig, case: CaseId, person: &str, answer: MediaAnswer, reason: &str) -> Result<(), StoreError> {
    let (config, now) = (rig.app.config.clone(), rig.now());
    let (person, reason) = (person.to_owned(), reason.to_owned());
    rig.app.db.write_now(move |tx| {
        let asked =
            Looked { case, person: &person, os_user: "anna", answer, reason: &reason, upload: None, at: now };
        moves::looked(tx, &config, &asked)
    })
}

fn hide(rig: &Rig, case: CaseId) -> Result<(), StoreError> {
    let (config, now) = (rig.app.config.clone(), rig.now());
    rig.app.db.write_now(move |tx| {
        let asked = moves::Decide {
            case,
            person: "chef",
            os_user: "chef",
            outcome: Outcome::Hide,
            reason: "ett skäl",
            at: now,
        };
        moves::decide(tx, &config, &asked).map(drop)
    })
}

fn state(rig: &Rig, case: CaseId) -> CaseState {
    rig.app.db.read_now(|reader| Ok(cases::get(reader, case)?.state)).unwrap()
}

/// What the newest record of the case holds: its fields' text and its files.
fn kept(rig: &Rig, case: CaseId) -> (String, BTreeMap<String, Vec<u8>>) {
    let record = rig.app.db.read_now(|reader| records::current(reader, case)).unwrap().unwrap();
    let layout = Layout::new(&rig.app.config.paths.data);
    let keys = assemble::keys(&rig.app.config).unwrap();
    let key = keys.existing_record_key(record.id.parse().unwrap()).unwrap().unwrap();
    let path = layout.archive().join(uppsikt::archive::pack::path(record.id.parse().unwrap()));
    let pack = std::fs::read(path).unwrap();
    let content = uppsikt::archive::pack::open(key.expose(), record.id.parse().unwrap(), &pack).unwrap();
    (record.doc, content.files)
}

/// Writes the bag of the case, of its newest record or of `all`.
fn export(rig: &Rig, case: CaseId, all: bool, out: &std::path::Path) -> Result<(), export::ExportError> {
    let config = &rig.app.config;
    let keys = assemble::keys(config).unwrap();
    let vault = Vault::new(&Layout::new(&config.paths.data).archive());
    let origin = rig.app.log_origin();
    let source = export::Source {
        db: &rig.app.db,
        keys: &keys,
        vault: &vault,
        organisation: &config.organisation.name,
        origin: &origin,
        today: rig.now().date_naive(),
        delivery: None,
    };
    export::write(&source, export::Form::Bag, &[case], all, out, |_| {}).map(drop)
}

#[tokio::test]
async fn a_comment_with_a_picture_is_hidden_only_after_the_picture_is_in_the_record() {
    let rig = fetching();
    picture(&rig, "1", "Din idiot!", &["https://bilder.exempel.se/1.jpg?oh=hemlig"]);
    rig.pass().await;
    let case = rig.case("fb", "1");
    // An obvious insult on an account that hides those by itself: the picture must be looked at all the same.
    assert_eq!(state(&rig, case), CaseState::Open);
    let refused = hide(&rig, case).unwrap_err().to_string();
    assert!(refused.contains("uppsikt media c-000001 --by chef --answer"), "{refused}");
    assert_eq!((rig.fake("fb").calls(Call::Media), rig.fake("fb").writes()), (0, 0));

    look(&rig, case, "anna", MediaAnswer::Fetch, "").unwrap();
    assert!(look(&rig, case, "erik", MediaAnswer::Fetch, "").is_err(), "it is said once");
    hide(&rig, case).unwrap();
    rig.fake("fb").fault(Call::Media, false, ConnectorError::Unavailable("503".to_owned()));
    rig.pass().await;
    assert_eq!(
        (rig.fake("fb").calls(Call::Media), rig.fake("fb").writes()),
        (1, 0),
        "not yet kept, not yet hidden"
    );
    rig.advance(TimeDelta::seconds(31));
    rig.pass().await;
    rig.advance(TimeDelta::seconds(5));
    rig.pass().await;
    assert_eq!(state(&rig, case), CaseState::Hidden);
    let (doc, files) = kept(&rig, case);
    let bytes = [&b"\xff\xd8\xff\xe0"[..], b"https://bilder.exempel.se/1.jpg?oh=hemlig"].concat();
    let digest = uppsikt::archive::sha256_hex(&bytes);
    assert_eq!(files[&format!("media/{}.jpg", &digest[..16])], bytes);
    assert!(doc.contains(&digest) && doc.contains("\"media_preserved\":true"), "{doc}");
    let folder = tempfile::tempdir().unwrap();
    let bag = folder.path().join("bag");
    export(&rig, case, false, &bag).unwrap();
    assert_eq!(std::fs::read(bag.join(format!("data/media/{}.jpg", &digest[..16]))).unwrap(), bytes);
    // The same text stored anew with its picture is no edit: nobody is told twice, nothing is asked again.
    assert_eq!(rig.open_duties().len(), 0, "{:?}", rig.open_duties());
}

#[tokio::test]
async fn what_cannot_be_fetched_is_a_stated_reason_and_the_hide_goes_on() {
    let rig = fetching();
    picture(&rig, "1", "Din idiot!", &["https://bilder.exempel.se/1.jpg"]);
    picture(&rig, "2", "Din idiot!", &[]);
    rig.pass().await;
    for native in ["1", "2"] {
        let case = rig.case("fb", native);
        look(&rig, case, "anna", MediaAnswer::Fetch, "").unwrap();
        hide(&rig, case).unwrap();
    }
    for _ in 0..5 {
        rig.fake("fb").fault(Call::Media, false, ConnectorError::Unavailable("HTTP 503".to_owned()));
    }
    for _ in 0..6 {
        rig.pass().await;
        rig.advance(TimeDelta::minutes(5));
    }
    assert_eq!(rig.fake("fb").calls(Call::Media), 5);
    for (native, why) in [("1", "på fem försök"), ("2", "ingen adress")] {
        let case = rig.case("fb", native);
        assert_eq!(state(&rig, case), CaseState::Hidden, "{native}");
        let (doc, files) = kept(&rig, case);
        assert_eq!(files.len(), 1);
        assert!(doc.contains(why) && doc.contains("\"media_preserved\":false"), "{doc}");
    }
}

#[tokio::test]
async fn of_child_abuse_material_nothing_is_fetched_and_it_is_hidden_at_once() {
    let rig = fetching();
    picture(&rig, "1", "Titta här", &["https://bilder.exempel.se/1.jpg"]);
    rig.pass().await;
    let case = rig.case("fb", "1");
    // An editor alone, where four eyes are the rule.
    look(&rig, case, "anna", MediaAnswer::ChildAbuse, "").unwrap();
    for _ in 0..3 {
        rig.pass().await;
        rig.advance(TimeDelta::seconds(40));
    }
    assert_eq!(state(&rig, case), CaseState::Hidden);
    assert_eq!(rig.fake("fb").calls(Call::Media), 0);
    let (doc, files) = kept(&rig, case);
    assert_eq!(files.len(), 1);
    assert!(doc.contains("16 kap. 10 a § brottsbalken") && doc.contains("child_abuse"), "{doc}");
    let told = rig.letters().iter().any(|mail| mail.text.contains("övergreppsmaterial"));
    assert!(told, "{:?}", rig.letters());
    for mail in rig.letters() {
        assert!(
            !mail.text.contains("bilder.exempel.se") && !mail.text.contains("facebook.com"),
            "{}",
            mail.text
        );
    }
    let secrecy = rig.app.db.read_now(|reader| {
        Ok(reader.query_row("select secrecy from diary", [], |row| row.get::<_, bool>(0))?)
    });
    assert!(secrecy.unwrap());
}

#[tokio::test]
async fn what_was_fetched_and_turns_out_to_be_abuse_is_blocked_for_everybody() {
    let rig = fetching();
    picture(&rig, "1", "Din idiot!", &["https://bilder.exempel.se/1.jpg"]);
    rig.pass().await;
    let case = rig.case("fb", "1");
    look(&rig, case, "anna", MediaAnswer::Fetch, "").unwrap();
    rig.pass().await;
    assert_eq!(rig.fake("fb").calls(Call::Media), 1);
    assert!(look(&rig, case, "kim", MediaAnswer::Unavailable, "nej").is_err());
    look(&rig, case, "kim", MediaAnswer::ChildAbuse, "").unwrap();
    for _ in 0..3 {
        rig.pass().await;
        rig.advance(TimeDelta::seconds(40));
    }
    assert_eq!((rig.fake("fb").calls(Call::Media), state(&rig, case)), (1, CaseState::Hidden));
    let (_, files) = kept(&rig, case);
    assert_eq!(files.len(), 1, "the record that the hide rests on holds no picture");
    let folder = tempfile::tempdir().unwrap();
    export(&rig, case, false, &folder.path().join("bag")).unwrap();
    // Every version at once would hold the picture.
    let all = folder.path().join("alla");
    let error = export(&rig, case, true, &all).unwrap_err();
    assert!(matches!(error, export::ExportError::Blocked(_)), "{error}");
    assert!(!all.exists());
}

#[tokio::test]
async fn an_account_that_fetches_nothing_asks_all_the_same_and_keeps_the_reason() {
    let rig = Rig::new(MUNICIPALITY, NOW);
    picture(&rig, "1", "Din idiot!", &["https://bilder.exempel.se/1.jpg"]);
    rig.pass().await;
    let case = rig.case("fb", "1");
    assert!(hide(&rig, case).is_err());
    for (person, answer, reason) in [
        ("nobody", MediaAnswer::Fetch, ""),
        ("registrator", MediaAnswer::Fetch, ""),
        ("anna", MediaAnswer::Unavailable, " "),
    ] {
        assert!(look(&rig, case, person, answer, reason).is_err(), "{person} {answer}");
    }
    look(&rig, case, "anna", MediaAnswer::Fetch, "").unwrap();
    hide(&rig, case).unwrap();
    for _ in 0..3 {
        rig.pass().await;
        rig.advance(TimeDelta::seconds(40));
    }
    assert_eq!((rig.fake("fb").calls(Call::Media), state(&rig, case)), (0, CaseState::Hidden));
    assert!(kept(&rig, case).0.contains("inte hämta bilder"));
}

#[tokio::test]
async fn another_text_or_picture_is_looked_at_anew() {
    let rig = fetching();
    picture(&rig, "1", "Din idiot!", &["https://bilder.exempel.se/1.jpg"]);
    rig.pass().await;
    let case = rig.case("fb", "1");
    look(&rig, case, "anna", MediaAnswer::Fetch, "").unwrap();
    rig.pass().await;
    picture(&rig, "1", "Din jävla idiot!", &["https://bilder.exempel.se/2.jpg"]);
    rig.pass().await;
    assert!(hide(&rig, case).is_err(), "nobody has seen what stands beside the new text");
    look(&rig, case, "anna", MediaAnswer::Fetch, "").unwrap();
    rig.pass().await;
    assert_eq!(rig.fake("fb").calls(Call::Media), 2);
}
