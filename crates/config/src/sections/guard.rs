//! How sure the guard must be before it takes a release back, and what it overlooks. What it must not
//! tolerate is said by `rollback.when`.

use towpath_core::guarding::GuardRules;
use towpath_core::units::Weight;
use towpath_ports::catalogue::FieldType;

use super::{LANE, Section};
use crate::fields::Fields;
use crate::shape::{Default, Key, Place, Shape};
use crate::tree::Node;

/// The chances of a false alarm to choose from. Where one good release in twenty is taken back, hardly
/// anybody believes the next alarm; a surer guard than one in a thousand is a much slower one.
const CHANCES: &[&str] = &["0.1%", "0.5%", "1%", "2%", "5%"];

/// The keys of `guard`.
pub(crate) const KEYS: &[Key] = &[
    Key::new(
        "false_alarms",
        Shape::Of(FieldType::Word(CHANCES)),
        Default::Is("1%"),
        "Chance of taking back a good release, over the whole rollout and its further attempts.",
    ),
    Key::new(
        "margin",
        Shape::Of(FieldType::Share),
        Default::Is("25%"),
        "How much more often than the old release the new one may fail.",
    ),
    Key::new(
        "warm_up",
        Shape::Of(FieldType::Span),
        Default::Is("10s"),
        "Time after each change of weight in which only a catastrophe counts.",
    ),
    Key::new(
        "even_if_blue",
        Shape::Of(FieldType::Flag),
        Default::Is("false"),
        "Whether the limits of `rollback.when` hold even where the old release breaks them as well.",
    ),
    Key::optional(
        "client",
        Shape::Of(FieldType::Name),
        "Request header that says whose request it is, such as x-forwarded-for; else the address of the \
         connection. A client's repeated failures are one observation.",
    ),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::enforced(
    Key::new("guard", Shape::Map(KEYS), Default::Absent, "How sure the guard must be."),
    LANE,
    "guard: { false_alarms: 1%, margin: 25%, warm_up: 10s, client: x-forwarded-for }\n",
)];

/// The section with its defaults.
pub(crate) fn read(node: Option<&Node>, place: Place) -> GuardRules {
    let fields = Fields::new(node, KEYS, place);
    let rules = GuardRules::default();
    let share = |name: &str| {
        fields.text(name).and_then(|text| text.parse::<Weight>().ok()).map(Weight::share)
    };
    GuardRules {
        false_alarms: share("false_alarms").unwrap_or(rules.false_alarms),
        margin: share("margin").map_or(rules.margin, |more| 1.0 + more),
        warm_up: fields.span("warm_up").unwrap_or(rules.warm_up),
        even_if_blue: fields.text("even_if_blue").as_deref() == Some("true"),
        client: fields.text("client"),
    }
}
