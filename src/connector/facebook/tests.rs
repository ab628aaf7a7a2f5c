//! The connector against recorded answers, hostile answers, and the sandbox with each of its faults.

mod recorded;
mod sandboxed;

use std::time::Duration;

use secrecy::SecretString;

use super::Facebook;
use crate::archive::Preserved;
use crate::connector::http::{Endpoint, Http};
use crate::connector::{Connector, ConnectorError, Cursor, Page, Target};
use crate::domain::comment::CommentId;
use crate::store::{Act, Intent};

const TOKEN: &str = "EAAB-geheim-nyckel";
const SECRET: &str = "apphemlighet";

fn facebook(api: &str, secret: Option<&str>) -> Facebook {
    let secret = secret.map(SecretString::from);
    Facebook::new(
        Http::for_tests(Duration::from_millis(800)),
        Endpoint::parse(api).unwrap(),
        "4".to_owned(),
        TOKEN.into(),
        secret.as_ref(),
    )
}

fn target(native_id: &str, post_id: &str) -> Target {
    Target {
        native_id: native_id.to_owned(),
        post_id: post_id.to_owned(),
        parent_id: None,
        hidden_by_us: false,
    }
}

fn permit(act: Act, target: Target) -> (Intent, Preserved) {
    let comment = CommentId { account: "fb".to_owned(), native: target.native_id.clone() };
    (Intent::for_tests(act, comment.clone(), target), Preserved::for_tests(comment, "text"))
}

async fn hide(facebook: &Facebook, id: &str) -> Result<(), ConnectorError> {
    let (intent, proof) = permit(Act::Hide, target(id, "4_1"));
    facebook.hide(&intent, &proof).await
}

async fn restore(facebook: &Facebook, id: &str) -> Result<(), ConnectorError> {
    let (intent, proof) = permit(Act::Restore, target(id, "4_1"));
    facebook.restore(&intent, &proof).await
}

/// A whole sweep as one page, with the number of requests that it took.
async fn sweep(facebook: &Facebook, from: Option<Cursor>) -> Result<(Page, u32), ConnectorError> {
    let mut whole = Page { cursor: from, ..Page::default() };
    for requests in 1..5_000 {
        let page = facebook.page(whole.cursor.as_ref()).await?;
        whole.comments.extend(page.comments);
        whole.posts.extend(page.posts);
        whole.faults.extend(page.faults);
        whole.listed.extend(page.listed);
        whole.blind.extend(page.blind);
        whole.date = page.date;
        whole.cursor = page.cursor;
        if !page.more {
            return Ok((whole, requests));
        }
    }
    panic!("the sweep does not end");
}

/// The name of an error, which is what the caller goes by.
fn kind(error: &ConnectorError) -> &'static str {
    match error {
        ConnectorError::RateLimited(_) => "RateLimited",
        ConnectorError::Unauthorized(_) => "Unauthorized",
        ConnectorError::OutcomeUnknown(_) => "OutcomeUnknown",
        ConnectorError::Changed(_) => "Changed",
        ConnectorError::Refused(_) => "Refused",
        ConnectorError::Unavailable(_) => "Unavailable",
        ConnectorError::Malformed(_) => "Malformed",
    }
}
