//! What the façade answers when something cannot be done.

use plimsoll_model::written::Problem;

/// Why monitoring could not be started, changed or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration is wrong; nothing was started or changed. Every problem is listed.
    #[error("{}", list(.0))]
    Configuration(Vec<Problem>),
    /// The address cannot be listened on, or the data directory not be used.
    #[error("{0}")]
    Unavailable(String),
    /// A query is wrong or cannot be answered.
    #[error("{0}")]
    Query(String),
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
