//! What becomes of promotions when an environment has failed too often. The promise it is counted
//! against is in `slo`.

use super::{SHARED, Section};
use crate::shape::{Default, FLAG, Key, Shape, word};

pub(crate) const KEYS: &[Key] = &[
    Key::new(
        "window",
        Shape::SomeTime,
        Default::Is("30d"),
        "Time over which failures are counted.",
    ),
    Key::new(
        "tracked",
        FLAG,
        Default::Is("true"),
        "Whether it is counted at all, against the availability, error rate and uptime that `slo` promises.",
    ),
    Key::new(
        "when_spent",
        word(&["nothing", "notify", "freeze"]),
        Default::Is("notify"),
        "What happens when nothing of it is left. `freeze` lets nothing in but fixes and hotfixes until \
         some is; `notify` tells those whom `notify.error_budget` names.",
    ),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::enforced(
    Key::optional("error_budget", Shape::Map(KEYS), "How often it may fail."),
    SHARED,
    "error_budget: { window: 30d, when_spent: notify }\n",
)];
