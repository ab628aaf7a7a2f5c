//! Facebook Pages, through the Graph API.
//!
//! Source: Meta's pages "Graph API /{object-id}/comments", "Comment", "Handling Errors", "Rate Limits", and
//! recorded answers (tests/fixtures/connector/facebook). The token goes in the `Authorization` header, so that no
//! answer to a request for one comment repeats it; the addresses that lists hold (`paging.next`) do, and are
//! therefore never followed, stored or shown: only their cursor is taken.
//!
//! Hiding and editing are one and the same call, told apart by the parameter: `message` is never sent.

mod element;
mod error;
mod sweep;
#[cfg(test)]
mod tests;

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::Sha256;

use super::http::{Answer, Endpoint, Http, Method, Request};
use super::{Capabilities, Connector, ConnectorError, Cursor, Look, Page, Sighting, Target};
use crate::archive::Preserved;
use crate::domain::comment::{Platform, Visibility};
use crate::store::{Act, Intent};
use element::FIELDS;
use error::{Doing, Failure, failure};

/// One Page.
pub struct Facebook {
    http: Http,
    api: Endpoint,
    page_id: String,
    token: SecretString,
    /// HMAC-SHA256 of the token under the app's secret, in hexadecimal (`appsecret_proof`).
    proof: Option<SecretString>,
}

impl fmt::Debug for Facebook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facebook")
            .field("api", &self.api.to_string())
            .field("page_id", &self.page_id)
            .field("proves_app_secret", &self.proof.is_some())
            .finish_non_exhaustive()
    }
}

impl Facebook {
    /// The Page `page_id` at `api` (with the version, such as `https://graph.facebook.com/v25.0`), read and
    /// moderated with the Page's own access token; with the app's secret every request proves that it knows it.
    pub fn new(
        http: Http,
        api: Endpoint,
        page_id: String,
        token: SecretString,
        app_secret: Option<&SecretString>,
    ) -> Self {
        // HMAC takes keys of every length, so `ok` drops nothing.
        let proof = app_secret
            .and_then(|secret| Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).ok())
            .map(|mut mac| {
                mac.update(token.expose_secret().as_bytes());
                SecretString::from(hex::encode(mac.finalize().into_bytes()))
            });
        Self { http, api, page_id, token, proof }
    }

    /// Asks for `segments` below the API; also gives the address, free of secrets.
    async fn get(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
    ) -> Result<(Answer, String), ConnectorError> {
        let mut request = Request::get(&self.api, segments).bearer(&self.token);
        for (name, value) in query {
            request = request.query(name, value);
        }
        let address = request.address();
        if let Some(proof) = &self.proof {
            // The API takes it as a parameter only; `http` shows it nowhere.
            request = request.query("appsecret_proof", proof.expose_secret());
        }
        Ok((self.http.get(request).await?, address))
    }

    /// Asks for one object.
    async fn object(&self, id: &str, fields: &str) -> Result<Asked, ConnectorError> {
        let (answer, address) = self.get(&[id], &[("fields", fields)]).await?;
        let date = answer.date;
        let object = match failure(&answer, Doing::Reading) {
            None => Object::There(answer),
            Some(Failure::Missing) => Object::Missing,
            Some(Failure::OutOfReach(_)) => Object::OutOfReach,
            Some(Failure::Object(error) | Failure::Error(error)) => return Err(error),
        };
        Ok(Asked { object, address, date })
    }

    /// Sets `is_hidden`, and nothing else.
    async fn set_hidden(
        &self,
        hidden: bool,
        intent: &Intent,
        proof: &Preserved,
    ) -> Result<(), ConnectorError> {
        let id = intent.target().native_id.as_str();
        if id != proof.comment().native {
            return Err(ConnectorError::Refused(format!(
                "intent {} names another comment than record {} preserves",
                intent.id(),
                proof.record()
            )));
        }
        let mut fields = vec![("is_hidden", if hidden { "true" } else { "false" })];
        if let Some(proof) = &self.proof {
            fields.push(("appsecret_proof", proof.expose_secret()));
        }
        let request = Request::new(Method::Post, &self.api, &[id]).bearer(&self.token).form(&fields);
        let answer = self.http.write(intent, proof, request).await?;
        match failure(&answer, Doing::Writing) {
            Some(Failure::Object(error) | Failure::Error(error)) => Err(error),
            // One comment that cannot be reached must not stop the account.
            Some(Failure::Missing | Failure::OutOfReach(_)) => Err(ConnectorError::Refused(format!(
                "{}: the comment no longer exists, or the token lacks {}",
                answer.place(),
                error::rights(Doing::Writing)
            ))),
            // The body of this answer is documented nowhere; both forms are seen for other updates.
            None if done(&answer) => Ok(()),
            None => Err(ConnectorError::OutcomeUnknown(format!(
                "{}: HTTP {}, and the answer does not say that it was done",
                answer.place(),
                answer.status
            ))),
        }
    }
}

/// What came of asking for one object.
struct Asked {
    object: Object,
    /// The address, free of secrets.
    address: String,
    date: Option<DateTime<Utc>>,
}

enum Object {
    There(Answer),
    /// Deleted, or outside of our rights.
    Missing,
    /// Outside of our rights, as the API says it.
    OutOfReach,
}

/// Whether the answer of an update says that it was carried out.
fn done(answer: &Answer) -> bool {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Done {
        Plain(bool),
        Named { success: bool },
    }
    answer.is_success()
        && matches!(
            serde_json::from_slice(&answer.body),
            Ok(Done::Plain(true) | Done::Named { success: true })
        )
}

/// What the platform lets us do.
pub const CAPABILITIES: Capabilities = Capabilities {
    hide: true,
    restore: true,
    // The platform can; Uppsikt does not yet.
    remove: false,
    reply: false,
    shows_hidden: true,
    surfaces: &[],
    unconfirmed: &[],
    // No page of Meta's that we could read says so; it is what users report. The wording claims no more.
    who_still_sees: "Den som skrev kommentaren ser den troligen fortfarande, och troligen också dennes vänner \
                             på Facebook. Facebook redovisar inte vilka.",
};

#[async_trait]
impl Connector for Facebook {
    fn platform(&self) -> Platform {
        Platform::Facebook
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    async fn page(&self, from: Option<&Cursor>) -> Result<Page, ConnectorError> {
        sweep::page(self, from).await
    }

    async fn look(&self, target: &Target) -> Result<Look, ConnectorError> {
        let Asked { object, address: url, date } = self.object(&target.native_id, FIELDS).await?;
        let without = |sighting| Look { sighting, seen: None, answer: None, url: url.clone(), date };
        let answer = match object {
            Object::There(answer) => answer,
            Object::OutOfReach => return Ok(without(Sighting::NoRight)),
            Object::Missing => {
                // Deleted and out of reach look the same: only what the same token still reads tells them apart.
                let post = self.object(&target.post_id, "id").await?.object;
                let gone = matches!(post, Object::There(_));
                return Ok(without(if gone { Sighting::Gone } else { Sighting::NoRight }));
            }
        };
        let not_understood = |reason: &str| {
            ConnectorError::Malformed(format!("{}: HTTP {}: {reason}", answer.place(), answer.status))
        };
        if contains(&answer.body, self.token.expose_secret().as_bytes()) {
            return Err(not_understood("the answer repeats the access token and cannot be kept as evidence"));
        }
        let raw: &RawValue = answer.json()?;
        let seen = element::comment(raw, &target.post_id, &self.page_id)
            .map_err(|fault| not_understood(&fault.reason))?;
        if seen.native_id != target.native_id {
            return Err(not_understood("the answer is about another comment than was asked for"));
        }
        let sighting = match seen.visibility {
            Visibility::Public => Sighting::Public,
            Visibility::Hidden => Sighting::Hidden,
            // Asked for and not given: the token does not moderate this comment, so nothing is known.
            Visibility::Unknown => {
                return Ok(Look { answer: Some(answer.body.clone()), ..without(Sighting::NoRight) });
            }
        };
        Ok(Look { sighting, seen: Some(seen), answer: Some(answer.body), url, date })
    }

    async fn hide(&self, intent: &Intent, proof: &Preserved) -> Result<(), ConnectorError> {
        permits(intent, Act::Hide)?;
        // The code of a refusal that is about this one comment is documented nowhere and may equal that of a
        // missing right, which would stop the account: so what cannot be hidden is never asked to be.
        let Asked { object, address, .. } =
            self.object(&intent.target().native_id, "id,is_hidden,can_hide").await?;
        let Object::There(answer) = object else {
            return Err(ConnectorError::Refused(format!(
                "GET {address}: the comment no longer exists or cannot be read"
            )));
        };
        let raw: &RawValue = answer.json()?;
        if !element::may_hide(raw) {
            return Err(ConnectorError::Refused(format!(
                "GET {address}: the platform does not let the Page hide this comment (can_hide is false)"
            )));
        }
        self.set_hidden(true, intent, proof).await
    }

    async fn restore(&self, intent: &Intent, proof: &Preserved) -> Result<(), ConnectorError> {
        permits(intent, Act::Restore)?;
        // Not gated on `can_hide`: the API leaves it out of a hidden comment.
        self.set_hidden(false, intent, proof).await
    }
}

fn permits(intent: &Intent, act: Act) -> Result<(), ConnectorError> {
    if intent.act() == act {
        return Ok(());
    }
    Err(ConnectorError::Refused(format!("intent {} permits {:?}, not {act:?}", intent.id(), intent.act())))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && bytes.windows(part.len()).any(|window| window == part)
}
