//! Beside the passes: the newest checkpoint → time-stamps and cosignatures of outsiders.
//!
//! Nothing waits for it: it reads what is published, asks with a time limit of its own, and writes rows that no act
//! depends on. An outsider that is away, slow or lies costs nobody anything but a letter.

mod cosign;

mod stamp;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;

use crate::assemble;
use crate::config::{Authority, Config, Every, Witness};
use crate::connector::http::Outside;
use crate::domain::calendar::instant_in_words;
use crate::moves::{About, begin};
use crate::pipeline::{App, PassError};
use crate::store::anchors::{self, Cosignature, Fault, Stamp};
use crate::store::{Reader, StoreError, Tx, duties};

/// How often the daemon looks whether somebody must be asked.
const LOOK: Duration = Duration::from_secs(5);

/// The shortest time between two questions to the same outsider: what is published meanwhile is in the next one.
const BREATH: TimeDelta = TimeDelta::seconds(60);

/// The longest time between two tries with one that does not answer.
const PATIENCE: TimeDelta = TimeDelta::hours(1);

/// A log that does not grow is stamped anew when its stamps expire within this.
const BEFORE_EXPIRY: TimeDelta = TimeDelta::days(60);

/// And again if that did not help, because the authority still has its old certificate.
const STAMP_ANEW: TimeDelta = TimeDelta::days(7);

/// Somebody is told when no stamp lasts longer than this.
const TOO_SOON: TimeDelta = TimeDelta::days(14);

/// The checkpoint to vouch for.
#[derive(Debug, Clone)]
struct Head {
    size: u64,
    /// Its file before any cosignature.
    text: String,
}

/// Why nothing came of a question.
#[derive(Debug)]
enum Trouble {
    /// Nobody answered, or not to this.
    Away(String),
    /// What was answered is not true.
    Lie(String),
}

/// One outsider that must be asked.
enum Ask {
    Authority(Authority),
    Witness(Witness, u64),
}

impl Ask {
    fn name(&self) -> String {
        match self {
            Self::Authority(one) => format!("timestamp:{}", one.id),
            Self::Witness(one, _) => format!("witness:{}", one.id),
        }
    }
}

/// Asks for as long as the daemon lives; dropped, it leaves nothing half done.
///
/// A fault is told in the log: what must end the daemon, the passes find by themselves.
pub async fn run(app: &App) {
    if app.config.anchors.is_empty() {
        return std::future::pending().await;
    }
    if let Err(error) = mend(app).await {
        tracing::error!(%error, "what outsiders said of the log could not be written to the archive");
    }
    loop {
        if let Err(error) = all(app).await {
            tracing::error!(%error, "nobody outside could be asked about the log");
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Makes the files of everything that outsiders ever said: what a crash left out, or somebody lost.
///
/// # Errors
/// The store's and the archive's.
pub async fn mend(app: &App) -> Result<(), PassError> {
    if app.config.anchors.is_empty() {
        return Ok(());
    }
    match head(app).await? {
        Some(head) => project(app, &head, None).await,
        None => Ok(()),
    }
}

/// Asks everybody whose time has come, side by side, and begins or ends the duties about them.
///
/// # Errors
/// The store's and the archive's; what an outsider does wrong is no error.
pub async fn all(app: &App) -> Result<(), PassError> {
    if app.config.anchors.is_empty() {
        return Ok(());
    }
    let Some(head) = head(app).await? else { return Ok(()) };
    let (config, size, now) = (app.config.clone(), head.size, app.clock.now());
    let asks = app.db.read(move |reader| due(reader, &config, size, now)).await?;
    if !asks.is_empty() {
        let outside = Outside::new(&assemble::client_options(&app.config), app.config.anchors.timeout)
            .map_err(|error| error.to_string());
        let outside = std::sync::Arc::new(outside);
        let mut asking = JoinSet::new();
        for ask in asks {
            let (app, head, outside) = (app.clone(), head.clone(), outside.clone());
            asking.spawn(async move { one(&app, &head, &ask, &outside).await });
        }
        while let Some(ended) = asking.join_next().await {
            ended.map_err(|error| PassError::Broken(crate::panics::ended(&error).to_owned()))??;
        }
        project(app, &head, Some(size)).await?;
    }
    let (config, now) = (app.config.clone(), app.clock.now());
    app.db.write(move |tx| tell(tx, &config, size, now)).await?;
    Ok(())
}

/// The published checkpoint, if it is over anything.
async fn head(app: &App) -> Result<Option<Head>, PassError> {
    let (vault, keys, origin) = (app.vault.clone(), app.keys.clone(), app.log_origin());
    let found = tokio::task::spawn_blocking(move || {
        let signer = keys.lock().unwrap_or_else(std::sync::PoisonError::into_inner).signing_key().clone();
        vault.checkpoint(&origin, &signer)
    })
    .await
    .map_err(|error| PassError::Broken(crate::panics::ended(&error).to_owned()))??;
    Ok(found.filter(|(known, _)| known.size > 0).map(|(known, text)| Head { size: known.size, text }))
}

/// Who must be asked about the first `size` entries.
fn due(reader: &Reader, config: &Config, size: u64, now: DateTime<Utc>) -> Result<Vec<Ask>, StoreError> {
    let faults = anchors::faults(reader)?;
    let mut asks = Vec::new();
    for one in &config.anchors.timestamps {
        let newest = anchors::newest_stamp(reader, &one.id)?;
        if stamp_is_due(reader, one, newest.as_ref(), size, now)? {
            asks.push(Ask::Authority(one.clone()));
        }
    }
    for one in &config.anchors.witnesses {
        let newest =
            anchors::newest_cosignature(reader, &one.id)?.filter(|newest| newest.vkey == one.key.to_string());
        let again =
            newest.as_ref().is_none_or(|newest| newest.size != size && now - newest.received >= BREATH);
        if again {
            asks.push(Ask::Witness(one.clone(), newest.map_or(0, |newest| newest.size)));
        }
    }
    asks.retain(|ask| faults.get(&ask.name()).is_none_or(|fault| now >= fault.last + wait(fault.times)));
    Ok(asks)
}

fn stamp_is_due(
    reader: &Reader,
    one: &Authority,
    newest: Option<&Stamp>,
    size: u64,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let Some(newest) = newest else { return Ok(true) };
    let age = now - newest.received;
    if size <= newest.size {
        return Ok(newest.expires - now < BEFORE_EXPIRY && age >= STAMP_ANEW);
    }
    if age >= TimeDelta::days(1) {
        return Ok(true);
    }
    Ok(one.every == Every::Batch && age >= BREATH && anchors::preserved_between(reader, newest.size, size)?)
}

/// How long to wait after so many tries in vain.
fn wait(times: u32) -> TimeDelta {
    let doubled = BREATH.checked_mul(1 << times.saturating_sub(1).min(10)).unwrap_or(PATIENCE);
    doubled.min(PATIENCE)
}

async fn one(app: &App, head: &Head, ask: &Ask, outside: &Result<Outside, String>) -> Result<(), PassError> {
    let answered = match (outside, ask) {
        (Err(why), _) => Err(Trouble::Away(why.clone())),
        (Ok(outside), Ask::Authority(one)) => stamp::ask(app, head, one, outside).await.map(Kept::Stamp),
        (Ok(outside), Ask::Witness(one, old)) => {
            cosign::ask(app, head, one, *old, outside).await?.map(Kept::Cosignature)
        }
    };
    let (name, now) = (ask.name(), app.clock.now());
    if let Err(trouble) = &answered {
        let (why, lie) = match trouble {
            Trouble::Away(why) => (why, false),
            Trouble::Lie(why) => (why, true),
        };
        tracing::warn!(%name, %why, lie, "an outsider did not vouch for the log");
    }
    app.db
        .write(move |tx| match answered {
            Ok(kept) => {
                match &kept {
                    Kept::Stamp(stamp) => anchors::keep_stamp(tx, stamp)?,
                    Kept::Cosignature(line) => anchors::keep_cosignature(tx, line)?,
                }
                anchors::asked(tx, &name, None, now)
            }
            Err(Trouble::Away(why)) => anchors::asked(tx, &name, Some((&why, false)), now),
            Err(Trouble::Lie(why)) => anchors::asked(tx, &name, Some((&why, true)), now),
        })
        .await?;
    Ok(())
}

enum Kept {
    Stamp(Box<Stamp>),
    Cosignature(Cosignature),
}

/// Makes the files of the rows about the checkpoint of this size, or about all; what is there already is left alone.
async fn project(app: &App, head: &Head, size: Option<u64>) -> Result<(), PassError> {
    let (stamps, cosignatures) = app.db.read(move |reader| anchors::of(reader, size)).await?;
    let (vault, head) = (app.vault.clone(), head.clone());
    tokio::task::spawn_blocking(move || {
        for stamp in &stamps {
            let name = format!("{}-{}", stamp.authority, stamp.at.format("%Y%m%dT%H%M%SZ"));
            vault.keep_anchor(stamp.size, "checkpoint", stamp.checkpoint.as_bytes())?;
            vault.keep_anchor(stamp.size, &format!("{name}.pem"), stamp.chain.as_bytes())?;
            vault.keep_anchor(stamp.size, &format!("{name}.tsr"), &stamp.reply)?;
        }
        let mut cosigned: BTreeMap<&str, (u64, Vec<String>, String)> = BTreeMap::new();
        for one in &cosignatures {
            let entry =
                cosigned.entry(&one.checkpoint).or_insert_with(|| (one.size, Vec::new(), String::new()));
            entry.1.push(one.line.clone());
            entry.2.push_str(&one.vkey);
            entry.2.push('\n');
        }
        for (checkpoint, (size, lines, keys)) in &cosigned {
            vault.keep_anchor(*size, "checkpoint", checkpoint.as_bytes())?;
            vault.keep_anchor(*size, "cosigned", format!("{checkpoint}{}", lines.concat()).as_bytes())?;
            vault.keep_anchor(*size, "witness.vkey", keys.as_bytes())?;
        }
        if let Some((_, lines, _)) = cosigned.get(head.text.as_str()) {
            vault.cosign(&head.text, lines)?;
        }
        Ok(())
    })
    .await
    .map_err(|error| PassError::Broken(crate::panics::ended(&error).to_owned()))?
    .map_err(PassError::Archive)
}

/// Begins the duties about outsiders, or ends them.
fn tell(tx: &Tx<'_>, config: &Config, size: u64, now: DateTime<Utc>) -> Result<(), StoreError> {
    let asked: Vec<String> = config
        .anchors
        .timestamps
        .iter()
        .map(|one| format!("timestamp:{}", one.id))
        .chain(config.anchors.witnesses.iter().map(|one| format!("witness:{}", one.id)))
        .collect();
    let mut faults = anchors::faults(tx)?;
    faults.retain(|name, _| asked.contains(name));
    let lies: Vec<_> = faults.iter().filter(|(_, fault)| fault.lie).map(words).collect();
    duty(tx, config, "contradicted", &lies, now)?;
    let mut missing = Vec::new();
    let (stamped, cosigned) = anchors::largest(tx)?;
    for (what, somebody, covered) in [
        ("tidsstämplats", !config.anchors.timestamps.is_empty(), stamped),
        ("bevittnats", !config.anchors.witnesses.is_empty(), cosigned),
    ] {
        let since = if somebody && covered < size { anchors::made_at(tx, covered)? } else { None };
        if let Some(since) = since.filter(|since| now - *since > config.anchors.letter_after) {
            missing.push(format!("det som står i loggen sedan {} har inte {what}", instant_in_words(since)));
        }
    }
    if let Some(until) = anchors::lasts_until(tx)?.filter(|until| *until - now < TOO_SOON)
        && !config.anchors.timestamps.is_empty()
    {
        missing.push(format!(
            "den sista tidsstämpelns certifikat slutar gälla {}, och ingen ny stämpel gäller längre",
            instant_in_words(until)
        ));
    }
    duty(tx, config, "unanchored", &missing, now)
}

fn words((name, fault): (&String, &Fault)) -> String {
    let (kind, id) = name.split_once(':').unwrap_or(("", name));
    let kind = if kind == "witness" { "vittnet" } else { "tidsstämplingen" };
    format!("{kind} {id}: {}", fault.why)
}

fn duty(
    tx: &Tx<'_>,
    config: &Config,
    kind: &'static str,
    reasons: &[String],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if reasons.is_empty() {
        duties::close_for_account(tx, "", kind, "well_again", now)?;
        return Ok(());
    }
    let note = format!("{}.", reasons.join("; "));
    let about =
        About { kind, case: None, account: "", trigger_at: now, found_at: now, note: Some(capital(&note)) };
    begin(tx, config, &about)
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_does_not_answer_is_asked_more_and_more_rarely() {
        let minutes: Vec<_> = (1..10).map(|times| wait(times).num_minutes()).collect();
        assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(wait(u32::MAX), PATIENCE);
    }
}
