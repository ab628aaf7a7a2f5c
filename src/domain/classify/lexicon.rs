//! All words of all rules, found in one pass: whole words by table, parts of words by one automaton.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use crate::domain::text::{BuildQuick, Flag, Token};

/// A set of words that terms speak about: a word group (`a|b|c`) or a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Symbol(u32);

impl Symbol {
    /// One of 128 bits: what a sentence lacks the bit of, it does not hold.
    pub(super) fn mask(self) -> u128 {
        1 << (self.0.wrapping_mul(0x9e37_79b9) >> 25)
    }

    /// Its place in a list.
    pub(super) fn bit(self) -> usize {
        self.0 as usize
    }
}

/// Classes that need no table: what a word is, not what it says.
const BUILT_IN: &[(&str, Option<Flag>)] = &[
    ("number", Some(Flag::Number)),
    ("url", Some(Flag::Url)),
    ("email", Some(Flag::Email)),
    ("emoji", Some(Flag::Emoji)),
    ("mention", Some(Flag::Mention)),
    ("capital", Some(Flag::Capital)),
    ("named", None),
];

/// Whether the product itself gives the class.
pub(super) fn is_built_in(name: &str) -> bool {
    BUILT_IN.iter().any(|(known, _)| *known == name)
}

/// Words that stand in a good part of all comments, most common first: a term is not looked up by them.
const COMMON: &[&str] = &[
    "i", "och", "att", "det", "är", "på", "en", "som", "för", "av", "med", "till", "den", "har", "inte",
    "om", "jag", "de", "vi", "ett", "så", "man", "ni", "var", "kan", "från", "ska", "du", "när", "men",
    "vad", "min", "er", "han", "hon", "hur", "nu", "bara", "alla", "dom", "ut", "upp", "får", "vill",
    "eller", "in", "dig", "mig", "sig", "här", "där", "då", "vid", "finns", "blir", "skulle", "mer", "efter",
    "någon", "sin", "åt", "ner", "hans", "hennes", "din", "honom", "henne", "kommer", "dem", "gör", "går",
    "mycket", "måste", "bra", "hade", "e", "ju", "barn", "kommunen", "folk", "år", "borde", "ta", "mot",
    "nej", "ja", "själv", "tar", "igen", "tack", "hos", "sitt", "sina", "mina", "hela", "varje", "bli",
    "vet", "nog", "ha", "vara", "göra", "gå", "ingen", "inga", "aldrig", "något", "även", "sen", "sedan",
    "utan", "under", "över", "dag",
];

/// What one asterisk inside a word may stand for.
const MASKED_LETTERS: &str = "aoueiyåäöbcdfghjklmnpqrstvwxz";

/// The longest class of words that a compound may multiply.
const LARGEST_COMPOUND: usize = 40_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Part {
    Prefix,
    Suffix,
}

/// Symbols by the words that carry them.
#[derive(Debug, Default)]
pub(super) struct Lexicon {
    classes: BTreeMap<String, Vec<String>>,
    ids: HashMap<String, Symbol>,
    exact: HashMap<String, Vec<Symbol>>,
    /// Groups that hold a built-in class beside their words.
    wider: HashMap<Symbol, Vec<Symbol>>,
    parts: BTreeMap<(Part, String), Vec<Symbol>>,
    /// How often a word of the symbol is to be expected, by the symbol's place.
    common: Vec<u64>,
    maskable: BTreeSet<String>,
    by_length: HashMap<usize, Vec<String>>,
    automaton: Option<AhoCorasick>,
    part_table: Vec<(Part, Vec<Symbol>)>,
    entries: HashMap<String, Arc<Entry>, BuildQuick>,
    leads: Vec<bool>,
}

/// What a word carries.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// Every symbol, sorted.
    pub(super) symbols: Vec<Symbol>,
}

impl Lexicon {
    /// Takes the classes; names that the product itself gives are refused.
    pub(super) fn new(classes: BTreeMap<String, Vec<String>>) -> Result<Self, String> {
        if let Some((name, _)) = BUILT_IN.iter().find(|(name, _)| classes.contains_key(*name)) {
            return Err(format!("the class `{name}` is built in"));
        }
        let mut new = Self { classes, ..Self::default() };
        for (name, _) in BUILT_IN {
            let id = new.next_id();
            new.ids.insert(format!("<{name}>"), id);
            new.common.push(1000);
        }
        Ok(new)
    }

    /// The names of the classes that files give.
    pub(super) fn class_names(&self) -> Vec<&str> {
        self.classes.keys().map(String::as_str).collect()
    }

    fn next_id(&self) -> Symbol {
        Symbol(u32::try_from(self.ids.len()).unwrap_or(u32::MAX))
    }

    /// The symbol of `<named>`, given by the matcher to words that name a person.
    pub(super) fn built_in(&self, name: &str) -> Option<Symbol> {
        self.ids.get(&format!("<{name}>")).copied()
    }

    /// The symbol of a word group or class; makes it when it is new.
    pub(super) fn symbol(&mut self, group: &str) -> Result<Symbol, String> {
        if let Some(known) = self.ids.get(group) {
            return Ok(*known);
        }
        let atoms = self.atoms(group, 0)?;
        let symbol = self.next_id();
        self.ids.insert(group.to_owned(), symbol);
        for atom in atoms {
            self.add(&atom, symbol)?;
        }
        Ok(symbol)
    }

    /// The symbol of all compounds of two groups.
    pub(super) fn compound(&mut self, left: &str, right: &str) -> Result<Symbol, String> {
        let name = format!("{left}&{right}");
        if let Some(known) = self.ids.get(&name) {
            return Ok(*known);
        }
        let (heads, tails) = (self.atoms(left, 0)?, self.atoms(right, 0)?);
        let tails: BTreeSet<_> = tails.iter().flat_map(|tail| forms(tail)).collect();
        if heads.len() * tails.len() > LARGEST_COMPOUND {
            return Err(format!(
                "`{name}` makes {} words, at most {LARGEST_COMPOUND}",
                heads.len() * tails.len()
            ));
        }
        let symbol = self.next_id();
        self.ids.insert(name, symbol);
        for head in &heads {
            let head = head.trim_end_matches('+');
            for tail in &tails {
                self.exact_word(format!("{head}{tail}"), symbol);
            }
        }
        Ok(symbol)
    }

    /// The words of a group, classes followed.
    fn atoms(&self, group: &str, depth: usize) -> Result<Vec<String>, String> {
        if depth > 4 {
            return Err(format!("`{group}`: classes inside classes go too deep"));
        }
        let mut atoms = Vec::new();
        for word in group.split('|') {
            if let Some(name) = word.strip_prefix('<').and_then(|word| word.strip_suffix('>')) {
                if BUILT_IN.iter().any(|(built_in, _)| *built_in == name) {
                    atoms.push(word.to_owned());
                    continue;
                }
                let words = self.classes.get(name).ok_or_else(|| format!("there is no class `{name}`"))?;
                for word in words {
                    atoms.extend(self.atoms(word, depth + 1)?);
                }
            } else if word.is_empty() || word.chars().any(char::is_uppercase) {
                return Err(format!("`{word}` in `{group}` is empty or has a capital letter"));
            } else {
                atoms.push(word.to_owned());
            }
        }
        Ok(atoms)
    }

    /// How often a word that carries the symbol is to be expected; only the order means something.
    pub(super) fn commonness(&self, symbol: Symbol) -> u64 {
        self.common.get(symbol.bit()).copied().unwrap_or_default()
    }

    fn weigh(&mut self, word: &str, symbol: Symbol) {
        let weight = COMMON.iter().position(|common| *common == word).map_or(1, |place| {
            let from_last = u64::try_from(COMMON.len() - place).unwrap_or_default();
            50 + from_last * from_last / 10
        });
        let weight = if word.starts_with('<') { 1000 } else { weight };
        if self.common.len() <= symbol.bit() {
            self.common.resize(symbol.bit() + 1, 0);
        }
        self.common[symbol.bit()] += weight;
    }

    fn add(&mut self, atom: &str, symbol: Symbol) -> Result<(), String> {
        self.weigh(atom, symbol);
        if let Some(built_in) = self.ids.get(atom).filter(|_| atom.starts_with('<')) {
            self.wider.entry(*built_in).or_default().push(symbol);
        } else if let Some(stem) = atom.strip_prefix('*') {
            if stem.trim_end_matches('+').chars().count() < 3 {
                return Err(format!("`{atom}` is too short to be the end of a word"));
            }
            for form in forms(stem) {
                self.parts.entry((Part::Suffix, form)).or_default().push(symbol);
            }
        } else if let Some(stem) = atom.strip_suffix('*') {
            if stem.chars().count() < 3 {
                return Err(format!("`{atom}` is too short to be the start of a word"));
            }
            self.parts.entry((Part::Prefix, stem.to_owned())).or_default().push(symbol);
        } else if atom.contains('*') {
            return Err(format!("`{atom}`: `*` stands first or last"));
        } else {
            for form in forms(atom) {
                self.exact_word(form, symbol);
            }
        }
        Ok(())
    }

    fn exact_word(&mut self, word: String, symbol: Symbol) {
        let symbols = self.exact.entry(word).or_default();
        if !symbols.contains(&symbol) {
            symbols.push(symbol);
        }
    }

    /// Lets these groups' words be recognised with some letters masked (`j*vel`).
    pub(super) fn mask(&mut self, group: &str) {
        for atom in self.atoms(group, 0).unwrap_or_default() {
            if !atom.contains('*') {
                self.maskable.extend(forms(&atom).into_iter().filter(|form| form.chars().count() >= 3));
            }
        }
    }

    /// Builds the automaton; to be called once, after the last term.
    pub(super) fn seal(&mut self) -> Result<(), String> {
        for word in &self.maskable {
            self.by_length.entry(word.chars().count()).or_default().push(word.clone());
        }
        let parts = std::mem::take(&mut self.parts);
        self.automaton = Some(
            AhoCorasick::builder()
                .kind(Some(AhoCorasickKind::DFA))
                .build(parts.keys().map(|(_, text)| text))
                .map_err(|error| error.to_string())?,
        );
        self.part_table = parts.into_iter().map(|((part, _), symbols)| (part, symbols)).collect();
        Ok(())
    }

    /// Freezes the words, once it is known under which symbols terms are filed.
    pub(super) fn index(&mut self, leads: Vec<bool>) {
        self.leads = leads;
        let exact = std::mem::take(&mut self.exact);
        self.entries = exact
            .into_iter()
            .map(|(word, mut symbols)| {
                symbols.sort_unstable();
                symbols.dedup();
                (word, Arc::new(Entry { symbols }))
            })
            .collect();
    }

    /// Whether terms are filed under the symbol.
    pub(super) fn is_lead(&self, symbol: Symbol) -> bool {
        self.leads.get(symbol.bit()).copied().unwrap_or_default()
    }

    /// The expressions of several words in a group: what a space or a hyphen divides in a text.
    pub(super) fn phrases(&self, group: &str) -> Result<Vec<Vec<String>>, String> {
        Ok(self
            .atoms(group, 0)?
            .iter()
            .filter(|atom| atom.contains([' ', '-']) && !atom.contains('*'))
            .map(|atom| {
                atom.split([' ', '-']).filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect()
            })
            .filter(|words: &Vec<String>| !words.is_empty())
            .collect())
    }

    /// Lets a way of writing a word (`nån`) stand wherever the word itself (`någon`) stands.
    pub(super) fn spell(&mut self, spelling: &str, word: &str) {
        for symbol in self.exact.get(word).cloned().unwrap_or_default() {
            self.exact_word(spelling.to_owned(), symbol);
        }
    }

    /// How many symbols there are.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Adds a built-in class's symbol, and those of the groups that hold it.
    pub(super) fn give(&self, built_in: Symbol, out: &mut Vec<Symbol>) {
        out.push(built_in);
        out.extend_from_slice(self.wider.get(&built_in).map(Vec::as_slice).unwrap_or_default());
    }

    /// The word's own entry, and in `out` the symbols that it carries beside, in no order.
    pub(super) fn read(&self, token: &Token, out: &mut Vec<Symbol>) -> Option<Arc<Entry>> {
        for ((_, flag), id) in BUILT_IN.iter().zip(0..).filter(|_| token.is_marked()) {
            if flag.is_some_and(|flag| token.is(flag)) {
                self.give(Symbol(id), out);
            }
        }
        // What an address spells is no word of the writer's.
        if token.is(Flag::Url) || token.is(Flag::Email) {
            return None;
        }
        if token.masked {
            self.unmask(&token.text, out);
            return None;
        }
        self.parts(&token.text, out);
        self.entries.get(token.text.as_str()).cloned()
    }

    /// Whether some rule speaks of exactly this word.
    pub(super) fn knows(&self, word: &str) -> bool {
        self.entries.contains_key(word)
    }

    fn word(&self, word: &str, out: &mut Vec<Symbol>) {
        if let Some(entry) = self.entries.get(word) {
            out.extend_from_slice(&entry.symbols);
        }
        self.parts(word, out);
    }

    fn parts(&self, word: &str, out: &mut Vec<Symbol>) {
        let Some(automaton) = &self.automaton else { return };
        for hit in automaton.find_overlapping_iter(word) {
            let Some((part, symbols)) = self.part_table.get(hit.pattern().as_usize()) else { continue };
            let stands = match part {
                Part::Prefix => hit.start() == 0,
                Part::Suffix => hit.end() == word.len(),
            };
            if stands {
                out.extend_from_slice(symbols);
            }
        }
    }

    fn unmask(&self, word: &str, out: &mut Vec<Symbol>) {
        let letters = word.chars().filter(|ch| *ch != '*').count();
        if letters == 0 {
            return;
        }
        let trimmed = word.trim_matches('*');
        if letters >= 2 && !trimmed.contains('*') {
            // Emphasis (`*inte*`), or a cut end: the word itself is what counts.
            self.word(trimmed, out);
        }
        if word.chars().count() >= 4 && letters + 1 == word.chars().count() && trimmed.len() == word.len() {
            let mut candidate = String::with_capacity(word.len() + 1);
            for letter in MASKED_LETTERS.chars() {
                candidate.clear();
                candidate.extend(word.chars().map(|ch| if ch == '*' { letter } else { ch }));
                if self.knows(&candidate) {
                    self.word(&candidate, out);
                }
            }
            return;
        }
        let Some(candidates) = self.by_length.get(&word.chars().count()) else { return };
        for candidate in candidates {
            let agrees =
                candidate.chars().zip(word.chars()).all(|(full, shown)| shown == '*' || shown == full);
            if agrees && letters * 3 >= word.chars().count() {
                self.word(candidate, out);
            }
        }
    }
}

/// A word with its endings when it ends in `+`, else the word alone; more forms than Swedish has do no harm.
pub(super) fn forms(atom: &str) -> Vec<String> {
    let Some(word) = atom.strip_suffix('+') else { return vec![atom.to_owned()] };
    let mut all = BTreeSet::from([word.to_owned(), format!("{word}s")]);
    let mut add =
        |stem: &str, endings: &[&str]| all.extend(endings.iter().map(|ending| format!("{stem}{ending}")));
    if let Some(stem) = word.strip_suffix('a') {
        add(
            stem,
            &[
                "an", "as", "ans", "or", "ors", "orna", "ornas", "ar", "at", "ad", "ade", "ades", "ande",
                "are",
            ],
        );
    } else if let Some(stem) = word.strip_suffix('e') {
        add(stem, &["en", "ens", "ar", "ars", "arna", "arnas", "et", "a", "es"]);
    } else {
        add(
            word,
            &[
                "n", "en", "ens", "et", "ets", "a", "t", "e", "ar", "ars", "arna", "arnas", "er", "ers",
                "erna",
            ],
        );
        add(word, &["na", "ernas", "are", "aste", "or", "orna"]);
    }
    for ending in ["el", "er", "en"] {
        if let Some(stem) = word.strip_suffix(ending)
            && stem.chars().count() >= 2
        {
            let last = ending.chars().nth(1).unwrap_or('l');
            add(&format!("{stem}{last}"), &["ar", "ars", "arna", "arnas", "a", "as"]);
        }
    }
    all.into_iter().collect()
}
