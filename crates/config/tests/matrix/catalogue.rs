//! A catalogue with the kinds that the example matrix uses. The real one belongs to the adapters.

use towpath_ports::catalogue::{Catalogue, Family, Field, FieldType, KindEntry, KindState};

const fn field(name: &'static str, of: FieldType, default: Option<&'static str>) -> Field {
    Field { name, of, default, doc: "What it is." }
}

const fn kind(
    family: Family,
    name: &'static str,
    state: KindState,
    fields: &'static [Field],
) -> KindEntry {
    KindEntry {
        family,
        name,
        summary: "A kind for tests.",
        example: "",
        state,
        capabilities: &[],
        fields,
        validate: |_| Vec::new(),
    }
}

const KINDS: &[KindEntry] = &[
    kind(
        Family::Target,
        "process",
        KindState::Built,
        &[
            field("command", FieldType::Argv, None),
            field("folder", FieldType::Path, Some("")),
            field("directory", FieldType::Word(&["private", "artifact"]), Some("private")),
            field("drain", FieldType::Span, Some("30s")),
        ],
    ),
    kind(Family::Target, "docker", KindState::Planned, &[]),
    kind(Family::Target, "lambda", KindState::Planned, &[]),
    kind(Family::Target, "cloudformation", KindState::Planned, &[]),
    kind(
        Family::Router,
        "towpath",
        KindState::Built,
        &[
            field("listen", FieldType::Address, None),
            field("certificate", FieldType::Path, Some("")),
            field("key_secret", FieldType::Text, Some("")),
            field("sticky", FieldType::Flag, Some("false")),
        ],
    ),
    kind(Family::Router, "haproxy", KindState::Planned, &[]),
    kind(
        Family::Check,
        "http",
        KindState::Built,
        &[
            field("url", FieldType::Url, None),
            field("expect", FieldType::Count(100, 599), Some("200")),
        ],
    ),
    kind(Family::Check, "command", KindState::Built, &[field("run", FieldType::Argv, None)]),
    kind(Family::Check, "attested", KindState::Built, &[field("by", FieldType::Roles, Some(""))]),
    kind(
        Family::Check,
        "soak",
        KindState::Built,
        &[
            field("in", FieldType::Text, None),
            field("for", FieldType::Span, None),
            field("error_rate", FieldType::Condition, Some("")),
        ],
    ),
    kind(Family::Check, "junit", KindState::Planned, &[]),
    kind(Family::Check, "sarif", KindState::Planned, &[]),
    kind(Family::Check, "github", KindState::Planned, &[]),
    kind(Family::Check, "performance", KindState::Planned, &[]),
];

/// The catalogue.
pub(crate) fn catalogue() -> Catalogue {
    Catalogue { kinds: KINDS.to_vec() }
}
