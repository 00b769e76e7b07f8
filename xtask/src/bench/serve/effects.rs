//! From a person's yes to what follows from it: the answer, the start that whoever follows hears of, the first
//! line of the release itself. Owns these moments; says nothing about what a rollout takes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::asking::percentile;
use super::project::{ASKS, NEW, Project, Server};
use crate::bench::wire::Line;

/// One after the other.
const TIMES: usize = 50;
/// What takes longer has failed.
const WITHIN: Duration = Duration::from_secs(20);
/// Where.
const SERVICE: &str = "s-02";

/// Orders to a server, each with a key of its own.
pub(super) struct Orders {
    line: Line,
    bearer: String,
    keys: u64,
    name: String,
}

impl Orders {
    /// As whoever runs this, at the machine's socket.
    pub(super) fn of_person(server: &Server, name: &str) -> Result<Self> {
        let line = Line::over_unix(&server.socket)?;
        Ok(Self { line, bearer: String::new(), keys: 0, name: name.to_owned() })
    }

    /// By a token, over TCP.
    pub(super) fn by_token(server: &Server, token: &str, name: &str) -> Result<Self> {
        let line = Line::over_tcp(server.address)?;
        let bearer = format!("Authorization: Bearer {token}\r\n");
        Ok(Self { line, bearer, keys: 0, name: name.to_owned() })
    }

    /// Sends an order, which must be taken.
    pub(super) fn post(&mut self, path: &str, body: &Value) -> Result<Value> {
        self.keys += 1;
        let (body, bearer) = (body.to_string(), &self.bearer);
        let key = format!("{}-{}-{}", std::process::id(), self.name, self.keys);
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\n{bearer}Content-Type: application/json\r\n\
             Idempotency-Key: {key}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.ask(path, request.as_bytes())
    }

    /// Asks a question, which must be answered.
    pub(super) fn get(&mut self, path: &str) -> Result<Value> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\n{}\r\n", self.bearer);
        self.ask(path, request.as_bytes())
    }

    fn ask(&mut self, path: &str, request: &[u8]) -> Result<Value> {
        let (answer, body) = self.line.ask_whole(request)?;
        let said = String::from_utf8_lossy(&body);
        ensure!((200..300).contains(&answer.status), "{path}: {} {said}", answer.status);
        serde_json::from_slice(&body).with_context(|| format!("{path}: {said}"))
    }

    /// Orders a promotion of the new release and answers its number.
    pub(super) fn promote(&mut self, service: &str) -> Result<u64> {
        let order = json!({
            "by": "ci", "release": NEW, "from": null, "plan": null, "accept_unenforced": [], "reason": null,
        });
        let taken = self.post(&format!("/v1/lanes/{service}/{ASKS}/promotions"), &order)?;
        taken["promotion"].as_u64().context("a promotion has a number")
    }

    /// Ends a promotion.
    pub(super) fn abort(&mut self, number: u64) -> Result<()> {
        let order = json!({ "by": "ci", "reason": "measured" });
        self.post(&format!("/v1/promotions/{number}/abort"), &order).map(drop)
    }
}

/// Measures it so many times.
pub(super) fn measure(project: &Project, server: &Server) -> Result<Vec<String>> {
    let heard = starts(project, server)?;
    let mut ci = Orders::by_token(server, &project.promoting, "effects")?;
    let mut ada = Orders::of_person(server, "agreeing")?;
    let (mut answered, mut started, mut ran) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let number = ci.promote(SERVICE)?;
        let plan = ci.get(&format!("/v1/promotions/{number}/plan"))?["plan"].clone();
        // Of the run before.
        let _ = std::fs::remove_file(project.mark());
        let word = json!({ "by": "ada", "agrees": true, "plan": plan, "note": null, "link": null });
        let begun = Instant::now();
        ada.post(&format!("/v1/promotions/{number}/approval"), &word)?;
        answered.push(milliseconds(begun, Instant::now()));
        while !project.mark().exists() {
            ensure!(begun.elapsed() < WITHIN, "promotion {number} starts nothing");
            std::thread::sleep(Duration::from_micros(500));
        }
        ran.push(milliseconds(begun, Instant::now()));
        loop {
            let (own, at) = heard.recv_timeout(WITHIN).context("nobody says that it started")?;
            if own == number {
                started.push(milliseconds(begun, at));
                break;
            }
        }
        ada.post(
            &format!("/v1/promotions/{number}/abort"),
            &json!({ "by": "ada", "reason": "measured" }),
        )?;
        let ended = ada.get(&format!("/v1/promotions/{number}?wait=9s"))?;
        ensure!(!ended["outcome"].is_null(), "promotion {number} does not end: {ended}");
    }
    let line = |what: &str, all: &[f64]| {
        let (p50, p99) = (percentile(all, 50), percentile(all, 99));
        format!("approval until {what}: p50 {p50:.1} ms, p99 {p99:.1} ms of {TIMES}")
    };
    Ok(vec![
        line("it is answered", &answered),
        line("whoever follows hears that the promotion started", &started),
        line("the release's own program runs", &ran),
    ])
}

fn milliseconds(from: Instant, to: Instant) -> f64 {
    to.duration_since(from).as_secs_f64() * 1000.0
}

/// Promotions that start, as one hears who follows.
fn starts(project: &Project, server: &Server) -> Result<Receiver<(u64, Instant)>> {
    let mut stream = TcpStream::connect(server.address)?;
    let request = format!(
        "GET /v1/stream?kinds=promotion-started HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\n\r\n",
        project.looking
    );
    stream.write_all(request.as_bytes())?;
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    while lines.read_line(&mut line)? > 2 {
        ensure!(
            line.starts_with("HTTP/1.1 200") || !line.starts_with("HTTP"),
            "the stream: {line}"
        );
        line.clear();
    }
    let (sender, heard) = channel();
    std::thread::spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            let Some(data) = line.strip_prefix("data: ") else { continue };
            let row: Value = serde_json::from_str(data).unwrap_or_default();
            let Some(number) = row["promotion"].as_u64() else { continue };
            if sender.send((number, Instant::now())).is_err() {
                return;
            }
        }
    });
    Ok(heard)
}
