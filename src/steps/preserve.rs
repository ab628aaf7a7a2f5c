//! 3. Flagged or decided → single look, keys, pack, read back, `snapshot` entry (DESIGN §3, steps 3–6).

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::archive::entry::RecordId;
use crate::archive::exchange;
use crate::archive::fields::Tree;
use crate::archive::pack::{self, PackContent};
use crate::config::{Account, Config};
use crate::connector::{Look, Sighting};
use crate::domain::case::CaseId;
use crate::domain::category::Proposal;
use crate::kill::{self, When};
use crate::moves;
use crate::pipeline::{App, PassError};
use crate::store::media::Capture;
use crate::store::records::{self, Record};
use crate::store::{self, StoreError, cases, comments, log, media};

/// Records that share a transaction; one where somebody may be in danger never waits for the others.
const BATCH: usize = 64;

/// So long one account takes looks in one round; the rest wait for the next, and so does nobody else.
const LONGEST: Duration = Duration::from_mins(1);

/// Preserves what is flagged or decided in `account` and is not yet preserved. Returns how many records were sealed.
///
/// # Errors
/// The store's, the archive's, the key table's.
pub async fn account(app: &App, account: &Account) -> Result<usize, PassError> {
    // Begun before the process died, perhaps of a version that is no longer the newest.
    let id = account.id.clone();
    let mut done = seal(app, app.db.read(move |reader| records::sealing(reader, &id)).await?).await?;
    let mut tried = Vec::new();
    let began = Instant::now();
    loop {
        let (id, purges) = (account.id.clone(), moves::purges(&app.config, &account.id));
        let waiting = app.db.read(move |reader| cases::unpreserved(reader, &id, 4 * BATCH, purges)).await?;
        let fresh: Vec<_> = waiting.into_iter().filter(|case| !tried.contains(case)).take(BATCH).collect();
        if fresh.is_empty() || began.elapsed() >= LONGEST {
            return Ok(done);
        }
        tried.extend(fresh.iter().copied());
        let mut batch = Vec::new();
        for case in fresh {
            if began.elapsed() >= LONGEST {
                break;
            }
            if let Some((record, urgent)) = begin(app, account, case).await? {
                batch.push(record);
                if urgent {
                    done += seal(app, std::mem::take(&mut batch)).await?;
                }
            }
        }
        done += seal(app, batch).await?;
    }
}

/// Takes the single look and fixes everything the pack is made of. `None`: another text was found, which is judged
/// first, or the platform did not answer.
async fn begin(app: &App, account: &Account, case: CaseId) -> Result<Option<(Record, bool)>, PassError> {
    let (stored, begun, urgent, by_hand) = app
        .db
        .read(move |reader| {
            let case = cases::get(reader, case)?;
            let stored = comments::get(reader, case.comment)?;
            let judged = cases::assessment(reader, stored.version.id)?;
            let urgent = judged.is_none_or(|judged| judged.assessment.proposal == Proposal::Escalate)
                || case.state == crate::domain::case::CaseState::Hiding;
            let by_hand = store::intake::of(reader, stored.id)?.is_some();
            Ok((stored.clone(), records::of_version(reader, stored.version.id)?, urgent, by_hand))
        })
        .await?;
    if let Some(record) = begun {
        // Begun before the process died: the look stands, and the rest is made from it again.
        return Ok(Some((record, urgent)));
    }
    // What a person took in is on no platform that could be asked: its element is the evidence.
    let look = match app.connectors.get(&account.id).filter(|_| !by_hand) {
        None => None,
        Some(connector) => match connector.look(&stored.target()).await {
            Ok(look) => {
                app.compare_clocks(&account.id, look.date);
                Some(look)
            }
            Err(error) => {
                tracing::warn!(%case, %error, "the single look failed; the next pass tries again");
                return Ok(None);
            }
        },
    };
    let now = app.clock.now();
    if let Some(look) = &look {
        let (config, comment, look) = (app.config.clone(), stored.id, look.clone());
        let newer = app
            .db
            .write(move |tx| {
                let before = comments::get(tx, comment)?.version.id;
                super::poll::note_look(tx, &config, comment, (&look, false), now)?;
                Ok(comments::get(tx, comment)?.version.id != before)
            })
            .await?;
        if newer {
            return Ok(None);
        }
    }
    let id = RecordId::random().map_err(|error| PassError::Broken(format!("no randomness: {error}")))?;
    let mut nonce = [0; pack::NONCE];
    getrandom::fill(&mut nonce).map_err(|error| PassError::Broken(format!("no randomness: {error}")))?;
    kill::point("keys", When::Before);
    // The key is committed first: a key without a record is harmless, a record without a key would be lost.
    app.make_record_key(id)?;
    let config = app.config.clone();
    let account = account.clone();
    let record = app
        .db
        .write(move |tx| {
            let (look_bytes, single, url) = match &look {
                Some(Look { answer: Some(answer), url, .. }) => (answer.clone(), true, url.clone()),
                other => (
                    comments::element(tx, stored.version.id)?,
                    false,
                    other.as_ref().map(|look| look.url.clone()).unwrap_or_default(),
                ),
            };
            let sighting = look
                .as_ref()
                .map(|look| look.sighting)
                .filter(|seen| seen.tells())
                .unwrap_or(stored.sighting);
            let doc = snapshot_doc(
                tx,
                &config,
                &account,
                case,
                &stored,
                &Taken { sighting, single, url: &url, at: now, id },
            )?;
            let record = Record {
                id: id.to_string(),
                version: stored.version.id,
                comment: stored.id,
                case,
                look: look_bytes,
                single,
                exchange: look
                    .and_then(|look| look.exchange)
                    .filter(|_| single)
                    .map(|told| told.text().into()),
                look_url: url,
                look_at: now,
                sighting,
                doc: doc.to_string(),
                nonce,
                pack_digest: None,
            };
            records::begin(tx, &record)?;
            Ok(record)
        })
        .await?;
    kill::point("keys", When::After);
    Ok(Some((record, urgent)))
}

/// How and when the evidence was taken.
struct Taken<'a> {
    sighting: Sighting,
    single: bool,
    url: &'a str,
    at: DateTime<Utc>,
    id: RecordId,
}

/// The fields of a snapshot: what was written, by whom, when, where, in which thread, and what the rules said of it.
fn snapshot_doc(
    tx: &store::Tx<'_>,
    config: &Config,
    account: &Account,
    case: CaseId,
    stored: &comments::StoredComment,
    taken: &Taken<'_>,
) -> Result<serde_json::Value, StoreError> {
    let post = comments::post(tx, &account.id, &stored.post_id)?;
    let parent = match &stored.parent_id {
        Some(native) => comments::find(
            tx,
            &crate::domain::comment::CommentId { account: account.id.clone(), native: native.clone() },
        )?,
        None => None,
    };
    let judged = cases::assessment(tx, stored.version.id)?;
    let captures = media::captures(tx, stored.version.id)?;
    let review = media::review(tx, stored.version.id)?;
    let attachments: Vec<_> = stored.version.attachments.iter().map(|kind| kind.code()).collect();
    Ok(serde_json::json!({
        "record": taken.id.to_string(),
        "case": case.to_string(),
        "organisation": config.organisation.name,
        "account": {
            "id": account.id,
            "platform": account.platform.code(),
            "native_id": account.native_id,
            "url": account.url,
            "board": account.board,
        },
        "comment": {
            "native_id": stored.comment.native,
            "post_id": stored.post_id,
            "parent_id": stored.parent_id,
            "author": { "id": stored.author.id, "name": stored.author.name },
            "created_at": stored.created_at,
            "first_seen_at": stored.first_seen_at,
            "version": stored.version.n,
            "version_seen_at": stored.version.seen_at,
            "text": stored.version.text,
            "permalink": stored.permalink,
            "attachments": attachments,
            "media_preserved": !captures.is_empty(),
            "media": captures.iter().map(|capture| serde_json::json!({
                "file": capture.path,
                "sha256": capture.sha256,
                "size": capture.bytes.len(),
                "kind": capture.kind,
                "source": capture.source,
                "url": capture.url,
                "at": capture.at,
            })).collect::<Vec<_>>(),
            "media_review": review.map(|review| serde_json::json!({
                "by": review.person,
                "entered_by": review.os_user,
                "at": review.at,
                "answer": review.answer,
                "not_preserved_because": Some(review.reason).filter(|reason| !reason.is_empty()),
            })),
        },
        "post": post.map(|post| serde_json::json!({
            "text": post.text, "created_at": post.created_at, "permalink": post.permalink,
        })),
        "parent": parent.map(|parent| serde_json::json!({
            "author": { "id": parent.author.id, "name": parent.author.name },
            "created_at": parent.created_at,
            "text": parent.version.text,
        })),
        "assessment": judged.map(|judged| serde_json::json!({
            "rules": judged.rules,
            "judged_at": judged.at,
            "findings": judged.assessment.findings,
            "proposal": judged.assessment.proposal,
            "needs_answer": judged.assessment.needs_answer,
            "language": judged.assessment.language,
        })),
        "look": {
            "at": taken.at,
            "url": taken.url,
            "sighting": taken.sighting.code(),
            "source": if taken.single { "single_look" } else { "stored_element" },
            "file": exchange::LOOK,
        },
    }))
}

/// Writes the packs, reads each back, and puts their `snapshot` entries in one transaction.
async fn seal(app: &App, batch: Vec<Record>) -> Result<usize, PassError> {
    if batch.is_empty() {
        return Ok(0);
    }
    let count = batch.len();
    let mut sealed = Vec::with_capacity(count);
    for record in batch {
        let key = app.record_key(&record.id)?;
        let vault = app.vault.clone();
        let version = record.version;
        let captures = app.db.read(move |reader| media::captures(reader, version)).await?;
        let done = tokio::task::spawn_blocking(move || -> Result<_, PassError> {
            let id: RecordId = record
                .id
                .parse()
                .map_err(|_| StoreError::Corrupt(format!("`{}` is no record id", record.id)))?;
            let (tree, bytes) = pack_of(&record, &captures, id, key.expose())?;
            kill::point("pack", When::Before);
            vault.keep(id, &bytes)?;
            kill::point("pack", When::After);
            kill::point("reread", When::Before);
            let (digest, ..) = vault.reread(id, key.expose(), &tree.head())?;
            kill::point("reread", When::After);
            Ok((record, tree.head(), digest))
        })
        .await
        .map_err(|error| PassError::Broken(crate::panics::ended(&error).to_owned()))??;
        sealed.push(done);
    }
    let now = app.clock.now();
    kill::point("snapshot", When::Before);
    app.db
        .write(move |tx| {
            for (record, head, digest) in &sealed {
                log::append_snapshot(tx, &record.id, *head, *digest, &record.doc, now)?;
                records::preserved(tx, &record.id, &hex::encode(digest))?;
            }
            Ok(())
        })
        .await?;
    kill::point("snapshot", When::After);
    Ok(count)
}

/// The pack's bytes, wholly determined by the record's row, what was captured beside its version, and its key.
///
/// # Errors
/// `Corrupt` for a row that holds no JSON; the pack's own.
pub fn pack_of(
    record: &Record,
    captures: &[Capture],
    id: RecordId,
    key: &[u8; 32],
) -> Result<(Tree, Vec<u8>), PassError> {
    let doc: serde_json::Value = serde_json::from_str(&record.doc)
        .map_err(|error| StoreError::Corrupt(format!("record {}: {error}", record.id)))?;
    let travelled = record.exchange.iter().map(|text| (exchange::FILE, text.as_bytes()));
    let look = travelled.chain(std::iter::once((exchange::LOOK, record.look.as_slice())));
    let files: Vec<(&str, &[u8])> = look
        .chain(captures.iter().map(|capture| (capture.path.as_str(), capture.bytes.as_slice())))
        .collect();
    let tree = Tree::of(&doc, log::SPLIT, &files, key, 0)
        .map_err(|error| StoreError::Corrupt(format!("record {}: {error}", record.id)))?;
    let content = PackContent {
        record: id,
        fields: tree.full_json(),
        files: files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect(),
    };
    let bytes = pack::seal(key, &record.nonce, &content).map_err(crate::archive::ArchiveError::from)?;
    Ok((tree, bytes))
}
