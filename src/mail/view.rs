//! A letter as the templates see it: every sentence's parts in Swedish, every key always there (`none` when absent).

use chrono::{DateTime, Utc};
use minijinja::{Value, context};

use crate::domain::case::Outcome;
use crate::domain::category::{Category, Proposal};
use crate::domain::letter::{
    AccountSummary, Body, Content, DiaryNumber, Foot, KeyMatter, Letter, LetterItem, Line, Link, Matter,
    Quote, Rung, Summary, Trouble, by_post, clock, date, moment, soon,
};

/// So many items are told in full; the others get a line or two each, so that a letter can be read.
const IN_FULL: usize = 25;

/// The context of the templates named after the letter's kind.
pub(super) fn of(letter: &Letter, subject: &str) -> Value {
    let now = letter.created_at;
    let body = match &letter.body {
        Body::Duties(duties) => context! {
            first => duties.items.iter().filter_map(|item| item.due_at).min().map(|at| soon(at, now)),
            count => duties.items.len(),
            danger => duties.items.iter().filter(|item| item.is_danger()).count(),
            posts => posts(&duties.items, now, false),
            list => link(duties.list.as_ref()),
            last_today => duties.last_today,
        },
        Body::Urgent(urgent) => context! {
            count => urgent.items.len(),
            dangers => dangers(&urgent.items),
            // As in the subject: what nobody has put a name to is taken for danger.
            alarming => !dangers(&urgent.items).is_empty()
                || urgent.items.iter().all(|item| item.categories().is_empty()),
            posts => posts(&urgent.items, now, true),
            repeat => urgent.repeat,
        },
        Body::DailySummary(summary) | Body::FirstNight(summary) => of_summary(summary),
        Body::Registrar(day) => context! {
            board => text(&day.board),
            numbers => day.numbers.iter().map(number).collect::<Vec<_>>(),
            signed => day.signed_checkpoint.as_deref().map(visible),
            link => link(day.link.as_ref()),
        },
        Body::Technical(trouble) => of_trouble(trouble),
        Body::Entered(entered) => context! {
            case => entered.case.to_string(),
            dnr => optional(entered.dnr.as_ref()),
            outcome => outcome(entered.outcome),
            os_user => text(&entered.os_user),
            at => moment(entered.at),
            link => link(entered.link.as_ref()),
        },
    };
    context! {
        subject => subject,
        to => text(&letter.to.name),
        now => moment(now),
        today => date(now),
        foot => foot(&letter.foot),
        ..body
    }
}

/// `at_once`: what is due now needs no reckoning of a later time.
fn posts(items: &[LetterItem], now: DateTime<Utc>, at_once: bool) -> Vec<Value> {
    let mut number = 0;
    by_post(items)
        .into_iter()
        .map(|post| {
            let items: Vec<_> = post
                .items
                .iter()
                .map(|item| {
                    number += 1;
                    of_item(item, number, now, at_once)
                })
                .collect();
            context! { account => text(post.account), title => optional(post.title), items => items }
        })
        .collect()
}

fn of_item(item: &LetterItem, number: usize, now: DateTime<Utc>, at_once: bool) -> Value {
    let due = item.due_at.filter(|_| !at_once);
    let (case, dnr, count, content) = match &item.matter {
        Matter::Case { case, dnr, content } => (Some(case.to_string()), dnr.as_ref(), 1, Some(content)),
        Matter::Thread { count } => (None, None, *count, None),
        Matter::Account => (None, None, 0, None),
    };
    context! {
        number => number,
        full => number <= IN_FULL,
        kind => match item.matter { Matter::Case { .. } => "case", Matter::Thread { .. } => "thread", Matter::Account => "account" },
        act => text(&item.act),
        duty => text(&item.duty),
        rung => match item.rung { Rung::Warn => "warn", Rung::Due => "due", Rung::Overdue => "overdue", Rung::Escalate => "escalate" },
        at_once => at_once,
        late => due.is_some_and(|due| due <= now),
        due_soon => due.map(|due| soon(due, now)),
        due => due.map(moment),
        reckoning => lines(&item.reckoning),
        told => lines(&item.told),
        link => link(item.link.as_ref()),
        danger => item.is_danger(),
        case => case,
        dnr => optional(dnr),
        comments => count,
        ..of_content(content)
    }
}

fn of_content(content: Option<&Content>) -> Value {
    let categories = content.map(Content::categories).unwrap_or_default();
    let why = content.map(Content::why).unwrap_or_default();
    let quote = content.and_then(Content::text);
    context! {
        categories => categories.iter().map(|category| category.name()).collect::<Vec<_>>(),
        withheld => content.is_some_and(Content::is_withheld),
        author => optional(content.and_then(Content::author)),
        text => quote.map(|quote| quote.lines().to_vec()).unwrap_or_default(),
        cut => quote.is_some_and(Quote::is_cut),
        why => why
            .iter()
            .map(|why| context! { sentence => text(&why.sentence), words => optional(why.words.as_ref()) })
            .collect::<Vec<_>>(),
        proposal => content.and_then(Content::proposal).map(proposal),
    }
}

/// The codes of the dangers found, each once, in the order of the contract.
fn dangers(items: &[LetterItem]) -> Vec<&'static str> {
    Category::ALL
        .iter()
        .filter(|category| {
            category.is_danger() && items.iter().any(|item| item.categories().contains(category))
        })
        .map(|category| category.code())
        .collect()
}

fn of_summary(summary: &Summary) -> Value {
    let account = |account: &AccountSummary| {
        context! {
            name => text(&account.account),
            came => amount(account.came, "kommentar", "kommentarer"),
            flagged => amount(account.flagged, "flaggad", "flaggade"),
            by_category => account
                .by_category
                .iter()
                .map(|(category, count)| context! { name => category.name(), count => grouped(*count) })
                .collect::<Vec<_>>(),
            watch_only => account.watch_only,
            blind => lines(&account.blind),
        }
    };
    let came = summary.accounts.iter().map(|account| account.came).sum();
    let flagged = summary.accounts.iter().map(|account| account.flagged).sum();
    context! {
        from => summary.from.map(moment),
        until => moment(summary.to),
        came => amount(came, "kommentar", "kommentarer"),
        flagged => amount(flagged, "flaggad", "flaggade"),
        any_flagged => flagged > 0,
        accounts => summary.accounts.iter().map(account).collect::<Vec<_>>(),
        link => link(summary.link.as_ref()),
    }
}

fn number(number: &DiaryNumber) -> Value {
    context! {
        dnr => text(&number.dnr),
        at => moment(number.at),
        day => date(number.at),
        time => clock(number.at),
        case => number.case.to_string(),
        what => text(&number.what),
    }
}

fn of_trouble(trouble: &Trouble) -> Value {
    match trouble {
        Trouble::AccountBlind { account, since, reason } => {
            context! { code => "account_blind", account => text(account), since => moment(*since), reason => text(reason) }
        }
        Trouble::DiskLow { free, least } => {
            context! { code => "disk_low", free => text(free), least => text(least) }
        }
        Trouble::ClockWrong { reason } => context! { code => "clock_wrong", reason => text(reason) },
        Trouble::BrakeTripped { rule, hides } => {
            context! { code => "brake_tripped", rule => optional(rule.as_ref()), hides => *hides }
        }
        Trouble::ActFailed { case, account, outcome: decided, reason } => context! {
            code => "act_failed",
            case => case.to_string(),
            account => text(account),
            outcome => outcome(*decided),
            reason => text(reason),
        },
        Trouble::MailRefused { person, reason } => {
            context! { code => "mail_refused", person => text(person), reason => text(reason) }
        }
        Trouble::Key { account, id, platform, matter, at, facts } => context! {
            code => "key",
            account => text(account),
            id => text(id),
            platform => text(platform),
            matter => match matter {
                KeyMatter::Expires => "expires",
                KeyMatter::Dead => "dead",
                KeyMatter::Lost => "lost",
                KeyMatter::Rights => "rights",
            },
            at => moment(*at),
            facts => lines(facts),
        },
        Trouble::Other { what, effect, remedy } => {
            context! { code => "other", what => text(what), effect => text(effect), remedy => text(remedy) }
        }
    }
}

fn foot(foot: &Foot) -> Value {
    context! {
        organisation => text(&foot.organisation),
        operator => text(&foot.operator.name),
        operator_email => foot.operator.email(),
        checkpoint => foot.checkpoint.as_ref().map(|checkpoint| context! {
            origin => text(&checkpoint.origin),
            size => checkpoint.size,
            root => text(&checkpoint.root_base64),
        }),
    }
}

/// What is suggested, as an order.
fn proposal(proposal: Proposal) -> &'static str {
    match proposal {
        Proposal::Keep => "låt den stå",
        Proposal::Review => "läs och bedöm",
        Proposal::Hide => "dölj",
        Proposal::Remove => "ta bort",
        Proposal::Escalate => "agera genast",
    }
}

/// What was decided, as it follows "beslut:".
fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Hide => "dölja kommentaren",
        Outcome::Remove => "ta bort kommentaren",
        Outcome::Keep => "låta kommentaren stå",
        Outcome::Restore => "göra kommentaren synlig igen",
        Outcome::Answered => "kommentaren är besvarad",
        Outcome::AnsweredJointly => "kommentaren är besvarad samlat",
        Outcome::NoAnswerNeeded => "kommentaren behöver inget svar",
        Outcome::Forwarded => "kommentaren är vidarebefordrad",
        Outcome::Referred => "avsändaren är hänvisad",
    }
}

/// "4 211 kommentarer"; the space in the number does not break.
fn amount(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push('\u{a0}');
        }
        grouped.push(digit);
    }
    grouped
}

/// A signed note is told character by character, except what could steer a terminal or a mail program.
fn visible(note: &str) -> String {
    note.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}

fn text(line: &Line) -> &str {
    line.as_str()
}

fn optional(line: Option<&Line>) -> Option<&str> {
    line.map(Line::as_str).filter(|text| !text.is_empty())
}

fn lines(lines: &[Line]) -> Vec<String> {
    lines.iter().filter(|line| !line.is_empty()).map(ToString::to_string).collect()
}

fn link(link: Option<&Link>) -> Option<&str> {
    link.map(Link::as_str)
}
