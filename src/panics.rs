//! What is said of a panic: where it was and not what it said, since that may hold a comment's words or a key.
//!
//! A slice of a text outside of a letter's bounds quotes the text, an `unwrap` whatever the error holds.

use std::backtrace::Backtrace;
use std::fmt::Write as _;
use std::panic::PanicHookInfo;

use tokio::task::JoinError;

/// Where a panic was, and with `RUST_BACKTRACE` how it came there. Its message only where it is a literal.
pub fn told(panic: &PanicHookInfo<'_>) -> String {
    let mut told = "uppsikt: panicked".to_owned();
    if let Some(place) = panic.location() {
        let _ = write!(told, " at {}:{}:{}", place.file(), place.line(), place.column());
    }
    match panic.payload().downcast_ref::<&'static str>() {
        Some(literal) => {
            let _ = write!(told, ": {literal}");
        }
        None => told.push_str("; what it said is not shown, since it may hold a comment's words or a key"),
    }
    let trace = Backtrace::capture();
    if trace.status() == std::backtrace::BacktraceStatus::Captured {
        let _ = write!(told, "\n{trace}");
    }
    told
}

/// Why a piece of work did not end, without what a panic said.
pub fn ended(error: &JoinError) -> &'static str {
    if error.is_panic() { "it panicked; standard error says where" } else { "it was cut off" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_panicking_task_said_is_not_repeated() {
        let text = "hemligt å".to_owned();
        let error = tokio::spawn(async move { text[..9].len() }).await.unwrap_err();
        assert!(error.to_string().contains("hemligt"), "the library's own words would");
        assert_eq!(ended(&error), "it panicked; standard error says where");
    }
}
