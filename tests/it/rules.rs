//! Rules as the municipality's own data, through the program itself: written, checked, tried, replayed, explained.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;
use uppsikt::durable;

use crate::support::binary::{Set, Town, comment, told};

/// Ten lines, as the README of the rules shows them.
const ICE: &str = r#"[[rule]]
id = "egen-glassbilen"
version = 1
category = "commercial"
band = "look"
terms = ["glassbilen kommer"]
match = ["Glassbilen kommer på lördag"]
no_match = ["När kommer glassen till kiosken?"]
"#;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        durable::write(&folder.path().join(name), text.as_bytes(), 0o644).unwrap();
    }
    folder
}

fn program(arguments: &[&str], rules: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_uppsikt"))
        .args(["--config", "/nowhere/uppsikt.toml"])
        .args(arguments)
        .arg("--rules")
        .arg(rules)
        .output()
        .unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A quiet town whose machine hides nothing.
fn town(comments: &[String]) -> Town {
    Town::with(Set { automatic: false, ..Set::default() }, comments)
}

fn own(town: &Town, text: &str) {
    durable::create_folder(&town.path("rules")).unwrap();
    durable::write(&town.path("rules/egna.toml"), text.as_bytes(), 0o644).unwrap();
}

fn reply(id: u32, parent: u32, text: &str) -> String {
    let mut line: Value = serde_json::from_str(&comment(1, id, text)).unwrap();
    line["parent"] = json!(format!("1_{parent}"));
    line.to_string()
}

#[test]
fn a_word_and_its_examples_are_ten_lines_and_a_fault_names_line_and_remedy() {
    let well = folder(&[("egna.toml", ICE), ("läsmig.txt", "inget")]);
    let output = program(&["rules", "check"], well.path());
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(told(&output).contains("1 files of your own") && told(&output).contains(": 0 errors"));

    for (change, line, problem, remedy) in [
        (("terms =", "trems ="), 6, "there is no key `trems`", "did you mean `terms`?"),
        (
            ("\"commercial\"", "\"comercial\""),
            4,
            "`category` knows no `comercial`",
            "did you mean `commercial`?",
        ),
        (("\"look\"", "\"lok\""), 5, "`band` knows no `lok`", "did you mean `look`?"),
        (("[\"glassbilen kommer\"]", "\"glassbilen kommer\""), 6, "`terms` is a text", "terms = [\"…\"]"),
        (("glassbilen kommer\"", "Glassbilen kommer\""), 6, "capital letter", "small letters"),
        (
            ("glassbilen kommer\"", "<stafff> kommer\""),
            6,
            "there is no class `stafff`",
            "did you mean `staff`?",
        ),
        (("glassbilen kommer\"", "gl* kommer\""), 6, "too short", "three letters"),
        (("glassbilen kommer\"", "glassbilen ..40 kommer\""), 6, "is no gap", "..3"),
        (("version = 1", "version = \"ett\""), 3, "no whole number", "version = 1"),
        (("no_match = [\"När kommer glassen till kiosken?\"]", ""), 1, "lacks examples", "`no_match`"),
        (("kommer\"]\nmatch", "kommer]\nmatch"), 7, "is not TOML", "quotation mark"),
        (("[[rule]]", "[[rules]]"), 1, "there is no key `rules`", "did you mean `rule`?"),
        (("egen-glassbilen", "Egen Glassbil"), 2, "is no id", "a to z"),
        (
            ("match = [\"Glassbilen", "match = [\"Glassbil"),
            7,
            "none of its terms stands there",
            "change the rule",
        ),
        (("När kommer glassen", "När glassbilen kommer"), 8, "finds its counter-example", "change the rule"),
        (("band = \"look\"", "band = \"look\"\nuntil = 2027-01-31"), 6, "`until` without", "write both"),
    ] {
        let broken = folder(&[("egna.toml", &ICE.replacen(change.0, change.1, 1))]);
        let output = program(&["rules", "check", "--json"], broken.path());
        assert_eq!(output.status.code(), Some(1), "{change:?}: {}", told(&output));
        let lines = lines(&output);
        let fault = &lines[0];
        assert_eq!(fault["line"], line, "{fault}");
        assert!(fault["file"].as_str().unwrap().ends_with("/egna.toml"), "{fault}");
        assert!(fault["message"].as_str().unwrap().contains(problem), "{fault}");
        assert!(fault["remedy"].as_str().unwrap().contains(remedy), "{fault}");
        assert_eq!(lines.last().unwrap()["checked"]["errors"], lines.len() - 1);
    }
    let two =
        folder(&[("egna.toml", &format!("{}{}", ICE.replace("look", "lok"), ICE.replace("terms", "trems")))]);
    assert_eq!(lines(&program(&["rules", "check", "--json"], two.path())).len(), 3, "no fault hides another");
    let absent = program(&["rules", "check"], Path::new("/nowhere/rules"));
    assert_eq!(absent.status.code(), Some(2), "{}", told(&absent));
    let bytes = folder(&[]);
    durable::write(&bytes.path().join("egna.toml"), b"\xff\xfe", 0o644).unwrap();
    assert_eq!(program(&["rules", "check"], bytes.path()).status.code(), Some(2));
}

#[test]
fn a_change_names_a_rule_that_is_there_and_danger_is_never_on_trial_as_a_whole() {
    for (text, line, problem, remedy) in [
        (
            "[[change]]\nid = \"insult-adressed\"\nshadow = true\n",
            1,
            "no rule `insult-adressed`",
            "did you mean",
        ),
        ("[[change]]\nid = \"insult-addressed\"\n", 1, "changes nothing", "shadow = true"),
        ("[category.threat]\nshadow = true\n", 1, "never put on trial as a whole", "[[change]]"),
        ("\n[category.polit]\nshadow = true\n", 2, "no category `polit`", "[category.CODE]"),
        ("[class]\nswear = [\"Tusan\"]\n", 2, "capital letter", "small letters"),
        ("[class]\nmitt = [\"<swaer>\"]\n", 2, "no class `swaer`", "did you mean `swear`?"),
        ("[class]\nnumber = [\"ett\"]\n", 2, "is built in", "another name"),
    ] {
        let broken = folder(&[("egna.toml", text)]);
        let lines = lines(&program(&["rules", "check", "--json"], broken.path()));
        let fault = &lines[0];
        assert_eq!(fault["line"], line, "{fault}");
        assert!(fault["message"].as_str().unwrap().contains(problem), "{fault}");
        assert!(fault["remedy"].as_str().unwrap().contains(remedy), "{fault}");
    }
}

#[test]
fn own_rules_lie_over_the_embedded_ones_by_id_and_the_same_files_are_the_same_set() {
    let list = |files: &[(&str, &str)]| lines(&program(&["rules", "list", "--json"], folder(files).path()));
    let version = |files: &[(&str, &str)]| {
        lines(&program(&["rules", "check", "--json"], folder(files).path())).last().unwrap()["checked"]["version"].clone()
    };
    let plain = list(&[]);
    let over = list(&[("egna.toml", &ICE.replace("egen-glassbilen", "insult-addressed"))]);
    assert_eq!(over.len(), plain.len(), "it takes the other's place");
    let mine = over.iter().find(|rule| rule["id"] == "insult-addressed").unwrap();
    assert_eq!((&mine["category"], &mine["own"]), (&json!("commercial"), &json!(true)));
    let off = list(&[("egna.toml", "[[change]]\nid = \"insult-addressed\"\noff = true\n")]);
    assert_eq!(off.len(), plain.len() - 1);
    let words = include_str!("../../config/rules/words.toml");
    assert_eq!(version(&[("words.toml", words)]), version(&[]), "what is the same adds nothing");
    assert_eq!(
        version(&[("egna.toml", ICE)]),
        version(&[("egna.toml", &format!("# bara en anteckning\n{ICE}"))])
    );
    assert_ne!(version(&[("egna.toml", ICE)]), version(&[]));
}

#[test]
fn what_is_on_trial_is_counted_and_nothing_follows_until_it_is_turned_on() {
    let mut town = town(&[
        comment(1, 1, "Glassbilen kommer till torget i morgon"),
        comment(1, 2, "Din jävla idiot, glassbilen kommer aldrig"),
        comment(1, 3, "Tack för en fin lekplats"),
    ]);
    own(
        &town,
        &format!(
            "{ICE}shadow = true\nuntil = 2031-01-31\n\n[category.insult]\nshadow = true\n\n[category.profanity]\nshadow = true\n"
        ),
    );
    let check = town.run(&["check"]);
    assert!(
        told(&check).contains("the trial's time is over") || told(&check).contains("0 errors"),
        "{}",
        told(&check)
    );
    town.settle();
    assert_eq!(town.rows("select id from case_file"), [""; 0], "no case, so no duty and no letter");
    assert_eq!(town.rows("select proposal from assessment group by 1"), ["keep"]);
    let found = lines(&town.run(&["rules", "shadow", "--json"]));
    let texts = |rule: &str| found.iter().find(|line| line["rule"] == rule).map(|line| line["texts"].clone());
    assert_eq!(texts("egen-glassbilen"), Some(json!(2)), "{found:?}");
    assert!(found.iter().any(|line| line["category"] == "insult" && line["alone"] == 1), "{found:?}");
    let status = told(&town.run(&["status"]));
    assert!(status.contains("På prov"), "{status}");

    // Turned on: told before it counts.
    own(&town, ICE);
    let replay = lines(&town.run(&["rules", "replay", "--since", "2031-03-01", "--json"]));
    let sums = &replay.last().unwrap()["replayed"];
    assert_eq!((&sums["texts"], &sums["changed"]), (&json!(3), &json!(2)), "{replay:?}");
    assert!(
        sums["moves"]
            .as_array()
            .unwrap()
            .contains(&json!({ "category": "commercial", "from": "-", "to": "look", "count": 2 })),
        "{sums}"
    );
    let words = told(&town.run(&["rules", "replay", "--since", "2031-03-01"]));
    assert!(
        words.contains("fb/1_1: commercial - → look") && words.contains("Ingenting har ändrats."),
        "{words}"
    );
    assert!(
        !words.to_lowercase().contains("glassbilen") && !words.contains("idiot"),
        "no text is told: {words}"
    );
    assert_eq!(town.rows("select proposal from assessment group by 1"), ["keep"], "nothing is changed");
    let none = lines(&town.run(&["rules", "replay", "--since", "2032-01-01", "--json"]));
    assert_eq!(none[0]["replayed"]["texts"], 0);
}

#[test]
fn a_rule_set_with_a_fault_stops_the_daemon_and_check_says_where() {
    let mut town = town(&[comment(1, 1, "Tack")]);
    own(&town, &ICE.replace("look", "lok"));
    let check = town.run(&["check"]);
    assert_eq!(check.status.code(), Some(1));
    assert!(
        told(&check).contains("egna.toml:5: rule[egen-glassbilen]: `band` knows no `lok`"),
        "{}",
        told(&check)
    );
    let pass = town.pass();
    assert_eq!(pass.status.code(), Some(2));
    assert!(
        told(&pass).contains("egna.toml:5") && told(&pass).contains("did you mean `look`?"),
        "{}",
        told(&pass)
    );
}

#[test]
fn a_judgement_is_explained_and_made_again_by_the_rules_that_made_it() {
    let mut town = town(&[comment(1, 1, "Glassbilen kommer till torget"), comment(1, 2, "Din jävla idiot")]);
    own(&town, ICE);
    town.settle();
    let case = town.case_id("1_1");
    let explain = |town: &Town, case: &str| lines(&town.run(&["explain", case, "--json"]));
    let then = explain(&town, &case);
    let finding = &then[0]["findings"][0];
    assert_eq!((&finding["rule"], &finding["version"]), (&json!("egen-glassbilen"), &json!(1)));
    assert_eq!(
        (&finding["words"], &finding["line"], &finding["character"]),
        (&json!("Glassbilen kommer"), &json!(1), &json!(1))
    );
    assert_eq!(finding["paragraph"], "Riktlinjer för sociala medier, kommentarer p. 7 och 12");
    assert_eq!(then[0]["again"]["same"], true);

    // Years later: another rule with the same id, and another guideline. What was said then is said by what held then.
    own(
        &town,
        &ICE.replace("glassbilen kommer", "gubben kommer")
            .replace("Glassbilen kommer", "Gubben kommer")
            .replace("version = 1", "version = 2"),
    );
    let config = std::fs::read_to_string(town.path("uppsikt.toml")).unwrap();
    let changed = format!("{config}\n[category.commercial]\nparagraph = \"Nya riktlinjen p. 99\"\n");
    durable::write(&town.path("uppsikt.toml"), changed.as_bytes(), 0o600).unwrap();
    let later = explain(&town, &case);
    assert_eq!(later, then);
    let words = told(&town.run(&["explain", &case]));
    for part in ["version 1", "Glassbilen kommer", "p. 7 och 12", "samma utfall", "uppsikt 0.1.0"] {
        assert!(words.contains(part), "{words} lacks {part}");
    }

    // An edited comment is judged anew, by the new rules, and both versions are named.
    town.sandbox.control("edit", &json!({ "id": "1_1", "text": "Din jävla idiot, försvinn" }).to_string());
    town.settle();
    let both = explain(&town, &case);
    assert_eq!(both.len(), 2);
    let change = both[1]["change"].as_str().unwrap();
    assert!(change.contains("Version 2") && change.contains("ersatte version 1"), "{change}");
    assert!(change.contains("Tillkom: ") && change.contains("Föll bort: reklam"), "{change}");
    assert_eq!((&both[0]["again"]["same"], &both[1]["again"]["same"]), (&json!(true), &json!(true)));
    assert_ne!(both[0]["rules"], both[1]["rules"]);

    // By diary number, once there is one.
    let insult = town.case_id("1_2");
    assert_eq!(town.decide(&insult, "karin", "hide"), 0);
    town.settle();
    let dnr = town.one("select number from diary");
    let by_number = explain(&town, &dnr);
    assert_eq!(by_number, explain(&town, &insult));
    assert_eq!(town.run(&["explain", "c-999999"]).status.code(), Some(2));

    // A kept rule set cannot be changed unseen.
    let kept: u32 = town.one("select count(*) from rule_set").parse().unwrap();
    assert_eq!(kept, 2);
    let db = rusqlite::Connection::open(town.data().join("uppsikt.db")).unwrap();
    assert!(db.execute("update rule_set set files = replace(files, 'idiot', 'dumbom')", []).is_err());
    db.execute_batch(
        "drop trigger rule_set_fixed; update rule_set set files = replace(files, 'glassbilen', 'bilen')",
    )
    .unwrap();
    let untried = explain(&town, &case);
    assert!(untried[0]["again"]["untried"].as_str().unwrap().contains("inte längre"), "{}", untried[0]);
}

#[test]
fn the_language_model_that_judged_is_kept_with_the_rules() {
    let mut town =
        town(&[comment(1, 1, "Ni är ju för fan ena jävla korkade idioter hela bunten, dra åt helvete!")]);
    let config = std::fs::read_to_string(town.path("uppsikt.toml")).unwrap();
    let with = config.replace("[paths]\n", "[paths]\nmodel = \"built-in\"\n");
    durable::write(&town.path("uppsikt.toml"), with.as_bytes(), 0o600).unwrap();
    town.settle();
    durable::write(&town.path("uppsikt.toml"), config.as_bytes(), 0o600).unwrap();
    let said = lines(&town.run(&["explain", &town.case_id("1_1"), "--json"]));
    assert!(said[0]["rules"].as_str().unwrap().contains('+'), "{}", said[0]);
    assert_eq!(said[0]["again"]["same"], true, "{}", said[0]);
    // What the rules alone would say is told before anybody does away with the model.
    let replay = lines(&town.run(&["rules", "replay", "--since", "2031-03-01", "--json"]));
    assert_eq!(replay.last().unwrap()["replayed"]["texts"], 1);
    let db = rusqlite::Connection::open(town.data().join("uppsikt.db")).unwrap();
    db.execute("delete from language_model", []).unwrap();
    let said = lines(&town.run(&["explain", &town.case_id("1_1"), "--json"]));
    assert!(said[0]["again"]["untried"].as_str().unwrap().contains("inte sparad"), "{}", said[0]);
}

#[test]
fn who_only_agrees_is_looked_at_with_what_is_agreed_with_and_alarms_nobody_anew() {
    let mut town = town(&[
        comment(1, 1, "Jag ska döda dig, din jävel"),
        reply(2, 1, "Instämmer"),
        comment(1, 3, "Bibliotekets nya gardiner är fula"),
        reply(4, 3, "Instämmer"),
    ]);
    town.settle();
    assert_eq!(town.duties("1_1"), ["danger"]);
    assert_eq!(town.duties("1_2"), ["prompt_review"]);
    assert_eq!(
        town.rows("select c.native_id from case_file k join comment c on c.id = k.comment order by 1"),
        ["1_1", "1_2"]
    );
    let said = lines(&town.run(&["explain", &town.case_id("1_2"), "--json"]));
    let finding = &said[0]["findings"][0];
    assert_eq!(
        (&finding["rule"], &finding["category"], &finding["band"]),
        (&json!("agreement"), &json!("threat"), &json!("look"))
    );
    let context = finding["context"][0].as_str().unwrap();
    assert!(context.contains("döda dig") && context.contains("svarar på"), "{context}");
    assert_eq!(said[0]["proposal"], "review");
    assert_eq!(said[0]["again"]["same"], true);
}

#[test]
fn the_same_words_from_many_hands_are_spam_only_where_they_sell() {
    let scam = "Så här gjorde jag för att bli av med alla mina skulder på en månad, helt lagligt, se https://bit.example/x";
    let protest = "Jag motsätter mig att förskolan i byn läggs ner. Vi föräldrar behöver den, och nästa ligger fyra mil bort.";
    let mut all: Vec<String> = (1..=4).map(|n| comment(1, n, &format!("{scam}{n}"))).collect();
    all.extend((11..=16).map(|n| comment(2, n, &format!("{protest}{}", "!".repeat(n as usize % 3)))));
    all.extend((21..=26).map(|n| comment(3, n, "Grattis!")));
    let mut town = town(&all);
    town.settle();
    let flagged = town.rows(
        "select c.native_id from assessment a join version v on v.id = a.version join comment c on c.id = v.comment
         where a.findings like '%\"wave\"%' order by 1",
    );
    assert_eq!(flagged, ["1_3", "1_4"], "the third is the first of which it can be known");
    assert_eq!(
        town.rows("select proposal from assessment where findings like '%\"wave\"%' group by 1"),
        ["review"]
    );
    let said = lines(&town.run(&["explain", &town.case_id("1_4"), "--json"]));
    let wave = said[0]["wave"].as_str().unwrap();
    let third = town.case_id("1_3");
    for part in ["4 kommentarer av 4 skribenter", "fb/1_1", "fb/1_2", third.as_str()] {
        assert!(wave.contains(part), "{wave} lacks {part}");
    }
    assert_eq!(said[0]["again"]["same"], true);
    // A campaign is told of and is no finding; congratulations are not even that.
    let campaign =
        town.rows("select count(*) from assessment where notes like '%\"wave\"%' and findings = '[]'");
    assert_eq!(campaign, ["4"]);
    assert_eq!(town.rows("select count(*) from text_band where version in (select v.id from version v where v.text = 'Grattis!')"), ["0"]);
    // A week later the sketches are gone.
    town.now += chrono::TimeDelta::days(9);
    town.sandbox
        .control("add", &comment(1, 31, "Ett helt annat ord om något helt annat i en helt vanlig vecka"));
    town.settle();
    assert_eq!(town.one("select count(distinct version) from text_band"), "1");
}

#[test]
fn what_stands_above_decides_and_is_named() {
    let rule = "[[rule]]\nid = \"egen-hang\"\nversion = 1\ncategory = \"incitement_crime\"\nband = \"look\"\nterms = [\"häng dem|dom|den\", \"elda upp dem|dom|den\"]\nabout = \"people\"\nmatch = [\"Häng dem ↩ De där politikerna\", \"Elda upp dem ⌂ Här är kommunens nya handläggare\", \"Häng dem ⋮ Politikerna ljuger\"]\nno_match = [\"Häng dem ⌂ Biblioteket har fått nya gardiner\", \"Häng dem\"]\n";
    let own = folder(&[("egna.toml", rule)]);
    let output = program(&["rules", "check"], own.path());
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let things = rule.replace("\"people\"", "\"things\"");
    let output = program(&["rules", "check"], folder(&[("egna.toml", &things)]).path());
    assert_eq!(output.status.code(), Some(1));
    assert!(told(&output).contains("does not speak of things only"), "{}", told(&output));
}

#[test]
fn the_categories_are_told_with_guideline_law_and_who_is_told() {
    let categories = |profile: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_uppsikt"))
            .args(["categories", "--json", "--profile", profile])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        lines(&output)
    };
    for profile in ["arjeplog", "blank", "jonkoping", "tyreso"] {
        let all = categories(profile);
        assert_eq!(all.len(), 28, "DESIGN §5");
        for line in &all {
            for key in ["code", "name", "english", "proposal", "told"] {
                assert!(!line[key].as_str().unwrap().is_empty(), "{line}");
            }
            assert_eq!(line["automatic"], Value::Null, "nothing is automatic before it is decided");
            assert!(
                line["laws"].as_array().unwrap().iter().all(|law| !law["sfs"].as_str().unwrap().is_empty())
            );
        }
        assert_eq!(all.iter().filter(|line| line["bbs_5"] == true).count(), 8);
    }
    let silent: Vec<_> = categories("arjeplog")
        .iter()
        .filter(|line| line["paragraph"] == "")
        .map(|line| line["code"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(silent, ["personal_data", "sensitive_personal_data", "self_harm", "unreadable"]);
}
