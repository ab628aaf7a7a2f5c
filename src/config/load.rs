//! A file becomes a checked `Config`, or every fault in it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use toml::de::DeTable;

use super::account::Context;
use super::fault::{Fault, Warning};
use super::people::denied_services;
use super::reader::{Place, Report, Section};
use super::{Config, Profile, account, machine, people, profile};
use crate::domain::roster::{Role, Roster};

/// A configuration is some hundred lines; a larger file is something else.
const LARGEST: u64 = 1 << 20;

/// One slip makes the parser stumble over the lines after it: the first faults tell where it is.
const MOST_SYNTAX_FAULTS: usize = 5;

/// What a file led to. `result` is there exactly when `faults` is empty.
#[derive(Debug, Clone)]
pub struct Examined<T> {
    /// What was read.
    pub result: Option<T>,
    /// What must be mended, in the order of the lines.
    pub faults: Vec<Fault>,
    /// What is worth a thought, in the order of the lines.
    pub warnings: Vec<Warning>,
}

impl Config {
    /// Reads and checks the configuration in `path`, with its profile.
    ///
    /// # Errors
    /// Every fault at once; never empty.
    pub fn load(path: &Path) -> Result<(Self, Vec<Warning>), Vec<Fault>> {
        let examined = Self::examine(path);
        match examined.result {
            Some(config) => Ok((config, examined.warnings)),
            None => Err(examined.faults),
        }
    }

    /// As [`Config::load`], and also tells the warnings beside faults.
    pub fn examine(path: &Path) -> Examined<Self> {
        match read_text(path) {
            Ok(text) => Self::examine_text(path, &text),
            Err(fault) => Examined { result: None, faults: vec![fault], warnings: Vec::new() },
        }
    }

    /// Checks the text of a configuration that stands in `path`: relative paths and profiles are looked for
    /// from its folder.
    pub fn examine_text(path: &Path, text: &str) -> Examined<Self> {
        document(path, text, |root, report| assemble(path, root, report))
    }

    /// The profile in the program of this name, for commands that work without a configuration.
    ///
    /// # Errors
    /// A fault if there is none of this name.
    pub fn embedded_profile(name: &str) -> Result<Profile, Fault> {
        profile::embedded(name)
    }

    /// The profile in a file.
    ///
    /// # Errors
    /// Every fault at once; never empty.
    pub fn profile_file(path: &Path) -> Result<Profile, Vec<Fault>> {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let text = read_text(path).map_err(|fault| vec![fault])?;
        let read = profile::read(&name, path, &text);
        match read.result {
            Some(profile) if read.faults.is_empty() => Ok(profile),
            _ => Err(read.faults),
        }
    }
}

fn assemble(path: &Path, root: &mut Section<'_, '_>, report: &mut Report) -> Option<Config> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let (organisation, operator) = machine::organisation(root, report);
    let paths = machine::paths(root, folder, report);
    let network = machine::network(root, folder, report);
    let mail = machine::mail(root, folder, report);
    let desk = machine::desk(root, report);
    let hours = machine::hours(root, report);
    let brake = machine::brake(root, report);
    let name = root
        .need(report, "profile", "write \"blank\", or the profile of your municipality")
        .and_then(|node| node.text(report));
    let profile = name.and_then(|name| profile::find(&name.value, &name.place, folder, report));
    // Without a profile the file's own guideline keys are still checked, against the blank one.
    let blank = profile::embedded("blank").ok();
    let found = profile.is_some();
    let mut profile = profile.or(blank)?;
    profile.apply(root, report);
    let denied = root.section(report, "denied").map(|section| denied_services(&section, report));
    let denied = denied.unwrap_or_default();
    let known = people::known(root, report);
    if let Some(operator) = &operator
        && known.expect_person(operator, report)
        && known.person(&operator.value).is_some_and(|person| !person.roles.contains(&Role::It))
    {
        report.warn(
            &operator.place,
            format!("person `{}` has not the role `it`", operator.value),
            "add it, or name somebody of the IT department",
        );
    }
    let operator = operator.as_ref().map(|operator| operator.value.as_str());
    let secrets = paths.as_ref().map(|paths| paths.secrets.clone()).unwrap_or_default();
    let context =
        Context { known: &known, denied: &denied, editors: profile.editors, secrets: &secrets, operator };
    let accounts = account::accounts(root, &context, report);
    let storage = super::storage::storage(root, report);
    super::storage::decided(&accounts, &storage, report);
    let anchors = super::anchors::anchors(root, folder, report);
    super::anchors::outside(&anchors.clone().unwrap_or_default(), &accounts, report);
    let platforms = super::platforms::platforms(root, report);
    super::platforms::fits(&accounts, &platforms.clone().unwrap_or_default(), report);
    let data_protection = super::privacy::data_protection(root, report);
    let staff = account::staff(&accounts, &known);
    let organisation = organisation?;
    Some(Config {
        file: path.to_path_buf(),
        profile: found.then(|| profile.name.clone())?,
        roster: Roster { accounts: staff, operator: organisation.operator.clone(), ..known.roster },
        organisation,
        paths: paths?,
        network: network?,
        mail: mail?,
        desk: desk?,
        hours: hours?,
        brake: brake?,
        categories: profile.categories,
        clocks: profile.clocks,
        four_eyes: profile.four_eyes,
        denied,
        data_protection,
        storage,
        anchors: anchors?,
        platforms: platforms?,
        boards: known.boards,
        accounts,
    })
}

/// Parses `text`, lets `build` read its root, and reports the keys that were not asked for.
pub(super) fn document<T>(
    path: &Path,
    text: &str,
    build: impl FnOnce(&mut Section<'_, '_>, &mut Report) -> Option<T>,
) -> Examined<T> {
    let mut report = Report::new(path, text);
    let (tree, errors) = DeTable::parse_recoverable(text);
    for error in errors.iter().take(MOST_SYNTAX_FAULTS) {
        let place = Place { key: String::new(), span: error.span() };
        report.fault(&place, format!("is not TOML: {}", one_line(error.message())), "mend the syntax");
    }
    if errors.len() > MOST_SYNTAX_FAULTS {
        let more = errors.len() - MOST_SYNTAX_FAULTS;
        report.fault(&Place::default(), format!("has {more} more faults of syntax"), "mend the first ones");
    }
    // A key given twice leaves a whole tree, whose other faults are real; after any other fault of syntax
    // the rest of the tree is a guess, and what is missing from it may only be misread.
    let mut result = None;
    if errors.iter().all(|error| error.message().contains("duplicate key")) {
        let mut root = Section::root(tree.get_ref());
        result = build(&mut root, &mut report);
        root.close(&mut report);
    }
    if result.is_none() && report.faults.is_empty() {
        report.fault(&Place::default(), "could not be read", "this is a defect of Uppsikt: report it");
    }
    let Report { mut faults, mut warnings, .. } = report;
    faults.sort_by_key(|fault| fault.line.unwrap_or(usize::MAX));
    warnings.sort_by_key(|warning| warning.0.line.unwrap_or(usize::MAX));
    Examined { result: result.filter(|_| faults.is_empty()), faults, warnings }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect()
}

/// The text of a configuration file.
pub(super) fn read_text(path: &Path) -> Result<String, Fault> {
    let fault = |line, message: String, remedy: &str| Fault {
        file: path.to_path_buf(),
        line,
        key: String::new(),
        message,
        remedy: remedy.to_owned(),
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| fault(None, format!("could not be read: {error}"), "name the file by --config"))?;
    if bytes.len() as u64 > LARGEST {
        return Err(fault(None, "is larger than 1 MiB".to_owned(), "name a configuration file"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
        let line = good.matches('\n').count() + 1;
        fault(Some(line), "is not text in UTF-8".to_owned(), "save the file as UTF-8")
    })
}
