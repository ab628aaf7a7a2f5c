use proptest::prelude::*;

use super::super::{Input, Policies, classify};
use super::*;

/// Lawful, and many send it: a campaign.
const PROTEST: &str = "Jag motsätter mig att förskolan i byn läggs ner. Vi småbarnsföräldrar behöver den, och resan till \
                       nästa förskola är fyra mil. Riv upp beslutet!";

fn runs(text: &str) -> Runs {
    Runs::of(text).unwrap()
}

#[test]
fn small_changes_are_seen_through_and_other_texts_are_not_taken_for_the_same() {
    let ad = "Fantastiska resultat på bara 3 veckor! Jag tjänade 14 000 kr från soffan. Skriv till mig så berättar jag hur.";
    for (other, alike) in [
        (ad.to_owned(), true),
        (ad.to_uppercase(), true),
        (ad.replace("14 000", "27 500"), true),
        (ad.replace('!', "!!! 🔥🔥"), true),
        (format!("Hej alla! {ad}"), true),
        (ad.replace("soffan", "hemmet"), true),
        (ad.replace('a', "\u{430}"), true),
        (PROTEST.to_owned(), false),
        (
            "Jag undrar hur många veckor det tar att få svar om bygglov, och vart skriver jag?".to_owned(),
            false,
        ),
    ] {
        let likeness = runs(ad).likeness(&runs(&other));
        assert_eq!(likeness >= ALIKE, alike, "{likeness} {other}");
        let shared =
            runs(ad).sketch().iter().zip(runs(&other).sketch()).filter(|(one, two)| *one == two).count();
        assert_eq!(shared > 0, alike, "{shared} {other}");
    }
}

#[test]
fn what_many_say_without_knowing_of_each_other_is_never_remembered() {
    for text in [
        "Grattis!",
        "Tack",
        "👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍",
        "Grattis på födelsedagen!!!",
        "hahahahahahahahahahahahahahahahahahahahahahahahahahahaha",
        "ja ja ja ja ja ja ja ja ja ja ja ja ja ja ja ja ja ja ja ja ja ja ja ja ja",
        "",
        "Tack så jättemycket för allt ni gör",
    ] {
        assert_eq!(Runs::of(text), None, "{text}");
    }
    assert!(
        Runs::of(&"jävla idiot köp billigt här nu idag ".repeat(100_000)).is_some(),
        "and a long one ends"
    );
}

/// A wave of what is lawful is told of and is nothing more; one that sells is looked at, and no more than that.
#[test]
fn a_campaign_is_speech_and_only_what_sells_is_spam() {
    let rules = RuleSet::embedded();
    let wave = Wave { texts: 40, authors: 38, accounts: 2, with: vec![1, 2, 3] };
    let few = Wave { texts: 2, authors: 2, accounts: 1, with: vec![1] };
    let one_hand = Wave { texts: 5, authors: 1, accounts: 1, with: vec![1] };
    let petition = format!("{PROTEST} Skriv på här: https://www.skrivunder.com/radda_forskolan");
    let paper = format!("{PROTEST} Läs mer på https://www.norran.se/forskolan");
    let link = "Så här gjorde jag för att bli av med alla mina skulder på en månad, helt lagligt: https://bit.example/x7";
    for (text, wave, spam) in [
        (PROTEST, &wave, false),
        (petition.as_str(), &wave, false),
        (paper.as_str(), &wave, false),
        (link, &wave, true),
        (link, &few, false),
        (link, &one_hand, false),
    ] {
        let input = Input { text, wave: Some(wave), ..Input::default() };
        let found = classify(&rules, &Policies::default(), &input);
        let finding = found.findings.iter().find(|finding| finding.rule == RULE);
        assert_eq!(finding.is_some(), spam, "{text}: {:?}", found.findings);
        if let Some(finding) = finding {
            assert_eq!((finding.band, finding.category), (Band::Look, Category::SpamTroll));
            assert!(text[finding.start..finding.end].contains("example"));
        }
        assert!(found.proposal <= crate::domain::category::Proposal::Review);
        assert_eq!(found.notes.wave.is_some(), wave.is_told());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_written_is_like_itself_and_sketched_the_same(text in any::<String>(), more in "[a-zåäö ]{0,200}") {
        let text = text + &more;
        if let Some(runs) = Runs::of(&text) {
            prop_assert!((runs.likeness(&runs.clone()) - 1.0).abs() < 1e-9);
            prop_assert_eq!(runs.sketch(), Runs::of(&text).unwrap().sketch());
        }
    }
}
