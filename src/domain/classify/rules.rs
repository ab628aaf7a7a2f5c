//! Rules as data: files → a checked, compiled set.
//!
//! The product carries files of its own; a municipality's folder lies over them. A rule there with the id of one of the
//! product's takes its place, a class there gets more words, `[[change]]` puts a rule on trial or turns it off, and
//! `[category.…] shadow = true` puts a whole category on trial.

mod compile;
mod examples;
mod fault;
mod sheet;
mod trial;
mod written;

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Band;
use super::agree::Agreeing;
use super::lexicon::{Lexicon, Symbol};
use super::model::Model;
use super::pattern::Pattern;
use crate::domain::category::Category;
use crate::domain::text::Vetted;

pub use fault::RuleFault;
pub(super) use sheet::Lined;
pub use trial::{OnTrial, Trial, Trials};

/// What code decides from what stands round a comment; their words are in `config/rules/context.toml`.
pub(super) const BUILT_IN: &[&str] = &[super::agree::RULE, super::wave::RULE];

/// What a negation, a quotation or praise round the words does to a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// No finding.
    Stops,
    /// A finding that a person looks at.
    Lowers,
    /// Nothing.
    Ignored,
}

/// What code finds and words cannot; named by `detector` in a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// What a sentence says about an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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

/// What is spoken of above a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// Somebody: a group, staff, a politician, a person by name.
    People,
    /// No people are mentioned.
    Things,
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
    /// One of these must stand in the comment that is answered, in the post or earlier in the thread.
    pub(super) parent: Vec<Pattern>,
    /// None of these may stand in the comment that is answered or in the post.
    pub(super) unless_parent: Vec<Pattern>,
    /// What the nearest of them must speak of.
    pub(super) about: Option<About>,
    pub(super) negation: Effect,
    pub(super) quotation: Effect,
    pub(super) positive: Effect,
    pub(super) own: Effect,
    file: String,
    line: usize,
    of_town: bool,
    examples: Vec<Lined>,
    counter_examples: Vec<Lined>,
}

/// A compiled rule about answers.
#[derive(Debug)]
pub(super) struct AnswerRule {
    pub(super) id: String,
    pub(super) kind: Answer,
    pub(super) unless: Vec<Pattern>,
    file: String,
    examples: Vec<Lined>,
    counter_examples: Vec<Lined>,
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
    /// Words for people, where files have such a class.
    pub(super) people: Option<Symbol>,
}

/// The bits that a sentence must have, and a term's place.
pub(super) type Trigger = (u128, usize);

/// Every rule, checked and compiled.
#[derive(Debug)]
pub struct RuleSet {
    pub(super) rules: Vec<Rule>,
    pub(super) answers: Vec<AnswerRule>,
    /// Every term, and the place of its rule.
    pub(super) terms: Vec<(usize, Pattern)>,
    /// The terms' places by the rarest symbol that each of them needs, and the bits that a sentence must have for the
    /// term to be possible in it.
    pub(super) triggers: Vec<Vec<Trigger>>,
    /// The same of the terms about answers.
    pub(super) answer_terms: Vec<(usize, Pattern)>,
    pub(super) answer_triggers: Vec<Vec<Trigger>>,
    /// What code finds, and the place of its rule.
    pub(super) detectors: Vec<(usize, Detector)>,
    pub(super) lexicon: Lexicon,
    pub(super) undiacritic: Vetted,
    pub(super) grammar: Grammar,
    /// How people say that they agree, and nothing else.
    pub(super) agreeing: Agreeing,
    /// Parts of hosts where people meet about public matters: a link there sells nothing.
    pub(super) civic_sites: Vec<String>,
    trials: Trials,
    files: Vec<RuleFile>,
    version: String,
    model: Option<Arc<Model>>,
}

/// One rule file: the product's, or one of the municipality's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFile {
    /// One of the municipality's own.
    pub own: bool,
    /// Its name, with the folder for the municipality's own; faults name it.
    pub name: String,
    /// What it says.
    pub text: Cow<'static, str>,
}

impl RuleFile {
    /// A file of the municipality's own.
    pub fn own(name: impl Into<String>, text: String) -> Self {
        Self { own: true, name: name.into(), text: Cow::Owned(text) }
    }

    /// The name without the folder: the same set in another place is the same set.
    fn base(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }

    fn key(&self) -> String {
        if self.own { format!("own/{}", self.base()) } else { self.name.clone() }
    }
}

/// One rule, for those who list them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleView<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its version.
    pub version: u32,
    /// What it finds.
    pub category: Category,
    /// How sure it is at most.
    pub band: Band,
    /// One of the municipality's own.
    pub own: bool,
    /// It decides, and nothing follows.
    pub shadow: bool,
    /// The file.
    pub file: &'a str,
    /// Where it begins there.
    pub line: usize,
}

const FILES: &[(&str, &str)] = &[
    ("words.toml", include_str!("../../../config/rules/words.toml")),
    ("danger_words.toml", include_str!("../../../config/rules/danger_words.toml")),
    ("danger_signs.toml", include_str!("../../../config/rules/danger_signs.toml")),
    ("answer.toml", include_str!("../../../config/rules/answer.toml")),
    ("child_abuse.toml", include_str!("../../../config/rules/child_abuse.toml")),
    ("child_at_risk.toml", include_str!("../../../config/rules/child_at_risk.toml")),
    ("commercial.toml", include_str!("../../../config/rules/commercial.toml")),
    ("context.toml", include_str!("../../../config/rules/context.toml")),
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

    /// Reads and compiles rule files as the product's; every fault found is given, not only the first.
    pub fn load(files: &[(&str, &str)]) -> Result<Self, Vec<RuleFault>> {
        let file = |(name, text): &(&str, &str)| RuleFile {
            own: false,
            name: (*name).to_owned(),
            text: Cow::Owned((*text).to_owned()),
        };
        Self::from_files(files.iter().map(file).collect())
    }

    /// The embedded rules with the municipality's own over them. A file that is the same as an embedded one of its name
    /// adds nothing.
    pub fn with_own(own: Vec<RuleFile>) -> Result<Self, Vec<RuleFault>> {
        let embedded = |(name, text): &(&'static str, &'static str)| RuleFile {
            own: false,
            name: (*name).to_owned(),
            text: Cow::Borrowed(*text),
        };
        let own = own.into_iter().filter(|file| !FILES.contains(&(file.base(), file.text.as_ref())));
        Self::from_files(FILES.iter().map(embedded).chain(own).collect())
    }

    /// Reads and compiles exactly these files, as [`Self::files`] gave them once.
    pub fn from_files(files: Vec<RuleFile>) -> Result<Self, Vec<RuleFault>> {
        compile::compile(files)
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

    /// The files that the set was made of: kept, they judge again as they did (`uppsikt explain`).
    pub fn files(&self) -> &[RuleFile] {
        &self.files
    }

    /// What is on trial: it decides, and nothing follows.
    pub fn trials(&self) -> &Trials {
        &self.trials
    }

    /// All rules in the files' order.
    pub fn rules(&self) -> impl Iterator<Item = RuleView<'_>> {
        self.rules.iter().map(|rule| RuleView {
            id: &rule.id,
            version: rule.version,
            category: rule.category,
            band: rule.band,
            own: rule.of_town,
            shadow: self.trials.covers(&rule.id, rule.category),
            file: &rule.file,
            line: rule.line,
        })
    }

    pub(super) fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }
}
