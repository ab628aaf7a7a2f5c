//! The page on which a person ticks what they have looked at by hand on one account (N13).

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use chrono::{DateTime, Utc};
use minijinja::context;

use super::form::{self, Parsed};
use super::{Desk, FOREIGN, LARGEST_FORM, Opened, Refusal, link};
use crate::domain::calendar::{self, instant_in_words};
use crate::moves::hand;
use crate::store::{StoreError, hand_checks};

/// The most comments that a person can say they found in one day.
const MOST_FOUND: u32 = 10_000;

pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    Path(account): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let now = desk.app.clock.now();
    let parsed = Parsed::of(query.unwrap_or_default().as_bytes());
    let shown = async {
        let opened = open(&desk, &account, &parsed, now)?;
        page(&desk, &opened, None, parsed.get("r") == Some("ticked"), now).await
    };
    match shown.await {
        Ok(html) => Html(html).into_response(),
        Err(refusal) => desk.refuse(refusal),
    }
}

pub(super) async fn tick(
    State(desk): State<Arc<Desk>>,
    Path(account): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match answer(&desk, &account, &headers, body).await {
        Ok(response) => response,
        Err(refusal) => desk.refuse(refusal),
    }
}

fn open(desk: &Desk, account: &str, parsed: &Parsed, now: DateTime<Utc>) -> Result<Opened<String>, Refusal> {
    let opened = desk.open_as(account.to_owned(), link::Subject::Account(account), parsed, now)?;
    if desk.app.config.account(account).is_none() {
        return Err(Refusal::NotFound);
    }
    Ok(opened)
}

async fn answer(desk: &Desk, account: &str, headers: &HeaderMap, body: Body) -> Result<Response, Refusal> {
    let now = desk.app.clock.now();
    if !form::is_form(headers) {
        return Err(Refusal::BadRequest("Skicka formuläret från kontots sida."));
    }
    let body = to_bytes(body, LARGEST_FORM).await.map_err(|_| Refusal::TooLarge)?;
    let parsed = Parsed::of(&body);
    let opened = open(desk, account, &parsed, now)?;
    if form::is_foreign(headers, &desk.app.config.desk.public_url) {
        return Err(Refusal::Forbidden(FOREIGN));
    }
    let surfaces: Vec<String> = parsed.all("surface").map(str::to_owned).collect();
    let fault = |text: &str| Some(text.to_owned());
    let found = match parsed.get("found").map_or("", str::trim) {
        "" => Ok(0),
        number => number.parse::<u32>().ok().filter(|found| *found <= MOST_FOUND).ok_or(()),
    };
    let (status, fault) = match (found, surfaces.is_empty()) {
        (_, true) => (StatusCode::UNPROCESSABLE_ENTITY, fault("Bocka för det du har sett efter.")),
        (Err(()), _) => {
            (StatusCode::UNPROCESSABLE_ENTITY, fault("Skriv hur många kommentarer du hittade, med siffror."))
        }
        (Ok(found), false) => {
            let all = names(desk, account);
            let (config, id, person) =
                (desk.app.config.clone(), account.to_owned(), opened.person.id.clone());
            let written = desk
                .app
                .db
                .write(move |tx| {
                    let asked = hand::Checked {
                        account: &id,
                        person: &person,
                        os_user: "desk",
                        surfaces: &surfaces,
                        found,
                        at: now,
                    };
                    hand::checked(tx, &config, &all, &asked)
                })
                .await;
            match written {
                Ok(_) => {
                    let to = format!("{account}?{}&r=ticked", opened.query);
                    return Ok((StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response());
                }
                Err(StoreError::Conflict(why)) => {
                    tracing::info!(%account, %why, "a tick from the desk was not taken");
                    (
                        StatusCode::CONFLICT,
                        fault(
                            "Det gick inte att bocka av: du får inte göra det för kontot, eller så har listan ändrats.",
                        ),
                    )
                }
                Err(error) => return Err(Refusal::Broken(error)),
            }
        }
    };
    Ok((status, Html(page(desk, &opened, fault.as_deref(), false, now).await?)).into_response())
}

fn surfaces(desk: &Desk, account: &str) -> Vec<(String, Option<&'static str>)> {
    let can = desk.app.connectors.get(account).map(|connector| connector.capabilities());
    desk.app.config.account(account).map(|account| hand::surfaces(account, can)).unwrap_or_default()
}

fn names(desk: &Desk, account: &str) -> Vec<String> {
    surfaces(desk, account).into_iter().map(|(name, _)| name).collect()
}

async fn page(
    desk: &Desk,
    opened: &Opened<String>,
    fault: Option<&str>,
    ticked: bool,
    now: DateTime<Utc>,
) -> Result<String, Refusal> {
    let config = &desk.app.config;
    let account = config.account(&opened.subject).ok_or(Refusal::NotFound)?;
    let (id, today) = (opened.subject.clone(), calendar::local_date(now));
    let done = desk
        .app
        .db
        .read(move |reader| hand_checks::between(reader, &id, today, today))
        .await
        .map_err(Refusal::Broken)?;
    let rows: Vec<_> = surfaces(desk, &opened.subject)
        .into_iter()
        .map(|(name, why)| {
            let tick = done.iter().find(|tick| tick.surface == name);
            context! {
                name, why,
                done => tick.map(|tick| context! {
                    by => config.roster.person(&tick.person).map_or(tick.person.clone(), |person| person.name.clone()),
                    at => instant_in_words(tick.at), found => tick.found,
                }),
            }
        })
        .collect();
    let left = rows.iter().filter(|row| row.get_attr("done").is_ok_and(|done| done.is_none())).count();
    let values = context! {
        organisation => &config.organisation.name,
        account => &account.id, place => account.platform.label(), url => &account.url,
        person => &opened.person.name, p => &opened.person.id, e => &opened.e, s => &opened.s,
        rows, left, fault, ticked,
        until => instant_in_words(opened.until),
        now => instant_in_words(now),
    };
    desk.pages.render("hand.html", &values).ok_or_else(super::page::broken)
}
