//! What a municipality's guideline says, as data: clocks, four eyes, and what each category leads to.
//!
//! Guidelines differ between municipalities, so nothing of them is a constant in the program. A profile is a
//! file; every value in it can be overridden in `uppsikt.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::load::{document, read_text};
use super::reader::{Node, Place, Report, Section, is_id, quote, suggestion};
use super::{Examined, Fault};
use crate::domain::category::{Category, CategoryPolicy, DecisionRef, Proposal, Told};
use crate::domain::deadline::Clocks;

/// The profiles in the program, by name.
const EMBEDDED: [(&str, &str); 4] = [
    ("arjeplog", include_str!("../../config/profiles/arjeplog.toml")),
    ("blank", include_str!("../../config/profiles/blank.toml")),
    ("jonkoping", include_str!("../../config/profiles/jonkoping.toml")),
    ("tyreso", include_str!("../../config/profiles/tyreso.toml")),
];

/// Where a municipality keeps profiles of its own, beside `profiles/` in the folder of the configuration.
const FOLDER: &str = "/etc/uppsikt/profiles";

/// What the remedy of an automatic hide without a decision quotes (N9).
const DELEGATION: &str = "kommunallagen 6 kap. 38 §: beslutanderätt får inte delegeras till en automatiserad \
    funktion i ärenden där beslut överklagas enligt 13 kap.";

/// A municipality's guideline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name: the file's, without `.toml`.
    pub name: String,
    /// Which answer clocks it promises.
    pub clocks: Clocks,
    /// Whether an editor's hide waits for a second person (R21).
    pub four_eyes: bool,
    /// What is asked of editors (R58).
    pub editors: EditorRules,
    /// What each category leads to; every category is there.
    pub categories: BTreeMap<Category, CategoryPolicy>,
}

/// What the guideline asks of editors; what is not required is advised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EditorRules {
    /// An editor without training is a fault, not a warning.
    pub trained: bool,
    /// An editor who is not employed is a fault, not a warning.
    pub employed: bool,
}

impl Profile {
    /// Nothing decided: a person looks at everything, no clock runs, danger is told at once.
    fn undecided(name: &str) -> Self {
        let policy = |category: Category| CategoryPolicy {
            proposal: Proposal::Review,
            told: if category.is_danger() { Told::AtOnce } else { Told::Bundled },
            automatic: None,
            paragraph: String::new(),
            law: String::new(),
        };
        Self {
            name: name.to_owned(),
            clocks: Clocks::default(),
            four_eyes: false,
            editors: EditorRules::default(),
            categories: Category::ALL.iter().map(|category| (*category, policy(*category))).collect(),
        }
    }

    /// Lays the guideline's keys of a file, profile or configuration, over what is there.
    pub(super) fn apply(&mut self, root: &mut Section<'_, '_>, report: &mut Report) {
        if let Some(value) = root.get("four_eyes").and_then(|node| node.boolean(report)) {
            self.four_eyes = value;
        }
        if let Some(mut section) = root.section(report, "clocks") {
            if let Some(value) = section.get("answer_24h").and_then(|node| node.boolean(report)) {
                self.clocks.answer_24h = value;
            }
            if let Some(value) = section.get("next_working_day").and_then(|node| node.boolean(report)) {
                self.clocks.next_working_day = value;
            }
            // 0 takes away a clock that the profile has.
            if let Some(hours) =
                section.get("as_soon_as_possible").and_then(|node| node.number(report, 0..1001))
            {
                self.clocks.as_soon_as_possible = u32::try_from(hours).ok().filter(|hours| *hours > 0);
            }
            section.close(report);
        }
        if let Some(mut section) = root.section(report, "editors") {
            if let Some(value) = section.get("trained").and_then(|node| node.boolean(report)) {
                self.editors.trained = value;
            }
            if let Some(value) = section.get("employed").and_then(|node| node.boolean(report)) {
                self.editors.employed = value;
            }
            section.close(report);
        }
        if let Some(section) = root.section(report, "category") {
            for (code, node) in section.entries() {
                let Ok(category) = code.value.parse::<Category>() else {
                    let known: Vec<&str> = Category::ALL.iter().map(|category| category.code()).collect();
                    let remedy = suggestion(&code.value, &known)
                        .unwrap_or_else(|| format!("known categories: {}", known.join(", ")));
                    report.fault(&code.place, "is an unknown category", remedy);
                    continue;
                };
                if let Some(policy) = self.categories.get_mut(&category) {
                    override_policy(category, policy, &node, report);
                }
            }
        }
    }
}

fn override_policy(
    category: Category,
    policy: &mut CategoryPolicy,
    node: &Node<'_, '_>,
    report: &mut Report,
) {
    let Some(mut section) = node.table(report) else { return };
    let proposals = [Proposal::Keep, Proposal::Review, Proposal::Hide, Proposal::Remove, Proposal::Escalate]
        .map(|proposal| (proposal.code(), proposal));
    if let Some(proposal) = section.get("proposal").and_then(|node| node.word(report, &proposals)) {
        if category.nothing_preselected() && !matches!(proposal.value, Proposal::Keep | Proposal::Review) {
            report.fault(
                &proposal.place,
                format!(
                    "proposes `{}` for a category where nothing may be preselected",
                    proposal.value.code()
                ),
                "write \"review\": a person decides about opinions without a suggestion (RF 2 kap.)",
            );
        }
        policy.proposal = proposal.value;
    }
    let told = [("at_once", Told::AtOnce), ("bundled", Told::Bundled)];
    if let Some(told) = section.get("told").and_then(|node| node.word(report, &told)) {
        if category.is_danger() && told.value == Told::Bundled {
            report.warn(
                &told.place,
                format!("`{category}` may mean danger to somebody, and waits here for the next office hours"),
                "write \"at_once\"",
            );
        }
        policy.told = told.value;
    }
    if let Some(text) = section.get("paragraph").and_then(|node| node.text(report)) {
        policy.paragraph = text.value;
    }
    if let Some(text) = section.get("law").and_then(|node| node.text(report)) {
        policy.law = text.value;
    }
    let decided = section.get("decided");
    let decision = decided.as_ref().and_then(|node| decision(node, report));
    if let Some(node) = section.get("automatic") {
        match node.boolean(report) {
            Some(true) => {
                if category.never_automatic() {
                    report.fault(
                        &node.place,
                        format!("no machine may hide `{category}`, whatever is decided; {DELEGATION}"),
                        "write automatic = false: a person decides",
                    );
                } else if decided.is_none() {
                    report.fault(
                        &node.place,
                        format!("automatic hiding of `{category}` without a decision; {DELEGATION}"),
                        "write automatic = false, or add decided = { by = …, on = …, dnr = … } that names \
                         the decision",
                    );
                }
                policy.automatic = decision;
            }
            Some(false) => policy.automatic = None,
            None => {}
        }
    }
    section.close(report);
}

/// `{ by, on, dnr }`.
pub(super) fn decision(node: &Node<'_, '_>, report: &mut Report) -> Option<DecisionRef> {
    let mut section = node.table(report)?;
    let by = section.need(report, "by", "name who decided").and_then(|node| node.text(report));
    let on = section.need(report, "on", "write the date of the decision").and_then(|node| node.date(report));
    let dnr = section
        .need(report, "dnr", "write the registration number of the decision")
        .and_then(|node| node.text(report));
    section.close(report);
    Some(DecisionRef { by: by?.value, on: on?.value, dnr: dnr?.value })
}

/// The profile in the program of this name.
pub(super) fn embedded(name: &str) -> Result<Profile, Fault> {
    let Some((_, text)) = EMBEDDED.iter().find(|(known, _)| *known == name) else {
        let known = EMBEDDED.map(|(known, _)| known);
        return Err(Fault {
            file: PathBuf::from("(embedded profiles)"),
            line: None,
            key: "profile".to_owned(),
            message: format!("there is no embedded profile {}", quote(name)),
            remedy: suggestion(name, &known)
                .unwrap_or_else(|| format!("embedded profiles: {}.", known.join(", "))),
        });
    };
    let read = read(name, Path::new(&format!("config/profiles/{name}.toml")), text);
    match (read.result, read.faults.into_iter().next()) {
        (_, Some(fault)) => Err(fault),
        (profile, None) => Ok(profile.unwrap_or_else(|| Profile::undecided(name))),
    }
}

/// The profile that a configuration in `folder` names: beside the configuration, then in `/etc`, then embedded.
pub(super) fn find(name: &str, place: &Place, folder: &Path, report: &mut Report) -> Option<Profile> {
    if !is_id(name) {
        report.fault(
            place,
            format!("{} is no name of a profile", quote(name)),
            "use letters a–z, digits, - and _",
        );
        return None;
    }
    for folder in [folder.join("profiles"), PathBuf::from(FOLDER)] {
        let path = folder.join(format!("{name}.toml"));
        if path.is_file() {
            let read = match read_text(&path) {
                Ok(text) => read(name, &path, &text),
                Err(fault) => Examined { result: None, faults: vec![fault], warnings: Vec::new() },
            };
            report.faults.extend(read.faults);
            report.warnings.extend(read.warnings);
            return read.result;
        }
    }
    match embedded(name) {
        Ok(profile) => Some(profile),
        Err(fault) => {
            report.fault(
                place,
                fault.message,
                format!("{} Or put {name}.toml in profiles/ beside this file, or in {FOLDER}", fault.remedy),
            );
            None
        }
    }
}

pub(super) fn read(name: &str, path: &Path, text: &str) -> Examined<Profile> {
    document(path, text, |root, report| {
        let mut profile = Profile::undecided(name);
        profile.apply(root, report);
        Some(profile)
    })
}
