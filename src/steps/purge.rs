//! What a platform's terms take back: texts that no record preserves go after 48 hours, where the municipality has decided
//! so (`[storage.<service>]`).

use chrono::TimeDelta;

use crate::config::StorageRule;
use crate::domain::calendar;
use crate::pipeline::{App, PassError};
use crate::store::{self, comments};

/// So long a text is kept.
const KEPT: TimeDelta = TimeDelta::hours(48);

/// Between two looks for what must go.
const EVERY: TimeDelta = TimeDelta::hours(1);

/// Under which key of `meta` the last look is noted.
const LAST: &str = "last_purge";

/// Empties what is due. Returns how many texts went.
///
/// # Errors
/// The store's.
pub async fn all(app: &App) -> Result<usize, PassError> {
    let config = &app.config;
    let rules = |account: &&crate::config::Account| {
        let rule = config.storage.get(account.platform.code());
        rule.is_some_and(|storage| storage.rule == StorageRule::PurgeAfter48h)
    };
    let accounts: Vec<_> = config.accounts.iter().filter(rules).map(|account| account.id.clone()).collect();
    if accounts.is_empty() {
        return Ok(0);
    }
    let now = app.clock.now();
    let purged = app
        .db
        .write(move |tx| {
            let last = store::meta(tx, LAST)?.as_deref().map(store::moment).transpose()?;
            if last.is_some_and(|last| last <= now && now < calendar::plus(last, EVERY)) {
                return Ok(0);
            }
            store::set_meta(tx, LAST, &store::stamp(now))?;
            let mut purged = 0;
            for account in &accounts {
                purged += comments::purge(tx, account, now - KEPT)?;
            }
            Ok(purged)
        })
        .await?;
    if purged > 0 {
        tracing::info!(purged, "texts went, as the platform's terms demand and the municipality has decided");
    }
    Ok(purged)
}
