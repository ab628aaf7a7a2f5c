//! 8. Outbox → mail.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::archive::keys::Secret;
use crate::config::Config;
use crate::domain::calendar;
use crate::domain::letter::{CheckpointFoot, Foot, Letter, LetterKind, Line, Recipient, Trouble};
use crate::kill::{self, When};
use crate::mail::{MailError, Outgoing, Sender, render};
use crate::outbox::{self, Says};
use crate::pipeline::{App, Pass, PassError};
use crate::store::letters::{self, StoredLetter};
use crate::store::{StoreError, Tx};

mod compose;

use compose::{Composed, Desk};

/// Minutes until a letter is tried again; the last one goes on for ever.
const AGAIN: [i64; 6] = [1, 2, 5, 15, 30, 60];

/// Danger is never put off longer than this.
const DANGER_AGAIN: TimeDelta = TimeDelta::minutes(5);

/// More letters than this to one person in an hour are a fault, not news.
const LETTERS_AN_HOUR: usize = 60;

/// So many letters in one drain that could not be handed over are the server's fault, not the letters'.
const MOST_FAILURES: usize = 3;

/// Sends what is due of danger. What can wait is sent when the pass has seen everything that belongs in it.
///
/// # Errors
/// The store's.
pub async fn urgent(app: &App, done: &mut Pass) -> Result<(), PassError> {
    send(app, done, true).await
}

/// Sends what is due.
///
/// # Errors
/// The store's.
pub async fn drain(app: &App, done: &mut Pass) -> Result<(), PassError> {
    let now = app.clock.now();
    app.db.write(move |tx| gather(tx, now)).await?;
    send(app, done, false).await
}

/// Letters that waited for the server become one for each person: those that it cannot have (N2).
fn gather(tx: &Tx<'_>, now: DateTime<Utc>) -> Result<(), StoreError> {
    let mut first: BTreeMap<String, i64> = BTreeMap::new();
    for stored in letters::sendable(tx, now)? {
        if stored.letter.kind != LetterKind::Duties.code() || stored.perhaps {
            continue;
        }
        match first.get(&stored.letter.person) {
            Some(into) => letters::merge(tx, *into, &stored)?,
            None => _ = first.insert(stored.letter.person.clone(), stored.id),
        }
    }
    Ok(())
}

async fn send(app: &App, done: &mut Pass, only_urgent: bool) -> Result<(), PassError> {
    let mut tried = BTreeSet::new();
    let mut common = None;
    let mut failures = 0;
    'all: loop {
        let now = app.clock.now();
        let mut batch = app.db.read(move |reader| letters::sendable(reader, now)).await?;
        let wait = only_urgent || outbox::must_wait(&app.config, now);
        batch.retain(|stored| !tried.contains(&stored.id) && (is_urgent(stored) || !wait));
        if batch.is_empty() {
            break;
        }
        for stored in batch {
            tried.insert(stored.id);
            if held(app, &stored, now).await? {
                continue;
            }
            let common = match &mut common {
                Some(common) => common,
                none => none.insert(Arc::new(Common::read(app).await?)),
            };
            match one(app, common, stored, now, done).await? {
                Went::On => {}
                Went::Wrong => failures += 1,
                Went::Down => break 'all,
            }
            if failures == MOST_FAILURES {
                break 'all;
            }
        }
    }
    if !tried.is_empty() {
        Box::pin(app.mailer.finish()).await;
    }
    let now = app.clock.now();
    done.letters_waiting = app.db.read(move |reader| letters::unsent(reader, now)).await?;
    Ok(())
}

/// What all letters of one drain share.
struct Common {
    foot: Foot,
    signed: Option<String>,
    link_key: Secret,
    from: Result<Sender, MailError>,
}

impl Common {
    async fn read(app: &App) -> Result<Self, PassError> {
        let (vault, keys, origin) = (app.vault.clone(), app.keys.clone(), app.log_origin());
        let (link_key, checkpoint) = tokio::task::spawn_blocking(move || {
            let (signer, link) = {
                let keys = keys.lock().unwrap_or_else(PoisonError::into_inner);
                (keys.signing_key().clone(), Secret::from_bytes(*keys.link_key().expose()))
            };
            (link, vault.checkpoint(&origin, &signer))
        })
        .await
        .map_err(|error| PassError::Broken(crate::panics::ended(&error).to_owned()))?;
        // A checkpoint that cannot be read must not hold the letter that tells of it.
        let checkpoint = checkpoint.unwrap_or_else(|error| {
            tracing::error!(%error, "the checkpoint cannot be read; letters leave without it");
            None
        });
        let organisation = &app.config.organisation;
        let operator = app.config.roster.person(&organisation.operator);
        let operator = operator
            .ok_or_else(|| format!("there is no person `{}`", organisation.operator))
            .and_then(|operator| Recipient::new(&operator.id, &operator.name, &operator.email))
            .map_err(StoreError::Corrupt)?;
        Ok(Self {
            foot: Foot {
                organisation: Line::new(&organisation.name),
                operator,
                checkpoint: checkpoint.as_ref().map(|(known, text)| CheckpointFoot {
                    origin: Line::new(&known.origin),
                    size: known.size,
                    // The third line, as it was signed.
                    root_base64: Line::new(text.lines().nth(2).unwrap_or_default()),
                }),
            },
            signed: checkpoint.map(|(_, text)| text),
            link_key,
            from: Sender::new(&format!("Uppsikt, {}", organisation.name), &app.config.mail.from),
        })
    }
}

/// How the drain goes on.
enum Went {
    /// To the next letter.
    On,
    /// To the next letter; this one could not be handed over.
    Wrong,
    /// Not at all: no letter can leave now.
    Down,
}

async fn one(
    app: &App,
    common: &Arc<Common>,
    stored: StoredLetter,
    now: DateTime<Utc>,
    done: &mut Pass,
) -> Result<Went, PassError> {
    if !app.config.roster.in_service(&stored.letter.person, calendar::local_date(now)) {
        let config = app.config.clone();
        let why = "the person is on leave or has ended".to_owned();
        app.db.write(move |tx| pass_on(tx, &config, &stored, "superseded", &why, now)).await?;
        return Ok(Went::On);
    }
    let letter = {
        let (config, common, row) = (app.config.clone(), common.clone(), stored.clone());
        let composed = app.db.read(move |reader| {
            let desk = Desk {
                config: &config,
                link_key: &common.link_key,
                foot: &common.foot,
                signed: common.signed.as_deref(),
                now,
            };
            compose::letter(reader, &desk, &row)
        });
        match composed.await {
            Ok(Composed::Letter(letter)) => *letter,
            Ok(Composed::Nothing) => {
                app.db.write(move |tx| letters::end(tx, stored.id, "superseded", None)).await?;
                return Ok(Went::On);
            }
            // One row that cannot be read costs its own letter, never the others.
            Err(error @ (StoreError::Corrupt(_) | StoreError::Conflict(_))) => {
                return refused(app, stored, error.to_string(), now, done).await;
            }
            Err(error) => return Err(error.into()),
        }
    };
    let outgoing = match outgoing(app, common, &letter) {
        Ok(outgoing) => outgoing,
        Err(error) => return failed(app, stored, error, now, done).await,
    };
    // The dialogue with a server is a large state machine; it does not belong into every future above it.
    match Box::pin(app.mailer.send(&outgoing)).await {
        Ok(()) => {
            kill::point("outbox", When::Before);
            let at = app.clock.now();
            app.db.write(move |tx| letters::sent(tx, stored.id, at)).await?;
            kill::point("outbox", When::After);
            done.letters += 1;
            Ok(Went::On)
        }
        Err(error) => failed(app, stored, error, now, done).await,
    }
}

fn outgoing(app: &App, common: &Common, letter: &Letter) -> Result<Outgoing, MailError> {
    let from = common.from.as_ref().map_err(Clone::clone)?;
    let rendered = render(letter, &app.templates)
        .map_err(|error| MailError::Refused(format!("the letter cannot be rendered: {error}")))?;
    Outgoing::new(letter, &rendered, from)
}

async fn failed(
    app: &App,
    stored: StoredLetter,
    error: MailError,
    now: DateTime<Utc>,
    done: &mut Pass,
) -> Result<Went, PassError> {
    tracing::warn!(letter = stored.id, person = %stored.letter.person, %error, "a letter did not leave");
    let why = error.to_string();
    match error {
        MailError::Refused(_) => refused(app, stored, why, now, done).await,
        MailError::OutcomeUnknown(_) => {
            put_off(app, vec![stored], why, true, now).await?;
            Ok(Went::Wrong)
        }
        MailError::Deferred(_) if Box::pin(app.mailer.probe()).await.is_ok() => {
            put_off(app, vec![stored], why, false, now).await?;
            Ok(Went::Wrong)
        }
        // The server is not there: whoever waits behind this letter waits as long.
        MailError::Deferred(_) | MailError::Misconfigured(_) => {
            let wait = outbox::must_wait(&app.config, now);
            let mut all = app.db.read(move |reader| letters::sendable(reader, now)).await?;
            all.retain(|stored| is_urgent(stored) || !wait);
            put_off(app, all, why, false, now).await?;
            Ok(Went::Down)
        }
    }
}

/// Puts letters off, each by how often it was tried; `perhaps`: the server may have them.
async fn put_off(
    app: &App,
    put: Vec<StoredLetter>,
    why: String,
    perhaps: bool,
    now: DateTime<Utc>,
) -> Result<(), PassError> {
    let config = app.config.clone();
    app.db
        .write(move |tx| {
            for stored in &put {
                let tried = usize::try_from(stored.attempts).unwrap_or(usize::MAX);
                let minutes = AGAIN.get(tried).or(AGAIN.last()).copied().unwrap_or_default();
                let wait = TimeDelta::minutes(minutes);
                let until = if is_urgent(stored) {
                    now + wait.min(DANGER_AGAIN)
                } else {
                    outbox::send_after(&config, now + wait)
                };
                letters::put_off(tx, stored.id, until, &why, perhaps)?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}

/// The server will never take this letter: the operator is told of it, and the next in line of what it says.
async fn refused(
    app: &App,
    stored: StoredLetter,
    why: String,
    now: DateTime<Utc>,
    done: &mut Pass,
) -> Result<Went, PassError> {
    done.letters_refused += 1;
    let config = app.config.clone();
    app.db
        .write(move |tx| {
            let person = &stored.letter.person;
            let name = config.roster.person(person).map_or(person.as_str(), |person| &person.name);
            let trouble = Trouble::MailRefused { person: Line::new(name), reason: Line::new(&why) };
            let once = format!("mail_refused:{person}:{}", calendar::local_date(now));
            outbox::trouble(tx, &config, &once, trouble, person, now)?;
            pass_on(tx, &config, &stored, "refused", &why, now)
        })
        .await?;
    Ok(Went::On)
}

fn pass_on(
    tx: &Tx<'_>,
    config: &Config,
    stored: &StoredLetter,
    state: &str,
    why: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    letters::end(tx, stored.id, state, Some(why))?;
    // A content that cannot be read says no less than that there are duties.
    let says = outbox::says(stored).unwrap_or(Says::Duties { last_today: false });
    outbox::pass_on(tx, config, stored, &says, now)
}

/// The letters' own brake: whoever has got so many in an hour gets no more, and the operator is told.
async fn held(app: &App, stored: &StoredLetter, now: DateTime<Utc>) -> Result<bool, PassError> {
    let person = stored.letter.person.clone();
    // What the brake itself says must get through.
    if matches!(outbox::says(stored), Ok(Says::Trouble { .. })) {
        return Ok(false);
    }
    let sent =
        app.db.read(move |reader| letters::sent_since(reader, &person, now - TimeDelta::hours(1))).await?;
    if sent < LETTERS_AN_HOUR {
        return Ok(false);
    }
    let (config, person) = (app.config.clone(), stored.letter.person.clone());
    app.db
        .write(move |tx| {
            let name = config.roster.person(&person).map_or(person.as_str(), |person| &person.name);
            let trouble = Trouble::Other {
                what: Line::new(&format!("Fler än {LETTERS_AN_HOUR} brev på en timme till {name}")),
                effect: "breven till den personen väntar och går ut när timmen är förbi.".into(),
                remedy: "se efter med uppsikt status vad som skapar dem.".into(),
            };
            let once = format!("letter_brake:{person}:{}", calendar::local_date(now));
            outbox::trouble(tx, &config, &once, trouble, "", now)
        })
        .await?;
    Ok(true)
}

fn is_urgent(stored: &StoredLetter) -> bool {
    stored.letter.kind == LetterKind::Urgent.code()
}
