//! The permission table.

use std::fmt;

/// What a route needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Permission {
    /// Nothing: health, readiness, the files of the UI.
    Public,
    /// Read series, rules, alerts, states.
    Read,
    /// Send samples.
    Write,
    /// Change alerts: acknowledge, silence.
    Alert,
    /// Change dashboards and rules.
    Edit,
    /// Reload, flush, merge, delete series, users and tokens.
    Admin,
}

/// A set of permissions with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Looks.
    Viewer,
    /// Only sends.
    Writer,
    /// Looks and handles alerts.
    AlertManager,
    /// Looks, handles alerts, changes dashboards and rules.
    Editor,
    /// Everything.
    Admin,
}

/// The table: what each role may do.
const TABLE: [(Role, &str, &[Permission]); 5] = [
    (Role::Viewer, "viewer", &[Permission::Public, Permission::Read]),
    (Role::Writer, "writer", &[Permission::Public, Permission::Write]),
    (
        Role::AlertManager,
        "alert manager",
        &[Permission::Public, Permission::Read, Permission::Alert],
    ),
    (
        Role::Editor,
        "editor",
        &[Permission::Public, Permission::Read, Permission::Alert, Permission::Edit],
    ),
    (
        Role::Admin,
        "admin",
        &[
            Permission::Public,
            Permission::Read,
            Permission::Write,
            Permission::Alert,
            Permission::Edit,
            Permission::Admin,
        ],
    ),
];

impl Role {
    fn row(self) -> &'static (Self, &'static str, &'static [Permission]) {
        TABLE.iter().find(|(role, ..)| *role == self).unwrap_or(&TABLE[0])
    }

    /// Whether the role has the permission.
    pub fn may(self, permission: Permission) -> bool {
        self.row().2.contains(&permission)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().1)
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name that audit entries carry.
    pub name: String,
    /// What it may do.
    pub role: Role,
}

/// Why a request is turned down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} ({role}) may not do this: it needs the permission {permission:?}")]
pub struct Denied {
    name: String,
    role: Role,
    permission: Permission,
}

impl Identity {
    /// The identity of everybody while there are no users: it may do everything.
    pub fn anonymous() -> Self {
        Self { name: "anonymous".to_owned(), role: Role::Admin }
    }

    /// Whether the identity may do what needs this permission.
    ///
    /// # Errors
    /// [`Denied`], which says who lacks what.
    pub fn require(&self, permission: Permission) -> Result<(), Denied> {
        if self.role.may(permission) {
            return Ok(());
        }
        Err(Denied { name: self.name.clone(), role: self.role, permission })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_who_may_do_what() {
        let all = [
            Permission::Public,
            Permission::Read,
            Permission::Write,
            Permission::Alert,
            Permission::Edit,
            Permission::Admin,
        ];
        let of = |role: Role| all.map(|p| u8::from(role.may(p)));
        assert_eq!(of(Role::Viewer), [1, 1, 0, 0, 0, 0]);
        assert_eq!(of(Role::Writer), [1, 0, 1, 0, 0, 0]);
        assert_eq!(of(Role::AlertManager), [1, 1, 0, 1, 0, 0]);
        assert_eq!(of(Role::Editor), [1, 1, 0, 1, 1, 0]);
        assert_eq!(of(Role::Admin), [1, 1, 1, 1, 1, 1]);
    }

    #[test]
    fn who_is_turned_down_hears_what_is_missing() {
        let viewer = Identity { name: "ana".into(), role: Role::Viewer };
        assert_eq!(
            viewer.require(Permission::Admin).unwrap_err().to_string(),
            "ana (viewer) may not do this: it needs the permission Admin"
        );
        assert!(Identity::anonymous().require(Permission::Admin).is_ok());
    }
}
