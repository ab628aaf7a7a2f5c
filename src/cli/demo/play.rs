//! Playing the script: the emulated platform, the persons, and a clock that walks from one moment that matters to the
//! next.

use std::collections::BTreeMap;

use anyhow::{Context, anyhow};
use chrono::{DateTime, DurationRound, SecondsFormat, TimeDelta, Utc};
use serde_json::json;

use super::script::{Event, What};
use crate::domain::calendar;
use crate::domain::case::CaseId;
use crate::domain::comment::CommentId;
use crate::domain::duty;
use crate::moves;
use crate::pipeline::{self, App, Which};
use crate::sandbox::Sandbox;
use crate::store::{self, StoreError, Tx};

/// Uppsikt reads so long after something has happened.
const READS_AFTER: TimeDelta = TimeDelta::minutes(1);

/// The weekend under way.
pub(super) struct Play<'a> {
    /// What passes need; its clock is set here.
    pub(super) app: &'a App,
    /// The platform.
    pub(super) sandbox: &'a Sandbox,
    /// The account's id in the configuration.
    pub(super) account: &'a str,
    /// Its id on the platform.
    pub(super) page: &'a str,
    /// Text and time of the posts that have been written.
    posts: BTreeMap<String, (String, DateTime<Utc>)>,
    /// Whoever has written, each with a number of their own.
    people: BTreeMap<String, usize>,
}

impl<'a> Play<'a> {
    pub(super) fn new(app: &'a App, sandbox: &'a Sandbox, account: &'a str, page: &'a str) -> Self {
        Self { app, sandbox, account, page, posts: BTreeMap::new(), people: BTreeMap::new() }
    }

    /// Plays `events` until `end`; `told` is called with the number of events that are over.
    ///
    /// The clock stops at every event, a minute after it, every hour or two, at every second look, and whenever a duty
    /// reaches a rung: letters leave when they would have left.
    ///
    /// # Errors
    /// The disk's, and a script that does not fit the program: neither is the reader's doing.
    pub(super) async fn weekend(
        &mut self,
        events: &[Event],
        end: DateTime<Utc>,
        mut told: impl FnMut(usize),
    ) -> anyhow::Result<()> {
        let mut coming = events.iter().enumerate().peekable();
        while let Some((_, event)) = coming.next_if(|(_, event)| event.old) {
            self.happens(event).await?;
        }
        pipeline::pass(self.app, Which::All).await?;
        let mut read_at: Option<DateTime<Utc>> = None;
        while self.app.clock.now() < end {
            let now = self.app.clock.now();
            let wake = [self.wake(now).await?, read_at].into_iter().flatten().min().unwrap_or(end).min(end);
            if let Some((number, event)) = coming.next_if(|(_, event)| event.at <= wake) {
                self.walk_to(event.at);
                self.happens(event)
                    .await
                    .with_context(|| format!("the script's event {} does not fit", number + 1))?;
                read_at = read_at.or(Some(event.at + READS_AFTER));
                told(number + 1);
                continue;
            }
            self.walk_to(wake);
            read_at = read_at.filter(|at| *at > wake);
            let done = pipeline::pass(self.app, Which::All).await?;
            if let Some((account, why)) = done.unread.first() {
                return Err(anyhow!("the emulated account {account} could not be read: {why}"));
            }
            if let Some(why) = done.halted.first() {
                return Err(anyhow!("nothing can be preserved here, so nothing is played: {why}"));
            }
        }
        Ok(())
    }

    fn walk_to(&self, at: DateTime<Utc>) {
        // Never back, whatever the script says.
        let at = at.max(self.app.clock.now());
        self.app.clock.set(at);
        self.sandbox.set_clock(at);
    }

    /// The next moment after `now` at which something is to be done that the script does not know of.
    async fn wake(&self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError> {
        let (hours, account) = (self.app.config.hours.clone(), self.account.to_owned());
        self.app
            .db
            .read(move |reader| {
                // Nobody reads letters in the night, and danger has moments of its own.
                let hours_apart = TimeDelta::hours(if calendar::is_staffed(now, &hours) { 1 } else { 2 });
                let mut moments = vec![now.duration_trunc(hours_apart).unwrap_or(now) + hours_apart];
                moments.extend(store::intents::next_due_of(reader, &[account])?);
                for open in store::duties::open(reader)? {
                    let Some(kind) = duty::Kind::named(&open.what.kind) else { continue };
                    let rungs = duty::rungs(kind, open.what.trigger_at, open.what.due_at, &hours);
                    moments.extend(rungs.into_iter().map(|(_, at)| at));
                    if kind.urgent {
                        moments.extend(duty::repeats(open.what.trigger_at));
                        moments.push(duty::morning_summary(open.what.trigger_at));
                    }
                }
                Ok(moments.into_iter().filter(|at| *at > now).min())
            })
            .await
    }

    async fn happens(&mut self, event: &Event) -> anyhow::Result<()> {
        match &event.what {
            What::Post { id, text } => {
                self.posts.insert(id.clone(), (text.clone(), event.at));
            }
            What::Comment { post, id, name, text, to, attachment, hidden } => {
                let mut line = self.line(event.at, post, id, text, to.as_deref())?;
                let next = self.people.len() + 1;
                let number = *self.people.entry(name.clone()).or_insert(next);
                line["author"] = json!({ "id": format!("9000000000{number:05}"), "name": name });
                line["attachment"] = json!(attachment);
                line["hidden"] = json!(hidden);
                self.control("add", &line)?;
            }
            What::Reply { post, id, text, to } => {
                let mut line = self.line(event.at, post, id, text, to.as_deref())?;
                line["ours"] = json!(true);
                self.control("add", &line)?;
            }
            What::Edit { comment, text } => self.control("edit", &json!({ "id": comment, "text": text }))?,
            What::Delete { comment } => self.control("delete", &json!({ "id": comment }))?,
            What::Hide { comment } => self.control("hide", &json!({ "id": comment, "hidden": true }))?,
            What::Show { comment } => self.control("hide", &json!({ "id": comment, "hidden": false }))?,
            What::Read { comment, by } => {
                let (id, by, at) = (self.id(comment), by.clone(), self.app.clock.now());
                let read = move |tx: &Tx<'_>| {
                    let case = case_of(tx, &id)?;
                    store::duties::acknowledge(tx, case, &by, at)
                };
                if self.app.db.write(read).await? == 0 {
                    return Err(anyhow!("{comment} is no danger that waits for a reader"));
                }
            }
            What::Decide { comment, by, outcome, reason } => {
                let (id, config) = (self.id(comment), self.app.config.clone());
                let (by, reason, outcome, at) = (by.clone(), reason.clone(), *outcome, self.app.clock.now());
                let decide = move |tx: &Tx<'_>| {
                    let decide = moves::Decide {
                        case: case_of(tx, &id)?,
                        person: &by,
                        os_user: "desk",
                        outcome,
                        reason: &reason,
                        at,
                    };
                    moves::decide(tx, &config, &decide)
                };
                self.app.db.write(decide).await.with_context(|| format!("{outcome} of {comment}"))?;
            }
        }
        Ok(())
    }

    fn id(&self, native: &str) -> CommentId {
        CommentId { account: self.account.to_owned(), native: native.to_owned() }
    }

    /// A seed line of the sandbox.
    fn line(
        &self,
        at: DateTime<Utc>,
        post: &str,
        id: &str,
        text: &str,
        to: Option<&str>,
    ) -> anyhow::Result<serde_json::Value> {
        let (post_text, post_at) =
            self.posts.get(post).ok_or_else(|| anyhow!("there is no post {post} yet"))?;
        Ok(json!({
            "account": self.page,
            "post": native_post(self.page, post),
            "id": format!("{post}_{id}"),
            "parent": to.map(|to| format!("{post}_{to}")),
            "at": at.to_rfc3339_opts(SecondsFormat::Secs, true),
            "text": text,
            "post_text": post_text,
            "post_at": post_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        }))
    }

    fn control(&self, verb: &str, body: &serde_json::Value) -> anyhow::Result<()> {
        Ok(self.sandbox.control(verb, &body.to_string())?)
    }
}

/// The case of a comment; the script is at fault where there is none.
fn case_of(tx: &Tx<'_>, id: &CommentId) -> Result<CaseId, StoreError> {
    let comment = store::comments::find(tx, id)?;
    let case = comment.map(|comment| store::cases::of_comment(tx, comment.id)).transpose()?.flatten();
    case.map(|case| case.id).ok_or_else(|| StoreError::Conflict(format!("{} has no case", id.native)))
}

/// A post's id on the platform.
pub(super) fn native_post(page: &str, post: &str) -> String {
    format!("{page}_{post}")
}
