//! From open duties to letters: who is told what, when, how often, and never what is no longer true.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use uppsikt::connector::ConnectorError;
use uppsikt::desk::link::Subject;
use uppsikt::domain::calendar;
use uppsikt::domain::case::{CaseId, Outcome};
use uppsikt::domain::category::{Category, Proposal};
use uppsikt::domain::classify::{Assessment, Band, Finding};
use uppsikt::moves;
use uppsikt::store::comments::StoredComment;
use uppsikt::store::duties;

use crate::support::app::{Call, MUNICIPALITY, Mail, Rig, at, mail};
use crate::support::smtp::SmtpServer;

/// The tests say themselves what a text is: `#fara`, `#flagga`, `#barn`, and a question mark.
fn marked(stored: &StoredComment) -> Assessment {
    let text = &stored.version.text;
    let found = |mark: &str, category: Category, proposal: Proposal| {
        let start = text.find(mark)?;
        let finding = Finding {
            category,
            rule: format!("{}.test", category.code()),
            version: 1,
            view: "plain".to_owned(),
            band: Band::Obvious,
            confidence: 1.0,
            start,
            end: start + mark.len(),
        };
        Some((finding, proposal))
    };
    let found: Vec<_> = [
        found("#fara", Category::OngoingCrime, Proposal::Escalate),
        found("#barn", Category::ChildAtRisk, Proposal::Escalate),
        found("#flagga", Category::Insult, Proposal::Hide),
    ]
    .into_iter()
    .flatten()
    .collect();
    Assessment {
        proposal: found.iter().map(|(_, proposal)| *proposal).max().unwrap_or(Proposal::Keep),
        findings: found.into_iter().map(|(finding, _)| finding).collect(),
        needs_answer: text.contains('?'),
        language: None,
        notes: uppsikt::domain::classify::Notes::default(),
    }
}

fn rig(now: &str) -> Rig {
    Rig::new(MUNICIPALITY, now).judged_by(marked)
}

/// A rig that has read its account once, before anything was written there.
async fn watching(now: &str) -> Rig {
    let rig = rig(now);
    rig.pass().await;
    assert_eq!(rig.letters(), []);
    rig
}

/// Letters about duties and dangers; the registrar's daily letter is of another kind.
fn about_duties(rig: &Rig) -> Vec<Mail> {
    rig.letters().into_iter().filter(|mail| !mail.to.contains("registrator@")).collect()
}

fn minutes(count: i64) -> TimeDelta {
    TimeDelta::minutes(count)
}

fn staffed(rig: &Rig, moment: DateTime<Utc>) -> bool {
    calendar::is_staffed(moment, &rig.app.config.hours)
}

#[tokio::test]
async fn the_first_night_gives_one_letter_no_act_and_nothing_overdue() {
    // Monday 02.00 in Stockholm.
    let rig = rig("2026-11-23T01:00:00Z");
    let begun = rig.now();
    for n in 0..5_000 {
        let text = if n % 10 == 0 { format!("#flagga {n}") } else { format!("Hur blir det med {n}?") };
        let written = begun - TimeDelta::days(1) - TimeDelta::minutes(i64::from(n) * 315);
        rig.comment("fb", &format!("p{}", n % 40), &format!("c{n}"), &text, written);
    }
    rig.pass().await;
    assert_eq!(rig.letters(), [], "nothing of it is urgent");
    assert_eq!(rig.open_duties(), []);
    rig.run_until("2026-11-23T06:45:00Z", minutes(115)).await;
    assert_eq!(rig.letters(), []);
    rig.set("2026-11-23T07:00:00Z");
    rig.pass().await;
    rig.run_until("2026-11-23T22:00:00Z", TimeDelta::hours(3)).await;
    let letters = rig.letters();
    assert_eq!(letters.len(), 1, "{letters:#?}");
    assert!(letters[0].to.contains("chef@exempel.se"));
    assert_eq!(letters[0].subject, "Läs när du hinner: äldre kommentarer, 5000 kommentarer, 500 flaggade");
    assert!(letters[0].text.contains("personangrepp eller förolämpning: 500"), "{}", letters[0].text);
    assert_eq!(rig.open_duties(), []);
    assert_eq!(rig.fake("fb").writes(), 0);
    assert_eq!(rig.fake("fb").hidden(), BTreeSet::new());
}

#[tokio::test]
async fn two_thousand_comments_in_an_evening_give_at_most_ten_letters_a_person_and_one_answer_closes_all() {
    // Wednesday 17.00 to 23.00 in Stockholm.
    let rig = watching("2026-11-25T15:55:00Z").await;
    rig.set("2026-11-25T16:00:00Z");
    let mut n = 0;
    while rig.now() < at("2026-11-25T22:00:00Z") {
        for _ in 0..84 {
            if n < 2_000 {
                rig.comment(
                    "fb",
                    "storm",
                    &format!("c{n}"),
                    &format!("Varför stängs badet {n}?"),
                    rig.now() - minutes(3),
                );
                n += 1;
            }
        }
        rig.advance(minutes(15));
        rig.pass().await;
    }
    assert_eq!(n, 2_000);
    let evening = about_duties(&rig);
    assert!(evening.is_empty(), "{evening:#?}");
    rig.run_until("2026-11-27T16:00:00Z", minutes(30)).await;
    let letters = about_duties(&rig);
    let mut by_person: BTreeMap<&str, usize> = BTreeMap::new();
    for letter in &letters {
        *by_person.entry(&letter.to).or_default() += 1;
        assert!(staffed(&rig, letter.at), "{} at {}", letter.subject, letter.at);
    }
    assert!(by_person.values().all(|count| *count <= 10), "{by_person:?}");
    assert!(by_person.len() >= 3, "the ladder is climbed: {by_person:?}");
    assert!(letters[0].subject.contains("2000 kommentarer"), "{}", letters[0].subject);
    // Each rung told exactly once to each person.
    let mut places = BTreeSet::new();
    for stored in rig.outbox() {
        for place in &stored.letter.duties {
            assert!(places.insert((stored.letter.person.clone(), place.clone())), "{place:?}");
        }
    }
    assert!(rig.open_duties().len() > 2_000);
    let started = std::time::Instant::now();
    uppsikt::steps::watch::all(&rig.app).await.unwrap();
    assert!(started.elapsed().as_millis() < 3_000, "4 001 open duties took {:?}", started.elapsed());
    rig.decide(rig.case("fb", "c7"), "chef", "desk", Outcome::AnsweredJointly);
    assert_eq!(rig.open_duties(), []);
    let before = about_duties(&rig).len();
    rig.run_until("2026-12-02T16:00:00Z", TimeDelta::hours(3)).await;
    assert_eq!(about_duties(&rig).len(), before, "nobody is reminded of what is answered");
}

#[tokio::test]
async fn a_thread_that_empties_ends_and_late_arrivals_join_it() {
    let rig = watching("2026-11-25T08:00:00Z").await;
    for n in 0..20 {
        rig.comment("fb", "p", &format!("c{n}"), "När?", rig.now());
    }
    rig.pass().await;
    assert!(rig.open_duties().iter().all(|duty| duty.thread.is_none()), "twenty are answered one by one");
    rig.advance(minutes(5));
    rig.comment("fb", "p", "c20", "När?", rig.now());
    rig.comment("fb", "q", "other", "Var?", rig.now());
    rig.pass().await;
    let threads = |rig: &Rig| rig.app.db.read_now(duties::threads).unwrap();
    let [thread] = &threads(&rig)[..] else { panic!("not one thread") };
    assert_eq!(thread.what.due_at, at("2026-11-26T08:00:00Z"));
    let carried = rig.open_duties().iter().filter(|duty| duty.thread == Some(thread.id)).count();
    assert_eq!(carried, 42, "two promises for each of 21 comments");
    for n in 0..20 {
        rig.decide(rig.case("fb", &format!("c{n}")), "chef", "desk", Outcome::Answered);
    }
    rig.advance(minutes(5));
    rig.comment("fb", "p", "late", "Hur?", rig.now());
    rig.pass().await;
    let [thread] = &threads(&rig)[..] else { panic!("not one thread") };
    assert_eq!(thread.what.due_at, at("2026-11-26T08:05:00Z"), "of the earliest that is left");
    assert_eq!(rig.app.db.read_now(|reader| duties::carried(reader, thread.id)).unwrap(), 2);
    rig.decide(rig.case("fb", "c20"), "chef", "desk", Outcome::Answered);
    rig.decide(rig.case("fb", "late"), "chef", "desk", Outcome::NoAnswerNeeded);
    assert!(threads(&rig).is_empty());
    assert_eq!(rig.open_duties().len(), 2, "the comment under the other post");
}

#[tokio::test]
async fn after_three_days_without_the_daemon_each_duty_is_told_once_on_its_highest_rung() {
    let rig = watching("2026-11-23T08:00:00Z").await;
    rig.comment("fb", "p", "fråga", "När öppnar badet?", rig.now());
    rig.comment("fb", "p", "flagga", "#flagga utan automatik efter beslut", rig.now());
    // Somebody has restored it before, so that no rule hides it: a plain review duty.
    rig.comment("fb", "p", "lugn", "Tack för svaret.", rig.now());
    rig.pass().await;
    let before = about_duties(&rig).len();
    rig.set("2026-11-26T09:00:00Z");
    rig.pass().await;
    let mut places: BTreeMap<(i64, String), Vec<String>> = BTreeMap::new();
    for stored in rig.outbox().into_iter().filter(|stored| stored.letter.created_at == rig.now()) {
        for (duty, rung, _) in &stored.letter.duties {
            places.entry((*duty, stored.letter.person.clone())).or_default().push(rung.clone());
        }
    }
    assert!(places.len() >= 3, "{places:?}");
    assert!(places.values().all(|rungs| rungs.len() == 1), "{places:?}");
    assert!(places.values().flatten().all(|rung| rung == "escalate"), "{places:?}");
    let told = about_duties(&rig).split_off(before);
    assert!(told.iter().any(|mail| mail.subject.starts_with("Ta över, ingen har agerat")), "{told:#?}");
    rig.advance(minutes(30));
    rig.pass().await;
    assert_eq!(about_duties(&rig).len(), before + told.len(), "and not again");
}

#[tokio::test]
async fn danger_at_night_is_told_at_once_and_repeated_until_it_is_acknowledged() {
    // Thursday 02.00, julafton.
    let rig = watching("2026-12-24T00:59:00Z").await;
    rig.set("2026-12-24T01:00:00Z");
    rig.comment("fb", "p", "c1", "#fara nu på torget", rig.now());
    rig.pass().await;
    let [first] = &rig.letters()[..] else { panic!("{:#?}", rig.letters()) };
    assert_eq!(first.subject, "PÅGÅENDE BROTT: läs nu (kl. 02.00)");
    assert!(first.to.contains("anna@") && first.text.contains("112"), "{first:#?}");
    assert!(first.text.contains("https://uppsikt.exempel.se/c/c-0000"), "{}", first.text);
    rig.run_until("2026-12-24T01:09:00Z", minutes(3)).await;
    assert_eq!(rig.letters().len(), 1);
    rig.set("2026-12-24T01:10:00Z");
    rig.pass().await;
    assert_eq!(rig.letters().len(), 3, "the deputy too");
    rig.set("2026-12-24T01:20:00Z");
    rig.pass().await;
    assert_eq!(rig.letters().len(), 3 + 4, "and the owner and the communicator");
    let (case, config, now) = (rig.case("fb", "c1"), rig.app.config.clone(), rig.now());
    let noted = rig.app.db.write(move |tx| moves::acknowledge(tx, &config, case, "erik", now)).await.unwrap();
    assert_eq!(noted, 1);
    rig.run_until("2026-12-24T12:00:00Z", minutes(10)).await;
    let urgent = rig.letters().iter().filter(|mail| mail.subject.contains("BROTT")).count();
    assert_eq!(urgent, 7, "{:#?}", rig.letters());
}

#[tokio::test]
async fn danger_that_nobody_acknowledges_is_told_nine_times_and_then_summed_up_at_seven() {
    let rig = watching("2026-12-24T00:59:00Z").await;
    rig.set("2026-12-24T01:00:00Z");
    rig.comment("fb", "p", "c1", "#barn far illa", rig.now());
    rig.pass().await;
    rig.run_until("2026-12-25T05:50:00Z", minutes(10)).await;
    let to_anna = rig.letters_to("anna");
    assert_eq!(to_anna.len(), 9, "{to_anna:#?}");
    assert!(to_anna.iter().all(|mail| !mail.text.contains("far illa nu") && !mail.text.contains("Berit")));
    assert!(to_anna[8].subject.contains("påminnelse 8"), "{}", to_anna[8].subject);
    let first = &to_anna[0].message_id;
    assert!(to_anna[1..].iter().all(|mail| mail.message_id != *first));
    rig.set("2026-12-25T06:00:00Z");
    rig.pass().await;
    for person in ["anna", "erik", "chef", "kim"] {
        let last = rig.letters_to(person).pop().unwrap();
        assert!(last.subject.starts_with("Ta över, ingen har agerat"), "{person}: {}", last.subject);
    }
    let count = rig.letters().len();
    rig.run_until("2026-12-26T12:00:00Z", minutes(60)).await;
    assert_eq!(rig.letters().len(), count);
}

#[tokio::test]
async fn after_an_outage_only_the_last_repeat_of_a_danger_is_told() {
    let rig = watching("2026-12-24T00:59:00Z").await;
    rig.comment("fb", "p", "c1", "#fara", rig.now());
    rig.pass().await;
    rig.set("2026-12-24T03:00:00Z");
    rig.pass().await;
    let to_anna = rig.letters_to("anna");
    assert_eq!(to_anna.len(), 2);
    assert!(to_anna[1].subject.contains("påminnelse 4"), "{}", to_anna[1].subject);
}

#[tokio::test]
async fn what_can_wait_never_leaves_at_night_or_on_a_weekend() {
    // Friday 15.00 in Stockholm.
    let rig = watching("2026-11-27T14:00:00Z").await;
    for n in 0..6 {
        rig.comment("fb", &format!("p{n}"), &format!("c{n}"), "När då?", rig.now());
        rig.pass().await;
        rig.run_until(&(rig.now() + TimeDelta::hours(7)).to_rfc3339(), minutes(30)).await;
    }
    rig.run_until("2026-12-02T06:00:00Z", minutes(45)).await;
    let letters = rig.letters();
    assert!(letters.len() > 5, "{}", letters.len());
    for letter in &letters {
        assert!(staffed(&rig, letter.at), "{} at {}", letter.subject, letter.at);
    }
    // What falls due on Saturday was told of before people went home.
    assert!(letters[0].at < at("2026-11-27T15:30:00Z"), "{}", letters[0].at);
}

#[tokio::test]
async fn what_is_no_longer_true_is_never_sent() {
    let mut rig = watching("2026-11-24T08:00:00Z").await;
    rig.comment("fb", "p", "c1", "När öppnar badet?", rig.now());
    rig.comment("fb", "p", "c2", "Vad kostar det?", rig.now());
    rig.pass().await;
    // The server is away while the letters are queued.
    rig.smtp(1);
    rig.set("2026-11-25T07:00:00Z");
    let pass = rig.pass().await;
    assert!(pass.letters_waiting > 0 && pass.letters == 0, "{pass:?}");
    rig.decide(rig.case("fb", "c1"), "anna", "desk", Outcome::Answered);
    let server = SmtpServer::start("");
    rig.smtp(server.port);
    rig.set("2026-11-25T07:05:00Z");
    rig.pass().await;
    let sent: Vec<_> = server.letters().iter().map(|bytes| mail(bytes)).collect();
    let anna: Vec<_> = sent.iter().filter(|mail| mail.to.contains("anna@")).collect();
    assert_eq!(anna.len(), 1, "{sent:#?}");
    assert!(
        anna[0].text.contains("Vad kostar det?") && !anna[0].text.contains("När öppnar"),
        "{}",
        anna[0].text
    );
    // Both answered before the next one leaves: it never does.
    rig.smtp(1);
    rig.set("2026-11-25T08:00:00Z");
    rig.pass().await;
    let queued: Vec<_> = rig.outbox().into_iter().filter(|stored| stored.state == "queued").collect();
    assert!(!queued.is_empty());
    rig.decide(rig.case("fb", "c2"), "anna", "desk", Outcome::Answered);
    rig.smtp(server.port);
    rig.set("2026-11-25T10:00:00Z");
    rig.pass().await;
    let left: Vec<_> = rig.outbox().into_iter().filter(|stored| stored.id >= queued[0].id).collect();
    assert!(left.iter().all(|stored| stored.state == "superseded"), "{left:#?}");
    assert_eq!(server.letters().len(), sent.len());
}

#[tokio::test]
async fn a_server_that_is_away_for_two_days_gets_each_true_letter_once_and_danger_first() {
    let mut rig = watching("2026-11-24T08:00:00Z").await;
    rig.smtp(1);
    rig.comment("fb", "p", "fara", "#fara", rig.now());
    rig.comment("fb", "p", "fråga", "När öppnar badet?", rig.now());
    let started = std::time::Instant::now();
    rig.run_until("2026-11-26T09:00:00Z", minutes(20)).await;
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    let queued = rig.outbox();
    assert!(queued.iter().all(|stored| stored.state != "sent"));
    assert!(queued.iter().all(|stored| stored.attempts <= 200));
    let server = SmtpServer::start("");
    rig.smtp(server.port);
    rig.run_until("2026-11-26T11:00:00Z", minutes(20)).await;
    let sent: Vec<_> = server.letters().iter().map(|bytes| mail(bytes)).collect();
    let ids: BTreeSet<_> = sent.iter().map(|mail| &mail.message_id).collect();
    assert_eq!(ids.len(), sent.len());
    let anna: Vec<_> =
        sent.iter().filter(|mail| mail.to.contains("anna@")).map(|mail| &mail.subject).collect();
    // The danger's summary, and the overdue question: everything below them was outrun.
    assert_eq!(anna.len(), 2, "{anna:#?}");
    assert!(sent[0].subject.contains("om fara"), "{:#?}", sent[0].subject);
    assert!(rig.outbox().iter().all(|stored| matches!(stored.state.as_str(), "sent" | "superseded")));
}

#[tokio::test]
async fn a_letter_whose_answer_was_lost_goes_again_under_the_same_message_id() {
    let mut rig = watching("2026-11-24T00:00:00Z").await;
    let server = SmtpServer::start("drop");
    rig.smtp(server.port);
    rig.comment("fb", "p", "c1", "#fara", rig.now());
    let pass = rig.pass().await;
    assert_eq!((pass.letters, pass.letters_waiting), (0, 1), "{pass:?}");
    rig.advance(minutes(1));
    rig.pass().await;
    let well = SmtpServer::start("");
    rig.smtp(well.port);
    rig.restart();
    rig.advance(minutes(2));
    rig.pass().await;
    let mut ids: Vec<_> = server.letters().iter().map(|bytes| mail(bytes).message_id).collect();
    assert_eq!(ids.len(), 2);
    ids.extend(well.letters().iter().map(|bytes| mail(bytes).message_id));
    assert_eq!(ids.len(), 3);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 1, "{ids:?}");
    assert_eq!(rig.outbox()[0].state, "sent");
    assert_eq!(rig.outbox().len(), 1);
}

#[tokio::test]
async fn a_refused_letter_goes_to_the_next_in_line_and_the_operator_is_told_once() {
    let mut rig = watching("2026-11-24T00:00:00Z").await;
    let server = SmtpServer::start("refuse");
    rig.smtp(server.port);
    rig.comment("fb", "p", "c1", "#fara", rig.now());
    let pass = rig.pass().await;
    // Anna, Erik, the owner, the communicator, the operator, and at the very last whoever is there: all refused, and
    // it ends.
    assert_eq!(pass.letters_refused, 6, "{pass:?}");
    let refused: Vec<_> = rig.outbox().iter().map(|stored| stored.letter.person.clone()).collect();
    assert_eq!(refused[..1], ["anna"]);
    let dangers: BTreeSet<_> = rig
        .outbox()
        .iter()
        .filter(|stored| stored.letter.kind == "urgent")
        .map(|stored| stored.letter.person.clone())
        .collect();
    assert_eq!(dangers, ["anna", "chef", "erik", "it", "kim", "registrator"].map(str::to_owned).into());
    let well = SmtpServer::start("");
    rig.smtp(well.port);
    rig.set("2026-11-24T07:30:00Z");
    rig.pass().await;
    let sent: Vec<_> = well.letters().iter().map(|bytes| mail(bytes)).collect();
    let told = sent.iter().filter(|mail| mail.subject.contains("kommer inte fram")).count();
    assert_eq!(told, 6, "each person that could not be reached, once: {sent:#?}");
}

#[tokio::test]
async fn somebody_on_leave_gets_no_letter_that_was_queued_before() {
    let toml =
        format!("{MUNICIPALITY}\n[[absence]]\nperson = \"anna\"\nfrom = 2026-11-25\nkind = \"leave\"\n");
    let mut rig = Rig::new(&toml, "2026-11-24T22:30:00Z").judged_by(marked);
    rig.pass().await;
    rig.smtp(1);
    rig.comment("fb", "p", "c1", "#fara", rig.now());
    rig.pass().await;
    assert_eq!(rig.outbox()[0].letter.person, "anna");
    let server = SmtpServer::start("");
    rig.smtp(server.port);
    // Past midnight in Stockholm: her leave has begun.
    rig.set("2026-11-24T23:05:00Z");
    rig.pass().await;
    let sent: Vec<_> = server.letters().iter().map(|bytes| mail(bytes)).collect();
    assert!(!sent.is_empty() && sent.iter().all(|mail| !mail.to.contains("anna@")), "{sent:#?}");
}

#[tokio::test]
async fn a_decision_entered_from_the_command_line_is_told_to_whom_it_names() {
    let rig = watching("2026-11-24T08:00:00Z").await;
    rig.comment("fb", "p", "c1", "När?", rig.now());
    rig.comment("fb", "p", "c2", "Var?", rig.now());
    rig.pass().await;
    let entered = |rig: &Rig| {
        let letters = rig.letters_to("erik");
        letters.into_iter().filter(|mail| mail.subject.contains("beslut i ditt namn")).collect::<Vec<_>>()
    };
    rig.decide(rig.case("fb", "c1"), "erik", "desk", Outcome::Answered);
    rig.pass().await;
    assert_eq!(entered(&rig), []);
    rig.decide(rig.case("fb", "c2"), "erik", "root", Outcome::NoAnswerNeeded);
    rig.pass().await;
    let [letter] = &entered(&rig)[..] else { panic!("{:#?}", rig.letters()) };
    assert!(letter.text.contains("root") && letter.text.contains("behöver inget svar"), "{}", letter.text);
}

#[tokio::test]
async fn an_owner_in_watch_mode_and_the_registrar_get_one_letter_each_working_day() {
    let toml = MUNICIPALITY.replace("mode = \"act\"", "mode = \"watch\"");
    let rig = Rig::new(&toml, "2026-11-26T10:00:00Z").judged_by(marked);
    rig.pass().await;
    rig.comment("fb", "p", "c1", "#flagga", rig.now());
    rig.comment("fb", "p", "c2", "Bra.", rig.now());
    rig.pass().await;
    rig.fake("fb").fault(Call::Page, false, ConnectorError::Unavailable("500".to_owned()));
    rig.advance(minutes(10));
    rig.pass().await;
    // Thursday noon to Tuesday night.
    rig.run_until("2026-12-01T22:00:00Z", minutes(60)).await;
    let subjects = |person: &str, word: &str| -> Vec<String> {
        let letters = rig.letters_to(person).into_iter();
        letters.map(|mail| mail.subject).filter(|subject| subject.starts_with(word)).collect()
    };
    let summaries = subjects("chef", "Läs: ");
    assert_eq!(summaries.len(), 3, "{summaries:#?}");
    assert!(summaries[0].contains("2 kommentarer, 1 flaggad"), "{summaries:#?}");
    assert!(summaries[1].contains("0 kommentarer"), "{summaries:#?}");
    let first = rig.letters_to("chef").into_iter().find(|mail| mail.subject == summaries[0]).unwrap();
    assert!(first.text.contains("kunde inte läsas"), "{}", first.text);
    let registrar = subjects("registrator", "Spara: ");
    assert_eq!(registrar.len(), 3, "{registrar:#?}");
    let letter = &rig.letters_to("registrator")[0];
    assert!(
        letter.text.contains("exempel.se/uppsikt/logg1\n") && letter.text.contains("— exempel.se"),
        "{}",
        letter.text
    );
    assert_eq!(rig.fake("fb").writes(), 0);
}

#[tokio::test]
async fn an_account_that_cannot_be_read_is_told_to_operator_and_owner() {
    let rig = watching("2026-11-24T09:00:00Z").await;
    for _ in 0..200 {
        rig.fake("fb").fault(Call::Page, false, ConnectorError::Unavailable("inget svar på 30 s".to_owned()));
    }
    // One poll that fails is no letter; three over ten minutes are.
    rig.advance(minutes(5));
    rig.pass().await;
    assert!(rig.letters_to("drift").is_empty(), "{:#?}", rig.letters());
    for _ in 0..4 {
        rig.advance(minutes(5));
        rig.pass().await;
    }
    for person in ["drift", "chef"] {
        let [letter] = &rig.letters_to(person)[..] else { panic!("{person}: {:#?}", rig.letters()) };
        assert!(letter.subject.starts_with("Åtgärda: Facebook kan inte läsas"), "{}", letter.subject);
        assert!(letter.text.contains("inget svar på 30 s"), "{}", letter.text);
    }
}

#[tokio::test]
async fn the_eighth_letter_of_a_day_says_that_it_is_the_last_and_the_rest_waits_for_the_next_day() {
    let rig = watching("2026-11-24T06:00:00Z").await;
    // Twelve questions a quarter of an hour apart, so that twelve warnings come one by one the day after.
    rig.set("2026-11-24T11:05:00Z");
    for n in 0..12 {
        rig.comment("fb", &format!("p{n}"), &format!("c{n}"), "När?", rig.now());
        rig.advance(minutes(15));
        rig.pass().await;
    }
    rig.run_until("2026-11-25T20:00:00Z", minutes(5)).await;
    let day = |mail: &&Mail| mail.at > at("2026-11-25T00:00:00Z") && mail.at < at("2026-11-25T23:00:00Z");
    let anna = rig.letters_to("anna");
    let today: Vec<_> = anna.iter().filter(day).collect();
    assert_eq!(today.len(), 8, "{:#?}", today.iter().map(|mail| &mail.subject).collect::<Vec<_>>());
    let says = |mail: &Mail| mail.text.contains("dagens sista brev");
    assert_eq!(
        today.iter().map(|mail| says(mail)).collect::<Vec<_>>(),
        [false, false, false, false, false, false, false, true]
    );
    rig.set("2026-11-26T07:00:00Z");
    rig.pass().await;
    assert_eq!(rig.letters_to("anna").len(), anna.len() + 1, "the rest in one letter");
}

#[tokio::test]
async fn the_case_link_is_signed_for_its_reader() {
    let rig = watching("2026-11-24T01:00:00Z").await;
    rig.comment("fb", "p", "c1", "#fara", rig.now());
    rig.pass().await;
    let text = &rig.letters()[0].text;
    let link =
        text.lines().find_map(|line| line.trim().strip_prefix("https://uppsikt.exempel.se/c/")).unwrap();
    let url = url::Url::parse(&format!("https://uppsikt.exempel.se/c/{link}")).unwrap();
    let get = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
    let key = *rig.app.keys.lock().unwrap().link_key().expose();
    let until: i64 = get("e").parse().unwrap();
    let verify = |case, person: &str| {
        uppsikt::desk::link::verify(&key, Subject::Case(CaseId(case)), person, until, &get("s"), rig.now())
            .is_ok()
    };
    let case = rig.case("fb", "c1").0;
    assert!(verify(case, &get("p")) && get("p") == "anna");
    assert!(!verify(case + 1, "anna") && !verify(case, "erik"));
    assert_eq!(until, (rig.now() + TimeDelta::days(14)).timestamp());
}

#[tokio::test]
async fn more_than_sixty_letters_in_an_hour_to_one_person_wait_and_the_operator_is_told_once() {
    // 10.00 in Stockholm.
    let rig = watching("2026-11-24T09:00:00Z").await;
    let begun = rig.now();
    for n in 0..80 {
        rig.comment("fb", "p", &format!("c{n}"), "#fara", rig.now());
        rig.pass().await;
        rig.advance(TimeDelta::seconds(40));
    }
    let to_anna = rig.letters_to("anna");
    assert_eq!(to_anna.iter().filter(|mail| mail.at < begun + TimeDelta::hours(1)).count(), 60);
    let operator = rig.letters_to("drift");
    assert_eq!(operator.len(), 2, "one for each of two persons: {operator:#?}");
    assert!(
        operator.iter().all(|mail| mail.subject.contains("fler än 60 brev på en timme")),
        "{operator:#?}"
    );
    // What waited goes out when the hour is over, as far as it is still true.
    rig.run_until("2026-11-24T12:00:00Z", minutes(10)).await;
    assert!(rig.letters_to("anna").len() > 60);
    assert!(rig.outbox().iter().all(|stored| stored.state != "refused"));
}

#[tokio::test]
async fn a_comment_that_is_gone_before_its_answer_is_not_asked_for_and_a_danger_goes_on() {
    let rig = watching("2026-11-24T08:00:00Z").await;
    rig.comment("fb", "p", "fråga", "När öppnar badet?", rig.now());
    rig.comment("fb", "p", "fara", "#fara", rig.now());
    rig.pass().await;
    rig.fake("fb").remove("fråga");
    rig.fake("fb").remove("fara");
    rig.advance(minutes(1));
    rig.pass().await;
    let kinds: BTreeSet<_> = rig.open_duties().into_iter().map(|duty| duty.what.kind).collect();
    assert!(kinds.contains("danger") && !kinds.contains("answer_24h"), "{kinds:?}");
    let before = rig.letters_to("anna").len();
    rig.advance(minutes(10));
    rig.pass().await;
    assert_eq!(rig.letters_to("anna").len(), before + 1, "the danger is repeated");
    rig.run_until("2026-11-26T12:00:00Z", minutes(60)).await;
    // The owner is asked who took it away; nobody is asked to answer it.
    assert!(rig.letters().iter().all(|mail| !mail.subject.to_lowercase().contains("svara")));
    assert!(rig.letters_to("anna").iter().all(|mail| !mail.text.contains("När öppnar badet?")));
}
