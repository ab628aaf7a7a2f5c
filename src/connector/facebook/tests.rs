//! The connector against recorded answers, hostile answers, and the sandbox with each of its faults.

mod gotchas;
mod recorded;
mod sandboxed;

use std::time::Duration;

use secrecy::SecretString;

use super::Facebook;
use crate::connector::graph::trial::{kind, permit, sweep, target};
use crate::connector::http::{Endpoint, Http};
use crate::connector::{Connector, ConnectorError, Cursor, Page};
use crate::store::Act;

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

async fn hide(facebook: &Facebook, id: &str) -> Result<(), ConnectorError> {
    let (intent, proof) = permit(Act::Hide, target(id, "4_1"));
    facebook.hide(&intent, &proof).await
}

async fn restore(facebook: &Facebook, id: &str) -> Result<(), ConnectorError> {
    let (intent, proof) = permit(Act::Restore, target(id, "4_1"));
    facebook.restore(&intent, &proof).await
}
