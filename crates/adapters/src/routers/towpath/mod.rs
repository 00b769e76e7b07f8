//! Router `towpath`: the program's own reverse proxy, one process per journal. Owns the translation
//! between lanes and the proxy's routes; how traffic moves is the proxy's.

mod beside;
mod connection;
mod intervals;
mod news;
mod twice;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::Stream;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc;
use towpath_core::deployment::Deployment;
use towpath_core::ids::{Digest, Epoch, LaneId, PromotionNumber, Revision};
use towpath_core::units::{Span, Timestamp, Weight};
use towpath_guard::Counts;
use towpath_ports::router::{
    DesiredRoute, GuardOrder, Interval, Load, Met, ObservedRoute, Router, RouterError, RouterNews,
};
use towpath_ports::settings::Problem;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState, Site};
use towpath_proxy::{
    ArmSpec, ArmStatus, BUCKET_MS, DeploymentTally, EndpointSpec, GuardSpec, Handle, Hold,
    MAX_DRAIN_MS, MAX_NAME_BYTES, Position, Refusal, RouteSpec, RouteStatus, StreamItem, TlsFiles,
};

use connection::Connection;
pub use connection::run_proxy;
use intervals::intervals;
use news::CutOffs;

pub(super) const KIND: Kind<dyn Router> = Kind {
    entry: KindEntry {
        family: Family::Router,
        name: "towpath",
        summary: "The reverse proxy inside: weights per request, on a lease, with every outcome seen.",
        example: "{ kind: towpath, listen: 127.0.0.1:3000 }",
        state: KindState::Built,
        capabilities: &[
            "lease",
            "epoch",
            "per_request",
            "guard",
            "rescue",
            "mirror",
            "holdback",
            "read_back",
            "sticky",
            "pin",
        ],
        fields: &[
            Field {
                name: "listen",
                of: FieldType::Address,
                default: None,
                doc: "Where visitors arrive; no two lanes share it.",
            },
            Field {
                name: "certificate",
                of: FieldType::Path,
                default: Some(""),
                doc: "Certificate chain in PEM, leaf first, read again when it changes; needs `key` \
                      or `key_secret`.",
            },
            Field {
                name: "key",
                of: FieldType::Path,
                default: Some(""),
                doc: "The leaf's private key in PEM; needs `certificate`.",
            },
            Field {
                name: "key_secret",
                of: FieldType::Text,
                default: Some(""),
                doc: "The name of the secret with that key, instead of `key`. No secret store is built \
                      yet, so promotions are refused.",
            },
            Field {
                name: "sticky",
                of: FieldType::Flag,
                default: Some("false"),
                doc: "Whether a visitor stays on the arm that the first coin gave, by a cookie.",
            },
            Field {
                name: "pin_header",
                of: FieldType::Text,
                default: Some("x-towpath-arm"),
                doc: "Request header whose value `green` or `blue` chooses the arm; such requests \
                      are no evidence.",
            },
            Field {
                name: "response_timeout",
                of: FieldType::Span,
                default: Some("60s"),
                doc: "How long an arm may take until its response begins.",
            },
            Field {
                name: "drain",
                of: FieldType::Span,
                default: Some("30s"),
                doc: "The longest that requests under way may take when their arm goes.",
            },
        ],
        validate,
    },
    build: Some(|settings, site| Ok(Arc::new(Towpath::new(settings, site)?))),
};

fn validate(settings: &Value) -> Vec<Problem> {
    let settings = match Settings::deserialize(settings) {
        Ok(settings) => settings,
        Err(error) => return vec![Problem::new("", error.to_string(), "the documented settings")],
    };
    let mut problems = Vec::new();
    if settings.listen.port() == 0 {
        problems.push(Problem::new("listen", "`listen` has port 0", "a port from 1 to 65535"));
    }
    problems.extend(tls_problem(&settings));
    let header = &settings.pin_header;
    if reqwest::header::HeaderName::try_from(header.as_str()).is_err() {
        let message = format!("`{header}` is no header name");
        problems.push(Problem::new("pin_header", message, "a header name such as x-towpath-arm"));
    }
    if settings.response_timeout == Span::ZERO {
        let message = "`response_timeout` is zero";
        problems.push(Problem::new("response_timeout", message, "a duration such as 60s"));
    }
    problems
}

/// A certificate has one key, and a key a certificate.
fn tls_problem(settings: &Settings) -> Option<Problem> {
    let (path, message, expected) =
        match (&settings.certificate, &settings.key, &settings.key_secret) {
            (None, None, None) | (Some(_), Some(_), None) | (Some(_), None, Some(_)) => {
                return None;
            }
            (Some(_), None, None) => (
                "key",
                "`certificate` is given without `key`",
                "`key`, or the name of a `key_secret`",
            ),
            (None, Some(_), _) => {
                ("certificate", "`key` is given without `certificate`", "both or none")
            }
            (None, None, Some(_)) => {
                ("certificate", "`key_secret` is given without `certificate`", "both or none")
            }
            (Some(_), Some(_), Some(_)) => {
                ("key_secret", "`key` and `key_secret` are both given", "one of them")
            }
        };
    Some(Problem::new(path, message, expected))
}

/// Checked settings; the fields of [`KIND`] say what each is.
#[derive(Clone, Debug, Deserialize)]
struct Settings {
    listen: SocketAddr,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    /// The name of a secret; only checked, since nothing reads secrets yet.
    key_secret: Option<String>,
    sticky: bool,
    pin_header: String,
    response_timeout: Span,
    drain: Span,
}

struct Towpath {
    settings: Settings,
    root: PathBuf,
    connection: Connection,
    cut_off: CutOffs,
}

impl Towpath {
    fn new(settings: &Value, site: &Site) -> Result<Self, String> {
        let settings = Settings::deserialize(settings);
        let settings = settings.map_err(|error| format!("router `towpath`: {error}"))?;
        Ok(Self {
            settings,
            root: crate::absolute(&site.root),
            connection: Connection::new(site),
            cut_off: CutOffs::default(),
        })
    }

    /// The stream of a route from `place` on, or from now.
    async fn subscribe(
        &self,
        name: &str,
        place: Option<Position>,
    ) -> Result<impl Stream<Item = StreamItem> + Send + Unpin + use<>, RouterError> {
        let routes = BTreeMap::from([(name.to_owned(), place)]);
        let subscribe = |proxy: Handle| {
            let routes = routes.clone();
            async move { proxy.subscribe(&routes).await }
        };
        self.connection.ask(subscribe).await?.map_err(|refusal| refused(&refusal))
    }

    fn spec(&self, desired: &DesiredRoute) -> RouteSpec {
        let mut spec = RouteSpec::new(route_name(&desired.lane), self.settings.listen);
        let (certificate, key) = (&self.settings.certificate, &self.settings.key);
        spec.tls = certificate.as_ref().zip(key.as_ref()).map(|(certificate, key)| TlsFiles {
            certificate: self.root.join(certificate),
            key: self.root.join(key),
        });
        (spec.default, spec.candidate) = beside::arms(desired);
        spec.standby = beside::standby(desired);
        spec.guard = desired.guard.as_ref().map(|order| self.guard(order, desired));
        let drain = desired.drain.min(self.settings.drain);
        spec.drain_ms = drain.milliseconds().min(MAX_DRAIN_MS);
        spec.bucket_ms =
            desired.interval.milliseconds().clamp(*BUCKET_MS.start(), *BUCKET_MS.end());
        spec.response_timeout_ms = self.settings.response_timeout.milliseconds();
        spec.sticky = self.settings.sticky;
        spec.pin_header = Some(self.settings.pin_header.clone());
        // Watchers are told of outcomes in every state in which a release has visitors.
        spec.stream = true;
        spec
    }

    /// A client that is tied to its release is one observation, however often it fails.
    fn guard(&self, order: &GuardOrder, desired: &DesiredRoute) -> GuardSpec {
        let mut policy = order.policy.clone();
        if self.settings.sticky {
            policy.client_window_us = None;
        }
        GuardSpec {
            subject: order.subject.to_string(),
            policy,
            acts: beside::guard_acts(desired),
            client_header: order.client.clone(),
        }
    }

    /// The route as it is; none when the proxy does not know it.
    async fn read(&self, lane: &LaneId) -> Result<Option<RouteStatus>, RouterError> {
        let name = route_name(lane);
        let read = |proxy: Handle| {
            let name = name.clone();
            async move { proxy.read(&name).await }
        };
        match self.connection.ask(read).await? {
            Ok(status) => Ok(Some(status)),
            Err(Refusal::UnknownRoute { .. }) => Ok(None),
            Err(refusal) => Err(refused(&refusal)),
        }
    }
}

#[async_trait]
impl Router for Towpath {
    async fn ensure(&self, desired: &DesiredRoute) -> Result<ObservedRoute, RouterError> {
        let spec = self.spec(desired);
        let (epoch, revision) = (desired.epoch.0, desired.revision.0);
        let apply = |proxy: Handle| {
            let spec = spec.clone();
            async move { proxy.apply(spec, epoch, revision).await }
        };
        let applied = self.connection.ask(apply);
        Ok(observed(&applied.await?.map_err(|refusal| refused(&refusal))?))
    }

    async fn renew(&self, lane: &LaneId, epoch: Epoch, lease: Span) -> Result<(), RouterError> {
        let name = route_name(lane);
        let renew = |proxy: Handle| {
            let name = name.clone();
            async move { proxy.renew(&name, epoch.0, lease.milliseconds()).await }
        };
        let renewed = self.connection.ask(renew);
        renewed.await?.map(drop).map_err(|refusal| refused(&refusal))
    }

    async fn observe(&self, lane: &LaneId) -> Result<Option<ObservedRoute>, RouterError> {
        Ok(self.read(lane).await?.as_ref().map(observed))
    }

    async fn counts(
        &self,
        lane: &LaneId,
    ) -> Result<BTreeMap<PromotionNumber, Counts>, RouterError> {
        let tallies = self.read(lane).await?.map(|status| status.deployments).unwrap_or_default();
        let counts = tallies.into_iter();
        Ok(counts.filter_map(|one| Some((number(&one.deployment)?, one.tally.counts))).collect())
    }

    async fn intervals(
        &self,
        lane: &LaneId,
        since: Timestamp,
    ) -> Result<Vec<Interval>, RouterError> {
        let Some(status) = self.read(lane).await? else { return Ok(Vec::new()) };
        let arms = [&status.spec.default, &status.spec.candidate.map(|candidate| candidate.arm)];
        let arms: Vec<_> =
            arms.into_iter().flatten().filter_map(|arm| number(&arm.deployment)).collect();
        let (name, since) = (route_name(lane), u64::try_from(since.0 / 1000).unwrap_or(0));
        let minutes = |proxy: Handle| {
            let name = name.clone();
            async move { proxy.minutes(&name, since).await }
        };
        let minutes = self.connection.ask(minutes).await?;
        Ok(intervals(&minutes.map_err(|refusal| refused(&refusal))?.buckets, &arms))
    }

    async fn load(&self, lane: &LaneId) -> Result<Option<Load>, RouterError> {
        let Some(status) = self.read(lane).await? else { return Ok(None) };
        let arms = [&status.default, &status.candidate, &status.standby];
        let ready = arms.into_iter().flatten().map(|arm| arm.ready).sum();
        let capacity = status.default.as_ref().map_or(0, |arm| arm.capacity);
        let most = u64::from(status.spec.max_concurrent_requests);
        Ok(Some(Load { in_flight: status.in_flight, most, ready, capacity }))
    }

    async fn watch(&self, lane: &LaneId) -> Result<mpsc::Receiver<RouterNews>, RouterError> {
        let is_known = self.read(lane).await?.is_some();
        let name = route_name(lane);
        if let Some(cut_off) = self.cut_off.of(&name).filter(|_| is_known) {
            let mut items = self.subscribe(&name, Some(cut_off.place)).await?;
            // A proxy that was started anew numbers from 1 again: what it missed is in no stream.
            if news::begin(&mut items).await? == cut_off.place {
                let ends = self.cut_off.for_route(name);
                return Ok(news::go_on(items, cut_off, ends));
            }
        }
        let mut items = self.subscribe(&name, None).await?;
        let mut place = None;
        if is_known {
            // From here on nothing is missed, so the revision read next is not older than the news.
            place = Some(news::begin(&mut items).await?);
        }
        let revision = self.read(lane).await?.map_or(0, |status| status.revision);
        Ok(news::pass_on(items, Revision(revision), place, self.cut_off.for_route(name)))
    }
}

/// The name of a lane's route. Names that are too long for the proxy are cut, and kept apart by
/// their digest.
fn route_name(lane: &LaneId) -> String {
    shortened(&lane.to_string())
}

fn shortened(text: &str) -> String {
    if text.len() <= MAX_NAME_BYTES {
        return text.to_owned();
    }
    let digest = Digest::of(text.as_bytes());
    let kept = text.floor_char_boundary(MAX_NAME_BYTES - digest.short().len() - 1);
    format!("{}~{}", &text[..kept], digest.short())
}

fn arm(deployment: &Deployment) -> ArmSpec {
    let endpoints = deployment.endpoints.iter().map(|endpoint| EndpointSpec {
        id: endpoint.instance.to_string(),
        address: endpoint.address,
    });
    ArmSpec {
        label: shortened(deployment.release.version.as_str()),
        deployment: deployment.number.to_string(),
        capacity: deployment.capacity.max(1),
        endpoints: endpoints.collect(),
    }
}

fn number(deployment: &str) -> Option<PromotionNumber> {
    deployment.parse().ok().map(PromotionNumber)
}

fn observed(status: &RouteStatus) -> ObservedRoute {
    let named = |arm: &Option<ArmStatus>| arm.as_ref().and_then(|arm| number(&arm.deployment));
    let ready = |arm: &Option<ArmStatus>| arm.as_ref().map_or(0, |arm| arm.ready);
    let open = |arm: &Option<ArmStatus>| arm.as_ref().map_or(0, |arm| arm.in_flight);
    let on_arms = open(&status.default) + open(&status.candidate) + open(&status.standby);
    let observed = ObservedRoute {
        held_back: None,
        epoch: Epoch(status.epoch),
        revision: Revision(status.revision),
        default: named(&status.default),
        default_ready: ready(&status.default),
        candidate: named(&status.candidate),
        candidate_ready: ready(&status.candidate),
        weight: Weight::from_basis_points(status.effective_weight_bp).unwrap_or(Weight::FULL),
        lapsed: status.hold == Hold::Lapsed,
        frozen: status.hold == Hold::Frozen,
        lost: status.lost,
        judged: status
            .judged
            .as_ref()
            .and_then(|judged| Some((number(&judged.deployment)?, judged.verdict.clone()))),
        leaving: status.in_flight.saturating_sub(on_arms),
        met: Some(status.deployments.iter().filter_map(met).collect()),
    };
    beside::of_the_lane(status, observed)
}

fn met(one: &DeploymentTally) -> Option<(PromotionNumber, Met)> {
    Some((number(&one.deployment)?, twice::met(&one.tally)))
}

/// What a refusal means to the owner of a lane.
fn refused(refusal: &Refusal) -> RouterError {
    match refusal {
        Refusal::StaleEpoch { current } => RouterError::Stale { current: Epoch(*current) },
        Refusal::NotSaved { .. } | Refusal::ShuttingDown => {
            RouterError::Unavailable(refusal.to_string())
        }
        Refusal::StaleRevision { .. }
        | Refusal::RevisionReused { .. }
        | Refusal::NotApplied { .. }
        | Refusal::Lapsed
        | Refusal::Unhealthy
        | Refusal::NoLease
        | Refusal::UnknownRoute { .. }
        | Refusal::Invalid { .. }
        | Refusal::Listen { .. }
        | Refusal::Certificate { .. } => RouterError::Refused(refusal.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let long = |last: &str| shortened(&format!("{}{last}", "x".repeat(120)));
        assert_ne!(long("a"), long("b"));
        assert!(long("a").len() <= MAX_NAME_BYTES);
        assert_eq!(shortened("api/staging"), "api/staging");
    }

    #[test]
    fn half_a_certificate_and_port_0_are_refused_when_the_matrix_is_checked() {
        let settings = serde_json::json!({ "listen": "127.0.0.1:0", "certificate": "a.pem",
            "pin_header": "a b", "response_timeout": "0s" });
        let problems = towpath_ports::settings::check(&KIND.entry, &settings).unwrap_err();
        let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["listen", "key", "pin_header", "response_timeout"]);
    }

    #[test]
    fn a_certificate_has_one_key_in_a_file_or_a_secret() {
        let found = |more: &[(&str, &str)]| {
            let mut settings = serde_json::json!({ "listen": "127.0.0.1:443" });
            for (key, value) in more {
                settings[*key] = (*value).into();
            }
            let checked = towpath_ports::settings::check(&KIND.entry, &settings);
            checked.err().map(|all| all[0].path.clone())
        };
        let (certificate, key, secret) =
            (("certificate", "a.pem"), ("key", "a.key"), ("key_secret", "TLS_KEY"));
        assert_eq!(found(&[certificate, key]), None);
        assert_eq!(found(&[certificate, secret]), None);
        assert_eq!(found(&[certificate]).as_deref(), Some("key"));
        assert_eq!(found(&[secret]).as_deref(), Some("certificate"));
        assert_eq!(found(&[certificate, key, secret]).as_deref(), Some("key_secret"));
    }
}
