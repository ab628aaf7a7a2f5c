//! The log's key and checkpoint, and the checkpoint that somebody kept elsewhere.

use super::Options;
use super::finding::Report;
use super::source::Source;
use crate::archive::checkpoint::Checkpoint;
use crate::archive::merkle::{self, Hash};
use crate::archive::note::{Note, VerifierKey};

/// A checkpoint kept elsewhere.
#[derive(Debug)]
pub(super) struct Seen {
    checkpoint: Checkpoint,
    note: Option<Note>,
}

impl Seen {
    /// A signed checkpoint, or only its text, as it stands in the foot of a letter.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Ok((checkpoint, note)) = Checkpoint::parse(text) {
            return Some(Self { checkpoint, note: Some(note) });
        }
        let lines = format!("{}\n", text.trim_end());
        Some(Self { checkpoint: Checkpoint::from_text(&lines).ok()?, note: None })
    }
}

/// What the evidence's own head says.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) checkpoint: Checkpoint,
    /// The checkpoint's file.
    pub(super) file: String,
    /// A key given from elsewhere has signed it.
    pub(super) signed: bool,
    /// The keys that must have signed: those given, or else the evidence's own.
    pub(super) keys: Vec<VerifierKey>,
}

/// Reads key and checkpoint; a checkpoint that cannot even be read is `None`.
pub(super) fn read(
    source: &Source<'_>,
    checkpoint_path: &str,
    key_path: &str,
    options: &Options<'_>,
    report: &mut Report,
) -> Option<Head> {
    let own = read_key(source, key_path, report);
    if let Some(own) = own.as_ref().filter(|own| !options.keys.is_empty() && !options.keys.contains(own)) {
        report.error("other_key", key_path, format!("filen har en annan nyckel än den angivna: {own}"));
    }
    let file = match source.read(checkpoint_path).map(String::from_utf8) {
        Ok(Ok(file)) => file,
        Ok(Err(_)) => {
            report.error("checkpoint", checkpoint_path, "kontrollpunkten är inte läsbar text");
            return None;
        }
        Err(error) => {
            report.error(
                "missing_file",
                checkpoint_path,
                format!("kontrollpunkten går inte att läsa: {error}"),
            );
            return None;
        }
    };
    let (checkpoint, note) = match Checkpoint::parse(&file) {
        Ok(both) => both,
        Err(error) => {
            report.error("checkpoint", checkpoint_path, format!("kontrollpunkten är skadad: {error}"));
            return None;
        }
    };
    let own: Vec<_> = own.into_iter().collect();
    let trusted = if options.keys.is_empty() { &own } else { &options.keys };
    let mut signed = false;
    if !trusted.is_empty() {
        match note.verify(trusted) {
            Ok(()) => signed = !options.keys.is_empty(),
            Err(error) => report.error(
                "signature",
                checkpoint_path,
                format!("underskriften gäller inte: kontrollpunkten är ändrad eller gjord av någon annan ({error})"),
            ),
        }
        if trusted.iter().all(|key| key.name() != checkpoint.origin) {
            report.error("origin", checkpoint_path, "kontrollpunkten gäller en annan logg än nyckelns");
        }
    }
    let keys = trusted.clone();
    Some(Head { checkpoint, file, signed, keys })
}

fn read_key(source: &Source<'_>, path: &str, report: &mut Report) -> Option<VerifierKey> {
    let bytes = match source.read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            report.error("missing_file", path, format!("loggens nyckel går inte att läsa: {error}"));
            return None;
        }
    };
    let text = String::from_utf8(bytes).ok();
    let key = text.as_deref().and_then(|text| text.strip_suffix('\n')).and_then(|line| line.parse().ok());
    if key.is_none() {
        report.error("key", path, "filen är ingen nyckel att kontrollera loggen med");
    }
    key
}

impl Seen {
    /// Compares with the evidence's own checkpoint. `root_at` gives the root over that many first entries, where it
    /// can be known. True if the one kept elsewhere vouches for the evidence.
    pub(super) fn compare(
        &self,
        head: &Head,
        path: &str,
        options: &Options<'_>,
        root_at: impl FnOnce(u64) -> Option<Hash>,
        report: &mut Report,
    ) -> bool {
        let (seen, own) = (&self.checkpoint, &head.checkpoint);
        if let Some(note) = self.note.as_ref().filter(|_| !options.keys.is_empty())
            && let Err(error) = note.verify(&options.keys)
        {
            report.error(
                "seen_signature",
                "",
                format!("den sparade kontrollpunkten är inte undertecknad av den angivna nyckeln ({error})"),
            );
            return false;
        }
        if seen.origin != own.origin {
            let message = format!("den sparade kontrollpunkten gäller en annan logg: {}", seen.origin);
            report.error("seen_other_log", path, message);
            return false;
        }
        if seen.size > own.size {
            let message = format!(
                "loggen har {} poster men hade {} när kontrollpunkten sparades: slutet är borttaget",
                own.size, seen.size
            );
            report.error("log_shortened", path, message);
            return false;
        }
        let root = match seen.size {
            0 => Some(merkle::empty_root()),
            size => root_at(size),
        };
        match root {
            Some(root) if root == seen.root => seen.size > 0,
            Some(_) => {
                let message = format!(
                    "de första {} posterna är inte de som fanns när kontrollpunkten sparades: loggen är omskriven",
                    seen.size
                );
                report.error("log_rewritten", path, message);
                false
            }
            None => {
                report.warning("seen_not_comparable", path, "den sparade kontrollpunkten har en annan storlek än leveransens; jämför den med hela loggen i stället");
                false
            }
        }
    }
}

/// The last word: whether something from elsewhere vouches for what is whole.
pub(super) fn conclude(vouched: bool, report: &mut Report) {
    report.authenticated = vouched && !report.has_errors();
    if !vouched && !report.has_errors() {
        report.warning(
            "not_authenticated",
            "",
            "sammanhängande, men inte styrkt: ange loggens publicerade nyckel (--key) eller en sparad kontrollpunkt (--seen)",
        );
    }
}
