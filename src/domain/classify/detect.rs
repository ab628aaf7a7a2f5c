//! What code finds and words cannot: numbers with check digits, addresses, key mashing, unread matter.

use super::document::Document;
use super::rules::Detector;
use super::{Band, Input, language};
use crate::domain::text::{Flag, Reading};

mod numbers;

/// Where a detector found something, and how sure it is at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Bytes of the original.
    pub(super) span: (usize, usize),
    /// The name of the view (or of the attachment) that a finding reports.
    pub(super) view: &'static str,
    pub(super) band: Band,
}

/// Runs one detector.
pub(super) fn run(
    detector: Detector,
    document: &Document,
    input: &Input<'_>,
    language: Option<&str>,
) -> Vec<Place> {
    let view = document.view.reading.code();
    let sure = |span| Place { span, view, band: Band::Obvious };
    match detector {
        Detector::PersonalNumber => {
            numbers::personal(document).into_iter().map(|(span, band)| Place { band, ..sure(span) }).collect()
        }
        Detector::Phone => phones(document).into_iter().map(sure).collect(),
        Detector::Email => emails(document).into_iter().map(sure).collect(),
        Detector::Gibberish => gibberish(document).into_iter().map(sure).collect(),
        Detector::Attachment => {
            let mut codes: Vec<_> = input.attachments.iter().map(|attachment| attachment.code()).collect();
            codes.sort_unstable();
            codes.dedup();
            codes.into_iter().take(1).map(|view| Place { view, ..sure((0, 0)) }).collect()
        }
        Detector::Language => {
            let glyphs = &document.view.glyphs;
            let whole = glyphs.first().zip(glyphs.last()).map(|(first, last)| (first.start, last.end));
            let unread = language.is_some_and(language::is_unread);
            whole
                .filter(|_| unread)
                .map(|span| Place { view: Reading::Plain.code(), ..sure(span) })
                .into_iter()
                .collect()
        }
    }
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
        if text.len() < 7 {
            return false;
        }
        let letters = text.chars().count();
        let mut run = 0;
        let mut longest = 0;
        let mut latin = true;
        let mut before = ' ';
        for ch in text.chars() {
            latin &= ch.is_ascii_lowercase() || vowel(ch);
            // A stretched letter is one letter.
            run = if vowel(ch) { 0 } else { run + usize::from(ch != before) };
            longest = longest.max(run);
            before = ch;
        }
        let one_letter = longest == 1 && run == 1 && text.chars().all(|ch| ch == before);
        // A row of x stands for what somebody has left out.
        let left_out = text.chars().all(|ch| ch == 'x');
        latin && letters >= 7 && (longest >= 7 || one_letter) && !left_out
    };
    let index =
        tokens.iter().position(|token| !token.is(Flag::Url) && !token.is(Flag::Email) && mashed(&token.text));
    if let Some(at) = index {
        return Some(document.bytes(at, at + 1));
    }
    let repeated = tokens.windows(6).position(|six| {
        six.iter().all(|token| token.text == six[0].text)
            && six[0].text.chars().count() >= 2
            && !six[0].is(Flag::Emoji)
            && six[0].text.chars().any(|ch| !matches!(ch, 'h' | 'a' | 'e'))
    });
    repeated.map(|at| document.bytes(at, at + 6))
}
