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
mod token;

pub use fold::{is_invisible, look_alike};
pub use hash::BuildQuick;
pub use token::{Flag, Sentence, Token, tokens};

/// Vetted words: as written without dots, and the word itself.
pub type Vetted = HashMap<String, String, BuildQuick>;

/// How many code points are composed together at most; real letters have two or three, hostile ones a million.
const LONGEST_CLUSTER: usize = 16;

/// The longest run of spaced letters that is joined to one word.
const LONGEST_SPACED: usize = 40;

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
        let capital = first.is_uppercase();
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
        for ch in cluster.nfc() {
            push_lower(&mut glyphs, ch, start, end, capital);
        }
    }
    View { reading: Reading::Plain, glyphs }
}

fn push_lower(glyphs: &mut Vec<Glyph>, ch: char, start: usize, end: usize, capital: bool) {
    if ch.is_ascii() {
        glyphs.push(Glyph { ch: ch.to_ascii_lowercase(), start, end, capital });
    } else {
        glyphs.extend(ch.to_lowercase().map(|ch| Glyph { ch, start, end, capital }));
    }
}

/// Invisible characters gone, compatibility forms and look-alikes folded.
pub fn stripped(plain: &View) -> View {
    let mut glyphs = Vec::with_capacity(plain.glyphs.len());
    for glyph in &plain.glyphs {
        if glyph.ch.is_ascii() || matches!(glyph.ch, 'å' | 'ä' | 'ö') {
            glyphs.push(*glyph);
        } else if !is_invisible(glyph.ch) {
            fold::visible(glyph.ch, |ch| {
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
        let letters = word.iter().filter(|glyph| glyph.ch.is_alphabetic()).count();
        let digits = word.iter().filter(|glyph| glyph.ch.is_ascii_digit()).count();
        // Numbers with a unit (`15kr`, `2024-05-12T10`) are numbers, addresses of pages are addresses.
        if letters > 0 && digits <= letters + 1 {
            let last_letter = word.iter().rposition(|glyph| glyph.ch.is_alphanumeric()).unwrap_or(0);
            for (i, glyph) in word.iter_mut().enumerate() {
                if let Some(letter) = fold::leet_letter(glyph.ch, one)
                    && (glyph.ch.is_ascii_digit() || i < last_letter || (i > 0 && glyph.ch == '@'))
                {
                    glyph.ch = letter;
                }
            }
        }
        at = end;
    }
    View { reading: Reading::Leet, glyphs }
}

/// Runs of three or more equal letters pulled together to `keep` of them.
pub fn stretched(view: &View, keep: usize) -> View {
    let mut glyphs: Vec<Glyph> = Vec::with_capacity(view.glyphs.len());
    let mut at = 0;
    while at < view.glyphs.len() {
        let first = view.glyphs[at];
        let run = view.glyphs[at..].iter().take_while(|glyph| glyph.ch == first.ch).count();
        let kept = if run >= 3 && first.ch.is_alphabetic() { keep } else { run };
        glyphs.extend_from_slice(&view.glyphs[at..at + kept]);
        if let Some(last) = glyphs.last_mut() {
            last.end = view.glyphs[at + run - 1].end;
        }
        at += run;
    }
    View { reading: Reading::Stretched, glyphs }
}

/// Four or more single letters with one separator between them, joined; a wider gap is a space between words.
pub fn spaced(view: &View) -> View {
    let source = &view.glyphs;
    let is_separator = |ch: char| matches!(ch, ' ' | '.' | '-' | '_' | '*' | '·' | ',' | '/' | '\u{a0}');
    let mut glyphs: Vec<Glyph> = Vec::with_capacity(source.len());
    let mut at = 0;
    while at < source.len() {
        let starts = source[at].ch.is_alphanumeric() && (at == 0 || !source[at - 1].ch.is_alphanumeric());
        let mut run = vec![at];
        if starts {
            let mut i = at;
            while run.len() < LONGEST_SPACED
                && let (Some(gap), Some(next)) = (source.get(i + 1), source.get(i + 2))
                && is_separator(gap.ch)
                && next.ch.is_alphanumeric()
                && source.get(i + 3).is_none_or(|after| !after.ch.is_alphanumeric())
            {
                i += 2;
                run.push(i);
            }
        }
        let letters = run.iter().filter(|&&i| source[i].ch.is_alphabetic()).count();
        // Two lone letters with wide gaps around them are a word of the same writer ("d u  ä r").
        let gap = |two: Option<&[Glyph]>| two.is_some_and(|two| two.iter().all(|glyph| glyph.ch == ' '));
        let last = run[run.len() - 1];
        let wide_word = run.len() >= 2
            && (gap(glyphs.len().checked_sub(2).and_then(|from| glyphs.get(from..)))
                || gap(source.get(last + 1..last + 3)));
        // Three letters between other marks than spaces are a word too ("d.i.g"); "a b c" is not.
        let dotted = run.len() >= 3 && (at..last).all(|i| source[i].ch != ' ');
        if (run.len() >= 4 || dotted || wide_word) && letters * 2 > run.len() {
            glyphs.extend(run.iter().map(|&i| source[i]));
            at = last + 1;
        } else {
            glyphs.push(source[at]);
            at += 1;
        }
    }
    View { reading: Reading::Spaced, glyphs }
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
        if end - at <= 24 && end - at >= 3 && glyphs[at..end].iter().all(|glyph| glyph.ch.is_ascii()) {
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
/// A view is only built where the text holds characters that would make it differ.
pub fn views(text: &str, vetted: &Vetted) -> Vec<View> {
    let first = plain(text);
    let is_basic = |ch: char| ch.is_ascii() || matches!(ch, 'å' | 'ä' | 'ö');
    let bare = if first.glyphs.iter().all(|glyph| is_basic(glyph.ch)) {
        View { reading: Reading::Stripped, glyphs: first.glyphs.clone() }
    } else {
        stripped(&first)
    };
    let mut all = vec![first];
    let add = |all: &mut Vec<View>, view: View| {
        if !all.iter().any(|other| other.same_text(&view)) {
            all.push(view);
        }
    };
    let mut bases = Vec::new();
    if may_be_leet(&bare) {
        let leeted = leet(&bare, 'i');
        if !leeted.same_text(&bare) {
            if bare.glyphs.iter().any(|glyph| matches!(glyph.ch, '1' | '|')) {
                bases.push(leet(&bare, 'l'));
            }
            bases.push(leeted);
        }
    }
    if may_be_spaced(&bare) {
        let joined = spaced(&bare);
        if !joined.same_text(&bare) {
            bases.push(View { reading: Reading::Spaced, ..leet(&joined, 'i') });
            bases.push(joined);
        }
    }
    let long_run = bare
        .glyphs
        .windows(3)
        .any(|three| three[0].ch == three[1].ch && three[1].ch == three[2].ch && three[0].ch.is_alphabetic());
    bases.insert(0, bare);
    for base in bases {
        if may_lack_dots(&base, vetted) {
            add(&mut all, undiacritic(&base, vetted));
        }
        if long_run {
            let short = stretched(&base, 1);
            if may_lack_dots(&short, vetted) {
                add(&mut all, undiacritic(&short, vetted));
            }
            add(&mut all, short);
            add(&mut all, stretched(&base, 2));
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

/// Whether a digit or a sign stands beside a letter, as in `1d10t` and not as in `kl. 10!`.
fn may_be_leet(view: &View) -> bool {
    view.glyphs.iter().enumerate().any(|(at, glyph)| {
        fold::leet_letter(glyph.ch, 'i').is_some() && {
            let is_letter = |at: Option<usize>| {
                at.and_then(|at| view.glyphs.get(at)).is_some_and(|glyph| {
                    glyph.ch.is_alphabetic()
                        || (glyph.ch != '!' && fold::leet_letter(glyph.ch, 'i').is_some())
                })
            };
            is_letter(Some(at + 1)) || (glyph.ch.is_ascii_digit() && is_letter(at.checked_sub(1)))
        }
    })
}

/// Whether two single letters stand side by side with one sign between them.
fn may_be_spaced(view: &View) -> bool {
    let alone = |at: usize| {
        let letter = |at: usize| view.glyphs.get(at).is_some_and(|glyph| glyph.ch.is_alphanumeric());
        letter(at) && !letter(at + 1) && (at == 0 || !letter(at - 1))
    };
    (0..view.glyphs.len().saturating_sub(2)).any(|at| alone(at) && alone(at + 2))
}

/// Whether a vetted word stands there without its dots.
fn may_lack_dots(view: &View, vetted: &Vetted) -> bool {
    let mut word = String::new();
    let mut found = false;
    for glyph in &view.glyphs {
        if glyph.ch.is_alphanumeric() {
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
