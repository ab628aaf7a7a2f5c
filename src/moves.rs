//! What follows from what, each in the caller's one transaction: cases opened and moved, duties begun and closed.
//!
//! Steps, command line and desk meet here and nowhere else, so that a decision has the same consequences whichever
//! way it came.

use chrono::{DateTime, Utc};

use crate::config::{Account, AccountStatus, Config, Mode};
use crate::connector::{Sighting, lists_what_it_holds};
use crate::domain::calendar;
use crate::domain::case::{CaseId, CaseState, Outcome};
use crate::domain::category::{Category, DecisionRef, Proposal};
use crate::domain::classify::{Assessment, Band, Finding};
use crate::domain::deadline::{self, Clocks};
use crate::domain::duty;
use crate::domain::media::MediaAnswer;
use crate::store::comments::StoredComment;
use crate::store::decisions::{self, MACHINE, NewDecision};
use crate::store::duties::{self, NewDuty};
use crate::store::media as kept;
use crate::store::{Result, StoreError, Tx, cases, comments, intake, polls};

mod acts;
mod decide;
pub mod hand;
mod keys;
mod media;
mod outside;

pub use acts::{act_done, act_in_trouble, braked, edited, halted, not_hidden};
pub use decide::{Decide, acknowledge, decide};
pub use keys::key_stands;
pub use media::{Looked, NOTHING_KEPT, looked, media_taken};
pub use outside::{purges, sighted, withdrawn};

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
    if kind.trigger == duty::Trigger::Daily {
        return vec![format!("Varje arbetsdag; i dag senast {}.", calendar::instant_in_words(due))];
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
    if stored.version.media {
        // The same text: nothing follows from it a second time.
        return Ok(());
    }
    if intake::of(tx, stored.id)?.is_some() {
        return taken_in(tx, config, account, stored, assessment, now);
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
    // What was written while the account was not read was found late: that is not the editor's delay.
    let late = if stored.version.n == 1 { found_late(tx, stored)? } else { None };
    let about = |kind, trigger_at, note: Option<String>| About {
        kind,
        case: Some(case.id),
        account: &account.id,
        trigger_at,
        found_at: now,
        note: note.or_else(|| late.clone()),
    };
    if stored.version.n > 1 && known.is_some() {
        return edited_text(tx, config, account, stored, &case, assessment, now);
    }
    if arrived_hidden {
        let held = lists_what_it_holds(account.platform);
        comments::note_outside(tx, stored.id, stored.sighting, held, now)?;
        let note = if held {
            "Kommentaren var redan dold när Uppsikt såg den: plattformens filter håller inne den."
        } else {
            "Kommentaren var redan dold när Uppsikt såg den: av plattformens filter, eller av någon i plattformens \
             app. Vem är okänt."
        };
        let note = note.to_owned();
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

/// What is said of a comment that was written while its account was not read, in Swedish.
fn found_late(tx: &Tx<'_>, stored: &StoredComment) -> Result<Option<String>> {
    let Some(blind) = polls::blind_at(tx, &stored.comment.account, stored.created_at)? else {
        return Ok(None);
    };
    let until = blind.to.unwrap_or(stored.first_seen_at);
    Ok(Some(format!(
        "Upptäckt sent: kontot lästes inte mellan {} och {} ({}).",
        calendar::instant_in_words(blind.from),
        calendar::instant_in_words(until),
        blind.reason
    )))
}

/// What a person took in is a case that is told at once already; no rule acts on it, and it is not ours to answer.
fn taken_in(
    tx: &Tx<'_>,
    config: &Config,
    account: &Account,
    stored: &StoredComment,
    assessment: &Assessment,
    now: DateTime<Utc>,
) -> Result<()> {
    if flag_kind(config, assessment) != "danger" {
        return Ok(());
    }
    let case = cases::open(tx, stored.id, now)?;
    let about = About {
        kind: "danger",
        case: Some(case.id),
        account: &account.id,
        trigger_at: now,
        found_at: now,
        note: None,
    };
    begin(tx, config, &about)
}

/// A flag of danger is told until somebody acts, one of a category that is told at once is told at once, and any other
/// is a review. Who only nods to a danger is no danger: that one is told of already.
fn flag_kind(config: &Config, assessment: &Assessment) -> &'static str {
    use crate::domain::category::Told;
    let at_once = assessment.findings.iter().any(|finding| {
        config.categories.get(&finding.category).is_some_and(|policy| policy.told == Told::AtOnce)
    });
    let danger = |finding: &Finding| finding.category.is_danger() && !finding.is_from_context();
    if assessment.findings.iter().any(danger) {
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
    if kept::is_unseen(tx, stored)? {
        // What stands beside the text must be looked at before it can be preserved with it.
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
    if kept::review(tx, version)?.is_some_and(|review| review.answer == MediaAnswer::ChildAbuse) {
        return Ok(true);
    }
    Ok(cases::assessment(tx, version)?.is_some_and(|judged| {
        judged.assessment.findings.iter().any(|finding| finding.category.text_stays_home())
    }))
}
