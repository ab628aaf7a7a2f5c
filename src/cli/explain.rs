//! `uppsikt explain CASE`: why the rules said what they said, and whether they would say it again.
//!
//! Each text of the comment, with the words, the context and the paragraph that counted then. The set that judged is
//! kept, and judges once more.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use serde_json::{Value, json};

use super::rules::again;
use crate::config::Config;
use crate::domain::calendar::instant_in_words as moment;
use crate::domain::category::{Category, CategoryPolicy};
use crate::domain::classify::model::Model;
use crate::domain::classify::{Assessment, Finding, Policies, RuleSet, explain, place, reason};
use crate::domain::letter::Line;
use crate::domain::words;
use crate::store::judgements::{self, Judgement};
use crate::store::rule_sets::{self, Basis};
use crate::store::{Reader, cases};

/// A kept rule set, ready to judge, or why it is not.
type Kept = Result<Arc<RuleSet>, String>;

/// Explains every judgement of a case: in words, or with `json` as one object a line, a text each.
///
/// # Errors
/// When there is no such case; the store's; `out`'s.
pub fn show(
    reader: &Reader,
    config: &Config,
    name: &str,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let id = super::cases::named(reader, name)?;
    let case = cases::get(reader, id)?;
    let mut teller = Teller { reader, config, sets: BTreeMap::new() };
    let all = judgements::of_comment(reader, case.comment)?;
    if !json {
        writeln!(out, "Ärende {id}: {} bedömda texter.", all.len())?;
    }
    let mut before: Option<&Judgement> = None;
    for judgement in &all {
        let said = teller.explain(judgement, before)?;
        if json {
            writeln!(out, "{}", said.json(&id.to_string(), judgement))?;
        } else {
            said.tell(judgement, out)?;
        }
        before = Some(judgement);
    }
    Ok(())
}

/// What is told of one judgement.
struct Said {
    basis: Option<Basis>,
    /// Each finding with its sentence, its reasons and what the guideline said.
    findings: Vec<Told>,
    shadow: Vec<Told>,
    wave: Option<String>,
    change: Option<String>,
    again: Again,
}

struct Told {
    finding: Finding,
    sentence: String,
    reasons: Vec<String>,
    paragraph: String,
    law: String,
}

/// Whether the same rules say the same.
enum Again {
    /// They do.
    Same,
    /// They do not: the program has changed since, or what stood above is gone.
    Differs(Vec<String>),
    /// It cannot be tried, and why.
    Untried(String),
}

struct Teller<'a> {
    reader: &'a Reader,
    config: &'a Config,
    sets: BTreeMap<String, Kept>,
}

impl Teller<'_> {
    fn set(&mut self, version: &str) -> anyhow::Result<Kept> {
        if let Some(known) = self.sets.get(version) {
            return Ok(known.clone());
        }
        let kept = match rule_sets::kept(self.reader, version)? {
            None => Err(format!("regeluppsättningen {version} finns inte sparad")),
            Some(kept) => {
                let files = RuleSet::from_files(kept.files);
                let model = kept.model.map(|bytes| Model::from_bytes(&bytes).map(Arc::new)).transpose();
                match (files, model) {
                    (Ok(rules), Ok(model)) => {
                        let rules = match model {
                            Some(model) => rules.with_model(model),
                            None => rules,
                        };
                        // The version is a hash of what the files say: nothing was changed in the store.
                        if rules.version() == version {
                            Ok(Arc::new(rules))
                        } else {
                            Err(format!("den sparade regeluppsättningen är inte längre {version}"))
                        }
                    }
                    _ => Err("den sparade regeluppsättningen kan inte läsas av detta program".to_owned()),
                }
            }
        };
        self.sets.insert(version.to_owned(), kept.clone());
        Ok(kept)
    }

    fn explain(&mut self, judgement: &Judgement, before: Option<&Judgement>) -> anyhow::Result<Said> {
        let basis = rule_sets::basis_of(self.reader, judgement.version)?;
        let kept = self.set(&judgement.judged.rules)?;
        let policies: Policies = match &basis {
            Some(basis) => basis.policies.clone(),
            None => self.config.categories.clone().into_iter().collect(),
        };
        let rules = match &kept {
            Ok(rules) => Arc::clone(rules),
            // Only to word the sentence: it then says that the rule has changed, or is not there.
            Err(_) => Arc::new(RuleSet::embedded()),
        };
        let notes = &judgement.judged.assessment.notes;
        let told = |finding: &Finding| {
            let policy: &CategoryPolicy = policies.get(finding.category);
            let of_rule = notes.context.iter().filter(|because| because.rule == finding.rule);
            let mut reasons: Vec<String> = of_rule
                .map(|because| reason(because, judgement.above.text(because.source, because.nth)))
                .collect();
            reasons.dedup();
            Told {
                sentence: if judgement.gone {
                    format!(
                        "Regeln ”{}” version {} ({}).",
                        finding.rule,
                        finding.version,
                        finding.category.name()
                    )
                } else {
                    explain(&rules, finding, &judgement.text)
                },
                reasons,
                paragraph: policy.paragraph.clone(),
                law: policy.law.clone(),
                finding: finding.clone(),
            }
        };
        let findings = judgement.judged.assessment.findings.iter().map(told).collect();
        let shadow = notes.shadow.iter().map(told).collect();
        let again = match kept {
            Err(why) => Again::Untried(why),
            Ok(_) if judgement.gone => Again::Untried("texten är gallrad".to_owned()),
            Ok(_) if judgement.media => {
                Again::Untried("texten är densamma; en människa har sett på det som står bredvid".to_owned())
            }
            Ok(rules) => {
                let now = again(self.config, &rules, &policies, judgement);
                let differences = differences(&judgement.judged.assessment, &now);
                if differences.is_empty() { Again::Same } else { Again::Differs(differences) }
            }
        };
        let wave = match &notes.wave {
            None => None,
            Some(wave) => {
                let mut names = Vec::new();
                for version in &wave.with {
                    names.extend(judgements::name_of(self.reader, *version)?);
                }
                Some(format!(
                    "Nästan samma text: {} kommentarer av {} skribenter på {} konton den senaste veckan. De andra: {}. \
                     Att många skriver lika är i sig ingen överträdelse.",
                    wave.texts,
                    wave.authors,
                    wave.accounts,
                    names.join(", ")
                ))
            }
        };
        let change = before.map(|before| change(before, judgement));
        Ok(Said { basis, findings, shadow, wave, change, again })
    }
}

/// What another text changed.
fn change(before: &Judgement, now: &Judgement) -> String {
    let found = |judgement: &Judgement| {
        let mut all: Vec<Category> =
            judgement.judged.assessment.findings.iter().map(|finding| finding.category).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let names = |categories: Vec<Category>| match &categories[..] {
        [] => "inget".to_owned(),
        all => all.iter().map(|category| category.name()).collect::<Vec<_>>().join(", "),
    };
    let (old, new) = (found(before), found(now));
    let added: Vec<_> = new.iter().copied().filter(|category| !old.contains(category)).collect();
    let gone: Vec<_> = old.iter().copied().filter(|category| !new.contains(category)).collect();
    format!(
        "Version {} (sedd {}) ersatte version {} (sedd {}). Tillkom: {}. Föll bort: {}.",
        now.n,
        moment(now.seen_at),
        before.n,
        moment(before.seen_at),
        names(added),
        names(gone)
    )
}

/// What two judgements of the same text say otherwise, in Swedish.
fn differences(then: &Assessment, now: &Assessment) -> Vec<String> {
    let key = |finding: &Finding| {
        (finding.rule.clone(), finding.category, finding.band, finding.start, finding.end)
    };
    let missing = |all: &[Finding], of: &Finding| !all.iter().any(|one| key(one) == key(of));
    let word = |finding: &Finding| format!("{} ({})", finding.rule, words::band(finding.band));
    let mut all = Vec::new();
    for finding in then.findings.iter().filter(|finding| missing(&now.findings, finding)) {
        all.push(format!("då, men inte nu: {}", word(finding)));
    }
    for finding in now.findings.iter().filter(|finding| missing(&then.findings, finding)) {
        all.push(format!("nu, men inte då: {}", word(finding)));
    }
    if then.needs_answer != now.needs_answer {
        all.push("om svar väntas".to_owned());
    }
    all
}

impl Told {
    fn json(&self, text: &str) -> Value {
        let mut value = json!(self.finding);
        let (line, character) = place(text, self.finding.start);
        value["words"] = json!(text.get(self.finding.start..self.finding.end));
        value["line"] = json!(line);
        value["character"] = json!(character);
        value["sentence"] = json!(self.sentence);
        value["context"] = json!(self.reasons);
        value["paragraph"] = json!(self.paragraph);
        value["law"] = json!(self.law);
        value
    }

    fn tell(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let or = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
        writeln!(out, "  {}", Line::new(&self.sentence))?;
        for reason in &self.reasons {
            writeln!(out, "    {}", Line::new(reason))?;
        }
        writeln!(out, "    Riktlinje: {}", or(&self.paragraph, "säger inget om detta"))?;
        writeln!(out, "    Lag: {}", or(&self.law, "ingen särskild är angiven"))
    }
}

impl Said {
    fn json(&self, case: &str, judgement: &Judgement) -> Value {
        let judged = &judgement.judged;
        let all = |told: &[Told]| told.iter().map(|told| told.json(&judgement.text)).collect::<Vec<_>>();
        let (same, differences, why) = match &self.again {
            Again::Same => (Some(true), Vec::new(), None),
            Again::Differs(differences) => (Some(false), differences.clone(), None),
            Again::Untried(why) => (None, Vec::new(), Some(why)),
        };
        json!({
            "case": case,
            "version": judgement.n,
            "seen_at": judgement.seen_at,
            "judged_at": judged.at,
            "rules": judged.rules,
            "program": self.basis.as_ref().map(|basis| &basis.program),
            "profile": self.basis.as_ref().map(|basis| &basis.profile),
            "findings": all(&self.findings),
            "shadow": all(&self.shadow),
            "proposal": judged.assessment.proposal.code(),
            "needs_answer": judged.assessment.needs_answer,
            "language": judged.assessment.language,
            "wave": self.wave,
            "change": self.change,
            "again": { "same": same, "differences": differences, "untried": why },
        })
    }

    fn tell(&self, judgement: &Judgement, out: &mut dyn Write) -> std::io::Result<()> {
        let judged = &judgement.judged;
        writeln!(
            out,
            "\nVersion {}, sedd {}, bedömd {}",
            judgement.n,
            moment(judgement.seen_at),
            moment(judged.at)
        )?;
        match &self.basis {
            Some(basis) => writeln!(
                out,
                "  Regler {}, riktlinje {}, program {}",
                judged.rules, basis.profile, basis.program
            )?,
            None => writeln!(out, "  Regler {}", judged.rules)?,
        }
        if let Some(change) = &self.change {
            writeln!(out, "  {change}")?;
        }
        if self.findings.is_empty() {
            writeln!(out, "  Reglerna fann inget.")?;
        }
        for told in &self.findings {
            told.tell(out)?;
        }
        if !self.shadow.is_empty() {
            writeln!(out, "  På prov, utan att något följde:")?;
        }
        for told in &self.shadow {
            told.tell(out)?;
        }
        if let Some(wave) = &self.wave {
            writeln!(out, "  {}", Line::new(wave))?;
        }
        writeln!(out, "  Reglernas förslag: {}", words::proposal(judged.assessment.proposal))?;
        if judged.assessment.needs_answer {
            writeln!(out, "  Författaren verkar vänta på ett svar.")?;
        }
        match &self.again {
            Again::Same => writeln!(out, "  Omprövad med samma regler: samma utfall."),
            Again::Differs(differences) => {
                writeln!(out, "  Omprövad med samma regler: ett annat utfall.")?;
                for difference in differences {
                    writeln!(out, "    {difference}")?;
                }
                Ok(())
            }
            Again::Untried(why) => writeln!(out, "  Kan inte omprövas: {why}."),
        }
    }
}
