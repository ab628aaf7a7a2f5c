//! `uppsikt duties`: what waits for whom, soonest first; `--list`: every kind of duty there is, with the law behind it.

use std::io::Write;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{Outcome, decide};
use crate::assemble;
use crate::config::Config;
use crate::domain::calendar::instant_in_words;
use crate::domain::case::CaseId;
use crate::domain::duty::{DutyState, KINDS, Kind, Period, Rung, Trigger};
use crate::domain::roster::Target;
use crate::domain::words;
use crate::outbox;
use crate::store::{Reader, duties};

/// Shows the table of the kinds of duty: in words, or with `json` as one object a line.
///
/// # Errors
/// `out`'s.
pub fn list(json: bool, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    for kind in KINDS {
        if json {
            let ladder: Vec<_> = kind
                .ladder
                .iter()
                .map(|(rung, targets)| {
                    let targets: Vec<_> = targets.iter().map(|target| target_in_words(*target)).collect();
                    json!({ "rung": rung.code(), "reaches": targets })
                })
                .collect();
            let outcomes: Vec<_> = kind.outcomes.iter().map(|outcome| outcome.code()).collect();
            let line = json!({
                "code": kind.code, "name": kind.name, "source": kind.source, "trigger": trigger(kind.trigger),
                "period": period(kind.period), "first": kind.first.code(), "urgent": kind.urgent,
                "ladder": ladder, "outcomes": outcomes,
            });
            writeln!(out, "{line}")?;
            continue;
        }
        writeln!(out, "{}: {}", kind.code, kind.name)?;
        writeln!(out, "  Varför: {}.", kind.source)?;
        writeln!(out, "  Tid: {}, {}.", period(kind.period), trigger(kind.trigger))?;
        let urgent = if kind.urgent { "Brådskande: vid vilken timme som helst. " } else { "" };
        writeln!(out, "  Vem: {}först {}; {}.", urgent, kind.first.name(), ladder(kind))?;
        let outcomes: Vec<_> = kind.outcomes.iter().map(|outcome| words::outcome(*outcome)).collect();
        let ends = match outcomes.as_slice() {
            [] => "när det som väckte den är över; ingen beslutar bort den".to_owned(),
            some => some.join(", "),
        };
        writeln!(out, "  Slutar: {ends}.\n")?;
    }
    Ok(Outcome::Done)
}

/// Shows the open duties and who has each now: in words, or with `json` as one object a line.
///
/// # Errors
/// The store's; `out`'s.
pub fn open(config: &Config, json: bool, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    assemble::reading(config, |reader| waiting(reader, config, decide::now(reader)?, json, out))?;
    Ok(Outcome::Done)
}

fn waiting(
    reader: &Reader,
    config: &Config,
    now: DateTime<Utc>,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let all = duties::open(reader)?;
    if all.is_empty() && !json {
        writeln!(out, "Ingenting väntar.")?;
    }
    for duty in all {
        let Some(kind) = Kind::named(&duty.what.kind) else { continue };
        let persons = outbox::persons(reader, config, kind, Rung::Due, &duty, now)?;
        if json {
            let line = json!({
                "id": duty.id, "kind": kind.code, "case": duty.what.case.map(|case: CaseId| case.to_string()),
                "account": duty.what.account, "due_at": duty.what.due_at, "found_at": duty.what.found_at,
                "state": duty.state, "persons": persons, "explain": duty.what.explain,
            });
            writeln!(out, "{line}")?;
            continue;
        }
        let about = duty.what.case.map_or_else(|| duty.what.account.clone(), |case| case.to_string());
        let names: Vec<_> = persons
            .iter()
            .map(|id| config.roster.person(id).map_or(id.as_str(), |person| person.name.as_str()))
            .collect();
        writeln!(
            out,
            "{}  {about}: {} ({}). {}.",
            instant_in_words(duty.what.due_at),
            kind.name,
            duty.state.parse::<DutyState>().map_or("", words::duty_state),
            names.join(", ")
        )?;
    }
    Ok(())
}

fn trigger(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Received => "från kommentarens egen tid",
        Trigger::Flagged => "från det att reglerna flaggade",
        Trigger::Proposed => "från förslaget",
        Trigger::SeenChanged => "från det att ändringen sågs",
        Trigger::Failed => "från det att det gick fel",
        Trigger::Daily => "varje arbetsdag",
    }
}

fn period(period: Period) -> String {
    match period {
        Period::Hours(hours) => format!("{hours} timmar, nätter och helger inräknade"),
        Period::NextWorkingDay => "till slutet av nästa arbetsdag".to_owned(),
        Period::SameDayOrNext(hours) => format!("{hours} timmar av den första bemannade dagen"),
        Period::AtOnce => "genast".to_owned(),
        Period::WorkingDays(days) => format!("{days} arbetsdagar"),
    }
}

fn ladder(kind: &Kind) -> String {
    let rungs = kind.ladder.iter().map(|(rung, targets)| {
        let targets: Vec<_> = targets.iter().map(|target| target_in_words(*target)).collect();
        let rung = match rung {
            Rung::Warn => "varning",
            Rung::Due => "påminnelse",
            Rung::Overdue => "försenat",
            Rung::Escalate => "upp ett steg",
        };
        format!("{rung} till {}", targets.join(" och "))
    });
    rungs.collect::<Vec<_>>().join(", ")
}

fn target_in_words(target: Target) -> &'static str {
    match target {
        Target::Responsible => "den ansvariga",
        Target::Deputy => "den som rycker in",
        Target::Owner => "kontots ägare",
        Target::Communicator => "kommunikatören",
        Target::Operator => "driften",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_stands_in_the_list_with_its_law_its_time_its_people_and_its_end() {
        let mut text = Vec::new();
        list(false, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let mut lines = Vec::new();
        list(true, &mut lines).unwrap();
        let lines = String::from_utf8(lines).unwrap();
        assert_eq!(lines.lines().count(), KINDS.len());
        assert_eq!(text.matches("  Slutar: ").count(), KINDS.len());
        for (kind, line) in KINDS.iter().zip(lines.lines()) {
            assert!(text.contains(&format!("{}: {}\n  Varför: {}.\n", kind.code, kind.name, kind.source)));
            let told: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(told["code"], kind.code);
            assert_eq!(told["ladder"].as_array().unwrap().len(), kind.ladder.len(), "{}", kind.code);
            assert!(!told["period"].as_str().unwrap().is_empty());
        }
        assert!(
            text.contains("24 timmar, nätter och helger inräknade, från kommentarens egen tid"),
            "{text}"
        );
    }
}
