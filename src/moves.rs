//! What follows from what, each in the caller's one transaction: cases opened and moved, duties begun and closed.
//!
//! Steps, command line and desk meet here and nowhere else, so that a decision has the same consequences whichever
//! way it came.

use chrono::{DateTime, Utc};

use crate::config::{Account, AccountStatus, Config, Mode};
use crate::connector::Sighting;
use crate::domain::calendar;
use crate::domain::case::{CaseId, CaseState, Outcome, OutsideChange, outside_change};
use crate::domain::category::{Category, DecisionRef, Proposal};
use crate::domain::classify::{Assessment, Band, Finding};
use crate::domain::deadline::{self, Clocks};
use crate::domain::duty;
use crate::domain::roster::{self, Role};
use crate::outbox;
use crate::store::comments::StoredComment;
use crate::store::decisions::{self, Decided, MACHINE, NewDecision};
use crate::store::duties::{self, NewDuty};
use crate::store::intents::{self, OpenIntent};
use crate::store::{Result, StoreError, Tx, brake, cases, comments, polls};

/// The kinds of duty that an answer ends.
pub const ANSWER_KINDS: [&str; 3] = ["answer_24h", "answer_next_working_day", "answer_as_soon_as_possible"];

/// What a duty is about.
#[derive(Debug, Clone)]
pub struct About<'a> {
    /// The kind's code.
    pub kind: &'static str,
    /// The case, for duties about one comment.
    pub case: Option<CaseId>,
    /// The account; empty for the installation itself.
    pub account: &'a str,
    /// What started the clock.
    pub trigger_at: DateTime<Utc>,
    /// When Uppsikt saw it.
    pub found_at: DateTime<Utc>,
    /// What a person must know to begin, in Swedish; stands first in the explanation.
    pub note: Option<String>,
}

/// Begins a duty, with its due time and the reckoning; an open one of the same kind stands.
///
/// # Errors
/// Engine errors; `Corrupt` for a kind that does not exist.
pub fn begin(tx: &Tx<'_>, config: &Config, about: &About<'_>) -> Result<()> {
    let kind = duty::Kind::named(about.kind)
        .ok_or_else(|| StoreError::Corrupt(format!("there is no kind of duty `{}`", about.kind)))?;
    begin_kind(tx, config, about, kind, kind.period)
}

fn begin_kind(
    tx: &Tx<'_>,
    config: &Config,
    about: &About<'_>,
    kind: &'static duty::Kind,
    period: duty::Period,
) -> Result<()> {
    let due_at = period.due(about.trigger_at, &config.hours);
    let reckoning = reckoning(kind, period, about.trigger_at, due_at, config);
    let explain = about.note.iter().cloned().chain(reckoning);
    duties::begin(
        tx,
        &NewDuty {
            kind: kind.code.to_owned(),
            case: about.case,
            account: about.account.to_owned(),
            post_id: None,
            trigger_at: about.trigger_at,
            found_at: about.found_at,
            due_at,
            explain: explain.collect(),
        },
    )?;
    Ok(())
}

/// The reckoning of one duty, in Swedish.
fn reckoning(
    kind: &duty::Kind,
    period: duty::Period,
    trigger: DateTime<Utc>,
    due: DateTime<Utc>,
    config: &Config,
) -> Vec<String> {
    let mut clocks = Clocks::default();
    match period {
        duty::Period::Hours(24) => clocks.answer_24h = true,
        duty::Period::NextWorkingDay => clocks.next_working_day = true,
        duty::Period::SameDayOrNext(hours) => clocks.as_soon_as_possible = Some(hours),
        _ => {}
    }
    if kind.trigger == duty::Trigger::Received && clocks != Clocks::default() {
        return deadline::reckon(trigger, &clocks, &config.hours).explain;
    }
    if period == duty::Period::AtOnce {
        return vec![format!("Klockan startade {}: så snart det går.", calendar::instant_in_words(trigger))];
    }
    vec![format!(
        "Klockan startade {}; senast {}.",
        calendar::instant_in_words(trigger),
        calendar::instant_in_words(due)
    )]
}

/// What follows when a text has been judged.
///
/// # Errors
/// Engine errors.
pub fn judged(
    tx: &Tx<'_>,
    config: &Config,
    stored: &StoredComment,
    assessment: &Assessment,
    now: DateTime<Utc>,
) -> Result<()> {
    let Some(account) = config.account(&stored.comment.account) else { return Ok(()) };
    if stored.ours {
        return answered_by_us(tx, stored);
    }
    let flagged = assessment.proposal > Proposal::Keep;
    if stored.old {
        // Older than `watched_from`: searchable and decidable, but no duty, letter or act (N1).
        if !flagged {
            return Ok(());
        }
        let case = cases::open(tx, stored.id, now)?;
        // The date is the author's claim on some platforms: what claims to be old, and was not there when the first
        // night's reading ended, does not escape a person's eyes where somebody may be in danger.
        let late = polls::first_success(tx, &account.id)?.is_some_and(|first| first < stored.first_seen_at);
        if late && flag_kind(config, assessment) == "danger" {
            let note = "Kommentaren är daterad före bevakningens början men sågs först nu.".to_owned();
            let about = About {
                kind: "danger",
                case: Some(case.id),
                account: &account.id,
                trigger_at: now,
                found_at: now,
                note: Some(note),
            };
            begin(tx, config, &about)?;
        }
        return Ok(());
    }
    let arrived_hidden = stored.version.n == 1 && stored.sighting.is_hidden();
    let answers = assessment.needs_answer && account.status == AccountStatus::Active;
    let known = cases::of_comment(tx, stored.id)?;
    if !flagged && !answers && !arrived_hidden && known.is_none() {
        return Ok(());
    }
    let case = cases::open(tx, stored.id, now)?;
    let about = |kind, trigger_at, note| About {
        kind,
        case: Some(case.id),
        account: &account.id,
        trigger_at,
        found_at: now,
        note,
    };
    if stored.version.n > 1 && known.is_some() {
        return edited_text(tx, config, account, stored, &case, assessment, now);
    }
    if arrived_hidden {
        comments::note_sighting(tx, stored.id, stored.sighting, "outside", now)?;
        let note =
            "Kommentaren var redan dold när Uppsikt såg den: av plattformens filter, eller av någon i \
                    plattformens app. Vem är okänt."
                .to_owned();
        begin(tx, config, &about("changed_outside", now, Some(note)))?;
    }
    if flagged {
        begin(
            tx,
            config,
            &about(flag_kind(config, assessment), stored.created_at.max(case.opened_at), None),
        )?;
    }
    if answers {
        for (kind, period) in duty::answer_duties(&config.clocks) {
            begin_kind(tx, config, &about(kind.code, stored.created_at, None), kind, period)?;
        }
    }
    automatically(tx, config, account, stored, &case, assessment, now)
}

/// A flag of danger is told until somebody acts, one of a category that is told at once is told at once, and any other
/// is a review.
fn flag_kind(config: &Config, assessment: &Assessment) -> &'static str {
    use crate::domain::category::Told;
    let at_once = assessment.findings.iter().any(|finding| {
        config.categories.get(&finding.category).is_some_and(|policy| policy.told == Told::AtOnce)
    });
    if assessment.findings.iter().any(|finding| finding.category.is_danger()) {
        "danger"
    } else if at_once {
        "prompt_review"
    } else {
        "review"
    }
}

/// A known comment got another text (N12).
fn edited_text(
    tx: &Tx<'_>,
    config: &Config,
    account: &Account,
    stored: &StoredComment,
    case: &cases::Case,
    assessment: &Assessment,
    now: DateTime<Utc>,
) -> Result<()> {
    let before = previous(tx, stored)?;
    let had = |category: Category| {
        before
            .as_ref()
            .is_some_and(|judged| judged.findings.iter().any(|finding| finding.category == category))
    };
    let newly: Vec<_> = assessment.findings.iter().filter(|finding| !had(finding.category)).collect();
    let asks = assessment.needs_answer && !before.as_ref().is_some_and(|judged| judged.needs_answer);
    let settled = case.answered_at.is_some() || matches!(case.state, CaseState::Kept | CaseState::Closed);
    let about = |kind, note| About {
        kind,
        case: Some(case.id),
        account: &account.id,
        trigger_at: now,
        found_at: now,
        note,
    };
    if settled && (!newly.is_empty() || asks || case.answered_at.is_some()) {
        if !newly.is_empty() && matches!(case.state, CaseState::Kept | CaseState::Closed) {
            cases::set_state(tx, case.id, CaseState::Open, now)?;
        }
        let note = "Texten har ändrats efter att den besvarades eller godkändes. Båda versionerna finns på ärendets \
                    sida."
            .to_owned();
        begin(tx, config, &about("edited_after_answer", Some(note)))?;
    }
    let undecided = matches!(
        case.state,
        CaseState::Open
            | CaseState::AwaitingApproval
            | CaseState::Kept
            | CaseState::Closed
            | CaseState::HideFailed
            | CaseState::Restored
            | CaseState::RestoredOutside
    );
    if !newly.is_empty() && undecided {
        if matches!(case.state, CaseState::Restored | CaseState::RestoredOutside) {
            cases::set_state(tx, case.id, CaseState::Open, now)?;
        }
        begin(tx, config, &about(flag_kind(config, assessment), None))?;
    }
    if case.state == CaseState::Open && before.as_ref().is_none_or(|judged| judged.findings.is_empty()) {
        automatically(tx, config, account, stored, case, assessment, now)?;
    }
    Ok(())
}

fn previous(tx: &Tx<'_>, stored: &StoredComment) -> Result<Option<Assessment>> {
    let Some(version) = comments::version_before(tx, stored.id, stored.version.n)? else { return Ok(None) };
    Ok(cases::assessment(tx, version)?.map(|judged| judged.assessment))
}

/// The findings on which the machine may hide by itself, each with the decision that lets it.
fn automatic<'a>(
    config: &'a Config,
    assessment: &'a Assessment,
) -> impl Iterator<Item = (&'a Finding, &'a DecisionRef)> {
    // Where somebody may be a child in danger, or harm themselves, a person decides, whatever else was found.
    let a_person_must = assessment.findings.iter().any(|finding| {
        matches!(finding.category, Category::ChildAtRisk | Category::SelfHarm | Category::OngoingCrime)
    });
    assessment
        .findings
        .iter()
        .filter(move |finding| !a_person_must && finding.band == Band::Obvious)
        .filter_map(|finding| {
            let policy = config.categories.get(&finding.category)?;
            let decided = policy.automatic.as_ref().filter(|_| !finding.category.never_automatic())?;
            Some((finding, decided))
        })
}

/// Whether a decision to hide one text holds for the text that stands there now: all that was found is still found,
/// what is proposed is no milder, and a machine's decision still rests on its rule (N12).
pub fn not_milder(
    config: &Config,
    rule: Option<&str>,
    before: Option<&Assessment>,
    now: Option<&Assessment>,
) -> bool {
    let (Some(before), Some(now)) = (before, now) else { return false };
    let still = before.findings.iter().all(|old| now.findings.iter().any(|new| new.category == old.category));
    let ruled = rule.is_none_or(|rule| automatic(config, now).any(|(finding, _)| finding.rule == rule));
    still && ruled && now.proposal >= before.proposal
}

/// Lets the machine decide where a person has decided that it may (promise 8, N9).
fn automatically(
    tx: &Tx<'_>,
    config: &Config,
    account: &Account,
    stored: &StoredComment,
    case: &cases::Case,
    assessment: &Assessment,
    now: DateTime<Utc>,
) -> Result<()> {
    let untouched = case.state == CaseState::Open && decisions::of_case(tx, case.id)?.is_empty();
    if account.mode != Mode::Act || !untouched || stored.sighting != Sighting::Public {
        return Ok(());
    }
    let Some((finding, decided)) = automatic(config, assessment).next() else { return Ok(()) };
    decisions::decide(
        tx,
        &NewDecision {
            case: case.id,
            person: MACHINE.to_owned(),
            os_user: MACHINE.to_owned(),
            outcome: Outcome::Hide,
            reason: format!(
                "Automatiskt dold: regeln {} version {} ({}), enligt beslut {} av {} den {}.",
                finding.rule,
                finding.version,
                finding.category.name(),
                decided.dnr,
                decided.by,
                decided.on
            ),
            alone: true,
            rule: Some(finding.rule.clone()),
            at: now,
        },
    )?;
    duties::close(tx, case.id, &["review"], "automatic", MACHINE, now)?;
    begin(
        tx,
        config,
        &About {
            kind: "automatic_look",
            case: Some(case.id),
            account: &account.id,
            trigger_at: now,
            found_at: now,
            note: Some("Dold automatiskt. En människa ser efter, alltid.".to_owned()),
        },
    )
}

/// The municipality's account wrote in a thread: the answer duties that this ends, at the reply's own time (R42, N7).
fn answered_by_us(tx: &Tx<'_>, reply: &StoredComment) -> Result<()> {
    let thread = comments::thread(tx, &reply.comment.account, &reply.post_id)?;
    let text = reply.version.text.to_lowercase();
    for other in thread.iter().filter(|other| !other.ours && other.created_at <= reply.created_at) {
        let answered = reply.parent_id.as_deref() == Some(other.comment.native.as_str())
            || other
                .author
                .name
                .as_ref()
                .is_some_and(|name| name.chars().count() >= 3 && text.contains(&name.to_lowercase()));
        let Some(case) = cases::of_comment(tx, other.id)?.filter(|_| answered) else { continue };
        let closed = duties::close(tx, case.id, &ANSWER_KINDS, "answered", "kontot", reply.created_at)?;
        if closed > 0 || case.answered_at.is_none() {
            cases::set_answered(tx, case.id, reply.created_at)?;
        }
        settle(tx, case.id, reply.created_at)?;
    }
    duties::settle_threads(tx, reply.created_at)
}

/// Closes an open case with nothing left to do.
fn settle(tx: &Tx<'_>, id: CaseId, now: DateTime<Utc>) -> Result<()> {
    if cases::get(tx, id)?.state == CaseState::Open && !duties::any_open(tx, id)? {
        cases::set_state(tx, id, CaseState::Closed, now)?;
    }
    Ok(())
}

/// What follows when a look shows a comment standing otherwise than before, and Uppsikt is not just acting on it.
///
/// Who did it is never guessed (N7).
///
/// # Errors
/// Engine errors.
pub fn sighted(
    tx: &Tx<'_>,
    config: &Config,
    stored: &StoredComment,
    sighting: Sighting,
    now: DateTime<Utc>,
) -> Result<()> {
    let case = cases::of_comment(tx, stored.id)?;
    let acting =
        intents::acting(tx, stored.id)? || case.as_ref().is_some_and(|case| case.state == CaseState::Hiding);
    let change = outside_change(stored.sighting, sighting, case.as_ref().map(|case| case.state), acting);
    if sighting != stored.sighting && sighting != Sighting::NoRight && !acting {
        comments::note_sighting(tx, stored.id, sighting, "look", now)?;
    }
    if let Some(case) = &case
        && case.state == CaseState::HideUnconfirmed
        && sighting.is_hidden()
        && !acting
    {
        // The platform took longer than the hour that Uppsikt waits.
        cases::set_state(tx, case.id, CaseState::Hidden, now)?;
        duties::close(tx, case.id, &["act_failed"], "done", MACHINE, now)?;
    }
    if change == OutsideChange::None || stored.old || stored.ours {
        return Ok(());
    }
    let case = cases::open(tx, stored.id, now)?;
    comments::note_sighting(tx, stored.id, sighting, "outside", now)?;
    let what = match change {
        OutsideChange::None => return Ok(()),
        OutsideChange::Hidden => "Kommentaren har dolts",
        OutsideChange::Shown => "Kommentaren, som var dold, är synlig igen",
        OutsideChange::Restored => {
            cases::set_state(tx, case.id, CaseState::RestoredOutside, now)?;
            "Kommentaren, som Uppsikt hade dolt, är synlig igen"
        }
        OutsideChange::Gone => {
            withdrawn(tx, config, &case, now)?;
            "Kommentaren finns inte längre på plattformen: dess författare, plattformen eller någon i kommunen har \
             tagit bort den"
        }
    };
    begin(
        tx,
        config,
        &About {
            kind: "changed_outside",
            case: Some(case.id),
            account: &stored.comment.account,
            trigger_at: now,
            found_at: now,
            note: Some(format!("{what}. Ändrad utanför Uppsikt, av okänd.")),
        },
    )
}

/// The comment is gone: nobody waits for an answer any more; where somebody may be in danger the duty goes on (N12).
///
/// # Errors
/// Engine errors.
pub fn withdrawn(tx: &Tx<'_>, _config: &Config, case: &cases::Case, now: DateTime<Utc>) -> Result<()> {
    duties::close(tx, case.id, &ANSWER_KINDS, "withdrawn", MACHINE, now)?;
    duties::close(tx, case.id, &["review", "approve", "edited_after_answer"], "withdrawn", MACHINE, now)?;
    if let Some(proposal) = decisions::waiting(tx, case.id)? {
        decisions::set_state(tx, proposal.id, "void")?;
    }
    if matches!(
        case.state,
        CaseState::Open
            | CaseState::AwaitingApproval
            | CaseState::Kept
            | CaseState::Closed
            | CaseState::HideFailed
    ) {
        cases::set_state(tx, case.id, CaseState::Withdrawn, now)?;
    }
    duties::settle_threads(tx, now)
}

/// A decision as a person asks for it.
#[derive(Debug, Clone, Copy)]
pub struct Decide<'a> {
    /// The case.
    pub case: CaseId,
    /// Person id of who decides.
    pub person: &'a str,
    /// The operating-system account that enters it, or `desk` (N24).
    pub os_user: &'a str,
    /// What is decided.
    pub outcome: Outcome,
    /// Why, in the person's words.
    pub reason: &'a str,
    /// When.
    pub at: DateTime<Utc>,
}

/// A person decides: rights, the decision, and what it ends or begins (DESIGN §7, `decide`).
///
/// # Errors
/// `Conflict`, with a sentence for the person; nothing is then written.
pub fn decide(tx: &Tx<'_>, config: &Config, asked: &Decide<'_>) -> Result<Decided> {
    let &Decide { case: id, person, outcome, at: now, .. } = asked;
    let case = cases::get(tx, id)?;
    let stored = comments::get(tx, case.comment)?;
    let account = config.account(&stored.comment.account).ok_or_else(|| {
        StoreError::Conflict(format!(
            "account `{}` is not in the configuration any more",
            stored.comment.account
        ))
    })?;
    let alone = rights(config, account, person, outcome, now)?;
    let new = NewDecision {
        case: id,
        person: person.to_owned(),
        os_user: asked.os_user.to_owned(),
        outcome,
        reason: asked.reason.to_owned(),
        alone,
        rule: None,
        at: now,
    };
    // A person confirms what the machine hid: a decision of its own, and no second act.
    let confirms = case.state == CaseState::Hidden
        && outcome == Outcome::Hide
        && duties::of_case(tx, id)?
            .iter()
            .any(|duty| duty.what.kind == "automatic_look" && duty.closed_at.is_none());
    if confirms {
        decisions::confirm(tx, &new)?;
        end(tx, id, outcome, person, now)?;
        tell_entered(tx, config, asked)?;
        return Ok(Decided::Complete);
    }
    let decided = decisions::decide(tx, &new)?;
    let about = |kind, note: &str| About {
        kind,
        case: Some(id),
        account: &account.id,
        trigger_at: now,
        found_at: now,
        note: Some(note.to_owned()),
    };
    match decided {
        Decided::Waits => {
            duties::close(tx, id, &["review", "prompt_review", "danger"], "proposed", person, now)?;
            begin(tx, config, &about("approve", "En redaktör har föreslagit; en annan person avgör."))?;
        }
        Decided::Refused => {
            duties::close(tx, id, &["approve"], "refused", person, now)?;
            if outcome == Outcome::Keep {
                end(tx, id, outcome, person, now)?;
            } else if cases::get(tx, id)?.state == CaseState::Open {
                begin(tx, config, &about("review", "Förslaget avslogs; ärendet är öppet igen."))?;
            }
        }
        Decided::Complete => {
            end(tx, id, outcome, person, now)?;
            if outcome == Outcome::AnsweredJointly {
                for case in joint(tx, &stored)? {
                    duties::close(tx, case, &ANSWER_KINDS, outcome.code(), person, now)?;
                    cases::set_answered(tx, case, now)?;
                    settle(tx, case, now)?;
                }
                duties::close_for_post(tx, &account.id, &stored.post_id, outcome.code(), person, now)?;
            }
        }
    }
    settle(tx, id, now)?;
    duties::settle_threads(tx, now)?;
    tell_entered(tx, config, asked)?;
    Ok(decided)
}

/// Whoever has a shell can name anybody: the named person is told (N24). On the desk the person decides themselves.
fn tell_entered(tx: &Tx<'_>, config: &Config, asked: &Decide<'_>) -> Result<()> {
    if matches!(asked.os_user, "desk" | MACHINE) {
        return Ok(());
    }
    outbox::entered(tx, config, asked.case, asked.person, asked.os_user, asked.outcome, asked.at)
}

/// A person says that they act on what may be a danger: it is not repeated any more, and stays a duty (N8).
///
/// Whoever has a role for the account may; returns how many dangers of the case were not acknowledged before.
///
/// # Errors
/// `Conflict`, with a sentence for the person; engine errors.
pub fn acknowledge(
    tx: &Tx<'_>,
    config: &Config,
    id: CaseId,
    person: &str,
    now: DateTime<Utc>,
) -> Result<usize> {
    let case = cases::get(tx, id)?;
    let account = comments::get(tx, case.comment)?.comment.account;
    roster::roles_for(&config.roster, person, &account, now)
        .map_err(|refused| StoreError::Conflict(refused.to_string()))?;
    duties::acknowledge(tx, id, person, now)
}

/// Ends the open duties of a case that this outcome ends; the table of kinds says which.
fn end(tx: &Tx<'_>, id: CaseId, outcome: Outcome, person: &str, now: DateTime<Utc>) -> Result<()> {
    for open in duties::of_case(tx, id)?.iter().filter(|duty| duty.closed_at.is_none()) {
        if duty::Kind::named(&open.what.kind).is_some_and(|kind| kind.allows(outcome)) {
            duties::close_one(tx, open.id, outcome.code(), person, now)?;
        }
    }
    Ok(())
}

/// Whether this person may decide this, and whether the decision is complete by itself.
fn rights(
    config: &Config,
    account: &Account,
    person: &str,
    outcome: Outcome,
    now: DateTime<Utc>,
) -> Result<bool> {
    if outcome == Outcome::Remove {
        return Err(StoreError::Conflict(format!(
            "{} offers no removal of another's comment here; `hide` is what can be done",
            account.platform.label()
        )));
    }
    if matches!(outcome, Outcome::Hide | Outcome::Restore) && account.mode == Mode::Watch {
        return Err(StoreError::Conflict(format!(
            "account `{}` is in watch mode: nothing is written to the platform; set mode = \"act\" for it",
            account.id
        )));
    }
    let roles = roster::roles_for(&config.roster, person, &account.id, now)
        .map_err(|refused| StoreError::Conflict(refused.to_string()))?;
    if roles.iter().any(|role| matches!(role, Role::Head | Role::Owner | Role::Communicator)) {
        return Ok(true);
    }
    if roles.contains(&Role::Editor) {
        return Ok(!config.four_eyes);
    }
    Err(StoreError::Conflict(format!(
        "`{person}` is neither editor, owner, head nor communicator for account `{}` and may not decide",
        account.id
    )))
}

/// The cases under the same post.
fn joint(tx: &Tx<'_>, stored: &StoredComment) -> Result<Vec<CaseId>> {
    let mut found = Vec::new();
    for other in comments::thread(tx, &stored.comment.account, &stored.post_id)? {
        if let Some(case) = cases::of_comment(tx, other.id)? {
            found.push(case.id);
        }
    }
    Ok(found)
}

/// An act took effect: what was waiting for it ends.
///
/// # Errors
/// Engine errors.
pub fn act_done(tx: &Tx<'_>, _config: &Config, open: &OpenIntent, now: DateTime<Utc>) -> Result<()> {
    duties::close(tx, open.case, &["act_failed"], "done", MACHINE, now)?;
    Ok(())
}

/// An act failed for good, or nobody could see that it worked: a person acts.
///
/// # Errors
/// Engine errors.
pub fn act_failed(
    tx: &Tx<'_>,
    config: &Config,
    open: &OpenIntent,
    why: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    act_in_trouble(tx, config, open, why, now)
}

/// An act cannot be carried out at the moment; a person is told while Uppsikt goes on trying.
///
/// # Errors
/// Engine errors.
pub fn act_in_trouble(
    tx: &Tx<'_>,
    config: &Config,
    open: &OpenIntent,
    why: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let account = comments::get(tx, open.comment)?.comment.account;
    begin(
        tx,
        config,
        &About {
            kind: "act_failed",
            case: Some(open.case),
            account: &account,
            trigger_at: now,
            found_at: now,
            note: Some(format!("Det gick inte på plattformen: {why}.")),
        },
    )
}

/// The text was edited to something milder between decision and act: a person looks again.
///
/// # Errors
/// Engine errors.
pub fn edited(tx: &Tx<'_>, config: &Config, case: CaseId, now: DateTime<Utc>) -> Result<()> {
    let comment = cases::get(tx, case)?.comment;
    let account = comments::get(tx, comment)?.comment.account;
    let note =
        "Texten ändrades till något mildare mellan beslut och åtgärd. Ingenting har dolts; se efter igen.";
    begin(
        tx,
        config,
        &About {
            kind: "review",
            case: Some(case),
            account: &account,
            trigger_at: now,
            found_at: now,
            note: Some(note.to_owned()),
        },
    )
}

/// The brake has tripped by itself: the operator is told once, and of each case a person.
///
/// # Errors
/// Engine errors.
pub fn braked(
    tx: &Tx<'_>,
    config: &Config,
    account: &str,
    braked: &brake::Braked,
    now: DateTime<Utc>,
) -> Result<()> {
    for case in &braked.cases {
        not_hidden(tx, config, *case, &braked.why, now)?;
    }
    begin(
        tx,
        config,
        &About {
            kind: "braked",
            case: None,
            account,
            trigger_at: now,
            found_at: now,
            note: Some(format!(
                "Bromsen har löst ut: {}. `uppsikt brake --release` släpper den, när någon sett efter.",
                braked.why
            )),
        },
    )
}

/// The brake holds: nothing was hidden, and a person decides.
///
/// # Errors
/// Engine errors.
pub fn not_hidden(tx: &Tx<'_>, config: &Config, case: CaseId, why: &str, now: DateTime<Utc>) -> Result<()> {
    let comment = cases::get(tx, case)?.comment;
    let account = comments::get(tx, comment)?.comment.account;
    duties::close(tx, case, &["automatic_look"], "braked", MACHINE, now)?;
    begin(
        tx,
        config,
        &About {
            kind: "review",
            case: Some(case),
            account: &account,
            trigger_at: now,
            found_at: now,
            note: Some(format!("Bromsen håller: {why}. Ingenting har dolts; en människa avgör.")),
        },
    )
}

/// Tells the operator why nothing is hidden or registered; closes the duty when all is well again.
///
/// # Errors
/// Engine errors.
pub fn halted(tx: &Tx<'_>, config: &Config, reasons: &[String], now: DateTime<Utc>) -> Result<()> {
    if reasons.is_empty() {
        duties::close_for_account(tx, "", "halted", "well_again", now)?;
        return Ok(());
    }
    begin(
        tx,
        config,
        &About {
            kind: "halted",
            case: None,
            account: "",
            trigger_at: now,
            found_at: now,
            note: Some(format!("Ingenting döljs eller registreras just nu: {}.", reasons.join("; "))),
        },
    )
}

/// What everybody may read in the register (OSL 5:2), chosen by outcome and never by suspicion (N3).
pub fn public_text(config: &Config, account: &str, outcome: Outcome) -> String {
    let place = config.account(account).map_or_else(
        || "kommunens konto".to_owned(),
        |account| format!("kommunens konto på {}", account.platform.label()),
    );
    match outcome {
        Outcome::Remove => format!("Kommentar på {place}, borttagen enligt kommunens riktlinjer"),
        _ => format!("Kommentar på {place}, dold enligt kommunens riktlinjer"),
    }
}

/// Whether what was found in a version may be covered by secrecy: the sender then stays out of the public register.
///
/// # Errors
/// Engine errors.
pub fn is_secret(tx: &Tx<'_>, version: i64) -> Result<bool> {
    Ok(cases::assessment(tx, version)?.is_some_and(|judged| {
        judged.assessment.findings.iter().any(|finding| finding.category.text_stays_home())
    }))
}
