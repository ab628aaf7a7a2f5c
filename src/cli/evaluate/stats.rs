//! Counts and what they are worth: shares, intervals, curves.

/// Hits and misses of one category or head.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) hits: u32,
    pub(super) false_alarms: u32,
    pub(super) misses: u32,
}

impl Count {
    /// Counts pairs of (is, said).
    pub(super) fn of(pairs: impl Iterator<Item = (bool, bool)>) -> Self {
        let mut count = Self::default();
        for pair in pairs {
            match pair {
                (true, true) => count.hits += 1,
                (true, false) => count.misses += 1,
                (false, true) => count.false_alarms += 1,
                (false, false) => {}
            }
        }
        count
    }

    /// Of what was found, how much is right; `None` when nothing was found.
    pub(super) fn precision(self) -> Option<f64> {
        share(self.hits, self.hits + self.false_alarms)
    }

    /// Of what is there, how much was found; `None` when there is nothing.
    pub(super) fn recall(self) -> Option<f64> {
        share(self.hits, self.hits + self.misses)
    }

    pub(super) fn f1(self) -> Option<f64> {
        share(2 * self.hits, 2 * self.hits + self.false_alarms + self.misses)
    }
}

pub(super) fn share(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part) / f64::from(whole))
}

/// How often a figure is drawn anew from the same texts.
const DRAWS: usize = 1000;

/// The middle 95 % of a figure over texts drawn anew, with replacement; the draws are the same every time.
pub(super) fn interval(texts: usize, figure: impl Fn(&[usize]) -> Option<f64>) -> Option<(f64, f64)> {
    if texts == 0 {
        return None;
    }
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut drawn = vec![0_usize; texts];
    let mut figures: Vec<f64> = (0..DRAWS)
        .filter_map(|_| {
            for place in &mut drawn {
                // splitmix64
                state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut z = state;
                z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
                let whole = u64::try_from(texts).unwrap_or(u64::MAX);
                *place = usize::try_from((z ^ z >> 31) % whole).unwrap_or_default();
            }
            figure(&drawn)
        })
        .collect();
    figures.sort_by(f64::total_cmp);
    let at =
        |thousandth: usize| figures.get((figures.len() * thousandth / 1000).min(figures.len() - 1)).copied();
    if figures.is_empty() { None } else { at(25).zip(at(975)) }
}

/// Precision and recall at every threshold, from the strictest on.
pub(super) fn precision_recall(points: &[(f64, bool)]) -> Vec<(f64, f64)> {
    let mut ranked = points.to_vec();
    ranked.sort_by(|one, two| two.0.total_cmp(&one.0));
    let there = ranked.iter().filter(|point| point.1).count();
    let mut curve = Vec::new();
    let mut hits = 0_u32;
    for (at, (score, label)) in ranked.iter().enumerate() {
        hits += u32::from(*label);
        // Texts with the same score are told together or not at all.
        if ranked.get(at + 1).is_some_and(|next| next.0.to_bits() == score.to_bits()) {
            continue;
        }
        let told = u32::try_from(at + 1).unwrap_or(u32::MAX);
        let there = u32::try_from(there).unwrap_or(u32::MAX);
        if let (Some(precision), Some(recall)) = (share(hits, told), share(hits, there)) {
            curve.push((recall, precision));
        }
    }
    curve
}

/// One bar of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bin {
    /// The mean of what was said.
    pub(super) said: f64,
    /// The share that was so.
    pub(super) was: f64,
    /// How many texts.
    pub(super) texts: u32,
}

/// Ten bins of equal width; empty ones are left out.
pub(super) fn reliability(points: &[(f64, bool)]) -> Vec<Bin> {
    (0..10)
        .filter_map(|bin| {
            let (low, high) = (f64::from(bin) / 10.0, f64::from(bin + 1) / 10.0);
            let inside: Vec<_> = points
                .iter()
                .filter(|(said, _)| *said >= low && (*said < high || (bin == 9 && *said <= 1.0)))
                .collect();
            let texts = u32::try_from(inside.len()).ok().filter(|texts| *texts > 0)?;
            let was = inside.iter().filter(|(_, is)| *is).count();
            Some(Bin {
                said: inside.iter().map(|(said, _)| said).sum::<f64>() / f64::from(texts),
                was: share(u32::try_from(was).ok()?, texts)?,
                texts,
            })
        })
        .collect()
}

/// How far, on average, what was said lies from what was so.
pub(super) fn calibration_error(bins: &[Bin]) -> Option<f64> {
    let texts: u32 = bins.iter().map(|bin| bin.texts).sum();
    (texts > 0).then(|| {
        bins.iter().map(|bin| (bin.said - bin.was).abs() * f64::from(bin.texts)).sum::<f64>()
            / f64::from(texts)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_nothing_are_nothing_and_the_others_are_exact() {
        let count = Count::of([(true, true), (true, false), (false, true), (false, false)].into_iter());
        assert_eq!((count.precision(), count.recall(), count.f1()), (Some(0.5), Some(0.5), Some(0.5)));
        assert_eq!(Count::default().f1(), None);
    }

    #[test]
    fn an_interval_holds_the_figure_and_is_the_same_every_time() {
        let said: Vec<bool> = (0..200).map(|at| at % 4 != 0).collect();
        let mean = |drawn: &[usize]| {
            share(
                u32::try_from(drawn.iter().filter(|&&at| said[at]).count()).unwrap(),
                u32::try_from(drawn.len()).unwrap(),
            )
        };
        let (low, high) = interval(200, mean).unwrap();
        assert!((0.66..0.74).contains(&low) && (0.76..0.84).contains(&high), "{low} {high}");
        assert_eq!(interval(200, mean), Some((low, high)));
        assert_eq!(interval(0, mean), None);
        assert_eq!(interval(3, |_| None), None);
    }

    #[test]
    fn curves_and_bins_count_what_they_should() {
        let points = [(0.9, true), (0.9, false), (0.2, true), (0.1, false)];
        assert_eq!(precision_recall(&points), [(0.5, 0.5), (1.0, 2.0 / 3.0), (1.0, 0.5)]);
        let bins = reliability(&points);
        assert_eq!(bins.iter().map(|bin| bin.texts).collect::<Vec<_>>(), [1, 1, 2]);
        assert!((calibration_error(&bins).unwrap() - (0.1 + 0.8 + 0.8) / 4.0).abs() < 1e-9);
        assert_eq!(calibration_error(&[]), None);
    }
}
