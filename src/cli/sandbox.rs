//! `uppsikt sandbox --listen ADDR [--seed FILE]`: the emulated platforms, until interrupted.

use std::fs;
use std::future::Future;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;

use crate::sandbox::Sandbox;

/// Serves the emulated platforms on `listen` until `stop` is ready (SIGINT, SIGTERM).
///
/// The one line on stdout is the address, for example `http://127.0.0.1:8099`, written when requests are taken; with
/// port 0 it tells which port was picked.
///
/// # Errors
/// When the seed cannot be read, one of its lines is at fault (then nothing is served), or the address cannot be
/// listened on.
pub async fn run(
    listen: SocketAddr,
    seed: Option<&Path>,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    serve(listen, seed, stop, &mut io::stdout()).await
}

async fn serve(
    listen: SocketAddr,
    seed: Option<&Path>,
    stop: impl Future<Output = ()>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let sandbox = Sandbox::new();
    if let Some(path) = seed {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read the seed {}", path.display()))?;
        // An empty file is a sandbox without comments, not a fault.
        if !text.trim().is_empty() {
            sandbox.seed(&text).with_context(|| format!("the seed {} is at fault", path.display()))?;
        }
    }
    let handle = sandbox.start(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    writeln!(out, "http://{}", handle.addr()).and_then(|()| out.flush()).context("cannot write to stdout")?;
    stop.await;
    handle.shutdown().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(seed: &str) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seed.ndjson");
        crate::durable::write(&path, seed.as_bytes(), 0o600).unwrap();
        let mut out = Vec::new();
        let listen = "127.0.0.1:0".parse().unwrap();
        serve(listen, Some(&path), async {}, &mut out).await.map_err(|error| format!("{error:#}"))?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[tokio::test]
    async fn the_address_is_told_once_requests_are_taken() {
        let line = r#"{"account":"1","post":"1_2","id":"2_3","parent":null,"author":{"id":"9","name":"Åsa"},"at":"2026-11-20T08:00:00Z","text":"hej"}"#;
        for seed in ["", "\n\n", line, &format!("{line}\n")] {
            assert!(check(seed).await.unwrap().starts_with("http://127.0.0.1:"), "{seed:?}");
        }
    }

    #[tokio::test]
    async fn a_fault_in_the_seed_is_told_with_the_comment_it_stands_in() {
        let error =
            check("{\"account\":\"1\",\"post\":\"p\",\"id\":\"c\",\"text\":\"x\"}\n{oops").await.unwrap_err();
        assert!(error.contains("comment 2"), "{error}");
        let missing = run("127.0.0.1:0".parse().unwrap(), Some(Path::new("/nowhere/seed")), async {}).await;
        assert!(format!("{:#}", missing.unwrap_err()).contains("/nowhere/seed"));
    }
}
