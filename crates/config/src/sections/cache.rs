//! What is kept at hand. Whether the application uses it is in `application`.

use super::backing::{COMMON, OTHER};
use super::{LANE, Section};
use crate::shape::{Key, Shape, Variant, count, word};

/// Nodes of one cache; a Redis cluster is recommended to stay below a thousand
/// (redis.io, cluster specification).
const MOST_NODES: u64 = 1000;

const NODES: Key = Key::optional("nodes", count(1, MOST_NODES), "Machines of the cache.");
const MEMORY: Key = Key::optional("memory", Shape::Size, "Memory of one machine.");

const REDIS: &[Key] = &[
    NODES,
    Key::optional(
        "topology",
        word(&["single", "replicated", "cluster"]),
        "How they work together.",
    ),
    MEMORY,
];

const KINDS: &[Variant] = &[
    Variant { name: "redis", keys: REDIS, doc: "Redis, Valkey, or what speaks like them." },
    Variant { name: "memcached", keys: &[NODES, MEMORY], doc: "Memcached." },
    OTHER,
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::apart(
    Key::optional("cache", Shape::Kinds(KINDS, COMMON), "What it keeps at hand."),
    LANE,
    "cache: { kind: redis, nodes: 3, topology: cluster, failover: automatic }\n",
)];
