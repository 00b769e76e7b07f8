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
        capabilities: match family {
            Family::Metrics => &["gauges"],
            Family::Router if matches!(state, KindState::Built) => {
                &["holdback", "per_request", "rescue"]
            }
            Family::Router => &["holdback"],
            _ => &[],
        },
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
    kind(
        Family::Target,
        "docker",
        KindState::Planned,
        &[field("host", FieldType::Text, Some("")), field("image", FieldType::Text, None)],
    ),
    kind(
        Family::Target,
        "lambda",
        KindState::Planned,
        &[field("function", FieldType::Text, None), field("region", FieldType::Text, Some(""))],
    ),
    kind(
        Family::Target,
        "cloudformation",
        KindState::Planned,
        &[field("stack", FieldType::Text, None), field("template", FieldType::Path, None)],
    ),
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
    kind(
        Family::Router,
        "haproxy",
        KindState::Planned,
        &[
            field("listen", FieldType::Address, Some("")),
            field("backend", FieldType::Text, Some("")),
        ],
    ),
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
            field("in", FieldType::Texts, None),
            field("for", FieldType::Span, None),
            field("error_rate", FieldType::Condition, Some("")),
        ],
    ),
    kind(Family::Check, "junit", KindState::Planned, &[field("path", FieldType::Path, None)]),
    kind(
        Family::Check,
        "sarif",
        KindState::Planned,
        &[
            field("path", FieldType::Path, None),
            field("allow", FieldType::Counts(&["critical", "high", "medium", "low"]), Some("")),
        ],
    ),
    kind(
        Family::Check,
        "github",
        KindState::Planned,
        &[
            field("reviews", FieldType::Count(0, 20), Some("")),
            field("checks", FieldType::Texts, Some("")),
        ],
    ),
    kind(
        Family::Check,
        "performance",
        KindState::Planned,
        &[
            field("url", FieldType::Url, None),
            field("requests", FieldType::Count(1, 10_000_000), Some("")),
            field("latency_p99", FieldType::Condition, Some("")),
        ],
    ),
    kind(
        Family::Notifier,
        "smtp",
        KindState::Planned,
        &[
            field("server", FieldType::Text, None),
            field("from", FieldType::Text, None),
            field("to", FieldType::Texts, None),
        ],
    ),
    kind(
        Family::Notifier,
        "webhook",
        KindState::Planned,
        &[
            field("template", FieldType::Word(&["slack", "teams"]), Some("")),
            field("url_secret", FieldType::Text, Some("")),
        ],
    ),
    kind(
        Family::Notifier,
        "pagerduty",
        KindState::Planned,
        &[field("routing_key_secret", FieldType::Text, None)],
    ),
    kind(
        Family::Notifier,
        "phone",
        KindState::Planned,
        &[field("numbers_secret", FieldType::Text, None)],
    ),
    KindEntry {
        capabilities: &["gauges", "counts"],
        ..kind(
            Family::Metrics,
            "prometheus",
            KindState::Built,
            &[
                field("url", FieldType::Url, None),
                field("token_secret", FieldType::Text, Some("")),
                field("requests", FieldType::Text, Some("")),
                field("failures", FieldType::Text, Some("")),
            ],
        )
    },
    KindEntry {
        capabilities: &["counts"],
        ..kind(
            Family::Metrics,
            "nginx-log",
            KindState::Built,
            &[field("path", FieldType::Path, None)],
        )
    },
    kind(
        Family::Metrics,
        "cloudwatch",
        KindState::Planned,
        &[field("region", FieldType::Text, None)],
    ),
    kind(Family::Secrets, "env", KindState::Built, &[field("variable", FieldType::Text, Some(""))]),
    kind(Family::Secrets, "file", KindState::Built, &[field("path", FieldType::Path, None)]),
    kind(
        Family::Secrets,
        "aws-secrets-manager",
        KindState::Planned,
        &[field("id", FieldType::Text, Some(""))],
    ),
];

/// The catalogue.
pub(crate) fn catalogue() -> Catalogue {
    Catalogue { kinds: KINDS.to_vec() }
}
