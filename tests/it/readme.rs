//! The README keeps to what is there: every test that a promise names exists, and so does every file.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// The text of every Rust file below `folder`.
fn code(folder: &Path) -> String {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| match path.extension().and_then(|ending| ending.to_str()) {
            _ if path.is_dir() => code(&path),
            Some("rs") => fs::read_to_string(&path).unwrap(),
            _ => String::new(),
        })
        .collect()
}

/// The lines of the section with this heading.
fn section(heading: &str) -> Vec<String> {
    let text = readme();
    let lines = text.lines().skip_while(|line| *line != format!("## {heading}")).skip(1);
    lines.take_while(|line| !line.starts_with("## ")).map(str::to_owned).collect()
}

#[test]
fn every_promise_names_tests_that_exist() {
    let library = code(&root().join("src"));
    let rows: Vec<String> = section("Promises")
        .into_iter()
        .filter(|line| {
            line.strip_prefix("| ").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        })
        .collect();
    assert_eq!(rows.len(), 10, "the ten promises");
    let mut missing = Vec::new();
    for row in rows {
        let attacks = row.split('|').nth(4).unwrap();
        let names: Vec<&str> = attacks.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test attacks {row}");
        for name in names {
            let found = match name.split_once("::") {
                Some((file, test)) => fs::read_to_string(root().join(format!("tests/it/{file}.rs")))
                    .is_ok_and(|text| text.contains(&format!("fn {test}("))),
                None => library.contains(&format!("fn {name}(")),
            };
            if !found {
                missing.push(name.to_owned());
            }
        }
    }
    assert!(missing.is_empty(), "the README names tests that do not exist: {missing:#?}");
}

#[test]
fn every_link_and_every_module_of_the_map_leads_somewhere() {
    let text = readme();
    let links = text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
    let modules = section("Codemap")
        .into_iter()
        .filter_map(|line| line.strip_prefix("| `").and_then(|row| row.split('|').next().map(str::to_owned)))
        .flat_map(|cell| {
            cell.split_whitespace().map(|name| format!("src/{}", name.trim_matches('`'))).collect::<Vec<_>>()
        })
        .collect::<Vec<_>>();
    assert!(modules.len() > 10, "{modules:?}");
    for path in links.map(str::to_owned).chain(modules) {
        assert!(path.starts_with("https://") || root().join(&path).exists(), "{path}");
    }
}

/// Code in the README is read by people and by no compiler.
#[test]
fn no_fence_of_the_readme_is_a_doctest() {
    let text = readme();
    for (index, fence) in text.lines().filter(|line| line.starts_with("```")).enumerate() {
        assert!(index % 2 == 1 || ["```sh", "```text"].contains(&fence), "{fence}");
    }
}
