//! Which roles may do what with the program. Doors that the program does not hold are in `access`.

use towpath_core::people::{Verb, WhoMay};

use super::people::roles;
use super::{ANYWHERE, Section};
use crate::codes::Code;
use crate::lane::Reading;
use crate::problem::{Problem, Problems};
use crate::shape::{Key, ROLES, Shape};
use crate::tree::Node;

const KEYS: &[Key] = &[
    Key::optional("promote", ROLES, "May promote into it. Left out: everybody in `people`."),
    Key::optional(
        "approve",
        ROLES,
        "May approve or reject a plan. Left out: every person; whose yes counts for what is said in \
         `approvals`.",
    ),
    Key::optional(
        "attest",
        ROLES,
        "May answer the questions that only people can. Left out: every person.",
    ),
    Key::optional("rollback", ROLES, "May take a release back. Left out: everybody in `people`."),
    Key::optional("pause", ROLES, "May pause, resume and abort. Left out: everybody in `people`."),
    Key::optional("freeze", ROLES, "May stop promotions. Left out: everybody in `people`."),
    Key::optional("thaw", ROLES, "May let them go on. Left out: whoever may freeze."),
    Key::optional("signal", ROLES, "May report an incident. Left out: everybody in `people`."),
    Key::optional(
        "lift_quarantine",
        ROLES,
        "May let a condemned release in again. Left out: whoever may promote.",
    ),
    Key::optional("break_glass", ROLES, "May go past the rules, on the record. Left out: nobody."),
    Key::optional(
        "create_release",
        ROLES,
        "May create releases; counts at the top of the file alone. Left out: everybody in `people`.",
    ),
    Key::optional(
        "apply_matrix",
        ROLES,
        "May take a changed matrix into force; counts at the top of the file alone. Left out: every \
         person.",
    ),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::enforced(
    Key::optional(
        "who_may",
        Shape::Map(KEYS),
        "Who may do what, where `people` says who we are. What an environment says counts there, and \
         what is said at the top everywhere else.",
    ),
    ANYWHERE,
    "who_may: { promote: [devops], rollback: [developer, devops] }\n",
)];

/// Says that the rights of `node`, which stands at `path`, hold nobody back where nobody is named.
pub(crate) fn list_if_void(node: &Node, path: &str, reading: &mut Reading<'_>) {
    if node.get("who_may").is_some() && !reading.knows_people {
        let reason = "nobody's roles are known, as there is no `people`: anybody may";
        reading.not_enforced(path.to_owned(), reason.to_owned(), true);
    }
}

/// Both for an environment, whose paths begin with `prefix`: rights that belong to none, and rights that
/// hold nobody back.
pub(crate) fn in_environment(node: &Node, prefix: &str, reading: &mut Reading<'_>) {
    check_place(node, reading.problems);
    list_if_void(node, &format!("{prefix}.who_may"), reading);
}

/// Refuses, in an environment and what it shares, the rights that belong to no environment.
fn check_place(node: &Node, problems: &mut Problems) {
    let section = node.get("who_may").map(Node::entries).unwrap_or_default();
    let of_project = Verb::ALL.into_iter().filter(|verb| verb.is_of_project());
    for verb in of_project {
        for entry in section.iter().filter(|entry| *entry.key == *verb.key()) {
            if problems.knows(entry.key_extent, Code::UnknownKey) {
                continue;
            }
            let message = format!("`{}` belongs to no environment", verb.key());
            problems.add(
                Problem::new(Code::UnknownKey, entry.key_extent, message)
                    .label("here nobody would be refused by it")
                    .next("move it to `who_may` at the top of the file"),
            );
        }
    }
}

/// The rights that `node`, an environment or the top of the file, gives.
pub(crate) fn read(node: &Node) -> WhoMay {
    let section = node.get("who_may");
    let right = |verb: Verb| Some((verb, roles(Some(section?.get(verb.key())?)).collect()));
    Verb::ALL.into_iter().filter_map(right).collect()
}
