use std::fmt::Write as _;

use super::*;
use crate::cli::evaluate::suite;
use crate::domain::classify::Policies;

/// A made-up collection in the form of RTP-LX and BRIGHTER; every word in it is invented or harmless.
fn collection(folder: &Path) {
    let nouns = ["glurk", "vrasko", "plumsa", "drask", "skola", "lekplats"];
    let harms = ["Insult", "IdentityAttack", "Violence", "SexualContent"];
    let (mut rtp, mut reviews) = (String::new(), String::from("id,text,anger\n"));
    for at in 0..180_usize {
        let kind = at % 6;
        let mut mean = serde_json::Map::new();
        for harm in harms {
            mean.insert(harm.into(), if harms.get(kind) == Some(&harm) { 3.0 } else { 1.0 }.into());
        }
        mean.insert("Toxicity".into(), if kind < 4 { 4.0 } else { 1.0 }.into());
        let text = format!("Det är {} nummer {at} igen", nouns[kind]);
        let line = serde_json::json!({ "id": format!("rtp-lx-SV-{at}-p"), "kind": "prompt", "group": format!("g{at}"), "text": text, "mean": mean });
        rtp.push_str(&line.to_string());
        rtp.push('\n');
        let text = format!("och så gick vi hem {at}");
        let line = serde_json::json!({ "id": format!("rtp-lx-SV-{at}-b"), "kind": "benign_completion", "group": format!("idx-{at}"), "text": text, "mean": null });
        rtp.push_str(&line.to_string());
        rtp.push('\n');
        write!(reviews, "r{at},\"Bra service, trevligt\nbemötande {at}\",0\n").unwrap();
    }
    std::fs::create_dir_all(folder.join("rtp-lx")).unwrap();
    std::fs::create_dir_all(folder.join("brighter-swe")).unwrap();
    durable::write(&folder.join("rtp-lx/SV.jsonl"), rtp.as_bytes(), 0o600).unwrap();
    durable::write(&folder.join("brighter-swe/swe_train.csv"), reviews.as_bytes(), 0o600).unwrap();
}

fn asked(folder: &Path, out: &str) -> Train {
    Train {
        data: Some(folder.to_owned()),
        decisions: Vec::new(),
        out: folder.join(out),
        words: None,
        name: "test".into(),
        version: 2,
        seed: 1,
        cross_fit: None,
    }
}

#[test]
fn a_model_is_trained_cross_fitted_and_measured_on_what_it_has_not_seen() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    collection(folder);
    let words = folder.join("words.txt");
    durable::write(&words, b"[bad]\nglurk+\n", 0o600).unwrap();
    let mut first = asked(folder, "one.model");
    first.words = Some(words.clone());
    first.cross_fit = Some(folder.join("parts"));
    let mut said = Vec::new();
    run(&first, &mut said).unwrap();
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("read rtp-lx/SV.jsonl") && said.contains("innocent, reviews"), "{said}");

    let again = Train { out: folder.join("two.model"), cross_fit: None, ..first.clone() };
    run(&again, &mut Vec::new()).unwrap();
    let bytes = |name: &str| std::fs::read(folder.join(name)).unwrap();
    assert!(bytes("one.model") == bytes("two.model"), "the same data gives the same file");
    assert_eq!(Model::from_bytes(&bytes("one.model")).unwrap().version(), 2);

    let parts = folder.join("parts");
    let figures = folder.join("figures");
    let model = Model::embedded();
    let suite = suite::Asked { folder, models: Some(&parts), model, figures: Some(&figures), json: true };
    let mut out = Vec::new();
    suite::run(&suite, &Policies::default(), None, &mut out).unwrap();
    let rows: Vec<serde_json::Value> =
        String::from_utf8(out).unwrap().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let row = |key: &str, value: &str| rows.iter().find(|row| row[key] == value).unwrap().clone();
    let insult = row("category", "insult");
    assert_eq!(insult["support"], 30);
    assert!(insult["model"]["f1"].as_f64().unwrap() > 0.8, "{insult}");
    assert_eq!(insult["rules"]["recall"], 0.0, "no rule knows an invented word");
    assert_eq!(row("pool", "reviews")["texts"], 180);
    for name in ["precision-recall.svg", "reliability.svg"] {
        assert!(std::fs::read_to_string(figures.join(name)).unwrap().starts_with("<svg "));
    }
}

#[test]
fn what_cannot_be_trained_or_written_is_told_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let told = |asked: &Train| format!("{:#}", run(asked, &mut Vec::new()).unwrap_err());
    assert!(told(&asked(folder, "a.model")).contains("holds none of"));
    collection(folder);
    let there = asked(folder, "rtp-lx");
    assert!(told(&there).contains("exists"));
    assert!(told(&Train { name: "Åsa".into(), ..asked(folder, "a.model") }).contains("no name"));
    assert!(told(&Train { version: 0, ..asked(folder, "a.model") }).contains("versions begin at 1"));
    let decisions = folder.join("decisions.tsv");
    durable::write(&decisions, b"id\tlabels\tneeds_answer\thard\ttext\n1\tnonsense\t\t\thej\n", 0o600)
        .unwrap();
    let own = Train { data: None, decisions: vec![decisions.clone()], ..asked(folder, "a.model") };
    assert!(told(&own).contains("line 2"), "{}", told(&own));
    durable::write(&decisions, b"id\tlabels\tneeds_answer\thard\ttext\n1\tinsult\t\t\thej\n", 0o600).unwrap();
    assert!(told(&own).contains("too few examples"), "{}", told(&own));
    assert!(!folder.join("a.model").exists());
}
