//! The table of PromQL's functions: names, types and what they do.
//!
//! The parser checks calls against it, the evaluator attaches an implementation to each row by its
//! name, and the documentation and the suggestions for misspelt names are made of it. The rows are
//! sorted by name.

use crate::ast::ValueType;
use ValueType::{InstantVector as V, RangeVector as M, Scalar as S, String as T};

/// How many arguments a function takes beyond the types in its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variadic {
    /// Exactly as many as there are types.
    None,
    /// The last type is optional and may stand up to this many times.
    UpTo(u8),
    /// The last type may be absent or stand any number of times.
    Any,
}

/// A row of the function table.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// The name, as it is written.
    pub name: &'static str,
    /// Types of the arguments; the last one repeats as `variadic` says.
    pub args: &'static [ValueType],
    /// How many arguments may be given.
    pub variadic: Variadic,
    /// Type of the result.
    pub returns: ValueType,
    /// It needs the switch `promql-experimental-functions`.
    pub experimental: bool,
    /// What it does, in one line.
    pub doc: &'static str,
}

impl Function {
    /// The type of argument number `index`, counted from 0; `None` for a function without any.
    pub fn arg_type(&self, index: usize) -> Option<ValueType> {
        self.args.get(index).or(self.args.last()).copied()
    }

    /// Fewest arguments that a call may have.
    pub fn args_min(&self) -> usize {
        match self.variadic {
            Variadic::None => self.args.len(),
            Variadic::UpTo(_) | Variadic::Any => self.args.len() - 1,
        }
    }

    /// Most arguments that a call may have; `None` if there is no limit.
    pub fn args_max(&self) -> Option<usize> {
        match self.variadic {
            Variadic::None => Some(self.args.len()),
            Variadic::UpTo(count) => Some(self.args.len() - 1 + usize::from(count)),
            Variadic::Any => None,
        }
    }
}

/// The row of the function called `name`.
pub fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.binary_search_by(|row| row.name.cmp(name)).ok().map(|index| &FUNCTIONS[index])
}

const fn row(
    name: &'static str,
    args: &'static [ValueType],
    returns: ValueType,
    doc: &'static str,
) -> Function {
    Function { name, args, variadic: Variadic::None, returns, experimental: false, doc }
}

const fn variadic(variadic: Variadic, row: Function) -> Function {
    Function { variadic, ..row }
}

const fn experimental(row: Function) -> Function {
    Function { experimental: true, ..row }
}

/// Every function, sorted by name.
pub static FUNCTIONS: &[Function] = &[
    row("abs", &[V], V, "absolute value of each element"),
    row("absent", &[V], V, "one element of value 1 if the vector is empty"),
    row("absent_over_time", &[M], V, "one element of value 1 if the range has no sample"),
    row("acos", &[V], V, "arc cosine, radians"),
    row("acosh", &[V], V, "inverse hyperbolic cosine"),
    row("asin", &[V], V, "arc sine, radians"),
    row("asinh", &[V], V, "inverse hyperbolic sine"),
    row("atan", &[V], V, "arc tangent, radians"),
    row("atanh", &[V], V, "inverse hyperbolic tangent"),
    row("avg_over_time", &[M], V, "mean of the samples of the range"),
    row("ceil", &[V], V, "smallest whole number not below the value"),
    row("changes", &[M], V, "how often the value changed within the range"),
    row("clamp", &[V, S, S], V, "value limited to a lower and an upper bound"),
    row("clamp_max", &[V, S], V, "value limited to an upper bound"),
    row("clamp_min", &[V, S], V, "value limited to a lower bound"),
    row("cos", &[V], V, "cosine of radians"),
    row("cosh", &[V], V, "hyperbolic cosine"),
    row("count_over_time", &[M], V, "number of samples in the range"),
    variadic(
        Variadic::UpTo(1),
        row("day_of_month", &[V], V, "day of the month of a UTC time, 1 to 31"),
    ),
    variadic(
        Variadic::UpTo(1),
        row("day_of_week", &[V], V, "day of the week of a UTC time, Sunday is 0"),
    ),
    variadic(
        Variadic::UpTo(1),
        row("day_of_year", &[V], V, "day of the year of a UTC time, 1 to 366"),
    ),
    variadic(
        Variadic::UpTo(1),
        row("days_in_month", &[V], V, "days of the month of a UTC time, 28 to 31"),
    ),
    row("deg", &[V], V, "radians as degrees"),
    row("delta", &[M], V, "difference of last and first sample, extrapolated to the range"),
    row("deriv", &[M], V, "slope per second of a least-squares line through the range"),
    experimental(row(
        "double_exponential_smoothing",
        &[M, S, S],
        V,
        "smoothed value of the range with a smoothing and a trend factor",
    )),
    experimental(row("end", &[], S, "last instant of the query, Unix seconds")),
    row("exp", &[V], V, "e to the power of the value"),
    experimental(row("first_over_time", &[M], V, "oldest sample of the range")),
    row("floor", &[V], V, "greatest whole number not above the value"),
    row("histogram_avg", &[V], V, "mean of the observations of native histograms"),
    row("histogram_count", &[V], V, "number of observations of native histograms"),
    row("histogram_fraction", &[S, S, V], V, "share of observations between two bounds"),
    row("histogram_quantile", &[S, V], V, "quantile of classic or native histograms"),
    experimental(variadic(
        Variadic::UpTo(9),
        row(
            "histogram_quantiles",
            &[V, T, S, S],
            V,
            "several quantiles of histograms, told apart by a label",
        ),
    )),
    row(
        "histogram_stddev",
        &[V],
        V,
        "estimated standard deviation of the observations of native histograms",
    ),
    row("histogram_stdvar", &[V], V, "estimated variance of the observations of native histograms"),
    row("histogram_sum", &[V], V, "sum of the observations of native histograms"),
    variadic(Variadic::UpTo(1), row("hour", &[V], V, "hour of a UTC time, 0 to 23")),
    row("idelta", &[M], V, "difference of the last two samples of the range"),
    row("increase", &[M], V, "growth of a counter over the range, extrapolated"),
    experimental(variadic(
        Variadic::UpTo(1),
        row("info", &[V, V], V, "adds the labels of matching info series"),
    )),
    row("irate", &[M], V, "growth per second of a counter between its last two samples"),
    variadic(
        Variadic::Any,
        row("label_join", &[V, T, T, T], V, "joins the values of labels into one"),
    ),
    row(
        "label_replace",
        &[V, T, T, T, T],
        V,
        "sets a label from a regular expression's match on another",
    ),
    row("last_over_time", &[M], V, "newest sample of the range"),
    row("ln", &[V], V, "natural logarithm"),
    row("log10", &[V], V, "logarithm to base 10"),
    row("log2", &[V], V, "logarithm to base 2"),
    experimental(row("mad_over_time", &[M], V, "median absolute deviation of the range")),
    experimental(row("max_of", &[S, S], S, "the greater of two numbers")),
    row("max_over_time", &[M], V, "greatest sample of the range"),
    experimental(row("min_of", &[S, S], S, "the smaller of two numbers")),
    row("min_over_time", &[M], V, "smallest sample of the range"),
    variadic(Variadic::UpTo(1), row("minute", &[V], V, "minute of a UTC time, 0 to 59")),
    variadic(Variadic::UpTo(1), row("month", &[V], V, "month of a UTC time, 1 to 12")),
    row("pi", &[], S, "the number pi"),
    row("predict_linear", &[M, S], V, "value expected some seconds ahead by a least-squares line"),
    row("present_over_time", &[M], V, "1 for each series with a sample in the range"),
    row("quantile_over_time", &[S, M], V, "quantile of the samples of the range"),
    row("rad", &[V], V, "degrees as radians"),
    experimental(row("range", &[], S, "end minus start of the query, seconds")),
    row("rate", &[M], V, "growth per second of a counter over the range, extrapolated"),
    row("resets", &[M], V, "how often a counter fell within the range"),
    variadic(
        Variadic::UpTo(1),
        row("round", &[V, S], V, "nearest multiple of a number, 1 if none is given"),
    ),
    row("scalar", &[V], S, "the value of the only element, else NaN"),
    row("sgn", &[V], V, "sign: 1, 0 or -1"),
    row("sin", &[V], V, "sine of radians"),
    row("sinh", &[V], V, "hyperbolic sine"),
    row("sort", &[V], V, "elements in rising order of value"),
    experimental(variadic(
        Variadic::Any,
        row("sort_by_label", &[V, T], V, "elements in the natural order of labels"),
    )),
    experimental(variadic(
        Variadic::Any,
        row("sort_by_label_desc", &[V, T], V, "elements in the reverse natural order of labels"),
    )),
    row("sort_desc", &[V], V, "elements in falling order of value"),
    row("sqrt", &[V], V, "square root"),
    experimental(row("start", &[], S, "first instant of the query, Unix seconds")),
    row("stddev_over_time", &[M], V, "population standard deviation of the range"),
    row("stdvar_over_time", &[M], V, "population variance of the range"),
    experimental(row("step", &[], S, "step of the query, seconds")),
    row("sum_over_time", &[M], V, "sum of the samples of the range"),
    row("tan", &[V], V, "tangent of radians"),
    row("tanh", &[V], V, "hyperbolic tangent"),
    row("time", &[], S, "evaluation time, Unix seconds"),
    row("timestamp", &[V], V, "time of each sample, Unix seconds"),
    experimental(row("ts_of_first_over_time", &[M], V, "time of the oldest sample of the range")),
    experimental(row("ts_of_last_over_time", &[M], V, "time of the newest sample of the range")),
    experimental(row(
        "ts_of_max_over_time",
        &[M],
        V,
        "time of the last greatest sample of the range",
    )),
    experimental(row(
        "ts_of_min_over_time",
        &[M],
        V,
        "time of the last smallest sample of the range",
    )),
    row("vector", &[S], V, "a vector of one element without labels"),
    variadic(Variadic::UpTo(1), row("year", &[V], V, "year of a UTC time")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_found() {
        assert!(FUNCTIONS.is_sorted_by(|a, b| a.name < b.name));
        for row in FUNCTIONS {
            assert_eq!(function(row.name), Some(row));
        }
        assert_eq!(function("ratee"), None);
    }

    #[test]
    fn counts_of_arguments() {
        let counts = |name: &str| function(name).map(|row| (row.args_min(), row.args_max()));
        assert_eq!(counts("rate"), Some((1, Some(1))));
        assert_eq!(counts("round"), Some((1, Some(2))));
        assert_eq!(counts("label_join"), Some((3, None)));
        assert_eq!(counts("time"), Some((0, Some(0))));
        assert_eq!(counts("histogram_quantiles"), Some((3, Some(12))));
    }
}
