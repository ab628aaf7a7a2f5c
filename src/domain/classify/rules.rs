//! Rules as data: files → a checked, compiled set.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use toml::{Table, Value};

use super::Band;
use super::lexicon::{Lexicon, Symbol};
use super::model::Model;
use super::pattern::Pattern;
use crate::domain::category::Category;
use crate::domain::text::Vetted;

/// What is wrong with a rule file, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFault {
    /// The file's name, as given to [`RuleSet::load`].
    pub file: String,
    /// The rule's id, or its place in the file; `None` when it is the file itself.
    pub rule: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What helps.
    pub remedy: String,
}

impl fmt::Display for RuleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(rule) = &self.rule {
            write!(f, ", rule `{rule}`")?;
        }
        write!(f, ": {}; {}", self.problem, self.remedy)
    }
}

impl std::error::Error for RuleFault {}

/// What a negation, a quotation or praise round the words does to a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Effect {
    /// No finding.
    Stops,
    /// A finding that a person looks at.
    Lowers,
    /// Nothing.
    Ignored,
}

/// What code finds and words cannot; named by `detector` in a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Detector {
    /// Personal numbers, coordination numbers and interim numbers.
    PersonalNumber,
    /// Telephone numbers of private persons.
    Phone,
    /// E-mail addresses of private persons.
    Email,
    /// Key mashing and walls of one character.
    Gibberish,
    /// Attachments without text that can be read.
    Attachment,
    /// Languages that the rules do not cover.
    Language,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    version: u32,
    category: Category,
    band: Band,
    confidence: Option<f64>,
    #[serde(default)]
    terms: Vec<String>,
    detector: Option<Detector>,
    points: Option<i32>,
    #[serde(default)]
    strong: Vec<String>,
    #[serde(default)]
    cue: Vec<String>,
    #[serde(default)]
    hint: Vec<String>,
    #[serde(default)]
    against: Vec<String>,
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    also: Vec<String>,
    #[serde(default)]
    with: Vec<String>,
    #[serde(default)]
    across: bool,
    near: Option<usize>,
    #[serde(default)]
    unless: Vec<String>,
    #[serde(default)]
    unless_anywhere: Vec<String>,
    #[serde(default)]
    parent: Vec<String>,
    #[serde(default)]
    unless_parent: Vec<String>,
    negation: Option<Effect>,
    quotation: Option<Effect>,
    positive: Option<Effect>,
    own: Option<Effect>,
    #[serde(rename = "match", default)]
    examples: Vec<String>,
    #[serde(rename = "no_match", default)]
    counter_examples: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAnswer {
    id: String,
    kind: Answer,
    terms: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
    #[serde(rename = "match", default)]
    examples: Vec<String>,
    #[serde(rename = "no_match", default)]
    counter_examples: Vec<String>,
}

/// What a sentence says about an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// Asks, whatever mark ends it.
    #[default]
    Asks,
    /// A point of view or a request put to the municipality.
    View,
    /// Looks like a question and is none.
    Rhetorical,
    /// Speaks to another visitor.
    ToOther,
    /// Praise, thanks, greetings.
    Praise,
}

/// Groups of terms and what each group is worth.
pub(super) type Signs = Vec<(i32, Vec<Pattern>)>;

/// A compiled rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) version: u32,
    pub(super) category: Category,
    pub(super) band: Band,
    pub(super) confidence: f64,
    /// How many points the signs of a comment must reach together; 0: every term counts by itself.
    pub(super) points: i32,
    /// What each group of signs is worth.
    pub(super) signs: Signs,
    pub(super) needs: Vec<Symbol>,
    pub(super) also: Vec<Pattern>,
    /// Each of these groups must have one term in the same sentence, in any order.
    pub(super) with: Vec<Vec<Pattern>>,
    /// Whether `with` may stand in the sentence before or after.
    pub(super) across: bool,
    pub(super) near: usize,
    pub(super) unless: Vec<Pattern>,
    pub(super) unless_anywhere: Vec<Pattern>,
    /// One of these must stand in the comment that is answered or in the post.
    pub(super) parent: Vec<Pattern>,
    /// None of these may stand there.
    pub(super) unless_parent: Vec<Pattern>,
    pub(super) negation: Effect,
    pub(super) quotation: Effect,
    pub(super) positive: Effect,
    pub(super) own: Effect,
    pub(super) file: String,
    examples: Vec<String>,
    counter_examples: Vec<String>,
}

/// A compiled rule about answers.
#[derive(Debug)]
pub(super) struct AnswerRule {
    pub(super) id: String,
    pub(super) kind: Answer,
    pub(super) unless: Vec<Pattern>,
    pub(super) file: String,
    pub(super) examples: Vec<String>,
    pub(super) counter_examples: Vec<String>,
}

/// The words that the grammar itself needs.
#[derive(Debug)]
pub(super) struct Grammar {
    pub(super) negation: Symbol,
    pub(super) positive: Symbol,
    pub(super) first_person: Symbol,
    pub(super) being: Symbol,
    pub(super) first_name: Symbol,
    pub(super) surname: Symbol,
    pub(super) named: Symbol,
    pub(super) staff: Symbol,
    pub(super) report: Symbol,
}

/// Every rule, checked and compiled.
#[derive(Debug)]
pub struct RuleSet {
    pub(super) rules: Vec<Rule>,
    pub(super) answers: Vec<AnswerRule>,
    /// Every term, and the place of its rule.
    pub(super) terms: Vec<(usize, Pattern)>,
    /// The terms' places by the rarest symbol that each of them needs.
    pub(super) triggers: Vec<Vec<usize>>,
    /// The same of the terms about answers.
    pub(super) answer_terms: Vec<(usize, Pattern)>,
    pub(super) answer_triggers: Vec<Vec<usize>>,
    /// The bits that a sentence must have for a term to be possible in it.
    pub(super) term_masks: Vec<u128>,
    pub(super) answer_masks: Vec<u128>,
    /// What code finds, and the place of its rule.
    pub(super) detectors: Vec<(usize, Detector)>,
    pub(super) lexicon: Lexicon,
    pub(super) undiacritic: Vetted,
    pub(super) grammar: Grammar,
    version: String,
    model: Option<Arc<Model>>,
}

const FILES: &[(&str, &str)] = &[
    ("words.toml", include_str!("../../../config/rules/words.toml")),
    ("danger_words.toml", include_str!("../../../config/rules/danger_words.toml")),
    ("danger_signs.toml", include_str!("../../../config/rules/danger_signs.toml")),
    ("answer.toml", include_str!("../../../config/rules/answer.toml")),
    ("child_abuse.toml", include_str!("../../../config/rules/child_abuse.toml")),
    ("child_at_risk.toml", include_str!("../../../config/rules/child_at_risk.toml")),
    ("commercial.toml", include_str!("../../../config/rules/commercial.toml")),
    ("copyright.toml", include_str!("../../../config/rules/copyright.toml")),
    ("defamation.toml", include_str!("../../../config/rules/defamation.toml")),
    ("gossip_lies.toml", include_str!("../../../config/rules/gossip_lies.toml")),
    ("harassment.toml", include_str!("../../../config/rules/harassment.toml")),
    ("hate.toml", include_str!("../../../config/rules/hate.toml")),
    ("incitement.toml", include_str!("../../../config/rules/incitement.toml")),
    ("individual_case.toml", include_str!("../../../config/rules/individual_case.toml")),
    ("insult.toml", include_str!("../../../config/rules/insult.toml")),
    ("off_topic.toml", include_str!("../../../config/rules/off_topic.toml")),
    ("ongoing_crime.toml", include_str!("../../../config/rules/ongoing_crime.toml")),
    ("personal_data.toml", include_str!("../../../config/rules/personal_data.toml")),
    ("political.toml", include_str!("../../../config/rules/political.toml")),
    ("pornography.toml", include_str!("../../../config/rules/pornography.toml")),
    ("profanity.toml", include_str!("../../../config/rules/profanity.toml")),
    ("secrecy.toml", include_str!("../../../config/rules/secrecy.toml")),
    ("self_harm.toml", include_str!("../../../config/rules/self_harm.toml")),
    ("sexist.toml", include_str!("../../../config/rules/sexist.toml")),
    ("spam_troll.toml", include_str!("../../../config/rules/spam_troll.toml")),
    ("threat.toml", include_str!("../../../config/rules/threat.toml")),
    ("unreadable.toml", include_str!("../../../config/rules/unreadable.toml")),
    ("violence_depiction.toml", include_str!("../../../config/rules/violence_depiction.toml")),
];

impl RuleSet {
    /// The rules that the program carries with it; no language model is heard beside them unless [`Self::with_model`]
    /// is asked to.
    ///
    /// # Panics
    /// When they have a fault, which a test excludes.
    #[expect(
        clippy::panic,
        reason = "a test loads the embedded rules; a program without its rules must not start"
    )]
    pub fn embedded() -> Self {
        Self::load(FILES).unwrap_or_else(|faults| {
            let list: Vec<_> = faults.iter().map(ToString::to_string).collect();
            panic!("the embedded rules have faults:\n{}", list.join("\n"))
        })
    }

    /// The embedded files, name and content: what a municipality starts from.
    pub fn embedded_files() -> &'static [(&'static str, &'static str)] {
        FILES
    }

    /// Reads and compiles rule files; every fault found is given, not only the first.
    #[expect(
        clippy::too_many_lines,
        reason = "one rule's keys, checked and compiled in the order of the file"
    )]
    pub fn load(files: &[(&str, &str)]) -> Result<Self, Vec<RuleFault>> {
        let mut faults = Vec::new();
        let mut read = Read::default();
        for (file, text) in files {
            read.file(file, text, &mut faults);
        }
        let version = read.version();
        let lexicon = Lexicon::new(std::mem::take(&mut read.classes))
            .map_err(|problem| vec![fault("(classes)", None, &problem, "rename it")]);
        let mut lexicon = match lexicon {
            Ok(lexicon) => lexicon,
            Err(more) => return Err(faults.into_iter().chain(more).collect()),
        };
        let Some(grammar) = Grammar::find(&mut lexicon, &mut faults) else { return Err(faults) };
        let (mut terms, mut detectors) = (Vec::new(), Vec::new());
        let mut rules = Vec::new();
        let mut ids = BTreeSet::new();
        for (file, written) in read.rules {
            let before = faults.len();
            let mut complain = |problem: String, remedy: &str| {
                faults.push(fault(&file, Some(&written.id), &problem, remedy));
            };
            if !ids.insert(written.id.clone()) {
                complain("the id is taken by another rule".into(), "give it an id of its own");
            }
            let sources = [!written.terms.is_empty(), written.detector.is_some(), written.points.is_some()];
            if sources.iter().filter(|given| **given).count() != 1 {
                complain(
                    "has none or several of `terms`, `detector` and `points`".into(),
                    "give it exactly one of them",
                );
            }
            let has_signs = !(written.strong.is_empty() && written.cue.is_empty());
            if written.points.is_some_and(|points| points < 1) || written.points.is_some() != has_signs {
                complain(
                    "`points` and its signs do not go together".into(),
                    "give `points` from 1 and some `strong` or `cue`, or none of them",
                );
            }
            if written.examples.is_empty() || written.counter_examples.is_empty() {
                complain(
                    "lacks examples".into(),
                    "write at least one sentence each in `match` and `no_match`",
                );
            }
            if written.version == 0 || written.confidence.is_some_and(|given| !(0.0..=1.0).contains(&given)) {
                complain("version or confidence out of range".into(), "version from 1, confidence 0 to 1");
            }
            let mut parse = |terms: &[String], what: &str| -> Vec<Pattern> {
                let mut all = Vec::new();
                for term in terms {
                    match Pattern::parse(term, &mut lexicon) {
                        Ok(patterns) => all.extend(patterns),
                        Err(problem) => {
                            complain(
                                format!("{what} `{term}`: {problem}"),
                                "see the table of the language in config/rules/README.md",
                            );
                        }
                    }
                }
                all
            };
            let patterns = parse(&written.terms, "term");
            let also = parse(&written.also, "also");
            let unless = parse(&written.unless, "unless");
            let unless_anywhere = parse(&written.unless_anywhere, "unless_anywhere");
            let parent = parse(&written.parent, "parent");
            let unless_parent = parse(&written.unless_parent, "unless_parent");
            let with = written.with.iter().map(|term| parse(std::slice::from_ref(term), "with")).collect();
            let mut signs = Vec::new();
            for (worth, groups) in
                [(3, &written.strong), (2, &written.cue), (1, &written.hint), (-3, &written.against)]
            {
                signs.extend(groups.iter().map(|term| (worth, parse(std::slice::from_ref(term), "sign"))));
            }
            let mut needs = Vec::new();
            for need in &written.needs {
                match lexicon.symbol(&format!("<{need}>")) {
                    Ok(symbol) => needs.push(symbol),
                    Err(problem) => {
                        complain(format!("needs `{need}`: {problem}"), "name a class of words.toml");
                    }
                }
            }
            if faults.len() > before {
                continue;
            }
            if matches!(
                written.category,
                Category::Insult | Category::Profanity | Category::Hate | Category::Sexist
            ) {
                for word in written.terms.iter().filter(|term| !term.contains(' ')) {
                    lexicon.mask(word);
                }
            }
            let index = rules.len();
            terms.extend(patterns.into_iter().map(|pattern| (index, pattern)));
            // Without a strong sign there is no reason to add up the rest.
            let leading = signs.iter().filter(|(worth, _)| *worth >= 3).flat_map(|(_, patterns)| patterns);
            terms.extend(leading.map(|pattern| (index, pattern.clone())));
            detectors.extend(written.detector.map(|detector| (index, detector)));
            let others = [also, unless, unless_anywhere, parent, unless_parent];
            rules.push(Rule::new(file, written, needs, (with, signs), others));
        }
        lexicon.mask("<swear>");
        lexicon.mask("<insult_noun>");
        let (answers, answer_terms) = compile_answers(read.answers, &mut lexicon, &mut faults);
        for (spelling, word) in &read.spelling {
            lexicon.spell(spelling, word);
        }
        if let Err(problem) = lexicon.seal() {
            faults.push(fault("(all)", None, &problem, "use fewer or shorter parts of words"));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let triggers = file_under_rarest(&terms, &lexicon);
        let answer_triggers = file_under_rarest(&answer_terms, &lexicon);
        let leads = triggers.iter().zip(&answer_triggers);
        lexicon.index(leads.map(|(one, two)| !(one.is_empty() && two.is_empty())).collect());
        let masks = |terms: &[(usize, Pattern)]| {
            terms.iter().map(|(_, pattern)| pattern.mask(|symbol| lexicon.is_lead(symbol))).collect()
        };
        let (term_masks, answer_masks) = (masks(&terms), masks(&answer_terms));
        Ok(Self {
            rules,
            answers,
            terms,
            triggers,
            answer_terms,
            answer_triggers,
            term_masks,
            answer_masks,
            detectors,
            lexicon,
            undiacritic: read.undiacritic,
            grammar,
            version,
            model: None,
        })
    }

    /// The same rules with a language model beside them; it becomes part of [`Self::version`].
    #[must_use]
    pub fn with_model(mut self, model: Arc<Model>) -> Self {
        let rules = self.version.split('+').next().unwrap_or_default();
        self.version = format!("{rules}+{}", &model.hash()[..8]);
        self.model = Some(model);
        self
    }

    /// The language model that is heard beside the rules.
    pub fn model(&self) -> Option<&Model> {
        self.model.as_deref()
    }

    /// A short hash of what the rules say, and after a `+` that of the model; comments and spaces in the files do not
    /// change it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The ids of all rules with their versions and categories, in the files' order.
    pub fn rules(&self) -> impl Iterator<Item = (&str, u32, Category)> {
        self.rules.iter().map(|rule| (rule.id.as_str(), rule.version, rule.category))
    }

    pub(super) fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// Runs every rule's own examples: `match` must be found by that rule, `no_match` must not.
    pub fn check_examples(&self) -> Vec<RuleFault> {
        let mut faults = Vec::new();
        for rule in &self.rules {
            let cases = rule.examples.iter().map(|text| (text, true));
            for (text, expected) in cases.chain(rule.counter_examples.iter().map(|text| (text, false))) {
                if super::scan::fires(self, rule, text) != expected {
                    let problem =
                        if expected { "does not find its own example" } else { "finds its counter-example" };
                    let remedy = "change the rule, or the example if it is the example that is wrong";
                    faults.push(fault(&rule.file, Some(&rule.id), &format!("{problem} `{text}`"), remedy));
                }
            }
        }
        for rule in &self.answers {
            let cases = rule.examples.iter().map(|text| (text, true));
            for (text, expected) in cases.chain(rule.counter_examples.iter().map(|text| (text, false))) {
                if super::answer::fires(self, rule, text) != expected {
                    let problem =
                        format!("should {}be found in `{text}`", if expected { "" } else { "not " });
                    faults.push(fault(
                        &rule.file,
                        Some(&rule.id),
                        &problem,
                        "change the rule or the example",
                    ));
                }
            }
        }
        faults
    }
}

impl Rule {
    fn new(
        file: String,
        written: Written,
        needs: Vec<Symbol>,
        (with, signs): (Vec<Vec<Pattern>>, Signs),
        [also, unless, unless_anywhere, parent, unless_parent]: [Vec<Pattern>; 5],
    ) -> Self {
        let default = if written.category.is_danger() { Effect::Lowers } else { Effect::Stops };
        Self {
            confidence: written.confidence.unwrap_or(if written.band == Band::Obvious { 0.95 } else { 0.6 }),
            id: written.id,
            version: written.version,
            category: written.category,
            band: written.band,
            points: written.points.unwrap_or_default(),
            signs,
            needs,
            also,
            with,
            across: written.across,
            near: written.near.unwrap_or(usize::MAX),
            unless,
            unless_anywhere,
            parent,
            unless_parent,
            negation: written.negation.unwrap_or(Effect::Ignored),
            quotation: written.quotation.unwrap_or(default),
            positive: written.positive.unwrap_or(Effect::Ignored),
            own: written.own.unwrap_or(Effect::Ignored),
            file,
            examples: written.examples,
            counter_examples: written.counter_examples,
        }
    }
}

impl Grammar {
    fn find(lexicon: &mut Lexicon, faults: &mut Vec<RuleFault>) -> Option<Self> {
        let mut class = |name: &str| match lexicon.symbol(&format!("<{name}>")) {
            Ok(symbol) => Some(symbol),
            Err(problem) => {
                faults.push(fault("words.toml", None, &problem, "the grammar needs this class: put it back"));
                None
            }
        };
        let (negation, positive) = (class("negation"), class("positive"));
        let (first_person, being) = (class("first_person"), class("being"));
        let (first_name, surname, staff) = (class("first_name"), class("surname"), class("staff"));
        let report = class("report");
        Some(Self {
            report: report?,
            negation: negation?,
            positive: positive?,
            first_person: first_person?,
            being: being?,
            first_name: first_name?,
            surname: surname?,
            staff: staff?,
            named: lexicon.built_in("named")?,
        })
    }
}

fn compile_answers(
    written: Vec<(String, WrittenAnswer)>,
    lexicon: &mut Lexicon,
    faults: &mut Vec<RuleFault>,
) -> (Vec<AnswerRule>, Vec<(usize, Pattern)>) {
    let (mut all, mut every) = (Vec::new(), Vec::new());
    for (file, answer) in written {
        let mut parse = |terms: &[String]| {
            let mut patterns = Vec::new();
            for term in terms {
                match Pattern::parse(term, lexicon) {
                    Ok(more) => patterns.extend(more),
                    Err(problem) => faults.push(fault(
                        &file,
                        Some(&answer.id),
                        &format!("term `{term}`: {problem}"),
                        "correct the term",
                    )),
                }
            }
            patterns
        };
        let (patterns, unless) = (parse(&answer.terms), parse(&answer.unless));
        let (examples, counter_examples) = (answer.examples, answer.counter_examples);
        let index = all.len();
        every.extend(patterns.into_iter().map(|pattern| (index, pattern)));
        all.push(AnswerRule { id: answer.id, kind: answer.kind, unless, file, examples, counter_examples });
    }
    (all, every)
}

/// For every symbol the places of the terms of which it is the rarest.
fn file_under_rarest(terms: &[(usize, Pattern)], lexicon: &Lexicon) -> Vec<Vec<usize>> {
    let mut filed = vec![Vec::new(); lexicon.len()];
    for (place, (_, pattern)) in terms.iter().enumerate() {
        filed[pattern.rarest(|symbol| lexicon.commonness(symbol)).bit()].push(place);
    }
    filed
}

#[derive(Default)]
struct Read {
    classes: BTreeMap<String, Vec<String>>,
    undiacritic: Vetted,
    spelling: BTreeMap<String, String>,
    rules: Vec<(String, Written)>,
    answers: Vec<(String, WrittenAnswer)>,
    canonical: BTreeMap<String, String>,
}

impl Read {
    fn file(&mut self, file: &str, text: &str, faults: &mut Vec<RuleFault>) {
        let table: Table = match toml::from_str(text) {
            Ok(table) => table,
            Err(error) => {
                faults.push(fault(file, None, &error.to_string(), "correct the TOML"));
                return;
            }
        };
        self.canonical.insert(file.to_owned(), table.to_string());
        for (key, value) in table {
            match (key.as_str(), value) {
                ("class", Value::Table(classes)) => {
                    for (name, words) in classes {
                        let Ok(words) = words.try_into::<Vec<String>>() else {
                            faults.push(fault(
                                file,
                                None,
                                &format!("class `{name}` is no list of words"),
                                "write [\"…\"]",
                            ));
                            continue;
                        };
                        self.classes.entry(name).or_default().extend(words);
                    }
                }
                ("undiacritic", Value::Table(words)) => {
                    for (bare, full) in words {
                        match full.as_str().filter(|full| full.chars().count() == bare.chars().count()) {
                            Some(full) => drop(self.undiacritic.insert(bare, full.to_owned())),
                            None => faults.push(fault(
                                file,
                                None,
                                &format!("undiacritic `{bare}` has another number of letters"),
                                "give the same word with its dots",
                            )),
                        }
                    }
                }
                ("spelling", Value::Table(words)) => {
                    for (spelling, word) in words {
                        match word.as_str() {
                            Some(word) => drop(self.spelling.insert(spelling, word.to_owned())),
                            None => faults.push(fault(
                                file,
                                None,
                                &format!("spelling `{spelling}` is no word"),
                                "give the word as the dictionary writes it",
                            )),
                        }
                    }
                }
                ("rule", Value::Array(rules)) => Self::list(file, rules, &mut self.rules, faults),
                ("answer", Value::Array(answers)) => Self::list(file, answers, &mut self.answers, faults),
                (other, _) => {
                    faults.push(fault(
                        file,
                        None,
                        &format!("unknown or ill-formed key `{other}`"),
                        "use [class], [undiacritic], [spelling], [[rule]], [[answer]]",
                    ));
                }
            }
        }
    }

    fn list<T: for<'de> Deserialize<'de>>(
        file: &str,
        values: Vec<Value>,
        into: &mut Vec<(String, T)>,
        faults: &mut Vec<RuleFault>,
    ) {
        for (place, value) in values.into_iter().enumerate() {
            let name = value
                .get("id")
                .and_then(Value::as_str)
                .map_or_else(|| format!("no. {}", place + 1), ToOwned::to_owned);
            match value.try_into() {
                Ok(written) => into.push((file.to_owned(), written)),
                Err(error) => faults.push(fault(
                    file,
                    Some(&name),
                    &error.to_string().replace('\n', " "),
                    "correct the key; config/rules/README.md lists them all",
                )),
            }
        }
    }

    fn version(&self) -> String {
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

fn fault(file: &str, rule: Option<&str>, problem: &str, remedy: &str) -> RuleFault {
    RuleFault {
        file: file.to_owned(),
        rule: rule.map(ToOwned::to_owned),
        problem: problem.to_owned(),
        remedy: remedy.to_owned(),
    }
}
