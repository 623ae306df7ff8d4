//! What can be known to fail before a template runs: unknown fields, templates that are not defined,
//! wrong numbers of arguments. Unknown functions and variables are found by the parser already.
//!
//! Types are followed as far as they are known; where they are not (elements of `args`, variables that
//! are assigned again) nothing is claimed. A template that others call is checked once for each type
//! that it is called with.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::eval::{Trees, wrong_count};
use super::functions::{Set, find};
use super::member::{Member, member, members};
use super::suggest::suggestion;
use super::tree::{Branch, Command, Node, Operand, Pipe, Source, Term, Tree};
use super::value::Type;

/// What is wrong, with the text in which it is.
#[derive(Debug)]
pub(super) struct Wrong {
    pub source: Arc<Source>,
    pub pos: usize,
    pub message: String,
}

/// Checks a tree whose dot has a type, and all that it calls.
pub(super) fn check(
    main: &Tree,
    trees: &Trees,
    set: Set,
    dot: Type,
    variables: &[(&str, Type)],
) -> Result<(), Wrong> {
    let mut checker = Checker { trees, set, called: Vec::new(), variables: Vec::new() };
    checker.tree(main, dot, variables)?;
    let mut seen: BTreeSet<(String, Type)> = BTreeSet::new();
    while let Some((name, dot)) = checker.called.pop() {
        if !seen.insert((name.clone(), dot)) {
            continue;
        }
        if let Some(tree) = trees.get(&name) {
            checker.tree(tree, dot, &[])?;
        }
    }
    Ok(())
}

struct Checker<'c> {
    trees: &'c Trees,
    set: Set,
    /// Templates that are called, with the types of their dots.
    called: Vec<(String, Type)>,
    variables: Vec<(String, Type)>,
}

/// What a branch begins with.
#[derive(Clone, Copy)]
enum Word {
    If,
    With,
    Range,
}

type Found = Result<Type, (usize, String)>;

impl Checker<'_> {
    fn tree(&mut self, tree: &Tree, dot: Type, variables: &[(&str, Type)]) -> Result<(), Wrong> {
        let mut assigned = BTreeSet::new();
        find_assigned(&tree.body, &mut assigned);
        let known = variables.iter().map(|(n, t)| ((*n).to_owned(), *t));
        self.variables = vec![("$".to_owned(), dot)];
        self.variables.extend(known);
        let result = self.nodes(&tree.body, dot, &assigned);
        result.map_err(|(pos, message)| Wrong { source: Arc::clone(&tree.source), pos, message })
    }

    fn nodes(
        &mut self,
        nodes: &[Node],
        dot: Type,
        assigned: &BTreeSet<String>,
    ) -> Result<(), (usize, String)> {
        for node in nodes {
            match node {
                Node::Text(_) | Node::Break | Node::Continue => {}
                Node::Action(pipe) => {
                    self.declared(pipe, dot, assigned)?;
                }
                Node::If(branch) => self.branch(branch, dot, assigned, Word::If)?,
                Node::With(branch) => self.branch(branch, dot, assigned, Word::With)?,
                Node::Range(branch) => self.branch(branch, dot, assigned, Word::Range)?,
                Node::Template(call) => {
                    if !self.trees.contains_key(&call.name) {
                        let known = self.trees.keys().map(String::as_str);
                        let hint = suggestion(&call.name, known.filter(|n| !n.is_empty()));
                        let message = format!("template {:?} not defined{hint}", call.name);
                        return Err((call.pos, message));
                    }
                    let dot = match &call.pipe {
                        Some(pipe) => self.declared(pipe, dot, assigned)?,
                        None => Type::Nil,
                    };
                    self.called.push((call.name.clone(), dot));
                }
            }
        }
        Ok(())
    }

    fn branch(
        &mut self,
        branch: &Branch,
        dot: Type,
        assigned: &BTreeSet<String>,
        word: Word,
    ) -> Result<(), (usize, String)> {
        let mark = self.variables.len();
        for (pipe, body) in &branch.arms {
            let found = self.pipe(pipe, dot)?;
            let (inside, types) = match word {
                Word::If => (dot, vec![found]),
                Word::With => (found, vec![found]),
                Word::Range if pipe.declares.len() > 1 => {
                    (found.element(), vec![found.key(), found.element()])
                }
                Word::Range => (found.element(), vec![found.element()]),
            };
            self.declare(pipe, &types, assigned);
            let inner = self.variables.len();
            self.nodes(body, inside, assigned)?;
            self.variables.truncate(inner);
        }
        self.nodes(&branch.otherwise, dot, assigned)?;
        self.variables.truncate(mark);
        Ok(())
    }

    fn declare(&mut self, pipe: &Pipe, types: &[Type], assigned: &BTreeSet<String>) {
        if pipe.assigns {
            return;
        }
        for (name, kind) in pipe.declares.iter().zip(types) {
            let kind = if assigned.contains(name) { Type::Any } else { *kind };
            self.variables.push((name.clone(), kind));
        }
    }

    fn declared(&mut self, pipe: &Pipe, dot: Type, assigned: &BTreeSet<String>) -> Found {
        let found = self.pipe(pipe, dot)?;
        self.declare(pipe, &[found], assigned);
        Ok(found)
    }

    fn pipe(&self, pipe: &Pipe, dot: Type) -> Found {
        let mut found = None;
        for command in &pipe.commands {
            found = Some(self.command(command, dot, found)?);
        }
        Ok(found.unwrap_or(Type::Nil))
    }

    fn command(&self, command: &Command, dot: Type, piped: Option<Type>) -> Found {
        let Some((first, args)) = command.args.split_first() else { return Ok(Type::Nil) };
        let mut types = Vec::with_capacity(args.len() + 1);
        for arg in args {
            types.push(self.operand(arg, dot, &[])?);
        }
        types.extend(piped);
        let takes_none = match &first.term {
            Term::Function(_) | Term::Chain(..) | Term::Field(_) => false,
            Term::Variable(_, names) => names.is_empty(),
            _ => true,
        };
        if takes_none && !types.is_empty() {
            let message = format!("can't give argument to non-function {}", first.term);
            return Err((first.start, message));
        }
        self.operand(first, dot, &types)
    }

    fn operand(&self, operand: &Operand, dot: Type, args: &[Type]) -> Found {
        let pos = operand.start;
        match &operand.term {
            Term::Dot => Ok(dot),
            Term::Nil => Ok(Type::Nil),
            Term::Bool(_) => Ok(Type::Bool),
            Term::Number(n) => Ok(if n.is_float { Type::Float } else { Type::Int }),
            Term::Text(..) => Ok(Type::Text),
            Term::Field(names) => chain(pos, dot, names, args),
            Term::Variable(name, names) => chain(pos, self.variable(name), names, args),
            Term::Chain(inner, names) => chain(pos, self.operand(inner, dot, &[])?, names, args),
            Term::Pipe(pipe) => self.pipe(pipe, dot),
            Term::Function(name) => {
                let Some(function) = find(self.set, name) else { return Ok(Type::Any) };
                let (takes, more) = (function.takes.len(), function.rest.is_some());
                if let Some(message) = wrong_count(name, takes, more, args.len()) {
                    return Err((pos, message));
                }
                Ok(gives(name, function.gives, args))
            }
        }
    }

    fn variable(&self, name: &str) -> Type {
        let found = self.variables.iter().rev().find(|(n, _)| n == name);
        found.map_or(Type::Any, |(_, kind)| *kind)
    }
}

/// What a function gives for arguments of these types.
fn gives(name: &str, usual: Type, args: &[Type]) -> Type {
    match (name, args) {
        ("index", [list, at @ ..]) => at.iter().fold(*list, |list, _| match list {
            Type::Text => Type::Byte,
            list => list.element(),
        }),
        ("slice", [list, ..]) => *list,
        ("and" | "or", [first, others @ ..]) if others.iter().all(|t| t == first) => *first,
        _ => usual,
    }
}

fn chain(pos: usize, receiver: Type, names: &[String], args: &[Type]) -> Found {
    let mut kind = receiver;
    for (i, name) in names.iter().enumerate() {
        let args = if i + 1 == names.len() { args } else { &[] };
        kind = match (member(kind, name), kind) {
            (_, Type::Any | Type::Nil) => Type::Any,
            (Some(Member::Method(takes, gives)), _) => {
                if let Some(message) = wrong_count(name, takes.len(), false, args.len()) {
                    return Err((pos, message));
                }
                gives
            }
            (Some(Member::Field(_)), _) if !args.is_empty() => {
                let message = format!("{name} has arguments but cannot be invoked as function");
                return Err((pos, message));
            }
            (Some(Member::Field(kind)), _) => kind,
            (None, Type::Labels | Type::Kv | Type::Args) if !args.is_empty() => {
                return Err((pos, format!("{name} is not a method but has arguments")));
            }
            (None, Type::Labels | Type::Kv) => Type::Text,
            (None, Type::Args) => Type::Any,
            (None, kind) => {
                let hint = suggestion(name, members(kind).iter().map(|(n, _)| *n));
                let kind = kind.go_name();
                return Err((pos, format!("can't evaluate field {name} in type {kind}{hint}")));
            }
        };
    }
    Ok(kind)
}

/// The variables that get another value somewhere.
fn find_assigned(nodes: &[Node], out: &mut BTreeSet<String>) {
    let mut note = |pipe: &Pipe| {
        if pipe.assigns {
            out.extend(pipe.declares.iter().cloned());
        }
    };
    for node in nodes {
        match node {
            Node::Action(pipe) => note(pipe),
            Node::Template(call) => call.pipe.iter().for_each(&mut note),
            Node::If(branch) | Node::With(branch) | Node::Range(branch) => {
                branch.arms.iter().for_each(|(pipe, _)| note(pipe));
            }
            Node::Text(_) | Node::Break | Node::Continue => {}
        }
    }
    for node in nodes {
        if let Node::If(branch) | Node::With(branch) | Node::Range(branch) = node {
            branch.arms.iter().for_each(|(_, body)| find_assigned(body, out));
            find_assigned(&branch.otherwise, out);
        }
    }
}
