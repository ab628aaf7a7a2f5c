//! Rule files as they are written: classes, spellings, rules, trials; read with their lines, not yet compiled.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use sha2::{Digest, Sha256};
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table};

use super::sheet::{Item, Lined, Sheet, shown, texts};
use super::{About, Answer, Detector, Effect, RuleFault, RuleFile};
use crate::domain::category::Category;
use crate::domain::classify::Band;
use crate::domain::classify::lexicon::is_built_in;
use crate::domain::spelling::suggestion;
use crate::domain::text::Vetted;

/// The tables that a file may hold.
const TABLES: &[&str] = &["class", "undiacritic", "spelling", "rule", "answer", "change", "category"];

const BANDS: &[(&str, Band)] = &[("look", Band::Look), ("obvious", Band::Obvious)];

const EFFECTS: &[(&str, Effect)] =
    &[("stops", Effect::Stops), ("lowers", Effect::Lowers), ("ignored", Effect::Ignored)];

const DETECTORS: &[(&str, Detector)] = &[
    ("personal_number", Detector::PersonalNumber),
    ("phone", Detector::Phone),
    ("email", Detector::Email),
    ("gibberish", Detector::Gibberish),
    ("attachment", Detector::Attachment),
    ("language", Detector::Language),
];

const ANSWERS: &[(&str, Answer)] = &[
    ("asks", Answer::Asks),
    ("view", Answer::View),
    ("rhetorical", Answer::Rhetorical),
    ("to_other", Answer::ToOther),
    ("praise", Answer::Praise),
];

const ABOUT: &[(&str, About)] = &[("people", About::People), ("things", About::Things)];

/// Somebody put it on trial.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shadow {
    /// When somebody means to have judged it.
    pub(super) until: Option<NaiveDate>,
}

/// A rule as it is written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) file: String,
    /// From one of the municipality's own files.
    pub(super) own: bool,
    pub(super) line: usize,
    pub(super) id: String,
    pub(super) version: u32,
    pub(super) category: Category,
    pub(super) band: Band,
    pub(super) confidence: Option<f64>,
    pub(super) terms: Vec<Lined>,
    pub(super) detector: Option<Detector>,
    pub(super) points: Option<u32>,
    pub(super) strong: Vec<Lined>,
    pub(super) cue: Vec<Lined>,
    pub(super) hint: Vec<Lined>,
    pub(super) against: Vec<Lined>,
    pub(super) needs: Vec<Lined>,
    pub(super) also: Vec<Lined>,
    pub(super) with: Vec<Lined>,
    pub(super) across: bool,
    pub(super) near: Option<u32>,
    pub(super) unless: Vec<Lined>,
    pub(super) unless_anywhere: Vec<Lined>,
    pub(super) parent: Vec<Lined>,
    pub(super) unless_parent: Vec<Lined>,
    pub(super) about: Option<About>,
    pub(super) negation: Option<Effect>,
    pub(super) quotation: Option<Effect>,
    pub(super) positive: Option<Effect>,
    pub(super) own_words: Option<Effect>,
    pub(super) examples: Vec<Lined>,
    pub(super) counter_examples: Vec<Lined>,
    pub(super) shadow: Option<Shadow>,
}

/// A rule about answers as it is written.
#[derive(Debug)]
pub(super) struct WrittenAnswer {
    pub(super) file: String,
    pub(super) id: String,
    pub(super) kind: Answer,
    pub(super) terms: Vec<Lined>,
    pub(super) unless: Vec<Lined>,
    pub(super) examples: Vec<Lined>,
    pub(super) counter_examples: Vec<Lined>,
}

/// What a municipality says about a rule without writing it anew.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) id: String,
    pub(super) off: bool,
    pub(super) shadow: Option<Shadow>,
}

/// The words of a class, and where it was begun.
#[derive(Debug, Default)]
pub(super) struct Class {
    pub(super) words: Vec<String>,
    /// Classes that it names: file, line and name.
    refers: Vec<(String, usize, String)>,
}

/// Everything that some files say.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) classes: BTreeMap<String, Class>,
    pub(super) undiacritic: Vetted,
    pub(super) spelling: BTreeMap<String, String>,
    pub(super) rules: Vec<Written>,
    pub(super) answers: Vec<WrittenAnswer>,
    pub(super) changes: Vec<Change>,
    pub(super) categories: BTreeMap<Category, Option<NaiveDate>>,
    canonical: BTreeMap<String, String>,
}

impl Read {
    /// Reads one file; what it says is added, and a rule of the municipality's own takes the place of the product's
    /// with the same id.
    pub(super) fn file(&mut self, file: &RuleFile, faults: &mut Vec<RuleFault>) {
        let mut sheet = Sheet::new(&file.name, &file.text);
        if let Some(tree) = sheet.tree(&file.text) {
            // The text was parsed just now; only what it says counts, not how it looks.
            let canonical = toml::from_str::<Table>(&file.text).map(|table| table.to_string());
            self.canonical.insert(file.key(), canonical.unwrap_or_default());
            for (name, value) in tree.get_ref() {
                self.table(&mut sheet, file.own, name, value);
            }
        }
        faults.append(&mut sheet.faults);
    }

    fn table(
        &mut self,
        sheet: &mut Sheet<'_>,
        own: bool,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) {
        let line = sheet.line(name.span().start);
        match (name.get_ref().as_ref(), value.get_ref()) {
            ("class", DeValue::Table(classes)) => self.classes(sheet, classes),
            ("undiacritic", DeValue::Table(words)) => {
                for (bare, full) in words {
                    let line = sheet.line(bare.span().start);
                    let letters = bare.get_ref().chars().count();
                    match full.get_ref().as_str().filter(|full| full.chars().count() == letters) {
                        Some(full) => {
                            self.undiacritic.insert(bare.get_ref().to_string(), full.to_owned());
                        }
                        None => sheet.fault(
                            line,
                            None,
                            format!("undiacritic `{}` has another number of letters", shown(bare.get_ref())),
                            "give the same word with its dots",
                        ),
                    }
                }
            }
            ("spelling", DeValue::Table(words)) => {
                for (spelling, word) in words {
                    let line = sheet.line(spelling.span().start);
                    match word.get_ref().as_str() {
                        Some(word) => {
                            self.spelling.insert(spelling.get_ref().to_string(), word.to_owned());
                        }
                        None => sheet.fault(
                            line,
                            None,
                            format!("spelling `{}` is no word", shown(spelling.get_ref())),
                            "give the word as the dictionary writes it",
                        ),
                    }
                }
            }
            ("rule", DeValue::Array(_)) => {
                for mut item in items(sheet, value) {
                    let before = sheet.faults.len();
                    let written = Written { own, ..rule(sheet, &mut item) };
                    item.close(sheet);
                    // Where keys are wrong, what they leave behind is only misread.
                    if sheet.faults.len() == before {
                        self.rule(sheet, written);
                    }
                }
            }
            ("answer", DeValue::Array(_)) => {
                for mut item in items(sheet, value) {
                    let before = sheet.faults.len();
                    let written = answer(sheet, &mut item);
                    item.close(sheet);
                    if sheet.faults.len() == before {
                        self.answers.push(written);
                    }
                }
            }
            ("change", DeValue::Array(_)) => {
                for mut item in items(sheet, value) {
                    let before = sheet.faults.len();
                    let change = change(sheet, &mut item);
                    item.close(sheet);
                    if sheet.faults.len() == before {
                        self.changes.push(change);
                    }
                }
            }
            ("category", DeValue::Table(categories)) => self.trials(sheet, categories),
            (known, _) if TABLES.contains(&known) => sheet.fault(
                line,
                None,
                format!("`{known}` is ill-formed"),
                "write [class], [undiacritic], [spelling], [category.…], [[rule]], [[answer]] or [[change]]",
            ),
            (other, _) => {
                let remedy = suggestion(other, TABLES).unwrap_or_else(|| {
                    "use [class], [undiacritic], [spelling], [category.…], [[rule]], [[answer]], [[change]]".into()
                });
                sheet.fault(line, None, format!("there is no key `{}` in a rule file", shown(other)), remedy);
            }
        }
    }

    fn classes(&mut self, sheet: &mut Sheet<'_>, classes: &DeTable<'_>) {
        for (name, value) in classes {
            let line = sheet.line(name.span().start);
            let name = name.get_ref().to_string();
            if is_built_in(&name) {
                sheet.fault(line, None, format!("the class `{name}` is built in"), "give it another name");
                continue;
            }
            let words = texts(sheet, None, &name, value);
            let class = self.classes.entry(name).or_default();
            for word in words {
                match word.text.strip_prefix('<').and_then(|word| word.strip_suffix('>')) {
                    Some(other) => {
                        class.refers.push((sheet.file.to_owned(), word.line, other.to_owned()));
                    }
                    None if word.text.trim().is_empty() || word.text.chars().any(char::is_uppercase) => {
                        sheet.fault(
                            word.line,
                            None,
                            format!("`{}` is empty or has a capital letter", shown(&word.text)),
                            "write it in small letters: texts are read without capitals",
                        );
                    }
                    None => {}
                }
                class.words.push(word.text);
            }
        }
    }

    /// Adds a rule; one of the municipality's own goes in the place of the product's.
    fn rule(&mut self, sheet: &mut Sheet<'_>, written: Written) {
        match self.rules.iter_mut().find(|rule| rule.id == written.id) {
            Some(known) if written.own && !known.own => *known = written,
            Some(known) => {
                let first = format!("{}:{}", known.file, known.line);
                sheet.fault(
                    written.line,
                    Some(&written.id),
                    format!("the id is taken by another rule ({first})"),
                    "give it an id of its own",
                );
            }
            None => self.rules.push(written),
        }
    }

    fn trials(&mut self, sheet: &mut Sheet<'_>, categories: &DeTable<'_>) {
        let known: Vec<&str> = Category::ALL.iter().map(|category| category.code()).collect();
        for (name, value) in categories {
            let line = sheet.line(name.span().start);
            let code = name.get_ref();
            let (Ok(category), Some(table)) = (code.parse::<Category>(), value.get_ref().as_table()) else {
                let remedy = suggestion(code, &known)
                    .unwrap_or_else(|| format!("write [category.CODE]; the codes are {}", known.join(", ")));
                sheet.fault(line, None, format!("there is no category `{}`", shown(code)), remedy);
                continue;
            };
            let mut item = Item::new(None, line, table);
            let trial = trial(sheet, &mut item);
            item.close(sheet);
            if trial.is_some() && category.is_danger() {
                sheet.fault(
                    line,
                    None,
                    format!("`{code}` may mean danger to somebody and is never put on trial as a whole"),
                    "put single rules on trial with [[change]]: the others then still call a person",
                );
            } else if let Some(trial) = trial {
                self.categories.insert(category, trial.until);
            }
        }
    }

    /// What can only be seen when every file has been read: classes that do not exist, changes of unknown rules.
    pub(super) fn settle(&mut self, faults: &mut Vec<RuleFault>) {
        let names: Vec<&str> = self.classes.keys().map(String::as_str).collect();
        for (file, line, name) in self.classes.values().flat_map(|class| &class.refers) {
            if !is_built_in(name) && !self.classes.contains_key(name) {
                faults.push(RuleFault {
                    file: file.clone(),
                    line: Some(*line),
                    rule: None,
                    problem: format!("there is no class `{}`", shown(name)),
                    remedy: suggestion(name, &names).unwrap_or_else(|| "write it under [class]".into()),
                });
            }
        }
        let mut off = BTreeSet::new();
        for change in std::mem::take(&mut self.changes) {
            let ids: Vec<&str> = self
                .rules
                .iter()
                .map(|rule| rule.id.as_str())
                .chain(super::BUILT_IN.iter().copied())
                .collect();
            if !ids.contains(&change.id.as_str()) {
                let remedy = suggestion(&change.id, &ids)
                    .unwrap_or_else(|| "`uppsikt rules list` names every rule".into());
                faults.push(RuleFault {
                    file: change.file,
                    line: Some(change.line),
                    rule: None,
                    problem: format!("there is no rule `{}` to change", shown(&change.id)),
                    remedy,
                });
                continue;
            }
            match self.rules.iter_mut().find(|rule| rule.id == change.id) {
                Some(rule) if change.shadow.is_some() => rule.shadow = change.shadow,
                Some(_) => {}
                None => {
                    self.changes.push(Change { file: change.file.clone(), id: change.id.clone(), ..change });
                }
            }
            if change.off {
                off.insert(change.id);
            }
        }
        self.rules.retain(|rule| !off.contains(&rule.id));
    }

    /// A short hash of what the files say.
    pub(super) fn version(&self) -> String {
        let mut hash = Sha256::new();
        for (file, content) in &self.canonical {
            for part in [file, content] {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part.as_bytes());
            }
        }
        hex::encode(&hash.finalize()[..6])
    }
}

fn items<'a, 'd>(sheet: &mut Sheet<'_>, value: &'a Spanned<DeValue<'d>>) -> Vec<Item<'a, 'd>> {
    let Some(array) = value.get_ref().as_array() else { return Vec::new() };
    let mut all = Vec::with_capacity(array.len());
    for (place, one) in array.iter().enumerate() {
        let line = sheet.line(one.span().start);
        let Some(table) = one.get_ref().as_table() else {
            sheet.fault(
                line,
                None,
                "is no table",
                "write [[rule]] on a line of its own and the keys below it",
            );
            continue;
        };
        let id = table.get("id").and_then(|id| id.get_ref().as_str());
        let name = id.map_or_else(|| format!("no. {}", place + 1), ToOwned::to_owned);
        all.push(Item::new(Some(name), line, table));
    }
    all
}

/// An id: it stands in evidence, letters and commands.
fn id(sheet: &mut Sheet<'_>, item: &mut Item<'_, '_>) -> String {
    item.lacks(sheet, "id", "give it a name of its own: id = \"egen-glassbilen\"");
    let Some(id) = item.text(sheet, "id") else { return String::new() };
    let fits = |ch: char| ch.is_ascii_lowercase() || ch.is_ascii_digit() || ch == '-' || ch == '_';
    if id.text.is_empty() || id.text.len() > 60 || !id.text.chars().all(fits) {
        item.fault(
            sheet,
            id.line,
            format!("`{}` is no id", shown(&id.text)),
            "use a to z, digits, - and _, at most 60 of them",
        );
    }
    id.text
}

fn rule(sheet: &mut Sheet<'_>, item: &mut Item<'_, '_>) -> Written {
    let categories: Vec<_> = Category::ALL.iter().map(|category| (category.code(), *category)).collect();
    let id = id(sheet, item);
    item.lacks(sheet, "version", "write version = 1, and raise it when the rule finds other things");
    item.lacks(sheet, "category", "write which category of the guideline it finds: category = \"insult\"");
    item.lacks(sheet, "band", "write band = \"look\": a person looks at what it finds");
    Written {
        file: sheet.file.to_owned(),
        own: false,
        line: item.line,
        id,
        version: item.number(sheet, "version", 1..=1_000_000).unwrap_or(1),
        category: item.word(sheet, "category", &categories).unwrap_or(Category::OffTopic),
        band: item.word(sheet, "band", BANDS).unwrap_or(Band::Look),
        confidence: item.share(sheet, "confidence"),
        terms: item.list(sheet, "terms"),
        detector: item.word(sheet, "detector", DETECTORS),
        points: item.number(sheet, "points", 1..=1000),
        strong: item.list(sheet, "strong"),
        cue: item.list(sheet, "cue"),
        hint: item.list(sheet, "hint"),
        against: item.list(sheet, "against"),
        needs: item.list(sheet, "needs"),
        also: item.list(sheet, "also"),
        with: item.list(sheet, "with"),
        across: item.boolean(sheet, "across").unwrap_or_default(),
        near: item.number(sheet, "near", 0..=60),
        unless: item.list(sheet, "unless"),
        unless_anywhere: item.list(sheet, "unless_anywhere"),
        parent: item.list(sheet, "parent"),
        unless_parent: item.list(sheet, "unless_parent"),
        about: item.word(sheet, "about", ABOUT),
        negation: item.word(sheet, "negation", EFFECTS),
        quotation: item.word(sheet, "quotation", EFFECTS),
        positive: item.word(sheet, "positive", EFFECTS),
        own_words: item.word(sheet, "own", EFFECTS),
        examples: item.list(sheet, "match"),
        counter_examples: item.list(sheet, "no_match"),
        shadow: trial(sheet, item),
    }
}

fn answer(sheet: &mut Sheet<'_>, item: &mut Item<'_, '_>) -> WrittenAnswer {
    let id = id(sheet, item);
    item.lacks(sheet, "kind", "write what it says about an answer: kind = \"asks\"");
    item.lacks(sheet, "terms", "write what it is known by: terms = [\"…\"]");
    WrittenAnswer {
        file: sheet.file.to_owned(),
        id,
        kind: item.word(sheet, "kind", ANSWERS).unwrap_or_default(),
        terms: item.list(sheet, "terms"),
        unless: item.list(sheet, "unless"),
        examples: item.list(sheet, "match"),
        counter_examples: item.list(sheet, "no_match"),
    }
}

fn change(sheet: &mut Sheet<'_>, item: &mut Item<'_, '_>) -> Change {
    let id = id(sheet, item);
    let off = item.boolean(sheet, "off").unwrap_or_default();
    let shadow = trial(sheet, item);
    if off == shadow.is_some() {
        item.fault(
            sheet,
            item.line,
            "changes nothing, or two things",
            "write shadow = true (it decides and nothing follows) or off = true (it is not asked)",
        );
    }
    Change { file: sheet.file.to_owned(), line: item.line, id, off, shadow }
}

/// `shadow = true`, and perhaps until when somebody means to have judged it.
fn trial(sheet: &mut Sheet<'_>, item: &mut Item<'_, '_>) -> Option<Shadow> {
    let shadow = item.boolean(sheet, "shadow");
    let until = item.date(sheet, "until");
    if until.is_some() && shadow != Some(true) {
        let line = item.line_of(sheet, "until");
        item.fault(sheet, line, "`until` without `shadow = true`", "write both, or neither");
    }
    (shadow == Some(true)).then_some(Shadow { until })
}
