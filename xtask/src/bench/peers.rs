//! What the proxy is measured beside: Debian's nginx and HAProxy, set up to do the same work for a
//! request, and the trivial upstreams behind all of them. Touches no service of the machine.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};

use super::running::{Running, free_address};

/// What every upstream answers: some 100 bytes.
const BODY: &str = "A small answer as services give them all day long: a status, an id, a word, \
    and one hundred bytes all told.";

/// More than any run makes on one connection.
const REQUESTS_PER_CONNECTION: u64 = 1_000_000_000;

/// Two upstreams in one process that answer at once, on `core`.
///
/// # Errors
/// When nginx is not installed or does not come up.
pub(super) fn upstreams(core: usize, folder: &Path) -> Result<(Running, [SocketAddr; 2])> {
    let addresses = [free_address()?, free_address()?];
    let mut servers = String::new();
    for address in addresses {
        writeln!(servers, "server {{ listen {address}; return 200 '{BODY}'; }}")?;
    }
    let mut running = nginx(core, &folder.join("upstreams"), &servers)?;
    running.until_listening(addresses[0])?;
    Ok((running, addresses))
}

/// nginx as a proxy before `arms` with weights 90:10, one worker on `core`.
///
/// # Errors
/// When it is not installed or does not come up.
pub(super) fn nginx_proxy(
    core: usize,
    folder: &Path,
    arms: [SocketAddr; 2],
) -> Result<(Running, SocketAddr)> {
    let listen = free_address()?;
    let [blue, green] = arms;
    let text = format!(
        "upstream arms {{
            random;
            server {blue} weight=90;
            server {green} weight=10;
            keepalive 256;
            keepalive_requests {REQUESTS_PER_CONNECTION};
        }}
        server {{
            listen {listen};
            location / {{
                proxy_pass http://arms;
                proxy_http_version 1.1;
                proxy_set_header Connection '';
                proxy_set_header Host $http_host;
                proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                proxy_set_header X-Forwarded-Proto $scheme;
                proxy_set_header X-Forwarded-Host $http_host;
            }}
        }}"
    );
    let mut running = nginx(core, &folder.join("nginx"), &text)?;
    running.until_listening(listen)?;
    Ok((running, listen))
}

/// HAProxy before `arms` with weights 90:10, one thread on `core`.
///
/// # Errors
/// When it is not installed or does not come up.
pub(super) fn haproxy(
    core: usize,
    folder: &Path,
    arms: [SocketAddr; 2],
) -> Result<(Running, SocketAddr)> {
    let listen = free_address()?;
    let [blue, green] = arms;
    let text = format!(
        "global
    nbthread 1
    maxconn 4096
defaults
    mode http
    timeout connect 3s
    timeout client 60s
    timeout server 60s
    http-reuse always
    option forwardfor
frontend visitors
    bind {listen}
    http-request set-header X-Forwarded-Proto http
    http-request set-header X-Forwarded-Host %[req.hdr(host)]
    default_backend arms
backend arms
    balance random
    server blue {blue} weight 90
    server green {green} weight 10
"
    );
    let file = folder.join("haproxy.cfg");
    std::fs::write(&file, text)?;
    let file = file.to_str().context("a temporary folder has a plain name")?;
    let mut running = Running::start(Some(core), "haproxy", &["-db", "-q", "-f", file])?;
    running.until_listening(listen)?;
    Ok((running, listen))
}

/// One nginx with one worker, in the foreground, with `servers` and everything else in `folder`.
fn nginx(core: usize, folder: &Path, servers: &str) -> Result<Running> {
    std::fs::create_dir_all(folder)?;
    let place = folder.display();
    let mut text = format!(
        "daemon off; worker_processes 1; pid {place}/pid; error_log {place}/error.log warn;
        events {{ worker_connections 4096; }}
        http {{
        access_log off;
        keepalive_requests {REQUESTS_PER_CONNECTION};
        "
    );
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        writeln!(text, "{kind}_temp_path {place}/{kind};")?;
    }
    writeln!(text, "{servers}\n}}")?;
    let file = folder.join("nginx.conf");
    std::fs::write(&file, text)?;
    let file = file.to_str().context("a temporary folder has a plain name")?;
    Running::start(Some(core), "nginx", &["-e", &format!("{place}/error.log"), "-c", file])
}
