//! Own posts that a sweep did not list any more: looked at one by one, and dated when they are gone (N26).

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::Account;
use crate::connector::{Connector, ConnectorError, Sighting};
use crate::domain::calendar;
use crate::pipeline::App;
use crate::store::{StoreError, posts};

/// Posts looked at in one poll; the rest wait for the next.
const MOST: u32 = 10;

/// A post that was found there and is still not listed is looked at again after this time.
const AGAIN: TimeDelta = TimeDelta::days(7);

/// What the looks told.
#[derive(Debug, Default)]
pub(super) struct Gone {
    /// Comments under posts that are gone: each is looked at once more.
    pub(super) comments: Vec<i64>,
    /// Why a look told nothing; the next poll asks again.
    pub(super) failure: Option<ConnectorError>,
}

/// Looks at the posts that the finished sweep begun at `sweep` should have listed and did not. Nothing but the platform's
/// own word for this one post makes it a deleted one.
pub(super) async fn look(
    app: &App,
    account: &Account,
    connector: &dyn Connector,
    sweep: DateTime<Utc>,
) -> Result<Gone, StoreError> {
    let mut gone = Gone::default();
    let again = calendar::plus(sweep, -AGAIN);
    let id = account.id.clone();
    let unlisted = app.db.read(move |reader| posts::unlisted(reader, &id, sweep, again, MOST)).await?;
    for post in unlisted {
        let sighting = match connector.look_at_post(&post).await {
            Ok(sighting) => sighting,
            Err(error) => {
                gone.failure = Some(error);
                break;
            }
        };
        let (id, now) = (account.id.clone(), app.clock.now());
        let under = app
            .db
            .write(move |tx| {
                posts::looked(tx, &id, &post, now)?;
                if sighting != Sighting::Gone {
                    return Ok(Vec::new());
                }
                posts::set_gone(tx, &id, &post, now)?;
                posts::comments(tx, &id, &post)
            })
            .await?;
        gone.comments.extend(under);
    }
    Ok(gone)
}
