//! One line of a whole configuration is changed, and the faults are read.

use std::path::Path;

use chrono::NaiveTime;
use proptest::prelude::*;

use super::*;
use crate::domain::category::{Proposal, Told};
use crate::domain::roster::{AbsenceKind, Role};

mod accounts;
mod machine;
mod people;
mod platforms;
mod warnings;

/// The file that administrators begin with.
const WHOLE: &str = include_str!("../../config/uppsikt.toml");

/// The contract's example, as it stands in the design.
const EXAMPLE: &str = include_str!("../../tests/fixtures/config/uppsikt.example.toml");

fn examine(text: &str) -> Examined<Config> {
    Config::examine_text(Path::new("uppsikt.toml"), text)
}

fn config(text: &str) -> Config {
    let examined = examine(text);
    assert!(examined.faults.is_empty(), "{:#?}", examined.faults);
    examined.result.unwrap()
}

/// The contract's example with `from` replaced by `to` once.
fn changed(from: &str, to: &str) -> String {
    assert_eq!(EXAMPLE.matches(from).count().min(1), 1, "{from:?} is not in the example");
    EXAMPLE.replacen(from, to, 1)
}

fn shown(fault: &Fault) -> String {
    let text = fault.to_string();
    text.strip_prefix("uppsikt.toml:").unwrap_or(&text).trim_start().to_owned()
}

/// `from` replaced by `to` gives exactly these faults, a line each: `line: key: message; remedy`.
#[track_caller]
fn check(from: &str, to: &str, expected: &str) {
    let faults: Vec<String> = examine(&changed(from, to)).faults.iter().map(shown).collect();
    assert_eq!(faults.join("\n"), expected, "{from} → {to}");
}

/// `from` replaced by `to` gives exactly these warnings, a line each, and no fault.
#[track_caller]
fn check_warning(from: &str, to: &str, expected: &str) {
    let examined = examine(&changed(from, to));
    assert_eq!(examined.faults, [], "{from} → {to}");
    let warnings: Vec<String> = examined.warnings.iter().map(|warning| shown(&warning.0)).collect();
    assert_eq!(warnings.join("\n"), expected, "{from} → {to}");
}

#[test]
fn the_documented_file_is_whole_and_means_the_same_as_the_contract_s_example() {
    let (whole, example) = (config(WHOLE), config(EXAMPLE));
    assert_eq!(format!("{whole:?}"), format!("{example:?}"));
    assert_eq!(examine(WHOLE).warnings, []);
}

#[test]
fn every_value_of_the_example_arrives() {
    let config = config(EXAMPLE);
    assert_eq!(config.profile, "arjeplog");
    assert_eq!(config.organisation.log_origin, "exempel.se/uppsikt");
    assert_eq!(config.paths.min_free, 2_147_483_648);
    assert_eq!(config.paths.kek, KekSource::File("/etc/uppsikt/kek".into()));
    assert_eq!(config.network.proxy.unwrap().as_str(), "http://proxy.exempel.se:8080/");
    let Transport::Smtp(smtp) = config.mail.transport else { panic!("not smtp") };
    assert_eq!((smtp.port, smtp.tls, smtp.accept_unencrypted), (587, Tls::Starttls, false));
    assert_eq!(config.desk.public_url, "https://uppsikt.exempel.se");
    assert_eq!(config.hours.close, NaiveTime::from_hms_opt(16, 30, 0).unwrap());
    assert_eq!((config.hours.closed_days.len(), config.hours.short_days.len()), (1, 2));
    assert_eq!(config.brake.automatic_hides_per_day, 20);
    assert!(config.four_eyes);
    assert_eq!(config.clocks, Clocks { answer_24h: true, next_working_day: true, as_soon_as_possible: None });
    assert_eq!(config.categories.len(), Category::ALL.len());
    let threat = &config.categories[&Category::Threat];
    assert_eq!((threat.proposal, threat.told), (Proposal::Hide, Told::AtOnce));
    assert_eq!(threat.automatic.as_ref().unwrap().dnr, "KS 2026/12");
    assert_eq!(threat.paragraph, "Riktlinjer för sociala medier, kommentarer p. 10");
    assert_eq!(config.denied["tiktok"].by, "kommundirektören");
    assert_eq!(config.roster.persons[1].roles, [Role::Editor, Role::Communicator]);
    assert_eq!(config.roster.absences[0].kind, AbsenceKind::Away);
    assert_eq!(config.roster.accounts[0].registrar, "registrator");
    let [fb, bsky] = &config.accounts[..] else { panic!("not two accounts") };
    assert_eq!((fb.mode, bsky.mode), (Mode::Watch, Mode::Act));
    assert_eq!(fb.watched_from.unwrap().to_rfc3339(), "2026-11-30T23:00:00+00:00");
    assert_eq!(fb.token_file.as_deref(), Some(Path::new("/var/lib/uppsikt-secrets/fb-token")));
    assert_eq!(bsky.api, Api::Url("https://bsky.social".parse().unwrap()));
}

#[test]
fn a_file_with_twelve_faults_tells_twelve() {
    let mut text = EXAMPLE.to_owned();
    for (from, to) in [
        ("name = \"Exempel kommun\"", "nmae = \"Exempel kommun\""), // two: missing and unknown
        ("operator = \"it\"", "operator = \"itt\""),
        ("min_free = \"2 GiB\"", "min_free = \"mycket\""),
        ("port = 587", "port = 0"),
        ("tls = \"starttls\"", "tls = \"tls1.3\""),
        ("public_url = \"https://", "public_url = \"http://"),
        ("open = \"08:00\"", "open = \"18:00\""),
        ("roles = [\"registrar\"]", "roles = [\"arkivarie\"]"),
        ("deputy = \"erik\"", "deputy = \"ingen\""),
        ("kind = \"away\"", "kind = \"borta\""),
        ("status = \"active\"", "status = \"aktiv\""),
    ] {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let faults = examine(&text).faults;
    let shown: Vec<String> = faults.iter().map(|fault| format!("{} {}", fault.key, fault.message)).collect();
    assert_eq!(faults.len(), 12, "{shown:#?}");
    let lines: Vec<_> = faults.iter().map(|fault| fault.line.unwrap()).collect();
    assert!(lines.is_sorted(), "{lines:?}");
}

#[test]
fn what_is_left_out_has_its_documented_default() {
    let text = r#"
        profile = "blank"
        organisation = { name = "A", log_origin = "a.se/u", operator = "it" }
        mail = { from = "a@a.se", smtp = { host = "smtp.a.se" } }
        desk = { public_url = "http://localhost:8080/" }
        board = [{ id = "KS", name = "KS", diary = "UPP {year}/{n}", registrar = "it" }]
        person = [{ id = "it", name = "It", email = "it@a.se", roles = ["it", "registrar"] }]
    "#;
    let config = config(text);
    assert_eq!(config.paths.data, Path::new("/var/lib/uppsikt"));
    assert_eq!(config.paths.kek, KekSource::Credential("kek".to_owned()));
    assert_eq!(config.desk.public_url, "http://localhost:8080");
    assert_eq!(config.desk.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.hours, Hours::default());
    assert!(!config.four_eyes && config.mail.office_hours_only);
    assert_eq!(config.clocks, Clocks::default());
    for (category, policy) in &config.categories {
        assert_eq!(policy.proposal, Proposal::Review);
        assert_eq!(policy.told == Told::AtOnce, category.is_danger(), "{category}");
    }
    assert_eq!(examine(text).warnings.len(), 1, "only that nothing is watched");
}

#[test]
fn each_way_of_encrypting_has_its_usual_port() {
    let tls = "port = 587\ntls = \"starttls\"";
    assert!(EXAMPLE.contains(tls));
    for (to, port) in [
        ("tls = \"starttls\"", 587),
        ("tls = \"implicit\"", 465),
        ("tls = \"none\"\naccept_unencrypted = true", 25),
    ] {
        let Transport::Smtp(smtp) = config(&changed(tls, to)).mail.transport else { panic!("not smtp") };
        assert_eq!(smtp.port, port);
    }
}

#[test]
fn the_file_overrides_the_profile_value_by_value() {
    let text = changed(
        "[brake]",
        "[clocks]\nanswer_24h = false\nas_soon_as_possible = 6\n[category.secrecy]\nlaw = \"egen\"\n[brake]",
    );
    let text = format!("four_eyes = false\n{text}");
    let config = config(&text);
    assert_eq!(
        config.clocks,
        Clocks { answer_24h: false, next_working_day: true, as_soon_as_possible: Some(6) }
    );
    assert!(!config.four_eyes);
    let secrecy = &config.categories[&Category::Secrecy];
    assert_eq!(secrecy.law, "egen");
    assert_eq!(secrecy.paragraph, "Riktlinjer för sociala medier, kommentarer p. 8");
}

#[test]
fn no_language_model_is_heard_unless_the_municipality_names_one() {
    let chosen = |line: &str| config(&changed("\nkek_file", &format!("\n{line}\nkek_file"))).paths.model;
    assert_eq!(chosen(""), None);
    assert_eq!(chosen("model = \"built-in\""), Some(ModelChoice::BuiltIn));
    assert_eq!(chosen("model = \"/srv/egen.model\""), Some(ModelChoice::File("/srv/egen.model".into())));
}

#[test]
fn relative_paths_are_relative_to_the_file_and_a_profile_beside_it_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("uppsikt.toml");
    let text =
        changed("/var/lib/uppsikt\"", "data\"").replacen("profile = \"arjeplog\"", "profile = \"egen\"", 1);
    crate::durable::write(&path, text.as_bytes(), 0o600).unwrap();
    let faults = Config::load(&path).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].message, "there is no embedded profile \"egen\"");
    crate::durable::create_folder(&folder.path().join("profiles")).unwrap();
    let own = folder.path().join("profiles/egen.toml");
    crate::durable::write(&own, b"[clocks]\nas_soon_as_possible = 4\n", 0o600).unwrap();
    let (config, _) = Config::load(&path).unwrap();
    assert_eq!(config.paths.data, folder.path().join("data"));
    assert_eq!((config.profile.as_str(), config.clocks.as_soon_as_possible), ("egen", Some(4)));
    crate::durable::write(&own, b"four_eyes = true\nfyra_ogon = 1\n[category.threat]\nproposal = 3\n", 0o600)
        .unwrap();
    let faults: Vec<String> = Config::load(&path).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(faults.len(), 2, "{faults:#?}");
    assert!(faults.iter().all(|fault| fault.contains("profiles/egen.toml:")), "{faults:#?}");
}

#[test]
fn the_embedded_profiles_are_whole_and_another_name_is_a_fault() {
    let arjeplog = Config::embedded_profile("arjeplog").unwrap();
    let blank = Config::embedded_profile("blank").unwrap();
    assert!(arjeplog.four_eyes && arjeplog.clocks.answer_24h && arjeplog.editors.trained);
    assert_eq!(arjeplog.categories.len(), Category::ALL.len());
    assert_eq!(blank.clocks, Clocks::default());
    assert!(arjeplog.categories.values().all(|policy| policy.automatic.is_none()));
    let fault = Config::embedded_profile("arjeplo").unwrap_err();
    assert_eq!(fault.remedy, "did you mean `arjeplog`?");
    Config::embedded_profile("../../etc/passwd").unwrap_err();
}

/// Source: Arjeplogs kommun, riktlinjer för sociala medier (KS 2022-04-06 § 60), the thirteen points for
/// comments.
#[test]
fn every_point_of_arjeplog_s_guideline_has_a_category() {
    let profile = Config::embedded_profile("arjeplog").unwrap();
    for point in 1..=13 {
        let quoted = |paragraph: &str| {
            paragraph
                .rsplit("p. ")
                .next()
                .is_some_and(|points| points.split(" och ").any(|number| number == point.to_string()))
        };
        assert!(profile.categories.values().any(|policy| quoted(&policy.paragraph)), "p. {point}");
    }
}

/// Source: lag (1998:112) om ansvar för elektroniska anslagstavlor, 5 §.
#[test]
fn exactly_what_the_law_on_bulletin_boards_names_carries_it() {
    let profile = Config::embedded_profile("arjeplog").unwrap();
    let carries: Vec<&str> = profile
        .categories
        .iter()
        .filter(|(_, policy)| policy.law.contains("lag (1998:112) 5 §"))
        .map(|(category, _)| category.code())
        .collect();
    assert_eq!(
        carries,
        [
            "threat",
            "hate",
            "violence_depiction",
            "child_abuse",
            "incitement_crime",
            "incitement_terror",
            "copyright",
            "privacy_intrusion",
        ]
    );
}

#[test]
fn hostile_files_are_faults_and_are_refused_quickly() {
    let deep_arrays = format!("a = {}{}", "[".repeat(50_000), "]".repeat(50_000));
    let deep_keys = vec!["a"; 50_000].join(".");
    for text in [
        "",
        "\u{0}",
        "=",
        "[[[",
        "a = \"",
        "]\n".repeat(10_000).as_str(),
        deep_arrays.as_str(),
        format!("{deep_keys} = 1").as_str(),
        "\u{feff}profile = 1",
        "person = 1\nboard = {}\naccount = [1, []]",
        "[[person]]\nid = \"\u{202e}\"",
        "mail = { smtp = { host = [] } }",
    ] {
        let examined = examine(text);
        assert!(!examined.faults.is_empty());
        assert!(examined.faults.len() < 60, "{}", examined.faults.len());
        for fault in &examined.faults {
            let shown = fault.to_string();
            assert!(!shown.contains('\n') && shown.len() < 1500, "{shown}");
        }
    }
}

#[test]
fn a_file_that_is_no_text_too_large_or_not_there_is_one_fault() {
    let folder = tempfile::tempdir().unwrap();
    let check = |bytes: &[u8], expected: &str| {
        let path = folder.path().join("u.toml");
        crate::durable::write(&path, bytes, 0o600).unwrap();
        let faults = Config::load(&path).unwrap_err();
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].to_string().split_once("u.toml").unwrap().1, expected);
    };
    check(b"a = 1\n\xff\xfe", ":2: is not text in UTF-8; save the file as UTF-8");
    check(&vec![b'#'; 10 << 20], ": is larger than 1 MiB; name a configuration file");
    assert_eq!(Config::load(&folder.path().join("none")).unwrap_err().len(), 1);
    assert_eq!(Config::load(folder.path()).unwrap_err().len(), 1);
}

#[test]
fn line_ends_of_windows_do_not_matter() {
    let config = config(&EXAMPLE.replace('\n', "\r\n"));
    assert_eq!(config.accounts.len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        let examined = examine(&text);
        prop_assert_eq!(examined.result.is_none(), !examined.faults.is_empty());
    }

    #[test]
    fn no_cut_and_no_stroke_of_a_key_makes_it_panic(
        at in 0..EXAMPLE.len(), cut in 0..60_usize, insert in "[\\[\\]{}=\"'.,#\n0-9a-z -]{0,4}",
    ) {
        let boundary = |mut at: usize| { while !EXAMPLE.is_char_boundary(at) { at -= 1; } at };
        let (start, end) = (boundary(at), boundary((at + cut).min(EXAMPLE.len())));
        let text = format!("{}{insert}{}", &EXAMPLE[..start], &EXAMPLE[end.max(start)..]);
        let examined = examine(&text);
        prop_assert_eq!(examined.result.is_none(), !examined.faults.is_empty());
    }
}
