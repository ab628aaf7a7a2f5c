//! YouTube, through the Data API v3.
//!
//! Source: Google's discovery document (revision 20260427), the pages of the methods named below, and recorded answers
//! (tests/fixtures/connector/youtube). Every method needs the scope `youtube.force-ssl`.
//!
//! **Hiding** sets `moderationStatus=rejected`, restoring sets `published`. `heldForReview` could be listed again, but
//! it puts the comment in a queue that people empty in YouTube Studio. A rejected comment is in no list; only who knows
//! its id can publish it again, and Uppsikt keeps the id ([`Target::hidden_by_us`]).
//!
//! **Units.** A pass costs 1 unit (the newest hundred threads of the channel), every quarter of an hour 3 (what is held
//! back too), and at most [`WHOLE_UNITS`] units a day go to reading everything: polled every five minutes a channel
//! of up to a hundred threads costs at most 288 + 2 · 96 + 500 = 980 of the app's 10 000 units a day, plus 1 for each
//! thread whose replies changed. Of a larger one the published list is read to its end as often as the rest of
//! [`FURTHER_UNITS`] allows. A look costs 1 to 4, an act 50.
//!
//! | fact of the platform | what is done |
//! |---|---|
//! | one call a channel (`allThreadsRelatedToChannelId`), not one a video | asked so; exactly one filter is sent |
//! | the default view is `published` only | `heldForReview` and `likelySpam` are asked for in turn and arrive hidden |
//! | answers do not tell the state | inferred from the view asked; a field that tells it wins |
//! | `replies` holds a part only | `comments.list?parentId` where more are counted than came, if the count has moved |
//! | late replies under old threads are not first in `order=time` | passes that read the list to its end, and replies where a thread's count moved; the others say that they did not |
//! | edits of replies and deletions do not even move a count upwards | sweeps that read everything; only they say `listed` |
//! | a reply deleted and another written in between leave the count as it was | the new one is found if it comes along with its thread, else by the sweep that reads everything |
//! | `totalResults` is of the page | not read |
//! | `pageInfo` may lack `totalResults`, `items` may be missing | neither is needed |
//! | a page token may be worn out | the list is begun anew, once |
//! | `moderationStatus` is not set by id | a look that finds it asks the list of published comments too |
//! | rejected comments cannot be listed | absent after our own hide means hidden; the id is kept |
//! | absent: deleted, rejected by a person, or out of reach | what the same key reads under the same video tells the last apart; the first two cannot be told apart and are `Gone`, and seen again when they come back |
//! | `textOriginal` only to the author, `textDisplay` is HTML by default | `textFormat=plainText` and `textDisplay`; entities in plain text are the writer's own and stay |
//! | comments on the channel have no `videoId`, those on posts a `postId` | the post is then the channel, or the post |
//! | reply id = parent `.` child; one level of replies | the parent is taken from it where it is not named |
//! | dates with and without fractions | both are read |
//! | `banAuthor` does not work reliably, and is no moderation of a comment | never sent |
//! | `likelySpam` cannot be set; `markAsSpam` exists | neither is used: it would report the writer |
//! | one call takes many ids | one comment an intent, so one id a call, 50 units each |
//! | 204 without a body | any 2xx without an error is taken as done |
//! | 10 000 units a day until midnight in Los Angeles, also for invalid calls; no header | counted before each call; `quotaExceeded` empties our count |
//! | `search.list` and `videos.insert` have quotas of their own | not used |
//! | `error` as an object or as a text | both are read |
//! | code and reason disagree (403 `SERVICE_UNAVAILABLE`) | what a person must act on is believed |
//! | `processingFailure` is a 400 and lasts for days | as an outage; after a write as an unknown outcome |
//! | `commentsDisabled` | one video's affair: told, and no failure of the account |
//! | keys last an hour | renewed; see [`crate::connector::oauth`] |
//! | a refresh token ends after 7 days while the app is in Testing, after 6 months unused | the refusal says "connect again"; no answer tells the day, so it cannot be warned of |
//! | a thread with `isPublic: false` | not handled: it means the video is private, not that the comment is hidden |
//! | no webhook for comments | polled |
//! | the storage rule of 30 days | not here: the account's storage rule in the configuration |
//! | replies under a rejected comment are hidden with it | not written as hidden one by one: they are `Gone` from the lists and come back with it |

mod sweep;
#[cfg(test)]
mod tests;
pub mod wire;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;

use super::http::{Answer, Endpoint, Http, Method, Request};
use super::oauth::{Key, Naming};
use super::{
    Budget, Capabilities, Connector, ConnectorError, Cursor, Left, Look, MissingRight, Page, Purpose, Quota,
    Reading, Sighting, Standing, Surface, Target, Token, Unconfirmed, Window, permitted,
};
use crate::archive::Preserved;
use crate::clock::Clock;
use crate::domain::comment::{Platform, Visibility};
use crate::store::{Act, Intent};
use wire::{Above, Trouble, View};

/// The quota's name.
const UNITS: &str = "units a day";

/// What a write costs.
const WRITE: u64 = 50;

/// Units a day for sweeps that read everything, and the looks that follow from them, at most.
pub const WHOLE_UNITS: u64 = 500;

/// Units a day for all that is read beyond the newest threads: half of what polling may spend. Channels share it.
pub const FURTHER_UNITS: u64 = 4_250;

/// How long it is believed that the comments of a post can be read, in minutes.
const READABLE: TimeDelta = TimeDelta::minutes(30);

/// Pages of a list that a look reads to find out how a comment stands.
const LOOK_PAGES: usize = 3;

/// The quota of one app: 10 000 units a day, of which polling leaves 1 500 to looks and thirty acts.
pub fn budget(id: &str, clock: Clock) -> Budget {
    Budget::new(id, quotas(), clock)
}

/// The limits of one app: 10 000 units a day until midnight in Los Angeles.
pub fn quotas() -> [Quota; 1] {
    [Quota { name: UNITS, limit: 10_000, window: Window::PacificDay, reserve: 1_500 }]
}

/// Where Google renews keys: at a host of its own; on this machine (the sandbox) beside the API.
pub fn token_endpoint(api: &Endpoint) -> Endpoint {
    match Endpoint::parse("https://oauth2.googleapis.com/token") {
        Ok(google) if !api.is_loopback() => google,
        _ => api.with_path(&format!("{}/token", api.path().trim_end_matches("/v3"))),
    }
}

/// Whether the answer says that the key is no longer taken.
fn is_refused(answer: &Answer) -> bool {
    matches!(wire::trouble(answer.status, &answer.body), Some((Trouble::Key, _)))
}

/// One channel.
pub struct Youtube {
    http: Http,
    api: Endpoint,
    channel: String,
    key: Key,
    whole_units_a_day: u64,
    wide_units_a_day: u64,
    /// Units that looks have cost since the last sweep of everything.
    looks: AtomicU64,
    /// Posts whose comments our key was seen to read, and when.
    readable: Mutex<HashMap<String, DateTime<Utc>>>,
}

impl fmt::Debug for Youtube {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Youtube")
            .field("api", &self.api.to_string())
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

impl Youtube {
    /// The channel `channel` (`UC…`) at `api`, read and moderated with `token`, within the app's `budget`.
    pub fn new(
        http: &Http,
        api: Endpoint,
        channel: String,
        token: Arc<Token>,
        budget: Budget,
        clock: Clock,
    ) -> Self {
        let key = Key::new(token, http.clone(), token_endpoint(&api), Naming::Form, clock);
        Self {
            http: http.within(budget),
            api,
            channel,
            key,
            whole_units_a_day: WHOLE_UNITS,
            wide_units_a_day: FURTHER_UNITS - WHOLE_UNITS,
            looks: AtomicU64::new(0),
            readable: Mutex::default(),
        }
    }

    /// Gives what is read beyond the newest threads another share of the day's units: an app with many channels has less
    /// for each. Half of it, and at most [`WHOLE_UNITS`], goes to sweeps that read everything.
    #[must_use]
    pub fn with_further_units(self, units_a_day: u64) -> Self {
        let whole = WHOLE_UNITS.min(units_a_day / 2).max(1);
        Self { whole_units_a_day: whole, wide_units_a_day: units_a_day.saturating_sub(whole).max(1), ..self }
    }

    /// Asks, with the key renewed once if it is no longer taken; also gives the address.
    async fn get(
        &self,
        method: &str,
        query: &[(&str, &str)],
        purpose: Purpose,
    ) -> Result<(Answer, String), ConnectorError> {
        let ask = |key: SecretString| {
            let request = Request::get(&self.api, &[method]).bearer(&key).costs(UNITS, 1).purpose(purpose);
            query.iter().fold(request, |request, (name, value)| request.query(name, value))
        };
        if purpose != Purpose::Poll {
            self.looks.fetch_add(1, Ordering::Relaxed);
        }
        self.key.get(&self.http, ask, is_refused).await
    }

    /// The error for an answer that is none.
    fn told(&self, answer: &Answer, (trouble, word): &(Trouble, String), writing: bool) -> ConnectorError {
        let told = |hint: &str| format!("{}: HTTP {} {word}: {hint}", answer.place(), answer.status);
        match trouble {
            Trouble::Quota => ConnectorError::RateLimited(self.until_midnight(answer)),
            Trouble::Slow => ConnectorError::RateLimited(answer.wait()),
            Trouble::Key => {
                ConnectorError::Unauthorized(told("the key is no longer taken; connect the account again"))
            }
            Trouble::Right if writing && word == "forbidden" => {
                ConnectorError::Refused(told("the channel does not moderate this comment"))
            }
            Trouble::Right => ConnectorError::Unauthorized(told(
                "the key lacks a right; needed is youtube.force-ssl, given by the channel's owner",
            )),
            Trouble::Later if writing => {
                ConnectorError::OutcomeUnknown(told("YouTube is out of order for a while"))
            }
            Trouble::Later => ConnectorError::Unavailable(told("YouTube is out of order for a while")),
            Trouble::Missing => ConnectorError::Refused(told("there is no such comment or video")),
            Trouble::Disabled => ConnectorError::Refused(told("comments are turned off there")),
            Trouble::Page | Trouble::Refused => {
                ConnectorError::Refused(told("YouTube does not take the request"))
            }
            Trouble::Unknown if writing => ConnectorError::OutcomeUnknown(told("not an answer of the API")),
            Trouble::Unknown => ConnectorError::Malformed(told("not an answer of the API")),
        }
    }

    /// How long the day's units are gone. No header tells it: the quota is whole at midnight in Los Angeles.
    fn until_midnight(&self, answer: &Answer) -> std::time::Duration {
        let Some(budget) = self.http.budget() else { return answer.wait() };
        let Some(left) = budget.left().into_iter().find(|left| left.name.ends_with(UNITS)) else {
            return answer.wait();
        };
        budget.told(UNITS, left.limit, None, left.resets_at);
        let wait = left.resets_at.and_then(|at| (at - self.key.now()).to_std().ok());
        wait.unwrap_or_else(|| answer.wait())
    }

    /// One list of comments for a look, page by page until `found` says something or the list ends.
    async fn list_until<T>(
        &self,
        method: &str,
        query: &[(&str, &str)],
        found: impl Fn(&Answer) -> Result<(Option<T>, Option<String>), ConnectorError> + Send + Sync,
    ) -> Result<Ended<T>, ConnectorError> {
        let mut on: Option<String> = None;
        for _ in 0..LOOK_PAGES {
            let mut query = query.to_vec();
            if let Some(on) = &on {
                query.push(("pageToken", on));
            }
            let (answer, _) = self.get(method, &query, Purpose::Look).await?;
            match wire::trouble(answer.status, &answer.body) {
                None => {}
                Some((Trouble::Missing | Trouble::Disabled | Trouble::Page | Trouble::Refused, _)) => {
                    return Ok(Ended::Untold);
                }
                Some(other) => return Err(self.told(&answer, &other, false)),
            }
            let (result, next) = found(&answer)?;
            match (result, next) {
                (Some(result), _) => return Ok(Ended::Found(result)),
                (None, Some(next)) => on = Some(next),
                (None, None) => return Ok(Ended::Absent),
            }
        }
        Ok(Ended::Untold)
    }

    /// How a comment stands that a look by id found: whether the list of published comments shows it.
    async fn published(
        &self,
        target: &Target,
        created_at: DateTime<Utc>,
    ) -> Result<Sighting, ConnectorError> {
        let above = Above { channel: &self.channel, post: Some(&target.post_id) };
        let ended = if let Some(parent) = &target.parent_id {
            let query = [("part", "id,snippet"), ("parentId", parent.as_str()), ("maxResults", "100")];
            self.list_until("comments", &query, |answer| {
                let read = wire::comments(answer.place(), &answer.body, above, View::Published)?;
                let found = read.comments.iter().find(|seen| seen.native_id == target.native_id);
                Ok((found.map(|seen| seen.visibility), read.next))
            })
            .await?
        } else {
            let (name, value) = self.filter(&target.post_id);
            let query = [
                ("part", "id,snippet"),
                (name, value),
                ("moderationStatus", "published"),
                ("order", "time"),
                ("maxResults", "100"),
            ];
            self.list_until("commentThreads", &query, |answer| {
                let read = wire::threads(answer.place(), &answer.body, &self.channel, View::Published)?;
                let found = read.threads.iter().find(|thread| thread.top.native_id == target.native_id);
                let passed = read.threads.last().is_some_and(|last| last.top.created_at < created_at);
                // Past its place in a list by time there is no more to find.
                Ok((found.map(|thread| thread.top.visibility), read.next.filter(|_| !passed)))
            })
            .await?
        };
        Ok(match ended {
            Ended::Found(Visibility::Hidden) | Ended::Absent if target.hidden_by_us => Sighting::Hidden,
            Ended::Found(Visibility::Hidden) => Sighting::Hidden,
            Ended::Absent => Sighting::NotListed,
            // The list of a thread's replies may show the owner more than others see.
            Ended::Found(_) if target.parent_id.is_some() && target.hidden_by_us => Sighting::Untold,
            Ended::Found(_) => Sighting::Public,
            Ended::Untold => Sighting::Untold,
        })
    }

    /// The one filter that a list of threads is asked with, for a post that is a video, a channel's post or the channel.
    fn filter<'a>(&self, post: &'a str) -> (&'static str, &'a str) {
        if post == self.channel {
            ("channelId", post)
        } else if wire::is_video(post) {
            ("videoId", post)
        } else {
            ("postId", post)
        }
    }

    /// Why a comment is not there: hidden by us, gone, or out of our reach.
    async fn absence(&self, target: &Target) -> Result<Sighting, ConnectorError> {
        let absent = if target.hidden_by_us { Sighting::Hidden } else { Sighting::Gone };
        let now = self.key.now();
        if let Some(at) = self.readable().get(&target.post_id)
            && now - *at < READABLE
        {
            return Ok(absent);
        }
        let (name, value) = self.filter(&target.post_id);
        let query = [("part", "id"), (name, value), ("maxResults", "1")];
        let (answer, _) = self.get("commentThreads", &query, Purpose::Look).await?;
        match wire::trouble(answer.status, &answer.body) {
            None => {
                wire::count(answer.place(), &answer.body)?;
                let mut readable = self.readable();
                readable.retain(|_, at| now - *at < READABLE);
                readable.insert(target.post_id.clone(), now);
                Ok(absent)
            }
            // The video is gone, and its comments with it.
            Some((Trouble::Missing, _)) => Ok(Sighting::Gone),
            Some((Trouble::Disabled | Trouble::Right | Trouble::Refused, _)) => Ok(Sighting::NoRight),
            Some(other) => Err(self.told(&answer, &other, false)),
        }
    }

    fn readable(&self) -> std::sync::MutexGuard<'_, HashMap<String, DateTime<Utc>>> {
        self.readable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends one write about the comment that `proof` preserves.
    async fn write(
        &self,
        (intent, proof, act): (&Intent, &Preserved, Act),
        ask: impl FnOnce(&str) -> Request + Send,
    ) -> Result<Answer, ConnectorError> {
        let id = permitted(intent, proof, act)?;
        let request = ask(id).costs(UNITS, WRITE);
        let answer = self.key.write(&self.http, (intent, proof), request, is_refused).await?;
        match wire::trouble(answer.status, &answer.body) {
            None => Ok(answer),
            Some(other) => Err(self.told(&answer, &other, true)),
        }
    }

    async fn set_status(
        &self,
        status: &str,
        permit: (&Intent, &Preserved, Act),
    ) -> Result<(), ConnectorError> {
        self.write(permit, |id| {
            Request::new(Method::Post, &self.api, &["comments", "setModerationStatus"])
                .query("id", id)
                .query("moderationStatus", status)
        })
        .await
        .map(drop)
    }
}

/// How a list for a look ended.
enum Ended<T> {
    Found(T),
    Absent,
    Untold,
}

/// What the platform lets us do.
pub const CAPABILITIES: Capabilities = Capabilities {
    hide: true,
    restore: true,
    remove: false,
    reply: true,
    shows_hidden: true,
    who_still_sees: "Ingen utom den som skrev kommentaren, som kan fortsätta se den när den är inloggad. Svaren \
                             under kommentaren döljs också. Kommentaren syns inte heller i YouTube Studio: bara \
                             Uppsikt, som minns dess id, kan visa den igen.",
    surfaces: &[
        Surface {
            name: "nya kommentarer under kanalens filmer, och svar i de hundra senaste trådarna",
            reading: Reading::EveryPass,
        },
        Surface {
            name: "kommentarer som YouTube håller inne: de hundra senaste, varje kvart",
            reading: Reading::EveryPass,
        },
        Surface {
            name: "svar i äldre trådar: så ofta kvoten räcker, minst en gång om dygnet",
            reading: Reading::Swept,
        },
        Surface {
            name: "borttagna kommentarer, ändrade svar och äldre som hålls inne: så ofta kvoten räcker, minst en gång i \
                   veckan om den räcker till det",
            reading: Reading::Swept,
        },
        Surface {
            name: "livechatt",
            reading: Reading::ByHand(
                "Uppsikt läser inte livechattens gränssnitt, som kräver ständig anslutning",
            ),
        },
        Surface {
            name: "kommentarer under inlägg på fliken Inlägg",
            reading: Reading::ByHand("det är inte bekräftat att kanalens lista innehåller dem"),
        },
        Surface {
            name: "filmer där kommentarer är avstängda",
            reading: Reading::ByHand("gränssnittet visar inte vad som stod där"),
        },
    ],
    unconfirmed: UNCONFIRMED,
};

#[async_trait]
impl Connector for Youtube {
    fn platform(&self) -> Platform {
        Platform::Youtube
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    async fn page(&self, from: Option<&Cursor>) -> Result<Page, ConnectorError> {
        sweep::page(self, from).await
    }

    async fn look(&self, target: &Target) -> Result<Look, ConnectorError> {
        let query = [("part", "id,snippet"), ("id", target.native_id.as_str()), ("textFormat", "plainText")];
        let (answer, url) = self.get("comments", &query, Purpose::Look).await?;
        let date = answer.date;
        let without =
            |sighting| Look { sighting, seen: None, answer: None, exchange: None, url: url.clone(), date };
        match wire::trouble(answer.status, &answer.body) {
            None => {}
            Some((Trouble::Missing, _)) => return Ok(without(self.absence(target).await?)),
            Some((Trouble::Disabled, _)) => return Ok(without(Sighting::NoRight)),
            Some((Trouble::Right, word)) if word == "forbidden" => {
                return Ok(without(Sighting::NoRight));
            }
            Some(other) => return Err(self.told(&answer, &other, false)),
        }
        let above = Above { channel: &self.channel, post: Some(&target.post_id) };
        let mut read = wire::comments(answer.place(), &answer.body, above, View::ById)?;
        if let Some(fault) = read.faults.first() {
            return Err(ConnectorError::Malformed(format!("{}: {}", answer.place(), fault.reason)));
        }
        let Some(mut seen) = read.comments.pop() else {
            let sighting = self.absence(target).await?;
            let exchange = answer.exchange();
            return Ok(Look { answer: Some(answer.body), exchange, ..without(sighting) });
        };
        if seen.native_id != target.native_id || !read.comments.is_empty() {
            return Err(ConnectorError::Malformed(format!(
                "{}: not the one comment asked for",
                answer.place()
            )));
        }
        seen.post_id.clone_from(&target.post_id);
        let sighting = match seen.visibility {
            Visibility::Public => Sighting::Public,
            Visibility::Hidden => Sighting::Hidden,
            Visibility::Unknown => self.published(target, seen.created_at).await?,
        };
        if sighting == Sighting::Public {
            seen.visibility = Visibility::Public;
        } else if sighting.is_hidden() {
            seen.visibility = Visibility::Hidden;
        }
        let exchange = answer.exchange();
        Ok(Look { sighting, seen: Some(seen), answer: Some(answer.body), exchange, url, date })
    }

    async fn hide(&self, intent: &Intent, proof: &Preserved) -> Result<(), ConnectorError> {
        self.set_status("rejected", (intent, proof, Act::Hide)).await
    }

    async fn restore(&self, intent: &Intent, proof: &Preserved) -> Result<(), ConnectorError> {
        self.set_status("published", (intent, proof, Act::Restore)).await
    }

    async fn reply(&self, intent: &Intent, proof: &Preserved, text: &str) -> Result<String, ConnectorError> {
        let answer = self
            .write((intent, proof, Act::Reply), |id| {
                // There is one level of replies: an answer to a reply stands beside it.
                let parent = id.split_once('.').map_or(id, |(parent, _)| parent);
                let body = serde_json::json!({ "snippet": { "parentId": parent, "textOriginal": text } });
                Request::new(Method::Post, &self.api, &["comments"]).query("part", "id,snippet").json(&body)
            })
            .await?;
        wire::inserted(&answer.body).ok_or_else(|| {
            ConnectorError::OutcomeUnknown(format!("{}: the answer names no comment", answer.place()))
        })
    }

    async fn standing(&self) -> Result<Standing, ConnectorError> {
        let query = [("part", "id,snippet"), ("mine", "true")];
        let (answer, _) = self.get("channels", &query, Purpose::Look).await?;
        if let Some(other) = wire::trouble(answer.status, &answer.body) {
            return Err(self.told(&answer, &other, false));
        }
        let channels = wire::channels(answer.place(), &answer.body)?;
        let ours = channels.iter().find(|(id, _)| *id == self.channel);
        let holder = ours.or(channels.first()).map(|(_, title)| title.clone());
        let missing = ours.is_none().then(|| MissingRight {
            right: "youtube.force-ssl".to_owned(),
            without: "nyckeln gäller inte den här kanalen: kommentarer kan varken döljas eller visas igen"
                .to_owned(),
            place: "kör `uppsikt connect youtube` och välj rätt kanal i Googles fönster".to_owned(),
        });
        let grant = self.key.grant().await;
        Ok(Standing {
            holder,
            // The key itself lasts an hour and is renewed; only one that cannot be ends.
            expires_at: grant.expires_at.filter(|_| grant.refresh.is_none()),
            data_access_until: None,
            renewable_until: grant.refresh_expires_at,
            rights: Vec::new(),
            missing: missing.into_iter().collect(),
            date: answer.date,
            name: ours.map(|(_, title)| title.clone()),
        })
    }

    async fn renew(&self) -> Result<(), ConnectorError> {
        self.key.within(TimeDelta::minutes(10)).await.map(drop)
    }

    fn budgets(&self) -> Vec<Left> {
        self.http.budget().map(Budget::left).unwrap_or_default()
    }
}

const UNCONFIRMED: &[Unconfirmed] = &[
    Unconfirmed {
        fact: "a rejected comment can be published again by its id, and is in no list",
        confirm: "POST comments/setModerationStatus?id={id}&moderationStatus=rejected on a trial comment of one's own, then GET comments?id={id} and POST …=published",
    },
    Unconfirmed {
        fact: "one call of setModerationStatus takes one id at least (how many more is not used)",
        confirm: "the same call",
    },
    Unconfirmed {
        fact: "replies under a comment that is held back (heldForReview) stand in the same list",
        confirm: "GET commentThreads?part=replies&moderationStatus=heldForReview on a channel with such a reply",
    },
    Unconfirmed {
        fact: "comments under posts on the tab Posts are part of allThreadsRelatedToChannelId",
        confirm: "GET commentThreads?allThreadsRelatedToChannelId={channel} on a channel with a post that has comments",
    },
    Unconfirmed {
        fact: "quotaExceeded comes with 403 and domain youtube.quota, commentsDisabled with 403",
        confirm: "GET commentThreads?videoId={id} on a film whose comments are turned off; the quota shows only when it is used up",
    },
    Unconfirmed {
        fact: "comments may be stored for longer than 30 days where the archives act demands it",
        confirm: "read YouTube API Services Developer Policies, section III.E.4, as in force",
    },
];
