//! Router `towpath` with a real proxy process: what it promises about lanes, and that the proxy is
//! one, is found again, and is replaced when it is killed.

#![expect(clippy::unwrap_used, reason = "all of it is tests")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use towpath_adapters::artifacts::Artifacts;
use towpath_adapters::routers;
use towpath_core::deployment::{Deployment, Endpoint};
use towpath_core::ids::{Digest, Epoch, LaneId, Name, PromotionNumber, Revision, Version};
use towpath_core::matrix::Rescue;
use towpath_core::release::ReleaseRef;
use towpath_core::units::{Span, Timestamp, Weight};
use towpath_guard::{Policy, Standing};
use towpath_ports::router::{
    Candidate, DesiredRoute, GuardOrder, HeldBackArm, Met, Router, RouterError, RouterNews,
};
use towpath_ports::{Family, Site, settings};
use towpath_testkit::loopback::free_address;

/// Far above what anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

struct World {
    folder: tempfile::TempDir,
    listen: SocketAddr,
}

impl World {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), listen: free_address() }
    }

    fn router(&self) -> Arc<dyn Router> {
        let state = self.folder.path().join("state");
        let site = Site {
            root: self.folder.path().to_owned(),
            artifacts: Arc::new(Artifacts::new(&state)),
            state,
            program: PathBuf::from(env!("CARGO_BIN_EXE_adapters-test-program")),
            speed: 1,
        };
        let catalogue = towpath_adapters::catalogue();
        let entry = catalogue.find(Family::Router, "towpath").unwrap();
        let checked =
            settings::check(entry, &json!({ "listen": self.listen.to_string() })).unwrap();
        towpath_adapters::build(routers::KINDS, "towpath", &checked, &site).unwrap()
    }

    fn proxy(&self) -> i32 {
        let record = std::fs::read(self.folder.path().join("state/proxy/proxy.pid")).unwrap();
        let record: Value = serde_json::from_slice(&record).unwrap();
        i32::try_from(record["pid"].as_i64().unwrap()).unwrap()
    }

    /// Proxies that serve this world's folder.
    fn proxies(&self) -> Vec<i32> {
        let folder = self.folder.path().to_string_lossy().into_owned();
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            if line.contains("\0proxy\0") && line.contains(&folder) {
                found.extend(entry.file_name().to_string_lossy().parse::<i32>().ok());
            }
        }
        found
    }

    async fn visit(&self) -> String {
        self.visit_asking_for("nobody").await
    }

    /// With the header by which a tester chooses the arm.
    async fn visit_asking_for(&self, arm: &str) -> String {
        let request = reqwest::Client::new().get(format!("http://{}/", self.listen));
        let answer = request.header("x-towpath-arm", arm).send().await.unwrap();
        format!("{} {}", answer.status().as_u16(), answer.text().await.unwrap())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for pid in self.proxies() {
            kill(pid);
        }
    }
}

fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    let _gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

/// A server of its own that answers `body` to everything.
fn server(body: &'static str) -> SocketAddr {
    answering("200 OK", body)
}

/// A server of its own that fails everything.
fn failing() -> SocketAddr {
    answering("500 Internal Server Error", "no")
}

fn answering(status: &'static str, body: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let _read = connection.read(&mut [0; 4096]);
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            let _written = connection.write_all(answer.as_bytes());
        }
    });
    address
}

fn lane() -> LaneId {
    LaneId { service: Name::new("api").unwrap(), environment: Name::new("staging").unwrap() }
}

fn deployment(number: u64, address: SocketAddr) -> Deployment {
    let version = Version::new(&format!("1.{number}.0")).unwrap();
    Deployment {
        number: PromotionNumber(number),
        release: ReleaseRef { version, digest: Digest::of(b"release") },
        capacity: 1,
        endpoints: vec![Endpoint { instance: 1, address }],
    }
}

fn route(revision: u64, default: Option<Deployment>) -> DesiredRoute {
    DesiredRoute {
        lane: lane(),
        epoch: Epoch(2),
        revision: Revision(revision),
        default,
        candidate: None,
        held_back: None,
        guard: None,
        drain: Span::seconds(1),
        interval: Span::minutes(1),
    }
}

#[tokio::test]
async fn a_lane_is_routed_shifted_and_counted() {
    let world = World::new();
    let router = world.router();
    assert_eq!(router.observe(&lane()).await.unwrap(), None);
    router.ensure(&route(1, None)).await.unwrap();
    assert!(world.visit().await.starts_with("503 "));
    let (blue, green) = (deployment(6, server("blue")), deployment(7, server("green")));
    router.ensure(&route(2, Some(blue.clone()))).await.unwrap();
    assert_eq!(world.visit().await, "200 blue");
    let mut shifted = route(3, Some(blue));
    shifted.candidate = Some(Candidate {
        deployment: green,
        weight: Weight::FULL,
        lease: Some(Span::seconds(30)),
        freeze_on_silence: false,
        rescue: None,
        mirror: None,
    });
    let mut news = router.watch(&lane()).await.unwrap();
    let observed = router.ensure(&shifted).await.unwrap();
    assert_eq!(router.ensure(&shifted).await.unwrap().revision, observed.revision, "repeated");
    assert_eq!(
        (observed.default, observed.candidate),
        (Some(PromotionNumber(6)), Some(PromotionNumber(7)))
    );
    assert_eq!((observed.weight, observed.candidate_ready, observed.lost), (Weight::FULL, 1, 0));
    router.renew(&lane(), Epoch(2), Span::seconds(30)).await.unwrap();
    assert_eq!(world.visit().await, "200 green");
    let told = tokio::time::timeout(PATIENCE, news.recv()).await.unwrap().unwrap();
    let RouterNews::Outcomes(told) = told else { panic!("{told:?}") };
    assert_eq!(told.iter().map(|(deployment, _)| deployment.0).collect::<Vec<_>>(), [7]);
    let counts = router.counts(&lane()).await.unwrap();
    assert_eq!(
        (counts[&PromotionNumber(6)].requests, counts[&PromotionNumber(7)].requests),
        (1, 1)
    );
    let intervals = router.intervals(&lane(), Timestamp(0)).await.unwrap();
    let requests: u64 = intervals.iter().map(|interval| interval.counts.requests).sum();
    assert_eq!(requests, 2, "{intervals:?}");
}

#[tokio::test]
async fn what_the_candidate_fails_is_served_again_where_the_rules_say_so() {
    let world = World::new();
    let router = world.router();
    let (blue, green) = (deployment(6, server("blue")), deployment(7, failing()));
    let mut lent = route(1, Some(blue));
    let mut coming = Candidate {
        deployment: green,
        weight: Weight::FULL,
        lease: None,
        freeze_on_silence: false,
        rescue: None,
        mirror: None,
    };
    lent.candidate = Some(coming.clone());
    router.ensure(&lent).await.unwrap();
    assert_eq!(world.visit().await, "500 no");
    coming.rescue = Some(Rescue {
        except: vec!["/checkout".into()],
        methods: Vec::new(),
        body_bytes: 65_536,
        within: Span::seconds(2),
        hedge: false,
    });
    lent.candidate = Some(coming);
    lent.revision = Revision(2);
    router.ensure(&lent).await.unwrap();
    assert_eq!(world.visit().await, "200 blue");
    let met = router.observe(&lane()).await.unwrap().unwrap().met.unwrap();
    assert_eq!(met[&PromotionNumber(7)], Met { harmed: 1, rescued: 1, ..Met::default() });
    let counts = router.counts(&lane()).await.unwrap();
    assert_eq!(counts[&PromotionNumber(7)].failed, 2, "the first attempt is the evidence");
    assert!(!counts.contains_key(&PromotionNumber(6)), "{counts:?}");
}

/// After commit 7 serves and 6 keeps half; 7 is judged.
fn committed(revision: u64, serves: &Deployment, kept: &Deployment, acts: bool) -> DesiredRoute {
    let policy = Policy { warm_up_us: 0, client_window_us: None, ..Policy::default() };
    let share = Weight::from_basis_points(5_000).unwrap();
    DesiredRoute {
        held_back: Some(HeldBackArm { deployment: kept.clone(), share, acts, rescue: None }),
        guard: Some(GuardOrder { subject: serves.number, policy, client: None }),
        ..route(revision, Some(serves.clone()))
    }
}

#[tokio::test]
async fn what_is_held_back_gets_everything_once_what_serves_is_condemned_and_the_matrix_lets_it() {
    let world = World::new();
    let router = world.router();
    let (old, new) = (deployment(6, server("old")), deployment(7, failing()));
    let half = Weight::from_basis_points(5_000).unwrap();
    let told = router.ensure(&committed(1, &new, &old, false)).await.unwrap();
    assert_eq!((told.default, told.held_back), (Some(new.number), Some(old.number)));
    assert_eq!((told.candidate, told.weight, told.default_ready), (None, half, 1));
    let is_condemned = async || {
        let observed = router.observe(&lane()).await.unwrap().unwrap();
        let standing = observed.judged.as_ref().map(|(_, verdict)| verdict.standing);
        (standing == Some(Standing::Unhealthy)).then_some(observed)
    };
    let mut asked = 0;
    while is_condemned().await.is_none() {
        world.visit().await;
        asked += 1;
        assert!(asked < 500, "half of the requests fail, all of them on one arm");
    }
    assert_eq!(is_condemned().await.unwrap().weight, half, "a person is asked first");
    let observed = router.ensure(&committed(2, &new, &old, true)).await.unwrap();
    assert_eq!((observed.default, observed.weight), (Some(new.number), Weight::ZERO));
    for _ in 0..20 {
        assert_eq!(world.visit().await, "200 old");
    }
    let ended = router.ensure(&route(3, Some(new))).await;
    assert!(matches!(ended, Err(RouterError::Refused(_))), "{ended:?}");
    router.ensure(&route(4, Some(old))).await.unwrap();
    assert_eq!(world.visit().await, "200 old");
}

#[tokio::test]
async fn what_is_held_back_without_a_share_only_answers_what_the_other_fails() {
    let world = World::new();
    let router = world.router();
    let (old, new) = (deployment(6, server("old")), deployment(7, failing()));
    let mut desired = committed(1, &new, &old, true);
    if let Some(held) = &mut desired.held_back {
        held.share = Weight::ZERO;
        held.rescue = Some(Rescue {
            except: Vec::new(),
            methods: Vec::new(),
            body_bytes: 65_536,
            within: Span::seconds(2),
            hedge: false,
        });
    }
    let told = router.ensure(&desired).await.unwrap();
    assert_eq!((told.default, told.held_back), (Some(new.number), Some(old.number)));
    assert_eq!((told.candidate, told.weight, told.leaving), (None, Weight::FULL, 0));
    for _ in 0..20 {
        assert_eq!(world.visit().await, "200 old");
    }
    assert_eq!(world.visit_asking_for("blue").await, "500 no", "a tester meets what serves");
    let observed = router.observe(&lane()).await.unwrap().unwrap();
    let met = observed.met.unwrap();
    assert_eq!(met[&new.number], Met { harmed: 0, rescued: 20, ..Met::default() });
    assert!(!met.contains_key(&old.number), "{met:?}");
    assert_eq!(observed.weight, Weight::FULL, "nothing was taken from what serves");
    let ended = router.ensure(&route(2, Some(new))).await.unwrap();
    assert_eq!((ended.held_back, ended.weight), (None, Weight::ZERO));
    assert_eq!(world.visit().await, "500 no");
}

#[tokio::test]
async fn an_older_owner_is_told_who_owns_the_lane() {
    let world = World::new();
    let router = world.router();
    router.ensure(&route(5, None)).await.unwrap();
    let mut older = route(9, None);
    older.epoch = Epoch(1);
    let answer = router.ensure(&older).await;
    assert!(matches!(answer, Err(RouterError::Stale { current: Epoch(2) })), "{answer:?}");
    let answer = router.renew(&lane(), Epoch(1), Span::seconds(1)).await;
    assert!(matches!(answer, Err(RouterError::Stale { .. })), "{answer:?}");
    assert!(matches!(router.ensure(&route(4, None)).await, Err(RouterError::Refused(_))));
}

#[tokio::test]
async fn a_lapse_is_told_with_its_revision() {
    let world = World::new();
    let router = world.router();
    let (blue, green) = (deployment(6, server("blue")), deployment(7, server("green")));
    let mut lent = route(1, Some(blue));
    lent.candidate = Some(Candidate {
        deployment: green,
        weight: Weight::FULL,
        lease: Some(Span(300)),
        freeze_on_silence: false,
        rescue: None,
        mirror: None,
    });
    router.ensure(&route(0, None)).await.unwrap();
    let mut news = router.watch(&lane()).await.unwrap();
    router.ensure(&lent).await.unwrap();
    let told = tokio::time::timeout(PATIENCE, news.recv()).await.unwrap();
    assert_eq!(told, Some(RouterNews::Lapsed(Revision(1))));
    let observed = router.observe(&lane()).await.unwrap().unwrap();
    assert!(observed.lapsed && observed.weight == Weight::ZERO);
}

#[tokio::test]
async fn a_watch_that_was_cut_off_goes_on_where_it_was_and_begins_anew_with_a_new_proxy() {
    let world = World::new();
    let router = world.router();
    router.ensure(&route(1, Some(deployment(6, server("blue"))))).await.unwrap();
    let relay = Relay::before(&world);
    let mut news = router.watch(&lane()).await.unwrap();
    world.visit().await;
    assert_eq!(outcomes(&mut news, 1).await, 1);
    relay.cut();
    while news.recv().await.is_some() {}
    for _ in 0..3 {
        world.visit().await;
    }
    let mut news = router.watch(&lane()).await.unwrap();
    assert_eq!(news.try_recv(), Ok(RouterNews::Resumed));
    assert_eq!(outcomes(&mut news, 3).await, 3, "what happened while nobody listened");
    kill(world.proxy());
    relay.cut();
    while news.recv().await.is_some() {}
    relay.end();
    router.observe(&lane()).await.unwrap();
    let mut news = router.watch(&lane()).await.unwrap();
    world.visit().await;
    assert_eq!(outcomes(&mut news, 1).await, 1, "not resumed: only what happens now");
}

/// Takes at least so many outcomes, and says how many they were.
async fn outcomes(news: &mut tokio::sync::mpsc::Receiver<RouterNews>, least: usize) -> usize {
    let mut taken = 0;
    while taken < least {
        match tokio::time::timeout(PATIENCE, news.recv()).await.unwrap().unwrap() {
            RouterNews::Outcomes(told) => taken += told.len(),
            other => panic!("{other:?}"),
        }
    }
    taken
}

/// Stands at the proxy's control address and passes everything on, until it is cut.
struct Relay {
    accepting: tokio::task::JoinHandle<()>,
    pairs: Arc<std::sync::Mutex<Vec<tokio::task::JoinHandle<()>>>>,
}

impl Relay {
    fn before(world: &World) -> Self {
        let folder = world.folder.path().join("state/proxy");
        let (front, behind) = (folder.join(towpath_proxy::SOCKET_NAME), folder.join("behind"));
        std::fs::rename(&front, &behind).unwrap();
        let listener = tokio::net::UnixListener::bind(&front).unwrap();
        let pairs: Arc<std::sync::Mutex<Vec<_>>> = Arc::default();
        let kept = Arc::clone(&pairs);
        let accepting = tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let Ok(mut to) = tokio::net::UnixStream::connect(&behind).await else { continue };
                kept.lock().unwrap().push(tokio::spawn(async move {
                    let _cut = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                }));
            }
        });
        Self { accepting, pairs }
    }

    /// All connections through it are lost; new ones are taken.
    fn cut(&self) {
        self.pairs.lock().unwrap().drain(..).for_each(|pair| pair.abort());
    }

    /// It is not there any more.
    fn end(self) {
        self.accepting.abort();
        self.cut();
    }
}

#[tokio::test]
async fn many_callers_share_one_proxy_and_a_killed_one_is_replaced() {
    let world = World::new();
    let routers: Vec<_> = (0..6).map(|_| world.router()).collect();
    let blue = route(1, Some(deployment(6, server("blue"))));
    let calls = routers.iter().map(|router| router.ensure(&blue));
    for answer in futures_util::future::join_all(calls).await {
        answer.unwrap();
    }
    let first = world.proxy();
    kill(first);
    let observed = routers[3].observe(&lane()).await.unwrap().unwrap();
    assert_eq!(observed.default, Some(PromotionNumber(6)), "the table survived");
    assert_ne!(world.proxy(), first);
    assert_eq!(world.visit().await, "200 blue");
    routers[0].ensure(&blue).await.unwrap();
    assert_eq!(world.proxies(), [world.proxy()]);
}

#[tokio::test]
async fn an_address_that_is_taken_is_refused_with_the_reason() {
    let world = World::new();
    let taken = TcpListener::bind(world.listen).unwrap();
    let answer = world.router().ensure(&route(1, None)).await;
    let Err(RouterError::Refused(reason)) = answer else { panic!("{answer:?}") };
    assert!(reason.contains(&world.listen.to_string()), "{reason}");
    drop(taken);
    world.router().ensure(&route(1, None)).await.unwrap();
}

#[tokio::test]
async fn a_proxy_that_cannot_start_is_an_error_with_its_own_reason() {
    let world = World::new();
    let state = world.folder.path().join("state/proxy");
    // Where its socket belongs stands a folder that is not empty.
    std::fs::create_dir_all(state.join(towpath_proxy::SOCKET_NAME).join("x")).unwrap();
    let error = world.router().observe(&lane()).await.unwrap_err();
    let wanted = format!("it ended at once: proxy {}: ", state.display());
    assert!(error.to_string().contains(&wanted), "{error}");
}
