//! What may stand where. The tables of the sections are written in these words; checking, JSON
//! Schema and the resolved form all read them. Checks nothing itself.

use towpath_core::matrix::{Strategy, Tier};
use towpath_ports::catalogue::{Family, FieldType};
use towpath_ports::settings;

use crate::tree::{Node, Scalar, Tree, printable};

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// One of the types that adapters use too.
    Of(FieldType),
    /// The whole number 1, the version of this format.
    FormatVersion,
    /// A name that people choose.
    Name,
    /// One name or a list of at least one.
    Names,
    /// A duration above zero.
    SomeTime,
    /// One of these words, or a duration above zero.
    WordOrSpan(&'static [&'static str]),
    /// A count with its unit: `20 requests`.
    Requests,
    /// A duration, or `{ min, max }`.
    Bake,
    /// The share of failed requests that is too much: `"> 5%"`.
    ErrorLimit,
    /// The latency that is too much: `"> 300ms"`, or `"+20%"` against the old release.
    LatencyLimit,
    /// Paths on a service, such as `/health`; one may stand alone.
    Endpoints,
    /// Environment variables: a map of texts; numbers and flags stand as they are written.
    Variables,
    /// A map with these keys.
    Map(&'static [Key]),
    /// A map whose keys are names that people choose.
    MapOf(&'static Shape),
    /// A list.
    List(&'static Shape),
    /// An adapter by its `kind`, with these keys beside its own settings.
    Adapter(Family, &'static [Key]),
    /// A map whose content nothing checks yet.
    AnyMap,
    /// Anything at all.
    Anything,
}

/// One key of a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) default: Default,
    pub(crate) doc: &'static str,
}

/// What holds when a key is left out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Default {
    /// It may not be left out.
    Required,
    /// Nothing holds.
    Absent,
    /// This, as it would be written.
    Is(&'static str),
    /// Depends on the place: the function, and the rule in words.
    By(fn(Place) -> &'static str, &'static str),
}

/// What a default may depend on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) tier: Tier,
    /// Whether a router sends visitors here.
    pub(crate) routed: bool,
    pub(crate) strategy: Strategy,
}

impl Key {
    pub(crate) const fn new(
        name: &'static str,
        shape: Shape,
        default: Default,
        doc: &'static str,
    ) -> Self {
        Self { name, shape, default, doc }
    }

    /// The default at `place`, as it would be written.
    pub(crate) fn default_at(&self, place: Place) -> Option<&'static str> {
        match self.default {
            Default::Required | Default::Absent => None,
            Default::Is(text) => Some(text),
            Default::By(choose, _) => Some(choose(place)),
        }
    }
}

/// What a value of this shape looks like, for messages.
pub(crate) fn expected(shape: Shape) -> String {
    match shape {
        Shape::Of(of) => settings::expected(of),
        Shape::FormatVersion => "1".to_owned(),
        Shape::Name => "a name: 1 to 63 of a-z, 0-9 and -".to_owned(),
        Shape::Names => "a name, or a list of names".to_owned(),
        Shape::SomeTime => "a duration above zero such as 30s, 5m or 24h".to_owned(),
        Shape::WordOrSpan(words) => {
            format!("{}, or a duration above zero such as 30s, 5m or 24h", words.join(", "))
        }
        Shape::Requests => "a count of requests such as 20 requests".to_owned(),
        Shape::Bake => "a duration such as 5m, or { min: 1m, max: 10m }".to_owned(),
        Shape::ErrorLimit => "a share that is too much, in quotes, such as \"> 5%\"".to_owned(),
        Shape::LatencyLimit => {
            "a latency that is too much, such as \"> 300ms\" or \"+20%\"".to_owned()
        }
        Shape::Endpoints => "a path such as /health, or a list of them".to_owned(),
        Shape::Variables => "a map of texts".to_owned(),
        Shape::Map(keys) => {
            let names: Vec<_> = keys.iter().map(|key| key.name).collect();
            format!("a map of {}", names.join(", "))
        }
        Shape::MapOf(_) => "a map whose keys are names".to_owned(),
        Shape::List(_) => "a list".to_owned(),
        Shape::Adapter(Family::Check, _) => "a map that begins with `check:`".to_owned(),
        Shape::Adapter(..) => "a map that begins with `kind:`".to_owned(),
        Shape::AnyMap => "a map".to_owned(),
        Shape::Anything => "anything".to_owned(),
    }
}

/// What a value is, for messages.
pub(crate) fn described(node: &Node) -> String {
    match (&node.tree, node.scalar()) {
        (Tree::List(items), _) if items.is_empty() => "an empty list".to_owned(),
        (Tree::List(_), _) => "a list".to_owned(),
        (Tree::Map(_), _) => "a map".to_owned(),
        (_, Some(Scalar::Flag(flag))) => format!("the yes-no value `{flag}`"),
        (_, Some(Scalar::Number(text))) => format!("the number `{}`", printable(text)),
        (_, Some(Scalar::Text(text))) if !text.is_empty() => {
            format!("the text `{}`", printable(text))
        }
        _ => "empty".to_owned(),
    }
}
