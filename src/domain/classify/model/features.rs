//! A text → what the model looks at: letters in words, words, meanings, and meanings near each other.
//!
//! Training and judging go through the same code, so that they can never differ. Nothing is allocated for a
//! feature: each is given as a number of a row in the model's table.

use super::words::Words;
use crate::domain::text::{is_invisible, look_alike};

/// What kind of feature it is; each kind is normalised by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    /// Two to five letters within a word and its boundaries.
    Letters = 0,
    /// A word, two words.
    Words = 1,
    /// A class of meaning, two of them near each other.
    Meanings = 2,
}

/// How many groups there are.
pub(super) const GROUPS: usize = 3;

/// The longest run of letters.
const LONGEST_RUN: usize = 5;

/// How many words on another meaning may stand and still count as near.
const REACH: usize = 4;

/// A window ends at the first end of a sentence after so many letters. A long comment is judged piece by piece, so
/// that one sentence of abuse is not drowned in a page of something else, and so that time grows with the length.
const WINDOW: usize = 200;

/// … and at the first word after so many, whatever its sentences.
const LONGEST_WINDOW: usize = 320;

/// … nor does one hold more words, and marks are words.
const MOST_WORDS: usize = 160;

/// A longer word is cut: nothing is known of words that long, and a text need not have spaces.
const LONGEST_WORD: usize = 40;

const SPACE: u32 = ' ' as u32;

/// A word of a window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    /// Where it stands in [`Page::letters`].
    first: usize,
    end: usize,
    /// Where it stands in the text that was given (bytes).
    pub(super) from: usize,
    pub(super) to: usize,
    classes: u32,
    key: u32,
}

/// A text made ready; reused from text to text.
#[derive(Debug, Default)]
pub(super) struct Page {
    letters: Vec<u32>,
    pub(super) words: Vec<Word>,
    /// Where each window ends, in words.
    windows: Vec<usize>,
}

impl Page {
    /// Reads a text, at most so many bytes of it.
    pub(super) fn read(&mut self, meanings: &Words, text: &str, most: usize) {
        self.letters.clear();
        self.words.clear();
        self.windows.clear();
        self.letters.push(SPACE);
        let (mut window_from, mut window_first) = (0, 0);
        // Where the open word begins, in letters and in the text.
        let mut open: Option<(usize, usize)> = None;
        let mut last = 0;
        for (at, ch) in text.char_indices().take_while(|(at, _)| *at < most) {
            let end = at + ch.len_utf8();
            let Some(ch) = self.seen(ch) else { continue };
            last = end;
            let joins = ch.is_alphanumeric();
            if let Some((first, from)) = open
                && (!joins || self.letters.len() - first >= LONGEST_WORD)
            {
                self.close(meanings, first, from, at);
                open = None;
            }
            if joins {
                open = open.or(Some((self.letters.len(), at)));
                self.letters.push(if ch.is_ascii_digit() { '0' as u32 } else { u32::from(ch) });
            } else if matches!(ch, '!' | '?') || u32::from(ch) >= 0x2190 {
                self.mark(ch, at, end);
            }
            let long = self.letters.len() - window_from;
            let sentence = matches!(ch, '.' | '!' | '?' | '\n' | '…');
            let full = long > LONGEST_WINDOW || self.words.len() - window_first >= MOST_WORDS;
            if open.is_none() && ((sentence && long > WINDOW) || full) {
                self.windows.push(self.words.len());
                (window_from, window_first) = (self.letters.len(), self.words.len());
            }
        }
        if let Some((first, from)) = open {
            self.close(meanings, first, from, last);
        }
        if self.windows.last() != Some(&self.words.len()) {
            self.windows.push(self.words.len());
        }
    }

    /// The letter that a reader sees, in lower case; nothing for what is not seen, or sits on the letter before it.
    fn seen(&mut self, ch: char) -> Option<char> {
        if ch.is_ascii() {
            return Some(ch.to_ascii_lowercase());
        }
        let ch = ch.to_lowercase().next().unwrap_or(ch);
        match ch {
            'å' | 'ä' | 'ö' | 'é' | 'æ' | 'ø' => Some(ch),
            '\u{300}'..='\u{36f}' => {
                // "a" and a ring after it are one letter in other files' spelling.
                if let Some(last) = self.letters.last_mut() {
                    *last = match (char::from_u32(*last), ch) {
                        (Some('a'), '\u{30a}') => 'å' as u32,
                        (Some('a'), '\u{308}') => 'ä' as u32,
                        (Some('o'), '\u{308}') => 'ö' as u32,
                        _ => *last,
                    };
                }
                None
            }
            _ if is_invisible(ch) => None,
            _ => Some(look_alike(ch).unwrap_or(ch)),
        }
    }

    /// Marks of feeling are words of their own, and a row of equal ones is one.
    fn mark(&mut self, ch: char, at: usize, to: usize) {
        let key = step(KIND_WORD, u32::from(ch) | 0x1000_0000);
        match self.words.last_mut() {
            Some(word) if word.key == key && word.to == at => word.to = to,
            _ => {
                let first = self.letters.len();
                self.words.push(Word { first, end: first, from: at, to, classes: 0, key });
            }
        }
    }

    fn close(&mut self, list: &Words, first: usize, from: usize, to: usize) {
        let end = self.letters.len();
        let letters = &self.letters[first..end];
        let classes = list.classes(letters);
        let key = letters.iter().fold(KIND_WORD, |key, letter| step(key, *letter));
        self.words.push(Word { first, end, from, to, classes, key });
        self.letters.push(SPACE);
    }

    /// The windows, as ranges of words; none for a text without words.
    pub(super) fn windows(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        self.windows.iter().scan(0, |from, &to| {
            let range = *from..to;
            *from = to;
            Some(range)
        })
    }

    /// Gives the features of a window, and for each the one or two words (as indexes) that it comes from.
    pub(super) fn features(
        &self,
        window: std::ops::Range<usize>,
        bits: u32,
        mut give: impl FnMut(Group, usize, usize, usize),
    ) {
        for at in window.clone() {
            let word = &self.words[at];
            if word.end > word.first {
                // The space before and after the word belongs to its letters.
                let letters = &self.letters[word.first - 1..=word.end];
                for from in 0..letters.len() - 1 {
                    let mut key = step(KIND_LETTERS, letters[from]);
                    for letter in letters[from + 1..].iter().take(LONGEST_RUN - 1) {
                        key = step(key, *letter);
                        give(Group::Letters, row(key, bits), at, at);
                    }
                }
            }
            give(Group::Words, row(word.key, bits), at, at);
            if at > window.start {
                let two = step(step(KIND_TWO, self.words[at - 1].key), word.key);
                give(Group::Words, row(two, bits), at - 1, at);
            }
            for class in classes(word.classes) {
                give(Group::Meanings, row(step(KIND_MEANING, class), bits), at, at);
            }
            if word.classes != 0 {
                let from = window.start.max(at.saturating_sub(REACH));
                for before in from..at {
                    for one in classes(self.words[before].classes) {
                        for two in classes(word.classes) {
                            let key = step(step(KIND_PAIR, one), two);
                            give(Group::Meanings, row(key, bits), before, at);
                        }
                    }
                }
            }
        }
    }
}

/// The row of a pair of meanings counts half: there are many more pairs than meanings.
pub(super) fn pair_rows(bits: u32, most: u32) -> impl Iterator<Item = usize> {
    (0..most).flat_map(move |one| (0..most).map(move |two| row(step(step(KIND_PAIR, one), two), bits)))
}

const KIND_LETTERS: u32 = 0x811c_9dc5;
const KIND_WORD: u32 = 0x1b87_3593;
const KIND_TWO: u32 = 0xcc9e_2d51;
const KIND_MEANING: u32 = 0xc2b2_ae35;
const KIND_PAIR: u32 = 0x27d4_eb2f;

fn step(key: u32, next: u32) -> u32 {
    (key.rotate_left(7) ^ next).wrapping_mul(0x9e37_79b1)
}

fn row(key: u32, bits: u32) -> usize {
    ((key ^ key >> 15).wrapping_mul(0x85eb_ca6b) >> (32 - bits)) as usize
}

fn classes(mut bits: u32) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        (bits != 0).then(|| {
            let class = bits.trailing_zeros();
            bits &= bits - 1;
            class
        })
    })
}
