//! How many visitors stay on the old release after commit, and for how long. Owns the keys and what
//! they need of the lane; who is judged beside whom is the router's.

use towpath_core::matrix::HoldbackRule;
use towpath_core::units::{Span, Weight};
use towpath_ports::catalogue::FieldType;

use super::{LANE, Section};
use crate::codes::Code;
use crate::fields::Fields;
use crate::problem::{Problem, Problems};
use crate::shape::{Default, Key, Place, Shape};
use crate::source::Extent;
use crate::tree::Node;

/// The shares that stand alone; any other stands in the map. None of it is said by `0%`.
pub(crate) const WORDS: &[&str] = &["0%", "1%", "2%", "5%", "10%", "20%"];
/// The largest share, in basis points: with more visitors on the old release than on the new one nothing
/// was committed.
const MOST_BP: u16 = 5_000;

/// The keys of the map.
pub(crate) const KEYS: &[Key] = &[
    Key::new(
        "share",
        Shape::Of(FieldType::Share),
        Default::Required,
        "Share of the requests that stay on the old release, above 0% and at most 50%.",
    ),
    Key::optional(
        "for",
        Shape::SomeTime,
        "For how long after commit; left out, as long as `standby`, and never longer.",
    ),
];

const KEY: Key = Key::new(
    "holdback",
    Shape::WordOrMap(WORDS, KEYS),
    Default::Absent,
    "Share of the requests that stay on the old release after commit while it stands by, so that the \
     new one is still judged beside it. `0%` keeps none of them, and requests are still rescued. Needs \
     `standby` and a router with the capability `holdback`.",
);

/// The section.
pub(crate) const SECTIONS: &[Section] =
    &[Section::enforced(KEY, LANE, "standby: 1h\nholdback: 5%\n")];

/// What the lane gives it.
pub(crate) struct Ground {
    /// How long the old release is kept.
    pub(crate) standby: Span,
    /// The router, and whether it can do it.
    pub(crate) router: Option<(String, bool)>,
    /// Whether requests that the new release fails are served again by the old one.
    pub(crate) rescues: bool,
}

/// The rule, from the lane that may hold it. Where nobody is held back and requests are rescued the old
/// release stays in the route without a share, so that they are rescued for as long as it stands by.
pub(crate) fn read(
    lane: &Node,
    place: Place,
    ground: &Ground,
    problems: &mut Problems,
) -> Option<HoldbackRule> {
    let router_can = ground.router.as_ref().is_some_and(|(_, can)| *can);
    let without_share = HoldbackRule { share: Weight::ZERO, lasts: ground.standby };
    let rescues = ground.rescues && router_can && ground.standby > Span::ZERO;
    declared(lane, place, ground, problems).or(rescues.then_some(without_share))
}

fn declared(
    lane: &Node,
    place: Place,
    ground: &Ground,
    problems: &mut Problems,
) -> Option<HoldbackRule> {
    let node = lane.get("holdback").filter(|node| !node.is_broken())?;
    let map = Some(node).filter(|node| node.text().is_none());
    let fields = Fields::new(map, KEYS, place);
    let Some(given) = map.map_or(Some(node), |map| map.get("share")) else {
        problems.add(
            Problem::new(Code::MissingKey, node.extent, "`holdback` needs the key `share`")
                .missing(node.extent, "share")
                .expected("share: a share such as 10%")
                .next("write `holdback: 5%`"),
        );
        return None;
    };
    let share: Weight = given.text()?.parse().ok()?;
    let is_told_already = map.is_none() && !WORDS.contains(&given.text()?);
    if is_told_already || (map.is_none() && share == Weight::ZERO) {
        return None;
    }
    let lasts = match fields.given("for") {
        Some(_) => fields.span("for").filter(|lasts| *lasts > Span::ZERO)?,
        None => ground.standby,
    };
    let place_of_for = fields.given("for").map_or(node.extent, |given| given.extent);
    if let Some(problem) = wrong(share, given.extent)
        .or_else(|| impossible(ground, node.extent))
        .or_else(|| too_long(lasts, ground, place_of_for))
    {
        problems.add(problem);
        return None;
    }
    Some(HoldbackRule { share, lasts })
}

fn wrong(share: Weight, at: Extent) -> Option<Problem> {
    let is_wrong = share == Weight::ZERO || share.basis_points() > MOST_BP;
    is_wrong.then(|| {
        Problem::new(Code::WrongValue, at, format!("a holdback cannot be {share} of the requests"))
            .expected("a share above 0% and at most 50%")
            .next("write `holdback: 5%`")
    })
}

fn impossible(ground: &Ground, at: Extent) -> Option<Problem> {
    let message = match &ground.router {
        _ if ground.standby == Span::ZERO => {
            return Some(
                Problem::new(Code::WrongValue, at, "`holdback` without `standby` keeps nothing")
                    .label("visitors stay on what stands by after commit, and nothing does")
                    .next("add `standby: 1h`"),
            );
        }
        None => "`holdback` without a router leaves nobody on the old release".to_owned(),
        Some((kind, false)) => format!("the router `{kind}` cannot hold a release back"),
        Some((_, true)) => return None,
    };
    Some(
        Problem::new(Code::WrongValue, at, message)
            .expected("a router with the capability `holdback`, such as towpath")
            .next("leave `holdback` out"),
    )
}

fn too_long(lasts: Span, ground: &Ground, at: Extent) -> Option<Problem> {
    (lasts > ground.standby).then(|| {
        let standby = ground.standby;
        let message = format!("a holdback of {lasts} outlasts the standby of {standby}");
        Problem::new(Code::WrongValue, at, message)
            .expected(format!("at most {standby}, as long as the old release is kept"))
            .next(format!("add `standby: {lasts}`"))
    })
}
