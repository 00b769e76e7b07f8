//! What the matrix and its environments are called and what they are for. Nothing here decides.

use towpath_ports::catalogue::FieldType;

use super::{ANYWHERE, OWN, SHARED, Section, TOP};
use crate::shape::{ARGV, Default, FLAG, Key, KeyRule, PATH, ROLES, Shape, TEXT, TEXTS, word};

/// What stands at the top of the file.
pub(crate) const TOP_SECTIONS: &[Section] = &[
    Section::enforced(
        Key::new("version", Shape::FormatVersion, Default::Required, "Version of this format."),
        TOP,
        "version: 1\n",
    ),
    Section::enforced(
        Key::new("project", Shape::Name, Default::Required, "Whose matrix this is."),
        TOP,
        "project: soundbite\n",
    ),
    Section::enforced(
        Key::new(
            "services",
            Shape::MapOf(KeyRule::Name, &Shape::Map(SERVICE)),
            Default::Absent,
            "What is released, by name. Left out: one service with the project's name.",
        ),
        TOP,
        "services:\n  api: { purpose: Turns text into audio }\n",
    ),
];

const SERVICE: &[Key] = &[
    Key::optional("purpose", TEXT, "What it is for."),
    Key::optional("repository", TEXT, "Where its code is, when that is not the project's."),
    Key::optional("owners", ROLES, "Roles that look after it."),
];

/// How much of something an environment has (seeds 000, 001 and 004).
pub(crate) const LEVEL: Shape = word(&[
    "none",
    "basic",
    "low",
    "medium",
    "fast",
    "enhanced",
    "high",
    "full",
    "comprehensive",
    "maximum",
]);

const LEVELS: &[Key] = &[
    Key::optional("performance", LEVEL, "How fast it is meant to be."),
    Key::optional("performance_by", TEXTS, "What makes it so."),
    Key::optional("security", LEVEL, "How safe it is meant to be."),
    Key::optional("security_by", TEXTS, "What makes it so."),
    Key::optional("monitoring", LEVEL, "How closely it is meant to be watched."),
    Key::optional("monitoring_by", TEXTS, "What watches it."),
];

const AUDIENCE: &[Key] = &[
    Key::optional("users", TEXTS, "Who uses it."),
    Key::optional("scale", word(&["low", "medium", "high"]), "How many they are."),
    Key::optional("load", Shape::Rate, "Requests that they make."),
];

const SETUP: &[Key] = &[
    Key::optional(
        "hosted",
        word(&["local", "aws", "azure", "gcp", "other"]),
        "Where the application itself runs.",
    ),
    Key::optional("application", TEXT, "What the application is."),
    Key::optional("dockerfile", PATH, "What its image is built from."),
    Key::optional("compose", PATH, "The compose file that starts it."),
    Key::optional("defined_in", TEXTS, "Files that define what it runs on."),
    Key::optional("started_by", ARGV, "What people start it with."),
    Key::optional("constraints", word(&["loose", "gated", "strict"]), "How strict it is."),
    Key::optional("changes", TEXT, "How often it changes."),
    Key::optional("hot_reload", FLAG, "Whether it takes changes without a start."),
    Key::optional("offline", FLAG, "Whether it works without a network."),
];

/// What stands in an environment, for people.
pub(crate) const SECTIONS: &[Section] = &[
    Section::for_people(Key::optional("title", TEXT, "Full name."), OWN, "title: Staging\n"),
    Section::for_people(
        Key::optional("purpose", TEXT, "What the environment is for."),
        OWN,
        "purpose: Testing and validation\n",
    ),
    Section::for_people(
        Key::optional("characteristics", TEXTS, "What it is like."),
        SHARED,
        "characteristics: [Production-like environment, Full testing suite]\n",
    ),
    Section::for_people(
        Key::optional("use_cases", TEXTS, "What it is used for."),
        SHARED,
        "use_cases: [User acceptance testing]\n",
    ),
    Section::for_people(
        Key::optional("url", Shape::Of(FieldType::Url), "Where people reach it."),
        OWN,
        "url: https://staging-api.soundbite.com\n",
    ),
    Section::for_people(
        Key::optional("levels", Shape::Map(LEVELS), "How good it is meant to be."),
        SHARED,
        "levels: { performance: high, security: high, monitoring: full }\n",
    ),
    Section::for_people(
        Key::optional("audience", Shape::Map(AUDIENCE), "Who uses it, and how much."),
        SHARED,
        "audience: { users: [QA, stakeholders], scale: medium, load: 1000/s }\n",
    ),
    Section::for_people(
        Key::optional("setup", Shape::Map(SETUP), "How it is put together."),
        SHARED,
        "setup: { hosted: aws, application: NestJS, dockerfile: Dockerfile.staging }\n",
    ),
    Section::for_people(
        Key::optional(
            "links",
            Shape::MapOf(KeyRule::Name, &TEXT),
            "Pages that help: runbooks, guides, dashboards.",
        ),
        ANYWHERE,
        "links: { runbook: runbooks/deploy.md }\n",
    ),
];
