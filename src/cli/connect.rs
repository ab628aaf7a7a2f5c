//! `uppsikt connect PLATFORM`: a key for an account, on a machine without a browser.
//!
//! It prints the address that a person opens elsewhere, takes the code that comes back (on standard input, never as an
//! argument, which other users of the machine could see), exchanges it for the key that lasts longest, looks what the
//! key opens and what it may, and only then writes it: whole and durable before the old one is gone.

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

use super::{Outcome, args};
use crate::clock::Clock;
use crate::config::{Account, Api, Config};
use crate::connector::http::{Endpoint, Http};
use crate::connector::token::Grant;
use crate::connector::{ConnectorError, MissingRight};
use crate::domain::comment::Platform;
use crate::{assemble, durable};

mod bluesky;
mod flow;
mod google;
mod linkedin;
mod meta;
mod service;
mod x;

/// What was pasted is never longer.
const LONGEST: u64 = 16 * 1024;

/// What a platform gave, before it is written.
#[derive(Debug)]
struct Connected {
    /// What the file will hold.
    file: File,
    /// Every account that the key opens, as the platform names it.
    accounts: Vec<Opened>,
    /// The rights it holds.
    rights: Vec<String>,
    /// The rights it lacks.
    missing: Vec<MissingRight>,
    /// What a person should know before the key is trusted.
    notes: Vec<String>,
}

/// What the file will hold.
#[derive(Debug)]
enum File {
    /// A key that programs renew, or that stands for itself.
    Grant(Box<Grant>),
    /// Bluesky's name and app password.
    Login(SecretString),
}

/// An account that a key opens.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Opened {
    /// The platform's id.
    id: String,
    /// Its name.
    name: String,
    /// What the person may do there, in the platform's words; empty where the platform does not tell.
    tasks: Vec<String>,
}

/// What all platforms' exchanges need.
struct Exchange<'a> {
    http: &'a Http,
    /// The platform's interface.
    base: String,
    /// The version of LinkedIn's API.
    linkedin_version: String,
    /// The app that asks.
    app: service::App,
    /// Where the platform sends the person afterwards.
    redirect: String,
    account: &'a Account,
    clock: Clock,
}

fn endpoint(address: &str) -> anyhow::Result<Endpoint> {
    Endpoint::parse(address).map_err(|why| anyhow!("{address}: {why}"))
}

/// Connects one account.
///
/// # Errors
/// What the person or the platform must do; the old key is then untouched.
pub fn run(
    config: &Config,
    asked: &args::Connect,
    input: &mut dyn BufRead,
    tell: &mut dyn Write,
    out: &mut dyn Write,
) -> anyhow::Result<Outcome> {
    let account = account(config, asked)?;
    let file = file(account)?;
    writable(&config.paths.secrets, file)?;
    let base = base(account, asked)?;
    let http = assemble::http(config)?;
    let app = app(config, account, asked)?;
    let service = service::of(account.platform);
    let exchange = Exchange {
        http: &http,
        redirect: asked.redirect.clone().unwrap_or_else(|| service.redirect.to_owned()),
        base,
        linkedin_version: config.platforms.linkedin.version.clone(),
        app,
        account,
        clock: Clock::System,
    };
    let connected = super::runtime()?.block_on(connect(&exchange, asked, input, tell))?;
    show(account, &connected, out)?;
    let ours = |opened: &Opened| opened.id == account.native_id;
    if !connected.accounts.iter().any(ours) {
        bail!(
            "this key does not open {} ({}); nothing was written: log in as somebody who has access to it",
            account.native_id,
            account.id
        );
    }
    match &connected.file {
        File::Grant(grant) => grant.write(file)?,
        File::Login(login) => durable::write(file, login.expose_secret().as_bytes(), 0o600)
            .with_context(|| format!("{} cannot be written", file.display()))?,
    }
    writeln!(out, "{} is written; a running daemon takes it up when it is started anew", file.display())?;
    Ok(Outcome::Done)
}

async fn connect(
    exchange: &Exchange<'_>,
    asked: &args::Connect,
    input: &mut dyn BufRead,
    tell: &mut dyn Write,
) -> anyhow::Result<Connected> {
    let platform = exchange.account.platform;
    if platform == Platform::Bluesky {
        let name = asked.login.as_deref().ok_or_else(|| {
            anyhow!("--login NAME is missing: the handle or address that the municipality logs in with")
        })?;
        writeln!(tell, "{}", bluesky::ASK)?;
        let password = line(input, tell)?;
        return bluesky::connect(exchange, name, &password).await;
    }
    let service = service::of(platform);
    if asked.token {
        if !matches!(platform, Platform::Facebook | Platform::Instagram) {
            bail!("--token is for facebook and instagram; {} gives codes", platform.code());
        }
        writeln!(tell, "Paste the token, then Enter:")?;
        let token = line(input, tell)?;
        return meta::from_token(exchange, token).await;
    }
    let consent = flow::Consent::new(service, exchange)?;
    writeln!(
        tell,
        "Open this address in a browser, as somebody who has access to the account, and consent:\n"
    )?;
    writeln!(tell, "{}\n", consent.address)?;
    writeln!(
        tell,
        "The browser then goes to {} and may show an error: that is as it should be. Copy the whole address from its \
         address bar, paste it here, then Enter{}:",
        exchange.redirect, service.hurry
    )?;
    let code = consent.code(&line(input, tell)?)?;
    match platform {
        Platform::Facebook | Platform::Instagram => meta::from_code(exchange, &code).await,
        Platform::Youtube => google::from_code(exchange, &code, &consent.verifier).await,
        Platform::Linkedin => linkedin::from_code(exchange, &code).await,
        Platform::X => x::from_code(exchange, &code, &consent.verifier).await,
        Platform::Bluesky => bail!("bluesky takes an app password"),
    }
}

/// The account that is meant.
fn account<'a>(config: &'a Config, asked: &args::Connect) -> anyhow::Result<&'a Account> {
    let platform = asked.platform;
    if let Some(id) = &asked.account {
        let account = config.account(id).ok_or_else(|| anyhow!("there is no account `{id}`"))?;
        if account.platform != platform {
            bail!("account `{id}` is on {}, not on {}", account.platform.code(), platform.code());
        }
        return Ok(account);
    }
    let there: Vec<_> = config.accounts.iter().filter(|account| account.platform == platform).collect();
    match there[..] {
        [] => bail!("no account is on {}; add [[account]] first", platform.code()),
        [only] => Ok(only),
        _ => {
            let ids: Vec<_> = there.iter().map(|account| account.id.as_str()).collect();
            bail!(
                "{} accounts are on {}; name one by --account: {}",
                ids.len(),
                platform.code(),
                ids.join(", ")
            )
        }
    }
}

fn file(account: &Account) -> anyhow::Result<&Path> {
    let (key, file) = match account.platform {
        Platform::Bluesky => ("login_file", &account.login_file),
        _ => ("token_file", &account.token_file),
    };
    file.as_deref().ok_or_else(|| {
        anyhow!(
            "account[{}].{key} is missing: write there which file of paths.secrets the key goes into",
            account.id
        )
    })
}

/// A code is good for one use: that the key can be written is tried before it is spent.
fn writable(folder: &Path, file: &Path) -> anyhow::Result<()> {
    if !file.starts_with(folder) {
        bail!("{} is not in paths.secrets ({}), where keys are written", file.display(), folder.display());
    }
    let trial = folder.join(".uppsikt-connect");
    let remedy = || format!("{} cannot be written; run this as the service's user", folder.display());
    // As much as a key may take: a full disk is told before the code is spent, not after.
    durable::write(&trial, &[b' '; 4096], 0o600).with_context(remedy)?;
    std::fs::remove_file(&trial).with_context(remedy)
}

/// `--api`, which is for trials, or the account's own.
fn base(account: &Account, asked: &args::Connect) -> anyhow::Result<String> {
    if let Some(api) = &asked.api {
        let endpoint = Endpoint::parse(api).map_err(|why| anyhow!("--api {why}"))?;
        if !endpoint.is_loopback() {
            bail!(
                "--api is for trials on this machine; write account[{}].api for another server",
                account.id
            );
        }
        return Ok(endpoint.to_string());
    }
    match &account.api {
        Api::Url(url) => Ok(url.as_str().trim_end_matches('/').to_owned()),
        Api::Sandbox => bail!("account `{}` is in the sandbox, which takes any key", account.id),
    }
}

/// The app's id and secret: as asked, else as the key that is there names them.
fn app(config: &Config, account: &Account, asked: &args::Connect) -> anyhow::Result<service::App> {
    if account.platform == Platform::Bluesky {
        return Ok(service::App { id: String::new(), secret: None });
    }
    let known = account
        .token_file
        .as_deref()
        .filter(|path| path.exists())
        .and_then(|path| Grant::parse(&config.secret(path).ok()?, path).ok());
    let id = asked.client_id.clone().or_else(|| known.as_ref().and_then(|known| known.client_id.clone()));
    let id = match id {
        Some(id) => id,
        // A token that is pasted needs no app; exchanging it for one that lasts does.
        None if asked.token => String::new(),
        None => bail!(
            "--client-id ID is missing: the id of the municipality's own app at {}",
            account.platform.label()
        ),
    };
    let file = asked
        .client_secret_file
        .as_ref()
        .map(|file| config.paths.secrets.join(file))
        .or_else(|| account.app_secret_file.clone());
    let secret = match file {
        Some(file) => Some(config.secret(&file).map_err(|fault| anyhow!("{fault}"))?),
        None => known.and_then(|known| known.client_secret),
    };
    if secret.is_none() && service::of(account.platform).needs_secret && !asked.token {
        bail!("--client-secret-file FILE is missing: the file in paths.secrets that holds the app's secret");
    }
    Ok(service::App { id, secret })
}

/// One line of what a person pastes.
fn line(input: &mut dyn BufRead, tell: &mut dyn Write) -> anyhow::Result<SecretString> {
    tell.flush()?;
    let mut text = String::new();
    std::io::Read::take(input, LONGEST).read_line(&mut text).context("standard input cannot be read")?;
    let pasted = SecretString::from(text.trim().to_owned());
    zeroize::Zeroize::zeroize(&mut text);
    if pasted.expose_secret().is_empty() {
        bail!("nothing was pasted; nothing was written");
    }
    Ok(pasted)
}

fn show(account: &Account, connected: &Connected, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "The key opens:")?;
    for opened in &connected.accounts {
        let here =
            if opened.id == account.native_id { format!("  <- {}", account.id) } else { String::new() };
        let tasks =
            if opened.tasks.is_empty() { String::new() } else { format!(" [{}]", opened.tasks.join(", ")) };
        writeln!(out, "  {} {}{tasks}{here}", opened.id, opened.name)?;
    }
    if !connected.rights.is_empty() {
        writeln!(out, "Rights: {}", connected.rights.join(", "))?;
    }
    for missing in &connected.missing {
        writeln!(out, "MISSING {}: {}. {}", missing.right, missing.without, missing.place)?;
    }
    if let File::Grant(grant) = &connected.file {
        let day = |at: Option<chrono::DateTime<chrono::Utc>>| {
            at.map(|at| at.format("%Y-%m-%d %H:%M UTC").to_string())
        };
        match (day(grant.expires_at), &grant.refresh, day(grant.refresh_expires_at)) {
            (end, Some(_), None) => writeln!(
                out,
                "Renewed by Uppsikt; {}",
                end.map_or_else(|| "no end is told".to_owned(), |end| format!("this one ends {end}"))
            )?,
            (_, Some(_), Some(end)) => writeln!(out, "Renewed by Uppsikt until {end}; then connect again")?,
            (Some(end), None, _) => writeln!(out, "Ends {end}; connect again before")?,
            (None, None, _) => writeln!(out, "No end is told")?,
        }
    }
    for note in &connected.notes {
        writeln!(out, "Note: {note}")?;
    }
    Ok(())
}

/// A secret of an answer.
fn hidden<'de, D: Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    String::deserialize(from).map(SecretString::from)
}

/// A secret that an answer may hold; an empty one is none.
fn hidden_if_any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SecretString>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    Ok(text.filter(|text| !text.is_empty()).map(SecretString::from))
}

/// A refusal of a platform, for the person at the keyboard; nothing was written.
fn refused(what: &str, error: &ConnectorError) -> anyhow::Error {
    anyhow!("{what}: {error}; nothing was written")
}

/// The same where the platform has told which rights the key holds: one that it lacks may be the reason, and is named with
/// where it is given.
fn refused_lacking(what: &str, error: &ConnectorError, missing: &[MissingRight]) -> anyhow::Error {
    let lines = missing
        .iter()
        .map(|missing| format!("\nMISSING {}: {}. {}", missing.right, missing.without, missing.place));
    anyhow!("{what}: {error}; nothing was written{}", lines.collect::<String>())
}

/// The files of keys below `folder`, for those who look at their modes.
pub(super) fn key_files(config: &Config) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = config
        .accounts
        .iter()
        .flat_map(|account| [&account.token_file, &account.app_secret_file, &account.login_file])
        .flatten()
        .cloned()
        .collect();
    files.sort();
    files.dedup();
    files
}

#[cfg(test)]
mod tests;
