//! Facebook Pages, through the Graph API.
//!
//! Source: Meta's pages "Graph API /{object-id}/comments", "Comment", "Handling Errors", "Rate Limits", Meta's machine
//! specification (facebook-business-sdk-codegen: `Comment.json`, `PagePost.json`), and recorded answers
//! (tests/fixtures/connector/facebook).
//!
//! Hiding and editing are one and the same call, told apart by the parameter: `message` is never sent with it.
//!
//! # What is known of the platform, and what becomes of it
//!
//! | Fact | Handled |
//! |---|---|
//! | Default lists leave answers and more out | `filter=stream`, `order=chronological` |
//! | Default fields omit most | every field is asked for by name |
//! | `id` missing without the task MODERATE | a fault for each, and a line in the poll log that names the right; the post does not count as listed |
//! | `from` missing without `pages_read_user_content`, or with another token than the Page's | stored without author; a line that names the right; `standing` tells the token's kind |
//! | A user's token gets empty lists, not errors | `standing` names it as a missing right: no list shows it |
//! | Two forms of a comment's id | an id is kept as it came; a look takes both forms for the same comment. A list that changed its form would show its comments anew: not handled, since only the store knows what it has |
//! | `paging.next` holds the token | never followed, stored or shown; only its cursor is taken |
//! | The last page still has a cursor; older edges page by time; empty pages with a next; a cursor that leads to itself; one that is no longer taken | only `next` tells that there is more; lists have an end; a cursor is begun anew once |
//! | Tens of thousands of comments may meet a limit of paging | a list that does not end is told in the poll log |
//! | Dates without a colon in the offset | both forms |
//! | `can_hide` is false for the Page's own comment, absent for a hidden one | told by the look before the act, so that hiding is one request; `restore` does not ask for it; `can_remove` alike |
//! | The answer of a hide is documented nowhere | `true` and `{"success":true}` are "done", everything else an unknown outcome that the next look settles |
//! | Code 100 also for deleted objects; deleted and out of reach look alike | the post beside it, or its vanishing from the Page's own list, tells which; else nothing is concluded |
//! | Codes 1–2, 3, 10, 200–299, 4, 17, 32, 341, 613, 80000–80009, 102, 190 with subcodes, 368, 506; the status varies | `graph/error.rs`: the body's code decides |
//! | Meta's words are localised and may quote token or comment | never shown; two English words only sharpen code 100, and without them it is a refusal of one object |
//! | Usage headers in per cent, only sometimes there | `graph/usage.rs`: polling stops before acts do, and tries again every ten minutes |
//! | `debug_token`: 0 is never; data access ends by itself | `standing` |
//! | Apps may demand `appsecret_proof` | sent where `app_secret_file` is there; the error names that key |
//! | Comments under posts that vanish | such posts are asked for once more, then count as listed, and their comments as gone. An older post that vanishes while the daemon starts anew is noticed only by its comments' looks |
//! | Edited, vanished and returned comments | text and standing are compared at every listing (the API has no time of change) |
//! | An author's new name | taken at the next listing; the API tells no earlier one |
//! | Visitors' posts on the Page | judged like comments. The Page's feed also holds public posts that tag the Page: the API does not tell them apart |
//! | Hiding a visitor's post | `POST /{post-id}` `is_hidden` stands in the machine specification, for every post of the Page; that it takes a visitor's is not confirmed, so the look after it decides |
//! | Our own hide comes back by webhook | no webhooks: polling only, so there is no echo. The same holds for epoch seconds, `sender_id`, `edit`/`edited`, entries without `value` and `X-Hub-Signature-256` |
//! | Private replies (one, within seven days) | not handled: an answer by direct message is a matter of its own, with other rights (`pages_messaging`) |
//! | `live_filter` | not handled: comments of a live film are read with the post once it stands there |
//! | Comments on single pictures of an album, on advertisements, in groups, reviews, stories, messages | not read; surfaces for a person (see `capabilities`) |
//! | A lost answer of a reply | `OutcomeUnknown`: whoever asked must look for it before sending again. The same text twice is refused by Meta (506), but for how long is not known |

mod element;
pub mod parse;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;

use super::graph::sweep::{self, Edge, Ground, Lists, Source};
use super::graph::{Asked, Comments, Graph, Object, Permits, Posts, Words, permits, standing};
use super::http::{Endpoint, Fetched, Http};
use super::{
    Capabilities, Connector, ConnectorError, Cursor, Grant, Left, Look, MissingRight, Page, Purpose, Reach,
    Reading, Sighting, Standing, Surface, Target, Token, Unconfirmed,
};
use crate::archive::Preserved;
use crate::clock::Clock;
use crate::domain::comment::{Media, Platform, Visibility};
use crate::store::{Act, Intent};
use element::{FIELDS, POST_FIELDS};

const WORDS: Words = Words {
    platform: Platform::Facebook,
    reading: "the rights pages_read_engagement and pages_read_user_content",
    writing: "the right pages_manage_engagement and the task MODERATE",
    usage: "pages",
};

const LISTS: Lists = Lists {
    posts: Edge { name: "feed", fields: POST_FIELDS, how: &[] },
    comments: Edge {
        name: "comments",
        fields: FIELDS,
        // Without `filter=stream` answers to comments are left out, and the default order is "ranked".
        how: &[("filter", "stream"), ("order", "chronological"), ("summary", "true")],
    },
    replies: None,
    counts: false,
};

/// Where pictures and films lie.
const MEDIA_HOSTS: [&str; 2] = ["fbcdn.net", "facebook.com"];

/// Where an administrator of the Page gives rights.
const PLACE: &str = "Anslut kontot på nytt och godkänn alla rättigheter; uppgiften MODERATE ges i Meta Business Suite \
                     under Inställningar → Personer eller Sidor → Åtkomst till sidan.";

const NEEDED: [standing::Needed; 3] = [
    standing::Needed {
        right: &["pages_read_engagement"], without: "Inlägg och kommentarer kan inte läsas."
    },
    standing::Needed {
        right: &["pages_read_user_content"],
        without: "Besökares inlägg, och vem som skrev en kommentar, kan inte läsas.",
    },
    standing::Needed {
        right: &["pages_manage_engagement"],
        without: "Kommentarer kan inte döljas, visas igen, tas bort eller besvaras.",
    },
];

const SURFACES: &[Surface] = &[
    Surface { name: "kommentarer och svar under sidans senaste inlägg", reading: Reading::EveryPass },
    Surface { name: "kommentarer och svar under äldre inlägg", reading: Reading::Swept },
    Surface { name: "besökares inlägg på sidan", reading: Reading::EveryPass },
    Surface {
        name: "kommentarer på enskilda bilder i ett album",
        reading: Reading::ByHand("varje bild har en egen tråd, som sidans flöde inte visar"),
    },
    Surface {
        name: "kommentarer under annonser",
        reading: Reading::ByHand("annonser som inte är inlägg på sidan syns inte i dess flöde"),
    },
    Surface {
        name: "rekommendationer av sidan",
        reading: Reading::ByHand("gränssnittet visar dem inte som inlägg"),
    },
    Surface { name: "händelser (stories)", reading: Reading::ByHand("svar på dem är meddelanden") },
    Surface {
        name: "meddelanden till sidan",
        reading: Reading::ByHand("läses bara av utsedda personer, i Meta Business Suite"),
    },
    Surface {
        name: "grupper som sidan driver",
        reading: Reading::ByHand("Meta har stängt gränssnittet till grupper"),
    },
];

const UNCONFIRMED: &[Unconfirmed] = &[
    Unconfirmed {
        fact: "a hide is answered with {\"success\":true} or true",
        confirm: "POST /{comment-id} is_hidden=true on a comment of a trial Page",
    },
    Unconfirmed {
        fact: "a hidden comment is still seen by its writer and the writer's friends",
        confirm: "hide a trial comment and look at the post as its writer, as a friend and as a stranger",
    },
    Unconfirmed {
        fact: "lists show hidden comments, with is_hidden=true",
        confirm: "GET /{post-id}/comments?filter=stream&fields=id,is_hidden after that hide",
    },
    Unconfirmed {
        fact: "filter takes toplevel and stream, order takes chronological and reverse_chronological",
        confirm: "GET /{post-id}/comments?filter=stream&order=chronological",
    },
    Unconfirmed {
        fact: "a Page's own post and a visitor's post are hidden by POST /{post-id} is_hidden=true and removed by DELETE",
        confirm: "POST /{post-id} is_hidden=true on a visitor's post of a trial Page, then GET is_hidden",
    },
    Unconfirmed {
        fact: "codes 32, 613 and 80001 mean that a limit is reached, with status 400, 403 or 429",
        confirm: "nothing but reaching a limit; the poll log then shows the code",
    },
    Unconfirmed {
        fact: "a Page's token got with a long-lived user token does not end, access to data does after 90 days",
        confirm: "GET /debug_token?input_token={token}: expires_at and data_access_expires_at",
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
    // No page of Meta's that we could read says so; it is what users report. The wording claims no more.
    who_still_sees: "Den som skrev kommentaren ser den troligen fortfarande, och troligen också dennes vänner \
                             på Facebook. Facebook redovisar inte vilka.",
};

/// One Page.
#[derive(Debug)]
pub struct Facebook {
    graph: Graph,
    page_id: String,
    reach: Reach,
}

impl fmt::Display for Facebook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Facebook Page {}", self.page_id)
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
        let token = Arc::new(Token::fixed(Grant::bare(token)));
        Self::open(http, api, page_id, token, app_secret.cloned(), Clock::System)
    }

    /// The same with a key that may stand in a file, and with a clock. `app_secret` is the app's secret, or its id and
    /// secret as `id|secret`: then `debug_token` is asked as the app.
    pub fn open(
        http: Http,
        api: Endpoint,
        page_id: String,
        token: Arc<Token>,
        app_secret: Option<SecretString>,
        clock: Clock,
    ) -> Self {
        let graph = Graph::new(http, api, token, app_secret, clock, &WORDS);
        Self { graph, page_id, reach: Reach::default() }
    }

    /// The same, read as far back as `reach` says.
    #[must_use]
    pub fn reaching(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }

    /// What the Page may do with what the intent is about: as the look before it told, else asked now.
    async fn permits(&self, target: &Target, fields: &str) -> Result<Permits, ConnectorError> {
        if let Some(permits) = self.graph.remembered(&target.native_id) {
            return Ok(permits);
        }
        let Asked { object, address, .. } =
            self.graph.object(&target.native_id, fields, Purpose::Act).await?;
        let Object::There(answer) = object else {
            return Err(ConnectorError::Refused(format!(
                "GET {address}: the comment no longer exists or cannot be read"
            )));
        };
        Ok(parse::permits(&answer.body))
    }
}

impl Source for Facebook {
    fn ground(&self) -> Ground<'_> {
        Ground { graph: &self.graph, account: &self.page_id, reach: self.reach, lists: &LISTS }
    }

    fn read_posts(&self, body: &[u8]) -> serde_json::Result<Posts> {
        parse::posts(body, &self.page_id)
    }

    fn read_comments(&self, body: &[u8], post: &str, _parent: Option<&str>) -> serde_json::Result<Comments> {
        parse::comments(body, post, &self.page_id)
    }

    fn unshown(&self, post: &str, comments: &Comments) -> Vec<String> {
        let mut lines = Vec::new();
        if comments.nameless > 0 {
            lines.push(format!(
                "{} kommentarer under inlägg {post} saknar id och kan inte bevakas: nyckeln saknar uppgiften \
                 MODERATE på sidan. Anslut kontot på nytt med den.",
                comments.nameless
            ));
        }
        let unnamed = comments.comments.iter().filter(|seen| seen.author.id.is_none()).count();
        if unnamed > 0 {
            lines.push(format!(
                "Facebook visar inte vem som skrev {unnamed} av kommentarerna under inlägg {post}. Gäller det alla \
                 saknar nyckeln rättigheten pages_read_user_content."
            ));
        }
        lines
    }
}

/// Whether the target is a post that a visitor wrote, not a comment.
fn is_post(target: &Target) -> bool {
    target.native_id == target.post_id
}

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
        let fields = if is_post(target) { POST_FIELDS } else { FIELDS };
        let Asked { object, address: url, date } =
            self.graph.object(&target.native_id, fields, Purpose::Look).await?;
        let without =
            |sighting| Look { sighting, seen: None, answer: None, exchange: None, url: url.clone(), date };
        let answer = match object {
            Object::There(answer) => answer,
            Object::OutOfReach if !self.graph.memory().vanished.contains(&target.post_id) => {
                return Ok(without(Sighting::NoRight));
            }
            Object::OutOfReach | Object::Missing => {
                let gone = self.graph.is_gone(target).await?;
                return Ok(without(if gone { Sighting::Gone } else { Sighting::NoRight }));
            }
        };
        let not_understood = |reason: &str| {
            ConnectorError::Malformed(format!("{}: HTTP {}: {reason}", answer.place(), answer.status))
        };
        if self.graph.repeats_key(&answer.body).await {
            return Err(not_understood("the answer repeats the access token and cannot be kept as evidence"));
        }
        let seen = if is_post(target) {
            parse::visitor_post(&answer.body, &self.page_id)
        } else {
            parse::comment(&answer.body, &target.post_id, &self.page_id)
        };
        let mut seen = seen.map_err(|fault| not_understood(&fault.reason))?;
        if !element::is_same(&seen.native_id, &target.native_id) {
            return Err(not_understood("the answer is about another comment than was asked for"));
        }
        seen.native_id.clone_from(&target.native_id);
        self.graph.remember(&target.native_id, parse::permits(&answer.body));
        let sighting = match seen.visibility {
            Visibility::Public => Sighting::Public,
            Visibility::Hidden => Sighting::Hidden,
            // Asked for and not given: the token does not moderate this comment, so nothing is known.
            Visibility::Unknown => {
                let exchange = answer.exchange();
                return Ok(Look { answer: Some(answer.body), exchange, ..without(Sighting::NoRight) });
            }
        };
        let exchange = answer.exchange();
        Ok(Look { sighting, seen: Some(seen), answer: Some(answer.body), exchange, url, date })
    }

    async fn look_at_post(&self, native_id: &str) -> Result<Sighting, ConnectorError> {
        self.graph.look_at_post(native_id, &self.page_id).await
    }

    async fn hide(&self, intent: &Intent, proof: &Preserved) -> Result<(), ConnectorError> {
        let target = permits(intent, proof, Act::Hide)?;
        // The code of a refusal that is about this one comment is documented nowhere and may equal that of a
        // missing right, which would stop the account: so what cannot be hidden is never asked to be. A post has no
        // such field.
        if !is_post(target) && !self.permits(target, "id,is_hidden,can_hide").await?.hide {
            return Err(ConnectorError::Refused(format!(
                "{}: the platform does not let the Page hide this comment (can_hide is false)",
                target.native_id
            )));
        }
        self.graph.update(&target.native_id, ("is_hidden", "true"), (intent, proof)).await
    }

    async fn restore(&self, intent: &Intent, proof: &Preserved) -> Result<(), ConnectorError> {
        let target = permits(intent, proof, Act::Restore)?;
        // Not gated on `can_hide`: the API leaves it out of a hidden comment.
        self.graph.update(&target.native_id, ("is_hidden", "false"), (intent, proof)).await
    }

    async fn remove(&self, intent: &Intent, proof: &Preserved) -> Result<(), ConnectorError> {
        let target = permits(intent, proof, Act::Remove)?;
        if !is_post(target) {
            match self.permits(target, "id,can_remove").await {
                Ok(permits) if !permits.remove => {
                    return Err(ConnectorError::Refused(format!(
                        "{}: the platform does not let the Page remove this comment (can_remove is false)",
                        target.native_id
                    )));
                }
                // Not to be read: gone, or so the request itself will say.
                Ok(_) | Err(ConnectorError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        self.graph.remove((intent, proof)).await
    }

    async fn reply(&self, intent: &Intent, proof: &Preserved, text: &str) -> Result<String, ConnectorError> {
        permits(intent, proof, Act::Reply)?;
        self.graph.answer("comments", text, (intent, proof)).await
    }

    async fn standing(&self) -> Result<Standing, ConnectorError> {
        let (facts, mut standing) = self.graph.debug_token().await?;
        standing.missing = standing::missing(&NEEDED, &facts.rights, PLACE);
        let kind = facts.kind.unwrap_or_default();
        if kind == "USER" {
            standing.missing.push(MissingRight {
                right: "page access token".to_owned(),
                without: "Nyckeln är en persons, inte sidans: listor kan vara tomma och författare saknas utan att \
                          Facebook säger det."
                    .to_owned(),
                place: "Anslut kontot på nytt och välj sidan; då sparas sidans egen nyckel.".to_owned(),
            });
        }
        if facts.profile_id.as_ref().is_some_and(|profile| *profile != self.page_id) {
            standing.missing.push(MissingRight {
                right: "page access token".to_owned(),
                without: "Nyckeln hör till en annan sida än den som bevakas.".to_owned(),
                place: "Anslut kontot på nytt och välj rätt sida, eller rätta native_id.".to_owned(),
            });
        }
        let holder = self.graph.own_name("me", "name").await?;
        // The Page's own key is the Page: one answer tells both. A person's key must ask for the Page too.
        standing.name = if kind == "PAGE" && facts.profile_id.as_ref().is_none_or(|id| *id == self.page_id) {
            holder.clone()
        } else {
            self.graph.own_name(&self.page_id, "name").await?
        };
        standing.holder = holder.or(facts.user_id).or(facts.profile_id);
        Ok(standing)
    }

    fn budgets(&self) -> Vec<Left> {
        self.graph.http().budget().map(super::Budget::left).unwrap_or_default()
    }

    async fn media(&self, media: &Media, limit: usize) -> Result<Fetched, ConnectorError> {
        self.graph.http().fetch(&media.url, &MEDIA_HOSTS, limit).await
    }
}
