//! Where an environment runs. What runs there is the target's.

use super::{SHARED, Section};
use crate::shape::{FLAG, Key, KeyRule, Shape, TEXT, TEXTS, word};

const KEYS: &[Key] = &[
    Key::optional(
        "provider",
        word(&["localstack", "aws", "azure", "gcp", "docker", "local", "other"]),
        "Whose machines they are.",
    ),
    Key::optional("account", TEXT, "The account, by the name people use."),
    Key::optional("region", TEXT, "The provider's name of the region."),
    Key::optional("vpc", TEXT, "The network: `default`, `custom` or its name."),
    Key::optional(
        "subnets",
        TEXTS,
        "The parts of the network: `public`, `private` or their names.",
    ),
    Key::optional(
        "security_groups",
        TEXTS,
        "The firewall rules of the network: a level such as `basic` or `maximum`, or their names.",
    ),
    Key::optional(
        "availability",
        word(&["single-zone", "multi-zone"]),
        "Over how many zones it is spread.",
    ),
    Key::optional("failover", word(&["none", "manual", "automatic"]), "Who moves it on a failure."),
    Key::optional(
        "cdn",
        word(&["none", "regional", "global"]),
        "Whether copies are kept near users.",
    ),
    Key::optional("firewall", FLAG, "Whether a web application firewall stands before it."),
    Key::optional("rate_limiting", FLAG, "Whether callers are held to a rate."),
    Key::optional("encryption", FLAG, "Whether traffic and disks are encrypted."),
    Key::optional("isolated", FLAG, "Whether it shares nothing with another environment."),
    Key::optional(
        "instance_types",
        word(&["cheapest", "standard", "optimized"]),
        "How machines are chosen.",
    ),
    Key::optional("tags", Shape::MapOf(KeyRule::Variable, &TEXT), "Tags of all its resources."),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::apart(
    Key::optional("infrastructure", Shape::Map(KEYS), "Where it runs."),
    SHARED,
    "infrastructure: { provider: aws, account: prod, region: us-east-1, vpc: custom, subnets: private }\n",
)];
