//! Emulated platforms for the demo, tests and benches.
//!
//! Written from the platforms' documentation and recorded answers, never from the connectors, so that a
//! misreading in a connector shows. One state serves every platform: an account, its posts and their comments,
//! each under the native id that the seed gave it; the path of a request says as which platform it is read.
//!
//! `/facebook/<version>/…` is the Graph API, `/instagram/<version>/…` that of Instagram, `/media/…` what pictures and
//! films are fetched from; `/control/…` is how a person or a test plays the public
//! (see `control`). Everything is counted: `GET /control/requests` tells what was asked, so that a test can show
//! that nothing was written.

mod account;
#[cfg(test)]
mod asking;
mod bluesky;
mod comment;
mod common;
mod consent;
mod control;
mod facebook;
mod fault;
mod instagram;
mod journal;
mod kept;
mod line;
mod linkedin;
mod log;
mod media;
mod meta;
mod oauth;
mod quota;
mod seed;
mod wire;
mod world;
mod x;
mod youtube;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::domain::comment::Platform;

pub use account::AccountLine;
pub use comment::{PostLine, Stood};
pub use control::{ControlError, HELP};
pub use log::{Asked, Units};
pub use quota::QuotaLine;

use world::World;

/// An emulated internet with every platform on one address. Cloning shares the same state.
#[derive(Clone, Default)]
pub struct Sandbox {
    world: Arc<Mutex<World>>,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").finish_non_exhaustive()
    }
}

impl Sandbox {
    /// A sandbox without accounts, whose state ends with the process.
    pub fn new() -> Self {
        Self::default()
    }

    /// A sandbox whose state is kept in `path`: what was there before is there again, also after a kill.
    ///
    /// # Errors
    /// Any error of the file system; a line that cannot be read is `InvalidData` with its number, except a torn
    /// last line, which a kill may leave and which is dropped.
    pub fn in_file(path: &Path) -> io::Result<Self> {
        let mut world = World::default();
        world.remember_in(path)?;
        Ok(Self { world: Arc::new(Mutex::new(world)) })
    }

    /// Adds seed lines (NDJSON); all of them or, on a fault, none. Gives the number of lines taken.
    ///
    /// # Errors
    /// What is wrong with the first bad line, and its number.
    pub fn seed(&self, ndjson: &str) -> Result<usize, ControlError> {
        control::add(&mut self.world(), ndjson.as_bytes())
    }

    /// Does what `POST /control/<verb>` with this body does.
    ///
    /// # Errors
    /// What is wrong with the body, or that the verb or the comment is unknown.
    pub fn control(&self, verb: &str, body: &str) -> Result<(), ControlError> {
        control::act(&mut self.world(), verb, body.as_bytes()).map(|_| ())
    }

    /// Sets the sandbox's clock; it stands still there until it is set again.
    pub fn set_clock(&self, to: DateTime<Utc>) {
        self.world().set_clock(to);
    }

    /// How every comment stands, in the order in which they were added.
    pub fn state(&self) -> Vec<Stood> {
        self.world().stood()
    }

    /// What was asked of the platforms (not of `/control`), oldest first; the last 20 000.
    pub fn requests(&self) -> Vec<Asked> {
        self.world().log.since(0)
    }

    /// As [`Sandbox::requests`], only those after number `since`.
    pub fn requests_since(&self, since: u64) -> Vec<Asked> {
        self.world().log.since(since)
    }

    /// How every post stands.
    pub fn posts(&self) -> Vec<PostLine> {
        self.world().post_lines()
    }

    /// How every account stands.
    pub fn accounts(&self) -> Vec<AccountLine> {
        self.world().account_lines()
    }

    /// How every quota stands that is set, or that a request has used.
    pub fn quotas(&self) -> Vec<QuotaLine> {
        self.world().quota_lines()
    }

    /// Begins to serve on `listen` (port 0 picks a free one).
    ///
    /// # Errors
    /// When the address is taken, or is not this machine's loopback: the sandbox takes any token and must not
    /// be reachable from elsewhere.
    pub async fn start(&self, listen: SocketAddr) -> io::Result<Handle> {
        if !listen.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("the sandbox takes any token and listens on loopback only, not on {listen}"),
            ));
        }
        let listener = TcpListener::bind(listen).await?;
        let addr = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let app = wire::router(self.clone());
        let server = tokio::spawn(async move {
            axum::serve(line::Doors::new(listener), app.into_make_service_with_connect_info::<line::Cut>())
                .with_graceful_shutdown(async {
                    // A dropped handle stops the server like an explicit shutdown.
                    let _ = stopped.await;
                })
                .await
        });
        Ok(Handle { addr, sandbox: self.clone(), stop, server })
    }

    /// The state. A panic while it was held cannot leave it half changed in a way that matters to an emulator.
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sandbox that is being served; dropping it stops serving.
#[derive(Debug)]
pub struct Handle {
    addr: SocketAddr,
    sandbox: Sandbox,
    stop: oneshot::Sender<()>,
    server: JoinHandle<io::Result<()>>,
}

impl Handle {
    /// The address it listens on, with the port that was picked.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What to put as `api` of an account on this platform.
    pub fn api(&self, platform: Platform) -> String {
        let path = match platform {
            Platform::Facebook => "facebook/v25.0",
            Platform::Instagram => "instagram/v25.0",
            Platform::Youtube => "youtube/v3",
            Platform::Linkedin => "linkedin/rest",
            Platform::X => "x/2",
            Platform::Bluesky => "bluesky",
        };
        format!("http://{}/{path}", self.addr)
    }

    /// The sandbox itself, to seed it, turn its clock and read its state.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Stops taking connections and waits, at most two seconds, for those in hand.
    pub async fn shutdown(self) {
        let _ = self.stop.send(());
        let mut server = self.server;
        if tokio::time::timeout(Duration::from_secs(2), &mut server).await.is_err() {
            server.abort();
        }
    }
}

#[cfg(test)]
mod tests;
