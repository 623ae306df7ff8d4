//! What an evaluation read and where its time went.
//!
//! An [`Explained`] is the answer with the tree of the expression and figures at each node. Only
//! [`Engine::explain`](crate::Engine::explain) gathers them; any other evaluation asks once per node
//! whether somebody wants them. Time comes from the clock that is handed in. Brackets are no nodes.
//! At most [`EXPLAIN_NODES_MAX`] nodes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use plimsoll_model::{Grid, Tier, TimeRange};
use plimsoll_world::Clock;

use crate::ast::{Expr, Span};
use crate::engine::Answer;
use crate::eval::Repeated;

/// Nodes of an expression that can be explained, at most.
pub const EXPLAIN_NODES_MAX: usize = 10_000;

/// At which times a query is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// At one moment, ms since the epoch.
    At(i64),
    /// At every time of a grid.
    Over(Grid),
}

/// An answer and how it came about.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The answer.
    pub answer: Answer,
    /// The expression.
    pub tree: ExplainNode,
    /// Bytes of the reader's budget that were held at most.
    pub bytes_peak: u64,
    /// How long the evaluation took.
    pub wall: Duration,
}

/// A node of an expression with its figures.
#[derive(Clone, Debug, PartialEq)]
pub struct ExplainNode {
    /// `call`, `aggregation`, `operator`, `sign`, `subquery`, `range`, `selector` or `literal`.
    pub kind: &'static str,
    /// Name of the function or operator; text of a range, a selector or a literal.
    pub name: String,
    /// Where it stands in the text.
    pub span: Span,
    /// How often it was evaluated. 0 where its value was not needed or was there already.
    pub evaluated: u64,
    /// Time spent on it and on what is below it.
    pub wall: Duration,
    /// Time spent on it alone.
    pub own: Duration,
    /// Series that it made.
    pub series: u64,
    /// The value is that of the equal expression that stands there.
    pub same_as: Option<Span>,
    /// What it read.
    pub read: Option<ExplainRead>,
    /// What is below it, in the order of the text; empty where the value is another's.
    pub children: Vec<ExplainNode>,
}

/// What a selector read.
#[derive(Clone, Debug, PartialEq)]
pub struct ExplainRead {
    /// Series that were selected.
    pub series: u64,
    /// Samples that were read.
    pub samples: u64,
    /// The times that were asked for.
    pub range: TimeRange,
    /// The roll-up tier whose buckets were read; `None` for samples.
    pub tier: Option<Tier>,
    /// Series that were answered by buckets.
    pub by_tier: u64,
    /// Why nothing coarser was read.
    pub why: String,
}

/// Figures of a node.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    times: u64,
    wall: Duration,
    series: u64,
}

/// Gathers figures of one evaluation.
pub(crate) struct Trace<'c> {
    clock: &'c dyn Clock,
    nodes: Mutex<HashMap<Span, Figures>>,
    reads: Mutex<HashMap<Span, (Figures, ExplainRead)>>,
    peak: AtomicU64,
}

impl<'c> Trace<'c> {
    /// A trace that has seen nothing yet.
    pub fn new(clock: &'c dyn Clock) -> Self {
        let (nodes, reads) = (Mutex::default(), Mutex::default());
        Self { clock, nodes, reads, peak: AtomicU64::new(0) }
    }

    /// The time on a clock that does not jump.
    pub fn now(&self) -> Duration {
        self.clock.mono()
    }

    /// So many bytes are held.
    pub fn holds(&self, bytes: u64) {
        self.peak.fetch_max(bytes, Ordering::Relaxed);
    }

    /// Bytes held at most.
    pub fn bytes_peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }

    /// A node was evaluated.
    pub fn node(&self, span: Span, wall: Duration, series: usize) {
        self.nodes.lock().entry(span).or_default().add(wall, series);
    }

    /// A selector was read.
    pub fn read(&self, selector: Span, wall: Duration, series: usize, read: ExplainRead) {
        let mut reads = self.reads.lock();
        let (figures, have) =
            reads.entry(selector).or_insert_with(|| (Figures::default(), read.clone()));
        if figures.times > 0 {
            have.samples += read.samples;
        }
        figures.add(wall, series);
    }

    /// The tree of what was evaluated.
    pub fn tree(&self, expr: &Expr, repeated: Option<&Repeated<'_>>) -> ExplainNode {
        let (nodes, reads) = (self.nodes.lock(), self.reads.lock());
        let told = |span: &Span| nodes.contains_key(span) || reads.contains_key(span);
        let places = repeated.map(|repeated| repeated.places(told));
        Tree { nodes: &nodes, reads: &reads, places: places.unwrap_or_default() }.node(expr)
    }
}

impl Figures {
    fn add(&mut self, wall: Duration, series: usize) {
        self.times += 1;
        self.wall += wall;
        self.series = series as u64;
    }
}

struct Tree<'t> {
    nodes: &'t HashMap<Span, Figures>,
    reads: &'t HashMap<Span, (Figures, ExplainRead)>,
    /// Where the value of a repeated expression was made.
    places: HashMap<Span, Span>,
}

impl Tree<'_> {
    fn node(&self, expr: &Expr) -> ExplainNode {
        let expr = expr.unwrap_paren();
        let span = expr.span();
        let (kind, name) = kind(expr);
        // `info` reads a selector that may not stand in the text.
        let selector = match expr {
            Expr::Vector(node) => Some(node.span),
            Expr::Matrix(node) => Some(node.vector.span),
            Expr::Call(node) if node.function.name == "info" => Some(span),
            _ => None,
        };
        let read = selector.and_then(|selector| self.reads.get(&selector));
        let figures = match expr {
            Expr::Vector(_) => read.map(|(figures, _)| *figures),
            _ => self.nodes.get(&span).copied(),
        };
        let same_as = match figures {
            Some(_) => None,
            None => self.places.get(&span).copied(),
        };
        let children: Vec<ExplainNode> = match same_as {
            Some(_) => Vec::new(),
            None => expr.children().into_iter().map(|child| self.node(child)).collect(),
        };
        let Figures { times, wall, series } = figures.unwrap_or_default();
        let below: Duration = children.iter().map(|child| child.wall).sum();
        ExplainNode {
            kind,
            name,
            span,
            evaluated: times,
            wall,
            own: wall.saturating_sub(below),
            series,
            same_as,
            read: read.map(|(_, read)| read.clone()),
            children,
        }
    }
}

fn kind(expr: &Expr) -> (&'static str, String) {
    match expr {
        Expr::Number(_) | Expr::String(_) => ("literal", expr.to_string()),
        Expr::Vector(_) => ("selector", expr.to_string()),
        Expr::Matrix(_) => ("range", expr.to_string()),
        Expr::Subquery(node) => {
            let step = node.step.as_ref().map(ToString::to_string).unwrap_or_default();
            ("subquery", format!("[{}:{step}]", node.range))
        }
        Expr::Call(node) => ("call", node.function.name.to_owned()),
        Expr::Aggregate(node) => ("aggregation", node.op.text().to_owned()),
        Expr::Binary(node) => ("operator", node.op.text().to_owned()),
        Expr::Unary(node) => ("sign", node.op.text().to_owned()),
        Expr::Paren(node) => kind(&node.expr),
    }
}
