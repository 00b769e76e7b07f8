//! What may stand where. The tables of the sections are written in these words; checking, JSON
//! Schema and the resolved form all read them. Checks nothing itself.

use towpath_core::matrix::{Strategy, Tier};
use towpath_ports::catalogue::{Family, FieldType};
use towpath_ports::settings;

use crate::sections::Standing;
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
    /// One of these words, or a map with these keys.
    WordOrMap(&'static [&'static str], &'static [Key]),
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
    /// Paths of requests, such as `/checkout`, each with all below it; one may stand alone.
    Routes,
    /// Environment variables: a map of texts; numbers and flags stand as they are written.
    Variables,
    /// A sum for a time: `$420/month`.
    Money,
    /// A number of bytes: `512MB`, `16GB`.
    Size,
    /// How often in a time: `100/s`.
    Rate,
    /// How many processors: `"0.5"`, `"2"`, `500m`.
    Processors,
    /// A comparison in quotes with something of this measure, to this side: `"< 0.5%"`.
    Promise(Measure, Bound),
    /// A day of the calendar: `2026-12-24`.
    Date,
    /// A part of the day: `09:00-16:00`.
    Hours,
    /// A time zone of the IANA database: `Europe/Berlin`.
    Zone,
    /// A map with these keys.
    Map(&'static [Key]),
    /// A map whose keys people choose, by this rule.
    MapOf(KeyRule, &'static Shape),
    /// A map that begins with `kind:`, one of these, with the keys of that kind and those that all
    /// kinds share.
    Kinds(&'static [Variant], &'static [Key]),
    /// A list.
    List(&'static Shape),
    /// An adapter by its `kind`, with these keys beside its own settings.
    Adapter(Family, &'static [Key]),
    /// The maps that hold sections, which are checked apart.
    Sections,
}

/// What a promise is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// A share: `">= 99.9%"`.
    Share,
    /// A length of time: `"< 200ms"`.
    Time,
    /// How often: `"> 100/s"`.
    Rate,
    /// A share, a time, a rate or a plain number: what a metric may be held against.
    Any,
}

/// To which side a promise holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// More is better: availability, throughput.
    AtLeast,
    /// Less is better: errors, times, waste.
    AtMost,
    /// What is compared says which, such as the metric of an alarm.
    Either,
}

impl Bound {
    /// The signs a promise to this side may begin with. Exactly so much is a promise to either.
    pub(crate) const fn signs(self) -> &'static [char] {
        match self {
            Self::AtLeast => &['>', '='],
            Self::AtMost => &['<', '='],
            Self::Either => &['<', '>', '='],
        }
    }
}

/// What the keys of a map may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyRule {
    /// A name: lower case with hyphens.
    Name,
    /// The name of a variable or a secret, which keeps its capitals.
    Variable,
    /// A branch of git, or a pattern of branches such as `release/*`.
    Branch,
}

/// One kind of a section that has kinds of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    pub(crate) keys: &'static [Key],
    pub(crate) doc: &'static str,
}

impl Variant {
    /// The keys of the kind that `node` names, and those that all kinds share.
    pub(crate) fn keys_for(kinds: &[Self], common: &[Key], node: &Node) -> Vec<Key> {
        let named = node.get("kind").and_then(Node::text);
        let own = kinds.iter().filter(|kind| named == Some(kind.name)).flat_map(|kind| kind.keys);
        own.chain(common).copied().collect()
    }
}

/// A text that is not empty.
pub(crate) const TEXT: Shape = Shape::Of(FieldType::Text);
/// A list of texts, of which one may stand alone.
pub(crate) const TEXTS: Shape = Shape::Of(FieldType::Texts);
/// `true` or `false`.
pub(crate) const FLAG: Shape = Shape::Of(FieldType::Flag);
/// A share such as `10%`.
pub(crate) const SHARE: Shape = Shape::Of(FieldType::Share);
/// A path inside the project, or an absolute one.
pub(crate) const PATH: Shape = Shape::Of(FieldType::Path);
/// A program and its arguments.
pub(crate) const ARGV: Shape = Shape::Of(FieldType::Argv);
/// Names of roles, of which one may stand alone; each is read as a name.
pub(crate) const ROLES: Shape = Shape::Of(FieldType::Roles);

/// One of these words.
pub(crate) const fn word(words: &'static [&'static str]) -> Shape {
    Shape::Of(FieldType::Word(words))
}

/// A whole number between these, both included.
pub(crate) const fn count(least: u64, most: u64) -> Shape {
    Shape::Of(FieldType::Count(least, most))
}

/// One key of a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) default: Default,
    pub(crate) doc: &'static str,
    /// What becomes of this key where that differs from its section.
    pub(crate) standing: Option<Standing>,
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
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not one state")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) tier: Tier,
    /// Whether a router sends visitors here.
    pub(crate) routed: bool,
    /// Whether that router can serve again what the new release fails.
    pub(crate) rescues: bool,
    /// Whether that router tells of single requests.
    pub(crate) counts: bool,
    /// Whether its rollout declares how many requests may be harmed.
    pub(crate) budgeted: bool,
    pub(crate) strategy: Strategy,
}

/// Where sections at the top of the file stand: no default of theirs depends on it.
pub(crate) const NOWHERE: Place = Place {
    tier: Tier::Development,
    routed: false,
    rescues: false,
    counts: false,
    budgeted: false,
    strategy: Strategy::AllAtOnce,
};

impl Key {
    pub(crate) const fn new(
        name: &'static str,
        shape: Shape,
        default: Default,
        doc: &'static str,
    ) -> Self {
        Self { name, shape, default, doc, standing: None }
    }

    /// A key that may be left out, and then nothing holds.
    pub(crate) const fn optional(name: &'static str, shape: Shape, doc: &'static str) -> Self {
        Self::new(name, shape, Default::Absent, doc)
    }

    /// The same key with a standing of its own.
    pub(crate) const fn standing(self, standing: Standing) -> Self {
        Self { standing: Some(standing), ..self }
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
        Shape::WordOrMap(words, keys) => {
            let names: Vec<_> = keys.iter().map(|key| key.name).collect();
            format!("{}, or a map of {}", words.join(", "), names.join(", "))
        }
        Shape::Requests => "a count of requests such as 20 requests".to_owned(),
        Shape::Bake => "a duration such as 5m, or { min: 1m, max: 10m }".to_owned(),
        Shape::ErrorLimit => "a share that is too much, in quotes, such as \"> 5%\"".to_owned(),
        Shape::LatencyLimit => {
            "a latency that is too much, such as \"> 300ms\" or \"+20%\"".to_owned()
        }
        Shape::Endpoints => "a path such as /health, or a list of them".to_owned(),
        Shape::Routes => {
            "a path such as /checkout, without its query, or a list of them".to_owned()
        }
        Shape::Variables => "a map of texts".to_owned(),
        Shape::Map(keys) => {
            let names: Vec<_> = keys.iter().map(|key| key.name).collect();
            format!("a map of {}", names.join(", "))
        }
        Shape::Money => "a sum for a time such as $420/month".to_owned(),
        Shape::Size => "a size such as 512MB, 16GB or 1TB".to_owned(),
        Shape::Rate => "a rate such as 100/s".to_owned(),
        Shape::Processors => "a number of processors such as \"0.5\", \"2\" or 500m".to_owned(),
        Shape::Promise(measure, bound) => {
            let example = promised(measure, bound);
            match bound {
                Bound::AtLeast => format!("a promise of at least: {example}"),
                Bound::AtMost => format!("a promise of at most: {example}"),
                Bound::Either => format!("a comparison in quotes such as {example}"),
            }
        }
        Shape::Date => "a day such as 2026-12-24".to_owned(),
        Shape::Hours => {
            "a part of the day such as 09:00-16:00, or 22:00-06:00 over midnight".to_owned()
        }
        Shape::Zone => "a time zone such as Europe/Berlin or UTC".to_owned(),
        Shape::MapOf(KeyRule::Name, _) => "a map whose keys are names".to_owned(),
        Shape::MapOf(KeyRule::Variable, _) => {
            "a map whose keys are names such as API_KEY".to_owned()
        }
        Shape::MapOf(KeyRule::Branch, _) => "a map whose keys are branches".to_owned(),
        Shape::Kinds(kinds, _) => {
            let names: Vec<_> = kinds.iter().map(|kind| kind.name).collect();
            format!("a map whose `kind` is one of {}", names.join(", "))
        }
        Shape::List(_) => "a list".to_owned(),
        Shape::Adapter(Family::Check, _) => "a map that begins with `check:`".to_owned(),
        Shape::Adapter(..) => "a map that begins with `kind:`".to_owned(),
        Shape::Sections => "a map".to_owned(),
    }
}

/// Examples of a promise, in quotes.
pub(crate) const fn promised(measure: Measure, bound: Bound) -> &'static str {
    match (measure, bound) {
        (Measure::Share, Bound::AtLeast) => "\">= 99.9%\"",
        (Measure::Share, Bound::AtMost) => "\"< 5%\"",
        (Measure::Share, Bound::Either) => "\"< 5%\" or \">= 99.9%\"",
        (Measure::Time, Bound::AtLeast) => "\">= 30m\"",
        (Measure::Time, Bound::AtMost) => "\"< 200ms\"",
        (Measure::Time, Bound::Either) => "\"< 200ms\" or \"> 30m\"",
        (Measure::Rate, Bound::AtMost) => "\"<= 100/s\"",
        (Measure::Rate, Bound::AtLeast | Bound::Either) => "\">= 100/s\"",
        (Measure::Any, _) => "\"> 5%\", \"> 300ms\" or \"> 0\"",
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
