//! Held-out scores → probabilities that mean what they say, and from which one a person looks.

use super::{Example, HEADS, Model, Ruled, Scores, Standing};
use crate::domain::classify::model::Head;

/// The heads that find something by themselves.
const SPEAKING: usize = HEADS - 1;

/// A head calls nobody by itself unless so much of what it says alone is so.
const RIGHT_ALONE: f64 = 0.8;

/// Below this probability a head calls nobody by itself, whatever the budget allows.
const LEAST_ALONE: f32 = 0.6;

/// However much it would find beside a rule, below this probability a head is silent: the labelled texts are far rougher
/// than what a municipality reads.
const LEAST_BESIDE: f32 = 0.3;

/// The precision from which the model counts as a second source, and the fewest hits that it is believed on.
const SURE: (f64, usize) = (0.95, 10);

/// Thresholds that are tried: few, so that no single text decides one.
const LOOKS: [f32; 15] = [0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9, 0.95];

/// How rough a window must be for a head to speak, likewise.
const GATES: [f32; 10] = [0.0, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8];

/// Sets probabilities and thresholds by the held-out scores, and calibrates those too.
pub(super) fn set(model: &mut Model, examples: &[Example], held_out: &mut [Option<Scores>], budget: &[f64]) {
    for head in 0..HEADS {
        let (slope, intercept) = calibrate(head, examples, held_out);
        model.calibration[head] = (slope, intercept);
        let again = |probability: &mut f32| {
            let logit = logit(*probability);
            *probability = super::super::sigmoid(slope * logit + intercept);
        };
        for scores in held_out.iter_mut().flatten() {
            again(&mut scores.probability[head]);
            if head == Head::Rough as usize {
                scores.rough.iter_mut().for_each(again);
            }
        }
    }
    let (look, gate) = thresholds(examples, held_out, budget);
    for head in 0..SPEAKING {
        model.look[head] = look[head];
        model.gate[head] = gate[head];
        model.beside[head] = beside(head, examples, held_out, (look[head], gate[head]));
        model.sure[head] = sure(head, examples, held_out).max(look[head]);
    }
}

fn logit(probability: f32) -> f32 {
    let probability = probability.clamp(1e-7, 1.0 - 1e-7);
    (probability / (1.0 - probability)).ln()
}

fn calibrate(head: usize, examples: &[Example], held_out: &[Option<Scores>]) -> (f32, f32) {
    let measured = examples.iter().filter(|example| example.standing == Standing::Measured).count();
    let clean = examples.iter().filter(|example| matches!(example.standing, Standing::Clean(_))).count();
    // As much innocent text as labelled text: where the real share lies, nobody knows before a municipality has
    // measured it.
    #[expect(clippy::cast_precision_loss, reason = "counts of texts")]
    let light = if clean == 0 { 0.0 } else { measured as f64 / clean as f64 };
    let points: Vec<(f64, bool, f64)> = examples
        .iter()
        .zip(held_out)
        .filter_map(|(example, scores)| {
            let weight = if example.standing == Standing::Measured { 1.0 } else { light };
            scores.map(|scores| (f64::from(logit(scores.probability[head])), example.labels[head], weight))
        })
        .collect();
    platt(&points)
}

/// Newton's method on two numbers; targets pulled in by one text each way, as Platt (1999) has it.
fn platt(points: &[(f64, bool, f64)]) -> (f32, f32) {
    let sum = |label| -> f64 { points.iter().filter(|point| point.1 == label).map(|point| point.2).sum() };
    let (yes, no) = (sum(true), sum(false));
    let (high, low) = ((yes + 1.0) / (yes + 2.0), 1.0 / (no + 2.0));
    let (mut slope, mut intercept) = (1.0_f64, 0.0_f64);
    for _ in 0..50 {
        let (mut ga, mut gb, mut haa, mut hab, mut hbb) = (0.0, 0.0, 1e-9, 0.0, 1e-9);
        for &(logit, label, weight) in points {
            let p = 1.0 / (1.0 + (-(slope * logit + intercept)).exp());
            let error = weight * (p - if label { high } else { low });
            let bend = weight * p * (1.0 - p);
            ga += error * logit;
            gb += error;
            haa += bend * logit * logit;
            hab += bend * logit;
            hbb += bend;
        }
        let determinant = haa * hbb - hab * hab;
        if determinant.abs() < 1e-12 {
            break;
        }
        let (da, db) = ((hbb * ga - hab * gb) / determinant, (haa * gb - hab * ga) / determinant);
        slope -= da.clamp(-1.0, 1.0);
        intercept -= db.clamp(-1.0, 1.0);
        if da.abs() + db.abs() < 1e-9 {
            break;
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "two numbers near one")]
    let both = (slope.max(0.05) as f32, intercept as f32);
    both
}

/// Whether the rules have used up the alarm about an innocent text.
fn spends(ruled: Ruled) -> bool {
    matches!(ruled, Ruled::Called | Ruled::Elsewhere)
}

/// A pair of thresholds of one head: what it gives, and whom it alarms.
struct Choice {
    look: f32,
    gate: f32,
    f1: f64,
    /// One bit an innocent text.
    alarms: Vec<u64>,
}

/// The thresholds with a large sum of F1, of rules and model together, that keep all heads and the rules together within
/// the budget of every pool. An innocent text that the rules alarm about is spent already, whatever the model says.
///
/// All heads begin silent. Then every pair of heads in turn takes the best two choices that the budgets allow beside
/// what the others have, until no pair finds anything better: no two changes can make the sum larger.
fn thresholds(
    examples: &[Example],
    held_out: &[Option<Scores>],
    budget: &[f64],
) -> ([f32; HEADS], [f32; HEADS]) {
    let seen: Vec<(&Example, Scores)> = examples
        .iter()
        .zip(held_out)
        .filter_map(|(example, scores)| scores.map(|scores| (example, scores)))
        .collect();
    let innocent: Vec<(usize, Ruled, Scores)> = seen
        .iter()
        .filter_map(|(example, scores)| match example.standing {
            Standing::Clean(pool) => Some((usize::from(pool), example.ruled, *scores)),
            _ => None,
        })
        .collect();
    let pools: Vec<(Vec<u64>, u32)> = budget
        .iter()
        .enumerate()
        .map(|(pool, allowed)| {
            let size = innocent.iter().filter(|(of, _, _)| *of == pool).count();
            let spent = innocent.iter().filter(|(of, ruled, _)| *of == pool && spends(*ruled)).count();
            let (size, spent) =
                (u32::try_from(size).unwrap_or(u32::MAX), u32::try_from(spent).unwrap_or(u32::MAX));
            let of = bits(innocent.iter().map(|(of, ruled, _)| *of == pool && !spends(*ruled)));
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of texts")]
            let most = (allowed / 1000.0 * f64::from(size)).max(0.0) as u32;
            (of, most.saturating_sub(spent))
        })
        .collect();
    let choices: Vec<Vec<Choice>> = (0..SPEAKING).map(|head| choices(head, &seen, &innocent)).collect();
    let mut taken = [0_usize; SPEAKING];
    loop {
        let before = taken;
        for one in 0..SPEAKING {
            for two in one + 1..SPEAKING {
                let mut rest = vec![0_u64; innocent.len().div_ceil(64)];
                for head in (0..SPEAKING).filter(|head| *head != one && *head != two) {
                    join(&mut rest, &choices[head][taken[head]].alarms);
                }
                let mut best = choices[one][taken[one]].f1 + choices[two][taken[two]].f1;
                let mut with_one = rest.clone();
                for (at, first) in choices[one].iter().enumerate() {
                    with_one.copy_from_slice(&rest);
                    join(&mut with_one, &first.alarms);
                    for (other, second) in choices[two].iter().enumerate() {
                        let sum = first.f1 + second.f1;
                        if sum > best + 1e-9 && pools.iter().all(|pool| fits(&with_one, &second.alarms, pool))
                        {
                            best = sum;
                            (taken[one], taken[two]) = (at, other);
                        }
                    }
                }
            }
        }
        if taken == before {
            break;
        }
    }
    let (mut look, mut gate) = ([2.0; HEADS], [0.0; HEADS]);
    for (head, at) in taken.into_iter().enumerate() {
        (look[head], gate[head]) = (choices[head][at].look, choices[head][at].gate);
    }
    (look, gate)
}

fn bits(flags: impl Iterator<Item = bool>) -> Vec<u64> {
    let mut words = Vec::new();
    for (at, flag) in flags.enumerate() {
        if at % 64 == 0 {
            words.push(0);
        }
        if let Some(word) = words.last_mut() {
            *word |= u64::from(flag) << (at % 64);
        }
    }
    words
}

fn join(to: &mut [u64], more: &[u64]) {
    to.iter_mut().zip(more).for_each(|(to, more)| *to |= more);
}

fn fits(one: &[u64], two: &[u64], (pool, most): &(Vec<u64>, u32)) -> bool {
    one.iter().zip(two).zip(pool).map(|((one, two), pool)| ((one | two) & pool).count_ones()).sum::<u32>()
        <= *most
}

fn choices(head: usize, seen: &[(&Example, Scores)], innocent: &[(usize, Ruled, Scores)]) -> Vec<Choice> {
    let mut all = Vec::with_capacity(1 + LOOKS.len() * GATES.len());
    // The first is silent.
    for look in std::iter::once(2.0).chain(LOOKS.into_iter().filter(|look| *look >= LEAST_ALONE)) {
        for gate in GATES {
            let says = |ruled: Ruled, scores: &Scores| {
                let asked = matches!(ruled, Ruled::Nothing | Ruled::Elsewhere);
                asked && scores.probability[head] >= look && scores.rough[head] >= gate
            };
            let (mut hits, mut told, mut there) = (0_u32, 0_u32, 0_u32);
            let (mut alone, mut right) = (0_u32, 0_u32);
            for (example, scores) in seen.iter().filter(|(example, _)| example.standing == Standing::Measured)
            {
                // What the rules have found is found at every threshold.
                let said = says(example.ruled, scores);
                let (is, found) = (example.labels[head], example.found[head] || said);
                alone += u32::from(said);
                right += u32::from(said && is);
                hits += u32::from(is && found);
                told += u32::from(found);
                there += u32::from(is);
            }
            if f64::from(right) < RIGHT_ALONE * f64::from(alone) {
                continue;
            }
            let alarms = bits(innocent.iter().map(|(_, ruled, scores)| says(*ruled, scores)));
            all.push(Choice {
                look,
                gate,
                f1: f64::from(2 * hits) / f64::from((told + there).max(1)),
                alarms,
            });
        }
    }
    all
}

/// From which probability a head does best where the rules have called a person already, beside what it says elsewhere;
/// 2 when it does best to be silent there, and what it needs alone when no example tells.
fn beside(head: usize, examples: &[Example], held_out: &[Option<Scores>], (look, gate): (f32, f32)) -> f32 {
    let seen: Vec<(&Example, Scores)> = examples
        .iter()
        .zip(held_out)
        .filter(|(example, _)| example.standing == Standing::Measured)
        .filter_map(|(example, scores)| scores.map(|scores| (example, scores)))
        .collect();
    let (mut best, mut chosen) = (-1.0, look);
    for threshold in [look, 2.0].into_iter().chain(LOOKS.into_iter().filter(|look| *look >= LEAST_BESIDE)) {
        let (mut hits, mut told, mut there) = (0_u32, 0_u32, 0_u32);
        for (example, scores) in &seen {
            let probability = scores.probability[head];
            let says = match example.ruled {
                Ruled::Called => probability >= threshold,
                Ruled::Excused => false,
                Ruled::Nothing | Ruled::Elsewhere => probability >= look && scores.rough[head] >= gate,
            };
            let (is, found) = (example.labels[head], example.found[head] || says);
            hits += u32::from(is && found);
            told += u32::from(found);
            there += u32::from(is);
        }
        let f1 = f64::from(2 * hits) / f64::from((told + there).max(1));
        if f1 > best + 1e-9 {
            (best, chosen) = (f1, threshold);
        }
    }
    chosen
}

/// The lowest threshold above which what the model says is nearly always so; 2 when there is none.
fn sure(head: usize, examples: &[Example], held_out: &[Option<Scores>]) -> f32 {
    let mut ranked: Vec<(f32, bool)> = examples
        .iter()
        .zip(held_out)
        .filter_map(|(example, scores)| scores.map(|scores| (scores.probability[head], example.labels[head])))
        .collect();
    ranked.sort_by(|one, two| two.0.total_cmp(&one.0));
    let (mut hits, mut lowest) = (0, 2.0);
    for (at, (score, label)) in ranked.iter().enumerate() {
        hits += usize::from(*label);
        #[expect(clippy::cast_precision_loss, reason = "counts of texts")]
        if at + 1 >= SURE.1 && hits as f64 >= SURE.0 * (at + 1) as f64 {
            lowest = *score;
        }
    }
    lowest
}
