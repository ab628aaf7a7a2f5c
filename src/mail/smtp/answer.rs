//! What a failure in the dialogue means for the letter.

use std::error::Error as _;
use std::io;

use lettre::transport::smtp::Error;

use crate::mail::MailError;

/// Where in the dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Connect,
    StartTls,
    Login,
    Sender,
    Recipient,
    Data,
    Content,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Connect => "on connecting",
            Self::StartTls => "at STARTTLS",
            Self::Login => "at the login",
            Self::Sender => "at MAIL FROM",
            Self::Recipient => "at RCPT TO",
            Self::Data => "at DATA",
            Self::Content => "after the letter",
        }
    }

    pub(super) fn timed_out(self) -> MailError {
        self.lost("the mail server did not answer in time")
    }

    pub(super) fn out_of_step(self, code: &str) -> MailError {
        self.lost(&format!("the mail server answered {code}, which does not belong there"))
    }

    /// No answer, or none that can be trusted.
    fn lost(self, what: &str) -> MailError {
        let what = format!("{what} {}", self.name());
        if self == Self::Content { MailError::OutcomeUnknown(what) } else { MailError::Deferred(what) }
    }
}

pub(super) fn failed(stage: Stage, error: &Error) -> MailError {
    let Some(code) = error.status() else {
        if let Some(tls) = tls_fault(error) {
            if matches!(stage, Stage::Connect | Stage::StartTls) {
                return MailError::Misconfigured(format!(
                    "no secure connection to the mail server {}: {tls}",
                    stage.name()
                ));
            }
            return stage.lost(&format!("the secure connection broke ({tls})"));
        }
        return stage.lost(&format!("the connection to the mail server broke ({})", innermost(error)));
    };
    let number = u16::from(code);
    let said = format!("{number} {} ({})", stage.name(), without_addresses(&said_by_server(error)));
    if error.is_transient() {
        return MailError::Deferred(said);
    }
    match (stage, number) {
        // 530: login needed; 534, 535, 538: it failed. RFC 4954 §6. Refused before a recipient was named: nobody
        // else can be told either.
        (Stage::Connect | Stage::StartTls | Stage::Login | Stage::Sender, _) | (_, 530 | 534 | 535 | 538) => {
            MailError::Misconfigured(said)
        }
        (Stage::Recipient | Stage::Data | Stage::Content, _) => MailError::Refused(said),
    }
}

fn said_by_server(error: &Error) -> String {
    error.source().map(ToString::to_string).unwrap_or_default()
}

/// rustls hides in io errors, which show only what is inside it as their source.
fn tls_fault(error: &Error) -> Option<String> {
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return Some(tls.to_string());
        }
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(tls) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Some(tls.to_string());
        }
        next = cause.source();
    }
    None
}

fn innermost(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    without_addresses(&cause.to_string())
}

/// A server's words, one line, without the addresses that servers like to repeat, and not longer than a sentence.
fn without_addresses(text: &str) -> String {
    let words: Vec<_> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .map(|word| if word.contains('@') { "<address>" } else { word })
        .collect();
    words.join(" ").chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_words_are_told_without_addresses_and_line_breaks() {
        let told =
            without_addresses("5.1.1 <anna@exempel.se>: unknown\r\nuser anna@exempel.se;\u{1b}[31m sorry");
        assert_eq!(told, "5.1.1 <address> unknown user <address> [31m sorry");
        assert_eq!(without_addresses(&"x".repeat(5_000)).len(), 200);
    }

    #[test]
    fn silence_is_unknown_only_once_the_letter_was_on_its_way() {
        assert!(matches!(Stage::Data.timed_out(), MailError::Deferred(_)));
        assert!(matches!(Stage::Content.timed_out(), MailError::OutcomeUnknown(_)));
        assert!(matches!(Stage::Recipient.out_of_step("354"), MailError::Deferred(_)));
    }
}
