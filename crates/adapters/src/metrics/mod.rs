//! Where figures come from that no router sees. Owns the list of kinds; no source judges what it hands
//! out.

mod logs;
mod planned;
mod prometheus;

use towpath_ports::Kind;
use towpath_ports::metrics::MetricsSource;

/// All kinds, in the order in which they are listed to people.
pub const KINDS: &[Kind<dyn MetricsSource>] =
    &[prometheus::KIND, logs::HAPROXY, logs::NGINX, planned::CLOUDWATCH];
