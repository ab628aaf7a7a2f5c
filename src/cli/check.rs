//! `uppsikt check`: every fault of a configuration, and what is worth a thought before it runs.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use serde_json::json;

use crate::assemble;
use crate::config::{Account, Api, Config, Fault, KekSource, Transport, Warning};
use crate::domain::calendar::{self, Hours};
use crate::domain::classify::{OnTrial, RuleFault, RuleSet};
use crate::domain::comment::Platform;
use crate::domain::roster::{self, Role};

/// So many days ahead it is looked for days on which nobody is there.
const AHEAD: u64 = 60;

/// The length of the coming year, in days.
const YEAR: u64 = 365;

/// Checks the configuration in `path` as it stands at `now`, and tells everything in `out`: a line each, in
/// JSON (`{severity,file,line,key,message,remedy}`, then `{checked}`) or for people.
///
/// Returns the exit code: 0 without faults (warnings do not count), 1 with faults, 2 if the file could not be
/// read at all. Errors: `out` could not be written.
pub fn run(path: &Path, json: bool, now: DateTime<Utc>, out: &mut dyn Write) -> io::Result<u8> {
    let mut examined = Config::examine(path);
    let mut warnings = examined.warnings;
    if let Some(config) = &examined.result {
        warnings.extend(coming(config, now));
        examined.faults.extend(rules(config, now, &mut warnings));
    }
    for (severity, fault) in examined
        .faults
        .iter()
        .map(|fault| ("error", fault))
        .chain(warnings.iter().map(|warning| ("warning", &warning.0)))
    {
        if json {
            writeln!(out, "{}", line(severity, fault))?;
        } else {
            writeln!(out, "{severity}: {fault}")?;
        }
    }
    let (faults, warnings) = (examined.faults.len(), warnings.len());
    if json {
        writeln!(out, "{}", json!({"checked": {"file": path, "errors": faults, "warnings": warnings}}))?;
    } else {
        writeln!(out, "{}: {faults} errors, {warnings} warnings", path.display())?;
    }
    out.flush()?;
    Ok(match &examined.faults[..] {
        [] => 0,
        [only] if only.line.is_none() && only.key.is_empty() && !path.is_file() => 2,
        _ => 1,
    })
}

/// The faults of the municipality's own rules; the daemon does not start with them. A trial whose time is over is worth
/// a thought.
fn rules(config: &Config, now: DateTime<Utc>, warnings: &mut Vec<Warning>) -> Vec<Fault> {
    let Some(folder) = &config.paths.rules else { return Vec::new() };
    let files = match assemble::own_rules(Some(folder)) {
        Ok(files) => files,
        Err(error) => {
            let remedy = "make it readable for the service, or leave paths.rules out".to_owned();
            let (key, message) = ("paths.rules".to_owned(), format!("{error:#}"));
            return vec![Fault { file: config.file.clone(), line: None, key, message, remedy }];
        }
    };
    let rules = match RuleSet::with_own(files) {
        Ok(rules) => rules,
        Err(faults) => {
            let fault = |fault: RuleFault| Fault {
                file: fault.file.into(),
                line: fault.line,
                key: fault.rule.map(|rule| format!("rule[{rule}]")).unwrap_or_default(),
                message: fault.problem,
                remedy: fault.remedy,
            };
            return faults.into_iter().map(fault).collect();
        }
    };
    let today = calendar::local_date(now);
    for trial in rules.trials().iter().filter(|trial| trial.until.is_some_and(|until| until < today)) {
        let key = match &trial.of {
            OnTrial::Rule(id) => format!("rule[{id}].until"),
            OnTrial::Category(category) => format!("category.{category}.until"),
        };
        warnings.push(Warning(Fault {
            file: folder.clone(),
            line: None,
            key,
            message: "the trial's time is over, and it goes on".to_owned(),
            remedy: "`uppsikt rules shadow` tells what it found: turn it on, or take it away".to_owned(),
        }));
    }
    Vec::new()
}

fn line(severity: &str, fault: &Fault) -> serde_json::Value {
    let mut line = json!({"severity": severity, "file": fault.file});
    if let Some(number) = fault.line {
        line["line"] = number.into();
    }
    line["key"] = fault.key.as_str().into();
    line["message"] = fault.message.as_str().into();
    line["remedy"] = fault.remedy.as_str().into();
    line
}

/// What a whole configuration leads to in the time to come: unstaffed hours, nights, days without anybody,
/// decisions that are not made yet, secrets that are not there.
pub fn coming(config: &Config, now: DateTime<Utc>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |key: String, message: String, remedy: &str| {
        let file = config.file.clone();
        warnings.push(Warning(Fault { file, line: None, key, message, remedy: remedy.to_owned() }));
    };
    let today = calendar::local_date(now);
    if config.clocks.answer_24h {
        let (all, unstaffed) = unstaffed_hours(&config.hours, today);
        warn(
            "clocks.answer_24h".to_owned(),
            format!(
                "the promise of 24 hours runs unstaffed for {unstaffed} of the coming year's {all} hours"
            ),
            "staff weekends and holidays, or promise less: clocks.answer_24h = false",
        );
    }
    let (open, close) = (config.hours.open.format("%H.%M"), config.hours.close.format("%H.%M"));
    warn(
        "hours".to_owned(),
        format!("nobody is named for the night: hot som kommer efter {close} läses tidigast {open}"),
        "tell the heads so; letters about danger leave at any hour, but wake nobody",
    );
    for account in &config.accounts {
        let noon = |day: NaiveDate| calendar::to_utc(day.and_hms_opt(12, 0, 0).unwrap_or_default());
        let alone = (0..AHEAD)
            .filter_map(|days| today.checked_add_days(Days::new(days)))
            .find(|day| roster::responsible(&config.roster, &account.id, Role::Editor, noon(*day)).alarm);
        if let Some(day) = alone {
            warn(
                format!("account[{}].editors", account.id),
                format!("on {day} no editor is there and no deputy of an editor"),
                "name a deputy, or another editor",
            );
        }
    }
    if let Some((ends, days)) = linkedin_ends(config, today)
        && days <= AHEAD.cast_signed()
    {
        let version = &config.platforms.linkedin.version;
        let how = if days < 0 { "ended" } else { "ends" };
        warn(
            "platform.linkedin.version".to_owned(),
            format!("version {version} of LinkedIn's API {how} about {ends}: then nothing is read there"),
            "write a later one, after trying it with `uppsikt doctor`, or update Uppsikt",
        );
    }
    for (key, message, remedy) in unprotected(config) {
        warn(format!("data_protection.{key}"), message.to_owned(), remedy);
    }
    for (key, on) in decisions(config) {
        if on > today {
            warn(key, format!("{on} is still to come"), "correct the date, or wait for the decision");
        }
    }
    for (key, fault) in secrets(config) {
        warn(key, format!("{} {}", fault.file.display(), fault.message), &fault.remedy);
    }
    warnings
}

/// What must be decided and told before anybody's words are judged (N17): key, what is missing, remedy.
fn unprotected(config: &Config) -> Vec<(&'static str, &'static str, &'static str)> {
    let decided = &config.data_protection;
    // Nothing but emulated platforms: nobody's data.
    if config.accounts.iter().all(|account| account.api == Api::Sandbox) {
        return Vec::new();
    }
    let mut missing = Vec::new();
    if decided.assessment.is_none() {
        missing.push((
            "assessment",
            "no impact assessment is decided; judging what people write needs one before it begins (art. 35 GDPR)",
            "`uppsikt describe --out DIR` writes a draft; write the decision here: { by, on, dnr }",
        ));
    }
    if decided.opinion.is_none() {
        missing.push((
            "opinion",
            "the data protection officer has given no opinion (art. 35.2 GDPR)",
            "write its date",
        ));
    }
    if decided.informed.is_none() {
        missing.push((
            "informed",
            "those who write are not told that what they write is read and judged (art. 13 and 14 GDPR)",
            "publish the text of `uppsikt describe` on every account's page, and write the date",
        ));
    }
    missing
}

/// All hours of the coming year from the day after `today`, and those without anybody at work; whole hours.
fn unstaffed_hours(hours: &Hours, today: NaiveDate) -> (i64, i64) {
    let days = (1..=YEAR).filter_map(|days| today.checked_add_days(Days::new(days)));
    let staffed = days
        .filter(|day| calendar::is_working_day(*day, hours))
        .map(|day| (calendar::closing(day, hours) - calendar::opening(day, hours)).max(TimeDelta::zero()))
        .fold(TimeDelta::zero(), |sum, day| sum + day);
    let all = TimeDelta::days(YEAR.cast_signed());
    (all.num_hours(), (all - staffed).num_hours())
}

/// About when the version of LinkedIn's API that is spoken ends, and how many days that is from `today`; `None` without a
/// real account there. A version lives for a year from its month (202508 ended on 17 August 2026).
fn linkedin_ends(config: &Config, today: NaiveDate) -> Option<(NaiveDate, i64)> {
    let real = |account: &Account| account.platform == Platform::Linkedin && account.api != Api::Sandbox;
    config.accounts.iter().any(real).then_some(())?;
    let (year, month) = config.platforms.linkedin.version.split_at_checked(4)?;
    let ends = NaiveDate::from_ymd_opt(year.parse::<i32>().ok()? + 1, month.parse().ok()?, 15)?;
    Some((ends, (ends - today).num_days()))
}

/// Every decision that the configuration names, with its date.
fn decisions(config: &Config) -> Vec<(String, NaiveDate)> {
    let automatic = config
        .categories
        .iter()
        .filter_map(|(category, policy)| Some((category, policy.automatic.as_ref()?)))
        .map(|(category, decision)| (format!("category.{category}.decided.on"), decision.on));
    let denied =
        config.denied.iter().map(|(service, decision)| (format!("denied.{service}.on"), decision.on));
    let polls = config
        .accounts
        .iter()
        .map(|account| (format!("account[{}].poll_decided.on", account.id), account.poll_decided.on));
    let assessed = config.data_protection.assessment.iter();
    let assessed = assessed.map(|decision| ("data_protection.assessment.on".to_owned(), decision.on));
    automatic.chain(denied).chain(polls).chain(assessed).collect()
}

/// The secrets that cannot be read, each file once.
fn secrets(config: &Config) -> Vec<(String, Fault)> {
    let used = |account: &&Account| account.api != Api::Sandbox;
    let mut files = Vec::new();
    for account in config.accounts.iter().filter(used) {
        for (name, file) in [
            ("token_file", &account.token_file),
            ("app_secret_file", &account.app_secret_file),
            ("login_file", &account.login_file),
        ] {
            files.extend(file.as_ref().map(|file| (format!("account[{}].{name}", account.id), file)));
        }
    }
    if let Transport::Smtp(smtp) = &config.mail.transport {
        files.extend(smtp.password_file.as_ref().map(|file| ("mail.smtp.password_file".to_owned(), file)));
    }
    // A systemd credential is there only while the service runs.
    if let KekSource::File(file) = &config.paths.kek {
        files.push(("paths.kek_file".to_owned(), file));
    }
    let mut seen = BTreeSet::new();
    files
        .into_iter()
        .filter(|(_, file)| seen.insert(*file))
        .filter_map(|(key, file)| Some((key, config.secret(file).err()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../tests/fixtures/config/uppsikt.example.toml");

    fn checked(text: &str, json: bool) -> (u8, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("uppsikt.toml");
        // Secrets of the machine that runs the test must not matter.
        let text = text.replace("/var/lib/uppsikt", "lib").replace("\"/etc/uppsikt/", "\"etc/");
        crate::durable::write(&path, text.as_bytes(), 0o600).unwrap();
        let mut out = Vec::new();
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        let code = run(&path, json, now, &mut out).unwrap();
        let shown = String::from_utf8(out).unwrap().replace(&folder.path().display().to_string(), "DIR");
        (code, shown.lines().map(str::to_owned).collect())
    }

    #[test]
    fn the_example_has_warnings_only_and_exits_0() {
        let (code, lines) = checked(EXAMPLE, false);
        assert_eq!(code, 0);
        insta::assert_snapshot!(lines.join("\n"), @r#"
        warning: DIR/uppsikt.toml: clocks.answer_24h: the promise of 24 hours runs unstaffed for 6635 of the coming year's 8760 hours; staff weekends and holidays, or promise less: clocks.answer_24h = false
        warning: DIR/uppsikt.toml: hours: nobody is named for the night: hot som kommer efter 16.30 läses tidigast 08.00; tell the heads so; letters about danger leave at any hour, but wake nobody
        warning: DIR/uppsikt.toml: data_protection.assessment: no impact assessment is decided; judging what people write needs one before it begins (art. 35 GDPR); `uppsikt describe --out DIR` writes a draft; write the decision here: { by, on, dnr }
        warning: DIR/uppsikt.toml: data_protection.opinion: the data protection officer has given no opinion (art. 35.2 GDPR); write its date
        warning: DIR/uppsikt.toml: data_protection.informed: those who write are not told that what they write is read and judged (art. 13 and 14 GDPR); publish the text of `uppsikt describe` on every account's page, and write the date
        warning: DIR/uppsikt.toml: account[fb].token_file: DIR/lib-secrets/fb-token is not there; write the secret into it, with mode 0600
        warning: DIR/uppsikt.toml: account[fb].app_secret_file: DIR/lib-secrets/fb-app-secret is not there; write the secret into it, with mode 0600
        warning: DIR/uppsikt.toml: account[bsky].login_file: DIR/lib-secrets/bsky-login is not there; write the secret into it, with mode 0600
        warning: DIR/uppsikt.toml: mail.smtp.password_file: DIR/etc/smtp-password is not there; write the secret into it, with mode 0600
        warning: DIR/uppsikt.toml: paths.kek_file: DIR/etc/kek is not there; write the secret into it, with mode 0600
        DIR/uppsikt.toml: 0 errors, 10 warnings
        "#);
    }

    #[test]
    fn faults_exit_1_and_are_told_in_json_a_line_each() {
        let (code, lines) = checked(&EXAMPLE.replacen("port = 587", "prot = 587", 1), true);
        assert_eq!(code, 1);
        insta::assert_snapshot!(lines.join("\n"), @r#"
        {"severity":"error","file":"DIR/uppsikt.toml","line":26,"key":"mail.smtp.prot","message":"is an unknown key","remedy":"did you mean `port`?"}
        {"checked":{"file":"DIR/uppsikt.toml","errors":1,"warnings":0}}
        "#);
    }

    #[test]
    fn a_file_that_is_not_there_exits_2() {
        let mut out = Vec::new();
        let code = run(Path::new("/nowhere/uppsikt.toml"), false, DateTime::default(), &mut out).unwrap();
        assert_eq!(code, 2);
        assert!(
            String::from_utf8(out).unwrap().starts_with("error: /nowhere/uppsikt.toml: could not be read: ")
        );
    }

    /// Source: N8. 2027 has 253 working days (261 weekdays less 8 holidays and eves) of 8.5 hours each.
    #[test]
    fn the_unstaffed_hours_of_a_year_are_counted_from_its_working_days() {
        let today = NaiveDate::from_ymd_opt(2026, 12, 31).unwrap();
        let working = (1..=YEAR)
            .filter(|days| {
                calendar::is_working_day(today.checked_add_days(Days::new(*days)).unwrap(), &Hours::default())
            })
            .count();
        assert_eq!(working, 253);
        assert_eq!(unstaffed_hours(&Hours::default(), today), (8760, 8760 - 253 * 17 / 2 - 1));
        let always = Hours { close: chrono::NaiveTime::from_hms_opt(8, 0, 0).unwrap(), ..Hours::default() };
        assert_eq!(unstaffed_hours(&always, today), (8760, 8760));
    }

    #[test]
    fn a_version_of_linkedins_api_that_is_about_to_end_is_told_before_it_does() {
        let decided = "{ by = \"kommunstyrelsen\", on = 2026-02-03, dnr = \"KS 1\" }";
        let account = EXAMPLE.split("[[account]]").nth(1).unwrap();
        let account = account
            .replace("id = \"fb\"", "id = \"li\"")
            .replace("platform = \"facebook\"", "platform = \"linkedin\"")
            .replace("123456789012345", "urn:li:organization:1");
        let account: String = account
            .lines()
            .filter(|line| !line.starts_with("api = ") && !line.starts_with("app_secret"))
            .fold(String::new(), |all, line| all + line + "\n");
        let text = |version: &str| {
            format!(
                "{EXAMPLE}\n[[account]]{account}\n[storage.linkedin]\nrule = \"keep\"\ndecided = {decided}\n\
                     [platform.linkedin]\nversion = \"{version}\"\n"
            )
        };
        for (version, expected) in [
            ("202601", Some("ends about 2027-01-15")),
            ("202511", Some("ended about 2026-11-15")),
            ("202607", None),
        ] {
            let (code, lines) = checked(&text(version), false);
            let told: Vec<_> =
                lines.iter().filter(|line| line.contains("platform.linkedin.version")).collect();
            assert_eq!(code, 0, "{lines:#?}");
            assert_eq!(told.len(), usize::from(expected.is_some()), "{version}: {lines:#?}");
            assert!(expected.is_none_or(|expected| told[0].contains(expected)), "{told:?}");
        }
        let (_, lines) = checked(
            &EXAMPLE.replace("[denied]", "[platform.linkedin]\nversion = \"202401\"\n[denied]"),
            false,
        );
        assert!(
            !lines.join("").contains("platform.linkedin"),
            "without an account there it is nobody's affair"
        );
    }

    #[test]
    fn a_week_without_editors_is_told_before_it_comes_and_a_decision_before_it_is_made() {
        let text = format!(
            "{EXAMPLE}\n[[absence]]\nperson = \"erik\"\nfrom = 2026-12-28\nto = 2026-12-30\nkind = \"away\"\n"
        )
        .replacen("on = 2026-02-03", "on = 2027-02-03", 1);
        let (code, lines) = checked(&text, false);
        assert_eq!(code, 0);
        let all = lines.join("\n");
        assert!(all.contains("account[bsky].editors: on 2026-12-28 no editor is there"), "{all}");
        assert!(all.contains("category.threat.decided.on: 2027-02-03 is still to come"), "{all}");
    }
}
