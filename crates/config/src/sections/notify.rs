//! Which channels hear of which event of promotions. What a channel is stands in `notifiers`.

use super::{ANYWHERE, Section};
use crate::shape::{Key, Shape};

const KEYS: &[Key] = &[
    Key::optional("started", Shape::Names, "A promotion has started."),
    Key::optional("waiting", Shape::Names, "A promotion waits for a person."),
    Key::optional("approved", Shape::Names, "A plan was approved."),
    Key::optional("rejected", Shape::Names, "A plan was rejected."),
    Key::optional("succeeded", Shape::Names, "A promotion has succeeded."),
    Key::optional("failed", Shape::Names, "A promotion has failed."),
    Key::optional("rolled_back", Shape::Names, "A release was taken back."),
    Key::optional("paused", Shape::Names, "A promotion was paused."),
    Key::optional("superseded", Shape::Names, "A newer release took the place of one that waited."),
    Key::optional("aborted", Shape::Names, "A promotion was aborted."),
    Key::optional("hotfix", Shape::Names, "A hotfix is on its way."),
    Key::optional("break_glass", Shape::Names, "Somebody went past the rules."),
    Key::optional("freeze", Shape::Names, "A freeze began or ended."),
    Key::optional("drift", Shape::Names, "What runs is no longer what was declared."),
    Key::optional("budget", Shape::Names, "Costs pass the budget."),
    Key::optional("secret_rotation", Shape::Names, "A secret was replaced, or is due."),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::kept(
    Key::optional("notify", Shape::Map(KEYS), "Who is told of promotions."),
    ANYWHERE,
    "notify: { rolled_back: [slack, email] }\n",
)];
