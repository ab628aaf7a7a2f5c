//! The pages that editors decide on.

pub mod link;

use std::future::Future;

use crate::pipeline::App;

/// Serves the pages until `shutdown` completes.
///
/// # Errors
/// The listener's.
pub async fn serve(
    listener: tokio::net::TcpListener,
    _app: App,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, axum::Router::new()).with_graceful_shutdown(shutdown).await
}
