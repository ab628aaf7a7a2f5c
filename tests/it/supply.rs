//! What the program is built from: licences, sources, no second TLS, no needless second version.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Licences that code under EUPL-1.2 may be linked with: permissive ones, which ask for their notice only.
/// Source: EUPL-1.2, articles 2 and 5; "Compatibility and interoperability", European Commission.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "EUPL-1.2",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Not on any platform: there is one TLS (rustls with ring), one SQLite (bundled), and nothing that asks the machine
/// for a library.
const NEVER: &[&str] = &["openssl", "openssl-sys", "native-tls", "aws-lc-sys", "libgit2-sys", "curl-sys"];

/// Crates that are there twice on Linux, and why that cannot be helped here.
const TWICE: &[(&str, &str)] = &[
    ("base64", "0.22 by krilla"),
    ("foldhash", "0.1 by hashbrown 0.15, see there"),
    ("getrandom", "0.2 by ring, which rustls signs with"),
    ("hashbrown", "0.15 by whatlang"),
    ("phf", "0.11 by cron, 0.12 by chrono-tz"),
    ("phf_shared", "as phf"),
    ("rand", "0.8 by phf 0.11 while it builds its tables, 0.10 by proptest in tests"),
    ("rand_core", "as rand"),
    ("syn", "2 and 3 by macros, while building only"),
    ("winnow", "0.7 by cron, 1 by toml"),
];

/// Every package that a build for this machine needs, with the tests' own.
fn packages() -> Vec<Value> {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", &platform])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// Whether somebody who accepts only `LICENCES` may use what is under this SPDX expression.
fn accepted(expression: &str) -> bool {
    // Crates from before 2018 write a stroke for "or".
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let found = either(&mut rest);
    assert!(rest.is_empty(), "`{expression}` is no licence expression that this test understands");
    found
}

fn either(words: &mut &[&str]) -> bool {
    let mut found = both(words);
    while let [first, rest @ ..] = *words
        && *first == "OR"
    {
        *words = rest;
        found |= both(words);
    }
    found
}

fn both(words: &mut &[&str]) -> bool {
    let mut found = one(words);
    while let [first, rest @ ..] = *words
        && *first == "AND"
    {
        *words = rest;
        found &= one(words);
    }
    found
}

fn one(words: &mut &[&str]) -> bool {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let found = either(words);
            *words = words.strip_prefix(&[")"]).unwrap();
            found
        }
        [name, "WITH", exception, rest @ ..] => {
            *words = rest;
            LICENCES.contains(&format!("{name} WITH {exception}").as_str())
        }
        [name, rest @ ..] => {
            *words = rest;
            LICENCES.contains(name)
        }
        [] => panic!("an expression that ends too early"),
    }
}

#[test]
fn licence_expressions_are_understood() {
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("GPL-3.0-only OR MIT", true),
        ("MIT AND GPL-3.0-only", false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("(MIT OR Apache-2.0) AND GPL-3.0-only", false),
        ("MIT OR GPL-3.0-only AND SSPL-1.0", true),
        ("Apache-2.0 / MIT", true),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("GPL-2.0 WITH Classpath-exception-2.0", false),
    ] {
        assert_eq!(accepted(expression), expected, "{expression}");
    }
}

#[test]
fn every_dependency_may_be_used_under_our_licence() {
    let packages = packages();
    assert!(packages.len() > 100, "{} packages", packages.len());
    for package in &packages {
        let (name, licence) = (&package["name"], package["license"].as_str());
        assert!(licence.is_some_and(accepted), "{name} is under {licence:?}");
    }
    assert!(fs::read_to_string(root("LICENSE")).unwrap().starts_with("EUROPEAN UNION PUBLIC LICENCE v. 1.2"));
}

/// Also for the platforms that this build is not for: the lock file names them all.
#[test]
fn everything_comes_from_the_one_registry_with_a_digest_and_nothing_brings_a_second_tls() {
    let lock: toml::Table = toml::from_str(&fs::read_to_string(root("Cargo.lock")).unwrap()).unwrap();
    let mut sources = BTreeSet::new();
    for package in lock["package"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        assert!(!NEVER.contains(&name), "{name}");
        if name == env!("CARGO_PKG_NAME") {
            continue;
        }
        let source = package.get("source").and_then(|source| source.as_str());
        assert!(source.is_some_and(|source| source.starts_with("registry+")), "{name}: {source:?}");
        sources.extend(source);
        assert!(package.get("checksum").is_some(), "{name} has no digest");
    }
    assert_eq!(sources.len(), 1, "more than one registry: {sources:?}");
}

#[test]
fn no_crate_is_there_twice_without_a_reason() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages() {
        let text = |key: &str| package[key].as_str().unwrap().to_owned();
        versions.entry(text("name")).or_default().insert(text("version"));
    }
    let twice: BTreeSet<&str> =
        versions.iter().filter(|(_, all)| all.len() > 1).map(|(name, _)| name.as_str()).collect();
    let known: BTreeSet<&str> = TWICE.iter().map(|(name, _)| *name).collect();
    assert_eq!(twice, known, "left: there now; right: known, each with its reason");
}

#[test]
fn no_dependency_is_unused() {
    fn text(folder: &Path) -> String {
        fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| match path.extension().and_then(|ending| ending.to_str()) {
                _ if path.is_dir() => text(&path),
                Some("rs") => fs::read_to_string(&path).unwrap(),
                _ => String::new(),
            })
            .collect()
    }
    let manifest: toml::Table = toml::from_str(&fs::read_to_string(root("Cargo.toml")).unwrap()).unwrap();
    let ours = text(&root("src"));
    let theirs = format!("{ours}{}{}", text(&root("tests/it")), text(&root("benches")));
    for (section, code) in [("dependencies", &ours), ("dev-dependencies", &theirs)] {
        for name in manifest[section].as_table().unwrap().keys() {
            let path = format!("{}::", name.replace('-', "_"));
            assert!(code.contains(&path), "{name} stands in [{section}], and no code names it");
        }
    }
}

fn root(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
