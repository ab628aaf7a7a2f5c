//! Letters through the public interface: to a real mail server with its faults, into a folder, read by another program.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use uppsikt::domain::letter::{Letter, MessageId};
use uppsikt::mail::{
    FolderMailer, Login, MailError, Mailer, Outgoing, Sender, SmtpConfig, SmtpMailer, Templates, Tls, render,
    specimens,
};

use crate::support::smtp::{PASSWORD, SmtpServer, USER, python};

fn sender() -> Sender {
    Sender::new("Uppsikt, Exempel kommun å", "uppsikt@exempel.se").unwrap()
}

fn outgoing(letter: &Letter) -> Outgoing {
    let rendered = render(letter, &Templates::built_in().unwrap()).unwrap();
    Outgoing::new(letter, &rendered, &sender()).unwrap()
}

fn numbered(number: u32) -> Outgoing {
    let mut letter = specimens().remove(0).letter;
    letter.message_id = MessageId::new(&format!("l-{number:06}")).unwrap();
    outgoing(&letter)
}

fn config(server: &SmtpServer, tls: Tls) -> SmtpConfig {
    SmtpConfig {
        host: "localhost".to_owned(),
        port: server.port,
        tls,
        login: None,
        ca_file: (tls != Tls::None).then(|| server.ca_file()),
        timeout: Duration::from_secs(10),
    }
}

fn with_login(config: SmtpConfig, password: &str) -> SmtpConfig {
    let login = Login { username: USER.to_owned(), password: SecretString::from(password) };
    SmtpConfig { login: Some(login), ..config }
}

fn mailer(config: SmtpConfig) -> Mailer {
    Mailer::smtp(config).unwrap()
}

/// What is compared: the letter as given, without the empty line that SMTP's end mark adds.
fn content(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap().trim_end().to_owned()
}

#[tokio::test]
async fn a_letter_arrives_whole_by_starttls_implicit_tls_and_a_plain_relay() {
    for (modes, tls, login) in [
        ("starttls auth", Tls::StartTls, true),
        ("implicit auth", Tls::Implicit, true),
        ("starttls", Tls::StartTls, false),
        ("", Tls::None, false),
    ] {
        let server = SmtpServer::start(modes);
        let config = config(&server, tls);
        let mailer = mailer(if login { with_login(config, PASSWORD) } else { config });
        let letter = numbered(1);
        mailer.probe().await.unwrap();
        assert!(server.letters().is_empty(), "a probe sends nothing");
        mailer.send(&letter).await.unwrap_or_else(|error| panic!("{modes}: {error}"));
        mailer.finish().await;
        let letters = server.letters();
        assert_eq!(letters.len(), 1, "{modes}");
        assert_eq!(content(&letters[0]), content(&letter.bytes), "{modes}");
        assert_eq!(server.dialogue().contains("AUTH"), login, "{modes}: {}", server.dialogue());
    }
}

#[tokio::test]
async fn many_letters_share_one_connection_and_a_closed_one_is_opened_anew() {
    let server = SmtpServer::start("starttls auth");
    let mailer = mailer(with_login(config(&server, Tls::StartTls), PASSWORD));
    for number in 1..=20 {
        mailer.send(&numbered(number)).await.unwrap();
    }
    mailer.finish().await;
    assert_eq!(server.letters().len(), 20);
    // Two greetings: before and after STARTTLS.
    assert_eq!(server.dialogue().matches("EHLO").count(), 2, "{}", server.dialogue());

    let server = SmtpServer::start("one-letter");
    let mailer = self::mailer(config(&server, Tls::None));
    for number in 1..=3 {
        mailer.send(&numbered(number)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(server.letters().len(), 3);
}

/// Each fault twice: not done, and done but the answer lost.
#[tokio::test]
async fn a_fault_says_what_to_do_next() {
    type Right = fn(&MailError) -> bool;
    let deferred: Right = |error| matches!(error, MailError::Deferred(_));
    let refused: Right = |error| matches!(error, MailError::Refused(_));
    let unknown: Right = |error| matches!(error, MailError::OutcomeUnknown(_));
    for (mode, right, taken) in [
        ("refuse", refused, 0),
        ("refuse-data", refused, 0),
        ("defer", deferred, 0),
        ("defer-data", deferred, 0),
        ("drop-early", deferred, 0),
        ("slow-rcpt", deferred, 0),
        ("mute", deferred, 0),
        ("shut", deferred, 0),
        ("wrong-code", deferred, 0),
        ("drop", unknown, 1),
        ("slow", unknown, 1),
    ] {
        let server = SmtpServer::start(mode);
        let mailer = mailer(SmtpConfig { timeout: Duration::from_secs(1), ..config(&server, Tls::None) });
        let started = Instant::now();
        let error = mailer.send(&numbered(1)).await.unwrap_err();
        assert!(right(&error), "{mode}: {error:?}");
        assert!(started.elapsed() < Duration::from_secs(6), "{mode} took {:?}", started.elapsed());
        assert_eq!(server.letters().len(), taken, "{mode}");
        assert!(!error.to_string().contains("@exempel.se"), "{mode}: {error}");
    }
}

#[tokio::test]
async fn a_letter_whose_answer_was_lost_is_the_same_letter_when_sent_again() {
    let server = SmtpServer::start("drop starttls");
    let mailer = mailer(config(&server, Tls::StartTls));
    for _ in 0..2 {
        let error = mailer.send(&numbered(7)).await.unwrap_err();
        assert!(matches!(error, MailError::OutcomeUnknown(_)), "{error:?}");
    }
    let letters = server.letters();
    assert_eq!(letters.len(), 2);
    assert_eq!(letters[0], letters[1]);
    assert!(content(&letters[0]).contains("Message-ID: <l-000007@exempel.se>"));
}

#[tokio::test]
async fn nothing_is_sent_where_the_connection_cannot_be_trusted() {
    for (modes, tls) in [
        ("nostarttls starttls", Tls::StartTls),
        ("", Tls::StartTls),
        ("inject starttls", Tls::StartTls),
        ("wrongname starttls", Tls::StartTls),
        ("wrongname implicit", Tls::Implicit),
        // A plain server spoken to by TLS.
        ("", Tls::Implicit),
    ] {
        let server = SmtpServer::start(modes);
        let mailer = mailer(SmtpConfig { timeout: Duration::from_secs(3), ..config(&server, tls) });
        let error = mailer.send(&numbered(1)).await.unwrap_err();
        let right = matches!(error, MailError::Misconfigured(_));
        assert!(right, "{modes} {tls:?}: {error:?}");
        assert!(
            server.letters().is_empty() && !server.dialogue().contains("MAIL"),
            "{modes}: {}",
            server.dialogue()
        );
    }
    // Our own root is not in the machine's store, and another root did not sign.
    let server = SmtpServer::start("starttls");
    for ca_file in [None, Some(server.other_ca_file())] {
        let error = mailer(SmtpConfig { ca_file, ..config(&server, Tls::StartTls) })
            .send(&numbered(1))
            .await
            .unwrap_err();
        assert!(matches!(error, MailError::Misconfigured(_)), "{error:?}");
    }
    assert!(server.letters().is_empty());
}

#[tokio::test]
async fn a_wrong_login_is_told_to_the_operator_without_the_password() {
    let server = SmtpServer::start("starttls auth");
    let wrong = mailer(with_login(config(&server, Tls::StartTls), "fel-lösenord-123"));
    let missing = mailer(config(&server, Tls::StartTls));
    for mailer in [wrong, missing] {
        let error = mailer.send(&numbered(1)).await.unwrap_err();
        assert!(matches!(error, MailError::Misconfigured(_)), "{error:?}");
        assert!(!format!("{error:?} {mailer:?}").contains("fel-lösenord"), "{error:?} {mailer:?}");
    }
    // A server without login, asked for one.
    let server = SmtpServer::start("starttls");
    let error =
        mailer(with_login(config(&server, Tls::StartTls), PASSWORD)).send(&numbered(1)).await.unwrap_err();
    assert!(matches!(error, MailError::Misconfigured(_)), "{error:?}");
    assert!(server.letters().is_empty());
}

#[tokio::test]
async fn a_server_that_is_down_defers_and_the_letter_leaves_once_when_it_is_back() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let server = SmtpServer::start("");
    let down = SmtpConfig { port, ..config(&server, Tls::None) };
    let error = mailer(down).send(&numbered(1)).await.unwrap_err();
    assert!(matches!(error, MailError::Deferred(_)), "{error:?}");
    let nowhere = SmtpConfig { host: "mail.exempel.invalid".to_owned(), ..config(&server, Tls::None) };
    let error = mailer(nowhere).send(&numbered(1)).await.unwrap_err();
    assert!(matches!(error, MailError::Deferred(_)), "{error:?}");
    mailer(config(&server, Tls::None)).send(&numbered(1)).await.unwrap();
    assert_eq!(server.letters().len(), 1);
}

#[test]
fn a_configuration_that_cannot_work_is_refused_before_any_connection() {
    let config = SmtpConfig {
        host: "localhost".to_owned(),
        port: 25,
        tls: Tls::None,
        login: None,
        ca_file: None,
        timeout: SmtpConfig::TIMEOUT,
    };
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    uppsikt::durable::write(&empty, b"no certificate", 0o600).unwrap();
    for (faulty, expected) in [
        (SmtpConfig { host: String::new(), ..config.clone() }, "host"),
        (SmtpConfig { host: "a b".to_owned(), ..config.clone() }, "host"),
        (with_login(config.clone(), "x"), "unencrypted"),
        (SmtpConfig { tls: Tls::StartTls, ca_file: Some(empty), ..config.clone() }, "certificate"),
        (
            SmtpConfig { tls: Tls::Implicit, ca_file: Some(PathBuf::from("/does/not/exist")), ..config },
            "ca_file",
        ),
    ] {
        let error = SmtpMailer::new(faulty).unwrap_err();
        assert!(matches!(&error, MailError::Misconfigured(what) if what.contains(expected)), "{error:?}");
    }
    for from in
        ["", "uppsikt", "uppsikt@", "uppsikt@[127.0.0.1]", "å@exempel.se", "u@exempel.se\r\nBcc: x@y.se"]
    {
        let error = Sender::new("Uppsikt", from).unwrap_err();
        assert!(matches!(error, MailError::Misconfigured(_)), "{from}: {error:?}");
    }
}

#[tokio::test]
async fn a_folder_keeps_each_letter_once_however_often_it_is_sent() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("data/mail");
    let mailer = Mailer::Folder(FolderMailer::new(folder.clone()));
    let letter = numbered(3);
    for _ in 0..3 {
        mailer.send(&letter).await.unwrap();
    }
    let stamp = letter.created_at.format("%Y%m%dT%H%M%SZ");
    let path = folder.join(format!("{stamp}-l-000003.eml"));
    assert_eq!(fs::read(&path).unwrap(), letter.bytes);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);

    // Made anew after a crash with one duty less: another letter under the same id is lost no more than by SMTP.
    let other = Outgoing { bytes: b"Subject: other\r\n\r\n".to_vec(), ..letter };
    mailer.send(&other).await.unwrap();
    mailer.send(&other).await.unwrap();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    assert_eq!(fs::read(folder.join(format!("{stamp}-l-000003-2.eml"))).unwrap(), other.bytes);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_defers() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("mail");
    uppsikt::durable::write(&file, b"in the way", 0o600).unwrap();
    let mailer = Mailer::Folder(FolderMailer::new(file));
    let error = mailer.send(&numbered(1)).await.unwrap_err();
    assert!(matches!(error, MailError::Deferred(_)), "{error:?}");
    assert!(mailer.probe().await.is_err());
}

/// The test starts itself as the process that dies; `UPPSIKT_TEST_DIES` tells it where, and the server's port.
#[tokio::test]
async fn a_process_that_dies_while_mailing_sends_the_same_letter_again() {
    use std::os::unix::process::ExitStatusExt;

    const NAME: &str = "mail::a_process_that_dies_while_mailing_sends_the_same_letter_again";
    let relay = |port| SmtpConfig {
        host: "localhost".to_owned(),
        port,
        tls: Tls::None,
        login: None,
        ca_file: None,
        timeout: Duration::from_secs(10),
    };
    if let Ok(order) = std::env::var("UPPSIKT_TEST_DIES") {
        let (point, port) = order.split_once(' ').unwrap();
        uppsikt::kill::arm(point).unwrap();
        mailer(relay(port.parse().unwrap())).send(&numbered(1)).await.unwrap();
        unreachable!("`{point}` did not kill");
    }
    for (point, taken) in [("mail:before", 0), ("mail:lost", 1), ("mail:after", 1)] {
        let server = SmtpServer::start("");
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME])
            .env("UPPSIKT_TEST_DIES", format!("{point} {}", server.port))
            .output()
            .unwrap();
        assert_eq!(child.status.signal(), Some(9), "{point}: {}", String::from_utf8_lossy(&child.stdout));
        assert_eq!(server.letters().len(), taken, "{point}");
        mailer(relay(server.port)).send(&numbered(1)).await.unwrap();
        let letters = server.letters();
        assert_eq!(letters.len(), taken + 1, "{point}");
        assert!(
            letters.iter().all(|letter| *letter == letters[0]),
            "{point}: one Message-ID, the same bytes"
        );
    }
}

/// The headers and parts as another implementation reads them (Python's, with its strict policy).
#[tokio::test]
async fn every_letter_is_read_without_defects_by_another_program() {
    let data = tempfile::tempdir().unwrap();
    let mailer = Mailer::Folder(FolderMailer::new(data.path().to_owned()));
    let templates = Templates::built_in().unwrap();
    let mut sent = Vec::new();
    for (number, specimen) in specimens().into_iter().enumerate() {
        let mut letter = specimen.letter;
        letter.message_id = MessageId::new(&format!("l-{number:06}")).unwrap();
        letter.in_reply_to = letter.in_reply_to.map(|_| MessageId::new("l-first").unwrap());
        // Names that need quoting, encoding and folding.
        letter.to.name = ["Anna Exempel", "Åsa \"Öst\" Ängström, kommunikatör", "Ä".repeat(90).as_str(), ""]
            [number % 4]
            .into();
        let rendered = render(&letter, &templates).unwrap();
        let outgoing = Outgoing::new(&letter, &rendered, &sender()).unwrap();
        mailer.send(&outgoing).await.unwrap();
        sent.push((letter, rendered));
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mail/parse.py");
    let output = Command::new(python()).arg(script).arg(data.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: Vec<serde_json::Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(read.len(), sent.len());

    for (mail, (letter, rendered)) in read.iter().zip(&sent) {
        let name = &mail["name"];
        let headers = &mail["headers"];
        assert_eq!(mail["defects"].as_array().unwrap().len(), 0, "{name}: {}", mail["defects"]);
        assert_eq!(headers["subject"], rendered.subject.as_str(), "{name}");
        assert_eq!(mail["to"], serde_json::json!([[letter.to.name.as_str(), "anna@exempel.se"]]), "{name}");
        assert_eq!(
            mail["from"],
            serde_json::json!([["Uppsikt, Exempel kommun å", "uppsikt@exempel.se"]]),
            "{name}"
        );
        assert_eq!(headers["message-id"], format!("<{}@exempel.se>", letter.message_id), "{name}");
        assert_eq!(mail["recipients"], serde_json::json!(["anna@exempel.se"]), "{name}");
        assert_eq!(headers["auto-submitted"], "auto-generated");
        assert_eq!(headers["x-auto-response-suppress"], "All");
        let written: DateTime<Utc> = mail["date"].as_str().unwrap().parse().unwrap();
        assert_eq!(written, letter.created_at, "{name}");
        let first = letter.in_reply_to.as_ref().map(|_| "<l-first@exempel.se>");
        assert_eq!(headers["in-reply-to"].as_str(), first, "{name}");
        assert_eq!(headers["references"].as_str(), first, "{name}");
        assert_eq!(headers["importance"].as_str(), letter.kind().is_urgent().then_some("high"), "{name}");
        assert_eq!(mail["parts"], serde_json::json!(["multipart/alternative", "text/plain", "text/html"]));
        let read_back = |part: &str| mail[part].as_str().unwrap().replace("\r\n", "\n");
        assert_eq!(read_back("text"), rendered.text, "{name}");
        assert_eq!(read_back("html"), rendered.html, "{name}");
        assert_eq!(mail["ascii"], true, "{name}");
        assert_eq!(mail["bare"], false, "{name}: bare line ends");
        assert!(mail["longest"].as_u64().unwrap() <= 998, "{name}: RFC 5322 §2.1.1");
        let names = mail["names"].as_array().unwrap();
        let mut once: Vec<_> = names.iter().map(|name| name.as_str().unwrap()).collect();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), names.len(), "{name}: a header stands twice: {names:?}");
    }
}
