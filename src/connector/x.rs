//! X, through the API v2 (openapi 2.167).
//!
//! Source: X's own documentation (xdevplatform/docs 2871328) and recorded answers (tests/fixtures/connector/x).
//!
//! **Hiding** puts a reply behind a click: `PUT /2/tweets/{id}/hidden`. Only replies in conversations that the account
//! started can be hidden. No field of any answer tells whether a reply is hidden, so a hide stays unconfirmed until a
//! person has seen the page ([`Sighting::Untold`]).
//!
//! **Calls and money.** A poll costs 1 call for the account's own posts, 1 for each thirteen of its conversations of the
//! last seven days, and 1 for mentions: 3 calls for most accounts, 2 for one that is silent. Each post shown costs
//! money ($0.005, mentions $0.001), so lists are asked only for what is new; a silent account costs nothing.
//!
//! | fact of the platform | what is done |
//! |---|---|
//! | replies by `conversation_id:`, one query of 512 characters | thirteen conversations in a query |
//! | the search reaches seven days back | what comes later under older posts is seen only as a mention; a surface by hand |
//! | default fields are `id`, `text`, `edit_history_tweet_ids` | every field that is read is asked for; without a time, the id's own |
//! | long posts are cut in `text` | `note_tweet` is read |
//! | an edit gives a new id | the first id of the history stands for the post; a look asks for the newest |
//! | ids above 2^53 | texts everywhere; compared as 64-bit numbers |
//! | `result_count: 0` without `data` | an empty list |
//! | `data` and `errors` in one 200 | both are read: not found is gone, not authorised is no right |
//! | problem documents, and numbered errors of the API before | both are read |
//! | no field tells that a reply is hidden | `Untold`; our own memory holds |
//! | hiding in another's conversation is a 403 | refused |
//! | a program may answer only who named or quoted the account | looked up before; refused without a request where nobody did |
//! | only own posts can be deleted; blocking is not open to apps | neither is offered |
//! | windows of 15 minutes told in `x-rate-limit-*`; the documentation disagrees with itself | the headers win over our numbers, also those of a 429, which closes its own window only |
//! | pay per use, 3 million reads a month, no credit blocks all | [`READS_A_DAY`] reads a day are our own cap; 402, or 403 that speaks of credits, stops the account and asks for a person |
//! | the 24 h without charging twice are not promised | our count takes every post as charged |
//! | price class of hide, status without credit | not confirmed |
//! | keys last two hours; a refresh token is good for one use | renewed before use; the new one is in the file before it is used. One whose answer is lost is lost: a person must connect again |
//! | OAuth 1.0a keys | not handled: they cannot be narrowed to the scopes that are needed |
//! | webhooks and the activity API | not used: they need a public address, and each event is paid for |
//! | stored posts must go within a day when they go on X | everything of seven days is read again each day; what to keep is the account's storage rule in the configuration. Older comments are not looked at again: each would be paid for |
//! | `&amp;` in texts | kept as sent |
//! | direct messages, quotes, lists | not read; surfaces by hand |

mod sweep;
#[cfg(test)]
mod tests;
pub mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use secrecy::SecretString;
use serde_json::json;

use super::http::{Answer, Endpoint, Fetched, Heard, Http, Method, Request, TooMany};
use super::oauth::{Key, Naming};
use super::{
    Budget, Capabilities, Connector, ConnectorError, Cursor, Left, Look, MissingRight, Page, Purpose, Quota,
    Reading, Sighting, Standing, Surface, Target, Token, Unconfirmed, Window, permitted,
};
use crate::archive::Preserved;
use crate::clock::Clock;
use crate::domain::comment::{Media, Platform};
use crate::store::{Act, Intent};
use wire::{ProblemKind, Trouble};

const READS: &str = "posts read a day";
const SEARCH: &str = "searches in 15 minutes";
const MENTIONS: &str = "lists of mentions in 15 minutes";
const TIMELINE: &str = "lists of own posts in 15 minutes";
const LOOKUP: &str = "lookups in 15 minutes";
const ME: &str = "questions about the key in 15 minutes";
const HIDE: &str = "hides in 15 minutes";
const CREATE: &str = "answers in 15 minutes";

/// Our own cap on posts that are paid for, a day: ten dollars at the price of 2026.
pub const READS_A_DAY: u64 = 2_000;

/// Hosts that pictures and films lie on.
const MEDIA_HOSTS: [&str; 2] = ["pbs.twimg.com", "video.twimg.com"];

/// Every field that is read.
const FIELDS: [(&str, &str); 4] = [
    (
        "tweet.fields",
        "attachments,author_id,conversation_id,created_at,edit_history_tweet_ids,entities,in_reply_to_user_id,\
         note_tweet,referenced_tweets",
    ),
    ("expansions", "author_id,attachments.media_keys"),
    ("user.fields", "name,username"),
    ("media.fields", "type,url"),
];

/// The quotas of one account: X's windows for a user, until its headers say otherwise, and our own cap on what is paid.
pub fn budget(id: &str, reads_a_day: u64, clock: Clock) -> Budget {
    Budget::new(id, quotas(reads_a_day), clock)
}

/// The limits of one account: the windows of X's rate table, and how many reads a day the municipality pays for.
pub fn quotas(reads_a_day: u64) -> [Quota; 8] {
    let window = |name, limit, reserve| Quota {
        name,
        limit,
        window: Window::Rolling(Duration::from_mins(15)),
        reserve,
    };
    let reads = Quota { name: READS, limit: reads_a_day, window: Window::UtcDay, reserve: reads_a_day / 10 };
    [
        reads,
        window(SEARCH, 300, 0),
        window(MENTIONS, 300, 0),
        window(TIMELINE, 900, 0),
        window(LOOKUP, 900, 100),
        window(ME, 75, 0),
        window(HIDE, 50, 0),
        window(CREATE, 100, 0),
    ]
}

/// Takes over what the headers of any answer say of the window that the request was within, also those of a refusal. A
/// refusal closes that window only: how many reads a day are paid for is our own cap.
fn heed(heard: &Heard<'_>) -> Option<TooMany> {
    let window = *heard.costs.iter().find(|name| **name != READS)?;
    if let (Some(rate), Some(budget)) = (heard.answer.rate("x-rate-limit"), heard.budgets.last()) {
        budget.told(window, rate.used, Some(rate.limit), rate.resets_at);
    }
    (heard.answer.status == 429)
        .then(|| TooMany { wait: heard.answer.wait_at(Some(heard.now)), quotas: vec![window] })
}

/// Whether the answer says that the key is no longer taken.
fn is_refused(answer: &Answer) -> bool {
    matches!(wire::trouble(answer.status, &answer.body), Some((Trouble::Key, _)))
}

/// One account.
pub struct X {
    http: Http,
    api: Endpoint,
    /// The account's number.
    user: String,
    key: Key,
}

impl fmt::Debug for X {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("X")
            .field("api", &self.api.to_string())
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl X {
    /// The account with the number `user` at `api` (`https://api.x.com/2`), read and moderated with `token`, within
    /// `budget`.
    pub fn new(
        http: &Http,
        api: Endpoint,
        user: String,
        token: Arc<Token>,
        budget: Budget,
        clock: Clock,
    ) -> Self {
        let endpoint = api.with_path(&format!("{}/oauth2/token", api.path()));
        let key = Key::new(token, http.clone(), endpoint, Naming::Basic, clock);
        Self { http: http.within(budget).heard_by(heed), api, user, key }
    }

    /// Asks for posts, with the key renewed once if it is no longer taken; also gives the address.
    async fn get(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
        quota: &'static str,
        purpose: Purpose,
    ) -> Result<(Answer, String), ConnectorError> {
        // An account has other fields than a post, and X refuses those that it does not know.
        let fields: &[(&str, &str)] = if segments.contains(&"me") { &[] } else { &FIELDS };
        let ask = |key: SecretString| {
            let request = Request::get(&self.api, segments)
                .bearer(&key)
                .costs(quota, 1)
                .costs(READS, 1)
                .purpose(purpose);
            query.iter().chain(fields).fold(request, |request, (name, value)| request.query(name, value))
        };
        self.key.get(&self.http, ask, is_refused).await
    }

    /// The error for an answer that is none.
    #[expect(clippy::unused_self, reason = "the other connectors' has the same shape")]
    fn told(&self, answer: &Answer, (trouble, word): &(Trouble, String), writing: bool) -> ConnectorError {
        let told = |hint: &str| format!("{}: HTTP {} {word}: {hint}", answer.place(), answer.status);
        match trouble {
            Trouble::Slow => ConnectorError::RateLimited(answer.wait()),
            Trouble::Credits => ConnectorError::Unauthorized(told(
                "the app has no credits left, or the month's cap is reached; buy credits in X's developer console",
            )),
            Trouble::Key => {
                ConnectorError::Unauthorized(told("the key is no longer taken; connect the account again"))
            }
            Trouble::Right => ConnectorError::Unauthorized(told(
                "the key or the app lacks a right; needed are tweet.read, users.read, tweet.moderate.write and \
                 offline.access",
            )),
            Trouble::Later if writing => {
                ConnectorError::OutcomeUnknown(told("X is out of order for a while"))
            }
            Trouble::Later => ConnectorError::Unavailable(told("X is out of order for a while")),
            Trouble::Missing => ConnectorError::Refused(told("there is no such post or account")),
            Trouble::Refused if writing => ConnectorError::Refused(told(
                "X does not let the account do this: only replies in conversations that it started can be hidden, and \
                 only those who named it can be answered; or the key lacks tweet.moderate.write or tweet.write",
            )),
            // What is asked for is our own or public: a 403 is then about the key, whatever it says.
            Trouble::Refused if answer.status == 403 => ConnectorError::Unauthorized(told(
                "the key lacks a right; needed for reading are tweet.read and users.read",
            )),
            Trouble::Refused => ConnectorError::Refused(told("X does not take the request")),
            Trouble::Unknown if writing => ConnectorError::OutcomeUnknown(told("not an answer of the API")),
            Trouble::Unknown => ConnectorError::Malformed(told("not an answer of the API")),
        }
    }

    /// Looks up one post.
    async fn lookup(&self, id: &str) -> Result<(Answer, String, wire::Posts), ConnectorError> {
        let (answer, address) = self.get(&["tweets"], &[("ids", id)], LOOKUP, Purpose::Look).await?;
        if let Some(other) = wire::trouble(answer.status, &answer.body) {
            return Err(self.told(&answer, &other, false));
        }
        let posts = wire::posts(answer.place(), &answer.body, &self.user)?;
        Ok((answer, address, posts))
    }

    /// Sends one write about the comment that `proof` preserves.
    async fn write(
        &self,
        intent: &Intent,
        proof: &Preserved,
        request: Request,
        quota: &'static str,
    ) -> Result<Answer, ConnectorError> {
        let answer = self.key.write(&self.http, (intent, proof), request.costs(quota, 1), is_refused).await?;
        match wire::trouble(answer.status, &answer.body) {
            None => Ok(answer),
            Some(other) => Err(self.told(&answer, &other, true)),
        }
    }

    async fn set_hidden(
        &self,
        hidden: bool,
        (intent, proof, act): (&Intent, &Preserved, Act),
    ) -> Result<(), ConnectorError> {
        let id = permitted(intent, proof, act)?;
        let request = Request::new(Method::Put, &self.api, &["tweets", id, "hidden"])
            .json(&json!({ "hidden": hidden }));
        let answer = self.write(intent, proof, request, HIDE).await?;
        if wire::hidden(&answer.body) == Some(hidden) {
            return Ok(());
        }
        Err(ConnectorError::OutcomeUnknown(format!(
            "{}: the answer does not say that it was done",
            answer.place()
        )))
    }
}

/// What the platform lets us do.
pub const CAPABILITIES: Capabilities = Capabilities {
    hide: true,
    restore: true,
    remove: false,
    reply: true,
    shows_hidden: false,
    who_still_sees: "Svaret läggs bakom en knapp för dolda svar: alla som klickar där kan läsa det, och det syns \
                             som vanligt hos författaren. X talar inte om för Uppsikt att ett svar är dolt; en människa \
                             måste se efter på sidan.",
    surfaces: &[
        Surface { name: "svar i kontots trådar från de senaste sju dagarna", reading: Reading::EveryPass },
        Surface { name: "omnämnanden av kontot", reading: Reading::EveryPass },
        Surface {
            name: "svar i äldre trådar",
            reading: Reading::ByHand(
                "X sökning når sju dagar tillbaka; bara svar som nämner kontot ses senare",
            ),
        },
        Surface {
            name: "citat av kontots inlägg",
            reading: Reading::ByHand(
                "den som citerar skriver i sitt eget flöde, och varje läsning kostar pengar",
            ),
        },
        Surface {
            name: "direktmeddelanden",
            reading: Reading::ByHand("de kräver en rättighet som Uppsikt inte begär"),
        },
    ],
    unconfirmed: UNCONFIRMED,
};

#[async_trait]
impl Connector for X {
    fn platform(&self) -> Platform {
        Platform::X
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    async fn page(&self, from: Option<&Cursor>) -> Result<Page, ConnectorError> {
        sweep::page(self, from).await
    }

    async fn look(&self, target: &Target) -> Result<Look, ConnectorError> {
        let (mut answer, mut url, mut posts) = self.lookup(&target.native_id).await?;
        // What is shown by its first id may be its first text: the history names the newest.
        if let Some(newest) = newest_of(&answer).filter(|newest| *newest != target.native_id)
            && posts.posts.first().is_some_and(|post| post.newest != newest)
        {
            (answer, url, posts) = self.lookup(&newest).await?;
        }
        let date = answer.date;
        let without =
            |sighting| Look { sighting, seen: None, answer: None, exchange: None, url: url.clone(), date };
        if let Some(fault) = posts.faults.first() {
            return Err(ConnectorError::Malformed(format!("{}: {}", answer.place(), fault.reason)));
        }
        let Some(found) = posts.posts.pop() else {
            let about = |id: &Option<String>| id.is_none() || id.as_deref() == Some(&target.native_id);
            let told = posts.problems.iter().find(|problem| about(&problem.id)).map(|problem| problem.kind);
            return match told {
                Some(ProblemKind::NotFound) => Ok(without(Sighting::Gone)),
                Some(ProblemKind::NotAuthorized | ProblemKind::Other) => Ok(without(Sighting::NoRight)),
                None => Err(ConnectorError::Malformed(format!(
                    "{}: neither the post nor why it is not shown",
                    answer.place()
                ))),
            };
        };
        let mut seen = found.seen;
        if (seen.native_id != target.native_id && found.newest != target.native_id) || !posts.posts.is_empty()
        {
            return Err(ConnectorError::Malformed(format!("{}: not the one post asked for", answer.place())));
        }
        seen.native_id.clone_from(&target.native_id);
        seen.post_id.clone_from(&target.post_id);
        let exchange = answer.exchange();
        Ok(Look {
            sighting: Sighting::Untold,
            seen: Some(seen),
            answer: Some(answer.body),
            exchange,
            url,
            date,
        })
    }

    async fn look_at_post(&self, native_id: &str) -> Result<Sighting, ConnectorError> {
        let (_, _, posts) = self.lookup(native_id).await?;
        let problem = posts.problems.iter().find(|problem| problem.id.as_deref() == Some(native_id));
        Ok(match problem.map(|problem| problem.kind) {
            Some(ProblemKind::NotFound) => Sighting::Gone,
            Some(ProblemKind::NotAuthorized | ProblemKind::Other) => Sighting::NoRight,
            None if posts.posts.is_empty() => Sighting::Untold,
            None => Sighting::Public,
        })
    }

    async fn hide(&self, intent: &Intent, proof: &Preserved) -> Result<(), ConnectorError> {
        self.set_hidden(true, (intent, proof, Act::Hide)).await
    }

    async fn restore(&self, intent: &Intent, proof: &Preserved) -> Result<(), ConnectorError> {
        self.set_hidden(false, (intent, proof, Act::Restore)).await
    }

    async fn reply(&self, intent: &Intent, proof: &Preserved, text: &str) -> Result<String, ConnectorError> {
        let id = permitted(intent, proof, Act::Reply)?;
        let (answer, _, posts) = self.lookup(id).await?;
        if !posts.posts.first().is_some_and(|post| post.summons) {
            return Err(ConnectorError::Refused(format!(
                "{}: X lets a program answer only a post that names or quotes the account; answer by hand",
                answer.place()
            )));
        }
        let body = json!({ "text": text, "reply": { "in_reply_to_tweet_id": id } });
        let request = Request::new(Method::Post, &self.api, &["tweets"]).json(&body);
        let answer = self.write(intent, proof, request, CREATE).await?;
        wire::created(&answer.body).ok_or_else(|| {
            ConnectorError::OutcomeUnknown(format!("{}: the answer names no post", answer.place()))
        })
    }

    async fn standing(&self) -> Result<Standing, ConnectorError> {
        let (answer, _) = self.get(&["users", "me"], &[], ME, Purpose::Look).await?;
        if let Some(other) = wire::trouble(answer.status, &answer.body) {
            return Err(self.told(&answer, &other, false));
        }
        let (id, name) = wire::me(&answer.body).ok_or_else(|| {
            ConnectorError::Malformed(format!("{}: the answer names no account", answer.place()))
        })?;
        let missing = (id != self.user).then(|| MissingRight {
            right: "tweet.moderate.write".to_owned(),
            without: "nyckeln gäller ett annat konto: svar kan varken döljas eller visas igen".to_owned(),
            place: "logga in på X som kommunens konto och kör `uppsikt connect x`".to_owned(),
        });
        let grant = self.key.grant().await;
        Ok(Standing {
            name: Some(name.clone()),
            holder: Some(name),
            // The key itself lasts two hours and is renewed; only one that cannot be ends.
            expires_at: grant.expires_at.filter(|_| grant.refresh.is_none()),
            data_access_until: None,
            renewable_until: grant.refresh_expires_at,
            rights: Vec::new(),
            missing: missing.into_iter().collect(),
            date: answer.date,
        })
    }

    async fn renew(&self) -> Result<(), ConnectorError> {
        self.key.within(TimeDelta::minutes(20)).await.map(drop)
    }

    fn budgets(&self) -> Vec<Left> {
        self.http.budget().map(Budget::left).unwrap_or_default()
    }

    async fn media(&self, media: &Media, limit: usize) -> Result<Fetched, ConnectorError> {
        self.http.fetch(&media.url, &MEDIA_HOSTS, limit).await
    }
}

/// The last id in the history of the one post that an answer holds.
fn newest_of(answer: &Answer) -> Option<String> {
    let value: serde_json::Value = answer.json().ok()?;
    let history = value.pointer("/data/0/edit_history_tweet_ids")?.as_array()?;
    history.last()?.as_str().map(str::to_owned)
}

const UNCONFIRMED: &[Unconfirmed] = &[
    Unconfirmed {
        fact: "what a hide costs, and which answer comes when the credits are used up (402 or 403)",
        confirm: "PUT tweets/{id}/hidden on a reply from an account of one's own, then the usage in the developer console",
    },
    Unconfirmed {
        fact: "an ordinary reply, which names the account, counts as summoning it and may be answered",
        confirm: "POST tweets with in_reply_to_tweet_id for a reply under a post of one's own",
    },
    Unconfirmed {
        fact: "hidden replies stay in tweets/search/recent and in tweets?ids=",
        confirm: "GET tweets/search/recent?query=conversation_id:{id} after a reply was hidden",
    },
    Unconfirmed {
        fact: "tweets?ids= with the first id of an edited post shows the post, and hidden takes that id",
        confirm: "GET tweets?ids={first id} on a post of one's own that was edited",
    },
    Unconfirmed {
        fact: "a refresh token is good once and does not end by itself",
        confirm: "POST oauth2/token twice with the same refresh_token",
    },
];
