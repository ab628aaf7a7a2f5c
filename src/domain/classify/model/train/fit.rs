//! The one minimum of a penalised logistic loss, by L-BFGS (Nocedal & Wright, Numerical Optimization, ch. 7).

use std::collections::VecDeque;

/// Pairs of steps that are remembered.
const MEMORY: usize = 8;

/// More steps change nothing that survives the rounding of weights to bytes.
const MOST_STEPS: usize = 60;

/// Rows of (column, value), one after the other.
#[derive(Debug)]
pub(super) struct Matrix {
    ends: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f32>,
}

impl Default for Matrix {
    fn default() -> Self {
        Self { ends: vec![0], columns: Vec::new(), values: Vec::new() }
    }
}

impl Matrix {
    pub(super) fn push(&mut self, column: u32, value: f32) {
        self.columns.push(column);
        self.values.push(value);
    }

    pub(super) fn end_row(&mut self) {
        self.ends.push(self.columns.len());
    }

    fn rows(&self) -> impl Iterator<Item = (&[u32], &[f32])> {
        self.ends.windows(2).map(|ends| (&self.columns[ends[0]..ends[1]], &self.values[ends[0]..ends[1]]))
    }
}

/// Weights by column and a constant.
#[derive(Debug)]
pub(super) struct Solution {
    pub(super) weights: Vec<f32>,
    pub(super) bias: f32,
}

/// Minimises ½|w|² + C · Σ weight · log(1 + exp(−y · (w·x + b))); the constant b is not penalised.
#[expect(clippy::cast_possible_truncation, reason = "what is kept of a weight is one byte")]
pub(super) fn logistic(
    matrix: &Matrix,
    columns: usize,
    labels: &[bool],
    weights: &[f32],
    strength: f64,
) -> Solution {
    // The last place is the constant.
    let mut point = vec![0.0_f64; columns + 1];
    let mut gradient = vec![0.0_f64; columns + 1];
    let mut value = loss(matrix, labels, weights, strength, &point, &mut gradient);
    let mut memory: VecDeque<(Vec<f64>, Vec<f64>, f64)> = VecDeque::with_capacity(MEMORY);
    let start = norm(&gradient);
    for _ in 0..MOST_STEPS {
        if norm(&gradient) <= 1e-4 * start.max(1.0) {
            break;
        }
        let direction = direction(&gradient, &memory);
        let slope = dot(&direction, &gradient);
        let mut step = if memory.is_empty() { 1.0 / norm(&gradient).max(1.0) } else { 1.0 };
        let mut next = vec![0.0; point.len()];
        let mut next_gradient = vec![0.0; point.len()];
        let mut next_value = f64::INFINITY;
        for _ in 0..30 {
            for (to, (from, along)) in next.iter_mut().zip(point.iter().zip(&direction)) {
                *to = from + step * along;
            }
            next_value = loss(matrix, labels, weights, strength, &next, &mut next_gradient);
            if next_value <= value + 1e-4 * step * slope {
                break;
            }
            step *= 0.5;
        }
        if next_value >= value {
            break;
        }
        let moved: Vec<f64> = next.iter().zip(&point).map(|(to, from)| to - from).collect();
        let turned: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(to, from)| to - from).collect();
        let curvature = dot(&moved, &turned);
        if curvature > 1e-12 {
            if memory.len() == MEMORY {
                memory.pop_front();
            }
            memory.push_back((moved, turned, 1.0 / curvature));
        }
        (point, gradient, value) = (next, next_gradient, next_value);
    }
    let bias = point.pop().unwrap_or_default() as f32;
    Solution { weights: point.iter().map(|weight| *weight as f32).collect(), bias }
}

/// Where to go: the gradient, corrected by what earlier steps have told about the curvature.
fn direction(gradient: &[f64], memory: &VecDeque<(Vec<f64>, Vec<f64>, f64)>) -> Vec<f64> {
    let mut along: Vec<f64> = gradient.iter().map(|part| -part).collect();
    let mut shares = Vec::with_capacity(memory.len());
    for (moved, turned, inverse) in memory.iter().rev() {
        let share = inverse * dot(moved, &along);
        add(&mut along, turned, -share);
        shares.push(share);
    }
    if let Some((_, turned, inverse)) = memory.back() {
        let scale = 1.0 / (inverse * dot(turned, turned));
        for part in &mut along {
            *part *= scale;
        }
    }
    for ((moved, turned, inverse), share) in memory.iter().zip(shares.into_iter().rev()) {
        let back = inverse * dot(turned, &along);
        add(&mut along, moved, share - back);
    }
    along
}

fn loss(
    matrix: &Matrix,
    labels: &[bool],
    weights: &[f32],
    strength: f64,
    point: &[f64],
    gradient: &mut [f64],
) -> f64 {
    let constant = point.len() - 1;
    gradient.copy_from_slice(point);
    gradient[constant] = 0.0;
    let mut sum = 0.5 * dot(&point[..constant], &point[..constant]);
    for ((columns, values), (label, weight)) in matrix.rows().zip(labels.iter().zip(weights)) {
        let mut logit = point[constant];
        for (column, value) in columns.iter().zip(values) {
            logit += point[*column as usize] * f64::from(*value);
        }
        let sign = if *label { 1.0 } else { -1.0 };
        let weight = strength * f64::from(*weight);
        let margin = sign * logit;
        sum += weight * ((-margin.abs()).exp().ln_1p() + (-margin).max(0.0));
        let pull = -weight * sign / (1.0 + margin.exp());
        for (column, value) in columns.iter().zip(values) {
            gradient[*column as usize] += pull * f64::from(*value);
        }
        gradient[constant] += pull;
    }
    sum
}

fn dot(one: &[f64], two: &[f64]) -> f64 {
    one.iter().zip(two).map(|(one, two)| one * two).sum()
}

fn norm(vector: &[f64]) -> f64 {
    dot(vector, vector).sqrt()
}

fn add(to: &mut [f64], what: &[f64], times: f64) {
    for (to, what) in to.iter_mut().zip(what) {
        *to += times * what;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_is_where_the_gradient_is_nothing() {
        let mut matrix = Matrix::default();
        for row in [&[(0, 1.0)][..], &[(0, 0.5), (1, 0.5)], &[(1, 1.0)], &[(2, 1.0)]] {
            for (column, value) in row {
                matrix.push(*column, *value);
            }
            matrix.end_row();
        }
        let (labels, weights) = ([true, true, false, false], [1.0, 1.0, 1.0, 0.5]);
        let solution = logistic(&matrix, 3, &labels, &weights, 3.0);
        let mut point: Vec<f64> = solution.weights.iter().map(|weight| f64::from(*weight)).collect();
        point.push(f64::from(solution.bias));
        let mut gradient = vec![0.0; 4];
        let best = loss(&matrix, &labels, &weights, 3.0, &point, &mut gradient);
        assert!(norm(&gradient) < 1e-2, "{gradient:?}");
        assert!(solution.weights[0] > 0.5 && solution.weights[1] < -0.1);
        for at in 0..4 {
            for change in [-0.1, 0.1] {
                let mut other = point.clone();
                other[at] += change;
                assert!(loss(&matrix, &labels, &weights, 3.0, &other, &mut gradient) > best);
            }
        }
    }
}
