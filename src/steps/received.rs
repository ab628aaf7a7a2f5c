//! 6. A day of stored versions → one `received` entry an account: completeness is provable at one entry a day.

use std::collections::BTreeMap;

use crate::archive::fields::Tree;
use crate::domain::calendar;
use crate::pipeline::{App, PassError};
use crate::store::{StoreError, comments, log};

/// Commits every day before today (Stockholm) that holds versions no entry commits to. Returns the number of entries.
///
/// Each version has a stored random salt of its own, deleted with the version; the decoys come from a key that is
/// forgotten at once, since nobody ever opens them.
///
/// # Errors
/// The store's.
pub async fn days(app: &App) -> Result<usize, PassError> {
    let now = app.clock.now();
    let today = calendar::local_date(now);
    let midnight = calendar::to_utc(today.and_time(chrono::NaiveTime::MIN));
    let waiting = app.db.read(move |reader| comments::unreceived(reader, midnight)).await?;
    let mut days: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for version in waiting {
        let day = calendar::local_date(version.seen_at);
        days.entry((day, version.account.clone())).or_default().push(version);
    }
    let count = days.len();
    for versions in days.into_values() {
        let mut decoys = [0; 32];
        getrandom::fill(&mut decoys).map_err(|error| PassError::Broken(format!("no randomness: {error}")))?;
        app.db
            .write(move |tx| {
                let mut fields = Vec::with_capacity(versions.len());
                for version in &versions {
                    let value = serde_json::json!({
                        "element_sha256": crate::archive::sha256_hex(&comments::element(tx, version.id)?),
                        "text_sha256": crate::archive::sha256_hex(version.text.as_bytes()),
                        "seen_at": version.seen_at,
                    });
                    fields.push((format!("/versions/{}", version.id), value, version.salt));
                }
                let tree = Tree::with_salts(&fields, &decoys)
                    .map_err(|error| StoreError::Corrupt(format!("received: {error}")))?;
                let entry = log::append_received(tx, tree.head(), now)?;
                comments::received(tx, &versions, entry)
            })
            .await?;
    }
    Ok(count)
}
