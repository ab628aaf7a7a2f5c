use super::*;

fn run_on(input: &[u8]) -> (bool, Vec<serde_json::Value>) {
    let mut out = Vec::new();
    let sound = run(input, &mut out, &RuleSet::embedded(), &Policies::default()).unwrap();
    let lines = String::from_utf8(out).unwrap();
    (sound, lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn one_line_out_per_line_in_in_the_same_order() {
    let (sound, lines) = run_on(b"{\"id\":\"b\",\"text\":\"Din idiot\"}\n{\"id\":\"a\",\"text\":\"\",\"platform\":null,\"parent\":null,\"new\":1}");
    assert!(sound);
    assert_eq!(lines.len(), 2);
    assert_eq!((lines[0]["id"].as_str(), lines[1]["id"].as_str()), (Some("b"), Some("a")));
    let finding = &lines[0]["findings"][0];
    assert_eq!((finding["category"].as_str(), finding["band"].as_str()), (Some("insult"), Some("obvious")));
    assert_eq!((finding["start"].as_u64(), finding["end"].as_u64()), (Some(0), Some(9)));
    assert!(
        finding["rule"].is_string()
            && finding["version"].is_u64()
            && finding["view"].is_string()
            && finding["confidence"].is_f64()
    );
    assert_eq!((lines[0]["proposal"].as_str(), lines[1]["proposal"].as_str()), (Some("hide"), Some("keep")));
    assert_eq!(lines[1]["needs_answer"].as_bool(), Some(false));
}

#[test]
fn a_bad_line_gives_its_number_and_never_its_text() {
    for bad in [
        &b"{"[..],
        b"[]",
        b"{\"id\":1}",
        b"{\"text\":\"hemlig\"}",
        b"{\"id\":\"1\",\"text\":7}",
        b"\xff\xfe",
        b"{\"id\":\"1\",\"text\":\"\\ud800\"}",
        b"",
        b"{\"id\":null,\"text\":\"hemlig\"}",
        b"{\"id\":\"1\",\"text\":\"hemlig\"} x",
        b"{\"id\":\"1\",\"text\":\"x\",\"platform\":[\"hemlig\"]}",
    ] {
        let input =
            [b"{\"id\":\"1\",\"text\":\"hej\"}\n", bad, b"\n{\"id\":\"3\",\"text\":\"hej\"}\n"].concat();
        let (sound, lines) = run_on(&input);
        assert!(!sound);
        assert_eq!(lines.len(), 3, "{}", String::from_utf8_lossy(bad));
        assert_eq!(lines[1]["line"].as_u64(), Some(2));
        assert!(lines[1]["error"].is_string() && !lines[1].to_string().contains("hemlig"), "{}", lines[1]);
        assert_eq!(lines[2]["id"].as_str(), Some("3"));
    }
}

#[test]
fn no_input_is_no_output() {
    assert_eq!(run_on(b""), (true, Vec::new()));
}

#[test]
fn line_ends_of_windows_are_line_ends() {
    let (sound, lines) = run_on(b"{\"id\":1,\"text\":\"hej\"}\r\n");
    assert!(sound);
    assert_eq!(lines[0]["id"].as_u64(), Some(1));
}

#[test]
fn a_megabyte_on_one_line_is_one_comment() {
    let line = format!("{{\"id\":\"1\",\"text\":\"{}\"}}\n", "hej ".repeat(1 << 18));
    let (sound, lines) = run_on(line.as_bytes());
    assert!(sound);
    assert_eq!(lines.len(), 1);
}
