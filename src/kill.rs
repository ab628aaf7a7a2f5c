//! Dying on purpose: the crash tests name a step, and the process is killed there (DESIGN §3).
//!
//! `UPPSIKT_KILL_AT=<step>:<before|after|lost>[:n]`, for example `act:lost:3`: the third time, after the request
//! was carried out and before its answer is read. Honoured only after [`arm`], which the command line calls only
//! when every platform host and mail host is loopback, the sandbox or a folder.
//!
//! `UPPSIKT_KILL_AT=panic:<step>:…` panics there instead, with what is in hand in its message: so a test shows that what
//! a panic prints holds no secret and nobody's words.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Where in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Before the step does anything.
    Before,
    /// After the step is done and durable.
    After,
    /// After the other side has carried the request out, before its answer is read.
    Lost,
}

#[derive(Debug)]
struct Target {
    step: String,
    when: When,
    panics: bool,
    countdown: AtomicU32,
}

static TARGET: OnceLock<Target> = OnceLock::new();

/// The steps that can be named.
pub const STEPS: [&str; 16] = [
    "store", "cursor", "assess", "keys", "pack", "reread", "snapshot", "register", "intent", "publish",
    "look", "act", "relook", "receipt", "mail", "outbox",
];

/// Arms the kill point that `spec` names.
///
/// # Errors
/// A sentence that says what is wrong with `spec`.
pub fn arm(spec: &str) -> Result<(), String> {
    let (panics, spec) = spec.strip_prefix("panic:").map_or((false, spec), |rest| (true, rest));
    let mut parts = spec.split(':');
    let step = parts.next().unwrap_or_default();
    if !STEPS.contains(&step) {
        return Err(format!("UPPSIKT_KILL_AT: `{step}` is none of {}", STEPS.join(", ")));
    }
    let when = match parts.next() {
        Some("before") => When::Before,
        Some("after") => When::After,
        Some("lost") if matches!(step, "act" | "mail") => When::Lost,
        other => {
            return Err(format!(
                "UPPSIKT_KILL_AT: `{}` is not before, after, or (for act and mail) lost",
                other.unwrap_or_default()
            ));
        }
    };
    let nth: u32 = match parts.next() {
        None => 1,
        Some(digits) => digits
            .parse()
            .ok()
            .filter(|n| *n > 0)
            .ok_or_else(|| format!("UPPSIKT_KILL_AT: `{digits}` is no count from 1"))?,
    };
    let _ = TARGET.set(Target { step: step.to_owned(), when, panics, countdown: AtomicU32::new(nth) });
    Ok(())
}

/// Dies here if this is the armed point and its count has run out.
pub fn point(step: &str, when: When) {
    point_with(step, when, &"");
}

/// The same where `hand` is in hand: a panic here names all of it.
///
/// # Panics
/// If it was armed to.
pub fn point_with(step: &str, when: When, hand: &dyn fmt::Debug) {
    debug_assert!(STEPS.contains(&step), "{step} is not in STEPS");
    let Some(target) = TARGET.get() else { return };
    if target.step == step && target.when == when && target.countdown.fetch_sub(1, Ordering::SeqCst) == 1 {
        assert!(!target.panics, "armed to panic at {step}, with {hand:?} in hand");
        // SIGKILL, not abort: no destructor, no flush, no handler runs, as when the power goes.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        std::process::abort();
    }
}
