//! `LAS-MIG.txt`: how a person verifies the bag with `sha256sum`, `openssl` and one page of Python.

/// The page of Python that stands in the text.
pub(super) const PYTHON: &str = include_str!("kontroll.py");

/// The program that checks everything, `uppsikt/verify.py`.
pub(super) const COMPLETE: &str = include_str!("verify.py");

const TEXT: &str = include_str!("las-mig.txt");

/// What stands in the text besides the text itself.
#[derive(Debug)]
pub(super) struct Guide<'a> {
    pub(super) organisation: &'a str,
    pub(super) diary_number: Option<&'a str>,
    pub(super) record: &'a str,
    pub(super) date: &'a str,
    pub(super) vkey: &'a str,
    pub(super) folder: &'a str,
    /// How many files the bag has, this one counted.
    pub(super) files: usize,
    /// Whether an authority has stamped the checkpoint.
    pub(super) stamped: bool,
    /// How many witnesses have cosigned it.
    pub(super) witnesses: usize,
}

const STAMPED: &str = "\
   uppsikt/checkpoint.tsr är en tidsstämpel (RFC 3161) på uppsikt/checkpoint. Hämta utfärdarens rotcertifikat någon
   annanstans än här (i uppsikt/tsa-chain.pem ligger de som gällde då) och kör:
     openssl ts -verify -no_check_time -data uppsikt/checkpoint -in uppsikt/checkpoint.tsr -CAfile tsa-ca.pem
   Svaret ska vara: Verification: OK. När det var visar: openssl ts -reply -in uppsikt/checkpoint.tsr -text";

const NOT_STAMPED: &str = "\
   Kontrollpunkten är INTE tidsstämplad: ingen utomstående intygar när den fanns.";

const WITNESSED: &str = "\
   Programmet skrev också text1, sig1 och key1 (och så vidare) i /tmp: ett vittne per siffra, i samma ordning som i
   uppsikt/witness.vkey. Kommandot i steg 3 med dem visar att vittnet har sett denna kontrollpunkt och inte någon annan.";

const NOT_WITNESSED: &str = "   Inget vittne har undertecknat kontrollpunkten.";

impl Guide<'_> {
    pub(super) fn text(&self) -> String {
        let values = [
            ("{ORGANISATION}", self.organisation),
            ("{DNR}", self.diary_number.unwrap_or("ej diarieförd")),
            ("{RECORD}", self.record),
            ("{DATE}", self.date),
            ("{VKEY}", self.vkey),
            ("{FOLDER}", self.folder),
            ("{FILES}", &self.files.to_string()),
            ("{STAMP}", if self.stamped { STAMPED } else { NOT_STAMPED }),
            ("{WITNESSES}", if self.witnesses > 0 { WITNESSED } else { NOT_WITNESSED }),
            ("{PYTHON}", PYTHON),
        ];
        // In one pass over the template: a value that looks like a placeholder stays what it is.
        let mut text = String::with_capacity(TEXT.len() + PYTHON.len());
        let mut rest = TEXT;
        while let Some(at) = rest.find('{') {
            let (before, from) = rest.split_at(at);
            text.push_str(before);
            let value = values.iter().find(|(name, _)| from.starts_with(name));
            let (name, value) = value.copied().unwrap_or(("{", "{"));
            text.push_str(value);
            rest = &from[name.len()..];
        }
        text.push_str(rest);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_fits_one_page() {
        assert!(PYTHON.lines().count() <= 40, "{} lines", PYTHON.lines().count());
        assert!(PYTHON.lines().all(|line| line.chars().count() <= 130));
    }

    #[test]
    fn values_are_put_in_once_and_never_read_as_placeholders() {
        let guide = Guide {
            organisation: "Kommun {DNR}",
            diary_number: None,
            record: "r",
            date: "d",
            vkey: "v",
            folder: "f",
            files: 3,
            stamped: false,
            witnesses: 1,
        };
        let text = guide.text();
        assert!(text.contains("Kommun {DNR}\nDiarienummer:     ej diarieförd\n"));
        assert!(text.contains("är INTE tidsstämplad") && text.contains("text1, sig1 och key1"));
        assert!(!text.contains("{PYTHON}") && text.contains("import base64"));
    }
}
