//! What the old release serves again when the new one fails it. Owns the keys and their bounds;
//! which requests those are in the end is the router's.

use towpath_core::matrix::Rescue;
use towpath_core::units::Span;
use towpath_ports::catalogue::FieldType;

use crate::fields::Fields;
use crate::quantities;
use crate::shape::{Default, Key, Place, Shape, word};
use crate::tree::Node;

/// What stands for all of it.
pub(crate) const WORDS: &[&str] = &["safe", "never"];

/// Largest body that a router is asked to keep, in bytes: it is read whole before it is sent.
const LARGEST_BODY: u64 = 1024 * 1024;
/// As in the table.
const DEFAULT_WITHIN: Span = Span::seconds(2);

/// The methods that change something. The others are rescued anyway.
const METHODS: Shape = word(&["POST", "PUT", "PATCH", "DELETE"]);

/// The keys of the map.
pub(crate) const KEYS: &[Key] = &[
    Key::new(
        "except",
        Shape::Endpoints,
        Default::Absent,
        "Paths that are never served twice, each with all below it.",
    ),
    Key::new(
        "methods",
        Shape::List(&METHODS),
        Default::Absent,
        "Methods that are served again as well, if the request has an `Idempotency-Key`.",
    ),
    Key::new(
        "body",
        Shape::Of(FieldType::Size(1, LARGEST_BODY)),
        Default::Is("64KiB"),
        "The largest request body that is kept for a second attempt.",
    ),
    Key::new(
        "within",
        Shape::SomeTime,
        Default::Is("2s"),
        "How long the old release may take to begin its answer, within the router's own limit; then \
         the visitor gets the new one's failure.",
    ),
    Key::new(
        "hedge",
        Shape::Of(FieldType::Flag),
        Default::Is("false"),
        "Whether the old release is asked as well when the new one takes longer than 99 of 100 answers \
         of the old one do; the visitor gets whichever answers well first.",
    ),
];

/// The word that holds where nothing is said.
pub(crate) fn default(place: Place) -> &'static str {
    if place.rescues { "safe" } else { "never" }
}

/// The rules; none where nothing is rescued.
pub(crate) fn read(node: Option<&Node>, place: Place) -> Option<Rescue> {
    let word = node.map_or(Some(default(place)), Node::text);
    if word == Some("never") || !place.rescues {
        return None;
    }
    let map = node.filter(|node| node.text().is_none());
    let fields = Fields::new(map, KEYS, place);
    let body = fields.text("body").and_then(|text| quantities::bytes(&text));
    Some(Rescue {
        except: fields.texts("except"),
        methods: fields.texts("methods"),
        body_bytes: u32::try_from(body.unwrap_or(LARGEST_BODY)).unwrap_or(u32::MAX),
        within: fields.span("within").unwrap_or(DEFAULT_WITHIN),
        hedge: fields.text("hedge").as_deref() == Some("true"),
    })
}
