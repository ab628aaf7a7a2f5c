//! `verify`: a bag, or a data folder's archive, against the log's root.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, anyhow};

use super::Outcome;
use crate::archive::note::VerifierKey;
use crate::archive::verify::{self, Options, Severity};

/// Verifies and tells every finding; needs no configuration and no database.
///
/// # Errors
/// When the path holds no evidence at all, or the key or checkpoint to compare with is none.
pub fn run(
    path: &Path,
    key: Option<&str>,
    seen: Option<&Path>,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<Outcome> {
    let keys = key.map(read_keys).transpose()?.unwrap_or_default();
    let seen = seen
        .map(|file| {
            std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
        })
        .transpose()?;
    let report = verify::verify(path, &Options { keys, seen, record_keys: None })?;
    if json {
        for finding in &report.findings {
            writeln!(out, "{}", serde_json::to_string(finding)?)?;
        }
        let end = serde_json::json!({ "checked": report.checked, "authenticated": report.authenticated });
        writeln!(out, "{end}")?;
    } else {
        for finding in &report.findings {
            let severity = if finding.severity == Severity::Error { "FEL" } else { "varning" };
            let place = finding.path.as_deref().map(|path| format!("{path}: ")).unwrap_or_default();
            writeln!(out, "{severity} [{}] {place}{}", finding.code, finding.message)?;
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
fn read_keys(given: &str) -> anyhow::Result<Vec<VerifierKey>> {
    if let Ok(key) = given.parse() {
        return Ok(vec![key]);
    }
    let text = std::fs::read_to_string(given).map_err(|error| {
        anyhow!("--key: `{given}` is neither a key (name+id+key) nor a file that can be read ({error})")
    })?;
    let keys: Vec<VerifierKey> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| line.parse().map_err(|error| anyhow!("--key {given}: {error}")))
        .collect::<anyhow::Result<_>>()?;
    if keys.is_empty() {
        return Err(anyhow!("--key {given}: the file holds no key"));
    }
    Ok(keys)
}
