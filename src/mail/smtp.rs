//! Letters to a mail server (RFC 5321, 3207, 4954, 8314).
//!
//! lettre's own transport cannot tell "the server never got it" from "the server got it and its answer was lost", so
//! the dialogue is led here, command by command, with lettre's connection.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Noop, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::{MailError, Outgoing};
use crate::kill::{self, When};

mod answer;

mod drip;

use answer::{Stage, failed};
use drip::Drip;

/// How long the farewell may take: nothing depends on it.
const FAREWELL: Duration = Duration::from_secs(2);

/// How the connection is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Plain, then STARTTLS; a server without it gets no letter and no password.
    StartTls,
    /// TLS from the first byte (port 465).
    Implicit,
    /// No TLS: a relay on the same machine.
    None,
}

/// A name and its password.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: SecretString,
}

/// Which mail server, and how to speak to it.
#[derive(Debug, Clone)]
pub struct SmtpConfig {
    /// Its name, as its certificate says it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub tls: Tls,
    /// `None` for a relay that needs no login.
    pub login: Option<Login>,
    /// A PEM file with further root certificates, beside the platform's own.
    pub ca_file: Option<PathBuf>,
    /// How long each step of the dialogue may take; 30 s suits every server that works.
    pub timeout: Duration,
}

impl SmtpConfig {
    /// What a step of the dialogue may take by default.
    pub const TIMEOUT: Duration = Duration::from_secs(30);
}

/// Sends letters to one mail server, many over one connection.
pub struct SmtpMailer {
    config: SmtpConfig,
    tls: Option<TlsParameters>,
    /// The open connection between two letters; taken out while one is sent, so that no broken one is used again.
    connection: Mutex<Option<AsyncSmtpConnection>>,
}

impl std::fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmtpMailer").field("config", &self.config).finish_non_exhaustive()
    }
}

impl SmtpMailer {
    /// Reads `ca_file` and prepares TLS; does not connect.
    ///
    /// # Errors
    /// [`MailError::Misconfigured`]: no host, a `ca_file` without certificates, a password that would travel in clear.
    pub fn new(config: SmtpConfig) -> Result<Self, MailError> {
        if config.host.is_empty() || !config.host.chars().all(|c| c.is_ascii_graphic()) {
            return Err(MailError::Misconfigured("`host` under [mail.smtp] is no host name".to_owned()));
        }
        if config.tls == Tls::None && config.login.is_some() {
            return Err(MailError::Misconfigured(
                "the password would travel unencrypted: with tls = \"none\" take away username and password_file".to_owned(),
            ));
        }
        let tls = match config.tls {
            Tls::None => None,
            Tls::StartTls | Tls::Implicit => Some(tls_parameters(&config)?),
        };
        Ok(Self { config, tls, connection: Mutex::new(None) })
    }

    pub(super) async fn send(&self, letter: &Outgoing) -> Result<(), MailError> {
        let from = address(&letter.envelope.from).ok_or_else(|| {
            MailError::Misconfigured("the sender's address cannot be used in SMTP".to_owned())
        })?;
        let to = address(&letter.envelope.to)
            .ok_or_else(|| MailError::Refused("the recipient's address cannot be used in SMTP".to_owned()))?;

        let mut kept = self.connection.lock().await;
        let mut connection = match kept.take() {
            Some(connection) => self.still_there(connection).await?,
            None => self.connect().await?,
        };
        let result = self.dialogue(&mut connection, from, to, &letter.bytes).await;
        match result {
            Ok(()) => {
                kill::point("mail", When::Lost);
                *kept = Some(connection);
                Ok(())
            }
            Err(error) => {
                // Whatever state the dialogue is in, the next letter begins a new one.
                let _ = timeout(FAREWELL, connection.abort()).await;
                Err(error)
            }
        }
    }

    pub(super) async fn finish(&self) {
        if let Some(mut connection) = self.connection.lock().await.take() {
            let _ = timeout(FAREWELL, connection.quit()).await;
        }
    }

    pub(super) async fn probe(&self) -> Result<(), MailError> {
        let mut connection = self.connect().await?;
        let _ = timeout(FAREWELL, connection.quit()).await;
        Ok(())
    }

    async fn dialogue(
        &self,
        connection: &mut AsyncSmtpConnection,
        from: Address,
        to: Address,
        bytes: &[u8],
    ) -> Result<(), MailError> {
        let answer = self.step(Stage::Sender, connection.command(Mail::new(Some(from), vec![]))).await?;
        expect(Stage::Sender, &answer, &[250])?;
        let answer = self.step(Stage::Recipient, connection.command(Rcpt::new(to, vec![]))).await?;
        expect(Stage::Recipient, &answer, &[250, 251])?;
        let answer = self.step(Stage::Data, connection.command(Data)).await?;
        expect(Stage::Data, &answer, &[354])?;
        // From the first byte on the letter may be taken: what breaks now has an unknown outcome.
        let answer = self.step(Stage::Content, connection.message(bytes)).await?;
        expect(Stage::Content, &answer, &[250])
    }

    /// A connection kept from the letter before may have been closed by the server meanwhile.
    async fn still_there(
        &self,
        mut connection: AsyncSmtpConnection,
    ) -> Result<AsyncSmtpConnection, MailError> {
        match timeout(self.config.timeout, connection.command(Noop)).await {
            Ok(Ok(answer)) if answer.has_code(250) => Ok(connection),
            _ => self.connect().await,
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, MailError> {
        let hello = ClientId::default();
        let mut connection = match (self.config.tls, &self.tls) {
            (Tls::Implicit, Some(tls)) => {
                let server = (self.config.host.as_str(), self.config.port);
                let connecting = AsyncSmtpConnection::connect_tokio1(
                    server,
                    Some(self.config.timeout),
                    &hello,
                    Some(tls.clone()),
                    None,
                );
                self.step(Stage::Connect, connecting).await?
            }
            (_, tls) => {
                let stream = Drip::new(self.dial().await?);
                let connecting = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello);
                let mut connection = self.step(Stage::Connect, connecting).await?;
                if let Some(tls) = tls {
                    if !connection.can_starttls() {
                        let _ = timeout(FAREWELL, connection.abort()).await;
                        return Err(MailError::Misconfigured(
                            "the mail server does not offer STARTTLS, and nothing is sent in clear; set tls = \"implicit\" \
                             and its port, or find out who takes the offer away"
                                .to_owned(),
                        ));
                    }
                    self.step(Stage::StartTls, connection.starttls(tls.clone(), &hello)).await?;
                }
                connection
            }
        };
        if let Some(login) = &self.config.login {
            let credentials =
                Credentials::new(login.username.clone(), login.password.expose_secret().to_owned());
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            if connection.server_info().get_auth_mechanism(&mechanisms).is_none() {
                let _ = timeout(FAREWELL, connection.abort()).await;
                return Err(MailError::Misconfigured(
                    "the mail server takes no login by PLAIN or LOGIN; for a relay without login take away username".to_owned(),
                ));
            }
            let answer = self.step(Stage::Login, connection.auth(&mechanisms, &credentials)).await?;
            expect(Stage::Login, &answer, &[235])?;
        }
        Ok(connection)
    }

    /// Tries each address of the host.
    async fn dial(&self) -> Result<TcpStream, MailError> {
        let server = (self.config.host.as_str(), self.config.port);
        match timeout(self.config.timeout, TcpStream::connect(server)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => {
                Err(MailError::Deferred(format!("could not connect to the mail server: {error}")))
            }
            Err(_) => Err(MailError::Deferred("could not connect to the mail server in time".to_owned())),
        }
    }

    async fn step<T>(
        &self,
        stage: Stage,
        doing: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
    ) -> Result<T, MailError> {
        match timeout(self.config.timeout, doing).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(failed(stage, &error)),
            Err(_) => Err(stage.timed_out()),
        }
    }
}

/// Only the code that belongs to the step counts: any other means that server and we are not in the same dialogue.
fn expect(stage: Stage, answer: &Response, codes: &[u16]) -> Result<(), MailError> {
    if codes.iter().any(|code| answer.has_code(*code)) {
        Ok(())
    } else {
        Err(stage.out_of_step(&answer.code().to_string()))
    }
}

fn address(text: &str) -> Option<Address> {
    text.parse::<Address>().ok().filter(|address| address.to_string().is_ascii())
}

fn tls_parameters(config: &SmtpConfig) -> Result<TlsParameters, MailError> {
    let mut builder = TlsParameters::builder(config.host.clone());
    if let Some(file) = &config.ca_file {
        let fault = |what: &str| MailError::Misconfigured(format!("ca_file {}: {what}", file.display()));
        let pem = std::fs::read(file).map_err(|error: io::Error| fault(&error.to_string()))?;
        let certificate =
            Certificate::from_pem(&pem).map_err(|_| fault("holds no readable certificate in PEM"))?;
        if !pem.windows(27).any(|window| window == b"-----BEGIN CERTIFICATE-----") {
            return Err(fault("holds no certificate in PEM"));
        }
        builder = builder.add_root_certificate(certificate);
    }
    builder.build().map_err(|error| MailError::Misconfigured(format!("TLS could not be prepared: {error}")))
}
