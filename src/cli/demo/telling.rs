//! The weekend, told to a person: what the store holds, in Swedish, in columns.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::Path;

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use super::story::{File, Story};
use crate::config::Config;
use crate::domain::calendar;
use crate::domain::case::{CaseState, Outcome};
use crate::domain::category::Category;
use crate::domain::classify::Band;
use crate::domain::duty::Rung;
use crate::domain::words;
use crate::store::decisions::MACHINE;
use crate::store::duties::Duty;

/// So many characters of a post are shown.
const POST: usize = 44;

/// Tells it.
pub(super) struct Telling<'a> {
    pub(super) story: &'a Story,
    pub(super) config: &'a Config,
    pub(super) friday: NaiveDate,
}

impl Telling<'_> {
    /// What came, what was flagged, preserved, hidden, when it was due, and who was written to.
    pub(super) fn weekend(&self, out: &mut dyn Write) -> io::Result<()> {
        self.came(out)?;
        self.flagged(out)?;
        self.preserved(out)?;
        self.hidden(out)?;
        self.deadlines(out)?;
        self.letters(out)
    }

    fn came(&self, out: &mut dyn Write) -> io::Result<()> {
        heading(out, "Vad som kom")?;
        let comments = &self.story.comments;
        let theirs = comments.iter().filter(|comment| !comment.ours).count();
        let old = comments.iter().filter(|comment| comment.old && !comment.ours).count();
        let edited = comments.iter().filter(|comment| comment.version.n > 1).count();
        let gone = self.story.files.iter().filter(|file| file.case.state == CaseState::Withdrawn).count();
        writeln!(out, "{theirs} kommentarer och {} svar från kommunens konto.", comments.len() - theirs)?;
        writeln!(out, "{old} äldre än bevakningen: bedömda och sökbara, men ingen frist, inget brev.")?;
        writeln!(
            out,
            "{edited} ändrad i efterhand och {gone} borttagen av okänd: alla lydelser finns kvar i Uppsikt."
        )?;
        writeln!(out, "\n  {}{:>11}{:>7}{:>9}", pad("inlägg", POST + 2), "kommentarer", "svar", "flaggade")?;
        for (post, text) in &self.story.posts {
            let here = || comments.iter().filter(|comment| comment.post_id == *post);
            let flagged = self
                .story
                .files
                .iter()
                .filter(|file| file.comment.post_id == *post && file.is_flagged())
                .count();
            writeln!(
                out,
                "  {}{:>11}{:>7}{:>9}",
                pad(&clip(text, POST), POST + 2),
                here().filter(|comment| !comment.ours).count(),
                here().filter(|comment| comment.ours).count(),
                flagged
            )?;
        }
        Ok(())
    }

    fn flagged(&self, out: &mut dyn Write) -> io::Result<()> {
        heading(out, "Vad som flaggades och varför")?;
        let flagged: Vec<_> = self.story.files.iter().filter(|file| file.is_flagged()).collect();
        let judged = self.story.comments.iter().filter(|comment| !comment.ours).count();
        writeln!(
            out,
            "{} av {judged}. De övriga {} rörde ingen: skarp kritik och svordomar i beröm är tillåtna.",
            flagged.len(),
            judged - flagged.len()
        )?;
        for file in flagged {
            let mut why: BTreeMap<Category, (Band, &str)> = BTreeMap::new();
            for finding in file.findings() {
                let best = why.entry(finding.category).or_insert((finding.band, &finding.rule));
                if finding.band == Band::Obvious && best.0 == Band::Look {
                    *best = (finding.band, &finding.rule);
                }
            }
            let why: Vec<_> = why
                .iter()
                .map(|(category, (band, rule))| {
                    let band = if *band == Band::Obvious { "uppenbart" } else { "bör ses" };
                    format!("{} ({rule}, {band})", category.name())
                })
                .collect();
            let old = if file.comment.old { "; äldre än bevakningen" } else { "" };
            writeln!(
                out,
                "  {}  {}  {}{}{old}",
                file.case.id,
                short(file.comment.created_at),
                pad(&lower(words::state(file.case.state)), 23),
                clip(&why.join(", "), 90)
            )?;
        }
        Ok(())
    }

    fn preserved(&self, out: &mut dyn Write) -> io::Result<()> {
        heading(out, "Vad som bevarades och diariefördes")?;
        let versions: usize = self.story.files.iter().map(|file| file.kept.len()).sum();
        let entries: usize = self.story.entries.values().sum();
        let days = self.story.entries.get("received").copied().unwrap_or_default();
        writeln!(
            out,
            "{versions} texter bevarades, var och en krypterad under egen nyckel, i en logg med {entries} poster."
        )?;
        writeln!(
            out,
            "{days} av posterna binder en hel dags alla kommentarer: inget kan läggas till eller tas bort."
        )?;
        writeln!(out, "Det som flaggats bevaras. Ett nummer får först det som någon beslutat att dölja.")?;
        for file in &self.story.files {
            for kept in &file.kept {
                let Some(number) = &kept.number else { continue };
                let at = kept.entries.iter().find(|entry| entry.kind == "registered").map(|entry| entry.at);
                let index =
                    kept.entries.iter().find(|entry| entry.kind == "snapshot").map(|entry| entry.index);
                writeln!(
                    out,
                    "  {}  {}  {}  bevarad som loggpost {}",
                    pad(number, 16),
                    file.case.id,
                    at.map(short).unwrap_or_default(),
                    index.map(|index| index.to_string()).unwrap_or_default()
                )?;
            }
        }
        let unnumbered: Vec<_> = self
            .story
            .files
            .iter()
            .filter(|file| !file.kept.is_empty() && file.numbers().is_empty())
            .map(|file| file.case.id.to_string())
            .collect();
        if !unnumbered.is_empty() {
            writeln!(out, "  {}{}", pad("bevarade utan nummer", 22), unnumbered.join(" "))?;
        }
        Ok(())
    }

    fn hidden(&self, out: &mut dyn Write) -> io::Result<()> {
        heading(out, "Vad som doldes och sågs vara dolt")?;
        for file in &self.story.files {
            let Some(seen) = file.seen("hidden") else { continue };
            let by: Vec<_> =
                file.deciders(Outcome::Hide).into_iter().map(|person| self.first_name(person)).collect();
            write!(
                out,
                "  {}  {}  sågs dold {}  beslut: {}",
                file.case.id,
                pad(&file.numbers().join(" "), 16),
                short(seen),
                by.join(" + ")
            )?;
            if let Some(restored) = file.seen("restored") {
                let by: Vec<_> = file
                    .deciders(Outcome::Restore)
                    .into_iter()
                    .map(|person| self.first_name(person))
                    .collect();
                let again = if file.comment.sighting.is_hidden() { "" } else { ", inte tagen igen" };
                write!(out, "; fel, åter synlig {} ({}){again}", short(restored), by.join(" + "))?;
            }
            writeln!(out)?;
        }
        for file in &self.story.files {
            for duty in file.duties.iter().filter(|duty| duty.what.kind == "changed_outside") {
                // The first words say what was seen; the rest is for the person who looks into it.
                let what = duty.what.explain.first().map_or("", String::as_str);
                let what = what.split(['.', ':', ',']).next().unwrap_or(what);
                let end = match (duty.closed_at, duty.outcome.as_deref().and_then(|code| code.parse().ok())) {
                    (Some(at), Some(how)) => format!("{} {}", lower(words::outcome(how)), short(at)),
                    (Some(at), None) => format!("avslutad {}", short(at)),
                    (None, _) => "väntar på kontots ägare".to_owned(),
                };
                writeln!(
                    out,
                    "  {}  {}  utanför Uppsikt, av okänd: {}; {end}",
                    file.case.id,
                    short(duty.what.found_at),
                    clip(what, 60)
                )?;
            }
        }
        for file in &self.story.files {
            let child = file.findings().iter().any(|finding| finding.category == Category::ChildAtRisk);
            let Some(decision) = file.decisions.last().filter(|_| child) else { continue };
            let stands = if file.comment.sighting.is_hidden() { "dold" } else { "aldrig dold" };
            writeln!(
                out,
                "  {}  barn som kan fara illa: {stands}; {} av {} {}.",
                file.case.id,
                lower(words::outcome(decision.outcome)),
                self.first_name(&decision.person),
                short(decision.at)
            )?;
        }
        Ok(())
    }

    fn deadlines(&self, out: &mut dyn Write) -> io::Result<()> {
        heading(out, "Fristerna")?;
        writeln!(
            out,
            "  {}{}{}{}avslutad",
            pad("ärende", 10),
            pad("kom", 11),
            pad("24 timmar", 20),
            pad("nästa arbetsdag", 20)
        )?;
        let (mut shown, mut usual) = (Vec::new(), 0);
        for file in self.story.files.iter().filter(|file| file.answers().next().is_some()) {
            let soon = file.answers().all(|duty| {
                let answered = duty.closed_at.filter(|at| *at <= duty.what.due_at);
                answered
                    .is_some_and(|at| calendar::local_date(at) == calendar::local_date(duty.what.trigger_at))
            });
            if soon {
                usual += 1;
            } else {
                shown.push(file);
            }
        }
        for file in shown {
            let of = |kind: &str| file.answers().find(|duty| duty.what.kind == kind);
            let cell = |duty: Option<&Duty>| duty.map_or("–".to_owned(), kept_in_time);
            let closed =
                file.answers().filter_map(|duty| Some((duty.closed_at?, duty.outcome.as_deref()?))).max();
            writeln!(
                out,
                "  {}{}{}{}{}",
                pad(&file.case.id.to_string(), 10),
                pad(&short(file.comment.created_at), 11),
                pad(&cell(of("answer_24h")), 20),
                pad(&cell(of("answer_next_working_day")), 20),
                closed.map_or("väntar på svar".to_owned(), |(at, how)| format!(
                    "{} {}",
                    short(at),
                    how.parse().map_or_else(|_| String::new(), |how| lower(words::outcome(how)))
                ))
            )?;
        }
        writeln!(out, "  och {usual} som fick svar samma dag som de kom")?;
        if let Some(file) = self.over_the_weekend() {
            writeln!(
                out,
                "\n  Så räknades {} (frågan kom {}):",
                file.case.id,
                short(file.comment.created_at)
            )?;
            let mut said: Vec<&String> = Vec::new();
            for line in file.answers().flat_map(|duty| &duty.what.explain) {
                // Both clocks begin with when the comment came.
                if !said.contains(&line) {
                    writeln!(out, "  · {line}")?;
                    said.push(line);
                }
            }
        }
        Ok(())
    }

    /// The last question of the Friday: the one whose clocks run over the weekend.
    fn over_the_weekend(&self) -> Option<&File> {
        self.story
            .files
            .iter()
            .filter(|file| calendar::local_date(file.comment.created_at) == self.friday)
            .filter(|file| file.answers().next().is_some())
            .max_by_key(|file| file.comment.created_at)
    }

    fn letters(&self, out: &mut dyn Write) -> io::Result<()> {
        heading(out, "Breven")?;
        let sent: Vec<_> =
            self.story.letters.iter().filter_map(|letter| Some((letter, letter.sent_at?))).collect();
        let hours = &self.config.hours;
        let (mut urgent, mut unstaffed) = (0, 0);
        let mut table: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
        for (letter, at) in &sent {
            *table.entry(&letter.letter.person).or_default().entry(&letter.letter.kind).or_default() += 1;
            if letter.letter.kind == "urgent" {
                urgent += 1;
            } else if !calendar::is_staffed(*at, hours) {
                unstaffed += 1;
            }
        }
        let never_sent = self.story.letters.iter().filter(|letter| letter.state == "superseded").count();
        writeln!(
            out,
            "{} brev gick, {urgent} brådskande vid vilken timme som helst; utanför arbetstid gick {unstaffed} andra.",
            sent.len()
        )?;
        if never_sent > 0 {
            writeln!(out, "{never_sent} skrevs men gick aldrig, för de var inte längre sanna.")?;
        }
        for (person, kinds) in table {
            let kinds: Vec<_> =
                kinds.iter().map(|(kind, count)| format!("{count} {}", letter_kind(kind))).collect();
            writeln!(out, "  {}{}", pad(&self.name(person), 22), kinds.join(", "))?;
        }
        for file in &self.story.files {
            let danger = self.told(file, |duty, _| duty.what.kind == "danger");
            if file.duties.iter().any(|duty| duty.what.kind == "danger") {
                let told = if danger.is_empty() { "inget brev" } else { &danger };
                writeln!(out, "  {}  fara, kom {}: {told}", file.case.id, short(file.comment.created_at))?;
            }
            let late = self.told(file, |duty, rung| {
                duty.what.kind != "danger" && matches!(rung.parse(), Ok(Rung::Overdue | Rung::Escalate))
            });
            if !late.is_empty() {
                writeln!(out, "  {}  försenat: {late}", file.case.id)?;
            }
        }
        Ok(())
    }

    /// When letters about such a rung of such a duty of a case went, and to whom.
    fn told(&self, file: &File, which: impl Fn(&Duty, &str) -> bool) -> String {
        let mut told: BTreeMap<DateTime<Utc>, BTreeSet<String>> = BTreeMap::new();
        for letter in &self.story.letters {
            let Some(at) = letter.sent_at else { continue };
            let about = letter
                .letter
                .duties
                .iter()
                .any(|(id, rung, _)| file.duties.iter().any(|duty| duty.id == *id && which(duty, rung)));
            if about {
                told.entry(at).or_default().insert(self.first_name(&letter.letter.person));
            }
        }
        let told: Vec<_> = told
            .into_iter()
            .map(|(at, who)| format!("{} {}", short(at), who.into_iter().collect::<Vec<_>>().join(", ")))
            .collect();
        told.join(" · ")
    }

    fn name(&self, person: &str) -> String {
        match self.config.roster.person(person) {
            Some(found) => found.name.clone(),
            None => person.to_owned(),
        }
    }

    fn first_name(&self, person: &str) -> String {
        if person == MACHINE {
            return "regeln själv".to_owned();
        }
        let name = self.name(person);
        name.split(' ').next().unwrap_or(&name).to_owned()
    }
}

/// Where the evidence lies and how anybody checks it.
pub(super) fn evidence(out: &mut dyn Write, bag: &Path, key: &Path) -> io::Result<()> {
    heading(out, "Beviset")?;
    writeln!(out, "Ett ärende är packat som bevis. Med Uppsikt:")?;
    writeln!(out, "  uppsikt verify {} --key {}", bag.display(), key.display())?;
    writeln!(out, "Utan Uppsikt:")?;
    writeln!(out, "  (cd {} && sha256sum -c manifest-sha256.txt)", bag.display())
}

/// `fre 07.31`, Stockholm time.
pub(super) fn short(at: DateTime<Utc>) -> String {
    let local = calendar::local(at);
    let days = ["mån", "tis", "ons", "tor", "fre", "lör", "sön"];
    let day = days.get(local.weekday().num_days_from_monday() as usize).copied().unwrap_or_default();
    format!("{day} {}", local.format("%H.%M"))
}

/// The due time of a duty, and whether it was kept.
fn kept_in_time(duty: &Duty) -> String {
    let due = short(duty.what.due_at);
    match duty.closed_at {
        Some(at) if at <= duty.what.due_at => format!("{due} i tid"),
        Some(_) => format!("{due} missad"),
        None if duty.state == "overdue" => format!("{due} missad"),
        None => format!("{due} löper"),
    }
}

fn letter_kind(kind: &str) -> &str {
    match kind {
        "duties" => "om vad som väntar",
        "urgent" => "brådskande",
        "daily_summary" => "dagsöversikter",
        "first_night" => "om äldre material",
        "registrar" => "till registrator",
        "technical" => "om driften",
        "entered" => "om nya nummer",
        other => other,
    }
}

pub(super) fn heading(out: &mut dyn Write, text: &str) -> io::Result<()> {
    writeln!(out, "\n{text}\n{}", "─".repeat(text.chars().count()))
}

/// At least so many characters wide, and a space.
fn pad(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.chars().count());
    format!("{text}{}", " ".repeat(missing))
}

/// The words of the pages begin a sentence; here they stand in one.
fn lower(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// At most so many characters.
fn clip(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}
