//! `media`: what a person saw in the picture, film or sound beside a comment.

use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, bail};

use super::Outcome;
use super::args::Media;
use crate::domain::media::{MediaAnswer, ending};
use crate::store::media::Capture;
use crate::{archive, assemble, moves, store};

/// The largest picture of a screen, in bytes.
const LARGEST: u64 = 32 * 1024 * 1024;

/// Records the answer; what may be fetched is fetched at the next pass.
///
/// # Errors
/// When the case, the person or the right is missing, or somebody has answered; nothing is then written.
pub fn run(config: &crate::config::Config, asked: &Media, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    if asked.screenshot.is_some() && asked.answer != MediaAnswer::Unavailable {
        bail!(
            "--screenshot goes with --answer unavailable: what is fetched needs none, and child abuse material is never kept"
        );
    }
    let db = assemble::database(config)?;
    let now = db.read_now(super::decide::now)?;
    let upload = asked.screenshot.as_deref().map(|path| picture(path, now)).transpose()?;
    let (config, asked, os_user) = (config.clone(), asked.clone(), super::os_user());
    let answer = asked.answer;
    let id = db.write_now(move |tx| {
        let case = store::cases::named(tx, &asked.case)?;
        let looked = moves::Looked {
            case: case.id,
            person: &asked.by,
            os_user: &os_user,
            answer,
            reason: &asked.reason,
            upload: upload.as_ref(),
            at: now,
        };
        moves::looked(tx, &config, &looked)?;
        Ok(case.id)
    })?;
    writeln!(out, "{id}: {answer} recorded, done at the next pass")?;
    if answer == MediaAnswer::ChildAbuse {
        writeln!(
            out,
            "call the police now, 114 14 (112 if a child is in danger); give the link, never the picture"
        )?;
    }
    Ok(Outcome::Done)
}

fn picture(path: &Path, now: chrono::DateTime<chrono::Utc>) -> anyhow::Result<Capture> {
    let file = std::fs::File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    if bytes.len() as u64 > LARGEST {
        bail!("{} is larger than {LARGEST} bytes; take a smaller picture", path.display());
    }
    let Some(ending) = ending(&bytes, None) else {
        bail!(
            "{} is no picture that is known by its first bytes (JPEG, PNG, GIF, WebP, HEIC, MP4 …)",
            path.display()
        );
    };
    let sha256 = archive::sha256_hex(&bytes);
    Ok(Capture {
        path: format!("media/{}.{ending}", &sha256[..16]),
        sha256,
        kind: ending.to_owned(),
        source: "uploaded",
        url: String::new(),
        at: now,
        bytes,
    })
}
