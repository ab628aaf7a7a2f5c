//! How long one comment takes to judge.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use uppsikt::domain::classify::model::{Model, Reader};
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

/// The model alone: on the comments above, and over lengths up to a hostile megabyte.
fn model(criterion: &mut Criterion) {
    let model = Model::embedded();
    let mut reader = Reader::default();
    let mut group = criterion.benchmark_group("model");
    group.throughput(Throughput::Elements(1));
    for (name, text) in COMMENTS {
        group.bench_function(*name, |bencher| bencher.iter(|| model.score(&mut reader, black_box(text))));
    }
    group.finish();
    let mut group = criterion.benchmark_group("model-length");
    group.sample_size(10);
    for length in [100, 1_000, 10_000, 100_000, 1_000_000] {
        for (name, unit) in [("words", COMMENTS[2].1), ("one-letter", "a"), ("marks", "!?")] {
            let text: String = unit.chars().cycle().take(length).collect();
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function(format!("{name}/{length}"), |bencher| {
                bencher.iter(|| model.score(&mut reader, black_box(&text)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, judge, model);
criterion_main!(benches);
