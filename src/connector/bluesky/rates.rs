//! What Bluesky lets us ask: requests by address, log-ins and writes by account.
//!
//! Source: <https://docs.bsky.app/docs/advanced-guides/rate-limits>.

use std::time::Duration;

use super::super::http::{Answer, Http};
use crate::connector::budget::{Book, Quota, Window};

/// Every request, by the address it comes from.
pub(super) const REQUESTS: &str = "requests in 5 minutes";

/// Writes, by account: creating a record costs 3 points, changing one 2, deleting one 1.
pub(super) const POINTS_AN_HOUR: &str = "points an hour";
pub(super) const POINTS_A_DAY: &str = "points a day";

/// Log-ins, by account.
pub(super) const LOGINS: &str = "log-ins in 5 minutes";
pub(super) const LOGINS_A_DAY: &str = "log-ins a day";

/// What a writing of the gate costs: it may be the first one, which creates it.
pub(super) const GATE: u64 = 3;

const FIVE_MINUTES: Duration = Duration::from_mins(5);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// The client with the budgets of the account `did` behind `host`. All accounts behind one host share the address's.
pub fn within(http: &Http, book: &Book, host: &str, did: &str) -> Http {
    let quota =
        |name, limit, window, reserve| Quota { name, limit, window: Window::Rolling(window), reserve };
    let address = book.budget(&format!("bluesky/{host}"), [quota(REQUESTS, 3000, FIVE_MINUTES, 300)]);
    let account = book.budget(
        &format!("bluesky/{did}"),
        [
            quota(POINTS_AN_HOUR, 5000, HOUR, 0),
            quota(POINTS_A_DAY, 35_000, DAY, 0),
            quota(LOGINS, 30, FIVE_MINUTES, 0),
            quota(LOGINS_A_DAY, 300, DAY, 0),
        ],
    );
    http.within(address).within(account)
}

/// Takes over what an answer says. Its headers tell of the tightest quota only; the length of the window says which.
pub(super) fn heed(http: &Http, answer: &Answer) {
    let Some(rate) = answer.rate("ratelimit") else { return };
    let name = match rate.window {
        Some(300) => REQUESTS,
        Some(3600) => POINTS_AN_HOUR,
        Some(86_400) => POINTS_A_DAY,
        _ => return,
    };
    for budget in http.budgets().iter().filter(|budget| budget.has(name)) {
        budget.told(name, rate.used, Some(rate.limit), rate.resets_at);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use chrono::{DateTime, Utc};
    use secrecy::SecretString;
    use serde_json::json;

    use super::super::super::http::script::{Reply, Server};
    use super::super::Bluesky;
    use super::*;
    use crate::clock::Clock;
    use crate::connector::testing::Shelf;
    use crate::connector::{Connector, ConnectorError, Target};

    const DID: &str = "did:plc:us";

    fn now() -> DateTime<Utc> {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    /// An account on a server that logs in and answers the rest with `headers`, empty lists and this status.
    async fn account(book: &Book, status: u16, headers: &'static str) -> (Bluesky, Server) {
        let server = Server::start(move |asked| {
            if asked.path.contains("createSession") {
                let session = json!({"did": DID, "accessJwt": "a", "refreshJwt": "b", "active": true});
                return Reply::json(&session);
            }
            Reply::Whole(status, headers.to_owned(), br#"{"posts": []}"#.to_vec())
        })
        .await;
        let http = within(&Http::for_tests(Duration::from_secs(2)), book, "pds.example", DID);
        let login: SecretString = json!({"identifier": "us.test", "password": "x"}).to_string().into();
        (Bluesky::new(http, &server.endpoint.to_string(), DID, &login).unwrap(), server)
    }

    fn left(account: &Bluesky) -> BTreeMap<String, (u64, u64)> {
        account.budgets().into_iter().map(|left| (left.name, (left.used, left.limit))).collect()
    }

    fn target() -> Target {
        Target {
            native_id: "at://x/y/z".to_owned(),
            post_id: "p".to_owned(),
            parent_id: None,
            hidden_by_us: false,
        }
    }

    #[tokio::test]
    async fn every_request_counts_and_the_headers_say_what_others_behind_the_address_have_used() {
        let book = Book::new(Clock::manual(now()), Arc::<Shelf>::default());
        let (quiet, _server) = account(&book, 200, "").await;
        let _ = quiet.look(&target()).await;
        // The log-in, the look, and why it was not shown.
        assert_eq!(left(&quiet)["bluesky/pds.example/requests in 5 minutes"], (3, 3000));
        assert_eq!(left(&quiet)["bluesky/did:plc:us/log-ins a day"], (1, 300));
        let headers = "Date: Mon, 23 Nov 2026 12:00:00 GMT\r\nRateLimit-Limit: 3000\r\nRateLimit-Remaining: 1000\r\n\
                       RateLimit-Reset: 1795435500\r\nRateLimit-Policy: 3000;w=300\r\n";
        let (told, _server) = account(&book, 200, headers).await;
        let _ = told.look(&target()).await;
        for account in [&quiet, &told] {
            let (used, _) = left(account)["bluesky/pds.example/requests in 5 minutes"];
            assert_eq!(used, 2000, "they share the address");
        }
    }

    #[tokio::test]
    async fn too_many_closes_the_address_for_all_accounts_and_nothing_more_is_sent() {
        let book = Book::new(Clock::manual(now()), Arc::<Shelf>::default());
        let (refused, server) = account(&book, 429, "Retry-After: 120\r\n").await;
        let (other, others) = account(&book, 200, "").await;
        for _ in 0..2 {
            let error = refused.look(&target()).await.unwrap_err();
            assert!(
                matches!(error, ConnectorError::RateLimited(wait) if wait == Duration::from_mins(2)),
                "{error}"
            );
        }
        assert_eq!(server.asked().len(), 2, "the log-in and one look");
        assert!(matches!(other.look(&target()).await, Err(ConnectorError::RateLimited(_))));
        assert_eq!(others.asked().len(), 0);
    }
}
