//! `uppsikt init`: the folders, and the recovery sheet for two holders.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::config::{Config, Paths};
use crate::durable;

/// Folders of the data folder, in the order in which they are made.
const FOLDERS: [&str; 4] = ["mail", "archive", "archive/packs", "archive/tile"];

/// Hexadecimal digits in a group of the recovery sheet.
const GROUP: usize = 4;

/// Groups in a line of the recovery sheet.
const GROUPS: usize = 4;

/// What a line of the recovery sheet holds, in order to type it in again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    /// A character that is neither a digit nor one of a–f.
    #[error("line {line} of the key holds a character that is not 0–9 or a–f: read it again")]
    Character {
        /// Counted from 1.
        line: usize,
    },
    /// The line's check does not fit.
    #[error("line {line} of the key does not fit its check `{check}`: read it again")]
    Check {
        /// Counted from 1.
        line: usize,
        /// The check as it was typed.
        check: String,
    },
    /// Not 32 bytes.
    #[error("the key has {0} digits, not 64: a line is missing, or stands twice")]
    Length(usize),
}

/// Makes the data folder and the secrets folder, mode 0700, each durable. Folders that are there get the mode.
///
/// # Errors
/// Any error of the file system, with the folder; a data folder that already holds a database is
/// `AlreadyExists`, and untouched.
pub fn folders(paths: &Paths) -> io::Result<()> {
    if paths.data.join("uppsikt.db").exists() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("{} already holds a database: init never writes over one", paths.data.display()),
        ));
    }
    private(&paths.data)?;
    for folder in FOLDERS {
        private(&paths.data.join(folder))?;
    }
    private(&paths.secrets)
}

fn private(folder: &Path) -> io::Result<()> {
    let told = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", folder.display()));
    durable::create_folder(folder).map_err(told)?;
    fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(told)?;
    durable::sync_folder(folder).map_err(told)
}

/// The sheet for the configuration's municipality; see [`recovery_sheet`].
pub fn sheet(config: &Config, kek_hex: &str, vkey: &str) -> String {
    recovery_sheet(kek_hex, &config.organisation.name, vkey)
}

/// The text that two persons keep on paper, in Swedish: what it is, the key in groups with a check on each
/// line, what is lost if it is lost.
///
/// `kek_hex` is the key-encryption key in hexadecimal; the text is as secret as the key.
pub fn recovery_sheet(kek_hex: &str, organisation: &str, vkey: &str) -> String {
    let key: Vec<String> = key_lines(kek_hex);
    let numbered: Vec<String> =
        key.iter().enumerate().map(|(index, line)| format!("    {}:  {line}", index + 1)).collect();
    format!(
        "ÅTERSTÄLLNINGSBLAD – HEMLIGT\n\
         \n\
         {organisation}: Uppsikt, kommunens bevarande av kommentarer i sociala medier.\n\
         \n\
         Detta blad skrivs ut i två exemplar. Ett förvaras av registratorn, ett av en annan person som\n\
         förvaltningen utser. Bladen förvaras inlåsta, på skilda platser, och aldrig tillsammans med en\n\
         säkerhetskopia.\n\
         \n\
         Vad det är\n\
         Bladet visar den nyckel som låser upp allt som Uppsikt har bevarat: kommentarer som har dolts eller\n\
         tagits bort, med bevisen för när och varför. Säkerhetskopian av datamappen kan inte läsas utan\n\
         nyckeln. Den som har både säkerhetskopian och nyckeln kan läsa allt, även sekretessbelagda uppgifter.\n\
         \n\
         Om nyckeln går förlorad\n\
         Finns nyckeln varken på servern eller på något blad kan de bevarade handlingarna aldrig mer läsas.\n\
         Ingen kan återskapa den, inte heller den som har gjort programmet. Det är förlust av allmänna\n\
         handlingar. Loggen kan fortfarande kontrolleras, men inte innehållet.\n\
         \n\
         Om någon obehörig har sett bladet\n\
         Anmäl det genast som en säkerhetsincident, också till dataskyddsombudet.\n\
         \n\
         Nyckeln\n\
         Siffror 0–9 och bokstäver a–f, utan åtskillnad av stora och små. De fyra tecknen efter strecket är\n\
         radens kontroll och visar om raden är rätt avskriven.\n\
         \n\
         {}\n\
         \n\
         Loggens öppna nyckel (inte hemlig; den hör till just detta arkiv)\n\
         \n\
         \u{20}   {vkey}\n\
         \n\
         Innehavare 1: ______________________________  Datum: ______________\n\
         \n\
         Innehavare 2: ______________________________  Datum: ______________\n\
         \n\
         Kontrollera en gång om året att båda bladen finns kvar.\n",
        numbered.join("\n")
    )
}

/// The lines of the key: four groups of four digits, and the check.
fn key_lines(kek_hex: &str) -> Vec<String> {
    let digits: Vec<char> = kek_hex.trim().to_lowercase().chars().collect();
    digits
        .chunks(GROUP * GROUPS)
        .enumerate()
        .map(|(index, line)| {
            let groups: Vec<String> = line.chunks(GROUP).map(|group| group.iter().collect()).collect();
            format!("{} – {}", groups.join(" "), check(index, &line.iter().collect::<String>()))
        })
        .collect()
}

/// Four digits that depend on the line's digits and its number, so that lines cannot change places.
fn check(index: usize, digits: &str) -> String {
    let digest = Sha256::digest(format!("uppsikt-recovery-sheet/1\n{}\n{digits}\n", index + 1));
    hex::encode(&digest[..2])
}

/// The key (64 hexadecimal digits) from the lines of a sheet as somebody types them: with or without numbers,
/// spaces, and the long dash.
///
/// # Errors
/// Which line to read again.
pub fn key_from_sheet(text: &str) -> Result<String, SheetError> {
    let mut key = String::new();
    for (index, line) in text.lines().filter(|line| !line.trim().is_empty()).enumerate() {
        let line = line.split_once(':').map_or(line, |(_, rest)| rest);
        let typed: String = line
            .chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '–' | '—'))
            .flat_map(char::to_lowercase)
            .collect();
        let number = index + 1;
        if !typed.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(SheetError::Character { line: number });
        }
        let (digits, sum) = typed.split_at(typed.len().saturating_sub(GROUP));
        if check(index, digits) != sum {
            return Err(SheetError::Check { line: number, check: sum.to_owned() });
        }
        key.push_str(digits);
    }
    if key.len() == 64 { Ok(key) } else { Err(SheetError::Length(key.len())) }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;
    use crate::config::KekSource;

    const KEK: &str = "00112233445566778899aabbccddeeff0123456789abcdeffedcba9876543210";

    fn paths(folder: &Path) -> Paths {
        Paths {
            data: folder.join("data"),
            secrets: folder.join("secrets"),
            min_free: 0,
            kek: KekSource::File(PathBuf::new()),
            model: None,
            rules: None,
        }
    }

    #[test]
    fn folders_are_private_also_those_that_were_there_and_twice_is_as_once() {
        let folder = tempfile::tempdir().unwrap();
        let paths = paths(folder.path());
        fs::create_dir(&paths.data).unwrap();
        fs::set_permissions(&paths.data, Permissions::from_mode(0o755)).unwrap();
        for _ in 0..2 {
            folders(&paths).unwrap();
        }
        for path in [&paths.data, &paths.secrets, &paths.data.join("archive/packs"), &paths.data.join("mail")]
        {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700, "{}", path.display());
        }
    }

    #[test]
    fn a_folder_with_a_database_is_refused_and_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let paths = paths(folder.path());
        durable::create_folder(&paths.data).unwrap();
        durable::write(&paths.data.join("uppsikt.db"), b"", 0o600).unwrap();
        assert_eq!(folders(&paths).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert!(!paths.secrets.exists());
    }

    #[test]
    fn a_file_where_a_folder_should_be_is_told_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let paths = paths(folder.path());
        durable::write(&paths.data, b"", 0o600).unwrap();
        let message = folders(&paths).unwrap_err().to_string();
        assert!(message.contains(&paths.data.display().to_string()), "{message}");
    }

    #[test]
    fn the_sheet_tells_what_it_is_and_shows_the_whole_key() {
        let sheet = recovery_sheet(KEK, "Exempel kommun", "exempel.se/uppsikt/logg1+abcd1234+AQ==");
        for part in [
            "Exempel kommun",
            "exempel.se/uppsikt/logg1+abcd1234+AQ==",
            "aldrig mer läsas",
            "Innehavare 2",
            "0011 2233 4455 6677 – ",
            "fedc ba98 7654 3210 – ",
        ] {
            assert!(sheet.contains(part), "{part}");
        }
        assert!(sheet.lines().all(|line| line.chars().count() <= 110));
        let key: Vec<&str> =
            sheet.lines().filter(|line| line.contains(" – ") && line.contains(":  ")).collect();
        assert_eq!(key.len(), 4);
        assert_eq!(key_from_sheet(&key.join("\n")).unwrap(), KEK);
    }

    #[test]
    fn lines_that_change_places_or_are_missing_are_noticed() {
        let mut lines = key_lines(KEK);
        assert_eq!(key_from_sheet(&lines[..3].join("\n")), Err(SheetError::Length(48)));
        lines.swap(0, 1);
        assert!(matches!(key_from_sheet(&lines.join("\n")), Err(SheetError::Check { line: 1, .. })));
        assert_eq!(key_from_sheet(""), Err(SheetError::Length(0)));
        assert_eq!(key_from_sheet("0011 2233 44ö5"), Err(SheetError::Character { line: 1 }));
        assert!(matches!(key_from_sheet("ab"), Err(SheetError::Check { .. })));
    }

    proptest! {
        #[test]
        fn every_key_comes_back_and_a_slip_in_any_digit_is_noticed(
            bytes in prop::array::uniform32(any::<u8>()), at in 0..64_usize, by in 1..16_u32,
        ) {
            let key = hex::encode(bytes);
            let lines = key_lines(&key).join("\n");
            prop_assert_eq!(key_from_sheet(&lines.to_uppercase()), Ok(key.clone()));
            let mut typed: Vec<char> = lines.chars().collect();
            let digit = (0..typed.len()).filter(|i| typed[*i].is_ascii_hexdigit()).nth(at).unwrap();
            let value = typed[digit].to_digit(16).unwrap();
            typed[digit] = char::from_digit((value + by) % 16, 16).unwrap();
            // Two bytes of check: a slip goes unnoticed once in 65,536.
            let read = key_from_sheet(&typed.iter().collect::<String>());
            prop_assert!(read != Ok(key));
        }
    }
}
