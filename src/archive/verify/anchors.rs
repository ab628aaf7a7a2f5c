//! What outsiders say of a checkpoint: time-stamps and cosignatures, in a bag and below `archive/anchors/`.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::Options;
use super::finding::Report;
use super::head::Head;
use super::source::Source;
use crate::archive::checkpoint::{self, Checkpoint};
use crate::archive::cosign::WitnessKey;
use crate::archive::merkle::Hash;
use crate::archive::note::{self, Note};
use crate::archive::timestamp::{Authorities, Token};

/// A token so much later than what it is over says little of when that was there.
const LATE: TimeDelta = TimeDelta::days(7);

/// How far the municipality's clock and the authority's may differ.
const CLOCKS: TimeDelta = TimeDelta::minutes(10);

/// A token and its chain against the bytes that were stamped.
pub(super) fn check_stamp(
    source: &Source<'_>,
    (reply_path, chain_path): (&str, &str),
    stamped: &str,
    newest: Option<DateTime<Utc>>,
    options: &Options<'_>,
    report: &mut Report,
) {
    let mut read = |path: &str| match source.read(path) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            report.error("missing_file", path, format!("tidsstämpelns fil går inte att läsa: {error}"));
            None
        }
    };
    let (Some(reply), Some(chain)) = (read(reply_path), read(chain_path)) else { return };
    let token = match Token::parse(&reply) {
        Ok(token) => token,
        Err(error) => {
            report.error("timestamp", reply_path, format!("filen är ingen tidsstämpel ({error})"));
            return;
        }
    };
    let wrong = |error| format!("tidsstämpeln gäller inte: den eller kontrollpunkten är ändrad ({error})");
    if let Err(error) = token.covers(stamped.as_bytes()).and_then(|()| token.is_whole()) {
        report.error("timestamp", reply_path, wrong(error));
        return;
    }
    match Authorities::from_pem(&chain) {
        Ok(there) if token.chain(&there).as_bytes() == chain => {
            if let Err(error) = token.verify(stamped.as_bytes(), &there) {
                report.error(
                    "timestamp_chain",
                    chain_path,
                    format!("certifikaten hör inte till tidsstämpeln ({error})"),
                );
            }
        }
        Ok(_) => report.error("timestamp_chain", chain_path, "filen har andra certifikat än tidsstämpeln"),
        Err(error) => {
            report.error("timestamp_chain", chain_path, format!("filen har inga certifikat ({error})"));
        }
    }
    if let Some(trusted) = &options.authorities {
        match token.verify(stamped.as_bytes(), trusted) {
            Ok(verified) => {
                report.stamped_at = report.stamped_at.max(Some(verified.at));
            }
            Err(error) => report.warning(
                "timestamp_authority",
                reply_path,
                format!("tidsstämpeln är hel, men inte av en myndighet som angetts med --tsa-ca ({error})"),
            ),
        }
    }
    let Some(newest) = newest else { return };
    if newest - token.at > CLOCKS {
        report.error(
            "timestamp_early",
            reply_path,
            format!("tidsstämpeln är från {}, men kontrollpunkten har en post från {newest}", token.at),
        );
    } else if token.at - newest > LATE {
        report.warning(
            "timestamp_late",
            reply_path,
            format!("tidsstämpeln är från {}, långt efter det sista den täcker, {newest}: den visar bara att det fanns då", token.at),
        );
    }
}

/// Tells that no token of a given authority was there.
pub(super) fn conclude(path: &str, options: &Options<'_>, report: &mut Report) {
    if options.authorities.is_some() && report.stamped_at.is_none() {
        report.error(
            "no_timestamp",
            path,
            "ingen tidsstämpel gäller för den myndighet som angetts med --tsa-ca: ingenting visar när loggen fanns",
        );
    }
}

/// The lines that witnesses put under a checkpoint, against the keys that lie with them. True if a witness that was
/// named by its key vouches.
pub(super) fn check_cosignatures(
    source: &Source<'_>,
    (lines_path, keys_path): (&str, &str),
    cosigned: &Note,
    options: &Options<'_>,
    report: &mut Report,
) -> bool {
    let lines = cosigned.signatures.get(1..).unwrap_or_default();
    let text = match source.read(keys_path).map(String::from_utf8) {
        Ok(Ok(text)) => text,
        Ok(Err(_)) => {
            report.error("witness_key", keys_path, "filen är inte läsbar text");
            return false;
        }
        Err(error) => {
            report.error("missing_file", keys_path, format!("vittnenas nycklar går inte att läsa: {error}"));
            return false;
        }
    };
    let keys: Vec<WitnessKey> = text.lines().filter_map(|line| line.parse().ok()).collect();
    if note::lines(&keys) != text || keys.is_empty() {
        report.error("witness_key", keys_path, "filen har annat än vittnens nycklar");
        return false;
    }
    if lines.len() != keys.len() {
        report.error(
            "cosignature",
            lines_path,
            "vittnenas underskrifter är inte lika många som deras nycklar",
        );
    }
    let mut vouched = false;
    for (line, key) in lines.iter().zip(&keys) {
        match key.verify(&cosigned.text, line) {
            Ok(_) => {
                if options.witnesses.contains(key) {
                    vouched = true;
                    report.cosigned_by.push(key.name().to_owned());
                }
            }
            Err(error) => report.error(
                "cosignature",
                lines_path,
                format!("ett vittnes underskrift gäller inte: den eller kontrollpunkten är ändrad ({error})"),
            ),
        }
    }
    vouched
}

/// What belongs below `anchors/`: the size, and the file's name.
fn place(path: &str) -> Option<(u64, &str)> {
    let (size, name) = path.strip_prefix("anchors/")?.split_once('/')?;
    let size = checkpoint::decimal(size)?;
    let stamp = name.strip_suffix(".tsr").or_else(|| name.strip_suffix(".pem")).is_some_and(|name| {
        name.rsplit_once('-').is_some_and(|(id, time)| {
            !id.is_empty() && !id.contains('/') && time.len() == 16 && time.ends_with('Z')
        })
    });
    (stamp || matches!(name, "checkpoint" | "cosigned" | "witness.vkey")).then_some((size, name))
}

fn is(path: &str, ending: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, there)| there == ending)
}

/// True for a file that may lie below `anchors/`.
pub(super) fn is_known(path: &str) -> bool {
    place(path).is_some()
}

/// Every checkpoint that outsiders vouched for must be one of this log's own past: a log that was written anew does not
/// go with them. True if a witness that was named by its key vouches for one.
pub(super) fn check_folder(
    source: &Source<'_>,
    files: &BTreeSet<String>,
    head: &Head,
    options: &Options<'_>,
    root_at: impl Fn(u64) -> Option<Hash>,
    time_at: impl Fn(u64) -> Option<DateTime<Utc>>,
    report: &mut Report,
) -> bool {
    let sizes: BTreeSet<u64> = files.iter().filter_map(|path| Some(place(path)?.0)).collect();
    let mut vouched = false;
    for size in sizes {
        let folder = format!("anchors/{size}");
        let path = format!("{folder}/checkpoint");
        let inside = files.iter().filter(|path| place(path).is_some_and(|(of, _)| of == size));
        report.checked.files += inside.clone().count() as u64;
        let Ok(Ok(file)) = source.read(&path).map(String::from_utf8) else {
            report.error(
                "missing_file",
                &path,
                "den kontrollpunkt som någon utifrån styrkt går inte att läsa",
            );
            continue;
        };
        let own = Checkpoint::parse(&file).ok().filter(|(checkpoint, note)| {
            checkpoint.size == size
                && checkpoint.origin == head.checkpoint.origin
                && checkpoint::before_cosignatures(&file) == Ok(file.as_str())
                && (head.keys.is_empty() || note.verify(&head.keys).is_ok())
        });
        let Some((checkpoint, _)) = own else {
            report.error("anchor", &path, "kontrollpunkten är skadad, eller inte undertecknad av denna logg");
            continue;
        };
        if size > head.checkpoint.size {
            let message = format!(
                "loggen har {} poster men hade {size} när någon utifrån styrkte den: slutet är borttaget",
                head.checkpoint.size
            );
            report.error("log_shortened", &path, message);
        } else if root_at(size) != Some(checkpoint.root) {
            let message = format!(
                "de första {size} posterna är inte de som fanns när någon utifrån styrkte loggen: den är omskriven"
            );
            report.error("log_rewritten", &path, message);
        }
        let newest = size.checked_sub(1).and_then(&time_at);
        for reply in inside.clone().filter(|path| is(path, "tsr")) {
            let chain = format!("{}.pem", reply.trim_end_matches(".tsr"));
            check_stamp(source, (reply, &chain), &file, newest, options, report);
        }
        for chain in inside.filter(|path| is(path, "pem")) {
            if !files.contains(&format!("{}.tsr", chain.trim_end_matches(".pem"))) {
                report.error("unexpected_file", chain, "certifikaten hör inte till någon tidsstämpel");
            }
        }
        let (lines, witnesses) = (format!("{folder}/cosigned"), format!("{folder}/witness.vkey"));
        match (files.contains(&lines), files.contains(&witnesses)) {
            (false, false) => {}
            (false, true) => report.error("missing_file", &lines, "vittnenas underskrifter fattas"),
            (true, _) => {
                let cosigned = source.read(&lines).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                let note = cosigned
                    .filter(|cosigned| cosigned.starts_with(&file))
                    .and_then(|cosigned| Note::parse(&cosigned).ok());
                match note {
                    Some(note) => {
                        vouched |= check_cosignatures(source, (&lines, &witnesses), &note, options, report);
                    }
                    None => report.error(
                        "cosignature",
                        &lines,
                        "filen är inte kontrollpunkten med vittnens underskrifter",
                    ),
                }
            }
        }
    }
    vouched
}
