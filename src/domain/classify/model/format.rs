//! The model's file: a line of text that says what it is, a header in JSON, the weights, the words, a checksum.
//!
//! ```text
//! uppsikt-model 1\n
//! {"name":…,"version":…,"bits":…,"heads":[…],…}\n
//! 2^bits rows of one byte (the row's part in the norm) and one signed byte a head
//! nine bytes a word: hash (little endian), mode, classes
//! SHA-256 of everything before it, 32 bytes
//! ```

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::features::GROUPS;
use super::words::Words;
use super::{COLUMNS, HEADS, Head, Model};

const MAGIC: &[u8] = b"uppsikt-model 1\n";

/// No model has more rows: 2^22 of them would be 24 MiB.
const MOST_BITS: u32 = 22;

/// Why a file is no model that this program can use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelFault {
    /// It begins otherwise.
    #[error("no model file: the first line is not `uppsikt-model 1`; name a file that `uppsikt train` wrote")]
    Foreign,
    /// The file ends too early, or bytes are wrong.
    #[error(
        "the model file is damaged: its checksum does not fit; take it from the backup or train it again"
    )]
    Damaged,
    /// The header cannot be read.
    #[error("the model's header cannot be read ({0}); train it again with this version of the program")]
    Header(String),
    /// A number in it is impossible.
    #[error("the model's {0} is out of range; train it again with this version of the program")]
    Range(&'static str),
}

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    name: String,
    version: u32,
    bits: u32,
    heads: Vec<String>,
    scale: Vec<Vec<f32>>,
    floor: Vec<f32>,
    bias: Vec<f32>,
    calibration: Vec<(f32, f32)>,
    look: Vec<f32>,
    gate: Vec<f32>,
    beside: Vec<f32>,
    sure: Vec<f32>,
    words: usize,
    trained_on: String,
}

impl Model {
    /// The file's bytes; the same model gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let words = self.words.to_bytes();
        let header = Header {
            name: self.name.clone(),
            version: self.version,
            bits: self.bits,
            heads: Head::ALL.iter().map(|head| head.code().to_owned()).collect(),
            scale: self.scale.iter().map(|scale| scale.to_vec()).collect(),
            floor: self.floor.to_vec(),
            bias: self.bias.to_vec(),
            calibration: self.calibration.to_vec(),
            look: self.look.to_vec(),
            gate: self.gate.to_vec(),
            beside: self.beside.to_vec(),
            sure: self.sure.to_vec(),
            words: words.len(),
            trained_on: self.trained_on.clone(),
        };
        let mut bytes = MAGIC.to_vec();
        bytes.extend(serde_json::to_vec(&header).unwrap_or_default());
        bytes.push(b'\n');
        bytes.extend(
            self.rows.iter().flat_map(|row| row[..=HEADS].iter().map(|weight| weight.cast_unsigned())),
        );
        bytes.extend(words);
        let sum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&sum);
        bytes
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// What is wrong with it, and what helps.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelFault> {
        if !bytes.starts_with(MAGIC) {
            return Err(ModelFault::Foreign);
        }
        let (body, sum) = bytes.split_last_chunk::<32>().ok_or(ModelFault::Damaged)?;
        if Sha256::digest(body).as_slice() != sum {
            return Err(ModelFault::Damaged);
        }
        let rest = body.get(MAGIC.len()..).ok_or(ModelFault::Damaged)?;
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or(ModelFault::Damaged)?;
        let (header, rest) = rest.split_at(end);
        let rest = &rest[1..];
        let header: Header =
            serde_json::from_slice(header).map_err(|error| ModelFault::Header(error.to_string()))?;
        if header.bits < 8 || header.bits > MOST_BITS {
            return Err(ModelFault::Range("size"));
        }
        if header.heads.iter().map(String::as_str).ne(Head::ALL.iter().map(|head| head.code())) {
            return Err(ModelFault::Range("list of heads"));
        }
        let table = (1_usize << header.bits) * (HEADS + 1);
        if table.checked_add(header.words) != Some(rest.len()) {
            return Err(ModelFault::Range("length"));
        }
        let (table, words) = rest.split_at(table);
        let rows = table
            .chunks_exact(HEADS + 1)
            .map(|weights| {
                let mut row = [0_i8; COLUMNS];
                for (cell, weight) in row.iter_mut().zip(weights) {
                    *cell = weight.cast_signed();
                }
                row
            })
            .collect();
        let five = |numbers: Vec<f32>, what| -> Result<[f32; HEADS], ModelFault> {
            if numbers.iter().any(|number| !number.is_finite()) {
                return Err(ModelFault::Range(what));
            }
            numbers.try_into().map_err(|_| ModelFault::Range(what))
        };
        let mut scale = [[0.0; HEADS]; GROUPS];
        if header.scale.len() != GROUPS {
            return Err(ModelFault::Range("scale"));
        }
        for (to, from) in scale.iter_mut().zip(header.scale) {
            *to = five(from, "scale")?;
        }
        let floor: [f32; GROUPS] = header.floor.try_into().map_err(|_| ModelFault::Range("floor"))?;
        if floor.iter().any(|floor| !floor.is_finite() || *floor < 0.0) {
            return Err(ModelFault::Range("floor"));
        }
        let (slopes, intercepts) = header.calibration.into_iter().unzip();
        let (slopes, intercepts) = (five(slopes, "calibration")?, five(intercepts, "calibration")?);
        let mut calibration = [(0.0, 0.0); HEADS];
        for (both, (slope, intercept)) in calibration.iter_mut().zip(slopes.into_iter().zip(intercepts)) {
            *both = (slope, intercept);
        }
        Ok(Self {
            name: header.name,
            version: header.version,
            hash: hex::encode(Sha256::digest(bytes)),
            bits: header.bits,
            trained_on: header.trained_on,
            rows,
            scale,
            floor,
            bias: five(header.bias, "bias")?,
            calibration,
            look: five(header.look, "thresholds")?,
            gate: five(header.gate, "thresholds")?,
            beside: five(header.beside, "thresholds")?,
            sure: five(header.sure, "thresholds")?,
            words: Words::from_bytes(words).ok_or(ModelFault::Range("list of words"))?,
        })
    }
}
