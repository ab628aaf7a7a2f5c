//! The tables of a rule file with their lines. Every fault is gathered; none stops the reading.

use std::borrow::Cow;

use chrono::NaiveDate;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::RuleFault;
use crate::domain::spelling::suggestion;

/// One slip makes the parser stumble over the lines after it: the first fault tells where it is.
const MOST_SYNTAX_FAULTS: usize = 3;

/// A text, and the line on which it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::domain::classify) struct Lined {
    /// The text.
    pub(in crate::domain::classify) text: String,
    /// The line, counted from 1.
    pub(in crate::domain::classify) line: usize,
}

/// One file that is being read.
#[derive(Debug)]
pub(super) struct Sheet<'t> {
    pub(super) file: &'t str,
    starts: Vec<usize>,
    pub(super) faults: Vec<RuleFault>,
}

impl<'t> Sheet<'t> {
    pub(super) fn new(file: &'t str, text: &str) -> Self {
        let starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1))
            .collect();
        Self { file, starts, faults: Vec::new() }
    }

    pub(super) fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).max(1)
    }

    pub(super) fn fault(
        &mut self,
        line: impl Into<Option<usize>>,
        rule: Option<&str>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.faults.push(RuleFault {
            file: self.file.to_owned(),
            line: line.into(),
            rule: rule.map(ToOwned::to_owned),
            problem: problem.into(),
            remedy: remedy.into(),
        });
    }

    /// The tree of a text; `None` where the syntax is so wrong that the rest would be a guess.
    pub(super) fn tree<'d>(&mut self, text: &'d str) -> Option<Spanned<DeTable<'d>>> {
        let (tree, errors) = DeTable::parse_recoverable(text);
        for error in errors.iter().take(MOST_SYNTAX_FAULTS) {
            let line = error.span().map(|span| self.line(span.start));
            let what: Vec<&str> = error.message().split_whitespace().collect();
            self.fault(
                line,
                None,
                format!("is not TOML here: {}", what.join(" ")),
                "look for a missing quotation mark, comma or bracket on this line or the one before",
            );
        }
        errors.is_empty().then_some(tree)
    }
}

/// A table whose keys are asked for one by one; those that nobody asked for are faults.
#[derive(Debug)]
pub(super) struct Item<'a, 'd> {
    /// What faults call it: the id, or its number in the file; `None` for a table of a file.
    pub(super) name: Option<String>,
    pub(super) line: usize,
    table: &'a DeTable<'d>,
    known: Vec<&'static str>,
}

impl<'a, 'd> Item<'a, 'd> {
    pub(super) fn new(name: Option<String>, line: usize, table: &'a DeTable<'d>) -> Self {
        Self { name, line, table, known: Vec::new() }
    }

    fn get(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'d>>> {
        self.known.push(key);
        self.table.get(key)
    }

    /// Tells a fault on the line of a value.
    pub(super) fn fault(
        &self,
        sheet: &mut Sheet<'_>,
        line: usize,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        sheet.fault(line, self.name.as_deref(), problem, remedy);
    }

    fn wrong(&self, sheet: &mut Sheet<'_>, key: &str, value: &Spanned<DeValue<'d>>, wanted: &str) {
        let line = sheet.line(value.span().start);
        self.fault(sheet, line, format!("`{key}` is {}", kind(value.get_ref())), format!("write {wanted}"));
    }

    /// A key that must be there.
    pub(super) fn lacks(&self, sheet: &mut Sheet<'_>, key: &str, remedy: &str) {
        if !self.table.contains_key(key) {
            self.fault(sheet, self.line, format!("lacks `{key}`"), remedy);
        }
    }

    /// A text.
    pub(super) fn text(&mut self, sheet: &mut Sheet<'_>, key: &'static str) -> Option<Lined> {
        let value = self.get(key)?;
        let line = sheet.line(value.span().start);
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.wrong(sheet, key, value, &format!("a text between quotation marks: {key} = \"…\""));
        }
        Some(Lined { text: text?.to_owned(), line })
    }

    /// A list of texts; empty where the key is not there.
    pub(super) fn list(&mut self, sheet: &mut Sheet<'_>, key: &'static str) -> Vec<Lined> {
        let Some(value) = self.get(key) else { return Vec::new() };
        texts(sheet, self.name.as_deref(), key, value)
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(
        &mut self,
        sheet: &mut Sheet<'_>,
        key: &'static str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let text = self.text(sheet, key)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.text) {
            return Some(*value);
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let remedy =
            suggestion(&text.text, &known).unwrap_or_else(|| format!("write one of: {}", known.join(", ")));
        self.fault(sheet, text.line, format!("`{key}` knows no `{}`", shown(&text.text)), remedy);
        None
    }

    /// A whole number within bounds.
    pub(super) fn number(
        &mut self,
        sheet: &mut Sheet<'_>,
        key: &'static str,
        bounds: std::ops::RangeInclusive<u32>,
    ) -> Option<u32> {
        let value = self.get(key)?;
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|integer| u32::from_str_radix(integer.as_str(), integer.radix()).ok())
            .filter(|number| bounds.contains(number));
        if number.is_none() {
            let line = sheet.line(value.span().start);
            let (low, high) = (bounds.start(), bounds.end());
            self.fault(
                sheet,
                line,
                format!("`{key}` is no whole number from {low} to {high}"),
                format!("write {key} = {low}, or a larger number"),
            );
        }
        number
    }

    /// A number from 0 to 1.
    pub(super) fn share(&mut self, sheet: &mut Sheet<'_>, key: &'static str) -> Option<f64> {
        let value = self.get(key)?;
        let number = match value.get_ref() {
            DeValue::Float(float) => float.as_str().parse::<f64>().ok(),
            DeValue::Integer(integer) => integer.as_str().parse::<f64>().ok(),
            _ => None,
        }
        .filter(|number| (0.0..=1.0).contains(number));
        if number.is_none() {
            self.wrong(sheet, key, value, &format!("a number from 0 to 1: {key} = 0.6"));
        }
        number
    }

    /// True or false.
    pub(super) fn boolean(&mut self, sheet: &mut Sheet<'_>, key: &'static str) -> Option<bool> {
        let value = self.get(key)?;
        let answer = value.get_ref().as_bool();
        if answer.is_none() {
            self.wrong(sheet, key, value, "true or false, without quotation marks");
        }
        answer
    }

    /// A date.
    pub(super) fn date(&mut self, sheet: &mut Sheet<'_>, key: &'static str) -> Option<NaiveDate> {
        let value = self.get(key)?;
        let text = match value.get_ref() {
            DeValue::Datetime(date) => date.to_string(),
            DeValue::String(text) => text.to_string(),
            _ => String::new(),
        };
        let date = text.parse::<NaiveDate>().ok();
        if date.is_none() {
            self.wrong(sheet, key, value, &format!("a date: {key} = 2027-01-31"));
        }
        date
    }

    /// The line of a key that is there.
    pub(super) fn line_of(&self, sheet: &Sheet<'_>, key: &str) -> usize {
        self.table.get_key_value(key).map_or(self.line, |(name, _)| sheet.line(name.span().start))
    }

    /// Tells of every key that nobody asked for.
    pub(super) fn close(self, sheet: &mut Sheet<'_>) {
        for (name, _) in self.table {
            let key: &Cow<'_, str> = name.get_ref();
            if !self.known.contains(&key.as_ref()) {
                let remedy = suggestion(key, &self.known)
                    .unwrap_or_else(|| format!("remove it; the keys here are {}", self.known.join(", ")));
                let line = sheet.line(name.span().start);
                self.fault(sheet, line, format!("there is no key `{}`", shown(key)), remedy);
            }
        }
    }
}

/// The texts of a list, with their lines.
pub(super) fn texts(
    sheet: &mut Sheet<'_>,
    rule: Option<&str>,
    key: &str,
    value: &Spanned<DeValue<'_>>,
) -> Vec<Lined> {
    let Some(array) = value.get_ref().as_array() else {
        let line = sheet.line(value.span().start);
        sheet.fault(
            line,
            rule,
            format!("`{key}` is {}", kind(value.get_ref())),
            format!("write a list, also of one: {key} = [\"…\"]"),
        );
        return Vec::new();
    };
    let mut all = Vec::with_capacity(array.len());
    for one in array {
        let line = sheet.line(one.span().start);
        match one.get_ref().as_str() {
            Some(text) => all.push(Lined { text: text.to_owned(), line }),
            None => sheet.fault(
                line,
                rule,
                format!("`{key}` holds {}", kind(one.get_ref())),
                "put quotation marks round each word",
            ),
        }
    }
    all
}

/// A text as faults show it: short, and without what a terminal would obey.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        shown.push('…');
    }
    shown
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
