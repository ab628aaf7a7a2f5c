//! Letters as `.eml` files in a folder, for trials and the demo.

use std::io;
use std::path::{Path, PathBuf};

use super::{MailError, Outgoing, file_name};
use crate::durable;
use crate::kill::{self, When};

/// So many different letters under one id are no crash any more, but a fault.
const MOST_COPIES: u32 = 100;

/// Writes letters into a folder.
#[derive(Debug)]
pub struct FolderMailer {
    folder: PathBuf,
}

impl FolderMailer {
    /// Letters go to `folder`, which is made when the first one comes.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where the letters lie.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) async fn send(&self, letter: &Outgoing) -> Result<(), MailError> {
        let folder = self.folder.clone();
        let name = file_name(letter.created_at, &letter.message_id);
        let bytes = letter.bytes.clone();
        blocking(move || {
            durable::create_folder(&folder)?;
            write(&folder, &name, &bytes)
        })
        .await?;
        kill::point("mail", When::Lost);
        Ok(())
    }

    pub(super) async fn probe(&self) -> Result<(), MailError> {
        let folder = self.folder.clone();
        blocking(move || {
            durable::create_folder(&folder)?;
            // Something else of that name would only be noticed by the first letter.
            std::fs::read_dir(&folder).map(drop)
        })
        .await
    }
}

/// The same letter again succeeds. Another letter under the same id (a duty was closed between crash and restart, so
/// it was made anew) gets a copy number, as a mail server would deliver both.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    for copy in 1..=MOST_COPIES {
        let file = if copy == 1 { format!("{name}.eml") } else { format!("{name}-{copy}.eml") };
        match durable::write_once(&folder.join(file), bytes) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => return result,
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{name} exists {MOST_COPIES} times")))
}

async fn blocking(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> Result<(), MailError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(MailError::Deferred(format!("the mail folder cannot be written: {error}"))),
        Err(error) => Err(MailError::Deferred(format!("the mail folder cannot be written: {error}"))),
    }
}
