//! Functions from outside: PromQL names that this crate does not know by itself.
//!
//! A program brings a list of [`Extension`]s over range vectors and puts it into
//! [`Features::extensions`](crate::Features::extensions); parser, suggestions and evaluator then treat
//! them like the rows of the function table. The result has no metric name, histograms are left out,
//! NaN is no value.
//!
//! Limits: one range vector and at most [`SCALARS_MAX`] scalars behind it. An extension never takes a
//! name that the language has: [`Extensions::new`] refuses it.

use std::fmt;

use crate::ast::ValueType::{self, InstantVector, RangeVector, Scalar};
use crate::functions::{Function, Variadic, function};
use crate::lex::keyword;

/// Most scalar arguments of an extension.
pub const SCALARS_MAX: usize = 2;

/// The samples of one series in one window, and when and with what it is evaluated.
#[derive(Debug, Clone, Copy)]
pub struct ExtensionWindow<'a> {
    /// Times of the samples, rising, ms since the epoch; at least one.
    pub times: &'a [i64],
    /// Their values, as many, without staleness markers.
    pub floats: &'a [f64],
    /// When the function is evaluated, ms since the epoch; `offset` and `@` do not move it.
    pub at_ms: i64,
    /// The scalar arguments; NaN where there is none.
    pub args: [f64; SCALARS_MAX],
}

/// What an extension makes of a window; `None` for no element.
pub type Run = fn(&ExtensionWindow<'_>) -> Option<f64>;

/// A function over a range vector.
#[derive(Debug)]
pub struct Extension {
    function: Function,
    run: Run,
}

impl Extension {
    /// A function of a range vector and `scalars` scalars behind it, of which only
    /// [`SCALARS_MAX`] count.
    pub const fn new(name: &'static str, scalars: usize, doc: &'static str, run: Run) -> Self {
        const TYPES: &[ValueType] = &[RangeVector, Scalar, Scalar];
        let args: &'static [ValueType] = match scalars {
            0 => &[RangeVector],
            1 => &[RangeVector, Scalar],
            _ => TYPES,
        };
        let (variadic, returns) = (Variadic::None, InstantVector);
        let function = Function { name, args, variadic, returns, experimental: false, doc };
        Self { function, run }
    }

    /// Its row, as the function table would have it.
    pub const fn function(&self) -> &Function {
        &self.function
    }

    /// Its value for a window, unless there is none.
    pub(crate) fn value(&self, window: &ExtensionWindow<'_>) -> Option<f64> {
        (self.run)(window).filter(|value| !value.is_nan())
    }
}

/// A name that no extension may have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtensionError {
    /// PromQL has it.
    #[error("an extension is called {0:?}, which PromQL itself has; give it another name")]
    Taken(&'static str),
    /// Two extensions have it.
    #[error("two extensions are called {0:?}; give one of them another name")]
    Twice(&'static str),
    /// It cannot be written in a query.
    #[error("an extension is called {0:?}; a name has only a-z, 0-9 and _ and begins with a-z")]
    Unwritable(&'static str),
}

/// The extensions of a program; none by default.
#[derive(Clone, Copy, Default)]
pub struct Extensions(&'static [Extension]);

impl Extensions {
    /// No extension.
    pub const NONE: Self = Self(&[]);

    /// Takes a list of extensions.
    ///
    /// # Errors
    /// A name that the language has, that stands twice or that is no name.
    pub fn new(list: &'static [Extension]) -> Result<Self, ExtensionError> {
        for (i, extension) in list.iter().enumerate() {
            let name = extension.function.name;
            let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
            if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.bytes().all(fits) {
                return Err(ExtensionError::Unwritable(name));
            }
            if function(name).is_some() || keyword(name.as_bytes()).is_some() {
                return Err(ExtensionError::Taken(name));
            }
            if list[..i].iter().any(|other| other.function.name == name) {
                return Err(ExtensionError::Twice(name));
            }
        }
        Ok(Self(list))
    }

    /// The extension called `name`.
    pub fn find(self, name: &str) -> Option<&'static Extension> {
        self.0.iter().find(|extension| extension.function.name == name)
    }

    /// Their rows, in the order in which they were brought.
    pub fn functions(self) -> impl Iterator<Item = &'static Function> {
        self.0.iter().map(Extension::function)
    }
}

/// The names; a name stands for one function in a program.
impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.functions().map(|row| row.name)).finish()
    }
}

impl PartialEq for Extensions {
    fn eq(&self, other: &Self) -> bool {
        self.functions().eq(other.functions())
    }
}

impl Eq for Extensions {}

impl std::hash::Hash for Extensions {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.functions().for_each(|row| row.name.hash(state));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, OnceLock};

    use plimsoll_model::{Cancel, Grid, Labels, MemorySource, ReadCx, SeriesSource, Stop};
    use plimsoll_world::Workers;

    use super::*;
    use crate::{Engine, EngineConfig, Features, Value, parse};

    static LIST: [Extension; 3] = [
        Extension::new("middle", 0, "the value in the middle", |w| {
            w.floats.get(w.floats.len() / 2).copied()
        }),
        Extension::new("since_last", 1, "seconds since the last sample times a factor", |w| {
            Some((w.at_ms - w.times.last()?) as f64 / 1e3 * w.args[0])
        }),
        Extension::new("never", 2, "nothing", |_| Some(f64::NAN)),
    ];

    fn features() -> Features {
        Features { extensions: Extensions::new(&LIST).unwrap(), ..Features::default() }
    }

    #[test]
    fn names_of_the_language_are_refused() {
        const fn named(name: &'static str) -> [Extension; 1] {
            [Extension::new(name, 0, "", |_| None)]
        }
        static RATE: [Extension; 1] = named("rate");
        static EXPERIMENTAL: [Extension; 1] = named("mad_over_time");
        static SUM: [Extension; 1] = named("sum");
        static OFFSET: [Extension; 1] = named("offset");
        static UPPER: [Extension; 1] = named("Trend");
        static EMPTY: [Extension; 1] = named("");
        static TWICE: [Extension; 2] =
            [Extension::new("a", 0, "", |_| None), Extension::new("a", 1, "", |_| None)];
        let refused = |list| Extensions::new(list).unwrap_err();
        assert_eq!(refused(&RATE), ExtensionError::Taken("rate"));
        assert_eq!(refused(&EXPERIMENTAL), ExtensionError::Taken("mad_over_time"));
        assert_eq!(refused(&SUM), ExtensionError::Taken("sum"));
        assert_eq!(refused(&OFFSET), ExtensionError::Taken("offset"));
        assert_eq!(refused(&UPPER), ExtensionError::Unwritable("Trend"));
        assert_eq!(refused(&EMPTY), ExtensionError::Unwritable(""));
        assert_eq!(refused(&TWICE), ExtensionError::Twice("a"));
        assert!(refused(&RATE).to_string().contains("give it another name"));
    }

    #[test]
    fn errors_have_positions_and_suggestions() {
        let error = |text: &str, features: &Features| parse(text, features).unwrap_err();
        let wrong = |text: &str| error(text, &features()).to_string();
        assert_eq!(
            wrong("1 + middle(m)"),
            "1:12: parse error: expected type range vector in call to function \"middle\", got \
             instant vector"
        );
        assert_eq!(
            wrong("since_last(m[1m])"),
            "1:1: parse error: expected 2 argument(s) in call to \"since_last\", got 1"
        );
        let misspelt = error("sum(midle(m[1m]))", &features());
        assert_eq!((misspelt.suggestion(), misspelt.column()), (Some("middle"), Some(5)));
        let unknown = error("middle(m[1m])", &Features::default());
        assert!(unknown.to_string().contains("unknown function with name \"middle\""));
        assert_ne!(unknown.suggestion(), Some("middle"));
        let mut more = features();
        more.enable("promqltest");
        assert!(parse("middle(m[1m])", &more).is_ok());
    }

    #[test]
    fn listed_printed_and_compared() {
        let rows: Vec<&str> = features().functions().map(|row| row.name).collect();
        assert!(rows.contains(&"rate") && rows.contains(&"middle"));
        let tree = parse("sum ( since_last( m [1m] , 1+1 ) )", &features()).unwrap();
        assert_eq!(tree.to_string(), "sum(since_last(m[1m], 1 + 1))");
        assert_ne!(features(), Features::default());
        assert_eq!(
            format!("{:?}", features().extensions),
            "[\"middle\", \"since_last\", \"never\"]"
        );
    }

    #[test]
    fn evaluated_over_selectors_and_subqueries() {
        let source = MemorySource::new();
        for (name, add) in [("a", 0.0), ("b", 100.0)] {
            let labels = Labels::new([("__name__", "m"), ("s", name)]).unwrap();
            for i in 1..=6 {
                source.append(&labels, i * 10_000, i as f64 + add);
            }
        }
        let config = EngineConfig { features: features(), ..EngineConfig::default() };
        let engine = Engine::new(config, Arc::new(Workers::new(1)));
        let ask = |text: &str| {
            let query = engine.parse(text).unwrap();
            let cx = ReadCx::unlimited();
            match engine.instant(&source.snapshot(), &query, 65_000, &cx).unwrap().value {
                Value::Vector(all) => {
                    all.iter().map(|s| (s.labels.to_string(), s.value)).collect::<Vec<_>>()
                }
                other => panic!("{other:?}"),
            }
        };
        let both = |a: f64, b: f64| vec![("{s=\"a\"}".to_owned(), a), ("{s=\"b\"}".to_owned(), b)];
        assert_eq!(ask("middle(m[1m])"), both(4.0, 104.0));
        assert_eq!(ask("since_last(m[1m], scalar(m{s=\"a\"}))"), both(30.0, 30.0));
        assert_eq!(ask("since_last(m[1m] offset 10s, 1)"), both(15.0, 15.0));
        assert_eq!(ask("middle((m * 2)[30s:10s])"), both(10.0, 210.0));
        assert_eq!(ask("never(m[1m], 1, 2)"), vec![]);
    }

    #[test]
    fn a_cancelled_query_ends_between_windows() {
        static CANCEL: OnceLock<Cancel> = OnceLock::new();
        static WINDOWS: AtomicUsize = AtomicUsize::new(0);
        static STOPS: [Extension; 1] = [Extension::new("stops", 0, "stops at the third", |_| {
            if WINDOWS.fetch_add(1, Ordering::Relaxed) == 2 {
                CANCEL.get()?.stop(Stop::Client);
            }
            Some(1.0)
        })];
        let features =
            Features { extensions: Extensions::new(&STOPS).unwrap(), ..Features::default() };
        let config = EngineConfig { features, ..EngineConfig::default() };
        let engine = Engine::new(config, Arc::new(Workers::new(1)));
        let source = MemorySource::new();
        source.append(&Labels::new([("__name__", "m")]).unwrap(), 1_000, 1.0);
        let cx = ReadCx::unlimited();
        CANCEL.set(cx.cancel.clone()).ok().unwrap();
        let query = engine.parse("stops(m[1h])").unwrap();
        let grid = Grid { start: 1_000, end: 1_000_000, step: 1_000 };
        let error = engine.range(&source.snapshot(), &query, grid, &cx).unwrap_err();
        assert!(error.to_string().contains("canceled"), "{error}");
        assert_eq!(WINDOWS.load(Ordering::Relaxed), 3);
    }
}
