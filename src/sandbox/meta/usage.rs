//! Limits, and the headers that tell how near they are.
//!
//! Page tokens are counted by account (Business Use Case), user and app tokens by app. Which code and status a
//! blocked call gets varies and is not documented; `throttle_code` and `throttle_status` in the account's memory
//! choose, so that a client learns not to rely on one.

use serde_json::{Value, json};

use super::error::{GraphError, block};
use crate::sandbox::wire::Answer;
use crate::sandbox::world::World;

/// From how many calls on the headers come: "once enough calls have been made". The number is not documented.
const ENOUGH: u64 = 3;

/// One platform's words.
#[derive(Debug)]
pub(in crate::sandbox) struct Words {
    /// The prefix of its quotas: `facebook` has `facebook.buc` (by account), `facebook.app` (the app's),
    /// `facebook.user`, `facebook.page` and `facebook.custom` (by account, with codes of their own).
    pub(in crate::sandbox) prefix: &'static str,
    /// `type` in the header.
    pub(in crate::sandbox) usage: &'static str,
    /// The code of a call that the Business Use Case limit blocks.
    pub(in crate::sandbox) blocked: i64,
}

/// Counts the call; the error is that of a limit that is reached.
pub(in crate::sandbox) fn count(
    world: &mut World,
    words: &Words,
    account: &str,
    units: u64,
) -> Result<(), GraphError> {
    world.account_mut(account).calls += 1;
    let limits = [
        (
            "buc",
            true,
            words.blocked,
            "There have been too many calls to this account. Wait a bit and try again.",
        ),
        ("app", false, 4, "Application request limit reached"),
        ("user", true, 17, "User request limit reached"),
        ("page", true, 32, "Page request limit reached"),
        ("custom", true, 613, "Calls to this api have exceeded the rate limit."),
    ];
    let mut blocked = None;
    for (name, by_account, code, message) in limits {
        let name = format!("{}.{name}", words.prefix);
        let of = by_account.then_some(account);
        if code != words.blocked && world.rule(of, &name).is_none() {
            continue;
        }
        let spent = world.spend(of, &name, units, None);
        if blocked.is_none() && spent.is_some_and(|spent| !spent.allowed) {
            let setting = |key: &str| world.account(account)?.setting(key)?.as_i64();
            let code = setting("throttle_code").unwrap_or(code);
            let status =
                setting("throttle_status").and_then(|status| u16::try_from(status).ok()).unwrap_or(400);
            blocked = Some(GraphError { status, ..GraphError::new(code, message) });
        }
    }
    blocked.map_or(Ok(()), Err)
}

/// Adds the usage headers, if enough calls have been made.
pub(in crate::sandbox) fn tell(world: &mut World, words: &Words, account: Option<&str>, answer: &mut Answer) {
    let Some((id, account)) = account.and_then(|id| Some((id, world.account(id)?))) else { return };
    let (usage, calls) = (u64::from(account.usage), account.calls);
    let now = world.now();
    let buc = world.quota(Some(id), &format!("{}.buc", words.prefix));
    let app = world.quota(None, &format!("{}.app", words.prefix));
    if calls <= ENOUGH && usage <= 1 && buc.is_none() && app.is_none() {
        return;
    }
    let count = |percent: u64| json!({ "call_count": percent, "total_cputime": 1, "total_time": 1 });
    let of_app: Value = count(app.map_or(usage, |app| app.percent()));
    answer.headers.push(("x-app-usage", of_app.to_string()));
    if answer.headers.iter().any(|(name, _)| *name == "x-business-use-case-usage") {
        return;
    }
    let minutes =
        buc.as_ref().filter(|buc| buc.left() == 0).map_or(0, |buc| buc.wait(now).div_euclid(60) + 1);
    let percent = buc.map_or(usage, |buc| buc.percent());
    answer.headers.push(("x-business-use-case-usage", block(id, words.usage, percent, minutes).to_string()));
}
