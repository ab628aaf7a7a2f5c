//! Labelled and innocent texts from a folder, for `train` and `evaluate --suite`.
//!
//! The folder holds public collections in the form their authors gave them (RTP-LX, BRIGHTER, `SuperLim` 2); what is
//! not there is left out. None of their texts is part of the program.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, anyhow};
use serde::Deserialize;

use crate::domain::classify::model::{HEADS, Head};

/// Where a text is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// RTP-LX, Swedish, by people, three raters.
    Prompt,
    /// RTP-LX, another language's prompts or the machine's continuations.
    Helping,
    /// RTP-LX, Swedish: innocent continuations by people.
    Benign,
    /// BRIGHTER: reviews and complaints.
    Reviews,
    /// `SuperLim` 2: debate on immigration, arguments for and against.
    Political,
}

impl Source {
    /// The pools of innocent text, in the order of their numbers.
    pub const POOLS: [Self; 3] = [Self::Reviews, Self::Benign, Self::Political];

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prompt => "prompts",
            Self::Helping => "helping",
            Self::Benign => "benign",
            Self::Reviews => "reviews",
            Self::Political => "political",
        }
    }
}

/// One text of the collections.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// Its name in the collection.
    pub id: String,
    /// Where it is from.
    pub source: Source,
    /// Texts with the same key are translations or continuations of each other.
    pub key: String,
    /// The text.
    pub text: String,
    /// What people say that it is, by head; nothing of innocent text.
    pub labels: [bool; HEADS],
}

/// Everything a folder holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Corpus {
    /// The texts, in the order of files and lines.
    pub texts: Vec<Text>,
    /// The files read, relative to the folder.
    pub files: Vec<String>,
}

/// The languages of RTP-LX that are near enough to Swedish to teach something.
const RTP: &[(&str, bool)] = &[("SV", true), ("NO-NB", false), ("DA", false)];

#[derive(Deserialize)]
struct RtpLine {
    id: String,
    kind: String,
    group: String,
    text: String,
    mean: Option<HashMap<String, f64>>,
}

impl Corpus {
    /// Reads a folder.
    ///
    /// # Errors
    /// A file that is there and cannot be read, with its line; a folder without any of the collections.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut corpus = Self::default();
        let mut twins = Twins::default();
        for (language, swedish) in RTP {
            let name = format!("rtp-lx/{language}.jsonl");
            if let Some(text) = corpus.open(folder, &name)? {
                corpus.rtp(&text, *swedish, &mut twins).with_context(|| name)?;
            }
        }
        for text in &mut corpus.texts {
            text.key = format!("rtp/{}", twins.first(&text.key));
        }
        for part in ["train", "dev", "test"] {
            let name = format!("brighter-swe/swe_{part}.csv");
            if let Some(text) = corpus.open(folder, &name)? {
                for mut row in csv(&text).with_context(|| name)?.into_iter().skip(1) {
                    if row.len() >= 2 {
                        let text = row.swap_remove(1);
                        corpus.innocent(Source::Reviews, &row[0].clone(), &row[0], text);
                    }
                }
            }
            let name = format!("superlim2/absabank-imm_{part}.tsv");
            if let Some(text) = corpus.open(folder, &name)? {
                for line in text.lines().skip(1) {
                    let mut cells = line.split('\t');
                    let (Some(id), Some(text)) = (cells.next(), cells.next()) else { continue };
                    // Paragraphs of one article speak of the same things in the same words.
                    let article = id.rsplit_once('_').map_or(id, |(article, _)| article);
                    corpus.innocent(Source::Political, id, article, text.to_owned());
                }
            }
            let name = format!("superlim2/argumentation-sentences_{part}.tsv");
            if let Some(text) = corpus.open(folder, &name)? {
                for line in text.lines().skip(1) {
                    let cells: Vec<_> = line.split('\t').collect();
                    if let [id, _, _, text, ..] = cells[..] {
                        corpus.innocent(Source::Political, id, id, text.to_owned());
                    }
                }
            }
        }
        if corpus.texts.is_empty() {
            return Err(anyhow!(
                "{} holds none of rtp-lx, brighter-swe and superlim2; name the folder that they lie in",
                folder.display()
            ));
        }
        Ok(corpus)
    }

    fn open(&mut self, folder: &Path, name: &str) -> anyhow::Result<Option<String>> {
        let path = folder.join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                self.files.push(name.to_owned());
                Ok(Some(text))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    fn innocent(&mut self, source: Source, id: &str, key: &str, text: String) {
        let (id, key) = (id.to_owned(), format!("{}/{key}", source.name()));
        self.texts.push(Text { id, source, key, text, labels: [false; HEADS] });
    }

    fn rtp(&mut self, text: &str, swedish: bool, twins: &mut Twins) -> anyhow::Result<()> {
        for (number, line) in text.lines().enumerate() {
            let line: RtpLine = serde_json::from_str(line).with_context(|| format!("line {}", number + 1))?;
            let index = line.id.rsplit('-').nth(1).unwrap_or(&line.id);
            let key = index.to_owned();
            // Some English sentences were translated twice, under two numbers.
            if line.kind == "prompt" {
                twins.join(index, &line.group);
            }
            let source = match (line.kind.as_str(), swedish) {
                ("prompt", true) => Source::Prompt,
                ("prompt", false) | ("machine_completion", true) => Source::Helping,
                ("benign_completion", true) => Source::Benign,
                _ => continue,
            };
            let mut labels = [false; HEADS];
            for head in Head::ALL {
                let (harm, least) = match head {
                    Head::Insult => ("Insult", 2.0),
                    Head::Identity => ("IdentityAttack", 2.0),
                    Head::Violence => ("Violence", 2.0),
                    Head::Sexual => ("SexualContent", 2.0),
                    Head::Rough => ("Toxicity", 2.0),
                };
                let mean = line.mean.as_ref().and_then(|mean| mean.get(harm));
                labels[head as usize] = mean.is_some_and(|mean| mean.round() >= least);
            }
            self.texts.push(Text { id: line.id, source, key, text: line.text, labels });
        }
        Ok(())
    }
}

/// Which numbers stand for the same English sentence.
#[derive(Debug, Default)]
struct Twins {
    parent: HashMap<String, String>,
}

impl Twins {
    fn first(&self, of: &str) -> String {
        let mut at = of;
        while let Some(parent) = self.parent.get(at) {
            at = parent;
        }
        at.to_owned()
    }

    fn join(&mut self, index: &str, group: &str) {
        // Groups are told from numbers by their prefix, and never stand for anything when a number can.
        let (one, two) = (self.first(index), self.first(&format!("group {group}")));
        if one == two {
            return;
        }
        let (stays, goes) = if one.starts_with("group ") || (!two.starts_with("group ") && two < one) {
            (two, one)
        } else {
            (one, two)
        };
        self.parent.insert(goes, stays);
    }
}

/// Comma-separated values with quotation marks (RFC 4180).
fn csv(text: &str) -> anyhow::Result<Vec<Vec<String>>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut chars = text.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(ch) = chars.next() {
        match (ch, quoted) {
            ('"', true) if chars.peek() == Some(&'"') => {
                cell.push('"');
                chars.next();
            }
            ('"', _) => quoted = !quoted,
            (',', false) => row.push(std::mem::take(&mut cell)),
            ('\n', false) => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            ('\r', false) => {}
            _ => cell.push(ch),
        }
    }
    if quoted {
        return Err(anyhow!("row {}: a quotation mark that is never closed", rows.len() + 1));
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_cells_keep_commas_line_breaks_and_marks() {
        assert_eq!(
            csv("id,text\r\n1,\"a, \"\"b\"\"\nc\"\n2,d").unwrap(),
            [vec!["id", "text"], vec!["1", "a, \"b\"\nc"], vec!["2", "d"]]
        );
        assert!(csv("1,\"a").is_err());
    }

    #[test]
    fn a_text_and_its_translations_and_continuations_have_one_key() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("rtp-lx")).unwrap();
        let line = |id: &str, kind: &str, group: &str, insult: f64| {
            format!(
                "{{\"id\":\"{id}\",\"kind\":\"{kind}\",\"group\":\"{group}\",\"text\":\"x\",\"mean\":{{\"Insult\":{insult}}}}}\n"
            )
        };
        let swedish = line("rtp-lx-SV-1-p", "prompt", "one", 1.67)
            + &line("rtp-lx-SV-9-p", "prompt", "one", 1.33)
            + &line("rtp-lx-SV-9-b", "benign_completion", "idx-9", 1.0);
        crate::durable::write(&folder.path().join("rtp-lx/SV.jsonl"), swedish.as_ref(), 0o644).unwrap();
        let danish = line("rtp-lx-DA-9-p", "prompt", "other", 3.0)
            + &line("rtp-lx-DA-4-p", "prompt", "other", 3.0)
            + &line("rtp-lx-DA-5-p", "prompt", "alone", 3.0);
        crate::durable::write(&folder.path().join("rtp-lx/DA.jsonl"), danish.as_ref(), 0o644).unwrap();
        let corpus = Corpus::read(folder.path()).unwrap();
        let keys: Vec<_> = corpus.texts.iter().map(|text| text.key.as_str()).collect();
        assert_eq!(keys, ["rtp/1", "rtp/1", "rtp/1", "rtp/1", "rtp/1", "rtp/5"], "twins of twins");
        assert_eq!(corpus.texts[0].labels, [true, false, false, false, false]);
        assert_eq!(corpus.texts[1].labels, [false; HEADS]);
        assert_eq!(corpus.files, ["rtp-lx/SV.jsonl", "rtp-lx/DA.jsonl"]);
    }

    #[test]
    fn a_folder_with_nothing_in_it_and_a_broken_line_are_told() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Corpus::read(folder.path()).unwrap_err().to_string().contains("holds none of"));
        std::fs::create_dir(folder.path().join("rtp-lx")).unwrap();
        crate::durable::write(&folder.path().join("rtp-lx/SV.jsonl"), b"{}", 0o644).unwrap();
        assert!(format!("{:#}", Corpus::read(folder.path()).unwrap_err()).contains("line 1"));
    }
}
