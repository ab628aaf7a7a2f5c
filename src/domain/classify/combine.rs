//! Rules and model → findings with a band (DESIGN §5).
//!
//! A rule speaks for itself; the model is a second pair of eyes. Alone it only asks a person to look. Where it says
//! the same as a rule and is nearly always right when it is that sure, two independent sources agree, and what was to
//! be looked at is obvious. Where a rule of speech is certain and the model sees nothing rough at all, a person
//! looks: words are quoted, and words have two meanings. Danger, and everything that only a person can weigh, is left
//! to the rules.

use super::model::{Head, Model, Reader, Ruled, Scores};
use super::weight::SPEECH;
use super::{Band, Finding};
use crate::domain::category::Category;

/// What a finding of the model is called: with the model's name, version and hash after the head.
pub(super) const PREFIX: &str = "model:";

/// The view of a finding by the model.
pub(super) const VIEW: &str = "model";

/// What a sure model makes obvious when a rule has found it too.
const RAISED: &[Category] =
    &[Category::Insult, Category::Harassment, Category::Hate, Category::Sexist, Category::Pornography];

/// What a person looks at when the model sees nothing rough.
const LOWERED: &[Category] = &[
    Category::Insult,
    Category::Harassment,
    Category::Hate,
    Category::Sexist,
    Category::Pornography,
    Category::Profanity,
];

/// Below this probability of being rough at all, the model contradicts a rule.
const HARMLESS: f32 = 0.1;

/// Words are told in a finding as one stretch: the heaviest, and its neighbours among so many of the heaviest.
const HEAVIEST: usize = 4;

/// What a finding says of the words, so that the model may say what else they are.
const ABOUT_WORDS: &[Category] = &[Category::Threat, Category::ViolenceDepiction];

/// How the rules stand to a text.
pub(super) fn ruled(findings: &[Finding], excused: bool) -> Ruled {
    let mut ruled = if excused { Ruled::Excused } else { Ruled::Nothing };
    for finding in findings {
        match finding.category {
            Category::Unreadable | Category::Political | Category::OffTopic => {}
            category if SPEECH.contains(&category) || ABOUT_WORDS.contains(&category) => {
                return Ruled::Called;
            }
            _ => ruled = Ruled::Elsewhere,
        }
    }
    ruled
}

/// Hears the model about a text and what the rules found in it.
pub(super) fn hear(model: &Model, text: &str, excused: bool, findings: &mut Vec<Finding>) {
    // The model knows the languages that the rules know.
    if text.is_empty()
        || findings.iter().any(|one| one.category == Category::Unreadable && one.end > one.start)
    {
        return;
    }
    let ruled = ruled(findings, excused);
    let mut reader = Reader::default();
    let scores = model.score(&mut reader, text);
    let rough = scores.of(Head::Rough);
    for finding in findings.iter_mut() {
        if finding.band == Band::Obvious && rough < HARMLESS && LOWERED.contains(&finding.category) {
            finding.band = Band::Look;
        }
    }
    for head in Head::ALL {
        if !model.speaks(head, &scores, ruled) {
            continue;
        }
        let agrees = |finding: &Finding| head.categories().contains(&finding.category);
        let sure = scores.of(head) >= model.sure(head);
        if sure {
            for finding in findings.iter_mut() {
                // Two heads of one model are one source.
                if finding.view != VIEW && agrees(finding) && RAISED.contains(&finding.category) {
                    finding.band = Band::Obvious;
                }
            }
        }
        // What a rule has found with a reason of its own needs no second finding; a reason for a raised band does.
        if sure || !findings.iter().any(agrees) {
            findings.push(finding(model, &reader, &scores, (head, ruled)));
        }
    }
}

fn finding(model: &Model, reader: &Reader, scores: &Scores, (head, ruled): (Head, Ruled)) -> Finding {
    let (start, end) = stretch(&model.strongest(reader, scores, head, HEAVIEST));
    Finding {
        category: category(model, scores, head, ruled),
        rule: format!("{PREFIX}{}@{}", head.code(), model.id()),
        version: model.version(),
        view: VIEW.to_owned(),
        band: Band::Look,
        confidence: f64::from((scores.of(head) * 1000.0).round() / 1000.0),
        start,
        end,
    }
}

/// The guideline's name for what a head has seen.
fn category(model: &Model, scores: &Scores, head: Head, ruled: Ruled) -> Category {
    match head {
        Head::Insult | Head::Rough => Category::Insult,
        // Contempt in sexual words is aimed at sex far more often than at origin or belief.
        Head::Identity if model.speaks(Head::Sexual, scores, ruled) => Category::Sexist,
        Head::Identity => Category::Hate,
        Head::Violence => Category::Threat,
        Head::Sexual => Category::Pornography,
    }
}

/// The heaviest word, and those of the others that stand right beside what is already taken.
fn stretch(words: &[(usize, usize)]) -> (usize, usize) {
    let Some(&(mut start, mut end)) = words.first() else { return (0, 0) };
    for _ in 1..words.len() {
        for &(from, to) in &words[1..] {
            // One sign between two words makes them neighbours.
            if to <= start && start - to <= 1 {
                start = from;
            } else if from >= end && from - end <= 1 {
                end = to;
            }
        }
    }
    (start, end)
}

/// The words that weighed most, for an explanation; none when another model has spoken.
pub(super) fn heaviest<'a>(model: &Model, finding: &Finding, text: &'a str, most: usize) -> Vec<&'a str> {
    let Some((head, id)) = finding.rule.strip_prefix(PREFIX).and_then(|rest| rest.split_once('@')) else {
        return Vec::new();
    };
    let Some(head) = Head::from_code(head).filter(|_| id == model.id()) else { return Vec::new() };
    let mut reader = Reader::default();
    let scores = model.score(&mut reader, text);
    model
        .strongest(&reader, &scores, head, most)
        .into_iter()
        .filter_map(|(start, end)| text.get(start..end))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(category: Category, band: Band) -> Finding {
        Finding {
            category,
            rule: "some-rule".into(),
            version: 1,
            view: "plain".into(),
            band,
            confidence: 0.6,
            start: 0,
            end: 3,
        }
    }

    fn heard(text: &str, mut findings: Vec<Finding>) -> Vec<Finding> {
        hear(&Model::embedded(), text, false, &mut findings);
        findings
    }

    #[test]
    fn the_model_alone_asks_a_person_to_look_and_points_at_words() {
        let text = "Ni är ju för fan ena jävla korkade idioter hela bunten, dra åt helvete!";
        let findings = heard(text, Vec::new());
        let insult = findings.iter().find(|one| one.category == Category::Insult).unwrap();
        assert_eq!((insult.band, insult.view.as_str()), (Band::Look, VIEW));
        assert!(insult.rule.starts_with("model:insult@sv-"), "{}", insult.rule);
        assert!(!text[insult.start..insult.end].is_empty());
        assert!(findings.iter().all(|one| one.band == Band::Look));
        let words = heaviest(&Model::embedded(), insult, text, 3);
        assert!(words.iter().any(|word| "jävla korkade idioter".contains(word)), "{words:?}");
    }

    #[test]
    fn what_a_rule_has_said_is_not_said_again() {
        let text = "Ni är ju för fan ena jävla korkade idioter hela bunten, dra åt helvete!";
        let findings = heard(text, vec![finding(Category::Insult, Band::Look)]);
        let model = Model::embedded();
        let sure = model.score(&mut Reader::default(), text).of(Head::Insult) >= model.sure(Head::Insult);
        let by_model =
            findings.iter().filter(|one| one.view == VIEW && one.category == Category::Insult).count();
        assert_eq!(by_model, usize::from(sure), "a second source is told, a second opinion is not");
        assert_eq!(findings[0].band, if sure { Band::Obvious } else { Band::Look });
    }

    #[test]
    fn a_certain_rule_in_a_text_without_roughness_is_looked_at_unless_it_is_danger() {
        let text = "Tack för fin skötsel av lekplatsen vid skolan, barnen trivs.";
        let all = [Category::Insult, Category::Profanity, Category::Threat, Category::SensitivePersonalData];
        let bands: Vec<Band> = heard(text, all.map(|category| finding(category, Band::Obvious)).to_vec())
            .iter()
            .map(|one| one.band)
            .collect();
        assert_eq!(bands, [Band::Look, Band::Look, Band::Obvious, Band::Obvious]);
    }

    #[test]
    fn a_language_that_nobody_reads_is_not_judged_by_the_model() {
        let unread = Finding { end: 40, ..finding(Category::Unreadable, Band::Look) };
        assert_eq!(heard("jävla idiot jävla idiot jävla idiot idiot", vec![unread.clone()]), [unread]);
        assert_eq!(heard("", Vec::new()), []);
    }

    #[test]
    fn words_side_by_side_are_one_stretch() {
        for (words, expected) in [
            (&[][..], (0, 0)),
            (&[(4, 9)], (4, 9)),
            (&[(4, 9), (10, 12), (0, 3)], (0, 12)),
            (&[(4, 9), (11, 12)], (4, 9)),
        ] {
            assert_eq!(stretch(words), expected, "{words:?}");
        }
    }
}
