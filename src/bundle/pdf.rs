//! The handling: one record as pages that a person reads, PDF/A-1b (ISO 19005-1), which needs no other program in thirty
//! years.
//!
//! It is made in the process, from what the log commits to and from nothing else, so that the same bag gives the same
//! bytes. It is no picture of the platform, and says so.

mod plain;
mod sheet;
mod text;

use chrono::{DateTime, Datelike, Utc};

use super::bag::{BagInput, Event};
use crate::archive::entry::{Entry, Kind};
use crate::archive::fields::{self, Fields};
use crate::domain::calendar::{day_in_words, instant_in_words};
use crate::domain::case::Outcome;
use crate::domain::category::Category;
use crate::domain::comment::Platform;
use crate::domain::words;
pub use plain::{Block, Printed, plain};
use sheet::{About, Sheet};

/// Why there is no handling.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PdfError {
    /// The bag is not whole; `bag::write` would refuse it too.
    #[error("the record cannot be shown: {0}")]
    Unsound(String),
    /// What was set does not keep to PDF/A-1b.
    #[error("the pages do not keep to PDF/A-1b, so they were not written: {0}")]
    Archival(String),
}

/// One entry of the record with the fields behind it.
struct Read<'a> {
    event: &'a Event,
    entry: Entry,
    fields: Fields,
}

/// The record as pages.
///
/// # Errors
/// As [`PdfError`].
pub fn handling(input: &BagInput) -> Result<Vec<u8>, PdfError> {
    let events = input.events.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let Some(snapshot) = events.first().filter(|first| first.entry.kind() == Kind::Snapshot) else {
        return Err(PdfError::Unsound("its first event is no snapshot".to_owned()));
    };
    let number = input.diary_number.as_deref();
    let title = match number {
        Some(number) => format!("Bevarad kommentar {number}"),
        None => "Bevarad kommentar, inte diarieförd".to_owned(),
    };
    let mut sheet = Sheet::new();
    sheet.title(&title);
    sheet.paragraph(&format!(
        "{} har tagit vara på en kommentar på sociala medier. Det här är en återgivning, gjord {} ur de uppgifter som \
         plattformen lämnade ut genom sitt gränssnitt. Den är ingen bild av hur sidan såg ut. Tecken som inte syns, och \
         tecken som teckensnitten saknar, står som [U+200B].",
        input.organisation,
        day_in_words(input.date),
    ));
    comment(&mut sheet, &snapshot.fields);
    around(&mut sheet, &snapshot.fields);
    judged(&mut sheet, &snapshot.fields);
    happened(&mut sheet, &events);
    files(&mut sheet, &snapshot.fields)?;
    proof(&mut sheet, input);
    everything(&mut sheet, &events);
    let foot = format!(
        "{title} · post {} · återgivning ur uppgifter från plattformens gränssnitt, ingen bild av plattformen",
        input.record
    );
    sheet.finish(&About {
        title,
        author: input.organisation.clone(),
        id: input.record.to_string(),
        date: (
            u16::try_from(input.date.year()).unwrap_or_default(),
            u8::try_from(input.date.month()).unwrap_or_default(),
            u8::try_from(input.date.day()).unwrap_or_default(),
        ),
        foot,
    })
}

/// Entry and fields, the fields only if the entry commits to them.
fn read(event: &Event) -> Result<Read<'_>, PdfError> {
    let unsound = |why: String| PdfError::Unsound(format!("entry {}: {why}", event.index));
    let entry = Entry::parse(&event.leaf).map_err(|error| unsound(error.to_string()))?;
    let fields = match (&event.fields, entry.tree()) {
        (Some(text), Some(head)) => {
            fields::verify(text, &head).map_err(|error| unsound(error.to_string()))?
        }
        _ => Fields::default(),
    };
    Ok(Read { event, entry, fields })
}

/// A value as a person reads it: a moment in Stockholm's time, a text as it stands, anything else as JSON; `None` for
/// what is not there.
fn value(fields: &Fields, path: &str) -> Option<String> {
    if let Some(text) = fields.text(path) {
        return Some(moment(&text).unwrap_or(text));
    }
    fields.get(path).filter(|value| !value.is_null()).map(ToString::to_string)
}

/// A point in time as we write it, in words; `None` for any other text.
fn moment(text: &str) -> Option<String> {
    let at: DateTime<Utc> = text.parse().ok()?;
    Some(format!("{} ({text})", instant_in_words(at)))
}

fn fact(sheet: &mut Sheet, fields: &Fields, name: &str, path: &str) {
    if let Some(value) = value(fields, path) {
        sheet.fact(name, &value);
    }
}

fn comment(sheet: &mut Sheet, fields: &Fields) {
    sheet.heading("Kommentaren");
    match fields.text("/comment/text") {
        Some(text) if text.is_empty() => sheet.paragraph("Kommentaren har ingen text."),
        Some(text) => sheet.quote(&text),
        None => sheet.paragraph("Texten lämnas inte ut här."),
    }
    let name = fields.text("/comment/author/name");
    let id = fields.text("/comment/author/id");
    if name.is_some() || id.is_some() {
        let name = name.unwrap_or_else(|| "plattformen lämnade inget namn".to_owned());
        let id = id.map(|id| format!(", id {id}")).unwrap_or_default();
        sheet.fact("Skriven av", &format!("{name}{id}"));
    }
    fact(sheet, fields, "Skriven", "/comment/created_at");
    fact(sheet, fields, "Först sedd", "/comment/first_seen_at");
    if let Some(version) = value(fields, "/comment/version") {
        let seen = value(fields, "/comment/version_seen_at").unwrap_or_default();
        sheet.fact("Version", &format!("{version}, sedd {seen}"));
    }
    fact(sheet, fields, "Adress", "/comment/permalink");
    fact(sheet, fields, "Plattformens id", "/comment/native_id");
    if let Some(code) = fields.text("/account/platform") {
        let known = code.parse::<Platform>().map(|platform| platform.label().to_owned());
        sheet.fact("Plattform", &known.unwrap_or(code));
    }
    fact(sheet, fields, "Kommunens konto", "/account/id");
    fact(sheet, fields, "Kontots adress", "/account/url");
    fact(sheet, fields, "Ansvarig nämnd", "/account/board");
    if let Some(code) = fields.text("/look/sighting") {
        let at = value(fields, "/look/at").map(|at| format!(", {at}")).unwrap_or_default();
        sheet.fact("När den bevarades", &format!("{}{at}", words::sighting(&code)));
    }
}

/// The post that it stood under and the comment that it answered.
fn around(sheet: &mut Sheet, fields: &Fields) {
    for (heading, at) in [("Inlägget den stod under", "/post"), ("Kommentaren den svarade på", "/parent")] {
        let path = |name: &str| format!("{at}/{name}");
        if let Some(text) = fields.text(&path("text")) {
            sheet.heading(heading);
            sheet.quote(&text);
            fact(sheet, fields, "Skriven av", &path("author/name"));
            fact(sheet, fields, "Skriven", &path("created_at"));
            fact(sheet, fields, "Adress", &path("permalink"));
        }
    }
}

fn judged(sheet: &mut Sheet, fields: &Fields) {
    let Some(rules) = value(fields, "/assessment/rules") else { return };
    sheet.heading("Vad reglerna fann");
    fact(sheet, fields, "Bedömd", "/assessment/judged_at");
    sheet.fact("Regler, version", &rules);
    let text = fields.text("/comment/text").unwrap_or_default();
    for n in 0.. {
        let at = |name: &str| format!("/assessment/findings/{n}/{name}");
        let Some(code) = fields.text(&at("category")) else { break };
        let category =
            code.parse::<Category>().map_or_else(|_| code.clone(), |named| named.name().to_owned());
        let rule = fields.text(&at("rule")).unwrap_or_default();
        let sure = match fields.text(&at("band")).as_deref() {
            Some("obvious") => ", tydligt",
            Some("look") => ", osäkert, behöver läsas",
            _ => "",
        };
        let place = |name: &str| {
            fields.get(&at(name)).and_then(serde_json::Value::as_u64).and_then(|at| usize::try_from(at).ok())
        };
        let found = place("start").zip(place("end")).and_then(|(start, end)| text.get(start..end));
        let found = found.filter(|words| !words.trim().is_empty());
        let found = found.map(|words| format!(": ”{words}”")).unwrap_or_default();
        sheet.fact(&category, &format!("regel {rule}{sure}{found}"));
    }
}

/// What became of it, in the log's order.
fn happened(sheet: &mut Sheet, events: &[Read<'_>]) {
    sheet.heading("Vad som hände");
    for Read { event, entry, fields } in events {
        let outcome = fields.text("/outcome").map(|code| match code.parse::<Outcome>() {
            Ok(outcome) => words::outcome(outcome).to_owned(),
            Err(_) => code,
        });
        let rest = [
            ("Diarienummer", value(fields, "/diary/number")),
            ("I diariet", value(fields, "/public_text")),
            ("Utfall", outcome),
            ("Av", value(fields, "/by/name")),
            ("Skäl", value(fields, "/reason")),
        ];
        let mut told = format!("{}, rad {} i loggen", words::entry(entry.kind().code()), event.index);
        for (name, value) in rest {
            if let Some(value) = value {
                told = format!("{told}\n{name}: {value}");
            }
        }
        sheet.fact(&instant_in_words(entry.at()), &told);
    }
}

fn files(sheet: &mut Sheet, fields: &Fields) -> Result<(), PdfError> {
    let files = fields.files().map_err(|error| PdfError::Unsound(error.to_string()))?;
    sheet.heading("Vad som togs till vara");
    for file in files {
        sheet.fact(&file.path, &format!("{} byte\nSHA-256 {}", file.size, hex::encode(file.sha256)));
    }
    fact(sheet, fields, "Bild, film eller ljud", "/comment/media_review/not_preserved_because");
    Ok(())
}

fn proof(sheet: &mut Sheet, input: &BagInput) {
    sheet.heading("Bevis");
    sheet.paragraph(
        "Varje händelse ovan är en rad i en logg som inte kan ändras i efterhand utan att det syns. Raderna, bevisen \
         för att de står i loggen, och filerna själva ligger i den bagit-mapp som hör till den här återgivningen; \
         LAS-MIG.txt i den säger hur var och en prövar dem utan Uppsikt.",
    );
    sheet.fact("Post", &input.record.to_string());
    sheet.fact("Loggens nyckel", &input.vkey.to_string());
    sheet.fact("Kontrollpunkt", input.checkpoint.trim_end());
}

/// Every field of every entry, so that nothing the log commits to is missing on paper.
fn everything(sheet: &mut Sheet, events: &[Read<'_>]) {
    sheet.heading("Alla uppgifter i posten");
    for Read { event, entry, fields } in events {
        if fields.shown.is_empty() {
            continue;
        }
        sheet.fact("Rad i loggen", &format!("{}: {}", event.index, words::entry(entry.kind().code())));
        let mut last = None;
        for field in &fields.shown {
            // A text that was cut in words stands there once, whole.
            let path = field.path.split_once('#').map_or(field.path.as_str(), |(path, _)| path);
            if last == Some(path) {
                continue;
            }
            last = Some(path);
            let value = fields.text(path).or_else(|| fields.get(path).map(ToString::to_string));
            sheet.fact(path, &value.unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests;
