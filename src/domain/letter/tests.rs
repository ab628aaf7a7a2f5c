use proptest::prelude::*;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn times_are_told_in_swedish_time_and_words() {
    let now = at("2026-11-23T08:00:00Z");
    for (time, expected) in [
        ("2026-11-23T15:30:00Z", "i dag 16.30"),
        ("2026-11-23T23:30:00Z", "i morgon 00.30"),
        ("2026-11-22T22:59:00Z", "i går 23.59"),
        ("2026-11-27T11:00:00Z", "fredag 27 november 12.00"),
        ("2027-01-04T07:05:00Z", "måndag 4 januari 2027 08.05"),
        ("2026-06-22T10:00:00Z", "måndag 22 juni 12.00"),
    ] {
        assert_eq!(soon(at(time), now), expected);
    }
    assert_eq!(moment(now), "måndag 23 november 2026 kl. 09.00");
}

/// Source: SFS 2001:127; the changes of 2026 are on 29 March and 25 October.
#[test]
fn near_a_change_of_the_clocks_the_offset_is_told() {
    for (time, expected) in [
        ("2026-10-25T00:30:00Z", "02.30 (sommartid, UTC+2)"),
        ("2026-10-25T01:30:00Z", "02.30 (normaltid, UTC+1)"),
        ("2026-10-24T14:30:00Z", "16.30 (sommartid, UTC+2)"),
        ("2026-10-26T15:30:00Z", "16.30"),
        ("2026-03-29T00:59:00Z", "01.59 (normaltid, UTC+1)"),
        ("2026-03-29T01:00:00Z", "03.00 (sommartid, UTC+2)"),
        ("2026-03-27T15:30:00Z", "16.30"),
    ] {
        assert_eq!(clock(at(time)), expected, "{time}");
    }
    // The ends of time have no day before or after; nothing panics.
    let _ = (
        moment(DateTime::<Utc>::MIN_UTC + chrono::TimeDelta::days(2)),
        clock(DateTime::<Utc>::MAX_UTC - chrono::TimeDelta::days(2)),
    );
}

fn item(act: &str, account: &str, rung: Rung, due: Option<&str>, categories: &[Category]) -> LetterItem {
    LetterItem {
        matter: Matter::Case {
            case: CaseId(1),
            dnr: None,
            content: Content::new(categories, Some("Namn Namnsson"), "hemlig text", vec![], None),
        },
        act: act.into(),
        duty: "svar".into(),
        rung,
        due_at: due.map(at),
        reckoning: vec![],
        account: account.into(),
        post: None,
        link: None,
        told: vec![],
    }
}

fn letter(created_at: &str, body: Body) -> Letter {
    let to = Recipient::new("anna", "Anna Exempel", "anna@exempel.se").unwrap();
    Letter {
        message_id: MessageId::new("l-1").unwrap(),
        created_at: at(created_at),
        in_reply_to: None,
        foot: Foot { organisation: "Exempel kommun".into(), operator: to.clone(), checkpoint: None },
        to,
        body,
    }
}

fn check_duties(items: Vec<LetterItem>, expected: &str) {
    let duties = Duties { items, list: None, last_today: false };
    let subject = letter("2026-11-23T08:00:00Z", Body::Duties(duties)).subject();
    assert_eq!(subject, expected);
}

#[test]
fn a_subject_says_what_to_do_and_by_when() {
    let due = Some("2026-11-23T15:30:00Z");
    let question = |rung, due| item("Svara", "Facebook", rung, due, &[]);
    check_duties(vec![question(Rung::Warn, due); 3], "Svara senast i dag 16.30: 3 kommentarer på Facebook");
    check_duties(vec![question(Rung::Due, due)], "Svara senast i dag 16.30: 1 kommentar på Facebook");
    check_duties(vec![question(Rung::Due, None)], "Svara snarast: 1 kommentar på Facebook");
    check_duties(
        vec![question(Rung::Overdue, Some("2026-11-22T15:30:00Z"))],
        "FÖRSENAT, svara nu: 1 kommentar på Facebook (fristen var i går 16.30)",
    );
    check_duties(
        vec![question(Rung::Escalate, due)],
        "Ta över, ingen har agerat: 1 kommentar på Facebook (fristen är i dag 16.30)",
    );
    check_duties(
        vec![
            question(Rung::Warn, due),
            item("Läs och besluta", "Instagram", Rung::Warn, None, &[Category::Threat]),
        ],
        "Att göra senast i dag 16.30: 2 kommentarer på Facebook och Instagram, varav 1 om fara",
    );
    let mut thread = question(Rung::Warn, due);
    thread.matter = Matter::Thread { count: 212 };
    check_duties(vec![thread.clone()], "Svara senast i dag 16.30: 212 kommentarer på Facebook");
    thread.matter = Matter::Account;
    check_duties(vec![thread], "Svara senast i dag 16.30: 1 uppgift på Facebook");
    let many: Vec<_> =
        ["A", "B", "C", "A"].iter().map(|name| item("Svara", name, Rung::Warn, due, &[])).collect();
    check_duties(many, "Svara senast i dag 16.30: 4 kommentarer på 3 konton");
}

#[test]
fn danger_is_said_first_and_in_capitals() {
    let urgent = |categories: &[&[Category]], repeat| {
        let items = categories.iter().map(|c| item("Läs", "X", Rung::Due, None, c)).collect();
        letter("2026-12-24T01:04:00Z", Body::Urgent(Urgent { items, repeat })).subject()
    };
    assert_eq!(urgent(&[&[Category::Threat]], 0), "HOT: läs nu (kl. 02.04)");
    assert_eq!(
        urgent(&[&[Category::SelfHarm], &[Category::Insult, Category::ChildAtRisk]], 2),
        "BARN SOM FAR ILLA och 1 till: läs nu, påminnelse 2 (kl. 02.04)"
    );
    assert_eq!(urgent(&[&[]], 0), "FARA: läs nu (kl. 02.04)");
    assert_eq!(urgent(&[&[Category::SensitivePersonalData]], 0), "BRÅTTOM: läs nu (kl. 02.04)");
}

#[test]
fn posts_with_danger_come_first_then_what_is_due_first() {
    let make = |post: &str, due: Option<&str>, categories: &[Category]| {
        let mut item = item("Svara", "Facebook", Rung::Warn, due, categories);
        item.post = Some(post.into());
        item
    };
    let items = vec![
        make("sent", Some("2026-11-25T10:00:00Z"), &[]),
        make("utan tid", None, &[]),
        make("tidigt", Some("2026-11-24T10:00:00Z"), &[]),
        make("fara", Some("2026-11-28T10:00:00Z"), &[]),
        make("fara", None, &[Category::OngoingCrime]),
        make("sent", Some("2026-11-23T10:00:00Z"), &[]),
    ];
    let posts = by_post(&items);
    let titles: Vec<_> = posts.iter().map(|post| post.title.unwrap().as_str()).collect();
    assert_eq!(titles, ["fara", "sent", "tidigt", "utan tid"]);
    assert!(posts[0].items[0].is_danger());
    assert_eq!(posts.iter().map(|post| post.items.len()).sum::<usize>(), items.len());
    assert!(by_post(&[]).is_empty());
}

#[test]
fn text_that_must_stay_at_home_is_dropped_when_the_content_is_made() {
    let why = || vec![Why { sentence: "regel".into(), words: Some("ord".into()) }];
    for &category in Category::ALL {
        let content =
            Content::new(&[Category::Insult, category], Some("Namn"), "text", why(), Some(Proposal::Hide));
        let home = category.text_stays_home();
        assert_eq!(
            (content.is_withheld(), content.text().is_none(), content.author().is_none()),
            (home, home, home)
        );
        assert_eq!(content.why()[0].words.is_none(), home);
        assert_eq!(content.proposal().is_none(), category.nothing_preselected());
    }
    let marked = Content::new(&[], Some("Namn"), "text", why(), None).withhold();
    assert!(
        marked.is_withheld()
            && marked.text().is_none()
            && marked.author().is_none()
            && marked.why()[0].words.is_none()
    );
}

#[test]
fn a_debug_print_does_not_tell_what_people_wrote() {
    let content = Content::new(&[], None, "hemlig text", vec![], None);
    assert!(!format!("{content:?}").contains("hemlig"));
}

#[test]
fn addresses_that_could_break_a_header_are_refused_without_being_repeated() {
    for email in [
        "",
        "anna",
        "@exempel.se",
        "anna@",
        "anna@exempel..se",
        "a@b@c.se",
        "anna@exempel.se\r\nBcc: x@y.se",
        "an na@exempel.se",
        "anna@exempel.se,x@y.se",
        "<anna@exempel.se>",
        "åsa@exempel.se",
        "anna@exempel.se\0",
        "\"a b\"@exempel.se",
    ] {
        let error = Recipient::new("anna", "Anna", email).unwrap_err();
        assert!(email.len() < 5 || !error.contains(email), "{error}");
    }
    let long = format!("{}@exempel.se", "a".repeat(300));
    assert!(Recipient::new("anna", "Anna", &long).is_err());
    assert_eq!(
        Recipient::new("anna", "Anna\r\nBcc: x", "anna.b+c@exempel.se").unwrap().name.as_str(),
        "Anna Bcc: x"
    );
}

#[test]
fn ids_and_links_hold_nothing_that_could_escape() {
    for id in ["", ".", "a..b", "../x", "a/b", "a b", "a@b", "å", ".a", "a.", &"a".repeat(101)] {
        assert!(MessageId::new(id).is_err(), "{id}");
    }
    for id in ["l-000001", "l.1_b", "A"] {
        assert!(MessageId::new(id).is_ok(), "{id}");
    }
    for link in [
        "javascript:alert(1)",
        "http:/x",
        "https://x.se/\" onclick=\"",
        "https://x.se/a b",
        "https://x.se/\n",
        "https://å.se",
        "",
    ] {
        assert!(Link::new(link).is_err(), "{link}");
    }
    assert!(Link::new("https://uppsikt.exempel.se/case/c-000123?t=a-_%2F~&x=1").is_ok());
}

#[test]
fn long_texts_are_cut_and_say_so() {
    assert_eq!(Line::short("ååååå", 5).as_str(), "ååååå");
    assert_eq!(Line::short("åååååå", 5).as_str(), "åååå…");
    assert_eq!(Line::new(&"ord ".repeat(1_000)).as_str().chars().count(), 500);
    let quote = Quote::new(&"👩‍👩‍👧 ord\n".repeat(2_000));
    assert!(quote.is_cut());
    assert_eq!(quote.lines().len(), 30);
    let quote = Quote::new(&"å".repeat(100_000));
    assert!(quote.is_cut() && quote.lines()[0].chars().count() == 1_500);
    assert!(!Quote::new("kort\r\n\r\n\ttext").is_cut());
    assert_eq!(Quote::new("kort\r\n\r\n\ttext").lines(), ["kort", "text"]);
    assert!(Quote::new(" \u{200b}\r\n").is_empty());
}

#[test]
fn what_the_outbox_keeps_reads_back_the_same_and_is_checked() {
    let entered = Entered {
        case: CaseId(123),
        dnr: None,
        outcome: Outcome::Hide,
        os_user: "root".into(),
        at: at("2026-11-23T08:00:00Z"),
        link: Some(Link::new("https://uppsikt.exempel.se/x").unwrap()),
    };
    let json = serde_json::to_string(&entered).unwrap();
    assert!(json.contains(r#""case":"c-000123""#), "{json}");
    assert_eq!(serde_json::from_str::<Entered>(&json).unwrap(), entered);
    assert!(serde_json::from_str::<Entered>(&json.replace("https:", "javascript:")).is_err());
    assert!(serde_json::from_str::<Entered>(&json.replace("c-000123", "123")).is_err());
    let hostile: Entered = serde_json::from_str(&json.replace("root", r"ro\r\nBcc: x\u202e")).unwrap();
    assert_eq!(hostile.os_user.as_str(), "ro Bcc: x");

    let trouble = Trouble::ActFailed {
        case: CaseId(9),
        account: "X".into(),
        outcome: Outcome::Hide,
        reason: "401".into(),
    };
    let json = serde_json::to_string(&trouble).unwrap();
    assert!(json.starts_with(r#"{"trouble":"act_failed""#), "{json}");
    assert_eq!(serde_json::from_str::<Trouble>(&json).unwrap(), trouble);
    let summary = Summary {
        from: None,
        to: at("2026-11-23T08:00:00Z"),
        accounts: vec![AccountSummary {
            account: "X".into(),
            came: 3,
            flagged: 1,
            by_category: vec![(Category::Threat, 1)],
            watch_only: true,
            blind: vec![],
        }],
        link: None,
    };
    assert_eq!(serde_json::from_str::<Summary>(&serde_json::to_string(&summary).unwrap()).unwrap(), summary);
}

proptest! {
    #[test]
    fn no_subject_can_break_a_header(act in any::<String>(), account in any::<String>(), name in any::<String>()) {
        let mut one = item(&act, &account, Rung::Overdue, Some("2026-11-23T15:30:00Z"), &[]);
        one.post = Some(Line::new(&name));
        let trouble = Trouble::Other { what: Line::new(&name), effect: Line::default(), remedy: Line::default() };
        for body in [
            Body::Duties(Duties { items: vec![one], list: None, last_today: false }),
            Body::Technical(trouble),
        ] {
            let subject = letter("2026-11-23T08:00:00Z", body).subject();
            let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            let broken = subject.chars().any(|c| c.is_control() || turns(c));
            prop_assert!(!broken, "{:?}", subject);
            prop_assert!(subject.chars().count() <= 150);
            prop_assert!(!subject.contains("hemlig") && !subject.contains("Namnsson"));
        }
    }
}
