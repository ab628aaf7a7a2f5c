//! LinkedIn pages, through the Community Management API.
//!
//! Source: the heads of LinkedIn's own pages (Comments API, pagination, notifications); everything else from other
//! people's notes and clients, and therefore not confirmed ([`Capabilities::unconfirmed`]). No payload is recorded:
//! the samples in tests/fixtures/connector/linkedin are made by hand from the fact sheet.
//!
//! **There is no hide.** Closing the comments of a post (`commentsState: CLOSED`) deletes those that stand there, so it
//! is never sent. What must go can only be removed, and whether a page may remove another member's comment is not
//! confirmed: [`Linkedin::with_confirmed_removal`] is off unless the municipality has tried it.
//!
//! **Calls.** A pass costs 1 call for each post younger than a week, 2 for older posts in turn and 1 an hour for the
//! list of posts, and 1 for each comment whose number of answers has moved: with three posts a week and a poll every
//! half hour 48 · 5 + 24 = 264 a day. The development tier allows 500 a day for the app and 100 for the person: with it
//! a page is polled every other hour. When the day's calls go faster than the day, a pass reads less and says so.
//!
//! | fact of the platform | what is done |
//! |---|---|
//! | `Linkedin-Version` is mandatory and lives about a year | [`VERSION`], to be replaced by [`Linkedin::with_version`]; HTTP 426 says that it has ended |
//! | `X-Restli-Protocol-Version: 2.0.0` | on every call |
//! | URNs in the path escaped, with `:` `(` `)` `,` | every segment is escaped so |
//! | posts, comments, answers to comments: lists of their own; two levels | read so; answers where their number moved |
//! | `commentUrn` or `$URN`; long and short URNs | both are read; ids are the long form |
//! | `object` is the activity, not the share asked for | the post is the one asked for |
//! | no author names for page apps | `Author::name` is absent; the actor's URN is kept |
//! | a list ends with fewer than `count` or without a link to the next | so; `total` is not read |
//! | `created.time` in milliseconds | read so |
//! | the role `RECRUITING_POSTER`, or none, gets empty lists, not an error | the roles are asked for once a day; without a reading role the account is unauthorised |
//! | 65600, 65601, 401 | the key is renewed once, else a person must connect again |
//! | 403: no longer administrator | unauthorised; for one comment: no right |
//! | 429: by the minute, by the day, and with no certain `Retry-After` | waits as told; where its words speak of the day, until midnight UTC, for the app or the person that they name; else a minute |
//! | 500 calls a day an app, 100 a person (development tier); no headers; midnight UTC | counted before each call; the e-mail at 75 % is not read |
//! | keys last 60 days, refresh tokens 365 from the first grant, never longer, for approved partners only | renewed a fortnight before the end; the end of a refresh token is never moved; without one a person is warned by the key's end |
//! | asking for another set of scopes ends all earlier keys | not handled here: `connect` asks for one set only |
//! | `CLOSED` deletes comments | never sent |
//! | batch get is off in the development tier | not used |
//! | new comment: 201 with the id in `x-restli-id` | read from there, else from the body |
//! | notifications and webhooks | not used: off in the development tier, single-sourced, and only for public posts |
//! | members' activity may be kept 48 hours | not here: the account's storage rule in the configuration |

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

use super::http::{Answer, Endpoint, Fetched, Heard, Http, Method, Request, TooMany};
use super::oauth::{Key, Naming};
use super::{
    Budget, Capabilities, Connector, ConnectorError, Cursor, Left, Look, MissingRight, Page, Purpose, Quota,
    Reach, Reading, Sighting, Standing, Surface, Target, Token, Unconfirmed, Window, permitted,
};
use crate::archive::Preserved;
use crate::clock::Clock;
use crate::domain::comment::{Media, Platform};
use crate::store::{Act, Intent};
use wire::Trouble;

/// The version of the API that this connector was written for; each ends about a year after its month.
pub const VERSION: &str = "202607";

/// The quota of the app.
const CALLS: &str = "calls a day";

/// The quota of the person behind the key.
const BY_PERSON: &str = "calls a day by the person";

/// What the development tier allows an app a day.
pub const CALLS_A_DAY: u64 = 500;

/// Posts younger than so many days are read in every pass, unless the account says otherwise.
pub const YOUNG_DAYS: u32 = 7;

/// What the development tier allows one person a day.
pub const CALLS_A_DAY_BY_PERSON: u64 = 100;

/// Roles that may read comments.
const READERS: [&str; 2] = ["ADMINISTRATOR", "DIRECT_SPONSORED_CONTENT_POSTER"];

/// Hosts that pictures lie on.
const MEDIA_HOSTS: [&str; 1] = ["licdn.com"];

/// A key is renewed when it has less than this left.
const RENEW: TimeDelta = TimeDelta::days(14);

/// The quota of one app in the development tier, of which polling leaves 60 to looks and acts. The standard tier's is
/// not published; where the developer portal shows more, `calls_a_day` may be more.
pub fn budget(id: &str, calls_a_day: u64, clock: Clock) -> Budget {
    Budget::new(id, quotas(calls_a_day), clock)
}

/// The limits of one app: so many calls a day until midnight UTC.
pub fn quotas(calls_a_day: u64) -> [Quota; 1] {
    [quota(CALLS, calls_a_day)]
}

/// The limits of the person behind a key, which all accounts read with that key share.
pub fn quotas_by_person(calls_a_day: u64) -> [Quota; 1] {
    [quota(BY_PERSON, calls_a_day)]
}

fn quota(name: &'static str, limit: u64) -> Quota {
    Quota { name, limit, window: Window::UtcDay, reserve: limit * 12 / 100 }
}

/// What a 429 says. LinkedIn has limits by the minute and by the day, and sends no usage headers and no certain
/// `Retry-After`; the day's is told in words: "Resource level throttle APPLICATION DAY limit for calls to this resource is
/// reached", or MEMBER. Then nothing is asked before midnight UTC, and only of who has reached it.
fn heed(heard: &Heard<'_>) -> Option<TooMany> {
    if heard.answer.status != 429 {
        return None;
    }
    let words = String::from_utf8_lossy(&heard.answer.body);
    let says = |word: &str| words.split(|c: char| !c.is_ascii_alphanumeric()).any(|said| said == word);
    let quotas = match (says("APPLICATION"), says("MEMBER")) {
        (true, false) => vec![CALLS],
        (false, true) => vec![BY_PERSON],
        _ => vec![CALLS, BY_PERSON],
    };
    let told = heard.answer.wait_at(Some(heard.now));
    let midnight = (Window::UtcDay.end(heard.now) - heard.now).to_std().unwrap_or(Duration::from_hours(1));
    let is_told = heard.answer.header("retry-after").is_some();
    let wait = if says("DAY") && !is_told { midnight.max(told) } else { told };
    Some(TooMany { wait, quotas })
}

/// Where LinkedIn renews keys: at another host than the API; on this machine (the sandbox) beside the API.
pub fn token_endpoint(api: &Endpoint) -> Endpoint {
    match Endpoint::parse("https://www.linkedin.com/oauth/v2/accessToken") {
        Ok(linkedin) if !api.is_loopback() => linkedin,
        _ => api.with_path(&format!("{}/oauth/v2/accessToken", api.path().trim_end_matches("/rest"))),
    }
}

/// Whether the answer says that the key is no longer taken.
fn is_refused(answer: &Answer) -> bool {
    matches!(wire::trouble(answer.status, &answer.body), Some((Trouble::Key, _)))
}

/// One organisation page.
pub struct Linkedin {
    http: Http,
    api: Endpoint,
    /// `urn:li:organization:…`.
    organization: String,
    key: Key,
    version: String,
    confirmed_removal: bool,
    reach: Reach,
}

impl fmt::Debug for Linkedin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linkedin")
            .field("api", &self.api.to_string())
            .field("organization", &self.organization)
            .field("version", &self.version)
            .field("confirmed_removal", &self.confirmed_removal)
            .finish_non_exhaustive()
    }
}

/// Whether one of the roles may read comments.
fn reads(roles: &[String]) -> bool {
    roles.iter().any(|role| READERS.contains(&role.as_str()))
}

impl Linkedin {
    /// The page of the organisation with this number or URN at `api`, read with `token`, within the app's `budget`.
    pub fn new(
        http: &Http,
        api: Endpoint,
        id: &str,
        token: Arc<Token>,
        budget: Budget,
        clock: Clock,
    ) -> Self {
        let organization =
            if id.starts_with("urn:") { id.to_owned() } else { format!("urn:li:organization:{id}") };
        let key = Key::new(token, http.clone(), token_endpoint(&api), Naming::Form, clock);
        Self {
            http: http.within(budget).heard_by(heed),
            api,
            organization,
            key,
            version: VERSION.to_owned(),
            confirmed_removal: false,
            reach: Reach { horizon: Some(YOUNG_DAYS), ..Reach::default() },
        }
    }

    /// Also within what the person behind the key may ask.
    #[must_use]
    pub fn within(self, person: Budget) -> Self {
        Self { http: self.http.within(person), ..self }
    }

    /// Speaks another version of the API (`YYYYMM`).
    #[must_use]
    pub fn with_version(self, version: &str) -> Self {
        Self { version: version.to_owned(), ..self }
    }

    /// Reads this far back in every pass, and older posts this often.
    #[must_use]
    pub fn reaching(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }

    /// Lets comments of others be removed: only after somebody has tried it on the municipality's own page.
    #[must_use]
    pub fn with_confirmed_removal(self, confirmed: bool) -> Self {
        Self { confirmed_removal: confirmed, ..self }
    }

    fn request(&self, method: Method, segments: &[&str]) -> Request {
        Request::new(method, &self.api, segments)
            .header("linkedin-version", &self.version)
            .header("x-restli-protocol-version", "2.0.0")
            .costs(CALLS, 1)
            .costs(BY_PERSON, 1)
    }

    /// Whether the day's calls go faster than the day.
    fn is_ahead(&self) -> bool {
        self.http.budgets().iter().any(|budget| budget.is_ahead(CALLS) || budget.is_ahead(BY_PERSON))
    }

    /// Asks, with the key renewed once if it is no longer taken; also gives the address.
    async fn get(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
        purpose: Purpose,
    ) -> Result<(Answer, String), ConnectorError> {
        let ask = |key: SecretString| {
            let request = self.request(Method::Get, segments).bearer(&key).purpose(purpose);
            query.iter().fold(request, |request, (name, value)| request.query(name, value))
        };
        self.key.get(&self.http, ask, is_refused).await
    }

    /// The roles of the person behind the key.
    async fn acls(&self, purpose: Purpose) -> Result<(Answer, String), ConnectorError> {
        self.get(&["organizationAcls"], &[("q", "roleAssignee"), ("start", "0"), ("count", "100")], purpose)
            .await
    }

    /// The page's name, as visitors see it; `None` where LinkedIn does not tell it, which costs nothing else.
    async fn name(&self) -> Option<String> {
        let number = self.organization.rsplit(':').next().unwrap_or_default();
        let asked = self.get(&["organizations", number], &[], Purpose::Look).await;
        let (answer, _) =
            asked.inspect_err(|error| tracing::debug!(%error, "the page's name is not told")).ok()?;
        if wire::trouble(answer.status, &answer.body).is_some() {
            return None;
        }
        wire::name(&answer.body)
    }

    /// The error for an answer that is none.
    #[expect(clippy::unused_self, reason = "the other connectors' has the same shape")]
    fn told(&self, answer: &Answer, (trouble, word): &(Trouble, String), writing: bool) -> ConnectorError {
        let told = |hint: &str| format!("{}: HTTP {} {word}: {hint}", answer.place(), answer.status);
        match trouble {
            Trouble::Key => {
                ConnectorError::Unauthorized(told("the key is no longer taken; connect the account again"))
            }
            Trouble::Right => ConnectorError::Unauthorized(told(
                "the person behind the key is no administrator of the page, or the app lacks \
                 r_organization_social_feed or w_organization_social_feed",
            )),
            Trouble::Version => {
                ConnectorError::Refused(told("this version of the API has ended; update Uppsikt"))
            }
            Trouble::Later if writing => {
                ConnectorError::OutcomeUnknown(told("LinkedIn is out of order for a while"))
            }
            Trouble::Later => ConnectorError::Unavailable(told("LinkedIn is out of order for a while")),
            Trouble::Missing => ConnectorError::Refused(told("there is no such post or comment")),
            Trouble::Refused => ConnectorError::Refused(told("LinkedIn does not take the request")),
            Trouble::Unknown if writing => ConnectorError::OutcomeUnknown(told("not an answer of the API")),
            Trouble::Unknown => ConnectorError::Malformed(told("not an answer of the API")),
        }
    }

    /// Sends one write about the comment that `proof` preserves.
    async fn write(
        &self,
        intent: &Intent,
        proof: &Preserved,
        request: Request,
    ) -> Result<Written, ConnectorError> {
        let answer = self.key.write(&self.http, (intent, proof), request, is_refused).await?;
        match wire::trouble(answer.status, &answer.body) {
            None => Ok(Written::Done(answer)),
            Some((Trouble::Missing, _)) => Ok(Written::Missing(answer)),
            Some(other) => Err(self.told(&answer, &other, true)),
        }
    }
}

enum Written {
    Done(Answer),
    Missing(Answer),
}

/// Where a comment is asked for by its number: below its post, or below the comment that it answers.
fn place_of(target: &Target) -> Result<(&str, &str), ConnectorError> {
    let (_, id) = wire::parts(&target.native_id)
        .ok_or_else(|| ConnectorError::Refused("the native id is no URN of a comment".to_owned()))?;
    Ok((target.parent_id.as_deref().unwrap_or(&target.post_id), id))
}

/// What the platform lets us do; removal only where a person has confirmed that it works.
pub const CAPABILITIES: Capabilities = Capabilities {
    hide: false,
    restore: false,
    remove: false,
    reply: true,
    shows_hidden: false,
    who_still_sees: "LinkedIn kan inte dölja en kommentar. Den kan bara tas bort, och det går inte att ångra.",
    surfaces: &[
        Surface { name: "kommentarer och svar under nya inlägg", reading: Reading::EveryPass },
        Surface { name: "kommentarer och svar under äldre inlägg", reading: Reading::Swept },
        Surface {
            name: "delningar av sidans inlägg",
            reading: Reading::ByHand("gränssnittet visar inte vad andra skriver på sina egna sidor"),
        },
        Surface {
            name: "omnämnanden av sidan",
            reading: Reading::ByHand("de kräver aviseringar som inte är öppna för alla appar"),
        },
        Surface {
            name: "meddelanden till sidan",
            reading: Reading::ByHand("gränssnittet visar dem inte för sidans appar"),
        },
    ],
    unconfirmed: UNCONFIRMED,
};

#[async_trait]
impl Connector for Linkedin {
    fn platform(&self) -> Platform {
        Platform::Linkedin
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { remove: self.confirmed_removal, ..CAPABILITIES }
    }

    async fn page(&self, from: Option<&Cursor>) -> Result<Page, ConnectorError> {
        sweep::page(self, from).await
    }

    async fn look(&self, target: &Target) -> Result<Look, ConnectorError> {
        let (object, id) = place_of(target)?;
        let (answer, url) = self.get(&["socialActions", object, "comments", id], &[], Purpose::Look).await?;
        let date = answer.date;
        let without =
            |sighting| Look { sighting, seen: None, answer: None, exchange: None, url: url.clone(), date };
        match wire::trouble(answer.status, &answer.body) {
            None => {}
            Some((Trouble::Right, _)) => return Ok(without(Sighting::NoRight)),
            Some((Trouble::Missing, _)) => {
                // Only what the same key still reads tells a deletion from a lost right.
                let query = [("start", "0"), ("count", "1")];
                let segments = ["socialActions", target.post_id.as_str(), "comments"];
                let (list, _) = self.get(&segments, &query, Purpose::Look).await?;
                return match wire::trouble(list.status, &list.body) {
                    None | Some((Trouble::Missing, _)) => Ok(without(Sighting::Gone)),
                    Some((Trouble::Right, _)) => Ok(without(Sighting::NoRight)),
                    Some(other) => Err(self.told(&list, &other, false)),
                };
            }
            Some(other) => return Err(self.told(&answer, &other, false)),
        }
        let read = wire::comment(answer.json()?, &target.post_id, &self.organization)
            .map_err(|fault| ConnectorError::Malformed(format!("{}: {}", answer.place(), fault.reason)))?;
        let mut seen = read.seen;
        if wire::parts(&seen.native_id).is_none_or(|(_, found)| found != id) {
            return Err(ConnectorError::Malformed(format!("{}: not the comment asked for", answer.place())));
        }
        seen.native_id.clone_from(&target.native_id);
        seen.parent_id.clone_from(&target.parent_id);
        let exchange = answer.exchange();
        Ok(Look {
            sighting: Sighting::Public,
            seen: Some(seen),
            answer: Some(answer.body),
            exchange,
            url,
            date,
        })
    }

    async fn look_at_post(&self, native_id: &str) -> Result<Sighting, ConnectorError> {
        let (answer, _) = self.get(&["posts", native_id], &[], Purpose::Look).await?;
        match wire::trouble(answer.status, &answer.body) {
            None => Ok(Sighting::Public),
            Some((Trouble::Missing, _)) => Ok(Sighting::Gone),
            Some((Trouble::Right, _)) => Ok(Sighting::NoRight),
            Some(other) => Err(self.told(&answer, &other, false)),
        }
    }

    async fn hide(&self, _: &Intent, _: &Preserved) -> Result<(), ConnectorError> {
        Err(ConnectorError::Refused(
            "LinkedIn has no way to hide a comment; it can only be removed".to_owned(),
        ))
    }

    async fn restore(&self, _: &Intent, _: &Preserved) -> Result<(), ConnectorError> {
        Err(ConnectorError::Refused(
            "LinkedIn has no way to hide a comment, so none can be restored".to_owned(),
        ))
    }

    async fn remove(&self, intent: &Intent, proof: &Preserved) -> Result<(), ConnectorError> {
        permitted(intent, proof, Act::Remove)?;
        if !self.confirmed_removal {
            return Err(ConnectorError::Refused(
                "whether LinkedIn lets a page remove another member's comment is not confirmed: try it on a comment of \
                 your own making, then switch it on"
                    .to_owned(),
            ));
        }
        let (object, id) = place_of(intent.target())?;
        let request = self
            .request(Method::Delete, &["socialActions", object, "comments", id])
            .query("actor", &self.organization);
        // What is gone already is as wanted.
        self.write(intent, proof, request).await.map(drop)
    }

    async fn reply(&self, intent: &Intent, proof: &Preserved, text: &str) -> Result<String, ConnectorError> {
        let id = permitted(intent, proof, Act::Reply)?;
        // There are two levels: an answer to an answer stands beside it.
        let parent = intent.target().parent_id.as_deref().unwrap_or(id);
        let (object, _) = wire::parts(parent)
            .ok_or_else(|| ConnectorError::Refused("the native id is no URN of a comment".to_owned()))?;
        let body = serde_json::json!({
            "actor": self.organization,
            "object": object,
            "parentComment": parent,
            "message": { "text": text },
        });
        let request = self.request(Method::Post, &["socialActions", parent, "comments"]).json(&body);
        match self.write(intent, proof, request).await? {
            Written::Missing(answer) => {
                Err(ConnectorError::Refused(format!("{}: the comment no longer exists", answer.place())))
            }
            Written::Done(answer) => {
                let told = answer.header("x-restli-id").map(str::to_owned).filter(|id| !id.is_empty());
                let body = || answer.json::<serde_json::Value>().ok()?.get("id")?.as_str().map(str::to_owned);
                let id = told.or_else(body).ok_or_else(|| {
                    ConnectorError::OutcomeUnknown(format!("{}: the answer names no comment", answer.place()))
                })?;
                Ok(if id.starts_with("urn:") {
                    wire::long_urn(&id)
                } else {
                    format!("urn:li:comment:({object},{id})")
                })
            }
        }
    }

    async fn standing(&self) -> Result<Standing, ConnectorError> {
        let (answer, _) = self.acls(Purpose::Look).await?;
        let roles = match wire::trouble(answer.status, &answer.body) {
            None => Some(wire::roles(answer.place(), &answer.body, &self.organization)?),
            // The app may not ask; nothing is known about the roles then.
            Some((Trouble::Right | Trouble::Missing | Trouble::Refused, _)) => None,
            Some(other) => return Err(self.told(&answer, &other, false)),
        };
        let missing = roles.as_ref().is_some_and(|roles| !reads(roles)).then(|| MissingRight {
            right: READERS.join(" | "),
            without: "LinkedIn visar tomma listor i stället för kommentarer, utan att säga varför".to_owned(),
            place: "sidans administratör ger rollen under Inställningar, Hantera administratörer".to_owned(),
        });
        let grant = self.key.grant().await;
        Ok(Standing {
            holder: None,
            expires_at: grant.expires_at,
            data_access_until: None,
            renewable_until: grant.refresh_expires_at,
            rights: roles.unwrap_or_default(),
            missing: missing.into_iter().collect(),
            date: answer.date,
            name: self.name().await,
        })
    }

    async fn renew(&self) -> Result<(), ConnectorError> {
        self.key.within(RENEW).await.map(drop)
    }

    fn budgets(&self) -> Vec<Left> {
        self.http.left()
    }

    async fn media(&self, media: &Media, limit: usize) -> Result<Fetched, ConnectorError> {
        if !media.url.starts_with("urn:li:") {
            return self.http.fetch(&media.url, &MEDIA_HOSTS, limit).await;
        }
        let (answer, _) = self.get(&["images", &media.url], &[], Purpose::Look).await?;
        if let Some(other) = wire::trouble(answer.status, &answer.body) {
            return Err(self.told(&answer, &other, false));
        }
        let address = wire::download(&answer.body).ok_or_else(|| {
            ConnectorError::Refused(format!("{}: LinkedIn gives no address for the picture", answer.place()))
        })?;
        self.http.fetch(&address, &MEDIA_HOSTS, limit).await
    }
}

const UNCONFIRMED: &[Unconfirmed] = &[
    Unconfirmed {
        fact: "a page may remove another member's comment (off until somebody has tried it)",
        confirm: "DELETE socialActions/{post}/comments/{id}?actor={organization} on a comment from a private account of one's own",
    },
    Unconfirmed {
        fact: "commentsSummary counts the answers under a comment, and is missing only where there are none",
        confirm: "GET socialActions/{post}/comments on a post with an answer under a comment",
    },
    Unconfirmed {
        fact: "the names commentUrn or $URN, created.time and message.text",
        confirm: "GET socialActions/{post}/comments on a post of the page's own",
    },
    Unconfirmed {
        fact: "without the role ADMINISTRATOR lists are empty, not refused, and organizationAcls tells the role",
        confirm: "GET organizationAcls?q=roleAssignee with a key whose person lacks the role",
    },
    Unconfirmed {
        fact: "the page's name stands as localizedName and may be read with the same key; another name is not noticed otherwise",
        confirm: "GET organizations/{id} with the page's key",
    },
    Unconfirmed {
        fact: "a post that was removed is a 404",
        confirm: "GET posts/{urn} on a post of the page's own, before and after it is removed",
    },
    Unconfirmed {
        fact: "a 429 has no Retry-After and tells a day's limit in words, DAY with APPLICATION or MEMBER; 500 calls a day for the app, 100 for the person",
        confirm: "read the limits on the app's page in LinkedIn's developer portal; the words show only when a limit is reached",
    },
    Unconfirmed {
        fact: "a comment's picture stands in content.entity.image and is had by images/{urn}",
        confirm: "GET socialActions/{post}/comments on a post with a picture in a comment, then GET images/{urn}",
    },
];
