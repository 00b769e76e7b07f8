//! The data plane: routes in, bytes through, outcomes out. Knows nothing of promotions.
//!
//! A proxy is a process of its own. Its control thread keeps the table of routes, saves it before
//! it takes effect and counts leases; its workers, one thread for each core, read a snapshot of it
//! for every request and share nothing else but counters. Whoever owns a route says what it shall
//! be ([`Handle::apply`], with an epoch that grows with every owner), renews what it lends, and is
//! told of every outcome ([`Handle::subscribe`]).
//!
//! An arm that leaves a route keeps its requests and its tunnels (WebSockets) for the route's drain
//! time, then they are cut; so it is when a route or the whole proxy ends.
//!
//! Reading order: [`RouteSpec`] is what is asked, [`RouteStatus`] what is; `state` has the rules of
//! epochs and leases, `weight` those of capacity, `forward` the life of a request, `controller` the
//! order in which a change is made.

mod address;
mod arm;
mod assign;
mod body;
mod budget;
mod clock;
mod connection;
mod control;
mod controller;
mod disk;
mod evidence;
mod forward;
mod handle;
mod headers;
mod hedge;
mod judge;
mod listener;
mod live;
mod mirror;
mod paths;
mod pool;
mod protocol;
mod proxy;
mod publish;
mod record;
mod refusal;
mod rescue;
mod route;
mod saver;
mod second;
mod slot;
mod socket;
mod state;
mod status;
mod stream;
mod tally;
pub mod tls;
mod tunnel;
mod weight;
mod worker;

pub use arm::{ArmSpec, EndpointSpec, MAX_ENDPOINTS};
pub use clock::Clock;
pub use disk::{PROCESS_NAME, ProcessRecord, SOCKET_NAME};
pub use evidence::KEPT_BUCKETS;
pub use handle::{Handle, HandleError};
pub use judge::{GuardSpec, Judged};
pub use mirror::{MIRROR_HEADER, MirrorSpec};
pub use proxy::{Options, Proxy, Workers, raise_file_limit, run};
pub use refusal::Refusal;
pub use rescue::{MAX_EXCEPTED_PATHS, MAX_RESCUE_BODY_BYTES, RESCUED_HEADER, RescueSpec};
pub use route::{
    ALL_BP, BUCKET_MS, CandidateSpec, MAX_DRAIN_MS, MAX_LEASE_MS, MAX_NAME_BYTES, OnSilence,
    RouteSpec, StandbySpec, TlsFiles,
};
pub use state::{Hold, Switch, SwitchCause};
pub use status::{ArmStatus, DrainingStatus, Minutes, ProxyStatus, RouteStatus, UnreadableRoute};
pub use stream::{Arms, OutcomeBatch, Position, RING_ENTRIES, RouteEvent, StreamItem};
pub use tally::{
    Bucket, ClassCounts, DeploymentTally, ErrorCounts, MirrorCounts, PathCounts, RescueCounts,
    Tally,
};
