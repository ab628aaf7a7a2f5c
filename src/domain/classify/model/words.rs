//! What words mean to the model: a list of stems, each with the classes of meaning that it belongs to.
//!
//! A model that has seen a few thousand texts has not seen most words. The list tells it that an unseen word is an
//! invective, a group of people or a weapon; what each class weighs, and what two of them weigh near each other, is
//! learned. The list needs not be exact and finds nothing by itself.

use std::collections::BTreeMap;

/// Letters after a stem that make no new word of it; sorted by [`packed`] when the list is made.
const ENDINGS: &[&str] = &[
    "", "a", "e", "n", "t", "s", "r", "en", "et", "ar", "er", "or", "na", "ne", "de", "at", "as", "te", "an",
    "ens", "ets", "arna", "erna", "orna", "ene", "erne", "ade", "are", "aste", "ast", "arnas", "ernas",
    "ornas", "ad", "ades", "ig", "iga", "igt", "het", "skt", "ska", "sk", "nas", "ande", "ende", "ing",
];

/// Endings that may follow a stem that stands last in a compound.
const SHORT_ENDINGS: &[&[u32]] = &[
    &[],
    &['s' as u32],
    &['n' as u32],
    &['t' as u32],
    &['e' as u32, 't' as u32],
    &['e' as u32, 'n' as u32],
    &['a' as u32, 'r' as u32],
    &['n' as u32, 'a' as u32],
    &['a' as u32, 'r' as u32, 'n' as u32, 'a' as u32],
    &['e' as u32, 'r' as u32],
    &['o' as u32, 'r' as u32],
];

/// Shorter words are not searched for a stem at their end.
const SHORTEST_COMPOUND: usize = 6;

/// No stem is longer.
const LONGEST_STEM: usize = 24;

/// More classes do not fit into one number.
pub(super) const MOST_CLASSES: usize = 32;

const SEED: u32 = 0x9e37_79b9;
const PRIME: u32 = 0x0100_0193;

/// How a stem is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    /// The whole word.
    Exact = 0,
    /// The word's beginning, with an ending after it.
    Inflected = 1,
    /// The word's beginning.
    Prefix = 2,
    /// The word's end.
    Suffix = 3,
}

/// A compiled list of stems.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    /// Key (hash and mode), classes; sorted by key.
    entries: Vec<(u32, Mode, u32)>,
    /// Open addressing over `entries`: index + 1, 0 for empty.
    slots: Vec<u16>,
    endings: Vec<u64>,
}

/// What is wrong with a word list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct WordFault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: &'static str,
}

impl Words {
    /// Reads a list: `[class]`, then words between spaces; `ord` `ord+` `ord*` `*ord`; `#` begins a comment line.
    ///
    /// # Errors
    /// The first line that cannot be read.
    pub(super) fn parse(text: &str) -> Result<Self, WordFault> {
        let mut classes = 0;
        let mut all: BTreeMap<(u32, Mode), u32> = BTreeMap::new();
        for (at, line) in text.lines().enumerate() {
            let fault = |problem| WordFault { line: at + 1, problem };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.starts_with('[') {
                if classes == MOST_CLASSES {
                    return Err(fault("more than 32 classes"));
                }
                classes += 1;
                continue;
            }
            if classes == 0 {
                return Err(fault("words before the first [class]"));
            }
            for word in line.split_whitespace() {
                let (mode, stem) = match (word.strip_prefix('*'), word.strip_suffix('*')) {
                    (Some(_), Some(_)) => return Err(fault("a word with * at both ends")),
                    (Some(stem), None) => (Mode::Suffix, stem.trim_end_matches('+')),
                    (None, Some(stem)) => (Mode::Prefix, stem),
                    (None, None) => match word.strip_suffix('+') {
                        Some(stem) => (Mode::Inflected, stem),
                        None => (Mode::Exact, word),
                    },
                };
                let letters: Vec<u32> = stem.chars().flat_map(char::to_lowercase).map(u32::from).collect();
                if letters.len() < 2 || letters.len() > LONGEST_STEM {
                    return Err(fault("a word has fewer than 2 or more than 24 letters"));
                }
                let key = match mode {
                    Mode::Suffix => hash(letters.iter().rev()),
                    _ => hash(letters.iter()),
                };
                *all.entry((key, mode)).or_default() |= 1 << (classes - 1);
            }
        }
        Ok(Self::new(all.into_iter().map(|((key, mode), classes)| (key, mode, classes)).collect()))
    }

    fn new(mut entries: Vec<(u32, Mode, u32)>) -> Self {
        entries.truncate(usize::from(u16::MAX) - 1);
        let size = (entries.len() * 4).next_power_of_two().max(16);
        let mut slots = vec![0_u16; size];
        for (at, (key, _, _)) in entries.iter().enumerate() {
            let mut slot = spread(*key) & (size - 1);
            while slots[slot] != 0 {
                slot = (slot + 1) & (size - 1);
            }
            slots[slot] = u16::try_from(at + 1).unwrap_or(u16::MAX);
        }
        let mut endings: Vec<u64> =
            ENDINGS.iter().map(|ending| packed(ending.bytes().map(u32::from))).collect();
        endings.sort_unstable();
        Self { entries, slots, endings }
    }

    /// The classes of a word (letters in lower case) as bits.
    pub(super) fn classes(&self, word: &[u32]) -> u32 {
        let mut found = 0;
        let mut key = SEED;
        for (at, letter) in word.iter().take(LONGEST_STEM).enumerate() {
            key = step(key, *letter);
            if at == 0 {
                continue;
            }
            self.with(key, |mode, classes| {
                let rest = &word[at + 1..];
                let fits = match mode {
                    Mode::Exact => rest.is_empty(),
                    Mode::Inflected => {
                        rest.len() <= 5 && self.endings.binary_search(&packed(rest.iter().copied())).is_ok()
                    }
                    Mode::Prefix => true,
                    Mode::Suffix => false,
                };
                if fits {
                    found |= classes;
                }
            });
        }
        if word.len() >= SHORTEST_COMPOUND {
            for ending in SHORT_ENDINGS {
                let Some(base) = word.strip_suffix(*ending) else { continue };
                let mut key = SEED;
                for (at, letter) in base.iter().rev().take(LONGEST_STEM).enumerate() {
                    key = step(key, *letter);
                    // Something must stand before the stem, or it is no compound.
                    if at > 0 && at + 3 <= base.len() {
                        self.with(key, |mode, classes| {
                            if mode == Mode::Suffix {
                                found |= classes;
                            }
                        });
                    }
                }
            }
        }
        found
    }

    fn with(&self, key: u32, mut give: impl FnMut(Mode, u32)) {
        let mask = self.slots.len() - 1;
        let mut slot = spread(key) & mask;
        while let Some(entry) =
            usize::from(self.slots[slot]).checked_sub(1).and_then(|at| self.entries.get(at))
        {
            if entry.0 == key {
                give(entry.1, entry.2);
            }
            slot = (slot + 1) & mask;
        }
    }

    /// The list as bytes, nine for each stem.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.entries.len() * 9);
        for (key, mode, classes) in &self.entries {
            bytes.extend_from_slice(&key.to_le_bytes());
            bytes.push(*mode as u8);
            bytes.extend_from_slice(&classes.to_le_bytes());
        }
        bytes
    }

    /// The list that [`Self::to_bytes`] gave; `None` when the bytes are none.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (entries, rest) = bytes.as_chunks::<9>();
        if !rest.is_empty() || entries.len() >= usize::from(u16::MAX) {
            return None;
        }
        let entries = entries
            .iter()
            .map(|[a, b, c, d, mode, e, f, g, h]| {
                let mode = match mode {
                    0 => Mode::Exact,
                    1 => Mode::Inflected,
                    2 => Mode::Prefix,
                    3 => Mode::Suffix,
                    _ => return None,
                };
                Some((u32::from_le_bytes([*a, *b, *c, *d]), mode, u32::from_le_bytes([*e, *f, *g, *h])))
            })
            .collect::<Option<Vec<_>>>()?;
        Some(Self::new(entries))
    }
}

fn step(key: u32, letter: u32) -> u32 {
    (key ^ letter).wrapping_mul(PRIME).rotate_left(5)
}

fn hash<'a>(letters: impl Iterator<Item = &'a u32>) -> u32 {
    letters.fold(SEED, |key, letter| step(key, *letter))
}

fn spread(key: u32) -> usize {
    (key.wrapping_mul(0x85eb_ca6b) >> 8) as usize
}

/// Up to five letters as one number; letters outside ASCII give a number that no ending has.
fn packed(letters: impl Iterator<Item = u32>) -> u64 {
    letters.fold(1, |sum, letter| sum << 8 | u64::from(if letter < 128 { letter } else { 0 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(word: &str) -> Vec<u32> {
        word.chars().map(u32::from).collect()
    }

    #[test]
    fn each_way_of_writing_a_stem_finds_what_it_says_and_no_more() {
        let words = Words::parse("# list\n[one]\nidiot apa+ skit* *jävel\n[two]\nidiot\n").unwrap();
        for (word, classes) in [
            ("idiot", 0b11),
            ("idioten", 0),
            ("apa", 1),
            ("apans", 0),
            ("apan", 1),
            ("apati", 0),
            ("skitsnack", 1),
            ("bogjävel", 1),
            ("bogjävelns", 0),
            ("bogjäveln", 1),
            ("jävel", 0),
            ("", 0),
            ("a", 0),
        ] {
            assert_eq!(words.classes(&letters(word)), classes, "{word}");
        }
        assert_eq!(Words::from_bytes(&words.to_bytes()), Some(words));
    }

    #[test]
    fn a_bad_list_is_told_with_its_line() {
        for (text, line) in [("idiot", 1), ("[a]\nx", 2), ("[a]\n\n*idiot*", 3)] {
            assert_eq!(Words::parse(text).map_err(|fault| fault.line), Err(line), "{text}");
        }
        assert_eq!(Words::from_bytes(&[0; 8]), None);
        assert_eq!(Words::from_bytes(&[9; 9]), None);
    }
}
