//! How the number of copies follows the load. Where nothing scales, `target.instances` holds.

use super::{LANE, Section, Standing};
use crate::shape::{Bound, Default, Key, Measure, Shape, count, word};

/// Most copies of one service, as for a target.
const MOST_COPIES: u64 = 1000;

const KEYS: &[Key] = &[
    Key::new("mode", word(&["none", "automatic"]), Default::Required, "Whether it scales at all.")
        .standing(Standing::RefusesWhen("automatic")),
    Key::optional("min", count(0, MOST_COPIES), "The fewest copies."),
    Key::optional("max", count(1, MOST_COPIES), "The most copies."),
    Key::optional(
        "utilization",
        Shape::Promise(Measure::Share, Bound::Either),
        "The use of its resources at which a copy is added.",
    ),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::kept(
    Key::optional("scaling", Shape::Map(KEYS), "How the number of copies follows the load."),
    LANE,
    "scaling: { mode: automatic, min: 2, max: 20, utilization: \"> 70%\" }\n",
)];
