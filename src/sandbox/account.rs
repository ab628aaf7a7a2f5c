//! An account of the municipality on one platform: what it is called, and what may be done with its tokens.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::fault::Fault;

/// An account. What is not skipped below is kept in the sandbox's memory.
#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Account {
    /// Posts in the order in which they were created.
    #[serde(skip)]
    pub(super) posts: Vec<String>,
    /// The platform that it is on, once it is known (a name as in the path, `facebook`).
    pub(super) platform: Option<String>,
    /// The name that people see.
    pub(super) name: String,
    /// The handle, where the platform has one.
    pub(super) username: Option<String>,
    /// The description.
    pub(super) about: String,
    /// Where its picture is; a picture of the sandbox's own if none.
    pub(super) picture: Option<String>,
    /// If set, requests must prove that they know it (Facebook's `appsecret_proof`).
    #[serde(serialize_with = "tell", deserialize_with = "learn")]
    pub(super) app_secret: Option<SecretString>,
    /// Whether the token may moderate; without it ids and authors are left out (Facebook).
    pub(super) moderate: bool,
    /// The scopes and tasks that its tokens hold; none = all.
    pub(super) rights: Option<BTreeSet<String>>,
    /// The tokens that are taken; empty = any.
    pub(super) tokens: BTreeMap<String, Token>,
    /// How much of the rate limit is used up, in percent, as usage headers tell, where no quota is set.
    pub(super) usage: u8,
    /// Seconds before a change shows in lists.
    pub(super) lag: u32,
    /// Milliseconds that every answer takes.
    pub(super) delay_ms: u32,
    /// How many calls at once the platform stands before it is a violation; none = any number.
    pub(super) concurrent: Option<u32>,
    /// What only one platform has.
    pub(super) memory: Map<String, Value>,
    /// Paging cursors of earlier epochs are no longer taken.
    pub(super) cursors: u64,
    /// How many calls were made (Meta's headers come only after some).
    #[serde(skip)]
    pub(super) calls: u64,
    #[serde(skip)]
    pub(super) faults: VecDeque<Fault>,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            posts: Vec::new(),
            platform: None,
            name: "Kommunen".to_owned(),
            username: None,
            about: String::new(),
            picture: None,
            app_secret: None,
            moderate: true,
            rights: None,
            tokens: BTreeMap::new(),
            usage: 1,
            lag: 0,
            delay_ms: 0,
            concurrent: None,
            memory: Map::new(),
            cursors: 0,
            calls: 0,
            faults: VecDeque::new(),
        }
    }
}

/// A token that an account's platform takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Token {
    /// When it expires (UTC); none = never.
    pub(super) expires_at: Option<DateTime<Utc>>,
    /// When it was given (UTC): Instagram refreshes none that is younger than a day.
    pub(super) issued_at: Option<DateTime<Utc>>,
    /// What it is exchanged for a new one with.
    pub(super) refresh: Option<String>,
    /// When that expires (UTC); none = never.
    pub(super) refresh_expires_at: Option<DateTime<Utc>>,
    /// What kind of token, in the platform's own word (`user`, `page`, `short`).
    pub(super) kind: Option<String>,
    /// What it holds, where that is less than the account's rights.
    pub(super) rights: Option<BTreeSet<String>>,
    /// Taken back: the password was changed, the app removed, the role lost.
    pub(super) revoked: bool,
}

/// What a token is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worth {
    /// It is taken.
    Good,
    /// Its time is past.
    Expired,
    /// It was taken back.
    Revoked,
    /// It never was one.
    Unknown,
}

impl Account {
    /// What `token` is worth at `now`. An account without a list of tokens takes any that is not empty.
    pub(super) fn worth(&self, token: &str, now: DateTime<Utc>) -> Worth {
        if self.tokens.is_empty() {
            return if token.is_empty() { Worth::Unknown } else { Worth::Good };
        }
        match self.tokens.get(token) {
            None => Worth::Unknown,
            Some(token) if token.revoked => Worth::Revoked,
            Some(token) if token.expires_at.is_some_and(|end| end <= now) => Worth::Expired,
            Some(_) => Worth::Good,
        }
    }

    /// Whether `token` holds a scope or task.
    pub(super) fn holds(&self, token: &str, right: &str) -> bool {
        let has = |rights: &Option<BTreeSet<String>>| rights.as_ref().is_none_or(|all| all.contains(right));
        has(&self.rights) && self.tokens.get(token).is_none_or(|token| has(&token.rights))
    }

    /// The rights of `token` out of `all` that the platform has, in their order.
    pub(super) fn held<'a>(&self, token: &str, all: &[&'a str]) -> Vec<&'a str> {
        all.iter().copied().filter(|right| self.holds(token, right)).collect()
    }

    /// A setting that only one platform has.
    pub(super) fn setting(&self, key: &str) -> Option<&Value> {
        self.memory.get(key)
    }

    /// Whether a setting that only one platform has is `true`.
    pub(super) fn is_set(&self, key: &str) -> bool {
        self.memory.get(key) == Some(&Value::Bool(true))
    }
}

/// How an account stands: a line of `GET /control/accounts`. Never a token.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AccountLine {
    /// The native id.
    pub account: String,
    /// The platform, once known.
    pub platform: Option<String>,
    /// The name that people see.
    pub name: String,
    /// The scopes and tasks; none = all.
    pub rights: Option<Vec<String>>,
    /// How many tokens are listed; none = any is taken.
    pub tokens: usize,
    /// How many posts it has, with deleted ones.
    pub posts: usize,
    /// Seconds before a change shows in lists.
    pub lag: u32,
    /// What only one platform has.
    pub memory: Map<String, Value>,
}

#[expect(clippy::ref_option, reason = "serde gives a reference")]
fn tell<S: Serializer>(secret: &Option<SecretString>, to: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(ExposeSecret::expose_secret).serialize(to)
}

fn learn<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.map(SecretString::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_worth_what_its_list_says() {
        let now: DateTime<Utc> = "2026-11-23T10:00:00Z".parse().unwrap();
        let mut account = Account::default();
        assert_eq!(account.worth("anything", now), Worth::Good);
        assert_eq!(account.worth("", now), Worth::Unknown);
        let token = |expires_at: Option<&str>, revoked| Token {
            expires_at: expires_at.map(|end| end.parse().unwrap()),
            revoked,
            ..Token::default()
        };
        account.tokens.insert("forever".to_owned(), token(None, false));
        account.tokens.insert("over".to_owned(), token(Some("2026-11-23T10:00:00Z"), false));
        account.tokens.insert("soon".to_owned(), token(Some("2026-11-23T10:00:01Z"), false));
        account.tokens.insert("gone".to_owned(), token(None, true));
        let table = [
            ("forever", Worth::Good),
            ("over", Worth::Expired),
            ("soon", Worth::Good),
            ("gone", Worth::Revoked),
            ("anything", Worth::Unknown),
        ];
        for (token, worth) in table {
            assert_eq!(account.worth(token, now), worth, "{token}");
        }
    }

    #[test]
    fn a_token_holds_no_more_than_its_account() {
        let mut account = Account::default();
        let rights = |all: &[&str]| Some(all.iter().map(|right| (*right).to_owned()).collect());
        assert!(account.holds("t", "MODERATE"));
        account.rights = rights(&["read", "MODERATE"]);
        account
            .tokens
            .insert("less".to_owned(), Token { rights: rights(&["read", "more"]), ..Token::default() });
        assert!(account.holds("t", "MODERATE") && !account.holds("t", "more"));
        assert_eq!(account.held("less", &["more", "read", "MODERATE"]), ["read"]);
    }
}
