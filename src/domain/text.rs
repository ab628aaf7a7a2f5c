//! Views of a Swedish text, each with a way back to the original's byte offsets.
//!
//! People write round a word list: with digits for letters, letters of other alphabets, spaces, invisible
//! characters. A [`View`] is the text as a reader would take it; every character of it knows which bytes of the
//! original it came from, so that a finding always points at what was really written. `å`, `ä` and `ö` are
//! letters of their own and are never folded to `a` and `o` (`bög` and `bog`, `får` and `far` are other words).

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

mod fold;
mod hash;
mod join;
mod token;

pub use fold::{is_invisible, look_alike};
pub use hash::BuildQuick;
use join::divides_letters;
pub use join::spaced;
pub use token::{Flag, Sentence, Token, tokens};

/// Vetted words: as written without dots, and the word itself.
pub type Vetted = HashMap<String, String, BuildQuick>;

/// How many code points are composed together at most; real letters have two or three, hostile ones a million.
const LONGEST_CLUSTER: usize = 16;

/// Whether a character is a letter; quick for those of Swedish and its neighbours (all of U+00C0 to U+024F but two).
pub(crate) fn is_letter(ch: char) -> bool {
    match ch {
        '\0'..='\u{7f}' => ch.is_ascii_alphabetic(),
        '\u{c0}'..='\u{24f}' => !matches!(ch, '×' | '÷'),
        _ => ch.is_alphabetic(),
    }
}

/// Whether a character is a letter or a digit.
pub(crate) fn is_letter_or_digit(ch: char) -> bool {
    match ch {
        '\0'..='\u{7f}' => ch.is_ascii_alphanumeric(),
        '\u{c0}'..='\u{24f}' => !matches!(ch, '×' | '÷'),
        _ => ch.is_alphanumeric(),
    }
}

/// One character of a view and the bytes of the original that it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyph {
    /// The character as the view shows it.
    pub ch: char,
    /// Where it starts in the original (bytes).
    pub start: usize,
    /// Where it ends in the original (bytes, exclusive).
    pub end: usize,
    /// True where the original wrote a capital letter.
    pub capital: bool,
}

/// A way of reading a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reading {
    /// Composed (NFC), in lower case.
    Plain,
    /// Without invisible characters, look-alikes of other alphabets folded.
    Stripped,
    /// Digits and signs read as the letters they resemble.
    Leet,
    /// Stretched letters pulled together.
    Stretched,
    /// Spaced letters joined.
    Spaced,
    /// Vetted words written without their dots and rings, with them put back.
    Undiacritic,
    /// Two neighbours that should have been one word.
    Joined,
}

impl Reading {
    /// The name in findings: part of the command line's contract.
    pub fn code(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Stripped => "stripped",
            Self::Leet => "leet",
            Self::Stretched => "stretched",
            Self::Spaced => "spaced",
            Self::Undiacritic => "undiacritic",
            Self::Joined => "joined",
        }
    }

    /// What an editor is told about it, in Swedish.
    pub fn explanation(code: &str) -> &'static str {
        match code {
            "stripped" => {
                "sedan osynliga tecken tagits bort och bokstäver ur andra alfabet bytts mot sina likar"
            }
            "leet" => "sedan siffror och tecken lästs som de bokstäver de liknar",
            "stretched" => "sedan uttänjda bokstäver dragits ihop",
            "spaced" => "sedan utspärrade bokstäver satts ihop",
            "undiacritic" => "sedan prickar och ringar satts dit",
            "joined" => "sedan ett särskrivet ord satts ihop",
            "context" => "tillsammans med kommentaren som den svarar på",
            "wave" => "tillsammans med andra kommentarer som säger nästan detsamma",
            _ => "så som texten står",
        }
    }
}

/// A text as one reading shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Which reading this is.
    pub reading: Reading,
    /// Its characters, in order.
    pub glyphs: Vec<Glyph>,
}

impl View {
    fn same_text(&self, other: &Self) -> bool {
        self.glyphs.len() == other.glyphs.len()
            && self.glyphs.iter().zip(&other.glyphs).all(|(one, two)| one.ch == two.ch)
    }

    /// The characters as a string.
    pub fn text(&self) -> String {
        self.glyphs.iter().map(|glyph| glyph.ch).collect()
    }
}

/// Composed and in lower case; nothing else is touched.
pub fn plain(text: &str) -> View {
    let mut glyphs = Vec::with_capacity(text.len());
    let mut chars = text.char_indices().peekable();
    let mut cluster = String::new();
    while let Some((start, first)) = chars.next() {
        let mut end = start + first.len_utf8();
        // No character before U+0300 combines: the table need not be asked for ordinary text.
        let next_combines =
            chars.peek().is_some_and(|(_, next)| *next >= '\u{300}' && canonical_combining_class(*next) != 0);
        let capital = if first.is_ascii() { first.is_ascii_uppercase() } else { first.is_uppercase() };
        if !next_combines {
            push_lower(&mut glyphs, first, start, end, capital);
            continue;
        }
        cluster.clear();
        cluster.push(first);
        let mut taken = 1;
        while let Some((at, next)) = chars.peek().copied() {
            if canonical_combining_class(next) == 0 || taken >= LONGEST_CLUSTER {
                break;
            }
            cluster.push(next);
            end = at + next.len_utf8();
            taken += 1;
            chars.next();
        }
        // Rings and dots stay on their letter, however many other marks are heaped on it.
        let mut rest = cluster.chars();
        let letter = rest.next().unwrap_or(first);
        if let Some((swedish, mark)) = fold::with_mark(letter, &cluster) {
            push_lower(&mut glyphs, swedish, start, end, capital);
            for ch in rest.filter(|ch| *ch != mark) {
                push_lower(&mut glyphs, ch, start, end, false);
            }
            continue;
        }
        for ch in cluster.nfc() {
            push_lower(&mut glyphs, ch, start, end, capital);
        }
    }
    View { reading: Reading::Plain, glyphs }
}

fn push_lower(glyphs: &mut Vec<Glyph>, ch: char, start: usize, end: usize, capital: bool) {
    if ch.is_ascii() {
        glyphs.push(Glyph { ch: ch.to_ascii_lowercase(), start, end, capital });
    } else if matches!(ch, 'å' | 'ä' | 'ö') {
        glyphs.push(Glyph { ch, start, end, capital });
    } else {
        glyphs.extend(ch.to_lowercase().map(|ch| Glyph { ch, start, end, capital }));
    }
}

/// Invisible characters gone, compatibility forms and look-alikes folded.
pub fn stripped(plain: &View) -> View {
    let mut glyphs = Vec::with_capacity(plain.glyphs.len());
    let flags_spell =
        plain.glyphs.windows(3).any(|three| three.iter().all(|one| fold::is_flag_letter(one.ch)));
    for glyph in &plain.glyphs {
        // Two letters of flags are a flag; who writes three in a row writes with them.
        if glyph.ch.is_ascii()
            || matches!(glyph.ch, 'å' | 'ä' | 'ö')
            || (fold::is_flag_letter(glyph.ch) && !flags_spell)
        {
            glyphs.push(*glyph);
        } else if !is_invisible(glyph.ch) {
            fold::visible(glyph.ch, glyph.capital, |ch| {
                let ch = ch.to_lowercase().next().unwrap_or(ch);
                glyphs.push(Glyph { ch, ..*glyph });
            });
        }
    }
    View { reading: Reading::Stripped, glyphs }
}

/// Digits and signs read as letters, in words that also have a letter; `one` is what `1` and `|` mean.
pub fn leet(stripped: &View, one: char) -> View {
    let mut glyphs = stripped.glyphs.clone();
    let mut at = 0;
    while at < glyphs.len() {
        if glyphs[at].ch.is_whitespace() {
            at += 1;
            continue;
        }
        let end = (at..glyphs.len()).find(|&i| glyphs[i].ch.is_whitespace()).unwrap_or(glyphs.len());
        let word = &mut glyphs[at..end];
        let letters = word.iter().filter(|glyph| is_letter(glyph.ch)).count();
        let digits = word.iter().filter(|glyph| glyph.ch.is_ascii_digit()).count();
        let turns = word
            .windows(2)
            .filter(|two| {
                (two[0].ch.is_ascii_digit() && two[1].ch.is_alphabetic())
                    || (two[0].ch.is_alphabetic() && two[1].ch.is_ascii_digit())
            })
            .count();
        // Numbers with a unit (`15kr`, `2024-05-12T10`) are numbers, addresses of pages are addresses.
        if letters > 0
            && (digits <= letters + 1
                || (turns >= 2 && word.iter().all(|glyph| !matches!(glyph.ch, '-' | ':'))))
        {
            let last_letter = word.iter().rposition(|glyph| is_letter_or_digit(glyph.ch)).unwrap_or(0);
            for (i, glyph) in word.iter_mut().enumerate() {
                if let Some(letter) = fold::leet_letter(glyph.ch, one)
                    && (glyph.ch.is_ascii_digit()
                        || i < last_letter
                        || (i > 0 && matches!(glyph.ch, '@' | '$' | '|')))
                {
                    glyph.ch = letter;
                }
            }
        }
        at = end;
    }
    View { reading: Reading::Leet, glyphs }
}

/// Runs of three or more equal letters pulled together: to one or two of them, as some word has it, else to `keep`.
pub fn stretched(view: &View, keep: usize, is_word: &dyn Fn(&str) -> bool) -> View {
    let source = &view.glyphs;
    let mut glyphs: Vec<Glyph> = Vec::with_capacity(source.len());
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while at < source.len() {
        if !is_letter(source[at].ch) {
            glyphs.push(source[at]);
            at += 1;
            continue;
        }
        runs.clear();
        let from = at;
        while at < source.len() && is_letter(source[at].ch) {
            let run = source[at..].iter().take_while(|glyph| glyph.ch == source[at].ch).count();
            runs.push((at, run));
            at += run;
        }
        if runs.iter().all(|(_, run)| *run < 3) {
            glyphs.extend_from_slice(&source[from..at]);
            continue;
        }
        let doubled = doubled_letters(source, &runs, is_word);
        for (place, &(first, run)) in runs.iter().enumerate() {
            let kept = match doubled {
                _ if run < 3 => run,
                Some(doubled) if doubled.contains(&place) => 2,
                Some(_) => 1,
                None => keep,
            };
            glyphs.extend_from_slice(&source[first..first + kept]);
            if let Some(last) = glyphs.last_mut() {
                last.end = source[first + run - 1].end;
            }
        }
    }
    View { reading: Reading::Stretched, glyphs }
}

/// More stretched letters than this are no word's.
const MOST_STRETCHED: usize = 12;

/// Which one or two of a word's stretched letters are double when it is spelled right; the same number twice for one,
/// a number that no letter has for none.
fn doubled_letters(
    source: &[Glyph],
    runs: &[(usize, usize)],
    is_word: &dyn Fn(&str) -> bool,
) -> Option<[usize; 2]> {
    let long: Vec<usize> = (0..runs.len()).filter(|&place| runs[place].1 >= 3).collect();
    if long.len() > MOST_STRETCHED || runs.len() > 40 {
        return None;
    }
    let mut word = String::new();
    let mut fits = |doubled: [usize; 2]| {
        word.clear();
        for (place, &(first, run)) in runs.iter().enumerate() {
            let times = if run < 3 { run } else { 1 + usize::from(doubled.contains(&place)) };
            word.extend(std::iter::repeat_n(source[first].ch, times));
        }
        is_word(&word)
    };
    let none = [usize::MAX; 2];
    std::iter::once(none)
        .chain(long.iter().map(|&one| [one; 2]))
        .chain(
            long.iter()
                .enumerate()
                .flat_map(|(from, &one)| long[from + 1..].iter().map(move |&two| [one, two])),
        )
        .find(|&doubled| fits(doubled))
}

/// Vetted words (key: as written without dots, value: the word) with their dots put back.
pub fn undiacritic(view: &View, vetted: &Vetted) -> View {
    let mut glyphs = view.glyphs.clone();
    let mut word = String::new();
    let mut at = 0;
    while at < glyphs.len() {
        if !glyphs[at].ch.is_alphanumeric() {
            at += 1;
            continue;
        }
        let end = (at..glyphs.len()).find(|&i| !glyphs[i].ch.is_alphanumeric()).unwrap_or(glyphs.len());
        if end - at <= 24 && end - at >= 2 && glyphs[at..end].iter().all(|glyph| glyph.ch.is_ascii()) {
            word.clear();
            word.extend(glyphs[at..end].iter().map(|glyph| glyph.ch));
            if let Some(full) = vetted.get(word.as_str()) {
                // A vetted word has as many letters as its dotless form; the rule file's checks hold it to that.
                for (glyph, ch) in glyphs[at..end].iter_mut().zip(full.chars()) {
                    glyph.ch = ch;
                }
            }
        }
        at = end;
    }
    View { reading: Reading::Undiacritic, glyphs }
}

/// Every view of a text that shows something the views before it do not; the first is always [`plain`].
///
/// A view is only built where the text holds characters that would make it differ. `is_word` says whether the rules
/// know a word: where a disguise can be read in several ways, the way that makes a word is taken.
pub fn views(text: &str, vetted: &Vetted, is_word: &dyn Fn(&str) -> bool) -> Vec<View> {
    let first = plain(text);
    let signs = Signs::of(&first);
    if !signs.any() && !may_lack_dots(&first, vetted) {
        return vec![first];
    }
    let bare = signs.folded.then(|| stripped(&first)).filter(|bare| !bare.same_text(&first));
    let mut all = vec![first];
    let signs = bare.as_ref().map_or(signs, Signs::of);
    let mut bases =
        vec![bare.unwrap_or_else(|| View { reading: Reading::Stripped, glyphs: all[0].glyphs.clone() })];
    let bare = &bases[0];
    let mut more = Vec::new();
    if signs.leet && may_be_leet(bare) {
        let leeted = leet(bare, 'i');
        if !leeted.same_text(bare) {
            if signs.one {
                more.push(leet(bare, 'l'));
            }
            more.push(leeted);
        }
    }
    if signs.divided || signs.alone {
        for trim in [false, true] {
            let joined = spaced(bare, trim, is_word);
            if !joined.same_text(bare) && !more.iter().any(|other: &View| other.same_text(&joined)) {
                if signs.leet {
                    more.push(View { reading: Reading::Spaced, ..leet(&joined, 'i') });
                }
                more.push(joined);
            }
        }
    }
    bases.append(&mut more);
    let add = |all: &mut Vec<View>, view: View| {
        if !all.iter().any(|other| other.same_text(&view)) {
            all.push(view);
        }
    };
    for base in bases {
        if may_lack_dots(&base, vetted) {
            add(&mut all, undiacritic(&base, vetted));
        }
        if signs.stretched {
            for keep in [1, 2] {
                let short = stretched(&base, keep, is_word);
                if may_lack_dots(&short, vetted) {
                    add(&mut all, undiacritic(&short, vetted));
                }
                add(&mut all, short);
            }
        }
        add(&mut all, base);
    }
    // The mildest reading is tried first, so that a finding names the least that was needed to see it.
    all.sort_by_key(|view| match view.reading {
        Reading::Plain => 0,
        Reading::Stripped => 1,
        Reading::Undiacritic => 2,
        Reading::Leet => 3,
        Reading::Stretched => 4,
        Reading::Spaced | Reading::Joined => 5,
    });
    all
}

/// What a text holds that another view would show otherwise; never wrongly false.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "six independent facts, each seen in one pass")]
struct Signs {
    /// Characters that are neither ASCII nor å, ä, ö.
    folded: bool,
    /// Digits and signs that may be letters.
    leet: bool,
    /// A `1` or a `|`.
    one: bool,
    /// Three equal letters side by side.
    stretched: bool,
    /// A sign between two letters.
    divided: bool,
    /// Two single letters with a space between them.
    alone: bool,
}

impl Signs {
    fn of(view: &View) -> Self {
        let mut signs = Self::default();
        let mut before = ['\0'; 4];
        for ch in view.glyphs.iter().map(|glyph| glyph.ch).chain(['\0']) {
            let is_letter = is_letter_or_digit(ch);
            if !(ch.is_ascii() || matches!(ch, 'å' | 'ä' | 'ö')) {
                signs.folded = true;
            }
            if !ch.is_ascii_lowercase() && fold::leet_letter(ch, 'i').is_some() {
                signs.leet = true;
                signs.one |= matches!(ch, '1' | '|');
            }
            signs.stretched |= ch == before[3] && ch == before[2] && ch.is_alphabetic();
            signs.divided |= is_letter && divides_letters(before[3]);
            // A space, a letter, a space, a letter and no letter more.
            signs.alone |= !is_letter
                && is_letter_or_digit(before[3])
                && before[2].is_whitespace()
                && is_letter_or_digit(before[1])
                && !is_letter_or_digit(before[0]);
            before = [before[1], before[2], before[3], ch];
        }
        signs
    }

    fn any(self) -> bool {
        self.folded || self.leet || self.stretched || self.divided || self.alone
    }
}

/// Whether a digit or a sign stands beside a letter, as in `1d10t` and not as in `kl. 10!`.
fn may_be_leet(view: &View) -> bool {
    view.glyphs.iter().enumerate().any(|(at, glyph)| {
        fold::leet_letter(glyph.ch, 'i').is_some() && {
            let is_letter = |at: Option<usize>| {
                at.and_then(|at| view.glyphs.get(at)).is_some_and(|glyph| {
                    is_letter(glyph.ch) || (glyph.ch != '!' && fold::leet_letter(glyph.ch, 'i').is_some())
                })
            };
            is_letter(Some(at + 1)) || (glyph.ch.is_ascii_digit() && is_letter(at.checked_sub(1)))
        }
    })
}

/// Whether a vetted word stands there without its dots.
fn may_lack_dots(view: &View, vetted: &Vetted) -> bool {
    let mut word = String::new();
    let mut found = false;
    for glyph in &view.glyphs {
        if is_letter_or_digit(glyph.ch) {
            word.push(glyph.ch);
        } else if !word.is_empty() {
            found |= vetted.contains_key(word.as_str());
            word.clear();
        }
    }
    found || vetted.contains_key(word.as_str())
}

#[cfg(test)]
mod tests;
