//! Rules as they are written → rules as they run.

use super::sheet::{Lined, shown};
use super::written::{Read, Written, WrittenAnswer};
use super::{AnswerRule, Effect, Grammar, Rule, RuleFault, RuleFile, RuleSet, Signs, Trials};
use crate::domain::category::Category;
use crate::domain::classify::Band;
use crate::domain::classify::agree::Agreeing;
use crate::domain::classify::lexicon::{Lexicon, Symbol};
use crate::domain::classify::pattern::Pattern;
use crate::domain::spelling::suggestion;

/// Reads and compiles files; every fault found is given.
pub(super) fn compile(files: Vec<RuleFile>) -> Result<RuleSet, Vec<RuleFault>> {
    let mut faults = Vec::new();
    let mut read = Read::default();
    for file in &files {
        read.file(file, &mut faults);
    }
    read.settle(&mut faults);
    let version = read.version();
    let words = |name: &str| read.classes.get(name).map(|class| class.words.clone()).unwrap_or_default();
    let agreeing = Agreeing::new(&words("agreeing"), &words("beside_agreeing"));
    let civic_sites = words("civic_site");
    let trials = trials(&read);
    let classes = std::mem::take(&mut read.classes);
    let lexicon = Lexicon::new(classes.into_iter().map(|(name, class)| (name, class.words)).collect());
    let mut lexicon = match lexicon {
        Ok(lexicon) => lexicon,
        Err(problem) => {
            faults.push(of_all(problem, "rename it"));
            return Err(faults);
        }
    };
    let Some(grammar) = Grammar::find(&mut lexicon, &mut faults) else { return Err(faults) };
    let (mut terms, mut detectors, mut rules) = (Vec::new(), Vec::new(), Vec::new());
    for written in read.rules {
        let before = faults.len();
        sound(&written, &mut faults);
        let parts = Parts::new(&written, &mut lexicon, &mut faults);
        if faults.len() > before {
            continue;
        }
        if matches!(
            written.category,
            Category::Insult | Category::Profanity | Category::Hate | Category::Sexist
        ) {
            for word in written.terms.iter().filter(|term| !term.text.contains(' ')) {
                lexicon.mask(&word.text);
            }
        }
        let index = rules.len();
        terms.extend(parts.terms.iter().map(|pattern| (index, pattern.clone())));
        // Without a strong sign there is no reason to add up the rest.
        let leading = parts.signs.iter().filter(|(worth, _)| *worth >= 3).flat_map(|(_, patterns)| patterns);
        terms.extend(leading.map(|pattern| (index, pattern.clone())));
        detectors.extend(written.detector.map(|detector| (index, detector)));
        rules.push(Rule::new(written, parts));
    }
    lexicon.mask("<swear>");
    lexicon.mask("<insult_noun>");
    let (answers, answer_terms) = compile_answers(read.answers, &mut lexicon, &mut faults);
    for (spelling, word) in &read.spelling {
        lexicon.spell(spelling, word);
    }
    if let Err(problem) = lexicon.seal() {
        faults.push(of_all(problem, "use fewer or shorter parts of words"));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let triggers = file_under_rarest(&terms, &lexicon);
    let answer_triggers = file_under_rarest(&answer_terms, &lexicon);
    let leads = triggers.iter().zip(&answer_triggers);
    lexicon.index(leads.map(|(one, two)| !(one.is_empty() && two.is_empty())).collect());
    let with_masks = |filed: Vec<Vec<usize>>, terms: &[(usize, Pattern)]| {
        let mask = |place: usize| (terms[place].1.mask(|symbol| lexicon.is_lead(symbol)), place);
        filed.into_iter().map(|places| places.into_iter().map(mask).collect()).collect()
    };
    let (triggers, answer_triggers) =
        (with_masks(triggers, &terms), with_masks(answer_triggers, &answer_terms));
    Ok(RuleSet {
        rules,
        answers,
        terms,
        triggers,
        answer_terms,
        answer_triggers,
        detectors,
        lexicon,
        undiacritic: read.undiacritic,
        grammar,
        agreeing,
        civic_sites,
        trials,
        files,
        version,
        model: None,
    })
}

/// What is on trial. What code decides from the context can be put on trial like a rule; turned off, it is still
/// counted.
fn trials(read: &Read) -> Trials {
    let of_rules = read.rules.iter().filter_map(|rule| Some((rule.id.clone(), rule.shadow?.until)));
    let of_code =
        read.changes.iter().map(|change| (change.id.clone(), change.shadow.and_then(|shadow| shadow.until)));
    Trials::new(of_rules.chain(of_code).collect(), read.categories.clone())
}

fn of_all(problem: String, remedy: &str) -> RuleFault {
    RuleFault {
        file: "(all rule files)".to_owned(),
        line: None,
        rule: None,
        problem,
        remedy: remedy.to_owned(),
    }
}

/// Whether a rule's keys go together.
fn sound(written: &Written, faults: &mut Vec<RuleFault>) {
    let mut complain = |problem: &str, remedy: &str| {
        faults.push(RuleFault {
            file: written.file.clone(),
            line: Some(written.line),
            rule: Some(written.id.clone()),
            problem: problem.to_owned(),
            remedy: remedy.to_owned(),
        });
    };
    let sources = [!written.terms.is_empty(), written.detector.is_some(), written.points.is_some()];
    if sources.iter().filter(|given| **given).count() != 1 {
        complain("has none or several of `terms`, `detector` and `points`", "give it exactly one of them");
    }
    let has_signs = !(written.strong.is_empty() && written.cue.is_empty());
    if written.points.is_some() != has_signs {
        complain(
            "`points` and its signs do not go together",
            "give `points` from 1 and some `strong` or `cue`, or none of them",
        );
    }
    if written.examples.is_empty() || written.counter_examples.is_empty() {
        complain("lacks examples", "write at least one sentence each in `match` and `no_match`");
    }
}

/// A rule's terms, compiled.
struct Parts {
    terms: Vec<Pattern>,
    signs: Signs,
    needs: Vec<Symbol>,
    also: Vec<Pattern>,
    with: Vec<Vec<Pattern>>,
    unless: Vec<Pattern>,
    unless_anywhere: Vec<Pattern>,
    parent: Vec<Pattern>,
    unless_parent: Vec<Pattern>,
}

impl Parts {
    fn new(written: &Written, lexicon: &mut Lexicon, faults: &mut Vec<RuleFault>) -> Self {
        let mut parse = |terms: &[Lined], what: &str| -> Vec<Pattern> {
            terms
                .iter()
                .flat_map(|term| parsed(&written.file, &written.id, term, what, lexicon, faults))
                .collect()
        };
        let terms = parse(&written.terms, "term");
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
            match lexicon.symbol(&format!("<{}>", need.text)) {
                Ok(symbol) => needs.push(symbol),
                Err(problem) => faults.push(RuleFault {
                    file: written.file.clone(),
                    line: Some(need.line),
                    rule: Some(written.id.clone()),
                    problem: format!("needs `{}`: {problem}", shown(&need.text)),
                    remedy: remedy(&problem, lexicon),
                }),
            }
        }
        Self { terms, signs, needs, also, with, unless, unless_anywhere, parent, unless_parent }
    }
}

/// A term's patterns; what is wrong with it becomes a fault on its own line.
fn parsed(
    file: &str,
    rule: &str,
    term: &Lined,
    what: &str,
    lexicon: &mut Lexicon,
    faults: &mut Vec<RuleFault>,
) -> Vec<Pattern> {
    match Pattern::parse(&term.text, lexicon) {
        Ok(patterns) => patterns,
        Err(problem) => {
            faults.push(RuleFault {
                file: file.to_owned(),
                line: Some(term.line),
                rule: Some(rule.to_owned()),
                problem: format!("{what} `{}`: {problem}", shown(&term.text)),
                remedy: remedy(&problem, lexicon),
            });
            Vec::new()
        }
    }
}

/// What helps against what is wrong with a term.
fn remedy(problem: &str, lexicon: &Lexicon) -> String {
    if let Some(name) = problem.split("no class `").nth(1).and_then(|rest| rest.split('`').next()) {
        return suggestion(name, &lexicon.class_names())
            .unwrap_or_else(|| format!("write its words under [class]: {name} = [\"…\"]"));
    }
    for (sign, help) in [
        (
            "capital letter",
            "write it in small letters, and no `|` first, last or twice: texts are read without capitals",
        ),
        ("too short", "write at least three letters beside the `*`"),
        ("is no gap", "write ..3 for up to three words between"),
        ("gaps", "divide it into two terms"),
        ("must start with", "put a word first"),
        ("term is empty", "write a word between the quotation marks, or remove it"),
        ("stands first or last", "write `ord*` for words that begin so, `*ord` for words that end so"),
    ] {
        if problem.contains(sign) {
            return help.to_owned();
        }
    }
    "see the table of signs in config/rules/README.md".to_owned()
}

impl Rule {
    fn new(written: Written, parts: Parts) -> Self {
        let default = if written.category.is_danger() { Effect::Lowers } else { Effect::Stops };
        let whole = |number: Option<u32>| number.and_then(|number| usize::try_from(number).ok());
        Self {
            confidence: written.confidence.unwrap_or(if written.band == Band::Obvious { 0.95 } else { 0.6 }),
            id: written.id,
            version: written.version,
            category: written.category,
            band: written.band,
            points: written.points.and_then(|points| i32::try_from(points).ok()).unwrap_or_default(),
            signs: parts.signs,
            needs: parts.needs,
            also: parts.also,
            with: parts.with,
            across: written.across,
            near: whole(written.near).unwrap_or(usize::MAX),
            unless: parts.unless,
            unless_anywhere: parts.unless_anywhere,
            parent: parts.parent,
            unless_parent: parts.unless_parent,
            about: written.about,
            negation: written.negation.unwrap_or(Effect::Ignored),
            quotation: written.quotation.unwrap_or(default),
            positive: written.positive.unwrap_or(Effect::Ignored),
            own: written.own_words.unwrap_or(Effect::Ignored),
            file: written.file,
            line: written.line,
            of_town: written.own,
            examples: written.examples,
            counter_examples: written.counter_examples,
        }
    }
}

impl Grammar {
    fn find(lexicon: &mut Lexicon, faults: &mut Vec<RuleFault>) -> Option<Self> {
        let people = lexicon.symbol("<people>").ok();
        let mut class = |name: &str| match lexicon.symbol(&format!("<{name}>")) {
            Ok(symbol) => Some(symbol),
            Err(problem) => {
                faults.push(of_all(problem, "the grammar needs this class of words.toml: put it back"));
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
            people,
        })
    }
}

fn compile_answers(
    written: Vec<WrittenAnswer>,
    lexicon: &mut Lexicon,
    faults: &mut Vec<RuleFault>,
) -> (Vec<AnswerRule>, Vec<(usize, Pattern)>) {
    let (mut all, mut every) = (Vec::new(), Vec::new());
    for answer in written {
        let mut parse = |terms: &[Lined]| -> Vec<Pattern> {
            terms
                .iter()
                .flat_map(|term| parsed(&answer.file, &answer.id, term, "term", lexicon, faults))
                .collect()
        };
        let (patterns, unless) = (parse(&answer.terms), parse(&answer.unless));
        let index = all.len();
        every.extend(patterns.into_iter().map(|pattern| (index, pattern)));
        all.push(AnswerRule {
            id: answer.id,
            kind: answer.kind,
            unless,
            file: answer.file,
            examples: answer.examples,
            counter_examples: answer.counter_examples,
        });
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
