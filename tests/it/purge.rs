//! Where a platform's terms and a decision say so, texts that no record preserves go after 48 hours.

use chrono::TimeDelta;

use crate::support::app::{MUNICIPALITY, Rig};

/// The rule is the platform's, whichever it is.
const RULE: &str = "[storage.facebook]\nrule = \"purge_after_48h\"\n\
                    decided = { by = \"kommunstyrelsen\", on = 2026-02-03, dnr = \"KS 2026/14\" }\n[[account]]";

fn texts(rig: &Rig) -> Vec<String> {
    let path = rig.app.config.paths.data.join("uppsikt.db");
    let db = rusqlite::Connection::open(path).unwrap();
    crate::support::binary::rows(
        &db,
        "select c.native_id || ':' || v.n || ':' || v.text || ':' || coalesce(c.author_name, '-')
         from version v join comment c on c.id = v.comment order by c.native_id desc, v.n",
    )
}

#[tokio::test]
async fn what_is_not_preserved_goes_after_48_hours_and_does_not_come_back() {
    let rig = Rig::new(&MUNICIPALITY.replacen("[[account]]", RULE, 1), "2026-11-23T08:00:00Z");
    rig.pass().await;
    rig.advance(TimeDelta::minutes(5));
    rig.comment("fb", "p", "fin", "Vilken fin dag!", rig.now());
    rig.comment("fb", "p", "dum", "Din idiot!", rig.now());
    rig.pass().await;
    rig.run_until("2026-11-25T07:05:00Z", TimeDelta::hours(1)).await;
    let whole = ["fin:1:Vilken fin dag!:Berit Besökare", "dum:1:Din idiot!:Berit Besökare"];
    assert_eq!(texts(&rig), whole, "not 48 hours yet");
    rig.run_until("2026-11-25T10:05:00Z", TimeDelta::hours(1)).await;
    let kept = ["fin:1::-", "dum:1:Din idiot!:Berit Besökare"];
    assert_eq!(texts(&rig), kept, "what is evidence stays whole");
    // The platform lists it still: the same text is no news, another is.
    rig.comment("fb", "p", "fin", "Vilken fin dag!", rig.now());
    rig.advance(TimeDelta::hours(1));
    rig.pass().await;
    assert_eq!(texts(&rig)[..2].iter().filter(|text| text.starts_with("fin:1::")).count(), 1);
    assert_eq!(texts(&rig).len(), 2);
    rig.comment("fb", "p", "fin", "En annan dag.", rig.now());
    rig.pass().await;
    assert!(texts(&rig)[1].starts_with("fin:2:En annan dag.:"), "{:?}", texts(&rig));
    // The log stands, though the text is gone.
    rig.app.publish().await.unwrap();
}

#[tokio::test]
async fn without_the_rule_nothing_goes() {
    let rig = Rig::new(MUNICIPALITY, "2026-11-23T08:00:00Z");
    rig.pass().await;
    rig.comment("fb", "p", "fin", "Vilken fin dag!", rig.now());
    rig.run_until("2026-11-27T08:00:00Z", TimeDelta::hours(6)).await;
    assert_eq!(texts(&rig), ["fin:1:Vilken fin dag!:Berit Besökare"]);
}

fn sorted(rig: &Rig) -> Vec<String> {
    let mut texts = texts(rig);
    texts.sort();
    texts
}

#[tokio::test]
async fn what_the_platform_says_is_gone_goes_by_decision_and_the_log_says_which() {
    let rule = RULE.replace("purge_after_48h", "purge_when_gone");
    let rig = Rig::new(&MUNICIPALITY.replacen("[[account]]", &rule, 1), "2026-11-23T08:00:00Z");
    rig.pass().await;
    rig.advance(TimeDelta::minutes(5));
    rig.comment("fb", "p", "fin", "Vilken fin dag!", rig.now());
    rig.pass().await;
    rig.comment("fb", "p", "kvar", "Vilken fin sol!", rig.now());
    rig.pass().await;
    rig.comment("fb", "p", "dum", "Din idiot!", rig.now());
    rig.pass().await;
    rig.run_until("2026-11-26T08:05:00Z", TimeDelta::hours(6)).await;
    let whole = [
        "dum:1:Din idiot!:Berit Besökare",
        "fin:1:Vilken fin dag!:Berit Besökare",
        "kvar:1:Vilken fin sol!:Berit Besökare",
    ];
    assert_eq!(sorted(&rig), whole, "nothing is gone yet, and no time has been set for it");

    rig.fake("fb").remove("fin");
    rig.fake("fb").remove("dum");
    let gone_at = rig.now();
    rig.advance(TimeDelta::hours(1));
    rig.pass().await;
    let left = ["dum:1:Din idiot!:Berit Besökare", "fin:1::-", "kvar:1:Vilken fin sol!:Berit Besökare"];
    assert_eq!(sorted(&rig), left, "what is there, and what is evidence, stays whole");
    assert!(rig.now() - gone_at < TimeDelta::hours(24));

    // One entry in the log, whose root opens to the decision and to which texts went, and to none of their words.
    let db = rusqlite::Connection::open(rig.app.config.paths.data.join("uppsikt.db")).unwrap();
    let rows = crate::support::binary::rows(&db, "select entry, account, at, doc, salt from purge");
    let [row] = &rows[..] else { panic!("{rows:?}") };
    let [entry, account, _, doc, salt] = row.split('|').collect::<Vec<_>>()[..] else { panic!("{row}") };
    assert_eq!(account, "fb");
    let doc: serde_json::Value = serde_json::from_str(doc).unwrap();
    assert_eq!((&doc["rule"], &doc["decided"]["dnr"]), (&"purge_when_gone".into(), &"KS 2026/14".into()));
    let [version] = &doc["versions"].as_array().unwrap()[..] else { panic!("{doc}") };
    let received = version["received"].as_u64().unwrap();
    let sql = format!("select t from entry where idx in ({received}, {entry}) order by idx");
    assert_eq!(crate::support::binary::rows(&db, &sql), ["received", "note"]);
    assert!(!doc.to_string().contains("fin dag"), "{doc}");
    let salt: [u8; 16] = hex::decode(salt).unwrap().try_into().unwrap();
    let tree =
        uppsikt::archive::fields::Tree::with_salts(&[("/purge".to_owned(), doc, salt)], &[0; 32]).unwrap();
    let opened = &tree.leaves()[0];
    assert!(opened.opening.is_some());
    let leaf =
        crate::support::binary::rows(&db, &format!("select leaf from entry where idx = {entry}")).remove(0);
    let leaf = String::from_utf8(hex::decode(leaf).unwrap()).unwrap();
    // The decoys' key is forgotten, so the root is not made anew; what is in it is the number of leaves and a root.
    assert!(leaf.contains("\"root\"") && leaf.contains(&format!("\"n\":{}", tree.head().n)), "{leaf}");

    // The archive still verifies, and the platform listing it again makes no new text of it.
    rig.app.publish().await.unwrap();
    let key = std::fs::read_to_string(rig.app.config.paths.data.join("archive/log.vkey")).unwrap();
    let options = uppsikt::archive::verify::Options {
        keys: vec![key.trim().parse().unwrap()],
        ..uppsikt::archive::verify::Options::default()
    };
    let report = uppsikt::archive::verify::verify(&rig.app.config.paths.data, &options).unwrap();
    assert!(report.authenticated && report.findings.is_empty(), "{report:?}");
    rig.advance(TimeDelta::hours(1));
    rig.pass().await;
    assert_eq!(sorted(&rig), left);
    let days = rig
        .app
        .db
        .read_now(|reader| {
            let today = uppsikt::domain::calendar::local_date(rig.now());
            uppsikt::cli::accounts::days(reader, &rig.app.config, (today, today), rig.now())
        })
        .unwrap();
    let told: Vec<_> = days[0].purged.iter().map(|purge| (purge.texts, purge.dnr.as_str())).collect();
    assert_eq!(told, [(1, "KS 2026/14")]);
}
