//! `uppsikt describe`: what must be written, decided and published before a municipality's watch begins, as drafts that
//! say what this configuration really does (N17, N27, R54, R82).

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use chrono::NaiveDate;
use minijinja::{AutoEscape, Environment, Value, context};
use serde_json::json;

use super::doctor::hosts;
use super::{Outcome, decide};
use crate::clock::Clock;
use crate::config::{Account, AccountStatus, BoardKind, Config, Media, Mode, StorageRule};
use crate::domain::calendar::{self, day_in_words};
use crate::domain::category::Category;
use crate::domain::roster::Role;
use crate::domain::words;
use crate::{assemble, durable};

/// Each document: its file, and its template.
const DOCUMENTS: [(&str, &str); 5] = [
    ("konsekvensbedomning.html", include_str!("describe/konsekvensbedomning.html")),
    ("behandlingsregister.html", include_str!("describe/behandlingsregister.html")),
    ("information.html", include_str!("describe/information.html")),
    ("beskrivning.html", include_str!("describe/beskrivning.html")),
    ("kanaler.html", include_str!("describe/kanaler.html")),
];

/// Writes all documents into a new folder.
///
/// # Errors
/// A folder that exists already, or cannot be made.
pub fn run(config: &Config, folder: &Path, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    if folder.try_exists()? {
        bail!("{} exists already; name a new folder with --out", folder.display());
    }
    // A trial's data may lie ahead of the clock; without data the clock is right.
    let now =
        assemble::reading(config, |reader| Ok(decide::now(reader)?)).unwrap_or_else(|_| Clock::System.now());
    let day = calendar::local_date(now);
    let mut files: Vec<(String, String)> = Vec::new();
    for (name, text) in documents(config, day)? {
        files.push((name.to_owned(), text));
    }
    files.push(("kanaler.csv".to_owned(), channels_csv(config)));
    files.push(("kanaler.json".to_owned(), channels_json(config)));
    durable::create_folder(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    for (name, text) in files {
        let path = folder.join(&name);
        durable::write(&path, text.as_bytes(), 0o644)
            .with_context(|| format!("{} cannot be written", path.display()))?;
        writeln!(out, "{}", path.display())?;
    }
    Ok(Outcome::Done)
}

/// Every document as a page of its own, as the configuration stands.
///
/// # Errors
/// When a template is at fault.
pub fn documents(config: &Config, day: NaiveDate) -> Result<Vec<(&'static str, String)>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.add_template("layout.html", super::LAYOUT)?;
    let facts = facts(config, day);
    let mut written = Vec::new();
    for (name, template) in DOCUMENTS {
        environment.add_template(name, template)?;
        let page = environment.get_template(name)?.render(&facts)?;
        // A slash means nothing in HTML; written out, addresses can be read in the source too.
        written.push((name, page.replace("&#x2f;", "/")));
    }
    Ok(written)
}

fn facts(config: &Config, day: NaiveDate) -> Value {
    let protection = &config.data_protection;
    let watched: Vec<_> =
        config.accounts.iter().filter(|account| account.status != AccountStatus::Closed).collect();
    let automatic: Vec<_> = config
        .categories
        .iter()
        .filter_map(|(category, policy)| Some((category, policy.automatic.as_ref()?)))
        .map(|(category, decision)| {
            context! { name => category.name(), by => &decision.by, on => day_in_words(decision.on), dnr => &decision.dnr }
        })
        .collect();
    let storage: Vec<_> = config
        .storage
        .iter()
        .map(|(service, storage)| {
            context! {
                service, rule => storage_rule(storage.rule), by => &storage.decided.by, dnr => &storage.decided.dnr,
            }
        })
        .collect();
    let hosts: Vec<_> = hosts::of(config).into_keys().collect();
    let mut roles: BTreeMap<Role, usize> = BTreeMap::new();
    for role in config.roster.persons.iter().flat_map(|person| &person.roles) {
        *roles.entry(*role).or_default() += 1;
    }
    context! {
        organisation => &config.organisation.name,
        date => day_in_words(day),
        profile => &config.profile,
        boards => boards(config),
        platforms => listed(&platforms(&watched)),
        acting => watched.iter().any(|account| account.mode == Mode::Act),
        removing => watched.iter().any(|account| account.removes()),
        fetching => watched.iter().any(|account| account.media == Media::AfterReview),
        joint => watched.iter().any(|account| account.joint_with.is_some()),
        categories => categories(config),
        automatic,
        storage,
        hosts,
        roles => roles.iter().map(|(role, count)| context! { name => role.name(), count }).collect::<Vec<_>>(),
        four_eyes => config.four_eyes,
        clocks => clocks(config),
        model => config.paths.model.is_some(),
        officer => protection.officer.as_deref(),
        assessment => protection.assessment.as_ref().map(|made| context! {
            by => &made.by, on => day_in_words(made.on), dnr => &made.dnr,
        }),
        opinion => protection.opinion.map(day_in_words),
        informed => protection.informed.map(day_in_words),
    }
}

fn storage_rule(rule: StorageRule) -> &'static str {
    match rule {
        StorageRule::Keep => "bevaras enligt kommunens plan",
        StorageRule::PurgeAfter48h => "texten töms 48 timmar efter att den sågs",
        StorageRule::PurgeWhenGone => "texten töms när plattformen säger att kommentaren är borta",
    }
}

fn clocks(config: &Config) -> Vec<String> {
    let clocks = &config.clocks;
    let all = [
        clocks.answer_24h.then(|| "inom 24 timmar".to_owned()),
        clocks.next_working_day.then(|| "senast nästkommande arbetsdag".to_owned()),
        clocks
            .as_soon_as_possible
            .map(|hours| format!("så snart som möjligt, inom {hours} timmar av en arbetsdag")),
    ];
    all.into_iter().flatten().collect()
}

fn categories(config: &Config) -> Vec<Value> {
    let of = |category: &Category| {
        let policy = config.categories.get(category)?;
        Some(context! {
            name => category.name(),
            explained => words::category_explained(*category),
            paragraph => &policy.paragraph,
            law => &policy.law,
            proposal => words::proposal(policy.proposal),
            // What an opinion is about a person weighs, and somebody in danger has broken no rule.
            forbidden => !policy.paragraph.is_empty() && !category.nothing_preselected() && !matches!(
                category,
                Category::ChildAtRisk | Category::OngoingCrime | Category::SelfHarm | Category::Unreadable
            ),
            opinion => category.nothing_preselected(),
        })
    };
    Category::ALL.iter().filter_map(of).collect()
}

fn boards(config: &Config) -> Vec<Value> {
    let accounts = |id: &str| {
        let mine = config.accounts.iter().filter(|account| account.board == id);
        mine.map(|account| {
            context! {
                id => &account.id,
                platform => account.platform.label(),
                url => &account.url,
                status => status(account.status),
                joint_with => account.joint_with.as_deref(),
                joint_agreement => account.joint_agreement.as_deref(),
            }
        })
        .collect::<Vec<_>>()
    };
    let of = |board: &crate::config::Board| {
        context! {
            name => &board.name,
            company => board.kind == BoardKind::Company,
            diary => &board.diary,
            accounts => accounts(&board.id),
        }
    };
    config.boards.iter().map(of).collect()
}

fn platforms(accounts: &[&Account]) -> Vec<&'static str> {
    let mut names: Vec<_> = accounts.iter().map(|account| account.platform.label()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Names inside a sentence: `Bluesky, Facebook och X`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => "plattformarna".to_owned(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} och {last}", first.join(", ")),
    }
}

fn status(status: AccountStatus) -> &'static str {
    match status {
        AccountStatus::Active => "aktivt",
        AccountStatus::Dormant => "vilande",
        AccountStatus::Closed => "avslutat",
    }
}

/// The public list as CSV (RFC 4180): nothing in it is personal or secret (R54).
fn channels_csv(config: &Config) -> String {
    let cell = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut csv = "platform,address,responsible,status\r\n".to_owned();
    for account in &config.accounts {
        let board = config.board(&account.board).map_or(account.board.as_str(), |board| &board.name);
        let cells = [account.platform.label(), &account.url, board, status(account.status)].map(cell);
        csv.push_str(&cells.join(","));
        csv.push_str("\r\n");
    }
    csv
}

/// The same as one JSON array.
fn channels_json(config: &Config) -> String {
    let all: Vec<_> = config
        .accounts
        .iter()
        .map(|account| {
            let board = config.board(&account.board).map_or(account.board.as_str(), |board| &board.name);
            json!({
                "platform": account.platform.code(), "address": account.url, "responsible": board,
                "status": account.status.code(),
            })
        })
        .collect();
    format!("{:#}\n", json!(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../config/uppsikt.toml");

    fn config(text: &str) -> Config {
        let examined = Config::examine_text(Path::new("/etc/uppsikt/uppsikt.toml"), text);
        examined.result.unwrap_or_else(|| panic!("{:#?}", examined.faults))
    }

    fn written(text: &str) -> BTreeMap<&'static str, String> {
        let day = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
        documents(&config(text), day).unwrap().into_iter().collect()
    }

    #[test]
    fn every_document_is_a_draft_of_what_this_configuration_does() {
        let all = written(EXAMPLE);
        let assessment = &all["konsekvensbedomning.html"];
        for words in
            ["Exempel kommun", "Facebook", "Bluesky", "artikel 35", "2 kap. 1 § regeringsformen", "Utkast"]
        {
            assert!(assessment.contains(words), "{words}");
        }
        assert!(assessment.contains("inte beslutad"), "nothing is decided in the example");
        let record = &all["behandlingsregister.html"];
        assert!(record.contains("smtp.exempel.se") && record.contains("Kommunstyrelsen"), "{record}");
        let information = &all["information.html"];
        assert!(information.contains("allmän handling") && information.contains("imy.se"));
        let list = &all["kanaler.html"];
        for account in &config(EXAMPLE).accounts {
            assert!(list.contains(&account.url), "{}", account.url);
        }
    }

    #[test]
    fn what_is_decided_stands_with_its_number_and_what_is_automatic_with_its_decision() {
        let decided = EXAMPLE.replacen(
            "[paths]",
            "[data_protection]\nassessment = { by = \"kommunstyrelsen\", on = 2026-10-06, dnr = \"KS 2026/88\" }\n\
             opinion = 2026-09-28\ninformed = 2026-10-20\nofficer = \"dso@exempel.se\"\n\n[paths]",
            1,
        );
        let all = written(&decided);
        let assessment = &all["konsekvensbedomning.html"];
        assert!(assessment.contains("KS 2026/88") && !assessment.contains("inte beslutad"));
        assert!(all["information.html"].contains("dso@exempel.se"));
        let automatic =
            config(&decided).categories.values().filter(|policy| policy.automatic.is_some()).count();
        assert_eq!(assessment.matches("döljs av en regel enligt beslut").count(), automatic);
    }

    #[test]
    fn no_document_names_a_person_and_each_can_be_read_by_everybody() {
        let known = config(EXAMPLE);
        for (name, text) in written(EXAMPLE) {
            for person in &known.roster.persons {
                // The example's registrar has no other name than the office.
                let named = person.name.contains(' ') && text.contains(&person.name);
                assert!(!named && !text.contains(&person.email), "{name}: {}", person.id);
            }
            assert!(text.starts_with("<!doctype html>\n<html lang=\"sv\">"), "{name}");
            assert_eq!(text.matches("<h1>").count(), 1, "{name}");
            assert!(!text.contains("<script") && !text.contains("{{") && !text.contains(">none<"), "{name}");
            assert_eq!(text.matches("<table>").count(), text.matches("<caption>").count(), "{name}");
        }
    }

    #[test]
    fn the_public_list_is_also_for_machines() {
        let known = config(EXAMPLE);
        let csv = channels_csv(&known);
        assert_eq!(csv.lines().count(), 1 + known.accounts.len());
        let json: serde_json::Value = serde_json::from_str(&channels_json(&known)).unwrap();
        assert_eq!(json.as_array().unwrap().len(), known.accounts.len());
        assert_eq!(json[0]["address"], known.accounts[0].url);
    }

    #[test]
    fn a_folder_that_is_there_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let error = run(&config(EXAMPLE), folder.path(), &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("exists already"), "{error}");
        let mut told = Vec::new();
        run(&config(EXAMPLE), &folder.path().join("utkast"), &mut told).unwrap();
        assert_eq!(String::from_utf8(told).unwrap().lines().count(), DOCUMENTS.len() + 2);
    }
}
