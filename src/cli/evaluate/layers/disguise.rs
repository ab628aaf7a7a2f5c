//! Words written so that a list of words does not see them.

use super::{Figure, Judge};

const LAYER: &str = "disguise";

const VETTED: &str = "without dots, vetted or not";

/// A way of writing a text so that it reads the same.
pub(super) type Disguise = (&'static str, fn(&str) -> String);

/// Every disguise that a view sees through.
pub(super) const DISGUISES: &[Disguise] = &[
    ("zero-width space between letters", |text| between(text, "\u{200b}")),
    ("zero-width joiner between letters", |text| between(text, "\u{200d}")),
    ("soft hyphens between letters", |text| between(text, "\u{ad}")),
    ("marks of direction between letters", |text| between(text, "\u{200e}")),
    ("turned right to left", |text| format!("\u{202e}{text}\u{202c}")),
    ("isolates round every letter", |text| letters(text, |ch, out| out.extend(['\u{2068}', ch, '\u{2069}']))),
    ("Cyrillic letters", |text| swap(text, "aeopcxyijsABEKMHOPCTXY", "аеорсхуіјѕАВЕКМНОРСТХУ")),
    ("Greek letters", |text| swap(text, "aonvkuptABEZHIKMNOPTYX", "αοηνκυρτΑΒΕΖΗΙΚΜΝΟΡΤΥΧ")),
    ("fullwidth letters", |text| shift(text, 'ａ', Some('Ａ'))),
    ("mathematical bold", |text| shift(text, '𝐚', Some('𝐀'))),
    ("mathematical script", |text| shift(text, '𝓪', Some('𝓐'))),
    ("mathematical fraktur", |text| shift(text, '𝖆', Some('𝕬'))),
    ("mathematical monospace", |text| shift(text, '𝚊', Some('𝙰'))),
    ("letters in circles", |text| shift(text, 'ⓐ', Some('Ⓐ'))),
    ("white letters in circles", |text| shift(&text.to_uppercase(), '🅐', Some('🅐'))),
    ("letters in squares", |text| shift(&text.to_uppercase(), '🄰', Some('🄰'))),
    ("white letters in squares", |text| shift(&text.to_uppercase(), '🅰', Some('🅰'))),
    ("letters of flags", |text| shift(&text.to_uppercase(), '🇦', Some('🇦'))),
    ("small capitals", |text| swap(text, "abcdefghijklmnoprstuvwyz", "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ")),
    ("accents", |text| swap(text, "aeiouy", "àéíòúý")),
    ("decomposed letters", |text| {
        use unicode_normalization::UnicodeNormalization;
        text.nfd().collect()
    }),
    ("struck through", |text| between(text, "\u{336}")),
    ("marks over and under", |text| between(text, "\u{301}\u{323}\u{34f}")),
    ("digits for letters", |text| swap(text, "oieastOIEAST", "013457013457")),
    ("1 for l, ! for i, $ for s, @ for a", |text| swap(text, "lisa", "1!$@")),
    ("€ for e, | for l", |text| swap(text, "el", "€|")),
    ("stretched vowels", |text| vowels(text, 4)),
    ("stretched letters", |text| stretch(text, 3)),
    ("spaced letters", |text| spaced(text, " ", "  ")),
    ("spaced letters, wide", |text| spaced(text, " ", "   ")),
    ("dotted letters", |text| spaced(text, ".", " ")),
    ("hyphens between letters", |text| spaced(text, "-", " ")),
    ("underscores between letters", |text| spaced(text, "_", " ")),
    ("asterisks between letters", |text| spaced(text, "*", " ")),
    ("emoji between letters", |text| spaced(text, "👍", " ")),
    ("one full stop in each word", |text| broken(text, ".")),
    ("one hyphen in each word", |text| broken(text, "-")),
    ("one zero-width joiner in each word", |text| broken(text, "\u{200d}")),
    ("capitals", str::to_uppercase),
    ("capitals here and there", |text| {
        let mut upper = false;
        letters(text, |ch, out| {
            upper = !upper;
            if upper { out.extend(ch.to_uppercase()) } else { out.extend(ch.to_lowercase()) }
        })
    }),
    ("a masked letter in each word", |text| masked(text)),
];

/// Without the dots of å, ä and ö: for words that are vetted for it.
pub(super) fn without_dots(text: &str) -> String {
    swap(text, "åäöÅÄÖ", "aaoAAO")
}

/// Gives every letter to `give`, and everything else as it is.
fn letters(text: &str, mut give: impl FnMut(char, &mut String)) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for ch in text.chars() {
        if ch.is_alphabetic() { give(ch, &mut out) } else { out.push(ch) }
    }
    out
}

fn between(text: &str, what: &str) -> String {
    letters(text, |ch, out| {
        out.push(ch);
        out.push_str(what);
    })
}

fn swap(text: &str, from: &str, to: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for ch in text.chars() {
        let place = from.chars().position(|other| other == ch);
        out.push(place.and_then(|place| to.chars().nth(place)).unwrap_or(ch));
    }
    out
}

/// The letters a to z moved to where another alphabet of them begins.
fn shift(text: &str, lower: char, upper: Option<char>) -> String {
    letters(text, |ch, out| {
        let (base, first) =
            if ch.is_ascii_lowercase() { (lower, 'a') } else { (upper.unwrap_or(lower), 'A') };
        let moved = ch.is_ascii().then(|| char::from_u32(base as u32 + (ch as u32 - first as u32))).flatten();
        out.push(moved.unwrap_or(ch));
    })
}

/// The first vowel of each word of four letters or more, many times.
fn vowels(text: &str, times: usize) -> String {
    each_word(text, |word, out| {
        let vowel = |ch: char| "aeiouyåäöAEIOUYÅÄÖ".contains(ch);
        let place = word.chars().position(vowel).filter(|_| word.chars().count() >= 4);
        for (at, ch) in word.chars().enumerate() {
            let times = if Some(at) == place { times } else { 1 };
            out.extend(std::iter::repeat_n(ch, times));
        }
    })
}

/// Every letter of each word of four letters or more, many times; a double letter is one letter to who stretches it.
fn stretch(text: &str, times: usize) -> String {
    each_word(text, |word, out| {
        let long = word.chars().count() >= 4;
        for ch in word.chars() {
            out.extend(std::iter::repeat_n(ch, if long { times } else { 1 }));
        }
    })
}

fn spaced(text: &str, inside: &str, outside: &str) -> String {
    text.split(' ')
        .map(|word| {
            let mut out = String::new();
            let mut before = false;
            for ch in word.chars() {
                if before && ch.is_alphanumeric() {
                    out.push_str(inside);
                }
                out.push(ch);
                before = ch.is_alphanumeric();
            }
            out
        })
        .collect::<Vec<_>>()
        .join(outside)
}

/// A sign in the middle of each word of four letters or more.
fn broken(text: &str, sign: &str) -> String {
    each_word(text, |word, out| {
        let count = word.chars().count();
        for (at, ch) in word.chars().enumerate() {
            if count >= 4 && at == count / 2 {
                out.push_str(sign);
            }
            out.push(ch);
        }
    })
}

/// An asterisk for the second letter of each word of five letters or more.
fn masked(text: &str) -> String {
    each_word(text, |word, out| {
        let count = word.chars().count();
        out.extend(word.chars().enumerate().map(|(at, ch)| if count >= 5 && at == 1 { '*' } else { ch }));
    })
}

fn each_word(text: &str, mut give: impl FnMut(&str, &mut String)) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|ch: char| !ch.is_alphabetic()).unwrap_or(rest.len());
        give(&rest[..end], &mut out);
        let gap = rest[end..].find(char::is_alphabetic).map_or(rest.len(), |at| end + at);
        out.push_str(&rest[end..gap]);
        rest = &rest[gap..];
    }
    out
}

/// The words of abusive rows disguised, the rest as it was; innocent rows disguised as a whole.
pub(super) fn measure(judge: &Judge<'_>, rows: &[(&str, &str)]) -> Vec<Figure> {
    const WORDS: &[&str] =
        &["insult", "hate", "sexist", "profanity", "threat", "pornography", "incitement_crime", "harassment"];
    let mut figures = Vec::new();
    let abusive: Vec<_> = rows
        .iter()
        .filter_map(|(labels, text)| {
            let found = judge.judge(text);
            let hit = found.findings.iter().find(|one| {
                labels.split(';').any(|label| label == one.category.code())
                    && WORDS.contains(&one.category.code())
            })?;
            (hit.view == "plain" && !text.contains('*')).then_some((
                hit.category,
                *text,
                (hit.start, hit.end),
            ))
        })
        .collect();
    let innocent: Vec<&str> = rows
        .iter()
        .filter(|(labels, text)| labels.is_empty() && judge.categories(text).is_empty())
        .map(|row| row.1)
        .collect();
    let mut all: Vec<Disguise> = DISGUISES.to_vec();
    all.push((VETTED, without_dots));
    for (name, disguise) in all {
        // Words that mean something else without their dots are not vetted: some rows must be missed.
        let goal = if name == VETTED { 0.75 } else { 0.97 };
        let mut words = Figure::new(LAYER, format!("found, the words: {name}"), goal);
        let mut whole = Figure::new(LAYER, format!("found, the whole text: {name}"), goal);
        for (category, text, (start, end)) in &abusive {
            let hidden = disguise(&text[*start..*end]);
            let written = format!("{}{hidden}{}", &text[..*start], &text[*end..]);
            let found = judge.judge(&written);
            let covers = found
                .findings
                .iter()
                .any(|one| one.category == *category && one.start < start + hidden.len() && *start < one.end);
            words.count(covers, || written.clone());
            let written = disguise(text);
            whole.count(judge.categories(&written).contains(category), || written.clone());
        }
        let mut calm = Figure::new(LAYER, format!("let be: {name}"), 1.0);
        for text in &innocent {
            let written = disguise(text);
            let found = judge.judge(&written);
            let hit = found
                .findings
                .iter()
                .find(|one| one.category != crate::domain::category::Category::Unreadable);
            calm.count(hit.is_none(), || format!("{written} ({})", hit.map_or("", |one| one.rule.as_str())));
        }
        figures.extend([words, whole, calm]);
    }
    figures
}
