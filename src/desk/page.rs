//! The page of one case: what is known, put in words.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use minijinja::{Value, context};

use super::choices::{choices, needs_unbiased, order, standing};
use super::form::{Fault, Form, seen};
use super::marks::{SHOWN_AT_ONCE, Stretch, cut, difference, stretches};
use super::{Desk, NO_SERVICE, Opened, Refusal};
use crate::config::{Account, Config, Media};
use crate::domain::calendar::{instant_in_words, zone_in_words};
use crate::domain::case::{CaseId, CaseState, Outcome};
use crate::domain::category::Category;
use crate::domain::duty::{Kind, Period};
use crate::domain::letter::{Line, Link};
use crate::domain::media::MediaAnswer;
use crate::domain::text::Reading;
use crate::domain::words;
use crate::store::decisions::MACHINE;
use crate::store::views::{self, CaseFile, DutyView, ReplyView, StepView, VersionView, Who};
use crate::store::{Reader, StoreError};

/// What is read beside the case itself.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// What became of the last ten under the same point, where that point is one of opinion (N21).
    same_point: Vec<(Category, Vec<Outcome>)>,
}

impl Beside {
    pub(super) fn of(reader: &Reader, file: &CaseFile) -> Result<Self, StoreError> {
        let id: CaseId = file.view.case.parse().map_err(StoreError::Corrupt)?;
        let opinions = file.view.categories.iter().filter(|category| category.nothing_preselected());
        let same_point = opinions
            .map(|category| Ok((*category, views::same_point(reader, *category, id)?)))
            .collect::<Result<_, StoreError>>()?;
        Ok(Self { same_point })
    }
}

/// What is told on top of the page.
#[derive(Debug, Default)]
pub(super) struct Told<'a> {
    pub(super) faults: Vec<Fault>,
    /// What the person had written, so that nothing has to be written twice.
    pub(super) form: Option<&'a Form>,
    pub(super) result: Option<&'static str>,
}

impl Told<'_> {
    /// The message behind the code in the address; the words are ours, whatever the address says.
    pub(super) fn result(code: Option<&str>) -> Self {
        let result = match code {
            Some("decided") => {
                Some("Beslutet är sparat. Det verkställs inom kort; sidan visar läget när du laddar om den.")
            }
            Some("proposed") => Some("Förslaget är sparat. En annan person godkänner eller avslår det."),
            Some("refused") => Some("Förslaget är avslaget, och avslaget är sparat."),
            Some("looked") => Some(
                "Svaret är sparat. Det som får bevaras hämtas inom kort, och är bevarat innan något döljs.",
            ),
            Some("abuse") => Some(
                "Svaret är sparat. Ingenting hämtas. Kommentaren döljs genast om kontot tillåter det. Kontakta polisen \
                 nu: 114 14, eller 112 om ett barn är i fara.",
            ),
            Some("read") => {
                Some("Noterat att du har läst och agerar. Påminnelserna upphör. Besluta när du kan.")
            }
            _ => None,
        };
        Self { result, ..Self::default() }
    }
}

/// The page.
///
/// # Errors
/// `Forbidden` for a person without access; `Broken` when a template is at fault.
pub(super) fn render(
    desk: &Desk,
    opened: &Opened,
    file: &CaseFile,
    beside: &Beside,
    told: &Told<'_>,
    now: DateTime<Utc>,
) -> Result<String, Refusal> {
    let config = &desk.app.config;
    let capabilities = desk.app.connectors.get(&file.view.account).map(|connector| connector.capabilities());
    let choices = choices(config, capabilities, file, &opened.person.id, now)
        .map_err(|_| Refusal::Forbidden(NO_SERVICE))?;
    let newest = file.newest()?;
    let account = config.account(&file.view.account);
    let open: Vec<_> = file.view.duties.iter().filter(|duty| duty.state.is_open()).collect();
    let danger = open.iter().any(|duty| duty.kind == "danger");
    let selected = told.form.map_or(choices.preselected, |form| form.outcome);
    let unsafe_link = file.view.categories.contains(&Category::ChildAbuse)
        || file.media.answer == Some(MediaAnswer::ChildAbuse);
    let permalink =
        file.view.comment.permalink.as_deref().filter(|_| !unsafe_link).and_then(|url| Link::new(url).ok());
    let place =
        account.map_or_else(|| file.view.account.clone(), |account| account.platform.label().to_owned());
    let fault =
        |field: &str| told.faults.iter().find(|fault| fault.field == field).map(|fault| fault.text.clone());
    let (shown, rest) = marked(newest);
    let values = context! {
        organisation => &config.organisation.name,
        case => &file.view.case,
        dnr => &file.view.dnr,
        external_dnr => &file.view.external_dnr,
        place,
        account => &file.view.account,
        state => words::state(file.view.state),
        state_explained => words::state_explained(file.view.state),
        result => told.result,
        faults => told.faults.iter().map(|fault| context! { field => fault.field, text => &fault.text }).collect::<Vec<_>>(),
        todo => todo(&open, now),
        old => file.old,
        danger,
        danger_codes => dangers(file),
        acknowledged => acknowledged(config, file),
        post => file.post.as_ref().map(|post| context! {
            text => &post.text, at => time(post.created_at),
            first => Line::short(&post.text, 140).as_str(),
            gone => post.gone_at.map(time),
            is_long => post.text.chars().count() > 140 || post.text.contains('\n'),
        }),
        parent => file.parent.as_ref().map(|parent| reply(parent, &config.organisation.name)),
        is_reply => file.view.comment.parent_id.is_some(),
        comment => context! {
            author => name(file.view.comment.author.name.as_deref()),
            at => time(file.view.comment.created_at),
            seen_at => time(file.view.comment.seen_at),
            late => late(file),
            shown, rest_length => rest.iter().map(|part| part.text.chars().count()).sum::<usize>(),
            rest => parts(&rest),
            is_empty => newest.text.trim().is_empty(),
            attachments => newest.attachments.iter().map(|kind| words::attachment(*kind)).collect::<Vec<_>>(),
            sighting => words::sighting(file.sighting),
            edited => file.versions.iter().filter(|version| !version.media).count() > 1,
            permalink => permalink.as_ref().map(Link::as_str),
        },
        replies => file.replies.iter().map(|other| reply(other, &config.organisation.name)).collect::<Vec<_>>(),
        more_replies => file.replies_in_all - file.replies.len(),
        versions => versions(file),
        grounds => grounds(config, newest, beside),
        proposal => file.view.proposal.filter(|_| !file.view.categories.iter().any(|kind| kind.nothing_preselected())).map(words::proposal),
        needs_answer => file.view.needs_answer,
        text_stays_home => file.view.text_stays_home(),
        records => records(file),
        media => media(config, file, account),
        fault_media => fault("media"), fault_media_reason => fault("media_reason"),
        media_chosen => told.form.and_then(|form| form.media).map(MediaAnswer::code),
        asks_media => file.media.unseen && !choices.list.is_empty(),
        who_still_sees => capabilities.map(|can| can.who_still_sees),
        removes => account.is_some_and(Account::removes),
        duties => file.view.duties.iter().map(|duty| clock(config, duty, now)).collect::<Vec<_>>(),
        decisions => decisions(config, file),
        events => file.events.iter().map(|event| context! {
            index => event.index, what => words::entry(&event.t), at => time(event.at),
        }).collect::<Vec<_>>(),
        outside => file.outside.iter().map(|change| context! {
            at => time(change.at), what => words::outside(&change.sighting), by => words::outsider(&change.sighting, change.held),
        }).collect::<Vec<_>>(),
        history => file.history.iter().map(|step| context! {
            at => time(step.at), what => words::step(&step.what), by => by(config, step),
        }).collect::<Vec<_>>(),
        // The form.
        person => &opened.person.name,
        is_named => names(&opened.person.name, &newest.text),
        p => &opened.person.id, e => &opened.e, s => &opened.s, seen => seen(file),
        until => time(opened.until),
        choices => choices.list.iter().map(|choice| context! {
            code => choice.outcome.code(), label => &choice.label, explained => &choice.explained,
            selected => selected == Some(choice.outcome),
        }).collect::<Vec<_>>(),
        notes => choices.notes,
        ask_unbiased => choices.list.iter().any(|choice| needs_unbiased(file.view.state, choice.outcome)),
        preselected => choices.preselected.is_some() && told.form.is_none(),
        reason => told.form.map(|form| form.reason.clone()).unwrap_or_default(),
        unbiased => told.form.is_some_and(|form| form.unbiased),
        fault_outcome => fault("outcome"), fault_reason => fault("reason"), fault_unbiased => fault("unbiased"),
        proposed => proposed(config, file),
        now => time(now),
        zone => zone_in_words(now),
    };
    desk.pages.render("case.html", &values).ok_or_else(broken)
}

/// The page that asks once more before hiding (WCAG 3.3.4); nothing has been written.
pub(super) fn confirm(
    desk: &Desk,
    opened: &Opened,
    file: &CaseFile,
    form: &Form,
    outcome: Outcome,
) -> Result<String, Refusal> {
    let capabilities = desk.app.connectors.get(&file.view.account).map(|connector| connector.capabilities());
    let choices = choices(&desk.app.config, capabilities, file, &opened.person.id, desk.app.clock.now())
        .map_err(|_| Refusal::Forbidden(NO_SERVICE))?;
    let (shown, rest) = marked(file.newest()?);
    let values = context! {
        organisation => &desk.app.config.organisation.name,
        case => &file.view.case,
        author => name(file.view.comment.author.name.as_deref()),
        shown, cut => !rest.is_empty(),
        who_still_sees => capabilities.map(|can| can.who_still_sees),
        alone => choices.alone,
        approves => file.waiting().is_some(),
        outcome => outcome.code(),
        removes => outcome == Outcome::Remove,
        reason => &form.reason, unbiased => form.unbiased,
        p => &opened.person.id, e => &opened.e, s => &opened.s, seen => seen(file),
        query => &opened.query,
    };
    desk.pages.render("confirm.html", &values).ok_or_else(broken)
}

pub(super) fn broken() -> Refusal {
    Refusal::Broken(StoreError::Corrupt("a page of the desk could not be made".to_owned()))
}

/// An instant for a person and for a machine.
fn time(at: DateTime<Utc>) -> Value {
    context! { words => instant_in_words(at), machine => at.to_rfc3339_opts(SecondsFormat::Secs, true) }
}

/// A stranger's name: one line, no characters that turn the text around.
fn name(name: Option<&str>) -> String {
    let line = Line::short(name.unwrap_or_default(), 80);
    if line.is_empty() { "Okänd författare".to_owned() } else { line.as_str().to_owned() }
}

fn person(config: &Config, id: &str) -> String {
    if id == MACHINE {
        return "Uppsikt, automatiskt".to_owned();
    }
    config.roster.person(id).map_or_else(|| id.to_owned(), |person| person.name.clone())
}

/// True where the person seems to be named in the text: the page then asks about bias in plain words (N20).
fn names(person: &str, text: &str) -> bool {
    let text = text.to_lowercase();
    let words = || text.split(|letter: char| !letter.is_alphanumeric() && letter != '-');
    let last = person.split_whitespace().next_back().unwrap_or_default().to_lowercase();
    text.contains(&person.to_lowercase()) || (last.chars().count() >= 3 && words().any(|word| word == last))
}

fn reply(reply: &ReplyView, organisation: &str) -> Value {
    context! {
        author => if reply.ours { organisation.to_owned() } else { name(reply.author.name.as_deref()) },
        ours => reply.ours,
        hidden => reply.hidden,
        at => time(reply.created_at),
        text => &reply.text,
    }
}

/// The text with the found words marked; what is shown at once, and the rest.
fn marked(version: &VersionView) -> (Vec<Value>, Vec<Stretch>) {
    let found: Vec<_> = version.findings.iter().map(|finding| (finding.start, finding.end)).collect();
    let (shown, rest) = cut(stretches(&version.text, &found), SHOWN_AT_ONCE);
    (parts(&shown), rest)
}

fn parts(stretches: &[Stretch]) -> Vec<Value> {
    stretches.iter().map(|part| context! { text => &part.text, marked => part.marked }).collect()
}

/// What there is to do, the first due first; danger before everything.
fn todo(open: &[&DutyView], now: DateTime<Utc>) -> Vec<Value> {
    let mut open = open.to_vec();
    open.sort_by_key(|duty| (duty.kind != "danger", duty.due_at));
    open.into_iter()
        .map(|duty| {
            let at_once = at_once(&duty.kind);
            context! {
                order => order(&duty.kind),
                standing => standing(duty.state, duty.due_at, at_once, now),
                at_once,
                due => time(duty.due_at),
                left => left(duty.due_at, now),
            }
        })
        .collect()
}

fn at_once(kind: &str) -> bool {
    Kind::named(kind).is_some_and(|kind| kind.period == Period::AtOnce)
}

/// How long there is, or how late it is, in words.
fn left(due: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let late = due < now;
    let span = if late { now - due } else { due - now };
    let words = in_words(span);
    if late { format!("{words} för sent") } else { format!("{words} kvar") }
}

fn in_words(span: TimeDelta) -> String {
    let (days, hours, minutes) = (span.num_days(), span.num_hours() % 24, span.num_minutes() % 60);
    let some = |count: i64, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{count} {many}")),
    };
    let parts: Vec<_> = [
        some(days, "dygn", "dygn"),
        some(hours, "timme", "timmar"),
        some(minutes, "minut", "minuter").filter(|_| days == 0),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() { "mindre än en minut".to_owned() } else { parts.join(" och ") }
}

/// The dangers found, for the words of what to do first.
fn dangers(file: &CaseFile) -> Vec<&'static str> {
    let mut found: Vec<_> = file
        .view
        .categories
        .iter()
        .filter(|category| category.is_danger())
        .map(|category| category.code())
        .collect();
    found.dedup();
    found
}

fn acknowledged(config: &Config, file: &CaseFile) -> Option<Value> {
    let duty =
        file.view.duties.iter().rev().find(|duty| duty.acknowledged_at.is_some() && duty.state.is_open())?;
    let by = duty.acknowledged_by.as_deref().unwrap_or_default();
    Some(context! { by => person(config, by), at => duty.acknowledged_at.map(time) })
}

/// Discovered so late that it must be told apart from answered late.
fn late(file: &CaseFile) -> bool {
    file.view.comment.seen_at - file.view.comment.created_at > TimeDelta::hours(1)
}

/// The earlier texts, each with what the next one changed.
fn versions(file: &CaseFile) -> Vec<Value> {
    let texts: Vec<_> = file.versions.iter().filter(|version| !version.media).collect();
    let pairs = texts.iter().zip(texts.iter().skip(1));
    pairs
        .map(|(before, after)| {
            context! {
                from => before.n, to => after.n, at => time(after.seen_at), was_at => time(before.seen_at),
                changes => difference(&before.text, &after.text).iter().map(|change| context! {
                    text => &change.text, fate => change.fate.code(),
                }).collect::<Vec<_>>(),
                attachments_changed => before.attachments != after.attachments,
            }
        })
        .collect()
}

/// Why: each category found, with paragraph, law and rules.
fn grounds(config: &Config, version: &VersionView, beside: &Beside) -> Vec<Value> {
    let mut categories: Vec<_> = version.findings.iter().map(|finding| finding.category).collect();
    categories.sort_unstable();
    categories.dedup();
    categories
        .into_iter()
        .map(|category| {
            let policy = config.categories.get(&category);
            let rules: Vec<_> = version
                .findings
                .iter()
                .filter(|finding| finding.category == category)
                .map(|finding| {
                    context! {
                        rule => &finding.rule, version => finding.version,
                        words => words::found_words(finding, &version.text).map(|words| Line::short(words, 120).as_str().to_owned()),
                        band => words::band(finding.band), view => Reading::explanation(&finding.view),
                    }
                })
                .collect();
            let before = beside.same_point.iter().find(|(point, _)| *point == category).map(|(_, before)| {
                let kept = before.iter().filter(|outcome| **outcome == Outcome::Keep).count();
                context! { all => before.len(), kept, hidden => before.len() - kept }
            });
            context! {
                name => category.name(),
                explained => words::category_explained(category),
                paragraph => policy.map(|policy| policy.paragraph.as_str()).filter(|text| !text.is_empty()),
                law => policy.map(|policy| policy.law.as_str()).filter(|text| !text.is_empty()),
                is_opinion => category.nothing_preselected(),
                rules, before,
            }
        })
        .collect()
}

/// Who took a step, as the page says it after "av".
fn by(config: &Config, step: &StepView) -> String {
    match step.who {
        Who::Author => name(step.name.as_deref()),
        Who::Person | Who::Uppsikt => person(config, step.name.as_deref().unwrap_or_default()),
        Who::Account => words::outsider("hidden_by_us", false).to_owned(),
        Who::Platform => words::outsider("", true).to_owned(),
        Who::Unknown => words::outsider("", false).to_owned(),
    }
}

/// What is known and kept of the pictures, films and sounds.
fn media(config: &Config, file: &CaseFile, account: Option<&Account>) -> Value {
    let view = &file.media;
    context! {
        unseen => view.unseen,
        fetching => view.fetching,
        never => account.is_none_or(|account| account.media == Media::Never),
        blocked => view.blocked,
        answer => view.answer.map(MediaAnswer::code),
        by => view.by.as_deref().map(|by| person(config, by)),
        at => view.at.map(time),
        not_kept => &view.not_kept,
        kept => view.kept.iter().map(|(path, sha256, size)| context! { path, sha256, size }).collect::<Vec<_>>(),
    }
}

/// What is preserved, text by text.
fn records(file: &CaseFile) -> Vec<Value> {
    file.versions
        .iter()
        .map(|version| {
            context! {
                n => version.n,
                record => version.record.as_ref().map(|record| context! {
                    id => &record.id, index => record.snapshot, at => time(record.taken_at),
                    single => record.single, pack => &record.pack, dnr => &record.dnr,
                }),
            }
        })
        .collect()
}

fn clock(config: &Config, duty: &DutyView, now: DateTime<Utc>) -> Value {
    let kind = Kind::named(&duty.kind);
    let at_once = at_once(&duty.kind);
    let is_open = duty.state.is_open();
    context! {
        name => kind.map_or(duty.kind.as_str(), |kind| kind.name),
        source => kind.map(|kind| kind.source),
        standing => standing(duty.state, duty.due_at, at_once, now),
        late => is_open && !at_once && duty.due_at < now,
        is_open, at_once,
        due => time(duty.due_at),
        left => (is_open && !at_once).then(|| left(duty.due_at, now)),
        found_late => (duty.found_at - duty.trigger_at > TimeDelta::hours(1)
            || duty.blind.iter().any(|blind| blind.late_discovery)).then(|| time(duty.found_at)),
        blind => duty.blind.iter().map(|blind| context! {
            from => time(blind.from), to => blind.to.map(time), because => Line::new(&blind.because).as_str(),
        }).collect::<Vec<_>>(),
        explain => &duty.explain,
        closed => duty.closed_at.map(|at| context! {
            at => time(at), by => duty.closed_by.as_deref().map(|by| person(config, by)),
            outcome => duty.outcome.as_deref().map(ended),
            late => !at_once && at > duty.due_at,
        }),
    }
}

/// How a duty ended: a person's outcome, or what made it needless.
fn ended(code: &str) -> String {
    if let Ok(outcome) = code.parse::<Outcome>() {
        return words::outcome(outcome).to_lowercase();
    }
    match code {
        "withdrawn" => "kommentaren finns inte längre",
        "proposed" => "ett förslag lämnades",
        "refused" => "förslaget avslogs",
        "automatic" => "doldes automatiskt",
        "braked" => "bromsen håller",
        "done" => "det lyckades",
        other => other,
    }
    .to_owned()
}

fn decisions(config: &Config, file: &CaseFile) -> Vec<Value> {
    file.decisions
        .iter()
        .map(|decision| {
            context! {
                outcome => words::outcome(decision.outcome),
                by => person(config, &decision.person),
                entered => (decision.os_user != "desk" && decision.os_user != decision.person).then(|| decision.os_user.clone()),
                at => time(decision.at),
                rule => &decision.rule,
                reason => &decision.reason,
                state => words::decision_state(&decision.state),
                version => decision.version,
                answers_proposal => decision.answers_proposal,
            }
        })
        .collect()
}

/// What another has proposed, and why.
fn proposed(config: &Config, file: &CaseFile) -> Option<Value> {
    let waiting = file.waiting().filter(|_| file.view.state == CaseState::AwaitingApproval)?;
    Some(context! {
        by => person(config, &waiting.person), outcome => words::outcome(waiting.outcome).to_lowercase(),
        at => time(waiting.at), reason => &waiting.reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_told_in_words() {
        let now = DateTime::from_timestamp(1_000_000, 0).unwrap();
        for (seconds, told) in [
            (30, "mindre än en minut kvar"),
            (60, "1 minut kvar"),
            (3_660, "1 timme och 1 minut kvar"),
            (-7_500, "2 timmar och 5 minuter för sent"),
            (90_060, "1 dygn och 1 timme kvar"),
            (-172_800, "2 dygn för sent"),
        ] {
            assert_eq!(left(now + TimeDelta::seconds(seconds), now), told);
        }
    }

    #[test]
    fn a_person_who_is_named_in_the_text_is_asked_about_bias() {
        for (name, text, named) in [
            ("Anna Exempel", "Anna Exempel ljuger", true),
            ("Anna Exempel", "den där EXEMPEL ska avgå", true),
            ("Anna Exempel", "ett exempelvis dåligt beslut", false),
            ("Li Ek", "eken är fin", false),
        ] {
            assert_eq!(names(name, text), named, "{name} {text}");
        }
    }

    #[test]
    fn the_message_is_never_what_the_address_says() {
        assert!(Told::result(Some("<script>")).result.is_none());
        assert!(Told::result(Some("decided")).result.is_some());
    }
}
