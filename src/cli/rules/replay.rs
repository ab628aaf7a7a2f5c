//! `uppsikt rules replay --since D`: what a rule set would have decided otherwise of what was judged. Numbers and
//! names of cases only, never a text; nothing is changed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::assemble;
use crate::config::Config;
use crate::domain::category::Category;
use crate::domain::classify::{Assessment, Band, Finding, Policies, RuleSet, classify};
use crate::domain::words;
use crate::store::judgements::{self, Judgement};

/// So many texts are read in one go: no read lasts a second.
const PAGE: usize = 200;

/// The strongest band by category.
type Bands = BTreeMap<Category, Band>;

#[derive(Default)]
struct Sums {
    texts: u64,
    gone: u64,
    changed: u64,
    answers: (u64, u64),
    moves: BTreeMap<(Category, Option<Band>, Option<Band>), u64>,
    versions: BTreeSet<String>,
}

/// Judges everything again that was first seen at `since` or later, and tells what came out otherwise.
///
/// # Errors
/// The store's; `out`'s.
pub(super) fn run(
    config: &Config,
    rules: &RuleSet,
    since: DateTime<Utc>,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let db = assemble::database(config)?;
    let policies: Policies = config.categories.clone().into_iter().collect();
    let (mut sums, mut after) = (Sums::default(), 0);
    loop {
        let page = db.read_now(|reader| judgements::page(reader, after, since, PAGE))?;
        let Some(last) = page.last() else { break };
        after = last.version;
        for judgement in &page {
            sums.versions.insert(judgement.judged.rules.clone());
            if judgement.gone {
                sums.gone += 1;
                continue;
            }
            sums.texts += 1;
            let now = again(config, rules, &policies, judgement);
            tell(judgement, &now, json, &mut sums, out)?;
        }
    }
    if json { end(&sums, rules, out) } else { summary(&sums, rules, out) }
}

/// What the rules say of a text, with what stood above it then and the likes that it had then.
pub(in crate::cli) fn again(
    config: &Config,
    rules: &RuleSet,
    policies: &Policies,
    judgement: &Judgement,
) -> Assessment {
    let platform = config.account(&judgement.account).map(|account| account.platform);
    let thread = judgement.above.thread();
    let wave = judgement.judged.assessment.notes.wave.as_ref();
    let input = judgement.above.input(&judgement.text, platform, &thread, wave, &judgement.attachments);
    classify(rules, policies, &input)
}

fn bands(findings: &[Finding]) -> Bands {
    let mut bands = Bands::new();
    for finding in findings {
        let band = bands.entry(finding.category).or_insert(finding.band);
        *band = finding.band.max(*band);
    }
    bands
}

fn code(band: Option<Band>) -> &'static str {
    match band {
        None => "-",
        Some(Band::Look) => "look",
        Some(Band::Obvious) => "obvious",
    }
}

fn tell(
    judgement: &Judgement,
    now: &Assessment,
    json: bool,
    sums: &mut Sums,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let then = &judgement.judged.assessment;
    // What a person saw in a picture is no rule's.
    let (old, new) = (bands(&then.findings), bands(&now.findings));
    let all: BTreeSet<Category> = old.keys().chain(new.keys()).copied().collect();
    let moved: Vec<_> = all
        .into_iter()
        .map(|category| (category, old.get(&category).copied(), new.get(&category).copied()))
        .filter(|(_, old, new)| old != new)
        .collect();
    let answers = then.needs_answer != now.needs_answer;
    if moved.is_empty() && !answers && then.proposal == now.proposal {
        return Ok(());
    }
    sums.changed += 1;
    if answers {
        *(if now.needs_answer { &mut sums.answers.0 } else { &mut sums.answers.1 }) += 1;
    }
    for one in &moved {
        *sums.moves.entry(*one).or_default() += 1;
    }
    let name = judgements::name(judgement.case, &judgement.account, &judgement.native);
    if json {
        let changes: Vec<_> = moved
            .iter()
            .map(|(category, old, new)| {
                json!({ "category": category.code(), "from": code(*old), "to": code(*new) })
            })
            .collect();
        let line = json!({
            "comment": name,
            "version": judgement.n,
            "seen_at": judgement.seen_at,
            "changes": changes,
            "proposal": { "from": then.proposal.code(), "to": now.proposal.code() },
            "needs_answer": { "from": then.needs_answer, "to": now.needs_answer },
            "rules_then": judgement.judged.rules,
        });
        writeln!(out, "{line}")?;
        return Ok(());
    }
    let mut parts: Vec<String> = moved
        .iter()
        .map(|(category, old, new)| format!("{} {} → {}", category.code(), code(*old), code(*new)))
        .collect();
    if answers {
        parts.push(if now.needs_answer { "väntar nu svar" } else { "väntar inte längre svar" }.to_owned());
    }
    if then.proposal != now.proposal {
        parts.push(format!(
            "förslag: {} → {}",
            words::proposal(then.proposal),
            words::proposal(now.proposal)
        ));
    }
    writeln!(out, "{name}: {}", parts.join("; "))?;
    Ok(())
}

fn end(sums: &Sums, rules: &RuleSet, out: &mut dyn Write) -> anyhow::Result<()> {
    let moves: Vec<_> = sums
        .moves
        .iter()
        .map(|((category, old, new), count)| {
            json!({ "category": category.code(), "from": code(*old), "to": code(*new), "count": count })
        })
        .collect();
    let line = json!({ "replayed": {
        "texts": sums.texts,
        "changed": sums.changed,
        "disposed_of": sums.gone,
        "moves": moves,
        "answers_more": sums.answers.0,
        "answers_less": sums.answers.1,
        "rules": rules.version(),
        "rules_then": sums.versions,
    } });
    writeln!(out, "{line}")?;
    Ok(())
}

fn summary(sums: &Sums, rules: &RuleSet, out: &mut dyn Write) -> anyhow::Result<()> {
    if sums.changed > 0 {
        writeln!(out)?;
    }
    for ((category, old, new), count) in &sums.moves {
        writeln!(
            out,
            "{count:>7}  {} ({}): {} → {}",
            category.name(),
            category.code(),
            code(*old),
            code(*new)
        )?;
    }
    if sums.answers != (0, 0) {
        writeln!(out, "{:>7}  väntar svar; {} väntar inte längre", sums.answers.0, sums.answers.1)?;
    }
    let then: Vec<&str> = sums.versions.iter().map(String::as_str).collect();
    writeln!(
        out,
        "{} texter bedömda på nytt med regler {}; {} hade fått ett annat utfall. Då gällde: {}.",
        sums.texts,
        rules.version(),
        sums.changed,
        if then.is_empty() { "inga".to_owned() } else { then.join(", ") }
    )?;
    if sums.gone > 0 {
        writeln!(out, "{} texter är gallrade och kan inte bedömas på nytt.", sums.gone)?;
    }
    writeln!(out, "Ingenting har ändrats.")?;
    Ok(())
}
