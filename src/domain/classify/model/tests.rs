use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::domain::classify::{Band, Input, Policies, RuleSet, classify};

/// A small world: insults and violence are told by made-up words, innocent texts have none of them.
fn examples() -> Vec<Example> {
    let mut all = Vec::new();
    let sayings = ["i dag", "på torget", "vid bron", "hos oss", "igen", "som vanligt"];
    for at in 0..240_usize {
        let kind = at % 6;
        let noun = ["glurk", "vrasko", "plumsa", "drask", "skola", "lekplats"][kind];
        let mut labels = [false; HEADS];
        if kind < 4 {
            labels[kind] = true;
            labels[Head::Rough as usize] = true;
        }
        let saying = sayings[at / 6 % sayings.len()];
        all.push(Example {
            text: format!("Det är {noun} nummer {at} {saying}"),
            key: format!("k{at}"),
            labels,
            found: [false; HEADS],
            ruled: Ruled::Nothing,
            weight: 1.0,
            standing: Standing::Measured,
        });
        all.push(Example {
            text: format!("Tack för hjälpen med parken {saying}, vi ses {at}"),
            key: format!("c{at}"),
            labels: [false; HEADS],
            found: [false; HEADS],
            ruled: Ruled::Nothing,
            weight: 0.5,
            standing: Standing::Clean(0),
        });
    }
    all
}

const WORDS: &str = "[bad]\nglurk+ vrask*\n[thing]\npark*\n";

fn plan() -> Plan {
    Plan { bits: 14, folds: 3, ..Plan::default() }
}

fn small() -> &'static Model {
    static SMALL: OnceLock<Model> = OnceLock::new();
    SMALL.get_or_init(|| train(&examples(), WORDS, &plan()).unwrap().model)
}

#[test]
fn the_embedded_model_loads_and_says_what_it_is() {
    let model = Model::embedded();
    assert_eq!(model.hash().len(), 64);
    assert_eq!(model.trained_on().len(), 64);
    for head in [Head::Insult, Head::Identity, Head::Violence, Head::Sexual] {
        assert!((0.0..=2.0).contains(&model.look(head)) && model.sure(head) >= model.look(head));
    }
    assert_eq!(Model::from_bytes(&model.to_bytes()).as_ref(), Ok(&*model));
}

#[test]
fn the_same_examples_give_the_same_file_and_others_another() {
    let bytes = small().to_bytes();
    assert_eq!(train(&examples(), WORDS, &plan()).unwrap().model.to_bytes(), bytes);
    let other = Plan { seed: 2, ..plan() };
    assert_ne!(train(&examples(), WORDS, &other).unwrap().model.trained_on(), small().trained_on());
}

#[test]
fn a_trained_model_tells_its_kinds_apart_and_names_the_word() {
    let mut reader = Reader::default();
    for (text, head, word) in [
        ("En glurk till!", Head::Insult, "glurk"),
        ("Åter en vrasko här", Head::Identity, "vrasko"),
        ("ÄNNU EN PLUMSA", Head::Violence, "PLUMSA"),
    ] {
        let scores = small().score(&mut reader, text);
        assert!(small().speaks(head, &scores, Ruled::Nothing), "{text}: {scores:?}");
        let (start, end) = small().strongest(&reader, &scores, head, 1)[0];
        assert_eq!(&text[start..end], word);
    }
    let clean = small().score(&mut reader, "Tack för hjälpen med parken");
    assert!(Head::ALL.iter().all(|head| !small().speaks(*head, &clean, Ruled::Nothing)), "{clean:?}");
}

#[test]
fn beside_a_rule_that_has_called_a_person_a_head_speaks_sooner() {
    let text = |kind: &str, at: usize| format!("Kanske glurk eller {kind} nummer {at}");
    // Half of what is doubtful is bad where the rules have called somebody, and none of it elsewhere.
    let mut all = examples();
    for at in 0..60 {
        let called = at % 2 == 0;
        let mut labels = [false; HEADS];
        labels[Head::Insult as usize] = called;
        labels[Head::Rough as usize] = called;
        all.push(Example {
            text: text("skola", at),
            key: format!("d{at}"),
            labels,
            found: [false; HEADS],
            ruled: if called { Ruled::Called } else { Ruled::Nothing },
            weight: 1.0,
            standing: Standing::Measured,
        });
    }
    let model = train(&all, WORDS, &plan()).unwrap().model;
    let scores = model.score(&mut Reader::default(), &text("skola", 7));
    assert!(model.speaks(Head::Insult, &scores, Ruled::Called), "{scores:?}");
    assert!(!model.speaks(Head::Rough, &scores, Ruled::Called));
    assert!(!model.speaks(Head::Insult, &scores, Ruled::Excused), "what is excused is not accused anew");
    let again = Model::from_bytes(&model.to_bytes()).unwrap();
    assert_eq!(again.beside.map(f32::to_bits), model.beside.map(f32::to_bits));
    // Where no example has called anybody, what is asked alone is asked there too.
    assert_eq!(small().beside[..4], small().look[..4]);
}

#[test]
fn what_the_rules_have_alarmed_about_is_spent_from_the_budget() {
    let thresholds = |called: bool| {
        let mut all = examples();
        // Innocent texts that look bad: the budget allows a few of them and no more.
        for at in 0..16 {
            all.push(Example {
                text: format!("Boken om glurk nummer {at}"),
                key: format!("b{at}"),
                labels: [false; HEADS],
                found: [false; HEADS],
                ruled: if called { Ruled::Elsewhere } else { Ruled::Nothing },
                weight: 0.0,
                standing: Standing::Clean(0),
            });
        }
        train(&all, WORDS, &Plan { budget: vec![40.0], ..plan() }).unwrap().model.look
    };
    let (free, spent) = (thresholds(false), thresholds(true));
    assert!(spent[Head::Insult as usize] < free[Head::Insult as usize], "{spent:?} {free:?}");
}

#[test]
fn a_sentence_of_abuse_is_not_drowned_in_a_page() {
    let mut reader = Reader::default();
    let page = "Tack för hjälpen med parken i dag, vi ses igen hos oss. ".repeat(60);
    let text = format!("{page}Det är glurk nummer 3 igen. {page}");
    let scores = small().score(&mut reader, &text);
    let (start, end) = small().strongest(&reader, &scores, Head::Insult, 1)[0];
    assert_eq!(&text[start..end], "glurk");
    assert!(scores.of(Head::Insult) > 3.0 * small().score(&mut reader, &page).of(Head::Insult));
}

#[test]
fn a_word_dressed_up_is_the_same_word() {
    let mut reader = Reader::default();
    let plain = small().score(&mut reader, "det är glurk").probability;
    for text in ["DET ÄR GLURK", "det är gl\u{200b}urk", "det a\u{308}r glurk", "det är glυrk"] {
        let other = small().score(&mut reader, text).probability;
        let bits = |scores: &[f32]| scores.iter().map(|score| score.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&plain), bits(&other), "{text}");
    }
}

#[test]
fn a_damaged_or_foreign_file_is_told_and_never_used() {
    let bytes = small().to_bytes();
    assert_eq!(Model::from_bytes(b""), Err(ModelFault::Foreign));
    assert_eq!(Model::from_bytes(b"PK\x03\x04"), Err(ModelFault::Foreign));
    assert_eq!(Model::from_bytes(&bytes[..bytes.len() - 1]), Err(ModelFault::Damaged));
    for at in [20, 200, bytes.len() / 2, bytes.len() - 40] {
        let mut wrong = bytes.clone();
        wrong[at] ^= 1;
        assert_eq!(Model::from_bytes(&wrong), Err(ModelFault::Damaged), "byte {at}");
    }
    // A sound checksum round a header that cannot be.
    let reseal = |change: &dyn Fn(String) -> String| {
        let body = &bytes[..bytes.len() - 32];
        let end = body.iter().skip(16).position(|byte| *byte == b'\n').unwrap() + 16;
        let header = change(String::from_utf8(body[16..end].to_vec()).unwrap());
        let mut all = [&body[..16], header.as_bytes(), &body[end..]].concat();
        let sum = <sha2::Sha256 as sha2::Digest>::digest(&all);
        all.extend_from_slice(&sum);
        Model::from_bytes(&all)
    };
    assert!(reseal(&|header| header).is_ok());
    for (from, to) in [
        ("\"bits\":14", "\"bits\":60"),
        ("\"bits\":14", "\"bits\":15"),
        ("\"insult\"", "\"other\""),
        ("\"words\":", "\"words\":1844674407370955161,\"x\":"),
        ("\"name\"", "\"nome\""),
    ] {
        let fault = reseal(&|header| header.replace(from, to));
        assert!(
            matches!(fault, Err(ModelFault::Range(_) | ModelFault::Header(_))),
            "{from} → {to}: {fault:?}"
        );
    }
}

#[test]
fn what_cannot_be_trained_is_told() {
    let few: Vec<Example> = examples().into_iter().take(30).collect();
    assert!(matches!(train(&few, WORDS, &plan()), Err(TrainFault::TooFew { .. })));
    for wrong in
        [Plan { bits: 40, ..plan() }, Plan { folds: 1, ..plan() }, Plan { strength: f64::NAN, ..plan() }]
    {
        assert!(matches!(train(&examples(), WORDS, &wrong), Err(TrainFault::Plan(_))));
    }
    assert!(matches!(train(&examples(), "idiot", &plan()), Err(TrainFault::Words(_))));
}

#[test]
fn examples_with_one_key_are_in_one_fold_and_folds_are_even() {
    let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
    for at in 0..1000 {
        *sizes.entry(fold(&format!("rtp/{at}"), 7, 5)).or_default() += 1;
    }
    assert_eq!(sizes.len(), 5);
    assert!(sizes.values().all(|size| (150..250).contains(size)), "{sizes:?}");
    assert_eq!(fold("rtp/1", 7, 5), fold("rtp/1", 7, 5));
}

proptest! {
    #[test]
    fn any_text_is_judged_and_words_are_where_the_text_has_them(text in "\\PC{0,400}|(glurk|[a-zåäö!? .\u{200b}\u{308}👍]){0,200}") {
        let mut reader = Reader::default();
        let scores = small().score(&mut reader, &text);
        for head in Head::ALL {
            prop_assert!((0.0..=1.0).contains(&scores.of(head)));
            for (start, end) in small().strongest(&reader, &scores, head, 5) {
                prop_assert!(text.get(start..end).is_some_and(|word| !word.is_empty()));
            }
        }
    }
}

#[test]
fn the_rules_hear_no_model_until_one_is_chosen_and_then_say_so_in_their_version() {
    let rules = RuleSet::embedded();
    assert!(rules.model().is_none());
    let bare = rules.version().to_owned();
    let model = Model::embedded();
    let beside = rules.with_model(Arc::clone(&model));
    assert_eq!(beside.version(), format!("{bare}+{}", &model.hash()[..8]));
    let text = "Ni är ju för fan ena jävla korkade idioter hela bunten, dra åt helvete!";
    let judged = classify(&beside, &Policies::default(), &Input { text, ..Input::default() });
    for finding in judged.findings.iter().filter(|finding| finding.rule.starts_with("model:")) {
        assert_eq!(finding.band, Band::Look, "{finding:?}");
    }
    let harmless = Input { text: "Tack för fin skötsel av lekplatsen vid skolan.", ..Input::default() };
    assert_eq!(classify(&beside, &Policies::default(), &harmless).findings, []);
}
