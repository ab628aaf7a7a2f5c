//! The same measures on rows of our own: what the command does with the collections stays true without them.

use std::sync::OnceLock;

use proptest::prelude::*;

use super::numbers::{Digits, NAMING, SILENT, check_digit, forms, others};
use super::*;

fn judge() -> Judge<'static> {
    static RULES: OnceLock<(RuleSet, Policies)> = OnceLock::new();
    let (rules, policies) = RULES.get_or_init(|| (RuleSet::embedded(), Policies::default()));
    Judge { rules, policies }
}

fn expect_all_right(figures: &[Figure], goal: impl Fn(&Figure) -> f64) {
    let wrong: Vec<_> =
        figures.iter().filter(|figure| figure.share().is_none_or(|share| share < goal(figure))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Numbers of our own with a right check digit: every fourth a coordination number.
fn born(digits: &mut Digits) -> String {
    let (year, month) = (1900 + digits.below(126), 1 + digits.below(12));
    let day = 1 + digits.below(28) + if digits.below(4) == 0 { 60 } else { 0 };
    let nine = format!("{:02}{month:02}{day:02}{:03}", year % 100, 1 + digits.below(999));
    format!("{}{nine}{}", year / 100, check_digit(&nine))
}

#[test]
fn personal_numbers_are_found_in_every_form_and_among_all_words_and_others_are_let_be() {
    let mut digits = Digits(1);
    let mut numbers: Vec<String> = (0..60).map(|_| born(&mut digits)).collect();
    // Born in January 2007: ten digits of it are a mobile telephone's.
    numbers.push(format!("20070115123{}", check_digit("070115123")));
    expect_all_right(&numbers::measure(&judge(), &numbers, 60), |_| 1.0);
}

#[test]
fn words_innocent_in_themselves_stay_innocent_whatever_they_hold() {
    // Mostly names of places and everyday words that hold a hard one at their beginning, middle or end.
    let words = "thorax Horred Hornstull hörn Fittja fittjabo Kukkola Kirkuna pröva erövra frövi varsla varslat fana \
                 fanan fann elefant jävig jävsregler Jävre Pittsburgh pittoresk trunk drunkna grunka Montenegro negera \
                 negerar lönegrad klapp släpp glapp inkludera exkluderad läslampa blåslampa brutits slutits kanal \
                 analys banan sextio Essex Sexdrega passa klassen vass Fagersta fagott cocktail cockpit ljud bjuda \
                 judoklubb trapets terapeut skapa kapa bakåt kåtan dödsbo skolskjuts skjutsa hatten chatten fisk \
                 fiskal skiss kissekatt packa balett ballerina staket ekollon snutt Stuttgart Mongoliet Pakistan \
                 idiotsäker idiotiskt fansida Sephora rövare svinga bögholmen arslan assistent \
                 nazistiden snopping knallen runkel tuttla apatisk mördeg kisså rumpan bombastisk";
    let words: BTreeMap<&str, bool> = words.split_whitespace().map(|word| (word, true)).collect();
    expect_all_right(&innocent::measure(&judge(), &words), |_| 1.0);
}

/// Rows of our own, of which every rule sees the first half as they stand.
const ROWS: &[(&str, &str)] = &[
    ("insult", "Din idiot"),
    ("insult", "Du är en jävla idiot"),
    ("insult", "Ni är idioter allihop"),
    ("insult", "Vilken idiot du är"),
    ("hate", "Jävla blattar"),
    ("sexist", "Din jävla hora"),
    ("threat", "Jag ska döda dig"),
    ("profanity", "Fy fan vad dåligt"),
    ("", "Tack för fin plogning"),
    ("", "Vi bor vid Hornstull"),
    ("", "Bussen till Fittja är sen"),
    ("", "Jag ska prova er app"),
    ("", "Barnen såg en elefant"),
];

#[test]
fn words_are_seen_through_every_disguise_and_innocent_ones_stay_innocent() {
    let figures = disguise::measure(&judge(), ROWS);
    expect_all_right(&figures, |figure| figure.goal.min(0.85));
    let tried: u32 = figures.iter().map(|figure| figure.tried).sum();
    assert!(tried > 800, "{tried}");
    let right: u32 = figures.iter().map(|figure| figure.right).sum();
    assert!(f64::from(right) >= 0.985 * f64::from(tried), "{right} of {tried}");
}

#[test]
fn a_folder_is_measured_by_what_it_holds_and_one_without_anything_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let judge = judge();
    let run = |json| {
        let mut out = Vec::new();
        run(folder.path(), judge.rules, judge.policies, json, &mut out)
            .map(|()| String::from_utf8(out).unwrap())
    };
    assert!(run(false).unwrap_err().to_string().contains("holds none of"));
    std::fs::create_dir(folder.path().join("traps")).unwrap();
    let words = "stem\tposition\tword\nfitt\tinside\tFittja\nhora\tinside\thora\n";
    crate::durable::write(&folder.path().join("traps/dictionary_collisions.tsv"), words.as_ref(), 0o644)
        .unwrap();
    let told = run(false).unwrap();
    assert!(told.contains("1 of       2  0.5000  (goal 1.000)  below the goal"), "{told}");
    let first: serde_json::Value = serde_json::from_str(run(true).unwrap().lines().next().unwrap()).unwrap();
    assert_eq!((&first["tried"], &first["right"]), (&json!(2), &json!(1)));
    assert!(first["failures"][0].as_str().unwrap().starts_with("hora ("), "{first}");
    std::fs::create_dir(folder.path().join("personnummer-testdata")).unwrap();
    let pins = folder.path().join("personnummer-testdata/allPins.json");
    crate::durable::write(&pins, b"[\"1212121212\"]", 0o644).unwrap();
    assert!(run(false).unwrap_err().to_string().contains("has not twelve digits"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever is written round it, the place of a disguised word is a range of the original, on whole characters,
    /// and holds the whole word.
    #[test]
    fn the_place_of_a_disguised_word_covers_it_in_the_original(
        before in "[A-ZÅÄÖa-zåäö😀é ,.]{0,12}",
        after in "[A-ZÅÄÖa-zåäö😀é ,.]{0,12}",
        disguise in prop::sample::select(disguise::DISGUISES.to_vec()),
    ) {
        let (name, disguise) = disguise;
        let hidden = disguise("idiot");
        let text = format!("{before} \n{hidden}\n {after}");
        let start = before.len() + 2;
        let found = judge().judge(&text);
        for one in &found.findings {
            prop_assert!(one.start <= one.end && one.end <= text.len());
            prop_assert!(text.is_char_boundary(one.start) && text.is_char_boundary(one.end));
        }
        let visible = hidden.trim_matches(|ch: char| crate::domain::text::is_invisible(ch));
        let from = start + hidden.find(visible).unwrap_or_default();
        // The last mark of a word may be invisible: it is not the word's.
        let covers = |one: &crate::domain::classify::Finding| one.start <= from && one.end + 4 >= from + visible.len();
        prop_assert!(found.findings.iter().any(covers), "{name}: {text:?}: {:?}", found.findings);
    }

    #[test]
    fn a_personal_number_is_covered_wherever_it_stands(
        seed in any::<u64>(),
        form in 0..forms("190001010000").len(),
        words in prop::sample::select([SILENT, NAMING].concat()),
    ) {
        let number = born(&mut Digits(seed));
        let written = &forms(&number)[form].1;
        let (before, after) = words;
        let text = format!("{before}{written}{after}");
        let bands = judge().personal_numbers(&text, (before.len(), before.len() + written.len()));
        prop_assert_eq!(bands.len(), 1, "{}", text);
    }

    #[test]
    fn numbers_of_other_things_are_none(seed in any::<u64>()) {
        for (name, text) in others(&mut Digits(seed)) {
            let found = judge().judge(&text);
            prop_assert!(found.findings.iter().all(|one| one.rule != "personal-number"), "{}: {}", name, text);
        }
    }
}
