//! 2. Stored text → findings, and what follows from them: cases, duties, decided automatisms.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::config::Config;
use crate::domain::classify::wave::{ALIKE, Runs, Sketch};
use crate::domain::classify::{Assessment, Policies, RuleSet, Wave, classify};
use crate::kill::{self, When};
use crate::moves;
use crate::pipeline::App;
use crate::store::comments::StoredComment;
use crate::store::waves::{self, Twin};
use crate::store::{Reader, StoreError, cases, comments, judgements, rule_sets};

/// Texts judged in one transaction.
const BATCH: usize = 200;

/// So many other texts are named in one judgement.
const MOST_NAMED: usize = 50;

/// One text that has been judged, to be stored.
#[derive(Debug)]
struct Done {
    stored: StoredComment,
    assessment: Assessment,
    sketch: Option<Sketch>,
}

/// Judges every newest version that has not been judged. Returns how many.
///
/// # Errors
/// The store's.
pub async fn all(app: &App) -> Result<usize, StoreError> {
    let mut done = 0;
    loop {
        let (rules, policies, now) = (app.rules.clone(), app.policies.clone(), app.clock.now());
        let config = app.config.clone();
        let batch = app
            .db
            .read(move |reader| {
                let mut judge = Judge { reader, config, rules, policies, now, new: Vec::new() };
                let ids = comments::unjudged(reader, BATCH)?;
                ids.into_iter().map(|id| judge.judge(id)).collect::<Result<Vec<Done>, StoreError>>()
            })
            .await?;
        if batch.is_empty() {
            return Ok(done);
        }
        done += batch.len();
        let (config, rules, policies) = (app.config.clone(), app.rules.clone(), app.policies.clone());
        kill::point_with("assess", When::Before, &batch);
        app.db
            .write(move |tx| {
                // What judges is kept before what it says: no judgement is without its rules.
                rule_sets::keep(tx, &rules, now)?;
                let basis = rule_sets::basis(tx, rules.version(), &config.profile, &policies, now)?;
                waves::forget(tx, now)?;
                for one in &batch {
                    let version = one.stored.version.id;
                    cases::assess(tx, version, &one.assessment, rules.version(), now)?;
                    rule_sets::rests_on(tx, version, basis)?;
                    if let Some(sketch) = &one.sketch {
                        waves::remember(tx, version, sketch, one.stored.version.seen_at)?;
                    }
                    moves::judged(tx, &config, &one.stored, &one.assessment, now)?;
                }
                Ok(())
            })
            .await?;
        kill::point("assess", When::After);
    }
}

/// Judges one text after the other, and remembers those of the same batch, which the store does not know yet.
struct Judge<'a> {
    reader: &'a Reader,
    config: Arc<Config>,
    rules: Arc<RuleSet>,
    policies: Arc<Policies>,
    now: DateTime<Utc>,
    new: Vec<(Twin, Runs)>,
}

impl Judge<'_> {
    fn judge(&mut self, id: i64) -> Result<Done, StoreError> {
        let stored = comments::get(self.reader, id)?;
        let above = judgements::above(self.reader, &stored, self.now)?;
        let thread = above.thread();
        let (wave, sketch) = self.wave(&stored)?;
        let platform = self.config.account(&stored.comment.account).map(|account| account.platform);
        let (text, attachments) = (&stored.version.text, &stored.version.attachments);
        let input = above.input(text, platform, &thread, wave.as_ref(), attachments);
        let assessment = classify(&self.rules, &self.policies, &input);
        Ok(Done { stored, assessment, sketch })
    }

    /// The other comments that say nearly the same, and what is kept of the text to find it again.
    fn wave(&mut self, stored: &StoredComment) -> Result<(Option<Wave>, Option<Sketch>), StoreError> {
        // What stood there before the watch began, and what the municipality says itself, is no wave.
        let counts = !stored.old && !stored.ours && !stored.version.media;
        let Some(runs) = counts.then(|| Runs::of(&stored.version.text)).flatten() else {
            return Ok((None, None));
        };
        let sketch = runs.sketch();
        let at = stored.version.seen_at;
        let mut twins = waves::alike(self.reader, stored.id, &runs, &sketch, at)?;
        let near = self
            .new
            .iter()
            .filter(|(twin, other)| twin.comment != stored.id && runs.likeness(other) >= ALIKE);
        twins.extend(near.map(|(twin, _)| twin.clone()));
        let own = Twin {
            version: stored.version.id,
            comment: stored.id,
            account: stored.comment.account.clone(),
            author: stored.author.id.clone().or_else(|| stored.author.name.clone()),
        };
        let every = || twins.iter().chain(std::iter::once(&own));
        // On different accounts the same id is another person.
        let authors: BTreeSet<_> = every().map(|twin| (&twin.account, &twin.author)).collect();
        let accounts: BTreeSet<_> = every().map(|twin| &twin.account).collect();
        let wave = Wave {
            texts: twins.len() + 1,
            authors: authors.len(),
            accounts: accounts.len(),
            with: twins.iter().rev().take(MOST_NAMED).map(|twin| twin.version).collect(),
        };
        self.new.push((own, runs));
        Ok((Some(wave), Some(sketch)))
    }
}
