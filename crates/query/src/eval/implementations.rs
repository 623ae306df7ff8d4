//! What stands behind each row of the function table.

use plimsoll_model::Grid;

use super::{Eval, Val, absent, date, histogram, info, label, math, native, order, simple};
use crate::ast::Call;
use crate::engine::QueryResult as Result;

/// How a function is computed.
#[derive(Clone, Copy)]
pub(super) enum Implementation {
    /// A kernel over windows, by the same name in [`crate::kernels`].
    Range {
        /// The metric name stays.
        keep_name: bool,
        /// It depends on the evaluation time.
        timed: bool,
    },
    /// A number from a number.
    Map(fn(f64) -> f64),
    /// Anything else.
    Special(fn(&Eval<'_>, &Call, Grid) -> Result<Val>),
}

use Implementation::{Map, Special};

const RANGE: Implementation = Implementation::Range { keep_name: false, timed: false };
const RANGE_NAMED: Implementation = Implementation::Range { keep_name: true, timed: false };
const RANGE_TIMED: Implementation = Implementation::Range { keep_name: false, timed: true };

/// Every implemented function, sorted by name.
pub(super) static IMPLEMENTATIONS: &[(&str, Implementation)] = &[
    ("abs", Map(f64::abs)),
    ("absent", Special(absent::absent)),
    ("absent_over_time", Special(absent::absent_over_time)),
    ("acos", Map(f64::acos)),
    ("acosh", Map(math::acosh)),
    ("asin", Map(f64::asin)),
    ("asinh", Map(math::asinh)),
    ("atan", Map(f64::atan)),
    ("atanh", Map(f64::atanh)),
    ("avg_over_time", RANGE),
    ("ceil", Map(f64::ceil)),
    ("changes", RANGE),
    ("clamp", Special(simple::clamp)),
    ("clamp_max", Special(simple::clamp_max)),
    ("clamp_min", Special(simple::clamp_min)),
    ("cos", Map(f64::cos)),
    ("cosh", Map(f64::cosh)),
    ("count_over_time", RANGE),
    ("day_of_month", Special(date::day_of_month)),
    ("day_of_week", Special(date::day_of_week)),
    ("day_of_year", Special(date::day_of_year)),
    ("days_in_month", Special(date::days_in_month)),
    ("deg", Map(math::deg)),
    ("delta", RANGE),
    ("deriv", RANGE),
    ("double_exponential_smoothing", RANGE_TIMED),
    ("end", Special(simple::end)),
    ("exp", Map(f64::exp)),
    ("first_over_time", RANGE_NAMED),
    ("floor", Map(f64::floor)),
    ("histogram_avg", Special(native::avg)),
    ("histogram_count", Special(native::count)),
    ("histogram_fraction", Special(histogram::fraction)),
    ("histogram_quantile", Special(histogram::quantile)),
    ("histogram_quantiles", Special(histogram::quantiles)),
    ("histogram_stddev", Special(native::stddev)),
    ("histogram_stdvar", Special(native::stdvar)),
    ("histogram_sum", Special(native::sum)),
    ("hour", Special(date::hour)),
    ("idelta", RANGE),
    ("increase", RANGE),
    ("info", Special(info::info)),
    ("irate", RANGE),
    ("label_join", Special(label::label_join)),
    ("label_replace", Special(label::label_replace)),
    ("last_over_time", RANGE_NAMED),
    ("ln", Map(math::ln)),
    ("log10", Map(math::log10)),
    ("log2", Map(f64::log2)),
    ("mad_over_time", RANGE),
    ("max_of", Special(simple::max_of)),
    ("max_over_time", RANGE),
    ("min_of", Special(simple::min_of)),
    ("min_over_time", RANGE),
    ("minute", Special(date::minute)),
    ("month", Special(date::month)),
    ("pi", Special(simple::pi)),
    ("predict_linear", RANGE_TIMED),
    ("present_over_time", RANGE),
    ("quantile_over_time", RANGE_TIMED),
    ("rad", Map(math::rad)),
    ("range", Special(simple::range)),
    ("rate", RANGE),
    ("resets", RANGE),
    ("round", Special(simple::round)),
    ("scalar", Special(simple::scalar)),
    ("sgn", Map(math::sgn)),
    ("sin", Map(f64::sin)),
    ("sinh", Map(f64::sinh)),
    ("sort", Special(order::sort)),
    ("sort_by_label", Special(order::sort_by_label)),
    ("sort_by_label_desc", Special(order::sort_by_label_desc)),
    ("sort_desc", Special(order::sort_desc)),
    ("sqrt", Map(f64::sqrt)),
    ("start", Special(simple::start)),
    ("stddev_over_time", RANGE),
    ("stdvar_over_time", RANGE),
    ("step", Special(simple::step)),
    ("sum_over_time", RANGE),
    ("tan", Map(f64::tan)),
    ("tanh", Map(f64::tanh)),
    ("time", Special(simple::time)),
    ("timestamp", Special(simple::timestamp)),
    ("ts_of_first_over_time", RANGE),
    ("ts_of_last_over_time", RANGE),
    ("ts_of_max_over_time", RANGE),
    ("ts_of_min_over_time", RANGE),
    ("vector", Special(simple::vector)),
    ("year", Special(date::year)),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::FUNCTIONS;
    use crate::kernels::{KERNELS, kernel};

    #[test]
    fn every_row_is_implemented() {
        assert!(IMPLEMENTATIONS.is_sorted_by(|a, b| a.0 < b.0));
        let has = |name| IMPLEMENTATIONS.binary_search_by(|(n, _)| (*n).cmp(name)).is_ok();
        let missing: Vec<_> =
            FUNCTIONS.iter().map(|row| row.name).filter(|name| !has(name)).collect();
        assert_eq!(missing, [""; 0]);
    }

    #[test]
    fn every_range_function_has_a_kernel() {
        let ranges =
            IMPLEMENTATIONS.iter().filter(|(_, i)| matches!(i, Implementation::Range { .. }));
        let mut count = 0;
        for (name, _) in ranges {
            assert!(kernel(name).is_some(), "{name}");
            count += 1;
        }
        assert_eq!(count, KERNELS.len());
    }
}
