//! The threadgate of a root post: the list of replies that stand behind a click.
//!
//! Source: lexicon `app.bsky.feed.threadgate`; the record has the root's key and lies in the root's repository.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::ConnectorError;
use super::{
    Act, Bluesky, Intent, Preserved, error_of, own_post, own_uri, rates, session, succeeded, time_of_key,
};

/// The collection of gates.
const THREADGATE: &str = "app.bsky.feed.threadgate";

/// The most replies that one gate can hide (lexicon, `hiddenReplies` maxLength).
const MOST: usize = 300;

/// A gate as it lies in our repository.
#[derive(Debug)]
pub(super) struct Gate {
    /// The version, for compare-and-swap.
    cid: String,
    record: Map<String, Value>,
}

impl Gate {
    fn hidden(&self) -> impl Iterator<Item = &Value> {
        self.record.get("hiddenReplies").and_then(Value::as_array).into_iter().flatten()
    }

    /// True if it hides the reply at `uri`.
    pub(super) fn hides(&self, uri: &str) -> bool {
        self.hidden().any(|reply| reply.as_str() == Some(uri))
    }
}

#[derive(Deserialize)]
struct Stored {
    cid: String,
    value: Map<String, Value>,
}

/// What `putRecord` answers.
#[derive(Deserialize)]
struct Written {
    #[serde(rename = "cid")]
    _cid: String,
}

fn full() -> ConnectorError {
    ConnectorError::Refused(format!(
        "tråden har redan {MOST} dolda svar, och fler tillåter inte Bluesky: begränsa vem som får svara på inlägget, \
         eller anmäl svaret till Bluesky"
    ))
}

impl Bluesky {
    /// The gate of our root post with this record key; `None` if it has none.
    pub(super) async fn gate(&self, key: &str) -> Result<Option<Gate>, ConnectorError> {
        let (answer, _) = self
            .read(|session| {
                session
                    .get("com.atproto.repo.getRecord")
                    .purpose(super::super::Purpose::Look)
                    .query("repo", &self.did)
                    .query("collection", THREADGATE)
                    .query("rkey", key)
            })
            .await?;
        if answer.status == 400 && error_of(&answer).as_deref() == Some("RecordNotFound") {
            return Ok(None);
        }
        let stored: Stored = succeeded(answer)?.json()?;
        if stored.value.get("hiddenReplies").is_some_and(|list| !list.is_array()) {
            return Err(ConnectorError::Malformed("the gate's hiddenReplies is no list".to_owned()));
        }
        Ok(Some(Gate { cid: stored.cid, record: stored.value }))
    }

    /// Puts the intent's comment on the gate's list, or takes it off, by one compare-and-swap. Everything else in
    /// the gate stays: above all `allow`, which says who may answer (absent: everybody; empty: nobody).
    pub(super) async fn set_hidden(
        &self,
        act: Act,
        intent: &Intent,
        proof: &Preserved,
    ) -> Result<(), ConnectorError> {
        let target = intent.target();
        if intent.act() != act
            || intent.comment() != proof.comment()
            || intent.comment().native != target.native_id
        {
            return Err(ConnectorError::Refused(format!("intent {} does not permit this", intent.id())));
        }
        let Some(key) = own_post(&self.did, &target.post_id) else {
            return Err(ConnectorError::Refused(
                "svaret står i någon annans tråd: bara den som skrev trådens första inlägg kan dölja svar i den"
                    .to_owned(),
            ));
        };
        if !target.native_id.starts_with("at://") || target.native_id == target.post_id {
            return Err(ConnectorError::Refused("bara svar kan döljas, inte inlägget självt".to_owned()));
        }
        let gate = self.gate(key).await?;
        let is_hidden = gate.as_ref().is_some_and(|gate| gate.hides(&target.native_id));
        if is_hidden == (act == Act::Hide) {
            return Ok(());
        }
        let mut list: Vec<Value> = gate.iter().flat_map(Gate::hidden).cloned().collect();
        if act == Act::Hide {
            if list.len() >= MOST {
                return Err(full());
            }
            list.push(json!(target.native_id));
        } else {
            list.retain(|reply| reply.as_str() != Some(&target.native_id));
        }
        let (swap, mut record) = match gate {
            Some(gate) => (json!(gate.cid), gate.record),
            None => (Value::Null, self.new_gate(key)),
        };
        record.insert("hiddenReplies".to_owned(), Value::Array(list));
        let body = json!({
            "repo": self.did, "collection": THREADGATE, "rkey": key, "record": record, "swapRecord": swap,
        });
        self.store_gate(intent, proof, &body).await
    }

    /// A gate that lets everybody answer. Its time is the root's own key's: the same gate made twice is the same
    /// record, so that a lost answer and a second try leave one version.
    fn new_gate(&self, key: &str) -> Map<String, Value> {
        let created =
            time_of_key(key).unwrap_or_default().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        Map::from_iter([
            ("$type".to_owned(), json!(THREADGATE)),
            ("post".to_owned(), json!(own_uri(&self.did, key))),
            ("createdAt".to_owned(), json!(created)),
        ])
    }

    async fn store_gate(
        &self,
        intent: &Intent,
        proof: &Preserved,
        body: &Value,
    ) -> Result<(), ConnectorError> {
        let write = |session: &session::Session| {
            session
                .procedure("com.atproto.repo.putRecord")
                .costs(rates::POINTS_AN_HOUR, rates::GATE)
                .costs(rates::POINTS_A_DAY, rates::GATE)
                .bearer(session.access())
                .json(body)
        };
        let session = self.sessions.current(&self.http, &self.did).await?;
        let mut answer = self.http.write(intent, proof, write(&session)).await?;
        if session::has_run_out(&answer) {
            let session = self.sessions.renewed(&self.http, &self.did, &session).await?;
            answer = self.http.write(intent, proof, write(&session)).await?;
        }
        rates::heed(&self.http, &answer);
        if answer.status == 400 && String::from_utf8_lossy(&answer.body).contains("array too big") {
            return Err(full());
        }
        let answer = succeeded(answer)?;
        // A success that does not say what was written is no success to build on.
        answer
            .json::<Written>()
            .map(|_| ())
            .map_err(|error| ConnectorError::OutcomeUnknown(error.to_string()))
    }
}
