//! The small language of terms: `idiot+`, `*skalle+`, `<jag> <ska> ..3 <slå>`.
//!
//! | written | matches |
//! |---|---|
//! | `ord` | that word, exactly |
//! | `ord+` | that word with Swedish endings |
//! | `ord*` | words that begin so (prefix of a compound) |
//! | `*ord`, `*ord+` | words that end so (head of a compound), with endings |
//! | `a\|b\|c` | one of them |
//! | `<name>` | a class of words from a `[class]` table, or `<number> <url> <email> <emoji> <named> <capital> <mention>` |
//! | `a&b` | the compound of a word of `a` and one of `b`, written as one word or as two |
//! | `..3` | up to three words between |
//! | `[x]` | `x` or nothing |
//! | `^` `$` | start and end of the sentence |

use super::lexicon::{Lexicon, Symbol};

/// How far a gap may reach; together with [`MOST_GAPS`] it bounds the work of one attempt.
const WIDEST_GAP: usize = 12;

/// How many gaps one term may have.
const MOST_GAPS: usize = 3;

/// One element of a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    /// A word that carries the symbol.
    One(Symbol),
    /// The same, or nothing.
    Optional(Symbol),
    /// Up to so many words of any kind.
    Gap(usize),
    /// The end of the sentence.
    End,
}

/// One way in which a rule can match: always starts with a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// The first word's symbol.
    pub(super) head: Symbol,
    /// True when it must open a sentence.
    pub(super) at_start: bool,
    /// True when it stands for a compound written as two words.
    pub(super) joined: bool,
    /// The symbols of every word that must be there, so that most sentences are refused without a search.
    required: Vec<Symbol>,
    rest: Vec<Element>,
}

impl Pattern {
    /// Parses one term; the error says what is wrong with it.
    pub(super) fn parse(term: &str, lexicon: &mut Lexicon) -> Result<Vec<Self>, String> {
        let mut elements = Vec::new();
        let mut at_start = false;
        let mut gaps = 0;
        let mut compound = None;
        let mut phrases = Vec::new();
        for (place, word) in term.split_whitespace().enumerate() {
            let element = if word == "^" {
                if place != 0 {
                    return Err("`^` must come first".into());
                }
                at_start = true;
                continue;
            } else if word == "$" {
                Element::End
            } else if let Some(width) = word.strip_prefix("..") {
                let width = width.parse().ok().filter(|width| (1..=WIDEST_GAP).contains(width));
                gaps += 1;
                Element::Gap(width.ok_or_else(|| format!("`{word}` is no gap from ..1 to ..{WIDEST_GAP}"))?)
            } else if let Some(inner) = word.strip_prefix('[').and_then(|word| word.strip_suffix(']')) {
                Element::Optional(lexicon.symbol(inner)?)
            } else if let Some((left, right)) = word.split_once('&') {
                let split = (lexicon.symbol(left)?, lexicon.symbol(right)?);
                let one = lexicon.compound(left, right)?;
                compound = Some((elements.len(), split));
                Element::One(one)
            } else {
                for phrase in lexicon.phrases(word)? {
                    let words: Result<Vec<_>, _> =
                        phrase.iter().map(|word| lexicon.symbol(word).map(Element::One)).collect();
                    phrases.push((elements.len(), words?));
                }
                Element::One(lexicon.symbol(word)?)
            };
            elements.push(element);
        }
        if gaps > MOST_GAPS {
            return Err(format!("more than {MOST_GAPS} gaps"));
        }
        let mut found = vec![Self::build(&elements, at_start, false)?];
        // A word group may hold expressions of several words (`sjuk i huvudet`, `p-vakt`): each is a term of its own.
        for (place, words) in phrases {
            let mut longer = elements.clone();
            longer.splice(place..=place, words);
            found.push(Self::build(&longer, at_start, false)?);
        }
        if let Some((place, (left, right))) = compound {
            elements.splice(place..=place, [Element::One(left), Element::One(right)]);
            found.push(Self::build(&elements, at_start, true)?);
        }
        Ok(found)
    }

    fn build(elements: &[Element], at_start: bool, joined: bool) -> Result<Self, String> {
        match elements.split_first() {
            Some((Element::One(head), rest)) => {
                let required = elements
                    .iter()
                    .filter_map(|element| match element {
                        Element::One(symbol) => Some(*symbol),
                        _ => None,
                    })
                    .collect();
                Ok(Self { head: *head, at_start, joined, required, rest: rest.to_vec() })
            }
            Some(_) => Err("a term must start with a word or a class".into()),
            None => Err("the term is empty".into()),
        }
    }

    /// The bits of the rare symbols that it needs, see [`Symbol::mask`].
    pub(super) fn mask(&self, is_lead: impl Fn(Symbol) -> bool) -> u128 {
        self.required.iter().filter(|symbol| is_lead(**symbol)).fold(0, |mask, symbol| mask | symbol.mask())
    }

    /// The symbol that it needs and that the fewest texts hold.
    pub(super) fn rarest(&self, commonness: impl Fn(Symbol) -> u64) -> Symbol {
        self.required.iter().copied().min_by_key(|symbol| commonness(*symbol)).unwrap_or(self.head)
    }

    /// Whether the term stands somewhere in a sentence of at most 63 words; `places` gives the words that carry a
    /// symbol, as bits. All beginnings are followed at once.
    pub(super) fn stands(&self, places: &mut impl FnMut(Symbol) -> u64, words: usize) -> bool {
        let mut now = places(self.head);
        if self.at_start {
            now &= 1;
        }
        now <<= 1;
        for element in &self.rest {
            if now == 0 {
                return false;
            }
            now = match element {
                Element::One(symbol) => (now & places(*symbol)) << 1,
                Element::Optional(symbol) => now | ((now & places(*symbol)) << 1),
                Element::Gap(width) => (0..=*width).fold(0, |reached, skip| reached | now << skip),
                Element::End => now & (1 << words),
            };
        }
        now & ((1 << (words + 1)) - 1) != 0
    }

    /// Tries the term with its first word at `first`; gives the index after its last word.
    pub(super) fn matches(
        &self,
        has: &impl Fn(usize, Symbol) -> bool,
        first: usize,
        end: usize,
    ) -> Option<usize> {
        if !has(first, self.head) {
            return None;
        }
        Self::walk(&self.rest, has, first + 1, end)
    }

    fn walk(rest: &[Element], has: &impl Fn(usize, Symbol) -> bool, at: usize, end: usize) -> Option<usize> {
        let Some((element, rest)) = rest.split_first() else { return Some(at) };
        match element {
            Element::One(symbol) => {
                (at < end && has(at, *symbol)).then(|| Self::walk(rest, has, at + 1, end)).flatten()
            }
            Element::Optional(symbol) => {
                let with =
                    if at < end && has(at, *symbol) { Self::walk(rest, has, at + 1, end) } else { None };
                with.or_else(|| Self::walk(rest, has, at, end))
            }
            Element::Gap(width) => (0..=*width)
                .take_while(|skip| at + skip <= end)
                .find_map(|skip| Self::walk(rest, has, at + skip, end)),
            Element::End => (at == end).then(|| Self::walk(rest, has, at, end)).flatten(),
        }
    }
}
