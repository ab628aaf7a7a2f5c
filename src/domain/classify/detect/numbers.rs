//! Swedish personal numbers in running text, in every way that people write them.
//!
//! Ten or twelve digits with a real date and a right check digit (SFS 1991:481 § 18); coordination numbers add 60 to
//! the day and may lack a month (SFS 2022:1697); interim numbers have a letter for the first of the last four.
//! Organisation numbers have a third digit of at least 2, which is no month. One telephone number in eighteen that
//! begins with 070 is a valid coordination number by chance, so digits alone, without a joint, are only looked at.

use super::Band;
use super::Document;
use crate::domain::text::Glyph;

/// A place in bytes of the original and how sure it is.
type Place = ((usize, usize), Band);

/// Words that say that a personal number follows or stands before.
const NAMES: &[&str] = &[
    "personnummer",
    "personnr",
    "personnum",
    "pnr",
    "pers",
    "samordningsnummer",
    "samordningsnr",
    "persnr",
    "persnum",
    "födelsenummer",
    "födelsenr",
    "personummer",
    "interimspersonnummer",
    "interimsnummer",
    "perosnnummer",
];

/// Starts of words that say that the digits are something else.
const OTHERS: &[&str] = &[
    "ocr",
    "faktur",
    "referens",
    "refnr",
    "ref",
    "bankgiro",
    "bg",
    "plusgiro",
    "pg",
    "postgiro",
    "konto",
    "clearing",
    "orgnr",
    "organisationsn",
    "org",
    "telefon",
    "tel",
    "mobil",
    "kund",
    "diarie",
    "dnr",
    "order",
    "kolli",
    "ring",
    "sms",
    "swish",
    "nummer",
    "nå",
    "iban",
    "serienum",
    "artikel",
    "anläggning",
    "mätar",
    "ärende",
    "bokning",
    "biljett",
    "isbn",
    "kvitto",
    "paket",
    "sändning",
    "imei",
    "avtal",
    "medlem",
    "lånekort",
    "fastighet",
    "bredband",
];

/// How far from a number a word that names it may stand.
const NEAR: usize = 6;

pub(super) fn personal(document: &Document) -> Vec<Place> {
    let glyphs = &document.view.glyphs;
    let mut found = Vec::new();
    let mut at = 0;
    while at < glyphs.len() {
        let ch = glyphs[at].ch;
        let starts = ch.is_ascii_digit()
            && (at == 0 || !(glyphs[at - 1].ch.is_alphanumeric() || is_glued(glyphs, at)));
        let hit = if starts {
            [12, 10].into_iter().find_map(|wanted| number_at(document, at, wanted))
        } else {
            None
        };
        if let Some((end, band)) = hit {
            found.push(((glyphs[at].start, glyphs[end - 1].end), band));
            at = end;
        } else {
            at += 1;
        }
    }
    found
}

/// Whether the digit goes on a number that began before it (`+4670…`, `1234-5678…`).
fn is_glued(glyphs: &[Glyph], at: usize) -> bool {
    let joint = matches!(glyphs[at - 1].ch, '+' | '-' | '–' | '/' | '.' | ',');
    joint && (glyphs[at - 1].ch == '+' || (at >= 2 && glyphs[at - 2].ch.is_ascii_digit()))
}

/// The digits of a number and how they are set apart.
struct Written {
    digits: Vec<u32>,
    end: usize,
    /// A joint stood before the last four digits.
    jointed: bool,
    /// Joints stood elsewhere too.
    loose: bool,
    /// The first of the last four is a letter.
    interim: bool,
}

fn read(glyphs: &[Glyph], at: usize, wanted: usize) -> Option<Written> {
    let mut digits = Vec::with_capacity(wanted);
    let mut i = at;
    let (mut jointed, mut loose, mut interim) = (false, false, false);
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
            interim = true;
            i += 1;
        } else if !digits.is_empty() && is_joint(ch) {
            let width = glyphs[i..].iter().take(4).take_while(|glyph| is_joint(glyph.ch)).count();
            if width > 3 {
                return None;
            }
            if digits.len() == wanted - 4 {
                jointed = true;
            } else {
                loose = true;
            }
            i += width;
        } else {
            return None;
        }
    }
    let goes_on = glyphs.get(i).is_some_and(|glyph| {
        glyph.ch.is_alphanumeric()
            || (matches!(glyph.ch, '-' | '/' | '.' | ',')
                && glyphs.get(i + 1).is_some_and(|next| next.ch.is_ascii_digit()))
    });
    (!goes_on).then_some(Written { digits, end: i, jointed, loose, interim })
}

/// The glyph index after a number of so many digits that starts at `at`, and how sure it is.
fn number_at(document: &Document, at: usize, wanted: usize) -> Option<(usize, Band)> {
    let written = read(&document.view.glyphs, at, wanted)?;
    let short = &written.digits[wanted - 10..];
    if !has_date(&written.digits, short) || short[6..9].iter().all(|digit| *digit == 0) {
        return None;
    }
    let (is_named, is_other) = words_around(document, at, written.end);
    let checks = luhn(short);
    if is_named {
        // A slip of the pen is still somebody's number where the words say that it is one.
        return Some((written.end, if checks { Band::Obvious } else { Band::Look }));
    }
    if !checks || is_other {
        return None;
    }
    let starts_as_phone = wanted == 10 && written.digits[0] == 0 && written.digits[1] == 7;
    match (wanted, written.jointed, written.loose) {
        (12, true, _) | (12, false, false) | (10, true, false) => {
            let sure = written.jointed || wanted == 12;
            Some((written.end, if sure || written.interim { Band::Obvious } else { Band::Look }))
        }
        // Digits alone, not set as a telephone number is.
        (10, false, false) if !starts_as_phone => Some((written.end, Band::Look)),
        (12, false, true) => Some((written.end, Band::Look)),
        _ => None,
    }
}

fn has_date(digits: &[u32], short: &[u32]) -> bool {
    let two = |from: usize| short[from] * 10 + short[from + 1];
    let (year, month, day) = (two(0), two(2), two(4));
    let coordination = day >= 60;
    let day = if coordination { (day - 60).max(1) } else { day };
    // A coordination number may lack month and day, when the date of birth is not known.
    let month = if coordination && month == 0 { 1 } else { month };
    if digits.len() == 12 {
        let century = digits[0] * 10 + digits[1];
        (18..=20).contains(&century) && is_date(century * 100 + year, month, day)
    } else {
        is_date(1900 + year, month, day) || is_date(2000 + year, month, day)
    }
}

fn is_joint(ch: char) -> bool {
    matches!(ch, '-' | '+' | ' ' | '\u{a0}' | '–' | '—' | '‐' | '‑' | '−' | '.' | '/' | '_' | ':')
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

/// Whether the words round a number call it a personal number, and whether they call it something else.
fn words_around(document: &Document, at: usize, end: usize) -> (bool, bool) {
    let before = document.tokens.partition_point(|token| token.end <= at);
    let behind = document.tokens.partition_point(|token| token.first < end);
    let ahead = &document.tokens[before.saturating_sub(NEAR)..before];
    let after = &document.tokens[behind..(behind + 3).min(document.tokens.len())];
    // The nearest word that names a number names this one.
    let mut name = ahead.iter().rev().filter_map(|token| {
        let text = token.text.as_str();
        if NAMES.iter().any(|name| text.starts_with(name))
            && text != "personal"
            && !text.starts_with("person ")
        {
            (text != "pers" || token.end + 4 >= at).then_some(true)
        } else {
            OTHERS
                .iter()
                .any(|start| text.starts_with(start) && (start.len() > 3 || text.len() <= start.len() + 2))
                .then_some(false)
        }
    });
    match name.next() {
        Some(is_named) => (is_named, !is_named),
        None => (after.iter().any(|token| NAMES[..4].iter().any(|name| token.text.starts_with(name))), false),
    }
}
