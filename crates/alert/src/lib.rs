//! Alerting: rules, their life cycle, grouping, notification.
//!
//! [`evaluate`] is a pure function of rule, engine, view, time and state: the same live, in replay
//! and in tests. [`Router`] decides what is told to whom and when, without a clock of its own.
//! [`Alerting`] owns both, writes each decision into `records` before anything is sent (state,
//! transitions, groups and outbox in one transaction), and appends result series. After a restart
//! `records` is the truth: nothing is paged twice, no `for` time is lost. If a page cannot be
//! written, it is sent all the same. [`notify`] is the async rim that delivers.
//!
//! Not here: where configuration comes from, HTTP.

#![forbid(unsafe_code)]

mod backfill;
pub mod backtest;
pub mod config;
mod cycle;
mod defaults;
mod evaluate;
pub mod evidence;
pub mod forward;
pub mod history;
mod metrics;
pub mod notify;
mod owner;
pub mod registry;
pub mod route;
mod rule_files;
mod rules;
mod state;
mod template;
mod unit_test;

pub use backfill::{BackfillAsk, BackfillError, BackfillReport, Backfilled};
pub use defaults::{
    DEFAULT_RULES_FILE, PACKS, Pack, Rationale, default_rules, default_rules_text, give_way,
    usual_packs,
};
pub use evaluate::{EvalError, Evaluated, Health, Sample, Scene, evaluate};
pub use metrics::Metrics;
pub use owner::{
    AlertOrder, AlertView, Alerting, AlertsAsked, AlertsView, Arrival, Bulletin, BulletinError,
    ENCLOSED_BYTES_MAX, Enclosed, GroupView, IncidentView, Letter, PostError, Posted, Posting,
    Prepared, RuleInput, RuleView, Setup, Wake,
};
pub use route::acknowledge::{AcknowledgeError, Acknowledged};
pub use route::calendar::Window;
pub use route::matching::{REGEX_BYTES_MAX, parse_matcher, parse_matchers};
pub use route::{
    GroupedView, Notice, NoticeView, Notification, Route, Router, Routing, Silence, SilenceError,
    SilenceMatcher, SilenceState, payload, silence_matchers,
};
pub use rule_files::{
    FILE_BYTES_MAX as RULE_FILE_BYTES_MAX, RuleFile, RuleFileEdit, RuleFileError, RuleFileVersion,
    RuleFiles, is_rule_file_name, read_text, receivers_dir, rule_file_names, rules_dir, unified,
};
pub use rules::kinds;
pub use rules::{
    Condition, Group, OnError, OnNoData, Policy, Rule, RuleKind, fuzz_rules, read_rules,
};
pub use state::{Alert, AlertState, RuleState, Seen, Transition};
pub use template::{
    AlertData, Data, ExpandError, Kind as TemplateKind, Limits as TemplateLimits, Queries, Reached,
    Sample as TemplateSample, Surroundings, Template, TemplateError, Templates, Values,
    fuzz_template, plain as plain_notification,
};
pub use unit_test::{UnitTest, UnitTests, fuzz_unit_tests, read_unit_tests};
