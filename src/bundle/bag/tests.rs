use super::*;

#[test]
fn folder_names_are_plain_ascii_and_never_empty() {
    let record = "0197f3c2000000000000000000000000".parse().unwrap();
    for (number, expected) in [
        (Some("KS 2026/123"), "ks-2026-123_0197f3c2"),
        (Some("BUN 2026-00045:7"), "bun-2026-00045-7_0197f3c2"),
        (Some("Åäö/../x"), "aao-x_0197f3c2"),
        (Some("///"), "odiarieford_0197f3c2"),
        (Some(""), "odiarieford_0197f3c2"),
        (None, "odiarieford_0197f3c2"),
    ] {
        assert_eq!(folder_name(number, record), expected);
    }
    assert!(folder_name(Some(&"x".repeat(500)), record).len() < 80);
}

#[test]
fn a_value_never_begins_a_line_of_its_own() {
    assert_eq!(line("Kommun\nPayload-Oxum: 0.0\r"), "Kommun Payload-Oxum: 0.0");
}
