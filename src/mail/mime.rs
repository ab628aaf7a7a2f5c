//! Rendered letters as mail (RFC 5322, 2045, 3834).

use std::fmt;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, MultiPart, MultiPartKind, SinglePart};
use lettre::{Address, Message};
use sha2::{Digest, Sha256};

use super::render::Rendered;
use super::{Envelope, MailError};
use crate::domain::letter::{Letter, Line, MessageId};

/// Whom letters come from (`[mail] from`).
#[derive(Debug, Clone)]
pub struct Sender {
    name: Line,
    address: Address,
}

impl Sender {
    /// Checks the address.
    ///
    /// # Errors
    /// [`MailError::Misconfigured`] when no mail can come from it.
    pub fn new(name: &str, address: &str) -> Result<Self, MailError> {
        let fault = || {
            MailError::Misconfigured(
                "`from` under [mail] is no e-mail address in ASCII; write it as uppsikt@exempel.se"
                    .to_owned(),
            )
        };
        let address: Address = address.parse().map_err(|_| fault())?;
        // lettre also takes addresses that need SMTPUTF8 or an address literal; Message-ID needs a plain host.
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        if !address.user().is_ascii() || !address.domain().chars().all(plain) {
            return Err(fault());
        }
        Ok(Self { name: Line::short(name, 100), address })
    }

    /// The part after `@`: the right side of every Message-ID.
    pub fn host(&self) -> &str {
        self.address.domain()
    }
}

/// A letter ready to leave.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// From whom and to whom.
    pub envelope: Envelope,
    /// The letter's own id.
    pub message_id: MessageId,
    /// When it was made (UTC).
    pub created_at: DateTime<Utc>,
    /// The whole message, ASCII, with CRLF line ends.
    pub bytes: Vec<u8>,
}

/// The bytes hold what people wrote, so only the id is told.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outgoing({}, {} bytes)", self.message_id, self.bytes.len())
    }
}

impl Outgoing {
    /// Wraps a rendered letter. The same letter gives the same bytes, so that sending again is sending the same.
    ///
    /// # Errors
    /// [`MailError::Refused`] when the recipient's address is none.
    pub fn new(letter: &Letter, rendered: &Rendered, from: &Sender) -> Result<Self, MailError> {
        let refused = |what: &str| MailError::Refused(format!("letter {}: {what}", letter.message_id));
        let to: Address =
            letter.to.email().parse().map_err(|_| refused("the recipient's address is none"))?;
        let name = |line: &Line| Some(line.to_string()).filter(|name| !name.is_empty());
        let id = |id: &MessageId| format!("<{id}@{}>", from.host());

        let mut builder = Message::builder()
            .from(Mailbox::new(name(&from.name), from.address.clone()))
            .to(Mailbox::new(name(&letter.to.name), to.clone()))
            .subject(Line::new(&rendered.subject).as_str())
            .date(SystemTime::from(letter.created_at))
            .message_id(Some(id(&letter.message_id)));
        if let Some(first) = &letter.in_reply_to {
            builder = builder.in_reply_to(id(first)).references(id(first));
        }
        for (header, value) in [
            // RFC 3834: holiday responders keep quiet.
            ("Auto-Submitted", "auto-generated"),
            // The same for Exchange, which most municipalities run.
            ("X-Auto-Response-Suppress", "All"),
            ("Content-Language", "sv"),
        ] {
            builder = builder.raw_header(header_value(header, value)?);
        }
        if letter.kind().is_urgent() {
            builder = builder.raw_header(header_value("Importance", "high")?);
        }
        let message = builder
            .multipart(
                MultiPart::builder()
                    .kind(MultiPartKind::Alternative)
                    .boundary(boundary(&letter.message_id))
                    .build()
                    .singlepart(part(ContentType::TEXT_PLAIN, &rendered.text))
                    .singlepart(part(ContentType::TEXT_HTML, &rendered.html)),
            )
            .map_err(|error| refused(&format!("could not be made into a message: {error}")))?;
        Ok(Self {
            envelope: Envelope { from: from.address.to_string(), to: to.to_string() },
            message_id: letter.message_id.clone(),
            created_at: letter.created_at,
            bytes: message.formatted(),
        })
    }
}

/// Quoted-printable whatever the text: seven bits pass every server, and no line grows too long.
fn part(kind: ContentType, text: &str) -> SinglePart {
    let body = Body::new_with_encoding(text.to_owned(), ContentTransferEncoding::QuotedPrintable)
        .unwrap_or_else(Body::new);
    SinglePart::builder().header(kind).body(body)
}

/// Fixed by the letter's id: a random one would make the same letter another file.
fn boundary(id: &MessageId) -> String {
    let digest = Sha256::digest(id.as_str().as_bytes());
    format!("uppsikt_{}", &hex::encode(digest)[..32])
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue, MailError> {
    let name = HeaderName::new_from_ascii(name.to_owned())
        .map_err(|_| MailError::Misconfigured(format!("`{name}` is no header name")))?;
    Ok(HeaderValue::new(name, value.to_owned()))
}
