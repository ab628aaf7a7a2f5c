//! The consent of a person at a browser elsewhere: the address to open, and the code that comes back.

use anyhow::{anyhow, bail};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::Url;

use super::Exchange;
use super::service::Service;

/// A consent that is asked for.
pub(super) struct Consent {
    /// What the person opens. Holds no secret: the proof's verifier stays here.
    pub(super) address: String,
    /// Proves that whoever exchanges the code is whoever asked for it (RFC 7636).
    pub(super) verifier: SecretString,
    state: String,
}

impl Consent {
    pub(super) fn new(service: &Service, exchange: &Exchange<'_>) -> anyhow::Result<Self> {
        let state = random()?;
        let verifier = random()?;
        let rights: Vec<_> = service.rights.iter().map(|right| right.name).collect();
        let mut address = Url::parse(service.page)?;
        {
            let mut query = address.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", &exchange.app.id)
                .append_pair("redirect_uri", &exchange.redirect)
                .append_pair("scope", &rights.join(service.between))
                .append_pair("state", &state)
                .extend_pairs(service.extra);
            if service.pkce {
                let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
                query.append_pair("code_challenge", &challenge).append_pair("code_challenge_method", "S256");
            }
        }
        Ok(Self { address: address.into(), verifier: verifier.into(), state })
    }

    /// The code in what was pasted: a whole address, or the code alone.
    ///
    /// # Errors
    /// When the person or the platform said no, and when the answer is to another question than ours.
    pub(super) fn code(&self, pasted: &SecretString) -> anyhow::Result<SecretString> {
        let text = pasted.expose_secret();
        let Ok(address) = Url::parse(text) else {
            if text.contains(char::is_whitespace) {
                bail!("what was pasted holds white space and is neither a code nor an address");
            }
            return Ok(pasted.clone());
        };
        let value = |name: &str| {
            address.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        if let Some(error) = value("error") {
            bail!("the platform says `{}`: the consent was not given", word(&error));
        }
        if value("state").as_deref() != Some(self.state.as_str()) {
            bail!("the address answers another question than the one just asked; begin again");
        }
        value("code").map(SecretString::from).ok_or_else(|| anyhow!("the address holds no code"))
    }
}

/// What a platform calls an error, if it looks like a word: never a sentence, which may quote what was sent.
pub(super) fn word(text: &str) -> &str {
    let is_word = !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    if is_word { text } else { "an error without a name" }
}

/// 32 random bytes as text that stands in addresses.
fn random() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("no randomness: {error}"))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}
