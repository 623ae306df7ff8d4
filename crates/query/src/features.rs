//! Switches of PromQL's experimental parts, under the names that Prometheus gives them.
//!
//! All are off by default, as in Prometheus. [`Features::enable`] takes one name of a
//! `--enable-feature` list; `promqltest` switches on everything that the PromQL test files need.

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
    };

    /// Switches on what `name` stands for; returns false if it is no switch of the query engine.
    pub fn enable(&mut self, name: &str) -> bool {
        let switch = match name {
            "promqltest" => {
                let keep = self.type_and_unit_labels;
                *self = Features { type_and_unit_labels: keep, ..Features::PROMQLTEST };
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
