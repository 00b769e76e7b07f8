//! What goes over the control socket: one JSON object a line, a request and its answer. Owns the
//! wire format; a version that cannot read a line says so instead of guessing.

use serde::{Deserialize, Serialize};

use crate::status::{Minutes, ProxyStatus, RouteStatus};
use crate::stream::{Position, StreamItem};
use crate::{Refusal, RouteSpec};

/// Longest request line, in bytes: a route with two full arms is a tenth of it.
pub(crate) const MAX_REQUEST_BYTES: usize = 1 << 20;
/// Longest answer line, in bytes: two days of minutes with a handful of deployments each.
pub(crate) const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Something asked of the proxy.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Ask {
    Apply {
        spec: Box<RouteSpec>,
        epoch: u64,
        revision: u64,
    },
    Renew {
        name: String,
        epoch: u64,
        lease_ms: u64,
    },
    Remove {
        name: String,
        epoch: u64,
    },
    Read {
        name: String,
    },
    ReadAll {},
    Minutes {
        name: String,
        since_ms: u64,
    },
    Reload {},
    /// Turns the connection into a stream: nothing else is answered on it.
    Subscribe {
        routes: Vec<(String, Option<Position>)>,
    },
    Shutdown {},
}

/// What the proxy says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Say {
    Route(Box<RouteStatus>),
    Routes(ProxyStatus),
    Minutes(Minutes),
    Done,
    Refused(Refusal),
    Stream(StreamItem),
}
