//! Runs a template.
//!
//! The place that a message names is that of the part that was looked at last, as in Go. Depth, steps,
//! elements of a range, output and queries are bounded; each bound has a message of its own. Nothing
//! that a template does can panic or run for ever.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::format::{Buffer, show};
use super::functions::{Env, Function, Set, find, truth_decides};
use super::html::Place;
use super::member::{self, Member, member};
use super::tree::{Branch, Command, Invocation, Node, Operand, Pipe, Source, Term, Tree};
use super::value::{Type, Value};

/// Blocks, parentheses and templates inside each other while a template runs.
const DEPTH_MAX: usize = 120;

/// Templates by their names.
pub(super) type Trees = BTreeMap<String, Arc<Tree>>;

/// What went wrong, with its place, in Go's words.
pub(super) type Failure = String;

/// What is looked at.
#[derive(Clone, Copy)]
enum At<'t> {
    Nothing,
    Pipe(&'t Pipe),
    Command(&'t Command),
    Operand(&'t Operand),
    Invocation(&'t Invocation),
}

/// What happens after a part.
enum Flow {
    Next,
    Break,
    Continue,
}

/// A running template.
pub(super) struct Run<'t, 'e> {
    trees: &'t Trees,
    set: Set,
    env: Env<'e>,
    out: Buffer,
    place: Option<Place>,
    variables: Vec<(&'t str, Value)>,
    at: At<'t>,
    tree: &'t Tree,
    /// What stands for the name of the main template.
    name: &'t str,
    depth: usize,
}

type Walked = Result<Flow, Failure>;
type Given = Result<Value, Failure>;

/// Runs the main tree over `dot`; `variables` are known from the beginning.
pub(super) fn run<'t>(
    trees: &'t Trees,
    main: &'t Tree,
    name: &'t str,
    set: Set,
    env: Env<'_>,
    dot: &Value,
    variables: &[(&'t str, Value)],
) -> Result<String, Failure> {
    let mut known = vec![("$", dot.clone())];
    known.extend(variables.iter().cloned());
    let mut run = Run {
        trees,
        set,
        out: Buffer::new(env.limits.output_bytes),
        place: env.is_html.then(Place::default),
        env,
        variables: known,
        at: At::Nothing,
        tree: main,
        name,
        depth: 0,
    };
    run.walk(dot, &main.body)?;
    Ok(run.out.text)
}

impl<'t> Run<'t, '_> {
    fn fail(&self, message: &str) -> Failure {
        let (pos, what) = match self.at {
            At::Nothing => return format!("template: {}: {message}", self.named(&self.tree.name)),
            At::Pipe(pipe) => (pipe.pos, pipe.to_string()),
            At::Command(command) => {
                (command.args.first().map_or(0, |a| a.pos), command.to_string())
            }
            At::Operand(operand) => (operand.pos, operand.term.to_string()),
            At::Invocation(call) => (call.pos, call.to_string()),
        };
        let source: &Source = &self.tree.source;
        let (line, mut column) = source.place(pos);
        if line == 1 {
            column += source.before;
        }
        let (file, tree) = (self.named(&source.name), self.named(&self.tree.name));
        format!("template: {file}:{line}:{column}: executing {tree:?} at <{what}>: {message}")
    }

    fn named<'n>(&'n self, name: &'n str) -> &'n str {
        if name.is_empty() { self.name } else { name }
    }

    fn step(&mut self, cost: u64) -> Result<(), Failure> {
        self.env.step(cost).map_err(|m| self.fail(&m))
    }

    fn deeper(&mut self) -> Result<(), Failure> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(
                self.fail(&format!("nested deeper than {DEPTH_MAX}, the limit of a template"))
            );
        }
        Ok(())
    }

    fn put(&mut self, text: &str) -> Result<(), Failure> {
        if self.out.put(text).is_err() {
            let most = self.env.limits.output_bytes;
            return Err(self.fail(&format!("output above {most} bytes, the limit of a template")));
        }
        Ok(())
    }

    fn walk(&mut self, dot: &Value, nodes: &'t [Node]) -> Walked {
        self.deeper()?;
        for node in nodes {
            self.step(1)?;
            let flow = match node {
                Node::Text(text) => {
                    if let Some(place) = &mut self.place {
                        place.follow(text);
                    }
                    self.put(text)?;
                    Flow::Next
                }
                Node::Action(pipe) => {
                    let value = self.pipeline(dot, pipe)?;
                    if pipe.declares.is_empty() {
                        self.write(&value)?;
                    }
                    Flow::Next
                }
                Node::If(branch) => self.choose(dot, branch, false)?,
                Node::With(branch) => self.choose(dot, branch, true)?,
                Node::Range(branch) => self.range(dot, branch)?,
                Node::Template(call) => self.template(dot, call)?,
                Node::Break => Flow::Break,
                Node::Continue => Flow::Continue,
            };
            if !matches!(flow, Flow::Next) {
                self.depth -= 1;
                return Ok(flow);
            }
        }
        self.depth -= 1;
        Ok(Flow::Next)
    }

    fn write(&mut self, value: &Value) -> Result<(), Failure> {
        if let (Value::Text(text), None) = (value, &self.place) {
            return self.put(text);
        }
        let mut shown = Buffer::new(self.env.limits.output_bytes);
        if show(&mut shown, value).is_err() {
            let message = self.env.too_long();
            return Err(self.fail(&message));
        }
        self.step(shown.text.len() as u64 / 64)?;
        let Some(place) = &mut self.place else { return self.put(&shown.text) };
        let shown = if matches!(value, Value::Nil) { "" } else { shown.text.as_str() };
        let escaped = place.escape(value, shown);
        self.put(&escaped)
    }

    fn choose(&mut self, dot: &Value, branch: &'t Branch, is_with: bool) -> Walked {
        let mark = self.variables.len();
        let mut flow = None;
        for (pipe, body) in &branch.arms {
            let value = self.pipeline(dot, pipe)?;
            if value.is_true() {
                flow = Some(self.walk(if is_with { &value } else { dot }, body)?);
                break;
            }
        }
        let flow = match flow {
            Some(flow) => flow,
            None => self.walk(dot, &branch.otherwise)?,
        };
        self.variables.truncate(mark);
        Ok(flow)
    }

    fn range(&mut self, dot: &Value, branch: &'t Branch) -> Walked {
        let Some((pipe, body)) = branch.arms.first() else { return Ok(Flow::Next) };
        let mark = self.variables.len();
        let list = self.commands(dot, pipe)?;
        let count = match &list {
            Value::Nil => 0,
            Value::Int(n) if pipe.declares.len() > 1 => {
                let message = format!("can't use {n} to iterate over more than one variable");
                return Err(self.fail(&message));
            }
            Value::Int(n) => usize::try_from(*n).unwrap_or(0),
            Value::Text(_) | Value::Html(_) | Value::Url(_) => return Err(self.not_a_list(&list)),
            list => list.len().ok_or_else(|| self.not_a_list(list))?,
        };
        if count > self.env.limits.range {
            let most = self.env.limits.range;
            return Err(self.fail(&format!("range over {count} elements, the limit is {most}")));
        }
        if !pipe.assigns {
            self.variables.extend(pipe.declares.iter().map(|n| (n.as_str(), Value::Nil)));
        }
        let inner = self.variables.len();
        let entries = entries(&list);
        self.step(count as u64 / 8)?;
        let mut flow = Flow::Next;
        for i in 0..count {
            self.step(1)?;
            let (key, element) = match (&list, &entries) {
                (Value::Int(_), _) => {
                    let n = Value::Int(i64::try_from(i).unwrap_or(i64::MAX));
                    (n.clone(), n)
                }
                (_, Some(entries)) => entries[i].clone(),
                (list, None) => {
                    let n = i64::try_from(i).unwrap_or(i64::MAX);
                    (Value::Int(n), list.at(i).unwrap_or(Value::Nil))
                }
            };
            match pipe.declares.as_slice() {
                [] => {}
                [one] => self.set(one, element.clone())?,
                [first, second, ..] => {
                    self.set(first, key)?;
                    self.set(second, element.clone())?;
                }
            }
            let after = self.walk(&element, body)?;
            self.variables.truncate(inner);
            if matches!(after, Flow::Break) {
                break;
            }
        }
        if count == 0 {
            flow = self.walk(dot, &branch.otherwise)?;
        }
        self.variables.truncate(mark);
        Ok(flow)
    }

    fn not_a_list(&self, value: &Value) -> Failure {
        let mut shown = Buffer::new(200);
        let _cut = show(&mut shown, value);
        self.fail(&format!("range can't iterate over {}", shown.text))
    }

    fn template(&mut self, dot: &Value, call: &'t Invocation) -> Walked {
        self.at = At::Invocation(call);
        let Some(tree) = self.trees.get(&call.name) else {
            return Err(self.fail(&format!("template {:?} not defined", call.name)));
        };
        self.deeper()?;
        let dot = match &call.pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Value::Nil,
        };
        let outer = std::mem::replace(&mut self.variables, vec![("$", dot.clone())]);
        let caller = std::mem::replace(&mut self.tree, tree);
        self.walk(&dot, &tree.body)?;
        self.tree = caller;
        self.variables = outer;
        self.depth -= 1;
        Ok(Flow::Next)
    }

    fn set(&mut self, name: &str, value: Value) -> Result<(), Failure> {
        match self.variables.iter_mut().rev().find(|(n, _)| *n == name) {
            Some((_, old)) => {
                *old = value;
                Ok(())
            }
            None => Err(self.fail(&format!("undefined variable: {name}"))),
        }
    }

    fn pipeline(&mut self, dot: &Value, pipe: &'t Pipe) -> Given {
        let value = self.commands(dot, pipe)?;
        for name in &pipe.declares {
            if pipe.assigns {
                self.set(name, value.clone())?;
            } else {
                self.variables.push((name, value.clone()));
            }
        }
        Ok(value)
    }

    fn commands(&mut self, dot: &Value, pipe: &'t Pipe) -> Given {
        self.deeper()?;
        self.at = At::Pipe(pipe);
        let mut value = None;
        for command in &pipe.commands {
            self.step(1)?;
            value = Some(self.command(dot, command, value)?);
        }
        self.depth -= 1;
        Ok(value.unwrap_or(Value::Nil))
    }

    fn command(&mut self, dot: &Value, command: &'t Command, piped: Option<Value>) -> Given {
        let Some((first, args)) = command.args.split_first() else { return Ok(Value::Nil) };
        match &first.term {
            Term::Field(names) => {
                self.at = At::Operand(first);
                self.chain(dot, dot.clone(), first, names, args, piped)
            }
            Term::Chain(inner, names) => {
                self.at = At::Operand(first);
                let receiver = self.operand(dot, inner)?;
                self.chain(dot, receiver, first, names, args, piped)
            }
            Term::Variable(name, names) if !names.is_empty() => {
                self.at = At::Operand(first);
                let receiver = self.variable(name)?;
                self.chain(dot, receiver, first, names, args, piped)
            }
            Term::Function(name) => {
                self.at = At::Operand(first);
                self.function(dot, name, At::Command(command), args, piped)
            }
            _ => {
                self.at = At::Operand(first);
                if !args.is_empty() || piped.is_some() {
                    let what = &first.term;
                    return Err(self.fail(&format!("can't give argument to non-function {what}")));
                }
                if matches!(first.term, Term::Nil) {
                    return Err(self.fail("nil is not a command"));
                }
                self.operand(dot, first)
            }
        }
    }

    /// The value of an operand without arguments.
    fn operand(&mut self, dot: &Value, operand: &'t Operand) -> Given {
        if !matches!(operand.term, Term::Pipe(_)) {
            self.at = At::Operand(operand);
        }
        match &operand.term {
            Term::Dot => Ok(dot.clone()),
            Term::Nil => Ok(Value::Nil),
            Term::Bool(b) => Ok(Value::Bool(*b)),
            Term::Number(n) if n.is_float => Ok(Value::Float(n.float)),
            Term::Number(n) => Ok(n.int.map_or(Value::Float(n.float), Value::Int)),
            Term::Text(_, text) => Ok(Value::text(text)),
            Term::Field(names) => self.chain(dot, dot.clone(), operand, names, &[], None),
            Term::Variable(name, names) => {
                let receiver = self.variable(name)?;
                self.chain(dot, receiver, operand, names, &[], None)
            }
            Term::Chain(inner, names) => {
                let receiver = self.operand(dot, inner)?;
                self.chain(dot, receiver, operand, names, &[], None)
            }
            Term::Function(name) => self.function(dot, name, At::Operand(operand), &[], None),
            Term::Pipe(pipe) => self.pipeline(dot, pipe),
        }
    }

    fn variable(&self, name: &str) -> Given {
        let found = self.variables.iter().rev().find(|(n, _)| *n == name);
        match found {
            Some((_, value)) => Ok(value.clone()),
            None => Err(self.fail(&format!("undefined variable: {name}"))),
        }
    }

    fn chain(
        &mut self,
        dot: &Value,
        mut receiver: Value,
        node: &'t Operand,
        names: &'t [String],
        args: &'t [Operand],
        piped: Option<Value>,
    ) -> Given {
        let Some((last, before)) = names.split_last() else { return Ok(receiver) };
        for name in before {
            receiver = self.field(dot, &receiver, node, name, &[], None)?;
        }
        self.field(dot, &receiver, node, last, args, piped)
    }

    fn field(
        &mut self,
        dot: &Value,
        receiver: &Value,
        node: &'t Operand,
        name: &str,
        args: &'t [Operand],
        piped: Option<Value>,
    ) -> Given {
        self.step(1)?;
        let has_args = !args.is_empty() || piped.is_some();
        match (receiver, member(receiver.kind(), name)) {
            (Value::Nil, _) => Ok(Value::Nil),
            (_, Some(Member::Method(takes, _))) => {
                let values = self.arguments(dot, name, takes, None, args, piped)?;
                let size = receiver.len().unwrap_or(0) as u64;
                self.step(size)?;
                member::call(receiver, name, &values).map_err(|m| {
                    self.at = At::Operand(node);
                    self.fail(&format!("error calling {name}: {m}"))
                })
            }
            (_, Some(Member::Field(_))) if has_args => {
                Err(self.fail(&format!("{name} has arguments but cannot be invoked as function")))
            }
            (record, Some(Member::Field(_))) => {
                if let (Value::Data(data), "Alerts") = (record, name) {
                    self.step(data.alerts.len() as u64 / 8)?;
                }
                Ok(member::field(record, name).unwrap_or(Value::Nil))
            }
            (Value::Map(_) | Value::Args(_), None) if has_args => {
                Err(self.fail(&format!("{name} is not a method but has arguments")))
            }
            (Value::Map(map), None) => Ok(Value::text(map.get(name).unwrap_or(""))),
            (Value::Args(map), None) => Ok(map.entries.get(name).cloned().unwrap_or(Value::Nil)),
            (other, None) => {
                let kind = other.kind().go_name();
                Err(self.fail(&format!("can't evaluate field {name} in type {kind}")))
            }
        }
    }

    fn function(
        &mut self,
        dot: &Value,
        name: &str,
        node: At<'t>,
        args: &'t [Operand],
        piped: Option<Value>,
    ) -> Given {
        let Some(function) = find(self.set, name) else {
            return Err(self.fail(&format!("{name:?} is not a defined function")));
        };
        if matches!(name, "and" | "or") && args.len() + usize::from(piped.is_some()) > 0 {
            for arg in args {
                let value = self.argument(dot, Type::Any, arg)?;
                if truth_decides(name, &value) {
                    return Ok(value);
                }
                if piped.is_none() && std::ptr::eq(arg, &raw const args[args.len() - 1]) {
                    return Ok(value);
                }
            }
            return Ok(piped.unwrap_or(Value::Nil));
        }
        let Function { takes, rest, run, .. } = function;
        let values = self.arguments(dot, name, takes, *rest, args, piped)?;
        run(&mut self.env, &values).map_err(|m| {
            self.at = node;
            self.fail(&format!("error calling {name}: {m}"))
        })
    }

    fn arguments(
        &mut self,
        dot: &Value,
        name: &str,
        takes: &[Type],
        rest: Option<Type>,
        args: &'t [Operand],
        piped: Option<Value>,
    ) -> Result<Vec<Value>, Failure> {
        let found = args.len() + usize::from(piped.is_some());
        if let Some(message) = wrong_count(name, takes.len(), rest.is_some(), found) {
            return Err(self.fail(&message));
        }
        let kind = |i: usize| takes.get(i).copied().or(rest).unwrap_or(Type::Any);
        let mut values = Vec::with_capacity(found);
        for (i, arg) in args.iter().enumerate() {
            values.push(self.argument(dot, kind(i), arg)?);
        }
        if let Some(value) = piped {
            values.push(self.fitting(value, kind(args.len()))?);
        }
        let size: usize = values.iter().filter_map(Value::len).sum();
        self.step(size as u64 / 64)?;
        Ok(values)
    }

    fn argument(&mut self, dot: &Value, kind: Type, arg: &'t Operand) -> Given {
        if !matches!(arg.term, Term::Pipe(_)) {
            self.at = At::Operand(arg);
        }
        let what = || arg.term.to_string();
        match (&arg.term, kind) {
            (Term::Nil, kind) if can_be_nil(kind) => Ok(Value::Nil),
            (Term::Nil, kind) => {
                Err(self.fail(&format!("cannot assign nil to {}", kind.go_name())))
            }
            (Term::Bool(_) | Term::Number(_) | Term::Text(..), Type::Any) => self.operand(dot, arg),
            (Term::Text(_, text), Type::Text) => Ok(Value::text(text)),
            (Term::Number(n), Type::Int | Type::Duration) if n.int.is_some() => {
                let n = n.int.unwrap_or(0);
                Ok(if kind == Type::Int { Value::Int(n) } else { Value::Duration(n) })
            }
            (Term::Bool(_) | Term::Number(_) | Term::Text(..), kind) => {
                let message = match kind {
                    Type::Text => format!("expected string; found {}", what()),
                    Type::Int | Type::Duration => format!("expected integer; found {}", what()),
                    kind => {
                        format!("can't handle {} for arg of type {}", what(), kind.go_name())
                    }
                };
                Err(self.fail(&message))
            }
            _ => {
                let value = self.operand(dot, arg)?;
                self.fitting(value, kind)
            }
        }
    }

    fn fitting(&self, value: Value, kind: Type) -> Given {
        let found = value.kind();
        if kind == Type::Any || found == kind {
            return Ok(value);
        }
        match found {
            Type::Nil if can_be_nil(kind) => Ok(value),
            Type::Nil => Err(self.fail(&format!("invalid value; expected {}", kind.go_name()))),
            found => {
                let (want, got) = (kind.go_name(), found.go_name());
                Err(self.fail(&format!("wrong type for value; expected {want}; got {got}")))
            }
        }
    }
}

/// The keys and elements of a map in order; `None` for other lists.
fn entries(list: &Value) -> Option<Vec<(Value, Value)>> {
    match list {
        Value::Map(map) => {
            Some(map.iter().map(|(n, v)| (Value::text(n), Value::text(v))).collect())
        }
        Value::Args(map) => {
            Some(map.entries.iter().map(|(n, v)| (Value::text(n), v.clone())).collect())
        }
        _ => None,
    }
}

const fn can_be_nil(kind: Type) -> bool {
    matches!(
        kind,
        Type::Any
            | Type::Texts
            | Type::Samples
            | Type::Sample
            | Type::Kv
            | Type::Labels
            | Type::Args
    )
}

/// The message about a wrong number of arguments.
pub(super) fn wrong_count(name: &str, takes: usize, more: bool, found: usize) -> Option<String> {
    if more && found < takes {
        return Some(format!("wrong number of args for {name}: want at least {takes} got {found}"));
    }
    if !more && found != takes {
        return Some(format!("wrong number of args for {name}: want {takes} got {found}"));
    }
    None
}

/// A tree by its name, from one source or several.
pub(super) fn collect(trees: Vec<Tree>) -> Trees {
    trees.into_iter().map(|t| (t.name.clone(), Arc::new(t))).collect()
}
