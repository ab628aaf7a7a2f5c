//! `uppsikt status [--json] [--mail-if-silent DURATION]`: how the installation is doing.

use std::io::Write;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::archive::checkpoint::Checkpoint;
use crate::config::Config;
use crate::connector::Left;
use crate::domain::calendar::instant_in_words as moment;
use crate::domain::words;
use crate::store::anchors::{self, Standing};
use crate::store::views::{self, AccountHealth, Health};
use crate::store::{Reader, Result, budgets, trials};

/// What `--json` gives: one object. Times are UTC; what is absent is null.
#[derive(Debug, Serialize)]
struct Status<'a> {
    #[serde(flatten)]
    health: &'a Health,
    accounts: Vec<AccountStatus<'a>>,
    /// Every quota of which anything was ever spent.
    quotas: Vec<QuotaStatus>,
    /// Entries that the published checkpoint covers; null before the first.
    checkpoint_size: Option<u64>,
    /// How each outsider that vouches for the log stands.
    anchors: Vec<Standing>,
    /// The log's public key, to be held elsewhere.
    vkey: Option<String>,
    /// What rules and categories on trial found in the texts of the last seven days.
    shadow: u64,
}

/// What is left of a quota, as the database has it: what a running daemon has leased counts as spent.
#[derive(Debug, Serialize)]
struct QuotaStatus {
    quota: String,
    limit: u64,
    left: u64,
    /// Of these, what polling may spend: the rest is for hiding and for looks.
    left_for_polling: u64,
    /// When it is whole again (UTC); null while nothing is spent.
    resets_at: Option<DateTime<Utc>>,
}

impl From<Left> for QuotaStatus {
    fn from(left: Left) -> Self {
        let rest = left.limit.saturating_sub(left.used);
        Self {
            quota: left.name,
            limit: left.limit,
            left: rest,
            left_for_polling: rest.saturating_sub(left.reserve),
            resets_at: left.resets_at,
        }
    }
}

#[derive(Debug, Serialize)]
struct AccountStatus<'a> {
    #[serde(flatten)]
    health: &'a AccountHealth,
    platform: &'static str,
    mode: &'static str,
    status: &'static str,
}

/// Shows how the installation is doing: in words, or with `json` as one object on a line.
///
/// # Errors
/// The store's; an archive file that is there and cannot be read; `out`'s.
pub fn show(
    reader: &Reader,
    config: &Config,
    now: DateTime<Utc>,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let ids: Vec<_> = config.accounts.iter().map(|account| account.id.as_str()).collect();
    let health = views::health(reader, &ids, now)?;
    let archive = config.paths.data.join("archive");
    let checkpoint = read(&archive.join("checkpoint"))?
        .map(|text| Checkpoint::parse(&text).map(|(checkpoint, _)| checkpoint))
        .transpose()
        .map_err(|error| anyhow::anyhow!("{}: {error}", archive.join("checkpoint").display()))?;
    let accounts = config.accounts.iter().zip(&health.accounts).map(|(account, health)| AccountStatus {
        health,
        platform: account.platform.code(),
        mode: account.mode.code(),
        status: account.status.code(),
    });
    let status = Status {
        health: &health,
        accounts: accounts.collect(),
        quotas: budgets::left(reader, now)?.into_iter().map(QuotaStatus::from).collect(),
        checkpoint_size: checkpoint.map(|checkpoint| checkpoint.size),
        anchors: standing(reader, config)?,
        vkey: read(&archive.join("log.vkey"))?.map(|text| text.trim_end().to_owned()),
        shadow: trials::count(reader, now - TimeDelta::days(7))?,
    };
    if json {
        serde_json::to_writer(&mut *out, &status)?;
        writeln!(out)?;
        return Ok(());
    }
    tell(&status, out)?;
    Ok(())
}

/// How the outsiders of the configuration stand.
///
/// # Errors
/// The store's.
pub(super) fn standing(reader: &Reader, config: &Config) -> Result<Vec<Standing>> {
    let authorities: Vec<_> = config.anchors.timestamps.iter().map(|one| one.id.as_str()).collect();
    let witnesses: Vec<_> = config.anchors.witnesses.iter().map(|one| one.id.as_str()).collect();
    anchors::standing(reader, &authorities, &witnesses)
}

fn tell(status: &Status<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    let health = status.health;
    let never = || "aldrig".to_owned();
    writeln!(out, "Senast klara pass: {}", health.last_pass.map_or_else(never, moment))?;
    for account in &status.accounts {
        let mode =
            if account.mode == "act" { "bevakar och åtgärdar" } else { "bevakar, skriver ingenting" };
        let standing = match account.status {
            "active" => "",
            "dormant" => ", vilande",
            _ => ", avslutat",
        };
        writeln!(out, "\nKonto {} ({}{standing}): {mode}", account.health.account, account.platform)?;
        writeln!(out, "  Senast läst: {}", account.health.last_ok.map_or_else(never, moment))?;
        let from = account.health.watched_from;
        writeln!(
            out,
            "  Bevakat från: {}",
            from.map_or_else(|| "första lyckade läsningen".to_owned(), moment)
        )?;
        if let Some(since) = account.health.blind_since {
            let why = account.health.blind_reason.as_deref().unwrap_or("okänt");
            writeln!(out, "  KAN INTE LÄSAS sedan {}: {why}", moment(since))?;
        }
        if let Some(slow) = &account.health.slow {
            writeln!(out, "  Läses glesare: {slow}")?;
        }
    }
    if !status.quotas.is_empty() {
        writeln!(out, "\nKvoter")?;
    }
    for quota in &status.quotas {
        let back = quota.resets_at.map_or_else(String::new, |at| format!("; hel igen {}", moment(at)));
        let QuotaStatus { quota, limit, left, left_for_polling, .. } = quota;
        writeln!(out, "  {quota}: {left} av {limit} kvar, {left_for_polling} för läsning{back}")?;
    }
    writeln!(out, "\nÄrenden")?;
    if health.cases.is_empty() {
        writeln!(out, "  inga")?;
    }
    for (state, count) in &health.cases {
        let name = state.parse().map_or_else(|_| state.clone(), |known| words::state(known).to_owned());
        writeln!(out, "  {count:>6}  {name}")?;
    }
    writeln!(out, "\nFrister: {} öppna, {} försenade", health.open_duties, health.overdue_duties)?;
    let since =
        health.letters_since.map(|at| format!(", det äldsta sedan {}", moment(at))).unwrap_or_default();
    writeln!(out, "Brev: {} väntar{since}; {} nekade", health.letters_waiting, health.letters_refused)?;
    for (rule, why) in &health.brakes {
        writeln!(out, "Bromsen håller {}: {why}", if rule == "all" { "allt" } else { rule })?;
    }
    let size =
        status.checkpoint_size.map_or_else(|| "ingen ännu".to_owned(), |size| format!("{size} poster"));
    writeln!(out, "Logg: {} poster; publicerad kontrollpunkt: {size}", health.log_size)?;
    for one in &status.anchors {
        let name = if one.kind == "witness" { "Vittnet" } else { "Tidsstämplingen" };
        let newest =
            one.at.map_or_else(|| "aldrig".to_owned(), |at| format!("{} poster, {}", one.size, moment(at)));
        let fault = one.fault.as_ref().map(|fault| {
            let what = if fault.lie { "SÄGER EMOT LOGGEN" } else { "svarar inte" };
            format!("; {what} sedan {}: {}", moment(fault.since), fault.why)
        });
        writeln!(out, "{name} {}: senast {newest}{}", one.id, fault.unwrap_or_default())?;
    }
    if status.shadow > 0 {
        writeln!(
            out,
            "På prov: {} träffar de senaste sju dygnen, av vilka inget följt; `uppsikt rules shadow` visar dem",
            status.shadow
        )?;
    }
    if let Some(vkey) = &status.vkey {
        writeln!(out, "Loggens publika nyckel: {vkey}")?;
    }
    Ok(())
}

/// The text of a file; `None` when there is none.
fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(anyhow::anyhow!("{} cannot be read: {error}", path.display())),
    }
}

/// Why somebody must be told, in Swedish: no pass was finished within `longest` before `now`. `None` when one was.
///
/// A pass in the future is no proof of life either: the clock has been turned, or the note is another machine's.
///
/// # Errors
/// The store's.
pub fn silent(reader: &Reader, now: DateTime<Utc>, longest: TimeDelta) -> Result<Option<String>> {
    let minutes = longest.num_minutes();
    Ok(match views::last_pass(reader)? {
        None => Some(format!(
            "Uppsikt har aldrig gjort klart ett pass. Gränsen är {minutes} minuter. Kommentarer bevakas inte."
        )),
        Some(last) if now - last > longest => Some(format!(
            "Uppsikt har inte gjort klart ett pass sedan {}. Gränsen är {minutes} minuter. Kommentarer bevakas inte, \
             och inga frister påminns om.",
            moment(last)
        )),
        Some(last) if last - now > longest => Some(format!(
            "Uppsikts senaste pass är daterat {}, i framtiden. Serverns klocka går fel, eller har gått fel.",
            moment(last)
        )),
        Some(_) => None,
    })
}
