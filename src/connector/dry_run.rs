//! An account in `mode = "watch"`: it reads everything and writes nothing.

use async_trait::async_trait;

use super::{
    Capabilities, Connector, ConnectorError, Cursor, Fetched, Left, Look, Page, Sighting, Standing, Target,
};
use crate::archive::Preserved;
use crate::domain::comment::{Media, Platform};
use crate::store::Intent;

/// A connector that reads as the one inside it and refuses every act: whatever goes wrong elsewhere, no writing
/// request leaves an account that only watches.
#[derive(Debug)]
pub struct DryRun(pub Box<dyn Connector>);

fn refused() -> ConnectorError {
    ConnectorError::Refused("kontot bevakas bara (mode = \"watch\"): inget ändras på plattformen".to_owned())
}

#[async_trait]
impl Connector for DryRun {
    fn platform(&self) -> Platform {
        self.0.platform()
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn page(&self, from: Option<&Cursor>) -> Result<Page, ConnectorError> {
        self.0.page(from).await
    }

    async fn look(&self, target: &Target) -> Result<Look, ConnectorError> {
        self.0.look(target).await
    }

    async fn look_at_post(&self, native_id: &str) -> Result<Sighting, ConnectorError> {
        self.0.look_at_post(native_id).await
    }

    async fn hide(&self, _: &Intent, _: &Preserved) -> Result<(), ConnectorError> {
        Err(refused())
    }

    async fn restore(&self, _: &Intent, _: &Preserved) -> Result<(), ConnectorError> {
        Err(refused())
    }

    async fn remove(&self, _: &Intent, _: &Preserved) -> Result<(), ConnectorError> {
        Err(refused())
    }

    async fn reply(&self, _: &Intent, _: &Preserved, _: &str) -> Result<String, ConnectorError> {
        Err(refused())
    }

    async fn standing(&self) -> Result<Standing, ConnectorError> {
        self.0.standing().await
    }

    async fn renew(&self) -> Result<(), ConnectorError> {
        self.0.renew().await
    }

    fn budgets(&self) -> Vec<Left> {
        self.0.budgets()
    }

    async fn media(&self, media: &Media, limit: usize) -> Result<Fetched, ConnectorError> {
        self.0.media(media, limit).await
    }
}
