//! Fetches what a person has allowed, so that it is in the record before the act (N6).

use chrono::TimeDelta;

use crate::config::Account;
use crate::connector::{Connector, ConnectorError, Fetched, Sighting};
use crate::domain::media::ending;
use crate::moves;
use crate::pipeline::App;
use crate::store::media::{self, Capture, Review};
use crate::store::{StoreError, comments};

/// The most bytes of one picture or film.
const LARGEST: usize = 32 * 1024 * 1024;

/// The most attachments of one comment.
const MOST: usize = 20;

/// How long after each failed attempt the next comes; a hide waits for no more than the sum.
const AGAIN: [TimeDelta; 4] =
    [TimeDelta::seconds(30), TimeDelta::minutes(1), TimeDelta::minutes(3), TimeDelta::minutes(5)];

/// Fetches what is due in `account`. Returns how many questions were settled.
///
/// # Errors
/// The store's.
pub async fn account(app: &App, account: &Account) -> Result<usize, StoreError> {
    let Some(connector) = app.connectors.get(&account.id) else { return Ok(0) };
    let (id, now) = (account.id.clone(), app.clock.now());
    let due = app.db.read(move |reader| media::due(reader, &id, now)).await?;
    let mut done = 0;
    for review in due {
        done += usize::from(one(app, connector.as_ref(), &review).await?);
    }
    Ok(done)
}

/// What came of one attempt.
enum Taken {
    /// All that could be had, and why the rest could not.
    Some(Vec<Capture>, Vec<String>),
    /// Nothing yet.
    Later(ConnectorError),
}

async fn one(app: &App, connector: &dyn Connector, review: &Review) -> Result<bool, StoreError> {
    let version = review.version;
    let (comment, target) = app
        .db
        .read(move |reader| {
            let comment = media::comment_of(reader, version)?;
            Ok((comment, comments::get(reader, comment)?.target()))
        })
        .await?;
    let taken = match connector.look(&target).await {
        Err(error) => Taken::Later(error),
        Ok(look) if look.sighting == Sighting::Gone => {
            Taken::Some(Vec::new(), vec!["kommentaren finns inte längre på plattformen".to_owned()])
        }
        Ok(look) => {
            let media = look.seen.map(|seen| seen.media).unwrap_or_default();
            fetch(app, connector, &media).await
        }
    };
    let (id, attempts, now) = (review.id, review.attempts, app.clock.now());
    let wait = usize::try_from(attempts).ok().and_then(|done| AGAIN.get(done));
    let (captures, missing) = match (taken, wait) {
        (Taken::Some(captures, missing), _) => (captures, missing),
        (Taken::Later(error), Some(wait)) => {
            tracing::warn!(%error, review = id, "what a person allowed could not be fetched; tried again");
            app.db.write(move |tx| media::put_off(tx, id, now + *wait)).await?;
            return Ok(false);
        }
        (Taken::Later(error), None) => {
            (Vec::new(), vec![format!("plattformen gav den inte på fem försök: {error}")])
        }
    };
    app.db.write(move |tx| moves::media_taken(tx, id, comment, &captures, &missing, now)).await?;
    Ok(true)
}

async fn fetch(app: &App, connector: &dyn Connector, found: &[crate::domain::comment::Media]) -> Taken {
    let (mut captures, mut missing) = (Vec::new(), Vec::new());
    if found.is_empty() {
        missing.push("plattformen ger ingen adress till den".to_owned());
    }
    if found.len() > MOST {
        missing.push(format!("{} bilagor utöver de {MOST} första", found.len() - MOST));
    }
    for one in found.iter().take(MOST) {
        match connector.media(one, LARGEST).await {
            Ok(fetched) => match capture(fetched, app.clock.now()) {
                Ok(capture) => captures.push(capture),
                Err(why) => missing.push(why),
            },
            Err(error @ (ConnectorError::RateLimited(_) | ConnectorError::Unavailable(_))) => {
                return Taken::Later(error);
            }
            Err(error) => missing.push(error.to_string()),
        }
    }
    Taken::Some(captures, missing)
}

fn capture(fetched: Fetched, now: chrono::DateTime<chrono::Utc>) -> Result<Capture, String> {
    let Some(ending) = ending(&fetched.bytes, fetched.kind.as_deref()) else {
        return Err("servern svarade med något annat än en bild, film eller ett ljud".to_owned());
    };
    let sha256 = crate::archive::sha256_hex(&fetched.bytes);
    Ok(Capture {
        path: format!("media/{}.{ending}", &sha256[..16]),
        sha256,
        kind: fetched.kind.unwrap_or_default(),
        source: "fetched",
        url: fetched.url,
        at: now,
        bytes: fetched.bytes,
    })
}
