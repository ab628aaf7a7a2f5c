//! A witness's cosignature of the newest checkpoint (c2sp.org/tlog-witness).

use super::stamp::short;
use super::{Head, Trouble};
use crate::archive::ArchiveError;
use crate::archive::checkpoint::decimal;
use crate::archive::note::Note;
use crate::archive::witness::{AddCheckpoint, LONGEST};
use crate::config::Witness;
use crate::connector::http::{Outside, Question, Reply};
use crate::pipeline::{App, PassError};
use crate::store::anchors::Cosignature;

/// Asks from the size that the witness is believed to know, and once more from the one that it says it knows.
pub(super) async fn ask(
    app: &App,
    head: &Head,
    one: &Witness,
    old: u64,
    outside: &Outside,
) -> Result<Result<Cosignature, Trouble>, PassError> {
    let reply = match once(app, head, one, old, outside).await? {
        Ok(reply) if reply.status == 409 => reply,
        Ok(reply) => return Ok(judged(app, head, one, &reply)),
        Err(away) => return Ok(Err(Trouble::Away(away))),
    };
    let known = std::str::from_utf8(&reply.body).ok().and_then(|text| decimal(text.trim_end_matches('\n')));
    Ok(match known {
        None => Err(Trouble::Lie("it says that it knows another size of the log, but not which".to_owned())),
        Some(size) if size > head.size => Err(Trouble::Lie(format!(
            "it has seen {size} entries of this log, and there are {}: the log was cut off or replaced, or another \
             log is signed with its key",
            head.size
        ))),
        Some(size) if size == old => {
            Err(Trouble::Lie("it refuses the size that it says it knows".to_owned()))
        }
        Some(size) => match once(app, head, one, size, outside).await? {
            Ok(reply) => judged(app, head, one, &reply),
            Err(away) => Err(Trouble::Away(away)),
        },
    })
}

async fn once(
    app: &App,
    head: &Head,
    one: &Witness,
    old: u64,
    outside: &Outside,
) -> Result<Result<Reply, String>, PassError> {
    let (vault, size) = (app.vault.clone(), head.size);
    let proof = if old == 0 || old == size {
        Vec::new()
    } else {
        tokio::task::spawn_blocking(move || vault.tiles().consistency(old, size))
            .await
            .map_err(|error| PassError::Broken(crate::panics::ended(&error).to_owned()))?
            .map_err(ArchiveError::from)?
    };
    let text = AddCheckpoint { old, proof, checkpoint: head.text.clone() }.text();
    Ok(outside.ask(&one.url, Question::Cosign(&text), LONGEST).await)
}

/// What an answer other than "another size" is worth.
fn judged(app: &App, head: &Head, one: &Witness, reply: &Reply) -> Result<Cosignature, Trouble> {
    match reply.status {
        200 => {}
        403 => {
            return Err(Trouble::Away(
                "it does not accept the log's signature: give it the key of archive/log.vkey".to_owned(),
            ));
        }
        404 => {
            return Err(Trouble::Away(
                "it does not watch this log, or the address is another: give it the key of archive/log.vkey"
                    .to_owned(),
            ));
        }
        409 | 422 => {
            return Err(Trouble::Lie(
                "it says that the log did not only grow since it saw it: the log was rewritten, or another log is \
                 signed with its key"
                    .to_owned(),
            ));
        }
        status => {
            let kind = reply.kind.as_deref().unwrap_or_default();
            return Err(Trouble::Away(format!("HTTP {status} with `{}`, no cosignature", short(kind))));
        }
    }
    let untrue = |why: &str| Trouble::Lie(why.to_owned());
    let (text, _) = head.text.split_once("\n\n").unwrap_or((&head.text, ""));
    let text = format!("{text}\n");
    let lines = std::str::from_utf8(&reply.body)
        .ok()
        .and_then(|lines| Note::parse(&format!("{text}\n{lines}")).ok())
        .ok_or_else(|| untrue("what it answered is no cosignature"))?;
    let line = lines.signatures.iter().find(|line| one.key.is_of(line)).ok_or_else(|| {
        untrue("what it answered is not signed with the key that stands in the configuration")
    })?;
    let at = one.key.verify(&text, line).map_err(|_| untrue("its cosignature is of another checkpoint"))?;
    Ok(Cosignature {
        size: head.size,
        checkpoint: head.text.clone(),
        witness: one.id.clone(),
        vkey: one.key.to_string(),
        line: line.to_string(),
        at,
        received: app.clock.now(),
    })
}
