//! Rights of the roles under which environments run. Asks no account what a role really may.

use super::Lane;
use super::values::texts;
use crate::codes::Code;
use crate::problem::{Problem, Problems};
use crate::tree::Node;

/// Actions that are all actions: of everything, and of whoever hands out rights.
const EVERYTHING: [&str; 3] = ["*", "*:*", "iam:*"];

/// Administrator rights, by the word or by the actions that mean them.
pub(super) fn permissions_too_wide(lane: &Lane<'_>, problems: &mut Problems) {
    let role = lane.role().unwrap_or_else(|| "its role".to_owned());
    let wide = lane.get("iam", "permissions").filter(|it| it.text() == Some("maximum"));
    if let Some(wide) = wide {
        let message = format!("`permissions: maximum` gives {role} administrator rights");
        let next = "name what the role needs: `permissions: high`, or its `actions:`";
        lane.add(too_wide(wide, message).next(next), problems);
    }
    let actions = lane.get("iam", "actions").into_iter().flat_map(texts);
    for (action, place) in actions.filter(|(action, _)| EVERYTHING.contains(action)) {
        let message = format!("the action `{action}` gives {role} administrator rights");
        lane.add(too_wide(place, message).next("name the actions that the role needs"), problems);
    }
}

fn too_wide(place: &Node, message: String) -> Problem {
    Problem::new(Code::PermissionsTooWide, place.extent, message)
        .label("whoever takes this role can change anything")
}
