//! `uppsikt profile diff A B`: where two guidelines lead to different things.

use std::io::Write;
use std::path::Path;

use anyhow::{anyhow, bail};
use serde::Serialize;

use super::Outcome;
use super::args::ProfileCommand;
use crate::config::{Config, Profile};
use crate::domain::category::{Category, CategoryPolicy, Told};
use crate::domain::words;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The key as a profile's file has it: `four_eyes`, `category.threat.proposal` …
    pub key: String,
    /// What it is about, in Swedish.
    pub what: String,
    /// What the first says.
    pub a: String,
    /// What the second says.
    pub b: String,
}

/// Does what was asked of guidelines.
///
/// # Errors
/// As [`diff`].
pub fn run(asked: &ProfileCommand, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let ProfileCommand::Diff { a, b, json } = asked;
    diff(a, b, *json, out)?;
    Ok(Outcome::Done)
}

/// Shows where two profiles differ: in words, or with `json` as one object a line.
///
/// A profile is one of the program's by its name, or a file.
///
/// # Errors
/// A profile that there is not, or one with faults; `out`'s.
pub fn diff(a: &str, b: &str, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let (first, second) = (named(a)?, named(b)?);
    let all = differences(&first, &second);
    if all.is_empty() && !json {
        writeln!(out, "{} och {} leder till detsamma.", first.name, second.name)?;
    }
    for difference in all {
        if json {
            serde_json::to_writer(&mut *out, &difference)?;
            writeln!(out)?;
            continue;
        }
        writeln!(out, "{} ({})", difference.what, difference.key)?;
        writeln!(out, "  {}: {}", first.name, difference.a)?;
        writeln!(out, "  {}: {}", second.name, difference.b)?;
    }
    Ok(())
}

fn named(name: &str) -> anyhow::Result<Profile> {
    let path = Path::new(name);
    if path.extension().is_some_and(|ending| ending == "toml") {
        return Config::profile_file(path).map_err(|faults| {
            let all: Vec<_> = faults.iter().map(ToString::to_string).collect();
            anyhow!("{}", all.join("\n"))
        });
    }
    match Config::embedded_profile(name) {
        Ok(profile) => Ok(profile),
        Err(fault) => bail!("{fault} Or name a file that ends with .toml"),
    }
}

/// Where two guidelines differ, in the order of a profile's file.
pub fn differences(a: &Profile, b: &Profile) -> Vec<Difference> {
    let mut all = Vec::new();
    let mut compare = |key: String, what: String, a: String, b: String| {
        if a != b {
            all.push(Difference { key, what, a, b });
        }
    };
    let yes = |value: bool| if value { "ja" } else { "nej" }.to_owned();
    compare(
        "four_eyes".to_owned(),
        "Två personer bakom varje döljning".to_owned(),
        yes(a.four_eyes),
        yes(b.four_eyes),
    );
    for (key, what, of) in [
        (
            "clocks.answer_24h",
            "Svar inom 24 timmar",
            (|profile| if profile.clocks.answer_24h { "ja" } else { "nej" }.to_owned())
                as fn(&Profile) -> String,
        ),
        ("clocks.next_working_day", "Svar senast nästkommande arbetsdag", |profile| {
            if profile.clocks.next_working_day { "ja" } else { "nej" }.to_owned()
        }),
        ("clocks.as_soon_as_possible", "Svar så snart som möjligt", |profile| {
            let hours = profile.clocks.as_soon_as_possible;
            hours.map_or_else(|| "nej".to_owned(), |hours| format!("inom {hours} timmar"))
        }),
        ("editors.trained", "Redaktörer måste vara utbildade", |profile| {
            if profile.editors.trained { "ja" } else { "nej" }.to_owned()
        }),
        ("editors.employed", "Redaktörer måste vara anställda", |profile| {
            if profile.editors.employed { "ja" } else { "nej" }.to_owned()
        }),
    ] {
        compare(key.to_owned(), what.to_owned(), of(a), of(b));
    }
    for category in Category::ALL {
        let (Some(one), Some(other)) = (a.categories.get(category), b.categories.get(category)) else {
            continue;
        };
        for (key, what, of) in FACTS {
            compare(
                format!("category.{category}.{key}"),
                format!("{}: {what}", category.name()),
                of(one),
                of(other),
            );
        }
    }
    all
}

type Fact = (&'static str, &'static str, fn(&CategoryPolicy) -> String);

const FACTS: [Fact; 5] = [
    ("proposal", "förslag", |policy| words::proposal(policy.proposal).to_owned()),
    ("told", "ansvariga får veta", |policy| {
        match policy.told {
            Told::AtOnce => "genast",
            Told::Bundled => "samlat på kontorstid",
        }
        .to_owned()
    }),
    ("automatic", "döljs automatiskt", |policy| {
        policy
            .automatic
            .as_ref()
            .map_or_else(|| "nej".to_owned(), |decided| format!("enligt {} {}", decided.by, decided.dnr))
    }),
    ("paragraph", "riktlinjen", |policy| silent(&policy.paragraph)),
    ("law", "lagen", |policy| silent(&policy.law)),
];

fn silent(text: &str) -> String {
    if text.is_empty() { "säger inget".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::durable;

    fn told(a: &str, b: &str) -> String {
        let mut out = Vec::new();
        diff(a, b, false, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn two_guidelines_differ_where_their_municipalities_decided_otherwise() {
        let told = told("arjeplog", "jonkoping");
        for words in [
            "Två personer bakom varje döljning (four_eyes)\n  arjeplog: ja\n  jonkoping: nej\n",
            "(clocks.answer_24h)\n  arjeplog: ja\n  jonkoping: nej\n",
            "(clocks.as_soon_as_possible)\n  arjeplog: nej\n  jonkoping: inom 8 timmar\n",
            "(category.hate.paragraph)",
        ] {
            assert!(told.contains(words), "{words}\n{told}");
        }
    }

    #[test]
    fn a_guideline_does_not_differ_from_itself_and_the_difference_has_two_directions() {
        for name in ["arjeplog", "blank", "jonkoping", "tyreso"] {
            assert_eq!(told(name, name), format!("{name} och {name} leder till detsamma.\n"));
        }
        let (a, b) = (named("arjeplog").unwrap(), named("tyreso").unwrap());
        let (there, back) = (differences(&a, &b), differences(&b, &a));
        assert!(!there.is_empty() && there.len() == back.len());
        for (one, other) in there.iter().zip(&back) {
            assert_eq!((&one.key, &one.a, &one.b), (&other.key, &other.b, &other.a));
        }
    }

    #[test]
    fn a_file_of_ones_own_is_compared_and_its_faults_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("egen.toml");
        durable::write(&own, b"four_eyes = true\n[category.insult]\nproposal = \"hide\"\n", 0o600).unwrap();
        let own = own.to_str().unwrap();
        let told = told("blank", own);
        assert!(told.contains("(four_eyes)\n  blank: nej\n  egen: ja\n"), "{told}");
        assert!(told.contains("(category.insult.proposal)"), "{told}");
        durable::write(Path::new(own), b"four_eyes = 3\n[category.insultt]\n", 0o600).unwrap();
        let fault = diff("blank", own, false, &mut Vec::new()).unwrap_err().to_string();
        assert!(fault.contains("four_eyes") && fault.contains("insultt"), "{fault}");
        let fault = diff("blank", "arjeplg", false, &mut Vec::new()).unwrap_err().to_string();
        assert!(fault.contains("arjeplog") && fault.contains(".toml"), "{fault}");
    }
}
