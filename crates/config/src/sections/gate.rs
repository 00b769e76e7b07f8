//! The checks around an edge. Owns their names and when they are asked; what they ask belongs to
//! their kind.

use std::collections::BTreeMap;

use towpath_core::matrix::{AdapterSpec, CheckSpec, Gate, Rollout};
use towpath_core::units::{Span, Weight};
use towpath_ports::catalogue::{Family, FieldType, KindState};

use super::{LANE, Section};
use crate::adapters;
use crate::codes::Code;
use crate::fields::Fields;
use crate::lane::Reading;
use crate::problem::Problem;
use crate::shape::{Default, Key, Place, Shape};
use crate::source::Extent;
use crate::tree::Node;

/// Keys of a check beside the kind's own.
pub(crate) const CHECK: &[Key] = &[
    Key::new("check", Shape::Of(FieldType::Text), Default::Required, "Which adapter answers."),
    Key::new(
        "name",
        Shape::Of(FieldType::Text),
        Default::Absent,
        "What people call it; left out, the name of the adapter.",
    ),
    Key::new("timeout", Shape::SomeTime, Default::Is("30s"), "How long one answer may take."),
    Key::new(
        "at",
        Shape::Of(FieldType::Share),
        Default::Is("0%"),
        "Asked when the new release has this share of the traffic; validation only.",
    ),
];

/// The two lists.
pub(crate) const KEYS: &[Key] = &[
    Key::new(
        "prerequisites",
        Shape::List(&Shape::Adapter(Family::Check, CHECK)),
        Default::Absent,
        "Asked before anything changes.",
    ),
    Key::new(
        "validation",
        Shape::List(&Shape::Adapter(Family::Check, CHECK)),
        Default::Absent,
        "Asked of the new release before visitors reach it.",
    ),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::enforced(
    Key::new("gate", Shape::Map(KEYS), Default::Absent, "What a release must show."),
    LANE,
    "gate:\n  prerequisites:\n    - { check: attested, name: User acceptance testing complete, by: [qa] }\n  \
     validation:\n    - { check: http, name: Ready, url: \"{green}/ready\", expect: 200 }\n",
)];

/// Both lists. Checks that are planned are not in them; they are among what is not enforced, and
/// so are the roles that a check asks for.
pub(crate) fn read(
    node: Option<&Node>,
    rollout: &Rollout,
    place: Place,
    prefix: &str,
    reading: &mut Reading<'_>,
) -> Gate {
    let mut list = |name: &'static str| {
        let items = node.and_then(|gate| gate.get(name)).map(Node::items).unwrap_or_default();
        let mut seen = BTreeMap::new();
        let mut checks = Vec::new();
        for item in items {
            let path = format!("{prefix}.gate.{name}");
            if let Some(check) = read_check(item, &path, place, &mut seen, reading) {
                check_time(item, &check, name == "validation", rollout, reading);
                checks.push(check);
            }
        }
        checks
    };
    Gate { prerequisites: list("prerequisites"), validation: list("validation") }
}

fn read_check(
    node: &Node,
    path: &str,
    place: Place,
    seen: &mut BTreeMap<String, Extent>,
    reading: &mut Reading<'_>,
) -> Option<CheckSpec> {
    let adapter = adapters::read(node, node.extent, Family::Check, CHECK, reading)?;
    let fields = Fields::new(Some(node), CHECK, place);
    let title = fields.text("name").unwrap_or_else(|| adapter.kind.to_owned());
    let slug = slug(&title).unwrap_or_else(|| adapter.kind.to_owned());
    let named = node.get("name").or_else(|| node.get("check")).map_or(node.extent, |it| it.extent);
    if let Some(first) = seen.insert(slug.clone(), named) {
        reading.problems.add(
            Problem::new(
                Code::DuplicateCheck,
                named,
                format!("two checks of one list are called `{slug}`"),
            )
            .label("the second")
            .related(first, "the first")
            .expected("a name of its own for each check: paths and reports are built from it")
            .next("give one of them another `name:`"),
        );
    }
    if adapter.state == KindState::Planned {
        let reason = format!("check `{}` is planned", adapter.kind);
        reading.not_enforced(format!("{path}.{slug}"), reason, true);
        return None;
    }
    let settings = adapter.settings?;
    for field in adapter.fields.iter().filter(|field| field.of == FieldType::Roles) {
        if settings.get(field.name).is_some() && !reading.knows_people {
            let reason =
                "nobody's roles are known, as there is no `people`: any person's word counts";
            let reason = reason.to_owned();
            reading.not_enforced(format!("{path}.{slug}.{}", field.name), reason, true);
        }
    }
    Some(CheckSpec {
        slug,
        title,
        check: AdapterSpec { kind: adapter.kind.to_owned(), settings },
        timeout: fields.span("timeout").unwrap_or(Span::seconds(30)),
        at: fields.text("at").and_then(|text| text.parse().ok()).unwrap_or(Weight::ZERO),
    })
}

fn check_time(
    node: &Node,
    check: &CheckSpec,
    validation: bool,
    rollout: &Rollout,
    reading: &mut Reading<'_>,
) {
    let Some(at) = node.get("at").filter(|_| check.at > Weight::ZERO) else { return };
    if validation && rollout.steps.iter().any(|step| step.weight == check.at) {
        return;
    }
    let steps: Vec<_> = rollout.steps.iter().map(|step| step.weight.to_string()).collect();
    let (message, expected, next) = if validation {
        (
            format!(
                "no step of the rollout is at {}, so this check would never be asked",
                check.at
            ),
            format!("0%, {}", steps.join(", ")),
            "write the weight of a step",
        )
    } else {
        (
            "prerequisites are asked before anything changes, when there is no share yet"
                .to_owned(),
            "no `at`".to_owned(),
            "remove `at`, or move the check to `validation`",
        )
    };
    reading
        .problems
        .add(Problem::new(Code::CheckTime, at.extent, message).expected(expected).next(next));
}

/// A title in lower case with hyphens: `Code review approved` is `code-review-approved`. None
/// when no letter or digit of it is ASCII.
pub(crate) fn slug(title: &str) -> Option<String> {
    let lower = title.to_ascii_lowercase();
    let words = lower.split(|character: char| !character.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    (!words.is_empty()).then(|| words.join("-"))
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn a_title_becomes_a_name_for_paths() {
        for (title, wanted) in [
            ("Code review approved", "code-review-approved"),
            ("  p99 < 300ms (API) ", "p99-300ms-api"),
            ("Grün", "gr-n"),
        ] {
            assert_eq!(slug(title).as_deref(), Some(wanted));
        }
        assert_eq!(slug("检查"), None);
    }
}
