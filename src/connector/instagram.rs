//! Instagram's professional accounts, through the Graph API.
//!
//! Two flavours, told apart by the host of `api`: *Instagram Login* (`graph.instagram.com`, the account's own key, which
//! ends after 60 days and can be renewed) and *Facebook Login* (`graph.facebook.com`, a key of the Page that the account
//! is tied to).
//!
//! Source: Meta's pages "IG Comment", "IG Media", "Refresh Access Token", "Rate Limits", Meta's machine specification
//! (facebook-business-sdk-codegen: `IGComment.json`, `IGMedia.json`), and recorded answers
//! (tests/fixtures/connector/instagram).
//!
//! # What is known of the platform, and what becomes of it
//!
//! | Fact | Handled |
//! |---|---|
//! | Default fields are `timestamp,text,id` only | every field is asked for by name |
//! | Answers stand on an edge of their own; the list of comments shows some of them | the rest is read from `replies` where the list says that it goes on, and where the platform counts more than was shown |
//! | The last page has no `paging` at all | a list without it is at its end |
//! | `paging.next` holds the token | never followed, stored or shown; only its cursor is taken |
//! | No `filter`, `order`, `since` | none is sent |
//! | The parameter of a hide is `hide`, the field is `hidden` | so sent and so read |
//! | `hidden` is absent where it was not asked for or not given | `Untold`: what was known still holds |
//! | The account's own comments stay visible even if hidden | refused before a request; own comments are known by `user`, by `from` and by the account's name |
//! | Hidden comments may drop out of the list | the single look tells; where it fails too and we hid the comment, the standing is `Untold`, never `Gone`. That such a comment was then deleted by its writer is not noticed |
//! | `username`, `from{id,username}` or `user{id}` | all three |
//! | `username` needs `instagram_business_manage_comments` | a line in the poll log names the right; `standing` too, where it can ask |
//! | Pictures and moving stickers are not in the API | a comment without text counts as one that cannot be read |
//! | Not returned: comments on age-gated posts, of restricted people until approved, on live films after them | surfaces for a person |
//! | Advertisements' comments, mentions elsewhere | surfaces for a person; `mentioned_comment` needs a webhook first |
//! | `comments_count` | beside each post, for reconciliation; a post with 0 is not asked for its comments |
//! | Posts that vanish | asked for once more, then listed as empty, so that their comments are looked at |
//! | Errors of type `IGApiException`; code 2500 is an unknown request there and a session elsewhere | told apart by the type |
//! | Usage headers in per cent | `graph/usage.rs`, the use case `instagram` |
//! | Keys last 60 days, are renewed when 24 hours old and not ended | `renew`, when less than 30 days are left; a missed renewal needs a person |
//! | A key of Facebook Login | `debug_token`; not renewed: a Page's key does not end |
//! | Dates without a colon in the offset | both forms |
//! | Deleting is `DELETE`, answering is `POST …/replies` | `remove`, `reply`; an answer to an answer is put by Instagram under the comment above it |
//! | A lost answer of a reply | `OutcomeUnknown`: whoever asked must look for it before sending again |
//! | Turning comments off (`comment_enabled`) | not handled: it silences everybody, which is no act on one comment |
//! | Private replies (seven days, one) | not handled: an answer by direct message is a matter of its own |
//! | Webhooks (only with Advanced Access), their duplicates for boosted posts, the older payload without a writer | not handled: polling only |
//! | `comments?ids=` | not handled: one request for many comments gives no evidence for one |
//! | `legacy_instagram_comment_id` | not handled: it names the comment in an API that is gone |

mod element;
pub mod parse;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};

use super::graph::sweep::{self, Edge, Ground, Lists, Source};
use super::graph::{
    Asked, Comments, Doing, Failure, Graph, Object, Permits, Posts, Words, failure, permits, standing,
};
use super::http::{Endpoint, Http, Request, malformed};
use super::{
    Capabilities, Connector, ConnectorError, Cursor, Grant, Left, Look, Page, Purpose, Reach, Reading,
    Sighting, Standing, Surface, Target, Token, Unconfirmed,
};
use crate::archive::Preserved;
use crate::clock::Clock;
use crate::domain::comment::{Platform, Visibility};
use crate::store::{Act, Intent};
use element::{FIELDS, LIST_FIELDS, Own, POST_FIELDS};

const WORDS: Words = Words {
    platform: Platform::Instagram,
    reading: "the rights instagram_business_basic and instagram_business_manage_comments (with Facebook Login: \
              instagram_basic, instagram_manage_comments and pages_read_engagement)",
    writing: "the right instagram_business_manage_comments (with Facebook Login: instagram_manage_comments)",
    usage: "instagram",
};

const REPLY_FIELDS: &str = FIELDS;

const LISTS: Lists = Lists {
    posts: Edge { name: "media", fields: POST_FIELDS, how: &[] },
    comments: Edge { name: "comments", fields: LIST_FIELDS, how: &[] },
    replies: Some(Edge { name: "replies", fields: REPLY_FIELDS, how: &[] }),
    counts: true,
};

/// When a key is renewed: this long before it ends.
const RENEW: TimeDelta = TimeDelta::days(30);

const PLACE: &str = "Anslut kontot på nytt och godkänn alla rättigheter; kontot måste vara ett företags- eller kreatörskonto.";

const NEEDED: [standing::Needed; 3] = [
    standing::Needed {
        right: &["instagram_basic", "instagram_business_basic"],
        without: "Inlägg kan inte läsas.",
    },
    standing::Needed {
        right: &["instagram_manage_comments", "instagram_business_manage_comments"],
        without: "Kommentarer kan inte läsas med avsändare, döljas, visas igen, tas bort eller besvaras.",
    },
    standing::Needed {
        right: &["pages_read_engagement"],
        without: "Kontot kan inte nås genom Facebooksidan som det hör till.",
    },
];

const SURFACES: &[Surface] = &[
    Surface { name: "kommentarer och svar under kontots senaste inlägg", reading: Reading::EveryPass },
    Surface { name: "kommentarer och svar under äldre inlägg", reading: Reading::Swept },
    Surface {
        name: "kommentarer under annonser",
        reading: Reading::ByHand("gränssnittet räknar dem som ett annat slag och visar dem inte"),
    },
    Surface {
        name: "kommentarer av personer som kontot har begränsat",
        reading: Reading::ByHand("de visas inte förrän någon har godkänt dem i appen"),
    },
    Surface {
        name: "kommentarer under inlägg med åldersgräns",
        reading: Reading::ByHand("gränssnittet visar dem inte"),
    },
    Surface {
        name: "kommentarer i direktsändningar",
        reading: Reading::ByHand("de visas bara medan sändningen pågår"),
    },
    Surface { name: "händelser (stories)", reading: Reading::ByHand("svar på dem är meddelanden") },
    Surface {
        name: "omnämnanden av kontot hos andra",
        reading: Reading::ByHand("de kan bara läsas efter ett anrop från Instagram"),
    },
    Surface {
        name: "meddelanden till kontot",
        reading: Reading::ByHand("läses bara av utsedda personer, i appen"),
    },
];

const UNCONFIRMED: &[Unconfirmed] = &[
    Unconfirmed {
        fact: "a hide is answered with {\"success\":true} or true",
        confirm: "POST /{ig-comment-id} hide=true on a comment of a trial account",
    },
    Unconfirmed {
        fact: "a hidden comment is still read by the single request, though not listed",
        confirm: "GET /{ig-comment-id}?fields=id,hidden and GET /{ig-media-id}/comments after that hide",
    },
    Unconfirmed {
        fact: "a hidden comment is still seen by its writer",
        confirm: "hide a trial comment and look at the post as its writer and as a stranger",
    },
    Unconfirmed {
        fact: "comments_count counts every comment and answer that the lists show",
        confirm: "GET /{ig-media-id}?fields=comments_count,comments{id,replies{id}} on a post with answers and a hidden comment",
    },
    Unconfirmed {
        fact: "user{id} stands only beside the account's own comments",
        confirm: "GET /{ig-media-id}/comments?fields=from,user,username on a post with own and others' comments",
    },
    Unconfirmed {
        fact: "code 80002 means that the account's limit is reached, with status 400, 403 or 429",
        confirm: "nothing but reaching the limit; the poll log then shows the code",
    },
    Unconfirmed {
        fact: "a key is renewed by GET /refresh_access_token without a version in the path",
        confirm: "GET https://graph.instagram.com/refresh_access_token?grant_type=ig_refresh_token",
    },
];

/// What the platform lets us do.
pub const CAPABILITIES: Capabilities = Capabilities {
    hide: true,
    restore: true,
    remove: true,
    reply: true,
    shows_hidden: true,
    surfaces: SURFACES,
    unconfirmed: UNCONFIRMED,
    who_still_sees: "Den som skrev kommentaren ser den troligen fortfarande. Instagram redovisar inte vem \
                             mer som gör det.",
};

/// One account.
#[derive(Debug)]
pub struct Instagram {
    graph: Graph,
    user_id: String,
    reach: Reach,
    login: Login,
    /// Where keys are renewed: the host without a version.
    root: Option<Endpoint>,
}

/// Whose key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// The Instagram account's own.
    Instagram,
    /// The Page's that the account is tied to.
    Facebook,
}

impl fmt::Display for Instagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Instagram account {}", self.user_id)
    }
}

impl Instagram {
    /// The account `user_id` at `api` (with the version, such as `https://graph.instagram.com/v25.0`).
    ///
    /// `app_secret` is the app's secret, or its id and secret as `id|secret`.
    pub fn open(
        http: Http,
        api: Endpoint,
        user_id: String,
        token: Arc<Token>,
        app_secret: Option<SecretString>,
        clock: Clock,
    ) -> Self {
        let login = if api.host() == "graph.facebook.com" { Login::Facebook } else { Login::Instagram };
        let root = unversioned(&api);
        let graph = Graph::new(http, api, token, app_secret, clock, &WORDS);
        Self { graph, user_id, reach: Reach::default(), login, root }
    }

    /// The same, read as far back as `reach` says.
    #[must_use]
    pub fn reaching(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }

    /// The same with another kind of key than the host of `api` tells: for the sandbox, whose host tells none.
    #[must_use]
    pub fn logged_in_by(self, login: Login) -> Self {
        Self { login, ..self }
    }

    /// The account's own name, asked for once: without it some own comments look like others'.
    async fn learn_name(&self) {
        if self.graph.memory().asked_name {
            return;
        }
        // What goes wrong here goes wrong in the next request too, which tells it.
        if let Ok(name) = self.graph.own_name(&self.user_id, "username").await {
            let mut memory = self.graph.memory();
            (memory.own_name, memory.asked_name) = (name, true);
        }
    }

    fn own_name(&self) -> Option<String> {
        self.graph.memory().own_name.clone()
    }

    /// Whether the comment is the account's own, as the look before told it, else asked now.
    async fn is_own(&self, target: &Target) -> Result<bool, ConnectorError> {
        if let Some(permits) = self.graph.remembered(&target.native_id) {
            return Ok(!permits.hide);
        }
        self.learn_name().await;
        let asked = self.graph.object(&target.native_id, FIELDS, Purpose::Act).await?;
        let Object::There(answer) = asked.object else {
            return Err(ConnectorError::Refused(format!(
                "GET {}: the comment no longer exists or cannot be read",
                asked.address
            )));
        };
        let name = self.own_name();
        let own = Own { id: &self.user_id, name: name.as_deref() };
        Ok(parse::comment(&answer.body, &target.post_id, own).is_ok_and(|seen| seen.ours))
    }

    /// Asks for a new key in place of `grant`.
    async fn refreshed(&self, grant: Grant) -> Result<Grant, ConnectorError> {
        let root = self.root.as_ref().unwrap_or(self.graph.api());
        let request = Request::get(root, &["refresh_access_token"])
            .bearer(&grant.access)
            .purpose(Purpose::Act)
            .query("grant_type", "ig_refresh_token")
            // The API takes it as a parameter only; `http` shows it nowhere.
            .query("access_token", grant.access.expose_secret());
        let answer = self.graph.http().get(request).await?;
        match failure(&answer, Doing::Reading, &WORDS) {
            None => {}
            Some(Failure::Error(error) | Failure::Object(error) | Failure::OutOfReach(error)) => {
                return Err(error);
            }
            Some(missing @ Failure::Missing) => return Err(missing.into_error(answer.place(), &WORDS)),
        }
        let granted = parse::granted(&answer.body, self.graph.now())
            .map_err(|error| malformed(answer.place(), &error))?;
        Ok(Grant { access: granted.access, expires_at: granted.expires_at, ..grant })
    }
}

/// The endpoint without the version that its path ends with; `None` where it has none.
fn unversioned(api: &Endpoint) -> Option<Endpoint> {
    let address = api.to_string();
    let (root, version) = address.rsplit_once('/')?;
    let (major, minor) = version.strip_prefix('v')?.split_once('.')?;
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if number(major) && number(minor) { Endpoint::parse(root).ok() } else { None }
}

impl Source for Instagram {
    fn ground(&self) -> Ground<'_> {
        Ground { graph: &self.graph, account: &self.user_id, reach: self.reach, lists: &LISTS }
    }

    fn read_posts(&self, body: &[u8]) -> serde_json::Result<Posts> {
        parse::posts(body)
    }

    fn read_comments(&self, body: &[u8], post: &str, parent: Option<&str>) -> serde_json::Result<Comments> {
        let name = self.own_name();
        parse::comments(body, post, parent, Own { id: &self.user_id, name: name.as_deref() })
    }

    fn unshown(&self, post: &str, comments: &Comments) -> Vec<String> {
        let mut lines = Vec::new();
        if comments.nameless > 0 {
            lines.push(format!(
                "{} kommentarer under inlägg {post} saknar id och kan inte bevakas: nyckeln saknar rättigheten att \
                 hantera kommentarer.",
                comments.nameless
            ));
        }
        let unnamed =
            comments.comments.iter().filter(|seen| seen.author.id.is_none() && seen.author.name.is_none());
        let unnamed = unnamed.count();
        if unnamed > 0 {
            lines.push(format!(
                "Instagram visar inte vem som skrev {unnamed} av kommentarerna under inlägg {post}: nyckeln saknar \
                 rättigheten instagram_business_manage_comments (med Facebook Login: instagram_manage_comments)."
            ));
        }
        lines
    }
}

#[async_trait]
impl Connector for Instagram {
    fn platform(&self) -> Platform {
        Platform::Instagram
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    async fn page(&self, from: Option<&Cursor>) -> Result<Page, ConnectorError> {
        self.learn_name().await;
        sweep::page(self, from).await
    }

    async fn look(&self, target: &Target) -> Result<Look, ConnectorError> {
        self.learn_name().await;
        let Asked { object, address: url, date } =
            self.graph.object(&target.native_id, FIELDS, Purpose::Look).await?;
        let without =
            |sighting| Look { sighting, seen: None, answer: None, exchange: None, url: url.clone(), date };
        let answer = match object {
            Object::There(answer) => answer,
            Object::OutOfReach if !self.graph.memory().vanished.contains(&target.post_id) => {
                return Ok(without(Sighting::NoRight));
            }
            Object::OutOfReach | Object::Missing => {
                let vanished = self.graph.memory().vanished.contains(&target.post_id);
                let sighting = match self.graph.is_gone(target).await? {
                    // Hidden comments drop out of lists, and perhaps here too: our own hide is no deletion.
                    true if target.hidden_by_us && !vanished => Sighting::Untold,
                    true => Sighting::Gone,
                    false => Sighting::NoRight,
                };
                return Ok(without(sighting));
            }
        };
        let not_understood = |reason: &str| {
            ConnectorError::Malformed(format!("{}: HTTP {}: {reason}", answer.place(), answer.status))
        };
        if self.graph.repeats_key(&answer.body).await {
            return Err(not_understood("the answer repeats the access token and cannot be kept as evidence"));
        }
        let name = self.own_name();
        let own = Own { id: &self.user_id, name: name.as_deref() };
        let mut seen = parse::comment(&answer.body, &target.post_id, own)
            .map_err(|fault| not_understood(&fault.reason))?;
        if seen.native_id != target.native_id {
            return Err(not_understood("the answer is about another comment than was asked for"));
        }
        seen.parent_id = seen.parent_id.or_else(|| target.parent_id.clone());
        self.graph.remember(&target.native_id, Permits { hide: !seen.ours, remove: true });
        let sighting = match seen.visibility {
            Visibility::Public => Sighting::Public,
            Visibility::Hidden => Sighting::Hidden,
            Visibility::Unknown => Sighting::Untold,
        };
        let exchange = answer.exchange();
        Ok(Look { sighting, seen: Some(seen), answer: Some(answer.body), exchange, url, date })
    }

    async fn look_at_post(&self, native_id: &str) -> Result<Sighting, ConnectorError> {
        self.graph.look_at_post(native_id, &self.user_id).await
    }

    async fn hide(&self, intent: &Intent, proof: &Preserved) -> Result<(), ConnectorError> {
        let target = permits(intent, proof, Act::Hide)?;
        if self.is_own(target).await? {
            return Err(ConnectorError::Refused(format!(
                "{}: the account's own comments stay visible even if hidden; remove it instead",
                target.native_id
            )));
        }
        self.graph.update(&target.native_id, ("hide", "true"), (intent, proof)).await
    }

    async fn restore(&self, intent: &Intent, proof: &Preserved) -> Result<(), ConnectorError> {
        let target = permits(intent, proof, Act::Restore)?;
        self.graph.update(&target.native_id, ("hide", "false"), (intent, proof)).await
    }

    async fn remove(&self, intent: &Intent, proof: &Preserved) -> Result<(), ConnectorError> {
        permits(intent, proof, Act::Remove)?;
        self.graph.remove((intent, proof)).await
    }

    async fn reply(&self, intent: &Intent, proof: &Preserved, text: &str) -> Result<String, ConnectorError> {
        permits(intent, proof, Act::Reply)?;
        self.graph.answer("replies", text, (intent, proof)).await
    }

    async fn standing(&self) -> Result<Standing, ConnectorError> {
        if self.login == Login::Facebook {
            let (facts, mut standing) = self.graph.debug_token().await?;
            standing.missing = standing::missing(&NEEDED, &facts.rights, PLACE);
            standing.name = self.graph.own_name(&self.user_id, "username").await?;
            standing.holder = standing.name.clone().or(facts.user_id).or(facts.profile_id);
            return Ok(standing);
        }
        // The host of Instagram Login has no `debug_token`: that the key reads the account is all it tells.
        let Asked { object, date, address } =
            self.graph.object(&self.user_id, "id,username", Purpose::Look).await?;
        let Object::There(answer) = object else {
            return Err(ConnectorError::Unauthorized(format!(
                "GET {address}: the key does not read this account; needed are {}",
                WORDS.reading
            )));
        };
        let account: serde_json::Value = answer.json()?;
        let expires_at = self.graph.token().current().await.expires_at;
        let name = super::graph::text_of(Some(&account), "username");
        Ok(Standing {
            holder: name.clone(),
            name,
            expires_at,
            // Until it ends, and not after.
            renewable_until: expires_at,
            date,
            ..Standing::default()
        })
    }

    /// Renews a key of Instagram Login when less than 30 days are left of its 60; it is then old enough. A bare key
    /// says nothing about its end: it is renewed at once, after which its end is known.
    async fn renew(&self) -> Result<(), ConnectorError> {
        if self.login == Login::Facebook {
            return Ok(());
        }
        let grant = self.graph.token().current().await;
        let now = self.graph.now();
        match grant.expires_at {
            Some(end) if end <= now => {
                return Err(ConnectorError::Unauthorized(
                    "the key has ended and cannot be renewed by a program: connect the account again"
                        .to_owned(),
                ));
            }
            Some(end) if end - now >= RENEW => return Ok(()),
            _ => {}
        }
        self.graph.token().renew(&grant.access, |old| self.refreshed(old)).await.map(drop)
    }

    fn budgets(&self) -> Vec<Left> {
        self.graph.http().budget().map(super::Budget::left).unwrap_or_default()
    }
}
