use proptest::prelude::*;

use super::*;

fn at() -> DateTime<Utc> {
    "2026-12-23T10:00:00Z".parse().unwrap()
}

fn today() -> NaiveDate {
    calendar::local_date(at())
}

fn person(id: &str, roles: &[Role], deputy: Option<&str>) -> Person {
    Person {
        id: id.into(),
        name: format!("{}{} Exempel", id[..1].to_uppercase(), &id[1..]),
        email: format!("{id}@exempel.se"),
        roles: roles.to_vec(),
        employed: true,
        manager: roles.contains(&Role::Owner),
        trained: None,
        deputy: deputy.map(str::to_owned),
    }
}

/// Two editors, each with a deputy, an owner with a deputy, two communicators, an operator.
fn roster() -> Roster {
    Roster {
        persons: vec![
            person("anna", &[Role::Editor], Some("dag")),
            person("bo", &[Role::Editor], Some("eva")),
            person("dag", &[Role::Editor], Some("eva")),
            person("eva", &[Role::Editor], None),
            person("chef", &[Role::Owner, Role::Head], Some("vice")),
            person("vice", &[], None),
            person("kim", &[Role::Communicator], None),
            person("lo", &[Role::Communicator], None),
            person("reg", &[Role::Registrar], None),
            person("drift", &[Role::It], None),
        ],
        absences: Vec::new(),
        accounts: vec![AccountStaff {
            account: "fb".into(),
            owner: "chef".into(),
            editors: vec!["anna".into(), "bo".into()],
            registrar: "reg".into(),
        }],
        operator: "drift".into(),
    }
}

fn gone(ids: &[&str], kind: AbsenceKind) -> Roster {
    let mut roster = roster();
    roster.absences.extend(ids.iter().map(|id| Absence {
        person: (*id).into(),
        from: today(),
        to: Some(today()),
        kind,
    }));
    roster
}

fn away(ids: &[&str]) -> Roster {
    gone(ids, AbsenceKind::Away)
}

#[test]
fn the_chain_goes_on_until_somebody_is_there() {
    // Away, role, who, alarm.
    let table: &[(&[&str], Role, &str, bool)] = &[
        (&[], Role::Editor, "anna", false),
        (&["bo"], Role::Editor, "anna", false),
        (&["anna"], Role::Editor, "dag", false),
        (&["anna", "dag"], Role::Editor, "eva", false),
        (&["anna", "dag", "eva"], Role::Editor, "bo", false),
        (&["anna", "dag", "eva", "bo"], Role::Editor, "chef", true),
        (&["anna", "dag", "eva", "bo", "chef"], Role::Editor, "vice", true),
        (&["anna", "dag", "eva", "bo", "chef", "vice"], Role::Editor, "kim", true),
        (&["anna", "dag", "eva", "bo", "chef", "vice", "kim"], Role::Editor, "lo", true),
        (&["anna", "dag", "eva", "bo", "chef", "vice", "kim", "lo"], Role::Editor, "drift", true),
        (&["anna", "dag", "eva", "bo", "chef", "vice", "kim", "lo", "drift"], Role::Editor, "reg", true),
        (
            &["anna", "dag", "eva", "bo", "chef", "vice", "kim", "lo", "drift", "reg"],
            Role::Editor,
            "drift",
            true,
        ),
        (&[], Role::Owner, "chef", false),
        (&["chef"], Role::Owner, "vice", false),
        (&["chef", "vice"], Role::Owner, "kim", true),
        (&[], Role::Head, "chef", false),
        (&["chef", "vice"], Role::Head, "kim", true),
        (&["kim"], Role::Communicator, "lo", false),
        (&["kim", "lo"], Role::Communicator, "drift", true),
        (&[], Role::Registrar, "reg", false),
        (&["reg"], Role::Registrar, "kim", true),
        (&[], Role::Dpo, "kim", true),
        (&[], Role::It, "drift", false),
        (&["drift"], Role::It, "anna", true),
    ];
    for (absent, role, expected, alarm) in table {
        for kind in [AbsenceKind::Away, AbsenceKind::Leave, AbsenceKind::Ended] {
            let found = responsible(&gone(absent, kind), "fb", *role, at());
            assert_eq!((found.person.as_str(), found.alarm), (*expected, *alarm), "{absent:?} {role}");
            assert!(!found.explain.is_empty());
        }
    }
}

#[test]
fn the_way_is_told_in_swedish() {
    let found = responsible(&away(&["anna", "dag", "eva", "bo"]), "fb", Role::Editor, at());
    assert_eq!(
        found.explain,
        [
            "Anna Exempel är borta till och med onsdag 23 december 2026.",
            "Dag Exempel är borta till och med onsdag 23 december 2026.",
            "Eva Exempel är borta till och med onsdag 23 december 2026.",
            "Bo Exempel är borta till och med onsdag 23 december 2026.",
            "Eva Exempel är borta till och med onsdag 23 december 2026.",
            "Ingen redaktör och ingen ersättare är på plats.",
            "Chef Exempel är kontoansvarig chef och på plats.",
        ]
    );
    let found = responsible(&away(&["anna"]), "fb", Role::Editor, at());
    assert_eq!(found.explain[1], "Dag Exempel är på plats som ersättare för Anna Exempel (redaktör).");
}

#[test]
fn deputies_that_name_each_other_end_the_search() {
    for (from, to) in [("eva", "anna"), ("eva", "eva"), ("dag", "dag"), ("dag", "nobody")] {
        let mut roster = away(&["anna", "bo", "dag", "eva"]);
        roster.persons.iter_mut().find(|person| person.id == from).unwrap().deputy = Some(to.into());
        let found = responsible(&roster, "fb", Role::Editor, at());
        assert_eq!((found.person.as_str(), found.alarm), ("chef", true), "{from} -> {to}");
    }
}

#[test]
fn an_empty_or_wrong_roster_still_names_somebody() {
    let nobody = Roster { operator: "drift".into(), ..Roster::default() };
    for role in Role::ALL {
        let found = responsible(&nobody, "fb", role, at());
        assert_eq!((found.person.as_str(), found.alarm), ("drift", true), "{role}");
    }
    let found = responsible(&roster(), "unknown", Role::Editor, at());
    assert_eq!((found.person.as_str(), found.alarm), ("kim", true));
    assert_eq!(found.explain[0], "Kontot `unknown` har inga ansvariga i registret.");
}

#[test]
fn absences_are_local_days_with_both_ends() {
    let mut roster = roster();
    roster.absences.push(Absence {
        person: "anna".into(),
        from: "2026-12-21".parse().unwrap(),
        to: Some("2027-01-06".parse().unwrap()),
        kind: AbsenceKind::Away,
    });
    for (minute, expected) in [
        ("2026-12-20T22:59:59Z", "anna"),
        ("2026-12-20T23:00:00Z", "dag"),
        ("2027-01-06T22:59:59Z", "dag"),
        ("2027-01-06T23:00:00Z", "anna"),
    ] {
        let found = responsible(&roster, "fb", Role::Editor, minute.parse().unwrap());
        assert_eq!(found.person, expected, "{minute}");
    }
    roster.absences[0].to = None;
    let found = responsible(&roster, "fb", Role::Editor, "2030-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(found.person, "dag");
    assert_eq!(found.explain[0], "Anna Exempel är borta tills vidare.");
}

#[test]
fn who_has_ended_has_ended_for_good_and_leave_outweighs_away() {
    let mut ended = gone(&["anna"], AbsenceKind::Ended);
    let later = today() + chrono::Days::new(400);
    assert!(!ended.in_service("anna", later));
    assert!(ended.in_service("anna", today().pred_opt().unwrap()));
    ended.absences[0].kind = AbsenceKind::Leave;
    ended.absences.push(Absence { kind: AbsenceKind::Away, ..ended.absences[0].clone() });
    assert!(!ended.in_service("anna", today()));
    assert!(ended.in_service("anna", later));
    assert!(!ended.in_service("nobody", today()));
}

#[test]
fn a_post_goes_first_to_its_owner_and_never_to_who_may_not() {
    let roster = away(&["anna"]);
    let ask = Ask { account: "fb", role: Role::Editor, at: at(), post_owner: Some("bo"), except: &[] };
    assert_eq!(find(&roster, &ask).person, "bo");
    assert_eq!(find(&roster, &Ask { except: &["bo"], ..ask }).person, "eva");
    assert_eq!(find(&roster, &Ask { post_owner: Some("nobody"), ..ask }).person, "dag");
    // Four eyes: who proposed it does not approve it.
    let approve = Ask { role: Role::Head, post_owner: None, except: &["chef"], ..ask };
    assert_eq!(find(&roster, &approve).person, "vice");
    assert_eq!(find(&roster, &Ask { except: &["chef", "vice"], ..approve }).person, "kim");
}

#[test]
fn each_target_of_a_ladder_is_a_person() {
    let table: &[(&[&str], Target, &str)] = &[
        (&[], Target::Responsible, "anna"),
        (&[], Target::Deputy, "dag"),
        (&[], Target::Owner, "chef"),
        (&[], Target::Communicator, "kim"),
        (&[], Target::Operator, "drift"),
        (&["anna"], Target::Responsible, "dag"),
        (&["anna"], Target::Deputy, "eva"),
        (&["dag", "eva"], Target::Deputy, "bo"),
        (&["dag", "eva", "bo"], Target::Deputy, "chef"),
        (&["chef", "vice"], Target::Owner, "kim"),
        (&["kim", "lo"], Target::Communicator, "drift"),
    ];
    for (absent, rung, expected) in table {
        let ask = Ask { account: "fb", role: Role::Editor, at: at(), post_owner: None, except: &[] };
        assert_eq!(target(&away(absent), &ask, *rung).person, *expected, "{absent:?} {rung:?}");
    }
}

#[test]
fn rights_follow_role_account_and_service() {
    let mut roster = away(&["anna", "chef"]);
    roster.absences.push(Absence { person: "lo".into(), from: today(), to: None, kind: AbsenceKind::Leave });
    roster.accounts.push(AccountStaff {
        account: "yt".into(),
        owner: "kim".into(),
        editors: vec!["eva".into()],
        registrar: "reg".into(),
    });
    // Person, account, roles.
    let table: &[(&str, &str, &[Role])] = &[
        ("anna", "fb", &[Role::Editor]),
        ("anna", "yt", &[]),
        ("bo", "fb", &[Role::Editor]),
        ("eva", "fb", &[]),
        ("eva", "yt", &[Role::Editor]),
        // As deputies of those who are away.
        ("dag", "fb", &[Role::Editor]),
        ("dag", "yt", &[]),
        ("vice", "fb", &[Role::Owner, Role::Head]),
        ("vice", "yt", &[Role::Head]),
        ("chef", "fb", &[Role::Owner, Role::Head]),
        ("chef", "yt", &[Role::Head]),
        // Named as an owner, without the role: the roster must be mended first.
        ("kim", "yt", &[Role::Communicator]),
        ("reg", "fb", &[Role::Registrar]),
        ("drift", "fb", &[Role::It]),
    ];
    for (person, account, roles) in table {
        assert_eq!(roles_for(&roster, person, account, at()).as_deref(), Ok(*roles), "{person} {account}");
        for role in Role::ALL {
            let allowed = may(&roster, person, role, account, at()).is_ok();
            assert_eq!(allowed, roles.contains(&role), "{person} {role} {account}");
        }
    }
    let refused =
        |person: &str, account: &str| may(&roster, person, Role::Editor, account, at()).unwrap_err();
    assert!(matches!(refused("lo", "fb"), Refused::NotInService { .. }));
    assert!(matches!(refused("nobody", "fb"), Refused::UnknownPerson { .. }));
    assert!(matches!(refused("bo", "nothing"), Refused::UnknownAccount { .. }));
    assert_eq!(
        refused("eva", "fb").to_string(),
        "`eva` is not editor for `fb`, nor steps in for one who is away"
    );
    assert_eq!(
        refused("eva", "fb").in_swedish(),
        "”eva” är inte redaktör för ”fb” och är inte heller ersättare för någon som är borta."
    );
}

#[test]
fn who_is_on_leave_does_not_count() {
    let counted = |roster: &Roster, account: &str| -> Vec<String> {
        active_with_access(roster, account, today()).into_iter().map(|person| person.id.clone()).collect()
    };
    assert_eq!(counted(&away(&["anna"]), "fb"), ["anna", "bo", "chef"]);
    assert_eq!(counted(&gone(&["anna"], AbsenceKind::Leave), "fb"), ["bo", "chef"]);
    assert_eq!(counted(&gone(&["anna", "chef"], AbsenceKind::Ended), "fb"), ["bo"]);
    let mut twice = roster();
    twice.accounts[0].editors = vec!["chef".into(), "chef".into(), "nobody".into()];
    assert_eq!(counted(&twice, "fb"), ["chef"]);
    assert!(counted(&twice, "yt").is_empty());
}

proptest! {
    /// Any deputies, any absences: the search ends, and whoever is on leave is found only if all are gone.
    #[test]
    fn somebody_at_work_is_found_if_there_is_one(
        deputies in prop::collection::vec(prop::option::of(0usize..10), 10),
        absent in prop::collection::vec(prop::option::of(0usize..3), 10),
        role in 0usize..9,
    ) {
        let mut roster = roster();
        let ids: Vec<String> = roster.persons.iter().map(|person| person.id.clone()).collect();
        for (person, deputy) in roster.persons.iter_mut().zip(deputies) {
            person.deputy = deputy.map(|index| ids[index].clone());
        }
        let kinds = [AbsenceKind::Away, AbsenceKind::Leave, AbsenceKind::Ended];
        for (id, kind) in ids.iter().zip(absent) {
            if let Some(kind) = kind {
                roster.absences.push(Absence { person: id.clone(), from: today(), to: None, kind: kinds[kind] });
            }
        }
        let found = responsible(&roster, "fb", Role::ALL[role], at());
        let somebody = ids.iter().any(|id| roster.absence(id, today()).is_none());
        let there = roster.absence(&found.person, today()).is_none();
        prop_assert_eq!(there, somebody);
        prop_assert!(there || found.alarm);
    }
}
