//! 5. Intent → look → act → second look → receipt (DESIGN §3, steps 9–13).
//!
//! After a restart the same function goes over the same rows: it looks first, so that a hide whose answer was lost is
//! seen and not repeated.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use crate::archive::{Preserved, Published};
use crate::config::{Account, Mode};
use crate::connector::{Connector, ConnectorError, Look, Sighting};
use crate::domain::case::CaseState;
use crate::kill::{self, When};
use crate::moves;
use crate::pipeline::{App, PassError};
use crate::store::intents::OpenIntent;
use crate::store::{Act, StoreError, brake, cases, comments, decisions, intents, log};

/// How long after the platform accepted each second look comes.
const SECOND_LOOKS: [TimeDelta; 4] =
    [TimeDelta::seconds(2), TimeDelta::seconds(30), TimeDelta::minutes(5), TimeDelta::hours(1)];

/// So long one account keeps a pass; what is left is due in the next. A platform that answers slowly costs the others no
/// more than that.
const LONGEST: Duration = Duration::from_mins(1);

/// No more requests than this; then a person.
const MOST_ACTS: u32 = 3;

/// Goes on with the intents of `account` that are due, one after the other. Returns how many it touched.
///
/// # Errors
/// The store's, and an archive that cannot prove what it holds; then nothing is hidden.
pub async fn account(app: &App, account: &Account, published: &Published) -> Result<usize, PassError> {
    let Some(connector) = app.connectors.get(&account.id) else { return Ok(0) };
    if account.mode == Mode::Watch || app.must_not_act().is_some() {
        return Ok(0);
    }
    let (id, now) = (account.id.clone(), app.clock.now());
    let due = app.db.read(move |reader| intents::due(reader, &id, now)).await?;
    let (began, mut count) = (Instant::now(), 0);
    for open in due {
        if began.elapsed() >= LONGEST {
            break;
        }
        one(app, account, connector.as_ref(), published, &open).await?;
        count += 1;
    }
    Ok(count)
}

async fn one(
    app: &App,
    account: &Account,
    connector: &dyn Connector,
    published: &Published,
    open: &OpenIntent,
) -> Result<(), PassError> {
    let proof = app.recall(&open.record, published).await?;
    let row = open.comment;
    let target = app.db.read(move |reader| Ok(comments::get(reader, row)?.target())).await?;
    let second = open.accepted_at.is_some();
    let step = if second { "relook" } else { "look" };
    kill::point(step, When::Before);
    let look = match connector.look(&target).await {
        Ok(look) => look,
        Err(error) => return put_off(app, open, &error, false).await,
    };
    kill::point(step, When::After);
    app.compare_clocks(&account.id, look.date);
    // What stands there now may be another text than the one preserved and decided on: it is stored first.
    let changed = look.seen.as_ref().is_some_and(|seen| !same_text(&proof, &seen.text));
    if changed {
        store_text(app, open.comment, &look).await?;
    }
    if reached(open.act, look.sighting) {
        let verdict = Verdict::new(done_kind(open.act), look.sighting);
        return receipt(app, open, verdict, Some(&look)).await;
    }
    match look.sighting {
        Sighting::Gone => {
            let verdict = Verdict::new(failed_kind(open.act), look.sighting)
                .because("kommentaren finns inte längre på plattformen");
            return receipt(app, open, verdict, Some(&look)).await;
        }
        Sighting::NoRight => {
            let error = ConnectorError::Unauthorized("the comment cannot be read with this key".to_owned());
            return put_off(app, open, &error, false).await;
        }
        _ => {}
    }
    if changed && open.act == Act::Hide {
        // The decision follows onto the new text if that is not milder; else a person looks again (N12).
        let verdict = Verdict { then: Then::Follow, ..Verdict::new(failed_kind(open.act), look.sighting) }
            .because("texten hade ändrats sedan den bevarades");
        return receipt(app, open, verdict, Some(&look)).await;
    }
    if second {
        if look.sighting == Sighting::Untold && open.act != Act::Remove {
            // No later look would tell more: a person sees the page and says so.
            let kind = if open.act == Act::Hide { "hide_unconfirmed" } else { done_kind(open.act) };
            let why = "plattformen tog emot begäran men visar inte om kommentaren är dold";
            return receipt(app, open, Verdict::new(kind, look.sighting).because(why), Some(&look)).await;
        }
        return look_again(app, open, &look).await;
    }
    if open.acts >= MOST_ACTS {
        let why = open.last_error.as_deref().unwrap_or("plattformen visar den fortfarande");
        let verdict = Verdict::new(failed_kind(open.act), look.sighting).because(why);
        return receipt(app, open, verdict, Some(&look)).await;
    }
    send(app, connector, published, open, &proof).await
}

/// Sends the one request, counted before it leaves, so that a lost answer counts too.
async fn send(
    app: &App,
    connector: &dyn Connector,
    published: &Published,
    open: &OpenIntent,
    proof: &Preserved,
) -> Result<(), PassError> {
    let (id, permit_of, covering) = (open.id, open.clone(), published.clone());
    let permit = app
        .db
        .write(move |tx| {
            if brake::stops(tx, id)? {
                return Ok(None);
            }
            let permit = intents::permit(tx, &permit_of, &covering)?;
            intents::count_act(tx, id)?;
            Ok(Some(permit))
        })
        .await?;
    let Some(permit) = permit else {
        let verdict = Verdict { then: Then::Open, ..Verdict::new(failed_kind(open.act), Sighting::Public) }
            .because("någon stoppade automatisk döljning innan begäran hade gått iväg");
        return receipt(app, open, verdict, None).await;
    };
    let result = match open.act {
        Act::Hide => connector.hide(&permit, proof).await,
        Act::Restore => connector.restore(&permit, proof).await,
        Act::Remove => connector.remove(&permit, proof).await,
        Act::Reply => Err(ConnectorError::Refused("no step writes answers yet".to_owned())),
    };
    let now = app.clock.now();
    match result {
        Ok(()) => {
            app.db.write(move |tx| intents::accepted(tx, id, now, now + SECOND_LOOKS[0])).await?;
            Ok(())
        }
        Err(ConnectorError::Refused(why)) => {
            let verdict = Verdict::new(failed_kind(open.act), Sighting::Public)
                .because(&format!("plattformen vägrade: {why}"));
            receipt(app, open, verdict, None).await
        }
        Err(error) => put_off(app, open, &error, true).await,
    }
}

/// A second look that did not show it yet: the next one, or after the last the verdict "unconfirmed".
async fn look_again(app: &App, open: &OpenIntent, look: &Look) -> Result<(), PassError> {
    let looks = usize::try_from(open.looks).unwrap_or(usize::MAX).saturating_add(1);
    let accepted = open.accepted_at.unwrap_or(open.created_at);
    let Some(wait) = SECOND_LOOKS.get(looks) else {
        let kind = match open.act {
            Act::Hide => "hide_unconfirmed",
            other => failed_kind(other),
        };
        let why = "plattformen tog emot begäran, men kommentaren syntes fortfarande efter en timme";
        return receipt(app, open, Verdict::new(kind, look.sighting).because(why), Some(look)).await;
    };
    let (id, next) = (open.id, accepted + *wait);
    app.db.write(move |tx| intents::looked(tx, id, next)).await?;
    Ok(())
}

/// Puts an intent off after a request or a look that gave no answer; what it led to is settled by looking.
async fn put_off(app: &App, open: &OpenIntent, error: &ConnectorError, sent: bool) -> Result<(), PassError> {
    let now = app.clock.now();
    tracing::warn!(intent = open.id, case = %open.case, %error, "an act is put off");
    let wait = match error {
        ConnectorError::OutcomeUnknown(_) | ConnectorError::Changed(_) => TimeDelta::seconds(2),
        ConnectorError::RateLimited(time) => TimeDelta::from_std(*time).unwrap_or(TimeDelta::minutes(15)),
        ConnectorError::Unauthorized(_) => TimeDelta::minutes(15),
        _ => TimeDelta::seconds(30),
    };
    let (config, open, text) = (app.config.clone(), open.clone(), error.to_string());
    let unauthorized = matches!(error, ConnectorError::Unauthorized(_));
    let refused = sent && matches!(error, ConnectorError::RateLimited(_));
    app.db
        .write(move |tx| {
            intents::put_off(tx, open.id, now + wait, Some(&text))?;
            if refused {
                // Certainly not carried out, or not even sent: it is none of the three.
                intents::uncount_act(tx, open.id)?;
            }
            // A hide that cannot be carried out is told before the hour is over, not after.
            if unauthorized || now - open.created_at >= TimeDelta::minutes(30) {
                moves::act_in_trouble(tx, &config, &open, &text, now)?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}

/// Stores the text that a look shows as a version of its own; the next stage judges it.
async fn store_text(app: &App, comment: i64, look: &Look) -> Result<(), StoreError> {
    let Some(seen) = look.seen.clone() else { return Ok(()) };
    let now = app.clock.now();
    app.db
        .write(move |tx| comments::add_version(tx, &comments::get(tx, comment)?, &seen, now).map(drop))
        .await
}

/// How an act ended.
#[derive(Debug)]
struct Verdict {
    /// The kind of the final entry.
    kind: &'static str,
    sighting: Sighting,
    /// Why it failed, in Swedish.
    why: Option<String>,
    then: Then,
}

/// What becomes of a hide that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// A person must act.
    Person,
    /// The decision is taken up again, for the text that stands there now.
    Follow,
    /// The case is open, as if nothing had been decided.
    Open,
}

impl Verdict {
    fn new(kind: &'static str, sighting: Sighting) -> Self {
        Self { kind, sighting, why: None, then: Then::Person }
    }

    fn because(self, why: &str) -> Self {
        Self { why: Some(why.to_owned()), ..self }
    }
}

/// The final receipt: entry, receipt row, the case's new state and what follows from it, in one transaction.
async fn receipt(
    app: &App,
    open: &OpenIntent,
    verdict: Verdict,
    look: Option<&Look>,
) -> Result<(), PassError> {
    kill::point("receipt", When::Before);
    let key = app.record_key(&open.record)?;
    let now = app.clock.now();
    let (config, open) = (app.config.clone(), open.clone());
    let exchange =
        look.map(|look| (look.url.clone(), look.answer.as_deref().map(crate::archive::sha256_hex)));
    app.db
        .write(move |tx| {
            let doc = serde_json::json!({
                "act": open.act.code(),
                "attempts": open.acts,
                "accepted_at": open.accepted_at,
                "result": verdict.kind,
                "sighting": verdict.sighting.code(),
                "seen_at": now,
                "look": exchange.as_ref().map(|(url, digest)| serde_json::json!({ "url": url, "sha256": digest })),
                "reason": verdict.why,
            });
            let entry = log::append_rooted(tx, verdict.kind, &open.record, &doc, key.expose(), now)?;
            intents::receive(tx, open.id, verdict.kind, entry, now)?;
            settle(tx, &config, &open, &verdict, now)
        })
        .await?;
    kill::point("receipt", When::After);
    Ok(())
}

fn settle(
    tx: &crate::store::Tx<'_>,
    config: &crate::config::Config,
    open: &OpenIntent,
    verdict: &Verdict,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if verdict.sighting.tells() {
        comments::note_sighting(tx, open.comment, verdict.sighting, "receipt", now)?;
    }
    let why = verdict.why.as_deref().unwrap_or_default();
    match verdict.then {
        Then::Person => {}
        Then::Follow => {
            cases::set_state(tx, open.case, CaseState::Hiding, now)?;
            return decisions::set_state(tx, open.decision, "ready");
        }
        Then::Open => {
            cases::set_state(tx, open.case, CaseState::Open, now)?;
            return moves::not_hidden(tx, config, open.case, why, now);
        }
    }
    let state = match verdict.kind {
        "hide_unconfirmed" => CaseState::HideUnconfirmed,
        "removed" => CaseState::Removed,
        "restored" => CaseState::Restored,
        "hide_failed" | "restore_failed" if verdict.sighting == Sighting::Gone => CaseState::Withdrawn,
        "hide_failed" => CaseState::HideFailed,
        // Seen hidden; and a restore that failed leaves it hidden.
        _ => CaseState::Hidden,
    };
    let before = cases::get(tx, open.case)?;
    cases::set_state(tx, open.case, state, now)?;
    if matches!(verdict.kind, "hidden" | "removed" | "restored") {
        return moves::act_done(tx, open, now);
    }
    if state == CaseState::Withdrawn {
        return moves::withdrawn(tx, &before, now);
    }
    moves::act_in_trouble(tx, config, open, why, now)
}

/// Whether a sighting shows that the act has had its effect.
fn reached(act: Act, sighting: Sighting) -> bool {
    match act {
        Act::Hide => sighting.is_hidden(),
        Act::Restore => sighting == Sighting::Public,
        Act::Remove => sighting == Sighting::Gone,
        Act::Reply => false,
    }
}

fn done_kind(act: Act) -> &'static str {
    match act {
        Act::Hide => "hidden",
        Act::Remove => "removed",
        Act::Restore => "restored",
        Act::Reply => "replied",
    }
}

fn failed_kind(act: Act) -> &'static str {
    match act {
        Act::Hide => "hide_failed",
        Act::Remove => "remove_failed",
        Act::Restore => "restore_failed",
        Act::Reply => "reply_failed",
    }
}

fn same_text(proof: &Preserved, text: &str) -> bool {
    crate::archive::sha256(text.as_bytes()) == *proof.text_digest()
}
