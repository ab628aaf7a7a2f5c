//! `run`: the daemon, or one pass.

use std::io::{IsTerminal, Write};

use anyhow::bail;
use chrono::{DateTime, Utc};

use super::Outcome;
use crate::archive::ArchiveError;
use crate::clock::Clock;
use crate::config::Config;
use crate::pipeline::PassError;
use crate::{assemble, daemon, desk, panics, pipeline, store};

/// Runs the daemon, or with `once` a single pass at the time `at`.
///
/// # Errors
/// When another process has the data folder, something is missing, or the disk fails.
pub fn run(
    config: Config,
    once: bool,
    at: Option<DateTime<Utc>>,
    out: &mut dyn Write,
) -> anyhow::Result<Outcome> {
    if at.is_some() && !assemble::stays_home(&config) {
        bail!(
            "--at is for trials: only where every platform and mail host is loopback, the sandbox or a folder"
        );
    }
    log_to_stderr();
    let lock = assemble::lock(&config)?;
    let clock = at.map_or(Clock::System, Clock::manual);
    let outcome = super::runtime()?.block_on(async {
        let assembled = assemble::app(config, clock).await?;
        let app = &assembled.app;
        refuse_to_fork(app).await?;
        if once { once_only(app, out).await } else { daemon(app).await }
    });
    drop(lock);
    outcome
}

/// A log that would fork is told before anything is done. An archive that cannot be written is no reason to stop
/// storing comments: the pass finds it, hides nothing and tells a person.
async fn refuse_to_fork(app: &pipeline::App) -> anyhow::Result<()> {
    match app.publish().await {
        Err(PassError::Archive(error @ (ArchiveError::Io { .. } | ArchiveError::Tiles(_)))) => {
            tracing::error!(%error, "the archive cannot be used");
            Ok(())
        }
        other => Ok(other.map(drop)?),
    }
}

async fn daemon(app: &pipeline::App) -> anyhow::Result<Outcome> {
    let listener = tokio::net::TcpListener::bind(app.config.desk.listen)
        .await
        .map_err(|error| anyhow::anyhow!("desk.listen {} cannot be used: {error}", app.config.desk.listen))?;
    let (stop, _) = tokio::sync::watch::channel(false);
    let stopped = |mut told: tokio::sync::watch::Receiver<bool>| async move {
        // An error means that the sender is gone, which is a stop as well.
        let _ = told.wait_for(|stop| *stop).await;
    };
    let mut pages = tokio::spawn(desk::serve(listener, app.clone(), stopped(stop.subscribe())));
    let passes = daemon::run(app, stopped(stop.subscribe()));
    tokio::pin!(passes);
    // A part that ends by itself ends the daemon; systemd starts it again.
    tokio::select! {
        ended = &mut passes => {
            let _ = stop.send(true);
            ended?;
            served(pages.await)?;
        }
        ended = &mut pages => {
            let _ = stop.send(true);
            passes.await?;
            served(ended)?;
            bail!("the desk stopped by itself");
        }
        () = daemon::signalled() => {
            tracing::info!("stopping: the work in hand is finished first");
            let _ = stop.send(true);
            passes.await?;
            served(pages.await)?;
        }
    }
    Ok(Outcome::Done)
}

/// How the desk ended. What a panic said is not repeated.
fn served<E: std::error::Error + Send + Sync + 'static>(
    ended: Result<Result<(), E>, tokio::task::JoinError>,
) -> anyhow::Result<()> {
    Ok(ended.map_err(|error| anyhow::anyhow!("the desk did not end well: {}", panics::ended(&error)))??)
}

async fn once_only(app: &pipeline::App, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let done = pipeline::once(app).await?;
    writeln!(
        out,
        "{} new comments, {} judged, {} preserved, {} decisions entered, {} acts gone on with, {} letters sent",
        done.new, done.judged, done.preserved, done.entered, done.acted, done.letters
    )?;
    for (account, why) in &done.unread {
        writeln!(out, "account {account} could not be read: {why}")?;
    }
    for why in &done.halted {
        writeln!(out, "nothing is hidden or registered: {why}")?;
    }
    let unconfirmed = app.db.read(store::intents::unsettled).await?;
    if unconfirmed > 0 {
        writeln!(out, "{unconfirmed} acts are not confirmed yet")?;
    }
    if done.letters_refused > 0 {
        writeln!(out, "{} letters were refused", done.letters_refused)?;
    }
    Ok((done.unread.is_empty() && unconfirmed == 0 && done.letters_refused == 0).into())
}

fn log_to_stderr() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // A second call (tests in one process) keeps the first subscriber.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
}
