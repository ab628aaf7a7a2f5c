//! `uppsikt doctor`: everything that must be well for the watch to be true, looked at now, and what to do about the rest.
//!
//! It asks each platform how the account's key stands, says hello to the mail relay, and looks at disk, database, archive
//! and the files of keys. It sends no letter and changes nothing on a platform.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::{Outcome, args, connect};
use crate::archive::Vault;
use crate::assemble::{self, Layout};
use crate::clock::Clock;
use crate::config::{Account, AccountStatus, Api, Config, KekSource, Transport};
use crate::connector::budget::Book;
use crate::connector::{Connector, ConnectorError, Reading, Standing, reach_of};
use crate::domain::key::{Because, Key, Missing};
use crate::store;

mod anchors;

pub(super) mod hosts;

/// A platform's clock that differs more stops hiding and registering.
const SKEW: TimeDelta = TimeDelta::minutes(5);

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Grade {
    /// It is as it should be.
    Ok,
    /// Good to know.
    Note,
    /// It will go wrong, or is not as safe as it could be.
    Warning,
    /// It does not work.
    Error,
}

impl Grade {
    fn code(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What was found, in the order of looking.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

#[derive(Debug)]
struct Finding {
    grade: Grade,
    /// What was looked at: `mail`, `disk`, `key` …
    area: &'static str,
    account: Option<String>,
    message: String,
    remedy: Option<String>,
    /// Numbers and times for machines.
    more: Map<String, Value>,
}

impl Findings {
    fn add(&mut self, grade: Grade, area: &'static str, message: impl Into<String>) -> &mut Finding {
        self.0.push(Finding {
            grade,
            area,
            account: None,
            message: message.into(),
            remedy: None,
            more: Map::new(),
        });
        let last = self.0.len() - 1;
        &mut self.0[last]
    }

    fn of(
        &mut self,
        account: &Account,
        grade: Grade,
        area: &'static str,
        message: impl Into<String>,
    ) -> &mut Finding {
        let finding = self.add(grade, area, message);
        finding.account = Some(account.id.clone());
        finding
    }
}

impl Finding {
    fn remedy(&mut self, remedy: impl Into<String>) -> &mut Self {
        self.remedy = Some(remedy.into());
        self
    }

    fn more(&mut self, name: &str, value: Value) -> &mut Self {
        self.more.insert(name.to_owned(), value);
        self
    }

    fn json(&self) -> Value {
        let mut line = json!({ "severity": self.grade.code(), "area": self.area });
        if let Some(account) = &self.account {
            line["account"] = account.as_str().into();
        }
        line["message"] = self.message.as_str().into();
        if let Some(remedy) = &self.remedy {
            line["remedy"] = remedy.as_str().into();
        }
        if let Value::Object(all) = &mut line {
            all.extend(self.more.clone());
        }
        line
    }

    fn words(&self) -> String {
        let account = self.account.as_ref().map(|account| format!("[{account}]")).unwrap_or_default();
        let remedy = self.remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
        format!("{:7} {}{account}: {}{remedy}", self.grade.code(), self.area, self.message)
    }
}

/// Looks at everything; exit 1 with an error.
///
/// # Errors
/// Only when `out` cannot be written, or no thread can be had: what is wrong with the installation is a finding.
pub fn run(config: &Config, asked: &args::Doctor, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    if asked.hosts {
        hosts::list(config, asked.json, out)?;
        return Ok(Outcome::Done);
    }
    let now = Clock::System.now();
    let mut found = Findings::default();
    machine(config, now, &mut found);
    super::runtime()?.block_on(async {
        mail(config, &mut found).await;
        accounts(config, now, &mut found).await;
    });
    for finding in &found.0 {
        if asked.json {
            writeln!(out, "{}", finding.json())?;
        } else {
            writeln!(out, "{}", finding.words())?;
        }
    }
    let count = |grade| found.0.iter().filter(|finding| finding.grade == grade).count();
    let (errors, warnings) = (count(Grade::Error), count(Grade::Warning));
    if asked.json {
        writeln!(out, "{}", json!({ "checked": { "at": now, "errors": errors, "warnings": warnings } }))?;
    } else {
        writeln!(out, "{errors} errors, {warnings} warnings")?;
    }
    Ok((errors == 0).into())
}

/// Disk, archive, database, keys and secrets of this machine.
fn machine(config: &Config, now: DateTime<Utc>, found: &mut Findings) {
    let layout = Layout::new(&config.paths.data);
    folder(&config.paths.secrets, "secrets", found);
    folder(&config.paths.data, "data", found);
    for file in connect::key_files(config) {
        secret(config, &file, found);
    }
    if let Transport::Smtp(smtp) = &config.mail.transport
        && let Some(file) = &smtp.password_file
    {
        secret(config, file, found);
    }
    kek(config, found);
    match Vault::new(&layout.archive()).check(config.paths.min_free) {
        None => found.add(Grade::Ok, "archive", "can be written, and the disk has room"),
        Some(why) => found
            .add(Grade::Error, "archive", why)
            .remedy("nothing is hidden or registered until it is mended"),
    };
    checkpoint(config, &layout, found);
    anchors::look(config, now, found);
    database(config, now, found);
}

/// A folder that only the service may enter.
fn folder(path: &Path, area: &'static str, found: &mut Findings) {
    match std::fs::metadata(path) {
        Err(error) => {
            found
                .add(Grade::Error, area, format!("{}: {error}", path.display()))
                .remedy("`uppsikt init` makes the folders");
        }
        Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => {
            let mode = metadata.permissions().mode() & 0o7777;
            found
                .add(
                    Grade::Warning,
                    area,
                    format!("{} has mode {mode:04o}: others may enter", path.display()),
                )
                .remedy(format!("chmod 700 {}", path.display()));
        }
        Ok(_) => {
            found.add(Grade::Ok, area, format!("{} is closed to others", path.display()));
        }
    }
}

fn secret(config: &Config, file: &Path, found: &mut Findings) {
    match config.secret(file) {
        Ok(_) => {
            _ = found.add(
                Grade::Ok,
                "secret",
                format!("{} can be read, by the service alone", file.display()),
            );
        }
        Err(fault) => {
            found
                .add(Grade::Error, "secret", format!("{} {}", fault.file.display(), fault.message))
                .remedy(fault.remedy.clone());
        }
    }
}

fn kek(config: &Config, found: &mut Findings) {
    if matches!(config.paths.kek, KekSource::Credential(_))
        && std::env::var_os("CREDENTIALS_DIRECTORY").is_none()
    {
        found
            .add(
                Grade::Warning,
                "kek",
                "is a systemd credential, which only the service sees: it was not tried",
            )
            .remedy("systemd-run --pipe -p LoadCredential=kek:FILE uppsikt doctor");
        return;
    }
    match assemble::keys(config) {
        Ok(_) => _ = found.add(Grade::Ok, "kek", "opens the key table"),
        Err(error) => {
            found
                .add(Grade::Error, "kek", format!("{error:#}"))
                .remedy("without it no evidence can be read or made; the recovery sheet holds it");
        }
    }
}

fn checkpoint(config: &Config, layout: &Layout, found: &mut Findings) {
    let path = layout.archive().join("checkpoint");
    let text = std::fs::read_to_string(&path).map_err(|error| error.to_string());
    let read = text.and_then(|text| {
        crate::archive::checkpoint::Checkpoint::parse(&text)
            .map(|(checkpoint, _)| checkpoint)
            .map_err(|error| error.to_string())
    });
    let origin = store::log::origin(&config.organisation.log_origin);
    match read {
        Ok(checkpoint) if checkpoint.origin == origin => {
            found
                .add(Grade::Ok, "log", format!("its checkpoint covers {} entries", checkpoint.size))
                .more("size", checkpoint.size.into());
        }
        Ok(checkpoint) => {
            let message =
                format!("the checkpoint is of `{}`, the configuration names `{origin}`", checkpoint.origin);
            found.add(Grade::Error, "log", message).remedy("correct organisation.log_origin, or paths.data");
        }
        Err(error) => {
            found
                .add(Grade::Error, "log", format!("{}: {error}", path.display()))
                .remedy("run `uppsikt verify`");
        }
    }
}

fn database(config: &Config, now: DateTime<Utc>, found: &mut Findings) {
    let read =
        assemble::reading(config, |reader| Ok((store::faults(reader)?, store::views::last_pass(reader)?)));
    match read {
        Err(error) => _ = found.add(Grade::Error, "database", format!("{error:#}")),
        Ok((faults, last)) => {
            if faults.is_empty() {
                found.add(Grade::Ok, "database", "is sound");
            }
            for fault in faults {
                found.add(Grade::Error, "database", fault).remedy("restore it from a backup");
            }
            match last {
                None => _ = found.add(Grade::Note, "daemon", "no pass was ever finished"),
                Some(last) if now - last > TimeDelta::minutes(30) => {
                    found
                        .add(Grade::Warning, "daemon", format!("no pass was finished since {last}"))
                        .remedy("systemctl status uppsikt");
                }
                Some(last) => _ = found.add(Grade::Ok, "daemon", format!("a pass was finished at {last}")),
            }
        }
    }
}

/// Connects, secures and logs in, without sending anything.
async fn mail(config: &Config, found: &mut Findings) {
    let probed = match assemble::mailer(config) {
        Ok(mailer) => mailer.probe().await.map_err(|error| error.to_string()),
        Err(error) => Err(format!("{error:#}")),
    };
    match probed {
        Ok(()) => _ = found.add(Grade::Ok, "mail", "the way out is open; no letter was sent"),
        Err(why) => {
            _ = found.add(Grade::Error, "mail", why).remedy("correct [mail.smtp], or ask who runs the relay");
        }
    }
}

/// Each account; one that is not well costs the others nothing.
async fn accounts(config: &Config, now: DateTime<Utc>, found: &mut Findings) {
    // What the daemon has spent stands in the database.
    let connectors = assemble::database(config).and_then(|db| {
        let book = Book::new(Clock::System, Arc::new(store::budgets::Budgets(db)));
        assemble::all_connectors(config, None, &book, &Clock::System)
    });
    let connectors = match connectors {
        Ok(connectors) => connectors,
        Err(error) => {
            found.add(Grade::Error, "network", format!("{error:#}"));
            return;
        }
    };
    for account in config.accounts.iter().filter(|account| account.status != AccountStatus::Closed) {
        if account.api == Api::Sandbox {
            found.of(account, Grade::Note, "key", "is in the sandbox, which takes any key");
            continue;
        }
        let Some(connector) = connectors.get(&account.id) else { continue };
        key(config, account, connector.standing().await, now, found);
        quotas(account, connector.as_ref(), now, found);
        facts(account, connector.as_ref(), found);
        watched(config, account, found);
    }
}

fn key(
    config: &Config,
    account: &Account,
    standing: Result<Standing, ConnectorError>,
    now: DateTime<Utc>,
    found: &mut Findings,
) {
    let connect = format!("uppsikt connect {} --account {}", account.platform.code(), account.id);
    let standing = match standing {
        Ok(standing) => standing,
        Err(error) => {
            let remedy = match &error {
                ConnectorError::Unauthorized(_) => connect,
                ConnectorError::RateLimited(_) => "ask again later".to_owned(),
                _ => {
                    "see whether this machine reaches the platform (network, proxy, certificates)".to_owned()
                }
            };
            found.of(account, Grade::Error, "key", error.to_string()).remedy(remedy);
            return;
        }
    };
    if let Some(date) = standing.date {
        let skew = date - now;
        let seconds = skew.num_seconds();
        let (grade, words) = if skew.abs() > SKEW {
            (Grade::Error, format!("the platform's clock is {seconds} s from this machine's"))
        } else {
            (Grade::Ok, format!("agrees with the platform's within {} s", seconds.abs()))
        };
        let finding = found.of(account, grade, "clock", words).more("skew_seconds", seconds.into());
        if grade == Grade::Error {
            finding.remedy("set the time (NTP); with two such platforms nothing is hidden or registered");
        }
    }
    let told = standing != Standing { date: standing.date, ..Standing::default() };
    let known = known(standing);
    let holder = known.holder.clone().map(|holder| format!(", {holder}'s")).unwrap_or_default();
    let rights = if known.rights.is_empty() {
        String::new()
    } else {
        format!("; rights: {}", known.rights.join(", "))
    };
    let end = known.ends(&config.roster);
    match &end {
        Some((at, because)) if *at <= now => {
            found
                .of(account, Grade::Error, "key", format!("has ended {at} ({})", why(because)))
                .remedy(&connect);
        }
        Some((at, because)) if *at - now <= TimeDelta::days(30) => {
            let days = (*at - now).num_days();
            let message = format!("works{holder}, and ends in {days} days, {at} ({}){rights}", why(because));
            found.of(account, Grade::Warning, "key", message).remedy(&connect).more("ends_at", json!(at));
        }
        Some((at, because)) => {
            let message = format!("works{holder}, until {at} ({}){rights}", why(because));
            found.of(account, Grade::Ok, "key", message).more("ends_at", json!(at));
        }
        None if told => {
            _ = found.of(account, Grade::Ok, "key", format!("works{holder}; no end is known{rights}"));
        }
        None => {
            let message = "the platform tells nothing of it; whether it works shows in the polls";
            found.of(account, Grade::Note, "key", message);
        }
    }
    for missing in &known.missing {
        found
            .of(account, Grade::Error, "right", format!("{} is missing: {}", missing.right, missing.without))
            .remedy(missing.place.clone())
            .more("right", missing.right.as_str().into());
    }
}

fn known(standing: Standing) -> Key {
    Key {
        holder: standing.holder,
        expires_at: standing.expires_at,
        data_access_until: standing.data_access_until,
        renewable_until: standing.renewable_until,
        rights: standing.rights,
        missing: standing
            .missing
            .into_iter()
            .map(|missing| Missing { right: missing.right, without: missing.without, place: missing.place })
            .collect(),
        ..Key::default()
    }
}

fn why(because: &Because) -> String {
    match because {
        Because::Itself => "by itself".to_owned(),
        Because::DataAccess => "access to data, unless the person logs in again".to_owned(),
        Because::Renewal => "it cannot be renewed longer".to_owned(),
        Because::Holder(name) => format!("it is {name}'s, whose employment ends"),
    }
}

fn quotas(account: &Account, connector: &dyn Connector, now: DateTime<Utc>, found: &mut Findings) {
    for left in connector.budgets() {
        let rest = left.limit.saturating_sub(left.used);
        let back =
            left.resets_at.filter(|at| *at > now).map(|at| format!(", whole again {at}")).unwrap_or_default();
        let grade = if rest == 0 {
            Grade::Error
        } else if rest <= left.reserve {
            Grade::Warning
        } else {
            Grade::Ok
        };
        found
            .of(account, grade, "quota", format!("{}: {rest} of {} left{back}", left.name, left.limit))
            .more("quota", left.name.as_str().into())
            .more("left", rest.into())
            .more("limit", left.limit.into())
            .more("reserve", left.reserve.into())
            .more("resets_at", json!(left.resets_at));
    }
}

/// What no source confirmed, and what is read.
fn facts(account: &Account, connector: &dyn Connector, found: &mut Findings) {
    let capabilities = connector.capabilities();
    for fact in capabilities.unconfirmed {
        found
            .of(
                account,
                Grade::Note,
                "unconfirmed",
                format!("not confirmed against the live platform: {}", fact.fact),
            )
            .remedy(format!("confirmed by: {}", fact.confirm));
    }
    // Where the platform leaves a choice, how far "every pass" and "in turn" reach.
    let reach = reach_of(account.platform).map(|_| account.reach);
    let young = reach.and_then(|reach| reach.horizon);
    for surface in capabilities.surfaces {
        let reading = match surface.reading {
            Reading::EveryPass => young.map_or_else(
                || "read in every pass".to_owned(),
                |days| format!("read in every pass, posts younger than {days} days"),
            ),
            Reading::Swept => reach.map_or_else(
                || "swept in turn".to_owned(),
                |reach| format!("swept in turn, each post again within {} days", reach.sweep_days),
            ),
            Reading::ByHand(why) => format!("not readable, a person looks every day: {why}"),
        };
        found.of(account, Grade::Note, "surface", format!("{}: {reading}", surface.name));
    }
}

/// How the daemon's own reading goes.
fn watched(config: &Config, account: &Account, found: &mut Findings) {
    let read = assemble::reading(config, |reader| Ok(store::polls::state(reader, &account.id)?));
    let Ok(state) = read else { return };
    if let Some((since, reason)) = state.blind {
        found
            .of(account, Grade::Error, "reading", format!("blind since {since}: {reason}"))
            .more("blind_since", json!(since));
    } else if let Some(last) = state.last_ok {
        found.of(account, Grade::Ok, "reading", format!("read last at {last}"));
    }
}

#[cfg(test)]
mod tests;
