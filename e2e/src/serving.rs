//! A `towpath serve` on the network, and plain questions to it. Owns its end; knows no page.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::towpath;

/// How long it may take until it says where its pages are.
const BEGINS_WITHIN: Duration = Duration::from_secs(20);

/// A server that runs until this is dropped.
pub struct Serving {
    child: Child,
    heard: Receiver<String>,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Serving {
    /// Starts it in `folder` on an address that is free, with these further options.
    ///
    /// # Panics
    /// When it does not say where its pages are.
    pub fn begin(folder: &Path, options: &[&str]) -> Self {
        Self::begin_at(folder, SocketAddr::from(([127, 0, 0, 1], 0)), options)
    }

    /// The same at this address.
    ///
    /// # Panics
    /// When it does not say where its pages are.
    pub fn begin_at(folder: &Path, address: SocketAddr, options: &[&str]) -> Self {
        Self::begin_among(folder, address, options, &[])
    }

    /// The same among these variables.
    ///
    /// # Panics
    /// When it does not say where its pages are.
    pub fn begin_among(
        folder: &Path,
        address: SocketAddr,
        options: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let mut command = Command::new(towpath());
        command.current_dir(folder).args(["serve", "--listen", &address.to_string()]).args(options);
        command.envs(variables.iter().copied());
        command.env_remove("TOWPATH_LISTEN").stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let said = BufReader::new(child.stderr.take().expect("it is piped"));
        let (sender, heard) = channel();
        std::thread::spawn(move || {
            // Read to its end, so that the server never waits for a reader.
            for line in said.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        // From here on it is ended with whatever ends this.
        let mut serving = Self { child, heard, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let mut all = String::new();
        while serving.address.port() == 0 {
            let line = serving.heard.recv_timeout(BEGINS_WITHIN);
            let Ok(line) = line else { panic!("it does not say where its pages are\n{all}") };
            if let Some(address) = line.strip_prefix("pages on ") {
                let host = address.split("//").nth(1).expect("an address").trim_end_matches('/');
                serving.address = host.parse().expect("a host and a port");
            }
            all = all + &line + "\n";
        }
        serving
    }

    /// The next line that it says with these words in it.
    ///
    /// # Panics
    /// When it says none.
    pub fn until_said(&self, words: &str) -> String {
        let mut lines = std::iter::from_fn(|| self.heard.recv_timeout(BEGINS_WITHIN).ok());
        let found = lines.find(|line| line.contains(words));
        found.unwrap_or_else(|| panic!("it never says: {words}"))
    }

    /// The address of the server, or of one project of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The whole answer to a question, with its head; `bearer` is a token, if there is one.
    ///
    /// # Panics
    /// When it is not answered.
    pub fn get(&self, path: &str, bearer: Option<&str>) -> String {
        get(self.address, path, bearer)
    }

    /// The whole answer to bytes that are sent, with its head.
    ///
    /// # Panics
    /// When it is not answered.
    pub fn post(&self, path: &str, bearer: &str, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).expect("somebody listens");
        stream.set_read_timeout(Some(BEGINS_WITHIN)).expect("a limit");
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {bearer}\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).expect("it is taken");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it is answered");
        answer
    }

    /// Ends it as a service manager does, and answers how it ended.
    ///
    /// # Panics
    /// When it cannot be waited for.
    pub fn stop(mut self) -> Option<i32> {
        self.terminate();
        self.child.wait().expect("it is ours").code()
    }

    fn terminate(&self) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // One that has ended already needs no end.
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.terminate();
        let _ = self.child.wait();
    }
}

/// The whole answer to a question, with its head.
///
/// # Panics
/// When it is not answered.
pub fn get(address: SocketAddr, path: &str, bearer: Option<&str>) -> String {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream.set_read_timeout(Some(BEGINS_WITHIN)).expect("a limit");
    let bearer = bearer.map(|token| format!("authorization: Bearer {token}\r\n"));
    let bearer = bearer.unwrap_or_default();
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n{bearer}connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it is answered");
    answer
}
