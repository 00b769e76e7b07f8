//! Where jobs wait. Who works them off is the service's.

use super::backing::{COMMON, OTHER};
use super::{LANE, Section};
use crate::shape::{Default, FLAG, Key, Shape, TEXT, Variant};

const QUEUE: Key = Key::new("queue", TEXT, Default::Required, "The queue.");
const DEAD_LETTERS: Key =
    Key::optional("dead_letter_queue", FLAG, "Whether jobs that keep failing are put aside.");
const RETENTION: Key =
    Key::optional("retention", Shape::SomeTime, "Time after which a waiting job is dropped.");

const SQS: &[Key] = &[
    QUEUE,
    DEAD_LETTERS,
    Key::optional(
        "visibility",
        Shape::SomeTime,
        "Time for which a job is hidden from others while one works on it.",
    ),
    RETENTION,
];

const RABBITMQ: &[Key] = &[QUEUE, DEAD_LETTERS, RETENTION];

const KINDS: &[Variant] = &[
    Variant { name: "sqs", keys: SQS, doc: "A queue of AWS SQS." },
    Variant { name: "rabbitmq", keys: RABBITMQ, doc: "A queue of RabbitMQ." },
    OTHER,
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::apart(
    Key::optional("queue", Shape::Kinds(KINDS, COMMON), "Where its jobs wait."),
    LANE,
    "queue: { kind: sqs, queue: shop-prod, dead_letter_queue: true, visibility: 60s, retention: 14d }\n",
)];
