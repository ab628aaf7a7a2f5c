//! `init`: makes the data folder and says what must be kept where.

use std::io::Write;

use super::Outcome;
use crate::assemble;
use crate::config::Config;

/// Makes the data folder; prints the log's public key and the recovery sheet for two holders.
///
/// # Errors
/// When any of it is there already, or cannot be made.
pub fn run(config: &Config, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let vkey = assemble::init(config)?;
    let kek = assemble::kek(config)?;
    writeln!(out, "{}", super::recovery::sheet(config, &kek.hex(), &vkey))?;
    Ok(Outcome::Done)
}
