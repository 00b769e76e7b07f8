//! What becomes of promotions when an environment has failed too often. The promise it is counted
//! against is in `slo`.

use super::{SHARED, Section, Standing};
use crate::shape::{Default, FLAG, Key, Shape, word};

const KEYS: &[Key] = &[
    Key::new(
        "window",
        Shape::SomeTime,
        Default::Is("30d"),
        "Time over which failures are counted.",
    ),
    Key::new("tracked", FLAG, Default::Is("true"), "Whether it is counted at all."),
    Key::new(
        "when_spent",
        word(&["nothing", "notify", "freeze"]),
        Default::Is("notify"),
        "What happens when nothing of it is left. `freeze` lets nothing in until some is.",
    )
    .standing(Standing::RefusesWhen("freeze")),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::kept(
    Key::optional("error_budget", Shape::Map(KEYS), "How often it may fail."),
    SHARED,
    "error_budget: { window: 30d, when_spent: notify }\n",
)];
