//! Letters out of the house: rendered, wrapped as mail, handed over.
//!
//! `send` hands one letter over and returns; it never retries. The outbox decides what happens next, from the error.

use std::fmt;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use crate::domain::letter::MessageId;
use crate::kill::{self, When};

mod folder;

mod mime;

mod render;

mod smtp;

mod specimen;

mod templates;

mod view;

pub use folder::FolderMailer;
pub use mime::{Outgoing, Sender};
pub use render::{Rendered, render};
pub use smtp::{Login, SmtpConfig, SmtpMailer, Tls};
pub use specimen::specimens;
pub use templates::{TemplateError, Templates};

/// From whom and to whom, as the mail servers see it.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The sender's address.
    pub from: String,
    /// The recipient's address: a letter is to one person.
    pub to: String,
}

/// Addresses are personal data and stay out of logs.
impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Envelope(…)")
    }
}

/// Why a letter is not known to have been handed over; by what to do next. The texts hold no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// Not handed over: try again later (4xx, no connection, a time-out before the server had the letter).
    #[error("mail deferred: {0}")]
    Deferred(String),
    /// The server will never take this letter for this person: tell somebody else (5xx).
    #[error("mail refused: {0}")]
    Refused(String),
    /// The server may have it: send again later with the same Message-ID.
    #[error("mail handed over without an answer: {0}")]
    OutcomeUnknown(String),
    /// No letter can leave before a person mends the configuration (TLS, login, sender).
    #[error("mail is not configured rightly: {0}")]
    Misconfigured(String),
}

/// The way out.
#[derive(Debug)]
pub enum Mailer {
    /// To a mail server.
    Smtp(Box<SmtpMailer>),
    /// Into a folder, for trials.
    Folder(FolderMailer),
}

impl Mailer {
    /// Letters go to the mail server that `config` names; does not connect.
    ///
    /// # Errors
    /// As [`SmtpMailer::new`].
    pub fn smtp(config: SmtpConfig) -> Result<Self, MailError> {
        SmtpMailer::new(config).map(|mailer| Self::Smtp(Box::new(mailer)))
    }

    /// Letters go to `folder` as `.eml` files.
    pub fn folder(folder: PathBuf) -> Self {
        Self::Folder(FolderMailer::new(folder))
    }

    /// Hands one letter over; once it returns, the server has taken charge of it, or the file is durable.
    ///
    /// The same letter may be sent again after a crash or a lost answer: recipients' programs know it by its
    /// Message-ID. Letters sent at the same time wait for one another.
    ///
    /// # Errors
    /// See [`MailError`].
    pub async fn send(&self, letter: &Outgoing) -> Result<(), MailError> {
        kill::point("mail", When::Before);
        match self {
            Self::Smtp(smtp) => smtp.send(letter).await?,
            Self::Folder(folder) => folder.send(letter).await?,
        }
        kill::point("mail", When::After);
        Ok(())
    }

    /// Ends the connection that many letters of a drain shared; a no-op for a folder.
    pub async fn finish(&self) {
        if let Self::Smtp(smtp) = self {
            smtp.finish().await;
        }
    }

    /// Connects, secures and logs in without sending a letter, for `doctor`; makes the folder if it is missing.
    ///
    /// # Errors
    /// See [`MailError`].
    pub async fn probe(&self) -> Result<(), MailError> {
        match self {
            Self::Smtp(smtp) => smtp.probe().await,
            Self::Folder(folder) => folder.probe().await,
        }
    }
}

/// The file name of a letter in a folder: time (UTC) and id, so that a listing is in order.
fn file_name(created_at: DateTime<Utc>, id: &MessageId) -> String {
    format!("{}-{id}", created_at.format("%Y%m%dT%H%M%SZ"))
}
