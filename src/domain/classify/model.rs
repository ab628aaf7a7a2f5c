//! A small language model: logistic regression over letters, words and meanings, one head a kind of abuse.
//!
//! It is the third layer (DESIGN §5 says what its findings may lead to): the rules know what they were told, the model
//! has weighed examples. It is a file that can be read, replaced and trained anew (`uppsikt train`), it adds numbers
//! and divides by a root, and it can say which words weighed most. By itself it only ever asks a person to look.
//!
//! A text is read in windows of a few sentences and the strongest window speaks. The weights of a row are whole
//! numbers from -127 to 127 whose square, with the sign kept, is meant: small weights stay apart and large ones fit.

use std::sync::{Arc, OnceLock};

use crate::domain::category::Category;

mod features;
mod format;
mod train;
mod words;

pub use format::ModelFault;
pub use train::{Example, Plan, Standing, TrainFault, Trained, fold, train};
pub use words::WordFault;

use features::{GROUPS, Page};
use words::Words;

/// What the model tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Head {
    /// Insults, also of somebody who is not there.
    Insult = 0,
    /// Contempt for somebody for what they are: origin, belief, sex, orientation, disability.
    Identity = 1,
    /// Violence that is threatened, wished or told.
    Violence = 2,
    /// Sexual content.
    Sexual = 3,
    /// Rough at all, of whatever kind: it finds nothing by itself, but the others must have it behind them.
    Rough = 4,
}

/// How the rules stand to a text when a model is asked about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ruled {
    /// They have nothing to say.
    Nothing,
    /// They know the words and let them be: quoted, negated, said of oneself.
    Excused,
    /// They call a person for something else than what is said: danger, data, a case.
    Elsewhere,
    /// They call a person for what is said.
    Called,
}

/// How many heads there are.
pub const HEADS: usize = 5;

/// Columns of a row: what it weighs in the norm, then the heads.
const COLUMNS: usize = 8;

impl Head {
    /// Every head, in the order of the file.
    pub const ALL: [Self; HEADS] = [Self::Insult, Self::Identity, Self::Violence, Self::Sexual, Self::Rough];

    /// The name in files and rule ids.
    pub fn code(self) -> &'static str {
        match self {
            Self::Insult => "insult",
            Self::Identity => "identity",
            Self::Violence => "violence",
            Self::Sexual => "sexual",
            Self::Rough => "rough",
        }
    }

    /// The head with a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|head| head.code() == code)
    }

    /// The categories of findings that mean what the head means.
    pub fn categories(self) -> &'static [Category] {
        match self {
            Self::Insult => &[Category::Insult, Category::Harassment],
            Self::Identity => &[Category::Hate, Category::Sexist],
            Self::Violence => &[
                Category::Threat,
                Category::IncitementCrime,
                Category::ViolenceDepiction,
                Category::IncitementTerror,
            ],
            Self::Sexual => &[Category::Pornography, Category::Sexist, Category::PrivacyIntrusion],
            Self::Rough => &[],
        }
    }
}

/// A model, ready to judge.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    name: String,
    version: u32,
    hash: String,
    bits: u32,
    trained_on: String,
    /// 2^bits rows.
    rows: Vec<[i8; COLUMNS]>,
    /// What a weight of 1 (squared: 1) is worth, by group and head.
    scale: [[f32; HEADS]; GROUPS],
    /// What is added to the square of a group's norm, so that a few small words do not fill a group alone.
    floor: [f32; GROUPS],
    bias: [f32; HEADS],
    /// Slope and intercept of the probability (Platt).
    calibration: [(f32, f32); HEADS],
    /// From which probability a person looks …
    look: [f32; HEADS],
    /// … when the window is rough with this probability.
    gate: [f32; HEADS],
    /// From which probability a head speaks where the rules have called a person already.
    beside: [f32; HEADS],
    /// From which probability the model is a second source for what a rule has found.
    sure: [f32; HEADS],
    words: Words,
}

/// What the model says of one text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scores {
    /// Probability by head, in the strongest window of each.
    pub probability: [f32; HEADS],
    /// That this window is rough at all.
    pub rough: [f32; HEADS],
    /// The number of that window, for [`Model::strongest`].
    window: [usize; HEADS],
}

impl Scores {
    /// The probability of one head.
    pub fn of(&self, head: Head) -> f32 {
        self.probability[head as usize]
    }
}

/// Memory for reading texts; reuse it from text to text.
#[derive(Debug, Default)]
pub struct Reader {
    page: Page,
}

impl Model {
    /// The model that the program ships.
    ///
    /// # Panics
    /// If the embedded file is damaged, which a test of the program would have shown.
    #[expect(
        clippy::panic,
        reason = "a test loads the embedded model; a program with half a model must not start"
    )]
    pub fn embedded() -> Arc<Self> {
        static MODEL: OnceLock<Arc<Model>> = OnceLock::new();
        Arc::clone(MODEL.get_or_init(|| match Self::from_bytes(EMBEDDED) {
            Ok(model) => Arc::new(model),
            Err(fault) => panic!("the embedded model: {fault}"),
        }))
    }

    /// The list of meanings that the shipped model was trained with: what a new training starts from.
    pub fn embedded_words() -> &'static str {
        include_str!("../../../config/model/words.txt")
    }

    /// Name, version and hash as findings give them: `sv-1-3f2a91bc`.
    pub fn id(&self) -> String {
        format!("{}-{}-{}", self.name, self.version, &self.hash[..8])
    }

    /// The version, a number that grows from training to training.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// SHA-256 of the file, in hexadecimal.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// SHA-256 of the examples that it was trained on, in hexadecimal.
    pub fn trained_on(&self) -> &str {
        &self.trained_on
    }

    /// From which probability a person looks.
    pub fn look(&self, head: Head) -> f32 {
        self.look[head as usize]
    }

    /// Whether a head has something to tell a person. Alone it must be sure enough to call one; where the rules have
    /// called somebody for what is said, nobody is disturbed in vain, and less is enough. What the rules have excused
    /// is not accused anew.
    pub fn speaks(&self, head: Head, scores: &Scores, ruled: Ruled) -> bool {
        let at = head as usize;
        let alone = || scores.probability[at] >= self.look[at] && scores.rough[at] >= self.gate[at];
        head != Head::Rough
            && match ruled {
                Ruled::Nothing | Ruled::Elsewhere => alone(),
                Ruled::Excused => false,
                Ruled::Called => scores.probability[at] >= self.beside[at],
            }
    }

    /// From which probability the model counts as a second source beside a rule.
    pub fn sure(&self, head: Head) -> f32 {
        self.sure[head as usize]
    }

    /// Judges a text; total, and linear in its length.
    pub fn score(&self, reader: &mut Reader, text: &str) -> Scores {
        reader.page.read(&self.words, text, usize::MAX);
        let none = [0.0; HEADS];
        let mut scores = Scores { probability: none, rough: none, window: [0; HEADS] };
        for (number, window) in reader.page.windows().enumerate() {
            let mut here = self.logits(&reader.page, window);
            for (logit, (slope, intercept)) in here.iter_mut().zip(self.calibration) {
                *logit = sigmoid(slope * *logit + intercept);
            }
            for head in 0..HEADS {
                if number == 0 || here[head] > scores.probability[head] {
                    scores.probability[head] = here[head];
                    scores.rough[head] = here[Head::Rough as usize];
                    scores.window[head] = number;
                }
            }
        }
        scores
    }

    fn logits(&self, page: &Page, window: std::ops::Range<usize>) -> [f32; HEADS] {
        // A window has at most some thousand features of at most 127²; only a hostile text without a single space has
        // more, and its sums then stay at the end of 32 bits.
        let mut sums = [[0_i32; COLUMNS]; GROUPS];
        page.features(window, self.bits, |group, row, _, _| {
            let (sums, row) = (&mut sums[group as usize], &self.rows[row]);
            for (sum, weight) in sums.iter_mut().zip(row) {
                let weight = i32::from(*weight);
                *sum = sum.saturating_add(weight * weight.abs());
            }
        });
        self.together(&sums)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "sums stay below 2^27; the last bits of a logit are noise"
    )]
    fn together(&self, sums: &[[i32; COLUMNS]; GROUPS]) -> [f32; HEADS] {
        let mut logits = self.bias;
        for ((sums, scale), floor) in sums.iter().zip(&self.scale).zip(self.floor) {
            if sums[0] == 0 {
                continue;
            }
            let norm = (sums[0] as f32 + floor).sqrt().recip();
            for (logit, (sum, scale)) in logits.iter_mut().zip(sums[1..].iter().zip(scale)) {
                *logit += *sum as f32 * scale * norm;
            }
        }
        logits
    }

    /// The words that weighed most for a head, as byte offsets into the text that [`Self::score`] was just given
    /// through `reader`, the heaviest first; at most `most` of them, and only such that spoke for it.
    pub fn strongest(
        &self,
        reader: &Reader,
        scores: &Scores,
        head: Head,
        most: usize,
    ) -> Vec<(usize, usize)> {
        let Some(window) = reader.page.windows().nth(scores.window[head as usize]) else { return Vec::new() };
        let first = window.start;
        let mut by_word = vec![[0_i32; GROUPS]; window.len()];
        let mut norms = [0_i32; GROUPS];
        reader.page.features(window, self.bits, |group, row, one, two| {
            let row = &self.rows[row];
            norms[group as usize] += i32::from(row[0]).pow(2);
            let weight = i32::from(row[1 + head as usize]);
            // What two words say together is halved between them.
            by_word[one - first][group as usize] += weight * weight.abs() / 2;
            by_word[two - first][group as usize] += weight * weight.abs() / 2;
        });
        #[expect(clippy::cast_precision_loss, reason = "for an order of words, not for a judgement")]
        let mut weights: Vec<(f32, usize)> = by_word
            .iter()
            .enumerate()
            .map(|(at, sums)| {
                let weight = (0..GROUPS).filter(|&group| norms[group] > 0).map(|group| {
                    sums[group] as f32 * self.scale[group][head as usize]
                        / (norms[group] as f32 + self.floor[group]).sqrt()
                });
                (weight.sum(), first + at)
            })
            .filter(|(weight, _)| *weight > 0.0)
            .collect();
        weights.sort_by(|one, two| two.0.total_cmp(&one.0).then(one.1.cmp(&two.1)));
        weights
            .iter()
            .take(most)
            .filter_map(|(_, at)| reader.page.words.get(*at))
            .map(|word| (word.from, word.to))
            .collect()
    }
}

/// The file that stands for [`Model::embedded`].
const EMBEDDED: &[u8] = include_bytes!("../../../config/model/sv.model");

fn sigmoid(logit: f32) -> f32 {
    (1.0 + (-logit).exp()).recip()
}

#[cfg(test)]
mod tests;
