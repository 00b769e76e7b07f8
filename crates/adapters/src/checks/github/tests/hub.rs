//! A server that answers as GitHub does, in the shapes of its published schema (OpenAPI description of
//! the REST API, version 2022-11-28). Knows only what a test told it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(super) const HEAD: &str = "1111111111111111111111111111111111111111";
pub(super) const MERGED: &str = "2222222222222222222222222222222222222222";
pub(super) const BASE: &str = "3333333333333333333333333333333333333333";
const OLDER: &str = "4444444444444444444444444444444444444444";

type Reply = (u16, Vec<(String, String)>, Vec<u8>);

#[derive(Default)]
struct Told {
    replies: BTreeMap<String, Reply>,
    requests: Vec<String>,
}

/// The server. What it was not told of is not found.
pub(super) struct Hub {
    pub(super) address: SocketAddr,
    told: Arc<Mutex<Told>>,
}

impl Hub {
    /// With the pull request #7 into `main`, open, at [`HEAD`], by carol.
    pub(super) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let told = Arc::new(Mutex::new(Told::default()));
        let shared = Arc::clone(&told);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, Arc::clone(&shared)));
            }
        });
        let hub = Self { address, told };
        hub.has(&[pull(7)]);
        hub
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// These pull requests, among those of [`HEAD`] and of [`MERGED`].
    pub(super) fn has(&self, pulls: &[Value]) {
        for commit in [HEAD, MERGED] {
            self.gives(&format!("commits/{commit}/pulls"), &json!(pulls));
        }
        for pull in pulls {
            self.gives(&format!("pulls/{}", pull["number"]), pull);
        }
    }

    /// Answers `value` to whoever asks for `path` of the repository.
    pub(super) fn gives(&self, path: &str, value: &Value) {
        self.answers(path, 200, &[], &value.to_string());
    }

    /// Answers so to whoever asks for `path` of the repository, or for an absolute path.
    pub(super) fn answers(&self, path: &str, status: u16, headers: &[(&str, &str)], body: &str) {
        let path = match path.strip_prefix('/') {
            Some(_) => path.to_owned(),
            None => format!("/repos/octo/api/{path}"),
        };
        let headers =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let reply = (status, headers, body.as_bytes().to_vec());
        self.told.lock().unwrap().replies.insert(path, reply);
    }

    /// Whatever was asked: the first line of each request and its header with the token.
    pub(super) fn requests(&self) -> Vec<String> {
        self.told.lock().unwrap().requests.clone()
    }
}

async fn serve(mut connection: TcpStream, told: Arc<Mutex<Told>>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0; 1];
        if connection.read_exact(&mut byte).await.is_err() {
            return;
        }
        request.extend_from_slice(&byte);
    }
    let request = String::from_utf8(request).unwrap();
    let target = request.split(' ').nth(1).unwrap().to_owned();
    let token = request.lines().find(|line| line.starts_with("authorization"));
    let reply = {
        let mut told = told.lock().unwrap();
        told.requests.push(format!("{target} {}", token.unwrap_or_default()));
        let path = target.split('?').next().unwrap();
        let page = told.replies.get(&target);
        page.or_else(|| told.replies.get(path)).cloned()
    };
    let not_found = || (404, Vec::new(), refusal("Not Found").into_bytes());
    let (status, headers, body) = reply.unwrap_or_else(not_found);
    if status == 0 {
        std::future::pending::<()>().await;
    }
    let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    head.push_str("connection: close\r\n\r\n");
    let _client_may_be_gone = connection.write_all(&[head.as_bytes(), &body].concat()).await;
}

/// The body of an error ("basic-error").
pub(super) fn refusal(message: &str) -> String {
    json!({ "message": message, "documentation_url": "https://docs.github.com/rest", "status": "0" })
        .to_string()
}

/// "simple-user": people have small numbers, by name.
pub(super) fn user(login: &str) -> Value {
    let id: u64 = login.bytes().map(u64::from).sum();
    let kind = if login.ends_with("[bot]") { "Bot" } else { "User" };
    json!({
        "login": login, "id": id, "node_id": "MDQ6VXNlcjE=", "avatar_url": "", "gravatar_id": "",
        "url": format!("https://api.github.com/users/{login}"), "type": kind, "site_admin": false
    })
}

/// "pull-request", open, with one commit that changes one file.
pub(super) fn pull(number: u64) -> Value {
    json!({
        "url": "", "id": number, "node_id": "", "number": number, "state": "open", "locked": false,
        "title": "Change it", "user": user("carol"), "body": null, "labels": [], "milestone": null,
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
        "closed_at": null, "merged_at": null, "merge_commit_sha": OLDER, "draft": false,
        "head": { "label": "octo:change", "ref": "change", "sha": HEAD, "user": user("carol"),
            "repo": { "id": 1, "full_name": "octo/api" } },
        "base": { "label": "octo:main", "ref": "main", "sha": BASE, "user": user("octo"),
            "repo": { "id": 1, "full_name": "octo/api" } },
        "author_association": "MEMBER", "auto_merge": null,
        "merged": false, "mergeable": true, "commits": 1, "additions": 1, "deletions": 0,
        "changed_files": 1
    })
}

/// The same, merged as [`MERGED`].
pub(super) fn merged(number: u64) -> Value {
    let mut pull = pull(number);
    pull["state"] = json!("closed");
    pull["merged_at"] = json!("2026-01-02T00:00:00Z");
    pull["closed_at"] = pull["merged_at"].clone();
    pull["merge_commit_sha"] = json!(MERGED);
    pull
}

/// "pull-request-review" of the newest commit by a member.
pub(super) fn review(login: &str, state: &str) -> Value {
    json!({
        "id": 80, "node_id": "", "user": user(login), "body": "", "state": state,
        "html_url": "", "pull_request_url": "", "submitted_at": "2026-01-01T00:00:00Z",
        "commit_id": HEAD, "author_association": "MEMBER"
    })
}

/// The same, of a commit before.
pub(super) fn stale(login: &str) -> Value {
    let mut review = review(login, "APPROVED");
    review["commit_id"] = json!(OLDER);
    review
}

/// The same, by somebody who stands so to the repository.
pub(super) fn by_a(association: &str, login: &str, state: &str) -> Value {
    let mut review = review(login, state);
    review["author_association"] = json!(association);
    review
}

/// A page of "check-run".
pub(super) fn runs(all: &[(&str, &str, Option<&str>)]) -> Value {
    let run = |(name, status, conclusion): &(&str, &str, Option<&str>)| {
        json!({
            "id": 4, "head_sha": HEAD, "node_id": "", "external_id": "", "url": "", "html_url": "",
            "details_url": "", "status": status, "conclusion": conclusion,
            "started_at": "2026-01-01T00:00:00Z", "completed_at": null,
            "output": { "title": null, "summary": null, "text": null, "annotations_count": 0,
                "annotations_url": "" },
            "name": name, "check_suite": { "id": 5 }, "app": { "id": 1, "slug": "github-actions" },
            "pull_requests": []
        })
    };
    json!({ "total_count": all.len(), "check_runs": all.iter().map(run).collect::<Vec<_>>() })
}

/// "combined-commit-status".
pub(super) fn statuses(all: &[(&str, &str)]) -> Value {
    let status = |(context, state): &(&str, &str)| {
        json!({ "url": "", "avatar_url": "", "id": 1, "node_id": "", "state": state,
            "description": null, "target_url": "", "context": context,
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z" })
    };
    json!({ "state": "success", "statuses": all.iter().map(status).collect::<Vec<_>>(),
        "sha": HEAD, "total_count": all.len(), "repository": { "id": 1 }, "commit_url": "", "url": "" })
}

/// "git-commit".
pub(super) fn object(sha: &str, tree: &str, verified: bool) -> Value {
    let who = json!({ "date": "2026-01-01T00:00:00Z", "name": "Carol", "email": "c@example.com" });
    json!({ "sha": sha, "node_id": "", "url": "", "author": who, "committer": who, "message": "x",
        "tree": { "sha": tree, "url": "" }, "parents": [], "html_url": "",
        "verification": verification(verified) })
}

/// An item of the commits of a pull request ("commit").
pub(super) fn listed(sha: &str, verified: bool) -> Value {
    json!({ "url": "", "sha": sha, "node_id": "", "html_url": "", "comments_url": "",
        "commit": { "url": "", "author": null, "committer": null, "message": "x",
            "comment_count": 0, "tree": { "sha": BASE, "url": "" },
            "verification": verification(verified) },
        "author": user("carol"), "committer": user("web-flow"), "parents": [] })
}

fn verification(verified: bool) -> Value {
    let reason = if verified { "valid" } else { "unsigned" };
    json!({ "verified": verified, "reason": reason, "signature": null, "payload": null,
        "verified_at": null })
}

/// "diff-entry".
pub(super) fn file(name: &str) -> Value {
    json!({ "sha": BASE, "filename": name, "status": "modified", "additions": 1, "deletions": 0,
        "changes": 1, "blob_url": "", "raw_url": "", "contents_url": "", "patch": "@@" })
}
