//! A proxy before two applications that answer as badly as they are told, and how they are looked at.
//! Gives the candidate no rules: those are what its tests are about.

use std::collections::BTreeMap;

use futures_util::Stream;
use tempfile::TempDir;
use towpath_proxy::{CandidateSpec, Handle, Proxy, RouteSpec, RouteStatus, StreamItem, Tally};

use crate::faulty::Faulty;
use crate::loopback::{Visitor, arm, candidate, new_proxy, route, tally, until_status};

/// Both applications, the proxy, and what its one route is meant to be.
pub(crate) struct Scene {
    pub(crate) proxy: Proxy,
    pub(crate) handle: Handle,
    pub(crate) spec: RouteSpec,
    pub(crate) blue: Faulty,
    pub(crate) green: Faulty,
    pub(crate) directory: TempDir,
}

impl Scene {
    /// Blue is the default arm, nobody is its candidate, and nothing is applied yet.
    pub(crate) async fn set(blue: Faulty, green: Faulty) -> Self {
        let (directory, proxy, handle) = new_proxy().await;
        let mut spec = route("api/production");
        spec.response_timeout_ms = 300;
        spec.default = Some(arm("blue", &[blue.address]));
        Self { proxy, handle, spec, blue, green, directory }
    }

    /// Green as a candidate without a lease.
    pub(crate) fn coming(&self, weight_bp: u16) -> CandidateSpec {
        candidate(arm("green", &[self.green.address]), weight_bp, None)
    }

    /// Makes the route what it is meant to be.
    pub(crate) async fn apply(&self, revision: u64) {
        self.handle.apply(self.spec.clone(), 1, revision).await.unwrap();
    }

    pub(crate) fn visitor(&self) -> Visitor {
        Visitor::new(self.spec.listen)
    }

    /// Everything that happens on the route from now on.
    pub(crate) async fn follow(&self) -> impl Stream<Item = StreamItem> + Unpin + use<> {
        let begin = self.handle.read(&self.spec.name).await.unwrap().stream;
        let wanted = BTreeMap::from([(self.spec.name.clone(), Some(begin))]);
        self.handle.subscribe(&wanted).await.unwrap()
    }

    /// Waits for the route and what is counted for green to be in some state.
    pub(crate) async fn until(
        &self,
        reached: impl Fn(&RouteStatus, &Tally) -> bool,
    ) -> (RouteStatus, Tally) {
        let is_reached = |status: &RouteStatus| reached(status, &tally(status, "green-1"));
        let status = until_status(&self.handle, &self.spec.name, is_reached).await;
        let green = tally(&status, "green-1");
        (status, green)
    }
}

/// Whether the answer is that of a second attempt, which says so with a 1 and nothing else.
pub(crate) fn is_rescued(parts: &http::response::Parts) -> bool {
    let mark = parts.headers.get("towpath-rescued");
    mark.inspect(|value| assert_eq!(*value, "1")).is_some()
}
