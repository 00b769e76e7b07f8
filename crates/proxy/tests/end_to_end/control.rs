//! What owners may ask: epochs, repetition, refusals that change nothing, several routes.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use towpath_proxy::{
    Handle, HandleError, Options, PROCESS_NAME, ProcessRecord, Proxy, Refusal, RouteEvent,
    StreamItem,
};

use crate::loopback::{
    Crowd, PATIENCE, Upstream, Visitor, arm, candidate, connect, new_proxy, route, start_proxy,
    until_item,
};

fn refusal<T: std::fmt::Debug>(result: Result<T, HandleError>) -> Refusal {
    match result.unwrap_err() {
        HandleError::Refused(refusal) => refusal,
        gone @ HandleError::Disconnected { .. } => panic!("{gone}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_former_owner_moves_nothing() {
    let (blue, green) = (Upstream::start("blue").await, Upstream::start("green").await);
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = route("api/production");
    spec.default = Some(arm("blue", &[blue.address]));
    let first = handle.apply(spec.clone(), 2, 1).await.unwrap();
    let again = handle.apply(spec.clone(), 2, 1).await.unwrap();
    assert_eq!((again.revision, &again.last_switch), (1, &first.last_switch));

    let mut other = spec.clone();
    other.default = Some(arm("green", &[green.address]));
    let answers = [
        refusal(handle.apply(other.clone(), 1, 9).await),
        refusal(handle.apply(other.clone(), 2, 0).await),
        refusal(handle.apply(other.clone(), 2, 1).await),
        refusal(handle.renew(&spec.name, 1, 1000).await),
        refusal(handle.renew(&spec.name, 2, 1000).await),
        refusal(handle.renew("nowhere", 2, 1000).await),
    ];
    let stale = Refusal::StaleEpoch { current: 2 };
    let expected = [
        stale.clone(),
        Refusal::StaleRevision { current: 1 },
        Refusal::RevisionReused { current: 1 },
        stale,
        Refusal::NoLease,
        Refusal::UnknownRoute { name: "nowhere".into() },
    ];
    assert_eq!(answers, expected);
    assert_eq!(Visitor::new(spec.listen).text("/").await, "blue");

    let removed = refusal(handle.remove(&spec.name, 1).await);
    assert_eq!(removed, Refusal::StaleEpoch { current: 2 });
    handle.remove(&spec.name, 3).await.unwrap();
    handle.remove(&spec.name, 3).await.unwrap();
    assert_eq!(refusal(handle.apply(other, 2, 9).await), Refusal::StaleEpoch { current: 3 });
    handle.apply(spec.clone(), 3, 1).await.expect("its address is free again");
    assert_eq!(Visitor::new(spec.listen).text("/").await, "blue");
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_served_is_refused_and_changes_nothing() {
    let blue = Upstream::start("blue").await;
    let (directory, proxy, handle) = new_proxy().await;
    let mut spec = route("api/production");
    spec.default = Some(arm("blue", &[blue.address]));
    handle.apply(spec.clone(), 1, 1).await.unwrap();

    let mut taken = route("api/staging");
    taken.listen = blue.address;
    assert!(matches!(refusal(handle.apply(taken, 1, 1).await), Refusal::Listen { .. }));
    let mut shared = route("api/staging");
    shared.listen = spec.listen;
    let reason = refusal(handle.apply(shared, 1, 1).await).to_string();
    assert!(reason.contains("api/production"), "{reason}");
    let mut insecure = spec.clone();
    insecure.tls = Some(towpath_proxy::TlsFiles { certificate: "/x".into(), key: "/y".into() });
    assert!(matches!(refusal(handle.apply(insecure, 1, 2).await), Refusal::Certificate { .. }));
    let mut heavy = spec.clone();
    heavy.candidate = Some(candidate(arm("green", &[]), 10_001, None));
    assert!(matches!(refusal(handle.apply(heavy, 1, 2).await), Refusal::Invalid { .. }));

    // A directory in the way of the temporary file stands for a disk that takes nothing.
    let blocked = directory.path().join("routes/api_2fproduction.json.tmp");
    std::fs::create_dir(&blocked).unwrap();
    let mut changed = spec.clone();
    changed.default = None;
    let unsaved = refusal(handle.apply(changed.clone(), 1, 2).await);
    assert!(matches!(unsaved, Refusal::NotSaved { .. }), "{unsaved}");
    assert_eq!(handle.read(&spec.name).await.unwrap().revision, 1);
    assert_eq!(Visitor::new(spec.listen).text("/").await, "blue");
    std::fs::remove_dir(&blocked).unwrap();
    assert_eq!(handle.apply(changed, 1, 2).await.unwrap().revision, 2);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_moves_to_another_port_without_losing_anybody() {
    let blue = Upstream::start("blue").await;
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = route("api/production");
    spec.default = Some(arm("blue", &[blue.address]));
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    let old = spec.listen;
    let slow = tokio::spawn(async move { Visitor::new(old).text("/slow").await });
    crate::loopback::until("the slow request to arrive", || blue.served() == 1).await;
    spec.listen = towpath_testkit::loopback::free_address();
    handle.apply(spec.clone(), 1, 2).await.unwrap();
    assert_eq!(Visitor::new(spec.listen).text("/").await, "blue");
    assert_eq!(slow.await.unwrap(), "blue");
    let limit = tokio::time::Instant::now() + PATIENCE;
    while TcpStream::connect(old).await.is_ok() {
        assert!(tokio::time::Instant::now() < limit, "the old port stays open");
    }
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_comes_back_to_where_it_was() {
    let (blue, green) = (Upstream::start("blue").await, Upstream::start("green").await);
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = route("api/production");
    spec.default = Some(arm("blue", &[blue.address]));
    spec.candidate = Some(candidate(arm("green", &[green.address]), 5000, None));
    // Nobody knows the route yet; it joins when it comes.
    let mut early = handle.subscribe(&BTreeMap::from([(spec.name.clone(), None)])).await.unwrap();
    let mut place = handle.apply(spec.clone(), 1, 1).await.unwrap().stream;
    until_item(&mut early, |item| matches!(item, StreamItem::Started { .. })).await;
    let mut orders = Vec::new();
    for _ in 0..5 {
        let crowd = Crowd::gather(spec.listen, 2, "/");
        crowd.pass(100).await;
        let wanted = BTreeMap::from([(spec.name.clone(), Some(place))]);
        let mut stream = handle.subscribe(&wanted).await.unwrap();
        until_item(&mut stream, |item| match item {
            StreamItem::Outcomes(batch) => {
                assert_eq!(batch.first_sequence, place.sequence);
                place.sequence += batch.outcomes.len() as u64;
                orders.extend(batch.outcomes.iter().map(|outcome| outcome.order));
                true
            }
            _ => false,
        })
        .await;
        let (_, losses) = crowd.leave().await;
        assert_eq!(losses, Vec::<String>::new());
    }
    let count = orders.len();
    orders.sort_unstable();
    orders.dedup();
    assert!(count >= 400 && orders.len() == count, "{count} of which {} differ", orders.len());
    handle.apply(spec.clone(), 1, 2).await.unwrap();
    let applied = until_item(&mut early, |item| matches!(item, StreamItem::Event { .. })).await;
    let StreamItem::Event { event, .. } = applied else { unreachable!() };
    assert_eq!(event, RouteEvent::Applied { epoch: 1, revision: 2 });
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_has_one_proxy_and_its_socket_is_private() {
    let directory = tempfile::tempdir().unwrap();
    let proxy = start_proxy(directory.path());
    let mode = std::fs::metadata(proxy.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let record = std::fs::read(directory.path().join(PROCESS_NAME)).unwrap();
    let record: ProcessRecord = serde_json::from_slice(&record).unwrap();
    assert_eq!(record.pid, std::process::id());
    assert!(record.start_ticks > 0 && !record.boot_id.is_empty());
    let error = Proxy::start(Options::new(directory.path())).unwrap_err().to_string();
    assert!(error.contains("another proxy"), "{error}");
    Handle::connect(proxy.socket()).await.expect("the first one is untouched");
    proxy.stop().await;
    start_proxy(directory.path()).stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_and_endless_lines_are_answered_and_do_no_harm() {
    let (_directory, proxy, handle) = new_proxy().await;
    let mut client = UnixStream::connect(proxy.socket()).await.unwrap();
    client.write_all(b"{\"dance\":{}}\n").await.unwrap();
    let mut answer = vec![0; 4096];
    let count = client.read(&mut answer).await.unwrap();
    let text = String::from_utf8_lossy(&answer[..count]).into_owned();
    assert!(text.contains("not understood"), "{text}");
    let endless = vec![b'x'; 3 << 20];
    // The proxy may hang up before everything is written.
    let _written = client.write_all(&endless).await;
    let mut rest = Vec::new();
    let _read = tokio::time::timeout(PATIENCE, client.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(handle.read_all().await.unwrap().routes, Vec::new());
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_path_to_the_state_directory_is_no_obstacle() {
    let directory = tempfile::tempdir().unwrap();
    let long = directory.path().join("x".repeat(120));
    let proxy = start_proxy(&long);
    let handle = connect(&proxy).await;
    assert_eq!(handle.read_all().await.unwrap().routes, Vec::new());
    proxy.stop().await;
}
