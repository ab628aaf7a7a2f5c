//! The commands, one file each; `main` reads the arguments and prints.

pub mod accounts;

pub mod args;

pub mod brake;

pub mod case;

pub mod cases;

pub mod categories;

pub mod check;

pub mod checked;

pub mod classify;

pub mod connect;

pub mod corpus;

pub mod decide;

pub mod demo;

pub mod describe;

pub mod doctor;

pub mod due;

pub mod duties;

pub mod evaluate;

pub mod explain;

pub mod export;

pub mod holidays;

pub mod init;

pub mod intake;
pub mod media;

pub mod metrics;

pub mod profile;

pub mod recovery;

pub mod reports;

pub mod rules;

pub mod run;

pub mod sandbox;

pub mod silence;

pub mod status;

pub mod train;

pub mod verify;

pub mod witness;

use std::io::Write;
use std::path::Path;

use anyhow::{Context, anyhow};

use crate::assemble;
use crate::clock::Clock;
use crate::config::{Config, ModelChoice, Profile, Warning};
use crate::domain::classify::{Policies, RuleSet};
use args::{Arguments, Command, ProfileChoice};

/// What every page that a command writes begins and ends with (a template).
const LAYOUT: &str = include_str!("layout.html");

/// How a command ended; errors are the third way (exit 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Exit 0.
    Done,
    /// Exit 1: it was done, and it found faults.
    Faults,
}

impl From<bool> for Outcome {
    fn from(well: bool) -> Self {
        if well { Self::Done } else { Self::Faults }
    }
}

/// Runs a command; results go to `out`, everything else to standard error.
///
/// # Errors
/// What could not be done, with what to do about it.
pub fn run(arguments: Arguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    // Paths in the file are relative to its folder, which a bare file name does not show.
    let config = std::path::absolute(&arguments.config)?;
    match arguments.command {
        Command::Demo(asked) => demo::run(&asked, out),
        Command::Init => init::run(&load(&config)?, out),
        Command::Check { json } => Ok(match check::run(&config, json, Clock::System.now(), out)? {
            0 => Outcome::Done,
            1 => Outcome::Faults,
            _ => anyhow::bail!("{} cannot be read; name the file with --config FILE", config.display()),
        }),
        Command::Connect(asked) => {
            let (mut input, mut tell) = (std::io::stdin().lock(), std::io::stderr());
            connect::run(&load(&config)?, &asked, &mut input, &mut tell, out)
        }
        Command::Intake(asked) => intake::run(&load(&config)?, &asked, &mut std::io::stdin().lock(), out),
        Command::Doctor(asked) => doctor::run(&load(&config)?, &asked, out),
        Command::Run { once, at } => run::run(load(&config)?, once, at, out),
        Command::Classify(asked) => {
            let model = choice(asked.model.as_deref());
            let rules = assemble::rules(asked.rules.as_deref(), model.as_ref())?;
            let policies = policies(&asked.profile)?;
            Ok(classify::run(std::io::stdin().lock(), out, &rules, &policies)?.into())
        }
        Command::Evaluate(asked) => evaluate_command(&asked, out),
        Command::Train(asked) => train::run(&asked, out),
        Command::Due(due) => due_command(&due, &config, out),
        Command::Holidays { from, to } => {
            out.write_all(holidays::csv(from, to).map_err(|why| anyhow!(why))?.as_bytes())?;
            Ok(Outcome::Done)
        }
        Command::Decide { case, by, outcome, reason } => {
            decide::run(&load(&config)?, &case, &by, outcome, &reason, out)
        }
        Command::Checked(asked) => checked::run(&load(&config)?, &asked, out),
        Command::Media(asked) => media::run(&load(&config)?, &asked, out),
        Command::Brake(brake) => brake::run(&load(&config)?, &brake, out),
        Command::Export(asked) => export::run(&load(&config)?, &asked, out),
        Command::Verify { path, key, seen, witness, tsa_ca, json } => {
            let known = verify::Known {
                key: key.as_deref(),
                seen: seen.as_deref(),
                witness: witness.as_deref(),
                tsa_ca: tsa_ca.as_deref(),
            };
            verify::run(&path, &known, json, out)
        }
        Command::Witness(asked) => witness::run(&asked, out),
        Command::Sandbox { listen, seed } => {
            runtime()?.block_on(sandbox::run(listen, seed.as_deref(), crate::daemon::signalled()))?;
            Ok(Outcome::Done)
        }
        Command::Cases { open, account, json } => {
            let config = load(&config)?;
            let filter = crate::store::views::Filter { open, account };
            assemble::reading(&config, |reader| cases::list(reader, &config, &filter, json, out))?;
            Ok(Outcome::Done)
        }
        Command::Case { case, json } => {
            let config = load(&config)?;
            assemble::reading(&config, |reader| case::show(reader, &config, &case, json, out))?;
            Ok(Outcome::Done)
        }
        Command::Explain { case, json } => {
            let config = load(&config)?;
            assemble::reading(&config, |reader| explain::show(reader, &config, &case, json, out))?;
            Ok(Outcome::Done)
        }
        Command::Rules { asked } => rules::run(&asked, &config, out),
        Command::Categories { profile: choice, json } => {
            categories::show(&guideline(&choice)?, json, out)?;
            Ok(Outcome::Done)
        }
        Command::Duties { list: true, json } => duties::list(json, out),
        Command::Duties { json, .. } => duties::open(&load(&config)?, json, out),
        Command::Describe { out: folder } => describe::run(&load(&config)?, &folder, out),
        Command::Profile { asked } => profile::run(&asked, out),
        Command::Reports(asked) => reports::run(&load(&config)?, &asked, out),
        Command::Accounts { from, to, json } => {
            let config = load(&config)?;
            let now = Clock::System.now();
            assemble::reading(&config, |reader| accounts::show(reader, &config, (from, to), now, json, out))?;
            Ok(Outcome::Done)
        }
        Command::Status { metrics: true, .. } => {
            let config = load(&config)?;
            let now = Clock::System.now();
            assemble::reading(&config, |reader| metrics::show(reader, &config, now, out))?;
            Ok(Outcome::Done)
        }
        Command::Status { json, mail_if_silent, .. } => {
            let config = load(&config)?;
            let now = Clock::System.now();
            match mail_if_silent {
                Some(longest) => silence::tell(&config, now, longest, out)?,
                None => assemble::reading(&config, |reader| status::show(reader, &config, now, json, out))?,
            }
            Ok(Outcome::Done)
        }
    }
}

/// The checked configuration; its warnings go to standard error.
///
/// # Errors
/// Every fault at once.
pub fn load(path: &Path) -> anyhow::Result<Config> {
    match Config::load(path) {
        Ok((config, warnings)) => {
            tell(&warnings);
            Ok(config)
        }
        Err(faults) => {
            let all: Vec<_> = faults.iter().map(ToString::to_string).collect();
            Err(anyhow!(
                "the configuration has {} faults; nothing was done\n{}",
                faults.len(),
                all.join("\n")
            ))
        }
    }
}

fn tell(warnings: &[Warning]) {
    for warning in warnings {
        let _ = writeln!(std::io::stderr(), "warning: {warning}");
    }
}

/// A runtime for the commands that wait for something.
///
/// # Errors
/// When the system gives no threads.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads to run on")
}

/// The operating-system account that runs this process: recorded beside the person named (N24).
pub fn os_user() -> String {
    let id = rustix::process::getuid().as_raw();
    let named = std::fs::read_to_string("/etc/passwd").ok().and_then(|passwd| {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)? == id.to_string()).then(|| name.to_owned())
        })
    });
    named.unwrap_or_else(|| format!("uid {id}"))
}

/// The profile of a command that works without a configuration: `--profile P`, the configuration where there is one,
/// else `arjeplog`.
fn guideline(choice: &ProfileChoice) -> anyhow::Result<Profile> {
    Config::embedded_profile(choice.profile.as_deref().unwrap_or("arjeplog"))
        .map_err(|fault| anyhow!("{fault}"))
}

fn policies(choice: &ProfileChoice) -> anyhow::Result<Policies> {
    Ok(guideline(choice)?.categories.into_iter().collect())
}

/// The language model named on the command line.
fn choice(model: Option<&Path>) -> Option<ModelChoice> {
    model.map(|name| ModelChoice::named(&name.to_string_lossy(), Path::new("")))
}

fn rules(model: Option<&Path>) -> anyhow::Result<RuleSet> {
    assemble::rules(None, choice(model).as_ref()).context("--model")
}

fn evaluate_command(asked: &args::Evaluate, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let policies = policies(&asked.profile)?;
    let against = asked.against.as_deref().map(evaluate::Baseline::read).transpose()?;
    let (against, figures, json) = (against.as_ref(), asked.figures.as_deref(), asked.json);
    if let Some(folder) = &asked.suite {
        let model = assemble::read_model(&choice(asked.model.as_deref()).unwrap_or(ModelChoice::BuiltIn))?;
        let suite = evaluate::suite::Asked { folder, models: asked.models.as_deref(), model, figures, json };
        evaluate::suite::run(&suite, &policies, against, out)?;
        return Ok(Outcome::Done);
    }
    let rules = rules(asked.model.as_deref())?;
    if let Some(folder) = &asked.layers {
        evaluate::layers::run(folder, &rules, &policies, json, out)?;
        return Ok(Outcome::Done);
    }
    let Some(file) = &asked.file else {
        return Err(anyhow!("nothing to evaluate: name a file, --suite DIR or --layers DIR"));
    };
    let tsv = std::fs::File::open(file).with_context(|| format!("{} cannot be opened", file.display()))?;
    let report = evaluate::Report { json, against, figures };
    Ok(evaluate::run(std::io::BufReader::new(tsv), out, &rules, &policies, &report)?.into())
}

fn due_command(due: &args::Due, _config: &Path, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let profile = guideline(&due.profile)?;
    let hours = crate::domain::calendar::Hours::default();
    if due.batch {
        let well = due::batch(std::io::stdin().lock(), out, &profile.clocks, &hours)?;
        return Ok(well.into());
    }
    let at = due.at.as_deref().unwrap_or_default();
    writeln!(out, "{}", due::line(at, &profile.clocks, &hours).map_err(|why| anyhow!(why))?)?;
    Ok(Outcome::Done)
}
