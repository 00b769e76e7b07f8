//! The reference pages of the matrix: every section with its keys, one page for each group. Owns the
//! groups and how a section is laid out; what is in it is asked of the built program, as JSON Schema.

mod keys;
mod layout;

use std::path::Path;
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::reference;

/// Sections that stand on one page, in the order in which a matrix is written.
pub(crate) struct Group {
    /// The file without its ending, below `docs/src/reference/matrix/`.
    pub(crate) page: &'static str,
    title: &'static str,
    about: &'static str,
    sections: &'static [&'static str],
}

/// Every page. A section that is on none stops the generator.
pub(crate) const GROUPS: &[Group] = &[
    Group {
        page: "top",
        title: "Top of the file",
        about: "What holds for the project as a whole, and where the environments stand.",
        sections: &[
            "version",
            "project",
            "services",
            "repository",
            "branches",
            "people",
            "teams",
            "notifiers",
            "metrics_sources",
            "audit",
            "goals",
            "defaults",
            "environments",
        ],
    },
    Group {
        page: "pipeline",
        title: "Where it stands in the pipeline",
        about: "Which environment follows which, who lets releases in, and what happens when two \
                want to enter.",
        sections: &[
            "tier",
            "after",
            "after_any",
            "promote",
            "promote_note",
            "supersede",
            "preempt",
            "triggers",
        ],
    },
    Group {
        page: "purpose",
        title: "What it is for",
        about: "Words for people. Nothing judges them, and they are never listed as not enforced.",
        sections: &[
            "title",
            "purpose",
            "characteristics",
            "use_cases",
            "url",
            "levels",
            "audience",
            "setup",
            "links",
        ],
    },
    Group {
        page: "where-it-runs",
        title: "Where it runs",
        about: "What starts a release, what sends visitors to it, and the machines and networks \
                around it.",
        sections: &[
            "infrastructure",
            "target",
            "router",
            "settings",
            "application",
            "resources",
            "scaling",
            "schedule",
        ],
    },
    Group {
        page: "what-it-stands-on",
        title: "What it stands on",
        about: "Databases, files, queues, caches, logs; the data in them, and how it is brought \
                back.",
        sections: &["database", "storage", "queue", "cache", "logs", "data", "backups", "recovery"],
    },
    Group {
        page: "how-we-know-it-is-well",
        title: "How we know it is well",
        about: "What is asked, watched and promised, and who hears when it is not so.",
        sections: &["health", "monitoring", "alarms", "alerting", "slo", "error_budget"],
    },
    Group {
        page: "who-may",
        title: "Who may",
        about: "Who may do what with this program, who may reach what through doors that others \
                hold, and where secrets are kept. A matrix never holds the value of a secret.",
        sections: &["iam", "who_may", "matrix_approvals", "access", "secret_store", "secrets"],
    },
    Group {
        page: "costs",
        title: "What it costs",
        about: "Cost lines and the budget over them.",
        sections: &["costs"],
    },
    Group {
        page: "gates-and-approvals",
        title: "Gates and approvals",
        about: "What must be so before a release may enter, who must agree, and when.",
        sections: &[
            "gate",
            "approvals",
            "change_types",
            "windows",
            "freezes",
            "migrations",
            "accept_unenforced",
            "accept_warnings",
        ],
    },
    Group {
        page: "rollout-and-rollback",
        title: "Rollout and rollback",
        about: "How visitors move to the new release, how long the old one is kept, and what takes \
                the new one back.",
        sections: &["rollout", "guard", "standby", "holdback", "rollback"],
    },
    Group {
        page: "telling-people",
        title: "Telling people",
        about: "Who is told of what.",
        sections: &["notify", "communication"],
    },
];

/// The page of a group.
///
/// # Errors
/// When the program cannot be built or run, or a section has another form than this expects.
pub(crate) fn page(root: &Path, page: &str) -> Result<String> {
    let schema = schema(root)?;
    let group = GROUPS.iter().find(|group| group.page == page).context("no group has this page")?;
    layout::page(schema, group)
}

/// The page that lists every section and every key.
///
/// # Errors
/// When the program cannot be built or run, or a section is in no group.
pub(crate) fn overview(root: &Path) -> Result<String> {
    let schema = schema(root)?;
    let definitions = schema["$defs"].as_object().context("the schema has definitions")?;
    for name in definitions.keys().filter_map(|name| name.strip_prefix("section-")) {
        if !GROUPS.iter().any(|group| group.sections.contains(&name)) {
            bail!("no page has the section `{name}`: add it to GROUPS in {}", file!());
        }
    }
    keys::overview(schema)
}

/// The schema, asked for once.
fn schema(root: &Path) -> Result<&'static Value> {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    if let Some(schema) = SCHEMA.get() {
        return Ok(schema);
    }
    let read = serde_json::from_str(&reference::matrix_schema(root)?)?;
    Ok(SCHEMA.get_or_init(|| read))
}

/// The definition of a section.
fn definition<'a>(schema: &'a Value, section: &str) -> Result<&'a Value> {
    let found = schema["$defs"].get(format!("section-{section}"));
    found.with_context(|| format!("there is no section `{section}`"))
}

/// Where a reference leads; the value itself when it is none.
fn followed<'a>(schema: &'a Value, value: &'a Value) -> &'a Value {
    let name = value["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/"));
    name.map_or(value, |name| &schema["$defs"][name])
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}
