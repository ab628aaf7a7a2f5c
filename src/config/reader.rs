//! Reads a TOML tree with its places in the text, and gathers every fault instead of stopping at the first.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use chrono::{NaiveDate, NaiveTime};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Warning};
pub(super) use crate::domain::spelling::suggestion;

/// The longest text that any key may hold, in characters.
const LONGEST_TEXT: usize = 1000;

/// Gathers what is wrong with one file.
#[derive(Debug)]
pub(super) struct Report {
    file: PathBuf,
    /// Offsets at which lines begin, in bytes.
    lines: Vec<usize>,
    pub(super) faults: Vec<Fault>,
    pub(super) warnings: Vec<Warning>,
}

impl Report {
    pub(super) fn new(file: &Path, text: &str) -> Self {
        let lines = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1));
        Self { file: file.to_path_buf(), lines: lines.collect(), faults: Vec::new(), warnings: Vec::new() }
    }

    /// The line of a byte offset, counted from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset).max(1)
    }

    pub(super) fn fault(&mut self, place: &Place, message: impl Into<String>, remedy: impl Into<String>) {
        let fault = self.entry(place, message.into(), remedy.into());
        self.faults.push(fault);
    }

    pub(super) fn warn(&mut self, place: &Place, message: impl Into<String>, remedy: impl Into<String>) {
        let fault = self.entry(place, message.into(), remedy.into());
        self.warnings.push(Warning(fault));
    }

    fn entry(&self, place: &Place, message: String, remedy: String) -> Fault {
        Fault {
            file: self.file.clone(),
            line: place.span.as_ref().map(|span| self.line(span.start)),
            key: place.key.clone(),
            message,
            remedy,
        }
    }
}

/// Where something stands: its dotted key, and its bytes in the file.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    pub(super) key: String,
    pub(super) span: Option<Range<usize>>,
}

/// A value, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

impl<T> At<T> {
    fn with<U>(&self, value: U) -> At<U> {
        At { value, place: self.place.clone() }
    }
}

/// A value in the tree.
pub(super) type Node<'a, 'd> = At<&'a DeValue<'d>>;

impl<'a, 'd> Node<'a, 'd> {
    fn wrong<T>(&self, report: &mut Report, wanted: &str) -> Option<T> {
        report.fault(&self.place, format!("is {}", kind(self.value)), format!("write {wanted}"));
        None
    }

    /// A text of one line that is not empty.
    pub(super) fn text(&self, report: &mut Report) -> Option<At<String>> {
        let Some(text) = self.value.as_str() else { return self.wrong(report, "a text between quotes") };
        let fault = if text.trim().is_empty() {
            Some("is empty".to_owned())
        } else if text.chars().any(char::is_control) {
            Some(format!("holds a line break or another control character: {}", quote(text)))
        } else if text.chars().count() > LONGEST_TEXT {
            Some(format!("is longer than {LONGEST_TEXT} characters"))
        } else {
            None
        };
        if let Some(fault) = fault {
            report.fault(&self.place, fault, "write one line of text");
            return None;
        }
        Some(self.with(text.trim().to_owned()))
    }

    /// A text that `T` can be parsed from.
    pub(super) fn parsed<T: FromStr>(&self, report: &mut Report, wanted: &str) -> Option<At<T>> {
        let text = self.text(report)?;
        if let Ok(value) = text.value.parse() {
            return Some(text.with(value));
        }
        report.fault(&self.place, format!("{} is not {wanted}", quote(&text.value)), "correct it");
        None
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&self, report: &mut Report, words: &[(&str, T)]) -> Option<At<T>> {
        let text = self.text(report)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(text.with(*value));
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        report.fault(
            &self.place,
            format!("{} is none of {}", quote(&text.value), known.join(", ")),
            suggestion(&text.value, &known).unwrap_or_else(|| "choose one of them".to_owned()),
        );
        None
    }

    pub(super) fn boolean(&self, report: &mut Report) -> Option<bool> {
        let value = self.value.as_bool();
        value.or_else(|| self.wrong(report, "true or false"))
    }

    /// A whole number within `range`.
    pub(super) fn number(&self, report: &mut Report, range: Range<u64>) -> Option<u64> {
        let Some(integer) = self.value.as_integer() else { return self.wrong(report, "a whole number") };
        let value = u64::from_str_radix(integer.as_str(), integer.radix()).ok();
        if let Some(value) = value.filter(|value| range.contains(value)) {
            return Some(value);
        }
        report.fault(
            &self.place,
            format!("{} is not between {} and {}", quote(integer.as_str()), range.start, range.end - 1),
            "write a number within these bounds",
        );
        None
    }

    /// A date: `2026-12-21`, with or without quotes.
    pub(super) fn date(&self, report: &mut Report) -> Option<At<NaiveDate>> {
        let text = match self.value {
            DeValue::Datetime(datetime) if datetime.time.is_none() => datetime.to_string(),
            DeValue::String(text) => text.to_string(),
            _ => return self.wrong(report, "a date such as 2026-12-21"),
        };
        if let Ok(date) = NaiveDate::parse_from_str(&text, "%Y-%m-%d") {
            return Some(self.with(date));
        }
        report.fault(&self.place, format!("{} is no date", quote(&text)), "write a date such as 2026-12-21");
        None
    }

    /// A time of day: `"08:00"`.
    pub(super) fn time(&self, report: &mut Report) -> Option<At<NaiveTime>> {
        let text = match self.value {
            DeValue::Datetime(datetime) if datetime.date.is_none() => datetime.to_string(),
            DeValue::String(text) => text.to_string(),
            _ => return self.wrong(report, "a time such as \"08:00\""),
        };
        let time = NaiveTime::parse_from_str(&text, "%H:%M")
            .or_else(|_| NaiveTime::parse_from_str(&text, "%H:%M:00"));
        if let Ok(time) = time {
            return Some(self.with(time));
        }
        report.fault(
            &self.place,
            format!("{} is no time of day", quote(&text)),
            "write a time such as \"08:00\"",
        );
        None
    }

    /// The elements of an array; their keys are numbered from 1.
    pub(super) fn list(&self, report: &mut Report) -> Option<Vec<Node<'a, 'd>>> {
        let Some(array) = self.value.as_array() else { return self.wrong(report, "a list between [ and ]") };
        let node = |(index, value): (usize, &'a Spanned<DeValue<'d>>)| At {
            value: value.get_ref(),
            place: Place { key: format!("{}[#{}]", self.place.key, index + 1), span: Some(value.span()) },
        };
        Some(array.iter().enumerate().map(node).collect())
    }

    pub(super) fn table(&self, report: &mut Report) -> Option<Section<'a, 'd>> {
        let Some(table) = self.value.as_table() else { return self.wrong(report, "a table") };
        Some(Section { table, place: self.place.clone(), known: Vec::new() })
    }
}

/// A table whose keys are asked for one by one; those that nobody asked for are faults.
#[derive(Debug)]
pub(super) struct Section<'a, 'd> {
    table: &'a DeTable<'d>,
    pub(super) place: Place,
    known: Vec<&'static str>,
}

impl<'a, 'd> Section<'a, 'd> {
    pub(super) fn root(table: &'a DeTable<'d>) -> Self {
        Self { table, place: Place::default(), known: Vec::new() }
    }

    /// The value of `key`, if it is there.
    pub(super) fn get(&mut self, key: &'static str) -> Option<Node<'a, 'd>> {
        self.known.push(key);
        let (name, value) = self.table.get_key_value(key)?;
        Some(At { value: value.get_ref(), place: self.at(key, name.span().start..value.span().end) })
    }

    /// The value of `key`; a fault if it is not there.
    pub(super) fn need(
        &mut self,
        report: &mut Report,
        key: &'static str,
        remedy: &str,
    ) -> Option<Node<'a, 'd>> {
        let node = self.get(key);
        if node.is_none() {
            let place = self.child(key);
            report.fault(&place, "is missing", remedy);
        }
        node
    }

    /// The sub-table `key`, if it is there.
    pub(super) fn section(&mut self, report: &mut Report, key: &'static str) -> Option<Section<'a, 'd>> {
        self.get(key)?.table(report)
    }

    /// The tables of `[[key]]`; their keys carry the id where there is one: `account[fb]`.
    pub(super) fn tables(&mut self, report: &mut Report, key: &'static str) -> Vec<Section<'a, 'd>> {
        let Some(list) = self.get(key).and_then(|node| node.list(report)) else { return Vec::new() };
        let mut sections: Vec<Section<'a, 'd>> = list.iter().filter_map(|node| node.table(report)).collect();
        for section in &mut sections {
            let id = section.table.get("id").and_then(|id| id.get_ref().as_str());
            if let Some(id) = id.filter(|id| is_id(id)) {
                section.place.key = format!("{key}[{id}]");
            }
        }
        sections
    }

    /// Every key with its value, for tables whose keys are data.
    pub(super) fn entries(&self) -> Vec<(At<String>, Node<'a, 'd>)> {
        let entry = |(name, value): (&'a Spanned<_>, &'a Spanned<DeValue<'d>>)| {
            let name: &'a Spanned<std::borrow::Cow<'d, str>> = name;
            let key = name.get_ref().to_string();
            let place = self.at(&printable(&key), name.span().start..value.span().end);
            (At { value: key, place: place.clone() }, At { value: value.get_ref(), place })
        };
        self.table.iter().map(entry).collect()
    }

    /// The place of a key that is not there: the table's own line.
    pub(super) fn child(&self, key: &str) -> Place {
        Place { span: self.place.span.clone(), ..self.at(key, 0..0) }
    }

    fn at(&self, key: &str, span: Range<usize>) -> Place {
        let key =
            if self.place.key.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place.key) };
        Place { key, span: Some(span) }
    }

    /// Reports every key that nobody asked for.
    pub(super) fn close(self, report: &mut Report) {
        let mut names: Vec<_> = self.table.iter().map(|(name, _)| name).collect();
        names.sort_by_key(|name| name.span().start);
        for name in names {
            let key: &str = name.get_ref();
            if !self.known.contains(&key) {
                let place = self.at(&printable(key), name.span());
                let remedy = suggestion(key, &self.known)
                    .unwrap_or_else(|| format!("remove it; known keys here: {}", self.known.join(", ")));
                report.fault(&place, "is an unknown key", remedy);
            }
        }
    }
}

/// True for what may be an id: up to 40 letters a–z, digits, `-` and `_`.
pub(super) fn is_id(id: &str) -> bool {
    (1..=40).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// A text as messages show it: quoted, on one line, at most 60 characters.
pub(super) fn quote(text: &str) -> String {
    format!("\"{}\"", printable(text))
}

/// A text without control characters, at most 60 characters.
fn printable(text: &str) -> String {
    let mut shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
