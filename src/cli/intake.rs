//! `uppsikt intake`: an utterance that a person found by hand, or that a visitor told of (R10, R11).
//!
//! It gets the same trail as one that a platform gave: case, judgement, evidence, diary number, decision, export. Only the
//! act itself is done by hand, on the platform. That is also how services are covered that no program may read: Snapchat,
//! Reddit, groups, direct messages.

use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Outcome, args};
use crate::assemble;
use crate::clock::Clock;
use crate::config::{Account, BoardKind, Config};
use crate::domain::calendar;
use crate::domain::category::DecisionRef;
use crate::domain::comment::{Author, CommentId, Kind, Seen, Visibility};
use crate::moves::{self, About};
use crate::store::intake::Intake;
use crate::store::{self, StoreError, cases, comments};

/// The longest text.
const TEXT: u64 = 256 * 1024;

/// The largest file of a screenshot.
const FILE: u64 = 4 * 1024 * 1024;

/// The most screenshots of one utterance.
const FILES: usize = 6;

/// Records an utterance; the next pass judges and preserves it.
///
/// # Errors
/// What is missing or wrong, or the decision that forbids the service; nothing is then written.
pub fn run(
    config: &Config,
    asked: &args::Intake,
    input: &mut dyn Read,
    out: &mut dyn Write,
) -> anyhow::Result<Outcome> {
    let account = account(config, asked)?;
    let platform = platform(&asked.platform)?;
    if let (Some(decision), false) = (denied(config, account, &platform), asked.tip) {
        bail!(
            "{platform} is forbidden by decision of {}, {}, {}: nobody employed looks there; only a visitor's tip is taken \
             in (--tip)",
            decision.by,
            decision.on,
            decision.dnr
        );
    }
    let now = Clock::System.now();
    if let Some(person) = &asked.found_by
        && !config.roster.in_service(person, calendar::local_date(now))
    {
        bail!("`{person}` is nobody in service here");
    }
    let at = asked.at.unwrap_or(now);
    if at > now {
        bail!("--at {at} is in the future");
    }
    let text = text(asked, input)?;
    let link = asked.link.as_deref().map(link).transpose()?;
    let screenshots =
        asked.screenshot.iter().map(|file| screenshot(file)).collect::<anyhow::Result<Vec<_>>>()?;
    if screenshots.len() > FILES {
        bail!("{} screenshots; at most {FILES}", screenshots.len());
    }
    if text.is_empty() && screenshots.is_empty() {
        bail!("there is neither a text nor a screenshot");
    }
    let os_user = super::os_user();
    // Exactly what a person gave, with the files whole: it goes into the evidence as it stands.
    let element = json!({
        "uppsikt_intake": 1,
        "platform": platform,
        "link": link,
        "author": asked.author,
        "text": text,
        "found_by": asked.found_by,
        "tip": asked.tip,
        "at": at,
        "entered_by": os_user,
        "entered_at": now,
        "screenshots": screenshots,
    });
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| anyhow!("no randomness: {error}"))?;
    let seen = Seen {
        native_id: format!("intake:{platform}:{}", hex::encode(random)),
        post_id: format!("intake:{platform}"),
        parent_id: None,
        author: Author { id: None, name: asked.author.clone() },
        created_at: at,
        text,
        permalink: link,
        attachments: Vec::new(),
        kind: if platform == "message" { Kind::Message } else { Kind::Comment },
        media: Vec::new(),
        ours: false,
        visibility: Visibility::Unknown,
        element: element.to_string().into_bytes(),
    };
    let found_by = asked.found_by.clone();
    let (config, account) = (config.clone(), account.id.clone());
    let case = assemble::database(&config)?.write_now(move |tx| {
        let id = CommentId { account: account.clone(), native: seen.native_id.clone() };
        comments::take_in(tx, &account, &seen, now)?;
        let stored = comments::find(tx, &id)?
            .ok_or_else(|| StoreError::Corrupt("what was just stored is not there".to_owned()))?;
        let case = cases::open(tx, stored.id, now)?;
        let note = match &found_by {
            Some(person) => {
                format!("Hittad för hand på {platform} av {person}. Åtgärden görs för hand på plattformen.")
            }
            None => format!("Tips från en besökare om {platform}. Åtgärden görs för hand på plattformen."),
        };
        store::intake::add(tx, &Intake { comment: stored.id, platform, found_by, at, os_user })?;
        let about = About {
            kind: "prompt_review",
            case: Some(case.id),
            account: &account,
            trigger_at: at,
            found_at: now,
            note: Some(note),
        };
        moves::begin(tx, &config, &about)?;
        Ok(case.id)
    })?;
    if asked.json {
        writeln!(out, "{}", json!({ "case": case.to_string(), "at": at }))?;
    } else {
        writeln!(out, "{case}: recorded; judged and preserved at the next pass, told at once")?;
    }
    Ok(Outcome::Done)
}

/// The account named, else the first of the board's: its people are told and decide.
fn account<'a>(config: &'a Config, asked: &args::Intake) -> anyhow::Result<&'a Account> {
    match (&asked.account, &asked.board) {
        (Some(id), _) => config.account(id).ok_or_else(|| anyhow!("there is no account `{id}`")),
        (None, Some(board)) => {
            config.board(board).ok_or_else(|| anyhow!("there is no board `{board}`"))?;
            let of_board = config.accounts.iter().find(|account| account.board == *board);
            of_board.ok_or_else(|| anyhow!("board `{board}` has no account whose people could be told"))
        }
        (None, None) => bail!("name --account or --board: whose matter it is"),
    }
}

/// One word, as it stands in ids.
fn platform(word: &str) -> anyhow::Result<String> {
    let word = word.trim().to_lowercase();
    let fine = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    if word.is_empty() || word.chars().count() > 40 || !word.chars().all(fine) {
        bail!("`{word}` is no word for a service, such as snapchat, reddit, facebook-group, message");
    }
    Ok(word)
}

/// The decision that forbids the service to the board or company behind the account (R8, R9).
fn denied<'a>(config: &'a Config, account: &Account, platform: &str) -> Option<&'a DecisionRef> {
    match config.board(&account.board) {
        Some(board) if board.kind == BoardKind::Company => board.denied.get(platform),
        _ => config.denied.get(platform),
    }
}

fn text(asked: &args::Intake, input: &mut dyn Read) -> anyhow::Result<String> {
    let mut text = String::new();
    match &asked.text {
        Some(given) => text.clone_from(given),
        // A screenshot alone is enough: nobody has to close standard input for it.
        None if !asked.screenshot.is_empty() => {}
        None => {
            input
                .take(TEXT + 1)
                .read_to_string(&mut text)
                .context("standard input cannot be read as text")?;
        }
    }
    if text.len() as u64 > TEXT {
        bail!("the text is longer than {TEXT} bytes");
    }
    Ok(text.trim().to_owned())
}

fn link(text: &str) -> anyhow::Result<String> {
    let url = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.map(|_| text.to_owned()).ok_or_else(|| anyhow!("--link `{text}` is no web address"))
}

/// A screenshot, whole, with its digest.
fn screenshot(path: &Path) -> anyhow::Result<Value> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
    file.take(FILE + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    if bytes.len() as u64 > FILE {
        bail!("{} is larger than {} MiB", path.display(), FILE / (1024 * 1024));
    }
    let kind = match bytes.as_slice() {
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        [b'%', b'P', b'D', b'F', ..] => "application/pdf",
        _ => bail!("{} is neither PNG, JPEG, WebP nor PDF", path.display()),
    };
    Ok(json!({
        "name": path.file_name().map(|name| name.to_string_lossy()),
        "type": kind,
        "size": bytes.len(),
        "sha256": hex::encode(Sha256::digest(&bytes)),
        "base64": BASE64_STANDARD.encode(&bytes),
    }))
}
