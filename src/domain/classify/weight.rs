//! What a finding weighs in a comment of its length.
//!
//! In a short comment a gross word is all that is said. In a longer one it may be quoted, told or argued with: there
//! it is obvious only when a second rule has found something else beside it (DESIGN §5: "obvious" needs two sources or
//! an unmistakable term), and a swear word among many others colours a comment without being what it is about.
//! Danger is never weighed: a person is told of it however much stands round it.

use super::{Band, Finding};
use crate::domain::category::Category;

/// Up to so many words a comment is short: the median of what people write under a post lies below.
const SHORT: usize = 20;

/// One swear word in so many words, or fewer, is what a person looks at.
const PER_SWEAR_WORD: usize = 25;

/// What people say, as against what happens.
pub(super) const SPEECH: &[Category] = &[
    Category::Insult,
    Category::Harassment,
    Category::Hate,
    Category::Sexist,
    Category::Pornography,
    Category::Profanity,
    Category::IncitementCrime,
    Category::IncitementTerror,
];

/// Lowers and drops what the length of the comment contradicts.
pub(super) fn weigh(text: &str, findings: &mut Vec<Finding>) {
    if !findings.iter().any(|finding| SPEECH.contains(&finding.category)) {
        return;
    }
    let words = text.split_whitespace().count();
    if words <= SHORT {
        return;
    }
    let sure: Vec<(String, usize, usize)> = findings
        .iter()
        .filter(|finding| finding.band == Band::Obvious && SPEECH.contains(&finding.category))
        .map(|finding| (finding.rule.clone(), finding.start, finding.end))
        .collect();
    for finding in findings.iter_mut().filter(|finding| SPEECH.contains(&finding.category)) {
        let second = sure.iter().any(|(rule, start, end)| {
            *rule != finding.rule && (*start >= finding.end || *end <= finding.start)
        });
        if !second {
            finding.band = Band::Look;
        }
    }
    let swearing = findings.iter().filter(|finding| finding.category == Category::Profanity).count();
    if words > PER_SWEAR_WORD * swearing {
        findings.retain(|finding| finding.category != Category::Profanity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(rule: &str, category: Category, at: usize) -> Finding {
        Finding {
            category,
            rule: rule.into(),
            version: 1,
            view: "plain".into(),
            band: Band::Obvious,
            confidence: 0.9,
            start: at,
            end: at + 3,
        }
    }

    fn weighed(words: usize, mut findings: Vec<Finding>) -> Vec<(Category, Band)> {
        weigh(&"ord ".repeat(words), &mut findings);
        findings.into_iter().map(|one| (one.category, one.band)).collect()
    }

    #[test]
    fn one_word_in_a_long_comment_is_looked_at_and_two_sources_are_obvious() {
        let slur = || finding("hate-slur-aimed", Category::Hate, 4);
        let attack = || finding("insult-addressed", Category::Insult, 20);
        assert_eq!(weighed(SHORT, vec![slur()]), [(Category::Hate, Band::Obvious)]);
        assert_eq!(weighed(SHORT + 1, vec![slur()]), [(Category::Hate, Band::Look)]);
        let twice = finding("hate-slur-aimed", Category::Hate, 40);
        assert_eq!(
            weighed(60, vec![slur(), twice]),
            [(Category::Hate, Band::Look); 2],
            "one word said twice"
        );
        let same_place = finding("insult-word", Category::Insult, 5);
        assert!(weighed(60, vec![slur(), same_place]).iter().all(|(_, band)| *band == Band::Look));
        assert_eq!(
            weighed(60, vec![slur(), attack()]),
            [(Category::Hate, Band::Obvious), (Category::Insult, Band::Obvious)]
        );
    }

    #[test]
    fn a_swear_word_in_a_long_comment_is_let_be_and_several_are_not() {
        let swear = |at| finding("profanity-strong", Category::Profanity, at);
        assert_eq!(weighed(25, vec![swear(4)]), [(Category::Profanity, Band::Look)]);
        assert_eq!(weighed(26, vec![swear(4)]), []);
        assert_eq!(weighed(26, vec![swear(4), swear(40)]).len(), 2);
    }

    #[test]
    fn danger_and_personal_data_are_never_weighed() {
        for category in
            [Category::Threat, Category::ChildAtRisk, Category::SelfHarm, Category::SensitivePersonalData]
        {
            let all = vec![finding("some-rule", category, 4), finding("insult-word", Category::Insult, 40)];
            assert_eq!(weighed(200, all)[0], (category, Band::Obvious));
        }
    }
}
