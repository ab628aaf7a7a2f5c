//! What judgements rest on: rule sets, models and guidelines, kept for as long as the judgements are.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, params};

use super::{Reader, Result, Tx, json, stamp, to_json};
use crate::domain::classify::{Policies, RuleFile, RuleSet};

/// The program that judges.
pub const PROGRAM: &str = concat!("uppsikt ", env!("CARGO_PKG_VERSION"));

/// A kept rule set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its files, as they were read.
    pub files: Vec<RuleFile>,
    /// The model's bytes, where one was heard.
    pub model: Option<Vec<u8>>,
}

/// What one judgement rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    /// The rule set's version, with the model's hash.
    pub rules: String,
    /// The program and its version.
    pub program: String,
    /// The guideline's name.
    pub profile: String,
    /// What each category led to.
    pub policies: Policies,
}

/// The rules' hash and the model's, of a version.
fn parts(version: &str) -> (&str, Option<&str>) {
    version.split_once('+').map_or((version, None), |(rules, model)| (rules, Some(model)))
}

/// Keeps a rule set and its model, once.
///
/// # Errors
/// Engine errors.
pub fn keep(tx: &Tx<'_>, rules: &RuleSet, now: DateTime<Utc>) -> Result<()> {
    let (version, model) = parts(rules.version());
    let there: bool = tx
        .prepare_cached("select exists (select 1 from rule_set where version = ?1)")?
        .query_row([version], |row| row.get(0))?;
    if !there {
        tx.execute(
            "insert into rule_set (version, kept_at, files) values (?1, ?2, ?3)",
            params![version, stamp(now), to_json(&rules.files())?],
        )?;
    }
    if let (Some(hash), Some(model)) = (model, rules.model()) {
        let there: bool = tx
            .prepare_cached("select exists (select 1 from language_model where hash = ?1)")?
            .query_row([hash], |row| row.get(0))?;
        if !there {
            tx.execute(
                "insert into language_model (hash, kept_at, bytes) values (?1, ?2, ?3)",
                params![hash, stamp(now), model.to_bytes()],
            )?;
        }
    }
    Ok(())
}

/// The kept rule set of a version; `None` where it, or its model, is not there.
///
/// # Errors
/// Engine errors; `Corrupt` where the row holds no files.
pub fn kept(reader: &Reader, version: &str) -> Result<Option<Kept>> {
    let (rules, hash) = parts(version);
    let files: Option<String> = reader
        .query_row("select files from rule_set where version = ?1", [rules], |row| row.get(0))
        .optional()?;
    let Some(files) = files else { return Ok(None) };
    let model: Option<Vec<u8>> = match hash {
        None => None,
        Some(hash) => {
            let found = reader
                .query_row("select bytes from language_model where hash = ?1", [hash], |row| row.get(0))
                .optional()?;
            if found.is_none() {
                return Ok(None);
            }
            found
        }
    };
    Ok(Some(Kept { files: json(&files)?, model }))
}

/// The row of what is judged by now; made when it is new.
///
/// # Errors
/// Engine errors.
pub fn basis(
    tx: &Tx<'_>,
    rules: &str,
    profile: &str,
    policies: &Policies,
    now: DateTime<Utc>,
) -> Result<i64> {
    let policies = to_json(policies)?;
    tx.prepare_cached(
        "insert or ignore into basis (rules, program, profile, policies, from_at) values (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![rules, PROGRAM, profile, policies, stamp(now)])?;
    Ok(tx
        .prepare_cached(
            "select id from basis where rules = ?1 and program = ?2 and profile = ?3 and policies = ?4",
        )?
        .query_row(params![rules, PROGRAM, profile, policies], |row| row.get(0))?)
}

/// Notes what the judgement of a version rests on; once.
///
/// # Errors
/// Engine errors.
pub fn rests_on(tx: &Tx<'_>, version: i64, basis: i64) -> Result<()> {
    tx.prepare_cached("update assessment set basis = ?2 where version = ?1 and basis is null")?
        .execute([version, basis])?;
    Ok(())
}

/// What the judgement of a version rests on, if that was noted.
///
/// # Errors
/// Engine errors; `Corrupt` where the row does not hold what it should.
pub fn basis_of(reader: &Reader, version: i64) -> Result<Option<Basis>> {
    let row: Option<(String, String, String, String)> = reader
        .query_row(
            "select b.rules, b.program, b.profile, b.policies from assessment a join basis b on b.id = a.basis
             where a.version = ?1",
            [version],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .optional()?;
    row.map(|(rules, program, profile, policies)| {
        Ok(Basis { rules, program, profile, policies: json(&policies)? })
    })
    .transpose()
}
