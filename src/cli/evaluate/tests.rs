use super::*;

fn run_on(input: &str, json: bool) -> (bool, String) {
    let mut out = Vec::new();
    let report = Report { json, ..Report::default() };
    let sound = run(input.as_bytes(), &mut out, &RuleSet::embedded(), &Policies::default(), &report).unwrap();
    (sound, String::from_utf8(out).unwrap())
}

const FILE: &str = "id\tlabels\tneeds_answer\thard\ttext\n\
    1\tinsult\tfalse\t\tDin idiot\n\
    2\tinsult;threat\tfalse\tsarcasm\tSol i dag\n\
    3\t\ttrue\t\tNär öppnar badet?\n\
    4\t\tfalse\ttrap\tDin idiot\n";

#[test]
fn hits_misses_and_false_alarms_are_counted_by_category_and_split() {
    let (sound, out) = run_on(FILE, true);
    assert!(sound);
    let rows: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let row = |split: &str, category: &str| {
        rows.iter().find(|row| row["split"] == split && row["category"] == category).unwrap().clone()
    };
    let insult = row("all", "insult");
    assert_eq!(
        (&insult["hits"], &insult["false_alarms"], &insult["misses"]),
        (&1.into(), &1.into(), &1.into())
    );
    assert_eq!(
        (&insult["precision"], &insult["recall"], &insult["support"]),
        (&0.5.into(), &0.5.into(), &2.into())
    );
    assert_eq!(row("easy", "insult")["precision"], 1.0);
    assert_eq!(row("hard", "threat")["recall"], 0.0);
    let summary = rows.iter().find(|row| row["split"] == "all" && row["lines"].is_u64()).unwrap();
    assert_eq!((&summary["clean_lines"], &summary["clean_alarmed"]), (&2.into(), &1.into()));
    assert_eq!((&summary["needs_answer_lines"], &summary["needs_answer_right"]), (&4.into(), &4.into()));
}

#[test]
fn the_table_for_people_says_the_same() {
    let (_, out) = run_on(FILE, false);
    for part in [
        "all: 4 lines",
        "insult",
        "0.500",
        "false alarms on clean lines: 1 of 2",
        "needs_answer right: 4 of 4",
    ] {
        assert!(out.contains(part), "{out}");
    }
}

#[test]
fn a_bad_line_is_told_and_the_rest_is_counted() {
    let (sound, out) = run_on(
        "id\tlabels\tneeds_answer\thard\ttext\n1\tnonsense\tfalse\t\tx\n2\tinsult\n3\t\tmaybe\t\tx\n4\t\tfalse\t\thej\n",
        false,
    );
    assert!(!sound);
    for part in
        ["line 2: unknown category", "line 3: fewer than five", "line 4: needs_answer", "all: 1 lines"]
    {
        assert!(out.contains(part), "{out}");
    }
    assert!(!run_on("1\t\tfalse\t\thej\n", false).0, "a file without its header is bad");
}
