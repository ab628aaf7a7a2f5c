//! Tokens, who holds them, and what they are worth: `me/accounts`, `oauth/access_token`, `debug_token`.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::NAME;
use crate::sandbox::account::{Account, Token, Worth};
use crate::sandbox::comment::Place;
use crate::sandbox::consent::{self, Code};
use crate::sandbox::meta::error::GraphError;
use crate::sandbox::meta::fields::{self, Node};
use crate::sandbox::meta::is_yes;
use crate::sandbox::meta::page::Slice;
use crate::sandbox::meta::token::{self, LONG};
use crate::sandbox::wire::Call;
use crate::sandbox::world::World;

/// The tasks of a person on a Page, in the order in which they come.
pub(super) const TASKS: [&str; 6] =
    ["ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE"];

/// The scopes that moderating a Page can use.
const SCOPES: [&str; 8] = [
    "pages_show_list",
    "pages_messaging",
    "instagram_basic",
    "instagram_manage_comments",
    "pages_read_engagement",
    "pages_manage_metadata",
    "pages_read_user_content",
    "pages_manage_engagement",
];

/// A short-lived token's life in seconds.
const SHORT: i64 = 5_400;

const ACCOUNT: Node = Node {
    known: &[
        "access_token",
        "category",
        "category_list",
        "name",
        "id",
        "tasks",
        "instagram_business_account",
    ],
    usual: &["access_token", "category", "category_list", "name", "id", "tasks"],
};

/// The account whose list has the token; one that takes any token only if there is no other.
pub(super) fn of_token(world: &World, token: &str) -> Option<String> {
    let all = || world.accounts_of(NAME, token);
    all().find(|(_, account)| !account.tokens.is_empty()).or_else(|| all().next()).map(|(id, _)| id.clone())
}

/// The Page's own token. One that is on the list is told; else one is made from the id, and means the same Page.
pub(super) fn page_token(id: &str, account: &Account) -> String {
    let is_page = |token: &&Token| token.kind.as_deref() == Some("page");
    let listed = account.tokens.iter().find(|(_, token)| is_page(token)).map(|(name, _)| name.clone());
    listed.unwrap_or_else(|| format!("EAAPAGE{id}"))
}

/// `GET /me/accounts`: the Pages of a person, each with a token of its own.
pub(super) fn accounts(world: &mut World, call: &Call, token: &str) -> Result<Value, GraphError> {
    let Some(first) = of_token(world, token) else {
        return Err(GraphError::plain(190, "Invalid OAuth access token - Cannot parse access token"));
    };
    if let Some(error) = token::refused(world, &first, token) {
        return Err(error);
    }
    let wishes = fields::wishes(call.param("fields"), &ACCOUNT)?;
    let ids: Vec<String> = world.accounts_of(NAME, token).map(|(id, _)| id.clone()).collect();
    // Where tokens are listed, the one that is handed out here is taken from now on. It lives as long as a person's
    // long-lived token lets it: for ever; else as long as that one.
    for id in &ids {
        let Some(account) = world.account(id).filter(|account| !account.tokens.is_empty()) else { continue };
        let (new, of) = (page_token(id, account), account.tokens.get(token).cloned().unwrap_or_default());
        if !account.tokens.contains_key(&new) {
            let long = of.kind.as_deref() == Some("user_long");
            let expires_at = of.expires_at.filter(|_| !long);
            let page =
                Token { expires_at, kind: Some("page".to_owned()), rights: of.rights, ..Token::default() };
            world.change_account(id, |account| {
                account.tokens.insert(new, page);
            });
        }
    }
    // Without this scope the list is empty, not an error.
    let shown =
        |id: &&String| world.account(id).is_some_and(|account| account.holds(token, "pages_show_list"));
    let list: Vec<(Place, &String)> = ids
        .iter()
        .filter(shown)
        .enumerate()
        .map(|(index, id)| ((i64::try_from(index).unwrap_or(i64::MAX), 0), id))
        .collect();
    let total = list.len();
    let slice = Slice::take(world, call, &first, list, false)?;
    let mut data = Vec::new();
    for (_, id) in &slice.elements {
        let Some(account) = world.account(id) else { continue };
        let category = account.setting("category").cloned().unwrap_or_else(|| json!("Local business"));
        let whole = json!({
            "access_token": page_token(id, account),
            "category": category,
            "category_list": [{ "id": "2500", "name": category }],
            "name": account.name,
            "id": id,
            "tasks": account.held(token, &TASKS),
            "instagram_business_account":
                account.setting("instagram_business_account").map(|id| json!({ "id": id })),
        });
        let mut node = json!({});
        for wish in &wishes {
            if !whole[&wish.name].is_null() {
                node[&wish.name] = whole[&wish.name].clone();
            }
        }
        data.push(node);
    }
    let mut page = slice.page(world, call, &first, data);
    if is_yes(call.param("summary")) {
        page["summary"] = json!({ "total_count": total });
    }
    Ok(page)
}

/// `GET /oauth/access_token`: a code for a short-lived token, a short-lived one for one of sixty days.
pub(super) fn exchange(world: &mut World, call: &Call) -> Result<Value, GraphError> {
    // The parameter that is missing is named; the code is from recorded errors of third parties.
    let need = |name: &str| {
        let missing = || GraphError::plain(101, &format!("Missing {name} parameter."));
        call.param(name).filter(|value| !value.is_empty()).map(str::to_owned).ok_or_else(missing)
    };
    let (client, secret) = (need("client_id")?, need("client_secret")?);
    let old = call.param("fb_exchange_token").unwrap_or_default().to_owned();
    if !token::knows_secret(world, NAME, &secret) {
        return Err(GraphError::plain(1, "Error validating client secret."));
    }
    match call.param("grant_type") {
        Some("client_credentials") => {
            Ok(json!({ "access_token": format!("{client}|{secret}"), "token_type": "bearer" }))
        }
        Some("fb_exchange_token") => {
            need("fb_exchange_token")?;
            let new = format!("{old}LONG");
            long_lived(world, &old, &new)?;
            Ok(json!({ "access_token": new, "token_type": "bearer", "expires_in": LONG }))
        }
        Some(_) => Err(GraphError::plain(100, "Invalid grant_type")),
        None => {
            let (code, _) = (need("code")?, need("redirect_uri")?);
            let consent = match consent::redeem(world, call, NAME) {
                Code::Good(consent) => Some(consent),
                Code::Untold => None,
                Code::Bad => {
                    let error = GraphError::plain(100, "Invalid verification code format.");
                    return Err(GraphError { subcode: Some(36_007), ..error });
                }
            };
            if !world.use_once(&format!("facebook code {code}")) {
                let error = GraphError::plain(100, "This authorization code has been used.");
                return Err(GraphError { subcode: Some(36_009), ..error });
            }
            let new = format!("EAASHORT{code}");
            let expires_at = Some(world.now() + TimeDelta::seconds(SHORT));
            let mut token = Token { expires_at, kind: Some("user".to_owned()), ..Token::default() };
            if let Some(consent) = consent {
                // Tasks are the person's on the Page, and are not asked for.
                let tasks = TASKS.iter().map(|task| (*task).to_owned());
                token.rights = Some(consent.rights.iter().cloned().chain(tasks).collect());
                list_on_all(world, &new, &token);
            }
            take_on(world, None, &new, &token);
            Ok(json!({ "access_token": new, "token_type": "bearer", "expires_in": SHORT }))
        }
    }
}

fn long_lived(world: &mut World, old: &str, new: &str) -> Result<(), GraphError> {
    let account = of_token(world, old);
    let Some(account) = account else {
        return Err(GraphError::plain(190, "Invalid OAuth access token - Cannot parse access token"));
    };
    if let Some(error) = token::refused(world, &account, old) {
        return Err(error);
    }
    let of = world.account(&account).and_then(|account| account.tokens.get(old)).cloned().unwrap_or_default();
    let expires_at = Some(world.now() + TimeDelta::seconds(LONG));
    take_on(world, Some(old), new, &Token { expires_at, kind: Some("user_long".to_owned()), ..of });
    Ok(())
}

/// Puts a person's token on the list of every Page of hers: from now on only listed ones are taken.
fn list_on_all(world: &mut World, new: &str, token: &Token) {
    let on_facebook = |account: &Account| account.platform.as_deref() == Some(NAME);
    let ids: Vec<String> =
        world.accounts.iter().filter(|(_, account)| on_facebook(account)).map(|(id, _)| id.clone()).collect();
    for id in ids {
        world.change_account(&id, |account| {
            account.tokens.insert(new.to_owned(), token.clone());
        });
    }
}

/// Puts a new token on the list of every account that has one: with `old` on it, if that is given.
fn take_on(world: &mut World, old: Option<&str>, new: &str, token: &Token) {
    let has = |account: &Account| old.is_none_or(|old| account.tokens.contains_key(old));
    let on_facebook = |account: &Account| account.platform.as_deref().is_none_or(|name| name == NAME);
    let ids: Vec<String> = world
        .accounts
        .iter()
        .filter(|(_, account)| !account.tokens.is_empty() && on_facebook(account) && has(account))
        .map(|(id, _)| id.clone())
        .collect();
    for id in ids {
        world.change_account(&id, |account| {
            account.tokens.insert(new.to_owned(), token.clone());
        });
    }
}

/// `GET /debug_token`: what a token is worth. The answer is 200 also for one that is worth nothing.
pub(super) fn debug(world: &World, call: &Call) -> Result<Value, GraphError> {
    let input = call.param("input_token").filter(|input| !input.is_empty());
    let input = input.ok_or_else(|| GraphError::new(100, "The parameter input_token is required"))?;
    let seconds = |at: DateTime<Utc>| at.timestamp();
    let Some((id, account)) = of_token(world, input).and_then(|id| Some((id.clone(), world.account(&id)?)))
    else {
        let error = json!({ "code": 190, "message": "Invalid OAuth access token." });
        return Ok(json!({ "data": { "error": error, "is_valid": false, "scopes": [] } }));
    };
    let now = world.now();
    let token = account.tokens.get(input).cloned().unwrap_or_default();
    let is_user = token.kind.as_deref().is_some_and(|kind| kind.starts_with("user"));
    let data_access = account.setting("data_access_expires_at").and_then(Value::as_i64);
    let scopes = account.held(input, &SCOPES);
    let granular: Vec<Value> = scopes.iter().map(|scope| json!({ "scope": scope })).collect();
    let valid = account.worth(input, now);
    let mut data = json!({
        "app_id": "138483919580948",
        "type": if is_user { "USER" } else { "PAGE" },
        "application": "Uppsikt",
        "data_access_expires_at": data_access.unwrap_or_else(|| seconds(now + TimeDelta::days(90))),
        "expires_at": token.expires_at.map_or(0, seconds),
        "is_valid": valid == Worth::Good,
        "scopes": scopes,
        "granular_scopes": granular,
        "user_id": "10221223344556677",
    });
    if let Some(at) = token.issued_at {
        data["issued_at"] = json!(seconds(at));
    }
    if !is_user {
        data["profile_id"] = json!(id);
    }
    if let Some(error) = token::refused(world, &id, input) {
        data["error"] = json!({ "code": error.code, "message": error.message, "subcode": error.subcode });
    }
    Ok(json!({ "data": data }))
}
