//! What is watched, and by whom. Thresholds that somebody is told of are in `alarms`.

use super::about::LEVEL;
use super::{SHARED, Section};
use crate::shape::{FLAG, Key, Shape, word};

const KEYS: &[Key] = &[
    Key::optional("level", LEVEL, "How much of it there is."),
    Key::optional("metrics", Shape::Names, "Figures to watch, such as `latency-p99`."),
    Key::optional("business_metrics", Shape::Names, "Figures of the business to watch."),
    Key::optional("dashboards", FLAG, "Whether the figures are shown live."),
    Key::optional("logs", word(&["none", "manual", "automatic"]), "Who looks for errors in logs."),
    Key::optional("traces", FLAG, "Whether requests are traced."),
    Key::optional("baseline", FLAG, "Whether figures are compared with those before."),
    Key::optional("threats", FLAG, "Whether attacks are looked for."),
    Key::optional("costs", FLAG, "Whether costs are watched."),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::apart(
    Key::optional("monitoring", Shape::Map(KEYS), "What is watched."),
    SHARED,
    "monitoring: { level: full, metrics: [request-rate, latency-p99, queue-depth], dashboards: true }\n",
)];
