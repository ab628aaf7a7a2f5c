//! What a request costs: windows of fifteen minutes, told in header lines, and money, told nowhere.

use serde_json::Value;

use super::problem::Problem;
use super::tweet::Tweet;
use crate::sandbox::quota::{Rule, Spent, Window};
use crate::sandbox::wire::Answer;
use crate::sandbox::world::World;

/// Prices in thousandths of a dollar: a post read, an own one, one that is written, an act of moderation. In which
/// class hiding falls no source tells; it is taken for the last.
pub(super) const READ: u64 = 5;
pub(super) const OWNED: u64 = 1;
pub(super) const WRITE: u64 = 15;
pub(super) const WRITE_URL: u64 = 200;
pub(super) const MANAGE: u64 = 5;

/// The setting that holds what is left, in thousandths of a dollar; without it there is no end.
const CREDITS: &str = "credits_milli";

/// The setting that holds the status of the answer when nothing is left.
const STATUS: &str = "out_of_credit_status";

/// The setting that holds which day's posts were paid for, and their ids.
const PAID: &str = "paid";

/// Seconds of a window.
const WINDOW: u32 = 15 * 60;

/// Counts a request of this name.
pub(super) fn count(world: &mut World, account: Option<&str>, name: &str, limit: u64) -> Option<Spent> {
    world.spend(account, &format!("x.{name}"), 1, Some(Rule { limit, window: Window::Fixed(WINDOW) }))
}

/// The answer with the header lines that tell how much is left.
pub(super) fn tell(answer: Answer, spent: Option<&Spent>) -> Answer {
    let Some(spent) = spent else { return answer };
    answer
        .with("x-rate-limit-limit", spent.limit.to_string())
        .with("x-rate-limit-remaining", spent.left().to_string())
        .with("x-rate-limit-reset", spent.resets_at.timestamp().to_string())
}

/// Takes money for posts that were read; the same post is paid for once in a day (UTC).
pub(super) fn pay(world: &mut World, account: &str, price: u64, tweets: &[Tweet]) -> Result<(), Problem> {
    if world.account(account).is_none_or(|account| account.setting(CREDITS).is_none()) {
        return Ok(());
    }
    let day = world.now().date_naive().to_string();
    let paid = world.account(account).and_then(|account| account.setting(PAID)).cloned().unwrap_or_default();
    let mut paid: Vec<String> = match paid.get(&day) {
        Some(Value::Array(ids)) => ids.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    };
    let before = paid.len();
    for tweet in tweets {
        if !paid.contains(&tweet.id) {
            paid.push(tweet.id.clone());
        }
    }
    charge(world, account, price * u64::try_from(paid.len() - before).unwrap_or(u64::MAX))?;
    world.change_account(account, |account| {
        account.memory.insert(PAID.to_owned(), serde_json::json!({ day: paid }));
    });
    Ok(())
}

/// Takes money for one act. When nothing is left every call is refused.
pub(super) fn charge(world: &mut World, account: &str, price: u64) -> Result<(), Problem> {
    let Some(is) = world.account(account) else { return Ok(()) };
    let Some(left) = is.setting(CREDITS).and_then(Value::as_u64) else { return Ok(()) };
    if left == 0 {
        let status = is.setting(STATUS).and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
        return Err(Problem::credits(status.unwrap_or(402)));
    }
    world.change_account(account, |account| {
        account.memory.insert(CREDITS.to_owned(), Value::from(left.saturating_sub(price)));
    });
    Ok(())
}
