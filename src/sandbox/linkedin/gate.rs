//! What every request must get through: version, protocol, escapes, token, scopes, role and the day's calls.

use chrono::{Datelike, Utc};

use super::error::Refusal;
use crate::sandbox::account::Worth;
use crate::sandbox::quota::{Rule, Window};
use crate::sandbox::wire::Call;
use crate::sandbox::world::World;

/// Calls of the app and of each member in a day, in the Development tier.
const APP: Rule = Rule { limit: 500, window: Window::UtcDay };
const MEMBER: Rule = Rule { limit: 100, window: Window::UtcDay };

/// The day of the month on which a version that is a year old is taken away.
const SUNSET: u32 = 17;

/// A member's role in the organization, as far as comments go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Reads and writes.
    Full,
    /// Writes, and is shown empty lists.
    Recruiting,
    /// No longer an administrator.
    None,
}

impl Role {
    /// The role's own name, from the account's setting `role`.
    pub(super) fn name<'a>(world: &'a World, account: &str) -> &'a str {
        let told = world.account(account).and_then(|account| account.setting("role"));
        told.map_or("ADMINISTRATOR", |role| role.as_str().unwrap_or("NONE"))
    }

    pub(super) fn of(world: &World, account: &str) -> Self {
        match Self::name(world, account) {
            "ADMINISTRATOR" | "DIRECT_SPONSORED_CONTENT_POSTER" => Self::Full,
            "RECRUITING_POSTER" => Self::Recruiting,
            _ => Self::None,
        }
    }
}

/// Lets a request through, or says why not. What passes the first checks counts against the day.
///
/// `named`: the request itself names the account; otherwise it is only the likeliest of those that the token may mean.
pub(super) fn pass(
    world: &mut World,
    call: &Call,
    account: Option<&str>,
    named: bool,
) -> Result<(), Refusal> {
    let token = call.token.as_deref();
    let Some(token) = token else {
        return Err(Refusal::new(401, Some(65604), "EMPTY_ACCESS_TOKEN", "Empty oauth2 access token"));
    };
    if let Some(account) = account {
        match world.worth(account, token) {
            Worth::Good => {}
            Worth::Unknown => return Err(Refusal::invalid_token()),
            Worth::Expired => return Err(Refusal::dead_token(true)),
            Worth::Revoked => return Err(Refusal::dead_token(false)),
        }
    }
    // The person's calls, whichever of the person's pages they are about.
    let person = account.map(|account| world.holder(token, account, named));
    let member = world.spend(person.as_deref(), "linkedin.member", 1, Some(MEMBER));
    if member.is_some_and(|spent| !spent.allowed) {
        return Err(Refusal::throttled("MEMBER"));
    }
    let app = world.spend(None, "linkedin.app", 1, Some(APP));
    if app.is_some_and(|spent| !spent.allowed) {
        return Err(Refusal::throttled("APPLICATION"));
    }
    version(world, call)?;
    if call.header("x-restli-protocol-version") != Some("2.0.0") {
        return Err(Refusal::illegal("X-Restli-Protocol-Version must be 2.0.0"));
    }
    if call.raw.contains([':', '(', ')', ',']) {
        world.violation("a URN in the path whose `:`, `(`, `)` or `,` is not percent-encoded");
        return Err(Refusal::illegal("Syntax exception in path variables"));
    }
    let scopes = if call.writes() {
        ["w_organization_social_feed", "w_organization_social"]
    } else {
        ["r_organization_social_feed", "r_organization_social"]
    };
    let holds = account
        .and_then(|account| world.account(account))
        .is_none_or(|account| scopes.iter().any(|scope| account.holds(token, scope)));
    if holds { Ok(()) } else { Err(Refusal::forbidden(&format!("{}.{}", call.path.join("."), call.method))) }
}

/// The version must be named, and be one of the last year.
fn version(world: &World, call: &Call) -> Result<(), Refusal> {
    let Some(text) = call.header("linkedin-version") else {
        let message =
            "A version must be present. Please specify a version by adding the LinkedIn-Version header.";
        return Err(Refusal::new(400, None, "VERSION_MISSING", message));
    };
    let month = text
        .get(..4)
        .filter(|_| text.len() == 6 && text.bytes().all(|digit| digit.is_ascii_digit()))
        .and_then(|year| Some((year.parse::<i32>().ok()?, text.get(4..)?.parse::<i32>().ok()?)))
        .filter(|(_, month)| (1..=12).contains(month));
    let now: chrono::DateTime<Utc> = world.now();
    let active = month.is_some_and(|(year, month)| {
        let age = (now.year() - year) * 12 + i32::try_from(now.month()).unwrap_or_default() - month;
        (0..12).contains(&age) || (age == 12 && now.day() < SUNSET)
    });
    if active {
        return Ok(());
    }
    Err(Refusal::new(426, None, "NONEXISTENT_VERSION", &format!("Requested version {text} is not active")))
}
