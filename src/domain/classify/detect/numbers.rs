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
    "personnumret",
    "personnr",
    "personnum",
    "pnr",
    "pnummer",
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
    "persnonnummer",
    "personnnummer",
];

/// What stands before `nummer` or `nr` where a name for a personal number is written as two words.
const HALF_NAMES: &[&str] = &["person", "pers", "p", "samordnings", "födelse"];

/// Starts of words that say that the digits are something that is written in the same way.
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
    "diarie",
    "dnr",
    "kolli",
    "iban",
    "serienum",
    "artikel",
    "anläggning",
    "mätar",
    "isbn",
    "kvitto",
    "paket",
    "sändning",
    "imei",
    "swish",
];

/// Starts of words that say that digits alone are something else; nobody writes a telephone as a date and four digits.
const OTHERS_IF_BARE: &[&str] = &[
    "telefon",
    "tel",
    "mobil",
    "kund",
    "order",
    "ring",
    "sms",
    "nummer",
    "nr",
    "nå",
    "ärende",
    "bokning",
    "biljett",
    "avtal",
    "medlem",
    "lånekort",
    "fastighet",
    "bredband",
];

/// Words that only begin like one of the above.
const NEITHER: &[&str] = &["kontor", "kontoret", "kontoren", "kontors", "kunde", "orderly"];

/// How far from a number a word that names it may stand.
const NEAR: usize = 6;

/// How far a word may stand that makes what looks like a personal number something else.
const BESIDE: usize = 3;

/// What the words round a number call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// A personal number.
    Personal,
    /// Something that is written in the same way; how many words away.
    Other(usize),
    /// Something that may be written with as many digits; how many words away.
    OtherIfBare(usize),
    Nothing,
}

pub(super) fn personal(document: &Document) -> Vec<Place> {
    let glyphs = &document.view.glyphs;
    let mut found: Vec<Place> = Vec::new();
    let mut last = usize::MAX;
    let mut at = 0;
    while at < glyphs.len() {
        if !glyphs[at].ch.is_ascii_digit() {
            at += 1;
            continue;
        }
        // Two numbers with one sign between them ("811218-9876/840229-0188") are two numbers.
        let hit = (at == last.wrapping_add(1) || begins(glyphs, at))
            .then(|| [12, 10].into_iter().find_map(|wanted| number_at(document, at, wanted)))
            .flatten();
        if let Some((end, band)) = hit {
            found.push(((glyphs[at].start, glyphs[end - 1].end), band));
            at = end;
            last = end;
        } else {
            at += 1;
        }
    }
    found
}

/// Whether a number may begin with the digit: it does not go on what began before it (`+4670…`, `1234-5678…`).
fn begins(glyphs: &[Glyph], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| glyphs[before].ch) else { return true };
    if before.is_alphabetic() {
        return glued_name(glyphs, at);
    }
    let joint = is_joint(before) && !before.is_whitespace() || before == ',';
    !(before.is_alphanumeric() || before == '+' || (joint && at >= 2 && glyphs[at - 2].ch.is_ascii_digit()))
}

/// Whether the letters right before the digits name a personal number (`pnr811218-9876`).
fn glued_name(glyphs: &[Glyph], at: usize) -> bool {
    let letters = glyphs[..at].iter().rev().take(20).take_while(|glyph| glyph.ch.is_alphabetic()).count();
    let word = &glyphs[at - letters..at];
    letters > 0
        && NAMES.iter().any(|name| {
            name.chars().count() == letters && name.chars().zip(word).all(|(ch, glyph)| ch == glyph.ch)
        })
}

/// What stands after the last digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    /// Nothing that belongs to the number.
    End,
    /// A letter without a space.
    Letter,
    /// A space and more digits.
    Group,
}

/// The digits of a number and how they are set apart.
struct Written {
    digits: [u8; 12],
    wanted: usize,
    end: usize,
    /// A bit for each place before which a joint stood.
    joints: u16,
    /// What stood before the last four, if anything did.
    before_last: char,
    /// Every joint is a space.
    spaces_only: bool,
    /// A stroke stood in the date.
    stroke: bool,
    /// The joint inside the last four, if there is one.
    inside_last: char,
    after: After,
    /// Other digits stand before it, with a space between.
    in_row: bool,
}

/// The joints of a date in twelve digits, and before the last four.
const DATE: u16 = 1 << 4 | 1 << 6;
const CENTURY: u16 = 1 << 2;

impl Written {
    fn read(glyphs: &[Glyph], at: usize, wanted: usize) -> Option<Self> {
        let mut one = Self {
            digits: [0; 12],
            wanted,
            end: at,
            joints: 0,
            before_last: '\0',
            spaces_only: true,
            stroke: false,
            inside_last: '\0',
            after: After::End,
            in_row: at >= 2 && glyphs[at - 1].ch.is_whitespace() && glyphs[at - 2].ch.is_ascii_digit(),
        };
        let mut count = 0;
        let mut i = at;
        while count < wanted {
            let ch = glyphs.get(i)?.ch;
            if let Some(digit) = ch.to_digit(10).and_then(|digit| u8::try_from(digit).ok()) {
                one.digits[count] = digit;
                count += 1;
                i += 1;
            } else if count == wanted - 4
                && matches!(ch, 't' | 'r' | 's' | 'u' | 'w' | 'x' | 'j' | 'k' | 'l' | 'm' | 'n')
            {
                // The letter of an interim number counts as 1 in the check.
                one.digits[count] = 1;
                count += 1;
                i += 1;
            } else if count > 0 && is_joint(ch) {
                let width = glyphs[i..].iter().take(4).take_while(|glyph| is_joint(glyph.ch)).count();
                if width > 3 {
                    return None;
                }
                let sign = glyphs[i..i + width].iter().map(|glyph| glyph.ch).find(|ch| !ch.is_whitespace());
                let sign = sign.unwrap_or(' ');
                one.joints |= 1 << count;
                one.spaces_only &= sign == ' ';
                one.stroke |= sign == '/' && count < wanted - 4;
                if count == wanted - 4 {
                    one.before_last = sign;
                } else if count > wanted - 4 {
                    one.inside_last = sign;
                }
                i += width;
            } else {
                return None;
            }
        }
        one.end = i;
        let next = |place: usize| glyphs.get(i + place).map_or('\0', |glyph| glyph.ch);
        let digits_follow =
            |from: usize| (from..from + 6).take_while(|&place| next(place).is_ascii_digit()).count();
        one.after = match next(0) {
            ch if ch.is_numeric() => return None,
            ch if ch.is_alphabetic() => After::Letter,
            '/' | ',' if digits_follow(1) >= 6 => After::End,
            '-' | '/' | '.' | ',' | ':' if next(1).is_ascii_digit() => return None,
            ch if ch.is_whitespace() && digits_follow(1) >= 2 => After::Group,
            _ => After::End,
        };
        Some(one)
    }

    fn short(&self) -> &[u8] {
        &self.digits[self.wanted - 10..self.wanted]
    }

    /// How sure one may be of what is set apart so; `None` when it is set apart as something else.
    fn band(&self) -> Option<Band> {
        let last = 1 << (self.wanted - 4);
        let inside = 1 << (self.wanted - 2);
        let every = ((1_u16 << self.wanted) - 1) & !1;
        if self.joints == every {
            return (!self.in_row && self.after == After::End && !self.may_be_mobile()).then_some(Band::Look);
        }
        // A time of day after a date has a full stop or a colon in it, a personal number has not.
        if self.joints & inside != 0 && self.inside_last != ' ' {
            return None;
        }
        let whole = self.joints & inside == 0;
        let (date, in_date) = if self.wanted == 12 {
            (self.joints & (DATE | CENTURY), DATE)
        } else {
            (self.joints & (1 << 2 | 1 << 4), 1 << 2 | 1 << 4)
        };
        if self.joints & !(date | last | inside) != 0 {
            return None;
        }
        let is_jointed = self.joints & last != 0;
        let alone = !self.in_row && self.after != After::Group;
        match (self.wanted, is_jointed, date) {
            (12, _, 0) if whole => Some(Band::Obvious),
            (12, true, _) if whole && date == in_date => {
                let may_be_time = self.before_last == ' ' && self.may_be_time();
                Some(if may_be_time { Band::Look } else { Band::Obvious })
            }
            (12, _, date) if date == CENTURY || date == DATE | CENTURY || date == in_date || date == 0 => {
                alone.then_some(Band::Look)
            }
            // Four digits each, as on a card: with spaces or hyphens, not as the number of a document.
            (12, true, date) if date == 1 << 4 && whole && !self.stroke => alone.then_some(Band::Look),
            (10, true, 0) if self.before_last == '.' => None,
            (10, true, 0) if whole => {
                let is_set_apart = if self.spaces_only {
                    alone && !self.may_be_mobile()
                } else {
                    !matches!(self.before_last, '/' | ':' | '_' | '~' | '·' | '•')
                };
                Some(if is_set_apart { Band::Obvious } else { Band::Look })
            }
            (10, true, date) if date == 0 || date == in_date => {
                let may_be_phone = self.spaces_only && !whole && self.digits[0] == 0;
                (alone && !may_be_phone && !self.stroke).then_some(Band::Look)
            }
            // Digits alone, not set as a telephone number is.
            (10, false, 0) if whole && self.after == After::End && !self.may_be_mobile() => Some(Band::Look),
            _ => None,
        }
    }

    /// Ten digits that begin as mobile telephones do (national numbering plan: 070, 072, 073, 076, 079).
    fn may_be_mobile(&self) -> bool {
        self.wanted == 10 && matches!(self.digits[..3], [0, 7, 0 | 2 | 3 | 6 | 9])
    }

    /// A date of this century and last digits that are an hour and a minute.
    fn may_be_time(&self) -> bool {
        let last = &self.digits[8..];
        self.digits[0] == 2 && last[0] * 10 + last[1] < 24 && last[2] < 6
    }

    /// Whether it is written in a way in which nobody writes anything else.
    fn is_usual(&self) -> bool {
        let last = 1 << (self.wanted - 4);
        match self.wanted {
            12 => self.joints & !(DATE | last) == 0,
            _ => self.joints == last && !self.spaces_only && !matches!(self.before_last, '.' | '/' | ':'),
        }
    }
}

/// The glyph index after a number of so many digits that starts at `at`, and how sure it is.
fn number_at(document: &Document, at: usize, wanted: usize) -> Option<(usize, Band)> {
    let glyphs = &document.view.glyphs;
    let written = Written::read(glyphs, at, wanted)?;
    let short = written.short();
    if !has_date(&written.digits[..wanted], short) || short[6..9] == [0; 3] {
        return None;
    }
    let said = if at > 0 && glyphs[at - 1].ch.is_alphabetic() {
        Said::Personal
    } else {
        words_around(document, at, written.end)
    };
    let checks = luhn(short);
    if said == Said::Personal {
        // A slip of the pen is still somebody's number where the words say that it is one.
        return Some((written.end, if checks { Band::Obvious } else { Band::Look }));
    }
    if !checks {
        return None;
    }
    let band = written.band()?;
    let usual = written.is_usual();
    if written.after == After::Letter && !usual {
        return None;
    }
    let band = match said {
        Said::Other(away) if !usual || away <= BESIDE => return None,
        Said::OtherIfBare(_) if written.joints == 0 && wanted == 10 => return None,
        Said::OtherIfBare(_) if written.spaces_only && written.may_be_mobile() => return None,
        Said::OtherIfBare(away) if away > BESIDE => band,
        Said::Other(_) | Said::OtherIfBare(_) => Band::Look,
        _ => band,
    };
    Some((written.end, band))
}

fn has_date(digits: &[u8], short: &[u8]) -> bool {
    let two = |from: usize| u32::from(short[from]) * 10 + u32::from(short[from + 1]);
    let (year, month, day) = (two(0), two(2), two(4));
    let coordination = day >= 60;
    // A coordination number may lack month and day, when the date of birth is not known, and have a day that its
    // month lacks, when too many were given out for one day.
    let (month, day) = if coordination && month <= 12 { (1, (day - 60).max(1)) } else { (month, day) };
    if digits.len() == 12 {
        let century = u32::from(digits[0]) * 10 + u32::from(digits[1]);
        (18..=20).contains(&century) && is_date(century * 100 + year, month, day)
    } else {
        is_date(1900 + year, month, day) || is_date(2000 + year, month, day)
    }
}

fn is_joint(ch: char) -> bool {
    matches!(
        ch,
        '-' | '+' | ' ' | '\t' | '\u{a0}' | '\u{2010}'
            ..='\u{2015}' | '−' | '⁃' | '·' | '•' | '~' | '.' | '/' | '_' | ':'
    )
}

fn is_date(year: u32, month: u32, day: u32) -> bool {
    i32::try_from(year).ok().and_then(|year| chrono::NaiveDate::from_ymd_opt(year, month, day)).is_some()
}

/// Luhn's sum over ten digits, the check digit last.
fn luhn(digits: &[u8]) -> bool {
    let sum: u8 = digits
        .iter()
        .enumerate()
        .map(|(place, digit)| if place % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { *digit })
        .sum();
    digits.len() == 10 && sum.is_multiple_of(10)
}

/// What the words round a number call it: the nearest word that names a number names this one.
fn words_around(document: &Document, at: usize, end: usize) -> Said {
    let tokens = &document.tokens;
    let before = tokens.partition_point(|token| token.end <= at);
    for place in (before.saturating_sub(NEAR)..before).rev() {
        let text = tokens[place].text.as_str();
        let is_half = |place: usize| HALF_NAMES.contains(&tokens[place].text.as_str());
        if NAMES.iter().any(|name| text.starts_with(name))
            || (text == "pers" && tokens[place].end + 4 >= at)
            || (matches!(text, "nummer" | "nr" | "num") && place > 0 && is_half(place - 1))
        {
            return Said::Personal;
        }
        if is_one_of(text, OTHERS) {
            return Said::Other(before - place);
        }
        if is_one_of(text, OTHERS_IF_BARE) {
            return Said::OtherIfBare(before - place);
        }
    }
    let behind = tokens.partition_point(|token| token.first < end);
    let after = &tokens[behind..(behind + 3).min(tokens.len())];
    let is_named = after.iter().any(|token| NAMES.iter().any(|name| token.text.starts_with(name)));
    if is_named { Said::Personal } else { Said::Nothing }
}

/// Whether a word is, or for longer ones begins with, one of these.
fn is_one_of(text: &str, starts: &[&str]) -> bool {
    !NEITHER.contains(&text)
        && starts.iter().any(|start| {
            text.strip_prefix(start).is_some_and(|rest| {
                start.len() > 3 || matches!(rest, "" | "n" | "nr" | "num" | "nummer" | "en")
            })
        })
}
