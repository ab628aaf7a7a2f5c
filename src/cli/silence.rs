//! `status --mail-if-silent`: a dead daemon is noticed by something that is not the daemon (promise 6).
//!
//! Called by a timer. It goes round the outbox, which only a living daemon empties, and works without a database.

use std::io::Write;

use anyhow::{Context, anyhow};
use chrono::{DateTime, TimeDelta, Utc};

use crate::assemble::{self, Layout};
use crate::config::Config;
use crate::domain::letter::{Body, Foot, Letter, Line, MessageId, Recipient, Trouble};
use crate::durable;
use crate::mail::{Outgoing, Sender, Templates, render};

/// A silence that lasts is told again after this long, not at every turn of the timer.
const AGAIN: TimeDelta = TimeDelta::hours(1);

/// Mails the operator if no pass has finished within `longest`, or if that cannot be found out.
///
/// # Errors
/// When the mail cannot be handed over: the timer's unit then fails, which systemd shows.
pub fn tell(
    config: &Config,
    now: DateTime<Utc>,
    longest: TimeDelta,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let asked = assemble::database(config).and_then(|db| {
        let mut reason = None;
        db.read_now(|reader| {
            reason = Some(super::status::silent(reader, now, longest));
            Ok(())
        })?;
        reason.ok_or_else(|| anyhow!("the database gave no answer"))?.map_err(anyhow::Error::from)
    });
    let told = Layout::new(&config.paths.data).data.join("silence-told");
    let reason = match asked {
        Ok(None) => {
            // Forgotten when it is over, so that the next silence is told at once.
            let _ = std::fs::remove_file(&told);
            return Ok(());
        }
        Ok(Some(reason)) => reason,
        Err(error) => format!("Uppsikts databas kan inte läsas: {error:#}. Kommentarer bevakas inte."),
    };
    writeln!(out, "{reason}")?;
    let last = std::fs::read_to_string(&told)
        .ok()
        .and_then(|text| DateTime::parse_from_rfc3339(text.trim()).ok())
        .map(|last| last.with_timezone(&Utc));
    if last.is_some_and(|last| last <= now && now - last < AGAIN) {
        return Ok(());
    }
    let letter = letter(config, &reason, now)?;
    let rendered = render(&letter, &Templates::built_in()?)?;
    let sender = Sender::new(&format!("Uppsikt, {}", config.organisation.name), &config.mail.from)?;
    let outgoing = Outgoing::new(&letter, &rendered, &sender)?;
    let mailer = assemble::mailer(config)?;
    super::runtime()?.block_on(async {
        let sent = mailer.send(&outgoing).await;
        mailer.finish().await;
        sent
    })?;
    // A data folder that cannot be written may be the very reason for the silence: then it is told every time.
    let _ = durable::write(&told, now.to_rfc3339().as_bytes(), 0o600);
    Ok(())
}

fn letter(config: &Config, reason: &str, now: DateTime<Utc>) -> anyhow::Result<Letter> {
    let id = &config.organisation.operator;
    let person =
        config.roster.person(id).with_context(|| format!("organisation.operator `{id}` is no person"))?;
    let operator = Recipient::new(&person.id, &person.name, &person.email).map_err(|why| anyhow!(why))?;
    Ok(Letter {
        message_id: MessageId::new(&format!("silence-{}", now.format("%Y%m%dT%H%M%S")))
            .map_err(|why| anyhow!(why))?,
        to: operator.clone(),
        created_at: now,
        in_reply_to: None,
        foot: Foot { organisation: Line::new(&config.organisation.name), operator, checkpoint: None },
        body: Body::Technical(Trouble::Other {
            what: Line::new(reason),
            effect: Line::new(
                "Ingenting hämtas, döljs eller påminns om förrän Uppsikt går igen. Fristerna löper ändå.",
            ),
            remedy: Line::new(
                "Se efter på servern: systemctl status uppsikt, journalctl -u uppsikt, och starta om.",
            ),
        }),
    })
}
