//! An engine with its journal in PostgreSQL. Owns that this works end to end; what a store promises
//! is tested beside the store.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};
use towpath_e2e::{World, towpath};

const MATRIX: &str = r#"
version: 1
project: soundbite
services:
  api: { purpose: Takes text in and hands out audio jobs }
environments:
  production:
    tier: production
    target: { kind: process, command: ["{artifact}"] }
    router: { kind: towpath, listen: {listen} }
    health: { every: manual, timeout: 5s, retries: 3, endpoints: [/health] }
    rollout: { strategy: all-at-once }
    standby: 1h
"#;

/// A schema of its own on the server that the tests may use; removed when it is dropped.
struct Schema {
    server: String,
    name: String,
}

impl Schema {
    /// None when there is no server.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    fn new() -> Option<Self> {
        let Ok(server) = std::env::var("TOWPATH_TEST_POSTGRES") else {
            let why = "TOWPATH_TEST_POSTGRES names no PostgreSQL server";
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "it must run under CI: {why}");
            eprintln!("skipped: {why}");
            return None;
        };
        let schema = Self { server, name: format!("towpath_e2e_{}", std::process::id()) };
        schema.run(&format!("CREATE SCHEMA {}", schema.name));
        Some(schema)
    }

    fn url(&self) -> String {
        let sign = if self.server.contains('?') { '&' } else { '?' };
        format!("{}{sign}options[search_path]={}", self.server, self.name)
    }

    fn run(&self, sql: &str) {
        block_on(async {
            let mut connection = connect(&self.server).await;
            let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await;
            done.unwrap_or_else(|error| panic!("{sql}: {error}"));
            connection.close().await.expect("it closes");
        });
    }

    fn events(&self) -> i64 {
        block_on(async {
            let mut connection = connect(&self.server).await;
            let sql = format!("SELECT count(*) FROM {}.events", self.name);
            let count = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await;
            count.expect("the journal is in the schema")
        })
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let name = &self.name;
        self.run(&format!("SET client_min_messages = warning; DROP SCHEMA {name} CASCADE"));
    }
}

fn block_on<Output>(work: impl Future<Output = Output>) -> Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work)
}

async fn connect(url: &str) -> AnyConnection {
    sqlx::any::install_default_drivers();
    AnyConnection::connect(url).await.expect("the database is there")
}

fn serve(world: &World, schema: &Schema) -> Child {
    let mut command = Command::new(towpath());
    command.current_dir(world.root()).args(["serve", "--database", &schema.url()]);
    command.args(["--rehearsal", "60x"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the binary starts")
}

#[test]
fn a_promotion_and_a_rollback_are_kept_in_postgresql() {
    let Some(schema) = Schema::new() else { return };
    let world = World::new(MATRIX);
    let mut server = serve(&world, &schema);
    world.until("the server has its socket", Duration::from_secs(20), || {
        world.state().join("engine.sock").exists()
    });
    world.release("1.0.0", &[]);
    world.release("1.1.0", &["TTS_VOICE=bea"]);
    assert_eq!(world.engine(), Some(Pid::from_child(&server)), "the server is the engine");
    for version in ["1.0.0", "1.1.0"] {
        world.must(&["promote", "production", "--release", version, "--yes"], 0);
    }
    world.must(&["rollback", "production", "--reason", "wrong prices"], 0);
    world.must(&["audit", "verify"], 0);
    assert!(schema.events() > 20, "only {} events are in the database", schema.events());
    assert!(!world.state().join("journal.db").exists(), "there is one journal");
    kill_process(Pid::from_child(&server), Signal::TERM).expect("it runs still");
    assert!(server.wait().expect("it can be waited for").success());
    // The next engine finds the same journal without being told where it is.
    let lane = world.lane();
    assert_eq!(lane["serves"]["release"], "1.0.0", "{lane}");
    assert_eq!(lane["quarantined"][0]["release"], "1.1.0", "{lane}");
    world.must(&["promote", "production", "--release", "1.1.0", "--yes"], 3);
    assert!(!world.state().join("journal.db").exists(), "there is one journal");
    world.must(&["engine", "stop"], 0);
}
