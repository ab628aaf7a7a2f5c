//! Examples → a model. The same examples in the same order with the same plan give the same file, byte for byte.
//!
//! Nothing is drawn at random: the examples are dealt to folds by a hash of their key and the seed, and the weights
//! are the one minimum of a convex function (logistic loss with a quadratic penalty). Examples with the same key
//! (translations of one text, a text and its continuation) never part company, so that no fold is judged by a model
//! that has seen its texts in another dress.

use sha2::{Digest, Sha256};

use super::features::{GROUPS, Group, Page, pair_rows};
use super::words::{MOST_CLASSES, WordFault, Words};
use super::{COLUMNS, HEADS, Head, Model, Reader, Ruled, Scores};

mod fit;
mod threshold;

/// What an example is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Standing {
    /// Like what will be judged: trained on, and the probabilities and thresholds are set by it.
    Measured,
    /// Only trained on: another language, a machine's text.
    Helping,
    /// Innocent text of the pool with this number: trained on, and held against the false-alarm budget.
    Clean(u8),
}

/// A text and what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// The text.
    pub text: String,
    /// Examples with the same key are never on both sides of a fold.
    pub key: String,
    /// What it is, by head.
    pub labels: [bool; HEADS],
    /// What the rules have found in it, by head: thresholds are set for both together.
    pub found: [bool; HEADS],
    /// How the rules stand to it.
    pub ruled: Ruled,
    /// How much it counts, 1 for an ordinary one; with 0 it is only held against thresholds.
    pub weight: f32,
    /// What it is for.
    pub standing: Standing,
}

/// How to train.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The model's name: lower-case letters, digits and hyphens.
    pub name: String,
    /// The model's version, from 1.
    pub version: u32,
    /// Deals the folds.
    pub seed: u64,
    /// The table has 2^bits rows.
    pub bits: u32,
    /// How many parts the examples are dealt to when thresholds are set.
    pub folds: u32,
    /// What is added to the square of each group's norm, in features of unit weight.
    pub floor: [f32; GROUPS],
    /// How much each group counts beside the others.
    pub share: [f32; GROUPS],
    /// How closely the weights follow the examples (C).
    pub strength: f64,
    /// Alarms of rules and model together, all heads, per thousand innocent texts, by pool.
    pub budget: Vec<f64>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            name: "sv".into(),
            version: 1,
            seed: 1,
            bits: 18,
            folds: 4,
            floor: [0.0, 0.0, 4.0],
            share: [1.0, 0.7, 1.0],
            strength: 3.0,
            budget: vec![9.0, 7.5, 17.0],
        }
    }
}

/// A model and what was learned on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// The model.
    pub model: Model,
    /// Of each measured or clean example, by its place: the probabilities by a model that had not seen it.
    pub held_out: Vec<Option<Scores>>,
}

/// Why nothing could be trained.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrainFault {
    /// The list of meanings cannot be read.
    #[error("the list of meanings: {0}")]
    Words(#[from] WordFault),
    /// Too few examples of one kind.
    #[error(
        "too few examples: {found} measured ones with `{head}`, at least {least} are needed; add examples or decisions"
    )]
    TooFew {
        /// Which head.
        head: &'static str,
        /// How many there are.
        found: usize,
        /// How many there must be.
        least: usize,
    },
    /// The plan is impossible.
    #[error("the plan's {0} is out of range")]
    Plan(&'static str),
}

/// With fewer, neither a probability nor a threshold means anything.
const LEAST: usize = 20;

/// Of a text that is only read as a whole (its label is about the whole), so many bytes are read.
const READ: usize = 400;

/// What the root of an idf of 1 weighs in a row; an idf is at most ten.
const UNIT: f32 = 12.0;

/// One row of the training matrix before it is weighed.
struct Instance {
    example: usize,
    /// Row, group, how often; sorted.
    features: Vec<(u32, u8, u16)>,
}

/// Trains a model and sets its probabilities and thresholds on folds that it has not seen.
///
/// # Errors
/// What is missing or impossible.
pub fn train(examples: &[Example], words: &str, plan: &Plan) -> Result<Trained, TrainFault> {
    if !(8..=22).contains(&plan.bits) {
        return Err(TrainFault::Plan("size"));
    }
    if !(2..=20).contains(&plan.folds) {
        return Err(TrainFault::Plan("number of folds"));
    }
    if !(plan.strength.is_finite() && plan.strength > 0.0) {
        return Err(TrainFault::Plan("strength"));
    }
    for head in Head::ALL {
        let measured = examples.iter().filter(|example| example.standing == Standing::Measured);
        let found = measured.filter(|example| example.labels[head as usize]).count();
        if found < LEAST {
            return Err(TrainFault::TooFew { head: head.code(), found, least: LEAST });
        }
    }
    let list = Words::parse(words)?;
    let instances = instances(examples, &list, plan.bits);
    let folds: Vec<u32> = examples.iter().map(|example| fold(&example.key, plan.seed, plan.folds)).collect();
    let mut held_out: Vec<Option<Scores>> = vec![None; examples.len()];
    let mut reader = Reader::default();
    for fold in 0..plan.folds {
        let model = weigh(examples, &instances, &list, plan, &|example| folds[example] != fold);
        for (at, example) in examples.iter().enumerate() {
            if folds[at] == fold && example.standing != Standing::Helping {
                held_out[at] = Some(model.score(&mut reader, &example.text));
            }
        }
    }
    let mut model = weigh(examples, &instances, &list, plan, &|_| true);
    threshold::set(&mut model, examples, &mut held_out, &plan.budget);
    model.trained_on = fingerprint(examples, words, plan);
    let hash = hex::encode(Sha256::digest(model.to_bytes()));
    model.hash = hash;
    Ok(Trained { model, held_out })
}

/// In which of `folds` parts the examples with a key are.
pub fn fold(key: &str, seed: u64, folds: u32) -> u32 {
    let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(key).finalize();
    u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]]) % folds
}

/// One hash for everything that decides what is learned.
fn fingerprint(examples: &[Example], words: &str, plan: &Plan) -> String {
    let mut sum = Sha256::new();
    sum.update(format!("{plan:?}\n{words}\n"));
    for example in examples {
        sum.update(format!(
            "{:?}\n",
            (&example.key, example.labels, example.found, example.ruled, example.standing)
        ));
        sum.update(example.weight.to_le_bytes());
        sum.update(&example.text);
    }
    hex::encode(sum.finalize())
}

/// Innocent texts are innocent in every window; what is said of another text is said of its beginning as a whole.
fn instances(examples: &[Example], list: &Words, bits: u32) -> Vec<Instance> {
    let mut page = Page::default();
    let mut all = Vec::new();
    let mut rows: Vec<(u32, u8)> = Vec::new();
    for (at, example) in examples.iter().enumerate().filter(|(_, example)| example.weight > 0.0) {
        let clean = matches!(example.standing, Standing::Clean(_));
        let length = if clean { usize::MAX } else { READ };
        page.read(list, &example.text, length);
        let whole = std::iter::once(0..page.words.len());
        let windows: Vec<_> = if clean { page.windows().collect() } else { whole.collect() };
        for window in windows {
            rows.clear();
            page.features(window, bits, |group, row, _, _| {
                rows.push((u32::try_from(row).unwrap_or_default(), group as u8));
            });
            rows.sort_unstable();
            let features = rows
                .chunk_by(|one, two| one == two)
                .map(|same| (same[0].0, same[0].1, u16::try_from(same.len()).unwrap_or(u16::MAX)))
                .collect();
            all.push(Instance { example: at, features });
        }
    }
    all
}

/// A model of some of the examples, uncalibrated: its probabilities are those of the plain logits.
fn weigh(
    examples: &[Example],
    instances: &[Instance],
    list: &Words,
    plan: &Plan,
    taken: &dyn Fn(usize) -> bool,
) -> Model {
    let chosen: Vec<&Instance> = instances.iter().filter(|instance| taken(instance.example)).collect();
    let units = units(&chosen, plan.bits);
    // Rows that nobody has seen twice are left out of the matrix altogether.
    let mut place = vec![u32::MAX; units.len()];
    let mut used = Vec::new();
    let mut matrix = fit::Matrix::default();
    for instance in &chosen {
        let mut norms = [0.0_f32; GROUPS];
        for &(row, group, count) in &instance.features {
            norms[usize::from(group)] += f32::from(units[row as usize]).powi(2) * f32::from(count);
        }
        for &(row, group, count) in &instance.features {
            let (row, group) = (row as usize, usize::from(group));
            if units[row] == 0 {
                continue;
            }
            if place[row] == u32::MAX {
                place[row] = u32::try_from(used.len()).unwrap_or(u32::MAX);
                used.push(row);
            }
            let value = f32::from(units[row]) * f32::from(count) * plan.share[group]
                / (norms[group] + plan.floor[group] * UNIT * UNIT).sqrt();
            matrix.push(place[row], value);
        }
        matrix.end_row();
    }
    let weights: Vec<f32> = chosen.iter().map(|instance| examples[instance.example].weight).collect();
    let solve = |head: usize| {
        let labels: Vec<bool> =
            chosen.iter().map(|instance| examples[instance.example].labels[head]).collect();
        fit::logistic(&matrix, used.len(), &labels, &weights, plan.strength)
    };
    let solved: Vec<fit::Solution> = std::thread::scope(|scope| {
        let solve = &solve;
        let tasks: Vec<_> = (0..HEADS).map(|head| scope.spawn(move || solve(head))).collect();
        tasks
            .into_iter()
            .enumerate()
            .map(|(head, task)| task.join().unwrap_or_else(|_| solve(head)))
            .collect()
    });
    let mut model = Model {
        name: plan.name.clone(),
        version: plan.version,
        hash: "0".repeat(64),
        bits: plan.bits,
        trained_on: String::new(),
        rows: vec![[0; COLUMNS]; units.len()],
        scale: [[0.0; HEADS]; GROUPS],
        floor: plan.floor.map(|floor| floor * UNIT * UNIT),
        bias: [0.0; HEADS],
        calibration: [(1.0, 0.0); HEADS],
        look: [2.0; HEADS],
        gate: [0.0; HEADS],
        beside: [2.0; HEADS],
        sure: [2.0; HEADS],
        words: list.clone(),
    };
    for &row in &used {
        model.rows[row][0] = i8::try_from(units[row]).unwrap_or(i8::MAX);
    }
    for (head, solution) in solved.iter().enumerate() {
        model.bias[head] = solution.bias;
        let worth = |at: usize| solution.weights[at] * f32::from(units[used[at]]);
        let largest = (0..used.len()).map(|at| worth(at).abs()).fold(0.0_f32, f32::max).max(1e-9);
        for (at, &row) in used.iter().enumerate() {
            let root = (worth(at).abs() / largest).sqrt().copysign(worth(at)) * 127.0;
            #[expect(clippy::cast_possible_truncation, reason = "rounded and between -127 and 127")]
            let weight = root.round() as i8;
            model.rows[row][1 + head] = weight;
        }
        for (scale, share) in model.scale.iter_mut().zip(plan.share) {
            scale[head] = largest / (127.0 * 127.0) * share;
        }
    }
    model
}

/// What each row weighs in the norm: rarer ones more, meanings all alike; 0 for what fewer than two texts have.
fn units(chosen: &[&Instance], bits: u32) -> Vec<u8> {
    let size = 1_usize << bits;
    let mut seen = vec![0_u32; size];
    let mut meaning = vec![false; size];
    for instance in chosen {
        for &(row, group, _) in &instance.features {
            seen[row as usize] += 1;
            meaning[row as usize] |= group == Group::Meanings as u8;
        }
    }
    let mut pair = vec![false; size];
    for row in pair_rows(bits, u32::try_from(MOST_CLASSES).unwrap_or_default()) {
        pair[row] = true;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of texts")]
    let total = 1.0 + chosen.len() as f32;
    (0..size)
        .map(|row| {
            if seen[row] < 2 {
                return 0;
            }
            let unit = match (meaning[row], pair[row]) {
                (true, true) => UNIT / 2.0,
                (true, false) => UNIT,
                #[expect(clippy::cast_precision_loss, reason = "counts of texts")]
                (false, _) => UNIT * ((total / (1.0 + seen[row] as f32)).ln() + 1.0),
            };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 127")]
            let unit = unit.round().clamp(1.0, 127.0) as u8;
            unit
        })
        .collect()
}
