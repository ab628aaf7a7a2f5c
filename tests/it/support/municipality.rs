//! The one municipality of these tests, as its configuration tells it, and what a test says otherwise.

use std::path::Path;

use uppsikt::durable;

macro_rules! head {
    () => {
        r#"
profile = "arjeplog"
[organisation]
name = "Exempel kommun"
log_origin = "exempel.se/uppsikt"
operator = "it"
number = "212000-0000"
[mail]
from = "uppsikt@exempel.se"
transport = "folder"
office_hours_only = true
[desk]
listen = "127.0.0.1:8080"
public_url = "https://uppsikt.exempel.se"
[hours]
open = "08:00"
close = "16:30"
[brake]
automatic_hides_per_rule_and_day = 5
automatic_hides_per_day = 20
"#
    };
}

macro_rules! insult {
    () => {
        r#"[category.insult]
proposal = "hide"
told = "bundled"
automatic = true
decided = { by = "kommunstyrelsen", on = 2026-02-03, dnr = "KS 2026/12" }
"#
    };
}

macro_rules! people {
    () => {
        r#"[[board]]
id = "KS"
name = "Kommunstyrelsen"
kind = "board"
diary = "UPP-KS {year}/{n}"
registrar = "registrator"
[[person]]
id = "anna"
name = "Anna Exempel"
email = "anna@exempel.se"
roles = ["editor"]
employed = true
trained = 2026-03-01
deputy = "erik"
[[person]]
id = "erik"
name = "Erik Exempel"
email = "erik@exempel.se"
roles = ["editor"]
employed = true
trained = 2026-03-01
[[person]]
id = "kim"
name = "Kim Exempel"
email = "kim@exempel.se"
roles = ["communicator"]
employed = true
[[person]]
id = "chef"
name = "Chef Exempel"
email = "chef@exempel.se"
roles = ["owner", "head"]
employed = true
manager = true
[[person]]
id = "registrator"
name = "Registrator"
email = "registrator@exempel.se"
roles = ["registrar"]
employed = true
[[person]]
id = "it"
name = "Driften"
email = "drift@exempel.se"
roles = ["it"]
employed = true
"#
    };
}

macro_rules! facebook {
    () => {
        r#"[[account]]
id = "fb"
platform = "facebook"
native_id = "123456789012345"
url = "https://www.facebook.com/exempelkommun"
board = "KS"
owner = "chef"
editors = ["anna", "erik"]
status = "active"
mode = "act"
poll = "0 */5 * * * *"
poll_decided = { by = "chef", on = 2026-01-15, reason = "daglig bevakning är att föredra" }
media = "never"
api = "sandbox"
"#
    };
}

/// A municipality with one Facebook account in mode `act`: editors anna and erik, owner chef, communicator kim.
pub(crate) const MUNICIPALITY: &str = concat!(head!(), insult!(), people!(), facebook!());

/// Lets the machine hide obvious insults, by decision.
pub(crate) const INSULTS_BY_ITSELF: &str = insult!();

/// A configuration that a test builds.
#[derive(Debug, Clone)]
pub(crate) struct Municipality(String);

impl Municipality {
    /// The same people and board, without an account and without anything automatic.
    pub(crate) fn bare() -> Self {
        Self(concat!(head!(), people!()).to_owned())
    }

    /// In a folder of its own, with everything below it and a desk that finds a free port.
    pub(crate) fn in_folder(min_free: &str) -> Self {
        Self::bare()
            .but("127.0.0.1:8080", "127.0.0.1:0")
            .but("https://uppsikt.exempel.se", "http://127.0.0.1:8080")
            .and(&format!(
                "[paths]\ndata = \"data\"\nsecrets = \"secrets\"\nmin_free = \"{min_free}\"\nkek_file = \"kek\""
            ))
    }

    /// Says one thing otherwise.
    pub(crate) fn but(self, said: &str, instead: &str) -> Self {
        assert!(self.0.contains(said), "it does not say {said}");
        Self(self.0.replace(said, instead))
    }

    /// Adds tables.
    pub(crate) fn and(mut self, tables: &str) -> Self {
        self.0.push_str(tables);
        self.0.push('\n');
        self
    }

    /// Writes the file.
    pub(crate) fn write(&self, path: &Path) {
        durable::write(path, self.0.as_bytes(), 0o600).unwrap();
    }

    /// The text.
    pub(crate) fn text(self) -> String {
        self.0
    }
}

/// An account as the configuration tells it, with the keys that `more` adds (one a line).
pub(crate) fn account(id: &str, platform: &str, native: &str, more: &str) -> String {
    format!(
        "[[account]]\nid = \"{id}\"\nplatform = \"{platform}\"\nnative_id = \"{native}\"\n\
         url = \"https://exempel.se/{id}\"\nboard = \"KS\"\nowner = \"chef\"\neditors = [\"anna\", \"erik\"]\n\
         status = \"active\"\npoll_decided = {{ by = \"chef\", on = 2026-01-15, reason = \"daglig bevakning\" }}\n\
         media = \"never\"\n{more}\n"
    )
}
