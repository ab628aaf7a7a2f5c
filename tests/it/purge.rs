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
