//! What is said of a record, in which order: the same on paper and on the screen.
//!
//! It is made from what the log commits to and from nothing else. It is no picture of the platform, and says so.

use chrono::{DateTime, Utc};

use super::bag::{BagInput, Event};
use super::pdf::PdfError;
use crate::archive::entry::{Entry, Kind};
use crate::archive::fields::{self, Fields};
use crate::domain::calendar::{day_in_words, instant_in_words};
use crate::domain::case::Outcome;
use crate::domain::category::Category;
use crate::domain::comment::Platform;
use crate::domain::words;

/// What a handling is put on: pages of paper, or a page on a screen.
pub(super) trait Sheet {
    /// The document's name.
    fn title(&mut self, text: &str);
    /// A heading.
    fn heading(&mut self, text: &str);
    /// Running text.
    fn paragraph(&mut self, text: &str);
    /// A name and what it is, side by side.
    fn fact(&mut self, name: &str, value: &str);
    /// What somebody else wrote, set off from what we say.
    fn quote(&mut self, text: &str);
    /// A captured file, by its path below `data/`, and what is said of it.
    fn file(&mut self, path: &str, value: &str) {
        self.fact(path, value);
    }
}

/// What stands around the handling itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    /// The document's name.
    pub(super) title: String,
    /// What every page says at its foot.
    pub(super) foot: String,
}

/// One entry of the record with the fields behind it.
struct Read<'a> {
    event: &'a Event,
    entry: Entry,
    fields: Fields,
}

/// Puts the record on a sheet.
///
/// # Errors
/// `Unsound`: the entries or their fields are not in order.
pub(super) fn fill(sheet: &mut impl Sheet, input: &BagInput) -> Result<Frame, PdfError> {
    let events = input.events.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let Some(snapshot) = events.first().filter(|first| first.entry.kind() == Kind::Snapshot) else {
        return Err(PdfError::Unsound("its first event is no snapshot".to_owned()));
    };
    let number = input.diary_number.as_deref();
    let title = match number {
        Some(number) => format!("Bevarad kommentar {number}"),
        None => "Bevarad kommentar, inte diarieförd".to_owned(),
    };
    sheet.title(&title);
    sheet.paragraph(&format!(
        "{} har tagit vara på en kommentar på sociala medier. Det här är en återgivning, gjord {} ur de uppgifter som \
         plattformen lämnade ut genom sitt gränssnitt. Den är ingen bild av hur sidan såg ut. Tecken som inte syns, och \
         tecken som teckensnitten saknar, står som [U+200B].",
        input.organisation,
        day_in_words(input.date),
    ));
    comment(sheet, &snapshot.fields);
    around(sheet, &snapshot.fields);
    judged(sheet, &snapshot.fields);
    happened(sheet, &events);
    files(sheet, &snapshot.fields)?;
    proof(sheet, input);
    everything(sheet, &events);
    let foot = format!(
        "{title} · post {} · återgivning ur uppgifter från plattformens gränssnitt, ingen bild av plattformen",
        input.record
    );
    Ok(Frame { title, foot })
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

fn fact(sheet: &mut impl Sheet, fields: &Fields, name: &str, path: &str) {
    if let Some(value) = value(fields, path) {
        sheet.fact(name, &value);
    }
}

fn comment(sheet: &mut impl Sheet, fields: &Fields) {
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
fn around(sheet: &mut impl Sheet, fields: &Fields) {
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

fn judged(sheet: &mut impl Sheet, fields: &Fields) {
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
fn happened(sheet: &mut impl Sheet, events: &[Read<'_>]) {
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

fn files(sheet: &mut impl Sheet, fields: &Fields) -> Result<(), PdfError> {
    let files = fields.files().map_err(|error| PdfError::Unsound(error.to_string()))?;
    sheet.heading("Vad som togs till vara");
    for file in files {
        sheet.file(&file.path, &format!("{} byte\nSHA-256 {}", file.size, hex::encode(file.sha256)));
    }
    fact(sheet, fields, "Bild, film eller ljud", "/comment/media_review/not_preserved_because");
    Ok(())
}

fn proof(sheet: &mut impl Sheet, input: &BagInput) {
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
fn everything(sheet: &mut impl Sheet, events: &[Read<'_>]) {
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
