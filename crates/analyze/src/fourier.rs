//! A fast Fourier transform of radix 2 (Cooley and Tukey 1965), and what is made of it: autocorrelations,
//! periodogram, sliding products.
//!
//! Limits: sizes are powers of two; callers bound them ([`TRANSFORM_MAX`]).

use std::f64::consts::TAU;

/// Largest transform: 2 x 8,192 real points padded, 512 KiB of numbers.
pub(crate) const TRANSFORM_MAX: usize = 1 << 15;

/// Roots of unity for one size, and the transform itself.
pub(crate) struct Fourier {
    size: usize,
    /// cos and -sin of TAU k / size for k < size / 2.
    roots: Vec<(f64, f64)>,
}

impl Fourier {
    /// For `size` rounded up to a power of two, at least 2 and at most [`TRANSFORM_MAX`].
    pub(crate) fn new(size: usize) -> Fourier {
        let size = size.clamp(2, TRANSFORM_MAX).next_power_of_two();
        let angle = |k: usize| TAU * k as f64 / size as f64;
        Fourier { size, roots: (0..size / 2).map(|k| (angle(k).cos(), -angle(k).sin())).collect() }
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Forward transform of real values; what is missing up to the size counts as 0.
    pub(crate) fn real(&self, values: &[f64]) -> Vec<(f64, f64)> {
        let mut data: Vec<(f64, f64)> = values.iter().take(self.size).map(|&v| (v, 0.0)).collect();
        data.resize(self.size, (0.0, 0.0));
        self.forward(&mut data);
        data
    }

    /// In place, unscaled. `data` has exactly [`Fourier::size`] entries.
    pub(crate) fn forward(&self, data: &mut [(f64, f64)]) {
        let bits = self.size.trailing_zeros();
        for i in 0..self.size {
            let j = i.reverse_bits() >> (usize::BITS - bits);
            if i < j {
                data.swap(i, j);
            }
        }
        let mut half = 1;
        while half < self.size {
            let stride = self.size / (2 * half);
            for block in data.chunks_exact_mut(2 * half) {
                let (low, high) = block.split_at_mut(half);
                let roots = self.roots.iter().step_by(stride);
                for ((a, b), &(cos, sin)) in low.iter_mut().zip(high).zip(roots) {
                    let turned = (b.0 * cos - b.1 * sin, b.0 * sin + b.1 * cos);
                    *b = (a.0 - turned.0, a.1 - turned.1);
                    *a = (a.0 + turned.0, a.1 + turned.1);
                }
            }
            half *= 2;
        }
    }

    /// Inverse transform of what has a real result, which it returns.
    pub(crate) fn inverse_real(&self, mut data: Vec<(f64, f64)>) -> Vec<f64> {
        for v in &mut data {
            v.1 = -v.1;
        }
        self.forward(&mut data);
        let scale = (self.size as f64).recip();
        data.iter().map(|v| v.0 * scale).collect()
    }
}

/// Sums of products of values that lie 0.. apart, for all lags below `lags`; values have mean 0. Above
/// [`TRANSFORM_MAX`] / 2 points the last ones count.
pub(crate) fn autoproducts(values: &[f64], lags: usize) -> Vec<f64> {
    let values = &values[values.len().saturating_sub(TRANSFORM_MAX / 2)..];
    let lags = lags.min(values.len());
    let fourier = Fourier::new(values.len() + lags);
    let mut data = fourier.real(values);
    for v in &mut data {
        *v = (v.0 * v.0 + v.1 * v.1, 0.0);
    }
    let mut found = fourier.inverse_real(data);
    found.truncate(lags);
    found
}

/// Power of the Hann-tapered values at the frequencies k / size per sample, k = 0..=size / 2; the size is the power
/// of two from twice the points (the last 16,384 are looked at). Scaled so that white noise of variance 1 has power
/// 1 on average. Values are finite and have mean 0.
pub fn periodogram(values: &[f64]) -> Vec<f64> {
    let values = &values[values.len().saturating_sub(TRANSFORM_MAX / 2)..];
    let n = values.len();
    let fourier = Fourier::new(2 * n);
    let taper = |i: usize| 0.5 - 0.5 * (TAU * i as f64 / n as f64).cos();
    let tapered: Vec<f64> = values.iter().enumerate().map(|(i, v)| v * taper(i)).collect();
    // The squares of the taper sum to 3/8 n.
    let scale = 8.0 / (3.0 * n.max(1) as f64);
    let power = |v: &(f64, f64)| (v.0 * v.0 + v.1 * v.1) * scale;
    fourier.real(&tapered)[..=fourier.size() / 2].iter().map(power).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transforms_agree_with_the_definition() {
        let values: Vec<f64> = (0..16).map(|i| f64::from(i * i % 7)).collect();
        let found = Fourier::new(16).real(&values);
        for (k, v) in found.iter().enumerate() {
            let sum = values.iter().enumerate().fold((0.0, 0.0), |sum, (i, x)| {
                let angle = TAU * (i * k) as f64 / 16.0;
                (sum.0 + x * angle.cos(), sum.1 - x * angle.sin())
            });
            assert!((v.0 - sum.0).abs() < 1e-12 && (v.1 - sum.1).abs() < 1e-12);
        }
        let back = Fourier::new(16).inverse_real(found);
        assert!(back.iter().zip(&values).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn products_agree_with_the_definition() {
        let values: Vec<f64> = (0..100).map(|i| f64::from(i * 37 % 19) - 9.0).collect();
        for (lag, found) in autoproducts(&values, 40).into_iter().enumerate() {
            let plain: f64 = values[lag..].iter().zip(&values).map(|(a, b)| a * b).sum();
            assert!((found - plain).abs() < 1e-9, "{lag}: {found} {plain}");
        }
        assert!(autoproducts(&[], 5).is_empty());
    }

    #[test]
    fn a_wave_has_its_peak_at_its_frequency() {
        let wave: Vec<f64> = (0..1024).map(|i| (TAU * f64::from(i) / 32.0).sin()).collect();
        let power = periodogram(&wave);
        let peak = (0..power.len()).max_by(|&a, &b| power[a].total_cmp(&power[b]));
        assert_eq!(peak, Some(2048 / 32));
    }
}
