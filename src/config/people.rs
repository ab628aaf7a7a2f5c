//! Boards, persons and absences: who there is, and whether everybody who is named is there.

use std::collections::{BTreeMap, BTreeSet};

use super::machine::{email, id};
use super::profile::decision;
use super::reader::{At, Place, Report, Section, quote, suggestion};
use super::{Board, BoardKind};
use crate::domain::category::DecisionRef;
use crate::domain::roster::{Absence, AbsenceKind, Person, Role, Roster};

/// Services that can be forbidden by name; another name is probably a slip of the pen.
const SERVICES: [&str; 16] = [
    "facebook",
    "instagram",
    "youtube",
    "linkedin",
    "x",
    "bluesky",
    "tiktok",
    "telegram",
    "snapchat",
    "reddit",
    "threads",
    "mastodon",
    "whatsapp",
    "discord",
    "pinterest",
    "twitch",
];

/// What references can point to. An id stands here also when its table has other faults, so that one fault
/// is not told twice.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) person_ids: BTreeSet<String>,
    pub(super) board_ids: BTreeSet<String>,
    /// Persons and absences without fault; accounts and operator are still to come.
    pub(super) roster: Roster,
    pub(super) boards: Vec<Board>,
}

impl Known {
    pub(super) fn person(&self, id: &str) -> Option<&Person> {
        self.roster.person(id)
    }

    /// True if there is a person of this id; a fault otherwise.
    pub(super) fn expect_person(&self, id: &At<String>, report: &mut Report) -> bool {
        expect(&id.value, &id.place, "person", &self.person_ids, report)
    }

    pub(super) fn expect_board(&self, id: &At<String>, report: &mut Report) -> bool {
        expect(&id.value, &id.place, "board", &self.board_ids, report)
    }

    /// A fault if the person is known and has not the role.
    pub(super) fn expect_role(&self, id: &At<String>, role: Role, report: &mut Report) {
        if let Some(person) = self.person(&id.value).filter(|person| !person.roles.contains(&role)) {
            report.fault(
                &id.place,
                format!("person `{}` has not the role `{role}`", person.id),
                format!("add \"{role}\" to person[{}].roles, or name somebody else", person.id),
            );
        }
    }

    /// True if the person is away for good, or without a known end in a way that takes the access away (N11).
    pub(super) fn has_left(&self, id: &str) -> bool {
        self.roster.absences.iter().any(|absence| {
            absence.person == id
                && (absence.kind == AbsenceKind::Ended
                    || (absence.kind == AbsenceKind::Leave && absence.to.is_none()))
        })
    }

    /// Everybody of the deputy chains that begin with `ids`, these included.
    pub(super) fn with_deputies<'a>(&'a self, ids: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        for id in ids {
            let mut next = Some(id);
            while let Some(id) = next.filter(|id| found.insert(*id)) {
                next = self.person(id).and_then(|person| person.deputy.as_deref());
            }
        }
        found
    }
}

fn expect(id: &str, place: &Place, kind: &str, known: &BTreeSet<String>, report: &mut Report) -> bool {
    if known.contains(id) {
        return true;
    }
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    let remedy = suggestion(id, &names).unwrap_or_else(|| format!("add a [[{kind}]] with this id"));
    report.fault(place, format!("there is no {kind} {}", quote(id)), remedy);
    false
}

/// Reads persons, absences and boards, then whether they point to one another.
pub(super) fn known(root: &mut Section<'_, '_>, report: &mut Report) -> Known {
    let mut known = Known::default();
    let mut deputies = Vec::new();
    for section in root.tables(report, "person") {
        person(section, &mut known, &mut deputies, report);
    }
    if known.person_ids.is_empty() {
        report.fault(&Place { key: "person".to_owned(), span: None }, "is missing", "add [[person]]");
    }
    for deputy in &deputies {
        known.expect_person(deputy, report);
    }
    deputy_loops(&known, &deputies, report);
    for section in root.tables(report, "absence") {
        absence(section, &mut known, report);
    }
    for section in root.tables(report, "board") {
        board(section, &mut known, report);
    }
    if known.board_ids.is_empty() {
        report.fault(&Place { key: "board".to_owned(), span: None }, "is missing", "add [[board]]");
    }
    known
}

fn person(
    mut section: Section<'_, '_>,
    known: &mut Known,
    deputies: &mut Vec<At<String>>,
    report: &mut Report,
) {
    let faults_before = report.faults.len();
    let id = id(&mut section, report);
    let twice = id.as_ref().is_some_and(|id| !known.person_ids.insert(id.value.clone()));
    if let Some(id) = id.as_ref().filter(|_| twice) {
        report.fault(&id.place, "is the id of an earlier person", "give each person an id of their own");
    }
    let name = section
        .need(report, "name", "write the name that stands in letters")
        .and_then(|node| node.text(report));
    let address =
        section.need(report, "email", "write where letters go").and_then(|node| email(&node, report));
    let words = Role::ALL.map(|role| (role.code(), role));
    let mut roles = Vec::new();
    if let Some(list) =
        section.need(report, "roles", "write roles = [] if there is none").and_then(|node| node.list(report))
    {
        for node in list {
            if let Some(role) = node.word(report, &words) {
                if roles.contains(&role.value) {
                    report.warn(&role.place, "is named twice", "remove one");
                } else {
                    roles.push(role.value);
                }
            }
        }
    }
    let mut flag = |key| section.get(key).and_then(|node| node.boolean(report)).unwrap_or(false);
    let employed = flag("employed");
    let manager = flag("manager");
    let trained = section.get("trained").and_then(|node| node.date(report)).map(|date| date.value);
    let deputy = section.get("deputy").and_then(|node| node.text(report));
    section.close(report);
    deputies.extend(deputy.clone());
    // Somebody whose roles or dates are misread is known by id only: what follows from them is not told twice.
    if report.faults.len() > faults_before {
        return;
    }
    if let (Some(id), Some(name), Some(address)) = (id, name, address) {
        known.roster.persons.push(Person {
            id: id.value,
            name: name.value,
            email: address.value,
            roles,
            employed,
            manager,
            trained,
            deputy: deputy.map(|deputy| deputy.value),
        });
    }
}

/// Follows each chain of deputies; a loop is told once, at its first person in the order of the ids.
fn deputy_loops(known: &Known, deputies: &[At<String>], report: &mut Report) {
    let next: BTreeMap<&str, &str> = known
        .roster
        .persons
        .iter()
        .filter_map(|person| Some((person.id.as_str(), person.deputy.as_deref()?)))
        .collect();
    for start in next.keys() {
        let mut chain = vec![*start];
        while let Some(to) = chain.last().and_then(|last| next.get(last)) {
            if to == start {
                if chain.iter().min() == Some(start) {
                    let key = format!("person[{start}].deputy");
                    let span = deputies.iter().find(|deputy| deputy.place.key == key);
                    let place = Place { span: span.and_then(|deputy| deputy.place.span.clone()), key };
                    let names = chain.iter().chain([start]).copied().collect::<Vec<_>>().join(" → ");
                    report.fault(
                        &place,
                        format!("deputies in a loop: {names}"),
                        "end the chain with somebody",
                    );
                }
                break;
            }
            if chain.contains(to) {
                break;
            }
            chain.push(*to);
        }
    }
}

fn absence(mut section: Section<'_, '_>, known: &mut Known, report: &mut Report) {
    let person = section
        .need(report, "person", "name who is away")
        .and_then(|node| node.text(report))
        .filter(|id| known.expect_person(id, report));
    let from = section.need(report, "from", "write the first day").and_then(|node| node.date(report));
    let to = section.get("to").map(|node| node.date(report));
    let kinds = [("away", AbsenceKind::Away), ("leave", AbsenceKind::Leave), ("ended", AbsenceKind::Ended)];
    let kind = section
        .need(report, "kind", "write away (the deputy acts), leave (no letters, no access) or ended")
        .and_then(|node| node.word(report, &kinds));
    section.close(report);
    if let (Some(from), Some(Some(to))) = (&from, &to)
        && to.value < from.value
    {
        report.fault(
            &to.place,
            format!("{} is before from, {}", to.value, from.value),
            "write the last day, or leave it out if the end is not known",
        );
    }
    if let (Some(kind), Some(Some(to))) = (&kind, &to)
        && kind.value == AbsenceKind::Ended
    {
        report.warn(
            &to.place,
            "ends an absence of kind `ended`, which is for good",
            "remove it, or write leave",
        );
    }
    if let (Some(person), Some(from), Some(kind), None | Some(Some(_))) = (person, from, kind, &to) {
        let to = to.flatten().map(|to| to.value);
        known.roster.absences.push(Absence { person: person.value, from: from.value, to, kind: kind.value });
    }
}

fn board(mut section: Section<'_, '_>, known: &mut Known, report: &mut Report) {
    let id = id(&mut section, report);
    let twice = id.as_ref().is_some_and(|id| !known.board_ids.insert(id.value.clone()));
    if let Some(id) = id.as_ref().filter(|_| twice) {
        report.fault(&id.place, "is the id of an earlier board", "give each board an id of its own");
    }
    let name = section.need(report, "name", "write the board's name").and_then(|node| node.text(report));
    let kinds = [("board", BoardKind::Board), ("company", BoardKind::Company)];
    let kind = section
        .get("kind")
        .map_or(Some(BoardKind::Board), |node| node.word(report, &kinds).map(|kind| kind.value));
    let diary = section
        .need(report, "diary", "write a template such as \"UPP-KS {year}/{n}\"")
        .and_then(|node| node.text(report));
    if let Some(diary) = &diary {
        template(diary, id.as_ref(), known, report);
    }
    let registrar =
        section.need(report, "registrar", "name the person who registers").and_then(|node| node.text(report));
    if let Some(registrar) = &registrar
        && known.expect_person(registrar, report)
    {
        known.expect_role(registrar, Role::Registrar, report);
    }
    let denied = section.section(report, "denied");
    if let (Some(table), Some(BoardKind::Board)) = (&denied, kind) {
        report.fault(
            &table.place,
            "stands under a board, which follows the municipality's own [denied]",
            "move it there, or write kind = \"company\"",
        );
    }
    let denied = denied.map(|table| denied_services(&table, report)).unwrap_or_default();
    section.close(report);
    if let (Some(id), Some(name), Some(kind), Some(diary), Some(registrar), false) =
        (id, name, kind, diary, registrar, twice)
    {
        known.boards.push(Board {
            id: id.value,
            name: name.value,
            kind,
            diary: diary.value,
            registrar: registrar.value,
            denied,
        });
    }
}

/// A diary number must be one number, and no number of another series (N4).
fn template(diary: &At<String>, id: Option<&At<String>>, known: &Known, report: &mut Report) {
    let text = &diary.value;
    for part in ["{year}", "{n}"] {
        if text.matches(part).count() != 1 {
            report.fault(
                &diary.place,
                format!("{} does not hold {part} once", quote(text)),
                "write a template such as \"UPP-KS {year}/{n}\"",
            );
        }
    }
    let rest = text.replace("{year}", "\u{0}").replace("{n}", "\u{0}");
    if rest.contains(['{', '}']) {
        report.fault(
            &diary.place,
            format!("{} holds braces other than {{year}} and {{n}}", quote(text)),
            "use only {year} and {n}",
        );
    }
    if rest.contains("\u{0}\u{0}") {
        report.fault(
            &diary.place,
            format!("{} has nothing between {{year}} and {{n}}", quote(text)),
            "put a / between them: two numbers could be written alike",
        );
    }
    // The series of the e-diary is called by the board's own id: `KS 2026/123`.
    let prefix = text.split('{').next().unwrap_or_default().trim();
    if prefix.is_empty() || id.is_some_and(|id| id.value.eq_ignore_ascii_case(prefix)) {
        report.warn(
            &diary.place,
            format!("{} has no prefix of its own, and can be taken for a number of the e-diary", quote(text)),
            "write \"UPP-… {year}/{n}\"",
        );
    }
    if known.boards.iter().any(|board| board.diary == *text) {
        report.fault(
            &diary.place,
            "is the series of an earlier board: one number would name two matters",
            "give each board a prefix of its own",
        );
    }
}

/// `[denied]`: a service, and the decision that forbids it (R8).
pub(super) fn denied_services(
    section: &Section<'_, '_>,
    report: &mut Report,
) -> BTreeMap<String, DecisionRef> {
    let mut denied = BTreeMap::new();
    for (name, node) in section.entries() {
        let service = name.value.to_lowercase();
        if !SERVICES.contains(&service.as_str()) {
            let remedy = suggestion(&service, &SERVICES)
                .unwrap_or_else(|| format!("known services: {}", SERVICES.join(", ")));
            report.warn(&name.place, "is no service that Uppsikt knows by name", remedy);
        }
        if let Some(decision) = decision(&node, report) {
            denied.insert(service, decision);
        }
    }
    denied
}
