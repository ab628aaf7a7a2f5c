//! 4. Decision → diary number, entries, intent (DESIGN §3, steps 7 and 8).

use crate::config::{Account, Mode};
use crate::domain::case::{CaseState, Outcome};
use crate::kill::{self, When};
use crate::moves;
use crate::pipeline::{App, PassError};
use crate::store::decisions::{self, Decision};
use crate::store::diary::{self, Registration};
use crate::store::intents::{self, NewIntent};
use crate::store::records::{self, Record};
use crate::store::{Act, StoreError, brake, cases, comments, intake, log, media};

/// What a decision needs before it can be entered.
enum Ready {
    /// It can be entered now, with or without a record.
    Enter(Option<Record>),
    /// The version is not preserved yet: the next pass.
    Wait,
    /// The text is another by now.
    Changed,
}

/// Enters the complete decisions of `account` in diary and log. Returns how many.
///
/// # Errors
/// The store's, and the archive's where a key cannot be read.
pub async fn decisions(app: &App, account: &Account) -> Result<usize, PassError> {
    if app.must_not_act().is_some() {
        return Ok(0);
    }
    let mut done = 0;
    loop {
        let before = done;
        let id = account.id.clone();
        let ready = app.db.read(move |reader| decisions::ready(reader, &id)).await?;
        for decision in ready {
            let asked = decision.clone();
            let state = app.db.read(move |reader| readiness(reader, &asked)).await?;
            match state {
                Ready::Wait => continue,
                // What follows onto the new text is entered in the next turn.
                Ready::Changed => changed(app, decision).await?,
                Ready::Enter(record) => {
                    enter(app, account, decision, record).await?;
                    // Each with its intent, which the brake counts before the next is registered: a comment that
                    // the brake leaves standing gets no number in a public register.
                    intents(app, account).await?;
                }
            }
            done += 1;
        }
        if done == before {
            return Ok(done);
        }
    }
}

fn readiness(reader: &crate::store::Reader, decision: &Decision) -> Result<Ready, StoreError> {
    let case = cases::get(reader, decision.case)?;
    let preserved = |version| {
        Ok::<_, StoreError>(
            records::of_version(reader, version)?.filter(|record| record.pack_digest.is_some()),
        )
    };
    match decision.outcome {
        Outcome::Hide | Outcome::Remove => {
            if case.state != CaseState::Hiding {
                // A person confirms what the machine has hidden: what became of the text since is another matter.
                return Ok(
                    preserved(decision.version)?.map_or(Ready::Wait, |record| Ready::Enter(Some(record)))
                );
            }
            let newest = comments::get(reader, case.comment)?.version.id;
            if media::is_fetching(reader, newest)? {
                return Ok(Ready::Wait);
            }
            if newest != decision.version {
                return Ok(if cases::assessment(reader, newest)?.is_some() {
                    Ready::Changed
                } else {
                    Ready::Wait
                });
            }
            Ok(preserved(newest)?.map_or(Ready::Wait, |record| Ready::Enter(Some(record))))
        }
        Outcome::Restore => Ok(Ready::Enter(records::current(reader, decision.case)?)),
        _ => Ok(Ready::Enter(preserved(decision.version)?)),
    }
}

/// The text was edited between decision and act: the decision follows onto the new text only if that is not milder;
/// otherwise a person looks again (N12).
async fn changed(app: &App, decision: Decision) -> Result<(), PassError> {
    let (config, now) = (app.config.clone(), app.clock.now());
    app.db
        .write(move |tx| {
            let case = cases::get(tx, decision.case)?;
            if decisions::get(tx, decision.id)?.state != "ready" {
                // The brake, in another process, was faster.
                return Ok(());
            }
            let newest = comments::get(tx, case.comment)?.version.id;
            let judged = |version| {
                Ok::<_, StoreError>(cases::assessment(tx, version)?.map(|judged| judged.assessment))
            };
            let (old, new) = (judged(decision.version)?, judged(newest)?);
            decisions::set_state(tx, decision.id, "void")?;
            if moves::not_milder(&config, decision.rule.as_deref(), old.as_ref(), new.as_ref()) {
                decisions::follow(tx, &decision, newest, now)?;
                return Ok(());
            }
            cases::set_state(tx, decision.case, CaseState::Open, now)?;
            moves::edited(tx, &config, decision.case, now)
        })
        .await?;
    Ok(())
}

/// One transaction: number, `registered` and `decision` for a hide or remove; `decision` alone for the others, and
/// only where a record exists.
async fn enter(
    app: &App,
    account: &Account,
    decision: Decision,
    record: Option<Record>,
) -> Result<(), PassError> {
    let key = record.as_ref().map(|record| app.record_key(&record.id)).transpose()?;
    let (config, board, now) = (app.config.clone(), account.board.clone(), app.clock.now());
    let account = account.id.clone();
    kill::point("register", When::Before);
    app.db
        .write(move |tx| {
            if decisions::get(tx, decision.id)?.state != "ready" || brakes(tx, &config, &account, &decision, now)? {
                return Ok(());
            }
            let (Some(record), Some(key)) = (record, key) else {
                decisions::entered(tx, decision.id, None)?;
                return Ok(());
            };
            if matches!(decision.outcome, Outcome::Hide | Outcome::Remove)
                && diary::of_record(tx, &record.id)?.is_none()
            {
                let template = config.board(&board).map_or("UPP {year}/{n}", |board| board.diary.as_str());
                let number = diary::next(tx, &board, template, now)?;
                let text = moves::public_text(&config, &account, decision.outcome);
                let doc = serde_json::json!({
                    "diary": { "number": number.text, "board": number.board, "year": number.year, "n": number.n },
                    "public_text": text,
                    "registered_at": now,
                });
                let entry = log::append_rooted(tx, "registered", &record.id, &doc, key.expose(), now)?;
                diary::register(
                    tx,
                    &Registration {
                        number: &number,
                        record: &record.id,
                        case: decision.case,
                        entry,
                        public_text: &text,
                        secrecy: moves::is_secret(tx, record.version)?,
                        at: now,
                    },
                )?;
            }
            let doc = decision_doc(tx, &config, &decision)?;
            let entry = log::append_rooted(tx, "decision", &record.id, &doc, key.expose(), now)?;
            decisions::entered(tx, decision.id, Some(entry))
        })
        .await?;
    kill::point("register", When::After);
    Ok(())
}

/// Whether the brake stops an automatic decision; then it is void, its case is open, and nothing is registered.
fn brakes(
    tx: &crate::store::Tx<'_>,
    config: &crate::config::Config,
    account: &str,
    decision: &Decision,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<bool, StoreError> {
    let Some(rule) = &decision.rule else { return Ok(false) };
    let limits = brake::Limits {
        per_rule: config.brake.automatic_hides_per_rule_and_day,
        in_all: config.brake.automatic_hides_per_day,
    };
    let Some(braked) = brake::ask(tx, rule, limits, now)? else { return Ok(false) };
    moves::braked(tx, config, account, &braked, now)?;
    Ok(true)
}

/// Decisions on what a person took in: no request is sent, the person acts on the platform, and the case says what was
/// decided.
async fn by_hand(app: &App, account: &Account) -> Result<(), PassError> {
    let (id, now) = (account.id.clone(), app.clock.now());
    app.db
        .write(move |tx| {
            for (case, outcome) in intake::by_hand(tx, &id)? {
                let state = match outcome {
                    Outcome::Remove => CaseState::Removed,
                    Outcome::Restore => CaseState::Restored,
                    _ => CaseState::Hidden,
                };
                cases::set_state(tx, case, state, now)?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}

/// What the `decision` entry commits to: who, or which rule; what; when; why; on which ground.
fn decision_doc(
    tx: &crate::store::Tx<'_>,
    config: &crate::config::Config,
    decision: &Decision,
) -> Result<serde_json::Value, StoreError> {
    let judged = cases::assessment(tx, decision.version)?;
    let who = |decision: &Decision| {
        let name = config.roster.person(&decision.person).map(|person| &person.name);
        serde_json::json!({ "id": decision.person, "name": name, "entered_by": decision.os_user })
    };
    // Who proposed what this completes or refuses, or decided what this follows, stands in the evidence too.
    let earlier = decision.completes.map(|id| decisions::get(tx, id)).transpose()?.map(|earlier| {
        serde_json::json!({
            "outcome": earlier.outcome.code(),
            "by": who(&earlier),
            "decided_at": earlier.at,
            "reason": earlier.reason,
        })
    });
    let grounds: Vec<_> = judged
        .iter()
        .flat_map(|judged| &judged.assessment.findings)
        .map(|finding| {
            let policy = config.categories.get(&finding.category);
            serde_json::json!({
                "category": finding.category.code(),
                "rule": finding.rule,
                "version": finding.version,
                "paragraph": policy.map(|policy| policy.paragraph.as_str()),
                "law": policy.map(|policy| policy.law.as_str()),
            })
        })
        .collect();
    let automatic = decision.rule.as_ref().map(|rule| {
        let by = judged
            .iter()
            .flat_map(|judged| &judged.assessment.findings)
            .find(|finding| finding.rule == *rule)
            .and_then(|finding| config.categories.get(&finding.category))
            .and_then(|policy| policy.automatic.as_ref());
        serde_json::json!({ "rule": rule, "decided": by })
    });
    Ok(serde_json::json!({
        "outcome": decision.outcome.code(),
        "by": who(decision),
        "automatic": automatic,
        "decided_at": decision.at,
        "reason": decision.reason,
        "grounds": grounds,
        "rules": judged.as_ref().map(|judged| judged.rules.as_str()),
        "profile": config.profile,
        "earlier": earlier,
    }))
}

/// Makes the intents of decisions that are entered: entry and row in one transaction, the brake asked in it.
///
/// # Errors
/// The store's.
pub async fn intents(app: &App, account: &Account) -> Result<usize, PassError> {
    if app.must_not_act().is_some() {
        return Ok(0);
    }
    by_hand(app, account).await?;
    if account.mode == Mode::Watch {
        return Ok(0);
    }
    let id = account.id.clone();
    let wanting = app.db.read(move |reader| intents::wanting(reader, &id)).await?;
    let count = wanting.len();
    for id in wanting {
        let (config, account, now) = (app.config.clone(), account.id.clone(), app.clock.now());
        kill::point("intent", When::Before);
        app.db
            .write(move |tx| {
                let decision = decisions::get(tx, id)?;
                if decision.state != "entered" {
                    // An earlier one tripped the brake and made this one void.
                    return Ok(());
                }
                let act = if decision.outcome == Outcome::Restore { Act::Restore } else { Act::Hide };
                let case = cases::get(tx, decision.case)?;
                let record = match act {
                    Act::Restore => records::current(tx, decision.case)?,
                    _ => records::of_version(tx, decision.version)?,
                };
                let Some(record) = record.filter(|record| record.pack_digest.is_some()) else {
                    return Err(StoreError::Corrupt(format!("decision {id} is entered without a record")));
                };
                if brakes(tx, &config, &account, &decision, now)? {
                    return Ok(());
                }
                let kind = format!("{}_intent", act.code());
                let entry = log::append_bare(tx, &kind, &record.id, now)?;
                intents::create(
                    tx,
                    &NewIntent {
                        act,
                        case: decision.case,
                        comment: case.comment,
                        record: &record.id,
                        decision: id,
                        rule: decision.rule.as_deref(),
                        entry,
                        at: now,
                    },
                )?;
                if act == Act::Hide {
                    cases::set_state(tx, decision.case, CaseState::Hiding, now)?;
                }
                Ok(())
            })
            .await?;
        kill::point("intent", When::After);
    }
    Ok(count)
}
