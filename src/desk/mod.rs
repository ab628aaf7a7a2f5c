//! One page per case behind a signed link: look, decide, say why. No script, no cookie, nothing from elsewhere.
//!
//! GET never acts, for mail scanners follow links. POST carries the same signature, which is the credential.

mod choices;

mod form;

mod hand;

pub mod link;

mod marks;

mod page;

mod pages;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::net::TcpListener;

use crate::domain::calendar;
use crate::domain::case::CaseId;
use crate::domain::roster::Person;
use crate::pipeline::App;
use crate::store::StoreError;
use crate::store::views::{self, CaseFile};
use form::{Form, Parsed};
use pages::Pages;

/// The largest form taken, in bytes; a reason has at most 4 000 characters.
const LARGEST_FORM: usize = 64 * 1024;

/// A pass that finished longer ago means that the daemon is not well.
const RECENT: TimeDelta = TimeDelta::minutes(15);

/// How long requests in hand may take when the desk is closed.
const CLOSING: Duration = Duration::from_secs(5);

/// What the pages need.
struct Desk {
    app: App,
    pages: Pages,
}

/// A link that opens a page, and whom it opens it for.
#[derive(Debug, Clone)]
struct Opened<S = CaseId> {
    subject: S,
    person: Person,
    /// The signed query, to be carried on.
    query: String,
    /// Until when (UTC).
    until: DateTime<Utc>,
    e: String,
    s: String,
}

/// The pages of `app`.
pub fn router(app: App) -> Router {
    let desk = Arc::new(Desk { app, pages: Pages::new() });
    let policy =
        HeaderValue::from_str(&pages::policy()).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    Router::new()
        .route("/c/{case}", get(show).post(decide).fallback(nothing))
        .route("/k/{account}", get(hand::show).post(hand::tick).fallback(nothing))
        .route("/health", get(health).fallback(nothing))
        .fallback(nothing)
        .with_state(desk)
        .layer(map_response(move |response: Response| {
            let policy = policy.clone();
            async move { guarded(response, policy) }
        }))
}

/// Serves the pages on `listener` until `shutdown` is ready; then waits at most five seconds for those in hand.
///
/// # Errors
/// The listener's.
pub async fn serve(
    listener: TcpListener,
    app: App,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (closing, closed) = tokio::sync::oneshot::channel::<()>();
    let served = axum::serve(listener, router(app)).with_graceful_shutdown(async move {
        shutdown.await;
        let _ = closing.send(());
    });
    let late = async {
        // A sender that is dropped without a word means that the server ended by itself.
        if closed.await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(CLOSING).await;
    };
    tokio::select! {
        result = async { served.await } => result,
        () = late => Ok(()),
    }
}

/// What every answer carries.
fn guarded(mut response: Response, policy: HeaderValue) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Why a request does not get its page.
enum Refusal {
    NotFound,
    /// No access, with the reason for the person.
    Forbidden(&'static str),
    BadRequest(&'static str),
    TooLarge,
    Broken(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(_) => Self::NotFound,
            other => Self::Broken(other),
        }
    }
}

const FORGED: &str =
    "Länken är inte giltig. Den kan ha blivit avklippt när den kopierades, eller gälla en annan person.";
const EXPIRED: &str = "Länken har gått ut.";
const NO_SERVICE: &str = "Du är registrerad som ledig eller slutat, och har därför ingen åtkomst.";
const FOREIGN: &str =
    "Formuläret skickades från en annan webbplats. Öppna ärendet från brevet och försök igen.";

impl Desk {
    fn refuse(&self, refusal: Refusal) -> Response {
        let (status, title, text) = match refusal {
            Refusal::NotFound => (
                StatusCode::NOT_FOUND,
                "Sidan finns inte",
                "Här finns ingen sida. Öppna ärendet med länken i brevet.",
            ),
            Refusal::Forbidden(text) => (StatusCode::FORBIDDEN, "Du har inte åtkomst", text),
            Refusal::BadRequest(text) => (StatusCode::BAD_REQUEST, "Formuläret kunde inte läsas", text),
            Refusal::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "Formuläret är för stort",
                "Motiveringen får ha högst 4 000 tecken. Gå tillbaka och korta den.",
            ),
            Refusal::Broken(error) => {
                tracing::error!(%error, "a page of the desk could not be made");
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Något gick fel",
                    "Ingenting har ändrats. Försök igen om en stund; driften har fått veta.",
                )
            }
        };
        let organisation = &self.app.config.organisation;
        let contact = self.app.config.roster.person(&organisation.operator);
        let help = status == StatusCode::FORBIDDEN;
        (status, Html(self.pages.message(&organisation.name, title, text, contact, help))).into_response()
    }

    /// Opens the link of a case.
    fn open(&self, case: &str, parsed: &Parsed, now: DateTime<Utc>) -> Result<Opened, Refusal> {
        let case: CaseId = case.parse().map_err(|_| Refusal::NotFound)?;
        self.open_as(case, link::Subject::Case(case), parsed, now)
    }

    /// Opens a link: signed for this subject and this person, in time, and the person in service.
    fn open_as<S>(
        &self,
        subject: S,
        signed: link::Subject<'_>,
        parsed: &Parsed,
        now: DateTime<Utc>,
    ) -> Result<Opened<S>, Refusal> {
        let get = |name| parsed.get(name).ok_or(Refusal::Forbidden(FORGED));
        let (person, e, s) = (get("p")?, get("e")?, get("s")?);
        // Only the plain form: `+5` and `05` are the same number and other bytes.
        let time =
            e.parse::<i64>().ok().filter(|time| time.to_string() == e).ok_or(Refusal::Forbidden(FORGED))?;
        let query = {
            let keys = self.app.keys.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let key = keys.link_key().expose();
            link::verify(key, signed, person, time, s, now).map_err(|error| match error {
                link::LinkError::Forged => Refusal::Forbidden(FORGED),
                link::LinkError::Expired => Refusal::Forbidden(EXPIRED),
            })?;
            link::query(key, signed, person, time)
        };
        let roster = &self.app.config.roster;
        let known = roster.person(person).filter(|_| roster.in_service(person, calendar::local_date(now)));
        Ok(Opened {
            subject,
            person: known.ok_or(Refusal::Forbidden(NO_SERVICE))?.clone(),
            query,
            until: DateTime::from_timestamp(time, 0).unwrap_or(DateTime::<Utc>::MAX_UTC),
            e: e.to_owned(),
            s: s.to_owned(),
        })
    }

    async fn file(&self, case: CaseId) -> Result<(CaseFile, page::Beside), Refusal> {
        Ok(self
            .app
            .db
            .read(move |reader| {
                let file = views::file(reader, case)?;
                let beside = page::Beside::of(reader, &file)?;
                Ok((file, beside))
            })
            .await?)
    }

    /// The page of the case as it stands now, with what is to be told on top.
    async fn page(
        &self,
        opened: &Opened,
        told: &page::Told<'_>,
        now: DateTime<Utc>,
    ) -> Result<String, Refusal> {
        let (file, beside) = self.file(opened.subject).await?;
        page::render(self, opened, &file, &beside, told, now)
    }
}

async fn nothing(State(desk): State<Arc<Desk>>) -> Response {
    desk.refuse(Refusal::NotFound)
}

async fn health(State(desk): State<Arc<Desk>>) -> Response {
    let now = desk.app.clock.now();
    match desk.app.db.read(views::last_pass).await {
        Ok(Some(at)) if now - at <= RECENT => (StatusCode::OK, "ok").into_response(),
        Ok(_) => (StatusCode::SERVICE_UNAVAILABLE, "no pass has finished lately").into_response(),
        Err(error) => {
            tracing::error!(%error, "the health of the installation could not be read");
            (StatusCode::SERVICE_UNAVAILABLE, "the database cannot be read").into_response()
        }
    }
}

async fn show(
    State(desk): State<Arc<Desk>>,
    Path(case): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let now = desk.app.clock.now();
    let parsed = Parsed::of(query.unwrap_or_default().as_bytes());
    let shown = async {
        let opened = desk.open(&case, &parsed, now)?;
        let told = page::Told::result(parsed.get("r"));
        desk.page(&opened, &told, now).await
    };
    match shown.await {
        Ok(html) => Html(html).into_response(),
        Err(refusal) => desk.refuse(refusal),
    }
}

async fn decide(
    State(desk): State<Arc<Desk>>,
    Path(case): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match answer(&desk, &case, &headers, body).await {
        Ok(response) => response,
        Err(refusal) => desk.refuse(refusal),
    }
}

async fn answer(desk: &Desk, case: &str, headers: &HeaderMap, body: Body) -> Result<Response, Refusal> {
    let now = desk.app.clock.now();
    if !form::is_form(headers) {
        return Err(Refusal::BadRequest("Skicka formuläret från ärendets sida."));
    }
    let body = to_bytes(body, LARGEST_FORM).await.map_err(|_| Refusal::TooLarge)?;
    let parsed = Parsed::of(&body);
    let opened = desk.open(case, &parsed, now)?;
    if form::is_foreign(headers, &desk.app.config.desk.public_url) {
        return Err(Refusal::Forbidden(FOREIGN));
    }
    let form = Form::of(&parsed);
    let answer = form::answer(desk, &opened, &form, now).await?;
    let (status, told) = match &answer {
        form::Answer::Done(result) => {
            // A relative address: the desk may stand below a path of a proxy.
            let to = format!("{}?{}&r={result}", opened.subject, opened.query);
            return Ok((StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response());
        }
        form::Answer::Confirm(html) => return Ok(Html(html.clone()).into_response()),
        form::Answer::Faults(faults) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            page::Told { faults: faults.clone(), form: Some(&form), result: None },
        ),
        form::Answer::Conflict(text) => {
            let faults = vec![form::Fault { field: "", text: text.clone() }];
            (StatusCode::CONFLICT, page::Told { faults, form: Some(&form), result: None })
        }
    };
    Ok((status, Html(desk.page(&opened, &told, now).await?)).into_response())
}
