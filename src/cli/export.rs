//! `export`: evidence bundles of cases.

use std::io::{IsTerminal, Write};

use anyhow::{anyhow, bail};
use chrono::TimeDelta;

use super::{Outcome, args};
use crate::archive::Vault;
use crate::archive::sip::Party;
use crate::assemble::{self, Layout};
use crate::bundle::sip::Delivery;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::calendar;
use crate::steps::export::{self, Form, Source};
use crate::store;

/// Who delivers to which e-archive; `None` without the municipality's number.
fn delivery(config: &Config, asked: &args::Export) -> Option<Delivery> {
    let own = &config.organisation;
    let archive = own.archive.as_ref();
    Some(Delivery {
        version: asked.sip_version.or(archive.map(|archive| archive.version)).unwrap_or_default(),
        organisation: Party { name: own.name.clone(), number: Some(own.number.clone()?) },
        archive: archive.map(|archive| Party { name: archive.name.clone(), number: archive.number.clone() }),
        agreement: archive.and_then(|archive| archive.agreement.clone()),
    })
}

/// Writes the bundles and tells where they lie.
///
/// # Errors
/// When a case is missing, has no record, or is not covered by the newest checkpoint; nothing is then written.
pub fn run(config: &Config, asked: &args::Export, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let form: Form = asked.form.parse().map_err(|error: String| anyhow!(error))?;
    let db = assemble::database(config)?;
    let cases = match (&asked.account, asked.from, asked.to) {
        (Some(account), Some(from), Some(to)) => {
            if config.account(account).is_none() {
                bail!("there is no account `{account}` in the configuration");
            }
            if from > to {
                bail!("--from {from} is after --to {to}");
            }
            let start = calendar::to_utc(from.and_time(chrono::NaiveTime::MIN));
            let end = calendar::to_utc(to.and_time(chrono::NaiveTime::MIN) + TimeDelta::days(1));
            let found = db.read_now(|reader| store::records::cases_between(reader, account, start, end))?;
            if found.is_empty() {
                bail!("no comment of `{account}` between {from} and {to} has been preserved");
            }
            found
        }
        _ if asked.cases.is_empty() => bail!("name the cases, or --account A --from D --to D"),
        _ => {
            let mut named = Vec::with_capacity(asked.cases.len());
            for name in &asked.cases {
                let case = db.read_now(|reader| store::cases::named(reader, name))?.id;
                if !named.contains(&case) {
                    named.push(case);
                }
            }
            named
        }
    };
    let keys = assemble::keys(config)?;
    let vault = Vault::new(&Layout::new(&config.paths.data).archive());
    let origin = store::log::origin(&config.organisation.log_origin);
    let today = calendar::local_date(Clock::System.now());
    let source = Source {
        db: &db,
        keys: &keys,
        vault: &vault,
        organisation: &config.organisation.name,
        origin: &origin,
        today,
        delivery: delivery(config, asked),
    };
    let bar = std::io::stderr()
        .is_terminal()
        .then(|| indicatif::ProgressBar::new(u64::try_from(cases.len()).unwrap_or(u64::MAX)));
    let written = export::write(&source, form, &cases, asked.versions, &asked.out, |done| {
        if let Some(bar) = &bar {
            bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
        }
    })
    .map_err(|error| anyhow!(error))?;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    for one in written {
        writeln!(out, "{}\t{}", one.case, one.path.display())?;
    }
    Ok(Outcome::Done)
}
