//! What became of each panel and variable.

/// How well something is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Looks and says the same.
    Exact,
    /// The data are there; something looks or is computed otherwise.
    Approximate,
    /// No data.
    Unsupported,
}

impl Outcome {
    /// As it is shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Approximate => "approximate",
            Self::Unsupported => "unsupported",
        }
    }
}

/// What became of a panel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanelReport {
    /// Its number in the dashboard.
    pub id: u64,
    /// Above it.
    pub title: String,
    /// Grafana's type.
    pub kind: String,
    /// How well it is taken over.
    pub outcome: Outcome,
    /// What is otherwise.
    pub notes: Vec<String>,
}

/// What became of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableReport {
    /// Its name.
    pub name: String,
    /// How well it is taken over.
    pub outcome: Outcome,
    /// What is otherwise.
    pub notes: Vec<String>,
}

/// What became of a dashboard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Panels in their order; rows are none.
    pub panels: Vec<PanelReport>,
    /// Variables in their order.
    pub variables: Vec<VariableReport>,
    /// What concerns all of it.
    pub notes: Vec<String>,
}

impl Report {
    /// Panels of an outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.panels.iter().filter(|p| p.outcome == outcome).count()
    }
}

/// Notes of one thing. At most [`NOTES_MAX`]; each once.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub all: Vec<String>,
    /// The worst so far.
    pub outcome: Option<Outcome>,
}

/// Notes of one thing.
const NOTES_MAX: usize = 20;

impl Notes {
    /// Something is otherwise.
    pub fn add(&mut self, note: impl Into<String>) {
        self.note(Outcome::Approximate, note);
    }

    /// Nothing is shown.
    pub fn unsupported(&mut self, note: impl Into<String>) {
        self.note(Outcome::Unsupported, note);
    }

    /// Something worth a word that changes nothing in what is shown.
    pub fn tell(&mut self, note: impl Into<String>) {
        self.note(Outcome::Exact, note);
    }

    pub fn extend(&mut self, notes: impl IntoIterator<Item = String>) {
        notes.into_iter().for_each(|n| self.add(n));
    }

    fn note(&mut self, outcome: Outcome, note: impl Into<String>) {
        self.outcome = self.outcome.max(Some(outcome));
        let note = note.into();
        if self.all.len() < NOTES_MAX && !self.all.contains(&note) {
            self.all.push(note);
        }
    }

    pub fn outcome(&self) -> Outcome {
        self.outcome.unwrap_or(Outcome::Exact)
    }
}
