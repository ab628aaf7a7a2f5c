//! What Meta's usage headers say, as a budget.
//!
//! Meta tells no limit in calls: `X-App-Usage` and `X-Business-Use-Case-Usage` give per cent of a window that rolls
//! (an hour for an app, a day for an account), and only "once enough calls have been made". So a request costs
//! nothing by our own count, and the header's per cent is what is spent. Polling stops at [`RESERVE`] per cent from the
//! end and tries one request each [`PAUSE`]; acts go on until Meta itself refuses.
//!
//! Source: Meta's page "Rate Limits"; the headers as recorded (`headers_rate_limit.txt`).

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;

use super::error;
use crate::clock::Clock;
use crate::connector::http::{Answer, Request};
use crate::connector::{Budget, Quota, Window};

/// The quota of `X-App-Usage`.
const APP: &str = "per cent of the app's calls";

/// The quota of `X-Business-Use-Case-Usage`.
const ACCOUNT: &str = "per cent of the account's calls";

/// How many per cent only looks and acts may spend.
const RESERVE: u64 = 25;

/// How long polling pauses before it asks again how much is left.
const PAUSE: Duration = Duration::from_mins(10);

/// The limits of one account, for [`Budget::new`].
pub fn quotas() -> [Quota; 2] {
    [APP, ACCOUNT].map(|name| Quota { name, limit: 100, window: Window::Rolling(PAUSE), reserve: RESERVE })
}

/// The request with its price: nothing, but it may not be sent once the header's per cent are used up.
pub(super) fn priced(request: Request) -> Request {
    request.costs(APP, 0).costs(ACCOUNT, 0)
}

/// Takes over what an answer says of the limits; `kind` is the use case ("pages", "instagram").
pub(super) fn hear(budget: &Budget, clock: &Clock, kind: &str, answer: &Answer) {
    let until = |wait: Duration| Some(clock.now() + TimeDelta::from_std(wait).unwrap_or(TimeDelta::days(1)));
    // What is at its end still lets acts through: only Meta's own refusal stops them, and that is told as 101.
    if let Some(used) = answer.header("x-app-usage").and_then(app_usage) {
        budget.told(APP, used.min(100), None, until(PAUSE));
    }
    if let Some((used, regain)) =
        answer.header("x-business-use-case-usage").and_then(|header| account_usage(header, kind))
    {
        let wait =
            regain.map_or(PAUSE, |minutes| Duration::from_secs(minutes.saturating_mul(60).min(86_400)));
        budget.told(ACCOUNT, used.min(100), None, until(wait));
    }
    if let Some((whose, wait)) = error::throttled(answer) {
        budget.told(if whose == error::Whose::App { APP } else { ACCOUNT }, 101, None, until(wait));
    }
}

/// The highest of the per cents in a header's object.
fn percent(usage: &Value) -> Option<u64> {
    ["call_count", "total_cputime", "total_time"]
        .into_iter()
        .filter_map(|key| {
            let value = usage.get(key)?;
            value.as_u64().or_else(|| value.as_f64().and_then(whole))
        })
        .max()
}

/// Per cent with decimals, rounded up.
fn whole(value: f64) -> Option<u64> {
    (0..=1_000_u64).find(|n| u32::try_from(*n).is_ok_and(|n| f64::from(n) >= value))
}

/// What `X-App-Usage` says: per cent.
pub fn app_usage(header: &str) -> Option<u64> {
    percent(&serde_json::from_str(header).ok()?)
}

/// What `X-Business-Use-Case-Usage` says of the use case `kind`: the highest per cent, and the minutes until Meta
/// answers again where a limit is reached.
pub fn account_usage(header: &str, kind: &str) -> Option<(u64, Option<u64>)> {
    let usage: Value = serde_json::from_str(header).ok()?;
    let ours =
        |limit: &&Value| limit.get("type").and_then(Value::as_str).is_none_or(|told| told.contains(kind));
    let limits: Vec<&Value> =
        usage.as_object()?.values().filter_map(Value::as_array).flatten().filter(ours).collect();
    let regain =
        limits.iter().filter_map(|limit| limit.get("estimated_time_to_regain_access")?.as_u64()).max();
    let used = limits.iter().filter_map(|limit| percent(limit)).max()?;
    Some((used, regain.filter(|minutes| *minutes > 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_per_cent_of_a_header_counts_whatever_else_stands_in_it() {
        let table = [
            (r#"{"call_count":16,"total_cputime":15,"total_time":12}"#, Some(16)),
            (r#"{"call_count":16,"total_cputime":81.2,"total_time":"x"}"#, Some(82)),
            (r#"{"call_count":-1,"total_cputime":1e300}"#, Some(0)),
            ("{}", None),
            ("[16]", None),
            ("{", None),
            ("", None),
        ];
        for (header, expected) in table {
            assert_eq!(app_usage(header), expected, "{header}");
        }
    }

    #[test]
    fn only_the_own_use_case_counts_and_the_wait_is_in_minutes() {
        let recorded = r#"{"112130216863063":[{"type":"pages","call_count":1,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":0,"ads_api_access_tier":"development_access"}]}"#;
        let table = [
            (recorded, "pages", Some((1, None))),
            (recorded, "instagram", None),
            (
                r#"{"1":[{"type":"pages","call_count":100,"estimated_time_to_regain_access":7},{"type":"ads_management","call_count":12,"estimated_time_to_regain_access":90}]}"#,
                "pages",
                Some((100, Some(7))),
            ),
            (r#"{"1":[{"call_count":40}],"2":[{"call_count":60}]}"#, "pages", Some((60, None))),
            (r#"{"1":{"call_count":40}}"#, "pages", None),
            ("[]", "pages", None),
        ];
        for (header, kind, expected) in table {
            assert_eq!(account_usage(header, kind), expected, "{header}");
        }
    }
}
