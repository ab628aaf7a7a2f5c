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

/// What a text is made of, over and over: ordinary words, and what could keep a careless reader busy.
const UNITS: &[(&str, &str)] = &[
    ("clean", COMMENTS[0].1),
    ("insult", COMMENTS[2].1),
    ("one-letter", "a"),
    ("digits", "1"),
    ("numbers", "1212121212 "),
    ("telephones", "070-174 06 33 "),
    ("quotations", "\"'”»"),
    ("zero-width", "\u{200b}a"),
    ("combining", "a\u{301}"),
    ("marks", "\u{301}"),
    ("leet", "1d10t j4vl4 "),
    ("spaced", "i d i o t "),
    ("dotted", "i.d.i.o.t "),
    ("stretched", "iiidiiiooot "),
    ("masked", "j*vla id**t "),
    ("almost", "jag ska ska slå inte "),
    ("look-alikes", "іdіоt "),
    ("addresses", "www.a.se "),
    ("mentions", "@a. "),
    ("flags", "\u{1f1e6}"),
    ("emoji", "👍"),
    ("ligature", "\u{fdfa}"),
    ("zeros", "\0"),
];

/// The curve: ten bytes to a hostile megabyte. Time per byte must not grow with the length.
fn length(criterion: &mut Criterion) {
    let (rules, policies) = (RuleSet::embedded(), Policies::default());
    let mut group = criterion.benchmark_group("judge-length");
    group.sample_size(10);
    for length in [10, 100, 1_000, 10_000, 100_000, 1_000_000] {
        for (name, unit) in UNITS {
            let mut text = unit.repeat(length / unit.len() + 1);
            text.truncate(text.floor_char_boundary(length));
            group.throughput(Throughput::Bytes(text.len() as u64));
            let input = Input { text: &text, ..Input::default() };
            group.bench_function(format!("{name}/{length}"), |bencher| {
                bencher.iter(|| classify(&rules, &policies, black_box(&input)));
            });
        }
    }
    group.finish();
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

criterion_group!(benches, judge, length, model);
criterion_main!(benches);
