//! An account that cannot be reached because its key is not there, or is no key.
//!
//! It stands in the place of the real one, so that the other accounts go on, this one is told as blind from the first
//! poll, and its owner gets the letter about a dead key.

use async_trait::async_trait;

use super::{Capabilities, Connector, ConnectorError, Cursor, Look, Page, Standing, Target};
use crate::archive::Preserved;
use crate::domain::comment::Platform;
use crate::store::Intent;

/// Refuses everything, with the reason.
#[derive(Debug)]
pub struct Unkeyed {
    platform: Platform,
    reason: String,
}

impl Unkeyed {
    /// An account on `platform` without a key; `reason` names the file and holds nothing of it.
    pub fn new(platform: Platform, reason: String) -> Self {
        Self { platform, reason }
    }

    fn refusal<T>(&self) -> Result<T, ConnectorError> {
        Err(ConnectorError::Unauthorized(self.reason.clone()))
    }
}

#[async_trait]
impl Connector for Unkeyed {
    fn platform(&self) -> Platform {
        self.platform
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            hide: false,
            restore: false,
            remove: false,
            reply: false,
            shows_hidden: false,
            who_still_sees: "okänt, eftersom Uppsikt inte har någon nyckel till kontot",
            surfaces: &[],
            unconfirmed: &[],
        }
    }

    async fn page(&self, _from: Option<&Cursor>) -> Result<Page, ConnectorError> {
        self.refusal()
    }

    async fn look(&self, _target: &Target) -> Result<Look, ConnectorError> {
        self.refusal()
    }

    async fn hide(&self, _intent: &Intent, _proof: &Preserved) -> Result<(), ConnectorError> {
        self.refusal()
    }

    async fn restore(&self, _intent: &Intent, _proof: &Preserved) -> Result<(), ConnectorError> {
        self.refusal()
    }

    async fn standing(&self) -> Result<Standing, ConnectorError> {
        self.refusal()
    }
}
