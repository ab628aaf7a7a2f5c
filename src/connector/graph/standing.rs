//! Whose key it is, until when, with which rights: `debug_token`.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::{Doing, Graph, app_id, error, failure, text_of, usage};
use crate::connector::http::{Request, malformed};
use crate::connector::{ConnectorError, MissingRight, Purpose, Standing};

/// A right that an account needs, and what to say where it lacks.
#[derive(Debug)]
pub(in crate::connector) struct Needed {
    /// In the platform's words; any of several does.
    pub(in crate::connector) right: &'static [&'static str],
    /// What does not work without it, in Swedish.
    pub(in crate::connector) without: &'static str,
}

/// What `debug_token` tells of a key.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct KeyFacts {
    /// `PAGE`, `USER`, `SYSTEM_USER`, …
    pub kind: Option<String>,
    /// Whether it works.
    pub is_valid: bool,
    /// When it ends (UTC); `None` for never, which Meta writes as 0.
    pub expires_at: Option<DateTime<Utc>>,
    /// When access to data ends although the key still works.
    pub data_access_until: Option<DateTime<Utc>>,
    /// Its rights.
    pub rights: Vec<String>,
    /// The Page behind it.
    pub profile_id: Option<String>,
    /// The person behind it.
    pub user_id: Option<String>,
    /// Why it does not work.
    pub subcode: Option<i64>,
}

/// Reads the answer of `debug_token`.
///
/// # Errors
/// Where the body is of another shape.
pub fn key_facts(body: &[u8]) -> Result<KeyFacts, serde_json::Error> {
    #[derive(Deserialize)]
    struct Body {
        data: Data,
    }
    #[derive(Deserialize)]
    struct Data {
        is_valid: bool,
        #[serde(default)]
        scopes: Vec<Value>,
        #[serde(flatten)]
        rest: Value,
    }
    let Body { data } = serde_json::from_slice(body)?;
    let moment = |key: &str| {
        let seconds = data.rest.get(key).and_then(Value::as_i64).filter(|seconds| *seconds > 0)?;
        DateTime::from_timestamp(seconds, 0)
    };
    let text = |key: &str| text_of(Some(&data.rest), key);
    Ok(KeyFacts {
        kind: text("type"),
        is_valid: data.is_valid,
        expires_at: moment("expires_at"),
        data_access_until: moment("data_access_expires_at"),
        rights: data.scopes.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        profile_id: text("profile_id"),
        user_id: text("user_id"),
        subcode: data.rest.get("error").and_then(|error| error.get("subcode")?.as_i64()),
    })
}

impl Graph {
    /// What `debug_token` says of the key. The app's own token asks where the app's id and secret are known, else the
    /// key asks about itself.
    pub(in crate::connector) async fn debug_token(&self) -> Result<(KeyFacts, Standing), ConnectorError> {
        let grant = self.token().current().await;
        let app = self.app_token(grant.client_id.as_deref(), grant.client_secret.as_ref());
        let by = app.as_ref().unwrap_or(&grant.access);
        let mut request = Request::get(self.api(), &["debug_token"])
            .bearer(by)
            .purpose(Purpose::Look)
            // The API takes it as a parameter only; `http` shows it nowhere.
            .query("input_token", grant.access.expose_secret());
        if app.is_none()
            && let Some(proof) = self.proof(&grant.access)
        {
            request = request.query("appsecret_proof", proof.expose_secret());
        }
        let answer = self.http().get(usage::priced(request)).await?;
        self.hear(&answer);
        if let Some(failed) = failure(&answer, Doing::Reading, self.words()) {
            return Err(failed.into_error(answer.place(), self.words()));
        }
        let facts = key_facts(&answer.body).map_err(|error| malformed(answer.place(), &error))?;
        if !facts.is_valid {
            return Err(ConnectorError::Unauthorized(format!(
                "{}: the token is not valid: {}",
                answer.place(),
                error::session(facts.subcode)
            )));
        }
        let standing = Standing {
            holder: None,
            name: None,
            // What the platform says goes before what was noted when the key was got.
            expires_at: facts.expires_at,
            data_access_until: facts.data_access_until,
            renewable_until: None,
            rights: facts.rights.clone(),
            missing: Vec::new(),
            date: answer.date,
        };
        Ok((facts, standing))
    }

    /// The app's own token, `id|secret`.
    fn app_token(&self, client: Option<&str>, secret: Option<&SecretString>) -> Option<SecretString> {
        if let Some(configured) = &self.app_secret
            && app_id(configured.expose_secret()).is_some()
        {
            return Some(configured.clone());
        }
        let secret = self.app_secret.as_ref().or(secret)?;
        Some(format!("{}|{}", client?, secret.expose_secret()).into())
    }
}

/// The rights of `needed` that are not among `held`.
pub(in crate::connector) fn missing(needed: &[Needed], held: &[String], place: &str) -> Vec<MissingRight> {
    needed
        .iter()
        .filter(|needed| !needed.right.iter().any(|right| held.iter().any(|held| held == right)))
        .map(|needed| MissingRight {
            right: needed.right.join(" eller "),
            without: needed.without.to_owned(),
            place: place.to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn zero_means_never_and_a_missing_moment_is_not_told() {
        let facts = |data: Value| key_facts(json!({ "data": data }).to_string().as_bytes());
        let never = facts(json!({ "is_valid": true, "expires_at": 0, "data_access_expires_at": 0 })).unwrap();
        assert_eq!((never.expires_at, never.data_access_until), (None, None));
        let told =
            facts(json!({ "is_valid": true, "expires_at": 1_577_347_200, "scopes": ["a", 7] })).unwrap();
        assert_eq!(told.expires_at.unwrap().to_rfc3339(), "2019-12-26T08:00:00+00:00");
        assert_eq!(told.rights, ["a"]);
        let huge = facts(json!({ "is_valid": true, "expires_at": i64::MAX })).unwrap();
        assert_eq!(huge.expires_at, None);
        for broken in [json!({}), json!([]), json!({ "is_valid": "yes" }), Value::Null] {
            assert!(facts(broken).is_err());
        }
    }
}
