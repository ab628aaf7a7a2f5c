//! Each rule's own examples, run; and why one that fails does.

use super::sheet::{Lined, shown};
use super::{About, Rule, RuleFault, RuleSet};
use crate::domain::classify::around::Around;
use crate::domain::classify::document::Document;
use crate::domain::classify::example::Example;
use crate::domain::classify::pattern::Pattern;
use crate::domain::classify::{answer, scan};
use crate::domain::text;

const REMEDY: &str = "change the rule, or the example if it is the example that is wrong";

impl RuleSet {
    /// Runs every rule's own examples: `match` must be found by that rule, `no_match` must not.
    pub fn check_examples(&self) -> Vec<RuleFault> {
        let mut faults = Vec::new();
        for rule in &self.rules {
            let fault = |example: &Lined, problem: String| RuleFault {
                file: rule.file.clone(),
                line: Some(example.line),
                rule: Some(rule.id.clone()),
                problem,
                remedy: REMEDY.to_owned(),
            };
            for example in &rule.examples {
                if scan::fires(self, rule, &example.text).is_none() {
                    let why = self.why_not(rule, &example.text);
                    faults.push(fault(
                        example,
                        format!("does not find its own example `{}`: {why}", shown(&example.text)),
                    ));
                }
            }
            for example in &rule.counter_examples {
                if let Some(words) = scan::fires(self, rule, &example.text) {
                    let words = shown(&words);
                    faults.push(fault(
                        example,
                        format!("finds its counter-example `{}`, in `{words}`", shown(&example.text)),
                    ));
                }
            }
        }
        for rule in &self.answers {
            let cases = rule.examples.iter().map(|text| (text, true));
            for (example, expected) in cases.chain(rule.counter_examples.iter().map(|text| (text, false))) {
                if answer::fires(self, rule, &example.text) != expected {
                    faults.push(RuleFault {
                        file: rule.file.clone(),
                        line: Some(example.line),
                        rule: Some(rule.id.clone()),
                        problem: format!(
                            "should {}be found in `{}`",
                            if expected { "" } else { "not " },
                            shown(&example.text)
                        ),
                        remedy: "change the rule or the example".to_owned(),
                    });
                }
            }
        }
        faults
    }

    /// How many examples there are.
    pub fn examples(&self) -> usize {
        let of_rules = self.rules.iter().map(|rule| rule.examples.len() + rule.counter_examples.len());
        let of_answers = self.answers.iter().map(|rule| rule.examples.len() + rule.counter_examples.len());
        of_rules.chain(of_answers).sum()
    }

    /// What keeps a rule from finding a text, in words.
    fn why_not(&self, rule: &Rule, text: &str) -> String {
        if rule.points == 0 && self.detectors.iter().any(|(index, _)| self.rules[*index].id == rule.id) {
            return "the detector sees nothing there".to_owned();
        }
        let example = Example::parse(text);
        let input = example.input();
        let mut reason = "none of its terms stands there".to_owned();
        for view in text::views(input.text, &self.undiacritic, &|word| self.lexicon.knows(word)) {
            let document = Document::new(self, view, None);
            let terms = self.terms.iter().filter(|(index, _)| self.rules[*index].id == rule.id);
            for (_, pattern) in terms {
                for sentence in &document.sentences {
                    if !document.in_sentence(pattern, *sentence) {
                        continue;
                    }
                    let stands = |patterns: &[Pattern]| {
                        patterns.iter().any(|pattern| document.in_sentence(pattern, *sentence))
                    };
                    let needed = rule.needs.is_empty()
                        || (sentence.first..sentence.end)
                            .any(|at| rule.needs.iter().any(|need| document.has(at, *need)));
                    let mut around = Around::new(&input);
                    reason = if rule.points > 0 {
                        "its signs do not reach `points` together, or `unless` or `with` stops it".into()
                    } else if rule.unless_anywhere.iter().any(|pattern| document.any(pattern)) {
                        "a term stands there, and a word of `unless_anywhere` stops it".into()
                    } else if around.allows(self, rule).is_none() {
                        match rule.about {
                            Some(About::People) => "what is answered does not speak of people".into(),
                            Some(About::Things) => "what is answered does not speak of things only".into(),
                            None => "`parent` or `unless_parent` does not fit what is answered".into(),
                        }
                    } else if !needed {
                        "a term stands there, and no word of `needs` in the same sentence".into()
                    } else if !rule.with.iter().all(|group| stands(group)) {
                        "a term stands there, and not every line of `with` in the same sentence".into()
                    } else if !rule.also.is_empty() && !stands(&rule.also) {
                        "a term stands there, and no term of `also` in the same sentence".into()
                    } else if stands(&rule.unless) {
                        "a term stands there, and a word of `unless` in the same sentence stops it".into()
                    } else {
                        "a term stands there, and `near`, a negation, a quotation, praise or `own` stops it"
                            .into()
                    };
                    return reason;
                }
            }
        }
        std::mem::take(&mut reason)
    }
}
