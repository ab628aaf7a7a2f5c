//! A time-stamp of the newest checkpoint (RFC 3161).

use super::{Head, Trouble};
use crate::archive::timestamp::{self, Authorities, LONGEST, REPLY, TimestampError, Token};
use crate::config::Authority;
use crate::connector::http::{Outside, Question};
use crate::pipeline::App;
use crate::store::anchors::Stamp;

/// Asks, and believes nothing of the answer that is not proven.
pub(super) async fn ask(
    app: &App,
    head: &Head,
    one: &Authority,
    outside: &Outside,
) -> Result<Box<Stamp>, Trouble> {
    let away = |why: String| Trouble::Away(why);
    let pem = std::fs::read(&one.ca_file)
        .map_err(|error| away(format!("{} cannot be read: {error}", one.ca_file.display())))?;
    let authorities =
        Authorities::from_pem(&pem).map_err(|error| away(format!("{}: {error}", one.ca_file.display())))?;
    let nonce = timestamp::nonce().map_err(|error| away(format!("no randomness: {error}")))?;
    let query = timestamp::request(head.text.as_bytes(), nonce);
    let reply = outside.ask(&one.url, Question::Stamp(&query), LONGEST).await.map_err(Trouble::Away)?;
    let kind = reply.kind.as_deref().unwrap_or_default();
    // A proxy's or a portal's page is no lie of the authority.
    if reply.status != 200 || !kind.to_ascii_lowercase().starts_with(REPLY) {
        return Err(away(format!("HTTP {} with `{}`, no time-stamp", reply.status, short(kind))));
    }
    let lie = |error: TimestampError| match error {
        TimestampError::Refused { .. } => Trouble::Away(error.to_string()),
        other => Trouble::Lie(other.to_string()),
    };
    let token = Token::parse(&reply.body).map_err(lie)?;
    token.answers(nonce).map_err(lie)?;
    let verified = token.verify(head.text.as_bytes(), &authorities).map_err(lie)?;
    Ok(Box::new(Stamp {
        size: head.size,
        checkpoint: head.text.clone(),
        authority: one.id.clone(),
        chain: token.chain(&authorities),
        at: verified.at,
        expires: verified.expires,
        received: app.clock.now(),
        reply: reply.body,
    }))
}

/// A stranger's words on one short line.
pub(super) fn short(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(80).collect()
}
