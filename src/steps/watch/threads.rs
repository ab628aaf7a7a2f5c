//! Many comments under one post that want an answer become one duty (N2).

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::told;
use crate::config::Config;
use crate::domain::duty::{self, Kind, THREAD_LIMIT};
use crate::moves::ANSWER_KINDS;
use crate::store::duties::{self, NewDuty, UnderPost};
use crate::store::{Result, StoreError, Tx};

/// Lets a thread duty carry the answer duties of every post that has more of them than one reads one by one, and of
/// every post that has a thread duty already; ends those that carry nothing.
pub(super) fn carry(tx: &Tx<'_>, config: &Config, now: DateTime<Utc>) -> Result<()> {
    duties::settle_threads(tx, now)?;
    let open = duties::under_posts(tx, &ANSWER_KINDS)?;
    let threads = duties::threads(tx)?;
    for post in
        open.chunk_by(|one, other| one.post == other.post && one.duty.what.account == other.duty.what.account)
    {
        let Some(first) = post.first() else { continue };
        let (account, native) = (&first.duty.what.account, &first.post);
        let there = threads.iter().find(|thread| {
            thread.what.account == *account && thread.what.post_id.as_deref() == Some(native.as_str())
        });
        let thread = match there {
            Some(thread) => {
                follow(tx, config, thread, first, now)?;
                thread.id
            }
            None if comments(post) > THREAD_LIMIT => begin(tx, first, comments(post), now)?,
            None => continue,
        };
        let new: Vec<i64> =
            post.iter().filter(|under| under.duty.thread.is_none()).map(|under| under.duty.id).collect();
        duties::carry(tx, thread, &new)?;
    }
    Ok(())
}

/// How many comments they are about: a comment has a duty for each promise.
fn comments(post: &[UnderPost]) -> usize {
    post.iter().filter_map(|under| under.duty.what.case).collect::<BTreeSet<_>>().len()
}

fn begin(tx: &Tx<'_>, first: &UnderPost, count: usize, now: DateTime<Utc>) -> Result<i64> {
    let what = &first.duty.what;
    let note = format!(
        "Fler än {THREAD_LIMIT} kommentarer under inlägget verkar vilja ha svar ({count} när det märktes). De räknas \
         som en uppgift, med den tidigaste fristen. Ett svar kan avsluta alla: besvarad samlat."
    );
    let thread = duties::begin(
        tx,
        &NewDuty {
            kind: what.kind.clone(),
            case: None,
            account: what.account.clone(),
            post_id: Some(first.post.clone()),
            trigger_at: what.trigger_at,
            found_at: now,
            due_at: what.due_at,
            explain: std::iter::once(note).chain(what.explain.iter().cloned()).collect(),
        },
    )?;
    let thread = thread.ok_or_else(|| StoreError::Corrupt("a post has two thread duties".to_owned()))?;
    // What was told of the earliest one is not told again.
    if let Some(rung) = &first.duty.rung {
        duties::reached(tx, thread, rung, 0, &first.duty.state)?;
    }
    Ok(thread)
}

/// The thread is due when the earliest that is left is due. Rungs that the new time has not reached are told again,
/// as a turn of their own.
fn follow(
    tx: &Tx<'_>,
    config: &Config,
    thread: &duties::Duty,
    first: &UnderPost,
    now: DateTime<Utc>,
) -> Result<()> {
    let due = first.duty.what.due_at;
    if due == thread.what.due_at {
        return Ok(());
    }
    let Some(kind) = Kind::named(&thread.what.kind) else { return Ok(()) };
    let rungs = duty::rungs(kind, first.duty.what.trigger_at, due, &config.hours);
    let reached = duty::highest_rung_reached(&rungs, now, None);
    let told = told(thread)?.min(reached);
    let state = match told {
        _ if due <= now => "overdue",
        Some(_) => "warned",
        None => "running",
    };
    duties::move_due(tx, thread.id, due, told.map(duty::Rung::code), state)
}
