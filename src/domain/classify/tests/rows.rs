//! Rows written for these rules (`tests/fixtures/rules`): what must stay found, and what must stay let be.
//!
//! One author wrote rows and rules: the floors below keep what has been reached, they say nothing about strangers' words.

use super::*;

/// The rows of a fixture: `+` or a category before the tab for what must be found, `-…` for what must not.
fn rows(file: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    file.lines().filter_map(|line| line.split_once('\t'))
}

const DANGERS: &[(Category, &str, usize)] = &[
    (Category::Threat, include_str!("../../../../tests/fixtures/rules/threat.tsv"), 80),
    (Category::ChildAtRisk, include_str!("../../../../tests/fixtures/rules/child.tsv"), 86),
    (Category::SelfHarm, include_str!("../../../../tests/fixtures/rules/selfharm.tsv"), 84),
    (Category::OngoingCrime, include_str!("../../../../tests/fixtures/rules/crime.tsv"), 89),
];

#[test]
fn danger_in_our_own_rows_is_told_to_a_person() {
    for (category, file, floor) in DANGERS {
        let all: Vec<_> = rows(file).filter(|(label, _)| *label == "+").collect();
        let found = all.iter().filter(|(_, text)| categories(text).contains(category)).count();
        assert!(found * 100 >= all.len() * floor, "{category}: {found} of {} found", all.len());
    }
}

#[test]
fn what_only_sounds_like_danger_alarms_seldom_and_is_never_proposed_for_hiding() {
    for (category, file, _) in DANGERS {
        let all: Vec<_> = rows(file).filter(|(label, _)| *label == "-").collect();
        let alarmed: Vec<_> = all.iter().filter(|(_, text)| !judge(text).findings.is_empty()).collect();
        assert!(
            alarmed.len() * 20 <= all.len(),
            "{category}: {} of {} alarmed: {alarmed:?}",
            alarmed.len(),
            all.len()
        );
        for (_, text) in all {
            assert!(!matches!(judge(text).proposal, Proposal::Hide | Proposal::Remove), "{text}");
        }
    }
}

#[test]
fn the_other_categories_own_rows_stay_found_and_their_neighbours_stay_let_be() {
    let file = include_str!("../../../../tests/fixtures/rules/others.tsv");
    let (mut found, mut all, mut alarmed) = (0, 0, Vec::new());
    for (label, text) in rows(file) {
        if label.starts_with('-') {
            if !judge(text).findings.is_empty() {
                alarmed.push(text);
            }
        } else {
            all += 1;
            found += usize::from(categories(text).iter().any(|category| category.code() == label));
        }
    }
    assert!(found * 100 >= all * 78, "{found} of {all} found");
    assert!(alarmed.len() <= 1, "{alarmed:?}");
}

/// L7: three hundred sharp sentences about the municipality, its decisions, its politicians and its officials.
#[test]
fn three_hundred_rows_of_criticism_score_nothing() {
    let file = include_str!("../../../../tests/fixtures/rules/criticism.tsv");
    assert!(file.lines().count() >= 300);
    for text in file.lines() {
        assert_eq!(categories(text), [], "{text}: {:?}", judge(text).findings);
        assert_eq!(judge(text).proposal, Proposal::Keep, "{text}");
    }
}

fn check_digit(nine: &str) -> u32 {
    let sum: u32 = nine
        .chars()
        .enumerate()
        .map(|(place, ch)| {
            let digit = ch.to_digit(10).unwrap() * if place % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    (10 - sum % 10) % 10
}

fn bands_of_numbers(text: &str) -> Vec<Band> {
    let found = judge(text);
    found
        .findings
        .iter()
        .filter(|finding| finding.rule == "personal-number")
        .map(|finding| finding.band)
        .collect()
}

#[test]
fn personal_numbers_are_found_in_every_written_form() {
    let births = [
        ("19", "811218"),
        ("20", "040229"),
        ("19", "990101"),
        ("18", "960527"),
        ("19", "701063"),
        ("20", "100391"),
    ];
    for (place, (century, six)) in births.iter().enumerate() {
        let serial = format!("{:03}", 123 + place * 77);
        let last = format!("{serial}{}", check_digit(&format!("{six}{serial}")));
        let (year, day) = (&six[..2], &six[2..]);
        for written in [
            format!("{century}{six}-{last}"),
            format!("{century}{six}{last}"),
            format!("{century}{six} {last}"),
            format!("{century}{six} - {last}"),
            format!("{century}{six}–{last}"),
            format!("{six}-{last}"),
            format!("{six}+{last}"),
            format!("{six} {last}"),
            format!("{six} – {last}"),
        ] {
            for text in [
                written.clone(),
                format!("Hej, jag heter Kim, {written}, hör av er."),
                format!("({written})"),
            ] {
                assert_eq!(bands_of_numbers(&text), [Band::Obvious], "{text}");
            }
        }
        assert_eq!(bands_of_numbers(&format!("{six}{last}")), [Band::Look], "{six}{last}");
        let named = format!("mitt personnummer är {century} {year} {} {} {last}", &day[..2], &day[2..]);
        assert_eq!(bands_of_numbers(&named), [Band::Obvious], "{named}");
        let wrong = format!("{six}-{serial}{}", (check_digit(&format!("{six}{serial}")) + 1) % 10);
        assert_eq!(bands_of_numbers(&wrong), [], "{wrong}");
        assert_eq!(bands_of_numbers(&format!("personnummer {wrong}")), [Band::Look], "{wrong}");
    }
}

#[test]
fn other_numbers_are_no_personal_numbers() {
    // 070-numbers that are valid coordination numbers by chance, in every form in which telephones are written.
    let mut tried = 0;
    for serial in 0..200 {
        let nine = format!("07017{}{serial:03}", 4 + serial % 5);
        let digits = format!("{nine}{}", check_digit(&nine));
        tried += 1;
        for text in [
            digits.clone(),
            format!("{}-{} {} {}", &digits[..3], &digits[3..6], &digits[6..8], &digits[8..]),
            format!("{}-{}", &digits[..3], &digits[3..]),
            format!("{} {} {} {}", &digits[..3], &digits[3..6], &digits[6..8], &digits[8..]),
            format!("ring {digits}"),
            format!("+46{}", &digits[1..]),
        ] {
            assert_eq!(bands_of_numbers(&text), [], "{text}");
        }
    }
    assert_eq!(tried, 200);
    for text in [
        "OCR 8112189876",
        "bankgiro 811218-9876",
        "Konto 8112189876",
        "Fakturans referens 8112189876",
        "org.nr 212000-0142",
        "556036-0793",
        "KS 2024/00512-3",
        "BN-2025-000123",
        "2024-05-12 14.30",
        "8327-9,123 456 789-0",
        "811218-98765",
    ] {
        assert_eq!(bands_of_numbers(text), [], "{text}");
    }
}
