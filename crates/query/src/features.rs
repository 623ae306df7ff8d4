//! Switches of PromQL's experimental parts, under the names that Prometheus gives them.
//!
//! All are off by default, as in Prometheus. [`Features::enable`] takes one name of a
//! `--enable-feature` list; `promqltest` switches on everything that the PromQL test files need.

use crate::extension::Extensions;
use crate::functions::{FUNCTIONS, Function};

/// Which experimental parts of the language are on. The default is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Features {
    /// `promql-experimental-functions`: functions and aggregations marked experimental.
    pub experimental_functions: bool,
    /// `promql-duration-expr`: arithmetic where a duration stands (`m[step() * 2]`).
    pub duration_expr: bool,
    /// `promql-extended-range-selectors`: `anchored` and `smoothed`.
    pub extended_range_selectors: bool,
    /// `promql-binop-fill-modifiers`: `fill`, `fill_left` and `fill_right`.
    pub binop_fill_modifiers: bool,
    /// `promql-delayed-name-removal`: the metric name is dropped at the end of an evaluation.
    pub delayed_name_removal: bool,
    /// `use-start-timestamps`: counter functions use the stored start timestamps.
    pub start_timestamps: bool,
    /// `type-and-unit-labels`: `__type__` and `__unit__` are labels like the metric name.
    pub type_and_unit_labels: bool,
    /// Functions from outside the language; no switch, whoever brings them has them.
    pub extensions: Extensions,
}

impl Features {
    /// Everything that the PromQL test files switch on (`promqltest`).
    pub const PROMQLTEST: Features = Features {
        experimental_functions: true,
        duration_expr: true,
        extended_range_selectors: true,
        binop_fill_modifiers: true,
        delayed_name_removal: true,
        start_timestamps: true,
        type_and_unit_labels: false,
        extensions: Extensions::NONE,
    };

    /// Switches on what `name` stands for; returns false if it is no switch of the query engine.
    pub fn enable(&mut self, name: &str) -> bool {
        let switch = match name {
            "promqltest" => {
                let Features { type_and_unit_labels, extensions, .. } = *self;
                *self = Features { type_and_unit_labels, extensions, ..Features::PROMQLTEST };
                return true;
            }
            "promql-experimental-functions" => &mut self.experimental_functions,
            "promql-duration-expr" => &mut self.duration_expr,
            "promql-extended-range-selectors" => &mut self.extended_range_selectors,
            "promql-binop-fill-modifiers" => &mut self.binop_fill_modifiers,
            "promql-delayed-name-removal" => &mut self.delayed_name_removal,
            "use-start-timestamps" => &mut self.start_timestamps,
            "type-and-unit-labels" => &mut self.type_and_unit_labels,
            _ => return false,
        };
        *switch = true;
        true
    }

    /// Every function that may be called: those of the language, then the extensions.
    pub fn functions(&self) -> impl Iterator<Item = &'static Function> {
        FUNCTIONS.iter().chain(self.extensions.functions())
    }

    /// The function called `name`.
    pub(crate) fn function(&self, name: &str) -> Option<&'static Function> {
        let extension = || self.extensions.find(name).map(|extension| extension.function());
        crate::function(name).or_else(extension)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_switch_on_one_part_each() {
        let mut features = Features::default();
        assert!(features.enable("promql-duration-expr"));
        assert_eq!(features, Features { duration_expr: true, ..Features::default() });
        assert!(!features.enable("agent"));
    }

    #[test]
    fn promqltest_keeps_what_was_on() {
        let mut features = Features::default();
        features.enable("type-and-unit-labels");
        features.enable("promqltest");
        assert_eq!(features, Features { type_and_unit_labels: true, ..Features::PROMQLTEST });
    }
}
