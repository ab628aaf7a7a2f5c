//! Letters that show every variable of every template, for the check at start.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::case::{CaseId, Outcome};
use crate::domain::category::{Category, Proposal};
use crate::domain::letter::{
    AccountSummary, Body, CheckpointFoot, Content, DiaryNumber, Duties, Entered, Foot, KeyMatter, Letter,
    LetterItem, Line, Link, Matter, MessageId, Recipient, RegistrarDay, Rung, Summary, Trouble, Urgent, Why,
    moment,
};

/// A letter, and what its two parts must say whatever the municipality's words are.
#[derive(Debug)]
pub struct Specimen {
    /// What it shows, as a file name.
    pub name: &'static str,
    /// The letter.
    pub letter: Letter,
    /// What the text part and the HTML part must both hold.
    pub needed: Vec<String>,
}

const LINK: &str = "https://uppsikt.exempel.se/case/c-000123?t=abc";
const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

/// One specimen a kind with all there can be, one with as little as possible, and one for each kind of trouble.
pub fn specimens() -> Vec<Specimen> {
    // A build in which a specimen's own id or address is refused fails its tests; nothing is left out silently.
    let Some(maker) = Maker::new() else { return Vec::new() };
    let mut made = Vec::new();
    maker.duties(&mut made);
    maker.summaries(&mut made);
    maker.registrar(&mut made);
    maker.troubles(&mut made);
    maker.entered(&mut made);
    made
}

struct Maker {
    id: MessageId,
    anna: Recipient,
    operator: Recipient,
    link: Link,
    now: DateTime<Utc>,
}

impl Maker {
    fn new() -> Option<Self> {
        Some(Self {
            id: MessageId::new("l-000001").ok()?,
            anna: Recipient::new("anna", "Anna Exempel", "anna@exempel.se").ok()?,
            operator: Recipient::new("it", "Driften", "drift@exempel.se").ok()?,
            link: Link::new(LINK).ok()?,
            // Monday 23 November 2026, 09.00 in Sweden.
            now: DateTime::from_timestamp(1_795_420_800, 0)?,
        })
    }

    fn letter(&self, full: bool, body: Body) -> Letter {
        let checkpoint = full.then(|| CheckpointFoot {
            origin: "exempel.se/uppsikt/logg1".into(),
            size: 1_234,
            root_base64: ROOT.into(),
        });
        Letter {
            message_id: self.id.clone(),
            to: self.anna.clone(),
            created_at: self.now,
            in_reply_to: full.then(|| self.id.clone()),
            foot: Foot { organisation: "Exempel kommun".into(), operator: self.operator.clone(), checkpoint },
            body,
        }
    }

    fn add(&self, made: &mut Vec<Specimen>, name: &'static str, full: bool, body: Body, needed: &[&str]) {
        let mut needed: Vec<String> = needed.iter().map(|&text| text.to_owned()).collect();
        needed.push("drift@exempel.se".to_owned());
        if full {
            needed.push(ROOT.to_owned());
            needed.push("1234".to_owned());
        }
        made.push(Specimen { name, letter: self.letter(full, body), needed });
    }

    fn question(&self) -> LetterItem {
        LetterItem {
            matter: Matter::Case {
                case: CaseId(123),
                dnr: None,
                content: Content::new(
                    &[],
                    Some("Berit Besökare"),
                    "När öppnar badhuset?\nOch vad kostar det?",
                    vec![],
                    None,
                ),
            },
            act: "Svara".into(),
            duty: "svar inom 24 timmar".into(),
            rung: Rung::Warn,
            due_at: Some(self.now + TimeDelta::minutes(450)),
            reckoning: vec![
                "Kommentaren skrevs söndag 22 november 2026 kl. 16.30.".into(),
                "Riktlinjen kräver svar inom 24 timmar, även på helger.".into(),
            ],
            account: "Facebook".into(),
            post: Some("Badhuset stänger för renovering".into()),
            link: Some(self.link.clone()),
            told: vec!["Erik Exempel".into()],
        }
    }

    fn bare(matter: Matter, act: &str) -> LetterItem {
        LetterItem {
            matter,
            act: act.into(),
            duty: Line::default(),
            rung: Rung::Due,
            due_at: None,
            reckoning: vec![],
            account: "Facebook".into(),
            post: None,
            link: None,
            told: vec![],
        }
    }

    fn flagged(&self, case: i64, categories: &[Category], text: &str, words: &str) -> LetterItem {
        let why = categories
            .iter()
            .map(|category| Why {
                sentence: Line::new(&format!(
                    "{} enligt riktlinjen (regel {category}.exempel, version 1)",
                    category.name()
                )),
                words: Some(words.into()),
            })
            .collect();
        LetterItem {
            matter: Matter::Case {
                case: CaseId(case),
                dnr: Some("UPP-KS 2026/4".into()),
                content: Content::new(categories, Some("Nils Näthatare"), text, why, Some(Proposal::Hide)),
            },
            act: "Läs och besluta".into(),
            duty: "granskning av flaggad kommentar".into(),
            ..self.question()
        }
    }

    fn duties(&self, made: &mut Vec<Specimen>) {
        let due = moment(self.now + TimeDelta::minutes(450));
        let late = LetterItem {
            rung: Rung::Overdue,
            due_at: Some(self.now - TimeDelta::hours(17)),
            ..self.flagged(125, &[Category::Insult], "Ni är idioter hela bunten.", "idioter")
        };
        let many = LetterItem {
            matter: Matter::Thread { count: 212 },
            act: "Svara samlat".into(),
            post: Some("Skolan i Norrby läggs ned".into()),
            account: "Instagram".into(),
            ..self.question()
        };
        let approval = LetterItem {
            act: "Godkänn eller avslå döljandet".into(),
            rung: Rung::Escalate,
            ..self.flagged(
                126,
                &[Category::SensitivePersonalData],
                "Grannen Berit har diabetes.",
                "Berit har diabetes",
            )
        };
        let danger = self.flagged(124, &[Category::Threat], "Jag vet var du bor.", "vet var du bor");
        let account = LetterItem {
            due_at: Some(self.now + TimeDelta::days(4)),
            ..Self::bare(Matter::Account, "Kontrollera alternativtexterna")
        };
        let items = vec![self.question(), late, many, approval, danger.clone(), account];
        let list = Some(self.link.clone());
        let needed =
            [due.as_str(), LINK, "c-000123", "c-000126", "När öppnar badhuset?", "212", "Berit Besökare"];
        self.add(made, "duties", true, Body::Duties(Duties { items, list, last_today: true }), &needed);

        let content = Content::new(&[], None, "", vec![], None);
        let bare = Self::bare(Matter::Case { case: CaseId(7), dnr: None, content }, "Svara");
        let items = vec![
            bare.clone(),
            Self::bare(Matter::Account, "Kontrollera"),
            Self::bare(Matter::Thread { count: 1 }, "Svara"),
        ];
        self.add(
            made,
            "duties_least",
            false,
            Body::Duties(Duties { items, list: None, last_today: false }),
            &["c-000007"],
        );

        let kinds = [
            Category::Threat,
            Category::ChildAtRisk,
            Category::OngoingCrime,
            Category::SelfHarm,
            Category::ChildAbuse,
            Category::IncitementTerror,
        ];
        let urgent: Vec<_> = (200..)
            .zip(kinds)
            .map(|(case, kind)| self.flagged(case, &[kind], "Exempel.", "Exempel"))
            .collect();
        let needed = [LINK, "c-000200", "c-000205", "112"];
        self.add(made, "urgent_all", true, Body::Urgent(Urgent { items: urgent, repeat: 2 }), &needed);
        let needed = [LINK, "c-000124", "112", "Jag vet var du bor."];
        self.add(made, "urgent", true, Body::Urgent(Urgent { items: vec![danger], repeat: 0 }), &needed);
        self.add(
            made,
            "urgent_least",
            false,
            Body::Urgent(Urgent { items: vec![bare], repeat: 0 }),
            &["c-000007"],
        );
    }

    fn summaries(&self, made: &mut Vec<Specimen>) {
        let full = Summary {
            from: Some(self.now - TimeDelta::days(1)),
            to: self.now,
            accounts: vec![
                AccountSummary {
                    account: "Facebook".into(),
                    came: 4_211,
                    flagged: 3,
                    by_category: vec![(Category::Threat, 1), (Category::Commercial, 2)],
                    watch_only: true,
                    blind: vec!["Kontot kunde inte läsas mellan kl. 02.00 och 03.10.".into()],
                },
                AccountSummary {
                    account: "Instagram".into(),
                    came: 1,
                    flagged: 0,
                    by_category: vec![],
                    watch_only: false,
                    blind: vec![],
                },
            ],
            link: Some(self.link.clone()),
        };
        let least = Summary { from: None, to: self.now, accounts: vec![], link: None };
        let needed = [LINK, "Facebook", "4\u{a0}211", "hot", "Kontot kunde inte läsas"];
        self.add(made, "daily_summary", true, Body::DailySummary(full.clone()), &needed);
        self.add(made, "daily_summary_least", false, Body::DailySummary(least.clone()), &[]);
        self.add(made, "first_night", true, Body::FirstNight(Summary { from: None, ..full }), &needed[..4]);
        self.add(made, "first_night_least", false, Body::FirstNight(least), &[]);
    }

    fn registrar(&self, made: &mut Vec<Specimen>) {
        let signature =
            "wXsUMQk1mHIGr2L0FAtGbXbKqyyrSW2kqJUR0BVkA2SQ2Ik5dmZ8b0tRk1oqkLQjVdVQpN2kX5m0bqkJ9Xx1Bq0sZAE=";
        let signed =
            format!("exempel.se/uppsikt/logg1\n1234\n{ROOT}\n\n— exempel.se/uppsikt/logg1 {signature}\n");
        let number = |n: i64, minutes: i64| DiaryNumber {
            dnr: Line::new(&format!("UPP-KS 2026/{n}")),
            at: self.now - TimeDelta::minutes(minutes),
            case: CaseId(120 + n),
            what: "Kommentar på Facebook, dold efter beslut".into(),
        };
        let day = RegistrarDay {
            board: "Kommunstyrelsen".into(),
            numbers: vec![number(4, 90), number(5, 20)],
            signed_checkpoint: Some(signed),
            link: Some(self.link.clone()),
        };
        let least = RegistrarDay {
            board: "Kommunstyrelsen".into(),
            numbers: vec![],
            signed_checkpoint: None,
            link: None,
        };
        let needed = [LINK, "UPP-KS 2026/4", "UPP-KS 2026/5", "c-000125", signature];
        self.add(made, "registrar", true, Body::Registrar(day), &needed);
        self.add(made, "registrar_least", false, Body::Registrar(least), &["Kommunstyrelsen"]);
    }

    fn troubles(&self, made: &mut Vec<Specimen>) {
        let reason = || Line::from("svar 401 från plattformen");
        let key = |matter| Trouble::Key {
            account: "YouTube".into(),
            id: "yt".into(),
            platform: "youtube".into(),
            matter,
            at: self.now,
            facts: vec![
                "Rättigheten youtube.force-ssl saknas.".into(),
                "Nyckeln tillhör: Erik Exempel.".into(),
            ],
        };
        let troubles = [
            (
                "account_blind",
                Trouble::AccountBlind { account: "Facebook".into(), since: self.now, reason: reason() },
                "Facebook",
            ),
            ("disk_low", Trouble::DiskLow { free: "1,2 GiB".into(), least: "2 GiB".into() }, "1,2 GiB"),
            (
                "clock_wrong",
                Trouble::ClockWrong { reason: "klockan står 7 minuter före".into() },
                "7 minuter",
            ),
            (
                "brake_rule",
                Trouble::BrakeTripped { rule: Some("insult.fool".into()), hides: 5 },
                "insult.fool",
            ),
            ("brake_all", Trouble::BrakeTripped { rule: None, hides: 20 }, "20"),
            (
                "act_failed",
                Trouble::ActFailed {
                    case: CaseId(9),
                    account: "X".into(),
                    outcome: Outcome::Hide,
                    reason: reason(),
                },
                "c-000009",
            ),
            (
                "mail_refused",
                Trouble::MailRefused { person: "Erik Exempel".into(), reason: "550 5.1.1".into() },
                "Erik Exempel",
            ),
            ("key_expires", key(KeyMatter::Expires), "uppsikt connect youtube --account yt"),
            ("key_dead", key(KeyMatter::Dead), "gäller inte"),
            ("key_lost", key(KeyMatter::Lost), "informationssäkerhetsincident"),
            ("key_rights", key(KeyMatter::Rights), "youtube.force-ssl"),
            (
                "other",
                Trouble::Other {
                    what: "Loggen är avslutad".into(),
                    effect: "Inget döljs.".into(),
                    remedy: "Kör restore.".into(),
                },
                "Kör restore.",
            ),
        ];
        for (name, trouble, needed) in troubles {
            self.add(made, name, true, Body::Technical(trouble), &[needed]);
        }
    }

    fn entered(&self, made: &mut Vec<Specimen>) {
        let full = Entered {
            case: CaseId(123),
            dnr: Some("UPP-KS 2026/4".into()),
            outcome: Outcome::Hide,
            os_user: "root".into(),
            at: self.now,
            link: Some(self.link.clone()),
        };
        let needed = [LINK, "c-000123", "root", "UPP-KS 2026/4"];
        self.add(made, "entered", true, Body::Entered(full.clone()), &needed);
        let least = Entered { dnr: None, link: None, outcome: Outcome::Keep, ..full };
        self.add(made, "entered_least", false, Body::Entered(least), &["c-000123", "root"]);
    }
}
