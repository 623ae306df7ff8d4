//! The `otlp` section, the same in our file and in Prometheus'.

use plimsoll_model::written::{Fields, Node, Problems};
use plimsoll_wire::otlp::{LabelRules, Settings, Strategy};

pub fn read(node: &Node, path: &str, problems: &mut Problems) -> Settings {
    let mut settings = Settings::default();
    let mut fields = Fields::of(node, path, problems);
    let strategy = fields.read("translation_strategy", problems, |n| {
        let text = n.text().unwrap_or_default();
        Strategy::of(&text).ok_or_else(|| {
            let known: Vec<&str> = Strategy::NAMES.iter().map(|(_, name)| *name).collect();
            format!("{text:?} is none of {}", known.join(", "))
        })
    });
    settings.strategy = strategy.unwrap_or_default();
    let promoted = fields.texts("promote_resource_attributes", problems);
    let ignored = fields.texts("ignore_resource_attributes", problems);
    let mut flag = |key| fields.bool(key, problems).unwrap_or(false);
    settings.promote_all = flag("promote_all_resource_attributes");
    settings.keep_identifying = flag("keep_identifying_resource_attributes");
    settings.custom_buckets = flag("convert_histograms_to_nhcb");
    settings.promote_scope = flag("promote_scope_metadata");
    settings.keep_delta = flag("keep_delta");
    let mut unless = |key| fields.bool(key, problems).unwrap_or(true);
    settings.label_rules = LabelRules {
        key_prefix: unless("label_name_underscore_sanitization"),
        keep_doubled: unless("label_name_preserve_multiple_underscores"),
    };
    fields.finish(problems);
    if settings.promote_all && !promoted.is_empty() {
        let key = format!("{path}.promote_resource_attributes");
        let message = "it cannot be given with promote_all_resource_attributes; leave one out";
        problems.add(node.line, key, message);
    }
    if !settings.promote_all && !ignored.is_empty() {
        let key = format!("{path}.ignore_resource_attributes");
        problems.add(node.line, key, "it needs promote_all_resource_attributes: true");
    }
    settings.promoted = if settings.promote_all { ignored } else { promoted };
    settings
}
