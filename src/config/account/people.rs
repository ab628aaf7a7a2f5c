//! Who owns an account and who answers there, and that somebody always does.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::super::reader::{At, Report, Section, quote};
use super::Context;
use crate::domain::roster::Role;

/// The account owner: a manager who is employed (R57).
pub(super) fn owner(
    section: &mut Section<'_, '_>,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<At<String>> {
    let owner = section.need(report, "owner", "name the manager who owns the account")?.text(report)?;
    if !context.known.expect_person(&owner, report) {
        return None;
    }
    context.known.expect_role(&owner, Role::Owner, report);
    if let Some(person) = context.known.person(&owner.value) {
        if !person.manager {
            report.fault(
                &owner.place,
                format!("person `{}` is no manager: \"Kontoansvarig … måste vara en chef\"", person.id),
                format!("write manager = true under person[{}] if so, or name a manager", person.id),
            );
        }
        if !person.employed {
            report.fault(
                &owner.place,
                format!("person `{}` is not employed, and cannot own an account", person.id),
                format!("write employed = true under person[{}] if so, or name somebody else", person.id),
            );
        }
    }
    Some(owner)
}

/// The editors: with the role, and trained and employed as the profile demands (R58).
pub(super) fn editors(
    section: &mut Section<'_, '_>,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<Vec<At<String>>> {
    let node = section.need(report, "editors", "name the persons who answer, in order of turn")?;
    let list = node.list(report)?;
    if list.is_empty() {
        report.fault(&node.place, "names nobody: no comment would be answered", "name at least one person");
    }
    let mut editors: Vec<At<String>> = Vec::new();
    for node in &list {
        let Some(editor) = node.text(report) else { continue };
        if editors.iter().any(|earlier| earlier.value == editor.value) {
            report.fault(&editor.place, format!("{} is named twice", quote(&editor.value)), "remove one");
            continue;
        }
        if context.known.expect_person(&editor, report) {
            context.known.expect_role(&editor, Role::Editor, report);
            qualified(&editor, context, report);
        }
        editors.push(editor);
    }
    Some(editors)
}

fn qualified(editor: &At<String>, context: &Context<'_>, report: &mut Report) {
    let Some(person) = context.known.person(&editor.value) else { return };
    let rules = [
        (person.trained.is_some(), context.editors.trained, "not trained as an editor", "trained = the date"),
        (person.employed, context.editors.employed, "not employed", "employed = true"),
    ];
    for (fulfilled, required, what, remedy) in rules {
        let message = format!("editor `{}` is {what}", person.id);
        let remedy = format!("write {remedy} under person[{}] if so, or name somebody else", person.id);
        if fulfilled {
            continue;
        }
        if required {
            report.fault(&editor.place, format!("{message}, which the profile demands"), remedy);
        } else {
            report.warn(&editor.place, message, remedy);
        }
    }
}

/// At least two with access (R62), and on no day nobody (R3).
pub(super) fn coverage(
    section: &Section<'_, '_>,
    owner: &At<String>,
    editors: &[At<String>],
    context: &Context<'_>,
    report: &mut Report,
) {
    let known = context.known;
    let named: BTreeSet<&str> = editors.iter().chain([owner]).map(|id| id.value.as_str()).collect();
    let with_access = named.iter().filter(|id| !known.has_left(id)).count();
    let place = section.child("editors");
    if with_access < 2 {
        report.warn(
            &place,
            format!(
                "{with_access} of the persons named has access: \"Minst två anställda bör ha behörighet\""
            ),
            "name another editor",
        );
    }
    let communicators =
        known.roster.persons.iter().filter(|person| person.roles.contains(&Role::Communicator));
    let chain = known.with_deputies(
        named.iter().copied().chain(communicators.map(|person| person.id.as_str())).chain(context.operator),
    );
    // Who is there changes only on the first day of an absence, so those days tell all.
    let days: BTreeSet<NaiveDate> = known.roster.absences.iter().map(|absence| absence.from).collect();
    let nobody = |day: &NaiveDate| !chain.iter().any(|id| known.roster.absence(id, *day).is_none());
    let Some(day) = days.into_iter().find(nobody) else { return };
    let for_good = chain
        .iter()
        .all(|id| known.roster.absences.iter().any(|absence| absence.person == *id && absence.to.is_none()));
    let message = format!(
        "nobody is there from {day}: not the owner, no editor, no deputy, no communicator, not the operator"
    );
    let remedy = "name a deputy who is there, or correct the absences";
    if for_good {
        report.fault(&place, message, remedy);
    } else {
        report.warn(&place, message, remedy);
    }
}
