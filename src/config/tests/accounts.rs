//! What follows from several tables at once: who has access, who is there, and which services are allowed.

use super::{EXAMPLE, changed, examine, shown};

/// The example without training, under a profile that only advises it.
fn blank(from: &str, to: &str) -> String {
    changed(from, to).replacen("profile = \"arjeplog\"", "profile = \"blank\"", 1)
}

fn warnings(text: &str) -> Vec<String> {
    let examined = examine(text);
    assert_eq!(examined.faults, []);
    examined.warnings.iter().map(|warning| shown(&warning.0)).collect()
}

fn faults(text: &str) -> Vec<String> {
    examine(text).faults.iter().map(shown).collect()
}

fn with_absences(absences: &[(&str, &str, &str)]) -> String {
    let tables = absences.iter().map(|(person, from_to, kind)| {
        format!("[[absence]]\nperson = \"{person}\"\n{from_to}\nkind = \"{kind}\"\n")
    });
    format!("{EXAMPLE}\n{}", tables.collect::<String>())
}

/// Source: R58, and its correction in part 11.
#[test]
fn an_untrained_editor_is_refused_by_arjeplog_and_warned_of_by_blank() {
    let untrained = "trained = 2026-03-01\ndeputy";
    let told = faults(&changed(untrained, "deputy"));
    assert_eq!(told.len(), 2, "one for each account: {told:#?}");
    assert!(
        told[0].contains("editor `anna` is not trained as an editor, which the profile demands"),
        "{told:#?}"
    );
    let told = warnings(&blank(untrained, "deputy"));
    assert_eq!(told.len(), 2);
    assert!(told[0].contains("editor `anna` is not trained as an editor;"), "{told:#?}");
    let overridden = format!("editors = {{ trained = false }}\n{}", changed(untrained, "deputy"));
    assert_eq!(warnings(&overridden).len(), 2);
}

#[test]
fn an_editor_who_is_not_employed_is_refused_by_arjeplog_and_warned_of_by_blank() {
    let hired = "employed = true\ntrained = 2026-03-01\ndeputy";
    let told = faults(&changed(hired, "trained = 2026-03-01\ndeputy"));
    assert!(told[0].contains("editor `anna` is not employed, which the profile demands"), "{told:#?}");
    let told = warnings(&blank(hired, "trained = 2026-03-01\ndeputy"));
    assert!(told[0].contains("editor `anna` is not employed;"), "{told:#?}");
}

/// Source: R62, N11.
#[test]
fn fewer_than_two_with_access_is_a_warning_that_names_the_account() {
    let told = warnings(&with_absences(&[
        ("erik", "from = 2026-11-01", "leave"),
        ("anna", "from = 2027-02-01", "ended"),
    ]));
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].starts_with("113: account[fb].editors: 1 of the persons named has access"), "{told:#?}");
    // Somebody who is away comes back, and counts.
    assert_eq!(warnings(&with_absences(&[("erik", "from = 2026-11-01", "away")])).len(), 0);
}

/// Source: R3.
#[test]
fn a_day_on_which_nobody_at_all_is_there_is_told() {
    let holiday = "from = 2026-12-28\nto = 2026-12-30";
    let everybody = ["erik", "chef", "it"].map(|person| (person, holiday, "away"));
    let told = warnings(&with_absences(&everybody));
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].contains("account[fb].editors: nobody is there from 2026-12-28"), "{told:#?}");
    let but_one = &everybody[..2];
    assert_eq!(warnings(&with_absences(but_one)).len(), 0, "the operator is there");
    let for_good = ["anna", "erik", "chef", "it"].map(|person| (person, "from = 2027-03-01", "away"));
    let told = faults(&with_absences(&for_good));
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].contains("nobody is there from 2027-03-01"), "{told:#?}");
}

#[test]
fn a_loop_of_three_deputies_is_told_once() {
    let text = EXAMPLE.replacen(
        "roles = [\"editor\", \"communicator\"]",
        "deputy = \"chef\"\nroles = [\"editor\", \"communicator\"]",
        1,
    );
    assert_eq!(
        faults(&text),
        ["92: person[chef].deputy: deputies in a loop: chef → erik → chef; end the chain with somebody"]
    );
    let text = text.replacen(
        "deputy = \"erik\"\n\n[[person]]\nid = \"registrator\"",
        "deputy = \"anna\"\n\n[[person]]\nid = \"registrator\"",
        1,
    );
    assert_eq!(
        faults(&text),
        [
            "74: person[anna].deputy: deputies in a loop: anna → erik → chef → anna; end the chain with somebody"
        ]
    );
}

/// Source: R8, R9: a company decides itself; a decision that is taken back allows again.
#[test]
fn a_service_may_be_forbidden_to_a_board_and_allowed_to_a_company() {
    let denied = "facebook = { by = \"KD\", on = 2026-01-01, dnr = \"KS 1\" }\n";
    let text = EXAMPLE.replacen("[denied]\n", &format!("[denied]\n{denied}"), 1);
    assert_eq!(faults(&text).len(), 1);
    let company = text.replacen("kind = \"board\"", "kind = \"company\"", 1);
    assert_eq!(faults(&company), [""; 0]);
    let own = company.replacen(
        "[[person]]",
        "[board.denied]\nBluesky = { by = \"VD\", on = 2026-02-02, dnr = \"B 2\" }\n[[person]]",
        1,
    );
    let told = faults(&own);
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("\"bluesky\" is forbidden by decision of VD, 2026-02-02, B 2"), "{told:#?}");
}

#[test]
fn the_emulator_and_loopback_need_no_secret_and_take_any_id() {
    for api in ["sandbox", "http://127.0.0.1:9/facebook/v25.0/", "http://[::1]:9", "http://localhost:9"] {
        let text = changed("api = \"https://graph.facebook.com/v25.0\"", &format!("api = \"{api}\""))
            .replacen("token_file = \"fb-token\"", "", 1)
            .replacen("123456789012345", "sidan", 1);
        assert_eq!(warnings(&text), [""; 0]);
    }
}

#[test]
fn an_empty_installation_is_whole_and_warned_of() {
    let text = EXAMPLE.split("[[account]]").next().unwrap();
    assert_eq!(warnings(text), ["account: is missing: nothing is watched; add [[account]]"]);
}
