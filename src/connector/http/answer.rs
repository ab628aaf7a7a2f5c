//! What came back.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;

use crate::archive::exchange::{Answered, Asked, Exchange};
use crate::connector::ConnectorError;

/// How long to wait when a platform says "too many" and not for how long.
const UNSAID_WAIT: u64 = 60;

/// The longest wait taken from a header: a day, the longest period any platform counts in.
const LONGEST_WAIT: u64 = 24 * 60 * 60;

/// A whole answer with a status below 500. Shown without its body.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The exact bytes; empty or JSON.
    pub body: Vec<u8>,
    /// The platform's clock (UTC), from `Date`.
    pub date: Option<DateTime<Utc>>,
    headers: Vec<(String, String)>,
    /// Names of headers that came and are not kept: cookies, and what is no text.
    dropped: Vec<String>,
    version: String,
    place: String,
    /// What it answers, and the key that was sent with it; only for a request that reads.
    asked: Option<Box<(Asked, Option<SecretString>)>>,
}

/// What an answer's headers say of one quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many units a window has.
    pub limit: u64,
    /// How many are spent.
    pub used: u64,
    /// When it is whole again (UTC).
    pub resets_at: Option<DateTime<Utc>>,
    /// Seconds in a window; tells apart the quotas of a platform that names only the tightest.
    pub window: Option<u64>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: HTTP {}, {} bytes", self.place, self.status, self.body.len())
    }
}

impl Answer {
    /// Reads the body of `head`, at most `limit` bytes of it.
    pub(super) async fn read(
        place: &str,
        mut head: reqwest::Response,
        limit: usize,
    ) -> Result<Self, ConnectorError> {
        let status = head.status().as_u16();
        let version = format!("{:?}", head.version());
        let (mut headers, mut dropped) = (Vec::new(), Vec::new());
        for (name, value) in head.headers() {
            let name = name.as_str().to_owned();
            match value.to_str() {
                Ok(value) if name != "set-cookie" => headers.push((name, value.to_owned())),
                _ => dropped.push(name),
            }
        }
        let too_long =
            || ConnectorError::Malformed(format!("{place}: the answer is longer than {limit} bytes"));
        if head.content_length().is_some_and(|length| usize::try_from(length).is_ok_and(|l| l > limit)) {
            return Err(too_long());
        }
        let mut body = Vec::new();
        loop {
            match head.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > limit => return Err(too_long()),
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => {
                    return Err(ConnectorError::Unavailable(format!(
                        "the answer broke off after {} bytes: {}",
                        body.len(),
                        super::told(place, error)
                    )));
                }
            }
        }
        let place = place.to_owned();
        let mut answer = Self { status, body, date: None, headers, dropped, version, place, asked: None };
        answer.date = answer.header("date").and_then(http_date);
        Ok(answer)
    }

    /// Remembers what it answers.
    pub(super) fn to(mut self, asked: Asked, key: Option<SecretString>) -> Self {
        self.asked = Some(Box::new((asked, key)));
        self
    }

    /// How it travelled, free of secrets; `None` for the answer of a request that writes.
    pub fn exchange(&self) -> Option<Exchange> {
        let (asked, key) = *self.asked.clone()?;
        let secret = |value: &str| key.as_ref().is_some_and(|key| value.contains(key.expose_secret()));
        let (withheld, headers): (Vec<_>, Vec<_>) =
            self.headers.iter().cloned().partition(|(_, value)| secret(value));
        let withheld = withheld.into_iter().map(|(name, _)| name).chain(self.dropped.iter().cloned());
        let response = Answered {
            version: self.version.clone(),
            status: self.status,
            headers,
            withheld: withheld.collect(),
        };
        Some(Exchange::new(asked, response))
    }

    /// The answer, unless its status or its kind says that it is none.
    pub(super) fn usable(self) -> Result<Self, ConnectorError> {
        match self.status {
            429 => Err(ConnectorError::RateLimited(self.wait())),
            500.. => Err(ConnectorError::Unavailable(format!("{}: HTTP {}", self.place, self.status))),
            300..400 => Err(ConnectorError::Malformed(format!(
                "{}: HTTP {}, a redirect, which is not followed",
                self.place, self.status
            ))),
            _ if self.body.is_empty() => Ok(self),
            _ if std::str::from_utf8(&self.body).is_err() => Err(ConnectorError::Malformed(format!(
                "{}: HTTP {} with {} that is not UTF-8",
                self.place,
                self.status,
                self.kind()
            ))),
            _ => match serde_json::from_slice::<IgnoredAny>(&self.body) {
                Ok(_) => Ok(self),
                Err(error) => Err(ConnectorError::Malformed(format!(
                    "{}: HTTP {} with {} that is not JSON ({})",
                    self.place,
                    self.status,
                    self.kind(),
                    at(&error)
                ))),
            },
        }
    }

    /// The value of a header, by its lower-case name; `None` also where it is not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// True for 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as `T`. Borrow `&RawValue` for parts whose exact bytes matter or that may be broken.
    ///
    /// # Errors
    /// `Malformed` with the place of the fault and nothing of the content.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ConnectorError> {
        serde_json::from_slice(&self.body).map_err(|error| malformed(&self.place, &error))
    }

    /// How long the platform asks to be left alone: `Retry-After` in seconds or as a date, else the reset times of
    /// the rate headers, else a minute. Also for platforms that say "too many" with another status than 429.
    pub fn wait(&self) -> Duration {
        self.wait_at(None)
    }

    /// The same for an answer that may tell no time, and came at `now`.
    pub fn wait_at(&self, now: Option<DateTime<Utc>>) -> Duration {
        let until = |moment: i64| {
            let now = self.date.or(now)?.timestamp();
            u64::try_from(moment.saturating_sub(now)).ok()
        };
        let retry_after = self.header("retry-after").and_then(|value| {
            let value = value.trim();
            value.parse::<u64>().ok().or_else(|| until(http_date(value)?.timestamp()))
        });
        let reset = || {
            ["ratelimit-reset", "x-rate-limit-reset"].into_iter().find_map(|name| {
                let value: i64 = self.header(name)?.trim().parse().ok()?;
                // The draft of the IETF counts seconds from now, everybody else from 1970.
                if value < 1_000_000_000 { u64::try_from(value).ok() } else { until(value) }
            })
        };
        let seconds = retry_after.or_else(|| self.regain()).or_else(reset).unwrap_or(UNSAID_WAIT);
        Duration::from_secs(seconds.clamp(1, LONGEST_WAIT))
    }

    /// What the answer says of a quota in the rate headers that begin with `prefix` (`ratelimit` as in the draft of the
    /// IETF and on Bluesky, `x-rate-limit` on X). `None` where it does not say how much there is and how much is left.
    pub fn rate(&self, prefix: &str) -> Option<Rate> {
        let number = |name: &str| self.header(&format!("{prefix}-{name}"))?.trim().parse::<u64>().ok();
        let (limit, remaining) = (number("limit")?, number("remaining")?);
        let resets_at = number("reset").and_then(|reset| i64::try_from(reset).ok()).and_then(|reset| {
            // The draft counts seconds from now, everybody else from 1970.
            let from = if reset < 1_000_000_000 { self.date?.timestamp() } else { 0 };
            DateTime::from_timestamp(from.checked_add(reset)?, 0)
        });
        let window = self.header(&format!("{prefix}-policy")).and_then(|policy| {
            policy.split(';').find_map(|part| part.trim().strip_prefix("w=")?.parse().ok())
        });
        Some(Rate { limit, used: limit.saturating_sub(remaining), resets_at, window })
    }

    /// Seconds until Meta's platforms answer again, from their usage header, which counts in minutes; the longest of
    /// all limits it names. `None` where no limit is reached.
    pub fn regain(&self) -> Option<u64> {
        let usage: serde_json::Value =
            serde_json::from_str(self.header("x-business-use-case-usage")?).ok()?;
        let limits = usage.as_object()?.values().filter_map(serde_json::Value::as_array).flatten();
        let minutes =
            limits.filter_map(|limit| limit.get("estimated_time_to_regain_access")?.as_u64()).max()?;
        (minutes > 0).then(|| minutes.saturating_mul(60))
    }

    /// What was asked, free of secrets.
    pub fn place(&self) -> &str {
        &self.place
    }

    fn kind(&self) -> &str {
        let kind = self.header("content-type").unwrap_or_default();
        kind.split(';')
            .next()
            .filter(|kind| kind.len() < 60 && !kind.is_empty())
            .unwrap_or("an unnamed kind of body")
    }
}

/// The elements of a JSON array, each with its exact bytes: a broken element costs itself, never the page.
///
/// serde refuses a string with half a surrogate pair; as raw value it passes, and only reading that element fails.
///
/// # Errors
/// `Malformed` if `array` is not an array.
pub fn elements<'a>(place: &str, array: &'a RawValue) -> Result<Vec<&'a RawValue>, ConnectorError> {
    serde_json::from_str(array.get()).map_err(|error| malformed(place, &error))
}

/// One element as `T`, also where a string in it holds half a surrogate pair: that half is read as U+FFFD, so that
/// nobody escapes being read by writing one. The element's own bytes stay as they came.
pub fn element<T: DeserializeOwned>(raw: &RawValue) -> Result<T, serde_json::Error> {
    serde_json::from_str(raw.get()).or_else(|error| match mended(raw.get()) {
        Some(text) => serde_json::from_str(&text),
        None => Err(error),
    })
}

/// The JSON with every `\uXXXX` that is half a surrogate pair replaced; `None` where there is none.
fn mended(json: &str) -> Option<String> {
    let unit = |at: usize| {
        let digits = json.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut out = String::new();
    let (mut at, mut copied) = (0, 0);
    while let Some(offset) = json.get(at..)?.find('\\') {
        at += offset;
        match unit(at) {
            Some(0xd800..=0xdbff) if matches!(unit(at + 6), Some(0xdc00..=0xdfff)) => at += 12,
            Some(0xd800..=0xdfff) => {
                out.push_str(&json[copied..at]);
                out.push_str("\\ufffd");
                at += 6;
                copied = at;
            }
            Some(_) => at += 6,
            // An escape of two characters; the second may be a backslash and must not begin another.
            None => at += 2,
        }
    }
    (copied > 0).then(|| out + &json[copied..])
}

/// The error for JSON of another shape than expected, with the place of the fault and none of the content.
pub fn malformed(place: &str, error: &serde_json::Error) -> ConnectorError {
    ConnectorError::Malformed(format!("{place}: {}", at(error)))
}

/// What serde says, without the value that it quotes.
fn at(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Io => "unreadable",
        serde_json::error::Category::Syntax => "broken JSON",
        serde_json::error::Category::Data => "another shape than expected",
        serde_json::error::Category::Eof => "JSON that ends too early",
    };
    format!("{what} at line {}, column {}", error.line(), error.column())
}

/// A date of HTTP in its preferred form (RFC 9110 §5.6.7); the two obsolete forms are not read.
fn http_date(value: &str) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(value.trim(), "%a, %d %b %Y %H:%M:%S GMT").ok().map(|time| time.and_utc())
}
