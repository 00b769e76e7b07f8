//! Rights of the roles under which environments run. Asks no account what a role really may.

use super::Lane;
use crate::codes::Code;
use crate::problem::{Problem, Problems};

/// Administrator rights, by the word that means them.
pub(super) fn permissions_too_wide(lane: &Lane<'_>, problems: &mut Problems) {
    let permissions = lane.get("iam", "permissions").filter(|it| it.text() == Some("maximum"));
    let Some(permissions) = permissions else { return };
    let role = lane.role().unwrap_or_else(|| "its role".to_owned());
    let problem = Problem::new(
        Code::PermissionsTooWide,
        permissions.extent,
        format!("`permissions: maximum` gives {role} administrator rights"),
    )
    .label("whoever takes this role can change anything")
    .next("name what the role needs: `permissions: high`, or a list of actions");
    lane.add(problem, problems);
}
