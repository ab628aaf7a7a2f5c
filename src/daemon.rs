//! Passes without end, the desk beside them, and an orderly stop.

use std::future::Future;
use std::time::Duration;

use chrono::TimeDelta;

use crate::pipeline::{self, App, PassError, Which};

/// Between two passes at most; a decision made at the desk is carried out within this.
const TICK: Duration = Duration::from_secs(5);

/// Passes until `shutdown` completes. Waiting is cut, work is not.
///
/// The watchdog is fed by a finished pass and by nothing else: a pass that hangs is a daemon that hangs.
///
/// # Errors
/// The disk's: systemd starts the daemon anew from what is durable.
pub async fn run(app: &App, shutdown: impl Future<Output = ()>) -> Result<(), PassError> {
    tokio::pin!(shutdown);
    loop {
        match pipeline::pass(app, Which::Due).await {
            Ok(done) => {
                for (account, why) in &done.unread {
                    tracing::warn!(%account, %why, "the account could not be read");
                }
                for reason in &done.halted {
                    tracing::error!(%reason, "nothing is hidden or registered");
                }
                if done.new + done.preserved + done.entered + done.acted + done.letters > 0 {
                    tracing::info!(
                        new = done.new,
                        judged = done.judged,
                        preserved = done.preserved,
                        entered = done.entered,
                        acted = done.acted,
                        letters = done.letters,
                        "pass"
                    );
                }
                let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready, sd_notify::NotifyState::Watchdog]);
            }
            Err(error) if error.is_disk() => return Err(error),
            Err(error) => {
                tracing::error!(%error, "a pass did not end well; the next begins from what is durable");
            }
        }
        let wait = pause(app).await;
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = &mut shutdown => {
                let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
                return Ok(());
            }
        }
    }
}

/// Until the next second look, or the next tick.
async fn pause(app: &App) -> Duration {
    // One that is due already was just passed over; asking again at once would not help it.
    let next = app.next_act().await.ok().flatten().filter(|next| *next > app.clock.now());
    let until = next.map_or(TimeDelta::MAX, |next| next - app.clock.now());
    until.to_std().unwrap_or(TICK).clamp(Duration::from_millis(200), TICK)
}

/// Completes at SIGTERM or SIGINT.
pub async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}
