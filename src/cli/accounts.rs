//! `uppsikt accounts [--json] [--from D --to D]`: what was seen of each account, day by day, and when it was blind.

use std::cell::RefCell;
use std::io::Write;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::Serialize;

use crate::config::{Account, AccountStatus, Config};
use crate::connector::capabilities_of;
use crate::domain::calendar::{self, Hours};
use crate::domain::coverage::{self, Poll, Sight, Span};
use crate::moves::hand;
use crate::polling::schedule;
use crate::store::Reader;
use crate::store::polls::{self, Logged};
use crate::store::purges::{self, Purge};
use crate::store::{hand_checks, posts, totals};

/// More days than this at once are refused: ask for a year at a time.
const MOST_DAYS: i64 = 400;

/// One account on one day (Stockholm): a line of `--json`. Times are UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Day {
    /// The account's id.
    pub account: String,
    /// Its platform's code.
    pub platform: &'static str,
    /// active, dormant or closed.
    pub status: &'static str,
    /// The local date.
    pub day: NaiveDate,
    /// Whether the whole day, or what has been of it, was watched.
    pub watched: bool,
    /// Why not, in Swedish, where nothing of the below says it.
    pub because: Option<&'static str>,
    /// What was written before this, and in no blind time, was seen.
    pub seen_until: Option<DateTime<Utc>>,
    /// Polls that succeeded.
    pub polls: usize,
    /// Polls that failed.
    pub failed: usize,
    /// Comments never seen before.
    pub new: u64,
    /// Elements that could not be read.
    pub faults: u64,
    /// When it was blind.
    pub blind: Vec<Blind>,
    /// What the platform does not show, or could not be read, in Swedish.
    pub not_shown: Vec<String>,
    /// The places that no API shows, and who looked there: on working days all of them, else those that were ticked.
    pub by_hand: Vec<ByHand>,
    /// Own posts that were found to be no longer there.
    pub posts_gone: Vec<GonePost>,
    /// Texts that went because the platform's terms and a decision say so.
    pub purged: Vec<Purge>,
    /// Only on the last day: posts under which the platform counts otherwise than Uppsikt, and nothing explains it.
    pub unexplained: Vec<Unexplained>,
}

/// A place that a person looks at, on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ByHand {
    /// Its name in Swedish.
    pub surface: String,
    /// When somebody ticked it; absent where nobody did.
    pub checked_at: Option<DateTime<Utc>>,
    /// Who (person id).
    pub by: Option<String>,
    /// The operating-system account that entered it, or `desk`.
    pub entered_by: Option<String>,
    /// Comments that were found there, to be entered by hand.
    pub found: u32,
}

/// An own post that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GonePost {
    /// The platform's id of it.
    pub post: String,
    /// When a look found it gone.
    pub at: DateTime<Utc>,
}

/// A blind time of a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Blind {
    /// From this moment.
    pub from: DateTime<Utc>,
    /// Until this one, or the end of the day.
    pub to: DateTime<Utc>,
    /// Why, in Swedish or in the platform's words.
    pub because: String,
    /// Comments written then that were found after it. What was taken away before that was never seen.
    pub found_late: u64,
}

/// A post whose comments are counted otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unexplained {
    /// The platform's id of the post.
    pub post: String,
    /// How many comments the platform counts.
    pub told: u64,
    /// More at the platform than Uppsikt knows, or (negative) fewer than it sees.
    pub off: i64,
    /// What explains the rest of the difference.
    pub explained: Vec<String>,
}

/// The report on every account of the configuration for the days from `from` to `to` (Stockholm, both included), as it
/// stands at `now`. Days to come are left out.
///
/// # Errors
/// The store's.
pub fn days(
    reader: &Reader,
    config: &Config,
    (from, to): (NaiveDate, NaiveDate),
    now: DateTime<Utc>,
) -> crate::store::Result<Vec<Day>> {
    let mut all = Vec::new();
    for account in &config.accounts {
        let (begin, end) = (midnight(from), midnight(to.succ_opt().unwrap_or(to)).min(now));
        if begin >= end {
            continue;
        }
        let logged = polls::logged(reader, &account.id, begin, end)?;
        let rows: Vec<_> = logged.iter().map(|poll| row(account, poll)).collect();
        // An error stops the report; it does not become a quiet "no".
        let failure = RefCell::new(None);
        let spans = coverage::spans(&rows, begin, end, |from, to| {
            polls::somebody_polled(reader, &account.id, from, to).unwrap_or_else(|error| {
                failure.replace(Some(error));
                false
            })
        });
        if let Some(error) = failure.into_inner() {
            return Err(error);
        }
        let last = calendar::local_date(end - TimeDelta::nanoseconds(1));
        let mut day = from;
        while day <= last {
            let mut one = one(reader, (account, &config.hours), day, (&logged, &spans), end)?;
            if day == calendar::local_date(now) {
                one.unexplained = unexplained(reader, account)?;
            }
            all.push(one);
            let Some(next) = day.succ_opt() else { break };
            day = next;
        }
    }
    Ok(all)
}

fn row(account: &Account, poll: &Logged) -> Poll {
    let late = || {
        // A row of an older version: by the schedule that is in force now.
        let every = schedule::every(account, poll.started_at);
        poll.started_at + every + schedule::patience(every)
    };
    Poll {
        started_at: poll.started_at,
        failure: poll.failure.clone(),
        late_at: poll.late_at.unwrap_or_else(late),
        slow: poll.slow.clone(),
    }
}

fn one(
    reader: &Reader,
    (account, hours): (&Account, &Hours),
    day: NaiveDate,
    (logged, spans): (&[Logged], &[Span]),
    end: DateTime<Utc>,
) -> crate::store::Result<Day> {
    let (begin, end) = (midnight(day), midnight(day.succ_opt().unwrap_or(day)).min(end));
    let within = |at: DateTime<Utc>| at >= begin && at < end;
    let today: Vec<_> = logged.iter().filter(|poll| within(poll.started_at)).collect();
    let succeeded = today.iter().filter(|poll| poll.failure.is_none()).count();
    let clipped: Vec<_> = spans
        .iter()
        .filter(|span| span.from < end && span.to > begin)
        .map(|span| Span { from: span.from.max(begin), to: span.to.min(end), sight: span.sight.clone() })
        .collect();
    let mut blind = Vec::new();
    for span in &clipped {
        let Sight::Blind(because) = &span.sight else { continue };
        let found_late = polls::found_late(reader, &account.id, span.from, span.to)?;
        blind.push(Blind { from: span.from, to: span.to, because: because.clone(), found_late });
    }
    let mut not_shown: Vec<_> = today.iter().flat_map(|poll| poll.blind.iter().cloned()).collect();
    not_shown.sort();
    not_shown.dedup();
    let watched = coverage::watched(&clipped, succeeded);
    let because = if watched || !blind.is_empty() {
        None
    } else if account.status == AccountStatus::Closed {
        Some("kontot är avslutat")
    } else if clipped.iter().any(|span| span.sight == Sight::NotBegun) {
        Some("bevakningen hade inte börjat")
    } else {
        Some("ingen läsning gjordes den dagen, enligt schemat")
    };
    let seen = logged.iter().filter(|poll| poll.failure.is_none() && poll.started_at < end);
    let gone = posts::gone_between(reader, &account.id, begin, end)?;
    let watching = clipped.iter().any(|span| span.sight != Sight::NotBegun);
    Ok(Day {
        account: account.id.clone(),
        platform: account.platform.code(),
        status: account.status.code(),
        day,
        watched,
        because,
        seen_until: seen.map(|poll| poll.started_at).max(),
        polls: succeeded,
        failed: today.len() - succeeded,
        new: today.iter().map(|poll| poll.new).sum(),
        faults: today.iter().map(|poll| poll.faults).sum(),
        blind,
        not_shown,
        by_hand: by_hand(reader, account, day, watching.then_some(hours))?,
        posts_gone: gone.into_iter().map(|(post, at)| GonePost { post, at }).collect(),
        purged: purges::between(reader, &account.id, begin, end)?,
        unexplained: Vec::new(),
    })
}

/// The places that a person looks at. Those that nobody ticked are told on the days on which somebody should have.
fn by_hand(
    reader: &Reader,
    account: &Account,
    day: NaiveDate,
    watched: Option<&Hours>,
) -> crate::store::Result<Vec<ByHand>> {
    let ticks = hand_checks::between(reader, &account.id, day, day)?;
    let asked = account.status == AccountStatus::Active
        && watched.is_some_and(|hours| calendar::is_working_day(day, hours));
    let named =
        if asked { hand::surfaces(account, Some(capabilities_of(account.platform))) } else { Vec::new() };
    let missed = named.into_iter().map(|(surface, _)| surface);
    let missed = missed.filter(|surface| !ticks.iter().any(|tick| tick.surface == *surface));
    let missed: Vec<_> = missed
        .map(|surface| ByHand { surface, checked_at: None, by: None, entered_by: None, found: 0 })
        .collect();
    let ticked = ticks.into_iter().map(|tick| ByHand {
        surface: tick.surface,
        checked_at: Some(tick.at),
        by: Some(tick.person),
        entered_by: Some(tick.os_user),
        found: tick.found,
    });
    Ok(ticked.chain(missed).collect())
}

fn unexplained(reader: &Reader, account: &Account) -> crate::store::Result<Vec<Unexplained>> {
    let off = totals::off(reader, &account.id)?;
    Ok(off
        .into_iter()
        .map(|off| Unexplained { post: off.post, told: off.told, off: off.off, explained: off.because })
        .collect())
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    calendar::to_utc(day.and_time(NaiveTime::MIN))
}

/// Shows the report: in words, or with `json` one object a line. Without dates: today and the six days before.
///
/// # Errors
/// Dates in the wrong order, or more than 400 days; the store's; `out`'s.
pub fn show(
    reader: &Reader,
    config: &Config,
    (from, to): (Option<NaiveDate>, Option<NaiveDate>),
    now: DateTime<Utc>,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let to = to.unwrap_or_else(|| calendar::local_date(now));
    let from = from.unwrap_or_else(|| to - TimeDelta::days(6));
    if from > to {
        anyhow::bail!("--from {from} lies after --to {to}; write the earlier day first");
    }
    if (to - from).num_days() >= MOST_DAYS {
        anyhow::bail!("{from} to {to} are more than {MOST_DAYS} days; ask for a year at a time");
    }
    for day in days(reader, config, (from, to), now)? {
        if json {
            serde_json::to_writer(&mut *out, &day)?;
            writeln!(out)?;
        } else {
            tell(&day, out)?;
        }
    }
    Ok(())
}

fn tell(day: &Day, out: &mut dyn Write) -> std::io::Result<()> {
    let how = match day.because {
        _ if day.watched => "bevakat",
        Some(because) => because,
        None => "BLINT en del av dagen",
    };
    let until = day
        .seen_until
        .map_or_else(String::new, |at| format!(", sett till {}", calendar::instant_in_words(at)));
    writeln!(
        out,
        "{} {} ({}): {how}{until}; {} läsningar, {} misslyckade, {} nya kommentarer",
        day.day, day.account, day.platform, day.polls, day.failed, day.new
    )?;
    for blind in &day.blind {
        let late = match blind.found_late {
            0 => String::new(),
            1 => "; 1 kommentar därifrån upptäcktes sent".to_owned(),
            many => format!("; {many} kommentarer därifrån upptäcktes sent"),
        };
        writeln!(
            out,
            "  blint från {} till {}: {}{late}",
            calendar::instant_in_words(blind.from),
            calendar::instant_in_words(blind.to),
            blind.because
        )?;
    }
    for line in &day.not_shown {
        writeln!(out, "  visas inte: {line}")?;
    }
    for place in &day.by_hand {
        let found = match place.found {
            0 => String::new(),
            many => format!("; {many} att skriva in"),
        };
        match (&place.by, place.checked_at) {
            (Some(by), Some(at)) => writeln!(
                out,
                "  för hand: {}: sedd av {by} {}{found}",
                place.surface,
                calendar::instant_in_words(at)
            )?,
            _ => writeln!(out, "  för hand: {}: ingen har sett efter", place.surface)?,
        }
    }
    for gone in &day.posts_gone {
        writeln!(
            out,
            "  eget inlägg {} fanns inte längre kvar {}",
            gone.post,
            calendar::instant_in_words(gone.at)
        )?;
    }
    for purge in &day.purged {
        writeln!(
            out,
            "  {} texter gallrades {} enligt {} ({}; plats {} i loggen)",
            purge.texts,
            calendar::instant_in_words(purge.at),
            purge.dnr,
            purge.rule,
            purge.entry
        )?;
    }
    for off in &day.unexplained {
        let what = if off.off > 0 { "som Uppsikt inte har sett" } else { "som plattformen inte räknar" };
        writeln!(
            out,
            "  inlägg {}: plattformen räknar {} kommentarer, {} {what}, utan förklaring",
            off.post,
            off.told,
            off.off.unsigned_abs()
        )?;
    }
    Ok(())
}
