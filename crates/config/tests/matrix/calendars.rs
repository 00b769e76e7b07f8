//! Windows and freezes on their way from the file into the calendar of each lane. What they hold at a
//! moment is tested in the core.

use towpath_core::calendar::Hold;
use towpath_core::ids::LaneId;
use towpath_core::matrix::Matrix;
use towpath_core::release::ChangeType;
use towpath_core::units::Timestamp;

use super::{check, name};

const FILE: &str = "
version: 1
project: shop
windows:
  - { days: [mon], hours: 22:00-06:00 }
defaults:
  production:
    freezes: [{ name: sale, dates: [2027-01-06], hours: 09:00-23:59, zone: Europe/Berlin, except: [hotfix] }]
environments:
  dev:
    tier: development
    target: { kind: process, command: [./app] }
  live:
    after: dev
    tier: production
    target: { kind: process, command: [./app] }
    windows:
      - { days: [wed], for: [feature, hotfix] }
      - { cron: 30 4 * * thu, lasts: 2h, for: [infrastructure] }
";

fn matrix() -> Matrix {
    let checked = check(FILE);
    assert_eq!(checked.errors, []);
    assert_eq!(checked.not_enforced, [], "all of it is carried out");
    checked.matrix.expect("a matrix without errors is whole")
}

/// What holds a change of this type there at a moment of 2027.
fn hold(environment: &str, change: ChangeType, at: &str) -> &'static str {
    let matrix = matrix();
    let lane = LaneId { service: name("shop"), environment: name(environment) };
    let calendar = &matrix.lane(&lane).expect("it is declared").1.calendar;
    let at: jiff::Timestamp = format!("2027-{at}:00Z").parse().expect("a moment");
    match calendar.hold(change, Timestamp(at.as_microsecond())) {
        None => "open",
        Some(Hold::Freeze(freeze)) => {
            assert_eq!(freeze.called(), "sale");
            "frozen"
        }
        Some(Hold::Closed) => "closed",
        Some(Hold::NoWindow) => "no window",
    }
}

#[test]
fn the_windows_at_the_top_are_those_of_an_environment_without_its_own() {
    // The 5th of January is a Tuesday.
    assert_eq!(hold("dev", ChangeType::Feature, "01-05T05:59"), "open");
    assert_eq!(hold("dev", ChangeType::Feature, "01-05T06:00"), "closed");
    assert_eq!(hold("live", ChangeType::Feature, "01-05T05:59"), "closed");
}

#[test]
fn each_type_of_change_has_its_windows_and_exceptions() {
    assert_eq!(hold("live", ChangeType::Feature, "01-13T23:59"), "open", "to the end of the day");
    assert_eq!(hold("live", ChangeType::Fix, "01-13T12:00"), "no window");
    assert_eq!(hold("live", ChangeType::Infrastructure, "01-14T06:29"), "open");
    assert_eq!(hold("live", ChangeType::Infrastructure, "01-14T06:30"), "closed");
}

#[test]
fn a_freeze_of_dates_holds_on_these_days_where_it_says() {
    assert_eq!(hold("live", ChangeType::Feature, "01-06T07:59"), "open");
    assert_eq!(hold("live", ChangeType::Feature, "01-06T08:00"), "frozen");
    assert_eq!(hold("live", ChangeType::Feature, "01-06T22:59"), "frozen");
    assert_eq!(hold("live", ChangeType::Feature, "01-06T23:00"), "open");
    assert_eq!(hold("live", ChangeType::Hotfix, "01-06T12:00"), "open");
}
