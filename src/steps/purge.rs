//! What a platform's terms take back: texts that no record preserves go where the municipality has decided so.
//!
//! `[storage.<service>]` tells whether they go 48 hours after they were seen, or when the platform says that they are
//! gone. Each emptying is a `note` in the log with the decision's reference; what a record preserves stays whole.

use chrono::TimeDelta;
use serde_json::json;

use crate::archive::fields::Tree;
use crate::config::{Storage, StorageRule};
use crate::domain::calendar;
use crate::domain::comment::Platform;
use crate::pipeline::{App, PassError};
use crate::store::{self, StoreError, comments, log, purges};

/// So long a text is kept under `purge_after_48h`.
const KEPT: TimeDelta = TimeDelta::hours(48);

/// Between two looks for what must go.
const EVERY: TimeDelta = TimeDelta::minutes(15);

/// Under which key of `meta` the last look is noted.
const LAST: &str = "last_purge";

/// Empties what is due. Returns how many texts went.
///
/// # Errors
/// The store's.
pub async fn all(app: &App) -> Result<usize, PassError> {
    let config = &app.config;
    let accounts: Vec<_> = config
        .accounts
        .iter()
        .filter_map(|account| {
            let storage = config.storage.get(account.platform.code())?;
            (storage.rule != StorageRule::Keep)
                .then(|| (account.id.clone(), account.platform, storage.clone()))
        })
        .collect();
    if accounts.is_empty() {
        return Ok(0);
    }
    let now = app.clock.now();
    let (mut salts, mut decoys) = (vec![[0; 16]; accounts.len()], [0; 32]);
    let random = |bytes: &mut [u8]| {
        getrandom::fill(bytes).map_err(|error| PassError::Broken(format!("no randomness: {error}")))
    };
    random(salts.as_flattened_mut())?;
    random(&mut decoys)?;
    let purged = app
        .db
        .write(move |tx| {
            let last = store::meta(tx, LAST)?.as_deref().map(store::moment).transpose()?;
            if last.is_some_and(|last| last <= now && now < calendar::plus(last, EVERY)) {
                return Ok(0);
            }
            store::set_meta(tx, LAST, &store::stamp(now))?;
            let mut purged = 0;
            for ((account, platform, storage), salt) in accounts.iter().zip(salts) {
                let before = (storage.rule == StorageRule::PurgeAfter48h).then(|| now - KEPT);
                let due = comments::to_purge(tx, account, before)?;
                if due.is_empty() {
                    continue;
                }
                let doc = doc(account, *platform, storage, &due);
                // The one field's salt is kept, so that the entry can be opened; the decoys' key is forgotten.
                let tree = Tree::with_salts(&[("/purge".to_owned(), doc.clone(), salt)], &decoys)
                    .map_err(|error| StoreError::Corrupt(format!("purge: {error}")))?;
                let entry = log::append_note(tx, tree.head(), now)?;
                purges::put(tx, entry, account, now, &doc, &salt)?;
                comments::purge(tx, account, &due, entry)?;
                purged += due.len();
            }
            Ok(purged)
        })
        .await?;
    if purged > 0 {
        tracing::info!(purged, "texts went, as the platform's terms demand and the municipality has decided");
    }
    Ok(purged)
}

/// What the log's entry commits to. No text stands in it, and no name.
fn doc(account: &str, platform: Platform, storage: &Storage, due: &[comments::Purged]) -> serde_json::Value {
    json!({
        "account": account,
        "platform": platform.code(),
        "rule": storage.rule.code(),
        "decided": {
            "by": storage.decided.by, "on": storage.decided.on.to_string(), "dnr": storage.decided.dnr,
        },
        "versions": due.iter().map(|gone| json!({
            "version": gone.version, "received": gone.received, "digest": gone.digest,
        })).collect::<Vec<_>>(),
    })
}
