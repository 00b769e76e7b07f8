//! How sure the guard must be before it takes a release back, and what it overlooks. What it must not
//! tolerate is said by `rollback.when`.

use towpath_core::guarding::{CountsFrom, GuardRules};
use towpath_core::ids::Name;
use towpath_core::units::Weight;
use towpath_ports::catalogue::FieldType;

use super::{LANE, Section};
use crate::fields::Fields;
use crate::lane::Reading;
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
    Key::optional(
        "counts",
        Shape::Of(FieldType::Name),
        "A metrics source whose counts of requests and failures of both releases are judged beside what \
         the router sees, such as jobs that fail after their request was answered.",
    ),
    Key::optional(
        "routes",
        Shape::Routes,
        "Paths whose requests are judged by themselves as well, each with all below it; the longest that \
         fits counts. A fault of one of them is found sooner, one of all requests a little later.",
    ),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::enforced(
    Key::new("guard", Shape::Map(KEYS), Default::Absent, "How sure the guard must be."),
    LANE,
    "guard: { false_alarms: 1%, margin: 25%, warm_up: 10s, client: x-forwarded-for }\n",
)];

/// The section with its defaults. A source of counts that nobody can ask is among what is not enforced,
/// because a release would stay that it should take back.
pub(crate) fn read(
    node: Option<&Node>,
    place: Place,
    prefix: &str,
    reading: &mut Reading<'_>,
) -> GuardRules {
    let fields = Fields::new(node, KEYS, place);
    let rules = GuardRules::default();
    let share = |name: &str| {
        fields.text(name).and_then(|text| text.parse::<Weight>().ok()).map(Weight::share)
    };
    if node.is_some_and(|node| node.get("routes").is_some()) && place.routed && !place.counts {
        let reason = "the router does not tell of single requests".to_owned();
        reading.not_enforced(format!("{prefix}.guard.routes"), reason, true);
    }
    GuardRules {
        false_alarms: share("false_alarms").unwrap_or(rules.false_alarms),
        margin: share("margin").map_or(rules.margin, |more| 1.0 + more),
        warm_up: fields.span("warm_up").unwrap_or(rules.warm_up),
        even_if_blue: fields.text("even_if_blue").as_deref() == Some("true"),
        client: fields.text("client"),
        routes: routes(&fields),
        counts: match counts(&fields, reading) {
            Ok(from) => from,
            Err(reason) => {
                reading.not_enforced(format!("{prefix}.guard.counts"), reason, true);
                None
            }
        },
    }
}

/// As they are matched and spoken of: `/a/` is `/a`.
fn routes(fields: &Fields<'_>) -> Vec<String> {
    let declared = fields.texts("routes").into_iter();
    declared.map(|path| path.trim_end_matches('/').to_owned()).collect()
}

/// Who is asked for counts; none where nobody is named, or somebody unknown, which is told elsewhere.
///
/// # Errors
/// In a few words, why it cannot be asked.
fn counts(fields: &Fields<'_>, reading: &Reading<'_>) -> Result<Option<CountsFrom>, String> {
    let name = fields.text("counts").and_then(|text| Name::new(&text).ok());
    let known = name.and_then(|name| reading.sources.get_key_value(&name));
    let Some((source, adapter)) = known else { return Ok(None) };
    let adapter = adapter.clone()?;
    if !reading.hands_out(&adapter.kind, "counts") {
        return Err(format!("metrics source `{source}` counts no requests"));
    }
    let counters = ["requests", "failures"];
    let has_counters = counters.iter().all(|name| adapter.settings.get(*name).is_some());
    if reading.hands_out(&adapter.kind, "gauges") && !has_counters {
        return Err(format!(
            "metrics source `{source}` names no counters: `requests` and `failures`"
        ));
    }
    Ok(Some(CountsFrom { source: source.clone(), adapter }))
}
