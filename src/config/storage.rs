//! `[storage.<service>]`: what the municipality has decided where a platform's terms and the archives act disagree.

use std::collections::BTreeMap;

use super::profile::decision;
use super::reader::{Place, Report, Section, quote, suggestion};
use super::{Account, Api};
use crate::domain::category::DecisionRef;
use crate::domain::comment::Platform;

/// How long the text of a comment is kept that is not preserved as evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageRule {
    /// As long as the municipality's own plan says: the archives act before the platform's terms.
    Keep,
    /// Text and name go 48 hours after they were seen, or when the comment is gone; ids and digests stay, and preserved comments stay whole.
    PurgeAfter48h,
    /// Text and name go when the platform says that the comment is gone, once the day's entry commits to it; ids and digests stay, and preserved comments stay whole.
    PurgeWhenGone,
}

impl StorageRule {
    /// Its word in the configuration.
    pub fn code(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::PurgeAfter48h => "purge_after_48h",
            Self::PurgeWhenGone => "purge_when_gone",
        }
    }
}

/// A rule, and who decided it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// The rule.
    pub rule: StorageRule,
    /// The decision.
    pub decided: DecisionRef,
}

/// The platforms whose terms limit how long others' words may be stored: somebody must decide.
const DISPUTED: [(Platform, &str); 2] = [
    (Platform::Linkedin, "LinkedIn's terms let members' comments be stored for 48 hours"),
    (Platform::X, "X's terms demand that what is deleted on X is deleted here within 24 hours"),
];

/// Reads every `[storage.<service>]`.
pub(super) fn storage(root: &mut Section<'_, '_>, report: &mut Report) -> BTreeMap<String, Storage> {
    let mut rules = BTreeMap::new();
    let Some(section) = root.section(report, "storage") else { return rules };
    for (name, node) in section.entries() {
        if name.value.parse::<Platform>().is_err() {
            let known = Platform::ALL.map(Platform::code);
            let remedy =
                suggestion(&name.value, &known).unwrap_or_else(|| format!("services: {}", known.join(", ")));
            report.fault(&name.place, format!("{} is no service", quote(&name.value)), remedy);
            continue;
        }
        let Some(mut section) = node.table(report) else { continue };
        let words = [
            ("keep", Some(StorageRule::Keep)),
            ("purge_after_48h", Some(StorageRule::PurgeAfter48h)),
            ("purge_when_gone", Some(StorageRule::PurgeWhenGone)),
            ("ask", None),
        ];
        let rule = section
            .need(report, "rule", "write \"keep\", \"purge_after_48h\" or \"purge_when_gone\"")
            .and_then(|node| node.word(report, &words))
            .and_then(|word| word.value);
        let decided = section.get("decided").and_then(|node| decision(&node, report));
        if rule.is_some() && decided.is_none() {
            let place = section.child("decided");
            report.fault(&place, "is missing: a rule needs a decision", "write { by, on, dnr }");
        }
        section.close(report);
        if let (Some(rule), Some(decided)) = (rule, decided) {
            rules.insert(name.value, Storage { rule, decided });
        }
    }
    rules
}

/// Every account on a disputed platform needs a decision; one in the sandbox or on this machine is a trial.
pub(super) fn decided(accounts: &[Account], rules: &BTreeMap<String, Storage>, report: &mut Report) {
    for (platform, terms) in DISPUTED {
        let real = |account: &&Account| {
            account.platform == platform
                && matches!(&account.api, Api::Url(url) if !super::machine::is_loopback(url))
        };
        if let Some(account) = accounts.iter().find(real)
            && !rules.contains_key(platform.code())
        {
            let place = Place { key: format!("storage.{}", platform.code()), ..Place::default() };
            report.fault(
                &place,
                format!(
                    "is not decided, and account `{}` needs it: {terms}, the archives act says otherwise",
                    account.id
                ),
                "decide, and write rule = \"keep\", \"purge_after_48h\" or \"purge_when_gone\" and decided = { by, on, dnr }",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Config;
    use super::*;

    const EXAMPLE: &str = include_str!("../../tests/fixtures/config/uppsikt.example.toml");

    fn examined(platform: &str, api: &str, storage: &str) -> Result<Config, String> {
        let account = format!(
            "[[account]]\nid = \"li\"\nplatform = \"{platform}\"\nnative_id = \"1\"\nurl = \"https://exempel.se/li\"\n\
             board = \"KS\"\nowner = \"chef\"\neditors = [\"anna\", \"erik\"]\npoll = \"0 */5 * * * *\"\n\
             poll_decided = {{ by = \"chef\", on = 2026-01-15, reason = \"daglig\" }}\ntoken_file = \"t\"\napi = \"{api}\"\n"
        );
        let examined =
            Config::examine_text(Path::new("uppsikt.toml"), &format!("{EXAMPLE}\n{account}\n{storage}"));
        let faults: Vec<_> = examined.faults.iter().map(ToString::to_string).collect();
        examined.result.ok_or_else(|| faults.join("\n"))
    }

    #[test]
    fn a_real_linkedin_or_x_account_needs_a_decision_and_a_trial_does_not() {
        const RULE: &str = "rule = \"purge_after_48h\"\ndecided = { by = \"kommunstyrelsen\", on = 2026-02-03, dnr = \"KS 1\" }";
        for (platform, api) in [("linkedin", "https://api.linkedin.com/rest"), ("x", "https://api.x.com/2")] {
            let fault = examined(platform, api, "").unwrap_err();
            assert!(fault.contains(&format!("storage.{platform}: is not decided")), "{fault}");
            let ask = examined(platform, api, &format!("[storage.{platform}]\nrule = \"ask\"\n"));
            assert!(ask.unwrap_err().contains("is not decided"));
            let bare =
                examined(platform, api, &format!("[storage.{platform}]\nrule = \"keep\"\n")).unwrap_err();
            assert!(bare.contains("a rule needs a decision"), "{bare}");
            let config = examined(platform, api, &format!("[storage.{platform}]\n{RULE}\n")).unwrap();
            assert_eq!(config.storage[platform].rule, StorageRule::PurgeAfter48h);
            examined(platform, "http://127.0.0.1:1/x", "").unwrap();
        }
        examined("youtube", "https://www.googleapis.com/youtube/v3", "").unwrap();
        let fault =
            examined("x", "http://127.0.0.1:1/x", "[storage.myspace]\nrule = \"keep\"\n").unwrap_err();
        assert!(fault.contains("myspace"), "{fault}");
    }
}
