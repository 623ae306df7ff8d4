//! What a template says, once it is read; every part knows where it stands and prints as written.

use std::fmt;
use std::sync::Arc;

/// A text that was read: where positions of its trees point.
#[derive(Debug)]
pub(super) struct Source {
    /// Names it in messages.
    pub name: String,
    pub text: String,
    /// Bytes that Prometheus puts before the text of a rule, counted in columns of its messages.
    pub before: usize,
}

impl Source {
    /// Line and column of a byte offset; lines from 1, columns in bytes from 0, as Go counts them.
    pub fn place(&self, pos: usize) -> (usize, usize) {
        let before = &self.text.as_bytes()[..pos.min(self.text.len())];
        let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        let line = 1 + before.iter().filter(|b| **b == b'\n').count();
        (line, before.len() - line_start)
    }
}

/// A template with a name.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub name: String,
    pub source: Arc<Source>,
    pub body: Vec<Node>,
}

/// A part of a template.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Text(String),
    /// `{{ pipeline }}`.
    Action(Pipe),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template(Invocation),
    Break,
    Continue,
}

/// `if`, `with` or `range` with what follows.
#[derive(Clone, Debug)]
pub(super) struct Branch {
    /// Each pipeline with what is done for it: several for `else if` and `else with`.
    pub arms: Vec<(Pipe, Vec<Node>)>,
    pub otherwise: Vec<Node>,
}

/// `{{ template "name" pipeline }}`.
#[derive(Clone, Debug)]
pub(super) struct Invocation {
    pub pos: usize,
    pub name: String,
    pub pipe: Option<Pipe>,
}

/// `$x := command | command`.
#[derive(Clone, Debug)]
pub(super) struct Pipe {
    pub pos: usize,
    /// Names with their `$`.
    pub declares: Vec<String>,
    /// Whether known variables get another value instead.
    pub assigns: bool,
    pub commands: Vec<Command>,
}

/// An operand, and its arguments if it is a function or method.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub args: Vec<Operand>,
}

/// One word of a command.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    /// Where Go says it stands: at the second of several fields.
    pub pos: usize,
    /// Where it begins.
    pub start: usize,
    pub term: Term,
}

/// What an operand is.
#[derive(Clone, Debug)]
pub(super) enum Term {
    Dot,
    Nil,
    Bool(bool),
    Number(Number),
    /// A text: as written, and what it says.
    Text(String, String),
    /// `.a.b`.
    Field(Vec<String>),
    /// `$x.a.b`: the name with its `$`, and the fields.
    Variable(String, Vec<String>),
    Function(String),
    /// `(…).a.b` or `function.a.b`.
    Chain(Box<Operand>, Vec<String>),
    Pipe(Box<Pipe>),
}

/// A number: what it can be, and as it is written.
#[derive(Clone, Debug)]
pub(super) struct Number {
    pub int: Option<i64>,
    pub float: f64,
    /// Whether it is a float where nothing asks for a type.
    pub is_float: bool,
    pub text: String,
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.declares.is_empty() {
            f.write_str(&self.declares.join(", "))?;
            f.write_str(if self.assigns { " = " } else { " := " })?;
        }
        for (i, command) in self.commands.iter().enumerate() {
            f.write_str(if i > 0 { " | " } else { "" })?;
            write!(f, "{command}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, arg) in self.args.iter().enumerate() {
            f.write_str(if i > 0 { " " } else { "" })?;
            match &arg.term {
                Term::Pipe(pipe) => write!(f, "({pipe})")?,
                term => write!(f, "{term}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = |f: &mut fmt::Formatter<'_>, names: &[String]| {
            names.iter().try_for_each(|name| write!(f, ".{name}"))
        };
        match self {
            Self::Dot => f.write_str("."),
            Self::Nil => f.write_str("nil"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Number(n) => f.write_str(&n.text),
            Self::Text(written, _) => f.write_str(written),
            Self::Field(names) => fields(f, names),
            Self::Variable(name, names) => {
                f.write_str(name)?;
                fields(f, names)
            }
            Self::Function(name) => f.write_str(name),
            Self::Chain(operand, names) => {
                match &operand.term {
                    Self::Pipe(pipe) => write!(f, "({pipe})")?,
                    term => write!(f, "{term}")?,
                }
                fields(f, names)
            }
            Self::Pipe(pipe) => write!(f, "{pipe}"),
        }
    }
}

impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{template {:?}", self.name)?;
        if let Some(pipe) = &self.pipe {
            write!(f, " {pipe}")?;
        }
        f.write_str("}}")
    }
}
