//! `verify`: a bag, or a data folder's archive, against the log's root.

use std::io::Write;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, anyhow};

use super::Outcome;
use crate::archive::note::NoteError;
use crate::archive::timestamp::Authorities;
use crate::archive::verify::{self, Options, Severity};
use crate::domain::calendar::instant_in_words;

/// What the one who verifies knows from elsewhere, as it stands on the command line.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// The log's published key, or a file of such keys.
    pub key: Option<&'a str>,
    /// A file with a checkpoint that was seen earlier.
    pub seen: Option<&'a Path>,
    /// A witness's key, or a file of such keys.
    pub witness: Option<&'a str>,
    /// A file with certificates of time-stamp authorities (PEM).
    pub tsa_ca: Option<&'a Path>,
}

/// Verifies and tells every finding; needs no configuration and no database.
///
/// # Errors
/// When the path holds no evidence at all, or what to compare with is none.
pub fn run(path: &Path, known: &Known<'_>, json: bool, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let keys = known.key.map(|given| read_keys("--key", given)).transpose()?.unwrap_or_default();
    let witnesses = known.witness.map(|given| read_keys("--witness", given)).transpose()?.unwrap_or_default();
    let read =
        |file: &Path| std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()));
    let seen = known.seen.map(|file| anyhow::Ok(String::from_utf8(read(file)?)?)).transpose()?;
    let authorities = known
        .tsa_ca
        .map(|file| {
            Authorities::from_pem(&read(file)?).with_context(|| format!("--tsa-ca {}", file.display()))
        })
        .transpose()?;
    let report = verify::verify(path, &Options { keys, seen, witnesses, authorities, record_keys: None })?;
    if json {
        for finding in &report.findings {
            writeln!(out, "{}", serde_json::to_string(finding)?)?;
        }
        let mut end = serde_json::json!({ "checked": report.checked, "authenticated": report.authenticated });
        if let Some(at) = report.stamped_at {
            end["stamped_at"] = serde_json::json!(at);
        }
        if !report.cosigned_by.is_empty() {
            end["cosigned_by"] = serde_json::json!(report.cosigned_by);
        }
        writeln!(out, "{end}")?;
    } else {
        for finding in &report.findings {
            let severity = if finding.severity == Severity::Error { "FEL" } else { "varning" };
            let place = finding.path.as_deref().map(|path| format!("{path}: ")).unwrap_or_default();
            writeln!(out, "{severity} [{}] {place}{}", finding.code, finding.message)?;
        }
        if let Some(at) = report.stamped_at {
            writeln!(out, "Tidsstämplat utifrån: loggen fanns {}.", instant_in_words(at))?;
        }
        if !report.cosigned_by.is_empty() {
            writeln!(out, "Bevittnat av: {}.", report.cosigned_by.join(", "))?;
        }
        let verdict = match (report.has_errors(), report.authenticated) {
            (true, _) => "Bevisen håller INTE.",
            (false, true) => "Bevisen är hela, och nyckeln eller kontrollpunkten utifrån bekräftar dem.",
            (false, false) => {
                "Bevisen hänger ihop; utan nyckel eller kontrollpunkt utifrån är de inte bekräftade."
            }
        };
        writeln!(
            out,
            "{verdict} {} filer och {} loggposter lästa.",
            report.checked.files, report.checked.entries
        )?;
    }
    Ok((!report.has_errors()).into())
}

/// A key as it was published, or a file with one or more of them, one a line.
fn read_keys<K>(option: &str, given: &str) -> anyhow::Result<Vec<K>>
where
    K: FromStr<Err = NoteError>,
{
    if let Ok(key) = given.parse() {
        return Ok(vec![key]);
    }
    let text = std::fs::read_to_string(given).map_err(|error| {
        anyhow!("{option}: `{given}` is neither a key (name+id+key) nor a file that can be read ({error})")
    })?;
    let keys: Vec<K> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| line.parse().map_err(|error| anyhow!("{option} {given}: {error}")))
        .collect::<anyhow::Result<_>>()?;
    if keys.is_empty() {
        return Err(anyhow!("{option} {given}: the file holds no key"));
    }
    Ok(keys)
}
