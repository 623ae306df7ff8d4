//! Prefix sums from which a level or a line is fitted to any stretch in constant time.

/// A least-squares line; its error is the sum of squared residuals.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) slope: f64,
    pub(crate) middle: (f64, f64),
    pub(crate) error: f64,
}

impl Line {
    pub(crate) fn at(&self, t: f64) -> f64 {
        self.middle.1 + self.slope * (t - self.middle.0)
    }
}

/// Sums for least squares over points that are centred already.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sums {
    pub(crate) n: f64,
    t: f64,
    v: f64,
    tt: f64,
    tv: f64,
    pub(crate) square: f64,
}

impl Sums {
    /// `prefix[k]` sums the first k points.
    pub(crate) fn prefix(points: &[(f64, f64)]) -> Vec<Sums> {
        let mut all = Vec::with_capacity(points.len() + 1);
        let mut sum = Sums::default();
        all.push(sum);
        for &(t, v) in points {
            sum = Sums {
                n: sum.n + 1.0,
                t: sum.t + t,
                v: sum.v + v,
                tt: sum.tt + t * t,
                tv: sum.tv + t * v,
                square: sum.square + v * v,
            };
            all.push(sum);
        }
        all
    }

    pub(crate) fn minus(&self, other: &Sums) -> Sums {
        Sums {
            n: self.n - other.n,
            t: self.t - other.t,
            v: self.v - other.v,
            tt: self.tt - other.tt,
            tv: self.tv - other.tv,
            square: self.square - other.square,
        }
    }

    /// Squared residuals about the mean.
    pub(crate) fn level_error(&self) -> f64 {
        (self.square - self.v * self.v / self.n).max(0.0)
    }

    pub(crate) fn line(&self) -> Line {
        let across = self.tt - self.t * self.t / self.n;
        let joint = self.tv - self.t * self.v / self.n;
        let slope = if across > 0.0 { joint / across } else { 0.0 };
        let error = (self.square - self.v * self.v / self.n - slope * joint).max(0.0);
        Line { slope, middle: (self.t / self.n, self.v / self.n), error }
    }
}

/// Moves both means to 0: sums of squares then keep their digits.
pub(crate) fn centred(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let n = points.len() as f64;
    let t = points.iter().map(|p| p.0).sum::<f64>() / n;
    let v = points.iter().map(|p| p.1).sum::<f64>() / n;
    points.iter().map(|p| (p.0 - t, p.1 - v)).collect()
}
