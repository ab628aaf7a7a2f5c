use super::*;

#[test]
fn every_rule_finds_its_examples_and_not_its_counter_examples() {
    let rules = RuleSet::embedded();
    let faults: Vec<_> = rules.check_examples().iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
