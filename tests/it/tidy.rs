//! The rules of the house, held by a test: who may name what.

use std::fs;
use std::path::{Path, PathBuf};

/// Folder or file below `src/`, and the words that must not stand in its code.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (
        "domain/",
        &[
            "tokio",
            "tracing::",
            "anyhow",
            "rusqlite",
            "reqwest",
            "lettre",
            "axum",
            "std::fs",
            "std::net",
            "async ",
            "crate::store",
            "crate::connector",
            "crate::archive",
            "crate::mail",
            "crate::config",
            "crate::clock",
        ],
    ),
    ("connector/", &["rusqlite", "lettre", "crate::mail", "crate::steps"]),
    ("archive/", &["reqwest", "lettre", "crate::connector", "crate::mail", "crate::steps"]),
    ("mail/", &["rusqlite", "reqwest", "crate::connector", "crate::archive", "crate::steps"]),
    ("store/", &["reqwest", "lettre", "crate::mail", "crate::steps"]),
];

/// A word, and the only places below `src/` where it may stand.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("reqwest", &["connector/http.rs", "connector/http/"]),
    ("lettre", &["mail/"]),
    ("Utc::now", &["clock.rs"]),
    ("std::fs::write", &[]),
    (".post(", &["connector/http.rs", "connector/http/", "desk/", "sandbox/"]),
    (".put(", &["connector/http.rs", "connector/http/"]),
    (".delete(", &["connector/http.rs", "connector/http/", "sandbox/"]),
    ("rusqlite", &["store/", "archive/keys.rs"]),
];

/// A source file longer than this is not one idea.
const LONGEST: usize = 800;

fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    assert!(found.len() > 10, "the walk found only {} files", found.len());
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap().display().to_string();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// The lines of code, without comments and without the tests at the end of the file.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]" || line.starts_with(' '))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(number, line)| (number + 1, line))
}

#[test]
fn the_dependency_rules_hold() {
    let mut breaches = Vec::new();
    for (name, text) in sources() {
        for (number, line) in code(&text) {
            for (place, words) in FORBIDDEN {
                if name.starts_with(place) {
                    for word in *words {
                        if line.contains(word) && !exception(&name, word) {
                            breaches.push(format!("src/{name}:{number}: `{word}` may not stand in {place}"));
                        }
                    }
                }
            }
            for (word, places) in ONLY_IN {
                if line.contains(word) && !places.iter().any(|place| name.starts_with(place)) {
                    breaches.push(format!("src/{name}:{number}: `{word}` may stand only in {places:?}"));
                }
            }
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

/// The exceptions, each on purpose: the key table is a database of its own, kept by the archive.
fn exception(name: &str, word: &str) -> bool {
    name == "archive/keys.rs" && word == "rusqlite"
}

#[test]
fn no_source_file_holds_more_than_one_idea() {
    let long: Vec<_> = sources()
        .into_iter()
        .map(|(name, text)| (name, text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .collect();
    assert!(long.is_empty(), "longer than {LONGEST} lines: {long:?}");
}

#[test]
fn no_test_is_ignored_and_nothing_is_left_to_do() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for (name, text) in sources() {
        for (number, line) in text.lines().enumerate() {
            // The words are put together here so that this file does not find itself.
            for word in [
                concat!("#[ign", "ore"),
                concat!("todo", "!("),
                concat!("unimpl", "emented!("),
                concat!("#[al", "low("),
            ] {
                if line.contains(word) {
                    found.push(format!("src/{name}:{}: {word}", number + 1));
                }
            }
        }
    }
    assert!(root.join("Cargo.lock").is_file());
    assert!(found.is_empty(), "{}", found.join("\n"));
}
