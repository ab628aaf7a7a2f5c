//! Subjects: what to do, and by when.

use super::{
    Body, Duties, KeyMatter, Letter, LetterItem, Line, Matter, Rung, Summary, Trouble, Urgent, clock, date,
    soon,
};
use crate::domain::category::Category;
use chrono::{DateTime, Utc};

/// Longer subjects are cut by telephones, and by some servers.
const LONGEST: usize = 150;

pub(super) fn of(letter: &Letter) -> String {
    let now = letter.created_at;
    let subject = match &letter.body {
        Body::Duties(duties) => of_duties(duties, now),
        Body::Urgent(urgent) => of_urgent(urgent, now),
        Body::DailySummary(summary) => format!("Läs: {} ({})", counted(summary), date(summary.to)),
        Body::FirstNight(summary) => format!("Läs när du hinner: äldre kommentarer, {}", counted(summary)),
        Body::Registrar(day) => match day.numbers.len() {
            0 => format!("Spara: loggens läge {}, inga nya diarienummer ({})", date(now), day.board),
            1 => format!("Kontrollera och spara: 1 nytt diarienummer {} ({})", date(now), day.board),
            many => format!("Kontrollera och spara: {many} nya diarienummer {} ({})", date(now), day.board),
        },
        Body::Technical(trouble @ Trouble::AccountBlind { .. }) => {
            format!("Åtgärda: {}", of_trouble(trouble, now))
        }
        Body::Technical(trouble) => format!("Åtgärda: {} ({})", of_trouble(trouble, now), soon(now, now)),
        Body::Entered(entered) => {
            format!("Kontrollera: beslut i ditt namn i ärende {} ({})", entered.case, soon(entered.at, now))
        }
    };
    Line::short(&subject, LONGEST).to_string()
}

fn of_duties(duties: &Duties, now: DateTime<Utc>) -> String {
    let items = &duties.items;
    let act = match items.split_first() {
        Some((first, rest)) if rest.iter().all(|item| item.act == first.act) => first.act.to_string(),
        _ => "Att göra".to_owned(),
    };
    let what = format!("{} {}", amount(items), places(items));
    let danger = match items.iter().filter(|item| item.is_danger()).count() {
        0 => String::new(),
        count => format!(", varav {count} om fara"),
    };
    let rung = items.iter().map(|item| item.rung).max().unwrap_or(Rung::Warn);
    let due = items.iter().filter_map(|item| item.due_at).min();
    let was = |at: DateTime<Utc>| {
        let tense = if at <= now { "fristen var" } else { "fristen är" };
        format!(" ({tense} {})", soon(at, now))
    };
    match (rung, due) {
        (Rung::Escalate, due) => {
            format!("Ta över, ingen har agerat: {what}{danger}{}", due.map(was).unwrap_or_default())
        }
        (Rung::Overdue, due) => {
            let order =
                if act == "Att göra" { "gör nu".to_owned() } else { format!("{} nu", lower_first(&act)) };
            format!("FÖRSENAT, {order}: {what}{danger}{}", due.map(was).unwrap_or_default())
        }
        (_, None) => format!("{act} snarast: {what}{danger}"),
        (_, Some(at)) => format!("{act} senast {}: {what}{danger}", soon(at, now)),
    }
}

fn of_urgent(urgent: &Urgent, now: DateTime<Utc>) -> String {
    let reminder = match urgent.repeat {
        0 => String::new(),
        number => format!(", påminnelse {number}"),
    };
    let more = match urgent.items.len() {
        0 | 1 => String::new(),
        many => format!(" och {} till", many - 1),
    };
    format!("{}{more}: läs nu{reminder} (kl. {})", alarm(&urgent.items), clock(now))
}

/// The danger found, in capitals; the order of [`Category::ALL`] when there are several.
fn alarm(items: &[LetterItem]) -> String {
    Category::ALL
        .iter()
        .filter(|category| category.is_danger())
        .find(|category| items.iter().any(|item| item.categories().contains(category)))
        .map_or_else(
            // Told at once, and no danger: then the letter does not say that there is one.
            || {
                if items.iter().any(|item| !item.categories().is_empty()) { "BRÅTTOM" } else { "FARA" }
                    .to_owned()
            },
            |category| category.name().to_uppercase(),
        )
}

fn amount(items: &[LetterItem]) -> String {
    if items.iter().any(|item| matches!(item.matter, Matter::Account)) {
        return match items.len() {
            1 => "1 uppgift".to_owned(),
            many => format!("{many} uppgifter"),
        };
    }
    match items.iter().map(LetterItem::comments).sum::<u64>() {
        1 => "1 kommentar".to_owned(),
        many => format!("{many} kommentarer"),
    }
}

fn places(items: &[LetterItem]) -> String {
    let mut names: Vec<&Line> = items.iter().map(|item| &item.account).collect();
    names.sort();
    names.dedup();
    match names.as_slice() {
        [] => String::new(),
        [one] => format!("på {one}"),
        [one, two] => format!("på {one} och {two}"),
        many => format!("på {} konton", many.len()),
    }
}

fn counted(summary: &Summary) -> String {
    let came: u64 = summary.accounts.iter().map(|account| account.came).sum();
    let flagged: u64 = summary.accounts.iter().map(|account| account.flagged).sum();
    let comments = if came == 1 { "kommentar" } else { "kommentarer" };
    let marked = if flagged == 1 { "flaggad" } else { "flaggade" };
    format!("{came} {comments}, {flagged} {marked}")
}

fn of_trouble(trouble: &Trouble, now: DateTime<Utc>) -> String {
    match trouble {
        Trouble::AccountBlind { account, since, .. } => {
            format!("{account} kan inte läsas sedan {}", soon(*since, now))
        }
        Trouble::DiskLow { free, .. } => format!("disken är nästan full, {free} kvar"),
        Trouble::ClockWrong { .. } => "klockan går fel".to_owned(),
        Trouble::BrakeTripped { .. } => "bromsen har stoppat automatisk döljning".to_owned(),
        Trouble::ActFailed { case, account, .. } => {
            format!("beslutet i {case} går inte att verkställa på {account}")
        }
        Trouble::MailRefused { person, .. } => format!("brev till {person} kommer inte fram"),
        Trouble::Key { account, matter, at, .. } => match matter {
            KeyMatter::Expires if *at <= now => format!("nyckeln till {account} har slutat gälla"),
            KeyMatter::Expires => format!("nyckeln till {account} slutar gälla {}", soon(*at, now)),
            KeyMatter::Dead => format!("nyckeln till {account} gäller inte"),
            KeyMatter::Lost => format!("möjlig förlorad åtkomst till {account}"),
            KeyMatter::Rights => format!("nyckeln till {account} saknar rättigheter"),
        },
        Trouble::Other { what, .. } => lower_first(what.as_str()),
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
