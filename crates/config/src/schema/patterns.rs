//! Texts of the matrix as regular expressions (ECMA-262, without looking around, so that every editor
//! has them). Each takes exactly what the checker takes, as far as an expression can say it; a test
//! holds both against each other.

use crate::shape::{Bound, Measure};

/// Units of time; the checker adds numbers with them, and takes any space between and around.
const UNIT: &str = "(ms|s|m|h|d)";
/// 0% to 100% with at most two decimals.
const SHARE: &str = "(([0-9]{1,2}|0[0-9]{2})([.][0-9]{1,2})?|100([.]0{1,2})?)%";
/// The same above 0%.
const SOME_SHARE: &str = "((0{0,2}[1-9]|0?[1-9][0-9])([.][0-9]{1,2})?|0{1,3}[.](0[1-9]|[1-9][0-9]?)\
                          |100([.]0{1,2})?)%";
const RATE: &str = "[0-9]{1,12}/(s|m|h|d)";
const NUMBER: &str = "([0-9]+([.][0-9]+)?|[.][0-9]+)";
const NAME: &str = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
const CLOCK: &str = "([01][0-9]|2[0-3]):[0-5][0-9]";

/// A name that people choose.
pub(super) fn name() -> String {
    format!("^{NAME}$")
}

/// The same as the key of a map, where keys of one's own may stand beside.
pub(super) fn name_as_key() -> String {
    format!("^(x-|{NAME}$)")
}

/// The name of a variable as the key of a map: at most 255 bytes.
pub(super) fn variable_as_key() -> String {
    "^(x-|[A-Za-z_][A-Za-z0-9_]{0,254}$)".to_owned()
}

/// A branch or a pattern of branches as the key of a map: no part is empty or begins with a dot.
pub(super) fn branch_as_key() -> String {
    let part = "[A-Za-z0-9_*+#@-]+([.][A-Za-z0-9_*+#@-]+)*";
    format!("^(x-|({part}[.]?/)*{part}$)")
}

pub(super) fn span() -> String {
    whole(&times())
}

/// A duration above zero.
pub(super) fn some_span() -> String {
    whole(&some_times())
}

pub(super) fn share() -> String {
    format!("^{SHARE}$")
}

/// `20 requests`, from one to a million.
pub(super) fn requests() -> String {
    "^[+]?0*([1-9][0-9]{0,5}|1000000)\\s*requests?$".to_owned()
}

/// `"> 5%"`.
pub(super) fn error_limit() -> String {
    format!("^>\\s*{SHARE}\\s*$")
}

/// `"> 300ms"` or `"+20%"`.
pub(super) fn latency_limit() -> String {
    format!("^([+]\\s*{SOME_SHARE}|>\\s*{})\\s*$", some_times())
}

pub(super) fn money() -> String {
    "^[$€£¥][0-9]{1,12}([.][0-9]{2})?/(hour|day|month|year)$".to_owned()
}

pub(super) fn size() -> String {
    "^[0-9]{1,6}([.][0-9]{1,2})?(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$".to_owned()
}

pub(super) fn rate() -> String {
    format!("^{RATE}$")
}

/// `0.5`, `2`, `500m`.
pub(super) fn processors() -> String {
    "^[0-9]{1,6}(m|[.][0-9]{1,2})?$".to_owned()
}

/// A comparison with something of this measure, to this side.
pub(super) fn promise(measure: Measure, bound: Bound) -> String {
    let signs = match bound {
        Bound::AtLeast => "(>=?|=)",
        Bound::AtMost => "(<=?|=)",
        Bound::Either => "(<=?|>=?|=)",
    };
    let amount = match measure {
        Measure::Share => SHARE.to_owned(),
        Measure::Time => times(),
        Measure::Rate => RATE.to_owned(),
        Measure::Any => format!("({SHARE}|{}|{RATE}|{NUMBER})", times()),
    };
    format!("^{signs}\\s*{amount}\\s*$")
}

/// `2026-12-24`; how many days a month has is left to the checker.
pub(super) fn date() -> String {
    "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$".to_owned()
}

pub(super) fn hours() -> String {
    format!("^{CLOCK}-{CLOCK}$")
}

/// The form of a zone; which there are is left to the checker.
pub(super) fn zone() -> String {
    "^(UTC|[A-Za-z]+(/[A-Za-z0-9_+-]+)+)$".to_owned()
}

/// An address and port; whether one of version 6 is whole is left to the checker.
pub(super) fn address() -> String {
    let byte = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    let port =
        "0*([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])";
    format!("^({byte}([.]{byte}){{3}}|\\[[0-9A-Fa-f:.]+(%[0-9]+)?\\]):{port}$")
}

fn whole(times: &str) -> String {
    format!("^\\s*{times}\\s*$")
}

fn times() -> String {
    format!("[0-9]+{UNIT}(\\s+[0-9]+{UNIT})*")
}

fn some_times() -> String {
    format!("(0+{UNIT}\\s+)*0*[1-9][0-9]*{UNIT}(\\s+[0-9]+{UNIT})*")
}
