//! Letters set apart, put together again.

use super::{Glyph, Reading, View, is_letter, is_letter_or_digit};

/// The longest run of spaced letters that is joined to one word.
const LONGEST_SPACED: usize = 40;

/// Signs that people put between the letters of a word; what divides words in earnest is not among them.
pub(super) fn divides_letters(ch: char) -> bool {
    match ch {
        '.' | '-' | '_' | '*' | ',' | '|' | '~' | '^' | '=' | '+' | ';' => true,
        '“' | '”' | '„' | '»' | '«' | '’' | '‘' | '…' => false,
        _ => !ch.is_ascii() && !ch.is_alphanumeric() && !ch.is_whitespace(),
    }
}

/// The most signs between two letters of a divided word.
const WIDEST_DIVISION: usize = 3;

/// Words whose letters have signs between them, put together: letter by letter, or where that makes a known word.
fn undivided(source: &[Glyph], is_word: &dyn Fn(&str) -> bool) -> Option<Vec<Glyph>> {
    let joined = undivided_with(source, is_word, false)?;
    // Who has put signs between the letters of one word has done so in words of two letters too.
    Some(if joined.1 { undivided_with(source, is_word, true)?.0 } else { joined.0 })
}

/// The text put together, and whether some word of it stood there letter by letter.
fn undivided_with(
    source: &[Glyph],
    is_word: &dyn Fn(&str) -> bool,
    pairs: bool,
) -> Option<(Vec<Glyph>, bool)> {
    let mut glyphs: Vec<Glyph> = Vec::new();
    let mut copied = 0;
    let mut by_letter = 0;
    let mut at = 0;
    let mut word = String::new();
    while at < source.len() {
        if !is_letter_or_digit(source[at].ch) {
            at += 1;
            continue;
        }
        // One stretch of letters and dividing signs that begins and ends with a letter.
        let from = at;
        let (mut end, mut pieces, mut singles, mut length) = (at, 0, 0, 0);
        word.clear();
        while at < source.len() {
            let piece = source[at..].iter().take_while(|glyph| is_letter_or_digit(glyph.ch)).count();
            if piece == 0 {
                break;
            }
            pieces += 1;
            singles += usize::from(piece == 1);
            length += piece;
            if length <= LONGEST_SPACED {
                word.extend(source[at..at + piece].iter().map(|glyph| glyph.ch));
            }
            at += piece;
            end = at;
            let gap = source[at..]
                .iter()
                .take(WIDEST_DIVISION + 1)
                .take_while(|glyph| divides_letters(glyph.ch))
                .count();
            if gap == 0 || gap > WIDEST_DIVISION {
                break;
            }
            at += gap;
        }
        at = at.max(end);
        let in_address =
            |glyph: Option<&Glyph>| glyph.is_some_and(|glyph| matches!(glyph.ch, '/' | '@' | ':'));
        if pieces < 2
            || length > LONGEST_SPACED
            || in_address(source.get(end))
            || (from > 0 && in_address(source.get(from - 1)))
        {
            continue;
        }
        let letters = word.chars().filter(|ch| ch.is_alphabetic()).count();
        let letter_by_letter = singles * 3 >= pieces * 2 && pieces >= 3 && letters * 2 > length;
        // One such word may be an abbreviation (`t.ex.`).
        by_letter += if letter_by_letter { pieces - 2 } else { 0 };
        let is_pair = pairs && pieces == 2 && singles == 2;
        if letter_by_letter || is_pair || (letters == length && length >= 3 && is_word(&word)) {
            glyphs.extend_from_slice(&source[copied..from]);
            glyphs.extend(source[from..end].iter().filter(|glyph| is_letter_or_digit(glyph.ch)));
            copied = end;
        }
    }
    if copied == 0 {
        return None;
    }
    glyphs.extend_from_slice(&source[copied..]);
    Some((glyphs, by_letter >= 2))
}

/// Four or more single letters with a space between them, joined, and words with signs between their letters.
///
/// A wider gap is a space between words. With `trim`, a first or last letter that is a word by itself
/// (`i`, `å`, `ö`) stays out.
pub fn spaced(view: &View, trim: bool, is_word: &dyn Fn(&str) -> bool) -> View {
    let undivided = undivided(&view.glyphs, is_word);
    let source = undivided.as_ref().unwrap_or(&view.glyphs);
    let is_gap = |ch: char| ch.is_whitespace() && !matches!(ch, '\n' | '\r');
    let mut glyphs: Vec<Glyph> = Vec::with_capacity(source.len());
    let mut word = String::new();
    let mut at = 0;
    while at < source.len() {
        let letter = |at: usize| source.get(at).is_some_and(|glyph| is_letter_or_digit(glyph.ch));
        let starts = letter(at) && !letter(at + 1) && (at == 0 || !letter(at - 1));
        let mut run = 1;
        if starts {
            while run < LONGEST_SPACED
                && source.get(at + 2 * run - 1).is_some_and(|gap| is_gap(gap.ch))
                && letter(at + 2 * run)
                && !letter(at + 2 * run + 1)
            {
                run += 1;
            }
        }
        let alone = |glyph: &Glyph| matches!(glyph.ch, 'i' | 'å' | 'ö');
        if trim && run >= 3 && alone(&source[at]) {
            glyphs.push(source[at]);
            at += 1;
            continue;
        }
        if trim && run >= 4 && alone(&source[at + 2 * run - 2]) {
            run -= 1;
        }
        let of_run = source[at..].iter().step_by(2).take(run);
        let letters = of_run.clone().filter(|glyph| is_letter(glyph.ch)).count();
        // Two lone letters with wide gaps around them are a word of the same writer ("d u  ä r").
        let wide = |two: Option<&[Glyph]>| two.is_some_and(|two| two.iter().all(|glyph| is_gap(glyph.ch)));
        let last = at + 2 * run - 2;
        let wide_word = run >= 2
            && (wide(glyphs.len().checked_sub(2).and_then(|from| glyphs.get(from..)))
                || wide(source.get(last + 1..last + 3)));
        let known = run == 3 && {
            word.clear();
            word.extend(of_run.clone().map(|glyph| glyph.ch));
            is_word(&word)
        };
        if (run >= 4 || known || wide_word) && letters * 2 > run {
            glyphs.extend(of_run);
            at = last + 1;
        } else {
            glyphs.push(source[at]);
            at += 1;
        }
    }
    View { reading: Reading::Spaced, glyphs }
}
