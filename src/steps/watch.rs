//! 7. Open duties and the time → letters in the outbox.

use crate::pipeline::{App, PassError};

/// Letters about danger, before anything else is done.
///
/// # Errors
/// The store's.
pub async fn urgent(_app: &App) -> Result<(), PassError> {
    Ok(())
}

/// All other letters whose rung is reached.
///
/// # Errors
/// The store's.
pub async fn all(_app: &App) -> Result<(), PassError> {
    Ok(())
}
