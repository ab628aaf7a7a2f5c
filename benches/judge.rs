//! How long one comment takes to judge.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use uppsikt::domain::classify::{Input, Policies, RuleSet, classify};

const COMMENTS: &[(&str, &str)] = &[
    (
        "clean",
        "Tack för fin skötsel av lekplatsen vid skolan, barnen trivs och vi kommer gärna tillbaka i helgen igen.",
    ),
    (
        "question",
        "Hej! Vet ni när badhuset öppnar igen efter renoveringen, och gäller fjolårets badkort även i sommar?",
    ),
    (
        "insult",
        "Vilken jävla idiot är det som har ritat rondellen vid stationen, det går ju inte att köra där med släp.",
    ),
    (
        "disguised",
        "D1n jävla 1d10t, jag v3t var du b0r och vad du heter, skit stövel, sluta upp med det där nu genast!!!!",
    ),
];

fn judge(criterion: &mut Criterion) {
    let (rules, policies) = (RuleSet::embedded(), Policies::default());
    let mut group = criterion.benchmark_group("judge");
    group.throughput(Throughput::Elements(1));
    for (name, text) in COMMENTS {
        let input = Input { text, ..Input::default() };
        group
            .bench_function(*name, |bencher| bencher.iter(|| classify(&rules, &policies, black_box(&input))));
    }
    group.finish();
    criterion.bench_function("load", |bencher| bencher.iter(RuleSet::embedded));
}

criterion_group!(benches, judge);
criterion_main!(benches);
