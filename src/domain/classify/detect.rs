//! What code finds and words cannot: numbers with check digits, addresses, key mashing, unread matter.

use super::document::Document;
use super::rules::Detector;
use super::{Input, language};
use crate::domain::text::{Flag, Glyph, Reading};

/// Bytes of the original, and the name of the view (or of the attachment) that a finding reports.
type Place = ((usize, usize), &'static str);

/// Runs one detector.
pub(super) fn run(
    detector: Detector,
    document: &Document,
    input: &Input<'_>,
    language: Option<&str>,
) -> Vec<Place> {
    let view = document.view.reading.code();
    let whole = || {
        document
            .view
            .glyphs
            .first()
            .zip(document.view.glyphs.last())
            .map(|(first, last)| (first.start, last.end))
    };
    match detector {
        Detector::PersonalNumber => personal_numbers(document).into_iter().map(|span| (span, view)).collect(),
        Detector::Phone => phones(document).into_iter().map(|span| (span, view)).collect(),
        Detector::Email => emails(document).into_iter().map(|span| (span, view)).collect(),
        Detector::Gibberish => gibberish(document).into_iter().map(|span| (span, view)).collect(),
        Detector::Attachment => {
            let mut codes: Vec<_> = input.attachments.iter().map(|attachment| attachment.code()).collect();
            codes.sort_unstable();
            codes.dedup();
            codes.into_iter().take(1).map(|code| ((0, 0), code)).collect()
        }
        Detector::Language => match (language, whole()) {
            (Some(code), Some(span)) if language::is_unread(code) => vec![(span, Reading::Plain.code())],
            _ => Vec::new(),
        },
    }
}

/// Swedish personal numbers: ten or twelve digits with a real date and a right check digit (SFS 1991:481 § 18;
/// coordination numbers add 60 to the day, SFS 2022:1697; interim numbers have a letter for the first of the last
/// four digits). Organisation numbers have a third digit of at least 2, which is no month.
pub(super) fn personal_numbers(document: &Document) -> Vec<(usize, usize)> {
    let glyphs = &document.view.glyphs;
    let spelled_out =
        ["personnummer", "personnr", "pnr", "pers.nr", "samordningsnummer", "persnr", "födelsenummer"];
    let named =
        document.tokens.iter().any(|token| spelled_out.iter().any(|word| token.text.starts_with(word)));
    let mut found = Vec::new();
    let mut at = 0;
    while at < glyphs.len() {
        let starts = glyphs[at].ch.is_ascii_digit() && (at == 0 || !glyphs[at - 1].ch.is_alphanumeric());
        let hit = if starts {
            [12, 10].into_iter().find_map(|digits| number_at(glyphs, at, digits, named))
        } else {
            None
        };
        if let Some(end) = hit {
            if named || !is_reference(document, at) {
                found.push((glyphs[at].start, glyphs[end - 1].end));
            }
            at = end;
        } else {
            at += 1;
        }
    }
    found
}

/// The glyph index after a valid number of so many digits that starts at `at`.
fn number_at(glyphs: &[Glyph], at: usize, wanted: usize, named: bool) -> Option<usize> {
    let mut digits: Vec<u32> = Vec::with_capacity(wanted);
    let mut i = at;
    let mut loose = false;
    while digits.len() < wanted {
        let ch = glyphs.get(i)?.ch;
        if let Some(digit) = ch.to_digit(10) {
            digits.push(digit);
            i += 1;
        } else if digits.len() == wanted - 4
            && matches!(ch, 't' | 'r' | 's' | 'u' | 'w' | 'x' | 'j' | 'k' | 'l' | 'm' | 'n')
        {
            // The letter of an interim number counts as 1 in the check.
            digits.push(1);
            i += 1;
        } else if !digits.is_empty() && is_joint(ch) {
            let width = glyphs[i..].iter().take_while(|glyph| is_joint(glyph.ch)).count();
            if width > 3 {
                return None;
            }
            loose |= digits.len() != wanted - 4;
            i += width;
        } else {
            return None;
        }
    }
    if glyphs.get(i).is_some_and(|glyph| glyph.ch.is_alphanumeric()) {
        return None;
    }
    // Spaces in odd places are believed of twelve digits, or when the comment says what the number is.
    if loose && wanted == 10 && !named {
        return None;
    }
    let year_given = wanted == 12;
    let short = if year_given { &digits[2..] } else { &digits[..] };
    let two = |from: usize| short[from] * 10 + short[from + 1];
    let (year, month, day) = (two(0), two(2), two(4));
    let coordination = day > 60;
    let day = if coordination { day - 60 } else { day };
    // A coordination number may have no month, when the date of birth is not known.
    let month = if coordination && month == 0 { 1 } else { month };
    let valid_date = if year_given {
        let century = digits[0] * 10 + digits[1];
        (18..=20).contains(&century) && is_date(century * 100 + year, month, day)
    } else {
        is_date(1900 + year, month, day) || is_date(2000 + year, month, day)
    };
    (valid_date && luhn(short) && short[6..9].iter().any(|digit| *digit != 0)).then_some(i)
}

fn is_joint(ch: char) -> bool {
    matches!(ch, '-' | '+' | ' ' | '\u{a0}' | '–' | '‐' | '‑' | '−' | '.' | '/')
}

fn is_date(year: u32, month: u32, day: u32) -> bool {
    i32::try_from(year).ok().and_then(|year| chrono::NaiveDate::from_ymd_opt(year, month, day)).is_some()
}

/// Luhn's sum over ten digits, the check digit last.
fn luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .enumerate()
        .map(|(place, digit)| if place % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { *digit })
        .sum();
    digits.len() == 10 && sum.is_multiple_of(10)
}

/// The words just before a number say that it is something else.
fn is_reference(document: &Document, glyph: usize) -> bool {
    let before = document.tokens.partition_point(|token| token.end <= glyph);
    document.tokens[before.saturating_sub(4)..before].iter().any(|token| {
        [
            "ocr",
            "faktur",
            "referens",
            "bankgiro",
            "plusgiro",
            "konto",
            "orgnr",
            "organisationsn",
            "telefon",
            "kund",
            "diarie",
            "dnr",
            "order",
            "kolli",
        ]
        .iter()
        .any(|start| token.text.starts_with(start))
    })
}

/// Words that make a number or a mailbox a public one.
const PUBLIC: &[&str] = &[
    "kontaktcenter",
    "växel",
    "växeln",
    "kommunen",
    "kommunens",
    "reception",
    "receptionen",
    "kundtjänst",
    "kundservice",
    "jour",
    "jouren",
    "socialjour",
    "socialjouren",
    "medborgarservice",
    "servicecenter",
    "vårdcentralen",
    "biblioteket",
    "regionen",
    "myndigheten",
    "felanmälan",
    "polisen",
    "hjälplinjen",
    "öppettider",
    "expeditionen",
    "föreningens",
    "företaget",
    "vårt",
];

fn is_public(document: &Document, glyph: usize) -> bool {
    let at = document
        .tokens
        .partition_point(|token| token.end <= glyph)
        .min(document.tokens.len().saturating_sub(1));
    document.tokens.get(at).is_some_and(|token| {
        let sentence = document.sentences[token.sentence];
        document.tokens[sentence.first..sentence.end]
            .iter()
            .any(|token| PUBLIC.contains(&token.text.as_str()))
    })
}

/// Mobile numbers (070, 072, 073, 076, 079; national numbering plan) and numbers that somebody's word points at.
pub(super) fn phones(document: &Document) -> Vec<(usize, usize)> {
    let glyphs = &document.view.glyphs;
    let mut found = Vec::new();
    let mut at = 0;
    while at < glyphs.len() {
        let ch = glyphs[at].ch;
        let starts = (ch == '0' || ch == '+')
            && (at == 0
                || !(glyphs[at - 1].ch.is_alphanumeric()
                    || glyphs[at - 1].ch == '-'
                    || glyphs[at - 1].ch == '+'));
        if !starts {
            at += 1;
            continue;
        }
        let mut digits = String::new();
        let mut end = at;
        let mut i = at;
        while digits.len() < 15 {
            match glyphs.get(i).map(|glyph| glyph.ch) {
                Some(ch) if ch.is_ascii_digit() => {
                    digits.push(ch);
                    i += 1;
                    end = i;
                }
                Some('+') if i == at => i += 1,
                Some('(' | ')' | ' ' | '-' | '–' | '/' | '\u{a0}' | '.') if i < end + 2 => i += 1,
                _ => break,
            }
        }
        let national =
            digits.strip_prefix("0046").or_else(|| if ch == '+' { digits.strip_prefix("46") } else { None });
        let national = national
            .map(|rest| rest.trim_start_matches('0'))
            .or_else(|| digits.strip_prefix('0'))
            .unwrap_or_default();
        let mobile = national.len() == 9
            && ["70", "72", "73", "76", "79"].iter().any(|start| national.starts_with(start));
        let landline = (7..=9).contains(&national.len())
            && !national.starts_with(['0', '7'])
            && personal_hint(document, at);
        if (mobile || landline) && !is_public(document, at) {
            found.push((glyphs[at].start, glyphs[end - 1].end));
        }
        at = end.max(at + 1);
    }
    found
}

/// The sentence says whose number it is: a person's.
fn personal_hint(document: &Document, glyph: usize) -> bool {
    let at = document
        .tokens
        .partition_point(|token| token.end <= glyph)
        .min(document.tokens.len().saturating_sub(1));
    document.tokens.get(at).is_some_and(|token| {
        let sentence = document.sentences[token.sentence];
        document.tokens[sentence.first..sentence.end].iter().any(|token| {
            matches!(
                token.text.as_str(),
                "mig"
                    | "mitt"
                    | "min"
                    | "hans"
                    | "hennes"
                    | "deras"
                    | "honom"
                    | "henne"
                    | "hemnummer"
                    | "privat"
            )
        })
    })
}

/// Mailboxes of persons: no role in front of the at sign, no authority behind it.
pub(super) fn emails(document: &Document) -> Vec<(usize, usize)> {
    let roles = [
        "info",
        "kontakt",
        "kundtjanst",
        "kundservice",
        "support",
        "registrator",
        "kommun",
        "expedition",
        "reception",
        "post",
        "hej",
        "mail",
        "bokning",
        "kansli",
        "press",
    ];
    let homes = [
        "kommun",
        "region",
        ".gov",
        "polisen.se",
        "skatteverket.se",
        "arjeplog.se",
        "jonkoping.se",
        "tyreso.se",
        "forsakringskassan.se",
    ];
    document
        .tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| token.is(Flag::Email))
        .filter(|(_, token)| {
            token.text.split_once('@').is_some_and(|(local, host)| {
                !roles.iter().any(|role| local.starts_with(role))
                    && !homes.iter().any(|home| host.contains(home))
            })
        })
        .map(|(at, _)| document.bytes(at, at + 1))
        .collect()
}

/// Key mashing: long words without vowels, one word many times, one character without end.
pub(super) fn gibberish(document: &Document) -> Option<(usize, usize)> {
    let tokens = &document.tokens;
    let vowel = |ch: char| matches!(ch, 'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'å' | 'ä' | 'ö' | 'é');
    let mashed = |text: &str| {
        let letters = text.chars().count();
        let mut run = 0;
        let mut longest = 0;
        let mut latin = true;
        for ch in text.chars() {
            latin &= ch.is_ascii_lowercase() || vowel(ch);
            run = if vowel(ch) { 0 } else { run + 1 };
            longest = longest.max(run);
        }
        latin && letters >= 7 && longest >= 7
    };
    let index =
        tokens.iter().position(|token| !token.is(Flag::Url) && !token.is(Flag::Email) && mashed(&token.text));
    if let Some(at) = index {
        return Some(document.bytes(at, at + 1));
    }
    let repeated = tokens.windows(6).position(|six| {
        six[0].text.chars().count() >= 2
            && !six[0].is(Flag::Emoji)
            && six[0].text.chars().any(|ch| !matches!(ch, 'h' | 'a' | 'e'))
            && six.iter().all(|token| token.text == six[0].text)
    });
    repeated.map(|at| document.bytes(at, at + 6))
}
