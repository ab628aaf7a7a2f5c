//! Passes without end, polls and the desk beside them, and an orderly stop.

use std::time::Duration;

use chrono::TimeDelta;

use crate::pipeline::{self, App, PassError};
use crate::polling::{self, Pace, Reports};

/// Between two passes at most; a decision made at the desk is carried out within this.
const TICK: Duration = Duration::from_secs(5);

/// Nobody has looked for accounts to read for so long: the daemon is no watch any more, whatever else it does.
const DEAF: Duration = Duration::from_mins(2);

/// The shortest time between two passes: news wakes the daemon, a flood of it does not keep it from anything else.
const BREATH: Duration = Duration::from_millis(200);

/// Polls beside passes, until `shutdown` completes. Waiting is cut, work is not.
///
/// The watchdog is fed by a finished pass and by nothing else, and only while accounts are being read: a pass that
/// hangs is a daemon that hangs, and so is one that no longer reads.
///
/// # Errors
/// The disk's: systemd starts the daemon anew from what is durable.
pub async fn run(app: &App, shutdown: impl Future<Output = ()>) -> Result<(), PassError> {
    let reports = Reports::default();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mut polls = tokio::spawn({
        let (app, reports, mut stopped) = (app.clone(), reports.clone(), stopped);
        async move {
            // An error means that the sender is gone, which is a stop as well.
            let stop = async move { drop(stopped.wait_for(|stop| *stop).await) };
            polling::run(&app, Pace::default(), &reports, stop).await
        }
    });
    // Beside everything else: no act waits for an outsider. Cut off, it leaves nothing half done.
    let anchors = tokio::spawn({
        let app = app.clone();
        async move { crate::steps::anchor::run(&app).await }
    });
    tokio::pin!(shutdown);
    let broken = |error: tokio::task::JoinError| PassError::Broken(crate::panics::ended(&error).to_owned());
    let result = loop {
        if let Err(error) = one(app, &reports).await {
            break Err(error);
        }
        let wait = pause(app).await;
        tokio::time::sleep(BREATH.min(wait)).await;
        tokio::select! {
            () = tokio::time::sleep(wait.saturating_sub(BREATH)) => {}
            () = reports.news() => {}
            ended = &mut polls => {
                anchors.abort();
                return ended.map_err(broken)?;
            }
            () = &mut shutdown => break Ok(()),
        }
    };
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    anchors.abort();
    let _ = stop.send(true);
    let polled = polls.await.map_err(broken)?;
    result.and(polled)
}

/// One pass, told to the log and to the watchdog.
async fn one(app: &App, reports: &Reports) -> Result<(), PassError> {
    match pipeline::pass_after(app, reports.take()).await {
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
            if reports.alive_within(DEAF) {
                let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready, sd_notify::NotifyState::Watchdog]);
            } else {
                tracing::error!("no account has been looked for in two minutes; the watchdog is not fed");
            }
            Ok(())
        }
        Err(error) if error.is_disk() => Err(error),
        Err(error) => {
            tracing::error!(%error, "a pass did not end well; the next begins from what is durable");
            Ok(())
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
