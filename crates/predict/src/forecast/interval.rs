//! Intervals from the errors the combination made in its back-tests.
//!
//! At step k the absolute errors of all origins at steps within a third of the horizon are pooled; the wanted order
//! statistic, widened for the smallness of the sample, is the half width. Symmetric about the mean.

use super::ForecastOptions;
use plimsoll_analyze::normal_quantile;

/// Back-test errors are made with weights that know them: measured on M4, this brings 0.91 to 0.95.
const WIDEN: f64 = 1.25;
/// Beyond the largest error seen.
const BEYOND: f64 = 1.3;

/// Absolute errors by origin and step.
#[derive(Debug, Default)]
pub(super) struct Errors {
    origins: Vec<Vec<f64>>,
}

impl Errors {
    pub fn add(&mut self, path: &[f64], actual: &[f64]) {
        self.origins.push(path.iter().zip(actual).map(|(p, a)| (p - a).abs()).collect());
    }

    pub fn mean(&self) -> f64 {
        let all: Vec<f64> = self.origins.iter().flatten().copied().collect();
        all.iter().sum::<f64>() / all.len().max(1) as f64
    }

    /// Share of the errors of each origin within the widths that the others give; `None` with fewer than two.
    pub fn coverage(&self, options: &ForecastOptions) -> Option<f64> {
        if self.origins.len() < 2 {
            return None;
        }
        let (mut inside, mut all) = (0, 0);
        for left_out in 0..self.origins.len() {
            let widths = self.widths_without(options, Some(left_out))?;
            let errors = &self.origins[left_out];
            inside += errors.iter().zip(&widths).filter(|(error, width)| error <= width).count();
            all += errors.len();
        }
        Some(inside as f64 / all.max(1) as f64)
    }

    /// Half width per step; `None` without back-tests.
    pub fn widths(&self, options: &ForecastOptions) -> Option<Vec<f64>> {
        self.widths_without(options, None)
    }

    fn widths_without(
        &self,
        options: &ForecastOptions,
        left_out: Option<usize>,
    ) -> Option<Vec<f64>> {
        if self.origins.is_empty() {
            return None;
        }
        let h = options.horizon;
        let reach = h / 3;
        let width = |k: usize| {
            let mut pool: Vec<f64> = self
                .origins
                .iter()
                .enumerate()
                .filter(|(at, _)| Some(*at) != left_out)
                .flat_map(|(_, origin)| &origin[k.saturating_sub(reach)..(k + reach + 1).min(h)])
                .copied()
                .collect();
            pool.sort_unstable_by(f64::total_cmp);
            let rank = (options.level * (pool.len() + 1) as f64).ceil() as usize;
            let size = match pool.get(rank.max(1) - 1) {
                Some(size) => *size,
                None => BEYOND * pool[pool.len() - 1],
            };
            WIDEN * size
        };
        Some((0..h).map(width).collect())
    }
}

/// Half widths of a random walk with the series' own one-step changes.
pub(super) fn random_walk(values: &[f64], options: &ForecastOptions) -> Vec<f64> {
    let changes = values.windows(2).map(|w| (w[1] - w[0]).powi(2));
    let spread = (changes.sum::<f64>() / (values.len().max(2) - 1) as f64).sqrt();
    let z = normal_quantile(0.5 + options.level / 2.0);
    (1..=options.horizon).map(|k| WIDEN * z * spread * (k as f64).sqrt()).collect()
}
