//! The page on which a person consents, and the code that comes of it: what `uppsikt connect` walks through.
//!
//! Source: RFC 6749 §4.1, RFC 7636, and each platform's page on its log-in flow. The page is asked for as a browser does,
//! below the platform's name (`/x/i/oauth2/authorize?…`), and sends the browser on at once: nobody is asked.
//!
//! Two parameters of the sandbox's own stand for the person at the browser: `sandbox_account` (whose account; the
//! platform's first if left out) and `sandbox_says` (`no`: the consent is refused).
//!
//! A code is good once, only for the app and the address that it was asked for with, and only with the proof of whoever
//! asked. Until a platform's page was asked for once, its token endpoint takes any code, as the emulators' other tests
//! need it.

use std::collections::BTreeSet;

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use url::Url;

use super::common;
use super::wire::{Answer, Call};
use super::world::World;

/// A consent that a person has given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Consent {
    /// The native id of the account.
    pub(super) account: String,
    /// The rights that were asked for.
    pub(super) rights: BTreeSet<String>,
    platform: &'static str,
    client: String,
    redirect: String,
    challenge: Option<String>,
    ends: DateTime<Utc>,
}

/// What a code is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Code {
    /// It is one that was given here, and whoever shows it may have it.
    Good(Box<Consent>),
    /// It is none, or no longer one, or somebody else's.
    Bad,
    /// Nobody ever consented here: whatever the emulator does with any code.
    Untold,
}

/// The platform whose page it is, and how long its codes live, in seconds.
fn page_of(call: &Call) -> Option<(&'static str, i64)> {
    let path = call.segments();
    // Meta's and LinkedIn's pages do not tell; RFC 6749 recommends ten minutes at most. X tells 30 seconds.
    match (call.platform.as_str(), path.as_slice()) {
        ("facebook", [_, "dialog", "oauth"] | ["dialog", "oauth"]) => Some(("facebook", 600)),
        ("instagram", ["oauth", "authorize"]) => Some(("instagram", 600)),
        ("youtube", ["o", "oauth2", "v2", "auth"]) => Some(("youtube", 600)),
        ("linkedin", ["oauth", "v2", "authorization"]) => Some(("linkedin", 600)),
        ("x", ["i", "oauth2", "authorize"]) => Some(("x", 30)),
        _ => None,
    }
}

/// Answers a request for a page of consent; `None` for every other request.
pub(super) fn page(world: &mut World, call: &Call) -> Option<Answer> {
    let (platform, lives) = page_of(call).filter(|_| call.method == Method::GET)?;
    Some(consent(world, call, platform, lives).unwrap_or_else(|why| Answer::text(400, "text/plain", why)))
}

fn consent(
    world: &mut World,
    call: &Call,
    platform: &'static str,
    lives: i64,
) -> Result<Answer, &'static str> {
    let need = |name: &str| call.param(name).filter(|value| !value.is_empty()).map(str::to_owned);
    if call.param("response_type") != Some("code") {
        return Err("unsupported response_type");
    }
    let client = need("client_id").ok_or("client_id is missing")?;
    let redirect = need("redirect_uri").ok_or("redirect_uri is missing")?;
    let mut back = Url::parse(&redirect).map_err(|_| "redirect_uri is no address")?;
    let scope = need("scope").ok_or("scope is missing")?;
    let challenge = need("code_challenge");
    if challenge.is_some() && call.param("code_challenge_method") != Some("S256") {
        return Err("code_challenge_method is not S256");
    }
    if platform == "x" && (challenge.is_none() || need("state").is_none()) {
        return Err("code_challenge or state is missing");
    }
    let state = need("state");
    let mut send = |pairs: &[(&str, &str)]| {
        back.query_pairs_mut().extend_pairs(pairs);
        if let Some(state) = &state {
            back.query_pairs_mut().append_pair("state", state);
        }
        if platform == "facebook" {
            back.set_fragment(Some("_=_"));
        }
        Answer::none(302).with("location", back.as_str())
    };
    if call.param("sandbox_says") == Some("no") {
        return Ok(send(&[("error", "access_denied"), ("error_reason", "user_denied")]));
    }
    let is_here =
        |(_, account): &(&String, &super::account::Account)| account.platform.as_deref() == Some(platform);
    let first = || world.accounts.iter().find(is_here).map(|(id, _)| id.clone());
    let account = need("sandbox_account").or_else(first).ok_or("nobody is logged in")?;
    let code = format!("{:016x}{:016x}", common::number_of(&format!("{redirect}{}", world.now())), {
        world.consents.insert(format!("{platform} began"), None);
        common::number_of(&format!("{platform}{}", world.consents.len()))
    });
    let rights = scope.split([' ', ',']).filter(|right| !right.is_empty()).map(str::to_owned).collect();
    let ends = world.now() + TimeDelta::seconds(lives);
    let given = Consent { account, rights, platform, client, redirect, challenge, ends };
    world.consents.insert(code.clone(), Some(given));
    Ok(send(&[("code", &code)]))
}

/// What the code is worth that a token endpoint is shown; a good one is used up.
pub(super) fn redeem(world: &mut World, call: &Call, platform: &str) -> Code {
    if !world.consents.contains_key(&format!("{platform} began")) {
        return Code::Untold;
    }
    let shown = call.param("code").unwrap_or_default();
    let Some(given) = world.consents.get(shown).cloned().flatten() else { return Code::Bad };
    let proven = given.challenge.as_deref().is_none_or(|challenge| {
        let verifier = call.param("code_verifier").unwrap_or_default();
        URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == challenge
    });
    let client = call.param("client_id").map(str::to_owned).or_else(|| named(call));
    let fits = given.platform == platform
        && client.as_deref() == Some(given.client.as_str())
        && call.param("redirect_uri") == Some(given.redirect.as_str())
        && given.ends > world.now()
        && proven;
    if !fits {
        return Code::Bad;
    }
    world.consents.insert(shown.to_owned(), None);
    Code::Good(Box::new(given))
}

/// The app that names itself in `Authorization: Basic`.
fn named(call: &Call) -> Option<String> {
    let basic = call.header("authorization")?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(basic.trim()).ok()?).ok()?;
    Some(text.split_once(':')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::asking::Client;
    use serde_json::json;

    const ASK: &str = "i/oauth2/authorize?response_type=code&client_id=app&redirect_uri=http%3A%2F%2F127.0.0.1%2F\
                       &scope=tweet.read+users.read&state=s&code_challenge_method=S256\
                       &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    /// The verifier whose challenge stands above (RFC 7636, appendix B).
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    async fn start() -> Client {
        let client = Client::start("/x/", &[]).await;
        client.control("account", &json!({ "account": "12", "platform": "x", "username": "kommunen" }));
        client
    }

    async fn code(client: &Client) -> String {
        let asked = client.get(ASK).await;
        assert_eq!(asked.status, 302);
        let back = url::Url::parse(asked.header("location")).unwrap();
        let value = |name: &str| back.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        assert_eq!(value("state"), "s");
        value("code")
    }

    fn shown(code: &str, client: &str, redirect: &str, verifier: &str) -> String {
        format!(
            "grant_type=authorization_code&code={code}&client_id={client}&redirect_uri={redirect}&code_verifier={verifier}"
        )
    }

    #[tokio::test]
    async fn a_code_is_good_once_for_who_asked_for_it_and_holds_what_was_asked_for() {
        let client = start().await;
        let good = code(&client).await;
        let home = "http%3A%2F%2F127.0.0.1%2F";
        for bad in [
            shown("another", "app", home, VERIFIER),
            shown(&good, "another", home, VERIFIER),
            shown(&good, "app", "http%3A%2F%2F127.0.0.2%2F", VERIFIER),
            shown(&good, "app", home, "another"),
        ] {
            assert_eq!(client.form("2/oauth2/token", &bad).await.status, 400, "{bad}");
        }
        let given = client.form("2/oauth2/token", &shown(&good, "app", home, VERIFIER)).await;
        assert_eq!((given.status, &given.json()["scope"]), (200, &json!("tweet.read users.read")));
        assert_eq!(client.form("2/oauth2/token", &shown(&good, "app", home, VERIFIER)).await.status, 400);
        // X's codes live for half a minute.
        let late = code(&client).await;
        let now = client.handle.sandbox().requests().last().unwrap().at;
        client.handle.sandbox().set_clock(now + chrono::TimeDelta::seconds(31));
        assert_eq!(client.form("2/oauth2/token", &shown(&late, "app", home, VERIFIER)).await.status, 400);
    }

    #[tokio::test]
    async fn a_person_may_say_no_and_an_app_must_ask_whole() {
        let client = start().await;
        let refused = client.get(&format!("{ASK}&sandbox_says=no")).await;
        assert!(refused.header("location").contains("error=access_denied"), "{refused:?}");
        for part in
            ["response_type=code", "client_id=app", "redirect_uri", "state=s", "code_challenge_method=S256"]
        {
            assert_eq!(client.get(&ASK.replace(part, "x=y")).await.status, 400, "{part}");
        }
    }
}
