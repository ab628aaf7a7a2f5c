//! The form that comes back: read, checked, and carried out in one transaction with the checks repeated.

use axum::http::{HeaderMap, header};
use chrono::{DateTime, Utc};
use url::{Url, form_urlencoded};

use super::choices::{choices, needs_unbiased};
use super::{Desk, Opened, Refusal, page};
use crate::domain::case::Outcome;
use crate::domain::media::MediaAnswer;
use crate::moves;
use crate::store::decisions::Decided;
use crate::store::views::{self, CaseFile};
use crate::store::{StoreError, duties};

/// The longest reason, in characters.
const LONGEST_REASON: usize = 4_000;

const CHANGED: &str = "Ärendet har ändrats sedan du öppnade sidan: någon har beslutat, eller så har kommentaren fått en \
                       ny text. Ditt beslut är inte sparat. Läs igenom det som står här nu.";

/// Names and values of a query or a form.
#[derive(Debug, Default)]
pub(super) struct Parsed(Vec<(String, String)>);

impl Parsed {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// Every value of a name, in order.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of a name that stands exactly once; twice is nobody's browser.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        values.next().filter(|_| values.next().is_none())
    }
}

/// What the person wrote and ticked.
#[expect(clippy::struct_excessive_bools, reason = "each is a tick of its own on the page")]
#[derive(Debug, Clone, Default)]
pub(super) struct Form {
    pub(super) outcome: Option<Outcome>,
    pub(super) reason: String,
    pub(super) unbiased: bool,
    pub(super) confirmed: bool,
    acknowledge: bool,
    /// What the person says of the pictures beside the text; that form asks for nothing else.
    pub(super) media: Option<MediaAnswer>,
    asks_media: bool,
    /// What the page showed: the number of the text, and of decisions.
    seen: String,
}

impl Form {
    pub(super) fn of(parsed: &Parsed) -> Self {
        let ticked = |name| parsed.get(name).is_some_and(|value| !value.is_empty());
        Self {
            outcome: parsed.get("outcome").and_then(|code| code.parse().ok()),
            // Browsers send line breaks as CR LF; the reason goes into the log as the person wrote it.
            reason: parsed.get("reason").unwrap_or_default().replace("\r\n", "\n").trim().to_owned(),
            unbiased: ticked("unbiased"),
            confirmed: ticked("confirmed"),
            acknowledge: ticked("acknowledge"),
            media: parsed.get("media").and_then(|code| code.parse().ok()),
            asks_media: ticked("asks_media"),
            seen: parsed.get("seen").unwrap_or_default().to_owned(),
        }
    }
}

/// What is wrong in a field; an empty field means the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) field: &'static str,
    pub(super) text: String,
}

/// What a form led to.
#[derive(Debug)]
pub(super) enum Answer {
    /// Carried out; the code of the message on the page.
    Done(&'static str),
    /// The person is asked once more (WCAG 3.3.4).
    Confirm(String),
    /// The person must mend something; nothing was written.
    Faults(Vec<Fault>),
    /// The case is not as it was, or another must decide; nothing was written.
    Conflict(String),
}

/// What the page showed, so that nobody decides on a text or a state that they have not seen.
pub(super) fn seen(file: &CaseFile) -> String {
    // What was fetched meanwhile is no other text.
    let texts = file.versions.iter().filter(|version| !version.media).count();
    format!("{texts}-{}", file.decisions.len())
}

pub(super) fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';')
        .next()
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

/// True when a browser says that another site sent the form. Browsers under `no-referrer` send `Origin: null` from our
/// own page, so that tells nothing; the signed link is the credential.
pub(super) fn is_foreign(headers: &HeaderMap, public_url: &str) -> bool {
    let get = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = get("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    let Some(origin) = get("origin").filter(|origin| *origin != "null") else { return false };
    let ours = Url::parse(public_url).is_ok_and(|url| url.origin().ascii_serialization() == origin);
    let same_host = get("host").is_some_and(|host| {
        origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://")) == Some(host)
    });
    !(ours || same_host)
}

/// Checks the form and carries it out.
///
/// # Errors
/// `NotFound` for a case that does not exist; the store's.
pub(super) async fn answer(
    desk: &Desk,
    opened: &Opened,
    form: &Form,
    now: DateTime<Utc>,
) -> Result<Answer, Refusal> {
    let (case, person) = (opened.subject, opened.person.id.clone());
    if form.acknowledge {
        desk.app.db.read(move |reader| crate::store::cases::get(reader, case).map(|_| ())).await?;
        desk.app.db.write(move |tx| duties::acknowledge(tx, case, &person, now)).await?;
        return Ok(Answer::Done("read"));
    }
    let (file, _) = desk.file(case).await?;
    if form.asks_media {
        return media(desk, &file, case, person, form, now).await;
    }
    match examine(desk, &file, &person, form, now) {
        Err(answer) => return Ok(answer),
        Ok(outcome) if asks_again(&file, outcome) && !form.confirmed => {
            return Ok(Answer::Confirm(page::confirm(desk, opened, &file, form, outcome)?));
        }
        Ok(_) => {}
    }
    let (config, form, connector) =
        (desk.app.config.clone(), form.clone(), desk.app.connectors.get(&file.view.account).cloned());
    let capabilities = connector.map(|connector| connector.capabilities());
    let written = desk
        .app
        .db
        .write(move |tx| {
            // Between the page and this transaction anything may have happened.
            let file = views::file(tx, case)?;
            let outcome = match check(&config, capabilities, &file, &person, &form, now) {
                Ok(outcome) => outcome,
                Err(answer) => return Ok(answer),
            };
            let reason = reasoned(&form, needs_unbiased(file.view.state, outcome));
            let asked =
                moves::Decide { case, person: &person, os_user: "desk", outcome, reason: &reason, at: now };
            let decided = moves::decide(tx, &config, &asked)?;
            Ok(Answer::Done(match decided {
                Decided::Complete => "decided",
                Decided::Waits => "proposed",
                Decided::Refused => "refused",
            }))
        })
        .await;
    match written {
        Ok(answer) => Ok(answer),
        Err(StoreError::Conflict(why)) => {
            tracing::info!(%case, %why, "a decision from the desk was not taken");
            Ok(Answer::Conflict(
                "Beslutet kunde inte tas emot: ärendet har ändrats. Ingenting har skrivits. Läs igenom sidan och försök igen."
                    .to_owned(),
            ))
        }
        Err(error) => Err(Refusal::Broken(error)),
    }
}

/// What the person says of the pictures beside the text.
async fn media(
    desk: &Desk,
    file: &CaseFile,
    case: crate::domain::case::CaseId,
    person: String,
    form: &Form,
    now: DateTime<Utc>,
) -> Result<Answer, Refusal> {
    if form.seen != seen(file) {
        return Ok(Answer::Conflict(CHANGED.to_owned()));
    }
    let Some(answer) = form.media else {
        let text = "Välj vad du såg.".to_owned();
        return Ok(Answer::Faults(vec![Fault { field: "media", text }]));
    };
    if answer == MediaAnswer::Unavailable && form.reason.is_empty() {
        let text = "Skriv varför bilden, filmen eller ljudet inte kan bevaras.".to_owned();
        return Ok(Answer::Faults(vec![Fault { field: "media_reason", text }]));
    }
    if form.reason.chars().count() > LONGEST_REASON {
        let text = "Motiveringen får ha högst 4 000 tecken.".to_owned();
        return Ok(Answer::Faults(vec![Fault { field: "media_reason", text }]));
    }
    let (config, reason) = (desk.app.config.clone(), form.reason.clone());
    let written = desk
        .app
        .db
        .write(move |tx| {
            let asked = moves::Looked {
                case,
                person: &person,
                os_user: "desk",
                answer,
                reason: &reason,
                upload: None,
                at: now,
            };
            moves::looked(tx, &config, &asked)
        })
        .await;
    match written {
        Ok(()) if answer == MediaAnswer::ChildAbuse => Ok(Answer::Done("abuse")),
        Ok(()) => Ok(Answer::Done("looked")),
        Err(StoreError::Conflict(why)) => {
            tracing::info!(%case, %why, "an answer about a picture was not taken");
            Ok(Answer::Conflict(
                "Svaret kunde inte tas emot: någon annan har svarat, eller så får du inte besluta i ärendet. Läs \
                 igenom sidan och försök igen."
                    .to_owned(),
            ))
        }
        Err(error) => Err(Refusal::Broken(error)),
    }
}

/// The reason as it is stored, with the tick that the person set (N20).
fn reasoned(form: &Form, unbiased: bool) -> String {
    if unbiased {
        format!("{}\n\nBeslutaren har intygat att hen inte är jävig.", form.reason)
    } else {
        form.reason.clone()
    }
}

/// Whether a decision is asked for once more before it is carried out: hiding or removing what somebody wrote.
fn asks_again(file: &CaseFile, outcome: Outcome) -> bool {
    if outcome == Outcome::Remove {
        return true;
    }
    outcome == Outcome::Hide && file.view.state != crate::domain::case::CaseState::Hidden && {
        // Refusing to show again leaves everything as it is.
        file.waiting().is_none_or(|waiting| waiting.outcome == Outcome::Hide)
    }
}

fn examine(
    desk: &Desk,
    file: &CaseFile,
    person: &str,
    form: &Form,
    now: DateTime<Utc>,
) -> Result<Outcome, Answer> {
    let connector = desk.app.connectors.get(&file.view.account);
    check(&desk.app.config, connector.map(|connector| connector.capabilities()), file, person, form, now)
}

fn check(
    config: &crate::config::Config,
    capabilities: Option<crate::connector::Capabilities>,
    file: &CaseFile,
    person: &str,
    form: &Form,
    now: DateTime<Utc>,
) -> Result<Outcome, Answer> {
    if form.seen != seen(file) {
        return Err(Answer::Conflict(CHANGED.to_owned()));
    }
    let choices = choices(config, capabilities, file, person, now)
        .map_err(|refused| Answer::Conflict(refused.in_swedish()))?;
    let mut faults = Vec::new();
    let mut fault = |field, text: &str| faults.push(Fault { field, text: text.to_owned() });
    match form.outcome {
        None if choices.list.is_empty() => {}
        None => fault("outcome", "Välj ett beslut."),
        Some(outcome) => {
            if !choices.offers(outcome) {
                let why = choices.notes.join(" ");
                let text = format!(
                    "Det går inte att besluta ”{}” här nu. {why}",
                    crate::domain::words::outcome(outcome)
                );
                return Err(Answer::Conflict(text.trim_end().to_owned()));
            }
            if needs_unbiased(file.view.state, outcome) && !form.unbiased {
                fault(
                    "unbiased",
                    "Intyga att du inte är jävig. Är du jävig får du inte besluta: låt en kollega göra det.",
                );
            }
        }
    }
    if form.reason.is_empty() {
        fault("reason", "Skriv en motivering.");
    } else if form.reason.chars().count() > LONGEST_REASON {
        fault("reason", "Motiveringen får ha högst 4 000 tecken.");
    } else if form.reason.chars().any(|letter| letter.is_control() && letter != '\n' && letter != '\t') {
        fault("reason", "Motiveringen innehåller tecken som inte kan visas. Skriv om den.");
    }
    match form.outcome {
        Some(outcome) if faults.is_empty() => Ok(outcome),
        _ if choices.list.is_empty() => Err(Answer::Conflict(choices.notes.join(" "))),
        _ => Err(Answer::Faults(faults)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_from_another_site_is_foreign_and_one_from_ours_is_not() {
        for (fields, foreign) in [
            (&[][..], false),
            (&[("origin", "https://uppsikt.exempel.se")], false),
            (&[("origin", "null")], false),
            (&[("origin", "https://elak.se")], true),
            (&[("origin", "https://uppsikt.exempel.se.elak.se")], true),
            (&[("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")], false),
            (&[("origin", "http://elak.se"), ("host", "127.0.0.1:8080")], true),
            (&[("sec-fetch-site", "same-origin"), ("origin", "null")], false),
            (&[("sec-fetch-site", "cross-site"), ("origin", "null")], true),
            (&[("sec-fetch-site", "same-site")], true),
            (&[("sec-fetch-site", "none")], false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.insert(*name, value.parse().unwrap());
            }
            assert_eq!(is_foreign(&headers, "https://uppsikt.exempel.se/ärenden"), foreign, "{fields:?}");
        }
    }

    #[test]
    fn a_name_that_stands_twice_has_no_value() {
        let parsed = Parsed::of(b"p=anna&p=erik&e=1&reason=a+b%0D%0Ac&outcome=hide&unbiased=");
        assert_eq!(parsed.get("p"), None);
        assert_eq!(parsed.get("e"), Some("1"));
        let form = Form::of(&parsed);
        assert_eq!(
            (form.reason.as_str(), form.outcome, form.unbiased),
            ("a b\nc", Some(Outcome::Hide), false)
        );
    }

    #[test]
    fn only_forms_are_read() {
        for (kind, read) in [
            ("application/x-www-form-urlencoded", true),
            ("application/X-www-form-urlencoded; charset=utf-8", true),
            ("text/plain", false),
            ("multipart/form-data", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
            assert_eq!(is_form(&headers), read, "{kind}");
        }
        assert!(!is_form(&HeaderMap::new()));
    }
}
