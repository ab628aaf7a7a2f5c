//! 2. Stored text → findings, and what follows from them: cases, duties, decided automatisms.

use crate::domain::classify::{Assessment, Input, classify};
use crate::kill::{self, When};
use crate::moves;
use crate::pipeline::App;
use crate::store::comments::StoredComment;
use crate::store::{StoreError, cases, comments};

/// Texts judged in one transaction.
const BATCH: usize = 200;

/// Judges every newest version that has not been judged. Returns how many.
///
/// # Errors
/// The store's.
pub async fn all(app: &App) -> Result<usize, StoreError> {
    let mut done = 0;
    loop {
        let (rules, policies) = (app.rules.clone(), app.policies.clone());
        let config = app.config.clone();
        let batch: Vec<(StoredComment, Assessment)> = app
            .db
            .read(move |reader| {
                let mut batch = Vec::new();
                for id in comments::unjudged(reader, BATCH)? {
                    let stored = comments::get(reader, id)?;
                    let account = &stored.comment.account;
                    let parent = match &stored.parent_id {
                        Some(native) => {
                            let parent = crate::domain::comment::CommentId {
                                account: account.clone(),
                                native: native.clone(),
                            };
                            comments::find(reader, &parent)?.map(|parent| parent.version.text)
                        }
                        None => None,
                    };
                    let post = comments::post(reader, account, &stored.post_id)?;
                    let assessment = classify(
                        &rules,
                        &policies,
                        &Input {
                            text: &stored.version.text,
                            platform: config.account(account).map(|account| account.platform),
                            parent: parent.as_deref(),
                            post: post.as_ref().map(|post| post.text.as_str()),
                            attachments: &stored.version.attachments,
                        },
                    );
                    batch.push((stored, assessment));
                }
                Ok(batch)
            })
            .await?;
        if batch.is_empty() {
            return Ok(done);
        }
        done += batch.len();
        let (config, rules, now) = (app.config.clone(), app.rules.clone(), app.clock.now());
        kill::point_with("assess", When::Before, &batch);
        app.db
            .write(move |tx| {
                for (stored, assessment) in &batch {
                    cases::assess(tx, stored.version.id, assessment, rules.version(), now)?;
                    moves::judged(tx, &config, stored, assessment, now)?;
                }
                Ok(())
            })
            .await?;
        kill::point("assess", When::After);
    }
}
